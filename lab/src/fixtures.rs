//! Elements, frames, workers and channels that claims are tested with. None of them is visible, and
//! each is removed when its claim ends.

use js_sys::Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    BroadcastChannel, Document, HtmlIFrameElement, HtmlVideoElement, MessageChannel, MessagePort,
    ServiceWorkerRegistration, SharedWorker, Window, WorkerOptions, WorkerType, window,
};
use yew_mse_worker::{platform::web, protocol::BUILD_ID};

use crate::{
    claim::{ClaimResult, Outcome, describe_exception, timeout},
    mse,
    peer::MessageQueue,
};

/// How long to wait for an event, a message or the settling of a promise.
const EVENT_TIMEOUT_MS: u32 = 3_000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = HtmlVideoElement)]
    type SrcObjectElement;

    #[wasm_bindgen(method, setter, catch, js_name = srcObject)]
    fn set_src_object(this: &SrcObjectElement, handle: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["navigator", "serviceWorker"], js_name = register)]
    fn register_service_worker(script: &str, options: &JsValue)
    -> Result<js_sys::Promise, JsValue>;

    /// Any object with `postMessage()`.
    #[wasm_bindgen(typescript_type = "any")]
    pub type MessageTarget;

    #[wasm_bindgen(method, catch, structural, js_name = postMessage)]
    fn post(this: &MessageTarget, message: &JsValue) -> Result<(), JsValue>;
}

/// A video element for one claim. Detaches its MediaSource when dropped.
pub struct TestVideo {
    /// The element.
    pub element: HtmlVideoElement,
}

impl Drop for TestVideo {
    fn drop(&mut self) {
        let _ = self.attach(&JsValue::NULL);
    }
}

impl TestVideo {
    /// Creates an element that is not in the document.
    ///
    /// # Errors
    /// An exception of the DOM, which only a page that is being unloaded throws.
    pub fn new() -> Outcome<Self> {
        Self::in_document(&document()?)
    }

    /// Creates an element whose node document is `document`.
    ///
    /// # Errors
    /// An exception of the DOM, which only a page that is being unloaded throws.
    pub fn in_document(document: &Document) -> Outcome<Self> {
        let element: HtmlVideoElement = document.create_element("video")?.unchecked_into();
        element.set_muted(true);
        element.set_preload("auto");
        Ok(Self { element })
    }

    /// Plays, and waits for the position to advance.
    ///
    /// # Errors
    /// A result if it does not play.
    pub async fn play(&self) -> Outcome<()> {
        let advanced = web::event(&self.element, "timeupdate");
        // The event is enough: the promise of `play()` is not needed.
        let _ = self.element.play()?;
        wait_for(advanced, "timeupdate").await
    }

    /// Calls `play()` and expects an exception of this name.
    ///
    /// # Errors
    /// An exception of the DOM, which only a page that is being unloaded throws.
    pub async fn expect_play_rejected(&self, name: &str) -> Outcome {
        let played = timeout(EVENT_TIMEOUT_MS, JsFuture::from(self.element.play()?)).await;
        let played =
            played.ok_or_else(|| ClaimResult::differs("the promise of play() does not settle"))?;
        Ok(ClaimResult::expect_exception(played, name))
    }

    /// Sets the element's `srcObject` to a handle, or to `null`.
    ///
    /// # Errors
    /// The exception of a browser whose elements do not accept handles.
    pub fn attach(&self, handle: &JsValue) -> Result<(), JsValue> {
        self.element
            .unchecked_ref::<SrcObjectElement>()
            .set_src_object(handle)
    }

    /// Waits for the element's `error` event and returns the code and the message; `None` if there is
    /// no error in time. Listens from the call on.
    pub fn wait_for_error(&self) -> impl Future<Output = Option<(u16, String)>> + use<> {
        let element = self.element.clone();
        let failed = timeout(EVENT_TIMEOUT_MS, web::event(&element, "error"));
        async move {
            failed.await?;
            let error = element.error()?;
            Some((error.code(), error.message()))
        }
    }

    /// Expects an error of the element with this code. Listens from the call on.
    pub fn expect_error(&self, code: u16) -> impl Future<Output = ClaimResult> + use<> {
        let error = self.wait_for_error();
        async move {
            match error.await {
                Some((actual, message)) => {
                    ClaimResult::check(actual == code, format!("error {actual}, {message}"))
                }
                None => ClaimResult::differs("no error"),
            }
        }
    }
}

/// A hidden iframe without a URL. The page's Content-Security-Policy does not block it, because nothing
/// is fetched; the frame inherits that policy. Removed when dropped.
pub struct HiddenFrame {
    element: HtmlIFrameElement,
    window: Window,
}

impl Drop for HiddenFrame {
    fn drop(&mut self) {
        self.element.remove();
    }
}

impl HiddenFrame {
    /// Adds an empty frame of the page's origin. It has no script of its own; the page operates on it.
    ///
    /// # Errors
    /// An exception of the DOM, which only a page that is being unloaded throws.
    pub fn new() -> Outcome<Self> {
        Self::with(&[])
    }

    fn with(attributes: &[(&str, &str)]) -> Outcome<Self> {
        let document = document()?;
        let element: HtmlIFrameElement = document.create_element("iframe")?.unchecked_into();
        element.set_hidden(true);
        for (name, value) in attributes {
            element.set_attribute(name, value)?;
        }
        let missing = || ClaimResult::untestable("the frame could not be added");
        document
            .body()
            .ok_or_else(missing)?
            .append_child(&element)?;
        let window = element.content_window().ok_or_else(missing)?;
        Ok(Self { element, window })
    }

    /// The frame's document.
    ///
    /// # Errors
    /// An exception of the DOM, which only a page that is being unloaded throws.
    pub fn document(&self) -> Outcome<Document> {
        let document = self.window.document();
        document.ok_or_else(|| ClaimResult::untestable("the frame has no document"))
    }

    /// Transfers an object to the frame and returns the object that arrives there.
    ///
    /// # Errors
    /// A result if it cannot be posted or does not arrive.
    pub async fn transfer(&self, object: &JsValue) -> Outcome<JsValue> {
        let mut queue = MessageQueue::new(&self.window);
        let list = Array::of1(object);
        self.window.post_message_with_transfer(object, "*", &list)?;
        let message = timeout(EVENT_TIMEOUT_MS, queue.next()).await.flatten();
        let message = message.ok_or_else(|| ClaimResult::differs("it did not arrive"))?;
        Ok(message.data())
    }

    /// Adds a Content-Security-Policy to the frame's document.
    ///
    /// # Errors
    /// An exception of the DOM, which only a page that is being unloaded throws.
    pub fn add_content_security_policy(&self, policy: &str) -> Outcome<()> {
        let document = self.document()?;
        let meta = document.create_element("meta")?;
        meta.set_attribute("http-equiv", "Content-Security-Policy")?;
        meta.set_attribute("content", policy)?;
        let head = document.query_selector("head")?;
        let head = head.ok_or_else(|| ClaimResult::untestable("the frame has no document"))?;
        head.append_child(&meta)?;
        Ok(())
    }
}

/// Waits for an event.
///
/// # Errors
/// A result with the event's name if it does not fire in time.
pub async fn wait_for(event: impl Future<Output = ()>, name: &str) -> Outcome<()> {
    let fired = timeout(EVENT_TIMEOUT_MS, event).await;
    let seconds = EVENT_TIMEOUT_MS / 1000;
    fired.ok_or_else(|| ClaimResult::differs(format!("no {name} within {seconds} s")))
}

/// Posts an object with a transfer list through a new channel, and returns the receiving port.
///
/// # Errors
/// The exception of `postMessage()`.
pub fn post_to_new_port(object: &JsValue, transfer: &[&JsValue]) -> Result<MessagePort, JsValue> {
    let channel = MessageChannel::new()?;
    let list: Array = transfer.iter().copied().collect();
    channel
        .port1()
        .post_message_with_transferable(object, &list)?;
    Ok(channel.port2())
}

/// Posts an object to a `BroadcastChannel`.
///
/// # Errors
/// The exception of `postMessage()`.
pub fn broadcast(object: &JsValue) -> Result<(), JsValue> {
    let channel = BroadcastChannel::new("yew-mse-worker:lab")?;
    let posted = channel.unchecked_ref::<MessageTarget>().post(object);
    channel.close();
    posted
}

/// Stores an object as the state of the current history entry, and restores the previous state.
///
/// # Errors
/// The exception of `replaceState()`.
pub fn store_in_history(object: &JsValue) -> Result<(), JsValue> {
    let history = window().ok_or("no window")?.history()?;
    let previous = history.state()?;
    history.replace_state(object, "")?;
    history.replace_state(&previous, "")
}

/// Another kind of context (shared worker, service worker, cross-origin frame) that reports whether
/// objects posted to it arrive.
pub struct RemoteContext {
    /// Whether `MediaSource.prototype` has a `handle` there.
    pub has_handle: bool,
    port: MessagePort,
    queue: MessageQueue,
}

impl RemoteContext {
    /// Waits for the first message of the context at the other end of `port`.
    async fn connect(port: MessagePort) -> Outcome<Self> {
        let mut queue = MessageQueue::new(&port);
        port.start();
        let first = timeout(EVENT_TIMEOUT_MS, queue.next()).await.flatten();
        let first = first.ok_or_else(|| ClaimResult::untestable("its script does not answer"))?;
        let has_handle = first.data() == true;
        Ok(Self {
            has_handle,
            port,
            queue,
        })
    }

    /// Transfers an object and returns whether it arrives; `false` after a `messageerror`.
    ///
    /// # Errors
    /// A result if the object cannot be posted, or if neither event fires in time.
    pub async fn receives(&mut self, object: &JsValue) -> Outcome<bool> {
        let list = Array::of1(object);
        self.port.post_message_with_transferable(object, &list)?;
        let reply = timeout(EVENT_TIMEOUT_MS, self.queue.next()).await.flatten();
        let reply =
            reply.ok_or_else(|| ClaimResult::differs("neither message nor messageerror"))?;
        Ok(reply.data() != "messageerror")
    }
}

/// Starts a shared worker.
///
/// # Errors
/// A result if the browser has none, or if it does not start.
pub async fn start_shared_worker() -> Outcome<RemoteContext> {
    if !js_sys::Reflect::has(&js_sys::global(), &"SharedWorker".into())? {
        return Err(ClaimResult::untestable(
            "this browser has no shared workers",
        ));
    }
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let script = format!("{}?{BUILD_ID}", mse::script_url());
    let worker = SharedWorker::new_with_worker_options(&script, &options)?;
    RemoteContext::connect(worker.port()).await
}

/// A sandboxed frame, whose opaque origin differs from every other.
pub struct CrossOriginFrame {
    _frame: HiddenFrame,
    /// The context of the frame.
    pub context: RemoteContext,
}

impl CrossOriginFrame {
    /// Adds a frame and waits for its script.
    ///
    /// # Errors
    /// A result if the script does not run: it is a cross-origin fetch, which not every server allows.
    pub async fn start() -> Outcome<Self> {
        let script = format!(
            "<script type=module src=\"{}\"></script>",
            mse::script_url()
        );
        let frame = HiddenFrame::with(&[("sandbox", "allow-scripts"), ("srcdoc", &script)])?;
        wait_for(web::event(&frame.element, "load"), "load").await?;
        let channel = MessageChannel::new()?;
        let list = Array::of1(&channel.port2());
        frame
            .window
            .post_message_with_transfer(&JsValue::NULL, "*", &list)?;
        Ok(Self {
            _frame: frame,
            context: RemoteContext::connect(channel.port1()).await?,
        })
    }
}

/// A service worker that controls no page. Unregistered when dropped.
pub struct TestServiceWorker {
    registration: ServiceWorkerRegistration,
    /// The context of the worker.
    pub context: RemoteContext,
}

impl Drop for TestServiceWorker {
    fn drop(&mut self) {
        // The browser stops the worker once no client uses it.
        let _ = self.registration.unregister();
    }
}

impl TestServiceWorker {
    /// Registers a worker. Its scope is the folder of the lab's scripts, which contains no pages.
    ///
    /// # Errors
    /// A result if registration fails, as in private windows.
    pub async fn start() -> Outcome<Self> {
        let options = web::object(&[("type", "module".into())]);
        let script = format!("{}?{BUILD_ID}", mse::script_url());
        let registered = async {
            let promise = register_service_worker(&script, &options)?;
            JsFuture::from(promise).await
        };
        let registration: ServiceWorkerRegistration = registered
            .await
            .map_err(|exception| {
                let exception = describe_exception(&exception);
                ClaimResult::untestable(format!(
                    "no service worker could be registered ({exception})"
                ))
            })?
            .unchecked_into();
        let worker = registration
            .active()
            .or_else(|| registration.waiting())
            .or_else(|| registration.installing())
            .ok_or_else(|| ClaimResult::untestable("the registration has no worker"))?;
        let channel = MessageChannel::new()?;
        let list = Array::of1(&channel.port2());
        worker.post_message_with_transferable(&JsValue::NULL, &list)?;
        Ok(Self {
            registration,
            context: RemoteContext::connect(channel.port1()).await?,
        })
    }
}

fn document() -> Outcome<Document> {
    let document = window().and_then(|window| window.document());
    document.ok_or_else(|| ClaimResult::untestable("there is no document"))
}

/// Blocks this thread.
pub fn block_thread(milliseconds: f64) {
    let end = web::now() + milliseconds;
    while web::now() < end {}
}
