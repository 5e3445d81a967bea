//! The segments that were appended to one SourceBuffer and are still in it.

use crate::media::{
    BOUNDARY_TOLERANCE, RepresentationId, boundary_tolerance,
    ranges::{TimeRange, TimeRanges},
};

/// A segment that was appended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AppendedSegment {
    /// The segment's time according to its manifest.
    pub time: TimeRange,
    /// The hull of the buffered ranges within that time just after the append; `None` if there were none.
    pub buffered: Option<TimeRange>,
    /// Seconds buffered within that time just after the append: fewer than the hull's if it has gaps.
    pub buffered_seconds: f64,
    /// The representation that it belongs to.
    pub representation: RepresentationId,
}

/// After this many segments that filled nothing, all further ones are assumed to fill nothing either. Fewer
/// are no proof: the first one may depend on a segment before it.
const MIN_FUTILE_SEGMENTS: usize = 3;

/// The segments that were appended to a SourceBuffer and are still in it.
///
/// The times in manifests and those of the media differ slightly. Missing segments are therefore found in
/// this list, by the manifest's times; `SourceBuffer.buffered` only tells whether appended segments are still
/// there.
#[derive(Clone, Debug, Default)]
pub struct BufferInventory {
    /// By ascending time, not overlapping.
    entries: Vec<AppendedSegment>,
}

impl BufferInventory {
    /// The segments by ascending time.
    pub fn iter(&self) -> impl Iterator<Item = &AppendedSegment> {
        self.entries.iter()
    }

    /// Adds a segment, which replaces what was there at its time.
    pub fn record(&mut self, appended: AppendedSegment) {
        let before = TimeRange {
            start: f64::NEG_INFINITY,
            end: appended.time.start,
        };
        let after = TimeRange {
            start: appended.time.end,
            end: f64::INFINITY,
        };
        let mut entries = self.within(before);
        entries.push(appended);
        entries.append(&mut self.within(after));
        self.entries = entries;
    }

    /// Extends the segment that starts at `start` to `end`, in seconds: the media of the next one begin later than the
    /// manifest said, and there is nothing in between.
    pub fn extend(&mut self, start: f64, end: f64) {
        let mut entries = self.entries.iter_mut();
        let found = entries.find(|it| (it.time.start - start).abs() < BOUNDARY_TOLERANCE / 2.0);
        if let Some(entry) = found {
            entry.time.end = entry.time.end.max(end);
        }
    }

    /// The parts of entries within `range`, without slivers that come from rounded boundaries.
    fn within(&self, range: TimeRange) -> Vec<AppendedSegment> {
        let mut parts = Vec::new();
        for entry in &self.entries {
            if let Some(time) = entry.time.intersection(range)
                && (time == entry.time || time.length() > boundary_tolerance(entry.time.length()))
            {
                let buffered = entry
                    .buffered
                    .and_then(|buffered| buffered.intersection(time));
                let max_seconds = buffered.map_or(0.0, TimeRange::length);
                parts.push(AppendedSegment {
                    time,
                    buffered,
                    buffered_seconds: entry.buffered_seconds.min(max_seconds),
                    ..*entry
                });
            }
        }
        parts
    }

    /// Removes the segments that are no longer in `buffered`, because the browser evicted or the engine removed
    /// them: they are fetched again when they are needed. Keeps segments that filled nothing when they were appended,
    /// which would fill nothing again. Of the segment at `position`, in seconds, the part that is played already may be
    /// gone.
    pub fn reconcile(&mut self, buffered: &TimeRanges, position: f64) {
        self.entries.retain(|entry| {
            entry.buffered.is_none_or(|range| {
                let is_played = range.start < position && position < range.end;
                let rest = TimeRange {
                    start: if is_played { position } else { range.start },
                    ..range
                };
                // Where it had gaps from the beginning is not known.
                let gaps = range.length() - entry.buffered_seconds;
                let missing_seconds = rest.length() - gaps - buffered.covered_seconds(rest);
                missing_seconds <= (entry.buffered_seconds / 2.0).min(2.0 * BOUNDARY_TOLERANCE)
            })
        });
    }

    /// Whether several segments were appended and none of them filled anything: their timestamps are not at
    /// the manifest's times.
    pub fn has_buffered_nothing(&self) -> bool {
        self.entries.len() >= MIN_FUTILE_SEGMENTS
            && self.entries.iter().all(|entry| entry.buffered.is_none())
    }

    /// Start of the segment at `time`, or `time` itself if there is none. Everything before it can be removed
    /// while `time` is played; the segment's own start is needed to decode the rest of it.
    pub fn start_at(&self, time: f64) -> f64 {
        self.time_at(time).map_or(time, |range| range.start)
    }

    /// End of the segment at `time`, or `time` itself if there is none. Removing from there on removes whole
    /// segments.
    pub fn end_at(&self, time: f64) -> f64 {
        self.time_at(time).map_or(time, |range| range.end)
    }

    /// The time range of the segment at `time`.
    fn time_at(&self, time: f64) -> Option<TimeRange> {
        self.entries
            .iter()
            .map(|entry| entry.time)
            .find(|range| range.start <= time && time < range.end)
    }

    /// The time up to which segments follow each other without a gap from `time` on. Segments that begin
    /// after `settled_until` count only if they are acceptable.
    pub(super) fn covered_until(
        &self,
        mut time: f64,
        settled_until: f64,
        is_acceptable: &dyn Fn(&AppendedSegment) -> bool,
    ) -> f64 {
        for entry in &self.entries {
            let TimeRange { start, end } = entry.time;
            if end <= time {
                continue;
            }
            let is_after_gap = start > time + boundary_tolerance(end - start);
            if is_after_gap || (start > settled_until && !is_acceptable(entry)) {
                break;
            }
            time = end;
        }
        time
    }
}
