//! AAC-LC (ISO/IEC 14496-3): configuration, and silent frames of a few bytes. Decoders accept them.

use crate::bits::BitWriter;

/// Samples of a frame.
pub const FRAME_SAMPLES: u32 = 1024;

/// Sampling rates in the order of Table 1.18.
const RATES: [u32; 12] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
];

/// The parameters of a track's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aac {
    /// Samples per second. Those not in Table 1.18 count as 48,000.
    pub sample_rate: u32,
    /// Whether there are two channels instead of one.
    pub stereo: bool,
}

impl Aac {
    /// How many channels there are.
    pub const fn channels(&self) -> u16 {
        if self.stereo { 2 } else { 1 }
    }

    /// AudioSpecificConfig (§ 1.6.2.1).
    pub fn configuration(&self) -> [u8; 2] {
        let index = RATES.iter().position(|rate| *rate == self.sample_rate);
        let index = index.unwrap_or(3) as u16;
        (2_u16 << 11 | index << 7 | self.channels() << 3).to_be_bytes()
    }

    /// A silent frame (`raw_data_block`, § 4.4.2.1). A text of at most 254 bytes precedes it as a
    /// `data_stream_element`, readable because that is aligned; a longer one is cut.
    pub fn sample(&self, text: Option<&str>) -> Vec<u8> {
        let mut bits = BitWriter::default();
        if let Some(text) = text {
            let text = text.as_bytes();
            let text = text.get(..254).unwrap_or(text);
            // data_stream_element, aligned.
            bits.bits(0b1000_0001, 8);
            bits.bits(text.len() as u64, 8);
            bits.bytes(text);
        }
        if self.stereo {
            bits.bits(0b0010_0000, 8); // channel_pair_element without a common window
        } else {
            bits.bits(0, 7); // single_channel_element
        }
        for _ in 0..self.channels() {
            // global_gain, ics_info of one long window without scale factor bands, no pulses, no
            // temporal noise shaping, no gain control.
            bits.bits(0, 8 + 11 + 3);
        }
        bits.bits(0b111, 3);
        bits.finish()
    }
}
