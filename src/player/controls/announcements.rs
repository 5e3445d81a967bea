//! Announcements of changes: of volume, speed and subtitles.

use yew::prelude::*;

use crate::player::{
    format::factor,
    handle::{use_labels, use_media, use_playback},
    labels::Labels,
    media::MediaState,
};

/// What is announced when it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Announced {
    /// Whether anything has been played. Earlier changes come from restoring preferences.
    started: bool,
    muted: bool,
    /// In percent.
    volume: u32,
    /// In percent.
    rate: u32,
    /// Whether subtitles are shown; `None` if there are none.
    subtitles: Option<bool>,
}

/// Shows a change for a moment, and has screen readers announce it.
#[component]
pub fn Announcements() -> Html {
    let labels = use_labels();
    let current = use_media(Announced::of);
    let previous = use_mut_ref(|| current);
    let shown = use_state(|| (0_u32, None::<String>));
    {
        let shown = shown.clone();
        let labels = labels.clone();
        use_effect_with(current, move |current| {
            let previous = previous.replace(*current);
            let text = current.announcement(&previous, &labels);
            if text.is_some() {
                shown.set((shown.0.wrapping_add(1), text));
            }
        });
    }
    let left_windows = use_playback(|model| model.left_windows);
    {
        let (shown, text) = (shown.clone(), labels.left_window.to_string());
        use_effect_with(left_windows, move |left_windows| {
            if *left_windows > 0 {
                shown.set((shown.0.wrapping_add(1), Some(text)));
            }
        });
    }
    let (count, text) = &*shown;
    html! {
        // A new element restarts the animation even if the text is the same.
        <p class="toast" role="status"><span key={*count}>{ text.clone() }</span></p>
    }
}

impl Announced {
    fn of(media: &MediaState) -> Self {
        let exist = !media.captions.is_empty();
        Self {
            started: media.started,
            muted: media.muted,
            volume: media.volume,
            rate: media.rate,
            subtitles: exist.then(|| media.shown_captions().is_some()),
        }
    }

    /// The change since `before`, if it is to be announced.
    fn announcement(&self, before: &Self, labels: &Labels) -> Option<String> {
        let text = match (before.subtitles, self.subtitles) {
            _ if !self.started => return None,
            (Some(false), Some(true)) => &labels.subtitles_on,
            (Some(true), Some(false)) => &labels.subtitles_off,
            _ if self.rate != before.rate => {
                return Some([&labels.speed, " ", &factor(self.rate)].concat());
            }
            _ if self.muted && !before.muted => &labels.muted,
            _ if self.muted != before.muted || self.volume != before.volume => {
                return Some([&labels.volume, " ", &self.volume.to_string(), " %"].concat());
            }
            _ => return None,
        };
        Some(text.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_announced_once() {
        let labels = Labels::default();
        let before = Announced {
            started: true,
            volume: 100,
            rate: 100,
            subtitles: Some(false),
            ..Announced::default()
        };
        let text = |after: Announced, before| after.announcement(&before, &labels);
        assert_eq!(text(before, before), None);
        let muted = Announced {
            muted: true,
            ..before
        };
        assert_eq!(text(muted, before).as_deref(), Some("Muted"));
        assert_eq!(text(before, muted).as_deref(), Some("Volume 100 %"));
        let subtitled = Announced {
            subtitles: Some(true),
            ..before
        };
        assert_eq!(text(subtitled, before).as_deref(), Some("Subtitles on"));
        // The next video has no subtitles; the viewer has not turned them off.
        let other = Announced {
            subtitles: None,
            ..before
        };
        assert_eq!(text(other, subtitled), None);
        let fast = Announced {
            rate: 150,
            ..before
        };
        assert_eq!(text(fast, before).as_deref(), Some("Speed 1.5"));
        let not_started = Announced {
            started: false,
            ..fast
        };
        assert_eq!(text(not_started, before), None);
    }
}
