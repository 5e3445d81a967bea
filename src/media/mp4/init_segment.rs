//! Reads init segments: content type, codecs and timescales of their tracks (`moov`, ISO/IEC 14496-12 § 8).

use super::{
    boxes::{boxes, child, descendant, first_box, number, time_width},
    codecs::codec_string,
};
use crate::media::{ContentType, ManifestError};

/// More tracks than this are ignored: all of them are compared with the tracks of each fragment.
const MAX_TRACKS: usize = 64;

/// The video and audio tracks of an init segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitSegment {
    /// Video if there is a video track, with or without audio.
    pub content_type: ContentType,
    /// RFC 6381 codecs, one per track, comma-separated as in a MIME type.
    pub codecs: String,
    /// Width and height of the video in pixels; zeros if there is none.
    pub size: (u32, u32),
    /// Whether a track is encrypted, or may switch to an encrypted sample entry.
    pub is_encrypted: bool,
    /// ID and timescale (ticks per second, never 0) of each track.
    pub timescales: Vec<(u32, u32)>,
    /// ID of each track that has fragments, and the duration of its samples, in ticks, unless a fragment says otherwise.
    pub default_durations: Vec<(u32, u32)>,
}

impl InitSegment {
    /// The media type of the SourceBuffer that it is for.
    pub fn mime(&self) -> String {
        let container = match self.content_type {
            ContentType::Video => "video/mp4",
            ContentType::Audio => "audio/mp4",
        };
        format!("{container}; codecs=\"{}\"", self.codecs)
    }
}

/// Reads an init segment. Ignores tracks of text and metadata.
///
/// # Errors
/// [`ManifestError::Malformed`] if there is no complete `moov`, no track of video or audio, or an unreadable one.
pub fn parse_init_segment(bytes: &[u8]) -> Result<InitSegment, ManifestError> {
    read_tracks(bytes).map_err(|reason| ManifestError::Malformed(reason.into()))
}

fn read_tracks(bytes: &[u8]) -> Result<InitSegment, &'static str> {
    let moov = boxes(bytes)
        .find(|found| found.kind == *b"moov")
        .ok_or("it has no moov box")?;
    if !moov.is_whole {
        return Err("its moov box is cut off");
    }
    let mut init = InitSegment {
        content_type: ContentType::Audio,
        ..InitSegment::default()
    };
    let traks = boxes(moov.body).filter(|found| found.kind == *b"trak");
    for trak in traks.take(MAX_TRACKS) {
        let hdlr = descendant(trak.body, &[b"mdia", b"hdlr"]).unwrap_or_default();
        let content_type = match hdlr.get(8..12) {
            Some(b"vide") => ContentType::Video,
            Some(b"soun") => ContentType::Audio,
            _ => continue,
        };
        read_track(&mut init, content_type, trak.body).ok_or("a track cannot be read")?;
    }
    if init.timescales.is_empty() {
        return Err("it has no track of video or audio");
    }
    let mvex = child(moov.body, b"mvex").unwrap_or_default();
    let trexes = boxes(mvex).filter(|found| found.kind == *b"trex");
    let defaults = trexes.filter_map(|trex| {
        // Both fields have 32 bits.
        let (track_id, duration) = (number(trex.body, 4, 4)?, number(trex.body, 12, 4)?);
        Some((track_id as u32, duration as u32))
    });
    init.default_durations = defaults.take(MAX_TRACKS).collect();
    Ok(init)
}

/// Adds a track (`trak`, § 8.3) to `init`; `None` if it cannot be read.
fn read_track(init: &mut InitSegment, content_type: ContentType, trak: &[u8]) -> Option<()> {
    // In both boxes, the field follows the times of creation and modification.
    let after_times = |body| number(body, 4 + 2 * time_width(body), 4);
    let track_id = after_times(child(trak, b"tkhd")?)?;
    let timescale = after_times(descendant(trak, &[b"mdia", b"mdhd"])?)?;
    if timescale == 0 {
        return None;
    }
    // Both fields have 32 bits.
    init.timescales.push((track_id as u32, timescale as u32));

    // There may be several sample entries, such as a clear one and an encrypted one, but of the same codec.
    let stsd = descendant(trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
    let entries = stsd.get(8..)?;
    init.is_encrypted |= boxes(entries).any(|entry| matches!(&entry.kind, b"encv" | b"enca"));
    let (entry, _) = first_box(entries)?;
    let entry_boxes = match content_type {
        ContentType::Video => {
            let width_and_height = number(entry.body, 24, 4)? as u32;
            init.content_type = ContentType::Video;
            init.size = (width_and_height >> 16, width_and_height & 0xffff);
            entry.body.get(78..)?
        }
        ContentType::Audio => entry.body.get(28..)?,
    };
    // An encrypted sample entry names its original format in a separate box (§ 8.12).
    let original = descendant(entry_boxes, &[b"sinf", b"frma"]).and_then(<[u8]>::first_chunk);
    if !init.codecs.is_empty() {
        init.codecs.push(',');
    }
    init.codecs += &codec_string(original.unwrap_or(&entry.kind), entry_boxes);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::test_boxes::{boxed, trak};
    use super::*;

    #[test]
    fn reads_all_tracks_but_text() {
        let video = trak(b"vide", b"avc1", &boxed(b"avcC", &[&[1, 0x4d, 0x40, 0x1f]]));
        let audio = trak(b"soun", b"Opus", &[]);
        let text = trak(b"text", b"wvtt", &[]);
        let both = parse_init_segment(&boxed(b"moov", &[&text, &audio, &video])).unwrap();
        assert_eq!(
            (both.content_type, &*both.codecs),
            (ContentType::Video, "opus,avc1.4d401f")
        );
        assert_eq!((both.size, both.is_encrypted), ((320, 180), false));
        assert_eq!(both.timescales, [(7, 90_000), (7, 90_000)]);
        let one = parse_init_segment(&boxed(b"moov", &[&audio])).unwrap();
        assert_eq!((one.content_type, one.size), (ContentType::Audio, (0, 0)));
    }

    #[test]
    fn encrypted_track_has_codec_of_original_format() {
        let avc = boxed(b"avcC", &[&[1, 0x4d, 0x40, 0x1f]]);
        let sinf = boxed(b"sinf", &[&boxed(b"frma", &[b"avc1"])]);
        let read = parse_init_segment(&boxed(
            b"moov",
            &[&trak(b"vide", b"encv", &[avc, sinf].concat())],
        ))
        .unwrap();
        assert_eq!((&*read.codecs, read.is_encrypted), ("avc1.4d401f", true));
    }

    #[test]
    fn invalid_init_segment_is_rejected() {
        let reason = |file: &[u8]| parse_init_segment(file).unwrap_err().to_string();
        assert_eq!(reason(b"<html>"), "it has no moov box");
        assert_eq!(reason(&boxed(b"ftyp", &[])), "it has no moov box");
        let moov = boxed(b"moov", &[&trak(b"text", b"wvtt", &[])]);
        assert_eq!(reason(&moov), "it has no track of video or audio");
        assert_eq!(reason(&moov[..moov.len() - 1]), "its moov box is cut off");
        let broken = boxed(b"moov", &[&trak(b"vide", b"avc1", &[])[..200]]);
        assert_eq!(reason(&broken), "a track cannot be read");
        let mut timeless = boxed(b"moov", &[&trak(b"soun", b"Opus", &[])]);
        let timescale = timeless
            .windows(4)
            .position(|four| four == 90_000_u32.to_be_bytes());
        timeless[timescale.unwrap()..][..4].fill(0);
        assert_eq!(reason(&timeless), "a track cannot be read");
    }
}
