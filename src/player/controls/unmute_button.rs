//! The button that unmutes a video that was muted for autoplay.

use yew::prelude::*;

use super::button::{icon, use_request};
use crate::player::{
    handle::{use_labels, use_media},
    media::MediaRequest,
};

/// Shown while the video is muted, but not by the viewer.
#[component]
pub fn UnmuteButton() -> Html {
    let labels = use_labels();
    let is_shown = use_media(|media| media.muted_for_autoplay);
    let onclick = use_request(MediaRequest::Mute);
    html! {
        <button type="button" class="unmute" hidden={!is_shown} {onclick}>
            { icon("M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM16 9.7l4.6 4.6M20.6 9.7L16 14.3") }
            { &labels.unmute }
        </button>
    }
}
