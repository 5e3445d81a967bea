//! SourceBuffer, with operations as futures.

use std::{cell::Cell, ops::Range, rc::Rc};

use futures_util::future::{Either, select};
use gloo_events::EventListener;
use wasm_bindgen::prelude::*;
use web_sys::{Event, TimeRanges};

use super::{bytes::Bytes, event::NextEvent};
use crate::platform::types::Exception;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = web_sys::SourceBuffer)]
    type FallibleSetters;

    #[wasm_bindgen(method, setter, catch, js_name = timestampOffset)]
    fn try_set_timestamp_offset(this: &FallibleSetters, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, catch, js_name = appendWindowStart)]
    fn try_set_append_window_start(this: &FallibleSetters, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, catch, js_name = appendWindowEnd)]
    fn try_set_append_window_end(this: &FallibleSetters, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, catch, js_name = mode)]
    fn try_set_mode(this: &FallibleSetters, mode: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = Event)]
    type BufferedChangeEvent;

    #[wasm_bindgen(method, getter, js_name = removedRanges)]
    fn removed_ranges(this: &BufferedChangeEvent) -> TimeRanges;
}

/// A [`SourceBuffer`](https://w3c.github.io/media-source/#sourcebuffer).
///
/// Each operation takes `&mut self` and is awaited, so two at the same time do not compile. An operation whose
/// future is dropped goes on until [`abort`](Self::abort) ends it.
#[derive(Debug)]
pub struct SourceBuffer {
    buffer: web_sys::SourceBuffer,
    /// Whether a `bufferedchange` event has reported a removal since [`take_evicted`](Self::take_evicted).
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

    /// Whether an operation is running.
    pub fn is_updating(&self) -> bool {
        self.buffer.updating()
    }

    /// The buffered ranges, in seconds, ascending.
    ///
    /// # Errors
    /// If the MediaSource is closed or closing.
    pub fn buffered(&self) -> Result<Vec<Range<f64>>, Exception> {
        let ranges = self.buffer.buffered()?;
        let range = |index| Some(ranges.start(index).ok()?..ranges.end(index).ok()?);
        Ok((0..ranges.length()).filter_map(range).collect())
    }

    /// Whether media was removed since the last call. Only a managed source reports this
    /// ([`bufferedchange`](https://w3c.github.io/media-source/#dfn-bufferedchange)), for its own evictions and for
    /// [`remove`](Self::remove).
    pub fn take_evicted(&self) -> bool {
        self.evicted.take()
    }

    /// `timestampOffset`, in seconds: it is added to the timestamps of appended media.
    pub fn timestamp_offset(&self) -> f64 {
        self.buffer.timestamp_offset()
    }

    /// Sets `timestampOffset`, in seconds, for the media appended from now on. This opens a source that has ended.
    ///
    /// # Errors
    /// In the middle of a media segment, during an operation, or if the source is closed.
    pub fn set_timestamp_offset(&mut self, seconds: f64) -> Result<(), Exception> {
        let buffer = self.buffer.unchecked_ref::<FallibleSetters>();
        Ok(buffer.try_set_timestamp_offset(seconds)?)
    }

    /// Sets the append window, in seconds. Frames outside of it are dropped when they are appended.
    ///
    /// # Errors
    /// During an operation, if the source is closed, or if the range is empty.
    pub fn set_append_window(&mut self, bounds: Range<f64>) -> Result<(), Exception> {
        let buffer = self.buffer.unchecked_ref::<FallibleSetters>();
        // The start must be before the end at any time, so the end is moved out of the way first.
        buffer.try_set_append_window_end(f64::INFINITY)?;
        buffer.try_set_append_window_start(bounds.start)?;
        Ok(buffer.try_set_append_window_end(bounds.end)?)
    }

    /// Changes the media type for the segments appended from now on
    /// ([`changeType`](https://w3c.github.io/media-source/#dom-sourcebuffer-changetype)). Media with timestamps is
    /// placed by them, also after packed audio, which has none.
    ///
    /// # Errors
    /// If the type is not supported, during an operation, or if the source is closed.
    pub fn change_type(&mut self, mime: &str) -> Result<(), Exception> {
        self.buffer.change_type(mime)?;
        // Packed audio sets the mode to `sequence`, and `changeType` to another type keeps that. Where it must not be
        // changed back, this throws a TypeError and the mode is as it should be.
        let _ = self
            .buffer
            .unchecked_ref::<FallibleSetters>()
            .try_set_mode("segments");
        Ok(())
    }

    /// Appends an init segment, or a media segment or a part of one, and waits until it is parsed.
    ///
    /// Bytes that are not a segment are not always an error: Chromium reads text as the header of a very large box, and
    /// ignores everything that follows until [`abort`](Self::abort). WebKitGTK needs the init segment again after an
    /// abort.
    ///
    /// # Errors
    /// `QuotaExceededError` if there is no room, `InvalidStateError` if the source is closed, an operation is
    /// running or the element has failed, `EncodingError` if the bytes cannot be parsed.
    pub async fn append(&mut self, bytes: &Bytes) -> Result<(), Exception> {
        let updated = self.next_update();
        self.buffer
            .append_buffer_with_array_buffer_view(bytes.array())?;
        match self.wait_for(updated).await {
            true => Ok(()),
            false => Err(Exception::new("EncodingError", "it cannot be parsed")),
        }
    }

    /// Removes a range, in seconds, and waits until that is done. This opens a source that has ended. Frames that
    /// depend on a removed one are removed too, up to the next random access point.
    ///
    /// # Errors
    /// If the range is empty, an operation is running, or the source is closed.
    pub async fn remove(&mut self, range: Range<f64>) -> Result<(), Exception> {
        let updated = self.next_update();
        self.buffer.remove(range.start, range.end)?;
        self.wait_for(updated).await;
        Ok(())
    }

    /// Ends a running append, and resets the parser: an incomplete segment is dropped. The append window becomes
    /// infinite.
    ///
    /// # Errors
    /// If the source is not open, or a removal is running.
    pub fn abort(&mut self) -> Result<(), Exception> {
        Ok(self.buffer.abort()?)
    }

    /// Waits until the running operation ends. Returns whether it succeeded.
    async fn wait_for(&self, mut updated: NextUpdate) -> bool {
        loop {
            // `error` is fired before its `updateend`.
            let succeeded = matches!(
                select(updated.failed, updated.ended).await,
                Either::Right(_)
            );
            // The events of an operation that was aborted earlier may be fired only now.
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

/// The events of which one ends an operation.
struct NextUpdate {
    failed: NextEvent,
    ended: NextEvent,
}
