//! The page's end of the conversation: spawns the agent, shakes hands, drops what a past session
//! still says, and takes leave in order. The one file of the page that names the engine.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::{Rc, Weak},
};

use futures_channel::mpsc;
use futures_util::{
    StreamExt,
    future::{Either, select},
};
use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use gloo_worker::{Spawnable, WorkerBridge};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ErrorEvent, HtmlVideoElement, RequestInit, Response, window};
use yew::Callback;

use crate::{
    engine::Agent,
    web::{self, MediaSourceHandle},
    wire::{
        BUILD, Command, Event, Fault, SessionId,
        post::{Letter, Objects},
    },
};

/// How long a worker may take to say its first word, in seconds.
const FIRST_WORD: u32 = 6;
/// How long the server may take to say what became of the worker's script, in seconds.
const INQUIRY: u32 = 2;
/// How long a worker may take over each step of its leave, in seconds.
const LEAVE: u32 = 2;

/// What comes from the worker: its events, or why there are none.
pub type News = Result<Event, Fault>;

/// A worker of one's own, for as long as it is held.
pub struct Link {
    bridge: WorkerBridge<Agent>,
    line: Rc<Line>,
    _start_errors: Option<EventListener>,
}

/// What the callbacks of the bridge share with its owner.
struct Line {
    ready: Cell<bool>,
    session: Cell<SessionId>,
    handle: RefCell<Option<MediaSourceHandle>>,
    listener: RefCell<Callback<News>>,
}

impl Link {
    /// Starts a worker and the watch over its first word.
    pub fn spawn(listener: Callback<News>) -> Self {
        let line = Rc::new(Line {
            ready: Cell::new(false),
            session: Cell::default(),
            handle: RefCell::default(),
            listener: RefCell::new(listener),
        });
        // Relative to the document's base, so that the page can live anywhere on a host. The query
        // keeps caches from answering with another build's worker.
        let script = format!("./worker_loader.js?{BUILD}");
        let bridge = Agent::spawner()
            .encoding::<Objects>()
            .callback({
                let line = line.clone();
                move |letter| line.hear(letter)
            })
            .with_loader(true)
            .spawn(&script);
        spawn_local(watch(Rc::downgrade(&line), script));
        Self {
            bridge,
            _start_errors: start_errors(&line),
            line,
        }
    }

    /// Begins a new session with the film at this absolute URL. The one before is over.
    pub fn load(&self, url: String) {
        let session = self.line.session.get().next();
        self.line.session.set(session);
        self.bridge
            .send(Letter::new(&Command::Load { session, url }));
    }

    /// Ends the session and lets the worker go, in the one order that throws nothing in the worker
    /// and shows no false end of the film: the worker stops, the element lets go, the MediaSource
    /// closes, the bridge is dropped. A worker that does not answer is not waited for for long.
    pub async fn close(self, video: Option<HtmlVideoElement>) {
        let (sender, mut events) = mpsc::unbounded();
        *self.line.listener.borrow_mut() = Callback::from(move |news: News| {
            // The receiver is gone only when the leave is over.
            let _ = sender.unbounded_send(news);
        });
        let mut until = async |wanted: fn(&Event) -> bool| {
            let heard = async {
                while let Some(news) = events.next().await {
                    if news.as_ref().is_ok_and(wanted) {
                        break;
                    }
                }
            };
            select(pin!(heard), TimeoutFuture::new(LEAVE * 1000)).await;
        };

        let session = self.line.session.get();
        self.bridge.send(Letter::new(&Command::Stop { session }));
        until(|event| matches!(event, Event::Stopped { .. })).await;
        let handle = self.line.handle.take();
        if let (Some(video), Some(handle)) = (video, handle) {
            web::detach(&video, &handle);
        }
        until(|event| matches!(event, Event::Closed { .. })).await;
    }
}

impl Line {
    fn hear(&self, letter: Letter<Event>) {
        let news = letter.open();
        match &news {
            // The one place where what a past session still says is dropped.
            Ok(event)
                if event
                    .session()
                    .is_some_and(|session| session != self.session.get()) =>
            {
                return;
            }
            Ok(Event::Ready { build }) if build != BUILD => {
                let theirs = build.clone();
                return self.tell(Err(Fault::WorkerStale { theirs }));
            }
            Ok(Event::Ready { .. }) => self.ready.set(true),
            Ok(Event::Opened { handle, .. }) => {
                self.handle.replace(Some(handle.clone()));
            }
            _ => {}
        }
        self.tell(news);
    }

    fn tell(&self, news: News) {
        // Not held while it is called: it may replace itself.
        let listener = self.listener.borrow().clone();
        listener.emit(news);
    }
}

/// What a worker throws while it starts is heard by the page's window, whichever of its workers it
/// was: they all run the same script. Later a worker reports for itself.
fn start_errors(line: &Rc<Line>) -> Option<EventListener> {
    let line = Rc::downgrade(line);
    let listener = EventListener::new(&window()?.into(), "error", move |event| {
        let (Some(line), Some(error)) = (line.upgrade(), event.dyn_ref::<ErrorEvent>()) else {
            return;
        };
        if !line.ready.get() && error.filename().contains("worker") {
            line.tell(Err(Fault::WorkerBroken {
                reason: error.message(),
            }));
        }
    });
    Some(listener)
}

/// A worker whose script does not load says nothing, and gloo-worker would wait for ever.
async fn watch(line: Weak<Line>, script: String) {
    TimeoutFuture::new(FIRST_WORD * 1000).await;
    let silent = || line.upgrade().filter(|line| !line.ready.get());
    if silent().is_none() {
        return;
    }
    let fault = inquire(&script).await;
    if let Some(line) = silent() {
        line.tell(Err(fault));
    }
}

/// Asks the server what became of the worker's script.
async fn inquire(script: &str) -> Fault {
    let silent = Fault::WorkerSilent {
        seconds: FIRST_WORD,
    };
    let asked = JsFuture::from(web::fetch(script, &RequestInit::new()));
    let status = match select(asked, TimeoutFuture::new(INQUIRY * 1000)).await {
        Either::Left((Ok(response), _)) => response.unchecked_into::<Response>().status(),
        Either::Left((Err(_), _)) => 0,
        Either::Right(_) => return silent,
    };
    match status {
        200..300 => silent,
        _ => Fault::WorkerMissing {
            url: script.into(),
            status,
        },
    }
}
