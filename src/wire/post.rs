//! How a message crosses, and how it carries a handle. This is the only file that knows what
//! gloo-worker keeps private.
//!
//! A message crosses as `[bytes, object, …]`: the bytes are [postcard], and the objects are what the
//! message carries that is no data. gloo-worker 0.6 posts every message without a transfer list,
//! and a `MediaSourceHandle` crosses only by one. So [`Port::transfer`] posts that message itself,
//! just as gloo would have encoded it; on the page gloo receives it like any other.

use std::{cell::RefCell, rc::Rc};

use gloo_worker::{Codec, HandlerId, Spawnable, Worker, WorkerBridge, WorkerScope};
use js_sys::{Array, Function, Uint8Array};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue, UnwrapThrowExt, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

use super::{
    Event, Fault, SessionId,
    journey::{Mark, Step},
};
use crate::web;

thread_local! {
    /// The objects of the one message that is being encoded or decoded on this thread. Serde has no
    /// other way to hand them past a format of bytes.
    static CARGO: RefCell<Array> = RefCell::default();
}

/// Encodes gloo's messages, and ours in them.
#[derive(Debug)]
pub struct Parcel;

impl Codec for Parcel {
    fn encode<I: Serialize>(message: I) -> JsValue {
        CARGO.set(Array::new());
        let bytes = postcard::to_allocvec(&message).unwrap_or_else(refuse);
        let parcel = CARGO.take();
        parcel.unshift(&Uint8Array::from(bytes.as_slice()));
        parcel.into()
    }

    fn decode<O: DeserializeOwned>(parcel: JsValue) -> O {
        // What is no array or holds no bytes is read as an empty message, and refused as one.
        let parcel = Array::from(&parcel);
        let bytes = parcel.shift().dyn_into::<Uint8Array>().unwrap_or_default();
        CARGO.set(parcel);
        let message = postcard::from_bytes(&bytes.to_vec());
        CARGO.take();
        message.unwrap_or_else(refuse)
    }
}

/// The codec's trait leaves no room for a `Result`. An exception loses this one message, and is
/// reported to the thread's `error` event; a panic would take the program down. It takes a message
/// that gloo did not send to come here: one of ours that cannot be read is a [`Letter`].
fn refuse<T>(_: postcard::Error) -> T {
    wasm_bindgen::throw_str("a message that gloo-worker did not send")
}

/// Fields that are JavaScript objects: `#[serde(with = "carried")]`.
pub mod carried {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use wasm_bindgen::{JsCast, JsValue};

    use super::CARGO;

    /// Lays the object beside the bytes, and writes its place.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T, S>(object: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: AsRef<JsValue>,
        S: Serializer,
    {
        let count = CARGO.with_borrow(|cargo| cargo.push(object.as_ref()));
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
        let object = CARGO.with_borrow(|cargo| cargo.get(place));
        object
            .dyn_into()
            .map_err(|_| D::Error::custom("no such object"))
    }
}

/// A message of ours in gloo's envelope. gloo delivers it in any case; whether it could be read is
/// for the one who [opens](Self::open) it to see.
#[derive(Debug)]
pub struct Letter<T>(Option<T>);

impl<T> Letter<T> {
    /// Puts a message into an envelope.
    pub const fn new(message: T) -> Self {
        Self(Some(message))
    }

    /// Packs it up for a function on the same thread.
    pub fn seal(self) -> JsValue
    where
        T: Serialize,
    {
        Parcel::encode(self)
    }

    /// Unpacks what [`seal`](Self::seal) has packed.
    pub fn unseal(parcel: JsValue) -> Self
    where
        T: DeserializeOwned,
    {
        Parcel::decode(parcel)
    }

    /// Takes the message out.
    ///
    /// # Errors
    /// [`Fault::Garbled`] if it is none of ours, or one of another build's.
    pub fn open(self) -> Result<T, Fault> {
        self.0.ok_or(Fault::Garbled)
    }
}

impl<T: Serialize> Serialize for Letter<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(message) => message.serialize(serializer),
            // Nobody answers a letter by sending it back.
            None => serializer.serialize_unit(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Letter<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // It is the last thing in its envelope: where it breaks off, nothing else is lost.
        Ok(Self(T::deserialize(deserializer).ok()))
    }
}

#[wasm_bindgen(inline_js = "
export function seen(spawn) {
  const Native = globalThis.Worker;
  let seen;
  globalThis.Worker = class extends Native {
    constructor(...args) {
      super(...args);
      seen = this;
    }
  };
  try {
    spawn();
  } finally {
    globalThis.Worker = Native;
  }
  return seen;
}
")]
extern "C" {
    /// Calls `spawn` and returns the Worker that it makes.
    fn seen(spawn: &mut dyn FnMut()) -> web_sys::Worker;
}

/// Spawns an agent whose script is at `path`, and returns its Worker beside the bridge to it.
///
/// gloo-worker keeps the Worker to itself. But only there is it heard that a script does not load
/// or throws; only by it can a worker be ended that does not listen; and it has to be given up
/// ([`release`]) for its memory to be freed. So it is seen as it is made: by a constructor that
/// stands in for the browser's own during this one call.
pub fn spawn<W>(
    path: &str,
    hear: impl Fn(W::Output) + 'static,
) -> (WorkerBridge<W>, web_sys::Worker)
where
    W: Worker + 'static,
    W::Input: Serialize + DeserializeOwned,
    W::Output: Serialize + DeserializeOwned,
{
    let mut spawner = W::spawner().encoding::<Parcel>();
    spawner.callback(hear).with_loader(true);
    let mut bridge = None;
    let worker = seen(&mut || bridge = Some(spawner.spawn(path)));
    (bridge.unwrap_throw(), worker)
}

/// Ends a worker at once, and takes gloo-worker's listener off it: that one holds the Worker which
/// holds it, and neither would ever be freed.
pub fn release(worker: &web_sys::Worker) {
    worker.set_onmessage(None);
    worker.terminate();
}

/// The agent's way to its page.
#[derive(Clone)]
pub struct Port(Rc<Way>);

enum Way {
    /// From a worker, by gloo-worker's bridge: which one it is, and what posts something over it.
    Bridge(HandlerId, Box<dyn Fn(Letter<Event>)>),
    /// On the page itself: parcels are given to this function.
    Page(Function),
}

impl Port {
    /// The way to the page that has connected as `bridge`.
    pub fn to_bridge<W>(scope: &WorkerScope<W>, bridge: HandlerId) -> Self
    where
        W: Worker<Output = Letter<Event>> + 'static,
    {
        let scope = scope.clone();
        let respond = move |letter| scope.respond(bridge, letter);
        Self(Rc::new(Way::Bridge(bridge, Box::new(respond))))
    }

    /// The way to this page itself, which hears parcels by a function.
    pub fn to_page(hear: Function) -> Self {
        Self(Rc::new(Way::Page(hear)))
    }

    /// Tells the page something, by gloo-worker's own way if there is a bridge.
    pub fn post(&self, event: Event) {
        let letter = Letter::new(event);
        match &*self.0 {
            Way::Bridge(_, respond) => respond(letter),
            Way::Page(hear) => hand_over(hear.clone(), letter.seal()),
        }
    }

    /// Tells the page that a step of the journey is taken.
    pub fn reached(&self, session: SessionId, step: Step) {
        let mark = Mark::now(step);
        self.post(Event::Reached { session, mark });
    }

    /// Tells the page something, and gives it the objects in it: `postMessage(message, [objects])`.
    /// The worker's own references to them are detached, and cannot be sent again.
    ///
    /// # Errors
    /// [`Fault::Media`] if the browser does not let them go.
    pub fn transfer(&self, event: Event) -> Result<(), Fault> {
        let Way::Bridge(id, _) = &*self.0 else {
            // Nothing has to cross.
            self.post(event);
            return Ok(());
        };
        let message = FromWorker::ProcessOutput(*id, Letter::new(event));
        let parcel: Array = Parcel::encode(message).unchecked_into();
        let objects = parcel.slice(1, parcel.length());
        js_sys::global()
            .unchecked_into::<DedicatedWorkerGlobalScope>()
            .post_message_with_transfer(&parcel, &objects)
            .map_err(|exception| Fault::Media {
                doing: "transfer the handle".into(),
                reason: web::words(&exception),
            })
    }
}

/// Gives a parcel to the other side on the same thread, in a task of its own: neither side is ever called
/// in the middle of what it does.
fn hand_over(hear: Function, parcel: JsValue) {
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
    ProcessOutput(HandlerId, Letter<Event>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(event: Event) -> Vec<u8> {
        postcard::to_allocvec(&Letter::new(event)).unwrap()
    }

    fn received(bytes: &[u8]) -> Result<Event, Fault> {
        postcard::from_bytes::<Letter<Event>>(bytes).unwrap().open()
    }

    #[test]
    fn what_is_sent_is_received() {
        let session = SessionId::default().next();
        let mark = Mark {
            step: Step::SourceOpen,
            at: 1.5,
        };
        let fault = Fault::Unsupported {
            url: "https://example.org/film".into(),
            feature: "smell".into(),
        };
        for event in [
            Event::Ready { build: "x".into() },
            Event::Reached { session, mark },
            Event::Failed { session, fault },
            Event::Closed { session },
        ] {
            assert_eq!(received(&sent(event.clone())), Ok(event));
        }
    }

    #[test]
    fn what_cannot_be_read_is_a_fault_and_no_panic() {
        let whole = sent(Event::Ready {
            build: "0123".into(),
        });
        for cut in 0..whole.len() {
            assert_eq!(received(&whole[..cut]), Err(Fault::Garbled));
        }
        assert_eq!(received(&[99, 1, 2, 3]), Err(Fault::Garbled));
    }
}
