//! Films that are played without a browser. What decides is the real thing: the planner, the choice of the
//! bit rate, the clock, the retries, wired as `engine/feed.rs` wires them. The network, the SourceBuffers
//! and the page are made up, and move on by a hundredth of a second at a time. A segment can be
//! played once all of it has come, which is later than in a browser.
//!
//! `cargo test --test simulation -- --nocapture` prints how each film went.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::rc::Rc;

use yew_mse_worker::media::{
    AdaptationSet, ContentType, Index, Period, Presentation, Representation, RepresentationId,
    Segment, SegmentAddresses, SegmentRun, Segments,
    abr::{self, BandwidthEstimator},
    clock::PlaybackClock,
    plan::{AppendedSegment, BufferAction, BufferInventory, SegmentStatus, Snapshot, plan},
    ranges::{TimeRange, TimeRanges},
    retry::{FailureKind, RetryState},
};

/// Seconds by which everything moves on.
const STEP: f64 = 0.01;
/// Seconds of film.
const LENGTH: f64 = 240.0;
/// Bits per second of the pictures, and of the sound.
const LADDER: [u64; 5] = [300_000, 750_000, 1_500_000, 3_000_000, 6_000_000];
const SOUND: u64 = 96_000;
/// Seconds from a request to the beginning of its answer.
const LATENCY: f64 = 0.1;
/// Seconds between what the page tells of the element, while it is not frozen.
const OBSERVING: f64 = 0.25;

/// As in the engine: seconds that a feed sleeps at most while it waits, …
const TICK: f64 = 0.25;
/// … that a server may be silent, …
const SILENCE: f64 = 8.0;
/// … that the meter runs before it notes what came, …
const NOTE: f64 = 0.5;
/// … of film that are kept behind the position, …
const BEHIND: f64 = 30.0;
/// … by which a segment may lie beyond the goal and still be finished, …
const NEAR: f64 = 5.0;
/// … and how many times a segment is asked for in vain.
const PATIENCE: u32 = 6;

/// Bits per second of a network at a time.
type Trace = fn(f64) -> f64;

const STEADY: [(&str, Trace); 6] = [
    ("steady 0.6 Mb/s", |_| 0.6e6),
    ("steady 1 Mb/s", |_| 1e6),
    ("steady 2 Mb/s", |_| 2e6),
    ("steady 4 Mb/s", |_| 4e6),
    ("steady 8 Mb/s", |_| 8e6),
    ("steady 30 Mb/s", |_| 30e6),
];
const UP: (&str, Trace) = ("1, then 8 Mb/s", |at| if at < 60.0 { 1e6 } else { 8e6 });
const DOWN: (&str, Trace) = ("8, then 1 Mb/s", |at| if at < 60.0 { 8e6 } else { 1e6 });
const TUNNEL: (&str, Trace) = ("5 Mb/s and a tunnel", |at| {
    if (60.0..60.0 + IN_TUNNEL).contains(&at) {
        0.0
    } else {
        5e6
    }
});
/// Seconds.
const IN_TUNNEL: f64 = 20.0;
const JITTER: (&str, Trace) = ("0.6 to 5.4 Mb/s", |at| {
    3e6 * (0.2 + 1.6 * chance(at as u64))
});

fn traces() -> impl Iterator<Item = (&'static str, Trace)> {
    STEADY.into_iter().chain([UP, DOWN, TUNNEL, JITTER])
}

/// A number from 0 to 1 that is always the same for the same seed.
fn chance(seed: u64) -> f64 {
    let mut bits = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits ^= bits >> 29;
    bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (bits >> 40) as f64 / (1_u64 << 24) as f64
}

/// What a film is played under.
#[derive(Clone, Copy)]
struct Setup {
    network: Trace,
    /// Seconds of film that are wanted ahead.
    goal: f64,
    /// Seconds that each segment lasts.
    segment: u64,
    /// When the page tells nothing.
    frozen: TimeRange,
}

const NEVER: TimeRange = TimeRange {
    start: 0.0,
    end: 0.0,
};

/// How a film went.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    /// Seconds until it began.
    start_up: f64,
    /// Seconds that it stood still after that, each time.
    stalls: Vec<f64>,
    /// How often the picture became better or worse.
    switches: u32,
    /// Bits per second of the pictures that were shown, on average.
    shown: f64,
    /// Bytes that came and were not needed.
    wasted: f64,
}

impl Outcome {
    fn stalled(&self) -> f64 {
        self.stalls.iter().fold(0.0, |sum, stall| sum + stall)
    }
}

/// What the network of a trace can carry of the pictures at best, in bits per second: for every ten
/// seconds the highest representation that comes no slower than it is played.
fn best(network: Trace) -> f64 {
    let windows = (LENGTH / 10.0) as u32;
    let carried = (0..windows).map(|window| {
        let moments = (0..10).map(|second| network(f64::from(window * 10 + second)));
        let bits = moments.sum::<f64>() / 10.0 - SOUND as f64;
        let fits = |rung: &&u64| **rung as f64 <= bits;
        LADDER.iter().rev().find(fits).map_or(0.0, |it| *it as f64)
    });
    carried.sum::<f64>() / f64::from(windows)
}

fn film(segment: u64) -> Presentation {
    let segments = Rc::new(Segments {
        runs: vec![SegmentRun {
            time: 0,
            duration: segment,
            count: LENGTH as u64 / segment,
            first: 0,
        }],
        addresses: SegmentAddresses::Template {
            media: "$Number$".into(),
            numbers: vec![0],
        },
        ..Segments::default()
    });
    let set = |kind, ladder: &[u64]| AdaptationSet {
        content_type: kind,
        representations: (ladder.iter())
            .map(|&bandwidth| Representation {
                bandwidth,
                index: Index::Known(segments.clone()),
                ..Representation::default()
            })
            .collect(),
        ..AdaptationSet::default()
    };
    Presentation {
        periods: vec![Period {
            start: 0.0,
            end: LENGTH,
            adaptation_sets: vec![
                set(ContentType::Video, &LADDER),
                set(ContentType::Audio, &[SOUND]),
            ],
            ..Period::default()
        }],
        ..Presentation::default()
    }
}

/// Bytes of a segment. Pictures move more or less, and the manifest tells only the average.
fn size(bandwidth: u64, segment: &Segment) -> f64 {
    let busy = match bandwidth {
        SOUND => 1.0,
        _ => 0.6 + 0.8 * chance(segment.number + 1_000),
    };
    bandwidth as f64 / 8.0 * (segment.end - segment.start) * busy
}

/// All transfers of media together, as `engine/meter.rs` measures them.
#[derive(Default)]
struct Meter {
    active: u32,
    bytes: f64,
    since: f64,
    bandwidth: BandwidthEstimator,
}

impl Meter {
    fn begin(&mut self, now: f64) {
        if self.active == 0 {
            (self.since, self.bytes) = (now, 0.0);
        }
        self.active += 1;
    }

    fn count(&mut self, bytes: f64, now: f64) {
        self.bytes += bytes;
        if now - self.since >= NOTE {
            self.note(now);
        }
    }

    fn end(&mut self, now: f64) {
        self.active -= 1;
        if self.active == 0 {
            self.note(now);
        }
    }

    fn note(&mut self, now: f64) {
        self.bandwidth.sample(self.bytes as u64, now - self.since);
        (self.since, self.bytes) = (now, 0.0);
    }
}

/// A segment on its way.
struct Download {
    id: RepresentationId,
    segment: Segment,
    asked: f64,
    attempts: RetryState,
    /// When the request of this attempt is made: later than now, if it has to wait for that.
    sent: f64,
    /// What is left of the latency; the answer has begun once that is nothing.
    latency: f64,
    /// When something was heard last.
    heard: f64,
    received: f64,
    total: f64,
}

/// What feeds one SourceBuffer, and the SourceBuffer.
#[derive(Default)]
struct Feed {
    inventory: BufferInventory,
    current: Option<usize>,
    below: Option<usize>,
    buffered: TimeRanges,
    /// Bytes of each segment, as it was appended last.
    sizes: Vec<f64>,
    download: Option<Download>,
    /// Up to which time nothing is missing, and what is buffered, as the other feed and the clock know.
    filled: Option<(f64, TimeRanges)>,
    /// When it looks again even if nothing has changed, and the last change that it knows of.
    wakes: f64,
    changes: u32,
}

/// The worker, the page and the network.
struct Player {
    setup: Setup,
    film: Presentation,
    now: f64,
    clock: PlaybackClock,
    meter: Meter,
    /// Of pictures and of sound, in the order of the sets.
    feeds: [Feed; 2],
    changes: u32,
    /// What the element's `currentTime` is.
    position: f64,
    shown: Option<usize>,
    is_stalled: bool,
    outcome: Outcome,
}

fn play(setup: Setup) -> Outcome {
    let mut player = Player {
        setup,
        film: film(setup.segment),
        now: 0.0,
        clock: PlaybackClock::new(0.0),
        meter: Meter::default(),
        feeds: [(), ()].map(|()| Feed {
            sizes: vec![0.0; LENGTH as usize / setup.segment as usize],
            ..Feed::default()
        }),
        changes: 0,
        position: 0.0,
        shown: None,
        is_stalled: false,
        outcome: Outcome::default(),
    };
    let mut observed = f64::NEG_INFINITY;
    while player.position < LENGTH - STEP {
        let now = player.now;
        let is_frozen = (setup.frozen.start..setup.frozen.end).contains(&now);
        if now - observed >= OBSERVING && !is_frozen {
            observed = now;
            player.clock.observe(player.position, 1.0, now * 1000.0);
            player.changes += 1;
        }
        player.transfer();
        for which in 0..2 {
            player.feed(which);
        }
        player.show();
        player.now += STEP;
        assert!(player.now < 5.0 * LENGTH, "it never ends");
    }
    player.outcome.shown /= LENGTH;
    let needed = player.feeds.iter().flat_map(|feed| &feed.sizes);
    player.outcome.wasted -= needed.sum::<f64>();
    player.outcome
}

impl Player {
    /// The element plays what is there.
    fn show(&mut self) {
        let [pictures, sound] = &self.feeds;
        let ahead = pictures
            .buffered
            .intersection(&sound.buffered)
            .ahead(self.position);
        let outcome = &mut self.outcome;
        if ahead == 0.0 {
            match (self.shown, self.is_stalled) {
                (None, _) => outcome.start_up += STEP,
                (Some(_), false) => outcome.stalls.push(STEP),
                (Some(_), true) => *outcome.stalls.last_mut().unwrap() += STEP,
            }
            self.is_stalled = self.shown.is_some();
            return;
        }
        self.is_stalled = false;
        let is_now = |there: &&AppendedSegment| there.time.end > self.position;
        let there = pictures.inventory.iter().find(is_now).unwrap();
        let shown = there.representation.representation;
        if self.shown.replace(shown).is_some_and(|last| last != shown) {
            outcome.switches += 1;
        }
        let passed = STEP.min(ahead);
        outcome.shown += LADDER[shown] as f64 * passed;
        self.position += passed;
    }

    /// The network brings what it can. Nothing gets through while it has no bandwidth, requests neither.
    fn transfer(&mut self) {
        let now = self.now;
        let bandwidth = (self.setup.network)(now);
        let is_active = |it: &&Download| it.sent <= now && it.latency <= 0.0;
        let downloads = self.feeds.iter().filter_map(|it| it.download.as_ref());
        let active = downloads.filter(is_active).count().max(1);
        let share = bandwidth / 8.0 * STEP / active as f64;
        for feed in &mut self.feeds {
            let Some(it) = feed.download.as_mut().filter(|it| it.sent <= now) else {
                continue;
            };
            if bandwidth > 0.0 {
                it.heard = now;
                if it.latency > 0.0 {
                    it.latency -= STEP;
                    if it.latency <= 0.0 {
                        it.received = 0.0;
                        self.meter.begin(now);
                    }
                } else {
                    let bytes = share.min(it.total - it.received);
                    it.received += bytes;
                    self.outcome.wasted += bytes;
                    self.meter.count(bytes, now);
                }
            } else if now - it.heard >= SILENCE {
                if it.latency <= 0.0 {
                    self.meter.end(now);
                }
                let wait = it.attempts.fail(FailureKind::Transient, 0.5);
                it.sent = now + wait.expect("it gave up");
                (it.heard, it.latency) = (it.sent, LATENCY);
            }
        }
    }

    /// Gives a feed its turn, if it is its turn.
    fn feed(&mut self, which: usize) {
        let is_done = |it: &mut Download| it.latency <= 0.0 && it.received >= it.total;
        if let Some(it) = self.feeds[which].download.take_if(is_done) {
            self.meter.end(self.now);
            self.append(which, it);
            return self.decide(which);
        }
        let feed = &mut self.feeds[which];
        if feed.changes == self.changes && self.now < feed.wakes {
            return;
        }
        (feed.changes, feed.wakes) = (self.changes, self.now + TICK);
        let Some(it) = &self.feeds[which].download else {
            return self.decide(which);
        };
        let (id, is_open) = (it.id, it.latency <= 0.0);
        let is_hopeless = self.is_hopeless(it, which);
        if !self.is_wanted(it.id, &it.segment.clone(), which) || is_hopeless {
            self.feeds[which].download = None;
            if is_open {
                self.meter.end(self.now);
            }
            if is_hopeless {
                self.feeds[which].below = Some(id.representation);
            }
            self.decide(which);
        }
    }

    /// `Feed::note()`.
    fn append(&mut self, which: usize, it: Download) {
        let time = TimeRange {
            start: it.segment.start,
            end: it.segment.end,
        };
        let feed = &mut self.feeds[which];
        feed.sizes[it.segment.number as usize] = it.total;
        let mut ranges: Vec<TimeRange> = feed.buffered.iter().chain([time]).collect();
        ranges.sort_by(|one, other| one.start.total_cmp(&other.start));
        feed.buffered = ranges.into_iter().collect();
        feed.below = None;
        feed.inventory.record(AppendedSegment {
            time,
            buffered: feed.buffered.hull(time),
            buffered_seconds: feed.buffered.covered_seconds(time),
            representation: it.id,
        });
    }

    /// `Feed::run()`, from one wait to the next.
    fn decide(&mut self, which: usize) {
        loop {
            let buffered = self.feeds[which].buffered.clone();
            let (step, complete) = self.next_step(which, &buffered);
            let feed = &mut self.feeds[which];
            let filled = feed.filled.replace((complete, buffered.clone()));
            if filled.is_none_or(|before| before.1 != buffered) {
                self.changes += 1;
            }
            feed.changes = self.changes;
            match step {
                BufferAction::Evict(TimeRange { end: start, .. }) => {
                    let end = f64::INFINITY;
                    let kept = [TimeRange { start, end }].into_iter().collect();
                    feed.buffered = buffered.intersection(&kept);
                }
                BufferAction::Fetch(id, segment) => return self.ask(which, id, *segment),
                BufferAction::Wait => return feed.wakes = self.now + TICK,
                BufferAction::End => return feed.wakes = f64::INFINITY,
                BufferAction::LoadIndex(_) => unreachable!("all is known"),
            }
        }
    }

    fn ask(&mut self, which: usize, id: RepresentationId, segment: Segment) {
        let now = self.now;
        let bandwidth = self.film.representation(id).unwrap().bandwidth;
        let feed = &mut self.feeds[which];
        feed.current = Some(id.representation);
        feed.wakes = now + TICK;
        feed.download = Some(Download {
            id,
            asked: now,
            attempts: RetryState::new(1, PATIENCE),
            sent: now,
            latency: LATENCY,
            heard: now,
            received: 0.0,
            total: size(bandwidth, &segment),
            segment,
        });
    }

    /// `Feed::next_step()`.
    fn next_step(&mut self, which: usize, buffered: &TimeRanges) -> (BufferAction, f64) {
        self.feeds[which].inventory.reconcile(buffered);
        let position = self.clock_position();
        let goal = self.setup.goal;
        let other = self.feeds[1 - which].filled.as_ref();
        let others = other.map_or(f64::INFINITY, |(complete, _)| complete - position);
        let level = buffered.ahead(position);
        let calm = level.min(others) >= goal / 2.0;
        let set = &self.film.periods[0].adaptation_sets[which];
        let chosen = self.choose(which, set, level);
        plan(&Snapshot {
            presentation: &self.film,
            end: f64::INFINITY,
            position,
            evictable_before: position.min(self.clock.observed()) - BEHIND,
            goal,
            other_buffer_ahead: others,
            buffered,
            inventory: &self.feeds[which].inventory,
            choose: &|period| {
                Some(RepresentationId {
                    period,
                    set: which,
                    representation: chosen?,
                })
            },
            status: &|_, _, _| SegmentStatus::Available,
            is_acceptable: &|_| true,
            is_replaceable: &|there| calm && chosen > Some(there.representation.representation),
        })
    }

    /// `Feed::choose()`.
    fn choose(&self, which: usize, set: &AdaptationSet, level: f64) -> Option<usize> {
        let feed = &self.feeds[which];
        abr::choose(
            &set.representations,
            &|it| feed.below.is_none_or(|below| it < below),
            &abr::AbrInput {
                bandwidth: self.meter.bandwidth.estimate(),
                buffer_ahead: level,
                goal: self.setup.goal,
                rate: 1.0,
                screen_size: (0, 0),
                current: feed.current,
            },
        )
    }

    /// `Feed::is_wanted()`.
    fn is_wanted(&mut self, id: RepresentationId, segment: &Segment, which: usize) -> bool {
        let position = self.clock_position();
        if segment.end < position || segment.start > position + self.setup.goal + NEAR {
            return false;
        }
        let (_, buffered) = self.feeds[which].filled.clone().unwrap_or_default();
        match self.next_step(which, &buffered).0 {
            BufferAction::Fetch(next, other) => {
                next.set == id.set && other.start < segment.end && segment.start < other.end
            }
            _ => true,
        }
    }

    /// `Feed::is_hopeless()`.
    fn is_hopeless(&self, it: &Download, which: usize) -> bool {
        let set = &self.film.periods[0].adaptation_sets[which];
        let length = it.segment.end - it.segment.start;
        let lowest = (set.representations[0].bandwidth as f64 / 8.0 * length) as u64;
        let transfer = abr::TransferProgress {
            seconds: self.now - it.asked,
            received: it.received as u64,
            total: it.total as u64,
        };
        let (_, buffered) = self.feeds[which].filled.clone().unwrap_or_default();
        let left = buffered.ahead(self.clock.position());
        it.id.representation > 0 && abr::should_abandon(transfer, left, lowest)
    }

    /// Where the worker takes the film to be.
    fn clock_position(&mut self) -> f64 {
        let common = match &self.feeds.each_ref().map(|it| it.filled.as_ref()) {
            [Some((_, one)), Some((_, other))] => one.intersection(other),
            [Some((_, one)), None] | [None, Some((_, one))] => (*one).clone(),
            [None, None] => TimeRanges::default(),
        };
        self.clock.advance(self.now * 1000.0, &common);
        self.clock.position()
    }
}

/// All films of a trace: goals of 8 s and of 30 s, segments of 2 s and of 4 s.
fn setups(network: Trace) -> impl Iterator<Item = Setup> {
    [(8.0, 2), (8.0, 4), (30.0, 2), (30.0, 4)]
        .map(|(goal, segment)| Setup {
            network,
            goal,
            segment,
            frozen: NEVER,
        })
        .into_iter()
}

#[test]
fn films_play_to_their_end() {
    println!(
        "{:20} {:>4} {:>7} {:>8} {:>9} {:>5} {:>8} {:>9} {:>9}",
        "network", "goal", "segment", "start-up", "stood", "times", "switches", "of best", "wasted"
    );
    for (name, network) in traces() {
        for setup in setups(network) {
            let outcome = play(setup);
            println!(
                "{name:20} {:>2} s {:>5} s {:>6.2} s {:>7.2} s {:>5} {:>8} {:>7.0} % {:>6.0} kB",
                setup.goal,
                setup.segment,
                outcome.start_up,
                outcome.stalled(),
                outcome.stalls.len(),
                outcome.switches,
                100.0 * outcome.shown / best(network),
                outcome.wasted / 1000.0,
            );
        }
    }
}

#[test]
fn a_film_begins_little_later_than_its_lowest_quality_could() {
    for (name, network) in STEADY {
        for setup in setups(network) {
            let bits = (LADDER[0] as f64 * 1.4 + SOUND as f64) * setup.segment as f64;
            let outcome = play(setup);
            assert!(
                outcome.start_up <= bits / network(0.0) + 1.0,
                "{name}: {outcome:?}"
            );
        }
    }
}

#[test]
fn over_a_steady_network_no_film_stands_still() {
    for (name, network) in STEADY {
        for setup in setups(network) {
            assert!(play(setup).stalls.is_empty(), "{name}");
        }
    }
}

#[test]
fn falling_bandwidth_stalls_for_less_than_a_segment() {
    for (name, network) in [UP, DOWN, JITTER] {
        for setup in setups(network) {
            let outcome = play(setup);
            assert!(
                outcome.stalled() < setup.segment as f64,
                "{name}: {outcome:?}"
            );
        }
    }
}

#[test]
fn a_tunnel_costs_what_was_not_buffered_and_little_more() {
    let (name, network) = TUNNEL;
    for setup in setups(network) {
        let outcome = play(setup);
        let unavoidable = IN_TUNNEL - setup.goal;
        if unavoidable > 0.0 {
            let most = unavoidable + 1.5 * setup.segment as f64;
            assert!(outcome.stalled() < most, "{name}: {outcome:?}");
        } else {
            assert!(outcome.stalls.is_empty(), "{name}");
        }
    }
}

#[test]
fn the_picture_is_nearly_as_good_as_the_network_allows() {
    for (name, network) in traces() {
        let part = if STEADY.iter().any(|steady| steady.0 == name) {
            0.95
        } else {
            0.75
        };
        for setup in setups(network) {
            let outcome = play(setup);
            assert!(outcome.shown >= part * best(network), "{name}: {outcome:?}");
        }
    }
}

#[test]
fn little_is_fetched_in_vain() {
    for (name, network) in traces() {
        for setup in setups(network) {
            let outcome = play(setup);
            let bytes = outcome.shown / 8.0 * LENGTH;
            assert!(outcome.wasted < 0.25 * bytes, "{name}: {outcome:?}");
        }
    }
}

#[test]
fn a_frozen_page_changes_nothing() {
    let frozen = TimeRange {
        start: 40.0,
        end: 70.0,
    };
    for (name, network) in traces() {
        for setup in setups(network) {
            let (calm, told) = (play(Setup { frozen, ..setup }), play(setup));
            // But for when exactly a feed looks up from its waiting.
            let stalled = calm.stalled() - told.stalled();
            assert!(stalled.abs() < TICK, "{name}: {calm:?} {told:?}");
            let shown = calm.shown / told.shown;
            assert!((0.95..1.05).contains(&shown), "{name}: {calm:?} {told:?}");
        }
    }
}
