//! The volume.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::button::{ControlButton, use_request};
use crate::player::{
    handle::{use_labels, use_media, use_player},
    media::MediaRequest,
};

/// A button that mutes, and a slider from silence to full volume.
#[component]
pub fn Volume() -> Html {
    let (player, labels) = (use_player(), use_labels());
    let muted = use_media(|media| media.muted);
    let percent = use_media(|media| if media.muted { 0 } else { media.volume });
    let onclick = use_request(MediaRequest::Mute);
    let (label, waves) = if muted {
        (&labels.unmute, "M16 9.7l4.6 4.6M20.6 9.7L16 14.3")
    } else {
        let waves = "M15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11";
        (&labels.mute, waves)
    };
    let oninput = move |event: InputEvent| {
        let slider = event.target_unchecked_into::<HtmlInputElement>();
        player.request(MediaRequest::Volume(slider.value_as_number() as i32));
    };
    html! {
        <>
            <ControlButton class="mute" {label} shortcut="m" {onclick}>
                <svg viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M4 9.5v5h3.5l4.5 4v-13l-4.5 4z" />
                    <path d={waves} />
                </svg>
            </ControlButton>
            <div class="volume">
                <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                    <path d={["M0 0H", &percent.to_string()].concat()} />
                </svg>
                <input
                    type="range"
                    min="0"
                    max="100"
                    step="5"
                    aria-label={&labels.volume}
                    value={percent.to_string()}
                    {oninput}
                />
            </div>
        </>
    }
}
