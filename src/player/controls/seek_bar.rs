//! The seek bar: where the film is, what of it is there, its chapters, and what lies under the pointer.
//!
//! Where the film is, is written once for each second of it, and only while it can be seen: in between, the
//! bar goes on by itself. `assets/style.css` makes that of three numbers: `--position`, which part of the film
//! has been played; `--lead`, by how much the bar is to go on from there; `--glide`, in how many seconds.

use std::cell::{Cell, RefCell};

use web_sys::{
    Element, Event, HtmlElement, HtmlInputElement, HtmlVideoElement, PointerEvent, TextTrackKind,
    VttCue,
};

use super::{
    media_state::{self, MediaState},
    part,
};
use crate::platform::web;

/// How many units the bar is wide, for what is drawn on it.
const WIDTH: f64 = 1000.0;

/// How long the bar goes on by itself after it should have been written again, in seconds: an element tells
/// where it is four times a second.
const LATE: f64 = 0.25;

/// The bar, its parts, and what need not be written again.
pub struct SeekBar {
    seek: Option<HtmlElement>,
    slider: Option<HtmlInputElement>,
    loaded: Option<Element>,
    chapters: Option<Element>,
    hint: Option<Element>,
    now: Option<Element>,
    /// The second of the film that was written last.
    second: Cell<u32>,
    /// What was drawn last of what is there.
    drawn: RefCell<String>,
    /// Whether a person holds the thumb: then it is where the hand is, and not yet the film.
    is_held: Cell<bool>,
}

impl SeekBar {
    /// Finds it.
    pub fn new(frame: &HtmlElement) -> Self {
        Self {
            seek: part(frame, ".seek-bar"),
            slider: part(frame, ".seek-bar input"),
            loaded: part(frame, ".buffered"),
            chapters: part(frame, ".chapters"),
            hint: part(frame, ".seek-tooltip"),
            now: part(frame, ".current-time"),
            second: Cell::default(),
            drawn: RefCell::default(),
            is_held: Cell::default(),
        }
    }

    /// Which part of the film its thumb was moved to, if it was, by a hand that holds it still or not.
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

    /// Has the bar go on by a part of the film in so many seconds.
    fn glide(&self, lead: f64, seconds: f64) {
        self.place("--lead", lead);
        self.place("--glide", seconds);
    }

    /// Writes where the film is, wherever the bar was, and has the bar go on as the film is seen to.
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
            // Laid out like this, it begins here, and not on its way from where it was.
            let _ = seek.client_width();
            let rate = f64::from(seen.rate) / 100.0;
            let second = share(1.0, video.duration());
            self.glide(second * (1.0 + LATE * rate), 1.0 / rate + LATE);
        }
    }

    /// Whether the film has come to another second since that was written.
    pub fn is_behind(&self, video: &HtmlVideoElement) -> bool {
        video.current_time() as u32 != self.second.get()
    }

    /// Writes where the film is, that goes on as it did.
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

    /// Writes what is there of the film.
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

    /// Writes what need not be written so often: the chapters, and for those who do not see the bar its
    /// value, which takes the browser long to take over, and the time in words.
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
            // An attribute of this name is always allowed.
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

    /// Shows what lies under the pointer, if that is on the bar.
    pub fn point(&self, event: &PointerEvent, video: &HtmlVideoElement) {
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

/// The chapters, as the element reads them from its track.
fn chapters(video: &HtmlVideoElement) -> impl Iterator<Item = VttCue> + use<> {
    let track = media_state::tracks(video, TextTrackKind::Chapters);
    let cues = track.first().and_then(|track| track.cues());
    let count = cues.as_ref().map_or(0, |cues| cues.length());
    (0..count).filter_map(move |nth| cues.as_ref()?.get(nth))
}

/// Which part of the whole that is; 0 where there is no whole yet.
fn share(seconds: f64, whole: f64) -> f64 {
    if whole > 0.0 && whole.is_finite() {
        seconds / whole
    } else {
        0.0
    }
}

fn draw(element: &Option<Element>, path: &str) {
    if let Some(element) = element {
        // An attribute of this name is always allowed.
        let _ = element.set_attribute("d", path);
    }
}

/// As on a clock: 0:07, 12:34, 1:02:03.
pub fn clock(seconds: u32) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let two = |number: u32| match number {
        0..10 => "0".to_owned() + &number.to_string(),
        _ => number.to_string(),
    };
    match hours {
        0 => [&minutes.to_string(), ":", &two(seconds)].concat(),
        _ => [&hours.to_string(), ":", &two(minutes), ":", &two(seconds)].concat(),
    }
}

/// As it is said: 1 hour 2 minutes 3 seconds.
fn spoken(seconds: u32) -> String {
    let mut words = String::new();
    let parts = [
        (seconds / 3600, " hour"),
        (seconds / 60 % 60, " minute"),
        (seconds % 60, " second"),
    ];
    for (number, unit) in parts {
        if number > 0 || (words.is_empty() && unit == " second") {
            let space = if words.is_empty() { "" } else { " " };
            let plural = if number == 1 { "" } else { "s" };
            words += &[space, &number.to_string(), unit, plural].concat();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_on_a_clock_and_said_as_people_do() {
        assert_eq!(
            [0, 7, 754, 3723].map(clock),
            ["0:00", "0:07", "12:34", "1:02:03"]
        );
        assert_eq!(spoken(0), "0 seconds");
        assert_eq!(spoken(61), "1 minute 1 second");
        assert_eq!(spoken(7200), "2 hours");
    }
}
