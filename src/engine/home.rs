//! Where the agent lives: in a worker of its own, as a gloo-worker; or on the page, where that is the
//! only place that has a MediaSource. It hears and says the same in both.

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use gloo_worker::{HandlerId, Registrable, Worker, WorkerScope};
use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::PromiseRejectionEvent;

use super::Agent;
use crate::{
    web,
    wire::{
        Command, Event,
        post::{Letter, Parcel, Port},
    },
};

/// Runs the agent, if this is a worker. A page asks for one: [`OnPage`].
pub fn start() {
    // A panic becomes an exception with the panic's words, and so an `error` event of this worker or
    // page, as whatever nobody caught does. It is heard in `app/agent.rs`.
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_str(&panic.to_string())
    }));
    if web::is_worker() {
        InWorker::registrar().encoding::<Parcel>().register();
    }
}

/// An agent on this page. What it says is given to a function, and what it is told it hears a moment later,
/// as between threads.
pub struct OnPage(Rc<RefCell<Agent>>);

impl OnPage {
    /// An agent that is heard by this function.
    pub fn new(hear: Function) -> Self {
        Self(Rc::new(RefCell::new(Agent::new(Port::Page(hear)))))
    }

    /// Tells it something, as a [`Letter`]'s parcel.
    pub fn tell(&self, parcel: JsValue) {
        let agent = self.0.clone();
        spawn_local(async move { agent.borrow_mut().hear(&Letter::received(parcel)) });
    }
}

/// An agent in a worker, as gloo-worker knows it.
pub struct InWorker {
    agent: Option<Agent>,
    _rejections: EventListener,
}

impl Worker for InWorker {
    type Message = ();
    type Input = Letter<Command>;
    type Output = Letter<Event>;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self {
            agent: None,
            // A rejected promise that nobody awaits would end here, unheard.
            _rejections: EventListener::new(&web::global(), "unhandledrejection", |event| {
                web::report_error(&event.unchecked_ref::<PromiseRejectionEvent>().reason());
            }),
        }
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn connected(&mut self, scope: &WorkerScope<Self>, bridge: HandlerId) {
        self.agent = Some(Agent::new(Port::new(scope, bridge)));
    }

    fn received(&mut self, _: &WorkerScope<Self>, letter: Letter<Command>, _: HandlerId) {
        // gloo hands over no message before `connected`.
        if let Some(agent) = &mut self.agent {
            agent.hear(&letter);
        }
    }
}
