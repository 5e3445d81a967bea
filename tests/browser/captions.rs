//! Captions: listed in the manifest, loaded by the engine, rendered by the element's text tracks.

use macro_rules_attribute::apply;
use serde_json::json;
use thirtyfour::By;

use crate::{
    context::{Feature, TestContext},
    server::{SAMPLE_MPD, ServerFault},
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";
/// The captions in the MPD of the sample video.
const LISTED: &str =
    "<AdaptationSet id=\"3\" contentType=\"text\" mimeType=\"text/vtt\" lang=\"en\">";

impl TestContext {
    /// Clicks the captions button.
    async fn toggle_captions(&self) {
        self.wait_until("!document.querySelector('.captions').hidden")
            .await;
        self.pause().await;
        self.press_element(By::Css(".captions")).await;
        self.eval(&format!("void {VIDEO}.play()")).await;
    }

    /// Waits until this text track is showing and has so many cues.
    async fn wait_for_cues(&self, track: usize, count: usize) {
        let track = format!("{VIDEO}.textTracks[{track}]");
        self.wait_until(&format!(
            "{track}.mode === 'showing' && {track}.cues?.length === {count}"
        ))
        .await;
    }
}

async fn are_shown(test: &TestContext, query: &str) {
    test.open(query).await;
    test.wait_until_playing().await;
    test.wait_until("!document.querySelector('.captions').hidden")
        .await;
    assert_eq!(
        test.server.request_count("/captions.vtt"),
        0,
        "nobody has asked"
    );
    test.toggle_captions().await;
    test.wait_for_cues(0, 8).await;
    test.eval(&format!("{VIDEO}.currentTime = 13")).await;
    let shown = format!("{VIDEO}.textTracks[0].activeCues[0]?.text");
    test.wait_until(&format!("{shown}?.includes('arrives on the page')"))
        .await;
    test.screenshot("captions").await;
    let track = format!("(it => [it.label, it.language])({VIDEO}.textTracks[0])");
    let (label, language) = match query.is_empty() {
        true => ("English", "en"),
        // Without a label, and with the role of captions.
        false => ("English – for the hard of hearing", "en"),
    };
    assert_eq!(test.eval(&track).await, json!([label, language]));

    // They are loaded once, by the engine.
    test.toggle_captions().await;
    test.wait_until(&format!("{VIDEO}.textTracks[0].mode === 'disabled'"))
        .await;
    test.toggle_captions().await;
    test.wait_for_cues(0, 8).await;
    assert_eq!(test.server.request_count("/captions.vtt"), 1);
    let source = test.eval("document.querySelector('track').src").await;
    assert!(source.as_str().unwrap().starts_with("blob:"), "{source}");
    assert_eq!(test.eval("probe.violations").await, json!([]));
    test.play_to_end().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "text tracks and their rendering")]
async fn hls_captions_are_loaded_when_switched_on(test: &TestContext) {
    are_shown(test, "").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "text tracks and their rendering")]
async fn dash_captions_are_loaded_when_switched_on(test: &TestContext) {
    are_shown(test, "?src=film/film.mpd").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "text tracks and localStorage")]
async fn captions_stay_on_in_the_next_video(test: &TestContext) {
    test.open("").await;
    test.toggle_captions().await;
    test.wait_for_cues(0, 8).await;
    test.open("?src=film/film.mpd").await;
    test.wait_for_cues(0, 8).await;
    // They stay on when the video is loaded again.
    test.press("Play again").await;
    test.wait_for_milestone("first frame").await;
    test.wait_for_cues(0, 8).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "text tracks and the menu")]
async fn languages_can_be_selected(test: &TestContext) {
    let end = SAMPLE_MPD[SAMPLE_MPD.find(LISTED).unwrap()..]
        .find("</AdaptationSet>")
        .unwrap();
    let english = &SAMPLE_MPD[SAMPLE_MPD.find(LISTED).unwrap()..][..end];
    let german = english
        .replace("lang=\"en\">", "lang=\"de\"><Label>Deutsch</Label>")
        .replace("captions.vtt", "deutsch.vtt");
    let video = SAMPLE_MPD.replacen(LISTED, &format!("{german}</AdaptationSet>{LISTED}"), 1);
    test.server.add_file("film/two.mpd", video);
    test.server.add_file(
        "film/deutsch.vtt",
        "WEBVTT\n\n00:00.000 --> 00:32.000\nEin Film aus einem anderen Thread.\n",
    );
    test.open("?src=film/two.mpd").await;
    test.wait_until_playing().await;
    let names =
        "[...document.querySelectorAll('[name=captions] option')].map(it => it.textContent)";
    test.wait_until(&format!("{names}.length === 3")).await;
    let both = ["Deutsch", "English"].map(|name| format!("{name} – for the hard of hearing"));
    assert_eq!(test.eval(names).await, json!(["Off", both[0], both[1]]));
    test.pause().await;
    test.press_element(By::Css(".settings")).await;
    test.press_element(By::XPath("//select[@name='captions']/option[2]"))
        .await;
    test.wait_for_cues(0, 1).await;
    test.press_element(By::XPath("//select[@name='captions']/option[3]"))
        .await;
    test.wait_for_cues(1, 8).await;
    let first = format!("{VIDEO}.textTracks[0].mode");
    assert_eq!(test.eval(&first).await, json!("disabled"));
    test.press_element(By::XPath("//select[@name='captions']/option[1]"))
        .await;
    test.wait_until("document.querySelector('.captions').ariaPressed === 'false'")
        .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "the message on the page")]
async fn unreadable_captions_are_reported_and_the_video_plays_on(test: &TestContext) {
    let said = "document.querySelector('.video-container > [role=status]')?.innerText ?? ''";
    test.server
        .add_fault("/captions.vtt", ServerFault::Text("<html>"));
    test.open("").await;
    test.toggle_captions().await;
    test.wait_until(&format!(
        "({said}).startsWith('Subtitles could not be loaded.')"
    ))
    .await;
    let words = test.eval(said).await;
    assert!(words.as_str().unwrap().contains("not WebVTT"), "{words}");
    // Switching them off and on tries again.
    test.server.clear_faults();
    test.toggle_captions().await;
    test.wait_until(&format!("({said}) === ''")).await;
    test.toggle_captions().await;
    test.wait_for_cues(0, 8).await;
    test.play_to_end().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "the browser's WebVTT parser reads the cue times")]
async fn captions_of_a_later_period_are_shifted(test: &TestContext) {
    let part = |nth: u32| {
        format!(
            "<Period duration=\"PT16S\"><AdaptationSet mimeType=\"video/mp4\"><SegmentTemplate timescale=\"1\" \
             duration=\"2\" startNumber=\"{}\" presentationTimeOffset=\"{}\" \
             initialization=\"$RepresentationID$/init.mp4\" media=\"$RepresentationID$/$Number$.m4s\"/>\
             <Representation id=\"240p\" codecs=\"avc1.4d4015\" bandwidth=\"156156\"/></AdaptationSet>\
             <AdaptationSet mimeType=\"text/vtt\" lang=\"en\"><Representation id=\"c\">\
             <BaseURL>part.vtt</BaseURL></Representation></AdaptationSet></Period>",
            nth * 8 + 1,
            nth * 16
        )
    };
    let video = ["<MPD type=\"static\">", &part(0), &part(1), "</MPD>"].concat();
    test.server.add_file("film/parts.mpd", video);
    test.server.add_file(
        "film/part.vtt",
        "WEBVTT\n\n00:02.500 --> 00:05.000 line:0\nA part.\n",
    );
    test.open("?src=film/parts.mpd").await;
    test.toggle_captions().await;
    test.wait_for_cues(0, 2).await;
    let times =
        format!("[...{VIDEO}.textTracks[0].cues].map(it => [it.startTime, it.endTime, it.line])");
    assert_eq!(test.eval(&times).await, json!([[2.5, 5, 0], [18.5, 21, 0]]));
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a worker is terminated")]
async fn captions_are_loaded_again_by_a_new_worker(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.open("").await;
    test.toggle_captions().await;
    test.wait_for_cues(0, 8).await;
    let before = test.eval("document.querySelector('track').src").await;
    test.eval("probe.workers.at(-1).deref().terminate()").await;
    test.wait_until("probe.workers.length === 2").await;
    test.wait_until(&format!("document.querySelector('track').src !== {before}"))
        .await;
    test.wait_for_cues(0, 8).await;
    test.play_to_end().await;
}
