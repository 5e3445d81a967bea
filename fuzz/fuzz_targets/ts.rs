//! MPEG-TS: see `remux/tests/hostile/check.rs`.

#![no_main]

#[path = "../../remux/tests/hostile/check.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
