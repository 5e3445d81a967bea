//! The MediaSource of one period group.

use wasm_bindgen::JsCast;

use super::{
    error::{Error, call_error},
    segment_buffer::SegmentBuffer,
};
use crate::{
    platform::web::{self, AnyMediaSource, MediaProvider},
    protocol::PlaybackError,
};

/// A MediaSource and its handle. Owned for as long as it plays, because WebKit collects a MediaSource that only the
/// element refers to.
#[derive(Clone)]
pub struct OwnedMediaSource {
    media: AnyMediaSource,
    provider: MediaProvider,
}

impl OwnedMediaSource {
    /// `new MediaSource()`. It is closed until the element attaches it.
    ///
    /// # Errors
    /// [`PlaybackError::NoMediaSourceInWorkers`], or [`PlaybackError::NoMediaSource`] on the page.
    pub fn new() -> Result<Self, Error> {
        if !web::is_worker() {
            // A MediaSource of the page has no handle; the element takes the MediaSource itself.
            let media = web::new_media_source().map_err(|_| PlaybackError::NoMediaSource)?;
            let provider = media.clone().unchecked_into();
            return Ok(Self { media, provider });
        }
        let media = web::new_media_source().map_err(|_| PlaybackError::NoMediaSourceInWorkers)?;
        let handle = media
            .handle()
            .ok_or(PlaybackError::NoMediaSourceInWorkers)?;
        let provider = handle.into();
        Ok(Self { media, provider })
    }

    /// What the page attaches to its element.
    pub const fn handle(&self) -> &MediaProvider {
        &self.provider
    }

    /// Waits until the page has attached the handle, however long that takes.
    pub async fn wait_until_open(&self) {
        if self.media.state() == "closed" {
            web::event(&self.media, "sourceopen").await;
        }
    }

    /// Waits until the page has detached the handle. Returns at once if it was never attached.
    pub async fn wait_until_closed(&self) {
        if self.media.state() != "closed" {
            web::event(&self.media, "sourceclose").await;
        }
    }

    /// Sets the duration, in seconds.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn set_duration(&self, seconds: f64) -> Result<(), Error> {
        self.media
            .try_set_duration(seconds)
            .map_err(|exception| call_error("set the duration", &exception))
    }

    /// Creates a SourceBuffer.
    ///
    /// # Errors
    /// [`PlaybackError::UnsupportedCodec`] if this thread cannot decode the type, [`PlaybackError::MediaSourceCall`] if
    /// the browser creates none all the same.
    pub fn add_buffer(&self, mime: &str) -> Result<SegmentBuffer, Error> {
        if !web::can_decode(mime) {
            return Err(PlaybackError::UnsupportedCodec { mime: mime.into() }.into());
        }
        self.media
            .add_source_buffer(mime)
            .map(|buffer| SegmentBuffer::new(buffer, mime.into()))
            .map_err(|exception| call_error("create a SourceBuffer", &exception))
    }

    /// Whether it is open: attached, and not ended since the last append.
    pub fn is_open(&self) -> bool {
        self.media.state() == "open"
    }

    /// Whether more should be appended now. Always true unless the source is managed.
    pub fn is_streaming(&self) -> bool {
        self.media.streaming().unwrap_or(true)
    }

    /// Declares that no segment will follow, so that the element can end.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn end_of_stream(&self) -> Result<(), Error> {
        self.media
            .end_of_stream()
            .map_err(|exception| call_error("end the stream", &exception))
    }
}
