//! How a message crosses, and how it carries a handle. This is the only file that knows what
//! gloo-worker keeps private.
//!
//! What is said crosses as a [`Letter`], packed up as `[bytes, object, …]`: the bytes are [postcard], and
//! the objects are what the message carries that is no data. gloo-worker's own messages are packed in the
//! same way, and to them a letter is an object. gloo-worker 0.6 posts every message without a transfer
//! list, and a `MediaSourceHandle` crosses only by one. So [`Port::transfer`] posts that message itself,
//! just as gloo would have encoded it; on the page gloo receives it like any other.

use std::{cell::RefCell, marker::PhantomData, rc::Rc};

use gloo_worker::{Codec, HandlerId, Spawnable, Worker, WorkerBridge, WorkerScope};
use js_sys::{Array, Function, Uint8Array};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue, UnwrapThrowExt, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

use super::{
    Command, Diagnostic, Event, PlaybackError, SessionId,
    milestone::{Milestone, ReachedMilestone},
};
use crate::platform::web;

thread_local! {
    /// The objects of the one message that is being packed or unpacked on this thread. Serde has no
    /// other way to hand them past a format of bytes.
    static TRANSFERABLES: RefCell<Array> = RefCell::default();
}

fn pack(message: &impl Serialize) -> JsValue {
    TRANSFERABLES.set(Array::new());
    prepend_bytes(postcard::to_allocvec(message))
}

/// Puts the bytes of a message before its objects.
fn prepend_bytes(bytes: postcard::Result<Vec<u8>>) -> JsValue {
    let parcel = TRANSFERABLES.take();
    // It takes a message without an end to come to this; who gets nothing refuses it.
    let bytes = bytes.unwrap_or_default();
    parcel.unshift(&Uint8Array::from(bytes.as_slice()));
    parcel.into()
}

fn unpack<T: DeserializeOwned>(parcel: &JsValue) -> postcard::Result<T> {
    let message = postcard::from_bytes(&take_bytes(parcel));
    TRANSFERABLES.take();
    message
}

/// Takes the bytes of a message from before its objects.
fn take_bytes(parcel: &JsValue) -> Vec<u8> {
    // What is no array or holds no bytes is read as an empty message, and refused as one.
    let parcel = Array::from(parcel);
    let bytes = parcel.shift().dyn_into::<Uint8Array>().unwrap_or_default();
    TRANSFERABLES.set(parcel);
    bytes.to_vec()
}

/// Encodes gloo's messages.
#[derive(Debug)]
pub struct MessageCodec;

impl Codec for MessageCodec {
    fn encode<I: Serialize>(message: I) -> JsValue {
        pack(&message)
    }

    fn decode<O: DeserializeOwned>(parcel: JsValue) -> O {
        // The codec's trait leaves no room for a `Result`. An exception loses this one message, and is
        // reported to the thread's `error` event; a panic would take the program down.
        unpack(&parcel)
            .unwrap_or_else(|_| wasm_bindgen::throw_str("a message that gloo-worker did not send"))
    }
}

/// Fields that are JavaScript objects: `#[serde(with = "carried")]`.
pub mod transferable {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use wasm_bindgen::{JsCast, JsValue};

    use super::TRANSFERABLES;

    /// Lays the object beside the bytes, and writes its place.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T, S>(object: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: AsRef<JsValue>,
        S: Serializer,
    {
        let count = TRANSFERABLES.with_borrow(|cargo| cargo.push(object.as_ref()));
        serializer.serialize_u32(count - 1)
    }

    /// Takes the object from its place.
    ///
    /// # Errors
    /// If there is none there, or one of another type.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: JsCast,
        D: Deserializer<'de>,
    {
        let place = u32::deserialize(deserializer)?;
        let object = TRANSFERABLES.with_borrow(|cargo| cargo.get(place));
        object
            .dyn_into()
            .map_err(|_| D::Error::custom("no such object"))
    }
}

/// A message of ours, packed up. It is delivered in any case; whether it can be read is for the one who
/// [opens](Self::open) it to see.
#[derive(Clone, Debug)]
pub struct Packed<T> {
    value: JsValue,
    _message: PhantomData<T>,
}

impl<T> Packed<T> {
    /// Packs a message up.
    pub fn new(message: &T) -> Self
    where
        T: Serialize,
    {
        Self::from_js(pack(message))
    }

    /// What has come from the other side.
    pub const fn from_js(parcel: JsValue) -> Self {
        Self {
            value: parcel,
            _message: PhantomData,
        }
    }

    /// As it crosses.
    pub const fn as_js(&self) -> &JsValue {
        &self.value
    }

    /// The message's bytes; `None` if it carries objects besides, without which they make no sense.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let parcel = Array::from(&self.value);
        let bytes = parcel.shift().dyn_into::<Uint8Array>().ok()?;
        (parcel.length() == 0).then(|| bytes.to_vec())
    }

    /// Reads it. That can be done more than once.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidMessage`] if it is none of ours, or one of another build's.
    pub fn unpack(&self) -> Result<T, PlaybackError>
    where
        T: DeserializeOwned,
    {
        unpack(&self.value).map_err(|_| PlaybackError::InvalidMessage)
    }
}

/// What crosses, whichever way: for whoever wants to know what is said.
#[derive(Clone, Debug)]
pub enum Message {
    /// The page asks the engine for something.
    Command(Packed<Command>),
    /// The engine tells the page something.
    Event(Packed<Event>),
}

impl<T> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        transferable::serialize(&self.value, serializer)
    }
}

impl<'de, T> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        transferable::deserialize(deserializer).map(Self::from_js)
    }
}

/// Data in a message, as bytes for as long as nobody opens it: who only passes it on needs not know how to
/// read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Encoded<T> {
    bytes: Vec<u8>,
    _data: PhantomData<T>,
}

impl<T> Encoded<T> {
    /// Seals it.
    pub fn encode(data: &T) -> Self
    where
        T: Serialize,
    {
        Self {
            // Data can always be written.
            bytes: postcard::to_allocvec(data).unwrap_or_default(),
            _data: PhantomData,
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidMessage`] if it is no such thing.
    pub fn decode(&self) -> Result<T, PlaybackError>
    where
        T: DeserializeOwned,
    {
        postcard::from_bytes(&self.bytes).map_err(|_| PlaybackError::InvalidMessage)
    }
}

#[wasm_bindgen(module = "/src/protocol/transfer.js")]
extern "C" {
    /// Calls `spawn` and returns the Worker that it makes.
    fn capture_worker(spawn: &mut dyn FnMut()) -> web_sys::Worker;
}

/// Spawns an agent whose script is at `path`, and returns its Worker beside the bridge to it.
///
/// gloo-worker keeps the Worker to itself. But only there is it heard that a script does not load
/// or throws; only by it can a worker be ended that does not listen; and it has to be given up
/// ([`release`]) for its memory to be freed. So it is seen as it is made: by a constructor that
/// stands in for the browser's own during this one call.
pub fn spawn_worker<W>(
    path: &str,
    hear: impl Fn(W::Output) + 'static,
) -> (WorkerBridge<W>, web_sys::Worker)
where
    W: Worker + 'static,
    W::Input: Serialize + DeserializeOwned,
    W::Output: Serialize + DeserializeOwned,
{
    // Made and used in one breath: so the compiler sees which of gloo's ways to spawn is never gone, and
    // leaves it out.
    let mut hear = Some(hear);
    let mut bridge = None;
    let worker = capture_worker(&mut || {
        bridge = hear.take().map(|hear| {
            let mut spawner = W::spawner().encoding::<MessageCodec>();
            spawner.callback(hear).with_loader(true).spawn(path)
        });
    });
    (bridge.unwrap_throw(), worker)
}

/// Ends a worker at once, and takes gloo-worker's listener off it: that one holds the Worker which
/// holds it, and neither would ever be freed.
pub fn terminate(worker: &web_sys::Worker) {
    worker.set_onmessage(None);
    worker.terminate();
}

/// The agent's way to its page.
#[derive(Clone)]
pub struct Port(Rc<PortKind>);

enum PortKind {
    /// From a worker, by gloo-worker's bridge: which one it is, and what posts something over it.
    Bridge(HandlerId, Box<dyn Fn(Packed<Event>)>),
    /// On the page itself: parcels are given to this function.
    Local(Function),
}

impl Port {
    /// The way to the page that has connected as `bridge`.
    pub fn to_bridge<W>(scope: &WorkerScope<W>, bridge: HandlerId) -> Self
    where
        W: Worker<Output = Packed<Event>> + 'static,
    {
        let scope = scope.clone();
        let respond = move |letter| scope.respond(bridge, letter);
        Self(Rc::new(PortKind::Bridge(bridge, Box::new(respond))))
    }

    /// The way to this page itself, which hears parcels by a function.
    pub fn local(hear: Function) -> Self {
        Self(Rc::new(PortKind::Local(hear)))
    }

    /// Tells the page something, by gloo-worker's own way if there is a bridge.
    pub fn post(&self, event: Event) {
        let letter = Packed::new(&event);
        match &*self.0 {
            PortKind::Bridge(_, respond) => respond(letter),
            PortKind::Local(hear) => call_later(hear.clone(), letter.value),
        }
    }

    /// Tells whoever wants to show it what the engine does.
    pub fn post_diagnostic(&self, session: SessionId, detail: &Diagnostic) {
        let detail = Encoded::encode(detail);
        self.post(Event::Diagnostics {
            session,
            diagnostic: detail,
        });
    }

    /// Tells the page that a step of the journey is taken.
    pub fn post_milestone(&self, session: SessionId, step: Milestone) {
        let mark = ReachedMilestone::now(step);
        self.post(Event::MilestoneReached { session, mark });
    }

    /// Tells the page something, and gives it the objects in it: `postMessage(message, [objects])`.
    /// The worker's own references to them are detached, and cannot be sent again.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the browser does not let them go.
    pub fn post_with_transfer(&self, event: Event) -> Result<(), PlaybackError> {
        let PortKind::Bridge(id, _) = &*self.0 else {
            // Nothing has to cross.
            self.post(event);
            return Ok(());
        };
        let letter = Packed::new(&event);
        let parcel = letter.value.unchecked_ref::<Array>();
        let objects = parcel.slice(1, parcel.length());
        let message = FromWorker::ProcessOutput(*id, letter);
        js_sys::global()
            .unchecked_into::<DedicatedWorkerGlobalScope>()
            .post_message_with_transfer(&pack(&message), &objects)
            .map_err(|exception| PlaybackError::MediaSourceCall {
                operation: "transfer the handle".into(),
                reason: web::words(&exception),
            })
    }
}

/// Gives a parcel to the other side on the same thread, in a task of its own: neither side is ever called
/// in the middle of what it does.
fn call_later(hear: Function, parcel: JsValue) {
    spawn_local(async move {
        // A side that has gone hears nothing any more.
        let _ = hear.call1(&JsValue::NULL, &parcel);
    });
}

/// gloo-worker's private message, by which it knows [`Port::transfer`]'s for its own: postcard
/// writes the variant's number.
#[derive(Serialize)]
enum FromWorker {
    #[expect(
        dead_code,
        reason = "sent by gloo-worker itself; here it only takes its place"
    )]
    WorkerLoaded,
    ProcessOutput(HandlerId, Packed<Event>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(event: &Event) -> Vec<u8> {
        postcard::to_allocvec(event).unwrap()
    }

    fn received(bytes: &[u8]) -> Option<Event> {
        postcard::from_bytes(bytes).ok()
    }

    #[test]
    fn what_is_sent_is_received() {
        let session = SessionId::default().next();
        let mark = ReachedMilestone {
            milestone: Milestone::SourceOpen,
            at: 1.5,
        };
        let fault = PlaybackError::UnsupportedFeature {
            url: "https://example.org/film".into(),
            feature: "smell".into(),
        };
        for event in [
            Event::Ready { build: "x".into() },
            Event::MilestoneReached { session, mark },
            Event::Failed {
                session,
                error: fault,
            },
            Event::Closed { session },
        ] {
            assert_eq!(received(&sent(&event)), Some(event));
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_message_and_no_panic() {
        let whole = sent(&Event::Ready {
            build: "0123".into(),
        });
        for cut in 0..whole.len() {
            assert_eq!(received(&whole[..cut]), None);
        }
        assert_eq!(received(&[99, 1, 2, 3]), None);
    }
}
