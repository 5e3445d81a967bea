//! The bar at the bottom.

use yew::prelude::*;

use super::{
    captions_button::CaptionsButton, fullscreen_button::FullscreenButton, live_button::LiveButton,
    pip_button::PipButton, play_button::PlayButton, seek_bar::SeekBar, settings_menu::SettingsMenu,
    time_display::TimeDisplay, volume::Volume,
};
use crate::player::handle::use_labels;

/// The props of [`ControlBar`].
#[derive(PartialEq, Properties)]
pub struct ControlBarProps {
    /// The list of keyboard shortcuts, which the settings menu opens.
    pub shortcuts: NodeRef,
}

/// Seek bar and buttons.
#[component]
pub fn ControlBar(props: &ControlBarProps) -> Html {
    let labels = use_labels();
    html! {
        <div class="control-bar" role="group" aria-label={&labels.controls}>
            <SeekBar />
            <div class="buttons">
                <PlayButton />
                <Volume />
                <LiveButton />
                <TimeDisplay />
                <CaptionsButton />
                <SettingsMenu shortcuts={props.shortcuts.clone()} />
                <PipButton />
                <FullscreenButton />
            </div>
        </div>
    }
}
