//! The state of a media element.

use std::rc::Rc;

use web_sys::{Element, HtmlVideoElement, TextTrackMode, TimeRanges};

use super::text_tracks;
use crate::{
    platform::web,
    player::{dom::document, preferences},
};

/// What components select from: see [`use_media`](crate::player::use_media). Read from the element after its events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaState {
    /// Whether it is paused.
    pub paused: bool,
    /// Whether playback has ended.
    pub ended: bool,
    /// Whether anything has been played.
    pub started: bool,
    /// Whether it waits for data.
    pub waiting: bool,
    /// Whether it seeks.
    pub seeking: bool,
    /// Whether it is muted.
    pub muted: bool,
    /// Whether it is muted only for autoplay, not by the viewer.
    pub muted_for_autoplay: bool,
    /// Volume in percent.
    pub volume: u32,
    /// Playback rate in percent.
    pub rate: u32,
    /// Duration in seconds, infinite for a live stream; `None` if unknown.
    pub duration: Option<f64>,
    /// Start and end of what can be seeked to, in seconds: the hull of `seekable`.
    pub seekable: Option<(f64, f64)>,
    /// `currentTime` in seconds, as of the last `timeupdate`.
    pub position: f64,
    /// `currentTime` in seconds when any other part of the state last changed: `position` moves on from there.
    pub anchor: f64,
    /// Start and end of the buffered ranges, in seconds.
    pub buffered: Rc<[(f64, f64)]>,
    /// Position and buffered ranges as the controls show them.
    pub displayed: DisplayedProgress,
    /// The captions that can be shown.
    pub captions: Rc<[CaptionsState]>,
    /// The chapters, in the order of their starts.
    pub chapters: Rc<[Chapter]>,
    /// Whether the player is full screen.
    pub is_fullscreen: bool,
    /// Whether it is in picture-in-picture; `None` if the browser does not support that.
    pub is_in_picture_in_picture: Option<bool>,
    /// Whether the viewer is inactive and the controls have faded.
    pub is_idle: bool,
}

/// What the controls show of the progress. It does not change while they have faded, so that nothing renders what
/// nobody sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DisplayedProgress {
    /// The position in whole seconds.
    pub second: u32,
    /// Start and end of the buffered ranges, in seconds.
    pub buffered: Rc<[(f64, f64)]>,
}

/// What the play button shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaybackPhase {
    /// Nothing has been played.
    New,
    /// It plays, or waits for data to play on.
    Playing,
    /// It is paused.
    Paused,
    /// It has ended.
    Ended,
}

impl PlaybackPhase {
    /// Its name in the attribute `data-state`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Playing => "playing",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }
}

/// One caption track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionsState {
    /// Its name for the viewer.
    pub label: String,
    /// Whether it is displayed.
    pub is_shown: bool,
    /// Whether it is displayed, or hidden and read by a script: its cues are needed.
    pub is_enabled: bool,
}

/// One chapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Chapter {
    /// Start in seconds.
    pub start: f64,
    /// Title.
    pub title: String,
}

/// The part of the presentation that the seek bar stands for, in seconds: from 0 to the duration, or what can be
/// seeked to if that is infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SeekWindow {
    /// Its start.
    pub start: f64,
    /// Its end.
    pub end: f64,
}

impl SeekWindow {
    /// Its length in seconds.
    pub fn length(self) -> f64 {
        (self.end - self.start).max(0.0)
    }

    /// A position as a fraction of the window; 0 if that is empty.
    pub fn fraction(self, position: f64) -> f64 {
        match self.length() {
            length if length > 0.0 => ((position - self.start) / length).clamp(0.0, 1.0),
            _ => 0.0,
        }
    }

    /// The position at a fraction of the window.
    pub fn position(self, fraction: f64) -> f64 {
        self.start + fraction * self.length()
    }
}

impl MediaState {
    /// Reads everything. `previous` keeps what is not the element's.
    pub fn read(video: &HtmlVideoElement, container: &Element, previous: Self) -> Self {
        let paused = video.paused();
        let seeking = video.seeking();
        let muted = video.muted();
        let waiting = match video.ready_state() {
            0 => true,
            // HAVE_METADATA, HAVE_CURRENT_DATA: the next frame is missing.
            1 | 2 => !paused || seeking,
            _ => false,
        };
        let mut state = Self {
            paused,
            // An element that has lost its engine reports `ended`, too.
            ended: video.ended() && !web::has_lost_media_source(video),
            started: video.played().length() > 0,
            waiting,
            seeking,
            muted,
            muted_for_autoplay: muted && preferences::number("muted") != Some(1),
            volume: percent(video.volume()),
            rate: chosen_rate(percent(video.playback_rate())),
            captions: read_captions(video),
            chapters: read_chapters(video),
            is_fullscreen: document()
                .and_then(|document| document.fullscreen_element())
                .is_some_and(|element| element == *container),
            is_in_picture_in_picture: web::is_in_picture_in_picture(video),
            ..previous
        };
        state.read_progress(video);
        state.anchor = state.position;
        state
    }

    /// Reads what changes all the time.
    pub fn read_progress(&mut self, video: &HtmlVideoElement) {
        self.position = video.current_time();
        self.duration = Some(video.duration()).filter(|duration| !duration.is_nan());
        self.seekable = match &*ranges(&video.seekable()) {
            [] => None,
            [first, .., last] => Some((first.0, last.1)),
            [only] => Some(*only),
        };
        self.buffered = ranges(&video.buffered());
        let is_on_screen = !self.is_idle && document().is_some_and(|document| !document.hidden());
        if is_on_screen {
            self.displayed = DisplayedProgress {
                second: self.position as u32,
                buffered: self.buffered.clone(),
            };
        }
    }

    /// How far playback is.
    pub const fn phase(&self) -> PlaybackPhase {
        match (self.ended, self.paused, self.started) {
            (true, ..) => PlaybackPhase::Ended,
            (_, false, _) => PlaybackPhase::Playing,
            (_, _, true) => PlaybackPhase::Paused,
            _ => PlaybackPhase::New,
        }
    }

    /// Whether the position moves by itself.
    pub const fn is_moving(&self) -> bool {
        !self.paused && !self.waiting && !self.seeking && !self.ended
    }

    /// Whether this is a live stream.
    pub fn is_live(&self) -> bool {
        self.duration.is_some_and(f64::is_infinite)
    }

    /// What the seek bar stands for.
    pub fn window(&self) -> SeekWindow {
        match (self.duration, self.seekable) {
            (Some(duration), _) if duration.is_finite() => SeekWindow {
                start: 0.0,
                end: duration,
            },
            (_, Some((start, end))) => SeekWindow { start, end },
            _ => SeekWindow::default(),
        }
    }

    /// The index of the displayed captions.
    pub fn shown_captions(&self) -> Option<u32> {
        index_of(&self.captions, |captions| captions.is_shown)
    }

    /// The index of the first captions whose cues are needed.
    pub fn enabled_captions(&self) -> Option<u32> {
        index_of(&self.captions, |captions| captions.is_enabled)
    }
}

fn index_of(all: &[CaptionsState], is_it: fn(&CaptionsState) -> bool) -> Option<u32> {
    u32::try_from(all.iter().position(is_it)?).ok()
}

fn read_captions(video: &HtmlVideoElement) -> Rc<[CaptionsState]> {
    let tracks = text_tracks::captions(video).into_iter();
    let states = tracks.map(|track| CaptionsState {
        label: track.label(),
        is_shown: text_tracks::is_shown(&track),
        is_enabled: track.mode() != TextTrackMode::Disabled,
    });
    states.collect()
}

fn read_chapters(video: &HtmlVideoElement) -> Rc<[Chapter]> {
    let chapters = text_tracks::chapters(video).map(|cue| Chapter {
        start: cue.start_time(),
        title: cue.text(),
    });
    chapters.collect()
}

fn ranges(ranges: &TimeRanges) -> Rc<[(f64, f64)]> {
    let range = |index| Some((ranges.start(index).ok()?, ranges.end(index).ok()?));
    (0..ranges.length()).filter_map(range).collect()
}

/// The rate that the viewer has chosen, in percent. Rates close to 1 keep the distance from a live edge.
const fn chosen_rate(percent: u32) -> u32 {
    match percent {
        95..=105 => 100,
        _ => percent,
    }
}

fn percent(part: f64) -> u32 {
    (part * 100.0 + 0.5) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_of_a_live_stream_is_what_can_be_seeked_to() {
        let live = MediaState {
            duration: Some(f64::INFINITY),
            seekable: Some((100.0, 160.0)),
            ..MediaState::default()
        };
        assert!(live.is_live());
        assert_eq!(live.window().fraction(130.0), 0.5);
        assert_eq!(live.window().position(0.25), 115.0);
        let film = MediaState {
            duration: Some(32.0),
            seekable: Some((0.0, 32.0)),
            ..MediaState::default()
        };
        assert!(!film.is_live());
        assert_eq!(film.window().fraction(8.0), 0.25);
        assert_eq!(MediaState::default().window().fraction(8.0), 0.0);
    }
}
