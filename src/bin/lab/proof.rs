//! Freeze the page: the same film twice, fed by a worker and fed by the page, and what becomes of either
//! while the page's thread is blocked.

use std::{cell::RefCell, rc::Rc};

use gloo_timers::{callback::Interval, future::TimeoutFuture};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, HtmlInputElement, HtmlSelectElement, HtmlVideoElement};
use yew::prelude::*;
use yew_mse_worker::{
    app::Player,
    web,
    wire::{self, BufferGoal, Detail, journey::Thread, post::Message},
};

use crate::element;

/// What both play.
const FILM: &str = "film/film.mpd";
/// Little enough that the one that is not fed comes to a stand soon, in seconds of film.
const GOAL: BufferGoal = BufferGoal {
    ahead: 3.0,
    behind: 10.0,
};
/// For how long the page can be frozen, in seconds.
const CHOICES: [u32; 4] = [2, 5, 10, 15];
/// A busy page works for so many milliseconds of each [`ROUND`].
const WORK: f64 = 250.0;
const ROUND: u32 = 300;
/// How long the films may take to be ready for a freeze, in looks at them and milliseconds between two.
const LOOKS: u32 = 150;
const LOOK: u32 = 100;

/// Puts the proof into an element, for as long as what is returned is held.
///
/// # Errors
/// Those of a document that is going.
pub fn put_into(panel: Element) -> Result<yew::AppHandle<Proof>, JsValue> {
    // Yew takes an element of its own, and empties it.
    let root = element::add(&panel, "div", "proof")?;
    Ok(yew::Renderer::<Proof>::with_root(root).render())
}

/// What happens to the films right now.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// They play.
    Playing,
    /// They are brought to where a freeze of so many seconds can begin.
    Preparing(u32),
    /// They would not play.
    Unready,
}

/// What a freeze did.
#[derive(Clone, PartialEq)]
struct Freeze {
    /// How long it was, in seconds.
    length: f64,
    films: [Outcome; 2],
}

/// What it did to one film.
#[derive(Clone, Default, PartialEq)]
struct Outcome {
    /// Seconds of film that were played.
    played: f64,
    /// Frames that were due and not shown.
    dropped: u32,
    /// Seconds that were buffered ahead at its end.
    level: f64,
    /// When segments were appended, in seconds after it began.
    fed: Vec<f64>,
}

/// When a film's segments were appended, in milliseconds since the Unix epoch.
type Record = Rc<RefCell<Vec<f64>>>;

/// The two films, the button that freezes the page, and what every freeze did.
#[component]
pub fn Proof() -> Html {
    let pair = use_node_ref();
    let records = use_memo((), |()| [Record::default(), Record::default()]);
    let seconds = use_state(|| 10);
    let stage = use_state(|| Stage::Playing);
    let freezes = use_state(Vec::<Freeze>::new);
    let busy = use_mut_ref(|| None::<Interval>);

    let onlength = {
        let seconds = seconds.setter();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            if let Some(length) = select.and_then(|select| select.value().parse().ok()) {
                seconds.set(length);
            }
        })
    };
    let onbusy = Callback::from(move |event: Event| {
        let is_on = event
            .target_dyn_into::<HtmlInputElement>()
            .is_some_and(|input| input.checked());
        busy.replace(is_on.then(|| Interval::new(ROUND, || block(WORK))));
    });
    let onfreeze = {
        let (pair, records, seconds) = (pair.clone(), records.clone(), *seconds);
        let (stage, freezes) = (stage.clone(), freezes.clone());
        Callback::from(move |_| {
            let films = films(&pair);
            let (records, stage, freezes) = (records.clone(), stage.clone(), freezes.clone());
            stage.set(Stage::Preparing(seconds));
            spawn_local(async move {
                let outcome = match films {
                    Some(films) => freeze(films, &records, seconds).await,
                    None => None,
                };
                stage.set(match outcome {
                    Some(_) => Stage::Playing,
                    None => Stage::Unready,
                });
                if let Some(outcome) = outcome {
                    freezes.set([vec![outcome], (*freezes).clone()].concat());
                }
            });
        })
    };
    let is_whole = web::workers_have_media_source();
    let film = |nth: usize, thread: Thread, title: &'static str| {
        let record = records[nth].clone();
        let onletter = Callback::from(move |message| {
            if let Message::Said(letter) = message
                && let Ok(wire::Event::Detail { detail, .. }) = letter.open()
                && let Ok(Detail::Fetched(fetched)) = detail.open()
                && fetched.appended
            {
                record.borrow_mut().push(fetched.done);
            }
        });
        html! {
            <figure data-fed-by={title}>
                <figcaption>{ "fed by the " }<strong>{ title }</strong></figcaption>
                <Player
                    source={FILM}
                    buffer={GOAL}
                    engine={is_whole.then_some(thread)}
                    journey=false
                    {onletter}
                />
            </figure>
        }
    };
    html! {
        <>
            <p>
                { "The same film twice, with 3 seconds wanted in the buffer. A worker feeds the left one, and this \
                   page’s own thread the right one. Block that thread, and watch which goes on." }
            </p>
            if !is_whole {
                <p>{ "This browser has no MediaSource in workers: the page feeds both, and both will stand still." }</p>
            }
            <div class="row">
                <button type="button" class="freeze" onclick={onfreeze} disabled={matches!(*stage, Stage::Preparing(_))}>
                    { format!("Freeze the page for {} s", *seconds) }
                </button>
                <label>
                    { "for " }
                    <select onchange={onlength}>
                        { for CHOICES.iter().map(|choice| html! {
                            <option value={choice.to_string()} selected={choice == &*seconds}>{ format!("{choice} s") }</option>
                        }) }
                    </select>
                </label>
                <label><input type="checkbox" onchange={onbusy} />{ " Busy page: work for 250 ms of every 300" }</label>
            </div>
            <p role="status">{ words(*stage) }</p>
            <div class="pair" ref={pair}>
                { film(0, Thread::Worker, "worker") }
                { film(1, Thread::Page, "page") }
            </div>
            <ol class="freezes" aria-live="polite">{ for freezes.iter().map(drawn) }</ol>
        </>
    }
}

fn words(stage: Stage) -> String {
    match stage {
        Stage::Playing => String::new(),
        Stage::Preparing(seconds) => {
            format!("Once both play, nothing on this page will answer for {seconds} s.")
        }
        Stage::Unready => "The films do not play, so there is nothing to see. Try again.".into(),
    }
}

/// A freeze, drawn along its time: what was played of either film, and when its segments came.
fn drawn(freeze: &Freeze) -> Html {
    let scale = |seconds: f64| format!("{:.1}", seconds / freeze.length * 1000.0);
    let lane = |name: &'static str, film: &Outcome| {
        let played = film.played.min(freeze.length);
        html! {
            <div class="lane" data-fed-by={name}>
                <span>{ name }</span>
                <svg viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="time" width="1000" height="16" />
                    <rect class="share" width={scale(played)} height="16" />
                    { for film.fed.iter().map(|at| html! { <rect class="append" x={scale(*at)} width="3" height="16" /> }) }
                </svg>
                <span class="words">
                    { format!(
                        "{:.1} s of {:.1} s played, {} segments appended, {} frames dropped, {:.1} s buffered at the end",
                        film.played, freeze.length, film.fed.len(), film.dropped, film.level,
                    ) }
                </span>
            </div>
        }
    };
    let [worker, page] = &freeze.films;
    html! { <li>{ lane("worker", worker) }{ lane("page", page) }</li> }
}

/// The two elements, once both are there.
fn films(pair: &NodeRef) -> Option<[HtmlVideoElement; 2]> {
    let found = pair.cast::<Element>()?.query_selector_all("video").ok()?;
    let film = |nth| found.get(nth)?.dyn_into().ok();
    Some([film(0)?, film(1)?])
}

/// Blocks this thread, as a page does that has too much to do.
fn block(milliseconds: f64) {
    let until = web::now() + milliseconds;
    while web::now() < until {}
}

/// Brings both films to where they can be frozen, freezes the page, and sees what that did. `None` if they
/// do not get ready.
async fn freeze(
    films: [HtmlVideoElement; 2],
    records: &[Record; 2],
    seconds: u32,
) -> Option<Freeze> {
    let length = f64::from(seconds);
    for film in &films {
        let is_too_late = film.current_time() + length + 2.0 > film.duration();
        if is_too_late {
            film.set_current_time(0.0);
        }
        if let Ok(playing) = film.play() {
            // If it is refused, the film does not get ready.
            spawn_local(async move {
                let _ = JsFuture::from(playing).await;
            });
        }
    }
    let mut looks = 0;
    while !films.iter().all(is_ready) {
        looks += 1;
        if looks > LOOKS {
            return None;
        }
        TimeoutFuture::new(LOOK).await;
    }

    let since = web::now();
    let before = films.each_ref().map(Reading::of);
    block(length * 1000.0);
    let length = (web::now() - since) / 1000.0;
    // In the task that was blocked, elements still say what they said before.
    TimeoutFuture::new(0).await;
    let after = films.each_ref().map(Reading::of);
    // What the worker said meanwhile is still on its way.
    TimeoutFuture::new(LOOK).await;

    let outcome = |nth: usize| {
        let at = records[nth].borrow();
        let fed = at.iter().map(|at| (at - since) / 1000.0);
        Outcome {
            played: after[nth].position - before[nth].position,
            dropped: after[nth].dropped - before[nth].dropped,
            level: after[nth].level,
            fed: fed.filter(|at| (0.0..length).contains(at)).collect(),
        }
    };
    let films = [outcome(0), outcome(1)];
    Some(Freeze { length, films })
}

/// Whether a film plays, and has in its buffer what is wanted there.
fn is_ready(film: &HtmlVideoElement) -> bool {
    !film.paused() && !film.seeking() && Reading::of(film).level > GOAL.ahead - 1.0
}

/// What an element says of its film.
struct Reading {
    position: f64,
    level: f64,
    dropped: u32,
}

impl Reading {
    fn of(film: &HtmlVideoElement) -> Self {
        let position = film.current_time();
        let buffered = film.buffered();
        let ahead = |nth| {
            let (start, end) = (buffered.start(nth).ok()?, buffered.end(nth).ok()?);
            (start <= position && position < end).then_some(end - position)
        };
        Self {
            position,
            level: (0..buffered.length()).find_map(ahead).unwrap_or(0.0),
            dropped: film.get_video_playback_quality().dropped_video_frames(),
        }
    }
}
