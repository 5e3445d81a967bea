//! What the page and the worker say to each other: garbled, and far too much of it.

use macro_rules_attribute::apply;

use crate::{
    server::Trouble,
    stage::{Feature, Stage},
    suite::in_every_browser,
};

const VIDEO: &str = "document.querySelector('video')";
/// The words of a message that could not be read.
const MISUNDERSTOOD: &str = "could not read each other’s messages";

/// What is posted by this object goes by way of `way(message, post)`.
pub fn posted_by(object: &str, way: &str) -> String {
    format!(
        "{{ const by = {object}, way = {way}, {{ postMessage }} = by; \
           by.postMessage = function (message, ...rest) {{ \
             const post = (message) => postMessage.call(this, message, ...rest); \
             way(message, post); \
           }}; }}\n"
    )
}

/// On a word by this channel, the next letter's bytes are no message of ours: a variant that there is none
/// of, and numbers that do not end.
const GARBLES: &str = "(() => { \
     let garbles = false; \
     new BroadcastChannel('garble').onmessage = () => { garbles = true; }; \
     return (message, post) => { \
       const bytes = message?.[1]?.[0]; \
       if (garbles && bytes) { bytes.fill(255); garbles = false; } \
       post(message); \
     }; })()";

async fn garble(stage: &Stage) {
    stage
        .value("new BroadcastChannel('garble').postMessage(1)")
        .await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_is_not_understood(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    let script = posted_by("self", GARBLES);
    stage
        .server
        .trouble("/worker.js", Trouble::around("", script));
    stage.open("").await;
    stage.plays().await;
    garble(stage).await;
    stage.notice(MISUNDERSTOOD).await;
    stage.server.heal();
    stage.press("Try again").await;
    stage.plays().await;
    stage.ends_with_all_there().await;
}

#[apply(in_every_browser!)]
async fn a_page_that_is_not_understood(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.open("").await;
    stage.plays().await;
    // Only the worker's end hears the word: a channel is not heard by who speaks on it.
    let way = "(message, post) => { \
         const bytes = message?.[1]?.[0]; \
         if (window.garbles && bytes) { bytes.fill(255); window.garbles = false; } \
         post(message); }";
    stage
        .value(&format!(
            "(() => {{ {} window.garbles = true; }})()",
            posted_by("Worker.prototype", way)
        ))
        .await;
    stage.notice(MISUNDERSTOOD).await;
    stage.press("Try again").await;
    stage.plays().await;
    stage.ends_with_all_there().await;
}

/// What nobody who is of this page would post.
#[apply(in_every_browser!)]
async fn what_is_no_message_at_all(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.open("").await;
    stage.plays().await;
    stage
        .value(
            "[null, 7, 'words', {}, [], [[]], [new Uint8Array(9).fill(255)], new ArrayBuffer(3)] \
             .forEach((it) => probe.workers.at(-1).deref().postMessage(it))",
        )
        .await;
    // It may be taken for a worker that is broken, and then another one takes over.
    stage.plays().await;
    stage.hurry(4).await;
    stage.until(&format!("{VIDEO}.ended")).await;
}

/// Every message twenty thousand times, in both directions.
#[apply(in_every_browser!)]
async fn a_flood_is_borne(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    // What carries an object cannot be posted twice.
    let floods = "(() => { \
         let floods = false; \
         new BroadcastChannel('flood').onmessage = () => { floods = true; }; \
         return (message, post) => { \
           const again = floods && message?.[1]?.length === 1 ? 20_000 : 1; \
           if (again > 1) { floods = false; new BroadcastChannel('open').postMessage('flooded'); } \
           for (let nth = 0; nth < again; nth += 1) post(message); \
         }; })()";
    let script = posted_by("self", floods);
    stage
        .server
        .trouble("/worker.js", Trouble::around("", script));
    stage.open("?goal=8").await;
    stage.plays().await;
    stage
        .value("new BroadcastChannel('flood').postMessage(1)")
        .await;
    stage.until("probe.open === 'flooded'").await;
    stage.plays().await;

    let way = "(message, post) => { \
         const again = window.flooded || message?.[1]?.length !== 1 ? 1 : 20_000; \
         window.flooded ||= again > 1; \
         for (let nth = 0; nth < again; nth += 1) post(message); }";
    stage
        .value(&format!(
            "(() => {{ {} }})()",
            posted_by("Worker.prototype", way)
        ))
        .await;
    stage.until("window.flooded").await;
    // A worker that is kept from answering for long is given up for another one, and the film goes on.
    stage.hurry(4).await;
    stage.until(&format!("{VIDEO}.ended")).await;
    stage.is_well().await;
}

/// The element tells of itself twenty thousand times, wherever the engine is.
#[apply(in_every_browser!)]
async fn a_flood_of_events_is_borne(stage: &Stage) {
    stage.open("?goal=8").await;
    stage.plays().await;
    stage
        .value(&format!(
            "(() => {{ for (let nth = 0; nth < 20_000; nth += 1) \
               {VIDEO}.dispatchEvent(new Event(nth % 2 ? 'seeking' : 'ratechange')); }})()"
        ))
        .await;
    stage.ends_with_all_there().await;
    stage.is_well().await;
}
