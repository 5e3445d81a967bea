//! A claim of the specification and the code that tests it. A claim has a part that runs on the page
//! and, in most cases, a part that runs in a dedicated worker; the page determines the result.

use std::rc::Rc;

use futures_util::future::{Either, LocalBoxFuture, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    DedicatedWorkerGlobalScope, MessageChannel, MessagePort, Worker, WorkerOptions, WorkerType,
};
use yew_mse_worker::{platform::web, protocol::BUILD_ID};

use crate::{
    claims::claims,
    mse,
    peer::{MessageQueue, Peer},
};

/// How long the test of a claim may take, and how long a worker may take to start.
const CLAIM_TIMEOUT_MS: u32 = 8_000;

/// A requirement of a specification and the code that tests whether this browser meets it.
pub struct Claim {
    /// The requirement, as a sentence.
    pub statement: &'static str,
    /// The behaviour that the specification requires, in a few words.
    pub specified: &'static str,
    /// The section that requires it.
    pub section: Section,
    /// Whether it can be tested in browsers without MediaSource in workers.
    pub is_universal: bool,
    /// Whether it needs a worker that no other claim uses, because the test terminates it.
    has_own_worker: bool,
    page_part: Part<ClaimResult>,
    worker_part: Option<Part<()>>,
}

/// A section of a specification.
#[derive(Clone, Copy)]
pub struct Section {
    /// Its title.
    pub name: &'static str,
    /// Its URL.
    pub link: &'static str,
}

/// The result of testing a claim.
#[derive(Clone, Debug)]
pub struct ClaimResult {
    /// How the behaviour compares with the specification.
    pub verdict: Verdict,
    /// What happened.
    pub details: String,
}

/// How the behaviour of this browser compares with the specification.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It is the specified behaviour.
    AsSpecified,
    /// It is another behaviour.
    Differs,
    /// This browser lacks something that the test needs.
    Untestable,
    /// No specification defines the behaviour; the result only describes it.
    Unspecified,
}

/// The outcome of a part of a claim. The error is a result that ends the test early.
pub type Outcome<T = ClaimResult> = Result<T, ClaimResult>;

/// The part of a claim that runs on one thread; its argument is the part on the other thread.
type Part<T> = Box<dyn for<'a> Fn(&'a mut Peer) -> LocalBoxFuture<'a, Outcome<T>>>;

fn boxed<T, F>(run: F) -> Part<T>
where
    F: AsyncFn(&mut Peer) -> Outcome<T> + 'static,
{
    let run = Rc::new(run);
    Box::new(move |peer: &mut Peer| {
        let run = run.clone();
        Box::pin(async move { run(peer).await })
    })
}

impl Claim {
    /// A claim that is tested in the worker alone.
    pub fn in_worker(
        statement: &'static str,
        specified: &'static str,
        section: Section,
        worker_part: impl AsyncFn() -> Outcome + 'static,
    ) -> Self {
        let worker_part = async move |page: &mut Peer| {
            page.send_result(&worker_part().await.unwrap_or_else(|result| result));
            Ok(())
        };
        let page_part = async |worker: &mut Peer| Ok(worker.receive_result().await);
        Self::between(statement, specified, section, worker_part, page_part)
    }

    /// A claim that needs both threads. The page's part returns the result.
    pub fn between(
        statement: &'static str,
        specified: &'static str,
        section: Section,
        worker_part: impl AsyncFn(&mut Peer) -> Outcome<()> + 'static,
        page_part: impl AsyncFn(&mut Peer) -> Outcome + 'static,
    ) -> Self {
        Self {
            statement,
            specified,
            section,
            is_universal: false,
            has_own_worker: false,
            page_part: boxed(page_part),
            worker_part: Some(boxed(worker_part)),
        }
    }

    /// Marks the claim as testable in browsers without MediaSource in workers.
    pub fn universal(self) -> Self {
        Self {
            is_universal: true,
            ..self
        }
    }

    /// Runs the worker's part in a worker that the test can terminate.
    pub fn in_its_own_worker(self) -> Self {
        Self {
            has_own_worker: true,
            ..self
        }
    }

    /// Tests the claim at `index` in the list of claims. Called on the page; the worker's part runs
    /// in `worker` unless the claim needs its own.
    pub async fn test(&self, index: usize, worker: &ClaimWorker) -> ClaimResult {
        if !(self.is_universal || worker.has_media_source) {
            return ClaimResult::untestable("this browser has no MediaSource in workers");
        }
        let Ok(channel) = MessageChannel::new() else {
            return ClaimResult::untestable("no MessageChannel could be created");
        };
        let mut peer = if self.has_own_worker {
            let own_worker = match ClaimWorker::start().await {
                Ok(own_worker) => own_worker,
                Err(reason) => return ClaimResult::untestable(reason),
            };
            own_worker.start_claim(index, channel.port2());
            Peer::with_own_worker(own_worker, channel.port1())
        } else {
            if self.worker_part.is_some() {
                worker.start_claim(index, channel.port2());
            }
            Peer::new(channel.port1())
        };
        match timeout(CLAIM_TIMEOUT_MS, (self.page_part)(&mut peer)).await {
            Some(outcome) => outcome.unwrap_or_else(|result| result),
            None => ClaimResult::differs(format!(
                "no result within {} seconds",
                CLAIM_TIMEOUT_MS / 1000
            )),
        }
    }
}

impl ClaimResult {
    /// The behaviour is as specified.
    pub fn as_specified(details: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::AsSpecified,
            details: details.into(),
        }
    }

    /// The behaviour differs from the specification.
    pub fn differs(details: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Differs,
            details: details.into(),
        }
    }

    /// The claim cannot be tested in this browser.
    pub fn untestable(details: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Untestable,
            details: details.into(),
        }
    }

    /// The behaviour is not specified.
    pub fn unspecified(details: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unspecified,
            details: details.into(),
        }
    }

    /// The behaviour is as specified if the condition is true. The details describe it either way.
    pub fn check(is_as_specified: bool, details: impl Into<String>) -> Self {
        match is_as_specified {
            true => Self::as_specified(details),
            false => Self::differs(details),
        }
    }

    /// The behaviour is as specified if the attempt failed with an exception of this name.
    pub fn expect_exception<T>(attempt: Result<T, JsValue>, name: &str) -> Self {
        match attempt {
            Ok(_) => Self::differs("no exception"),
            Err(exception) => {
                let has_name = web::exception_name(&exception).is_some_and(|actual| actual == name);
                Self::check(has_name, describe_exception(&exception))
            }
        }
    }

    /// Combines labelled results: the first that is not as specified, or all of them.
    pub fn all<const N: usize>(parts: [(&str, Self); N]) -> Self {
        let failed = parts
            .iter()
            .find(|(_, result)| result.verdict != Verdict::AsSpecified);
        if let Some((label, result)) = failed {
            return Self {
                verdict: result.verdict,
                details: format!("{label}: {}", result.details),
            };
        }
        let details = parts.map(|(label, result)| format!("{label}: {}", result.details));
        Self::as_specified(details.join("; "))
    }
}

/// An exception that the test did not expect.
impl From<JsValue> for ClaimResult {
    fn from(exception: JsValue) -> Self {
        Self::differs(format!(
            "unexpected exception: {}",
            describe_exception(&exception)
        ))
    }
}

impl Verdict {
    /// The verdict as the table shows it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::AsSpecified => "as specified",
            Self::Differs => "differs",
            Self::Untestable => "cannot be tested here",
            Self::Unspecified => "not specified",
        }
    }
}

impl From<JsValue> for Verdict {
    fn from(value: JsValue) -> Self {
        let number = value.as_f64();
        [Self::AsSpecified, Self::Differs, Self::Unspecified]
            .into_iter()
            .find(|verdict| number == Some(f64::from(*verdict as u8)))
            .unwrap_or(Self::Untestable)
    }
}

/// Formats an exception as `NotFoundError: message`.
pub fn describe_exception(exception: &JsValue) -> String {
    let name = web::exception_name(exception).unwrap_or_else(|| "exception".into());
    format!("{name}: {}", web::exception_message(exception))
}

/// Waits for a future for at most `milliseconds`; `None` if it does not complete in time.
pub async fn timeout<T>(milliseconds: u32, future: impl Future<Output = T>) -> Option<T> {
    match select(Box::pin(future), TimeoutFuture::new(milliseconds)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// A dedicated worker that runs this program for the workers' parts. Terminated when dropped.
pub struct ClaimWorker {
    worker: Worker,
    has_media_source: bool,
}

impl Drop for ClaimWorker {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

impl ClaimWorker {
    /// Starts a worker and waits for its first message.
    ///
    /// # Errors
    /// Why it did not start, as a sentence.
    pub async fn start() -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let script = format!("{}?{BUILD_ID}", mse::script_url());
        let worker = Worker::new_with_options(&script, &options);
        let worker = worker.map_err(|exception| describe_exception(&exception))?;
        let mut queue = MessageQueue::new(&worker);
        let first = timeout(CLAIM_TIMEOUT_MS, queue.next()).await.flatten();
        let first = first.ok_or("the lab’s worker does not answer")?;
        let has_media_source = first.data().is_truthy();
        Ok(Self {
            worker,
            has_media_source,
        })
    }

    /// Starts the worker's part of the claim at `index`, with the page at the other end of `port`.
    fn start_claim(&self, index: usize, port: MessagePort) {
        let transfer = Array::of1(&port);
        // A new port can always be transferred.
        let _ = self
            .worker
            .post_message_with_transfer(&(index as f64).into(), &transfer);
    }
}

/// Runs the workers' parts of claims. Called in the worker.
pub fn serve() {
    spawn_local(async {
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        let mut queue = MessageQueue::new(&scope);
        let has_media_source =
            mse::MediaSource::new().is_ok_and(|source| source.handle().is_truthy());
        // A boolean can always be cloned.
        let _ = scope.post_message(&has_media_source.into());
        let claims: Rc<[Claim]> = claims().into();
        while let Some(message) = queue.next().await {
            let index = message.data().as_f64().unwrap_or(f64::MAX) as usize;
            if let Ok(port) = message.ports().get(0).dyn_into() {
                spawn_local(run_worker_part(claims.clone(), index, Peer::new(port)));
            }
        }
    });
}

async fn run_worker_part(claims: Rc<[Claim]>, index: usize, mut page: Peer) {
    if let Some(part) = claims
        .get(index)
        .and_then(|claim| claim.worker_part.as_ref())
        && let Err(result) = part(&mut page).await
    {
        page.send_result(&result);
    }
}
