//! MPEG-TS segments on their way to a SourceBuffer: remuxed to fragmented MP4 as they arrive.
//!
//! Frames may cross the boundaries of segments, so the last ones of a segment are completed by the next segment, if it
//! continues the stream, and otherwise by a flush.

use super::error::{Error, invalid_data, unsupported_feature};
use crate::{
    media::{ContentType, RepresentationId, Segment, content_type_of_codec},
    platform::{self, Bytes, RemuxOutput, RemuxTracks, Remuxer},
    protocol::{PlaybackError, ResourceKind},
};

/// How many bytes are remuxed before the result is appended. Each byte may need a hundred bytes of memory in a hostile
/// stream.
const BATCH_BYTES: usize = 256 << 10;

/// Timestamps wrap to zero after so many seconds (ISO/IEC 13818-1 § 2.4.3.7).
const WRAP_SECONDS: f64 = (1_u64 << 33) as f64 / 90_000.0;

/// The remuxer of one SourceBuffer.
pub struct SegmentRemuxer {
    remuxer: Remuxer,
    /// The tracks that it writes.
    tracks: RemuxTracks,
    /// The place in the stream that has been reached; `None` if it was interrupted.
    reached: Option<StreamPosition>,
    /// Whether the timestamp offset is set for the fragments.
    has_offset: bool,
    /// Fragments since the start of the segment.
    fragments: usize,
    /// The first problem since the start of the segment: see [`RemuxOutput::Problem`].
    problem: Option<(bool, String)>,
}

/// The start of a segment in a stream of continuous timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StreamPosition {
    id: RepresentationId,
    number: u64,
    discontinuity: u32,
}

impl StreamPosition {
    const fn start_of(id: RepresentationId, segment: &Segment) -> Self {
        Self {
            id,
            number: segment.number,
            discontinuity: segment.discontinuity,
        }
    }
}

impl SegmentRemuxer {
    /// Wraps a new remuxer.
    pub fn new(remuxer: Remuxer) -> Self {
        Self {
            remuxer,
            tracks: RemuxTracks::default(),
            reached: None,
            has_offset: false,
            fragments: 0,
            problem: None,
        }
    }

    /// Drops the incomplete frames: what is pushed next does not continue them.
    pub const fn interrupt(&mut self) {
        self.reached = None;
    }

    /// Whether it has frames that the next segment, or a flush, may complete.
    pub const fn is_running(&self) -> bool {
        self.reached.is_some()
    }

    /// Whether a segment continues the stream.
    pub fn is_continued_by(&self, id: RepresentationId, segment: &Segment) -> bool {
        self.reached == Some(StreamPosition::start_of(id, segment))
    }

    /// Starts a stream. `expected` is the time of the first timestamp, in seconds, if it is known.
    pub fn start(&mut self, tracks: RemuxTracks, expected: Option<f64>) {
        // One wrap later, so that times before it are positive, too.
        let expected = expected.map(|seconds| seconds + WRAP_SECONDS);
        self.remuxer.start(tracks, expected);
        self.tracks = tracks;
        self.has_offset = false;
    }

    /// Begins a segment.
    pub fn begin_segment(&mut self, id: RepresentationId, segment: &Segment) {
        self.remuxer.next_segment();
        self.reached = Some(StreamPosition {
            number: segment.number + 1,
            ..StreamPosition::start_of(id, segment)
        });
        self.fragments = 0;
        self.problem = None;
    }

    /// Adds bytes, as many as [`batches`] gives at once.
    pub fn push(&mut self, bytes: &Bytes) {
        self.remuxer.push(bytes);
    }

    /// Completes the last frames.
    pub fn flush(&mut self) {
        self.remuxer.flush();
        self.reached = None;
    }

    /// Takes the next segment to append. The bytes have to be appended before another call.
    ///
    /// # Errors
    /// [`PlaybackError::UnsupportedCodec`], or [`PlaybackError::InvalidData`] if the tracks are other ones than those
    /// that were asked for: a SourceBuffer cannot change them.
    pub fn take(&mut self, url: &str) -> Result<Option<Remuxed>, Error> {
        while let Some(output) = self.remuxer.take() {
            match output {
                RemuxOutput::Init { mime, tracks, .. } => {
                    if tracks != self.tracks {
                        let reason = "it lacks the audio or the video that was there before";
                        return Err(self.problem_or(url, reason));
                    }
                    return Ok(Some(Remuxed::Init {
                        bytes: self.remuxer.bytes(),
                        mime: decodable(&mime).ok_or(PlaybackError::UnsupportedCodec { mime })?,
                    }));
                }
                RemuxOutput::Fragment { first_shown } => {
                    self.fragments += 1;
                    return Ok(Some(Remuxed::Fragment {
                        bytes: self.remuxer.bytes(),
                        first_time: (!self.has_offset).then_some(first_shown),
                    }));
                }
                RemuxOutput::Metadata => {}
                RemuxOutput::Problem {
                    is_unsupported,
                    text,
                } => {
                    self.problem.get_or_insert((is_unsupported, text));
                }
            }
        }
        Ok(None)
    }

    /// Records that the timestamp offset is set.
    pub const fn set_has_offset(&mut self) {
        self.has_offset = true;
    }

    /// The defect of a segment that ends here; `None` if some of it could be remuxed.
    pub fn error(&self, url: &str) -> Option<Error> {
        let is_empty = self.fragments == 0 && self.problem.is_some();
        is_empty.then(|| self.problem_or(url, "it has no audio or video"))
    }

    /// The error for the first problem of the segment, or else for a reason.
    fn problem_or(&self, url: &str, reason: &str) -> Error {
        match &self.problem {
            Some((true, feature)) => unsupported_feature(url, feature),
            Some((false, reason)) => invalid_data(ResourceKind::MediaSegment, url, reason),
            None => invalid_data(ResourceKind::MediaSegment, url, reason),
        }
    }
}

/// A segment to append.
pub enum Remuxed {
    /// An init segment.
    Init {
        /// The bytes.
        bytes: Bytes,
        /// Their media type.
        mime: String,
    },
    /// A media segment.
    Fragment {
        /// The bytes.
        bytes: Bytes,
        /// Its earliest presentation time, in seconds, if the timestamp offset has to be set.
        first_time: Option<f64>,
    },
}

/// The parts to push one after another.
pub fn batches(bytes: &Bytes) -> impl Iterator<Item = Bytes> {
    let starts = (0..bytes.len()).step_by(BATCH_BYTES);
    starts.map(|start| bytes.slice(start..start + BATCH_BYTES))
}

/// Adds wraps to a timestamp offset, in seconds, so that a time of the stream becomes the one nearest to `expected`.
pub fn align(offset: f64, time: f64, expected: f64) -> f64 {
    offset + ((expected - time - offset) / WRAP_SECONDS).round() * WRAP_SECONDS
}

/// A timestamp offset for the stream whose earliest time, in seconds, is to be shown at `start`. Times of the stream are
/// those before the first wrap.
pub fn offset(time: f64, start: f64) -> f64 {
    start - time.rem_euclid(WRAP_SECONDS)
}

/// The tracks of a representation, by its codecs.
pub fn tracks(codecs: &str) -> RemuxTracks {
    let has = |kind| (codecs.split(',')).any(|codec| content_type_of_codec(codec) == Some(kind));
    RemuxTracks {
        video: has(ContentType::Video),
        audio: has(ContentType::Audio),
    }
}

/// The name of a media type under which the browser decodes it, if it does: Firefox knows MP3 in MP4 by another one than
/// the others.
fn decodable(mime: &str) -> Option<String> {
    let other = mime.replace("mp4a.6B", "mp3").replace("mp4a.69", "mp3");
    [mime.into(), other]
        .into_iter()
        .find(|mime| platform::can_decode(mime))
}

/// What a transport stream contains.
pub struct StreamDescription {
    /// Media type without parameters.
    pub container: &'static str,
    /// RFC 6381 codecs of the tracks that the browser decodes.
    pub codecs: String,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

/// Reads the beginning of a transport stream to learn its tracks. Audio that the browser does not decode is left out if
/// there is video.
///
/// # Errors
/// [`PlaybackError::UnsupportedCodec`], [`PlaybackError::UnsupportedFeature`], or [`PlaybackError::InvalidData`].
pub fn describe(
    mut remuxer: Remuxer,
    bytes: &Bytes,
    url: &str,
    tracks: RemuxTracks,
) -> Result<StreamDescription, Error> {
    remuxer.start(tracks, None);
    let mut problem = None;
    let mut read = |remuxer: &mut Remuxer| {
        while let Some(output) = remuxer.take() {
            match output {
                RemuxOutput::Init { mime, size, .. } => return Some((mime, size)),
                RemuxOutput::Problem {
                    is_unsupported,
                    text,
                } => {
                    problem.get_or_insert((is_unsupported, text));
                }
                RemuxOutput::Fragment { .. } | RemuxOutput::Metadata => {}
            }
        }
        None
    };
    let found = batches(bytes).find_map(|batch| {
        remuxer.push(&batch);
        read(&mut remuxer)
    });
    let found = found.or_else(|| {
        remuxer.flush();
        read(&mut remuxer)
    });
    let Some((mime, size)) = found else {
        return Err(match problem {
            Some((true, feature)) => unsupported_feature(url, &feature),
            Some((false, reason)) => invalid_data(ResourceKind::MediaSegment, url, &reason),
            None => invalid_data(ResourceKind::MediaSegment, url, "it has no audio or video"),
        });
    };
    let codecs = mime.split('"').nth(1).unwrap_or_default();
    let of = |kind| {
        let mut all = codecs.split(',');
        all.find(|codec| content_type_of_codec(codec) == Some(kind))
    };
    let container = match of(ContentType::Video) {
        Some(_) => "video/mp4",
        None => "audio/mp4",
    };
    let only = of(ContentType::Video).map(|video| format!("{container}; codecs=\"{video}\""));
    let playable = [Some(mime.clone()), only]
        .into_iter()
        .flatten()
        .find_map(|mime| decodable(&mime))
        .ok_or(PlaybackError::UnsupportedCodec { mime: mime.clone() })?;
    let codecs = playable.split('"').nth(1).unwrap_or_default();
    Ok(StreamDescription {
        container,
        codecs: codecs.into(),
        size,
    })
}
