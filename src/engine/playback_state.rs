//! What every decision of a playback depends on and none of them makes: where the viewer is, what was
//! chosen, how full the buffers are. Whatever changes here wakes those who wait for it.

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
    platform::web,
    protocol::{BufferGoal, Observation},
};

/// How often the clock is looked at while nothing else happens, in milliseconds.
const TICK_MS: u32 = 250;
/// Where a film is not played, it does not come on: milliseconds that it may stand still with something
/// ahead before that is noticed.
const FREEZE: f64 = 2_500.0;
/// With less than this ahead, a film has reason to stand still: seconds.
const PLAYED_OUT: f64 = 0.5;

/// How one SourceBuffer is filled.
#[derive(Clone, Debug, Default)]
pub struct BufferStatus {
    /// What it holds.
    pub buffered: TimeRanges,
    /// Up to which time nothing is missing, from the position on: if there is a gap before it, it stays.
    pub complete_until: f64,
    /// Whether it has all that it will get.
    pub is_complete: bool,
}

/// The conditions of one playback.
pub struct PlaybackState {
    clock: Cell<PlaybackClock>,
    /// When the film was last seen, in milliseconds since the Unix epoch …
    seen: Cell<f64>,
    /// … and when it was last seen to move, or to have a reason not to.
    moved: Cell<f64>,
    screen: Cell<(u32, u32)>,
    wanted: Cell<BufferGoal>,
    /// What the browser has room for ahead, as far as that has turned out, in seconds.
    room: Cell<f64>,
    /// Bits per second of the quality that a person has chosen.
    quality: Cell<Option<u64>>,
    sound: RefCell<Option<Rc<AudioPreference>>>,
    /// A position in the list of captions.
    captions: Cell<Option<u32>>,
    filled: RefCell<[Option<BufferStatus>; 2]>,
    changes: Cell<u32>,
    waiting: RefCell<Vec<Waker>>,
}

const fn place(kind: ContentType) -> usize {
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
    /// Those of a film that will be played from a position on.
    pub fn new(start: f64, wanted: BufferGoal) -> Rc<Self> {
        Rc::new(Self {
            clock: Cell::new(PlaybackClock::new(start)),
            seen: Cell::default(),
            moved: Cell::default(),
            screen: Cell::default(),
            wanted: Cell::new(wanted),
            room: Cell::new(f64::INFINITY),
            quality: Cell::default(),
            sound: RefCell::default(),
            captions: Cell::default(),
            filled: RefCell::default(),
            changes: Cell::default(),
            waiting: RefCell::default(),
        })
    }

    /// Takes over what the page saw.
    pub fn observe(&self, seen: Observation) {
        let mut clock = self.clock.get();
        let before = clock.observed();
        let stands = before == seen.position && seen.rate > 0.0;
        let reckoned = clock.position();
        clock.observe(seen.position, seen.rate, seen.at);
        self.clock.set(clock);
        self.screen.set(seen.screen);
        let ahead = self.buffered_ahead();
        if seen.position + ahead < reckoned - BOUNDARY_TOLERANCE {
            // What was planned was planned from further on. What there is from here on is not known before the
            // feeds, which may be busy, plan again.
            self.filled
                .borrow_mut()
                .iter_mut()
                .flatten()
                .for_each(|it| it.complete_until = seen.position);
        }
        self.seen.set(seen.at);
        if !stands || ahead < PLAYED_OUT {
            self.moved.set(seen.at);
        }
        // By the time that this arrives, the film is further on.
        self.position();
        self.notify();
    }

    /// Whether the film stands still where it should move. Of a page that says nothing, being frozen
    /// itself, nothing is known.
    pub fn is_stalled(&self) -> bool {
        self.clock.get().rate() > 0.0 && self.seen.get() - self.moved.get() > FREEZE
    }

    /// Something was done about a freeze: time for it to help.
    pub fn reset_stall(&self) {
        self.moved.set(self.seen.get());
    }

    /// Takes over how much is wanted.
    pub fn set_buffer_goal(&self, wanted: BufferGoal) {
        self.wanted.set(wanted);
        self.notify();
    }

    /// Takes over a person's choice.
    pub fn select(
        &self,
        quality: Option<u64>,
        sound: Option<Rc<AudioPreference>>,
        captions: Option<u32>,
    ) {
        self.quality.set(quality);
        self.sound.replace(sound);
        self.captions.set(captions);
        self.notify();
    }

    /// Bits per second of the quality that a person has chosen, if one has.
    pub const fn quality(&self) -> Option<u64> {
        self.quality.get()
    }

    /// The sound that a person has chosen, if one has.
    pub fn audio_preference(&self) -> Option<Rc<AudioPreference>> {
        self.sound.borrow().clone()
    }

    /// Which captions are shown, if any are.
    pub const fn captions(&self) -> Option<u32> {
        self.captions.get()
    }

    /// Where the film is now, in seconds.
    pub fn position(&self) -> f64 {
        let mut clock = self.clock.get();
        clock.advance(web::now(), &self.playable_ranges());
        self.clock.set(clock);
        clock.position()
    }

    /// Seconds of film per second; 0 while it is paused.
    pub const fn rate(&self) -> f64 {
        self.clock.get().rate()
    }

    /// What is before this is far enough behind to be evicted, by what the page last saw: nothing, once all
    /// is there. To remove anything is to open a source that has ended
    /// ([MSE § 5](https://w3c.github.io/media-source/#dom-sourcebuffer-remove)), and of two tracks the shorter
    /// one is then waited for, in vain. Nothing more comes that would need the room.
    pub fn evictable_before(&self) -> f64 {
        match self.is_fully_buffered() {
            true => 0.0,
            false => self.observed_position() - self.wanted.get().behind,
        }
    }

    /// Width and height of the picture on screen, in physical pixels.
    pub const fn screen_size(&self) -> (u32, u32) {
        self.screen.get()
    }

    /// Seconds of film that are wanted ahead, as far as there is room for them.
    pub const fn goal(&self) -> f64 {
        self.wanted.get().ahead.min(self.room.get()).max(1.0)
    }

    /// There is less room than was thought: for so many seconds ahead, and no more.
    pub fn lower_goal(&self, level: f64) {
        self.room.set((self.goal() * 0.7).min(level).max(2.0));
    }

    /// Where the page last saw the film, or where the worker takes it to be, if that is before it.
    pub fn observed_position(&self) -> f64 {
        let clock = self.clock.get();
        clock.position().min(clock.observed())
    }

    /// Seconds that can be played on from where the film was seen, by all buffers together: the clock may have
    /// run on while the film did not.
    pub fn buffered_ahead(&self) -> f64 {
        self.playable_ranges().ahead(self.observed_position())
    }

    /// For how many seconds nothing is missing in the other buffer, if there is one. Of the two, the one
    /// that has less is never kept waiting.
    pub fn other_buffer_ahead(&self, kind: ContentType) -> f64 {
        let position = self.clock.get().position();
        let other = self.buffer_status(other(kind));
        other.map_or(f64::INFINITY, |it| it.complete_until - position)
    }

    /// What all buffers hold in common: what can be played.
    pub fn playable_ranges(&self) -> TimeRanges {
        match &*self.filled.borrow() {
            [Some(one), Some(other)] => one.buffered.intersection(&other.buffered),
            [Some(one), None] | [None, Some(one)] => one.buffered.clone(),
            [None, None] => TimeRanges::default(),
        }
    }

    /// Whether all buffers have all that they will get.
    pub fn is_fully_buffered(&self) -> bool {
        let filled = self.filled.borrow();
        filled.iter().any(Option::is_some) && filled.iter().flatten().all(|it| it.is_complete)
    }

    /// Up to which time nothing is missing in any of them.
    pub fn complete_until(&self) -> f64 {
        let filled = self.filled.borrow();
        let each = filled.iter().flatten().map(|it| it.complete_until);
        each.fold(f64::INFINITY, f64::min)
    }

    /// How one of them is filled, if there is one.
    pub fn buffer_status(&self, kind: ContentType) -> Option<BufferStatus> {
        self.filled.borrow()[place(kind)].clone()
    }

    /// What one of them holds.
    pub fn buffered(&self, kind: ContentType) -> TimeRanges {
        self.buffer_status(kind).unwrap_or_default().buffered
    }

    /// Takes over how a buffer is filled.
    pub fn set_buffer_status(&self, kind: ContentType, now: BufferStatus) {
        let (ended, buffered) = (now.is_complete, now.buffered.clone());
        let before = self.filled.borrow_mut()[place(kind)].replace(now);
        if before.is_none_or(|before| before.is_complete != ended || before.buffered != buffered) {
            self.notify();
        }
    }

    /// Takes over what a buffer holds while it gets a segment, of which from its start on something may be
    /// missing: also of what it takes the place of.
    pub fn update_buffered(&self, kind: ContentType, buffered: TimeRanges, start: f64) {
        if let Some(filled) = &mut self.filled.borrow_mut()[place(kind)] {
            filled.buffered = buffered;
            filled.complete_until = filled.complete_until.min(start);
        }
        self.notify();
    }

    /// Another MediaSource has other buffers.
    pub fn reset(&self, start: f64) {
        self.filled.take();
        let mut clock = self.clock.get();
        clock.observe(start, 0.0, web::now());
        self.clock.set(clock);
        self.reset_stall();
    }

    /// Wakes those who wait for a change.
    pub fn notify(&self) {
        self.changes.set(self.changes.get().wrapping_add(1));
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// Waits for the next change after this call, not after the first poll.
    pub fn next_change(&self) -> LocalBoxFuture<'_, ()> {
        let seen = self.changes.get();
        Box::pin(poll_fn(move |context| {
            if self.changes.get() != seen {
                return Poll::Ready(());
            }
            let mut waiting = self.waiting.borrow_mut();
            if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        }))
    }

    /// Waits for a change after this call, or for so long that the film itself has moved on.
    pub fn next_change_or_tick(&self) -> LocalBoxFuture<'_, ()> {
        let tick = select(self.next_change(), web::after(TICK_MS));
        Box::pin(async {
            tick.await;
        })
    }
}
