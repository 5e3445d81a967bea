//! A player: the film, and beside it how it came there.

use web_sys::HtmlVideoElement;
use yew::prelude::*;

mod agent;
mod backend;
mod controls;
pub mod dom;
mod engine_client;
mod error_message;
mod milestones;
mod model;
mod observer;
pub mod source_url;
mod video_element;

use self::{
    backend::Way,
    controls::Controls,
    error_message::notice,
    milestones::journey,
    model::{Action, Dispatcher, Playback, Projector, Request},
    video_element::{Screen, screen},
};
use crate::protocol::{BufferGoal, PlaybackError, PlaybackSettings, milestone::EngineLocation, transfer::Message};

/// What a player is told.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct PlayerProps {
    /// URL of the film's manifest, a DASH MPD or an HLS playlist, absolute or relative to the page.
    /// Another one is another session in the same worker.
    pub source: AttrValue,
    /// Another number shows the same film again, from where it began.
    #[prop_or_default]
    pub showing: u32,
    /// URL of WebVTT captions, if there are any beside those that the film's manifest lists.
    #[prop_or_default]
    pub captions: Option<AttrValue>,
    /// URL of WebVTT chapters, if there are any.
    #[prop_or_default]
    pub chapters: Option<AttrValue>,
    /// What the film is called, where the system shows it beside its own keys; the page's title unless
    /// it is said.
    #[prop_or_default]
    pub title: Option<AttrValue>,
    /// Where to begin, in seconds of film.
    #[prop_or_default]
    pub start: f64,
    /// How much to buffer, in seconds of film.
    #[prop_or_default]
    pub buffer: BufferGoal,
    /// Whether cookies and other credentials go along to other hosts.
    #[prop_or_default]
    pub credentials: bool,
    /// The thread that the engine runs on; without it, a worker's where the browser can, else the page's.
    #[prop_or_default]
    pub engine: Option<EngineLocation>,
    /// Whether the handle’s journey is shown beside it.
    #[prop_or(true)]
    pub journey: bool,
    /// Headers that every request for the film gets: name and value.
    #[prop_or_default]
    pub headers: Vec<(String, String)>,
    /// Hears all that the engine says, as the page hears it, and all that it is asked for, but for what the
    /// page observes, which the element's own events tell. Whoever wants to know what it is, opens the letter.
    #[prop_or_default]
    pub onletter: Callback<Message>,
}

/// Plays a film in a worker of its own.
pub struct Player {
    video: NodeRef,
    frame: NodeRef,
    /// The controls, as text.
    markup: AttrValue,
    playback: Playback,
    /// Where what becomes known of the playback goes.
    dispatcher: Dispatcher,
    // What works on the elements, once they are there.
    screen: Option<Screen>,
    projector: Option<Projector>,
    controls: Option<Controls>,
}

impl Component for Player {
    type Message = Action;
    type Properties = PlayerProps;

    fn create(ctx: &Context<Self>) -> Self {
        Self {
            video: NodeRef::default(),
            frame: NodeRef::default(),
            markup: controls::markup(),
            playback: Playback::default(),
            dispatcher: ctx.link().callback(|action| action),
            screen: None,
            projector: None,
            controls: None,
        }
    }

    fn update(&mut self, _: &Context<Self>, action: Action) -> bool {
        self.playback.take(action)
    }

    fn changed(&mut self, ctx: &Context<Self>, before: &PlayerProps) -> bool {
        if ctx.props().title != before.title {
            self.controls = None;
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let (props, playback) = (ctx.props(), &self.playback);
        let onreplay = ctx.link().callback(|_| Action::Replay { from: None });
        let words = playback.way.map(|way| way.words(props.engine.is_some()));
        let engine = playback.way.map(Way::name);
        let retrying = playback
            .retrying
            .as_ref()
            .map(|fault| ("Trying again. ", fault));
        let unread = playback
            .unread
            .as_ref()
            .map(|fault| ("No captions. ", fault));
        html! {
            <section class="player" data-engine={engine}>
                <div class="picture" ref={&self.frame}>
                    { screen(&self.video, playback, &props.captions, &props.chapters) }
                    { Html::from_html_unchecked(self.markup.clone()) }
                    // Not an `Option` in braces: that would be no node or one, and the video beside it
                    // would be made anew whenever that changes.
                    if let Some(fault) = &playback.fault {
                        { notice(fault, &self.onretry(ctx)) }
                    } else if let Some((what, fault)) = retrying.or(unread) {
                        <p class="retrying" role="status">{ what }{ fault.to_string() }</p>
                    }
                </div>
                if props.journey {
                    { journey(&playback.journey, playback.way, words, &onreplay) }
                }
            </section>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, _: bool) {
        let video = self.video.cast::<HtmlVideoElement>();
        let Some((video, frame)) = video.zip(self.frame.cast()) else {
            return;
        };
        let (props, playback) = (ctx.props(), &self.playback);
        let request = Request {
            source: props.source.clone(),
            showing: props.showing,
            engine: props.engine,
            settings: PlaybackSettings {
                start: props.start,
                buffer: props.buffer,
                credentials: props.credentials,
                headers: props.headers.clone(),
            },
        };
        let told = &self.dispatcher;
        self.screen
            .get_or_insert_with(|| Screen::new(&video, told))
            .show(playback);
        self.projector
            .get_or_insert_with(|| Projector::new(&video, told))
            .play(request, playback, &props.onletter);
        self.controls
            .get_or_insert_with(|| Controls::new(video, frame, &props.title, told))
            .show(playback);
    }
}

impl Player {
    /// Has the film go on where it was when it could not.
    fn onretry(&self, ctx: &Context<Self>) -> Callback<MouseEvent> {
        if let Some(PlaybackError::NoMediaSourceInWorkers) = self.playback.fault {
            return ctx.link().callback(|_| Action::MoveToPage);
        }
        // Of its engine's death an element knows only that the film is over.
        let fault = self.playback.fault.as_ref();
        let is_fooled = fault.is_some_and(PlaybackError::needs_new_worker);
        let (video, lost_at) = (self.video.clone(), self.playback.lost_at);
        ctx.link().callback(move |_| {
            let video = video.cast::<HtmlVideoElement>().filter(|_| !is_fooled);
            let from = video.map(|video| video.current_time());
            Action::Replay {
                from: lost_at.or(from),
            }
        })
    }
}
