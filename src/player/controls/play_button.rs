//! The buttons that play and pause.

use yew::prelude::*;

use super::button::{ControlButton, icon_of_class, use_request};
use crate::player::{
    handle::{use_labels, use_media},
    media::{MediaRequest, PlaybackPhase},
};

/// Plays, pauses, or plays again from the beginning.
#[component]
pub fn PlayButton() -> Html {
    let phase = use_media(|media| media.phase());
    let onclick = use_request(MediaRequest::Toggle);
    let label = use_label(phase);
    html! {
        <ControlButton class="play" {label} shortcut="k" {onclick}>{ phase_icon(phase) }</ControlButton>
    }
}

/// The large button in the middle, for touch, before the start and at the end. Keyboards have [`PlayButton`].
#[component]
pub fn BigPlayButton() -> Html {
    let phase = use_media(|media| media.phase());
    let onclick = use_request(MediaRequest::Toggle);
    let label = use_label(phase);
    html! {
        <button type="button" class="big-play" aria-label={label} tabindex="-1" {onclick}>
            { phase_icon(phase) }
        </button>
    }
}

#[hook]
fn use_label(phase: PlaybackPhase) -> AttrValue {
    let labels = use_labels();
    match phase {
        PlaybackPhase::New | PlaybackPhase::Paused => labels.play.clone(),
        PlaybackPhase::Playing => labels.pause.clone(),
        PlaybackPhase::Ended => labels.play_again.clone(),
    }
}

fn phase_icon(phase: PlaybackPhase) -> Html {
    match phase {
        PlaybackPhase::New | PlaybackPhase::Paused => {
            icon_of_class("icon-play", "M8 5.5v13l10.5-6.5z")
        }
        PlaybackPhase::Playing => icon_of_class("icon-pause", "M8.5 5.5v13M15.5 5.5v13"),
        PlaybackPhase::Ended => icon_of_class(
            "icon-replay",
            "M4.5 12a7.5 7.5 0 1 0 2.6-5.7L4.5 8.5M4.5 4v4.5H9",
        ),
    }
}
