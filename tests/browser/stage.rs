//! A browser with the page in it, and what a test asks of the two.

use std::{
    fmt::Debug,
    panic::AssertUnwindSafe,
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::server::Server;

/// What there is to know of the first element.
const FILM: &str = "(({ currentTime, duration, readyState, seeking, paused, ended, buffered }) => ({ \
     currentTime, duration, readyState, seeking, paused, ended, \
     buffered: [...Array(buffered.length).keys()].map(nth => [buffered.start(nth), buffered.end(nth)]) \
     }))(document.querySelector('video'))";

/// Longer than anything takes on a machine that is busy with something else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Browser {
    Chromium,
    Firefox,
}

/// A server, a browser, and a window in it.
pub struct Stage {
    pub server: Server,
    pub driver: WebDriver,
}

/// Runs a test in a browser of its own, and leaves none behind, however the test ends.
pub async fn with<F: AsyncFnOnce(&Stage)>(browser: Browser, test: F) {
    let server = Server::start().await;
    let (_process, port) = start_driver(browser).await;
    let driver = open(browser, port).await;
    let stage = Stage { server, driver };
    let outcome = AssertUnwindSafe(test(&stage)).catch_unwind().await;
    stage.driver.quit().await.unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// Starts the browser's driver on a port of its own choice, which it says.
async fn start_driver(browser: Browser) -> (Child, u16) {
    let (program, words) = match browser {
        Browser::Chromium => ("chromedriver", "started successfully on port "),
        Browser::Firefox => ("geckodriver", "Listening on 127.0.0.1:"),
    };
    let mut process = Command::new(program)
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask test` installs it"));
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once(words) {
            let port = port.trim_end_matches('.').parse().unwrap();
            // Read on, or the driver stands still once the pipe is full.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (process, port);
        }
    }
    panic!("{program} ended before it listened");
}

async fn open(browser: Browser, port: u16) -> WebDriver {
    let url = format!("http://127.0.0.1:{port}");
    match browser {
        Browser::Chromium => {
            let mut wishes = DesiredCapabilities::chrome();
            for flag in [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--window-size=1400,1000",
            ] {
                wishes.add_arg(flag).unwrap();
            }
            WebDriver::new(&url, wishes).await.unwrap()
        }
        Browser::Firefox => {
            let mut wishes = DesiredCapabilities::firefox();
            wishes.add_arg("-headless").unwrap();
            WebDriver::new(&url, wishes).await.unwrap()
        }
    }
}

impl Stage {
    /// Opens the page, with this query.
    pub async fn open(&self, query: &str) {
        self.driver.goto(self.server.url(query)).await.unwrap();
    }

    /// What a JavaScript expression is worth. One that throws is worth null.
    pub async fn value(&self, expression: &str) -> Value {
        let script = format!("try {{ return {expression} }} catch {{ return null }}");
        let executed = self.driver.execute(script, vec![]).await;
        executed
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
            .json()
            .clone()
    }

    /// Waits until a JavaScript expression is true.
    pub async fn until(&self, expression: &str) {
        let since = Instant::now();
        while self.value(expression).await != json!(true) {
            if since.elapsed() > PATIENCE {
                let page = self
                    .value("document.querySelector('main')?.innerText")
                    .await;
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

    /// That nothing has gone wrong so far: no message, no error of the element, none that nobody caught.
    pub async fn is_well(&self) {
        let alert = self.value("document.querySelector('[role=alert]')").await;
        assert_eq!(alert, json!(null));
        let media = self.value("probe.media.includes('error')").await;
        assert_eq!(media, json!(false));
        assert_eq!(self.value("probe.errors").await, json!([]));
    }

    /// Plays the sample film to its end, in a hurry, and then all of it is there. It is a failure if a
    /// message appears.
    pub async fn ends_with_all_there(&self) {
        let video = "document.querySelector('video')";
        let alert = "document.querySelector('[role=alert]')";
        self.until(&format!("{video}.currentTime > 0 || !!{alert}"))
            .await;
        self.value(&format!("{video}.playbackRate = 4")).await;
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

    /// Presses the button of this name.
    pub async fn press(&self, name: &str) {
        let button = format!("//button[normalize-space()='{name}']");
        self.driver
            .find(By::XPath(button))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
    }

    /// The steps of the journey that were taken, and when, in milliseconds.
    pub async fn journey(&self) -> Vec<(String, f64)> {
        let taken = "[...document.querySelectorAll('.journey li[data-taken=yes]')] \
             .map(li => [li.dataset.step, parseFloat(li.querySelector('.ms').textContent)])";
        serde_json::from_value(self.value(taken).await).unwrap()
    }

    /// Waits until a step of the journey is taken.
    pub async fn until_taken(&self, step: &str) {
        let taken =
            format!("document.querySelector('.journey [data-step=\"{step}\"]').dataset.taken");
        self.until(&format!("{taken} === 'yes'")).await;
    }

    /// Writes what the window shows to target/screenshots, for people to look at.
    pub async fn screenshot(&self, name: &str) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/screenshots");
        std::fs::create_dir_all(folder).unwrap();
        let file = std::path::Path::new(folder).join(format!("{name}.png"));
        self.driver.screenshot(&file).await.unwrap();
    }
}
