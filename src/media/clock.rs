//! Where the film is, as the worker knows it: from what the page last said, and by the time that has
//! passed since. This is what lets the worker go on feeding while the page is frozen and says nothing.

use super::ranges::TimeRanges;

/// The worker's own idea of the playback position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlaybackClock {
    position: f64,
    /// Seconds of film per second; 0 while paused.
    rate: f64,
    /// When the position was that, in milliseconds since the Unix epoch.
    at: f64,
    /// The position that the page last told.
    observed: f64,
}

impl PlaybackClock {
    /// A clock that stands still at a position until the page says otherwise.
    pub const fn new(position: f64) -> Self {
        Self {
            position,
            rate: 0.0,
            at: 0.0,
            observed: position,
        }
    }

    /// Takes over what the page saw: a position and the rate of playback (0 while paused), and when
    /// it saw it, in milliseconds since the Unix epoch.
    pub const fn observe(&mut self, position: f64, rate: f64, at: f64) {
        *self = Self {
            position,
            rate,
            at,
            observed: position,
        };
    }

    /// Moves on to `now`, in milliseconds since the Unix epoch, as far as there is something to play:
    /// at the end of what is buffered the film stands still and the clock with it.
    pub fn advance(&mut self, now: f64, buffered: &TimeRanges) {
        let passed = (now - self.at).max(0.0) / 1000.0 * self.rate;
        self.at = self.at.max(now);
        self.position += passed.min(buffered.ahead(self.position));
    }

    /// Seconds of film.
    pub const fn position(&self) -> f64 {
        self.position
    }

    /// Seconds of film, as the page last told: the film is there or further on.
    pub const fn observed(&self) -> f64 {
        self.observed
    }

    /// Seconds of film per second; 0 while paused.
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
    fn it_runs_on_while_nobody_says_anything() {
        let mut clock = PlaybackClock::new(0.0);
        clock.observe(3.0, 2.0, 1_000.0);
        clock.advance(5_000.0, &buffered(0.0, 30.0));
        assert_eq!(clock.position(), 11.0);
        assert_eq!(clock.observed(), 3.0);
    }

    #[test]
    fn it_stands_still_at_the_end_of_the_buffer_and_goes_on_from_there() {
        let mut clock = PlaybackClock::new(0.0);
        clock.observe(3.0, 1.0, 1_000.0);
        clock.advance(10_000.0, &buffered(0.0, 8.0));
        assert_eq!(clock.position(), 8.0);
        clock.advance(12_000.0, &buffered(0.0, 20.0));
        assert_eq!(clock.position(), 10.0);
    }

    #[test]
    fn it_stands_still_while_paused_and_where_nothing_is_buffered() {
        let mut clock = PlaybackClock::new(5.0);
        clock.observe(5.0, 0.0, 1_000.0);
        clock.advance(9_000.0, &buffered(0.0, 30.0));
        assert_eq!(clock.position(), 5.0);
        clock.observe(5.0, 1.0, 9_000.0);
        clock.advance(12_000.0, &buffered(6.0, 30.0));
        assert_eq!(clock.position(), 5.0);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_run_backwards() {
        let mut clock = PlaybackClock::new(0.0);
        clock.observe(5.0, 1.0, 9_000.0);
        clock.advance(8_000.0, &buffered(0.0, 30.0));
        assert_eq!(clock.position(), 5.0);
        clock.advance(10_000.0, &buffered(0.0, 30.0));
        assert_eq!(clock.position(), 6.0);
    }
}
