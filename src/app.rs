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

use crate::wire::{Event, post::Letter};
use address::Address;
use lab::Door;
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

/// What is on the page.
struct App {
    address: Address,
    has_second: bool,
    input: NodeRef,
    door: Door,
}

/// What a person asks of the page.
enum Wish {
    /// Show this film.
    Load(AttrValue),
    /// A second player, or one again.
    ToggleSecond,
}

impl Component for App {
    type Message = Wish;
    type Properties = ();

    fn create(_: &Context<Self>) -> Self {
        Self {
            address: Address::of_page(),
            has_second: false,
            input: NodeRef::default(),
            door: Door::default(),
        }
    }

    fn update(&mut self, _: &Context<Self>, wish: Wish) -> bool {
        match wish {
            Wish::Load(source) => {
                self.address.load((source != SAMPLE).then_some(source));
                self.address.show();
            }
            Wish::ToggleSecond => self.has_second = !self.has_second,
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let address = &self.address;
        let source = address.source.clone().unwrap_or(AttrValue::Static(SAMPLE));
        let of_sample = |url| (source == SAMPLE).then_some(AttrValue::Static(url));
        let player = |onevent: Callback<Letter<Event>>| {
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
        let onload = ctx.link().callback(Wish::Load);
        let ontoggle = ctx.link().callback(|_| Wish::ToggleSecond);
        let toggle = if self.has_second {
            "Remove the second player"
        } else {
            "Add a second player"
        };
        html! {
            <>
                { player(self.door.record.ear.clone()) }
                if self.has_second {
                    { player(Callback::noop()) }
                }
                <section class="choice" aria-label="What is played">
                    { source_form(&self.input, &source, SAMPLE, &onload) }
                    <button type="button" onclick={ontoggle}>{ toggle }</button>
                </section>
            </>
        }
    }
}
