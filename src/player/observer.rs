//! Observes the element's position, rate and size for the engine, which sets its clock by them.

use std::{cell::Cell, rc::Rc};

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlVideoElement, ResizeObserver, window};

use crate::{platform::web, protocol::Observation};

/// The events after which an observation may differ.
const EVENTS: [&str; 9] = [
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

/// The events that say that the element has arrived in a source. The engine has to know, even if the position is as
/// predicted: only then is a position before the source a seek of the viewer.
const ARRIVALS: [&str; 2] = ["loadedmetadata", "playing"];

/// How often a playing element is observed without an event: one that stalls fires none.
const INTERVAL_MS: u32 = 1_000;

/// Observes an element until it is dropped.
pub struct ElementObserver {
    _listeners: [EventListener; EVENTS.len()],
    _interval: Interval,
    _size: Option<ElementSize>,
}

impl ElementObserver {
    /// Calls `callback` with an observation after each event, and once a second while the element plays; and with
    /// whether it has to reach the engine even if it is as predicted.
    pub fn new(
        video: &HtmlVideoElement,
        callback: impl Fn(Observation, bool) + Clone + 'static,
    ) -> Self {
        let size = Rc::new(Cell::default());
        let element_size = ElementSize::track(video, &size);
        let listeners = EVENTS.map(|name| {
            let (element, size, callback) = (video.clone(), size.clone(), callback.clone());
            web::listen(video, name, move |_| {
                callback(observe(&element, size.get()), ARRIVALS.contains(&name));
            })
        });
        let video = video.clone();
        let interval = Interval::new(INTERVAL_MS, move || {
            if !video.paused() {
                callback(observe(&video, size.get()), false);
            }
        });
        Self {
            _listeners: listeners,
            _interval: interval,
            _size: element_size,
        }
    }
}

/// Tracks the size of an element with a ResizeObserver. Reading it at each observation would force layout
/// several times a second.
struct ElementSize {
    observer: ResizeObserver,
    _callback: Closure<dyn FnMut()>,
}

impl ElementSize {
    /// Keeps width and height, in CSS pixels, in `size`. `None` if there is no ResizeObserver.
    fn track(video: &HtmlVideoElement, size: &Rc<Cell<(i32, i32)>>) -> Option<Self> {
        let measure = {
            let (video, size) = (video.clone(), size.clone());
            move || size.set((video.client_width(), video.client_height()))
        };
        measure();
        let callback = Closure::new(measure);
        let observer = ResizeObserver::new(callback.as_ref().unchecked_ref()).ok()?;
        observer.observe(video);
        Some(Self {
            observer,
            _callback: callback,
        })
    }
}

impl Drop for ElementSize {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Observes an element of this size, in CSS pixels.
fn observe(video: &HtmlVideoElement, (width, height): (i32, i32)) -> Observation {
    let pixel_ratio = window().map_or(1.0, |window| window.device_pixel_ratio());
    let physical = |css_pixels: i32| (f64::from(css_pixels) * pixel_ratio) as u32;
    let rate = if video.paused() {
        0.0
    } else {
        video.playback_rate()
    };
    Observation {
        position: video.current_time(),
        rate,
        screen_size: (physical(width), physical(height)),
        at: web::now(),
    }
}
