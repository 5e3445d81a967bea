//! The system's own keys, and what it shows beside them: the
//! [Media Session](https://w3c.github.io/mediasession/).

use js_sys::{Function, Object};
use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, HtmlVideoElement};

use super::action::ControlAction;
use crate::platform::web::{self, MediaKey};

/// Those that are listened to.
const KEYS: [&str; 5] = ["play", "pause", "seekbackward", "seekforward", "seekto"];

/// How far a key goes that does not say how far, in seconds.
const STRIDE: f64 = 10.0;

/// One player's hold on the keys. The last that began to play has them.
pub struct MediaKeys {
    pressed: Closure<dyn FnMut(MediaKey)>,
    title: Object,
}

impl MediaKeys {
    /// What they do here. `None` where there are none.
    pub fn new(video: &HtmlVideoElement, frame: &HtmlElement, title: &str) -> Option<Self> {
        web::media_session()?;
        let (video, frame) = (video.clone(), frame.clone());
        let pressed = Closure::new(move |key: MediaKey| {
            let by = key.seek_offset().unwrap_or(STRIDE);
            let request = match key.action().as_str() {
                "play" => ControlAction::Play,
                "pause" => ControlAction::Pause,
                "seekbackward" => ControlAction::Skip(-by),
                "seekforward" => ControlAction::Skip(by),
                _ => ControlAction::Seek(key.seek_time().unwrap_or_default()),
            };
            request.perform(&video, &frame);
        });
        let title = web::media_metadata(title).ok()?;
        Some(Self { pressed, title })
    }

    /// Takes the keys.
    pub fn take(&self) {
        self.give(
            Some(&self.title),
            Some(self.pressed.as_ref().unchecked_ref()),
        );
    }

    fn give(&self, title: Option<&Object>, pressed: Option<&Function>) {
        let Some(session) = web::media_session() else {
            return;
        };
        session.set_metadata(title);
        for key in KEYS {
            // One that this browser does not know is left alone.
            let _ = session.set_action_handler(key, pressed);
        }
    }

    /// Says where the film is. From there the system reckons on by itself.
    pub fn place(&self, video: &HtmlVideoElement) {
        let state = web::object(&[
            ("duration", video.duration().into()),
            ("playbackRate", video.playback_rate().into()),
            ("position", video.current_time().into()),
        ]);
        if let Some(session) = web::media_session() {
            // Refused while the film's length is not known, and soon said again.
            let _ = session.set_position_state(&state);
        }
    }
}

impl Drop for MediaKeys {
    fn drop(&mut self) {
        let shown = web::media_session().and_then(|session| session.metadata());
        if shown.as_ref() == Some(&self.title) {
            self.give(None, None);
        }
    }
}
