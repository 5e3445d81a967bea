//! Converts JavaScript exceptions, and reports them to the thread's `error` event.

use wasm_bindgen::prelude::*;

use crate::platform::types::Exception;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = String)]
    fn to_string(value: &JsValue) -> String;

    #[wasm_bindgen(js_name = reportError)]
    fn report(exception: &JsValue);
}

impl From<JsValue> for Exception {
    fn from(value: JsValue) -> Self {
        let property = |name: &str| {
            let property = js_sys::Reflect::get(&value, &name.into()).ok()?;
            property.as_string()
        };
        let message = property("message").unwrap_or_else(|| to_string(&value));
        Self {
            name: property("name").unwrap_or_default(),
            message: message.trim_end_matches('.').into(),
        }
    }
}

/// Reports an exception as uncaught, to the console and to this thread's `error` event
/// ([`reportError`](https://html.spec.whatwg.org/#dom-reporterror)).
pub fn report_error(exception: &Exception) {
    let error = js_sys::Error::new(&exception.message);
    if !exception.name.is_empty() {
        error.set_name(&exception.name);
    }
    report(&error);
}
