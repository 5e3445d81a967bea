//! Elements made and filled, and words copied: all that the panels have in common.

use gloo_events::EventListener;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Element;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "clipboard"], js_name = writeText)]
    fn write_text(text: &str) -> Result<js_sys::Promise, JsValue>;
}

/// Adds an element to another.
///
/// # Errors
/// Those of a document that is going.
pub fn add(parent: &Element, tag: &str, class: &str) -> Result<Element, JsValue> {
    let document = parent.owner_document().ok_or("no document")?;
    let element = document.create_element(tag)?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    parent.append_child(&element)?;
    Ok(element)
}

/// Adds an element with words in it. What stands between backticks is code.
///
/// # Errors
/// Those of a document that is going.
pub fn write(parent: &Element, tag: &str, words: &str) -> Result<Element, JsValue> {
    let element = add(parent, tag, "")?;
    rewrite(&element, words)?;
    Ok(element)
}

/// Gives an element other words.
///
/// # Errors
/// Those of a document that is going.
pub fn rewrite(element: &Element, words: &str) -> Result<(), JsValue> {
    element.set_text_content(None);
    for (nth, part) in words.split('`').enumerate() {
        let tag = if nth % 2 == 1 { "code" } else { "span" };
        add(element, tag, "")?.set_text_content(Some(part));
    }
    Ok(())
}

/// A panel with its title, to which the rest is added.
///
/// # Errors
/// Those of a document that is going.
pub fn panel(room: &Element, name: &str, title: &str) -> Result<Element, JsValue> {
    let panel = add(room, "section", "panel")?;
    panel.set_id(&format!("lab-{name}"));
    let heading = write(&panel, "h3", title)?;
    heading.set_id(&format!("lab-{name}-title"));
    panel.set_attribute("aria-labelledby", &heading.id())?;
    Ok(panel)
}

/// A button that does something, until the listener is dropped.
///
/// # Errors
/// Those of a document that is going.
pub fn button(
    parent: &Element,
    label: &str,
    mut press: impl FnMut() + 'static,
) -> Result<EventListener, JsValue> {
    let button = add(parent, "button", "")?;
    button.set_attribute("type", "button")?;
    button.set_text_content(Some(label));
    Ok(EventListener::new(&button, "click", move |_| press()))
}

/// Copies a text, and says so in the element for such words.
pub fn copy(text: &str, status: &Element) {
    let written = write_text(text).map(JsFuture::from);
    let status = status.clone();
    spawn_local(async move {
        let is_copied = match written {
            Ok(written) => written.await.is_ok(),
            Err(_) => false,
        };
        status.set_text_content(Some(match is_copied {
            true => "Copied.",
            false => "The browser did not let it be copied.",
        }));
    });
}
