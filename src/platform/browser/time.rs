//! The clock, timers, tasks, random numbers, User Timing marks and the size of the wasm memory.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_namespace = performance, js_name = mark)]
    fn performance_mark(name: &str);

    #[wasm_bindgen(thread_local_v2, js_namespace = performance, js_name = timeOrigin)]
    static TIME_ORIGIN: f64;
}

/// Milliseconds since the Unix epoch, by a clock that all threads share and that never runs backwards:
/// `performance.timeOrigin + performance.now()`.
pub fn now() -> f64 {
    TIME_ORIGIN.with(|origin| *origin) + performance_now()
}

/// Completes when the time of [`sleep`] has passed. Dropping it stops the timer.
#[derive(Debug)]
#[must_use = "dropping it stops the timer"]
pub struct Sleep(TimeoutFuture);

/// Starts a timer. It starts with this call, not with the first poll.
pub fn sleep(milliseconds: u32) -> Sleep {
    Sleep(TimeoutFuture::new(milliseconds))
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}

/// Runs a task on this thread, once the current task yields.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

/// A random number from 0 up to, but not including, 1.
pub fn random() -> f64 {
    js_sys::Math::random()
}

/// Sets a [User Timing](https://w3c.github.io/user-timing/) mark on this thread's timeline.
pub fn mark(name: &str) {
    performance_mark(name);
}

/// The size of a page of wasm memory.
const PAGE_BYTES: usize = 65_536;

/// The size of this program's wasm memory, in bytes.
pub fn memory_size() -> u32 {
    (core::arch::wasm32::memory_size::<0>() * PAGE_BYTES) as u32
}
