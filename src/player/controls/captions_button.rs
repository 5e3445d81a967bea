//! The button that turns subtitles on and off.

use yew::prelude::*;

use super::button::{ControlButton, icon, use_request};
use crate::player::{
    handle::{use_labels, use_media},
    media::MediaRequest,
};

/// Turns subtitles on and off. Hidden if there are none.
#[component]
pub fn CaptionsButton() -> Html {
    let labels = use_labels();
    let exist = use_media(|media| !media.captions.is_empty());
    let are_shown = use_media(|media| media.shown_captions().is_some());
    let onclick = use_request(MediaRequest::ToggleCaptions);
    html! {
        <ControlButton
            class="captions"
            label={&labels.subtitles}
            shortcut="c"
            pressed={are_shown}
            hidden={!exist}
            {onclick}
        >
            { icon(
                "M5.5 5h13A2.5 2.5 0 0 1 21 7.5v9a2.5 2.5 0 0 1-2.5 2.5h-13A2.5 2.5 0 0 1 3 16.5v-9\
                 A2.5 2.5 0 0 1 5.5 5zM7 12h3M13.5 12H17M7 15.5h6.5M17 15.5h0",
            ) }
        </ControlButton>
    }
}
