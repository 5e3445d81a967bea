//! CodecIDs (RFC 9559 § 27.2 and the codec specifications) as WebM's and MP4's codecs.

use crate::{
    ac3,
    audio::Parsed,
    bits::Bits,
    file::{input::number, mp4::sample_entry},
    h264, h265,
    mp4::{audio_entry, esds, visual_entry},
    mpeg_audio,
    output::{Kind, Track},
    parameter_sets::ParameterSets,
    time::TICKS,
};

/// How a track's frames become samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// As they are.
    Plain,
    /// NAL units behind start codes, of H.264, become NAL units behind their lengths.
    ByteStream,
}

/// What a track entry says about the coding.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coding {
    /// CodecID.
    pub id: String,
    /// CodecPrivate.
    pub private: Vec<u8>,
    /// Size in pixels.
    pub size: (u16, u16),
    /// Aspect ratio of a pixel.
    pub aspect: (u16, u16),
    /// Sampling rate in Hz.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
}

impl Coding {
    /// The codec if WebM can have it: RFC 6381, as browsers know it.
    pub fn webm(&self) -> Option<String> {
        Some(match self.id.as_str() {
            "V_VP8" => "vp8".to_owned(),
            "V_VP9" => "vp9".to_owned(),
            "V_AV1" => {
                sample_entry::av1(&self.private).unwrap_or_else(|| "av01.0.08M.08".to_owned())
            }
            "A_OPUS" => "opus".to_owned(),
            "A_VORBIS" => "vorbis".to_owned(),
            _ => return None,
        })
    }

    /// Whether only WebM can have it: no MP4 has a place for it that browsers know.
    pub fn is_webm_only(&self) -> bool {
        matches!(self.id.as_str(), "V_VP8" | "A_VORBIS")
    }

    /// Whether the first frame has what the track entry does not.
    pub fn needs_frame(&self) -> bool {
        match self.id.as_str() {
            "V_MPEG4/ISO/AVC" | "V_MPEGH/ISO/HEVC" => self.private.first() != Some(&1),
            "A_AC3" | "A_EAC3" | "A_MPEG/L3" => true,
            id => id.starts_with("A_AC3/"),
        }
    }

    /// The track in MP4, and how frames become its samples. `frame` is its first one, if [`Self::needs_frame`].
    ///
    /// # Errors
    /// What it lacks, or that MP4 in browsers cannot have it.
    pub fn mp4(&self, frame: &[u8]) -> Result<(Track, Framing), String> {
        let incomplete = || format!("{} without its configuration", self.id);
        let unsupported = || format!("{} is not supported", self.id);
        let video = |codec: Option<String>, name: &[u8; 4], config: (&[u8; 4], &[u8])| {
            let track = Track {
                kind: Kind::Video,
                codec: codec.ok_or_else(incomplete)?,
                timescale: TICKS as u32,
                size: self.size,
                channels: 0,
                entry: visual_entry(name, self.size, self.aspect, config),
            };
            Ok((track, Framing::Plain))
        };
        let audio = |codec: &str, name: &[u8; 4], rate: u32, config: (&[u8; 4], &[u8])| {
            let track = Track {
                kind: Kind::Audio,
                codec: codec.to_owned(),
                timescale: rate.max(1),
                size: (0, 0),
                channels: self.channels,
                entry: audio_entry(name, self.channels, rate, config),
            };
            Ok((track, Framing::Plain))
        };
        let private = self.private.as_slice();
        match self.id.as_str() {
            "V_MPEG4/ISO/AVC" if private.first() == Some(&1) => video(
                sample_entry::avc("avc1", private),
                b"avc1",
                (b"avcC", private),
            ),
            "V_MPEGH/ISO/HEVC" if private.first() == Some(&1) => {
                // Parameter sets may be in the frames, too.
                video(
                    sample_entry::hevc("hev1", private),
                    b"hev1",
                    (b"hvcC", private),
                )
            }
            "V_MPEG4/ISO/AVC" | "V_MPEGH/ISO/HEVC" => {
                let is_h264 = self.id == "V_MPEG4/ISO/AVC";
                let mut sets = ParameterSets::default();
                for nal in byte_stream(private).chain(byte_stream(frame)) {
                    let key = if is_h264 {
                        h264::key(nal)
                    } else {
                        h265::key(nal)
                    };
                    if let Some(key) = key {
                        sets.insert(key, nal.to_vec());
                    }
                }
                let track = if is_h264 {
                    h264::track(&sets)
                } else {
                    h265::track(&sets)
                };
                Ok((track.ok_or_else(incomplete)?.0, Framing::ByteStream))
            }
            "V_AV1" => video(sample_entry::av1(private), b"av01", (b"av1C", private)),
            "V_VP9" => {
                let feature = |id: u8, default: u8| vp9_feature(private, id).unwrap_or(default);
                let (profile, level, depth) = (feature(1, 0), feature(2, 41), feature(3, 8));
                let chroma = feature(4, 1);
                // Version 1; colours of BT.709, limited range.
                let config = [
                    1,
                    0,
                    0,
                    0,
                    profile,
                    level,
                    depth << 4 | chroma << 1,
                    1,
                    1,
                    1,
                    0,
                    0,
                ];
                let codec = format!("vp09.{profile:02}.{level:02}.{depth:02}");
                video(Some(codec), b"vp09", (b"vpcC", &config))
            }
            id if id == "A_AAC" || id.starts_with("A_AAC/") => {
                let specific = if private.is_empty() {
                    self.specific()
                } else {
                    private.to_vec()
                };
                let object = sample_entry::audio_object(&specific).unwrap_or(2);
                let rate = aac_rate(&specific).unwrap_or(self.rate);
                let config = esds(
                    0x40,
                    specific.get(..specific.len().min(64)).unwrap_or_default(),
                );
                audio(
                    &format!("mp4a.40.{object}"),
                    b"mp4a",
                    rate,
                    (b"esds", &config),
                )
            }
            "A_OPUS" => audio(
                "opus",
                b"Opus",
                48_000,
                (b"dOps", &dops(private).ok_or_else(incomplete)?),
            ),
            "A_FLAC" => {
                // `fLaC`, then the metadata blocks, of which the first is STREAMINFO.
                let blocks = private.strip_prefix(b"fLaC").unwrap_or(private);
                let info = blocks.get(..38).ok_or_else(incomplete)?;
                let mut config = vec![0; 4];
                config.extend_from_slice(info);
                if let Some(first) = config.get_mut(4) {
                    // The last block: the others are not needed.
                    *first |= 0x80;
                }
                let rate = number::u32(info, 14).ok_or_else(incomplete)? >> 12;
                audio("flac", b"fLaC", rate, (b"dfLa", &config))
            }
            id if id == "A_EAC3" || id.starts_with("A_AC3") => match ac3::parse(frame) {
                Parsed::Frame(header) => Ok((
                    header.format.track().ok_or_else(incomplete)?,
                    Framing::Plain,
                )),
                _ => Err(incomplete()),
            },
            "A_MPEG/L3" => match mpeg_audio::parse(frame) {
                Parsed::Frame(header) => Ok((
                    header.format.track().ok_or_else(unsupported)?,
                    Framing::Plain,
                )),
                _ => Err(incomplete()),
            },
            _ => Err(unsupported()),
        }
    }

    /// An `AudioSpecificConfig` for tracks without one: old files have the profile in the CodecID.
    fn specific(&self) -> Vec<u8> {
        let object: u8 = if self.id.ends_with("/MAIN") { 1 } else { 2 };
        let index = AAC_RATES
            .iter()
            .position(|rate| *rate == self.rate)
            .unwrap_or(4) as u8;
        vec![
            object << 3 | index >> 1,
            (index & 1) << 7 | (self.channels as u8 & 15) << 3,
        ]
    }
}

const AAC_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
    7350,
];

/// The rate of the frames of an `AudioSpecificConfig`, which is half of what is heard with SBR.
fn aac_rate(specific: &[u8]) -> Option<u32> {
    let mut bits = Bits::new(specific);
    if bits.read(5)? == 31 {
        bits.read(6)?;
    }
    match bits.read(4)? {
        15 => bits.read(24),
        index => AAC_RATES.get(index as usize).copied(),
    }
}

/// A value of VP9's CodecPrivate: IDs, lengths, values.
fn vp9_feature(mut private: &[u8], id: u8) -> Option<u8> {
    while let [found, length, rest @ ..] = private {
        if *found == id && *length == 1 {
            return rest.first().copied();
        }
        private = rest.get(usize::from(*length)..)?;
    }
    None
}

/// `dOps` of an `OpusHead`, whose numbers are little-endian (RFC 7845 § 5.1).
fn dops(private: &[u8]) -> Option<Vec<u8>> {
    let head = private.strip_prefix(b"OpusHead")?;
    let &[_, channels, s0, s1, r0, r1, r2, r3, g0, g1, family, ..] = head else {
        return None;
    };
    let mut config = vec![0, channels, s1, s0, r3, r2, r1, r0, g1, g0, family];
    if family != 0 {
        config.extend_from_slice(head.get(11..13 + usize::from(channels))?);
    }
    Some(config)
}

/// NAL units of a byte stream.
pub fn byte_stream(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let start_code = |from: usize| {
        bytes
            .get(from..)
            .and_then(|rest| rest.windows(3).position(|code| code == [0, 0, 1]))
            .map(|at| from + at)
    };
    let mut next = start_code(0).map(|at| at + 3);
    std::iter::from_fn(move || {
        let start = next?;
        let end = start_code(start);
        next = end.map(|at| at + 3);
        let nal = bytes.get(start..end.unwrap_or(bytes.len()))?;
        // Zeros before a start code belong to it.
        let last = nal
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        nal.get(..last)
    })
}

/// Samples per frame at the track's rate, where the frame or the coding says so.
pub fn samples(id: &str, frame: &[u8]) -> Option<u32> {
    match id {
        _ if id.starts_with("A_AAC") => Some(1024),
        "A_OPUS" => opus_samples(frame),
        "A_FLAC" => flac_samples(frame),
        _ => {
            let parsed = match id {
                "A_MPEG/L3" => mpeg_audio::parse(frame),
                _ if id.starts_with("A_AC3") || id.starts_with("A_EAC3") => ac3::parse(frame),
                _ => return None,
            };
            match parsed {
                Parsed::Frame(header) => Some(header.samples),
                _ => None,
            }
        }
    }
}

/// Samples of an Opus packet at 48 kHz (RFC 6716 § 3.1).
fn opus_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let config = toc >> 3;
    let length = match config {
        0..12 => [480, 960, 1920, 2880]
            .get(usize::from(config & 3))
            .copied()?,
        12..16 => [480, 960].get(usize::from(config & 1)).copied()?,
        _ => 120 << (config & 3),
    };
    let count = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(*packet.get(1)? & 63),
    };
    Some(length * count)
}

/// Samples of a FLAC frame (RFC 9639 § 9.1).
fn flac_samples(frame: &[u8]) -> Option<u32> {
    let &[0xff, second, sizes, _, number, ..] = frame else {
        return None;
    };
    if second & 0xfc != 0xf8 {
        return None;
    }
    // The coded number of the frame comes before a block size of its own.
    let coded = (number.leading_ones() as usize).max(1);
    let own = frame.get(4 + coded..)?;
    match sizes >> 4 {
        0 => None,
        1 => Some(192),
        code @ 2..=5 => Some(576 << (code - 2)),
        6 => Some(u32::from(*own.first()?) + 1),
        7 => Some(u32::from(u16::from_be_bytes(*own.first_chunk()?)) + 1),
        code => Some(256 << (code - 8)),
    }
}
