//! What a person may choose: the quality, the sound, the speed. Left alone, the player chooses.

use wasm_bindgen::JsValue;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{
    Playback, remembered,
    request::{RATES, Request},
    seen::factor,
};
use crate::{
    app::playback::{Action, Choice},
    wire::{AudioTrack, Quality},
};

/// The sheet of choices. The browser shows it, puts it away, and closes it by Escape.
pub fn sheet(
    id: &str,
    keys: &str,
    playback: &UseReducerHandle<Playback>,
    rate: u32,
    ask: &Callback<Request>,
) -> Html {
    let chosen = playback.chosen;
    let all = &playback.qualities;
    let name = |quality| name_of(quality, all);
    let is_current = |quality: &&Quality| quality.bandwidth == playback.bandwidth;
    let automatic = match all.iter().find(is_current).map(name) {
        Some(current) if chosen.quality.is_none() => ["Auto (", &current, ")"].concat(),
        _ => "Auto".into(),
    };
    let qualities = numbered(Some(automatic), all.iter().map(name), true);
    let sounds = numbered(
        Some("Auto".into()),
        playback.sounds.iter().map(sound),
        false,
    );
    let rates = RATES.map(|rate| (rate.to_string(), factor(rate) + "×"));
    let onquality = {
        let playback = playback.clone();
        Callback::from(move |chosen: String| {
            let quality = chosen.parse().ok();
            let height = quality.and_then(|nth: u32| height_of(&playback, nth));
            remembered::remember(
                "quality",
                &height.map_or_else(String::new, |height| height.to_string()),
            );
            let sound = playback.chosen.sound;
            playback.dispatch(Action::Choose(Choice { quality, sound }));
        })
    };
    let onsound = {
        let playback = playback.clone();
        Callback::from(move |chosen: String| {
            let (quality, sound) = (playback.chosen.quality, chosen.parse().ok());
            playback.dispatch(Action::Choose(Choice { quality, sound }));
        })
    };
    let onrate = ask.reform(|chosen: String| Request::Rate(chosen.parse().unwrap_or(100)));
    html! {
        <div class="sheet menu" popover="auto" id={id.to_owned()} role="dialog" aria-label="Settings">
            { select("Quality", &qualities, &text(chosen.quality), &onquality) }
            if playback.sounds.len() > 1 {
                { select("Sound", &sounds, &text(chosen.sound), &onsound) }
            }
            { select("Speed", &rates, &rate.to_string(), &onrate) }
            <button type="button" class="wide" popovertarget={keys.to_owned()}>{ "Keys" }</button>
        </div>
    }
}

/// Locks the quality that was locked on an earlier visit, once it is known what there is.
#[hook]
pub fn use_lock(playback: &UseReducerHandle<Playback>) {
    let chosen = playback.chosen;
    let dispatcher = playback.dispatcher();
    use_effect_with(playback.qualities.clone(), move |qualities| {
        let height = remembered::number("quality");
        let place = qualities
            .iter()
            .rposition(|quality| Some(quality.size.1) == height);
        let quality = place.and_then(|place| u32::try_from(place).ok());
        if chosen.quality.is_none() && quality.is_some() {
            let sound = chosen.sound;
            dispatcher.dispatch(Action::Choose(Choice { quality, sound }));
        }
    });
}

fn height_of(playback: &Playback, nth: u32) -> Option<u32> {
    let quality = playback.qualities.get(usize::try_from(nth).ok()?)?;
    Some(quality.size.1).filter(|height| *height > 0)
}

/// What is chosen, as an option's value; nothing chosen is the empty one.
fn text(chosen: Option<u32>) -> String {
    chosen.map_or_else(String::new, |nth| nth.to_string())
}

/// Options whose values are their places, after one that leaves it to the player; the last on top if that
/// is the best.
fn numbered(
    first: Option<String>,
    names: impl Iterator<Item = String>,
    reversed: bool,
) -> Vec<(String, String)> {
    let mut options: Vec<_> = (0..)
        .zip(names)
        .map(|(nth, name): (u32, _)| (nth.to_string(), name))
        .collect();
    if reversed {
        options.reverse();
    }
    options.splice(0..0, first.map(|first| (String::new(), first)));
    options
}

fn select(
    label: &'static str,
    options: &[(String, String)],
    chosen: &str,
    onchange: &Callback<String>,
) -> Html {
    let onchange = onchange.reform(|event: Event| {
        let select = event.target_dyn_into::<HtmlSelectElement>();
        select.map(|select| select.value()).unwrap_or_default()
    });
    let options = options.iter().map(|(value, name)| {
        html! { <option value={value.clone()} selected={value == chosen}>{ name }</option> }
    });
    html! {
        <label>
            <span>{ label }</span>
            // By both: an option that is made is selected by its attribute, and one that a key has chosen
            // by the property, once a person has used the menu.
            <select {onchange} ~value={JsValue::from(chosen)}>{ for options }</select>
        </label>
    }
}

/// What a person calls it: by its lines, or by its bits where the film does not say those; by both where
/// the lines alone do not tell it from another.
fn name_of(quality: &Quality, all: &[Quality]) -> String {
    let bits = || (quality.bandwidth / 1000).to_string() + " kbit/s";
    let height = quality.size.1;
    let alike = all.iter().filter(|other| other.size.1 == height).count();
    match (height, alike) {
        (0, _) => bits(),
        (_, 0 | 1) => height.to_string() + "p",
        _ => [&height.to_string(), "p, ", &bits()].concat(),
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
