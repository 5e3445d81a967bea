//! One request: an end to every wait, an end to every size, and an end to itself when it is not wanted
//! any more. Whether it is made again is for [`super::network`] to say.

use std::cell::Cell;

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, RequestCredentials, RequestInit,
    Response,
};

use crate::{
    media::ByteRange,
    web::{self, Chunk},
    wire::{Fault, Piece, Settings},
};

/// How long a server may take to begin its answer, and then to send any more of it, in seconds.
const SILENCE: u32 = 8;
/// A body that takes longer than this many seconds has to come faster than this many bytes per second:
/// the next try may meet a better server.
const TRICKLE: (f64, f64) = (30.0, 1_000.0);
/// What is handed on at once of a body that comes slowly: milliseconds and bytes.
const BATCH: (f64, u32) = (500.0, 65_536);

/// The largest body that is taken, in bytes.
const fn limit(what: Piece) -> u64 {
    match what {
        Piece::Manifest | Piece::Index | Piece::Init => 16 << 20,
        Piece::Key => 1 << 10,
        Piece::Segment => 1 << 30,
    }
}

/// How a request is getting on.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes so far.
    pub received: Cell<u64>,
    /// Bytes that there will be, if the server has said.
    pub total: Cell<Option<u64>>,
}

/// The answer to a request, of which the body may still be coming. Dropping it aborts the request.
pub struct Answer<'a> {
    what: Piece,
    url: &'a str,
    range: Option<ByteRange>,
    progress: &'a Progress,
    response: Response,
    reader: ReadableStreamDefaultReader,
    /// Bytes before the range, which a server sends that knows no ranges.
    skip: u64,
    /// Bytes that are still wanted, if that is known.
    left: Option<u64>,
    taken: u64,
    since: f64,
    _abort: Abort,
}

/// Aborts a request when nobody waits for it any more: without effect on one that is over.
struct Abort(Option<AbortController>);

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// Asks for `url`, or a range of it, and waits until the answer begins.
///
/// # Errors
/// [`Fault::Status`], [`Fault::Network`], [`Fault::Timeout`], or [`Fault::Damaged`] if the server answers
/// with another range.
pub async fn open<'a>(
    what: Piece,
    url: &'a str,
    range: Option<ByteRange>,
    settings: &Settings,
    progress: &'a Progress,
) -> Result<Answer<'a>, Fault> {
    let abort = Abort(AbortController::new().ok());
    let init = RequestInit::new();
    init.set_signal(abort.0.as_ref().map(AbortController::signal).as_ref());
    if settings.credentials {
        init.set_credentials(RequestCredentials::Include);
    }
    if let Ok(headers) = Headers::new() {
        for (name, value) in &settings.headers {
            // One that a page may not set is left to the browser.
            let _ = headers.set(name, value);
        }
        if let Some(range) = range {
            let _ = headers.set("Range", &range_header(range));
        }
        init.set_headers(&headers);
    }
    let broken = |exception: JsValue| Fault::Network {
        what,
        url: url.into(),
        reason: web::words(&exception),
    };

    let response = within_silence(what, url, web::fetch(url, &init)).await?;
    let response: Response = response.map_err(broken)?.unchecked_into();
    if !response.ok() {
        return Err(Fault::Status {
            what,
            url: url.into(),
            status: response.status(),
        });
    }
    // An answer without a body, such as 204, has no stream either.
    let body = response.body().ok_or_else(|| Fault::Damaged {
        what,
        url: url.into(),
        reason: "the answer is empty".into(),
    })?;
    let mut answer = Answer {
        what,
        url,
        range,
        progress,
        reader: body.get_reader().unchecked_into(),
        response,
        skip: 0,
        left: range.and_then(length),
        taken: 0,
        since: web::now(),
        _abort: abort,
    };
    answer.find_range()?;
    progress.total.set(
        answer
            .left
            .or_else(|| answer.header_number("content-length")),
    );
    Ok(answer)
}

fn range_header(range: ByteRange) -> String {
    let last = range.last.map(|last| last.to_string());
    [
        "bytes=",
        &range.first.to_string(),
        "-",
        &last.unwrap_or_default(),
    ]
    .concat()
}

fn length(range: ByteRange) -> Option<u64> {
    Some(range.last?.saturating_sub(range.first) + 1)
}

impl Answer<'_> {
    /// The URL after redirects: what relative URLs in the body are relative to.
    pub fn url(&self) -> String {
        self.response.url()
    }

    /// What the server says that it is; empty if it does not.
    pub fn content_type(&self) -> String {
        self.header("content-type").unwrap_or_default()
    }

    /// The next bytes: all that there are if they come soon, or what has come of them meanwhile if they
    /// do not. `None` at the end.
    ///
    /// # Errors
    /// [`Fault::Network`], [`Fault::Timeout`], or [`Fault::Damaged`] if it is cut off or endless.
    pub async fn next(&mut self) -> Result<Option<Uint8Array>, Fault> {
        self.collect(BATCH.0).await
    }

    /// All bytes at once.
    ///
    /// # Errors
    /// As [`next`](Self::next) has.
    pub async fn all(&mut self) -> Result<Uint8Array, Fault> {
        let all = self.collect(f64::INFINITY).await?;
        Ok(all.unwrap_or_default())
    }

    async fn collect(&mut self, milliseconds: f64) -> Result<Option<Uint8Array>, Fault> {
        let chunks = Array::new();
        let mut length = 0;
        let since = web::now();
        while let Some(chunk) = self.chunk().await? {
            length += chunk.length();
            chunks.push(&chunk);
            if length >= BATCH.1 && web::now() - since >= milliseconds {
                break;
            }
        }
        Ok(match chunks.length() {
            0 => None,
            1 => Some(chunks.get(0).unchecked_into()),
            _ => Some(joined(&chunks, length)),
        })
    }

    /// The next bytes as the network gives them, of those that are wanted.
    async fn chunk(&mut self) -> Result<Option<Uint8Array>, Fault> {
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            let read = within_silence(self.what, self.url, self.reader.read()).await?;
            let chunk = read.map_err(|exception| Fault::Network {
                what: self.what,
                url: self.url.into(),
                reason: web::words(&exception),
            })?;
            let Some(bytes) = chunk.unchecked_into::<Chunk>().value() else {
                // A range that reaches beyond the file is cut short without being damaged.
                let is_short = self.left.is_some() && self.taken == 0;
                return if is_short {
                    Err(self.damaged("it is shorter than was said"))
                } else {
                    Ok(None)
                };
            };
            let length = u64::from(bytes.length());
            let skipped = self.skip.min(length);
            self.skip -= skipped;
            let wanted = self.left.unwrap_or(u64::MAX).min(length - skipped);
            if wanted == 0 {
                continue;
            }
            self.left = self.left.map(|left| left - wanted);
            self.taken += wanted;
            self.progress.received.set(self.taken);
            if self.taken > limit(self.what) {
                return Err(self.damaged("it is larger than anything of its kind"));
            }
            let seconds = (web::now() - self.since) / 1000.0;
            if seconds > TRICKLE.0 && (self.taken as f64) < seconds * TRICKLE.1 {
                return Err(Fault::Timeout {
                    what: self.what,
                    url: self.url.into(),
                    seconds: TRICKLE.0 as u32,
                });
            }
            // Both are within the length of an array.
            return Ok(Some(
                bytes.subarray(skipped as u32, (skipped + wanted) as u32),
            ));
        }
    }

    /// Finds out which bytes are coming: a server that knows no ranges sends the whole file, and one
    /// that is mistaken sends others than were asked for.
    fn find_range(&mut self) -> Result<(), Fault> {
        let Some(range) = self.range else {
            return Ok(());
        };
        if self.response.status() != 206 {
            self.skip = range.first;
            return Ok(());
        }
        // To another host's answer this header is out of sight, unless that host exposes it.
        let Some(content) = self.header("content-range") else {
            return Ok(());
        };
        let first = content.trim_start_matches("bytes").trim().split('-').next();
        match first.and_then(|first| first.parse::<u64>().ok()) {
            Some(first) if first == range.first => Ok(()),
            _ => Err(self.damaged("the server sent other bytes than were asked for")),
        }
    }

    fn damaged(&self, reason: &str) -> Fault {
        Fault::Damaged {
            what: self.what,
            url: self.url.into(),
            reason: reason.into(),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.response.headers().get(name).ok().flatten()
    }

    /// Of a compressed answer it is the compressed length, which says nothing of what will come.
    fn header_number(&self, name: &str) -> Option<u64> {
        match self.header("content-encoding") {
            Some(_) => None,
            None => self.header(name)?.parse().ok(),
        }
    }
}

/// Waits for the network, but not for ever.
async fn within_silence(
    what: Piece,
    url: &str,
    promise: Promise,
) -> Result<Result<JsValue, JsValue>, Fault> {
    let arriving = JsFuture::from(promise);
    match select(arriving, TimeoutFuture::new(SILENCE * 1000)).await {
        Either::Left((arrived, _)) => Ok(arrived),
        Either::Right(_) => Err(Fault::Timeout {
            what,
            url: url.into(),
            seconds: SILENCE,
        }),
    }
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
