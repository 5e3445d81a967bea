//! MediaSource, its handle, and events as futures.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_channel::oneshot;
use gloo_events::EventListener;
use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, EventTarget};

use super::source_buffer::SourceBuffer;
use crate::platform::{Exception, ReadyState};

#[wasm_bindgen]
extern "C" {
    /// What an element plays: a
    /// [`MediaSourceHandle`](https://w3c.github.io/media-source/#mediasourcehandle), which crosses to another
    /// thread once, by transfer; on a page, where a MediaSource has no handle, the MediaSource itself.
    #[wasm_bindgen(extends = Object, is_type_of = is_handle)]
    #[derive(Clone, Debug, PartialEq)]
    pub type MediaHandle;

    #[wasm_bindgen(extends = Object, js_name = MediaSourceHandle)]
    type WorkerHandle;

    #[wasm_bindgen(extends = web_sys::MediaSource, extends = EventTarget, extends = Object, js_name = MediaSource)]
    #[derive(Clone, Debug)]
    type Plain;

    #[wasm_bindgen(constructor, catch, js_class = "MediaSource")]
    fn new() -> Result<Plain, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn handle(this: &Plain) -> Option<WorkerHandle>;

    #[wasm_bindgen(method, getter)]
    fn streaming(this: &Plain) -> Option<bool>;

    #[wasm_bindgen(method, getter, js_name = readyState)]
    fn ready_state_name(this: &Plain) -> String;

    #[wasm_bindgen(method, setter, catch, js_name = duration)]
    fn try_set_duration(this: &Plain, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = setLiveSeekableRange)]
    fn try_set_live_seekable_range(this: &Plain, start: f64, end: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = Plain, js_name = ManagedMediaSource)]
    type Managed;

    #[wasm_bindgen(constructor, catch, js_class = "ManagedMediaSource")]
    fn new_managed() -> Result<Managed, JsValue>;
}

fn is_handle(value: &JsValue) -> bool {
    // An iPhone has managed sources only, and no `MediaSource` class.
    value.is_instance_of::<WorkerHandle>()
        || value.is_instance_of::<Managed>()
        || value.is_instance_of::<Plain>()
}

/// Whether this thread is a dedicated worker's.
pub fn is_worker() -> bool {
    js_sys::global().is_instance_of::<DedicatedWorkerGlobalScope>()
}

/// The global object of this thread, at which `online` is fired.
pub(super) fn global() -> EventTarget {
    js_sys::global().unchecked_into()
}

/// The [`MediaSource`](https://w3c.github.io/media-source/#mediasource) of one presentation: a managed one
/// where the browser has that. Hold it for as long as it plays, as WebKit only holds it weakly.
#[derive(Clone, Debug)]
pub struct MediaSource {
    source: Plain,
    handle: MediaHandle,
}

impl MediaSource {
    /// Makes one on this thread. It is closed until an element is given its handle.
    ///
    /// # Errors
    /// If this thread has none, or, in a worker, none with a handle.
    pub fn new() -> Result<Self, Exception> {
        let source = Managed::new_managed()
            .map(Plain::from)
            .or_else(|_| Plain::new())?;
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

    /// What an element plays it by. The same one every time.
    pub const fn handle(&self) -> &MediaHandle {
        &self.handle
    }

    /// Whether it is attached, and whether it has all its data.
    pub fn ready_state(&self) -> ReadyState {
        match self.source.ready_state_name().as_str() {
            "open" => ReadyState::Open,
            "ended" => ReadyState::Ended,
            _ => ReadyState::Closed,
        }
    }

    /// Waits until an element is given the handle. Completes at once if it has it already.
    pub async fn opened(&self) {
        if self.ready_state() == ReadyState::Closed {
            NextEvent::of(&self.source, "sourceopen").await;
        }
    }

    /// Waits until the element lets go of it. Completes at once if it was never attached.
    pub async fn closed(&self) {
        if self.ready_state() != ReadyState::Closed {
            NextEvent::of(&self.source, "sourceclose").await;
        }
    }

    /// Whether more data is wanted now. Only a managed source ever says no
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

    /// Sets where a live stream can be seeked to, in seconds.
    ///
    /// # Errors
    /// If it is not open, or the range is none.
    pub fn set_live_seekable_range(&self, start: f64, end: f64) -> Result<(), Exception> {
        Ok(self.source.try_set_live_seekable_range(start, end)?)
    }

    /// Adds a buffer for a media type. All are to be added before the first append: later ones are refused.
    ///
    /// # Errors
    /// If the source is not open, the type is not supported, or there are too many.
    pub fn add_source_buffer(&self, mime: &str) -> Result<SourceBuffer, Exception> {
        Ok(SourceBuffer::new(self.source.add_source_buffer(mime)?))
    }

    /// Declares that all data has been appended, so that the element ends where the data ends.
    ///
    /// # Errors
    /// If it is not open, or a buffer is updating.
    pub fn end_of_stream(&self) -> Result<(), Exception> {
        Ok(self.source.end_of_stream()?)
    }
}

/// Completes at the next event of one name, which is listened for from the creation on.
pub(super) struct NextEvent {
    fired: oneshot::Receiver<()>,
    _listener: EventListener,
}

impl NextEvent {
    pub(super) fn of(target: &EventTarget, name: &'static str) -> Self {
        let (sender, fired) = oneshot::channel();
        let listener = EventListener::once(target, name, move |_| {
            // Nobody waits any more if the future was dropped.
            let _ = sender.send(());
        });
        Self {
            fired,
            _listener: listener,
        }
    }
}

impl Future for NextEvent {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // The sender lives in the listener, which lives as long as this.
        Pin::new(&mut self.fired).poll(context).map(|_| ())
    }
}
