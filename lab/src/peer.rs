//! Messages between the page's part and the worker's part of a claim. Each message is an array
//! `[kind, …]` on a `MessagePort`; transferred objects, such as the handle, are also in the transfer
//! list.

use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::StreamExt;
use gloo_events::EventListener;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventTarget, MessageEvent, MessagePort};
use yew_mse_worker::platform::web;

use crate::claim::{ClaimResult, ClaimWorker, Verdict, timeout};

/// How long to wait for a terminated worker where the browser fires no `close` event on its ports.
const CLOSE_TIMEOUT_MS: u32 = 500;

/// The kinds of message: the first element of each array.
mod kind {
    /// A value, copied or transferred: the second element.
    pub const VALUE: &str = "value";
    /// The result of the claim: its verdict and its details.
    pub const RESULT: &str = "result";
    /// The sender has been dropped.
    pub const CLOSE: &str = "close";
}

/// The messages posted to one target since this was created, in order.
pub struct MessageQueue {
    messages: UnboundedReceiver<MessageEvent>,
    _listener: EventListener,
}

impl MessageQueue {
    /// Listens to a port, a worker, a window or a worker's global scope.
    pub fn new(target: &EventTarget) -> Self {
        let (sender, messages) = unbounded();
        let listener = EventListener::new(target, "message", move |event| {
            // The receiver is dropped together with the listener.
            let _ = sender.unbounded_send(event.clone().unchecked_into());
        });
        Self {
            messages,
            _listener: listener,
        }
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> Option<MessageEvent> {
        self.messages.next().await
    }
}

/// The part of a claim that runs on the other thread. Dropping this tells the other part to stop.
pub struct Peer {
    port: MessagePort,
    queue: MessageQueue,
    /// The worker that runs the other part, if no other claim uses it.
    worker: Option<ClaimWorker>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.post(kind::CLOSE, &[]);
        self.port.close();
    }
}

impl Peer {
    /// Connects to the part that holds the other port of the channel.
    pub fn new(port: MessagePort) -> Self {
        let queue = MessageQueue::new(&port);
        port.start();
        Self {
            port,
            queue,
            worker: None,
        }
    }

    /// Connects like [`Self::new`], and terminates `worker` when dropped.
    pub fn with_own_worker(worker: ClaimWorker, port: MessagePort) -> Self {
        let mut peer = Self::new(port);
        peer.worker = Some(worker);
        peer
    }

    /// Terminates the worker without notice, as if it had crashed, and waits until it has ended.
    pub async fn terminate_worker(&mut self) {
        // Not every browser fires `close` when the other end of a port is gone.
        let closed = timeout(CLOSE_TIMEOUT_MS, web::event(&self.port, "close"));
        self.worker = None;
        closed.await;
    }

    /// Sends a copy of a value.
    pub fn send(&self, value: impl Into<JsValue>) {
        self.post(kind::VALUE, &[value.into()]);
    }

    /// Transfers an object.
    ///
    /// # Errors
    /// The exception of `postMessage` if the object cannot be transferred.
    pub fn transfer(&self, object: &JsValue) -> Result<(), JsValue> {
        let message = Array::of2(&kind::VALUE.into(), object);
        self.port
            .post_message_with_transferable(&message, &Array::of1(object))
    }

    /// Sends the result of the claim.
    pub fn send_result(&self, result: &ClaimResult) {
        let verdict = f64::from(result.verdict as u8);
        let values = [verdict.into(), result.details.as_str().into()];
        self.post(kind::RESULT, &values);
    }

    /// Receives the next value that the other part sends or transfers.
    ///
    /// # Errors
    /// The result, if the other part sends one instead of a value, or if it has stopped.
    pub async fn receive(&mut self) -> Result<JsValue, ClaimResult> {
        let message = self.queue.next().await.map(|message| message.data());
        let message = Array::from(&message.unwrap_or_default());
        match message.get(0).as_string().as_deref() {
            Some(kind::VALUE) => Ok(message.get(1)),
            Some(kind::RESULT) => Err(ClaimResult {
                verdict: Verdict::from(message.get(1)),
                details: message.get(2).as_string().unwrap_or_default(),
            }),
            _ => Err(ClaimResult::untestable("the other thread sent no result")),
        }
    }

    /// Receives the result that the other part sends, and ignores the values before it.
    pub async fn receive_result(&mut self) -> ClaimResult {
        loop {
            if let Err(result) = self.receive().await {
                return result;
            }
        }
    }

    /// Waits until the other part stops.
    pub async fn wait_until_closed(&mut self) {
        while self.receive().await.is_ok() {}
    }

    fn post(&self, kind: &str, values: &[JsValue]) {
        let message: Array = [kind.into()].iter().chain(values).collect();
        // Only numbers, strings and arrays of them are sent here: they can always be cloned.
        let _ = self.port.post_message(&message);
    }
}
