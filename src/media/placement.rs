//! Where segments really lie on the timeline. A manifest claims a time for each segment; where the media say otherwise,
//! the segment and those after it are moved.

/// Claimed times further apart than this are different.
const SAME_SECONDS: f64 = 1e-6;
/// From so many anchors with the same slope on, the segments after them are assumed to follow it.
const MIN_SLOPE_ANCHORS: usize = 3;
/// How much slopes may differ and still count as the same.
const SLOPE_TOLERANCE: f64 = 0.05;

/// A map from the times that a manifest claims to those of the media. Both increase together, so it can be inverted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    /// By ascending times.
    anchors: Vec<Anchor>,
}

/// A boundary of segments whose time is known from the media.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Anchor {
    /// Seconds according to the manifest.
    claimed: f64,
    /// Seconds according to the media.
    placed: f64,
}

impl Placement {
    /// Whether the manifest was right so far.
    pub const fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Records the time of a boundary. Forgets those that contradict it, because time does not run backwards.
    pub fn insert(&mut self, claimed: f64, placed: f64) {
        self.anchors.retain(|anchor| {
            (anchor.claimed < claimed - SAME_SECONDS && anchor.placed < placed)
                || (anchor.claimed > claimed + SAME_SECONDS && anchor.placed > placed)
        });
        let at = self
            .anchors
            .partition_point(|anchor| anchor.claimed < claimed);
        self.anchors.insert(at, Anchor { claimed, placed });
    }

    /// The time of the media for a time that the manifest claims.
    pub fn place(&self, claimed: f64) -> f64 {
        let pair = |anchor: &Anchor| (anchor.claimed, anchor.placed);
        self.map(claimed, pair, self.last_slope())
    }

    /// The time that the manifest claims for a time of the media.
    pub fn claim(&self, placed: f64) -> f64 {
        let pair = |anchor: &Anchor| (anchor.placed, anchor.claimed);
        self.map(placed, pair, self.last_slope().recip())
    }

    /// Between two anchors, times are interpolated. Before the first they are shifted; after the last they follow
    /// `last_slope`.
    fn map(&self, time: f64, pair: impl Fn(&Anchor) -> (f64, f64), last_slope: f64) -> f64 {
        let next = self
            .anchors
            .partition_point(|anchor| pair(anchor).0 <= time);
        let before = next
            .checked_sub(1)
            .and_then(|index| self.anchors.get(index));
        match (before.map(&pair), self.anchors.get(next).map(&pair)) {
            (None, None) => time,
            (None, Some((from, to))) => time - from + to,
            (Some((from, to)), None) => to + (time - from) * last_slope,
            (Some((from, to)), Some((next_from, next_to))) => {
                to + (time - from) * (next_to - to) / (next_from - from)
            }
        }
    }

    /// Seconds of the media per second of the manifest after the last anchor: 1 unless the last ones are on a line.
    fn last_slope(&self) -> f64 {
        let first = self.anchors.len().checked_sub(MIN_SLOPE_ANCHORS);
        let last = first.and_then(|first| self.anchors.get(first..));
        let mut slope = None;
        for two in last.unwrap_or_default().windows(2) {
            let [from, to] = two else { continue };
            let next = (to.placed - from.placed) / (to.claimed - from.claimed);
            let same = slope.is_none_or(|slope: f64| (next / slope - 1.0).abs() < SLOPE_TOLERANCE);
            if !same {
                return 1.0;
            }
            slope = Some(next);
        }
        slope.unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn placement(anchors: &[(f64, f64)]) -> Placement {
        let mut placement = Placement::default();
        for (claimed, placed) in anchors {
            placement.insert(*claimed, *placed);
        }
        placement
    }

    #[test]
    fn segments_after_a_wrong_duration_follow_the_media() {
        // One EXTINF says 100 for 1.
        let typo = placement(&[(103.0, 4.0)]);
        assert_eq!((typo.place(103.0), typo.place(112.0)), (4.0, 13.0));
        assert_eq!(typo.claim(4.5), 103.5);
        let typo = placement(&[(3.0, 3.0), (103.0, 4.0)]);
        assert_eq!((typo.place(2.0), typo.place(53.0)), (2.0, 3.5));
    }

    #[test]
    fn three_anchors_on_a_line_are_followed() {
        let drift = placement(&[(2.0, 1.0), (4.0, 2.0)]);
        assert_eq!(drift.place(200.0), 198.0);
        let drift = placement(&[(2.0, 1.0), (4.0, 2.0), (6.0, 3.0)]);
        assert_eq!((drift.place(200.0), drift.claim(50.0)), (100.0, 100.0));
        let bent = placement(&[(2.0, 1.0), (4.0, 2.0), (6.0, 4.0)]);
        assert_eq!(bent.place(7.0), 5.0);
        assert_eq!(bent.place(f64::INFINITY), f64::INFINITY);
    }

    #[test]
    fn constant_offset_applies_to_all_segments() {
        let shifted = placement(&[(8.0, 11.6)]);
        assert_eq!((shifted.place(0.0), shifted.claim(3.6)), (11.6 - 8.0, 0.0));
    }

    proptest! {
        #[test]
        fn placement_can_be_inverted(
            anchors in prop::collection::vec((0_u8..100, 0_u8..100), 0..8),
            time in 0_u8..120,
        ) {
            let anchors: Vec<_> = anchors.iter().map(|(a, b)| (f64::from(*a), f64::from(*b))).collect();
            let placement = placement(&anchors);
            let time = f64::from(time);
            prop_assert!((placement.claim(placement.place(time)) - time).abs() < 1e-6);
            prop_assert!(placement.place(time + 0.5) > placement.place(time));
        }
    }
}
