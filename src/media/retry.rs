//! What to do when something could not be fetched: where to try next, when, and when to give up.

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The server knows what was asked for, and refuses it or does not have it: asking again is no use.
    Final,
    /// It may go well the next time: no answer, one that breaks off, a server in trouble.
    Passing,
    /// What came is not what it should be. The next time it may be, but hardly the time after.
    Damaged,
}

impl FailureKind {
    /// Of an HTTP status that is none of success.
    pub const fn from_status(status: u16) -> Self {
        match status {
            // Request Timeout, Too Early and Too Many Requests ask for another try.
            408 | 425 | 429 => Self::Passing,
            400..500 => Self::Final,
            _ => Self::Passing,
        }
    }
}

/// What a damaged answer counts for, where no answer counts for one.
const DAMAGED: u32 = 2;
/// Seconds until the second try; twice as long until each further one, up to [`LONGEST`].
const FIRST_WAIT: f64 = 0.5;
/// Seconds.
const LONGEST: f64 = 8.0;

/// The tries at one thing that may be fetched from several servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryState {
    servers: usize,
    server: usize,
    /// How many failures there may be, all servers together.
    patience: u32,
    failures: u32,
    refusals: usize,
}

impl RetryState {
    /// Nothing has been tried yet of so many servers. It is given up after so many failures, but for
    /// those that say at once that another try is of no use.
    pub const fn new(servers: usize, patience: u32) -> Self {
        Self::starting_at(0, servers, patience)
    }

    /// The same, beginning with another server than the first: one that is known to be well.
    pub const fn starting_at(server: usize, servers: usize, patience: u32) -> Self {
        Self {
            servers,
            server: if server < servers { server } else { 0 },
            patience,
            failures: 0,
            refusals: 0,
        }
    }

    /// Which of the servers to ask.
    pub const fn base_url_index(&self) -> usize {
        self.server
    }

    /// How often it failed so far.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Notes a failure: how many seconds to wait before the next server is asked, or `None` if there
    /// is no use in trying on. `chance` is between 0 and 1; it keeps a thousand players from coming
    /// back in the same instant.
    pub fn fail(&mut self, failure: FailureKind, chance: f64) -> Option<f64> {
        match failure {
            FailureKind::Final => {
                self.refusals += 1;
                if self.refusals >= self.servers {
                    return None;
                }
                self.next();
                Some(0.0)
            }
            FailureKind::Passing | FailureKind::Damaged => {
                self.refusals = 0;
                self.failures += if failure == FailureKind::Damaged {
                    DAMAGED
                } else {
                    1
                };
                if self.failures >= self.patience {
                    return None;
                }
                self.next();
                // Another server is asked at once; waiting is for those who come round again.
                let rounds = self.failures as usize / self.servers.max(1);
                if rounds == 0 {
                    return Some(0.0);
                }
                let doublings = u32::try_from(rounds - 1).unwrap_or(u32::MAX).min(16);
                let wait = FIRST_WAIT * f64::from(1_u32 << doublings);
                Some(wait.min(LONGEST) * (0.5 + chance / 2.0))
            }
        }
    }

    const fn next(&mut self) {
        self.server = (self.server + 1) % if self.servers == 0 { 1 } else { self.servers };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_asked_of_every_server_once() {
        let mut attempts = RetryState::new(3, 6);
        assert_eq!(attempts.fail(FailureKind::Final, 0.5), Some(0.0));
        assert_eq!(attempts.base_url_index(), 1);
        assert_eq!(attempts.fail(FailureKind::Final, 0.5), Some(0.0));
        assert_eq!(attempts.base_url_index(), 2);
        assert_eq!(attempts.fail(FailureKind::Final, 0.5), None);
    }

    #[test]
    fn a_server_in_trouble_is_asked_again_ever_later_and_not_for_ever() {
        let mut attempts = RetryState::new(1, 6);
        let waits: Vec<_> =
            std::iter::from_fn(|| attempts.fail(FailureKind::Passing, 1.0)).collect();
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0]);
    }

    #[test]
    fn a_server_that_is_known_to_be_well_is_asked_first() {
        let mut attempts = RetryState::starting_at(1, 2, 6);
        assert_eq!(attempts.base_url_index(), 1);
        assert_eq!(attempts.fail(FailureKind::Final, 0.5), Some(0.0));
        assert_eq!(attempts.base_url_index(), 0);
        assert_eq!(attempts.fail(FailureKind::Final, 0.5), None);
        assert_eq!(RetryState::starting_at(5, 2, 6).base_url_index(), 0);
    }

    #[test]
    fn what_comes_damaged_is_asked_for_less_often() {
        let mut attempts = RetryState::new(1, 6);
        let waits: Vec<_> =
            std::iter::from_fn(|| attempts.fail(FailureKind::Damaged, 1.0)).collect();
        assert_eq!(waits, [1.0, 4.0]);
    }

    #[test]
    fn chance_spreads_the_players() {
        let after = |chance| {
            RetryState::new(1, 6)
                .fail(FailureKind::Passing, chance)
                .unwrap()
        };
        assert_eq!(after(0.0), 0.25);
        assert_eq!(after(1.0), 0.5);
    }

    #[test]
    fn another_server_is_asked_at_once() {
        let mut attempts = RetryState::new(2, 6);
        assert_eq!(attempts.fail(FailureKind::Passing, 1.0), Some(0.0));
        assert_eq!(attempts.base_url_index(), 1);
        assert_eq!(attempts.fail(FailureKind::Passing, 1.0), Some(0.5));
        assert_eq!(attempts.base_url_index(), 0);
    }

    #[test]
    fn statuses_tell_final_from_passing() {
        for (status, failure) in [
            (404, FailureKind::Final),
            (403, FailureKind::Final),
            (429, FailureKind::Passing),
            (500, FailureKind::Passing),
            (503, FailureKind::Passing),
        ] {
            assert_eq!(FailureKind::from_status(status), failure, "{status}");
        }
    }
}
