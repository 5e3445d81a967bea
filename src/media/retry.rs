//! Retry rules for failed requests: the next base URL, the delay before its request, and when to give up.

use super::number::limit;

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The server refuses the request or does not have the resource. A retry of the same server is useless.
    Final,
    /// A retry may succeed: no response, an interrupted one, an overloaded server.
    Transient,
    /// The server has too many requests (429, 503), and asks to wait for some seconds, if it says so.
    Busy {
        /// `Retry-After`; `None` if it is missing, or not exposed to other origins.
        retry_after: Option<u32>,
    },
    /// The response arrived but its data is invalid. One retry may succeed, more hardly will.
    Corrupt,
}

impl FailureKind {
    /// Classifies an HTTP status other than success.
    pub const fn from_status(status: u16) -> Self {
        match status {
            429 | 503 => Self::Busy { retry_after: None },
            // Request Timeout and Too Early invite a retry.
            408 | 425 => Self::Transient,
            400..500 => Self::Final,
            _ => Self::Transient,
        }
    }
}

/// A corrupt response counts as this many failures.
const CORRUPT_WEIGHT: u32 = 2;
/// Delay before the first retry of the same server. Doubles with each further round over all servers.
const FIRST_DELAY_SECONDS: f64 = 0.5;
const MAX_DELAY_SECONDS: f64 = 8.0;

/// A busy server that does not say for how long is asked again after this, doubled with each round.
const FIRST_BUSY_SECONDS: f64 = 1.0;
const MAX_BUSY_SECONDS: f64 = 30.0;
/// A busy server is not waited for longer than this at once, whatever it says.
const MAX_RETRY_AFTER_SECONDS: f64 = 120.0;
/// Gives up after so many rounds in which all servers were busy: after one and a half minutes if they do not say how long.
const MAX_BUSY_ROUNDS: usize = 8;

/// State of the attempts to fetch one resource, which several servers (base URLs) may offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryState {
    server_count: usize,
    server: usize,
    /// Gives up after this many failures of all servers together.
    max_failures: u32,
    failures: u32,
    /// Consecutive [`FailureKind::Final`] failures.
    final_failures: usize,
    /// [`FailureKind::Busy`] failures. They do not count as others: a busy server is well.
    busy_failures: usize,
}

impl RetryState {
    /// No attempt yet, beginning with the first of `server_count` servers. Gives up after `max_failures`
    /// failures, or as soon as each server in turn has failed with [`FailureKind::Final`].
    pub const fn new(server_count: usize, max_failures: u32) -> Self {
        Self::starting_at(0, server_count, max_failures)
    }

    /// Like [`new`](Self::new), but begins with `server`, such as the one that succeeded last; with the first
    /// one if there is no such server.
    pub const fn starting_at(server: usize, server_count: usize, max_failures: u32) -> Self {
        Self {
            server_count,
            server: if server < server_count { server } else { 0 },
            max_failures,
            failures: 0,
            final_failures: 0,
            busy_failures: 0,
        }
    }

    /// Index of the base URL for the next request.
    pub const fn base_url_index(&self) -> usize {
        self.server
    }

    /// Number of failures so far, weighted by their kind; [`FailureKind::Final`] does not count.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Records a failure and moves on to the next server. Returns the delay in seconds before its request;
    /// `None` to give up. `jitter` is random, between 0 and 1, and shortens the delay by up to a half, so that
    /// players that failed together do not retry together.
    pub fn fail(&mut self, failure: FailureKind, jitter: f64) -> Option<f64> {
        match failure {
            FailureKind::Busy { retry_after } => {
                self.final_failures = 0;
                self.busy_failures += 1;
                self.next();
                let servers = self.server_count.max(1);
                let rounds = self.busy_failures / servers;
                if rounds >= MAX_BUSY_ROUNDS {
                    return None;
                }
                if !self.busy_failures.is_multiple_of(servers) {
                    // Another server may be less busy.
                    return Some(0.0);
                }
                let delay = match retry_after {
                    // Not less than a usual delay, and not all at the same time.
                    Some(seconds) => {
                        limit(
                            f64::from(seconds),
                            FIRST_BUSY_SECONDS,
                            MAX_RETRY_AFTER_SECONDS,
                        ) + jitter * FIRST_DELAY_SECONDS
                    }
                    None => {
                        let doublings = u32::try_from(rounds - 1).unwrap_or(u32::MAX).min(16);
                        let delay = FIRST_BUSY_SECONDS * f64::from(1_u32 << doublings);
                        delay.min(MAX_BUSY_SECONDS) * (0.5 + jitter / 2.0)
                    }
                };
                Some(delay)
            }
            FailureKind::Final => {
                self.final_failures += 1;
                if self.final_failures >= self.server_count {
                    return None;
                }
                self.next();
                Some(0.0)
            }
            FailureKind::Transient | FailureKind::Corrupt => {
                self.final_failures = 0;
                self.failures += if failure == FailureKind::Corrupt {
                    CORRUPT_WEIGHT
                } else {
                    1
                };
                if self.failures >= self.max_failures {
                    return None;
                }
                self.next();
                // Another server gets its request at once; only a server that failed before gets time to recover.
                let rounds = self.failures as usize / self.server_count.max(1);
                if rounds == 0 {
                    return Some(0.0);
                }
                let doublings = u32::try_from(rounds - 1).unwrap_or(u32::MAX).min(16);
                let delay = FIRST_DELAY_SECONDS * f64::from(1_u32 << doublings);
                Some(delay.min(MAX_DELAY_SECONDS) * (0.5 + jitter / 2.0))
            }
        }
    }

    const fn next(&mut self) {
        let server_count = if self.server_count == 0 {
            1
        } else {
            self.server_count
        };
        self.server = (self.server + 1) % server_count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_failures_try_each_server_once() {
        let mut state = RetryState::new(3, 6);
        assert_eq!(state.fail(FailureKind::Final, 0.5), Some(0.0));
        assert_eq!(state.base_url_index(), 1);
        assert_eq!(state.fail(FailureKind::Final, 0.5), Some(0.0));
        assert_eq!(state.base_url_index(), 2);
        assert_eq!(state.fail(FailureKind::Final, 0.5), None);
    }

    #[test]
    fn delays_double_until_giving_up() {
        let mut state = RetryState::new(1, 6);
        let delays: Vec<_> =
            std::iter::from_fn(|| state.fail(FailureKind::Transient, 1.0)).collect();
        assert_eq!(delays, [0.5, 1.0, 2.0, 4.0, 8.0]);
    }

    #[test]
    fn starts_at_given_server_or_at_first() {
        let mut state = RetryState::starting_at(1, 2, 6);
        assert_eq!(state.base_url_index(), 1);
        assert_eq!(state.fail(FailureKind::Final, 0.5), Some(0.0));
        assert_eq!(state.base_url_index(), 0);
        assert_eq!(state.fail(FailureKind::Final, 0.5), None);
        assert_eq!(RetryState::starting_at(5, 2, 6).base_url_index(), 0);
    }

    #[test]
    fn corrupt_response_counts_twice() {
        let mut state = RetryState::new(1, 6);
        let delays: Vec<_> = std::iter::from_fn(|| state.fail(FailureKind::Corrupt, 1.0)).collect();
        assert_eq!(delays, [1.0, 4.0]);
    }

    #[test]
    fn jitter_shortens_delay_by_up_to_half() {
        let after = |jitter| {
            RetryState::new(1, 6)
                .fail(FailureKind::Transient, jitter)
                .unwrap()
        };
        assert_eq!(after(0.0), 0.25);
        assert_eq!(after(1.0), 0.5);
    }

    #[test]
    fn another_server_is_tried_without_delay() {
        let mut state = RetryState::new(2, 6);
        assert_eq!(state.fail(FailureKind::Transient, 1.0), Some(0.0));
        assert_eq!(state.base_url_index(), 1);
        assert_eq!(state.fail(FailureKind::Transient, 1.0), Some(0.5));
        assert_eq!(state.base_url_index(), 0);
    }

    #[test]
    fn busy_server_is_waited_for_with_doubling_delays() {
        let busy = FailureKind::Busy { retry_after: None };
        let mut state = RetryState::new(1, 3);
        let delays: Vec<_> = std::iter::from_fn(|| state.fail(busy, 1.0)).collect();
        assert_eq!(delays, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert_eq!(state.failures(), 0);
    }

    #[test]
    fn busy_server_is_waited_for_as_long_as_it_says() {
        for (seconds, delay) in [(0, 1.0), (7, 7.0), (100_000, 120.0)] {
            let retry_after = Some(seconds);
            let mut state = RetryState::new(1, 3);
            assert_eq!(
                state.fail(FailureKind::Busy { retry_after }, 0.0),
                Some(delay)
            );
        }
    }

    #[test]
    fn other_servers_are_asked_before_a_busy_one_is_waited_for() {
        let busy = FailureKind::Busy {
            retry_after: Some(9),
        };
        let mut state = RetryState::new(2, 3);
        assert_eq!(state.fail(busy, 0.0), Some(0.0));
        assert_eq!(state.base_url_index(), 1);
        assert_eq!(state.fail(busy, 0.0), Some(9.0));
        assert_eq!(state.base_url_index(), 0);
    }

    #[test]
    fn statuses_are_final_or_transient() {
        for (status, failure) in [
            (404, FailureKind::Final),
            (403, FailureKind::Final),
            (408, FailureKind::Transient),
            (429, FailureKind::Busy { retry_after: None }),
            (500, FailureKind::Transient),
            (503, FailureKind::Busy { retry_after: None }),
        ] {
            assert_eq!(FailureKind::from_status(status), failure, "{status}");
        }
    }
}
