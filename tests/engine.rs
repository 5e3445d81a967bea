//! Runs the real engine natively, in the simulated browser, with the bundled sample video.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{cell::RefCell, fs, path::Path, rc::Rc};

use yew_mse_worker::{
    engine::Engine,
    platform::{
        self, Bytes, Request,
        simulated::{Answer, Browser, Ended, MediaElement, Outcome, Reply, Thread, World},
    },
    protocol::{
        Command, Event, EventPort, EventSink, Observation, PlaybackError, PlaybackSettings,
        ResourceKind, SessionId, milestone::Milestone,
    },
};

const ORIGIN: &str = "https://example.test/";
/// Duration of the sample video.
const DURATION_SECONDS: f64 = 32.0;
/// The end of a track may differ from the duration by an AAC frame.
const END_TOLERANCE_SECONDS: f64 = 0.03;

/// A page with an element, and its engine in a worker or on the page.
struct Page {
    thread: Thread,
    engine: Rc<RefCell<Option<Engine>>>,
    element: MediaElement,
    session: SessionId,
    events: Rc<RefCell<Vec<Event>>>,
    observed: RefCell<Option<Observation>>,
}

/// Posts the engine's events to the page.
struct ToPage(Rc<Page>);

impl EventSink for ToPage {
    fn post(&self, event: Event) {
        let page = self.0.clone();
        World::current().post(Thread::PAGE, move || page.receive(event));
    }

    fn post_with_transfer(&self, event: Event) -> Result<(), PlaybackError> {
        self.post(event);
        Ok(())
    }
}

impl Page {
    /// Starts the engine where this browser has a MediaSource.
    fn open() -> Rc<Self> {
        let world = World::current();
        let has_workers = world.with_browser(|browser| browser.has_media_source_in_workers);
        let page = Rc::new(Self {
            thread: match has_workers {
                true => world.start_worker(),
                false => Thread::PAGE,
            },
            engine: Rc::default(),
            element: MediaElement::new(),
            session: SessionId::default().next(),
            events: Rc::default(),
            observed: RefCell::default(),
        });
        let started = page.clone();
        world.post(page.thread, move || {
            let engine = Engine::new(EventPort::new(ToPage(started.clone())));
            started.engine.replace(Some(engine));
        });
        let observing = Rc::downgrade(&page);
        page.element.on_event(move |_| {
            if let Some(page) = observing.upgrade() {
                page.observe();
            }
        });
        let observing = Rc::downgrade(&page);
        platform::spawn(async move {
            while let Some(page) = observing.upgrade() {
                page.observe();
                drop(page);
                platform::sleep(250).await;
            }
        });
        page
    }

    fn send(&self, command: Command) {
        let engine = self.engine.clone();
        World::current().post(self.thread, move || {
            if let Some(engine) = &mut *engine.borrow_mut() {
                engine.handle(command);
            }
        });
    }

    fn load(&self, name: &str) {
        self.send(Command::Load {
            session: self.session,
            url: format!("{ORIGIN}{name}"),
            settings: PlaybackSettings::default(),
        });
    }

    fn observe(&self) {
        let observation = Observation {
            position: self.element.position(),
            rate: match self.element.is_paused() {
                true => 0.0,
                false => self.element.rate(),
            },
            screen_size: (1280, 720),
            at: platform::now(),
        };
        let mut observed = self.observed.borrow_mut();
        if observed.is_none_or(|sent| observation.should_follow(&sent)) {
            *observed = Some(observation);
            self.send(Command::Observe {
                session: self.session,
                observation,
            });
        }
    }

    fn receive(&self, event: Event) {
        match &event {
            Event::MediaSourceReady { handle, start, .. } => {
                self.element.attach(handle);
                if *start > 0.0 {
                    self.element.seek(*start);
                }
                self.element.play();
            }
            Event::Seek { to, .. } => self.element.seek(*to),
            _ => {}
        }
        self.events.borrow_mut().push(event);
    }

    fn has_received(&self, condition: impl Fn(&Event) -> bool) -> bool {
        self.events.borrow().iter().any(condition)
    }

    fn has_reached(&self, milestone: Milestone) -> bool {
        self.has_received(|event| {
            matches!(event, Event::MilestoneReached { reached, .. } if reached.milestone == milestone)
        })
    }

    fn failure(&self) -> Option<PlaybackError> {
        self.events.borrow().iter().find_map(|event| match event {
            Event::Failed { error, .. } | Event::EngineFailed { error } => Some(error.clone()),
            _ => None,
        })
    }
}

/// Serves the files of the sample video.
fn serve(request: &Request, _at_ms: f64) -> Answer {
    let path = request.url.strip_prefix(ORIGIN).unwrap_or_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/film");
    Answer::Response(match fs::read(folder.join(path)) {
        Ok(file) => Reply::file(&Bytes::from(file.as_slice()), request),
        Err(_) => Reply::status(404),
    })
}

fn plays_to_the_end(browser: Browser, name: &str, seed: u64) {
    let context = format!("{name}, seed {seed}");
    let world = World::new(seed, browser);
    let _entered = world.enter();
    world.serve(serve);
    let page = Page::open();
    page.load(name);
    let ended = world.run_until(60_000.0, || {
        page.element.has_ended() || page.failure().is_some()
    });
    let trace = world.trace().join("\n");
    assert_eq!(page.failure(), None, "{context}\n{trace}");
    assert_eq!(ended, Ended::Done, "{context}\n{trace}");
    assert!(page.has_reached(Milestone::EndOfStream), "{context}");
    assert_eq!(world.violations(), [""; 0], "{context}");
    for ranges in [page.element.buffered(), page.element.played()] {
        let [range] = &ranges[..] else {
            panic!("{context}: {ranges:?}\n{trace}");
        };
        assert!(
            range.start <= END_TOLERANCE_SECONDS,
            "{context}: {ranges:?}"
        );
        assert!(
            range.end >= DURATION_SECONDS - END_TOLERANCE_SECONDS,
            "{context}: {ranges:?}"
        );
    }
}

#[test]
fn dash_is_buffered_and_played_to_the_end_in_a_worker() {
    for seed in 0..5 {
        plays_to_the_end(Browser::chromium(), "film.mpd", seed);
    }
}

#[test]
fn hls_is_buffered_and_played_to_the_end_in_a_worker() {
    for seed in 0..5 {
        plays_to_the_end(Browser::chromium(), "film.m3u8", seed);
    }
}

#[test]
fn dash_is_played_to_the_end_by_an_engine_on_the_page() {
    for seed in 0..5 {
        plays_to_the_end(Browser::firefox(), "film.mpd", seed);
        plays_to_the_end(Browser::webkit(), "film.mpd", seed);
    }
}

#[test]
fn dropped_session_aborts_its_requests_and_leaves_no_task() {
    for seed in 0..20 {
        let world = World::new(seed, Browser::chromium());
        let _entered = world.enter();
        world.serve(serve);
        // Slow enough that the session is stopped during a download.
        world.set_bandwidth(&[(0.0, 300_000.0)]);
        let page = Page::open();
        page.load("film.mpd");
        let playing = world.run_until(30_000.0, || page.has_reached(Milestone::FirstAppend));
        assert_eq!(playing, Ended::Done, "seed {seed}");
        let session = page.session;
        page.send(Command::Stop { session });
        let stopped = world.run_until(1_000.0, || {
            page.has_received(|event| matches!(event, Event::Stopped { .. }))
        });
        assert_eq!(stopped, Ended::Done, "seed {seed}");
        page.element.detach();
        let closed = world.run_until(1_000.0, || {
            page.has_received(|event| matches!(event, Event::Closed { .. }))
        });
        assert_eq!(closed, Ended::Done, "seed {seed}");
        let requests = world.requests();
        let mut outcomes = requests.iter().map(|request| request.outcome);
        assert!(
            outcomes.all(|outcome| outcome != Outcome::Pending),
            "seed {seed}"
        );
        // The task that observes the element remains.
        assert_eq!(world.task_count(), 1, "seed {seed}");
        assert_eq!(world.violations(), [""; 0], "seed {seed}");
    }
}

#[test]
fn missing_manifest_fails_with_its_http_status() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    world.serve(serve);
    let page = Page::open();
    page.load("absent.mpd");
    world.run_until(30_000.0, || page.failure().is_some());
    assert_eq!(
        page.failure(),
        Some(PlaybackError::HttpStatus {
            resource: ResourceKind::Manifest,
            url: format!("{ORIGIN}absent.mpd"),
            status: 404,
        })
    );
}
