//! The panel with the table of claims: runs them, shows the results, and copies them as text or JSON.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_events::EventListener;
use js_sys::{Array, Date, JSON};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, window};
use yew_mse_worker::platform::web;

use crate::{
    claim::{Claim, ClaimResult, ClaimWorker, Verdict},
    claims::claims,
    element::{add, button, copy, panel, rewrite, write},
};

/// The panel. Dropping it disables its buttons.
pub struct Table {
    _buttons: [EventListener; 3],
}

/// The state that the buttons share.
struct TableState {
    claims: Vec<Claim>,
    rows: Vec<Row>,
    status: Element,
    is_running: Cell<bool>,
}

/// The row of a claim and its last result.
struct Row {
    row: Element,
    verdict: Element,
    details: Element,
    result: RefCell<Option<ClaimResult>>,
}

impl Table {
    /// Appends the panel to `container`.
    ///
    /// # Errors
    /// An exception of the DOM.
    pub fn mount(container: &Element) -> Result<Self, JsValue> {
        let panel = panel(
            container,
            "claims",
            "`MediaSource.handle`, measured in your browser",
        )?;
        write(
            &panel,
            "p",
            "Tests what the specification requires of `MediaSource.handle`: on this page, in a worker, \
             and between the two. The tests take a few seconds and do not interrupt the video, but \
             one of them blocks the page for a second.",
        )?;
        let row = add(&panel, "div", "row")?;
        let scroll = add(&panel, "div", "scroll")?;
        scroll.set_attribute("tabindex", "0")?;
        scroll.set_attribute("role", "region")?;
        scroll.set_attribute("aria-label", "The claims")?;
        let table = add(&scroll, "table", "")?;
        let head = add(&add(&table, "thead", "")?, "tr", "")?;
        for title in ["Claim", "Result", "Details", "Specified", "Section"] {
            write(&head, "th", title)?.set_attribute("scope", "col")?;
        }
        let body = add(&table, "tbody", "")?;
        let claims = claims();
        let rows = claims
            .iter()
            .map(|claim| Row::add(&body, claim))
            .collect::<Result<_, _>>()?;

        let status = panel
            .owner_document()
            .ok_or("no document")?
            .create_element("span")?;
        status.set_attribute("role", "status")?;
        let state = Rc::new(TableState {
            claims,
            rows,
            status: status.clone(),
            is_running: Cell::default(),
        });
        let buttons = [
            button(&row, "Run", {
                let state = state.clone();
                move || spawn_local(state.clone().run())
            })?,
            button(&row, "Copy as text", {
                let state = state.clone();
                move || copy(&state.as_text(), &state.status)
            })?,
            button(&row, "Copy as JSON", move || {
                copy(&state.as_json(), &state.status);
            })?,
        ];
        row.append_child(&status)?;
        Ok(Self { _buttons: buttons })
    }
}

impl Row {
    fn add(body: &Element, claim: &Claim) -> Result<Self, JsValue> {
        let row = add(body, "tr", "")?;
        write(&row, "th", claim.statement)?.set_attribute("scope", "row")?;
        let verdict = add(&row, "td", "verdict")?;
        let details = add(&row, "td", "words")?;
        write(&row, "td", claim.specified)?;
        let link = write(&add(&row, "td", "")?, "a", claim.section.name)?;
        link.set_attribute("href", claim.section.link)?;
        Ok(Self {
            row,
            verdict,
            details,
            result: RefCell::default(),
        })
    }

    fn show(&self, result: Option<ClaimResult>) -> Result<(), JsValue> {
        let (mark, label, details) = match &result {
            None => ("none", "", ""),
            Some(result) => {
                let mark = match result.verdict {
                    Verdict::AsSpecified => "as-specified",
                    Verdict::Differs => "differs",
                    Verdict::Untestable => "untestable",
                    Verdict::Unspecified => "unspecified",
                };
                (mark, result.verdict.label(), result.details.as_str())
            }
        };
        self.row.set_attribute("data-verdict", mark)?;
        self.verdict.set_text_content(Some(label));
        rewrite(&self.details, details)?;
        self.result.replace(result);
        Ok(())
    }
}

impl TableState {
    /// Tests all claims, one after the other.
    async fn run(self: Rc<Self>) {
        if self.is_running.replace(true) {
            return;
        }
        let outcome = self.test_all().await;
        self.set_status(&outcome.unwrap_or_else(|exception| web::exception_message(&exception)));
        self.is_running.set(false);
    }

    /// Tests all claims and returns a summary.
    async fn test_all(&self) -> Result<String, JsValue> {
        for row in &self.rows {
            row.show(None)?;
        }
        let start = web::now();
        let worker = ClaimWorker::start().await?;
        let mut counts = [0; 4];
        for (index, (claim, row)) in self.claims.iter().zip(&self.rows).enumerate() {
            self.set_status(&format!(
                "Testing claim {} of {} …",
                index + 1,
                self.claims.len()
            ));
            let result = claim.test(index, &worker).await;
            if let Some(count) = counts.get_mut(result.verdict as usize) {
                *count += 1;
            }
            row.show(Some(result))?;
        }
        let [as_specified, differing, untestable, unspecified] = counts;
        let seconds = (web::now() - start) / 1000.0;
        let mut summary = format!(
            "{as_specified} of {} claims are as specified",
            self.claims.len()
        );
        if differing > 0 {
            summary = format!("{summary}, {differing} differ");
        }
        if unspecified > 0 {
            summary = format!("{summary}, {unspecified} are not specified");
        }
        if untestable > 0 {
            summary = format!("{summary}, {untestable} cannot be tested here");
        }
        Ok(format!("{summary}. It took {seconds:.1} s."))
    }

    fn set_status(&self, text: &str) {
        self.status.set_text_content(Some(text));
    }

    fn as_text(&self) -> String {
        let mut text = format!(
            "MediaSource.handle, measured in a browser\n{}\n{}\n",
            current_date(),
            user_agent()
        );
        for (claim, row) in self.claims.iter().zip(&self.rows) {
            let result = row.result.borrow();
            let (verdict, details) = match &*result {
                Some(result) => (result.verdict.label(), result.details.as_str()),
                None => ("not tested", ""),
            };
            let Claim {
                statement,
                specified,
                section,
                ..
            } = claim;
            text = format!(
                "{text}\n{statement}\n  {verdict}: {details}\n  specified: {specified} ({}, {})\n",
                section.name, section.link
            );
        }
        text
    }

    fn as_json(&self) -> String {
        let claims: Array = self
            .claims
            .iter()
            .zip(&self.rows)
            .map(to_json_object)
            .collect();
        let all = web::object(&[
            ("date", current_date().into()),
            ("userAgent", user_agent().into()),
            ("claims", claims.into()),
        ]);
        let json = JSON::stringify_with_replacer_and_space(&all, &JsValue::NULL, &2.into());
        json.map(String::from).unwrap_or_default()
    }
}

/// A claim and its last result as an object for JSON.
fn to_json_object((claim, row): (&Claim, &Row)) -> JsValue {
    let result = row.result.borrow();
    let field = |get: fn(&ClaimResult) -> &str| {
        result
            .as_ref()
            .map_or(JsValue::NULL, |result| get(result).into())
    };
    web::object(&[
        ("claim", claim.statement.into()),
        ("verdict", field(|result| result.verdict.label())),
        ("details", field(|result| &result.details)),
        ("specified", claim.specified.into()),
        ("section", claim.section.link.into()),
    ])
    .into()
}

/// The current date and time in ISO 8601.
fn current_date() -> String {
    Date::new_0().to_iso_string().into()
}

fn user_agent() -> String {
    window()
        .and_then(|window| window.navigator().user_agent().ok())
        .unwrap_or_default()
}
