//! Whether anybody wants the controls: they fade while the film plays and nobody stirs.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlElement, HtmlVideoElement, PointerEvent};

use super::action::ControlAction;

/// How long the controls stay, in milliseconds.
const PATIENCE: u32 = 3_000;

/// The attribute of a frame whose controls have faded.
const IDLE: &str = "data-idle";

/// The attribute of a frame whose last pointer was a finger. A machine may have both, and what it says of
/// itself does not tell which is in use.
const TOUCH: &str = "data-touch";

/// By what a person shows that he is there.
pub const SIGNS: [&str; 8] = [
    "pointermove",
    "pointerdown",
    "pointerleave",
    "keydown",
    "focusin",
    "focusout",
    "click",
    "dblclick",
];

/// Somebody, or nobody, before a player.
pub struct UserActivity {
    video: HtmlVideoElement,
    frame: HtmlElement,
    fading: RefCell<Option<Timeout>>,
    /// Whether the controls had faded when the last pointer came.
    was_idle: Cell<bool>,
}

impl UserActivity {
    pub fn new(video: &HtmlVideoElement, frame: &HtmlElement) -> Rc<Self> {
        Rc::new(Self {
            video: video.clone(),
            frame: frame.clone(),
            fading: RefCell::default(),
            was_idle: Cell::default(),
        })
    }

    /// Whether the controls have faded.
    pub fn is_idle(&self) -> bool {
        self.frame.has_attribute(IDLE)
    }

    /// Shows the controls, for as long as somebody stirs and a moment longer.
    pub fn stir(self: &Rc<Self>) {
        // An attribute of this name is always allowed.
        let _ = self.frame.remove_attribute(IDLE);
        let presence = Rc::downgrade(self);
        let fade = move || {
            if let Some(presence) = Weak::upgrade(&presence) {
                presence.rest();
            }
        };
        self.fading.replace(Some(Timeout::new(PATIENCE, fade)));
    }

    /// Lets the controls fade, unless they are needed: then it is seen again in a moment.
    fn rest(self: &Rc<Self>) {
        let needed = ":is(button, input, select):focus-visible, :popover-open";
        let needed = self.frame.query_selector(needed).ok().flatten();
        if needed.is_some() || self.video.paused() {
            self.stir();
        } else {
            let _ = self.frame.set_attribute(IDLE, "");
        }
    }

    /// What a sign says, and what the picture is asked for by it, if it was the picture that was touched.
    pub fn sense(self: &Rc<Self>, event: &Event) -> Option<ControlAction> {
        let is_picture = event.target().as_ref() == Some(self.video.as_ref());
        let by_touch = self.frame.has_attribute(TOUCH);
        match event.type_().as_str() {
            "pointerleave" if !by_touch => {
                if event.target().as_ref() == Some(self.frame.as_ref()) {
                    self.rest();
                }
                return None;
            }
            "pointerdown" => {
                let pointer = event.unchecked_ref::<PointerEvent>();
                let is_finger = pointer.pointer_type() == "touch";
                let _ = self.frame.toggle_attribute_with_force(TOUCH, is_finger);
                self.was_idle.set(self.is_idle());
            }
            // A finger shows the controls and puts them away; what it wants, it finds among them.
            "click" if is_picture && by_touch && !self.was_idle.get() && !self.video.paused() => {
                let _ = self.frame.set_attribute(IDLE, "");
                return None;
            }
            "click" if is_picture && !by_touch => return Some(ControlAction::Toggle),
            "dblclick" if is_picture => {
                let at = event.unchecked_ref::<PointerEvent>().offset_x();
                let third = self.video.client_width() / 3;
                return Some(match by_touch {
                    true if at < third => ControlAction::Skip(-10.0),
                    true if at > 2 * third => ControlAction::Skip(10.0),
                    _ => ControlAction::FullScreen,
                });
            }
            _ => {}
        }
        self.stir();
        None
    }
}
