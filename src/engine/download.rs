//! The download of one segment into a SourceBuffer.

use std::{cell::Cell, rc::Rc};

use super::{
    box_validator::BoxValidator,
    context::Context,
    decryption::decrypt,
    error::{Error, invalid_data, invalid_manifest, unsupported_feature},
    http::{HttpRequest, ReadMode, RequestProgress},
    manifest::{describe_container, detect_container},
    media_file::{self, MediaFile},
    network::{SEGMENT_MAX_FAILURES, base_url},
    remuxing::{self, Remuxed, SegmentRemuxer},
    segment_buffer::SegmentBuffer,
};
use crate::{
    media::{
        BOUNDARY_TOLERANCE, Container, ContentType, Index, Representation, RepresentationId,
        Segment, Timestamps, id3, mp4, ranges::TimeRange,
    },
    platform::{self, Bytes},
    protocol::{PlaybackError, RemuxReport, ResourceKind},
};

/// How far a frame may extend beyond its period.
const PERIOD_EDGE_SECONDS: f64 = 0.1;
/// By how much the times of live media may differ from their manifest.
const MAX_TIME_ERROR_SECONDS: f64 = 1.0;
/// How many bytes of a segment are parsed to find its first timestamp.
const TIMESTAMP_SEARCH_BYTES: usize = 64 << 10;

/// Why an attempt to fetch a segment failed.
enum AttemptError {
    /// Another attempt may succeed.
    Retry(Error),
    /// The init segment or the key could not be fetched, in spite of retries of its own.
    Final(Error),
}

impl AttemptError {
    /// An init segment or a key is requested again after errors of the network. Damage is found only afterwards.
    fn after_own_retries(error: Error) -> Self {
        match *error {
            PlaybackError::InvalidData { .. } => Self::Retry(error),
            _ => Self::Final(error),
        }
    }
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        Self::Retry(error)
    }
}

/// The download of one segment: what to fetch and how to append it.
pub struct Download<'a> {
    /// The session's context.
    pub context: &'a Context,
    /// The track it belongs to.
    pub content_type: ContentType,
    /// The id of its representation.
    pub id: RepresentationId,
    /// Its representation.
    pub representation: &'a Representation,
    /// The segment itself.
    pub segment: &'a Segment,
    /// Whether most of it is buffered already. It is appended only once all of it has arrived, because a part would
    /// remove what is buffered, and the download may be abandoned.
    pub is_replacement: bool,
    /// The progress of the request.
    pub progress: Rc<RequestProgress>,
    /// The request for the segment, if it has been sent already; the first attempt takes it.
    pub sent: Cell<Option<HttpRequest>>,
    /// What the remuxer has done with it, if it is MPEG-TS.
    pub remuxed: Cell<Option<RemuxReport>>,
}

/// The format of one segment, which may differ from that of its representation.
struct SegmentFormat {
    container: Container,
    /// The type to append it with.
    mime: String,
}

/// How a segment gets into the buffer.
enum SegmentParser {
    /// As it is.
    Direct {
        format: SegmentFormat,
        validator: BoxValidator,
        /// Whether the buffer is prepared for it.
        is_prepared: bool,
    },
    /// Through the buffer's remuxer.
    Remuxer,
}

impl Download<'_> {
    /// Fetches the segment from its base URLs, with retries, and appends it.
    ///
    /// # Errors
    /// Those of the network and of damaged files once retries are exhausted, and those of [`SegmentBuffer`].
    pub async fn run(&self, buffer: &mut SegmentBuffer) -> Result<(), Error> {
        let network = &self.context.network;
        let base_urls = &self.representation.base_urls;
        let mut attempts = network.start_attempts(base_urls, SEGMENT_MAX_FAILURES);
        loop {
            let attempt = self.attempt(buffer, base_url(base_urls, &attempts)).await;
            match attempt {
                Ok(()) => break,
                Err(AttemptError::Final(error)) => return Err(error),
                Err(AttemptError::Retry(error)) => {
                    buffer.reset();
                    network.wait_for_retry(&mut attempts, error).await?;
                }
            }
        }
        network.succeeded(&attempts);
        Ok(())
    }

    async fn attempt(&self, buffer: &mut SegmentBuffer, base: &str) -> Result<(), AttemptError> {
        let Context {
            network,
            content,
            state,
            ..
        } = self.context;
        if let Some(file) = &content.file {
            return Ok(self.append_file_segment(buffer, file, base).await?);
        }
        let kind = ResourceKind::MediaSegment;
        // Sent before the init segment is awaited, so that both are fetched at the same time.
        let request = match self.sent.take() {
            Some(sent) => sent,
            None => network.send(kind, base, &self.segment.resource)?,
        };
        let init = match &self.segment.init {
            Some(resource) => {
                let init = content.init_segment(self.representation, resource);
                Some(init.await.map_err(AttemptError::after_own_retries)?)
            }
            None => None,
        };
        let key = match &self.segment.resource.key {
            Some(key) => {
                let key_file = content.key(&self.representation.base_urls, key);
                let key_file = key_file.await.map_err(AttemptError::after_own_retries)?;
                Some((key_file, key.iv))
            }
            None => None,
        };
        let mut response = request.response(self.progress.clone()).await?;
        response.measure(network.meter.clone());
        // An encrypted segment can only be decrypted as a whole; any other is appended as it arrives.
        let mode = match key.is_some() || self.is_replacement {
            true => ReadMode::Whole,
            false => ReadMode::Soon,
        };
        // `None` until the first bytes tell the format.
        let mut parser = None;
        let url = response.url();
        while let Some(mut bytes) = response.read(mode).await? {
            if let Some((key_file, iv)) = &key {
                bytes = decrypt(kind, &bytes, &key_file.bytes, *iv, &url).await?;
            }
            let parser = match &mut parser {
                Some(parser) => parser,
                none => none.insert(self.begin(buffer, init.as_ref(), &bytes, &url).await?),
            };
            match parser {
                SegmentParser::Remuxer => self.remux(buffer, &bytes, &url).await?,
                SegmentParser::Direct {
                    format,
                    validator,
                    is_prepared,
                } => {
                    validator.push(&bytes);
                    if validator.is_invalid() {
                        break;
                    }
                    if !std::mem::replace(is_prepared, true) {
                        self.wait_for_offset().await;
                        self.prepare_buffer(buffer, format, init.as_ref(), &bytes)?;
                        self.append_init(buffer, init.as_ref()).await?;
                    }
                    buffer.append(&bytes).await?;
                }
            }
            state.update_buffered(self.content_type, buffer.buffered(), self.segment.start);
        }
        let defect = match parser {
            Some(SegmentParser::Remuxer) => return Ok(self.end_remuxing(buffer, &url).await?),
            Some(SegmentParser::Direct { validator, .. }) => validator.error(),
            None => Some("it is empty"),
        };
        match defect {
            Some(reason) => Err(invalid_data(kind, &url, reason).into()),
            None => Ok(()),
        }
    }

    /// Detects the format of the segment by its init segment or its first bytes. If they do not tell, it is that of the
    /// representation.
    fn detect_format(
        &self,
        init: Option<&Bytes>,
        first_bytes: &Bytes,
        url: &str,
    ) -> Result<SegmentFormat, Error> {
        let start = init.unwrap_or(first_bytes);
        let declared = Container::of_media_type(&self.representation.container);
        let container = detect_container(start)
            .or(declared)
            .ok_or_else(|| unsupported_feature(url, "segments of an unknown format"))?;
        if Some(container) == declared {
            let mime = self.representation.mime();
            return Ok(SegmentFormat { container, mime });
        }
        // Described like the first segment of the representation, but for this segment only.
        let mut described = self.representation.clone();
        describe_container(&mut described, start, url, ResourceKind::MediaSegment)?;
        let mime = described.mime();
        Ok(SegmentFormat { container, mime })
    }

    /// Appends the ranges of a media file that are the segment.
    async fn append_file_segment(
        &self,
        buffer: &mut SegmentBuffer,
        file: &MediaFile,
        base: &str,
    ) -> Result<(), Error> {
        let (set, number) = (self.id.set as u32, self.segment.number);
        let plan = file.plan(self.id.set, number).await?;
        let offset = Some(-file.origin(self.id.set));
        buffer.set_offset_and_window(offset, self.append_window())?;
        self.append_init(buffer, file.init(self.id.set)).await?;
        if plan.is_converted {
            let mut reader = file.reader().borrow_mut();
            reader.begin_conversion(set, u32::try_from(number).unwrap_or(u32::MAX));
        } else if !plan.head.is_empty() {
            buffer.append(&plan.head).await?;
        }
        for (start, end) in plan.ranges {
            let network = &self.context.network;
            let resource = media_file::range_resource(start, end);
            let request = network.send(ResourceKind::MediaSegment, base, &resource)?;
            let mut response = request.response(self.progress.clone()).await?;
            response.measure(network.meter.clone());
            while let Some(bytes) = response.read(ReadMode::Soon).await? {
                for part in media_file::parts(&bytes) {
                    if plan.is_converted {
                        file.reader().borrow_mut().push(set, &part);
                        append_converted(buffer, file, set).await?;
                    } else {
                        buffer.append(&part).await?;
                    }
                }
                let buffered = buffer.buffered();
                let state = &self.context.state;
                state.update_buffered(self.content_type, buffered, self.segment.start);
            }
        }
        if plan.is_converted {
            file.reader().borrow_mut().finish(set);
            append_converted(buffer, file, set).await?;
            let buffered = buffer.buffered();
            let state = &self.context.state;
            state.update_buffered(self.content_type, buffered, self.segment.start);
        }
        Ok(())
    }

    /// Detects the format of the segment, and prepares the remuxer for it or completes what it has.
    async fn begin(
        &self,
        buffer: &mut SegmentBuffer,
        init: Option<&Bytes>,
        first_bytes: &Bytes,
        url: &str,
    ) -> Result<SegmentParser, Error> {
        // The last init segment of a playlist may be one of other segments.
        let is_transport_stream = detect_container(first_bytes) == Some(Container::TransportStream);
        let (id, segment) = (self.id, self.segment);
        if let Some(remuxer) = &mut buffer.remuxer
            && remuxer.is_running()
            && !(is_transport_stream && remuxer.is_continued_by(id, segment))
        {
            remuxer.flush();
            self.append_remuxed(buffer, url).await?;
        }
        if !is_transport_stream {
            let format = self.detect_format(init, first_bytes, url)?;
            return Ok(SegmentParser::Direct {
                validator: BoxValidator::new(format.container),
                format,
                is_prepared: false,
            });
        }
        if !buffer.ends_at(segment.start) {
            buffer.reset();
        }
        if buffer.remuxer.is_none() {
            let remuxer = self.context.network.load_remuxer().await?;
            buffer.remuxer = Some(SegmentRemuxer::new(remuxer));
        }
        if let Some(remuxer) = &mut buffer.remuxer {
            if !remuxer.is_continued_by(id, segment) {
                let offset = self.known_offset();
                let expected = offset.map(|offset| segment.start - offset);
                remuxer.start(remuxing::tracks(&self.representation.codecs), expected);
            }
            remuxer.begin_segment(id, segment);
        }
        Ok(SegmentParser::Remuxer)
    }

    /// Remuxes a part of the segment, and appends the result.
    async fn remux(
        &self,
        buffer: &mut SegmentBuffer,
        bytes: &Bytes,
        url: &str,
    ) -> Result<(), Error> {
        for batch in remuxing::batches(bytes) {
            if let Some(remuxer) = &mut buffer.remuxer {
                let started_at = platform::now();
                remuxer.push(&batch);
                self.report_remuxed(platform::now() - started_at, 0);
            }
            self.append_remuxed(buffer, url).await?;
        }
        Ok(())
    }

    /// Completes the frames at the end of the segment if the next one does not continue them.
    async fn end_remuxing(&self, buffer: &mut SegmentBuffer, url: &str) -> Result<(), Error> {
        if !self.is_continued()
            && let Some(remuxer) = &mut buffer.remuxer
        {
            remuxer.flush();
            self.append_remuxed(buffer, url).await?;
        }
        match buffer
            .remuxer
            .as_ref()
            .and_then(|remuxer| remuxer.error(url))
        {
            Some(error) => Err(error),
            None => Ok(()),
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

    /// Appends what the remuxer has finished.
    async fn append_remuxed(&self, buffer: &mut SegmentBuffer, url: &str) -> Result<(), Error> {
        loop {
            let Some(remuxer) = &mut buffer.remuxer else {
                return Ok(());
            };
            let bytes = match remuxer.take(url)? {
                None => return Ok(()),
                Some(Remuxed::Init { bytes, mime }) => {
                    buffer.change_type(&mime)?;
                    buffer.set_initialized_otherwise();
                    bytes
                }
                Some(Remuxed::Fragment { bytes, first_time }) => {
                    if let Some(time) = first_time {
                        remuxer.set_has_offset();
                        let offset = self.stream_offset(time);
                        buffer.set_offset_and_window(Some(offset), self.append_window())?;
                    }
                    bytes
                }
            };
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
    fn stream_offset(&self, time: f64) -> f64 {
        let offset = self.known_offset().unwrap_or_else(|| {
            let offset = remuxing::offset(time, self.segment.start);
            let mut offsets = self.context.offsets.borrow_mut();
            offsets.push((self.segment.discontinuity, offset));
            offset
        });
        remuxing::align(offset, time, self.segment.start)
    }

    /// The timestamp offset of the segment's discontinuity sequence, in seconds, if a segment of it was read.
    fn known_offset(&self) -> Option<f64> {
        let offsets = self.context.offsets.borrow();
        let mut known = offsets.iter();
        let (_, offset) = known.find(|(known, _)| *known == self.segment.discontinuity)?;
        Some(*offset)
    }

    /// Appends the init segment, unless the last one appended was the same.
    async fn append_init(
        &self,
        buffer: &mut SegmentBuffer,
        init: Option<&Bytes>,
    ) -> Result<(), Error> {
        if let (Some(bytes), Some(resource)) = (init, &self.segment.init)
            && !buffer.is_initialized(self.id, resource)
        {
            buffer.append(bytes).await?;
            buffer.set_initialized(self.id, resource);
        }
        Ok(())
    }

    /// Sets the buffer's type, timestamp offset and append window for the segment.
    fn prepare_buffer(
        &self,
        buffer: &mut SegmentBuffer,
        format: &SegmentFormat,
        init: Option<&Bytes>,
        first_bytes: &Bytes,
    ) -> Result<(), Error> {
        buffer.change_type(&format.mime)?;
        let offset = self.timestamp_offset(buffer, format.container, init, first_bytes)?;
        // Without a reset, WebKitGTK drops a segment that is earlier than the first one since the last reset. WebM is
        // reset for each segment: it is not validated, so the previous one may have been incomplete. Where the offset
        // changes, the tracks of a muxed segment need not continue: a gap in one track would make the browser drop the
        // other, too, up to its next sync sample.
        if !buffer.ends_at(self.segment.start)
            || format.container == Container::WebM
            || offset.is_some_and(|offset| buffer.is_offset_by_other_than(offset))
        {
            buffer.reset();
        }
        buffer.set_offset_and_window(offset, self.append_window())
    }

    /// Waits until the timestamp offset of an HLS discontinuity is known, if video will determine it. Audio often begins
    /// a little later than video. If it determined the offset, the first pictures would lie before the append window
    /// and be dropped, up to the next sync sample.
    async fn wait_for_offset(&self) {
        let Context { state, offsets, .. } = self.context;
        let Index::Known(segments) = &self.representation.index else {
            return;
        };
        if segments.timestamps == Timestamps::Media || self.content_type == ContentType::Video {
            return;
        }
        let is_known = || {
            let offsets = offsets.borrow();
            let mut known = offsets.iter().map(|(discontinuity, _)| discontinuity);
            known.any(|known| *known == self.segment.discontinuity)
        };
        // Video that is complete beyond the segment has none of this discontinuity.
        let video_will_come = || {
            state
                .buffer_status(ContentType::Video)
                .is_some_and(|video| video.complete_until < self.segment.end - BOUNDARY_TOLERANCE)
        };
        while !is_known() && video_will_come() {
            state.next_change_or_tick().await;
        }
    }

    /// The append window: the segment's period, with a margin for the frames at its edges.
    fn append_window(&self) -> TimeRange {
        let presentation = self.context.content.presentation();
        let is_last = self.id.period + 1 == presentation.periods.len();
        let mut append_window = TimeRange {
            start: 0.0,
            end: f64::INFINITY,
        };
        if let Some(period) = presentation.periods.get(self.id.period) {
            append_window.start = (period.start - PERIOD_EDGE_SECONDS).max(0.0);
            if !is_last {
                append_window.end = period.end + PERIOD_EDGE_SECONDS;
            }
        }
        append_window
    }

    /// Checks that the timestamps of a live segment are those of the manifest. They are not if another period has begun
    /// since the manifest was loaded, and templates count on in the old one.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidManifest`](crate::protocol::PlaybackError::InvalidManifest).
    fn check_time(
        &self,
        init: Option<&Bytes>,
        first_bytes: &Bytes,
        time_offset: f64,
    ) -> Result<(), Error> {
        let Segment { start, end, .. } = *self.segment;
        let init = mp4::parse_init_segment(&init.unwrap_or(first_bytes).to_vec()).ok();
        let searched = first_bytes.prefix(TIMESTAMP_SEARCH_BYTES);
        let first_time = init.and_then(|init| mp4::earliest_time(&searched, &init));
        let is_elsewhere = first_time.is_some_and(|time| {
            (time + time_offset - start).abs() > (end - start).max(MAX_TIME_ERROR_SECONDS)
        });
        match is_elsewhere {
            true => Err(invalid_manifest(
                &self.segment.resource.path,
                "the times of its segments are others",
            )),
            false => Ok(()),
        }
    }

    /// The timestamp offset of the segment, in seconds. `None` keeps the previous one: a segment of packed audio
    /// continues the one before.
    fn timestamp_offset(
        &self,
        buffer: &SegmentBuffer,
        container: Container,
        init: Option<&Bytes>,
        first_bytes: &Bytes,
    ) -> Result<Option<f64>, Error> {
        let Index::Known(segments) = &self.representation.index else {
            return Ok(None);
        };
        if segments.timestamps == Timestamps::Media {
            if segments.live.availability_offset.is_some() && container == Container::Mp4 {
                self.check_time(init, first_bytes, segments.time_offset)?;
            }
            return Ok(Some(segments.time_offset));
        }
        let (discontinuity, start) = (self.segment.discontinuity, self.segment.start);
        if container != Container::Mp4 {
            if buffer.ends_at(start) {
                return Ok(None);
            }
            let time = id3::timestamp(&first_bytes.prefix(TIMESTAMP_SEARCH_BYTES));
            // The browser numbers the samples from the offset on, and ignores their own times.
            return Ok(Some(
                time.map_or(start, |time| time + self.stream_offset(time)),
            ));
        }
        if let Some(offset) = self.known_offset() {
            return Ok(Some(offset));
        }
        // A media segment without an init segment starts with its own `moov`.
        let init = mp4::parse_init_segment(&init.unwrap_or(first_bytes).to_vec()).ok();
        let searched = first_bytes.prefix(TIMESTAMP_SEARCH_BYTES);
        let first_time = init.and_then(|init| mp4::earliest_time(&searched, &init));
        let Some(first_time) = first_time else {
            return Err(invalid_data(
                ResourceKind::MediaSegment,
                &self.segment.resource.path,
                "it has no timestamp",
            ));
        };
        let mut offsets = self.context.offsets.borrow_mut();
        offsets.push((discontinuity, start - first_time));
        Ok(Some(start - first_time))
    }
}

/// Appends what was converted so far. The browser copies a fragment when it is appended, before the reader's memory
/// changes.
async fn append_converted(
    buffer: &mut SegmentBuffer,
    file: &MediaFile,
    set: u32,
) -> Result<(), Error> {
    loop {
        let fragment = file.reader().borrow_mut().take(set);
        let Some(fragment) = fragment else {
            return Ok(());
        };
        buffer.append(&fragment).await?;
    }
}
