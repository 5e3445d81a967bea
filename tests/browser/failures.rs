//! A failure is reported with its cause, and "Try again" works once the cause is gone.

use std::sync::Arc;

use axum::http::StatusCode;
use macro_rules_attribute::apply;
use serde_json::json;
use thirtyfour::By;

use crate::{
    context::{Feature, TestContext},
    server::ServerFault,
    suite::browser_test,
};

/// Arrays with a length that no memory holds: copying one panics.
const PANICS: &str = "
const panics = () => {
  // Texts keep their length: without room for one, the program would abort without a message.
  const { encode } = TextEncoder.prototype;
  TextEncoder.prototype.encode = function (text) {
    const bytes = encode.call(this, text);
    return Object.defineProperty(bytes, 'length', { value: bytes.byteLength });
  };
  Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), 'length', { get: () => 0xffffffff });
};
";

/// Waits for the message about a fault, ends the fault and tries again.
async fn meets(test: &TestContext, part: &str, fault: ServerFault, words: &str) {
    test.server.add_fault(part, fault);
    test.open("").await;
    test.wait_for_alert(words).await;
    tries_again(test).await;
}

/// Clicks "Try again", and asserts that another MediaSource plays in the same element.
async fn tries_again(test: &TestContext) {
    test.server.clear_faults();
    test.eval("window.before = attached()").await;
    test.eval("window.element = document.querySelector('video')")
        .await;
    test.press("Try again").await;
    test.wait_until("attached() && attached() !== before").await;
    test.wait_until_playing().await;
    let alert = test.eval("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null));
    let same = test
        .eval("document.querySelector('video') === element")
        .await;
    assert_eq!(same, json!(true), "the video element was made anew");
    // The button is gone, and the video has the focus.
    let focus = test.eval("document.activeElement.localName").await;
    assert_eq!(focus, json!("video"));
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "loading a worker, or a script of the page")]
async fn missing_worker_script_is_reported(test: &TestContext) {
    test.server.add_fault(
        "worker_loader.js",
        ServerFault::Status(StatusCode::NOT_FOUND),
    );
    test.open("").await;
    let notice = test.wait_for_alert("the server answered 404").await;
    assert!(notice.contains("worker_loader.js"), "{notice}");
    test.screenshot("no-worker").await;
    tries_again(test).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "loading a worker, or a script of the page")]
async fn worker_script_that_is_html_is_reported(test: &TestContext) {
    meets(
        test,
        "/worker_loader.js",
        ServerFault::Text("<!doctype html>"),
        "the browser refused its script",
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a worker hangs")]
async fn worker_that_hangs_on_load_is_reported(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    let fault = ServerFault::wrap_script(
        "Object.defineProperty(self, 'MediaSource', { get() { for (;;); } });",
        "",
    );
    // It never says that it is ready.
    meets(test, "/worker.js", fault, "has not answered for").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "importScripts fails")]
async fn missing_worker_glue_is_reported(test: &TestContext) {
    meets(
        test,
        "/worker.js",
        ServerFault::Status(StatusCode::NOT_FOUND),
        "The worker did not start",
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "WebAssembly fails to load")]
async fn missing_worker_wasm_is_reported(test: &TestContext) {
    meets(
        test,
        "/worker_bg.wasm",
        ServerFault::Status(StatusCode::NOT_FOUND),
        "The worker did not start",
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "WebAssembly fails to compile")]
async fn worker_wasm_that_does_not_compile_is_reported(test: &TestContext) {
    meets(
        test,
        "/worker_bg.wasm",
        ServerFault::Text("<!doctype html>"),
        "The worker did not start",
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "error events of a worker")]
async fn exception_while_the_worker_starts_is_reported(test: &TestContext) {
    let fault = ServerFault::wrap_script("throw new Error('out of order');", "");
    meets(test, "/worker.js", fault, "out of order").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "postMessage throws")]
async fn worker_that_cannot_post_is_reported(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    let fault = ServerFault::wrap_script(
        "self.postMessage = () => { throw new Error('no post today') };",
        "",
    );
    meets(test, "/worker.js", fault, "The worker did not start").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a panic in wasm")]
async fn panic_while_the_worker_starts_is_reported(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    let fault = ServerFault::wrap_script("", [PANICS, "panics();"].concat());
    test.server.add_fault("/worker.js", fault);
    test.open("").await;
    let notice = test.wait_for_alert("The worker did not start").await;
    assert!(notice.contains("panicked at"), "{notice}");
    tries_again(test).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a panic in wasm")]
async fn panic_during_playback_is_reported(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    let later = "new BroadcastChannel('panic').onmessage = ({ data }) => { \
         panics(); new BroadcastChannel('open').postMessage(data); };";
    let script = [PANICS, later].concat();
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script("", script));
    test.open("?src=film/film.mpd").await;
    test.wait_until_playing().await;
    for nth in 1..=2 {
        // A download would be copied before the next message, by JavaScript.
        test.wait_for_milestone("end of stream").await;
        test.eval(&format!("new BroadcastChannel('panic').postMessage({nth})"))
            .await;
        test.wait_until(&format!("probe.open === {nth}")).await;
        // It panics at the next message. The first time, another worker replaces it.
        if nth == 1 {
            test.wait_until("probe.workers.length === 2").await;
            test.wait_for_milestone("first frame").await;
        }
    }
    let notice = test.wait_for_alert("The worker crashed").await;
    assert!(notice.contains("panicked at"), "{notice}");
    tries_again(test).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox; "loading a worker, or a script of the page")]
async fn empty_worker_script_is_reported(test: &TestContext) {
    // An empty script is an error for a page.
    let words = match test.has(Feature::MediaSourceInWorkers).await {
        true => "has not answered for 6 seconds",
        false => "the browser refused its script",
    };
    meets(test, "/worker_loader.js", ServerFault::empty(), words).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "loading a worker")]
async fn worker_that_never_loads_is_reported(test: &TestContext) {
    meets(
        test,
        "/worker.js",
        ServerFault::Silence,
        "has not answered for 6 seconds",
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "loading a worker")]
async fn worker_of_another_build_is_reported(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    // The first event of the worker, `Ready`, names its build: variant 0, the length, the characters.
    let build = "String.fromCharCode(...probe.messages.map((message) => message[1]?.[0]) \
         .find((bytes) => bytes?.[0] === 0 && bytes[1] === 16).slice(2))";
    let build = test.eval(build).await;
    let build = build.as_str().unwrap();
    test.server.add_fault(
        "/worker_bg.wasm",
        ServerFault::replace(build, "0123456789abcdef"),
    );
    test.open("").await;
    let words = format!("another build (0123456789abcdef) than the page ({build})");
    test.wait_for_alert(&words).await;
    tries_again(test).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox; "a trap in wasm")]
async fn trap_during_playback_is_reported_the_second_time(test: &TestContext) {
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script(TRAP, ""));
    dies_for_good(test).await;
    tries_again(test).await;
    test.assert_workers_started(3).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a trap in wasm")]
async fn another_video_plays_after_the_worker_crashed(test: &TestContext) {
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script(TRAP, ""));
    dies_for_good(test).await;
    test.eval("window.before = attached()").await;
    test.press("Sample video").await;
    test.wait_until("attached() !== before").await;
    test.wait_until_playing().await;
    test.assert_workers_started(3).await;
    let alert = test.eval("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null));
}

/// The first time, another worker replaces it.
async fn dies_for_good(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    test.eval("window.before = attached()").await;
    trap(test).await;
    test.wait_until("attached() && attached() !== before").await;
    test.wait_until_playing().await;
    trap(test).await;
    test.wait_for_alert("The worker crashed").await;
}

/// Calls all exports of the wasm with invalid arguments, among them a request for memory of an invalid size: it
/// traps.
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

/// Traps the engine.
async fn trap(test: &TestContext) {
    test.eval("new BroadcastChannel('trap').postMessage(null)")
        .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "the button on the page")]
async fn try_again_continues_where_the_video_failed(test: &TestContext) {
    // Not a missing or forbidden segment, which would be passed over.
    let unauthorized = ServerFault::Status(StatusCode::UNAUTHORIZED);
    test.server.add_fault("p/8.m4s", unauthorized);
    test.open("?t=10").await;
    test.wait_for_alert("The server answered 401").await;
    let before = test.server.request_count("p/6.m4s");
    test.server.clear_faults();
    test.press("Try again").await;
    let video = "document.querySelector('video')";
    test.wait_until(&format!("!{video}.paused && {video}.currentTime > 14"))
        .await;
    assert_eq!(test.server.request_count("p/6.m4s"), before);
}

/// A valid segment without a decodable frame.
fn undecodable() -> ServerFault {
    ServerFault::Patch(Arc::new(|mut segment| {
        let at = segment.windows(4).position(|name| name == b"mdat");
        segment[at.unwrap() + 4..].fill(0xff);
        segment
    }))
}

/// An element with an error needs another MediaSource.
#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "a real decoder fails")]
async fn element_that_fails_gets_another_media_source(test: &TestContext) {
    test.server.add_plain_mpd(&["720p"]);
    test.server.add_fault_times("/720p/6.m4s", undecodable(), 1);
    test.open("?src=film/plain.mpd&goal=4&t=5").await;
    let video = "document.querySelector('video')";
    test.wait_until(&format!("{video}.currentTime > 13")).await;
    let alert = test.eval("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null));
    assert_eq!(test.server.request_count("/720p/6.m4s"), 2);
}

/// Also while it is paused.
#[apply(browser_test!)]
#[runs_in(Chromium; "error events of the element")]
async fn element_that_fails_while_paused_stays_paused(test: &TestContext) {
    let video = "document.querySelector('video')";
    test.server.add_plain_mpd(&["720p"]);
    test.server.add_fault("/720p/6.m4s", ServerFault::Held);
    test.open("?src=film/plain.mpd&goal=12&t=5").await;
    test.wait_until(&format!("{video}.currentTime > 5.2")).await;
    test.eval(&format!("{video}.pause()")).await;
    test.server.wait_for_request("/720p/6.m4s").await;
    test.eval("window.before = attached()").await;
    // No browser decodes far ahead of the position, so the test fires the event.
    let fails = format!(
        "(Object.defineProperty({video}, 'error', {{ configurable: true, value: {{ code: 3, message: 'so it says' }} }}), \
          {video}.dispatchEvent(new Event('error')), delete {video}.error)"
    );
    test.eval(&fails).await;
    test.server.clear_faults();
    test.wait_until("attached() && attached() !== before").await;
    test.wait_until(&format!(
        "{video}.readyState >= 2 && {video}.currentTime > 5.2"
    ))
    .await;
    assert_eq!(test.eval(&format!("{video}.paused")).await, json!(true));
    let alert = test.eval("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null));
}

/// A second failure at the same position is reported.
#[apply(browser_test!)]
#[runs_in(Chromium; "a real decoder fails")]
async fn element_that_fails_twice_is_reported(test: &TestContext) {
    test.server.add_plain_mpd(&["720p"]);
    test.server.add_fault("/720p/6.m4s", undecodable());
    test.open("?src=film/plain.mpd&goal=4&t=5").await;
    test.wait_for_alert("the video itself may be damaged").await;
    assert_eq!(test.server.request_count("/720p/6.m4s"), 2);
    test.server.clear_faults();
    tries_again(test).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "the form on the page")]
async fn invalid_url_stops_the_video(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    let address = test.window.driver.find(By::Id("src")).await.unwrap();
    address.clear().await.unwrap();
    address.send_keys("http://[nowhere").await.unwrap();
    test.press("Play").await;
    test.wait_for_alert("“http://[nowhere” is not the address of a video")
        .await;
    test.wait_until("document.querySelector('video').paused")
        .await;
    // The same video can be loaded again.
    test.press("Sample video").await;
    test.wait_until("document.querySelector('[role=alert]') === null")
        .await;
    test.wait_until("!document.querySelector('video').paused")
        .await;
    test.wait_until_playing().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "the browser's own codecs")]
async fn codec_that_no_browser_has_is_reported(test: &TestContext) {
    let vhs = |playlist: Vec<u8>| {
        let playlist = String::from_utf8(playlist).unwrap();
        playlist.replace("avc1", "vhs1").into_bytes()
    };
    meets(
        test,
        "film.m3u8",
        ServerFault::Patch(Arc::new(vhs)),
        "cannot play video/mp4; codecs=\"vhs1.",
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "loading the page")]
async fn missing_page_wasm_is_reported(test: &TestContext) {
    // The page's wasm is the one with a hash in its name.
    test.server
        .add_fault("/app-", ServerFault::Status(StatusCode::NOT_FOUND));
    test.open("").await;
    test.wait_for_alert("The page did not start").await;
    test.server.clear_faults();
    test.press("Try again").await;
    test.wait_until_playing().await;
}
