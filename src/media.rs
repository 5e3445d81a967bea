//! What a film is made of, the readers that find it out, and the decisions about it. Text and numbers
//! in, decisions out: no JavaScript type anywhere in this room, so that all of it is tested natively.
//!
//! Times are seconds of film (the presentation timeline) unless their name says ticks. The words are
//! those of DASH; what HLS calls a variant is a representation here.

pub mod abr;
pub mod captions;
pub mod clock;
pub mod dash;
pub mod hls;
pub mod mp4;
pub mod number;
pub mod plan;
pub mod ranges;
pub mod retry;
pub mod selection;
pub mod sniff;
pub mod xml;

use std::rc::Rc;

use captions::CaptionTrack;

/// A film, as far as its manifest tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Presentation {
    /// Seconds. `None` where only the indexes of its representations say, as in HLS.
    pub duration: Option<f64>,
    /// Whether all of it is there, or more is still to come.
    pub availability: Availability,
    /// In order, at least one.
    pub periods: Vec<Period>,
    /// What can be read beside it.
    pub captions: Vec<CaptionTrack>,
}

/// Whether a manifest is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Availability {
    /// On demand: nothing of it changes.
    #[default]
    Complete,
    /// Live: it grows at its end and may lose its beginning.
    Live,
}

/// Which representation of a presentation: positions in its lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepresentationId {
    /// In [`Presentation::periods`].
    pub period: usize,
    /// In [`Period::sets`].
    pub set: usize,
    /// In [`AdaptationSet::representations`].
    pub representation: usize,
}

impl Presentation {
    /// All representations, in order.
    pub fn representation_ids(&self) -> Vec<RepresentationId> {
        let mut ids = Vec::new();
        for (period, it) in self.periods.iter().enumerate() {
            for (set, it) in it.adaptation_sets.iter().enumerate() {
                for representation in 0..it.representations.len() {
                    ids.push(RepresentationId {
                        period,
                        set,
                        representation,
                    });
                }
            }
        }
        ids
    }

    /// All representations, each with the set that it is in.
    pub fn representations(&self) -> Vec<(RepresentationId, &AdaptationSet, &Representation)> {
        let mut all = Vec::new();
        for id in self.representation_ids() {
            if let (Some(set), Some(it)) = (self.adaptation_set(id), self.representation(id)) {
                all.push((id, set, it));
            }
        }
        all
    }

    /// The set that a representation is in.
    pub fn adaptation_set(&self, id: RepresentationId) -> Option<&AdaptationSet> {
        self.periods.get(id.period)?.adaptation_sets.get(id.set)
    }

    /// The same, to be changed.
    pub fn adaptation_set_mut(&mut self, id: RepresentationId) -> Option<&mut AdaptationSet> {
        self.periods
            .get_mut(id.period)?
            .adaptation_sets
            .get_mut(id.set)
    }

    /// A representation.
    pub fn representation(&self, id: RepresentationId) -> Option<&Representation> {
        self.adaptation_set(id)?
            .representations
            .get(id.representation)
    }
}

/// A part of a film in which the choice of adaptation sets is the same throughout. HLS has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Period {
    /// Where it begins.
    pub start: f64,
    /// Where it ends; infinite if nothing says.
    pub end: f64,
    /// What may be played in it.
    pub adaptation_sets: Vec<AdaptationSet>,
}

/// Representations of the same content, between which the player may switch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdaptationSet {
    /// Which SourceBuffer it is for.
    pub content_type: ContentType,
    /// RFC 5646; empty if it is not said.
    pub language: String,
    /// What a person reads in a menu; empty if it is not said.
    pub label: String,
    /// Whether the author wants it played where nobody has chosen.
    pub is_main: bool,
    /// Whether it is encrypted for a DRM system.
    pub is_protected: bool,
    /// At least one, by ascending bandwidth.
    pub representations: Vec<Representation>,
}

/// What a SourceBuffer holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentType {
    /// Pictures, and possibly sound in the same segments.
    #[default]
    Video,
    /// Sound alone.
    Audio,
}

/// One encoding of the content of an adaptation set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Representation {
    /// The author's name for it; empty in HLS without NAME.
    pub id: String,
    /// Bits per second; 0 if it is not said.
    pub bandwidth: u64,
    /// Width and height of the picture in pixels; zeros if it is not said.
    pub size: (u32, u32),
    /// Frames per second; 0 if it is not said.
    pub frame_rate: f64,
    /// Media type without parameters, such as `video/mp4`; empty if only its bytes will say.
    pub container: String,
    /// RFC 6381, comma-separated; empty if only its init segment will say.
    pub codecs: String,
    /// Absolute URLs that the paths of its segments are relative to: the first, and those that stand in
    /// for it when it fails. At least one.
    pub base_urls: Vec<Rc<str>>,
    /// Its segments, or where to learn of them.
    pub index: Index,
}

impl Representation {
    /// Whether all is known that it takes to fetch a segment of it and to append it.
    pub fn is_resolved(&self) -> bool {
        let is_nameless = self.codecs.is_empty() && self.container.ends_with("/mp4");
        matches!(self.index, Index::Known(_)) && !is_nameless
    }

    /// What a SourceBuffer is made for, such as `video/mp4; codecs="avc1.4d401f"`.
    pub fn mime(&self) -> String {
        if self.codecs.is_empty() {
            return self.container.clone();
        }
        [&self.container, "; codecs=\"", &self.codecs, "\""].concat()
    }
}

/// Where the segments of a representation are.
#[derive(Clone, Debug, PartialEq)]
pub enum Index {
    /// They are known.
    Known(Rc<Segments>),
    /// An HLS media playlist lists them: the path of that playlist.
    Playlist(String),
    /// A segment index box in the file itself lists them.
    Sidx(SidxLocation),
}

impl Default for Index {
    fn default() -> Self {
        Self::Known(Rc::default())
    }
}

/// A file of which a segment index (`sidx`, ISO/IEC 14496-12 § 8.16.3) tells where its segments are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SidxLocation {
    /// Path of the file; empty if the representation's base is the file itself.
    pub path: String,
    /// The index; `None` if it has to be looked for in the file's beginning.
    pub index: Option<ByteRange>,
    /// The init segment; `None` if it is all that lies before the index.
    pub init: Option<Resource>,
    /// What is added to a media time to make it a time of the film.
    pub time_offset: f64,
    /// Where the period ends: segments that begin later are left out.
    pub end: f64,
}

/// Bytes of a file, both ends included, as HTTP counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte; `None` for all that follow.
    pub last: Option<u64>,
}

/// Something to fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Relative to the representation's bases; empty for a base itself.
    pub path: String,
    /// Which bytes of it; `None` for all.
    pub range: Option<ByteRange>,
    /// By which it was encrypted.
    pub key: Option<Rc<EncryptionKey>>,
}

impl Resource {
    /// All that is at a path, as it is.
    pub const fn whole(path: String) -> Self {
        Self {
            path,
            range: None,
            key: None,
        }
    }
}

/// All segments of a representation in one period. They are computed when asked for, so a manifest
/// that promises 10¹² of them costs no more than its own text.
#[derive(Clone, Debug, PartialEq)]
pub struct Segments {
    /// Ticks per second; never 0.
    pub timescale: u64,
    /// What is added to a media time in seconds to make it a time of the film.
    pub time_offset: f64,
    /// By ascending time, not overlapping.
    pub runs: Vec<SegmentRun>,
    /// Where each of them is fetched.
    pub addresses: SegmentAddresses,
    /// The init segments that [`Listed::init`] and templates refer to.
    pub inits: Vec<Resource>,
    /// How the timestamps in them come to be times of the film.
    pub timestamps: Timestamps,
    /// Where the period ends: the last segment counts as ending there at the latest.
    pub end: f64,
}

impl Default for Segments {
    fn default() -> Self {
        Self {
            timescale: 1,
            time_offset: 0.0,
            runs: Vec::new(),
            addresses: SegmentAddresses::Listed(Vec::new()),
            inits: Vec::new(),
            timestamps: Timestamps::Media,
            end: f64::INFINITY,
        }
    }
}

/// Segments of the same duration, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentRun {
    /// Media time of the first of them, in ticks.
    pub time: u64,
    /// Duration of each, in ticks; never 0.
    pub duration: u64,
    /// How many; never 0.
    pub count: u64,
    /// Position of the first of them among all of the segments.
    pub first: u64,
}

/// Where segments are fetched.
#[derive(Clone, Debug, PartialEq)]
pub enum SegmentAddresses {
    /// A DASH SegmentTemplate: `$RepresentationID$` and `$Bandwidth$` are filled in already, what is
    /// left are `$Number$`, `$Time$` and `$$`.
    Template {
        /// The media template.
        media: String,
        /// Of each run the number of its first segment.
        numbers: Vec<u64>,
    },
    /// One by one: HLS, SegmentList, sidx.
    Listed(Vec<ListedSegment>),
}

/// A segment that was listed by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedSegment {
    /// Where it is.
    pub resource: Resource,
    /// Its init segment: a position in [`Segments::inits`].
    pub init: Option<usize>,
    /// Which stretch of continuous timestamps it belongs to (HLS discontinuity sequence).
    pub discontinuity: u32,
    /// Whether the author says that it is missing (EXT-X-GAP).
    pub is_missing: bool,
}

/// AES-128 in CBC mode over whole files (RFC 8216bis § 4.4.4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionKey {
    /// Where the 16 bytes of the key are, relative to the representation's bases.
    pub path: String,
    /// The initialization vector.
    pub iv: [u8; 16],
}

/// How the timestamps in segments come to be times of the film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// By adding [`Segments::origin`] (DASH).
    Media,
    /// A stretch of segments keeps its own time, which the first of them to be read tells (HLS).
    Discontinuities,
}

/// One segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its position among all segments of the representation in the period.
    pub number: u64,
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// Where it is fetched.
    pub resource: Resource,
    /// Its init segment, if it needs one.
    pub init: Option<Resource>,
    /// Which stretch of continuous timestamps it belongs to.
    pub discontinuity: u32,
    /// Whether the author says that it is missing.
    pub is_missing: bool,
}

/// How much of a segment may lie before a time and still count as being over by then, in seconds.
/// Representations of the same content round their boundaries differently.
pub const BOUNDARY_TOLERANCE: f64 = 0.05;

impl Segments {
    /// How many there are.
    pub fn len(&self) -> u64 {
        self.runs
            .last()
            .map_or(0, |run| run.first.saturating_add(run.count))
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The same, but for what begins at a time or later.
    pub fn truncated_at(&self, end: f64) -> Self {
        Self {
            end,
            ..self.clone()
        }
    }

    /// Where the first begins and the last ends; `None` if there are none.
    pub fn span(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.runs.first()?, self.runs.last()?);
        let end = self.seconds(
            last.time
                .saturating_add(last.duration.saturating_mul(last.count)),
        );
        Some((self.seconds(first.time), end.min(self.end)))
    }

    /// The segment that is being played at a time, or else the first one after it. One that is over but
    /// for [`TOLERANCE`] counts as over.
    pub fn segment_at(&self, time: f64) -> Option<Segment> {
        let time = time + BOUNDARY_TOLERANCE;
        let after = self
            .runs
            .partition_point(|run| self.seconds(run.time) <= time);
        // What is played at that time is in the last run that has begun by then.
        let in_run = after.checked_sub(1).and_then(|which| {
            let run = self.runs.get(which)?;
            let ticks = (time - self.seconds(run.time)) * self.timescale as f64;
            let nth = (ticks / run.duration as f64) as u64;
            (nth < run.count).then(|| run.first.saturating_add(nth))
        });
        let number = in_run.or_else(|| Some(self.runs.get(after)?.first))?;
        self.get(number)
    }

    /// The segment at a position.
    pub fn get(&self, number: u64) -> Option<Segment> {
        let after = self.runs.partition_point(|run| run.first <= number);
        let which = after.checked_sub(1)?;
        let run = self.runs.get(which)?;
        let nth = number - run.first;
        if nth >= run.count {
            return None;
        }
        let time = run.time.saturating_add(run.duration.saturating_mul(nth));
        let start = self.seconds(time);
        let end = self.seconds(time.saturating_add(run.duration));
        if start >= self.end {
            return None;
        }
        let listed = match &self.addresses {
            SegmentAddresses::Template { media, numbers } => ListedSegment {
                resource: Resource::whole(dash::expand_template(
                    media,
                    numbers.get(which)?.saturating_add(nth),
                    time,
                )),
                init: (!self.inits.is_empty()).then_some(0),
                discontinuity: 0,
                is_missing: false,
            },
            SegmentAddresses::Listed(list) => list.get(usize::try_from(number).ok()?)?.clone(),
        };
        Some(Segment {
            number,
            start,
            end: end.min(self.end),
            resource: listed.resource,
            init: listed.init.and_then(|init| self.inits.get(init).cloned()),
            discontinuity: listed.discontinuity,
            is_missing: listed.is_missing,
        })
    }

    /// The time of the film at a media time in ticks.
    fn seconds(&self, ticks: u64) -> f64 {
        self.time_offset + ticks as f64 / self.timescale as f64
    }
}

/// Why a manifest is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It breaks a rule that it cannot be read without.
    #[error("{0}")]
    Malformed(String),
    /// It needs a feature that this player does not have.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// What a codec is for, by its RFC 6381 name; `None` for text, which no SourceBuffer takes.
pub fn content_type_of_codec(codec: &str) -> Option<ContentType> {
    let format = codec.trim_ascii().split('.').next().unwrap_or_default();
    let is_any = |known: &str| known.split(' ').any(|it| format.eq_ignore_ascii_case(it));
    if is_any("mp4a ac-3 ec-3 ac-4 opus vorbis flac alac mp3 dtsc dtse dtsx mhm1 mha1") {
        Some(ContentType::Audio)
    } else if is_any("wvtt stpp tx3g c608 c708") {
        None
    } else {
        Some(ContentType::Video)
    }
}
