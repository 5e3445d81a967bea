//! Reads a file as a player does, and what it would append by mp4-atom and matroska-demuxer.

#![allow(dead_code, reason = "each test uses a part")]

use std::{io::Cursor, ops::Range};

use matroska_demuxer::{Frame, MatroskaFile, TrackType};
use mp4_atom::{Any, Decode, Moof, Moov, ReadFrom};
use remux::{
    Kind,
    file::{Error, MediaFile, Movie, Plan, Step, TrackSet},
};

/// A file: some bytes at some positions, and zeros elsewhere.
pub enum Source {
    Bytes(Vec<u8>),
    Sparse {
        parts: Vec<(u64, Vec<u8>)>,
        size: u64,
    },
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap())
}

impl Source {
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Sparse { size, .. } => *size,
        }
    }

    pub fn read(&self, range: Range<u64>) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes[range.start as usize..range.end as usize].to_vec(),
            Self::Sparse { parts, .. } => {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                for (at, part) in parts {
                    for (index, byte) in part.iter().enumerate() {
                        let position = at + index as u64;
                        if range.contains(&position) {
                            bytes[(position - range.start) as usize] = *byte;
                        }
                    }
                }
                bytes
            }
        }
    }

    /// `wide.mp4` with a hole of this size after the first quarter of its chunks.
    pub fn sparse_mp4(mut bytes: Vec<u8>, hole: u64) -> Self {
        let mdat = bytes.windows(4).position(|name| name == b"mdat").unwrap() - 4;
        let mut tables = Vec::new();
        let mut at = 0;
        while let Some(found) = bytes[at..].windows(4).position(|name| name == b"co64") {
            at += found + 4;
            let count = u32_at(&bytes, at + 4) as usize;
            tables.extend((0..count).map(|index| at + 8 + index * 8));
        }
        let mut offsets: Vec<_> = tables.iter().map(|at| u64_at(&bytes, *at)).collect();
        offsets.sort_unstable();
        let split = offsets[offsets.len() / 4];
        for at in tables {
            let offset = u64_at(&bytes, at);
            if offset >= split {
                bytes[at..at + 8].copy_from_slice(&(offset + hole).to_be_bytes());
            }
        }
        let size = u64_at(&bytes, mdat + 8) + hole;
        bytes[mdat + 8..mdat + 16].copy_from_slice(&size.to_be_bytes());
        let rest = bytes.split_off(split as usize);
        Self::Sparse {
            size: split + hole + rest.len() as u64,
            parts: vec![(0, bytes), (split + hole, rest)],
        }
    }

    /// A recording without Cues whose clusters are repeated, with later times.
    pub fn sparse_webm(bytes: Vec<u8>, count: u64) -> Self {
        let is_cluster = |at: &usize| bytes[*at..].starts_with(&[0x1f, 0x43, 0xb6, 0x75]);
        let starts: Vec<_> = (0..bytes.len() - 4).filter(is_cluster).collect();
        let mut whole = bytes[..starts[0]].to_vec();
        for round in 0..count {
            for (index, start) in starts.iter().enumerate() {
                let end = starts.get(index + 1).copied().unwrap_or(bytes.len());
                let timestamp = start + 4 + 1 + bytes[start + 4].leading_zeros() as usize;
                assert_eq!(bytes[timestamp], 0xe7);
                let length = usize::from(bytes[timestamp + 1] & 0x7f);
                let content = timestamp + 2 + length;
                let time = bytes[timestamp + 2..content]
                    .iter()
                    .fold(0, |time, byte| time << 8 | u64::from(*byte));
                whole.extend([
                    0x1f, 0x43, 0xb6, 0x75, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xe7,
                    0x88,
                ]);
                whole.extend((time + round * 6_040).to_be_bytes());
                whole.extend_from_slice(&bytes[content..end]);
            }
        }
        Self::Bytes(whole)
    }
}

/// A file that is open, and what was read of it.
pub struct Reader {
    pub file: MediaFile,
    pub movie: Movie,
    pub source: Source,
    pub reads: usize,
    pub read: u64,
}

impl Reader {
    pub fn open(source: Source) -> Result<Self, Error> {
        let mut file = MediaFile::new(source.size());
        let (mut reads, mut read) = (0, 0);
        loop {
            match file.open()? {
                Step::Done(movie) => {
                    return Ok(Self {
                        file,
                        movie,
                        source,
                        reads,
                        read,
                    });
                }
                Step::Need(range) => {
                    assert!(!range.is_empty() && range.end <= source.size(), "{range:?}");
                    assert!(range.end - range.start <= 48 << 20, "{range:?}");
                    reads += 1;
                    read += range.end - range.start;
                    assert!(reads < 3_000);
                    file.feed(range.clone(), source.read(range));
                }
            }
        }
    }

    pub fn plan(&mut self, set: usize, index: usize) -> Plan {
        self.try_plan(set, index).unwrap()
    }

    pub fn try_plan(&mut self, set: usize, index: usize) -> Result<Plan, Error> {
        let before = self.reads;
        loop {
            match self.file.plan(set, index)? {
                Step::Done(plan) => return Ok(plan),
                Step::Need(range) => {
                    assert!(
                        !range.is_empty() && range.end <= self.source.size(),
                        "{range:?}"
                    );
                    self.reads += 1;
                    self.read += range.end - range.start;
                    assert!(self.reads - before < 64, "{range:?}");
                    self.file.feed(range.clone(), self.source.read(range));
                }
            }
        }
    }

    /// Time of the cluster at a position, in seconds.
    pub fn cluster_time(&self, position: u64) -> f64 {
        let bytes = self.source.read(position..position + 24);
        assert_eq!(bytes[..4], [0x1f, 0x43, 0xb6, 0x75]);
        u64_at(&bytes, 14) as f64 / 1000.0
    }
}

/// A sample as it would be appended; its time in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub kind: Kind,
    pub pts: f64,
    pub dts: i64,
    pub is_sync: bool,
    pub data: Vec<u8>,
}

pub fn moov(init: &[u8]) -> Moov {
    let mut rest = init;
    let ftyp = Any::read_from(&mut rest).unwrap();
    assert!(matches!(ftyp, Any::Ftyp(_)));
    Moov::read_from(&mut rest).unwrap()
}

/// Reads fragments, with the defaults of the tracks.
fn fragments(moov: &Moov, bytes: &[u8], samples: &mut Vec<Sample>) {
    let mut at = 0;
    while at + 8 <= bytes.len() {
        let size = u32_at(bytes, at) as usize;
        assert!(
            size >= 8 && at + size <= bytes.len(),
            "a box of {size} bytes"
        );
        if &bytes[at + 4..at + 8] == b"moof" {
            let mut rest = &bytes[at..at + size];
            let moof = Moof::decode(&mut rest).unwrap();
            for traf in &moof.traf {
                let id = traf.tfhd.track_id;
                let trak = moov
                    .trak
                    .iter()
                    .find(|trak| trak.tkhd.track_id == id)
                    .unwrap();
                let trex = moov.mvex.as_ref().unwrap();
                let trex = trex.trex.iter().find(|trex| trex.track_id == id).unwrap();
                let handler: [u8; 4] = *trak.mdia.hdlr.handler.as_ref();
                let kind = if &handler == b"vide" {
                    Kind::Video
                } else {
                    Kind::Audio
                };
                let scale = f64::from(trak.mdia.mdhd.timescale);
                let mut dts = traf.tfdt.as_ref().unwrap().base_media_decode_time as i64;
                let mut position = at;
                for run in &traf.trun {
                    if let Some(offset) = run.data_offset {
                        position = at + offset as usize;
                    }
                    for entry in run.samples.iter() {
                        let or = |value: Option<u32>, first: Option<u32>, default| {
                            value.or(first).unwrap_or(default)
                        };
                        let size = or(
                            entry.size,
                            traf.tfhd.default_sample_size,
                            trex.default_sample_size,
                        ) as usize;
                        let duration = or(
                            entry.duration,
                            traf.tfhd.default_sample_duration,
                            trex.default_sample_duration,
                        );
                        let flags = or(
                            entry.flags,
                            traf.tfhd.default_sample_flags,
                            trex.default_sample_flags,
                        );
                        samples.push(Sample {
                            kind,
                            pts: (dts + entry.cts.unwrap_or(0)) as f64 / scale,
                            dts,
                            is_sync: flags & 0x1_0000 == 0,
                            data: bytes[position..position + size].to_vec(),
                        });
                        dts += i64::from(duration);
                        position += size;
                    }
                }
            }
        }
        at += size;
    }
    assert_eq!(at, bytes.len(), "boxes fill what is appended");
}

/// The samples in what is appended.
pub fn samples_in(init: &[u8], appended: &[u8]) -> Vec<Sample> {
    let mut samples = Vec::new();
    fragments(&moov(init), appended, &mut samples);
    samples
}

/// All samples of a set, as they would be appended, and the number of bytes.
pub fn samples_of(reader: &mut Reader, index: usize, set: &TrackSet) -> (usize, Vec<Sample>) {
    let mut appended = Vec::new();
    let mut samples = Vec::new();
    let is_webm = set.mime.contains("/webm");
    let mut previous = None;
    for segment in 0..set.segments.len() {
        let plan = reader.plan(index, segment);
        let payload: Vec<u8> = plan
            .ranges
            .iter()
            .flat_map(|range| reader.source.read(range.clone()))
            .collect();
        if plan.is_converted {
            let mut converter = reader.file.converter(index, previous.take()).unwrap();
            for part in payload.chunks(1000 + 77 * segment) {
                converter.push(part);
            }
            converter.finish();
            while let Some(bytes) = converter.take() {
                appended.extend_from_slice(&bytes);
            }
            assert!(!converter.is_damaged());
            previous = Some(converter);
        } else {
            appended.extend_from_slice(&plan.head);
            appended.extend_from_slice(&payload);
        }
    }
    if is_webm {
        // With a size: the oracle does not read segments of unknown size.
        let mut whole = set.init.clone();
        let at = whole
            .windows(4)
            .position(|id| id == [0x18, 0x53, 0x80, 0x67])
            .unwrap()
            + 4;
        let size = (whole.len() - at - 8 + appended.len()) as u64;
        whole[at..at + 8].copy_from_slice(&(size | 1 << 56).to_be_bytes());
        whole.extend_from_slice(&appended);
        webm(&whole, &mut samples);
    } else {
        fragments(&moov(&set.init), &appended, &mut samples);
    }
    (appended.len(), samples)
}

fn webm(bytes: &[u8], samples: &mut Vec<Sample>) {
    let mut file = MatroskaFile::open(Cursor::new(bytes)).unwrap();
    let kinds: Vec<_> = file
        .tracks()
        .iter()
        .map(|track| (track.track_number().get(), track.track_type()))
        .collect();
    let mut frame = Frame::default();
    while file.next_frame(&mut frame).unwrap() {
        let kind = match kinds
            .iter()
            .find(|(number, _)| *number == frame.track)
            .unwrap()
            .1
        {
            TrackType::Video => Kind::Video,
            _ => Kind::Audio,
        };
        samples.push(Sample {
            kind,
            pts: frame.timestamp as f64 / 1000.0,
            dts: frame.timestamp as i64,
            is_sync: frame.is_keyframe.unwrap_or(true),
            data: frame.data.clone(),
        });
    }
}
