//! The handle's journey: two lanes, one for each thread, time running down.

use js_sys::Number;
use yew::prelude::*;

use crate::wire::journey::{Mark, Step, Thread};

#[derive(Clone, Debug, PartialEq, Properties)]
pub struct JourneyProps {
    /// The steps taken so far, as they became known.
    pub marks: Vec<Mark>,
    /// The person wants to see it again.
    pub onreplay: Callback<()>,
}

/// The journey as a list: a step in the worker stands left of the two lanes, one on the page right.
#[component]
pub fn Journey(props: &JourneyProps) -> Html {
    let mut marks = props.marks.clone();
    // The worker's steps become known a message later than they are taken.
    marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    let origin = marks.first().map(|mark| mark.at).unwrap_or_default();

    html! {
        <section class="journey" aria-label="The handle’s journey">
            <header>
                <h2>{ "The handle’s journey" }</h2>
                <button type="button" onclick={props.onreplay.reform(|_| ())}>{ "Play it again" }</button>
            </header>
            <div class="lanes" aria-hidden="true">
                <span class="worker">{ "worker" }</span><span class="page">{ "page" }</span>
            </div>
            <ol>
                for mark in &marks {
                    <Row key={mark.step.label()} step={mark.step} ms={mark.at - origin} />
                }
            </ol>
            <p class="sum" role="status">{ sum(&marks) }</p>
        </section>
    }
}

#[derive(Clone, Debug, PartialEq, Properties)]
struct RowProps {
    step: Step,
    /// Milliseconds since the first step.
    ms: f64,
}

#[component]
fn Row(props: &RowProps) -> Html {
    let (lane, thread) = match props.step.thread() {
        Thread::Page => ("page", "on the page"),
        Thread::Worker => ("worker", "in the worker"),
    };
    // Two steps end a way from one lane to the other, and an arrow says so.
    let arrow = match props.step {
        Step::HandleArrived => Some("arrow to-page"),
        Step::MediaSourceCreated => Some("arrow to-worker"),
        _ => None,
    };
    html! {
        <li class={lane} data-step={props.step.label()}>
            <span class="step">
                { props.step.label() }<span class="unseen">{ " " }{ thread }{ ", " }</span>
                <span class="ms">{ ms(props.ms) }</span>
            </span>
            <span class={classes!("dot", arrow)}></span>
        </li>
    }
}

/// The journey in a sentence, once its end is known.
fn sum(marks: &[Mark]) -> Option<String> {
    let at = |step| {
        marks
            .iter()
            .find(|mark| mark.step == step)
            .map(|mark| mark.at)
    };
    let crossing = at(Step::HandleArrived)? - at(Step::HandleSent)?;
    let waiting = at(Step::FirstFrame)? - at(Step::LoadSent)?;
    Some(format!(
        "The handle crossed in {}. The first frame came {} after the film was asked for.",
        ms(crossing.max(0.0)),
        ms(waiting),
    ))
}

/// A time as a person reads it. By JavaScript: Rust's own formatting of fractions is 10 kB of wasm.
fn ms(milliseconds: f64) -> String {
    let digits = if milliseconds < 10.0 { 1 } else { 0 };
    let number = Number::from(milliseconds).to_fixed(digits);
    number.map_or_else(
        |_| String::new(),
        |number| format!("{} ms", String::from(number)),
    )
}
