//! Feeds one SourceBuffer: asks the planner what to do next, does it, and asks again.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    rc::Rc,
};

use futures_util::future::{Either, select, try_join};
use js_sys::Uint8Array;

use super::{
    boxes::Boxes,
    buffer::Buffer,
    cipher,
    conditions::{Conditions, Filled},
    fetch::Progress,
    film::Film,
    manifest,
    network::{Network, base, resolve},
};
use crate::{
    media::{
        AdaptationSet, Index, Kind, Place, Representation, RepresentationId, Segment, TOLERANCE,
        Timestamps, abr, mp4,
        plan::{Appended, Inventory, Situation, Step, plan},
        ranges::{Range, Ranges},
        retry::Attempts,
        selection::Sets,
    },
    web,
    wire::{self, Event, Fault, Fetched, Piece, SessionId, journey, post::Port},
};

/// What all feeds of a playback share.
pub struct Shared {
    /// The way to the page.
    pub port: Port,
    /// Which playback it is.
    pub session: SessionId,
    /// What is played.
    pub film: Rc<Film>,
    /// Where it comes from.
    pub network: Rc<Network>,
    /// What decides.
    pub conditions: Rc<Conditions>,
    /// By how much each stretch of HLS timestamps is off the film's own time, in seconds: as found by
    /// whichever feed came to it first, so that picture and sound stay together.
    pub offsets: RefCell<Vec<(u32, f64)>>,
    /// Whether nothing has been appended yet.
    pub is_first: Cell<bool>,
}

/// Feeds one SourceBuffer of one MediaSource.
pub struct Feed {
    shared: Rc<Shared>,
    kind: Kind,
    /// Where this MediaSource's part of the film ends.
    until: f64,
    sets: RefCell<Sets>,
    inventory: RefCell<Inventory>,
    /// What was fetched last.
    current: Cell<Option<RepresentationId>>,
    /// What the next choice has to stay below, after a download that was given up.
    below: Cell<Option<RepresentationId>>,
    /// The init segment that the SourceBuffer got last.
    init: RefCell<Option<(RepresentationId, Place)>>,
    /// Where what was appended last ends, by its manifest.
    end: Cell<f64>,
}

/// Sample entries and samples that overlap the edges of a period by less than this are kept whole: seconds.
const EDGE: f64 = 0.1;
/// How far off a segment may be and still be worth finishing after a seek, in seconds.
const NEAR: f64 = 5.0;
/// What is left in a full buffer behind the position, in seconds.
const LAST_BEHIND: f64 = 1.0;

impl Feed {
    /// Will feed one SourceBuffer from these sets, one for each period.
    pub fn new(shared: Rc<Shared>, kind: Kind, sets: Sets, until: f64) -> Self {
        Self {
            shared,
            kind,
            until,
            sets: RefCell::new(sets),
            inventory: RefCell::default(),
            current: Cell::default(),
            below: Cell::default(),
            init: RefCell::default(),
            end: Cell::new(f64::NEG_INFINITY),
        }
    }

    /// Feeds the buffer for as long as this is awaited. It never comes to an end by itself: after the
    /// last segment, the viewer may seek back.
    ///
    /// # Errors
    /// What ends the playback.
    pub async fn run(&self, mut buffer: Buffer) -> Result<Infallible, Fault> {
        loop {
            let change = self.shared.conditions.change();
            let buffered = buffer.buffered();
            let (step, complete) = self.next_step(&buffered);
            let ended = step == Step::End;
            let filled = Filled {
                buffered,
                complete,
                ended,
            };
            self.shared.conditions.fill(self.kind, filled);
            match step {
                Step::Evict(range) => buffer.remove(range).await?,
                Step::Learn(id) => {
                    if let Err(fault) = self.shared.film.learn(id).await {
                        self.give_up(id, fault).await?;
                    }
                }
                Step::Fetch(id, segment) => self.fetch(&mut buffer, id, &segment).await?,
                Step::Wait => self.shared.conditions.tick().await,
                Step::End => change.await,
            }
        }
    }

    /// Finds out what the buffer will be fed with first in a period, so that it can be made: its type.
    ///
    /// # Errors
    /// What ends the playback.
    pub async fn first_type(&self, period: usize) -> Result<String, Fault> {
        loop {
            let chosen = {
                let film = self.shared.film.presentation();
                let set = self.sets.borrow().get(period).copied().flatten();
                let chosen = set.and_then(|set| film.periods.get(period)?.sets.get(set));
                let quality = self.shared.conditions.quality();
                set.zip(chosen.and_then(|set| self.choose(period, set, quality, 0.0)))
            };
            let Some((set, representation)) = chosen else {
                let second = self.shared.conditions.position() as u32;
                return Err(Fault::Nothing { second });
            };
            let id = RepresentationId {
                period,
                set,
                representation,
            };
            let representation = self.shared.film.representation(id)?;
            if let Index::Known(_) = representation.index {
                return Ok(representation.mime());
            }
            if let Err(fault) = self.shared.film.learn(id).await {
                self.give_up(id, fault).await?;
            }
        }
    }

    /// Feeds it from other sets from now on.
    pub fn select(&self, sets: Sets) {
        self.sets.replace(sets);
    }

    /// What to do next, and up to which time nothing is missing.
    fn next_step(&self, buffered: &Ranges) -> (Step, f64) {
        let conditions = &self.shared.conditions;
        self.inventory.borrow_mut().reconcile(buffered);
        let position = conditions.position();
        let level = buffered.ahead(position);
        let calm = level.min(conditions.others(self.kind)) >= conditions.goal() / 2.0;
        let quality = (self.kind == Kind::Video)
            .then(|| conditions.quality())
            .flatten();
        let film = self.shared.film.presentation();
        let bandwidth_of = |id| film.representation(id).map_or(0, |it| it.bandwidth);
        let choose = |period, set: &AdaptationSet| self.choose(period, set, quality, level);
        // What would be fetched now in the place of what is there.
        let instead = |there: &Appended| {
            let RepresentationId { period, .. } = there.representation;
            let set = self.sets.borrow().get(period).copied().flatten()?;
            let chosen = film.periods.get(period)?.sets.get(set)?;
            let representation = choose(period, chosen)?;
            Some(RepresentationId {
                period,
                set,
                representation,
            })
        };
        plan(&Situation {
            film: &film,
            sets: &self.sets.borrow(),
            until: self.until,
            position,
            evictable: conditions.evictable(),
            goal: conditions.goal(),
            others: conditions.others(self.kind),
            buffered,
            inventory: &self.inventory.borrow(),
            choose: &choose,
            accepted: &|there| {
                instead(there).is_none_or(|instead| {
                    instead == there.representation
                        || (quality.is_none() && instead.set == there.representation.set)
                })
            },
            improvable: &|there| {
                calm && quality.is_none()
                    && instead(there)
                        .is_some_and(|it| bandwidth_of(it) > bandwidth_of(there.representation))
            },
        })
    }

    /// The representation of a set to fetch now.
    fn choose(
        &self,
        period: usize,
        set: &AdaptationSet,
        quality: Option<u64>,
        level: f64,
    ) -> Option<usize> {
        let which = self.sets.borrow().get(period).copied().flatten()?;
        let id = |representation| RepresentationId {
            period,
            set: which,
            representation,
        };
        let playable = |representation| {
            self.shared.film.is_playable(id(representation))
                && self.below.get().is_none_or(|below| {
                    (below.period, below.set) != (period, which)
                        || representation < below.representation
                })
        };
        if let Some(bandwidth) = quality {
            return (0..set.representations.len())
                .filter(|representation| self.shared.film.is_playable(id(*representation)))
                .min_by_key(|it| set.representations[*it].bandwidth.abs_diff(bandwidth));
        }
        let conditions = &self.shared.conditions;
        let current = self.current.get();
        abr::choose(
            &set.representations,
            playable,
            &abr::Conditions {
                bandwidth: self.shared.network.bandwidth(),
                level,
                goal: conditions.goal(),
                rate: conditions.rate().max(1.0),
                screen: conditions.screen(),
                current: current
                    .filter(|current| (current.period, current.set) == (period, which))
                    .map(|current| current.representation),
            },
        )
    }

    /// Fetches a segment and appends it, unless that turns out not to be wanted meanwhile.
    async fn fetch(
        &self,
        buffer: &mut Buffer,
        id: RepresentationId,
        segment: &Segment,
    ) -> Result<(), Fault> {
        let representation = self.shared.film.representation(id)?;
        self.announce(id, &representation);
        let (asked, progress) = (web::now(), Progress::default());
        let outcome = {
            let mut download =
                Box::pin(self.download(buffer, id, &representation, segment, &progress));
            loop {
                match select(download, Box::pin(self.shared.conditions.tick())).await {
                    Either::Left((outcome, _)) => break Some(outcome),
                    Either::Right((_, going)) => download = going,
                }
                if !self.is_wanted(id, segment) {
                    break None;
                }
                if self.is_hopeless(id, segment, &representation, asked, &progress) {
                    self.below.set(Some(id));
                    break None;
                }
            }
        };
        let appended = matches!(outcome, Some(Ok(())));
        self.shared.port.post(Event::Fetched {
            session: self.shared.session,
            fetched: Fetched {
                kind: kind_on_the_wire(self.kind),
                bandwidth: representation.bandwidth,
                start: segment.start,
                end: segment.end,
                bytes: progress.received.get(),
                asked,
                done: web::now(),
                appended,
            },
        });
        match outcome {
            Some(Ok(())) => {
                self.below.set(None);
                self.note(buffer, id, segment);
                Ok(())
            }
            Some(Err(fault)) => {
                buffer.reset();
                // A film may be said to be a little longer than it is.
                if matches!(fault, Fault::Status { .. }) && self.is_last(&representation, segment) {
                    self.note(buffer, id, segment);
                    return Ok(());
                }
                self.give_up(id, fault).await
            }
            None => {
                buffer.reset();
                Ok(())
            }
        }
    }

    /// Tells the page which quality is fetched from now on.
    fn announce(&self, id: RepresentationId, representation: &Representation) {
        if self.current.replace(Some(id)) == Some(id) || self.kind != Kind::Video {
            return;
        }
        self.shared.port.post(Event::Switched {
            session: self.shared.session,
            bandwidth: representation.bandwidth,
        });
    }

    /// Whether a segment that is on its way is still what the viewer needs next.
    fn is_wanted(&self, id: RepresentationId, segment: &Segment) -> bool {
        let conditions = &self.shared.conditions;
        let position = conditions.position();
        if segment.end < position || segment.start > position + conditions.goal() + NEAR {
            return false;
        }
        let buffered = conditions.filled(self.kind).unwrap_or_default().buffered;
        match self.next_step(&buffered).0 {
            Step::Fetch(next, other) => {
                let is_same_time = other.start < segment.end && segment.start < other.end;
                let is_chosen = conditions.quality().is_none() || self.kind != Kind::Video;
                is_same_time && next.set == id.set && (is_chosen || next == id)
            }
            Step::Evict(_) | Step::Learn(_) | Step::Wait | Step::End => true,
        }
    }

    /// Whether a segment will come too late, and one of a lower representation would not.
    fn is_hopeless(
        &self,
        id: RepresentationId,
        segment: &Segment,
        representation: &Representation,
        asked: f64,
        progress: &Progress,
    ) -> bool {
        let conditions = &self.shared.conditions;
        let is_free = conditions.quality().is_none() && conditions.rate() > 0.0;
        let film = self.shared.film.presentation();
        let lower = (0..id.representation)
            .find(|it| {
                self.shared.film.is_playable(RepresentationId {
                    representation: *it,
                    ..id
                })
            })
            .and_then(|representation| {
                film.representation(RepresentationId {
                    representation,
                    ..id
                })
            });
        let (Some(lower), true) = (lower, is_free) else {
            return false;
        };
        let bytes = |it: &Representation| {
            (it.bandwidth as f64 / 8.0 * (segment.end - segment.start)) as u64
        };
        let transfer = abr::Transfer {
            seconds: (web::now() - asked) / 1000.0,
            received: progress.received.get(),
            total: progress
                .total
                .get()
                .unwrap_or_else(|| bytes(representation)),
        };
        let buffered = conditions.filled(self.kind).unwrap_or_default().buffered;
        let left = buffered.ahead(conditions.position()) / conditions.rate();
        abr::is_hopeless(transfer, left, bytes(lower))
    }

    /// Fetches a segment and appends it, from one server or another.
    async fn download(
        &self,
        buffer: &mut Buffer,
        id: RepresentationId,
        representation: &Representation,
        segment: &Segment,
        progress: &Progress,
    ) -> Result<(), Fault> {
        let mut attempts = Attempts::new(representation.bases.len());
        loop {
            let base = base(&representation.bases, &attempts);
            match self
                .attempt(buffer, id, representation, segment, base, progress)
                .await
            {
                Ok(()) => {
                    self.shared.network.succeeded();
                    return Ok(());
                }
                Err(fault) => {
                    buffer.reset();
                    self.shared.network.failed(&mut attempts, fault).await?;
                }
            }
        }
    }

    async fn attempt(
        &self,
        buffer: &mut Buffer,
        id: RepresentationId,
        representation: &Representation,
        segment: &Segment,
        base: &str,
        progress: &Progress,
    ) -> Result<(), Fault> {
        let network = &self.shared.network;
        let bases = &representation.bases;
        let url = resolve(base, &segment.place.path)?;
        // The init segment is fetched once, and together with the first media segment.
        let init = async {
            match &segment.init {
                Some(init) => self
                    .shared
                    .film
                    .file(Piece::Init, bases, init)
                    .await
                    .map(Some),
                None => Ok(None),
            }
        };
        let media = network.open(Piece::Segment, &url, &segment.place, progress);
        let (init, mut answer) = try_join(init, media).await?;
        let measuring = network.measure(&url, progress);

        if let Some(key) = &segment.key {
            let place = Place {
                path: key.path.clone(),
                range: None,
            };
            let secret = self.shared.film.file(Piece::Key, bases, &place);
            let (secret, bytes) = try_join(secret, answer.all()).await?;
            drop(measuring);
            let bytes = cipher::decrypt(&bytes, &secret, key.iv, &url).await?;
            self.ready(buffer, id, representation, segment, init.as_ref(), &bytes)
                .await?;
            return self.append(buffer, &bytes).await;
        }

        let mut boxes = Boxes::of(&representation.container);
        let mut is_begun = false;
        while let Some(bytes) = answer.next().await? {
            measuring.count();
            boxes.follow(&bytes);
            if boxes.are_broken() {
                break;
            }
            if !is_begun {
                self.ready(buffer, id, representation, segment, init.as_ref(), &bytes)
                    .await?;
                is_begun = true;
            }
            self.append(buffer, &bytes).await?;
        }
        if let Some(reason) = boxes.complaint() {
            return Err(Fault::Damaged {
                what: Piece::Segment,
                url: url.clone(),
                reason: reason.into(),
            });
        }
        Ok(())
    }

    /// Readies the buffer for a segment: its type, its init segment, and where on the film's time it
    /// belongs.
    async fn ready(
        &self,
        buffer: &mut Buffer,
        id: RepresentationId,
        representation: &Representation,
        segment: &Segment,
        init: Option<&Uint8Array>,
        beginning: &Uint8Array,
    ) -> Result<(), Fault> {
        buffer.change_type(&representation.mime())?;
        if let (Some(bytes), Some(place)) = (init, &segment.init) {
            let is_there = |there: &(RepresentationId, Place)| there.0 == id && there.1 == *place;
            if !self.init.borrow().as_ref().is_some_and(is_there) {
                // A damaged one would end the MediaSource, and not only this representation.
                if representation.container.ends_with("/mp4") {
                    manifest::init(bytes, &place.path, Piece::Init)?;
                }
                // Until it is in, it is none of those that it may replace.
                self.init.take();
                self.append(buffer, bytes).await?;
                self.init.replace(Some((id, place.clone())));
            }
        }
        let offset = self.offset(representation, segment, init, beginning);
        buffer.place(offset, self.window(id))
    }

    /// What is outside of its period is not played, but for the part of a frame.
    fn window(&self, id: RepresentationId) -> Range {
        let film = self.shared.film.presentation();
        let is_last = id.period + 1 == film.periods.len();
        let Some(period) = film.periods.get(id.period) else {
            return Range {
                start: 0.0,
                end: f64::INFINITY,
            };
        };
        Range {
            start: if id.period == 0 {
                0.0
            } else {
                period.start - EDGE
            },
            end: if is_last {
                f64::INFINITY
            } else {
                period.end + EDGE
            },
        }
    }

    /// What is added to the timestamps of a segment, in seconds. `None` leaves it as it is, for packed
    /// audio: that has no timestamps, and each segment follows the one before.
    fn offset(
        &self,
        representation: &Representation,
        segment: &Segment,
        init: Option<&Uint8Array>,
        beginning: &Uint8Array,
    ) -> Option<f64> {
        let Index::Known(segments) = &representation.index else {
            return None;
        };
        if segments.timestamps == Timestamps::Media {
            return Some(segments.origin);
        }
        if !representation.container.ends_with("mp4") {
            let follows = (self.end.get() - segment.start).abs() < TOLERANCE;
            return (!follows).then_some(segment.start);
        }
        let mut offsets = self.shared.offsets.borrow_mut();
        let known = offsets
            .iter()
            .find(|(stretch, _)| *stretch == segment.stretch);
        if let Some((_, offset)) = known {
            return Some(*offset);
        }
        let glimpse = |bytes: &Uint8Array| bytes.subarray(0, bytes.length().min(GLIMPSE)).to_vec();
        let begins = init
            .and_then(|init| mp4::init(&init.to_vec()).ok())
            .and_then(|init| mp4::first_time(&glimpse(beginning), &init));
        let offset = begins.map_or(0.0, |begins| segment.start - begins);
        offsets.push((segment.stretch, offset));
        Some(offset)
    }

    /// Appends some bytes, and makes room for them if there is none.
    async fn append(&self, buffer: &mut Buffer, bytes: &Uint8Array) -> Result<(), Fault> {
        loop {
            match buffer.append(bytes).await {
                Err(Fault::BufferFull) => self.make_room(buffer).await?,
                done => return done,
            }
        }
    }

    /// Evicts what is not about to be played. If there is nothing else, waits until some has been.
    async fn make_room(&self, buffer: &mut Buffer) -> Result<(), Fault> {
        let conditions = &self.shared.conditions;
        conditions.lower_goal();
        loop {
            let position = conditions.position();
            let behind = Range {
                start: 0.0,
                end: (position - LAST_BEHIND).max(0.0),
            };
            let ahead = Range {
                start: position + conditions.goal(),
                end: f64::INFINITY,
            };
            let buffered = buffer.buffered();
            let held = |range: &Range| buffered.covers(*range) > 0.0;
            if let Some(range) = [behind, ahead].into_iter().find(held) {
                return buffer.remove(range).await;
            }
            if buffered.ahead(position) < LAST_BEHIND {
                return Err(Fault::BufferFull);
            }
            conditions.tick().await;
        }
    }

    /// Notes that a segment was appended.
    fn note(&self, buffer: &Buffer, id: RepresentationId, segment: &Segment) {
        let time = Range {
            start: segment.start,
            end: segment.end,
        };
        let filled = buffer.buffered().hull(time);
        self.end.set(segment.end);
        self.inventory.borrow_mut().record(Appended {
            time,
            filled,
            representation: id,
        });
        if self.shared.is_first.take() {
            self.shared
                .port
                .reached(self.shared.session, journey::Step::FirstAppend);
        }
    }

    /// Whether a segment is the last one of its period, and not the only one.
    fn is_last(&self, representation: &Representation, segment: &Segment) -> bool {
        let Index::Known(segments) = &representation.index else {
            return false;
        };
        segment.number > 0 && segment.number + 1 == segments.len()
    }

    /// Does without a representation from now on. If there is no other, what is buffered is still played.
    ///
    /// # Errors
    /// The fault, once there is nothing left to play.
    async fn give_up(&self, id: RepresentationId, fault: Fault) -> Result<(), Fault> {
        // After an error in an append the MediaSource takes nothing any more.
        if matches!(fault, Fault::Media { .. }) {
            return Err(fault);
        }
        if self.shared.film.exclude(id) {
            return Ok(());
        }
        let conditions = &self.shared.conditions;
        while conditions.ahead() > LAST_BEHIND && conditions.rate() > 0.0 {
            conditions.tick().await;
            conditions.position();
        }
        Err(fault)
    }
}

/// How many bytes of a segment are looked at to find its time.
const GLIMPSE: u32 = 64 << 10;

/// The same, as the page is told.
pub const fn kind_on_the_wire(kind: Kind) -> wire::Kind {
    match kind {
        Kind::Video => wire::Kind::Video,
        Kind::Audio => wire::Kind::Audio,
    }
}
