//! A player: the film, and beside it how it came there.

use web_sys::HtmlVideoElement;
use yew::prelude::*;

use super::{
    controls::{controls, use_controls},
    journey::journey,
    notice::notice,
    playback::{Action, Request, use_playback},
    screen::{screen, use_screen},
    way::Way,
};
use crate::wire::{BufferGoal, Event, Fault, Settings, journey::Thread};

/// What a player is told.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct PlayerProps {
    /// URL of the film's manifest, a DASH MPD or an HLS playlist, absolute or relative to the page.
    /// Another one is another session in the same worker.
    pub source: AttrValue,
    /// Another number shows the same film again, from where it began.
    #[prop_or_default]
    pub showing: u32,
    /// URL of WebVTT captions, if there are any.
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
    pub engine: Option<Thread>,
    /// Whether the handle’s journey is shown beside it.
    #[prop_or(true)]
    pub journey: bool,
    /// Headers that every request for the film gets: name and value.
    #[prop_or_default]
    pub headers: Vec<(String, String)>,
    /// Hears all that the engine says of a playback, as the page hears it.
    #[prop_or_default]
    pub onevent: Callback<Event>,
}

/// Plays a film in a worker of its own.
#[component]
pub fn Player(props: &PlayerProps) -> Html {
    let video = use_node_ref();
    let frame = use_node_ref();
    let request = Request {
        source: props.source.clone(),
        showing: props.showing,
        engine: props.engine,
        settings: Settings {
            start: props.start,
            buffer: props.buffer,
            credentials: props.credentials,
            headers: props.headers.clone(),
        },
    };
    let playback = use_playback(&request, &video, &props.onevent);
    use_screen(&video, &playback);
    use_controls(&video, &frame, &props.title, &playback);
    let onreplay = {
        let playback = playback.dispatcher();
        Callback::from(move |_| playback.dispatch(Action::Replay { from: None }))
    };
    let onretry = {
        let (video, playback) = (video.clone(), playback.clone());
        Callback::from(move |_| {
            if let Some(Fault::NoMediaSourceInWorkers) = playback.fault {
                return playback.dispatch(Action::MoveToPage);
            }
            // Of its engine's death an element knows only that the film is over.
            let is_fooled = playback.fault.as_ref().is_some_and(Fault::needs_new_worker);
            let video = video.cast::<HtmlVideoElement>().filter(|_| !is_fooled);
            let from = video.map(|video| video.current_time());
            playback.dispatch(Action::Replay {
                from: playback.lost_at.or(from),
            });
        })
    };
    let way = playback.way.map(|way| way.words(props.engine.is_some()));
    let engine = playback.way.map(Way::name);
    html! {
        <section class="player" data-engine={engine}>
            <div class="picture" ref={frame}>
                { screen(&video, &props.captions, &props.chapters) }
                { controls() }
                // Not an `Option` in braces: that would be no node or one, and the video beside it
                // would be made anew whenever that changes.
                if let Some(fault) = &playback.fault {
                    { notice(fault, &onretry) }
                } else if let Some(fault) = &playback.retrying {
                    <p class="retrying" role="status">{ "Trying again. " }{ fault.to_string() }</p>
                }
            </div>
            if props.journey {
                { journey(&playback.journey, way, &onreplay) }
            }
        </section>
    }
}
