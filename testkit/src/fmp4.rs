//! Fragmented MP4 (ISO/IEC 14496-12): init segments, media segments, segment indexes, and damage.

use crate::{aac::Aac, avc::Avc, random::Random};

/// `sample_flags` (§ 8.8.3.1) of samples that others do not depend on to be sync samples: depends on
/// none.
const SYNC: u32 = 0x0200_0000;
/// `sample_flags` of all other samples: depends on others, not a sync sample.
const NO_SYNC: u32 = 0x0101_0000;

/// A track of an init segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// `track_ID`; not 0.
    pub id: u32,
    /// Ticks per second; not 0.
    pub timescale: u32,
    /// ISO 639-2/T: three lower-case letters; `und` if unknown.
    pub language: [u8; 3],
    /// The codec of its samples.
    pub codec: Codec,
}

/// The codec of a track's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Video, in an `avc1` sample entry.
    Avc(Avc),
    /// Audio, in an `mp4a` sample entry.
    Aac(Aac),
}

impl Codec {
    /// RFC 6381.
    pub fn name(&self) -> String {
        match self {
            Self::Avc(avc) => avc.codec(),
            Self::Aac(_) => "mp4a.40.2".to_owned(),
        }
    }
}

/// A sample of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Ticks until the next one is decoded.
    pub duration: u32,
    /// Whether decoding may begin here.
    pub is_sync: bool,
    /// Ticks from decoding to presentation.
    pub composition_offset: i32,
    /// The coded data.
    pub bytes: Vec<u8>,
}

/// The samples of one track in a fragment: a `traf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFragment {
    /// `track_ID`.
    pub track: u32,
    /// When the first of the samples is decoded, in ticks (`tfdt`).
    pub decode_time: u64,
    /// In decoding order.
    pub samples: Vec<Sample>,
}

/// A `moof` and its `mdat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// `mfhd`.
    pub sequence_number: u32,
    /// One for each track.
    pub tracks: Vec<TrackFragment>,
}

/// The properties of samples that a `trun` lists for each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// The properties that differ. Common values are in `tfhd`; flags that differ for the first sample only
    /// are in `first_sample_flags`.
    #[default]
    Compact,
    /// All.
    Full,
}

/// The boxes of a media segment besides its fragments, and the layout of its samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether it begins with a `styp` box.
    pub has_type: bool,
    /// Whether a `sidx` box describes it.
    pub has_index: bool,
    /// `emsg` boxes.
    pub events: Vec<Event>,
    /// A `prft` box: NTP time stamp of the segment's first sample.
    pub producer_time: Option<u64>,
    /// Bytes of a `free` box within each `moof`, to make it large; none if 0.
    pub moof_padding: usize,
    /// How samples are listed.
    pub layout: Layout,
}

/// An inband event (`emsg` version 1, ISO/IEC 23009-1 § 5.10.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Identifies the kind of event.
    pub scheme: String,
    /// Distinguishes events of a scheme.
    pub value: String,
    /// Ticks per second of the next two.
    pub timescale: u32,
    /// When it begins.
    pub time: u64,
    /// How long it lasts.
    pub duration: u32,
    /// Events of the same scheme, value and number are the same.
    pub id: u32,
    /// The message.
    pub message: Vec<u8>,
}

/// Writes a box whose body a closure writes.
fn boxed(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    body(out);
    let size = (out.len() - start) as u32;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&size.to_be_bytes());
    }
}

/// Writes a box that begins with a version and flags.
fn full_box(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    version: u8,
    flags: u32,
    body: impl FnOnce(&mut Vec<u8>),
) {
    boxed(out, kind, |out| {
        u32(out, u32::from(version) << 24 | flags);
        body(out);
    });
}

fn u16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_be_bytes());
}

fn u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_be_bytes());
}

fn u64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_be_bytes());
}

fn zeros(out: &mut Vec<u8>, count: usize) {
    out.resize(out.len() + count, 0);
}

/// The identity matrix of `mvhd` and `tkhd`.
fn matrix(out: &mut Vec<u8>) {
    for value in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] {
        u32(out, value);
    }
}

/// Writes an init segment: `ftyp`, a `free` box with a text, `moov`.
pub fn init_segment(tracks: &[Track], text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    boxed(&mut out, b"ftyp", |out| {
        out.extend(b"iso6\0\0\0\0iso6cmfcmp41");
    });
    boxed(&mut out, b"free", |out| out.extend(text.as_bytes()));
    boxed(&mut out, b"moov", |out| {
        full_box(out, b"mvhd", 0, 0, |out| {
            zeros(out, 8);
            u32(out, 1000);
            u32(out, 0);
            u32(out, 0x1_0000);
            u16(out, 0x100);
            zeros(out, 10);
            matrix(out);
            zeros(out, 24);
            u32(
                out,
                1 + tracks.iter().map(|track| track.id).max().unwrap_or(0),
            );
        });
        for track in tracks {
            write_track(out, track);
        }
        boxed(out, b"mvex", |out| {
            for track in tracks {
                full_box(out, b"trex", 0, 0, |out| {
                    for value in [track.id, 1, 0, 0, 0] {
                        u32(out, value);
                    }
                });
            }
        });
    });
    out
}

fn write_track(out: &mut Vec<u8>, track: &Track) {
    let (volume, width, height) = match track.codec {
        Codec::Avc(avc) => (0, avc.width, avc.height),
        Codec::Aac(_) => (0x100, 0, 0),
    };
    boxed(out, b"trak", |out| {
        full_box(out, b"tkhd", 0, 3, |out| {
            zeros(out, 8);
            u32(out, track.id);
            zeros(out, 18);
            u16(out, u16::from(volume != 0)); // alternate_group
            u16(out, volume);
            u16(out, 0);
            matrix(out);
            u32(out, u32::from(width) << 16);
            u32(out, u32::from(height) << 16);
        });
        boxed(out, b"mdia", |out| {
            full_box(out, b"mdhd", 0, 0, |out| {
                zeros(out, 8);
                u32(out, track.timescale);
                u32(out, 0);
                let pack = |packed, letter: &u8| packed << 5 | u16::from(letter & 0x1f);
                u16(out, track.language.iter().fold(0, pack));
                u16(out, 0);
            });
            full_box(out, b"hdlr", 0, 0, |out| {
                zeros(out, 4);
                out.extend(match track.codec {
                    Codec::Avc(_) => b"vide",
                    Codec::Aac(_) => b"soun",
                });
                zeros(out, 12);
                out.extend(b"testkit\0");
            });
            boxed(out, b"minf", |out| {
                match track.codec {
                    Codec::Avc(_) => full_box(out, b"vmhd", 0, 1, |out| zeros(out, 8)),
                    Codec::Aac(_) => full_box(out, b"smhd", 0, 0, |out| zeros(out, 4)),
                }
                boxed(out, b"dinf", |out| {
                    full_box(out, b"dref", 0, 0, |out| {
                        u32(out, 1);
                        full_box(out, b"url ", 0, 1, |_| {});
                    });
                });
                boxed(out, b"stbl", |out| {
                    full_box(out, b"stsd", 0, 0, |out| {
                        u32(out, 1);
                        match track.codec {
                            Codec::Avc(avc) => write_avc1(out, &avc),
                            Codec::Aac(aac) => write_mp4a(out, &aac),
                        }
                    });
                    for kind in [b"stts", b"stsc", b"stco"] {
                        full_box(out, kind, 0, 0, |out| u32(out, 0));
                    }
                    full_box(out, b"stsz", 0, 0, |out| zeros(out, 8));
                });
            });
        });
    });
}

fn write_avc1(out: &mut Vec<u8>, avc: &Avc) {
    boxed(out, b"avc1", |out| {
        zeros(out, 6);
        u16(out, 1);
        zeros(out, 16);
        u16(out, avc.width);
        u16(out, avc.height);
        u32(out, 0x48_0000);
        u32(out, 0x48_0000);
        u32(out, 0);
        u16(out, 1);
        zeros(out, 32);
        u16(out, 0x18);
        u16(out, 0xffff);
        boxed(out, b"avcC", |out| out.extend(avc.configuration()));
    });
}

fn write_mp4a(out: &mut Vec<u8>, aac: &Aac) {
    boxed(out, b"mp4a", |out| {
        zeros(out, 6);
        u16(out, 1);
        zeros(out, 8);
        u16(out, aac.channels());
        u16(out, 16);
        u32(out, 0);
        u32(out, aac.sample_rate.min(0xffff) << 16);
        // ISO/IEC 14496-1 § 7.2.6.5: ES_Descriptor, DecoderConfigDescriptor, DecoderSpecificInfo,
        // SLConfigDescriptor.
        full_box(out, b"esds", 0, 0, |out| {
            let specific = aac.configuration();
            out.extend([3, 25, 0, 0, 0]);
            out.extend([4, 17, 0x40, 0x15, 0, 0, 0]);
            u32(out, 128_000);
            u32(out, 128_000);
            out.extend([5, 2]);
            out.extend(specific);
            out.extend([6, 1, 2]);
        });
    });
}

/// Writes a media segment. The tracks are those of its init segment; the first of them is that of the
/// index.
pub fn media_segment(tracks: &[Track], fragments: &[Fragment], options: &Options) -> Vec<u8> {
    let mut body = Vec::new();
    for fragment in fragments {
        write_fragment(&mut body, fragment, options);
    }
    let mut out = Vec::new();
    if options.has_type {
        boxed(&mut out, b"styp", |out| {
            out.extend(b"msdh\0\0\0\0msdhmsixcmfs")
        });
    }
    let track = tracks.first();
    let own = |fragment: &Fragment| {
        let mut own = fragment.tracks.iter();
        own.find(|it| Some(it.track) == track.map(|track| track.id))
            .cloned()
    };
    let first_time = fragments
        .iter()
        .find_map(own)
        .map_or(0, |it| it.decode_time);
    if let Some(track) = track.filter(|_| options.has_index) {
        let samples = fragments.iter().filter_map(own).flat_map(|it| it.samples);
        let reference = Reference {
            size: body.len() as u32,
            duration: samples.map(|sample| sample.duration).sum(),
        };
        out.extend(segment_index(track, first_time, &[reference]));
    }
    for event in &options.events {
        write_event(&mut out, event);
    }
    if let (Some(time), Some(track)) = (options.producer_time, track) {
        full_box(&mut out, b"prft", 1, 0, |out| {
            u32(out, track.id);
            u64(out, time);
            u64(out, first_time);
        });
    }
    out.extend(body);
    out
}

/// A segment in a segment index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Bytes.
    pub size: u32,
    /// Ticks.
    pub duration: u32,
}

/// Writes a segment index (`sidx`, § 8.16.3) of what follows it.
pub fn segment_index(track: &Track, time: u64, references: &[Reference]) -> Vec<u8> {
    let mut out = Vec::new();
    full_box(&mut out, b"sidx", 1, 0, |out| {
        u32(out, track.id);
        u32(out, track.timescale);
        u64(out, time);
        u64(out, 0);
        u16(out, 0);
        u16(out, references.len() as u16);
        for reference in references {
            u32(out, reference.size & 0x7fff_ffff);
            u32(out, reference.duration);
            u32(out, 0x9000_0000); // starts_with_SAP of type 1
        }
    });
    out
}

fn write_event(out: &mut Vec<u8>, event: &Event) {
    full_box(out, b"emsg", 1, 0, |out| {
        u32(out, event.timescale);
        u64(out, event.time);
        u32(out, event.duration);
        u32(out, event.id);
        for text in [&event.scheme, &event.value] {
            out.extend(text.as_bytes());
            out.push(0);
        }
        out.extend(&event.message);
    });
}

fn write_fragment(out: &mut Vec<u8>, fragment: &Fragment, options: &Options) {
    let start = out.len();
    // The positions of the `data_offset` in each `trun`, which counts from the beginning of the `moof`.
    let mut offsets = Vec::new();
    boxed(out, b"moof", |out| {
        full_box(out, b"mfhd", 0, 0, |out| u32(out, fragment.sequence_number));
        if options.moof_padding > 0 {
            boxed(out, b"free", |out| zeros(out, options.moof_padding));
        }
        for track in &fragment.tracks {
            offsets.push(write_track_fragment(out, track, options.layout));
        }
    });
    let mut data = out.len() - start + 8;
    for (place, track) in offsets.into_iter().zip(&fragment.tracks) {
        if let Some(place) = out.get_mut(place..place + 4) {
            place.copy_from_slice(&(data as u32).to_be_bytes());
        }
        data += track.samples.iter().map(|it| it.bytes.len()).sum::<usize>();
    }
    boxed(out, b"mdat", |out| {
        for sample in fragment.tracks.iter().flat_map(|track| &track.samples) {
            out.extend(&sample.bytes);
        }
    });
}

/// Writes a `traf`, and returns the position of its `data_offset`.
fn write_track_fragment(out: &mut Vec<u8>, fragment: &TrackFragment, layout: Layout) -> usize {
    let samples = &fragment.samples;
    let flags = |sample: &Sample| if sample.is_sync { SYNC } else { NO_SYNC };
    /// Whether a property of samples has to be listed for each of them.
    fn differs<T: PartialEq>(samples: &[Sample], property: impl Fn(&Sample) -> T) -> bool {
        samples.windows(2).any(|two| match two {
            [one, other] => property(one) != property(other),
            _ => false,
        })
    }
    let is_full = layout == Layout::Full;
    let has_durations = is_full || differs(samples, |it| it.duration);
    let has_sizes = is_full || differs(samples, |it| it.bytes.len());
    let rest = samples.get(1..).unwrap_or_default();
    let has_flags = is_full || differs(rest, flags);
    let has_first_flags = !has_flags && differs(samples, flags);
    let has_offsets = is_full || samples.iter().any(|it| it.composition_offset != 0);
    let default = rest.first().or(samples.first());
    let mut place = 0;
    boxed(out, b"traf", |out| {
        // default-base-is-moof, and those defaults that no sample overrides.
        let tfhd = 0x02_0000
            | u32::from(!has_durations) << 3
            | u32::from(!has_sizes) << 4
            | u32::from(!has_flags) << 5;
        full_box(out, b"tfhd", 0, tfhd, |out| {
            u32(out, fragment.track);
            if !has_durations {
                u32(out, default.map_or(0, |it| it.duration));
            }
            if !has_sizes {
                u32(out, default.map_or(0, |it| it.bytes.len() as u32));
            }
            if !has_flags {
                u32(out, default.map_or(NO_SYNC, flags));
            }
        });
        full_box(out, b"tfdt", 1, 0, |out| u64(out, fragment.decode_time));
        let trun = 1
            | u32::from(has_first_flags) << 2
            | u32::from(has_durations) << 8
            | u32::from(has_sizes) << 9
            | u32::from(has_flags) << 10
            | u32::from(has_offsets) << 11;
        full_box(out, b"trun", 1, trun, |out| {
            u32(out, samples.len() as u32);
            place = out.len();
            u32(out, 0);
            if has_first_flags {
                u32(out, samples.first().map_or(SYNC, flags));
            }
            for sample in samples {
                if has_durations {
                    u32(out, sample.duration);
                }
                if has_sizes {
                    u32(out, sample.bytes.len() as u32);
                }
                if has_flags {
                    u32(out, flags(sample));
                }
                if has_offsets {
                    out.extend(sample.composition_offset.to_be_bytes());
                }
            }
        });
    });
    place
}

/// A kind of damage to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The file is cut off after this many thousandths.
    Truncated(u16),
    /// Random bytes of the same length, for a seed.
    Garbage(u64),
    /// One byte in about a hundred is changed, for a seed.
    Corrupted(u64),
    /// The file is empty.
    Empty,
    /// The size of its first box exceeds the file.
    Oversized,
}

/// Damages a file.
pub fn damage(mut bytes: Vec<u8>, damage: Damage) -> Vec<u8> {
    match damage {
        Damage::Truncated(thousandths) => {
            bytes.truncate(bytes.len() * usize::from(thousandths.min(1000)) / 1000);
        }
        Damage::Garbage(seed) => {
            let mut random = Random::new(seed);
            bytes.fill_with(|| random.next_u64() as u8);
        }
        Damage::Corrupted(seed) => {
            let mut random = Random::new(seed);
            for byte in &mut bytes {
                if random.percent(1) {
                    *byte ^= random.within(1..=255) as u8;
                }
            }
        }
        Damage::Empty => bytes.clear(),
        Damage::Oversized => {
            if let Some(size) = bytes.first_chunk_mut() {
                *size = 0x7fff_ffff_u32.to_be_bytes();
            }
        }
    }
    bytes
}
