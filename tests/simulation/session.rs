//! Plays one session.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use yew_mse_worker::{
    platform::simulated::{Ended, Thread, World},
    protocol::{BufferGoal, Event, PlaybackSettings},
};

use crate::{
    invariants::{Checker, Disturbance, Invariant, Violation},
    page::{Page, PageTask},
    scenario::{Act, Scenario},
    server::{Host, ORIGIN, ServerLog},
};

/// How often the invariants are checked, in milliseconds.
const CHECK_MS: f64 = 200.0;
/// World time is in nanoseconds.
const ROUNDING_MS: f64 = 0.001;
/// How long the page needs to get going again after it was frozen, asleep or busy, in milliseconds.
const RECOVERY_MS: f64 = 3_000.0;
/// How long each step of the shutdown may take, in milliseconds.
const SHUTDOWN_MS: f64 = 2_000.0;

/// How a session went.
#[derive(Debug)]
pub struct Report {
    /// The invariant that it broke.
    pub violation: Option<Violation>,
    /// The last lines of the trace.
    pub trace: Vec<String>,
    /// A hash of everything that happened.
    pub hash: u64,
    /// World time at its end, in seconds.
    pub seconds: f64,
    /// Steps of the scheduler.
    pub steps: u64,
    /// How it ended, in a word.
    pub ending: String,
}

/// The beginning or the end of an act.
#[derive(Clone, Debug)]
enum Operation {
    Begin(Act),
    Online,
    Thaw,
    Show,
    Play,
}

/// Plays a session. Panics of the engine are violations.
pub fn run(scenario: &Scenario) -> Report {
    let world = World::new(scenario.seed, browser_of(scenario));
    let _entered = world.enter();
    let result = catch_unwind(AssertUnwindSafe(|| play(&world, scenario)));
    let (violation, ending) = match result {
        Ok(Ok(ending)) => (None, ending),
        Ok(Err(violation)) => {
            let ending = format!("{:?}", violation.invariant);
            (Some(violation), ending)
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
            let violation = Violation {
                invariant: Invariant::Runs,
                detail: format!("panicked: {}", text.unwrap_or_default()),
            };
            (Some(violation), "panicked".into())
        }
    };
    Report {
        violation,
        trace: world.trace(),
        hash: world.trace_hash(),
        seconds: world.elapsed_ms() / 1000.0,
        steps: world.steps(),
        ending,
    }
}

fn browser_of(scenario: &Scenario) -> yew_mse_worker::platform::simulated::Browser {
    let mut browser = scenario.browser.browser();
    if let Some(quota) = scenario.quota {
        browser.rules.video_quota = quota;
    }
    // The page seeks once the first frame is shown, which the element here does not tell.
    browser.early_seek_loses_stream = 0.0;
    browser
}

fn play(world: &World, scenario: &Scenario) -> Result<String, Violation> {
    let served = scenario.source.serve();
    let facts = served.facts.clone();
    let log = Rc::new(RefCell::new(ServerLog::default()));
    world.serve(Host::new(served.respond, scenario, log.clone()));
    let bandwidth = scenario.connection.bandwidth.iter();
    let bandwidth: Vec<_> = bandwidth.map(|(at, bits)| (at * 1000.0, *bits)).collect();
    world.set_bandwidth(&bandwidth);
    let settings = PlaybackSettings {
        start: Some(scenario.start),
        buffer: BufferGoal {
            ahead: scenario.goal.0,
            behind: scenario.goal.1,
        },
        ..PlaybackSettings::default()
    };
    let url = format!("{ORIGIN}{}", served.entry);
    let page = Page::open(url, settings, scenario.screen);
    page.load();

    let mut operations: Vec<(f64, Operation)> = Vec::new();
    let mut allowance = 0.0;
    for step in &scenario.script {
        let at = step.at * 1000.0;
        operations.push((at, Operation::Begin(step.act.clone())));
        let end = |seconds: &f64| at + seconds * 1000.0;
        match &step.act {
            Act::Offline(seconds) => operations.push((end(seconds), Operation::Online)),
            Act::Freeze(seconds) => operations.push((end(seconds), Operation::Thaw)),
            Act::Hide(seconds) => operations.push((end(seconds), Operation::Show)),
            Act::Pause(seconds) => operations.push((end(seconds), Operation::Play)),
            Act::Seek(_) => allowance += facts.duration,
            _ => {}
        }
        match &step.act {
            Act::Offline(it)
            | Act::Freeze(it)
            | Act::Hide(it)
            | Act::Pause(it)
            | Act::Sleep(it) => {
                allowance += 2.0 * it;
            }
            _ => {}
        }
    }
    operations.sort_by(|one, other| one.0.total_cmp(&other.0));
    let last_change = scenario
        .connection
        .bandwidth
        .last()
        .map_or(0.0, |(at, _)| *at);
    // At half the speed, with a quality that is selected and much too high, every second stalls a few.
    let deadline = 300.0 + last_change + 2.0 * allowance + 8.0 * facts.duration;
    let mut checker = Checker::new(scenario, facts.clone(), log);
    let mut disturbance = Disturbance::default();
    let mut operations = operations.into_iter().peekable();
    loop {
        let now = world.elapsed_ms();
        let next = operations.peek().map_or(f64::INFINITY, |(at, _)| *at);
        let until = (now + CHECK_MS).min(next.max(now) + ROUNDING_MS);
        if until > now && world.run_for(until - now) == Ended::Livelock {
            return Err(Violation {
                invariant: Invariant::Runs,
                detail: "tasks run in circles".into(),
            });
        }
        let now = world.elapsed_ms();
        while let Some((_, operation)) = operations.next_if(|(at, _)| *at <= now + ROUNDING_MS) {
            world.note(format_args!("{operation:?}"));
            perform(world, &page, &operation, facts.duration, &mut disturbance);
        }
        checker.check(world, &page, &disturbance)?;
        if let Some(error) = page.error() {
            checker.finish(world, &page)?;
            close(world, &page)?;
            return Ok(format!("{error:?}")
                .split([' ', '{'])
                .next()
                .unwrap_or_default()
                .into());
        }
        let has_media = !page.element.buffered().is_empty()
            || scenario.has(|act| matches!(act, Act::Evict(..)));
        let has_ended = page.element.has_ended() && page.element.error().is_none() && has_media;
        if has_ended && operations.peek().is_none() {
            checker.finish(world, &page)?;
            close(world, &page)?;
            return Ok("played".into());
        }
        if now > deadline * 1000.0 {
            let element = &page.element;
            return Err(Violation {
                invariant: Invariant::Ends,
                detail: format!(
                    "after {:.0} s it is at {:.2} of {:.2}, paused: {}, ended: {}, buffered {:.2?}",
                    now / 1000.0,
                    element.position(),
                    facts.duration,
                    element.is_paused(),
                    element.has_ended(),
                    element.buffered()
                ),
            });
        }
    }
}

fn perform(
    world: &World,
    page: &Rc<Page>,
    operation: &Operation,
    duration: f64,
    disturbance: &mut Disturbance,
) {
    let now = world.elapsed_ms();
    let mut disturb = |milliseconds: f64| {
        let until = now + milliseconds + RECOVERY_MS;
        disturbance.until_ms = disturbance.until_ms.max(until);
    };
    // What the viewer does is a task of the page's thread, which may be frozen.
    let on_page = |act: PageTask| {
        let page = page.clone();
        page.viewer.borrow_mut().push_back(act);
        world.on(Thread::PAGE, || {
            yew_mse_worker::platform::spawn(async move {
                // Tasks may run in another order, but the viewer's acts do not.
                let next = page.viewer.borrow_mut().pop_front();
                if let Some(act) = next {
                    act(&page);
                }
            });
        });
    };
    match operation {
        Operation::Begin(act) => match act.clone() {
            Act::Seek(share) => {
                disturbance.seeked_ms = now;
                let to = share * duration;
                on_page(Box::new(move |page| {
                    page.seek(to);
                    if page.element.is_paused() && page.error().is_none() {
                        page.element.play();
                    }
                }));
            }
            Act::Pause(_) => on_page(Box::new(|page| page.element.pause())),
            Act::Rate(rate) => on_page(Box::new(move |page| page.element.set_rate(rate))),
            Act::Quality(quality) => {
                disturbance.quality = (quality, now);
                on_page(Box::new(move |page| {
                    let count = page.model.borrow().qualities.len();
                    let quality = quality.filter(|index| (*index as usize) < count);
                    page.select_quality(quality);
                }));
            }
            Act::Audio(index) => on_page(Box::new(move |page| {
                let count = page.model.borrow().audio_tracks.len();
                if (index as usize) < count {
                    page.select_audio(index);
                }
            })),
            Act::Captions(index) => on_page(Box::new(move |page| {
                let count = page.model.borrow().captions.len();
                if (index as usize) < count {
                    page.select_captions(index);
                }
            })),
            Act::Goal(ahead, behind) => on_page(Box::new(move |page| {
                page.configure(BufferGoal { ahead, behind });
            })),
            Act::Screen(width, height) => {
                disturbance.resized_ms = now;
                on_page(Box::new(move |page| page.resize((width, height))));
            }
            Act::Offline(_) => world.set_online(false),
            Act::Freeze(seconds) => {
                disturb(seconds * 1000.0);
                world.freeze(Thread::PAGE);
            }
            Act::Hide(seconds) => {
                disturb(seconds * 1000.0);
                world.set_hidden(Thread::PAGE, true);
            }
            Act::Sleep(seconds) => {
                world.suspend(seconds * 1000.0);
                disturbance.until_ms = world.elapsed_ms() + RECOVERY_MS;
            }
            Act::BlockPage(seconds) => {
                disturb(seconds * 1000.0);
                world.block(Thread::PAGE, seconds * 1000.0);
            }
            Act::BlockWorker(seconds) => {
                if let Some(worker) = page.worker() {
                    disturb(seconds * 1000.0);
                    world.block(worker, seconds * 1000.0);
                }
            }
            Act::KillWorker => {
                if let Some(worker) = page.worker() {
                    disturb(0.0);
                    disturbance.seeked_ms = now + RECOVERY_MS;
                    world.terminate(worker);
                }
            }
            Act::ElementError(code) => {
                disturbance.seeked_ms = now + RECOVERY_MS;
                page.element.fail(code);
            }
            Act::GetStuck => {
                if !page.element.is_paused() {
                    page.element.get_stuck();
                }
            }
            Act::Evict(from, length) => {
                let start = (page.element.position() + from).max(0.0);
                page.element.evict(0, start..start + length);
            }
        },
        Operation::Online => world.set_online(true),
        Operation::Thaw => world.thaw(Thread::PAGE),
        Operation::Show => world.set_hidden(Thread::PAGE, false),
        Operation::Play => on_page(Box::new(|page| {
            if page.error().is_none() {
                page.element.play();
            }
        })),
    }
}

/// Ends the session as the page does, and checks that nothing of it remains.
fn close(world: &World, page: &Rc<Page>) -> Result<(), Violation> {
    let remains = |detail: String| {
        Err(Violation {
            invariant: Invariant::NothingAfterDrop,
            detail,
        })
    };
    world.thaw(Thread::PAGE);
    world.set_online(true);
    let is_alive = page.worker().is_none_or(|worker| world.is_alive(worker));
    world.on(Thread::PAGE, || page.stop());
    let stopped = world.run_until(SHUTDOWN_MS, || {
        page.has_received(|event| matches!(event, Event::Stopped { .. }))
    });
    if stopped != Ended::Done && is_alive {
        return remains(format!("the session does not stop: {stopped:?}"));
    }
    let requests = world.with_requests(<[_]>::len);
    world.on(Thread::PAGE, || page.element.detach());
    let closed = world.run_until(SHUTDOWN_MS, || {
        page.has_received(|event| matches!(event, Event::Closed { .. }))
    });
    if closed != Ended::Done && is_alive {
        return remains("its MediaSource is not closed".into());
    }
    world.run_for(SHUTDOWN_MS);
    if world.pending_requests() > 0 {
        return remains(format!("{} requests are pending", world.pending_requests()));
    }
    let later = world.with_requests(<[_]>::len) - requests;
    if later > 0 {
        return remains(format!("{later} requests were sent"));
    }
    if let Some(violation) = world.violations().first() {
        return Err(Violation {
            invariant: Invariant::NoMisuse,
            detail: violation.clone(),
        });
    }
    Ok(())
}
