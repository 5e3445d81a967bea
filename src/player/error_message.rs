//! The message that covers the video when playback cannot continue.

use yew::prelude::*;

use crate::protocol::PlaybackError;

/// Renders what went wrong, what the viewer can do, and a button that tries it. Screen readers announce it.
pub fn error_message(error: &PlaybackError, onretry: &Callback<MouseEvent>) -> Html {
    html! {
        <div class="error-message" role="alert">
            <p class="title">{ error.to_string() }</p>
            <p>{ error.advice() }</p>
            <button type="button" onclick={onretry}>{ button_label(error) }</button>
        </div>
    }
}

const fn button_label(error: &PlaybackError) -> &'static str {
    match error {
        PlaybackError::NoMediaSourceInWorkers => "Play without a worker",
        _ => "Try again",
    }
}
