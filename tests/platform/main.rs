//! Tests the simulated browser through the interface that the engine uses, [`yew_mse_worker::platform`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::single_range_in_vec_init,
    reason = "what is buffered is a list of ranges"
)]
#![cfg(not(target_family = "wasm"))]

mod fmp4;
mod media;
mod network;
mod toy;
mod world;
