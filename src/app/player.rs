//! A player: the film, and beside it how it came there.

use yew::prelude::*;

use super::{
    journey::Journey,
    notice::Notice,
    playback::{self, Action},
    screen::Screen,
};
use crate::wire::{Fault, journey::Mark};

/// What a player is told.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct PlayerProps {
    /// URL of the film's playlist, absolute or relative to the page. Another one is another session
    /// in the same worker.
    pub source: AttrValue,
    /// URL of WebVTT captions, if there are any.
    #[prop_or_default]
    pub captions: Option<AttrValue>,
    /// Where to begin, in seconds of film.
    #[prop_or_default]
    pub start: f64,
}

/// Plays a film in a worker of its own.
#[component]
pub fn Player(props: &PlayerProps) -> Html {
    let video = use_node_ref();
    let engine = playback::use_engine(&props.source, &video);
    let playback = &engine.playback;

    let onstep = use_callback(playback.dispatcher(), |mark: Mark, playback| {
        playback.dispatch(Action::Reached(mark));
    });
    let onfault = use_callback(playback.dispatcher(), |fault: Fault, playback| {
        playback.dispatch(Action::Failed(fault));
    });

    html! {
        <section class="player" aria-label="Player">
            <div class="picture">
                <Screen
                    {video}
                    handle={playback.handle.clone()}
                    captions={props.captions.clone()}
                    start={props.start}
                    {onstep}
                    {onfault}
                />
                if let Some(fault) = &playback.fault {
                    <Notice fault={fault.clone()} onretry={engine.replay.clone()} />
                }
            </div>
            <Journey marks={playback.journey.clone()} onreplay={engine.replay.clone()} />
        </section>
    }
}
