//! One HTTP request: timeouts, size limits, abort on drop. Retries are in [`network`](super::network).

use std::{cell::Cell, pin::pin, rc::Rc};

use futures_util::future::{Either, select};

use super::{
    bandwidth_meter::{BandwidthMeter, MeasuredTransfer},
    error::{Error, invalid_data},
};
use crate::{
    media::{
        ByteRange,
        live::wall_clock::parse_http_date,
        number::{digits, integer},
    },
    platform::{self, Bytes, Exception, Fetch, FileHandle, Request, Response},
    protocol::{PlaybackError, PlaybackSettings, ResourceKind},
};

/// How long the server may take to start its response, or between two chunks of the body.
const SILENCE_SECONDS: u32 = 8;
/// A body that takes longer than this has to arrive faster than [`MIN_BYTES_PER_SECOND`]. If not, the request fails,
/// because a retry may reach a faster server.
const SLOW_BODY_SECONDS: u32 = 30;
/// The least average speed of a body that takes longer than [`SLOW_BODY_SECONDS`].
const MIN_BYTES_PER_SECOND: f64 = 1_000.0;
/// [`ReadMode::Soon`] returns once this time has passed, if [`BATCH_BYTES`] have arrived.
const BATCH_MS: f64 = 500.0;
/// [`ReadMode::Soon`] returns once this much has arrived, if [`BATCH_MS`] have passed.
const BATCH_BYTES: usize = 65_536;

/// A response that comes sooner than this after it is awaited had arrived before.
const READY_MS: f64 = 2.0;
/// [`ReadMode::Start`] returns once this much has arrived.
const START_BYTES: usize = 4_096;

/// The largest accepted body, in bytes.
const fn max_bytes(resource: ResourceKind) -> u64 {
    match resource {
        ResourceKind::Manifest | ResourceKind::InitSegment => 16 << 20,
        // That of a file with hours of samples.
        ResourceKind::SegmentIndex => 48 << 20,
        ResourceKind::Captions | ResourceKind::Remuxer => 4 << 20,
        ResourceKind::Key | ResourceKind::Clock => 1 << 10,
        ResourceKind::MediaSegment => 1 << 30,
    }
}

/// How much of a body [`HttpResponse::read`] waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
    /// Enough to detect the format.
    Start,
    /// The whole body.
    Whole,
    /// The rest of the body if it arrives quickly, or else a part of it.
    Soon,
}

/// The progress of a download.
#[derive(Debug, Default)]
pub struct RequestProgress {
    /// Bytes received.
    pub received: Cell<u64>,
    /// Bytes in total, if known.
    pub total: Cell<Option<u64>>,
}

/// A request that has been sent. Dropping it, or its response, aborts it.
pub struct HttpRequest(RequestState);

/// How far a request has got.
enum RequestState {
    Sent {
        target: Target,
        fetch: Fetch,
        /// In milliseconds since the Unix epoch.
        sent_at: f64,
    },
    /// The beginning of its response has been read.
    Begun(Box<HttpResponse>),
}

/// The resource that is requested, for error messages and checks.
struct Target {
    resource: ResourceKind,
    /// Its URL, or the name of a file.
    url: String,
    range: Option<ByteRange>,
    /// Whether it is a file of the viewer.
    is_file: bool,
}

impl HttpRequest {
    /// Sends a request at once, before its response is awaited.
    pub fn send(
        resource: ResourceKind,
        url: String,
        range: Option<ByteRange>,
        settings: &PlaybackSettings,
    ) -> Self {
        let request = Request {
            url,
            headers: settings.headers.clone(),
            range: range.map(|ByteRange { first, last }| platform::ByteRange { first, last }),
            credentials: settings.credentials,
        };
        Self(RequestState::Sent {
            fetch: platform::fetch(&request),
            target: Target {
                resource,
                url: request.url,
                range,
                is_file: false,
            },
            sent_at: platform::now(),
        })
    }

    /// Reads a part of a file, as a server would send it.
    pub fn read(resource: ResourceKind, file: &FileHandle, range: Option<ByteRange>) -> Self {
        let part = range.map(|ByteRange { first, last }| platform::ByteRange { first, last });
        Self(RequestState::Sent {
            fetch: platform::read_file(file, part),
            target: Target {
                resource,
                url: platform::file_name(file),
                range,
                is_file: true,
            },
            sent_at: platform::now(),
        })
    }

    /// Whether it requests this range of this URL.
    pub fn is_for(&self, url: &str, range: Option<ByteRange>) -> bool {
        let target = match &self.0 {
            RequestState::Sent { target, .. } => target,
            RequestState::Begun(response) => &response.target,
        };
        target.url == url && target.range == range
    }

    /// Waits for the headers of the response.
    ///
    /// # Errors
    /// [`PlaybackError::HttpStatus`], [`PlaybackError::ServerBusy`], [`PlaybackError::Network`],
    /// [`PlaybackError::Timeout`], or [`PlaybackError::InvalidData`] if the response is empty or of another range.
    pub async fn response(self, progress: Rc<RequestProgress>) -> Result<HttpResponse, Error> {
        let (target, fetch, sent_at) = match self.0 {
            RequestState::Sent {
                target,
                fetch,
                sent_at,
            } => (target, fetch, sent_at),
            RequestState::Begun(mut response) => {
                progress.total.set(response.progress.total.get());
                response.progress = progress;
                return Ok(*response);
            }
        };
        let awaited_at = platform::now();
        let response = target.wait(fetch.response()).await?;
        // Of a response that was there already, part of the body is, too.
        let was_there = platform::now() - awaited_at < READY_MS;
        let arriving_since = if was_there { sent_at } else { platform::now() };
        HttpResponse::new(target, response, arriving_since, progress)
    }
}

impl Target {
    /// Waits for the network, at most for the silence timeout.
    async fn wait<T>(
        &self,
        arriving: impl Future<Output = Result<T, Exception>>,
    ) -> Result<T, Error> {
        match select(pin!(arriving), pin!(silence())).await {
            Either::Left((result, _)) => result.map_err(|exception| self.network(exception)),
            Either::Right(_) => Err(self.timeout(SILENCE_SECONDS)),
        }
    }

    fn network(&self, exception: Exception) -> Error {
        if self.is_file {
            return Box::new(PlaybackError::FileUnreadable {
                name: self.url.clone(),
                reason: exception.message,
            });
        }
        Box::new(PlaybackError::Network {
            resource: self.resource,
            url: self.url.clone(),
            reason: exception.message,
        })
    }

    fn timeout(&self, seconds: u32) -> Error {
        Box::new(PlaybackError::Timeout {
            resource: self.resource,
            url: self.url.clone(),
            seconds,
        })
    }

    fn invalid(&self, reason: &str) -> Error {
        invalid_data(self.resource, &self.url, reason)
    }
}

/// The silence timeout. It counts timers of one second instead of comparing times, because a suspended thread must not
/// time out when it resumes.
async fn silence() {
    for _ in 0..SILENCE_SECONDS {
        platform::sleep(1_000).await;
    }
}

/// A response whose body may still be arriving.
pub struct HttpResponse {
    target: Target,
    progress: Rc<RequestProgress>,
    response: Response,
    /// Bytes before the requested range that are still to come, from a server that ignores ranges.
    skip: u64,
    /// Bytes of the range that are still to come, if its length is known.
    remaining: Option<u64>,
    /// Bytes that were received, and are to be read again.
    unread: Option<Bytes>,
    received: u64,
    /// When the body began to arrive, in milliseconds since the Unix epoch.
    started_at: f64,
    measured: Option<MeasuredTransfer>,
}

impl HttpResponse {
    fn new(
        target: Target,
        response: Response,
        arriving_since: f64,
        progress: Rc<RequestProgress>,
    ) -> Result<Self, Error> {
        let status = response.status();
        if matches!(status, 429 | 503) {
            return Err(Box::new(PlaybackError::ServerBusy {
                resource: target.resource,
                url: target.url,
                status,
                retry_after: retry_after(&response),
            }));
        }
        if !(200..300).contains(&status) {
            return Err(Box::new(PlaybackError::HttpStatus {
                resource: target.resource,
                url: target.url,
                status,
            }));
        }
        let (mut skip, mut remaining) = (0, None);
        if let Some(ByteRange { first, last }) = target.range {
            remaining = last.map(|last| last.saturating_sub(first) + 1);
            // Another origin has to expose this header.
            let content_range = response.header("content-range");
            if status != 206 {
                skip = first;
            } else if content_range.is_some_and(|content| !starts_at(&content, first)) {
                return Err(target.invalid("the server sent another range than was requested"));
            }
        }
        // The length of a compressed response is that of its compressed form.
        let length = match response.header("content-encoding") {
            Some(_) => None,
            None => response
                .header("content-length")
                .and_then(|length| digits(&length)),
        };
        progress.total.set(remaining.or(length));
        // For example, a 204 has none.
        if !response.has_body() {
            return Err(target.invalid("the response is empty"));
        }
        Ok(Self {
            target,
            progress,
            response,
            skip,
            remaining,
            unread: None,
            received: 0,
            started_at: arriving_since,
            measured: None,
        })
    }

    /// A request whose response has begun with these bytes, which are all that have been read.
    pub fn into_request(mut self, bytes: Bytes) -> HttpRequest {
        self.unread = (!bytes.is_empty()).then_some(bytes);
        self.measured = None;
        HttpRequest(RequestState::Begun(Box::new(self)))
    }

    /// Measures the throughput of the body, unless it is in the URL itself.
    pub fn measure(&mut self, meter: Rc<BandwidthMeter>) {
        if self.target.url.starts_with("data:") {
            return;
        }
        let since = self.started_at;
        self.measured = Some(MeasuredTransfer::begin(meter, &self.target.url, since));
    }

    /// The URL after redirects, the base of relative URLs in the body.
    pub fn url(&self) -> String {
        if self.target.is_file {
            return self.target.url.clone();
        }
        self.response.url()
    }

    /// The size of the file in bytes, if the whole file was requested and the server says it.
    pub fn total(&self) -> Option<u64> {
        self.progress.total.get()
    }

    /// The `Content-Type`; may be empty.
    pub fn content_type(&self) -> String {
        self.response.header("content-type").unwrap_or_default()
    }

    /// The `Date`, in seconds since the Unix epoch; `None` if it is missing or hidden.
    pub fn date(&self) -> Option<f64> {
        parse_http_date(&self.response.header("date")?)
    }

    /// Reads the next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// [`PlaybackError::Network`], [`PlaybackError::Timeout`], or [`PlaybackError::InvalidData`] if the body is too
    /// short or too long.
    pub async fn read(&mut self, mode: ReadMode) -> Result<Option<Bytes>, Error> {
        let (mut chunks, mut length, started_at) = (Vec::new(), 0, platform::now());
        if let Some(unread) = self.unread.take() {
            if let Some(measured) = &mut self.measured {
                measured.count(unread.len() as u64);
            }
            self.progress.received.set(self.received);
            length = unread.len();
            chunks.push(unread);
        }
        while self.remaining != Some(0) {
            let Some(chunk) = self.target.wait(self.response.chunk()).await? else {
                // A range may reach beyond the end of the file, but has to contain something.
                if self.remaining.is_some() && self.received == 0 {
                    return Err(self.target.invalid("the file is shorter than its range"));
                }
                break;
            };
            let wanted = self.accept(&chunk)?;
            length += wanted.len();
            chunks.push(wanted);
            let is_batch = length >= BATCH_BYTES && platform::now() - started_at >= BATCH_MS;
            let is_enough = match mode {
                ReadMode::Start => length >= START_BYTES,
                ReadMode::Soon => is_batch,
                ReadMode::Whole => false,
            };
            if is_enough {
                break;
            }
        }
        Ok((!chunks.is_empty()).then(|| Bytes::concat(&chunks)))
    }

    /// Returns the part of a chunk that is in the requested range. Checks the size and the speed of the body.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidData`] if the body is too large, [`PlaybackError::Timeout`] if it is too slow.
    fn accept(&mut self, chunk: &Bytes) -> Result<Bytes, Error> {
        let length = chunk.len() as u64;
        let skipped = self.skip.min(length);
        let wanted = self.remaining.unwrap_or(u64::MAX).min(length - skipped);
        self.skip -= skipped;
        self.remaining = self.remaining.map(|remaining| remaining - wanted);
        self.received += wanted;
        self.progress.received.set(self.received);
        if let Some(measured) = &mut self.measured {
            measured.count(length);
        }
        if self.received > max_bytes(self.target.resource) {
            return Err(self.target.invalid("it is larger than the size limit"));
        }
        let seconds = (platform::now() - self.started_at) / 1000.0;
        let is_slow = (self.received as f64) < seconds * MIN_BYTES_PER_SECOND;
        if seconds > f64::from(SLOW_BODY_SECONDS) && is_slow {
            return Err(self.target.timeout(SLOW_BODY_SECONDS));
        }
        // Both are at most the length of the chunk.
        Ok(chunk.slice(skipped as usize..(skipped + wanted) as usize))
    }
}

/// The seconds in `Retry-After`, which may be a date
/// ([RFC 9110 § 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)). `None` if the header is missing,
/// malformed, or not exposed to this origin.
fn retry_after(response: &Response) -> Option<u32> {
    let text = response.header("retry-after")?;
    if let Some(seconds) = integer(&text) {
        return Some(seconds.try_into().unwrap_or(u32::MAX));
    }
    let date = parse_http_date(text.trim_ascii())?;
    // By the server's clock, if it is known.
    let now = response
        .header("date")
        .and_then(|date| parse_http_date(&date));
    let seconds = date - now.unwrap_or_else(|| platform::now() / 1000.0);
    // The conversion saturates.
    Some(seconds.ceil() as u32)
}

/// Whether a Content-Range ([RFC 9110 § 14.4](https://www.rfc-editor.org/rfc/rfc9110#section-14.4)) starts at this
/// byte.
fn starts_at(content_range: &str, first: u64) -> bool {
    let range = content_range.strip_prefix("bytes").unwrap_or(content_range);
    let start = range.split('-').next().unwrap_or_default();
    digits(start.trim_ascii()) == Some(first)
}
