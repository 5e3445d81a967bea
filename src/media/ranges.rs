//! Stretches of time, as a SourceBuffer's `buffered` has them: in seconds, ascending, apart from each
//! other.

use std::rc::Rc;

/// From one time to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeRange {
    /// Seconds.
    pub start: f64,
    /// Seconds, not before the start.
    pub end: f64,
}

impl TimeRange {
    /// Seconds from its start to its end.
    pub fn length(self) -> f64 {
        self.end - self.start
    }

    /// What both have in common, if that is more than a point.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let common = Self {
            start: self.start.max(other.start),
            end: self.end.min(other.end),
        };
        (common.start < common.end).then_some(common)
    }
}

/// A gap that is smaller than this is none, in seconds: browsers play over it, and media that begin with
/// an incomplete frame have one at their start.
const CRACK: f64 = 0.1;

/// Any number of ranges. Shared by all that ask for them again and again, as none of them changes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeRanges(Rc<Vec<TimeRange>>);

impl FromIterator<TimeRange> for TimeRanges {
    /// Takes ranges in ascending order, as a browser has them. What is empty is left out, and what
    /// touches becomes one.
    fn from_iter<I: IntoIterator<Item = TimeRange>>(ranges: I) -> Self {
        let mut taken: Vec<TimeRange> = Vec::new();
        for range in ranges {
            match taken.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ if range.start < range.end => taken.push(range),
                _ => {}
            }
        }
        Self(Rc::new(taken))
    }
}

impl TimeRanges {
    /// One after another.
    pub fn iter(&self) -> impl Iterator<Item = TimeRange> {
        self.0.iter().copied()
    }

    /// The range that a time is in, or in a crack before; its end does not count.
    pub fn range_at(&self, time: f64) -> Option<TimeRange> {
        self.iter()
            .find(|range| range.start - CRACK <= time && time < range.end)
    }

    /// How much there is from a time on without a gap.
    pub fn ahead(&self, time: f64) -> f64 {
        self.range_at(time).map_or(0.0, |range| range.end - time)
    }

    /// The first range that begins after a time.
    pub fn first_after(&self, time: f64) -> Option<TimeRange> {
        self.iter().find(|range| range.start > time)
    }

    /// What lies in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut common = Vec::new();
        let (mut left, mut right) = (self.0.as_slice(), other.0.as_slice());
        while let ([a, after_a @ ..], [b, after_b @ ..]) = (left, right) {
            if let Some(both) = a.intersection(*b) {
                common.push(both);
            }
            // The one that ends first has nothing in common with what follows.
            if a.end < b.end {
                left = after_a;
            } else {
                right = after_b;
            }
        }
        Self(Rc::new(common))
    }

    /// What lies within one range, gaps included: from the first of it to the last.
    pub fn hull(&self, within: TimeRange) -> Option<TimeRange> {
        let mut parts = self.iter().filter_map(|range| range.intersection(within));
        let first = parts.next()?;
        let end = parts.last().map_or(first.end, |last| last.end);
        Some(TimeRange { end, ..first })
    }

    /// How many seconds of a range are in these.
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
    fn what_touches_is_one_and_what_is_empty_is_none() {
        let joined = ranges(&[(0.0, 1.0), (1.0, 2.0), (3.0, 3.0), (4.0, 5.0)]);
        assert_eq!(joined, ranges(&[(0.0, 2.0), (4.0, 5.0)]));
    }

    #[test]
    fn a_range_holds_its_start_and_not_its_end() {
        let two = ranges(&[(1.0, 2.0), (3.0, 5.0)]);
        assert_eq!(two.ahead(0.5), 0.0);
        assert_eq!(two.ahead(1.0), 1.0);
        assert_eq!(two.ahead(2.0), 0.0);
        assert_eq!(two.ahead(4.5), 0.5);
        assert_eq!(two.first_after(2.0).unwrap().start, 3.0);
        assert_eq!(two.first_after(3.0), None);
    }

    #[test]
    fn a_crack_is_no_gap() {
        let two = ranges(&[(0.05, 2.0), (2.05, 5.0)]);
        assert_eq!(two.ahead(0.0), 2.0);
        assert_eq!(two.ahead(2.0), 3.0);
    }

    #[test]
    fn a_hull_spans_gaps() {
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
        fn what_is_common_is_in_both(a in any_ranges(), b in any_ranges(), time in 0_u16..320) {
            let start = f64::from(time) / 2.0;
            let moment = TimeRange { start, end: start + 0.5 };
            let both = a.covered_seconds(moment).min(b.covered_seconds(moment));
            prop_assert_eq!(a.intersection(&b).covered_seconds(moment), both);
            prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        }
    }
}
