//! A player: the film, and beside it how it came there.

use yew::prelude::*;

use super::{
    journey::journey,
    notice::notice,
    playback::{Action, use_playback},
    screen::Screen,
};

/// What a player is told.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct PlayerProps {
    /// URL of the film's playlist, absolute or relative to the page. Another one is another session
    /// in the same worker.
    pub source: AttrValue,
    /// Another number shows the same film again, from where it began.
    #[prop_or_default]
    pub showing: u32,
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
    let playback = use_playback(&props.source, props.showing, &video);
    let onreplay = {
        let playback = playback.dispatcher();
        Callback::from(move |_| playback.dispatch(Action::Replay))
    };
    html! {
        <section class="player">
            <div class="picture">
                <Screen
                    {video}
                    handle={playback.handle.clone()}
                    covered={playback.fault.is_some()}
                    captions={props.captions.clone()}
                    start={props.start}
                    playback={playback.dispatcher()}
                />
                // Not an `Option` in braces: that would be no node or one, and the screen beside it,
                // video and all, would be made anew whenever that changes.
                if let Some(fault) = &playback.fault {
                    { notice(fault, &onreplay) }
                }
            </div>
            { journey(&playback.journey, &onreplay) }
        </section>
    }
}
