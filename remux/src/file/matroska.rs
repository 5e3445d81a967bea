//! WebM and Matroska files (RFC 9559): by their Cues, or by searching clusters. VP8, VP9, AV1, Opus and Vorbis are appended
//! as WebM: the clusters as they are, or new ones with the frames of one track. Other codings are converted to MP4.

use std::ops::Range;

use self::{
    cluster::{last_block, scan},
    codec::Framing,
    convert::{ClusterConverter, ConvertedTrack},
    ebml::{Elements, Parsed, find, float, header, push_element, text, unsigned},
    track::{MatroskaTrack, entry},
};
use super::{
    converter::Converter,
    format::Reader,
    input::{Error, Input, Read, Stop},
    movie::{FileSegment, Movie, Plan, TrackSet},
    mp4::fragmented::searched,
    search::{Mark, Marks},
};
use crate::{mp4, output::Kind};

pub mod block;
pub mod cluster;
pub mod codec;
pub mod convert;
pub mod ebml;
pub mod ids;
pub mod track;

/// Shortest segment in seconds, where Cues are denser.
const SEGMENT: f64 = 2.0;

/// Length in seconds of the segments of a file without Cues.
const SEARCHED: f64 = 4.0;

/// Largest number of elements before the first cluster.
const MAX_ELEMENTS: u32 = 1000;

/// Largest number of segments by Cues: twelve days of two seconds.
const MAX_CUES: usize = 1 << 19;

/// Bytes of a file's begin in which the first frames of its tracks are looked for.
const FIRST_FRAMES: u64 = 4 << 20;

/// A place that Cues list.
#[derive(Debug, Clone, Copy)]
struct Cue {
    /// Seconds.
    time: f64,
    /// Position of the cluster in the file.
    cluster: u64,
    /// Position of the block, if the file says so.
    block: Option<u64>,
}

#[derive(Debug)]
enum Index {
    Cues(Vec<Cue>),
    Search { marks: Marks, origin: f64 },
}

/// Tracks that are appended to one SourceBuffer.
#[derive(Debug)]
struct Set {
    tracks: Vec<usize>,
    /// Whether clusters are appended as they are in the file.
    is_plain: bool,
    /// Where the clusters of the planned segment begin, and its blocks.
    planned: Option<(u64, u64)>,
}

/// Reads a Matroska file.
#[derive(Debug, Default)]
pub(crate) struct Matroska {
    position: u64,
    elements: u32,
    doc_type: String,
    /// Where the segment's content begins.
    segment: Option<u64>,
    info: Option<Vec<u8>>,
    tracks_content: Option<Vec<u8>>,
    cues_position: Option<u64>,
    cues: Option<Vec<Cue>>,
    first_cluster: Option<u64>,
    /// Nanoseconds of a tick.
    scale: u64,
    duration: f64,
    tracks: Vec<MatroskaTrack>,
    has_tracks: bool,
    index: Option<Index>,
    sets: Vec<Set>,
}

impl Matroska {
    /// Whether these first bytes of a file are those of a Matroska file.
    pub fn is_likely(bytes: &[u8]) -> bool {
        bytes.starts_with(&ids::EBML.to_be_bytes())
    }
}

impl Reader for Matroska {
    /// Reads the index.
    fn open(&mut self, input: &mut Input) -> Read<Movie> {
        while self.first_cluster.is_none() {
            self.next_element(input)?;
        }
        if !self.has_tracks {
            self.read_info();
            self.read_tracks(input)?;
            self.has_tracks = true;
        }
        if self.index.is_none() {
            self.open_index(input)?;
        }
        Ok(Movie {
            container: if self.doc_type == "webm" {
                "WebM"
            } else {
                "Matroska"
            },
            duration: self.duration,
            tracks: self
                .tracks
                .iter()
                .map(|track| track.about.clone())
                .collect(),
        })
    }

    /// Puts tracks into sets: video with the only audio track, or else each by itself.
    fn choose(&mut self, input: &mut Input, tracks: &[usize]) -> Result<Vec<TrackSet>, Error> {
        let of = |kind| -> Vec<usize> {
            let is = |index: &usize| {
                self.tracks
                    .get(*index)
                    .is_some_and(|track| track.about.kind == Some(kind))
            };
            tracks.iter().copied().filter(is).collect()
        };
        let (video, audio) = (of(Kind::Video), of(Kind::Audio));
        let is_plain = self.is_plain(&video, &audio);
        let is_converted = |index: &usize| {
            let track = self.tracks.get(*index);
            track.is_some_and(|track| track.converted.is_some())
        };
        let groups: Vec<Vec<usize>> = match (video.as_slice(), audio.as_slice()) {
            ([video, ..], [audio]) if is_plain || is_converted(video) && is_converted(audio) => {
                vec![vec![*video, *audio]]
            }
            (video, audio) => video
                .iter()
                .take(1)
                .chain(audio)
                .map(|index| vec![*index])
                .collect(),
        };
        let segments = self.segments();
        let origin = match self.index {
            Some(Index::Search { origin, .. }) => origin,
            _ => 0.0,
        };
        self.sets.clear();
        let mut sets = Vec::new();
        for group in groups {
            let chosen: Vec<_> = group
                .iter()
                .filter_map(|index| self.tracks.get(*index))
                .collect();
            let first = chosen.first().ok_or(Error::NoTracks)?;
            let kind = first.about.kind.ok_or(Error::NoTracks)?;
            let codecs: Vec<_> = chosen
                .iter()
                .map(|track| track.about.codec.as_str())
                .collect();
            let (subtype, init) = if first.converted.is_none() {
                let mut entry = Vec::new();
                push_element(&mut entry, ids::TRACK_ENTRY, &first.entry);
                let plain = self.tracks_content.as_deref().filter(|_| is_plain);
                ("webm", self.webm_init(plain.unwrap_or(&entry)))
            } else {
                let tracks = chosen
                    .iter()
                    .filter_map(|track| Some(track.converted.clone()?.0));
                ("mp4", mp4::init(tracks.collect()).bytes)
            };
            sets.push(TrackSet {
                kind,
                mime: format!("{}/{subtype}; codecs=\"{}\"", top(kind), codecs.join(",")),
                tracks: group.clone(),
                init,
                segments: segments.clone(),
                bytes: input.size,
                origin,
            });
            self.sets.push(Set {
                tracks: group,
                is_plain,
                planned: None,
            });
        }
        if sets.is_empty() {
            return Err(Error::NoTracks);
        }
        Ok(sets)
    }

    /// What to append, or to convert, for a segment of a set.
    fn plan(&mut self, input: &mut Input, set: usize, index: usize) -> Read<Plan> {
        let is_plain = self.sets.get(set).ok_or(Error::NoSegment)?.is_plain;
        let (clusters, from) = self.range(input, index, is_plain)?;
        if let Some(set) = self.sets.get_mut(set) {
            set.planned = Some((clusters.start, from));
        }
        Ok(Plan {
            head: Vec::new(),
            ranges: vec![clusters],
            is_converted: !is_plain,
        })
    }

    /// A converter for the segment that was planned last for a set. `previous` is that of the segment before.
    fn converter(&self, set: usize, previous: Option<Converter>) -> Option<Converter> {
        let previous = previous.and_then(Converter::downcast::<ClusterConverter>);
        let ends = previous.map_or([None; 2], |previous| previous.ends());
        let set = self.sets.get(set)?;
        let (position, from) = set.planned?;
        let tracks = set.tracks.iter().filter_map(|index| {
            let track = self.tracks.get(*index)?;
            let converted = track.converted.as_ref();
            Some(ConvertedTrack {
                number: track.about.number,
                kind: track.about.kind?,
                codec_id: track.coding.id.clone(),
                framing: converted.map_or(Framing::Plain, |converted| converted.1),
                timescale: converted.map(|converted| converted.0.timescale),
                default_duration: track.default_duration,
                prefix: track.prefix.clone(),
            })
        });
        let tracks = tracks.collect();
        let converter = ClusterConverter::new(tracks, self.scale, position, from, ends);
        Some(Converter::new(converter))
    }
}

/// The top-level media type.
const fn top(kind: Kind) -> &'static str {
    match kind {
        Kind::Video => "video",
        Kind::Audio => "audio",
    }
}

impl Matroska {
    /// Whether the clusters can be appended as they are: WebM with these tracks only, in blocks of one frame each.
    /// Chromium refuses laces.
    fn is_plain(&self, video: &[usize], audio: &[usize]) -> bool {
        video.len() <= 1
            && audio.len() <= 1
            && video.len() + audio.len() == self.tracks.len()
            && self.tracks.iter().all(|track| {
                track.converted.is_none() && track.prefix.is_empty() && !track.may_be_laced
            })
    }

    /// Reads the next element before the first cluster.
    fn next_element(&mut self, input: &mut Input) -> Read<()> {
        let start = self.position;
        self.elements += 1;
        if start >= input.size || self.elements > MAX_ELEMENTS {
            return Err(Error::Missing { name: "Cluster" }.into());
        }
        let damaged = Error::Damaged {
            name: "an element",
            at: start,
        };
        let bytes = input.read("element", start..start.saturating_add(16))?;
        let Parsed::Header(head) = header(bytes) else {
            return Err(damaged.into());
        };
        let content = start + head.length as u64;
        if head.id == ids::SEGMENT {
            self.segment = Some(content);
            self.position = content;
            return Ok(());
        }
        if head.id == ids::CLUSTER {
            self.first_cluster = Some(start);
            return Ok(());
        }
        let end = content.saturating_add(head.size.ok_or(damaged)?);
        match head.id {
            ids::EBML => {
                let bytes = input.read("EBML", content..end)?;
                self.doc_type = find(bytes, ids::DOC_TYPE).map(text).unwrap_or_default();
            }
            ids::SEEK_HEAD => {
                let bytes = input.read("SeekHead", content..end)?;
                self.cues_position = self.seek(bytes).or(self.cues_position);
            }
            ids::INFO => self.info = Some(input.read("Info", content..end)?.to_vec()),
            ids::TRACKS => {
                self.tracks_content = Some(input.read("Tracks", content..end)?.to_vec());
            }
            ids::CUES => self.cues_position = Some(start),
            _ => {}
        }
        self.position = end;
        Ok(())
    }

    /// The position of the Cues that a `SeekHead` names.
    fn seek(&self, bytes: &[u8]) -> Option<u64> {
        Elements::new(bytes, 0..bytes.len())
            .filter(|(id, _)| *id == ids::SEEK)
            .find_map(|(_, range)| {
                let seek = bytes.get(range)?;
                let id = unsigned(find(seek, ids::SEEK_ID)?);
                let position = unsigned(find(seek, ids::SEEK_POSITION)?);
                (id == ids::CUES.into()).then(|| self.segment?.checked_add(position))?
            })
    }

    fn read_info(&mut self) {
        let info = self.info.as_deref().unwrap_or_default();
        let scale = find(info, ids::TIMESTAMP_SCALE).map_or(1_000_000, unsigned);
        self.scale = scale.clamp(1, 10_000_000_000);
        let ticks = find(info, ids::DURATION).map_or(0.0, float);
        let duration = ticks * self.scale as f64 / 1e9;
        self.duration = if duration.is_finite() {
            duration.max(0.0)
        } else {
            0.0
        };
    }

    fn read_tracks(&mut self, input: &Input) -> Read<()> {
        let content = self
            .tracks_content
            .clone()
            .ok_or(Error::Missing { name: "Tracks" })?;
        let mut tracks: Vec<_> = Elements::new(&content, 0..content.len())
            .filter(|(id, _)| *id == ids::TRACK_ENTRY)
            .filter_map(|(_, range)| entry(content.get(range)?))
            .take(64)
            .collect();
        let media =
            |track: &&MatroskaTrack| track.about.kind.is_some() && track.about.problem.is_empty();
        let is_webm = tracks
            .iter()
            .filter(media)
            .all(|track| track.coding.webm().is_some());
        let needs_frames = tracks
            .iter()
            .filter(media)
            .any(|track| track.coding.needs_frame());
        let frames = if needs_frames && !is_webm {
            self.first_frames(input)?
        } else {
            Vec::new()
        };
        for track in &mut tracks {
            let Some(kind) = track.about.kind else {
                continue;
            };
            let top = top(kind);
            if let Some(codec) = track.coding.webm()
                && (is_webm || track.coding.is_webm_only())
            {
                track.about.mime = format!("{top}/webm; codecs=\"{codec}\"");
                track.about.codec = codec;
                continue;
            }
            let frame = frames
                .iter()
                .find(|(number, _)| *number == track.about.number);
            let frame = frame.map_or([].as_slice(), |(_, frame)| frame.as_slice());
            match track.coding.mp4(&[&track.prefix, frame].concat()) {
                Ok((converted, framing)) => {
                    track.about.codec = converted.codec.clone();
                    track.about.mime = format!("{top}/mp4; codecs=\"{}\"", converted.codec);
                    if converted.size.0 > 0 {
                        track.about.size = (converted.size.0.into(), converted.size.1.into());
                    }
                    track.converted = Some((converted, framing));
                }
                Err(problem) if track.about.problem.is_empty() => track.about.problem = problem,
                Err(_) => {}
            }
        }
        self.tracks = tracks;
        Ok(())
    }

    /// The first frame of each track in the first clusters.
    fn first_frames(&self, input: &Input) -> Read<Vec<(u64, Vec<u8>)>> {
        let start = self.first_cluster.unwrap_or_default();
        let end = start.saturating_add(FIRST_FRAMES).min(input.size);
        let bytes = input.read_at_least("first cluster", start..end, 0)?;
        let mut frames: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut at = 0;
        while let Some(Parsed::Header(head)) = bytes.get(at..).map(header) {
            let content = at + head.length;
            if head.id == ids::CLUSTER {
                at = content;
                continue;
            }
            let size = head.size.and_then(|size| usize::try_from(size).ok());
            let Some(end) = size.and_then(|size| content.checked_add(size)) else {
                break;
            };
            let block = match head.id {
                ids::SIMPLE_BLOCK => block::simple(bytes, content..end),
                ids::BLOCK_GROUP => block::group(bytes, content..end),
                _ => None,
            };
            if let Some(block) = block
                && !frames.iter().any(|(number, _)| *number == block.track)
                && let Some(frame) = block
                    .frames
                    .first()
                    .and_then(|frame| bytes.get(frame.clone()))
            {
                frames.push((block.track, frame.to_vec()));
            }
            at = end;
        }
        Ok(frames)
    }

    fn first_media(&self) -> Option<&MatroskaTrack> {
        let of = |kind| {
            move |track: &&MatroskaTrack| {
                track.about.kind == Some(kind) && track.about.problem.is_empty()
            }
        };
        let mut tracks = self.tracks.iter();
        tracks
            .find(of(Kind::Video))
            .or_else(|| self.tracks.iter().find(of(Kind::Audio)))
    }

    fn open_index(&mut self, input: &mut Input) -> Read<()> {
        let Some(number) = self.first_media().map(|track| track.about.number) else {
            // Its tracks are named nevertheless.
            return Ok(());
        };
        if let (None, Some(position)) = (&self.cues, self.cues_position) {
            let cues = self.read_cues(input, position, number)?;
            self.cues = Some(cues);
        }
        if let Some(cues) = self.cues.take().filter(|cues| !cues.is_empty()) {
            if self.duration <= 0.0 {
                // The time of the last cluster is enough.
                self.duration = cues.last().map_or(0.0, |cue| cue.time) + SEGMENT;
            }
            self.index = Some(Index::Cues(cues));
            return Ok(());
        }
        let first = self.first_cluster.unwrap_or_default();
        let bytes = input.read("first cluster", first..first.saturating_add(1 << 16))?;
        let scale = self.scale;
        let start = scan(bytes, first, scale).first().copied().unwrap_or(Mark {
            position: first,
            time: 0.0,
        });
        let mut marks = Marks::default();
        marks.insert(start);
        if self.duration <= 0.0 {
            let (last, end) = self.last_cluster(input, start)?;
            marks.insert(last);
            self.duration = (end - start.time).max(0.1);
        }
        // Times count from the first cluster, unless it is that of a file which merely begins late.
        let origin = if start.time < 1.0 { 0.0 } else { start.time };
        self.index = Some(Index::Search { marks, origin });
        Ok(())
    }

    /// The last cluster, and the time of its last block.
    fn last_cluster(&self, input: &Input, start: Mark) -> Read<(Mark, f64)> {
        let mut window = 1u64 << 18;
        loop {
            let from = input.size.saturating_sub(window).max(start.position);
            let bytes = input.read_at_least("last cluster", from..input.size, 0)?;
            if let Some(last) = scan(bytes, from, self.scale).last() {
                let cluster = bytes
                    .get((last.position - from) as usize..)
                    .unwrap_or_default();
                let ticks = last_block(cluster);
                return Ok((*last, last.time + ticks as f64 * self.scale as f64 / 1e9));
            }
            if from == start.position || window >= 1 << 25 {
                return Ok((start, start.time));
            }
            window <<= 2;
        }
    }

    fn read_cues(&self, input: &Input, position: u64, track: u64) -> Read<Vec<Cue>> {
        let segment = self.segment.unwrap_or_default();
        let bytes = input.read("Cues", position..position.saturating_add(16))?;
        let Parsed::Header(head) = header(bytes) else {
            return Ok(Vec::new());
        };
        let (Some(size), ids::CUES) = (head.size, head.id) else {
            return Ok(Vec::new());
        };
        let content = position + head.length as u64;
        let bytes = match input.read("Cues", content..content.saturating_add(size)) {
            // Without Cues, clusters are searched.
            Err(Stop::Failed(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let mut cues: Vec<Cue> = Vec::new();
        for (id, point) in Elements::new(bytes, 0..bytes.len()) {
            let point = bytes.get(point).unwrap_or_default();
            let (ids::CUE_POINT, Some(time)) = (id, find(point, ids::CUE_TIME)) else {
                continue;
            };
            let time = unsigned(time) as f64 * self.scale as f64 / 1e9;
            for (id, range) in Elements::new(point, 0..point.len()) {
                let place = point.get(range).unwrap_or_default();
                let (ids::CUE_TRACK_POSITIONS, Some(number)) = (id, find(place, ids::CUE_TRACK))
                else {
                    continue;
                };
                let Some(cluster) = find(place, ids::CUE_CLUSTER_POSITION) else {
                    continue;
                };
                let cluster = segment.saturating_add(unsigned(cluster));
                let is_later = cues
                    .last()
                    .is_none_or(|last| time >= last.time + SEGMENT && cluster >= last.cluster);
                if unsigned(number) == track
                    && is_later
                    && cluster < input.size
                    && cues.len() < MAX_CUES
                {
                    cues.push(Cue {
                        time,
                        cluster,
                        block: find(place, ids::CUE_RELATIVE_POSITION).map(unsigned),
                    });
                }
            }
        }
        Ok(cues)
    }

    fn segments(&self) -> Vec<FileSegment> {
        match &self.index {
            Some(Index::Cues(cues)) => {
                let starts = cues
                    .iter()
                    .enumerate()
                    .map(|(index, cue)| if index == 0 { 0.0 } else { cue.time });
                let ends = cues.iter().skip(1).map(|cue| cue.time);
                let last = cues.last().map_or(0.0, |cue| cue.time);
                starts
                    .zip(ends.chain([self.duration.max(last)]))
                    .map(|(start, end)| FileSegment { start, end })
                    .collect()
            }
            _ => searched(self.duration),
        }
    }

    /// EBML header, and a segment of unknown size with the file's information and these tracks.
    fn webm_init(&self, tracks: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x1a, 0x45, 0xdf, 0xa3, 0x9f];
        // Versions 1 to 4, the limits of IDs and sizes, and the type.
        bytes.extend([
            0x42, 0x86, 0x81, 1, 0x42, 0xf7, 0x81, 1, 0x42, 0xf2, 0x81, 4, 0x42, 0xf3, 0x81, 8,
        ]);
        bytes.extend([0x42, 0x82, 0x84]);
        bytes.extend(b"webm");
        bytes.extend([0x42, 0x87, 0x81, 4, 0x42, 0x85, 0x81, 2]);
        bytes.extend(ids::SEGMENT.to_be_bytes());
        bytes.extend([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        push_element(
            &mut bytes,
            ids::INFO,
            self.info.as_deref().unwrap_or_default(),
        );
        push_element(&mut bytes, ids::TRACKS, tracks);
        bytes
    }

    /// The bytes of a segment, and where its first block is.
    fn range(
        &mut self,
        input: &mut Input,
        index: usize,
        is_plain: bool,
    ) -> Read<(Range<u64>, u64)> {
        let first = self.first_cluster.unwrap_or_default();
        match &mut self.index {
            Some(Index::Cues(cues)) => {
                let cue = *cues.get(index).ok_or(Error::NoSegment)?;
                let next = cues.get(index + 1).copied();
                // A converted segment ends, and the next one begins, in the middle of a cluster, at a key frame.
                let block = |cue: Cue, input: &Input| -> Read<u64> {
                    let Some(offset) = cue.block.filter(|_| !is_plain) else {
                        return Ok(cue.cluster);
                    };
                    let bytes =
                        input.read("Cluster", cue.cluster..cue.cluster.saturating_add(16))?;
                    Ok(match header(bytes) {
                        Parsed::Header(head) if head.id == ids::CLUSTER => {
                            (cue.cluster + head.length as u64).saturating_add(offset)
                        }
                        _ => cue.cluster,
                    })
                };
                let end = match next {
                    Some(next) => block(next, input)?,
                    None => input.size,
                };
                let (start, from) = if index == 0 {
                    (first, first)
                } else {
                    (cue.cluster, block(cue, input)?)
                };
                Ok((start..end.min(input.size).max(start), from))
            }
            Some(Index::Search { marks, origin }) => {
                let count = searched(self.duration).len();
                if index >= count {
                    return Err(Error::NoSegment.into());
                }
                let (scale, origin) = (self.scale, *origin);
                let end = Mark {
                    position: input.size,
                    time: origin + self.duration,
                };
                let mut locate = |index: usize| {
                    let time = origin + index as f64 * SEARCHED;
                    marks.locate(input, time, end, |bytes, offset| scan(bytes, offset, scale))
                };
                let start = match index {
                    0 => None,
                    index => locate(index)?,
                };
                let next = if index + 1 == count {
                    None
                } else {
                    locate(index + 1)?
                };
                let start = start.map_or(first, |mark| mark.position);
                let next = next.map_or(end.position, |mark| mark.position);
                Ok((start..next.max(start), start))
            }
            None => Err(Error::NoSegment.into()),
        }
    }
}
