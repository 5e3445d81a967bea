//! The page in real browsers: what only a browser can show. Everything else is tested natively, in the simulated
//! browser. `cargo xtask test` builds the site and installs the browsers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
)]

mod browser;
mod buffers;
mod captions;
mod claims;
mod clock;
mod conformance;
mod context;
mod controls;
mod devtools;
mod engines;
mod example;
mod failures;
mod files;
mod folder;
mod lab;
mod live;
mod messages;
mod network;
mod page;
mod playing;
mod quality;
mod safety;
mod seeking;
mod server;
mod soak;
mod streams;
mod suite;

fn main() -> std::process::ExitCode {
    suite::run()
}
