//! The playback state of a session: position, selection, buffer levels. Changes wake the tasks that wait for them.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use futures_util::future::{LocalBoxFuture, select};

use crate::{
    media::{
        BOUNDARY_TOLERANCE, ContentType, clock::PlaybackClock, ranges::TimeRanges,
        selection::AudioPreference,
    },
    platform,
    protocol::{BufferGoal, Observation},
};

/// How often waiting tasks are woken while nothing but the position changes.
const TICK_MS: u32 = 250;
/// How long `currentTime` may stand still, with media ahead, before the element counts as stalled.
const STALL_TIMEOUT_MS: f64 = 2_500.0;
/// How long `currentTime` may stand still before a short gap.
const SHORT_GAP_TIMEOUT_MS: f64 = 250.0;
/// How far before the end of a range an element stops, at most.
const SHORT_GAP_REACH_SECONDS: f64 = 0.1;
/// With less media ahead than this, the element may be waiting for data.
const STALL_MIN_AHEAD_SECONDS: f64 = 0.5;

/// The lowest buffer goal.
const MIN_GOAL_SECONDS: f64 = 1.0;
/// The goal is multiplied by this when a SourceBuffer is full.
const GOAL_REDUCTION: f64 = 0.7;
/// The goal is not lowered below this when a SourceBuffer is full.
const MIN_ROOM_AHEAD_SECONDS: f64 = 2.0;

/// The state of one SourceBuffer.
#[derive(Clone, Debug, Default)]
pub struct BufferStatus {
    /// What it holds.
    pub buffered: TimeRanges,
    /// Between the position and this time, in seconds, no more media will be fetched: gaps in it are final.
    pub complete_until: f64,
    /// Whether everything up to the end of the track is appended.
    pub is_complete: bool,
}

/// A seek that the engine has requested.
#[derive(Clone, Copy, Debug)]
struct PendingSeek {
    /// The new position, in seconds.
    to: f64,
    /// When it was first requested, in milliseconds since the Unix epoch.
    at: f64,
    /// When it was last requested, in milliseconds since the Unix epoch.
    repeated_at: f64,
}

/// Observations this close to the target of a requested seek, in seconds, show that it was performed.
const SEEK_TOLERANCE_SECONDS: f64 = 1.0;
/// After this time, a requested seek is given up: the viewer has seeked elsewhere.
const SEEK_TIMEOUT_MS: f64 = 10_000.0;

/// The playback state of a session, shared by its tasks.
pub struct PlaybackState {
    clock: Cell<PlaybackClock>,
    /// When the element was last observed, in milliseconds since the Unix epoch.
    observed_at: Cell<f64>,
    /// When the element was last observed to move, or to have a reason to stand still. In milliseconds since the Unix
    /// epoch.
    moved_at: Cell<f64>,
    /// When the element was first observed at its current position, in milliseconds since the Unix epoch.
    still_since: Cell<f64>,
    screen_size: Cell<(u32, u32)>,
    buffer_goal: Cell<BufferGoal>,
    /// The seek that the engine has requested and that was not observed yet.
    pending_seek: Cell<Option<PendingSeek>>,
    /// How many seconds ahead fit into the SourceBuffers; infinite until one was full.
    room_ahead: Cell<f64>,
    /// Bits per second of the selected quality.
    quality: Cell<Option<u64>>,
    audio_preference: RefCell<Option<Rc<AudioPreference>>>,
    captions: Cell<Option<u32>>,
    /// Whether the MediaSource has ended.
    is_ended: Cell<bool>,
    /// Observations before this time are of an earlier MediaSource. In milliseconds since the Unix epoch.
    reset_at: Cell<f64>,
    /// By [`index_of`] the content type.
    buffers: RefCell<[Option<BufferStatus>; 2]>,
    change_count: Cell<u32>,
    wakers: RefCell<Vec<Waker>>,
}

const fn index_of(kind: ContentType) -> usize {
    match kind {
        ContentType::Video => 0,
        ContentType::Audio => 1,
    }
}

const fn other(kind: ContentType) -> ContentType {
    match kind {
        ContentType::Video => ContentType::Audio,
        ContentType::Audio => ContentType::Video,
    }
}

impl PlaybackState {
    /// The state of a session that starts at a position, in seconds. `screen_size` is used until the first observation.
    pub fn new(start: f64, buffer_goal: BufferGoal, screen_size: (u32, u32)) -> Rc<Self> {
        Rc::new(Self {
            clock: Cell::new(PlaybackClock::new(start)),
            observed_at: Cell::default(),
            moved_at: Cell::default(),
            still_since: Cell::default(),
            screen_size: Cell::new(screen_size),
            buffer_goal: Cell::new(buffer_goal),
            pending_seek: Cell::default(),
            room_ahead: Cell::new(f64::INFINITY),
            quality: Cell::default(),
            audio_preference: RefCell::default(),
            captions: Cell::default(),
            is_ended: Cell::default(),
            reset_at: Cell::default(),
            buffers: RefCell::default(),
            change_count: Cell::default(),
            wakers: RefCell::default(),
        })
    }

    /// Updates the state with an observation of the element.
    pub fn observe(&self, observation: Observation) {
        if observation.at < self.reset_at.get() {
            return;
        }
        if let Some(seek) = self.pending_seek.get() {
            let elapsed_ms = observation.at - seek.at;
            let moved = observation.position - seek.to;
            let was_performed = moved > -SEEK_TOLERANCE_SECONDS
                && moved < SEEK_TOLERANCE_SECONDS + (elapsed_ms / 1000.0).max(0.0);
            if !was_performed && elapsed_ms < SEEK_TIMEOUT_MS {
                // The element has not seeked yet: only its position is not the one to plan from.
                self.screen_size.set(observation.screen_size);
                let mut clock = self.clock.get();
                clock.observe(seek.to, 0.0, observation.at);
                self.clock.set(clock);
                return;
            }
            self.pending_seek.set(None);
        }
        let predicted = self.position();
        let mut clock = self.clock.get();
        let stands_still = clock.observed() == observation.position && observation.rate > 0.0;
        clock.observe(observation.position, observation.rate, observation.at);
        self.clock.set(clock);
        self.screen_size.set(observation.screen_size);
        let ahead = self.buffered_ahead();
        if observation.position + ahead < predicted - BOUNDARY_TOLERANCE {
            // The feeders have planned from a later position. Until they plan again, it is not known whether more will
            // be fetched from here on.
            for buffer in self.buffers.borrow_mut().iter_mut().flatten() {
                buffer.complete_until = observation.position;
            }
        }
        self.observed_at.set(observation.at);
        if !stands_still {
            self.still_since.set(observation.at);
        }
        // Nothing is waited for in an ended stream. WebKitGTK may stop less than a frame before its end.
        let may_await_media = match self.is_ended.get() {
            true => ahead <= 0.0,
            false => ahead < STALL_MIN_AHEAD_SECONDS,
        };
        if !stands_still || may_await_media {
            self.moved_at.set(observation.at);
        }
        self.notify();
    }

    /// Whether the element was observed to stand still although it should move. Compares observations, not the current
    /// time: a frozen page sends none, and that is not a stall.
    pub fn is_stalled(&self) -> bool {
        self.clock.get().rate() > 0.0
            && self.observed_at.get() - self.moved_at.get() > STALL_TIMEOUT_MS
    }

    /// Where the element has to continue if it was observed to stand still before a gap that most browsers play over, in
    /// seconds. Chromium stops before a gap of two frames.
    pub fn end_of_short_gap(&self) -> Option<f64> {
        let position = self.observed_position();
        let playable = self.playable_ranges();
        let is_before_gap = playable
            .range_at(position)
            .is_some_and(|range| range.end - position < SHORT_GAP_REACH_SECONDS);
        let stands_still = self.clock.get().rate() > 0.0
            && self.observed_at.get() - self.still_since.get() >= SHORT_GAP_TIMEOUT_MS;
        playable
            .after_ignored_gap(position)
            .filter(|_| is_before_gap && stands_still)
    }

    /// Restarts stall detection, after the element was moved.
    pub fn reset_stall(&self) {
        self.moved_at.set(self.observed_at.get());
    }

    /// Changes how much to buffer.
    pub fn set_buffer_goal(&self, buffer_goal: BufferGoal) {
        self.buffer_goal.set(buffer_goal);
        self.notify();
    }

    /// Plans from another position, in seconds, to which the element is about to seek. Observations of other positions are
    /// ignored until it has.
    pub fn seek(&self, to: f64) {
        let at = platform::now();
        let repeated_at = at;
        self.pending_seek.set(Some(PendingSeek {
            to,
            at,
            repeated_at,
        }));
        let mut clock = self.clock.get();
        clock.observe(to, 0.0, at);
        self.clock.set(clock);
        for buffer in self.buffers.borrow_mut().iter_mut().flatten() {
            buffer.complete_until = to;
        }
        self.reset_stall();
        self.notify();
    }

    /// Whether the element has not performed the last [`seek`](Self::seek) yet.
    pub const fn has_pending_seek(&self) -> bool {
        self.pending_seek.get().is_some()
    }

    /// The target of a seek, in seconds, that was requested `after_ms` ago and is not performed yet. Returns it once per
    /// that time.
    pub fn overdue_seek(&self, after_ms: f64) -> Option<f64> {
        let mut seek = self.pending_seek.get()?;
        let now = platform::now();
        if now - seek.repeated_at < after_ms {
            return None;
        }
        seek.repeated_at = now;
        self.pending_seek.set(Some(seek));
        Some(seek.to)
    }

    /// Sets the viewer's selection: bits per second of the quality, the audio track, and the index of the captions.
    pub fn select(
        &self,
        quality: Option<u64>,
        audio: Option<Rc<AudioPreference>>,
        captions: Option<u32>,
    ) {
        self.quality.set(quality);
        self.audio_preference.replace(audio);
        self.captions.set(captions);
        self.notify();
    }

    /// Bits per second of the selected quality; `None` for automatic.
    pub const fn quality(&self) -> Option<u64> {
        self.quality.get()
    }

    /// The selected audio track; `None` for the default.
    pub fn audio_preference(&self) -> Option<Rc<AudioPreference>> {
        self.audio_preference.borrow().clone()
    }

    /// The index of the selected captions.
    pub const fn captions(&self) -> Option<u32> {
        self.captions.get()
    }

    /// The position now, in seconds: the last observation, extrapolated as far as media is buffered.
    pub fn position(&self) -> f64 {
        self.clock_now().position()
    }

    fn clock_now(&self) -> PlaybackClock {
        let mut clock = self.clock.get();
        clock.advance(platform::now(), &self.playable_ranges());
        clock
    }

    /// Advances the clock within the current buffered ranges. Called before they change, so that the clock does not run
    /// through media that was not buffered at the time.
    fn advance_clock(&self) {
        self.clock.set(self.clock_now());
    }

    /// The playback rate; 0 while paused.
    pub const fn rate(&self) -> f64 {
        self.clock.get().rate()
    }

    /// Media before this position, in seconds, may be evicted. Based on the observed position.
    ///
    /// It is 0 once everything is buffered: a removal reopens an ended source
    /// ([MSE § 5](https://w3c.github.io/media-source/#dom-sourcebuffer-remove)), and the element would then wait at the
    /// end of the shorter track.
    pub fn evictable_before(&self) -> f64 {
        match self.is_fully_buffered() {
            true => 0.0,
            false => self.observed_position() - self.buffer_goal.get().behind,
        }
    }

    /// Width and height of the picture on screen, in physical pixels.
    pub const fn screen_size(&self) -> (u32, u32) {
        self.screen_size.get()
    }

    /// How many seconds to buffer ahead: as configured, or fewer if the browser has no room for them.
    pub const fn goal(&self) -> f64 {
        let configured = self.buffer_goal.get().ahead;
        configured.min(self.room_ahead.get()).max(MIN_GOAL_SECONDS)
    }

    /// Lowers the goal because a SourceBuffer was full with `ahead` seconds buffered.
    pub fn lower_goal(&self, ahead: f64) {
        let room_ahead = (self.goal() * GOAL_REDUCTION).min(ahead);
        self.room_ahead.set(room_ahead.max(MIN_ROOM_AHEAD_SECONDS));
    }

    /// The position in the page's last observation, in seconds. Unless the viewer has seeked since, the element is there
    /// or later.
    pub const fn observed_position(&self) -> f64 {
        self.clock.get().observed()
    }

    /// Seconds that are playable from the observed position on. Not from the clock's position, because that may be ahead
    /// of the element.
    pub fn buffered_ahead(&self) -> f64 {
        self.playable_ranges().ahead(self.observed_position())
    }

    /// For how many seconds from the position on the other track is complete; infinite if there is no other track. The
    /// track that has less is fetched first.
    pub fn other_buffer_ahead(&self, kind: ContentType) -> f64 {
        self.buffer_status(other(kind))
            .map_or(f64::INFINITY, |status| {
                status.complete_until - self.position()
            })
    }

    /// Whether another track is appended up to its end.
    pub fn is_other_complete(&self, kind: ContentType) -> bool {
        self.buffer_status(other(kind))
            .is_some_and(|status| status.is_complete)
    }

    /// The ranges that the element can play now: the intersection of all buffers. After the end of stream, the shorter
    /// track counts as long as the longer one, as in
    /// [`HTMLMediaElement.buffered`](https://w3c.github.io/media-source/#htmlmediaelement-extensions-buffered).
    pub fn playable_ranges(&self) -> TimeRanges {
        self.common_ranges(|_| self.is_ended.get())
    }

    /// The ranges that can be played once all is appended: a track that is over does not end the others.
    pub fn final_ranges(&self) -> TimeRanges {
        self.common_ranges(|status| self.is_ended.get() || status.is_complete)
    }

    /// The intersection of all buffers, where a track that is over counts as long as the other one.
    fn common_ranges(&self, is_over: impl Fn(&BufferStatus) -> bool) -> TimeRanges {
        match &*self.buffers.borrow() {
            [Some(video), Some(audio)] => {
                let [video, audio] = [(video, audio), (audio, video)].map(|(track, other)| {
                    match other.buffered.end() {
                        Some(end) if is_over(track) => track.buffered.extended_to(end),
                        _ => track.buffered.clone(),
                    }
                });
                video.intersection(&audio)
            }
            [Some(only), None] | [None, Some(only)] => only.buffered.clone(),
            [None, None] => TimeRanges::default(),
        }
    }

    /// The end of what all tracks have, in seconds; `None` if they have nothing in common.
    pub fn common_end(&self) -> Option<f64> {
        let buffers = self.buffers.borrow();
        let mut all = buffers
            .iter()
            .flatten()
            .map(|status| status.buffered.clone());
        let first = all.next()?;
        all.fold(first, |common, ranges| common.intersection(&ranges))
            .end()
    }

    /// The end of what any track has, in seconds.
    pub fn highest_end(&self) -> f64 {
        let buffers = self.buffers.borrow();
        let ends = buffers
            .iter()
            .flatten()
            .filter_map(|status| status.buffered.end());
        ends.fold(0.0, f64::max)
    }

    /// Whether all tracks are appended up to their ends.
    pub fn is_fully_buffered(&self) -> bool {
        let buffers = self.buffers.borrow();
        let mut all = buffers.iter().flatten().peekable();
        all.peek().is_some() && all.all(|buffer| buffer.is_complete)
    }

    /// Whether a track has nothing buffered.
    pub fn has_empty_buffer(&self) -> bool {
        let buffers = self.buffers.borrow();
        let mut all = buffers.iter().flatten();
        all.any(|buffer| buffer.buffered.iter().next().is_none())
    }

    /// Between the position and this time, in seconds, no more media will be fetched for any track.
    pub fn complete_until(&self) -> f64 {
        let buffers = self.buffers.borrow();
        let times = buffers.iter().flatten().map(|buffer| buffer.complete_until);
        times.fold(f64::INFINITY, f64::min)
    }

    /// The state of a track's buffer, if there is one.
    pub fn buffer_status(&self, kind: ContentType) -> Option<BufferStatus> {
        self.buffers.borrow()[index_of(kind)].clone()
    }

    /// The buffered ranges of a track.
    pub fn buffered(&self, kind: ContentType) -> TimeRanges {
        self.buffer_status(kind).unwrap_or_default().buffered
    }

    /// Replaces the state of a track's buffer.
    pub fn set_buffer_status(&self, kind: ContentType, status: BufferStatus) {
        self.advance_clock();
        let (is_complete, buffered) = (status.is_complete, status.buffered.clone());
        let previous = self.buffers.borrow_mut()[index_of(kind)].replace(status);
        let is_same = previous.is_some_and(|previous| {
            previous.is_complete == is_complete && previous.buffered == buffered
        });
        if !is_same {
            self.notify();
        }
    }

    /// Updates the buffered ranges of a track while a segment that starts at `start` is appended. Until it is complete,
    /// media from `start` on may be missing, also where the segment replaces other media.
    pub fn update_buffered(&self, kind: ContentType, buffered: TimeRanges, start: f64) {
        self.advance_clock();
        let position = self.observed_position();
        if let Some(status) = &mut self.buffers.borrow_mut()[index_of(kind)] {
            let ahead = buffered.ahead(position);
            if ahead < status.buffered.ahead(position) - BOUNDARY_TOLERANCE {
                // The browser has evicted something, which is fetched again.
                status.complete_until = status.complete_until.min(position + ahead);
            }
            status.buffered = buffered;
            status.complete_until = status.complete_until.min(start);
        }
        self.notify();
    }

    /// Forgets the buffers, for a new MediaSource that starts at a position, in seconds.
    pub fn reset(&self, start: f64) {
        self.buffers.take();
        let mut clock = self.clock.get();
        clock.observe(start, 0.0, platform::now());
        self.clock.set(clock);
        self.is_ended.set(false);
        self.reset_at.set(platform::now());
        self.reset_stall();
    }

    /// Whether the element was observed since a time, in milliseconds since the Unix epoch.
    pub const fn is_observed_since(&self, time: f64) -> bool {
        self.observed_at.get() > time
    }

    /// Sets whether the MediaSource has ended.
    pub fn set_ended(&self, is_ended: bool) {
        self.advance_clock();
        self.is_ended.set(is_ended);
    }

    /// Wakes the tasks that wait for a change.
    pub fn notify(&self) {
        self.change_count
            .set(self.change_count.get().wrapping_add(1));
        for waker in self.wakers.take() {
            waker.wake();
        }
    }

    /// Waits for the next change after this call (not: after the first poll).
    pub fn next_change(&self) -> LocalBoxFuture<'_, ()> {
        let count = self.change_count.get();
        Box::pin(poll_fn(move |context| {
            if self.change_count.get() != count {
                return Poll::Ready(());
            }
            let mut wakers = self.wakers.borrow_mut();
            if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                wakers.push(context.waker().clone());
            }
            Poll::Pending
        }))
    }

    /// Waits for the next change after this call, or for the next tick, because the position changes by itself.
    pub fn next_change_or_tick(&self) -> LocalBoxFuture<'_, ()> {
        let tick = select(self.next_change(), platform::sleep(TICK_MS));
        Box::pin(async {
            tick.await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::ranges::TimeRange,
        platform::simulated::{Browser, World},
    };

    fn set_buffered(state: &PlaybackState, end: f64) {
        let buffered = [TimeRange { start: 0.0, end }].into_iter().collect();
        let status = BufferStatus {
            buffered,
            complete_until: end,
            is_complete: false,
        };
        state.set_buffer_status(ContentType::Video, status);
    }

    fn playing_at(position: f64) -> Observation {
        Observation {
            position,
            rate: 1.0,
            at: platform::now(),
            ..Observation::default()
        }
    }

    #[test]
    fn position_stops_at_the_buffered_end_until_more_is_appended() {
        let world = World::new(1, Browser::chromium());
        let _entered = world.enter();
        let state = PlaybackState::new(0.0, BufferGoal::default(), (0, 0));
        set_buffered(&state, 10.0);
        state.observe(playing_at(1.0));
        world.run_for(3_000.0);
        assert_eq!(state.position(), 4.0);
        assert_eq!(state.position(), 4.0, "a query changes nothing");
        world.run_for(17_000.0);
        assert_eq!(state.position(), 10.0);
        // The time before the append is not caught up on.
        set_buffered(&state, 30.0);
        assert_eq!(state.position(), 10.0);
        world.run_for(2_000.0);
        assert_eq!(state.position(), 12.0);
        assert_eq!(state.observed_position(), 1.0);
    }

    #[test]
    fn element_that_stands_still_with_media_ahead_is_stalled() {
        let world = World::new(1, Browser::chromium());
        let _entered = world.enter();
        let state = PlaybackState::new(0.0, BufferGoal::default(), (0, 0));
        set_buffered(&state, 10.0);
        for _ in 0..2 {
            state.observe(playing_at(1.0));
            assert!(!state.is_stalled());
            world.run_for(2_000.0);
        }
        state.observe(playing_at(1.0));
        assert!(state.is_stalled());
        state.reset_stall();
        assert!(!state.is_stalled());
    }

    #[test]
    fn element_that_stops_short_of_the_end_of_the_stream_is_stalled() {
        let world = World::new(1, Browser::webkit());
        let _entered = world.enter();
        for is_ended in [false, true] {
            let state = PlaybackState::new(0.0, BufferGoal::default(), (0, 0));
            set_buffered(&state, 10.0);
            state.set_ended(is_ended);
            for position in [9.99, 10.0] {
                for _ in 0..3 {
                    state.observe(playing_at(position));
                    world.run_for(2_000.0);
                }
                let stops_short = position < 10.0;
                assert_eq!(state.is_stalled(), is_ended && stops_short, "{position}");
            }
        }
    }
}
