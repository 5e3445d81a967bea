//! A SourceBuffer, used by one operation at a time.

use std::{cell::Cell, rc::Rc};

use futures_util::future::{Either, LocalBoxFuture, select};
use gloo_events::EventListener;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::SourceBuffer;

use super::error::{Error, call_error};
use crate::{
    media::{
        BOUNDARY_TOLERANCE, RepresentationId, Resource,
        ranges::{TimeRange, TimeRanges},
    },
    platform::web::{self, BufferedChangeEvent},
    protocol::PlaybackError,
};

/// One track's SourceBuffer.
///
/// The browser refuses an operation while another is running. Every operation takes `&mut self` and is awaited, so
/// the borrow checker queues them. An operation whose future is dropped is ended by [`reset`](Self::reset).
pub struct SegmentBuffer {
    buffer: SourceBuffer,
    mime: String,
    /// The init segment that was appended last, and its representation.
    init: Option<(RepresentationId, Resource)>,
    /// The end of the segment that was appended last, in seconds.
    end: f64,
    /// Whether the browser has evicted anything since the last [`take_evicted`](Self::take_evicted).
    evicted: Rc<Cell<bool>>,
    _evictions: EventListener,
}

impl SegmentBuffer {
    /// Wraps a new SourceBuffer of the given type.
    pub fn new(buffer: SourceBuffer, mime: String) -> Self {
        let evicted: Rc<Cell<bool>> = Rc::default();
        let evictions = {
            let evicted = evicted.clone();
            web::hear(&buffer, "bufferedchange", move |event| {
                let event = event.unchecked_ref::<BufferedChangeEvent>();
                if event.removed_ranges().length() > 0 {
                    evicted.set(true);
                }
            })
        };
        Self {
            evicted,
            _evictions: evictions,
            buffer,
            mime,
            init: None,
            end: f64::NEG_INFINITY,
        }
    }

    /// Whether this init segment of a representation was appended last.
    pub fn is_initialized(&self, id: RepresentationId, init: &Resource) -> bool {
        matches!(&self.init, Some((known, resource)) if *known == id && resource == init)
    }

    /// Records that this init segment was appended.
    pub fn set_initialized(&mut self, id: RepresentationId, init: &Resource) {
        self.init = Some((id, init.clone()));
    }

    /// Whether the segment that was appended last ends at this time, in seconds.
    pub fn ends_at(&self, time: f64) -> bool {
        (self.end - time).abs() < BOUNDARY_TOLERANCE
    }

    /// Records the end of an appended segment, in seconds.
    pub const fn set_end(&mut self, end: f64) {
        self.end = end;
    }

    /// The buffered ranges; none if the MediaSource is closed.
    pub fn buffered(&self) -> TimeRanges {
        let Ok(ranges) = self.buffer.buffered() else {
            return TimeRanges::default();
        };
        let range = |index| {
            Some(TimeRange {
                start: ranges.start(index).ok()?,
                end: ranges.end(index).ok()?,
            })
        };
        (0..ranges.length()).filter_map(range).collect()
    }

    /// Whether the browser has evicted anything since the last call. Only managed sources evict by themselves, also
    /// in the middle of an append, and report it.
    pub fn take_evicted(&self) -> bool {
        self.evicted.take()
    }

    /// Changes the type. A browser without `changeType` accepts another init segment of the same codec instead.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the browser cannot change to it.
    pub fn change_type(&mut self, mime: String) -> Result<(), Error> {
        if self.mime != mime {
            if web::can_change_type() {
                self.buffer
                    .change_type(&mime)
                    .map_err(|exception| call_error("change the format", &exception))?;
            }
            self.mime = mime;
            self.init = None;
        }
        Ok(())
    }

    /// Sets `timestampOffset`, unless `None`, and the append window, both in seconds.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn set_placement(&mut self, offset: Option<f64>, window: TimeRange) -> Result<(), Error> {
        let set = || -> Result<(), JsValue> {
            if let Some(offset) = offset {
                web::set_timestamp_offset(&self.buffer, offset)?;
            }
            web::set_append_window(&self.buffer, window.start.max(0.0), window.end)
        };
        set().map_err(|exception| call_error("place a segment", &exception))
    }

    /// Appends a segment or a part of one.
    ///
    /// # Errors
    /// [`PlaybackError::BufferFull`], or [`PlaybackError::MediaSourceCall`] if the source is closed or the bytes
    /// cannot be parsed.
    pub async fn append(&mut self, bytes: &Uint8Array) -> Result<(), Error> {
        let operation = "append a segment";
        let updated = self.updated();
        self.buffer
            .append_buffer_with_array_buffer_view(bytes)
            .map_err(|exception| call_error(operation, &exception))?;
        match self.finished(updated).await {
            true => Ok(()),
            false => Err(Box::new(PlaybackError::MediaSourceCall {
                operation: operation.into(),
                reason: "it cannot be read".into(),
            })),
        }
    }

    /// Removes a range.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is closed.
    pub async fn remove(&mut self, range: TimeRange) -> Result<(), Error> {
        let updated = self.updated();
        self.buffer
            .remove(range.start, range.end)
            .map_err(|exception| call_error("evict media", &exception))?;
        self.finished(updated).await;
        Ok(())
    }

    /// Aborts a running operation, and resets the parser: what was appended of an incomplete segment may or may not
    /// be buffered.
    pub fn reset(&mut self) {
        self.init = None;
        self.end = f64::NEG_INFINITY;
        // An ended source refuses `abort`; setting the offset reopens it. Errors mean that the source is closed, or
        // (of the first call) that the parser is in the middle of what is aborted next.
        let _ = web::set_timestamp_offset(&self.buffer, self.buffer.timestamp_offset());
        let _ = self.buffer.abort();
    }

    /// Waits for the end of the running operation. Whether it succeeded.
    async fn finished(&self, mut updated: LocalBoxFuture<'static, bool>) -> bool {
        loop {
            let is_successful = updated.await;
            // The events of an operation that was aborted before may arrive late.
            if !self.buffer.updating() {
                return is_successful;
            }
            updated = self.updated();
        }
    }

    /// Waits for the next `error` or `updateend`. Whether it was `updateend`.
    fn updated(&self) -> LocalBoxFuture<'static, bool> {
        let failed = web::event(&self.buffer, "error");
        let updated = web::event(&self.buffer, "updateend");
        // `error` fires before the same operation's `updateend`.
        Box::pin(async { matches!(select(failed, updated).await, Either::Right(_)) })
    }
}
