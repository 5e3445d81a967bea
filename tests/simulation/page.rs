//! The page: an element, the page's real model, and an engine in a worker or on the page.
//!
//! The effects are those of `player/controller.rs`, `player/attachment.rs` and `player/engine_client.rs`, which
//! name JavaScript types and cannot run natively.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    ops::Range,
    rc::Rc,
};

use yew_mse_worker::{
    engine::Engine,
    platform::{
        self,
        simulated::{MediaElement, MediaEvent, Readiness, Thread, World},
    },
    player::{
        backend::BrowserSupport,
        model::{
            Effect, ElementSource, PlayRequest, PlaybackSource, PlayerMessage, PlayerModel,
            StartMode,
        },
        recovery::LastPosition,
    },
    protocol::{
        BufferGoal, Command, Diagnostic, Event, EventPort, EventSink, Observation, PlaybackError,
        PlaybackSettings, SessionId, TrackSelection,
        milestone::{EngineLocation, Milestone, ReachedMilestone},
    },
};

/// As in `player/engine_client.rs`.
const PING_INTERVAL_MS: u32 = 600;
const MAX_MISSED_PINGS: u32 = 2;
const ANSWER_TIMEOUT_MS: u32 = 6_000;
/// As in `player/observer.rs`.
const OBSERVE_INTERVAL_MS: u32 = 1_000;

/// What was said between page and engine, and when, for the invariants.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Every event that the page received, with the time in milliseconds and the engine's thread.
    pub events: Vec<(f64, Event)>,
    /// Times of the messages in either direction.
    pub messages: Vec<f64>,
    /// Times of new sessions.
    pub sessions: Vec<f64>,
}

/// An engine and what the page knows of it.
struct Client {
    thread: Thread,
    engine: Rc<RefCell<Option<Engine>>>,
    is_ready: Cell<bool>,
    has_answered: Cell<bool>,
    missed_pings: Cell<u32>,
    needs_replacement: Cell<bool>,
    is_lost: Cell<bool>,
}

/// What the viewer does on the page.
pub type PageTask = Box<dyn FnOnce(&Rc<Page>)>;

/// The page.
pub struct Page {
    /// Its element.
    pub element: MediaElement,
    /// Its state.
    pub model: RefCell<PlayerModel>,
    /// What was said.
    pub traffic: RefCell<Traffic>,
    /// What the viewer wants to see, in seconds: one range per seek, the last one without an end.
    pub intended: RefCell<Vec<Range<f64>>>,
    /// What the viewer has done while the page's thread was busy or frozen.
    pub viewer: RefCell<VecDeque<PageTask>>,
    url: String,
    settings: PlaybackSettings,
    buffer: Cell<BufferGoal>,
    screen: Cell<(u32, u32)>,
    session: Cell<SessionId>,
    client: RefCell<Option<Rc<Client>>>,
    sent: Cell<(BufferGoal, TrackSelection)>,
    observed: Cell<Option<Observation>>,
    last_position: Cell<Option<LastPosition>>,
    /// Where a source has to start that ignored its start position.
    pending_start: Cell<Option<f64>>,
    is_closing: Cell<bool>,
}

/// Posts the engine's events to the page.
struct ToPage {
    page: Rc<Page>,
    client: Rc<Client>,
}

impl EventSink for ToPage {
    fn post(&self, event: Event) {
        let (page, client) = (self.page.clone(), self.client.clone());
        World::current().post(Thread::PAGE, move || page.receive(&client, event));
    }

    fn post_with_transfer(&self, event: Event) -> Result<(), PlaybackError> {
        self.post(event);
        Ok(())
    }
}

impl Page {
    /// A page that has not loaded anything.
    pub fn open(url: String, settings: PlaybackSettings, screen: (u32, u32)) -> Rc<Self> {
        let world = World::current();
        let support = world.with_browser(|browser| BrowserSupport {
            worker: browser.has_media_source_in_workers,
            page: browser.has_media_source,
            native_hls: false,
        });
        let page = Rc::new(Self {
            element: MediaElement::new(),
            model: RefCell::new(PlayerModel::new(support, None)),
            traffic: RefCell::default(),
            intended: RefCell::default(),
            viewer: RefCell::default(),
            url,
            buffer: Cell::new(settings.buffer),
            settings,
            screen: Cell::new(screen),
            session: Cell::default(),
            client: RefCell::default(),
            sent: Cell::default(),
            observed: Cell::default(),
            last_position: Cell::default(),
            pending_start: Cell::default(),
            is_closing: Cell::default(),
        });
        let listening = Rc::downgrade(&page);
        page.element.on_event(move |event| {
            if let Some(page) = listening.upgrade() {
                page.handle_media_event(event);
            }
        });
        let observing = Rc::downgrade(&page);
        platform::spawn(async move {
            loop {
                platform::sleep(OBSERVE_INTERVAL_MS).await;
                match observing.upgrade() {
                    Some(page) if !page.element.is_paused() => page.observe(),
                    Some(_) => {}
                    None => return,
                }
            }
        });
        page
    }

    /// Loads the video.
    pub fn load(self: &Rc<Self>) {
        self.dispatch(PlayerMessage::Play(self.request()));
    }

    fn request(&self) -> PlayRequest {
        let mut settings = self.settings.clone();
        settings.buffer = self.buffer.get();
        PlayRequest {
            url: Ok(self.url.clone()),
            file: None,
            reload_key: 0,
            engine: None,
            autoplay: true,
            settings,
        }
    }

    /// The engine's thread, if it has one of its own.
    pub fn worker(&self) -> Option<Thread> {
        let client = self.client.borrow();
        let thread = client.as_ref().map(|client| client.thread);
        thread.filter(|thread| *thread != Thread::PAGE)
    }

    /// Why playback cannot continue.
    pub fn error(&self) -> Option<PlaybackError> {
        self.model.borrow().error.clone()
    }

    /// The viewer seeks.
    pub fn seek(&self, to: f64) {
        // The controls are disabled until the duration is known.
        if self.element.readiness() == Readiness::Nothing {
            return;
        }
        let from = self.element.position();
        let mut intended = self.intended.borrow_mut();
        if let Some(last) = intended.last_mut() {
            last.end = from.max(last.start);
        }
        let to = match self.element.duration() {
            duration if duration.is_finite() => to.min(duration),
            _ => to,
        };
        intended.push(to..f64::INFINITY);
        drop(intended);
        self.element.seek(to);
    }

    /// The viewer selects a quality.
    pub fn select_quality(self: &Rc<Self>, index: Option<u32>) {
        self.dispatch(PlayerMessage::SelectQuality(index));
    }

    /// The viewer selects an audio track.
    pub fn select_audio(self: &Rc<Self>, index: u32) {
        self.dispatch(PlayerMessage::SelectAudio(Some(index)));
    }

    /// The viewer selects captions.
    pub fn select_captions(self: &Rc<Self>, index: u32) {
        self.dispatch(PlayerMessage::CaptionsEnabled(Some(index)));
    }

    /// The page changes how much is buffered.
    pub fn configure(self: &Rc<Self>, buffer: BufferGoal) {
        self.buffer.set(buffer);
        self.dispatch(PlayerMessage::Play(self.request()));
    }

    /// The goal now.
    pub fn goal(&self) -> BufferGoal {
        self.buffer.get()
    }

    /// The picture changes its size.
    pub fn resize(self: &Rc<Self>, screen: (u32, u32)) {
        self.screen.set(screen);
        self.observe();
    }

    /// Ends the session as `EngineClient::close` does, without its timeouts.
    pub fn stop(&self) {
        self.is_closing.set(true);
        let session = self.session.get();
        self.send(Command::Stop { session });
    }

    /// Whether an event of this session has come.
    pub fn has_received(&self, is_such: impl Fn(&Event) -> bool) -> bool {
        let traffic = self.traffic.borrow();
        traffic.events.iter().any(|(_, event)| is_such(event))
    }

    /// Applies a message and carries out its effects.
    fn dispatch(self: &Rc<Self>, message: PlayerMessage) {
        if self.is_closing.get() {
            return;
        }
        let effects = self.model.borrow_mut().update(message);
        for effect in effects {
            let session = self.session.get();
            match effect {
                Effect::Load {
                    location, settings, ..
                } => self.load_session(location, settings),
                Effect::Stop | Effect::Release => self.send(Command::Stop { session }),
                Effect::Select(selection) => {
                    let (buffer, sent) = self.sent.get();
                    if sent != selection {
                        self.sent.set((buffer, selection));
                        self.send(Command::Select { session, selection });
                    }
                }
                Effect::Configure(buffer) => {
                    let (sent, selection) = self.sent.get();
                    if sent != buffer {
                        self.sent.set((buffer, selection));
                        self.send(Command::Configure { session, buffer });
                    }
                }
                Effect::Attach(source) => self.attach(&source),
                Effect::Pause => self.element.pause(),
                Effect::Seek(to) => self.element.seek(to),
                Effect::CatchUp(rate) => self.element.set_rate(rate),
                Effect::RememberHeight(_) | Effect::ReportError(_) => {}
            }
        }
    }

    fn load_session(self: &Rc<Self>, location: EngineLocation, settings: PlaybackSettings) {
        let world = World::current();
        self.last_position.set(None);
        let mut client = self.client.borrow_mut();
        let lost = client.take_if(|client| client.needs_replacement.get());
        if let Some(lost) = lost
            && lost.thread != Thread::PAGE
            && world.is_alive(lost.thread)
        {
            world.terminate(lost.thread);
        }
        let current = client.get_or_insert_with(|| self.spawn(location)).clone();
        drop(client);
        let session = self.session.get().next();
        self.session.set(session);
        self.traffic.borrow_mut().sessions.push(world.elapsed_ms());
        let start = settings.start.unwrap_or(0.0);
        let mut intended = self.intended.borrow_mut();
        match intended.last_mut() {
            // A session after a failure continues where that was noticed.
            Some(last) => last.start = last.start.min(start),
            None => intended.push(start..f64::INFINITY),
        }
        drop(intended);
        self.sent.set((settings.buffer, TrackSelection::default()));
        self.observed.set(None);
        current.has_answered.set(false);
        self.send(Command::Load {
            session,
            url: self.url.clone(),
            settings,
        });
        let (page, current) = (Rc::downgrade(self), Rc::downgrade(&current));
        platform::spawn(async move {
            platform::sleep(ANSWER_TIMEOUT_MS).await;
            let (Some(page), Some(client)) = (page.upgrade(), current.upgrade()) else {
                return;
            };
            if page.session.get() == session && !client.has_answered.get() {
                let seconds = ANSWER_TIMEOUT_MS / 1000;
                page.notify(&client, Err(PlaybackError::WorkerTimeout { seconds }));
            }
        });
    }

    fn spawn(self: &Rc<Self>, location: EngineLocation) -> Rc<Client> {
        let world = World::current();
        let client = Rc::new(Client {
            thread: match location {
                EngineLocation::Worker => world.start_worker(),
                EngineLocation::Page => Thread::PAGE,
            },
            engine: Rc::default(),
            is_ready: Cell::default(),
            has_answered: Cell::default(),
            missed_pings: Cell::default(),
            needs_replacement: Cell::default(),
            is_lost: Cell::default(),
        });
        let sink = ToPage {
            page: self.clone(),
            client: client.clone(),
        };
        let engine = client.engine.clone();
        world.post(client.thread, move || {
            engine.replace(Some(Engine::new(EventPort::new(sink))));
        });
        let (page, pinged) = (Rc::downgrade(self), Rc::downgrade(&client));
        platform::spawn(async move {
            loop {
                platform::sleep(PING_INTERVAL_MS).await;
                match (page.upgrade(), pinged.upgrade()) {
                    (Some(page), Some(client)) => page.ping(&client),
                    _ => return,
                }
            }
        });
        client
    }

    fn ping(self: &Rc<Self>, client: &Rc<Client>) {
        if !client.is_ready.get() || client.needs_replacement.get() {
            return;
        }
        let missed = client.missed_pings.get();
        if missed >= MAX_MISSED_PINGS {
            return self.notify(client, Err(PlaybackError::WorkerUnresponsive));
        }
        client.missed_pings.set(missed + 1);
        self.send_to(client, Command::Ping);
    }

    fn send(&self, command: Command) {
        let client = self.client.borrow().clone();
        if let Some(client) = client {
            self.send_to(&client, command);
        }
    }

    fn send_to(&self, client: &Client, command: Command) {
        let world = World::current();
        self.traffic.borrow_mut().messages.push(world.elapsed_ms());
        let engine = client.engine.clone();
        world.post(client.thread, move || {
            if let Some(engine) = &mut *engine.borrow_mut() {
                engine.handle(command);
            }
        });
    }

    fn receive(self: &Rc<Self>, client: &Rc<Client>, event: Event) {
        let is_current = self
            .client
            .borrow()
            .as_ref()
            .is_some_and(|it| Rc::ptr_eq(it, client));
        if !is_current {
            return;
        }
        let now = World::current().elapsed_ms();
        self.traffic.borrow_mut().messages.push(now);
        client.missed_pings.set(0);
        if client.is_lost.take() {
            client.needs_replacement.set(false);
        }
        if event
            .session()
            .is_some_and(|session| session != self.session.get())
        {
            return;
        }
        match &event {
            Event::Pong => return,
            Event::Ready { .. } => client.is_ready.set(true),
            event if event.session().is_some() && !client.has_answered.replace(true) => {
                client.needs_replacement.set(false);
            }
            _ => {}
        }
        note(&event);
        self.traffic.borrow_mut().events.push((now, event.clone()));
        self.notify(client, Ok(event));
    }

    fn notify(self: &Rc<Self>, client: &Client, result: Result<Event, PlaybackError>) {
        if let Err(error) | Ok(Event::EngineFailed { error }) = &result {
            if error.is_worker_lost() && client.is_lost.replace(true) {
                return;
            }
            client.needs_replacement.set(error.needs_new_worker());
        }
        if let Ok(Event::MediaSourceReady { .. }) = &result {
            let arrived = ReachedMilestone::now(Milestone::HandleArrived);
            self.dispatch(PlayerMessage::MilestoneReached(arrived));
        }
        let message = self.engine_message(result);
        self.dispatch(message);
    }

    /// As `engine_message` of `player/controller.rs`.
    fn engine_message(&self, result: Result<Event, PlaybackError>) -> PlayerMessage {
        let last_position = self.last_position.get();
        match result {
            Err(error) if error.is_worker_lost() => PlayerMessage::Lost {
                error,
                last_position,
            },
            Ok(Event::Failed {
                error: error @ (PlaybackError::MediaSourceCall { .. } | PlaybackError::Detached),
                ..
            }) => match last_position {
                Some(_) => PlayerMessage::Lost {
                    error: self.element_error().unwrap_or(error),
                    last_position,
                },
                None => PlayerMessage::Failed(error),
            },
            result => PlayerMessage::EngineEvent(result),
        }
    }

    fn element_error(&self) -> Option<PlaybackError> {
        self.element
            .error()
            .map(|code| PlaybackError::MediaElement {
                code,
                reason: "simulated".into(),
            })
    }

    /// As `attach` of `player/attachment.rs`.
    fn attach(self: &Rc<Self>, source: &PlaybackSource) {
        let ElementSource::Provided(handle) = &source.media else {
            return;
        };
        let element = &self.element;
        let plays = match source.start_mode {
            StartMode::Play => true,
            StartMode::Wait => false,
            StartMode::AsBefore { was_playing } => {
                was_playing || !element.is_paused() || element.has_ended()
            }
        };
        let start = match source.start_mode {
            StartMode::AsBefore { .. } if element.is_seeking() => element.position(),
            _ => source.start,
        };
        element.attach(handle);
        let reached = ReachedMilestone::now(Milestone::SrcObjectSet);
        self.dispatch(PlayerMessage::MilestoneReached(reached));
        element.seek(start);
        self.pending_start.set(Some(start));
        if plays {
            element.play();
        }
    }

    fn handle_media_event(self: &Rc<Self>, event: MediaEvent) {
        match event {
            MediaEvent::LoadedData => {
                const MAX_PLAYED_FROM_BEGINNING_SECONDS: f64 = 0.5;
                if let Some(start) = self.pending_start.take()
                    && self.element.position() < start.min(MAX_PLAYED_FROM_BEGINNING_SECONDS)
                {
                    self.element.seek(start);
                }
            }
            MediaEvent::Error(_) => {
                if let Some(error) = self.element_error() {
                    let last_position = self.last_position.get();
                    self.dispatch(PlayerMessage::Lost {
                        error,
                        last_position,
                    });
                }
            }
            MediaEvent::LoadedMetadata
            | MediaEvent::Play
            | MediaEvent::Playing
            | MediaEvent::Pause
            | MediaEvent::Seeking
            | MediaEvent::Seeked
            | MediaEvent::RateChange
            | MediaEvent::TimeUpdate
            | MediaEvent::Ended => self.observe(),
            _ => {}
        }
    }

    /// As `report` of `player/controller.rs`.
    fn observe(self: &Rc<Self>) {
        let element = &self.element;
        let Some(client) = self.client.borrow().clone() else {
            return;
        };
        // Its MediaSource was lost with the worker.
        if element.has_ended() && element.buffered().is_empty() {
            if !client.needs_replacement.get() {
                self.notify(&client, Err(PlaybackError::WorkerUnresponsive));
            }
            return;
        }
        let observation = Observation {
            position: element.position(),
            rate: match element.is_paused() {
                true => 0.0,
                false => element.rate(),
            },
            screen_size: self.screen.get(),
            at: platform::now(),
        };
        if element.error().is_none() && element.readiness() > Readiness::Nothing {
            self.last_position.set(Some(LastPosition {
                position: observation.position,
                is_playing: observation.rate > 0.0,
            }));
        }
        if self
            .observed
            .get()
            .is_none_or(|sent| observation.should_follow(&sent))
        {
            self.observed.set(Some(observation));
            self.send_to(
                &client,
                Command::Observe {
                    session: self.session.get(),
                    observation,
                },
            );
        }
    }
}

/// Adds what is worth to know of an event to the trace.
fn note(event: &Event) {
    let world = World::current();
    match event {
        Event::Diagnostics { diagnostic, .. } => match diagnostic.decode() {
            Ok(Diagnostic::SegmentFinished(it)) => world.note(format_args!(
                "{} {:?} {:.3}-{:.3} at {} b/s",
                if it.appended { "appended" } else { "abandoned" },
                it.kind,
                it.start,
                it.end,
                it.bandwidth
            )),
            Ok(Diagnostic::Evicted { kind, start, end }) => {
                world.note(format_args!("evicted {kind:?} {start:.3}-{end:.3}"));
            }
            _ => {}
        },
        Event::QualityChanged { bandwidth, .. } => {
            world.note(format_args!("fetches {bandwidth} b/s"));
        }
        Event::Seek { to, .. } => world.note(format_args!("the engine seeks to {to:.3}")),
        Event::Failed { error, .. } | Event::EngineFailed { error } => {
            world.note(format_args!("failed: {error}"));
        }
        Event::Retrying { error, .. } => world.note(format_args!("retrying: {error:?}")),
        _ => {}
    }
}
