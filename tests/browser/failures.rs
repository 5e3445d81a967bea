//! When something is not: a message says what, and trying again works once the cause is gone.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;
use thirtyfour::By;

use crate::{
    server::Trouble,
    stage::{Browser, Stage, with},
};

/// Bytes that say they are as many as no memory holds: to copy them is a panic, in Rust's own words.
const PANICS: &str = "\nconst panics = () => Object.defineProperty( \
     Object.getPrototypeOf(Uint8Array.prototype), 'length', { get: () => 0xffffffff });\n";

/// Meets trouble, reads about it within ten seconds, heals it and tries again.
async fn meets(part: &'static str, trouble: Trouble, words: &str) {
    with(Browser::Chromium, async |stage| {
        stage.server.trouble(part, trouble);
        stage.open("").await;
        stage.notice(words).await;
        tries_again(stage).await;
    })
    .await;
}

/// What plays then is another MediaSource, and not what was buffered of the old one.
async fn tries_again(stage: &Stage) {
    let handle = "document.querySelector('video').srcObject";
    stage.server.heal();
    stage.value(&format!("window.before = {handle}")).await;
    stage
        .value("window.element = document.querySelector('video')")
        .await;
    stage.press("Try again").await;
    stage
        .until(&format!("{handle} !== null && {handle} !== before"))
        .await;
    stage.plays().await;
    let alert = stage.value("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null));
    let same = stage
        .value("document.querySelector('video') === element")
        .await;
    assert_eq!(same, json!(true), "the video element was made anew");
    // The button is gone, and the keyboard is where the film is.
    let focus = stage.value("document.activeElement.localName").await;
    assert_eq!(focus, json!("video"));
}

#[tokio::test]
async fn no_worker_script() {
    with(Browser::Chromium, async |stage| {
        stage
            .server
            .trouble("worker_loader.js", Trouble::Status(StatusCode::NOT_FOUND));
        stage.open("").await;
        let notice = stage.notice("the server answered 404").await;
        assert!(notice.contains("worker_loader.js"), "{notice}");
        stage.screenshot("no-worker").await;
        tries_again(stage).await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_script_that_is_a_web_page() {
    meets(
        "/worker_loader.js",
        Trouble::Text("<!doctype html>"),
        "the browser refused its script",
    )
    .await;
}

#[tokio::test]
async fn a_worker_that_hangs_when_it_is_asked_for_a_film() {
    let trouble = Trouble::around(
        "Object.defineProperty(self, 'MediaSource', { get() { for (;;); } });",
        "",
    );
    meets("/worker.js", trouble, "does not answer any more").await;
}

#[tokio::test]
async fn no_worker_glue() {
    meets(
        "/worker.js",
        Trouble::Status(StatusCode::NOT_FOUND),
        "The worker did not start",
    )
    .await;
}

#[tokio::test]
async fn no_worker_wasm() {
    meets(
        "/worker_bg.wasm",
        Trouble::Status(StatusCode::NOT_FOUND),
        "The worker did not start",
    )
    .await;
}

#[tokio::test]
async fn a_worker_wasm_that_does_not_compile() {
    meets(
        "/worker_bg.wasm",
        Trouble::Text("<!doctype html>"),
        "The worker did not start",
    )
    .await;
}

#[tokio::test]
async fn a_worker_that_throws_while_it_starts() {
    let trouble = Trouble::around("throw new Error('out of order');", "");
    meets("/worker.js", trouble, "out of order").await;
}

#[tokio::test]
async fn a_worker_that_cannot_post() {
    let trouble = Trouble::around(
        "self.postMessage = () => { throw new Error('no post today') };",
        "",
    );
    meets("/worker.js", trouble, "The worker did not start").await;
}

#[tokio::test]
async fn a_worker_that_panics_while_it_starts() {
    with(Browser::Chromium, async |stage| {
        let trouble = Trouble::around("", [PANICS, "panics();"].concat());
        stage.server.trouble("/worker.js", trouble);
        stage.open("").await;
        let notice = stage.notice("The worker did not start").await;
        assert!(notice.contains("panicked at"), "{notice}");
        tries_again(stage).await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_panics_later() {
    with(Browser::Chromium, async |stage| {
        let later = "new BroadcastChannel('panic').onmessage = ({ data }) => { \
             panics(); new BroadcastChannel('open').postMessage(data); };";
        let script = [PANICS, later].concat();
        stage
            .server
            .trouble("/worker.js", Trouble::around("", script));
        stage.open("").await;
        stage.plays().await;
        for nth in 1..=2 {
            stage
                .value(&format!("new BroadcastChannel('panic').postMessage({nth})"))
                .await;
            stage.until(&format!("probe.open === {nth}")).await;
            // The next message is the one that it panics at. The first time another worker takes over.
            if nth == 1 {
                stage.until("probe.workers.length === 2").await;
                stage.until_taken("first frame").await;
            }
        }
        let notice = stage.notice("The worker died").await;
        assert!(notice.contains("panicked at"), "{notice}");
        tries_again(stage).await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_says_nothing() {
    meets(
        "/worker_loader.js",
        Trouble::empty(),
        "has not answered for 6 seconds",
    )
    .await;
}

#[tokio::test]
async fn a_worker_that_hangs_while_it_loads() {
    meets(
        "/worker.js",
        Trouble::Silence,
        "has not answered for 6 seconds",
    )
    .await;
}

#[tokio::test]
async fn a_worker_of_another_build() {
    with(Browser::Chromium, async |stage| {
        stage.open("").await;
        stage.plays().await;
        let scripts = "performance.getEntriesByType('resource').map(entry => new URL(entry.name)) \
             .find(url => url.pathname.endsWith('worker_loader.js')).search.slice(1)";
        let build = stage.value(scripts).await.as_str().unwrap().to_owned();
        stage.server.trouble(
            "/worker_bg.wasm",
            Trouble::replace(build.clone(), "0123456789abcdef"),
        );
        stage.open("").await;
        let words = format!("another build (0123456789abcdef) than the page ({build})");
        stage.notice(&words).await;
        tries_again(stage).await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_traps_while_it_plays() {
    with(Browser::Chromium, async |stage| {
        stage
            .server
            .trouble("/worker.js", Trouble::around("", TRAP));
        stage.open("").await;
        stage.plays().await;
        trap(stage).await;
        stage.until("probe.workers.length === 2").await;
        stage.until_taken("first frame").await;
        trap(stage).await;
        stage.notice("The worker died").await;
        tries_again(stage).await;
        assert_eq!(stage.value("probe.workers.length").await, json!(3));
    })
    .await;
}

#[tokio::test]
async fn another_film_after_the_worker_died() {
    with(Browser::Chromium, async |stage| {
        stage
            .server
            .trouble("/worker.js", Trouble::around("", TRAP));
        stage.open("").await;
        stage.plays().await;
        trap(stage).await;
        stage.until("probe.workers.length === 2").await;
        stage.until_taken("first frame").await;
        trap(stage).await;
        stage.notice("The worker died").await;
        stage
            .value("window.before = document.querySelector('video').srcObject")
            .await;
        stage.press("Sample film").await;
        stage
            .until("document.querySelector('video').srcObject !== before")
            .await;
        stage.plays().await;
        assert_eq!(stage.value("probe.workers.length").await, json!(3));
        let alert = stage.value("document.querySelector('[role=alert]')").await;
        assert_eq!(alert, json!(null));
    })
    .await;
}

/// A request for memory of a size that cannot be: the wasm stops with a trap.
const TRAP: &str =
    "\nnew BroadcastChannel('trap').onmessage = () => wasm.__wbindgen_malloc(-1, 3);";

/// Springs it.
async fn trap(stage: &Stage) {
    stage
        .value("new BroadcastChannel('trap').postMessage(null)")
        .await;
}

#[tokio::test]
async fn no_film() {
    with(Browser::Chromium, async |stage| {
        stage.open("?src=film/nothing.m3u8").await;
        stage
            .notice("The server answered 404 for the manifest")
            .await;
        stage.screenshot("no-film").await;
        stage.press("Sample film").await;
        stage.plays().await;
    })
    .await;
}

#[tokio::test]
async fn a_playlist_that_is_a_web_page() {
    meets(
        "film.m3u8",
        Trouble::Text("<!doctype html><title>Welcome"),
        "it is a web page",
    )
    .await;
}

#[tokio::test]
async fn a_playlist_that_never_comes() {
    meets("film.m3u8", Trouble::Silence, "Waited 8 seconds in vain").await;
}

#[tokio::test]
async fn a_segment_that_is_gone() {
    meets(
        "p/3.m4s",
        Trouble::Status(StatusCode::GONE),
        "The server answered 410 for the media segment",
    )
    .await;
}

#[tokio::test]
async fn trying_again_goes_on_where_the_film_failed() {
    with(Browser::Chromium, async |stage| {
        let gone = Trouble::Status(StatusCode::GONE);
        stage.server.trouble("p/8.m4s", gone);
        stage.open("?t=10").await;
        stage.notice("The server answered 410").await;
        let before = stage.server.requests("p/6.m4s");
        stage.server.heal();
        stage.press("Try again").await;
        let video = "document.querySelector('video')";
        stage
            .until(&format!("!{video}.paused && {video}.currentTime > 14"))
            .await;
        assert_eq!(stage.server.requests("p/6.m4s"), before);
    })
    .await;
}

#[tokio::test]
async fn init_segments_that_are_none() {
    let trouble = Trouble::Text("not a box in sight");
    meets("p/init.mp4", trouble, "the init segment").await;
}

#[tokio::test]
async fn an_address_that_is_none_ends_what_plays() {
    with(Browser::Chromium, async |stage| {
        stage.open("").await;
        stage.plays().await;
        let address = stage.driver.find(By::Id("src")).await.unwrap();
        address.clear().await.unwrap();
        address.send_keys("http://[nowhere").await.unwrap();
        stage.press("Play").await;
        stage
            .notice("“http://[nowhere” is not the address of a film")
            .await;
        stage.until("document.querySelector('video').paused").await;
        // The same film again is shown again.
        stage.press("Sample film").await;
        stage
            .until("document.querySelector('[role=alert]') === null")
            .await;
        stage.until("!document.querySelector('video').paused").await;
        stage.plays().await;
    })
    .await;
}

#[tokio::test]
async fn a_format_that_no_browser_decodes() {
    let vhs = |playlist: Vec<u8>| {
        let playlist = String::from_utf8(playlist).unwrap();
        playlist.replace("avc1", "vhs1").into_bytes()
    };
    meets(
        "film.m3u8",
        Trouble::Patch(Arc::new(vhs)),
        "cannot play video/mp4; codecs=\"vhs1.",
    )
    .await;
}

#[tokio::test]
async fn an_address_that_is_none() {
    with(Browser::Chromium, async |stage| {
        stage.open("?src=javascript:alert(1)").await;
        stage
            .notice("“javascript:alert(1)” is not the address of a film")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_page_whose_own_wasm_is_gone() {
    with(Browser::Chromium, async |stage| {
        // The page's own is the one with a hash in its name.
        stage
            .server
            .trouble("/app-", Trouble::Status(StatusCode::NOT_FOUND));
        stage.open("").await;
        stage.notice("The page did not start").await;
        stage.server.heal();
        stage.press("Try again").await;
        stage.plays().await;
    })
    .await;
}
