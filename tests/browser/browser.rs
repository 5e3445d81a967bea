//! Starts browsers and their drivers, and ends them.

use std::{
    fmt,
    net::TcpListener,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::json;
use thirtyfour::{common::capabilities::firefox::FirefoxPreferences, prelude::*};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::context::TIMEOUT;

/// A browser: one for each engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Browser {
    Chromium,
    Firefox,
    /// WebKitGTK's MiniBrowser: the engine of Safari, on Linux.
    WebKit,
}

impl Browser {
    pub const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];
}

/// As in the names of tests.
impl fmt::Display for Browser {
    fn fmt(&self, text: &mut fmt::Formatter) -> fmt::Result {
        text.write_str(match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        })
    }
}

/// How long a browser may take to quit.
const QUIT_TIMEOUT: Duration = Duration::from_secs(10);

/// A browser with one window.
pub struct Window {
    pub browser: Browser,
    pub driver: WebDriver,
    /// The driver, and the display of WebKitGTK. They end when this is dropped.
    _processes: Vec<Child>,
}

impl Window {
    /// Starts a browser.
    pub async fn open(browser: Browser) -> Self {
        let (processes, port) = start_driver(browser).await;
        let capabilities = match browser {
            Browser::Chromium => chromium(),
            Browser::Firefox => firefox(),
            Browser::WebKit => webkit(),
        };
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await;
        let window = Self {
            browser,
            driver: driver.unwrap_or_else(|error| panic!("{browser} does not start: {error}")),
            _processes: processes,
        };
        window.renew().await.unwrap();
        window
    }

    /// Opens an empty window of the usual size, and closes the old ones.
    ///
    /// # Errors
    /// The driver's, if the browser is unusable.
    pub async fn renew(&self) -> WebDriverResult<()> {
        let driver = &self.driver;
        let before = driver.windows().await?;
        let window = driver.new_tab().await?;
        for old in before {
            driver.switch_to_window(old).await?;
            driver.close_window().await?;
        }
        driver.switch_to_window(window).await?;
        driver.set_window_rect(0, 0, 1400, 1000).await
    }

    /// Quits the browser, then its driver.
    pub async fn quit(self) {
        // A crashed browser has ended already, and a hanging one ends with its driver.
        let _ = timeout(QUIT_TIMEOUT, self.driver.quit()).await;
    }
}

/// Starts the browser's driver; returns the port it listens on.
async fn start_driver(browser: Browser) -> (Vec<Child>, u16) {
    // Chromedriver and geckodriver print the port that they choose. WebKit's driver has to be told one.
    match browser {
        Browser::Chromium => {
            let (process, port) = start(
                Command::new("chromedriver").arg("--port=0"),
                "started successfully on port ",
            )
            .await;
            (vec![process], port)
        }
        Browser::Firefox => {
            let (process, port) = start(
                Command::new("geckodriver").arg("--port=0"),
                "Listening on 127.0.0.1:",
            )
            .await;
            (vec![process], port)
        }
        Browser::WebKit => {
            // MiniBrowser has no headless mode.
            let mut screen = Command::new("Xvfb");
            screen.args(["-displayfd", "1", "-screen", "0", "3840x2160x24"]);
            screen.args(["-nolisten", "tcp"]);
            let (screen, number) = start(&mut screen, "").await;
            let port = free_port();
            let driver = Command::new("WebKitWebDriver")
                .arg(format!("--port={port}"))
                .env("DISPLAY", format!(":{number}"))
                // Its sandbox does not work for root.
                .env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .unwrap_or_else(|error| missing("WebKitWebDriver", &error));
            until_listening(port).await;
            (vec![driver, screen], port)
        }
    }
}

/// Starts a program; waits until it prints `words` and a number, and returns the number.
async fn start(command: &mut Command, words: &str) -> (Child, u16) {
    let name = command.as_std().get_program().display().to_string();
    let mut process = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| missing(&name, &error));
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, number)) = line.split_once(words) {
            let number = number.trim_end_matches('.').parse().unwrap();
            // Keeps reading, because the program would block on a full pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (process, number);
        }
    }
    panic!("{name} ended before it was ready");
}

fn missing(program: &str, error: &std::io::Error) -> ! {
    panic!("{program}: {error}; `cargo xtask test` installs it")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn until_listening(port: u16) {
    let since = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(since.elapsed() < TIMEOUT, "nobody listens on {port}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn chromium() -> Capabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    for flag in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        // Else MediaCapabilities would not offer what stuttered in an earlier test.
        "--enable-features=MediaCapabilitiesWithParameters:smooth_threshold/1",
    ] {
        capabilities.add_arg(flag).unwrap();
    }
    capabilities.into()
}

fn firefox() -> Capabilities {
    let mut capabilities = DesiredCapabilities::firefox();
    capabilities.add_arg("-headless").unwrap();
    let mut preferences = FirefoxPreferences::new();
    // As in Chromium.
    preferences
        .set("media.mediacapabilities.from-database", false)
        .unwrap();
    capabilities.set_preferences(preferences).unwrap();
    capabilities.into()
}

fn webkit() -> Capabilities {
    // A change of rate unmutes MiniBrowser's element, and sound would require a click.
    let arguments = ["--automation", "--autoplay-policy=allow"];
    let options = json!({ "binary": mini_browser(), "args": arguments });
    let mut capabilities = Capabilities::new();
    capabilities
        .set("webkitgtk:browserOptions", options)
        .unwrap();
    capabilities
}

/// MiniBrowser is not on the `PATH`.
fn mini_browser() -> PathBuf {
    let places = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let mut programs = places.map(|place| place.path().join("webkit2gtk-4.1/MiniBrowser"));
    let found = programs.find(|program| program.is_file());
    found.expect("no MiniBrowser of WebKitGTK: `cargo xtask test` installs it")
}
