//! Another film, by its address, or the sample again; and a second player. The form is in index.html.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{HtmlButtonElement, HtmlInputElement, SubmitEvent};
use yew::prelude::*;

/// What a person asks of the page.
pub enum Wish {
    /// Show the film at this address. Whether it is one is for the player to say.
    Load(AttrValue),
    /// A second player, or one again.
    ToggleSecond,
}

/// The form, heard for as long as it is held.
pub struct Choice {
    input: HtmlInputElement,
    second: HtmlButtonElement,
    _submit: EventListener,
}

impl Choice {
    /// Hears what is asked for. `None` where the page has no such form.
    pub fn hear(sample: &'static str, wishes: Callback<Wish>) -> Option<Self> {
        let section = super::part_of_page(".choice")?;
        let part = |selector| section.query_selector(selector).ok()?;
        let input: HtmlInputElement = part("input")?.unchecked_into();
        let second = part("[value=second]")?.unchecked_into();
        let submit = {
            let input = input.clone();
            // It is not sent anywhere.
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&section, "submit", options, move |event| {
                event.prevent_default();
                let button = event.unchecked_ref::<SubmitEvent>().submitter();
                let button = button.map(|button| button.unchecked_into::<HtmlButtonElement>());
                wishes.emit(match button.map(|button| button.value()).as_deref() {
                    Some("sample") => Wish::Load(AttrValue::Static(sample)),
                    Some("second") => Wish::ToggleSecond,
                    _ => match input.value().trim_ascii() {
                        "" => return,
                        address => Wish::Load(address.to_owned().into()),
                    },
                });
            })
        };
        // From now on there is somebody to ask.
        section.remove_attribute("inert").ok()?;
        Some(Self {
            input,
            second,
            _submit: submit,
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
