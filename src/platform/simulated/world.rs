//! The world: virtual time, the scheduler, threads, and the record of what happened.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    fmt,
    future::Future,
    pin::Pin,
    rc::{Rc, Weak},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::{
    Bytes,
    browser::Browser,
    media_element::ElementState,
    media_source::SourceState,
    model::{MILLISECOND, Nanos},
    network::Network,
    random::Random,
};

/// World time at which every simulation begins, in milliseconds since the Unix epoch.
pub const EPOCH_MS: f64 = 1_700_000_000_000.0;

/// Steps without any progress of time after which the program is taken to run in circles.
const LIVELOCK: u32 = 200_000;

/// How many lines of the trace are kept.
const TRACE_LINES: usize = 400;

/// A simulated machine with one browser: its clock, its threads, its network.
///
/// It is single-threaded, and the current one of a native thread ([`enter`](Self::enter)) is what the functions
/// of [`crate::platform`] act on. Cloning gives another handle to the same world.
#[derive(Clone)]
pub struct World(Rc<Inner>);

pub(super) struct Inner {
    seed: u64,
    browser: Browser,
    now: Cell<Nanos>,
    /// Which job runs next.
    schedule: RefCell<Random>,
    /// How long things take in the browser.
    latencies: RefCell<Random>,
    /// What the program draws.
    program: RefCell<Random>,
    next_id: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    woken: Arc<Mutex<Vec<u64>>>,
    ready: RefCell<Vec<u64>>,
    queues: RefCell<BTreeMap<Queue, VecDeque<Job>>>,
    timers: RefCell<BTreeMap<(Nanos, u64), Timer>>,
    threads: RefCell<Vec<ThreadState>>,
    current: Cell<Thread>,
    steps_at_this_time: Cell<u32>,
    steps: Cell<u64>,
    trace: RefCell<Trace>,
    violations: RefCell<Vec<String>>,
    object_urls: RefCell<BTreeMap<String, Bytes>>,
    pub(super) network: RefCell<Network>,
    pub(super) sources: RefCell<BTreeMap<u32, Rc<SourceState>>>,
    pub(super) elements: RefCell<Vec<Weak<ElementState>>>,
}

type Job = Box<dyn FnOnce()>;

struct Task {
    thread: Thread,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    waker: Waker,
    /// Kept here too, to be cleared before each poll.
    is_woken: Arc<TaskWaker>,
}

struct TaskWaker {
    id: u64,
    is_woken: AtomicBool,
    woken: Arc<Mutex<Vec<u64>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::Relaxed) {
            let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
            woken.push(self.id);
        }
    }
}

struct Timer {
    queue: Queue,
    job: Job,
}

/// Where a job waits for its turn. Jobs of one queue run in their order, as those of one
/// [task source](https://html.spec.whatwg.org/#task-source) do; between queues the seed decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Queue {
    /// Outside of all program threads: the network and the decoders of the browser.
    Browser,
    /// Timers of a thread.
    Timers(Thread),
    /// Network responses to a thread.
    Network(Thread),
    /// Media events to a thread.
    Media(Thread),
    /// Messages to a thread.
    Messages { from: Thread, to: Thread },
}

impl Queue {
    const fn thread(self) -> Option<Thread> {
        match self {
            Self::Browser => None,
            Self::Timers(thread) | Self::Network(thread) | Self::Media(thread) => Some(thread),
            Self::Messages { to, .. } => Some(to),
        }
    }
}

/// A thread of the simulated browser: the page, or a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thread(u32);

impl Thread {
    /// The page's thread.
    pub const PAGE: Self = Self(0);
}

#[derive(Clone, Copy, Debug, Default)]
struct ThreadState {
    is_dead: bool,
    /// Until when it runs nothing; [`FOREVER`](super::model::FOREVER) for a frozen page.
    blocked_until: Nanos,
    /// Whether its timers are aligned to whole seconds, as those of a hidden page.
    is_throttled: bool,
    last_message: Nanos,
}

/// The record of what happened: a hash of everything, and the last lines.
#[derive(Debug)]
struct Trace {
    hash: u64,
    lines: VecDeque<String>,
}

/// Why a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// What was waited for is so.
    Done,
    /// Nothing will ever happen any more.
    Idle,
    /// The time is over.
    Deadline,
    /// The program runs in circles without any time passing.
    Livelock,
}

thread_local! {
    static CURRENT: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Makes a world the current one until this is dropped. Then all tasks, timers and jobs of the world are
/// dropped, and the world before becomes the current one again.
#[must_use = "the world is only current while this is held"]
pub struct Entered {
    world: World,
    before: Option<World>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.world.clear();
        CURRENT.set(self.before.take());
    }
}

impl World {
    /// A world that behaves like this browser and is otherwise determined by its seed.
    pub fn new(seed: u64, browser: Browser) -> Self {
        Self(Rc::new(Inner {
            seed,
            browser,
            now: Cell::new(0),
            schedule: RefCell::new(Random::new(seed, 1)),
            latencies: RefCell::new(Random::new(seed, 2)),
            program: RefCell::new(Random::new(seed, 3)),
            next_id: Cell::new(0),
            tasks: RefCell::default(),
            woken: Arc::default(),
            ready: RefCell::default(),
            queues: RefCell::default(),
            timers: RefCell::default(),
            threads: RefCell::new(vec![ThreadState::default()]),
            current: Cell::new(Thread::PAGE),
            steps_at_this_time: Cell::new(0),
            steps: Cell::new(0),
            trace: RefCell::new(Trace {
                hash: 0xCBF2_9CE4_8422_2325,
                lines: VecDeque::new(),
            }),
            violations: RefCell::default(),
            object_urls: RefCell::default(),
            network: RefCell::new(Network::new()),
            sources: RefCell::default(),
            elements: RefCell::default(),
        }))
    }

    /// Makes this the world that [`crate::platform`] acts on, on this native thread.
    pub fn enter(&self) -> Entered {
        Entered {
            world: self.clone(),
            before: CURRENT.replace(Some(self.clone())),
        }
    }

    /// The current world.
    ///
    /// # Panics
    /// If there is none: a program that uses [`crate::platform`] natively has to enter one.
    pub fn current() -> Self {
        match Self::try_current() {
            Some(world) => world,
            None => panic!("no simulated world has been entered on this thread"),
        }
    }

    /// The current world, if there is one.
    pub fn try_current() -> Option<Self> {
        // While the thread itself ends, there is none either.
        CURRENT.try_with(|current| current.borrow().clone()).ok()?
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// Which browser it is.
    pub fn with_browser<T>(&self, read: impl FnOnce(&Browser) -> T) -> T {
        read(&self.0.browser)
    }

    /// Milliseconds since the world began.
    pub fn elapsed_ms(&self) -> f64 {
        self.nanos() as f64 / MILLISECOND as f64
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// World time.
    pub(super) fn nanos(&self) -> Nanos {
        self.0.now.get()
    }

    /// A number that nothing else has in this world.
    pub(super) fn unique(&self) -> u64 {
        let id = self.0.next_id.get() + 1;
        self.0.next_id.set(id);
        id
    }

    /// How long something takes in the browser: between two times in milliseconds.
    pub(super) fn latency(&self, low_ms: f64, high_ms: f64) -> Nanos {
        let drawn = self.0.latencies.borrow_mut().between(low_ms, high_ms);
        (drawn * MILLISECOND as f64) as Nanos
    }

    /// Whether something of this probability happens in the browser.
    pub(super) fn chance(&self, probability: f64) -> bool {
        self.0.latencies.borrow_mut().chance(probability)
    }

    /// What the program draws.
    pub(super) fn random(&self) -> f64 {
        self.0.program.borrow_mut().unit()
    }

    // Threads.

    /// Starts a worker's thread.
    pub fn start_worker(&self) -> Thread {
        let mut threads = self.0.threads.borrow_mut();
        threads.push(ThreadState::default());
        Thread(threads.len() as u32 - 1)
    }

    /// The thread whose program runs now.
    pub fn thread(&self) -> Thread {
        self.0.current.get()
    }

    /// Runs a function as a program of a thread, at once.
    pub fn on<T>(&self, thread: Thread, act: impl FnOnce() -> T) -> T {
        let before = self.0.current.replace(thread);
        let result = act();
        self.0.current.set(before);
        result
    }

    /// Whether a thread has not been terminated.
    pub fn is_alive(&self, thread: Thread) -> bool {
        !self.state(thread).is_dead
    }

    fn state(&self, thread: Thread) -> ThreadState {
        let threads = self.0.threads.borrow();
        threads.get(thread.0 as usize).copied().unwrap_or_default()
    }

    fn change(&self, thread: Thread, change: impl FnOnce(&mut ThreadState)) {
        if let Some(state) = self.0.threads.borrow_mut().get_mut(thread.0 as usize) {
            change(state);
        }
    }

    /// Sends a message to another thread: a function that runs there as a task of its own. Messages between
    /// two threads arrive in their order, a few milliseconds late, and never at a thread that was terminated,
    /// nor from one.
    pub fn post(&self, to: Thread, message: impl FnOnce() + 'static) {
        let from = self.thread();
        if !self.is_alive(from) || !self.is_alive(to) {
            return;
        }
        let arrives = self.nanos() + self.latency(0.05, 2.0);
        let arrives = arrives.max(self.state(from).last_message);
        self.change(from, |state| state.last_message = arrives);
        self.at(arrives, Queue::Messages { from, to }, message);
    }

    /// Keeps a thread busy: it runs nothing for so long.
    pub fn block(&self, thread: Thread, milliseconds: f64) {
        let until = self.nanos() + (milliseconds * MILLISECOND as f64) as Nanos;
        self.change(thread, |state| {
            state.blocked_until = state.blocked_until.max(until)
        });
        // Time has to come to that point by itself.
        self.at(until, Queue::Browser, || {});
        self.note(format_args!("{thread:?} is blocked for {milliseconds} ms"));
    }

    /// Freezes a thread, as a browser freezes a page in the background, until [`thaw`](Self::thaw).
    pub fn freeze(&self, thread: Thread) {
        self.change(thread, |state| state.blocked_until = Nanos::MAX);
        self.note(format_args!("{thread:?} is frozen"));
    }

    /// Lets a frozen thread run again.
    pub fn thaw(&self, thread: Thread) {
        self.change(thread, |state| state.blocked_until = 0);
        self.note(format_args!("{thread:?} is thawed"));
    }

    /// Hides or shows a page: the timers of a hidden page's thread fire at whole seconds only.
    pub fn set_hidden(&self, thread: Thread, is_hidden: bool) {
        self.change(thread, |state| state.is_throttled = is_hidden);
        self.note(format_args!("{thread:?} is hidden: {is_hidden}"));
    }

    /// Terminates a worker: none of its tasks goes on, its requests are aborted and its MediaSources are lost.
    /// The destructors of its tasks do run, but can reach nobody.
    pub fn terminate(&self, thread: Thread) {
        self.note(format_args!("{thread:?} is terminated"));
        self.change(thread, |state| state.is_dead = true);
        let is_its = |task: &Task| task.thread == thread;
        let mut lost = Vec::new();
        self.0.tasks.borrow_mut().retain(|_, task| {
            let keeps = !is_its(task);
            if !keeps {
                lost.extend(task.future.take());
            }
            keeps
        });
        let mut jobs = Vec::new();
        self.0.queues.borrow_mut().retain(|queue, waiting| {
            let keeps = queue.thread() != Some(thread);
            if !keeps {
                jobs.append(&mut waiting.drain(..).collect());
            }
            keeps
        });
        self.on(thread, || drop((lost, jobs)));
        let sources = self.0.sources.borrow();
        let lost: Vec<_> = sources
            .values()
            .filter(|it| it.owner() == thread)
            .cloned()
            .collect();
        drop(sources);
        for source in lost {
            source.lose_owner();
        }
    }

    /// The machine sleeps: world time goes on, and nothing else does. What was being fetched fails afterwards.
    pub fn suspend(&self, milliseconds: f64) {
        self.note(format_args!("the machine sleeps for {milliseconds} ms"));
        let time = (milliseconds * MILLISECOND as f64) as Nanos;
        for element in self.living_elements() {
            element.skip(time);
        }
        self.0.now.set(self.nanos() + time);
        super::network::fail_all(self, "net::ERR_NETWORK_IO_SUSPENDED");
    }

    pub(super) fn living_elements(&self) -> Vec<Rc<ElementState>> {
        self.0
            .elements
            .borrow_mut()
            .retain(|it| it.strong_count() > 0);
        let elements = self.0.elements.borrow();
        elements.iter().filter_map(Weak::upgrade).collect()
    }

    // Tasks and time.

    /// Runs a task on the current thread.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let thread = self.thread();
        if !self.is_alive(thread) {
            return;
        }
        let id = self.unique();
        let is_woken = Arc::new(TaskWaker {
            id,
            is_woken: AtomicBool::new(true),
            woken: self.0.woken.clone(),
        });
        let task = Task {
            thread,
            future: Some(Box::pin(task)),
            waker: is_woken.clone().into(),
            is_woken,
        };
        self.0.tasks.borrow_mut().insert(id, task);
        self.0.ready.borrow_mut().push(id);
    }

    /// Queues a job.
    pub(super) fn queue(&self, queue: Queue, job: impl FnOnce() + 'static) {
        if queue.thread().is_some_and(|thread| !self.is_alive(thread)) {
            return;
        }
        let mut queues = self.0.queues.borrow_mut();
        queues.entry(queue).or_default().push_back(Box::new(job));
    }

    /// Queues a job at a time. Returns a key by which it can be cancelled before.
    pub(super) fn at(&self, time: Nanos, queue: Queue, job: impl FnOnce() + 'static) -> TimerKey {
        let mut time = time;
        if let Queue::Timers(thread) = queue
            && self.state(thread).is_throttled
        {
            const SECOND: Nanos = 1_000 * MILLISECOND;
            time = time
                .div_euclid(SECOND)
                .saturating_add(1)
                .saturating_mul(SECOND);
        }
        let key = (time, self.unique());
        let job: Job = Box::new(job);
        self.0.timers.borrow_mut().insert(key, Timer { queue, job });
        TimerKey(key)
    }

    /// Cancels what [`at`](Self::at) queued, if its time has not come.
    pub(super) fn cancel(&self, key: TimerKey) {
        let cancelled = self.0.timers.borrow_mut().remove(&key.0);
        // Dropped only now, as it may hold what cancels in turn.
        drop(cancelled);
    }

    /// Runs one job or polls one task; if there is none, moves time on to the next timer. `false` if there is
    /// nothing to wait for either.
    pub fn step(&self) -> bool {
        self.0.steps.set(self.0.steps.get() + 1);
        let woken =
            std::mem::take(&mut *self.0.woken.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.ready.borrow_mut().extend(woken);
        let now = self.nanos();
        let runs = |thread: Thread| {
            let state = self.state(thread);
            !state.is_dead && state.blocked_until <= now
        };
        let mut candidates = Vec::new();
        {
            let tasks = self.0.tasks.borrow();
            self.0
                .ready
                .borrow_mut()
                .retain(|id| tasks.contains_key(id));
            for (nth, id) in self.0.ready.borrow().iter().enumerate() {
                if tasks.get(id).is_some_and(|task| runs(task.thread)) {
                    candidates.push(Candidate::Task(nth));
                }
            }
        }
        for (queue, jobs) in self.0.queues.borrow().iter() {
            if !jobs.is_empty() && queue.thread().is_none_or(runs) {
                candidates.push(Candidate::Queue(*queue));
            }
        }
        if candidates.is_empty() {
            return self.move_on();
        }
        self.0
            .steps_at_this_time
            .set(self.0.steps_at_this_time.get() + 1);
        let drawn = match candidates.len() {
            1 => 0,
            count => self.0.schedule.borrow_mut().below(count),
        };
        match candidates[drawn] {
            Candidate::Task(nth) => {
                let id = self.0.ready.borrow_mut().remove(nth);
                self.hash(id);
                self.poll(id);
            }
            Candidate::Queue(queue) => {
                let job = {
                    let mut queues = self.0.queues.borrow_mut();
                    queues.get_mut(&queue).and_then(VecDeque::pop_front)
                };
                if let Some(job) = job {
                    self.on(queue.thread().unwrap_or(Thread::PAGE), job);
                }
            }
        }
        true
    }

    fn poll(&self, id: u64) {
        let taken = {
            let mut tasks = self.0.tasks.borrow_mut();
            tasks.get_mut(&id).and_then(|task| {
                task.is_woken.is_woken.store(false, Ordering::Relaxed);
                Some((task.thread, task.waker.clone(), task.future.take()?))
            })
        };
        let Some((thread, waker, mut future)) = taken else {
            return;
        };
        let mut context = Context::from_waker(&waker);
        let polled = self.on(thread, || future.as_mut().poll(&mut context));
        let mut tasks = self.0.tasks.borrow_mut();
        let finished = match (polled, tasks.get_mut(&id)) {
            (Poll::Pending, Some(task)) => {
                task.future = Some(future);
                return;
            }
            // Its thread was terminated meanwhile, by the task itself.
            (_, None) => future,
            (Poll::Ready(()), Some(_)) => {
                tasks.remove(&id);
                future
            }
        };
        drop(tasks);
        self.on(thread, || drop(finished));
    }

    /// Moves time on to the next timer, and queues all that are due then.
    fn move_on(&self) -> bool {
        let Some((&(time, _), _)) = self
            .0
            .timers
            .borrow()
            .first_key_value()
            .map(|it| (it.0, ()))
        else {
            return false;
        };
        if time > self.nanos() {
            self.0.now.set(time);
            self.0.steps_at_this_time.set(0);
            self.hash(time as u64);
        }
        loop {
            let due = {
                let mut timers = self.0.timers.borrow_mut();
                match timers.first_entry() {
                    Some(first) if first.key().0 <= self.nanos() => first.remove(),
                    _ => return true,
                }
            };
            self.queue(due.queue, due.job);
        }
    }

    /// Runs until something is so, or for so many milliseconds of world time at most.
    pub fn run_until(&self, milliseconds: f64, mut is_done: impl FnMut() -> bool) -> Ended {
        let deadline = self.nanos() + (milliseconds * MILLISECOND as f64) as Nanos;
        let is_over = Rc::new(Cell::new(false));
        let over = is_over.clone();
        let key = self.at(deadline, Queue::Browser, move || over.set(true));
        loop {
            let ended = if is_done() {
                Ended::Done
            } else if is_over.get() {
                Ended::Deadline
            } else if self.0.steps_at_this_time.get() > LIVELOCK {
                Ended::Livelock
            } else if self.step() {
                continue;
            } else {
                Ended::Idle
            };
            self.cancel(key);
            return ended;
        }
    }

    /// Runs for so many milliseconds of world time.
    pub fn run_for(&self, milliseconds: f64) -> Ended {
        self.run_until(milliseconds, || false)
    }

    /// Runs a future to its end on the current thread; `None` if it takes more than so many milliseconds of world
    /// time.
    pub fn block_on<T: 'static>(
        &self,
        milliseconds: f64,
        future: impl Future<Output = T> + 'static,
    ) -> Option<T> {
        let result = Rc::new(RefCell::new(None));
        let to = result.clone();
        self.spawn(async move {
            let value = future.await;
            to.replace(Some(value));
        });
        self.run_until(milliseconds, || result.borrow().is_some());
        result.take()
    }

    /// How many tasks there are. None is left over when a program has ended.
    pub fn task_count(&self) -> usize {
        self.0.tasks.borrow().len()
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    /// Drops all that the program has left, which may hold the world in turn.
    fn clear(&self) {
        for element in self.living_elements() {
            element.forget_listeners();
        }
        let tasks = self.0.tasks.take();
        for (_, task) in tasks {
            self.on(task.thread, || drop(task.future));
        }
        drop(self.0.timers.take());
        drop(self.0.queues.take());
        drop(self.0.sources.take());
        super::network::clear(self);
    }

    // The record.

    /// Adds a line to the trace.
    pub fn note(&self, line: fmt::Arguments<'_>) {
        let now = self.elapsed_ms();
        let line = format!("{now:>12.3} {line}");
        self.hash_bytes(line.as_bytes());
        let mut trace = self.0.trace.borrow_mut();
        if trace.lines.len() == TRACE_LINES {
            trace.lines.pop_front();
        }
        trace.lines.push_back(line);
    }

    /// The last lines of the trace, oldest first.
    pub fn trace(&self) -> Vec<String> {
        self.0.trace.borrow().lines.iter().cloned().collect()
    }

    /// A hash of everything that happened, in its order: equal if and only if two runs were equal, but for
    /// collisions.
    pub fn trace_hash(&self) -> u64 {
        self.0.trace.borrow().hash
    }

    fn hash(&self, number: u64) {
        self.hash_bytes(&number.to_le_bytes());
    }

    /// FNV-1a.
    fn hash_bytes(&self, bytes: &[u8]) {
        let mut trace = self.0.trace.borrow_mut();
        trace.hash = bytes.iter().fold(trace.hash, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        });
    }

    /// Records that the program did what it must not do.
    pub fn violate(&self, what: fmt::Arguments<'_>) {
        self.note(format_args!("VIOLATION: {what}"));
        self.0.violations.borrow_mut().push(what.to_string());
    }

    /// What the program did that it must not do, in order.
    pub fn violations(&self) -> Vec<String> {
        self.0.violations.borrow().clone()
    }

    // Object URLs.

    pub(super) fn add_object_url(&self, file: Bytes) -> String {
        let url = format!("blob:https://simulated.test/{}", self.unique());
        self.0.object_urls.borrow_mut().insert(url.clone(), file);
        url
    }

    pub(super) fn revoke_object_url(&self, url: &str) {
        self.0.object_urls.borrow_mut().remove(url);
    }

    /// The file that an object URL stands for.
    pub fn object_url(&self, url: &str) -> Option<Bytes> {
        self.0.object_urls.borrow().get(url).cloned()
    }
}

#[derive(Clone, Copy)]
enum Candidate {
    /// A position among the ready tasks.
    Task(usize),
    Queue(Queue),
}

/// Names a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimerKey((Nanos, u64));
