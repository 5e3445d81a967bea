//! Sees where the film is, and says so: by this the worker's clock is set.

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use web_sys::{HtmlVideoElement, window};

use crate::{web, wire::Observation};

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
pub struct Observer {
    _occasions: [EventListener; OCCASIONS.len()],
    _rounds: Interval,
}

/// Has `say` told what is seen of an element.
pub fn observe(video: &HtmlVideoElement, say: impl Fn(Observation) + Clone + 'static) -> Observer {
    let occasions = OCCASIONS.map(|occasion| {
        let (video_seen, say) = (video.clone(), say.clone());
        EventListener::new(video, occasion, move |_| say(seen(&video_seen)))
    });
    let video = video.clone();
    let rounds = Interval::new(ROUND, move || {
        if !video.paused() {
            say(seen(&video));
        }
    });
    Observer {
        _occasions: occasions,
        _rounds: rounds,
    }
}

/// What is to be seen of an element now.
fn seen(video: &HtmlVideoElement) -> Observation {
    let density = window().map_or(1.0, |window| window.device_pixel_ratio());
    let pixels = |length: i32| (f64::from(length) * density) as u32;
    Observation {
        position: video.current_time(),
        rate: if video.paused() {
            0.0
        } else {
            video.playback_rate()
        },
        screen: (pixels(video.client_width()), pixels(video.client_height())),
        at: web::now(),
    }
}
