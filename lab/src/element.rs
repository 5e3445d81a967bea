//! Shared by the panels: creates elements, and copies text to the clipboard.

use gloo_events::EventListener;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Element;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "clipboard"], js_name = writeText)]
    fn write_text(text: &str) -> Result<js_sys::Promise, JsValue>;
}

/// Creates an element and appends it to `parent`. An empty `class` sets none.
///
/// # Errors
/// The exception of the DOM call that failed.
pub fn add(parent: &Element, tag: &str, class: &str) -> Result<Element, JsValue> {
    let document = parent.owner_document().ok_or("no document")?;
    let element = document.create_element(tag)?;
    if !class.is_empty() {
        element.set_class_name(class);
    }
    parent.append_child(&element)?;
    Ok(element)
}

/// Appends an element with text, see [`rewrite`].
///
/// # Errors
/// The exception of the DOM call that failed.
pub fn write(parent: &Element, tag: &str, text: &str) -> Result<Element, JsValue> {
    let element = add(parent, tag, "")?;
    rewrite(&element, text)?;
    Ok(element)
}

/// Replaces the text of an element. Text between backticks becomes `code` elements.
///
/// # Errors
/// The exception of the DOM call that failed.
pub fn rewrite(element: &Element, text: &str) -> Result<(), JsValue> {
    element.set_text_content(None);
    for (index, part) in text.split('`').enumerate() {
        let tag = if index % 2 == 1 { "code" } else { "span" };
        add(element, tag, "")?.set_text_content(Some(part));
    }
    Ok(())
}

/// Appends a section with the id `lab-{name}` and a heading.
///
/// # Errors
/// The exception of the DOM call that failed.
pub fn panel(container: &Element, name: &str, title: &str) -> Result<Element, JsValue> {
    let panel = add(container, "section", "panel")?;
    panel.set_id(&format!("lab-{name}"));
    let heading = write(&panel, "h3", title)?;
    heading.set_id(&format!("lab-{name}-title"));
    panel.set_attribute("aria-labelledby", &heading.id())?;
    Ok(panel)
}

/// Appends a button. `press` is called for each click until the listener is dropped.
///
/// # Errors
/// The exception of the DOM call that failed.
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

/// Copies text to the clipboard, and shows the result in `status`.
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
            false => "The browser did not allow copying.",
        }));
    });
}
