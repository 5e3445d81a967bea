//! The page: its composition root.

mod address;
mod journey;
mod link;
mod notice;
mod playback;
mod player;
mod screen;
mod source_form;

use yew::prelude::*;

pub use player::{Player, PlayerProps};

use address::Address;
use source_form::SourceForm;

/// The film that is shown when the address names none.
const SAMPLE: &str = "film/film.m3u8";
/// Its captions, which are no part of the MediaSource: the element shows them itself.
const SAMPLE_CAPTIONS: &str = "film/captions.vtt";

/// Renders the page into the document's body.
pub fn start() {
    yew::Renderer::<App>::new().render();
}

#[component]
fn App() -> Html {
    let address = use_memo((), |()| Address::of_page());
    let source = use_state(|| AttrValue::from(address.source.clone().unwrap_or(SAMPLE.into())));
    let second = use_state(|| false);

    let onload = use_callback(source.setter(), |url: AttrValue, source| {
        address::show(if url == SAMPLE { None } else { Some(&url) });
        source.set(url);
    });
    let ontoggle = {
        let second = second.clone();
        Callback::from(move |_| second.set(!*second))
    };
    let captions = (*source == SAMPLE).then_some(AttrValue::Static(SAMPLE_CAPTIONS));

    html! {
        <>
            <header>
                <h1>{ "A film from another thread" }</h1>
                <p>
                    { "A worker makes the " }<code>{ "MediaSource" }</code>
                    { ", fetches the film and feeds it. Its " }<code>{ "MediaSourceHandle" }</code>
                    { " crosses to this page, which sets " }<code>{ "video.srcObject" }</code>
                    { " and only watches." }
                </p>
            </header>
            <main>
                <Player source={(*source).clone()} captions={captions.clone()} start={address.start} />
                if *second {
                    <Player source={(*source).clone()} {captions} start={address.start} />
                }
                <section class="controls" aria-label="What is played">
                    <SourceForm sample={SAMPLE} source={(*source).clone()} {onload} />
                    <button class="second" type="button" onclick={ontoggle}>
                        { if *second { "Remove the second player" } else { "Add a second player" } }
                    </button>
                </section>
            </main>
            <footer>
                <p>
                    { "yew-mse-worker, a demo and starter template: Rust, Yew, gloo-worker. Build " }
                    <code>{ crate::wire::BUILD }</code>
                </p>
            </footer>
        </>
    }
}
