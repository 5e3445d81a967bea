//! What is shown when playback cannot continue, or may stall.

use yew::prelude::*;

use super::{
    dom::focus_is_lost,
    format::clock,
    handle::{use_playback, use_player},
    model::{PlayerMessage, PlayerModel, SkippedPart},
};
use crate::protocol::PlaybackError;

/// Covers the video with an error that ends playback, advice for the viewer, and a button that tries again; or says what
/// is wrong while the video keeps playing. Screen readers announce either.
#[component]
pub fn PlaybackMessage() -> Html {
    let player = use_player();
    let error = use_playback(|model| model.error.clone());
    let status = use_playback(status);
    let skipped = use_playback(|model| model.skipped.clone());
    let left_out = use_playback(|model| model.left_out.clone());
    {
        let player = player.clone();
        use_effect_with(error.is_some(), move |has_error| {
            let has_error = *has_error;
            move || {
                // The focus was on the button, which is gone.
                if has_error
                    && focus_is_lost()
                    && let Some(video) = player.video()
                {
                    let _ = video.focus();
                }
            }
        });
    }
    let Some(error) = error else {
        return html! {
            if let Some(status) = status {
                <p class="status-message" role="status">{ status }</p>
            } else if let Some(part) = skipped {
                // Another part is another element, so that each fades out by itself.
                <p key={(part.start * 1000.0) as u64} class="status-message passing" role="status">
                    { skipped_text(&part) }
                </p>
            } else if !left_out.is_empty() {
                <ul class="status-message passing" role="status">
                    { for left_out.iter().map(|track| html! {
                        <li>{ format!("The {} is left out: {}.", track.name, track.reason) }</li>
                    }) }
                </ul>
            }
        };
    };
    let onclick = move |_| {
        let position = player.video().map(|video| video.current_time());
        player.dispatch(PlayerMessage::Retry { position });
    };
    html! {
        <div class="error-message" role="alert">
            <p class="title">{ error.to_string() }</p>
            <p>{ error.advice() }</p>
            <button type="button" {onclick}>{ button_label(&error) }</button>
        </div>
    }
}

const fn button_label(error: &PlaybackError) -> &'static str {
    match error {
        PlaybackError::NoMediaSourceInWorkers => "Play without a worker",
        _ => "Try again",
    }
}

fn skipped_text(part: &SkippedPart) -> String {
    let SkippedPart { start, end, error } = part;
    let start = clock(*start as u32);
    match end.is_finite() {
        true => format!(
            "Cannot be played from {start} to {}. {error}",
            clock(end.ceil() as u32)
        ),
        false => format!("Cannot be played from {start} on. {error}"),
    }
}

fn status(model: &PlayerModel) -> Option<Html> {
    if model.error.is_some() {
        return None;
    }
    match &model.retrying {
        Some((PlaybackError::ServerBusy { .. }, seconds)) => {
            // Screen readers would read each second.
            let wait = html! { <span aria-hidden="true">{ format!(" in {seconds} s") }</span> };
            Some(html! { <>{ "The server is busy. Trying again" }{ wait }{ "." }</> })
        }
        Some((
            error @ (PlaybackError::NotStarted { .. } | PlaybackError::StreamStalled { .. }),
            _,
        )) => Some(error.to_string().into()),
        Some((error, _)) => Some(format!("Retrying. {error}").into()),
        None => {
            let error = model.captions_error.as_ref()?;
            Some(format!("Subtitles could not be loaded. {error}").into())
        }
    }
}
