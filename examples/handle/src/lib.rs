//! The smallest page that plays a MediaSource of a worker: MDN's example of
//! [`MediaSource.handle`](https://developer.mozilla.org/docs/Web/API/MediaSource/handle) in Yew and
//! gloo-worker.
//!
//! 1. `bin/page.rs` spawns the worker and waits for its message.
//! 2. `bin/video_worker.rs` runs [`VideoWorker`], which creates a MediaSource, transfers its handle to the page,
//!    and waits for `sourceopen`.
//! 3. The page sets `video.srcObject` to the handle. That opens the MediaSource.
//! 4. The worker fetches a fragmented MP4, appends it, and ends the stream.

use futures_channel::oneshot;
use gloo_events::EventListener;
use gloo_worker::{HandlerId, Worker, WorkerScope};
use js_sys::{ArrayBuffer, Object};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, EventTarget, MediaSource, Response};
use yew_mse_worker::protocol::transfer::{Packed, Port, transferable};

/// The video, relative to the worker's script, and its type.
const VIDEO: &str = "media/180p.mp4";
const VIDEO_TYPE: &str = "video/mp4; codecs=\"avc1.4d4015\"";

/// A message from the worker to the page.
#[derive(Serialize, Deserialize)]
pub enum Event {
    /// The MediaSource exists. It opens once `video.srcObject` is this handle.
    MediaSourceReady {
        /// Transferred, not copied: the worker cannot use it again.
        #[serde(with = "transferable")]
        handle: MediaSourceHandle,
    },
    /// Playback failed, with the browser's message.
    Failed(String),
}

// Bindings that web-sys lacks.
#[wasm_bindgen]
extern "C" {
    /// The transferable handle of a MediaSource.
    #[wasm_bindgen(extends = Object)]
    pub type MediaSourceHandle;

    #[wasm_bindgen(extends = MediaSource, js_name = MediaSource)]
    type WorkerMediaSource;

    #[wasm_bindgen(method, getter, catch)]
    fn handle(this: &WorkerMediaSource) -> Result<MediaSourceHandle, JsValue>;
}

/// The gloo-worker agent. It plays one video to each page that connects.
pub struct VideoWorker;

impl Worker for VideoWorker {
    type Message = ();
    type Input = ();
    type Output = Packed<Event>;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self
    }

    fn connected(&mut self, scope: &WorkerScope<Self>, page: HandlerId) {
        let port = Port::to_bridge(scope, page);
        spawn_local(async move {
            if let Err(exception) = play(&port).await {
                port.post(&Event::Failed(format!("{exception:?}")));
            }
        });
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn received(&mut self, _: &WorkerScope<Self>, (): (), _: HandlerId) {}
}

/// Plays the video through a MediaSource of this worker.
async fn play(page: &Port<Event>) -> Result<(), JsValue> {
    let source: WorkerMediaSource = MediaSource::new()?.unchecked_into();
    let opened = next_event(&source, "sourceopen");
    let handle = source.handle()?;
    page.post_with_transfer(&Event::MediaSourceReady { handle })
        .map_err(|error| error.to_string())?;
    opened.await;

    let buffer = source.add_source_buffer(VIDEO_TYPE)?;
    let worker: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let response: Response = JsFuture::from(worker.fetch_with_str(VIDEO))
        .await?
        .dyn_into()?;
    if !response.ok() {
        return Err(format!("the server answered {}", response.status()).into());
    }
    let bytes: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.dyn_into()?;
    let updated = next_event(&buffer, "updateend");
    buffer.append_buffer_with_array_buffer(&bytes)?;
    updated.await;
    source.end_of_stream()
}

/// Waits for an event. Listens from this call, not from the first poll.
fn next_event(target: &EventTarget, name: &'static str) -> impl Future<Output = ()> + use<> {
    let (sender, receiver) = oneshot::channel();
    let listener = EventListener::once(target, name, move |_| {
        // Fails only if the future was dropped.
        let _ = sender.send(());
    });
    async move {
        // Does not fail: the listener, which is alive, owns the sender.
        let _ = receiver.await;
        drop(listener);
    }
}
