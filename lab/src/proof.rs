//! Freeze the page: the same film twice, fed by a worker and fed by the page, and what becomes of either
//! while the page's thread is blocked, or has little time.

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use gloo_timers::{callback::Interval, future::TimeoutFuture};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, HtmlInputElement, HtmlSelectElement, HtmlVideoElement};
use yew::prelude::*;
use yew_mse_worker::{
    platform::web,
    player::Player,
    protocol::{self, BufferGoal, Diagnostic, Message, milestone::EngineLocation},
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
/// How far the page's clock and a film's may be apart, in milliseconds.
const SLACK: f64 = 500.0;
/// A film that has come no further than this has not moved, in seconds of film.
const LEAST: f64 = 0.2;
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

/// What befell the page's thread.
#[derive(Clone, Copy)]
enum Trouble {
    /// It did nothing else at all.
    Frozen,
    /// It had little time for anything else.
    Busy,
}

/// What that did.
struct Report {
    trouble: Trouble,
    /// How long it was, in seconds.
    length: f64,
    films: [Outcome; 2],
}

/// What it did to one film.
struct Outcome {
    /// Seconds of film that were played.
    played: f64,
    /// For how many seconds it stood still.
    stalled: f64,
    /// Frames that were due and not shown.
    dropped: u32,
    /// Seconds that were buffered ahead at its end.
    level: f64,
    /// When segments were appended, in seconds after it began.
    fed: Vec<f64>,
    /// The least that was buffered ahead as its worker saw it, in seconds; `None` if it has none.
    least: Option<f64>,
}

/// What a film's engine says of its doings.
#[derive(Default)]
struct Log {
    /// When segments were appended, in milliseconds since the Unix epoch.
    appended: Vec<f64>,
    /// How much was buffered ahead of where the engine took the film to be, one time after the other.
    levels: Vec<f64>,
}

type Record = Rc<RefCell<Log>>;

/// The two films, the button that freezes the page, and what became of them each time.
#[component]
pub fn Proof() -> Html {
    let pair = use_node_ref();
    let records = use_memo((), |()| [Record::default(), Record::default()]);
    let seconds = use_state(|| 10);
    let stage = use_state(|| Stage::Playing);
    let reports = use_mut_ref(Vec::<Report>::new);
    let busy = use_mut_ref(|| None::<(Interval, Option<Watch>)>);
    let redraw = use_force_update();

    let onlength = {
        let seconds = seconds.setter();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            if let Some(length) = select.and_then(|select| select.value().parse().ok()) {
                seconds.set(length);
            }
        })
    };
    let onbusy = {
        let (pair, records) = (pair.clone(), records.clone());
        let (reports, redraw) = (reports.clone(), redraw.clone());
        Callback::from(move |event: Event| {
            let is_on = event
                .target_dyn_into::<HtmlInputElement>()
                .is_some_and(|input| input.checked());
            let is_now = is_on.then(|| {
                let watch = films(&pair).map(|films| Watch::begin(films, &records));
                (Interval::new(ROUND, || block(WORK)), watch)
            });
            if let Some((_, Some(watch))) = busy.replace(is_now) {
                let report = watch.end(Trouble::Busy, web::now());
                reports.borrow_mut().insert(0, report);
                redraw.force_update();
            }
        })
    };
    let onfreeze = {
        let (pair, records, seconds) = (pair.clone(), records.clone(), *seconds);
        let (stage, reports, redraw) = (stage.clone(), reports.clone(), redraw);
        Callback::from(move |_| {
            let films = films(&pair);
            let (records, stage) = (records.clone(), stage.clone());
            let (reports, redraw) = (reports.clone(), redraw.clone());
            stage.set(Stage::Preparing(seconds));
            spawn_local(async move {
                let report = match films {
                    Some(films) => freeze(films, &records, seconds).await,
                    None => None,
                };
                stage.set(match report {
                    Some(_) => Stage::Playing,
                    None => Stage::Unready,
                });
                if let Some(report) = report {
                    reports.borrow_mut().insert(0, report);
                    redraw.force_update();
                }
            });
        })
    };
    let is_whole = web::workers_have_media_source();
    let film = |nth: usize, thread: EngineLocation, title: &'static str| {
        let record = records[nth].clone();
        let onletter = Callback::from(move |message| {
            if let Message::Event(letter) = message
                && let Ok(protocol::Event::Diagnostics { diagnostic, .. }) = letter.unpack()
                && let Ok(detail) = diagnostic.decode()
            {
                let is_elsewhere = is_whole && thread == EngineLocation::Worker;
                record.borrow_mut().take(&detail, is_elsewhere);
            }
        });
        html! {
            <figure data-fed-by={title}>
                <figcaption>{ "fed by the " }<strong>{ title }</strong></figcaption>
                <Player
                    source={FILM}
                    buffer={GOAL}
                    engine={is_whole.then_some(thread)}
                    show_milestones=false
                    on_message={onletter}
                />
            </figure>
        }
    };
    html! {
        <>
            <p>
                { "The same film twice, with 3 seconds wanted in the buffer. A worker feeds one, and this \
                   page’s own thread the other. Block that thread, and watch which goes on." }
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
                { film(0, EngineLocation::Worker, "worker") }
                { film(1, EngineLocation::Page, "page") }
            </div>
            <ol class="freezes" aria-live="polite">{ for reports.borrow().iter().map(drawn) }</ol>
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

/// What happened, drawn along its time: what was played of either film, and when its segments came.
fn drawn(report: &Report) -> Html {
    let Report {
        trouble, length, ..
    } = report;
    let scale = |seconds: f64| format!("{:.1}", seconds / length * 1000.0);
    let lane = |name: &'static str, film: &Outcome| {
        let played = film.played.clamp(0.0, *length);
        html! {
            <div class="lane" data-fed-by={name}>
                <span>{ name }</span>
                <svg viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="time" width="1000" height="16" />
                    <rect class="share" width={scale(played)} height="16" />
                    { for film.fed.iter().map(|at| html! { <rect class="append" x={scale(*at)} width="3" height="16" /> }) }
                </svg>
                <span class="words">
                    { format!("{:.1} s of {length:.1} s played, ", film.played) }
                    <strong>{ film.stall() }</strong>
                    { format!(
                        "; {} segments appended, {} frames dropped, {:.1} s buffered at the end{}",
                        film.fed.len(), film.dropped, film.level, film.low(),
                    ) }
                </span>
            </div>
        }
    };
    let what = match trouble {
        Trouble::Frozen => "Frozen",
        Trouble::Busy => "Busy",
    };
    let [worker, page] = &report.films;
    html! {
        <li>
            <p>{ format!("{what} for {length:.1} s") }</p>
            { lane("worker", worker) }
            { lane("page", page) }
        </li>
    }
}

impl Outcome {
    fn stall(&self) -> String {
        if self.stalled > 0.0 {
            format!("stalled for {:.1} s", self.stalled)
        } else {
            "never stalled".into()
        }
    }

    fn low(&self) -> String {
        let least = |least| format!(", never less than {least:.1} s as its worker saw it");
        self.least.map(least).unwrap_or_default()
    }
}

impl Log {
    /// Of an engine that is blocked with the page, only what it appends is worth anything.
    fn take(&mut self, detail: &Diagnostic, is_elsewhere: bool) {
        match detail {
            Diagnostic::SegmentFinished(fetched) if fetched.appended => {
                self.appended.push(fetched.finished_at)
            }
            Diagnostic::BufferLevels {
                levels, position, ..
            } if is_elsewhere => {
                let ahead = |(start, end): &(f64, f64)| {
                    (start <= position && position < end).then_some(end - position)
                };
                let of_buffers = levels
                    .iter()
                    .map(|level| level.buffered.iter().find_map(ahead).unwrap_or(0.0));
                self.levels.extend(of_buffers.reduce(f64::min));
            }
            _ => {}
        }
    }
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
) -> Option<Report> {
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
    loop {
        let before = films.each_ref().map(|film| film.current_time());
        TimeoutFuture::new(LOOK).await;
        let mut pairs = films.iter().zip(before);
        if pairs.all(|(film, before)| is_ready(film) && film.current_time() > before) {
            break;
        }
        looks += 1;
        if looks > LOOKS {
            return None;
        }
    }

    let mut watch = Watch::begin(films, records);
    block(length * 1000.0);
    let until = web::now();
    // In the task that was blocked, elements still say what they said before.
    TimeoutFuture::new(0).await;
    watch.look();
    // What the workers and the elements said meanwhile is still on its way.
    TimeoutFuture::new(LOOK).await;
    Some(watch.end(Trouble::Frozen, until))
}

/// Sees what becomes of the two films from its beginning to its end.
struct Watch {
    /// When it began, in milliseconds since the Unix epoch.
    since: f64,
    films: [Film; 2],
}

/// What it knows of one of them.
struct Film {
    element: HtmlVideoElement,
    before: Reading,
    after: Option<Reading>,
    pace: Rc<RefCell<Pace>>,
    record: Record,
    /// How much the record said before.
    known: usize,
    _listeners: [EventListener; 5],
}

impl Watch {
    fn begin(films: [HtmlVideoElement; 2], records: &[Record; 2]) -> Self {
        let since = web::now();
        let mut records = records.iter().cloned();
        let films = films.map(|film| Film::watched(film, records.next().unwrap_or_default()));
        Self { since, films }
    }

    /// Reads off the elements how far they have come. Without that, it is done at the end.
    fn look(&mut self) {
        for film in &mut self.films {
            film.after = Some(Reading::of(&film.element));
        }
    }

    /// What happened until then.
    fn end(self, trouble: Trouble, until: f64) -> Report {
        Report {
            trouble,
            length: (until - self.since) / 1000.0,
            films: self.films.map(|film| film.outcome(self.since, until)),
        }
    }
}

impl Film {
    fn watched(element: HtmlVideoElement, record: Record) -> Self {
        let before = Reading::of(&element);
        let pace = Rc::new(RefCell::new(Pace {
            moved: (web::now(), before.position),
            still_since: None,
            stood: 0.0,
        }));
        let listeners = ["timeupdate", "waiting", "playing", "pause", "ended"].map(|kind| {
            let (pace, film) = (pace.clone(), element.clone());
            EventListener::new(&element, kind, move |_| {
                pace.borrow_mut().heard(kind, &film);
            })
        });
        let known = record.borrow().levels.len();
        Self {
            element,
            before,
            after: None,
            pace,
            record,
            known,
            _listeners: listeners,
        }
    }

    fn outcome(self, since: f64, until: f64) -> Outcome {
        let after = self.after.unwrap_or_else(|| Reading::of(&self.element));
        let record = self.record.borrow();
        let levels = record.levels.iter().skip(self.known).copied();
        let fed = record.appended.iter();
        Outcome {
            played: after.position - self.before.position,
            stalled: self.pace.borrow().stood(&after, until) / 1000.0,
            dropped: after.dropped.saturating_sub(self.before.dropped),
            level: after.level,
            fed: fed
                .filter(|at| (since..until).contains(at))
                .map(|at| (at - since) / 1000.0)
                .collect(),
            least: levels.reduce(f64::min),
        }
    }
}

/// How a film moves, by what its element says. What that says while the page's thread is blocked is heard
/// after it, so when a stall began is told by where the film has come to.
struct Pace {
    /// When it was last known to move, in milliseconds since the Unix epoch, and where it was.
    moved: (f64, f64),
    /// Since when it stands still, if it does.
    still_since: Option<f64>,
    /// For how long it has stood still before that, in milliseconds.
    stood: f64,
}

impl Pace {
    fn heard(&mut self, kind: &str, film: &HtmlVideoElement) {
        let (now, position) = (web::now(), film.current_time());
        match kind {
            "waiting" if self.still_since.is_none() => {
                self.still_since = Some(self.reached(position, film.playback_rate(), now));
            }
            "timeupdate" if self.still_since.is_none() => {
                // After a stall that is yet to be heard of, it may still be said that the film moves.
                let reached = self.reached(position, film.playback_rate(), now);
                let at = if now - reached < SLACK { now } else { reached };
                self.moved = (at, position);
            }
            "playing" | "pause" | "ended" => {
                if let Some(since) = self.still_since.take() {
                    self.stood += now - since;
                }
                self.moved = (now, position);
            }
            _ => {}
        }
    }

    /// When it came to this position, if it moved until then.
    fn reached(&self, position: f64, rate: f64, now: f64) -> f64 {
        let (at, from) = self.moved;
        (at + (position - from) / rate * 1000.0).clamp(at.min(now), now)
    }

    /// For how long it has stood still until then, in milliseconds. A film that has nothing more to play, or
    /// has not moved, stands still whether its element has said so yet or not.
    fn stood(&self, last: &Reading, until: f64) -> f64 {
        let (at, from) = self.moved;
        let has_not_moved = (last.position - from).abs() < LEAST && until - at > SLACK * 2.0;
        let is_still = last.is_playing && (last.level <= 0.0 || has_not_moved);
        let reached = is_still.then(|| self.reached(last.position, last.rate, until));
        let since = self.still_since.or(reached);
        self.stood + since.map_or(0.0, |since| (until - since).max(0.0))
    }
}

/// Whether a film plays, and has in its buffer what is wanted there.
fn is_ready(film: &HtmlVideoElement) -> bool {
    !film.paused() && !film.seeking() && Reading::of(film).level > GOAL.ahead - 1.0
}

/// What an element says of its film.
struct Reading {
    position: f64,
    rate: f64,
    /// Neither paused nor at its end.
    is_playing: bool,
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
            rate: film.playback_rate(),
            is_playing: !(film.paused() || film.ended()),
            level: (0..buffered.length()).find_map(ahead).unwrap_or(0.0),
            dropped: film.get_video_playback_quality().dropped_video_frames(),
        }
    }
}
