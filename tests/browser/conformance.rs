//! The simulated browser against real ones: the same scripts of MediaSource operations, run by the same code.
//!
//! `cargo xtask test conformance --nocapture` prints the differences. Those that are known are in [`KNOWN`], with
//! the reason.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use conformance::{
    by_hand::SCRIPTS,
    compare::first_difference,
    model::run_simulated,
    random,
    script::{Script, Step},
};
use macro_rules_attribute::apply;
use serde_json::json;
use tokio::time::timeout;
use yew_mse_worker::platform::simulated;

use crate::{
    browser::Browser,
    context::TestContext,
    server::{Server, public_url},
    suite::browser_test,
};

/// Differences that are not simulated: browser, name of the script, and the reason.
const KNOWN: &[(Browser, &str, &str)] = &[
    (
        Browser::Chromium,
        "window after the end",
        "it drops all frames; the duration depends on how Chromium rounds the gap between them",
    ),
    (
        Browser::Firefox,
        "window after the end",
        "Firefox does not raise the duration for frames that it drops",
    ),
    (
        Browser::Firefox,
        "seek with a late track",
        "Firefox ends a seek of a paused element when it has the frame, before there is sound",
    ),
    (
        Browser::WebKit,
        "muxed in reverse",
        "WebKitGTK keeps one frame more of the sound that it drops",
    ),
];

/// Why a script is not compared in a browser.
fn known_difference(browser: Browser, name: &str, script: &Script) -> Option<&'static str> {
    let is_webkit = browser == Browser::WebKit;
    let is_seek = |(_, step): &(usize, Step)| matches!(step, Step::Seek(_));
    if is_webkit && script.steps.iter().any(is_seek) {
        // "Failed to push buffer", about every second time: see `TestContext::browser_failure`.
        return Some("WebKitGTK fails by chance after a seek of a paused element");
    }
    if script.follows_truncated_segment(!is_webkit) {
        return Some(
            "bytes in the middle of a segment are garbage, of which parsers keep different parts",
        );
    }
    let known = KNOWN
        .iter()
        .find(|known| (known.0, known.1) == (browser, name));
    known.map(|known| known.2)
}

/// Longer than any script takes that does not hang.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(40);
/// Random scripts of each run.
const FEW_SEEDS: std::ops::Range<u64> = 0..40;
/// How many of the scripts of a scheduled run may differ. Not simulated yet: parts of segments over what is buffered
/// (Chromium keeps it until they are complete), both tracks of a muxed buffer after removals, and a removal that
/// begins at the duration. 20 differed in Chromium 156 and 17 in WebKitGTK 2.50, of 232 compared.
const MAX_DIFFERING: usize = 25;
/// Random scripts of a scheduled run.
const MANY_SEEDS: std::ops::Range<u64> = 0..250;

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "the real MediaSource, which the simulated one is compared with")]
async fn scripts_end_as_in_the_simulated_browser(test: &TestContext) {
    let by_hand = SCRIPTS
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.parse().unwrap()));
    let random = FEW_SEEDS.map(|seed| (format!("seed {seed}"), random::script(seed)));
    compare(test, by_hand.chain(random).collect(), 0).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "the real MediaSource, which the simulated one is compared with")]
#[ignore = "takes minutes: the scheduled workflow runs it"]
async fn many_random_scripts_end_as_in_the_simulated_browser(test: &TestContext) {
    let random = MANY_SEEDS.map(|seed| (format!("seed {seed}"), random::script(seed)));
    compare(test, random.collect(), MAX_DIFFERING).await;
}

/// Runs scripts in the browser and in its simulation, and fails if more than so many outcomes differ.
async fn compare(test: &TestContext, scripts: Vec<(String, Script)>, max_differing: usize) {
    let server = Server::of_folder(page()).await;
    test.window.driver.goto(server.url("")).await.unwrap();
    test.wait_until("!!window.wasmBindings").await;
    let count = scripts.len();
    let mut compared = 0;
    let mut differing = Vec::new();
    for (name, script) in scripts {
        if let Some(reason) = known_difference(test.window.browser, &name, &script) {
            println!("not compared: `{name}`: {reason}");
            continue;
        }
        let browser = test.window.browser;
        let simulated = run_simulated(&script, simulated_browser(browser));
        // WebKitGTK fails by chance.
        let attempts = if browser == Browser::WebKit { 3 } else { 1 };
        let mut difference = None;
        for _ in 0..attempts {
            let Some(real) = run_real(test, &script).await else {
                assert_eq!(browser, Browser::WebKit, "hangs in `{name}`: {script}");
                println!(
                    "{browser} hangs in `{name}`; {compared} of {count} scripts were compared\n  {script}"
                );
                return;
            };
            difference = first_difference(&real, &simulated).map(|nth| {
                let line = |lines: &[String]| lines.get(nth).cloned().unwrap_or_default();
                format!(
                    "real      {}\n  simulated {}",
                    line(&real),
                    line(&simulated)
                )
            });
            if difference.is_none() {
                break;
            }
        }
        compared += 1;
        if let Some(difference) = difference {
            println!("{browser} differs in `{name}`\n  {script}\n  {difference}");
            differing.push(name);
        }
    }
    println!("{} of {compared} scripts differ", differing.len());
    assert!(
        differing.len() <= max_differing,
        "{} of {count} scripts differ: {differing:?}",
        differing.len()
    );
}

/// The outcome of a script in the real browser; `None` if it hangs.
async fn run_real(test: &TestContext, script: &Script) -> Option<Vec<String>> {
    let call = format!(
        "return wasmBindings.run_script({})",
        json!(script.to_string())
    );
    let run = test.window.driver.execute(call, vec![]);
    let outcome = timeout(SCRIPT_TIMEOUT, run).await.ok()?.unwrap();
    let text = outcome.json().as_str().unwrap_or("no outcome").to_owned();
    Some(text.lines().map(str::to_owned).collect())
}

fn simulated_browser(browser: Browser) -> simulated::Browser {
    let simulated = match browser {
        Browser::Chromium => simulated::Browser::chromium(),
        Browser::Firefox => simulated::Browser::firefox(),
        Browser::WebKit => simulated::Browser::webkit(),
    };
    // Nothing by chance.
    simulated::Browser {
        ignores_early_seek: 0.0,
        early_seek_loses_stream: 0.0,
        ..simulated
    }
}

/// The folder of the page that runs the scripts, which is built once.
fn page() -> &'static Path {
    static PAGE: OnceLock<PathBuf> = OnceLock::new();
    PAGE.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let site = root.join("target/conformance");
        let built = Command::new("trunk")
            .args([
                "build",
                "--release",
                "--public-url",
                &public_url(),
                "--dist",
            ])
            .arg(&site)
            .current_dir(root.join("tests/conformance"))
            .status()
            .unwrap();
        assert!(built.success(), "trunk could not build the page");
        site
    })
}
