//! Seeks by a real element.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{browser::Browser, context::TestContext, server::ServerFault, suite::browser_test};

const VIDEO: &str = "document.querySelector('video')";

/// Opens a video with one quality, so that requests depend on seeks only.
async fn open(test: &TestContext, query: &str) {
    test.server.add_plain_mpd(&["720p"]);
    test.open(&format!("?src=film/plain.mpd{query}")).await;
}

async fn seek(test: &TestContext, to: f64) {
    test.eval(&format!("{VIDEO}.currentTime = {to}")).await;
}

/// Waits until a seek has ended. WebKitGTK may be paused then, if it reached the end before.
async fn is_there(test: &TestContext) {
    test.wait_until(&format!("!{VIDEO}.seeking && {VIDEO}.readyState >= 2"))
        .await;
}

/// Waits until playback continues from this second.
async fn plays_from(test: &TestContext, second: f64) {
    let (least, most) = (second + 0.2, second + 4.0);
    let there = format!(
        "(({{ currentTime, seeking, paused }}) => !seeking && !paused && currentTime > {least} && currentTime < {most})({VIDEO})"
    );
    test.wait_until(&there).await;
}

/// The numbers of the requested segments of a track.
fn asked_for(test: &TestContext, folder: &str) -> Vec<u32> {
    let paths = test.server.requested_urls(&format!("/{folder}/"));
    let number = |path: &String| path.rsplit('/').next()?.strip_suffix(".m4s")?.parse().ok();
    paths.iter().filter_map(number).collect()
}

/// A seek in a paused video shows the frame at the new position.
#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "decoded frames")]
async fn seek_while_paused_shows_the_frame(test: &TestContext) {
    open(test, "&goal=4").await;
    test.wait_until_playing().await;
    test.eval(&format!("{VIDEO}.pause()")).await;
    let watch = format!(
        "(function watch() {{ {VIDEO}.requestVideoFrameCallback((_, frame) => (window.shown = frame.mediaTime, watch())) }})()"
    );
    test.eval(&watch).await;
    // Also at the edges of segments, and in the last one.
    for second in [21.3, 8.0, 31.5, 0.0] {
        // A new frame is shown, and it is of that time.
        test.eval("window.shown = null").await;
        seek(test, second).await;
        test.wait_until(&format!(
            "!{VIDEO}.seeking && {VIDEO}.readyState >= 2 && Math.abs(shown - {second}) < 0.1"
        ))
        .await;
        let position = test.eval(&format!("{VIDEO}.currentTime")).await;
        assert_eq!(position.as_f64().unwrap(), second);
    }
    assert_eq!(test.eval(&format!("{VIDEO}.paused")).await, json!(true));
    test.assert_no_errors().await;
}

/// A seek before the manifest is loaded determines where playback starts.
#[apply(browser_test!)]
#[runs_in(Chromium; "currentTime before there is metadata")]
async fn seek_before_the_manifest_is_loaded_is_kept(test: &TestContext) {
    test.server.add_fault("plain.mpd", ServerFault::Held);
    open(test, "&goal=4").await;
    // As soon as an element is attached, before anything is known of the video.
    test.wait_until("attached() !== null").await;
    assert_eq!(asked_for(test, "720p"), [0_u32; 0]);
    seek(test, 20.5).await;
    test.server.clear_faults();
    plays_from(test, 20.5).await;
    test.assert_no_errors().await;
}

/// Sets `currentTime` thirty times from one second to another.
async fn drag(test: &TestContext, from: f64, to: f64) {
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
    assert_eq!(test.eval(&drag).await, json!(true));
}

/// Requests for segments that were passed are aborted.
#[apply(browser_test!)]
#[runs_in(Chromium; "many seeks of a real element")]
async fn dragging_aborts_requests_for_passed_segments(test: &TestContext) {
    open(test, "&goal=4").await;
    test.wait_until_playing().await;
    test.eval(&format!("{VIDEO}.pause()")).await;
    // Until the buffer has reached its goal.
    test.wait_until(&format!(
        "{VIDEO}.buffered.end(0) - {VIDEO}.currentTime > 4"
    ))
    .await;
    test.server.add_fault(".m4s", ServerFault::Held);
    let before = test.server.request_count(".m4s");
    drag(test, 8.5, 30.5).await;
    test.server.wait_for_request("/720p/16.m4s").await;
    test.server.wait_for_request("/audio/16.m4s").await;
    let asked = test.server.request_count(".m4s") - before;
    // Twelve segments of two tracks were passed.
    assert!(asked <= 24, "{asked} requests");
    // At least the first of each track, and all but the last two of each.
    let given_up = asked.saturating_sub(4).max(2);
    test.server.wait_for_aborted(given_up).await;
    test.server.clear_faults();
    is_there(test).await;

    // Within a segment nothing is aborted.
    seek(test, 18.1).await;
    let before = test.server.request_count("/720p/8.m4s");
    test.server.add_fault(".m4s", ServerFault::Held);
    drag(test, 14.1, 15.9).await;
    test.server.clear_faults();
    is_there(test).await;
    assert_eq!(test.server.request_count("/720p/8.m4s"), before + 1);
    test.assert_no_errors().await;
}

/// Seeks to negative times, and past the end.
#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "the element's limits; WebKitGTK rewinds")]
async fn seek_outside_the_video_goes_to_its_ends(test: &TestContext) {
    open(test, "&goal=4").await;
    test.wait_until_playing().await;
    seek(test, -5.0).await;
    plays_from(test, 0.0).await;
    // The end is known before it is buffered.
    seek(test, 1000.0).await;
    is_there(test).await;
    if test.is_true(&format!("{VIDEO}.currentTime < 20")).await {
        // Past its end, WebKitGTK's element may rewind and pause, as if it had ended. The controls do not seek past
        // the end.
        seek(test, 32.0).await;
        test.eval(&format!("void {VIDEO}.play()")).await;
    }
    test.wait_until(&format!("{VIDEO}.ended")).await;
    let end = test
        .eval(&format!("[{VIDEO}.currentTime, {VIDEO}.duration]"))
        .await;
    let end: (f64, f64) = serde_json::from_value(end).unwrap();
    assert!((31.9..32.2).contains(&end.0), "ended at {end:?}");
    assert!((31.9..32.2).contains(&end.1), "ended at {end:?}");
    test.assert_no_errors().await;
    // The rest of the video can still be played.
    seek(test, 12.5).await;
    is_there(test).await;
    test.eval(&format!("void {VIDEO}.play()")).await;
    plays_from(test, 12.5).await;
    test.assert_no_errors().await;
}

/// After the end, the video can be played again to its end.
#[apply(browser_test!)]
#[runs_in(Chromium; "the element's ended state")]
async fn video_can_be_watched_again_after_its_end(test: &TestContext) {
    open(test, "&goal=8&t=12").await;
    test.wait_until(&format!("{VIDEO}.currentTime > 12")).await;
    for (round, second) in [12.0, 2.5, 20.5].into_iter().enumerate() {
        if round > 0 {
            seek(test, second).await;
            is_there(test).await;
            test.eval(&format!("void {VIDEO}.play()")).await;
            plays_from(test, second).await;
        }
        // WebKitGTK may fire `ended` twice.
        test.eval("probe.media.length = 0").await;
        test.set_rate(8).await;
        let ends = "probe.media.filter((kind) => kind === 'ended').length";
        test.wait_until(&format!("{VIDEO}.ended && {ends} > 0"))
            .await;
        if test.window.browser != Browser::WebKit {
            assert_eq!(test.eval(ends).await, json!(1));
        }
        let end = test.eval(&format!("{VIDEO}.currentTime")).await;
        assert!((31.9..32.2).contains(&end.as_f64().unwrap()), "{end}");
        test.set_rate(1).await;
    }
    // The beginning was fetched in the second round only.
    assert_eq!(test.server.request_count("/720p/2.m4s"), 1);
    test.assert_no_errors().await;
}

/// After the end, seeks back to what was never fetched, with either track late. A SourceBuffer of an ended source
/// refuses to abort; without a remedy, WebKitGTK drops frames that are earlier than the first frame it got.
#[apply(browser_test!)]
#[runs_in(Chromium, WebKit; "WebKitGTK drops frames before the buffer's first")]
async fn seek_back_after_the_end_with_either_track_late(test: &TestContext) {
    open(test, "&goal=8&t=16").await;
    test.wait_until(&format!("{VIDEO}.currentTime > 16")).await;
    for (second, late, follows) in [
        (10.5, "/720p/", "/audio/7.m4s"),
        (2.5, "/audio/", "/720p/3.m4s"),
    ] {
        test.set_rate(8).await;
        test.wait_until(&format!("{VIDEO}.ended")).await;
        test.set_rate(1).await;
        test.server.add_fault(late, ServerFault::Held);
        seek(test, second).await;
        test.server.wait_for_request(follows).await;
        test.server.clear_faults();
        is_there(test).await;
        test.eval(&format!("void {VIDEO}.play()")).await;
        plays_from(test, second).await;
    }
    test.assert_no_errors().await;
}
