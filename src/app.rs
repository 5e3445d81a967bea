//! The page: its composition root.

mod deep_link;
mod lab;
mod recorder;
mod source_form;

use yew::prelude::*;

use crate::{
    player::{Player, dom::part_of_page},
    protocol::Message,
};
use deep_link::DeepLink;
use lab::LabLoader;
use source_form::{FormAction, SourceForm};

/// The film that is shown when the address names none.
const SAMPLE: &str = "film/film.m3u8";
/// The same, as index.html offers it.
const SAMPLE_IN_DASH: &str = "film/film.mpd";
/// Its chapters, of which no manifest speaks.
const SAMPLE_CHAPTERS: &str = "film/chapters.vtt";

/// Renders the app into the page's `main`: what never changes about the page is in index.html, and
/// on screen before the first line of this runs.
pub fn start() {
    if let Some(main) = part_of_page("main") {
        yew::Renderer::<App>::with_root(main).render();
    }
}

/// What is on the page.
struct App {
    address: DeepLink,
    has_second: bool,
    choice: Option<SourceForm>,
    door: LabLoader,
}

impl Component for App {
    type Message = FormAction;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let app = Self {
            address: DeepLink::from_page(),
            has_second: false,
            choice: SourceForm::hear(ctx.link().callback(|wish| wish)),
            door: LabLoader::default(),
        };
        app.show_choice();
        app
    }

    fn update(&mut self, _: &Context<Self>, wish: FormAction) -> bool {
        match wish {
            FormAction::Load(source) => {
                self.address.load((source != SAMPLE).then_some(source));
                self.address.show();
            }
            FormAction::ToggleSecond => self.has_second = !self.has_second,
        }
        self.show_choice();
        true
    }

    fn view(&self, _: &Context<Self>) -> Html {
        let (address, source) = (&self.address, self.source());
        let is_sample = [SAMPLE, SAMPLE_IN_DASH].contains(&source.as_str());
        let chapters = is_sample.then_some(AttrValue::Static(SAMPLE_CHAPTERS));
        let player = |onletter: Callback<Message>| {
            html! {
                <Player
                    source={source.clone()}
                    reload_key={address.reload_key}
                    chapters={chapters.clone()}
                    start={address.start}
                    buffer={address.buffer}
                    engine={address.engine}
                    credentials={address.credentials}
                    on_message={onletter}
                />
            }
        };
        html! {
            <>
                { player(self.door.recorder.on_message.clone()) }
                if self.has_second {
                    { player(Callback::noop()) }
                }
            </>
        }
    }
}

impl App {
    /// The film that is shown.
    fn source(&self) -> AttrValue {
        let source = self.address.source.clone();
        source.unwrap_or(AttrValue::Static(SAMPLE))
    }

    fn show_choice(&self) {
        if let Some(choice) = &self.choice {
            choice.show(&self.source(), self.has_second);
        }
    }
}
