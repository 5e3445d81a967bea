//! Plans the next action of a track feeder, and decides whether a running download is still needed.

use super::TrackFeeder;
use crate::{
    engine::{context::Context, download::Download},
    media::{
        BOUNDARY_TOLERANCE, ContentType, Representation, RepresentationId, Segment, abr,
        plan::{AppendedSegment, BufferAction, Snapshot, plan},
        ranges::TimeRanges,
        selection::MIN_ALONE_SECONDS,
    },
    platform,
};

impl TrackFeeder {
    /// What to fetch instead of a segment: the requested one at the same place, even if the quality would be chosen
    /// differently by now.
    pub(super) fn or_prefetched(
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
    pub(super) fn reconcile(&self, buffered: &TimeRanges) {
        let position = self.context.state.position();
        self.inventory.borrow_mut().reconcile(buffered, position);
    }

    /// Plans the next action. Also returns [`BufferStatus::complete_until`](crate::engine::playback_state::BufferStatus::complete_until).
    pub(super) fn next_action(&self, buffered: &TimeRanges) -> (BufferAction, f64) {
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
    pub(super) fn choose(&self, period: usize, ahead: f64) -> Option<RepresentationId> {
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
    pub(super) fn audio_bandwidth(&self) -> f64 {
        let content = &self.context.content;
        let audio = match self.content_type {
            ContentType::Video => content.in_use(ContentType::Audio),
            ContentType::Audio => None,
        };
        let presentation = content.presentation();
        let audio = audio.and_then(|id| presentation.representation(id));
        audio.map_or(0.0, |audio| audio.bandwidth as f64)
    }

    /// Whether the segment of a running download is still the next that playback needs. Always if it would be planned
    /// again: it would then be requested without end.
    pub(super) fn is_needed(
        &self,
        id: RepresentationId,
        segment: &Segment,
        buffered: &TimeRanges,
    ) -> bool {
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
    pub(super) fn should_abandon(&self, download: &Download, requested_at: f64) -> bool {
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
}

/// A download is kept after a seek if its segment starts at most this far beyond the goal.
const KEEP_DOWNLOAD_SECONDS: f64 = 5.0;
