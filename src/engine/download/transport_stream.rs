//! Appends segments in MPEG-TS through the buffer's remuxer.

use super::Download;
use crate::{
    engine::{
        error::Error,
        remuxing::{self, Remuxed, SegmentRemuxer},
        segment_buffer::SegmentBuffer,
    },
    media::Index,
    platform::{self, Bytes},
};

/// Frames that began in the segment before end at most so many seconds after the start of a segment: pictures may be shown
/// later than they are decoded.
const MAX_TAIL_SECONDS: f64 = 0.25;

impl Download<'_> {
    /// Completes what the remuxer has of the previous segment, unless this segment continues it.
    pub(super) async fn end_previous_stream(
        &self,
        buffer: &mut SegmentBuffer,
        is_transport_stream: bool,
        url: &str,
    ) -> Result<(), Error> {
        if let Some(remuxer) = &mut buffer.remuxer
            && remuxer.is_running()
            && !(is_transport_stream && remuxer.is_continued_by(self.id, self.segment))
        {
            remuxer.flush();
            self.append_remuxed(buffer, url).await?;
        }
        Ok(())
    }

    /// Prepares the buffer's remuxer for the segment. `map` are packets with its program (EXT-X-MAP). Returns whether
    /// the buffer has the tracks that the segment is known to have.
    pub(super) async fn begin_remuxing(
        &self,
        buffer: &mut SegmentBuffer,
        map: Option<&Bytes>,
    ) -> Result<bool, Error> {
        let (id, segment) = (self.id, self.segment);
        if !buffer.ends_at(segment.start) {
            buffer.reset();
        }
        if buffer.remuxer.is_none() {
            let remuxer = self.context.network.load_remuxer().await?;
            buffer.remuxer = Some(SegmentRemuxer::new(remuxer));
        }
        let tracks = remuxing::tracks(buffer.mime());
        if let Some(remuxer) = &mut buffer.remuxer {
            if remuxer.takes_late_track() {
                return Ok(false);
            }
            if !remuxer.is_continued_by(id, segment) {
                let offset = self.known_offset();
                let expected = offset.map(|offset| segment.start - offset);
                let may_have_audio = self.context.content.stream_tracks(id).audio;
                remuxer.start(tracks, may_have_audio, expected, map);
            }
            remuxer.begin_segment(id, segment);
        }
        Ok(true)
    }

    /// Remuxes a part of the segment, and appends the result. Returns whether the buffer has its tracks.
    pub(super) async fn remux(
        &self,
        buffer: &mut SegmentBuffer,
        bytes: &Bytes,
        url: &str,
    ) -> Result<bool, Error> {
        for batch in remuxing::batches(bytes) {
            if let Some(remuxer) = &mut buffer.remuxer {
                let started_at = platform::now();
                remuxer.push(&batch);
                self.report_remuxed(platform::now() - started_at, 0);
            }
            if !self.append_remuxed(buffer, url).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Completes the frames at the end of the segment if the next one does not continue them. Returns whether the
    /// buffer has the tracks of the segment.
    pub(super) async fn end_remuxing(
        &self,
        buffer: &mut SegmentBuffer,
        url: &str,
    ) -> Result<bool, Error> {
        if !self.is_continued()
            && let Some(remuxer) = &mut buffer.remuxer
        {
            remuxer.flush();
            if !self.append_remuxed(buffer, url).await? {
                return Ok(false);
            }
        }
        match buffer
            .remuxer
            .as_ref()
            .and_then(|remuxer| remuxer.error(url))
        {
            Some(error) => Err(error),
            None => Ok(true),
        }
    }

    /// Whether another segment may continue the frames of this one.
    fn is_continued(&self) -> bool {
        let Index::Known(segments) = &self.representation.index else {
            return false;
        };
        match segments.get(self.segment.number + 1) {
            Some(next) => !next.is_missing && next.discontinuity == self.segment.discontinuity,
            None => segments.live.is_growing,
        }
    }

    /// Appends what the remuxer has finished. Returns whether the buffer has the tracks of the segment. Where they change
    /// within it, the rest of it is left out.
    async fn append_remuxed(&self, buffer: &mut SegmentBuffer, url: &str) -> Result<bool, Error> {
        loop {
            let Some(remuxer) = &mut buffer.remuxer else {
                return Ok(true);
            };
            let bytes = match remuxer.take(url)? {
                None => return Ok(true),
                Some(Remuxed::OtherTracks) if !remuxer.has_own_frames() => return Ok(false),
                Some(Remuxed::OtherTracks) => {
                    remuxer.leave_out();
                    continue;
                }
                Some(Remuxed::Init { bytes, mime }) => {
                    buffer.change_type(&mime)?;
                    buffer.set_initialized_otherwise();
                    bytes
                }
                Some(Remuxed::Fragment {
                    bytes,
                    first_time,
                    end,
                    is_raw,
                }) => {
                    if let Some(time) = first_time {
                        remuxer.set_has_offset();
                        let start = if is_raw { time } else { 0.0 };
                        let offset = start + self.stream_offset(time);
                        buffer.set_offset_and_window(Some(offset), self.append_window())?;
                    }
                    let own_start = self.segment.start + MAX_TAIL_SECONDS;
                    if end + self.stream_offset(end) > own_start
                        && let Some(remuxer) = &mut buffer.remuxer
                    {
                        remuxer.set_has_own_frames();
                    }
                    bytes
                }
            };
            if bytes.is_empty() {
                // Frames without MP4 around them need no initialization segment.
                continue;
            }
            self.report_remuxed(0.0, bytes.len());
            buffer.append(&bytes).await?;
        }
    }

    /// Adds to the report of the remuxer's work.
    fn report_remuxed(&self, milliseconds: f64, bytes: usize) {
        let mut report = self.remuxed.get().unwrap_or_default();
        report.milliseconds += milliseconds;
        report.bytes += bytes as u64;
        self.remuxed.set(Some(report));
    }

    /// The timestamp offset, in seconds, for a segment with times that wrap, of which `time` is the first.
    pub(super) fn stream_offset(&self, time: f64) -> f64 {
        let offset = self.known_offset().unwrap_or_else(|| {
            let offset = remuxing::offset(time, self.segment.start);
            let (period, discontinuity) = (self.id.period, self.segment.discontinuity);
            self.context.offset_table.add(period, discontinuity, offset);
            offset
        });
        remuxing::align(offset, time, self.segment.start)
    }

    /// The timestamp offset of the segment's discontinuity sequence, in seconds, if a segment of it was read.
    fn known_offset(&self) -> Option<f64> {
        let (period, discontinuity) = (self.id.period, self.segment.discontinuity);
        self.context.offset_table.known(period, discontinuity)
    }
}
