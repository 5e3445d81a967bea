//! What the page knows of a playback, and how it comes to know it.

use std::{cell::RefCell, rc::Rc};

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
    tries: Tries,
}

/// How often the film was begun anew, and how often with a fresh worker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tries {
    workers: u32,
    loads: u32,
}

/// What changes it.
pub enum Action {
    /// The person wants the film from its beginning: with a new MediaSource, and with a new worker if
    /// it takes one.
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
            Action::Replay => {
                let broken = next.fault.as_ref().is_some_and(Fault::needs_new_worker);
                next.tries.workers += u32::from(broken);
                next.tries.loads += 1;
            }
            Action::Begin => {
                next.fault = None;
                next.journey.clear();
            }
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
                // The first fault is the cause; what follows from it is not news.
                next.fault.get_or_insert(fault);
            }
            Action::Heard(Ok(
                Event::Ready { .. } | Event::Stopped { .. } | Event::Closed { .. },
            )) => {}
        }
        next.into()
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
    let tries = playback.tries;
    {
        let (link, video, playback) = (link.clone(), video.clone(), playback.dispatcher());
        use_effect_with(tries.workers, move |_| {
            link.replace(Some(Link::spawn(hearing(playback))));
            let video = video.cast::<HtmlVideoElement>();
            move || part(&link, video)
        });
    }
    {
        let playback = playback.dispatcher();
        use_effect_with((source.clone(), showing, tries), move |(source, ..)| {
            load(source, &link.borrow(), &playback);
        });
    }
    playback
}

/// Begins a session with the film at `source`.
fn load(source: &str, link: &Option<Link>, playback: &Dispatcher) {
    // The effect that spawns the worker has run before this one.
    let Some(link) = link else { return };
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

/// Lets the worker go. The component may be gone before that is done.
fn part(link: &RefCell<Option<Link>>, video: Option<HtmlVideoElement>) {
    if let Some(link) = link.take() {
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
    fn a_broken_worker_is_replaced_and_a_good_one_kept() {
        let reason = String::new();
        for (fault, workers) in [
            (Fault::WorkerDied { reason }, 1),
            (Fault::WorkerSilent { seconds: 6 }, 1),
            (Fault::BufferFull, 0),
        ] {
            let playback = after([failed(fault.clone()), Action::Replay]);
            assert_eq!(playback.tries, Tries { workers, loads: 1 }, "{fault}");
        }
    }
}
