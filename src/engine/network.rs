//! The network as a playback uses it: tries again, asks another server, waits while there is none to
//! ask.

use std::{cell::Cell, rc::Rc};

use futures_util::future::select;
use js_sys::Uint8Array;
use web_sys::Url;

use super::{
    bandwidth_meter::BandwidthMeter,
    context::Error,
    http::{HttpRequest, ReadMode},
};
use crate::{
    media::{
        Resource,
        retry::{FailureKind, RetryState},
    },
    platform::web,
    protocol::{Event, PlaybackError, PlaybackSettings, ResourceKind, SessionId, transfer::Port},
};

/// How long to wait for a network that is said to be gone before it is tried all the same, in
/// milliseconds: browsers have been wrong about that.
const OFFLINE: u32 = 5_000;
/// How many failures it takes before something is given up. Of what is needed before anything plays, a
/// person wants to know soon; a segment is asked for while others are being played.
pub const PATIENCE: (u32, u32) = (3, 6);
/// After how many failures of one thing the page is told that it is being tried again.
const PATIENT: u32 = 2;

/// What came of a file.
pub struct FetchedFile {
    /// All of it, or its beginning.
    pub bytes: Uint8Array,
    /// Its URL after redirects: what relative URLs in it are relative to.
    pub url: String,
    /// What the server says that it is; empty if it does not.
    pub content_type: String,
}

/// The network of one playback.
pub struct Network {
    port: Port,
    session: SessionId,
    settings: PlaybackSettings,
    is_troubled: Cell<bool>,
    /// Which of the servers was well when it was asked last.
    well: Cell<usize>,
    /// Measures the transfers of media.
    pub meter: Rc<BandwidthMeter>,
}

impl Network {
    /// The network, as these settings have it used.
    pub fn new(port: Port, session: SessionId, settings: PlaybackSettings) -> Self {
        Self {
            port,
            session,
            settings,
            is_troubled: Cell::default(),
            well: Cell::default(),
            meter: Rc::default(),
        }
    }

    /// Asks for what is at a place, once.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidManifest`] if there can be nothing there.
    pub fn send(
        &self,
        what: ResourceKind,
        base: &str,
        place: &Resource,
    ) -> Result<Box<HttpRequest>, Error> {
        let url = resolved(base, &place.path).ok_or_else(|| PlaybackError::InvalidManifest {
            url: base.into(),
            reason: ["“", &place.path, "” is not the address of a file"].concat(),
        })?;
        Ok(HttpRequest::send(what, url, place.range, &self.settings))
    }

    /// Fetches what is at a place, from whichever of the bases has it: of a segment that is not encrypted, its
    /// beginning.
    ///
    /// # Errors
    /// Those of [`Request`], once there is no use in trying on.
    pub async fn get(
        &self,
        what: ResourceKind,
        bases: &[Rc<str>],
        place: &Resource,
    ) -> Result<FetchedFile, Error> {
        let mut attempts = self.start_attempts(bases, PATIENCE.0);
        loop {
            let fetched = async {
                let request = self.send(what, base_url(bases, &attempts), place)?;
                let mut answer = request.response(Rc::default()).await?;
                let extent = match (what, &place.key) {
                    (ResourceKind::MediaSegment, None) => ReadMode::Soon,
                    _ => ReadMode::Whole,
                };
                let bytes = answer.read(extent).await?;
                Ok(FetchedFile {
                    bytes: bytes.unwrap_or_default(),
                    url: answer.url(),
                    content_type: answer.content_type(),
                })
            };
            match fetched.await {
                Err(fault) => self.failed(&mut attempts, fault).await?,
                fetched => {
                    self.succeeded(&attempts);
                    return fetched;
                }
            }
        }
    }

    /// The tries at something that is at any of these bases.
    pub fn start_attempts(&self, bases: &[Rc<str>], patience: u32) -> RetryState {
        RetryState::starting_at(self.well.get(), bases.len(), patience)
    }

    /// Something came: whatever was the matter is over.
    pub fn succeeded(&self, attempts: &RetryState) {
        self.well.set(attempts.base_url_index());
        if self.is_troubled.take() {
            self.tell(None);
        }
    }

    /// Something did not come. Waits until it is time to try again.
    ///
    /// # Errors
    /// The fault itself, if there is no use in trying on.
    pub async fn failed(&self, attempts: &mut RetryState, fault: Error) -> Result<(), Error> {
        let failure = match &*fault {
            PlaybackError::HttpStatus { status, .. } => FailureKind::from_status(*status),
            PlaybackError::Network { .. } | PlaybackError::Timeout { .. } => FailureKind::Passing,
            PlaybackError::InvalidData { .. } => FailureKind::Damaged,
            _ => return Err(fault),
        };
        // Without a network, no server can be blamed.
        let is_offline = matches!(*fault, PlaybackError::Network { .. }) && !web::is_online();
        let wait = match is_offline {
            true => OFFLINE,
            false => match attempts.fail(failure, js_sys::Math::random()) {
                Some(seconds) => (seconds * 1000.0) as u32,
                None => return Err(fault),
            },
        };
        if (is_offline || attempts.failures() >= PATIENT) && !self.is_troubled.replace(true) {
            self.tell(Some(fault));
        }
        // What comes back from being offline does not wait any longer.
        let online = web::event(&web::global(), "online");
        select(online, web::after(wait)).await;
        Ok(())
    }

    fn tell(&self, fault: Option<Error>) {
        let (session, fault) = (self.session, fault.map(|fault| *fault));
        self.port.post(Event::Retrying {
            session,
            error: fault,
        });
    }
}

/// The base to try now.
pub fn base_url<'a>(bases: &'a [Rc<str>], attempts: &RetryState) -> &'a str {
    bases.get(attempts.base_url_index()).map_or("", |base| base)
}

/// The absolute URL of what a manifest names; `None` if it is none, or none that is fetched.
pub fn resolved(base: &str, path: &str) -> Option<String> {
    let url = Url::new_with_base(path, base).ok()?;
    let is_fetched = matches!(url.protocol().as_str(), "http:" | "https:" | "blob:");
    is_fetched.then(|| url.href())
}
