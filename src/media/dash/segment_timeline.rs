//! Computes segment times from a SegmentTimeline (§ 5.3.9.6) or from a constant duration (§ 5.3.9.2).

use super::{
    inheritance::{attribute, child, needed, needed_number, unreadable},
    ticks::TickReader,
};
use crate::media::{
    error::ManifestError,
    number::{is_numeric, number},
    segments::SegmentRun,
    xml::Element,
};

/// The fraction of a segment that may remain between the last segment and the end of the period because of
/// rounding, without there being another segment.
const ROUNDING_TOLERANCE: f64 = 0.001;

/// The segments of a representation in its period. Times and durations are in ticks of media time.
pub struct SegmentTimeline {
    /// Reads the times.
    pub ticks: TickReader,
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
    pub fn read(&mut self, segment_info: &[&Element]) -> Result<(), ManifestError> {
        match child(segment_info, "SegmentTimeline") {
            Some(timeline) => self.read_timeline(timeline),
            None => self.read_duration(segment_info),
        }
    }

    fn read_duration(&mut self, segment_info: &[&Element]) -> Result<(), ManifestError> {
        let delta = attribute(segment_info, "eptDelta").unwrap_or("0");
        let (is_earlier, ticks) = match delta.strip_prefix('-') {
            Some(earlier) => (true, self.ticks.parse(earlier)),
            None => (false, self.ticks.parse(delta)),
        };
        let ticks = ticks.ok_or_else(|| unreadable("eptDelta", delta))?;
        let time = match is_earlier {
            true => self.period_start.saturating_sub(ticks),
            false => self.period_start.saturating_add(ticks),
        };
        // § 5.3.9.2.1: without a duration there is one segment, as long as the period.
        let whole = (self.period_duration.ceil() as u64).min(u64::MAX - time);
        let duration = self.ticks.read(segment_info, "duration")?;
        let duration = duration.unwrap_or(whole).max(1);
        self.push_run(time, duration, u64::MAX, self.first_number)
    }

    fn read_timeline(&mut self, timeline: &Element) -> Result<(), ManifestError> {
        let (mut time, mut next_number) = (0, self.first_number);
        let mut previous_duration = 0;
        let mut entries = timeline.children("S").peekable();
        while let Some(entry) = entries.next() {
            time = self.time_of(entry)?.unwrap_or(time);
            next_number = needed_number(&[entry], "n")?.unwrap_or(next_number);
            let next_time = match entries.peek() {
                Some(next) => self.time_of(next)?,
                None => None,
            };
            let duration = match self.ticks.read(&[entry], "d")? {
                Some(duration) => duration,
                // It is required, but the next entry may tell.
                None => next_time.map_or(previous_duration, |next| next.saturating_sub(time)),
            };
            previous_duration = duration;
            let repeats = needed(&[entry], "r", &|text| {
                number(text).filter(|_| is_numeric(text))
            })?
            .unwrap_or(0.0);
            if duration == 0 {
                // There is such a segment, but nothing to play in it.
                let count = (repeats.max(0.0) as u64).saturating_add(1);
                next_number = next_number.saturating_add(count);
                continue;
            }
            let count = match next_time {
                Some(next_time) if repeats < 0.0 => {
                    next_time.saturating_sub(time).div_ceil(duration)
                }
                None if repeats < 0.0 => u64::MAX,
                _ => (repeats as u64).saturating_add(1),
            };
            self.push_run(time, duration, count, next_number)?;
            time = time.saturating_add(duration.saturating_mul(count));
            next_number = next_number.saturating_add(count);
        }
        Ok(())
    }

    /// The time of an S element, if it has one. Some packagers write a negative time for a first segment that begins
    /// before 0.
    fn time_of(&self, entry: &Element) -> Result<Option<u64>, ManifestError> {
        match entry.attribute("t") {
            Some(text) if text.starts_with('-') => Ok(Some(0)),
            _ => self.ticks.read(&[entry], "t"),
        }
    }

    /// Adds segments, as far as they lie in the period and after the existing ones. Shortens the last existing
    /// segment if it overlaps them.
    fn push_run(
        &mut self,
        time: u64,
        duration: u64,
        count: u64,
        number: u64,
    ) -> Result<(), ManifestError> {
        if self.is_endless && count.min(self.last_number) == u64::MAX {
            return Err(ManifestError::Unsupported("a period without an end time"));
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
        // A period may be much shorter than its only segment is said to be.
        let least = u64::from(self.runs.is_empty() && remaining > 0.0);
        count.max(least).min((u64::MAX - time) / duration)
    }
}
