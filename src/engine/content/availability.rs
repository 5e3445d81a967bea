//! Segments of a live stream that are not there: not yet, or never.

use super::{
    Content,
    live_state::{UnavailableSegment, now_seconds},
};
use crate::{
    media::{
        ByteRange, Index, RepresentationId, Resource, Segment, Segments, live::edge, number::limit,
        plan::SegmentStatus,
    },
    protocol::ResourceKind,
};

/// A segment at the edge that is not there yet is requested again after this share of its duration.
const RETRY_SHARE: f64 = 0.5;
/// The bounds of that time, in seconds.
const RETRY_SECONDS: [f64; 2] = [0.5, 2.0];
/// A segment at the edge counts as missing if it is not there after this many segment durations.
const PATIENCE_SEGMENTS: f64 = 3.0;
/// How many segments that are not there are remembered.
const MAX_UNAVAILABLE: usize = 64;

/// A segment whose manifest was out of date is requested again after this time.
const MISPLACED_RETRY_SECONDS: f64 = 1.0;
/// A clock that was held back recovers by this much with each segment, in seconds.
const CLOCK_RECOVERY_SECONDS: f64 = 0.05;
/// Clocks that are wrong by up to this many hours are looked for.
const MAX_CLOCK_ERROR_HOURS: i32 = 14;

impl Content {
    /// Whether a segment can be fetched.
    pub fn status(
        &self,
        id: RepresentationId,
        segments: &Segments,
        segment: &Segment,
    ) -> SegmentStatus {
        let unavailable = self.live.unavailable.borrow();
        let known = unavailable
            .iter()
            .find(|other| other.id == id && other.start == segment.start);
        match known {
            Some(known) if known.retry_at.is_infinite() => SegmentStatus::Missing,
            Some(known) if known.retry_at > now_seconds() => SegmentStatus::NotYet,
            // Templates also describe the segments before the window, which are gone.
            None if segments.live.availability_offset.is_some()
                && segment.end <= self.live.seekable_start.get() =>
            {
                SegmentStatus::Missing
            }
            None if !edge::is_available(segments, segment, self.clock()) => SegmentStatus::NotYet,
            _ => SegmentStatus::Available,
        }
    }

    /// Records that the server does not have a segment of a live stream. At the edge, it is requested again, until the one
    /// after it is there; elsewhere, it counts as missing.
    pub async fn record_unavailable(&self, id: RepresentationId, segment: &Segment) {
        let seconds = segment.end - segment.start;
        let edge = self.live.edge.borrow().end();
        let edge = edge.or_else(|| Some(self.seekable_range()?.end));
        let is_at_edge = self.is_live()
            && edge.is_none_or(|edge| segment.end > edge - PATIENCE_SEGMENTS * seconds);
        let [shortest, longest] = RETRY_SECONDS;
        let retry_seconds = limit(seconds * RETRY_SHARE, shortest, longest);
        if is_at_edge {
            self.hold_clock(id, segment, retry_seconds).await;
        }
        let is_late = self.is_late(id, segment);
        let is_missing = !is_at_edge || (is_late && self.has_next(id, segment).await);
        let retry_at = match is_missing {
            true => f64::INFINITY,
            false => now_seconds() + retry_seconds,
        };
        self.retry_at(id, segment, retry_at);
    }

    /// Sets when a segment is requested again, in seconds; infinite for never.
    fn retry_at(&self, id: RepresentationId, segment: &Segment, retry_at: f64) {
        let mut unavailable = self.live.unavailable.borrow_mut();
        let known = unavailable
            .iter_mut()
            .find(|other| other.id == id && other.start == segment.start);
        match known {
            Some(known) => known.retry_at = retry_at,
            None => {
                if unavailable.len() == MAX_UNAVAILABLE {
                    unavailable.remove(0);
                }
                unavailable.push(UnavailableSegment {
                    id,
                    start: segment.start,
                    first_requested_at: now_seconds(),
                    retry_at,
                });
            }
        }
    }

    /// Records that a segment has other times than the manifest says: the manifest is reloaded at once.
    pub fn record_misplaced(&self, id: RepresentationId, segment: &Segment) {
        self.live.loaded_at.set(0.0);
        self.retry_at(id, segment, now_seconds() + MISPLACED_RETRY_SECONDS);
    }

    /// Records that a segment was fetched. Where segments become available by the clock, the clock recovers.
    pub fn record_available(&self, id: RepresentationId) {
        if self.availability_offset(id).is_none() {
            return;
        }
        self.live.is_clock_confirmed.set(true);
        let offset = self.live.clock_offset.get() + CLOCK_RECOVERY_SECONDS;
        let measured = self.live.measured_offset.get();
        self.live
            .clock_offset
            .set(offset.min(measured.max(self.live.clock_offset.get())));
    }

    /// Whether a segment was first requested several segment durations ago.
    fn is_late(&self, id: RepresentationId, segment: &Segment) -> bool {
        let unavailable = self.live.unavailable.borrow();
        let known = unavailable
            .iter()
            .find(|other| other.id == id && other.start == segment.start);
        let seconds = segment.end - segment.start;
        known.is_some_and(|known| {
            now_seconds() - known.first_requested_at > PATIENCE_SEGMENTS * seconds
        })
    }

    /// How many seconds before their end segments become available, if they do so by the clock.
    fn availability_offset(&self, id: RepresentationId) -> Option<f64> {
        match &self.presentation().representation(id)?.index {
            Index::Known(segments) => segments.live.availability_offset,
            _ => None,
        }
    }

    /// If segments become available by the clock, one that is not there shows that the clock is ahead: it is held back so
    /// that the segment is due at its next request. If no segment was there yet, the clock may be entirely wrong.
    async fn hold_clock(&self, id: RepresentationId, segment: &Segment, retry_seconds: f64) {
        let Some(offset) = self.availability_offset(id) else {
            return;
        };
        if !self.live.is_clock_confirmed.replace(true) && self.find_clock(id, offset).await {
            return;
        }
        let ahead = self.clock() + offset - (segment.end - retry_seconds);
        if ahead > 0.0 && ahead.is_finite() {
            self.live
                .clock_offset
                .set(self.live.clock_offset.get() - ahead);
        }
    }

    /// Looks for a clock by which there is a segment: this device's, and clocks that are wrong by whole hours, as after a
    /// mistake with the time zone. Returns whether there is one.
    async fn find_clock(&self, id: RepresentationId, offset: f64) -> bool {
        let measured = self.live.measured_offset.get();
        let hours = (1..=MAX_CLOCK_ERROR_HOURS).flat_map(|hours| [-hours, hours]);
        let by_hours = hours.map(|hours| measured + f64::from(hours) * 3600.0);
        for candidate in std::iter::once(0.0).chain(by_hours) {
            if candidate == measured {
                continue;
            }
            let clock = self.clock() - self.live.clock_offset.get() + candidate;
            let segment = match self.presentation().representation(id).map(|it| &it.index) {
                // Not the newest one, which may be late.
                Some(Index::Known(segments)) => {
                    let seconds = segments.live.target_duration;
                    segments.segment_at(clock + offset - PATIENCE_SEGMENTS * seconds)
                }
                _ => None,
            };
            if let Some(segment) = segment
                && self.exists(id, &segment).await
            {
                self.live.clock_offset.set(candidate);
                self.live.measured_offset.set(candidate);
                return true;
            }
        }
        false
    }

    /// Whether the segment after one is there.
    async fn has_next(&self, id: RepresentationId, segment: &Segment) -> bool {
        let next = match self.presentation().representation(id).map(|it| &it.index) {
            Some(Index::Known(segments)) => segments.get(segment.number + 1),
            _ => None,
        };
        match next {
            Some(next) => self.exists(id, &next).await,
            None => false,
        }
    }

    /// Whether the server has a segment. Requests its first byte.
    pub(super) async fn exists(&self, id: RepresentationId, segment: &Segment) -> bool {
        let base = match self.presentation().representation(id) {
            Some(representation) => representation.base_urls.first().cloned(),
            None => None,
        };
        let Some(base) = base else {
            return false;
        };
        let first = segment.resource.range.map_or(0, |range| range.first);
        let resource = Resource {
            range: Some(ByteRange {
                first,
                last: Some(first),
            }),
            ..segment.resource.clone()
        };
        let kind = ResourceKind::MediaSegment;
        self.network.get_once(kind, &base, &resource).await.is_ok()
    }
}
