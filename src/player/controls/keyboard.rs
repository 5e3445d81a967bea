//! Keyboard shortcuts.

use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use super::action::ControlAction;
use crate::player::dom::query_page;

/// The action of each key, and of the buttons that name it in `aria-keyshortcuts`. Besides, the digits seek to
/// 0 % to 90 %. `assets/controls.html` lists them for the viewer.
const KEYS: [(&str, ControlAction); 17] = [
    (" ", ControlAction::Toggle),
    ("k", ControlAction::Toggle),
    ("j", ControlAction::Skip(-10.0)),
    ("l", ControlAction::Skip(10.0)),
    ("arrowleft", ControlAction::Skip(-5.0)),
    ("arrowright", ControlAction::Skip(5.0)),
    ("arrowup", ControlAction::Louder(5)),
    ("arrowdown", ControlAction::Louder(-5)),
    ("home", ControlAction::SeekTo(0.0)),
    ("end", ControlAction::SeekTo(1.0)),
    ("m", ControlAction::Mute),
    ("c", ControlAction::Captions),
    ("<", ControlAction::Slower),
    (">", ControlAction::Faster),
    ("f", ControlAction::FullScreen),
    ("i", ControlAction::PictureInPicture),
    ("?", ControlAction::Keys),
];

/// The action of the key with this name.
pub fn action_of(key: &str) -> Option<ControlAction> {
    let (_, request) = KEYS.iter().find(|(name, _)| *name == key)?;
    Some(*request)
}

/// The action of a key event. A key that is held down repeats only seeking and volume: repeated toggles would
/// undo themselves.
pub fn action_of_event(event: &KeyboardEvent) -> Option<ControlAction> {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || event.default_prevented() {
        return None;
    }
    let key = event.key().to_ascii_lowercase();
    if let [digit @ b'0'..=b'9'] = key.as_bytes() {
        return Some(ControlAction::SeekTo(f64::from(digit - b'0') / 10.0));
    }
    let request = action_of(&key)?;
    let goes_on = matches!(request, ControlAction::Skip(_) | ControlAction::Louder(_));
    (goes_on || !event.repeat()).then_some(request)
}

/// Whether a key event is for this player: it contains the focus, or nothing has the focus and it is the first
/// on the page. Keys that the focused element uses itself are left to it.
pub fn is_for(frame: &Element, event: &KeyboardEvent) -> bool {
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
        is("body") && first.as_ref() == Some(frame)
    };
    !is(own) && (frame.contains(Some(&target)) || is_first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_one_action_and_is_listed() {
        let sheet = include_str!("../../../assets/controls.html");
        let (_, sheet) = sheet.split_once("<dl>").unwrap();
        let keys = sheet
            .split("<dt>")
            .filter_map(|row| row.split_once("</dt>"));
        let all = keys
            .map(|(keys, _)| keys)
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase();
        let signs = [
            (" ", "space"),
            ("arrowleft", "←"),
            ("arrowright", "→"),
            ("arrowup", "↑"),
            ("arrowdown", "↓"),
            ("<", "&lt;"),
            (">", "&gt;"),
            // Standard keys of a slider, not listed.
            ("home", ""),
            ("end", ""),
        ];
        for (nth, (key, _)) in KEYS.iter().enumerate() {
            assert!(KEYS[..nth].iter().all(|(other, _)| other != key), "{key}");
            let sign = signs.iter().find(|(name, _)| name == key);
            let sign = sign.map_or(*key, |(_, sign)| sign);
            assert!(all.contains(sign), "{key} is not listed");
        }
    }

    #[test]
    fn each_shortcut_of_a_button_has_an_action() {
        let text = include_str!("../../../assets/controls.html");
        let mut keys = text.split("aria-keyshortcuts=\"").skip(1);
        assert!(keys.all(|rest| action_of(rest.split('"').next().unwrap()).is_some()));
    }
}
