//! Popups that a button opens.

use gloo_events::EventListener;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::{platform::web, player::dom::focus_is_lost};

/// Has a button open and close a popup, and moves the focus back to the button when that closes.
#[hook]
pub fn use_popup(button: &NodeRef, popup: &NodeRef) {
    let nodes = (button.clone(), popup.clone());
    use_effect_with(nodes, |(button, popup)| {
        let elements = button
            .cast::<HtmlElement>()
            .zip(popup.cast::<HtmlElement>());
        let listener = elements.map(|(button, popup)| connect(button, &popup));
        move || drop(listener)
    });
}

fn connect(button: HtmlElement, popup: &HtmlElement) -> EventListener {
    web::set_popover_target(&button, popup);
    web::listen(popup, "toggle", move |_| {
        // Firefox leaves nothing focused.
        if focus_is_lost() {
            let _ = button.focus();
        }
    })
}
