//! Stats for nerds: the playback in numbers, looked at once a second while somebody sees them.

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
    protocol::BUILD_ID,
};

use crate::{
    element::{add, button, copy, panel, write},
    history::{History, bit_rate},
    visibility::Visibility,
};

/// How often they are looked at, in milliseconds.
const ROUND: u32 = 1_000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = HtmlVideoElement)]
    type Observed;

    #[wasm_bindgen(method, getter, js_name = srcObject)]
    fn provided(this: &Observed) -> Option<js_sys::Object>;

    #[wasm_bindgen(method, catch, js_name = getVideoPlaybackQuality)]
    fn quality(this: &Observed) -> Result<VideoPlaybackQuality, JsValue>;
}

/// The panel, for as long as it is held.
pub struct Stats {
    _sight: Visibility,
    _button: EventListener,
}

/// What is said, of each thing in its own line, whether it is known yet or not: the panels below do not
/// move when it comes to be.
type Entries = Vec<(&'static str, String)>;

/// What is not known.
const NONE: &str = "–";

impl Stats {
    /// Adds the panel.
    ///
    /// # Errors
    /// Those of a document that is going.
    pub fn put_into(room: &Element, history: Rc<RefCell<History>>) -> Result<Self, JsValue> {
        let panel = panel(room, "stats", "Stats")?;
        let row = add(&panel, "div", "row")?;
        let list = add(&panel, "dl", "")?;
        let status = {
            let history = history.clone();
            let status = add(&row, "span", "")?;
            status.set_attribute("role", "status")?;
            let words = status.clone();
            (
                status,
                button(&row, "Copy as text", move || copy(&text(&history), &words))?,
            )
        };
        // After the button.
        row.append_child(&status.0)?;
        let mut words = Vec::new();
        for (name, known) in entries(&history.borrow()) {
            write(&list, "dt", name)?;
            words.push((write(&list, "dd", &known)?, known));
        }
        let words = Rc::new(RefCell::new(words));
        let rounds = Rc::new(Cell::new(None::<Interval>));
        let sight = Visibility::observe(&panel, move |is_seen| {
            let show = {
                let (words, history) = (words.clone(), history.clone());
                move || show(&mut words.borrow_mut(), entries(&history.borrow()))
            };
            rounds.set(is_seen.then(|| {
                show();
                Interval::new(ROUND, show)
            }));
        })?;
        Ok(Self {
            _sight: sight,
            _button: status.1,
        })
    }
}

/// Shows what has become different. The rest stays as it is, and so does what is selected in it.
fn show(shown: &mut [(Element, String)], entries: Entries) {
    for ((element, words), (_, now)) in shown.iter_mut().zip(entries) {
        if *words != now {
            element.set_text_content(Some(&now));
            *words = now;
        }
    }
}

fn text(history: &RefCell<History>) -> String {
    let mut text = String::new();
    for (name, words) in entries(&history.borrow()) {
        text = format!("{text}{name}: {words}\n");
    }
    text
}

/// All that is known of the first player on the page.
fn entries(history: &History) -> Entries {
    let document = window().and_then(|window| window.document());
    let find = |what: &str| document.as_ref()?.query_selector(what).ok()?;
    let player = find("main [data-engine]");
    let engine = player.and_then(|player| player.get_attribute("data-engine"));

    let rate = history.switches.last().map(|(_, rate)| *rate);
    let quality = rate.and_then(|rate| history.qualities.iter().find(|it| it.bandwidth == rate));
    let in_words = |rate| format!("{}, {}", history.quality_name(rate), bit_rate(rate as f64));

    let video = find("main video").and_then(|it| it.dyn_into().ok());
    let of_element = |what: fn(&HtmlVideoElement) -> String| video.as_ref().map(what);

    let buffers = history.sample(web::now()).map(|(level, ahead)| {
        let seconds = |ahead: Option<f64>| ahead.map_or(NONE.into(), |it| format!("{it:.1} s"));
        let [pictures, sound] = ahead.map(seconds);
        let goal = level.goal;
        (
            format!("pictures {pictures}, sound {sound}; {goal:.0} s wanted"),
            format!("{} estimated", bit_rate(level.bandwidth)),
        )
    });
    let (ahead, network) = buffers.unzip();

    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let wasted = history.segments.iter().filter(|it| !it.appended);
    let fetched = format!(
        "{} segments, {:.1} MB, of which {:.1} MB were given up",
        history.segments.len(),
        megabytes(history.segments.iter().map(|it| it.bytes).sum()),
        megabytes(wasted.map(|it| it.bytes).sum()),
    );
    let memory = format!(
        "engine {:.1} MB, this lab {:.1} MB",
        megabytes(history.memory.into()),
        megabytes(platform::memory_size().into()),
    );
    [
        ("Engine", engine),
        ("Quality", rate.map(in_words)),
        ("Codec", quality.map(|quality| quality.mime.clone())),
        ("Picture", of_element(picture)),
        ("Frames", of_element(frames)),
        ("Element", of_element(state)),
        ("Handle", of_element(handle)),
        ("Buffered ahead", ahead),
        ("Network", network),
        ("Fetched", Some(fetched)),
        ("wasm memory", Some(memory)),
        ("Build", Some(BUILD_ID.into())),
        (
            "Browser",
            window().and_then(|window| window.navigator().user_agent().ok()),
        ),
    ]
    .map(|(name, words)| (name, words.unwrap_or_else(|| NONE.into())))
    .into()
}

/// How large its picture is, and how large it is shown.
fn picture(video: &HtmlVideoElement) -> String {
    let density = window().map_or(1.0, |window| window.device_pixel_ratio());
    let pixels = |length: i32| f64::from(length) * density;
    format!(
        "{}×{}, shown at {:.0}×{:.0} pixels",
        video.video_width(),
        video.video_height(),
        pixels(video.client_width()),
        pixels(video.client_height())
    )
}

fn frames(video: &HtmlVideoElement) -> String {
    match video.unchecked_ref::<Observed>().quality() {
        Ok(frames) => {
            let (dropped, total) = (frames.dropped_video_frames(), frames.total_video_frames());
            format!("{dropped} dropped of {total}")
        }
        Err(_) => NONE.into(),
    }
}

/// Where it is, and what it has.
fn state(video: &HtmlVideoElement) -> String {
    let has = match video.ready_state() {
        HtmlMediaElement::HAVE_NOTHING => "nothing",
        HtmlMediaElement::HAVE_METADATA => "metadata",
        HtmlMediaElement::HAVE_CURRENT_DATA => "this frame",
        HtmlMediaElement::HAVE_FUTURE_DATA => "the next frames",
        _ => "enough",
    };
    format!(
        "{:.1} of {:.1} s, at {}×, has {has}",
        video.current_time(),
        video.duration(),
        video.playback_rate()
    )
}

/// What it was given.
fn handle(video: &HtmlVideoElement) -> String {
    match video.unchecked_ref::<Observed>().provided() {
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
