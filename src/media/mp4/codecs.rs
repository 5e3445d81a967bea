//! RFC 6381 codec strings from sample entries.

use super::boxes::{child, number};

/// The RFC 6381 codec string of a sample entry: its format, and the parameters from its decoder configuration,
/// which is one of `boxes`. Without parameters if that box is missing, invalid or unknown.
pub(super) fn codec_string(format: &[u8; 4], boxes: &[u8]) -> String {
    // For most formats the name is the format itself. Exceptions are `Opus`, `fLaC` and `.mp3`.
    let name: String = format
        .iter()
        .filter(|byte| **byte != b'.')
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let parameters = match format {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" => child(boxes, b"avcC").and_then(avc),
        b"hvc1" | b"hev1" => child(boxes, b"hvcC").and_then(hevc),
        b"vp08" | b"vp09" => child(boxes, b"vpcC").and_then(vp),
        b"av01" => child(boxes, b"av1C").and_then(av1),
        b"mp4a" => child(boxes, b"esds").and_then(mpeg4_audio),
        _ => None,
    };
    name + &parameters.unwrap_or_default()
}

/// Whether codecs have the same formats, such as `avc1`, in any order. Profiles and levels do not matter.
pub fn is_same_format(one: &str, other: &str) -> bool {
    let formats = |codecs: &str| -> Vec<String> {
        let formats = codecs.split(',');
        let formats = formats.filter_map(|codec| codec.trim_ascii().split('.').next());
        formats.map(str::to_ascii_lowercase).collect()
    };
    has_same_items(&formats(one), &formats(other))
}

/// Whether lists of different items have the same ones, in any order.
pub fn has_same_items(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|item| other.contains(item))
}

/// Profile, constraints and level of an AVCDecoderConfigurationRecord (RFC 6381 § 3.3).
fn avc(config: &[u8]) -> Option<String> {
    Some(format!(".{:06x}", number(config, 1, 3)?))
}

/// Parameters of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 § E.3).
fn hevc(config: &[u8]) -> Option<String> {
    let profile = number(config, 1, 1)?;
    let compatibility = number(config, 2, 4)? as u32;
    let constraints = *config.get(6..)?.first_chunk::<6>()?;
    let level = number(config, 12, 1)?;
    let space = match profile >> 6 {
        0 => "",
        1 => "A",
        2 => "B",
        _ => "C",
    };
    let profile_number = profile & 0x1f;
    let compatibility = compatibility.reverse_bits();
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let mut parameters = format!(".{space}{profile_number}.{compatibility:X}.{tier}{level}");
    // Trailing zero bytes are left out.
    let count = 6 - constraints
        .iter()
        .rev()
        .take_while(|byte| **byte == 0)
        .count();
    for byte in constraints.iter().take(count) {
        parameters += &format!(".{byte:X}");
    }
    Some(parameters)
}

/// All eight fields of a VPCodecConfigurationRecord ("VP Codec ISO Media File Format Binding").
fn vp(config: &[u8]) -> Option<String> {
    let [profile, level, packed, primaries, transfer, matrix] = *config.get(4..)?.first_chunk()?;
    let (depth, subsampling, full_range) = (packed >> 4, packed >> 1 & 7, packed & 1);
    let fields = [
        profile,
        level,
        depth,
        subsampling,
        primaries,
        transfer,
        matrix,
        full_range,
    ];
    Some(fields.iter().map(|field| format!(".{field:02}")).collect())
}

/// The mandatory parameters of an AV1CodecConfigurationRecord ("AV1 Codec ISO Media File Format Binding" § 5).
fn av1(config: &[u8]) -> Option<String> {
    let profile_and_level = number(config, 1, 1)?;
    let flags = number(config, 2, 1)?;
    let (profile, level) = (profile_and_level >> 5, profile_and_level & 0x1f);
    let tier = if flags & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match flags & 0x60 {
        0x40 => 10,
        0x60 => 12,
        _ => 8,
    };
    Some(format!(".{profile}.{level:02}{tier}.{depth:02}"))
}

/// Object type of an `esds` box with MPEG-4 audio.
const MPEG4_AUDIO: u64 = 0x40;
/// Audio object type AAC-LC.
const AAC_LC: u64 = 2;

/// The object type of an ES_Descriptor (ISO/IEC 14496-1 § 7.2.6.5), and the audio object type (ISO/IEC 14496-3
/// § 1.6.2.1) if that is MPEG-4 audio.
fn mpeg4_audio(esds: &[u8]) -> Option<String> {
    let stream = descriptor(esds.get(4..)?, 3)?;
    // In a file, none of the optional fields are present before the decoder's descriptor.
    let decoder = descriptor(stream.get(3..)?, 4)?;
    let object_type = number(decoder, 0, 1)?;
    let audio_object_type = match descriptor(decoder.get(13..)?, 5) {
        Some(specific) => match number(specific, 0, 1)? >> 3 {
            31 => 32 + (number(specific, 0, 2)? >> 5 & 0x3f),
            short => short,
        },
        None => AAC_LC,
    };
    Some(if object_type == MPEG4_AUDIO {
        format!(".{object_type:02X}.{audio_object_type}")
    } else {
        format!(".{object_type:02X}")
    })
}

/// The body of the descriptor at the start of `bytes`, if it has this tag (ISO/IEC 14496-1 § 8.3.3).
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (found, mut rest) = bytes.split_first()?;
    let mut size = 0_usize;
    for _ in 0..4 {
        let (byte, after) = rest.split_first()?;
        rest = after;
        size = size << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    (*found == tag).then(|| rest.get(..size))?
}

#[cfg(test)]
mod tests {
    use super::super::test_boxes::boxed;
    use super::*;

    #[test]
    fn formats_are_compared_without_profiles() {
        assert!(is_same_format(
            "avc1.4d401e, mp4a.40.2",
            "mp4a.40.5,avc1.640028"
        ));
        assert!(!is_same_format("avc1.4d401e,mp4a.40.2", "avc1.4d401e"));
        assert!(!is_same_format("avc1.4d401e", ""));
    }

    fn codec(format: &[u8; 4], kind: &[u8; 4], record: &[u8]) -> String {
        codec_string(format, &boxed(kind, &[record]))
    }

    #[test]
    fn codec_strings_follow_decoder_configuration() {
        for (format, kind, record, name) in [
            (
                b"avc1",
                b"avcC",
                [1, 0x4d, 0x40, 0x1f].as_slice(),
                "avc1.4d401f",
            ),
            (b"avc3", b"avcC", &[1, 0x64, 0, 0x28], "avc3.640028"),
            // The examples of ISO/IEC 14496-15 § E.3, and one with a zero among the constraints.
            (
                b"hvc1",
                b"hvcC",
                &[1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93],
                "hvc1.1.6.L93.B0",
            ),
            (
                b"hev1",
                b"hvcC",
                &[1, 0x64, 0x82, 0, 0, 0, 0xb0, 0x23, 0, 0, 0, 0, 120],
                "hev1.A4.41.H120.B0.23",
            ),
            (
                b"hvc1",
                b"hvcC",
                &[1, 2, 0, 0, 0, 1, 0x90, 0, 0x0a, 0, 0, 0, 120],
                "hvc1.2.80000000.L120.90.0.A",
            ),
            (
                b"vp09",
                b"vpcC",
                &[1, 0, 0, 0, 2, 10, 0xa5, 9, 16, 9, 0, 0],
                "vp09.02.10.10.02.09.16.09.01",
            ),
            (b"av01", b"av1C", &[0x81, 0x04, 0x0c, 0], "av01.0.04M.08"),
            (b"av01", b"av1C", &[0x81, 0x0d, 0xc0, 0], "av01.0.13H.10"),
            (b"av01", b"av1C", &[0x81, 0x4d, 0x60, 0], "av01.2.13M.12"),
            // The configuration is unknown, of another format, or cut off.
            (b"vvc1", b"vvcC", &[], "vvc1"),
            (b"avc1", b"hvcC", &[1, 2, 3, 4], "avc1"),
            (b"avc1", b"avcC", &[1], "avc1"),
        ] {
            assert_eq!(codec(format, kind, record), name);
        }
        for (format, name) in [
            (b"Opus", "opus"),
            (b"fLaC", "flac"),
            (b".mp3", "mp3"),
            (b"ac-3", "ac-3"),
            (b"ec-3", "ec-3"),
            (b"alac", "alac"),
        ] {
            assert_eq!(codec(format, b"free", &[]), name);
        }
    }

    #[test]
    fn mpeg4_audio_string_follows_object_type() {
        // The decoder's descriptor: its object type, twelve bytes that are ignored, its specific configuration.
        let codec_of = |object_type: u8, specific: &[u8]| {
            let decoder = [
                &[4, 13 + specific.len() as u8, object_type],
                [0; 12].as_slice(),
                specific,
            ]
            .concat();
            let stream = [&[0, 1, 0], &*decoder].concat();
            let esds = [
                &[0, 0, 0, 0, 3, 0x80, 0x80, 0x80, stream.len() as u8],
                &*stream,
            ]
            .concat();
            codec(b"mp4a", b"esds", &esds)
        };
        assert_eq!(codec_of(0x40, &[5, 2, 0x12, 0x10]), "mp4a.40.2");
        assert_eq!(codec_of(0x40, &[5, 2, 5 << 3, 0]), "mp4a.40.5");
        assert_eq!(codec_of(0x40, &[5, 2, 0xf8 | 1, 0x40]), "mp4a.40.42");
        assert_eq!(codec_of(0x40, &[]), "mp4a.40.2");
        assert_eq!(codec_of(0x67, &[]), "mp4a.67");
        assert_eq!(codec_of(0x6b, &[]), "mp4a.6B");
        assert_eq!(codec(b"mp4a", b"free", &[]), "mp4a");
    }
}
