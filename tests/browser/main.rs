//! The page in real browsers, as a person would use it, and as bad luck would have it: each test in
//! each of three. `cargo xtask test` builds the site that is shown, and installs the browsers.

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
mod controls;
mod devtools;
mod engines;
mod example;
mod failures;
mod lab;
mod messages;
mod network;
mod page;
mod playing;
mod quality;
mod safety;
mod seeking;
mod server;
mod soak;
mod stage;
mod streams;
mod suite;

fn main() -> std::process::ExitCode {
    suite::run()
}
