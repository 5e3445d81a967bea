//! Live streams, from the testkit's live server, whose clock is the wall clock.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use macro_rules_attribute::apply;
use serde_json::json;
use testkit::live::{Incident, Timed};

use crate::{
    context::{Feature, TestContext},
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";
const MANIFESTS: [&str; 3] = ["live/time.mpd", "live/number.mpd", "live/main.m3u8"];

/// Opens a live stream, and waits until it plays.
async fn open(test: &TestContext, manifest: &str) {
    test.open(&format!("?goal=8&src={manifest}")).await;
    test.wait_until(&format!(
        "{VIDEO}.currentTime > 0 && !{VIDEO}.seeking && {VIDEO}.readyState > 2"
    ))
    .await;
}

async fn number(test: &TestContext, expression: &str) -> f64 {
    test.eval(&format!("{VIDEO}.{expression}"))
        .await
        .as_f64()
        .unwrap()
}

/// How far the position is from the end of what can be played, in seconds.
async fn distance(test: &TestContext) -> f64 {
    number(test, "seekable.end(0)").await - number(test, "currentTime").await
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "setLiveSeekableRange, an infinite duration")]
async fn live_stream_starts_near_its_edge(test: &TestContext) {
    test.server.serve_live(|_| {});
    for manifest in MANIFESTS {
        open(test, manifest).await;
        assert_eq!(
            test.eval(&format!("{VIDEO}.duration === Infinity")).await,
            json!(true)
        );
        let (start, end) = (
            number(test, "seekable.start(0)").await,
            number(test, "seekable.end(0)").await,
        );
        assert!(
            (50.0..70.0).contains(&(end - start)),
            "{manifest}: {start} {end}"
        );
        let distance = distance(test).await;
        assert!(
            (2.0..9.0).contains(&distance),
            "{manifest}: {distance} s behind"
        );
        let before = number(test, "currentTime").await;
        test.wait_until(&format!("{VIDEO}.currentTime > {before} + 3"))
            .await;
        test.assert_no_errors().await;
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "seeks in a live stream")]
async fn live_stream_seeks_back_and_returns_to_the_edge(test: &TestContext) {
    test.server.serve_live(|_| {});
    open(test, "live/main.m3u8").await;
    let start = number(test, "seekable.start(0)").await;
    for position in [start + 20.0, number(test, "seekable.end(0)").await - 6.0] {
        test.eval(&format!("{VIDEO}.currentTime = {position}"))
            .await;
        test.wait_until(&format!(
            "!{VIDEO}.seeking && {VIDEO}.currentTime > {position} + 1"
        ))
        .await;
        let now = number(test, "currentTime").await;
        assert!(now < position + 10.0, "{now} after a seek to {position}");
    }
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "the button of the controls")]
async fn live_button_shows_the_distance_and_returns(test: &TestContext) {
    test.server.serve_live(|_| {});
    open(test, "live/main.m3u8").await;
    let button = "document.querySelector('.live')";
    test.wait_until(&format!("{button}.textContent.trim() === 'Live'"))
        .await;
    test.eval(&format!(
        "{VIDEO}.currentTime = {VIDEO}.seekable.start(0) + 20"
    ))
    .await;
    test.wait_until(&format!("/^Live\\s*−0:/.test({button}.textContent.trim())"))
        .await;
    test.eval(&format!("{button}.click()")).await;
    test.wait_until(&format!("{button}.textContent.trim() === 'Live'"))
        .await;
    let distance = distance(test).await;
    assert!((2.0..10.0).contains(&distance), "{distance} s behind");
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "an element that waits for data")]
async fn live_stream_continues_after_its_encoder_stalls(test: &TestContext) {
    test.server.serve_live(|config| {
        config.incidents.push(Timed {
            at: Duration::from_secs(100 + 8),
            kind: Incident::Stall {
                lasting: Duration::from_secs(8),
            },
        });
    });
    open(test, "live/time.mpd").await;
    let before = number(test, "currentTime").await;
    test.wait_until(&format!("{VIDEO}.currentTime > {before} + 14"))
        .await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "a duration that becomes finite")]
async fn live_stream_that_ends_plays_to_its_end(test: &TestContext) {
    for manifest in ["live/time.mpd", "live/main.m3u8"] {
        test.server
            .serve_live(|config| config.length = Some(Duration::from_secs(100 + 14)));
        test.open(&format!("?goal=8&src={manifest}")).await;
        test.wait_until(&format!("{VIDEO}.currentTime > 0")).await;
        test.wait_until(&format!("{VIDEO}.ended")).await;
        test.assert_no_errors().await;
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a blocked page beside a running worker")]
async fn live_stream_plays_through_sixty_frozen_seconds(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.slot.alone().await;
    test.server.serve_live(|_| {});
    open(test, "live/main.m3u8").await;
    // The latency settles.
    test.wait_until(&format!(
        "{VIDEO}.played.length && {VIDEO}.currentTime - {VIDEO}.played.start(0) > 6"
    ))
    .await;
    // The block begins after the driver has got its answer, because it would not wait for so long.
    let freeze = format!(
        "setTimeout(async () => {{
            const video = {VIDEO};
            const said = [];
            const controller = new AbortController();
            ['waiting', 'stalled', 'error', 'ended', 'pause', 'seeking'].forEach((kind) =>
                video.addEventListener(kind, () => said.push(kind), {{ signal: controller.signal }}));
            const before = video.currentTime;
            const since = performance.now();
            while (performance.now() - since < 60000);
            await new Promise((done) => setTimeout(done));
            const played = video.currentTime - before;
            await new Promise((done) => setTimeout(done, 100));
            controller.abort();
            window.frozen = [played, said];
        }}, 200)"
    );
    test.eval(&freeze).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    test.wait_until("!!window.frozen").await;
    let frozen = test.eval("window.frozen").await;
    let (played, said): (f64, Vec<String>) = serde_json::from_value(frozen).unwrap();
    println!("of 60 s frozen: {played:.2} s played, {said:?}");
    assert_eq!(said, [""; 0], "while frozen");
    assert!(played > 55.0, "{played} s");
    let distance = distance(test).await;
    assert!(distance < 12.0, "{distance} s behind");
}

/// A real packager, which writes a live stream into a folder of the site. Ended when dropped.
struct Packager {
    process: Child,
    folder: PathBuf,
}

impl Packager {
    /// Starts ffmpeg with a test picture and a tone in segments of 2 s.
    fn start(format: &[&str], manifest: &str) -> Self {
        let site = std::env::var("SITE").expect("the variable SITE is not set");
        let folder = Path::new(&site).join("packager");
        std::fs::create_dir_all(&folder).unwrap();
        let process = Command::new("ffmpeg")
            .args([
                "-loglevel",
                "error",
                "-re",
                "-f",
                "lavfi",
                "-i",
                "testsrc=size=320x180:rate=25",
            ])
            .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-pix_fmt",
                "yuv420p",
                "-g",
                "50",
            ])
            .args(["-keyint_min", "50", "-sc_threshold", "0", "-c:a", "aac"])
            .args(format)
            .arg(manifest)
            .current_dir(&folder)
            .spawn()
            .expect("ffmpeg is needed");
        Self { process, folder }
    }
}

impl Drop for Packager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a real packager beside a real decoder")]
#[ignore = "needs ffmpeg, and takes two minutes"]
async fn live_streams_of_ffmpeg_play_for_a_minute(test: &TestContext) {
    let dash = [
        "-f",
        "dash",
        "-seg_duration",
        "2",
        "-window_size",
        "10",
        "-extra_window_size",
        "5",
    ];
    let hls = [
        "-f",
        "hls",
        "-hls_time",
        "2",
        "-hls_list_size",
        "10",
        "-hls_segment_type",
        "fmp4",
        "-hls_flags",
        "delete_segments+program_date_time",
    ];
    for (format, manifest) in [(&dash[..], "live.mpd"), (&hls[..], "live.m3u8")] {
        let _packager = Packager::start(format, manifest);
        // The first segments.
        tokio::time::sleep(Duration::from_secs(8)).await;
        open(test, &format!("packager/{manifest}")).await;
        let before = number(test, "currentTime").await;
        let since = Instant::now();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let played = number(test, "currentTime").await - before;
        let seconds = since.elapsed().as_secs_f64();
        println!(
            "{manifest}: {played:.1} of {seconds:.1} s played, {:.1} s behind",
            distance(test).await
        );
        assert!(
            played > seconds - 5.0,
            "{manifest}: {played} of {seconds} s"
        );
        test.assert_no_errors().await;
    }
}
