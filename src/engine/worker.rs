//! Where the agent lives: in a worker of its own, as a gloo-worker; or on the page, where that is the
//! only place that has a MediaSource. It hears and says the same in both.

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use gloo_worker::{HandlerId, Registrable, Worker, WorkerScope};
use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::PromiseRejectionEvent;

use super::Engine;
use crate::{
    platform::web,
    protocol::{
        Command, Event,
        transfer::{MessageCodec, Packed, Port},
    },
};

/// Runs the agent, if this is a worker. A page asks for one: [`on_page`].
pub fn start() {
    // A panic becomes an exception with the panic's words, and so an `error` event of this worker or
    // page, as whatever nobody caught does. It is heard in `app/agent.rs`.
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_str(&panic.to_string())
    }));
    if web::is_worker() {
        EngineWorker::registrar()
            .encoding::<MessageCodec>()
            .register();
    }
}

/// An agent on this page, and what hears for it, until it is let go.
struct PageEngine {
    agent: Engine,
    _ear: Closure<dyn FnMut(JsValue)>,
}

/// An agent on this page. What it says is given to one function, and what it is told, to the one that is
/// returned: a parcel, which it hears a moment later, as between threads, or nothing, which lets it go.
pub fn start_on_page(hear: Function) -> Function {
    let place: Rc<RefCell<Option<PageEngine>>> = Rc::default();
    let told = place.clone();
    let ear = Closure::<dyn FnMut(JsValue)>::new(move |parcel: JsValue| {
        let place = told.clone();
        spawn_local(async move {
            // After a panic it is never given back.
            let Ok(mut here) = place.try_borrow_mut() else {
                return;
            };
            if parcel.is_undefined() {
                *here = None;
            } else if let Some(here) = &mut *here {
                here.agent.handle(&Packed::from_js(parcel));
            }
        });
    });
    let tell = ear.as_ref().unchecked_ref::<Function>().clone();
    place.replace(Some(PageEngine {
        agent: Engine::new(Port::local(hear)),
        _ear: ear,
    }));
    tell
}

/// An agent in a worker, as gloo-worker knows it.
pub struct EngineWorker {
    agent: Option<Engine>,
    _rejections: EventListener,
}

impl Worker for EngineWorker {
    type Message = ();
    type Input = Packed<Command>;
    type Output = Packed<Event>;

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
        self.agent = Some(Engine::new(Port::to_bridge(scope, bridge)));
    }

    fn received(&mut self, _: &WorkerScope<Self>, letter: Packed<Command>, _: HandlerId) {
        // gloo hands over no message before `connected`.
        if let Some(agent) = &mut self.agent {
            agent.handle(&letter);
        }
    }
}
