//! MediaSource and SourceBuffer of the simulation: the model, with the time that its operations take.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
    ops::Range,
    rc::{Rc, Weak},
};

use serde::{Deserialize, Serialize};

use super::{
    bytes::Bytes,
    codecs::{can_change_type, can_decode},
    element_state::{ElementState, PlayedSource},
    model::{
        MILLISECOND, Nanos,
        media_source::{MediaSourceModel, SourceEvent},
        playback::{Readiness, View},
        seconds,
    },
    time::Signal,
    world::{Device, Queue, Thread, World},
};
use crate::platform::types::{Exception, ReadyState};

/// Whether this thread is a worker's.
pub fn is_worker() -> bool {
    World::current().thread() != Thread::PAGE
}

/// What an element plays a [`MediaSource`] by. It may be sent to another thread of the same world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaHandle(u32);

impl MediaHandle {
    /// What it stands for, if it is of this world.
    pub(super) fn source(&self, world: &World) -> Option<Rc<SourceState>> {
        world.device::<Sources>().0.borrow().get(&self.0).cloned()
    }
}

/// All MediaSources of a world.
#[derive(Default)]
struct Sources(RefCell<BTreeMap<u32, Rc<SourceState>>>);

impl Device for Sources {
    fn thread_terminated(&self, thread: Thread) {
        let sources = self.0.borrow().clone();
        for source in sources.values().filter(|it| it.owner == thread) {
            source.lose_owner();
        }
    }

    fn clear(&self) {
        let sources = self.0.take();
        drop(sources);
    }
}

/// What the owner's objects, the element and the world share of a MediaSource.
pub(super) struct SourceState {
    id: u32,
    owner: Thread,
    model: RefCell<MediaSourceModel>,
    element: RefCell<Weak<ElementState>>,
    was_attached: Cell<bool>,
    is_lost: Cell<bool>,
    is_streaming: Cell<bool>,
    /// The next change of `readyState`.
    state_changed: RefCell<Signal>,
    buffers: RefCell<Vec<Rc<BufferState>>>,
}

/// What a SourceBuffer has beside its model.
struct BufferState {
    mime: RefCell<String>,
    operation: RefCell<Option<Rc<Operation>>>,
    is_evicted: Cell<bool>,
}

/// An operation that is going on.
struct Operation {
    done: Signal,
    succeeded: Cell<bool>,
}

impl SourceState {
    /// Changes the model: the element plays up to now under what was, and goes on under what is then.
    fn change<T>(self: &Rc<Self>, change: impl FnOnce(&mut MediaSourceModel) -> T) -> T {
        let element = self.element.borrow().upgrade();
        if let Some(element) = &element {
            element.advance();
        }
        let result = change(&mut self.model.borrow_mut());
        self.dispatch();
        if let Some(element) = &element {
            element.look();
        }
        self.update_streaming();
        result
    }

    fn dispatch(self: &Rc<Self>) {
        let world = World::current();
        let events = self.model.borrow_mut().take_events();
        for event in events {
            match event {
                SourceEvent::Open | SourceEvent::Ended | SourceEvent::Closed => {
                    world.note(format_args!("source {} is {event:?}", self.id));
                    let changed = self.state_changed.take();
                    changed.set();
                }
                SourceEvent::DurationChange => {}
                SourceEvent::UpdateEnd { buffer, succeeded } => {
                    let state = self.buffers.borrow().get(buffer).cloned();
                    if let Some(done) = state.and_then(|it| it.operation.take()) {
                        done.succeeded.set(succeeded);
                        done.done.set();
                    }
                }
                SourceEvent::Removed { buffer, range } => {
                    world.note(format_args!(
                        "source {} buffer {buffer} removed {:.3}..{:.3}",
                        self.id,
                        seconds(range.start),
                        seconds(range.end),
                    ));
                    if let Some(state) = self.buffers.borrow().get(buffer).cloned() {
                        let told = move || state.is_evicted.set(true);
                        world.queue(Queue::Media(self.owner), told);
                    }
                }
                SourceEvent::DecodeError => {
                    if let Some(element) = self.element.borrow().upgrade() {
                        // Without metadata, the resource as a whole is not supported.
                        let is_known = element.readiness() > Readiness::Nothing;
                        element.fail(if is_known { 3 } else { 4 });
                    }
                }
            }
        }
    }

    /// Notes what a buffer holds.
    fn note(&self, nth: usize) {
        let buffered = self.model.borrow_mut().buffered(nth).unwrap_or_default();
        let ranges = buffered.iter();
        let ranges = ranges.map(|it| format!(" {:.3}-{:.3}", seconds(it.start), seconds(it.end)));
        let ranges: String = ranges.collect();
        let id = self.id;
        World::current().note(format_args!("source {id} buffer {nth} has{ranges}"));
    }

    /// A managed source wants more or not, by how much is ahead.
    fn update_streaming(&self) {
        let world = World::current();
        let Some((low, high)) = world.with_browser(|browser| browser.managed_goal) else {
            return;
        };
        let Some(element) = self.element.borrow().upgrade() else {
            return;
        };
        let ahead = element.ahead();
        let wants = match self.is_streaming.get() {
            true => ahead < high && self.model.borrow().state() != ReadyState::Ended,
            false => ahead < low,
        };
        if wants != self.is_streaming.replace(wants) {
            let name = if wants {
                "startstreaming"
            } else {
                "endstreaming"
            };
            world.note(format_args!("source {} {name}", self.id));
        }
    }

    /// An element is given the handle. `false` if one was before, as there is one attachment ever.
    pub(super) fn attach(self: &Rc<Self>, element: &Rc<ElementState>) -> bool {
        if self.was_attached.replace(true) || self.is_lost.get() {
            return false;
        }
        self.element.replace(Rc::downgrade(element));
        let world = World::current();
        let source = self.clone();
        let opens = world.nanos() + world.latency(0.2, 8.0);
        world.at(opens, Queue::Media(self.owner), move || {
            if source.element.borrow().strong_count() > 0 {
                source.is_streaming.set(true);
                source.change(MediaSourceModel::open);
            }
        });
        true
    }

    /// What is going on in the buffers is over, or never told of: browsers differ.
    fn end_operations(&self) {
        let buffers = self.buffers.borrow().clone();
        for buffer in buffers {
            let operation = buffer.operation.take();
            if let Some(operation) = operation
                && World::current().chance(0.5)
            {
                operation.succeeded.set(true);
                operation.done.set();
            }
        }
    }

    /// Its thread was terminated: what was buffered is gone at once, and a while later the element seems to have
    /// come to its end (360 ms, measured in Chromium 156). One that is paused is told nothing.
    fn lose_owner(self: &Rc<Self>) {
        self.is_lost.set(true);
        let Some(element) = self.element.borrow().upgrade() else {
            return;
        };
        element.look();
        let world = World::current();
        let ends = world.nanos() + 360 * MILLISECOND;
        let source = self.clone();
        world.at(ends, Queue::Browser, move || {
            let element = source.element.borrow().upgrade();
            if let Some(element) = element
                && !element.is_paused()
            {
                element.end_abruptly();
            }
        });
    }

    /// Checks that the program did not make a mistake for which a call threw.
    fn check<T>(&self, call: &str, result: Result<T, Exception>) -> Result<T, Exception> {
        if let Err(exception) = &result {
            let world = World::current();
            world.note(format_args!("source {} {call}: {exception:?}", self.id));
            let is_told = self.model.borrow().state() == ReadyState::Closed;
            if exception.name == "InvalidStateError" && is_told && self.was_attached.get() {
                world.violate(format_args!("{call} on a closed MediaSource"));
            } else if exception.message.contains("still updating") {
                world.violate(format_args!("{call} on a busy SourceBuffer"));
            }
        }
        result
    }
}

impl PlayedSource for SourceState {
    fn view(&self) -> View {
        if self.is_lost.get() {
            let duration = self.model.borrow().known_duration();
            return View {
                duration,
                has_metadata: true,
                ..View::default()
            };
        }
        let mut model = self.model.borrow_mut();
        View {
            buffered: model.element_buffered(),
            has_metadata: model.has_metadata(),
            has_ended: model.state() == ReadyState::Ended,
            duration: model.known_duration(),
        }
    }

    fn live_seekable(&self) -> Option<Range<Nanos>> {
        self.model.borrow().live_seekable()
    }

    fn notice_time(&self) {
        self.update_streaming();
    }

    fn detach(self: Rc<Self>) {
        self.element.replace(Weak::new());
        let world = World::current();
        self.model.borrow_mut().begin_closing();
        let source = self.clone();
        let close = move || {
            if source.model.borrow().state() != ReadyState::Closed {
                source.change(MediaSourceModel::close);
            }
            source.end_operations();
        };
        match self.owner == world.thread() {
            true => close(),
            false => world.queue(Queue::Media(self.owner), close),
        }
    }

    fn evict(self: Rc<Self>, buffer: usize, range: Range<Nanos>) {
        self.change(|model| model.evict_range(buffer, range.start, range.end));
    }
}

/// The MediaSource of one presentation.
#[derive(Clone)]
pub struct MediaSource {
    state: Rc<SourceState>,
    handle: MediaHandle,
}

impl fmt::Debug for MediaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MediaSource").field(&self.state.id).finish()
    }
}

impl MediaSource {
    /// Makes one on this thread. It is closed until an element is given its handle.
    ///
    /// # Errors
    /// If this thread has none.
    pub fn new() -> Result<Self, Exception> {
        let world = World::current();
        let (exists, rules, is_managed) = world.with_browser(|browser| {
            let exists = match is_worker() {
                true => browser.has_media_source_in_workers,
                false => browser.has_media_source,
            };
            (
                exists,
                browser.rules.clone(),
                browser.managed_goal.is_some(),
            )
        });
        if !exists {
            return Err(Exception::new(
                "ReferenceError",
                "MediaSource is not defined",
            ));
        }
        let id = world.unique() as u32;
        let state = Rc::new(SourceState {
            id,
            owner: world.thread(),
            model: RefCell::new(MediaSourceModel::new(rules, is_managed)),
            element: RefCell::default(),
            was_attached: Cell::default(),
            is_lost: Cell::default(),
            is_streaming: Cell::new(!is_managed),
            state_changed: RefCell::default(),
            buffers: RefCell::default(),
        });
        let sources = world.device::<Sources>();
        sources.0.borrow_mut().insert(id, state.clone());
        Ok(Self {
            state,
            handle: MediaHandle(id),
        })
    }

    /// What an element plays it by. The same one every time.
    pub const fn handle(&self) -> &MediaHandle {
        &self.handle
    }

    /// Whether it is attached, and whether it has all its data.
    pub fn ready_state(&self) -> ReadyState {
        self.state.model.borrow().state()
    }

    /// Waits until an element is given the handle. Completes at once if it has it already.
    pub async fn opened(&self) {
        self.until(|state| state != ReadyState::Closed).await;
    }

    /// Waits until the element lets go of it. Completes at once if it was never attached.
    pub async fn closed(&self) {
        self.until(|state| state == ReadyState::Closed).await;
    }

    async fn until(&self, is_so: impl Fn(ReadyState) -> bool) {
        while !is_so(self.ready_state()) {
            let changed = self.state.state_changed.borrow().clone();
            changed.wait().await;
        }
    }

    /// Whether more data is wanted now. Only a managed source ever says no.
    pub fn is_streaming(&self) -> bool {
        self.state.is_streaming.get()
    }

    /// The duration in seconds; NaN while it is closed.
    pub fn duration(&self) -> f64 {
        self.state.model.borrow().duration()
    }

    /// Sets the duration, in seconds; infinite for a live stream.
    ///
    /// # Errors
    /// If it is not open, a buffer is updating, or something is buffered beyond the duration.
    pub fn set_duration(&self, seconds: f64) -> Result<(), Exception> {
        let result = self.state.change(|model| model.set_duration(seconds));
        self.state.check("duration", result)
    }

    /// Sets where a live stream can be seeked to, in seconds.
    ///
    /// # Errors
    /// If it is not open, or the range is none.
    pub fn set_live_seekable_range(&self, start: f64, end: f64) -> Result<(), Exception> {
        let set = |model: &mut MediaSourceModel| model.set_live_seekable_range(start, end);
        let result = self.state.change(set);
        self.state.check("setLiveSeekableRange", result)
    }

    /// Adds a buffer for a media type. All are to be added before the first append: later ones are refused.
    ///
    /// # Errors
    /// If the source is not open, the type is not supported, or there are too many.
    pub fn add_source_buffer(&self, mime: &str) -> Result<SourceBuffer, Exception> {
        if !can_decode(mime) {
            return Err(Exception::new(
                "NotSupportedError",
                "the type is not supported",
            ));
        }
        let added = self.state.change(|model| model.add_buffer(mime));
        let nth = self.state.check("addSourceBuffer", added)?;
        let own = Rc::new(BufferState {
            mime: RefCell::new(mime.into()),
            operation: RefCell::default(),
            is_evicted: Cell::default(),
        });
        self.state.buffers.borrow_mut().push(own.clone());
        World::current().note(format_args!(
            "source {} buffer {nth} is {mime}",
            self.state.id
        ));
        Ok(SourceBuffer {
            source: self.state.clone(),
            own,
            nth,
        })
    }

    /// Declares that all data has been appended, so that the element ends where the data ends.
    ///
    /// # Errors
    /// If it is not open, or a buffer is updating.
    pub fn end_of_stream(&self) -> Result<(), Exception> {
        let result = self.state.change(MediaSourceModel::end_of_stream);
        self.state.check("endOfStream", result)
    }
}

/// A SourceBuffer.
///
/// One operation at a time: each takes `&mut self` and is awaited, so two at once do not compile. One whose
/// future is dropped goes on, until [`abort`](Self::abort) ends it.
pub struct SourceBuffer {
    source: Rc<SourceState>,
    own: Rc<BufferState>,
    nth: usize,
}

impl fmt::Debug for SourceBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SourceBuffer").field(&self.nth).finish()
    }
}

impl SourceBuffer {
    /// Whether an operation is going on.
    pub fn is_updating(&self) -> bool {
        self.source.model.borrow().is_updating(self.nth)
    }

    /// What can be played of it, in seconds, ascending.
    ///
    /// # Errors
    /// If the MediaSource is closed or closing.
    pub fn buffered(&self) -> Result<Vec<Range<f64>>, Exception> {
        let ranges = self.source.model.borrow_mut().buffered(self.nth)?;
        let in_seconds = |range: Range<Nanos>| seconds(range.start)..seconds(range.end);
        Ok(ranges.into_iter().map(in_seconds).collect())
    }

    /// Whether the browser has removed something since this was asked last. Only a managed source tells, and
    /// also counts what [`remove`](Self::remove) removed.
    pub fn take_evicted(&self) -> bool {
        self.own.is_evicted.take()
    }

    /// What is added to the timestamps of what is appended, in seconds.
    pub fn timestamp_offset(&self) -> f64 {
        self.source.model.borrow().timestamp_offset(self.nth)
    }

    /// Sets what is added to the timestamps of what is appended from now on, in seconds. It opens a source
    /// that has ended.
    ///
    /// # Errors
    /// In the middle of a media segment or of an operation, or if the source is closed.
    pub fn set_timestamp_offset(&mut self, seconds: f64) -> Result<(), Exception> {
        let set = |model: &mut MediaSourceModel| model.set_timestamp_offset(self.nth, seconds);
        let result = self.source.change(set);
        self.source.check("timestampOffset", result)
    }

    /// Sets the bounds, in seconds, outside of which frames are dropped when they are appended.
    ///
    /// # Errors
    /// During an operation, if the source is closed, or if the bounds are none.
    pub fn set_append_window(&mut self, bounds: Range<f64>) -> Result<(), Exception> {
        let set = |model: &mut MediaSourceModel| model.set_append_window(self.nth, bounds);
        let result = self.source.change(set);
        self.source.check("appendWindow", result)
    }

    /// Takes another media type from now on.
    ///
    /// # Errors
    /// If the type is not supported, during an operation, or if the source is closed.
    pub fn change_type(&mut self, mime: &str) -> Result<(), Exception> {
        if !can_change_type() {
            return Err(Exception::new("TypeError", "changeType is not a function"));
        }
        if !can_decode(mime) {
            return Err(Exception::new(
                "NotSupportedError",
                "the type is not supported",
            ));
        }
        let change = |model: &mut MediaSourceModel| model.change_type(self.nth);
        let result = self.source.change(change);
        self.source.check("changeType", result)?;
        self.own.mime.replace(mime.into());
        Ok(())
    }

    /// Appends an init segment, or a media segment or a part of one, and waits until it is parsed.
    ///
    /// Bytes that are no segment need not be an error: Chromium takes text for the beginning of a very large box,
    /// and swallows all that follows until [`abort`](Self::abort). WebKitGTK needs an init segment again after an
    /// abort.
    ///
    /// # Errors
    /// `QuotaExceededError` if there is no room, `InvalidStateError` if the source is closed, an operation is
    /// going on or the element has failed, `EncodingError` if the bytes cannot be parsed.
    pub async fn append(&mut self, bytes: &Bytes) -> Result<(), Exception> {
        let element = self.source.element.borrow().upgrade();
        let (position, has_failed) = element.map_or((0, false), |element| {
            element.advance();
            (element.position(), element.error().is_some())
        });
        let append =
            |model: &mut MediaSourceModel| model.append(self.nth, bytes, position, has_failed);
        let result = self.source.change(append);
        self.source.check("appendBuffer", result)?;
        // Parsing and copying, at some 100 MB/s.
        let latency = World::current().latency(0.3, 6.0) + bytes.len() as Nanos * 10;
        match self.run(latency).await {
            true => Ok(()),
            false => Err(Exception::new("EncodingError", "it cannot be parsed")),
        }
    }

    /// Removes what lies in a range of seconds, and waits until that is done. It opens a source that has
    /// ended. What depends on a removed frame is removed too, up to the next random access point.
    ///
    /// # Errors
    /// If the range is none, an operation is going on, or the source is closed.
    pub async fn remove(&mut self, range: Range<f64>) -> Result<(), Exception> {
        let remove = |model: &mut MediaSourceModel| model.remove(self.nth, range);
        let result = self.source.change(remove);
        self.source.check("remove", result)?;
        let latency = World::current().latency(0.1, 3.0);
        self.run(latency).await;
        Ok(())
    }

    /// Ends an append that is going on, and drops the part of a segment that was appended without its rest.
    /// The append window becomes infinite.
    ///
    /// # Errors
    /// If the source is not open, or something is being removed.
    pub fn abort(&mut self) -> Result<(), Exception> {
        let abort = |model: &mut MediaSourceModel| model.abort(self.nth);
        // That a source which has ended cannot be aborted is nothing that a program could know before.
        self.source.change(abort)
    }

    /// Waits for the operation that began; whether it went well.
    async fn run(&self, latency: Nanos) -> bool {
        let world = World::current();
        let operation = Rc::new(Operation {
            done: Signal::default(),
            succeeded: Cell::new(false),
        });
        self.own.operation.replace(Some(operation.clone()));
        let (source, own, nth) = (self.source.clone(), self.own.clone(), self.nth);
        let this = operation.clone();
        let due = world.nanos() + latency;
        world.at(due, Queue::Media(source.owner), move || {
            let current = own.operation.borrow().clone();
            // It may have been aborted, and another one may have begun.
            if current.is_some_and(|current| Rc::ptr_eq(&current, &this)) {
                source.change(|model| model.finish(nth));
                source.note(nth);
            }
        });
        operation.done.wait().await;
        operation.succeeded.get()
    }
}
