//! What the tests share: remuxing, and reading what comes out by mp4-atom.

#![allow(dead_code, reason = "each test uses a part")]

use std::{fs, path::PathBuf};

use mp4_atom::{Any, Codec, Decode, Moof, Moov, ReadFrom};
use remux::{Fragment, Init, Kind, Metadata, Output, Problem, Remuxer, Wanted};

/// A sample that was read back. Times are in the track's timescale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub kind: Kind,
    pub dts: i64,
    pub pts: i64,
    pub duration: u32,
    pub is_sync: bool,
    pub data: Vec<u8>,
}

/// All that came out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Remuxed {
    pub inits: Vec<Init>,
    pub samples: Vec<Sample>,
    pub metadata: Vec<Metadata>,
    pub problems: Vec<Problem>,
    pub fragments: usize,
}

impl Remuxed {
    pub fn of(&self, kind: Kind) -> Vec<Sample> {
        self.samples
            .iter()
            .filter(|sample| sample.kind == kind)
            .cloned()
            .collect()
    }

    /// Takes all outputs.
    pub fn take(&mut self, remuxer: &mut Remuxer) {
        while let Some(output) = remuxer.take() {
            match output {
                Output::Init(init) => {
                    check_init(&init);
                    self.inits.push(init);
                }
                Output::Fragment(fragment) => {
                    assert!(
                        !self.inits.is_empty(),
                        "a fragment before the initialization segment"
                    );
                    self.fragments += 1;
                    self.samples.extend(samples(&fragment));
                    remuxer.recycle(fragment);
                }
                Output::Metadata(metadata) => self.metadata.push(metadata),
                Output::Problem(problem) => self.problems.push(problem),
            }
        }
    }
}

/// Remuxes in parts of these sizes, over and over.
pub fn remux_in(bytes: &[u8], sizes: &[usize]) -> Remuxed {
    let (mut remuxer, mut remuxed) = (Remuxer::new(Wanted::default(), None), Remuxed::default());
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (part, later) = rest.split_at(rest.len().min((*size).max(1)));
        remuxer.push(part);
        remuxed.take(&mut remuxer);
        rest = later;
    }
    remuxer.flush();
    remuxed.take(&mut remuxer);
    remuxed
}

pub fn remux(bytes: &[u8]) -> Remuxed {
    remux_in(bytes, &[usize::MAX])
}

pub fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

pub fn stream(name: &str) -> Vec<u8> {
    fs::read(folder("streams").join(name).with_extension("ts")).unwrap()
}

pub fn moov(init: &Init) -> Moov {
    let mut rest = init.bytes.as_slice();
    let ftyp = Any::read_from(&mut rest).unwrap();
    assert!(matches!(ftyp, Any::Ftyp(_)));
    let moov = Moov::read_from(&mut rest).unwrap();
    assert!(rest.is_empty());
    moov
}

fn check_init(init: &Init) {
    let moov = moov(init);
    assert_eq!(moov.trak.len(), init.tracks.len());
    for (trak, track) in moov.trak.iter().zip(&init.tracks) {
        assert_eq!(trak.tkhd.track_id, track.kind.track_id());
        assert_eq!(trak.mdia.mdhd.timescale, track.timescale);
        let codec = trak.mdia.minf.stbl.stsd.codecs.first().unwrap();
        let is_known = match track.codec.get(..4).unwrap() {
            "avc1" => {
                matches!(codec, Codec::Avc1(avc1) if (avc1.visual.width, avc1.visual.height) == track.size)
            }
            "hvc1" => {
                matches!(codec, Codec::Hvc1(hvc1) if (hvc1.visual.width, hvc1.visual.height) == track.size)
            }
            "mp4a" => matches!(codec, Codec::Mp4a(_)),
            "ac-3" => matches!(codec, Codec::Ac3(_)),
            "ec-3" => matches!(codec, Codec::Eac3(_)),
            _ => false,
        };
        assert!(is_known, "{codec:?}");
    }
}

/// The samples of a fragment as `moof` tells them.
pub fn samples(fragment: &Fragment) -> Vec<Sample> {
    let bytes = fragment.bytes();
    let mut rest = bytes;
    let moof = Moof::decode(&mut rest).unwrap();
    let mdat = bytes.len() - rest.len();
    assert_eq!(&rest[4..8], b"mdat");
    assert_eq!(
        u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize,
        rest.len()
    );
    let [traf] = moof.traf.as_slice() else {
        panic!("not one track");
    };
    assert_eq!(traf.tfhd.track_id, fragment.kind.track_id());
    assert!(moof.mfhd.sequence_number > 0);
    let [trun] = traf.trun.as_slice() else {
        panic!("not one run");
    };
    assert_eq!(trun.data_offset, Some(mdat as i32 + 8));
    let mut dts = traf.tfdt.as_ref().unwrap().base_media_decode_time as i64;
    let mut at = mdat + 8;
    let mut samples = Vec::new();
    for entry in trun.samples.iter() {
        let size = entry.size.unwrap() as usize;
        let duration = entry.duration.unwrap();
        assert!(duration > 0);
        samples.push(Sample {
            kind: fragment.kind,
            dts,
            pts: dts + entry.cts.unwrap(),
            duration,
            is_sync: entry.flags.unwrap() & 0x1_0000 == 0,
            data: bytes[at..at + size].to_vec(),
        });
        dts += i64::from(duration);
        at += size;
    }
    assert_eq!(at, bytes.len(), "samples fill mdat");
    assert_eq!(samples.len(), fragment.samples);
    samples
}

/// NAL units of a sample.
pub fn nal_units(mut data: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    while !data.is_empty() {
        let length = u32::from_be_bytes(data[..4].try_into().unwrap()) as usize;
        units.push(&data[4..4 + length]);
        data = &data[4 + length..];
    }
    units
}

/// CRC-32 as zlib has it.
pub fn crc32(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256u32)
        .map(|byte| {
            (0..8).fold(byte, |crc, _| {
                crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
            })
        })
        .collect();
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        crc >> 8 ^ table[usize::from(crc as u8 ^ byte)]
    })
}
