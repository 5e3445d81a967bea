//! The outputs of a [`Remuxer`](crate::Remuxer).

use std::fmt;

/// The kind of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Video.
    Video,
    /// Audio.
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

/// An output, to be handled in the order in which it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// An initialization segment to append before the fragments that follow.
    Init(Init),
    /// A fragment to append.
    Fragment(Fragment),
    /// Captions or an ID3 tag.
    Metadata(Metadata),
    /// Something is missing in the output before or after this. Remuxing continues.
    Problem(Problem),
}

/// An initialization segment: `ftyp` and `moov`. It has no bytes for frames of MPEG audio that need none.
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
        if self.tracks.iter().any(Track::is_raw) {
            return "audio/mpeg".to_owned();
        }
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

/// The description of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// What it carries.
    pub kind: Kind,
    /// RFC 6381 codec, such as `avc1.64001f`.
    pub codec: String,
    /// Ticks per second of `tfdt` and of durations: 90,000 for video, the sampling rate for audio.
    pub timescale: u32,
    /// Size of the picture in pixels, cropped; 0 × 0 for audio.
    pub size: (u16, u16),
    /// Audio channels; 0 for video, or where the stream does not say.
    pub channels: u16,
    /// Its sample entry, the box in `stsd`; empty if its samples are written without MP4 around them.
    pub(crate) entry: Vec<u8>,
}

impl Track {
    /// Whether its samples are written without MP4 around them: frames of MPEG audio.
    pub fn is_raw(&self) -> bool {
        self.entry.is_empty()
    }
}

/// A media segment of one track: `moof` and `mdat`, or frames of MPEG audio.
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
    /// Number of samples.
    pub samples: usize,
    /// Whether the first sample is a random access point.
    pub is_random_access: bool,
    /// The bytes before `offset` are unused.
    pub(crate) buffer: Vec<u8>,
    pub(crate) offset: usize,
}

impl Fragment {
    /// The bytes to append.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.offset..).unwrap_or_default()
    }
}

/// The kind of metadata.
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
    /// The kind.
    pub kind: MetadataKind,
    /// Presentation time in ticks of 90 kHz, on the same timeline as the fragments.
    pub pts: i64,
    /// The payload.
    pub bytes: Vec<u8>,
}

/// A part of the input that could not be remuxed. Positions (`at`) are in bytes pushed since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// There are no transport packets, or none in the skipped bytes.
    NoPackets {
        /// End of the skipped bytes.
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
    /// Packets are missing, or are marked as damaged. Video continues at the next random access point.
    Lost {
        /// The stream.
        pid: u16,
        /// The first packet after the missing ones.
        at: u64,
    },
    /// A header is invalid.
    Broken {
        /// The stream.
        pid: u16,
        /// The invalid part.
        what: &'static str,
        /// The packet that it was found in.
        at: u64,
    },
    /// Times jump by more than ten seconds or backwards. Video continues at the next random access point.
    TimeJump {
        /// The stream.
        pid: u16,
        /// The time before the jump, in ticks of 90 kHz.
        from: i64,
        /// The time after the jump.
        to: i64,
    },
    /// The stream ended without a picture that decoding can begin with.
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
                write!(f, "{name} in MPEG-TS (PID {pid})")
            }
            Self::SampleAes { pid, name } => {
                write!(f, "{name} encrypted by SAMPLE-AES (PID {pid})")
            }
            Self::Scrambled { pid } => write!(f, "scrambled packets (PID {pid})"),
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
