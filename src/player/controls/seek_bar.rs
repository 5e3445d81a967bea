//! The seek bar: position, buffered ranges, chapters, and a tooltip for the pointer.
//!
//! The position is written once per second of video, and only while it is visible; in between, a CSS transition
//! moves the bar. `assets/style.css` takes three numbers: `--position`, the fraction that has been played;
//! `--lead`, the fraction to move on from there; `--glide`, in how many seconds. They are set as properties, not
//! rendered: the page's Content-Security-Policy forbids style attributes, and JavaScript formats the numbers.

use web_sys::{HtmlElement, HtmlInputElement, PointerEvent};
use yew::prelude::*;

use crate::{
    platform::web,
    player::{
        format::{clock, wall_clock},
        handle::{PlayerHandle, use_labels, use_media, use_player},
        media::{Chapter, MediaRequest, MediaState, SeekWindow},
    },
};

/// The width of the bar in the units of its SVG `viewBox`.
const WIDTH: f64 = 1000.0;

/// By how much the transition outlasts a second of video, in seconds: `timeupdate`, which starts the next one,
/// comes up to 250 ms late.
const TIMEUPDATE_DELAY_SECONDS: f64 = 0.25;

/// How the position moves. The transition starts anew when this changes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Motion {
    window: SeekWindow,
    /// `currentTime` at the last change of the element's state.
    from: f64,
    /// Playback rate in percent; 0 if the bar stands still, or nobody sees it.
    rate: u32,
}

impl Motion {
    fn of(media: &MediaState) -> Self {
        let moves = media.is_moving() && !media.is_idle;
        Self {
            window: media.window(),
            from: media.anchor,
            rate: if moves { media.rate } else { 0 },
        }
    }
}

/// Shows the position, and seeks by drag, click and keys.
#[component]
pub fn SeekBar() -> Html {
    let (player, labels) = (use_player(), use_labels());
    let (bar, slider) = (use_node_ref(), use_node_ref());
    let motion = use_media(Motion::of);
    let second = use_media(|media| media.displayed.second);
    // While the viewer drags the thumb, it follows the pointer instead of the video.
    let is_held = use_state_eq(|| false);
    let focused = use_state(|| 0_u32);
    let tooltip = use_state_eq(String::new);
    use_position(&bar, motion, second, *is_held);

    // For assistive technology: not each second, because it would be read aloud.
    let spoken = {
        let (player, labels, slider) = (player.clone(), labels.clone(), slider.clone());
        let is_held = *is_held;
        use_memo((motion, *focused), move |(motion, _)| {
            let position = position(&player);
            if let Some(slider) = slider.cast::<HtmlInputElement>().filter(|_| !is_held) {
                slider.set_value_as_number(motion.window.fraction(position));
            }
            let since_start =
                |position: f64| labels.spoken((position - motion.window.start) as u32);
            let [position, end] = [position, motion.window.end].map(since_start);
            [&position, " ", &labels.of, " ", &end].concat()
        })
    };
    let oninput = {
        let (player, bar, is_held) = (player.clone(), bar.clone(), is_held.clone());
        move |event: InputEvent| {
            let slider = event.target_unchecked_into::<HtmlInputElement>();
            is_held.set(true);
            let fraction = slider.value_as_number();
            set_number(&bar, "--lead", 0.0);
            set_number(&bar, "--glide", 0.0);
            set_number(&bar, "--position", fraction);
            player.request(MediaRequest::SeekTo(fraction));
        }
    };
    let onchange = {
        let is_held = is_held.clone();
        move |_: Event| is_held.set(false)
    };
    let onfocusin = move |_: FocusEvent| focused.set(focused.wrapping_add(1));
    let onpointermove = {
        let (player, bar, tooltip) = (player.clone(), bar.clone(), tooltip.clone());
        move |event: PointerEvent| {
            let width = event.target_unchecked_into::<HtmlElement>().client_width();
            let fraction = f64::from(event.offset_x()) / f64::from(width.max(1));
            let fraction = fraction.clamp(0.0, 1.0);
            set_number(&bar, "--pointer", fraction);
            let zero = player.playback().read(|model| model.live?.zero);
            tooltip.set(player.media(|media| match zero {
                // A live stream has no chapters.
                Some(zero) => wall_clock(zero + media.window().position(fraction)),
                None => tooltip_at(media, fraction),
            }));
        }
    };
    html! {
        <div class="seek-bar" ref={bar}>
            <Ranges />
            <div class="thumb"></div>
            <input
                type="range"
                min="0"
                max="1"
                step="any"
                aria-label={&labels.seek}
                aria-valuetext={(*spoken).clone()}
                ref={slider}
                {oninput}
                {onchange}
                {onfocusin}
                {onpointermove}
            />
            <div class="seek-tooltip" aria-hidden="true">{ (*tooltip).clone() }</div>
        </div>
    }
}

/// Writes the position, and starts or stops the transition.
#[hook]
fn use_position(bar: &NodeRef, motion: Motion, second: u32, is_held: bool) {
    let player = use_player();
    let previous = use_mut_ref(|| None);
    let bar = bar.clone();
    use_effect_with((motion, second, is_held), move |(motion, _, is_held)| {
        if *is_held {
            previous.replace(None);
            return;
        }
        let restarts = previous.replace(Some(*motion)) != Some(*motion);
        if restarts {
            set_number(&bar, "--lead", 0.0);
            set_number(&bar, "--glide", 0.0);
        }
        let fraction = motion.window.fraction(position(&player));
        set_number(&bar, "--position", fraction);
        if restarts && motion.rate > 0 {
            // Forces layout, so that the transition starts from the new position.
            let _ = bar.cast::<HtmlElement>().map(|bar| bar.client_width());
            let rate = f64::from(motion.rate) / 100.0;
            let ahead = 1.0 + TIMEUPDATE_DELAY_SECONDS * rate;
            let lead = match motion.window.length() {
                length if length > 0.0 => ahead / length,
                _ => 0.0,
            };
            set_number(&bar, "--lead", lead);
            set_number(&bar, "--glide", 1.0 / rate + TIMEUPDATE_DELAY_SECONDS);
        }
    });
}

/// The element's current position, in seconds.
fn position(player: &PlayerHandle) -> f64 {
    let video = player.video();
    video.map_or(0.0, |video| video.current_time())
}

/// Sets a custom property of the bar.
fn set_number(bar: &NodeRef, property: &str, number: f64) {
    if let Some(bar) = bar.cast::<HtmlElement>() {
        web::set_number(&bar.style(), property, number);
    }
}

/// Chapter and time at a fraction of the bar.
fn tooltip_at(media: &MediaState, fraction: f64) -> String {
    let window = media.window();
    let position = window.position(fraction);
    let time = clock((position - window.start) as u32);
    match chapter_at(&media.chapters, position) {
        Some(chapter) => [&chapter.title, " · ", &time].concat(),
        None => time,
    }
}

fn chapter_at(chapters: &[Chapter], position: f64) -> Option<&Chapter> {
    let started = chapters
        .iter()
        .take_while(|chapter| chapter.start <= position);
    started.last()
}

/// What is drawn along the bar: buffered ranges and the starts of chapters.
#[component]
fn Ranges() -> Html {
    let window = use_media(MediaState::window);
    let buffered = use_media(|media| media.displayed.buffered.clone());
    let chapters = use_media(|media| media.chapters.clone());
    let mut ranges = String::new();
    for (start, end) in buffered.iter() {
        let [start, end] = [start, end].map(|seconds| units(window, *seconds).to_string());
        ranges += &["M", &start, " 0H", &end].concat();
    }
    let mut starts = String::new();
    for chapter in chapters.iter().skip(1) {
        let start = units(window, chapter.start).to_string();
        starts += &["M", &start, " 0h2"].concat();
    }
    html! {
        <>
            <svg viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">
                <path class="buffered" d={ranges} />
            </svg>
            <div class="played"></div>
            <svg viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">
                <path class="chapters" d={starts} />
            </svg>
        </>
    }
}

/// A position in the units of the drawing.
fn units(window: SeekWindow, position: f64) -> u32 {
    (window.fraction(position) * WIDTH) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tooltip_names_the_chapter_under_the_pointer() {
        let chapter = |start, title: &str| Chapter {
            start,
            title: title.into(),
        };
        let media = MediaState {
            duration: Some(200.0),
            chapters: [chapter(10.0, "First"), chapter(100.0, "Second")].into(),
            ..MediaState::default()
        };
        assert_eq!(tooltip_at(&media, 0.0), "0:00");
        assert_eq!(tooltip_at(&media, 0.05), "First · 0:10");
        assert_eq!(tooltip_at(&media, 1.0), "Second · 3:20");
    }
}
