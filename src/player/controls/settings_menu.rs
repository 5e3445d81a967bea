//! The settings menu: quality, audio, subtitles, speed.

use web_sys::{Element, HtmlSelectElement};
use yew::prelude::*;

use super::{
    button::{ControlButton, icon},
    popup::use_popup,
};
use crate::{
    platform::web,
    player::{
        dom::query,
        format::factor,
        handle::{use_labels, use_media, use_playback, use_player},
        media::{MediaRequest, RATES},
        model::PlayerMessage,
        preferences,
    },
    protocol::{Quality, TrackInfo},
};

/// The props of [`SettingsMenu`].
#[derive(PartialEq, Properties)]
pub struct SettingsMenuProps {
    /// The list of keyboard shortcuts, if there is one.
    #[prop_or_default]
    pub shortcuts: Option<NodeRef>,
}

/// The button and the menu that it opens.
#[component]
pub fn SettingsMenu(props: &SettingsMenuProps) -> Html {
    let labels = use_labels();
    let (button, menu, shortcuts) = (use_node_ref(), use_node_ref(), use_node_ref());
    use_popup(&button, &menu);
    use_popup(&shortcuts, &props.shortcuts.clone().unwrap_or_default());
    let choices = [use_quality(), use_audio(), use_subtitles(), use_speed()];
    use_selected(&menu, &choices);
    html! {
        <>
            <ControlButton class="settings" label={&labels.settings} node={button}>
                { icon(
                    "M4 7.5h9M17 7.5h3M4 16.5h3M11 16.5h9M17 7.5a2 2 0 1 1-4 0a2 2 0 1 1 4 0\
                     M11 16.5a2 2 0 1 1-4 0a2 2 0 1 1 4 0",
                ) }
            </ControlButton>
            <div class="popup settings-menu" popover="auto" role="dialog" aria-label={&labels.settings} ref={menu}>
                { for choices.iter().map(Choice::render) }
                if props.shortcuts.is_some() {
                    <button type="button" ref={shortcuts}>{ &labels.keyboard_shortcuts }</button>
                }
            </div>
        </>
    }
}

/// One choice in the menu: a labelled select.
struct Choice {
    /// The name of the form control.
    name: &'static str,
    label: AttrValue,
    /// Values and texts, in order. Without a value: none, or the player's choice.
    options: Vec<(Option<u32>, AttrValue)>,
    selected: Option<u32>,
    onselect: Callback<Option<u32>>,
}

impl Choice {
    /// Renders the select. Hidden if there is only one choice beside that without a value.
    fn render(&self) -> Html {
        let onselect = self.onselect.clone();
        let onchange = move |event: Event| {
            let select = event.target_unchecked_into::<HtmlSelectElement>();
            onselect.emit(select.value().parse().ok());
        };
        let options = self.options.iter().map(|(value, label)| {
            html! { <option value={text(*value)}>{ label }</option> }
        });
        html! {
            <label hidden={self.options.len() < 3}>
                <span>{ &self.label }</span>{ " " }
                <select name={self.name} {onchange}>{ for options }</select>
            </label>
        }
    }
}

/// Selects the selected options, after each render: options that do not exist yet cannot be selected, and a choice of
/// the viewer that was not taken has to be undone.
#[hook]
fn use_selected(menu: &NodeRef, choices: &[Choice; 4]) {
    let menu = menu.clone();
    let values = choices
        .each_ref()
        .map(|choice| (choice.name, text(choice.selected)));
    use_effect(move || {
        let Some(menu) = menu.cast::<Element>() else {
            return;
        };
        for (name, value) in values {
            let selector = ["[name=", name, "]"].concat();
            if let Some(select) = query::<HtmlSelectElement>(&menu, &selector)
                && select.value() != value
            {
                select.set_value(&value);
            }
        }
    });
}

fn text(value: Option<u32>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[hook]
fn use_quality() -> Choice {
    let (player, labels) = (use_player(), use_labels());
    let qualities = use_playback(|model| model.qualities.clone());
    let bandwidth = use_playback(|model| model.bandwidth);
    let selected = use_playback(|model| model.selection.quality);
    let current = qualities
        .iter()
        .find(|quality| quality.bandwidth == bandwidth);
    let automatic = match current {
        Some(current) if selected.is_none() => {
            let name = name_of(current, &qualities);
            [&labels.automatic, " (", &name, ")"].concat().into()
        }
        _ => labels.automatic.clone(),
    };
    let names = qualities
        .iter()
        .map(|quality| name_of(quality, &qualities).into());
    let mut options: Vec<_> = indexed(names).collect();
    // Best quality first.
    options.reverse();
    options.insert(0, (None, automatic));
    Choice {
        name: "quality",
        label: labels.quality.clone(),
        options,
        selected,
        onselect: Callback::from(move |index| player.dispatch(PlayerMessage::SelectQuality(index))),
    }
}

#[hook]
fn use_audio() -> Choice {
    let (player, labels) = (use_player(), use_labels());
    let tracks = use_playback(|model| model.audio_tracks.clone());
    let name = |track: &TrackInfo| match track.display_name(&web::language_name) {
        Some(name) => name.into(),
        None => labels.audio.clone(),
    };
    Choice {
        name: "audio",
        label: labels.audio.clone(),
        options: options(&labels.automatic, tracks.iter().map(name)),
        selected: use_playback(|model| model.selection.audio),
        onselect: Callback::from(move |index: Option<u32>| {
            let track = index.and_then(|index| tracks.get(usize::try_from(index).ok()?));
            preferences::remember_audio(track);
            player.dispatch(PlayerMessage::SelectAudio(index));
        }),
    }
}

#[hook]
fn use_subtitles() -> Choice {
    let (player, labels) = (use_player(), use_labels());
    let captions = use_media(|media| media.captions.clone());
    let names = captions
        .iter()
        .map(|captions| captions.label.clone().into());
    Choice {
        name: "captions",
        label: labels.subtitles.clone(),
        options: options(&labels.off, names),
        selected: use_media(|media| media.shown_captions()),
        onselect: Callback::from(move |index| player.request(MediaRequest::ShowCaptions(index))),
    }
}

#[hook]
fn use_speed() -> Choice {
    let (player, labels) = (use_player(), use_labels());
    let rate = use_media(|media| media.rate);
    let option = |rate: u32| (Some(rate), [&factor(rate), "×"].concat().into());
    Choice {
        name: "speed",
        label: labels.speed.clone(),
        options: RATES.into_iter().map(option).collect(),
        selected: Some(rate),
        onselect: Callback::from(move |rate: Option<u32>| {
            if let Some(rate) = rate {
                player.request(MediaRequest::Rate(rate));
            }
        }),
    }
}

/// The option without a value, and one for each name.
fn options(
    first: &AttrValue,
    names: impl Iterator<Item = AttrValue>,
) -> Vec<(Option<u32>, AttrValue)> {
    let first = std::iter::once((None, first.clone()));
    first.chain(indexed(names)).collect()
}

fn indexed(
    names: impl Iterator<Item = AttrValue>,
) -> impl Iterator<Item = (Option<u32>, AttrValue)> {
    (0..).map(Some).zip(names)
}

/// The name of a quality: its height, its bandwidth if the height is unknown, both if the height is not unique.
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
