//! The spinner.

use yew::prelude::*;

use crate::player::handle::{use_labels, use_media, use_playback};

/// Turns while the video waits for data; the style sheet shows it after a moment. Screen readers hear it, too.
#[component]
pub fn Spinner() -> Html {
    let labels = use_labels();
    let waiting = use_media(|media| media.waiting);
    // Nothing is loading any more.
    let has_error = use_playback(|model| model.error.is_some());
    let is_shown = waiting && !has_error;
    html! {
        <>
            <div class="spinner" hidden={!is_shown}></div>
            <p class="visually-hidden" role="status">{ is_shown.then(|| labels.loading.clone()) }</p>
        </>
    }
}
