//! What a session is played under, drawn from a seed: content, network, faults, browser, and what the viewer and the
//! machine do.

use std::time::Duration;

use testkit::{
    content::{Format, Hls, Recipe},
    faults::Plan,
    random::Random,
};
use yew_mse_worker::platform::simulated::{Browser, EPOCH_MS};

use crate::source::Source;

/// The browser that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserKind {
    /// The engine runs in a worker.
    Chromium,
    /// The engine runs on the page.
    Firefox,
    /// The engine runs on the page, with a managed source.
    WebKit,
    /// As Safari: the engine runs in a worker, with a managed source.
    Safari,
}

/// Bandwidth, latency and losses of the connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Bits per second from each time on, in seconds since the start; ascending, the first at 0.
    pub bandwidth: Vec<(f64, f64)>,
    /// Milliseconds from a request to its response: least and most.
    pub latency_ms: (f64, f64),
    /// Thousandths of all responses that break off.
    pub lost_thousandths: u32,
}

/// What the viewer, the browser or the machine does. Durations are in seconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// The viewer seeks to a share of the duration.
    Seek(f64),
    /// The viewer pauses, and plays again.
    Pause(f64),
    /// The viewer changes the speed.
    Rate(f64),
    /// The viewer selects a quality, by its index, or none.
    Quality(Option<u32>),
    /// The viewer selects an audio track.
    Audio(u32),
    /// The viewer selects captions.
    Captions(u32),
    /// The page changes how much is buffered ahead and behind.
    Goal(f64, f64),
    /// The picture changes its size.
    Screen(u32, u32),
    /// There is no network.
    Offline(f64),
    /// The browser freezes the page.
    Freeze(f64),
    /// The page is hidden.
    Hide(f64),
    /// The machine sleeps.
    Sleep(f64),
    /// The page's thread is busy.
    BlockPage(f64),
    /// The worker's thread is busy.
    BlockWorker(f64),
    /// The worker is terminated.
    KillWorker,
    /// The element fails with this code.
    ElementError(u16),
    /// The element stands still although it has media.
    GetStuck,
    /// A managed source evicts a range: its start and its length, relative to the position.
    Evict(f64, f64),
}

/// An act and its time, in seconds since the session was started.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub at: f64,
    /// What.
    pub act: Act,
}

/// All that determines a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Seed of the world: the order of tasks, latencies, jitter.
    pub seed: u64,
    /// What is played.
    pub source: Source,
    /// What the server does wrong.
    pub faults: Plan,
    /// The connection.
    pub connection: Connection,
    /// The browser.
    pub browser: BrowserKind,
    /// Bytes that a SourceBuffer with video holds; `None` for the browser's own quota.
    pub quota: Option<usize>,
    /// Where to start, in seconds.
    pub start: f64,
    /// Seconds to buffer ahead and to keep behind.
    pub goal: (f64, f64),
    /// Size of the picture in pixels.
    pub screen: (u32, u32),
    /// What happens, in the order of its times.
    pub script: Vec<Step>,
}

/// The time at which worlds begin.
pub fn epoch() -> Duration {
    Duration::from_millis(EPOCH_MS as u64)
}

impl BrowserKind {
    /// The simulated browser.
    pub fn browser(self) -> Browser {
        match self {
            Self::Chromium => Browser::chromium(),
            Self::Firefox => Browser::firefox(),
            Self::WebKit => Browser::webkit(),
            Self::Safari => Browser {
                has_media_source_in_workers: true,
                ..Browser::webkit()
            },
        }
    }
}

impl Connection {
    /// A connection of one bandwidth.
    pub fn steady(bits: f64) -> Self {
        Self {
            bandwidth: vec![(0.0, bits)],
            latency_ms: (20.0, 40.0),
            lost_thousandths: 0,
        }
    }

    /// The lowest bandwidth at any time.
    pub fn least(&self) -> f64 {
        let bits = self.bandwidth.iter().map(|(_, bits)| *bits);
        bits.fold(f64::INFINITY, f64::min)
    }

    fn random(random: &mut Random) -> Self {
        let rate =
            |random: &mut Random| random.pick(&[0.4e6, 0.7e6, 1.2e6, 2e6, 4e6, 8e6, 20e6, 50e6]);
        let first = rate(random);
        let mut bandwidth = vec![(0.0, first)];
        match random.below(8) {
            // Steps.
            0 | 1 => {
                let mut at = 0.0;
                for _ in 0..random.within(1..=4) {
                    at += 3.0 + random.fraction() * 30.0;
                    bandwidth.push((at, rate(random)));
                }
            }
            // A tunnel.
            2 => {
                let at = 2.0 + random.fraction() * 40.0;
                bandwidth.push((at, 0.0));
                bandwidth.push((at + 1.0 + random.fraction() * 25.0, first));
            }
            // Jitter.
            3 => {
                for second in 1..60 {
                    bandwidth.push((f64::from(second), first * (0.2 + 1.6 * random.fraction())));
                }
            }
            _ => {}
        }
        // In the end it is good enough to play the rest.
        if bandwidth.iter().any(|(_, bits)| *bits < 1.5e6) {
            let last = bandwidth.last().map_or(0.0, |(at, _)| *at);
            bandwidth.push((last + 60.0 + random.fraction() * 60.0, 6e6));
        }
        Self {
            bandwidth,
            latency_ms: random.pick(&[(2.0, 10.0), (20.0, 60.0), (20.0, 60.0), (80.0, 400.0)]),
            lost_thousandths: random.pick(&[0, 0, 0, 0, 0, 5, 30]),
        }
    }
}

impl Scenario {
    /// The scenario of a seed.
    pub fn random(seed: u64) -> Self {
        let random = &mut Random::for_use(seed, "scenario");
        let browser = random.pick(&[
            BrowserKind::Chromium,
            BrowserKind::Chromium,
            BrowserKind::Firefox,
            BrowserKind::WebKit,
            BrowserKind::Safari,
        ]);
        let recipe = random_recipe(seed, random);
        let source = Source::OnDemand(Box::new(recipe));
        let seconds = source.seconds();
        let length = Duration::from_secs_f64(seconds);
        let start = match random.below(6) {
            0 => random.fraction() * seconds,
            1 => random
                .pick(&[0.5, 1.0, 2.0, seconds - 0.1, seconds, seconds + 5.0])
                .max(0.0),
            _ => 0.0,
        };
        let mut script: Vec<Step> = Vec::new();
        for _ in 0..random.pick(&[0, 0, 1, 1, 2, 3, 6]) {
            script.push(Step {
                at: random.fraction() * (seconds + 5.0),
                act: Act::random(random, browser),
            });
        }
        script.sort_by(|one, other| one.at.total_cmp(&other.at));
        Self {
            seed,
            source,
            faults: Plan::random(seed, epoch(), length),
            connection: Connection::random(random),
            browser,
            quota: random
                .percent(10)
                .then(|| random.within(2..=12) as usize * 500_000),
            start,
            goal: random.pick(&[
                (30.0, 30.0),
                (30.0, 30.0),
                (8.0, 30.0),
                (15.0, 5.0),
                (60.0, 10.0),
            ]),
            screen: random.pick(&[(1280, 720), (1920, 1080), (640, 360), (0, 0)]),
            script,
        }
    }

    /// Whether nothing but the content limits playback: no fault, no loss, and bandwidth for the best quality.
    pub fn is_calm(&self, highest: f64) -> bool {
        self.faults.rules.is_empty()
            && self.connection.lost_thousandths == 0
            && self.connection.latency_ms.1 <= 60.0
            && self.connection.least() >= 2.0 * highest
            && self.quota.is_none()
    }

    /// Whether an act of some kind is in the script.
    pub fn has(&self, is_such: impl Fn(&Act) -> bool) -> bool {
        self.script.iter().any(|step| is_such(&step.act))
    }
}

impl Act {
    fn random(random: &mut Random, browser: BrowserKind) -> Self {
        let seconds = |random: &mut Random, most: f64| 0.1 + random.fraction() * most;
        match random.below(26) {
            0..=5 => Self::Seek(match random.below(6) {
                0 => random.pick(&[0.0, 1.0, 1.0, 0.999]),
                _ => random.fraction(),
            }),
            6 | 7 => Self::Pause(seconds(random, 40.0)),
            8 => Self::Rate(random.pick(&[0.5, 1.5, 2.0, 2.0, 4.0])),
            9 | 10 => Self::Quality(random.percent(80).then(|| random.below(4) as u32)),
            11 => Self::Audio(random.below(3) as u32),
            12 => Self::Captions(random.below(2) as u32),
            13 => Self::Goal(
                random.pick(&[3.0, 8.0, 30.0, 60.0]),
                random.pick(&[0.0, 5.0, 30.0]),
            ),
            14 => {
                let (width, height) = random.pick(&[(320, 180), (1280, 720), (3840, 2160)]);
                Self::Screen(width, height)
            }
            15 => Self::Offline(seconds(random, 25.0)),
            16 | 17 => Self::Freeze(seconds(random, 60.0)),
            18 => Self::Hide(seconds(random, 60.0)),
            19 => Self::Sleep(seconds(random, 600.0)),
            20 => Self::BlockPage(seconds(random, 5.0)),
            21 => Self::BlockWorker(seconds(random, 3.0)),
            22 => Self::KillWorker,
            23 => Self::ElementError(3),
            24 => Self::GetStuck,
            _ => match browser {
                BrowserKind::WebKit | BrowserKind::Safari => Self::Evict(
                    random.fraction() * 20.0 - 10.0,
                    1.0 + random.fraction() * 10.0,
                ),
                _ => Self::Seek(random.fraction()),
            },
        }
    }
}

/// Content that is short and small enough to play thousands of sessions.
fn random_recipe(seed: u64, random: &mut Random) -> Recipe {
    let mut recipe = Recipe::random(seed);
    recipe.is_padded = true;
    let highest = random.pick(&[720, 720, 720, 1080]);
    recipe.heights.retain(|height| *height <= highest);
    if recipe.heights.is_empty() && recipe.audio.is_empty() {
        recipe.heights.push(360);
    }
    if let Format::Hls(Hls { muxed: true, .. }) = recipe.format
        && recipe.heights.is_empty()
    {
        recipe.heights.push(360);
    }
    let most = random.pick(&[10.0, 30.0, 60.0, 120.0]);
    let total: f64 = recipe.period_seconds.iter().sum();
    if total > most {
        recipe
            .period_seconds
            .iter_mut()
            .for_each(|it| *it *= most / total);
    }
    // The playlists of renditions drift apart where audio is much shorter in each discontinuity.
    if matches!(recipe.format, Format::Hls(_)) && recipe.period_seconds.len() > 1 {
        recipe.quirks.audio_shorter_frames = recipe.quirks.audio_shorter_frames.min(3);
    }
    // Segments of which the browser drops the beginning cannot be played in full by any player.
    recipe.quirks.starts_without_sync = false;
    recipe
}

/// Content without anything unusual.
pub fn plain(format: Format, seconds: f64) -> Recipe {
    Recipe {
        period_seconds: vec![seconds],
        is_padded: true,
        ..Recipe::plain(format)
    }
}

impl Scenario {
    /// Plain content in Chromium over a fast connection, for tests that change one thing.
    pub fn plain(format: Format, seconds: f64) -> Self {
        Self {
            seed: 1,
            source: Source::OnDemand(Box::new(plain(format, seconds))),
            faults: Plan::default(),
            connection: Connection::steady(20e6),
            browser: BrowserKind::Chromium,
            quota: None,
            start: 0.0,
            goal: (30.0, 30.0),
            screen: (1280, 720),
            script: Vec::new(),
        }
    }

    /// The recipe of content on demand, to be changed.
    pub fn recipe(&mut self) -> &mut Recipe {
        let Source::OnDemand(recipe) = &mut self.source;
        recipe
    }
}
