//! The element that contains video and controls. It notices whether the viewer is active, and takes clicks and taps on
//! the video.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_timers::callback::Timeout;
use web_sys::{Event, HtmlElement, PointerEvent};
use yew::prelude::*;

use super::{
    handle::{PlayerHandle, use_media, use_player},
    media::MediaRequest,
};

/// How long the controls stay visible after the last activity.
const IDLE_AFTER_MS: u32 = 3_000;

/// Where the controls are used, they do not fade.
const IN_USE: &str = ":is(button, input, select):focus-visible, :popover-open";

/// The props of [`VideoContainer`].
#[derive(PartialEq, Properties)]
pub struct VideoContainerProps {
    /// Bound to the container.
    pub node: NodeRef,
    /// Whether there are controls: if not, clicks on the video do nothing.
    pub has_controls: bool,
    /// The video and what lies over it.
    pub children: Html,
}

/// Contains video and controls, and goes full screen. `data-idle` is set while the controls have faded, `data-touch` if
/// the last pointer was a finger: a device may have both touch and mouse, and media queries do not tell which is in
/// use.
#[component]
pub fn VideoContainer(props: &VideoContainerProps) -> Html {
    let player = use_player();
    let is_idle = use_media(|media| media.is_idle);
    let paused = use_media(|media| media.paused);
    let by_touch = use_state_eq(|| false);
    let activity = {
        let node = props.node.clone();
        use_memo(player, |player| Rc::new(Activity::new(player, node)))
    };
    {
        let activity = activity.clone();
        // A key may have shown the controls.
        use_effect_with(is_idle, move |is_idle| {
            if !is_idle {
                activity.touch();
            }
        });
    }
    {
        let activity = activity.clone();
        // The system's media keys may have played or paused it, or a script.
        use_effect_with(paused, move |_| activity.touch());
    }
    if !props.has_controls {
        return html! {
            <div class="video-container" ref={&props.node}>{ props.children.clone() }</div>
        };
    }
    let onactivity = {
        let activity = activity.clone();
        move |_: Event| activity.touch()
    };
    let onclick = {
        let activity = activity.clone();
        let by_touch = *by_touch;
        move |event: MouseEvent| activity.click(&event, by_touch)
    };
    let ondblclick = {
        let activity = activity.clone();
        let by_touch = *by_touch;
        move |event: MouseEvent| activity.double_click(&event, by_touch)
    };
    let onpointerdown = {
        let (activity, by_touch) = (activity.clone(), by_touch.clone());
        move |event: PointerEvent| {
            by_touch.set(event.pointer_type() == "touch");
            activity.pointer_down();
        }
    };
    let onpointerleave = {
        let (activity, by_touch) = (activity.clone(), *by_touch);
        move |_: PointerEvent| {
            if !by_touch {
                activity.fade();
            }
        }
    };
    let touch = Callback::from(onactivity);
    html! {
        <div
            class="video-container"
            ref={&props.node}
            data-idle={is_idle.then_some("")}
            data-touch={by_touch.then_some("")}
            onpointermove={touch.reform(Event::from)}
            onkeydown={touch.reform(Event::from)}
            onfocusin={touch.reform(Event::from)}
            onfocusout={touch.reform(Event::from)}
            {onpointerdown}
            {onpointerleave}
            {onclick}
            {ondblclick}
        >
            { props.children.clone() }
        </div>
    }
}

/// Tracks whether the viewer is active.
struct Activity {
    player: PlayerHandle,
    container: NodeRef,
    fading: RefCell<Option<Timeout>>,
    /// Whether the controls were faded at the last `pointerdown`.
    was_idle: Cell<bool>,
}

impl Activity {
    fn new(player: &PlayerHandle, container: NodeRef) -> Self {
        Self {
            player: player.clone(),
            container,
            fading: RefCell::default(),
            was_idle: Cell::default(),
        }
    }

    /// Shows the controls and restarts the idle timer.
    fn touch(self: &Rc<Self>) {
        if self.is_idle() {
            self.player.set_idle(false);
        }
        let activity = Rc::downgrade(self);
        let fade = move || {
            if let Some(activity) = activity.upgrade() {
                activity.fade();
            }
        };
        self.fading.replace(Some(Timeout::new(IDLE_AFTER_MS, fade)));
    }

    /// Fades the controls, or restarts the timer if they are in use.
    fn fade(self: &Rc<Self>) {
        let container = self.container.cast::<HtmlElement>();
        let in_use = container.and_then(|container| container.query_selector(IN_USE).ok()?);
        if in_use.is_some() || self.player.media(|media| media.paused) {
            self.touch();
        } else {
            self.player.set_idle(true);
        }
    }

    fn is_idle(&self) -> bool {
        self.player.media(|media| media.is_idle)
    }

    fn is_on_video(&self, event: &Event) -> bool {
        let video = self.player.video();
        video.is_some_and(|video| event.target().as_ref() == Some(video.as_ref()))
    }

    fn pointer_down(self: &Rc<Self>) {
        self.was_idle.set(self.is_idle());
        self.touch();
    }

    fn click(self: &Rc<Self>, event: &Event, by_touch: bool) {
        if !self.is_on_video(event) {
            return self.touch();
        }
        if !by_touch {
            return self.player.request(MediaRequest::Toggle);
        }
        // A tap on the video only shows or hides the controls.
        if self.was_idle.get() || self.player.media(|media| media.paused) {
            self.touch();
        } else {
            self.player.set_idle(true);
        }
    }

    /// By touch, a double tap on either side skips; elsewhere it toggles full screen.
    fn double_click(self: &Rc<Self>, event: &MouseEvent, by_touch: bool) {
        let Some(video) = self.player.video().filter(|_| self.is_on_video(event)) else {
            return self.touch();
        };
        let third = video.client_width() / 3;
        self.player.request(match event.offset_x() {
            x if by_touch && x < third => MediaRequest::Skip(-10.0),
            x if by_touch && x > 2 * third => MediaRequest::Skip(10.0),
            _ => MediaRequest::FullScreen,
        });
    }
}
