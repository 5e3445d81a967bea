//! The film goes on while the page is frozen, though only little of it is buffered.

use macro_rules_attribute::apply;
use serde_json::{Value, json};

use crate::{
    stage::{Feature, Stage},
    suite::in_every_browser,
};

/// Blocks the page's thread for so many seconds, and says how far each film came meanwhile, and what
/// the elements said of it: what they say while the page is blocked is heard after it.
async fn freeze(stage: &Stage, seconds: u32) -> Vec<(f64, Value)> {
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
            // Within one task, an element does not change its mind about the time.
            await new Promise((done) => setTimeout(done));
            const elapsed = (performance.now() - since) / 1000;
            const played = videos.map((video, nth) => (video.currentTime - before[nth]) / elapsed * {seconds});
            await new Promise((done) => setTimeout(done, 100));
            controller.abort();
            return played.map((seconds, nth) => [seconds, said[nth]]);
        }})()"
    );
    serde_json::from_value(stage.value(&blocked).await).unwrap()
}

/// Waits until a film plays and its small buffer is full.
async fn until_full(stage: &Stage, goal: f64) {
    let full = format!(
        "(films => films.length > 0 && films.every(video => !video.paused && video.currentTime > 0 && \
         video.buffered.length && video.buffered.end(video.buffered.length - 1) - video.currentTime > {goal} - 1))([...document.querySelectorAll('video')])"
    );
    stage.until(&full).await;
}

fn nothing_was_missed(frozen: &[(f64, Value)], seconds: f64) {
    for (played, said) in frozen {
        println!("of {seconds} s frozen: {played:.2} s played, {said}");
        assert_eq!(said, &json!([]), "while frozen");
        // The clock of the sound card is not that of the page, and a busy machine's is slower. Without its
        // worker, a film has at most ten seconds to play.
        assert!(*played > seconds * 0.85, "{played} s of {seconds} s");
    }
}

#[apply(in_every_browser!)]
async fn twelve_seconds_frozen_with_eight_buffered_ten_times(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.turn.alone().await;
    for _ in 0..3 {
        stage.open("?goal=8").await;
        stage.press("Add a second player").await;
        // The film is long enough for two.
        for _ in 0..2 {
            until_full(stage, 8.0).await;
            let frozen = freeze(stage, 12).await;
            assert_eq!(frozen.len(), 2);
            nothing_was_missed(&frozen, 12.0);
        }
    }
}

#[apply(in_every_browser!)]
async fn thirty_seconds_frozen_with_eight_buffered(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.turn.alone().await;
    stage.open("?goal=8").await;
    until_full(stage, 8.0).await;
    // To the last second of the film.
    nothing_was_missed(&freeze(stage, 30).await, 30.0);
}

#[apply(in_every_browser!)]
async fn a_small_goal_is_kept(stage: &Stage) {
    stage.open("?goal=8").await;
    until_full(stage, 8.0).await;
    // Eight seconds, and the rest of a segment.
    let ahead = "(({ buffered, currentTime }) => buffered.end(buffered.length - 1) - currentTime)(document.querySelector('video'))";
    for _ in 0..20 {
        let ahead = stage.value(ahead).await.as_f64().unwrap();
        assert!(ahead < 10.5, "{ahead} s ahead");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(stage.server.requests(".m4s") < 16);
}
