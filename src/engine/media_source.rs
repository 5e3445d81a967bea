//! The MediaSource of one playback.

use wasm_bindgen::{JsCast, JsValue};

use super::{context::Error, segment_buffer::SegmentBuffer};
use crate::{
    platform::web::{self, AnyMediaSource, MediaProvider},
    protocol::PlaybackError,
};

/// Owns the MediaSource for as long as the playback lasts: WebKit does not keep one alive that only
/// its element knows.
#[derive(Clone)]
pub struct OwnedMediaSource {
    media: AnyMediaSource,
    provider: MediaProvider,
}

impl OwnedMediaSource {
    /// `new MediaSource()`, closed until the element has it.
    ///
    /// # Errors
    /// [`PlaybackError::NoMediaSourceInWorkers`], or [`PlaybackError::NoMediaSource`] on the page.
    pub fn new() -> Result<Self, Error> {
        if !web::is_worker() {
            // The page's MediaSource has no handle, and needs none.
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

    /// What the page gives its element: the handle, where this is a worker.
    pub const fn handle(&self) -> &MediaProvider {
        &self.provider
    }

    /// Waits until the page has attached the handle. Without that it waits for ever.
    pub async fn wait_until_open(&self) {
        if self.media.state() == "closed" {
            web::event(&self.media, "sourceopen").await;
        }
    }

    /// Waits until the page has detached the handle. One that was never attached counts as such.
    pub async fn wait_until_closed(&self) {
        if self.media.state() != "closed" {
            web::event(&self.media, "sourceclose").await;
        }
    }

    /// Sets the film's duration, in seconds.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn set_duration(&self, seconds: f64) -> Result<(), Error> {
        self.media
            .try_set_duration(seconds)
            .map_err(|exception| call_error("set the duration", &exception))
    }

    /// Makes a SourceBuffer for one track.
    ///
    /// # Errors
    /// [`PlaybackError::UnsupportedCodec`] if the browser cannot decode it in a worker, [`PlaybackError::MediaSourceCall`] if it makes
    /// none all the same.
    pub fn add_buffer(&self, mime: &str) -> Result<SegmentBuffer, Error> {
        if !web::can_decode(mime) {
            return Err(PlaybackError::UnsupportedCodec { mime: mime.into() }.into());
        }
        let made = self.media.add_source_buffer(mime);
        made.map(|buffer| SegmentBuffer::new(buffer, mime.into()))
            .map_err(|exception| call_error("make a SourceBuffer", &exception))
    }

    /// Whether it can be appended to: not before it is attached, and not once it was ended, until
    /// something is appended again.
    pub fn is_open(&self) -> bool {
        self.media.state() == "open"
    }

    /// Whether it wants more now. One that is not managed always does.
    pub fn is_streaming(&self) -> bool {
        self.media.streaming().unwrap_or(true)
    }

    /// Says that no segment will follow: the element may come to its end.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is not open.
    pub fn end_of_stream(&self) -> Result<(), Error> {
        self.media
            .end_of_stream()
            .map_err(|exception| call_error("end the stream", &exception))
    }
}

/// The fault of a call that threw.
pub fn call_error(doing: &str, exception: &JsValue) -> Error {
    // A class of its own in newer browsers, a DOMException in older ones: the name is the same.
    if web::name(exception).as_deref() == Some("QuotaExceededError") {
        return PlaybackError::BufferFull.into();
    }
    Box::new(PlaybackError::MediaSourceCall {
        operation: doing.into(),
        reason: web::words(exception),
    })
}
