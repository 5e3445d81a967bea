//! The handle's journey: two lanes, one for each thread, time running down.

use js_sys::Number;
use yew::prelude::*;

use crate::wire::journey::{Mark, Step, Thread};

/// The journey as a list: a step in the worker stands left of the two lanes, one on the page right.
/// All of them are there from the start, so that nothing moves as they are taken.
pub fn journey(marks: &[Mark], way: Option<&'static str>, onreplay: &Callback<MouseEvent>) -> Html {
    let origin = marks.first().map(|mark| mark.at).unwrap_or_default();
    let after = |step| at(marks, step).map(|at| ms(at - origin));
    html! {
        <section class="journey">
            <header>
                <h2>{ "The handle’s journey" }</h2>
                <button type="button" onclick={onreplay}>{ "Play it again" }</button>
            </header>
            <ol role="list">{ for Step::ALL.into_iter().map(|step| row(step, after(step))) }</ol>
            <p class="sum" role="status">{ sum(marks) }</p>
            <p class="way">{ way }</p>
        </section>
    }
}

/// One step, and when it was taken, if it was.
fn row(step: Step, after: Option<String>) -> Html {
    let (lane, thread) = match step.thread() {
        Thread::Page => ("page", " on the page, "),
        Thread::Worker => ("worker", " in the worker, "),
    };
    let taken = if after.is_some() { "yes" } else { "no" };
    html! {
        <li data-lane={lane} data-step={step.label()} data-taken={taken}>
            <span class="step">
                { step.label() }<span class="unseen">{ thread }</span>
                <span class="ms">{ after.unwrap_or_else(|| "–".into()) }</span>
            </span>
            <span class="dot"></span>
        </li>
    }
}

/// When a step was taken.
fn at(marks: &[Mark], step: Step) -> Option<f64> {
    marks
        .iter()
        .find(|mark| mark.step == step)
        .map(|mark| mark.at)
}

/// The journey in a sentence, once its end is known.
fn sum(marks: &[Mark]) -> Option<String> {
    let crossing = at(marks, Step::HandleArrived)? - at(marks, Step::HandleSent)?;
    let waiting = at(marks, Step::FirstFrame)? - at(marks, Step::LoadSent)?;
    let (crossing, waiting) = (ms(crossing.max(0.0)), ms(waiting));
    Some(format!(
        "The handle crossed in {crossing}. The first frame came {waiting} after the film was asked for."
    ))
}

/// A time as a person reads it. By JavaScript: Rust's own formatting of fractions is 7 kB of wasm.
fn ms(milliseconds: f64) -> String {
    let digits = if milliseconds < 10.0 { 1 } else { 0 };
    let number = Number::from(milliseconds).to_fixed(digits);
    number.map_or_else(|_| String::new(), |number| String::from(number) + " ms")
}
