//! ID3v2 tags before packed audio ([RFC 8216bis § 3.4](https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis#section-3.4)).

/// Bytes of the headers of a tag (ID3v2.4 § 3.1) and of a frame (§ 4).
const HEADER_BYTES: usize = 10;

/// The owner of the private frame with the timestamp of the first sample.
const TIMESTAMP_OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";

/// Ticks per second of the timestamp.
const TICKS_PER_SECOND: f64 = 90_000.0;

/// The length in bytes of the tag at the start (ID3v2.4 § 3.1), which may exceed the given bytes.
pub fn tag_length(bytes: &[u8]) -> Option<usize> {
    let [_, _, flags, size @ ..] = *bytes.strip_prefix(b"ID3")?.first_chunk::<7>()?;
    let footer = if flags & 0x10 == 0 { 0 } else { HEADER_BYTES };
    Some(HEADER_BYTES + synchsafe(size) + footer)
}

/// The timestamp of the first sample in seconds, from the tags at the start. Timestamps wrap after 2^33 ticks of 90 kHz.
pub fn timestamp(mut bytes: &[u8]) -> Option<f64> {
    while let Some(length) = tag_length(bytes) {
        let tag = bytes.get(..length)?;
        if let Some(timestamp) = timestamp_in_tag(tag) {
            return Some(timestamp);
        }
        bytes = bytes.get(length..)?;
    }
    None
}

fn timestamp_in_tag(tag: &[u8]) -> Option<f64> {
    let version = *tag.get(3)?;
    let mut frames = tag.get(HEADER_BYTES..)?;
    while let Some((header, rest)) = frames.split_at_checked(HEADER_BYTES) {
        let size = *header.get(4..)?.first_chunk()?;
        let size = match version {
            4 => synchsafe(size),
            _ => u32::from_be_bytes(size) as usize,
        };
        let content = rest.get(..size)?;
        if header.starts_with(b"PRIV")
            && let Some(ticks) = content.strip_prefix(TIMESTAMP_OWNER)
        {
            let ticks = u64::from_be_bytes(*ticks.first_chunk()?);
            return Some((ticks & ((1 << 33) - 1)) as f64 / TICKS_PER_SECOND);
        }
        frames = rest.get(size..)?;
    }
    None
}

/// Reads a number with seven bits in each byte.
fn synchsafe(bytes: [u8; 4]) -> usize {
    bytes
        .into_iter()
        .fold(0, |number, byte| number << 7 | usize::from(byte & 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tag with a frame of text, and a frame with a timestamp.
    fn stamped(ticks: u64) -> Vec<u8> {
        let private = [TIMESTAMP_OWNER, &ticks.to_be_bytes()].concat();
        let frame = |name: &[u8; 4], content: &[u8]| {
            [name, &[0, 0, 0, content.len() as u8][..], &[0, 0], content].concat()
        };
        let frames = [frame(b"TIT2", b"title"), frame(b"PRIV", &private)].concat();
        [b"ID3\x04\0\0\0\0\0", &[frames.len() as u8][..], &frames].concat()
    }

    #[test]
    fn timestamp_has_33_bits() {
        assert_eq!(timestamp(&stamped(90_000)), Some(1.0));
        assert_eq!(timestamp(&stamped((1 << 33) + 180_000)), Some(2.0));
        let other = b"ID3\x04\0\0\0\0\0\0".as_slice();
        assert_eq!(timestamp(&[other, &stamped(45_000)].concat()), Some(0.5));
        assert_eq!(timestamp(b"\xff\xf1\x50"), None);
    }

    #[test]
    fn truncated_tag_has_no_timestamp() {
        let whole = stamped(1);
        for length in 0..whole.len() {
            assert_eq!(timestamp(&whole[..length]), None);
        }
    }
}
