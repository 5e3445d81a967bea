//! What a person may ask of the element, and how it is carried out. What comes of it, the controls
//! read off the element, as they would if somebody else had asked.

use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, HtmlElement, HtmlVideoElement, TextTrackMode};

use super::{super::dom::document, media_state, part, preferences};
use crate::platform::web;

/// The speeds that there are, in percent.
pub const RATES: [u32; 7] = [50, 75, 100, 125, 150, 175, 200];

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ControlAction {
    /// Play.
    Play,
    /// Rest.
    Pause,
    /// The one or the other.
    Toggle,
    /// Go on or back by so many seconds.
    Skip(f64),
    /// Go to this second.
    Seek(f64),
    /// Go to this part of the whole, from 0 to 1.
    SeekTo(f64),
    /// Sound off, or on again.
    Mute,
    /// This loud, in percent.
    Volume(i32),
    /// By so many percent louder, or less loud.
    Louder(i32),
    /// This fast, in percent.
    Rate(u32),
    /// To the next of [`RATES`].
    Faster,
    /// To the one before.
    Slower,
    /// Captions on or off.
    Captions,
    /// These captions and no others: a position among those of the element.
    Show(Option<u32>),
    /// The player as large as the screen, or as it was.
    FullScreen,
    /// The picture in a window of its own, or back.
    PictureInPicture,
    /// The sheet of keys, shown or put away.
    Keys,
}

impl ControlAction {
    /// Carries it out. What a browser refuses stays as it is.
    pub fn perform(self, video: &HtmlVideoElement, frame: &HtmlElement) {
        match self {
            Self::Play => play(video),
            Self::Toggle if video.paused() => play(video),
            Self::Pause | Self::Toggle => {
                let _ = video.pause();
            }
            Self::Skip(by) => seek(video, video.current_time() + by),
            Self::Seek(to) => seek(video, to),
            Self::SeekTo(part) => seek(video, video.duration() * part),
            Self::Mute => {
                let loudly = video.muted();
                // What is not muted and cannot be heard would be a riddle.
                if loudly && video.volume() == 0.0 {
                    video.set_volume(0.5);
                }
                mute(video, !loudly);
            }
            Self::Volume(percent) => {
                let percent = percent.clamp(0, 100);
                video.set_volume(f64::from(percent) / 100.0);
                preferences::remember("volume", &percent.to_string());
                mute(video, percent == 0);
            }
            Self::Louder(by) => {
                let now = if video.muted() { 0.0 } else { video.volume() };
                Self::Volume((now * 100.0 + 0.5) as i32 + by).perform(video, frame);
            }
            Self::Rate(percent) => {
                let rate = f64::from(percent) / 100.0;
                // The default is what the next film begins with.
                video.set_default_playback_rate(rate);
                video.set_playback_rate(rate);
                preferences::remember("rate", &percent.to_string());
            }
            Self::Faster | Self::Slower => {
                let now = (video.playback_rate() * 100.0 + 0.5) as u32;
                let next = match self {
                    Self::Faster => RATES.into_iter().find(|rate| *rate > now),
                    _ => RATES.into_iter().rfind(|rate| *rate < now),
                };
                if let Some(next) = next {
                    Self::Rate(next).perform(video, frame);
                }
            }
            Self::Captions => {
                let are_shown = media_state::captions(video)
                    .iter()
                    .any(media_state::is_shown);
                Self::Show((!are_shown).then_some(0)).perform(video, frame);
            }
            Self::Show(which) => {
                show(video, which);
                preferences::remember("captions", flag(which.is_some()));
            }
            Self::FullScreen => fill_screen(video, frame),
            Self::PictureInPicture => web::float(video),
            Self::Keys => {
                if let Some(sheet) = part::<HtmlElement>(frame, ".shortcuts") {
                    let _ = sheet.toggle_popover();
                }
            }
        }
    }
}

/// Plays. Where a browser plays without a click only what makes no sound, it makes none.
pub fn play(video: &HtmlVideoElement) {
    let video = video.clone();
    spawn_local(async move {
        // Twice at most: what is muted and refused even so waits for its button to be pressed. Aborted
        // where another film comes before this one could begin: that one plays.
        while let Ok(playing) = video.play()
            && let Err(refusal) = JsFuture::from(playing).await
            && !video.muted()
            && web::name(&refusal).is_some_and(|name| name == "NotAllowedError")
        {
            video.set_muted(true);
        }
    });
}

fn seek(video: &HtmlVideoElement, to: f64) {
    let end = video.duration();
    if end.is_finite() {
        video.set_current_time(to.max(0.0).min(end));
    }
}

fn mute(video: &HtmlVideoElement, muted: bool) {
    video.set_muted(muted);
    preferences::remember("muted", flag(muted));
}

/// Captions that are not shown are off: then their file is not even fetched.
pub fn show(video: &HtmlVideoElement, which: Option<u32>) {
    for (place, track) in (0..).zip(media_state::captions(video)) {
        track.set_mode(match which == Some(place) {
            true => TextTrackMode::Showing,
            false => TextTrackMode::Disabled,
        });
    }
}

const fn flag(on: bool) -> &'static str {
    if on { "1" } else { "0" }
}

/// The frame and not the element, so that the controls come along; where only an element can fill the
/// screen, as on an iPhone, the element with controls of the system's own.
fn fill_screen(video: &HtmlVideoElement, frame: &Element) {
    let Some(document) = document() else {
        return;
    };
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
    } else if frame.request_fullscreen().is_err() {
        web::fill_screen(video);
    }
}
