//! The stats panel: current figures of the playback, updated once a second while the panel is visible.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlMediaElement, HtmlVideoElement, VideoPlaybackQuality, window};
use yew_mse_worker::{
    platform::{self, web},
    protocol::{BUILD_ID, LiveStatus, RemuxReport, SegmentReport},
};

use crate::{
    element::{add, button, copy, panel, write},
    history::{History, bit_rate},
    visibility::Visibility,
};

const UPDATE_INTERVAL_MS: u32 = 1_000;

#[wasm_bindgen]
extern "C" {
    /// A video element in a browser that may lack `getVideoPlaybackQuality`.
    #[wasm_bindgen(extends = HtmlVideoElement)]
    type InspectedVideo;

    #[wasm_bindgen(method, getter, js_name = srcObject)]
    fn provider(this: &InspectedVideo) -> Option<js_sys::Object>;

    #[wasm_bindgen(method, catch, js_name = getVideoPlaybackQuality)]
    fn playback_quality(this: &InspectedVideo) -> Result<VideoPlaybackQuality, JsValue>;
}

/// The panel. Stops updating when dropped.
pub struct Stats {
    _visibility: Visibility,
    _button: EventListener,
}

/// Names and values. Unknown values are listed as well, so that the panels below do not move when they become known.
type Entries = Vec<(&'static str, String)>;

/// Shown instead of an unknown value.
const UNKNOWN: &str = "–";

impl Stats {
    /// Adds the panel.
    ///
    /// # Errors
    /// The exception of the DOM call that failed.
    pub fn mount(container: &Element, history: Rc<RefCell<History>>) -> Result<Self, JsValue> {
        let panel = panel(container, "stats", "Stats")?;
        let row = add(&panel, "div", "row")?;
        let list = add(&panel, "dl", "")?;
        let status = add(&row, "span", "")?;
        status.set_attribute("role", "status")?;
        let button = button(&row, "Copy as text", {
            let (history, status) = (history.clone(), status.clone());
            move || copy(&as_text(&history), &status)
        })?;
        // Moves the status behind the button.
        row.append_child(&status)?;
        let mut shown = Vec::new();
        for (name, value) in entries(&history.borrow()) {
            write(&list, "dt", name)?;
            shown.push((write(&list, "dd", &value)?, value));
        }
        let shown = Rc::new(RefCell::new(shown));
        let interval = Rc::new(Cell::new(None::<Interval>));
        let visibility = Visibility::observe(&panel, move |is_visible| {
            let update = {
                let (shown, history) = (shown.clone(), history.clone());
                move || update(&mut shown.borrow_mut(), entries(&history.borrow()))
            };
            interval.set(is_visible.then(|| {
                update();
                Interval::new(UPDATE_INTERVAL_MS, update)
            }));
        })?;
        Ok(Self {
            _visibility: visibility,
            _button: button,
        })
    }
}

/// Replaces the values that have changed. The others are left alone, so that a text selection in them survives.
fn update(shown: &mut [(Element, String)], entries: Entries) {
    for ((element, shown), (_, value)) in shown.iter_mut().zip(entries) {
        if *shown != value {
            element.set_text_content(Some(&value));
            *shown = value;
        }
    }
}

/// Formats the entries for the clipboard, one line each.
fn as_text(history: &RefCell<History>) -> String {
    entries(&history.borrow())
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect()
}

/// Reads the figures of the first player on the page.
fn entries(history: &History) -> Entries {
    let document = window().and_then(|window| window.document());
    let find = |selector: &str| document.as_ref()?.query_selector(selector).ok()?;
    let player = find("main [data-engine]");
    let engine = player.and_then(|player| player.get_attribute("data-engine"));

    let bandwidth = history.switches.last().map(|(_, bandwidth)| *bandwidth);
    let quality = bandwidth.and_then(|bandwidth| {
        let mut qualities = history.qualities.iter();
        qualities.find(|quality| quality.bandwidth == bandwidth)
    });
    let quality_text = |bandwidth| {
        let name = history.quality_name(bandwidth);
        format!("{name}, {}", bit_rate(bandwidth as f64))
    };

    let video = find("main video").and_then(|element| element.dyn_into().ok());
    let from_video = |read: fn(&HtmlVideoElement) -> String| video.as_ref().map(read);

    let buffer_and_network = history.sample(web::now()).map(|(sample, ahead)| {
        let seconds =
            |ahead: Option<f64>| ahead.map_or(UNKNOWN.into(), |seconds| format!("{seconds:.1} s"));
        let [video, audio] = ahead.map(seconds);
        (
            format!("video {video}, audio {audio}; goal {:.0} s", sample.goal),
            format!("{} estimated", bit_rate(sample.bandwidth)),
        )
    });
    let (buffer, network) = buffer_and_network.unzip();

    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let segments = &history.segments;
    let aborted = segments.iter().filter(|segment| !segment.appended);
    let downloads = format!(
        "{} segments, {:.1} MB, of which {:.1} MB were discarded",
        segments.len(),
        megabytes(segments.iter().map(|segment| segment.bytes).sum()),
        megabytes(aborted.map(|segment| segment.bytes).sum()),
    );
    let is_remuxed = segments.last().is_some_and(|it| it.remuxed.is_some());
    let container = match is_remuxed {
        true => Some("MPEG-TS, remuxed to fragmented MP4"),
        false => quality.and_then(|quality| quality.mime.split(';').next()),
    };
    let remuxed = remuxed(segments);
    let memory = format!(
        "engine {:.1} MB, lab {:.1} MB",
        megabytes(history.memory.into()),
        megabytes(platform::memory_size().into()),
    );
    let user_agent = window().and_then(|window| window.navigator().user_agent().ok());
    [
        ("Engine", engine),
        ("Quality", bandwidth.map(quality_text)),
        ("File", history.file.clone()),
        ("Codec", quality.map(|quality| quality.mime.clone())),
        ("Container", container.map(Into::into)),
        ("Resolution", from_video(resolution)),
        ("Frames", from_video(frames)),
        ("Element", from_video(playback_state)),
        ("Handle", from_video(handle_state)),
        ("Buffered ahead", buffer),
        ("Network", network),
        (
            "Live",
            history
                .live
                .map(|live| live_state(&live, history.first_edge)),
        ),
        ("Downloaded", Some(downloads)),
        ("Remuxed", remuxed),
        ("Wasm memory", Some(memory)),
        ("Build", Some(BUILD_ID.into())),
        ("Browser", user_agent),
    ]
    .map(|(name, value)| (name, value.unwrap_or_else(|| UNKNOWN.into())))
    .into()
}

/// Latency, window, drift and clock offset of a live stream. `first_edge` is the time and the edge of the first report.
fn live_state(live: &LiveStatus, first_edge: Option<(f64, f64)>) -> String {
    let (start, end) = live.seekable;
    let drift = first_edge.map_or(0.0, |(at, edge)| {
        (live.edge - edge) - (live.at - at) / 1000.0
    });
    format!(
        "{:.1} s behind the edge, {:.1} s wished; window {:.0} s; drift {drift:+.1} s; clock {:+.1} s; {} reloads",
        live.latency,
        live.delay,
        end - start,
        live.clock_offset,
        live.reloads,
    )
}

/// Bytes into and out of the remuxer, and the time that it took; `None` if nothing is MPEG-TS.
fn remuxed(segments: &[SegmentReport]) -> Option<String> {
    let mut total = RemuxReport::default();
    let mut bytes = 0;
    for segment in segments {
        if let Some(remuxed) = segment.remuxed {
            bytes += segment.bytes;
            total.bytes += remuxed.bytes;
            total.milliseconds += remuxed.milliseconds;
        }
    }
    (bytes > 0).then(|| {
        format!(
            "{:.1} MB of MPEG-TS to {:.1} MB in {:.1} ms",
            bytes as f64 / 1e6,
            total.bytes as f64 / 1e6,
            total.milliseconds
        )
    })
}

/// The size of the video, and its size on the screen in device pixels.
fn resolution(video: &HtmlVideoElement) -> String {
    let density = window().map_or(1.0, |window| window.device_pixel_ratio());
    let device_pixels = |length: i32| f64::from(length) * density;
    format!(
        "{}×{}, shown at {:.0}×{:.0} pixels",
        video.video_width(),
        video.video_height(),
        device_pixels(video.client_width()),
        device_pixels(video.client_height())
    )
}

fn frames(video: &HtmlVideoElement) -> String {
    match video.unchecked_ref::<InspectedVideo>().playback_quality() {
        Ok(quality) => {
            let dropped = quality.dropped_video_frames();
            format!("{dropped} dropped of {}", quality.total_video_frames())
        }
        Err(_) => UNKNOWN.into(),
    }
}

/// The position, the duration, the rate and the ready state.
fn playback_state(video: &HtmlVideoElement) -> String {
    let ready_state = match video.ready_state() {
        HtmlMediaElement::HAVE_NOTHING => "no data",
        HtmlMediaElement::HAVE_METADATA => "only metadata",
        HtmlMediaElement::HAVE_CURRENT_DATA => "data for this frame",
        HtmlMediaElement::HAVE_FUTURE_DATA => "data for the next frames",
        _ => "enough data",
    };
    format!(
        "{:.1} of {:.1} s, at {}×, has {ready_state}",
        video.current_time(),
        video.duration(),
        video.playback_rate()
    )
}

/// The class of the element's `srcObject`, and whether it is attached.
fn handle_state(video: &HtmlVideoElement) -> String {
    match video.unchecked_ref::<InspectedVideo>().provider() {
        Some(object) => {
            let class: String = object.constructor().name().into();
            let state = if video.ready_state() > 0 {
                "attached"
            } else {
                "being attached"
            };
            format!("{class}, {state}")
        }
        None if video.has_attribute("src") => "none: the element has a URL".into(),
        None => "none".into(),
    }
}
