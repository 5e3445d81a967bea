//! The wasm module for MP4 and QuickTime files: its functions are in `exports/file.rs`.

// See `remux.rs`.
#![cfg_attr(target_arch = "wasm32", no_main, allow(unsafe_code))]

#[cfg(not(target_arch = "wasm32"))]
fn main() {}

#[cfg(target_arch = "wasm32")]
#[path = "exports/file.rs"]
mod file;

#[cfg(target_arch = "wasm32")]
const FORMATS: &[remux::file::Format] = &[remux::file::MP4];
