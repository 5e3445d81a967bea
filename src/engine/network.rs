//! The network as a playback uses it: tries again, asks another server, waits while there is none to
//! ask, and measures what comes.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures_util::future::select;
use gloo_timers::future::TimeoutFuture;
use js_sys::Uint8Array;
use wasm_bindgen::JsCast;
use web_sys::{PerformanceResourceTiming, Url};

use super::fetch::{self, Progress};
use crate::{
    media::{
        Place,
        abr::Bandwidth,
        retry::{Attempts, Failure},
    },
    web,
    wire::{Event, Fault, Piece, SessionId, Settings, post::Port},
};

/// How long to wait for a network that is said to be gone before it is tried all the same, in
/// milliseconds: browsers have been wrong about that.
const OFFLINE: u32 = 5_000;
/// After how many failures of one thing the page is told that it is being tried again.
const PATIENT: u32 = 2;

/// What came of a file.
pub struct File {
    /// All of it, or its beginning.
    pub bytes: Uint8Array,
    /// Its URL after redirects: what relative URLs in it are relative to.
    pub url: String,
    /// What the server says that it is; empty if it does not.
    pub content_type: String,
}

/// How much of a file is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// What comes first of it.
    Beginning,
}

/// The network of one playback.
pub struct Network {
    port: Port,
    session: SessionId,
    settings: Settings,
    meter: Meter,
    is_troubled: Cell<bool>,
}

impl Network {
    /// The network, as these settings have it used.
    pub fn new(port: Port, session: SessionId, settings: Settings) -> Self {
        Self {
            port,
            session,
            settings,
            meter: Meter::default(),
            is_troubled: Cell::default(),
        }
    }

    /// What the network is taken to give, in bits per second.
    pub fn bandwidth(&self) -> f64 {
        self.meter.bandwidth.borrow().estimate()
    }

    /// Fetches what is at a place, from whichever of the bases has it.
    ///
    /// # Errors
    /// Those of [`fetch`], once there is no use in trying on.
    pub async fn get(
        &self,
        what: Piece,
        bases: &[Rc<str>],
        place: &Place,
        extent: Extent,
    ) -> Result<File, Fault> {
        let mut attempts = Attempts::new(bases.len());
        loop {
            let fetched = async {
                let url = resolve(base(bases, &attempts), &place.path)?;
                let progress = Progress::default();
                let mut answer = self.open(what, &url, place, &progress).await?;
                let bytes = match extent {
                    Extent::Whole => answer.all().await?,
                    Extent::Beginning => answer.next().await?.unwrap_or_default(),
                };
                Ok(File {
                    bytes,
                    url: answer.url(),
                    content_type: answer.content_type(),
                })
            };
            match fetched.await {
                Ok(file) => {
                    self.succeeded();
                    return Ok(file);
                }
                Err(fault) => self.failed(&mut attempts, fault).await?,
            }
        }
    }

    /// Makes one request, and waits until the answer begins.
    ///
    /// # Errors
    /// Those of [`fetch::open`].
    pub async fn open<'a>(
        &self,
        what: Piece,
        url: &'a str,
        place: &Place,
        progress: &'a Progress,
    ) -> Result<fetch::Answer<'a>, Fault> {
        fetch::open(what, url, place.range, &self.settings, progress).await
    }

    /// Measures the transfer of a media segment for as long as what is returned is held.
    pub fn measure<'a>(&'a self, url: &'a str, progress: &'a Progress) -> Measuring<'a> {
        self.meter.begin();
        Measuring {
            meter: &self.meter,
            url,
            progress,
            counted: Cell::new(0),
            since: web::now(),
        }
    }

    /// Something came: whatever was the matter is over.
    pub fn succeeded(&self) {
        if self.is_troubled.take() {
            let session = self.session;
            let fault = None;
            self.port.post(Event::Retrying { session, fault });
        }
    }

    /// Something did not come. Waits until it is time to try again.
    ///
    /// # Errors
    /// The fault itself, if there is no use in trying on.
    pub async fn failed(&self, attempts: &mut Attempts, fault: Fault) -> Result<(), Fault> {
        let failure = match &fault {
            Fault::Status { status, .. } => Failure::of_status(*status),
            Fault::Network { .. } | Fault::Timeout { .. } | Fault::Damaged { .. } => {
                Failure::Passing
            }
            _ => return Err(fault),
        };
        // Without a network, no server can be blamed.
        if matches!(fault, Fault::Network { .. }) && !web::is_online() {
            self.trouble(fault);
            let online = Box::pin(web::event(&web::global(), "online"));
            select(online, TimeoutFuture::new(OFFLINE)).await;
            return Ok(());
        }
        let Some(seconds) = attempts.fail(failure, js_sys::Math::random()) else {
            return Err(fault);
        };
        if attempts.failures() >= PATIENT {
            self.trouble(fault);
        }
        if seconds > 0.0 {
            TimeoutFuture::new((seconds * 1000.0) as u32).await;
        }
        Ok(())
    }

    fn trouble(&self, fault: Fault) {
        if !self.is_troubled.replace(true) {
            let session = self.session;
            let fault = Some(fault);
            self.port.post(Event::Retrying { session, fault });
        }
    }
}

/// The base to try now.
pub fn base<'a>(bases: &'a [Rc<str>], attempts: &Attempts) -> &'a str {
    bases.get(attempts.server()).map_or("", |base| base)
}

/// The absolute URL of what a manifest names.
///
/// # Errors
/// [`Fault::Manifest`] if it is none, or none that is fetched.
pub fn resolve(base: &str, path: &str) -> Result<String, Fault> {
    resolved(base, path).ok_or_else(|| Fault::Manifest {
        url: base.into(),
        reason: ["“", path, "” is not the address of a file"].concat(),
    })
}

/// The same, for those who have no fault to tell.
pub fn resolved(base: &str, path: &str) -> Option<String> {
    let url = Url::new_with_base(path, base).ok()?;
    matches!(
        url.protocol().as_str(),
        "http:" | "https:" | "blob:" | "data:"
    )
    .then(|| url.href())
}

/// How long the meter runs before it notes what came, in milliseconds.
const NOTE: f64 = 500.0;

/// Measures all transfers of media together: two at once have half of the bandwidth each.
#[derive(Default)]
struct Meter {
    active: Cell<u32>,
    bytes: Cell<u64>,
    since: Cell<f64>,
    bandwidth: RefCell<Bandwidth>,
}

impl Meter {
    fn begin(&self) {
        if self.active.get() == 0 {
            self.since.set(web::now());
            self.bytes.set(0);
        }
        self.active.set(self.active.get() + 1);
    }

    fn count(&self, bytes: u64) {
        self.bytes.set(self.bytes.get() + bytes);
        if web::now() - self.since.get() >= NOTE {
            self.note();
        }
    }

    fn note(&self) {
        let now = web::now();
        let seconds = (now - self.since.replace(now)) / 1000.0;
        let bytes = self.bytes.take();
        self.bandwidth.borrow_mut().sample(bytes, seconds);
    }

    fn end(&self) {
        self.active.set(self.active.get() - 1);
        if self.active.get() == 0 {
            self.note();
        }
    }
}

/// A transfer that is being measured.
pub struct Measuring<'a> {
    meter: &'a Meter,
    url: &'a str,
    progress: &'a Progress,
    counted: Cell<u64>,
    since: f64,
}

impl Measuring<'_> {
    /// Counts what has come since the last time.
    pub fn count(&self) {
        let received = self.progress.received.get();
        let before = self.counted.replace(received);
        self.meter.count(received.saturating_sub(before));
    }
}

impl Drop for Measuring<'_> {
    fn drop(&mut self) {
        self.count();
        if came_from_cache(self.url, self.since) {
            let bytes = self.meter.bytes.get();
            self.meter
                .bytes
                .set(bytes.saturating_sub(self.counted.get()));
        }
        self.meter.end();
    }
}

/// Under this many milliseconds, what a foreign host does not tell is taken for a cache's work.
const INSTANT: f64 = 5.0;

/// Whether a file came without the network, as far as the browser tells.
fn came_from_cache(url: &str, since: f64) -> bool {
    let last = web::timings_of(url).pop();
    web::clear_resource_timings();
    let Ok(timing) = last.dyn_into::<PerformanceResourceTiming>() else {
        return false;
    };
    if timing.decoded_body_size() == 0.0 {
        return web::now() - since < INSTANT;
    }
    timing.transfer_size() == 0.0
}
