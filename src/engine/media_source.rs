//! The MediaSource of one period group.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{
    error::{Error, call_error},
    segment_buffer::SegmentBuffer,
};
use crate::{
    media::ranges::TimeRange,
    platform::{self, MediaHandle, MediaSource, ReadyState},
    protocol::PlaybackError,
};

/// A MediaSource whose errors are [`PlaybackError`]s. Owned by its session for as long as it plays, because WebKit
/// collects a MediaSource that only the element refers to.
#[derive(Clone)]
pub struct OwnedMediaSource {
    source: MediaSource,
    /// For each SourceBuffer whether an operation is running.
    are_updating: Rc<RefCell<Vec<Rc<Cell<bool>>>>>,
}

impl OwnedMediaSource {
    /// Creates a MediaSource. It is closed until the page attaches its handle.
    ///
    /// # Errors
    /// [`PlaybackError::NoMediaSourceInWorkers`], or [`PlaybackError::NoMediaSource`] on the page.
    pub fn new() -> Result<Self, Error> {
        let source = MediaSource::new().map_err(|_| {
            Box::new(match platform::is_worker() {
                true => PlaybackError::NoMediaSourceInWorkers,
                false => PlaybackError::NoMediaSource,
            })
        })?;
        Ok(Self {
            source,
            are_updating: Rc::default(),
        })
    }

    /// The handle that the page attaches to its element.
    pub const fn handle(&self) -> &MediaHandle {
        self.source.handle()
    }

    /// Waits until the page has attached the handle, however long that takes.
    pub async fn wait_until_open(&self) {
        self.source.opened().await;
    }

    /// Waits until the page has detached the handle. Returns at once if it was never attached.
    pub async fn wait_until_closed(&self) {
        self.source.closed().await;
    }

    /// The duration, in seconds.
    pub fn duration(&self) -> f64 {
        self.source.duration()
    }

    /// Sets the duration, in seconds.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn set_duration(&self, seconds: f64) -> Result<(), Error> {
        self.source
            .set_duration(seconds)
            .map_err(|exception| call_error("set the duration", exception))
    }

    /// Sets a finite duration in seconds, but not one before the end of what is buffered, which browsers refuse.
    ///
    /// # Errors
    /// None: a browser that refuses keeps the infinite duration until the end of the stream.
    pub fn shorten_duration(&self, seconds: f64) {
        let _ = self.source.set_duration(seconds);
    }

    /// Sets the range that a live stream can be seeked in.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn set_live_seekable_range(&self, seekable: TimeRange) -> Result<(), Error> {
        self.source
            .set_live_seekable_range(seekable.start, seekable.end)
            .map_err(|exception| call_error("set the range of the live stream", exception))
    }

    /// Whether no SourceBuffer is updating.
    pub fn is_idle(&self) -> bool {
        self.are_updating
            .borrow()
            .iter()
            .all(|is_updating| !is_updating.get())
    }

    /// Creates a SourceBuffer.
    ///
    /// # Errors
    /// [`PlaybackError::UnsupportedCodec`] if this thread cannot decode the type, [`PlaybackError::MediaSourceCall`] if
    /// `addSourceBuffer()` throws.
    pub fn add_buffer(&self, mime: &str) -> Result<SegmentBuffer, Error> {
        if !platform::can_decode(mime) {
            return Err(PlaybackError::UnsupportedCodec { mime: mime.into() }.into());
        }
        self.source
            .add_source_buffer(mime)
            .map(|buffer| {
                let is_updating = Rc::<Cell<bool>>::default();
                self.are_updating.borrow_mut().push(is_updating.clone());
                SegmentBuffer::new(buffer, mime.into(), is_updating)
            })
            .map_err(|exception| call_error("create a SourceBuffer", exception))
    }

    /// Whether it is open: attached, and not ended.
    pub fn is_open(&self) -> bool {
        self.source.ready_state() == ReadyState::Open
    }

    /// Whether it has ended: `endOfStream()` was called, and nothing was removed or appended since.
    pub fn is_ended(&self) -> bool {
        self.source.ready_state() == ReadyState::Ended
    }

    /// Whether the browser wants more data now. Always true unless the source is managed.
    pub fn is_streaming(&self) -> bool {
        self.source.is_streaming()
    }

    /// Declares that no more segments will follow, so that the element can end.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn end_of_stream(&self) -> Result<(), Error> {
        self.source
            .end_of_stream()
            .map_err(|exception| call_error("end the stream", exception))
    }
}
