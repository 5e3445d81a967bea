//! What a file has: tracks, and sets of them with their segments.

use std::ops::Range;

use crate::output::Kind;

/// A track of a file, whether it can be played or not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileTrack {
    /// What it carries; `None` for text and data.
    pub kind: Option<Kind>,
    /// Whether it carries subtitles or captions.
    pub is_text: bool,
    /// Number in the file: `track_ID` or TrackNumber.
    pub number: u64,
    /// RFC 6381 codec, or the file's own name of a coding that has none.
    pub codec: String,
    /// Media type for `MediaSource.isTypeSupported`, with the codec; empty if no MediaSource takes the track.
    pub mime: String,
    /// ISO 639-2 or RFC 5646 tag; empty if unknown.
    pub language: String,
    /// Its name; empty if it has none.
    pub label: String,
    /// Whether it is meant to be played if the viewer does not choose.
    pub is_default: bool,
    /// Size of the picture in pixels.
    pub size: (u32, u32),
    /// Clockwise rotation in degrees.
    pub rotation: u16,
    /// Channels.
    pub channels: u16,
    /// Pictures per second; 0 if unknown.
    pub frame_rate: f64,
    /// Why it cannot be played; empty if it can, as far as the file is concerned.
    pub problem: String,
}

/// Tracks that are appended to one SourceBuffer.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackSet {
    /// Video if it has video.
    pub kind: Kind,
    /// Indexes of its tracks.
    pub tracks: Vec<usize>,
    /// Type for `addSourceBuffer`.
    pub mime: String,
    /// Initialization segment.
    pub init: Vec<u8>,
    /// Its segments, by ascending time; each begins where the previous one ends.
    pub segments: Vec<FileSegment>,
    /// Bytes of its samples, or of the file.
    pub bytes: u64,
    /// Media time of the presentation's time zero, in seconds: subtract it from the times of what is appended.
    pub origin: f64,
}

/// A segment of a set, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FileSegment {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

/// What to append for a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Bytes to append before those of the file: `moof` and the header of `mdat`.
    pub head: Vec<u8>,
    /// Ranges of the file, in this order.
    pub ranges: Vec<Range<u64>>,
    /// Whether these bytes have to be pushed into the converter instead of being appended.
    pub is_converted: bool,
}

/// A file that was opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Movie {
    /// Name of the container.
    pub container: &'static str,
    /// Duration in seconds.
    pub duration: f64,
    /// All tracks.
    pub tracks: Vec<FileTrack>,
}
