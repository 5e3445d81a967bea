//! Browser bindings that web-sys 0.3 lacks or declares for one thread only: the handle, the clock, `fetch`, and
//! events as futures.

use std::{cell::RefCell, rc::Rc};

use futures_channel::oneshot;
use futures_util::future::LocalBoxFuture;
use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Function, Object, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{
    Blob, CssStyleDeclaration, DedicatedWorkerGlobalScope, Event, EventTarget, HtmlMediaElement,
    HtmlVideoElement, MediaError, MediaSource, SourceBuffer, TimeRanges, Url,
};

#[wasm_bindgen]
extern "C" {
    /// [`MediaSourceHandle`](https://w3c.github.io/media-source/#mediasourcehandle): represents a
    /// worker's `MediaSource` on the page. It can be transferred once, and neither cloned nor constructed.
    #[wasm_bindgen(extends = MediaProvider, extends = Object)]
    #[derive(Clone, Debug, PartialEq)]
    pub type MediaSourceHandle;

    /// A [media provider object](https://html.spec.whatwg.org/#media-provider-object): the
    /// [`MediaSourceHandle`] where the engine runs in a worker, the MediaSource itself where it runs on the
    /// page.
    #[wasm_bindgen(extends = Object, is_type_of = is_provider)]
    #[derive(Clone, Debug, PartialEq)]
    pub type MediaProvider;

    /// A [`MediaSource`] with its members of both threads.
    #[wasm_bindgen(extends = MediaSource, extends = EventTarget, extends = Object, js_name = MediaSource)]
    #[derive(Clone, Debug)]
    pub type AnyMediaSource;

    /// `new MediaSource()`. Throws where the thread has none, as in Firefox's workers.
    #[wasm_bindgen(constructor, catch, js_class = "MediaSource")]
    pub fn new() -> Result<AnyMediaSource, JsValue>;

    /// [`MediaSource.handle`](https://w3c.github.io/media-source/#dom-mediasource-handle): the same
    /// object every time. `None` where the browser has no handles. Throws outside of workers.
    #[wasm_bindgen(method, getter)]
    pub fn handle(this: &AnyMediaSource) -> Option<MediaSourceHandle>;

    /// [`ManagedMediaSource.streaming`](https://w3c.github.io/media-source/#dom-managedmediasource-streaming):
    /// whether more should be appended now; `None` if the MediaSource is not managed.
    #[wasm_bindgen(method, getter)]
    pub fn streaming(this: &AnyMediaSource) -> Option<bool>;

    /// [`MediaSource.readyState`](https://w3c.github.io/media-source/#dom-readystate): `closed`, `open` or
    /// `ended`.
    #[wasm_bindgen(method, getter, js_name = readyState)]
    pub fn state(this: &AnyMediaSource) -> String;

    /// `MediaSource.duration = seconds`. Throws while the source is not open.
    #[wasm_bindgen(method, setter, catch, js_name = duration)]
    pub fn try_set_duration(this: &AnyMediaSource, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_namespace = MediaSource, js_name = isTypeSupported)]
    fn plain_supports(mime: &str) -> Result<bool, JsValue>;

    #[wasm_bindgen(extends = AnyMediaSource, js_name = ManagedMediaSource)]
    type Managed;

    #[wasm_bindgen(constructor, catch, js_class = "ManagedMediaSource")]
    fn new_managed() -> Result<Managed, JsValue>;

    #[wasm_bindgen(catch, static_method_of = Managed, js_class = "ManagedMediaSource", js_name = isTypeSupported)]
    fn supports(mime: &str) -> Result<bool, JsValue>;

    /// [`BufferedChangeEvent`](https://w3c.github.io/media-source/#dom-bufferedchangeevent) of a managed source.
    #[wasm_bindgen(extends = Event)]
    pub type BufferedChangeEvent;

    /// [`BufferedChangeEvent.removedRanges`](https://w3c.github.io/media-source/#dom-bufferedchangeevent-removedranges):
    /// the evicted ranges, in seconds.
    #[wasm_bindgen(method, getter, js_name = removedRanges)]
    pub fn removed_ranges(this: &BufferedChangeEvent) -> TimeRanges;

    #[wasm_bindgen(extends = SourceBuffer)]
    type Placed;

    #[wasm_bindgen(method, setter, catch, js_name = timestampOffset)]
    fn try_set_timestamp_offset(this: &Placed, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, catch, js_name = appendWindowStart)]
    fn try_set_append_window_start(this: &Placed, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, catch, js_name = appendWindowEnd)]
    fn try_set_append_window_end(this: &Placed, seconds: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = CssStyleDeclaration)]
    type Numbered;

    #[wasm_bindgen(method, js_name = setProperty)]
    fn set_number(this: &Numbered, name: &str, number: f64);

    #[wasm_bindgen(extends = HtmlMediaElement)]
    type Attachable;

    #[wasm_bindgen(method, setter, catch, js_name = srcObject)]
    fn set_src_object(this: &Attachable, handle: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, getter, js_name = srcObject)]
    fn src_object(this: &Attachable) -> JsValue;

    #[wasm_bindgen(method, setter, js_name = disableRemotePlayback)]
    fn set_disable_remote_playback(this: &Attachable, disable: bool);

    #[wasm_bindgen(extends = HtmlVideoElement)]
    type FrameSource;

    #[wasm_bindgen(method, catch, js_name = requestVideoFrameCallback)]
    fn request_video_frame_callback(this: &FrameSource, f: &Function) -> Result<u32, JsValue>;

    #[wasm_bindgen(method, js_name = cancelVideoFrameCallback)]
    fn cancel_video_frame_callback(this: &FrameSource, id: u32);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    /// The entries of this thread's [performance timeline](https://w3c.github.io/performance-timeline/)
    /// for a URL.
    #[wasm_bindgen(js_namespace = performance, js_name = getEntriesByName)]
    pub fn timings_of(url: &str) -> Array;

    /// Clears the timeline's buffer of requests, which is limited (250 entries by default).
    #[wasm_bindgen(js_namespace = performance, js_name = clearResourceTimings)]
    pub fn clear_resource_timings();

    /// Sets a [User Timing](https://w3c.github.io/user-timing/) mark on this thread's timeline.
    #[wasm_bindgen(js_namespace = performance)]
    pub fn mark(name: &str);

    #[wasm_bindgen(thread_local_v2, js_namespace = performance, js_name = timeOrigin)]
    static TIME_ORIGIN: f64;

    #[wasm_bindgen(js_name = String)]
    fn text(value: &JsValue) -> String;

    /// Reports an exception as uncaught, to this thread's `error` event and the console.
    #[wasm_bindgen(js_name = reportError)]
    pub fn report_error(exception: &JsValue);

    /// `fetch` of either thread's global object.
    #[wasm_bindgen(js_name = fetch)]
    pub fn fetch(url: &str, init: &web_sys::RequestInit) -> Promise;

    /// The result of `ReadableStreamDefaultReader.read()`.
    pub type Chunk;

    /// The bytes; `None` at the end.
    #[wasm_bindgen(method, getter, structural)]
    pub fn value(this: &Chunk) -> Option<Uint8Array>;

    /// [`SubtleCrypto.importKey`](https://w3c.github.io/webcrypto/#SubtleCrypto-method-importKey) of raw
    /// bytes.
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    pub fn import_key(
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;

    /// [`SubtleCrypto.decrypt`](https://w3c.github.io/webcrypto/#SubtleCrypto-method-decrypt).
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    pub fn decrypt(
        algorithm: &Object,
        key: &JsValue,
        bytes: &Uint8Array,
    ) -> Result<Promise, JsValue>;

    /// [`MediaCapabilities.decodingInfo`](https://w3c.github.io/media-capabilities/#dom-mediacapabilities-decodinginfo).
    #[wasm_bindgen(js_namespace = ["navigator", "mediaCapabilities"], js_name = decodingInfo, catch)]
    pub fn decoding_info(configuration: &Object) -> Result<Promise, JsValue>;

    type TextDecoder;

    #[wasm_bindgen(constructor)]
    fn new_text_decoder() -> TextDecoder;

    #[wasm_bindgen(method, js_name = decode)]
    fn decode_text(this: &TextDecoder, bytes: &Uint8Array) -> String;

    #[wasm_bindgen(js_name = Navigator)]
    type AnyNavigator;

    #[wasm_bindgen(thread_local_v2, js_name = navigator)]
    static NAVIGATOR: AnyNavigator;

    #[wasm_bindgen(method, getter, structural, js_name = onLine)]
    fn on_line(this: &AnyNavigator) -> bool;

    #[wasm_bindgen(method, getter, structural, js_name = mediaSession)]
    fn media_session(this: &AnyNavigator) -> Option<MediaSession>;

    /// The system's media keys: [`MediaSession`](https://w3c.github.io/mediasession/#the-mediasession-interface).
    pub type MediaSession;

    /// The displayed `MediaMetadata`.
    #[wasm_bindgen(method, getter, structural)]
    pub fn metadata(this: &MediaSession) -> Option<Object>;

    /// Displays this `MediaMetadata`.
    #[wasm_bindgen(method, setter, structural)]
    pub fn set_metadata(this: &MediaSession, metadata: Option<&Object>);

    /// Sets or removes the handler of an action. Throws for an action that the browser does not know.
    #[wasm_bindgen(method, catch, structural, js_name = setActionHandler)]
    pub fn set_action_handler(
        this: &MediaSession,
        action: &str,
        handler: Option<&Function>,
    ) -> Result<(), JsValue>;

    /// Sets the `MediaPositionState`. Throws if it is inconsistent.
    #[wasm_bindgen(method, catch, structural, js_name = setPositionState)]
    pub fn set_position_state(this: &MediaSession, state: &Object) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = Object)]
    type MediaMetadata;

    #[wasm_bindgen(constructor, catch)]
    fn new(init: &Object) -> Result<MediaMetadata, JsValue>;

    /// `MediaSessionActionDetails`.
    pub type MediaKey;

    /// The action's name.
    #[wasm_bindgen(method, getter, structural)]
    pub fn action(this: &MediaKey) -> String;

    /// The position to seek to, in seconds.
    #[wasm_bindgen(method, getter, structural, js_name = seekTime)]
    pub fn seek_time(this: &MediaKey) -> Option<f64>;

    /// The distance to seek by, in seconds.
    #[wasm_bindgen(method, getter, structural, js_name = seekOffset)]
    pub fn seek_offset(this: &MediaKey) -> Option<f64>;

    type Owner;

    #[wasm_bindgen(method, getter, js_name = ownerDocument)]
    fn owner(this: &FrameSource) -> Owner;

    #[wasm_bindgen(method, getter, structural, js_name = pictureInPictureEnabled)]
    fn can_float(this: &Owner) -> Option<bool>;

    #[wasm_bindgen(method, getter, structural, js_name = pictureInPictureElement)]
    fn floating(this: &Owner) -> JsValue;

    #[wasm_bindgen(method, catch, structural, js_name = exitPictureInPicture)]
    fn end_floating(this: &Owner) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = requestPictureInPicture)]
    fn request_picture_in_picture(this: &FrameSource) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = webkitEnterFullscreen)]
    fn enter_fullscreen(this: &FrameSource) -> Result<(), JsValue>;
}

/// `navigator.mediaSession`, where the browser has one.
pub fn media_session() -> Option<MediaSession> {
    NAVIGATOR.with(AnyNavigator::media_session)
}

/// A `MediaMetadata` with this title.
///
/// # Errors
/// The exception where the browser has no `MediaMetadata`.
pub fn media_metadata(title: &str) -> Result<Object, JsValue> {
    MediaMetadata::new(&object(&[("title", title.into())])).map(Object::from)
}

/// Whether a video is in picture-in-picture; `None` where the browser has none.
pub fn floats(video: &HtmlVideoElement) -> Option<bool> {
    let owner = video.unchecked_ref::<FrameSource>().owner();
    let can = owner.can_float() == Some(true);
    can.then(|| owner.floating() == *AsRef::<JsValue>::as_ref(video))
}

/// Enters or leaves [picture-in-picture](https://w3c.github.io/picture-in-picture/).
pub fn float(video: &HtmlVideoElement) {
    let video_with_frames = video.unchecked_ref::<FrameSource>();
    // The element's events report the change.
    let _ = match floats(video) {
        Some(true) => video_with_frames.owner().end_floating(),
        _ => video_with_frames.request_picture_in_picture(),
    };
}

/// Enters full screen with the video alone, on iPhones, where no other element can.
pub fn fill_screen(video: &HtmlVideoElement) {
    // Other browsers lack the function; they have the Fullscreen API.
    let _ = video.unchecked_ref::<FrameSource>().enter_fullscreen();
}

/// Creates a MediaSource on this thread: a managed one where available, because Safari prefers it and iPhones have
/// no other.
///
/// # Errors
/// The exception where this thread has neither.
pub fn new_media_source() -> Result<AnyMediaSource, JsValue> {
    Managed::new_managed()
        .map(Into::into)
        .or_else(|_| AnyMediaSource::new())
}

/// Whether a MediaSource of this thread supports a type, as in
/// [RFC 6381](https://www.rfc-editor.org/rfc/rfc6381).
pub fn can_decode(mime: &str) -> bool {
    Managed::supports(mime)
        .or_else(|_| plain_supports(mime))
        .unwrap_or(false)
}

/// Whether this thread is a dedicated worker.
pub fn is_worker() -> bool {
    js_sys::global().is_instance_of::<DedicatedWorkerGlobalScope>()
}

/// Whether workers can create a MediaSource:
/// [`canConstructInDedicatedWorker`](https://w3c.github.io/media-source/#dom-mediasource-canconstructindedicatedworker).
pub fn workers_have_media_source() -> bool {
    MEDIA_SOURCES.iter().any(|class| {
        let class = property(&js_sys::global(), class);
        property(&class, "canConstructInDedicatedWorker").is_truthy()
    })
}

/// Whether this thread has a MediaSource.
pub fn has_media_source() -> bool {
    let global = js_sys::global();
    MEDIA_SOURCES
        .iter()
        .any(|class| property(&global, class).is_truthy())
}

const MEDIA_SOURCES: [&str; 2] = ["ManagedMediaSource", "MediaSource"];

/// A property of a value; `undefined` if it is no object.
fn property(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &name.into()).unwrap_or_default()
}

fn is_provider(value: &JsValue) -> bool {
    // iPhones have no `MediaSource`, only the managed one.
    value.is_instance_of::<MediaSourceHandle>()
        || value.is_instance_of::<Managed>()
        || value.is_instance_of::<MediaSource>()
}

#[wasm_bindgen(module = "/src/platform/web.js")]
extern "C" {
    /// `import(url)` of an absolute URL: a promise for the module.
    pub fn load(url: &str) -> Promise;
}

/// The engine program's module, when the page imports it.
#[wasm_bindgen]
extern "C" {
    /// Its namespace object.
    pub type Program;

    /// Starts the engine on the page: `engine::worker::start_on_page`. `hear` receives its events; the promise is
    /// for the function that takes commands.
    #[wasm_bindgen(method, catch)]
    pub fn agent(this: &Program, hear: &Function) -> Result<Promise, JsValue>;
}

/// Makes a button open and close a [popover](https://html.spec.whatwg.org/#the-popover-attribute). By element, not
/// by id, because a page may hold several players.
pub fn let_open(button: &JsValue, popover: &JsValue) {
    // Browsers without popovers accept the property and ignore it.
    let _ = js_sys::Reflect::set(button, &"popoverTargetElement".into(), popover);
}

/// Decodes UTF-8, lossily.
pub fn decode(bytes: &Uint8Array) -> String {
    TextDecoder::new_text_decoder().decode_text(bytes)
}

/// `SourceBuffer.timestampOffset = seconds`.
///
/// # Errors
/// The exception, in the middle of a segment or if the source is closed.
pub fn set_timestamp_offset(buffer: &SourceBuffer, seconds: f64) -> Result<(), JsValue> {
    let buffer = buffer.unchecked_ref::<Placed>();
    buffer.try_set_timestamp_offset(seconds)
}

/// `SourceBuffer.appendWindowStart` and `appendWindowEnd`, the end set last.
///
/// # Errors
/// The exception, if the source is closed.
pub fn set_append_window(buffer: &SourceBuffer, start: f64, end: f64) -> Result<(), JsValue> {
    let buffer = buffer.unchecked_ref::<Placed>();
    // The setters throw if the window would end before it starts.
    buffer.try_set_append_window_end(f64::INFINITY)?;
    buffer.try_set_append_window_start(start)?;
    buffer.try_set_append_window_end(end)
}

/// Whether a SourceBuffer can change to another type
/// ([`changeType`](https://w3c.github.io/media-source/#dom-sourcebuffer-changetype)).
pub fn can_change_type() -> bool {
    let class = property(&js_sys::global(), "SourceBuffer");
    property(&property(&class, "prototype"), "changeType").is_truthy()
}

/// `navigator.onLine`.
pub fn is_online() -> bool {
    NAVIGATOR.with(AnyNavigator::on_line)
}

/// The thread's global object, the target of `online` and similar events.
pub fn global() -> EventTarget {
    js_sys::global().unchecked_into()
}

/// An object with these properties.
pub fn object(properties: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in properties {
        // A fresh object refuses no property.
        let _ = js_sys::Reflect::set(&object, &(*name).into(), value);
    }
    object
}

/// The size of this program's wasm memory, in bytes; 0 natively.
pub fn memory() -> u32 {
    #[cfg(target_family = "wasm")]
    return (core::arch::wasm32::memory_size::<0>() * 65_536) as u32;
    #[cfg(not(target_family = "wasm"))]
    0
}

/// Milliseconds since the Unix epoch, by a monotonic clock that both threads share:
/// `performance.timeOrigin + performance.now()`.
pub fn now() -> f64 {
    TIME_ORIGIN.with(|origin| *origin) + performance_now()
}

/// Resolves a URL reference against a base URL. `None` if it is invalid, or its scheme is none that this program
/// fetches: http, https or blob.
pub fn resolve_url(base: &str, reference: &str) -> Option<String> {
    let url = Url::new_with_base(reference, base).ok()?;
    let is_fetchable = matches!(url.protocol().as_str(), "http:" | "https:" | "blob:");
    is_fetchable.then(|| url.href())
}

/// An [object URL](https://w3c.github.io/FileAPI/#url), revoked when dropped.
#[derive(Debug)]
pub struct ObjectUrl(String);

impl ObjectUrl {
    /// Creates a URL of a text file, which both threads can fetch.
    ///
    /// # Errors
    /// The exception, if the browser creates none.
    pub fn of_text(text: &str) -> Result<Self, JsValue> {
        let file = Blob::new_with_str_sequence(&Array::of1(&text.into()))?;
        Url::create_object_url_with_blob(&file).map(Self)
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for ObjectUrl {
    fn drop(&mut self) {
        // Throws only for invalid URLs.
        let _ = Url::revoke_object_url(&self.0);
    }
}

/// Keeps the object URL alive by which a page's own MediaSource is attached. A handle needs none.
#[derive(Debug)]
pub struct Attachment {
    _url: Option<ObjectUrl>,
}

/// Attaches a MediaSource to a video: a worker's by `video.srcObject`, the page's own by an object URL, which
/// every browser supports.
///
/// # Errors
/// The exception, if the element does not support handles.
pub fn attach(video: &HtmlVideoElement, provider: &MediaProvider) -> Result<Attachment, JsValue> {
    let element = video.unchecked_ref::<Attachable>();
    // Safari opens a managed source only if remote playback is disabled.
    element.set_disable_remote_playback(true);
    if provider.is_instance_of::<MediaSourceHandle>() {
        element.set_src_object(provider)?;
        return Ok(Attachment { _url: None });
    }
    let url = ObjectUrl(Url::create_object_url_with_source(
        provider.unchecked_ref(),
    )?);
    element.set_src_object(&JsValue::NULL)?;
    video.set_src(url.as_str());
    Ok(Attachment { _url: Some(url) })
}

/// Whether an element's source is a MediaSource, and nothing that other code has set since.
pub fn shows_media_source(video: &HtmlVideoElement) -> bool {
    let provider = video.unchecked_ref::<Attachable>().src_object();
    match provider.is_null() {
        true => video.src().starts_with("blob:"),
        false => is_provider(&provider),
    }
}

/// Makes the element play a URL by itself.
pub fn point(video: &HtmlVideoElement, url: &str) -> Attachment {
    video.set_src(url);
    Attachment { _url: None }
}

/// Whether an element fires `ended` only because its MediaSource is gone: at a real end, the end is still
/// buffered.
pub fn is_bereft(video: &HtmlMediaElement) -> bool {
    video.ended() && video.buffered().length() == 0
}

/// Whether the browser itself has aborted playback, as WebKit does when a page enters the back/forward cache.
pub fn is_aborted(video: &HtmlMediaElement) -> bool {
    video
        .error()
        .is_some_and(|error| error.code() == MediaError::MEDIA_ERR_ABORTED)
}

/// Removes the element's source. Its MediaSource closes.
pub fn detach(video: &HtmlVideoElement) {
    if video.has_attribute("src") {
        // An empty `src` would be an error.
        let _ = video.remove_attribute("src");
        video.load();
    }
    // The setter never throws for null.
    let _ = video
        .unchecked_ref::<Attachable>()
        .set_src_object(&JsValue::NULL);
}

/// Sets a custom property to a number. JavaScript converts it, because Rust's formatting of floats is 7 kB of wasm.
pub fn set_number(style: &CssStyleDeclaration, name: &str, number: f64) {
    style.unchecked_ref::<Numbered>().set_number(name, number);
}

/// Listens for events of this name on `target` until the listener is dropped.
pub fn hear(
    target: &EventTarget,
    name: &'static str,
    callback: impl FnMut(&Event) + 'static,
) -> EventListener {
    hear_with(target, name, EventListenerOptions::default(), callback)
}

/// [`hear`] with options.
pub fn hear_with(
    target: &EventTarget,
    name: &'static str,
    options: EventListenerOptions,
    callback: impl FnMut(&Event) + 'static,
) -> EventListener {
    // Boxed to avoid monomorphization.
    let callback: Box<dyn FnMut(&Event)> = Box::new(callback);
    EventListener::new_with_options(target, name, options, callback)
}

/// Waits for the next event of this name on `target`. Listens from the call on, not from the first poll, until the
/// future is dropped.
pub fn event(target: &EventTarget, name: &'static str) -> LocalBoxFuture<'static, ()> {
    let (sender, receiver) = oneshot::channel();
    let listener = EventListener::once(target, name, move |_| {
        // Fails only if the future is dropped.
        let _ = sender.send(());
    });
    Box::pin(async move {
        let _listener = listener;
        // Does not fail: the listener, which is alive, owns the sender.
        let _ = receiver.await;
    })
}

/// Waits for a number of milliseconds.
pub fn after(milliseconds: u32) -> LocalBoxFuture<'static, ()> {
    Box::pin(TimeoutFuture::new(milliseconds))
}

/// Calls back when the next frame of a video is on screen. Dropping it cancels the callback.
pub enum FirstFrame {
    /// By `requestVideoFrameCallback`.
    Callback {
        /// The element.
        video: HtmlVideoElement,
        /// The id that `requestVideoFrameCallback` returned.
        id: u32,
        /// The callback, alive for as long as the browser may call it.
        closure: Closure<dyn FnMut()>,
    },
    /// By `loadeddata`, which fires when the frame can be drawn, where there is no such callback.
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
            Err(_) => Self::Loaded(hear(video, "loadeddata", move |_| call())),
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

/// The `name` of an exception.
pub fn name(exception: &JsValue) -> Option<String> {
    property(exception, "name").as_string()
}

/// The `message` of an exception, without a final full stop.
pub fn words(exception: &JsValue) -> String {
    property(exception, "message")
        .as_string()
        .unwrap_or_else(|| text(exception))
        .trim_end_matches('.')
        .into()
}
