//! The window of a live presentation, its edge, and the delay to play behind the edge.

use crate::media::{
    BOUNDARY_TOLERANCE, Index, Presentation, RepresentationId, Segment, Segments, number::limit,
    ranges::TimeRange,
};

/// The delay in segments, unless the author wishes another.
const DELAY_SEGMENTS: f64 = 3.0;
/// At least this many segments of the window stay behind the start position.
const MARGIN_SEGMENTS: f64 = 2.0;
/// How many of the last changes of a list determine where the edge is between two reloads.
const REMEMBERED_CHANGES: usize = 6;

/// Whether a segment can be fetched at `now`, the presentation time that corresponds to the current wall-clock time.
pub fn is_available(segments: &Segments, segment: &Segment, now: f64) -> bool {
    match segments.live.availability_offset {
        Some(offset) => segment.end <= now + offset,
        None => true,
    }
}

/// End of the last segment that can be fetched at `now`, in seconds; `None` if there is none yet.
pub fn available_end(segments: &Segments, now: f64) -> Option<f64> {
    let (start, end) = segments.span()?;
    let Some(offset) = segments.live.availability_offset else {
        return Some(end);
    };
    let latest = now + offset;
    if latest >= end {
        return Some(end);
    }
    // The segment that is not complete yet begins where the last available one ends.
    let next = segments.segment_at(latest - BOUNDARY_TOLERANCE)?;
    let end = next.start.min(latest);
    (end > start).then_some(end)
}

/// The time range in which all of these representations have available segments at `now`; `None` if there is none.
/// Representations without a known list are ignored.
pub fn seekable_range(
    presentation: &Presentation,
    representations: &[RepresentationId],
    now: f64,
) -> Option<TimeRange> {
    let mut seekable: Option<TimeRange> = None;
    for id in representations {
        // The window may span several periods.
        let content_type = presentation.adaptation_set(*id).map(|set| set.content_type);
        let mut range: Option<TimeRange> = None;
        for (other, set, representation) in presentation.representations() {
            if other != *id && (other.period == id.period || content_type != Some(set.content_type))
            {
                continue;
            }
            let Index::Known(segments) = &representation.index else {
                continue;
            };
            if let Some(end) = available_end(segments, now)
                && let Some((start, _)) = segments.span()
            {
                range = Some(range.map_or(TimeRange { start, end }, |range| TimeRange {
                    start: range.start.min(start),
                    end: range.end.max(end),
                }));
            }
        }
        let Some(range) = range else { continue };
        seekable = Some(seekable.map_or(range, |seekable| TimeRange {
            start: seekable.start.max(range.start),
            end: seekable.end.min(range.end),
        }));
    }
    let depth = presentation
        .live
        .as_ref()
        .map_or(f64::INFINITY, |live| live.depth);
    let seekable = seekable?;
    let start = seekable.start.max(seekable.end - depth);
    (start < seekable.end).then_some(TimeRange { start, ..seekable })
}

/// How many seconds behind the edge to play: as the author wishes, or three segments, but at most half the window. The
/// author's wish is limited to the window.
pub fn target_delay(author: Option<f64>, segment_seconds: f64, window_seconds: f64) -> f64 {
    let delay = author.map_or_else(
        || (DELAY_SEGMENTS * segment_seconds).min(window_seconds / 2.0),
        |author| {
            let limit = window_seconds - MARGIN_SEGMENTS * segment_seconds;
            author.min(limit.max(window_seconds / 2.0))
        },
    );
    delay.max(segment_seconds.min(window_seconds / 2.0))
}

/// Where the live edge is between two reloads: the end of the newest segment if each were listed when it is complete.
/// Unlike the end of the list, it moves steadily.
#[derive(Clone, Debug, Default)]
pub struct EdgeEstimate {
    /// The end of the list.
    end: f64,
    /// For the last changes of the list: its end less the time at which it was observed, in seconds.
    offsets: Vec<f64>,
}

impl EdgeEstimate {
    /// Records the end of the list, as observed at a time in seconds. Returns whether it has changed.
    pub fn observe(&mut self, end: f64, at: f64) -> bool {
        if self.offsets.is_empty() || end != self.end {
            // A list may also become shorter, after a change of tracks.
            if end < self.end {
                self.offsets.clear();
            }
            if self.offsets.len() == REMEMBERED_CHANGES {
                self.offsets.remove(0);
            }
            self.offsets.push(end - at);
            self.end = end;
            return true;
        }
        false
    }

    /// The edge at a time, in seconds. It is at most one segment after the end of the list.
    pub fn at(&self, at: f64, segment_seconds: f64) -> f64 {
        let latest = self
            .offsets
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        limit(at + latest, self.end, self.end + segment_seconds)
    }

    /// The end of the list, in seconds; `None` before the first observation.
    pub fn end(&self) -> Option<f64> {
        (!self.offsets.is_empty()).then_some(self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{LiveList, SegmentAddresses, SegmentRun};

    fn list(first: u64, count: u64, availability_offset: Option<f64>) -> Segments {
        Segments {
            runs: vec![SegmentRun {
                time: first * 2,
                duration: 2,
                count,
                first: 0,
            }],
            addresses: SegmentAddresses::Template {
                media: "$Number$".into(),
                numbers: vec![first],
            },
            live: LiveList {
                is_growing: true,
                availability_offset,
                ..LiveList::default()
            },
            ..Segments::default()
        }
    }

    #[test]
    fn segment_is_available_once_it_is_complete() {
        let by_clock = list(0, u64::MAX / 4, Some(0.0));
        for (now, end) in [
            (1.9, None),
            (2.0, Some(2.0)),
            (3.9, Some(2.0)),
            (4.0, Some(4.0)),
            (7201.0, Some(7200.0)),
        ] {
            assert_eq!(available_end(&by_clock, now), end, "{now}");
            let segment = by_clock.get(0).unwrap();
            assert_eq!(is_available(&by_clock, &segment, now), end.is_some());
        }
        let early = list(0, u64::MAX / 4, Some(1.5));
        assert_eq!(available_end(&early, 0.5), Some(2.0));
        let listed = list(5, 10, None);
        assert_eq!(available_end(&listed, 0.0), Some(30.0));
    }

    #[test]
    fn delay_is_the_authors_or_three_segments_within_the_window() {
        for (author, segment, seekable, delay) in [
            (None, 2.0, 60.0, 6.0),
            (None, 2.0, 10.0, 5.0),
            (None, 6.0, 18.0, 9.0),
            (None, 4.0, f64::INFINITY, 12.0),
            (Some(4.0), 2.0, 60.0, 4.0),
            (Some(40.0), 2.0, 10.0, 6.0),
            (Some(0.5), 2.0, 60.0, 2.0),
            (Some(40.0), 2.0, f64::INFINITY, 40.0),
        ] {
            assert_eq!(
                target_delay(author, segment, seekable),
                delay,
                "{author:?} {segment} {seekable}"
            );
        }
    }

    #[test]
    fn edge_moves_steadily_between_changes_of_the_list() {
        let mut edge = EdgeEstimate::default();
        assert_eq!(edge.end(), None);
        assert!(edge.observe(10.0, 100.0));
        assert!(!edge.observe(10.0, 101.0));
        // Seen late: the edge does not jump back.
        assert!(edge.observe(12.0, 102.8));
        assert!((edge.at(102.8, 2.0) - 12.8).abs() < 1e-9);
        assert_eq!(edge.at(104.0, 2.0), 14.0);
        // The encoder stalls.
        assert_eq!(edge.at(160.0, 2.0), 14.0);
    }
}
