//! What the page knows of a playback, and how it comes to know it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlMediaElement, HtmlVideoElement, PageTransitionEvent, Window, window};
use yew::prelude::*;

use super::{
    address,
    link::{Link, News},
    observer::{self, Observer},
    way::Way,
};
use crate::{
    web::{self, MediaProvider},
    wire::{
        AudioTrack, BufferGoal, Event, Fault, Quality, Settings,
        journey::{Mark, Step, Thread},
        post::Letter,
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
    pub fault: Option<Fault>,
    /// Why it may have to wait: something is being fetched again.
    pub retrying: Option<Fault>,
    /// What a person may choose from, by ascending bandwidth.
    pub qualities: Vec<Quality>,
    /// Bits per second of what is being fetched.
    pub bandwidth: u64,
    /// What sounds there are to choose from.
    pub sounds: Vec<AudioTrack>,
    /// What a person has chosen.
    pub chosen: Choice,
    /// The steps taken so far, as they became known.
    pub journey: Vec<Mark>,
    /// How often a MediaSource list was told of; what was chosen is told to each anew.
    listed: u32,
    /// How often the same film was begun again …
    replays: u32,
    /// … and from where, in seconds of film.
    from: Option<f64>,
    /// The engine's thread, if that is not left to what was asked for and to the browser.
    thread: Option<Thread>,
    /// Whether a thread was asked for.
    was_asked: bool,
    /// Where the film was when its engine died, in seconds.
    pub lost_at: Option<f64>,
    /// What becomes of it when the engine dies.
    revival: Revival,
}

/// A film whose engine dies goes on with another one: once by itself, and then if a person says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Revival {
    /// It has not died.
    #[default]
    Unneeded,
    /// It has, and the next picture goes on where this one was.
    Underway,
    /// It had its one.
    Done,
}

/// What a person has chosen, as positions in what there is; nothing leaves it to the player.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Choice {
    /// One of the qualities.
    pub quality: Option<u32>,
    /// One of the sounds.
    pub sound: Option<u32>,
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
    /// The engine is gone in the middle of the film.
    Lost {
        /// What is known of it.
        fault: Fault,
        /// Where the film was, in seconds, if it had begun.
        at: Option<f64>,
    },
    /// A step was taken on the page.
    Reached(Mark),
    /// The worker spoke, or failed to.
    Heard(News),
    /// The page failed.
    Failed(Fault),
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
                self.thread = Some(Thread::Page);
            }
            Action::Lost { fault, at } if self.revival != Revival::Unneeded => {
                self.revival = Revival::Done;
                self.lost_at = at;
                self.fault = Some(fault);
            }
            Action::Lost { at, .. } => {
                self.revival = Revival::Underway;
                self.replays += 1;
                self.from = at;
            }
            Action::Choose(choice) => self.chosen = choice,
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
                }
            }
            Action::Show(picture) => self.picture = Some(picture),
            // Until this session's film is attached, the element still shows that of the one before.
            Action::Reached(mark) if mark.step == Step::FirstFrame && !self.attached() => {}
            Action::Reached(mark) | Action::Heard(Ok(Event::Reached { mark, .. })) => {
                self.journey.push(mark);
            }
            Action::Heard(Ok(Event::Opened { handle, start, .. })) => {
                // The worker lives: what was feared of it is over.
                self.fault = None;
                let goes_on = self.attached() || self.revival == Revival::Underway;
                if self.revival == Revival::Underway {
                    self.revival = Revival::Done;
                }
                self.picture = Some(Picture {
                    medium: Medium::Provided(handle),
                    start,
                    goes_on,
                });
            }
            Action::Heard(Ok(Event::Tracks {
                qualities, audio, ..
            })) => {
                // Another part of the film may list the same things in another order.
                let Choice { quality, sound } = self.chosen;
                self.chosen = Choice {
                    quality: same(quality, &self.qualities, &qualities),
                    sound: same(sound, &self.sounds, &audio),
                };
                (self.qualities, self.sounds) = (qualities, audio);
                self.listed += 1;
            }
            Action::Heard(Ok(Event::Switched { bandwidth, .. })) => self.bandwidth = bandwidth,
            Action::Heard(Ok(Event::Retrying { fault, .. })) => self.retrying = fault,
            // Workers were said to have what they lack.
            Action::Heard(Ok(Event::Failed {
                fault: Fault::NoMediaSourceInWorkers,
                ..
            })) if !self.was_asked && self.thread.is_none() => {
                self.replays += 1;
                self.thread = Some(Thread::Page);
            }
            // A film that the browser cannot play without an engine.
            Action::Failed(Fault::Element { code: 4, .. }) if self.way == Some(Way::Native) => {
                self.fault = Some(Fault::NoMediaSource);
            }
            Action::Heard(
                Ok(Event::Failed { fault, .. } | Event::AgentFailed { fault }) | Err(fault),
            )
            | Action::Failed(fault) => {
                // The first fault is the cause, and what follows from it is not news; but silence is
                // only what is known until its cause is.
                if matches!(self.fault, None | Some(Fault::WorkerSilent { .. })) {
                    self.fault = Some(fault);
                }
            }
            // Nothing is drawn of these here.
            Action::Heard(Ok(
                Event::Ready { .. }
                | Event::Detail { .. }
                | Event::Jump { .. }
                | Event::Pong
                | Event::Stopped { .. }
                | Event::Closed { .. },
            )) => return false,
        }
        true
    }

    /// Whether this session's MediaSource is the one that the element shows.
    fn attached(&self) -> bool {
        self.journey
            .iter()
            .any(|mark| mark.step == Step::SrcObjectSet)
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
    pub engine: Option<Thread>,
    /// As the worker gets them.
    pub settings: Settings,
}

impl Request {
    /// What takes another session if it changes.
    fn without_goal(&self) -> Self {
        let mut same = self.clone();
        same.settings.buffer = BufferGoal::default();
        same
    }
}

/// Where an element was last seen with a film, in seconds.
type LastSeen = Rc<Cell<Option<f64>>>;

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
    _return: Option<EventListener>,
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
                if element.ready_state() >= HtmlMediaElement::HAVE_METADATA {
                    last_seen.set(Some(observation.position));
                }
                link.observe(observation);
            })
        };
        Self {
            video: video.clone(),
            playback: playback.clone(),
            link,
            last_seen: last_seen.clone(),
            asked: None,
            wishes: None,
            _observer: observer,
            _return: window().map(|window| hear_return(&window, video, playback, last_seen)),
        }
    }

    /// Has it play this. Another request is another session of the same engine. What the engine says is
    /// also told to `onevent`.
    pub fn play(
        &mut self,
        request: &Request,
        playback: &Playback,
        onevent: &Callback<Letter<Event>>,
    ) {
        // Another goal is no reason to begin anew.
        let asked = (request.without_goal(), playback.replays);
        if self.asked.as_ref() != Some(&asked) {
            let before = self.asked.replace(asked);
            let is_other = before.is_none_or(|(before, _)| before != request.without_goal());
            self.begin(is_other, request, playback, onevent);
        }
        // What the worker has been told already is not said again.
        let wishes = (request.settings.buffer, playback.chosen, playback.listed);
        if self.wishes.replace(wishes) != Some(wishes)
            && let Some(link) = &*self.link.borrow()
        {
            link.configure(request.settings.buffer);
            link.choose(playback.chosen);
        }
    }

    /// Begins a session.
    fn begin(
        &self,
        is_other: bool,
        request: &Request,
        playback: &Playback,
        onevent: &Callback<Letter<Event>>,
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
        let kept = kept.unwrap_or_else(|| Link::spawn(thread, self.hearing(), onevent.clone()));
        self.load(request, playback, link.insert(kept));
    }

    /// Has the engine load the film.
    fn load(&self, request: &Request, playback: &Playback, link: &Link) {
        if let Some(spawned) = link.newly_spawned() {
            self.playback.emit(Action::Reached(spawned));
        }
        match address::resolve(&request.source) {
            Ok(url) => {
                self.playback
                    .emit(Action::Reached(Mark::now(Step::LoadSent)));
                let mut settings = request.settings.clone();
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
        self.playback.emit(match address::resolve(&request.source) {
            Ok(url) => Action::Show(Picture {
                medium: Medium::Url(url),
                start: playback.from.unwrap_or(request.settings.start),
                goes_on: false,
            }),
            Err(fault) => Action::Failed(fault),
        });
    }

    /// Hears the engine.
    fn hearing(&self) -> Callback<News> {
        let (playback, video) = (self.playback.clone(), self.video.clone());
        let last_seen = self.last_seen.clone();
        Callback::from(move |news: News| {
            match &news {
                Err(fault) if fault.is_death() => {
                    let (fault, at) = (fault.clone(), last_seen.get());
                    return playback.emit(Action::Lost { fault, at });
                }
                Ok(Event::Opened { .. }) => {
                    playback.emit(Action::Reached(Mark::now(Step::HandleArrived)));
                }
                Ok(Event::Jump { to, .. }) => video.set_current_time(*to),
                _ => {}
            }
            playback.emit(Action::Heard(news));
        })
    }
}

/// Has the film go on when the page comes back out of the browser's cache of pages, if the browser has let
/// go of its MediaSource meanwhile, as WebKit does.
fn hear_return(
    window: &Window,
    video: &HtmlVideoElement,
    playback: &Dispatcher,
    last_seen: LastSeen,
) -> EventListener {
    let (video, playback) = (video.clone(), playback.clone());
    EventListener::new(window, "pageshow", move |event| {
        let is_back = event.unchecked_ref::<PageTransitionEvent>().persisted();
        let is_gone = video.ready_state() == HtmlMediaElement::HAVE_NOTHING;
        if is_back && is_gone {
            let from = last_seen.get();
            playback.emit(Action::Replay { from });
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
    use crate::wire::SessionId;

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

    fn failed(fault: Fault) -> Action {
        let session = SessionId::default();
        Action::Heard(Ok(Event::Failed { session, fault }))
    }

    #[test]
    fn a_session_begins_with_an_empty_journey() {
        let step = Step::LoadSent;
        let mut playback = after([Action::Reached(Mark { step, at: 1.0 })]);
        assert_eq!(playback.journey.len(), 1);
        playback.take(begin(true));
        assert_eq!(playback.journey, []);
    }

    #[test]
    fn the_first_fault_is_the_one_to_tell() {
        let cause = Fault::Garbled;
        let mut playback = after([
            Action::Failed(cause.clone()),
            failed(Fault::NoMediaSourceInWorkers),
        ]);
        assert_eq!(playback.fault, Some(cause));
        playback.take(begin(true));
        assert_eq!(playback.fault, None);
    }

    #[test]
    fn an_engine_that_dies_is_replaced_once_by_itself_and_then_if_a_person_says_so() {
        let lost = |at| Action::Lost {
            fault: Fault::WorkerGone,
            at: Some(at),
        };
        let playback = after([lost(4.0)]);
        assert_eq!((playback.replays, playback.from), (1, Some(4.0)));
        assert_eq!(playback.fault, None);
        let playback = after([lost(4.0), begin(false), lost(9.0)]);
        assert_eq!((playback.replays, playback.lost_at), (1, Some(9.0)));
        assert_eq!(playback.fault, Some(Fault::WorkerGone));
    }

    #[test]
    fn what_was_chosen_is_kept_with_the_film() {
        let chosen = Choice {
            quality: Some(1),
            sound: None,
        };
        let mut playback = after([Action::Choose(chosen), begin(false)]);
        assert_eq!(playback.chosen, chosen);
        playback.take(begin(true));
        assert_eq!(playback.chosen, Choice::default());
    }

    #[test]
    fn silence_is_a_fault_until_its_cause_is_known() {
        let silence = Fault::WorkerSilent { seconds: 6 };
        let playback = after([failed(silence), failed(Fault::Garbled)]);
        assert_eq!(playback.fault, Some(Fault::Garbled));
    }

    #[test]
    fn a_frame_of_the_film_before_is_not_this_ones_first() {
        let reached = |step| Action::Reached(Mark { step, at: 1.0 });
        let playback = after([reached(Step::FirstFrame)]);
        assert_eq!(playback.journey, []);
        let playback = after([reached(Step::SrcObjectSet), reached(Step::FirstFrame)]);
        assert_eq!(playback.journey.len(), 2);
    }
}
