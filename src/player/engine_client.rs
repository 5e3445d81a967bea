//! The page's end of the conversation: shakes hands with an agent, drops what a past session still says,
//! feels the agent's pulse, and takes leave in order.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use futures_channel::oneshot;
use futures_util::future::select;
use gloo_timers::{callback::Interval, future::TimeoutFuture};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlVideoElement;
use yew::Callback;

use super::agent::{AgentHandle, AgentSignal, DIAGNOSIS_TIMEOUT, diagnose_script};
use crate::{
    platform::web,
    protocol::{
        BUILD_ID, BufferGoal, Command, Event, Message, Observation, PlaybackError,
        PlaybackSettings, SessionId, TrackSelection,
        milestone::{EngineLocation, Milestone, ReachedMilestone},
        transfer::Packed,
    },
};

/// How long a worker may take to say its first word about a film, in seconds.
const ANSWER_TIMEOUT: u32 = 6;
/// How long a worker may take over each step of shutting down, in seconds.
const SHUTDOWN_TIMEOUT: u32 = 2;

// That a worker does not come is known within ten seconds.
const _: () = assert!(ANSWER_TIMEOUT + DIAGNOSIS_TIMEOUT <= 10);

/// How often an agent is asked whether it is there, in milliseconds …
const PING_INTERVAL_MS: u32 = 600;
/// … and how often in vain, before it is taken for dead. Counted are the page's own rounds, not time: a page
/// that was frozen or asleep has made none.
const MAX_MISSED_PINGS: u32 = 2;

/// What comes from the agent: its events, or why there are none.
pub type EngineResult = Result<Event, PlaybackError>;

/// An agent of one's own, for as long as it is held.
pub struct EngineClient {
    agent: Rc<AgentHandle>,
    thread: EngineLocation,
    state: Rc<ClientState>,
    spawned: Cell<Option<ReachedMilestone>>,
    /// What the agent knows of this session's goal and choice, and need not be told again.
    told: Cell<(BufferGoal, TrackSelection)>,
    /// What the agent was last told of the element in this session.
    seen: Cell<Option<Observation>>,
    _pulse: Interval,
}

/// What the callbacks of the bridge share with its owner.
struct ClientState {
    handshake: Cell<Handshake>,
    session: Cell<SessionId>,
    /// Whether the agent has said anything about this session.
    answered: Cell<bool>,
    /// How often it was asked in vain whether it is there.
    missed: Cell<u32>,
    /// Whether another film takes another agent.
    broken: Cell<bool>,
    life: Cell<Liveness>,
    listener: RefCell<Callback<EngineResult>>,
    /// Hears all that is said, unread.
    onletter: RefCell<Callback<Message>>,
}

/// How far the two have come to know each other.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Handshake {
    /// The agent has not said its first word.
    Awaited,
    /// It is of this build.
    Done,
    /// It is of another, and not listened to.
    Refused,
}

/// What is known of an agent in the middle of a film.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Liveness {
    /// It answers.
    #[default]
    Alive,
    /// It does not, and was taken for dead.
    Unresponsive,
    /// It said itself what it died of.
    Dead,
}

impl Drop for EngineClient {
    fn drop(&mut self) {
        if self.is_broken() {
            self.agent.discard();
        }
        // Its program may still be on its way, and what becomes of that is nobody's news.
        self.state.listener.replace(Callback::noop());
    }
}

impl EngineClient {
    /// Starts an agent on this thread, and the watch over it. What is said is also given to `onletter`.
    pub fn spawn(
        thread: EngineLocation,
        listener: Callback<EngineResult>,
        onletter: Callback<Message>,
    ) -> Self {
        let spawned = ReachedMilestone::now(Milestone::AgentSpawned);
        let line = Rc::new(ClientState {
            handshake: Cell::new(Handshake::Awaited),
            session: Cell::default(),
            answered: Cell::default(),
            missed: Cell::default(),
            broken: Cell::default(),
            life: Cell::default(),
            listener: RefCell::new(listener),
            onletter: RefCell::new(onletter),
        });
        let agent = Rc::new(AgentHandle::spawn(thread, {
            let line = line.clone();
            Rc::new(move |heard| line.handle_signal(heard))
        }));
        let pulse = Interval::new(PING_INTERVAL_MS, {
            let (line, agent) = (line.clone(), agent.clone());
            move || line.ping(&agent)
        });
        Self {
            agent,
            thread,
            state: line,
            spawned: Cell::new(Some(spawned)),
            told: Cell::default(),
            seen: Cell::default(),
            _pulse: pulse,
        }
    }

    /// Where the agent lives.
    pub const fn location(&self) -> EngineLocation {
        self.thread
    }

    /// The element shows that its MediaSource is gone, which only the agent's own end explains.
    pub fn report_detached(&self) {
        if !self.is_broken() {
            self.state.notify(Err(PlaybackError::WorkerUnresponsive));
        }
    }

    /// Whether the agent is gone, or not to be trusted with another film.
    pub fn is_broken(&self) -> bool {
        self.state.broken.get()
    }

    /// The page was away. A program that was still on its way then may never come, and a browser may take it
    /// for missing ever after: the next film takes another agent, if this one has not spoken by then.
    pub fn distrust(&self) {
        if self.state.handshake.get() == Handshake::Awaited {
            self.state.broken.set(true);
        }
    }

    /// The first step of the first journey of this agent; told once.
    pub fn newly_spawned(&self) -> Option<ReachedMilestone> {
        self.spawned.take()
    }

    /// Begins a new session with the film at this absolute URL. The one before is over.
    pub fn load(&self, url: String, settings: PlaybackSettings) {
        let session = self.state.session.get().next();
        self.state.session.set(session);
        self.state.answered.set(false);
        self.told.set((settings.buffer, TrackSelection::default()));
        self.seen.set(None);
        self.send(Command::Load {
            session,
            url,
            settings,
        });
        spawn_local(expect_answer(Rc::downgrade(&self.state), session));
    }

    /// Tells the worker what is seen of the element, if its own clock does not tell it that.
    pub fn observe(&self, observation: Observation) {
        let told = self.seen.get();
        if told.is_some_and(|told| !observation.should_follow(&told)) {
            return;
        }
        self.seen.set(Some(observation));
        let session = self.state.session.get();
        self.agent.send(Packed::new(&Command::Observe {
            session,
            observation,
        }));
    }

    /// Tells the worker what a person has chosen, as positions in the lists that it gave.
    pub fn choose(&self, choice: TrackSelection) {
        let (buffer, told) = self.told.get();
        if told == choice {
            return;
        }
        self.told.set((buffer, choice));
        let session = self.state.session.get();
        self.send(Command::Select {
            session,
            selection: choice,
        });
    }

    /// Tells the worker how much to buffer from now on.
    pub fn configure(&self, buffer: BufferGoal) {
        let (told, choice) = self.told.get();
        if told == buffer {
            return;
        }
        self.told.set((buffer, choice));
        let session = self.state.session.get();
        self.send(Command::Configure { session, buffer });
    }

    fn send(&self, command: Command) {
        let letter = Packed::new(&command);
        self.state.forward(Message::Command(letter.clone()));
        self.agent.send(letter);
    }

    /// Ends the session. Whatever it still says is stale.
    pub fn stop(&self) {
        let session = self.state.session.get();
        self.state.session.set(session.next());
        self.send(Command::Stop { session });
    }

    /// Ends the session and lets the agent go, in the one order that throws nothing there and shows no
    /// false end of the film: the agent stops, the element lets go, the MediaSource closes, the agent is
    /// dropped. One that does not answer is not waited for for long. Without an element, that of another
    /// agent's film is attached to it by now, or soon.
    pub async fn close(self, mut video: Option<HtmlVideoElement>) {
        let (stopped, stops) = oneshot::channel();
        let (closed, closes) = oneshot::channel();
        let waiting = RefCell::new((Some(stopped), Some(closed)));
        *self.state.listener.borrow_mut() = Callback::from(move |news: EngineResult| {
            let mut waiting = waiting.borrow_mut();
            let step = match news {
                Ok(Event::Stopped { .. }) => waiting.0.take(),
                Ok(Event::Closed { .. }) => waiting.1.take(),
                _ => None,
            };
            // Nobody waits any more for one that took too long.
            step.map(|step| step.send(()));
        });
        self.state.onletter.replace(Callback::noop());

        let session = self.state.session.get();
        self.send(Command::Stop { session });
        for step in [stops, closes] {
            select(step, TimeoutFuture::new(SHUTDOWN_TIMEOUT * 1000)).await;
            // Between the two the element lets go.
            if let Some(video) = video.take() {
                web::detach(&video);
            }
        }
    }
}

impl ClientState {
    fn handle_signal(self: &Rc<Self>, heard: AgentSignal) {
        match heard {
            AgentSignal::Message(letter) => self.receive(letter),
            AgentSignal::Error(reason) => self.notify(Err(match self.handshake.get() {
                Handshake::Awaited => PlaybackError::WorkerStartFailed { reason },
                Handshake::Done | Handshake::Refused => PlaybackError::WorkerCrashed { reason },
            })),
            AgentSignal::NotLoaded(script) => {
                let line = self.clone();
                spawn_local(async move { line.notify(Err(diagnose_script(script).await)) });
            }
        }
    }

    /// Asks the agent whether it is there, unless it was just heard.
    fn ping(&self, agent: &AgentHandle) {
        let missed = self.missed.get();
        if self.handshake.get() != Handshake::Done || self.broken.get() {
            return;
        }
        if missed >= MAX_MISSED_PINGS {
            return self.notify(Err(PlaybackError::WorkerUnresponsive));
        }
        self.missed.set(missed + 1);
        agent.send(Packed::new(&Command::Ping));
    }

    fn receive(&self, letter: Packed<Event>) {
        self.missed.set(0);
        // One that speaks has only been slow.
        if self.life.get() == Liveness::Unresponsive {
            self.life.set(Liveness::Alive);
            self.broken.set(false);
        }
        let news = match letter.unpack() {
            // The one place where what a past session still says is dropped.
            Ok(event)
                if event
                    .session()
                    .is_some_and(|session| session != self.session.get()) =>
            {
                return;
            }
            // Whatever else it says is said in another build's words.
            _ if self.handshake.get() == Handshake::Refused => return,
            Ok(Event::Ready { build: theirs }) if theirs != BUILD_ID => {
                self.handshake.set(Handshake::Refused);
                Err(PlaybackError::WorkerVersionMismatch {
                    worker_build: theirs,
                })
            }
            Ok(Event::Pong) => return,
            news => news.map_err(Into::into),
        };
        match &news {
            Ok(Event::Ready { .. }) => self.handshake.set(Handshake::Done),
            // One that was only slow is as good as any.
            Ok(event) if event.session().is_some() && !self.answered.replace(true) => {
                self.broken.set(false);
            }
            _ => {}
        }
        if news.is_ok() {
            self.forward(Message::Event(letter));
        }
        self.notify(news);
    }

    fn forward(&self, message: Message) {
        // Not held while it is called: it may replace itself.
        let onletter = self.onletter.borrow().clone();
        onletter.emit(message);
    }

    fn notify(&self, news: EngineResult) {
        if let Err(fault) | Ok(Event::EngineFailed { error: fault }) = &news {
            // One dies once. What else breaks in a broken program is not news.
            let now = match fault {
                PlaybackError::WorkerUnresponsive => Liveness::Unresponsive,
                PlaybackError::WorkerCrashed { .. } => Liveness::Dead,
                _ => Liveness::Alive,
            };
            if now != Liveness::Alive && self.life.replace(now) != Liveness::Alive {
                return;
            }
            self.broken.set(fault.needs_new_worker());
        }
        // As above.
        let listener = self.listener.borrow().clone();
        listener.emit(news);
    }
}

/// A worker that hangs says nothing, and gloo-worker would wait for ever.
async fn expect_answer(line: Weak<ClientState>, session: SessionId) {
    TimeoutFuture::new(ANSWER_TIMEOUT * 1000).await;
    let Some(line) = line.upgrade() else { return };
    if line.session.get() == session && !line.answered.get() {
        let seconds = ANSWER_TIMEOUT;
        line.notify(Err(PlaybackError::WorkerTimeout { seconds }));
    }
}
