//! Media Source Extensions as the specification has them, but every call may be refused: that is what
//! most claims are about. The player's own bindings are not used, so that nothing of what the player
//! takes for granted is taken for granted here.
//!
//! What is imported here has other names in Rust than in the library, wherever it is the same thing:
//! wasm-bindgen tells the imports of a package apart by these, and knows of no programs in it.

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{EventTarget, RequestInit, Response, TimeRanges};
use yew_mse_worker::platform::web;

/// The sample film's smallest pictures.
pub const MIME: &str = "video/mp4; codecs=\"avc1.4d4015\"";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = EventTarget)]
    #[derive(Clone, Debug)]
    pub type MediaSource;

    #[wasm_bindgen(constructor, catch)]
    pub fn new() -> Result<MediaSource, JsValue>;

    #[wasm_bindgen(method, getter)]
    pub fn handle(this: &MediaSource) -> Handle;

    #[wasm_bindgen(method, getter, js_name = readyState)]
    pub fn ready_state(this: &MediaSource) -> String;

    #[wasm_bindgen(method, getter)]
    pub fn duration(this: &MediaSource) -> f64;

    #[wasm_bindgen(method, setter, catch)]
    pub fn set_duration(this: &MediaSource, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, getter, js_name = sourceBuffers)]
    pub fn source_buffers(this: &MediaSource) -> Array;

    #[wasm_bindgen(method, catch, js_name = addSourceBuffer)]
    pub fn add_source_buffer(this: &MediaSource, mime: &str) -> Result<SourceBuffer, JsValue>;

    #[wasm_bindgen(method, catch, js_name = endOfStream)]
    pub fn end_of_stream(this: &MediaSource) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = endOfStream)]
    pub fn end_with(this: &MediaSource, error: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = setLiveSeekableRange)]
    pub fn set_live_range(this: &MediaSource, start: f64, end: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_namespace = URL, js_name = createObjectURL)]
    pub fn object_url(source: &MediaSource) -> Result<String, JsValue>;

    #[wasm_bindgen(catch, js_namespace = MediaSource, js_name = isTypeSupported)]
    pub fn is_type_supported(mime: &str) -> Result<bool, JsValue>;

    /// A MediaSourceHandle, or what there is in its place.
    #[wasm_bindgen(typescript_type = "any")]
    #[derive(Clone, Debug, PartialEq)]
    pub type Handle;

    type MediaSourceHandle;

    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<MediaSourceHandle, JsValue>;

    #[wasm_bindgen(extends = EventTarget)]
    #[derive(Clone, Debug)]
    pub type SourceBuffer;

    #[wasm_bindgen(method, catch, js_name = appendBuffer)]
    fn append_buffer(this: &SourceBuffer, bytes: &ArrayBuffer) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, getter)]
    pub fn buffered(this: &SourceBuffer) -> Result<TimeRanges, JsValue>;
}

/// `new MediaSourceHandle()`.
///
/// # Errors
/// As specified, always.
pub fn construct_handle() -> Result<(), JsValue> {
    MediaSourceHandle::new().map(|_| ())
}

impl MediaSource {
    /// Waits for it to be attached.
    pub async fn opened(&self) {
        while self.ready_state() != "open" {
            web::event(self, "sourceopen").await;
        }
    }

    /// Two seconds of film, once it is open.
    ///
    /// # Errors
    /// What the browser or the server says.
    pub async fn with_film(&self) -> Result<(SourceBuffer, ArrayBuffer), JsValue> {
        let buffer = self.add_source_buffer(MIME)?;
        let (init, segment) = (sample("init.mp4").await?, sample("1.m4s").await?);
        buffer.append(&init).await?;
        buffer.append(&segment).await?;
        Ok((buffer, segment))
    }
}

impl SourceBuffer {
    /// Appends, and waits until it is in.
    ///
    /// # Errors
    /// What the browser throws.
    pub async fn append(&self, bytes: &ArrayBuffer) -> Result<(), JsValue> {
        let updated = web::event(self, "updateend");
        self.append_buffer(bytes)?;
        updated.await;
        Ok(())
    }
}

/// A file of the sample film, found from where this program was loaded from.
async fn sample(name: &str) -> Result<ArrayBuffer, JsValue> {
    // Of the lab's worker script, whose address ends in snippets/…/peer.js.
    let address = address();
    let site = address.split("snippets/").next().unwrap_or_default();
    let url = format!("{site}film/240p/{name}");
    let response: Response = JsFuture::from(web::fetch(&url, &RequestInit::new()))
        .await?
        .unchecked_into();
    if !response.ok() {
        return Err(format!("the server answered {} for {url}", response.status()).into());
    }
    Ok(JsFuture::from(response.array_buffer()?)
        .await?
        .unchecked_into())
}

#[wasm_bindgen(module = "/src/peer.js")]
extern "C" {
    /// Where the script of the lab's workers is.
    pub fn address() -> String;
}

/// What a `TimeRanges` says, in words.
pub fn in_words(ranges: &TimeRanges) -> String {
    let range = |nth| {
        let (start, end) = (ranges.start(nth).ok()?, ranges.end(nth).ok()?);
        Some(format!("{start:.1}–{end:.1} s"))
    };
    let all: Vec<String> = (0..ranges.length()).filter_map(range).collect();
    if all.is_empty() {
        "nothing".into()
    } else {
        all.join(", ")
    }
}
