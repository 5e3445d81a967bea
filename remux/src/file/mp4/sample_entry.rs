//! Sample entries (ISO/IEC 14496-12 § 8.5.2, 14496-15): RFC 6381 codecs, and QuickTime's entries as MP4 has them.

use std::ops::Range;

use super::boxes::{Boxes, find};
use crate::{file::input::number, mp4::write_box};

/// Bytes of a `VisualSampleEntry` and of an `AudioSampleEntry` of version 0 before the boxes in them.
const VISUAL: usize = 78;
const AUDIO: usize = 28;

/// What a sample entry says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SampleEntry {
    /// RFC 6381 codec, or the four characters of a coding that has none here.
    pub codec: String,
    /// The whole box, as MP4 has it.
    pub bytes: Vec<u8>,
    /// Size of the picture in pixels; 0 × 0 for audio.
    pub size: (u16, u16),
    /// Channels; 0 for video.
    pub channels: u16,
    /// Sampling rate in Hz, if the entry has it; 0 for video.
    pub rate: u32,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
}

fn text(name: &[u8]) -> String {
    name.iter()
        .map(|byte| match byte {
            0x21..0x7f => char::from(*byte),
            _ => '?',
        })
        .collect()
}

/// Reads the entry of this name and content. `is_video` comes from the track's handler.
pub fn parse(
    bytes: &[u8],
    name: [u8; 4],
    range: Range<usize>,
    is_video: bool,
) -> Option<SampleEntry> {
    let content = bytes.get(range.clone())?;
    let mut entry = SampleEntry {
        codec: text(&name),
        is_encrypted: matches!(&name, b"encv" | b"enca"),
        ..SampleEntry::default()
    };
    if is_video {
        entry.size = (number::u16(content, 24)?, number::u16(content, 26)?);
        let boxes = range.start + VISUAL..range.end;
        entry.codec = video_codec(bytes, &name, boxes).unwrap_or(entry.codec);
        write_box(&mut entry.bytes, &name, |b| b.extend_from_slice(content));
        return Some(entry);
    }
    entry.channels = number::u16(content, 16)?;
    entry.rate = number::u32(content, 24)? >> 16;
    // QuickTime's versions 1 and 2 have more fields, and the decoder's configuration in `wave`.
    let version = number::u16(content, 8)?;
    let more = match version {
        1 => 16,
        2 => 36,
        _ => 0,
    };
    let boxes = range.start + AUDIO + more..range.end;
    let config = [boxes.clone()]
        .into_iter()
        .chain(find(bytes, boxes.clone(), &[b"wave"]))
        .find_map(|boxes| find(bytes, boxes, &[b"esds"]));
    entry.codec = audio_codec(bytes, &name, config.clone()).unwrap_or(entry.codec);
    write_box(&mut entry.bytes, &name, |b| {
        let mut fields = content.get(..AUDIO).unwrap_or_default().to_vec();
        if let (true, Some(fields)) = (version > 0, fields.get_mut(8..16)) {
            fields.fill(0);
        }
        b.extend_from_slice(&fields);
        match config {
            Some(esds) if more > 0 => {
                write_box(b, b"esds", |b| {
                    b.extend_from_slice(bytes.get(esds).unwrap_or_default());
                });
            }
            _ => b.extend_from_slice(bytes.get(boxes).unwrap_or_default()),
        }
    });
    Some(entry)
}

fn video_codec(bytes: &[u8], name: &[u8; 4], boxes: Range<usize>) -> Option<String> {
    let config = |name: &[u8; 4]| bytes.get(find(bytes, boxes.clone(), &[name])?);
    let fourcc = text(name);
    match name {
        b"avc1" | b"avc3" => avc(&fourcc, config(b"avcC")?),
        b"hvc1" | b"hev1" => hevc(&fourcc, config(b"hvcC")?),
        b"vp08" | b"vp09" => {
            let &[_, _, _, _, profile, level, depth, ..] = config(b"vpcC")? else {
                return None;
            };
            Some(format!(
                "{fourcc}.{profile:02}.{level:02}.{:02}",
                depth >> 4
            ))
        }
        b"av01" => av1(config(b"av1C")?),
        _ => None,
    }
}

/// The codec of an `AVCDecoderConfigurationRecord`.
pub fn avc(fourcc: &str, config: &[u8]) -> Option<String> {
    let [_, profile, constraints, level, ..] = config else {
        return None;
    };
    Some(format!(
        "{fourcc}.{profile:02x}{constraints:02x}{level:02x}"
    ))
}

/// The codec of an `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 annex E.3).
pub fn hevc(fourcc: &str, config: &[u8]) -> Option<String> {
    let profile = *config.get(1)?;
    let compatibility = number::u32(config, 2)?.reverse_bits();
    let constraints = config.get(6..12)?;
    let level = config.get(12)?;
    let space = ["", "A", "B", "C"].get(usize::from(profile >> 6))?;
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let mut codec = format!(
        "{fourcc}.{space}{}.{compatibility:X}.{tier}{level}",
        profile & 0x1f
    );
    let used = constraints.iter().rposition(|byte| *byte != 0);
    for byte in constraints.iter().take(used.map_or(0, |last| last + 1)) {
        codec.push_str(&format!(".{byte:X}"));
    }
    Some(codec)
}

/// The codec of an `AV1CodecConfigurationRecord`.
pub fn av1(config: &[u8]) -> Option<String> {
    let [_, profile, flags, ..] = config else {
        return None;
    };
    let tier = if flags & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (flags & 0x40 != 0, flags & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(format!(
        "av01.{}.{:02}{tier}.{depth:02}",
        profile >> 5,
        profile & 0x1f
    ))
}

fn audio_codec(bytes: &[u8], name: &[u8; 4], config: Option<Range<usize>>) -> Option<String> {
    match name {
        b"mp4a" => {
            let esds = bytes.get(config?)?;
            let (object, specific) = decoder_config(esds.get(4..)?)?;
            match object {
                0x40 => Some(format!("mp4a.40.{}", audio_object(specific).unwrap_or(2))),
                object => Some(format!("mp4a.{object:02X}")),
            }
        }
        b"Opus" => Some("opus".to_owned()),
        b"fLaC" => Some("flac".to_owned()),
        b".mp3" => Some("mp4a.6B".to_owned()),
        _ => None,
    }
}

/// The audio object type of an `AudioSpecificConfig`.
pub fn audio_object(specific: &[u8]) -> Option<u8> {
    let first = *specific.first()?;
    match first >> 3 {
        31 => Some(32 + ((first & 7) << 3 | specific.get(1)? >> 5)),
        object => Some(object),
    }
}

/// Object type and `DecoderSpecificInfo` of an `ES_Descriptor` (ISO/IEC 14496-1 § 7.2.6.5).
fn decoder_config(mut bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut object = None;
    // The descriptors are nested; their headers are skipped one after the other.
    loop {
        let Some((tag, rest)) = descriptor(bytes) else {
            return object.map(|object| (object, [].as_slice()));
        };
        bytes = match tag {
            3 => {
                let flags = *rest.get(2)?;
                let dependency = if flags & 0x80 == 0 { 0 } else { 2 };
                let url = match flags & 0x40 {
                    0 => 0,
                    _ => 1 + usize::from(*rest.get(3 + dependency)?),
                };
                let clock = if flags & 0x20 == 0 { 0 } else { 2 };
                rest.get(3 + dependency + url + clock..)?
            }
            4 => {
                object = Some(*rest.first()?);
                rest.get(13..)?
            }
            5 => return object.map(|object| (object, rest)),
            _ => return object.map(|object| (object, [].as_slice())),
        };
    }
}

/// The tag of a descriptor, and the bytes behind its size.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let tag = *bytes.first()?;
    let last = bytes
        .iter()
        .skip(1)
        .take(4)
        .position(|byte| byte & 0x80 == 0)?;
    Some((tag, bytes.get(last + 2..)?))
}

/// The entries of `stsd`.
pub fn entries(bytes: &[u8], stsd: Range<usize>, is_video: bool) -> Vec<SampleEntry> {
    Boxes::new(bytes, stsd.start + 8..stsd.end)
        .filter_map(|(name, range)| parse(bytes, name, range, is_video))
        .take(16)
        .collect()
}
