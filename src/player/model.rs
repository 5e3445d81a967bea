//! The page's playback as a state machine: a model, the messages that change it, and the effects that it demands.
//! `controller` carries the effects out.

use std::mem;

use web_sys::File;

use super::{
    backend::{Backend, BrowserSupport},
    recovery::{LastPosition, Recovery},
};
use crate::{
    platform::MediaHandle,
    protocol::{
        BufferGoal, Event, LeftOutTrack, LiveStatus, PlaybackError, PlaybackSettings, Quality,
        TrackInfo, TrackSelection,
        milestone::{EngineLocation, Milestone, ReachedMilestone},
    },
};

#[cfg(test)]
mod tests;

/// [`MEDIA_ERR_SRC_NOT_SUPPORTED`](https://html.spec.whatwg.org/#dom-mediaerror-media_err_src_not_supported).
const SRC_NOT_SUPPORTED: u16 = 4;

/// The page's playback state. The element's own state (`paused`, `currentTime` and the like) is read from the
/// element and not kept here: see `media`.
#[derive(Debug, Default)]
pub struct PlayerModel {
    /// The backend of this session; `None` before the first, and if the browser has none.
    pub backend: Option<Backend>,
    /// Whether a thread was requested for the engine.
    pub location_was_requested: bool,
    /// Why playback cannot continue.
    pub error: Option<PlaybackError>,
    /// Why playback may stall: this request failed, and is repeated after so many seconds.
    pub retrying: Option<(PlaybackError, u32)>,
    /// The last part that was found not to be playable.
    pub skipped: Option<SkippedPart>,
    /// The tracks of a media file that are not played.
    pub left_out: Vec<LeftOutTrack>,
    /// The selectable qualities, by ascending bandwidth.
    pub qualities: Vec<Quality>,
    /// The bandwidth of the quality that is being fetched, in bits per second.
    pub bandwidth: u64,
    /// The selectable audio tracks.
    pub audio_tracks: Vec<TrackInfo>,
    /// The captions that the manifest lists.
    pub captions: Vec<CaptionEntry>,
    /// Why the selected captions could not be loaded.
    pub captions_error: Option<PlaybackError>,
    /// The viewer's selection.
    pub selection: TrackSelection,
    /// Where the stream is, while it is live.
    pub live: Option<LiveStatus>,
    /// How often a live stream has gone on without the position, which was paused for too long.
    pub left_windows: u32,
    /// The milestones of this session, in the order in which they became known.
    pub milestones: Vec<ReachedMilestone>,
    support: BrowserSupport,
    /// The current request; `None` before the first.
    request: Option<PlayRequest>,
    /// The height that the viewer has selected, in pixels: also for the next video.
    preferred_height: Option<u32>,
    /// The position at which playback failed and did not recover, in seconds.
    lost_at: Option<f64>,
    /// How the next source of this session starts.
    start_mode: StartMode,
    /// Set once the engine could not run in a worker; takes precedence over the request and the detection.
    forced_location: Option<EngineLocation>,
    recovery: Recovery,
}

/// The source to play, and the settings for playing it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayRequest {
    /// Absolute URL of the manifest, or why there is none.
    pub url: Result<String, PlaybackError>,
    /// A file of the viewer, whose name is the URL then.
    pub file: Option<File>,
    /// A changed number starts another session with the same source.
    pub reload_key: u32,
    /// The engine's thread; `None` selects one that the browser supports.
    pub engine: Option<EngineLocation>,
    /// Whether playback starts without a click.
    pub autoplay: bool,
    /// Settings for the engine.
    pub settings: PlaybackSettings,
}

/// A part of the video that cannot be played.
#[derive(Clone, Debug, PartialEq)]
pub struct SkippedPart {
    /// Start, in seconds.
    pub start: f64,
    /// End, in seconds; infinite for the rest of the video.
    pub end: f64,
    /// Why it cannot be played.
    pub error: PlaybackError,
}

/// Captions that the manifest lists.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionEntry {
    /// Language and label.
    pub track: TrackInfo,
    /// URL of WebVTT, once the engine has loaded them.
    pub file: Option<String>,
}

/// A source for the element, and how to start it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaybackSource {
    /// The media to play.
    pub media: ElementSource,
    /// Where it starts, in seconds.
    pub start: f64,
    /// Whether the element plays it at once.
    pub start_mode: StartMode,
}

/// Whether a new source plays at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartMode {
    /// It plays.
    Play,
    /// It waits for the viewer.
    Wait,
    /// It continues the element's previous source, and stays paused if that is.
    AsBefore {
        /// Whether the previous source was playing before it was lost. The element's own state may have changed since.
        was_playing: bool,
    },
}

impl Default for StartMode {
    fn default() -> Self {
        Self::AsBefore { was_playing: false }
    }
}

/// The media of a source.
#[derive(Clone, Debug, PartialEq)]
pub enum ElementSource {
    /// A MediaSource of the engine.
    Provided(MediaHandle),
    /// The URL of the manifest, for [`Backend::Native`].
    Url(String),
    /// A file of the viewer, for [`Backend::NativeFile`].
    File(File),
}

/// Something that happened, for [`PlayerModel::update`].
#[derive(Debug)]
pub enum PlayerMessage {
    /// The page requests a video. Another buffer goal applies to the running session; any other difference from the
    /// current request starts a session with new content.
    Play(PlayRequest),
    /// The viewer requests the video again, from where it started before, with a new MediaSource.
    Restart,
    /// The browser has emptied the element: the video is loaded again.
    Restore {
        /// Where to continue, in seconds; `None` for where it started before.
        from: Option<f64>,
    },
    /// The viewer has pressed the button of the error message.
    Retry {
        /// The element's position, in seconds.
        position: Option<f64>,
    },
    /// The viewer has selected a quality by its index; `None` for automatic selection.
    SelectQuality(Option<u32>),
    /// The viewer has selected an audio track by its index.
    SelectAudio(Option<u32>),
    /// The element shows, or a script reads, the captions with this index.
    CaptionsEnabled(Option<u32>),
    /// The engine died or the element failed.
    Lost {
        /// The cause.
        error: PlaybackError,
        /// The last position at which playback worked, if there is one.
        last_position: Option<LastPosition>,
    },
    /// The page has reached a milestone.
    MilestoneReached(ReachedMilestone),
    /// The engine sent an event, or failed.
    EngineEvent(Result<Event, PlaybackError>),
    /// An operation of the page failed.
    Failed(PlaybackError),
}

/// What the page has to do after a message. The effects of one message are carried out in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a session of an engine on this thread. A running engine is used again, unless it is on another thread or
    /// broken.
    Load {
        /// The engine's thread.
        location: EngineLocation,
        /// Absolute URL of the manifest, or the name of the file.
        url: String,
        /// A file of the viewer.
        file: Option<File>,
        /// Settings of the session.
        settings: PlaybackSettings,
    },
    /// End the session, and keep the engine.
    Stop,
    /// End the session and the engine.
    Release,
    /// Send the engine another selection of tracks.
    Select(TrackSelection),
    /// Send the engine another buffer goal.
    Configure(BufferGoal),
    /// Attach a source to the element.
    Attach(PlaybackSource),
    /// Pause the element, which an error message covers.
    Pause,
    /// Have the element seek to this position, in seconds.
    Seek(f64),
    /// Play at this rate to keep the distance from the live edge, unless the viewer has chosen another rate.
    CatchUp(f64),
    /// Store the selected height for the next visit; 0 for automatic selection.
    RememberHeight(u32),
    /// Tell the page that playback cannot continue.
    ReportError(PlaybackError),
}

impl PlayerModel {
    /// The model before the first request. `preferred_height` was stored by [`Effect::RememberHeight`].
    pub fn new(support: BrowserSupport, preferred_height: Option<u32>) -> Self {
        Self {
            support,
            preferred_height,
            ..Self::default()
        }
    }

    /// The current request, if there is one.
    pub fn current_request(&self) -> Option<PlayRequest> {
        self.request.clone()
    }

    /// Applies a message. Returns the effects to carry out.
    pub fn update(&mut self, message: PlayerMessage) -> Vec<Effect> {
        let previous = self.error.clone();
        let mut effects = self.apply(message);
        if let Some(error) = &self.error
            && previous.as_ref() != Some(error)
        {
            effects.push(Effect::Pause);
            effects.push(Effect::ReportError(error.clone()));
        }
        effects
    }

    fn apply(&mut self, message: PlayerMessage) -> Vec<Effect> {
        match message {
            PlayerMessage::Play(request) => return self.request(request),
            PlayerMessage::Restart => return self.start_session(None, StartMode::Play),
            PlayerMessage::Restore { from } => {
                return self.start_session(from, self.requested_start_mode());
            }
            PlayerMessage::Retry { position } => return self.retry(position),
            PlayerMessage::SelectQuality(index) => return self.select_quality(index),
            PlayerMessage::SelectAudio(index) => {
                self.selection.audio = index;
                return vec![Effect::Select(self.selection)];
            }
            PlayerMessage::CaptionsEnabled(index) => {
                if self.selection.captions == index {
                    return Vec::new();
                }
                self.captions_error = None;
                self.selection.captions = index;
                return vec![Effect::Select(self.selection)];
            }
            PlayerMessage::Lost {
                error,
                last_position,
            } => return self.lose(error, last_position),
            // Until the source of this session is attached, the element shows a frame of the previous one.
            PlayerMessage::MilestoneReached(reached)
                if reached.milestone == Milestone::FirstFrame && !self.is_attached() => {}
            PlayerMessage::MilestoneReached(reached) => self.milestones.push(reached),
            PlayerMessage::EngineEvent(Ok(event)) => return self.apply_event(event),
            PlayerMessage::EngineEvent(Err(error)) | PlayerMessage::Failed(error) => {
                self.fail(error);
            }
        }
        Vec::new()
    }

    fn apply_event(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::MediaSourceReady { handle, start, .. } => {
                // A worker that was reported as not answering has answered after all.
                self.error = None;
                return vec![self.attach(ElementSource::Provided(handle), start)];
            }
            Event::Tracks {
                qualities, audio, ..
            } => return self.set_tracks(qualities, audio),
            Event::CaptionTracks { tracks, .. } => {
                // After a reload of the same video, keep the captions that are loaded already.
                if !self.captions.iter().map(|entry| &entry.track).eq(&tracks) {
                    let entry = |track| CaptionEntry { track, file: None };
                    self.captions = tracks.into_iter().map(entry).collect();
                }
            }
            Event::CaptionsLoaded { index, url, .. } => {
                let index = usize::try_from(index).ok();
                let entry = index.and_then(|index| self.captions.get_mut(index));
                match (entry, url) {
                    (Some(entry), Ok(url)) => entry.file = Some(url),
                    (_, url) => self.captions_error = url.err(),
                }
            }
            Event::QualityChanged { bandwidth, .. } => self.bandwidth = bandwidth,
            Event::Retrying { error, seconds, .. } => {
                self.retrying = error.map(|error| (error, seconds));
            }
            Event::Skipped {
                start, end, error, ..
            } => self.skipped = Some(SkippedPart { start, end, error }),
            Event::TracksLeftOut { tracks, .. } => self.left_out = tracks,
            Event::MilestoneReached { reached, .. } => self.milestones.push(reached),
            Event::Live { status, .. } => self.live = status,
            Event::LeftWindow { .. } => self.left_windows += 1,
            // The feature detection found MediaSource in workers, but it cannot be used.
            Event::Failed {
                error: PlaybackError::NoMediaSourceInWorkers,
                ..
            } if !self.location_was_requested && self.forced_location.is_none() => {
                return self.move_to_page();
            }
            Event::Failed { error, .. }
                if error.is_unsupported_content()
                    && (self.request.as_ref()).is_some_and(|request| request.file.is_some()) =>
            {
                return self.play_file(0.0);
            }
            Event::Failed {
                error: PlaybackError::NotForMediaSource { url, .. },
                ..
            } => return self.play_url(url),
            Event::Failed { error, .. } | Event::EngineFailed { error } => self.fail(error),
            Event::Seek { to, .. } => return vec![Effect::Seek(to)],
            Event::CatchUp { rate, .. } => return vec![Effect::CatchUp(rate)],
            Event::Ready { .. }
            | Event::Diagnostics { .. }
            | Event::Pong
            | Event::Stopped { .. }
            | Event::Closed { .. } => {}
        }
        Vec::new()
    }

    /// Plays a request, unless it is the current one.
    fn request(&mut self, request: PlayRequest) -> Vec<Effect> {
        if let Some(current) = &mut self.request {
            let buffer = mem::replace(&mut current.settings.buffer, request.settings.buffer);
            let is_same = PlayRequest {
                autoplay: current.autoplay,
                ..request.clone()
            } == *current;
            current.autoplay = request.autoplay;
            if is_same {
                let changed = buffer != request.settings.buffer;
                return Vec::from_iter(
                    changed.then_some(Effect::Configure(request.settings.buffer)),
                );
            }
        }
        self.request = Some(request);
        self.recovery = Recovery::None;
        self.selection = TrackSelection::default();
        self.qualities.clear();
        self.audio_tracks.clear();
        self.captions.clear();
        self.captions_error = None;
        self.start_session(None, self.requested_start_mode())
    }

    fn requested_start_mode(&self) -> StartMode {
        let request = self.request.as_ref();
        if request.is_some_and(|request| request.autoplay) {
            StartMode::Play
        } else {
            StartMode::Wait
        }
    }

    /// Starts another session of the current request. The element keeps the old source until the new one is there.
    /// `from` is where it starts, in seconds; `None` for where the request says.
    fn start_session(&mut self, from: Option<f64>, start_mode: StartMode) -> Vec<Effect> {
        let Some(request) = &self.request else {
            return Vec::new();
        };
        self.error = None;
        self.retrying = None;
        self.live = None;
        self.skipped = None;
        self.lost_at = None;
        self.milestones.clear();
        self.start_mode = start_mode;
        self.location_was_requested = request.engine.is_some();
        let backend = Backend::choose(self.forced_location.or(request.engine), self.support);
        self.backend = backend.as_ref().ok().copied();
        let mut settings = request.settings.clone();
        settings.start = from.or(settings.start);
        let file = request.file.clone();
        match (backend, request.url.clone()) {
            (Ok(Backend::Engine(location)), Ok(url)) => vec![Effect::Load {
                location,
                url,
                file,
                settings,
            }],
            (Ok(Backend::Native | Backend::NativeFile), Ok(_)) if file.is_some() => {
                self.play_file(settings.start.unwrap_or_default())
            }
            (Ok(Backend::Native | Backend::NativeFile), Ok(url)) => {
                let attach =
                    self.attach(ElementSource::Url(url), settings.start.unwrap_or_default());
                vec![Effect::Release, attach]
            }
            (Err(error), _) | (_, Err(error)) => {
                self.fail(error);
                vec![Effect::Stop]
            }
        }
    }

    /// Has the element play the file by itself, which the engine does not play.
    fn play_file(&mut self, start: f64) -> Vec<Effect> {
        let file = self
            .request
            .as_ref()
            .and_then(|request| request.file.clone());
        let Some(file) = file else {
            return Vec::new();
        };
        self.backend = Some(Backend::NativeFile);
        let attach = self.attach(ElementSource::File(file), start);
        vec![Effect::Release, attach]
    }

    /// Has the element play the file at a URL by itself.
    fn play_url(&mut self, url: String) -> Vec<Effect> {
        let start = self
            .request
            .as_ref()
            .and_then(|request| request.settings.start);
        self.backend = Some(Backend::NativeFile);
        let attach = self.attach(ElementSource::Url(url), start.unwrap_or_default());
        vec![Effect::Release, attach]
    }

    fn retry(&mut self, position: Option<f64>) -> Vec<Effect> {
        if self.error == Some(PlaybackError::NoMediaSourceInWorkers) {
            return self.move_to_page();
        }
        // An element whose engine is gone behaves as if the video had ended: its position is wrong.
        let error = self.error.as_ref();
        let position_is_valid = !error.is_some_and(PlaybackError::needs_new_worker);
        let from = self.lost_at.or(position.filter(|_| position_is_valid));
        self.start_session(from, StartMode::Play)
    }

    fn move_to_page(&mut self) -> Vec<Effect> {
        self.forced_location = Some(EngineLocation::Page);
        self.start_session(None, self.requested_start_mode())
    }

    fn select_quality(&mut self, index: Option<u32>) -> Vec<Effect> {
        self.selection.quality = index;
        let quality = index.and_then(|index| self.qualities.get(usize::try_from(index).ok()?));
        let height = quality.map_or(0, |quality| quality.size.1);
        self.preferred_height = Some(height).filter(|height| *height > 0);
        vec![
            Effect::RememberHeight(height),
            Effect::Select(self.selection),
        ]
    }

    fn set_tracks(&mut self, qualities: Vec<Quality>, audio: Vec<TrackInfo>) -> Vec<Effect> {
        // The next period may list the same tracks in another order.
        let TrackSelection {
            quality,
            audio: track,
            ..
        } = self.selection;
        self.selection.quality = index_in_new(quality, &self.qualities, &qualities)
            .or_else(|| self.preferred_quality(&qualities));
        self.selection.audio = index_in_new(track, &self.audio_tracks, &audio);
        (self.qualities, self.audio_tracks) = (qualities, audio);
        vec![Effect::Select(self.selection)]
    }

    /// The best quality of the height that the viewer has selected.
    fn preferred_quality(&self, qualities: &[Quality]) -> Option<u32> {
        let height = self.preferred_height?;
        let index = qualities
            .iter()
            .rposition(|quality| quality.size.1 == height)?;
        u32::try_from(index).ok()
    }

    /// Recovers by a reload if that is possible, else shows the error.
    fn lose(&mut self, error: PlaybackError, last_position: Option<LastPosition>) -> Vec<Effect> {
        let position = last_position.map(|last| last.position);
        match error {
            // A consequence of a known error, or an error of a source that is being replaced.
            PlaybackError::MediaElement { .. } if self.error.is_some() || !self.is_attached() => {}
            PlaybackError::MediaElement {
                code: SRC_NOT_SUPPORTED,
                ..
            } if last_position.is_none() && self.backend == Some(Backend::Native) => {
                self.error = Some(PlaybackError::NoMediaSource);
            }
            error if self.recovery.is_possible(&error, last_position) => {
                self.recovery = Recovery::InProgress(last_position);
                let start_mode = match last_position {
                    Some(last) => StartMode::AsBefore {
                        was_playing: last.is_playing,
                    },
                    None => self.requested_start_mode(),
                };
                return self.start_session(position, start_mode);
            }
            error => {
                self.recovery = Recovery::Done(last_position);
                self.lost_at = position;
                self.error = Some(error);
            }
        }
        Vec::new()
    }

    /// Shows the first error, which is the cause of those that follow. A timeout is replaced, because its
    /// cause may become known later.
    fn fail(&mut self, error: PlaybackError) {
        if matches!(self.error, None | Some(PlaybackError::WorkerTimeout { .. })) {
            self.error = Some(error);
        }
    }

    /// Attaches a source. A later one of the same session, as for a period with other tracks, continues it.
    fn attach(&mut self, media: ElementSource, start: f64) -> Effect {
        if let Recovery::InProgress(last_position) = self.recovery {
            self.recovery = Recovery::Done(last_position);
        }
        let start_mode = mem::take(&mut self.start_mode);
        Effect::Attach(PlaybackSource {
            media,
            start,
            start_mode,
        })
    }

    /// Whether the element plays the MediaSource of this session.
    fn is_attached(&self) -> bool {
        self.milestones
            .iter()
            .any(|reached| reached.milestone == Milestone::SrcObjectSet)
    }
}

/// The index in a new list of the item at this index of the old one.
fn index_in_new<T: PartialEq>(index: Option<u32>, old: &[T], new: &[T]) -> Option<u32> {
    let item = old.get(usize::try_from(index?).ok()?)?;
    let index = new.iter().position(|other| other == item)?;
    u32::try_from(index).ok()
}
