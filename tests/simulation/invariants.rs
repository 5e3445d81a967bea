//! What has to be true of every session. [`Checker::check`] is called at every step, [`Checker::finish`] at its end.

use std::{cell::RefCell, collections::BTreeMap, fmt, ops::Range, rc::Rc};

use testkit::{faults::Fault, fmp4::Damage};
use yew_mse_worker::{
    platform::simulated::{MediaElement, Outcome, Readiness, WaitCause, World},
    protocol::{Diagnostic, Event, PlaybackError, Quality, ResourceKind, SegmentReport, TrackKind},
};

use crate::{
    page::Page,
    scenario::{Act, BrowserKind, Scenario},
    server::ServerLog,
    source::{Facts, without},
};

/// A rule that every session keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A session ends in a bounded time.
    Ends,
    /// No thread panics, and no task runs in circles.
    Runs,
    /// Where a session ends without an error, everything that the viewer wanted to see was played.
    Covered,
    /// An error names a cause that exists in this world.
    Cause,
    /// Playback does not stand still while media is ahead.
    NoStallWithMedia,
    /// Playback does not wait while nothing is under way.
    NoIdleWait,
    /// No operation on a busy SourceBuffer, no call to a detached one, no uncaught exception.
    NoMisuse,
    /// Nothing is fetched twice without a reason.
    NoSecondFetch,
    /// No URL is requested more than ten times a minute.
    NoRequestStorm,
    /// Nothing of a session remains after it is dropped.
    NothingAfterDrop,
    /// The number of tasks and requests is bounded.
    BoundedMemory,
    /// No more is buffered than the goal and one segment.
    WithinGoal,
    /// The engine's clock is not beyond what is buffered, nor far from the element.
    Clock,
    /// While the network keeps up, playback does not stall: not while the page is frozen either.
    NoStallWhileCalm,
    /// The rendition that is fetched may be chosen: the selected one, or no larger than the picture.
    Rendition,
    /// The number of messages per minute is bounded.
    BoundedMessages,
}

/// An invariant that a session broke.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What happened.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.detail)
    }
}

fn broken<T>(invariant: Invariant, detail: impl Into<String>) -> Result<T, Violation> {
    Err(Violation {
        invariant,
        detail: detail.into(),
    })
}

/// The element is nudged 2.5 s after it stalls; a report of the page may be a second late.
const MAX_STILL_WITH_MEDIA_MS: f64 = 7_000.0;
/// Longer than any delay before a retry.
const MAX_IDLE_WAIT_MS: f64 = 15_000.0;
/// Requests of one URL within a minute.
const MAX_REQUESTS_PER_MINUTE: usize = 10;
/// Messages between page and engine within a minute, in both directions.
const MAX_MESSAGES_PER_MINUTE: usize = 1_500;
/// Tasks of the page and of all its engines.
const MAX_TASKS: usize = 60;
/// Requests at the same time.
const MAX_PENDING_REQUESTS: usize = 12;
/// How long after a change the engine may still act on what was before, in milliseconds.
const SETTLING_MS: f64 = 3_000.0;
/// Parts that were not played may be this long, in seconds: frames at the edges of periods, jumps over gaps.
const MAX_UNPLAYED_SECONDS: f64 = 0.45;

/// The state of the page's thread and machine, as the script sets it.
#[derive(Clone, Debug, Default)]
pub struct Disturbance {
    /// Until when the page cannot run, or has just begun to, in milliseconds since the world began.
    pub until_ms: f64,
    /// When the viewer last seeked or was moved by a new session.
    pub seeked_ms: f64,
    /// The quality that the viewer has selected, and when.
    pub quality: (Option<u32>, f64),
    /// When the picture last changed its size.
    pub resized_ms: f64,
}

/// Checks one session.
pub struct Checker {
    scenario: Scenario,
    facts: Facts,
    log: Rc<RefCell<ServerLog>>,
    position: f64,
    still_since_ms: f64,
    busy_ms: f64,
    /// Since when there has been media ahead.
    media_since_ms: f64,
    /// The largest sum of a position and the goal then.
    high_water: f64,
    events: usize,
    requests: usize,
    first_append_ms: Option<f64>,
    /// By URL and range: the times of the requests within the last minute.
    recent: BTreeMap<String, Vec<f64>>,
    /// Segments that were appended and not removed or replaced since: kind, bandwidth, start.
    appended: Vec<SegmentReport>,
    sessions: usize,
    /// The qualities that the engine offers.
    qualities: Vec<Quality>,
}

impl Checker {
    /// A checker of a session under a scenario.
    pub fn new(scenario: &Scenario, facts: Facts, log: Rc<RefCell<ServerLog>>) -> Self {
        Self {
            scenario: scenario.clone(),
            facts,
            log,
            position: -1.0,
            still_since_ms: 0.0,
            busy_ms: 0.0,
            media_since_ms: 0.0,
            high_water: 0.0,
            events: 0,
            requests: 0,
            first_append_ms: None,
            recent: BTreeMap::new(),
            appended: Vec::new(),
            sessions: 0,
            qualities: Vec::new(),
        }
    }

    /// Checks what can be checked at any time.
    ///
    /// # Errors
    /// The first invariant that is broken.
    pub fn check(
        &mut self,
        world: &World,
        page: &Page,
        disturbance: &Disturbance,
    ) -> Result<(), Violation> {
        if let Some(violation) = world.violations().first() {
            return broken(Invariant::NoMisuse, violation);
        }
        let now = world.elapsed_ms();
        if world.task_count() > MAX_TASKS {
            let count = world.task_count();
            return broken(Invariant::BoundedMemory, format!("{count} tasks"));
        }
        let pending = world.pending_requests();
        if pending > MAX_PENDING_REQUESTS {
            return broken(Invariant::BoundedMemory, format!("{pending} requests"));
        }
        let position = page.element.position();
        let goal = page.goal().ahead;
        self.high_water = self.high_water.max(position + goal);
        let requests = self.requests;
        self.check_requests(world, now)?;
        if pending > 0 || self.requests > requests {
            self.busy_ms = now;
        }
        self.check_movement(now, page, disturbance)?;
        self.check_events(page, disturbance)
    }

    fn check_movement(
        &mut self,
        now: f64,
        page: &Page,
        disturbance: &Disturbance,
    ) -> Result<(), Violation> {
        let element = &page.element;
        let position = element.position();
        let rests = element.is_paused()
            || element.has_ended()
            || element.error().is_some()
            || page.error().is_some()
            || now < disturbance.until_ms;
        if rests || position != self.position {
            self.position = position;
            self.still_since_ms = now;
        }
        if rests {
            self.busy_ms = now;
        }
        let still_ms = now - self.still_since_ms;
        let ahead = ahead(element, position);
        if ahead <= 1.0 || still_ms == 0.0 {
            self.media_since_ms = now;
        }
        if still_ms.min(now - self.media_since_ms) > MAX_STILL_WITH_MEDIA_MS && ahead > 1.0 {
            let detail =
                format!("stands at {position:.3} for {still_ms:.0} ms with {ahead:.1} s ahead");
            return broken(Invariant::NoStallWithMedia, detail);
        }
        let idle_ms = now - self.busy_ms.max(self.still_since_ms);
        if still_ms > MAX_IDLE_WAIT_MS && idle_ms > MAX_IDLE_WAIT_MS {
            let buffered = element.buffered();
            let detail = format!(
                "waits at {position:.3} for {idle_ms:.0} ms, buffered {buffered:.2?}, {:?}",
                element.readiness()
            );
            return broken(Invariant::NoIdleWait, detail);
        }
        Ok(())
    }

    fn check_requests(&mut self, world: &World, now: f64) -> Result<(), Violation> {
        let first = self.requests;
        let added: Vec<(f64, String)> = world.with_requests(|requests| {
            self.requests = requests.len();
            let added = requests[first..].iter();
            added
                .map(|it| {
                    (
                        it.at_ms,
                        format!("{} {:?}", it.request.url, it.request.range),
                    )
                })
                .collect()
        });
        for (at, url) in added {
            let times = self.recent.entry(url.clone()).or_default();
            times.push(at);
            times.retain(|time| now - time < 60_000.0);
            if times.len() > MAX_REQUESTS_PER_MINUTE {
                let detail = format!("{url} {} times within a minute", times.len());
                return broken(Invariant::NoRequestStorm, detail);
            }
        }
        Ok(())
    }

    fn check_events(&mut self, page: &Page, disturbance: &Disturbance) -> Result<(), Violation> {
        let traffic = page.traffic.borrow();
        if traffic.sessions.len() != self.sessions {
            self.sessions = traffic.sessions.len();
            self.appended.clear();
        }
        let events = &traffic.events[self.events..];
        self.events = traffic.events.len();
        for (at, event) in events {
            match event {
                Event::MediaSourceReady { .. } => self.appended.clear(),
                // The viewer sees for how long a retry is waited for.
                Event::Retrying {
                    error: Some(_),
                    seconds,
                    ..
                } => {
                    self.busy_ms = self.busy_ms.max(at + f64::from(*seconds) * 1000.0);
                }
                Event::Tracks { qualities, .. } => {
                    self.qualities.clone_from(qualities);
                }
                Event::Diagnostics { diagnostic, .. } => match diagnostic.decode() {
                    Ok(Diagnostic::SegmentFinished(report)) => {
                        self.check_segment(report, disturbance)?;
                    }
                    Ok(Diagnostic::Evicted { kind, start, end }) => {
                        let is_kept = |it: &SegmentReport| {
                            it.kind != kind || it.end <= start || it.start >= end
                        };
                        self.appended.retain(is_kept);
                    }
                    Ok(Diagnostic::BufferLevels {
                        levels, position, ..
                    }) => {
                        let levels = levels.iter().map(|level| &level.buffered[..]);
                        self.check_levels(*at, levels, position, page, disturbance)?;
                    }
                    Ok(Diagnostic::FileOpened { .. }) => {}
                    Err(error) => return broken(Invariant::NoMisuse, error.to_string()),
                },
                _ => {}
            }
        }
        Ok(())
    }

    fn check_levels<'a>(
        &self,
        at: f64,
        levels: impl Iterator<Item = &'a [(f64, f64)]>,
        position: f64,
        page: &Page,
        disturbance: &Disturbance,
    ) -> Result<(), Violation> {
        let is_settled = page.element.readiness() > Readiness::Nothing
            && at > disturbance.until_ms + SETTLING_MS
            && at > disturbance.seeked_ms + SETTLING_MS;
        let mut common_end = f64::INFINITY;
        for ranges in levels {
            let end = ranges.last().map_or(0.0, |(_, end)| *end);
            common_end = common_end.min(end);
            let limit = self.high_water + 1.5 * self.facts.segment + self.facts.tolerance + 1.0;
            // Damage can change timestamps.
            let is_damaged = self.is_damaged();
            if end > limit && !is_damaged {
                let detail = format!("buffered to {end:.2}, the limit is {limit:.2}");
                return broken(Invariant::WithinGoal, detail);
            }
        }
        if is_settled && position > common_end + 0.2 && !page.element.has_ended() {
            let element = page.element.position();
            if position > element + 0.2 {
                let detail = format!(
                    "the clock is at {position:.2}, buffered to {common_end:.2}, the element at {element:.2}"
                );
                return broken(Invariant::Clock, detail);
            }
        }
        let element = page.element.position();
        let slack = 2.0 * page.element.rate().max(1.0) + 1.0;
        let is_stuck = self.scenario.has(|act| *act == Act::GetStuck);
        if is_settled && position > element + slack && !is_stuck {
            let detail = format!("the clock is at {position:.2}, the element at {element:.2}");
            return broken(Invariant::Clock, detail);
        }
        Ok(())
    }

    fn check_segment(
        &mut self,
        report: SegmentReport,
        disturbance: &Disturbance,
    ) -> Result<(), Violation> {
        let requested = report.requested_at - yew_mse_worker::platform::simulated::EPOCH_MS;
        self.check_rendition(&report, requested, disturbance)?;
        if !report.appended {
            return Ok(());
        }
        self.first_append_ms.get_or_insert(requested);
        // Qualities may have different boundaries.
        let same = |it: &SegmentReport| {
            let overlap = it.end.min(report.end) - it.start.max(report.start);
            let shorter = (it.end - it.start).min(report.end - report.start);
            it.kind == report.kind && overlap > 0.75 * shorter
        };
        let is_selected = disturbance.quality.1 > 0.0;
        if let Some(before) = self.appended.iter().find(|it| same(it)) {
            let is_replacement = before.bandwidth < report.bandwidth || is_selected;
            let may_be_evicted = self.scenario.has(|act| matches!(act, Act::Evict(..)))
                || self.scenario.quota.is_some();
            let is_audio_change = report.kind == TrackKind::Audio
                && self.scenario.has(|act| matches!(act, Act::Audio(_)));
            if !is_replacement && !may_be_evicted && !is_audio_change {
                let detail = format!(
                    "{:?} {:.2}–{:.2} at {} b/s was appended at {} b/s before",
                    report.kind, report.start, report.end, report.bandwidth, before.bandwidth
                );
                return broken(Invariant::NoSecondFetch, detail);
            }
        }
        self.appended.retain(|it| !same(it));
        self.appended.push(report);
        Ok(())
    }

    fn check_rendition(
        &self,
        report: &SegmentReport,
        requested: f64,
        disturbance: &Disturbance,
    ) -> Result<(), Violation> {
        let can_be_excluded = !self.log.borrow().faults.is_empty();
        if report.kind != TrackKind::Video || can_be_excluded || self.sessions > 1 {
            return Ok(());
        }
        let settled = disturbance.until_ms.max(disturbance.quality.1) + SETTLING_MS;
        if let (Some(index), _) = disturbance.quality
            && requested > settled
            && let Some(selected) = self.qualities.get(index as usize)
            && selected.bandwidth != report.bandwidth
        {
            let selected = selected.bandwidth;
            let detail = format!("fetched {} b/s, selected {selected}", report.bandwidth);
            return broken(Invariant::Rendition, detail);
        }
        let (width, height) = self.scenario.screen;
        let is_resized = self
            .scenario
            .has(|act| matches!(act, Act::Screen(..) | Act::Quality(_)));
        let started = self.first_append_ms.unwrap_or(f64::INFINITY);
        if !is_resized && width > 0 && requested > started + SETTLING_MS {
            let fills = |it: &&Quality| it.size.0 >= width || it.size.1 >= height;
            let largest = self
                .qualities
                .iter()
                .filter(fills)
                .map(|it| it.bandwidth)
                .min();
            if largest.is_some_and(|largest| report.bandwidth > largest) {
                let detail = format!("fetched {} b/s for {width}×{height}", report.bandwidth);
                return broken(Invariant::Rendition, detail);
            }
        }
        Ok(())
    }

    /// Checks what can be checked only when the session has ended.
    ///
    /// # Errors
    /// The first invariant that is broken.
    pub fn finish(&self, world: &World, page: &Page) -> Result<(), Violation> {
        self.check_messages(page)?;
        self.check_files(world)?;
        match page.error() {
            Some(error) => self.check_cause(&error, &page.element),
            None => {
                self.check_covered(page)?;
                self.check_calm(page)
            }
        }
    }

    fn check_messages(&self, page: &Page) -> Result<(), Violation> {
        let traffic = page.traffic.borrow();
        let times = &traffic.messages;
        for (nth, time) in times.iter().enumerate() {
            let within = times[nth..].iter().take_while(|it| *it - time < 60_000.0);
            let count = within.count();
            if count > MAX_MESSAGES_PER_MINUTE {
                return broken(
                    Invariant::BoundedMessages,
                    format!("{count} within a minute"),
                );
            }
        }
        Ok(())
    }

    /// Files other than media segments are fetched once per session.
    fn check_files(&self, world: &World) -> Result<(), Violation> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let sessions = self.sessions.max(1);
        let has_faults = !self.log.borrow().faults.is_empty();
        let result = world.with_requests(|requests| {
            for it in requests {
                let url = &it.request.url;
                let is_media = url.ends_with(".m4s") || url.ends_with("media.mp4");
                // A file of captions may be listed in each period.
                let is_captions = url.ends_with(".vtt");
                if is_media || is_captions || it.outcome != Outcome::Complete || has_faults {
                    continue;
                }
                let count = counts.entry(url.clone()).or_default();
                *count += 1;
                // Each track fetches its keys.
                let tracks = if url.ends_with(".bin") { 2 } else { 1 };
                if *count > sessions * tracks {
                    return Err(format!("{url} {count} times in {sessions} sessions"));
                }
            }
            Ok(())
        });
        result.or_else(|detail| broken(Invariant::NoSecondFetch, detail))
    }

    fn is_damaged(&self) -> bool {
        let log = self.log.borrow();
        log.faults
            .iter()
            .any(|(fault, _)| matches!(fault, Fault::Damaged(_)))
    }

    fn check_covered(&self, page: &Page) -> Result<(), Violation> {
        let log = self.log.borrow();
        // What the server does not have, or has damaged, cannot be played.
        let is_missing = log
            .statuses
            .iter()
            .any(|(status, _)| matches!(status, 403 | 404 | 410 | 451));
        if is_missing || self.is_damaged() || self.facts.is_broken {
            return Ok(());
        }
        let played = page.element.played();
        for wanted in page.intended.borrow().iter() {
            for covered in &self.facts.covered {
                let part = wanted.start.max(covered.start)..wanted.end.min(covered.end);
                let missing = without(part, &played);
                let longest = MAX_UNPLAYED_SECONDS + self.facts.tolerance;
                if let Some(hole) = missing.iter().find(|it| it.end - it.start > longest) {
                    let detail = format!(
                        "{:.2}–{:.2} of {wanted:.2?} was not played, but {played:.2?}",
                        hole.start, hole.end
                    );
                    return broken(Invariant::Covered, detail);
                }
            }
        }
        Ok(())
    }

    /// Without faults and with enough bandwidth, playback never runs out of media.
    fn check_calm(&self, page: &Page) -> Result<(), Violation> {
        let is_benign = |act: &Act| {
            matches!(
                act,
                Act::Freeze(_) | Act::Hide(_) | Act::Captions(_) | Act::Pause(_)
            )
        };
        // An engine on a frozen page cannot work.
        let is_in_worker = matches!(
            self.scenario.browser,
            BrowserKind::Chromium | BrowserKind::Safari
        );
        let is_frozen = self.scenario.has(|act| matches!(act, Act::Freeze(_)));
        if !self.scenario.is_calm(self.facts.highest)
            || self
                .scenario
                .script
                .iter()
                .any(|step| !is_benign(&step.act))
            || (is_frozen && !is_in_worker)
            || self.facts.tolerance > 0.0
        {
            return Ok(());
        }
        for wait in page.element.waits() {
            let inside =
                |it: &Range<f64>| it.start + 1.0 < wait.position && wait.position < it.end - 1.0;
            if wait.cause == WaitCause::Underrun
                && wait.duration_ms > 300.0
                && self.facts.covered.iter().any(inside)
            {
                return broken(Invariant::NoStallWhileCalm, format!("{wait:?}"));
            }
        }
        Ok(())
    }

    /// Whether an error names a cause that exists.
    fn check_cause(&self, error: &PlaybackError, element: &MediaElement) -> Result<(), Violation> {
        let log = self.log.borrow();
        let has_fault =
            |is_such: &dyn Fn(&Fault) -> bool| log.faults.iter().any(|(it, _)| is_such(it));
        let has_act = |is_such: &dyn Fn(&Act) -> bool| self.scenario.has(is_such);
        // That the browser was offline, or the machine asleep, is no fault of a server.
        let is_slow = self.scenario.connection.least() < 0.1e6
            || has_fault(&|it| matches!(it, Fault::Silent(_) | Fault::Late(_) | Fault::Slow(_)));
        let is_damaged = has_fault(&|it| {
            matches!(
                it,
                Fault::Damaged(_) | Fault::Html | Fault::Range(_) | Fault::WrongType
            )
        });
        let is_corrupted = has_fault(&|it| {
            matches!(
                it,
                Fault::Damaged(Damage::Corrupted(_) | Damage::Oversized | Damage::Garbage(_))
            )
        });
        let is_explained = match error {
            PlaybackError::HttpStatus { status, .. } | PlaybackError::ServerBusy { status, .. } => {
                log.statuses.iter().any(|(it, _)| it == status)
            }
            PlaybackError::Network { .. } => {
                log.lost > 0
                    || has_fault(&|it| {
                        matches!(
                            it,
                            Fault::Closed(_) | Fault::Refused | Fault::Redirect { .. }
                        )
                    })
            }
            PlaybackError::Timeout { .. } => is_slow,
            PlaybackError::InvalidData {
                resource: ResourceKind::MediaSegment,
                ..
            } => is_damaged || self.facts.is_broken,
            PlaybackError::InvalidData { .. } => is_damaged,
            PlaybackError::InvalidManifest { .. } | PlaybackError::UnsupportedFeature { .. } => {
                is_damaged || has_fault(&|it| matches!(it, Fault::Closed(_)))
            }
            // Only once all is played that there was room for.
            PlaybackError::BufferFull => {
                self.scenario.quota.is_some() && ahead(element, element.position()) < 1.5
            }
            PlaybackError::MediaElement { .. } => {
                is_corrupted || has_act(&|act| matches!(act, Act::ElementError(_)))
            }
            PlaybackError::MediaSourceCall { .. } => {
                is_damaged || has_act(&|act| matches!(act, Act::ElementError(_)))
            }
            PlaybackError::WorkerUnresponsive | PlaybackError::WorkerTimeout { .. } => {
                has_act(&|act| matches!(act, Act::KillWorker | Act::BlockWorker(_)))
            }
            PlaybackError::UnsupportedCodec { .. } => is_damaged,
            PlaybackError::NothingToPlay { .. } => {
                // Less than a player calls a gap.
                let covered = self.facts.covered.iter().map(|it| it.end - it.start);
                let is_tiny = covered.sum::<f64>() < 0.5;
                // Audio that is shorter than the manifest says, in a presentation with `$Number$`.
                is_corrupted
                    || is_tiny
                    || log.statuses.iter().any(|(it, _)| matches!(it, 404 | 410))
            }
            _ => false,
        };
        match is_explained {
            true => Ok(()),
            false => broken(Invariant::Cause, format!("{error} ({error:?})")),
        }
    }
}

/// Seconds from a position to the end of the range that it is in.
fn ahead(element: &MediaElement, position: f64) -> f64 {
    if element.readiness() == Readiness::Nothing {
        return 0.0;
    }
    let buffered = element.buffered();
    let here = buffered
        .iter()
        .find(|it| it.start <= position && position < it.end);
    here.map_or(0.0, |it| it.end - position)
}
