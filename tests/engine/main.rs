//! Runs the real engine natively, in the simulated browser, with the bundled sample video and the test media.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod buffers;
mod errors;
mod files;
mod network;
mod page;
mod playing;
mod quality;
mod seeking;
mod servers;
mod streams;
mod transport;
