//! The encoder of a live stream: computes when each segment is made. It is a piecewise linear function of
//! time, so a stream of weeks costs no more than one of minutes.

use std::time::Duration;

use super::{Config, Incident};

/// The output of an encoder between its start and its end or restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Position among the generations.
    pub number: u64,
    /// Wall-clock time of its start.
    pub start: Duration,
    /// Wall-clock time after which it makes no more segments.
    pub end: Option<Duration>,
    /// Whether it uses the alternative codecs.
    pub alternates: bool,
    /// In order; at least one.
    runs: Vec<Run>,
    /// Nanoseconds of the wall clock that a million segments take.
    pace: u128,
}

/// Segments that are made without interruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Position of the first among all segments of the generation.
    first: u64,
    /// Wall-clock time at which the first begins.
    start: Duration,
    /// Position of the first in the source.
    media: u64,
    /// Whether its timestamps do not continue those of the previous run.
    has_discontinuity: bool,
    /// Whether the segments are missing, as the encoder got no input.
    is_missing: bool,
}

/// A segment that an encoder has made, or will make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedSegment {
    /// Position among all segments of the generation.
    pub position: u64,
    /// Position in the source.
    pub media: u64,
    /// Wall-clock time of its beginning.
    pub start: Duration,
    /// Wall-clock time at which it is complete.
    pub available: Duration,
    /// Whether it is listed but missing.
    pub is_missing: bool,
    /// Whether its timestamps do not go on from those of the segment before, because of an incident.
    pub has_discontinuity: bool,
}

/// The generations of a stream, in order; at least one.
pub fn generations(config: &Config, segment: (u64, u32)) -> Vec<Generation> {
    let (ticks, timescale) = segment;
    let speed = (1_000_000 + i128::from(config.drift_ppm)).max(1) as u128;
    // A million segments, so that the rounding does not show.
    let pace =
        u128::from(ticks) * 1_000_000_000 * 1_000_000 * 1_000_000 / (u128::from(timescale) * speed);
    let generation = |number, start, alternates| Generation {
        number,
        start,
        end: None,
        alternates,
        runs: vec![Run {
            first: 0,
            start,
            media: 0,
            has_discontinuity: false,
            is_missing: false,
        }],
        pace: pace.max(1),
    };
    let mut incidents = config.incidents.clone();
    incidents.sort_by_key(|it| it.at);
    let mut current = generation(0, config.start, false);
    let mut done = Vec::new();
    let end = config
        .length
        .map(|length| config.start.saturating_add(length));
    for incident in &incidents {
        let at = config.start.saturating_add(incident.at);
        if end.is_some_and(|end| at >= end) {
            break;
        }
        let made = current.count(at);
        let next = current.at(made);
        let run = Run {
            first: made,
            start: next.start,
            media: next.media,
            // That of a run which ends before its first segment is complete is not forgotten.
            has_discontinuity: next.has_discontinuity,
            is_missing: false,
        };
        match incident.kind {
            Incident::Stall { lasting } => current.runs.push(Run {
                start: at.max(next.start).saturating_add(lasting),
                ..run
            }),
            Incident::Skip { segments } => current.runs.push(Run {
                media: next.media.saturating_add(segments),
                has_discontinuity: true,
                ..run
            }),
            Incident::JumpBack { segments } => current.runs.push(Run {
                media: next.media.saturating_sub(segments),
                has_discontinuity: true,
                ..run
            }),
            Incident::Missing { segments } => {
                current.runs.push(Run {
                    is_missing: true,
                    ..run
                });
                let after = current.at(made.saturating_add(segments));
                current.runs.push(Run {
                    first: after.position,
                    start: after.start,
                    media: after.media,
                    has_discontinuity: false,
                    ..run
                });
            }
            Incident::Restart { changes_codec } => {
                let alternates = current.alternates != changes_codec;
                let next = generation(current.number + 1, at, alternates);
                current.end = Some(at);
                done.push(std::mem::replace(&mut current, next));
            }
            Incident::Stale { .. } | Incident::Delayed { .. } | Incident::Unready { .. } => {}
        }
    }
    current.end = end;
    done.push(current);
    done
}

impl Generation {
    /// The wall-clock time that segments take.
    fn time(&self, segments: u64) -> Duration {
        let nanoseconds = u128::from(segments) * self.pace / 1_000_000;
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// How many segments are complete at a wall-clock time.
    pub fn count(&self, now: Duration) -> u64 {
        let now = self.end.map_or(now, |end| end.min(now));
        let Some(nth) = self.runs.iter().rposition(|run| run.start <= now) else {
            return 0;
        };
        let Some(run) = self.runs.get(nth) else {
            return 0;
        };
        let passed = now.saturating_sub(run.start).as_nanos();
        let mut made = (passed * 1_000_000 / self.pace) as u64;
        // Both are rounded down, so that the time of a segment may lie a nanosecond before it is due.
        if self.time(made + 1) <= now.saturating_sub(run.start) {
            made += 1;
        }
        let made = run.first.saturating_add(made);
        match self.runs.get(nth + 1) {
            Some(next) => made.min(next.first),
            None => made,
        }
    }

    fn run(&self, position: u64) -> Option<&Run> {
        self.runs.iter().rfind(|run| run.first <= position)
    }

    /// The segment at a position, whether it has been made already or not.
    pub fn at(&self, position: u64) -> EncodedSegment {
        let first = Run {
            first: 0,
            start: self.start,
            media: 0,
            has_discontinuity: false,
            is_missing: false,
        };
        let run = self.run(position).copied().unwrap_or(first);
        let nth = position - run.first;
        EncodedSegment {
            position,
            media: run.media + nth,
            start: run.start.saturating_add(self.time(nth)),
            available: run.start.saturating_add(self.time(nth + 1)),
            is_missing: run.is_missing,
            has_discontinuity: run.has_discontinuity && nth == 0,
        }
    }

    /// The segment that is made last of those with a position in the source, at a wall-clock time or
    /// before. `None` if there is none.
    pub fn of_media(&self, media: u64, now: Duration) -> Option<EncodedSegment> {
        let count = self.count(now);
        let mut end = u64::MAX;
        for run in self.runs.iter().rev() {
            let position = media.checked_sub(run.media).map(|nth| run.first + nth);
            if let Some(position) = position.filter(|it| *it < end.min(count)) {
                return Some(self.at(position));
            }
            end = end.min(run.first);
        }
        None
    }

    /// How many positions before this one have a discontinuity, if there is one as well wherever the
    /// source has gone on by so many segments; 0 for never.
    pub fn discontinuities(&self, position: u64, every: u64) -> u64 {
        let splice_index = |media: u64| media.checked_div(every).unwrap_or(0);
        let mut count = 0;
        for (nth, run) in self.runs.iter().enumerate() {
            let next = self.runs.get(nth + 1).map_or(u64::MAX, |next| next.first);
            let end = next.min(position);
            if run.first >= end {
                continue;
            }
            if run.first > 0 {
                let before = self.at(run.first - 1);
                let crosses = splice_index(before.media) != splice_index(run.media);
                count += u64::from(run.has_discontinuity || crosses);
            }
            let last = run.media + (end - 1 - run.first);
            count += splice_index(last) - splice_index(run.media);
        }
        count
    }

    /// Whether there is a discontinuity before a position; see [`discontinuities`](Self::discontinuities).
    pub fn has_discontinuity(&self, position: u64, every: u64) -> bool {
        self.discontinuities(position + 1, every) > self.discontinuities(position, every)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Timed, *};

    #[test]
    fn segment_counts_from_the_moment_it_is_available() {
        for (segment, drift_ppm) in [((60_060, 30_000), 0), ((60, 30), 5000), ((1, 3), -77)] {
            let config = Config {
                start: Duration::from_millis(1234),
                drift_ppm,
                ..Config::default()
            };
            let all = generations(&config, segment);
            for position in [0, 1, 2, 999, 1_000_003, 500_000_000] {
                let available = all[0].at(position).available;
                assert_eq!(all[0].count(available), position + 1, "{segment:?}");
                let before = available - Duration::from_nanos(1);
                assert_eq!(all[0].count(before), position, "{segment:?}");
            }
        }
    }

    #[test]
    fn discontinuity_survives_a_stall_at_the_same_time() {
        let lasting = Duration::from_secs(5);
        let incidents = [Incident::Skip { segments: 3 }, Incident::Stall { lasting }];
        let timed = |kind| Timed {
            at: Duration::from_secs(20),
            kind,
        };
        let config = Config {
            incidents: incidents.map(timed).to_vec(),
            ..Config::default()
        };
        let all = generations(&config, (2, 1));
        let made = all[0].at(10);
        assert!(made.has_discontinuity);
        assert_eq!((made.media, made.start), (13, Duration::from_secs(25)));
        assert_eq!(all[0].discontinuities(10, 0), 0);
        assert_eq!(all[0].discontinuities(11, 0), 1);
    }
}
