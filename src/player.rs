//! The [`Player`] component: a video element with controls and its own engine.
//!
//! Data flow: props, clicks and reports become messages to `model`, whose pure `update` returns effects; `controller`
//! carries them out on the element and on the engine, by `engine_client`. What the element's state is, `media` reads
//! from the element after its events. Components select from both by hooks, and render when their selection changes.
//!
#![doc = include_str!("../docs/player.md")]

use web_sys::{HtmlElement, HtmlVideoElement};
use yew::prelude::*;

mod agent;
mod attachment;
pub mod backend;
mod controller;
pub mod controls;
pub mod dom;
mod engine_client;
mod error_overlay;
mod file_url;
mod format;
mod handle;
mod labels;
mod media;
mod milestones;
pub mod model;
mod observer;
mod preferences;
mod props;
pub mod recovery;
pub mod source_url;
mod store;
mod video;
mod video_container;

use self::{
    backend::Backend,
    controller::PlaybackCallbacks,
    controls::StandardControls,
    error_overlay::PlaybackMessage,
    handle::PlayerContext,
    milestones::MilestoneList,
    model::{PlayRequest, PlayerMessage},
    preferences::SoundAndSpeed,
    store::use_selector,
    video::Video,
    video_container::VideoContainer,
};
pub use self::{
    handle::{PlayerHandle, use_labels, use_media, use_player},
    labels::{Labels, ShortcutLabels},
    media::{
        CaptionsState, Chapter, DisplayedProgress, MediaRequest, MediaState, PlaybackPhase,
        SeekWindow,
    },
    props::{PlayerControls, PlayerProps},
};
use crate::{platform::web, protocol::PlaybackSettings};

/// Plays a video in an element with controls. Each player has its own engine; removing the player ends both the
/// session and the engine. Components below it find it by [`use_player`] and [`use_media`].
#[component]
pub fn Player(props: &PlayerProps) -> Html {
    let player = (*use_memo((), |()| PlayerHandle::default())).clone();
    let labels = use_memo(props.labels.clone(), Labels::clone);
    let backend = use_selector(player.playback(), |model| model.backend);
    let class = classes!("player", props.class.clone());
    let (video, container) = (use_node_ref(), use_node_ref());
    use_connection(&player, &video, &container, props);
    use_playback_props(&player, props);
    use_element_callbacks(&player, props);
    let controls = match &props.controls {
        PlayerControls::Standard => html! { <StandardControls /> },
        PlayerControls::None => Html::default(),
        PlayerControls::Custom(controls) => controls.clone(),
    };
    html! {
        <ContextProvider<PlayerContext> context={PlayerContext { player, labels }}>
            <section {class} data-engine={backend.map(Backend::name)}>
                <VideoContainer
                    node={container}
                    has_controls={props.controls != PlayerControls::None}
                >
                    <Video
                        node={video}
                        poster={props.poster.clone()}
                        is_loop={props.r#loop}
                        captions={props.captions.clone()}
                        chapters={props.chapters.clone()}
                    />
                    { controls }
                    <PlaybackMessage />
                </VideoContainer>
                if props.show_milestones {
                    <MilestoneList />
                }
            </section>
        </ContextProvider<PlayerContext>>
    }
}

/// Connects the player with its elements while they are on the page.
#[hook]
fn use_connection(
    player: &PlayerHandle,
    video: &NodeRef,
    container: &NodeRef,
    props: &PlayerProps,
) {
    let player = player.clone();
    let (video, container) = (video.clone(), container.clone());
    let on_ready = props.on_ready.clone();
    let initial = requested_sound(props)
        .or(SoundAndSpeed::stored())
        .or(SoundAndSpeed {
            muted: Some(props.autoplay),
            ..SoundAndSpeed::default()
        });
    use_effect_with((), move |()| {
        let elements = video
            .cast::<HtmlVideoElement>()
            .zip(container.cast::<HtmlElement>());
        if let Some((video, container)) = elements {
            player.connect(&video, &container, initial);
            on_ready.emit(player.clone());
        }
        move || player.disconnect()
    });
}

fn requested_sound(props: &PlayerProps) -> SoundAndSpeed {
    SoundAndSpeed {
        muted: props.muted,
        volume: props.volume,
        rate: props.rate,
    }
}

/// Hands the props to the player's model and element when they change.
#[hook]
fn use_playback_props(player: &PlayerHandle, props: &PlayerProps) {
    {
        let player = player.clone();
        let callbacks = PlaybackCallbacks {
            on_message: props.on_message.clone(),
            on_error: props.on_error.clone(),
        };
        use_effect_with(callbacks, move |callbacks| {
            player.set_callbacks(callbacks.clone());
        });
    }
    {
        let player = player.clone();
        use_effect_with(props.catch_up, move |catch_up| {
            player.set_catch_up(*catch_up)
        });
    }
    {
        let player = player.clone();
        let is_first = use_mut_ref(|| true);
        use_effect_with(requested_sound(props), move |sound| {
            // At first they are part of what the element is connected with.
            if !is_first.replace(false)
                && let Some(video) = player.video()
            {
                sound.apply(&video);
            }
        });
    }
    {
        let player = player.clone();
        use_effect_with(props.title.clone(), move |title| {
            let title = title.as_deref().map(String::from);
            let of_page = || Some(dom::document()?.title());
            player.use_media_keys(&title.or_else(of_page).unwrap_or_default());
        });
    }
    let request = PlayRequest {
        url: match &props.file {
            Some(file) => Ok(file.name()),
            None => source_url::resolve(&props.source),
        },
        file: props.file.clone(),
        reload_key: props.reload_key,
        engine: props.engine,
        autoplay: props.autoplay,
        settings: PlaybackSettings {
            start: props.start,
            buffer: props.buffer,
            credentials: props.credentials,
            headers: props.headers.clone(),
            ..PlaybackSettings::default()
        },
    };
    let player = player.clone();
    use_effect_with(request, move |request| {
        player.dispatch(PlayerMessage::Play(request.clone()));
    });
}

/// Calls `on_time` and `on_ended` after the element's events.
#[hook]
fn use_element_callbacks(player: &PlayerHandle, props: &PlayerProps) {
    let callbacks = (props.on_time.clone(), props.on_ended.clone());
    let player = player.clone();
    use_effect_with(callbacks, move |(on_time, on_ended)| {
        let listeners = player.video().map(|video| {
            let on_ended = on_ended.clone();
            let element = video.clone();
            let ended = web::listen(&video, "ended", move |_| {
                // An element that has lost its engine reports `ended`, too.
                if !web::has_lost_media_source(&element) {
                    on_ended.emit(());
                }
            });
            let time = on_time.clone().map(|on_time| {
                let element = video.clone();
                web::listen(&video, "timeupdate", move |_| {
                    on_time.emit(element.current_time());
                })
            });
            (ended, time)
        });
        move || drop(listeners)
    });
}
