//! Feeds one SourceBuffer: asks the planner what to do next, does it, and asks again.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    rc::Rc,
};

use futures_util::future::{Either, LocalBoxFuture, select};

use super::{
    context::{Context, Error, invalid_data},
    download::Download,
    media_source::OwnedMediaSource,
    period_group::nothing_to_play,
    playback_state::BufferStatus,
    segment_buffer::SegmentBuffer,
};
use crate::{
    media::{
        BOUNDARY_TOLERANCE, ContentType, Representation, RepresentationId, Segment, abr,
        plan::{AppendedSegment, BufferAction, BufferInventory, Snapshot, plan},
        ranges::{TimeRange, TimeRanges},
        selection::{SetPerPeriod, set_in_period},
    },
    platform::web,
    protocol::{self, Diagnostic, Event, PlaybackError, ResourceKind, SegmentReport, milestone},
};

/// Feeds one SourceBuffer of one MediaSource.
pub struct TrackFeeder {
    context: Rc<Context>,
    content_type: ContentType,
    /// Where this MediaSource's part of the film ends.
    end: f64,
    adaptation_sets: RefCell<SetPerPeriod>,
    inventory: RefCell<BufferInventory>,
    /// What was fetched last.
    current: Cell<Option<RepresentationId>>,
    /// What the next choice has to stay below, after a download that was given up.
    max_representation: Cell<Option<RepresentationId>>,
    /// Where the segment begins that filled less than its time and was fetched again for it, in seconds.
    refetched_at: Cell<Option<f64>>,
}

/// How far off a segment may be and still be worth finishing after a seek, in seconds.
const NEAR: f64 = 5.0;

impl TrackFeeder {
    /// Will feed one SourceBuffer from these sets, one for each period.
    pub fn new(shared: Rc<Context>, kind: ContentType, sets: SetPerPeriod, until: f64) -> Self {
        Self {
            context: shared,
            content_type: kind,
            end: until,
            adaptation_sets: RefCell::new(sets),
            inventory: RefCell::default(),
            current: Cell::default(),
            max_representation: Cell::default(),
            refetched_at: Cell::default(),
        }
    }

    /// Feeds the buffer for as long as this is awaited. It never comes to an end by itself: after the
    /// last segment, the viewer may seek back.
    ///
    /// # Errors
    /// What ends the playback.
    pub async fn run(
        &self,
        mut buffer: SegmentBuffer,
        source: &OwnedMediaSource,
    ) -> Result<Infallible, Error> {
        loop {
            let change = self.context.state.next_change();
            let buffered = buffer.buffered();
            let (mut step, complete) = self.next_action(&buffered);
            if let BufferAction::Fetch(_, segment) = &step
                && !source.is_streaming()
                && buffered.ahead(self.context.state.position()) > 0.0
                && buffered
                    .range_at(segment.start + BOUNDARY_TOLERANCE)
                    .is_none()
            {
                // A managed source says when it wants more. What comes in the place of something is not
                // more, and what there is nothing to play without is not waited for.
                step = BufferAction::Wait;
            }
            let ended = matches!(step, BufferAction::End);
            let filled = BufferStatus {
                buffered,
                complete_until: complete,
                is_complete: ended,
            };
            self.context
                .state
                .set_buffer_status(self.content_type, filled);
            let (id, done) = match step {
                BufferAction::LoadIndex(id) => (id, self.load_index(id).await),
                BufferAction::Fetch(id, segment) => {
                    (id, self.fetch(&mut buffer, id, &segment).await)
                }
                BufferAction::Evict(range) => {
                    self.evict(&mut buffer, range).await?;
                    continue;
                }
                BufferAction::Wait => {
                    self.context.state.next_change_or_tick().await;
                    continue;
                }
                BufferAction::End => {
                    change.await;
                    continue;
                }
            };
            if let Err(fault) = done {
                self.give_up(id, fault).await?;
            }
        }
    }

    /// Finds out what the buffer will be fed with first in a period, so that it can be made: its type.
    ///
    /// # Errors
    /// What ends the playback.
    pub async fn first_type(&self, period: usize) -> Result<String, Error> {
        loop {
            let Some(id) = self.choose(period, 0.0) else {
                return Err(nothing_to_play(self.context.state.position()));
            };
            if let Some(known) = self.known_type(id) {
                return Ok(known);
            }
            if let Err(fault) = self.context.content.load_index(id).await {
                self.give_up(id, fault).await?;
            }
        }
    }

    /// The type of a representation of which all is known.
    fn known_type(&self, id: RepresentationId) -> Option<String> {
        let film = self.context.content.presentation();
        let representation = film.representation(id)?;
        representation.is_resolved().then(|| representation.mime())
    }

    /// Whether what it will feed first is the beginning of the film.
    pub fn starts_at_zero(&self) -> bool {
        let (first, _) = self.next_action(&TimeRanges::default());
        matches!(first, BufferAction::Fetch(_, segment) if segment.start <= 0.0)
    }

    /// Feeds it from other sets from now on.
    pub fn select(&self, sets: SetPerPeriod) {
        self.adaptation_sets.replace(sets);
    }

    /// The set that it feeds from in a period, if there is one.
    pub fn adaptation_set(&self, period: usize) -> Option<usize> {
        set_in_period(&self.adaptation_sets.borrow(), period)
    }

    /// Bits per second of the quality that a person has chosen, if these are the pictures.
    fn quality(&self) -> Option<u64> {
        let chosen = self.context.state.quality();
        chosen.filter(|_| self.content_type == ContentType::Video)
    }

    /// What to do next, and up to which time nothing is missing.
    fn next_action(&self, buffered: &TimeRanges) -> (BufferAction, f64) {
        let conditions = &self.context.state;
        self.inventory.borrow_mut().reconcile(buffered);
        let position = conditions.position();
        let level = buffered.ahead(position);
        let others = conditions.other_buffer_ahead(self.content_type);
        let goal = conditions.goal();
        let is_calm = level.min(others) >= goal / 2.0;
        let is_free = self.quality().is_none();
        let film = self.context.content.presentation();
        let bandwidth_of = |id| film.representation(id).map_or(0, |it| it.bandwidth);
        // What would be fetched now, also in the place of what is there.
        let choose = |period| self.choose(period, level);
        plan(&Snapshot {
            presentation: &film,
            end: self.end,
            position,
            evictable_before: conditions.evictable_before(),
            goal,
            other_buffer_ahead: others,
            buffered,
            inventory: &self.inventory.borrow(),
            choose: &choose,
            is_acceptable: &|AppendedSegment { representation, .. }| {
                choose(representation.period).is_none_or(|instead| {
                    instead == *representation || (is_free && instead.set == representation.set)
                })
            },
            is_replaceable: &|AppendedSegment { representation, .. }| {
                is_calm
                    && is_free
                    && choose(representation.period).is_some_and(|instead| {
                        bandwidth_of(instead) > bandwidth_of(*representation)
                    })
            },
        })
    }

    /// The representation to fetch of a period now, with so many seconds ahead of the position.
    fn choose(&self, period: usize, level: f64) -> Option<RepresentationId> {
        let Context {
            content: film,
            state: conditions,
            network,
            ..
        } = &*self.context;
        let set = self.adaptation_set(period)?;
        let id = |representation| RepresentationId {
            period,
            set,
            representation,
        };
        let in_set = |it: RepresentationId| {
            let is_in = (it.period, it.set) == (period, set);
            is_in.then_some(it.representation)
        };
        let is_playable = |representation| film.is_playable(id(representation));
        let film = film.presentation();
        let representations = &film.adaptation_set(id(0))?.representations;
        if let Some(bandwidth) = self.quality() {
            return abr::nearest(representations, &is_playable, bandwidth).map(id);
        }
        let below = self
            .max_representation
            .get()
            .and_then(in_set)
            .unwrap_or(usize::MAX);
        let chosen = abr::choose(
            representations,
            &|representation| representation < below && is_playable(representation),
            &abr::AbrInput {
                bandwidth: network.meter.estimate(),
                buffer_ahead: level,
                goal: conditions.goal(),
                rate: conditions.rate().max(1.0),
                screen_size: conditions.screen_size(),
                current: self.current.get().and_then(in_set),
            },
        );
        chosen.map(id)
    }

    /// Finds out about a representation, for as long as it is the one to be fetched next.
    async fn load_index(&self, id: RepresentationId) -> Result<(), Error> {
        let conditions = &self.context.state;
        let mut learning: LocalBoxFuture<_> = Box::pin(self.context.content.load_index(id));
        loop {
            if let Either::Left((done, _)) =
                select(&mut learning, conditions.next_change_or_tick()).await
            {
                return done;
            }
            let buffered = conditions.buffered(self.content_type);
            if !matches!(self.next_action(&buffered).0, BufferAction::LoadIndex(next) if next == id)
            {
                return Ok(());
            }
        }
    }

    /// Fetches a segment and appends it, unless that turns out not to be wanted meanwhile.
    ///
    /// # Errors
    /// Why it has to be done without.
    async fn fetch(
        &self,
        buffer: &mut SegmentBuffer,
        id: RepresentationId,
        segment: &Segment,
    ) -> Result<(), Error> {
        let representation = self.context.content.representation(id)?;
        self.announce(id, &representation);
        let download = Download {
            context: &self.context,
            content_type: self.content_type,
            id,
            representation: &representation,
            segment,
            progress: Rc::default(),
        };
        let asked = web::now();
        let outcome = self.fetch_while_needed(&download, buffer, asked).await;
        let is_appended = matches!(outcome, Outcome::Appended);
        self.report_segment(&download, asked, is_appended);
        if !is_appended {
            buffer.reset();
        }
        match outcome {
            Outcome::Appended => self.record_appended(buffer, &download)?,
            Outcome::Unwanted => {}
            Outcome::Failed(fault) => match *fault {
                // A period may be said to be longer than it is.
                PlaybackError::HttpStatus {
                    resource: ResourceKind::MediaSegment,
                    status: 404 | 410,
                    ..
                } if self.context.content.truncate_at_missing(id, segment).await => {}
                // It is fetched again when there is room for it.
                PlaybackError::BufferFull => self.make_room(buffer).await?,
                _ => return Err(fault),
            },
        }
        Ok(())
    }

    /// Lets a download go on for as long as it is wanted.
    async fn fetch_while_needed(
        &self,
        download: &Download<'_>,
        buffer: &mut SegmentBuffer,
        asked: f64,
    ) -> Outcome {
        let mut running: LocalBoxFuture<_> = Box::pin(download.run(buffer));
        loop {
            let tick = self.context.state.next_change_or_tick();
            if let Either::Left((done, _)) = select(&mut running, tick).await {
                return match done {
                    Ok(()) => Outcome::Appended,
                    Err(fault) => Outcome::Failed(fault),
                };
            }
            if self.should_abandon(download, asked) {
                self.max_representation.set(Some(download.id));
                return Outcome::Unwanted;
            }
            if !self.is_wanted(download.id, download.segment) {
                return Outcome::Unwanted;
            }
        }
    }

    /// Tells the page what became of a segment.
    fn report_segment(&self, download: &Download, asked: f64, appended: bool) {
        let detail = Diagnostic::SegmentFinished(SegmentReport {
            kind: track_kind(self.content_type),
            bandwidth: download.representation.bandwidth,
            start: download.segment.start,
            end: download.segment.end,
            bytes: download.progress.received.get(),
            requested_at: asked,
            finished_at: web::now(),
            appended,
        });
        self.context
            .port
            .post_diagnostic(self.context.session, &detail);
    }

    /// Tells the page which quality is fetched from now on.
    fn announce(&self, id: RepresentationId, representation: &Representation) {
        if self.current.replace(Some(id)) == Some(id) || self.content_type != ContentType::Video {
            return;
        }
        self.context.port.post(Event::QualityChanged {
            session: self.context.session,
            bandwidth: representation.bandwidth,
        });
    }

    /// Whether a segment that is on its way is still what the viewer needs next.
    fn is_wanted(&self, id: RepresentationId, segment: &Segment) -> bool {
        let conditions = &self.context.state;
        let position = conditions.position();
        if segment.end < position || segment.start > position + conditions.goal() + NEAR {
            return false;
        }
        let buffered = conditions.buffered(self.content_type);
        match self.next_action(&buffered).0 {
            // Only what is needed sooner is a reason to stop.
            BufferAction::Fetch(_, other) if other.start >= segment.end - BOUNDARY_TOLERANCE => {
                true
            }
            BufferAction::Fetch(next, other) => {
                let is_same_time = segment.start < other.end;
                let is_free = self.quality().is_none();
                is_same_time && next.set == id.set && (is_free || next == id)
            }
            BufferAction::Evict(_)
            | BufferAction::LoadIndex(_)
            | BufferAction::Wait
            | BufferAction::End => true,
        }
    }

    /// Whether a segment will come too late, and one of a lower representation would not.
    fn should_abandon(&self, download: &Download, asked: f64) -> bool {
        let conditions = &self.context.state;
        let id = download.id;
        let film = self.context.content.presentation();
        let lower = (0..id.representation)
            .map(|representation| RepresentationId {
                representation,
                ..id
            })
            .find(|it| self.context.content.is_playable(*it))
            .and_then(|it| film.representation(it));
        let is_free = conditions.quality().is_none() && conditions.rate() > 0.0;
        let (Some(lower), true) = (lower, is_free) else {
            return false;
        };
        let seconds = download.segment.end - download.segment.start;
        let bytes = |it: &Representation| (it.bandwidth as f64 / 8.0 * seconds) as u64;
        let total = download.progress.total.get();
        let transfer = abr::TransferProgress {
            seconds: (web::now() - asked) / 1000.0,
            received: download.progress.received.get(),
            total: total.unwrap_or_else(|| bytes(download.representation)),
        };
        let buffered = conditions.buffered(self.content_type);
        let left = buffered.ahead(conditions.position()) / conditions.rate();
        abr::should_abandon(transfer, left, bytes(lower))
    }

    /// Notes that a segment was appended.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidData`] if nothing comes of what is appended.
    fn record_appended(
        &self,
        buffer: &mut SegmentBuffer,
        download: &Download,
    ) -> Result<(), Error> {
        let time = TimeRange {
            start: download.segment.start,
            end: download.segment.end,
        };
        self.max_representation.set(None);
        buffer.set_end(time.end);
        let buffered = buffer.buffered();
        let filled = buffered.hull(time);
        let held = buffered.covered_seconds(time);
        // A managed source may have evicted its beginning before its end came: then it is fetched again. But
        // only once, as it may also have no more to give.
        let is_short = time.length() - held > 2.0 * BOUNDARY_TOLERANCE;
        let start = Some(time.start);
        if buffer.take_evicted() && is_short && self.refetched_at.replace(start) != start {
            return Ok(());
        }
        self.inventory.borrow_mut().record(AppendedSegment {
            time,
            buffered: filled,
            replaced_seconds: held,
            representation: download.id,
        });
        if self.context.nothing_appended.take() {
            let step = milestone::Milestone::FirstAppend;
            self.context.port.post_milestone(self.context.session, step);
        }
        if self.inventory.borrow().is_futile() {
            let path = &download.segment.resource.path;
            let reason = "it is of another time than its manifest says";
            return Err(invalid_data(ResourceKind::MediaSegment, path, reason));
        }
        Ok(())
    }

    /// Does without a representation from now on. If there is no other, what is buffered is still played.
    ///
    /// # Errors
    /// The fault, once there is nothing left to play.
    async fn give_up(&self, id: RepresentationId, fault: Error) -> Result<(), Error> {
        self.max_representation.set(None);
        // After an error in an append the MediaSource takes nothing any more, and where there is no room
        // another representation finds none either.
        if matches!(
            *fault,
            PlaybackError::MediaSourceCall { .. } | PlaybackError::BufferFull
        ) {
            return Err(fault);
        }
        if self.context.content.exclude(id) {
            return Ok(());
        }
        let conditions = &self.context.state;
        let start = conditions.observed_position();
        let end = start + conditions.buffered_ahead();
        while conditions.buffered_ahead() > REST {
            conditions.next_change_or_tick().await;
            let position = conditions.observed_position();
            if position < start - REST || position > end {
                // The viewer has gone elsewhere, where it may be well.
                return Ok(());
            }
        }
        Err(fault)
    }

    /// Removes what lies in a range, and tells the page.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is closed.
    async fn evict(&self, buffer: &mut SegmentBuffer, range: TimeRange) -> Result<(), Error> {
        buffer.remove(range).await?;
        let detail = Diagnostic::Evicted {
            kind: track_kind(self.content_type),
            start: range.start,
            end: range.end,
        };
        self.context
            .port
            .post_diagnostic(self.context.session, &detail);
        Ok(())
    }

    /// Evicts what is not about to be played. If there is nothing else, waits until some has been.
    ///
    /// # Errors
    /// [`PlaybackError::BufferFull`], once there is nothing left to play.
    async fn make_room(&self, buffer: &mut SegmentBuffer) -> Result<(), Error> {
        let conditions = &self.context.state;
        let mut is_lowered = false;
        loop {
            let buffered = buffer.buffered();
            for range in self.evictable_ranges() {
                if buffered.covered_seconds(range) > BOUNDARY_TOLERANCE {
                    return self.evict(buffer, range).await;
                }
            }
            // By where the film was seen: the clock may have run on while the film did not.
            let level = buffered.ahead(conditions.observed_position());
            if level < REST {
                return Err(PlaybackError::BufferFull.into());
            }
            if !std::mem::replace(&mut is_lowered, true) {
                conditions.lower_goal(level);
            }
            conditions.next_change_or_tick().await;
        }
    }

    /// What is not about to be played: behind, and further ahead than is wanted. By the segment, as the rest of
    /// one would count as all of it.
    fn evictable_ranges(&self) -> [TimeRange; 2] {
        let conditions = &self.context.state;
        let inventory = self.inventory.borrow();
        let behind = TimeRange {
            start: 0.0,
            end: inventory.start_at(conditions.observed_position()),
        };
        let ahead = TimeRange {
            start: inventory.end_at(conditions.position() + conditions.goal()),
            end: f64::INFINITY,
        };
        [behind, ahead]
    }
}

/// What is still played before a film fails for want of more, in seconds.
const REST: f64 = 1.0;

/// What became of a download.
enum Outcome {
    Appended,
    Unwanted,
    Failed(Error),
}

/// The same, as the page is told.
pub const fn track_kind(kind: ContentType) -> protocol::TrackKind {
    match kind {
        ContentType::Video => protocol::TrackKind::Video,
        ContentType::Audio => protocol::TrackKind::Audio,
    }
}
