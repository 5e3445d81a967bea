//! The [`Player`] component: a video element with controls and its own engine.
//!
//! ```ignore
//! html! { <Player source="video.mpd" start={30.0} /> }
//! ```
//!
//! A page that uses it needs, beside its own program: the worker's program (`src/bin/worker.rs`, built by a
//! trunk link in `index.html`) and `assets/worker_loader.js` next to the page; `assets/style.css`; and the
//! template `#controls` with `assets/controls.html`, from which the controls are made. Several players can be on
//! one page; keys control the focused one, or the first one if nothing has the focus.
//!
//! Data flow: props and actions → `model` (state, pure `update`) → `controller` and
//! `video_element` (effects) → `engine_client` → engine, whose events come back as actions.

use web_sys::HtmlVideoElement;
use yew::prelude::*;

mod agent;
mod backend;
mod controller;
mod controls;
pub mod dom;
mod engine_client;
mod error_message;
mod milestones;
mod model;
mod observer;
mod recovery;
pub mod source_url;
mod video_element;

use self::{
    backend::Backend,
    controller::{PlayRequest, PlayerController},
    controls::Controls,
    error_message::error_message,
    milestones::milestone_list,
    model::{Dispatch, PlayerAction, PlayerModel},
    video_element::{VideoElement, video_element},
};
use crate::protocol::{
    BufferGoal, Message, PlaybackError, PlaybackSettings, milestone::EngineLocation,
};

/// The props of [`Player`]. A change takes effect at the next render; each prop's documentation says whether it
/// restarts anything.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct PlayerProps {
    /// URL of a DASH MPD or an HLS playlist, absolute or relative to the document's base. A change starts
    /// another session with the same engine.
    pub source: AttrValue,
    /// A changed number starts another session with the same source, from [`start`](Self::start).
    #[prop_or_default]
    pub reload_key: u32,
    /// URL of WebVTT captions beside those that the manifest lists.
    #[prop_or_default]
    pub captions: Option<AttrValue>,
    /// URL of WebVTT chapters.
    #[prop_or_default]
    pub chapters: Option<AttrValue>,
    /// The title for the system's media controls. Default: the document's title.
    #[prop_or_default]
    pub title: Option<AttrValue>,
    /// Where playback starts, in seconds. A change starts another session.
    #[prop_or_default]
    pub start: f64,
    /// Seconds to buffer ahead of and behind the position. A change applies to the running
    /// session. Default: 30 s each.
    #[prop_or_default]
    pub buffer: BufferGoal,
    /// Whether requests to other origins carry credentials (cookies, HTTP authentication). A change starts
    /// another session.
    #[prop_or_default]
    pub credentials: bool,
    /// The thread that the engine runs on. A change starts another session, and another engine if needed.
    /// Default: a worker where the browser has MediaSource in workers, else the page.
    #[prop_or_default]
    pub engine: Option<EngineLocation>,
    /// Whether the startup milestones are shown beside the video.
    #[prop_or(true)]
    pub show_milestones: bool,
    /// Name and value of headers that are added to every request for the manifest and the media. A change
    /// starts another session.
    #[prop_or_default]
    pub headers: Vec<(String, String)>,
    /// Called on the page's thread with every message between player and engine, encoded; unpack it to read
    /// it. Observations of the element and heartbeats are left out. Read when an engine is started.
    #[prop_or_default]
    pub on_message: Callback<Message>,
}

/// Plays a video in an element with controls. Each player has its own engine; removing the player ends both the
/// session and the engine.
pub struct Player {
    video: NodeRef,
    container: NodeRef,
    /// The HTML of the controls.
    markup: AttrValue,
    model: PlayerModel,
    dispatch: Dispatch,
    // Created after the first render, when the elements exist.
    video_element: Option<VideoElement>,
    controller: Option<PlayerController>,
    controls: Option<Controls>,
}

impl Component for Player {
    type Message = PlayerAction;
    type Properties = PlayerProps;

    fn create(ctx: &Context<Self>) -> Self {
        Self {
            video: NodeRef::default(),
            container: NodeRef::default(),
            markup: controls::markup(),
            model: PlayerModel::default(),
            dispatch: ctx.link().callback(|action| action),
            video_element: None,
            controller: None,
            controls: None,
        }
    }

    fn update(&mut self, _: &Context<Self>, action: PlayerAction) -> bool {
        self.model.update(action)
    }

    fn changed(&mut self, ctx: &Context<Self>, before: &PlayerProps) -> bool {
        if ctx.props().title != before.title {
            self.controls = None;
        }
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let (props, model) = (ctx.props(), &self.model);
        let onreload = ctx.link().callback(|_| PlayerAction::Reload { from: None });
        let backend = model.backend;
        let description = backend.map(|backend| backend.description(props.engine.is_some()));
        html! {
            <section class="player" data-engine={backend.map(Backend::name)}>
                <div class="video-container" ref={&self.container}>
                    { video_element(&self.video, model, &props.captions, &props.chapters) }
                    { Html::from_html_unchecked(self.markup.clone()) }
                    // Not an `Option` in braces: that is a varying number of nodes, and Yew would recreate the
                    // video beside it.
                    if let Some(error) = &model.error {
                        { error_message(error, &self.onretry(ctx)) }
                    } else if let Some(status) = status(model) {
                        <p class="status-message" role="status">{ status }</p>
                    }
                </div>
                if props.show_milestones {
                    { milestone_list(&model.milestones, backend, description, &onreload) }
                }
            </section>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, _: bool) {
        let video = self.video.cast::<HtmlVideoElement>();
        let Some((video, container)) = video.zip(self.container.cast()) else {
            return;
        };
        let (props, model) = (ctx.props(), &self.model);
        let request = PlayRequest {
            source: props.source.clone(),
            reload_key: props.reload_key,
            engine: props.engine,
            settings: PlaybackSettings {
                start: props.start,
                buffer: props.buffer,
                credentials: props.credentials,
                headers: props.headers.clone(),
            },
        };
        let dispatch = &self.dispatch;
        self.video_element
            .get_or_insert_with(|| VideoElement::new(&video, dispatch))
            .sync(model);
        self.controller
            .get_or_insert_with(|| PlayerController::new(&video, dispatch))
            .play(request, model, &props.on_message);
        self.controls
            .get_or_insert_with(|| Controls::new(video, container, &props.title, dispatch))
            .show(model);
    }
}

impl Player {
    /// Returns the callback for the button of the error message.
    fn onretry(&self, ctx: &Context<Self>) -> Callback<MouseEvent> {
        if let Some(PlaybackError::NoMediaSourceInWorkers) = self.model.error {
            return ctx.link().callback(|_| PlayerAction::MoveToPage);
        }
        // An element whose engine is gone behaves as if the video had ended: its position is wrong.
        let error = self.model.error.as_ref();
        let position_is_valid = !error.is_some_and(PlaybackError::needs_new_worker);
        let (video, lost_at) = (self.video.clone(), self.model.lost_at);
        ctx.link().callback(move |_| {
            let video = video.cast::<HtmlVideoElement>();
            let position = video
                .filter(|_| position_is_valid)
                .map(|video| video.current_time());
            PlayerAction::Reload {
                from: lost_at.or(position),
            }
        })
    }
}

/// The message that is shown while the video keeps playing.
fn status(model: &PlayerModel) -> Option<String> {
    if let Some(error @ (PlaybackError::NotStarted { .. } | PlaybackError::StreamStalled { .. })) =
        &model.retrying
    {
        Some(error.to_string())
    } else if let Some(error) = &model.retrying {
        Some(format!("Retrying. {error}"))
    } else {
        let error = model.captions_error.as_ref()?;
        Some(format!("Subtitles could not be loaded. {error}"))
    }
}
