//! Stats for nerds: the playback in numbers, looked at once a second while somebody sees them.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlMediaElement, HtmlVideoElement, VideoPlaybackQuality, window};
use yew_mse_worker::{web, wire::BUILD};

use crate::{
    element::{add, button, copy, panel, write},
    history::{History, bits},
    sight::Sight,
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
    _sight: Sight,
    _button: EventListener,
}

/// What is said of one thing.
struct Entry {
    name: &'static str,
    words: String,
}

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
        let rounds = Rc::new(Cell::new(None::<Interval>));
        let sight = Sight::of(&panel, move |is_seen| {
            let show = {
                let (list, history) = (list.clone(), history.clone());
                move || {
                    // Only a list that is gone shows nothing.
                    let _ = show(&list, &entries(&history.borrow()));
                }
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

fn show(list: &Element, entries: &[Entry]) -> Result<(), JsValue> {
    list.set_text_content(None);
    for Entry { name, words } in entries {
        write(list, "dt", name)?;
        write(list, "dd", words)?;
    }
    Ok(())
}

fn text(history: &RefCell<History>) -> String {
    let mut text = String::new();
    for Entry { name, words } in entries(&history.borrow()) {
        text = format!("{text}{name}: {words}\n");
    }
    text
}

/// All that is known of the first player on the page.
fn entries(history: &History) -> Vec<Entry> {
    let document = window().and_then(|window| window.document());
    let find = |what: &str| document.as_ref()?.query_selector(what).ok()?;
    let mut entries = Vec::new();
    let mut say = |name, words: String| entries.push(Entry { name, words });

    let player = find("main [data-engine]");
    let engine = player.and_then(|player| player.get_attribute("data-engine"));
    say("Engine", engine.unwrap_or_else(|| "none".into()));
    let rate = history.switches.last().map(|(_, rate)| *rate);
    if let Some(rate) = rate {
        let quality = history.qualities.iter().find(|it| it.bandwidth == rate);
        let mime = quality.map_or("", |it| it.mime.as_str());
        say(
            "Quality",
            format!("{}, {}", history.name(rate), bits(rate as f64)),
        );
        say("Codec", mime.into());
    }
    let video = find("main video").and_then(|it| it.dyn_into::<HtmlVideoElement>().ok());
    if let Some(video) = video {
        of_element(&video, &mut say);
    }
    if let Some((level, ahead)) = history.level(web::now()) {
        let seconds = |ahead: Option<f64>| ahead.map_or("–".into(), |it| format!("{it:.1} s"));
        let [pictures, sound] = ahead.map(seconds);
        let goal = level.goal;
        say(
            "Buffered ahead",
            format!("pictures {pictures}, sound {sound}; {goal:.0} s wanted"),
        );
        say("Network", format!("{} estimated", bits(level.bandwidth)));
    }
    let bytes: u64 = history.fetched.iter().map(|it| it.bytes).sum();
    let wasted: u64 = history
        .fetched
        .iter()
        .filter(|it| !it.appended)
        .map(|it| it.bytes)
        .sum();
    say(
        "Fetched",
        format!(
            "{} segments, {:.1} MB, of which {:.1} MB were given up",
            history.fetched.len(),
            bytes as f64 / 1e6,
            wasted as f64 / 1e6
        ),
    );
    say(
        "wasm memory",
        format!(
            "engine {:.1} MB, this lab {:.1} MB",
            f64::from(history.memory) / 1e6,
            f64::from(web::memory()) / 1e6
        ),
    );
    say("Build", BUILD.into());
    let agent = window().and_then(|window| window.navigator().user_agent().ok());
    say("Browser", agent.unwrap_or_default());
    entries
}

/// What the element says of itself.
fn of_element(video: &HtmlVideoElement, say: &mut impl FnMut(&'static str, String)) {
    let density = window().map_or(1.0, |window| window.device_pixel_ratio());
    let pixels = |length: i32| f64::from(length) * density;
    say(
        "Picture",
        format!(
            "{}×{}, shown at {:.0}×{:.0} pixels",
            video.video_width(),
            video.video_height(),
            pixels(video.client_width()),
            pixels(video.client_height())
        ),
    );
    let observed = video.unchecked_ref::<Observed>();
    if let Ok(frames) = observed.quality() {
        let (dropped, total) = (frames.dropped_video_frames(), frames.total_video_frames());
        say("Frames", format!("{dropped} dropped of {total}"));
    }
    let state = match video.ready_state() {
        HtmlMediaElement::HAVE_NOTHING => "nothing",
        HtmlMediaElement::HAVE_METADATA => "metadata",
        HtmlMediaElement::HAVE_CURRENT_DATA => "this frame",
        HtmlMediaElement::HAVE_FUTURE_DATA => "the next frames",
        _ => "enough",
    };
    say(
        "Element",
        format!(
            "{:.1} of {:.1} s, at {}×, has {state}",
            video.current_time(),
            video.duration(),
            video.playback_rate()
        ),
    );
    let provided = observed.provided();
    let source = match (&provided, video.has_attribute("src")) {
        (Some(object), _) => {
            let class: String = object.constructor().name().into();
            let state = if video.ready_state() > 0 {
                "attached"
            } else {
                "being attached"
            };
            format!("{class}, {state}")
        }
        (None, true) => "none: the element has a URL".into(),
        (None, false) => "none".into(),
    };
    say("Handle", source);
}
