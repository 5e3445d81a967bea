//! MPEG-1 and MPEG-2 audio (ISO/IEC 11172-3 § 2.4, ISO/IEC 13818-3).

use crate::{
    audio::{Format, Header, Parsed},
    mp4::{audio_entry, esds},
    output::{Kind, Track},
};

/// Bit rates in kbit/s: of MPEG-1 layers I, II and III, and of MPEG-2 layer I, and layers II and III.
const BIT_RATES: [[u32; 15]; 5] = [
    [
        0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ],
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [
        0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Sampling rates of MPEG-1 in Hz; those of MPEG-2 are half, and those of MPEG-2.5 a quarter of them.
const RATES: [u32; 3] = [44_100, 48_000, 32_000];

/// The configuration in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MpegAudio {
    layer: u8,
    is_mpeg1: bool,
    rate: u32,
    channels: u16,
}

/// Parses the header at the start of `bytes`.
pub fn parse(bytes: &[u8]) -> Parsed {
    match bytes {
        [first, ..] if *first != 0xff => return Parsed::Invalid,
        [_, second, ..] if second & 0xe0 != 0xe0 => return Parsed::Invalid,
        _ => {}
    }
    let &[_, b1, b2, b3, ..] = bytes else {
        return Parsed::More;
    };
    frame(b1, b2, b3).map_or(Parsed::Invalid, Parsed::Frame)
}

fn frame(b1: u8, b2: u8, b3: u8) -> Option<Header> {
    let divisor = match b1 >> 3 & 3 {
        3 => 1,
        2 => 2,
        0 => 4,
        _ => return None,
    };
    let is_mpeg1 = divisor == 1;
    let layer = 4 - (b1 >> 1 & 3);
    let rates = match (is_mpeg1, layer) {
        (_, 4) => return None,
        (true, layer) => usize::from(layer) - 1,
        (false, 1) => 3,
        (false, _) => 4,
    };
    // Free format (0) does not state the length of a frame.
    let bit_rate = 1000
        * *BIT_RATES
            .get(rates)?
            .get(usize::from(b2 >> 4))
            .filter(|rate| **rate > 0)?;
    let rate = RATES.get(usize::from(b2 >> 2 & 3))? / divisor;
    let padding = u32::from(b2 >> 1 & 1);
    let (samples, length) = match layer {
        1 => (384, (12 * bit_rate / rate + padding) * 4),
        3 if !is_mpeg1 => (576, 72 * bit_rate / rate + padding),
        _ => (1152, 144 * bit_rate / rate + padding),
    };
    let channels = if b3 >> 6 == 3 { 1 } else { 2 };
    let format = Format::Mpeg(MpegAudio {
        layer,
        is_mpeg1,
        rate,
        channels,
    });
    Some(Header {
        length: length as usize,
        skip: 0,
        samples,
        continues: false,
        format,
    })
}

impl MpegAudio {
    /// Sampling rate in Hz.
    pub fn rate(self) -> u32 {
        self.rate
    }

    /// The track; the name of the layer if it is one that no browser decodes.
    pub fn track(self) -> Result<Track, &'static str> {
        let (codec, object_type) = match (self.layer, self.is_mpeg1) {
            (1, _) => return Err("MPEG audio layer I"),
            (2, _) => return Err("MPEG audio layer II"),
            (_, true) => ("mp4a.6B", 0x6b),
            (_, false) => ("mp4a.69", 0x69),
        };
        Ok(Track {
            kind: Kind::Audio,
            codec: codec.to_owned(),
            timescale: self.rate,
            size: (0, 0),
            channels: self.channels,
            entry: audio_entry(
                b"mp4a",
                self.channels,
                self.rate,
                (b"esds", &esds(object_type, &[])),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_standard() {
        let length = |header: &[u8]| match parse(header) {
            Parsed::Frame(frame) => Some((frame.length, frame.samples)),
            _ => None,
        };
        // 128 kbit/s at 44.1 kHz with padding; layer II at 192 kbit/s and 48 kHz; MPEG-2 at 64 kbit/s and 22.05 kHz.
        assert_eq!(length(&[0xff, 0xfb, 0x92, 0x00]), Some((418, 1152)));
        assert_eq!(length(&[0xff, 0xfd, 0xa4, 0x00]), Some((576, 1152)));
        assert_eq!(length(&[0xff, 0xf3, 0x80, 0x00]), Some((208, 576)));
        assert_eq!(length(&[0xff, 0xfb, 0x02, 0x00]), None);
    }
}
