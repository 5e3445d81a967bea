//! The keys.

use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use super::{super::dom::part_of_page, action::ControlAction};

/// Which key asks for what, and the button that stands for it; beside them, a digit goes to that tenth of
/// the film. `assets/controls.html` has the sheet of them.
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

/// What the key of this name asks for.
pub fn request(key: &str) -> Option<ControlAction> {
    let (_, request) = KEYS.iter().find(|(name, _)| *name == key)?;
    Some(*request)
}

/// What a key asks for. One that comes again because it is held down asks for nothing that would be
/// undone by the second time.
pub fn asked(event: &KeyboardEvent) -> Option<ControlAction> {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || event.default_prevented() {
        return None;
    }
    let key = event.key().to_ascii_lowercase();
    if let [digit @ b'0'..=b'9'] = key.as_bytes() {
        return Some(ControlAction::SeekTo(f64::from(digit - b'0') / 10.0));
    }
    let request = request(&key)?;
    let goes_on = matches!(request, ControlAction::Skip(_) | ControlAction::Louder(_));
    (goes_on || !event.repeat()).then_some(request)
}

/// Whether a key that is pressed is for this player: it has the focus, or nothing has and it is the
/// first. What has a use for the key itself keeps it.
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
        let first = part_of_page(".video-container");
        is("body") && first.as_ref() == Some(frame)
    };
    !is(own) && (frame.contains(Some(&target)) || is_first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_asks_for_one_thing_and_is_on_the_sheet() {
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
            // These are what they are everywhere.
            ("home", ""),
            ("end", ""),
        ];
        for (nth, (key, _)) in KEYS.iter().enumerate() {
            assert!(KEYS[..nth].iter().all(|(other, _)| other != key), "{key}");
            let sign = signs.iter().find(|(name, _)| name == key);
            let sign = sign.map_or(*key, |(_, sign)| sign);
            assert!(all.contains(sign), "{key} is not on the sheet");
        }
    }

    #[test]
    fn each_button_has_a_key() {
        let text = include_str!("../../../assets/controls.html");
        let mut keys = text.split("aria-keyshortcuts=\"").skip(1);
        assert!(keys.all(|rest| request(rest.split('"').next().unwrap()).is_some()));
    }
}
