//! A page with an element that plays a live stream of the testkit.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use testkit::{
    http::{ByteRange, Request as ServerRequest},
    live::{Config, Live, Source, Synthetic},
};
use yew_mse_worker::{
    engine::Engine,
    platform::{
        self, Bytes, Request,
        simulated::{Answer, Browser, EPOCH_MS, Entered, MediaElement, Reply, Thread, World},
    },
    protocol::{
        Command, Event, EventPort, EventSink, LiveStatus, Observation, PlaybackError,
        PlaybackSettings, SessionId,
    },
};

const ORIGIN: &str = "https://live.test";

/// A page with an element, and its engine in a worker or on the page.
pub struct Page {
    pub element: MediaElement,
    thread: Thread,
    engine: RefCell<Option<Engine>>,
    session: SessionId,
    pub events: RefCell<Vec<Event>>,
    pub live: Cell<Option<LiveStatus>>,
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
    pub fn open() -> Rc<Self> {
        let world = World::current();
        let has_workers = world.with_browser(|browser| browser.has_media_source_in_workers);
        let page = Rc::new(Self {
            element: MediaElement::new(),
            thread: match has_workers {
                true => world.start_worker(),
                false => Thread::PAGE,
            },
            engine: RefCell::default(),
            session: SessionId::default().next(),
            events: RefCell::default(),
            live: Cell::default(),
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

    fn send(self: &Rc<Self>, command: Command) {
        let page = self.clone();
        World::current().post(self.thread, move || {
            if let Some(engine) = &mut *page.engine.borrow_mut() {
                engine.handle(command);
            }
        });
    }

    pub fn load(self: &Rc<Self>, path: &str) {
        self.send(Command::Load {
            session: self.session,
            url: format!("{ORIGIN}{path}"),
            settings: PlaybackSettings::default(),
        });
    }

    fn observe(self: &Rc<Self>) {
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
            Event::CatchUp { rate, .. } => self.element.set_rate(*rate),
            Event::Live { status, .. } => self.live.set(*status),
            _ => {}
        }
        self.events.borrow_mut().push(event);
    }

    pub fn failure(&self) -> Option<PlaybackError> {
        self.events.borrow().iter().find_map(|event| match event {
            Event::Failed { error, .. } | Event::EngineFailed { error } => Some(error.clone()),
            _ => None,
        })
    }

    /// The messages that the page showed while it waited.
    pub fn notices(&self) -> Vec<String> {
        let events = self.events.borrow();
        let notices = events.iter().filter_map(|event| match event {
            Event::Retrying { error, .. } => error.as_ref().map(ToString::to_string),
            _ => None,
        });
        notices.collect()
    }

    /// Seconds played in all.
    pub fn played(&self) -> f64 {
        let ranges = self.element.played();
        ranges.iter().map(|range| range.end - range.start).sum()
    }
}

/// A world in which a stream is served.
pub struct Stage {
    pub world: World,
    pub page: Rc<Page>,
    _entered: Entered,
}

impl Stage {
    /// Opens a page in a browser, and serves a stream of generated segments. `configure` is given a stream that began 100 s
    /// ago.
    pub fn new(seed: u64, browser: Browser, configure: impl FnOnce(&mut Config)) -> Self {
        let world = World::new(seed, browser);
        let entered = world.enter();
        let now = Duration::from_secs_f64(platform::now() / 1000.0);
        let start = now - Duration::from_secs(100);
        let mut config = Config {
            seed,
            start: Duration::from_millis(start.as_millis() as u64),
            ..Config::default()
        };
        configure(&mut config);
        let live = Live::new(config, Source::Synthetic(Synthetic::default()));
        world.serve(move |request: &Request, at_ms: f64| answer(&live, request, at_ms));
        Self {
            page: Page::open(),
            world,
            _entered: entered,
        }
    }

    /// Runs for some seconds.
    pub fn run(&self, seconds: f64) {
        self.world.run_for(seconds * 1000.0);
    }

    /// The end of the trace, for a failed assertion.
    pub fn trace(&self) -> String {
        let trace = self.world.trace();
        trace[trace.len().saturating_sub(200)..].join("\n")
    }
}

/// Passes a request on to the testkit's server.
fn answer(live: &Live, request: &Request, at_ms: f64) -> Answer {
    let response = live.respond(&ServerRequest {
        path: request
            .url
            .strip_prefix(ORIGIN)
            .unwrap_or_default()
            .to_owned(),
        range: request.range.map(|range| ByteRange {
            first: range.first,
            last: range.last,
        }),
        now: Duration::from_secs_f64((EPOCH_MS + at_ms) / 1000.0),
    });
    Answer::Response(Reply {
        status: response.status,
        headers: response
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        latency_ms: 20.0 + response.delivery.delay.as_secs_f64() * 1000.0,
        ..Reply::ok(Bytes::from(response.body.as_slice()))
    })
}
