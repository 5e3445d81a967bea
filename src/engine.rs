//! The agent: hears commands and holds at most one [`session::Session`]. Dispatch only; what a
//! playback does is told in [`session`].

mod act;
mod boxes;
mod buffer;
mod cipher;
mod conditions;
mod download;
mod feed;
mod fetch;
mod film;
mod manifest;
mod meter;
mod network;
pub mod session;
mod shared;
mod source;
mod watch;

use gloo_events::EventListener;
use gloo_worker::{HandlerId, Registrable, Worker, WorkerScope};
use wasm_bindgen::JsCast;
use web_sys::{EventTarget, PromiseRejectionEvent};

use crate::{
    web,
    wire::{
        BUILD, Command, Event,
        post::{Letter, Parcel, Port},
    },
};
use session::Session;

/// Runs the agent in this worker.
pub fn start() {
    // A panic becomes an exception with the panic's words, and so an `error` event of this worker,
    // as whatever nobody caught does. The page hears it: see `app/link.rs`.
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_str(&panic.to_string())
    }));
    Agent::registrar().encoding::<Parcel>().register();
}

/// The gloo-worker agent of one player.
pub struct Agent {
    page: Option<Port>,
    session: Option<Session>,
    _rejections: EventListener,
}

impl Worker for Agent {
    type Message = ();
    type Input = Letter<Command>;
    type Output = Letter<Event>;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self {
            page: None,
            session: None,
            // A rejected promise that nobody awaits would end here, unheard.
            _rejections: EventListener::new(
                &js_sys::global().unchecked_into::<EventTarget>(),
                "unhandledrejection",
                |event| {
                    web::report_error(&event.unchecked_ref::<PromiseRejectionEvent>().reason());
                },
            ),
        }
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn connected(&mut self, scope: &WorkerScope<Self>, bridge: HandlerId) {
        let page = Port::new(scope, bridge);
        page.post(Event::Ready {
            build: BUILD.into(),
        });
        self.page = Some(page);
    }

    fn received(&mut self, _: &WorkerScope<Self>, letter: Letter<Command>, _: HandlerId) {
        // gloo hands over no message before `connected`.
        let Some(page) = &self.page else {
            return;
        };
        // What is said of a past playback is of no interest any more.
        let current = |session| self.session.as_ref().filter(|it| it.id() == session);
        match letter.open() {
            Ok(Command::Load {
                session,
                url,
                settings,
            }) => {
                // The old playback lets go of the network before the new one reaches for it.
                self.session = None;
                match Session::start(page.clone(), session, url, settings) {
                    Ok(playback) => self.session = Some(playback),
                    Err(fault) => {
                        let fault = *fault;
                        page.post(Event::Failed { session, fault });
                    }
                }
            }
            Ok(Command::Observe {
                session,
                observation,
            }) => {
                if let Some(playback) = current(session) {
                    playback.observe(observation);
                }
            }
            Ok(Command::Choose {
                session,
                quality,
                audio,
            }) => {
                if let Some(playback) = current(session) {
                    playback.choose(quality, audio);
                }
            }
            Ok(Command::Configure { session, buffer }) => {
                if let Some(playback) = current(session) {
                    playback.configure(buffer);
                }
            }
            Ok(Command::Stop { session }) => {
                if current(session).is_some() {
                    // Dropping it ends it, and it says so itself.
                    self.session = None;
                } else {
                    page.post(Event::Stopped { session });
                    page.post(Event::Closed { session });
                }
            }
            Err(fault) => page.post(Event::AgentFailed { fault }),
        }
    }
}
