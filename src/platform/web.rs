//! Browser APIs for the page: bindings that web-sys 0.3 lacks, event listeners, and attaching a MediaSource to a video.
//!
//! Not simulated, so the engine's own modules do not use it. Only its entry point (`engine/worker.rs`) and
//! `protocol/transfer.rs`, which exist only in a browser, do.

use std::{cell::RefCell, rc::Rc};

use futures_channel::oneshot;
use futures_util::future::LocalBoxFuture;
use gloo_events::{EventListener, EventListenerOptions};
use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use web_sys::{
    CssStyleDeclaration, Event, EventTarget, HtmlMediaElement, HtmlVideoElement, MediaError,
    MediaSource, Url,
};

use super::MediaHandle;
pub use super::now;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Object)]
    type MediaSourceHandle;

    #[wasm_bindgen(extends = Object)]
    type ManagedMediaSource;

    #[wasm_bindgen(extends = CssStyleDeclaration)]
    type NumericStyle;

    #[wasm_bindgen(method, js_name = setProperty)]
    fn set_number(this: &NumericStyle, name: &str, number: f64);

    #[wasm_bindgen(extends = HtmlMediaElement)]
    type AttachableElement;

    #[wasm_bindgen(method, setter, catch, js_name = srcObject)]
    fn set_src_object(this: &AttachableElement, handle: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, getter, js_name = srcObject)]
    fn src_object(this: &AttachableElement) -> JsValue;

    #[wasm_bindgen(method, setter, js_name = disableRemotePlayback)]
    fn set_disable_remote_playback(this: &AttachableElement, disable: bool);

    #[wasm_bindgen(extends = HtmlVideoElement)]
    type ExtendedVideo;

    #[wasm_bindgen(method, catch, js_name = requestVideoFrameCallback)]
    fn request_video_frame_callback(
        this: &ExtendedVideo,
        callback: &Function,
    ) -> Result<u32, JsValue>;

    #[wasm_bindgen(method, js_name = cancelVideoFrameCallback)]
    fn cancel_video_frame_callback(this: &ExtendedVideo, id: u32);

    #[wasm_bindgen(js_name = String)]
    fn to_string(value: &JsValue) -> String;

    /// Reports an exception as uncaught, to this thread's `error` event and the console.
    #[wasm_bindgen(js_name = reportError)]
    pub fn report_error(exception: &JsValue);

    /// `fetch` of either thread's global object.
    #[wasm_bindgen(js_name = fetch)]
    pub fn fetch(url: &str, init: &web_sys::RequestInit) -> Promise;

    #[wasm_bindgen(js_name = Navigator)]
    type AnyNavigator;

    #[wasm_bindgen(thread_local_v2, js_name = navigator)]
    static NAVIGATOR: AnyNavigator;

    #[wasm_bindgen(method, getter, structural)]
    fn languages(this: &AnyNavigator) -> Option<js_sys::Array>;

    #[wasm_bindgen(js_namespace = Intl, js_name = DisplayNames)]
    type DisplayNames;

    #[wasm_bindgen(constructor, catch, js_namespace = Intl, js_class = "DisplayNames")]
    fn new(locale: &str, options: &Object) -> Result<DisplayNames, JsValue>;

    #[wasm_bindgen(method, catch, structural)]
    fn of(this: &DisplayNames, tag: &str) -> Result<Option<String>, JsValue>;

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
    pub type MediaSessionActionDetails;

    /// The action's name.
    #[wasm_bindgen(method, getter, structural)]
    pub fn action(this: &MediaSessionActionDetails) -> String;

    /// The position to seek to, in seconds.
    #[wasm_bindgen(method, getter, structural, js_name = seekTime)]
    pub fn seek_time(this: &MediaSessionActionDetails) -> Option<f64>;

    /// The distance to seek by, in seconds.
    #[wasm_bindgen(method, getter, structural, js_name = seekOffset)]
    pub fn seek_offset(this: &MediaSessionActionDetails) -> Option<f64>;

    type PictureInPictureDocument;

    #[wasm_bindgen(method, getter, js_name = ownerDocument)]
    fn owner_document(this: &ExtendedVideo) -> PictureInPictureDocument;

    #[wasm_bindgen(method, getter, structural, js_name = pictureInPictureEnabled)]
    fn picture_in_picture_enabled(this: &PictureInPictureDocument) -> Option<bool>;

    #[wasm_bindgen(method, getter, structural, js_name = pictureInPictureElement)]
    fn picture_in_picture_element(this: &PictureInPictureDocument) -> JsValue;

    #[wasm_bindgen(method, catch, structural, js_name = exitPictureInPicture)]
    fn exit_picture_in_picture(this: &PictureInPictureDocument) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = requestPictureInPicture)]
    fn request_picture_in_picture(this: &ExtendedVideo) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch, js_name = webkitEnterFullscreen)]
    fn enter_fullscreen(this: &ExtendedVideo) -> Result<(), JsValue>;
}

/// `navigator.languages`: the viewer's languages, in order of preference.
pub fn languages() -> Vec<String> {
    let languages = NAVIGATOR.with(AnyNavigator::languages).unwrap_or_default();
    languages.iter().filter_map(|tag| tag.as_string()).collect()
}

/// The name of a language in the language of this page, English; `None` if the tag is malformed.
pub fn language_name(tag: &str) -> Option<String> {
    let names = DisplayNames::new("en", &object(&[("type", "language".into())])).ok()?;
    names.of(tag).ok().flatten()
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

/// Whether a video is in [picture-in-picture](https://w3c.github.io/picture-in-picture/); `None` if the browser does
/// not support that.
pub fn is_in_picture_in_picture(video: &HtmlVideoElement) -> Option<bool> {
    let owner = video.unchecked_ref::<ExtendedVideo>().owner_document();
    let is_supported = owner.picture_in_picture_enabled() == Some(true);
    is_supported.then(|| owner.picture_in_picture_element() == *AsRef::<JsValue>::as_ref(video))
}

/// Enters or leaves picture-in-picture.
pub fn toggle_picture_in_picture(video: &HtmlVideoElement) {
    let extended = video.unchecked_ref::<ExtendedVideo>();
    // The element's events report the change.
    let _ = match is_in_picture_in_picture(video) {
        Some(true) => extended.owner_document().exit_picture_in_picture(),
        _ => extended.request_picture_in_picture(),
    };
}

/// Shows the video alone in full screen, as on iPhones, where no other element can be.
pub fn enter_video_fullscreen(video: &HtmlVideoElement) {
    // Throws in browsers without this function; they have the Fullscreen API.
    let _ = video.unchecked_ref::<ExtendedVideo>().enter_fullscreen();
}

/// Whether workers can create a MediaSource:
/// [`canConstructInDedicatedWorker`](https://w3c.github.io/media-source/#dom-mediasource-canconstructindedicatedworker).
pub fn workers_have_media_source() -> bool {
    MEDIA_SOURCE_CLASSES.iter().any(|class| {
        let class = property(&js_sys::global(), class);
        property(&class, "canConstructInDedicatedWorker").is_truthy()
    })
}

/// Whether this thread has a MediaSource.
pub fn has_media_source() -> bool {
    let global = js_sys::global();
    MEDIA_SOURCE_CLASSES
        .iter()
        .any(|class| property(&global, class).is_truthy())
}

const MEDIA_SOURCE_CLASSES: [&str; 2] = ["ManagedMediaSource", "MediaSource"];

/// A property of a value; `undefined` if it is not an object.
fn property(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &name.into()).unwrap_or_default()
}

/// Whether a value is a `MediaSourceHandle` or a MediaSource.
fn is_media_source(value: &JsValue) -> bool {
    // iPhones have no `MediaSource`, only the managed one.
    value.is_instance_of::<MediaSourceHandle>()
        || value.is_instance_of::<ManagedMediaSource>()
        || value.is_instance_of::<MediaSource>()
}

#[wasm_bindgen(module = "/src/platform/web.js")]
extern "C" {
    /// `import(url)` of an absolute URL: a promise for the module.
    #[wasm_bindgen(js_name = importModule)]
    pub fn import_module(url: &str) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    /// The module of `assets/worker_loader.js`, as a page imports it.
    pub type EngineModule;

    /// Starts the engine on the page: `engine::worker::start_on_page`. `callback` receives its events. The promise
    /// resolves to the function that takes commands.
    #[wasm_bindgen(method, catch, js_name = startEngine)]
    pub fn start_engine(this: &EngineModule, callback: &Function) -> Result<Promise, JsValue>;
}

/// The URL of the engine's script that `assets/start.js` has started before the page's program; `None` on a page without
/// that.
pub fn engine_script() -> Option<String> {
    property(&js_sys::global(), "engineScript").as_string()
}

/// Makes a button open and close a [popover](https://html.spec.whatwg.org/#the-popover-attribute). The popover is
/// named by element, not by id, because a page may have several players.
pub fn set_popover_target(button: &JsValue, popover: &JsValue) {
    // Browsers without popovers accept the property and ignore it.
    let _ = js_sys::Reflect::set(button, &"popoverTargetElement".into(), popover);
}

/// The thread's global object, the target of `online` and similar events.
pub fn global() -> EventTarget {
    js_sys::global().unchecked_into()
}

/// An object with these properties.
pub fn object(properties: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in properties {
        // Setting a property of a new object does not fail.
        let _ = js_sys::Reflect::set(&object, &(*name).into(), value);
    }
    object
}

/// An [object URL](https://w3c.github.io/FileAPI/#url) of a MediaSource, revoked when dropped.
#[derive(Debug)]
struct MediaSourceUrl(String);

impl Drop for MediaSourceUrl {
    fn drop(&mut self) {
        // Throws only for invalid URLs.
        let _ = Url::revoke_object_url(&self.0);
    }
}

/// A source that is attached to an element. Keep it for as long as it plays: it owns the object URL of a MediaSource
/// of this page. Dropping it does not [`detach`] the source.
#[derive(Debug)]
pub struct Attachment {
    _url: Option<MediaSourceUrl>,
}

/// Attaches a MediaSource to a video: a worker's by `video.srcObject`, the page's own by an object URL, which
/// every browser supports.
///
/// # Errors
/// The exception, if the element does not support handles.
pub fn attach(video: &HtmlVideoElement, handle: &MediaHandle) -> Result<Attachment, JsValue> {
    let element = video.unchecked_ref::<AttachableElement>();
    // Safari opens a managed source only if remote playback is disabled.
    element.set_disable_remote_playback(true);
    let handle = js_value(handle);
    if handle.is_instance_of::<MediaSourceHandle>() {
        element.set_src_object(&handle)?;
        return Ok(Attachment { _url: None });
    }
    let url = MediaSourceUrl(Url::create_object_url_with_source(handle.unchecked_ref())?);
    element.set_src_object(&JsValue::NULL)?;
    video.set_src(&url.0);
    Ok(Attachment { _url: Some(url) })
}

/// The object behind a handle. A simulated handle has none.
fn js_value(handle: &MediaHandle) -> JsValue {
    #[cfg(target_family = "wasm")]
    return handle.into();
    #[cfg(not(target_family = "wasm"))]
    {
        let _ = handle;
        JsValue::NULL
    }
}

/// Whether an element's source is a MediaSource. If not, other code has replaced it.
pub fn shows_media_source(video: &HtmlVideoElement) -> bool {
    let provider = video.unchecked_ref::<AttachableElement>().src_object();
    match provider.is_null() {
        true => video.src().starts_with("blob:"),
        false => is_media_source(&provider),
    }
}

/// Sets the element's `src`, for a URL that the browser can play without MSE.
pub fn attach_url(video: &HtmlVideoElement, url: &str) -> Attachment {
    // A `srcObject` would be played instead. The setter never throws for null.
    let _ = video
        .unchecked_ref::<AttachableElement>()
        .set_src_object(&JsValue::NULL);
    video.set_src(url);
    Attachment { _url: None }
}

/// Whether an element has ended only because its MediaSource was lost, for example with a terminated worker. At the
/// real end of a video, its last part is still buffered.
pub fn has_lost_media_source(video: &HtmlMediaElement) -> bool {
    video.ended() && video.buffered().length() == 0
}

/// Whether the browser itself has aborted playback, as WebKit does when a page enters the back/forward cache.
pub fn is_aborted(video: &HtmlMediaElement) -> bool {
    video
        .error()
        .is_some_and(|error| error.code() == MediaError::MEDIA_ERR_ABORTED)
}

/// Removes the element's source, which closes its MediaSource.
pub fn detach(video: &HtmlVideoElement) {
    if video.has_attribute("src") {
        // An empty `src` would be an error.
        let _ = video.remove_attribute("src");
        video.load();
    }
    // The setter never throws for null.
    let _ = video
        .unchecked_ref::<AttachableElement>()
        .set_src_object(&JsValue::NULL);
}

/// Sets a CSS custom property to a number. JavaScript converts it, because Rust's formatting of floats is 7 kB of wasm.
pub fn set_number(style: &CssStyleDeclaration, name: &str, number: f64) {
    style
        .unchecked_ref::<NumericStyle>()
        .set_number(name, number);
}

/// Listens for events of this name on `target` until the listener is dropped.
pub fn listen(
    target: &EventTarget,
    name: &'static str,
    callback: impl FnMut(&Event) + 'static,
) -> EventListener {
    listen_with(target, name, EventListenerOptions::default(), callback)
}

/// Like [`listen`], with options.
pub fn listen_with(
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

/// A callback for when the next frame of a video is on screen. Dropping it cancels the callback.
pub enum FirstFrame {
    /// By `requestVideoFrameCallback`.
    Callback {
        /// The element.
        video: HtmlVideoElement,
        /// Returned by `requestVideoFrameCallback`.
        id: u32,
        /// The callback, alive for as long as the browser may call it.
        closure: Closure<dyn FnMut()>,
    },
    /// By `loadeddata`, which fires when the frame can be drawn, in browsers without `requestVideoFrameCallback`.
    Loaded(EventListener),
}

impl FirstFrame {
    /// Calls `callback` at the next frame of `video`.
    pub fn of(video: &HtmlVideoElement, callback: impl FnOnce() + 'static) -> Self {
        let callback = Rc::new(RefCell::new(Some(callback)));
        let call = move || {
            if let Some(callback) = callback.take() {
                callback();
            }
        };
        let closure = Closure::<dyn FnMut()>::new(call.clone());
        let frames = video.unchecked_ref::<ExtendedVideo>();
        match frames.request_video_frame_callback(closure.as_ref().unchecked_ref()) {
            Ok(id) => Self::Callback {
                video: video.clone(),
                id,
                closure,
            },
            Err(_) => Self::Loaded(listen(video, "loadeddata", move |_| call())),
        }
    }
}

impl Drop for FirstFrame {
    fn drop(&mut self) {
        if let Self::Callback { video, id, .. } = self {
            video
                .unchecked_ref::<ExtendedVideo>()
                .cancel_video_frame_callback(*id);
        }
    }
}

/// The `name` of an exception.
pub fn exception_name(exception: &JsValue) -> Option<String> {
    property(exception, "name").as_string()
}

/// The `message` of an exception, without a final full stop.
pub fn exception_message(exception: &JsValue) -> String {
    property(exception, "message")
        .as_string()
        .unwrap_or_else(|| to_string(exception))
        .trim_end_matches('.')
        .into()
}

/// A file as the messages to the engine have it.
#[cfg(target_family = "wasm")]
pub fn file_handle(file: web_sys::File) -> super::FileHandle {
    file
}

/// A file as the messages to the engine have it. The page does not run natively.
#[cfg(not(target_family = "wasm"))]
pub fn file_handle(file: web_sys::File) -> super::FileHandle {
    super::FileHandle::new(&file.name(), super::Bytes::default())
}
