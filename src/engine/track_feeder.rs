//! Keeps one SourceBuffer filled: plans the next action, executes it, and plans again.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    rc::Rc,
};

use futures_util::future::{Either, LocalBoxFuture, select};

use super::{
    context::Context,
    download::{Download, Fetched},
    error::{Error, invalid_data, nothing_to_play},
    http::HttpRequest,
    media_source::OwnedMediaSource,
    network::base_url,
    offset_table::MOVE_SECONDS,
    playback_state::BufferStatus,
    segment_buffer::SegmentBuffer,
};
use crate::{
    media::{
        BOUNDARY_TOLERANCE, ContentType, Index, Representation, RepresentationId, Segment, abr,
        mp4,
        plan::{AppendedSegment, BufferAction, BufferInventory, Snapshot, plan},
        ranges::{TimeRange, TimeRanges},
        selection::{MIN_ALONE_SECONDS, PeriodGroup, SetPerPeriod, set_in_period},
    },
    platform,
    protocol::{
        Diagnostic, Event, PlaybackError, ResourceKind, SegmentReport, TrackKind,
        milestone::Milestone,
    },
};

/// A download is kept after a seek if its segment starts at most this far beyond the goal.
const KEEP_DOWNLOAD_SECONDS: f64 = 5.0;
/// With less than this left to play, an error is reported at once. With more, it is reported when that is played.
const MIN_REST_SECONDS: f64 = 1.0;

/// Feeds one track to one SourceBuffer.
pub struct TrackFeeder {
    context: Rc<Context>,
    content_type: ContentType,
    /// The end of the period group, in seconds.
    end: Rc<Cell<f64>>,
    /// The adaptation set to fetch from in each period.
    adaptation_sets: RefCell<SetPerPeriod>,
    /// The segments that are in the buffer.
    inventory: RefCell<BufferInventory>,
    /// The representation that was fetched last.
    current: Cell<Option<RepresentationId>>,
    /// The representation whose download was abandoned as too slow: the next one has to be lower.
    max_representation: Cell<Option<RepresentationId>>,
    /// The start, in seconds, of the segment that was fetched again because part of it had been evicted.
    refetched_at: Cell<Option<f64>>,
    /// The number of a segment that the end of the one before it has moved, and its start before that, in seconds.
    moved: Cell<Option<(u64, f64)>>,
    /// The request for the first segment, which is sent before there is a buffer for it.
    prefetched: RefCell<Option<PrefetchedSegment>>,
}

/// A request for a segment that is not needed yet.
struct PrefetchedSegment {
    id: RepresentationId,
    segment: Box<Segment>,
    request: HttpRequest,
}

/// How a download ended.
enum Outcome {
    /// The segment is appended, at this time in seconds if the media say that.
    Appended(Option<TimeRange>),
    /// It is passed over, because it has no media.
    Skipped,
    /// It needs another MediaSource.
    NotAppendable,
    /// It was aborted: too slow, or no longer needed.
    Aborted,
    /// All retries failed, or the browser refused the append.
    Failed(Error),
}

impl TrackFeeder {
    /// Creates a feeder for the given adaptation sets, one per period. `end` is that of the period group, in seconds.
    pub fn new(
        context: Rc<Context>,
        content_type: ContentType,
        sets: SetPerPeriod,
        end: Rc<Cell<f64>>,
    ) -> Self {
        Self {
            context,
            content_type,
            end,
            adaptation_sets: RefCell::new(sets),
            inventory: RefCell::default(),
            current: Cell::default(),
            max_representation: Cell::default(),
            refetched_at: Cell::default(),
            prefetched: RefCell::default(),
            moved: Cell::default(),
        }
    }

    /// Feeds the buffer until the future is dropped. Does not return after the last segment, because the viewer may seek
    /// back.
    ///
    /// # Errors
    /// Any that ends the session.
    pub async fn run(
        &self,
        mut buffer: SegmentBuffer,
        source: &OwnedMediaSource,
    ) -> Result<Infallible, Error> {
        let state = &self.context.state;
        loop {
            let change = state.next_change();
            let buffered = buffer.buffered();
            self.reconcile(&buffered);
            let (mut action, complete_until) = self.next_action(&buffered);
            if let BufferAction::Fetch(_, segment) = &action
                && !source.is_streaming()
                && buffered.ahead(state.position()) > 0.0
                && buffered
                    .range_at(segment.start + BOUNDARY_TOLERANCE)
                    .is_none()
            {
                // A managed source does not want more media now. Segments that replace others, or that playback needs
                // at once, are fetched all the same.
                action = BufferAction::Wait;
            }
            let status = BufferStatus {
                buffered,
                complete_until,
                is_complete: matches!(action, BufferAction::End),
            };
            state.set_buffer_status(self.content_type, status);
            let (id, result) = match action {
                BufferAction::LoadIndex(id) => (id, self.load_index(id).await),
                BufferAction::Fetch(id, segment) => {
                    let (id, segment) = self.or_prefetched(id, segment);
                    (id, self.fetch(&mut buffer, id, &segment).await)
                }
                BufferAction::Evict(range) => {
                    self.evict(&mut buffer, range).await?;
                    continue;
                }
                BufferAction::Wait => {
                    state.next_change_or_tick().await;
                    continue;
                }
                BufferAction::End => {
                    change.await;
                    continue;
                }
            };
            if let Err(error) = result {
                self.exclude_or_fail(id, error).await?;
            }
        }
    }

    /// The media type to create the SourceBuffer with: that of the first segment to fetch in a group. Loads its index,
    /// which may be needed to know the type, and its init segment if the representation has several.
    ///
    /// # Errors
    /// Any that ends the session.
    pub async fn first_type(&self, group: PeriodGroup, position: f64) -> Result<String, Error> {
        loop {
            let Some(id) = self.choose(group.period, 0.0) else {
                return Err(nothing_to_play(self.context.state.position()));
            };
            self.context.content.set_in_use(self.content_type, id);
            let result = match self.known_type(id) {
                Some(mime) => self.type_at(id, mime, position.max(group.start)).await,
                None => self.context.content.load_index(id).await.map(|()| None),
            };
            match result {
                Ok(Some(mime)) => return Ok(mime),
                Ok(None) => {}
                Err(error) => self.exclude_or_fail(id, error).await?,
            }
        }
    }

    /// Requests the first segment and its init segment, while the MediaSource is not open yet. If another segment is
    /// needed by then, the request is aborted.
    pub fn prefetch(&self) {
        // The ranges of a media file are known only once they are planned.
        if self.context.content.file.is_some() {
            return;
        }
        let (BufferAction::Fetch(id, segment), _) = self.next_action(&TimeRanges::default()) else {
            return;
        };
        let Context {
            content, network, ..
        } = &*self.context;
        // What fails here fails again, and is handled, once the segment is needed.
        let Ok(representation) = content.representation(id) else {
            return;
        };
        if let Some(init) = &segment.init
            && !content.has_init_segment(&representation, init)
        {
            network.prefetch(ResourceKind::InitSegment, &representation.base_urls, init);
        }
        let attempts = network.start_attempts(&representation.base_urls, 1);
        let base = base_url(&representation.base_urls, &attempts);
        if let Ok(request) = network.send(ResourceKind::MediaSegment, base, &segment.resource) {
            self.prefetched.replace(Some(PrefetchedSegment {
                id,
                segment,
                request,
            }));
        }
    }

    /// The media type of the segment at a time in seconds, if the representation's init segments may have different
    /// ones; else `mime`.
    async fn type_at(
        &self,
        id: RepresentationId,
        mime: String,
        time: f64,
    ) -> Result<Option<String>, Error> {
        let content = &self.context.content;
        let representation = content.representation(id)?;
        let Index::Known(segments) = &representation.index else {
            return Ok(None);
        };
        let segment = segments
            .segment_at(time)
            .filter(|_| segments.inits.len() > 1);
        let Some(resource) = segment.and_then(|segment| segment.init) else {
            return Ok(Some(mime));
        };
        let init = content.init_segment(&representation, &resource).await?;
        let init = mp4::parse_init_segment(&init.to_vec()).ok();
        let own_mime = init
            .map(|init| init.mime())
            .filter(|mime| platform::can_decode(mime));
        Ok(Some(own_mime.unwrap_or(mime)))
    }

    /// The media type of a representation; `None` until its index is loaded.
    fn known_type(&self, id: RepresentationId) -> Option<String> {
        let presentation = self.context.content.presentation();
        let representation = presentation.representation(id)?;
        representation.is_resolved().then(|| representation.mime())
    }

    /// Whether the first segment to fetch starts at 0 seconds.
    pub fn starts_at_zero(&self) -> bool {
        let (first, _) = self.next_action(&TimeRanges::default());
        matches!(first, BufferAction::Fetch(_, segment) if segment.start <= 0.0)
    }

    /// Changes the adaptation sets, one per period.
    pub fn select(&self, sets: SetPerPeriod) {
        self.adaptation_sets.replace(sets);
    }

    /// The index of the adaptation set that it feeds in a period.
    pub fn adaptation_set(&self, period: usize) -> Option<usize> {
        set_in_period(&self.adaptation_sets.borrow(), period)
    }

    /// Bits per second of the quality that the viewer has selected, if this is the video track.
    fn selected_quality(&self) -> Option<u64> {
        let quality = self.context.state.quality();
        quality.filter(|_| self.content_type == ContentType::Video)
    }

    /// What to fetch instead of a segment: the requested one at the same place, even if the quality would be chosen
    /// differently by now.
    fn or_prefetched(
        &self,
        id: RepresentationId,
        segment: Box<Segment>,
    ) -> (RepresentationId, Box<Segment>) {
        match &*self.prefetched.borrow() {
            Some(prefetched)
                if self.selected_quality().is_none()
                    && (prefetched.id.period, prefetched.id.set) == (id.period, id.set)
                    && prefetched.segment.start == segment.start =>
            {
                (prefetched.id, prefetched.segment.clone())
            }
            _ => (id, segment),
        }
    }

    /// Removes segments from the inventory that are no longer buffered. Called before each plan.
    fn reconcile(&self, buffered: &TimeRanges) {
        let position = self.context.state.position();
        self.inventory.borrow_mut().reconcile(buffered, position);
    }

    /// Plans the next action. Also returns [`BufferStatus::complete_until`].
    fn next_action(&self, buffered: &TimeRanges) -> (BufferAction, f64) {
        let state = &self.context.state;
        let position = state.position();
        let ahead = buffered.ahead(position);
        let other_ahead = state.other_buffer_ahead(self.content_type);
        // Once the other track is over, the rest of this one is appended, so that the stream can be ended.
        let goal = match state.is_other_complete(self.content_type) {
            true => state.goal().max(MIN_ALONE_SECONDS + 1.0),
            false => state.goal(),
        };
        let has_reserve = ahead.min(other_ahead) >= goal / 2.0;
        let is_automatic = self.selected_quality().is_none();
        let presentation = self.context.content.presentation();
        let bandwidth_of = |id| {
            presentation
                .representation(id)
                .map_or(0, |representation| representation.bandwidth)
        };
        let choose = |period| self.choose(period, ahead);
        plan(&Snapshot {
            presentation: &presentation,
            end: self.end.get(),
            position,
            evictable_before: state.evictable_before(),
            goal,
            other_buffer_ahead: other_ahead,
            buffered,
            inventory: &self.inventory.borrow(),
            choose: &choose,
            may_continue: &|id| {
                self.context.content.is_playable(id)
                    && choose(id.period)
                        .is_some_and(|chosen| bandwidth_of(id) <= bandwidth_of(chosen))
            },
            is_acceptable: &|AppendedSegment { representation, .. }| {
                choose(representation.period).is_none_or(|chosen| {
                    chosen == *representation || (is_automatic && chosen.set == representation.set)
                })
            },
            status: &|id, segments, segment| self.context.content.status(id, segments, segment),
            is_replaceable: &|AppendedSegment { representation, .. }| {
                has_reserve
                    && is_automatic
                    && choose(representation.period)
                        .is_some_and(|chosen| bandwidth_of(chosen) > bandwidth_of(*representation))
            },
        })
    }

    /// Chooses the representation to fetch in a period, with `ahead` seconds buffered.
    fn choose(&self, period: usize, ahead: f64) -> Option<RepresentationId> {
        let Context {
            content,
            state,
            network,
            ..
        } = &*self.context;
        let set = self.adaptation_set(period)?;
        let id = |representation| RepresentationId {
            period,
            set,
            representation,
        };
        let index_in_set = |id: RepresentationId| {
            let is_in_set = (id.period, id.set) == (period, set);
            is_in_set.then_some(id.representation)
        };
        let is_playable = |representation| content.is_playable(id(representation));
        let presentation = content.presentation();
        let representations = &presentation.adaptation_set(id(0))?.representations;
        if let Some(bandwidth) = self.selected_quality() {
            return abr::nearest(representations, &is_playable, bandwidth).map(id);
        }
        let limit = self
            .max_representation
            .get()
            .and_then(index_in_set)
            .unwrap_or(usize::MAX);
        let chosen = abr::choose(
            representations,
            &|representation| representation < limit && is_playable(representation),
            &abr::AbrInput {
                bandwidth: network.meter.estimate() - self.audio_bandwidth(),
                buffer_ahead: ahead,
                goal: state.goal(),
                rate: state.rate().max(1.0),
                screen_size: state.screen_size(),
                current: self.current.get().and_then(index_in_set),
            },
        );
        chosen.map(id)
    }

    /// Bits per second of the audio that is fetched beside this track, if it is video.
    fn audio_bandwidth(&self) -> f64 {
        let content = &self.context.content;
        let audio = match self.content_type {
            ContentType::Video => content.in_use(ContentType::Audio),
            ContentType::Audio => None,
        };
        let presentation = content.presentation();
        let audio = audio.and_then(|id| presentation.representation(id));
        audio.map_or(0.0, |audio| audio.bandwidth as f64)
    }

    /// Loads the index of a representation. Aborts when that is no longer the planned action.
    async fn load_index(&self, id: RepresentationId) -> Result<(), Error> {
        let state = &self.context.state;
        let mut loading: LocalBoxFuture<_> = Box::pin(self.context.content.load_index(id));
        loop {
            let tick = state.next_change_or_tick();
            if let Either::Left((result, _)) = select(&mut loading, tick).await {
                return result;
            }
            let buffered = state.buffered(self.content_type);
            self.reconcile(&buffered);
            let (action, _) = self.next_action(&buffered);
            if !matches!(action, BufferAction::LoadIndex(next) if next == id) {
                return Ok(());
            }
        }
    }

    /// Fetches a segment and appends it. Aborts when it is no longer needed.
    ///
    /// # Errors
    /// Those of [`Download::run`], except for a missing segment at the end of a period and a full buffer, which are
    /// handled here.
    async fn fetch(
        &self,
        buffer: &mut SegmentBuffer,
        id: RepresentationId,
        segment: &Segment,
    ) -> Result<(), Error> {
        let representation = self.context.content.representation(id)?;
        self.announce(id, &representation);
        let prefetched = self.prefetched.take();
        let prefetched =
            prefetched.filter(|prefetched| (prefetched.id, &*prefetched.segment) == (id, segment));
        let time = TimeRange {
            start: segment.start,
            end: segment.end,
        };
        let is_replacement = buffer.buffered().covered_seconds(time) > time.length() / 2.0;
        let download = Download {
            is_replacement,
            context: &self.context,
            content_type: self.content_type,
            id,
            representation: &representation,
            segment,
            progress: Rc::default(),
            sent: Cell::new(prefetched.map(|prefetched| prefetched.request)),
            remuxed: Cell::default(),
            last_number: Cell::new(segment.number),
            former_start: match self.moved.get() {
                Some((number, start)) if number == segment.number => Some(start),
                _ => None,
            },
        };
        let requested_at = platform::now();
        let outcome = self
            .fetch_while_needed(&download, buffer, requested_at)
            .await;
        let is_appended = matches!(outcome, Outcome::Appended(_));
        self.report_segment(&download, requested_at, is_appended);
        if !is_appended {
            buffer.reset();
        }
        match outcome {
            Outcome::Appended(time) => {
                self.context.content.record_available(id);
                self.record_appended(buffer, &download, time)?;
            }
            Outcome::Skipped => {
                let path = &segment.resource.path;
                let reason = "it has no picture and no sound";
                let error = invalid_data(ResourceKind::MediaSegment, path, reason);
                self.record_skipped(&download, *error);
            }
            Outcome::NotAppendable => {
                let Some(border) = self.context.content.add_border(id, segment) else {
                    let path = &segment.resource.path;
                    let reason = "it has other tracks than its init segment";
                    return Err(invalid_data(ResourceKind::MediaSegment, path, reason));
                };
                self.end.set(self.end.get().min(border));
                self.context.state.notify();
            }
            Outcome::Aborted => {}
            Outcome::Failed(error) => match *error {
                // Not yet, or no longer. Init segments and keys may also be replaced by a restarted encoder.
                PlaybackError::HttpStatus {
                    status: 404 | 410, ..
                } if self.context.content.was_live() => {
                    self.context.content.record_unavailable(id, segment).await;
                }
                PlaybackError::InvalidManifest { .. } if self.context.content.is_live() => {
                    self.context.content.record_misplaced(id, segment);
                }
                // The period may be shorter than its manifest says.
                PlaybackError::HttpStatus {
                    resource: ResourceKind::MediaSegment,
                    status: 404 | 410,
                    ..
                } if self.context.content.truncate_at_missing(id, segment).await => {}
                // A hole. If another representation has the segment, that is fetched instead.
                PlaybackError::HttpStatus {
                    resource: ResourceKind::MediaSegment,
                    status: 404 | 410,
                    ..
                } if self.context.content.is_hole(id, segment).await => {
                    self.record_skipped(&download, *error);
                }
                // Fetched again once there is room.
                PlaybackError::BufferFull => self.make_room(buffer).await?,
                _ => return Err(error),
            },
        }
        Ok(())
    }

    /// Runs a download. Aborts it when its segment is no longer needed.
    async fn fetch_while_needed(
        &self,
        download: &Download<'_>,
        buffer: &mut SegmentBuffer,
        requested_at: f64,
    ) -> Outcome {
        let state = &self.context.state;
        let mut running: LocalBoxFuture<_> = Box::pin(download.run(buffer));
        loop {
            let tick = state.next_change_or_tick();
            if let Either::Left((result, _)) = select(&mut running, tick).await {
                return match result {
                    Ok(Fetched::Media(time)) => Outcome::Appended(time),
                    Ok(Fetched::Nothing) => Outcome::Skipped,
                    Ok(Fetched::OtherTracks) => Outcome::NotAppendable,
                    Err(error) => Outcome::Failed(error),
                };
            }
            if self.should_abandon(download, requested_at) {
                self.max_representation.set(Some(download.id));
                return Outcome::Aborted;
            }
            let buffered = state.buffered(self.content_type);
            self.reconcile(&buffered);
            if !self.is_needed(download.id, download.segment, &buffered) {
                return Outcome::Aborted;
            }
        }
    }

    /// Posts a diagnostic about the end of a download.
    fn report_segment(&self, download: &Download, requested_at: f64, appended: bool) {
        let report = Diagnostic::SegmentFinished(SegmentReport {
            kind: track_kind(self.content_type),
            bandwidth: download.representation.bandwidth,
            start: download.segment.start,
            end: download.segment.end,
            bytes: download.progress.received.get(),
            requested_at,
            finished_at: platform::now(),
            appended,
            remuxed: download.remuxed.get(),
        });
        let Context { port, session, .. } = &*self.context;
        port.post_diagnostic(*session, &report);
    }

    /// Posts [`Event::QualityChanged`] if this is another video quality than before.
    fn announce(&self, id: RepresentationId, representation: &Representation) {
        self.context.content.set_in_use(self.content_type, id);
        let previous = self.current.replace(Some(id));
        if previous != Some(id) && self.content_type == ContentType::Video {
            self.context.port.post(Event::QualityChanged {
                session: self.context.session,
                bandwidth: representation.bandwidth,
            });
        }
    }

    /// Whether the segment of a running download is still the next that playback needs. Always if it would be planned
    /// again: it would then be requested without end.
    fn is_needed(&self, id: RepresentationId, segment: &Segment, buffered: &TimeRanges) -> bool {
        let is_automatic = self.selected_quality().is_none();
        let is_same = |next_id: RepresentationId| match is_automatic {
            true => (next_id.period, next_id.set) == (id.period, id.set),
            false => next_id == id,
        };
        let (action, _) = self.next_action(buffered);
        if let BufferAction::Fetch(next_id, next) = &action
            && is_same(*next_id)
            && (next.number == segment.number
                || segment.start < next.end && next.start < segment.end)
        {
            return true;
        }
        let state = &self.context.state;
        let position = state.position();
        let latest_start = position + state.goal() + KEEP_DOWNLOAD_SECONDS;
        if segment.end < position || segment.start > latest_start {
            return false;
        }
        match action {
            // A segment that is needed later is no reason to abort.
            BufferAction::Fetch(_, next) => next.start >= segment.end - BOUNDARY_TOLERANCE,
            BufferAction::Evict(_)
            | BufferAction::LoadIndex(_)
            | BufferAction::Wait
            | BufferAction::End => true,
        }
    }

    /// Whether a running download will end too late, and one of a lower representation would not.
    fn should_abandon(&self, download: &Download, requested_at: f64) -> bool {
        let state = &self.context.state;
        let id = download.id;
        let presentation = self.context.content.presentation();
        let lower = (0..id.representation)
            .map(|representation| RepresentationId {
                representation,
                ..id
            })
            .find(|id| self.context.content.is_playable(*id))
            .and_then(|id| presentation.representation(id));
        let can_switch = state.quality().is_none() && state.rate() > 0.0;
        let (Some(lower), true) = (lower, can_switch) else {
            return false;
        };
        let seconds = download.segment.end - download.segment.start;
        let expected_bytes = |representation: &Representation| {
            (representation.bandwidth as f64 / 8.0 * seconds) as u64
        };
        let total = download.progress.total.get();
        let transfer = abr::TransferProgress {
            seconds: (platform::now() - requested_at) / 1000.0,
            received: download.progress.received.get(),
            total: total.unwrap_or_else(|| expected_bytes(download.representation)),
        };
        let buffered = state.buffered(self.content_type);
        let time_left = buffered.ahead(state.position()) / state.rate();
        abr::should_abandon(transfer, time_left, expected_bytes(lower))
    }

    /// Records an appended segment in the inventory, and corrects the times of those after it by its own.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidData`] if several segments in a row have added nothing to the buffer.
    fn record_appended(
        &self,
        buffer: &mut SegmentBuffer,
        download: &Download,
        media_time: Option<TimeRange>,
    ) -> Result<(), Error> {
        let time = self.correct_times(download, media_time);
        self.max_representation.set(None);
        self.context.content.succeeded(download.id);
        buffer.set_end(time.end);
        let buffered = buffer.buffered();
        let covered = buffered.covered_seconds(time);
        // A managed source may have evicted the segment's start before its end was appended. The segment is then fetched
        // again, but only once: it may itself be shorter than the manifest says.
        let is_short = time.length() - covered > 2.0 * BOUNDARY_TOLERANCE;
        let start = Some(time.start);
        if buffer.take_evicted() && is_short && self.refetched_at.replace(start) != start {
            return Ok(());
        }
        let previous = download.segment.number.checked_sub(1);
        let previous = previous.and_then(|it| self.context.content.segment(download.id, it));
        let mut inventory = self.inventory.borrow_mut();
        if let Some(previous) = previous {
            inventory.extend(previous.start, time.start);
        }
        inventory.record(AppendedSegment {
            time,
            buffered: buffered.hull(time),
            buffered_seconds: covered,
            representation: download.id,
        });
        for number in download.segment.number + 1..=download.last_number.get() {
            if let Some(Segment { start, end, .. }) =
                self.context.content.segment(download.id, number)
            {
                let time = TimeRange { start, end };
                inventory.record(AppendedSegment {
                    time,
                    buffered: buffered.hull(time),
                    buffered_seconds: buffered.covered_seconds(time),
                    representation: download.id,
                });
            }
        }
        drop(inventory);
        if self.context.nothing_appended.take() {
            let Context { port, session, .. } = &*self.context;
            port.post_milestone(*session, Milestone::FirstAppend);
        }
        if self.inventory.borrow().has_buffered_nothing() {
            let path = &download.segment.resource.path;
            let reason = "its timestamps do not match its manifest";
            return Err(invalid_data(ResourceKind::MediaSegment, path, reason));
        }
        Ok(())
    }

    /// The time of an appended segment. Moves the segments after it if its media end elsewhere than claimed.
    fn correct_times(&self, download: &Download, media_time: Option<TimeRange>) -> TimeRange {
        let content = &self.context.content;
        let (id, number) = (download.id, download.segment.number);
        let planned = |number| content.segment(id, number);
        let planned_end = planned(number).map_or(download.segment.end, |segment| segment.end);
        if let Some(mut media) = media_time {
            let presentation = content.presentation();
            if id.period + 1 < presentation.periods.len()
                && let Some(period) = presentation.periods.get(id.period)
            {
                media.end = media.end.min(period.end);
            }
            drop(presentation);
            let is_off = (media.end - planned_end).abs() > MOVE_SECONDS;
            // A start that is only a little off stays, as the segment before was recorded up to there.
            if let Some(segment) = planned(number)
                && (media.start - segment.start).abs() <= MOVE_SECONDS
            {
                media.start = segment.start;
            }
            if is_off && media.start < media.end {
                let next = number.saturating_add(1);
                self.moved
                    .set(planned(next).map(|segment| (next, segment.start)));
                content.resize_segment(id, number, media);
            }
        }
        let segment = planned(number);
        let segment = segment.as_ref().unwrap_or(download.segment);
        TimeRange {
            start: segment.start,
            end: segment.end,
        }
    }

    /// Records that a segment has no media, and tells the page why.
    fn record_skipped(&self, download: &Download, error: PlaybackError) {
        let segment = self
            .context
            .content
            .segment(download.id, download.segment.number);
        let segment = segment.as_ref().unwrap_or(download.segment);
        let time = TimeRange {
            start: segment.start,
            end: segment.end,
        };
        self.inventory.borrow_mut().record(AppendedSegment {
            time,
            buffered: None,
            buffered_seconds: 0.0,
            representation: download.id,
        });
        self.context.report_skipped(time, error);
    }

    /// Excludes a representation after an error. If it is the last one of its set, waits until the buffered media is
    /// played.
    ///
    /// # Errors
    /// The given error: after that wait, or at once if the error would be the same for every representation.
    async fn exclude_or_fail(&self, id: RepresentationId, error: Error) -> Result<(), Error> {
        self.max_representation.set(None);
        // After a failed append the MediaSource accepts nothing more, and a full buffer is full for every
        // representation.
        if matches!(
            *error,
            PlaybackError::MediaSourceCall { .. } | PlaybackError::BufferFull
        ) {
            return Err(error);
        }
        if self.context.content.fail_over(id) || self.context.content.exclude(id) {
            return Ok(());
        }
        let state = &self.context.state;
        let start = state.observed_position();
        let end = start + state.buffered_ahead();
        while state.buffered_ahead() > MIN_REST_SECONDS {
            state.next_change_or_tick().await;
            let position = state.observed_position();
            if position < start - MIN_REST_SECONDS || position > end {
                // The viewer has seeked: the content may be intact there.
                return Ok(());
            }
        }
        Err(error)
    }

    /// Removes a range from the buffer, and posts a diagnostic about it.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is closed.
    async fn evict(&self, buffer: &mut SegmentBuffer, range: TimeRange) -> Result<(), Error> {
        buffer.remove(range).await?;
        let diagnostic = Diagnostic::Evicted {
            kind: track_kind(self.content_type),
            start: range.start,
            end: range.end,
        };
        let Context { port, session, .. } = &*self.context;
        port.post_diagnostic(*session, &diagnostic);
        Ok(())
    }

    /// Evicts media behind the position or beyond the goal. If there is none, waits until there is some.
    ///
    /// # Errors
    /// [`PlaybackError::BufferFull`] if everything buffered is played and there is still no room.
    async fn make_room(&self, buffer: &mut SegmentBuffer) -> Result<(), Error> {
        let state = &self.context.state;
        let mut is_goal_lowered = false;
        loop {
            let buffered = buffer.buffered();
            for range in self.evictable_ranges() {
                if buffered.covered_seconds(range) > BOUNDARY_TOLERANCE {
                    return self.evict(buffer, range).await;
                }
            }
            // The observed position, because the clock may be ahead of the element. What is there may have been evicted
            // since, by browsers that make room themselves: the element is further by now.
            let observed = state.observed_position();
            let ahead = match buffered.range_at(observed) {
                Some(_) => buffered.ahead(observed),
                None => buffered.ahead(state.position()),
            };
            if ahead < MIN_REST_SECONDS {
                return Err(PlaybackError::BufferFull.into());
            }
            if !std::mem::replace(&mut is_goal_lowered, true) {
                state.lower_goal(ahead);
            }
            state.next_change_or_tick().await;
        }
    }

    /// The ranges behind the position and beyond the goal. They consist of whole segments, because the inventory drops a
    /// segment of which only a part is left.
    fn evictable_ranges(&self) -> [TimeRange; 2] {
        let state = &self.context.state;
        let inventory = self.inventory.borrow();
        let behind = TimeRange {
            start: 0.0,
            end: inventory.start_at(state.observed_position()),
        };
        let ahead = TimeRange {
            start: inventory.end_at(state.position() + state.goal()),
            end: f64::INFINITY,
        };
        [behind, ahead]
    }
}

/// Converts a content type to the protocol's [`TrackKind`].
pub const fn track_kind(kind: ContentType) -> TrackKind {
    match kind {
        ContentType::Video => TrackKind::Video,
        ContentType::Audio => TrackKind::Audio,
    }
}
