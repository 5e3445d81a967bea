//! AC-3 and Enhanced AC-3 (ETSI TS 102 366 § 4.3, annex E; annex F for MP4).

use crate::{
    audio::{Format, Header, Parsed},
    bits::Bits,
    mp4::audio_entry,
    output::{Kind, Track},
};

/// Bit rates of AC-3 in kbit/s by half of `frmsizecod`.
const BIT_RATES: [usize; 19] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];

const RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// Channels by `acmod`, without the low-frequency channel.
const CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// Blocks of a frame by `numblkscod`.
const BLOCKS: [u32; 4] = [1, 2, 3, 6];

/// Samples of a block.
const BLOCK: u32 = 256;

/// The configuration in a syncframe's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ac3 {
    is_enhanced: bool,
    rate: u32,
    /// `fscod`, `bsid`, `bsmod`, `acmod` and `lfeon`, for the box.
    rate_code: u8,
    version: u8,
    mode: u8,
    layout: u8,
    has_lfe: bool,
    /// `bit_rate_code` of AC-3, kbit/s of Enhanced AC-3.
    bit_rate: u16,
}

/// Parses the header at the start of `bytes`.
pub fn parse(bytes: &[u8]) -> Parsed {
    match bytes {
        [first, ..] if *first != 0x0b => return Parsed::Invalid,
        [_, second, ..] if *second != 0x77 => return Parsed::Invalid,
        _ => {}
    }
    let &[_, _, _, _, _, b5, _, _, ..] = bytes else {
        return Parsed::More;
    };
    // The version is at the same position in both formats.
    let frame = match b5 >> 3 {
        0..=10 => frame(bytes),
        11..=16 => enhanced_frame(bytes),
        _ => None,
    };
    frame.map_or(Parsed::Invalid, Parsed::Frame)
}

fn frame(bytes: &[u8]) -> Option<Header> {
    // After the sync word and a checksum.
    let mut bits = Bits::new(bytes.get(4..)?);
    let rate_code = bits.read(2)? as u8;
    let size_code = bits.read(6)? as usize;
    let version = bits.read(5)? as u8;
    let mode = bits.read(3)? as u8;
    let layout = bits.read(3)? as u8;
    if layout & 1 == 1 && layout != 1 {
        bits.skip(2)?;
    }
    if layout & 4 != 0 {
        bits.skip(2)?;
    }
    if layout == 2 {
        bits.skip(2)?;
    }
    let has_lfe = bits.flag()?;
    let rate = *RATES.get(usize::from(rate_code))?;
    let bit_rate = *BIT_RATES.get(size_code / 2)?;
    let words = match rate {
        48_000 => bit_rate * 2,
        44_100 => bit_rate * 320 / 147 + (size_code & 1),
        _ => bit_rate * 3,
    };
    // Versions 9 and 10 have half and a quarter of the rate.
    let rate = rate >> version.saturating_sub(8);
    let bit_rate = (size_code / 2) as u16;
    let format = Ac3 {
        is_enhanced: false,
        rate,
        rate_code,
        version,
        mode,
        layout,
        has_lfe,
        bit_rate,
    };
    Some(Header {
        length: words * 2,
        skip: 0,
        samples: 6 * BLOCK,
        continues: false,
        format: Format::Ac3(format),
    })
}

fn enhanced_frame(bytes: &[u8]) -> Option<Header> {
    let mut bits = Bits::new(bytes.get(2..)?);
    let stream_type = bits.read(2)?;
    let substream = bits.read(3)?;
    let length = (bits.read(11)? as usize + 1) * 2;
    let rate_code = bits.read(2)? as u8;
    let second = bits.read(2)? as usize;
    let layout = bits.read(3)? as u8;
    let has_lfe = bits.flag()?;
    let version = bits.read(5)? as u8;
    let (rate, blocks) = match RATES.get(usize::from(rate_code)) {
        Some(rate) => (*rate, *BLOCKS.get(second)?),
        None => (RATES.get(second)? / 2, 6),
    };
    let samples = blocks * BLOCK;
    let bit_rate =
        (length as u64 * 8 * u64::from(rate) / u64::from(samples) / 1000).min(0x1fff) as u16;
    let format = Ac3 {
        is_enhanced: true,
        rate,
        rate_code,
        version,
        mode: 0,
        layout,
        has_lfe,
        bit_rate,
    };
    // Dependent substreams, and further programs, belong to the previous frame.
    let continues = stream_type == 1 || substream != 0;
    (stream_type < 3 && length >= 8).then_some(Header {
        length,
        skip: 0,
        samples,
        continues,
        format: Format::Ac3(format),
    })
}

impl Ac3 {
    /// Sampling rate in Hz.
    pub fn rate(self) -> u32 {
        self.rate
    }

    /// Whether a decoder can continue without a new configuration. The bit rate of Enhanced AC-3 may change at each
    /// frame.
    pub fn is_like(self, other: Self) -> bool {
        match self.is_enhanced {
            true => {
                Self {
                    bit_rate: 0,
                    ..self
                } == Self {
                    bit_rate: 0,
                    ..other
                }
            }
            false => self == other,
        }
    }

    /// The track, with `dac3` or `dec3` (annex F.4 and F.6).
    pub fn track(self) -> Track {
        let Self {
            rate_code,
            version,
            mode,
            layout,
            bit_rate,
            ..
        } = self;
        let lfe = u8::from(self.has_lfe);
        let (codec, name, config_name, config) = match self.is_enhanced {
            false => {
                let bits = u32::from(rate_code) << 22
                    | u32::from(version) << 17
                    | u32::from(mode) << 14
                    | u32::from(layout) << 11
                    | u32::from(lfe) << 10
                    | u32::from(bit_rate) << 5;
                let [_, bytes @ ..] = bits.to_be_bytes();
                ("ac-3", b"ac-3", b"dac3", bytes.to_vec())
            }
            true => {
                let [high, low] = (bit_rate << 3).to_be_bytes();
                let first = rate_code << 6 | version << 1;
                let bytes = [high, low, first, mode << 4 | layout << 1 | lfe, 0];
                ("ec-3", b"ec-3", b"dec3", bytes.to_vec())
            }
        };
        let channels = CHANNELS.get(usize::from(layout)).copied().unwrap_or(2) + u16::from(lfe);
        Track {
            kind: Kind::Audio,
            codec: codec.to_owned(),
            timescale: self.rate,
            size: (0, 0),
            channels,
            entry: audio_entry(name, channels, self.rate, (config_name, &config)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_of_ac3_follows_from_its_codes() {
        // 192 kbit/s at 48 kHz, stereo.
        let Parsed::Frame(frame) = parse(&[0x0b, 0x77, 0, 0, 20, 0x40, 0x40, 0]) else {
            panic!("no frame");
        };
        assert_eq!(
            (frame.length, frame.samples, frame.continues),
            (768, 1536, false)
        );
    }

    #[test]
    fn dependent_substream_continues_the_frame() {
        // Type 1, substream 0, 256 bytes, 48 kHz, 6 blocks, version 16.
        let Parsed::Frame(frame) = parse(&[0x0b, 0x77, 0x40, 127, 0x34, 0x80, 0, 0]) else {
            panic!("no frame");
        };
        assert_eq!(
            (frame.length, frame.samples, frame.continues),
            (256, 1536, true)
        );
    }
}
