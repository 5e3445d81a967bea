//! Decodes text files. Servers and packagers send UTF-16, and text in another encoding than they say.

/// Decodes a text file, without its byte order mark: UTF-16 if its beginning tells so, or else UTF-8, or Latin-1 if that
/// is not valid.
pub fn decode(bytes: &[u8]) -> String {
    if let Some(text) = decode_utf16(bytes) {
        return text;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // Latin-1: each byte is a code point.
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// Decodes UTF-16 without its byte order mark; `None` if it is another encoding.
pub fn decode_utf16(bytes: &[u8]) -> Option<String> {
    let is_big_endian = match *bytes.first_chunk::<4>()? {
        [0xfe, 0xff, ..] => true,
        [0xff, 0xfe, ..] => false,
        [0, first, 0, second] if is_beginning(first, second) => true,
        [first, 0, second, 0] if is_beginning(first, second) => false,
        _ => return None,
    };
    let units = bytes.chunks_exact(2).map(|unit| match *unit {
        [high, low] if is_big_endian => u16::from_be_bytes([high, low]),
        [low, high] => u16::from_be_bytes([high, low]),
        _ => 0,
    });
    let text: String = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Some(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Whether a manifest or captions may begin with these characters.
const fn is_beginning(first: u8, second: u8) -> bool {
    matches!(
        (first, second),
        (b'#' | b'W', b'E') | (b'<', b'?' | b'!' | b'M')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_in_any_encoding() {
        let text = "#EXTM3U é\n";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let latin1: Vec<u8> = text.chars().map(|char| char as u8).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe", &*le].concat(),
            [b"\xfe\xff", &*be].concat(),
            le.clone(),
            be,
            latin1,
        ] {
            assert_eq!(decode(&bytes), text, "{bytes:?}");
        }
        // Half a character at the end is dropped.
        assert_eq!(decode(&le[..le.len() - 1]), "#EXTM3U é");
    }

    #[test]
    fn media_is_not_utf16() {
        for bytes in [
            b"\0\0\0\x18ftyp".as_slice(),
            b"\0\x23\0\x10moof",
            b"",
            b"\x47",
            b"#EXTM3U",
        ] {
            assert_eq!(decode_utf16(bytes), None, "{bytes:?}");
        }
    }
}
