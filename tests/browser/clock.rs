//! Playback continues while the page is blocked, with a small buffer.

use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::{
    context::{Feature, TestContext},
    suite::browser_test,
};

/// Blocks the page for some seconds. Returns how many seconds each video played meanwhile, and the events of each,
/// which are delivered afterwards.
async fn freeze(test: &TestContext, seconds: u32) -> Vec<(f64, Value)> {
    let blocked = format!(
        "(async () => {{
            const videos = [...document.querySelectorAll('video')];
            const said = videos.map(() => []);
            const controller = new AbortController();
            videos.forEach((video, nth) => ['waiting', 'stalled', 'error', 'ended', 'pause'].forEach((kind) =>
                video.addEventListener(kind, () => said[nth].push(kind), {{ signal: controller.signal }})));
            const before = videos.map((video) => video.currentTime);
            const since = performance.now();
            while (performance.now() - since < {seconds} * 1000);
            // `currentTime` does not change within one task.
            await new Promise((done) => setTimeout(done));
            const elapsed = (performance.now() - since) / 1000;
            const played = videos.map((video, nth) => (video.currentTime - before[nth]) / elapsed * {seconds});
            await new Promise((done) => setTimeout(done, 100));
            controller.abort();
            return played.map((seconds, nth) => [seconds, said[nth]]);
        }})()"
    );
    serde_json::from_value(test.eval(&blocked).await).unwrap()
}

/// Waits until all videos play and have nearly `goal` seconds buffered.
async fn until_full(test: &TestContext, goal: f64) {
    let full = format!(
        "(videos => videos.length > 0 && videos.every(video => !video.paused && video.currentTime > 0 && \
         video.buffered.length && video.buffered.end(video.buffered.length - 1) - video.currentTime > {goal} - 1))([...document.querySelectorAll('video')])"
    );
    test.wait_until(&full).await;
}

fn nothing_was_missed(frozen: &[(f64, Value)], seconds: f64) {
    for (played, said) in frozen {
        println!("of {seconds} s frozen: {played:.2} s played, {said}");
        assert_eq!(said, &json!([]), "while frozen");
        // The audio clock differs from the page's, and is slower on a busy machine. Without its worker, a video has
        // at most ten seconds to play.
        assert!(*played > seconds * 0.85, "{played} s of {seconds} s");
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a blocked page beside a running worker")]
async fn two_videos_play_through_twelve_frozen_seconds(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.slot.alone().await;
    test.open("?goal=8").await;
    test.press("Add a second player").await;
    // The video is long enough for two.
    for _ in 0..2 {
        until_full(test, 8.0).await;
        let frozen = freeze(test, 12).await;
        assert_eq!(frozen.len(), 2);
        nothing_was_missed(&frozen, 12.0);
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a blocked page beside a running worker")]
async fn video_plays_through_thirty_frozen_seconds(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.slot.alone().await;
    test.open("?goal=8").await;
    until_full(test, 8.0).await;
    // To the end of the video.
    nothing_was_missed(&freeze(test, 30).await, 30.0);
}
