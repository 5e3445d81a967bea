//! Media keys and the system's media controls, by the [Media Session](https://w3c.github.io/mediasession/) API.

use js_sys::{Function, Object};
use wasm_bindgen::prelude::*;
use web_sys::HtmlVideoElement;

use super::request::MediaRequest;
use crate::platform::web::{self, MediaSessionActionDetails};

/// The handled actions.
const KEYS: [&str; 5] = ["play", "pause", "seekbackward", "seekforward", "seekto"];

/// How far a key seeks if the browser names no offset, in seconds.
const DEFAULT_OFFSET: f64 = 10.0;

/// Handles the media keys for one player. The player that started last has them.
pub struct MediaKeys {
    pressed: Closure<dyn FnMut(MediaSessionActionDetails)>,
    title: Object,
}

impl MediaKeys {
    /// Prepares the handler. `None` if the browser has no Media Session.
    pub fn new(title: &str, act: impl Fn(MediaRequest) + 'static) -> Option<Self> {
        web::media_session()?;
        let pressed = Closure::new(move |key: MediaSessionActionDetails| {
            let by = key.seek_offset().unwrap_or(DEFAULT_OFFSET);
            let request = match key.action().as_str() {
                "play" => MediaRequest::Play,
                "pause" => MediaRequest::Pause,
                "seekbackward" => MediaRequest::Skip(-by),
                "seekforward" => MediaRequest::Skip(by),
                _ => MediaRequest::Seek(key.seek_time().unwrap_or_default()),
            };
            act(request);
        });
        let title = web::media_metadata(title).ok()?;
        Some(Self { pressed, title })
    }

    /// Takes over the media session.
    pub fn activate(&self) {
        self.set_handlers(
            Some(&self.title),
            Some(self.pressed.as_ref().unchecked_ref()),
        );
    }

    fn set_handlers(&self, title: Option<&Object>, pressed: Option<&Function>) {
        let Some(session) = web::media_session() else {
            return;
        };
        session.set_metadata(title);
        for key in KEYS {
            // Throws for an action that the browser does not know.
            let _ = session.set_action_handler(key, pressed);
        }
    }

    /// Reports the playback position, which the system extrapolates.
    pub fn update_position(&self, video: &HtmlVideoElement) {
        let state = web::object(&[
            ("duration", video.duration().into()),
            ("playbackRate", video.playback_rate().into()),
            ("position", video.current_time().into()),
        ]);
        if let Some(session) = web::media_session() {
            // Throws while the duration is unknown.
            let _ = session.set_position_state(&state);
        }
    }
}

impl Drop for MediaKeys {
    fn drop(&mut self) {
        let shown = web::media_session().and_then(|session| session.metadata());
        if shown.as_ref() == Some(&self.title) {
            self.set_handlers(None, None);
        }
    }
}
