//! The picture: where the handle arrives.

use gloo_events::EventListener;
use web_sys::{HtmlVideoElement, window};
use yew::prelude::*;

use super::{
    controls,
    playback::{Action, Dispatcher, Medium, Picture},
};
use crate::{
    web::{self, Attachment, FirstFrame},
    wire::{
        Fault,
        journey::{Mark, Step},
    },
};

#[derive(Clone, Debug, PartialEq, Properties)]
pub struct ScreenProps {
    /// The element, shared with the hook that detaches it in the end.
    pub video: NodeRef,
    /// What to show.
    pub picture: Option<Picture>,
    /// Whether a message covers it. The film rests meanwhile, for its controls are out of reach.
    pub covered: bool,
    /// URL of WebVTT captions.
    pub captions: Option<AttrValue>,
    /// URL of WebVTT chapters.
    pub chapters: Option<AttrValue>,
    /// What happens here goes there.
    pub playback: Dispatcher,
}

/// The video element. What it does, whether it plays and where it is, is the element's own to say.
#[component]
pub fn Screen(props: &ScreenProps) -> Html {
    {
        let playback = props.playback.clone();
        use_effect_with(props.video.clone(), move |video| {
            let errors = video.cast::<HtmlVideoElement>().map(|video| {
                controls::restore(&video);
                hear_errors(video, playback)
            });
            || drop(errors)
        });
    }
    {
        let (video, playback) = (props.video.clone(), props.playback.clone());
        use_effect_with(props.picture.clone(), move |picture| {
            let waiting = video
                .cast::<HtmlVideoElement>()
                .zip(picture.as_ref())
                .and_then(|(video, picture)| show(&video, picture, &playback));
            || drop(waiting)
        });
    }

    {
        let video = props.video.clone();
        use_effect_with(props.covered, move |covered| {
            let video = video.cast::<HtmlVideoElement>().filter(|_| *covered);
            if let Some(video) = &video {
                // A film that does not play yet has nothing to pause.
                let _ = video.pause();
            }
            // The button that was pressed is gone with its message: the picture takes the focus.
            move || {
                if let Some(video) = video.filter(|_| focus_is_lost()) {
                    let _ = video.focus();
                }
            }
        });
    }

    html! {
        // The focus can be put on it, where what had the focus is gone.
        <video ref={&props.video} playsinline=true tabindex="-1" aria-label="Film">
            if let Some(captions) = &props.captions {
                <track kind="captions" srclang="en" label="English" src={captions} />
            }
            if let Some(chapters) = &props.chapters {
                <track kind="chapters" srclang="en" src={chapters} />
            }
        </video>
    }
}

/// Whether nothing has the focus, as when what had it is gone.
fn focus_is_lost() -> bool {
    let document = window().and_then(|window| window.document());
    let focused = document.and_then(|document| document.active_element());
    focused.is_none_or(|element| element.tag_name() == "BODY")
}

/// Attaches the handle and plays. What is returned is held for as long as the picture is shown.
fn show(
    video: &HtmlVideoElement,
    picture: &Picture,
    playback: &Dispatcher,
) -> Option<(Attachment, FirstFrame)> {
    // One whose engine died may seem to have come to its end.
    let is_resting = picture.goes_on && video.paused() && !video.ended();
    // The viewer may have gone elsewhere since this was made.
    let start = match picture.goes_on && video.seeking() {
        true => video.current_time(),
        false => picture.start,
    };
    let attached = match &picture.medium {
        // Here the handle arrives. From now on the element plays what the worker appends.
        Medium::Provided(handle) => web::attach(video, handle),
        Medium::Url(url) => Ok(web::point(video, url)),
    };
    let attachment = match attached {
        Ok(attachment) => attachment,
        Err(exception) => {
            playback.dispatch(Action::Failed(Fault::Media {
                doing: "set video.srcObject".into(),
                reason: web::words(&exception),
            }));
            return None;
        }
    };
    playback.dispatch(Action::Reached(Mark::now(Step::SrcObjectSet)));

    // Before there is metadata this is the position to begin at.
    video.set_current_time(start);
    if !is_resting {
        controls::play(video);
    }
    let playback = playback.clone();
    let first_frame = FirstFrame::of(video, move || {
        playback.dispatch(Action::Reached(Mark::now(Step::FirstFrame)));
    });
    Some((attachment, first_frame))
}

fn hear_errors(video: HtmlVideoElement, playback: Dispatcher) -> EventListener {
    EventListener::new(&video.clone(), "error", move |_| {
        if let Some(error) = video.error() {
            playback.dispatch(Action::Failed(Fault::Element {
                code: error.code(),
                reason: error.message().trim_end_matches('.').into(),
            }));
        }
    })
}
