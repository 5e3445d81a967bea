//! H.265 (ISO/IEC 23008-2): NAL unit types, sequence parameter sets, and `hvcC`
//! (ISO/IEC 14496-15 § 8.3.3.1).

use std::fmt::Write;

use crate::{
    bits::{Bits, unescape},
    h264::append,
    mp4::visual_entry,
    output::{Kind, Track},
    parameter_sets::{Key, Level, MAX_SET, ParameterSets},
    time::TICKS,
    video::{NalKind, Picture},
};

/// Classifies a NAL unit by its first bytes, of which three are enough.
pub fn classify(nal: &[u8]) -> NalKind {
    let &[high, low, ref rest @ ..] = nal else {
        return NalKind::Ignored;
    };
    let layer = (high & 1) << 5 | low >> 3;
    if layer > 0 {
        // Browsers do not decode further layers (scalable, multiview, alpha).
        return NalKind::Ignored;
    }
    match high >> 1 & 0x3f {
        kind @ (0..=9 | 16..=21) => NalKind::Slice(Picture {
            is_first_slice: rest.first().is_some_and(|byte| byte & 0x80 != 0),
            // BLA, IDR and CRA.
            is_sync: kind >= 16,
            // After CRA and BLA_W_LP there may be pictures (RASL) that refer to earlier ones.
            is_open: matches!(kind, 16 | 21),
            is_skipped_leading: matches!(kind, 8 | 9),
            is_leading: matches!(kind, 6..=9),
        }),
        32..=34 => NalKind::ParameterSet,
        35 => NalKind::Delimiter,
        38 => NalKind::Ignored,
        39 => NalKind::Sei,
        41..=44 | 48..=55 => NalKind::Kept { begins_unit: true },
        _ => NalKind::Kept { begins_unit: false },
    }
}

/// The key of a parameter set; `None` if it is invalid.
pub fn key(nal: &[u8]) -> Option<Key> {
    let &[header, _, ref payload @ ..] = nal else {
        return None;
    };
    match header >> 1 & 0x3f {
        32 => Some(Key {
            level: Level::Video,
            id: u32::from(payload.first()? >> 4),
        }),
        33 => {
            let (_, id) = sequence(nal)?;
            Some(Key {
                level: Level::Sequence,
                id,
            })
        }
        _ => {
            let id = Bits::new(&unescape(payload, 8)).ue()?;
            (id < 64).then_some(Key {
                level: Level::Picture,
                id,
            })
        }
    }
}

/// A parsed sequence parameter set (§ 7.3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sequence {
    /// Profile space, tier and profile; 32 compatibility flags; 48 constraint flags; level.
    profile: [u8; 12],
    /// Temporal sub-layers, and whether they are nested.
    layers: u8,
    is_nested: bool,
    /// `chroma_format_idc` and bit depths less 8.
    format: [u8; 3],
    size: (u16, u16),
}

/// A sequence parameter set and its id.
fn sequence(nal: &[u8]) -> Option<(Sequence, u32)> {
    let payload = unescape(nal.get(2..)?, MAX_SET);
    let mut bits = Bits::new(&payload);
    bits.skip(4)?;
    let more_layers = bits.read(3)? as u8;
    let is_nested = bits.flag()?;
    let profile = <[u8; 12]>::try_from(payload.get(1..13)?).ok()?;
    bits.skip(96)?;
    if more_layers > 0 {
        let mut present = [(false, false); 8];
        for (layer, present) in present.iter_mut().enumerate() {
            let flags = (bits.flag()?, bits.flag()?);
            if layer < usize::from(more_layers) {
                *present = flags;
            }
        }
        for (has_profile, has_level) in present {
            bits.skip(if has_profile { 88 } else { 0 } + if has_level { 8 } else { 0 })?;
        }
    }
    let id = bits.ue().filter(|id| *id < 16)?;
    let chroma = bits.ue().filter(|chroma| *chroma <= 3)?;
    let has_planes = chroma == 3 && bits.flag()?;
    let (width, height) = (bits.ue()?, bits.ue()?);
    let mut crop = (0, 0);
    if bits.flag()? {
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
            top.checked_add(bottom)?.checked_mul(down)?,
        );
    }
    let luma_depth = bits.ue().filter(|depth| *depth <= 8)?;
    let chroma_depth = bits.ue().filter(|depth| *depth <= 8)?;
    let size = (
        u16::try_from(width.checked_sub(crop.0)?).ok()?,
        u16::try_from(height.checked_sub(crop.1)?).ok()?,
    );
    let format = [chroma as u8, luma_depth as u8, chroma_depth as u8];
    Some((
        Sequence {
            profile,
            layers: more_layers + 1,
            is_nested,
            format,
            size,
        },
        id,
    ))
}

/// The track, if the sets are complete.
pub fn track(sets: &ParameterSets) -> Option<(Track, Option<u32>)> {
    sets.of(Level::Video).next()?;
    let (first, _) = sequence(sets.of(Level::Sequence).next()?)?;
    sets.of(Level::Picture).next()?;
    let [chroma, luma_depth, chroma_depth] = first.format;
    let mut config = vec![1];
    config.extend_from_slice(&first.profile);
    // No minimum of segmentation, parallelism unknown; average frame rate unknown; 4 bytes for each length.
    config.extend_from_slice(&[
        0xf0,
        0,
        0xfc,
        0xfc | chroma,
        0xf8 | luma_depth,
        0xf8 | chroma_depth,
        0,
        0,
    ]);
    config.push(first.layers << 3 | u8::from(first.is_nested) << 2 | 3);
    config.push(3);
    for (level, kind) in [
        (Level::Video, 32),
        (Level::Sequence, 33),
        (Level::Picture, 34),
    ] {
        let sets = sets.of(level);
        config.push(0x80 | kind);
        config.extend_from_slice(&(sets.clone().count() as u16).to_be_bytes());
        append(&mut config, sets);
    }
    let track = Track {
        kind: Kind::Video,
        codec: codec(&first.profile),
        timescale: TICKS as u32,
        size: first.size,
        channels: 0,
        entry: visual_entry(b"hvc1", first.size, (1, 1), (b"hvcC", &config)),
    };
    Some((track, None))
}

/// ISO/IEC 14496-15 annex E.3: space and profile, compatibility in reverse order of bits, tier and level, constraints
/// without zeros at the end.
fn codec(profile: &[u8; 12]) -> String {
    let [first, a, b, c, d, constraints @ .., level] = *profile;
    let space = ["", "A", "B", "C"]
        .get(usize::from(first >> 6))
        .copied()
        .unwrap_or_default();
    let tier = if first & 0x20 == 0 { 'L' } else { 'H' };
    let compatibility = u32::from_be_bytes([a, b, c, d]).reverse_bits();
    let mut codec = format!(
        "hvc1.{space}{}.{compatibility:X}.{tier}{level}",
        first & 0x1f
    );
    let used = constraints
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    for byte in constraints.iter().take(used) {
        // Writing to a string does not fail.
        let _ = write!(codec, ".{byte:X}");
    }
    codec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_string_is_that_of_the_standards_example() {
        let main = [1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(codec(&main), "hvc1.1.6.L93.B0");
    }

    #[test]
    fn set_without_content_is_broken() {
        // A PPS that consists of its header alone. Streams without delimiters produced one in other players.
        assert_eq!(key(&[0x44, 1]), None);
        assert_eq!(key(&[0x42, 1, 1]), None);
    }
}
