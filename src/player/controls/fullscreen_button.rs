//! The button for full screen.

use yew::prelude::*;

use super::button::{ControlButton, icon, use_request};
use crate::player::{
    handle::{use_labels, use_media},
    media::MediaRequest,
};

/// Enters and leaves full screen.
#[component]
pub fn FullscreenButton() -> Html {
    let labels = use_labels();
    let is_on = use_media(|media| media.is_fullscreen);
    let onclick = use_request(MediaRequest::FullScreen);
    let (label, path) = if is_on {
        let collapse = "M9 4.5V9H4.5M15 4.5V9h4.5M19.5 15H15v4.5M4.5 15H9v4.5";
        (&labels.exit_full_screen, collapse)
    } else {
        let expand = "M4.5 9V4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15";
        (&labels.full_screen, expand)
    };
    html! {
        <ControlButton class="fullscreen" {label} shortcut="f" {onclick}>{ icon(path) }</ControlButton>
    }
}
