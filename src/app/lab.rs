//! The way into the lab: a program of its own (`src/bin/lab/`), which is fetched when a visitor opens its
//! door. That is a line of index.html. Where the page has none, this does nothing.

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
    /// The lab's program: its module's namespace object.
    type Lab;

    #[wasm_bindgen(method, catch, js_name = default)]
    fn start(this: &Lab, options: &Object) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = open)]
    fn fit_out(this: &Lab, room: &Element) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = hear)]
    fn hear(this: &Lab, notes: &Uint8Array) -> Result<(), JsValue>;
}

/// The lab's door, and what is kept for whoever comes in, for as long as it is held.
pub struct LabLoader {
    /// What happens in a playback.
    pub recorder: Rc<SessionRecorder>,
    _waiting: Option<EventListener>,
}

impl Default for LabLoader {
    fn default() -> Self {
        let record = Rc::new(SessionRecorder::begin());
        Self {
            _waiting: wait_for_open(record.clone()),
            recorder: record,
        }
    }
}

/// Waits for somebody to open the door.
fn wait_for_open(record: Rc<SessionRecorder>) -> Option<EventListener> {
    let room = query_page("#lab")?;
    if room.has_attribute("open") {
        // Somebody was there before the page had started.
        spawn_local(fit_out(room, record));
        return None;
    }
    Some(EventListener::once(&room.clone(), "toggle", move |_| {
        spawn_local(fit_out(room, record));
    }))
}

/// Has the lab's program put into the room what there is to see.
async fn fit_out(load_into: Element, record: Rc<SessionRecorder>) {
    if let Err(exception) = load(&load_into, &record).await {
        let words = web::words(&exception);
        let words = ["The lab could not be loaded: ", &words, "."].concat();
        // Only an element that is gone takes no words.
        let _ = load_into.append_with_str_1(&words);
    }
}

async fn load(room: &Element, record: &SessionRecorder) -> Result<(), JsValue> {
    // The query keeps caches from answering with another build's program.
    let url = |file: &str| {
        let url = source_url::resolve(&[file, "?", BUILD_ID].concat());
        url.map_err(|fault| fault.to_string())
    };
    let (script, program) = (url("lab.js")?, url("lab_bg.wasm")?);
    let lab: Lab = JsFuture::from(web::load(&script)).await?.unchecked_into();
    let options = web::object(&[("module_or_path", program.into())]);
    JsFuture::from(lab.start(&options)?).await?;
    lab.fit_out(room)?;
    record.read(Box::new(move |notes| {
        // What the lab cannot show is no fault of the page.
        let _ = lab.hear(&Uint8Array::from(notes));
    }));
    Ok(())
}
