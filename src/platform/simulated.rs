//! The simulated implementation of the platform: a deterministic browser, for native tests.
//!
//! A [`World`] is single-threaded and deterministic. It has a virtual clock, any number of simulated
//! [threads](Thread) (the page and workers), a [network](Server) with a bandwidth that all transfers share, and
//! MediaSources that are true to the specification ([`model`]), which a [`MediaElement`] plays.
//!
//! ```
//! use yew_mse_worker::platform::{self, simulated::{Browser, World}};
//!
//! let world = World::new(1, Browser::chromium());
//! let _entered = world.enter();
//! let waited = world.block_on(5_000.0, async {
//!     let start = platform::now();
//!     platform::sleep(1_000).await;
//!     platform::now() - start
//! });
//! assert_eq!(waited, Some(1_000.0));
//! ```
//!
//! # What the seed determines
//!
//! - Which of the tasks and jobs that are ready runs next. Jobs of one kind on one thread (timers, messages
//!   between two threads, media events, network responses) keep their order, as in a browser; between
//!   kinds, threads and tasks everything is possible.
//! - How long the browser takes to attach, append, remove and send a message.
//! - What the program draws by [`random()`].
//!
//! The three are independent streams, so that a program that draws once more still meets the same browser. Time
//! advances only when nothing can run. What the server does, and when, is up to the test.
//!
//! # Faults
//!
//! [`World::block`], [`World::freeze`], [`World::set_hidden`], [`World::suspend`] and [`World::terminate`] for
//! threads; [`World::set_online`], [`World::set_bandwidth`], [`Answer`] and [`BodyFault`] for the network;
//! [`MediaElement::fail`], [`MediaElement::get_stuck`] and [`MediaElement::evict`] for the media.
//!
//! # What is recorded
//!
//! [`World::trace`] and [`World::trace_hash`], [`World::requests`], [`World::violations`] (an operation on a busy
//! SourceBuffer, a call to a closed one, an uncaught exception), [`MediaElement::played`] and
//! [`MediaElement::waits`].
//!
//! # Limits
//!
//! Fragmented MP4 only: no WebM, no packed audio. MPEG-TS is remuxed by the crate `remux`, called natively. Frames are not decoded. Renditions are not told apart once they
//! are buffered.

mod browser;
mod bytes;
mod codecs;
mod crypto;
mod element_state;
mod file_reader;
mod local_file;
mod media_element;
mod media_source;
pub mod model;
mod network;
mod object_url;
mod random;
mod remuxer;
mod time;
mod world;

pub use browser::Browser;
pub use bytes::Bytes;
pub use codecs::{can_change_type, can_decode, decodes_smoothly};
pub use crypto::decrypt_aes_cbc;
pub use file_reader::{FileReader, load_file_reader};
pub use local_file::{FileHandle, file_name, read_file};
pub use media_element::{MediaElement, Waited};
pub use media_source::{MediaHandle, MediaSource, SourceBuffer, is_worker};
pub use model::{
    Engine,
    playback::{MediaEvent, Readiness, WaitCause},
};
pub use network::{
    Answer, BodyFault, Fetch, Online, Outcome, Reply, RequestRecord, Response, Server, fetch,
    is_online, next_online, program_download, resolve_url, take_delivery,
};
pub use object_url::ObjectUrl;
pub use random::Random;
pub use remuxer::{Remuxer, load_remuxer, preload_remuxer};
pub use time::{Sleep, mark, memory_size, now, random, report_error, sleep, spawn};
pub use world::{EPOCH_MS, Ended, Entered, Thread, World};
