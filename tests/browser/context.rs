//! A browser with the page in it, and what a test asks of the two.

use std::{
    panic::resume_unwind,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::{
    browser::{Browser, Window},
    server::{Server, Trouble},
    suite::{Skipped, Turn},
};

/// What there is to know of the first element.
const FILM: &str = "(({ currentTime, duration, readyState, seeking, paused, ended, buffered }) => ({ \
     currentTime, duration, readyState, seeking, paused, ended, \
     buffered: [...Array(buffered.length).keys()].map(nth => [buffered.start(nth), buffered.end(nth)]) \
     }))(document.querySelector('video'))";

/// What WebKitGTK's element now and then says after a seek, or when it is given another MediaSource. The film
/// goes on by itself.
const TORN: &str = "Failed to push buffer";

/// Lets no other task run until a time, in milliseconds since the Unix epoch.
const SLEEP: &str = "(until => { while (Date.now() < until); })";

/// Longer than anything takes on a machine that is busy with something else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A window of a browser, and the server that it is shown the site by.
pub struct Stage {
    pub server: Server,
    pub window: Window,
    /// [`Turn::alone`] is for what is measured by the clock.
    pub turn: Turn,
}

/// What not every browser has. A test that cannot do without says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Feature {
    /// The MediaSource in a worker, and its handle.
    MediaSourceInWorkers,
    /// A MediaSource that says when it wants more.
    ManagedMediaSource,
    /// Chrome's DevTools, asked over WebDriver.
    DevTools,
    /// A page whose window is minimized knows that it is not seen.
    HiddenPages,
    /// A picture that leaves its page.
    PictureInPicture,
    /// The system's own keys.
    MediaSession,
}

impl Feature {
    /// Why a test is skipped that needs it.
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

impl Stage {
    /// Skips the test where the browser has not this.
    pub async fn needs(&self, feature: Feature) {
        if !self.has(feature).await {
            skip(feature.lacking());
        }
    }

    /// Whether the browser, asked itself, has this.
    pub async fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::MediaSourceInWorkers => {
                self.is("MediaSource.canConstructInDedicatedWorker === true")
                    .await
            }
            Feature::ManagedMediaSource => self.is("'ManagedMediaSource' in window").await,
            Feature::PictureInPicture => self.is("document.pictureInPictureEnabled").await,
            Feature::MediaSession => self.is("'mediaSession' in navigator").await,
            Feature::HiddenPages => self.is("document.hidden").await,
            Feature::DevTools => {
                let cdp = self.window.driver.cdp();
                cdp.send_raw("Browser.getVersion", json!({})).await.is_ok()
            }
        }
    }

    /// Opens the page, with this query.
    pub async fn open(&self, query: &str) {
        self.window
            .driver
            .goto(self.server.url(query))
            .await
            .unwrap();
    }

    /// Makes the window so large, in pixels of CSS, on a screen that has so many of its own in each. A
    /// browser that has no such window makes the one that is next to it.
    pub async fn resize(&self, width: u32, height: u32, density: f64) {
        self.server.set_density(density);
        self.value(&format!("setDensity({density})")).await;
        let driver = &self.window.driver;
        driver.set_window_rect(0, 0, width, height).await.unwrap();
    }

    /// The colour schemes that the page can be shown in here: without DevTools, the one that it is.
    pub async fn schemes(&self) -> &'static [&'static str] {
        match self.has(Feature::DevTools).await {
            true => &["light", "dark"],
            false => &["light"],
        }
    }

    /// From now on, the browser says that this is what people prefer of colours.
    pub async fn wear(&self, scheme: &str) {
        if self.has(Feature::DevTools).await {
            self.prefer("prefers-color-scheme", scheme).await;
        }
    }

    /// From now on, the browser says that people prefer this. It takes DevTools.
    pub async fn prefer(&self, name: &str, value: &str) {
        let features = json!({ "features": [{ "name": name, "value": value }] });
        let cdp = self.window.driver.cdp();
        cdp.send_raw("Emulation.setEmulatedMedia", features)
            .await
            .unwrap();
    }

    /// Plays the first film at this rate from now on.
    pub async fn hurry(&self, rate: u32) {
        self.value(&format!(
            "document.querySelector('video').playbackRate = {rate}"
        ))
        .await;
    }

    /// Makes a worker one that can be put to sleep, before the page is opened.
    pub fn can_sleep(&self) {
        let sleeps = format!(
            "\nif (!globalThis.document) new BroadcastChannel('sleep').onmessage = ({{ data }}) => {{ \
             {SLEEP}(data); new BroadcastChannel('probe').postMessage('awake'); }};"
        );
        self.server
            .trouble("/worker.js", Trouble::around("", sleeps));
    }

    /// Neither the page nor its worker is there for so many milliseconds: the worker a little longer, so that
    /// the page is the first to ask.
    pub async fn sleep(&self, milliseconds: u32) {
        let both = format!(
            "(now => {{ new BroadcastChannel('sleep').postMessage(now + {milliseconds} + 500); \
             {SLEEP}(now + {milliseconds}); }})(Date.now())"
        );
        self.value(&both).await;
    }

    /// That there have been so many workers, or none where the engine runs on the page.
    pub async fn has_started_workers(&self, expected: u32) {
        let is_elsewhere = !self.has(Feature::MediaSourceInWorkers).await;
        let expected = if is_elsewhere { 0 } else { expected };
        assert_eq!(self.value("probe.workers.length").await, json!(expected));
    }

    /// What a JavaScript expression is worth. One that throws is worth null.
    pub async fn value(&self, expression: &str) -> Value {
        let script = format!("try {{ return {expression} }} catch {{ return null }}");
        let executing = self.window.driver.execute(script, vec![]);
        let executed = tokio::time::timeout(PATIENCE, executing).await;
        executed
            .unwrap_or_else(|_| panic!("{expression}: the browser does not answer"))
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
            .json()
            .clone()
    }

    /// Whether a JavaScript expression is true.
    pub async fn is(&self, expression: &str) -> bool {
        self.value(expression).await == json!(true)
    }

    /// Waits until a JavaScript expression is true.
    pub async fn until(&self, expression: &str) {
        let since = Instant::now();
        while !self.is(expression).await {
            if since.elapsed() > PATIENCE {
                let page = self.value("document.querySelector('body').innerText").await;
                let probe = self
                    .value("JSON.stringify({...probe, messages: 0, workers: 0})")
                    .await;
                let film = self.value(FILM).await;
                panic!(
                    "never true: {expression}\non the page: {page}\nprobe: {probe}\nfilm: {film}"
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the film plays: the position moves, and there is a picture.
    pub async fn plays(&self) {
        self.until("document.querySelector('video').currentTime > 0.3")
            .await;
        self.until("document.querySelector('video').videoWidth > 0")
            .await;
    }

    /// What has become of WebKitGTK's browser, if it has broken down: it does not answer, or its own parts do
    /// not work together. The player goes on after that, but is not where a test expects it. Of the others
    /// nothing of the kind is known.
    pub async fn breakdown(&self) -> Option<String> {
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
                faults.contains(TORN).then(|| faults.into())
            }
        }
    }

    /// That nothing has gone wrong so far: no message, no error of the element, none that nobody caught.
    pub async fn is_well(&self) {
        let alert = self
            .value("document.querySelector('[role=alert]')?.innerText")
            .await;
        assert_eq!(alert, json!(null));
        assert_eq!(self.value("probe.faults").await, json!([]));
        assert_eq!(self.value("probe.errors").await, json!([]));
    }

    /// Plays the sample film to its end, in a hurry, and then all of it is there. It is a failure if a
    /// message appears.
    pub async fn ends_with_all_there(&self) {
        let video = "document.querySelector('video')";
        let alert = "document.querySelector('[role=alert]')";
        self.until(&format!("{video}.currentTime > 0 || !!{alert}"))
            .await;
        self.hurry(4).await;
        self.ends_with_all_there_in_time().await;
    }

    /// The same, as quickly as the film plays: for one that has not much ahead. Chromium plays its sound on for
    /// a while where the picture is late.
    pub async fn ends_with_all_there_in_time(&self) {
        let video = "document.querySelector('video')";
        let alert = "document.querySelector('[role=alert]')";
        self.until(&format!("{video}.ended || !!{alert}")).await;
        let words = self.value(&format!("{alert}?.innerText")).await;
        assert_eq!(words, json!(null));
        let end = self.value(&format!("{video}.currentTime")).await;
        assert!(
            (31.9..32.2).contains(&end.as_f64().unwrap()),
            "ended at {end}"
        );
        let film = self.value(FILM).await;
        let edge = |nth: usize| film["buffered"][0][nth].as_f64().unwrap();
        let ranges = film["buffered"].as_array().unwrap().len();
        let is_whole = ranges == 1 && edge(0) < 0.1 && edge(1) > 31.9;
        assert!(is_whole, "something is missing: {film}");
        assert_eq!(self.value("probe.errors").await, json!([]));
    }

    /// Waits for the message over the picture that says this, and returns all of it.
    pub async fn notice(&self, words: &str) -> String {
        let alert = "document.querySelector('[role=alert]')?.innerText";
        self.until(&format!("{alert}.includes({})", json!(words)))
            .await;
        self.value(alert).await.as_str().unwrap().to_owned()
    }

    /// Pauses the film: over one that plays, the controls fade, and cannot be pressed in every browser.
    pub async fn rest(&self) {
        self.value("document.querySelector('video').pause()").await;
        self.until("document.querySelector('.controls').dataset.state !== 'playing'")
            .await;
    }

    /// Presses the button of this name.
    pub async fn press(&self, name: &str) {
        let button = format!("//button[normalize-space()='{name}']");
        self.press_on(By::XPath(button)).await;
    }

    /// Presses the first of these, once it is there for that and rests where it is: a page that is still
    /// being laid out moves away under the pointer.
    pub async fn press_on(&self, what: By) {
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
            assert!(since.elapsed() < PATIENCE, "{what} cannot be pressed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The steps of the journey that were taken, and when, in milliseconds.
    pub async fn journey(&self) -> Vec<(String, f64)> {
        let taken = "[...document.querySelectorAll('.milestones li[data-reached=yes]')] \
             .map(li => [li.dataset.milestone, parseFloat(li.querySelector('.elapsed').textContent)])";
        serde_json::from_value(self.value(taken).await).unwrap()
    }

    /// Waits until a step of the journey is taken.
    pub async fn until_taken(&self, step: &str) {
        let taken = format!(
            "document.querySelector('.milestones [data-milestone=\"{step}\"]').dataset.reached"
        );
        self.until(&format!("{taken} === 'yes'")).await;
    }

    /// The time that the page's thread has spent so far on script, and on all that it does, in ms: its own
    /// time, so that a machine that is busy with something else does not count.
    pub async fn spent(&self) -> (f64, f64) {
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

    /// Writes what the window shows to target/screenshots, for people to look at.
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

/// Ends a test that cannot be had in this browser. Not as a panic: nothing is wrong.
fn skip(reason: &str) -> ! {
    resume_unwind(Box::new(Skipped(reason.into())))
}
