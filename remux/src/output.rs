//! What comes out of a [`Remuxer`](crate::Remuxer).

use std::fmt;

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

impl Kind {
    /// `track_ID` in the files that are written.
    pub fn track_id(self) -> u32 {
        match self {
            Self::Video => 1,
            Self::Audio => 2,
        }
    }
}

/// Something to do for whoever feeds the remuxer, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Append this before the fragments that follow.
    Init(Init),
    /// Append this.
    Fragment(Fragment),
    /// Captions or an ID3 tag.
    Metadata(Metadata),
    /// Something is missing in what follows or went before. Remuxing goes on.
    Problem(Problem),
}

/// An initialization segment: `ftyp` and `moov`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The bytes to append.
    pub bytes: Vec<u8>,
    /// Its tracks: video before audio.
    pub tracks: Vec<Track>,
}

impl Init {
    /// The type for `MediaSource.isTypeSupported` and `addSourceBuffer`.
    pub fn mime(&self) -> String {
        let codecs: Vec<_> = self
            .tracks
            .iter()
            .map(|track| track.codec.as_str())
            .collect();
        let top = match self.tracks.first().map(|track| track.kind) {
            Some(Kind::Audio) => "audio",
            _ => "video",
        };
        format!("{top}/mp4; codecs=\"{}\"", codecs.join(","))
    }
}

/// How a track is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// What it carries.
    pub kind: Kind,
    /// The codec as RFC 6381 writes it, such as `avc1.64001f`.
    pub codec: String,
    /// Ticks per second of `tfdt` and of durations: 90,000 for video, the sampling rate for audio.
    pub timescale: u32,
    /// Size of the picture in pixels, cropped; 0 × 0 for audio.
    pub size: (u16, u16),
    /// Audio channels; 0 for video, or where the stream does not say.
    pub channels: u16,
    /// Its sample entry, the box in `stsd`.
    pub(crate) entry: Vec<u8>,
}

/// A media segment of one track: `moof` and `mdat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The track that it continues.
    pub kind: Kind,
    /// Decoding time of the first sample, in ticks of 90 kHz, unwrapped.
    pub start: i64,
    /// Decoding time at which the last sample ends, in ticks of 90 kHz.
    pub end: i64,
    /// The earliest presentation time in it, in ticks of 90 kHz.
    pub first_shown: i64,
    /// How many samples it has.
    pub samples: usize,
    /// The first sample is a random access point.
    pub is_random_access: bool,
    /// What lies before `offset` is unused.
    pub(crate) buffer: Vec<u8>,
    pub(crate) offset: usize,
}

impl Fragment {
    /// The bytes to append.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.offset..).unwrap_or_default()
    }
}

/// What metadata is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataKind {
    /// `cc_data` of CEA-708, triples of bytes: CEA-608 and CEA-708 captions. In decoding order: sort by time.
    Captions,
    /// A PES packet of ID3 tags.
    Id3,
}

/// Timed metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: MetadataKind,
    /// Presentation time in ticks of 90 kHz, on the same line as the fragments' times.
    pub pts: i64,
    /// The payload.
    pub bytes: Vec<u8>,
}

/// What could not be remuxed. `at` counts the bytes pushed since the start; PIDs are those of the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// There are no transport packets, or none in the bytes passed over.
    NoPackets {
        /// Where the bytes passed over end.
        at: u64,
    },
    /// No program (PAT and PMT) was found up to the end.
    NoProgram,
    /// A stream of the program is in a coding that is not remuxed.
    UnsupportedCoding {
        /// The stream.
        pid: u16,
        /// The coding's name.
        name: &'static str,
    },
    /// A stream is encrypted by SAMPLE-AES.
    SampleAes {
        /// The stream.
        pid: u16,
        /// The name of the coding that is encrypted.
        name: &'static str,
    },
    /// Packets are encrypted by the transport stream or in their PES packets.
    Scrambled {
        /// The stream.
        pid: u16,
    },
    /// Packets are missing, or are marked as damaged. Video goes on at the next random access point.
    Lost {
        /// The stream.
        pid: u16,
        /// The first packet after the missing ones.
        at: u64,
    },
    /// A header cannot be right.
    Broken {
        /// The stream.
        pid: u16,
        /// What is broken.
        what: &'static str,
        /// The packet that it was found in.
        at: u64,
    },
    /// Times jump by more than ten seconds or backwards. Video goes on at the next random access point.
    TimeJump {
        /// The stream.
        pid: u16,
        /// From this time, in ticks of 90 kHz.
        from: i64,
        /// To this time.
        to: i64,
    },
    /// Up to the end there was no picture that decoding can begin with.
    NoRandomAccess {
        /// The stream.
        pid: u16,
    },
    /// A track began after the initialization segment had to be written without it. It is left out.
    LateTrack {
        /// What it carries.
        kind: Kind,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoPackets { at } => write!(f, "no transport packets before byte {at}"),
            Self::NoProgram => f.write_str("no program was found in the transport stream"),
            Self::UnsupportedCoding { pid, name } => {
                write!(f, "{name} (PID {pid}) is not supported in MPEG-TS")
            }
            Self::SampleAes { pid, name } => {
                write!(f, "{name} (PID {pid}) is encrypted by SAMPLE-AES")
            }
            Self::Scrambled { pid } => write!(f, "PID {pid} is scrambled"),
            Self::Lost { pid, at } => {
                write!(f, "packets of PID {pid} are missing before byte {at}")
            }
            Self::Broken { pid, what, at } => {
                write!(f, "{what} of PID {pid} is broken at byte {at}")
            }
            Self::TimeJump { pid, from, to } => {
                write!(f, "times of PID {pid} jump from {from} to {to} (90 kHz)")
            }
            Self::NoRandomAccess { pid } => write!(f, "PID {pid} has no picture to begin with"),
            Self::LateTrack { kind: Kind::Video } => {
                f.write_str("video began too late and is left out")
            }
            Self::LateTrack { kind: Kind::Audio } => {
                f.write_str("audio began too late and is left out")
            }
        }
    }
}

impl std::error::Error for Problem {}
