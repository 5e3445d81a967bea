//! What the page knows of a playback, and how it comes to know it.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlVideoElement;
use yew::prelude::*;

use super::{
    address,
    link::{Link, News},
};
use crate::{
    web::MediaSourceHandle,
    wire::{
        Event, Fault,
        journey::{Mark, Step},
    },
};

/// What the page knows of a playback, beside what the element knows itself: that is read off the
/// element, and never kept here a second time.
#[derive(Clone, Debug, Default)]
pub struct Playback {
    /// What to show: the worker's MediaSource, once it is there.
    pub handle: Option<MediaSourceHandle>,
    /// Why it cannot go on.
    pub fault: Option<Fault>,
    /// The steps taken so far, as they became known.
    pub journey: Vec<Mark>,
    /// How often the person asked for it again.
    replays: u32,
}

/// What changes it.
pub enum Action {
    /// The person asks for the film again: with a new MediaSource, from where it began.
    Replay,
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
        let mut next = Rc::unwrap_or_clone(self);
        match action {
            Action::Replay => next.replays += 1,
            Action::Begin => {
                next.fault = None;
                next.journey.clear();
            }
            // Until this session's film is attached, the element still shows that of the one before.
            Action::Reached(mark) if mark.step == Step::FirstFrame && !next.attached() => {}
            Action::Reached(mark) | Action::Heard(Ok(Event::Reached { mark, .. })) => {
                next.journey.push(mark);
            }
            Action::Heard(Ok(Event::Opened { handle, .. })) => {
                // The worker lives: what was feared of it is over.
                next.fault = None;
                next.handle = Some(handle);
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
                Event::Ready { .. } | Event::Stopped { .. } | Event::Closed { .. },
            )) => {}
        }
        next.into()
    }
}

impl Playback {
    /// Whether this session's MediaSource is the one that the element shows.
    fn attached(&self) -> bool {
        self.journey
            .iter()
            .any(|mark| mark.step == Step::SrcObjectSet)
    }
}

/// Plays the film at `source` in a worker of its own, until the component is gone. Another source, or
/// another showing of the same, is another session in the same worker.
#[hook]
pub fn use_playback(
    source: &AttrValue,
    showing: u32,
    video: &NodeRef,
) -> UseReducerHandle<Playback> {
    let playback = use_reducer(Playback::default);
    let link = use_mut_ref(|| None::<Link>);
    {
        let (link, video) = (link.clone(), video.clone());
        use_effect_with((), move |()| {
            let video = video.cast::<HtmlVideoElement>();
            move || part(link.take(), video)
        });
    }
    {
        let (replays, playback) = (playback.replays, playback.dispatcher());
        use_effect_with((source.clone(), showing, replays), move |(source, ..)| {
            let mut link = link.borrow_mut();
            // A worker is made for the first film, and for the next one if it is broken.
            let kept = link.take_if(|link| !link.is_broken());
            part(link.take(), None);
            let kept = kept.unwrap_or_else(|| Link::spawn(hearing(playback.clone())));
            load(source, link.insert(kept), &playback);
        });
    }
    playback
}

/// Begins a session with the film at `source`.
fn load(source: &str, link: &Link, playback: &Dispatcher) {
    playback.dispatch(Action::Begin);
    if let Some(spawned) = link.newly_spawned() {
        playback.dispatch(Action::Reached(spawned));
    }
    match address::resolve(source) {
        Ok(url) => {
            playback.dispatch(Action::Reached(Mark::now(Step::LoadSent)));
            link.load(url);
        }
        Err(fault) => {
            link.stop();
            playback.dispatch(Action::Failed(fault));
        }
    }
}

/// Hears the worker, on behalf of a playback.
fn hearing(playback: Dispatcher) -> Callback<News> {
    Callback::from(move |news: News| {
        if let Ok(Event::Opened { .. }) = news {
            playback.dispatch(Action::Reached(Mark::now(Step::HandleArrived)));
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
