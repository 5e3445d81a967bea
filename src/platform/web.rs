//! What web-sys 0.3 lacks, and what both threads need of the browser: the handle, the clock, `fetch`,
//! and events as futures. Nothing is decided here.

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
    /// [`MediaSourceHandle`](https://w3c.github.io/media-source/#mediasourcehandle): stands for a
    /// worker's `MediaSource` on the page. Transferable, once; neither cloneable nor constructible.
    #[wasm_bindgen(extends = MediaProvider, extends = Object)]
    #[derive(Clone, Debug, PartialEq)]
    pub type MediaSourceHandle;

    /// A [media provider object](https://html.spec.whatwg.org/#media-provider-object): what an element
    /// plays. It is a [`MediaSourceHandle`] where the engine runs in a worker, and the MediaSource
    /// itself where it runs on the page.
    #[wasm_bindgen(extends = Object, is_type_of = is_provider)]
    #[derive(Clone, Debug, PartialEq)]
    pub type MediaProvider;

    /// A [`MediaSource`] with all that it has on either thread.
    #[wasm_bindgen(extends = MediaSource, extends = EventTarget, extends = Object, js_name = MediaSource)]
    #[derive(Clone, Debug)]
    pub type AnyMediaSource;

    /// `new MediaSource()`. An error where the thread has no `MediaSource`, as in Firefox's workers.
    #[wasm_bindgen(constructor, catch, js_class = "MediaSource")]
    pub fn new() -> Result<AnyMediaSource, JsValue>;

    /// [`MediaSource.handle`](https://w3c.github.io/media-source/#dom-mediasource-handle): the same
    /// object every time; `None` where the browser knows no handles. It is for workers only.
    #[wasm_bindgen(method, getter)]
    pub fn handle(this: &AnyMediaSource) -> Option<MediaSourceHandle>;

    /// [`ManagedMediaSource.streaming`](https://w3c.github.io/media-source/#dom-managedmediasource-streaming):
    /// whether it wants more to be appended; `None` of a MediaSource that leaves that to its user.
    #[wasm_bindgen(method, getter)]
    pub fn streaming(this: &AnyMediaSource) -> Option<bool>;

    /// [`MediaSource.readyState`](https://w3c.github.io/media-source/#dom-readystate): `closed`, `open` or
    /// `ended`.
    #[wasm_bindgen(method, getter, js_name = readyState)]
    pub fn state(this: &AnyMediaSource) -> String;

    /// `MediaSource.duration = seconds`, which throws while the source is not open.
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

    /// What a managed source says when what is buffered has changed.
    #[wasm_bindgen(extends = Event)]
    pub type BufferedChangeEvent;

    /// [`BufferedChangeEvent.removedRanges`](https://w3c.github.io/media-source/#dom-bufferedchangeevent-removedranges):
    /// what is no longer there, in seconds.
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
    /// that are about a URL.
    #[wasm_bindgen(js_namespace = performance, js_name = getEntriesByName)]
    pub fn timings_of(url: &str) -> Array;

    /// Forgets all requests that the timeline has noted: it notes only so many.
    #[wasm_bindgen(js_namespace = performance, js_name = clearResourceTimings)]
    pub fn clear_resource_timings();

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

    /// What a stream's reader resolves to.
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

    /// The system's own keys: [`MediaSession`](https://w3c.github.io/mediasession/#the-mediasession-interface).
    pub type MediaSession;

    /// The `MediaMetadata` that is shown.
    #[wasm_bindgen(method, getter, structural)]
    pub fn metadata(this: &MediaSession) -> Option<Object>;

    /// Has this `MediaMetadata` shown.
    #[wasm_bindgen(method, setter, structural)]
    pub fn set_metadata(this: &MediaSession, metadata: Option<&Object>);

    /// Hears a key, or no longer. An error for one that the browser does not know.
    #[wasm_bindgen(method, catch, structural, js_name = setActionHandler)]
    pub fn set_action_handler(
        this: &MediaSession,
        action: &str,
        handler: Option<&Function>,
    ) -> Result<(), JsValue>;

    /// Takes a `MediaPositionState`. An error if it makes no sense.
    #[wasm_bindgen(method, catch, structural, js_name = setPositionState)]
    pub fn set_position_state(this: &MediaSession, state: &Object) -> Result<(), JsValue>;

    #[wasm_bindgen(extends = Object)]
    type MediaMetadata;

    #[wasm_bindgen(constructor, catch)]
    fn new(init: &Object) -> Result<MediaMetadata, JsValue>;

    /// `MediaSessionActionDetails`: a key that was pressed.
    pub type MediaKey;

    /// Which one.
    #[wasm_bindgen(method, getter, structural)]
    pub fn action(this: &MediaKey) -> String;

    /// Where to go, in seconds.
    #[wasm_bindgen(method, getter, structural, js_name = seekTime)]
    pub fn seek_time(this: &MediaKey) -> Option<f64>;

    /// How far to go, in seconds.
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

/// The keys of the system, where there are any.
pub fn media_session() -> Option<MediaSession> {
    NAVIGATOR.with(AnyNavigator::media_session)
}

/// A `MediaMetadata` with this title.
///
/// # Errors
/// What the browser says where it knows none.
pub fn media_metadata(title: &str) -> Result<Object, JsValue> {
    MediaMetadata::new(&object(&[("title", title.into())])).map(Object::from)
}

/// Whether a video is in a window of its own; `None` where the browser has none for it.
pub fn floats(video: &HtmlVideoElement) -> Option<bool> {
    let owner = video.unchecked_ref::<FrameSource>().owner();
    let can = owner.can_float() == Some(true);
    can.then(|| owner.floating() == *AsRef::<JsValue>::as_ref(video))
}

/// Puts a video [into a window of its own](https://w3c.github.io/picture-in-picture/), or back.
pub fn float(video: &HtmlVideoElement) {
    let video_there = video.unchecked_ref::<FrameSource>();
    // What comes of it, or does not, the element's events say.
    let _ = match floats(video) {
        Some(true) => video_there.owner().end_floating(),
        _ => video_there.request_picture_in_picture(),
    };
}

/// Fills the screen with a video alone, where nothing else can fill it.
pub fn fill_screen(video: &HtmlVideoElement) {
    // Where that cannot be done either, there is no full screen.
    let _ = video.unchecked_ref::<FrameSource>().enter_fullscreen();
}

/// Makes a MediaSource on this thread: a managed one where there is such a thing, as its browser prefers
/// that, and on an iPhone has no other.
///
/// # Errors
/// What the browser says where this thread has neither.
pub fn new_media_source() -> Result<AnyMediaSource, JsValue> {
    Managed::new_managed()
        .map(Into::into)
        .or_else(|_| AnyMediaSource::new())
}

/// Whether a MediaSource of this thread decodes a type, as in
/// [RFC 6381](https://www.rfc-editor.org/rfc/rfc6381).
pub fn can_decode(mime: &str) -> bool {
    Managed::supports(mime)
        .or_else(|_| plain_supports(mime))
        .unwrap_or(false)
}

/// Whether this thread is a dedicated worker's.
pub fn is_worker() -> bool {
    js_sys::global().is_instance_of::<DedicatedWorkerGlobalScope>()
}

/// Whether workers can make a MediaSource, by what the page's own says: in
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

/// What an object has by this name: `undefined`, if it is none.
fn property(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &name.into()).unwrap_or_default()
}

fn is_provider(value: &JsValue) -> bool {
    // An iPhone has managed ones, and no name for the plain ones that those are made after.
    value.is_instance_of::<MediaSourceHandle>()
        || value.is_instance_of::<Managed>()
        || value.is_instance_of::<MediaSource>()
}

#[wasm_bindgen(module = "/src/platform/web.js")]
extern "C" {
    /// `import(url)` of an absolute URL: a promise for the module.
    pub fn load(url: &str) -> Promise;
}

/// The module of the engine's program, as a page sees it.
#[wasm_bindgen]
extern "C" {
    /// Its namespace object.
    pub type Program;

    /// A promise for an agent on the page: `engine::home::on_page` in that program.
    #[wasm_bindgen(method, catch)]
    pub fn agent(this: &Program, hear: &Function) -> Result<Promise, JsValue>;
}

/// Has a button open and close a [popover](https://html.spec.whatwg.org/#the-popover-attribute), and say
/// so to those who hear it. By the element itself and not by its id, of which each page has but one.
pub fn let_open(button: &JsValue, popover: &JsValue) {
    // A browser that knows no such property takes any.
    let _ = js_sys::Reflect::set(button, &"popoverTargetElement".into(), popover);
}

/// A text in UTF-8. What is none of that becomes replacement characters.
pub fn decode(bytes: &Uint8Array) -> String {
    TextDecoder::new_text_decoder().decode_text(bytes)
}

/// `SourceBuffer.timestampOffset = seconds`.
///
/// # Errors
/// What the browser throws in the middle of a segment, or when the source is closed.
pub fn set_timestamp_offset(buffer: &SourceBuffer, seconds: f64) -> Result<(), JsValue> {
    let buffer = buffer.unchecked_ref::<Placed>();
    buffer.try_set_timestamp_offset(seconds)
}

/// `SourceBuffer.appendWindowStart` and `appendWindowEnd`, the end set last.
///
/// # Errors
/// What the browser throws when the source is closed.
pub fn set_append_window(buffer: &SourceBuffer, start: f64, end: f64) -> Result<(), JsValue> {
    let buffer = buffer.unchecked_ref::<Placed>();
    // A window never ends before it begins, not even while it is being set.
    buffer.try_set_append_window_end(f64::INFINITY)?;
    buffer.try_set_append_window_start(start)?;
    buffer.try_set_append_window_end(end)
}

/// Whether a SourceBuffer can change over to another format
/// ([`changeType`](https://w3c.github.io/media-source/#dom-sourcebuffer-changetype)).
pub fn can_change_type() -> bool {
    let class = property(&js_sys::global(), "SourceBuffer");
    property(&property(&class, "prototype"), "changeType").is_truthy()
}

/// Whether the browser believes that there is a network.
pub fn is_online() -> bool {
    NAVIGATOR.with(AnyNavigator::on_line)
}

/// The thread's global object, on which `online` and the like are heard.
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

/// How large this program's memory is, in bytes.
pub fn memory() -> u32 {
    #[cfg(target_family = "wasm")]
    return (core::arch::wasm32::memory_size::<0>() * 65_536) as u32;
    #[cfg(not(target_family = "wasm"))]
    0
}

/// Milliseconds since the Unix epoch, on a clock that both threads share and nobody sets back:
/// `performance.timeOrigin + performance.now()`.
pub fn now() -> f64 {
    TIME_ORIGIN.with(|origin| *origin) + performance_now()
}

/// An [object URL](https://w3c.github.io/FileAPI/#url), which stands for something until it is dropped.
#[derive(Debug)]
pub struct ObjectUrl(String);

impl ObjectUrl {
    /// One of a file of text, which both threads can fetch.
    ///
    /// # Errors
    /// What the browser says that makes none.
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
        // It was made here, so it is one.
        let _ = Url::revoke_object_url(&self.0);
    }
}

/// Keeps a MediaSource attached that is known to the element by an object URL. A handle needs none.
#[derive(Debug)]
pub struct Attachment {
    _url: Option<ObjectUrl>,
}

/// Sets `video.srcObject` to a worker's MediaSource. One of the page's own goes by an object URL, which
/// every browser takes.
///
/// # Errors
/// What the browser says where an element takes no handle.
pub fn attach(video: &HtmlVideoElement, provider: &MediaProvider) -> Result<Attachment, JsValue> {
    let element = video.unchecked_ref::<Attachable>();
    // Without this, Safari does not open a managed one.
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

/// Whether an element has a MediaSource to show, and nothing that something else gave it since.
pub fn shows_media_source(video: &HtmlVideoElement) -> bool {
    let provider = video.unchecked_ref::<Attachable>().src_object();
    match provider.is_null() {
        true => video.src().starts_with("blob:"),
        false => is_provider(&provider),
    }
}

/// Has the element play a URL by itself.
pub fn point(video: &HtmlVideoElement, url: &str) -> Attachment {
    video.set_src(url);
    Attachment { _url: None }
}

/// Whether an element only seems to have come to the film's end, because its MediaSource is gone: what has
/// come to its end is still buffered.
pub fn is_bereft(video: &HtmlMediaElement) -> bool {
    video.ended() && video.buffered().length() == 0
}

/// Whether the browser itself has taken the film from the element, as WebKit does where a page goes into its
/// cache of pages.
pub fn is_aborted(video: &HtmlMediaElement) -> bool {
    video
        .error()
        .is_some_and(|error| error.code() == MediaError::MEDIA_ERR_ABORTED)
}

/// Takes the film from the element: the MediaSource behind it closes.
pub fn detach(video: &HtmlVideoElement) {
    if video.has_attribute("src") {
        // An empty one would be an error.
        let _ = video.remove_attribute("src");
        video.load();
    }
    // Only a foreign object is ever refused, never null.
    let _ = video
        .unchecked_ref::<Attachable>()
        .set_src_object(&JsValue::NULL);
}

/// Sets a custom property to a number. In JavaScript's own words: Rust's for a fraction are 7 kB of wasm.
pub fn set_number(style: &CssStyleDeclaration, name: &str, number: f64) {
    style.unchecked_ref::<Numbered>().set_number(name, number);
}

/// Hears events of this name on `target`, until what is returned is dropped.
pub fn hear(
    target: &EventTarget,
    name: &'static str,
    act: impl FnMut(&Event) + 'static,
) -> EventListener {
    hear_with(target, name, EventListenerOptions::default(), act)
}

/// The same, in another way than the usual one.
pub fn hear_with(
    target: &EventTarget,
    name: &'static str,
    options: EventListenerOptions,
    act: impl FnMut(&Event) + 'static,
) -> EventListener {
    // In a box, all acts are of one type, and so the code of a listener is there once.
    let act: Box<dyn FnMut(&Event)> = Box::new(act);
    EventListener::new_with_options(target, name, options, act)
}

/// The next event of this name on `target`. It is listened for from now on, not from the first
/// poll, and until the future is dropped.
pub fn event(target: &EventTarget, name: &'static str) -> LocalBoxFuture<'static, ()> {
    let (heard, hears) = oneshot::channel();
    let listener = EventListener::once(target, name, move |_| {
        // The future may be gone already; then nobody waits.
        let _ = heard.send(());
    });
    Box::pin(async move {
        let _listener = listener;
        // The sender lives in the listener, which lives until here.
        let _ = hears.await;
    })
}

/// Comes when so many milliseconds have passed.
pub fn after(milliseconds: u32) -> LocalBoxFuture<'static, ()> {
    Box::pin(TimeoutFuture::new(milliseconds))
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

/// What kind of exception it is.
pub fn name(exception: &JsValue) -> Option<String> {
    property(exception, "name").as_string()
}

/// What an exception says, in its own words.
pub fn words(exception: &JsValue) -> String {
    property(exception, "message")
        .as_string()
        .unwrap_or_else(|| text(exception))
        .trim_end_matches('.')
        .into()
}
