//! Registers the browser tests and runs each in its browsers. A browser is started when it is first needed and
//! runs one test after another, each in a new window and with its own server, and therefore its own origin.

use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, resume_unwind},
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::LocalBoxFuture};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use thirtyfour::error::WebDriverError;
use tokio::{
    runtime::Runtime,
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
    time::timeout,
};

use crate::{
    browser::{Browser, Window},
    context::{TIMEOUT, TestContext},
    server::Server,
};

/// A test, as `#[apply(browser_test!)]` registers it.
pub struct Test {
    /// Such as `browser::seeking`.
    pub module: &'static str,
    pub name: &'static str,
    /// The browsers it runs in: Chromium, and those that differ from it here.
    pub browsers: &'static [Browser],
    /// What in the test needs a browser. The rest is tested in the simulated browser.
    pub why: &'static str,
    /// Why it is not part of every run; `None` if it is.
    pub ignored: Option<&'static str>,
    pub run: Run,
}

type Run = for<'a> fn(&'a TestContext) -> LocalBoxFuture<'a, ()>;

inventory::collect!(Test);

/// Registers a test.
///
/// ```ignore
/// #[apply(browser_test!)]
/// #[runs_in(Chromium, Firefox; "what needs a browser")]
/// async fn condition_and_outcome(test: &TestContext) {}
/// ```
///
/// `#[ignore = "reason"]` after that leaves it to `--ignored`.
macro_rules! browser_test {
    (
        $(#[doc = $doc:expr])*
        #[runs_in($($browser:ident),+; $why:literal)]
        $(#[ignore = $ignored:literal])?
        async fn $name:ident($test:ident: &TestContext $(,)?) $body:block
    ) => {
        $(#[doc = $doc])*
        async fn $name($test: &TestContext) $body

        inventory::submit! {
            $crate::suite::Test {
                module: module_path!(),
                name: stringify!($name),
                browsers: &[$($crate::browser::Browser::$browser),+],
                why: $why,
                ignored: [$($ignored,)?].as_slice().first().copied(),
                run: |test| Box::pin($name(test)),
            }
        }
    };
}
pub(crate) use browser_test;

/// Unwinds a test that needs a feature which this browser lacks. Contains the reason.
pub struct Skipped(pub String);

/// A failed attempt at a test.
struct Failure {
    panic: Box<dyn Any + Send>,
    /// How the browser itself failed, if it did.
    browser_failure: Option<String>,
}

/// Permission to run beside other tests, or [alone](Self::alone).
#[derive(Default)]
pub struct Slot {
    machine: Arc<RwLock<()>>,
    shared: RefCell<Option<OwnedRwLockReadGuard<()>>>,
    exclusive: RefCell<Option<OwnedRwLockWriteGuard<()>>>,
}

impl Slot {
    async fn shared(machine: Arc<RwLock<()>>) -> Self {
        Self {
            shared: RefCell::new(Some(machine.clone().read_owned().await)),
            exclusive: RefCell::default(),
            machine,
        }
    }

    /// Waits until no other test runs. No other test starts before this one has ended.
    pub async fn alone(&self) {
        if self.exclusive.borrow().is_some() {
            return;
        }
        self.shared.take();
        let exclusive = self.machine.clone().write_owned().await;
        self.exclusive.replace(Some(exclusive));
    }
}

/// Runs tests in browsers, and keeps the browsers that wait for their next test.
#[derive(Default)]
struct Runner {
    machine: Arc<RwLock<()>>,
    idle: Mutex<Vec<Window>>,
    /// Tests that failed beside others and passed alone.
    flaky: AtomicU32,
    /// How long each test ran, without waiting for its slot.
    durations: Mutex<Vec<(Duration, String)>>,
}

/// How many flaky tests a run passes with.
const MAX_FLAKY: u32 = 2;
/// How many slow tests are printed.
const MAX_SLOWEST: usize = 20;
/// A test that takes longer is slow.
const SLOW: Duration = Duration::from_secs(20);
/// The length of a test's name that fits into a line of a report.
const MAX_NAME_LENGTH: usize = 60;

/// Runs the tests that the command line selects: `firefox` for all in Firefox, `seeking` for those of a file.
pub fn run() -> ExitCode {
    let runtime = Arc::new(Runtime::new().unwrap());
    let runner = Arc::new(Runner::default());
    let mut tests: Vec<&Test> = inventory::iter::<Test>().collect();
    tests.sort_by_key(|test| (test.module, test.name));
    let mut trials = vec![Trial::test("suite::every_test_says_why", {
        let tests = tests.clone();
        move || check_tests(&tests)
    })];
    for browser in Browser::ALL {
        for test in &tests {
            if !test.browsers.contains(&browser) {
                continue;
            }
            let (_, file) = test.module.split_once("::").unwrap();
            let (runtime, runner) = (runtime.clone(), runner.clone());
            let (run, is_repeatable) = (test.run, test.ignored.is_none());
            let name = format!("{browser}::{file}::{}", test.name);
            let trial = Trial::ignorable_test(name.clone(), move || {
                Ok(runtime.block_on(runner.run(&name, browser, run, is_repeatable)))
            });
            // `--list` prints the reason before the name.
            let trial = trial.with_kind(test.why);
            trials.push(trial.with_ignored_flag(test.ignored.is_some()));
        }
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    runtime.block_on(runner.close());
    runner.print_slowest();
    conclusion.exit_code()
}

/// Checks that each test says why it needs a browser, and has a name that fits into a line.
fn check_tests(tests: &[&Test]) -> Result<(), Failed> {
    for test in tests {
        let name = format!("{}::{}", test.module, test.name);
        if test.why.trim().len() < 3 {
            return Err(format!("{name} does not say why it needs a browser").into());
        }
        if test.name.len() > MAX_NAME_LENGTH {
            return Err(format!("{name}: the name is longer than {MAX_NAME_LENGTH}").into());
        }
        if test.ignored.is_some_and(str::is_empty) {
            return Err(format!("{name} does not say why it is ignored").into());
        }
    }
    Ok(())
}

impl Runner {
    /// Runs a test. If it fails, it is repeated once in a new browser: beside other tests if the browser itself
    /// failed, else alone. One that then passes alone counts as flaky. The long ones are not repeated.
    async fn run(&self, name: &str, browser: Browser, run: Run, is_repeatable: bool) -> Completion {
        let slot = Slot::shared(self.machine.clone()).await;
        let began = Instant::now();
        let outcome = self.attempt(browser, run, slot).await;
        let duration = (began.elapsed(), name.to_owned());
        self.durations.lock().unwrap().push(duration);
        let failure = match outcome {
            Ok(completion) => return completion,
            Err(failure) if !is_repeatable => resume_unwind(failure.panic),
            Err(failure) => failure,
        };
        let slot = Slot::shared(self.machine.clone()).await;
        if let Some(reason) = &failure.browser_failure {
            println!("REPEATED: {name}, because {browser} itself failed: {reason}");
        } else {
            println!("REPEATED ALONE: {name}, because it failed beside other tests");
            slot.alone().await;
        }
        let completion = self.attempt(browser, run, slot).await;
        let completion = completion.unwrap_or_else(|failure| resume_unwind(failure.panic));
        if failure.browser_failure.is_none() {
            let flaky = self.flaky.fetch_add(1, Ordering::Relaxed) + 1;
            println!(
                "FLAKY ({flaky} of at most {MAX_FLAKY}): {name} failed beside others and passed alone"
            );
            if flaky > MAX_FLAKY {
                resume_unwind(failure.panic);
            }
        }
        completion
    }

    async fn attempt(&self, browser: Browser, run: Run, slot: Slot) -> Result<Completion, Failure> {
        let test = TestContext {
            slot,
            server: Server::start().await,
            window: self.window(browser).await,
        };
        let outcome = AssertUnwindSafe(run(&test)).catch_unwind().await;
        let completion = match outcome.map_err(|panic| panic.downcast::<Skipped>()) {
            Ok(()) => Completion::Completed,
            Err(Ok(skipped)) => Completion::ignored_with(skipped.0),
            Err(Err(panic)) => {
                let browser_failure = test.browser_failure().await;
                // The browser may be in any state, so no other test gets it.
                test.window.quit().await;
                return Err(Failure {
                    panic,
                    browser_failure,
                });
            }
        };
        let renewed = timeout(TIMEOUT, test.window.renew()).await;
        match renewed.unwrap_or_else(|_| Err(WebDriverError::Timeout("it hangs".into()))) {
            Ok(()) => self.idle.lock().unwrap().push(test.window),
            // The next test gets a new one.
            Err(error) => {
                println!("{browser} failed after its test: {error}");
                test.window.quit().await;
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

    /// Prints which tests a faster suite would have to begin with.
    fn print_slowest(&self) {
        let mut durations = std::mem::take(&mut *self.durations.lock().unwrap());
        durations.sort_unstable();
        let slowest = durations.iter().rev().take(MAX_SLOWEST);
        for (duration, name) in slowest.filter(|(duration, _)| *duration > SLOW) {
            println!("{:4} s {name}", duration.as_secs());
        }
    }

    async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap());
        for window in idle {
            window.quit().await;
        }
    }
}
