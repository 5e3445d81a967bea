//! User activity: the controls fade while the video plays and the user is idle.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlElement, HtmlVideoElement, PointerEvent};

use super::action::ControlAction;

/// How long the controls stay visible after the last activity.
const IDLE_AFTER_MS: u32 = 3_000;

/// Set on the frame while the controls are faded.
const IDLE: &str = "data-idle";

/// Set on the frame if the last pointer was a finger. A device may have both touch and mouse, and media queries
/// do not tell which is in use.
const TOUCH: &str = "data-touch";

/// The events that count as activity.
pub const EVENTS: [&str; 8] = [
    "pointermove",
    "pointerdown",
    "pointerleave",
    "keydown",
    "focusin",
    "focusout",
    "click",
    "dblclick",
];

/// Tracks whether the user is active.
pub struct UserActivity {
    video: HtmlVideoElement,
    frame: HtmlElement,
    fading: RefCell<Option<Timeout>>,
    /// Whether the controls were faded at the last `pointerdown`.
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

    /// Shows the controls and restarts the idle timer.
    pub fn touch(self: &Rc<Self>) {
        // Never throws for a valid name.
        let _ = self.frame.remove_attribute(IDLE);
        let activity = Rc::downgrade(self);
        let fade = move || {
            if let Some(activity) = Weak::upgrade(&activity) {
                activity.fade();
            }
        };
        self.fading.replace(Some(Timeout::new(IDLE_AFTER_MS, fade)));
    }

    /// Fades the controls, or restarts the timer if they are in use.
    fn fade(self: &Rc<Self>) {
        let needed = ":is(button, input, select):focus-visible, :popover-open";
        let needed = self.frame.query_selector(needed).ok().flatten();
        if needed.is_some() || self.video.paused() {
            self.touch();
        } else {
            let _ = self.frame.set_attribute(IDLE, "");
        }
    }

    /// Handles an input event. Returns the action of a click or tap on the video itself.
    pub fn handle(self: &Rc<Self>, event: &Event) -> Option<ControlAction> {
        let is_picture = event.target().as_ref() == Some(self.video.as_ref());
        let by_touch = self.frame.has_attribute(TOUCH);
        match event.type_().as_str() {
            "pointerleave" if !by_touch => {
                if event.target().as_ref() == Some(self.frame.as_ref()) {
                    self.fade();
                }
                return None;
            }
            "pointerdown" => {
                let pointer = event.unchecked_ref::<PointerEvent>();
                let is_finger = pointer.pointer_type() == "touch";
                let _ = self.frame.toggle_attribute_with_force(TOUCH, is_finger);
                self.was_idle.set(self.is_idle());
            }
            // By touch, a tap on the video only shows or hides the controls.
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
        self.touch();
        None
    }
}
