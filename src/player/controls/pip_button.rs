//! The button for picture-in-picture.

use yew::prelude::*;

use super::button::{ControlButton, icon, use_request};
use crate::player::{
    handle::{use_labels, use_media},
    media::MediaRequest,
};

/// Enters and leaves picture-in-picture. Hidden where the browser has none.
#[component]
pub fn PipButton() -> Html {
    let labels = use_labels();
    let is_on = use_media(|media| media.is_in_picture_in_picture);
    let onclick = use_request(MediaRequest::PictureInPicture);
    html! {
        <ControlButton
            class="pip"
            label={&labels.picture_in_picture}
            shortcut="i"
            pressed={is_on == Some(true)}
            hidden={is_on.is_none()}
            {onclick}
        >
            { icon("M10 18.5H5.5A2.5 2.5 0 0 1 3 16V7.5A2.5 2.5 0 0 1 5.5 5h13A2.5 2.5 0 0 1 21 7.5V10M13.5 13.5H21V19h-7.5z") }
        </ControlButton>
    }
}
