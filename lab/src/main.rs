//! The lab: the diagnostic panels below the demo player. A separate program that the page loads when its `#lab`
//! element is opened, so that the page's own download stays small.
//!
//! The library does not depend on it: without this folder, its line in `Cargo.toml` and its line in `index.html`, the
//! page works as before.
//!
//! The page's thread runs the panels. Dedicated workers that the claims start run this program, too.
//!
//! | file | thread | contents |
//! |---|---|---|
//! | `main.rs` | both | entry points of the page and of the lab's workers |
//! | `freeze.rs` | page | panel: playback with and without a worker while the page is frozen |
//! | `timeline.rs` | page | panel: the session along time, its controls and its list |
//! | `stats.rs` | page | panel: current figures of the playback |
//! | `table.rs` | page | panel: the claims and their results, to run and to copy |
//! | `history.rs` | page | the recorded events, sorted by kind |
//! | `chart.rs` | page | the timeline's rows and coordinates |
//! | `chart/draw.rs` | page | draws the timeline on a canvas |
//! | `chart/text.rs` | page | describes the timeline in text |
//! | `view.rs` | page | zoom and scroll position of the timeline |
//! | `claims.rs`, `claims/` | both | the claims about `MediaSource.handle`, each with the code that tests it |
//! | `claim.rs` | both | the type of a claim, its results, and how one is run |
//! | `peer.rs` | both | messages between the page's part and the worker's part of a claim |
//! | `mse.rs` | both | bindings of Media Source Extensions whose calls may throw |
//! | `fixtures.rs` | page | elements, frames and workers that claims are tested with |
//! | `visibility.rs` | page | reports when an element becomes visible or changes its size |
//! | `element.rs` | page | creates elements, and copies text |
//! | `lab.css` | page | style sheet of the panels |
//! | `peer.js` | both | script of the workers and frames that claims start |

mod chart;
mod claim;
mod claims;
mod element;
mod fixtures;
mod freeze;
mod history;
mod mse;
mod peer;
mod stats;
mod table;
mod timeline;
mod view;
mod visibility;

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use wasm_bindgen::prelude::*;
use web_sys::{CssStyleSheet, Element, window};

use freeze::FreezeComparison;
use history::History;
use stats::Stats;
use table::Table;
use timeline::Timeline;

thread_local! {
    /// Kept until the page is unloaded.
    static LAB: RefCell<Option<Lab>> = const { RefCell::new(None) };
}

/// The panels in the order of the page, and the history that they show.
struct Lab {
    _contents: Vec<EventListener>,
    _freeze: yew::AppHandle<FreezeComparison>,
    history: Rc<RefCell<History>>,
    timeline: Timeline,
    _stats: Stats,
    _claims: Table,
}

fn main() {
    // A panic becomes a JavaScript exception with its message.
    std::panic::set_hook(Box::new(|panic| {
        wasm_bindgen::throw_str(&panic.to_string())
    }));
    if window().is_none() {
        claim::serve();
    }
}

/// Adds the lab's style sheet to the page and its panels to `container`.
///
/// # Errors
/// The exception of the DOM call that failed.
#[wasm_bindgen]
pub fn open(container: &Element) -> Result<(), JsValue> {
    add_style_sheet(include_str!("lab.css"))?;
    let history = Rc::<RefCell<History>>::default();
    let contents = contents(container)?;
    let lab = Lab {
        _contents: contents,
        _freeze: freeze::mount(element::panel(container, "freeze", "Freeze the page")?)?,
        timeline: Timeline::mount(container, history.clone())?,
        _stats: Stats::mount(container, history.clone())?,
        history,
        _claims: Table::mount(container)?,
    };
    LAB.set(Some(lab));
    Ok(())
}

/// The panels and their short names, in the order of the page.
const PANELS: [(&str, &str); 4] = [
    ("freeze", "Freeze"),
    ("timeline", "Timeline"),
    ("stats", "Stats"),
    ("claims", "Claims"),
];

/// Adds a table of contents. Its entries are buttons: links to fragments would lead to the document's base.
fn contents(container: &Element) -> Result<Vec<EventListener>, JsValue> {
    let contents = element::add(container, "nav", "contents")?;
    contents.set_attribute("aria-label", "Parts of the lab")?;
    let entries = PANELS.into_iter().map(|(name, label)| {
        let container = container.clone();
        element::button(&contents, label, move || {
            let panel = container.query_selector(&format!("#lab-{name}"));
            if let Ok(Some(panel)) = panel {
                panel.scroll_into_view();
            }
        })
    });
    entries.collect()
}

/// Adds recorded events to the history, encoded as in [`yew_mse_worker::protocol::recording`]. Does nothing before
/// [`open`].
#[wasm_bindgen]
pub fn receive(recorded: &[u8]) {
    LAB.with_borrow(|lab| {
        if let Some(lab) = lab {
            lab.history.borrow_mut().read(recorded);
            lab.timeline.history_changed();
        }
    });
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_namespace = document, js_name = adoptedStyleSheets)]
    static STYLE_SHEETS: js_sys::Array;
}

fn add_style_sheet(rules: &str) -> Result<(), JsValue> {
    let sheet = CssStyleSheet::new()?;
    sheet.replace_sync(rules)?;
    STYLE_SHEETS.with(|sheets| sheets.push(&sheet));
    Ok(())
}
