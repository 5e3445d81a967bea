//! Nobody gets in: what is written in a film's files stays text.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    server::{FILM, Trouble},
    stage::Stage,
    suite::in_every_browser,
};

const MARKUP: &str = "<img src=x onerror=\"window.entered=1\"><script>window.entered=1</script>";

/// Nothing of it ran, was tried to be run, or became an element.
async fn nobody_got_in(stage: &Stage) {
    let entered = stage.value("window.entered").await;
    assert_eq!(entered, json!(null));
    let strangers = "document.querySelectorAll('img, main script, #lab script, iframe').length";
    assert_eq!(stage.value(strangers).await, json!(0));
    assert_eq!(stage.value("probe.violations").await, json!([]));
}

#[apply(in_every_browser!)]
async fn captions_are_cues_and_no_markup_but_their_own(stage: &Stage) {
    stage.server.trouble(
        "/captions.vtt",
        Trouble::Patch(std::sync::Arc::new(|_| {
            format!("WEBVTT\n\n00:00.000 --> 00:32.000\n{MARKUP}<b>told</b>\n").into_bytes()
        })),
    );
    stage.open("").await;
    stage.plays().await;
    let track = "document.querySelector('video').textTracks[0]";
    stage
        .until("!document.querySelector('.captions').hidden")
        .await;
    stage.value(&format!("{track}.mode = 'showing'")).await;
    stage.until(&format!("{track}.cues?.length === 1")).await;
    stage
        .until(&format!("{track}.activeCues.length === 1"))
        .await;
    // What the browser makes of it is bold, and nothing else.
    let told = "(cue => [cue.textContent, cue.querySelectorAll('b').length, cue.querySelectorAll('img, script').length])";
    let told = stage
        .value(&format!("{told}({track}.cues[0].getCueAsHTML())"))
        .await;
    assert_eq!(told[1], json!(1), "{told}");
    assert_eq!(told[2], json!(0), "{told}");
    nobody_got_in(stage).await;
}

#[apply(in_every_browser!)]
async fn names_in_a_manifest_are_text(stage: &Stage) {
    let name = MARKUP.replace('<', "&lt;").replace('"', "&quot;");
    let label = format!("<Label>{name}</Label>");
    // Two sounds, so that there is something to choose from.
    let start = FILM.find("<AdaptationSet id=\"2\"").unwrap();
    let end = start + FILM[start..].find("</AdaptationSet>").unwrap() + "</AdaptationSet>".len();
    let sound = FILM[start..end].replacen('>', &format!(">{label}"), 1);
    let other = sound
        .replace("id=\"2\"", "id=\"3\" lang=\"de\"")
        .replace("id=\"audio\"", "id=\"../audio\"");
    let film = [&FILM[..start], &sound, &other, &FILM[end..]].concat();
    stage.server.make("film/named.mpd", film);
    stage.open("?src=film/named.mpd").await;
    stage.plays().await;
    let options = "[...document.querySelectorAll('[name=audio] option')].map(it => it.textContent)";
    stage.until(&format!("{options}.length === 3")).await;
    let options = stage.value(options).await;
    assert_eq!(options[1], json!(MARKUP));
    nobody_got_in(stage).await;
}

#[apply(in_every_browser!)]
async fn addresses_are_text(stage: &Stage) {
    let query = "?src=%3Cimg%20src%3Dx%20onerror%3D%22window.entered%3D1%22%3E.m3u8";
    stage.open(query).await;
    stage.notice("404").await;
    nobody_got_in(stage).await;
    for address in [
        "javascript:entered=1",
        "data:text/html,%3Cscript%3E",
        "file:///etc/passwd",
    ] {
        stage.open(&format!("?src={address}")).await;
        stage.notice("is not the address of a video").await;
        nobody_got_in(stage).await;
    }
}
