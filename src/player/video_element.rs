//! The video element: rendering it, and attaching sources to it.

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

/// Renders the element with its tracks: `captions` and `chapters` are URLs of WebVTT beside those of the
/// manifest. Its source is set by [`VideoElement`].
pub fn video_element(
    video: &NodeRef,
    model: &PlayerModel,
    captions: &Option<AttrValue>,
    chapters: &Option<AttrValue>,
) -> Html {
    // Captions of the manifest have a track before they have a file: the engine loads them once their track is
    // shown.
    let from_manifest = model.captions.iter().map(|CaptionEntry { track, file }| {
        let label = track.display_name().unwrap_or("Subtitles").to_owned();
        let file = file.clone().unwrap_or_default();
        html! {
            // `~src` sets the property. Firefox ignores later changes of an attribute that was empty at first.
            <track kind="captions" srclang={track.language.clone()} {label} ~src={file} />
        }
    });
    html! {
        // Focusable from scripts, for when the focused element is removed.
        <video ref={video} playsinline=true tabindex="-1" aria-label="Video">
            { for from_manifest }
            if let Some(captions) = captions {
                <track kind="captions" srclang="en" label="English" src={captions} />
            }
            if let Some(chapters) = chapters {
                <track kind="chapters" srclang="en" src={chapters} />
            }
        </video>
    }
}

/// Keeps an element in sync with the model: attaches its source, and pauses it while an error covers it.
pub struct VideoElement {
    video: HtmlVideoElement,
    dispatch: Dispatch,
    source: Option<PlaybackSource>,
    /// Whether an error message covers the element and its controls.
    is_covered: bool,
    attached: Option<AttachedSource>,
}

/// Guards of an attached source. Dropping them detaches it.
struct AttachedSource {
    _attachment: Attachment,
    _loaded_data: EventListener,
    _first_frame: FirstFrame,
}

impl VideoElement {
    /// Manages an element, and restores the volume and speed of earlier visits. Milestones and errors are sent to
    /// `dispatch`.
    pub fn new(video: &HtmlVideoElement, dispatch: &Dispatch) -> Self {
        controls::restore(video);
        Self {
            video: video.clone(),
            dispatch: dispatch.clone(),
            source: None,
            is_covered: false,
            attached: None,
        }
    }

    /// Applies the model to the element. Called after each render.
    pub fn sync(&mut self, model: &PlayerModel) {
        if self.source != model.source {
            self.source.clone_from(&model.source);
            self.attached = None;
            let source = self.source.as_ref();
            self.attached = source.and_then(|source| attach(&self.video, source, &self.dispatch));
        }
        let was_covered = self.is_covered;
        self.is_covered = model.error.is_some();
        if self.is_covered && !was_covered {
            // Fails only if the element has no source.
            let _ = self.video.pause();
        }
        // The focus was on the button of the error message.
        if was_covered && !self.is_covered && focus_is_lost() {
            let _ = self.video.focus();
        }
    }
}

/// An element that ignored its start position has played at most this much at `loadeddata`.
const MAX_PLAYED_FROM_BEGINNING_SECONDS: f64 = 0.5;

/// Attaches a source and plays it, unless it continues one that was paused.
fn attach(
    video: &HtmlVideoElement,
    source: &PlaybackSource,
    dispatch: &Dispatch,
) -> Option<AttachedSource> {
    // An element whose engine dies may fire `ended`, and Chromium pauses an element that fails. In neither case
    // has the viewer paused.
    let stays_paused =
        source.is_continuation && video.paused() && !video.ended() && !source.was_playing;
    // The viewer may have started to seek since the source was created.
    let start = if source.is_continuation && video.seeking() {
        video.current_time()
    } else {
        source.start
    };
    let attachment = match &source.media {
        // The handle has arrived: `video.srcObject = handle`. The element plays what the worker appends.
        ElementSource::Provided(handle) => web::attach(video, handle),
        ElementSource::Url(url) => Ok(web::attach_url(video, url)),
    };
    let attachment = match attachment {
        Ok(attachment) => attachment,
        Err(exception) => {
            dispatch.emit(PlayerAction::Failed(PlaybackError::MediaSourceCall {
                operation: "set video.srcObject".into(),
                reason: web::exception_message(&exception),
            }));
            return None;
        }
    };
    report(Milestone::SrcObjectSet, dispatch);

    // Before there is metadata, this sets the default playback start position.
    video.set_current_time(start);
    let element = video.clone();
    let loaded_data = EventListener::once(video, "loadeddata", move |_| {
        // The element may have started at the first segment instead.
        if element.current_time() < start.min(MAX_PLAYED_FROM_BEGINNING_SECONDS) {
            element.set_current_time(start);
        }
    });
    if !stays_paused {
        controls::play(video);
    }
    let dispatch = dispatch.clone();
    let first_frame = FirstFrame::of(video, move || report(Milestone::FirstFrame, &dispatch));
    Some(AttachedSource {
        _attachment: attachment,
        _loaded_data: loaded_data,
        _first_frame: first_frame,
    })
}

fn report(milestone: Milestone, dispatch: &Dispatch) {
    let reached = ReachedMilestone::now(milestone);
    dispatch.emit(PlayerAction::MilestoneReached(reached));
}
