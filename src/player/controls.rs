//! The player's controls. They show the element's state, and request changes of it.
//!
//! The markup is `assets/controls.html`, which index.html contains as a template; `assets/style.css` decides
//! what is visible in which state. The code here runs outside Yew's rendering: it writes the element's state
//! into attributes, and turns input events into actions. A click on a button performs the action of the key that its
//! `aria-keyshortcuts` names (`keyboard`).

mod action;
mod activity;
mod format;
mod keyboard;
mod media_keys;
mod media_state;
mod preferences;
mod seek_bar;
mod settings_menu;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_events::{
    EventListener, EventListenerOptions,
    EventListenerPhase::{Bubble, Capture},
};
use wasm_bindgen::JsCast;
use web_sys::{
    Element, Event, EventTarget, HtmlElement, HtmlInputElement, HtmlVideoElement, KeyboardEvent,
    PointerEvent, TextTrackKind, TextTrackMode,
};
use yew::prelude::*;

pub use action::play;
pub use preferences::restore;

use super::{
    dom::{document, query, query_page},
    model::{Dispatch, PlayerModel},
};
use crate::platform::web;
use action::ControlAction;
use activity::UserActivity;
use media_keys::MediaKeys;
use media_state::MediaState;
use seek_bar::SeekBar;
use settings_menu::SettingsMenu;

/// The HTML of the controls in their initial state, from the page's template `#controls`.
pub fn markup() -> AttrValue {
    let template = query_page("#controls");
    template
        .map_or_else(String::new, |it| it.inner_html())
        .into()
}

/// Operates the controls until it is dropped.
pub struct Controls {
    state: Rc<ControlsState>,
    _listeners: Vec<EventListener>,
}

impl Controls {
    /// For this element. `frame` is the element that contains video and controls, and goes full screen;
    /// `title` is shown in the system's media controls.
    pub fn new(
        video: HtmlVideoElement,
        frame: HtmlElement,
        title: &Option<AttrValue>,
        playback: &Dispatch,
    ) -> Self {
        let state = Rc::new(ControlsState::new(video, frame, title, playback));
        let listeners = listen(&state);
        Self {
            state,
            _listeners: listeners,
        }
    }

    /// Updates the settings menu.
    pub fn show(&self, playback: &PlayerModel) {
        self.state.settings.show(playback);
    }
}

/// The parts of the controls, and their event handlers.
struct ControlsState {
    video: HtmlVideoElement,
    frame: HtmlElement,
    seen: Cell<MediaState>,
    seek_bar: SeekBar,
    settings: SettingsMenu,
    activity: Rc<UserActivity>,
    keys: Option<MediaKeys>,
}

impl ControlsState {
    fn new(
        video: HtmlVideoElement,
        frame: HtmlElement,
        title: &Option<AttrValue>,
        playback: &Dispatch,
    ) -> Self {
        let of_page = || Some(document()?.title());
        let title = title.as_deref().map(String::from).or_else(of_page);
        Self {
            seen: Cell::default(),
            seek_bar: SeekBar::new(&frame),
            settings: SettingsMenu::new(&frame, playback),
            activity: UserActivity::new(&video, &frame),
            keys: MediaKeys::new(&video, &frame, &title.unwrap_or_default()),
            video,
            frame,
        }
    }

    fn perform(&self, request: ControlAction) {
        request.perform(&self.video, &self.frame);
    }

    /// An event after which the element's state may have changed.
    fn media_event(&self, event: &Event) {
        let kind = event.type_();
        if kind == "play" || kind == "pause" {
            self.activity.touch();
        }
        if let Some(keys) = &self.keys {
            if kind == "play" {
                keys.activate();
            }
            keys.update_position(&self.video);
        }
        self.show();
    }

    /// Shows the element's current state.
    fn show(&self) {
        let seen = MediaState::of(&self.video, &self.frame);
        let before = self.seen.replace(seen);
        if seen != before {
            seen.write(&before, &self.frame);
        }
        self.seek_bar.write(&self.video, &seen);
        self.seek_bar.write_loaded(&self.video);
        self.seek_bar.write_words(&self.video);
    }

    /// `timeupdate`.
    fn time_update(&self, _: &Event) {
        if self.seek_bar.is_behind(&self.video) && self.is_on_screen() {
            self.seek_bar.follow(&self.video);
        }
    }

    /// `progress`: more is buffered.
    fn progress(&self, _: &Event) {
        if self.is_on_screen() {
            self.seek_bar.write_loaded(&self.video);
        }
    }

    fn is_on_screen(&self) -> bool {
        !self.activity.is_idle() && document().is_some_and(|document| !document.hidden())
    }

    /// Text tracks were added, removed or switched, possibly by someone else.
    fn tracks_changed(&self, event: &Event) {
        if event.type_() == "addtrack" {
            self.prepare();
        }
        self.settings.show_captions(&self.video);
        self.show();
    }

    /// Has chapters loaded but not displayed, and captions displayed if they were on the last visit.
    fn prepare(&self) {
        for chapters in media_state::tracks(&self.video, TextTrackKind::Chapters) {
            chapters.set_mode(TextTrackMode::Hidden);
        }
        if !media_state::captions(&self.video)
            .iter()
            .any(media_state::is_shown)
        {
            let is_wanted = preferences::number("captions") == Some(1);
            action::show(&self.video, is_wanted.then_some(0));
        }
    }

    /// An input event of the user.
    fn user_event(&self, event: &Event) {
        let kind = event.type_();
        let was_idle = self.activity.is_idle();
        if let Some(request) = self.activity.handle(event) {
            self.perform(request);
        }
        match kind.as_str() {
            "pointermove" => {
                self.seek_bar
                    .show_tooltip(event.unchecked_ref::<PointerEvent>(), &self.video);
            }
            "click" => {
                // A button does what its keyboard shortcut does.
                let target = event
                    .target()
                    .map(|target| target.unchecked_into::<Element>());
                let button =
                    target.and_then(|target| target.closest("[aria-keyshortcuts]").ok()?);
                let key = button.and_then(|button| button.get_attribute("aria-keyshortcuts"));
                if let Some(request) = key.and_then(|key| keyboard::action_of(&key)) {
                    self.perform(request);
                }
            }
            _ => {}
        }
        if was_idle || kind == "focusin" {
            self.show();
        }
    }

    /// `input` and `change` of sliders and menus.
    fn change(&self, event: &Event) {
        let is_held = event.type_() == "input";
        if let Some(place) = self.seek_bar.moved(event, is_held) {
            self.perform(ControlAction::SeekTo(place));
        } else if let Some(request) = self.settings.chosen(event) {
            self.perform(request);
        } else if let Some(slider) = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
        {
            self.perform(ControlAction::Volume(slider.value_as_number() as i32));
        }
    }

    /// `keydown` anywhere on the page.
    fn key_down(&self, event: &Event) {
        let event = event.unchecked_ref::<KeyboardEvent>();
        // While an error message covers the video, there is nothing to control.
        if query::<Element>(&self.frame, ".error-message").is_none()
            && keyboard::is_for(&self.frame, event)
            && let Some(request) = keyboard::action_of_event(event)
        {
            event.prevent_default();
            self.activity.touch();
            self.perform(request);
        }
    }
}

/// Adds all event listeners, and shows the current state.
fn listen(state: &Rc<ControlsState>) -> Vec<EventListener> {
    let listeners = RefCell::new(Vec::new());
    let listen =
        |target: &EventTarget, phase, names: &[&'static str], act: fn(&ControlsState, &Event)| {
            for name in names {
                let state = state.clone();
                let passive = false;
                let options = EventListenerOptions { phase, passive };
                let act = move |event: &Event| act(&state, event);
                let listener = web::listen_with(target, name, options, act);
                listeners.borrow_mut().push(listener);
            }
        };
    let (video, frame) = (&state.video, &state.frame);
    // Events of `<track>` elements do not bubble: they reach the video in the capture phase only.
    listen(
        video,
        Capture,
        &media_state::EVENTS,
        ControlsState::media_event,
    );
    listen(video, Bubble, &["timeupdate"], ControlsState::time_update);
    listen(video, Bubble, &["progress"], ControlsState::progress);
    listen(
        frame,
        Bubble,
        &["fullscreenchange"],
        ControlsState::media_event,
    );
    listen(frame, Bubble, &activity::EVENTS, ControlsState::user_event);
    listen(frame, Bubble, &["input", "change"], ControlsState::change);
    if let Some(tracks) = video.text_tracks() {
        let names = ["change", "addtrack", "removetrack"];
        listen(&tracks, Bubble, &names, ControlsState::tracks_changed);
    }
    if let Some(document) = document() {
        listen(&document, Bubble, &["keydown"], ControlsState::key_down);
    }
    state.prepare();
    state.show();
    listeners.into_inner()
}
