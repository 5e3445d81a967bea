//! Keeps one SourceBuffer filled: plans the next action, executes it, and plans again.

mod planning;
mod results;
mod room;

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
    playback_state::BufferStatus,
    segment_buffer::SegmentBuffer,
};
use crate::{
    media::{
        BOUNDARY_TOLERANCE, ContentType, Index, RepresentationId, Segment, mp4,
        plan::{BufferAction, BufferInventory},
        ranges::{TimeRange, TimeRanges},
        selection::{PeriodGroup, SetPerPeriod, set_in_period},
    },
    platform,
    protocol::{PlaybackError, ResourceKind, TrackKind},
};

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
    /// It needs another MediaSource, as do all segments with its init segment, or only from this one on.
    NotAppendable { by_init: bool },
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

    /// The media type of the segment at a time in seconds by its init segment, if the representation's init segments may
    /// have different ones, or the type of a SourceBuffer cannot be changed once the first one shows that the manifest
    /// is wrong; else `mime`.
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
        let segment = segments.segment_at(time);
        if !content.borders().is_empty()
            && let Some(segment) = &segment
            && let Some(own_mime) = content.transport_stream_type(id, segment).await?
        {
            return Ok(Some(own_mime));
        }
        // The reader of a media file has seen its init segments.
        let may_be_wrong = content.file.is_none() && !platform::can_change_type();
        let segment = segment.filter(|_| segments.inits.len() > 1 || may_be_wrong);
        let Some(resource) = segment.and_then(|segment| segment.init) else {
            return Ok(Some(mime));
        };
        let init = match content.init_segment(&representation, &resource).await {
            Ok(init) => init,
            // Not yet, or no longer there: the download waits for it.
            Err(error)
                if content.was_live()
                    && matches!(
                        *error,
                        PlaybackError::HttpStatus {
                            status: 404 | 410,
                            ..
                        }
                    ) =>
            {
                return Ok(Some(mime));
            }
            Err(error) => return Err(error),
        };
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
            Outcome::NotAppendable { by_init } => {
                let border = self.context.content.add_border(id, segment, by_init);
                let Some(border) = border else {
                    let path = &segment.resource.path;
                    let reason = match by_init {
                        true => "it has other tracks than its init segment",
                        false => "its tracks change more than once",
                    };
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
                // A hole, or a segment that the server refuses although it has others, as object stores do with 403
                // where a file is missing. If another representation has the segment, that is fetched instead.
                PlaybackError::HttpStatus {
                    resource: ResourceKind::MediaSegment,
                    status: 403 | 404 | 410 | 451,
                    ..
                } if !self.context.content.was_live()
                    && self.context.content.is_hole(id, segment).await =>
                {
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
                    Ok(Fetched::OtherInit) => Outcome::NotAppendable { by_init: true },
                    Ok(Fetched::OtherTracks) => Outcome::NotAppendable { by_init: false },
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
}

/// Converts a content type to the protocol's [`TrackKind`].
pub const fn track_kind(kind: ContentType) -> TrackKind {
    match kind {
        ContentType::Video => TrackKind::Video,
        ContentType::Audio => TrackKind::Audio,
    }
}
