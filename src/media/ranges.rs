//! Time ranges in seconds, ascending and disjoint, like `SourceBuffer.buffered`.

use std::rc::Rc;

/// One time range, from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeRange {
    /// Seconds.
    pub start: f64,
    /// Seconds, not before the start.
    pub end: f64,
}

impl TimeRange {
    /// Duration in seconds.
    pub fn length(self) -> f64 {
        self.end - self.start
    }

    /// The overlap of both ranges; `None` if it is empty or a single point.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let overlap = Self {
            start: self.start.max(other.start),
            end: self.end.min(other.end),
        };
        (overlap.start < overlap.end).then_some(overlap)
    }
}

/// Shorter gaps are ignored: browsers play over them, and media often start a fraction of a frame late.
const MAX_IGNORED_GAP_SECONDS: f64 = 0.1;

/// Ascending, disjoint time ranges. Immutable and reference-counted, so clones are cheap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeRanges(Rc<Vec<TimeRange>>);

impl FromIterator<TimeRange> for TimeRanges {
    /// Collects ranges in ascending order of their starts. Skips empty ranges, and joins those that touch or
    /// overlap.
    fn from_iter<I: IntoIterator<Item = TimeRange>>(ranges: I) -> Self {
        let mut joined: Vec<TimeRange> = Vec::new();
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ if range.start < range.end => joined.push(range),
                _ => {}
            }
        }
        Self(Rc::new(joined))
    }
}

impl TimeRanges {
    /// The ranges in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = TimeRange> {
        self.0.iter().copied()
    }

    /// The range that contains `time`, or that begins after it by an ignored gap.
    pub fn range_at(&self, time: f64) -> Option<TimeRange> {
        self.iter()
            .find(|range| range.start - MAX_IGNORED_GAP_SECONDS <= time && time < range.end)
    }

    /// Seconds from `time` to the end of the range that contains it, or of the last of those that follow it after an
    /// ignored gap each; 0 outside of all ranges.
    pub fn ahead(&self, time: f64) -> f64 {
        let mut end = time;
        for range in self.iter().filter(|range| range.end > time) {
            if range.start - MAX_IGNORED_GAP_SECONDS > end {
                break;
            }
            end = range.end;
        }
        end - time
    }

    /// The start of the range that follows the range at `time` after an ignored gap; `None` if none does.
    pub fn after_ignored_gap(&self, time: f64) -> Option<f64> {
        let here = self.iter().find(|range| time < range.end)?;
        let next = self.first_after(here.start)?;
        let is_near = next.start - MAX_IGNORED_GAP_SECONDS <= here.end;
        (here.start <= time && is_near).then_some(next.start)
    }

    /// The same ranges, with the last one extended to `end`.
    #[must_use]
    pub fn extended_to(&self, end: f64) -> Self {
        let mut ranges = (*self.0).clone();
        if let Some(last) = ranges.last_mut() {
            last.end = last.end.max(end);
        }
        Self(Rc::new(ranges))
    }

    /// The first range that begins after `time`.
    pub fn first_after(&self, time: f64) -> Option<TimeRange> {
        self.iter().find(|range| range.start > time)
    }

    /// The end of the last range.
    pub fn end(&self) -> Option<f64> {
        self.0.last().map(|range| range.end)
    }

    /// The times that are in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut overlaps = Vec::new();
        let (mut left, mut right) = (self.0.as_slice(), other.0.as_slice());
        while let ([a, after_a @ ..], [b, after_b @ ..]) = (left, right) {
            if let Some(overlap) = a.intersection(*b) {
                overlaps.push(overlap);
            }
            // The range that ends first cannot overlap a later range of the other list.
            if a.end < b.end {
                left = after_a;
            } else {
                right = after_b;
            }
        }
        Self(Rc::new(overlaps))
    }

    /// The smallest range that covers all times within `within`, gaps included; `None` if there are none.
    pub fn hull(&self, within: TimeRange) -> Option<TimeRange> {
        let mut parts = self.iter().filter_map(|range| range.intersection(within));
        let first = parts.next()?;
        let end = parts.last().map_or(first.end, |last| last.end);
        Some(TimeRange { end, ..first })
    }

    /// How many seconds of `range` are in these ranges.
    pub fn covered_seconds(&self, range: TimeRange) -> f64 {
        let parts = self.iter().filter_map(|own| own.intersection(range));
        parts.map(TimeRange::length).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges(pairs: &[(f64, f64)]) -> TimeRanges {
        pairs
            .iter()
            .map(|&(start, end)| TimeRange { start, end })
            .collect()
    }

    #[test]
    fn joins_touching_ranges_and_skips_empty_ones() {
        let joined = ranges(&[(0.0, 1.0), (1.0, 2.0), (3.0, 3.0), (4.0, 5.0)]);
        assert_eq!(joined, ranges(&[(0.0, 2.0), (4.0, 5.0)]));
    }

    #[test]
    fn range_contains_its_start_but_not_its_end() {
        let two = ranges(&[(1.0, 2.0), (3.0, 5.0)]);
        assert_eq!(two.ahead(0.5), 0.0);
        assert_eq!(two.ahead(1.0), 1.0);
        assert_eq!(two.ahead(2.0), 0.0);
        assert_eq!(two.ahead(4.5), 0.5);
        assert_eq!(two.first_after(2.0).unwrap().start, 3.0);
        assert_eq!(two.first_after(3.0), None);
    }

    #[test]
    fn short_gap_before_range_is_ignored() {
        let two = ranges(&[(0.05, 2.0), (2.05, 5.0)]);
        assert_eq!(two.ahead(0.0), 5.0);
        assert_eq!(two.ahead(2.0), 3.0);
        assert_eq!(two.after_ignored_gap(1.0), Some(2.05));
        assert_eq!(two.after_ignored_gap(2.02), None);
        assert_eq!(two.after_ignored_gap(3.0), None);
        assert_eq!(
            ranges(&[(0.0, 2.0), (2.2, 5.0)]).after_ignored_gap(1.0),
            None
        );
    }

    #[test]
    fn only_the_last_range_is_extended() {
        let two = ranges(&[(1.0, 2.0), (3.0, 5.0)]);
        assert_eq!(two.end(), Some(5.0));
        assert_eq!(two.extended_to(6.0), ranges(&[(1.0, 2.0), (3.0, 6.0)]));
        assert_eq!(two.extended_to(4.0), two);
        assert_eq!(ranges(&[]).extended_to(4.0), ranges(&[]));
    }

    #[test]
    fn hull_spans_gaps() {
        let two = ranges(&[(1.0, 2.0), (3.0, 5.0)]);
        let within = |start, end| two.hull(TimeRange { start, end });
        assert_eq!(
            within(1.5, 4.0),
            Some(TimeRange {
                start: 1.5,
                end: 4.0
            })
        );
        assert_eq!(
            within(0.0, 2.5),
            Some(TimeRange {
                start: 1.0,
                end: 2.0
            })
        );
        assert_eq!(within(2.0, 3.0), None);
    }

    fn any_ranges() -> impl Strategy<Value = TimeRanges> {
        prop::collection::vec((0_u8..20, 1_u8..20), 0..8).prop_map(|steps| {
            let mut time = 0.0;
            let mut pairs = Vec::new();
            for (gap, length) in steps {
                let start = time + f64::from(gap);
                time = start + f64::from(length);
                pairs.push(TimeRange { start, end: time });
            }
            pairs.into_iter().collect()
        })
    }

    proptest! {
        #[test]
        fn intersection_covers_what_both_cover(a in any_ranges(), b in any_ranges(), time in 0_u16..320) {
            let start = f64::from(time) / 2.0;
            let moment = TimeRange { start, end: start + 0.5 };
            let both = a.covered_seconds(moment).min(b.covered_seconds(moment));
            prop_assert_eq!(a.intersection(&b).covered_seconds(moment), both);
            prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        }
    }
}
