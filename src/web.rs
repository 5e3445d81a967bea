//! What web-sys 0.3 lacks, and what both threads need of the browser: the handle, the clock, `fetch`,
//! and events as futures. Nothing is decided here.

use std::{cell::RefCell, future::Future, rc::Rc};

use futures_channel::oneshot;
use gloo_events::EventListener;
use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use web_sys::{EventTarget, HtmlMediaElement, HtmlVideoElement, MediaSource};

#[wasm_bindgen]
extern "C" {
    /// [`MediaSourceHandle`](https://w3c.github.io/media-source/#mediasourcehandle): stands for a
    /// worker's `MediaSource` on the page. Transferable, once; neither cloneable nor constructible.
    #[wasm_bindgen(extends = Object)]
    #[derive(Clone, Debug, PartialEq)]
    pub type MediaSourceHandle;

    /// A [`MediaSource`] as a dedicated worker sees it: with its handle.
    #[wasm_bindgen(extends = MediaSource, extends = EventTarget, extends = Object, js_name = MediaSource)]
    #[derive(Clone, Debug)]
    pub type WorkerMediaSource;

    /// `new MediaSource()`. An error where the thread has no `MediaSource`, as in Firefox's workers.
    #[wasm_bindgen(constructor, catch, js_class = "MediaSource")]
    pub fn new() -> Result<WorkerMediaSource, JsValue>;

    /// [`MediaSource.handle`](https://w3c.github.io/media-source/#dom-mediasource-handle): the same
    /// object every time; `None` where the browser knows no handles.
    #[wasm_bindgen(method, getter)]
    pub fn handle(this: &WorkerMediaSource) -> Option<MediaSourceHandle>;

    /// `MediaSource.duration = seconds`, which throws while the source is not open.
    #[wasm_bindgen(method, setter, catch, js_name = duration)]
    pub fn try_set_duration(this: &WorkerMediaSource, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = HtmlMediaElement)]
    type Attachable;

    #[wasm_bindgen(method, setter, catch, js_name = srcObject)]
    fn set_src_object(this: &Attachable, handle: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = HtmlVideoElement)]
    type FrameSource;

    #[wasm_bindgen(method, catch, js_name = requestVideoFrameCallback)]
    fn request_video_frame_callback(this: &FrameSource, f: &Function) -> Result<u32, JsValue>;

    #[wasm_bindgen(method, js_name = cancelVideoFrameCallback)]
    fn cancel_video_frame_callback(this: &FrameSource, id: u32);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    /// Sets a [User Timing](https://w3c.github.io/user-timing/) mark on this thread's timeline.
    #[wasm_bindgen(js_namespace = performance)]
    pub fn mark(name: &str);

    #[wasm_bindgen(thread_local_v2, js_namespace = performance, js_name = timeOrigin)]
    static TIME_ORIGIN: f64;

    #[wasm_bindgen(js_name = String)]
    fn text(value: &JsValue) -> String;

    /// Reports an exception as one that nobody caught: to this thread's `error` event and the console.
    #[wasm_bindgen(js_name = reportError)]
    pub fn report_error(exception: &JsValue);

    /// `fetch`, by the one name it has on both threads.
    #[wasm_bindgen(js_name = fetch)]
    pub fn fetch(url: &str, init: &web_sys::RequestInit) -> Promise;
}

/// Milliseconds since the Unix epoch, on a clock that both threads share and nobody sets back:
/// `performance.timeOrigin + performance.now()`.
pub fn now() -> f64 {
    TIME_ORIGIN.with(|origin| *origin) + performance_now()
}

/// Sets `video.srcObject` to a worker's MediaSource.
///
/// # Errors
/// What the browser says where an element takes no handle.
pub fn attach(video: &HtmlVideoElement, handle: &MediaSourceHandle) -> Result<(), JsValue> {
    video
        .unchecked_ref::<Attachable>()
        .set_src_object(handle.as_ref())
}

/// Sets `video.srcObject` to null: the MediaSource behind it closes.
pub fn detach(video: &HtmlVideoElement) {
    // Only a foreign object is ever refused, never null.
    let _ = video
        .unchecked_ref::<Attachable>()
        .set_src_object(&JsValue::NULL);
}

/// The next event of this name on `target`. It is listened for from now on, not from the first
/// poll, and until the future is dropped.
pub fn event(target: &EventTarget, name: &'static str) -> impl Future<Output = ()> + use<> {
    let (heard, hears) = oneshot::channel();
    let listener = EventListener::once(target, name, move |_| {
        // The future may be gone already; then nobody waits.
        let _ = heard.send(());
    });
    async move {
        let _listener = listener;
        // The sender lives in the listener, which lives until here.
        let _ = hears.await;
    }
}

/// Calls back when the next frame of a video is on screen, unless it is dropped before.
pub enum FirstFrame {
    /// By `requestVideoFrameCallback`.
    Callback {
        /// The element whose frame is waited for.
        video: HtmlVideoElement,
        /// What `requestVideoFrameCallback` returned.
        id: u32,
        /// The callback, kept for as long as the browser may call it.
        closure: Closure<dyn FnMut()>,
    },
    /// By `loadeddata`, which comes when the frame could be drawn, where there is no better.
    Loaded(EventListener),
}

impl FirstFrame {
    /// Waits for the next frame of `video`.
    pub fn of(video: &HtmlVideoElement, shown: impl FnOnce() + 'static) -> Self {
        let shown = Rc::new(RefCell::new(Some(shown)));
        let call = move || {
            if let Some(shown) = shown.take() {
                shown();
            }
        };
        let closure = Closure::<dyn FnMut()>::new(call.clone());
        let frames = video.unchecked_ref::<FrameSource>();
        match frames.request_video_frame_callback(closure.as_ref().unchecked_ref()) {
            Ok(id) => Self::Callback {
                video: video.clone(),
                id,
                closure,
            },
            Err(_) => Self::Loaded(EventListener::once(video, "loadeddata", move |_| call())),
        }
    }
}

impl Drop for FirstFrame {
    fn drop(&mut self) {
        if let Self::Callback { video, id, .. } = self {
            video
                .unchecked_ref::<FrameSource>()
                .cancel_video_frame_callback(*id);
        }
    }
}

/// What kind of exception it is.
pub fn name(exception: &JsValue) -> Option<String> {
    js_sys::Reflect::get(exception, &"name".into())
        .ok()?
        .as_string()
}

/// What an exception says, in its own words.
pub fn words(exception: &JsValue) -> String {
    exception
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| text(exception), |error| error.message().into())
        .trim_end_matches('.')
        .into()
}
