//! The worker's estimate of the playback position: the last position that the page reported, advanced at
//! the playback rate. The worker keeps the buffers filled from it while the page is frozen and reports
//! nothing.

use super::ranges::TimeRanges;

/// Playback position extrapolated from the page's last report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaybackClock {
    position: f64,
    /// Media seconds per second; 0 while paused.
    rate: f64,
    /// Time of `position`, in milliseconds since the Unix epoch.
    updated_at_ms: f64,
    /// The position in the page's last report.
    observed: f64,
}

impl PlaybackClock {
    /// A clock that stands still at `position` until the first [`observe`](Self::observe).
    pub const fn new(position: f64) -> Self {
        Self {
            position,
            rate: 0.0,
            updated_at_ms: 0.0,
            observed: position,
        }
    }

    /// Sets the clock to what the page observed: the position, the playback rate (0 while paused), and
    /// the time of the observation in milliseconds since the Unix epoch.
    pub const fn observe(&mut self, position: f64, rate: f64, at_ms: f64) {
        *self = Self {
            position,
            rate,
            updated_at_ms: at_ms,
            observed: position,
        };
    }

    /// Moves the clock to `now_ms` (milliseconds since the Unix epoch), at most to the end of the buffered
    /// range that it is in, where playback stalls.
    ///
    /// Call this with the old ranges before the buffered ranges change: a clock that reached their end
    /// continues from there, not from where it would be without the stall.
    pub fn advance(&mut self, now_ms: f64, buffered: &TimeRanges) {
        self.position = self.position_at(now_ms, buffered);
        self.updated_at_ms = self.updated_at_ms.max(now_ms);
    }

    /// The position in seconds at `now_ms` (milliseconds since the Unix epoch), if `buffered` has not
    /// changed since the last [`advance`](Self::advance) or [`observe`](Self::observe).
    pub fn position_at(&self, now_ms: f64, buffered: &TimeRanges) -> f64 {
        let elapsed = (now_ms - self.updated_at_ms).max(0.0) / 1000.0 * self.rate;
        self.position + elapsed.min(buffered.ahead(self.position))
    }

    /// The position in seconds at the last [`advance`](Self::advance) or [`observe`](Self::observe).
    pub const fn position(&self) -> f64 {
        self.position
    }

    /// The position in seconds that the page last reported. Without a seek, the element is at or after it.
    pub const fn observed(&self) -> f64 {
        self.observed
    }

    /// Media seconds per second; 0 while paused.
    pub const fn rate(&self) -> f64 {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ranges::TimeRange;

    fn buffered(start: f64, end: f64) -> TimeRanges {
        [TimeRange { start, end }].into_iter().collect()
    }

    #[test]
    fn runs_on_at_playback_rate_without_observations() {
        let mut clock = PlaybackClock::new(0.0);
        clock.observe(3.0, 2.0, 1_000.0);
        clock.advance(5_000.0, &buffered(0.0, 30.0));
        assert_eq!(clock.position(), 11.0);
        assert_eq!(clock.observed(), 3.0);
    }

    #[test]
    fn stalls_at_buffer_end_and_continues_from_there() {
        let mut clock = PlaybackClock::new(0.0);
        clock.observe(3.0, 1.0, 1_000.0);
        clock.advance(10_000.0, &buffered(0.0, 8.0));
        assert_eq!(clock.position(), 8.0);
        clock.advance(12_000.0, &buffered(0.0, 20.0));
        assert_eq!(clock.position(), 10.0);
    }

    #[test]
    fn stands_still_while_paused_or_unbuffered() {
        let mut clock = PlaybackClock::new(5.0);
        clock.observe(5.0, 0.0, 1_000.0);
        clock.advance(9_000.0, &buffered(0.0, 30.0));
        assert_eq!(clock.position(), 5.0);
        clock.observe(5.0, 1.0, 9_000.0);
        clock.advance(12_000.0, &buffered(6.0, 30.0));
        assert_eq!(clock.position(), 5.0);
    }

    #[test]
    fn does_not_run_backwards_when_system_clock_is_set_back() {
        let mut clock = PlaybackClock::new(0.0);
        clock.observe(5.0, 1.0, 9_000.0);
        clock.advance(8_000.0, &buffered(0.0, 30.0));
        assert_eq!(clock.position(), 5.0);
        clock.advance(10_000.0, &buffered(0.0, 30.0));
        assert_eq!(clock.position(), 6.0);
    }

    #[test]
    fn asking_for_position_does_not_advance() {
        let mut clock = PlaybackClock::new(0.0);
        clock.observe(3.0, 1.0, 1_000.0);
        let before = clock;
        assert_eq!(clock.position_at(4_000.0, &buffered(0.0, 30.0)), 6.0);
        assert_eq!(clock.position_at(9_000.0, &buffered(0.0, 8.0)), 8.0);
        assert_eq!(clock, before);
    }
}
