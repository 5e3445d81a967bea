//! What the page knows of a playback, and how it comes to know it.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlVideoElement;
use yew::prelude::*;

use super::{
    address,
    link::{Link, News},
    observer,
};
use crate::{
    web::MediaSourceHandle,
    wire::{
        AudioTrack, BufferGoal, Event, Fault, Quality, Settings,
        journey::{Mark, Step},
    },
};

/// What the page knows of a playback, beside what the element knows itself: that is read off the
/// element, and never kept here a second time.
#[derive(Clone, Debug, Default)]
pub struct Playback {
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
    /// How often the person asked for it again …
    replays: u32,
    /// … and from where, in seconds of film.
    from: Option<f64>,
}

/// What a person has chosen, as positions in what there is; nothing leaves it to the player.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Choice {
    /// One of the qualities.
    pub quality: Option<u32>,
    /// One of the sounds.
    pub sound: Option<u32>,
}

/// A worker's MediaSource, and how to begin with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What `srcObject` is set to.
    pub handle: MediaSourceHandle,
    /// Where to begin, in seconds of film.
    pub start: f64,
    /// Whether it goes on where another one ended, in the same film: then it is paused if that was.
    pub goes_on: bool,
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
    /// A new session begins. The element keeps the old picture until the new handle is there.
    Begin,
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
        if let Action::Heard(Ok(Event::Levels { .. } | Event::Fetched { .. })) = action {
            // Nothing is drawn of these here, so nothing has to be drawn anew.
            return self;
        }
        let mut next = Rc::unwrap_or_clone(self);
        match action {
            Action::Replay { from } => {
                next.replays += 1;
                next.from = from;
            }
            Action::Choose(choice) => next.chosen = choice,
            Action::Begin => {
                next.fault = None;
                next.retrying = None;
                next.chosen = Choice::default();
                next.from = None;
                next.qualities.clear();
                next.sounds.clear();
                next.journey.clear();
            }
            // Until this session's film is attached, the element still shows that of the one before.
            Action::Reached(mark) if mark.step == Step::FirstFrame && !next.attached() => {}
            Action::Reached(mark) | Action::Heard(Ok(Event::Reached { mark, .. })) => {
                next.journey.push(mark);
            }
            Action::Heard(Ok(Event::Opened { handle, start, .. })) => {
                // The worker lives: what was feared of it is over.
                next.fault = None;
                let goes_on = next.attached();
                next.picture = Some(Picture {
                    handle,
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
            }
            Action::Heard(Ok(Event::Switched { bandwidth, .. })) => next.bandwidth = bandwidth,
            Action::Heard(Ok(Event::Retrying { fault, .. })) => next.retrying = fault,
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
                | Event::Jump { .. }
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

/// Plays a film in a worker of its own, until the component is gone. Another request is another session
/// in the same worker.
#[hook]
pub fn use_playback(request: &Request, video: &NodeRef) -> UseReducerHandle<Playback> {
    let playback = use_reducer(Playback::default);
    let link = use_mut_ref(|| None::<Link>);
    {
        let (link, video) = (link.clone(), video.clone());
        use_effect_with((), move |()| {
            let video = video.cast::<HtmlVideoElement>();
            let observer = video.as_ref().map(|video| {
                let link = link.clone();
                observer::observe(video, move |observation| {
                    if let Some(link) = &*link.borrow() {
                        link.observe(observation);
                    }
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
        let playback = playback.dispatcher();
        // Another goal is no reason to begin anew.
        let key = (request.without_goal(), replays);
        let mut request = request.clone();
        request.settings.start = from.unwrap_or(request.settings.start);
        use_effect_with(key, move |_| {
            let mut link = link.borrow_mut();
            // A worker is made for the first film, and for the next one if it is broken.
            let kept = link.take_if(|link| !link.is_broken());
            part(link.take(), None);
            let kept = kept.unwrap_or_else(|| Link::spawn(hearing(playback.clone(), video)));
            load(&request, link.insert(kept), &playback);
        });
    }
    {
        let link = link.clone();
        use_effect_with(request.settings.buffer, move |buffer| {
            if let Some(link) = &*link.borrow() {
                link.configure(*buffer);
            }
        });
    }
    {
        let link = link.clone();
        use_effect_with(playback.chosen, move |chosen| {
            if let Some(link) = &*link.borrow() {
                link.choose(*chosen);
            }
        });
    }
    playback
}

/// Begins a session.
fn load(request: &Request, link: &Link, playback: &Dispatcher) {
    playback.dispatch(Action::Begin);
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

/// Hears the worker, on behalf of a playback.
fn hearing(playback: Dispatcher, video: NodeRef) -> Callback<News> {
    Callback::from(move |news: News| {
        match &news {
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

/// Lets a worker go. The component may be gone before that is done; then its element, too, lets go.
fn part(link: Option<Link>, video: Option<HtmlVideoElement>) {
    if let Some(link) = link {
        spawn_local(link.close(video));
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

    fn failed(fault: Fault) -> Action {
        let session = SessionId::default();
        Action::Heard(Ok(Event::Failed { session, fault }))
    }

    #[test]
    fn a_session_begins_with_an_empty_journey() {
        let step = Step::LoadSent;
        let playback = after([Action::Reached(Mark { step, at: 1.0 })]);
        assert_eq!(playback.journey.len(), 1);
        assert_eq!(playback.reduce(Action::Begin).journey, []);
    }

    #[test]
    fn the_first_fault_is_the_one_to_tell() {
        let cause = Fault::Garbled;
        let playback = after([
            Action::Failed(cause.clone()),
            failed(Fault::NoMediaSourceInWorkers),
        ]);
        assert_eq!(playback.fault, Some(cause));
        let playback = playback.reduce(Action::Begin);
        assert_eq!(playback.fault, None);
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
