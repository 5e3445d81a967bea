//! What went wrong, and what to do about it.

use yew::prelude::*;

use crate::protocol::PlaybackError;

/// A message over the picture, read out as it appears.
pub fn error_message(fault: &PlaybackError, onretry: &Callback<MouseEvent>) -> Html {
    html! {
        <div class="error-message" role="alert">
            <p class="title">{ fault.to_string() }</p>
            <p>{ fault.advice() }</p>
            <button type="button" onclick={onretry}>{ way_on(fault) }</button>
        </div>
    }
}

/// What the button does, in a person's words.
const fn way_on(fault: &PlaybackError) -> &'static str {
    match fault {
        PlaybackError::NoMediaSourceInWorkers => "Play it on the page’s thread",
        _ => "Try again",
    }
}
