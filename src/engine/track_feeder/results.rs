//! Records how downloads end: in the inventory, in the times of the segments, for the page.

use super::{MIN_REST_SECONDS, TrackFeeder, track_kind};
use crate::{
    engine::{
        context::Context,
        download::Download,
        error::{Error, invalid_data},
        offset_table::MOVE_SECONDS,
        segment_buffer::SegmentBuffer,
    },
    media::{
        BOUNDARY_TOLERANCE, ContentType, Representation, RepresentationId, Segment,
        plan::AppendedSegment, ranges::TimeRange,
    },
    platform,
    protocol::{
        Diagnostic, Event, PlaybackError, ResourceKind, SegmentReport, milestone::Milestone,
    },
};

impl TrackFeeder {
    /// Posts [`Event::QualityChanged`] if this is another video quality than before.
    pub(super) fn announce(&self, id: RepresentationId, representation: &Representation) {
        self.context.content.set_in_use(self.content_type, id);
        let previous = self.current.replace(Some(id));
        if previous != Some(id) && self.content_type == ContentType::Video {
            self.context.port.post(Event::QualityChanged {
                session: self.context.session,
                bandwidth: representation.bandwidth,
            });
        }
    }

    /// Posts a diagnostic about the end of a download.
    pub(super) fn report_segment(&self, download: &Download, requested_at: f64, appended: bool) {
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

    /// Records an appended segment in the inventory, and corrects the times of those after it by its own.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidData`] if several segments in a row have added nothing to the buffer.
    pub(super) fn record_appended(
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
    pub(super) fn correct_times(
        &self,
        download: &Download,
        media_time: Option<TimeRange>,
    ) -> TimeRange {
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
    pub(super) fn record_skipped(&self, download: &Download, error: PlaybackError) {
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
    pub(super) async fn exclude_or_fail(
        &self,
        id: RepresentationId,
        error: Error,
    ) -> Result<(), Error> {
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
}
