//! Wherever the viewer goes, and however often.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{browser::Browser, server::Trouble, stage::Stage, suite::in_every_browser};

const VIDEO: &str = "document.querySelector('video')";

/// In one rendition, so that what is asked for tells of the seeks and of nothing else.
async fn open(stage: &Stage, query: &str) {
    stage.server.make_plain(&["720p"]);
    stage.open(&format!("?src=film/plain.mpd{query}")).await;
}

async fn seek(stage: &Stage, to: f64) {
    stage.value(&format!("{VIDEO}.currentTime = {to}")).await;
}

/// Waits until the film is where the viewer has gone. WebKitGTK may pause it before that, of an end that was
/// reached just then.
async fn is_there(stage: &Stage) {
    stage
        .until(&format!("!{VIDEO}.seeking && {VIDEO}.readyState >= 2"))
        .await;
}

/// Waits until the film plays on from this second.
async fn plays_from(stage: &Stage, second: f64) {
    let (least, most) = (second + 0.2, second + 4.0);
    let there = format!(
        "(({{ currentTime, seeking, paused }}) => !seeking && !paused && currentTime > {least} && currentTime < {most})({VIDEO})"
    );
    stage.until(&there).await;
}

/// Numbers of the segments of a track that were asked for.
fn asked_for(stage: &Stage, folder: &str) -> Vec<u32> {
    let paths = stage.server.requested(&format!("/{folder}/"));
    let number = |path: &String| path.rsplit('/').next()?.strip_suffix(".m4s")?.parse().ok();
    paths.iter().filter_map(number).collect()
}

#[apply(in_every_browser!)]
async fn within_what_is_buffered_nothing_is_fetched_for_a_seek(stage: &Stage) {
    open(stage, "").await;
    stage.plays().await;
    stage.until_taken("end of stream").await;
    for second in [20.0, 3.0, 29.0] {
        seek(stage, second).await;
        plays_from(stage, second).await;
    }
    stage.until(&format!("{VIDEO}.ended")).await;
    let all: Vec<u32> = (1..=16).collect();
    assert_eq!(asked_for(stage, "720p"), all);
    assert_eq!(asked_for(stage, "audio"), all);
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn beyond_what_is_buffered_it_goes_on_where_the_viewer_is(stage: &Stage) {
    open(stage, "&goal=4").await;
    stage.plays().await;
    seek(stage, 24.5).await;
    plays_from(stage, 24.5).await;
    // And back before it, to where nothing was fetched.
    seek(stage, 16.5).await;
    plays_from(stage, 16.5).await;
    for folder in ["720p", "audio"] {
        let asked = asked_for(stage, folder);
        // What lies between is not fetched on the way.
        assert!(!asked.contains(&6), "{folder}: {asked:?}");
        assert!(!asked.contains(&8), "{folder}: {asked:?}");
    }
    stage.hurry(4).await;
    stage.until(&format!("{VIDEO}.ended")).await;
    stage.is_well().await;
}

/// Whoever looks for a place in a film that is paused sees it.
#[apply(in_every_browser!)]
async fn while_paused_the_picture_is_shown(stage: &Stage) {
    open(stage, "&goal=4").await;
    stage.plays().await;
    stage.value(&format!("{VIDEO}.pause()")).await;
    let watch = format!(
        "(function watch() {{ {VIDEO}.requestVideoFrameCallback((_, frame) => (window.shown = frame.mediaTime, watch())) }})()"
    );
    stage.value(&watch).await;
    // Also at the very edges of segments, and in the last one.
    for second in [21.3, 8.0, 31.5, 0.0] {
        // A frame is shown anew, and it is of that place.
        stage.value("window.shown = null").await;
        seek(stage, second).await;
        stage
            .until(&format!(
                "!{VIDEO}.seeking && {VIDEO}.readyState >= 2 && Math.abs(shown - {second}) < 0.1"
            ))
            .await;
        let position = stage.value(&format!("{VIDEO}.currentTime")).await;
        assert_eq!(position.as_f64().unwrap(), second);
    }
    assert_eq!(stage.value(&format!("{VIDEO}.paused")).await, json!(true));
    stage.is_well().await;
}

/// The viewer does not wait for the film to be there.
#[apply(in_every_browser!)]
async fn while_it_loads(stage: &Stage) {
    stage.server.trouble("plain.mpd", Trouble::Held);
    open(stage, "&goal=4").await;
    // As soon as there is anything to seek in, and before anything is known of it.
    stage.until("attached() !== null").await;
    assert_eq!(asked_for(stage, "720p"), [0_u32; 0]);
    seek(stage, 20.5).await;
    stage.server.heal();
    plays_from(stage, 20.5).await;
    stage.is_well().await;
}

/// Nor for the seek before: that one's segments are not waited for.
#[apply(in_every_browser!)]
async fn during_another_seek(stage: &Stage) {
    open(stage, "&goal=4").await;
    stage.plays().await;
    stage.server.trouble("/720p/8.m4s", Trouble::Silence);
    stage.server.trouble("/audio/8.m4s", Trouble::Silence);
    seek(stage, 14.5).await;
    stage.server.until_asked_for("/720p/8.m4s").await;
    stage.server.until_asked_for("/audio/8.m4s").await;
    seek(stage, 26.5).await;
    plays_from(stage, 26.5).await;
    // Given up, and long before their own time was up.
    assert_eq!(stage.server.abandoned(), 2);
    assert_eq!(stage.server.requests("p/8.m4s"), 1);

    // Two in the same instant: only the last one is the viewer's.
    stage
        .value(&format!(
            "({VIDEO}.currentTime = 8.5, {VIDEO}.currentTime = 20.5)"
        ))
        .await;
    plays_from(stage, 20.5).await;
    stage.is_well().await;
}

/// Sets `currentTime` thirty times on the way from one second to another.
async fn drag(stage: &Stage, from: f64, to: f64) {
    let drag = format!(
        "(async () => {{
            const video = {VIDEO};
            for (let step = 1; step <= 30; step += 1) {{
                video.currentTime = {from} + ({to} - {from}) * step / 30;
                await new Promise((done) => setTimeout(done, 25));
            }}
            return true;
        }})()"
    );
    assert_eq!(stage.value(&drag).await, json!(true));
}

/// Whoever drags passes by much that is not to be seen: what was asked for on the way is given up.
#[apply(in_every_browser!)]
async fn dragging_asks_for_little_and_gives_up_what_is_passed_by(stage: &Stage) {
    open(stage, "&goal=4").await;
    stage.plays().await;
    stage.value(&format!("{VIDEO}.pause()")).await;
    // Until the buffer is as full as it gets.
    stage
        .until(&format!(
            "{VIDEO}.buffered.end(0) - {VIDEO}.currentTime > 4"
        ))
        .await;
    stage.server.trouble(".m4s", Trouble::Held);
    let before = stage.server.requests(".m4s");
    drag(stage, 8.5, 30.5).await;
    stage.server.until_asked_for("/720p/16.m4s").await;
    stage.server.until_asked_for("/audio/16.m4s").await;
    let asked = stage.server.requests(".m4s") - before;
    // Twelve segments of two tracks were passed by.
    assert!(asked <= 24, "{asked} requests");
    // Of each track at least what was asked for first, and all but what is still on its way.
    let given_up = asked.saturating_sub(4).max(2);
    stage.server.until_abandoned(given_up).await;
    stage.server.heal();
    is_there(stage).await;

    // Within a segment there is nothing to give up.
    seek(stage, 18.1).await;
    let before = stage.server.requests("/720p/8.m4s");
    stage.server.trouble(".m4s", Trouble::Held);
    drag(stage, 14.1, 15.9).await;
    stage.server.heal();
    is_there(stage).await;
    assert_eq!(stage.server.requests("/720p/8.m4s"), before + 1);
    stage.is_well().await;
}

/// Out of the film on either side.
#[apply(in_every_browser!)]
async fn before_the_start_and_past_the_end(stage: &Stage) {
    open(stage, "&goal=4").await;
    stage.plays().await;
    seek(stage, -5.0).await;
    plays_from(stage, 0.0).await;
    // The end is not buffered, and yet it is known where that is.
    seek(stage, 1000.0).await;
    is_there(stage).await;
    if stage.is(&format!("{VIDEO}.currentTime < 20")).await {
        // From past the end WebKitGTK's element goes to its beginning by itself, and may rest there, as if it
        // had ended; the controls send it no further than to the end.
        seek(stage, 32.0).await;
        stage.value(&format!("void {VIDEO}.play()")).await;
    }
    stage.until(&format!("{VIDEO}.ended")).await;
    let end = stage
        .value(&format!("[{VIDEO}.currentTime, {VIDEO}.duration]"))
        .await;
    let end: (f64, f64) = serde_json::from_value(end).unwrap();
    assert!((31.9..32.2).contains(&end.0), "ended at {end:?}");
    assert!((31.9..32.2).contains(&end.1), "ended at {end:?}");
    stage.is_well().await;
    // All of it is still there to be seen.
    seek(stage, 12.5).await;
    is_there(stage).await;
    stage.value(&format!("void {VIDEO}.play()")).await;
    plays_from(stage, 12.5).await;
    stage.is_well().await;
}

/// A film that was seen to its end is seen again, and ends again.
#[apply(in_every_browser!)]
async fn back_after_the_end_and_to_the_end_again(stage: &Stage) {
    open(stage, "&goal=8&t=12").await;
    stage.until(&format!("{VIDEO}.currentTime > 12")).await;
    for (round, second) in [12.0, 2.5, 20.5].into_iter().enumerate() {
        if round > 0 {
            seek(stage, second).await;
            is_there(stage).await;
            stage.value(&format!("void {VIDEO}.play()")).await;
            plays_from(stage, second).await;
        }
        // It is said, and it is so: WebKitGTK may say it once more.
        stage.value("probe.media.length = 0").await;
        stage.hurry(8).await;
        let ends = "probe.media.filter((kind) => kind === 'ended').length";
        stage.until(&format!("{VIDEO}.ended && {ends} > 0")).await;
        if stage.window.browser != Browser::WebKit {
            assert_eq!(stage.value(ends).await, json!(1));
        }
        let end = stage.value(&format!("{VIDEO}.currentTime")).await;
        assert!((31.9..32.2).contains(&end.as_f64().unwrap()), "{end}");
        stage.hurry(1).await;
    }
    // The beginning was fetched for the second round only.
    assert_eq!(stage.server.requests("/720p/2.m4s"), 1);
    stage.is_well().await;
}

/// Back to what was never fetched, whichever track gets its segments first. A SourceBuffer of a source that
/// has ended refuses to abort; if nothing is done about that, WebKitGTK drops what is earlier than what the
/// buffer got first.
#[apply(in_every_browser!)]
async fn back_after_the_end_whichever_track_is_first(stage: &Stage) {
    open(stage, "&goal=8&t=16").await;
    stage.until(&format!("{VIDEO}.currentTime > 16")).await;
    for (second, late, follows) in [
        (10.5, "/720p/", "/audio/7.m4s"),
        (2.5, "/audio/", "/720p/3.m4s"),
    ] {
        stage.hurry(8).await;
        stage.until(&format!("{VIDEO}.ended")).await;
        stage.hurry(1).await;
        stage.server.trouble(late, Trouble::Held);
        seek(stage, second).await;
        stage.server.until_asked_for(follows).await;
        stage.server.heal();
        is_there(stage).await;
        stage.value(&format!("void {VIDEO}.play()")).await;
        plays_from(stage, second).await;
    }
    stage.is_well().await;
}
