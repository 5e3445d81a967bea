//! The data model of manifests: presentation, periods, adaptation sets and representations.

use std::rc::Rc;

use super::{
    captions::CaptionTrack,
    live::Live,
    purpose::{AutoSelect, Purpose},
    segments::{ByteRange, Resource, Segments},
};

/// A presentation, as described by its manifest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Presentation {
    /// Duration in seconds; `None` if it is known only from segment indexes or, in HLS, media playlists.
    pub duration: Option<f64>,
    /// What it has while it is live; `None` if it is complete.
    pub live: Option<Live>,
    /// In order, at least one.
    pub periods: Vec<Period>,
    /// Captions in files of their own.
    pub captions: Vec<CaptionTrack>,
    /// Where the author wants playback to start (EXT-X-START), in seconds; negative ones count from the end.
    pub start: Option<f64>,
}

/// Identifies a representation by its indexes in a presentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepresentationId {
    /// Index in [`Presentation::periods`].
    pub period: usize,
    /// Index in [`Period::adaptation_sets`].
    pub set: usize,
    /// Index in [`AdaptationSet::representations`].
    pub representation: usize,
}

impl Presentation {
    /// Where the author wants playback to start, in seconds; `None` if that is not in the presentation, or not known yet.
    pub fn start_position(&self) -> Option<f64> {
        let (start, duration) = (self.start?, self.duration?);
        let position = match start < 0.0 {
            true => (duration + start).max(0.0),
            false => start,
        };
        (position < duration).then_some(position)
    }

    /// The ids of all representations, in order.
    pub fn representation_ids(&self) -> Vec<RepresentationId> {
        let all = self.representations().into_iter();
        all.map(|(id, ..)| id).collect()
    }

    /// All representations in order, each with its id and adaptation set.
    pub fn representations(&self) -> Vec<(RepresentationId, &AdaptationSet, &Representation)> {
        let mut all = Vec::new();
        for (period_index, period) in self.periods.iter().enumerate() {
            for (set_index, set) in period.adaptation_sets.iter().enumerate() {
                for (index, representation) in set.representations.iter().enumerate() {
                    let id = RepresentationId {
                        period: period_index,
                        set: set_index,
                        representation: index,
                    };
                    all.push((id, set, representation));
                }
            }
        }
        all
    }

    /// The adaptation set of a representation.
    pub fn adaptation_set(&self, id: RepresentationId) -> Option<&AdaptationSet> {
        self.periods.get(id.period)?.adaptation_sets.get(id.set)
    }

    /// The adaptation set of a representation, mutable.
    pub fn adaptation_set_mut(&mut self, id: RepresentationId) -> Option<&mut AdaptationSet> {
        self.periods
            .get_mut(id.period)?
            .adaptation_sets
            .get_mut(id.set)
    }

    /// The representation with an id.
    pub fn representation(&self, id: RepresentationId) -> Option<&Representation> {
        self.adaptation_set(id)?
            .representations
            .get(id.representation)
    }
}

/// A time range of a presentation with a fixed list of adaptation sets. HLS has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Period {
    /// The author's id; may be empty.
    pub id: String,
    /// Start, in seconds.
    pub start: f64,
    /// End, in seconds; infinite if unknown.
    pub end: f64,
    /// The video and audio to choose from.
    pub adaptation_sets: Vec<AdaptationSet>,
}

/// Representations of the same content, between which the player may switch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdaptationSet {
    /// Selects the SourceBuffer that it is appended to.
    pub content_type: ContentType,
    /// RFC 5646 tag; empty if unknown.
    pub language: String,
    /// Name to show in a menu; empty if there is none.
    pub label: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether it may be played without having been chosen.
    pub auto_select: AutoSelect,
    /// Whether the author marks it as the default.
    pub is_main: bool,
    /// Whether it is encrypted for a DRM system.
    pub is_protected: bool,
    /// At least one, by ascending bandwidth.
    pub representations: Vec<Representation>,
}

/// The content of a SourceBuffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentType {
    /// Video, possibly with audio in the same segments.
    #[default]
    Video,
    /// Audio alone.
    Audio,
}

/// One encoding of the content of an adaptation set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Representation {
    /// The author's id; empty in HLS without NAME.
    pub id: String,
    /// Bits per second; 0 if unknown.
    pub bandwidth: u64,
    /// Width and height in pixels; zeros if unknown.
    pub size: (u32, u32),
    /// Frames per second; 0 if unknown.
    pub frame_rate: f64,
    /// Media type without parameters, such as `video/mp4`; empty until it is detected from the media.
    pub container: String,
    /// RFC 6381 codecs, comma-separated; empty until they are read from the init segment.
    pub codecs: String,
    /// Absolute URLs that segment paths are relative to: the preferred one and its alternatives. At least
    /// one.
    pub base_urls: Vec<Rc<str>>,
    /// Paths of redundant copies of its media playlist (HLS), in the order of preference, for fail-over. The segments of
    /// a copy are the same; their addresses may differ.
    pub copies: Vec<String>,
    /// Its segments, or where they are listed.
    pub index: Index,
}

impl Representation {
    /// Whether its segments can be fetched and appended without reading anything else first.
    pub fn is_resolved(&self) -> bool {
        let lacks_codecs = self.codecs.is_empty() && self.container.ends_with("/mp4");
        matches!(self.index, Index::Known(_)) && !lacks_codecs
    }

    /// The type to create a SourceBuffer with, such as `video/mp4; codecs="avc1.4d401f"`.
    pub fn mime(&self) -> String {
        if self.codecs.is_empty() {
            return self.container.clone();
        }
        format!("{}; codecs=\"{}\"", self.container, self.codecs)
    }
}

/// The segments of a representation, or the resource that lists them.
#[derive(Clone, Debug, PartialEq)]
pub enum Index {
    /// The segments are known.
    Known(Rc<Segments>),
    /// In an HLS media playlist with this path.
    Playlist(String),
    /// In a segment index box of the media file.
    Sidx(SidxLocation),
}

impl Default for Index {
    fn default() -> Self {
        Self::Known(Rc::default())
    }
}

/// A media file with a segment index (`sidx`, ISO/IEC 14496-12 § 8.16.3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SidxLocation {
    /// Path of the file; empty if the base URL is the file.
    pub path: String,
    /// Byte range of the index; `None` if it has to be searched for from the beginning of the file.
    pub index: Option<ByteRange>,
    /// The init segment; `None` if it is everything before the index.
    pub init: Option<Resource>,
    /// Seconds to add to a media time to get a presentation time.
    pub time_offset: f64,
    /// End of the period in seconds: segments that begin later are left out.
    pub end: f64,
}

/// The content type of an RFC 6381 codec; `None` for text, which no SourceBuffer accepts.
pub fn content_type_of_codec(codec: &str) -> Option<ContentType> {
    let sample_entry = codec.trim_ascii().split('.').next().unwrap_or_default();
    match sample_entry.to_ascii_lowercase().as_str() {
        "mp4a" | "aac" | "ac-3" | "ec-3" | "ac-4" | "opus" | "vorbis" | "flac" | "alac" | "mp3"
        | "dtsc" | "dtse" | "dtsx" | "mhm1" | "mha1" => Some(ContentType::Audio),
        "wvtt" | "stpp" | "tx3g" | "c608" | "c708" => None,
        _ => Some(ContentType::Video),
    }
}
