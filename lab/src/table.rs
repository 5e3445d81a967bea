//! The claims as a table, to be run and copied.

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
    claim::{Assistant, Claim, ClaimResult, Verdict},
    claims::claims,
    element::{add, button, copy, panel, rewrite, write},
};

/// The panel, for as long as its buttons are to do something.
pub struct Table {
    _buttons: [EventListener; 3],
}

/// What the buttons share.
struct Sheet {
    claims: Vec<Claim>,
    rows: Vec<Row>,
    status: Element,
    is_running: Cell<bool>,
}

/// A claim's line, and what was seen last.
struct Row {
    row: Element,
    verdict: Element,
    words: Element,
    seen: RefCell<Option<ClaimResult>>,
}

impl Table {
    /// Adds the panel.
    ///
    /// # Errors
    /// Those of a document that is going.
    pub fn put_into(room: &Element) -> Result<Self, JsValue> {
        let panel = panel(
            room,
            "claims",
            "`MediaSource.handle`, measured in your browser",
        )?;
        write(
            &panel,
            "p",
            "What the specification says of the handle, put to the test in this page, in a worker \
             beside it and between the two. It takes a few seconds and leaves the film alone, though \
             one claim has the page stand still for a second.",
        )?;
        let row = add(&panel, "div", "row")?;
        let scroll = add(&panel, "div", "scroll")?;
        scroll.set_attribute("tabindex", "0")?;
        scroll.set_attribute("role", "region")?;
        scroll.set_attribute("aria-label", "The claims")?;
        let table = add(&scroll, "table", "")?;
        let head = add(&add(&table, "thead", "")?, "tr", "")?;
        for title in ["Claim", "Here", "What happened", "Specified", "Section"] {
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
        let sheet = Rc::new(Sheet {
            claims,
            rows,
            status: status.clone(),
            is_running: Cell::default(),
        });
        let buttons = [
            button(&row, "Run", {
                let sheet = sheet.clone();
                move || spawn_local(sheet.clone().run())
            })?,
            button(&row, "Copy as text", {
                let sheet = sheet.clone();
                move || copy(&sheet.as_text(), &sheet.status)
            })?,
            button(&row, "Copy as JSON", move || {
                copy(&sheet.as_json(), &sheet.status);
            })?,
        ];
        row.append_child(&status)?;
        Ok(Self { _buttons: buttons })
    }
}

impl Row {
    fn add(body: &Element, claim: &Claim) -> Result<Self, JsValue> {
        let row = add(body, "tr", "")?;
        write(&row, "th", claim.says)?.set_attribute("scope", "row")?;
        let verdict = add(&row, "td", "verdict")?;
        let words = add(&row, "td", "words")?;
        write(&row, "td", claim.specified)?;
        let link = write(&add(&row, "td", "")?, "a", claim.section.name)?;
        link.set_attribute("href", claim.section.link)?;
        Ok(Self {
            row,
            verdict,
            words,
            seen: RefCell::default(),
        })
    }

    fn show(&self, seen: Option<ClaimResult>) -> Result<(), JsValue> {
        let (mark, verdict, words) = match &seen {
            None => ("none", "", ""),
            Some(seen) => {
                let mark = match seen.verdict {
                    Verdict::AsSpecified => "as-specified",
                    Verdict::Differs => "differs",
                    Verdict::NotSeen => "not-seen",
                    Verdict::Unspecified => "unspecified",
                };
                (mark, seen.verdict.in_words(), seen.words.as_str())
            }
        };
        self.row.set_attribute("data-verdict", mark)?;
        self.verdict.set_text_content(Some(verdict));
        rewrite(&self.words, words)?;
        self.seen.replace(seen);
        Ok(())
    }
}

impl Sheet {
    /// Puts every claim to the test, one after the other.
    async fn run(self: Rc<Self>) {
        if self.is_running.replace(true) {
            return;
        }
        let outcome = self.try_all().await;
        self.say(&outcome.unwrap_or_else(|exception| web::exception_message(&exception)));
        self.is_running.set(false);
    }

    async fn try_all(&self) -> Result<String, JsValue> {
        for row in &self.rows {
            row.show(None)?;
        }
        let since = web::now();
        let assistant = Assistant::start().await?;
        let mut counts = [0; 4];
        for (nth, (claim, row)) in self.claims.iter().zip(&self.rows).enumerate() {
            self.say(&format!("Claim {} of {} …", nth + 1, self.claims.len()));
            let seen = claim.test(nth, &assistant).await;
            if let Some(count) = counts.get_mut(seen.verdict as usize) {
                *count += 1;
            }
            row.show(Some(seen))?;
        }
        let [so, otherwise, unseen, unspecified] = counts;
        let seconds = (web::now() - since) / 1000.0;
        let mut words = format!("{so} of {} claims are as specified", self.claims.len());
        if otherwise > 0 {
            words = format!("{words}, {otherwise} differ");
        }
        if unspecified > 0 {
            words = format!("{words}, {unspecified} are of what nobody specified");
        }
        if unseen > 0 {
            words = format!("{words}, {unseen} cannot be seen here");
        }
        Ok(format!("{words}. It took {seconds:.1} s."))
    }

    fn say(&self, words: &str) {
        self.status.set_text_content(Some(words));
    }

    fn as_text(&self) -> String {
        let mut text = format!(
            "MediaSource.handle, measured in a browser\n{}\n{}\n",
            today(),
            agent()
        );
        for (claim, row) in self.claims.iter().zip(&self.rows) {
            let seen = row.seen.borrow();
            let (verdict, words) = match &*seen {
                Some(seen) => (seen.verdict.in_words(), seen.words.as_str()),
                None => ("not tested", ""),
            };
            let Claim {
                says,
                specified,
                section,
                ..
            } = claim;
            text = format!(
                "{text}\n{says}\n  {verdict}: {words}\n  specified: {specified} ({}, {})\n",
                section.name, section.link
            );
        }
        text
    }

    fn as_json(&self) -> String {
        let claims: Array = self.claims.iter().zip(&self.rows).map(as_object).collect();
        let all = web::object(&[
            ("date", today().into()),
            ("userAgent", agent().into()),
            ("claims", claims.into()),
        ]);
        let json = JSON::stringify_with_replacer_and_space(&all, &JsValue::NULL, &2.into());
        json.map(String::from).unwrap_or_default()
    }
}

fn as_object((claim, row): (&Claim, &Row)) -> JsValue {
    let seen = row.seen.borrow();
    let of =
        |part: fn(&ClaimResult) -> &str| seen.as_ref().map_or(JsValue::NULL, |it| part(it).into());
    web::object(&[
        ("claim", claim.says.into()),
        ("verdict", of(|seen| seen.verdict.in_words())),
        ("seen", of(|seen| &seen.words)),
        ("specified", claim.specified.into()),
        ("section", claim.section.link.into()),
    ])
    .into()
}

fn today() -> String {
    Date::new_0().to_iso_string().into()
}

fn agent() -> String {
    window()
        .and_then(|window| window.navigator().user_agent().ok())
        .unwrap_or_default()
}
