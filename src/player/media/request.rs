//! Requests to a media element. The controls update from the element's events, as they do when something else
//! changes it.

use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, HtmlVideoElement};

use super::{
    state::{MediaState, SeekWindow},
    text_tracks,
};
use crate::{
    platform::web,
    player::{dom::document, preferences},
};

/// The selectable speeds, in percent.
pub const RATES: [u32; 7] = [50, 75, 100, 125, 150, 175, 200];

/// A request to the element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MediaRequest {
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// Play or pause.
    Toggle,
    /// Seek by this many seconds, forward or back.
    Skip(f64),
    /// Seek to this position, in seconds.
    Seek(f64),
    /// Seek to this fraction of the duration, or of what can be seeked to if that is infinite; from 0 to 1.
    SeekTo(f64),
    /// Mute or unmute.
    Mute,
    /// Set the volume, in percent.
    Volume(i32),
    /// Change the volume by this many percentage points.
    Louder(i32),
    /// Set the speed, in percent.
    Rate(u32),
    /// Select the next higher of the rates.
    Faster,
    /// Select the next lower of the rates.
    Slower,
    /// Turn captions on or off.
    ToggleCaptions,
    /// Show the captions with this index among those of the element, or none.
    ShowCaptions(Option<u32>),
    /// Enter or leave full screen.
    FullScreen,
    /// Enter or leave picture in picture.
    PictureInPicture,
}

impl MediaRequest {
    /// Performs the request. What the browser refuses has no effect.
    pub fn perform(self, video: &HtmlVideoElement, container: &Element) {
        match self {
            Self::Play => play(video),
            Self::Toggle if video.paused() => play(video),
            Self::Pause | Self::Toggle => {
                let _ = video.pause();
            }
            Self::Skip(by) => seek(video, video.current_time() + by),
            Self::Seek(to) => seek(video, to),
            Self::SeekTo(fraction) => seek(video, window(video).position(fraction)),
            Self::Mute => {
                let loudly = video.muted();
                // Unmuting at volume 0 would have no audible effect.
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
                Self::Volume((now * 100.0 + 0.5) as i32 + by).perform(video, container);
            }
            Self::Rate(percent) => {
                let rate = f64::from(percent) / 100.0;
                // Loading another source resets the rate to the default.
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
                    Self::Rate(next).perform(video, container);
                }
            }
            Self::ToggleCaptions => {
                let captions = text_tracks::captions(video);
                let are_shown = captions.iter().any(text_tracks::is_shown);
                Self::ShowCaptions((!are_shown).then_some(0)).perform(video, container);
            }
            Self::ShowCaptions(index) => {
                text_tracks::show_captions(video, index);
                preferences::remember("captions", flag(index.is_some()));
            }
            Self::FullScreen => toggle_fullscreen(video, container),
            Self::PictureInPicture => web::toggle_picture_in_picture(video),
        }
    }
}

/// Plays the element. If the browser blocks autoplay with sound, plays it muted.
pub fn play(video: &HtmlVideoElement) {
    let video = video.clone();
    spawn_local(async move {
        // At most twice: a muted element that is refused waits for the play button. An AbortError means that
        // another source has replaced this one.
        while let Ok(playing) = video.play()
            && let Err(refusal) = JsFuture::from(playing).await
            && !video.muted()
            && web::exception_name(&refusal).is_some_and(|name| name == "NotAllowedError")
        {
            video.set_muted(true);
        }
    });
}

fn seek(video: &HtmlVideoElement, to: f64) {
    let window = window(video);
    if window.length() > 0.0 {
        video.set_current_time(to.max(window.start).min(window.end));
    }
}

fn window(video: &HtmlVideoElement) -> SeekWindow {
    let mut state = MediaState::default();
    state.read_progress(video);
    state.window()
}

fn mute(video: &HtmlVideoElement, muted: bool) {
    video.set_muted(muted);
    preferences::remember("muted", flag(muted));
}

const fn flag(on: bool) -> &'static str {
    if on { "1" } else { "0" }
}

/// Toggles full screen: of the container, so that the controls are included, or of the video element with the
/// system's controls where only that is possible, as on iPhones.
fn toggle_fullscreen(video: &HtmlVideoElement, container: &Element) {
    let Some(document) = document() else {
        return;
    };
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
    } else if container.request_fullscreen().is_err() {
        web::enter_video_fullscreen(video);
    }
}
