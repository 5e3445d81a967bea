//! Computes segment times from a SegmentTimeline (§ 5.3.9.6) or from a constant duration (§ 5.3.9.2).

use super::{
    inheritance::{attribute, child, number},
    reader::Unsupported,
};
use crate::media::{number::digits, segments::SegmentRun, xml::Element};

/// The fraction of a segment that may remain between the last segment and the end of the period because of
/// rounding, without there being another segment.
const ROUNDING_TOLERANCE: f64 = 0.001;

/// The segments of a representation in its period. Times and durations are in ticks of media time.
pub struct SegmentTimeline {
    /// The media time of the start of the period.
    pub period_start: u64,
    /// Infinite if unknown.
    pub period_duration: f64,
    /// Whether the end of the period is unknown although the MPD is static.
    pub is_endless: bool,
    /// The `$Number$` of the first segment.
    pub first_number: u64,
    /// The greatest `$Number$`; segments after it are left out.
    pub last_number: u64,
    /// The segments found so far.
    pub runs: Vec<SegmentRun>,
    /// For each run the `$Number$` of its first segment.
    pub numbers: Vec<u64>,
}

impl SegmentTimeline {
    /// Reads the SegmentTimeline or duration from the levels of the segment information.
    pub fn read(&mut self, segment_info: &[&Element]) -> Result<(), Unsupported> {
        match child(segment_info, "SegmentTimeline") {
            Some(timeline) => self.read_timeline(timeline),
            None => self.read_duration(segment_info),
        }
    }

    fn read_duration(&mut self, segment_info: &[&Element]) -> Result<(), Unsupported> {
        let delta = attribute(segment_info, "eptDelta").unwrap_or("0");
        let time = match delta.strip_prefix('-') {
            Some(earlier) => (self.period_start).saturating_sub(digits(earlier).unwrap_or(0)),
            None => (self.period_start).saturating_add(digits(delta).unwrap_or(0)),
        };
        // § 5.3.9.2.1: without a duration there is one segment, as long as the period.
        let whole = (self.period_duration.ceil() as u64).min(u64::MAX - time);
        let duration = number(segment_info, "duration").unwrap_or(whole).max(1);
        self.push_run(time, duration, u64::MAX, self.first_number)
    }

    fn read_timeline(&mut self, timeline: &Element) -> Result<(), Unsupported> {
        let (mut time, mut next_number) = (0, self.first_number);
        let mut entries = timeline.children("S").peekable();
        while let Some(entry) = entries.next() {
            time = number(&[entry], "t").unwrap_or(time);
            next_number = number(&[entry], "n").unwrap_or(next_number);
            let Some(duration) = number(&[entry], "d").filter(|duration| *duration > 0) else {
                continue;
            };
            let next_time = entries.peek().and_then(|next| number(&[*next], "t"));
            let repeats_until_next = (entry.attribute("r")).is_some_and(|r| r.starts_with('-'));
            let count = match next_time {
                Some(next_time) if repeats_until_next => {
                    next_time.saturating_sub(time).div_ceil(duration)
                }
                None if repeats_until_next => u64::MAX,
                _ => number(&[entry], "r").unwrap_or(0).saturating_add(1),
            };
            self.push_run(time, duration, count, next_number)?;
            time = time.saturating_add(duration.saturating_mul(count));
            next_number = next_number.saturating_add(count);
        }
        Ok(())
    }

    /// Adds segments, as far as they lie in the period and after the existing ones. Shortens the last existing
    /// segment if it overlaps them.
    fn push_run(
        &mut self,
        time: u64,
        duration: u64,
        count: u64,
        number: u64,
    ) -> Result<(), Unsupported> {
        if self.is_endless && count.min(self.last_number) == u64::MAX {
            return Err("a period without an end time");
        }
        let remaining_numbers = self.last_number.saturating_add(1).saturating_sub(number);
        let count = (count)
            .min(self.count_until_end(time, duration))
            .min(remaining_numbers);
        // The number of segments to leave out at the beginning.
        let mut skipped = self.period_start.saturating_sub(time) / duration;
        let mut first = 0;
        if let Some(last) = self.runs.last() {
            first = last.first + last.count;
            let last_time = last.time + last.duration * (last.count - 1);
            if time <= last_time {
                skipped = skipped.max((last_time - time) / duration + 1);
            }
        }
        if skipped >= count {
            return Ok(());
        }
        let time = time + duration * skipped;
        self.shorten_last(time);
        self.runs.push(SegmentRun {
            time,
            duration,
            count: count - skipped,
            first,
        });
        self.numbers.push(number.saturating_add(skipped));
        Ok(())
    }

    /// Makes the last segment end at `end` at the latest, which is after its start.
    fn shorten_last(&mut self, end: u64) {
        let (Some(last), Some(number)) = (self.runs.last_mut(), self.numbers.last()) else {
            return;
        };
        let unchanged = last.count - 1;
        let time = last.time + last.duration * unchanged;
        if end - time >= last.duration {
            return;
        }
        let shortened = SegmentRun {
            time,
            duration: end - time,
            count: 1,
            first: last.first + unchanged,
        };
        if unchanged == 0 {
            *last = shortened;
        } else {
            last.count = unchanged;
            let number = number.saturating_add(unchanged);
            self.runs.push(shortened);
            self.numbers.push(number);
        }
    }

    /// How many segments begin between a media time and the end of the period. Limited so that the end of
    /// the last one fits in `u64`.
    fn count_until_end(&self, time: u64, duration: u64) -> u64 {
        let remaining = self.period_duration + (self.period_start as f64 - time as f64);
        let count = (remaining / duration as f64 - ROUNDING_TOLERANCE).ceil() as u64;
        count.min((u64::MAX - time) / duration)
    }
}
