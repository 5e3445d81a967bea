//! Another film, by its address or by a link to it, or the sample again; and a second player. The form is in
//! index.html.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, EventTarget, HtmlButtonElement, HtmlInputElement, SubmitEvent};
use yew::prelude::*;

use crate::{
    platform::web,
    player::dom::{document, query_page},
};

/// What a person asks of the page.
pub enum FormAction {
    /// Show the film at this address. Whether it is one is for the player to say.
    Load(AttrValue),
    /// A second player, or one again.
    ToggleSecond,
}

/// The form, heard for as long as it is held.
pub struct SourceForm {
    input: HtmlInputElement,
    second: HtmlButtonElement,
    _submit: EventListener,
    _drop: [EventListener; 2],
}

impl SourceForm {
    /// Hears what is asked for. `None` where the page has no such form.
    pub fn hear(wishes: Callback<FormAction>) -> Option<Self> {
        let section = query_page(".source-form")?;
        let part = |selector| section.query_selector(selector).ok()?;
        let input: HtmlInputElement = part("input")?.unchecked_into();
        let second = part("[value=second]")?.unchecked_into();
        let page = document()?;
        let drop = ["dragover", "drop"].map(|kind| hear_link(&page, kind, wishes.clone()));
        let submit = {
            let input = input.clone();
            // It is not sent anywhere.
            let options = EventListenerOptions::enable_prevent_default();
            web::hear_with(&section, "submit", options, move |event| {
                event.prevent_default();
                let button = event.unchecked_ref::<SubmitEvent>().submitter();
                let button = button.map(|button| button.unchecked_into::<HtmlButtonElement>());
                let written = input.value();
                let asked = button.map_or_else(String::new, |button| button.value());
                wishes.emit(match (asked.as_str(), written.trim_ascii()) {
                    ("second", _) => FormAction::ToggleSecond,
                    ("", "") => return,
                    ("", address) | (address, _) => FormAction::Load(address.to_owned().into()),
                });
            })
        };
        // From now on there is somebody to ask.
        section.remove_attribute("inert").ok()?;
        Some(Self {
            input,
            second,
            _submit: submit,
            _drop: drop,
        })
    }

    /// Shows what is played, unless that is there already and somebody may be writing over it; and what the
    /// last button does now.
    pub fn show(&self, source: &str, has_second: bool) {
        if self.input.default_value() != source {
            self.input.set_default_value(source);
            self.input.set_value(source);
        }
        self.second.set_text_content(Some(if has_second {
            "Remove the second player"
        } else {
            "Add a second player"
        }));
    }
}

/// Hears of a link that is dragged over the page or dropped on it: it is played. A field keeps what is meant
/// for it.
fn hear_link(
    page: &EventTarget,
    kind: &'static str,
    wishes: Callback<FormAction>,
) -> EventListener {
    let options = EventListenerOptions::enable_prevent_default();
    web::hear_with(page, kind, options, move |event| {
        let is_field = event
            .target()
            .is_some_and(|it| it.is_instance_of::<HtmlInputElement>());
        let data = event.unchecked_ref::<DragEvent>().data_transfer();
        let is_link = |kinds: js_sys::Array| kinds.includes(&"text/uri-list".into(), 0);
        let Some(data) = data.filter(|data| !is_field && is_link(data.types())) else {
            return;
        };
        event.prevent_default();
        // Before it is dropped, nobody is told what it is.
        if let Ok(address) = data.get_data("URL")
            && !address.is_empty()
        {
            wishes.emit(FormAction::Load(address.into()));
        }
    })
}
