//! Attaches sources to the video element.

use gloo_events::EventListener;
use web_sys::HtmlVideoElement;

use super::{
    file_url::FileUrl,
    media::play,
    model::{ElementSource, PlaybackSource, StartMode},
};
use crate::{
    platform::web::{self, Attachment, FirstFrame},
    protocol::{
        PlaybackError,
        milestone::{Milestone, ReachedMilestone},
    },
};

/// An element that ignored its start position has played at most this much at `loadeddata`.
const MAX_PLAYED_FROM_BEGINNING_SECONDS: f64 = 0.5;

/// An attached source, until it is dropped.
pub struct AttachedSource {
    _attachment: Attachment,
    _loaded_data: EventListener,
    _first_frame: FirstFrame,
    /// The URL of a file, valid as long as the element plays it.
    _file_url: Option<FileUrl>,
}

impl AttachedSource {
    /// Attaches a source, and plays it or waits as its [`StartMode`] says. `report` is called with the milestones.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the element does not support handles.
    pub fn attach(
        video: &HtmlVideoElement,
        source: &PlaybackSource,
        report: impl Fn(ReachedMilestone) + 'static,
    ) -> Result<Self, PlaybackError> {
        let plays = match source.start_mode {
            StartMode::Play => true,
            StartMode::Wait => false,
            // An element whose engine dies may fire `ended`, and Chromium pauses an element that fails. In neither
            // case has the viewer paused.
            StartMode::AsBefore { was_playing } => was_playing || !video.paused() || video.ended(),
        };
        // The viewer may have started to seek since the source was created.
        let start = match source.start_mode {
            StartMode::AsBefore { .. } if video.seeking() => video.current_time(),
            _ => source.start,
        };
        let mut file_url = None;
        let attachment = match &source.media {
            // The handle has arrived: `video.srcObject = handle`. The element plays what the worker appends.
            ElementSource::Provided(handle) => web::attach(video, handle),
            ElementSource::Url(url) => Ok(web::attach_url(video, url)),
            ElementSource::File(file) => {
                file_url = FileUrl::new(file);
                let url = file_url.as_ref().map_or("", FileUrl::as_str);
                Ok(web::attach_url(video, url))
            }
        };
        let attachment = attachment.map_err(|exception| PlaybackError::MediaSourceCall {
            operation: "set video.srcObject".into(),
            reason: web::exception_message(&exception),
        })?;
        report(ReachedMilestone::now(Milestone::SrcObjectSet));

        // Before there is metadata, this sets the default playback start position.
        video.set_current_time(start);
        let element = video.clone();
        let loaded_data = EventListener::once(video, "loadeddata", move |_| {
            // The element may have started at the first segment instead.
            if element.current_time() < start.min(MAX_PLAYED_FROM_BEGINNING_SECONDS) {
                element.set_current_time(start);
            }
        });
        if plays {
            play(video);
        }
        let first_frame = FirstFrame::of(video, move || {
            report(ReachedMilestone::now(Milestone::FirstFrame));
        });
        Ok(Self {
            _attachment: attachment,
            _loaded_data: loaded_data,
            _first_frame: first_frame,
            _file_url: file_url,
        })
    }
}
