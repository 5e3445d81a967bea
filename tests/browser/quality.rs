//! Which quality is fetched: automatic and selected.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{context::TestContext, server::ServerFault, suite::browser_test};

const VIDEO: &str = "document.querySelector('video')";
const SELECT: &str = "document.querySelector('.settings-menu select')";

/// The video segments that were requested, in order: quality and number.
fn asked_for(test: &TestContext) -> Vec<(String, u32)> {
    let paths = test.server.requested_urls("p/");
    let segment = |path: &String| {
        let mut parts = path.rsplit('/');
        let number = parts.next()?.strip_suffix(".m4s")?.parse().ok()?;
        let rendition = parts.next()?;
        rendition.ends_with('p').then(|| (rendition.into(), number))
    };
    paths.iter().filter_map(segment).collect()
}

/// Waits until the engine has selected one of these qualities automatically.
async fn until_automatically(test: &TestContext, qualities: &[&str]) {
    let texts = qualities.iter().map(|quality| format!("Auto ({quality})"));
    let texts: Vec<String> = texts.collect();
    let text = format!("{SELECT}.querySelector('option[value=\"\"]').textContent");
    test.wait_until(&format!("{}.includes({text})", json!(texts)))
        .await;
}

/// Selects an index in the quality menu, or nothing for automatic.
async fn choose(test: &TestContext, value: &str) {
    let choose = format!(
        "({SELECT}.value = '{value}', {SELECT}.dispatchEvent(new Event('change', {{ bubbles: true }})))"
    );
    assert_eq!(test.eval(&choose).await, json!(true));
}

/// A fast network and a high pixel density: starts above the lowest quality and reaches the best.
#[apply(browser_test!)]
#[runs_in(Chromium; "the element's size and a real decoder")]
async fn large_picture_gets_the_best_quality(test: &TestContext) {
    test.resize(1400, 1000, 2.0).await;
    test.open("?src=film/film.mpd").await;
    until_automatically(test, &["1080p"]).await;
    let asked = asked_for(test);
    let (first, number) = &asked[0];
    assert_eq!(*number, 1);
    assert_ne!(first, "240p", "{asked:?}");
    // The decoded pictures have that size.
    test.wait_until_playing().await;
    test.set_rate(4).await;
    test.wait_until(&format!("{VIDEO}.videoHeight === 1080"))
        .await;
    test.assert_no_errors().await;
}

/// No more pixels are fetched than are visible.
#[apply(browser_test!)]
#[runs_in(Chromium; "the element's size")]
async fn small_picture_gets_a_small_quality(test: &TestContext) {
    // Browsers have a minimum window width, so the density is reduced, too.
    test.resize(640, 900, 0.5).await;
    test.open("?src=film/film.mpd").await;
    test.wait_for_milestone("end of stream").await;
    test.wait_until_playing().await;
    let asked = asked_for(test);
    let large = asked.iter().filter(|(rendition, _)| rendition == "1080p");
    assert_eq!(large.count(), 0, "{asked:?}");
    assert_eq!(asked.last(), Some(&("240p".into(), 16)), "{asked:?}");

    // When it becomes larger, what is buffered ahead is replaced.
    test.eval(&format!("{VIDEO}.pause()")).await;
    test.resize(1400, 1000, 2.0).await;
    test.eval(&format!("void {VIDEO}.play()")).await;
    test.server.wait_for_request("/1080p/16.m4s").await;
    test.assert_no_errors().await;
}

/// A selection applies at once, and replaces what is buffered far enough ahead.
#[apply(browser_test!)]
#[runs_in(Chromium; "the menu, and replaced frames in a real buffer")]
async fn quality_menu_changes_what_is_fetched(test: &TestContext) {
    test.resize(1400, 1000, 2.0).await;
    test.open("?src=film/film.mpd").await;
    test.wait_until_playing().await;
    test.wait_for_milestone("end of stream").await;
    test.eval(&format!("{VIDEO}.pause()")).await;
    let before = asked_for(test);
    assert!(
        before.iter().all(|(rendition, _)| rendition != "240p"),
        "{before:?}"
    );
    // The menu lists the best first; its values are ascending by bandwidth.
    let offered = test
        .eval(&format!(
            "[...{SELECT}.options].map(({{ value, text }}) => value + ' ' + text.replace(/^Auto.*/, 'Auto'))"
        ))
        .await;
    let expected = json!([" Auto", "3 1080p", "2 720p", "1 360p", "0 240p"]);
    assert_eq!(offered, expected);

    choose(test, "0").await;
    test.server.wait_for_request("/240p/16.m4s").await;
    let position = test.eval(&format!("{VIDEO}.currentTime")).await;
    let position = position.as_f64().unwrap();
    let asked = asked_for(test).split_off(before.len());
    // The next few seconds are kept, so that playback does not wait.
    let begins = |number: u32| f64::from(number - 1) * 2.0;
    let expected: Vec<u32> = (1..=16)
        .filter(|nth| begins(*nth) > position + 4.0)
        .collect();
    let numbers: Vec<u32> = asked.iter().map(|(_, number)| *number).collect();
    assert!(
        asked.iter().all(|(rendition, _)| rendition == "240p"),
        "{asked:?}"
    );
    assert_eq!(numbers, expected);
    let text = test
        .eval(&format!("{SELECT}.selectedOptions[0].text"))
        .await;
    assert_eq!(text, json!("240p"));

    // The replaced range is contiguous and shows the new size.
    test.wait_until(&format!(
        "{VIDEO}.buffered.length === 1 && {VIDEO}.buffered.end(0) > 31.9"
    ))
    .await;
    test.eval(&format!("{VIDEO}.currentTime = 20.5")).await;
    // WebKitGTK may report the old size until it plays.
    test.eval(&format!("void {VIDEO}.play()")).await;
    test.wait_until(&format!("!{VIDEO}.seeking && {VIDEO}.videoHeight === 240"))
        .await;
    test.eval(&format!("{VIDEO}.pause()")).await;

    // Back to the beginning, and to automatic selection.
    test.eval(&format!("{VIDEO}.currentTime = 0.5")).await;
    let before = asked_for(test).len();
    choose(test, "").await;
    until_automatically(test, &["720p", "1080p"]).await;
    test.wait_until(&format!("{SELECT}.value === ''")).await;
    // The low quality is replaced by a better one.
    while !asked_for(test)[before..]
        .iter()
        .any(|(_, number)| *number == 16)
    {
        test.wait_until("true").await;
    }
    // Except for segments that were being fetched.
    let asked = asked_for(test).split_off(before);
    let poor = |(rendition, _): &&(String, u32)| rendition == "240p";
    let mut later = asked.iter().skip_while(poor);
    assert!(later.all(|asked| !poor(&asked)), "{asked:?}");
    test.eval(&format!("void {VIDEO}.play()")).await;
    test.play_to_end().await;
}

/// What MediaCapabilities in the worker reports as not smooth is not fetched.
#[apply(browser_test!)]
#[runs_in(Chromium; "MediaCapabilities")]
async fn qualities_that_decode_slowly_are_not_fetched(test: &TestContext) {
    test.resize(1400, 1000, 2.0).await;
    // Kept in a variable, because WebKit drops properties of unreferenced objects.
    let weak = "globalThis.held = navigator.mediaCapabilities; held.decodingInfo = async ({ video }) => \
         ({ supported: true, smooth: video.height <= 360, powerEfficient: false });";
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script(weak, ""));
    test.open("?src=film/film.mpd").await;
    until_automatically(test, &["360p"]).await;
    test.wait_for_milestone("end of stream").await;
    assert_eq!(test.server.requested_urls("/1080p/"), [""; 0]);
    assert_eq!(asked_for(test).last(), Some(&("360p".into(), 16)));
    test.assert_no_errors().await;
}

/// For muxed segments, each codec is queried separately.
#[apply(browser_test!)]
#[runs_in(Chromium; "MediaCapabilities")]
async fn muxed_qualities_that_decode_slowly_are_not_fetched(test: &TestContext) {
    test.resize(1400, 1000, 2.0).await;
    let weak = "globalThis.held = navigator.mediaCapabilities; held.decodingInfo = async ({ video }) => { \
         if (video.contentType.includes(',')) throw new TypeError(); \
         return { supported: true, smooth: video.height <= 360, powerEfficient: false }; };";
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script(weak, ""));
    let video = "#EXTM3U\n\
        #EXT-X-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.4d400c,mp4a.40.2\",RESOLUTION=1280x720\n\
        ../tests/media/packed/muxed.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=80000,CODECS=\"avc1.4d400c,mp4a.40.2\",RESOLUTION=640x360\n\
        ../tests/media/packed/byterange.m3u8\n";
    test.server.add_file("film/muxed.m3u8", video);
    test.open("?src=film/muxed.m3u8").await;
    until_automatically(test, &["360p"]).await;
    test.assert_no_errors().await;
}
