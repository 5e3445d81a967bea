//! MPEG-TS segments on their way to a SourceBuffer: remuxed to fragmented MP4 as they arrive.
//!
//! Frames may cross the boundaries of segments, so the last ones of a segment are completed by the next segment, if it
//! continues the stream, and otherwise by a flush.

use super::error::{Error, invalid_data, unsupported_feature};
use crate::{
    media::{ContentType, RepresentationId, Segment, content_type_of_codec},
    platform::{self, AudioLimits, Bytes, RemuxOutput, RemuxTracks, Remuxer},
    protocol::{LeftOutTrack, PlaybackError, ResourceKind},
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
    /// Whether the fragments are audio frames without MP4 around them, which the browser gives consecutive times.
    is_raw: bool,
    /// Whether the timestamp offset is set for the fragments.
    has_offset: bool,
    /// The end of the last fragment, in seconds.
    end: f64,
    /// Whether a track has begun that the initialization segment lacks.
    has_late_track: bool,
    /// Whether the rest of the segment is left out, because its tracks have changed.
    is_left_out: bool,
    /// Whether audio is left out that the stream has, because the browser does not decode it.
    refuses_audio: bool,
    /// Fragments since the start of the segment.
    fragments: usize,
    /// Whether one of them has more than the last frames of the segment before.
    has_own_frames: bool,
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
            is_raw: false,
            has_offset: false,
            end: 0.0,
            has_late_track: false,
            is_left_out: false,
            refuses_audio: false,
            fragments: 0,
            has_own_frames: false,
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

    /// Starts a stream. `tracks` are those of the buffer; if the stream `may_have_audio` beside them, it is reported.
    /// `expected` is the time of the first timestamp, in seconds, if it is known. `map` are packets with the program.
    pub fn start(
        &mut self,
        tracks: RemuxTracks,
        may_have_audio: bool,
        expected: Option<f64>,
        map: Option<&Bytes>,
    ) {
        // One wrap later, so that times before it are positive, too.
        let expected = expected.map(|seconds| seconds + WRAP_SECONDS);
        let read = RemuxTracks {
            audio: tracks.audio || may_have_audio && !self.refuses_audio,
            ..tracks
        };
        let limits = AudioLimits {
            is_optional: !tracks.audio,
            ..audio_limits()
        };
        self.remuxer.start(read, limits, expected);
        if let Some(map) = map {
            self.remuxer.push(map);
        }
        self.tracks = tracks;
        self.has_offset = false;
        self.has_late_track = false;
        self.is_left_out = false;
    }

    /// Whether a track has begun that the buffer lacks: another MediaSource can have it from the next segment on.
    pub fn takes_late_track(&mut self) -> bool {
        std::mem::take(&mut self.has_late_track)
    }

    /// Leaves out the rest of the segment.
    pub const fn leave_out(&mut self) {
        self.is_left_out = true;
        self.reached = None;
    }

    /// Whether frames of the segment itself were appended, not only the last ones of the segment before.
    pub const fn has_own_frames(&self) -> bool {
        self.has_own_frames
    }

    /// Records that frames of the segment itself are appended.
    pub const fn set_has_own_frames(&mut self) {
        self.has_own_frames = true;
    }

    /// Begins a segment.
    pub fn begin_segment(&mut self, id: RepresentationId, segment: &Segment) {
        self.remuxer.next_segment();
        self.reached = Some(StreamPosition {
            number: segment.number + 1,
            ..StreamPosition::start_of(id, segment)
        });
        self.fragments = 0;
        self.has_own_frames = false;
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
                _ if self.is_left_out => {}
                RemuxOutput::Init { mime, tracks, .. } => {
                    let decodable = decodable(&mime);
                    if tracks != self.tracks {
                        if decodable.is_some() {
                            return Ok(Some(Remuxed::OtherTracks));
                        }
                        // The next attempt does not read the audio.
                        self.refuses_audio = true;
                        return Err(self.problem_or(url, "its audio is not decoded"));
                    }
                    let mime = decodable.ok_or(PlaybackError::UnsupportedCodec { mime })?;
                    self.is_raw = mime == RAW_AUDIO;
                    return Ok(Some(Remuxed::Init {
                        bytes: self.remuxer.bytes(),
                        mime,
                    }));
                }
                RemuxOutput::Fragment { first_shown, end } => {
                    self.fragments += 1;
                    let follows = !self.is_raw || (first_shown - self.end).abs() < RAW_GAP_SECONDS;
                    self.end = end;
                    return Ok(Some(Remuxed::Fragment {
                        bytes: self.remuxer.bytes(),
                        first_time: (!self.has_offset || !follows).then_some(first_shown),
                        end,
                        is_raw: self.is_raw,
                    }));
                }
                RemuxOutput::Metadata => {}
                RemuxOutput::Problem {
                    is_unsupported,
                    is_late_track,
                    text,
                } => {
                    self.has_late_track |= is_late_track;
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
        /// The end of its last frame, in seconds.
        end: f64,
        /// Whether the browser gives it a time, which is the timestamp offset.
        is_raw: bool,
    },
    /// The stream goes on with other tracks than the buffer's.
    OtherTracks,
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

/// The tracks of a media type.
pub fn tracks(mime: &str) -> RemuxTracks {
    let codecs = mime.split('"').nth(1).unwrap_or_default();
    let has = |kind| (codecs.split(',')).any(|codec| content_type_of_codec(codec) == Some(kind));
    RemuxTracks {
        video: has(ContentType::Video),
        audio: has(ContentType::Audio) || mime.starts_with("audio/"),
    }
}

/// The media type of MP3 frames without MP4 around them.
const RAW_AUDIO: &str = "audio/mpeg";

/// A shorter gap between two fragments of audio frames is due to rounding.
const RAW_GAP_SECONDS: f64 = 0.01;

/// The audio that this browser does not decode in MP4.
fn audio_limits() -> AudioLimits {
    let lacks = |codec| decodable(&format!("audio/mp4; codecs=\"{codec}\"")).is_none();
    AudioLimits {
        is_optional: false,
        no_ac3: lacks("ac-3"),
        no_eac3: lacks("ec-3"),
        no_mp3: lacks("mp4a.6B"),
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
    /// Audio that is not played beside the video: the browser does not decode it, or it is encrypted.
    pub left_out: Option<LeftOutTrack>,
}

impl StreamDescription {
    /// Its media type with codecs.
    pub fn mime(&self) -> String {
        match self.codecs.as_str() {
            "" => self.container.into(),
            codecs => format!("{}; codecs=\"{codecs}\"", self.container),
        }
    }
}

/// Reads the beginning of a transport stream to learn its tracks. Audio that the browser does not decode is left out if
/// there is video.
pub struct DescriptionReader {
    remuxer: Remuxer,
    tracks: RemuxTracks,
    /// Media type, and size of the picture in pixels.
    found: Option<(String, (u32, u32))>,
    /// The first problem: see [`RemuxOutput::Problem`].
    problem: Option<(bool, String)>,
}

impl DescriptionReader {
    /// Expects the beginning of a stream of which these tracks are needed.
    pub fn new(mut remuxer: Remuxer, tracks: RemuxTracks) -> Self {
        remuxer.start(tracks, audio_limits(), None);
        Self {
            remuxer,
            tracks,
            found: None,
            problem: None,
        }
    }

    /// Adds bytes. Returns whether they are enough.
    pub fn push(&mut self, bytes: &Bytes) -> bool {
        for batch in batches(bytes) {
            if self.found.is_none() {
                self.remuxer.push(&batch);
                self.read();
            }
        }
        self.found.is_some()
    }

    fn read(&mut self) {
        while let Some(output) = self.remuxer.take() {
            match output {
                RemuxOutput::Init { mime, size, .. } => {
                    self.found.get_or_insert((mime, size));
                }
                RemuxOutput::Problem {
                    is_unsupported,
                    text,
                    ..
                } => {
                    self.problem.get_or_insert((is_unsupported, text));
                }
                RemuxOutput::Fragment { .. } | RemuxOutput::Metadata => {}
            }
        }
    }

    /// The description. If the bytes were not enough, tracks without frames are left out.
    ///
    /// # Errors
    /// [`PlaybackError::UnsupportedCodec`], [`PlaybackError::UnsupportedFeature`], or [`PlaybackError::InvalidData`].
    pub fn finish(mut self, url: &str) -> Result<StreamDescription, Error> {
        if self.found.is_none() {
            self.remuxer.flush();
            self.read();
        }
        let (tracks, problem) = (self.tracks, self.problem);
        match self.found {
            Some((mime, size)) => describe(mime, size, tracks, problem),
            None => Err(match problem {
                Some((true, feature)) => unsupported_feature(url, &feature),
                Some((false, reason)) => invalid_data(ResourceKind::MediaSegment, url, &reason),
                None => invalid_data(ResourceKind::MediaSegment, url, "it has no audio or video"),
            }),
        }
    }
}

/// The tracks of a stream with this media type that can be played.
fn describe(
    mime: String,
    size: (u32, u32),
    tracks: RemuxTracks,
    problem: Option<(bool, String)>,
) -> Result<StreamDescription, Error> {
    let codecs = mime.split('"').nth(1).unwrap_or_default();
    let of = |kind| {
        let mut all = codecs.split(',');
        all.find(|codec| content_type_of_codec(codec) == Some(kind))
    };
    let container = match of(ContentType::Video) {
        Some(_) => "video/mp4",
        None if mime == RAW_AUDIO => RAW_AUDIO,
        None => "audio/mp4",
    };
    let only = of(ContentType::Video).map(|video| format!("{container}; codecs=\"{video}\""));
    let playable = [Some(mime.clone()), only]
        .into_iter()
        .flatten()
        .find_map(|mime| decodable(&mime))
        .ok_or(PlaybackError::UnsupportedCodec { mime: mime.clone() })?;
    let lacks_audio = tracks.audio && tracks.video && !self::tracks(&playable).audio;
    let left_out = match (of(ContentType::Audio), problem) {
        _ if !lacks_audio => None,
        (Some(codec), _) => Some(LeftOutTrack {
            name: format!("audio track ({codec})"),
            reason: "this browser does not decode it".into(),
        }),
        (None, Some((true, feature))) => Some(LeftOutTrack {
            name: "audio track".into(),
            reason: format!("this browser or player does not play {feature}"),
        }),
        _ => None,
    };
    let codecs = playable.split('"').nth(1).unwrap_or_default();
    Ok(StreamDescription {
        container,
        codecs: codecs.into(),
        size,
        left_out,
    })
}
