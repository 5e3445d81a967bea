//! Time, tasks and randomness of the simulated world.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use super::{
    model::MILLISECOND,
    world::{EPOCH_MS, Queue, TimerKey, World},
};
use crate::platform::Exception;

/// Milliseconds since the Unix epoch.
pub fn now() -> f64 {
    EPOCH_MS + World::current().elapsed_ms()
}

/// Completes when the time of [`sleep`] has passed. Dropping it stops the timer.
#[derive(Debug)]
#[must_use = "dropping it stops the timer"]
pub struct Sleep {
    key: TimerKey,
    signal: Signal,
}

/// Starts a timer, with the call and not with the first poll.
pub fn sleep(milliseconds: u32) -> Sleep {
    let world = World::current();
    let signal = Signal::default();
    let fires = signal.clone();
    let at = world.nanos() + i64::from(milliseconds) * MILLISECOND;
    let key = world.at(at, Queue::Timers(world.thread()), move || fires.set());
    Sleep { key, signal }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.signal.poll(context)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(world) = World::try_current() {
            world.cancel(self.key);
        }
    }
}

/// Runs a task on this thread, beginning after the current one yields.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    World::current().spawn(task);
}

/// A number from 0 up to, but not including, 1, which follows from the seed.
pub fn random() -> f64 {
    World::current().random()
}

/// Sets a User Timing mark: a line of the trace.
pub fn mark(name: &str) {
    World::current().note(format_args!("mark {name}"));
}

/// The size of a program's memory in bytes, which the simulation does not know.
pub const fn memory_size() -> u32 {
    0
}

/// Reports an uncaught exception, which is a violation.
pub fn report_error(exception: &Exception) {
    World::current().violate(format_args!("uncaught {exception:?}"));
}

/// Something that happens once, and wakes those who wait for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Signal(Rc<RefCell<SignalState>>);

#[derive(Debug, Default)]
struct SignalState {
    is_set: bool,
    waiting: Vec<Waker>,
}

impl Signal {
    /// It happens.
    pub(super) fn set(&self) {
        let waiting = {
            let mut state = self.0.borrow_mut();
            state.is_set = true;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether this is the only handle to it.
    pub(super) fn is_alone(&self) -> bool {
        Rc::strong_count(&self.0) == 1
    }

    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.0.borrow_mut();
        if state.is_set {
            return Poll::Ready(());
        }
        if !state
            .waiting
            .iter()
            .any(|waker| waker.will_wake(context.waker()))
        {
            state.waiting.push(context.waker().clone());
        }
        Poll::Pending
    }

    /// Waits until it happens.
    pub(super) async fn wait(&self) {
        std::future::poll_fn(|context| self.poll(context)).await;
    }
}
