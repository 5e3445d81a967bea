//! MP4 and QuickTime files (ISO/IEC 14496-12), progressive and fragmented.

use std::{ops::Range, rc::Rc};

use self::{
    boxes::{Boxes, find, header},
    fragmented::{FragmentTrack, Fragments, Listed},
    progressive::ProgressiveSet,
    relative::RelativeFragments,
    sample_table::Cursor,
    track::Mp4Track,
};
use super::{
    converter::Converter,
    format::Reader,
    input::{Error, Input, Read, number},
    movie::{FileSegment, Movie, Plan, TrackSet},
};
use crate::output::Kind;

pub mod boxes;
pub mod fragmented;
pub mod progressive;
pub mod relative;
pub mod sample_entry;
pub mod sample_table;
pub mod track;

/// Largest number of boxes before `moov`, or between it and the first fragment.
const MAX_BOXES: u32 = 1000;

/// Whether a box of this name begins a fragment.
fn is_fragment(name: [u8; 4]) -> bool {
    matches!(&name, b"styp" | b"sidx" | b"moof")
}

/// A set of tracks of a fragmented file.
#[derive(Debug)]
struct FragmentSet {
    /// The `track_ID`s, if fragments have to be rewritten.
    rewritten: Option<Vec<u32>>,
    /// Where the segment begins that was planned last.
    planned: u64,
}

/// Reads an MP4 file.
#[derive(Debug, Default)]
pub(crate) struct Mp4 {
    /// Position of the next box.
    position: u64,
    /// How many were read.
    boxes: u32,
    is_quicktime: bool,
    /// `ftyp`, as it is.
    ftyp: Range<u64>,
    moov: Option<Rc<Vec<u8>>>,
    moov_range: Range<u64>,
    listed: Option<Listed>,
    has_walked: bool,
    tracks: Vec<Mp4Track>,
    fragments: Option<Fragments>,
    duration: f64,
    /// Position in the first video track where decoding begins, and what all times are delayed by.
    start: Cursor,
    delay: f64,
    sets: Vec<ProgressiveSet>,
    /// `ftyp` of a fragmented file.
    head: Vec<u8>,
    /// Whether its fragments have offsets that are not relative to `moof`.
    has_other_base: bool,
    /// The sets of a fragmented file.
    fragment_sets: Vec<FragmentSet>,
}

impl Mp4 {
    /// Whether these first bytes of a file are those of an MP4 file.
    pub fn is_likely(bytes: &[u8]) -> bool {
        matches!(
            bytes.get(4..8),
            Some(
                b"ftyp"
                    | b"moov"
                    | b"mdat"
                    | b"free"
                    | b"wide"
                    | b"skip"
                    | b"moof"
                    | b"styp"
                    | b"sidx"
                    | b"pnot"
            )
        )
    }
}

impl Reader for Mp4 {
    /// Reads the index.
    fn open(&mut self, input: &mut Input) -> Read<Movie> {
        while self.moov.is_none() {
            self.next_box(input)?;
        }
        let Some(moov) = self.moov.clone() else {
            return Err(Error::Missing { name: "moov" }.into());
        };
        if self.tracks.is_empty() {
            let damaged = Error::Damaged {
                name: "moov",
                at: self.moov_range.start,
            };
            let (tracks, timescale, duration) = track::tracks(&moov).ok_or(damaged)?;
            self.duration = duration as f64 / f64::from(timescale.max(1));
            if let Some(mehd) = find(&moov, 0..moov.len(), &[b"mvex", b"mehd"]) {
                let content = moov.get(mehd).unwrap_or_default();
                let fragments = match content.first() {
                    Some(1) => number::u64(content, 4),
                    _ => number::u32(content, 4).map(u64::from),
                };
                let seconds = fragments.unwrap_or(0) as f64 / f64::from(timescale.max(1));
                self.duration = self.duration.max(seconds);
            }
            self.tracks = tracks;
        }
        let is_fragmented = find(&moov, 0..moov.len(), &[b"mvex"]).is_some()
            && self.tracks.iter().all(|track| {
                track
                    .samples
                    .as_ref()
                    .is_none_or(|samples| samples.count == 0)
            });
        if is_fragmented && self.fragments.is_none() {
            self.open_fragments(input, &moov)?;
        }
        if !is_fragmented {
            self.open_samples(input.size);
        }
        Ok(Movie {
            container: match (is_fragmented, self.is_quicktime) {
                (true, _) => "fragmented MP4",
                (false, true) => "QuickTime",
                (false, false) => "MP4",
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
        let of = |all: &[Mp4Track], kind| -> Vec<usize> {
            let is = |index: &usize| {
                all.get(*index)
                    .is_some_and(|track| track.about.kind == Some(kind))
            };
            tracks.iter().copied().filter(is).collect()
        };
        let (video, audio) = (of(&self.tracks, Kind::Video), of(&self.tracks, Kind::Audio));
        let groups: Vec<Vec<usize>> = match (video.as_slice(), audio.as_slice()) {
            ([video, ..], [audio]) => vec![vec![*video, *audio]],
            (video, audio) => video
                .iter()
                .take(1)
                .chain(audio)
                .map(|index| vec![*index])
                .collect(),
        };
        if let Some(fragments) = &self.fragments {
            let origin = fragments.origin();
            let mut segments = fragments.segments();
            if let Fragments::Listed(_) = fragments {
                for segment in &mut segments {
                    segment.start -= origin;
                    segment.end -= origin;
                }
            }
            return self.choose_fragments(groups, &segments, origin, input.size);
        }
        self.sets.clear();
        let mut sets = Vec::new();
        let moov = self.moov.clone().unwrap_or_default();
        for group in groups {
            let is_video = group.first().is_some_and(|index| {
                self.tracks
                    .get(*index)
                    .is_some_and(|track| track.about.kind == Some(Kind::Video))
            });
            let start = if is_video {
                self.start.clone()
            } else {
                Cursor::default()
            };
            let Some(set) =
                ProgressiveSet::new(&self.tracks, group.clone(), input.size, start, self.delay)
            else {
                continue;
            };
            let chosen: Vec<_> = group
                .iter()
                .filter_map(|index| self.tracks.get(*index))
                .collect();
            let init = track::init(&moov, &chosen);
            sets.push(self.set(group, init, set.segments.clone(), set.bytes, 0.0)?);
            self.sets.push(set);
        }
        if sets.is_empty() {
            return Err(Error::NoTracks);
        }
        Ok(sets)
    }

    /// What to append for a segment of a set.
    fn plan(&mut self, input: &mut Input, set: usize, index: usize) -> Read<Plan> {
        if let Some(fragments) = &mut self.fragments {
            let range = fragments.range(input, index)?;
            let set = self.fragment_sets.get_mut(set).ok_or(Error::NoSegment)?;
            set.planned = range.start;
            return Ok(Plan {
                ranges: vec![range],
                is_converted: set.rewritten.is_some(),
                ..Plan::default()
            });
        }
        let set = self.sets.get(set).ok_or(Error::NoSegment)?;
        Ok(set.plan(&self.tracks, input.size, index, self.delay)?)
    }

    /// None for progressive files: segments are appended as they are.
    fn converter(&self, set: usize, _previous: Option<Converter>) -> Option<Converter> {
        let set = self.fragment_sets.get(set)?;
        let kept = set.rewritten.clone()?;
        let moov = self.moov.as_deref()?;
        let ids = self.tracks.iter().map(|track| track.about.number as u32);
        let sizes = ids.map(|id| (id, relative::default_size(moov, id)));
        let fragments = RelativeFragments::new(set.planned, sizes.collect(), kept);
        Some(Converter::new(fragments))
    }
}

impl Mp4 {
    /// Reads the header of the next box, and what it has if it counts.
    fn next_box(&mut self, input: &mut Input) -> Read<()> {
        if self.position >= input.size {
            return Err(Error::Missing { name: "moov" }.into());
        }
        let start = self.position;
        let rest = input.size - start;
        let bytes = input.read("box", start..start.saturating_add(16))?;
        let Some((name, head, size)) = header(bytes, rest).filter(|(_, head, size)| size >= head)
        else {
            let name = "a box";
            return Err(Error::Damaged { name, at: start }.into());
        };
        let end = start.saturating_add(size);
        match &name {
            b"ftyp" => {
                self.is_quicktime = bytes.get(8..12) == Some(b"qt  ".as_slice());
                self.ftyp = start..end;
            }
            b"moov" => {
                if end > input.size {
                    return Err(Error::Missing {
                        name: "end of moov",
                    }
                    .into());
                }
                let content = input.take("moov", start + head..end)?;
                self.moov = Some(Rc::new(content));
                self.moov_range = start..end;
            }
            _ => {}
        }
        self.position = end;
        self.boxes += 1;
        if self.boxes > MAX_BOXES && self.moov.is_none() {
            return Err(Error::Missing { name: "moov" }.into());
        }
        Ok(())
    }

    fn choose_fragments(
        &mut self,
        groups: Vec<Vec<usize>>,
        segments: &[FileSegment],
        origin: f64,
        bytes: u64,
    ) -> Result<Vec<TrackSet>, Error> {
        let moov = self.moov.clone().unwrap_or_default();
        let (mut sets, mut fragment_sets) = (Vec::new(), Vec::new());
        for group in groups {
            let ids = group.iter().filter_map(|index| self.tracks.get(*index));
            let ids: Vec<_> = ids.map(|track| track.about.number as u32).collect();
            let is_rewritten = self.has_other_base || ids.len() < self.tracks.len();
            let moov = match is_rewritten {
                true => relative::moov_of(&moov, &ids),
                false => moov.to_vec(),
            };
            let size = (moov.len() as u32 + 8).to_be_bytes();
            let init = [&self.head, size.as_slice(), b"moov", &moov].concat();
            sets.push(self.set(group, init, segments.to_vec(), bytes, origin)?);
            fragment_sets.push(FragmentSet {
                rewritten: is_rewritten.then_some(ids),
                planned: 0,
            });
        }
        self.fragment_sets = fragment_sets;
        match sets.is_empty() {
            true => Err(Error::NoTracks),
            false => Ok(sets),
        }
    }

    fn open_fragments(&mut self, input: &mut Input, moov: &Rc<Vec<u8>>) -> Read<()> {
        let first = self.moov_range.end;
        // An index comes before the first fragment.
        while !self.has_walked && self.position < input.size && self.boxes < 2 * MAX_BOXES {
            let start = self.position;
            let bytes = input.read("box", start..start.saturating_add(16))?;
            let Some((name, head, size)) =
                header(bytes, input.size - start).filter(|(_, head, size)| size >= head)
            else {
                break;
            };
            let end = start.saturating_add(size);
            match &name {
                b"sidx" => {
                    let content = input.read("sidx", start + head..end)?;
                    self.listed = fragmented::sidx(content, end);
                    self.has_walked = true;
                }
                b"moof" => {
                    let content = input.read("moof", start + head..end)?;
                    self.has_other_base = relative::has_other_base(content);
                    self.has_walked = true;
                }
                b"mdat" => self.has_walked = true,
                _ => {}
            }
            self.position = end;
            self.boxes += 1;
        }
        self.has_walked = true;
        if let Some((first, last)) = self.listed.as_ref().and_then(|listed| {
            let (first, last) = (listed.first()?, listed.last()?);
            Some((first.0.start, last.0.end))
        }) {
            let bytes = input.read("moof", first..first.saturating_add(16))?;
            if let Some((name, head, size)) = header(bytes, 0)
                && &name == b"moof"
            {
                let content = input.read("moof", first + head..first.saturating_add(size))?;
                self.has_other_base = relative::has_other_base(content);
            }
            // An index before each fragment lists that fragment only.
            let bytes = input.read("box", last..last.saturating_add(16))?;
            if header(bytes, 0).is_some_and(|(name, ..)| is_fragment(name)) {
                self.listed = None;
            }
        }
        if self.head.is_empty() {
            self.head = input.read("ftyp", self.ftyp.clone())?.to_vec();
        }
        let video = |track: &&Mp4Track| track.about.kind == Some(Kind::Video);
        let audio = |track: &&Mp4Track| track.about.kind == Some(Kind::Audio);
        let Some(track) = self
            .tracks
            .iter()
            .find(video)
            .or_else(|| self.tracks.iter().find(audio))
        else {
            // Its tracks are named nevertheless.
            return Ok(());
        };
        let id = track.about.number as u32;
        let duration = find(moov, 0..moov.len(), &[b"mvex"])
            .into_iter()
            .flat_map(|mvex| Boxes::new(moov, mvex))
            .filter_map(|(_, trex)| moov.get(trex))
            .find(|trex| number::u32(trex, 4) == Some(id))
            .and_then(|trex| number::u32(trex, 12));
        let fragment_track = FragmentTrack {
            id,
            timescale: track.timescale,
            duration: duration.unwrap_or(0),
        };
        let fragments = Fragments::open(
            input,
            first,
            self.listed.clone(),
            fragment_track,
            self.duration,
        )?;
        let segments = fragments.segments();
        let end = segments.last().map_or(0.0, |segment| segment.end);
        let start = segments.first().map_or(0.0, |segment| segment.start);
        self.duration = self.duration.max(end - start);
        self.fragments = Some(fragments);
        Ok(())
    }

    fn open_samples(&mut self, file: u64) {
        let mut duration = 0f64;
        for track in &mut self.tracks {
            let is_empty = track
                .samples
                .as_ref()
                .is_none_or(|samples| samples.count == 0);
            if is_empty && track.about.problem.is_empty() {
                "it has no samples".clone_into(&mut track.about.problem);
            }
            let seconds = track.duration as f64 / f64::from(track.timescale);
            if let (Some(samples), true) = (&track.samples, seconds > 0.0) {
                track.about.frame_rate = f64::from(samples.count) / seconds;
            }
            if track.about.problem.is_empty() {
                let end = track
                    .end
                    .map_or(seconds, |end| end as f64 / f64::from(track.timescale));
                duration = duration.max(end + track.shift as f64 / f64::from(track.timescale));
            }
        }
        if duration > 0.0 {
            self.duration = duration;
        }
        let video = self
            .tracks
            .iter()
            .find(|track| track.about.kind == Some(Kind::Video) && track.about.problem.is_empty());
        if let Some(video) = video {
            (self.start, self.delay) = progressive::preroll(video, file);
        }
    }

    fn set(
        &self,
        tracks: Vec<usize>,
        init: Vec<u8>,
        segments: Vec<FileSegment>,
        bytes: u64,
        origin: f64,
    ) -> Result<TrackSet, Error> {
        let abouts: Vec<_> = tracks
            .iter()
            .filter_map(|index| Some(&self.tracks.get(*index)?.about))
            .collect();
        let first = abouts.first().ok_or(Error::NoTracks)?;
        let codecs: Vec<_> = abouts.iter().map(|about| about.codec.as_str()).collect();
        let kind = first.kind.ok_or(Error::NoTracks)?;
        let top = if kind == Kind::Video {
            "video"
        } else {
            "audio"
        };
        Ok(TrackSet {
            kind,
            mime: format!("{top}/mp4; codecs=\"{}\"", codecs.join(",")),
            tracks,
            init,
            segments,
            bytes,
            origin,
        })
    }
}
