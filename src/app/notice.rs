//! What went wrong, and what to do about it.

use yew::prelude::*;

use crate::wire::Fault;

#[derive(Clone, Debug, PartialEq, Properties)]
pub struct NoticeProps {
    /// What happened.
    pub fault: Fault,
    /// The person wants to try again.
    pub onretry: Callback<()>,
}

/// A message over the picture, read out as it appears.
#[component]
pub fn Notice(props: &NoticeProps) -> Html {
    let onclick = props.onretry.reform(|_| ());
    html! {
        <div class="notice" role="alert">
            <p class="what">{ props.fault.to_string() }</p>
            <p>{ props.fault.advice() }</p>
            <button type="button" {onclick}>{ "Try again" }</button>
        </div>
    }
}
