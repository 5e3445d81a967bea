//! The page's way to an agent, in a worker or on the page itself. The one file of the page that names the
//! engine.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_events::EventListener;
use gloo_worker::WorkerBridge;
use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortSignal, ErrorEvent, EventTarget, RequestInit, Response, Worker, window};

use super::source_url;
use crate::{
    engine::worker::EngineWorker,
    platform::web::{self, Program},
    protocol::{
        BUILD_ID, Command, Event, PlaybackError,
        milestone::EngineLocation,
        transfer::{self, Packed},
    },
};

/// How long the server may take to say what became of the engine's program, in seconds.
pub const DIAGNOSIS_TIMEOUT: u32 = 2;

thread_local! {
    /// How many programs have broken on this page. A module is loaded once for each URL, so the next one
    /// needs another.
    static FAILED_MODULES: Cell<u32> = const { Cell::new(0) };
}

/// What is heard of an agent.
pub enum AgentSignal {
    /// It says something.
    Message(Packed<Event>),
    /// Something was thrown there that nobody caught, in these words.
    Error(String),
    /// Its program, which is at this URL, could not be loaded, and nobody says why.
    NotLoaded(String),
}

/// Who hears it.
pub type AgentListener = Rc<dyn Fn(AgentSignal)>;

/// An agent of one's own, for as long as it is held.
pub enum AgentHandle {
    /// In a worker.
    Worker {
        /// gloo-worker's way to it.
        bridge: WorkerBridge<EngineWorker>,
        /// The thread itself.
        worker: Worker,
        /// Hears what goes wrong there that the agent cannot tell.
        _errors: EventListener,
    },
    /// On the page.
    Page {
        /// Gives a letter to the agent, or keeps it until there is one.
        desk: Rc<RefCell<AgentState>>,
        /// The page's ear, which the agent calls.
        _ear: Rc<Closure<dyn Fn(JsValue)>>,
        /// As for a worker.
        _errors: Option<EventListener>,
    },
}

/// Where letters for an agent on the page are given up.
pub enum AgentState {
    /// Its program is being loaded, and these wait for it.
    Closed(Vec<Packed<Command>>),
    /// It is there, and told by this function.
    Open(Function),
}

impl Drop for AgentHandle {
    fn drop(&mut self) {
        if let Self::Worker { worker, .. } = self {
            transfer::terminate(worker);
        }
    }
}

impl Drop for AgentState {
    fn drop(&mut self) {
        if let Self::Open(tell) = self {
            // Nothing lets it go.
            deliver(tell, &JsValue::UNDEFINED);
        }
    }
}

impl AgentHandle {
    /// Starts one.
    pub fn spawn(thread: EngineLocation, hearer: AgentListener) -> Self {
        // Relative to the document's base, so that the page can live anywhere on a host. The query
        // keeps caches from answering with another build's program.
        let mut script = ["./worker_loader.js?", BUILD_ID].concat();
        let hear = {
            let hearer = hearer.clone();
            move |letter| hearer(AgentSignal::Message(letter))
        };
        if thread == EngineLocation::Worker {
            let (bridge, worker) = transfer::spawn_worker(&script, hear);
            return Self::Worker {
                bridge,
                _errors: listen_for_errors(&worker, thread, hearer, script),
                worker,
            };
        }
        let broken = FAILED_MODULES.get();
        if broken > 0 {
            script += &["-", &broken.to_string()].concat();
        }
        let ear = Rc::new(Closure::<dyn Fn(JsValue)>::new(move |parcel| {
            hear(Packed::from_js(parcel));
        }));
        let desk = Rc::new(RefCell::new(AgentState::Closed(Vec::new())));
        let settling = connect(script.clone(), ear.clone(), desk.clone(), hearer.clone());
        spawn_local(settling);
        let errors = window().map(|window| listen_for_errors(&window, thread, hearer, script));
        Self::Page {
            desk,
            _ear: ear,
            _errors: errors,
        }
    }

    /// Says something to it. It hears that in order, and never at once.
    pub fn send(&self, letter: Packed<Command>) {
        match self {
            Self::Worker { bridge, .. } => bridge.send(letter),
            Self::Page { desk, .. } => match &mut *desk.borrow_mut() {
                AgentState::Closed(waiting) => waiting.push(letter),
                AgentState::Open(tell) => deliver(tell, letter.as_js()),
            },
        }
    }

    /// Its program is not to be used again.
    pub fn discard(&self) {
        if let Self::Page { .. } = self {
            FAILED_MODULES.set(FAILED_MODULES.get() + 1);
        }
    }
}

/// Loads the engine's program and opens the desk.
async fn connect(
    script: String,
    ear: Rc<Closure<dyn Fn(JsValue)>>,
    desk: Rc<RefCell<AgentState>>,
    hearer: AgentListener,
) {
    let Ok(url) = source_url::resolve(&script) else {
        return hearer(AgentSignal::NotLoaded(script));
    };
    let begin = async {
        let module = JsFuture::from(web::load(&url)).await?;
        let hear = (*ear).as_ref().unchecked_ref();
        let tell = module.unchecked_into::<Program>().agent(hear)?;
        Ok(JsFuture::from(tell).await?.unchecked_into::<Function>())
    };
    match begin.await {
        Ok(tell) => {
            let before = desk.replace(AgentState::Open(tell.clone()));
            if let AgentState::Closed(waiting) = &before {
                waiting
                    .iter()
                    .for_each(|letter| deliver(&tell, letter.as_js()));
            }
        }
        // What is not there is asked after; the rest has words.
        Err(exception) => {
            hearer(match web::name(&exception).as_deref() {
                Some("TypeError") => AgentSignal::NotLoaded(script),
                _ => AgentSignal::Error(web::words(&exception)),
            });
        }
    }
}

fn deliver(tell: &Function, parcel: &JsValue) {
    // It only puts the parcel down; what it does with it later, it answers for itself.
    let _ = tell.call1(&JsValue::NULL, parcel);
}

/// Hears what goes wrong that the agent cannot tell: a script that does not load is an event without words
/// on its Worker, and what nobody caught is one with them, there or on the window.
fn listen_for_errors(
    target: &EventTarget,
    thread: EngineLocation,
    hearer: AgentListener,
    script: String,
) -> EventListener {
    web::hear(target, "error", move |event| {
        let error = event.dyn_ref::<ErrorEvent>();
        // The window hears of everything that is thrown on the page. A trap is thrown in the wasm itself.
        let is_ours = |error: &ErrorEvent| {
            let file = error.filename();
            // By its bytes: a search through text is not otherwise in the page's program.
            let mut parts = file.as_bytes().rsplit(|byte| *byte == b'/');
            parts.next().is_some_and(|name| {
                name.starts_with(b"worker.js") || name.starts_with(b"worker_bg.wasm")
            })
        };
        if thread == EngineLocation::Page && !error.is_some_and(is_ours) {
            return;
        }
        hearer(match error {
            Some(error) => AgentSignal::Error(error.message()),
            None => AgentSignal::NotLoaded(script.clone()),
        });
    })
}

/// Asks the server why the browser could not load the engine's program.
pub async fn diagnose_script(url: String) -> PlaybackError {
    let options = RequestInit::new();
    options.set_signal(Some(&AbortSignal::timeout_with_u32(
        DIAGNOSIS_TIMEOUT * 1000,
    )));
    let answer = JsFuture::from(web::fetch(&url, &options)).await;
    let status = answer.map(|answer| answer.unchecked_into::<Response>().status());
    let reason = match status {
        Ok(200..300) => {
            return PlaybackError::WorkerStartFailed {
                reason: "the browser refused its script, which may not be one".into(),
            };
        }
        Ok(status) => ["the server answered ", &status.to_string()].concat(),
        Err(_) => "there was no answer".into(),
    };
    PlaybackError::WorkerNotFound { url, reason }
}
