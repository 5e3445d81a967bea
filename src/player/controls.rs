//! The player's controls: function components that read the element's state by
//! [`use_media`] and ask it for changes by [`use_request`].
//!
//! `docs/player.md` shows how to add a button.

mod announcements;
mod button;
mod captions_button;
mod control_bar;
mod fullscreen_button;
mod keyboard;
mod live_button;
mod pip_button;
mod play_button;
mod popup;
mod seek_bar;
mod settings_menu;
mod spinner;
mod time_display;
mod unmute_button;
mod volume;

use yew::prelude::*;

pub use self::{
    announcements::Announcements,
    button::{ControlButton, icon, use_request},
    captions_button::CaptionsButton,
    control_bar::ControlBar,
    fullscreen_button::FullscreenButton,
    keyboard::KeyboardLayer,
    live_button::LiveButton,
    pip_button::PipButton,
    play_button::{BigPlayButton, PlayButton},
    seek_bar::SeekBar,
    settings_menu::SettingsMenu,
    spinner::Spinner,
    time_display::TimeDisplay,
    unmute_button::UnmuteButton,
    volume::Volume,
};
use super::handle::{use_media, use_playback};

/// The standard controls.
#[component]
pub fn StandardControls() -> Html {
    let shortcuts = use_node_ref();
    html! {
        <ControlsLayer>
            <Spinner />
            <Announcements />
            <BigPlayButton />
            <UnmuteButton />
            <ControlBar shortcuts={shortcuts.clone()} />
            <KeyboardLayer sheet={shortcuts} />
        </ControlsLayer>
    }
}

/// The props of [`ControlsLayer`].
#[derive(PartialEq, Properties)]
pub struct ControlsLayerProps {
    /// The controls.
    pub children: Html,
}

/// A layer over the video. Its attributes tell style sheets the state: `data-state` is `new`, `playing`, `paused` or
/// `ended`; `data-waiting` is set while the element waits for data.
#[component]
pub fn ControlsLayer(props: &ControlsLayerProps) -> Html {
    let phase = use_media(|media| media.phase());
    let waiting = use_media(|media| media.waiting);
    let has_error = use_playback(|model| model.error.is_some());
    html! {
        <div class="controls" data-state={phase.name()} data-waiting={(waiting && !has_error).then_some("")}>
            { props.children.clone() }
        </div>
    }
}
