//! What a film is made of, and the readers that find it out. Text and numbers in, decisions out: no
//! JavaScript type anywhere in this room, so that all of it is tested natively.

pub mod hls;

/// A film, as far as it is known before any of it is fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct Presentation {
    /// What is played together: one SourceBuffer each.
    pub tracks: Vec<Track>,
}

impl Presentation {
    /// Seconds of film: those of its longest track.
    pub fn duration(&self) -> f64 {
        self.tracks.iter().map(Track::duration).fold(0.0, f64::max)
    }
}

/// The one representation of the pictures, of the sound, or of both muxed, that is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// What a SourceBuffer is made for, such as `video/mp4; codecs="avc1.4d401f"`.
    pub mime: String,
    /// URL of the init segment.
    pub init: String,
    /// The media segments, in order, without gaps.
    pub segments: Vec<Segment>,
}

impl Track {
    /// Seconds of film in all segments together.
    pub fn duration(&self) -> f64 {
        self.segments.iter().map(|segment| segment.duration).sum()
    }
}

/// A media segment: a few seconds of film that can be decoded from their start.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Where it is fetched.
    pub url: String,
    /// Seconds of film in it.
    pub duration: f64,
}
