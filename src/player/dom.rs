//! Look-ups in the page's document.

use wasm_bindgen::JsCast;
use web_sys::{Document, Element};

/// The page's document.
pub fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// The first element of the page that a selector matches.
pub fn query_page(selector: &str) -> Option<Element> {
    document()?.query_selector(selector).ok()?
}

/// The first element below `root` that a selector matches, cast to `T` without a check.
pub fn query<T: JsCast>(root: &Element, selector: &str) -> Option<T> {
    let found = root.query_selector(selector).ok()??;
    Some(found.unchecked_into())
}

/// Whether no element has the focus, as after the focused one was removed.
pub fn focus_is_lost() -> bool {
    let focused = document().and_then(|document| document.active_element());
    focused.is_none_or(|element| element.tag_name() == "BODY")
}
