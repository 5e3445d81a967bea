//! The form for another source and for a second player. Its markup is in index.html. Also plays links that are
//! dropped on the page.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, EventTarget, File, HtmlButtonElement, HtmlInputElement, SubmitEvent};
use yew::prelude::*;

use crate::{
    platform::{ObjectUrl, web},
    player::dom::{document, query, query_page},
};

/// A request of the visitor.
pub enum FormAction {
    /// Play the source at this URL, which is not checked here.
    Load(AttrValue),
    /// Play or show these files.
    OpenFiles(Vec<File>),
    /// Play one of the files that were opened last.
    PlayFile(usize),
    /// Show these captions with the video that plays.
    ShowCaptions(ObjectUrl),
    /// Add or remove the second player.
    ToggleSecondPlayer,
}

/// The form, connected until it is dropped.
pub struct SourceForm {
    input: HtmlInputElement,
    second_player: HtmlButtonElement,
    _submit: EventListener,
    _drop: [EventListener; 2],
}

impl SourceForm {
    /// Connects the page's form. `None` if the page has none.
    pub fn connect(on_action: Callback<FormAction>) -> Option<Self> {
        let section = query_page(".source-form")?;
        let input: HtmlInputElement = query(&section, "input")?;
        let second_player = query(&section, "[value=second]")?;
        let document = document()?;
        let drop =
            ["dragover", "drop"].map(|name| listen_for_link(&document, name, on_action.clone()));
        let submit = {
            let input = input.clone();
            let options = EventListenerOptions::enable_prevent_default();
            web::listen_with(&section, "submit", options, move |event| {
                event.prevent_default();
                let button = event.unchecked_ref::<SubmitEvent>().submitter();
                let button = button.map(|button| button.unchecked_into::<HtmlButtonElement>());
                let value = button.map_or_else(String::new, |button| button.value());
                let typed = input.value();
                on_action.emit(match (value.as_str(), typed.trim_ascii()) {
                    ("second", _) => FormAction::ToggleSecondPlayer,
                    ("", "") => return,
                    ("", url) | (url, _) => FormAction::Load(url.to_owned().into()),
                });
            })
        };
        // In index.html the form is inert, because nothing handles it until now.
        section.remove_attribute("inert").ok()?;
        Some(Self {
            input,
            second_player,
            _submit: submit,
            _drop: drop,
        })
    }

    /// Shows the current source, unless it is shown already: the visitor may be typing. Updates the label of the
    /// button for the second player.
    pub fn update(&self, source: &str, has_second_player: bool) {
        if self.input.default_value() != source {
            self.input.set_default_value(source);
            self.input.set_value(source);
        }
        self.second_player
            .set_text_content(Some(if has_second_player {
                "Remove the second player"
            } else {
                "Add a second player"
            }));
    }
}

/// Handles `dragover` or `drop` of a link anywhere but in a text field.
fn listen_for_link(
    document: &EventTarget,
    name: &'static str,
    on_action: Callback<FormAction>,
) -> EventListener {
    let options = EventListenerOptions::enable_prevent_default();
    web::listen_with(document, name, options, move |event| {
        let is_field = event
            .target()
            .is_some_and(|target| target.is_instance_of::<HtmlInputElement>());
        let data = event.unchecked_ref::<DragEvent>().data_transfer();
        let is_link = |types: js_sys::Array| types.includes(&"text/uri-list".into(), 0);
        let Some(data) = data.filter(|data| !is_field && is_link(data.types())) else {
            return;
        };
        event.prevent_default();
        // Empty during `dragover`: the data is readable in `drop` only.
        if let Ok(url) = data.get_data("URL")
            && !url.is_empty()
        {
            on_action.emit(FormAction::Load(url.into()));
        }
    })
}
