//! Runs the real engine natively, in the simulated browser, with the bundled sample video and the test media.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod buffers;
mod cases;
mod errors;
mod files;
#[allow(dead_code, reason = "shared with the tests of the simulated browser")]
#[path = "../platform/fmp4.rs"]
mod fmp4;
mod network;
mod page;
mod playing;
mod quality;
mod seeking;
mod servers;
mod streams;
mod transport;
