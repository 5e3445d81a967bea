//! The download of one segment into a SourceBuffer.

mod file_segment;
mod transport_stream;

use std::{cell::Cell, rc::Rc};

use super::{
    box_validator::{BoxValidator, EMPTY},
    context::Context,
    decryption::decrypt,
    error::{Error, invalid_data, invalid_manifest, unsupported_feature},
    http::{HttpRequest, ReadMode, RequestProgress},
    manifest::{describe_container, detect_container},
    network::{SEGMENT_MAX_FAILURES, base_url},
    offset_table::Arrival,
    segment_buffer::SegmentBuffer,
};
use crate::{
    media::{
        BOUNDARY_TOLERANCE, Container, ContentType, Index, Representation, RepresentationId,
        Segment, Timestamps, content_type_of_codec, id3, mp4, ranges::TimeRange,
    },
    platform::{self, Bytes},
    protocol::{PlaybackError, RemuxReport, ResourceKind},
};

/// How far a frame may extend beyond its period.
const PERIOD_EDGE_SECONDS: f64 = 0.1;
/// How many bytes of a segment may have to be held back until its first timestamp is found.
const MAX_HELD_BYTES: usize = 32 << 20;
/// A segment that is empty twice is empty.
const MAX_EMPTY_RESPONSES: u32 = 2;
/// How many bytes of a segment of packed audio are parsed to find its ID3 timestamp.
const TIMESTAMP_SEARCH_BYTES: usize = 64 << 10;
/// By how much the times of live media may differ from their manifest.
const MAX_TIME_ERROR_SECONDS: f64 = 1.0;

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
    /// Its start in seconds before the end of the previous segment moved it.
    pub former_start: Option<f64>,
    /// What the remuxer has done with it, if it is MPEG-TS.
    pub remuxed: Cell<Option<RemuxReport>>,
    /// The number of the last segment whose media were appended with it: its own, except in media files.
    pub last_number: Cell<u64>,
}

/// What a download has added to the SourceBuffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fetched {
    /// A segment, with its time in seconds if the media say that.
    Media(Option<TimeRange>),
    /// Nothing: the segment has no media.
    Nothing,
    /// Nothing: its init segment has other tracks, or a format that cannot follow, so that another MediaSource is needed.
    OtherInit,
    /// Nothing: it is MPEG-TS, and has other tracks than the segments before it, so that another MediaSource is needed.
    OtherTracks,
}

/// How a segment gets into the buffer.
enum SegmentParser {
    /// As it is.
    Direct(Box<DirectParser>),
    /// Through the buffer's remuxer.
    Remuxer,
    /// Not into this buffer, which lacks one of its tracks.
    OtherTracks,
}

/// What is known of a segment that is appended as it is.
struct DirectParser {
    format: SegmentFormat,
    validator: BoxValidator,
    /// What has arrived before its place is known.
    held: Vec<Bytes>,
    /// The timestamp offset once it is known; `None` inside for a segment without timestamps.
    offset: Option<Option<f64>>,
}

impl Download<'_> {
    /// Fetches the segment from its base URLs, with retries, and appends it.
    ///
    /// # Errors
    /// Those of the network and of damaged files once retries are exhausted, and those of [`SegmentBuffer`].
    pub async fn run(&self, buffer: &mut SegmentBuffer) -> Result<Fetched, Error> {
        let network = &self.context.network;
        let base_urls = &self.representation.base_urls;
        let mut attempts = network.start_attempts(base_urls, SEGMENT_MAX_FAILURES);
        let mut empty_responses = 0;
        let fetched = loop {
            let error = match self.attempt(buffer, base_url(base_urls, &attempts)).await {
                Ok(fetched) => break fetched,
                Err(AttemptError::Final(error)) => return Err(error),
                Err(AttemptError::Retry(error)) => error,
            };
            buffer.reset();
            let is_empty =
                matches!(&*error, PlaybackError::InvalidData { reason, .. } if reason == EMPTY);
            empty_responses += u32::from(is_empty);
            if is_empty && empty_responses == MAX_EMPTY_RESPONSES {
                break Fetched::Nothing;
            }
            network.wait_for_retry(&mut attempts, error).await?;
        };
        network.succeeded(&attempts);
        Ok(fetched)
    }

    async fn attempt(
        &self,
        buffer: &mut SegmentBuffer,
        base: &str,
    ) -> Result<Fetched, AttemptError> {
        let Context {
            network,
            content,
            state,
            ..
        } = self.context;
        if let Some(file) = &content.file {
            self.append_file_segment(buffer, file, base).await?;
            return Ok(Fetched::Media(None));
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
        let parsed_init = init
            .as_ref()
            .and_then(|init| mp4::parse_init_segment(&init.to_vec()).ok());
        // `None` until the first bytes tell the format.
        let mut parser = None;
        let url = response.url();
        while let Some(mut bytes) = response.read(mode).await? {
            if let Some((key_file, iv)) = &key {
                bytes = decrypt(kind, &bytes, &key_file.bytes, *iv, &url).await?;
            }
            let parser = match &mut parser {
                Some(parser) => parser,
                none => {
                    let parser =
                        self.begin(buffer, init.as_ref(), parsed_init.as_ref(), &bytes, &url);
                    none.insert(parser.await?)
                }
            };
            match parser {
                SegmentParser::OtherTracks => return Ok(Fetched::OtherTracks),
                SegmentParser::Remuxer => {
                    if !self.remux(buffer, &bytes, &url).await? {
                        return Ok(Fetched::OtherTracks);
                    }
                }
                SegmentParser::Direct(direct) => {
                    let DirectParser {
                        format,
                        validator,
                        held,
                        offset,
                    } = &mut **direct;
                    validator.push(&bytes);
                    if validator.is_invalid() {
                        break;
                    }
                    held.push(bytes);
                    if offset.is_none() {
                        let held_bytes = held.iter().map(Bytes::len).sum::<usize>();
                        if validator.awaits_start() && held_bytes < MAX_HELD_BYTES {
                            continue;
                        }
                        if self.is_hls() && validator.lacks_start() {
                            break;
                        }
                        if !format.fits(buffer) {
                            return Ok(Fetched::OtherInit);
                        }
                        self.wait_for_offset().await;
                        let start = validator.start();
                        *offset = Some(
                            self.prepare_buffer(buffer, format, start, held.first())
                                .await?,
                        );
                        self.append_init(buffer, init.as_ref(), format.track_counts)
                            .await?;
                    }
                    for bytes in held.drain(..) {
                        buffer.append(&bytes).await?;
                    }
                }
            }
            let start = content.segment(self.id, self.segment.number);
            let start = start.map_or(self.segment.start, |segment| segment.start);
            state.update_buffered(self.content_type, buffer.buffered(), start);
        }
        let (validator, held, offset) = match parser {
            Some(SegmentParser::Remuxer) => {
                return Ok(match self.end_remuxing(buffer, &url).await? {
                    true => Fetched::Media(None),
                    false => Fetched::OtherTracks,
                });
            }
            Some(SegmentParser::OtherTracks) => return Ok(Fetched::OtherTracks),
            Some(SegmentParser::Direct(direct)) => {
                (direct.validator, direct.held, direct.offset.flatten())
            }
            None => return Err(invalid_data(kind, &url, EMPTY).into()),
        };
        if let Some(reason) = validator.error() {
            return Err(invalid_data(kind, &url, reason).into());
        }
        if !validator.has_media() {
            return Ok(Fetched::Nothing);
        }
        if !held.is_empty() {
            return Err(invalid_data(kind, &url, "it has no timestamp").into());
        }
        let time = |media: Option<f64>| Some(media? + offset?);
        let times = time(validator.start()).zip(time(validator.end()));
        Ok(Fetched::Media(
            times.map(|(start, end)| TimeRange { start, end }),
        ))
    }

    /// Detects the format of the segment by its first bytes, and prepares the remuxer if it is MPEG-TS.
    async fn begin(
        &self,
        buffer: &mut SegmentBuffer,
        init: Option<&Bytes>,
        parsed_init: Option<&mp4::InitSegment>,
        first_bytes: &Bytes,
        url: &str,
    ) -> Result<SegmentParser, Error> {
        // Only evictions during this append matter. The inventory has lost earlier ones already.
        buffer.take_evicted();
        // The last init segment of a playlist may be one of other segments.
        let is_transport_stream = detect_container(first_bytes) == Some(Container::TransportStream);
        self.end_previous_stream(buffer, is_transport_stream, url)
            .await?;
        if is_transport_stream {
            // A playlist may give the program of all segments as their init segment.
            let map =
                init.filter(|init| detect_container(init) == Some(Container::TransportStream));
            return Ok(match self.begin_remuxing(buffer, map).await? {
                true => SegmentParser::Remuxer,
                false => SegmentParser::OtherTracks,
            });
        }
        let format = self.detect_format(init, parsed_init, first_bytes, url)?;
        Ok(SegmentParser::Direct(Box::new(DirectParser {
            validator: BoxValidator::new(format.container, parsed_init.cloned()),
            format,
            held: Vec::new(),
            offset: None,
        })))
    }

    /// Appends the init segment, unless the last one appended was the same.
    async fn append_init(
        &self,
        buffer: &mut SegmentBuffer,
        init: Option<&Bytes>,
        track_counts: Option<[usize; 2]>,
    ) -> Result<(), Error> {
        if let (Some(bytes), Some(resource)) = (init, &self.segment.init)
            && !buffer.is_initialized(self.id, resource)
        {
            buffer.append(bytes).await?;
            buffer.set_initialized(self.id, resource, track_counts);
        }
        Ok(())
    }

    /// Detects the format of the segment by its init segment or its first bytes. If they do not tell, it is that of the
    /// representation.
    fn detect_format(
        &self,
        init: Option<&Bytes>,
        parsed_init: Option<&mp4::InitSegment>,
        first_bytes: &Bytes,
        url: &str,
    ) -> Result<SegmentFormat, Error> {
        let start = init.unwrap_or(first_bytes);
        let track_counts = parsed_init.map(|init| count_tracks(&init.codecs));
        let declared = Container::of_media_type(&self.representation.container);
        let container = detect_container(start)
            .or(declared)
            .ok_or_else(|| unsupported_feature(url, "segments of an unknown format"))?;
        let mime = if Some(container) != declared {
            // Described like the first segment of the representation, but for this segment only.
            let mut described = self.representation.clone();
            describe_container(&mut described, start, url, ResourceKind::MediaSegment)?;
            described.mime()
        } else {
            // The init segment decides, unless it is of the same format, or only the manifest's one can be decoded.
            let other = parsed_init.filter(|init| {
                !mp4::is_same_format(&init.codecs, &self.representation.codecs)
                    && platform::can_decode(&init.mime())
            });
            other.map_or_else(|| self.representation.mime(), mp4::InitSegment::mime)
        };
        Ok(SegmentFormat {
            container,
            mime,
            track_counts,
        })
    }

    /// Sets the buffer's type, timestamp offset and append window for the segment. Returns the offset, unless the
    /// segment has no timestamps.
    async fn prepare_buffer(
        &self,
        buffer: &mut SegmentBuffer,
        format: &SegmentFormat,
        media_start: Option<f64>,
        first_bytes: Option<&Bytes>,
    ) -> Result<Option<f64>, Error> {
        buffer.change_type(&format.mime)?;
        let follows = buffer.ends_at(self.segment.start);
        let offset = self.timestamp_offset(follows, media_start).await?;
        // Without a reset, WebKitGTK drops a segment that is earlier than the first one since the last reset. WebM is
        // reset for each segment: it is not validated, so the previous one may have been incomplete. Where the offset
        // changes, the tracks of a muxed segment need not continue: a gap in one track would make the browser drop the
        // other, too, up to its next sync sample.
        if !follows
            || format.container == Container::WebM
            || offset.is_some_and(|offset| buffer.is_offset_by_other_than(offset))
        {
            buffer.reset();
        }
        // Packed audio continues the segment before.
        let is_packed = media_start.is_none() && self.is_hls();
        let new_offset = match is_packed {
            true => (!follows).then(|| self.packed_start(first_bytes)),
            false => offset,
        };
        buffer.set_offset_and_window(new_offset, self.append_window())?;
        Ok(offset)
    }

    /// Where a segment of packed audio begins, in seconds. The browser numbers its samples from there on, and ignores
    /// their own times.
    fn packed_start(&self, first_bytes: Option<&Bytes>) -> f64 {
        let time =
            first_bytes.and_then(|bytes| id3::timestamp(&bytes.prefix(TIMESTAMP_SEARCH_BYTES)));
        time.map_or(self.segment.start, |time| time + self.stream_offset(time))
    }

    fn is_hls(&self) -> bool {
        matches!(&self.representation.index, Index::Known(segments)
            if segments.timestamps == Timestamps::Discontinuities)
    }

    /// Checks that a live segment begins at the time of the manifest. It does not if another period has begun since the
    /// manifest was loaded, and templates count on in the old one.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidManifest`].
    fn check_time(&self, begins_at: f64) -> Result<(), Error> {
        let Segment { start, end, .. } = *self.segment;
        match (begins_at - start).abs() > (end - start).max(MAX_TIME_ERROR_SECONDS) {
            true => Err(invalid_manifest(
                &self.segment.resource.path,
                "the times of its segments are others",
            )),
            false => Ok(()),
        }
    }

    /// The timestamp offset of the segment, in seconds; `None` if it has no timestamps.
    async fn timestamp_offset(
        &self,
        follows: bool,
        media_start: Option<f64>,
    ) -> Result<Option<f64>, Error> {
        let Index::Known(segments) = &self.representation.index else {
            return Ok(None);
        };
        let Some(start) = media_start else {
            return Ok((!self.is_hls()).then_some(segments.time_offset));
        };
        if segments.live.availability_offset.is_some() {
            self.check_time(start + segments.time_offset)?;
        }
        let content = &self.context.content;
        let segment = content.segment(self.id, self.segment.number);
        let arrival = Arrival {
            id: self.id,
            representation: self.representation,
            segment: segment.as_ref().unwrap_or(self.segment),
            start,
            follows,
            former_start: self.former_start,
        };
        let offset = self.context.offset_table.offset(content, &arrival).await?;
        Ok(Some(offset))
    }

    /// Waits until the timestamp offset of an HLS discontinuity is known, if video will determine it. Audio often begins
    /// a little later than video. If it determined the offset, the first pictures would lie before the append window
    /// and be dropped, up to the next sync sample.
    async fn wait_for_offset(&self) {
        let Context {
            state,
            offset_table,
            ..
        } = self.context;
        let Index::Known(segments) = &self.representation.index else {
            return;
        };
        if segments.timestamps == Timestamps::Media || self.content_type == ContentType::Video {
            return;
        }
        let is_known = || {
            offset_table
                .known(self.id.period, self.segment.discontinuity)
                .is_some()
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
}

/// The format of one segment, which may differ from that of its representation.
struct SegmentFormat {
    container: Container,
    /// The type to append it with.
    mime: String,
    /// How many tracks of video and audio the init segment has.
    track_counts: Option<[usize; 2]>,
}

impl SegmentFormat {
    /// Whether it can be appended to a buffer after what was appended before.
    fn fits(&self, buffer: &SegmentBuffer) -> bool {
        self.track_counts
            .is_none_or(|counts| buffer.accepts_tracks(counts))
            && buffer.accepts_type(&self.mime)
    }
}

/// The number of video and of audio tracks with these codecs.
fn count_tracks(codecs: &str) -> [usize; 2] {
    [ContentType::Video, ContentType::Audio].map(|content_type| {
        let codecs = codecs.split(',');
        codecs
            .filter(|codec| content_type_of_codec(codec) == Some(content_type))
            .count()
    })
}
