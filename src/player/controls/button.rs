//! What the buttons of the controls have in common.

use yew::prelude::*;

use crate::player::{handle::use_player, media::MediaRequest};

/// The props of [`ControlButton`].
#[derive(PartialEq, Properties)]
pub struct ControlButtonProps {
    /// CSS classes.
    #[prop_or_default]
    pub class: Classes,
    /// What it does, for tooltips and assistive technology.
    pub label: AttrValue,
    /// The key that does the same, as [`KeyboardLayer`](super::KeyboardLayer) defines it.
    #[prop_or_default]
    pub shortcut: Option<&'static str>,
    /// Whether it is on, for a button that toggles something.
    #[prop_or_default]
    pub pressed: Option<bool>,
    /// Whether there is nothing for it to do.
    #[prop_or_default]
    pub hidden: bool,
    /// Bound to the button.
    #[prop_or_default]
    pub node: NodeRef,
    /// Called on click.
    #[prop_or_default]
    pub onclick: Callback<MouseEvent>,
    /// Usually an [`icon`].
    pub children: Html,
}

/// A button of the control bar.
#[component]
pub fn ControlButton(props: &ControlButtonProps) -> Html {
    let title = match props.shortcut {
        Some(key) => [&props.label, " (", key, ")"].concat().into(),
        None => props.label.clone(),
    };
    html! {
        <button
            type="button"
            class={props.class.clone()}
            ref={&props.node}
            aria-label={&props.label}
            aria-keyshortcuts={props.shortcut}
            aria-pressed={props.pressed.map(|is_on| if is_on { "true" } else { "false" })}
            {title}
            hidden={props.hidden}
            onclick={&props.onclick}
        >
            { props.children.clone() }
        </button>
    }
}

/// An icon of 24 × 24 units, drawn in lines along an SVG path.
pub fn icon(path: &'static str) -> Html {
    icon_of_class("", path)
}

/// An icon with a CSS class.
pub fn icon_of_class(class: &'static str, path: &'static str) -> Html {
    html! {
        <svg viewBox="0 0 24 24" aria-hidden="true"><path {class} d={path} /></svg>
    }
}

/// A click handler that makes this request.
#[hook]
pub fn use_request(request: MediaRequest) -> Callback<MouseEvent> {
    let player = use_player();
    Callback::from(move |_| player.request(request))
}
