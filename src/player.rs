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
    backend::Backend,
    controls::Controls,
    error_message::error_message,
    milestones::milestone_list,
    model::{Dispatch, PlayRequest, PlayerAction, PlayerController, PlayerModel},
    video_element::{VideoElement, video_element},
};
use crate::protocol::{
    BufferGoal, Message, PlaybackError, PlaybackSettings, milestone::EngineLocation,
};

/// What a player is told.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct PlayerProps {
    /// URL of the film's manifest, a DASH MPD or an HLS playlist, absolute or relative to the page.
    /// Another one is another session in the same worker.
    pub source: AttrValue,
    /// Another number shows the same film again, from where it began.
    #[prop_or_default]
    pub reload_key: u32,
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
    pub show_milestones: bool,
    /// Headers that every request for the film gets: name and value.
    #[prop_or_default]
    pub headers: Vec<(String, String)>,
    /// Hears all that the engine says, as the page hears it, and all that it is asked for, but for what the
    /// page observes, which the element's own events tell. Whoever wants to know what it is, opens the letter.
    #[prop_or_default]
    pub on_message: Callback<Message>,
}

/// Plays a film in a worker of its own.
pub struct Player {
    video: NodeRef,
    frame: NodeRef,
    /// The controls, as text.
    markup: AttrValue,
    playback: PlayerModel,
    /// Where what becomes known of the playback goes.
    dispatcher: Dispatch,
    // What works on the elements, once they are there.
    screen: Option<VideoElement>,
    projector: Option<PlayerController>,
    controls: Option<Controls>,
}

impl Component for Player {
    type Message = PlayerAction;
    type Properties = PlayerProps;

    fn create(ctx: &Context<Self>) -> Self {
        Self {
            video: NodeRef::default(),
            frame: NodeRef::default(),
            markup: controls::markup(),
            playback: PlayerModel::default(),
            dispatcher: ctx.link().callback(|action| action),
            screen: None,
            projector: None,
            controls: None,
        }
    }

    fn update(&mut self, _: &Context<Self>, action: PlayerAction) -> bool {
        self.playback.update(action)
    }

    fn changed(&mut self, ctx: &Context<Self>, before: &PlayerProps) -> bool {
        if ctx.props().title != before.title {
            self.controls = None;
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let (props, playback) = (ctx.props(), &self.playback);
        let onreplay = ctx.link().callback(|_| PlayerAction::Reload { from: None });
        let words = playback
            .backend
            .map(|way| way.description(props.engine.is_some()));
        let engine = playback.backend.map(Backend::name);
        let retrying = playback
            .retrying
            .as_ref()
            .map(|fault| ("Trying again. ", fault));
        let unread = playback
            .captions_error
            .as_ref()
            .map(|fault| ("No captions. ", fault));
        html! {
            <section class="player" data-engine={engine}>
                <div class="picture" ref={&self.frame}>
                    { video_element(&self.video, playback, &props.captions, &props.chapters) }
                    { Html::from_html_unchecked(self.markup.clone()) }
                    // Not an `Option` in braces: that would be no node or one, and the video beside it
                    // would be made anew whenever that changes.
                    if let Some(fault) = &playback.error {
                        { error_message(fault, &self.onretry(ctx)) }
                    } else if let Some((what, fault)) = retrying.or(unread) {
                        <p class="retrying" role="status">{ what }{ fault.to_string() }</p>
                    }
                </div>
                if props.show_milestones {
                    { milestone_list(&playback.milestones, playback.backend, words, &onreplay) }
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
        let request = PlayRequest {
            source: props.source.clone(),
            showing: props.reload_key,
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
            .get_or_insert_with(|| VideoElement::new(&video, told))
            .show(playback);
        self.projector
            .get_or_insert_with(|| PlayerController::new(&video, told))
            .play(request, playback, &props.on_message);
        self.controls
            .get_or_insert_with(|| Controls::new(video, frame, &props.title, told))
            .show(playback);
    }
}

impl Player {
    /// Has the film go on where it was when it could not.
    fn onretry(&self, ctx: &Context<Self>) -> Callback<MouseEvent> {
        if let Some(PlaybackError::NoMediaSourceInWorkers) = self.playback.error {
            return ctx.link().callback(|_| PlayerAction::MoveToPage);
        }
        // Of its engine's death an element knows only that the film is over.
        let fault = self.playback.error.as_ref();
        let is_fooled = fault.is_some_and(PlaybackError::needs_new_worker);
        let (video, lost_at) = (self.video.clone(), self.playback.lost_at);
        ctx.link().callback(move |_| {
            let video = video.cast::<HtmlVideoElement>().filter(|_| !is_fooled);
            let from = video.map(|video| video.current_time());
            PlayerAction::Reload {
                from: lost_at.or(from),
            }
        })
    }
}
