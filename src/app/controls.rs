//! The player's own controls. They read what they show off the element, and only ask it for things.

mod icon;
mod keyboard;
mod media_keys;
mod presence;
mod remembered;
mod request;
mod seen;
mod settings;
mod timeline;

use std::{
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering},
};

use gloo_events::{EventListener, EventListenerOptions, EventListenerPhase};
use wasm_bindgen::JsCast;
use web_sys::{
    Event, EventTarget, HtmlElement, HtmlVideoElement, KeyboardEvent, PointerEvent, TextTrackKind,
    TextTrackMode, window,
};
use yew::prelude::*;

pub use remembered::restore;
pub use request::play;
pub use settings::use_lock;

use super::playback::Playback;
use icon::{Icon, icon};
use media_keys::MediaKeys;
use presence::Presence;
use request::Request;
use seen::Seen;
use timeline::Timeline;

/// What the controls show, and the parts of them that are written without Yew.
pub struct Controls {
    shown: UseReducerHandle<Shown>,
    timeline: Timeline,
    ask: Callback<Request>,
    /// Names the sheets of this player among those of others on the page.
    id: u32,
}

/// The last look at the element, and what was said about what had changed.
#[derive(Default)]
struct Shown {
    seen: Seen,
    said: String,
    /// How often something was said: the same words again are news again.
    times: u32,
}

impl Reducible for Shown {
    type Action = Seen;

    fn reduce(self: Rc<Self>, seen: Seen) -> Rc<Self> {
        if seen == self.seen {
            return self;
        }
        // Until there is a film, things are only being set up.
        let news = seen.news(&self.seen).filter(|_| self.seen.started);
        let times = self.times + u32::from(news.is_some());
        let said = news.unwrap_or_else(|| self.said.clone());
        Rc::new(Self { seen, said, times })
    }
}

/// Listens to an element and to the person before it, for as long as the component is there. `frame` is
/// what the controls lie in, and what fills the screen; `title` what the system calls the film.
#[hook]
pub fn use_controls(video: &NodeRef, frame: &NodeRef, title: &Option<AttrValue>) -> Controls {
    static PLAYERS: AtomicU32 = AtomicU32::new(0);
    let id = use_memo((), |()| PLAYERS.fetch_add(1, Ordering::Relaxed));
    let shown = use_reducer(Shown::default);
    let timeline = (*use_memo((), |()| Timeline::default())).clone();
    {
        let (video, frame) = (video.clone(), frame.clone());
        let (shown, timeline) = (shown.dispatcher(), timeline.clone());
        use_effect_with(title.clone(), move |title| {
            let listeners = video.cast().zip(frame.cast()).map(|(video, frame)| {
                let keys = MediaKeys::new(&video, &frame, &title_of(title));
                let presence = Presence::new(&video, &frame);
                listen(&Rc::new(Desk {
                    video,
                    frame,
                    shown,
                    timeline,
                    presence,
                    keys,
                }))
            });
            || drop(listeners)
        });
    }
    let ask = {
        let (video, frame) = (video.clone(), frame.clone());
        Callback::from(move |request: Request| {
            if let Some((video, frame)) = video.cast().zip(frame.cast()) {
                request.perform(&video, &frame);
            }
        })
    };
    Controls {
        shown,
        timeline,
        ask,
        id: *id,
    }
}

/// What a film is called: what it is said to be, or what the page is.
fn title_of(title: &Option<AttrValue>) -> String {
    let of_page = || Some(window()?.document()?.title());
    let title = title.as_ref().map(ToString::to_string);
    title.or_else(of_page).unwrap_or_default()
}

/// Where everything is heard that happens to a player, and acted upon.
struct Desk {
    video: HtmlVideoElement,
    frame: HtmlElement,
    shown: UseReducerDispatcher<Shown>,
    timeline: Timeline,
    presence: Rc<Presence>,
    keys: Option<MediaKeys>,
}

impl Desk {
    /// Something has changed that is seen.
    fn look(&self, event: &Event) {
        match event.type_().as_str() {
            "play" => {
                self.presence.stir();
                if let Some(keys) = &self.keys {
                    keys.take();
                }
            }
            "pause" => self.presence.stir(),
            _ => {}
        }
        self.shown.dispatch(Seen::of(&self.video, &self.frame));
        self.timeline.write(&self.video);
        self.timeline.write_loaded(&self.video);
        self.timeline.write_words(&self.video);
        if let Some(keys) = &self.keys {
            keys.place(&self.video);
        }
    }

    /// The film has gone on a little, or more of it has come.
    fn tick(&self, event: &Event) {
        let document = self.frame.owner_document();
        if self.presence.is_idle() || document.is_none_or(|document| document.hidden()) {
            return;
        }
        if event.type_() == "timeupdate" {
            self.timeline.write(&self.video);
        } else {
            self.timeline.write_loaded(&self.video);
        }
    }

    /// Captions or chapters came, or were switched by somebody else.
    fn order(&self, event: &Event) {
        if event.type_() == "addtrack" {
            self.prepare();
        }
        self.look(event);
    }

    /// Chapters are read and never shown; captions are as they were left.
    fn prepare(&self) {
        if let Some(chapters) = seen::track(&self.video, TextTrackKind::Chapters) {
            chapters.set_mode(TextTrackMode::Hidden);
        }
        if let Some(captions) = seen::captions(&self.video) {
            request::show(&captions, remembered::number("captions") == Some(1));
        }
    }

    /// A person is there.
    fn sense(&self, event: &Event) {
        let was_idle = self.presence.is_idle();
        if let Some(request) = self.presence.sense(event) {
            request.perform(&self.video, &self.frame);
        }
        if event.type_() == "pointermove" {
            let event = event.unchecked_ref::<PointerEvent>();
            self.timeline.point(event, &self.video);
        }
        if was_idle {
            self.timeline.write(&self.video);
            self.timeline.write_loaded(&self.video);
        }
    }

    /// A key was pressed, somewhere on the page.
    fn press(&self, event: &Event) {
        let event = event.unchecked_ref::<KeyboardEvent>();
        // Where a message covers the film, there is nothing to control.
        let is_covered = self
            .frame
            .query_selector(".notice")
            .ok()
            .flatten()
            .is_some();
        if !is_covered
            && keyboard::is_for(&self.frame, event)
            && let Some(request) = keyboard::asked(event)
        {
            event.prevent_default();
            self.presence.stir();
            request.perform(&self.video, &self.frame);
        }
    }
}

/// Hears what happens to a player, until what is returned is dropped.
fn listen(desk: &Rc<Desk>) -> Vec<EventListener> {
    let mut listeners = Vec::new();
    let mut hear = |target: &EventTarget, names: &[&'static str], act: fn(&Desk, &Event)| {
        for name in names {
            let desk = desk.clone();
            let options = EventListenerOptions {
                // On its way down: what a track says goes no other way, and a key is not yet used up.
                phase: EventListenerPhase::Capture,
                passive: false,
            };
            listeners.push(EventListener::new_with_options(
                target,
                *name,
                options,
                move |event| act(&desk, event),
            ));
        }
    };
    hear(&desk.video, &seen::OCCASIONS, Desk::look);
    hear(&desk.video, &["timeupdate", "progress"], Desk::tick);
    hear(&desk.frame, &["fullscreenchange"], Desk::look);
    hear(&desk.frame, &presence::SIGNS, Desk::sense);
    if let Some(tracks) = desk.video.text_tracks() {
        hear(&tracks, &["change", "addtrack", "removetrack"], Desk::order);
    }
    if let Some(document) = desk.frame.owner_document() {
        hear(&document, &["keydown"], Desk::press);
    }
    desk.prepare();
    desk.shown.dispatch(Seen::of(&desk.video, &desk.frame));
    desk.timeline.write(&desk.video);
    listeners
}

impl Controls {
    /// Draws them.
    pub fn view(&self, playback: &UseReducerHandle<Playback>) -> Html {
        let Seen {
            paused,
            ended,
            muted,
            ..
        } = self.shown.seen;
        let seen = &self.shown.seen;
        let is_there = playback.picture.is_some();
        let playing = match (ended, paused) {
            (true, _) => ("Play again", icon::REPLAY),
            (_, true) => ("Play", icon::PLAY),
            _ => ("Pause", icon::PAUSE),
        };
        let settings = format!("settings-{}", self.id);
        let keys = format!("keys-{}", self.id);
        let state = match (paused, seen.started) {
            (false, _) => "playing",
            (true, false) => "new",
            (true, true) => "paused",
        };
        html! {
            <div class="controls" data-state={state}>
                if seen.waiting || !is_there {
                    <div class="spinner" role="status"><span class="unseen">{ "Loading" }</span></div>
                } else {
                    { self.button("large", playing.0, "", playing.1, Request::Toggle) }
                }
                if seen.hushed {
                    <button class="unmute" type="button" onclick={self.asking(Request::Mute)}>
                        { icon(icon::SILENCE) }{ "Unmute" }
                    </button>
                }
                <p class="said" role="status">
                    <span key={self.shown.times}>{ &self.shown.said }</span>
                </p>
                <div class="bar" role="group" aria-label="Controls">
                    { self.timeline.bar(&self.ask) }
                    <div class="buttons">
                        { self.button("play", playing.0, "k", playing.1, Request::Toggle) }
                        { self.button(
                            "sound", if muted { "Unmute" } else { "Mute" }, "m",
                            if muted { icon::SILENCE } else { icon::SOUND }, Request::Mute,
                        ) }
                        { self.volume() }
                        { self.timeline.time(seen.duration) }
                        if seen.captions.is_some() {
                            { self.switch("Captions", "c", icon::CAPTIONS, seen.captions, Request::Captions) }
                        }
                        <button
                            class="open" type="button" aria-label="Settings" title="Settings"
                            popovertarget={settings.clone()}
                        >
                            { icon(icon::SETTINGS) }
                        </button>
                        if seen.floats.is_some() {
                            { self.switch("Picture in picture", "i", icon::FLOAT, seen.floats, Request::PictureInPicture) }
                        }
                        { self.button(
                            "full", if seen.fills_screen { "Leave full screen" } else { "Full screen" }, "f",
                            if seen.fills_screen { icon::SHRINK } else { icon::GROW }, Request::FullScreen,
                        ) }
                    </div>
                </div>
                { settings::sheet(&settings, &keys, playback, seen.rate, &self.ask) }
                { keyboard::sheet(&keys) }
            </div>
        }
    }

    fn asking(&self, request: Request) -> Callback<MouseEvent> {
        self.ask.reform(move |_| request)
    }

    /// A button, by what it does and the key that does the same.
    fn button(
        &self,
        class: &'static str,
        label: &'static str,
        key: &'static str,
        sign: Icon,
        request: Request,
    ) -> Html {
        self.any_button(class, label, key, sign, None, request)
    }

    /// A button for what is on or off.
    fn switch(
        &self,
        label: &'static str,
        key: &'static str,
        sign: Icon,
        is_on: Option<bool>,
        request: Request,
    ) -> Html {
        let pressed = is_on.map(|is_on| if is_on { "true" } else { "false" });
        self.any_button("switch", label, key, sign, pressed, request)
    }

    fn any_button(
        &self,
        class: &'static str,
        label: &'static str,
        key: &'static str,
        sign: Icon,
        pressed: Option<&'static str>,
        request: Request,
    ) -> Html {
        let title = match key {
            "" => label.to_owned(),
            _ => [label, " (", key, ")"].concat(),
        };
        html! {
            <button
                {class} type="button" aria-label={label} {title} aria-pressed={pressed}
                onclick={self.asking(request)}
            >
                { icon(sign) }
            </button>
        }
    }

    fn volume(&self) -> Html {
        let seen = &self.shown.seen;
        let percent = if seen.muted { 0 } else { seen.volume };
        let oninput = self.ask.reform(|event: InputEvent| {
            let slider = event.target_dyn_into::<web_sys::HtmlInputElement>();
            let percent = slider.and_then(|slider| slider.value().parse().ok());
            Request::Volume(percent.unwrap_or_default())
        });
        let percent = percent.to_string();
        html! {
            <div class="volume">
                <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                    <path d={["M0 0H", &percent].concat()} />
                </svg>
                <input type="range" min="0" max="100" step="5" aria-label="Volume" value={percent} {oninput} />
            </div>
        }
    }
}
