//! The picture: where the handle arrives.

use gloo_events::EventListener;
use web_sys::{HtmlVideoElement, window};
use yew::prelude::*;

use super::{
    controls,
    playback::{Action, Dispatcher, Medium, Picture, Playback},
};
use crate::{
    web::{self, Attachment, FirstFrame},
    wire::{
        Fault,
        journey::{Mark, Step},
    },
};

/// The video element, to be given to [`use_screen`]. What it does, whether it plays and where it is, is the
/// element's own to say.
pub fn screen(video: &NodeRef, captions: &Option<AttrValue>, chapters: &Option<AttrValue>) -> Html {
    html! {
        // The focus can be put on it, where what had the focus is gone.
        <video ref={video} playsinline=true tabindex="-1" aria-label="Film">
            if let Some(captions) = captions {
                <track kind="captions" srclang="en" label="English" src={captions} />
            }
            if let Some(chapters) = chapters {
                <track kind="chapters" srclang="en" src={chapters} />
            }
        </video>
    }
}

/// Has the element show what there is to show, and rest while a message covers it, for its controls are
/// out of reach then.
#[hook]
pub fn use_screen(video: &NodeRef, playback: &UseReducerHandle<Playback>) {
    {
        let (video, playback) = (video.clone(), playback.dispatcher());
        use_effect_with((), move |()| {
            let errors = video.cast::<HtmlVideoElement>().map(|video| {
                controls::restore(&video);
                hear_errors(video, playback)
            });
            || drop(errors)
        });
    }
    {
        let (video, dispatcher) = (video.clone(), playback.dispatcher());
        use_effect_with(playback.picture.clone(), move |picture| {
            let waiting = video
                .cast::<HtmlVideoElement>()
                .zip(picture.as_ref())
                .and_then(|(video, picture)| show(&video, picture, &dispatcher));
            || drop(waiting)
        });
    }
    let video = video.clone();
    use_effect_with(playback.fault.is_some(), move |is_covered| {
        let video = video.cast::<HtmlVideoElement>().filter(|_| *is_covered);
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
