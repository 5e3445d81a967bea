//! What is to be seen of the element, and what the controls show of it: all but where the film is.

use web_sys::{
    Element, HtmlInputElement, HtmlSelectElement, HtmlVideoElement, TextTrack, TextTrackKind,
    TextTrackMode,
};

use super::{super::dom::document, part, preferences, seek_bar::clock};
use crate::platform::web;

/// Whatever may have changed what is seen.
pub const OCCASIONS: [&str; 18] = [
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
    // A track's file has come: of these the element hears on their way down.
    "load",
    "error",
];

/// A look at the element. Whole numbers, so that two looks differ only where a person sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MediaState {
    /// Whether it rests.
    pub paused: bool,
    /// Whether it has come to its end.
    pub ended: bool,
    /// Whether anything of it has been played.
    pub started: bool,
    /// Whether it would go on, or begin, had it something to show.
    pub waiting: bool,
    /// Whether it makes no sound …
    pub muted: bool,
    /// … though nobody has asked for that.
    pub muted_for_autoplay: bool,
    /// In percent.
    pub volume: u32,
    /// In percent of the speed that it was made at.
    pub rate: u32,
    /// Whole seconds; 0 while it is not known.
    pub duration: u32,
    /// Whether its captions are shown; `None` if it has none.
    pub captions: Option<bool>,
    /// Whether the player fills the screen.
    pub fills_screen: bool,
    /// Whether the picture is in a window of its own; `None` where it cannot be.
    pub floats: Option<bool>,
}

impl MediaState {
    /// Looks.
    pub fn of(video: &HtmlVideoElement, frame: &Element) -> Self {
        let paused = video.paused();
        let muted = video.muted();
        let waiting = match video.ready_state() {
            0 => true,
            // The frame after this one is not there.
            1 | 2 => !paused || video.seeking(),
            _ => false,
        };
        Self {
            paused,
            // Without its engine a film seems to have ended.
            ended: video.ended() && !web::is_bereft(video),
            started: video.played().length() > 0,
            waiting,
            muted,
            muted_for_autoplay: muted && preferences::number("muted") != Some(1),
            volume: percent(video.volume()),
            rate: percent(video.playback_rate()),
            // Infinite or unknown is 0, by the way in which Rust makes an integer of either.
            duration: Some(video.duration())
                .filter(|seconds| seconds.is_finite())
                .map_or(0, |seconds| seconds as u32),
            captions: Some(captions(video))
                .filter(|tracks| !tracks.is_empty())
                .map(|tracks| tracks.iter().any(is_shown)),
            fills_screen: document()
                .and_then(|document| document.fullscreen_element())
                .is_some_and(|element| element == *frame),
            floats: web::floats(video),
        }
    }

    /// Writes it where it differs from what was seen before.
    pub fn write(&self, before: &Self, frame: &Element) {
        let state = match (self.ended, self.paused, self.started) {
            (true, ..) => "ended",
            (_, false, _) => "playing",
            (_, _, true) => "paused",
            _ => "new",
        };
        let set = |selector, name, value: &str| {
            if let Some(part) = part::<Element>(frame, selector) {
                // These names are always allowed.
                let _ = part.set_attribute(name, value);
            }
        };
        let have = |selector, name, has| {
            if let Some(part) = part::<Element>(frame, selector) {
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
        let full = if self.fills_screen {
            "Exit full screen"
        } else {
            "Full screen"
        };
        set(".fullscreen", "aria-label", full);
        for (selector, is_on) in [(".captions", self.captions), (".pip", self.floats)] {
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
        if let Some(slider) = part::<HtmlInputElement>(frame, ".volume input") {
            slider.set_value_as_number(volume.into());
        }
        if let Some(speed) = part::<HtmlSelectElement>(frame, "[name=speed]") {
            speed.set_value(&self.rate.to_string());
        }
        if let Some(duration) = part::<Element>(frame, ".duration") {
            let words = [" / ", &clock(self.duration)].concat();
            duration.set_text_content(Some(&words));
        }
        // Until there is a film, things are only being set up.
        if self.started
            && let Some(news) = self.news(before)
        {
            say(frame, &news);
        }
        if self.waiting != before.waiting
            && let Some(status) = part::<Element>(frame, ".controls > .visually-hidden")
        {
            status.set_text_content(Some(if self.waiting { "Loading" } else { "" }));
        }
    }

    /// What a person is told who does not see it; what all see beside it needs no words.
    pub fn news(&self, before: &Self) -> Option<String> {
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

/// Says something, to all for a moment.
fn say(frame: &Element, words: &str) {
    let said = part::<Element>(frame, ".toast");
    let span = document().and_then(|document| document.create_element("span").ok());
    if let Some((said, span)) = said.zip(span) {
        span.set_text_content(Some(words));
        // Another element, though the words be the same: the moment begins anew.
        said.set_text_content(None);
        let _ = said.append_child(&span);
    }
}

/// The tracks of captions.
pub fn captions(video: &HtmlVideoElement) -> Vec<TextTrack> {
    tracks(video, TextTrackKind::Captions)
}

/// The tracks of a kind.
pub fn tracks(video: &HtmlVideoElement, kind: TextTrackKind) -> Vec<TextTrack> {
    let mut tracks = Vec::new();
    if let Some(all) = video.text_tracks() {
        let all = (0..all.length()).filter_map(|nth| all.get(nth));
        tracks.extend(all.filter(|track| track.kind() == kind));
    }
    tracks
}

/// Whether captions are on the picture.
pub fn is_shown(captions: &TextTrack) -> bool {
    captions.mode() == TextTrackMode::Showing
}

fn percent(part: f64) -> u32 {
    (part * 100.0 + 0.5) as u32
}

/// A speed as a person writes it: 125 percent is 1.25.
pub fn factor(percent: u32) -> String {
    let (whole, rest) = (percent / 100, percent % 100);
    let mut text = whole.to_string();
    if rest > 0 {
        let digits = if rest % 10 == 0 { rest / 10 } else { rest };
        let point = if rest < 10 { ".0" } else { "." };
        text = [&text, point, &digits.to_string()].concat();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_written_as_a_person_does() {
        let written = [50, 75, 100, 105, 125, 150, 200].map(factor);
        assert_eq!(written, ["0.5", "0.75", "1", "1.05", "1.25", "1.5", "2"]);
    }

    #[test]
    fn what_changes_is_told_once() {
        let before = MediaState {
            volume: 100,
            rate: 100,
            captions: Some(false),
            ..MediaState::default()
        };
        assert_eq!(before.news(&before), None);
        let muted = MediaState {
            muted: true,
            ..before
        };
        assert_eq!(muted.news(&before).as_deref(), Some("Muted"));
        assert_eq!(before.news(&muted).as_deref(), Some("Volume 100 %"));
        let captioned = MediaState {
            captions: Some(true),
            ..before
        };
        assert_eq!(captioned.news(&before).as_deref(), Some("Subtitles on"));
        // Another film, without captions: nobody has switched them off.
        let other = MediaState {
            captions: None,
            ..before
        };
        assert_eq!(other.news(&captioned), None);
        let fast = MediaState {
            rate: 150,
            ..before
        };
        assert_eq!(fast.news(&before).as_deref(), Some("Speed 1.5"));
    }
}
