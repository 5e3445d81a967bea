//! Which way a film comes to the element. It is chosen by what the browser has, and never by its name.

use wasm_bindgen::JsCast;
use web_sys::HtmlVideoElement;

use super::dom::document;
use crate::{
    platform::web,
    protocol::{PlaybackError, milestone::EngineLocation},
};

/// The ways that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// By an engine on this thread, with a MediaSource.
    Engine(EngineLocation),
    /// By the browser itself, which plays HLS and has no MediaSource.
    Native,
}

impl Backend {
    /// The way for this browser, or the engine's thread that was asked for.
    ///
    /// # Errors
    /// [`PlaybackError::NoMediaSource`] where there is no way at all.
    pub fn choose(wanted: Option<EngineLocation>) -> Result<Self, PlaybackError> {
        if let Some(thread) = wanted {
            Ok(Self::Engine(thread))
        } else if web::workers_have_media_source() {
            Ok(Self::Engine(EngineLocation::Worker))
        } else if web::has_media_source() {
            Ok(Self::Engine(EngineLocation::Page))
        } else if plays_hls() {
            Ok(Self::Native)
        } else {
            Err(PlaybackError::NoMediaSource)
        }
    }

    /// The same in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Engine(EngineLocation::Worker) => "worker",
            Self::Engine(EngineLocation::Page) => "page",
            Self::Native => "none",
        }
    }

    /// Where the engine runs, and why: a line for whoever wants to know.
    pub const fn description(self, was_wanted: bool) -> &'static str {
        match (self, was_wanted) {
            (Self::Engine(EngineLocation::Worker), false) => "Engine in a worker.",
            (Self::Engine(EngineLocation::Worker), true) => "Engine in a worker, as was asked for.",
            (Self::Engine(EngineLocation::Page), false) => {
                "Engine on the page: this browser has no MediaSource in workers."
            }
            (Self::Engine(EngineLocation::Page), true) => "Engine on the page, as was asked for.",
            (Self::Native, _) => {
                "No engine: this browser has no MediaSource, and plays HLS itself."
            }
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
