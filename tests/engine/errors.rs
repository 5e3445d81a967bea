//! Failures that end a session, and their messages.

use crate::page::{
    DURATION_SECONDS, Fault, Page, failure_of, in_chromium_and_firefox, play_to_end, wait_until,
};

/// Loads a video of a site with this fault, and asserts that the failure's message contains this text.
fn fails_with(name: &str, part: &str, fault: Fault, text: &str) {
    in_chromium_and_firefox(|_, site| {
        site.add_fault(part, fault.clone());
        let page = Page::open();
        page.load(name);
        let reason = failure_of(&page, 120.0);
        assert!(reason.contains(text), "{reason}");
    });
}

#[test]
fn playlist_that_is_a_web_page_is_reported() {
    let html = Fault::Patch(|_| b"<!doctype html><title>Welcome".to_vec());
    fails_with("film.m3u8", "film.m3u8", html, "it is a web page");
}

#[test]
fn playlist_that_never_arrives_is_reported() {
    fails_with(
        "film.m3u8",
        "film.m3u8",
        Fault::Silence,
        "Waited 8 seconds for",
    );
}

#[test]
fn playlist_without_end_is_reported() {
    fails_with(
        "film.m3u8",
        "film.m3u8",
        Fault::Endless,
        "larger than the size limit",
    );
}

#[test]
fn segments_that_are_gone_are_reported() {
    let text = "The server answered 410 for the media segment";
    fails_with("film.m3u8", ".m4s", Fault::Status(410), text);
}

#[test]
fn init_segment_that_is_text_is_reported() {
    let text = Fault::Patch(|_| b"not a box in sight".to_vec());
    fails_with("film.m3u8", "p/init.mp4", text, "the init segment");
}

#[test]
fn codec_that_is_not_decoded_is_reported() {
    let patch = |file: Vec<u8>| {
        String::from_utf8(file)
            .unwrap()
            .replace("avc1", "vhs1")
            .into()
    };
    let text = "cannot play video/mp4; codecs=\"vhs1.";
    fails_with("film.m3u8", "film.m3u8", Fault::Patch(patch), text);
}

#[test]
fn next_session_plays_once_the_fault_is_gone() {
    in_chromium_and_firefox(|_, site| {
        site.add_fault(".m4s", Fault::Status(410));
        let page = Page::open();
        page.load("film.mpd");
        failure_of(&page, 60.0);
        site.clear_faults();
        let page = Page::open();
        page.load("film.mpd");
        wait_until(&page, 10.0, || page.element.position() > 0.5);
        play_to_end(&page, DURATION_SECONDS);
    });
}
