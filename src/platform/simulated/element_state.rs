//! The state of a media element, and what it asks of its source.

use std::{
    cell::{Cell, RefCell},
    ops::Range,
    rc::{Rc, Weak},
};

use super::{
    model::{
        Nanos,
        playback::{MediaEvent, Playback, Readiness, View},
        seconds,
    },
    world::{Device, Queue, Thread, TimerKey, World},
};

/// All elements of a world.
#[derive(Default)]
struct Elements(RefCell<Vec<Weak<ElementState>>>);

impl Elements {
    fn living(&self) -> Vec<Rc<ElementState>> {
        self.0.borrow_mut().retain(|it| it.strong_count() > 0);
        self.0.borrow().iter().filter_map(Weak::upgrade).collect()
    }
}

impl Device for Elements {
    fn machine_sleeps(&self, time: Nanos) {
        for element in self.living() {
            element.skip(time);
        }
    }

    fn clear(&self) {
        for element in self.living() {
            element.forget_listeners();
        }
    }
}

/// What an element plays.
pub(super) trait PlayedSource {
    /// What the element sees of it.
    fn view(&self) -> View;

    /// Where a live stream can be seeked to.
    fn live_seekable(&self) -> Option<Range<Nanos>>;

    /// Time has passed.
    fn notice_time(&self);

    /// The element lets go of it. Its own thread is told, and until then every call throws.
    fn detach(self: Rc<Self>);

    /// The browser needs memory, and removes a range of a managed source's buffer.
    fn evict(self: Rc<Self>, buffer: usize, range: Range<Nanos>);
}

/// What the element and its source share.
pub(super) struct ElementState {
    pub(super) thread: Thread,
    pub(super) playback: RefCell<Playback>,
    pub(super) view: RefCell<View>,
    pub(super) source: RefCell<Option<Rc<dyn PlayedSource>>>,
    timer: Cell<Option<TimerKey>>,
    pub(super) listeners: RefCell<Vec<Listener>>,
}

type Listener = Box<dyn FnMut(MediaEvent)>;

impl ElementState {
    /// An element on the current thread: paused, and empty.
    pub(super) fn new() -> Rc<Self> {
        let world = World::current();
        let rules = world.with_browser(|browser| browser.rules.clone());
        let state = Rc::new(Self {
            thread: world.thread(),
            playback: RefCell::new(Playback::new(rules, world.nanos())),
            view: RefCell::default(),
            source: RefCell::default(),
            timer: Cell::default(),
            listeners: RefCell::default(),
        });
        let elements = world.device::<Elements>();
        elements.0.borrow_mut().push(Rc::downgrade(&state));
        state
    }

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
    pub(super) fn change(self: &Rc<Self>, change: impl FnOnce(&mut Playback, &View)) {
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
    fn forget_listeners(&self) {
        let listeners = self.listeners.take();
        drop(listeners);
    }

    fn skip(&self, time: Nanos) {
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
