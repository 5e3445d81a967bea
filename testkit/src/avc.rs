//! H.264 (ISO/IEC 14496-10) parameter sets, and pictures of a few bytes: grey IDR pictures, and P and B
//! pictures that repeat them. Decoders accept them.

use crate::bits::{BitWriter, nal};

/// Bits of `frame_num`.
const FRAME_NUMBER_BITS: u32 = 8;
/// Bits of `pic_order_cnt_lsb`.
const ORDER_BITS: u32 = 10;
/// Macroblocks of pictures whose size does not matter: 64 × 48 pixels.
const SMALL: (u32, u32) = (4, 3);

/// `profile_idc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Constrained Baseline: no B pictures.
    Baseline,
    /// Main.
    Main,
    /// High.
    High,
}

/// The parameters of a track's pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avc {
    /// Profile.
    pub profile: Profile,
    /// Level times ten: 31 is level 3.1.
    pub level: u8,
    /// Width in pixels, as manifests and sample entries state it.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Whether the pictures really have that size. Otherwise they have 64 × 48 pixels, and an IDR picture
    /// takes about 30 bytes instead of a byte for each macroblock.
    pub full_size: bool,
}

/// How a picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// Begins a coded video sequence. The number differs from that of the IDR picture before.
    Idr(u16),
    /// Repeats the reference picture before it.
    P,
    /// Repeats the pictures around it; is not a reference itself.
    B,
}

impl Avc {
    /// RFC 6381: `avc1.4d401f`.
    pub fn codec(&self) -> String {
        let [profile, constraints, level] = self.profile_and_level();
        format!("avc1.{profile:02x}{constraints:02x}{level:02x}")
    }

    fn profile_and_level(&self) -> [u8; 3] {
        let [profile, constraints] = match self.profile {
            Profile::Baseline => [66, 0xc0],
            Profile::Main => [77, 0x40],
            Profile::High => [100, 0],
        };
        [profile, constraints, self.level]
    }

    /// Width and height in macroblocks.
    fn macroblocks(&self) -> (u32, u32) {
        if self.full_size {
            let blocks = |pixels: u16| u32::from(pixels).max(16).div_ceil(16);
            (blocks(self.width), blocks(self.height))
        } else {
            SMALL
        }
    }

    /// § 7.3.2.1: the sequence parameter set, as a NAL unit.
    fn sequence_parameter_set(&self) -> Vec<u8> {
        let (columns, rows) = self.macroblocks();
        let mut bits = BitWriter::default();
        bits.bytes(&self.profile_and_level());
        bits.unsigned(0);
        if self.profile == Profile::High {
            // 4:2:0 of 8 bits, no scaling matrix.
            bits.unsigned(1);
            bits.unsigned(0);
            bits.unsigned(0);
            bits.bits(0, 2);
        }
        bits.unsigned(FRAME_NUMBER_BITS - 4);
        bits.unsigned(0); // pic_order_cnt_type
        bits.unsigned(ORDER_BITS - 4);
        bits.unsigned(2); // max_num_ref_frames
        bits.bits(0, 1);
        bits.unsigned(columns - 1);
        bits.unsigned(rows - 1);
        bits.bits(0b11, 2); // frame_mbs_only_flag, direct_8x8_inference_flag
        if self.full_size {
            // Cropping is in steps of two pixels.
            let (right, bottom) = (
                (columns * 16).saturating_sub(u32::from(self.width)) / 2,
                (rows * 16).saturating_sub(u32::from(self.height)) / 2,
            );
            bits.bits(1, 1);
            bits.unsigned(0);
            bits.unsigned(right);
            bits.unsigned(0);
            bits.unsigned(bottom);
        } else {
            bits.bits(0, 1);
        }
        bits.bits(0, 1); // vui_parameters_present_flag
        bits.trailing();
        nal(0x67, &bits.finish())
    }

    /// § 7.3.2.2: the picture parameter set, as a NAL unit.
    fn picture_parameter_set() -> Vec<u8> {
        let mut bits = BitWriter::default();
        bits.unsigned(0);
        bits.unsigned(0);
        bits.bits(0, 2); // CAVLC
        bits.unsigned(0);
        bits.unsigned(0);
        bits.unsigned(0);
        bits.bits(0, 3);
        bits.unsigned(0);
        bits.unsigned(0);
        bits.unsigned(0);
        bits.bits(0b100, 3); // deblocking_filter_control_present_flag
        bits.trailing();
        nal(0x68, &bits.finish())
    }

    /// The body of an `avcC` box (ISO/IEC 14496-15 § 5.3.3.1).
    pub fn configuration(&self) -> Vec<u8> {
        let mut body = vec![1];
        body.extend(self.profile_and_level());
        body.push(0xff); // lengths of four bytes
        for (count, set) in [
            (0xe1, self.sequence_parameter_set()),
            (1, Self::picture_parameter_set()),
        ] {
            body.push(count);
            body.extend((set.len() as u16).to_be_bytes());
            body.extend(set);
        }
        if self.profile == Profile::High {
            body.extend([0xfd, 0xf8, 0xf8, 0]);
        }
        body
    }

    /// A sample: NAL units, each after its length. `references` is the number of reference pictures since
    /// the IDR picture, `position` that of the picture in presentation order since then. A text becomes a
    /// `user_data_unregistered` message (§ D.1.7) before the picture.
    pub fn sample(
        &self,
        picture: Picture,
        references: u32,
        position: u32,
        text: Option<&str>,
    ) -> Vec<u8> {
        let mut sample = Vec::new();
        let mut add = |unit: Vec<u8>| {
            sample.extend((unit.len() as u32).to_be_bytes());
            sample.extend(unit);
        };
        if let Some(text) = text {
            add(message(text));
        }
        add(self.slice(picture, references, position));
        sample
    }

    /// § 7.3.3: a picture in one slice, as a NAL unit.
    fn slice(&self, picture: Picture, references: u32, position: u32) -> Vec<u8> {
        let (columns, rows) = self.macroblocks();
        let mut bits = BitWriter::default();
        let (header, kind) = match picture {
            Picture::Idr(_) => (0x65, 7),
            Picture::P => (0x41, 5),
            Picture::B => (0x01, 6),
        };
        bits.unsigned(0);
        bits.unsigned(kind);
        bits.unsigned(0);
        bits.bits(u64::from(references), FRAME_NUMBER_BITS);
        if let Picture::Idr(number) = picture {
            bits.unsigned(number.into());
        }
        bits.bits(u64::from(position) * 2, ORDER_BITS);
        match picture {
            Picture::Idr(_) => bits.bits(0, 2), // no_output_of_prior_pics, long_term_reference
            // No override of the number of references, no modification of their list, no marking.
            Picture::P => bits.bits(0, 3),
            // Spatial direct prediction, no override, no modification of two lists.
            Picture::B => bits.bits(0b1000, 4),
        }
        bits.unsigned(0); // slice_qp_delta
        bits.unsigned(1); // disable_deblocking_filter_idc
        match picture {
            // I_16x16_2_0_0 (DC prediction, no residual): ue(3), chroma DC ue(0), mb_qp_delta se(0),
            // and an empty coeff_token.
            Picture::Idr(_) => (0..columns * rows).for_each(|_| bits.bits(0b0010_0111, 8)),
            Picture::P | Picture::B => bits.unsigned(columns * rows), // mb_skip_run
        }
        bits.trailing();
        nal(header, &bits.finish())
    }
}

/// § 7.3.2.3: supplemental enhancement information with a text, as a NAL unit.
fn message(text: &str) -> Vec<u8> {
    /// Identifies the messages of this crate.
    const IDENTIFIER: &[u8; 16] = b"testkit-sei-uuid";
    let mut payload = vec![5];
    let mut size = IDENTIFIER.len() + text.len();
    while size >= 255 {
        payload.push(255);
        size -= 255;
    }
    payload.push(size as u8);
    payload.extend(IDENTIFIER);
    payload.extend(text.as_bytes());
    payload.push(0x80);
    nal(0x06, &payload)
}
