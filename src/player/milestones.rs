//! The list of startup milestones: two lanes, one per thread, with time running down.

use js_sys::Number;
use yew::prelude::*;

use super::{
    backend::Backend,
    handle::{use_playback, use_player},
    model::PlayerMessage,
};
use crate::protocol::milestone::{EngineLocation, Milestone, ReachedMilestone};

/// Lists the milestones: those of the worker left of the lanes, those of the page right of them.
/// Milestones that are not reached yet are listed too, so that the layout does not shift.
#[component]
pub fn MilestoneList() -> Html {
    let player = use_player();
    let reached = use_playback(|model| model.milestones.clone());
    let backend = use_playback(|model| model.backend);
    let was_requested = use_playback(|model| model.location_was_requested);
    let is_local = backend == Some(Backend::Engine(EngineLocation::Page));
    let origin = reached.first().map(|first| first.at).unwrap_or_default();
    let elapsed = |milestone| time_of(&reached, milestone).map(|at| format_ms(at - origin));
    let rows = Milestone::ALL
        .into_iter()
        .map(|milestone| row(milestone, is_local, elapsed(milestone)));
    let onclick = move |_| player.dispatch(PlayerMessage::Restart);
    html! {
        <section class="milestones">
            <header>
                <h2>{ "How playback starts" }</h2>
                <button type="button" {onclick}>{ "Play again" }</button>
            </header>
            <ol role="list">{ for rows }</ol>
            <p class="summary" role="status">{ summary(&reached, is_local) }</p>
            <p class="backend">{ backend.map(|backend| backend.description(was_requested)) }</p>
        </section>
    }
}

/// Renders one milestone. `is_local` says that the engine runs on the page, where no handle is transferred;
/// `elapsed` is the time since the first milestone, if this one is reached.
fn row(milestone: Milestone, is_local: bool, elapsed: Option<String>) -> Html {
    let (lane, thread) = match milestone.thread() {
        EngineLocation::Page => ("page", " on the page, "),
        EngineLocation::Worker if is_local => ("worker", " in the engine, "),
        EngineLocation::Worker => ("worker", " in the worker, "),
    };
    let label = match milestone {
        Milestone::HandleSent if is_local => "MediaSource sent",
        Milestone::HandleArrived if is_local => "MediaSource received",
        milestone => milestone.label(),
    };
    let arrow = match milestone {
        Milestone::MediaSourceCreated => Some("to-worker"),
        Milestone::HandleArrived => Some("to-page"),
        _ => None,
    };
    let is_reached = if elapsed.is_some() { "yes" } else { "no" };
    html! {
        <li
            data-lane={lane}
            data-arrow={arrow}
            data-milestone={milestone.label()}
            data-reached={is_reached}
        >
            <span class="label">
                { label }<span class="visually-hidden">{ thread }</span>
                <span class="elapsed">{ elapsed.unwrap_or_else(|| "–".into()) }</span>
            </span>
            <span class="dot"></span>
        </li>
    }
}

/// When a milestone was reached, in milliseconds since the Unix epoch.
fn time_of(reached: &[ReachedMilestone], milestone: Milestone) -> Option<f64> {
    reached
        .iter()
        .find(|reached| reached.milestone == milestone)
        .map(|reached| reached.at)
}

/// A sentence with the startup durations; `None` until the first frame is on screen.
fn summary(reached: &[ReachedMilestone], is_local: bool) -> Option<String> {
    let time_of = |milestone| time_of(reached, milestone);
    let transfer = time_of(Milestone::HandleArrived)? - time_of(Milestone::HandleSent)?;
    let startup = time_of(Milestone::FirstFrame)? - time_of(Milestone::LoadSent)?;
    let startup = format_ms(startup);
    Some(if is_local {
        format!("No handle to transfer. First frame after {startup}.")
    } else {
        let transfer = format_ms(transfer.max(0.0));
        format!("The handle was transferred in {transfer}. First frame after {startup}.")
    })
}

/// Formats a duration. Uses `Number.toFixed`, because Rust's formatting of fractions adds 7 kB of wasm.
fn format_ms(milliseconds: f64) -> String {
    let digits = if milliseconds < 10.0 { 1 } else { 0 };
    let number = Number::from(milliseconds).to_fixed(digits);
    number.map_or_else(|_| String::new(), |number| String::from(number) + " ms")
}
