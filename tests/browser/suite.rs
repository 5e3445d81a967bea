//! Each test in each browser, by the same code. A browser is started when it is first needed, and serves
//! one test after another, each in a window of its own with a server, and so an origin, of its own.

use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, resume_unwind},
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use futures_util::{FutureExt, future::LocalBoxFuture};
use libtest_mimic::{Arguments, Completion, Trial};
use tokio::{
    runtime::Runtime,
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
};

use crate::{
    browser::{Browser, Window},
    server::Server,
    stage::Stage,
};

/// What `#[apply(in_every_browser!)]` makes of a function.
pub struct Test {
    /// Such as `browser::seeking`.
    pub module: &'static str,
    pub name: &'static str,
    pub run: Run,
}

type Run = for<'a> fn(&'a Stage) -> LocalBoxFuture<'a, ()>;

inventory::collect!(Test);

/// The attribute of a test: `async fn what_is_so(stage: &Stage)`.
macro_rules! in_every_browser {
    ($(#[$doc:meta])* async fn $name:ident($stage:ident: &Stage $(,)?) $body:block) => {
        $(#[$doc])*
        async fn $name($stage: &Stage) $body

        inventory::submit! {
            $crate::suite::Test {
                module: module_path!(),
                name: stringify!($name),
                run: |stage| Box::pin($name(stage)),
            }
        }
    };
}
pub(crate) use in_every_browser;

/// What a test unwinds with that cannot be had in this browser, and why.
pub struct Skipped(pub String);

/// A test that failed.
struct Failure {
    /// What it unwound with.
    panic: Box<dyn Any + Send>,
    /// What became of the browser, if that broke down.
    why: Option<String>,
}

/// Leave to run: beside other tests, until this one asks to be alone.
pub struct Turn {
    machine: Arc<RwLock<()>>,
    shared: RefCell<Option<OwnedRwLockReadGuard<()>>>,
    alone: RefCell<Option<OwnedRwLockWriteGuard<()>>>,
}

impl Turn {
    async fn shared(machine: Arc<RwLock<()>>) -> Self {
        Self {
            shared: RefCell::new(Some(machine.clone().read_owned().await)),
            alone: RefCell::default(),
            machine,
        }
    }

    /// Waits until no other test runs. None does until this one is over.
    pub async fn alone(&self) {
        if self.alone.borrow().is_some() {
            return;
        }
        self.shared.take();
        let alone = self.machine.clone().write_owned().await;
        self.alone.replace(Some(alone));
    }
}

/// What all tests share: the machine, and the browsers that wait for their next test.
#[derive(Default)]
struct Theatre {
    machine: Arc<RwLock<()>>,
    idle: Mutex<Vec<Window>>,
    /// Tests that failed beside others and then passed alone.
    flaky: AtomicU32,
}

/// How many flaky tests a run passes with.
const MAX_FLAKY: u32 = 2;

/// Files whose tests run in Chromium alone, with the reason. Every other test runs in all three browsers.
const CHROMIUM_ONLY: [(&str, &str); 5] = [
    ("claims", "the claims are about MediaSource in workers"),
    (
        "clock",
        "only an engine in a worker plays on while the page is blocked",
    ),
    (
        "lab",
        "the lab draws what the engine reports, the same in every browser",
    ),
    (
        "network",
        "retries are the engine's, and tests/engine.rs plays it with each browser's model",
    ),
    ("quality", "the choice of quality is the engine's, as above"),
];

fn runs_in(browser: Browser, file: &str) -> bool {
    browser == Browser::Chromium || CHROMIUM_ONLY.iter().all(|(only, _)| *only != file)
}

/// Runs all tests, or those that the command line asks for: `firefox` for all in Firefox, `seeking` for
/// those of a file in all three.
pub fn run() -> ExitCode {
    let runtime = Arc::new(Runtime::new().unwrap());
    let theatre = Arc::new(Theatre::default());
    let mut tests: Vec<&Test> = inventory::iter::<Test>().collect();
    tests.sort_by_key(|test| (test.module, test.name));
    let mut trials = Vec::new();
    for browser in Browser::ALL {
        for test in &tests {
            let (_, file) = test.module.split_once("::").unwrap();
            if !runs_in(browser, file) {
                continue;
            }
            let (runtime, theatre, run) = (runtime.clone(), theatre.clone(), test.run);
            let name = format!("{browser}::{file}::{}", test.name);
            let trial = Trial::ignorable_test(name.clone(), move || {
                Ok(runtime.block_on(theatre.perform(&name, browser, run)))
            });
            // What takes a quarter of an hour is for who asks for it.
            trials.push(trial.with_ignored_flag(file == "soak"));
        }
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    runtime.block_on(theatre.close());
    conclusion.exit_code()
}

impl Theatre {
    /// Runs a test. One that fails is repeated once, in another browser: beside others if the browser
    /// broke down, else alone, and then it counts as flaky if it passes.
    async fn perform(&self, name: &str, browser: Browser, run: Run) -> Completion {
        let turn = Turn::shared(self.machine.clone()).await;
        let failure = match self.attempt(browser, run, turn).await {
            Ok(completion) => return completion,
            Err(failure) => failure,
        };
        let turn = Turn::shared(self.machine.clone()).await;
        if let Some(why) = &failure.why {
            println!("{browser} broke down in {name}, which is repeated: {why}");
        } else {
            println!("{name} failed and is repeated alone");
            turn.alone().await;
        }
        let completion = self.attempt(browser, run, turn).await;
        let completion = completion.unwrap_or_else(|failure| resume_unwind(failure.panic));
        if failure.why.is_none() {
            let flaky = self.flaky.fetch_add(1, Ordering::Relaxed) + 1;
            println!("FLAKY ({flaky}): {name} failed beside others and passed alone");
            if flaky > MAX_FLAKY {
                resume_unwind(failure.panic);
            }
        }
        completion
    }

    async fn attempt(&self, browser: Browser, run: Run, turn: Turn) -> Result<Completion, Failure> {
        let stage = Stage {
            turn,
            server: Server::start().await,
            window: self.window(browser).await,
        };
        let outcome = AssertUnwindSafe(run(&stage)).catch_unwind().await;
        let completion = match outcome.map_err(|panic| panic.downcast::<Skipped>()) {
            Ok(()) => Completion::Completed,
            Err(Ok(skipped)) => Completion::ignored_with(skipped.0),
            Err(Err(panic)) => {
                let why = stage.breakdown().await;
                // From whatever has been done to it, no other test is to suffer.
                stage.window.quit().await;
                return Err(Failure { panic, why });
            }
        };
        match stage.window.renew().await {
            Ok(()) => self.idle.lock().unwrap().push(stage.window),
            // Its next test gets another one.
            Err(error) => {
                println!("{browser} breaks down after its test: {error}");
                stage.window.quit().await;
            }
        }
        Ok(completion)
    }

    async fn window(&self, browser: Browser) -> Window {
        let idle = {
            let mut idle = self.idle.lock().unwrap();
            let at = idle.iter().position(|window| window.browser == browser);
            at.map(|at| idle.swap_remove(at))
        };
        match idle {
            Some(window) => window,
            None => Window::open(browser).await,
        }
    }

    async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap());
        for window in idle {
            window.quit().await;
        }
    }
}
