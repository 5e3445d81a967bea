//! The handle's journey: two lanes, one for each thread, time running down.

use js_sys::Number;
use yew::prelude::*;

use super::backend::Backend;
use crate::protocol::milestone::{EngineLocation, Milestone, ReachedMilestone};

/// The journey as a list: a step in the worker stands left of the two lanes, one on the page right.
/// All of them are there from the start, so that nothing moves as they are taken.
pub fn milestone_list(
    marks: &[ReachedMilestone],
    way: Option<Backend>,
    words: Option<&'static str>,
    onreplay: &Callback<MouseEvent>,
) -> Html {
    let is_here = way == Some(Backend::Engine(EngineLocation::Page));
    let origin = marks.first().map(|mark| mark.at).unwrap_or_default();
    let after = |step| at(marks, step).map(|at| ms(at - origin));
    html! {
        <section class="milestones">
            <header>
                <h2>{ "The handle’s journey" }</h2>
                <button type="button" onclick={onreplay}>{ "Play it again" }</button>
            </header>
            <ol role="list">{ for Milestone::ALL.into_iter().map(|step| row(step, is_here, after(step))) }</ol>
            <p class="summary" role="status">{ sum(marks, is_here) }</p>
            <p class="backend">{ words }</p>
        </section>
    }
}

/// One step, and when it was taken, if it was. An engine that is here, on the page, has no handle.
fn row(step: Milestone, is_here: bool, after: Option<String>) -> Html {
    let (lane, thread) = match step.thread() {
        EngineLocation::Page => ("page", " on the page, "),
        EngineLocation::Worker if is_here => ("worker", " in the engine, "),
        EngineLocation::Worker => ("worker", " in the worker, "),
    };
    let label = match step {
        Milestone::HandleSent if is_here => "MediaSource handed on",
        Milestone::HandleArrived if is_here => "MediaSource arrives",
        step => step.label(),
    };
    let arrow = match step {
        Milestone::MediaSourceCreated => Some("to-worker"),
        Milestone::HandleArrived => Some("to-page"),
        _ => None,
    };
    let taken = if after.is_some() { "yes" } else { "no" };
    html! {
        <li data-lane={lane} data-arrow={arrow} data-milestone={step.label()} data-reached={taken}>
            <span class="label">
                { label }<span class="visually-hidden">{ thread }</span>
                <span class="elapsed">{ after.unwrap_or_else(|| "–".into()) }</span>
            </span>
            <span class="dot"></span>
        </li>
    }
}

/// When a step was taken.
fn at(marks: &[ReachedMilestone], step: Milestone) -> Option<f64> {
    marks
        .iter()
        .find(|mark| mark.milestone == step)
        .map(|mark| mark.at)
}

/// The journey in a sentence, once its end is known.
fn sum(marks: &[ReachedMilestone], is_here: bool) -> Option<String> {
    let crossing = at(marks, Milestone::HandleArrived)? - at(marks, Milestone::HandleSent)?;
    let waiting = at(marks, Milestone::FirstFrame)? - at(marks, Milestone::LoadSent)?;
    let (crossing, waiting) = (ms(crossing.max(0.0)), ms(waiting));
    let crossed = match is_here {
        true => "No handle had to cross".into(),
        false => ["The handle crossed in ", &crossing].concat(),
    };
    let parts = [
        &crossed,
        ". The first frame came ",
        &waiting,
        " after the film was asked for.",
    ];
    Some(parts.concat())
}

/// A time as a person reads it. By JavaScript: Rust's own formatting of fractions is 7 kB of wasm.
fn ms(milliseconds: f64) -> String {
    let digits = if milliseconds < 10.0 { 1 } else { 0 };
    let number = Number::from(milliseconds).to_fixed(digits);
    number.map_or_else(|_| String::new(), |number| String::from(number) + " ms")
}
