//! Typed messages between a page and a gloo-worker that may carry transferable objects.
//!
//! This module knows nothing of the player: any program can use it with its own message types. It is the only
//! one that depends on what gloo-worker 0.6 keeps private.
//!
//! A [`Packed`] message crosses as a JavaScript array: first its bytes ([postcard]), then the objects in it.
//! gloo-worker's own messages are packed the same way by [`MessageCodec`], and a [`Packed`] message is an
//! object in them. gloo-worker posts every message without a transfer list, but a `MediaSourceHandle` can only
//! cross in one. [`Port::post_with_transfer`] therefore posts gloo-worker's message itself, encoded as
//! gloo-worker would, and gloo-worker receives it on the page like any other.
//!
//! ```text
//! #[derive(Serialize, Deserialize)]
//! struct Opened {
//!     #[serde(with = "transferable")]       // an object in the message
//!     handle: MediaSourceHandle,
//! }
//!
//! // In the worker:
//! impl Worker for Player {
//!     type Output = Packed<Opened>;
//!     fn connected(&mut self, scope: &WorkerScope<Self>, bridge: HandlerId) {
//!         Port::to_bridge(scope, bridge).post_with_transfer(&Opened { handle })
//!     }
//! }
//! Player::registrar().encoding::<MessageCodec>().register();
//!
//! // On the page:
//! let (bridge, worker) = spawn_worker::<Player>("./worker_loader.js", |message| message.unpack());
//! ```

use std::{cell::RefCell, marker::PhantomData, rc::Rc};

use gloo_worker::{Codec, HandlerId, Spawnable, Worker, WorkerBridge, WorkerScope};
use js_sys::{Array, Function, Uint8Array};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue, UnwrapThrowExt, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

use crate::platform::web;

/// The message could not be decoded: it is not of the expected type, or of another build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message could not be decoded")]
pub struct InvalidMessage;

/// The browser refused to transfer an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not transfer the message: {reason}")]
pub struct TransferError {
    /// The browser's message.
    pub reason: String,
}

thread_local! {
    /// The objects of the message that is being packed or unpacked. Serde offers no other way to pass them
    /// around a byte format.
    static TRANSFERABLES: RefCell<Array> = RefCell::default();
}

fn pack(message: &impl Serialize) -> JsValue {
    TRANSFERABLES.set(Array::new());
    prepend_bytes(postcard::to_allocvec(message))
}

/// Makes an array of the message's bytes and its objects.
fn prepend_bytes(bytes: postcard::Result<Vec<u8>>) -> JsValue {
    let array = TRANSFERABLES.take();
    // Empty only if the type's `Serialize` fails. The receiver then gets `InvalidMessage`.
    let bytes = bytes.unwrap_or_default();
    array.unshift(&Uint8Array::from(bytes.as_slice()));
    array.into()
}

fn unpack<T: DeserializeOwned>(value: &JsValue) -> Result<T, InvalidMessage> {
    let message = postcard::from_bytes(&take_bytes(value));
    TRANSFERABLES.take();
    message.map_err(|_| InvalidMessage)
}

/// Splits an array into the message's bytes, which are returned, and its objects.
fn take_bytes(value: &JsValue) -> Vec<u8> {
    // Any other value is read as an empty message, which cannot be decoded.
    let array = Array::from(value);
    let bytes = array.shift().dyn_into::<Uint8Array>().unwrap_or_default();
    TRANSFERABLES.set(array);
    bytes.to_vec()
}

/// The codec of gloo-worker's messages: `registrar().encoding::<MessageCodec>()`.
#[derive(Debug)]
pub struct MessageCodec;

impl Codec for MessageCodec {
    fn encode<I: Serialize>(message: I) -> JsValue {
        pack(&message)
    }

    fn decode<O: DeserializeOwned>(value: JsValue) -> O {
        // The trait's signature has no `Result`. An exception loses this message and is reported to the
        // thread's `error` event; a panic would end the program.
        unpack(&value)
            .unwrap_or_else(|_| wasm_bindgen::throw_str("a message that gloo-worker did not send"))
    }
}

/// For fields that are JavaScript objects: `#[serde(with = "transferable")]`. Works only in messages that
/// this module packs.
pub mod transferable {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use wasm_bindgen::{JsCast, JsValue};

    use crate::protocol::transfer::TRANSFERABLES;

    /// Adds the object to the message's array, and serializes its index.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T, S>(object: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: AsRef<JsValue>,
        S: Serializer,
    {
        let count = TRANSFERABLES.with_borrow(|objects| objects.push(object.as_ref()));
        serializer.serialize_u32(count - 1)
    }

    /// Takes the object at the deserialized index from the message's array.
    ///
    /// # Errors
    /// If there is none, or one of another type.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: JsCast,
        D: Deserializer<'de>,
    {
        let index = u32::deserialize(deserializer)?;
        let object = TRANSFERABLES.with_borrow(|objects| objects.get(index));
        object
            .dyn_into()
            .map_err(|_| D::Error::custom("no such object"))
    }
}

/// A message as it is posted between threads: `[bytes, object, …]`. The receiver decodes it by
/// [`unpack`](Self::unpack), which fails if the message is not a `T`.
#[derive(Debug)]
pub struct Packed<T> {
    value: JsValue,
    _message: PhantomData<T>,
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Self::from_js(self.value.clone())
    }
}

impl<T> Packed<T> {
    /// Packs a message.
    pub fn new(message: &T) -> Self
    where
        T: Serialize,
    {
        Self::from_js(pack(message))
    }

    /// Wraps a received value.
    pub const fn from_js(value: JsValue) -> Self {
        Self {
            value,
            _message: PhantomData,
        }
    }

    /// The value to post.
    pub const fn as_js(&self) -> &JsValue {
        &self.value
    }

    /// The bytes of a message without objects. `None` if it has objects, because the bytes alone cannot be decoded.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let array = Array::from(&self.value);
        let bytes = array.shift().dyn_into::<Uint8Array>().ok()?;
        (array.length() == 0).then(|| bytes.to_vec())
    }

    /// Decodes the message. It can be decoded more than once.
    ///
    /// # Errors
    /// [`InvalidMessage`] if it is not a `T`.
    pub fn unpack(&self) -> Result<T, InvalidMessage>
    where
        T: DeserializeOwned,
    {
        unpack(&self.value)
    }
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

#[wasm_bindgen(module = "/src/protocol/transfer.js")]
extern "C" {
    /// Calls `spawn` and returns the Worker that it creates.
    #[wasm_bindgen(js_name = captureWorker)]
    fn capture_worker(spawn: &mut dyn FnMut()) -> web_sys::Worker;
}

/// Spawns a worker whose loader script is at `path`, and returns its `Worker` object beside the bridge.
/// `callback` receives its messages.
///
/// gloo-worker does not expose the `Worker`, which is needed for two things: its `error` event, the only report of a
/// script that does not load or throws; and [`terminate`], the only way to end a worker that hangs and to free its
/// memory. To capture it, a subclass replaces the global constructor `Worker` during this call.
pub fn spawn_worker<W>(
    path: &str,
    callback: impl Fn(W::Output) + 'static,
) -> (WorkerBridge<W>, web_sys::Worker)
where
    W: Worker + 'static,
    W::Input: Serialize + DeserializeOwned,
    W::Output: Serialize + DeserializeOwned,
{
    let mut callback = Some(callback);
    let mut bridge = None;
    let worker = capture_worker(&mut || {
        bridge = callback.take().map(|callback| {
            // In one expression with `spawn`, so that the compiler removes gloo-worker's other ways to spawn.
            let mut spawner = W::spawner().encoding::<MessageCodec>();
            spawner.callback(callback).with_loader(true).spawn(path)
        });
    });
    (bridge.unwrap_throw(), worker)
}

#[wasm_bindgen]
extern "C" {
    /// A worker that `assets/start.js` has started.
    type EarlyWorker;

    #[wasm_bindgen(method, getter)]
    fn early(this: &EarlyWorker) -> Option<EarlyStart>;

    /// How a worker was started before the page's program.
    pub type EarlyStart;

    /// The worker's name.
    #[wasm_bindgen(method, getter)]
    pub fn name(this: &EarlyStart) -> String;

    /// When, in milliseconds since the Unix epoch.
    #[wasm_bindgen(method, getter)]
    pub fn at(this: &EarlyStart) -> f64;
}

/// How a worker was started before the page's program; `None` if that has started it.
pub fn early_start(worker: &web_sys::Worker) -> Option<EarlyStart> {
    worker.unchecked_ref::<EarlyWorker>().early()
}

/// Terminates a worker, and removes gloo-worker's listener: it and the `Worker` refer to each other, so neither would
/// ever be freed.
pub fn terminate(worker: &web_sys::Worker) {
    worker.set_onmessage(None);
    worker.terminate();
}

/// Posts messages of type `T` to a page.
pub struct Port<T>(Rc<PortKind<T>>);

enum PortKind<T> {
    /// From a worker: the bridge's id, and a function that posts over it.
    Bridge(HandlerId, Box<dyn Fn(Packed<T>)>),
    /// On the page itself: the function that receives packed messages.
    Local(Function),
}

impl<T> Clone for Port<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: 'static> Port<T> {
    /// Creates a port to the page that has connected as `bridge`.
    pub fn to_bridge<W>(scope: &WorkerScope<W>, bridge: HandlerId) -> Self
    where
        W: Worker<Output = Packed<T>> + 'static,
    {
        let scope = scope.clone();
        let respond = move |message| scope.respond(bridge, message);
        Self(Rc::new(PortKind::Bridge(bridge, Box::new(respond))))
    }

    /// Creates a port to a function on the same thread, which is called with packed messages.
    pub fn local(callback: Function) -> Self {
        Self(Rc::new(PortKind::Local(callback)))
    }

    /// Posts a message. Objects in it are cloned.
    pub fn post(&self, message: &T)
    where
        T: Serialize,
    {
        let message = Packed::new(message);
        match &*self.0 {
            PortKind::Bridge(_, respond) => respond(message),
            PortKind::Local(callback) => call_later(callback.clone(), message.value),
        }
    }

    /// Posts a message and transfers the objects in it: `postMessage(message, [objects])`. This thread's
    /// references to them are detached, and cannot be transferred again.
    ///
    /// # Errors
    /// [`TransferError`] if the browser does not transfer them.
    pub fn post_with_transfer(&self, message: &T) -> Result<(), TransferError>
    where
        T: Serialize,
    {
        let PortKind::Bridge(id, _) = &*self.0 else {
            // On the same thread nothing has to be transferred.
            self.post(message);
            return Ok(());
        };
        let message = Packed::new(message);
        let array = message.value.unchecked_ref::<Array>();
        let objects = array.slice(1, array.length());
        let envelope = FromWorker::ProcessOutput(*id, message);
        js_sys::global()
            .unchecked_into::<DedicatedWorkerGlobalScope>()
            .post_message_with_transfer(&pack(&envelope), &objects)
            .map_err(|exception| TransferError {
                reason: web::exception_message(&exception),
            })
    }
}

/// Calls a function in a microtask, so that neither side is called while it is running.
fn call_later(callback: Function, value: JsValue) {
    spawn_local(async move {
        // Throws only if the closure behind it was dropped with its owner.
        let _ = callback.call1(&JsValue::NULL, &value);
    });
}

/// gloo-worker's private message type. postcard encodes the index of the variant, so order and fields have
/// to be the same.
#[derive(Serialize)]
enum FromWorker<T> {
    #[expect(
        dead_code,
        reason = "sent by gloo-worker itself; here it only takes up its index"
    )]
    WorkerLoaded,
    ProcessOutput(HandlerId, Packed<T>),
}
