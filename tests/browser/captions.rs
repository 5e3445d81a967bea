//! Captions: listed by the film's manifest, read by the engine, drawn by the element's own text tracks.

use macro_rules_attribute::apply;
use serde_json::json;
use thirtyfour::By;

use crate::{
    server::{FILM, Trouble},
    stage::{Feature, Stage},
    suite::in_every_browser,
};

const VIDEO: &str = "document.querySelector('video')";
/// The captions of the sample film, as its MPD lists them.
const LISTED: &str =
    "<AdaptationSet id=\"3\" contentType=\"text\" mimeType=\"text/vtt\" lang=\"en\">";

impl Stage {
    /// Switches the captions on or off.
    async fn press_captions(&self) {
        self.until("!document.querySelector('.captions').hidden")
            .await;
        self.rest().await;
        self.press_on(By::Css(".captions")).await;
        self.value(&format!("void {VIDEO}.play()")).await;
    }

    /// Waits until this track shows so many cues.
    async fn until_cues(&self, track: usize, count: usize) {
        let track = format!("{VIDEO}.textTracks[{track}]");
        self.until(&format!(
            "{track}.mode === 'showing' && {track}.cues?.length === {count}"
        ))
        .await;
    }
}

async fn are_shown(stage: &Stage, query: &str) {
    stage.open(query).await;
    stage.plays().await;
    stage
        .until("!document.querySelector('.captions').hidden")
        .await;
    assert_eq!(
        stage.server.requests("/captions.vtt"),
        0,
        "nobody has asked"
    );
    stage.press_captions().await;
    stage.until_cues(0, 8).await;
    stage.value(&format!("{VIDEO}.currentTime = 13")).await;
    let shown = format!("{VIDEO}.textTracks[0].activeCues[0]?.text");
    stage
        .until(&format!("{shown}?.includes('arrives on the page')"))
        .await;
    stage.screenshot("captions").await;
    let track = format!("(it => [it.label, it.language])({VIDEO}.textTracks[0])");
    let (label, language) = match query.is_empty() {
        true => ("English", "en"),
        false => ("en", "en"),
    };
    assert_eq!(stage.value(&track).await, json!([label, language]));

    // They are read once, and by the engine.
    stage.press_captions().await;
    stage
        .until(&format!("{VIDEO}.textTracks[0].mode === 'disabled'"))
        .await;
    stage.press_captions().await;
    stage.until_cues(0, 8).await;
    assert_eq!(stage.server.requests("/captions.vtt"), 1);
    let source = stage.value("document.querySelector('track').src").await;
    assert!(source.as_str().unwrap().starts_with("blob:"), "{source}");
    assert_eq!(stage.value("probe.violations").await, json!([]));
    stage.ends_with_all_there().await;
}

#[apply(in_every_browser!)]
async fn those_of_a_playlist_are_shown_when_somebody_asks(stage: &Stage) {
    are_shown(stage, "").await;
}

#[apply(in_every_browser!)]
async fn those_of_an_mpd_are_shown_when_somebody_asks(stage: &Stage) {
    are_shown(stage, "?src=film/film.mpd").await;
}

#[apply(in_every_browser!)]
async fn who_has_switched_them_on_has_them_the_next_time(stage: &Stage) {
    stage.open("").await;
    stage.press_captions().await;
    stage.until_cues(0, 8).await;
    stage.open("?src=film/film.mpd").await;
    stage.until_cues(0, 8).await;
    // Begun again, the film keeps them.
    stage.press("Play again").await;
    stage.until_taken("first frame").await;
    stage.until_cues(0, 8).await;
}

#[apply(in_every_browser!)]
async fn there_is_a_choice_of_languages(stage: &Stage) {
    let end = FILM[FILM.find(LISTED).unwrap()..]
        .find("</AdaptationSet>")
        .unwrap();
    let english = &FILM[FILM.find(LISTED).unwrap()..][..end];
    let german = english
        .replace("lang=\"en\">", "lang=\"de\"><Label>Deutsch</Label>")
        .replace("captions.vtt", "deutsch.vtt");
    let film = FILM.replacen(LISTED, &format!("{german}</AdaptationSet>{LISTED}"), 1);
    stage.server.make("film/two.mpd", film);
    stage.server.make(
        "film/deutsch.vtt",
        "WEBVTT\n\n00:00.000 --> 00:32.000\nEin Film aus einem anderen Thread.\n",
    );
    stage.open("?src=film/two.mpd").await;
    stage.plays().await;
    let names =
        "[...document.querySelectorAll('[name=captions] option')].map(it => it.textContent)";
    stage.until(&format!("{names}.length === 3")).await;
    assert_eq!(stage.value(names).await, json!(["Off", "Deutsch", "en"]));
    stage.rest().await;
    stage.press_on(By::Css(".settings")).await;
    stage
        .press_on(By::XPath("//select[@name='captions']/option[2]"))
        .await;
    stage.until_cues(0, 1).await;
    stage
        .press_on(By::XPath("//select[@name='captions']/option[3]"))
        .await;
    stage.until_cues(1, 8).await;
    let first = format!("{VIDEO}.textTracks[0].mode");
    assert_eq!(stage.value(&first).await, json!("disabled"));
    stage
        .press_on(By::XPath("//select[@name='captions']/option[1]"))
        .await;
    stage
        .until("document.querySelector('.captions').ariaPressed === 'false'")
        .await;
}

#[apply(in_every_browser!)]
async fn those_that_cannot_be_read_are_told_of_and_the_film_plays_on(stage: &Stage) {
    let said = "document.querySelector('.video-container > [role=status]')?.innerText ?? ''";
    stage
        .server
        .trouble("/captions.vtt", Trouble::Text("<html>"));
    stage.open("").await;
    stage.press_captions().await;
    stage
        .until(&format!(
            "({said}).startsWith('Subtitles could not be loaded.')"
        ))
        .await;
    let words = stage.value(said).await;
    assert!(words.as_str().unwrap().contains("not WebVTT"), "{words}");
    // Off and on again is another try.
    stage.server.heal();
    stage.press_captions().await;
    stage.until(&format!("({said}) === ''")).await;
    stage.press_captions().await;
    stage.until_cues(0, 8).await;
    stage.ends_with_all_there().await;
}

#[apply(in_every_browser!)]
async fn those_of_a_later_period_come_later(stage: &Stage) {
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
    let film = ["<MPD type=\"static\">", &part(0), &part(1), "</MPD>"].concat();
    stage.server.make("film/parts.mpd", film);
    stage.server.make(
        "film/part.vtt",
        "WEBVTT\n\n00:02.500 --> 00:05.000 line:0\nA part.\n",
    );
    stage.open("?src=film/parts.mpd").await;
    stage.press_captions().await;
    stage.until_cues(0, 2).await;
    let times =
        format!("[...{VIDEO}.textTracks[0].cues].map(it => [it.startTime, it.endTime, it.line])");
    assert_eq!(
        stage.value(&times).await,
        json!([[2.5, 5, 0], [18.5, 21, 0]])
    );
}

#[apply(in_every_browser!)]
async fn they_outlive_the_worker(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.open("").await;
    stage.press_captions().await;
    stage.until_cues(0, 8).await;
    let before = stage.value("document.querySelector('track').src").await;
    stage
        .value("probe.workers.at(-1).deref().terminate()")
        .await;
    stage.until("probe.workers.length === 2").await;
    stage
        .until(&format!("document.querySelector('track').src !== {before}"))
        .await;
    stage.until_cues(0, 8).await;
    stage.ends_with_all_there().await;
}
