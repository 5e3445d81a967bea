//! The browser as the engine sees it: one interface with two implementations.
//!
//! As in std's `sys`, the target selects the implementation. Both export the same types, methods and functions, so
//! callers need no type parameter and no trait object.
//!
//! | implementation | target | what it is |
//! |---|---|---|
//! | `browser` (`platform/browser/`) | wasm | thin wrappers around the browser's own objects |
//! | `simulated` (`platform/simulated/`) | native | a deterministic browser with virtual time, for tests |
//!
//! To add a browser API that the engine needs: write it in a file of `platform/browser/`, simulate it in the file of
//! the same topic in `platform/simulated/`, and export it below, three times: from each of them, and from here. An API
//! that only the page needs goes into [`web`], which is not simulated.
//!
//! # Guarantees of both implementations
//!
//! **Threads.** Every value belongs to the thread that created it, and none is [`Send`]. A [`MediaHandle`]
//! moves to another thread inside a message that transfers it, and a [`FileHandle`] is copied by any message. [`is_worker`] tells whether this thread is a worker's;
//! [`MediaSource::new`] is the only function here whose behavior depends on that.
//!
//! **Time.** [`now`] is in milliseconds since the Unix epoch. It is the same clock on all threads and never runs
//! backwards. In the browser it is `performance.timeOrigin + performance.now()`. In the simulation it is virtual and
//! only advances when no task can run.
//!
//! **When an operation begins.** A function that returns a named future ([`sleep`], [`next_online`]) or a handle
//! ([`fetch`]) begins when it is called. An `async fn` begins when it is first polled.
//!
//! **Cancellation.** Dropping a [`Fetch`] or a [`Response`] aborts the request. Dropping a [`Sleep`] stops its
//! timer. Dropping the future of [`SourceBuffer::append`] or [`SourceBuffer::remove`] does *not* end the
//! operation: call [`SourceBuffer::abort`] before the next one, because the browser would refuse it. Dropping
//! the future of [`Response::chunk`] may lose that chunk: drop the response with it.
//!
//! **Bytes.** [`Bytes`] are opaque, so that in the browser media data goes from `fetch` to `appendBuffer`
//! without being copied into wasm memory. Cloning and slicing share the data. A [`Remuxer`] has a memory of its own:
//! data is copied into it once, and appended from there.
//!
//! **Errors.** An exception that the browser throws is returned as an [`Exception`], with its name and message.
//!
//! **Determinism.** Whatever a browser leaves undefined (which ready task runs next, how long an append takes, when an
//! event is delivered) is drawn from the seed of the simulation. The same seed and the same program give the same
//! trace.

mod types;
pub mod web;

#[cfg(target_family = "wasm")]
mod browser {
    pub mod bytes;
    pub mod codecs;
    pub mod crypto;
    pub mod event;
    pub mod exception;
    pub mod file_reader;
    pub mod local_file;
    pub mod media_source;
    pub mod network;
    pub mod object_url;
    pub mod remuxer;
    pub mod source_buffer;
    pub mod time;

    pub use bytes::Bytes;
    pub use codecs::{can_change_type, can_decode, decodes_smoothly};
    pub use crypto::decrypt_aes_cbc;
    pub use exception::report_error;
    pub use file_reader::{FileReader, load_file_reader};
    pub use local_file::{FileHandle, file_name, read_file};
    pub use media_source::{MediaHandle, MediaSource, is_worker};
    pub use network::{
        Fetch, Online, Response, fetch, is_online, next_online, program_download, resolve_url,
        take_delivery,
    };
    pub use object_url::ObjectUrl;
    pub use remuxer::{Remuxer, load_remuxer, preload_remuxer};
    pub use source_buffer::SourceBuffer;
    pub use time::{Sleep, mark, memory_size, now, random, sleep, spawn};
}

#[cfg(not(target_family = "wasm"))]
pub mod simulated;

#[cfg(target_family = "wasm")]
use browser as implementation;
#[cfg(not(target_family = "wasm"))]
use simulated as implementation;

pub use implementation::{
    Bytes, Fetch, FileHandle, FileReader, MediaHandle, MediaSource, ObjectUrl, Online, Remuxer,
    Response, Sleep, SourceBuffer, can_change_type, can_decode, decodes_smoothly, decrypt_aes_cbc,
    fetch, file_name, is_online, is_worker, load_file_reader, load_remuxer, mark, memory_size,
    next_online, now, preload_remuxer, program_download, random, read_file, report_error,
    resolve_url, sleep, spawn, take_delivery,
};
pub use types::{
    AudioLimits, ByteRange, Delivery, Exception, FileInfo, FilePlan, FileSetInfo, FileStep,
    FileTrackInfo, ReadyState, RemuxOutput, RemuxTracks, Request, VideoConfiguration,
};
