//! The SourceBuffer of one track.

use std::{cell::Cell, rc::Rc};

use super::{
    error::{Error, call_error},
    remuxing::SegmentRemuxer,
};
use crate::{
    media::{
        BOUNDARY_TOLERANCE, Container, RepresentationId, Resource, mp4,
        ranges::{TimeRange, TimeRanges},
    },
    platform::{self, Bytes, Exception, SourceBuffer},
};

/// Browsers round times to microseconds.
const ROUNDING_SECONDS: f64 = 1e-6;

/// The SourceBuffer of one track, with a record of what was appended last.
///
/// The browser refuses an operation while another is running. Every operation takes `&mut self` and is awaited, so the
/// borrow checker rules that out. After dropping the future of an operation, call [`reset`](Self::reset) before the next.
pub struct SegmentBuffer {
    buffer: SourceBuffer,
    mime: String,
    /// The init segment that was appended last, and its representation.
    init: Option<(RepresentationId, Resource)>,
    /// The end of the segment that was appended last, in seconds.
    end: f64,
    /// How many tracks of video and audio its first init segment had. All others need the same.
    track_counts: Option<[usize; 2]>,
    /// Whether an operation is running.
    is_updating: Rc<Cell<bool>>,
    /// The remuxer of segments in MPEG-TS, once there was one.
    pub remuxer: Option<SegmentRemuxer>,
}

impl SegmentBuffer {
    /// Wraps a new SourceBuffer of the given type. Sets `is_updating` while an operation is running.
    pub const fn new(buffer: SourceBuffer, mime: String, is_updating: Rc<Cell<bool>>) -> Self {
        Self {
            buffer,
            mime,
            init: None,
            end: f64::NEG_INFINITY,
            track_counts: None,
            is_updating,
            remuxer: None,
        }
    }

    /// Whether an init segment with so many tracks of video and audio can be appended after the first one
    /// ([MSE § 3.5.8](https://w3c.github.io/media-source/#sourcebuffer-init-segment-received)).
    pub fn accepts_tracks(&self, counts: [usize; 2]) -> bool {
        self.track_counts.is_none_or(|first| first == counts)
    }

    /// Its media type.
    pub fn mime(&self) -> &str {
        &self.mime
    }

    /// Whether its type is this one, or can be changed to it.
    pub fn accepts_type(&self, mime: &str) -> bool {
        self.mime == mime
            || platform::can_change_type()
            || mp4::has_same_items(&codec_formats(&self.mime), &codec_formats(mime))
    }

    /// Whether this init segment, of this representation, was the last one appended.
    pub fn is_initialized(&self, id: RepresentationId, init: &Resource) -> bool {
        matches!(&self.init, Some((known, resource)) if *known == id && resource == init)
    }

    /// Records that another init segment was appended, which is in no file.
    pub fn set_initialized_otherwise(&mut self) {
        self.init = None;
    }

    /// Records that this init segment was appended, with so many tracks of video and audio.
    pub fn set_initialized(
        &mut self,
        id: RepresentationId,
        init: &Resource,
        track_counts: Option<[usize; 2]>,
    ) {
        self.init = Some((id, init.clone()));
        self.track_counts = self.track_counts.or(track_counts);
    }

    /// Whether the segment that was appended last ends at this time, in seconds.
    pub fn ends_at(&self, time: f64) -> bool {
        (self.end - time).abs() < BOUNDARY_TOLERANCE
    }

    /// Records the end of an appended segment, in seconds.
    pub const fn set_end(&mut self, end: f64) {
        self.end = end;
    }

    /// The buffered ranges; none if the MediaSource is closed.
    pub fn buffered(&self) -> TimeRanges {
        let ranges = self.buffer.buffered().unwrap_or_default();
        ranges
            .into_iter()
            .map(|range| TimeRange {
                start: range.start,
                end: range.end,
            })
            .collect()
    }

    /// Whether the browser has evicted anything since the last call. Only managed sources evict by themselves, and report
    /// it. They may do so in the middle of an append.
    pub fn take_evicted(&self) -> bool {
        self.buffer.take_evicted()
    }

    /// Changes the media type, unless it is the current one. Without `changeType`, the browser accepts only another init
    /// segment of the same codec.
    ///
    /// # Errors
    /// [`MediaSourceCall`](crate::protocol::PlaybackError::MediaSourceCall) if the browser cannot change to it.
    pub fn change_type(&mut self, mime: &str) -> Result<(), Error> {
        if self.mime != mime {
            if platform::can_change_type() {
                self.buffer
                    .change_type(mime)
                    .map_err(|exception| call_error("change the format", exception))?;
            }
            let container = |mime: &str| Container::of_media_type(mime.split(';').next()?);
            if container(&self.mime) != container(mime) {
                // The next segment of packed audio has to be placed by its start again.
                self.end = f64::NEG_INFINITY;
            }
            self.mime = mime.into();
            self.init = None;
        }
        Ok(())
    }

    /// Sets `timestampOffset`, unless `None`, and the append window, both in seconds.
    ///
    /// # Errors
    /// [`MediaSourceCall`](crate::protocol::PlaybackError::MediaSourceCall) if the source is not open.
    pub fn set_offset_and_window(
        &mut self,
        offset: Option<f64>,
        append_window: TimeRange,
    ) -> Result<(), Error> {
        let mut set = || -> Result<(), Exception> {
            if let Some(offset) = offset {
                // The sum of an offset and a timestamp may be rounded to less than the start of the append window. The
                // first frame would be dropped then, with all that depend on it.
                let rounding = if offset == 0.0 { 0.0 } else { ROUNDING_SECONDS };
                self.buffer.set_timestamp_offset(offset + rounding)?;
            }
            self.buffer
                .set_append_window(append_window.start.max(0.0)..append_window.end)
        };
        set().map_err(|exception| call_error("set the timestamp offset", exception))
    }

    /// Whether the current timestamp offset is another one than this, in seconds.
    pub fn is_offset_by_other_than(&self, offset: f64) -> bool {
        (self.buffer.timestamp_offset() - offset).abs() > BOUNDARY_TOLERANCE
    }

    /// Appends a segment or a part of one.
    ///
    /// # Errors
    /// [`BufferFull`](crate::protocol::PlaybackError::BufferFull), or
    /// [`MediaSourceCall`](crate::protocol::PlaybackError::MediaSourceCall) if the source is closed or the bytes cannot
    /// be parsed.
    pub async fn append(&mut self, bytes: &Bytes) -> Result<(), Error> {
        self.is_updating.set(true);
        let result = self.buffer.append(bytes).await;
        self.is_updating.set(false);
        result.map_err(|exception| call_error("append a segment", exception))
    }

    /// Removes a range.
    ///
    /// # Errors
    /// [`MediaSourceCall`](crate::protocol::PlaybackError::MediaSourceCall) if the source is closed.
    pub async fn remove(&mut self, range: TimeRange) -> Result<(), Error> {
        self.is_updating.set(true);
        let result = self.buffer.remove(range.start..range.end).await;
        self.is_updating.set(false);
        result.map_err(|exception| call_error("evict media", exception))
    }

    /// Aborts a running operation, and resets the parser. The appended part of an incomplete segment may or may not stay
    /// buffered.
    pub fn reset(&mut self) {
        self.init = None;
        self.end = f64::NEG_INFINITY;
        if let Some(remuxer) = &mut self.remuxer {
            remuxer.interrupt();
        }
        // An ended source refuses `abort`, so it is reopened by setting the offset. If an append is running, that would
        // throw, but then the source is open. Both calls throw if the source is closed, where nothing is left to reset.
        if !self.buffer.is_updating() {
            let offset = self.buffer.timestamp_offset();
            let _ = self.buffer.set_timestamp_offset(offset);
        }
        let _ = self.buffer.abort();
        self.is_updating.set(false);
    }
}

/// The container and the sample entries of a media type, without profiles and levels.
fn codec_formats(mime: &str) -> Vec<String> {
    let (container, codecs) = mime.split_once(';').unwrap_or((mime, ""));
    let codecs = codecs.trim_ascii().trim_start_matches("codecs=");
    let codecs = codecs.trim_matches('"').split(',');
    let formats = codecs.filter_map(|codec| codec.trim_ascii().split('.').next());
    [container]
        .into_iter()
        .chain(formats)
        .map(str::to_owned)
        .collect()
}
