//! The message that covers the video when playback cannot continue.

use yew::prelude::*;

use crate::protocol::PlaybackError;

/// Renders the error, advice for the viewer, and a button that retries. Screen readers announce the message.
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
