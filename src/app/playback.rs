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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Playback {
    /// What to show: the worker's MediaSource, once it is there.
    pub handle: Option<MediaSourceHandle>,
    /// Why it cannot go on. What is buffered still plays.
    pub fault: Option<Fault>,
    /// The steps taken so far.
    pub journey: Vec<Mark>,
}

/// What changes it.
pub enum Action {
    /// A new session begins. The element keeps the old picture until the new handle is there.
    Begin,
    /// A step was taken on the page.
    Reached(Mark),
    /// The worker spoke.
    Heard(Event),
    /// Something failed.
    Failed(Fault),
}

impl Reducible for Playback {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = Rc::unwrap_or_clone(self);
        match action {
            Action::Begin => {
                next.fault = None;
                next.journey.clear();
            }
            Action::Reached(mark) | Action::Heard(Event::Reached { mark, .. }) => {
                next.journey.push(mark);
            }
            Action::Heard(Event::Opened { handle, .. }) => {
                // The worker lives: what was feared of it is over.
                next.fault = None;
                next.handle = Some(handle);
            }
            Action::Heard(Event::Failed { fault, .. } | Event::AgentFailed { fault })
            | Action::Failed(fault) => {
                // The first fault is the cause; what follows from it is not news.
                next.fault.get_or_insert(fault);
            }
            Action::Heard(Event::Ready { .. } | Event::Stopped { .. } | Event::Closed { .. }) => {}
        }
        next.into()
    }
}

/// Which try this is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tries {
    workers: u32,
    loads: u32,
}

/// A playback, and what its player may ask of it.
pub struct Engine {
    /// What is known of it.
    pub playback: UseReducerHandle<Playback>,
    /// Plays the film from its beginning, with a new MediaSource, and a new worker if it takes one.
    pub replay: Callback<()>,
}

/// Plays the film at `source` in a worker of its own, until the component is gone.
#[hook]
pub fn use_engine(source: &AttrValue, video: &NodeRef) -> Engine {
    let playback = use_reducer(Playback::default);
    let tries = use_state(Tries::default);
    let link = use_mut_ref(|| None::<Link>);

    let hear = use_callback(playback.dispatcher(), |news: News, playback| {
        if let Ok(Event::Opened { .. }) = news {
            playback.dispatch(Action::Reached(Mark::now(Step::HandleArrived)));
        }
        playback.dispatch(match news {
            Ok(event) => Action::Heard(event),
            Err(fault) => Action::Failed(fault),
        });
    });

    let spawned_at = use_mut_ref(|| None::<Mark>);
    {
        let (link, video, spawned_at) = (link.clone(), video.clone(), spawned_at.clone());
        use_effect_with(tries.workers, move |_| {
            spawned_at.replace(Some(Mark::now(Step::AgentSpawned)));
            link.replace(Some(Link::spawn(hear)));
            let video = video.cast::<HtmlVideoElement>();
            move || part(&link, video)
        });
    }
    {
        let playback = playback.dispatcher();
        use_effect_with((source.clone(), *tries), move |(source, _)| {
            playback.dispatch(Action::Begin);
            if let Some(spawned) = spawned_at.take() {
                playback.dispatch(Action::Reached(spawned));
            }
            match address::resolve(source) {
                Ok(url) => {
                    playback.dispatch(Action::Reached(Mark::now(Step::LoadSent)));
                    if let Some(link) = &*link.borrow() {
                        link.load(url);
                    }
                }
                Err(fault) => playback.dispatch(Action::Failed(fault)),
            }
        });
    }

    let replay = {
        let playback = playback.clone();
        Callback::from(move |()| {
            let broken = playback.fault.as_ref().is_some_and(Fault::needs_new_worker);
            tries.set(Tries {
                workers: tries.workers + u32::from(broken),
                loads: tries.loads + 1,
            });
        })
    };
    Engine { playback, replay }
}

/// Lets the worker go. The component may be gone before that is done.
fn part(link: &RefCell<Option<Link>>, video: Option<HtmlVideoElement>) {
    if let Some(link) = link.take() {
        spawn_local(link.close(video));
    }
}
