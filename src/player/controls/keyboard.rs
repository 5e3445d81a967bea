//! The keyboard layer: keys, and the list of what they do.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};
use yew::prelude::*;

use crate::{
    platform::web,
    player::{
        dom::{document, query_page},
        handle::{use_labels, use_playback, use_player},
        labels::ShortcutLabels,
        media::MediaRequest,
    },
};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum KeyAction {
    /// Makes a request to the element.
    Request(MediaRequest),
    /// Opens or closes the list of shortcuts.
    ToggleSheet,
}

/// The action of each key. Besides, the digits seek to 0 % to 90 %.
const KEYS: [(&str, KeyAction); 17] = {
    use KeyAction::{Request, ToggleSheet};
    use MediaRequest::{
        Faster, FullScreen, Louder, Mute, PictureInPicture, SeekTo, Skip, Slower, Toggle,
        ToggleCaptions,
    };
    [
        (" ", Request(Toggle)),
        ("k", Request(Toggle)),
        ("j", Request(Skip(-10.0))),
        ("l", Request(Skip(10.0))),
        ("arrowleft", Request(Skip(-5.0))),
        ("arrowright", Request(Skip(5.0))),
        ("arrowup", Request(Louder(5))),
        ("arrowdown", Request(Louder(-5))),
        ("home", Request(SeekTo(0.0))),
        ("end", Request(SeekTo(1.0))),
        ("m", Request(Mute)),
        ("c", Request(ToggleCaptions)),
        ("<", Request(Slower)),
        (">", Request(Faster)),
        ("f", Request(FullScreen)),
        ("i", Request(PictureInPicture)),
        ("?", ToggleSheet),
    ]
};

/// The rows of the list: keys as they are written, and what they do.
fn rows(labels: &ShortcutLabels) -> [(String, &AttrValue); 11] {
    let row = |keys: &str, label| (keys.to_owned(), label);
    [
        ([&labels.space, ", K"].concat(), &labels.play),
        row("J, L", &labels.skip_10),
        row("←, →", &labels.skip_5),
        row("0 – 9", &labels.digits),
        row("↑, ↓", &labels.volume),
        row("M", &labels.mute),
        row("C", &labels.subtitles),
        row("<, >", &labels.speed),
        row("F", &labels.full_screen),
        row("I", &labels.picture_in_picture),
        row("?", &labels.shortcuts),
    ]
}

/// The props of [`KeyboardLayer`].
#[derive(PartialEq, Properties)]
pub struct KeyboardLayerProps {
    /// Bound to the list of shortcuts, for a button that opens it.
    #[prop_or_default]
    pub sheet: NodeRef,
}

/// Has keys control the player that contains the focus, or the first one of the page if nothing has the focus. Shows
/// the list of keys.
#[component]
pub fn KeyboardLayer(props: &KeyboardLayerProps) -> Html {
    let (player, labels) = (use_player(), use_labels());
    // While an error message covers the video, there is nothing to control.
    let is_covered = use_playback(|model| model.error.is_some());
    {
        let sheet = props.sheet.clone();
        use_effect_with((player, is_covered), move |(player, is_covered)| {
            let player = player.clone();
            let act = move |event: &Event| {
                let event = event.unchecked_ref::<KeyboardEvent>();
                let Some(action) = action_of_event(event).filter(|_| {
                    let container = player.container();
                    container.is_some_and(|container| is_for(&container, event))
                }) else {
                    return;
                };
                event.prevent_default();
                player.set_idle(false);
                match action {
                    KeyAction::Request(request) => player.request(request),
                    KeyAction::ToggleSheet => {
                        if let Some(sheet) = sheet.cast::<HtmlElement>() {
                            let _ = sheet.toggle_popover();
                        }
                    }
                }
            };
            let listener = document().filter(|_| !is_covered).map(|document| {
                let options = EventListenerOptions::enable_prevent_default();
                web::listen_with(&document, "keydown", options, act)
            });
            move || drop::<Option<EventListener>>(listener)
        });
    }
    html! {
        <div
            class="popup shortcuts"
            popover="auto"
            role="dialog"
            aria-label={&labels.keyboard_shortcuts}
            tabindex="-1"
            autofocus=true
            ref={&props.sheet}
        >
            <h2>{ &labels.keyboard_shortcuts }</h2>
            <dl>
                for (keys, label) in rows(&labels.shortcuts) {
                    <dt>{ keys }</dt>
                    <dd>{ label }</dd>
                }
            </dl>
        </div>
    }
}

/// The action of the key with this name.
fn action_of(key: &str) -> Option<KeyAction> {
    let (_, action) = KEYS.iter().find(|(name, _)| *name == key)?;
    Some(*action)
}

/// The action of a key event. A key that is held down repeats only seeking and volume: repeated toggles would
/// undo themselves.
fn action_of_event(event: &KeyboardEvent) -> Option<KeyAction> {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || event.default_prevented() {
        return None;
    }
    let key = event.key().to_ascii_lowercase();
    if let [digit @ b'0'..=b'9'] = key.as_bytes() {
        let tenths = f64::from(digit - b'0') / 10.0;
        return Some(KeyAction::Request(MediaRequest::SeekTo(tenths)));
    }
    let action = action_of(&key)?;
    let repeats = matches!(
        action,
        KeyAction::Request(MediaRequest::Skip(_) | MediaRequest::Louder(_))
    );
    (repeats || !event.repeat()).then_some(action)
}

/// Whether a key event is for this player: it contains the focus, or nothing has the focus and it is the first
/// on the page. Keys that the focused element uses itself are left to it.
fn is_for(container: &Element, event: &KeyboardEvent) -> bool {
    let Some(target) = event.target() else {
        return false;
    };
    let target = target.unchecked_into::<Element>();
    let is = |selector| target.matches(selector).unwrap_or(false);
    let own = match event.key().as_str() {
        " " | "Enter" => "button, select, input:not([type=range]), textarea, [contenteditable]",
        key if key.starts_with("Arrow") || key == "Home" || key == "End" => {
            "select, input:not(.seek-bar *), textarea, [contenteditable]"
        }
        _ => "select, input:not([type=range]), textarea, [contenteditable]",
    };
    let is_first = || {
        let first = query_page(".video-container");
        is("body") && first.as_ref() == Some(container)
    };
    !is(own) && (container.contains(Some(&target)) || is_first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_one_action_and_is_listed() {
        let labels = ShortcutLabels::default();
        let listed = rows(&labels).map(|(keys, _)| keys).join(" ").to_lowercase();
        let signs = [
            (" ", "space"),
            ("arrowleft", "←"),
            ("arrowright", "→"),
            ("arrowup", "↑"),
            ("arrowdown", "↓"),
            // Standard keys of a slider, not listed.
            ("home", ""),
            ("end", ""),
        ];
        for (index, (key, _)) in KEYS.iter().enumerate() {
            assert!(KEYS[..index].iter().all(|(other, _)| other != key), "{key}");
            let sign = signs.iter().find(|(name, _)| name == key);
            let sign = sign.map_or(*key, |(_, sign)| sign);
            assert!(listed.contains(sign), "{key} is not listed");
        }
    }
}
