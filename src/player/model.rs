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
    backend::Way,
    engine_client::{Link, News},
    observer::{self, Observer},
    source_url,
};
use crate::{
    platform::web::{self, MediaProvider},
    protocol::{
        BufferGoal, Event, PlaybackError, Quality, TrackInfo, PlaybackSettings,
        milestone::{ReachedMilestone, Milestone, EngineLocation},
        transfer::Message,
    },
};

/// What the page knows of a playback, beside what the element knows itself: that is read off the
/// element, and never kept here a second time.
#[derive(Debug, Default)]
pub struct Playback {
    /// Which way it comes to the element.
    pub way: Option<Way>,
    /// What to show, once it is there.
    pub picture: Option<Picture>,
    /// Why it cannot go on.
    pub fault: Option<PlaybackError>,
    /// Why it may have to wait: something is being fetched again.
    pub retrying: Option<PlaybackError>,
    /// What a person may choose from, by ascending bandwidth.
    pub qualities: Vec<Quality>,
    /// Bits per second of what is being fetched.
    pub bandwidth: u64,
    /// What sounds there are to choose from.
    pub sounds: Vec<TrackInfo>,
    /// What can be read beside it.
    pub captions: Vec<Captions>,
    /// Why those that were chosen cannot be.
    pub unread: Option<PlaybackError>,
    /// What a person has chosen.
    pub chosen: Choice,
    /// The steps taken so far, as they became known.
    pub journey: Vec<ReachedMilestone>,
    /// How often a MediaSource list was told of; what was chosen is told to each anew.
    listed: u32,
    /// How often the same film was begun again …
    replays: u32,
    /// … and from where, in seconds of film.
    from: Option<f64>,
    /// The engine's thread, if that is not left to what was asked for and to the browser.
    thread: Option<EngineLocation>,
    /// Whether a thread was asked for.
    was_asked: bool,
    /// Where the film was when it was lost for good, in seconds.
    pub lost_at: Option<f64>,
    /// What becomes of it when it is lost.
    revival: Revival,
}

/// Captions of the film, as its engine knows them.
#[derive(Clone, Debug, PartialEq)]
pub struct Captions {
    /// What they are called.
    pub track: TrackInfo,
    /// URL of WebVTT, once they have been read.
    pub file: Option<String>,
}

/// A film whose engine dies or whose element fails goes on with another MediaSource: by itself, unless it
/// was lost here before, and then if a person says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Revival {
    /// It was not lost.
    #[default]
    Unneeded,
    /// It was, and the next picture goes on where this one was.
    Underway(Option<Seen>),
    /// It went on there.
    Done(Option<Seen>),
}

/// How a film was last seen while all was well with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Where it was, in seconds.
    pub position: f64,
    /// Whether it was meant to play.
    pub is_playing: bool,
}

/// What lies so far from where a film was lost is another place of it: seconds.
const ELSEWHERE: f64 = 10.0;

/// What a person has chosen, as positions in what there is; nothing leaves it to the player.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Choice {
    /// One of the qualities.
    pub quality: Option<u32>,
    /// One of the sounds.
    pub sound: Option<u32>,
    /// Those captions that the element shows.
    pub captions: Option<u32>,
}

/// What the element gets, and how to begin with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What it plays.
    pub medium: Medium,
    /// Where to begin, in seconds of film.
    pub start: f64,
    /// Whether it goes on where another one ended, in the same film: then it is paused if that was.
    pub goes_on: bool,
    /// Whether that one played before it was lost, whatever the element says of it since.
    pub was_playing: bool,
}

/// What an element plays.
#[derive(Clone, Debug, PartialEq)]
pub enum Medium {
    /// An engine's MediaSource.
    Provided(MediaProvider),
    /// The film's own URL, where the browser needs no engine.
    Url(String),
}

/// What changes it.
pub enum Action {
    /// The person asks for the film again, with a new MediaSource.
    Replay {
        /// Where to begin, in seconds of film; `None` for where it began before.
        from: Option<f64>,
    },
    /// The person has chosen.
    Choose(Choice),
    /// The person takes the engine on the page for the one that cannot be in a worker.
    MoveToPage,
    /// A new session begins. The element keeps the old picture until the new handle is there.
    Begin {
        /// Whether it is another film, of which nothing is kept.
        is_other: bool,
        /// Which way it comes.
        way: Option<Way>,
        /// Whether the engine's thread was asked for.
        was_asked: bool,
    },
    /// There is no engine, and this is shown at once.
    Show(Picture),
    /// The engine is gone in the middle of the film, or the element has failed there.
    Lost {
        /// What is known of it.
        fault: PlaybackError,
        /// How the film was last seen, if it had begun.
        at: Option<Seen>,
    },
    /// A step was taken on the page.
    Reached(ReachedMilestone),
    /// The worker spoke, or failed to.
    Heard(News),
    /// The page failed.
    Failed(PlaybackError),
}

/// Where actions go.
pub type Dispatcher = Callback<Action>;

impl Playback {
    /// Takes in what has changed. Returns whether there is something to be drawn anew.
    pub fn take(&mut self, action: Action) -> bool {
        match action {
            Action::Replay { from } => {
                self.replays += 1;
                self.from = from;
            }
            Action::MoveToPage => {
                self.replays += 1;
                self.thread = Some(EngineLocation::Page);
            }
            // What follows from what is known, or is about a source that is being replaced.
            Action::Lost {
                fault: PlaybackError::MediaElement { .. },
                ..
            } if self.fault.is_some() || !self.attached() => return false,
            // A film that the browser cannot play without an engine.
            Action::Lost {
                fault: PlaybackError::MediaElement { code: 4, .. },
                at: None,
            } if self.way == Some(Way::Native) => self.fault = Some(PlaybackError::NoMediaSource),
            Action::Lost { ref fault, at } if self.may_revive(fault, at) => {
                self.revival = Revival::Underway(at);
                // Until another source is attached, the element speaks of the one before.
                self.journey.clear();
                self.replays += 1;
                self.from = at.map(|it| it.position);
            }
            Action::Lost { fault, at } => {
                self.revival = Revival::Done(at);
                self.lost_at = at.map(|it| it.position);
                self.fault = Some(fault);
            }
            Action::Choose(choice) => {
                if choice.captions != self.chosen.captions {
                    self.unread = None;
                }
                self.chosen = choice;
            }
            Action::Begin {
                is_other,
                way,
                was_asked,
            } => {
                self.way = way;
                self.was_asked = was_asked;
                self.fault = None;
                self.retrying = None;
                self.from = None;
                self.lost_at = None;
                self.journey.clear();
                if is_other {
                    self.revival = Revival::Unneeded;
                    self.chosen = Choice::default();
                    self.qualities.clear();
                    self.sounds.clear();
                    self.captions.clear();
                    self.unread = None;
                }
            }
            Action::Show(picture) => self.picture = Some(self.revive(picture)),
            // Until this session's film is attached, the element still shows that of the one before.
            Action::Reached(mark) if mark.step == Milestone::FirstFrame && !self.attached() => {}
            Action::Reached(mark) | Action::Heard(Ok(Event::MilestoneReached { mark, .. })) => {
                self.journey.push(mark);
            }
            Action::Heard(Ok(Event::MediaSourceReady { handle, start, .. })) => {
                // The worker lives: what was feared of it is over.
                self.fault = None;
                let picture = Picture {
                    medium: Medium::Provided(handle),
                    start,
                    goes_on: self.attached(),
                    was_playing: false,
                };
                self.picture = Some(self.revive(picture));
            }
            Action::Heard(Ok(Event::Tracks {
                qualities, audio, ..
            })) => {
                // Another part of the film may list the same things in another order.
                let Choice { quality, sound, .. } = self.chosen;
                self.chosen.quality = same(quality, &self.qualities, &qualities);
                self.chosen.sound = same(sound, &self.sounds, &audio);
                (self.qualities, self.sounds) = (qualities, audio);
                self.listed += 1;
            }
            Action::Heard(Ok(Event::CaptionTracks { tracks, .. })) => {
                // Begun again, a film has those that are there already.
                if !self.captions.iter().map(|it| &it.track).eq(&tracks) {
                    let unread = |track| Captions { track, file: None };
                    self.captions = tracks.into_iter().map(unread).collect();
                }
            }
            Action::Heard(Ok(Event::CaptionsLoaded { index: place, url: file, .. })) => {
                let captions = usize::try_from(place);
                let captions = captions.ok().and_then(|it| self.captions.get_mut(it));
                match (captions, file) {
                    (Some(captions), Ok(file)) => captions.file = Some(file),
                    (_, file) => self.unread = file.err(),
                }
            }
            Action::Heard(Ok(Event::QualityChanged { bandwidth, .. })) => self.bandwidth = bandwidth,
            Action::Heard(Ok(Event::Retrying { error: fault, .. })) => self.retrying = fault,
            // Workers were said to have what they lack.
            Action::Heard(Ok(Event::Failed {
                error: PlaybackError::NoMediaSourceInWorkers,
                ..
            })) if !self.was_asked && self.thread.is_none() => {
                self.replays += 1;
                self.thread = Some(EngineLocation::Page);
            }
            Action::Heard(
                Ok(Event::Failed { error: fault, .. } | Event::EngineFailed { error: fault }) | Err(fault),
            )
            | Action::Failed(fault) => {
                // The first fault is the cause, and what follows from it is not news; but silence is
                // only what is known until its cause is.
                if matches!(self.fault, None | Some(PlaybackError::WorkerTimeout { .. })) {
                    self.fault = Some(fault);
                }
            }
            // Nothing is drawn of these here.
            Action::Heard(Ok(
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
    fn may_revive(&self, fault: &PlaybackError, at: Option<Seen>) -> bool {
        match (self.revival, at) {
            (Revival::Unneeded, at) => at.is_some() || fault.is_worker_lost(),
            (Revival::Done(Some(before)), Some(now)) => {
                (now.position - before.position).abs() > ELSEWHERE
            }
            _ => false,
        }
    }

    /// A picture is there: if the film was lost, it goes on with this one.
    fn revive(&mut self, mut picture: Picture) -> Picture {
        if let Revival::Underway(at) = self.revival {
            self.revival = Revival::Done(at);
            picture.goes_on = true;
            picture.was_playing = at.is_some_and(|it| it.is_playing);
        }
        picture
    }

    /// Whether this session's MediaSource is the one that the element shows.
    fn attached(&self) -> bool {
        self.journey
            .iter()
            .any(|mark| mark.step == Milestone::SrcObjectSet)
    }
}

/// The place in a new list of what had this place in the old one.
fn same<T: PartialEq>(place: Option<u32>, old: &[T], new: &[T]) -> Option<u32> {
    let item = old.get(usize::try_from(place?).ok()?)?;
    let place = new.iter().position(|other| other == item)?;
    u32::try_from(place).ok()
}

/// What is played, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
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
type LastSeen = Rc<Cell<Option<Seen>>>;

/// Plays films in an element, with an engine of its own, for as long as it is held.
pub struct Projector {
    video: HtmlVideoElement,
    playback: Dispatcher,
    link: Rc<RefCell<Option<Link>>>,
    last_seen: LastSeen,
    /// What was asked for last, and how often it was begun again.
    asked: Option<(Request, u32)>,
    wishes: Option<(BufferGoal, Choice, u32)>,
    _observer: Observer,
    _errors: EventListener,
    _return: EventListener,
}

impl Drop for Projector {
    fn drop(&mut self) {
        part(self.link.take(), Some(self.video.clone()));
    }
}

impl Projector {
    /// In this element. What becomes known is told to `playback`.
    pub fn new(video: &HtmlVideoElement, playback: &Dispatcher) -> Self {
        let link = Rc::<RefCell<Option<Link>>>::default();
        let last_seen = LastSeen::default();
        let observer = {
            let (link, last_seen, element) = (link.clone(), last_seen.clone(), video.clone());
            observer::observe(video, move |observation| {
                let link = link.borrow();
                let Some(link) = &*link else { return };
                if web::is_bereft(&element) {
                    return link.mourn();
                }
                let is_well = element.error().is_none();
                if is_well && element.ready_state() >= HtmlMediaElement::HAVE_METADATA {
                    last_seen.set(Some(Seen {
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
            _errors: hear_errors(video, playback, last_seen.clone()),
            _return: hear_return(video, playback, last_seen, link.clone()),
            link,
        }
    }

    /// Has it play this. Another request is another session of the same engine. What the engine says is
    /// also told to `onletter`.
    pub fn play(
        &mut self,
        mut request: Request,
        playback: &Playback,
        onletter: &Callback<Message>,
    ) {
        // Another goal is no reason to begin anew.
        let goal = mem::take(&mut request.settings.buffer);
        let asked = (request, playback.replays);
        if self.asked.as_ref() != Some(&asked) {
            let before = self.asked.as_ref().map(|(before, _)| before);
            let is_other = before != Some(&asked.0);
            self.begin(is_other, &asked.0, goal, playback, onletter);
            self.asked = Some(asked);
        }
        // What the worker has been told already is not said again.
        let wishes = (goal, playback.chosen, playback.listed);
        if self.wishes.replace(wishes) != Some(wishes)
            && let Some(link) = &*self.link.borrow()
        {
            link.configure(goal);
            link.choose(playback.chosen);
        }
    }

    /// Begins a session.
    fn begin(
        &self,
        is_other: bool,
        request: &Request,
        goal: BufferGoal,
        playback: &Playback,
        onletter: &Callback<Message>,
    ) {
        let way = Way::choose(playback.thread.or(request.engine));
        self.last_seen.set(None);
        self.playback.emit(Action::Begin {
            is_other,
            way: way.as_ref().ok().copied(),
            was_asked: request.engine.is_some(),
        });
        let mut link = self.link.borrow_mut();
        let thread = match way {
            Ok(Way::Engine(thread)) => thread,
            Ok(Way::Native) => {
                part(link.take(), None);
                return self.show_natively(request, playback);
            }
            Err(fault) => return self.playback.emit(Action::Failed(fault)),
        };
        // An engine is made for the first film, and for the next one if it is broken.
        let kept = link.take_if(|link| !link.is_broken() && link.thread() == thread);
        part(link.take(), None);
        let kept = kept.unwrap_or_else(|| Link::spawn(thread, self.hearing(), onletter.clone()));
        self.load(request, goal, playback, link.insert(kept));
    }

    /// Has the engine load the film.
    fn load(&self, request: &Request, goal: BufferGoal, playback: &Playback, link: &Link) {
        if let Some(spawned) = link.newly_spawned() {
            self.playback.emit(Action::Reached(spawned));
        }
        match source_url::resolve(&request.source) {
            Ok(url) => {
                self.playback
                    .emit(Action::Reached(ReachedMilestone::now(Milestone::LoadSent)));
                let mut settings = request.settings.clone();
                settings.buffer = goal;
                settings.start = playback.from.unwrap_or(settings.start);
                link.load(url, settings);
            }
            Err(fault) => {
                link.stop();
                self.playback.emit(Action::Failed(fault));
            }
        }
    }

    /// Leaves the film to the browser.
    fn show_natively(&self, request: &Request, playback: &Playback) {
        self.playback
            .emit(match source_url::resolve(&request.source) {
                Ok(url) => Action::Show(Picture {
                    medium: Medium::Url(url),
                    start: playback.from.unwrap_or(request.settings.start),
                    goes_on: false,
                    was_playing: false,
                }),
                Err(fault) => Action::Failed(fault),
            });
    }

    /// Hears the engine.
    fn hearing(&self) -> Callback<News> {
        let (playback, video) = (self.playback.clone(), self.video.clone());
        let last_seen = self.last_seen.clone();
        Callback::from(move |news: News| {
            playback.emit(match news {
                Err(fault) if fault.is_worker_lost() => {
                    let at = last_seen.get();
                    Action::Lost { fault, at }
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
                        _ if !web::shows_media_source(&video) => Action::Failed(PlaybackError::Detached),
                        // A MediaSource does not outlive an error of its element, which may be told later.
                        at @ Some(_) => {
                            let fault = failure(&video).unwrap_or(fault);
                            Action::Lost { fault, at }
                        }
                        None => Action::Failed(fault),
                    }
                }
                news => {
                    match &news {
                        Ok(Event::MediaSourceReady { .. }) => {
                            playback.emit(Action::Reached(ReachedMilestone::now(Milestone::HandleArrived)));
                        }
                        Ok(Event::Seek { to, .. }) => video.set_current_time(*to),
                        _ => {}
                    }
                    Action::Heard(news)
                }
            });
        })
    }
}

/// Hears of what the element fails at. That may be no fault of the film: WebKitGTK's now and then fails after
/// a seek.
fn hear_errors(
    video: &HtmlVideoElement,
    playback: &Dispatcher,
    last_seen: LastSeen,
) -> EventListener {
    let (element, playback) = (video.clone(), playback.clone());
    web::hear(video, "error", move |_| {
        if let Some(fault) = failure(&element) {
            let at = last_seen.get();
            playback.emit(Action::Lost { fault, at });
        }
    })
}

/// What an element has failed at.
fn failure(video: &HtmlVideoElement) -> Option<PlaybackError> {
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
fn hear_return(
    video: &HtmlVideoElement,
    playback: &Dispatcher,
    last_seen: LastSeen,
    link: Rc<RefCell<Option<Link>>>,
) -> EventListener {
    let (video, playback) = (video.clone(), playback.clone());
    web::hear(&web::global(), "pageshow", move |event| {
        let is_back = event.unchecked_ref::<PageTransitionEvent>().persisted();
        let is_gone = video.ready_state() == HtmlMediaElement::HAVE_NOTHING;
        if is_back && is_gone {
            link.borrow().iter().for_each(Link::doubt);
            let (video, playback) = (video.clone(), playback.clone());
            let from = last_seen.get().map(|it| it.position);
            spawn_local(async move {
                // WebKit empties it a moment later, and would pause what it plays by then.
                for _ in 0..LOOKS {
                    if web::is_aborted(&video) {
                        TimeoutFuture::new(LOOK).await;
                    }
                }
                playback.emit(Action::Replay { from });
            });
        }
    })
}

/// Lets an engine go. The component may be gone before that is done; then its element, too, lets go.
fn part(link: Option<Link>, video: Option<HtmlVideoElement>) {
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

    fn after(actions: impl IntoIterator<Item = Action>) -> Playback {
        let mut playback = Playback::default();
        for action in actions {
            playback.take(action);
        }
        playback
    }

    fn begin(is_other: bool) -> Action {
        Action::Begin {
            is_other,
            way: None,
            was_asked: false,
        }
    }

    fn reached(step: Milestone) -> Action {
        Action::Reached(ReachedMilestone { step, at: 1.0 })
    }

    fn shown() -> Action {
        Action::Show(Picture {
            medium: Medium::Url("film".into()),
            start: 0.0,
            goes_on: false,
            was_playing: false,
        })
    }

    fn lost(fault: PlaybackError, position: f64) -> Action {
        let at = Some(Seen {
            position,
            is_playing: true,
        });
        Action::Lost { fault, at }
    }

    fn failed(fault: PlaybackError) -> Action {
        let session = SessionId::default();
        Action::Heard(Ok(Event::Failed { session, error: fault }))
    }

    #[test]
    fn a_session_begins_with_an_empty_journey() {
        let step = Milestone::LoadSent;
        let mut playback = after([Action::Reached(ReachedMilestone { step, at: 1.0 })]);
        assert_eq!(playback.journey.len(), 1);
        playback.take(begin(true));
        assert_eq!(playback.journey, []);
    }

    #[test]
    fn the_first_fault_is_the_one_to_tell() {
        let cause = PlaybackError::InvalidMessage;
        let mut playback = after([
            Action::Failed(cause.clone()),
            failed(PlaybackError::NoMediaSourceInWorkers),
        ]);
        assert_eq!(playback.fault, Some(cause));
        playback.take(begin(true));
        assert_eq!(playback.fault, None);
    }

    #[test]
    fn an_engine_that_dies_is_replaced_once_by_itself_and_then_if_a_person_says_so() {
        let lost = |position| lost(PlaybackError::WorkerUnresponsive, position);
        let playback = after([lost(4.0)]);
        assert_eq!((playback.replays, playback.from), (1, Some(4.0)));
        assert_eq!(playback.fault, None);
        let playback = after([lost(4.0), begin(false), shown(), lost(9.0)]);
        assert_eq!((playback.replays, playback.lost_at), (1, Some(9.0)));
        assert_eq!(playback.fault, Some(PlaybackError::WorkerUnresponsive));
        // It has come on meanwhile.
        let playback = after([lost(4.0), begin(false), shown(), lost(90.0)]);
        assert_eq!((playback.replays, playback.from), (2, Some(90.0)));
        assert_eq!(playback.fault, None);
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
        let mut playback = after([attached(), lost(PlaybackError::Detached, 4.0), lost(torn(), 0.0)]);
        assert_eq!((playback.replays, playback.from), (1, Some(4.0)));
        for action in [begin(false), shown(), lost(torn(), 0.0)] {
            playback.take(action);
        }
        assert_eq!((playback.replays, &playback.fault), (1, &None));
        let picture = playback.picture.as_ref().unwrap();
        assert!(picture.goes_on && picture.was_playing);
        // The new one fails there as well.
        playback.take(attached());
        playback.take(lost(torn(), 5.0));
        assert_eq!(playback.fault, Some(torn()));
    }

    #[test]
    fn an_element_that_never_showed_anything_is_not_tried_again() {
        let fault = torn();
        let lost = Action::Lost { fault, at: None };
        let playback = after([reached(Milestone::SrcObjectSet), lost]);
        assert_eq!((playback.replays, playback.fault), (0, Some(torn())));
    }

    #[test]
    fn an_element_that_fails_because_of_what_is_known_is_not_news() {
        let playback = after([Action::Failed(PlaybackError::InvalidMessage), lost(torn(), 4.0)]);
        assert_eq!(playback.replays, 0);
        assert_eq!(playback.fault, Some(PlaybackError::InvalidMessage));
    }

    #[test]
    fn what_was_chosen_is_kept_with_the_film() {
        let chosen = Choice {
            quality: Some(1),
            ..Choice::default()
        };
        let mut playback = after([Action::Choose(chosen), begin(false)]);
        assert_eq!(playback.chosen, chosen);
        playback.take(begin(true));
        assert_eq!(playback.chosen, Choice::default());
    }

    #[test]
    fn silence_is_a_fault_until_its_cause_is_known() {
        let silence = PlaybackError::WorkerTimeout { seconds: 6 };
        let playback = after([failed(silence), failed(PlaybackError::InvalidMessage)]);
        assert_eq!(playback.fault, Some(PlaybackError::InvalidMessage));
    }

    #[test]
    fn a_frame_of_the_film_before_is_not_this_ones_first() {
        let playback = after([reached(Milestone::FirstFrame)]);
        assert_eq!(playback.journey, []);
        let playback = after([reached(Milestone::SrcObjectSet), reached(Milestone::FirstFrame)]);
        assert_eq!(playback.journey.len(), 2);
    }
}
