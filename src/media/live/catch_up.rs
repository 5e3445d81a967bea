//! Catch-up: how fast to play in order to stay at the wished delay behind the live edge, and how the delay adapts to
//! stalls.

use crate::media::number::limit;

/// The playback rate differs from 1 by at most this much.
pub const MAX_RATE_CHANGE: f64 = 0.05;
/// The rate is a multiple of this, so that it does not change all the time.
const RATE_STEP: f64 = 0.01;
/// The rate changes by this much per second of deviation.
const RATE_PER_SECOND: f64 = 0.05;
/// Deviations up to this many seconds are tolerated. A frozen page keeps the last rate, so corrections are rare.
const TOLERANCE_SECONDS: f64 = 1.0;
/// A correction continues until the deviation is this small, in seconds.
const DONE_SECONDS: f64 = 0.25;
/// With less than this buffered ahead, in seconds, playback is not sped up.
const MIN_BUFFER_SECONDS: f64 = 1.0;
/// A stall raises the delay by this many seconds, or by a segment if that is less.
const RAISE_SECONDS: f64 = 1.0;
/// After this many seconds without a stall, the delay is lowered again by one step.
const CALM_SECONDS: f64 = 60.0;

/// The state of the adaptation to stalls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CatchUp {
    /// By how many seconds stalls have raised the delay.
    raised: f64,
    /// Since when there has been no stall, in seconds.
    calm_since: f64,
    /// Whether a deviation is being corrected.
    is_correcting: bool,
}

/// What the playback rate depends on. Times are in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Deviation {
    /// How far behind the live edge the position is.
    pub latency: f64,
    /// How far behind it should be.
    pub delay: f64,
    /// How much is buffered ahead of the position.
    pub buffer_ahead: f64,
}

impl CatchUp {
    /// Records that playback has stalled at a time in seconds. The delay is raised, but by no more than `limit` in all.
    pub fn stall(&mut self, at: f64, segment_seconds: f64, limit: f64) {
        let raised = self.raised + RAISE_SECONDS.min(segment_seconds);
        self.raised = raised
            .min(limit.max(0.0))
            .max(self.raised.min(limit.max(0.0)));
        self.calm_since = at;
    }

    /// By how many seconds to raise the delay at a time in seconds. Lowers it after calm.
    pub fn raised(&mut self, at: f64) -> f64 {
        if self.raised > 0.0 && at - self.calm_since >= CALM_SECONDS {
            self.raised = (self.raised - RAISE_SECONDS).max(0.0);
            self.calm_since = at;
        }
        self.raised
    }

    /// The playback rate that corrects a deviation.
    pub fn rate(&mut self, now: Deviation) -> f64 {
        let behind = now.latency - now.delay;
        let tolerance = match self.is_correcting {
            true => DONE_SECONDS,
            false => TOLERANCE_SECONDS,
        };
        self.is_correcting = behind.abs() > tolerance;
        let is_too_short = behind > 0.0 && now.buffer_ahead < MIN_BUFFER_SECONDS;
        if !self.is_correcting || is_too_short {
            return 1.0;
        }
        let change = limit(behind * RATE_PER_SECOND, -MAX_RATE_CHANGE, MAX_RATE_CHANGE);
        let steps = (change / RATE_STEP).round();
        // Small deviations are corrected slowly, not never.
        let steps = if steps == 0.0 { behind.signum() } else { steps };
        1.0 + steps * RATE_STEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate_of(catch_up: &mut CatchUp, latency: f64, buffer_ahead: f64) -> f64 {
        catch_up.rate(Deviation {
            latency,
            delay: 6.0,
            buffer_ahead,
        })
    }

    #[test]
    fn rate_corrects_deviation_and_stays_within_bounds() {
        let catch_up = &mut CatchUp::default();
        assert_eq!(rate_of(catch_up, 6.9, 5.0), 1.0);
        assert_eq!(rate_of(catch_up, 7.2, 5.0), 1.05);
        // The correction continues within the tolerance, and then ends.
        assert_eq!(rate_of(catch_up, 6.4, 5.0), 1.02);
        assert_eq!(rate_of(catch_up, 6.2, 5.0), 1.0);
        assert_eq!(rate_of(catch_up, 6.9, 5.0), 1.0);
        assert_eq!(rate_of(catch_up, 30.0, 5.0), 1.05);
        assert_eq!(rate_of(catch_up, 3.0, 5.0), 0.95);
    }

    #[test]
    fn short_buffer_is_not_played_faster() {
        let catch_up = &mut CatchUp::default();
        assert_eq!(rate_of(catch_up, 30.0, 0.9), 1.0);
        assert_eq!(rate_of(catch_up, 3.0, 0.9), 0.95);
    }

    #[test]
    fn stalls_raise_the_delay_and_calm_lowers_it() {
        let mut catch_up = CatchUp::default();
        catch_up.stall(0.0, 2.0, 2.5);
        assert_eq!(catch_up.raised(1.0), 1.0);
        catch_up.stall(10.0, 2.0, 2.5);
        catch_up.stall(20.0, 2.0, 2.5);
        assert_eq!(catch_up.raised(30.0), 2.5);
        assert_eq!(catch_up.raised(79.0), 2.5);
        assert_eq!(catch_up.raised(80.0), 1.5);
        assert_eq!(catch_up.raised(139.0), 1.5);
        assert_eq!(catch_up.raised(140.0), 0.5);
        assert_eq!(catch_up.raised(200.0), 0.0);
        let mut none = CatchUp::default();
        none.stall(0.0, 0.5, 9.0);
        assert_eq!(none.raised(1.0), 0.5);
    }
}
