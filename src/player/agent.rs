//! Spawns the engine's agent, in a worker or on the page, and carries messages to and from it. The only file of
//! the player that names the engine.

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
    platform::web::{self, EngineModule},
    protocol::{
        BUILD_ID, Command, Event, PlaybackError, early_load,
        milestone::EngineLocation,
        transfer::{self, Packed},
    },
};

/// Timeout of the request in [`diagnose_script`].
pub const DIAGNOSIS_TIMEOUT_SECONDS: u32 = 2;

thread_local! {
    /// Number of engines that have failed on this page. A browser evaluates a module once per URL, so the next
    /// engine on the page is loaded from another URL.
    static FAILED_MODULES: Cell<u32> = const { Cell::new(0) };
}

/// A message from an agent, or its failure.
pub enum AgentSignal {
    /// The agent has sent an event.
    Message(Packed<Event>),
    /// The agent's program threw an uncaught exception with this message.
    Error(String),
    /// The script at this URL could not be loaded. Browsers give no reason: see [`diagnose_script`].
    NotLoaded(String),
}

/// Called with each signal.
pub type AgentListener = Rc<dyn Fn(AgentSignal)>;

/// An agent. Dropping it terminates the worker, or has the agent on the page drop its session.
pub enum AgentHandle {
    /// The agent runs in a worker.
    Worker {
        /// gloo-worker's end of the connection.
        bridge: WorkerBridge<EngineWorker>,
        /// The worker itself.
        worker: Worker,
        /// Listens on the worker.
        _errors: EventListener,
    },
    /// The agent runs on the page.
    Page {
        /// Shared with the task that loads the agent's program.
        state: Rc<RefCell<AgentState>>,
        /// The callback that the agent calls with each event.
        _callback: Rc<Closure<dyn Fn(JsValue)>>,
        /// Listens on the window.
        _errors: Option<EventListener>,
    },
}

/// An agent on the page.
pub enum AgentState {
    /// Its program is being loaded; these commands wait for it.
    Loading(Vec<Packed<Command>>),
    /// It takes commands by this function; `undefined` tells it to shut down.
    Running(Function),
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
        if let Self::Running(function) = self {
            deliver(function, &JsValue::UNDEFINED);
        }
    }
}

impl AgentHandle {
    /// Starts an agent. `listener` is never called before this returns.
    pub fn spawn(location: EngineLocation, listener: AgentListener) -> Self {
        // By default relative to the document's base, so that the page can be served from any path. The query keeps
        // caches from answering with the script of another build.
        let started = web::engine_script();
        let script = started.unwrap_or_else(|| format!("./worker_loader.js?{BUILD_ID}"));
        let on_message = {
            let listener = listener.clone();
            move |message| listener(AgentSignal::Message(message))
        };
        match location {
            EngineLocation::Worker => {
                let (bridge, worker) = transfer::spawn_worker(&script, on_message);
                Self::Worker {
                    bridge,
                    _errors: listen_for_errors(&worker, location, listener, script),
                    worker,
                }
            }
            EngineLocation::Page => {
                let script = match FAILED_MODULES.get() {
                    0 => script,
                    failed => format!("{script}-{failed}"),
                };
                let callback = Rc::new(Closure::<dyn Fn(JsValue)>::new(move |message| {
                    on_message(Packed::from_js(message));
                }));
                let state = Rc::new(RefCell::new(AgentState::Loading(Vec::new())));
                spawn_local(connect(
                    script.clone(),
                    callback.clone(),
                    state.clone(),
                    listener.clone(),
                ));
                let errors =
                    window().map(|window| listen_for_errors(&window, location, listener, script));
                Self::Page {
                    state,
                    _callback: callback,
                    _errors: errors,
                }
            }
        }
    }

    /// If the agent was started before the page's program: when, in milliseconds since the Unix epoch, and with which
    /// command.
    pub fn early_start(&self) -> Option<(f64, Option<Command>)> {
        let Self::Worker { worker, .. } = self else {
            return None;
        };
        let start = transfer::early_start(worker)?;
        Some((start.at(), early_load::from_worker_name(&start.name())))
    }

    /// Sends a command. Commands are handled in order, and never before this returns.
    pub fn send(&self, command: Packed<Command>) {
        match self {
            Self::Worker { bridge, .. } => bridge.send(command),
            Self::Page { state, .. } => match &mut *state.borrow_mut() {
                AgentState::Loading(waiting) => waiting.push(command),
                AgentState::Running(function) => deliver(function, command.as_js()),
            },
        }
    }

    /// Marks the agent's program as failed: the next agent on the page does not reuse it.
    pub fn discard(&self) {
        if let Self::Page { .. } = self {
            FAILED_MODULES.set(FAILED_MODULES.get() + 1);
        }
    }
}

/// Loads the engine's program into the page, starts an agent, and delivers the commands that wait for it.
async fn connect(
    script: String,
    callback: Rc<Closure<dyn Fn(JsValue)>>,
    state: Rc<RefCell<AgentState>>,
    listener: AgentListener,
) {
    let Ok(url) = source_url::resolve(&script) else {
        return listener(AgentSignal::NotLoaded(script));
    };
    let start = async {
        let module = JsFuture::from(web::import_module(&url)).await?;
        let callback = (*callback).as_ref().unchecked_ref();
        let function = module
            .unchecked_into::<EngineModule>()
            .start_engine(callback)?;
        Ok(JsFuture::from(function).await?.unchecked_into::<Function>())
    };
    match start.await {
        Ok(function) => {
            let previous = state.replace(AgentState::Running(function.clone()));
            if let AgentState::Loading(waiting) = &previous {
                for command in waiting {
                    deliver(&function, command.as_js());
                }
            }
        }
        Err(exception) => listener(match web::exception_name(&exception).as_deref() {
            // `import()` rejects with a TypeError if the script cannot be fetched.
            Some("TypeError") => AgentSignal::NotLoaded(script),
            _ => AgentSignal::Error(web::exception_message(&exception)),
        }),
    }
}

fn deliver(function: &Function, message: &JsValue) {
    // The function only queues the message, so it throws no exception.
    let _ = function.call1(&JsValue::NULL, message);
}

/// Listens for failures that an agent cannot report itself. A worker's script that does not load fires an `error`
/// event without a message. An uncaught exception fires one with a message, on the worker or on the window.
fn listen_for_errors(
    target: &EventTarget,
    location: EngineLocation,
    listener: AgentListener,
    script: String,
) -> EventListener {
    web::listen(target, "error", move |event| {
        let error = event.dyn_ref::<ErrorEvent>();
        // The window reports exceptions of every script on the page.
        if location == EngineLocation::Page && !error.is_some_and(is_from_engine) {
            return;
        }
        listener(match error {
            Some(error) => AgentSignal::Error(error.message()),
            None => AgentSignal::NotLoaded(script.clone()),
        });
    })
}

/// Whether an exception comes from the engine's program: its JavaScript, or a trap in its wasm.
fn is_from_engine(error: &ErrorEvent) -> bool {
    let url = error.filename();
    let file = url.rsplit('/').next().unwrap_or_default();
    file.starts_with("worker.js") || file.starts_with("worker_bg.wasm")
}

/// Finds out why the browser could not load the engine's script, by requesting it again.
pub async fn diagnose_script(url: String) -> PlaybackError {
    let options = RequestInit::new();
    let timeout = AbortSignal::timeout_with_u32(DIAGNOSIS_TIMEOUT_SECONDS * 1000);
    options.set_signal(Some(&timeout));
    let response = JsFuture::from(web::fetch(&url, &options)).await;
    let status = response.map(|response| response.unchecked_into::<Response>().status());
    let reason = match status {
        Ok(200..300) => {
            return PlaybackError::WorkerStartFailed {
                reason: "the browser refused its script, which may not be JavaScript".into(),
            };
        }
        Ok(status) => format!("the server answered {status}"),
        Err(_) => "the server did not answer".into(),
    };
    PlaybackError::WorkerNotFound { url, reason }
}
