//! Bindings to Media Source Extensions in which every call can fail, because most claims are about
//! exceptions. The claims do not use the player's bindings, so that they share none of its assumptions.

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{EventTarget, RequestInit, Response, TimeRanges};
use yew_mse_worker::platform::web;

/// The MIME type of the sample video's lowest quality.
pub const SAMPLE_MIME: &str = "video/mp4; codecs=\"avc1.4d4015\"";

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
    pub fn end_of_stream_with_error(this: &MediaSource, error: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = setLiveSeekableRange)]
    pub fn set_live_seekable_range(this: &MediaSource, start: f64, end: f64)
    -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_namespace = URL, js_name = createObjectURL)]
    pub fn create_object_url(source: &MediaSource) -> Result<String, JsValue>;

    #[wasm_bindgen(catch, js_namespace = MediaSource, js_name = isTypeSupported)]
    pub fn is_type_supported(mime: &str) -> Result<bool, JsValue>;

    /// The value of `MediaSource.handle`: `undefined` in browsers without it.
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

/// Calls `new MediaSourceHandle()`.
///
/// # Errors
/// Always, in a browser that follows the specification: `TypeError`.
pub fn construct_handle() -> Result<(), JsValue> {
    MediaSourceHandle::new().map(|_| ())
}

impl MediaSource {
    /// Waits until an element has attached it.
    pub async fn wait_until_open(&self) {
        while self.ready_state() != "open" {
            web::event(self, "sourceopen").await;
        }
    }

    /// Adds a SourceBuffer and appends the first two seconds of the sample video. Returns the
    /// buffer and the media segment. The MediaSource has to be open.
    ///
    /// # Errors
    /// An exception of the browser, or the status of the server's response.
    pub async fn append_sample(&self) -> Result<(SourceBuffer, ArrayBuffer), JsValue> {
        let buffer = self.add_source_buffer(SAMPLE_MIME)?;
        let (init, segment) = (
            fetch_sample("init.mp4").await?,
            fetch_sample("1.m4s").await?,
        );
        buffer.append(&init).await?;
        buffer.append(&segment).await?;
        Ok((buffer, segment))
    }
}

impl SourceBuffer {
    /// Appends bytes and waits for `updateend`.
    ///
    /// # Errors
    /// The exception of `appendBuffer()`.
    pub async fn append(&self, bytes: &ArrayBuffer) -> Result<(), JsValue> {
        let updated = web::event(self, "updateend");
        self.append_buffer(bytes)?;
        updated.await;
        Ok(())
    }
}

/// Fetches a file of the sample video, whose URL is relative to that of the lab's program.
async fn fetch_sample(name: &str) -> Result<ArrayBuffer, JsValue> {
    // The URL of the lab's worker script ends in snippets/…/peer.js.
    let script_url = script_url();
    let site = script_url.split("snippets/").next().unwrap_or_default();
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
    /// The URL of the script of the lab's workers.
    #[wasm_bindgen(js_name = scriptUrl)]
    pub fn script_url() -> String;
}

/// Formats time ranges, such as `0.0–2.0 s, 4.0–6.0 s`.
pub fn format_ranges(ranges: &TimeRanges) -> String {
    let format_range = |index| {
        let (start, end) = (ranges.start(index).ok()?, ranges.end(index).ok()?);
        Some(format!("{start:.1}–{end:.1} s"))
    };
    let formatted: Vec<String> = (0..ranges.length()).filter_map(format_range).collect();
    if formatted.is_empty() {
        "nothing".into()
    } else {
        formatted.join(", ")
    }
}
