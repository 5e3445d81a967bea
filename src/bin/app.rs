//! The page's program: the Yew app.

// The page calls it by its own name, and so needs nothing of what std does around a `main`.
#![cfg_attr(target_family = "wasm", no_main)]

#[cfg_attr(target_family = "wasm", wasm_bindgen::prelude::wasm_bindgen(start))]
fn main() {
    yew_mse_worker::app::start();
}
