//! How the page's half of a claim and the worker's half talk to each other: a port each, and on it
//! `[kind, …]`. The handle itself goes this way, too, in the transfer list.

use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::StreamExt;
use gloo_events::EventListener;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{EventTarget, MessageEvent, MessagePort};
use yew_mse_worker::platform::web;

use crate::claim::{Assistant, ClaimResult, Verdict, within};

/// How long a worker's end may take where no port tells of it, in milliseconds.
const GRACE: u32 = 500;

/// What is posted to one place, in order, from the moment it is made.
pub struct Inbox {
    messages: UnboundedReceiver<MessageEvent>,
    _listener: EventListener,
}

impl Inbox {
    /// Of a port, a worker, or a worker's own global object.
    pub fn of(target: &EventTarget) -> Self {
        let (heard, messages) = unbounded();
        let listener = EventListener::new(target, "message", move |event| {
            // The receiver goes only with the listener.
            let _ = heard.unbounded_send(event.clone().unchecked_into());
        });
        Self {
            messages,
            _listener: listener,
        }
    }

    /// The next message.
    pub async fn next(&mut self) -> Option<MessageEvent> {
        self.messages.next().await
    }
}

/// The other half of a claim, on the other thread. Dropping it ends the conversation.
pub struct Peer {
    port: MessagePort,
    inbox: Inbox,
    /// The worker that it is in, if that is nobody else's.
    worker: Option<Assistant>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.post("over", &[]);
        self.port.close();
    }
}

impl Peer {
    /// At the other end of this port.
    pub fn at(port: MessagePort) -> Self {
        let inbox = Inbox::of(&port);
        port.start();
        let worker = None;
        Self {
            port,
            inbox,
            worker,
        }
    }

    /// At the other end of this port, in a worker that ends with the conversation.
    pub fn in_its_own(worker: Assistant, port: MessagePort) -> Self {
        let mut peer = Self::at(port);
        peer.worker = Some(worker);
        peer
    }

    /// Ends the worker that it is in, as a task manager does: without a word.
    pub async fn end(&mut self) {
        // A port tells that there is nobody at its other end any more, though not in every browser.
        let gone = within(GRACE, web::event(&self.port, "close"));
        self.worker = None;
        gone.await;
    }

    /// Says something, by copy.
    pub fn say(&self, value: impl Into<JsValue>) {
        self.post("said", &[value.into()]);
    }

    /// Gives an object away: it is transferred.
    ///
    /// # Errors
    /// What the browser throws where it does not let it go.
    pub fn give(&self, object: &JsValue) -> Result<(), JsValue> {
        let message = Array::of2(&"said".into(), object);
        self.port
            .post_message_with_transferable(&message, &Array::of1(object))
    }

    /// Tells what was seen.
    pub fn tell(&self, seen: &ClaimResult) {
        let verdict = f64::from(seen.verdict as u8);
        self.post("seen", &[verdict.into(), seen.words.as_str().into()]);
    }

    /// What the other half says or gives next.
    ///
    /// # Errors
    /// What it has seen instead, if it could not go on; or that it is over.
    pub async fn hear(&mut self) -> Result<JsValue, ClaimResult> {
        let message = self.inbox.next().await.map(|message| message.data());
        let message = Array::from(&message.unwrap_or_default());
        match message.get(0).as_string().as_deref() {
            Some("said") => Ok(message.get(1)),
            Some("seen") => Err(ClaimResult {
                verdict: Verdict::from(message.get(1)),
                words: message.get(2).as_string().unwrap_or_default(),
            }),
            _ => Err(ClaimResult::nothing("the other thread had no more to say")),
        }
    }

    /// What the other half has seen.
    pub async fn verdict(&mut self) -> ClaimResult {
        loop {
            if let Err(seen) = self.hear().await {
                return seen;
            }
        }
    }

    /// Waits until the other half needs this one no more.
    pub async fn dismissal(&mut self) {
        while self.hear().await.is_ok() {}
    }

    fn post(&self, kind: &str, values: &[JsValue]) {
        let message: Array = [kind.into()].iter().chain(values).collect();
        // What can be said can be copied: numbers and words.
        let _ = self.port.post_message(&message);
    }
}
