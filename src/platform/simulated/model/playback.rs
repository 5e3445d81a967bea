//! Playback of what is buffered: the media element's readiness, playing, stalls, seeks and end
//! ([HTML § 4.8.11](https://html.spec.whatwg.org/#media-elements)).
//!
//! Time is explicit: [`Playback::advance`] moves to a time under conditions that have held since the last call,
//! and [`Playback::next_change`] tells when it will change by itself.

use std::ops::Range;

use super::{MILLISECOND, Nanos, Rules};

/// What the element plays from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// What can be played of all buffers.
    pub buffered: Vec<Range<Nanos>>,
    /// Whether all buffers have an init segment.
    pub has_metadata: bool,
    /// Whether the source has ended.
    pub has_ended: bool,
    /// The duration, if it is known.
    pub duration: Option<Nanos>,
}

/// An event of the element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaEvent {
    /// `loadedmetadata`.
    LoadedMetadata,
    /// `durationchange`.
    DurationChange,
    /// `loadeddata`: the first frame can be shown.
    LoadedData,
    /// `canplay`.
    CanPlay,
    /// `play`.
    Play,
    /// `playing`.
    Playing,
    /// `pause`.
    Pause,
    /// `waiting`.
    Waiting,
    /// `seeking`.
    Seeking,
    /// `seeked`.
    Seeked,
    /// `timeupdate`.
    TimeUpdate,
    /// `ratechange`.
    RateChange,
    /// `ended`.
    Ended,
    /// `emptied`: the element has nothing to play any more.
    Emptied,
    /// `error`, with [`MediaError.code`](https://html.spec.whatwg.org/#dom-mediaerror-code).
    Error(u16),
}

/// [`HTMLMediaElement.readyState`](https://html.spec.whatwg.org/#ready-states), without the guess at whether
/// it will play through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readiness {
    /// `HAVE_NOTHING`.
    #[default]
    Nothing,
    /// `HAVE_METADATA`.
    Metadata,
    /// `HAVE_CURRENT_DATA`.
    CurrentData,
    /// `HAVE_FUTURE_DATA` or more.
    FutureData,
}

/// Media time that was played without a break.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlayedSpan {
    /// Media time at its start.
    pub start: Nanos,
    /// Media time at its end.
    pub end: Nanos,
    /// World time at its start.
    pub began: Nanos,
    /// World time at its end.
    pub stopped: Nanos,
}

/// Why playback waited for data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitCause {
    /// Nothing had been played before.
    Start,
    /// A seek to where nothing was.
    Seek,
    /// What was ahead came to its end, or was removed.
    Underrun,
}

/// A time for which playback waited for data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Media time.
    pub position: Nanos,
    /// Why.
    pub cause: WaitCause,
    /// World time at its start.
    pub began: Nanos,
    /// World time at its end; `None` while it goes on.
    pub ended: Option<Nanos>,
}

/// A seek that is going on.
#[derive(Clone, Copy, Debug)]
struct Seek {
    /// When it will be over, once there is data.
    ready_at: Option<Nanos>,
}

/// The state of an element's playback.
#[derive(Debug)]
pub struct Playback {
    rules: Rules,
    position: Nanos,
    /// World time at which the position was so.
    updated: Nanos,
    rate: f64,
    is_paused: bool,
    is_moving: bool,
    has_ended: bool,
    is_stuck: bool,
    /// When the first frame could be shown.
    loaded_data: Option<Nanos>,
    /// Up to where nothing needs to be buffered.
    passes_until: Nanos,
    /// Whether the stream is lost for good.
    is_lost: bool,
    seek: Option<Seek>,
    readiness: Readiness,
    duration: Option<Nanos>,
    error: Option<u16>,
    next_time_update: Nanos,
    events: Vec<MediaEvent>,
    played: Vec<PlayedSpan>,
    waits: Vec<Wait>,
}

/// How often `timeupdate` is fired while playing.
const TIME_UPDATE: Nanos = 250 * MILLISECOND;

impl Playback {
    /// Paused at 0, with nothing to play.
    pub const fn new(rules: Rules, now: Nanos) -> Self {
        Self {
            rules,
            position: 0,
            updated: now,
            rate: 1.0,
            is_paused: true,
            is_moving: false,
            has_ended: false,
            is_stuck: false,
            loaded_data: None,
            passes_until: 0,
            is_lost: false,
            seek: None,
            readiness: Readiness::Nothing,
            duration: None,
            error: None,
            next_time_update: 0,
            events: Vec::new(),
            played: Vec::new(),
            waits: Vec::new(),
        }
    }

    /// Takes the events since this was asked last, in order.
    pub fn take_events(&mut self) -> Vec<MediaEvent> {
        std::mem::take(&mut self.events)
    }

    /// `currentTime`, as of the last [`advance`](Self::advance).
    pub const fn position(&self) -> Nanos {
        self.position
    }

    /// `playbackRate`.
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// `paused`.
    pub const fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// `seeking`.
    pub const fn is_seeking(&self) -> bool {
        self.seek.is_some()
    }

    /// `ended`.
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether the position moves.
    pub const fn is_moving(&self) -> bool {
        self.is_moving
    }

    /// `readyState`.
    pub const fn readiness(&self) -> Readiness {
        self.readiness
    }

    /// `error.code`.
    pub const fn error(&self) -> Option<u16> {
        self.error
    }

    /// All that was played, in the order of world time.
    pub fn played(&self) -> &[PlayedSpan] {
        &self.played
    }

    /// All waits for data, in order.
    pub fn waits(&self) -> &[Wait] {
        &self.waits
    }

    /// Moves to a time. The view has to be what was there since the last call; when it changes, this is to be
    /// called with the old one first, and then with the new one.
    pub fn advance(&mut self, now: Nanos, view: &View) {
        // After a sleep of the machine, what was to be done meanwhile comes late.
        let now = now.max(self.updated);
        while self.is_moving {
            let limit = self.limit(view);
            let reached = self.time_at(limit);
            if reached <= now {
                self.move_to(limit, reached);
                self.reach_limit(view);
            } else {
                let moved = ((now - self.updated) as f64 * self.rate).round() as Nanos;
                self.move_to(self.position + moved, now);
                break;
            }
        }
        self.updated = now;
        self.refresh(view);
        if self.is_moving && now >= self.next_time_update {
            self.events.push(MediaEvent::TimeUpdate);
            self.next_time_update = now + TIME_UPDATE;
        }
    }

    /// When something changes if the view does not: `None` if never.
    pub fn next_change(&self, view: &View) -> Option<Nanos> {
        if let Some(Seek { ready_at }) = self.seek {
            return ready_at;
        }
        if !self.is_moving {
            return None;
        }
        let limit = self.limit(view);
        Some(self.time_at(limit).min(self.next_time_update))
    }

    /// How far playback moves: to the end, or to a little before the end of a range after which more may come.
    fn limit(&self, view: &View) -> Nanos {
        let end = self.playable_end(view).unwrap_or(self.position);
        let is_last = view.has_ended && view.buffered.last().is_some_and(|last| end >= last.end);
        match is_last {
            true => end,
            false => self.position.max(end - self.rules.stops_before),
        }
    }

    /// World time at which a media time is reached.
    fn time_at(&self, position: Nanos) -> Nanos {
        let left = (position - self.position).max(0) as f64 / self.rate;
        self.updated.saturating_add(left.ceil() as Nanos)
    }

    fn move_to(&mut self, position: Nanos, now: Nanos) {
        match self.played.last_mut() {
            Some(last) if last.end == self.position && last.stopped == self.updated => {
                last.end = position;
                last.stopped = now;
            }
            _ if position > self.position => self.played.push(PlayedSpan {
                start: self.position,
                end: position,
                began: self.updated,
                stopped: now,
            }),
            _ => {}
        }
        self.position = position;
        self.updated = now;
    }

    /// Playback has come to the end of what is there.
    fn reach_limit(&mut self, view: &View) {
        self.is_moving = false;
        if self.is_at_end(view) {
            self.end();
        } else {
            self.events.push(MediaEvent::TimeUpdate);
            self.events.push(MediaEvent::Waiting);
            self.begin_wait(WaitCause::Underrun);
        }
    }

    fn end(&mut self) {
        self.has_ended = true;
        self.is_moving = false;
        self.events.push(MediaEvent::TimeUpdate);
        if !self.is_paused {
            self.is_paused = true;
            self.events.push(MediaEvent::Pause);
        }
        self.events.push(MediaEvent::Ended);
    }

    fn begin_wait(&mut self, cause: WaitCause) {
        if self.waits.last().is_none_or(|wait| wait.ended.is_some()) {
            self.waits.push(Wait {
                position: self.position,
                cause,
                began: self.updated,
                ended: None,
            });
        }
    }

    fn end_wait(&mut self) {
        if let Some(wait) = self.waits.last_mut()
            && wait.ended.is_none()
        {
            wait.ended = Some(self.updated);
        }
    }

    /// Adapts to what is there now.
    fn refresh(&mut self, view: &View) {
        if self.error.is_some() || self.is_lost {
            return;
        }
        if self.duration != view.duration {
            self.duration = view.duration;
            if self.readiness > Readiness::Nothing {
                self.events.push(MediaEvent::DurationChange);
            }
            if let Some(duration) = view.duration
                && self.position > duration
                && self.readiness > Readiness::Nothing
            {
                self.seek(duration, view);
            }
        }
        if self.readiness == Readiness::Nothing {
            if !view.has_metadata {
                return;
            }
            self.readiness = Readiness::Metadata;
            self.events.push(MediaEvent::DurationChange);
            self.events.push(MediaEvent::LoadedMetadata);
        }
        let ahead = self.playable_end(view).map(|end| end - self.position);
        let is_at_end = self.is_at_end(view);
        if let Some(seek) = &mut self.seek {
            match (ahead, is_at_end) {
                (None, false) => {
                    seek.ready_at = None;
                    self.lower(Readiness::Metadata);
                    if !self.is_paused {
                        self.begin_wait(WaitCause::Seek);
                    }
                    return;
                }
                _ => {
                    let ready_at = *seek
                        .ready_at
                        .get_or_insert(self.updated + self.rules.seek_time);
                    if ready_at > self.updated {
                        return;
                    }
                    self.pass_until(view);
                    self.seek = None;
                    self.events.push(MediaEvent::TimeUpdate);
                    self.events.push(MediaEvent::Seeked);
                }
            }
        }
        let enough = match (ahead, is_at_end) {
            (None, false) => {
                // The frame that was played last may still be there.
                let is_shown = view.buffered.iter().any(|it| it.end == self.position)
                    || (self.rules.keeps_current_frame && self.readiness >= Readiness::CurrentData);
                match is_shown {
                    true => Readiness::CurrentData,
                    false => Readiness::Metadata,
                }
            }
            (_, true) => Readiness::CurrentData,
            (Some(ahead), _) => {
                let to_end = view.has_ended
                    && view
                        .buffered
                        .last()
                        .is_some_and(|last| self.position + ahead >= last.end);
                // What plays already needs no reserve, but for what it stops before.
                let plays_on = self.is_moving && ahead > self.rules.stops_before;
                match plays_on || to_end || ahead >= self.rules.resume_ahead {
                    true => Readiness::FutureData,
                    false => Readiness::CurrentData,
                }
            }
        };
        self.raise(enough);
        self.lower(enough);
        if is_at_end && !self.is_paused && !self.has_ended {
            self.end_wait();
            self.end();
            return;
        }
        let may_move = self.readiness == Readiness::FutureData
            && !self.is_paused
            && !self.has_ended
            && !self.is_stuck;
        if may_move && !self.is_moving {
            self.is_moving = true;
            self.pass_until(view);
            self.next_time_update = self.updated + TIME_UPDATE;
            self.end_wait();
            self.events.push(MediaEvent::Playing);
        } else if !may_move && self.is_moving {
            self.is_moving = false;
            if !self.is_paused && !self.is_stuck {
                self.events.push(MediaEvent::Waiting);
                self.begin_wait(WaitCause::Underrun);
            }
        } else if !may_move && !self.is_paused && !self.has_ended && !self.is_stuck {
            let cause = match self.played.is_empty() {
                true => WaitCause::Start,
                false => WaitCause::Underrun,
            };
            self.begin_wait(cause);
        }
    }

    /// Playback goes on over what is missing before the range that it begins with.
    fn pass_until(&mut self, view: &View) {
        let here = view.buffered.iter().find(|range| self.position < range.end);
        if let Some(here) = here {
            self.passes_until = self.passes_until.max(here.start);
        }
    }

    fn raise(&mut self, to: Readiness) {
        if self.loaded_data.is_none() && to >= Readiness::CurrentData {
            self.loaded_data = Some(self.updated);
            self.events.push(MediaEvent::LoadedData);
        }
        if self.readiness < Readiness::FutureData && to >= Readiness::FutureData {
            self.events.push(MediaEvent::CanPlay);
        }
        self.readiness = self.readiness.max(to);
    }

    fn lower(&mut self, to: Readiness) {
        self.readiness = self.readiness.min(to);
    }

    /// Up to where can be played from the position on, over gaps that the browser passes by itself; `None` if
    /// nothing is there.
    fn playable_end(&self, view: &View) -> Option<Nanos> {
        let mut ranges = view.buffered.iter();
        let here = ranges.find(|range| self.position < range.end)?;
        let gap = self.rules.playable_gap;
        let before = match self.position {
            0 => self.rules.start_gap,
            _ if self.seek.is_some() => self.rules.seek_gap,
            _ => gap.max(self.passes_until - self.position),
        };
        if here.start - self.position > before {
            return None;
        }
        let mut end = here.end;
        for next in ranges {
            if next.start > end + gap {
                break;
            }
            end = next.end;
        }
        Some(end)
    }

    fn is_at_end(&self, view: &View) -> bool {
        let last = view.buffered.last();
        view.has_ended && last.is_some_and(|last| self.position >= last.end)
    }

    /// `play()`.
    pub fn play(&mut self, view: &View) {
        if self.is_paused {
            self.is_paused = false;
            self.events.push(MediaEvent::Play);
            if self.has_ended {
                self.seek(0, view);
            } else if self.readiness < Readiness::FutureData {
                self.events.push(MediaEvent::Waiting);
            }
        }
        self.refresh(view);
    }

    /// `pause()`.
    pub fn pause(&mut self, view: &View) {
        if !self.is_paused {
            self.is_paused = true;
            self.is_moving = false;
            self.end_wait();
            self.events.push(MediaEvent::TimeUpdate);
            self.events.push(MediaEvent::Pause);
        }
        self.refresh(view);
    }

    /// Sets `currentTime`.
    pub fn seek(&mut self, position: Nanos, view: &View) {
        let last = self.duration.unwrap_or(position);
        self.position = position.clamp(0, last.max(0));
        self.has_ended = false;
        self.is_stuck = false;
        self.is_moving = false;
        self.passes_until = 0;
        self.end_wait();
        if self.readiness == Readiness::Nothing {
            // The default playback start position: there is nothing to seek in.
            return;
        }
        self.seek = Some(Seek { ready_at: None });
        self.events.push(MediaEvent::Seeking);
        self.refresh(view);
    }

    /// Sets `playbackRate`, which is to be positive.
    pub fn set_rate(&mut self, rate: f64) {
        if rate > 0.0 && rate != self.rate {
            self.rate = rate;
            self.events.push(MediaEvent::RateChange);
        }
    }

    /// Playback fails.
    pub fn fail(&mut self, code: u16) {
        if self.error.is_none() {
            self.error = Some(code);
            self.is_moving = false;
            self.end_wait();
            self.events.push(MediaEvent::Error(code));
        }
    }

    /// A fault: playback stands still although data is there, until the next seek.
    pub const fn get_stuck(&mut self) {
        self.is_stuck = true;
        self.is_moving = false;
    }

    /// Whether the first frame has been on screen for so long that a seek does no harm to WebKit.
    pub fn has_settled(&self, now: Nanos) -> bool {
        self.loaded_data
            .is_some_and(|loaded| now - loaded > 100 * MILLISECOND)
    }

    /// A fault: nothing moves any more, until the source is detached.
    pub const fn lose_stream(&mut self) {
        self.is_lost = true;
        self.is_moving = false;
    }

    /// A fault: playback ends where the media ends, as when the worker with the MediaSource is terminated.
    pub fn end_at(&mut self, position: Nanos) {
        self.position = position;
        self.end_wait();
        self.end();
    }

    /// The machine slept: so much time passed in which nothing was played.
    pub const fn skip(&mut self, time: Nanos) {
        self.updated += time;
    }

    /// The source is detached: back to nothing, at 0, with what was recorded.
    pub fn empty(&mut self) {
        if self.readiness > Readiness::Nothing || self.error.is_some() {
            self.events.push(MediaEvent::Emptied);
        }
        self.end_wait();
        self.position = 0;
        self.readiness = Readiness::Nothing;
        self.loaded_data = None;
        self.is_lost = false;
        self.passes_until = 0;
        self.duration = None;
        self.seek = None;
        self.error = None;
        self.is_moving = false;
        self.has_ended = false;
        self.is_stuck = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::simulated::model::{nanos, seconds};

    /// An element under a view, driven by hand.
    struct Element {
        playback: Playback,
        view: View,
        now: f64,
    }

    impl Element {
        /// One that plays, with metadata and nothing buffered.
        fn playing() -> Self {
            let mut element = Self {
                playback: Playback::new(Rules::chromium(), 0),
                view: View {
                    has_metadata: true,
                    duration: Some(nanos(60.0)),
                    ..View::default()
                },
                now: 0.0,
            };
            element.playback.play(&element.view);
            element.playback.take_events();
            element
        }

        /// One that plays what is buffered, from 0 on.
        fn playing_from(buffered: &[(f64, f64)]) -> Self {
            let mut element = Self::playing();
            element.buffer(buffered);
            element.playback.take_events();
            element
        }

        fn buffer(&mut self, buffered: &[(f64, f64)]) {
            let ranges = buffered.iter();
            self.view.buffered = ranges.map(|it| nanos(it.0)..nanos(it.1)).collect();
            self.playback.advance(nanos(self.now), &self.view);
        }

        fn end_source(&mut self) {
            self.view.has_ended = true;
            self.view.duration = self.view.buffered.last().map(|it| it.end);
            self.playback.advance(nanos(self.now), &self.view);
        }

        /// Goes on to a time, at each change by itself as the world does.
        fn run_to(&mut self, time: f64) {
            while let Some(next) = self.playback.next_change(&self.view)
                && next <= nanos(time)
            {
                self.playback.advance(next, &self.view);
            }
            self.now = time;
            self.playback.advance(nanos(time), &self.view);
        }

        fn seek(&mut self, position: f64) {
            self.playback.seek(nanos(position), &self.view);
        }

        fn position(&self) -> f64 {
            seconds(self.playback.position())
        }

        /// Events but `timeupdate`.
        fn events(&mut self) -> Vec<MediaEvent> {
            let mut events = self.playback.take_events();
            events.retain(|event| *event != MediaEvent::TimeUpdate);
            events
        }
    }

    #[test]
    fn plays_at_its_rate_until_the_data_ends() {
        let mut element = Element::playing_from(&[(0.0, 5.0)]);
        element.run_to(2.0);
        assert_eq!(element.position(), 2.0);
        element.playback.set_rate(2.0);
        element.run_to(3.0);
        assert_eq!(element.position(), 4.0);
        element.run_to(10.0);
        assert_eq!(element.position(), 4.965, "35 ms before the end");
        assert_eq!(
            element.events(),
            [MediaEvent::RateChange, MediaEvent::Waiting]
        );
        let wait = element.playback.waits().last().unwrap();
        assert_eq!(
            (wait.cause, wait.began),
            (WaitCause::Underrun, nanos(3.4825))
        );
    }

    #[test]
    fn nothing_plays_before_the_metadata() {
        let mut element = Element::playing();
        element.playback = Playback::new(Rules::chromium(), 0);
        element.view.has_metadata = false;
        element.playback.play(&element.view);
        element.run_to(1.0);
        assert_eq!(element.events(), [MediaEvent::Play, MediaEvent::Waiting]);
        element.view.has_metadata = true;
        element.buffer(&[(0.0, 5.0)]);
        let started = [
            MediaEvent::DurationChange,
            MediaEvent::LoadedMetadata,
            MediaEvent::LoadedData,
            MediaEvent::CanPlay,
            MediaEvent::Playing,
        ];
        assert_eq!(element.events(), started);
    }

    #[test]
    fn stall_ends_once_enough_is_ahead() {
        let mut element = Element::playing_from(&[(0.0, 1.0)]);
        element.run_to(3.0);
        element.buffer(&[(0.0, 1.01)]);
        element.run_to(4.0);
        assert_eq!(element.position(), 0.965, "45 ms ahead are not enough");
        element.buffer(&[(0.0, 2.0)]);
        element.run_to(4.5);
        assert_eq!(element.position(), 1.465);
        let waits = element.playback.waits();
        assert_eq!(waits.last().unwrap().ended, Some(nanos(4.0)));
    }

    #[test]
    fn firefox_alone_plays_over_gaps() {
        let stopped = |rules: Rules| {
            let mut element = Element::playing();
            element.playback = Playback::new(rules, 0);
            element.playback.play(&element.view);
            element.buffer(&[(0.0, 1.0), (1.5, 2.0), (2.6, 9.0)]);
            element.run_to(5.0);
            element.position()
        };
        assert_eq!(stopped(Rules::firefox()), 1.99);
        assert_eq!(stopped(Rules::chromium()), 0.965);
    }

    #[test]
    fn playback_begins_a_second_before_the_first_frame() {
        let mut element = Element::playing_from(&[(1.0, 9.0)]);
        element.run_to(0.5);
        assert_eq!(element.position(), 0.5);
        element.run_to(3.0);
        assert_eq!(element.position(), 3.0);
        let mut element = Element::playing_from(&[(1.1, 9.0)]);
        element.run_to(3.0);
        assert_eq!(element.position(), 0.0);
    }

    #[test]
    fn seek_lands_a_little_before_a_range_at_most() {
        let landed = |gap: f64| {
            let mut element = Element::playing_from(&[(0.0, 1.0), (5.0, 9.0)]);
            element.seek(5.0 - gap);
            element.run_to(1.0);
            !element.playback.is_seeking() && element.position() > 5.0
        };
        assert!(landed(0.05));
        assert!(!landed(0.1));
    }

    #[test]
    fn lost_stream_moves_only_after_it_is_detached() {
        let mut element = Element::playing_from(&[(0.0, 9.0)]);
        element.playback.lose_stream();
        element.seek(5.0);
        element.run_to(2.0);
        assert_eq!(element.position(), 5.0);
        element.playback.empty();
        element.buffer(&[(0.0, 9.0)]);
        element.run_to(3.0);
        assert_eq!(element.position(), 1.0);
    }

    #[test]
    fn end_is_reached_only_after_end_of_stream() {
        let mut element = Element::playing_from(&[(0.0, 2.0)]);
        element.run_to(3.0);
        assert!(!element.playback.has_ended());
        assert_eq!(element.events(), [MediaEvent::Waiting]);
        element.end_source();
        assert!(
            !element.playback.has_ended(),
            "the last frames are still to come"
        );
        element.run_to(4.0);
        assert_eq!(element.position(), 2.0);
        let ended = [
            MediaEvent::DurationChange,
            MediaEvent::CanPlay,
            MediaEvent::Playing,
            MediaEvent::Pause,
            MediaEvent::Ended,
        ];
        assert_eq!(element.events(), ended);
    }

    #[test]
    fn play_after_the_end_begins_again() {
        let mut element = Element::playing_from(&[(0.0, 2.0)]);
        element.end_source();
        element.run_to(3.0);
        assert!(element.playback.has_ended() && element.playback.is_paused());
        element.playback.play(&element.view);
        element.run_to(4.0);
        assert_eq!(element.position(), 0.987, "after a seek of 13 ms");
    }

    #[test]
    fn seek_waits_for_data_and_then_for_decoding() {
        let mut element = Element::playing_from(&[(0.0, 5.0)]);
        element.run_to(1.0);
        element.seek(20.0);
        element.run_to(3.0);
        assert!(element.playback.is_seeking());
        element.buffer(&[(0.0, 5.0), (18.0, 25.0)]);
        element.run_to(3.01);
        assert_eq!(element.position(), 20.0);
        element.run_to(4.0);
        assert_eq!(element.position(), 20.987);
        let events = [
            MediaEvent::Seeking,
            MediaEvent::Seeked,
            MediaEvent::CanPlay,
            MediaEvent::Playing,
        ];
        assert_eq!(element.events(), events);
        let wait = element.playback.waits().last().unwrap();
        assert_eq!(wait.cause, WaitCause::Seek);
    }

    #[test]
    fn seek_beyond_the_end_goes_to_the_end() {
        let mut element = Element::playing_from(&[(0.0, 2.0)]);
        element.end_source();
        element.seek(50.0);
        element.run_to(1.0);
        assert_eq!(element.position(), 2.0);
        assert!(element.playback.has_ended());
    }

    #[test]
    fn seek_before_metadata_is_where_playback_begins() {
        let mut element = Element::playing();
        element.playback = Playback::new(Rules::chromium(), 0);
        element.view.has_metadata = false;
        element.seek(7.0);
        element.playback.play(&element.view);
        element.view.has_metadata = true;
        element.buffer(&[(5.0, 10.0)]);
        element.run_to(1.0);
        assert_eq!(element.position(), 8.0);
    }

    #[test]
    fn paused_element_does_not_move() {
        let mut element = Element::playing_from(&[(0.0, 5.0)]);
        element.run_to(1.0);
        element.playback.pause(&element.view);
        element.run_to(9.0);
        assert_eq!(element.position(), 1.0);
        assert_eq!(element.playback.next_change(&element.view), None);
        element.playback.play(&element.view);
        element.run_to(10.0);
        assert_eq!(element.position(), 2.0);
        assert_eq!(element.playback.waits().len(), 1, "that for the start");
    }

    #[test]
    fn removal_under_the_position_stalls() {
        let mut element = Element::playing_from(&[(0.0, 5.0)]);
        element.run_to(1.0);
        element.buffer(&[(3.0, 5.0)]);
        element.run_to(2.0);
        assert_eq!(element.position(), 1.0);
        assert_eq!(element.playback.readiness(), Readiness::CurrentData);
        assert_eq!(element.events(), [MediaEvent::Waiting]);
    }

    #[test]
    fn stuck_element_moves_after_a_seek() {
        let mut element = Element::playing_from(&[(0.0, 5.0)]);
        element.run_to(1.0);
        element.playback.get_stuck();
        element.run_to(2.0);
        assert_eq!(element.position(), 1.0);
        element.seek(1.1);
        element.run_to(3.0);
        assert_eq!(element.position(), 2.087);
    }

    #[test]
    fn time_asleep_is_not_played() {
        let mut element = Element::playing_from(&[(0.0, 5.0)]);
        element.run_to(1.0);
        element.playback.skip(nanos(100.0));
        element.run_to(102.0);
        assert_eq!(element.position(), 2.0);
    }

    #[test]
    fn played_spans_are_recorded_once_each() {
        let mut element = Element::playing_from(&[(0.0, 2.0), (10.0, 12.0)]);
        element.run_to(1.0);
        element.seek(10.0);
        element.run_to(2.013);
        let spans = element.playback.played().iter();
        let spans: Vec<_> = spans
            .map(|it| (seconds(it.start), seconds(it.end)))
            .collect();
        assert_eq!(spans, [(0.0, 1.0), (10.0, 11.0)]);
    }

    #[test]
    fn failed_element_does_not_move() {
        let mut element = Element::playing_from(&[(0.0, 5.0)]);
        element.run_to(1.0);
        element.playback.fail(3);
        element.run_to(2.0);
        assert_eq!(element.position(), 1.0);
        assert_eq!(element.events(), [MediaEvent::Error(3)]);
        element.playback.empty();
        assert_eq!(element.playback.error(), None);
    }
}
