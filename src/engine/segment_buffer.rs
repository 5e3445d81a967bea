//! A SourceBuffer, with what the specification leaves to its user: one operation at a time.

use std::{cell::Cell, rc::Rc};

use futures_util::future::{Either, LocalBoxFuture, select};
use gloo_events::EventListener;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::SourceBuffer;

use super::{context::Error, media_source::call_error};
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
/// The browser refuses an operation while another is going on. Here each takes `&mut self` and is
/// awaited, so the queue of operations is the borrow: two at once do not compile. One that is not awaited
/// to its end is ended by [`reset`](Self::reset).
pub struct SegmentBuffer {
    buffer: SourceBuffer,
    mime: String,
    /// Whose init segment it got last.
    init: Option<(RepresentationId, Resource)>,
    /// Where the segment that it got last ends, in seconds.
    filled_to: f64,
    /// Whether something was taken out of it, and nobody has asked yet.
    evicted: Rc<Cell<bool>>,
    _evictions: EventListener,
}

impl SegmentBuffer {
    /// Takes over a SourceBuffer that was made for this type and does nothing yet.
    pub fn new(buffer: SourceBuffer, mime: String) -> Self {
        let evicted: Rc<Cell<bool>> = Rc::default();
        let told = evicted.clone();
        let evictions = web::hear(&buffer, "bufferedchange", move |event| {
            let event = event.unchecked_ref::<BufferedChangeEvent>();
            if event.removed_ranges().length() > 0 {
                told.set(true);
            }
        });
        Self {
            evicted,
            _evictions: evictions,
            buffer,
            mime,
            init: None,
            filled_to: f64::NEG_INFINITY,
        }
    }

    /// Whether it is ready for segments that need this init segment of a representation.
    pub fn is_initialized(&self, id: RepresentationId, init: &Resource) -> bool {
        matches!(&self.init, Some((known, place)) if *known == id && place == init)
    }

    /// It got this init segment.
    pub fn set_initialized(&mut self, id: RepresentationId, init: &Resource) {
        self.init = Some((id, init.clone()));
    }

    /// Whether the segment that it got last ends at a time, so that one from there on follows it.
    pub fn ends_at(&self, time: f64) -> bool {
        (self.filled_to - time).abs() < BOUNDARY_TOLERANCE
    }

    /// It got a segment that ends here, in seconds.
    pub const fn set_end(&mut self, end: f64) {
        self.filled_to = end;
    }

    /// What it holds. Nothing, once the page has let go of its MediaSource.
    pub fn buffered(&self) -> TimeRanges {
        let Ok(ranges) = self.buffer.buffered() else {
            return TimeRanges::default();
        };
        let range = |nth| {
            Some(TimeRange {
                start: ranges.start(nth).ok()?,
                end: ranges.end(nth).ok()?,
            })
        };
        (0..ranges.length()).filter_map(range).collect()
    }

    /// Whether something was taken out of it since this was asked last, where the browser says so: a managed
    /// source evicts on its own, and may do so in the middle of a segment.
    pub fn take_evicted(&self) -> bool {
        self.evicted.take()
    }

    /// Readies it for segments of this type, if it was made for another. Where the browser knows no
    /// changing over, it is of the same codec, and an init segment tells the rest.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the browser cannot change over.
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

    /// What is appended from now on is so many seconds later than its own timestamps say (`None` leaves
    /// that as it is), and what of it lies out of bounds is left out.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn set_placement(&mut self, offset: Option<f64>, bounds: TimeRange) -> Result<(), Error> {
        let set = || -> Result<(), JsValue> {
            if let Some(offset) = offset {
                web::set_timestamp_offset(&self.buffer, offset)?;
            }
            web::set_append_window(&self.buffer, bounds.start.max(0.0), bounds.end)
        };
        set().map_err(|exception| call_error("place a segment", &exception))
    }

    /// Appends an init segment, or a media segment or a part of one, and waits until it is in.
    ///
    /// # Errors
    /// [`PlaybackError::BufferFull`], or [`PlaybackError::MediaSourceCall`] if the source is closed or the bytes cannot be read.
    pub async fn append(&mut self, bytes: &Uint8Array) -> Result<(), Error> {
        let doing = "append a segment";
        let updated = self.updated();
        self.buffer
            .append_buffer_with_array_buffer_view(bytes)
            .map_err(|exception| call_error(doing, &exception))?;
        self.end_of(updated).await.then_some(()).ok_or_else(|| {
            let (doing, reason) = (doing.into(), "it cannot be read".into());
            PlaybackError::MediaSourceCall {
                operation: doing,
                reason,
            }
            .into()
        })
    }

    /// Removes what lies in a range.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is closed.
    pub async fn remove(&mut self, range: TimeRange) -> Result<(), Error> {
        let updated = self.updated();
        self.buffer
            .remove(range.start, range.end)
            .map_err(|exception| call_error("evict media", &exception))?;
        self.end_of(updated).await;
        Ok(())
    }

    /// Forgets the part of a segment that was appended without its rest, and ends whatever is going on.
    pub fn reset(&mut self) {
        // What was appended in part may or may not have been taken in.
        self.init = None;
        self.filled_to = f64::NEG_INFINITY;
        // A source that has ended refuses to abort. This opens it again, if it changes nothing else; what is
        // refused here is so by a source that is closed, or in the middle of what is aborted next.
        let _ = web::set_timestamp_offset(&self.buffer, self.buffer.timestamp_offset());
        let _ = self.buffer.abort();
    }

    /// Waits for the end of an operation that has been begun; whether it went well.
    async fn end_of(&self, mut updated: LocalBoxFuture<'static, bool>) -> bool {
        loop {
            let is_well = updated.await;
            // The end of what was aborted before it is told of late.
            if !self.buffer.updating() {
                return is_well;
            }
            updated = self.updated();
        }
    }

    /// Waits for the operation that is begun next, or the end of the one before; whether it went well.
    fn updated(&self) -> LocalBoxFuture<'static, bool> {
        let failed = web::event(&self.buffer, "error");
        let updated = web::event(&self.buffer, "updateend");
        // `error` comes before its `updateend`.
        Box::pin(async { matches!(select(failed, updated).await, Either::Right(_)) })
    }
}
