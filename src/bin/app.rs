//! The page's program: renders the demo page.

// wasm-bindgen calls `main` by its exported name; `no_main` leaves out std's runtime around it.
#![cfg_attr(target_family = "wasm", no_main)]

#[cfg_attr(target_family = "wasm", wasm_bindgen::prelude::wasm_bindgen(start))]
fn main() {
    yew_mse_worker::app::start();
}
