//! The page in real browsers, as a person would use it, and as bad luck would have it.
//! `cargo xtask test` builds the site that is shown, and installs the browsers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
)]

mod clock;
mod failures;
mod playing;
mod server;
mod stage;
mod streams;
