//! The element's text tracks: captions and chapters.

use web_sys::{HtmlVideoElement, TextTrack, TextTrackKind, TextTrackMode, VttCue};

use crate::player::preferences;

/// The element's text tracks of a kind.
pub fn tracks(video: &HtmlVideoElement, kind: TextTrackKind) -> Vec<TextTrack> {
    let mut tracks = Vec::new();
    if let Some(all) = video.text_tracks() {
        let all = (0..all.length()).filter_map(|index| all.get(index));
        tracks.extend(all.filter(|track| track.kind() == kind));
    }
    tracks
}

/// The element's caption tracks.
pub fn captions(video: &HtmlVideoElement) -> Vec<TextTrack> {
    tracks(video, TextTrackKind::Captions)
}

/// Whether a track is displayed.
pub fn is_shown(captions: &TextTrack) -> bool {
    captions.mode() == TextTrackMode::Showing
}

/// The cues of the chapter track.
pub fn chapters(video: &HtmlVideoElement) -> impl Iterator<Item = VttCue> + use<> {
    let track = tracks(video, TextTrackKind::Chapters);
    let cues = track.first().and_then(TextTrack::cues);
    let count = cues.as_ref().map_or(0, |cues| cues.length());
    (0..count).filter_map(move |index| cues.as_ref()?.get(index))
}

/// Shows the captions with this index. Others are disabled rather than hidden, so that they are not fetched.
pub fn show_captions(video: &HtmlVideoElement, index: Option<u32>) {
    for (other, track) in (0..).zip(captions(video)) {
        track.set_mode(match index == Some(other) {
            true => TextTrackMode::Showing,
            false => TextTrackMode::Disabled,
        });
    }
}

/// Has chapters loaded but not displayed, and captions displayed if they were on the last visit.
pub fn prepare(video: &HtmlVideoElement) {
    for chapters in tracks(video, TextTrackKind::Chapters) {
        chapters.set_mode(TextTrackMode::Hidden);
    }
    if !captions(video).iter().any(is_shown) {
        let is_wanted = preferences::number("captions") == Some(1);
        show_captions(video, is_wanted.then_some(0));
    }
}
