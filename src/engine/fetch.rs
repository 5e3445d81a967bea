//! The network, with an end to every wait. What is fetched stays on JavaScript's side: a media
//! segment goes from here to `appendBuffer` without a pass through wasm memory.

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{ArrayBuffer, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, RequestInit, Response};

use crate::{
    web,
    wire::{Fault, Piece},
};

/// How long a server may take to begin its answer, in seconds.
const ANSWER: u32 = 8;
/// How long an answer may then take to arrive in full, in seconds: playlists and init segments are
/// small, and a media segment may be of some megabytes.
const fn body(piece: Piece) -> u32 {
    match piece {
        Piece::Playlist | Piece::Init => 8,
        Piece::Segment => 30,
    }
}

/// A text, and where it came from in the end.
pub struct Text {
    /// What it says.
    pub content: String,
    /// Its URL after redirects: what relative URLs in it are relative to.
    pub url: String,
}

/// Fetches a playlist.
///
/// # Errors
/// [`Fault::Status`], [`Fault::Network`] or [`Fault::Timeout`].
pub async fn text(url: &str, what: Piece) -> Result<Text, Fault> {
    let request = Request::new(url, what);
    let response = request.answer().await?;
    let content = request.body(response.text()).await?;
    Ok(Text {
        content: content.as_string().unwrap_or_default(),
        url: response.url(),
    })
}

/// Fetches a segment.
///
/// # Errors
/// [`Fault::Status`], [`Fault::Network`] or [`Fault::Timeout`].
pub async fn bytes(url: &str, what: Piece) -> Result<ArrayBuffer, Fault> {
    let request = Request::new(url, what);
    let response = request.answer().await?;
    let body = request.body(response.array_buffer()).await?;
    Ok(body.unchecked_into())
}

/// A request that is aborted when nobody waits for it any more.
struct Request<'a> {
    url: &'a str,
    what: Piece,
    abort: Option<AbortController>,
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        // Without effect where the answer is there already.
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

impl<'a> Request<'a> {
    fn new(url: &'a str, what: Piece) -> Self {
        let abort = AbortController::new().ok();
        Self { url, what, abort }
    }

    async fn answer(&self) -> Result<Response, Fault> {
        let init = RequestInit::new();
        init.set_signal(self.abort.as_ref().map(AbortController::signal).as_ref());
        let response = self.within(ANSWER, web::fetch(self.url, &init)).await?;
        let response: Response = response.unchecked_into();
        if !response.ok() {
            return Err(Fault::Status {
                what: self.what,
                url: self.url.into(),
                status: response.status(),
            });
        }
        Ok(response)
    }

    async fn body(&self, reading: Result<Promise, JsValue>) -> Result<JsValue, Fault> {
        let reading = reading.map_err(|exception| self.broken(&exception))?;
        self.within(body(self.what), reading).await
    }

    async fn within(&self, seconds: u32, promise: Promise) -> Result<JsValue, Fault> {
        let arriving = JsFuture::from(promise);
        match select(arriving, TimeoutFuture::new(seconds * 1000)).await {
            Either::Left((arrived, _)) => arrived.map_err(|exception| self.broken(&exception)),
            Either::Right(_) => Err(Fault::Timeout {
                what: self.what,
                url: self.url.into(),
                seconds,
            }),
        }
    }

    fn broken(&self, exception: &JsValue) -> Fault {
        Fault::Network {
            what: self.what,
            url: self.url.into(),
            reason: web::words(exception),
        }
    }
}
