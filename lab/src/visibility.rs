//! Observes whether an element is in the viewport, and its size.

use std::{cell::Cell, rc::Rc};

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};

/// Observes an element until dropped.
pub struct Visibility {
    intersection: IntersectionObserver,
    resize: ResizeObserver,
    _on_intersection: Closure<dyn FnMut(Array)>,
    _on_resize: Closure<dyn FnMut()>,
}

impl Drop for Visibility {
    fn drop(&mut self) {
        self.intersection.disconnect();
        self.resize.disconnect();
    }
}

impl Visibility {
    /// Calls `changed` with whether the element is visible, each time that or the element's size changes.
    ///
    /// # Errors
    /// If the browser does not support the observers.
    pub fn observe(
        element: &Element,
        changed: impl Fn(bool) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let is_visible = Rc::<Cell<bool>>::default();
        let on_intersection = Closure::<dyn FnMut(Array)>::new({
            let (is_visible, changed) = (is_visible.clone(), changed.clone());
            move |entries: Array| {
                let last = entries.pop().dyn_into::<IntersectionObserverEntry>();
                is_visible.set(last.is_ok_and(|entry| entry.is_intersecting()));
                changed(is_visible.get());
            }
        });
        let on_resize = Closure::<dyn FnMut()>::new(move || changed(is_visible.get()));
        let intersection = IntersectionObserver::new(on_intersection.as_ref().unchecked_ref())?;
        let resize = ResizeObserver::new(on_resize.as_ref().unchecked_ref())?;
        intersection.observe(element);
        resize.observe(element);
        Ok(Self {
            intersection,
            resize,
            _on_intersection: on_intersection,
            _on_resize: on_resize,
        })
    }
}
