//! The actions of the controls. They change the element; the controls then update from its events, as they do
//! when something else changes it.

use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Element, HtmlElement, HtmlVideoElement, TextTrackMode};

use super::{media_state, preferences};
use crate::{
    platform::web,
    player::dom::{document, query},
};

/// The selectable speeds, in percent.
pub const RATES: [u32; 7] = [50, 75, 100, 125, 150, 175, 200];

/// An action on the element or the player.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ControlAction {
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
    /// Seek to this fraction of the duration, from 0 to 1.
    SeekTo(f64),
    /// Mute or unmute.
    Mute,
    /// Set the volume, in percent.
    Volume(i32),
    /// Change the volume by this many percentage points.
    Louder(i32),
    /// Set the speed, in percent.
    Rate(u32),
    /// Select the next higher of [`RATES`].
    Faster,
    /// Select the next lower of [`RATES`].
    Slower,
    /// Turn captions on or off.
    Captions,
    /// Show the captions with this index among those of the element, or none.
    Show(Option<u32>),
    /// Enter or leave full screen.
    FullScreen,
    /// Enter or leave picture in picture.
    PictureInPicture,
    /// Show or hide the keyboard shortcuts.
    Keys,
}

impl ControlAction {
    /// Performs the action. What the browser refuses has no effect.
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
                Self::Volume((now * 100.0 + 0.5) as i32 + by).perform(video, frame);
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
            Self::FullScreen => toggle_fullscreen(video, frame),
            Self::PictureInPicture => web::toggle_picture_in_picture(video),
            Self::Keys => {
                if let Some(sheet) = query::<HtmlElement>(frame, ".shortcuts") {
                    let _ = sheet.toggle_popover();
                }
            }
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
    let end = video.duration();
    if end.is_finite() {
        video.set_current_time(to.max(0.0).min(end));
    }
}

fn mute(video: &HtmlVideoElement, muted: bool) {
    video.set_muted(muted);
    preferences::remember("muted", flag(muted));
}

/// Shows the captions with this index. Others are disabled rather than hidden, so that they are not fetched.
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

/// Toggles full screen: of the frame, so that the controls are included, or of the video element with the
/// system's controls where only that is possible, as on iPhones.
fn toggle_fullscreen(video: &HtmlVideoElement, frame: &Element) {
    let Some(document) = document() else {
        return;
    };
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
    } else if frame.request_fullscreen().is_err() {
        web::enter_video_fullscreen(video);
    }
}
