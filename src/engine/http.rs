//! One HTTP request: timeouts, size limits, abort on drop. Retries are in [`network`](super::network).

use std::{cell::Cell, rc::Rc};

use futures_util::future::{Either, select};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, RequestCredentials, RequestInit,
    Response,
};

use super::{
    bandwidth_meter::{BandwidthMeter, MeasuredTransfer},
    error::{Error, invalid_data},
};
use crate::{
    media::{ByteRange, number::digits},
    platform::web::{self, Chunk},
    protocol::{PlaybackError, PlaybackSettings, ResourceKind},
};

/// How long the server may take to start its response, and between two chunks of the body.
const SILENCE_SECONDS: u32 = 8;
/// A body that takes longer than this has to arrive faster than [`MIN_BYTES_PER_SECOND`]: a retry may meet a better
/// server.
const SLOW_BODY_SECONDS: u32 = 30;
/// See [`SLOW_BODY_SECONDS`].
const MIN_BYTES_PER_SECOND: f64 = 1_000.0;
/// [`ReadMode::Soon`] returns after this time, if [`BATCH_BYTES`] have arrived.
const BATCH_MS: f64 = 500.0;
/// See [`BATCH_MS`].
const BATCH_BYTES: u32 = 65_536;

/// The largest accepted body, in bytes.
const fn max_bytes(resource: ResourceKind) -> u64 {
    match resource {
        ResourceKind::Manifest | ResourceKind::SegmentIndex | ResourceKind::InitSegment => 16 << 20,
        ResourceKind::Captions => 4 << 20,
        ResourceKind::Key => 1 << 10,
        ResourceKind::MediaSegment => 1 << 30,
    }
}

/// How much of a body [`HttpResponse::read`] waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
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
pub struct HttpRequest {
    resource: ResourceKind,
    url: String,
    range: Option<ByteRange>,
    /// `None` once it is awaited. A `JsFuture` from the start, so that a rejection is never reported as unhandled.
    sent: Option<JsFuture>,
    abort: Option<AbortController>,
}

impl Drop for HttpRequest {
    fn drop(&mut self) {
        // Has no effect on a request that is complete.
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

impl HttpRequest {
    /// Sends a request at once, before its response is awaited.
    pub fn send(
        resource: ResourceKind,
        url: String,
        range: Option<ByteRange>,
        settings: &PlaybackSettings,
    ) -> Box<Self> {
        let abort = AbortController::new().ok();
        let init = RequestInit::new();
        init.set_signal(abort.as_ref().map(AbortController::signal).as_ref());
        if settings.credentials {
            init.set_credentials(RequestCredentials::Include);
        }
        if let Ok(headers) = Headers::new() {
            for (name, value) in &settings.headers {
                // Throws for invalid and forbidden headers, which are left out.
                let _ = headers.set(name, value);
            }
            if let Some(ByteRange { first, last }) = range {
                let last = last.map_or_else(String::new, |last| last.to_string());
                let _ = headers.set("Range", &format!("bytes={first}-{last}"));
            }
            init.set_headers(&headers);
        }
        Box::new(Self {
            sent: Some(web::fetch(&url, &init).into()),
            resource,
            url,
            range,
            abort,
        })
    }

    /// Waits for the headers of the response.
    ///
    /// # Errors
    /// [`PlaybackError::HttpStatus`], [`PlaybackError::Network`], [`PlaybackError::Timeout`], or
    /// [`PlaybackError::InvalidData`] if the response is empty or of another range.
    pub async fn response(
        mut self: Box<Self>,
        progress: Rc<RequestProgress>,
    ) -> Result<Box<HttpResponse>, Error> {
        let response = match self.sent.take() {
            Some(sent) => self.wait(sent).await?,
            None => return Err(self.invalid("the response is empty")),
        };
        HttpResponse::new(self, response.unchecked_into(), progress)
    }

    /// Waits for the network until the silence timeout. The timeout counts rounds of a second, not time, because a
    /// suspended thread must not time out when it resumes.
    async fn wait(&self, mut promise: JsFuture) -> Result<JsValue, Error> {
        for _ in 0..SILENCE_SECONDS {
            match select(promise, web::after(1_000)).await {
                Either::Left((result, _)) => {
                    return result.map_err(|exception| {
                        Box::new(PlaybackError::Network {
                            resource: self.resource,
                            url: self.url.clone(),
                            reason: web::words(&exception),
                        })
                    });
                }
                Either::Right((_, pending)) => promise = pending,
            }
        }
        Err(self.timeout(SILENCE_SECONDS))
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

/// A response whose body may still be arriving.
pub struct HttpResponse {
    request: Box<HttpRequest>,
    progress: Rc<RequestProgress>,
    response: Response,
    reader: ReadableStreamDefaultReader,
    /// Bytes before the requested range that are still to come, from a server that ignores ranges.
    skip: u64,
    /// Bytes of the range that are still to come, if its length is known.
    left: Option<u64>,
    received: u64,
    started_at: f64,
    measured: Option<MeasuredTransfer>,
}

impl HttpResponse {
    fn new(
        request: Box<HttpRequest>,
        response: Response,
        progress: Rc<RequestProgress>,
    ) -> Result<Box<Self>, Error> {
        if !response.ok() {
            return Err(Box::new(PlaybackError::HttpStatus {
                resource: request.resource,
                url: request.url.clone(),
                status: response.status(),
            }));
        }
        let header = |name: &str| response.headers().get(name).ok().flatten();
        let (mut skip, mut left) = (0, None);
        if let Some(ByteRange { first, last }) = request.range {
            left = last.map(|last| last.saturating_sub(first) + 1);
            // Not readable in a response of another origin, unless that exposes it.
            let content_range = header("content-range");
            if response.status() != 206 {
                skip = first;
            } else if content_range.is_some_and(|content| !starts_at(&content, first)) {
                return Err(request.invalid("the server sent another range than was requested"));
            }
        }
        // The length of a compressed response is that of its compressed form.
        let length = match header("content-encoding") {
            Some(_) => None,
            None => header("content-length").and_then(|length| digits(&length)),
        };
        progress.total.set(left.or(length));
        // A response without a body, such as 204, has no stream.
        let Some(body) = response.body() else {
            return Err(request.invalid("the response is empty"));
        };
        Ok(Box::new(Self {
            request,
            progress,
            reader: body.get_reader().unchecked_into(),
            response,
            skip,
            left,
            received: 0,
            started_at: web::now(),
            measured: None,
        }))
    }

    /// Measures the throughput of the body.
    pub fn measure(&mut self, meter: Rc<BandwidthMeter>) {
        self.measured = Some(MeasuredTransfer::begin(meter, &self.request.url));
    }

    /// The URL after redirects, the base of relative URLs in the body.
    pub fn url(&self) -> String {
        self.response.url()
    }

    /// The `Content-Type`; may be empty.
    pub fn content_type(&self) -> String {
        let header = self.response.headers().get("content-type");
        header.ok().flatten().unwrap_or_default()
    }

    /// Reads the next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// [`PlaybackError::Network`], [`PlaybackError::Timeout`], or [`PlaybackError::InvalidData`] if the body is too
    /// short or too long.
    pub async fn read(&mut self, mode: ReadMode) -> Result<Option<Uint8Array>, Error> {
        let (chunks, mut length, started_at) = (Array::new(), 0, web::now());
        while self.left != Some(0) {
            let chunk = self.request.wait(self.reader.read().into()).await?;
            let Some(chunk) = chunk.unchecked_into::<Chunk>().value() else {
                // A range may reach beyond the end of the file, but has to contain something.
                if self.left.is_some() && self.received == 0 {
                    return Err(self.request.invalid("the file is shorter than its range"));
                }
                break;
            };
            let wanted = self.take(&chunk)?;
            length += wanted.length();
            chunks.push(&wanted);
            let is_batch = length >= BATCH_BYTES && web::now() - started_at >= BATCH_MS;
            if mode == ReadMode::Soon && is_batch {
                break;
            }
        }
        Ok(match chunks.length() {
            0 => None,
            1 => Some(chunks.get(0).unchecked_into()),
            _ => Some(concat(&chunks, length)),
        })
    }

    /// The part of a chunk that is in the requested range. Checks the size and speed of the body.
    fn take(&mut self, chunk: &Uint8Array) -> Result<Uint8Array, Error> {
        let length = u64::from(chunk.length());
        let skipped = self.skip.min(length);
        let wanted = self.left.unwrap_or(u64::MAX).min(length - skipped);
        self.skip -= skipped;
        self.left = self.left.map(|left| left - wanted);
        self.received += wanted;
        self.progress.received.set(self.received);
        if let Some(measured) = &mut self.measured {
            measured.count(length);
        }
        if self.received > max_bytes(self.request.resource) {
            return Err(self.request.invalid("it is larger than the size limit"));
        }
        let seconds = (web::now() - self.started_at) / 1000.0;
        let is_slow = (self.received as f64) < seconds * MIN_BYTES_PER_SECOND;
        if seconds > f64::from(SLOW_BODY_SECONDS) && is_slow {
            return Err(self.request.timeout(SLOW_BODY_SECONDS));
        }
        // Both are at most the length of an array.
        Ok(chunk.subarray(skipped as u32, (skipped + wanted) as u32))
    }
}

/// Whether a Content-Range ([RFC 9110 § 14.4](https://www.rfc-editor.org/rfc/rfc9110#section-14.4)) starts at this
/// byte.
fn starts_at(content_range: &str, first: u64) -> bool {
    let range = content_range.strip_prefix("bytes").unwrap_or(content_range);
    let start = range.split('-').next().unwrap_or_default();
    digits(start.trim_ascii()) == Some(first)
}

/// Concatenates arrays without copying them into wasm memory.
fn concat(chunks: &Array, length: u32) -> Uint8Array {
    let whole = Uint8Array::new_with_length(length);
    let mut offset = 0;
    for chunk in chunks.iter() {
        let chunk: Uint8Array = chunk.unchecked_into();
        whole.set(&chunk, offset);
        offset += chunk.length();
    }
    whole
}
