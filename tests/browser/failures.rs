//! When something is not: a message says what, and trying again works once the cause is gone.

use std::sync::Arc;

use axum::http::StatusCode;
use macro_rules_attribute::apply;
use serde_json::json;
use thirtyfour::By;

use crate::{
    server::Trouble,
    stage::{Feature, Stage},
    suite::in_every_browser,
};

/// Bytes that say they are as many as no memory holds: to copy them is a panic, in Rust's own words.
const PANICS: &str = "
const panics = () => {
  // A text for the program has its length: without room for it, that would end, and have no words.
  const { encode } = TextEncoder.prototype;
  TextEncoder.prototype.encode = function (text) {
    const bytes = encode.call(this, text);
    return Object.defineProperty(bytes, 'length', { value: bytes.byteLength });
  };
  Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), 'length', { get: () => 0xffffffff });
};
";

/// Meets trouble, reads about it within ten seconds, heals it and tries again.
async fn meets(stage: &Stage, part: &str, trouble: Trouble, words: &str) {
    stage.server.trouble(part, trouble);
    stage.open("").await;
    stage.notice(words).await;
    tries_again(stage).await;
}

/// What plays then is another MediaSource, and not what was buffered of the old one.
async fn tries_again(stage: &Stage) {
    stage.server.heal();
    stage.value("window.before = attached()").await;
    stage
        .value("window.element = document.querySelector('video')")
        .await;
    stage.press("Try again").await;
    stage.until("attached() && attached() !== before").await;
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

#[apply(in_every_browser!)]
async fn no_worker_script(stage: &Stage) {
    stage
        .server
        .trouble("worker_loader.js", Trouble::Status(StatusCode::NOT_FOUND));
    stage.open("").await;
    let notice = stage.notice("the server answered 404").await;
    assert!(notice.contains("worker_loader.js"), "{notice}");
    stage.screenshot("no-worker").await;
    tries_again(stage).await;
}

#[apply(in_every_browser!)]
async fn a_worker_script_that_is_a_web_page(stage: &Stage) {
    meets(
        stage,
        "/worker_loader.js",
        Trouble::Text("<!doctype html>"),
        "the browser refused its script",
    )
    .await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_hangs_when_it_is_asked_for_a_film(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    let trouble = Trouble::around(
        "Object.defineProperty(self, 'MediaSource', { get() { for (;;); } });",
        "",
    );
    meets(stage, "/worker.js", trouble, "does not answer any more").await;
}

#[apply(in_every_browser!)]
async fn no_worker_glue(stage: &Stage) {
    meets(
        stage,
        "/worker.js",
        Trouble::Status(StatusCode::NOT_FOUND),
        "The worker did not start",
    )
    .await;
}

#[apply(in_every_browser!)]
async fn no_worker_wasm(stage: &Stage) {
    meets(
        stage,
        "/worker_bg.wasm",
        Trouble::Status(StatusCode::NOT_FOUND),
        "The worker did not start",
    )
    .await;
}

#[apply(in_every_browser!)]
async fn a_worker_wasm_that_does_not_compile(stage: &Stage) {
    meets(
        stage,
        "/worker_bg.wasm",
        Trouble::Text("<!doctype html>"),
        "The worker did not start",
    )
    .await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_throws_while_it_starts(stage: &Stage) {
    let trouble = Trouble::around("throw new Error('out of order');", "");
    meets(stage, "/worker.js", trouble, "out of order").await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_cannot_post(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    let trouble = Trouble::around(
        "self.postMessage = () => { throw new Error('no post today') };",
        "",
    );
    meets(stage, "/worker.js", trouble, "The worker did not start").await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_panics_while_it_starts(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    let trouble = Trouble::around("", [PANICS, "panics();"].concat());
    stage.server.trouble("/worker.js", trouble);
    stage.open("").await;
    let notice = stage.notice("The worker did not start").await;
    assert!(notice.contains("panicked at"), "{notice}");
    tries_again(stage).await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_panics_later(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    let later = "new BroadcastChannel('panic').onmessage = ({ data }) => { \
         panics(); new BroadcastChannel('open').postMessage(data); };";
    let script = [PANICS, later].concat();
    stage
        .server
        .trouble("/worker.js", Trouble::around("", script));
    stage.open("?src=film/film.mpd").await;
    stage.plays().await;
    for nth in 1..=2 {
        // What is still being fetched would be copied before the next message, and not by Rust.
        stage.until_taken("end of stream").await;
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
    let notice = stage.notice("The worker crashed").await;
    assert!(notice.contains("panicked at"), "{notice}");
    tries_again(stage).await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_says_nothing(stage: &Stage) {
    // A page sees at once that there is nothing in a script.
    let words = match stage.has(Feature::MediaSourceInWorkers).await {
        true => "has not answered for 6 seconds",
        false => "the browser refused its script",
    };
    meets(stage, "/worker_loader.js", Trouble::empty(), words).await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_hangs_while_it_loads(stage: &Stage) {
    meets(
        stage,
        "/worker.js",
        Trouble::Silence,
        "has not answered for 6 seconds",
    )
    .await;
}

#[apply(in_every_browser!)]
async fn a_worker_of_another_build(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    // The page asks for its own.
    let asked = stage.server.requested("worker_loader.js");
    let (_, build) = asked[0].split_once('?').unwrap();
    stage.server.trouble(
        "/worker_bg.wasm",
        Trouble::replace(build, "0123456789abcdef"),
    );
    stage.open("").await;
    let words = format!("another build (0123456789abcdef) than the page ({build})");
    stage.notice(&words).await;
    tries_again(stage).await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_traps_while_it_plays(stage: &Stage) {
    stage
        .server
        .trouble("/worker.js", Trouble::around(TRAP, ""));
    dies_for_good(stage).await;
    tries_again(stage).await;
    stage.has_started_workers(3).await;
}

#[apply(in_every_browser!)]
async fn another_film_after_the_worker_died(stage: &Stage) {
    stage
        .server
        .trouble("/worker.js", Trouble::around(TRAP, ""));
    dies_for_good(stage).await;
    stage.value("window.before = attached()").await;
    stage.press("Sample video").await;
    stage.until("attached() !== before").await;
    stage.plays().await;
    stage.has_started_workers(3).await;
    let alert = stage.value("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null));
}

/// The first time, another one takes over.
async fn dies_for_good(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    stage.value("window.before = attached()").await;
    trap(stage).await;
    stage.until("attached() && attached() !== before").await;
    stage.plays().await;
    trap(stage).await;
    stage.notice("The worker crashed").await;
}

/// All that the wasm exports is called with nonsense, a request for memory of a size that cannot be among
/// it: it stops with a trap.
const TRAP: &str = "for (const name of ['instantiate', 'instantiateStreaming']) { \
         const plain = WebAssembly[name]; \
         WebAssembly[name] = async (...all) => { \
             const made = await plain.apply(WebAssembly, all); \
             const { exports } = made.instance ?? made; \
             new BroadcastChannel('trap').onmessage = () => { \
                 for (const part of Object.values(exports)) if (part.call) part(-1, 3); \
             }; \
             return made; \
         }; \
     }\n";

/// Springs it.
async fn trap(stage: &Stage) {
    stage
        .value("new BroadcastChannel('trap').postMessage(null)")
        .await;
}

#[apply(in_every_browser!)]
async fn no_film(stage: &Stage) {
    stage.open("?src=film/nothing.m3u8").await;
    stage
        .notice("The server answered 404 for the manifest")
        .await;
    stage.screenshot("no-film").await;
    stage.press("Sample video").await;
    stage.plays().await;
}

#[apply(in_every_browser!)]
async fn a_playlist_that_is_a_web_page(stage: &Stage) {
    meets(
        stage,
        "film.m3u8",
        Trouble::Text("<!doctype html><title>Welcome"),
        "it is a web page",
    )
    .await;
}

#[apply(in_every_browser!)]
async fn a_playlist_that_never_comes(stage: &Stage) {
    meets(stage, "film.m3u8", Trouble::Silence, "Waited 8 seconds for").await;
}

#[apply(in_every_browser!)]
async fn a_segment_that_is_gone(stage: &Stage) {
    meets(
        stage,
        "p/3.m4s",
        Trouble::Status(StatusCode::GONE),
        "The server answered 410 for the media segment",
    )
    .await;
}

#[apply(in_every_browser!)]
async fn trying_again_goes_on_where_the_film_failed(stage: &Stage) {
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
}

/// What looks like a segment, and has no frame in it that can be decoded.
fn undecodable() -> Trouble {
    Trouble::Patch(Arc::new(|mut segment| {
        let at = segment.windows(4).position(|name| name == b"mdat");
        segment[at.unwrap() + 4..].fill(0xff);
        segment
    }))
}

/// An element that fails is of no more use with its MediaSource, and the film goes on with another one.
#[apply(in_every_browser!)]
async fn an_element_that_fails_in_the_middle_of_the_film(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    stage.server.trouble_times("/720p/6.m4s", undecodable(), 1);
    stage.open("?src=film/plain.mpd&goal=4&t=5").await;
    let video = "document.querySelector('video')";
    stage.until(&format!("{video}.currentTime > 13")).await;
    let alert = stage.value("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null));
    assert_eq!(stage.server.requests("/720p/6.m4s"), 2);
}

/// One that was paused is paused again.
#[apply(in_every_browser!)]
async fn an_element_that_fails_while_it_is_paused(stage: &Stage) {
    let video = "document.querySelector('video')";
    stage.server.make_plain(&["720p"]);
    stage.server.trouble("/720p/6.m4s", Trouble::Held);
    stage.open("?src=film/plain.mpd&goal=12&t=5").await;
    stage.until(&format!("{video}.currentTime > 5.2")).await;
    stage.value(&format!("{video}.pause()")).await;
    stage.server.until_asked_for("/720p/6.m4s").await;
    stage.value("window.before = attached()").await;
    // No browser fails for what it has not come to. This is what one says that does.
    let fails = format!(
        "(Object.defineProperty({video}, 'error', {{ configurable: true, value: {{ code: 3, message: 'so it says' }} }}), \
          {video}.dispatchEvent(new Event('error')), delete {video}.error)"
    );
    stage.value(&fails).await;
    stage.server.heal();
    stage.until("attached() && attached() !== before").await;
    stage
        .until(&format!(
            "{video}.readyState >= 2 && {video}.currentTime > 5.2"
        ))
        .await;
    assert_eq!(stage.value(&format!("{video}.paused")).await, json!(true));
    let alert = stage.value("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null));
}

/// If it fails there again, that is told.
#[apply(in_every_browser!)]
async fn an_element_that_fails_again_and_again(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    stage.server.trouble("/720p/6.m4s", undecodable());
    stage.open("?src=film/plain.mpd&goal=4&t=5").await;
    stage.notice("the video itself may be damaged").await;
    assert_eq!(stage.server.requests("/720p/6.m4s"), 2);
    stage.server.heal();
    tries_again(stage).await;
}

#[apply(in_every_browser!)]
async fn init_segments_that_are_none(stage: &Stage) {
    let trouble = Trouble::Text("not a box in sight");
    meets(stage, "p/init.mp4", trouble, "the init segment").await;
}

#[apply(in_every_browser!)]
async fn an_address_that_is_none_ends_what_plays(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    let address = stage.window.driver.find(By::Id("src")).await.unwrap();
    address.clear().await.unwrap();
    address.send_keys("http://[nowhere").await.unwrap();
    stage.press("Play").await;
    stage
        .notice("“http://[nowhere” is not the address of a video")
        .await;
    stage.until("document.querySelector('video').paused").await;
    // The same film again is shown again.
    stage.press("Sample video").await;
    stage
        .until("document.querySelector('[role=alert]') === null")
        .await;
    stage.until("!document.querySelector('video').paused").await;
    stage.plays().await;
}

#[apply(in_every_browser!)]
async fn a_format_that_no_browser_decodes(stage: &Stage) {
    let vhs = |playlist: Vec<u8>| {
        let playlist = String::from_utf8(playlist).unwrap();
        playlist.replace("avc1", "vhs1").into_bytes()
    };
    meets(
        stage,
        "film.m3u8",
        Trouble::Patch(Arc::new(vhs)),
        "cannot play video/mp4; codecs=\"vhs1.",
    )
    .await;
}

#[apply(in_every_browser!)]
async fn an_address_that_is_none(stage: &Stage) {
    stage.open("?src=javascript:alert(1)").await;
    stage
        .notice("“javascript:alert(1)” is not the address of a video")
        .await;
}

#[apply(in_every_browser!)]
async fn a_page_whose_own_wasm_is_gone(stage: &Stage) {
    // The page's own is the one with a hash in its name.
    stage
        .server
        .trouble("/app-", Trouble::Status(StatusCode::NOT_FOUND));
    stage.open("").await;
    stage.notice("The page did not start").await;
    stage.server.heal();
    stage.press("Try again").await;
    stage.plays().await;
}
