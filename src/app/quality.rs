//! Which quality is played: the player's choice, or a person's.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::playback::{Action, Dispatcher, Playback};
use crate::wire::Quality;

/// A choice among the qualities of the film, once there is more than one.
pub fn quality(playback: &Playback, dispatcher: Dispatcher) -> Html {
    let onchange = Callback::from(move |event: Event| {
        let select = event.target_dyn_into::<HtmlSelectElement>();
        let chosen = select.and_then(|select| select.value().parse().ok());
        dispatcher.dispatch(Action::Choose(chosen));
    });
    let is_current = |quality: &&Quality| quality.bandwidth == playback.bandwidth;
    let current = playback.qualities.iter().find(is_current).map(name);
    let automatic = match current {
        Some(current) if playback.chosen.is_none() => ["Auto (", &current, ")"].concat(),
        _ => "Auto".into(),
    };
    let options = playback.qualities.iter().enumerate().rev().map(|(nth, quality)| {
        let is_chosen = playback.chosen == u32::try_from(nth).ok();
        html! { <option value={nth.to_string()} selected={is_chosen}>{ name(quality) }</option> }
    });
    html! {
        <label class="quality">
            { "Quality " }
            <select {onchange} disabled={playback.qualities.len() < 2}>
                <option value="" selected={playback.chosen.is_none()}>{ automatic }</option>
                { for options }
            </select>
        </label>
    }
}

/// What a person calls it: by its lines, or by its bits where the film does not say those.
fn name(quality: &Quality) -> String {
    match quality.size {
        (_, 0) => (quality.bandwidth / 1000).to_string() + " kbit/s",
        (_, height) => height.to_string() + "p",
    }
}
