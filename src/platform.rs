//! What the engine asks of a browser: one face with two backs.
//!
//! As in std's `sys`, the target chooses the back, and no caller names a type parameter or a trait object:
//! both backs export the same types with the same methods and the same functions.
//!
//! | back | target | what it is |
//! |---|---|---|
//! | `browser_seam` (`platform/browser/`) | wasm | the browser's own objects, each behind a thin wrapper |
//! | `simulated` (`platform/simulated/`) | native | a deterministic world with virtual time, for tests |
//!
//! # What each back guarantees
//!
//! **Threads.** Every value belongs to the thread that made it, and none is [`Send`]. Only a [`MediaHandle`]
//! moves to another thread, inside a message that transfers it. [`is_worker`] tells which kind of thread
//! this is; [`MediaSource::new`] is the only function that behaves differently by it.
//!
//! **Time.** [`now`] is in milliseconds since the Unix epoch, the same clock on all threads, and never runs
//! backwards. In the browser it is `performance.timeOrigin + performance.now()`; in the simulation it is
//! virtual and only advances when no task can run.
//!
//! **When an operation begins.** What returns a named future ([`sleep`], [`next_online`]) or a handle
//! ([`fetch`]) begins with the call. An `async fn` begins with its first poll.
//!
//! **Cancellation.** Dropping a [`Fetch`] or a [`Response`] aborts the request. Dropping a [`Sleep`] stops its
//! timer. Dropping the future of [`SourceBuffer::append`] or [`SourceBuffer::remove`] does *not* end the
//! operation: call [`SourceBuffer::abort`] before the next one, as the browser would refuse it. Dropping
//! the future of [`Response::chunk`] may lose that chunk: drop the response with it.
//!
//! **Bytes.** [`Bytes`] are opaque, so that in the browser media data goes from `fetch` to `appendBuffer`
//! without a pass through wasm memory. Cloning and slicing share the data.
//!
//! **Errors.** What the browser throws is an [`Exception`], with the name and the message of the original.
//!
//! **Determinism.** In the simulation, everything that is open in a browser (which ready task runs next, how
//! long an append takes, when an event is delivered) is drawn from the world's seed. The same seed and the
//! same program give the same trace.

mod types;
pub mod web;

#[cfg(target_family = "wasm")]
#[path = "platform/browser"]
mod browser_seam {
    pub mod bytes;
    pub mod codecs;
    pub mod crypto;
    pub mod exception;
    pub mod media_source;
    pub mod network;
    pub mod object_url;
    pub mod source_buffer;
    pub mod time;

    pub use bytes::Bytes;
    pub use codecs::{can_change_type, can_decode, decodes_smoothly};
    pub use crypto::decrypt_aes_cbc;
    pub use exception::report_error;
    pub use media_source::{MediaHandle, MediaSource, is_worker};
    pub use network::{
        Fetch, Online, Response, fetch, is_online, next_online, resolve_url, take_delivery,
    };
    pub use object_url::ObjectUrl;
    pub use source_buffer::SourceBuffer;
    pub use time::{Sleep, mark, memory_size, now, random, sleep, spawn};
}

#[cfg(not(target_family = "wasm"))]
pub mod simulated;

#[cfg(target_family = "wasm")]
use browser_seam as back;
#[cfg(not(target_family = "wasm"))]
use simulated as back;

pub use back::{
    Bytes, Fetch, MediaHandle, MediaSource, ObjectUrl, Online, Response, Sleep, SourceBuffer,
    can_change_type, can_decode, decodes_smoothly, decrypt_aes_cbc, fetch, is_online, is_worker,
    mark, memory_size, next_online, now, random, report_error, resolve_url, sleep, spawn,
    take_delivery,
};
pub use types::{ByteRange, Delivery, Exception, ReadyState, Request, VideoConfiguration};
