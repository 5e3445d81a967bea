//! A page with a media element and the engine, in the simulated browser; and its server, with faults on demand.

use std::{
    cell::{Cell, RefCell},
    fs,
    path::Path,
    rc::Rc,
};

use yew_mse_worker::{
    engine::Engine,
    platform::{
        self, Bytes, FileHandle, Request,
        simulated::{
            Answer, BodyFault, Browser, Ended, MediaElement, MediaEvent, Reply, RequestRecord,
            Thread, World,
        },
    },
    protocol::{
        BufferGoal, Command, Event, EventPort, EventSink, Observation, PlaybackError,
        PlaybackSettings, SessionId, milestone::Milestone,
    },
};

/// The MPD of the sample video.
pub const SAMPLE_MPD: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/film/film.mpd"));
pub const ORIGIN: &str = "https://example.test/";
/// Duration of the sample video.
pub const DURATION_SECONDS: f64 = 32.0;
/// The end of a track may differ from the duration by an AAC frame.
pub const END_TOLERANCE_SECONDS: f64 = 0.03;

/// A page with an element, and its engine in a worker or on the page.
pub struct Page {
    pub thread: Thread,
    engine: Rc<RefCell<Option<Engine>>>,
    pub element: MediaElement,
    pub session: SessionId,
    events: Rc<RefCell<Vec<Event>>>,
    observed: RefCell<Option<Observation>>,
    /// Size of the picture on screen, in pixels.
    pub screen: Cell<(u32, u32)>,
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
            thread: match has_workers {
                true => world.start_worker(),
                false => Thread::PAGE,
            },
            engine: Rc::default(),
            element: MediaElement::new(),
            session: SessionId::default().next(),
            events: Rc::default(),
            observed: RefCell::default(),
            screen: Cell::new((1280, 720)),
        });
        let started = page.clone();
        world.post(page.thread, move || {
            let engine = Engine::new(EventPort::new(ToPage(started.clone())));
            started.engine.replace(Some(engine));
        });
        let observing = Rc::downgrade(&page);
        page.element.on_event(move |event| {
            if let Some(page) = observing.upgrade() {
                // As `player/observer.rs` does.
                let is_arrival = matches!(event, MediaEvent::LoadedMetadata | MediaEvent::Playing);
                page.observe(is_arrival);
            }
        });
        let observing = Rc::downgrade(&page);
        platform::spawn(async move {
            while let Some(page) = observing.upgrade() {
                page.observe(false);
                drop(page);
                platform::sleep(250).await;
            }
        });
        page
    }

    pub fn send(&self, command: Command) {
        let engine = self.engine.clone();
        World::current().post(self.thread, move || {
            if let Some(engine) = &mut *engine.borrow_mut() {
                engine.handle(command);
            }
        });
    }

    pub fn load(&self, name: &str) {
        self.load_with(name, PlaybackSettings::default());
    }

    /// Loads a video that starts at a position, in seconds.
    pub fn load_from(&self, name: &str, start: f64) {
        self.load_with(
            name,
            PlaybackSettings {
                start: Some(start).filter(|start| *start > 0.0),
                ..PlaybackSettings::default()
            },
        );
    }

    /// How many events of a kind were received.
    pub fn count_events(&self, condition: impl Fn(&Event) -> bool) -> usize {
        let events = self.events.borrow();
        events.iter().filter(|event| condition(event)).count()
    }

    /// Loads a video with a buffer goal of so many seconds.
    pub fn load_with_goal(&self, name: &str, ahead: f64) {
        let buffer = BufferGoal {
            ahead,
            ..BufferGoal::default()
        };
        self.load_with(
            name,
            PlaybackSettings {
                buffer,
                ..PlaybackSettings::default()
            },
        );
    }

    pub fn load_with(&self, name: &str, settings: PlaybackSettings) {
        self.send(Command::Load {
            session: self.session,
            url: format!("{ORIGIN}{name}"),
            settings,
        });
    }

    pub fn load_file(&self, file: &FileHandle) {
        self.send(Command::LoadFile {
            session: self.session,
            file: file.clone(),
            settings: PlaybackSettings::default(),
        });
    }

    /// Sends an observation if it is news, or if it says that the element has arrived in a source.
    fn observe(&self, is_arrival: bool) {
        let observation = Observation {
            position: self.element.position(),
            rate: match self.element.is_paused() {
                true => 0.0,
                false => self.element.rate(),
            },
            screen_size: self.screen.get(),
            at: platform::now(),
        };
        let mut observed = self.observed.borrow_mut();
        if is_arrival || observed.is_none_or(|sent| observation.should_follow(&sent)) {
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

    /// How often a request was reported as repeated.
    pub fn retry_reports(&self) -> usize {
        let is_report = |event: &&Event| matches!(event, Event::Retrying { error: Some(_), .. });
        self.events.borrow().iter().filter(is_report).count()
    }

    /// The events so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.borrow().clone()
    }

    pub fn has_received(&self, condition: impl Fn(&Event) -> bool) -> bool {
        self.events.borrow().iter().any(condition)
    }

    pub fn has_reached(&self, milestone: Milestone) -> bool {
        self.has_received(|event| {
            matches!(event, Event::MilestoneReached { reached, .. } if reached.milestone == milestone)
        })
    }

    pub fn failure(&self) -> Option<PlaybackError> {
        self.events.borrow().iter().find_map(|event| match event {
            Event::Failed { error, .. } | Event::EngineFailed { error } => Some(error.clone()),
            _ => None,
        })
    }
}

/// What a server does instead of answering well.
#[derive(Clone)]
pub enum Fault {
    /// Answers with this status.
    Status(u16),
    /// Answers with the changed file.
    Patch(fn(Vec<u8>) -> Vec<u8>),
    /// Sends a body that breaks off or stalls.
    Body(BodyFault),
    /// Never answers.
    Silence,
    /// Cannot be reached.
    Unreachable,
    /// Ignores the `Range` header.
    NoRanges,
    /// Answers with another range than requested.
    WrongRange,
    /// Sends zeros without end.
    Endless,
    /// Answers after so many milliseconds.
    Late(f64),
}

struct Rule {
    part: String,
    fault: Fault,
    times: usize,
}

/// The server of one world: the repository's sample video and test media, added files, and faults.
#[derive(Clone, Default)]
pub struct Site(Rc<RefCell<SiteState>>);

#[derive(Default)]
struct SiteState {
    rules: Vec<Rule>,
    files: Vec<(String, Vec<u8>)>,
}

impl Site {
    /// A site that answers the requests of a world.
    pub fn serve(world: &World) -> Self {
        let site = Self::default();
        let answering = site.clone();
        world.serve(move |request: &Request, _at_ms: f64| answering.answer(request));
        site
    }

    /// From now on, requests for URLs that contain `part` meet this fault.
    pub fn add_fault(&self, part: &str, fault: Fault) {
        self.add_fault_times(part, fault, usize::MAX);
    }

    /// The next requests for URLs that contain `part` meet this fault.
    pub fn add_fault_times(&self, part: &str, fault: Fault, times: usize) {
        let part = part.to_owned();
        self.0.borrow_mut().rules.push(Rule { part, fault, times });
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.0.borrow_mut().rules.clear();
    }

    pub fn add_file(&self, path: &str, content: impl Into<Vec<u8>>) {
        let file = (path.to_owned(), content.into());
        self.0.borrow_mut().files.push(file);
    }

    /// Adds `plain.mpd`: the sample video with these qualities only.
    pub fn add_plain_mpd(&self, qualities: &[&str]) {
        let is_kept = |line: &&str| {
            let names = |id: &&str| line.contains(&format!("<Representation id=\"{id}\""));
            !line.contains("avc1") || qualities.iter().any(names)
        };
        let lines: Vec<&str> = SAMPLE_MPD.lines().filter(is_kept).collect();
        self.add_file("plain.mpd", lines.join("\n"));
    }

    fn answer(&self, request: &Request) -> Answer {
        let fault = self.fault(&request.url);
        let file = self.file(&request.url);
        let (Some(file), Some(fault)) = (file.clone(), fault) else {
            return Answer::Response(match file {
                Some(file) => Reply::file(&Bytes::from(file.as_slice()), request),
                None => Reply::status(404),
            });
        };
        let whole = || Reply::ok(Bytes::from(file.as_slice()));
        let answered_well = || Reply::file(&Bytes::from(file.as_slice()), request);
        Answer::Response(match fault {
            Fault::Silence => return Answer::Silence,
            Fault::Unreachable => return Answer::Failure { after_ms: 5.0 },
            Fault::Status(status) => Reply::status(status),
            Fault::Patch(patch) => Reply::ok(Bytes::from(patch(file.clone()).as_slice())),
            Fault::NoRanges => whole(),
            Fault::WrongRange => {
                let mut reply = whole();
                reply.status = 206;
                let range = ("content-range".to_owned(), "bytes 7-99/100".to_owned());
                reply.headers.push(range);
                reply
            }
            // More than the engine reads of any file.
            Fault::Endless => Reply::ok(Bytes::from(vec![0; 300 << 20].as_slice())),
            Fault::Body(fault) => Reply {
                fault,
                ..answered_well()
            },
            Fault::Late(latency_ms) => Reply {
                latency_ms,
                ..answered_well()
            },
        })
    }

    fn fault(&self, url: &str) -> Option<Fault> {
        let mut state = self.0.borrow_mut();
        let meets = |rule: &&mut Rule| rule.times > 0 && url.contains(&rule.part);
        let rule = state.rules.iter_mut().find(meets)?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }

    /// The file at a URL of any host: an added one, or one of the repository.
    fn file(&self, url: &str) -> Option<Vec<u8>> {
        let path = url.splitn(4, '/').nth(3)?;
        let state = self.0.borrow();
        if let Some((_, content)) = state.files.iter().find(|(at, _)| at == path) {
            return Some(content.clone());
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = match path.starts_with("tests/") {
            true => root.to_owned(),
            false => root.join("assets/film"),
        };
        fs::read(folder.join(path)).ok()
    }
}

/// How many requests there were for URLs that contain `part`.
pub fn request_count(part: &str) -> usize {
    let requests = World::current().requests();
    let urls = requests.iter().map(|record| &record.request.url);
    urls.filter(|url| url.contains(part)).count()
}

/// The numbers of the requested segments of a track, in order.
pub fn requested_segments(folder: &str) -> Vec<u32> {
    let number = |record: &RequestRecord| {
        let (path, file) = record.request.url.rsplit_once('/')?;
        let number = file.strip_suffix(".m4s")?.parse().ok()?;
        path.ends_with(folder).then_some(number)
    };
    World::current()
        .requests()
        .iter()
        .filter_map(number)
        .collect()
}

/// Waits for a condition, or for the session's failure.
pub fn wait_until(page: &Page, seconds: f64, condition: impl Fn() -> bool) {
    let world = World::current();
    let ended = world.run_until(seconds * 1000.0, || condition() || page.failure().is_some());
    let trace = world.trace();
    let last = trace.len().saturating_sub(60);
    let context = || {
        format!(
            "at {} s\n{}",
            page.element.position(),
            trace[last..].join("\n")
        )
    };
    assert_eq!(page.failure(), None, "{}", context());
    assert_eq!(ended, Ended::Done, "{}", context());
}

/// Plays to the end, and asserts that every second of the video was played.
pub fn play_to_end(page: &Page, duration: f64) {
    wait_until(page, 200.0, || page.element.has_ended());
    let world = World::current();
    assert_eq!(world.violations(), [""; 0]);
    let [range] = &page.element.played()[..] else {
        panic!(
            "gaps: {:?}\n{}",
            page.element.played(),
            world.trace().join("\n")
        );
    };
    assert!(range.end >= duration - 0.1, "{range:?}");
}

/// Runs until the session fails, and returns why.
pub fn failure_of(page: &Page, seconds: f64) -> String {
    World::current().run_until(seconds * 1000.0, || page.failure().is_some());
    page.failure()
        .expect("the session did not fail")
        .to_string()
}

/// Runs a test in a world of Chromium's and in one of Firefox's, where the engine is on the page.
pub fn in_chromium_and_firefox(test: impl Fn(&World, &Site)) {
    for browser in [Browser::chromium(), Browser::firefox()] {
        in_world(browser, &test);
    }
}

/// Runs a test in a world of this browser.
pub fn in_world(browser: Browser, test: impl Fn(&World, &Site)) {
    let world = World::new(1, browser);
    let _entered = world.enter();
    let site = Site::serve(&world);
    test(&world, &site);
}
