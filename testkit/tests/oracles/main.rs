//! What is generated and served, read by independent readers: mp4-atom, dash-mpd-core and quick-m3u8.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
)]

mod film;
mod fmp4;
mod live;
mod on_demand;
mod oracle;
