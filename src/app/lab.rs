//! Loads the lab, a separate program, when the visitor opens the page's `#lab` element. Does nothing on a page
//! without that element.

use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Object, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Element;

use super::recorder::SessionRecorder;
use crate::{
    platform::web,
    player::{dom::query_page, source_url},
    protocol::BUILD_ID,
};

#[wasm_bindgen]
extern "C" {
    /// The namespace object of the lab's module.
    type Lab;

    #[wasm_bindgen(method, catch, js_name = default)]
    fn init(this: &Lab, options: &Object) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = open)]
    fn open(this: &Lab, element: &Element) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = receive)]
    fn receive(this: &Lab, recorded: &Uint8Array) -> Result<(), JsValue>;
}

/// Records the session from the start, and loads the lab when it is opened.
pub struct LabLoader {
    /// Records the session until the lab is loaded, and forwards it from then on.
    pub recorder: Rc<SessionRecorder>,
    _toggle: Option<EventListener>,
}

impl Default for LabLoader {
    fn default() -> Self {
        let recorder = Rc::new(SessionRecorder::start());
        Self {
            _toggle: load_when_opened(recorder.clone()),
            recorder,
        }
    }
}

fn load_when_opened(recorder: Rc<SessionRecorder>) -> Option<EventListener> {
    let element = query_page("#lab")?;
    if element.has_attribute("open") {
        // Opened before this program had loaded.
        spawn_local(load_into(element, recorder));
        return None;
    }
    Some(EventListener::once(&element.clone(), "toggle", move |_| {
        spawn_local(load_into(element, recorder));
    }))
}

/// Loads the lab and has it render into an element, or shows there why it could not be loaded.
async fn load_into(element: Element, recorder: Rc<SessionRecorder>) {
    if let Err(exception) = load(&element, &recorder).await {
        let text = format!(
            "The lab could not be loaded: {}.",
            web::exception_message(&exception)
        );
        // Cannot fail: text is always allowed in an element.
        let _ = element.append_with_str_1(&text);
    }
}

async fn load(element: &Element, recorder: &SessionRecorder) -> Result<(), JsValue> {
    // The query keeps caches from answering with the program of another build.
    let url = |file: &str| {
        let url = source_url::resolve(&format!("{file}?{BUILD_ID}"));
        url.map_err(|error| error.to_string())
    };
    let (script, wasm) = (url("lab.js")?, url("lab_bg.wasm")?);
    let lab: Lab = JsFuture::from(web::import_module(&script))
        .await?
        .unchecked_into();
    let options = web::object(&[("module_or_path", wasm.into())]);
    JsFuture::from(lab.init(&options)?).await?;
    lab.open(element)?;
    recorder.forward_to(Box::new(move |recorded| {
        // An exception in the lab must not disturb the player.
        let _ = lab.receive(&Uint8Array::from(recorded));
    }));
    Ok(())
}
