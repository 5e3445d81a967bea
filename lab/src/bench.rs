//! What claims are tried on. Nothing of it is seen, and all of it is gone with its claim.

use js_sys::Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    BroadcastChannel, Document, HtmlIFrameElement, HtmlVideoElement, MessageChannel, MessagePort,
    ServiceWorkerRegistration, SharedWorker, Window, WorkerOptions, WorkerType, window,
};
use yew_mse_worker::{platform::web, protocol::BUILD_ID};

use crate::{
    claim::{ClaimResult, Outcome, in_words, within},
    mse,
    peer::Inbox,
};

/// How long an element is given to attach a MediaSource, or to refuse it: milliseconds.
const PATIENCE: u32 = 3_000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = HtmlVideoElement)]
    type Provided;

    #[wasm_bindgen(method, setter, catch, js_name = srcObject)]
    fn provide(this: &Provided, handle: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["navigator", "serviceWorker"], js_name = register)]
    fn register_service_worker(script: &str, options: &JsValue)
    -> Result<js_sys::Promise, JsValue>;

    /// Any port, worker, window or channel.
    #[wasm_bindgen(typescript_type = "any")]
    pub type Recipient;

    #[wasm_bindgen(method, catch, structural, js_name = postMessage)]
    fn post(this: &Recipient, message: &JsValue) -> Result<(), JsValue>;
}

/// A video element of a claim's own, which lets go of what it has when it is dropped.
pub struct Screen {
    /// The element.
    pub video: HtmlVideoElement,
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.attach(&JsValue::NULL);
    }
}

impl Screen {
    /// A fresh one.
    ///
    /// # Errors
    /// None but those of a page that is going.
    pub fn new() -> Outcome<Self> {
        Self::of(&document()?)
    }

    /// A fresh one of a document's.
    ///
    /// # Errors
    /// None but those of a page that is going.
    pub fn of(document: &Document) -> Outcome<Self> {
        let video: HtmlVideoElement = document.create_element("video")?.unchecked_into();
        video.set_muted(true);
        video.set_preload("auto");
        Ok(Self { video })
    }

    /// That it plays; and it is waited for that.
    ///
    /// # Errors
    /// That it does not.
    pub async fn plays(&self) -> Outcome<()> {
        let moves = web::event(&self.video, "timeupdate");
        // What comes of it is heard of by that event.
        let _ = self.video.play()?;
        until(moves, "timeupdate").await
    }

    /// That it refuses to play by an exception of this name, as specified.
    ///
    /// # Errors
    /// None but those of a page that is going.
    pub async fn refuses_to_play(&self, name: &str) -> Outcome {
        let played = within(PATIENCE, JsFuture::from(self.video.play()?)).await;
        let played =
            played.ok_or_else(|| ClaimResult::otherwise("it is neither played nor refused"))?;
        Ok(ClaimResult::refused(played, name))
    }

    /// `video.srcObject = handle`.
    ///
    /// # Errors
    /// What the browser throws where an element takes no handle.
    pub fn attach(&self, handle: &JsValue) -> Result<(), JsValue> {
        self.video.unchecked_ref::<Provided>().provide(handle)
    }

    /// Waits for the element to give up; `None` if it does not. It is listened for from now on.
    pub fn failure(&self) -> impl Future<Output = Option<(u16, String)>> + use<> {
        let video = self.video.clone();
        let failed = within(PATIENCE, web::event(&video, "error"));
        async move {
            failed.await?;
            let error = video.error()?;
            Some((error.code(), error.message()))
        }
    }

    /// That the element gives up with this code, as specified.
    pub fn fails_with(&self, code: u16) -> impl Future<Output = ClaimResult> + use<> {
        let failure = self.failure();
        async move {
            match failure.await {
                Some((seen, message)) => {
                    ClaimResult::whether(seen == code, format!("error {seen}, {message}"))
                }
                None => ClaimResult::otherwise("no error"),
            }
        }
    }
}

/// A frame that nobody sees, which the page's Content-Security-Policy has no say in, because it is not
/// fetched. It takes that policy along.
pub struct Frame {
    element: HtmlIFrameElement,
    window: Window,
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.element.remove();
    }
}

impl Frame {
    /// An empty one of the page's own origin. It has no script: what is done in it, the page does.
    ///
    /// # Errors
    /// None but those of a page that is going.
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
        let gone = || ClaimResult::nothing("there is no such frame");
        document.body().ok_or_else(gone)?.append_child(&element)?;
        let window = element.content_window().ok_or_else(gone)?;
        Ok(Self { element, window })
    }

    /// What is in it.
    ///
    /// # Errors
    /// None but those of a page that is going.
    pub fn document(&self) -> Outcome<Document> {
        let document = self.window.document();
        document.ok_or_else(|| ClaimResult::nothing("the frame is empty"))
    }

    /// Transfers an object there, and tells what arrives.
    ///
    /// # Errors
    /// That it could not be posted, or did not arrive.
    pub async fn given(&self, object: &JsValue) -> Outcome<JsValue> {
        let mut inbox = Inbox::of(&self.window);
        let list = Array::of1(object);
        self.window.post_message_with_transfer(object, "*", &list)?;
        let heard = within(PATIENCE, inbox.next()).await.flatten();
        let heard = heard.ok_or_else(|| ClaimResult::otherwise("it did not arrive"))?;
        Ok(heard.data())
    }

    /// From now on, what is in it has to keep to this policy, too.
    ///
    /// # Errors
    /// None but those of a page that is going.
    pub fn restrict(&self, policy: &str) -> Outcome<()> {
        let document = self.document()?;
        let meta = document.create_element("meta")?;
        meta.set_attribute("http-equiv", "Content-Security-Policy")?;
        meta.set_attribute("content", policy)?;
        let head = document.query_selector("head")?;
        let head = head.ok_or_else(|| ClaimResult::nothing("the frame is empty"))?;
        head.append_child(&meta)?;
        Ok(())
    }
}

/// Waits for an event; what it is called, if it does not come.
pub async fn until(happens: impl Future<Output = ()>, what: &str) -> Outcome<()> {
    let happened = within(PATIENCE, happens).await;
    happened.ok_or_else(|| ClaimResult::otherwise(format!("no {what} in {} s", PATIENCE / 1000)))
}

/// Posts an object to a port of nobody's, with this transfer list.
///
/// # Errors
/// What the browser throws where it cannot be posted so.
pub fn post(object: &JsValue, transfer: &[&JsValue]) -> Result<MessagePort, JsValue> {
    let channel = MessageChannel::new()?;
    let list: Array = transfer.iter().copied().collect();
    channel
        .port1()
        .post_message_with_transferable(object, &list)?;
    Ok(channel.port2())
}

/// Broadcasts an object.
///
/// # Errors
/// What the browser throws where it cannot be copied.
pub fn broadcast(object: &JsValue) -> Result<(), JsValue> {
    let channel = BroadcastChannel::new("yew-mse-worker:lab")?;
    let posted = channel.unchecked_ref::<Recipient>().post(object);
    channel.close();
    posted
}

/// Keeps an object as the state of the page's place in the history.
///
/// # Errors
/// What the browser throws where it cannot be stored.
pub fn store(object: &JsValue) -> Result<(), JsValue> {
    let history = window().ok_or("no window")?.history()?;
    let before = history.state()?;
    history.replace_state(object, "")?;
    history.replace_state(&before, "")
}

/// A place of another kind, which tells what comes of a message: its port.
pub struct Witness {
    /// Whether `MediaSource.prototype` has a `handle` there.
    pub has_handle: bool,
    port: MessagePort,
    inbox: Inbox,
}

impl Witness {
    /// Waits for its first word.
    async fn at(port: MessagePort) -> Outcome<Self> {
        let mut inbox = Inbox::of(&port);
        port.start();
        let first = within(PATIENCE, inbox.next()).await.flatten();
        let first = first.ok_or_else(|| ClaimResult::nothing("nobody answers there"))?;
        let has_handle = first.data() == true;
        Ok(Self {
            has_handle,
            port,
            inbox,
        })
    }

    /// Whether an object that is transferred to it arrives; if not, there is a `messageerror`.
    ///
    /// # Errors
    /// That the object could not be posted, or that nothing was heard.
    pub async fn receives(&mut self, object: &JsValue) -> Outcome<bool> {
        let list = Array::of1(object);
        self.port.post_message_with_transferable(object, &list)?;
        let heard = within(PATIENCE, self.inbox.next()).await.flatten();
        let heard = heard.ok_or_else(|| ClaimResult::otherwise("nothing was heard of it there"))?;
        Ok(heard.data() != "messageerror")
    }
}

/// A shared worker.
///
/// # Errors
/// Where there are none.
pub async fn shared_worker() -> Outcome<Witness> {
    if !js_sys::Reflect::has(&js_sys::global(), &"SharedWorker".into())? {
        return Err(ClaimResult::nothing("no shared workers in this browser"));
    }
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let script = format!("{}?{BUILD_ID}", mse::address());
    let worker = SharedWorker::new_with_worker_options(&script, &options)?;
    Witness::at(worker.port()).await
}

/// A frame of an origin that is nobody else's.
pub struct OtherOrigin {
    _frame: Frame,
    /// What it tells.
    pub witness: Witness,
}

impl OtherOrigin {
    /// Makes one.
    ///
    /// # Errors
    /// Where there is nobody in it: its script is fetched across origins, which not every host allows.
    pub async fn start() -> Outcome<Self> {
        let script = format!("<script type=module src=\"{}\"></script>", mse::address());
        let frame = Frame::with(&[("sandbox", "allow-scripts"), ("srcdoc", &script)])?;
        until(web::event(&frame.element, "load"), "load").await?;
        let channel = MessageChannel::new()?;
        let list = Array::of1(&channel.port2());
        frame
            .window
            .post_message_with_transfer(&JsValue::NULL, "*", &list)?;
        Ok(Self {
            _frame: frame,
            witness: Witness::at(channel.port1()).await?,
        })
    }
}

/// A service worker that controls no page, and is not kept.
pub struct ServiceWorker {
    registration: ServiceWorkerRegistration,
    /// What it tells.
    pub witness: Witness,
}

impl Drop for ServiceWorker {
    fn drop(&mut self) {
        // It goes once nobody talks to it any more.
        let _ = self.registration.unregister();
    }
}

impl ServiceWorker {
    /// Registers one. Its scope is the folder of the lab's scripts, where there are no pages.
    ///
    /// # Errors
    /// Where there are none, as in a window that keeps nothing.
    pub async fn start() -> Outcome<Self> {
        let options = web::object(&[("type", "module".into())]);
        let script = format!("{}?{BUILD_ID}", mse::address());
        let registered = async {
            let promise = register_service_worker(&script, &options)?;
            JsFuture::from(promise).await
        };
        let registration: ServiceWorkerRegistration = registered
            .await
            .map_err(|exception| {
                let words = in_words(&exception);
                ClaimResult::nothing(format!("no service workers here ({words})"))
            })?
            .unchecked_into();
        let worker = registration
            .active()
            .or_else(|| registration.waiting())
            .or_else(|| registration.installing())
            .ok_or_else(|| ClaimResult::nothing("the service worker is gone"))?;
        let channel = MessageChannel::new()?;
        let list = Array::of1(&channel.port2());
        worker.post_message_with_transferable(&JsValue::NULL, &list)?;
        Ok(Self {
            registration,
            witness: Witness::at(channel.port1()).await?,
        })
    }
}

fn document() -> Outcome<Document> {
    let document = window().and_then(|window| window.document());
    document.ok_or_else(|| ClaimResult::nothing("the page is gone"))
}

/// Stands still for so many milliseconds, and this thread with it.
pub fn stand_still(milliseconds: f64) {
    let since = web::now();
    while web::now() - since < milliseconds {}
}
