//! The page's end of the conversation: spawns the agent, shakes hands, drops what a past session
//! still says, and takes leave in order. The one file of the page that names the engine.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use gloo_worker::WorkerBridge;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ErrorEvent, HtmlVideoElement, RequestInit, Response, Worker};
use yew::Callback;

use super::playback::Choice;
use crate::{
    engine::Agent,
    web,
    wire::{
        BUILD, BufferGoal, Command, Event, Fault, Observation, SessionId, Settings,
        journey::{Mark, Step},
        post::{self, Letter},
    },
};

/// How long a worker may take to say its first word about a film, in seconds.
const FIRST_WORD: u32 = 6;
/// How long the server may take to say what became of the worker's script, in seconds.
const INQUIRY: u32 = 2;
/// How long a worker may take over each step of shutting down, in seconds.
const LEAVE: u32 = 2;

// That a worker does not come is known within ten seconds.
const _: () = assert!(FIRST_WORD + INQUIRY <= 10);

/// What comes from the worker: its events, or why there are none.
pub type News = Result<Event, Fault>;

/// A worker of one's own, for as long as it is held.
pub struct Link {
    bridge: WorkerBridge<Agent>,
    line: Rc<Line>,
    spawned: Cell<Option<Mark>>,
    /// What the worker knows of this session's goal and choice, and need not be told again.
    told: Cell<(BufferGoal, Choice)>,
    worker: Worker,
    _errors: EventListener,
}

/// What the callbacks of the bridge share with its owner.
struct Line {
    handshake: Cell<Handshake>,
    session: Cell<SessionId>,
    /// Whether the worker has said anything about this session.
    answered: Cell<bool>,
    /// Whether another film takes another worker.
    broken: Cell<bool>,
    listener: RefCell<Callback<News>>,
}

/// How far the two have come to know each other.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Handshake {
    /// The worker has not said its first word.
    Awaited,
    /// It is of this build.
    Done,
    /// It is of another, and not listened to.
    Refused,
}

impl Drop for Link {
    fn drop(&mut self) {
        post::release(&self.worker);
    }
}

impl Link {
    /// Starts a worker and the watch over its first word.
    pub fn spawn(listener: Callback<News>) -> Self {
        let spawned = Mark::now(Step::AgentSpawned);
        let line = Rc::new(Line {
            handshake: Cell::new(Handshake::Awaited),
            session: Cell::default(),
            answered: Cell::default(),
            broken: Cell::default(),
            listener: RefCell::new(listener),
        });
        // Relative to the document's base, so that the page can live anywhere on a host. The query
        // keeps caches from answering with another build's worker.
        let script = format!("./worker_loader.js?{BUILD}");
        let hear = {
            let line = line.clone();
            move |letter| line.hear(letter)
        };
        let (bridge, worker) = post::spawn(&script, hear);
        Self {
            bridge,
            spawned: Cell::new(Some(spawned)),
            told: Cell::default(),
            _errors: hear_errors(&line, &worker, script),
            worker,
            line,
        }
    }

    /// Whether the worker is gone, or not to be trusted with another film.
    pub fn is_broken(&self) -> bool {
        self.line.broken.get()
    }

    /// The first step of the first journey in this worker; told once.
    pub fn newly_spawned(&self) -> Option<Mark> {
        self.spawned.take()
    }

    /// Begins a new session with the film at this absolute URL. The one before is over.
    pub fn load(&self, url: String, settings: Settings) {
        let session = self.line.session.get().next();
        self.line.session.set(session);
        self.line.answered.set(false);
        self.told.set((settings.buffer, Choice::default()));
        self.send(Command::Load {
            session,
            url,
            settings,
        });
        spawn_local(watch(Rc::downgrade(&self.line), session));
    }

    /// Tells the worker what is seen of the element.
    pub fn observe(&self, observation: Observation) {
        let session = self.line.session.get();
        self.send(Command::Observe {
            session,
            observation,
        });
    }

    /// Tells the worker what a person has chosen, as positions in the lists that it gave.
    pub fn choose(&self, choice: Choice) {
        let (buffer, told) = self.told.get();
        if told == choice {
            return;
        }
        self.told.set((buffer, choice));
        let session = self.line.session.get();
        self.send(Command::Choose {
            session,
            quality: choice.quality,
            audio: choice.sound,
        });
    }

    /// Tells the worker how much to buffer from now on.
    pub fn configure(&self, buffer: BufferGoal) {
        let (told, choice) = self.told.get();
        if told == buffer {
            return;
        }
        self.told.set((buffer, choice));
        let session = self.line.session.get();
        self.send(Command::Configure { session, buffer });
    }

    fn send(&self, command: Command) {
        self.bridge.send(Letter::new(command));
    }

    /// Ends the session. Whatever it still says is stale.
    pub fn stop(&self) {
        let session = self.line.session.get();
        self.line.session.set(session.next());
        self.send(Command::Stop { session });
    }

    /// Ends the session and lets the worker go, in the one order that throws nothing in the worker
    /// and shows no false end of the film: the worker stops, the element lets go, the MediaSource
    /// closes, the bridge is dropped. A worker that does not answer is not waited for for long. Without
    /// an element, that of another worker's film is attached to it by now, or soon.
    pub async fn close(self, video: Option<HtmlVideoElement>) {
        let (stopped, stops) = oneshot::channel();
        let (closed, closes) = oneshot::channel();
        let waiting = RefCell::new((Some(stopped), Some(closed)));
        *self.line.listener.borrow_mut() = Callback::from(move |news: News| {
            let mut waiting = waiting.borrow_mut();
            let step = match news {
                Ok(Event::Stopped { .. }) => waiting.0.take(),
                Ok(Event::Closed { .. }) => waiting.1.take(),
                _ => None,
            };
            // Nobody waits any more for one that took too long.
            step.map(|step| step.send(()));
        });

        let session = self.line.session.get();
        self.send(Command::Stop { session });
        select(stops, TimeoutFuture::new(LEAVE * 1000)).await;
        if let Some(video) = video {
            web::detach(&video);
        }
        select(closes, TimeoutFuture::new(LEAVE * 1000)).await;
    }
}

impl Line {
    fn hear(&self, letter: Letter<Event>) {
        let news = match letter.open() {
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
            Ok(Event::Ready { build: theirs }) if theirs != BUILD => {
                self.handshake.set(Handshake::Refused);
                Err(Fault::WorkerStale { theirs })
            }
            news => news,
        };
        match &news {
            Ok(Event::Ready { .. }) => self.handshake.set(Handshake::Done),
            // One that was only slow is as good as any.
            Ok(event) if event.session().is_some() && !self.answered.replace(true) => {
                self.broken.set(false);
            }
            _ => {}
        }
        self.tell(news);
    }

    fn tell(&self, news: News) {
        if let Err(fault) | Ok(Event::AgentFailed { fault }) = &news {
            self.broken.set(fault.needs_new_worker());
        }
        // Not held while it is called: it may replace itself.
        let listener = self.listener.borrow().clone();
        listener.emit(news);
    }
}

/// Hears what goes wrong in the worker that the worker cannot tell: a script that does not load is an
/// event without words, and what nobody caught in it is one with them.
fn hear_errors(line: &Rc<Line>, worker: &Worker, script: String) -> EventListener {
    let line = Rc::downgrade(line);
    EventListener::new(worker, "error", move |event| {
        let Some(line) = line.upgrade() else { return };
        let Some(error) = event.dyn_ref::<ErrorEvent>() else {
            let script = script.clone();
            return spawn_local(async move { line.tell(Err(inquire(script).await)) });
        };
        let reason = error.message();
        line.tell(Err(match line.handshake.get() {
            Handshake::Awaited => Fault::WorkerBroken { reason },
            Handshake::Done | Handshake::Refused => Fault::WorkerDied { reason },
        }));
    })
}

/// A worker that hangs says nothing, and gloo-worker would wait for ever.
async fn watch(line: Weak<Line>, session: SessionId) {
    TimeoutFuture::new(FIRST_WORD * 1000).await;
    let Some(line) = line.upgrade() else { return };
    if line.session.get() == session && !line.answered.get() {
        let seconds = FIRST_WORD;
        line.tell(Err(Fault::WorkerSilent { seconds }));
    }
}

/// Asks the server why the browser could not load the worker's script.
async fn inquire(url: String) -> Fault {
    let asked = JsFuture::from(web::fetch(&url, &RequestInit::new()));
    let answer = select(asked, TimeoutFuture::new(INQUIRY * 1000)).await;
    let Either::Left((Ok(response), _)) = answer else {
        let reason = "there was no answer".into();
        return Fault::WorkerMissing { url, reason };
    };
    match response.unchecked_into::<Response>().status() {
        200..300 => Fault::WorkerBroken {
            reason: "the browser refused its script, which may not be one".into(),
        },
        status => Fault::WorkerMissing {
            url,
            reason: format!("the server answered {status}"),
        },
    }
}
