//! Detects the format of a file by its first bytes, because the `Content-Type` of servers is often wrong.

use super::{id3::tag_length, text::decode_utf16};

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A DASH manifest.
    Mpd,
    /// An HLS playlist of either kind.
    Playlist,
    /// An ISO base media file, or a segment of one.
    Mp4,
    /// Packed MPEG audio (MP3).
    Mp3,
    /// AAC in ADTS frames.
    Aac,
    /// MPEG-2 transport stream.
    TransportStream,
    /// WebM or Matroska.
    WebM,
    /// Audio in WAV, FLAC or Ogg, which MediaSource does not take.
    OtherAudio,
    /// An HTML page, which many servers send instead of a missing file.
    Html,
    /// Anything else.
    Other,
}

/// How many bytes of a file are enough to detect its format.
pub const SNIFF_BYTES: usize = 4096;

impl Format {
    /// Whether it is a media file that is read by byte ranges.
    pub const fn is_media_file(self) -> bool {
        matches!(self, Self::Mp4 | Self::WebM | Self::TransportStream)
    }

    /// Whether it is an audio file that the engine does not play by itself.
    pub const fn is_audio_file(self) -> bool {
        matches!(self, Self::Mp3 | Self::Aac | Self::OtherAudio)
    }

    /// Whether it is a manifest or a playlist.
    pub const fn is_manifest(self) -> bool {
        matches!(self, Self::Mpd | Self::Playlist)
    }
}

/// Detects the format of a file by its first bytes, or else by its `Content-Type`. A few kilobytes are
/// enough, and usually much less.
pub fn detect(first_bytes: &[u8], content_type: &str) -> Format {
    by_bytes(first_bytes)
        .or_else(|| by_type(content_type))
        .or_else(|| by_hint(first_bytes))
        .unwrap_or(Format::Other)
}

/// Whether a path or a URL names a transport stream, by its extension.
pub fn is_named_as_ts(path: &str) -> bool {
    let name = path.split(['?', '#']).next().unwrap_or_default();
    let extension = name.rsplit('.').next().unwrap_or_default();
    extension.eq_ignore_ascii_case("ts")
}

/// The first byte of each packet of a transport stream.
const TS_SYNC_BYTE: u8 = 0x47;
const TS_PACKET_LENGTH: usize = 188;

/// The format, if the bytes are enough to be sure.
fn by_bytes(bytes: &[u8]) -> Option<Format> {
    if let Some(
        b"ftyp" | b"styp" | b"moov" | b"moof" | b"sidx" | b"emsg" | b"prft" | b"mdat" | b"free"
        | b"skip" | b"wide" | b"pnot",
    ) = bytes.get(4..8)
    {
        return Some(Format::Mp4);
    }
    if bytes.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        return Some(Format::WebM);
    }
    if bytes.first() == Some(&TS_SYNC_BYTE) && bytes.get(TS_PACKET_LENGTH) == Some(&TS_SYNC_BYTE) {
        return Some(Format::TransportStream);
    }
    let is_wave = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE");
    if is_wave || bytes.starts_with(b"fLaC") || bytes.starts_with(b"OggS") {
        return Some(Format::OtherAudio);
    }
    if let Some(text) = decode_utf16(bytes) {
        return by_text(text.as_bytes());
    }
    by_text(bytes)
        .or_else(|| audio(bytes))
        .or_else(|| transport_stream_after_other_bytes(bytes))
}

/// A transport stream whose first packet is incomplete, or comes after other bytes.
fn transport_stream_after_other_bytes(bytes: &[u8]) -> Option<Format> {
    let has_sync = |position: usize| bytes.get(position) == Some(&TS_SYNC_BYTE);
    let are_packets = |start| (0..4).all(|packet| has_sync(start + packet * TS_PACKET_LENGTH));
    let mut starts = 1..TS_PACKET_LENGTH;
    starts.any(are_packets).then_some(Format::TransportStream)
}

/// The format of a text file.
fn by_text(bytes: &[u8]) -> Option<Format> {
    let text = text(bytes);
    // Some playlists lack their first line, or write it in lower case.
    if starts_with_ignoring_case(text, b"#EXTM3U") || text.starts_with(b"#EXT-X-") {
        return Some(Format::Playlist);
    }
    if text.starts_with(b"<") {
        return markup(text);
    }
    None
}

/// Skips a byte order mark and blanks.
fn text(bytes: &[u8]) -> &[u8] {
    bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start()
}

/// The bytes after the first occurrence of a delimiter.
fn after<'a>(bytes: &'a [u8], delimiter: &[u8]) -> Option<&'a [u8]> {
    let length = delimiter.len();
    let position = bytes.windows(length).position(|bytes| bytes == delimiter)?;
    bytes.get(position + length..)
}

/// The format of a document that begins with `<`.
fn markup(text: &[u8]) -> Option<Format> {
    // Namespaces may have a prefix, as in `mpd:MPD`.
    match root_name(text)?.rsplit(|byte| *byte == b':').next()? {
        b"MPD" => Some(Format::Mpd),
        name if name.eq_ignore_ascii_case(b"html") => Some(Format::Html),
        _ => None,
    }
}

/// The name of the root element; `None` if the bytes end before its name does.
fn root_name(mut text: &[u8]) -> Option<&[u8]> {
    while text.starts_with(b"<!") || text.starts_with(b"<?") {
        if starts_with_ignoring_case(text, b"<!doctype html") {
            return Some(b"html");
        }
        // A comment may contain markup.
        let is_comment = text.starts_with(b"<!--");
        let end: &[u8] = if is_comment { b"-->" } else { b">" };
        text = after(text, end)?.trim_ascii_start();
    }
    let name = text.strip_prefix(b"<")?;
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    name.get(..name.iter().position(is_end)?)
}

fn starts_with_ignoring_case(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes
        .get(..prefix.len())
        .is_some_and(|bytes| bytes.eq_ignore_ascii_case(prefix))
}

/// The format of packed audio frames, which may follow ID3 tags.
fn audio(mut bytes: &[u8]) -> Option<Format> {
    while let Some(length) = tag_length(bytes) {
        bytes = bytes.get(length..)?;
    }
    // Both headers begin with sync bits (ADTS: 12, MPEG audio: 11), version and layer.
    let [0xff, flags, rates] = *bytes.first_chunk()? else {
        return None;
    };
    let (version, layer) = (flags >> 3 & 3, flags >> 1 & 3);
    let is_frame = version != 1 && rates >> 4 != 15 && rates >> 2 & 3 != 3;
    match layer {
        0 if flags & 0xf0 == 0xf0 => Some(Format::Aac),
        1.. if flags & 0xe0 == 0xe0 && is_frame => Some(Format::Mp3),
        _ => None,
    }
}

/// The format by `Content-Type`. Only the ends are compared, because the types have many variants.
fn by_type(content_type: &str) -> Option<Format> {
    let media_type = content_type.split(';').next()?;
    let media_type = media_type.trim_ascii().to_ascii_lowercase();
    let formats = [
        ("dash+xml", Format::Mpd),
        ("mpegurl", Format::Playlist),
        ("/mp4", Format::Mp4),
        ("/mp2t", Format::TransportStream),
        ("html", Format::Html),
    ];
    let mut matching = formats.into_iter();
    let (_, format) = matching.find(|(suffix, _)| media_type.ends_with(suffix))?;
    Some(format)
}

/// The most likely format of bytes that are not enough to be sure: an MPD for XML, MP3 after an ID3 tag.
fn by_hint(bytes: &[u8]) -> Option<Format> {
    let text = text(bytes);
    if bytes.starts_with(b"ID3") {
        Some(Format::Mp3)
    } else if text.starts_with(b"<?xml") && root_name(text).is_none() {
        Some(Format::Mpd)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(version: u8, flags: u8, frames: &[u8]) -> Vec<u8> {
        let size = frames.len();
        let size = [0, 0, (size >> 7) as u8, size as u8 & 0x7f];
        [b"ID3", [version, 0, flags].as_slice(), &size, frames].concat()
    }

    #[test]
    fn first_bytes_override_content_type() {
        let packets = [[0x47].as_slice(), &[0; 187], &[0x47]].concat();
        let after_junk = [[1; 100].as_slice(), &packets[..188].repeat(4)].concat();
        for (bytes, expected) in [
            (b"<MPD>".as_slice(), Format::Mpd),
            (
                b"\xef\xbb\xbf\r\n<?xml version=\"1.0\"?>\n<!-- <html> --><MPD\n",
                Format::Mpd,
            ),
            (
                b"<?xml version=\"1.0\"?><?x y?><!DOCTYPE MPD><mpd:MPD xmlns:mpd",
                Format::Mpd,
            ),
            (b"#EXTM3U\n", Format::Playlist),
            (b"\xef\xbb\xbf#EXTM3U\r\n", Format::Playlist),
            (b"\xff\xfe#\0E\0X\0T\0M\x003\0U\0", Format::Playlist),
            (b"\0<\0M\0P\0D\0>", Format::Mpd),
            (b"#extm3u", Format::Playlist),
            (b"#EXT-X-VERSION:3", Format::Playlist),
            (b"\0\0\0\x18ftypdash", Format::Mp4),
            (b"\0\0\0\x18moof", Format::Mp4),
            (b"\0\0\0\x08wide\0\0\x10\0mdat", Format::Mp4),
            (b"\0\0\x10\0mdat", Format::Mp4),
            (b"\x1a\x45\xdf\xa3", Format::WebM),
            (b"RIFF\x24\0\0\0WAVEfmt ", Format::OtherAudio),
            (b"RIFF\x24\0\0\0AVI LIST", Format::Other),
            (b"fLaC\0\0\0\x22", Format::OtherAudio),
            (b"OggS\0\x02", Format::OtherAudio),
            (&packets, Format::TransportStream),
            (&after_junk, Format::TransportStream),
            (b"\xff\xf1\x50\x80", Format::Aac),
            (b"\xff\xf9\x50\x80", Format::Aac),
            (b"\xff\xfb\x90\x44", Format::Mp3),
            (b"\xff\xf3\x40\xc4", Format::Mp3),
            (b"<!DOCTYPE HTML><title>", Format::Html),
            (b"<?xml version='1.0'?><html xmlns", Format::Html),
            (b"<HTML>", Format::Html),
            (b"", Format::Other),
            (b"{\"error\":404}", Format::Other),
            (b"<?xml version='1.0'?><Error>", Format::Other),
            (&packets[..188], Format::Other),
            (b"\xff\xff\xff\xff", Format::Other),
            (b"\xff\xfb\xf0\x00", Format::Other),
            (b"\xff\xeb\x90\x44", Format::Other),
        ] {
            assert_eq!(detect(bytes, "image/png"), expected, "{bytes:?}");
        }
    }

    #[test]
    fn content_type_decides_if_bytes_do_not() {
        for (content_type, expected) in [
            ("application/dash+xml; charset=utf-8", Format::Mpd),
            ("Application/Vnd.Apple.MpegURL", Format::Playlist),
            ("audio/mpegurl", Format::Playlist),
            ("video/mp2t", Format::TransportStream),
            ("v/mp4", Format::Mp4),
            ("text/html;charset=UTF-8", Format::Html),
            ("text/plain", Format::Other),
            ("", Format::Other),
        ] {
            assert_eq!(detect(b"?", content_type), expected, "{content_type}");
        }
        assert_eq!(detect(b"#EXTM3U\n", "text/html"), Format::Playlist);
    }

    #[test]
    fn truncated_bytes_are_guessed_after_content_type() {
        let comment = b"<?xml version=\"1.0\"?><!-- a long licence";
        assert_eq!(detect(comment, "text/plain"), Format::Mpd);
        assert_eq!(detect(comment, "text/html"), Format::Html);
        let cut_off = &tag(4, 0, &[0; 300])[..100];
        assert_eq!(detect(cut_off, ""), Format::Mp3);
    }

    #[test]
    fn id3_tags_before_audio_are_skipped() {
        let one = tag(4, 0, &[0; 300]);
        // With a footer, which the size of a tag does not include.
        let two = [tag(4, 0x10, &[0; 5]), vec![0; 10]].concat();
        let aac = [one, two, vec![0xff, 0xf1, 0x50]].concat();
        assert_eq!(detect(&aac, "audio/mpeg"), Format::Aac);
    }

    #[test]
    fn detects_without_panic_at_any_truncation() {
        for whole in [
            [tag(4, 0x50, &[0; 40]), vec![0xff, 0xf1]].concat(),
            b"<?xml ?><!-- - --><!DOCTYPE MPD [ ]><mpd:MPD>".to_vec(),
        ] {
            for end in 0..whole.len() {
                let _ = detect(&whole[..end], "");
            }
        }
    }
}
