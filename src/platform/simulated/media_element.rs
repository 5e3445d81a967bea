//! The media element of the simulated page, and what a test asks of it.

use std::{
    cell::{Cell, RefCell},
    fmt,
    ops::Range,
    rc::Rc,
};

use super::{
    media_source::{MediaHandle, SourceState},
    model::{
        MILLISECOND, Nanos, SECOND, nanos,
        playback::{MediaEvent, Playback, Readiness, View, WaitCause},
        seconds,
    },
    time::Signal,
    world::{Queue, Thread, TimerKey, World},
};

/// What the element and its source share.
pub(super) struct ElementState {
    thread: Thread,
    playback: RefCell<Playback>,
    view: RefCell<View>,
    source: RefCell<Option<Rc<SourceState>>>,
    timer: Cell<Option<TimerKey>>,
    listeners: RefCell<Vec<Listener>>,
}

type Listener = Box<dyn FnMut(MediaEvent)>;

impl ElementState {
    /// Plays up to now.
    pub(super) fn advance(self: &Rc<Self>) {
        let now = World::current().nanos();
        self.playback.borrow_mut().advance(now, &self.view.borrow());
        self.tell();
    }

    /// Looks at the source again.
    pub(super) fn look(self: &Rc<Self>) {
        let view = self.source.borrow().as_ref().map(|it| it.view());
        self.view.replace(view.unwrap_or_default());
        self.advance();
        self.schedule();
    }

    fn schedule(self: &Rc<Self>) {
        let world = World::current();
        if let Some(timer) = self.timer.take() {
            world.cancel(timer);
        }
        let next = self.playback.borrow().next_change(&self.view.borrow());
        if let Some(next) = next {
            let this = Rc::downgrade(self);
            let key = world.at(next, Queue::Browser, move || {
                if let Some(this) = this.upgrade() {
                    this.timer.set(None);
                    this.advance();
                    this.schedule();
                    if let Some(source) = &*this.source.borrow() {
                        source.notice_time();
                    }
                }
            });
            self.timer.set(Some(key));
        }
    }

    /// Queues the events for the listeners.
    fn tell(self: &Rc<Self>) {
        let events = self.playback.borrow_mut().take_events();
        if events.is_empty() {
            return;
        }
        let world = World::current();
        for event in events {
            if event != MediaEvent::TimeUpdate {
                let position = seconds(self.playback.borrow().position());
                world.note(format_args!("element {event:?} at {position:.3}"));
            }
            let this = self.clone();
            world.queue(Queue::Media(self.thread), move || {
                let mut listeners = this.listeners.take();
                listeners.iter_mut().for_each(|listener| listener(event));
                // Those that were added meanwhile come after them.
                let added = this.listeners.take();
                listeners.extend(added);
                this.listeners.replace(listeners);
            });
        }
    }

    /// Changes the playback now.
    fn change(self: &Rc<Self>, change: impl FnOnce(&mut Playback, &View)) {
        self.advance();
        change(&mut self.playback.borrow_mut(), &self.view.borrow());
        self.advance();
        self.schedule();
    }

    pub(super) fn fail(self: &Rc<Self>, code: u16) {
        self.change(|playback, _| playback.fail(code));
    }

    pub(super) fn end_abruptly(self: &Rc<Self>) {
        self.change(|playback, view| {
            let end = view.duration.unwrap_or_else(|| playback.position());
            playback.end_at(end);
        });
    }

    /// Drops the listeners, which may hold the element in turn.
    pub(super) fn forget_listeners(&self) {
        let listeners = self.listeners.take();
        drop(listeners);
    }

    pub(super) fn skip(&self, time: Nanos) {
        let now = World::current().nanos();
        let mut playback = self.playback.borrow_mut();
        playback.advance(now, &self.view.borrow());
        playback.skip(time);
    }

    pub(super) fn position(&self) -> Nanos {
        self.playback.borrow().position()
    }

    pub(super) fn error(&self) -> Option<u16> {
        self.playback.borrow().error()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.playback.borrow().is_paused()
    }

    pub(super) fn readiness(&self) -> Readiness {
        self.playback.borrow().readiness()
    }

    /// How much is ahead of the position, in seconds.
    pub(super) fn ahead(&self) -> f64 {
        let position = self.position();
        let view = self.view.borrow();
        let mut ranges = view.buffered.iter();
        let here = ranges.find(|range| range.start <= position && position < range.end);
        here.map_or(0.0, |range| seconds(range.end - position))
    }
}

/// A `<video>` element of the simulated page. Cloning gives another handle to the same one.
#[derive(Clone)]
pub struct MediaElement(Rc<ElementState>);

impl fmt::Debug for MediaElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.playback.borrow().fmt(f)
    }
}

/// A time for which the element waited for data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waited {
    /// Media time in seconds.
    pub position: f64,
    /// Why.
    pub cause: WaitCause,
    /// Milliseconds since the world began.
    pub began_ms: f64,
    /// How long, in milliseconds: until now, if it still waits.
    pub duration_ms: f64,
}

impl Default for MediaElement {
    fn default() -> Self {
        Self::new()
    }
}

impl MediaElement {
    /// An element on the current thread, which is to be the page's: paused, and empty.
    pub fn new() -> Self {
        let world = World::current();
        let rules = world.with_browser(|browser| browser.rules.clone());
        let state = Rc::new(ElementState {
            thread: world.thread(),
            playback: RefCell::new(Playback::new(rules, world.nanos())),
            view: RefCell::default(),
            source: RefCell::default(),
            timer: Cell::default(),
            listeners: RefCell::default(),
        });
        let mut elements = world.inner().elements.borrow_mut();
        elements.push(Rc::downgrade(&state));
        Self(state)
    }

    /// Calls a function for every event, as a task of the page's thread.
    pub fn on_event(&self, listener: impl FnMut(MediaEvent) + 'static) {
        self.0.listeners.borrow_mut().push(Box::new(listener));
    }

    /// Waits for the next event of a kind, from the call on.
    pub fn next(&self, event: MediaEvent) -> impl Future<Output = ()> + 'static {
        let signal = Signal::default();
        let fires = signal.clone();
        self.on_event(move |fired| {
            if fired == event {
                fires.set();
            }
        });
        async move { signal.wait().await }
    }

    /// `video.srcObject = handle`. A handle that was attached before fails the element with error 4.
    pub fn attach(&self, handle: &MediaHandle) {
        self.detach();
        let world = World::current();
        let source = handle.source(&world);
        let source = source.filter(|source| source.attach(&self.0));
        world.note(format_args!("attach {handle:?}: {}", source.is_some()));
        match source {
            Some(source) => {
                self.0.source.replace(Some(source));
                self.0.look();
            }
            None => {
                let element = self.0.clone();
                world.queue(Queue::Media(self.0.thread), move || element.fail(4));
            }
        }
    }

    /// `video.srcObject = null`.
    pub fn detach(&self) {
        self.0.advance();
        if let Some(source) = self.0.source.take() {
            World::current().note(format_args!("detach"));
            source.detach();
        }
        self.0.playback.borrow_mut().empty();
        self.0.look();
    }

    /// `play()`.
    pub fn play(&self) {
        self.0.change(Playback::play);
    }

    /// `pause()`.
    pub fn pause(&self) {
        self.0.change(Playback::pause);
    }

    /// `currentTime = seconds`.
    pub fn seek(&self, position: f64) {
        let world = World::current();
        world.note(format_args!("seek to {position:.3}"));
        let ignores = world.with_browser(|browser| browser.ignores_early_seek);
        let is_early = self.0.readiness() == Readiness::Nothing;
        if is_early && self.0.source.borrow().is_some() && world.chance(ignores) {
            return;
        }
        let loses = world.with_browser(|browser| browser.early_seek_loses_stream);
        self.0.change(|playback, view| {
            let is_at_start = view
                .buffered
                .first()
                .is_some_and(|it| it.start <= SECOND / 10);
            let is_early =
                playback.readiness() > Readiness::Nothing && !playback.has_settled(world.nanos());
            if is_at_start && is_early && world.chance(loses) {
                world.note(format_args!("the stream is lost"));
                playback.lose_stream();
            }
            playback.seek(nanos(position), view);
        });
    }

    /// `playbackRate = rate`.
    pub fn set_rate(&self, rate: f64) {
        self.0.change(|playback, _| playback.set_rate(rate));
    }

    /// `currentTime`, in seconds.
    pub fn position(&self) -> f64 {
        self.0.advance();
        seconds(self.0.position())
    }

    /// `playbackRate`.
    pub fn rate(&self) -> f64 {
        self.0.playback.borrow().rate()
    }

    /// `paused`.
    pub fn is_paused(&self) -> bool {
        self.0.advance();
        self.0.is_paused()
    }

    /// `seeking`.
    pub fn is_seeking(&self) -> bool {
        self.0.advance();
        self.0.playback.borrow().is_seeking()
    }

    /// `ended`.
    pub fn has_ended(&self) -> bool {
        self.0.advance();
        self.0.playback.borrow().has_ended()
    }

    /// Whether the position moves.
    pub fn is_moving(&self) -> bool {
        self.0.advance();
        self.0.playback.borrow().is_moving()
    }

    /// `readyState`.
    pub fn readiness(&self) -> Readiness {
        self.0.advance();
        self.0.readiness()
    }

    /// `error.code`.
    pub fn error(&self) -> Option<u16> {
        self.0.error()
    }

    /// `duration` in seconds; NaN if it is not known.
    pub fn duration(&self) -> f64 {
        self.0.view.borrow().duration.map_or(f64::NAN, seconds)
    }

    /// `buffered`, in seconds.
    pub fn buffered(&self) -> Vec<Range<f64>> {
        let view = self.0.view.borrow();
        let ranges = view.buffered.iter();
        ranges
            .map(|it| seconds(it.start)..seconds(it.end))
            .collect()
    }

    /// The hull of `seekable`, in seconds.
    pub fn seekable(&self) -> Option<Range<f64>> {
        let view = self.0.view.borrow();
        let duration = seconds(view.duration?);
        if duration.is_finite() {
            return Some(0.0..duration);
        }
        let live = self
            .0
            .source
            .borrow()
            .as_ref()
            .and_then(|it| it.live_seekable());
        let ranges = live.iter().chain(&view.buffered);
        let start = ranges.clone().map(|it| it.start).min()?;
        let end = ranges.map(|it| it.end).max()?;
        Some(seconds(start)..seconds(end))
    }

    /// The media time that was played so far, in seconds: joined, ascending.
    pub fn played(&self) -> Vec<Range<f64>> {
        self.0.advance();
        let playback = self.0.playback.borrow();
        let mut spans: Vec<_> = playback
            .played()
            .iter()
            .map(|it| it.start..it.end)
            .collect();
        spans.sort_by_key(|span| span.start);
        let mut joined: Vec<Range<Nanos>> = Vec::new();
        for span in spans {
            match joined.last_mut() {
                // A nanosecond is lost in rounding where a seek lands.
                Some(last) if span.start <= last.end + MILLISECOND => {
                    last.end = last.end.max(span.end);
                }
                _ => joined.push(span),
            }
        }
        joined
            .iter()
            .map(|it| seconds(it.start)..seconds(it.end))
            .collect()
    }

    /// All times for which it waited for data, in order.
    pub fn waits(&self) -> Vec<Waited> {
        self.0.advance();
        let now = World::current().nanos();
        let ms = |time: Nanos| time as f64 / MILLISECOND as f64;
        let playback = self.0.playback.borrow();
        let waits = playback.waits().iter();
        let waits = waits.map(|it| Waited {
            position: seconds(it.position),
            cause: it.cause,
            began_ms: ms(it.began),
            duration_ms: ms(it.ended.unwrap_or(now) - it.began),
        });
        waits.collect()
    }

    /// A fault: the element fails, with a code of `MediaError`. WebKit aborts (1) what a page plays that goes into
    /// the back/forward cache.
    pub fn fail(&self, code: u16) {
        self.0.fail(code);
    }

    /// A fault: playback stands still although data is there, until the next seek.
    pub fn get_stuck(&self) {
        self.0.change(|playback, _| playback.get_stuck());
    }

    /// A fault: the browser needs memory, and removes a range of seconds of a buffer. Managed sources only.
    pub fn evict(&self, buffer: usize, range: Range<f64>) {
        let source = self.0.source.borrow().clone();
        if let Some(source) = source {
            source.evict(buffer, nanos(range.start)..nanos(range.end));
        }
    }
}
