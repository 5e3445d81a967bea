//! The handle of a player, and the hooks by which components below it read its state.

use std::rc::Rc;

use web_sys::{HtmlElement, HtmlVideoElement};
use yew::prelude::*;

use super::{
    controller::{PlaybackCallbacks, PlayerController},
    labels::Labels,
    media::{MediaRequest, MediaState, MediaStore},
    model::{PlayRequest, PlayerMessage, PlayerModel},
    preferences::SoundAndSpeed,
    source_url,
    store::{Store, Subscription, use_selector},
};

/// Controls one player. Clones control the same player. Components below a [`Player`](super::Player) get it from
/// [`use_player`], the page from the player's `on_ready`.
#[derive(Clone)]
pub struct PlayerHandle(Rc<PlayerParts>);

struct PlayerParts {
    controller: Rc<PlayerController>,
    media: Rc<MediaStore>,
    /// The captions that the element shows are those that the engine has to load.
    _captions: Subscription,
}

impl PartialEq for PlayerHandle {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Default for PlayerHandle {
    /// A player without an element: its requests do nothing, and its state never changes.
    fn default() -> Self {
        let controller = PlayerController::new();
        let media = Rc::new(MediaStore::default());
        let captions = {
            let (controller, state) = (controller.clone(), media.state().clone());
            media.state().subscribe(move || {
                let enabled = state.read(MediaState::enabled_captions);
                let selected = controller.model().read(|model| model.selection.captions);
                if enabled != selected {
                    controller.dispatch(PlayerMessage::CaptionsEnabled(enabled));
                }
            })
        };
        Self(Rc::new(PlayerParts {
            controller,
            media,
            _captions: captions,
        }))
    }
}

impl PlayerHandle {
    /// Plays. If the browser blocks autoplay with sound, plays muted.
    pub fn play(&self) {
        self.request(MediaRequest::Play);
    }

    /// Pauses.
    pub fn pause(&self) {
        self.request(MediaRequest::Pause);
    }

    /// Seeks to a position in seconds.
    pub fn seek(&self, position: f64) {
        self.request(MediaRequest::Seek(position));
    }

    /// Plays another video: the URL of a manifest or an MP4 file, absolute or relative to the document's base. The
    /// player's `source` applies again once that prop changes.
    pub fn set_source(&self, source: &str) {
        let controller = &self.0.controller;
        let request = controller.model().read(PlayerModel::current_request);
        if let Some(request) = request {
            controller.dispatch(PlayerMessage::Play(PlayRequest {
                url: source_url::resolve(source),
                ..request
            }));
        }
    }

    /// Asks the element for a change, as the buttons of the controls do.
    pub fn request(&self, request: MediaRequest) {
        self.0.media.request(request);
    }

    /// Reads the element's state. Components that show it use [`use_media`], which renders them when it changes.
    pub fn media<R>(&self, read: impl FnOnce(&MediaState) -> R) -> R {
        self.0.media.state().read(read)
    }

    /// The video element, once it is on the page.
    pub fn video(&self) -> Option<HtmlVideoElement> {
        self.0.media.video()
    }

    /// The element that contains video and controls, once it is on the page.
    pub(super) fn container(&self) -> Option<HtmlElement> {
        self.0.media.container()
    }

    /// The page's playback state.
    pub(super) fn playback(&self) -> &Rc<Store<PlayerModel>> {
        self.0.controller.model()
    }

    /// Tells the page's playback what happened.
    pub(super) fn dispatch(&self, message: PlayerMessage) {
        self.0.controller.dispatch(message);
    }

    pub(super) fn set_callbacks(&self, callbacks: PlaybackCallbacks) {
        self.0.controller.set_callbacks(callbacks);
    }

    /// Sets whether to play a live stream faster or slower to keep its distance from the live edge.
    pub(super) fn set_catch_up(&self, catches_up: bool) {
        self.0.controller.set_catch_up(catches_up);
    }

    /// Sets whether the viewer is inactive, so that the controls fade.
    pub(super) fn set_idle(&self, is_idle: bool) {
        self.0.media.set_idle(is_idle);
    }

    /// Starts to control an element. `container` is the element that goes full screen.
    pub(super) fn connect(
        &self,
        video: &HtmlVideoElement,
        container: &HtmlElement,
        initial: SoundAndSpeed,
    ) {
        initial.apply(video);
        self.0.media.connect(video, container);
        self.0.controller.connect(video);
    }

    /// Ends playback, and leaves the element.
    pub(super) fn disconnect(&self) {
        self.0.media.disconnect();
        self.0.controller.disconnect();
    }

    /// Has the system's media keys control this player, and the system show this title.
    pub(super) fn use_media_keys(&self, title: &str) {
        self.0.media.use_media_keys(title);
    }
}

/// What components below a player find in their context.
#[derive(Clone, Default, PartialEq)]
pub(super) struct PlayerContext {
    pub player: PlayerHandle,
    pub labels: Rc<Labels>,
}

/// Outside of any player, that of one that does nothing.
#[hook]
fn use_player_context() -> Rc<PlayerContext> {
    let context = use_context::<PlayerContext>();
    use_memo(context, |context| context.clone().unwrap_or_default())
}

/// The player that the component is below; outside of any player, one that does nothing.
#[hook]
pub fn use_player() -> PlayerHandle {
    use_player_context().player.clone()
}

/// Selects a part of the element's state: `use_media(|media| media.paused)`. The component renders again when that
/// part changes.
#[hook]
pub fn use_media<R: Clone + PartialEq + 'static>(select: fn(&MediaState) -> R) -> R {
    let player = use_player();
    use_selector(player.0.media.state(), select)
}

/// Selects a part of the page's playback state.
#[hook]
pub(super) fn use_playback<R: Clone + PartialEq + 'static>(select: fn(&PlayerModel) -> R) -> R {
    let player = use_player();
    use_selector(player.playback(), select)
}

/// The texts of the controls.
#[hook]
pub fn use_labels() -> Rc<Labels> {
    use_player_context().labels.clone()
}
