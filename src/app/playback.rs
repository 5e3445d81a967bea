//! What the page knows of a playback, and how it comes to know it.

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlMediaElement, HtmlVideoElement};
use yew::prelude::*;

use super::{
    address,
    link::{Link, News},
    observer,
    way::Way,
};
use crate::{
    web::{self, MediaProvider},
    wire::{
        AudioTrack, BufferGoal, Event, Fault, Quality, Settings,
        journey::{Mark, Step, Thread},
    },
};

/// What the page knows of a playback, beside what the element knows itself: that is read off the
/// element, and never kept here a second time.
#[derive(Clone, Debug, Default)]
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
pub type Dispatcher = UseReducerDispatcher<Playback>;

impl Reducible for Playback {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        if let Action::Heard(Ok(
            Event::Levels { .. } | Event::Fetched { .. } | Event::Evicted { .. },
        )) = action
        {
            // Nothing is drawn of these here, so nothing has to be drawn anew.
            return self;
        }
        let mut next = Rc::unwrap_or_clone(self);
        match action {
            Action::Replay { from } => {
                next.replays += 1;
                next.from = from;
            }
            Action::MoveToPage => {
                next.replays += 1;
                next.thread = Some(Thread::Page);
            }
            Action::Lost { fault, at } if next.revival != Revival::Unneeded => {
                next.revival = Revival::Done;
                next.lost_at = at;
                next.fault = Some(fault);
            }
            Action::Lost { at, .. } => {
                next.revival = Revival::Underway;
                next.replays += 1;
                next.from = at;
            }
            Action::Choose(choice) => next.chosen = choice,
            Action::Begin {
                is_other,
                way,
                was_asked,
            } => {
                next.way = way;
                next.was_asked = was_asked;
                next.fault = None;
                next.retrying = None;
                next.from = None;
                next.lost_at = None;
                next.journey.clear();
                if is_other {
                    next.revival = Revival::Unneeded;
                    next.chosen = Choice::default();
                    next.qualities.clear();
                    next.sounds.clear();
                }
            }
            Action::Show(picture) => next.picture = Some(picture),
            // Until this session's film is attached, the element still shows that of the one before.
            Action::Reached(mark) if mark.step == Step::FirstFrame && !next.attached() => {}
            Action::Reached(mark) | Action::Heard(Ok(Event::Reached { mark, .. })) => {
                next.journey.push(mark);
            }
            Action::Heard(Ok(Event::Opened { handle, start, .. })) => {
                // The worker lives: what was feared of it is over.
                next.fault = None;
                let goes_on = next.attached() || next.revival == Revival::Underway;
                if next.revival == Revival::Underway {
                    next.revival = Revival::Done;
                }
                next.picture = Some(Picture {
                    medium: Medium::Provided(handle),
                    start,
                    goes_on,
                });
            }
            Action::Heard(Ok(Event::Tracks {
                qualities, audio, ..
            })) => {
                // Another part of the film may list the same things in another order.
                let Choice { quality, sound } = next.chosen;
                next.chosen = Choice {
                    quality: same(quality, &next.qualities, &qualities),
                    sound: same(sound, &next.sounds, &audio),
                };
                (next.qualities, next.sounds) = (qualities, audio);
                next.listed += 1;
            }
            Action::Heard(Ok(Event::Switched { bandwidth, .. })) => next.bandwidth = bandwidth,
            Action::Heard(Ok(Event::Retrying { fault, .. })) => next.retrying = fault,
            // Workers were said to have what they lack.
            Action::Heard(Ok(Event::Failed {
                fault: Fault::NoMediaSourceInWorkers,
                ..
            })) if !next.was_asked && next.thread.is_none() => {
                next.replays += 1;
                next.thread = Some(Thread::Page);
            }
            // A film that the browser cannot play without an engine.
            Action::Failed(Fault::Element { code: 4, .. }) if next.way == Some(Way::Native) => {
                next.fault = Some(Fault::NoMediaSource);
            }
            Action::Heard(
                Ok(Event::Failed { fault, .. } | Event::AgentFailed { fault }) | Err(fault),
            )
            | Action::Failed(fault) => {
                // The first fault is the cause, and what follows from it is not news; but silence is
                // only what is known until its cause is.
                if matches!(next.fault, None | Some(Fault::WorkerSilent { .. })) {
                    next.fault = Some(fault);
                }
            }
            Action::Heard(Ok(
                Event::Ready { .. }
                | Event::Levels { .. }
                | Event::Fetched { .. }
                | Event::Evicted { .. }
                | Event::Jump { .. }
                | Event::Pong
                | Event::Stopped { .. }
                | Event::Closed { .. },
            )) => {}
        }
        next.into()
    }
}

/// The place in a new list of what had this place in the old one.
fn same<T: PartialEq>(place: Option<u32>, old: &[T], new: &[T]) -> Option<u32> {
    let item = old.get(usize::try_from(place?).ok()?)?;
    let place = new.iter().position(|other| other == item)?;
    u32::try_from(place).ok()
}

impl Playback {
    /// Whether this session's MediaSource is the one that the element shows.
    fn attached(&self) -> bool {
        self.journey
            .iter()
            .any(|mark| mark.step == Step::SrcObjectSet)
    }
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
type LastSeen = Rc<RefCell<Option<f64>>>;

/// Plays a film with an engine of its own, until the component is gone. Another request is another session
/// of the same engine. What the engine says is also told to `onevent`.
#[hook]
pub fn use_playback(
    request: &Request,
    video: &NodeRef,
    onevent: &Callback<Event>,
) -> UseReducerHandle<Playback> {
    let playback = use_reducer(Playback::default);
    let link = use_mut_ref(|| None::<Link>);
    let last_seen: LastSeen = use_mut_ref(|| None);
    let last_request = use_mut_ref(|| None::<Request>);
    {
        let (link, video, last_seen) = (link.clone(), video.clone(), last_seen.clone());
        use_effect_with((), move |()| {
            let video = video.cast::<HtmlVideoElement>();
            let observer = video.as_ref().map(|video| {
                let (link, element) = (link.clone(), video.clone());
                observer::observe(video, move |observation| {
                    let link = link.borrow();
                    let Some(link) = &*link else { return };
                    if web::is_bereft(&element) {
                        return link.mourn();
                    }
                    if element.ready_state() >= HtmlMediaElement::HAVE_METADATA {
                        last_seen.replace(Some(observation.position));
                    }
                    link.observe(observation);
                })
            });
            move || {
                drop(observer);
                part(link.take(), video);
            }
        });
    }
    {
        let (link, video) = (link.clone(), video.clone());
        let (replays, from) = (playback.replays, playback.from);
        let wanted = playback.thread.or(request.engine);
        let (playback, onevent) = (playback.dispatcher(), onevent.clone());
        // Another goal is no reason to begin anew.
        let asked = request.without_goal();
        let mut request = request.clone();
        request.settings.start = from.unwrap_or(request.settings.start);
        use_effect_with((asked, replays), move |(asked, _)| {
            last_seen.take();
            let way = Way::choose(wanted);
            playback.dispatch(Action::Begin {
                is_other: last_request.replace(Some(asked.clone())).as_ref() != Some(asked),
                way: way.clone().ok(),
                was_asked: asked.engine.is_some(),
            });
            let mut link = link.borrow_mut();
            let thread = match way {
                Ok(Way::Engine(thread)) => thread,
                Ok(Way::Native) => {
                    part(link.take(), None);
                    return show_natively(&request, &playback);
                }
                Err(fault) => return playback.dispatch(Action::Failed(fault)),
            };
            // An engine is made for the first film, and for the next one if it is broken.
            let kept = link.take_if(|link| !link.is_broken() && link.thread() == thread);
            part(link.take(), None);
            let kept = kept.unwrap_or_else(|| {
                Link::spawn(thread, hearing(playback.clone(), video, last_seen, onevent))
            });
            load(&request, link.insert(kept), &playback);
        });
    }
    // What the worker has been told already is not said again.
    let wishes = (request.settings.buffer, playback.chosen, playback.listed);
    use_effect_with(wishes, move |&(buffer, chosen, _)| {
        if let Some(link) = &*link.borrow() {
            link.configure(buffer);
            link.choose(chosen);
        }
    });
    playback
}

/// Begins a session.
fn load(request: &Request, link: &Link, playback: &Dispatcher) {
    if let Some(spawned) = link.newly_spawned() {
        playback.dispatch(Action::Reached(spawned));
    }
    match address::resolve(&request.source) {
        Ok(url) => {
            playback.dispatch(Action::Reached(Mark::now(Step::LoadSent)));
            link.load(url, request.settings.clone());
        }
        Err(fault) => {
            link.stop();
            playback.dispatch(Action::Failed(fault));
        }
    }
}

/// Leaves a film to the browser.
fn show_natively(request: &Request, playback: &Dispatcher) {
    playback.dispatch(match address::resolve(&request.source) {
        Ok(url) => Action::Show(Picture {
            medium: Medium::Url(url),
            start: request.settings.start,
            goes_on: false,
        }),
        Err(fault) => Action::Failed(fault),
    });
}

/// Hears the engine, on behalf of a playback.
fn hearing(
    playback: Dispatcher,
    video: NodeRef,
    last_seen: LastSeen,
    onevent: Callback<Event>,
) -> Callback<News> {
    Callback::from(move |news: News| {
        if let Ok(event) = &news {
            onevent.emit(event.clone());
        }
        match &news {
            Err(fault) if fault.is_death() => {
                let (fault, at) = (fault.clone(), *last_seen.borrow());
                return playback.dispatch(Action::Lost { fault, at });
            }
            Ok(Event::Opened { .. }) => {
                playback.dispatch(Action::Reached(Mark::now(Step::HandleArrived)));
            }
            Ok(Event::Jump { to, .. }) => {
                if let Some(video) = video.cast::<HtmlVideoElement>() {
                    video.set_current_time(*to);
                }
            }
            _ => {}
        }
        playback.dispatch(Action::Heard(news));
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

    fn after(actions: impl IntoIterator<Item = Action>) -> Rc<Playback> {
        actions
            .into_iter()
            .fold(Rc::default(), |playback: Rc<Playback>, action| {
                playback.reduce(action)
            })
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
        let playback = after([Action::Reached(Mark { step, at: 1.0 })]);
        assert_eq!(playback.journey.len(), 1);
        assert_eq!(playback.reduce(begin(true)).journey, []);
    }

    #[test]
    fn the_first_fault_is_the_one_to_tell() {
        let cause = Fault::Garbled;
        let playback = after([
            Action::Failed(cause.clone()),
            failed(Fault::NoMediaSourceInWorkers),
        ]);
        assert_eq!(playback.fault, Some(cause));
        let playback = playback.reduce(begin(true));
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
        let playback = after([Action::Choose(chosen), begin(false)]);
        assert_eq!(playback.chosen, chosen);
        assert_eq!(playback.reduce(begin(true)).chosen, Choice::default());
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
