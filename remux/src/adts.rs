//! AAC in ADTS (ISO/IEC 13818-7 § 6.2, ISO/IEC 14496-3 § 1.A.2.2).

use crate::{
    audio::{Format, Header, Parsed},
    mp4::{audio_entry, esds},
    output::{Kind, Track},
};

/// Sampling rates by `sampling_frequency_index`.
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// The configuration in an ADTS header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adts {
    object_type: u8,
    rate_index: u8,
    channels: u8,
}

/// Parses the header at the start of `bytes`.
pub fn parse(bytes: &[u8]) -> Parsed {
    match bytes {
        [first, ..] if *first != 0xff => return Parsed::Invalid,
        // Twelve bits of sync, the version, and a layer of 0.
        [_, second, ..] if second & 0xf6 != 0xf0 => return Parsed::Invalid,
        _ => {}
    }
    let &[_, b1, b2, b3, b4, b5, b6, ..] = bytes else {
        return Parsed::More;
    };
    let skip = if b1 & 1 == 1 { 7 } else { 9 };
    let length = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5) >> 5;
    let blocks = u32::from(b6 & 3) + 1;
    let format = Adts {
        object_type: (b2 >> 6) + 1,
        rate_index: b2 >> 2 & 0xf,
        channels: (b2 & 1) << 2 | b3 >> 6,
    };
    // 0 channels: the first block describes them, so the header is not enough for an `AudioSpecificConfig`.
    if length <= skip || usize::from(format.rate_index) >= RATES.len() || format.channels == 0 {
        return Parsed::Invalid;
    }
    if bytes.len() < skip {
        return Parsed::More;
    }
    Parsed::Frame(Header {
        length,
        skip,
        samples: 1024 * blocks,
        continues: false,
        format: Format::Adts(format),
    })
}

impl Adts {
    /// Sampling rate in Hz.
    pub fn rate(self) -> u32 {
        RATES
            .get(usize::from(self.rate_index))
            .copied()
            .unwrap_or(48_000)
    }

    /// The track.
    pub fn track(self) -> Track {
        let Self {
            object_type,
            rate_index,
            channels,
        } = self;
        let specific = [
            object_type << 3 | rate_index >> 1,
            (rate_index & 1) << 7 | channels << 3,
        ];
        let count = if channels == 7 {
            8
        } else {
            u16::from(channels)
        };
        Track {
            kind: Kind::Audio,
            codec: format!("mp4a.40.{object_type}"),
            timescale: self.rate(),
            size: (0, 0),
            channels: count,
            entry: audio_entry(
                b"mp4a",
                count,
                self.rate(),
                (b"esds", &esds(0x40, &specific)),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_gives_length_and_configuration() {
        // AAC-LC, 44.1 kHz, stereo, 7 + 10 bytes.
        let header = [0xff, 0xf1, 0x50, 0x80, 0x02, 0x3f, 0xfc];
        let Parsed::Frame(frame) = parse(&header) else {
            panic!("no frame");
        };
        assert_eq!((frame.length, frame.skip, frame.samples), (17, 7, 1024));
        assert_eq!(
            frame.format.track().map(|track| track.codec),
            Some("mp4a.40.2".to_owned())
        );
        assert!(matches!(parse(&header[..6]), Parsed::More));
        assert!(matches!(parse(&[0xff, 0xe1]), Parsed::Invalid));
    }
}
