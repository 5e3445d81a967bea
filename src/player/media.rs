//! The media element as components see it: [`MediaState`] is read from it after its events, [`MediaRequest`] asks it
//! for a change. The element owns its state; nothing here repeats a request as a fact.

mod media_keys;
mod request;
mod state;
mod text_tracks;

use std::{cell::RefCell, rc::Rc};

use gloo_events::{
    EventListener, EventListenerOptions,
    EventListenerPhase::{self, Bubble, Capture},
};
use web_sys::{Event, EventTarget, HtmlElement, HtmlVideoElement};

use self::media_keys::MediaKeys;
pub use self::{
    request::{MediaRequest, RATES, play},
    state::{CaptionsState, Chapter, DisplayedProgress, MediaState, PlaybackPhase, SeekWindow},
};
use super::store::Store;
use crate::platform::web;

/// The events after which any part of the state may differ.
const STATE_EVENTS: [&str; 18] = [
    "emptied",
    "loadedmetadata",
    "durationchange",
    "loadeddata",
    "canplay",
    "waiting",
    "play",
    "playing",
    "pause",
    "seeking",
    "seeked",
    "ended",
    "volumechange",
    "ratechange",
    "enterpictureinpicture",
    "leavepictureinpicture",
    // Of `<track>` elements, which do not bubble: they reach the video in the capture phase.
    "load",
    "error",
];

/// One media element: its state, and requests to it. Without an element the state is the default one, and requests do
/// nothing.
pub struct MediaStore {
    state: Rc<Store<MediaState>>,
    element: RefCell<Option<ConnectedElement>>,
}

struct ConnectedElement {
    video: HtmlVideoElement,
    /// The element that goes full screen: it contains video and controls.
    container: HtmlElement,
    media_keys: Option<MediaKeys>,
    _listeners: Vec<EventListener>,
}

impl Default for MediaStore {
    fn default() -> Self {
        Self {
            state: Store::new(MediaState::default()),
            element: RefCell::default(),
        }
    }
}

impl MediaStore {
    /// The state, for [`use_selector`](super::store::use_selector).
    pub const fn state(&self) -> &Rc<Store<MediaState>> {
        &self.state
    }

    /// The element, once there is one.
    pub fn video(&self) -> Option<HtmlVideoElement> {
        let element = self.element.borrow();
        Some(element.as_ref()?.video.clone())
    }

    /// The element that goes full screen, once there is one.
    pub fn container(&self) -> Option<HtmlElement> {
        let element = self.element.borrow();
        Some(element.as_ref()?.container.clone())
    }

    /// Follows an element from now on. `container` is the element that goes full screen.
    pub fn connect(self: &Rc<Self>, video: &HtmlVideoElement, container: &HtmlElement) {
        self.element.replace(Some(ConnectedElement {
            video: video.clone(),
            container: container.clone(),
            media_keys: None,
            _listeners: self.listen(video, container),
        }));
        text_tracks::prepare(video);
        self.read_all();
    }

    /// Forgets the element.
    pub fn disconnect(&self) {
        self.element.take();
    }

    /// Has the system's media keys control this element from its next playback on, and the system show this title.
    pub fn use_media_keys(self: &Rc<Self>, title: &str) {
        let store = Rc::downgrade(self);
        let keys = MediaKeys::new(title, move |request| {
            if let Some(store) = store.upgrade() {
                store.request(request);
            }
        });
        if let Some(element) = &mut *self.element.borrow_mut() {
            element.media_keys = keys;
        }
    }

    /// Asks the element for a change. What the browser refuses has no effect.
    pub fn request(&self, request: MediaRequest) {
        // Copied, because the element may fire an event at once.
        let element = self.element.borrow().as_ref().map(|element| {
            let ConnectedElement {
                video, container, ..
            } = element;
            (video.clone(), container.clone())
        });
        if let Some((video, container)) = element {
            request.perform(&video, &container);
        }
    }

    /// Sets whether the viewer is inactive, so that the controls fade. The displayed progress then stops.
    pub fn set_idle(&self, is_idle: bool) {
        let mut state = self.state.read(Clone::clone);
        state.is_idle = is_idle;
        if let Some(video) = self.video() {
            state.read_progress(&video);
        }
        self.state.set(state);
    }

    fn listen(
        self: &Rc<Self>,
        video: &HtmlVideoElement,
        container: &HtmlElement,
    ) -> Vec<EventListener> {
        let mut listeners = Vec::new();
        let mut listen = |target: &EventTarget,
                          phase: EventListenerPhase,
                          names: &[&'static str],
                          act: fn(&Self, &Event)| {
            for name in names {
                let store = Rc::downgrade(self);
                let options = EventListenerOptions {
                    phase,
                    passive: true,
                };
                let act = move |event: &Event| {
                    if let Some(store) = store.upgrade() {
                        act(&store, event);
                    }
                };
                listeners.push(web::listen_with(target, name, options, act));
            }
        };
        listen(video, Capture, &STATE_EVENTS, Self::media_event);
        listen(video, Bubble, &["timeupdate", "progress"], |store, _| {
            store.read_progress();
        });
        listen(container, Bubble, &["fullscreenchange"], |store, _| {
            store.read_all();
        });
        if let Some(tracks) = video.text_tracks() {
            // The text tracks were added, removed or switched, possibly by someone else.
            let names = ["change", "addtrack", "removetrack"];
            listen(&tracks, Bubble, &names, Self::tracks_changed);
        }
        listeners
    }

    fn media_event(&self, event: &Event) {
        if let Some(element) = &*self.element.borrow()
            && let Some(keys) = &element.media_keys
        {
            if event.type_() == "play" {
                keys.activate();
            }
            keys.update_position(&element.video);
        }
        self.read_all();
    }

    fn tracks_changed(&self, event: &Event) {
        if event.type_() == "addtrack"
            && let Some(video) = self.video()
        {
            text_tracks::prepare(&video);
        }
        self.read_all();
    }

    fn read_all(&self) {
        // Copied, because a subscriber may disconnect the element.
        if let (Some(video), Some(container)) = (self.video(), self.container()) {
            let previous = self.state.read(Clone::clone);
            let state = MediaState::read(&video, &container, previous);
            self.state.set(state);
        }
    }

    /// Reads what changes all the time.
    fn read_progress(&self) {
        if let Some(video) = self.video() {
            let mut state = self.state.read(Clone::clone);
            state.read_progress(&video);
            self.state.set(state);
        }
    }
}
