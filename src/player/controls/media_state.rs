//! The element's state as the controls show it, except for the playback position.

use web_sys::{
    Element, HtmlInputElement, HtmlSelectElement, HtmlVideoElement, TextTrack, TextTrackKind,
    TextTrackMode,
};

use super::{
    format::{clock, factor},
    preferences,
};
use crate::{
    platform::web,
    player::dom::{document, query},
};

/// The events after which the state may differ.
pub const EVENTS: [&str; 18] = [
    "emptied",
    "loadedmetadata",
    "durationchange",
    "loadeddata",
    "canplay",
    "waiting",
    "play",
    "playing",
    "pause",
    "seeking",
    "seeked",
    "ended",
    "volumechange",
    "ratechange",
    "enterpictureinpicture",
    "leavepictureinpicture",
    // Of `<track>` elements, in the capture phase.
    "load",
    "error",
];

/// A snapshot of the element. Rounded to whole numbers, so that snapshots differ only if the display does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MediaState {
    /// Whether it is paused.
    pub paused: bool,
    /// Whether playback has ended.
    pub ended: bool,
    /// Whether anything has been played.
    pub started: bool,
    /// Whether it waits for data.
    pub waiting: bool,
    /// Whether it is muted.
    pub muted: bool,
    /// Whether it is muted only for autoplay, not by the viewer.
    pub muted_for_autoplay: bool,
    /// Volume in percent.
    pub volume: u32,
    /// Playback rate in percent.
    pub rate: u32,
    /// Duration in whole seconds; 0 if unknown or infinite.
    pub duration: u32,
    /// Whether captions are shown; `None` if there are none.
    pub captions: Option<bool>,
    /// Whether the player is full screen.
    pub is_fullscreen: bool,
    /// Whether it is in picture in picture; `None` if the browser does not support that.
    pub is_in_picture_in_picture: Option<bool>,
}

impl MediaState {
    /// Takes a snapshot.
    pub fn of(video: &HtmlVideoElement, frame: &Element) -> Self {
        let paused = video.paused();
        let muted = video.muted();
        let waiting = match video.ready_state() {
            0 => true,
            // HAVE_METADATA, HAVE_CURRENT_DATA: the next frame is missing.
            1 | 2 => !paused || video.seeking(),
            _ => false,
        };
        Self {
            paused,
            // An element that has lost its engine reports `ended`, too.
            ended: video.ended() && !web::has_lost_media_source(video),
            started: video.played().length() > 0,
            waiting,
            muted,
            muted_for_autoplay: muted && preferences::number("muted") != Some(1),
            volume: percent(video.volume()),
            rate: percent(video.playback_rate()),
            duration: Some(video.duration())
                .filter(|seconds| seconds.is_finite())
                .map_or(0, |seconds| seconds as u32),
            captions: Some(captions(video))
                .filter(|tracks| !tracks.is_empty())
                .map(|tracks| tracks.iter().any(is_shown)),
            is_fullscreen: document()
                .and_then(|document| document.fullscreen_element())
                .is_some_and(|element| element == *frame),
            is_in_picture_in_picture: web::is_in_picture_in_picture(video),
        }
    }

    /// Updates the controls from the snapshot `before` to this one.
    pub fn write(&self, before: &Self, frame: &Element) {
        let state = match (self.ended, self.paused, self.started) {
            (true, ..) => "ended",
            (_, false, _) => "playing",
            (_, _, true) => "paused",
            _ => "new",
        };
        let set = |selector, name, value: &str| {
            if let Some(part) = query::<Element>(frame, selector) {
                // Never throws for a valid name.
                let _ = part.set_attribute(name, value);
            }
        };
        let have = |selector, name, has| {
            if let Some(part) = query::<Element>(frame, selector) {
                let _ = part.toggle_attribute_with_force(name, has);
            }
        };
        set(".controls", "data-state", state);
        have(".controls", "data-waiting", self.waiting);
        have(".controls", "data-muted", self.muted);
        have(
            ".controls",
            "data-muted-for-autoplay",
            self.muted_for_autoplay,
        );
        let playing = match state {
            "playing" => "Pause",
            "ended" => "Play again",
            _ => "Play",
        };
        set(".big-play", "aria-label", playing);
        set(".play", "aria-label", playing);
        set(
            ".mute",
            "aria-label",
            if self.muted { "Unmute" } else { "Mute" },
        );
        let full = if self.is_fullscreen {
            "Exit full screen"
        } else {
            "Full screen"
        };
        set(".fullscreen", "aria-label", full);
        for (selector, is_on) in [
            (".captions", self.captions),
            (".pip", self.is_in_picture_in_picture),
        ] {
            have(selector, "hidden", is_on.is_none());
            set(
                selector,
                "aria-pressed",
                if is_on == Some(true) { "true" } else { "false" },
            );
        }
        let volume = if self.muted { 0 } else { self.volume };
        set(
            ".volume path",
            "d",
            &["M0 0H", &volume.to_string()].concat(),
        );
        if let Some(slider) = query::<HtmlInputElement>(frame, ".volume input") {
            slider.set_value_as_number(volume.into());
        }
        if let Some(speed) = query::<HtmlSelectElement>(frame, "[name=speed]") {
            speed.set_value(&self.rate.to_string());
        }
        if let Some(duration) = query::<Element>(frame, ".duration") {
            let words = [" / ", &clock(self.duration)].concat();
            duration.set_text_content(Some(&words));
        }
        // Changes before playback come from restoring preferences.
        if self.started
            && let Some(announcement) = self.announcement(before)
        {
            say(frame, &announcement);
        }
        if self.waiting != before.waiting
            && let Some(status) = query::<Element>(frame, ".controls > .visually-hidden")
        {
            status.set_text_content(Some(if self.waiting { "Loading" } else { "" }));
        }
    }

    /// The change since `before` that is announced to the viewer, if any.
    pub fn announcement(&self, before: &Self) -> Option<String> {
        let words = match (before.captions, self.captions) {
            (Some(false), Some(true)) => "Subtitles on",
            (Some(true), Some(false)) => "Subtitles off",
            _ if self.rate != before.rate => return Some("Speed ".to_owned() + &factor(self.rate)),
            _ if self.muted && !before.muted => "Muted",
            _ if self.muted != before.muted || self.volume != before.volume => {
                return Some(["Volume ", &self.volume.to_string(), " %"].concat());
            }
            _ => return None,
        };
        Some(words.into())
    }
}

/// Shows a message for a moment, and has screen readers announce it.
fn say(frame: &Element, words: &str) {
    let said = query::<Element>(frame, ".toast");
    let span = document().and_then(|document| document.create_element("span").ok());
    if let Some((said, span)) = said.zip(span) {
        span.set_text_content(Some(words));
        // A new element restarts the animation even if the text is the same.
        said.set_text_content(None);
        let _ = said.append_child(&span);
    }
}

/// The element's caption tracks.
pub fn captions(video: &HtmlVideoElement) -> Vec<TextTrack> {
    tracks(video, TextTrackKind::Captions)
}

/// The element's text tracks of a kind.
pub fn tracks(video: &HtmlVideoElement, kind: TextTrackKind) -> Vec<TextTrack> {
    let mut tracks = Vec::new();
    if let Some(all) = video.text_tracks() {
        let all = (0..all.length()).filter_map(|nth| all.get(nth));
        tracks.extend(all.filter(|track| track.kind() == kind));
    }
    tracks
}

/// Whether a track is displayed.
pub fn is_shown(captions: &TextTrack) -> bool {
    captions.mode() == TextTrackMode::Showing
}

fn percent(part: f64) -> u32 {
    (part * 100.0 + 0.5) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_announced_once() {
        let before = MediaState {
            volume: 100,
            rate: 100,
            captions: Some(false),
            ..MediaState::default()
        };
        assert_eq!(before.announcement(&before), None);
        let muted = MediaState {
            muted: true,
            ..before
        };
        assert_eq!(muted.announcement(&before).as_deref(), Some("Muted"));
        assert_eq!(before.announcement(&muted).as_deref(), Some("Volume 100 %"));
        let captioned = MediaState {
            captions: Some(true),
            ..before
        };
        assert_eq!(
            captioned.announcement(&before).as_deref(),
            Some("Subtitles on")
        );
        // The next video has no captions; the viewer has not turned them off.
        let other = MediaState {
            captions: None,
            ..before
        };
        assert_eq!(other.announcement(&captioned), None);
        let fast = MediaState {
            rate: 150,
            ..before
        };
        assert_eq!(fast.announcement(&before).as_deref(), Some("Speed 1.5"));
    }
}
