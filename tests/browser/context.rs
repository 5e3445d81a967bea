//! What a test works with: a browser window that shows the page, and the server of the page.

use std::{
    panic::resume_unwind,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::{
    browser::{Browser, Window},
    server::{Server, ServerFault},
    suite::{Skipped, Slot},
};

/// The state of the page's first video element, as JSON.
const VIDEO_STATE: &str = "(({ currentTime, duration, readyState, seeking, paused, ended, buffered }) => ({ \
     currentTime, duration, readyState, seeking, paused, ended, \
     buffered: [...Array(buffered.length).keys()].map(nth => [buffered.start(nth), buffered.end(nth)]) \
     }))(document.querySelector('video'))";

/// An error message that WebKitGTK's element sometimes reports after a seek or with a new MediaSource. The player
/// recovers from it, but not at the position that a test expects.
const WEBKIT_PUSH_FAILED: &str = "Failed to push buffer";

/// A JavaScript function that blocks its thread until a time, in milliseconds since the Unix epoch.
const BLOCK_THREAD: &str = "(until => { while (Date.now() < until); })";

/// How long a test waits for one condition. Long, because the machine may be busy with other tests.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// The browser window and the server of one test.
pub struct TestContext {
    pub server: Server,
    pub window: Window,
    /// [`Slot::alone`] is for tests that measure time.
    pub slot: Slot,
}

/// A feature that not every browser has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Feature {
    /// MediaSource in workers, and its handle.
    MediaSourceInWorkers,
    /// `ManagedMediaSource`.
    ManagedMediaSource,
    /// Chrome's DevTools protocol over WebDriver.
    DevTools,
    /// A minimized window makes its page hidden.
    HiddenPages,
    /// Picture-in-picture.
    PictureInPicture,
    /// Media Session: the system's media keys.
    MediaSession,
}

impl Feature {
    /// The reason that is printed for a skipped test.
    const fn lacking(self) -> &'static str {
        match self {
            Self::MediaSourceInWorkers => "there is no MediaSource in workers",
            Self::ManagedMediaSource => "there is no ManagedMediaSource",
            Self::DevTools => "the driver does not speak DevTools",
            Self::PictureInPicture => "there is no picture in picture",
            Self::MediaSession => "there is no media session",
            Self::HiddenPages => "a window that is minimized is not hidden here",
        }
    }
}

impl TestContext {
    /// Skips the test if the browser lacks this feature.
    pub async fn requires(&self, feature: Feature) {
        if !self.has(feature).await {
            skip(feature.lacking());
        }
    }

    /// Asks the browser whether it has this feature.
    pub async fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::MediaSourceInWorkers => {
                self.is_true("MediaSource.canConstructInDedicatedWorker === true")
                    .await
            }
            Feature::ManagedMediaSource => self.is_true("'ManagedMediaSource' in window").await,
            Feature::PictureInPicture => self.is_true("document.pictureInPictureEnabled").await,
            Feature::MediaSession => self.is_true("'mediaSession' in navigator").await,
            Feature::HiddenPages => self.is_true("document.hidden").await,
            Feature::DevTools => {
                let cdp = self.window.driver.cdp();
                cdp.send_raw("Browser.getVersion", json!({})).await.is_ok()
            }
        }
    }

    /// Opens the page with this query. The sample is buffered as far ahead as other videos are, unless the query says
    /// how far.
    pub async fn open(&self, query: &str) {
        let is_sample = !query.contains("src=") || query.contains("src=film/film.");
        let goal = match query.contains('?') {
            _ if !is_sample || query.contains("goal=") => "",
            true => "&goal=30",
            false => "?goal=30",
        };
        self.open_exactly(&[query, goal].concat()).await;
    }

    /// Opens the page with this query and no other.
    pub async fn open_exactly(&self, query: &str) {
        self.window
            .driver
            .goto(self.server.url(query))
            .await
            .unwrap();
    }

    /// Resizes the window, in CSS pixels, and sets `devicePixelRatio`. A browser that has a minimum size uses that.
    pub async fn resize(&self, width: u32, height: u32, density: f64) {
        self.server.set_density(density);
        self.eval(&format!("setDensity({density})")).await;
        let driver = &self.window.driver;
        driver.set_window_rect(0, 0, width, height).await.unwrap();
    }

    /// The colour schemes that can be tested: without DevTools, only the default.
    pub async fn colour_schemes(&self) -> &'static [&'static str] {
        match self.has(Feature::DevTools).await {
            true => &["light", "dark"],
            false => &["light"],
        }
    }

    /// Sets `prefers-color-scheme`, where there are DevTools.
    pub async fn set_colour_scheme(&self, scheme: &str) {
        if self.has(Feature::DevTools).await {
            self.emulate_media("prefers-color-scheme", scheme).await;
        }
    }

    /// Sets the value of a media feature. Requires DevTools.
    pub async fn emulate_media(&self, name: &str, value: &str) {
        let features = json!({ "features": [{ "name": name, "value": value }] });
        let cdp = self.window.driver.cdp();
        cdp.send_raw("Emulation.setEmulatedMedia", features)
            .await
            .unwrap();
    }

    /// Sets the playback rate of the first video.
    pub async fn set_rate(&self, rate: u32) {
        self.eval(&format!(
            "document.querySelector('video').playbackRate = {rate}"
        ))
        .await;
    }

    /// Adds a script to the worker that blocks it on request. Call it before the page is opened.
    pub fn make_worker_blockable(&self) {
        let sleeps = format!(
            "\nif (!globalThis.document) new BroadcastChannel('sleep').onmessage = ({{ data }}) => {{ \
             {BLOCK_THREAD}(data); new BroadcastChannel('probe').postMessage('awake'); }};"
        );
        self.server
            .add_fault("/worker.js", ServerFault::wrap_script("", sleeps));
    }

    /// Blocks the page and its worker for some milliseconds, as when the computer sleeps. The worker wakes up later,
    /// so that the page pings it first.
    pub async fn block_page_and_worker(&self, milliseconds: u32) {
        let both = format!(
            "(now => {{ new BroadcastChannel('sleep').postMessage(now + {milliseconds} + 500); \
             {BLOCK_THREAD}(now + {milliseconds}); }})(Date.now())"
        );
        self.eval(&both).await;
    }

    /// Asserts how many workers were started: none if the engine runs on the page.
    pub async fn assert_workers_started(&self, expected: u32) {
        let is_elsewhere = !self.has(Feature::MediaSourceInWorkers).await;
        let expected = if is_elsewhere { 0 } else { expected };
        assert_eq!(self.eval("probe.workers.length").await, json!(expected));
    }

    /// Evaluates a JavaScript expression; `null` if it throws.
    pub async fn eval(&self, expression: &str) -> Value {
        let script = format!("try {{ return {expression} }} catch {{ return null }}");
        let executing = self.window.driver.execute(script, vec![]);
        let executed = tokio::time::timeout(TIMEOUT, executing).await;
        executed
            .unwrap_or_else(|_| panic!("{expression}: the browser does not answer"))
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
            .json()
            .clone()
    }

    /// Whether a JavaScript expression is `true`.
    pub async fn is_true(&self, expression: &str) -> bool {
        self.eval(expression).await == json!(true)
    }

    /// Waits until a JavaScript expression is `true`.
    pub async fn wait_until(&self, expression: &str) {
        let since = Instant::now();
        while !self.is_true(expression).await {
            if since.elapsed() > TIMEOUT {
                let page = self.eval("document.querySelector('body').innerText").await;
                let probe = self
                    .eval("JSON.stringify({...probe, messages: 0, workers: 0})")
                    .await;
                let video = self.eval(VIDEO_STATE).await;
                let location = self.eval("location.href").await;
                panic!(
                    "timed out waiting for: {expression}\nat {location}\non the page: {page}\nprobe: {probe}\nvideo: {video}"
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the video plays: its position advances and there is a picture.
    pub async fn wait_until_playing(&self) {
        self.wait_until("document.querySelector('video').currentTime > 0.3")
            .await;
        self.wait_until("document.querySelector('video').videoWidth > 0")
            .await;
    }

    /// Why WebKitGTK itself failed, if it did: it hangs, crashed, or reports [`WEBKIT_PUSH_FAILED`]. `None` in other browsers,
    /// where nothing of the kind was seen.
    pub async fn browser_failure(&self) -> Option<String> {
        if self.window.browser != Browser::WebKit {
            return None;
        }
        let script = "return window.probe?.faults?.join()";
        let asked = self.window.driver.execute(script, vec![]);
        match tokio::time::timeout(Duration::from_secs(10), asked).await {
            Err(_) => Some("it hangs".into()),
            Ok(Err(error)) => Some(error.to_string()),
            Ok(Ok(faults)) => {
                let faults = faults.json().as_str()?;
                faults.contains(WEBKIT_PUSH_FAILED).then(|| faults.into())
            }
        }
    }

    /// Asserts that there is no alert, no failed element, and no uncaught exception so far.
    pub async fn assert_no_errors(&self) {
        let alert = self
            .eval("document.querySelector('[role=alert]')?.innerText")
            .await;
        assert_eq!(alert, json!(null));
        assert_eq!(self.eval("probe.faults").await, json!([]));
        assert_eq!(self.eval("probe.errors").await, json!([]));
    }

    /// Plays the sample video to its end at rate 4, and asserts that nothing is missing. Fails if there is an alert.
    pub async fn play_to_end(&self) {
        let video = "document.querySelector('video')";
        let alert = "document.querySelector('[role=alert]')";
        self.wait_until(&format!("{video}.currentTime > 0 || !!{alert}"))
            .await;
        self.set_rate(4).await;
        self.play_to_end_at_given_rate().await;
    }

    /// As [`Self::play_to_end`], at the rate that is set: for tests with a small buffer, because Chromium plays sound
    /// on for 3 s when pictures are late.
    pub async fn play_to_end_at_given_rate(&self) {
        let video = "document.querySelector('video')";
        let alert = "document.querySelector('[role=alert]')";
        self.wait_until(&format!("{video}.ended || !!{alert}"))
            .await;
        let words = self.eval(&format!("{alert}?.innerText")).await;
        assert_eq!(words, json!(null));
        let end = self.eval(&format!("{video}.currentTime")).await;
        assert!(
            (31.9..32.2).contains(&end.as_f64().unwrap()),
            "ended at {end}"
        );
        let video = self.eval(VIDEO_STATE).await;
        let edge = |nth: usize| video["buffered"][0][nth].as_f64().unwrap();
        let ranges = video["buffered"].as_array().unwrap().len();
        let is_whole = ranges == 1 && edge(0) < 0.1 && edge(1) > 31.9;
        assert!(is_whole, "a range is missing: {video}");
        assert_eq!(self.eval("probe.errors").await, json!([]));
    }

    /// Waits for an alert that contains this text, and returns all of its text.
    pub async fn wait_for_alert(&self, words: &str) -> String {
        let alert = "document.querySelector('[role=alert]')?.innerText";
        self.wait_until(&format!("{alert}.includes({})", json!(words)))
            .await;
        self.eval(alert).await.as_str().unwrap().to_owned()
    }

    /// Pauses the video, so that the controls do not fade: some browsers cannot click what is transparent.
    pub async fn pause(&self) {
        self.eval("document.querySelector('video').pause()").await;
        self.wait_until("document.querySelector('.controls').dataset.state !== 'playing'")
            .await;
    }

    /// Clicks the button with this text.
    pub async fn press(&self, name: &str) {
        let button = format!("//button[normalize-space()='{name}']");
        self.press_element(By::XPath(button)).await;
    }

    /// Clicks the first element that matches, once its position has not changed for 50 ms.
    pub async fn press_element(&self, what: By) {
        const RESTS: &str = "
            const [what] = arguments;
            if (what.closest('[inert]')) return false;
            what.scrollIntoView({ block: 'nearest' });
            const { x, y } = what.getBoundingClientRect();
            const rests = window.lastSeenAt === `${x} ${y}`;
            window.lastSeenAt = `${x} ${y}`;
            return rests;";
        let driver = &self.window.driver;
        let since = Instant::now();
        loop {
            if let Ok(found) = driver.find(what.clone()).await {
                let found_as_argument = vec![found.to_json().unwrap()];
                let rests = driver.execute(RESTS, found_as_argument).await.unwrap();
                if rests.json() == &json!(true) {
                    return found.click().await.unwrap();
                }
            }
            assert!(since.elapsed() < TIMEOUT, "{what} cannot be pressed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The milestones that were reached, and when, in milliseconds.
    pub async fn milestones(&self) -> Vec<(String, f64)> {
        let taken = "[...document.querySelectorAll('.milestones li[data-reached=yes]')] \
             .map(li => [li.dataset.milestone, parseFloat(li.querySelector('.elapsed').textContent)])";
        serde_json::from_value(self.eval(taken).await).unwrap()
    }

    /// Waits until a milestone is reached.
    pub async fn wait_for_milestone(&self, step: &str) {
        let taken = format!(
            "document.querySelector('.milestones [data-milestone=\"{step}\"]').dataset.reached"
        );
        self.wait_until(&format!("{taken} === 'yes'")).await;
    }

    /// CPU time of the page's thread so far, in milliseconds: spent on script, and on everything. It does not depend
    /// on what else the machine does.
    pub async fn thread_time(&self) -> (f64, f64) {
        let cdp = self.window.driver.cdp();
        let domain = json!({ "timeDomain": "threadTicks" });
        cdp.send_raw("Performance.enable", domain).await.unwrap();
        let told = cdp.send_raw("Performance.getMetrics", json!({})).await;
        let metrics = told.unwrap()["metrics"].as_array().unwrap().clone();
        let of = |name| {
            let metric = metrics.iter().find(|metric| metric["name"] == name);
            metric.unwrap()["value"].as_f64().unwrap() * 1e3
        };
        (of("ScriptDuration"), of("TaskDuration"))
    }

    /// Saves a screenshot of the window in target/screenshots.
    pub async fn screenshot(&self, name: &str) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/screenshots");
        let folder = Path::new(folder).join(self.window.browser.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        if let Err(error) = self.window.driver.screenshot(&file).await {
            println!("no screenshot of {name}: {error}");
        }
    }
}

/// Ends a test that cannot run in this browser. Not a panic, because nothing is wrong.
fn skip(reason: &str) -> ! {
    resume_unwind(Box::new(Skipped(reason.into())))
}
