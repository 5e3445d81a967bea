//! What the browser does with the buffers, and what it does behind the player's back.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{server::Trouble, stage::Stage, suite::in_every_browser};

const VIDEO: &str = "document.querySelector('video')";

/// Puts a script before the worker's own.
fn meddle(stage: &Stage, script: &'static str) {
    stage
        .server
        .trouble("/worker.js", Trouble::around(script, ""));
}

/// A browser that has room for five seconds.
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

#[apply(in_every_browser!)]
async fn a_film_plays_through_a_buffer_that_is_too_small_for_it(stage: &Stage) {
    meddle(stage, SMALL);
    stage.open("").await;
    stage.plays().await;
    stage.hurry(2).await;
    stage.until(&format!("{VIDEO}.ended")).await;
    assert_eq!(
        stage.value("probe.marks.includes('full')").await,
        json!(true)
    );
    let alert = stage.value("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null));
    let end = stage.value(&format!("{VIDEO}.currentTime")).await;
    assert!(end.as_f64().unwrap() > 31.9, "{end}");
    // No segment is left in part: each has two seconds, if not to the frame.
    let evicted = stage
        .value("probe.marks.flatMap(mark => mark.evicted ?? []).filter(Number.isFinite)")
        .await;
    let edges = evicted.as_array().unwrap();
    assert!(!edges.is_empty());
    for edge in edges {
        assert!(edge.as_f64().unwrap() % 2.0 < 0.05, "{evicted}");
    }
}

/// A page that is slow to say where the film is: what may still be played counts from where it was seen.
#[apply(in_every_browser!)]
async fn there_is_room_once_the_film_comes_to_what_the_clock_is_past(stage: &Stage) {
    meddle(stage, SMALL);
    stage.open("").await;
    stage.plays().await;
    // Between two looks at the film, the clock runs on by more than there is.
    let fast =
        "Object.defineProperty(document.querySelector('video'), 'playbackRate', { get: () => 16 })";
    stage.value(&format!("({fast}, true)")).await;
    stage.until("probe.marks.includes('full')").await;
    stage.until(&format!("{VIDEO}.currentTime > 12")).await;
    stage.is_well().await;
}

/// A browser that evicts, when it is told to, what is yet to be played.
const EVICTS: &str = "const buffers = []; \
     const add = MediaSource.prototype.addSourceBuffer; \
     MediaSource.prototype.addSourceBuffer = function (mime) { \
       buffers.push(add.call(this, mime)); \
       return buffers.at(-1); \
     }; \
     new BroadcastChannel('evict').onmessage = () => buffers[0].remove(16, 22);\n";

#[apply(in_every_browser!)]
async fn what_the_browser_evicts_is_fetched_again(stage: &Stage) {
    meddle(stage, EVICTS);
    stage.open("").await;
    stage.until_taken("end of stream").await;
    stage.value(&format!("{VIDEO}.pause()")).await;
    let before = stage.server.requests("p/9.m4s");
    stage
        .value("new BroadcastChannel('evict').postMessage(null)")
        .await;
    stage.until(&format!("{VIDEO}.buffered.length === 2")).await;
    // It is noticed when there is reason to look.
    stage.value(&format!("{VIDEO}.currentTime = 12")).await;
    stage.until(&format!("{VIDEO}.buffered.length === 1")).await;
    assert_eq!(stage.server.requests("p/9.m4s"), before + 1);
    stage.value(&format!("void {VIDEO}.play()")).await;
    stage.hurry(4).await;
    stage.until(&format!("{VIDEO}.ended")).await;
}

#[apply(in_every_browser!)]
async fn a_film_that_stands_still_for_no_reason_is_pushed(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    // An element that says that it plays, and does not move.
    let stuck = "(() => { \
         const video = document.querySelector('video'); \
         Object.defineProperty(video, 'currentTime', { get: () => 5, set: (to) => (probe.pushed = to) }); \
     })()";
    stage.value(stuck).await;
    stage.until("Math.abs(probe.pushed - 5.1) < 0.5").await;
}

#[apply(in_every_browser!)]
async fn a_segment_is_played_while_its_rest_is_still_to_come(stage: &Stage) {
    let film = std::fs::read_to_string("assets/film/film.mpd").unwrap();
    let only_1080p: String = film
        .lines()
        .filter(|line| !["240p", "360p", "720p"].iter().any(|id| line.contains(id)))
        .map(|line| line.to_owned() + "\n")
        .collect();
    stage.server.make("film/slow.mpd", only_1080p);
    stage
        .server
        .trouble("1080p/1.m4s", Trouble::Throttle(60_000));
    stage.open("?src=film/slow.mpd").await;
    stage.until(&format!("{VIDEO}.currentTime > 0.1")).await;
    let end = stage.value(&format!("{VIDEO}.buffered.end(0)")).await;
    assert!(end.as_f64().unwrap() < 1.9, "{end} s are there");
    stage.until(&format!("{VIDEO}.currentTime > 3")).await;
    assert_eq!(stage.server.requests("1080p/1.m4s"), 1);
}

/// What is aborted tells of its end when the next operation may already be going on: that one is waited for
/// all the same.
#[apply(in_every_browser!)]
async fn the_end_of_an_aborted_append_is_not_the_end_of_the_next(stage: &Stage) {
    let late = "for (const name of ['appendBuffer', 'remove']) { \
         const plain = SourceBuffer.prototype[name]; \
         SourceBuffer.prototype[name] = function (...all) { \
           plain.apply(this, all); \
           Promise.resolve().then(() => this.dispatchEvent(new Event('updateend'))); \
         }; \
       }\n";
    stage
        .server
        .trouble("/worker.js", Trouble::around(late, ""));
    stage.open("?goal=8").await;
    stage.plays().await;
    stage.ends_with_all_there().await;
    stage.is_well().await;
}
