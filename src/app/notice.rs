//! What went wrong, and what to do about it.

use yew::prelude::*;

use crate::wire::Fault;

/// A message over the picture, read out as it appears.
pub fn notice(fault: &Fault, onretry: &Callback<MouseEvent>) -> Html {
    html! {
        <div class="notice" role="alert">
            <p class="what">{ fault.to_string() }</p>
            <p>{ fault.advice() }</p>
            <button type="button" onclick={onretry}>{ "Try again" }</button>
        </div>
    }
}
