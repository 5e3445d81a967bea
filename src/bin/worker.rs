//! The engine's program. A worker runs it; a page whose browser has no MediaSource in workers imports it.

// See `app.rs`.
#![cfg_attr(target_family = "wasm", no_main)]

use js_sys::Function;
use wasm_bindgen::prelude::wasm_bindgen;
use yew_mse_worker::engine::worker;

#[cfg_attr(target_family = "wasm", wasm_bindgen(start))]
fn main() {
    worker::start();
}

/// Starts an engine on the page: see [`worker::start_on_page`]. `assets/worker_loader.js` exports it to the page.
///
/// It is here and not in the library, so that the page's own program does not contain the engine.
#[wasm_bindgen(js_name = startEngine)]
pub fn start_engine(callback: Function) -> Function {
    worker::start_on_page(callback)
}
