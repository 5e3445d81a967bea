//! MediaSource and its handle.

use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, EventTarget};

use super::{event::NextEvent, source_buffer::SourceBuffer};
use crate::platform::types::{Exception, ReadyState};

#[wasm_bindgen]
extern "C" {
    /// The object that is attached to an element. From a worker, it is a
    /// [`MediaSourceHandle`](https://w3c.github.io/media-source/#mediasourcehandle), which can be transferred to
    /// another thread once. On a page, where a MediaSource has no handle, it is the MediaSource itself.
    #[wasm_bindgen(extends = Object, is_type_of = is_handle)]
    #[derive(Clone, Debug, PartialEq)]
    pub type MediaHandle;

    #[wasm_bindgen(extends = Object, js_name = MediaSourceHandle)]
    type JsMediaSourceHandle;

    #[wasm_bindgen(extends = web_sys::MediaSource, extends = EventTarget, extends = Object, js_name = MediaSource)]
    #[derive(Clone, Debug)]
    type JsMediaSource;

    #[wasm_bindgen(constructor, catch, js_class = "MediaSource")]
    fn new() -> Result<JsMediaSource, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn handle(this: &JsMediaSource) -> Option<JsMediaSourceHandle>;

    #[wasm_bindgen(method, getter)]
    fn streaming(this: &JsMediaSource) -> Option<bool>;

    #[wasm_bindgen(method, getter, js_name = readyState)]
    fn ready_state_name(this: &JsMediaSource) -> String;

    #[wasm_bindgen(method, setter, catch, js_name = duration)]
    fn try_set_duration(this: &JsMediaSource, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = setLiveSeekableRange)]
    fn try_set_live_seekable_range(
        this: &JsMediaSource,
        start: f64,
        end: f64,
    ) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = JsMediaSource, js_name = ManagedMediaSource)]
    type JsManagedMediaSource;

    #[wasm_bindgen(constructor, catch, js_class = "ManagedMediaSource")]
    fn new_managed() -> Result<JsManagedMediaSource, JsValue>;
}

fn is_handle(value: &JsValue) -> bool {
    // iPhones have no `MediaSource` class, only `ManagedMediaSource`.
    value.is_instance_of::<JsMediaSourceHandle>()
        || value.is_instance_of::<JsManagedMediaSource>()
        || value.is_instance_of::<JsMediaSource>()
}

/// Whether this thread is a dedicated worker's.
pub fn is_worker() -> bool {
    js_sys::global().is_instance_of::<DedicatedWorkerGlobalScope>()
}

/// A [`MediaSource`](https://w3c.github.io/media-source/#mediasource), or a `ManagedMediaSource` where the browser
/// has that. Hold it for as long as it plays: WebKit collects a MediaSource that only its element refers to.
#[derive(Clone, Debug)]
pub struct MediaSource {
    source: JsMediaSource,
    handle: MediaHandle,
}

impl MediaSource {
    /// Creates a MediaSource on this thread. It is closed until its handle is attached to an element.
    ///
    /// # Errors
    /// If this thread has no MediaSource, or if it has no handle in a worker.
    pub fn new() -> Result<Self, Exception> {
        let source = JsManagedMediaSource::new_managed()
            .map(JsMediaSource::from)
            .or_else(|_| JsMediaSource::new())?;
        let handle: JsValue = match is_worker() {
            true => source
                .handle()
                .ok_or_else(|| Exception::new("NotSupportedError", "MediaSource has no handle"))?
                .into(),
            false => source.clone().into(),
        };
        let handle = handle.unchecked_into();
        Ok(Self { source, handle })
    }

    /// The object to attach to an element. Each call returns the same one.
    pub const fn handle(&self) -> &MediaHandle {
        &self.handle
    }

    /// `readyState`.
    pub fn ready_state(&self) -> ReadyState {
        match self.source.ready_state_name().as_str() {
            "open" => ReadyState::Open,
            "ended" => ReadyState::Ended,
            _ => ReadyState::Closed,
        }
    }

    /// Waits until the handle is attached to an element. Completes at once if it is already.
    pub async fn opened(&self) {
        if self.ready_state() == ReadyState::Closed {
            NextEvent::of(&self.source, "sourceopen").await;
        }
    }

    /// Waits until it is detached from its element. Completes at once if it was never attached.
    pub async fn closed(&self) {
        if self.ready_state() != ReadyState::Closed {
            NextEvent::of(&self.source, "sourceclose").await;
        }
    }

    /// Whether the browser wants more data now. Always true unless the source is managed
    /// ([`streaming`](https://w3c.github.io/media-source/#dom-managedmediasource-streaming)).
    pub fn is_streaming(&self) -> bool {
        self.source.streaming().unwrap_or(true)
    }

    /// The duration in seconds; NaN while it is closed.
    pub fn duration(&self) -> f64 {
        self.source.duration()
    }

    /// Sets the duration, in seconds; infinite for a live stream.
    ///
    /// # Errors
    /// If it is not open, a buffer is updating, or something is buffered beyond the duration.
    pub fn set_duration(&self, seconds: f64) -> Result<(), Exception> {
        Ok(self.source.try_set_duration(seconds)?)
    }

    /// Sets the range that a live stream can be seeked in, in seconds.
    ///
    /// # Errors
    /// If it is not open, or the range is invalid.
    pub fn set_live_seekable_range(&self, start: f64, end: f64) -> Result<(), Exception> {
        Ok(self.source.try_set_live_seekable_range(start, end)?)
    }

    /// Adds a SourceBuffer for a media type. Add all of them before the first append: browsers refuse later ones.
    ///
    /// # Errors
    /// If the source is not open, the type is not supported, or the browser allows no more SourceBuffers.
    pub fn add_source_buffer(&self, mime: &str) -> Result<SourceBuffer, Exception> {
        Ok(SourceBuffer::new(self.source.add_source_buffer(mime)?))
    }

    /// `endOfStream()`: all data has been appended, so the element ends where the data ends.
    ///
    /// # Errors
    /// If it is not open, or a buffer is updating.
    pub fn end_of_stream(&self) -> Result<(), Exception> {
        Ok(self.source.end_of_stream()?)
    }
}
