//! The seek bar: where the film is, what of it is there, its chapters, and what lies under the pointer.
//!
//! None of this is state of Yew's: it is written straight into the document, four times a second and
//! only while it can be seen.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::Number;
use web_sys::{
    Element, HtmlElement, HtmlInputElement, HtmlVideoElement, PointerEvent, TextTrackKind, VttCue,
};
use yew::prelude::*;

use super::{request::Request, seen};

/// How many units the bar is wide, for what is drawn on it.
const WIDTH: f64 = 1000.0;

/// The bar's parts in the document.
#[derive(Clone, Default)]
pub struct Timeline {
    seek: NodeRef,
    slider: NodeRef,
    loaded: NodeRef,
    chapters: NodeRef,
    hint: NodeRef,
    now: NodeRef,
    drawn: Rc<Drawn>,
}

/// What need not be written again.
#[derive(Default)]
struct Drawn {
    second: Cell<u32>,
    loaded: RefCell<String>,
    /// Whether a person holds the thumb: then it is where the hand is, and not yet the film.
    is_held: Cell<bool>,
}

impl Timeline {
    /// The bar.
    pub fn bar(&self, ask: &Callback<Request>) -> Html {
        let seeking = |is_held| {
            let (ask, drawn) = (ask.clone(), self.drawn.clone());
            let (seek, video_waits) = (self.seek.clone(), drawn.clone());
            Callback::from(move |event: Event| {
                let Some(slider) = event.target_dyn_into::<HtmlInputElement>() else {
                    return;
                };
                video_waits.is_held.set(is_held);
                let part = slider.value_as_number();
                place(&seek, "--position", part);
                ask.emit(Request::SeekTo(part));
            })
        };
        let (moved, let_go) = (seeking(true), seeking(false));
        html! {
            <div class="seek" ref={&self.seek}>
                <svg viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">
                    <path ref={&self.loaded} class="loaded" />
                </svg>
                <div class="played"></div>
                <svg viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">
                    <path ref={&self.chapters} class="chapters" />
                </svg>
                <input
                    ref={&self.slider} type="range" min="0" max="1" step="any" aria-label="Seek"
                    oninput={move |event: InputEvent| moved.emit(event.into())} onchange={let_go}
                />
                <div ref={&self.hint} class="hint" aria-hidden="true"></div>
            </div>
        }
    }

    /// The time, of how much, and in which chapter.
    pub fn time(&self, duration: u32) -> Html {
        html! {
            <div class="time">
                <span ref={&self.now}>{ "0:00" }</span>
                <span class="duration">{ " / " }{ clock(duration) }</span>
            </div>
        }
    }

    /// Writes where the film is.
    pub fn write(&self, video: &HtmlVideoElement) {
        let position = video.current_time();
        let part = part(position, video.duration());
        if let Some(slider) = self.slider.cast::<HtmlInputElement>()
            && !self.drawn.is_held.get()
        {
            slider.set_value_as_number(part);
            place(&self.seek, "--position", part);
        }
        let second = position as u32;
        if self.drawn.second.replace(second) != second
            && let Some(now) = self.now.cast::<Element>()
        {
            now.set_text_content(Some(&clock(second)));
        }
    }

    /// Writes what is there of the film.
    pub fn write_loaded(&self, video: &HtmlVideoElement) {
        let (ranges, duration) = (video.buffered(), video.duration());
        let units = |seconds: f64| (part(seconds, duration) * WIDTH) as u32;
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
        if *self.drawn.loaded.borrow() != path {
            draw(&self.loaded, &path);
            self.drawn.loaded.replace(path);
        }
    }

    /// Writes what changes seldom: the chapters, and the time in words for those who hear it.
    pub fn write_words(&self, video: &HtmlVideoElement) {
        let duration = video.duration();
        if let Some(slider) = self.slider.cast::<Element>() {
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
        }
        let mut path = String::new();
        for cue in chapters(video).skip(1) {
            let at = (part(cue.start_time(), duration) * WIDTH) as u32;
            path += &["M", &at.to_string(), " 0h2"].concat();
        }
        draw(&self.chapters, &path);
    }

    /// Shows what lies under the pointer, if that is on the bar.
    pub fn point(&self, event: &PointerEvent, video: &HtmlVideoElement) {
        let (Some(slider), Some(hint)) = (
            self.slider.cast::<HtmlElement>(),
            self.hint.cast::<Element>(),
        ) else {
            return;
        };
        if event.target().as_ref() != Some(slider.as_ref()) {
            return;
        }
        let width = f64::from(slider.client_width());
        let part = (f64::from(event.offset_x()) / width).max(0.0).min(1.0);
        place(&self.seek, "--pointer", part);
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
    let cues = seen::track(video, TextTrackKind::Chapters).and_then(|track| track.cues());
    let count = cues.as_ref().map_or(0, |cues| cues.length());
    (0..count).filter_map(move |nth| cues.as_ref()?.get(nth))
}

/// Which part of the whole that is; 0 where there is no whole yet.
fn part(seconds: f64, whole: f64) -> f64 {
    if whole > 0.0 && whole.is_finite() {
        seconds / whole
    } else {
        0.0
    }
}

/// Sets a custom property. By JavaScript's own words for a number: Rust's are 7 kB of wasm.
fn place(node: &NodeRef, property: &str, part: f64) {
    if let Some(element) = node.cast::<HtmlElement>()
        && let Ok(number) = Number::from(part).to_fixed(5)
    {
        let _ = element
            .style()
            .set_property(property, &String::from(number));
    }
}

fn draw(node: &NodeRef, path: &str) {
    if let Some(element) = node.cast::<Element>() {
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
