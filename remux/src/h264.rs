//! H.264 (ISO/IEC 14496-10): NAL unit types, sequence parameter sets, and `avcC`
//! (ISO/IEC 14496-15 § 5.3.3.1).

use crate::{
    bits::{Bits, unescape},
    mp4::visual_entry,
    output::{Kind, Track},
    parameter_sets::{Key, Level, MAX_SET, ParameterSets},
    time::TICKS,
    video::{NalKind, Picture},
};

/// Classifies a NAL unit by its first bytes, of which two are enough.
pub fn classify(nal: &[u8]) -> NalKind {
    let &[header, ref rest @ ..] = nal else {
        return NalKind::Ignored;
    };
    match header & 0x1f {
        kind @ (1 | 2 | 5) => NalKind::Slice(Picture {
            // `first_mb_in_slice` is 0: ue(v) of a single one.
            is_first_slice: rest.first().is_some_and(|byte| byte & 0x80 != 0),
            is_sync: kind == 5,
            is_open: false,
            is_skipped_leading: false,
            is_leading: false,
        }),
        // Data partitions B and C belong to the picture of their partition A.
        3 | 4 => NalKind::Kept { begins_unit: false },
        6 => NalKind::Sei,
        7 | 8 => NalKind::ParameterSet,
        9 => NalKind::Delimiter,
        // ISO/IEC 14496-15 forbids filler data in files.
        12 => NalKind::Ignored,
        // Extensions of parameter sets and of slices: MVC and SVC.
        13..=15 | 20 | 21 => NalKind::Ignored,
        16..=18 => NalKind::Kept { begins_unit: true },
        _ => NalKind::Kept { begins_unit: false },
    }
}

/// Whether a slice is coded without reference to other pictures.
pub fn is_intra(nal: &[u8]) -> bool {
    let header = unescape(nal.get(1..).unwrap_or_default(), 16);
    let mut bits = Bits::new(&header);
    // `first_mb_in_slice`, `slice_type`: I and SI.
    bits.ue()
        .and_then(|_| bits.ue())
        .is_some_and(|kind| matches!(kind % 5, 2 | 4))
}

/// The key of a parameter set; `None` if it is invalid.
pub fn key(nal: &[u8]) -> Option<Key> {
    let (&header, payload) = nal.split_first()?;
    match header & 0x1f {
        7 => {
            let (_, id) = sequence(nal)?;
            Some(Key {
                level: Level::Sequence,
                id,
            })
        }
        _ => {
            let id = Bits::new(&unescape(payload, 8)).ue()?;
            (id < 256).then_some(Key {
                level: Level::Picture,
                id,
            })
        }
    }
}

/// The values of a sequence parameter set that the parsing of field headers needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldCoding {
    frame_num_bits: u32,
    has_planes: bool,
}

/// A picture that is a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    frame_num: u32,
    is_bottom: bool,
}

impl Field {
    /// Whether both are of one frame.
    pub fn completes(self, first: Self) -> bool {
        self.frame_num == first.frame_num && self.is_bottom != first.is_bottom
    }
}

/// The values for parsing field headers, if pictures may be fields.
pub fn field_coding(sets: &ParameterSets) -> Option<FieldCoding> {
    sequence(sets.of(Level::Sequence).next()?)?.0.fields
}

/// The field that a slice belongs to (§ 7.3.3); `None` if it belongs to a frame.
pub fn field(nal: &[u8], coding: FieldCoding) -> Option<Field> {
    let header = unescape(nal.get(1..)?, 32);
    let mut bits = Bits::new(&header);
    for _ in ["first_mb_in_slice", "slice_type", "pic_parameter_set_id"] {
        bits.ue()?;
    }
    if coding.has_planes {
        bits.skip(2)?;
    }
    let frame_num = bits.read(coding.frame_num_bits)?;
    let is_field = bits.flag()?;
    let is_bottom = is_field && bits.flag()?;
    is_field.then_some(Field {
        frame_num,
        is_bottom,
    })
}

/// A parsed sequence parameter set (§ 7.3.2.1.1 and annex E).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sequence {
    /// `profile_idc`, the constraint flags, `level_idc`.
    profile: [u8; 3],
    /// `chroma_format_idc` and bit depths less 8, where the profile has them.
    format: Option<[u8; 3]>,
    /// The values for parsing slice headers, if pictures may be fields.
    fields: Option<FieldCoding>,
    size: (u16, u16),
    aspect: (u16, u16),
    /// Of a frame, in ticks of 90 kHz.
    duration: Option<u32>,
}

/// Pixel aspect ratios by `aspect_ratio_idc` (table E-1).
const ASPECTS: [(u16, u16); 17] = [
    (1, 1),
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

/// A sequence parameter set and its id.
fn sequence(nal: &[u8]) -> Option<(Sequence, u32)> {
    let payload = unescape(nal.get(1..)?, MAX_SET);
    let &[profile, constraints, level, ref rest @ ..] = payload.as_slice() else {
        return None;
    };
    let mut bits = Bits::new(rest);
    let id = bits.ue().filter(|id| *id < 32)?;
    let has_format = matches!(
        profile,
        100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
    );
    let mut format = None;
    let mut chroma = 1;
    let mut has_planes = false;
    if has_format {
        chroma = bits.ue().filter(|chroma| *chroma <= 3)?;
        has_planes = chroma == 3 && bits.flag()?;
        let luma_depth = bits.ue().filter(|depth| *depth <= 6)?;
        let chroma_depth = bits.ue().filter(|depth| *depth <= 6)?;
        format = Some([chroma as u8, luma_depth as u8, chroma_depth as u8]);
        bits.flag()?;
        if bits.flag()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    let frame_num_bits = 4 + bits.ue().filter(|more| *more <= 12)?;
    match bits.ue()? {
        0 => {
            bits.ue()?;
        }
        1 => {
            bits.flag()?;
            bits.se()?;
            bits.se()?;
            for _ in 0..bits.ue().filter(|count| *count < 256)? {
                bits.se()?;
            }
        }
        _ => {}
    }
    bits.ue()?;
    bits.flag()?;
    let width = bits.ue()?.checked_add(1)?.checked_mul(16)?;
    let units = bits.ue()?.checked_add(1)?;
    let is_progressive = bits.flag()?;
    let fields = if is_progressive { 1 } else { 2 };
    let height = units.checked_mul(16 * fields)?;
    if !is_progressive {
        bits.flag()?;
    }
    bits.flag()?;
    let mut crop = (0, 0);
    if bits.flag()? {
        // Cropping counts in chroma samples, and in pairs of lines where there may be fields.
        let (across, down) = match chroma {
            _ if has_planes => (1, 1),
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let mut edges = [0u32; 4];
        for edge in &mut edges {
            *edge = bits.ue()?;
        }
        let [left, right, top, bottom] = edges;
        crop = (
            left.checked_add(right)?.checked_mul(across)?,
            top.checked_add(bottom)?.checked_mul(down * fields)?,
        );
    }
    let size = (
        u16::try_from(width.checked_sub(crop.0)?).ok()?,
        u16::try_from(height.checked_sub(crop.1)?).ok()?,
    );
    // The VUI of many streams is truncated; the values before it are valid.
    let (aspect, duration) = if bits.flag() == Some(true) {
        usability(&mut bits)
    } else {
        ((1, 1), None)
    };
    Some((
        Sequence {
            profile: [profile, constraints, level],
            format,
            fields: (!is_progressive).then_some(FieldCoding {
                frame_num_bits,
                has_planes,
            }),
            size,
            aspect,
            duration,
        },
        id,
    ))
}

fn scaling_list(bits: &mut Bits, size: usize) -> Option<()> {
    let (mut last, mut next) = (8i32, 8i32);
    for _ in 0..size {
        if next != 0 {
            next = last.wrapping_add(bits.se()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// Aspect ratio of a pixel and duration of a frame (§ E.1.1).
fn usability(bits: &mut Bits) -> ((u16, u16), Option<u32>) {
    let mut aspect = (1, 1);
    let mut read = || {
        if bits.flag()? {
            aspect = match bits.read(8)? {
                255 => (bits.read(16)? as u16, bits.read(16)? as u16),
                index => ASPECTS.get(index as usize).copied().unwrap_or((1, 1)),
            };
        }
        if bits.flag()? {
            bits.flag()?;
        }
        if bits.flag()? {
            bits.skip(4)?;
            if bits.flag()? {
                bits.skip(24)?;
            }
        }
        if bits.flag()? {
            bits.ue()?;
            bits.ue()?;
        }
        if !bits.flag()? {
            return None;
        }
        let (tick, scale) = (bits.read(32)?, bits.read(32)?);
        // A tick is that of a field.
        let frame = u64::from(tick) * 2 * TICKS as u64 / u64::from(scale).max(1);
        u32::try_from(frame)
            .ok()
            .filter(|ticks| (1..TICKS as u32 * 10).contains(ticks))
    };
    let duration = read();
    (aspect, duration)
}

/// The track and the duration of a frame in ticks of 90 kHz, if the sets are complete.
pub fn track(sets: &ParameterSets) -> Option<(Track, Option<u32>)> {
    let (first, _) = sequence(sets.of(Level::Sequence).next()?)?;
    sets.of(Level::Picture).next()?;
    let [profile, constraints, level] = first.profile;
    // One byte each of configuration version, profile, compatibility, level, and 4 bytes for each NAL unit's length.
    let mut config = vec![1, profile, constraints, level, 0xff];
    let sequences = sets.of(Level::Sequence).take(31);
    let pictures = sets.of(Level::Picture).take(255);
    config.push(0xe0 | sequences.clone().count() as u8);
    append(&mut config, sequences);
    config.push(pictures.clone().count() as u8);
    append(&mut config, pictures);
    if let Some([chroma, luma_depth, chroma_depth]) = first.format {
        config.extend_from_slice(&[0xfc | chroma, 0xf8 | luma_depth, 0xf8 | chroma_depth, 0]);
    }
    let track = Track {
        kind: Kind::Video,
        codec: format!("avc1.{profile:02x}{constraints:02x}{level:02x}"),
        timescale: TICKS as u32,
        size: first.size,
        channels: 0,
        entry: visual_entry(b"avc1", first.size, first.aspect, (b"avcC", &config)),
    };
    Some((track, first.duration))
}

/// Lengths and NAL units.
pub fn append<'a>(config: &mut Vec<u8>, sets: impl Iterator<Item = &'a [u8]>) {
    for set in sets {
        config.extend_from_slice(&(set.len() as u16).to_be_bytes());
        config.extend_from_slice(set);
    }
}
