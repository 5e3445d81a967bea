//! Runs the engine: as a gloo-worker, or on the page where workers have no MediaSource.

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use gloo_worker::{HandlerId, Registrable, Worker, WorkerScope};
use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, PromiseRejectionEvent};

use super::Engine;
use crate::{
    platform::{self, web},
    protocol::{
        Command, Event, EventPort, EventSink, PlaybackError, early_load,
        milestone::Milestone,
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
    /// Runs until the page's first command shows whether it is what the page wants.
    early: Option<EarlyEngine>,
    port: Option<Port<Event>>,
    _rejections: EventListener,
}

/// An engine that plays before the page has connected.
struct EarlyEngine {
    engine: Engine,
    command: Command,
    events: Rc<HeldEvents>,
}

/// Holds events until there is a port to the page.
#[derive(Default)]
struct HeldEvents {
    port: RefCell<Option<Port<Event>>>,
    events: RefCell<Vec<HeldEvent>>,
}

struct HeldEvent {
    event: Event,
    has_handle: bool,
}

impl EarlyEngine {
    /// Starts an engine if the worker's name says what to play.
    fn start() -> Option<Self> {
        let scope = js_sys::global().unchecked_into::<DedicatedWorkerGlobalScope>();
        let command = early_load::from_worker_name(&scope.name())?;
        let events = Rc::<HeldEvents>::default();
        let mut engine = Engine::new(EventPort::new(events.clone()));
        engine.handle(command.clone());
        Some(Self {
            engine,
            command,
            events,
        })
    }
}

impl HeldEvents {
    /// Posts the held events, and all further ones, to the page.
    fn connect(&self, port: Port<Event>) {
        self.port.replace(Some(port));
        let connected_at = platform::now();
        for HeldEvent {
            mut event,
            has_handle,
        } in self.events.take()
        {
            if let Event::MilestoneReached { reached, .. } = &mut event
                && reached.milestone == Milestone::HandleSent
            {
                // It was held until now.
                reached.at = connected_at;
            }
            if !has_handle {
                self.post(event);
                continue;
            }
            let session = event.session().unwrap_or_default();
            if let Err(error) = self.post_with_transfer(event) {
                self.post(Event::Failed { session, error });
            }
        }
    }

    fn post(&self, event: Event) {
        // Only a transfer can fail.
        let _ = self.post_or_hold(event, false);
    }

    fn post_with_transfer(&self, event: Event) -> Result<(), PlaybackError> {
        self.post_or_hold(event, true)
    }

    fn post_or_hold(&self, event: Event, has_handle: bool) -> Result<(), PlaybackError> {
        match &*self.port.borrow() {
            Some(port) if has_handle => EventSink::post_with_transfer(port, event)?,
            Some(port) => EventSink::post(port, event),
            None => self
                .events
                .borrow_mut()
                .push(HeldEvent { event, has_handle }),
        }
        Ok(())
    }
}

impl EventSink for Rc<HeldEvents> {
    fn post(&self, event: Event) {
        HeldEvents::post(self, event);
    }

    fn post_with_transfer(&self, event: Event) -> Result<(), PlaybackError> {
        HeldEvents::post_with_transfer(self, event)
    }
}

impl Worker for EngineWorker {
    type Message = ();
    type Input = Packed<Command>;
    type Output = Packed<Event>;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self {
            engine: None,
            early: EarlyEngine::start(),
            port: None,
            // Browsers report a worker's uncaught exceptions to its page, but not its unhandled rejections.
            _rejections: EventListener::new(&web::global(), "unhandledrejection", |event| {
                web::report_error(&event.unchecked_ref::<PromiseRejectionEvent>().reason());
            }),
        }
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn connected(&mut self, scope: &WorkerScope<Self>, bridge: HandlerId) {
        let port = Port::to_bridge(scope, bridge);
        if self.early.is_none() {
            self.engine = Some(Engine::new(EventPort::new(port.clone())));
        }
        self.port = Some(port);
    }

    fn received(&mut self, _: &WorkerScope<Self>, command: Packed<Command>, _: HandlerId) {
        if let (Some(early), Some(port)) = (self.early.take(), self.port.clone()) {
            let is_wanted = |command: Command| command.is_same_load(&early.command);
            if command.unpack().is_ok_and(is_wanted) {
                early.events.connect(port);
                self.engine = Some(early.engine);
                return;
            }
            drop(early);
            self.engine = Some(Engine::new(EventPort::new(port)));
        }
        // gloo-worker calls `connected` before it delivers any message.
        if let Some(engine) = &mut self.engine {
            deliver(engine, &command);
        }
    }
}
