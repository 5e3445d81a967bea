//! The demo page around the player: the deep link, the form for another source, a second player, and the loader
//! of the lab.

mod deep_link;
mod file_input;
mod lab;
mod recorder;
mod source_form;

use wasm_bindgen_futures::spawn_local;
use web_sys::File;
use yew::prelude::*;

use crate::{
    platform::ObjectUrl,
    player::{Player, dom::query_page},
    protocol::{BufferGoal, Message},
};
use deep_link::DeepLink;
use file_input::FileInput;
use lab::LabLoader;
use source_form::{FormAction, SourceForm};

/// The video that is played if the deep link names none.
const SAMPLE: &str = "film/film.m3u8";
/// The same video in DASH, which a button in index.html loads.
const SAMPLE_IN_DASH: &str = "film/film.mpd";
/// How much of the sample is buffered ahead. Less than of other videos: it is short, and visitors see it being fetched
/// while it plays.
const SAMPLE_GOAL_SECONDS: f64 = 8.0;
/// The sample's chapters, which neither manifest lists.
const SAMPLE_CHAPTERS: &str = "film/chapters.vtt";

/// Renders the app into the page's `<main>`. The static parts of the page are in index.html, so that they are
/// visible before this program has loaded.
pub fn start() {
    if let Some(main) = query_page("main") {
        yew::Renderer::<App>::with_root(main).render();
    }
}

struct App {
    deep_link: DeepLink,
    has_second_player: bool,
    form: Option<SourceForm>,
    lab: LabLoader,
    /// The files that were opened last, and which of them plays.
    files: Vec<File>,
    playing: Option<usize>,
    /// Captions beside a file.
    captions: Option<ObjectUrl>,
    _file_input: Option<FileInput>,
}

impl Component for App {
    type Message = FormAction;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let app = Self {
            deep_link: DeepLink::from_page(),
            has_second_player: false,
            form: SourceForm::connect(ctx.link().callback(|action| action)),
            lab: LabLoader::default(),
            files: Vec::new(),
            playing: None,
            captions: None,
            _file_input: FileInput::connect(&ctx.link().callback(FormAction::OpenFiles)),
        };
        app.update_form();
        app
    }

    fn update(&mut self, ctx: &Context<Self>, action: FormAction) -> bool {
        match action {
            FormAction::Load(source) => {
                self.deep_link.load((source != SAMPLE).then_some(source));
                self.deep_link.replace_page_url();
                (self.playing, self.captions) = (None, None);
            }
            FormAction::OpenFiles(files) => self.open(ctx, files),
            FormAction::PlayFile(index) => (self.playing, self.captions) = (Some(index), None),
            FormAction::ShowCaptions(captions) => self.captions = Some(captions),
            FormAction::ToggleSecondPlayer => self.has_second_player = !self.has_second_player,
        }
        self.update_form();
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let (link, source) = (&self.deep_link, self.source());
        let is_sample = [SAMPLE, SAMPLE_IN_DASH].contains(&source.as_str());
        let file = self.playing.and_then(|index| self.files.get(index));
        let captions = self
            .captions
            .as_ref()
            .map(|url| AttrValue::from(url.as_str().to_owned()));
        let title = file.map(|file| AttrValue::from(file.name()));
        let chapters = (is_sample && file.is_none()).then_some(AttrValue::Static(SAMPLE_CHAPTERS));
        let mut buffer = BufferGoal::default();
        if let Some(goal) = link.goal.or(is_sample.then_some(SAMPLE_GOAL_SECONDS)) {
            buffer.ahead = goal;
        }
        let player = |on_message: Callback<Message>| {
            html! {
                <Player
                    source={source.clone()}
                    file={file.cloned()}
                    captions={captions.clone()}
                    title={title.clone()}
                    reload_key={link.reload_key}
                    autoplay=true
                    chapters={chapters.clone()}
                    start={link.start}
                    {buffer}
                    engine={link.engine}
                    credentials={link.credentials}
                    {on_message}
                />
            }
        };
        html! {
            <>
                { player(self.lab.recorder.on_message.clone()) }
                if self.has_second_player {
                    { player(Callback::noop()) }
                }
                if let Some(playing) = self.playing {
                    { self.file_list(ctx, playing) }
                }
            </>
        }
    }
}

impl App {
    fn source(&self) -> AttrValue {
        let source = self.deep_link.source.clone();
        source.unwrap_or(AttrValue::Static(SAMPLE))
    }

    /// Plays the first of the media files, and shows captions with it, or with what plays if there is none.
    fn open(&mut self, ctx: &Context<Self>, files: Vec<File>) {
        let (captions, media): (Vec<_>, Vec<_>) =
            files.into_iter().partition(file_input::is_captions);
        if !media.is_empty() {
            self.files = media;
            (self.playing, self.captions) = (Some(0), None);
            self.deep_link.start = None;
        }
        if let Some(file) = captions.into_iter().next() {
            let link = ctx.link().clone();
            spawn_local(async move {
                if let Some(captions) = file_input::read_captions(&file).await {
                    link.send_message(FormAction::ShowCaptions(captions));
                }
            });
        }
    }

    /// The files that were opened.
    fn file_list(&self, ctx: &Context<Self>, playing: usize) -> Html {
        let button = |(index, file): (usize, &File)| {
            let onclick = ctx.link().callback(move |_| FormAction::PlayFile(index));
            let is_current = (index == playing).then_some("true");
            html! {
                <li><button {onclick} aria-current={is_current}>{ file.name() }</button></li>
            }
        };
        html! {
            <section class="files" aria-label="Files">
                <p role="status">{ "Played from this device. Nothing is uploaded." }</p>
                <ol>{ for self.files.iter().enumerate().map(button) }</ol>
            </section>
        }
    }

    fn update_form(&self) {
        if let Some(form) = &self.form {
            form.update(&self.source(), self.has_second_player);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `assets/start.js` takes them from there.
    #[test]
    fn index_html_names_the_same_sample() {
        let meta = format!(
            "<meta name=\"sample\" content=\"{SAMPLE} {SAMPLE_IN_DASH}\" data-goal=\"{SAMPLE_GOAL_SECONDS}\" />"
        );
        assert!(include_str!("../index.html").contains(&meta), "{meta}");
    }
}
