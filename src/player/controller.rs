//! Runs the page's playback: applies messages to the model, carries its effects out on the engine and the element, and
//! translates what these report into messages.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{File, HtmlMediaElement, HtmlVideoElement, PageTransitionEvent};
use yew::prelude::*;

use super::{
    attachment::AttachedSource,
    backend::BrowserSupport,
    dom,
    engine_client::{EngineClient, EngineResult},
    model::{Effect, PlaybackSource, PlayerMessage, PlayerModel},
    observer::ElementObserver,
    preferences,
    recovery::LastPosition,
    store::Store,
};
use crate::{
    platform::web,
    protocol::{
        Event, Message, Observation, PlaybackError, PlaybackSettings,
        milestone::{EngineLocation, Milestone, ReachedMilestone},
    },
};

/// The page's callbacks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlaybackCallbacks {
    /// Called with every message between player and engine; read when an engine is started.
    pub on_message: Callback<Message>,
    /// Called when playback cannot continue.
    pub on_error: Callback<PlaybackError>,
}

/// Owns the model and the engine of one player.
pub struct PlayerController {
    model: Rc<Store<PlayerModel>>,
    queue: RefCell<VecDeque<PlayerMessage>>,
    is_updating: Cell<bool>,
    /// Shared, because a call of it may report a failure at once, which replaces it.
    client: RefCell<Option<Rc<EngineClient>>>,
    element: RefCell<Option<ControlledElement>>,
    /// The last position of this session at which playback worked.
    last_position: Cell<Option<LastPosition>>,
    callbacks: RefCell<PlaybackCallbacks>,
    /// Whether the element obeys the rates that keep the distance from a live edge.
    catches_up: Cell<bool>,
    /// For the callbacks of engine and element, which must not keep the controller alive.
    this: Weak<Self>,
}

struct ControlledElement {
    video: HtmlVideoElement,
    attached: Option<AttachedSource>,
    _observer: ElementObserver,
    _listeners: [EventListener; 2],
}

impl Drop for PlayerController {
    fn drop(&mut self) {
        self.disconnect();
    }
}

impl PlayerController {
    /// A controller without an element.
    pub fn new() -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            model: Store::new(PlayerModel::new(
                BrowserSupport::detect(),
                preferences::number("quality"),
            )),
            queue: RefCell::default(),
            is_updating: Cell::default(),
            client: RefCell::default(),
            element: RefCell::default(),
            last_position: Cell::default(),
            callbacks: RefCell::default(),
            catches_up: Cell::new(true),
            this: this.clone(),
        })
    }

    /// The model, for [`use_selector`](super::store::use_selector).
    pub const fn model(&self) -> &Rc<Store<PlayerModel>> {
        &self.model
    }

    /// Plays in this element from now on.
    pub fn connect(&self, video: &HtmlVideoElement) {
        let observer = {
            let this = self.this.clone();
            ElementObserver::new(video, move |observation, is_arrival| {
                if let Some(this) = this.upgrade() {
                    this.observe(&observation, is_arrival);
                }
            })
        };
        let listeners = [
            self.listen_for_errors(video),
            self.listen_for_restore(video),
        ];
        self.element.replace(Some(ControlledElement {
            video: video.clone(),
            attached: None,
            _observer: observer,
            _listeners: listeners,
        }));
    }

    /// Ends the session and the engine, and leaves the element.
    pub fn disconnect(&self) {
        let element = self.element.take();
        release(self.client.take(), element.map(|element| element.video));
    }

    /// Replaces the callbacks.
    pub fn set_callbacks(&self, callbacks: PlaybackCallbacks) {
        self.callbacks.replace(callbacks);
    }

    /// Sets whether to play a live stream faster or slower to keep its distance from the live edge.
    pub fn set_catch_up(&self, catches_up: bool) {
        self.catches_up.set(catches_up);
        if !catches_up && let Some(video) = self.video() {
            catch_up(&video, 1.0);
        }
    }

    /// Applies a message and carries out the effects. A message that an effect causes is applied after them.
    pub fn dispatch(&self, message: PlayerMessage) {
        self.queue.borrow_mut().push_back(message);
        if self.is_updating.replace(true) {
            return;
        }
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some(message) = next else { break };
            let effects = self.model.change(|model| model.update(message));
            for effect in effects {
                self.carry_out(effect);
            }
        }
        self.is_updating.set(false);
        self.model.notify();
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Load {
                location,
                url,
                file,
                settings,
            } => self.load(location, url, file, settings),
            Effect::Stop => {
                if let Some(client) = self.client() {
                    client.stop();
                }
            }
            Effect::Release => release(self.client.take(), None),
            Effect::Select(selection) => {
                if let Some(client) = self.client() {
                    client.select(selection);
                }
            }
            Effect::Configure(buffer) => {
                if let Some(client) = self.client() {
                    client.configure(buffer);
                }
            }
            Effect::Attach(source) => self.attach(&source),
            Effect::Pause => {
                if let Some(video) = self.video() {
                    // Fails only if the element has no source.
                    let _ = video.pause();
                }
            }
            Effect::Seek(position) => {
                // The engine may not know yet that the video has ended, and WebKitGTK would play it again.
                if let Some(video) = self.video()
                    && !(video.ended() && position >= video.current_time())
                {
                    video.set_current_time(position);
                }
            }
            Effect::CatchUp(rate) => {
                if let Some(video) = self.video().filter(|_| self.catches_up.get()) {
                    catch_up(&video, rate);
                }
            }
            Effect::RememberHeight(height) => {
                preferences::remember("quality", &height.to_string());
            }
            Effect::ReportError(error) => {
                let on_error = self.callbacks.borrow().on_error.clone();
                on_error.emit(error);
            }
        }
    }

    fn client(&self) -> Option<Rc<EngineClient>> {
        self.client.borrow().clone()
    }

    fn video(&self) -> Option<HtmlVideoElement> {
        let element = self.element.borrow();
        Some(element.as_ref()?.video.clone())
    }

    fn load(
        &self,
        location: EngineLocation,
        url: String,
        file: Option<File>,
        mut settings: PlaybackSettings,
    ) {
        settings.languages = web::languages();
        settings.screen_size = dom::screen_size();
        settings.remembered_audio = preferences::audio();
        self.last_position.set(None);
        let mut slot = self.client.borrow_mut();
        let reusable =
            slot.take_if(|client| !client.needs_replacement() && client.location() == location);
        release(slot.take(), None);
        let client = reusable.unwrap_or_else(|| {
            let on_message = self.callbacks.borrow().on_message.clone();
            let listener = self.engine_listener();
            Rc::new(EngineClient::spawn(location, listener, on_message))
        });
        slot.replace(client.clone());
        drop(slot);
        if let Some(spawned) = client.take_spawn_milestone() {
            self.dispatch(PlayerMessage::MilestoneReached(spawned));
        }
        let sent = match file {
            Some(file) => client.load_file(file, settings),
            None => client.load(url, settings),
        };
        self.dispatch(PlayerMessage::MilestoneReached(sent));
    }

    fn attach(&self, source: &PlaybackSource) {
        let mut element = self.element.borrow_mut();
        let Some(element) = &mut *element else { return };
        // The previous source is detached first.
        element.attached = None;
        let this = self.this.clone();
        let attached = AttachedSource::attach(&element.video, source, move |reached| {
            if let Some(this) = this.upgrade() {
                this.dispatch(PlayerMessage::MilestoneReached(reached));
            }
        });
        match attached {
            Ok(attached) => element.attached = Some(attached),
            Err(error) => self.dispatch(PlayerMessage::Failed(error)),
        }
    }

    /// Returns the callback for the engine's events and failures.
    fn engine_listener(&self) -> Callback<EngineResult> {
        let this = self.this.clone();
        Callback::from(move |result: EngineResult| {
            let Some(this) = this.upgrade() else { return };
            if let Ok(Event::MediaSourceReady { .. }) = &result {
                let arrived = ReachedMilestone::now(Milestone::HandleArrived);
                this.dispatch(PlayerMessage::MilestoneReached(arrived));
            }
            if let Some(video) = this.video()
                && let Some(message) = engine_message(result, &video, this.last_position.get())
            {
                this.dispatch(message);
            }
        })
    }

    /// Reports an observation of the element to the engine, and keeps it as the last position if the element has no
    /// error.
    fn observe(&self, observation: &Observation, is_arrival: bool) {
        let (Some(video), Some(client)) = (self.video(), self.client()) else {
            return;
        };
        if web::has_lost_media_source(&video) {
            return client.report_detached();
        }
        if video.error().is_none() && video.ready_state() >= HtmlMediaElement::HAVE_METADATA {
            self.last_position.set(Some(LastPosition {
                position: observation.position,
                is_playing: observation.rate > 0.0,
            }));
        }
        client.observe(*observation, is_arrival);
    }

    /// Listens for errors of the element. The video is not always their cause: WebKitGTK occasionally fails after a
    /// seek.
    fn listen_for_errors(&self, video: &HtmlVideoElement) -> EventListener {
        let (element, this) = (video.clone(), self.this.clone());
        web::listen(video, "error", move |_| {
            if let Some(error) = element_error(&element)
                && let Some(this) = this.upgrade()
            {
                let last_position = this.last_position.get();
                this.dispatch(PlayerMessage::Lost {
                    error,
                    last_position,
                });
            }
        })
    }

    /// Reloads the video when the page comes back from the back/forward cache and the browser has detached its
    /// MediaSource there, as WebKit does.
    fn listen_for_restore(&self, video: &HtmlVideoElement) -> EventListener {
        let (video, this) = (video.clone(), self.this.clone());
        web::listen(&web::global(), "pageshow", move |event| {
            let is_restored = event.unchecked_ref::<PageTransitionEvent>().persisted();
            let is_empty = video.ready_state() == HtmlMediaElement::HAVE_NOTHING;
            let Some(controller) = this.upgrade().filter(|_| is_restored && is_empty) else {
                return;
            };
            if let Some(client) = controller.client() {
                client.distrust();
            }
            let from = controller.last_position.get().map(|last| last.position);
            let (video, this) = (video.clone(), this.clone());
            spawn_local(async move {
                // WebKit empties the element shortly after the event, and would pause a video that plays by then.
                for _ in 0..RESTORE_CHECKS {
                    if web::is_aborted(&video) {
                        TimeoutFuture::new(RESTORE_CHECK_MS).await;
                    }
                }
                if let Some(this) = this.upgrade() {
                    this.dispatch(PlayerMessage::Restore { from });
                }
            });
        })
    }
}

/// The greatest deviation from 1 of a rate that only serves to catch up with a live stream.
const MAX_CATCH_UP: f64 = 0.051;

/// Plays at the rate that keeps the distance from the live edge, unless the viewer has chosen another.
fn catch_up(video: &HtmlVideoElement, rate: f64) {
    if (video.playback_rate() - 1.0).abs() <= MAX_CATCH_UP {
        video.set_playback_rate(rate);
    }
}

/// How many times, and at which interval, to check whether WebKit has emptied the element of a restored page. It
/// may never empty an element that had not started.
const RESTORE_CHECKS: u32 = 10;
const RESTORE_CHECK_MS: u32 = 100;

/// Translates an event or a failure of the engine into a message; `None` if it needs none.
fn engine_message(
    result: EngineResult,
    video: &HtmlVideoElement,
    last_position: Option<LastPosition>,
) -> Option<PlayerMessage> {
    match result {
        Err(error) if error.is_worker_lost() => Some(PlayerMessage::Lost {
            error,
            last_position,
        }),
        // The element has detached from the MediaSource. The error is one of two, depending on the engine's
        // operation at that time.
        Ok(Event::Failed {
            error: error @ (PlaybackError::MediaSourceCall { .. } | PlaybackError::Detached),
            ..
        }) => {
            if web::is_aborted(video) {
                // The page is in the browser's back/forward cache, or comes back from there: see
                // `listen_for_restore`.
                None
            } else if !web::shows_media_source(video) {
                Some(PlayerMessage::Failed(PlaybackError::Detached))
            } else if last_position.is_some() {
                // An element that fails closes its MediaSource, and may report its own error only later.
                Some(PlayerMessage::Lost {
                    error: element_error(video).unwrap_or(error),
                    last_position,
                })
            } else {
                Some(PlayerMessage::Failed(error))
            }
        }
        result => Some(PlayerMessage::EngineEvent(result)),
    }
}

fn element_error(video: &HtmlVideoElement) -> Option<PlaybackError> {
    let error = video.error()?;
    Some(PlaybackError::MediaElement {
        code: error.code(),
        reason: error.message().trim_end_matches('.').into(),
    })
}

/// Releases an engine. `video` is its element, if that is removed too.
fn release(client: Option<Rc<EngineClient>>, video: Option<HtmlVideoElement>) {
    match client {
        // This engine would not answer the shutdown handshake. It is terminated at once, so that the next engine
        // does not load beside it.
        Some(client) if client.needs_replacement() => {
            drop(client);
            video.iter().for_each(web::detach);
        }
        // The handshake outlives the component, for a bounded time.
        Some(client) => spawn_local(client.close(video)),
        None => {}
    }
}
