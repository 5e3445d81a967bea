//! The lab: what a visitor can see behind the player. A program of its own, loaded when somebody opens
//! it, so that the page is as light without it.
//!
//! It is this folder, and the line in index.html that has trunk build it and shows its door. Without the
//! two the page is the same, but for the door: nothing of the library knows of this program.
//!
//! | file | thread | what is done there |
//! |---|---|---|
//! | `main.rs` | both | where the page, and the lab's own worker, come in |
//! | `claims.rs`, `claims/` | both | the claims about `MediaSource.handle`, each with the code that tests it |
//! | `claim.rs` | both | a claim, its result, and how it is tested |
//! | `peer.rs` | both | messages between the page's part and the worker's part of a claim |
//! | `mse.rs` | both | bindings to Media Source Extensions in which every call can fail |
//! | `fixtures.rs` | page | elements, frames and workers that claims are tested with |
//! | `proof.rs` | page | the page frozen, with one film fed by a worker and one by the page |
//! | `table.rs` | page | the table of claims: runs them, shows and copies the results |
//! | `history.rs` | page | what happened in a playback, sorted by what it is |
//! | `timeline.rs` | page | what happens where: the panel, and how it is looked at |
//! | `chart.rs` | page | the timeline as it is drawn |
//! | `view.rs` | page | which part of a session is in view |
//! | `stats.rs` | page | the playback in numbers |
//! | `visibility.rs` | page | whether an element is seen |
//! | `element.rs` | page | elements made and filled, words copied |
//! | `lab.css` | page | the look of it, which comes with the program |
//! | `peer.js` | worker | the script of the workers and the cross-origin frame of the claims |

mod chart;
mod claim;
mod claims;
mod element;
mod fixtures;
mod history;
mod mse;
mod peer;
mod proof;
mod stats;
mod table;
mod timeline;
mod view;
mod visibility;

use std::{cell::RefCell, rc::Rc};

use wasm_bindgen::prelude::*;
use web_sys::{CssStyleSheet, Element, window};

use history::History;
use proof::Proof;
use stats::Stats;
use table::Table;
use timeline::Timeline;

thread_local! {
    /// What the visitor sees, for as long as the page is there.
    static LAB: RefCell<Option<Lab>> = const { RefCell::new(None) };
}

/// The panels, in the order in which they stand.
struct Lab {
    _proof: yew::AppHandle<Proof>,
    history: Rc<RefCell<History>>,
    timeline: Timeline,
    _stats: Stats,
    _claims: Table,
}

fn main() {
    // What becomes of a panic: an exception with its words.
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_str(&panic.to_string())
    }));
    if window().is_none() {
        claim::serve();
    }
}

/// Fits out the lab: everything that can be seen in it goes into `room`, an element of the page.
///
/// # Errors
/// What the browser says where it does not let anything be shown.
#[wasm_bindgen]
pub fn open(room: &Element) -> Result<(), JsValue> {
    wear(include_str!("lab.css"))?;
    let history = Rc::<RefCell<History>>::default();
    let lab = Lab {
        _proof: proof::put_into(element::panel(room, "proof", "Freeze the page")?)?,
        timeline: Timeline::put_into(room, history.clone())?,
        _stats: Stats::put_into(room, history.clone())?,
        history,
        _claims: Table::put_into(room)?,
    };
    LAB.set(Some(lab));
    Ok(())
}

/// Hears what happens in the playback: notes, as in [`yew_mse_worker::protocol::recording`].
#[wasm_bindgen]
pub fn hear(notes: &[u8]) {
    LAB.with_borrow(|lab| {
        if let Some(lab) = lab {
            lab.history.borrow_mut().read(notes);
            lab.timeline.changed();
        }
    });
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_namespace = document, js_name = adoptedStyleSheets)]
    static STYLE_SHEETS: js_sys::Array;
}

/// Gives the page these rules, too.
fn wear(rules: &str) -> Result<(), JsValue> {
    let sheet = CssStyleSheet::new()?;
    sheet.replace_sync(rules)?;
    STYLE_SHEETS.with(|sheets| sheets.push(&sheet));
    Ok(())
}
