//! The page's end of the protocol with an engine: handshake, sessions, heartbeat and graceful shutdown.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures_channel::oneshot;
use futures_util::future::select;
use gloo_timers::{
    callback::{Interval, Timeout},
    future::TimeoutFuture,
};
use wasm_bindgen_futures::spawn_local;
use web_sys::{File, HtmlVideoElement};
use yew::Callback;

use super::agent::{AgentHandle, AgentSignal, DIAGNOSIS_TIMEOUT_SECONDS, diagnose_script};
use crate::{
    platform::web,
    protocol::{
        BUILD_ID, BufferGoal, Command, Event, Message, Observation, PlaybackError,
        PlaybackSettings, SessionId, TrackSelection,
        milestone::{EngineLocation, Milestone, ReachedMilestone},
        transfer::Packed,
    },
};

/// Timeout for the engine's first message about a session.
const ANSWER_TIMEOUT_SECONDS: u32 = 6;

/// Timeout for each step of the graceful shutdown.
const SHUTDOWN_TIMEOUT_SECONDS: u32 = 2;

// A worker that does not start is reported within ten seconds.
const _: () = assert!(ANSWER_TIMEOUT_SECONDS + DIAGNOSIS_TIMEOUT_SECONDS <= 10);

/// Interval of the heartbeat.
const PING_INTERVAL_MS: u32 = 600;

/// The maximum number of unanswered heartbeats in a row. Heartbeats are counted instead of time, because a page
/// that is frozen or asleep sends none.
const MAX_MISSED_PINGS: u32 = 2;

/// An event of the engine, or the reason why there are no more: the engine did not start, crashed, or does not
/// answer.
pub type EngineResult = Result<Event, PlaybackError>;

/// Owns an engine and speaks the protocol with it.
///
/// - *Handshake*: the first message of an engine names its build; the messages of another
///   build are ignored.
/// - *Sessions*: each [`load`](Self::load) starts one. Events of past sessions are dropped here, and nowhere
///   else.
/// - *Heartbeat*: crashes are reported by the browser; an engine that hangs, or was terminated from outside, is
///   detected because it stops answering pings.
/// - *Shutdown*: [`close`](Self::close) ends the session in an order that causes no errors. Dropping the client
///   terminates the engine at once.
pub struct EngineClient {
    agent: Rc<AgentHandle>,
    location: EngineLocation,
    state: Rc<ClientState>,
    spawned: Cell<Option<ReachedMilestone>>,
    /// The buffer goal and the selection that the engine was last sent in this session.
    sent: Cell<(BufferGoal, TrackSelection)>,
    /// The observation that the engine was last sent in this session.
    observed: Cell<Option<Observation>>,
    answer_timeout: Cell<Option<Timeout>>,
    _heartbeat: Interval,
}

/// The state that the client shares with its callbacks.
struct ClientState {
    handshake: Cell<Handshake>,
    session: Cell<SessionId>,
    /// Whether the engine has sent anything about this session.
    has_answered: Cell<bool>,
    /// Pings since the last message.
    missed_pings: Cell<u32>,
    /// Whether the next session takes another engine.
    needs_replacement: Cell<bool>,
    liveness: Cell<Liveness>,
    listener: RefCell<Callback<EngineResult>>,
    on_message: RefCell<Callback<Message>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Handshake {
    /// The engine has sent nothing yet.
    Pending,
    /// It belongs to this build.
    Done,
    /// It belongs to another build, and its messages are ignored.
    Refused,
}

/// Whether an engine that has started is still there. Its loss is reported once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Liveness {
    /// No failure is known.
    #[default]
    Alive,
    /// It does not answer pings. A later message shows that it was only slow, and makes it alive again.
    Unresponsive,
    /// It has reported a crash.
    Crashed,
}

impl Drop for EngineClient {
    fn drop(&mut self) {
        if self.needs_replacement() {
            self.agent.discard();
        }
        // A program that is still being loaded keeps the state alive, and must not call the listener any more.
        self.state.listener.replace(Callback::noop());
    }
}

impl EngineClient {
    /// Starts an engine. `listener` receives its events and its failure; `on_message` receives every message in
    /// either direction, still encoded, except observations and heartbeats.
    pub fn spawn(
        location: EngineLocation,
        listener: Callback<EngineResult>,
        on_message: Callback<Message>,
    ) -> Self {
        let mut spawned = ReachedMilestone::now(Milestone::AgentSpawned);
        let state = Rc::new(ClientState {
            handshake: Cell::new(Handshake::Pending),
            session: Cell::default(),
            has_answered: Cell::default(),
            missed_pings: Cell::default(),
            needs_replacement: Cell::default(),
            liveness: Cell::default(),
            listener: RefCell::new(listener),
            on_message: RefCell::new(on_message),
        });
        let agent = Rc::new(AgentHandle::spawn(location, {
            let state = state.clone();
            Rc::new(move |signal| state.handle_signal(signal))
        }));
        if let Some((at, _)) = agent.early_start() {
            spawned.at = at;
        }
        let heartbeat = Interval::new(PING_INTERVAL_MS, {
            let (state, agent) = (state.clone(), agent.clone());
            move || state.ping(&agent)
        });
        Self {
            agent,
            location,
            state,
            spawned: Cell::new(Some(spawned)),
            sent: Cell::default(),
            observed: Cell::default(),
            answer_timeout: Cell::default(),
            _heartbeat: heartbeat,
        }
    }

    /// The thread that the engine runs on.
    pub const fn location(&self) -> EngineLocation {
        self.location
    }

    /// Returns when the engine was spawned, the first time it is called.
    pub fn take_spawn_milestone(&self) -> Option<ReachedMilestone> {
        self.spawned.take()
    }

    /// Starts a session with the manifest at this absolute URL. The previous session is over. Returns when the command
    /// was sent: an engine that was started before the page's program may have it already.
    pub fn load(&self, url: String, settings: PlaybackSettings) -> ReachedMilestone {
        self.start(settings, |session, settings| Command::Load {
            session,
            url,
            settings,
        })
    }

    /// Starts a session with a file of the viewer. The previous session is over. Returns when the command was sent.
    pub fn load_file(&self, file: File, settings: PlaybackSettings) -> ReachedMilestone {
        self.start(settings, |session, settings| Command::LoadFile {
            session,
            file: web::file_handle(file),
            settings,
        })
    }

    fn start(
        &self,
        settings: PlaybackSettings,
        command: impl FnOnce(SessionId, PlaybackSettings) -> Command,
    ) -> ReachedMilestone {
        let session = self.state.session.get().next();
        self.state.session.set(session);
        self.state.has_answered.set(false);
        self.sent.set((settings.buffer, TrackSelection::default()));
        self.observed.set(None);
        let mut sent = ReachedMilestone::now(Milestone::LoadSent);
        let command = command(session, settings);
        if let Some((at, Some(early))) = self.agent.early_start()
            && command.is_same_load(&early)
        {
            sent.at = at;
        }
        self.send(command);
        // A worker that hangs while it starts sends nothing, and gloo-worker has no timeout.
        let state = self.state.clone();
        let timeout = Timeout::new(ANSWER_TIMEOUT_SECONDS * 1000, move || {
            if state.session.get() == session && !state.has_answered.get() {
                let seconds = ANSWER_TIMEOUT_SECONDS;
                state.notify(Err(PlaybackError::WorkerTimeout { seconds }));
            }
        });
        self.answer_timeout.set(Some(timeout));
        sent
    }

    /// Sends an observation of the element, unless the engine's clock already agrees with it. `is_arrival` if it
    /// has to be sent all the same.
    pub fn observe(&self, observation: Observation, is_arrival: bool) {
        let previous = self.observed.get().filter(|_| !is_arrival);
        if previous.is_some_and(|previous| !observation.should_follow(&previous)) {
            return;
        }
        self.observed.set(Some(observation));
        let session = self.state.session.get();
        self.agent.send(Packed::new(&Command::Observe {
            session,
            observation,
        }));
    }

    /// Sends the viewer's selection, if it has changed: indexes into the lists that the engine sent.
    pub fn select(&self, selection: TrackSelection) {
        let (buffer, sent) = self.sent.get();
        if sent == selection {
            return;
        }
        self.sent.set((buffer, selection));
        let session = self.state.session.get();
        self.send(Command::Select { session, selection });
    }

    /// Sends the buffer goal, if it has changed.
    pub fn configure(&self, buffer: BufferGoal) {
        let (sent, selection) = self.sent.get();
        if sent == buffer {
            return;
        }
        self.sent.set((buffer, selection));
        let session = self.state.session.get();
        self.send(Command::Configure { session, buffer });
    }

    /// Ends the session. Its events are stale from now on.
    pub fn stop(&self) {
        let session = self.state.session.get();
        self.state.session.set(session.next());
        self.send(Command::Stop { session });
    }

    /// Reports that the element has lost its MediaSource, which happens only when the engine's thread ends.
    pub fn report_detached(&self) {
        if !self.needs_replacement() {
            self.state.notify(Err(PlaybackError::WorkerUnresponsive));
        }
    }

    /// Whether the engine is gone, or must not be used for another session.
    pub fn needs_replacement(&self) -> bool {
        self.state.needs_replacement.get()
    }

    /// Has the next session take another engine if this one has not started yet. Call it when the page comes
    /// back from the back/forward cache: a worker's script that was being loaded may never arrive, and
    /// WebKit may remember it as missing.
    pub fn distrust(&self) {
        if self.state.handshake.get() == Handshake::Pending {
            self.state.needs_replacement.set(true);
        }
    }

    /// Ends the session and the engine gracefully. In this order nothing throws in the engine and the element
    /// does not fire `ended`: the engine stops, the element detaches, the MediaSource closes, the engine is
    /// dropped. An engine that does not answer is dropped after [`SHUTDOWN_TIMEOUT_SECONDS`] per step.
    ///
    /// `video` is the element to detach; `None` if it gets another source, which detaches it too.
    pub async fn close(self: Rc<Self>, video: Option<HtmlVideoElement>) {
        let (stopped_sender, stopped) = oneshot::channel();
        let (closed_sender, closed) = oneshot::channel();
        let (stopped_sender, closed_sender) = (
            RefCell::new(Some(stopped_sender)),
            RefCell::new(Some(closed_sender)),
        );
        self.state
            .listener
            .replace(Callback::from(move |result: EngineResult| {
                let sender = match result {
                    Ok(Event::Stopped { .. }) => stopped_sender.take(),
                    Ok(Event::Closed { .. }) => closed_sender.take(),
                    _ => None,
                };
                // Fails if the answer came after the timeout.
                sender.map(|sender| sender.send(()));
            }));
        self.state.on_message.replace(Callback::noop());

        let session = self.state.session.get();
        self.send(Command::Stop { session });
        select(stopped, TimeoutFuture::new(SHUTDOWN_TIMEOUT_SECONDS * 1000)).await;
        if let Some(video) = video {
            web::detach(&video);
        }
        select(closed, TimeoutFuture::new(SHUTDOWN_TIMEOUT_SECONDS * 1000)).await;
    }

    fn send(&self, command: Command) {
        let message = Packed::new(&command);
        self.state.forward(Message::Command(message.clone()));
        self.agent.send(message);
    }
}

impl ClientState {
    fn handle_signal(self: &Rc<Self>, signal: AgentSignal) {
        match signal {
            AgentSignal::Message(message) => self.receive(message),
            AgentSignal::Error(reason) => self.notify(Err(match self.handshake.get() {
                Handshake::Pending => PlaybackError::WorkerStartFailed { reason },
                Handshake::Done | Handshake::Refused => PlaybackError::WorkerCrashed { reason },
            })),
            AgentSignal::NotLoaded(script) => {
                let state = self.clone();
                spawn_local(async move { state.notify(Err(diagnose_script(script).await)) });
            }
        }
    }

    /// Sends a heartbeat, or reports the engine as unresponsive after [`MAX_MISSED_PINGS`].
    fn ping(&self, agent: &AgentHandle) {
        let missed = self.missed_pings.get();
        if self.handshake.get() != Handshake::Done || self.needs_replacement.get() {
            return;
        }
        if missed >= MAX_MISSED_PINGS {
            return self.notify(Err(PlaybackError::WorkerUnresponsive));
        }
        self.missed_pings.set(missed + 1);
        agent.send(Packed::new(&Command::Ping));
    }

    fn receive(&self, message: Packed<Event>) {
        self.missed_pings.set(0);
        if self.liveness.get() == Liveness::Unresponsive {
            self.liveness.set(Liveness::Alive);
            self.needs_replacement.set(false);
        }
        let result = message.unpack().map_err(PlaybackError::from);
        if matches!(&result, Ok(event) if self.is_stale(event))
            || self.handshake.get() == Handshake::Refused
            || matches!(result, Ok(Event::Pong))
        {
            return;
        }
        match &result {
            Ok(Event::Ready { build }) if build != BUILD_ID => {
                self.handshake.set(Handshake::Refused);
                return self.notify(Err(PlaybackError::WorkerVersionMismatch {
                    worker_build: build.clone(),
                }));
            }
            Ok(Event::Ready { .. }) => self.handshake.set(Handshake::Done),
            // A first answer after the timeout: the engine was only slow.
            Ok(event) if event.session().is_some() && !self.has_answered.replace(true) => {
                self.needs_replacement.set(false);
            }
            _ => {}
        }
        if result.is_ok() {
            self.forward(Message::Event(message));
        }
        self.notify(result);
    }

    /// Whether an event belongs to a past session.
    fn is_stale(&self, event: &Event) -> bool {
        let session = event.session();
        session.is_some_and(|session| session != self.session.get())
    }

    fn forward(&self, message: Message) {
        // Cloned, because the callback may replace itself.
        let on_message = self.on_message.borrow().clone();
        on_message.emit(message);
    }

    fn notify(&self, result: EngineResult) {
        if let Err(error) | Ok(Event::EngineFailed { error }) = &result {
            let liveness = match error {
                PlaybackError::WorkerUnresponsive => Liveness::Unresponsive,
                PlaybackError::WorkerCrashed { .. } => Liveness::Crashed,
                _ => Liveness::Alive,
            };
            // The loss is reported once; what else goes wrong in a crashed program is a consequence.
            if liveness != Liveness::Alive && self.liveness.replace(liveness) != Liveness::Alive {
                return;
            }
            self.needs_replacement.set(error.needs_new_worker());
        }
        // Cloned, because the callback may replace itself.
        let listener = self.listener.borrow().clone();
        listener.emit(result);
    }
}
