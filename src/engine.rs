//! The agent: hears commands, holds at most one [`session::Session`], and reports its own death.
//! Dispatch only; what a playback does is told in [`session`].

mod buffer;
mod fetch;
mod manifest;
pub mod session;
mod source;

use gloo_events::EventListener;
use gloo_worker::{HandlerId, Registrable, Worker, WorkerScope};
use wasm_bindgen::JsCast;
use web_sys::{DedicatedWorkerGlobalScope, ErrorEvent, PromiseRejectionEvent};

use crate::{
    web,
    wire::{
        BUILD, Command, Event, Fault,
        post::{Letter, Objects, Port},
    },
};
use session::Session;

/// Runs the agent in this worker.
pub fn start() {
    // A panic becomes an exception with the panic's words. Before a page is connected it reaches
    // the page through worker_loader.js, and afterwards through the obituary below.
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_str(&panic.to_string())
    }));
    Agent::registrar().encoding::<Objects>().register();
}

/// The gloo-worker agent of one player.
#[derive(Default)]
pub struct Agent {
    page: Option<Page>,
    session: Option<Session>,
}

/// The page that is connected, and what watches over the thread on its behalf.
struct Page {
    port: Port,
    _obituaries: [EventListener; 2],
}

impl Worker for Agent {
    type Message = ();
    type Input = Letter<Command>;
    type Output = Letter<Event>;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self::default()
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn connected(&mut self, scope: &WorkerScope<Self>, bridge: HandlerId) {
        let port = Port::new(scope, bridge);
        port.post(&Event::Ready {
            build: BUILD.into(),
        });
        self.page = Some(Page {
            _obituaries: obituaries(&port),
            port,
        });
    }

    fn received(&mut self, _: &WorkerScope<Self>, letter: Letter<Command>, _: HandlerId) {
        // gloo hands over no message before `connected`.
        let Some(Page { port, .. }) = &self.page else {
            return;
        };
        match letter.open() {
            Ok(Command::Load { session, url }) => {
                // The old playback lets go of the network before the new one reaches for it.
                self.session = None;
                match Session::start(port.clone(), session, url) {
                    Ok(playback) => self.session = Some(playback),
                    Err(fault) => port.post(&Event::Failed { session, fault }),
                }
            }
            Ok(Command::Stop { session }) => match &self.session {
                // Dropping it ends it, and it says so itself.
                Some(playback) if playback.id() == session => self.session = None,
                _ => {
                    port.post(&Event::Stopped { session });
                    port.post(&Event::Closed { session });
                }
            },
            Err(fault) => port.post(&Event::AgentFailed { fault }),
        }
    }
}

/// Whatever nobody caught ends the agent: wasm that trapped or threw half-way is not to be trusted
/// again. The page hears why; otherwise the film would seem to have come to its end.
fn obituaries(port: &Port) -> [EventListener; 2] {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    ["error", "unhandledrejection"].map(|kind| {
        let port = port.clone();
        EventListener::new(&scope, kind, move |event| {
            let reason = match event.dyn_ref::<ErrorEvent>() {
                Some(error) => error.message(),
                None => web::words(&event.unchecked_ref::<PromiseRejectionEvent>().reason()),
            };
            port.post(&Event::AgentFailed {
                fault: Fault::WorkerDied { reason },
            });
            js_sys::global()
                .unchecked_into::<DedicatedWorkerGlobalScope>()
                .close();
        })
    })
}
