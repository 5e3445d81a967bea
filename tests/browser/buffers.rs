//! SourceBuffers in real browsers.

use macro_rules_attribute::apply;

use crate::{context::TestContext, server::ServerFault, suite::browser_test};

const VIDEO: &str = "document.querySelector('video')";

/// Adds a script before the worker's own.
fn meddle(test: &TestContext, script: &'static str) {
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script(script, ""));
}

/// A SourceBuffer with room for five seconds. It reports refused appends and removals.
const SMALL: &str = "const append = SourceBuffer.prototype.appendBuffer; \
     SourceBuffer.prototype.appendBuffer = function (bytes) { \
       let held = 0; \
       for (let nth = 0; nth < this.buffered.length; nth++) held += this.buffered.end(nth) - this.buffered.start(nth); \
       if (held > 5) { \
         new BroadcastChannel('probe').postMessage('full'); \
         throw new DOMException('no room', 'QuotaExceededError'); \
       } \
       return append.call(this, bytes); \
     }; \
     const { remove } = SourceBuffer.prototype; \
     SourceBuffer.prototype.remove = function (start, end) { \
       new BroadcastChannel('probe').postMessage({ evicted: [start, end] }); \
       return remove.call(this, start, end); \
     };\n";

/// Evicts only behind the reported position, which lags behind the worker's clock here.
#[apply(browser_test!)]
#[runs_in(Chromium; "a real element whose position lags behind the worker's clock")]
async fn evicts_once_the_late_element_has_passed(test: &TestContext) {
    meddle(test, SMALL);
    test.open("").await;
    test.wait_until_playing().await;
    // Between two observations, the clock advances by more than is buffered.
    let fast =
        "Object.defineProperty(document.querySelector('video'), 'playbackRate', { get: () => 16 })";
    test.eval(&format!("({fast}, true)")).await;
    test.wait_until("probe.marks.includes('full')").await;
    test.wait_until(&format!("{VIDEO}.currentTime > 12")).await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "fetch streams, and a real parser takes parts of a segment")]
async fn plays_a_segment_before_all_of_it_has_arrived(test: &TestContext) {
    let video = std::fs::read_to_string("assets/film/film.mpd").unwrap();
    let only_1080p: String = video
        .lines()
        .filter(|line| !["240p", "360p", "720p"].iter().any(|id| line.contains(id)))
        .map(|line| line.to_owned() + "\n")
        .collect();
    test.server.add_file("film/slow.mpd", only_1080p);
    test.server
        .add_fault("1080p/1.m4s", ServerFault::Throttle(60_000));
    test.open("?src=film/slow.mpd").await;
    test.wait_until(&format!("{VIDEO}.currentTime > 0.1")).await;
    let end = test.eval(&format!("{VIDEO}.buffered.end(0)")).await;
    assert!(end.as_f64().unwrap() < 1.9, "{end} s are there");
    test.wait_until(&format!("{VIDEO}.currentTime > 3")).await;
    assert_eq!(test.server.request_count("1080p/1.m4s"), 1);
}

/// The `updateend` of an aborted append may arrive during the next operation. It must not end that one.
#[apply(browser_test!)]
#[runs_in(Chromium; "the event listeners of platform/browser/source_buffer.rs")]
async fn late_updateend_does_not_end_the_next_append(test: &TestContext) {
    let late = "for (const name of ['appendBuffer', 'remove']) { \
         const plain = SourceBuffer.prototype[name]; \
         SourceBuffer.prototype[name] = function (...all) { \
           plain.apply(this, all); \
           Promise.resolve().then(() => this.dispatchEvent(new Event('updateend'))); \
         }; \
       }\n";
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script(late, ""));
    test.open("?goal=8").await;
    test.wait_until_playing().await;
    test.play_to_end().await;
    test.assert_no_errors().await;
}
