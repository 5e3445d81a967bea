//! The seek bar: playback position, buffered ranges, chapters, and a tooltip for the pointer.
//!
//! The position is written once per second of video, and only while it is visible; in between, a CSS transition
//! moves the bar. `assets/style.css` takes three numbers: `--position`, the fraction that has been played;
//! `--lead`, the fraction to move on from there; `--glide`, in how many seconds.

use std::cell::{Cell, RefCell};

use web_sys::{
    Element, Event, HtmlElement, HtmlInputElement, HtmlVideoElement, PointerEvent, TextTrackKind,
    VttCue,
};

use super::{
    format::{clock, spoken},
    media_state::{self, MediaState},
};
use crate::{platform::web, player::dom::query};

/// The width of the bar in the units of its SVG `viewBox`.
const WIDTH: f64 = 1000.0;

/// By how much the transition outlasts a second of video, in seconds: `timeupdate`, which starts the next one,
/// comes up to 250 ms late.
const TIMEUPDATE_DELAY: f64 = 0.25;

/// The elements of the seek bar, and what was written to them last.
pub struct SeekBar {
    seek: Option<HtmlElement>,
    slider: Option<HtmlInputElement>,
    loaded: Option<Element>,
    chapters: Option<Element>,
    hint: Option<Element>,
    now: Option<Element>,
    /// The last written position, in whole seconds.
    second: Cell<u32>,
    /// The last drawn path of the buffered ranges.
    drawn: RefCell<String>,
    /// Whether the viewer is dragging the thumb; it then follows the pointer instead of the video.
    is_held: Cell<bool>,
}

impl SeekBar {
    /// Finds the elements.
    pub fn new(frame: &HtmlElement) -> Self {
        Self {
            seek: query(frame, ".seek-bar"),
            slider: query(frame, ".seek-bar input"),
            loaded: query(frame, ".buffered"),
            chapters: query(frame, ".chapters"),
            hint: query(frame, ".seek-tooltip"),
            now: query(frame, ".current-time"),
            second: Cell::default(),
            drawn: RefCell::default(),
            is_held: Cell::default(),
        }
    }

    /// Handles an event of the slider. Returns the fraction of the duration that its thumb was moved to.
    pub fn moved(&self, event: &Event, is_held: bool) -> Option<f64> {
        let slider = self.slider.as_ref()?;
        if event.target().as_ref() != Some(slider.as_ref()) {
            return None;
        }
        self.is_held.set(is_held);
        let to = slider.value_as_number();
        self.glide(0.0, 0.0);
        self.place("--position", to);
        Some(to)
    }

    /// Sets a custom property.
    fn place(&self, property: &str, number: f64) {
        if let Some(seek) = &self.seek {
            web::set_number(&seek.style(), property, number);
        }
    }

    /// Starts the transition: by this fraction of the duration, in this many seconds.
    fn glide(&self, lead: f64, seconds: f64) {
        self.place("--lead", lead);
        self.place("--glide", seconds);
    }

    /// Writes the position after a state change, and starts or stops the transition.
    pub fn write(&self, video: &HtmlVideoElement, seen: &MediaState) {
        if self.is_held.get() {
            return self.follow(video);
        }
        self.glide(0.0, 0.0);
        self.follow(video);
        if !seen.paused
            && !seen.waiting
            && seen.rate > 0
            && let Some(seek) = &self.seek
        {
            // Forces layout, so that the transition starts from the new position.
            let _ = seek.client_width();
            let rate = f64::from(seen.rate) / 100.0;
            let second = share(1.0, video.duration());
            self.glide(
                second * (1.0 + TIMEUPDATE_DELAY * rate),
                1.0 / rate + TIMEUPDATE_DELAY,
            );
        }
    }

    /// Whether the written second is out of date.
    pub fn is_behind(&self, video: &HtmlVideoElement) -> bool {
        video.current_time() as u32 != self.second.get()
    }

    /// Writes the position; the transition continues.
    pub fn follow(&self, video: &HtmlVideoElement) {
        let position = video.current_time();
        if !self.is_held.get() {
            self.place("--position", share(position, video.duration()));
        }
        let second = position as u32;
        if self.second.replace(second) != second
            && let Some(now) = &self.now
        {
            now.set_text_content(Some(&clock(second)));
        }
    }

    /// Draws the buffered ranges.
    pub fn write_loaded(&self, video: &HtmlVideoElement) {
        let (ranges, duration) = (video.buffered(), video.duration());
        let units = |seconds: f64| (share(seconds, duration) * WIDTH) as u32;
        let mut path = String::new();
        for nth in 0..ranges.length() {
            if let (Ok(start), Ok(end)) = (ranges.start(nth), ranges.end(nth)) {
                path += &[
                    "M",
                    &units(start).to_string(),
                    " 0H",
                    &units(end).to_string(),
                ]
                .concat();
            }
        }
        if *self.drawn.borrow() != path {
            draw(&self.loaded, &path);
            self.drawn.replace(path);
        }
    }

    /// Writes what changes rarely or is slow to update: chapters, and value and text of the slider for assistive
    /// technology.
    pub fn write_words(&self, video: &HtmlVideoElement) {
        let duration = video.duration();
        if let Some(slider) = &self.slider {
            let words = [
                &spoken(video.current_time() as u32),
                " of ",
                &spoken(if duration.is_finite() {
                    duration as u32
                } else {
                    0
                }),
            ];
            // Never throws for a valid name.
            let _ = slider.set_attribute("aria-valuetext", &words.concat());
            if !self.is_held.get() {
                slider.set_value_as_number(share(video.current_time(), duration));
            }
        }
        let mut path = String::new();
        for cue in chapters(video).skip(1) {
            let at = (share(cue.start_time(), duration) * WIDTH) as u32;
            path += &["M", &at.to_string(), " 0h2"].concat();
        }
        draw(&self.chapters, &path);
    }

    /// Shows time and chapter under the pointer, if that is over the bar.
    pub fn show_tooltip(&self, event: &PointerEvent, video: &HtmlVideoElement) {
        let (Some(slider), Some(hint)) = (&self.slider, &self.hint) else {
            return;
        };
        if event.target().as_ref() != Some(slider.as_ref()) {
            return;
        }
        let width = slider.client_width().max(1);
        let part = f64::from(event.offset_x().clamp(0, width)) / f64::from(width);
        self.place("--pointer", part);
        let at = part * video.duration();
        let mut words = clock(at as u32);
        if let Some(chapter) = chapters(video)
            .take_while(|cue| cue.start_time() <= at)
            .last()
        {
            words = [&chapter.text(), " · ", &words].concat();
        }
        hint.set_text_content(Some(&words));
    }
}

/// The cues of the chapter track.
fn chapters(video: &HtmlVideoElement) -> impl Iterator<Item = VttCue> + use<> {
    let track = media_state::tracks(video, TextTrackKind::Chapters);
    let cues = track.first().and_then(|track| track.cues());
    let count = cues.as_ref().map_or(0, |cues| cues.length());
    (0..count).filter_map(move |nth| cues.as_ref()?.get(nth))
}

/// `seconds` as a fraction of `whole`; 0 if that is unknown or infinite.
fn share(seconds: f64, whole: f64) -> f64 {
    if whole > 0.0 && whole.is_finite() {
        seconds / whole
    } else {
        0.0
    }
}

fn draw(element: &Option<Element>, path: &str) {
    if let Some(element) = element {
        // Never throws for a valid name.
        let _ = element.set_attribute("d", path);
    }
}
