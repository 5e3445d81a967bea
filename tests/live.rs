//! Plays live streams of the testkit with the real engine, in the simulated browser.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod live {
    mod manifests;
    pub mod page;
    mod playing;
    mod sessions;
}
