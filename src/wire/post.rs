//! How a message crosses, and how it carries a handle. This is the only file that knows what
//! gloo-worker keeps private.
//!
//! gloo-worker 0.6 posts every message without a transfer list, and a `MediaSourceHandle` crosses
//! only by one. So [`Port::transfer`] posts that one message itself, in the very shape in which
//! gloo would have posted it; on the page gloo receives it like any other.

use std::{marker::PhantomData, rc::Rc};

use gloo_worker::{Codec, HandlerId, Worker, WorkerScope};
use js_sys::Array;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, ser::Error as _,
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DedicatedWorkerGlobalScope;

use super::{
    Event, Fault, SessionId,
    journey::{Mark, Step},
};
use crate::web::{self, MediaSourceHandle};

/// Messages as JavaScript objects, not bytes: only so can a field be a handle.
#[derive(Debug)]
pub struct Objects;

impl Codec for Objects {
    fn encode<I: Serialize>(message: I) -> JsValue {
        serde_wasm_bindgen::to_value(&message).unwrap_or_else(|error| raise(error))
    }

    fn decode<O: DeserializeOwned>(message: JsValue) -> O {
        serde_wasm_bindgen::from_value(message).unwrap_or_else(|error| raise(error))
    }
}

/// The trait leaves no room for a `Result`. An exception harms nothing but this one message: it is
/// reported to the thread's `error` event, while a panic would take the whole program down. Only
/// what is not gloo's comes here; a message of ours that cannot be read is a [`Letter`].
fn raise<T>(error: serde_wasm_bindgen::Error) -> T {
    wasm_bindgen::throw_val(error.into())
}

/// A message in its envelope. gloo delivers the envelope; whether the message in it can be read
/// is known only to the one who [opens](Letter::open) it.
#[derive(Debug)]
pub struct Letter<T> {
    content: JsValue,
    language: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Letter<T> {
    /// Puts a message into its envelope.
    pub fn new(message: &T) -> Self {
        Self {
            content: serde_wasm_bindgen::to_value(message).unwrap_or_else(|error| raise(error)),
            language: PhantomData,
        }
    }

    /// Takes the message out.
    ///
    /// # Errors
    /// [`Fault::Garbled`] if it is none of ours, or of another build's.
    pub fn open(self) -> Result<T, Fault> {
        serde_wasm_bindgen::from_value(self.content).map_err(|error| Fault::Garbled {
            reason: error.to_string(),
        })
    }
}

impl<T> Serialize for Letter<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_wasm_bindgen::preserve::serialize(&self.content, serializer).map_err(S::Error::custom)
    }
}

impl<'de, T> Deserialize<'de> for Letter<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            content: serde_wasm_bindgen::preserve::deserialize(deserializer)?,
            language: PhantomData,
        })
    }
}

/// The worker's end of one bridge.
#[derive(Clone)]
pub struct Port {
    bridge: HandlerId,
    respond: Rc<dyn Fn(Letter<Event>)>,
}

impl Port {
    /// The way to the page that has connected as `bridge`.
    pub fn new<W>(scope: &WorkerScope<W>, bridge: HandlerId) -> Self
    where
        W: Worker<Output = Letter<Event>> + 'static,
    {
        let scope = scope.clone();
        Self {
            bridge,
            respond: Rc::new(move |letter| scope.respond(bridge, letter)),
        }
    }

    /// Tells the page something, by gloo-worker's own way.
    pub fn post(&self, event: &Event) {
        (self.respond)(Letter::new(event));
    }

    /// Tells the page that a step of the journey is taken.
    pub fn reached(&self, session: SessionId, step: Step) {
        let mark = Mark::now(step);
        self.post(&Event::Reached { session, mark });
    }

    /// Sends the handle to the page: `postMessage(message, [handle])`. Afterwards the worker's own
    /// reference is detached and cannot be sent again.
    ///
    /// # Errors
    /// [`Fault::Media`] if the browser does not let it go.
    pub fn transfer(&self, session: SessionId, handle: &MediaSourceHandle) -> Result<(), Fault> {
        // gloo's private message, by its own variant's name.
        #[derive(Serialize)]
        enum FromWorker {
            ProcessOutput(HandlerId, Letter<Event>),
        }

        let opened = Event::Opened {
            session,
            handle: handle.clone(),
        };
        let message = Objects::encode(FromWorker::ProcessOutput(self.bridge, Letter::new(&opened)));
        js_sys::global()
            .unchecked_into::<DedicatedWorkerGlobalScope>()
            .post_message_with_transfer(&message, &Array::of1(handle))
            .map_err(|exception| Fault::Media {
                doing: "transfer the handle".into(),
                reason: web::words(&exception),
            })
    }
}
