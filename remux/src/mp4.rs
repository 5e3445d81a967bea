//! Boxes of fragmented MP4 (ISO/IEC 14496-12): `moov` for one or two tracks, and `moof` and `mdat` of fragments.

use crate::{
    output::{Fragment, Init, Kind, Track},
    time::{TICKS, rescale},
};

/// Bytes reserved for `moof` before the payload: `moof` can be written only after all samples are known.
pub const HEADROOM: usize = 4096;

/// Bytes of `moof` and of the header of `mdat`, without the entries of `trun`.
const FIXED: usize = 8 + 16 + 8 + 16 + 20 + 20 + 8;

/// Bytes of an entry of `trun`.
const ENTRY: usize = 16;

/// Maximum number of samples in a fragment.
pub const MAX_SAMPLES: usize = (HEADROOM - FIXED) / ENTRY;

/// `sample_depends_on`: not on others; a sync sample.
const SYNC_FLAGS: u32 = 0x0200_0000;

/// `sample_depends_on`: on others; not a sync sample.
const DELTA_FLAGS: u32 = 0x0101_0000;

/// Writes a box with the bytes that `content` writes.
pub fn write_box(bytes: &mut Vec<u8>, name: &[u8; 4], content: impl FnOnce(&mut Vec<u8>)) {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(name);
    content(bytes);
    let size = (bytes.len() - start) as u32;
    if let Some(field) = bytes.get_mut(start..start + 4) {
        field.copy_from_slice(&size.to_be_bytes());
    }
}

fn words(bytes: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        bytes.extend_from_slice(&word.to_be_bytes());
    }
}

fn halves(bytes: &mut Vec<u8>, halves: &[u16]) {
    for half in halves {
        bytes.extend_from_slice(&half.to_be_bytes());
    }
}

/// The identity matrix of `mvhd` and `tkhd`.
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// The initialization segment for these tracks; without bytes if they are written without MP4 around them.
pub fn init(tracks: Vec<Track>) -> Init {
    if tracks.iter().any(Track::is_raw) {
        let bytes = Vec::new();
        return Init { bytes, tracks };
    }
    let mut bytes = Vec::with_capacity(1024);
    write_box(&mut bytes, b"ftyp", |b| {
        b.extend_from_slice(b"iso6\0\0\0\0iso6mp41")
    });
    write_box(&mut bytes, b"moov", |b| {
        write_box(b, b"mvhd", |b| {
            words(b, &[0, 0, 0, TICKS as u32, 0, 0x1_0000, 0x0100_0000, 0, 0]);
            words(b, &MATRIX);
            words(b, &[0, 0, 0, 0, 0, 0, u32::MAX]);
        });
        for track in &tracks {
            write_box(b, b"trak", |b| trak(b, track));
        }
        write_box(b, b"mvex", |b| {
            for track in &tracks {
                write_box(b, b"trex", |b| {
                    words(b, &[0, track.kind.track_id(), 1, 0, 0, 0])
                });
            }
        });
    });
    Init { bytes, tracks }
}

fn trak(b: &mut Vec<u8>, track: &Track) {
    let is_video = track.kind == Kind::Video;
    write_box(b, b"tkhd", |b| {
        // Enabled, in the movie, in the preview.
        words(b, &[7, 0, 0, track.kind.track_id(), 0, 0, 0, 0, 0]);
        words(b, &[if is_video { 0 } else { 0x0100_0000 }]);
        words(b, &MATRIX);
        words(
            b,
            &[u32::from(track.size.0) << 16, u32::from(track.size.1) << 16],
        );
    });
    write_box(b, b"mdia", |b| {
        // Language: undetermined.
        write_box(b, b"mdhd", |b| {
            words(b, &[0, 0, 0, track.timescale, 0, 0x55c4_0000])
        });
        write_box(b, b"hdlr", |b| {
            words(b, &[0, 0]);
            b.extend_from_slice(if is_video { b"vide" } else { b"soun" });
            words(b, &[0, 0, 0]);
            b.push(0);
        });
        write_box(b, b"minf", |b| {
            match is_video {
                true => write_box(b, b"vmhd", |b| words(b, &[1, 0, 0])),
                false => write_box(b, b"smhd", |b| words(b, &[0, 0])),
            }
            write_box(b, b"dinf", |b| {
                write_box(b, b"dref", |b| {
                    words(b, &[0, 1]);
                    write_box(b, b"url ", |b| words(b, &[1]));
                });
            });
            write_box(b, b"stbl", |b| {
                write_box(b, b"stsd", |b| {
                    words(b, &[0, 1]);
                    b.extend_from_slice(&track.entry);
                });
                write_box(b, b"stts", |b| words(b, &[0, 0]));
                write_box(b, b"stsc", |b| words(b, &[0, 0]));
                write_box(b, b"stsz", |b| words(b, &[0, 0, 0]));
                write_box(b, b"stco", |b| words(b, &[0, 0]));
            });
        });
    });
}

/// A `VisualSampleEntry` with these boxes in it; `aspect` is that of a pixel.
pub fn visual_entry(
    name: &[u8; 4],
    size: (u16, u16),
    aspect: (u16, u16),
    config: (&[u8; 4], &[u8]),
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128 + config.1.len());
    write_box(&mut bytes, name, |b| {
        words(b, &[0, 1, 0, 0, 0, 0]);
        halves(b, &[size.0, size.1]);
        // 72 dpi, one frame per sample, no compressor's name, depth 24, no colour table.
        words(b, &[0x48_0000, 0x48_0000, 0]);
        halves(b, &[1]);
        b.extend_from_slice(&[0; 32]);
        halves(b, &[24, u16::MAX]);
        write_box(b, config.0, |b| b.extend_from_slice(config.1));
        if aspect.0 != aspect.1 && aspect.0 > 0 && aspect.1 > 0 {
            write_box(b, b"pasp", |b| {
                words(b, &[aspect.0.into(), aspect.1.into()])
            });
        }
    });
    bytes
}

/// An `AudioSampleEntry` with this box in it.
pub fn audio_entry(name: &[u8; 4], channels: u16, rate: u32, config: (&[u8; 4], &[u8])) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    write_box(&mut bytes, name, |b| {
        words(b, &[0, 1, 0, 0]);
        halves(b, &[channels, 16, 0, 0]);
        // 16 bits are too few for 88.2 and 96 kHz: the decoder configuration has the real rate.
        words(
            b,
            &[u16::try_from(rate).map_or(0, |rate| u32::from(rate) << 16)],
        );
        write_box(b, config.0, |b| b.extend_from_slice(config.1));
    });
    bytes
}

/// The content of `esds` for this object type (ISO/IEC 14496-1 § 7.2.6), with its `AudioSpecificConfig` if it has one.
pub fn esds(object_type: u8, specific: &[u8]) -> Vec<u8> {
    let specific_size = if specific.is_empty() {
        0
    } else {
        2 + specific.len() as u8
    };
    let mut bytes = vec![0, 0, 0, 0];
    bytes.extend_from_slice(&[3, 3 + 15 + specific_size + 3, 0, 0, 0]);
    bytes.extend_from_slice(&[
        4,
        13 + specific_size,
        object_type,
        0x15,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ]);
    if !specific.is_empty() {
        bytes.extend_from_slice(&[5, specific.len() as u8]);
        bytes.extend_from_slice(specific);
    }
    bytes.extend_from_slice(&[6, 1, 2]);
    bytes
}

/// A sample of a fragment.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Size in bytes.
    pub size: usize,
    /// Ticks of the track's timescale.
    pub duration: u32,
    /// Presentation time less decoding time, in ticks of the track's timescale.
    pub offset: i32,
    /// Whether decoding can begin with it.
    pub is_sync: bool,
}

/// Builds a fragment in one buffer, which is appended as it is.
#[derive(Debug)]
pub struct FragmentBuilder {
    kind: Kind,
    /// Whether the samples are written without MP4 around them.
    is_raw: bool,
    /// [`HEADROOM`], the samples, and the bytes of the next sample.
    pub bytes: Vec<u8>,
    samples: Vec<Sample>,
    /// Where the samples end in `bytes`.
    samples_end: usize,
    /// Decoding times in the track's timescale: of the first sample, and where the last one ends.
    start: i64,
    end: i64,
}

impl FragmentBuilder {
    /// An empty fragment.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            is_raw: false,
            bytes: vec![0; HEADROOM],
            samples: Vec::new(),
            samples_end: HEADROOM,
            start: 0,
            end: 0,
        }
    }

    /// An empty fragment of samples that are written without MP4 around them.
    pub fn raw(kind: Kind) -> Self {
        Self {
            is_raw: true,
            ..Self::new(kind)
        }
    }

    /// Where the next sample begins in `bytes`.
    pub fn samples_end(&self) -> usize {
        self.samples_end
    }

    /// Where the last sample ends, in the track's timescale; `None` without samples.
    pub fn end(&self) -> Option<i64> {
        (!self.samples.is_empty()).then_some(self.end)
    }

    /// Whether the fragment should be taken before another sample is added.
    pub fn is_full(&self, max_bytes: usize) -> bool {
        self.samples.len() >= MAX_SAMPLES || self.samples_end >= max_bytes
    }

    /// Adds the next `sample.size` bytes as a sample. `dts` sets the fragment's start if it is the first sample; others
    /// follow the previous one.
    pub fn add(&mut self, dts: i64, sample: Sample) {
        debug_assert!(self.samples.len() < MAX_SAMPLES, "`moof` would not fit");
        if self.samples.is_empty() {
            self.start = dts;
            self.end = dts;
        }
        debug_assert_eq!(dts, self.end, "samples follow each other");
        self.end += i64::from(sample.duration);
        self.samples_end += sample.size;
        self.samples.push(sample);
    }

    /// Removes `from..to` from the bytes behind the samples.
    pub fn remove(&mut self, from: usize, to: usize) {
        debug_assert!(from >= self.samples_end);
        let to = to.min(self.bytes.len());
        if from < to {
            self.bytes.copy_within(to.., from);
            self.bytes.truncate(self.bytes.len() - (to - from));
        }
    }

    /// Takes the fragment, if it has samples. The bytes after them move into the next fragment, which uses the buffer
    /// `spare`; the second value is the distance by which they moved towards the front.
    pub fn take(&mut self, timescale: u32, spare: Option<Vec<u8>>) -> Option<(Fragment, usize)> {
        let first = *self.samples.first()?;
        let mut next = spare.unwrap_or_else(|| Vec::with_capacity(self.bytes.len()));
        next.resize(HEADROOM, 0);
        next.extend_from_slice(self.bytes.get(self.samples_end..).unwrap_or_default());
        let mut buffer = std::mem::replace(&mut self.bytes, next);
        buffer.truncate(self.samples_end);
        let head = match self.is_raw {
            true => Vec::new(),
            false => self.head(self.samples_end - HEADROOM),
        };
        let offset = HEADROOM.saturating_sub(head.len());
        if let Some(room) = buffer.get_mut(offset..HEADROOM) {
            room.copy_from_slice(&head);
        }
        let ticks = |time| rescale(time, timescale, TICKS as u32);
        let mut dts = self.start;
        let first_shown = self.samples.iter().map(|sample| {
            let shown = dts + i64::from(sample.offset);
            dts += i64::from(sample.duration);
            shown
        });
        let fragment = Fragment {
            kind: self.kind,
            first_shown: ticks(first_shown.min().unwrap_or(self.start)),
            start: ticks(self.start),
            end: ticks(self.end),
            samples: self.samples.len(),
            is_random_access: first.is_sync,
            buffer,
            offset,
        };
        let moved = self.samples_end - HEADROOM;
        self.samples_end = HEADROOM;
        self.samples.clear();
        Some((fragment, moved))
    }

    /// `moof` and the header of `mdat`, for `payload` bytes of samples.
    fn head(&self, payload: usize) -> Vec<u8> {
        let size = FIXED + self.samples.len() * ENTRY;
        let mut bytes = Vec::with_capacity(size);
        write_box(&mut bytes, b"moof", |b| {
            write_box(b, b"mfhd", |b| words(b, &[0, 0]));
            write_box(b, b"traf", |b| {
                // Offsets count from `moof`.
                write_box(b, b"tfhd", |b| words(b, &[0x02_0000, self.kind.track_id()]));
                write_box(b, b"tfdt", |b| {
                    words(b, &[0x0100_0000]);
                    b.extend_from_slice(&self.start.to_be_bytes());
                });
                write_box(b, b"trun", |b| {
                    // Version 1, for signed offsets; with data offset, duration, size, flags and composition offset.
                    words(b, &[0x0100_0f01, self.samples.len() as u32, size as u32]);
                    for sample in &self.samples {
                        let flags = if sample.is_sync {
                            SYNC_FLAGS
                        } else {
                            DELTA_FLAGS
                        };
                        words(b, &[sample.duration, sample.size as u32, flags]);
                        b.extend_from_slice(&sample.offset.to_be_bytes());
                    }
                });
            });
        });
        words(&mut bytes, &[payload as u32 + 8]);
        bytes.extend_from_slice(b"mdat");
        bytes
    }
}

/// Position of `sequence_number` in a fragment.
const SEQUENCE: usize = 20;

/// Numbers a fragment (`mfhd`).
pub fn number(fragment: &mut Fragment, sequence: u32) {
    if fragment.offset == HEADROOM {
        // There is no MP4 around it.
        return;
    }
    let at = fragment.offset + SEQUENCE;
    if let Some(field) = fragment.buffer.get_mut(at..at + 4) {
        field.copy_from_slice(&sequence.to_be_bytes());
    }
}
