//! The sample video as a source of live segments: repeats its fragmented MP4 files without end, with
//! rewritten timestamps.

use std::{fs, io, iter, ops::Range, path::Path};

use crate::content::Kind;

/// The sample video, repeated without end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleVideo {
    /// At least one; all have the same duration and the same number of segments.
    renditions: Vec<Rendition>,
}

/// One encoding of its video or its audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendition {
    /// The name of its folder.
    pub id: String,
    /// Video or audio.
    pub kind: Kind,
    /// RFC 6381.
    pub codecs: String,
    /// Width and height in pixels, if it is video.
    pub size: Option<(u16, u16)>,
    /// Bits per second, on average.
    pub bandwidth: u64,
    /// Ticks per second.
    pub timescale: u32,
    /// The init segment.
    pub init: Vec<u8>,
    segments: Vec<Segment>,
    /// Duration in ticks after which it repeats: that of the video, to which audio is cut.
    length: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    bytes: Vec<u8>,
    /// Decode time and duration in ticks.
    start: u64,
    duration: u64,
}

/// Why a video cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SampleVideoError {
    /// A file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file is invalid or does not match the others.
    #[error("{rendition}: {reason}")]
    Unusable {
        /// Name of the folder.
        rendition: String,
        /// The reason.
        reason: &'static str,
    },
}

impl SampleVideo {
    /// Reads a folder with a subfolder for each rendition: `init.mp4`, `1.m4s`, `2.m4s`, …
    ///
    /// # Errors
    /// If a file cannot be read or is not fragmented MP4 of one track of H.264 or AAC, or if renditions
    /// differ in the number of segments, or in their length by more than a frame.
    pub fn read(folder: &Path) -> Result<Self, SampleVideoError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.path().join("init.mp4").exists() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        let mut renditions = Vec::new();
        for name in names {
            let folder = folder.join(&name);
            let init = fs::read(folder.join("init.mp4"))?;
            let mut segments = Vec::new();
            loop {
                let path = folder.join(format!("{}.m4s", segments.len() + 1));
                if !path.exists() {
                    break;
                }
                segments.push(fs::read(path)?);
            }
            renditions.push((name, init, segments));
        }
        Self::new(renditions)
    }

    /// A video of renditions, each with its name, its init segment and its media segments.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn new(files: Vec<(String, Vec<u8>, Vec<Vec<u8>>)>) -> Result<Self, SampleVideoError> {
        let mut renditions: Vec<Rendition> = Vec::new();
        for (id, init, segments) in files {
            let unusable = |reason| SampleVideoError::Unusable {
                rendition: id.clone(),
                reason,
            };
            let rendition = Rendition::new(id.clone(), init, segments).map_err(unusable)?;
            renditions.push(rendition);
        }
        renditions.sort_by_key(|it| (it.kind == Kind::Audio, it.bandwidth));
        let first = renditions
            .first()
            .map(|it| (it.segments.len(), it.length, it.timescale));
        let (count, length, timescale) = first.ok_or(SampleVideoError::Unusable {
            rendition: "video".to_owned(),
            reason: "it has no renditions",
        })?;
        for rendition in &mut renditions {
            let length = u128::from(length) * u128::from(rendition.timescale);
            let length = (length / u128::from(timescale)) as u64;
            let result = rendition.fit(count, length);
            result.map_err(|reason| SampleVideoError::Unusable {
                rendition: rendition.id.clone(),
                reason,
            })?;
        }
        Ok(Self { renditions })
    }

    /// Video by ascending bandwidth, then audio.
    pub fn renditions(&self) -> &[Rendition] {
        &self.renditions
    }

    /// Ticks that a segment lasts on average, and ticks per second.
    pub fn segment_ticks(&self) -> (u64, u32) {
        let first = self.renditions.first();
        first.map_or((1, 1), |it| {
            (it.length / it.segments.len() as u64, it.timescale)
        })
    }
}

impl Rendition {
    fn new(id: String, init: Vec<u8>, files: Vec<Vec<u8>>) -> Result<Self, &'static str> {
        let description = Description::read(&init).ok_or("its init segment cannot be read")?;
        let mut segments = Vec::new();
        for bytes in files {
            let (start, duration) = times(&bytes).ok_or("a media segment cannot be read")?;
            segments.push(Segment {
                bytes,
                start,
                duration,
            });
        }
        let mut expected = segments.first().ok_or("it has no segments")?.start;
        for segment in &segments {
            if segment.start != expected || segment.duration == 0 {
                return Err("its segments do not follow each other");
            }
            expected += segment.duration;
        }
        let bytes: u64 = segments.iter().map(|it| it.bytes.len() as u64).sum();
        let ticks: u64 = segments.iter().map(|it| it.duration).sum();
        Ok(Self {
            id,
            kind: description.kind,
            codecs: description.codecs,
            size: description.size,
            bandwidth: bytes * 8 * u64::from(description.timescale) / ticks,
            timescale: description.timescale,
            init,
            segments,
            length: ticks,
        })
    }

    /// Cuts it to the length of the video by removing the last samples. Audio ends up to a frame later,
    /// because its frames have another length.
    fn fit(&mut self, count: usize, length: u64) -> Result<(), &'static str> {
        if self.segments.len() != count {
            return Err("it has more or fewer segments than the first");
        }
        let mut frame = 1;
        if let Some(last) = self.segments.last_mut() {
            while self.length > length {
                last.bytes = without_last_sample(&last.bytes).ok_or("its end cannot be cut off")?;
                let (_, duration) = times(&last.bytes).ok_or("its end cannot be cut off")?;
                frame = last.duration - duration;
                self.length -= frame;
                last.duration = duration;
            }
        }
        if length - self.length >= frame {
            return Err("it is shorter than the first");
        }
        self.length = length;
        Ok(())
    }

    fn segment(&self, index: u64) -> Option<(u64, &Segment)> {
        let count = self.segments.len() as u64;
        let segment = self.segments.get((index % count) as usize)?;
        let first = self.segments.first()?;
        let start = index / count * self.length + (segment.start - first.start);
        Some((start, segment))
    }

    /// The decode times of a segment of the repeated video, in ticks since its beginning.
    pub fn ticks(&self, index: u64) -> Range<u64> {
        let (start, duration) = (self.segment(index)).map_or((0, 0), |(at, it)| (at, it.duration));
        start..start + duration
    }

    /// A segment of the repeated video, with its decode time set to `decode_time` ticks.
    pub fn media(&self, index: u64, decode_time: u64) -> Vec<u8> {
        let Some((_, segment)) = self.segment(index) else {
            return Vec::new();
        };
        let mut bytes = segment.bytes.clone();
        let shift = decode_time.wrapping_sub(segment.start);
        rewrite(&mut bytes, shift, index as u32 + 1);
        bytes
    }
}

/// The boxes in a range of `bytes`: their types, and the ranges of their bodies.
fn boxes(bytes: &[u8], within: Range<usize>) -> Vec<([u8; 4], Range<usize>)> {
    let mut found = Vec::new();
    let mut at = within.start;
    while let Some((size, kind)) = bytes
        .get(at..within.end)
        .and_then(|rest| Some((*rest.first_chunk()?, *rest.get(4..)?.first_chunk()?)))
    {
        let size = u32::from_be_bytes(size) as usize;
        // Sizes of 64 bits, and boxes up to the end of the file, are not supported.
        if size < 8 || at + size > within.end {
            break;
        }
        found.push((kind, at + 8..at + size));
        at += size;
    }
    found
}

/// The ranges of the bodies of all boxes at a path.
fn find(bytes: &[u8], path: &[&[u8; 4]]) -> Vec<Range<usize>> {
    let mut found: Vec<_> = iter::once(0..bytes.len()).collect();
    for kind in path {
        let inner = found.into_iter().flat_map(|within| boxes(bytes, within));
        found = inner
            .filter(|(it, _)| it == *kind)
            .map(|(_, body)| body)
            .collect();
    }
    found
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + width)?;
    Some(
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

fn set_number(bytes: &mut [u8], at: usize, width: usize, value: u64) {
    let value = value.to_be_bytes();
    if let Some(place) = bytes.get_mut(at..at + width) {
        place.copy_from_slice(&value[8 - width..]);
    }
}

/// Bytes of a time in a box, by its version.
fn width_of_times(bytes: &[u8], body: &Range<usize>) -> usize {
    if bytes.get(body.start) == Some(&0) {
        4
    } else {
        8
    }
}

/// The properties of a track in its init segment.
struct Description {
    kind: Kind,
    codecs: String,
    size: Option<(u16, u16)>,
    timescale: u32,
}

impl Description {
    fn read(init: &[u8]) -> Option<Self> {
        let first = |path: &[&[u8; 4]]| find(init, path).into_iter().next();
        let mdhd = first(&[b"moov", b"trak", b"mdia", b"mdhd"])?;
        let after_times = mdhd.start + 4 + 2 * width_of_times(init, &mdhd);
        let timescale = u32::try_from(number(init, after_times, 4)?).ok()?;
        let stsd = first(&[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"])?;
        let (kind, entry) = boxes(init, stsd.start + 8..stsd.end).into_iter().next()?;
        if timescale == 0 {
            return None;
        }
        match &kind {
            b"avc1" => {
                let mut inner = boxes(init, entry.start + 78..entry.end).into_iter();
                let (_, config) = inner.find(|(kind, _)| kind == b"avcC")?;
                let profile_and_level = number(init, config.start + 1, 3)?;
                let width = number(init, entry.start + 24, 2)? as u16;
                let height = number(init, entry.start + 26, 2)? as u16;
                Some(Self {
                    kind: Kind::Video,
                    codecs: format!("avc1.{profile_and_level:06x}"),
                    size: Some((width, height)),
                    timescale,
                })
            }
            b"mp4a" => Some(Self {
                kind: Kind::Audio,
                codecs: "mp4a.40.2".to_owned(),
                size: None,
                timescale,
            }),
            _ => None,
        }
    }
}

/// Decode time and duration of a media segment in ticks. `None` if its times have 32 bits, which
/// are too few for an endless stream.
fn times(segment: &[u8]) -> Option<(u64, u64)> {
    let mut start = None;
    let mut duration = 0;
    for traf in find(segment, &[b"moof", b"traf"]) {
        let inner = boxes(segment, traf);
        let bodies = |kind: &[u8; 4]| {
            let found: Vec<_> = inner
                .iter()
                .filter(|(it, _)| it == kind)
                .map(|(_, body)| body.clone())
                .collect();
            found
        };
        let tfdt = bodies(b"tfdt").into_iter().next()?;
        if width_of_times(segment, &tfdt) != 8 {
            return None;
        }
        start = start.or(number(segment, tfdt.start + 4, 8));
        let tfhd = bodies(b"tfhd").into_iter().next()?;
        let flags = number(segment, tfhd.start + 1, 3)?;
        // § 8.8.7: base_data_offset and sample_description_index come before the duration.
        let before = 8 + 8 * (flags & 1) + 4 * (flags >> 1 & 1);
        let default = if flags & 8 != 0 {
            number(segment, tfhd.start + before as usize, 4)?
        } else {
            0
        };
        for trun in bodies(b"trun") {
            let flags = number(segment, trun.start + 1, 3)?;
            let samples = number(segment, trun.start + 4, 4)?;
            if flags & 0x100 == 0 {
                duration += samples * default;
                continue;
            }
            let first = trun.start + 8 + 4 * (flags & 1) as usize + (flags & 4) as usize;
            let stride = 4 * (flags >> 8 & 15).count_ones() as usize;
            for sample in 0..samples as usize {
                duration += number(segment, first + sample * stride, 4)?;
            }
        }
    }
    Some((start?, duration))
}

/// A media segment of one fragment without its last sample.
fn without_last_sample(segment: &[u8]) -> Option<Vec<u8>> {
    let only = |path: &[&[u8; 4]]| match &find(segment, path)[..] {
        [body] => Some(body.clone()),
        _ => None,
    };
    let moof = only(&[b"moof"])?;
    let traf = only(&[b"moof", b"traf"])?;
    let trun = only(&[b"moof", b"traf", b"trun"])?;
    let mdat = only(&[b"mdat"])?;
    let flags = number(segment, trun.start + 1, 3)?;
    let samples = number(segment, trun.start + 4, 4)?.checked_sub(1)?;
    // It takes a data_offset, a size for each sample, and an order in which nothing else follows.
    if flags & 0x201 != 0x201 || trun.end != moof.end || mdat.end != segment.len() {
        return None;
    }
    let entry = 4 * (flags >> 8 & 15).count_ones() as usize;
    let before_size = 4 * (flags >> 8 & 1) as usize;
    let size = number(segment, trun.end - entry + before_size, 4)? as usize;
    let mut cut = segment.to_vec();
    let mut reduce = |at: usize, by: usize| {
        let value = number(segment, at, 4).unwrap_or(0);
        set_number(&mut cut, at, 4, value.saturating_sub(by as u64));
    };
    for body in [&moof, &traf, &trun] {
        reduce(body.start - 8, entry);
    }
    reduce(mdat.start - 8, size);
    reduce(trun.start + 8, entry);
    for sidx in find(segment, &[b"sidx"]) {
        // The first reference follows the times and the count.
        let reference = sidx.start + 16 + 2 * width_of_times(segment, &sidx);
        reduce(reference, entry + size);
    }
    set_number(&mut cut, trun.start + 4, 4, samples);
    let ((_, before), (_, after)) = (times(segment)?, times(&cut)?);
    for sidx in find(segment, &[b"sidx"]) {
        let duration = sidx.start + 20 + 2 * width_of_times(segment, &sidx);
        let value = number(segment, duration, 4)?;
        set_number(
            &mut cut,
            duration,
            4,
            (value + after).saturating_sub(before),
        );
    }
    cut.truncate(segment.len() - size);
    cut.drain(trun.end - entry..trun.end);
    Some(cut)
}

/// Adds to all times of a media segment, modulo 2^64, and numbers its fragments.
fn rewrite(segment: &mut [u8], shift: u64, sequence_number: u32) {
    for body in find(segment, &[b"sidx"]) {
        // After the track and the timescale.
        let (at, width) = (body.start + 12, width_of_times(segment, &body));
        let time = number(segment, at, width).unwrap_or(0);
        set_number(segment, at, width, time.wrapping_add(shift));
    }
    for body in find(segment, &[b"moof", b"mfhd"]) {
        set_number(segment, body.start + 4, 4, sequence_number.into());
    }
    for body in find(segment, &[b"moof", b"traf", b"tfdt"]) {
        let (at, width) = (body.start + 4, width_of_times(segment, &body));
        let time = number(segment, at, width).unwrap_or(0);
        set_number(segment, at, width, time.wrapping_add(shift));
    }
}
