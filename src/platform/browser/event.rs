//! Events as futures.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_channel::oneshot;
use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::EventTarget;

/// The global object of this thread, the target of `online` events.
pub(super) fn global() -> EventTarget {
    js_sys::global().unchecked_into()
}

/// Completes at the next event of one type. Listens from its creation, not from the first poll.
pub(super) struct NextEvent {
    fired: oneshot::Receiver<()>,
    _listener: EventListener,
}

impl NextEvent {
    pub(super) fn of(target: &EventTarget, name: &'static str) -> Self {
        let (sender, fired) = oneshot::channel();
        let listener = EventListener::once(target, name, move |_| {
            // Fails only if the future is dropped.
            let _ = sender.send(());
        });
        Self {
            fired,
            _listener: listener,
        }
    }
}

impl Future for NextEvent {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Does not fail: the listener, which is alive, owns the sender.
        Pin::new(&mut self.fired).poll(context).map(|_| ())
    }
}
