//! See `captions` in `src/lib.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| yew_mse_worker_fuzz::captions(bytes));
