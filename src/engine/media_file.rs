//! A media file as the content: its index is read by byte ranges, and each segment is a few ranges of it.

use std::{cell::RefCell, rc::Rc};

use super::{
    error::{Error, invalid_data, not_for_media_source},
    network::Network,
};
use crate::{
    media::{
        AdaptationSet, ByteRange, ContentType, Index, ListedSegment, Period, Presentation,
        Representation, Resource, SegmentAddresses, SegmentRun, Segments, Timestamps,
        sniff::Format,
    },
    platform::{self, Bytes, FileInfo, FilePlan, FileReader, FileSetInfo, FileStep, FileTrackInfo},
    protocol::{Diagnostic, LeftOutTrack, PlaybackError, ResourceKind},
};

/// Ticks per second of the times of segments.
const TICKS: f64 = 1_000_000.0;

/// Largest number of reads for an index or a place in the file.
const MAX_READS: u32 = 4_000;

/// A media file that is open.
pub struct MediaFile {
    reader: RefCell<FileReader>,
    network: Rc<Network>,
    /// The file's URL, after redirects.
    url: Rc<str>,
    /// Media times of the presentation time zero of each set, in seconds.
    origins: Vec<f64>,
    /// The init segment of each set.
    inits: Vec<Bytes>,
    container: String,
    /// The codec of each track, and why it is not played if it is not.
    tracks: Vec<(String, Option<String>)>,
    /// The tracks that the viewer may miss.
    left_out: Vec<LeftOutTrack>,
}

/// What opening a file results in.
pub struct OpenedFile {
    /// The file.
    pub file: MediaFile,
    /// Its tracks as a presentation. Adaptation sets are in the order of the reader's sets.
    pub presentation: Presentation,
}

/// A resource that stands for the init segment of a set.
fn init_resource(set: usize) -> Resource {
    Resource::whole(format!("#init-{set}"))
}

impl MediaFile {
    /// Reads the index of the file of a format at a URL.
    ///
    /// # Errors
    /// [`PlaybackError::NotForMediaSource`] if its size is unknown, [`PlaybackError::InvalidData`],
    /// [`PlaybackError::UnsupportedCodec`] if none of its tracks can be decoded, and those of the network.
    pub async fn open(
        url: &str,
        format: Format,
        size: Option<u64>,
        network: Rc<Network>,
    ) -> Result<OpenedFile, Error> {
        let Some(size) = size else {
            let reason = "from a server that does not tell its size";
            return Err(not_for_media_source(url, reason));
        };
        let mut file = Self {
            reader: RefCell::new(network.load_file_reader(format, size).await?),
            network,
            url: url.into(),
            origins: Vec::new(),
            inits: Vec::new(),
            container: String::new(),
            tracks: Vec::new(),
            left_out: Vec::new(),
        };
        let info = file.read(FileReader::open).await?;
        let tracks = playable_tracks(&info);
        if tracks.is_empty() {
            return Err(file.refused(&info));
        }
        let sets = file.reader.borrow_mut().choose(&tracks);
        let sets = sets.map_err(|reason| file.invalid(&reason))?;
        let is_chosen = |index| sets.iter().any(|set| set.tracks.contains(&index));
        for (index, track) in info.tracks.iter().enumerate() {
            let reason = match track.problem.as_str() {
                "" if is_chosen(index) => None,
                "" if tracks.contains(&index) => Some("another one is played"),
                "" => Some("this browser does not decode it"),
                problem => Some(problem),
            };
            if let Some(reason) = reason
                && let Some(name) = track_name(track)
            {
                file.left_out.push(LeftOutTrack {
                    name,
                    reason: reason.to_owned(),
                });
            }
            file.tracks
                .push((track.codec.clone(), reason.map(str::to_owned)));
        }
        file.container.clone_from(&info.container);
        file.origins = sets.iter().map(|set| set.origin).collect();
        file.inits = sets.iter().map(|set| set.init.clone()).collect();
        Ok(OpenedFile {
            presentation: presentation(&file.url, &info, &sets),
            file,
        })
    }

    /// What the file has, for display.
    pub fn report(&self) -> Diagnostic {
        Diagnostic::FileOpened {
            container: self.container.clone(),
            tracks: self.tracks.clone(),
        }
    }

    /// The tracks that are not played.
    pub fn left_out(&self) -> &[LeftOutTrack] {
        &self.left_out
    }

    /// What to append for a segment of a set.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidData`], and those of the network.
    pub async fn plan(&self, set: usize, segment: u64) -> Result<FilePlan<Bytes>, Error> {
        let (set, segment) = (set as u32, u32::try_from(segment).unwrap_or(u32::MAX));
        self.read(|reader| reader.plan(set, segment)).await
    }

    /// Media time of the presentation time zero of a set, in seconds.
    pub fn origin(&self, set: usize) -> f64 {
        self.origins.get(set).copied().unwrap_or(0.0)
    }

    /// The init segment of a set, which is made of the index: no file has it.
    pub fn init(&self, set: usize) -> Option<&Bytes> {
        self.inits.get(set)
    }

    /// The reader, for converting what a plan says.
    pub const fn reader(&self) -> &RefCell<FileReader> {
        &self.reader
    }

    /// Asks the reader until it has what it needs.
    async fn read<T>(
        &self,
        mut ask: impl FnMut(&mut FileReader) -> Result<FileStep<T>, String>,
    ) -> Result<T, Error> {
        let base_urls = [self.url.clone()];
        for _ in 0..MAX_READS {
            let step = ask(&mut self.reader.borrow_mut());
            let (start, end) = match step.map_err(|reason| self.invalid(&reason))? {
                FileStep::Done(result) => return Ok(result),
                FileStep::Need { start, end } => (start, end),
            };
            let resource = range_resource(start, end);
            let kind = ResourceKind::SegmentIndex;
            let read = self.network.get(kind, &base_urls, &resource).await?;
            // Another task may have asked meanwhile: asking again makes this range the one that is needed.
            let mut reader = self.reader.borrow_mut();
            if let Ok(FileStep::Need { start: again, .. }) = ask(&mut reader)
                && again == start
            {
                reader.feed(&read.bytes);
            }
        }
        Err(self.invalid("its index needs too many reads"))
    }

    fn invalid(&self, reason: &str) -> Error {
        invalid_data(ResourceKind::SegmentIndex, &self.url, reason)
    }

    /// The error of a file none of whose tracks is playable.
    fn refused(&self, info: &FileInfo) -> Error {
        let tracks = info.tracks.iter().filter(|track| track.kind > 0);
        let mimes: Vec<_> = tracks
            .map(|track| match track.mime.as_str() {
                "" => track.codec.as_str(),
                mime => mime,
            })
            .collect();
        if !mimes.is_empty() && info.tracks.iter().any(is_readable) {
            let mime = mimes.join(", ");
            return PlaybackError::UnsupportedCodec { mime }.into();
        }
        let tracks = info.tracks.iter().map(|track| {
            let name = track_name(track).unwrap_or_else(|| format!("track ({})", track.codec));
            format!("{name}: {}", track.problem)
        });
        let tracks: Vec<_> = tracks.collect();
        match tracks.is_empty() {
            true => self.invalid("it has no tracks"),
            false => self.invalid(&format!("no track is playable: {}", tracks.join("; "))),
        }
    }
}

/// Kind, label and codec of a track that a viewer may miss; `None` for data.
fn track_name(track: &FileTrackInfo) -> Option<String> {
    let kind = ["", "video", "audio", "subtitle"]
        .get(usize::from(track.kind))
        .filter(|kind| !kind.is_empty())?;
    let label = match track.label.as_str() {
        "" => track.language.as_str(),
        label => label,
    };
    let separator = if label.is_empty() { "" } else { ", " };
    Some(format!("{kind} track ({label}{separator}{})", track.codec))
}

/// Whether a track is video or audio that the reader can read.
fn is_readable(track: &FileTrackInfo) -> bool {
    matches!(track.kind, 1 | 2) && track.problem.is_empty()
}

/// A part of the file.
pub fn range_resource(start: u64, end: u64) -> Resource {
    Resource {
        range: Some(ByteRange {
            first: start,
            last: Some(end.saturating_sub(1)),
        }),
        ..Resource::default()
    }
}

/// Bytes that are appended, or converted, at once: WebKit refuses appends of many megabytes to a buffer for audio.
const PART_BYTES: usize = 1 << 20;

/// Bytes in parts of at most a megabyte.
pub fn parts(bytes: &Bytes) -> impl Iterator<Item = Bytes> {
    (0..bytes.len())
        .step_by(PART_BYTES)
        .map(|start| bytes.slice(start..bytes.len().min(start + PART_BYTES)))
}

/// The indexes of the tracks that this browser decodes.
fn playable_tracks(info: &FileInfo) -> Vec<usize> {
    let tracks = info.tracks.iter().enumerate();
    let is_playable =
        |track: &FileTrackInfo| is_readable(track) && platform::can_decode(&track.mime);
    tracks
        .filter(|(_, track)| is_playable(track))
        .map(|(index, _)| index)
        .collect()
}

fn presentation(url: &Rc<str>, info: &FileInfo, sets: &[FileSetInfo<Bytes>]) -> Presentation {
    let end = sets
        .iter()
        .filter_map(|set| set.segments.last())
        .fold(info.duration, |end, (_, last)| end.max(*last));
    let has_default = sets.iter().skip(1).any(|set| is_default(info, set));
    let adaptation_sets = sets
        .iter()
        .enumerate()
        .map(|(index, set)| {
            let first = set.tracks.first().and_then(|track| info.tracks.get(*track));
            let (container, codecs) = set.mime.split_once(';').unwrap_or((&set.mime, ""));
            let codecs = codecs
                .trim_ascii()
                .strip_prefix("codecs=")
                .unwrap_or_default();
            let representation = Representation {
                id: index.to_string(),
                bandwidth: (set.bytes * 8.0 / end.max(0.1)) as u64,
                size: first.map_or((0, 0), |track| track.size),
                frame_rate: first.map_or(0.0, |track| track.frame_rate),
                container: container.to_owned(),
                codecs: codecs.trim_matches('"').to_owned(),
                base_urls: vec![url.clone()],
                index: Index::Known(Rc::new(segments(index, set))),
                ..Representation::default()
            };
            AdaptationSet {
                content_type: match set.is_video {
                    true => ContentType::Video,
                    false => ContentType::Audio,
                },
                language: first.map_or_else(String::new, |track| track.language.clone()),
                label: first.map_or_else(String::new, |track| track.label.clone()),
                is_main: is_default(info, set) || !has_default,
                is_protected: false,
                representations: vec![representation],
                ..AdaptationSet::default()
            }
        })
        .collect();
    Presentation {
        duration: Some(end),
        periods: vec![Period {
            start: 0.0,
            // A track may be longer than the file says.
            end: f64::INFINITY,
            adaptation_sets,
            ..Period::default()
        }],
        ..Presentation::default()
    }
}

fn is_default(info: &FileInfo, set: &FileSetInfo<Bytes>) -> bool {
    let first = set.tracks.first().and_then(|track| info.tracks.get(*track));
    first.is_some_and(|track| track.is_default)
}

/// The segments of a set: their ranges are planned when they are needed.
fn segments(index: usize, set: &FileSetInfo<Bytes>) -> Segments {
    let runs: Vec<_> = set
        .segments
        .iter()
        .enumerate()
        .map(|(number, (start, end))| {
            let [start, end] = [start, end].map(|time| (time * TICKS).round() as u64);
            SegmentRun {
                time: start,
                duration: end.saturating_sub(start).max(1),
                count: 1,
                first: number as u64,
            }
        })
        .collect();
    let listed = ListedSegment {
        init: Some(0),
        ..ListedSegment::default()
    };
    Segments {
        timescale: TICKS as u64,
        addresses: SegmentAddresses::Listed(vec![listed; runs.len()]),
        runs,
        inits: vec![init_resource(index)],
        timestamps: Timestamps::Media,
        ..Segments::default()
    }
}
