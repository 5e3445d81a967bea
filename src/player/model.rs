//! The page's playback state: a model, the actions that change it, and a pure `update`. `controller` performs the
//! effects.

use yew::prelude::*;

use super::{
    backend::Backend,
    recovery::{LastPosition, Recovery},
};
use crate::{
    platform::MediaHandle,
    protocol::{
        Event, LiveStatus, PlaybackError, Quality, TrackInfo, TrackSelection,
        milestone::{EngineLocation, Milestone, ReachedMilestone},
    },
};

/// [`MEDIA_ERR_SRC_NOT_SUPPORTED`](https://html.spec.whatwg.org/#dom-mediaerror-media_err_src_not_supported).
const SRC_NOT_SUPPORTED: u16 = 4;

/// The page's playback state. The element's own state (`paused`, `currentTime` and the like) is read from the
/// element and not kept here.
#[derive(Debug, Default)]
pub struct PlayerModel {
    /// The backend of this session; `None` before the first, and if the browser has none.
    pub backend: Option<Backend>,
    /// The element's source, once there is one.
    pub source: Option<PlaybackSource>,
    /// Why playback cannot continue.
    pub error: Option<PlaybackError>,
    /// Why playback may stall: this request failed and is being retried.
    pub retrying: Option<PlaybackError>,
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
    /// The milestones of this session, in the order in which they became known.
    pub milestones: Vec<ReachedMilestone>,
    /// The position at which playback failed and did not recover, in seconds.
    pub lost_at: Option<f64>,
    /// How many track lists have arrived. The engine is sent the selection again after each.
    pub track_lists: u32,
    /// How many times the same video was loaded again.
    pub reloads: u32,
    /// Where the last reload starts, in seconds; `None` for the requested start.
    pub reload_from: Option<f64>,
    /// Set once the engine could not run in a worker; takes precedence over the request and the detection.
    pub location: Option<EngineLocation>,
    location_was_requested: bool,
    recovery: Recovery,
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
    /// Whether it continues the previous source of the same video, and stays paused if that was paused.
    pub is_continuation: bool,
    /// Whether the previous source was playing before it was lost. The element's own state may have changed since.
    pub was_playing: bool,
}

/// The media of a source.
#[derive(Clone, Debug, PartialEq)]
pub enum ElementSource {
    /// A MediaSource of the engine.
    Provided(MediaHandle),
    /// The URL of the manifest, for [`Backend::Native`].
    Url(String),
}

/// Something that happened, for [`PlayerModel::update`].
pub enum PlayerAction {
    /// The viewer requests the video again, with a new MediaSource.
    Reload {
        /// Where to start, in seconds; `None` for where it started before.
        from: Option<f64>,
    },
    /// The viewer accepts an engine on the page where it cannot run in a worker.
    MoveToPage,
    /// The viewer has selected something.
    Select(TrackSelection),
    /// A new session starts. The element keeps the old source until the new one is there.
    Start {
        /// Whether it plays another video, for which nothing is kept.
        is_new_content: bool,
        /// The backend; `None` if the browser has none.
        backend: Option<Backend>,
        /// Whether a thread was requested for the engine.
        location_was_requested: bool,
    },
    /// The element plays this without an engine.
    Show(PlaybackSource),
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

/// Sends actions to the component that owns the model.
pub type Dispatch = Callback<PlayerAction>;

impl PlayerModel {
    /// Applies an action. Returns whether the component has to render.
    pub fn update(&mut self, action: PlayerAction) -> bool {
        match action {
            PlayerAction::Reload { from } => {
                self.reloads += 1;
                self.reload_from = from;
            }
            PlayerAction::MoveToPage => self.reload_on_page(),
            PlayerAction::Select(selection) => {
                if selection.captions != self.selection.captions {
                    self.captions_error = None;
                }
                self.selection = selection;
            }
            PlayerAction::Start {
                is_new_content,
                backend,
                location_was_requested,
            } => {
                self.backend = backend;
                self.location_was_requested = location_was_requested;
                self.start(is_new_content);
            }
            PlayerAction::Show(source) => self.set_source(source),
            PlayerAction::Lost {
                error,
                last_position,
            } => return self.lose(error, last_position),
            // Until the source of this session is attached, the element shows a frame of the previous one.
            PlayerAction::MilestoneReached(reached)
                if reached.milestone == Milestone::FirstFrame && !self.is_attached() => {}
            PlayerAction::MilestoneReached(reached) => self.milestones.push(reached),
            PlayerAction::EngineEvent(Ok(event)) => return self.apply_event(event),
            PlayerAction::EngineEvent(Err(error)) | PlayerAction::Failed(error) => self.fail(error),
        }
        true
    }

    fn apply_event(&mut self, event: Event) -> bool {
        match event {
            Event::MediaSourceReady { handle, start, .. } => {
                // A worker that was reported as not answering has answered after all.
                self.error = None;
                self.set_source(PlaybackSource {
                    media: ElementSource::Provided(handle),
                    start,
                    is_continuation: self.is_attached(),
                    was_playing: false,
                });
            }
            Event::Tracks {
                qualities, audio, ..
            } => {
                // The next period may list the same tracks in another order.
                let TrackSelection {
                    quality,
                    audio: track,
                    ..
                } = self.selection;
                self.selection.quality = index_in_new(quality, &self.qualities, &qualities);
                self.selection.audio = index_in_new(track, &self.audio_tracks, &audio);
                (self.qualities, self.audio_tracks) = (qualities, audio);
                self.track_lists += 1;
            }
            Event::CaptionTracks { tracks, .. } => {
                // After a reload of the same video, keep the captions that are loaded already.
                if !self.captions.iter().map(|entry| &entry.track).eq(&tracks) {
                    let entry = |track| CaptionEntry { track, file: None };
                    self.captions = tracks.into_iter().map(entry).collect();
                }
            }
            Event::CaptionsLoaded { index, url, .. } => {
                let entry = usize::try_from(index)
                    .ok()
                    .and_then(|index| self.captions.get_mut(index));
                match (entry, url) {
                    (Some(entry), Ok(url)) => entry.file = Some(url),
                    (_, url) => self.captions_error = url.err(),
                }
            }
            Event::QualityChanged { bandwidth, .. } => self.bandwidth = bandwidth,
            Event::Retrying { error, .. } => self.retrying = error,
            Event::MilestoneReached { reached, .. } => self.milestones.push(reached),
            Event::Live { status, .. } => self.live = status,
            // The feature detection found MediaSource in workers, but it cannot be used.
            Event::Failed {
                error: PlaybackError::NoMediaSourceInWorkers,
                ..
            } if !self.location_was_requested && self.location.is_none() => self.reload_on_page(),
            Event::Failed { error, .. } | Event::EngineFailed { error } => self.fail(error),
            Event::Ready { .. }
            | Event::Diagnostics { .. }
            | Event::Seek { .. }
            | Event::CatchUp { .. }
            | Event::LeftWindow { .. }
            | Event::Pong
            | Event::Stopped { .. }
            | Event::Closed { .. } => return false,
        }
        true
    }

    fn start(&mut self, is_new_content: bool) {
        self.error = None;
        self.retrying = None;
        self.live = None;
        self.reload_from = None;
        self.lost_at = None;
        self.milestones.clear();
        if is_new_content {
            self.recovery = Recovery::None;
            self.selection = TrackSelection::default();
            self.qualities.clear();
            self.audio_tracks.clear();
            self.captions.clear();
            self.captions_error = None;
        }
    }

    fn reload_on_page(&mut self) {
        self.reloads += 1;
        self.location = Some(EngineLocation::Page);
    }

    /// Recovers by a reload if that is possible, else shows the error. Returns whether anything changed.
    fn lose(&mut self, error: PlaybackError, last_position: Option<LastPosition>) -> bool {
        let position = last_position.map(|last| last.position);
        match error {
            // A consequence of a known error, or an error of a source that is being replaced.
            PlaybackError::MediaElement { .. } if self.error.is_some() || !self.is_attached() => {
                return false;
            }
            PlaybackError::MediaElement {
                code: SRC_NOT_SUPPORTED,
                ..
            } if last_position.is_none() && self.backend == Some(Backend::Native) => {
                self.error = Some(PlaybackError::NoMediaSource);
            }
            error if self.recovery.is_possible(&error, last_position) => {
                self.recovery = Recovery::InProgress(last_position);
                // Until the new source is attached, errors of the element concern the lost one.
                self.milestones.clear();
                self.reloads += 1;
                self.reload_from = position;
            }
            error => {
                self.recovery = Recovery::Done(last_position);
                self.lost_at = position;
                self.error = Some(error);
            }
        }
        true
    }

    /// Shows the first error, which is the cause of those that follow. A timeout is replaced, because its
    /// cause may become known later.
    fn fail(&mut self, error: PlaybackError) {
        if matches!(self.error, None | Some(PlaybackError::WorkerTimeout { .. })) {
            self.error = Some(error);
        }
    }

    /// Replaces the source. If playback was lost, this one continues it.
    fn set_source(&mut self, mut source: PlaybackSource) {
        if let Recovery::InProgress(last_position) = self.recovery {
            self.recovery = Recovery::Done(last_position);
            source.is_continuation = true;
            source.was_playing = last_position.is_some_and(|last| last.is_playing);
        }
        self.source = Some(source);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::SessionId;

    fn after(actions: impl IntoIterator<Item = PlayerAction>) -> PlayerModel {
        let mut model = PlayerModel::default();
        for action in actions {
            model.update(action);
        }
        model
    }

    fn start(is_new_content: bool) -> PlayerAction {
        PlayerAction::Start {
            is_new_content,
            backend: None,
            location_was_requested: false,
        }
    }

    fn reached(milestone: Milestone) -> PlayerAction {
        PlayerAction::MilestoneReached(ReachedMilestone { milestone, at: 1.0 })
    }

    fn show() -> PlayerAction {
        PlayerAction::Show(PlaybackSource {
            media: ElementSource::Url("video".into()),
            start: 0.0,
            is_continuation: false,
            was_playing: false,
        })
    }

    fn lost(error: PlaybackError, position: f64) -> PlayerAction {
        let last_position = Some(LastPosition {
            position,
            is_playing: true,
        });
        PlayerAction::Lost {
            error,
            last_position,
        }
    }

    fn failed(error: PlaybackError) -> PlayerAction {
        let session = SessionId::default();
        PlayerAction::EngineEvent(Ok(Event::Failed { session, error }))
    }

    fn decode_error() -> PlaybackError {
        PlaybackError::MediaElement {
            code: 3,
            reason: "decoder failed".into(),
        }
    }

    #[test]
    fn start_clears_milestones() {
        let mut model = after([reached(Milestone::LoadSent)]);
        assert_eq!(model.milestones.len(), 1);
        model.update(start(true));
        assert_eq!(model.milestones, []);
    }

    #[test]
    fn first_error_is_kept_until_the_next_start() {
        let cause = PlaybackError::InvalidMessage;
        let mut model = after([
            PlayerAction::Failed(cause.clone()),
            failed(PlaybackError::NoMediaSourceInWorkers),
        ]);
        assert_eq!(model.error, Some(cause));
        model.update(start(true));
        assert_eq!(model.error, None);
    }

    #[test]
    fn first_worker_loss_reloads_at_last_position() {
        let model = after([lost(PlaybackError::WorkerUnresponsive, 4.0)]);
        assert_eq!((model.reloads, model.reload_from), (1, Some(4.0)));
        assert_eq!(model.error, None);
    }

    #[test]
    fn second_worker_loss_nearby_shows_the_error() {
        let lost = |position| lost(PlaybackError::WorkerUnresponsive, position);
        let model = after([lost(4.0), start(false), show(), lost(9.0)]);
        assert_eq!((model.reloads, model.lost_at), (1, Some(9.0)));
        assert_eq!(model.error, Some(PlaybackError::WorkerUnresponsive));
    }

    #[test]
    fn second_worker_loss_far_away_reloads_again() {
        let lost = |position| lost(PlaybackError::WorkerUnresponsive, position);
        let model = after([lost(4.0), start(false), show(), lost(90.0)]);
        assert_eq!((model.reloads, model.reload_from), (2, Some(90.0)));
        assert_eq!(model.error, None);
    }

    #[test]
    fn element_error_continues_once_in_the_same_state() {
        // The element reports its error after the engine's, and once more after the session has started.
        let attached = || reached(Milestone::SrcObjectSet);
        let mut model = after([
            attached(),
            lost(PlaybackError::Detached, 4.0),
            lost(decode_error(), 0.0),
        ]);
        assert_eq!((model.reloads, model.reload_from), (1, Some(4.0)));
        for action in [start(false), show(), lost(decode_error(), 0.0)] {
            model.update(action);
        }
        assert_eq!((model.reloads, &model.error), (1, &None));
        let source = model.source.as_ref().unwrap();
        assert!(source.is_continuation && source.was_playing);
        // The new source fails at the same place.
        model.update(attached());
        model.update(lost(decode_error(), 5.0));
        assert_eq!(model.error, Some(decode_error()));
    }

    #[test]
    fn element_error_before_metadata_is_shown() {
        let lost = PlayerAction::Lost {
            error: decode_error(),
            last_position: None,
        };
        let model = after([reached(Milestone::SrcObjectSet), lost]);
        assert_eq!((model.reloads, model.error), (0, Some(decode_error())));
    }

    #[test]
    fn element_error_after_another_error_is_ignored() {
        let model = after([
            PlayerAction::Failed(PlaybackError::InvalidMessage),
            lost(decode_error(), 4.0),
        ]);
        assert_eq!(model.reloads, 0);
        assert_eq!(model.error, Some(PlaybackError::InvalidMessage));
    }

    #[test]
    fn selection_survives_reload_but_not_new_content() {
        let selection = TrackSelection {
            quality: Some(1),
            ..TrackSelection::default()
        };
        let mut model = after([PlayerAction::Select(selection), start(false)]);
        assert_eq!(model.selection, selection);
        model.update(start(true));
        assert_eq!(model.selection, TrackSelection::default());
    }

    #[test]
    fn timeout_is_replaced_by_its_cause() {
        let timeout = PlaybackError::WorkerTimeout { seconds: 6 };
        let model = after([failed(timeout), failed(PlaybackError::InvalidMessage)]);
        assert_eq!(model.error, Some(PlaybackError::InvalidMessage));
    }

    fn start_with(location_was_requested: bool) -> PlayerAction {
        PlayerAction::Start {
            is_new_content: true,
            backend: Some(Backend::Engine(EngineLocation::Worker)),
            location_was_requested,
        }
    }

    #[test]
    fn worker_without_media_source_moves_engine_to_page_once() {
        let missing = || failed(PlaybackError::NoMediaSourceInWorkers);
        let mut model = after([start_with(false), missing()]);
        assert_eq!(model.location, Some(EngineLocation::Page));
        assert_eq!((model.reloads, &model.error), (1, &None));
        model.update(missing());
        assert_eq!(model.reloads, 1);
        assert_eq!(model.error, Some(PlaybackError::NoMediaSourceInWorkers));
    }

    #[test]
    fn requested_worker_without_media_source_shows_the_error() {
        let missing = failed(PlaybackError::NoMediaSourceInWorkers);
        let model = after([start_with(true), missing]);
        assert_eq!((model.location, model.reloads), (None, 0));
        assert_eq!(model.error, Some(PlaybackError::NoMediaSourceInWorkers));
    }

    #[test]
    fn selection_follows_its_track_into_a_reordered_list() {
        let tracks = |languages: [&str; 2]| {
            let audio = languages.map(|language| TrackInfo {
                language: language.into(),
                label: String::new(),
            });
            PlayerAction::EngineEvent(Ok(Event::Tracks {
                session: SessionId::default(),
                qualities: Vec::new(),
                audio: audio.into(),
            }))
        };
        let selection = TrackSelection {
            audio: Some(0),
            ..TrackSelection::default()
        };
        let mut model = after([tracks(["en", "de"]), PlayerAction::Select(selection)]);
        model.update(tracks(["de", "en"]));
        assert_eq!(model.selection.audio, Some(1));
        model.update(tracks(["de", "fr"]));
        assert_eq!(model.selection.audio, None);
    }

    #[test]
    fn first_frame_counts_only_once_source_is_attached() {
        let model = after([reached(Milestone::FirstFrame)]);
        assert_eq!(model.milestones, []);
        let model = after([
            reached(Milestone::SrcObjectSet),
            reached(Milestone::FirstFrame),
        ]);
        assert_eq!(model.milestones.len(), 2);
    }
}
