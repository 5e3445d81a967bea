//! Performs the effects of playback: chooses a backend, starts and releases engines, sends them commands, and
//! translates the reports of the engine and the element into actions for the model.

use std::{
    cell::{Cell, RefCell},
    mem,
    rc::Rc,
};

use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlMediaElement, HtmlVideoElement, PageTransitionEvent};
use yew::prelude::*;

use super::{
    backend::Backend,
    engine_client::{EngineClient, EngineResult},
    model::{Dispatch, ElementSource, PlaybackSource, PlayerAction, PlayerModel},
    observer::ElementObserver,
    recovery::LastPosition,
    source_url,
};
use crate::{
    platform::web,
    protocol::{
        BufferGoal, Event, Message, Observation, PlaybackError, PlaybackSettings, TrackSelection,
        milestone::{EngineLocation, Milestone, ReachedMilestone},
    },
};

/// The source to play, and the settings for playing it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlayRequest {
    /// URL of the manifest, absolute or relative to the page.
    pub source: AttrValue,
    /// A changed number starts another session with the same source.
    pub reload_key: u32,
    /// The engine's thread; `None` selects one that the browser supports.
    pub engine: Option<EngineLocation>,
    /// Settings for the engine.
    pub settings: PlaybackSettings,
}

/// The engine of a player, if it has one. Shared with the listeners.
type SharedClient = Rc<RefCell<Option<EngineClient>>>;

/// The last position of this session at which playback worked. Shared with the listeners.
type SharedPosition = Rc<Cell<Option<LastPosition>>>;

/// Plays videos in an element, and owns the engine. Dropping it ends the session and releases the engine.
pub struct PlayerController {
    video: HtmlVideoElement,
    dispatch: Dispatch,
    client: SharedClient,
    last_position: SharedPosition,
    /// The request of the current session, and the model's count of reloads when it started.
    session: Option<(PlayRequest, u32)>,
    /// The buffer goal and the selection that the engine was last sent, and the model's count of track lists then.
    sent: Option<(BufferGoal, TrackSelection, u32)>,
    _observer: ElementObserver,
    _errors: EventListener,
    _page_restore: EventListener,
}

impl Drop for PlayerController {
    fn drop(&mut self) {
        release(self.client.take(), Some(self.video.clone()));
    }
}

impl PlayerController {
    /// Creates a controller that plays in this element and sends its actions to `dispatch`.
    pub fn new(video: &HtmlVideoElement, dispatch: &Dispatch) -> Self {
        let client = SharedClient::default();
        let last_position = SharedPosition::default();
        let observer = {
            let (client, last_position) = (client.clone(), last_position.clone());
            let element = video.clone();
            ElementObserver::new(video, move |observation| {
                if let Some(client) = &*client.borrow() {
                    report(&element, &observation, client, &last_position);
                }
            })
        };
        let errors = listen_for_errors(video, dispatch, &last_position);
        let page_restore = listen_for_page_restore(video, dispatch, &last_position, &client);
        Self {
            video: video.clone(),
            dispatch: dispatch.clone(),
            client,
            last_position,
            session: None,
            sent: None,
            _observer: observer,
            _errors: errors,
            _page_restore: page_restore,
        }
    }

    /// Plays a request. Another request, or a reload in the model, starts another session; otherwise only the
    /// changed buffer goal and selection are sent to the engine.
    ///
    /// `on_message` receives the messages of an engine that this call starts.
    pub fn play(
        &mut self,
        mut request: PlayRequest,
        model: &PlayerModel,
        on_message: &Callback<Message>,
    ) {
        // Compared apart from the rest: another buffer goal does not start a session.
        let buffer = mem::take(&mut request.settings.buffer);
        let session = (request, model.reloads);
        if self.session.as_ref() != Some(&session) {
            let previous = self.session.as_ref().map(|(request, _)| request);
            let is_new_content = previous != Some(&session.0);
            self.start_session(is_new_content, &session.0, buffer, model, on_message);
            self.session = Some(session);
        }
        let current = (buffer, model.selection, model.track_lists);
        if self.sent.replace(current) != Some(current)
            && let Some(client) = &*self.client.borrow()
        {
            client.configure(buffer);
            client.select(model.selection);
        }
    }

    fn start_session(
        &self,
        is_new_content: bool,
        request: &PlayRequest,
        buffer: BufferGoal,
        model: &PlayerModel,
        on_message: &Callback<Message>,
    ) {
        let backend = Backend::choose(model.location.or(request.engine));
        self.last_position.set(None);
        self.dispatch.emit(PlayerAction::Start {
            is_new_content,
            backend: backend.as_ref().ok().copied(),
            location_was_requested: request.engine.is_some(),
        });
        let mut client = self.client.borrow_mut();
        let location = match backend {
            Ok(Backend::Engine(location)) => location,
            Ok(Backend::Native) => {
                release(client.take(), None);
                return self.play_natively(request, model);
            }
            Err(error) => return self.dispatch.emit(PlayerAction::Failed(error)),
        };
        let reusable =
            client.take_if(|client| !client.needs_replacement() && client.location() == location);
        release(client.take(), None);
        let engine = reusable.unwrap_or_else(|| {
            EngineClient::spawn(location, self.engine_listener(), on_message.clone())
        });
        self.load(request, buffer, model, client.insert(engine));
    }

    /// Sends the engine the command to load the video.
    fn load(
        &self,
        request: &PlayRequest,
        buffer: BufferGoal,
        model: &PlayerModel,
        client: &EngineClient,
    ) {
        if let Some(spawned) = client.take_spawn_milestone() {
            self.dispatch.emit(PlayerAction::MilestoneReached(spawned));
        }
        match source_url::resolve(&request.source) {
            Ok(url) => {
                let load_sent = ReachedMilestone::now(Milestone::LoadSent);
                self.dispatch
                    .emit(PlayerAction::MilestoneReached(load_sent));
                let mut settings = request.settings.clone();
                settings.buffer = buffer;
                settings.start = model.reload_from.unwrap_or(settings.start);
                client.load(url, settings);
            }
            Err(error) => {
                client.stop();
                self.dispatch.emit(PlayerAction::Failed(error));
            }
        }
    }

    /// Has the element play the URL itself.
    fn play_natively(&self, request: &PlayRequest, model: &PlayerModel) {
        let action = match source_url::resolve(&request.source) {
            Ok(url) => PlayerAction::Show(PlaybackSource {
                media: ElementSource::Url(url),
                start: model.reload_from.unwrap_or(request.settings.start),
                is_continuation: false,
                was_playing: false,
            }),
            Err(error) => PlayerAction::Failed(error),
        };
        self.dispatch.emit(action);
    }

    /// Returns the callback for the engine's events and failures.
    fn engine_listener(&self) -> Callback<EngineResult> {
        let (dispatch, video) = (self.dispatch.clone(), self.video.clone());
        let last_position = self.last_position.clone();
        Callback::from(move |result: EngineResult| {
            match &result {
                Ok(Event::MediaSourceReady { .. }) => {
                    let arrived = ReachedMilestone::now(Milestone::HandleArrived);
                    dispatch.emit(PlayerAction::MilestoneReached(arrived));
                }
                Ok(Event::Seek { to, .. }) => video.set_current_time(*to),
                Ok(Event::CatchUp { rate, .. }) => catch_up(&video, *rate),
                _ => {}
            }
            if let Some(action) = engine_action(result, &video, last_position.get()) {
                dispatch.emit(action);
            }
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

/// Translates an event or a failure of the engine into an action; `None` if it needs none.
fn engine_action(
    result: EngineResult,
    video: &HtmlVideoElement,
    last_position: Option<LastPosition>,
) -> Option<PlayerAction> {
    match result {
        Err(error) if error.is_worker_lost() => Some(PlayerAction::Lost {
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
                // `listen_for_page_restore`.
                None
            } else if !web::shows_media_source(video) {
                Some(PlayerAction::Failed(PlaybackError::Detached))
            } else if last_position.is_some() {
                // An element that fails closes its MediaSource, and may report its own error only later.
                Some(PlayerAction::Lost {
                    error: element_error(video).unwrap_or(error),
                    last_position,
                })
            } else {
                Some(PlayerAction::Failed(error))
            }
        }
        result => Some(PlayerAction::EngineEvent(result)),
    }
}

/// Reports an observation of the element to the engine, and keeps it as the last position if the element
/// has no error.
fn report(
    video: &HtmlVideoElement,
    observation: &Observation,
    client: &EngineClient,
    last_position: &SharedPosition,
) {
    if web::has_lost_media_source(video) {
        return client.report_detached();
    }
    if video.error().is_none() && video.ready_state() >= HtmlMediaElement::HAVE_METADATA {
        last_position.set(Some(LastPosition {
            position: observation.position,
            is_playing: observation.rate > 0.0,
        }));
    }
    client.observe(*observation);
}

/// Listens for errors of the element. The video is not always their cause: WebKitGTK occasionally fails after a
/// seek.
fn listen_for_errors(
    video: &HtmlVideoElement,
    dispatch: &Dispatch,
    last_position: &SharedPosition,
) -> EventListener {
    let (element, dispatch) = (video.clone(), dispatch.clone());
    let last_position = last_position.clone();
    web::listen(video, "error", move |_| {
        if let Some(error) = element_error(&element) {
            dispatch.emit(PlayerAction::Lost {
                error,
                last_position: last_position.get(),
            });
        }
    })
}

fn element_error(video: &HtmlVideoElement) -> Option<PlaybackError> {
    let error = video.error()?;
    Some(PlaybackError::MediaElement {
        code: error.code(),
        reason: error.message().trim_end_matches('.').into(),
    })
}

/// How many times, and at which interval, to check whether WebKit has emptied the element of a restored page. It
/// may never empty an element that had not started.
const RESTORE_CHECKS: u32 = 10;
const RESTORE_CHECK_MS: u32 = 100;

/// Reloads the video when the page comes back from the back/forward cache and the browser has detached its
/// MediaSource there, as WebKit does.
fn listen_for_page_restore(
    video: &HtmlVideoElement,
    dispatch: &Dispatch,
    last_position: &SharedPosition,
    client: &SharedClient,
) -> EventListener {
    let (video, dispatch) = (video.clone(), dispatch.clone());
    let (last_position, client) = (last_position.clone(), client.clone());
    web::listen(&web::global(), "pageshow", move |event| {
        let is_restored = event.unchecked_ref::<PageTransitionEvent>().persisted();
        let is_empty = video.ready_state() == HtmlMediaElement::HAVE_NOTHING;
        if !is_restored || !is_empty {
            return;
        }
        client.borrow().iter().for_each(EngineClient::distrust);
        let (video, dispatch) = (video.clone(), dispatch.clone());
        let from = last_position.get().map(|last| last.position);
        spawn_local(async move {
            // WebKit empties the element shortly after the event, and would pause a video that plays by then.
            for _ in 0..RESTORE_CHECKS {
                if web::is_aborted(&video) {
                    TimeoutFuture::new(RESTORE_CHECK_MS).await;
                }
            }
            dispatch.emit(PlayerAction::Reload { from });
        });
    })
}

/// Releases an engine. `video` is its element, if that is removed too.
fn release(client: Option<EngineClient>, video: Option<HtmlVideoElement>) {
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
