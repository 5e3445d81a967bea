//! The simulated browser, used as the engine uses it: through [`yew_mse_worker::platform`] alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails where it cannot go on"
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
