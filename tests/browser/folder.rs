//! Plays everything below a folder, and prints what happened: `STREAMS=/some/folder cargo xtask test folder --ignored
//! --nocapture`. For streams that are not part of the project.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use macro_rules_attribute::apply;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    browser::Window,
    context::TestContext,
    server::Server,
    suite::{Slot, browser_test},
};

/// The folder, or one file.
const FOLDER_VARIABLE: &str = "STREAMS";
const MANIFESTS: [&str; 2] = ["mpd", "m3u8"];
const MEDIA_FILES: [&str; 8] = ["mp4", "mkv", "webm", "ts", "mov", "m4a", "m4v", "mp3"];
/// How long an input may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How long an input may play, beside its duration at [`RATE`].
const MAX_STALL: Duration = Duration::from_secs(30);
/// How long a seek may take.
const SEEK_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a live stream is played.
const LIVE_SECONDS: f64 = 6.0;
/// A longer video is played for so many seconds at its beginning and at its end.
const MAX_SECONDS: f64 = 120.0;
const EDGE_SECONDS: f64 = 10.0;
const RATE: u32 = 8;
/// More requests for the same bytes are a storm.
const MAX_REQUESTS: usize = 10;
/// Where is sought to, as parts of the duration.
const SEEK_TARGETS: [f64; 3] = [0.2, 0.75, 0.45];
/// Two pictures of [`PICTURE`] are the same if at most so many of their 576 values differ by more than
/// [`MAX_DIFFERENCE`].
const MAX_DIFFERENT: usize = 12;
const MAX_DIFFERENCE: u8 = 40;

/// The state of the player, as JSON.
const STATE: &str = "(() => {
    const video = document.querySelector('video');
    const ranges = (of) => [...Array(of.length).keys()].map((nth) => [of.start(nth), of.end(nth)]);
    return {
        position: video.currentTime,
        first: probe.from ?? null,
        duration: Number.isFinite(video.duration) ? video.duration : null,
        is_live: video.duration === Infinity,
        is_seeking: video.seeking,
        is_ready: video.readyState > 1,
        has_ended: video.ended,
        has_picture: video.videoWidth > 0,
        buffered: ranges(video.buffered),
        played: ranges(video.played),
        alert: document.querySelector('[role=alert]')?.innerText ?? null,
        message: document.querySelector('.video-container > [role=status]')?.innerText ?? '',
    };
})()";

/// What can be selected, by the names of the menu.
const MENU: &str = "Object.fromEntries(['audio', 'captions'].map((name) => {
    const select = document.querySelector(`select[name=${name}]`);
    return [name, [...(select?.options ?? [])].map((it) => (it.selected ? '*' : '') + it.textContent)];
}))";

/// The brightness of the picture, as 32 × 18 values from 0 to 255.
const PICTURE: &str = "(() => {
    const video = document.querySelector('video');
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [32, 18];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.imageSmoothingQuality = 'high';
    context.drawImage(video, 0, 0, 32, 18);
    const { data } = context.getImageData(0, 0, 32, 18);
    return [...Array(576).keys()].map((nth) => Math.round((data[nth * 4] + data[nth * 4 + 1] + data[nth * 4 + 2]) / 3));
})()";

/// [`STATE`].
#[derive(Clone, Deserialize)]
struct State {
    position: f64,
    first: Option<f64>,
    duration: Option<f64>,
    is_live: bool,
    is_seeking: bool,
    is_ready: bool,
    has_ended: bool,
    has_picture: bool,
    buffered: Vec<(f64, f64)>,
    played: Vec<(f64, f64)>,
    alert: Option<String>,
    message: String,
}

/// How an input was played.
#[derive(Default)]
struct Report {
    outcome: String,
    details: Vec<String>,
    is_hang: bool,
    is_storm: bool,
}

/// Plays one input.
struct Playing<'a> {
    test: &'a TestContext,
    url: String,
    messages: Vec<String>,
}

impl Playing<'_> {
    async fn state(&mut self) -> State {
        let state = self.test.eval(STATE).await;
        let state: State = serde_json::from_value(state).expect("the page has no video");
        let message = state.message.trim();
        if !message.is_empty() && !self.messages.iter().any(|known| known == message) {
            self.messages.push(message.replace('\n', " "));
        }
        state
    }

    /// The state when a condition or an error comes, or at the end of the time.
    async fn wait(
        &mut self,
        limit: Duration,
        is_reached: impl Fn(&State) -> bool,
    ) -> (State, bool) {
        let since = Instant::now();
        loop {
            let state = self.state().await;
            if is_reached(&state) || state.alert.is_some() {
                return (state, true);
            }
            if since.elapsed() > limit {
                return (state, false);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Opens the page, and waits until its player is there.
    async fn open(&mut self, parameters: &str) {
        let query = format!("?src={}{parameters}", self.url);
        self.test.open_exactly(&query).await;
        self.test
            .wait_until("!!document.querySelector('video')")
            .await;
    }

    async fn play(&mut self, report: &mut Report) {
        self.open("").await;
        let has_started = |state: &State| state.position > 0.0 && state.first.is_some();
        let (mut state, has_started) = self.wait(START_TIMEOUT, has_started).await;
        if has_started && state.alert.is_none() {
            state = match state.is_live {
                true => self.play_live(report).await,
                false => self.play_to_end(report).await,
            };
        }
        let menu = self.test.eval(MENU).await;
        report.details.push(menu.to_string());
        if report.outcome.is_empty() {
            report.outcome = match &state.alert {
                Some(alert) => format!("ERROR {}", alert.replace('\n', " ")),
                None if state.has_ended => format!("ended at {:.2}", state.position),
                None => {
                    report.is_hang = true;
                    format!("HANGS at {:.2}", state.position)
                }
            };
        }
        let first = state
            .first
            .map_or("-".to_owned(), |first| format!("{first:.2}"));
        let duration = state
            .duration
            .map_or("-".to_owned(), |it| format!("{it:.2}"));
        write!(
            report.outcome,
            "; from {first}; duration {duration}; played {}; buffered {}",
            ranges(&state.played),
            ranges(&state.buffered)
        )
        .unwrap();
        if !state.is_live && state.alert.is_none() && !report.is_hang {
            self.load_captions(&menu, report).await;
            self.seek(&state, report).await;
        }
        for message in &self.messages {
            report.details.push(format!("message: {message}"));
        }
    }

    async fn play_live(&mut self, report: &mut Report) -> State {
        let first = self.state().await.position;
        let (state, has_played) = self
            .wait(MAX_STALL, |state| state.position > first + LIVE_SECONDS)
            .await;
        if state.alert.is_none() {
            report.is_hang = !has_played;
            report.outcome = format!("live, {:.2} after {first:.2}", state.position);
        }
        state
    }

    async fn play_to_end(&mut self, report: &mut Report) -> State {
        // A new MediaSource begins with the default rate.
        let rate = format!(
            "(it => it.defaultPlaybackRate = it.playbackRate = {RATE})(document.querySelector('video'))"
        );
        self.test.eval(&rate).await;
        let (state, _) = self
            .wait(MAX_STALL, |state| {
                state.has_ended || state.position > EDGE_SECONDS
            })
            .await;
        let duration = state.duration.unwrap_or(MAX_SECONDS);
        if duration > MAX_SECONDS && state.alert.is_none() && !state.has_ended {
            let target = duration - EDGE_SECONDS;
            report
                .details
                .push(format!("sought to {target:.2}, because it is long"));
            self.test
                .eval(&format!(
                    "document.querySelector('video').currentTime = {target}"
                ))
                .await;
        }
        let rest = duration.min(MAX_SECONDS) / f64::from(RATE);
        let limit = MAX_STALL + Duration::from_secs_f64(rest);
        self.wait(limit, |state| state.has_ended).await.0
    }

    /// Selects the first captions one after another, and prints their cues.
    async fn load_captions(&mut self, menu: &Value, report: &mut Report) {
        let names = menu["captions"].as_array().cloned().unwrap_or_default();
        for (nth, name) in names.iter().enumerate().skip(1).take(4) {
            let select = format!(
                "(() => {{
                    const select = document.querySelector('select[name=captions]');
                    select.selectedIndex = {nth};
                    select.dispatchEvent(new Event('change', {{ bubbles: true }}));
                }})()"
            );
            self.test.eval(&select).await;
            let cues = "(() => {
                const tracks = [...document.querySelector('video').textTracks];
                const cues = [...(tracks.find((it) => it.mode === 'showing')?.cues ?? [])];
                const few = cues.length > 4 ? [...cues.slice(0, 2), ...cues.slice(-2)] : cues;
                return few.length ? [cues.length, ...few.map((it) => [it.startTime, it.endTime, it.text.slice(0, 20)])] : null;
            })()";
            let since = Instant::now();
            let mut found = Value::Null;
            while found == Value::Null && since.elapsed() < Duration::from_secs(3) {
                self.state().await;
                sleep(Duration::from_millis(200)).await;
                found = self.test.eval(cues).await;
            }
            report.details.push(format!("captions {name}: {found}"));
        }
    }

    /// Seeks, plays on from there, and compares the picture with that of another start.
    async fn seek(&mut self, ended: &State, report: &mut Report) {
        let (Some(first), Some(duration)) = (ended.first, ended.duration) else {
            return;
        };
        for target in SEEK_TARGETS {
            let target = first + (duration - first) * target;
            let start = format!(
                "(() => {{
                    const video = document.querySelector('video');
                    video.defaultPlaybackRate = video.playbackRate = 1;
                    video.currentTime = {target};
                    video.play();
                }})()"
            );
            self.test.eval(&start).await;
            let (state, _) = self
                .wait(SEEK_TIMEOUT, |state| {
                    let is_there = !state.is_seeking && state.position >= target - 0.01;
                    is_there && (state.has_ended || state.position > target + 0.3)
                })
                .await;
            let plays_on = !state.is_seeking && state.position >= target;
            report.is_hang |= !plays_on && state.alert.is_none();
            let word = if plays_on { "" } else { "HANGS " };
            let alert = state.alert.unwrap_or_default().replace('\n', " ");
            report.details.push(format!(
                "seek to {target:.2}: {word}{:.2} {alert}",
                state.position
            ));
        }
        if !ended.has_picture {
            return;
        }
        let target = first + (duration - first) * 0.6;
        let before = self.picture(target).await;
        self.open(&format!("&t={target}")).await;
        self.wait(START_TIMEOUT, |state| {
            state.first.is_some() && state.is_ready && !state.is_seeking
        })
        .await;
        let after = self.picture(target).await;
        let differences = before.iter().zip(&after);
        let different = differences.filter(|(one, other)| one.abs_diff(**other) > MAX_DIFFERENCE);
        let word = match different.count() {
            _ if before.is_empty() || after.is_empty() => "NO PICTURE".to_owned(),
            count if count > MAX_DIFFERENT => format!("ANOTHER PICTURE ({count})"),
            _ => "the same picture".to_owned(),
        };
        report.details.push(format!("start at {target:.2}: {word}"));
    }

    /// What a paused video shows at a time.
    async fn picture(&mut self, time: f64) -> Vec<u8> {
        let seek = format!(
            "(() => {{
                const video = document.querySelector('video');
                video.pause();
                video.currentTime = {time};
            }})()"
        );
        self.test.eval(&seek).await;
        let (state, is_there) = self
            .wait(SEEK_TIMEOUT, |state| !state.is_seeking && state.is_ready)
            .await;
        if !is_there || state.alert.is_some() {
            return Vec::new();
        }
        // The frame is painted a little later than `seeked`.
        sleep(Duration::from_millis(300)).await;
        serde_json::from_value(self.test.eval(PICTURE).await).unwrap_or_default()
    }
}

fn ranges(ranges: &[(f64, f64)]) -> String {
    let texts = ranges
        .iter()
        .map(|(start, end)| format!("{start:.2}–{end:.2}"));
    texts.collect::<Vec<_>>().join(" ")
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|it| it.to_str());
    extension.is_some_and(|it| extensions.contains(&it.to_ascii_lowercase().as_str()))
}

/// The manifests that no other one names, and the media files of folders without a manifest.
fn find_inputs(folder: &Path, is_of_manifest: bool, inputs: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let manifests: Vec<(&PathBuf, String)> = paths
        .iter()
        .filter(|path| has_extension(path, &MANIFESTS))
        .map(|path| {
            (
                path,
                String::from_utf8_lossy(&fs::read(path).unwrap()).into(),
            )
        })
        .collect();
    let is_of_manifest = is_of_manifest || !manifests.is_empty();
    for path in &paths {
        if path.is_dir() {
            find_inputs(path, is_of_manifest, inputs);
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_named = manifests.iter().any(|(other, text)| {
            let names = text.split(['\n', '\r', '"', '>', '<', '/']);
            *other != path && names.into_iter().any(|part| part.trim() == name)
        });
        let is_input = match has_extension(path, &MANIFESTS) {
            true => !is_named,
            false => !is_of_manifest && has_extension(path, &MEDIA_FILES),
        };
        if is_input {
            inputs.push(path.clone());
        }
    }
}

/// Plays one input. Its server is its own, so that its requests are.
async fn play(test: &mut TestContext, folder: &Path, input: &Path) -> Report {
    let site = std::env::var("SITE").expect("SITE is not set");
    test.server = Server::with_streams(site.as_ref(), folder).await;
    let path = input.strip_prefix(folder).unwrap().to_string_lossy();
    let mut report = Report::default();
    let mut playing = Playing {
        test,
        url: format!("streams/{path}"),
        messages: Vec::new(),
    };
    let outcome = std::panic::AssertUnwindSafe(playing.play(&mut report))
        .catch_unwind()
        .await;
    if outcome.is_err() {
        report.outcome = format!("BROWSER FAILS {}", report.outcome);
        report.is_hang = true;
    } else {
        let errors = test
            .eval("[...probe.errors, ...probe.violations, ...probe.faults]")
            .await;
        if errors != json!([]) && errors != Value::Null {
            report.details.push(format!("on the page: {errors}"));
        }
    }
    for (request, count) in test.server.request_counts("/streams/") {
        if count > MAX_REQUESTS {
            report.is_storm = true;
            report
                .details
                .push(format!("STORM: {count} times {request}"));
        }
    }
    report
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "real decoders")]
#[ignore = "plays the folder that STREAMS names"]
async fn everything_in_a_folder_plays(test: &TestContext) {
    let folder = std::env::var(FOLDER_VARIABLE).expect("STREAMS is not set");
    let folder = fs::canonicalize(folder).unwrap();
    let mut inputs = Vec::new();
    match folder.is_dir() {
        true => find_inputs(&folder, false, &mut inputs),
        false => inputs.push(folder.clone()),
    }
    let root = if folder.is_dir() {
        &*folder
    } else {
        folder.parent().unwrap()
    };
    test.slot.alone().await;
    let mut bad = Vec::new();
    let browser = test.window.browser;
    // Not the one that other tests use: it is replaced when it fails.
    let mut own = TestContext {
        server: Server::start().await,
        window: Window::open(browser).await,
        slot: Slot::default(),
    };
    for input in &inputs {
        let since = Instant::now();
        let report = play(&mut own, root, input).await;
        let name = input.strip_prefix(root).unwrap().display().to_string();
        let seconds = since.elapsed().as_secs();
        println!("| {browser} | {name} | {} | {seconds} s |", report.outcome);
        for detail in &report.details {
            println!("    {detail}");
        }
        if report.is_hang || report.is_storm {
            bad.push(name);
        }
        let renewed = timeout(SEEK_TIMEOUT, own.window.renew()).await;
        if !matches!(renewed, Ok(Ok(()))) {
            let broken = std::mem::replace(&mut own.window, Window::open(browser).await);
            broken.quit().await;
        }
    }
    own.window.quit().await;
    assert!(bad.is_empty(), "these hang or request in a storm: {bad:#?}");
}
