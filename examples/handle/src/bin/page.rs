//! The page's program: a video element that plays the worker's MediaSource.

use handle::{Event, MediaSourceHandle, VideoWorker};
use wasm_bindgen::prelude::*;
use web_sys::HtmlVideoElement;
use yew::prelude::*;
use yew_mse_worker::protocol::transfer::{Packed, spawn_worker, terminate};

#[wasm_bindgen]
extern "C" {
    /// web-sys's `srcObject` takes only a MediaStream.
    #[wasm_bindgen(extends = HtmlVideoElement)]
    type VideoElement;

    #[wasm_bindgen(method, setter, js_name = srcObject)]
    fn set_src_object(this: &VideoElement, handle: &MediaSourceHandle);
}

#[component]
fn App() -> Html {
    let video = use_node_ref();
    let error = use_state(String::new);
    use_effect_with((), {
        let (video, error) = (video.clone(), error.clone());
        move |()| {
            let on_message = move |message: Packed<Event>| match message.unpack() {
                Ok(Event::MediaSourceReady { handle }) => {
                    if let Some(video) = video.cast::<HtmlVideoElement>() {
                        // The attribute only sets `defaultMuted`. Browsers do not start unmuted videos.
                        video.set_muted(true);
                        video
                            .unchecked_into::<VideoElement>()
                            .set_src_object(&handle);
                    }
                }
                Ok(Event::Failed(reason)) => error.set(reason),
                Err(reason) => error.set(reason.to_string()),
            };
            let (bridge, worker) =
                spawn_worker::<VideoWorker>("./video_worker_loader.js", on_message);
            move || {
                drop(bridge);
                terminate(&worker);
            }
        }
    });
    html! {
        <>
            <video ref={video} controls=true autoplay=true playsinline=true />
            <p role="alert">{ error.as_str() }</p>
        </>
    }
}

fn main() {
    yew::Renderer::<App>::new().render();
}
