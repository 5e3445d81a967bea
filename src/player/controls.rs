//! The player's own controls. They read what they show off the element, and only ask it for things.
//!
//! What never changes about them is text, in `assets/controls.html`, of which index.html makes a template;
//! how they look in which state is `assets/style.css`'s to say. What is left is done here, with no part in
//! Yew's rendering: that the element's state is written into attributes, and that a person is heard.

mod action;
mod activity;
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
    dom::{document, part_of_page},
    model::{Dispatch, PlayerModel},
};
use crate::platform::web;
use action::ControlAction;
use activity::UserActivity;
use media_keys::MediaKeys;
use media_state::MediaState;
use seek_bar::SeekBar;
use settings_menu::SettingsMenu;

/// The controls as they are before anything is known, to be put into the frame that [`Controls`] are
/// given: the page's template of that name.
pub fn markup() -> AttrValue {
    let template = part_of_page("#controls");
    template
        .map_or_else(String::new, |it| it.inner_html())
        .into()
}

/// Has the controls work for as long as it is held.
pub struct Controls {
    desk: Rc<ControlsState>,
    _listeners: Vec<EventListener>,
}

impl Controls {
    /// Over this element. `frame` is what they lie in, and what fills the screen; `title` what the system
    /// calls the film.
    pub fn new(
        video: HtmlVideoElement,
        frame: HtmlElement,
        title: &Option<AttrValue>,
        playback: &Dispatch,
    ) -> Self {
        let desk = Rc::new(ControlsState::new(video, frame, title, playback));
        let listeners = listen(&desk);
        Self {
            desk,
            _listeners: listeners,
        }
    }

    /// Offers what there is to choose from.
    pub fn show(&self, playback: &PlayerModel) {
        self.desk.settings.show(playback);
    }
}

/// Where everything is heard that happens to a player, and acted upon.
struct ControlsState {
    video: HtmlVideoElement,
    frame: HtmlElement,
    seen: Cell<MediaState>,
    timeline: SeekBar,
    settings: SettingsMenu,
    presence: Rc<UserActivity>,
    keys: Option<MediaKeys>,
}

impl ControlsState {
    fn new(
        video: HtmlVideoElement,
        frame: HtmlElement,
        title: &Option<AttrValue>,
        playback: &Dispatch,
    ) -> Self {
        // What a film is called: what it is said to be, or what the page is.
        let of_page = || Some(document()?.title());
        let title = title.as_deref().map(String::from).or_else(of_page);
        Self {
            seen: Cell::default(),
            timeline: SeekBar::new(&frame),
            settings: SettingsMenu::new(&frame, playback),
            presence: UserActivity::new(&video, &frame),
            keys: MediaKeys::new(&video, &frame, &title.unwrap_or_default()),
            video,
            frame,
        }
    }

    fn ask(&self, request: ControlAction) {
        request.perform(&self.video, &self.frame);
    }

    /// Something has changed that is seen.
    fn look(&self, event: &Event) {
        let kind = event.type_();
        if kind == "play" || kind == "pause" {
            self.presence.stir();
        }
        if let Some(keys) = &self.keys {
            if kind == "play" {
                keys.take();
            }
            keys.place(&self.video);
        }
        self.show();
    }

    /// Shows what is seen now.
    fn show(&self) {
        let seen = MediaState::of(&self.video, &self.frame);
        let before = self.seen.replace(seen);
        if seen != before {
            seen.write(&before, &self.frame);
        }
        self.timeline.write(&self.video, &seen);
        self.timeline.write_loaded(&self.video);
        self.timeline.write_words(&self.video);
    }

    /// The film has gone on a little.
    fn tick(&self, _: &Event) {
        if self.timeline.is_behind(&self.video) && self.is_on_screen() {
            self.timeline.follow(&self.video);
        }
    }

    /// More of it has come.
    fn load(&self, _: &Event) {
        if self.is_on_screen() {
            self.timeline.write_loaded(&self.video);
        }
    }

    fn is_on_screen(&self) -> bool {
        !self.presence.is_idle() && document().is_some_and(|document| !document.hidden())
    }

    /// Captions or chapters came, went, or were switched by somebody else.
    fn order(&self, event: &Event) {
        if event.type_() == "addtrack" {
            self.prepare();
        }
        self.settings.show_captions(&self.video);
        self.show();
    }

    /// Chapters are read and never shown; captions are as they were left.
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

    /// A person is there.
    fn sense(&self, event: &Event) {
        let kind = event.type_();
        let was_idle = self.presence.is_idle();
        if let Some(request) = self.presence.sense(event) {
            self.ask(request);
        }
        match kind.as_str() {
            "pointermove" => {
                self.timeline
                    .point(event.unchecked_ref::<PointerEvent>(), &self.video);
            }
            "click" => {
                // A button asks for what its key asks for.
                let target = event
                    .target()
                    .map(|target| target.unchecked_into::<Element>());
                let button =
                    target.and_then(|target| target.closest("[aria-keyshortcuts]").ok()?);
                let key = button.and_then(|button| button.get_attribute("aria-keyshortcuts"));
                if let Some(request) = key.and_then(|key| keyboard::request(&key)) {
                    self.ask(request);
                }
            }
            _ => {}
        }
        if was_idle || kind == "focusin" {
            self.show();
        }
    }

    /// A slider is being moved, or was let go of, or something was chosen.
    fn change(&self, event: &Event) {
        let is_held = event.type_() == "input";
        if let Some(place) = self.timeline.moved(event, is_held) {
            self.ask(ControlAction::SeekTo(place));
        } else if let Some(request) = self.settings.chosen(event) {
            self.ask(request);
        } else if let Some(slider) = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
        {
            self.ask(ControlAction::Volume(slider.value_as_number() as i32));
        }
    }

    /// A key was pressed, somewhere on the page.
    fn press(&self, event: &Event) {
        let event = event.unchecked_ref::<KeyboardEvent>();
        // Where a message covers the film, there is nothing to control.
        if part::<Element>(&self.frame, ".error-message").is_none()
            && keyboard::is_for(&self.frame, event)
            && let Some(request) = keyboard::asked(event)
        {
            event.prevent_default();
            self.presence.stir();
            self.ask(request);
        }
    }
}

/// A part of a player in the document.
fn part<T: JsCast>(frame: &Element, selector: &str) -> Option<T> {
    let found = frame.query_selector(selector).ok()??;
    Some(found.unchecked_into())
}

/// Hears what happens to a player, until what is returned is dropped.
fn listen(desk: &Rc<ControlsState>) -> Vec<EventListener> {
    let listeners = RefCell::new(Vec::new());
    let hear =
        |target: &EventTarget, phase, names: &[&'static str], act: fn(&ControlsState, &Event)| {
            for name in names {
                let desk = desk.clone();
                let passive = false;
                let options = EventListenerOptions { phase, passive };
                let act = move |event: &Event| act(&desk, event);
                let listener = web::hear_with(target, name, options, act);
                listeners.borrow_mut().push(listener);
            }
        };
    let (video, frame) = (&desk.video, &desk.frame);
    // Of its tracks the element hears on their way down, and no other way.
    hear(video, Capture, &media_state::OCCASIONS, ControlsState::look);
    hear(video, Bubble, &["timeupdate"], ControlsState::tick);
    hear(video, Bubble, &["progress"], ControlsState::load);
    hear(frame, Bubble, &["fullscreenchange"], ControlsState::look);
    hear(frame, Bubble, &activity::SIGNS, ControlsState::sense);
    hear(frame, Bubble, &["input", "change"], ControlsState::change);
    if let Some(tracks) = video.text_tracks() {
        let names = ["change", "addtrack", "removetrack"];
        hear(&tracks, Bubble, &names, ControlsState::order);
    }
    if let Some(document) = document() {
        hear(&document, Bubble, &["keydown"], ControlsState::press);
    }
    desk.prepare();
    desk.show();
    listeners.into_inner()
}
