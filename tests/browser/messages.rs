//! Messages between page and worker: invalid ones, and too many.

use macro_rules_attribute::apply;

use crate::{
    context::{Feature, TestContext},
    server::ServerFault,
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";
/// Part of the message for a message that could not be decoded.
const MISUNDERSTOOD: &str = "could not read each other’s messages";

/// A script that sends all that `object` posts through the function `way(message, post)`.
pub fn posted_by(object: &str, way: &str) -> String {
    format!(
        "{{ const by = {object}, way = {way}, {{ postMessage }} = by; \
           by.postMessage = function (message, ...rest) {{ \
             const post = (message) => postMessage.call(this, message, ...rest); \
             way(message, post); \
           }}; }}\n"
    )
}

/// On request by a broadcast, the next message's bytes are overwritten: an unknown variant, and numbers without an
/// end.
const GARBLES: &str = "(() => { \
     let garbles = false; \
     new BroadcastChannel('garble').onmessage = () => { garbles = true; }; \
     return (message, post) => { \
       const bytes = message?.[1]?.[0]; \
       if (garbles && bytes) { bytes.fill(255); garbles = false; } \
       post(message); \
     }; })()";

async fn garble(test: &TestContext) {
    test.eval("new BroadcastChannel('garble').postMessage(1)")
        .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "messages between threads")]
async fn garbled_message_of_the_worker_is_reported(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    let script = posted_by("self", GARBLES);
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script("", script));
    test.open("").await;
    test.wait_until_playing().await;
    garble(test).await;
    test.wait_for_alert(MISUNDERSTOOD).await;
    test.server.clear_faults();
    test.press("Try again").await;
    test.wait_until_playing().await;
    test.play_to_end().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "messages between threads")]
async fn garbled_message_of_the_page_is_reported(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.open("").await;
    test.wait_until_playing().await;
    // A BroadcastChannel is not heard by its own sender, so the page uses a variable.
    let way = "(message, post) => { \
         const bytes = message?.[1]?.[0]; \
         if (window.garbles && bytes) { bytes.fill(255); window.garbles = false; } \
         post(message); }";
    test.eval(&format!(
        "(() => {{ {} window.garbles = true; }})()",
        posted_by("Worker.prototype", way)
    ))
    .await;
    test.wait_for_alert(MISUNDERSTOOD).await;
    test.press("Try again").await;
    test.wait_until_playing().await;
    test.play_to_end().await;
}

/// Messages that the page never posts.
#[apply(browser_test!)]
#[runs_in(Chromium; "messages between threads")]
async fn messages_of_other_code_do_not_end_playback(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.open("").await;
    test.wait_until_playing().await;
    test.eval(
        "[null, 7, 'words', {}, [], [[]], [new Uint8Array(9).fill(255)], new ArrayBuffer(3)] \
             .forEach((it) => probe.workers.at(-1).deref().postMessage(it))",
    )
    .await;
    // The page may replace the worker because of them.
    test.wait_until_playing().await;
    test.set_rate(4).await;
    test.wait_until(&format!("{VIDEO}.ended")).await;
}

/// Posts a message twenty thousand times, in each direction.
#[apply(browser_test!)]
#[runs_in(Chromium; "messages between threads")]
async fn repeated_messages_do_not_end_playback(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    // A message that transfers an object cannot be posted twice.
    let floods = "(() => { \
         let floods = false; \
         new BroadcastChannel('flood').onmessage = () => { floods = true; }; \
         return (message, post) => { \
           const again = floods && message?.[1]?.length === 1 ? 20_000 : 1; \
           if (again > 1) { floods = false; new BroadcastChannel('open').postMessage('flooded'); } \
           for (let nth = 0; nth < again; nth += 1) post(message); \
         }; })()";
    let script = posted_by("self", floods);
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script("", script));
    test.open("?goal=8").await;
    test.wait_until_playing().await;
    test.eval("new BroadcastChannel('flood').postMessage(1)")
        .await;
    test.wait_until("probe.open === 'flooded'").await;
    test.wait_until_playing().await;

    let way = "(message, post) => { \
         const again = window.flooded || message?.[1]?.length !== 1 ? 1 : 20_000; \
         window.flooded ||= again > 1; \
         for (let nth = 0; nth < again; nth += 1) post(message); }";
    test.eval(&format!(
        "(() => {{ {} }})()",
        posted_by("Worker.prototype", way)
    ))
    .await;
    test.wait_until("window.flooded").await;
    // A worker that cannot answer for long is replaced, and the video plays on.
    test.set_rate(4).await;
    test.wait_until(&format!("{VIDEO}.ended")).await;
    test.assert_no_errors().await;
}

/// Fires twenty thousand events at the element, wherever the engine runs.
#[apply(browser_test!)]
#[runs_in(Chromium; "events of the element")]
async fn repeated_element_events_do_not_end_playback(test: &TestContext) {
    test.open("?goal=8").await;
    test.wait_until_playing().await;
    test.eval(&format!(
        "(() => {{ for (let nth = 0; nth < 20_000; nth += 1) \
               {VIDEO}.dispatchEvent(new Event(nth % 2 ? 'seeking' : 'ratechange')); }})()"
    ))
    .await;
    test.play_to_end().await;
    test.assert_no_errors().await;
}
