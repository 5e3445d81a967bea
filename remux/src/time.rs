//! 33-bit timestamps (ISO/IEC 13818-1 § 2.4.3.7) as unwrapped 64-bit times.

/// Ticks per second of PTS and DTS.
pub const TICKS: i64 = 90_000;

/// Timestamps wrap to zero after this many ticks (26.5 hours).
pub const WRAP: i64 = 1 << 33;

/// Converts a time between clocks of these frequencies, rounded down, without overflow on the way.
pub fn rescale(time: i64, from: u32, to: u32) -> i64 {
    let (from, to) = (i64::from(from.max(1)), i64::from(to));
    time.div_euclid(from) * to + time.rem_euclid(from) * to / from
}

/// The decoding and presentation times of an access unit, in ticks of 90 kHz, unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Decoding time.
    pub dts: i64,
    /// Presentation time.
    pub pts: i64,
}

/// PTS and DTS as a PES header has them: 33 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    /// Presentation time stamp.
    pub pts: i64,
    /// Decoding time stamp; equal to `pts` where the header has none.
    pub dts: i64,
}

/// Unwraps timestamps: each becomes the time nearest to the previous one of any track.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    reference: Option<i64>,
}

impl Clock {
    /// Expects a time, in ticks. Without one, the first timestamp is taken as a time between [`WRAP`] and twice that,
    /// so that times from before it, too, are positive: `tfdt` has no sign.
    pub fn new(expected: Option<i64>) -> Self {
        Self {
            reference: expected.map(|ticks| ticks.clamp(0, i64::MAX / 4)),
        }
    }

    /// The times that two timestamps of one PES header mean.
    pub fn unwrap(&mut self, stamps: Stamps) -> Times {
        let mut dts = match self.reference {
            Some(reference) => nearest(stamps.dts, reference),
            None => stamps.dts + WRAP,
        };
        if dts < 0 {
            dts += WRAP;
        }
        self.reference = Some(dts);
        // Against the DTS of the same header: close to a wrap, only one of them may have wrapped.
        Times {
            dts,
            pts: nearest(stamps.pts, dts).max(0),
        }
    }
}

/// The time nearest to `reference` of which `stamp` has the lower 33 bits.
fn nearest(stamp: i64, reference: i64) -> i64 {
    let ahead = (stamp - reference).rem_euclid(WRAP);
    reference
        + if ahead >= WRAP / 2 {
            ahead - WRAP
        } else {
            ahead
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(dts: i64) -> Stamps {
        Stamps { pts: dts, dts }
    }

    #[test]
    fn times_go_on_across_a_wrap() {
        let mut clock = Clock::new(None);
        let before = clock.unwrap(stamp(WRAP - 10)).dts;
        assert_eq!(clock.unwrap(stamp(20)).dts, before + 30);
        assert_eq!(clock.unwrap(stamp(WRAP - 5)).dts, before + 5);
    }

    #[test]
    fn expected_time_chooses_the_wrap_after_a_seek() {
        let expected = 3 * WRAP + 100;
        assert_eq!(
            Clock::new(Some(expected)).unwrap(stamp(50)).dts,
            3 * WRAP + 50
        );
        assert_eq!(
            Clock::new(Some(expected)).unwrap(stamp(WRAP - 50)).dts,
            3 * WRAP - 50
        );
        assert_eq!(Clock::new(Some(0)).unwrap(stamp(WRAP - 50)).dts, WRAP - 50);
    }

    #[test]
    fn long_times_are_rescaled_exactly() {
        assert_eq!(rescale(WRAP * 100, 90_000, 48_000), WRAP * 100 * 8 / 15);
        assert_eq!(rescale(-1, 90_000, 48_000), -1);
        assert_eq!(rescale(44_100, 44_100, 90_000), 90_000);
    }

    #[test]
    fn pts_is_unwrapped_against_its_own_dts() {
        let times = Clock::new(None).unwrap(Stamps {
            pts: 3000,
            dts: WRAP - 3000,
        });
        assert_eq!(times.pts - times.dts, 6000);
    }
}
