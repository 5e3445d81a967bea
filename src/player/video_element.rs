//! The picture: where the handle arrives.

use gloo_events::EventListener;
use web_sys::HtmlVideoElement;
use yew::prelude::*;

use super::{
    controls,
    dom::focus_is_lost,
    model::{CaptionEntry, Dispatch, ElementSource, PlaybackSource, PlayerAction, PlayerModel},
};
use crate::{
    platform::web::{self, Attachment, FirstFrame},
    protocol::{
        PlaybackError,
        milestone::{Milestone, ReachedMilestone},
    },
};

/// The video element, for a [`Screen`]. What it does, whether it plays and where it is, is the
/// element's own to say.
pub fn video_element(
    video: &NodeRef,
    playback: &PlayerModel,
    captions: &Option<AttrValue>,
    chapters: &Option<AttrValue>,
) -> Html {
    // Of which there is no file yet, the element can be asked to show all the same: that is how it is known
    // that they are to be read.
    let of_the_film = playback
        .captions
        .iter()
        .map(|CaptionEntry { track, file }| {
            let label = track.display_name().unwrap_or("Subtitles").to_owned();
            // A property: after an attribute of this name, Firefox does not look any more once it found it empty.
            let file = file.clone().unwrap_or_default();
            html! {
                <track kind="captions" srclang={track.language.clone()} {label} ~src={file} />
            }
        });
    html! {
        // The focus can be put on it, where what had the focus is gone.
        <video ref={video} playsinline=true tabindex="-1" aria-label="Video">
            { for of_the_film }
            if let Some(captions) = captions {
                <track kind="captions" srclang="en" label="English" src={captions} />
            }
            if let Some(chapters) = chapters {
                <track kind="chapters" srclang="en" src={chapters} />
            }
        </video>
    }
}

/// Has the element show what there is to show, for as long as it is held.
pub struct VideoElement {
    video: HtmlVideoElement,
    playback: Dispatch,
    picture: Option<PlaybackSource>,
    /// Whether a message covers it. The film rests meanwhile, for its controls are out of reach.
    is_covered: bool,
    waiting: Option<(Attachment, EventListener, FirstFrame)>,
}

impl VideoElement {
    /// With this element. What happens there is told to `playback`.
    pub fn new(video: &HtmlVideoElement, playback: &Dispatch) -> Self {
        controls::restore(video);
        Self {
            video: video.clone(),
            playback: playback.clone(),
            picture: None,
            is_covered: false,
            waiting: None,
        }
    }

    /// Shows how things stand.
    pub fn show(&mut self, playback: &PlayerModel) {
        if self.picture != playback.source {
            self.picture.clone_from(&playback.source);
            self.waiting = None;
            let picture = self.picture.as_ref();
            self.waiting = picture.and_then(|it| show(&self.video, it, &self.playback));
        }
        let was_covered = self.is_covered;
        self.is_covered = playback.error.is_some();
        if self.is_covered && !was_covered {
            // A film that does not play yet has nothing to pause.
            let _ = self.video.pause();
        }
        // The button that was pressed is gone with its message: the picture takes the focus.
        if was_covered && !self.is_covered && focus_is_lost() {
            let _ = self.video.focus();
        }
    }
}

/// What an element that began with the film may have played of it before it says that it has data: seconds.
const BEGINNING: f64 = 0.5;

/// Attaches the handle and plays. What is returned is held for as long as the picture is shown.
fn show(
    video: &HtmlVideoElement,
    picture: &PlaybackSource,
    playback: &Dispatch,
) -> Option<(Attachment, EventListener, FirstFrame)> {
    // One whose engine died may seem to have come to its end, and Chromium pauses what fails.
    let is_resting =
        picture.is_continuation && video.paused() && !video.ended() && !picture.was_playing;
    // The viewer may have gone elsewhere since this was made.
    let start = match picture.is_continuation && video.seeking() {
        true => video.current_time(),
        false => picture.start,
    };
    let attached = match &picture.media {
        // Here the handle arrives. From now on the element plays what the worker appends.
        ElementSource::Provided(handle) => web::attach(video, handle),
        ElementSource::Url(url) => Ok(web::point(video, url)),
    };
    let attachment = match attached {
        Ok(attachment) => attachment,
        Err(exception) => {
            playback.emit(PlayerAction::Failed(PlaybackError::MediaSourceCall {
                operation: "set video.srcObject".into(),
                reason: web::words(&exception),
            }));
            return None;
        }
    };
    playback.emit(PlayerAction::MilestoneReached(ReachedMilestone::now(
        Milestone::SrcObjectSet,
    )));

    // Before there is metadata this is the position to begin at.
    video.set_current_time(start);
    let element = video.clone();
    let begun = EventListener::once(video, "loadeddata", move |_| {
        // The engine may have had it begin with the first segment instead.
        if element.current_time() < start.min(BEGINNING) {
            element.set_current_time(start);
        }
    });
    if !is_resting {
        controls::play(video);
    }
    let playback = playback.clone();
    let first_frame = FirstFrame::of(video, move || {
        playback.emit(PlayerAction::MilestoneReached(ReachedMilestone::now(
            Milestone::FirstFrame,
        )));
    });
    Some((attachment, begun, first_frame))
}
