//! The media element of the simulated page, and what a test asks of it.

use std::{fmt, future::Future, ops::Range, rc::Rc};

use super::{
    element_state::ElementState,
    media_source::MediaHandle,
    model::{
        MILLISECOND, Nanos, SECOND, nanos,
        playback::{MediaEvent, Playback, Readiness, WaitCause},
        seconds,
    },
    time::Signal,
    world::{Queue, World},
};

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
        Self(ElementState::new())
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
