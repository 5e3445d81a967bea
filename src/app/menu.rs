//! What a person may choose: the quality, and the sound. Left alone, the player chooses.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::playback::{Action, Choice, Dispatcher, Playback};
use crate::wire::{AudioTrack, Quality};

/// The choices that there are.
pub fn menu(playback: &Playback, dispatcher: &Dispatcher) -> Html {
    let chosen = playback.chosen;
    let is_current = |quality: &&Quality| quality.bandwidth == playback.bandwidth;
    let current = playback.qualities.iter().find(is_current).map(quality);
    let automatic = match current {
        Some(current) if chosen.quality.is_none() => ["Auto (", &current, ")"].concat(),
        _ => "Auto".into(),
    };
    // The best one on top.
    let qualities = playback.qualities.iter().map(quality).enumerate().rev();
    let sounds = playback.sounds.iter().map(sound).enumerate();
    let of_quality = move |quality| Choice { quality, ..chosen };
    let of_sound = move |sound| Choice { sound, ..chosen };
    html! {
        <div class="menu">
            { select("Quality", automatic, qualities.collect(), chosen.quality, choosing(dispatcher, of_quality)) }
            if playback.sounds.len() > 1 {
                { select("Sound", "Auto".into(), sounds.collect(), chosen.sound, choosing(dispatcher, of_sound)) }
            }
        </div>
    }
}

/// Takes over what was chosen: a position among what there is, or nothing.
fn choosing(
    dispatcher: &Dispatcher,
    choice: impl Fn(Option<u32>) -> Choice + 'static,
) -> Callback<Event> {
    let dispatcher = dispatcher.clone();
    Callback::from(move |event: Event| {
        let select = event.target_dyn_into::<HtmlSelectElement>();
        let chosen = select.and_then(|select| select.value().parse().ok());
        dispatcher.dispatch(Action::Choose(choice(chosen)));
    })
}

fn select(
    label: &'static str,
    automatic: String,
    options: Vec<(usize, String)>,
    chosen: Option<u32>,
    onchange: Callback<Event>,
) -> Html {
    let is_chosen = |nth: usize| chosen == u32::try_from(nth).ok();
    let options = options.iter().map(|(nth, option)| {
        html! { <option value={nth.to_string()} selected={is_chosen(*nth)}>{ option }</option> }
    });
    html! {
        <label>
            { label }{ " " }
            <select {onchange}>
                <option value="" selected={chosen.is_none()}>{ automatic }</option>
                { for options }
            </select>
        </label>
    }
}

/// What a person calls it: by its lines, or by its bits where the film does not say those.
fn quality(quality: &Quality) -> String {
    match quality.size {
        (_, 0) => (quality.bandwidth / 1000).to_string() + " kbit/s",
        (_, height) => height.to_string() + "p",
    }
}

/// By what the author calls it, or by its language.
fn sound(track: &AudioTrack) -> String {
    match (track.label.as_str(), track.language.as_str()) {
        ("", "") => "Sound".into(),
        ("", language) => language.into(),
        (label, _) => label.into(),
    }
}
