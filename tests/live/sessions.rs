//! Sessions with everything drawn from a seed: the stream, its incidents, the browser, how long it is watched, and whether
//! the page freezes.
//!
//! `LIVE_SESSIONS` says how many to play, `LIVE_SEED` with which seed to begin: `LIVE_SESSIONS=1 LIVE_SEED=17` repeats one.

use std::{env, thread, time::Duration};

use testkit::{live::Config, random::Random};
use yew_mse_worker::platform::simulated::{Browser, Thread};

use super::page::Stage;

/// How many sessions are played if the environment does not say.
const DEFAULT_SESSIONS: u64 = 40;
/// A stream may begin to play this many seconds after it could.
const MAX_START_SECONDS: f64 = 8.0;
/// How far the latency may be from the wished delay, in seconds.
const MAX_DEVIATION_SECONDS: f64 = 2.5;
/// The share of the time in which it may be further.
const MAX_DEVIATING_SHARE: f64 = 0.05;
/// The latency counts after this time, in seconds. An MPD that is refreshed every 5 s shows the edge that late, and 5 % of a
/// minute are 3 s.
const SETTLING_SECONDS: f64 = 60.0;
/// Segments of two tracks, and reloads of two playlists twice per segment, with some reserve.
const MAX_REQUESTS_PER_MINUTE: f64 = 260.0;

/// What is drawn for a session.
#[derive(Debug)]
struct Session {
    seed: u64,
    path: &'static str,
    browser: &'static str,
    minutes: u64,
    /// When the page freezes, in seconds, and for how long.
    freeze: Option<(f64, f64)>,
}

impl Session {
    fn draw(seed: u64) -> Self {
        let random = &mut Random::for_use(seed, "live session");
        let browser = random.pick(&["chromium", "firefox", "webkit"]);
        let minutes = match random.below(1000) {
            0..500 => 1,
            500..800 => 2,
            800..950 => 5,
            950..995 => 20,
            _ => 60,
        };
        let seconds = minutes * 60;
        // An engine on the page freezes with it.
        let freezes = browser == "chromium" && random.percent(25);
        Self {
            seed,
            path: random.pick(&["/number.mpd", "/time.mpd", "/main.m3u8", "/main.m3u8"]),
            browser,
            minutes,
            freeze: freezes.then(|| {
                let at = random.within(10..=seconds / 2);
                (at as f64, random.within(5..=seconds / 2) as f64)
            }),
        }
    }

    fn browser(&self) -> Browser {
        match self.browser {
            "firefox" => Browser::firefox(),
            "webkit" => Browser::webkit(),
            _ => Browser::chromium(),
        }
    }

    /// The latest time at which a stream that begins at a time may begin to play, in seconds.
    fn can_begin(&self, begins: Duration) -> f64 {
        let begins = begins.as_secs_f64();
        let latest = begins + MAX_START_SECONDS;
        match self.freeze {
            // The seek to the start position needs the page.
            Some((at, lasting)) if at < latest && begins < at + lasting => {
                at + lasting + MAX_START_SECONDS
            }
            _ => latest,
        }
    }

    /// Plays the session, and returns what is wrong with it.
    fn play(&self) -> Result<(), String> {
        let seconds = self.minutes as f64 * 60.0;
        let mut drawn = None;
        let stage = Stage::new(self.seed, self.browser(), |config| {
            let now = config.start + Duration::from_secs(100);
            *config = Config::random(self.seed, now, Duration::from_secs_f64(seconds));
            drawn = Some((config.clone(), now));
        });
        let (config, now) = drawn.unwrap();
        stage.page.load(self.path);
        let mut deviating = 0.0;
        let mut measured = 0.0;
        for second in 0..(seconds as u64) {
            if let Some((at, lasting)) = self.freeze {
                if second as f64 == at {
                    stage.world.freeze(Thread::PAGE);
                } else if second as f64 == at + lasting {
                    stage.world.thaw(Thread::PAGE);
                }
            }
            stage.run(1.0);
            if let Some(live) = stage.page.live.get()
                && stage.page.played() > SETTLING_SECONDS
            {
                measured += 1.0;
                if (live.latency - live.delay).abs() > MAX_DEVIATION_SECONDS {
                    deviating += 1.0;
                }
            }
        }
        let wrong = |what: String| {
            let notices = stage.page.notices();
            Err(format!(
                "{what}\n{self:?}\n{config:?}\nnotices: {notices:?}"
            ))
        };
        if let Some(error) = stage.page.failure() {
            return wrong(format!("it failed: {error}"));
        }
        let violations = stage.world.violations();
        if !violations.is_empty() {
            return wrong(format!("violations: {violations:?}"));
        }
        let requests = stage.world.requests().len() as f64 / self.minutes as f64;
        if requests > MAX_REQUESTS_PER_MINUTE {
            return wrong(format!("{requests} requests per minute"));
        }
        // A number template says nothing about an encoder that is faster or slower than stated.
        let is_calm =
            config.incidents.is_empty() && config.drift_ppm.abs() <= 100 && config.length.is_none();
        if is_calm && (config.drift_ppm == 0 || self.path != "/number.mpd") {
            let expected = seconds - self.can_begin(config.start.saturating_sub(now));
            let played = stage.page.played();
            if played < expected {
                return wrong(format!("played {played:.1} of {expected:.1} s"));
            }
            // A stream that has just begun has no window to be behind in.
            let is_new = config.start + config.window.min(Duration::from_secs(60)) > now;
            if !is_new && deviating > measured * MAX_DEVIATING_SHARE {
                return wrong(format!(
                    "{deviating} of {measured} s away from the wished delay"
                ));
            }
        }
        Ok(())
    }
}

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

#[test]
fn seeded_sessions_hold_the_invariants() {
    let first = setting("LIVE_SEED").unwrap_or(0);
    let count = setting("LIVE_SESSIONS").unwrap_or(DEFAULT_SESSIONS);
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    let seeds = (first + worker..first + count).step_by(threads as usize);
                    seeds
                        .filter_map(|seed| Session::draw(seed).play().err())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    let shown = failures
        .iter()
        .take(10)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n\n");
    assert!(
        failures.is_empty(),
        "{} of {count} sessions failed\n\n{shown}",
        failures.len()
    );
}
