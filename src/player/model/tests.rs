use super::*;
use crate::protocol::SessionId;

const WORKER: BrowserSupport = BrowserSupport {
    worker: true,
    page: true,
    native_hls: false,
};

/// A model with the effects of all messages so far.
struct Run {
    model: PlayerModel,
    effects: Vec<Effect>,
}

impl Run {
    /// Plays a first request in a browser.
    fn in_browser(support: BrowserSupport) -> Self {
        let mut run = Self {
            model: PlayerModel::new(support, None),
            effects: Vec::new(),
        };
        run.update(PlayerMessage::Play(request("a.mpd")));
        run
    }

    fn new() -> Self {
        Self::in_browser(WORKER)
    }

    /// Plays, and attaches the session's first source.
    fn attached() -> Self {
        let mut run = Self::new();
        run.attach();
        run
    }

    fn attach(&mut self) {
        self.update(ready(0.0));
        self.update(reached(Milestone::SrcObjectSet));
    }

    fn update(&mut self, message: PlayerMessage) -> Vec<Effect> {
        let effects = self.model.update(message);
        self.effects.extend(effects.clone());
        effects
    }

    /// The start positions of all sessions so far.
    fn loads(&self) -> Vec<f64> {
        let start = |effect: &Effect| match effect {
            Effect::Load { settings, .. } => settings.start,
            _ => None,
        };
        self.effects.iter().filter_map(start).collect()
    }
}

fn request(url: &str) -> PlayRequest {
    PlayRequest {
        url: Ok(url.into()),
        file: None,
        reload_key: 0,
        engine: None,
        autoplay: true,
        settings: PlaybackSettings {
            start: Some(1.0),
            ..PlaybackSettings::default()
        },
    }
}

fn reached(milestone: Milestone) -> PlayerMessage {
    PlayerMessage::MilestoneReached(ReachedMilestone { milestone, at: 1.0 })
}

fn event(event: impl FnOnce(SessionId) -> Event) -> PlayerMessage {
    PlayerMessage::EngineEvent(Ok(event(SessionId::default())))
}

fn handle() -> MediaHandle {
    postcard::from_bytes(&[0]).unwrap()
}

fn ready(start: f64) -> PlayerMessage {
    event(|session| Event::MediaSourceReady {
        session,
        handle: handle(),
        start,
    })
}

fn lost(error: PlaybackError, position: f64) -> PlayerMessage {
    let last_position = Some(LastPosition {
        position,
        is_playing: true,
    });
    PlayerMessage::Lost {
        error,
        last_position,
    }
}

fn failed(error: PlaybackError) -> PlayerMessage {
    event(|session| Event::Failed { session, error })
}

fn qualities(heights: &[u32]) -> PlayerMessage {
    let quality = |height: &u32| Quality {
        size: (height * 16 / 9, *height),
        bandwidth: u64::from(*height) * 1_000,
        mime: "video/mp4".into(),
    };
    event(|session| Event::Tracks {
        session,
        qualities: heights.iter().map(quality).collect(),
        audio: Vec::new(),
    })
}

fn decode_error() -> PlaybackError {
    PlaybackError::MediaElement {
        code: 3,
        reason: "decoder failed".into(),
    }
}

fn start_mode(effects: &[Effect]) -> Option<StartMode> {
    effects.iter().find_map(|effect| match effect {
        Effect::Attach(source) => Some(source.start_mode),
        _ => None,
    })
}

#[test]
fn request_is_loaded_once() {
    let mut run = Run::new();
    assert_eq!(run.loads(), [1.0]);
    assert_eq!(run.update(PlayerMessage::Play(request("a.mpd"))), []);
    run.update(PlayerMessage::Play(request("b.mpd")));
    assert_eq!(run.loads(), [1.0, 1.0]);
}

#[test]
fn buffer_goal_applies_to_the_running_session() {
    let mut run = Run::new();
    let mut request = request("a.mpd");
    request.settings.buffer.ahead = 8.0;
    let goal = request.settings.buffer;
    assert_eq!(
        run.update(PlayerMessage::Play(request.clone())),
        [Effect::Configure(goal)]
    );
    assert_eq!(run.update(PlayerMessage::Play(request)), []);
}

#[test]
fn autoplay_applies_to_the_next_session_only() {
    let mut run = Run::attached();
    let mut request = request("a.mpd");
    request.autoplay = false;
    assert_eq!(run.update(PlayerMessage::Play(request.clone())), []);
    request.url = Ok("b.mpd".into());
    run.update(PlayerMessage::Play(request));
    assert_eq!(start_mode(&run.update(ready(0.0))), Some(StartMode::Wait));
}

#[test]
fn invalid_url_stops_the_session_and_shows_the_error() {
    let mut run = Run::new();
    let error = PlaybackError::InvalidUrl { url: ":".into() };
    let invalid = PlayRequest {
        url: Err(error.clone()),
        ..request("")
    };
    let effects = run.update(PlayerMessage::Play(invalid));
    let expected = [
        Effect::Stop,
        Effect::Pause,
        Effect::ReportError(error.clone()),
    ];
    assert_eq!(effects, expected);
    assert_eq!(run.model.error, Some(error));
}

#[test]
fn browser_without_media_source_plays_hls_itself() {
    let support = BrowserSupport {
        native_hls: true,
        ..BrowserSupport::default()
    };
    let run = Run::in_browser(support);
    let source = PlaybackSource {
        media: ElementSource::Url("a.mpd".into()),
        start: 1.0,
        start_mode: StartMode::Play,
    };
    assert_eq!(run.effects, [Effect::Release, Effect::Attach(source)]);
    let run = Run::in_browser(BrowserSupport::default());
    assert_eq!(run.model.error, Some(PlaybackError::NoMediaSource));
}

#[test]
fn element_plays_by_itself_what_media_source_does_not_take() {
    let mut run = Run::new();
    let error = PlaybackError::NotForMediaSource {
        url: "a.mp3".into(),
        reason: "an audio file".into(),
    };
    let effects = run.update(event(|session| Event::Failed { session, error }));
    let source = PlaybackSource {
        media: ElementSource::Url("a.mp3".into()),
        start: 1.0,
        start_mode: StartMode::Play,
    };
    assert_eq!(effects, [Effect::Release, Effect::Attach(source)]);
    assert_eq!(run.model.error, None);
    assert_eq!(run.model.backend, Some(Backend::NativeFile));
}

#[test]
fn session_start_clears_milestones() {
    let mut run = Run::attached();
    assert_eq!(run.model.milestones.len(), 1);
    run.update(PlayerMessage::Restart);
    assert_eq!(run.model.milestones, []);
}

#[test]
fn first_error_is_kept_until_the_next_session() {
    let mut run = Run::new();
    let cause = PlaybackError::InvalidMessage;
    let effects = run.update(PlayerMessage::Failed(cause.clone()));
    assert_eq!(effects, [Effect::Pause, Effect::ReportError(cause.clone())]);
    assert_eq!(run.update(failed(PlaybackError::BufferFull)), []);
    assert_eq!(run.model.error, Some(cause));
    run.update(PlayerMessage::Retry {
        position: Some(7.0),
    });
    assert_eq!(run.model.error, None);
}

#[test]
fn retry_continues_where_playback_was_lost() {
    let mut run = Run::new();
    run.update(PlayerMessage::Failed(PlaybackError::BufferFull));
    run.update(PlayerMessage::Retry {
        position: Some(7.0),
    });
    assert_eq!(run.loads(), [1.0, 7.0]);
    // The engine is gone twice in one place: the element's own position is wrong by then.
    run.attach();
    run.update(lost(PlaybackError::WorkerUnresponsive, 8.0));
    run.attach();
    run.update(lost(PlaybackError::WorkerUnresponsive, 9.0));
    assert_eq!(run.model.error, Some(PlaybackError::WorkerUnresponsive));
    run.update(PlayerMessage::Retry {
        position: Some(32.0),
    });
    assert_eq!(run.loads(), [1.0, 7.0, 8.0, 9.0]);
}

#[test]
fn second_worker_loss_far_away_reloads_again() {
    let mut run = Run::new();
    run.update(lost(PlaybackError::WorkerUnresponsive, 4.0));
    run.attach();
    run.update(lost(PlaybackError::WorkerUnresponsive, 90.0));
    assert_eq!(run.loads(), [1.0, 4.0, 90.0]);
    assert_eq!(run.model.error, None);
}

#[test]
fn element_error_continues_once_in_the_same_state() {
    // The element reports its error after the engine's, and once more after the session has started.
    let mut run = Run::attached();
    run.update(lost(PlaybackError::Detached, 4.0));
    run.update(lost(decode_error(), 0.0));
    assert_eq!(run.loads(), [1.0, 4.0]);
    let effects = run.update(ready(4.0));
    assert_eq!(
        start_mode(&effects),
        Some(StartMode::AsBefore { was_playing: true })
    );
    run.update(lost(decode_error(), 0.0));
    assert_eq!((run.loads().len(), &run.model.error), (2, &None));
    // The new source fails at the same place.
    run.update(reached(Milestone::SrcObjectSet));
    run.update(lost(decode_error(), 5.0));
    assert_eq!(run.model.error, Some(decode_error()));
    assert_eq!(run.loads().len(), 2);
}

#[test]
fn element_error_before_metadata_is_shown() {
    let mut run = Run::attached();
    run.update(PlayerMessage::Lost {
        error: decode_error(),
        last_position: None,
    });
    assert_eq!(run.loads(), [1.0]);
    assert_eq!(run.model.error, Some(decode_error()));
}

#[test]
fn element_error_after_another_error_is_ignored() {
    let mut run = Run::attached();
    run.update(PlayerMessage::Failed(PlaybackError::InvalidMessage));
    assert_eq!(run.update(lost(decode_error(), 4.0)), []);
    assert_eq!(run.model.error, Some(PlaybackError::InvalidMessage));
}

#[test]
fn later_source_of_a_session_keeps_a_paused_element_paused() {
    let mut run = Run::new();
    assert_eq!(start_mode(&run.update(ready(0.0))), Some(StartMode::Play));
    let next = start_mode(&run.update(ready(16.0)));
    assert_eq!(next, Some(StartMode::AsBefore { was_playing: false }));
}

#[test]
fn selection_survives_reload_but_not_new_content() {
    let mut run = Run::new();
    run.update(PlayerMessage::SelectAudio(Some(1)));
    run.update(PlayerMessage::Restart);
    assert_eq!(run.model.selection.audio, Some(1));
    run.update(PlayerMessage::Play(request("b.mpd")));
    assert_eq!(run.model.selection, TrackSelection::default());
}

#[test]
fn selected_height_applies_to_the_next_video() {
    let mut run = Run::new();
    run.update(qualities(&[240, 360, 720]));
    let effects = run.update(PlayerMessage::SelectQuality(Some(1)));
    assert_eq!(effects[0], Effect::RememberHeight(360));
    run.update(PlayerMessage::Play(request("b.mpd")));
    run.update(qualities(&[360, 1080]));
    assert_eq!(run.model.selection.quality, Some(0));
    assert!(run.effects.contains(&Effect::Select(run.model.selection)));
    // Automatic selection is remembered, too.
    let effects = run.update(PlayerMessage::SelectQuality(None));
    assert_eq!(effects[0], Effect::RememberHeight(0));
    run.update(qualities(&[360, 1080]));
    assert_eq!(run.model.selection.quality, None);
}

#[test]
fn captions_are_requested_when_enabled() {
    let mut run = Run::new();
    let error = PlaybackError::InvalidMessage;
    run.update(event(|session| Event::CaptionsLoaded {
        session,
        index: 0,
        url: Err(error.clone()),
    }));
    assert_eq!(run.model.captions_error, Some(error.clone()));
    let effects = run.update(PlayerMessage::CaptionsEnabled(Some(0)));
    assert_eq!(effects, [Effect::Select(run.model.selection)]);
    assert_eq!(run.model.captions_error, None);
    assert_eq!(run.update(PlayerMessage::CaptionsEnabled(Some(0))), []);
}

#[test]
fn timeout_is_replaced_by_its_cause() {
    let mut run = Run::new();
    run.update(failed(PlaybackError::WorkerTimeout { seconds: 6 }));
    run.update(failed(PlaybackError::InvalidMessage));
    assert_eq!(run.model.error, Some(PlaybackError::InvalidMessage));
}

#[test]
fn late_answer_of_the_worker_clears_the_timeout() {
    let mut run = Run::new();
    run.update(failed(PlaybackError::WorkerTimeout { seconds: 6 }));
    let effects = run.update(ready(0.0));
    assert_eq!(start_mode(&effects), Some(StartMode::Play));
    assert_eq!(run.model.error, None);
}

#[test]
fn worker_without_media_source_moves_engine_to_page_once() {
    let missing = || failed(PlaybackError::NoMediaSourceInWorkers);
    let mut run = Run::new();
    let effects = run.update(missing());
    let on_page = |effect: &Effect| matches!(effect, Effect::Load { location, .. } if *location == EngineLocation::Page);
    assert!(effects.iter().all(on_page) && !effects.is_empty());
    assert_eq!(run.model.error, None);
    run.update(missing());
    assert_eq!(run.model.error, Some(PlaybackError::NoMediaSourceInWorkers));
}

#[test]
fn requested_worker_without_media_source_asks_the_viewer() {
    let mut run = Run::new();
    run.update(PlayerMessage::Play(PlayRequest {
        engine: Some(EngineLocation::Worker),
        ..request("a.mpd")
    }));
    run.update(failed(PlaybackError::NoMediaSourceInWorkers));
    assert_eq!(run.model.error, Some(PlaybackError::NoMediaSourceInWorkers));
    run.update(PlayerMessage::Retry { position: None });
    assert_eq!(
        run.model.backend,
        Some(Backend::Engine(EngineLocation::Page))
    );
    assert_eq!(run.model.error, None);
}

#[test]
fn selection_follows_its_track_into_a_reordered_list() {
    let tracks = |languages: [&str; 2]| {
        let audio = languages.map(|language| TrackInfo {
            language: language.into(),
            label: String::new(),
            note: String::new(),
        });
        event(|session| Event::Tracks {
            session,
            qualities: Vec::new(),
            audio: audio.into(),
        })
    };
    let mut run = Run::new();
    run.update(tracks(["en", "de"]));
    run.update(PlayerMessage::SelectAudio(Some(0)));
    let effects = run.update(tracks(["de", "en"]));
    assert_eq!(run.model.selection.audio, Some(1));
    assert_eq!(effects, [Effect::Select(run.model.selection)]);
    run.update(tracks(["de", "fr"]));
    assert_eq!(run.model.selection.audio, None);
}

#[test]
fn first_frame_counts_only_once_source_is_attached() {
    let mut run = Run::new();
    run.update(reached(Milestone::FirstFrame));
    assert_eq!(run.model.milestones, []);
    run.update(reached(Milestone::SrcObjectSet));
    run.update(reached(Milestone::FirstFrame));
    assert_eq!(run.model.milestones.len(), 2);
}

#[test]
fn seek_of_the_engine_is_carried_out() {
    let mut run = Run::attached();
    let seek = event(|session| Event::Seek { session, to: 12.0 });
    assert_eq!(run.update(seek), [Effect::Seek(12.0)]);
}
