//! The panel that freezes the page: two players show the same video, one fed by a worker and one by the page, and
//! each report compares how they played while the page's thread was blocked or busy.

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

/// The manifest that both players load.
const SOURCE_URL: &str = "film/film.mpd";
/// Small, so that a player whose feeding is interrupted soon stalls.
const BUFFER_GOAL: BufferGoal = BufferGoal {
    ahead: 3.0,
    behind: 10.0,
};
/// The lengths of a freeze to choose from.
const FREEZE_LENGTHS_SECONDS: [u32; 4] = [2, 5, 10, 15];
/// A busy page blocks its thread for this long in each [`BUSY_PERIOD_MS`].
const BUSY_WORK_MS: f64 = 250.0;
const BUSY_PERIOD_MS: u32 = 300;
/// The largest difference between the page's clock and a video's position that does not count as a stall.
const CLOCK_TOLERANCE_MS: f64 = 500.0;
/// A video that advanced by less than this counts as stalled.
const MIN_PROGRESS_SECONDS: f64 = 0.2;
/// How often the videos are checked for being ready, before a freeze is given up.
const MAX_READY_CHECKS: u32 = 150;
const READY_CHECK_INTERVAL_MS: u32 = 100;
/// A video needs this much content left after the freeze; otherwise it starts again at 0.
const SPARE_SECONDS: f64 = 2.0;

/// Renders the comparison into a panel. It is removed when the returned handle is destroyed.
///
/// # Errors
/// The exception of the DOM call that failed.
pub fn mount(panel: Element) -> Result<yew::AppHandle<FreezeComparison>, JsValue> {
    // Yew empties the element that it renders into, and the panel has a heading.
    let root = element::add(&panel, "div", "comparison")?;
    Ok(yew::Renderer::<FreezeComparison>::with_root(root).render())
}

/// The state of the freeze button.
#[derive(Clone, Copy, PartialEq)]
enum FreezeState {
    Idle,
    /// Waits until both videos play with a filled buffer, before a freeze of this many seconds.
    Preparing(u32),
    /// The videos did not start to play in time.
    Failed,
}

/// How the page's thread was blocked.
#[derive(Clone, Copy)]
enum BlockKind {
    /// Once, for the whole time.
    Frozen,
    /// For [`BUSY_WORK_MS`] of every [`BUSY_PERIOD_MS`].
    Busy,
}

/// How both videos played during one freeze or busy time.
struct Report {
    kind: BlockKind,
    length_seconds: f64,
    /// The video fed by the worker, then the one fed by the page.
    outcomes: [Outcome; 2],
}

/// How one video played during a freeze or busy time.
struct Outcome {
    played_seconds: f64,
    stalled_seconds: f64,
    dropped_frames: u32,
    /// Buffered ahead of the position at the end.
    buffered_seconds: f64,
    /// When segments were appended, in seconds since the start.
    appends: Vec<f64>,
    /// The lowest buffer level that the engine reported; `None` if the page's thread runs the engine.
    min_buffered_seconds: Option<f64>,
}

/// What one engine reported about its buffers since the page was loaded.
#[derive(Default)]
struct EngineLog {
    /// When segments were appended, in milliseconds since the Unix epoch.
    appends: Vec<f64>,
    /// The seconds buffered ahead of the position, one entry per report, oldest first.
    levels: Vec<f64>,
}

type SharedLog = Rc<RefCell<EngineLog>>;

/// The two players, the button that freezes the page, and the reports, newest first.
#[component]
pub fn FreezeComparison() -> Html {
    let pair = use_node_ref();
    let logs = use_memo((), |()| [SharedLog::default(), SharedLog::default()]);
    let seconds = use_state(|| 10);
    let state = use_state(|| FreezeState::Idle);
    let reports = use_mut_ref(Vec::<Report>::new);
    let busy = use_mut_ref(|| None::<(Interval, Option<Measurement>)>);
    let redraw = use_force_update();

    let on_length_change = {
        let seconds = seconds.setter();
        Callback::from(move |event: Event| {
            let select = event.target_dyn_into::<HtmlSelectElement>();
            if let Some(length) = select.and_then(|select| select.value().parse().ok()) {
                seconds.set(length);
            }
        })
    };
    let on_busy_change = {
        let (pair, logs) = (pair.clone(), logs.clone());
        let (reports, redraw) = (reports.clone(), redraw.clone());
        Callback::from(move |event: Event| {
            let is_checked = event
                .target_dyn_into::<HtmlInputElement>()
                .is_some_and(|input| input.checked());
            let started = is_checked.then(|| {
                let measurement = video_pair(&pair).map(|videos| Measurement::start(videos, &logs));
                let work = Interval::new(BUSY_PERIOD_MS, || block_thread(BUSY_WORK_MS));
                (work, measurement)
            });
            if let Some((_, Some(measurement))) = busy.replace(started) {
                let report = measurement.finish(BlockKind::Busy, web::now());
                reports.borrow_mut().insert(0, report);
                redraw.force_update();
            }
        })
    };
    let on_freeze_click = {
        let (pair, logs, seconds) = (pair.clone(), logs.clone(), *seconds);
        let (state, reports, redraw) = (state.clone(), reports.clone(), redraw);
        Callback::from(move |_| {
            let videos = video_pair(&pair);
            let (logs, state) = (logs.clone(), state.clone());
            let (reports, redraw) = (reports.clone(), redraw.clone());
            state.set(FreezeState::Preparing(seconds));
            spawn_local(async move {
                let report = match videos {
                    Some(videos) => freeze(videos, &logs, seconds).await,
                    None => None,
                };
                state.set(match report {
                    Some(_) => FreezeState::Idle,
                    None => FreezeState::Failed,
                });
                if let Some(report) = report {
                    reports.borrow_mut().insert(0, report);
                    redraw.force_update();
                }
            });
        })
    };
    let has_worker_media_source = web::workers_have_media_source();
    let player = |index: usize, location: EngineLocation, thread: &'static str| {
        let log = logs[index].clone();
        let on_message = Callback::from(move |message| {
            if let Message::Event(packed) = message
                && let Ok(protocol::Event::Diagnostics { diagnostic, .. }) = packed.unpack()
                && let Ok(diagnostic) = diagnostic.decode()
            {
                let is_in_worker = has_worker_media_source && location == EngineLocation::Worker;
                log.borrow_mut().record(&diagnostic, is_in_worker);
            }
        });
        html! {
            <figure data-fed-by={thread}>
                <figcaption>{ "Fed by the " }<strong>{ thread }</strong></figcaption>
                <Player
                    source={SOURCE_URL}
                    autoplay=true
                    buffer={BUFFER_GOAL}
                    engine={has_worker_media_source.then_some(location)}
                    show_milestones=false
                    on_message={on_message}
                />
            </figure>
        }
    };
    html! {
        <>
            <p>
                { "Both players show the same video and keep only 3 seconds in the buffer. A worker feeds \
                   one, this page’s own thread feeds the other. Freeze the page and see which one keeps playing." }
            </p>
            if !has_worker_media_source {
                <p>{ "This browser has no MediaSource in workers: the page feeds both, so both will stall." }</p>
            }
            <div class="row">
                <button
                    type="button"
                    class="freeze"
                    onclick={on_freeze_click}
                    disabled={matches!(*state, FreezeState::Preparing(_))}
                >
                    { format!("Freeze the page for {} s", *seconds) }
                </button>
                <label>
                    { "Length " }
                    <select onchange={on_length_change}>
                        { for FREEZE_LENGTHS_SECONDS.iter().map(|length| html! {
                            <option value={length.to_string()} selected={length == &*seconds}>{ format!("{length} s") }</option>
                        }) }
                    </select>
                </label>
                <label>
                    <input type="checkbox" onchange={on_busy_change} />
                    { format!(" Keep the page busy for {BUSY_WORK_MS} of every {BUSY_PERIOD_MS} ms") }
                </label>
            </div>
            <p role="status">{ status_text(*state) }</p>
            <div class="pair" ref={pair}>
                { player(0, EngineLocation::Worker, "worker") }
                { player(1, EngineLocation::Page, "page") }
            </div>
            <ol class="freezes" aria-live="polite">{ for reports.borrow().iter().map(report_view) }</ol>
        </>
    }
}

fn status_text(state: FreezeState) -> String {
    match state {
        FreezeState::Idle => String::new(),
        FreezeState::Preparing(seconds) => {
            format!("As soon as both videos play, this page will not respond for {seconds} s.")
        }
        FreezeState::Failed => {
            "The page was not frozen, because the videos do not play. Try again.".into()
        }
    }
}

/// Draws a report along time: for each video, how much of it was played and when segments were appended.
fn report_view(report: &Report) -> Html {
    /// Width of the drawing in its own units.
    const WIDTH: f64 = 1000.0;
    let length = report.length_seconds;
    let x = |seconds: f64| format!("{:.1}", seconds / length * WIDTH);
    let lane = |thread: &'static str, outcome: &Outcome| {
        let played = outcome.played_seconds.clamp(0.0, length);
        html! {
            <div class="lane" data-fed-by={thread}>
                <span>{ thread }</span>
                <svg viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="time" width="1000" height="16" />
                    <rect class="share" width={x(played)} height="16" />
                    { for outcome.appends.iter().map(|at| html! { <rect class="append" x={x(*at)} width="3" height="16" /> }) }
                </svg>
                <span class="words">
                    { format!("{:.1} s of {length:.1} s played, ", outcome.played_seconds) }
                    <strong>{ outcome.stall_text() }</strong>
                    { format!(
                        "; {} segments appended, {} frames dropped, {:.1} s buffered at the end{}",
                        outcome.appends.len(),
                        outcome.dropped_frames,
                        outcome.buffered_seconds,
                        outcome.min_level_text(),
                    ) }
                </span>
            </div>
        }
    };
    let title = match report.kind {
        BlockKind::Frozen => "Frozen",
        BlockKind::Busy => "Busy",
    };
    let [worker, page] = &report.outcomes;
    html! {
        <li>
            <p>{ format!("{title} for {length:.1} s") }</p>
            { lane("worker", worker) }
            { lane("page", page) }
        </li>
    }
}

impl Outcome {
    fn stall_text(&self) -> String {
        if self.stalled_seconds > 0.0 {
            format!("stalled for {:.1} s", self.stalled_seconds)
        } else {
            "never stalled".into()
        }
    }

    fn min_level_text(&self) -> String {
        self.min_buffered_seconds
            .map(|seconds| format!(", never less than {seconds:.1} s"))
            .unwrap_or_default()
    }
}

impl EngineLog {
    /// Records appends and, from a worker, buffer levels. An engine on the page's thread is blocked with it and
    /// misses its lowest levels, so those are ignored.
    fn record(&mut self, diagnostic: &Diagnostic, is_in_worker: bool) {
        match diagnostic {
            Diagnostic::SegmentFinished(segment) if segment.appended => {
                self.appends.push(segment.finished_at);
            }
            Diagnostic::BufferLevels {
                levels, position, ..
            } if is_in_worker => {
                let ahead = |(start, end): &(f64, f64)| {
                    (start <= position && position < end).then_some(end - position)
                };
                let tracks = levels
                    .iter()
                    .map(|level| level.buffered.iter().find_map(ahead).unwrap_or(0.0));
                self.levels.extend(tracks.reduce(f64::min));
            }
            _ => {}
        }
    }
}

/// The video elements of both players; `None` before they are rendered.
fn video_pair(pair: &NodeRef) -> Option<[HtmlVideoElement; 2]> {
    let found = pair.cast::<Element>()?.query_selector_all("video").ok()?;
    let video = |index| found.get(index)?.dyn_into().ok();
    Some([video(0)?, video(1)?])
}

/// Blocks this thread with a busy loop.
fn block_thread(milliseconds: f64) {
    let until = web::now() + milliseconds;
    while web::now() < until {}
}

/// Waits until both videos play, freezes the page, and reports how they played. `None` if they do not play in time.
async fn freeze(
    videos: [HtmlVideoElement; 2],
    logs: &[SharedLog; 2],
    seconds: u32,
) -> Option<Report> {
    let length = f64::from(seconds);
    for video in &videos {
        if video.current_time() + length + SPARE_SECONDS > video.duration() {
            video.set_current_time(0.0);
        }
        if let Ok(playing) = video.play() {
            // A rejected promise is ignored: the video then does not become ready.
            spawn_local(async move {
                let _ = JsFuture::from(playing).await;
            });
        }
    }
    let mut checks = 0;
    loop {
        let before = videos.each_ref().map(|video| video.current_time());
        TimeoutFuture::new(READY_CHECK_INTERVAL_MS).await;
        let mut pairs = videos.iter().zip(before);
        if pairs.all(|(video, before)| is_ready(video) && video.current_time() > before) {
            break;
        }
        checks += 1;
        if checks > MAX_READY_CHECKS {
            return None;
        }
    }

    let mut measurement = Measurement::start(videos, logs);
    block_thread(length * 1000.0);
    let until = web::now();
    // Elements update their state between tasks, so it is read in the next task.
    TimeoutFuture::new(0).await;
    measurement.read_elements();
    // Events of the elements and messages of the worker that were queued during the freeze are dispatched first.
    TimeoutFuture::new(READY_CHECK_INTERVAL_MS).await;
    Some(measurement.finish(BlockKind::Frozen, until))
}

/// Measures how both videos play between `start` and `finish`.
struct Measurement {
    /// Milliseconds since the Unix epoch.
    started_at: f64,
    videos: [MeasuredVideo; 2],
}

/// One video under measurement.
struct MeasuredVideo {
    element: HtmlVideoElement,
    before: ElementState,
    after: Option<ElementState>,
    stalls: Rc<RefCell<StallTimer>>,
    log: SharedLog,
    /// The length of the log's levels at the start.
    levels_before: usize,
    _listeners: [EventListener; 5],
}

impl Measurement {
    fn start(videos: [HtmlVideoElement; 2], logs: &[SharedLog; 2]) -> Self {
        let started_at = web::now();
        let mut logs = logs.iter().cloned();
        let videos =
            videos.map(|video| MeasuredVideo::start(video, logs.next().unwrap_or_default()));
        Self { started_at, videos }
    }

    /// Reads the final state of the elements now, instead of in `finish`.
    fn read_elements(&mut self) {
        for video in &mut self.videos {
            video.after = Some(ElementState::read(&video.element));
        }
    }

    /// Reports the time until `until`, in milliseconds since the Unix epoch.
    fn finish(self, kind: BlockKind, until: f64) -> Report {
        Report {
            kind,
            length_seconds: (until - self.started_at) / 1000.0,
            outcomes: self
                .videos
                .map(|video| video.finish(self.started_at, until)),
        }
    }
}

impl MeasuredVideo {
    fn start(element: HtmlVideoElement, log: SharedLog) -> Self {
        let before = ElementState::read(&element);
        let stalls = Rc::new(RefCell::new(StallTimer {
            last_moving: (web::now(), before.position),
            stalled_since: None,
            stalled_ms: 0.0,
        }));
        let listeners = ["timeupdate", "waiting", "playing", "pause", "ended"].map(|event_type| {
            let (stalls, video) = (stalls.clone(), element.clone());
            EventListener::new(&element, event_type, move |_| {
                stalls.borrow_mut().handle_event(event_type, &video);
            })
        });
        let levels_before = log.borrow().levels.len();
        Self {
            element,
            before,
            after: None,
            stalls,
            log,
            levels_before,
            _listeners: listeners,
        }
    }

    /// Evaluates the time from `since` to `until`, in milliseconds since the Unix epoch.
    fn finish(self, since: f64, until: f64) -> Outcome {
        let after = self
            .after
            .unwrap_or_else(|| ElementState::read(&self.element));
        let log = self.log.borrow();
        let levels = log.levels.iter().skip(self.levels_before).copied();
        let appends = log.appends.iter();
        Outcome {
            played_seconds: after.position - self.before.position,
            stalled_seconds: self.stalls.borrow().stalled_ms(&after, until) / 1000.0,
            dropped_frames: after
                .dropped_frames
                .saturating_sub(self.before.dropped_frames),
            buffered_seconds: after.buffered_seconds,
            appends: appends
                .filter(|at| (since..until).contains(at))
                .map(|at| (at - since) / 1000.0)
                .collect(),
            min_buffered_seconds: levels.reduce(f64::min),
        }
    }
}

/// Measures how long a video stalls. Events are dispatched late after the page's thread was blocked, so the start
/// of a stall is computed from the position, not from the time of the event.
struct StallTimer {
    /// The last time at which the video was known to play, in milliseconds since the Unix epoch, and its position
    /// then, in seconds.
    last_moving: (f64, f64),
    /// The start of the current stall, in milliseconds since the Unix epoch.
    stalled_since: Option<f64>,
    /// The total of all completed stalls.
    stalled_ms: f64,
}

impl StallTimer {
    fn handle_event(&mut self, event_type: &str, video: &HtmlVideoElement) {
        let (now, position) = (web::now(), video.current_time());
        match event_type {
            "waiting" if self.stalled_since.is_none() => {
                self.stalled_since = Some(self.reached_at(position, video.playback_rate(), now));
            }
            "timeupdate" if self.stalled_since.is_none() => {
                // `timeupdate` may be dispatched before the `waiting` of a stall that has already begun.
                let reached = self.reached_at(position, video.playback_rate(), now);
                let at = if now - reached < CLOCK_TOLERANCE_MS {
                    now
                } else {
                    reached
                };
                self.last_moving = (at, position);
            }
            "playing" | "pause" | "ended" => {
                if let Some(since) = self.stalled_since.take() {
                    self.stalled_ms += now - since;
                }
                self.last_moving = (now, position);
            }
            _ => {}
        }
    }

    /// When the video reached a position if it played without a stall, in milliseconds since the Unix epoch.
    fn reached_at(&self, position: f64, rate: f64, now: f64) -> f64 {
        let (at, from) = self.last_moving;
        (at + (position - from) / rate * 1000.0).clamp(at.min(now), now)
    }

    /// The total stalled time until `until`, in milliseconds. A video with an empty buffer, or that has not advanced,
    /// counts as stalled even if its `waiting` event has not been dispatched yet.
    fn stalled_ms(&self, last: &ElementState, until: f64) -> f64 {
        let (at, from) = self.last_moving;
        let has_not_advanced = (last.position - from).abs() < MIN_PROGRESS_SECONDS
            && until - at > CLOCK_TOLERANCE_MS * 2.0;
        let is_stalled = last.is_playing && (last.buffered_seconds <= 0.0 || has_not_advanced);
        let reached = is_stalled.then(|| self.reached_at(last.position, last.rate, until));
        let since = self.stalled_since.or(reached);
        self.stalled_ms + since.map_or(0.0, |since| (until - since).max(0.0))
    }
}

/// Whether a video plays with an almost full buffer.
fn is_ready(video: &HtmlVideoElement) -> bool {
    let is_buffered = ElementState::read(video).buffered_seconds > BUFFER_GOAL.ahead - 1.0;
    !video.paused() && !video.seeking() && is_buffered
}

/// The state of a video element at one time.
struct ElementState {
    /// Seconds.
    position: f64,
    rate: f64,
    /// Neither paused nor ended.
    is_playing: bool,
    /// Buffered ahead of the position.
    buffered_seconds: f64,
    dropped_frames: u32,
}

impl ElementState {
    fn read(video: &HtmlVideoElement) -> Self {
        let position = video.current_time();
        let buffered = video.buffered();
        let ahead = |index| {
            let (start, end) = (buffered.start(index).ok()?, buffered.end(index).ok()?);
            (start <= position && position < end).then_some(end - position)
        };
        Self {
            position,
            rate: video.playback_rate(),
            is_playing: !(video.paused() || video.ended()),
            buffered_seconds: (0..buffered.length()).find_map(ahead).unwrap_or(0.0),
            dropped_frames: video.get_video_playback_quality().dropped_video_frames(),
        }
    }
}
