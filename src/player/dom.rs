//! Look-ups in the page's document.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element};

/// The page's document.
pub fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// Width and height of the page's window, in physical pixels; zeros if unknown.
pub fn screen_size() -> (u32, u32) {
    let Some(window) = web_sys::window() else {
        return (0, 0);
    };
    let ratio = window.device_pixel_ratio();
    let physical = |css_pixels: Result<JsValue, JsValue>| {
        let css_pixels = css_pixels.ok().and_then(|pixels| pixels.as_f64());
        (css_pixels.unwrap_or(0.0) * ratio) as u32
    };
    (
        physical(window.inner_width()),
        physical(window.inner_height()),
    )
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
