//! Validates the box structure of MP4 segments. Some browsers accept garbage and truncated segments without an
//! error, which leaves a gap. Only box headers are read.

use crate::{
    media::{Container, mp4},
    platform::Bytes,
};

/// The most bytes that a box header takes (ISO/IEC 14496-12 § 4.2, without `uuid`).
const HEADER_BYTES: u64 = 16;

/// The boxes that a segment may start with. The HTML of a login page can otherwise pass for a box, and ends the
/// stream in Firefox.
const FIRST_BOXES: [&[u8; 4]; 11] = [
    b"styp", b"moof", b"sidx", b"emsg", b"prft", b"ftyp", b"moov", b"mdat", b"free", b"skip",
    b"uuid",
];

/// Validates the boxes of one segment while it arrives.
pub struct BoxValidator {
    /// The offset of the next box; `None` if the segment is not MP4, or its last box has no size.
    next_box: Option<u64>,
    /// Bytes received so far.
    received: u64,
    /// The bytes received of the next box's header.
    header: Vec<u8>,
    is_invalid: bool,
}

impl BoxValidator {
    /// Creates a validator for a segment. Only MP4 is validated.
    pub fn new(container: Container) -> Self {
        Self {
            next_box: (container == Container::Mp4).then_some(0),
            received: 0,
            header: Vec::new(),
            is_invalid: false,
        }
    }

    /// Takes the next bytes of the segment.
    pub fn push(&mut self, bytes: &Bytes) {
        let end = self.received + bytes.len() as u64;
        while let Some(next_box) = self.next_box
            && !self.is_invalid
        {
            let from = next_box + self.header.len() as u64;
            let to = (next_box + HEADER_BYTES).min(end);
            if from >= to {
                break;
            }
            // `from` is not before these bytes, because the header's earlier bytes are kept.
            let part = (from - self.received) as usize..(to - self.received) as usize;
            self.header.extend(bytes.slice(part).to_vec());
            let Some(header) = mp4::box_header(&self.header) else {
                self.is_invalid = self.header.len() as u64 == HEADER_BYTES;
                break;
            };
            if next_box == 0 && !FIRST_BOXES.contains(&&header.kind) {
                self.is_invalid = true;
                break;
            }
            // A box without a size extends to the end of the segment.
            self.next_box = header.size.and_then(|size| next_box.checked_add(size));
            self.header.clear();
        }
        self.received = end;
    }

    /// Whether the bytes so far are not MP4 boxes.
    pub const fn is_invalid(&self) -> bool {
        self.is_invalid
    }

    /// The defect of the segment if it ends here; `None` if it is complete.
    pub fn error(&self) -> Option<&'static str> {
        if self.is_invalid {
            return Some("it is not an MP4 segment");
        }
        if self.received == 0 {
            return Some("it is empty");
        }
        self.next_box
            .is_some_and(|next_box| next_box != self.received)
            .then_some("it is cut short")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mp4_box(kind: &[u8; 4], payload: usize) -> Vec<u8> {
        let size = u32::try_from(8 + payload).unwrap();
        [&size.to_be_bytes(), kind.as_slice(), &vec![0; payload]].concat()
    }

    fn error_of(segment: &[u8], chunk: usize) -> Option<&'static str> {
        let mut validator = BoxValidator::new(Container::Mp4);
        for part in segment.chunks(chunk) {
            validator.push(&Bytes::from(part));
        }
        validator.error()
    }

    #[test]
    fn whole_segment_is_valid_in_any_chunks() {
        let segment = [mp4_box(b"moof", 20), mp4_box(b"mdat", 100)].concat();
        for chunk in 1..=segment.len() {
            assert_eq!(error_of(&segment, chunk), None, "chunks of {chunk}");
        }
    }

    #[test]
    fn truncated_segment_is_cut_short() {
        let segment = [mp4_box(b"moof", 20), mp4_box(b"mdat", 100)].concat();
        for length in (1..segment.len()).filter(|length| *length != 28) {
            let error = error_of(&segment[..length], 7);
            assert_eq!(error, Some("it is cut short"), "{length} bytes");
        }
        assert_eq!(error_of(&[], 1), Some("it is empty"));
    }

    #[test]
    fn html_is_not_a_segment() {
        let page = b"<!doctype html><title>Log in</title>";
        assert_eq!(error_of(page, 5), Some("it is not an MP4 segment"));
    }
}
