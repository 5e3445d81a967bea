//! The signs on the buttons: strokes on a field of 24 by 24, drawn for this player.

use yew::prelude::*;

/// A sign. Its path is what it is.
pub type Icon = &'static str;

pub const PLAY: Icon = "M8 5.5v13l10.5-6.5z";
pub const PAUSE: Icon = "M8 5.5v13M16 5.5v13";
pub const REPLAY: Icon = "M4.5 12a7.5 7.5 0 1 0 2.6-5.7L4.5 8.5M4.5 4v4.5H9";
pub const SOUND: Icon =
    "M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11";
pub const SILENCE: Icon = "M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM16 9.7l4.6 4.6M20.6 9.7L16 14.3";
pub const CAPTIONS: Icon = "M5.5 5h13A2.5 2.5 0 0 1 21 7.5v9a2.5 2.5 0 0 1-2.5 2.5h-13A2.5 2.5 0 0 1 3 16.5v-9A2.5 2.5 0 0 1 5.5 5zM7 12h3M13.5 12H17M7 15.5h6.5M17 15.5h0";
pub const SETTINGS: Icon = "M4 7.5h9M17 7.5h3M4 16.5h3M11 16.5h9M17 7.5a2 2 0 1 1-4 0a2 2 0 1 1 4 0M11 16.5a2 2 0 1 1-4 0a2 2 0 1 1 4 0";
pub const FLOAT: Icon = "M10 18.5H5.5A2.5 2.5 0 0 1 3 16V7.5A2.5 2.5 0 0 1 5.5 5h13A2.5 2.5 0 0 1 21 7.5V10M13.5 13.5H21V19h-7.5z";
pub const GROW: Icon = "M4.5 9V4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15";
pub const SHRINK: Icon = "M9 4.5V9H4.5M15 4.5V9h4.5M19.5 15H15v4.5M4.5 15H9v4.5";

/// Draws one.
pub fn icon(path: Icon) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d={path} /></svg>
    }
}
