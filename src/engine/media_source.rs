//! The MediaSource of one period group.

use super::{
    error::{Error, call_error},
    segment_buffer::SegmentBuffer,
};
use crate::{
    platform::{self, MediaHandle, MediaSource, ReadyState},
    protocol::PlaybackError,
};

/// A MediaSource whose errors are [`PlaybackError`]s. Owned by its session for as long as it plays, because WebKit
/// collects a MediaSource that only the element refers to.
#[derive(Clone)]
pub struct OwnedMediaSource(MediaSource);

impl OwnedMediaSource {
    /// Creates a MediaSource. It is closed until the page attaches its handle.
    ///
    /// # Errors
    /// [`PlaybackError::NoMediaSourceInWorkers`], or [`PlaybackError::NoMediaSource`] on the page.
    pub fn new() -> Result<Self, Error> {
        MediaSource::new().map(Self).map_err(|_| {
            Box::new(match platform::is_worker() {
                true => PlaybackError::NoMediaSourceInWorkers,
                false => PlaybackError::NoMediaSource,
            })
        })
    }

    /// The handle that the page attaches to its element.
    pub const fn handle(&self) -> &MediaHandle {
        self.0.handle()
    }

    /// Waits until the page has attached the handle, however long that takes.
    pub async fn wait_until_open(&self) {
        self.0.opened().await;
    }

    /// Waits until the page has detached the handle. Returns at once if it was never attached.
    pub async fn wait_until_closed(&self) {
        self.0.closed().await;
    }

    /// Sets the duration, in seconds.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn set_duration(&self, seconds: f64) -> Result<(), Error> {
        self.0
            .set_duration(seconds)
            .map_err(|exception| call_error("set the duration", exception))
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
        self.0
            .add_source_buffer(mime)
            .map(|buffer| SegmentBuffer::new(buffer, mime.into()))
            .map_err(|exception| call_error("create a SourceBuffer", exception))
    }

    /// Whether it is open: attached, and not ended.
    pub fn is_open(&self) -> bool {
        self.0.ready_state() == ReadyState::Open
    }

    /// Whether the browser wants more data now. Always true unless the source is managed.
    pub fn is_streaming(&self) -> bool {
        self.0.is_streaming()
    }

    /// Declares that no more segments will follow, so that the element can end.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn end_of_stream(&self) -> Result<(), Error> {
        self.0
            .end_of_stream()
            .map_err(|exception| call_error("end the stream", exception))
    }
}
