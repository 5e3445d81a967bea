//! Runs the engine: as a gloo-worker, or on the page where workers have no MediaSource.

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use gloo_worker::{HandlerId, Registrable, Worker, WorkerScope};
use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::PromiseRejectionEvent;

use super::Engine;
use crate::{
    platform::{self, web},
    protocol::{
        Command, Event, EventPort,
        transfer::{MessageCodec, Packed, Port},
    },
};

/// The entry point of the engine's program. Registers the gloo-worker if this thread is a worker; a page calls
/// [`start_on_page`] next.
pub fn start() {
    // Turns a panic into an uncaught exception with its message. `player/agent.rs` listens for the `error` event.
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_str(&panic.to_string())
    }));
    if platform::is_worker() {
        EngineWorker::registrar()
            .encoding::<MessageCodec>()
            .register();
    }
}

/// An engine on the page, with the closure that receives its commands.
struct PageEngine {
    engine: Engine,
    _receiver: Closure<dyn FnMut(JsValue)>,
}

/// Starts an engine on this page. `callback` receives its packed events. The returned function takes packed commands,
/// or `undefined` to drop the engine. Messages are delivered asynchronously, as between threads.
pub fn start_on_page(callback: Function) -> Function {
    let slot: Rc<RefCell<Option<PageEngine>>> = Rc::default();
    let receiver = {
        let slot = slot.clone();
        Closure::<dyn FnMut(JsValue)>::new(move |message: JsValue| {
            let slot = slot.clone();
            spawn_local(async move {
                // An earlier command has panicked if this is still borrowed.
                let Ok(mut running) = slot.try_borrow_mut() else {
                    return;
                };
                if message.is_undefined() {
                    *running = None;
                } else if let Some(running) = &mut *running {
                    deliver(&mut running.engine, &Packed::from_js(message));
                }
            });
        })
    };
    let send = receiver.as_ref().unchecked_ref::<Function>().clone();
    slot.replace(Some(PageEngine {
        engine: Engine::new(EventPort::new(Port::local(callback))),
        _receiver: receiver,
    }));
    send
}

fn deliver(engine: &mut Engine, command: &Packed<Command>) {
    match command.unpack() {
        Ok(command) => engine.handle(command),
        Err(error) => engine.report(error.into()),
    }
}

/// The engine as a gloo-worker.
pub struct EngineWorker {
    engine: Option<Engine>,
    _rejections: EventListener,
}

impl Worker for EngineWorker {
    type Message = ();
    type Input = Packed<Command>;
    type Output = Packed<Event>;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self {
            engine: None,
            // Browsers report a worker's uncaught exceptions to its page, but not its unhandled rejections.
            _rejections: EventListener::new(&web::global(), "unhandledrejection", |event| {
                web::report_error(&event.unchecked_ref::<PromiseRejectionEvent>().reason());
            }),
        }
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn connected(&mut self, scope: &WorkerScope<Self>, bridge: HandlerId) {
        let port = EventPort::new(Port::to_bridge(scope, bridge));
        self.engine = Some(Engine::new(port));
    }

    fn received(&mut self, _: &WorkerScope<Self>, command: Packed<Command>, _: HandlerId) {
        // gloo-worker calls `connected` before it delivers any message.
        if let Some(engine) = &mut self.engine {
            deliver(engine, &command);
        }
    }
}
