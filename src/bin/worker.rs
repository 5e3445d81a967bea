//! The engine's program. A worker runs it as it is; a page whose browser has no MediaSource in workers
//! loads it, too, and asks it for an agent.

// See `app.rs`.
#![cfg_attr(target_family = "wasm", no_main)]

use js_sys::Function;
use wasm_bindgen::prelude::wasm_bindgen;
use yew_mse_worker::engine::worker;

#[cfg_attr(target_family = "wasm", wasm_bindgen(start))]
fn main() {
    worker::start();
}

/// An agent on the page: see [`home::on_page`]. Exported here, and not by the library, so that the page's
/// own program does not hold the engine as well.
#[wasm_bindgen]
pub fn agent(hear: Function) -> Function {
    worker::start_on_page(hear)
}
