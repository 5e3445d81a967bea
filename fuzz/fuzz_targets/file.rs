//! Media files: see `remux/tests/files/check.rs`.

#![no_main]

#[path = "../../remux/tests/files/check.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
