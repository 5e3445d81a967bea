//! Position and duration.

use yew::prelude::*;

use crate::player::{
    format::{clock, wall_clock},
    handle::{use_media, use_playback},
};

/// The position, and the duration once it is known. In a live stream, the wall-clock time of the position if the stream
/// tells that.
#[component]
pub fn TimeDisplay() -> Html {
    let position = use_media(|media| media.displayed.second);
    let duration = use_media(|media| {
        let finite = media.duration.filter(|duration| duration.is_finite());
        finite.map(|duration| duration as u32)
    });
    let is_live = use_playback(|model| model.live.is_some());
    // In whole seconds, because it varies by some milliseconds.
    let zero = use_playback(|model| model.live?.zero.map(f64::round));
    let current = match zero {
        Some(zero) => wall_clock(zero + f64::from(position)),
        None if is_live => String::new(),
        None => clock(position),
    };
    html! {
        <div class="time">
            <span class="current-time">{ current }</span>
            <span class="duration">
                { duration.map(|duration| [" / ", &clock(duration)].concat()) }
            </span>
        </div>
    }
}
