//! Position and duration.

use yew::prelude::*;

use crate::player::{format::clock, handle::use_media};

/// The position, and the duration once it is known.
#[component]
pub fn TimeDisplay() -> Html {
    let position = use_media(|media| media.displayed.second);
    let duration = use_media(|media| {
        let finite = media.duration.filter(|duration| duration.is_finite());
        finite.map(|duration| duration as u32)
    });
    html! {
        <div class="time">
            <span class="current-time">{ clock(position) }</span>
            <span class="duration">
                { duration.map(|duration| [" / ", &clock(duration)].concat()) }
            </span>
        </div>
    }
}
