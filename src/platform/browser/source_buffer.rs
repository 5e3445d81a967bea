//! SourceBuffer.

use std::{cell::Cell, ops::Range, rc::Rc};

use futures_util::future::{Either, select};
use gloo_events::EventListener;
use wasm_bindgen::prelude::*;
use web_sys::{Event, TimeRanges};

use super::{bytes::Bytes, media_source::NextEvent};
use crate::platform::Exception;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = web_sys::SourceBuffer)]
    type Settable;

    #[wasm_bindgen(method, setter, catch, js_name = timestampOffset)]
    fn try_set_timestamp_offset(this: &Settable, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, catch, js_name = appendWindowStart)]
    fn try_set_append_window_start(this: &Settable, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, catch, js_name = appendWindowEnd)]
    fn try_set_append_window_end(this: &Settable, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = Event)]
    type BufferedChangeEvent;

    #[wasm_bindgen(method, getter, js_name = removedRanges)]
    fn removed_ranges(this: &BufferedChangeEvent) -> TimeRanges;
}

/// A [`SourceBuffer`](https://w3c.github.io/media-source/#sourcebuffer).
///
/// One operation at a time: each takes `&mut self` and is awaited, so two at once do not compile. One whose
/// future is dropped goes on, until [`abort`](Self::abort) ends it.
#[derive(Debug)]
pub struct SourceBuffer {
    buffer: web_sys::SourceBuffer,
    evicted: Rc<Cell<bool>>,
    _evictions: EventListener,
}

impl SourceBuffer {
    pub(super) fn new(buffer: web_sys::SourceBuffer) -> Self {
        let evicted: Rc<Cell<bool>> = Rc::default();
        let flag = evicted.clone();
        let evictions = EventListener::new(&buffer, "bufferedchange", move |event| {
            let event = event.unchecked_ref::<BufferedChangeEvent>();
            if event.removed_ranges().length() > 0 {
                flag.set(true);
            }
        });
        Self {
            buffer,
            evicted,
            _evictions: evictions,
        }
    }

    /// Whether an operation is going on.
    pub fn is_updating(&self) -> bool {
        self.buffer.updating()
    }

    /// What can be played of it, in seconds, ascending.
    ///
    /// # Errors
    /// If the MediaSource is closed or closing.
    pub fn buffered(&self) -> Result<Vec<Range<f64>>, Exception> {
        let ranges = self.buffer.buffered()?;
        let range = |nth| Some(ranges.start(nth).ok()?..ranges.end(nth).ok()?);
        Ok((0..ranges.length()).filter_map(range).collect())
    }

    /// Whether the browser has removed something by itself since this was asked last. Only a managed source
    /// tells ([`bufferedchange`](https://w3c.github.io/media-source/#dfn-bufferedchange)), and also counts what
    /// [`remove`](Self::remove) removed.
    pub fn take_evicted(&self) -> bool {
        self.evicted.take()
    }

    /// What is added to the timestamps of what is appended, in seconds.
    pub fn timestamp_offset(&self) -> f64 {
        self.buffer.timestamp_offset()
    }

    /// Sets what is added to the timestamps of what is appended from now on, in seconds. It opens a source
    /// that has ended.
    ///
    /// # Errors
    /// In the middle of a media segment or of an operation, or if the source is closed.
    pub fn set_timestamp_offset(&mut self, seconds: f64) -> Result<(), Exception> {
        let buffer = self.buffer.unchecked_ref::<Settable>();
        Ok(buffer.try_set_timestamp_offset(seconds)?)
    }

    /// Sets the bounds, in seconds, outside of which frames are dropped when they are appended.
    ///
    /// # Errors
    /// During an operation, if the source is closed, or if the bounds are none.
    pub fn set_append_window(&mut self, bounds: Range<f64>) -> Result<(), Exception> {
        let buffer = self.buffer.unchecked_ref::<Settable>();
        // The start must never be after the end, not even while both are being set.
        buffer.try_set_append_window_end(f64::INFINITY)?;
        buffer.try_set_append_window_start(bounds.start)?;
        Ok(buffer.try_set_append_window_end(bounds.end)?)
    }

    /// Takes another media type from now on
    /// ([`changeType`](https://w3c.github.io/media-source/#dom-sourcebuffer-changetype)).
    ///
    /// # Errors
    /// If the type is not supported, during an operation, or if the source is closed.
    pub fn change_type(&mut self, mime: &str) -> Result<(), Exception> {
        Ok(self.buffer.change_type(mime)?)
    }

    /// Appends an init segment, or a media segment or a part of one, and waits until it is parsed.
    ///
    /// Bytes that are no segment need not be an error: Chromium takes text for the beginning of a very large box,
    /// and swallows all that follows until [`abort`](Self::abort). WebKitGTK needs an init segment again after an
    /// abort.
    ///
    /// # Errors
    /// `QuotaExceededError` if there is no room, `InvalidStateError` if the source is closed, an operation is
    /// going on or the element has failed, `EncodingError` if the bytes cannot be parsed.
    pub async fn append(&mut self, bytes: &Bytes) -> Result<(), Exception> {
        let updated = self.next_update();
        self.buffer
            .append_buffer_with_array_buffer_view(bytes.array())?;
        match self.end_of(updated).await {
            true => Ok(()),
            false => Err(Exception::new("EncodingError", "it cannot be parsed")),
        }
    }

    /// Removes what lies in a range of seconds, and waits until that is done. It opens a source that has
    /// ended. What depends on a removed frame is removed too, up to the next random access point.
    ///
    /// # Errors
    /// If the range is none, an operation is going on, or the source is closed.
    pub async fn remove(&mut self, range: Range<f64>) -> Result<(), Exception> {
        let updated = self.next_update();
        self.buffer.remove(range.start, range.end)?;
        self.end_of(updated).await;
        Ok(())
    }

    /// Ends an append that is going on, and drops the part of a segment that was appended without its rest.
    /// The append window becomes infinite.
    ///
    /// # Errors
    /// If the source is not open, or something is being removed.
    pub fn abort(&mut self) -> Result<(), Exception> {
        Ok(self.buffer.abort()?)
    }

    /// Waits for the end of the operation that began; whether it went well.
    async fn end_of(&self, mut updated: NextUpdate) -> bool {
        loop {
            // `error` is fired before its `updateend`.
            let succeeded = matches!(
                select(updated.failed, updated.ended).await,
                Either::Right(_)
            );
            // The events of an operation that was aborted before may be fired only now.
            if !self.buffer.updating() {
                return succeeded;
            }
            updated = self.next_update();
        }
    }

    fn next_update(&self) -> NextUpdate {
        NextUpdate {
            failed: NextEvent::of(&self.buffer, "error"),
            ended: NextEvent::of(&self.buffer, "updateend"),
        }
    }
}

/// The next end of an operation.
struct NextUpdate {
    failed: NextEvent,
    ended: NextEvent,
}
