//! Fetches files with retries: from several base URLs, and while offline. When to retry is decided by `media/retry.rs`.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
};

use futures_util::future::{Either, select};

use super::{
    bandwidth_meter::BandwidthMeter,
    error::{Error, invalid_manifest},
    http::{HttpRequest, ReadMode},
    request_limit::RequestLimit,
};
use crate::{
    media::{
        Resource,
        retry::{FailureKind, RetryState},
        sniff::{self, Format, SNIFF_BYTES},
    },
    platform::{self, Bytes, Exception, FileHandle, FileReader, Remuxer},
    protocol::{
        BUILD_ID, Event, EventPort, LeftOutTrack, PlaybackError, PlaybackSettings, ResourceKind,
        SessionId, short_url,
    },
};

/// How long a retry waits while the browser is offline. It is then sent all the same, because `navigator.onLine` can be
/// wrong.
const OFFLINE_WAIT_MS: u32 = 5_000;
/// After how many failures to give up a file other than a media segment. Playback cannot start without it.
const FILE_MAX_FAILURES: u32 = 3;
/// After how many failures to give up a media segment. More than for other files, because buffered media plays
/// meanwhile.
pub const SEGMENT_MAX_FAILURES: u32 = 6;
/// After how many failures of one file to post [`Event::Retrying`].
const FAILURES_UNTIL_REPORT: u32 = 2;

/// A busy server is waited for this long without [`Event::Retrying`].
const MAX_SILENT_WAIT_MS: u32 = 1_000;

/// How long a request is kept whose response has begun.
const KEPT_MS: f64 = 4_000.0;

/// How long to wait for the remuxer's module, which is small.
const REMUXER_TIMEOUT_SECONDS: u32 = 20;

/// The wasm module that remuxes MPEG-TS, and reads files of it.
const REMUXER: &str = "remux";

/// The wasm module that reads media files of a format.
const fn file_module(format: Format) -> &'static str {
    match format {
        Format::Mp4 => "mp4_file",
        Format::WebM => "matroska_file",
        _ => REMUXER,
    }
}

/// The URL of a wasm module, which is beside the page and the worker.
fn module_url(name: &str) -> String {
    format!("./{name}_bg.wasm?{BUILD_ID}")
}

/// A fetched file.
pub struct FetchedFile {
    /// The file, or its first bytes.
    pub bytes: Bytes,
    /// Its URL after redirects, the base of relative URLs in it.
    pub url: String,
    /// Its `Content-Type`; may be empty.
    pub content_type: String,
    /// Its `Date`, in seconds since the Unix epoch. Hidden from other origins unless the server exposes it.
    pub date: Option<f64>,
    /// The index of the base URL that it was fetched from.
    pub server: usize,
    /// The request for a segment of which these are the first bytes; all of its bytes can be read from it.
    pub request: Cell<Option<HttpRequest>>,
}

/// The network of one session.
pub struct Network {
    port: EventPort,
    session: SessionId,
    /// The file that is played instead of what a server has.
    file: Option<FileHandle>,
    settings: PlaybackSettings,
    /// Whether [`Event::Retrying`] was posted with an error that is not resolved yet.
    is_retrying: Cell<bool>,
    /// Whether the page was told that a live stream has to be waited for.
    is_waiting: Cell<bool>,
    /// The index of the last base URL that succeeded.
    last_base_url: Cell<usize>,
    /// Requests that were sent before they are needed.
    prefetched: RefCell<Vec<HttpRequest>>,
    /// Requests for segments whose beginning has been read, and when, in milliseconds since the Unix epoch.
    begun: RefCell<Vec<(f64, HttpRequest)>>,
    limit: RefCell<RequestLimit>,
    /// Measures media downloads.
    pub meter: Rc<BandwidthMeter>,
}

impl Network {
    /// Creates a network that adds the settings' headers and credentials to its requests.
    pub fn new(
        port: EventPort,
        session: SessionId,
        file: Option<FileHandle>,
        settings: PlaybackSettings,
    ) -> Self {
        Self {
            port,
            session,
            file,
            settings,
            is_retrying: Cell::default(),
            is_waiting: Cell::default(),
            last_base_url: Cell::default(),
            limit: RefCell::default(),
            prefetched: RefCell::default(),
            begun: RefCell::default(),
            meter: Rc::new(BandwidthMeter::new()),
        }
    }

    /// Sends one request for a resource.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidManifest`] if its URL cannot be fetched, [`PlaybackError::TooManyRequests`] if it was
    /// requested too often within a minute.
    pub fn send(
        &self,
        kind: ResourceKind,
        base: &str,
        resource: &Resource,
    ) -> Result<HttpRequest, Error> {
        let path = &resource.path;
        if let Some(file) = &self.file
            && path.is_empty()
        {
            return Ok(HttpRequest::read(kind, file, resource.range));
        }
        let url = if path.is_empty() {
            // Nothing can be resolved against a `data:` URL, not even the file itself.
            base.to_owned()
        } else {
            platform::resolve_url(base, path).ok_or_else(|| {
                let path = short_url(path);
                invalid_manifest(base, &format!("“{path}” is not the address of a file"))
            })?
        };
        let mut prefetched = self.prefetched.borrow_mut();
        let index = prefetched
            .iter()
            .position(|request| request.is_for(&url, resource.range));
        if let Some(index) = index {
            return Ok(prefetched.swap_remove(index));
        }
        if kind == ResourceKind::MediaSegment
            && let Some(request) = self.take_begun(&url, resource)
        {
            return Ok(request);
        }
        let mut limit = self.limit.borrow_mut();
        if !limit.admit(kind, &url, resource.range, platform::now()) {
            let resource = kind;
            return Err(PlaybackError::TooManyRequests { resource, url }.into());
        }
        Ok(HttpRequest::send(kind, url, resource.range, &self.settings))
    }

    /// Keeps a request for a segment whose beginning has been read, for a short time: the segment may be needed next.
    pub fn keep(&self, request: HttpRequest) {
        self.abort_unneeded();
        self.begun.borrow_mut().push((platform::now(), request));
    }

    /// Takes the request for a segment that was kept.
    fn take_begun(&self, url: &str, resource: &Resource) -> Option<HttpRequest> {
        self.abort_unneeded();
        let mut begun = self.begun.borrow_mut();
        let index = (begun.iter()).position(|(_, request)| request.is_for(url, resource.range))?;
        Some(begun.swap_remove(index).1)
    }

    /// Aborts the kept requests that nobody has needed in time.
    fn abort_unneeded(&self) {
        let is_recent = |since: f64| platform::now() - since < KEPT_MS;
        (self.begun.borrow_mut()).retain(|(since, _)| is_recent(*since));
    }

    /// Tells the page that a track of a stream is left out.
    pub fn report_left_out(&self, track: LeftOutTrack) {
        self.port.post(Event::TracksLeftOut {
            session: self.session,
            tracks: vec![track],
        });
    }

    /// Records that the stream is live, so that its newest segment may be asked for again and again.
    pub fn set_live(&self) {
        self.limit.borrow_mut().set_live();
    }

    /// Sends a request that [`send`](Self::send) returns when the resource is needed.
    pub fn prefetch(&self, kind: ResourceKind, base_urls: &[Rc<str>], resource: &Resource) {
        let attempts = self.start_attempts(base_urls, FILE_MAX_FAILURES);
        // A wrong address is reported when the resource is needed.
        if let Ok(request) = self.send(kind, base_url(base_urls, &attempts), resource) {
            self.prefetched.borrow_mut().push(request);
        }
    }

    /// Fetches a resource from its base URLs, with retries. Fetches only the first bytes of an unencrypted media segment.
    ///
    /// # Errors
    /// Those of [`HttpRequest`] and [`HttpResponse`](super::http::HttpResponse), once retries are exhausted.
    pub async fn get(
        &self,
        kind: ResourceKind,
        base_urls: &[Rc<str>],
        resource: &Resource,
    ) -> Result<FetchedFile, Error> {
        let mut attempts = self.start_attempts(base_urls, FILE_MAX_FAILURES);
        loop {
            let base = base_url(base_urls, &attempts);
            match self.get_once(kind, base, resource).await {
                Err(error) => self.wait_for_retry(&mut attempts, error).await?,
                Ok(file) => {
                    self.succeeded(&attempts);
                    let server = attempts.base_url_index();
                    return Ok(FetchedFile { server, ..file });
                }
            }
        }
    }

    /// Fetches what is at a URL, with retries: a manifest as a whole, of a media file only the beginning. Returns the
    /// size of a media file, too.
    ///
    /// # Errors
    /// Those of [`HttpRequest`] and [`HttpResponse`](super::http::HttpResponse), once retries are exhausted.
    pub async fn get_content(&self, url: &str) -> Result<(FetchedFile, Option<u64>), Error> {
        let base_urls = [Rc::from(url)];
        let mut attempts = self.start_attempts(&base_urls, FILE_MAX_FAILURES);
        loop {
            match self.get_content_once(url).await {
                Err(error) => self.wait_for_retry(&mut attempts, error).await?,
                fetched => {
                    self.succeeded(&attempts);
                    return fetched;
                }
            }
        }
    }

    async fn get_content_once(&self, url: &str) -> Result<(FetchedFile, Option<u64>), Error> {
        let request = self.send(ResourceKind::Manifest, url, &Resource::default())?;
        let mut response = request.response(Rc::default()).await?;
        let (url, content_type) = (response.url(), response.content_type());
        let mut bytes = response.read(ReadMode::Start).await?.unwrap_or_default();
        let format = sniff::detect(&bytes.prefix(SNIFF_BYTES), &content_type);
        let mut size = None;
        if format.is_media_file() {
            // Dropping the response aborts the rest.
            size = response.total();
        } else if (self.file.is_none() || format.is_manifest())
            && let Some(rest) = response.read(ReadMode::Whole).await?
        {
            bytes = Bytes::concat(&[bytes, rest]);
        }
        let file = FetchedFile {
            bytes,
            url,
            content_type,
            date: response.date(),
            server: 0,
            request: Cell::default(),
        };
        Ok((file, size))
    }

    /// Fetches a resource from one base URL, without retries.
    ///
    /// # Errors
    /// Those of [`HttpRequest`] and [`HttpResponse`](super::http::HttpResponse).
    pub async fn get_once(
        &self,
        kind: ResourceKind,
        base: &str,
        resource: &Resource,
    ) -> Result<FetchedFile, Error> {
        let request = self.send(kind, base, resource)?;
        let mut response = request.response(Rc::default()).await?;
        let mode = match (kind, &resource.key) {
            (ResourceKind::MediaSegment, None) => ReadMode::Soon,
            _ => ReadMode::Whole,
        };
        let bytes = response.read(mode).await?.unwrap_or_default();
        Ok(FetchedFile {
            bytes: bytes.clone(),
            url: response.url(),
            content_type: response.content_type(),
            date: response.date(),
            server: 0,
            request: Cell::new(
                (kind == ResourceKind::MediaSegment).then(|| response.into_request(bytes)),
            ),
        })
    }

    /// Begins to download the remuxer, unless that has begun.
    pub fn preload_remuxer() {
        platform::preload_remuxer(&module_url(REMUXER));
    }

    /// Creates a remuxer, after its module has been downloaded, with retries.
    ///
    /// # Errors
    /// [`PlaybackError::Network`] or [`PlaybackError::Timeout`] once retries are exhausted.
    pub async fn load_remuxer(&self) -> Result<Remuxer, Error> {
        self.load_module(REMUXER, async |url| platform::load_remuxer(url).await)
            .await
    }

    /// Creates a reader of a media file of this size in bytes, after its format's module has been downloaded, with
    /// retries.
    ///
    /// # Errors
    /// [`PlaybackError::Network`] or [`PlaybackError::Timeout`] once retries are exhausted.
    pub async fn load_file_reader(&self, format: Format, size: u64) -> Result<FileReader, Error> {
        self.load_module(file_module(format), async |url| {
            platform::load_file_reader(url, size).await
        })
        .await
    }

    async fn load_module<T>(
        &self,
        name: &str,
        load: impl AsyncFn(&str) -> Result<T, Exception>,
    ) -> Result<T, Error> {
        let (resource, url) = (ResourceKind::Remuxer, module_url(name));
        let mut attempts = RetryState::starting_at(0, 1, FILE_MAX_FAILURES);
        loop {
            let timeout = platform::sleep(REMUXER_TIMEOUT_SECONDS * 1_000);
            let error = match select(pin!(load(&url)), timeout).await {
                Either::Left((Ok(loaded), _)) => return Ok(loaded),
                Either::Left((Err(exception), _)) => PlaybackError::Network {
                    resource,
                    url: url.clone(),
                    reason: exception.message,
                },
                Either::Right(_) => PlaybackError::Timeout {
                    resource,
                    url: url.clone(),
                    seconds: REMUXER_TIMEOUT_SECONDS,
                },
            };
            self.wait_for_retry(&mut attempts, error.into()).await?;
        }
    }

    /// Starts the attempts to fetch a resource from these base URLs.
    pub fn start_attempts(&self, base_urls: &[Rc<str>], max_failures: u32) -> RetryState {
        RetryState::starting_at(self.last_base_url.get(), base_urls.len(), max_failures)
    }

    /// Records a success. If a failure was reported to the page, reports that it is resolved.
    pub fn succeeded(&self, attempts: &RetryState) {
        self.last_base_url.set(attempts.base_url_index());
        if self.is_retrying.take() {
            self.report(None, 0);
        }
    }

    /// Records a failure, and waits until the next attempt is due.
    ///
    /// # Errors
    /// The given error, if a retry cannot help or there have been too many.
    pub async fn wait_for_retry(
        &self,
        attempts: &mut RetryState,
        error: Error,
    ) -> Result<(), Error> {
        let failure = match &*error {
            PlaybackError::HttpStatus { status, .. } => FailureKind::from_status(*status),
            PlaybackError::ServerBusy { retry_after, .. } => FailureKind::Busy {
                retry_after: *retry_after,
            },
            PlaybackError::Network { .. }
            | PlaybackError::Timeout { .. }
            | PlaybackError::TooManyRequests { .. } => FailureKind::Transient,
            PlaybackError::InvalidData { .. } => FailureKind::Corrupt,
            _ => return Err(error),
        };
        // While offline, failures are not counted against the server.
        let is_offline = matches!(*error, PlaybackError::Network { .. }) && !platform::is_online();
        let wait_ms = if is_offline {
            OFFLINE_WAIT_MS
        } else {
            match attempts.fail(failure, platform::random()) {
                Some(seconds) => (seconds * 1000.0) as u32,
                None => return Err(error),
            }
        };
        // The page shows how long a busy server is waited for, unless that is over at once.
        if matches!(failure, FailureKind::Busy { .. }) && wait_ms > MAX_SILENT_WAIT_MS {
            self.is_retrying.set(true);
            return self.count_down(wait_ms, error).await;
        }
        let is_reportable = is_offline || attempts.failures() >= FAILURES_UNTIL_REPORT;
        if is_reportable && !self.is_retrying.replace(true) {
            self.report(Some(error), wait_ms.div_ceil(1000));
        }
        // Retries at once when the browser comes back online.
        select(platform::next_online(), platform::sleep(wait_ms)).await;
        Ok(())
    }

    /// Tells the page why a live stream has to be waited for, once, or that it has not to be any more.
    pub fn set_waiting(&self, error: Option<PlaybackError>) {
        if self.is_waiting.replace(error.is_some()) != error.is_some() {
            self.report(error.map(Box::new), 0);
        }
    }

    /// Waits, and reports every second how long.
    async fn count_down(&self, mut wait_ms: u32, error: Error) -> Result<(), Error> {
        while wait_ms > 0 {
            self.report(Some(error.clone()), wait_ms.div_ceil(1000));
            let step_ms = match wait_ms % 1000 {
                0 => 1000,
                rest => rest,
            };
            platform::sleep(step_ms).await;
            wait_ms -= step_ms;
        }
        Ok(())
    }

    fn report(&self, error: Option<Error>, seconds: u32) {
        self.port.post(Event::Retrying {
            session: self.session,
            error: error.map(|error| *error),
            seconds,
        });
    }
}

/// The base URL of the current attempt.
pub fn base_url<'a>(base_urls: &'a [Rc<str>], attempts: &RetryState) -> &'a str {
    base_urls
        .get(attempts.base_url_index())
        .map_or("", |base| base)
}
