//! The choice of the quality, in numbers: the real engine on bandwidth traces, beside a rule that goes by throughput
//! alone.
//!
//! ```text
//! cargo test --test simulation abr -- --nocapture     prints the table of docs/simulation.md
//! ```

use std::{cell::RefCell, rc::Rc};

use testkit::content::{Addressing, Format};
use yew_mse_worker::{
    platform::simulated::{Ended, WaitCause, World},
    protocol::{BufferGoal, Diagnostic, Event, PlaybackSettings, SegmentReport, TrackKind},
};

use crate::{
    page::Page,
    scenario::{Connection, Scenario},
    server::{Host, ORIGIN},
};

/// Duration of the content in seconds.
const LENGTH: f64 = 240.0;
/// Duration of its segments in seconds.
const SEGMENT: f64 = 2.0;
const HEIGHTS: [u16; 5] = [240, 360, 480, 720, 1080];
/// Bits per second of the video qualities, by [`HEIGHTS`], and of audio.
const LADDER: [f64; 5] = [350e3, 800e3, 1.4e6, 2.8e6, 5e6];
const AUDIO: f64 = 64e3;
/// How often the quality on screen is looked at, in milliseconds.
const STEP_MS: f64 = 100.0;
/// A stall that is shorter than this is not counted, in milliseconds.
const MIN_STALL_MS: f64 = 50.0;

/// A named connection.
struct Trace {
    name: &'static str,
    /// Bits per second from each time on, in seconds.
    bandwidth: Vec<(f64, f64)>,
}

fn traces() -> Vec<Trace> {
    let steady = [
        ("steady 0.3 Mbit/s", 0.3e6),
        ("steady 0.6 Mbit/s", 0.6e6),
        ("steady 1 Mbit/s", 1e6),
        ("steady 2 Mbit/s", 2e6),
        ("steady 4 Mbit/s", 4e6),
        ("steady 8 Mbit/s", 8e6),
        ("steady 30 Mbit/s", 30e6),
    ];
    let steady = steady.map(|(name, bits)| (name, vec![(0.0, bits)]));
    let jitter =
        (0..LENGTH as u64).map(|second| (second as f64, 3e6 * (0.2 + 1.6 * share(second))));
    let changing = [
        ("1, after 60 s 8 Mbit/s", vec![(0.0, 1e6), (60.0, 8e6)]),
        ("8, after 60 s 1 Mbit/s", vec![(0.0, 8e6), (60.0, 1e6)]),
        (
            "5 Mbit/s, no network for 20 s",
            vec![(0.0, 5e6), (60.0, 0.0), (80.0, 5e6)],
        ),
        ("0.6 to 5.4 Mbit/s, each second", jitter.collect()),
        (
            "1 and 6 Mbit/s, every 20 s",
            (0..12)
                .map(|nth| (f64::from(nth) * 20.0, [1e6, 6e6][nth as usize % 2]))
                .collect(),
        ),
    ];
    let all = steady.into_iter().chain(changing);
    all.map(|(name, bandwidth)| Trace { name, bandwidth })
        .collect()
}

/// A number from 0 to 1 that is the same for the same seed.
fn share(seed: u64) -> f64 {
    let mut bits = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits ^= bits >> 29;
    bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (bits >> 40) as f64 / (1_u64 << 24) as f64
}

impl Trace {
    /// Bits per second at a time in seconds.
    fn at(&self, seconds: f64) -> f64 {
        let before = self
            .bandwidth
            .iter()
            .rev()
            .find(|(from, _)| *from <= seconds);
        before.map_or(0.0, |(_, bits)| *bits)
    }

    /// Whether the bandwidth never changes, and carries the lowest quality.
    fn is_sufficient(&self) -> bool {
        self.bandwidth.len() == 1 && self.at(0.0) >= LADDER[0] + AUDIO
    }

    /// Bits per second of the best video that the connection carries, on average: in each ten seconds the highest
    /// quality that arrives as fast as it is played.
    fn best(&self) -> f64 {
        let windows = (LENGTH / 10.0) as u32;
        let carried = (0..windows).map(|window| {
            let moments = (0..10).map(|second| self.at(f64::from(window * 10 + second)));
            let bits = moments.sum::<f64>() / 10.0 - AUDIO;
            let best = LADDER.iter().rev().find(|it| **it <= bits);
            best.unwrap_or(&LADDER[0])
        });
        carried.sum::<f64>() / f64::from(windows)
    }
}

/// How a session went.
#[derive(Debug, Default)]
struct Outcome {
    /// Seconds until the first frame.
    start_up: f64,
    /// Seconds of each stall after that.
    stalls: Vec<f64>,
    /// How often the quality on screen changed.
    switches: u32,
    /// Bits per second of the video on screen, on average.
    quality: f64,
}

impl Outcome {
    fn stalled(&self) -> f64 {
        self.stalls.iter().fold(0.0, |sum, stall| sum + stall)
    }

    fn row(&self, best: f64) -> String {
        format!(
            "{:.1} s | {:.1} s ({}) | {:.0} % | {}",
            self.start_up,
            self.stalled(),
            self.stalls.len(),
            100.0 * self.quality / best,
            self.switches
        )
    }
}

/// Counts the qualities that are shown.
#[derive(Default)]
struct Shown {
    sum: f64,
    samples: f64,
    last: Option<f64>,
    switches: u32,
}

impl Shown {
    fn add(&mut self, bandwidth: f64) {
        self.sum += bandwidth;
        self.samples += 1.0;
        let last = self.last.replace(bandwidth);
        self.switches += u32::from(last.is_some_and(|last| last != bandwidth));
    }
}

/// Plays a trace by the engine.
fn play(trace: &Trace) -> Outcome {
    let mut scenario = Scenario::plain(Format::Dash(Addressing::Number), LENGTH);
    scenario.recipe().heights = HEIGHTS.to_vec();
    scenario.recipe().segment_seconds = SEGMENT;
    scenario.connection = Connection {
        bandwidth: trace.bandwidth.clone(),
        latency_ms: (80.0, 120.0),
        lost_thousandths: 0,
    };
    let world = World::new(scenario.seed, scenario.browser.browser());
    let _entered = world.enter();
    let served = scenario.source.serve();
    world.serve(Host::new(
        served.respond,
        &scenario,
        Rc::new(RefCell::default()),
    ));
    let bandwidth = trace.bandwidth.iter();
    let bandwidth: Vec<_> = bandwidth.map(|(at, bits)| (at * 1000.0, *bits)).collect();
    world.set_bandwidth(&bandwidth);
    let (ahead, behind) = scenario.goal;
    let settings = PlaybackSettings {
        buffer: BufferGoal { ahead, behind },
        ..PlaybackSettings::default()
    };
    let page = Page::open(format!("{ORIGIN}{}", served.entry), settings, (1920, 1080));
    page.load();
    let mut outcome = Outcome::default();
    let mut shown = Shown::default();
    let mut appended: Vec<SegmentReport> = Vec::new();
    let mut events = 0;
    let mut position = 0.0;
    while !page.element.has_ended() {
        assert_eq!(world.run_for(STEP_MS), Ended::Deadline, "{}", trace.name);
        assert_eq!(page.error(), None, "{}", trace.name);
        assert!(
            world.elapsed_ms() < 5_000.0 * LENGTH,
            "{} does not end",
            trace.name
        );
        for (_, event) in &page.traffic.borrow().events[events..] {
            events += 1;
            let Event::Diagnostics { diagnostic, .. } = event else {
                continue;
            };
            if let Ok(Diagnostic::SegmentFinished(it)) = diagnostic.decode()
                && it.appended
                && it.kind == TrackKind::Video
            {
                appended.push(it);
            }
        }
        let now = page.element.position();
        if now <= position {
            continue;
        }
        position = now;
        if outcome.start_up == 0.0 {
            outcome.start_up = world.elapsed_ms() / 1000.0;
        }
        let last = appended.iter().rev();
        if let Some(it) = last.clone().find(|it| it.start <= now && now < it.end) {
            shown.add(it.bandwidth as f64);
        }
    }
    let waits = page.element.waits();
    let stalls = waits
        .iter()
        .filter(|it| it.cause == WaitCause::Underrun && it.position > 0.0);
    let stalls = stalls.filter(|it| it.duration_ms > MIN_STALL_MS);
    outcome.stalls = stalls.map(|it| it.duration_ms / 1000.0).collect();
    outcome.quality = shown.sum / shown.samples;
    outcome.switches = shown.switches;
    outcome
}

/// Plays a trace by a rule that goes by throughput alone: the highest quality below 80 % of the harmonic mean of the last
/// three downloads. Segments of audio and video are fetched one after the other, up to the same goal.
fn play_by_throughput(trace: &Trace) -> Outcome {
    const STEP: f64 = 0.01;
    const LATENCY: f64 = 0.1;
    const GOAL: f64 = 30.0;
    let mut outcome = Outcome::default();
    let mut shown = Shown::default();
    let mut qualities: Vec<f64> = Vec::new();
    let mut samples: Vec<f64> = Vec::new();
    let (mut now, mut position, mut stall) = (0.0, 0.0, 0.0);
    // The manifest.
    let mut idle_until = LATENCY;
    let mut download: Option<(f64, f64, f64)> = None;
    while position < LENGTH {
        let buffered = qualities.len() as f64 * SEGMENT;
        if download.is_none()
            && now >= idle_until
            && buffered < LENGTH
            && buffered - position < GOAL
        {
            let last = samples.iter().rev().take(3);
            let mean = match last.len() {
                0 => yew_mse_worker::media::abr::INITIAL_ESTIMATE,
                count => count as f64 / last.map(|it| 1.0 / it).sum::<f64>(),
            };
            let fits = |it: &&f64| **it + AUDIO <= 0.8 * mean;
            let quality = *LADDER.iter().rev().find(fits).unwrap_or(&LADDER[0]);
            download = Some((quality, (quality + AUDIO) * SEGMENT, now));
        }
        if let Some((quality, bits, began)) = &mut download
            && now >= *began + LATENCY
        {
            *bits -= trace.at(now) * STEP;
            if *bits <= 0.0 {
                samples.push((*quality + AUDIO) * SEGMENT / (now - *began - LATENCY + STEP));
                qualities.push(*quality);
                (download, idle_until) = (None, now);
            }
        }
        if let Some(quality) = qualities.get((position / SEGMENT) as usize) {
            if position == 0.0 {
                outcome.start_up = now;
            } else if stall > MIN_STALL_MS / 1000.0 {
                outcome.stalls.push(stall);
            }
            stall = 0.0;
            shown.add(*quality);
            position += STEP;
        } else {
            stall += STEP;
        }
        now += STEP;
    }
    outcome.quality = shown.sum / shown.samples;
    outcome.switches = shown.switches;
    outcome
}

#[test]
fn abr_is_no_worse_than_a_rule_of_throughput_alone() {
    println!(
        "| connection | start-up | stalled (times) | quality | switches | rule: start-up | stalled (times) | quality | switches |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut failures = Vec::new();
    for trace in traces() {
        let (ours, other) = (play(&trace), play_by_throughput(&trace));
        let best = trace.best();
        println!(
            "| {} | {} | {} |",
            trace.name,
            ours.row(best),
            other.row(best)
        );
        let mut expect = |is_so: bool, what: &str| {
            if !is_so {
                failures.push(format!("{}: {what}", trace.name));
            }
        };
        if trace.is_sufficient() {
            expect(ours.stalls.is_empty(), "stalls on a constant connection");
            expect(
                ours.quality > 0.9 * best,
                "less than 90 % of the best quality",
            );
        }
        // The other rule's segments all have their nominal sizes.
        expect(
            ours.stalled() < 1.1 * other.stalled() + 1.0,
            "stalls longer than the other rule",
        );
        expect(
            ours.quality > 0.95 * other.quality,
            "a lower quality than the other rule",
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
