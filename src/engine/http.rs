//! One request: an end to every wait, an end to every size, and an end to itself when it is not wanted
//! any more. Whether it is made again is for [`super::network`] to say.

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
    context::{Error, invalid_data},
};
use crate::{
    media::{ByteRange, number::digits},
    platform::web::{self, Chunk},
    protocol::{PlaybackError, PlaybackSettings, ResourceKind},
};

/// How long a server may take to begin its answer, and then to send any more of it, in seconds.
const SILENCE: u32 = 8;
/// A body that takes longer than this many seconds has to come faster than this many bytes per second:
/// the next try may meet a better server.
const TRICKLE: (u32, f64) = (30, 1_000.0);
/// What is handed on at once of a body that comes slowly: milliseconds and bytes.
const BATCH: (f64, u32) = (500.0, 65_536);

/// The largest body that is taken, in bytes.
const fn limit(what: ResourceKind) -> u64 {
    match what {
        ResourceKind::InvalidManifest | ResourceKind::SegmentIndex | ResourceKind::InitSegment => {
            16 << 20
        }
        ResourceKind::CaptionTracks => 4 << 20,
        ResourceKind::Key => 1 << 10,
        ResourceKind::MediaSegment => 1 << 30,
    }
}

/// How much of a body is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
    /// All that there is.
    Whole,
    /// What comes soon: all of it if it comes quickly, or what has come meanwhile if it does not.
    Soon,
}

/// How a request is getting on.
#[derive(Debug, Default)]
pub struct RequestProgress {
    /// Bytes so far.
    pub received: Cell<u64>,
    /// Bytes that there will be, if the server has said.
    pub total: Cell<Option<u64>>,
}

/// A request that has been sent. Dropping it, or its answer, aborts it.
pub struct HttpRequest {
    resource: ResourceKind,
    url: String,
    range: Option<ByteRange>,
    /// Waited for from the first, so that a failure is never one that nobody caught.
    sent: Option<JsFuture>,
    abort: Option<AbortController>,
}

impl Drop for HttpRequest {
    fn drop(&mut self) {
        // Without effect on one that is over.
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

impl HttpRequest {
    /// Asks for a URL, or a range of it. It is on its way before anybody waits for the answer.
    pub fn send(
        what: ResourceKind,
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
                // One that a page may not set is left to the browser.
                let _ = headers.set(name, value);
            }
            if let Some(ByteRange { first, last }) = range {
                let last = last.map_or_else(String::new, |last| last.to_string());
                let _ = headers.set(
                    "Range",
                    &["bytes=", &first.to_string(), "-", &last].concat(),
                );
            }
            init.set_headers(&headers);
        }
        Box::new(Self {
            sent: Some(web::fetch(&url, &init).into()),
            resource: what,
            url,
            range,
            abort,
        })
    }

    /// Waits until the answer begins.
    ///
    /// # Errors
    /// [`PlaybackError::HttpStatus`], [`PlaybackError::Network`], [`PlaybackError::Timeout`], or [`PlaybackError::InvalidData`] if the server
    /// answers with nothing, or with another range.
    pub async fn response(
        mut self: Box<Self>,
        progress: Rc<RequestProgress>,
    ) -> Result<Box<HttpResponse>, Error> {
        let response = match self.sent.take() {
            Some(sent) => self.wait(sent).await?,
            None => return Err(self.damaged("the answer is empty")),
        };
        HttpResponse::of(self, response.unchecked_into(), progress)
    }

    /// Waits for the network, but not for ever. Counted are rounds of a second, not time: a thread that was
    /// frozen or asleep has made none.
    async fn wait(&self, mut arriving: JsFuture) -> Result<JsValue, Error> {
        for _ in 0..SILENCE {
            match select(arriving, web::after(1_000)).await {
                Either::Left((arrived, _)) => {
                    return arrived.map_err(|exception| {
                        Box::new(PlaybackError::Network {
                            resource: self.resource,
                            url: self.url.clone(),
                            reason: web::words(&exception),
                        })
                    });
                }
                Either::Right((_, still)) => arriving = still,
            }
        }
        Err(self.timeout(SILENCE))
    }

    fn timeout(&self, seconds: u32) -> Error {
        Box::new(PlaybackError::Timeout {
            resource: self.resource,
            url: self.url.clone(),
            seconds,
        })
    }

    fn damaged(&self, reason: &str) -> Error {
        invalid_data(self.resource, &self.url, reason)
    }
}

/// The answer to a request, of which the body may still be coming.
pub struct HttpResponse {
    request: Box<HttpRequest>,
    progress: Rc<RequestProgress>,
    response: Response,
    reader: ReadableStreamDefaultReader,
    /// Bytes before the range, which a server sends that knows no ranges.
    skip: u64,
    /// Bytes that are still wanted, if that is known.
    left: Option<u64>,
    taken: u64,
    since: f64,
    measured: Option<MeasuredTransfer>,
}

impl HttpResponse {
    fn of(
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
            // Of another host's answer this header is out of sight, unless that host exposes it.
            let content = header("content-range");
            if response.status() != 206 {
                skip = first;
            } else if content.is_some_and(|content| !begins_at(&content, first)) {
                return Err(request.damaged("the server sent other bytes than were asked for"));
            }
        }
        // Of a compressed answer it is the compressed length, which says nothing of what will come.
        let length = match header("content-encoding") {
            Some(_) => None,
            None => header("content-length").and_then(|length| digits(&length)),
        };
        progress.total.set(left.or(length));
        // An answer without a body, such as 204, has no stream either.
        let Some(body) = response.body() else {
            return Err(request.damaged("the answer is empty"));
        };
        Ok(Box::new(Self {
            request,
            progress,
            reader: body.get_reader().unchecked_into(),
            response,
            skip,
            left,
            taken: 0,
            since: web::now(),
            measured: None,
        }))
    }

    /// Has the transfer of the body measured.
    pub fn measure(&mut self, meter: Rc<BandwidthMeter>) {
        self.measured = Some(MeasuredTransfer::begin(meter, &self.request.url));
    }

    /// The URL after redirects: what relative URLs in the body are relative to.
    pub fn url(&self) -> String {
        self.response.url()
    }

    /// What the server says that it is; empty if it does not.
    pub fn content_type(&self) -> String {
        let header = self.response.headers().get("content-type");
        header.ok().flatten().unwrap_or_default()
    }

    /// The next bytes, as many as are waited for. `None` at the end.
    ///
    /// # Errors
    /// [`PlaybackError::Network`], [`PlaybackError::Timeout`], or [`PlaybackError::InvalidData`] if it is cut off or endless.
    pub async fn read(&mut self, extent: ReadMode) -> Result<Option<Uint8Array>, Error> {
        let (chunks, mut length, since) = (Array::new(), 0, web::now());
        while self.left != Some(0) {
            let chunk = self.request.wait(self.reader.read().into()).await?;
            let Some(chunk) = chunk.unchecked_into::<Chunk>().value() else {
                // A range that reaches beyond the file is cut short, and not damaged by that.
                if self.left.is_some() && self.taken == 0 {
                    return Err(self.request.damaged("it is shorter than was said"));
                }
                break;
            };
            let wanted = self.take(&chunk)?;
            length += wanted.length();
            chunks.push(&wanted);
            if extent == ReadMode::Soon && length >= BATCH.1 && web::now() - since >= BATCH.0 {
                break;
            }
        }
        Ok(match chunks.length() {
            0 => None,
            1 => Some(chunks.get(0).unchecked_into()),
            _ => Some(joined(&chunks, length)),
        })
    }

    /// What is wanted of the next bytes, unless they are too many or too few.
    fn take(&mut self, chunk: &Uint8Array) -> Result<Uint8Array, Error> {
        let length = u64::from(chunk.length());
        let skipped = self.skip.min(length);
        let wanted = self.left.unwrap_or(u64::MAX).min(length - skipped);
        self.skip -= skipped;
        self.left = self.left.map(|left| left - wanted);
        self.taken += wanted;
        self.progress.received.set(self.taken);
        if let Some(measured) = &mut self.measured {
            measured.count(length);
        }
        if self.taken > limit(self.request.resource) {
            let reason = "it is larger than anything of its kind";
            return Err(self.request.damaged(reason));
        }
        let seconds = (web::now() - self.since) / 1000.0;
        if seconds > f64::from(TRICKLE.0) && (self.taken as f64) < seconds * TRICKLE.1 {
            return Err(self.request.timeout(TRICKLE.0));
        }
        // Both are within the length of an array.
        Ok(chunk.subarray(skipped as u32, (skipped + wanted) as u32))
    }
}

/// Whether a Content-Range (RFC 9110 § 14.4) begins at this byte.
fn begins_at(content: &str, first: u64) -> bool {
    let range = content.strip_prefix("bytes").unwrap_or(content);
    let start = range.split('-').next().unwrap_or_default();
    digits(start.trim_ascii()) == Some(first)
}

/// Arrays of bytes as one, without a pass through wasm memory.
fn joined(chunks: &Array, length: u32) -> Uint8Array {
    let joined = Uint8Array::new_with_length(length);
    let mut at = 0;
    for chunk in chunks.iter() {
        let chunk: Uint8Array = chunk.unchecked_into();
        joined.set(&chunk, at);
        at += chunk.length();
    }
    joined
}
