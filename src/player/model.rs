//! What the page knows of a playback, and how it comes to know it.

use std::{
    cell::{Cell, RefCell},
    mem,
    rc::Rc,
};

use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlMediaElement, HtmlVideoElement, PageTransitionEvent};
use yew::prelude::*;

use super::{
    backend::Backend,
    engine_client::{EngineClient, EngineResult},
    observer::{self, ElementObserver},
    source_url,
};
use crate::{
    platform::{MediaHandle, web},
    protocol::{
        BufferGoal, Event, Message, PlaybackError, PlaybackSettings, Quality, TrackInfo,
        TrackSelection,
        milestone::{EngineLocation, Milestone, ReachedMilestone},
    },
};

/// What the page knows of a playback, beside what the element knows itself: that is read off the
/// element, and never kept here a second time.
#[derive(Debug, Default)]
pub struct PlayerModel {
    /// Which way it comes to the element.
    pub backend: Option<Backend>,
    /// What to show, once it is there.
    pub source: Option<PlaybackSource>,
    /// Why it cannot go on.
    pub error: Option<PlaybackError>,
    /// Why it may have to wait: something is being fetched again.
    pub retrying: Option<PlaybackError>,
    /// What a person may choose from, by ascending bandwidth.
    pub qualities: Vec<Quality>,
    /// Bits per second of what is being fetched.
    pub bandwidth: u64,
    /// What sounds there are to choose from.
    pub audio_tracks: Vec<TrackInfo>,
    /// What can be read beside it.
    pub captions: Vec<CaptionEntry>,
    /// Why those that were chosen cannot be.
    pub captions_error: Option<PlaybackError>,
    /// What a person has chosen.
    pub selection: TrackSelection,
    /// The steps taken so far, as they became known.
    pub milestones: Vec<ReachedMilestone>,
    /// How often a MediaSource list was told of; what was chosen is told to each anew.
    track_lists: u32,
    /// How often the same film was begun again …
    reloads: u32,
    /// … and from where, in seconds of film.
    from: Option<f64>,
    /// The engine's thread, if that is not left to what was asked for and to the browser.
    location: Option<EngineLocation>,
    /// Whether a thread was asked for.
    location_was_requested: bool,
    /// Where the film was when it was lost for good, in seconds.
    pub lost_at: Option<f64>,
    /// What becomes of it when it is lost.
    recovery: Recovery,
}

/// Captions of the film, as its engine knows them.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionEntry {
    /// What they are called.
    pub track: TrackInfo,
    /// URL of WebVTT, once they have been read.
    pub file: Option<String>,
}

/// A film whose engine dies or whose element fails goes on with another MediaSource: by itself, unless it
/// was lost here before, and then if a person says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Recovery {
    /// It was not lost.
    #[default]
    None,
    /// It was, and the next picture goes on where this one was.
    InProgress(Option<LastPosition>),
    /// It went on there.
    Done(Option<LastPosition>),
}

/// How a film was last seen while all was well with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastPosition {
    /// Where it was, in seconds.
    pub position: f64,
    /// Whether it was meant to play.
    pub is_playing: bool,
}

/// What lies so far from where a film was lost is another place of it: seconds.
const ELSEWHERE: f64 = 10.0;

/// What the element gets, and how to begin with it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaybackSource {
    /// What it plays.
    pub media: ElementSource,
    /// Where to begin, in seconds of film.
    pub start: f64,
    /// Whether it goes on where another one ended, in the same film: then it is paused if that was.
    pub is_continuation: bool,
    /// Whether that one played before it was lost, whatever the element says of it since.
    pub was_playing: bool,
}

/// What an element plays.
#[derive(Clone, Debug, PartialEq)]
pub enum ElementSource {
    /// An engine's MediaSource.
    Provided(MediaHandle),
    /// The film's own URL, where the browser needs no engine.
    Url(String),
}

/// What changes it.
pub enum PlayerAction {
    /// The person asks for the film again, with a new MediaSource.
    Reload {
        /// Where to begin, in seconds of film; `None` for where it began before.
        from: Option<f64>,
    },
    /// The person has chosen.
    Select(TrackSelection),
    /// The person takes the engine on the page for the one that cannot be in a worker.
    MoveToPage,
    /// A new session begins. The element keeps the old picture until the new handle is there.
    Start {
        /// Whether it is another film, of which nothing is kept.
        is_other: bool,
        /// Which way it comes.
        way: Option<Backend>,
        /// Whether the engine's thread was asked for.
        was_asked: bool,
    },
    /// There is no engine, and this is shown at once.
    Show(PlaybackSource),
    /// The engine is gone in the middle of the film, or the element has failed there.
    Lost {
        /// What is known of it.
        fault: PlaybackError,
        /// How the film was last seen, if it had begun.
        at: Option<LastPosition>,
    },
    /// A step was taken on the page.
    MilestoneReached(ReachedMilestone),
    /// The worker spoke, or failed to.
    EngineEvent(EngineResult),
    /// The page failed.
    Failed(PlaybackError),
}

/// Where actions go.
pub type Dispatch = Callback<PlayerAction>;

impl PlayerModel {
    /// Takes in what has changed. Returns whether there is something to be drawn anew.
    pub fn update(&mut self, action: PlayerAction) -> bool {
        match action {
            PlayerAction::Reload { from } => {
                self.reloads += 1;
                self.from = from;
            }
            PlayerAction::MoveToPage => {
                self.reloads += 1;
                self.location = Some(EngineLocation::Page);
            }
            // What follows from what is known, or is about a source that is being replaced.
            PlayerAction::Lost {
                fault: PlaybackError::MediaElement { .. },
                ..
            } if self.error.is_some() || !self.is_attached() => return false,
            // A film that the browser cannot play without an engine.
            PlayerAction::Lost {
                fault: PlaybackError::MediaElement { code: 4, .. },
                at: None,
            } if self.backend == Some(Backend::Native) => {
                self.error = Some(PlaybackError::NoMediaSource)
            }
            PlayerAction::Lost { ref fault, at } if self.can_recover(fault, at) => {
                self.recovery = Recovery::InProgress(at);
                // Until another source is attached, the element speaks of the one before.
                self.milestones.clear();
                self.reloads += 1;
                self.from = at.map(|it| it.position);
            }
            PlayerAction::Lost { fault, at } => {
                self.recovery = Recovery::Done(at);
                self.lost_at = at.map(|it| it.position);
                self.error = Some(fault);
            }
            PlayerAction::Select(choice) => {
                if choice.captions != self.selection.captions {
                    self.captions_error = None;
                }
                self.selection = choice;
            }
            PlayerAction::Start {
                is_other,
                way,
                was_asked,
            } => {
                self.backend = way;
                self.location_was_requested = was_asked;
                self.error = None;
                self.retrying = None;
                self.from = None;
                self.lost_at = None;
                self.milestones.clear();
                if is_other {
                    self.recovery = Recovery::None;
                    self.selection = TrackSelection::default();
                    self.qualities.clear();
                    self.audio_tracks.clear();
                    self.captions.clear();
                    self.captions_error = None;
                }
            }
            PlayerAction::Show(picture) => self.source = Some(self.apply_recovery(picture)),
            // Until this session's film is attached, the element still shows that of the one before.
            PlayerAction::MilestoneReached(mark)
                if mark.milestone == Milestone::FirstFrame && !self.is_attached() => {}
            PlayerAction::MilestoneReached(mark)
            | PlayerAction::EngineEvent(Ok(Event::MilestoneReached { mark, .. })) => {
                self.milestones.push(mark);
            }
            PlayerAction::EngineEvent(Ok(Event::MediaSourceReady { handle, start, .. })) => {
                // The worker lives: what was feared of it is over.
                self.error = None;
                let picture = PlaybackSource {
                    media: ElementSource::Provided(handle),
                    start,
                    is_continuation: self.is_attached(),
                    was_playing: false,
                };
                self.source = Some(self.apply_recovery(picture));
            }
            PlayerAction::EngineEvent(Ok(Event::Tracks {
                qualities, audio, ..
            })) => {
                // Another part of the film may list the same things in another order.
                let TrackSelection {
                    quality,
                    audio: sound,
                    ..
                } = self.selection;
                self.selection.quality = same_item(quality, &self.qualities, &qualities);
                self.selection.audio = same_item(sound, &self.audio_tracks, &audio);
                (self.qualities, self.audio_tracks) = (qualities, audio);
                self.track_lists += 1;
            }
            PlayerAction::EngineEvent(Ok(Event::CaptionTracks { tracks, .. })) => {
                // Begun again, a film has those that are there already.
                if !self.captions.iter().map(|it| &it.track).eq(&tracks) {
                    let unread = |track| CaptionEntry { track, file: None };
                    self.captions = tracks.into_iter().map(unread).collect();
                }
            }
            PlayerAction::EngineEvent(Ok(Event::CaptionsLoaded {
                index: place,
                url: file,
                ..
            })) => {
                let captions = usize::try_from(place);
                let captions = captions.ok().and_then(|it| self.captions.get_mut(it));
                match (captions, file) {
                    (Some(captions), Ok(file)) => captions.file = Some(file),
                    (_, file) => self.captions_error = file.err(),
                }
            }
            PlayerAction::EngineEvent(Ok(Event::QualityChanged { bandwidth, .. })) => {
                self.bandwidth = bandwidth
            }
            PlayerAction::EngineEvent(Ok(Event::Retrying { error: fault, .. })) => {
                self.retrying = fault
            }
            // Workers were said to have what they lack.
            PlayerAction::EngineEvent(Ok(Event::Failed {
                error: PlaybackError::NoMediaSourceInWorkers,
                ..
            })) if !self.location_was_requested && self.location.is_none() => {
                self.reloads += 1;
                self.location = Some(EngineLocation::Page);
            }
            PlayerAction::EngineEvent(
                Ok(Event::Failed { error: fault, .. } | Event::EngineFailed { error: fault })
                | Err(fault),
            )
            | PlayerAction::Failed(fault) => {
                // The first fault is the cause, and what follows from it is not news; but silence is
                // only what is known until its cause is.
                if matches!(self.error, None | Some(PlaybackError::WorkerTimeout { .. })) {
                    self.error = Some(fault);
                }
            }
            // Nothing is drawn of these here.
            PlayerAction::EngineEvent(Ok(
                Event::Ready { .. }
                | Event::Diagnostics { .. }
                | Event::Seek { .. }
                | Event::Pong
                | Event::Stopped { .. }
                | Event::Closed { .. },
            )) => return false,
        }
        true
    }

    /// Whether a film that is lost here is to go on by itself. An element that has shown nothing will not.
    fn can_recover(&self, fault: &PlaybackError, at: Option<LastPosition>) -> bool {
        match (self.recovery, at) {
            (Recovery::None, at) => at.is_some() || fault.is_worker_lost(),
            (Recovery::Done(Some(before)), Some(now)) => {
                (now.position - before.position).abs() > ELSEWHERE
            }
            _ => false,
        }
    }

    /// A picture is there: if the film was lost, it goes on with this one.
    fn apply_recovery(&mut self, mut picture: PlaybackSource) -> PlaybackSource {
        if let Recovery::InProgress(at) = self.recovery {
            self.recovery = Recovery::Done(at);
            picture.is_continuation = true;
            picture.was_playing = at.is_some_and(|it| it.is_playing);
        }
        picture
    }

    /// Whether this session's MediaSource is the one that the element shows.
    fn is_attached(&self) -> bool {
        self.milestones
            .iter()
            .any(|mark| mark.milestone == Milestone::SrcObjectSet)
    }
}

/// The place in a new list of what had this place in the old one.
fn same_item<T: PartialEq>(place: Option<u32>, old: &[T], new: &[T]) -> Option<u32> {
    let item = old.get(usize::try_from(place?).ok()?)?;
    let place = new.iter().position(|other| other == item)?;
    u32::try_from(place).ok()
}

/// What is played, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlayRequest {
    /// URL of the film's manifest, absolute or relative to the page.
    pub source: AttrValue,
    /// Another number is another session with the same film.
    pub showing: u32,
    /// The engine's thread; `None` leaves it to what the browser has.
    pub engine: Option<EngineLocation>,
    /// As the worker gets them.
    pub settings: PlaybackSettings,
}

/// How an element was last seen with a film.
type LastSeen = Rc<Cell<Option<LastPosition>>>;

/// Plays films in an element, with an engine of its own, for as long as it is held.
pub struct PlayerController {
    video: HtmlVideoElement,
    playback: Dispatch,
    link: Rc<RefCell<Option<EngineClient>>>,
    last_seen: LastSeen,
    /// What was asked for last, and how often it was begun again.
    asked: Option<(PlayRequest, u32)>,
    wishes: Option<(BufferGoal, TrackSelection, u32)>,
    _observer: ElementObserver,
    _errors: EventListener,
    _return: EventListener,
}

impl Drop for PlayerController {
    fn drop(&mut self) {
        release(self.link.take(), Some(self.video.clone()));
    }
}

impl PlayerController {
    /// In this element. What becomes known is told to `playback`.
    pub fn new(video: &HtmlVideoElement, playback: &Dispatch) -> Self {
        let link = Rc::<RefCell<Option<EngineClient>>>::default();
        let last_seen = LastSeen::default();
        let observer = {
            let (link, last_seen, element) = (link.clone(), last_seen.clone(), video.clone());
            observer::observe(video, move |observation| {
                let link = link.borrow();
                let Some(link) = &*link else { return };
                if web::is_bereft(&element) {
                    return link.report_detached();
                }
                let is_well = element.error().is_none();
                if is_well && element.ready_state() >= HtmlMediaElement::HAVE_METADATA {
                    last_seen.set(Some(LastPosition {
                        position: observation.position,
                        is_playing: observation.rate > 0.0,
                    }));
                }
                link.observe(observation);
            })
        };
        Self {
            video: video.clone(),
            playback: playback.clone(),
            last_seen: last_seen.clone(),
            asked: None,
            wishes: None,
            _observer: observer,
            _errors: listen_for_errors(video, playback, last_seen.clone()),
            _return: listen_for_page_restore(video, playback, last_seen, link.clone()),
            link,
        }
    }

    /// Has it play this. Another request is another session of the same engine. What the engine says is
    /// also told to `onletter`.
    pub fn play(
        &mut self,
        mut request: PlayRequest,
        playback: &PlayerModel,
        onletter: &Callback<Message>,
    ) {
        // Another goal is no reason to begin anew.
        let goal = mem::take(&mut request.settings.buffer);
        let asked = (request, playback.reloads);
        if self.asked.as_ref() != Some(&asked) {
            let before = self.asked.as_ref().map(|(before, _)| before);
            let is_other = before != Some(&asked.0);
            self.begin(is_other, &asked.0, goal, playback, onletter);
            self.asked = Some(asked);
        }
        // What the worker has been told already is not said again.
        let wishes = (goal, playback.selection, playback.track_lists);
        if self.wishes.replace(wishes) != Some(wishes)
            && let Some(link) = &*self.link.borrow()
        {
            link.configure(goal);
            link.choose(playback.selection);
        }
    }

    /// Begins a session.
    fn begin(
        &self,
        is_other: bool,
        request: &PlayRequest,
        goal: BufferGoal,
        playback: &PlayerModel,
        onletter: &Callback<Message>,
    ) {
        let way = Backend::choose(playback.location.or(request.engine));
        self.last_seen.set(None);
        self.playback.emit(PlayerAction::Start {
            is_other,
            way: way.as_ref().ok().copied(),
            was_asked: request.engine.is_some(),
        });
        let mut link = self.link.borrow_mut();
        let thread = match way {
            Ok(Backend::Engine(thread)) => thread,
            Ok(Backend::Native) => {
                release(link.take(), None);
                return self.show_natively(request, playback);
            }
            Err(fault) => return self.playback.emit(PlayerAction::Failed(fault)),
        };
        // An engine is made for the first film, and for the next one if it is broken.
        let kept = link.take_if(|link| !link.is_broken() && link.location() == thread);
        release(link.take(), None);
        let kept = kept.unwrap_or_else(|| {
            EngineClient::spawn(thread, self.engine_listener(), onletter.clone())
        });
        self.load(request, goal, playback, link.insert(kept));
    }

    /// Has the engine load the film.
    fn load(
        &self,
        request: &PlayRequest,
        goal: BufferGoal,
        playback: &PlayerModel,
        link: &EngineClient,
    ) {
        if let Some(spawned) = link.newly_spawned() {
            self.playback.emit(PlayerAction::MilestoneReached(spawned));
        }
        match source_url::resolve(&request.source) {
            Ok(url) => {
                self.playback
                    .emit(PlayerAction::MilestoneReached(ReachedMilestone::now(
                        Milestone::LoadSent,
                    )));
                let mut settings = request.settings.clone();
                settings.buffer = goal;
                settings.start = playback.from.unwrap_or(settings.start);
                link.load(url, settings);
            }
            Err(fault) => {
                link.stop();
                self.playback.emit(PlayerAction::Failed(fault));
            }
        }
    }

    /// Leaves the film to the browser.
    fn show_natively(&self, request: &PlayRequest, playback: &PlayerModel) {
        self.playback
            .emit(match source_url::resolve(&request.source) {
                Ok(url) => PlayerAction::Show(PlaybackSource {
                    media: ElementSource::Url(url),
                    start: playback.from.unwrap_or(request.settings.start),
                    is_continuation: false,
                    was_playing: false,
                }),
                Err(fault) => PlayerAction::Failed(fault),
            });
    }

    /// Hears the engine.
    fn engine_listener(&self) -> Callback<EngineResult> {
        let (playback, video) = (self.playback.clone(), self.video.clone());
        let last_seen = self.last_seen.clone();
        Callback::from(move |news: EngineResult| {
            playback.emit(match news {
                Err(fault) if fault.is_worker_lost() => {
                    let at = last_seen.get();
                    PlayerAction::Lost { fault, at }
                }
                // Which of the two the engine says depends on what it was doing when the element let go.
                Ok(Event::Failed {
                    error: fault @ (PlaybackError::MediaSourceCall { .. } | PlaybackError::Detached),
                    ..
                }) => {
                    // Its page is in the browser's cache, or comes back from there: see `hear_return`.
                    if web::is_aborted(&video) {
                        return;
                    }
                    match last_seen.get() {
                        _ if !web::shows_media_source(&video) => PlayerAction::Failed(PlaybackError::Detached),
                        // A MediaSource does not outlive an error of its element, which may be told later.
                        at @ Some(_) => {
                            let fault = element_error(&video).unwrap_or(fault);
                            PlayerAction::Lost { fault, at }
                        }
                        None => PlayerAction::Failed(fault),
                    }
                }
                news => {
                    match &news {
                        Ok(Event::MediaSourceReady { .. }) => {
                            playback.emit(PlayerAction::MilestoneReached(ReachedMilestone::now(Milestone::HandleArrived)));
                        }
                        Ok(Event::Seek { to, .. }) => video.set_current_time(*to),
                        _ => {}
                    }
                    PlayerAction::EngineEvent(news)
                }
            });
        })
    }
}

/// Hears of what the element fails at. That may be no fault of the film: WebKitGTK's now and then fails after
/// a seek.
fn listen_for_errors(
    video: &HtmlVideoElement,
    playback: &Dispatch,
    last_seen: LastSeen,
) -> EventListener {
    let (element, playback) = (video.clone(), playback.clone());
    web::hear(video, "error", move |_| {
        if let Some(fault) = element_error(&element) {
            let at = last_seen.get();
            playback.emit(PlayerAction::Lost { fault, at });
        }
    })
}

/// What an element has failed at.
fn element_error(video: &HtmlVideoElement) -> Option<PlaybackError> {
    let error = video.error()?;
    Some(PlaybackError::MediaElement {
        code: error.code(),
        reason: error.message().trim_end_matches('.').into(),
    })
}

/// How often an element is looked at until it is as it will stay, once its page is back …
const LOOKS: u32 = 10;
/// … and how long after one another, in milliseconds. One that had not begun may never be as it was.
const LOOK: u32 = 100;

/// Has the film go on when the page comes back out of the browser's cache of pages, if the browser has let
/// go of its MediaSource meanwhile, as WebKit does.
fn listen_for_page_restore(
    video: &HtmlVideoElement,
    playback: &Dispatch,
    last_seen: LastSeen,
    link: Rc<RefCell<Option<EngineClient>>>,
) -> EventListener {
    let (video, playback) = (video.clone(), playback.clone());
    web::hear(&web::global(), "pageshow", move |event| {
        let is_back = event.unchecked_ref::<PageTransitionEvent>().persisted();
        let is_gone = video.ready_state() == HtmlMediaElement::HAVE_NOTHING;
        if is_back && is_gone {
            link.borrow().iter().for_each(EngineClient::distrust);
            let (video, playback) = (video.clone(), playback.clone());
            let from = last_seen.get().map(|it| it.position);
            spawn_local(async move {
                // WebKit empties it a moment later, and would pause what it plays by then.
                for _ in 0..LOOKS {
                    if web::is_aborted(&video) {
                        TimeoutFuture::new(LOOK).await;
                    }
                }
                playback.emit(PlayerAction::Reload { from });
            });
        }
    })
}

/// Lets an engine go. The component may be gone before that is done; then its element, too, lets go.
fn release(link: Option<EngineClient>, video: Option<HtmlVideoElement>) {
    match link {
        // It is past hearing, and may be busy with nothing for ever. It goes at once, so that the next one
        // does not load the same program.
        Some(link) if link.is_broken() => {
            drop(link);
            video.iter().for_each(web::detach);
        }
        Some(link) => spawn_local(link.close(video)),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::SessionId;

    fn after(actions: impl IntoIterator<Item = PlayerAction>) -> PlayerModel {
        let mut playback = PlayerModel::default();
        for action in actions {
            playback.update(action);
        }
        playback
    }

    fn begin(is_other: bool) -> PlayerAction {
        PlayerAction::Start {
            is_other,
            way: None,
            was_asked: false,
        }
    }

    fn reached(step: Milestone) -> PlayerAction {
        PlayerAction::MilestoneReached(ReachedMilestone {
            milestone: step,
            at: 1.0,
        })
    }

    fn shown() -> PlayerAction {
        PlayerAction::Show(PlaybackSource {
            media: ElementSource::Url("film".into()),
            start: 0.0,
            is_continuation: false,
            was_playing: false,
        })
    }

    fn lost(fault: PlaybackError, position: f64) -> PlayerAction {
        let at = Some(LastPosition {
            position,
            is_playing: true,
        });
        PlayerAction::Lost { fault, at }
    }

    fn failed(fault: PlaybackError) -> PlayerAction {
        let session = SessionId::default();
        PlayerAction::EngineEvent(Ok(Event::Failed {
            session,
            error: fault,
        }))
    }

    #[test]
    fn a_session_begins_with_an_empty_journey() {
        let step = Milestone::LoadSent;
        let mut playback = after([PlayerAction::MilestoneReached(ReachedMilestone {
            milestone: step,
            at: 1.0,
        })]);
        assert_eq!(playback.milestones.len(), 1);
        playback.update(begin(true));
        assert_eq!(playback.milestones, []);
    }

    #[test]
    fn the_first_fault_is_the_one_to_tell() {
        let cause = PlaybackError::InvalidMessage;
        let mut playback = after([
            PlayerAction::Failed(cause.clone()),
            failed(PlaybackError::NoMediaSourceInWorkers),
        ]);
        assert_eq!(playback.error, Some(cause));
        playback.update(begin(true));
        assert_eq!(playback.error, None);
    }

    #[test]
    fn an_engine_that_dies_is_replaced_once_by_itself_and_then_if_a_person_says_so() {
        let lost = |position| lost(PlaybackError::WorkerUnresponsive, position);
        let playback = after([lost(4.0)]);
        assert_eq!((playback.reloads, playback.from), (1, Some(4.0)));
        assert_eq!(playback.error, None);
        let playback = after([lost(4.0), begin(false), shown(), lost(9.0)]);
        assert_eq!((playback.reloads, playback.lost_at), (1, Some(9.0)));
        assert_eq!(playback.error, Some(PlaybackError::WorkerUnresponsive));
        // It has come on meanwhile.
        let playback = after([lost(4.0), begin(false), shown(), lost(90.0)]);
        assert_eq!((playback.reloads, playback.from), (2, Some(90.0)));
        assert_eq!(playback.error, None);
    }

    /// What an element says that has failed.
    fn torn() -> PlaybackError {
        PlaybackError::MediaElement {
            code: 3,
            reason: "so it says".into(),
        }
    }

    #[test]
    fn a_film_whose_element_fails_goes_on_as_it_was() {
        // The element says it after the engine, and once more.
        let attached = || reached(Milestone::SrcObjectSet);
        let mut playback = after([
            attached(),
            lost(PlaybackError::Detached, 4.0),
            lost(torn(), 0.0),
        ]);
        assert_eq!((playback.reloads, playback.from), (1, Some(4.0)));
        for action in [begin(false), shown(), lost(torn(), 0.0)] {
            playback.update(action);
        }
        assert_eq!((playback.reloads, &playback.error), (1, &None));
        let picture = playback.source.as_ref().unwrap();
        assert!(picture.is_continuation && picture.was_playing);
        // The new one fails there as well.
        playback.update(attached());
        playback.update(lost(torn(), 5.0));
        assert_eq!(playback.error, Some(torn()));
    }

    #[test]
    fn an_element_that_never_showed_anything_is_not_tried_again() {
        let fault = torn();
        let lost = PlayerAction::Lost { fault, at: None };
        let playback = after([reached(Milestone::SrcObjectSet), lost]);
        assert_eq!((playback.reloads, playback.error), (0, Some(torn())));
    }

    #[test]
    fn an_element_that_fails_because_of_what_is_known_is_not_news() {
        let playback = after([
            PlayerAction::Failed(PlaybackError::InvalidMessage),
            lost(torn(), 4.0),
        ]);
        assert_eq!(playback.reloads, 0);
        assert_eq!(playback.error, Some(PlaybackError::InvalidMessage));
    }

    #[test]
    fn what_was_chosen_is_kept_with_the_film() {
        let chosen = TrackSelection {
            quality: Some(1),
            ..TrackSelection::default()
        };
        let mut playback = after([PlayerAction::Select(chosen), begin(false)]);
        assert_eq!(playback.selection, chosen);
        playback.update(begin(true));
        assert_eq!(playback.selection, TrackSelection::default());
    }

    #[test]
    fn silence_is_a_fault_until_its_cause_is_known() {
        let silence = PlaybackError::WorkerTimeout { seconds: 6 };
        let playback = after([failed(silence), failed(PlaybackError::InvalidMessage)]);
        assert_eq!(playback.error, Some(PlaybackError::InvalidMessage));
    }

    #[test]
    fn a_frame_of_the_film_before_is_not_this_ones_first() {
        let playback = after([reached(Milestone::FirstFrame)]);
        assert_eq!(playback.milestones, []);
        let playback = after([
            reached(Milestone::SrcObjectSet),
            reached(Milestone::FirstFrame),
        ]);
        assert_eq!(playback.milestones.len(), 2);
    }
}
