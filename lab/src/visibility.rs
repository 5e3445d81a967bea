//! Whether an element is seen, and how large it is.

use std::{cell::Cell, rc::Rc};

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};

/// Watches an element until it is dropped.
pub struct Visibility {
    scrolled: IntersectionObserver,
    resized: ResizeObserver,
    _on_scroll: Closure<dyn FnMut(Array)>,
    _on_resize: Closure<dyn FnMut()>,
}

impl Drop for Visibility {
    fn drop(&mut self) {
        self.scrolled.disconnect();
        self.resized.disconnect();
    }
}

impl Visibility {
    /// Calls `changed` whenever the element comes into view, goes out of it, or gets another size.
    ///
    /// # Errors
    /// Where a browser has no such observers.
    pub fn of(
        element: &Element,
        changed: impl Fn(bool) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let is_seen = Rc::<Cell<bool>>::default();
        let on_scroll = Closure::<dyn FnMut(Array)>::new({
            let (is_seen, changed) = (is_seen.clone(), changed.clone());
            move |entries: Array| {
                let last = entries.pop().dyn_into::<IntersectionObserverEntry>();
                is_seen.set(last.is_ok_and(|entry| entry.is_intersecting()));
                changed(is_seen.get());
            }
        });
        let on_resize = Closure::<dyn FnMut()>::new(move || changed(is_seen.get()));
        let scrolled = IntersectionObserver::new(on_scroll.as_ref().unchecked_ref())?;
        let resized = ResizeObserver::new(on_resize.as_ref().unchecked_ref())?;
        scrolled.observe(element);
        resized.observe(element);
        Ok(Self {
            scrolled,
            resized,
            _on_scroll: on_scroll,
            _on_resize: on_resize,
        })
    }
}
