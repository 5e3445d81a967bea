//! Look-ups in the page's document.

use web_sys::{Document, Element};

/// The page's document.
pub fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// The first element of the page that a selector matches.
pub fn part_of_page(selector: &str) -> Option<Element> {
    document()?.query_selector(selector).ok()?
}

/// Whether nothing has the focus, as when what had it is gone.
pub fn focus_is_lost() -> bool {
    let focused = document().and_then(|document| document.active_element());
    focused.is_none_or(|element| element.tag_name() == "BODY")
}
