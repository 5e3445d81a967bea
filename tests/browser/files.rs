//! Media files by URL, and files of the visitor.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{context::TestContext, suite::browser_test};

const VIDEO: &str = "document.querySelector('video')";

/// Seeks, and plays on from there to the end.
async fn seeks_and_ends(test: &TestContext, name: &str, seconds: f64) {
    test.wait_until(&format!("{VIDEO}.currentTime > 0")).await;
    test.eval(&format!("{VIDEO}.currentTime = 3.3")).await;
    let shown = format!("!{VIDEO}.seeking && {VIDEO}.readyState > 1");
    test.wait_until(&shown).await;
    let position = test.eval(&format!("{VIDEO}.currentTime")).await;
    assert!(
        (3.29..4.5).contains(&position.as_f64().unwrap()),
        "{name}: {position}"
    );
    test.set_rate(2).await;
    test.wait_until(&format!("{VIDEO}.ended")).await;
    let end = test.eval(&format!("{VIDEO}.currentTime")).await;
    assert!(
        (end.as_f64().unwrap() - seconds).abs() < 0.2,
        "{name} ended at {end}"
    );
    let errors = test.eval("probe.errors.concat(probe.violations)").await;
    assert_eq!(errors, json!([]), "{name}");
}

async fn plays_by_url(test: &TestContext, names: &[&str]) {
    for name in names {
        test.open(&format!("?src=remux/tests/files/{name}")).await;
        seeks_and_ends(test, name, 6.0).await;
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "real decoders, foreign bytes in mdat, converted Matroska")]
async fn media_files_play_and_seek(test: &TestContext) {
    plays_by_url(
        test,
        &[
            "first.mp4",
            "last.mp4",
            "quicktime.mov",
            "mfra.mp4",
            "h264-aac.mkv",
            "live.mkv",
        ],
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox; "WebM in MediaSource")]
async fn webm_files_play_and_seek(test: &TestContext) {
    plays_by_url(
        test,
        &[
            "vp8-vorbis.webm",
            "vp9-opus.webm",
            "live.webm",
            "laced.webm",
            "two-audio.webm",
        ],
    )
    .await;
}

/// Chooses a file as the visitor does, with content that the page fetches from the server first.
async fn choose(test: &TestContext, path: &str, name: &str) {
    let script = format!(
        "fetch('{path}').then(it => it.blob()).then(it => {{\
            const chosen = new DataTransfer();\
            chosen.items.add(new File([it], '{name}'));\
            const input = document.querySelector('#file');\
            input.files = chosen.files;\
            input.dispatchEvent(new Event('change'));\
        }}) && true"
    );
    test.eval(&script).await;
    test.wait_until(
        "document.querySelector('.files')?.textContent.includes('Nothing is uploaded')",
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "a File that crosses to the engine")]
async fn file_of_the_visitor_plays_and_seeks(test: &TestContext) {
    test.open("?src=film/film.mpd").await;
    test.wait_until_playing().await;
    choose(test, "remux/tests/files/last.mp4", "last.mp4").await;
    test.wait_until(&format!("{VIDEO}.duration < 7")).await;
    seeks_and_ends(test, "last.mp4", 6.0).await;
}
