//! The page: its composition root.

mod address;
mod agent;
mod controls;
mod journey;
mod lab;
mod link;
mod notice;
mod observer;
mod playback;
mod player;
mod record;
mod screen;
mod source_form;
mod way;

use yew::prelude::*;

pub use player::{Player, PlayerProps};

use crate::wire;
use address::Address;
use record::Record;
use source_form::source_form;

/// The film that is shown when the address names none.
const SAMPLE: &str = "film/film.m3u8";
/// Its captions, which are no part of the MediaSource: the element shows them itself.
const SAMPLE_CAPTIONS: &str = "film/captions.vtt";
/// Its chapters, likewise.
const SAMPLE_CHAPTERS: &str = "film/chapters.vtt";

/// Renders the app into the page's `main`: what never changes about the page is in index.html, and
/// on screen before the first line of this runs.
pub fn start() {
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(main) = document.and_then(|document| document.query_selector("main").ok()?) {
        yew::Renderer::<App>::with_root(main).render();
    }
}

#[component]
fn App() -> Html {
    let address = use_state(Address::of_page);
    let second = use_state(|| false);
    let input = use_node_ref();
    let record = use_memo((), |()| Record::begin());
    {
        let record = record.clone();
        use_effect_with((), |()| {
            let door = lab::door(record);
            || drop(door)
        });
    }

    let source = address.source.clone().unwrap_or(AttrValue::Static(SAMPLE));
    let of_sample = |url| (source == SAMPLE).then_some(AttrValue::Static(url));
    let player = |onevent: Callback<wire::Event>| {
        html! {
            <Player
                source={source.clone()}
                showing={address.showing}
                captions={of_sample(SAMPLE_CAPTIONS)}
                chapters={of_sample(SAMPLE_CHAPTERS)}
                start={address.start}
                buffer={address.buffer}
                engine={address.engine}
                credentials={address.credentials}
                {onevent}
            />
        }
    };

    let onload = {
        let address = address.clone();
        Callback::from(move |source: AttrValue| {
            let next = Address {
                source: (source != SAMPLE).then_some(source),
                start: 0.0,
                buffer: address.buffer,
                engine: address.engine,
                credentials: address.credentials,
                showing: address.showing + 1,
            };
            next.show();
            address.set(next);
        })
    };
    let toggle = if *second {
        "Remove the second player"
    } else {
        "Add a second player"
    };
    let ontoggle = {
        let second = second.clone();
        move |_| second.set(!*second)
    };

    html! {
        <>
            { player(record.ear.clone()) }
            if *second {
                { player(Callback::noop()) }
            }
            <section class="choice" aria-label="What is played">
                { source_form(&input, &source, SAMPLE, &onload) }
                <button type="button" onclick={ontoggle}>{ toggle }</button>
            </section>
        </>
    }
}
