//! Text from manifests, captions and URLs is never markup.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    context::TestContext,
    server::{SAMPLE_MPD, ServerFault},
    suite::browser_test,
};

const MARKUP: &str = "<img src=x onerror=\"window.entered=1\"><script>window.entered=1</script>";

/// Nothing was executed, blocked by the Content-Security-Policy, or turned into an element.
async fn nobody_got_in(test: &TestContext) {
    let entered = test.eval("window.entered").await;
    assert_eq!(entered, json!(null));
    let strangers = "document.querySelectorAll('img, main script, #lab script, iframe').length";
    assert_eq!(test.eval(strangers).await, json!(0));
    assert_eq!(test.eval("probe.violations").await, json!([]));
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "WebVTT rendering and Content-Security-Policy")]
async fn markup_in_captions_is_not_executed(test: &TestContext) {
    test.server.add_fault(
        "/captions.vtt",
        ServerFault::Patch(std::sync::Arc::new(|_| {
            format!("WEBVTT\n\n00:00.000 --> 00:32.000\n{MARKUP}<b>told</b>\n").into_bytes()
        })),
    );
    test.open("").await;
    test.wait_until_playing().await;
    let track = "document.querySelector('video').textTracks[0]";
    test.wait_until("!document.querySelector('.captions').hidden")
        .await;
    test.eval(&format!("{track}.mode = 'showing'")).await;
    test.wait_until(&format!("{track}.cues?.length === 1"))
        .await;
    test.wait_until(&format!("{track}.activeCues.length === 1"))
        .await;
    // The cue is bold, and has no other element.
    let told = "(cue => [cue.textContent, cue.querySelectorAll('b').length, cue.querySelectorAll('img, script').length])";
    let told = test
        .eval(&format!("{told}({track}.cues[0].getCueAsHTML())"))
        .await;
    assert_eq!(told[1], json!(1), "{told}");
    assert_eq!(told[2], json!(0), "{told}");
    nobody_got_in(test).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "rendering and Content-Security-Policy")]
async fn markup_in_track_names_is_text(test: &TestContext) {
    let name = MARKUP.replace('<', "&lt;").replace('"', "&quot;");
    let label = format!("<Label>{name}</Label>");
    // Two audio tracks, so that the menu is shown.
    let start = SAMPLE_MPD.find("<AdaptationSet id=\"2\"").unwrap();
    let end =
        start + SAMPLE_MPD[start..].find("</AdaptationSet>").unwrap() + "</AdaptationSet>".len();
    let sound = SAMPLE_MPD[start..end].replacen('>', &format!(">{label}"), 1);
    let other = sound
        .replace("id=\"2\"", "id=\"3\" lang=\"de\"")
        .replace("id=\"audio\"", "id=\"../audio\"");
    let video = [&SAMPLE_MPD[..start], &sound, &other, &SAMPLE_MPD[end..]].concat();
    test.server.add_file("film/named.mpd", video);
    test.open("?src=film/named.mpd").await;
    test.wait_until_playing().await;
    let options = "[...document.querySelectorAll('[name=audio] option')].map(it => it.textContent)";
    test.wait_until(&format!("{options}.length === 3")).await;
    let options = test.eval(options).await;
    assert_eq!(options[1], json!(MARKUP));
    nobody_got_in(test).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "rendering and Content-Security-Policy")]
async fn markup_in_urls_is_text(test: &TestContext) {
    let query = "?src=%3Cimg%20src%3Dx%20onerror%3D%22window.entered%3D1%22%3E.m3u8";
    test.open(query).await;
    test.wait_for_alert("404").await;
    nobody_got_in(test).await;
    let not_an_address = "is not the address of a video";
    for (address, message) in [
        ("javascript:entered=1", not_an_address),
        (
            "data:text/html,%3Cscript%3E",
            "is not a video that can be read",
        ),
        ("file:///etc/passwd", not_an_address),
    ] {
        test.open(&format!("?src={address}")).await;
        test.wait_for_alert(message).await;
        nobody_got_in(test).await;
    }
}
