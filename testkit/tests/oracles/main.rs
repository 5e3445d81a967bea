//! What is generated and served, read by independent readers: mp4-atom, dash-mpd-core and quick-m3u8.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod fmp4;
mod live;
mod on_demand;
mod oracle;
mod sample_video;
