//! Sees where the film is, and says so: by this the worker's clock is set.

use std::{cell::Cell, rc::Rc};

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlVideoElement, ResizeObserver, window};

use crate::{platform::web, protocol::Observation};

/// Whatever may have changed what is observed.
const OCCASIONS: [&str; 9] = [
    "loadedmetadata",
    "play",
    "playing",
    "pause",
    "seeking",
    "seeked",
    "ratechange",
    "timeupdate",
    "ended",
];

/// How often a film that plays is looked at without an occasion, in milliseconds: one that stands still
/// where it should not gives none.
const ROUND: u32 = 1_000;

/// Sees and says, until it is dropped.
pub struct ElementObserver {
    _occasions: [EventListener; OCCASIONS.len()],
    _rounds: Interval,
    _size: Option<ElementSize>,
}

/// How large an element is. The browser says so when it changes; to ask it would have the page laid out
/// there and then, several times a second.
struct ElementSize {
    observer: ResizeObserver,
    _changed: Closure<dyn FnMut()>,
}

impl ElementSize {
    /// Keeps the size in `pixels`, in CSS pixels. `None` where the browser does not say.
    fn of(video: &HtmlVideoElement, pixels: &Rc<Cell<(i32, i32)>>) -> Option<Self> {
        let look = {
            let (video, pixels) = (video.clone(), pixels.clone());
            move || pixels.set((video.client_width(), video.client_height()))
        };
        look();
        let changed = Closure::new(look);
        let observer = ResizeObserver::new(changed.as_ref().unchecked_ref()).ok()?;
        observer.observe(video);
        Some(Self {
            observer,
            _changed: changed,
        })
    }
}

impl Drop for ElementSize {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Has `say` told what is seen of an element.
pub fn observe(
    video: &HtmlVideoElement,
    say: impl Fn(Observation) + Clone + 'static,
) -> ElementObserver {
    let pixels = Rc::new(Cell::default());
    let size = ElementSize::of(video, &pixels);
    let occasions = OCCASIONS.map(|occasion| {
        let (video_seen, pixels, say) = (video.clone(), pixels.clone(), say.clone());
        web::hear(video, occasion, move |_| {
            say(seen(&video_seen, pixels.get()))
        })
    });
    let video = video.clone();
    let rounds = Interval::new(ROUND, move || {
        if !video.paused() {
            say(seen(&video, pixels.get()));
        }
    });
    ElementObserver {
        _occasions: occasions,
        _rounds: rounds,
        _size: size,
    }
}

/// What is to be seen now of an element of this size, in CSS pixels.
fn seen(video: &HtmlVideoElement, (width, height): (i32, i32)) -> Observation {
    let density = window().map_or(1.0, |window| window.device_pixel_ratio());
    let pixels = |length: i32| (f64::from(length) * density) as u32;
    Observation {
        position: video.current_time(),
        rate: if video.paused() {
            0.0
        } else {
            video.playback_rate()
        },
        screen: (pixels(width), pixels(height)),
        at: web::now(),
    }
}
