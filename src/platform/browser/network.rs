//! URLs, [Fetch](https://fetch.spec.whatwg.org/) and the state of the network.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, PerformanceResourceTiming, ReadableStreamDefaultReader,
    RequestCredentials, RequestInit, Url,
};

use super::{
    bytes::Bytes,
    event::{NextEvent, global},
};
use crate::platform::types::{ByteRange, Delivery, Exception, Request};

#[wasm_bindgen]
extern "C" {
    /// `fetch` of the global object, which has the same name in windows and workers.
    #[wasm_bindgen(js_name = fetch)]
    fn global_fetch(url: &str, init: &RequestInit) -> Promise;

    #[wasm_bindgen(js_namespace = performance, js_name = getEntriesByName)]
    fn timings_of(url: &str) -> Array;

    #[wasm_bindgen(js_namespace = performance, js_name = getEntriesByType)]
    fn entries_of_type(entry_type: &str) -> Array;

    #[wasm_bindgen(js_namespace = performance, js_name = clearResourceTimings)]
    fn clear_resource_timings();

    /// `ReadableStreamReadResult`: the result of a stream reader's `read()`.
    type ReadResult;

    #[wasm_bindgen(method, getter, structural)]
    fn value(this: &ReadResult) -> Option<Uint8Array>;

    #[wasm_bindgen(js_name = Navigator)]
    type AnyNavigator;

    #[wasm_bindgen(thread_local_v2, js_name = navigator)]
    static NAVIGATOR: AnyNavigator;

    #[wasm_bindgen(method, getter, structural, js_name = onLine)]
    fn on_line(this: &AnyNavigator) -> bool;
}

/// The absolute URL of a reference, relative to a base URL; `None` if it is not valid, or not an `http`,
/// `https`, `blob` or `data` URL.
pub fn resolve_url(base: &str, reference: &str) -> Option<String> {
    let url = Url::new_with_base(reference, base).ok()?;
    let is_fetched = matches!(
        url.protocol().as_str(),
        "http:" | "https:" | "blob:" | "data:"
    );
    is_fetched.then(|| url.href())
}

/// A request that has been sent. Dropping it aborts it.
#[derive(Debug)]
#[must_use = "dropping it aborts the request"]
pub struct Fetch {
    /// A `JsFuture` handles the promise from its creation, so that a rejection is never reported as unhandled.
    sent: JsFuture,
    abort: AbortOnDrop,
}

/// Sends a request. It is sent by this call, not by the first poll.
pub fn fetch(request: &Request) -> Fetch {
    let abort = AbortOnDrop(AbortController::new().ok());
    let init = RequestInit::new();
    init.set_signal(abort.0.as_ref().map(AbortController::signal).as_ref());
    if request.credentials {
        init.set_credentials(RequestCredentials::Include);
    }
    if let Ok(headers) = Headers::new() {
        for (name, value) in &request.headers {
            // Throws for headers that a page may not set: they are left out.
            let _ = headers.set(name, value);
        }
        if let Some(ByteRange { first, last }) = request.range {
            let last = last.map_or_else(String::new, |last| last.to_string());
            let _ = headers.set("Range", &format!("bytes={first}-{last}"));
        }
        init.set_headers(&headers);
    }
    if let Some(prefetched) = take_prefetched(request) {
        return prefetched;
    }
    Fetch {
        sent: global_fetch(&request.url, &init).into(),
        abort,
    }
}

/// A request that `assets/worker_loader.js` has sent, if it is this one.
fn take_prefetched(request: &Request) -> Option<Fetch> {
    let global = js_sys::global();
    let name = JsValue::from_str("prefetched");
    let prefetched = js_sys::Reflect::get(&global, &name).ok()?;
    if prefetched.is_undefined() || request.range.is_some() {
        return None;
    }
    let property = |name: &str| js_sys::Reflect::get(&prefetched, &name.into()).ok();
    if property("url")? != request.url.as_str() {
        return None;
    }
    // Fails for frozen objects only.
    let _ = js_sys::Reflect::delete_property(&global, &name);
    let sent: Promise = property("response")?.dyn_into().ok()?;
    Some(Fetch {
        sent: sent.into(),
        abort: AbortOnDrop(property("abort")?.dyn_into().ok()),
    })
}

impl Fetch {
    /// A response that no server sends.
    pub(super) fn of(response: &Promise) -> Self {
        Self {
            sent: response.clone().into(),
            abort: AbortOnDrop(None),
        }
    }

    /// Waits for status and headers.
    ///
    /// # Errors
    /// If there is no response: the network failed, or the server does not allow this origin.
    pub async fn response(self) -> Result<Response, Exception> {
        let response: web_sys::Response = self.sent.await?.unchecked_into();
        // Without a body, such as in a 204, there is no stream.
        let body = response.body();
        Ok(Response {
            body: body.map(|body| body.get_reader().unchecked_into()),
            response,
            _abort: self.abort,
        })
    }
}

/// Aborts a request when dropped. This has no effect on a completed request.
#[derive(Debug)]
struct AbortOnDrop(Option<AbortController>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// A response whose body may still be arriving. Dropping it aborts the request.
#[derive(Debug)]
pub struct Response {
    response: web_sys::Response,
    body: Option<ReadableStreamDefaultReader>,
    _abort: AbortOnDrop,
}

impl Response {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// The URL after redirects.
    pub fn url(&self) -> String {
        self.response.url()
    }

    /// The value of a header; `None` if it is absent or another origin does not expose it.
    pub fn header(&self, name: &str) -> Option<String> {
        self.response.headers().get(name).ok().flatten()
    }

    /// Whether the response has a body, even an empty one.
    pub const fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// The next part of the body, as soon as there is one; `None` at its end.
    ///
    /// # Errors
    /// If the connection is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Exception> {
        let Some(body) = &self.body else {
            return Ok(None);
        };
        let result: ReadResult = JsFuture::from(body.read()).await?.unchecked_into();
        Ok(result.value().map(Bytes::from))
    }
}

/// Where the last response from a URL came from, by this thread's performance timeline. Clears the timeline, because
/// it records nothing more once it is full.
pub fn take_delivery(url: &str) -> Delivery {
    let last = timings_of(url).pop();
    clear_resource_timings();
    if last.is_undefined() {
        return Delivery::Network;
    }
    // Only resource entries are named by a URL.
    let timing: PerformanceResourceTiming = last.unchecked_into();
    if timing.decoded_body_size() == 0.0 {
        Delivery::Hidden
    } else if timing.transfer_size() == 0.0 {
        Delivery::Cache
    } else {
        Delivery::Network
    }
}

/// How many bytes of the engine's program came over the network to this thread, and in how many seconds: `None` if they
/// came from a cache, or the timeline was cleared since.
pub fn program_download() -> Option<(u64, f64)> {
    let entries = entries_of_type("resource");
    let mut timings = entries
        .iter()
        .map(JsCast::unchecked_into::<PerformanceResourceTiming>);
    let is_program = |timing: &PerformanceResourceTiming| timing.name().contains("_bg.wasm");
    let timing = timings.rfind(is_program)?;
    let bytes = timing.transfer_size() as u64;
    let seconds = (timing.response_end() - timing.response_start()) / 1000.0;
    (bytes > 0 && seconds > 0.0).then_some((bytes, seconds))
}

/// Whether the browser believes that there is a network.
pub fn is_online() -> bool {
    NAVIGATOR.with(AnyNavigator::on_line)
}

/// Completes at the next `online` event.
#[must_use = "it does nothing unless awaited"]
pub struct Online(NextEvent);

/// Waits for the next `online` event. Listens from this call, not from the first poll.
pub fn next_online() -> Online {
    Online(NextEvent::of(&global(), "online"))
}

impl Future for Online {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}
