//! Tells what a server has sent: by its first bytes, because content types are often wrong.

/// What some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A DASH manifest.
    Mpd,
    /// An HLS playlist of either kind.
    Playlist,
    /// An ISO base media file, or a segment of one.
    Mp4,
    /// MPEG audio, packed.
    Mp3,
    /// AAC in ADTS frames.
    Aac,
    /// MPEG-2 transport stream.
    TransportStream,
    /// WebM or Matroska.
    WebM,
    /// A page, which is what many servers send in place of a file that they do not have.
    Html,
    /// Anything else.
    Other,
}

/// What the beginning of a file shows it to be, or else what the `Content-Type` says, if that is
/// something that a film may begin with. A few kilobytes will do, less will often do.
pub fn detect(first_bytes: &[u8], content_type: &str) -> Format {
    by_bytes(first_bytes)
        .or_else(|| by_type(content_type))
        .or_else(|| by_hint(first_bytes))
        .unwrap_or(Format::Other)
}

fn by_bytes(bytes: &[u8]) -> Option<Format> {
    if let Some(b"ftyp" | b"styp" | b"moov" | b"moof" | b"sidx" | b"emsg" | b"prft") =
        bytes.get(4..8)
    {
        return Some(Format::Mp4);
    }
    if bytes.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        return Some(Format::WebM);
    }
    // Each packet of a transport stream is of 188 bytes and begins with the same one.
    if bytes.first() == Some(&0x47) && bytes.get(188) == Some(&0x47) {
        return Some(Format::TransportStream);
    }
    let text = text(bytes);
    if text.starts_with(b"#EXTM3U") {
        return Some(Format::Playlist);
    }
    if text.starts_with(b"<") {
        return markup(text);
    }
    audio(bytes)
}

/// Text without byte order mark and space before it.
fn text(bytes: &[u8]) -> &[u8] {
    bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start()
}

/// What comes after the first occurrence of a mark.
fn after<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = bytes.windows(mark.len()).position(|bytes| bytes == mark)?;
    bytes.get(at + mark.len()..)
}

/// Which of the languages that begin with `<` this is.
fn markup(text: &[u8]) -> Option<Format> {
    // Namespaces may have a prefix, as in `mpd:MPD`.
    match root(text)?.rsplit(|byte| *byte == b':').next()? {
        b"MPD" => Some(Format::Mpd),
        name if name.eq_ignore_ascii_case(b"html") => Some(Format::Html),
        _ => None,
    }
}

/// The name of the root element; `None` if the bytes end before it.
fn root(mut text: &[u8]) -> Option<&[u8]> {
    while text.starts_with(b"<!") || text.starts_with(b"<?") {
        if begins_alike(text, b"<!doctype html") {
            return Some(b"html");
        }
        // A comment alone may have the names of elements in it.
        let is_comment = text.starts_with(b"<!--");
        let end: &[u8] = if is_comment { b"-->" } else { b">" };
        text = after(text, end)?.trim_ascii_start();
    }
    let name = text.strip_prefix(b"<")?;
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    name.get(..name.iter().position(is_end)?)
}

fn begins_alike(bytes: &[u8], beginning: &[u8]) -> bool {
    bytes
        .get(..beginning.len())
        .is_some_and(|bytes| bytes.eq_ignore_ascii_case(beginning))
}

/// Frames of packed audio, which ID3 tags may precede.
fn audio(mut bytes: &[u8]) -> Option<Format> {
    while let Some(length) = tag_length(bytes) {
        bytes = bytes.get(length..)?;
    }
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

/// The types of what a film may begin with, by what is common to their many names.
fn by_type(content_type: &str) -> Option<Format> {
    let name = content_type.split(';').next()?.trim_ascii().as_bytes();
    let is = |ending: &[u8]| {
        let at = name.len().checked_sub(ending.len());
        at.and_then(|at| name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    if is(b"dash+xml") {
        Some(Format::Mpd)
    } else if is(b"mpegurl") {
        Some(Format::Playlist)
    } else if is(b"/mp4") {
        Some(Format::Mp4)
    } else if is(b"/mp2t") {
        Some(Format::TransportStream)
    } else if is(b"html") {
        Some(Format::Html)
    } else {
        None
    }
}

/// What bytes that end too early are likely to go on as: the only XML that is of use here, and the audio
/// that tags are most often put before.
fn by_hint(bytes: &[u8]) -> Option<Format> {
    let text = text(bytes);
    if bytes.starts_with(b"ID3") {
        Some(Format::Mp3)
    } else if text.starts_with(b"<?xml") && root(text).is_none() {
        Some(Format::Mpd)
    } else {
        None
    }
}

/// How long the ID3v2 tag is that begins here (ID3v2.4 § 3.1), all its bytes counted, those included that
/// are not there.
fn tag_length(bytes: &[u8]) -> Option<usize> {
    let [_, _, flags, size @ ..] = *bytes.strip_prefix(b"ID3")?.first_chunk::<7>()?;
    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
    Some(10 + synchsafe(size) + footer)
}

/// A number of which each byte holds seven bits.
fn synchsafe(bytes: [u8; 4]) -> usize {
    bytes
        .into_iter()
        .fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f))
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
    fn bytes_tell_whatever_the_server_says() {
        let packets = [[0x47].as_slice(), &[0; 187], &[0x47]].concat();
        for (bytes, content_shown) in [
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
            (b"\0\0\0\x18ftypdash", Format::Mp4),
            (b"\0\0\0\x18moof", Format::Mp4),
            (b"\x1a\x45\xdf\xa3", Format::WebM),
            (&packets, Format::TransportStream),
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
            assert_eq!(detect(bytes, "image/png"), content_shown, "{bytes:?}");
        }
    }

    #[test]
    fn the_type_tells_where_bytes_do_not() {
        for (content_type, content_told) in [
            ("application/dash+xml; charset=utf-8", Format::Mpd),
            ("Application/Vnd.Apple.MpegURL", Format::Playlist),
            ("audio/mpegurl", Format::Playlist),
            ("video/mp2t", Format::TransportStream),
            ("v/mp4", Format::Mp4),
            ("text/html;charset=UTF-8", Format::Html),
            ("text/plain", Format::Other),
            ("", Format::Other),
        ] {
            assert_eq!(detect(b"?", content_type), content_told, "{content_type}");
        }
        assert_eq!(detect(b"#EXTM3U\n", "text/html"), Format::Playlist);
    }

    #[test]
    fn bytes_that_end_early_are_guessed_after_the_type() {
        let comment = b"<?xml version=\"1.0\"?><!-- a long licence";
        assert_eq!(detect(comment, "text/plain"), Format::Mpd);
        assert_eq!(detect(comment, "text/html"), Format::Html);
        let cut_off = &tag(4, 0, &[0; 300])[..100];
        assert_eq!(detect(cut_off, ""), Format::Mp3);
    }

    #[test]
    fn tags_before_audio_are_passed_over() {
        let one = tag(4, 0, &[0; 300]);
        // With a footer, which its size does not count.
        let two = [tag(4, 0x10, &[0; 5]), vec![0; 10]].concat();
        let aac = [one, two, vec![0xff, 0xf1, 0x50]].concat();
        assert_eq!(detect(&aac, "audio/mpeg"), Format::Aac);
    }

    #[test]
    fn nothing_panics_wherever_it_is_cut() {
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
