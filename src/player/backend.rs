//! The playback backend, and the feature detection that chooses it.

use wasm_bindgen::JsCast;
use web_sys::HtmlVideoElement;

use super::dom::document;
use crate::{
    platform::web,
    protocol::{PlaybackError, milestone::EngineLocation},
};

/// The playback backend: an engine, or the browser's own HLS player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// An engine on this thread fills a MediaSource.
    Engine(EngineLocation),
    /// The browser plays HLS itself; it has no MediaSource.
    Native,
    /// The browser plays a file itself, which the engine does not play.
    NativeFile,
}

/// What a browser can play with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrowserSupport {
    /// MediaSource in workers.
    pub worker: bool,
    /// MediaSource on the page.
    pub page: bool,
    /// HLS as the element's `src`.
    pub native_hls: bool,
}

impl BrowserSupport {
    /// Detects the features of this browser.
    pub fn detect() -> Self {
        Self {
            worker: web::workers_have_media_source(),
            page: web::has_media_source(),
            native_hls: plays_hls(),
        }
    }
}

impl Backend {
    /// Returns the backend for a browser. A `requested` thread is used without a check.
    ///
    /// # Errors
    /// [`PlaybackError::NoMediaSource`] if the browser has neither MediaSource nor native HLS.
    pub const fn choose(
        requested: Option<EngineLocation>,
        support: BrowserSupport,
    ) -> Result<Self, PlaybackError> {
        match requested {
            Some(location) => Ok(Self::Engine(location)),
            None if support.worker => Ok(Self::Engine(EngineLocation::Worker)),
            None if support.page => Ok(Self::Engine(EngineLocation::Page)),
            None if support.native_hls => Ok(Self::Native),
            None => Err(PlaybackError::NoMediaSource),
        }
    }

    /// The backend's name in the `data-engine` attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Engine(EngineLocation::Worker) => "worker",
            Self::Engine(EngineLocation::Page) => "page",
            Self::Native | Self::NativeFile => "none",
        }
    }

    /// A sentence for the viewer: where the engine runs, and why.
    pub const fn description(self, was_requested: bool) -> &'static str {
        match (self, was_requested) {
            (Self::Engine(EngineLocation::Worker), false) => "The engine runs in a worker.",
            (Self::Engine(EngineLocation::Worker), true) => {
                "The engine runs in a worker, as requested."
            }
            (Self::Engine(EngineLocation::Page), false) => {
                "The engine runs on the page: this browser has no MediaSource in workers."
            }
            (Self::Engine(EngineLocation::Page), true) => {
                "The engine runs on the page, as requested."
            }
            (Self::NativeFile, _) => {
                "The engine is not at work: it does not play this kind of file, so the browser plays it by itself."
            }
            (Self::Native, _) => "No engine: this browser has no MediaSource and plays HLS itself.",
        }
    }
}

fn plays_hls() -> bool {
    let video = document().and_then(|document| document.create_element("video").ok());
    let video = video.map(|video| video.unchecked_into::<HtmlVideoElement>());
    video.is_some_and(|video| {
        !video
            .can_play_type("application/vnd.apple.mpegurl")
            .is_empty()
    })
}
