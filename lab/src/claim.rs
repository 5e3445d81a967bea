//! What a claim is, what can be seen of it, and how one is put to the test.

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
    peer::{Inbox, Peer},
};

/// How long a claim may take, in milliseconds.
const PATIENCE: u32 = 8_000;

/// What the specification says, and the code that sees whether it is so in this browser.
pub struct Claim {
    /// The sentence.
    pub says: &'static str,
    /// What there is to see if it is so.
    pub specified: &'static str,
    /// Where it is written.
    pub section: Section,
    /// Whether there is anything to see without a MediaSource in a worker.
    pub is_universal: bool,
    /// Whether its worker is to be nobody else's, because it does not survive it.
    has_own_worker: bool,
    page: Half<ClaimResult>,
    worker: Option<Half<()>>,
}

/// A part of a specification.
#[derive(Clone, Copy)]
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// Its address.
    pub link: &'static str,
}

/// What was seen of a claim.
#[derive(Clone, Debug)]
pub struct ClaimResult {
    /// Whether that is as specified.
    pub verdict: Verdict,
    /// What happened.
    pub words: String,
}

/// How what was seen compares with what was to be seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It is the same.
    AsSpecified,
    /// It is not.
    Differs,
    /// There was nothing to see, because the browser lacks what it takes.
    NotSeen,
    /// No specification says what was to be seen. What was seen is told.
    Unspecified,
}

/// What a half of a claim comes to. One that could not go on has seen something, too.
pub type Outcome<T = ClaimResult> = Result<T, ClaimResult>;

/// What is done on one of the two threads. It is given the other one to talk to.
type Half<T> = Box<dyn for<'a> Fn(&'a mut Peer) -> LocalBoxFuture<'a, Outcome<T>>>;

fn half<T, F>(run: F) -> Half<T>
where
    F: AsyncFn(&mut Peer) -> Outcome<T> + 'static,
{
    let run = Rc::new(run);
    Box::new(move |other: &mut Peer| {
        let run = run.clone();
        Box::pin(async move { run(other).await })
    })
}

impl Claim {
    /// A claim of which all is to be seen in the worker.
    pub fn in_worker(
        says: &'static str,
        specified: &'static str,
        section: Section,
        worker: impl AsyncFn() -> Outcome + 'static,
    ) -> Self {
        let worker = async move |page: &mut Peer| {
            page.tell(&worker().await.unwrap_or_else(|seen| seen));
            Ok(())
        };
        let page = async |worker: &mut Peer| Ok(worker.verdict().await);
        Self::between(says, specified, section, worker, page)
    }

    /// A claim that takes both threads: what each of them does, and the page sees what comes of it.
    pub fn between(
        says: &'static str,
        specified: &'static str,
        section: Section,
        worker: impl AsyncFn(&mut Peer) -> Outcome<()> + 'static,
        page: impl AsyncFn(&mut Peer) -> Outcome + 'static,
    ) -> Self {
        Self {
            says,
            specified,
            section,
            is_universal: false,
            has_own_worker: false,
            page: half(page),
            worker: Some(half(worker)),
        }
    }

    /// The same, but there is something to see in every browser.
    pub fn universal(self) -> Self {
        let is_universal = true;
        Self {
            is_universal,
            ..self
        }
    }

    /// The same, but the worker's half is done in a worker that can be ended.
    pub fn in_its_own_worker(self) -> Self {
        let has_own_worker = true;
        Self {
            has_own_worker,
            ..self
        }
    }

    /// Puts the claim to the test, with the worker's half in that worker. Called on the page.
    pub async fn test(&self, nth: usize, assistant: &Assistant) -> ClaimResult {
        if !(self.is_universal || assistant.has_media_source) {
            return ClaimResult::nothing("cannot be seen here: no MediaSource in workers");
        }
        let Ok(channel) = MessageChannel::new() else {
            return ClaimResult::nothing("there are no message channels");
        };
        let mut worker = if self.has_own_worker {
            let own = match Assistant::start().await {
                Ok(own) => own,
                Err(words) => return ClaimResult::nothing(words),
            };
            own.begin(nth, channel.port2());
            Peer::in_its_own(own, channel.port1())
        } else {
            if self.worker.is_some() {
                assistant.begin(nth, channel.port2());
            }
            Peer::at(channel.port1())
        };
        match within(PATIENCE, (self.page)(&mut worker)).await {
            Some(outcome) => outcome.unwrap_or_else(|seen| seen),
            None => ClaimResult::otherwise(format!(
                "nothing more happened in {} seconds",
                PATIENCE / 1000
            )),
        }
    }
}

impl ClaimResult {
    /// It is as specified.
    pub fn so(words: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::AsSpecified,
            words: words.into(),
        }
    }

    /// It is not as specified.
    pub fn otherwise(words: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Differs,
            words: words.into(),
        }
    }

    /// It cannot be seen in this browser.
    pub fn nothing(words: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::NotSeen,
            words: words.into(),
        }
    }

    /// It is not specified. These words tell how it is.
    pub fn unspecified(words: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unspecified,
            words: words.into(),
        }
    }

    /// It is as specified if this is true. The words are true either way.
    pub fn whether(is_so: bool, words: impl Into<String>) -> Self {
        match is_so {
            true => Self::so(words),
            false => Self::otherwise(words),
        }
    }

    /// What was attempted is refused by an exception of this name, as specified.
    pub fn refused<T>(attempt: Result<T, JsValue>, name: &str) -> Self {
        match attempt {
            Ok(_) => Self::otherwise("it was allowed"),
            Err(exception) => {
                let is_named = web::exception_name(&exception).is_some_and(|it| it == name);
                Self::whether(is_named, in_words(&exception))
            }
        }
    }

    /// All of these are as specified, or this tells which is not.
    pub fn all<const N: usize>(parts: [(&str, Self); N]) -> Self {
        let odd = parts
            .iter()
            .find(|(_, seen)| seen.verdict != Verdict::AsSpecified);
        if let Some((what, seen)) = odd {
            let words = format!("{what}: {}", seen.words);
            return Self {
                words,
                ..seen.clone()
            };
        }
        let mut words = String::new();
        for (what, seen) in parts {
            let between = if words.is_empty() { "" } else { "; " };
            words = format!("{words}{between}{what}: {}", seen.words);
        }
        Self::so(words)
    }
}

/// An exception where none was to be expected.
impl From<JsValue> for ClaimResult {
    fn from(exception: JsValue) -> Self {
        Self::otherwise(format!("unexpected: {}", in_words(&exception)))
    }
}

impl Verdict {
    /// In words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::AsSpecified => "as specified",
            Self::Differs => "differs",
            Self::NotSeen => "not to be seen here",
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
            .unwrap_or(Self::NotSeen)
    }
}

/// `NotFoundError: the words`.
pub fn in_words(exception: &JsValue) -> String {
    let name = web::exception_name(exception).unwrap_or_else(|| "exception".into());
    format!("{name}: {}", web::exception_message(exception))
}

/// What a future comes to, if it does so in time: milliseconds.
pub async fn within<T>(milliseconds: u32, future: impl Future<Output = T>) -> Option<T> {
    match select(Box::pin(future), TimeoutFuture::new(milliseconds)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// A dedicated worker with this same program in it, for the worker's halves. It ends when it is dropped.
pub struct Assistant {
    worker: Worker,
    has_media_source: bool,
}

impl Drop for Assistant {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

impl Assistant {
    /// Starts one, and waits until it is there.
    ///
    /// # Errors
    /// In words, why there is none.
    pub async fn start() -> Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let script = format!("{}?{BUILD_ID}", mse::address());
        let worker = Worker::new_with_options(&script, &options);
        let worker = worker.map_err(|exception| in_words(&exception))?;
        let mut inbox = Inbox::of(&worker);
        let first = within(PATIENCE, inbox.next()).await.flatten();
        let first = first.ok_or("the lab’s worker does not answer")?;
        let has_media_source = first.data().is_truthy();
        Ok(Self {
            worker,
            has_media_source,
        })
    }

    /// Has it do its half of a claim, with the page at the other end of this port.
    fn begin(&self, nth: usize, port: MessagePort) {
        let transfer = Array::of1(&port);
        // A fresh port can be transferred.
        let _ = self
            .worker
            .post_message_with_transfer(&(nth as f64).into(), &transfer);
    }
}

/// Does the worker's halves, for as long as the worker lives.
pub fn serve() {
    spawn_local(async {
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        let mut inbox = Inbox::of(&scope);
        let has_media_source = mse::MediaSource::new().is_ok_and(|it| it.handle().is_truthy());
        // A boolean can be copied.
        let _ = scope.post_message(&has_media_source.into());
        let claims: Rc<[Claim]> = claims().into();
        while let Some(message) = inbox.next().await {
            let nth = message.data().as_f64().unwrap_or(f64::MAX) as usize;
            if let Ok(port) = message.ports().get(0).dyn_into() {
                spawn_local(assist(claims.clone(), nth, Peer::at(port)));
            }
        }
    });
}

/// Does the worker's half of a claim.
async fn assist(claims: Rc<[Claim]>, nth: usize, mut page: Peer) {
    if let Some(half) = claims.get(nth).and_then(|claim| claim.worker.as_ref())
        && let Err(seen) = half(&mut page).await
    {
        page.tell(&seen);
    }
}
