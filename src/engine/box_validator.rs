//! Watches the boxes of an MP4 segment go by. Garbage and files that were cut short raise no error in
//! some browsers, and would be a hole in the film: so the headers are read, and nothing but them.

use js_sys::Uint8Array;

use crate::media::mp4;

/// Bytes that tell a box's header.
const HEADER: u64 = 16;

/// What a segment may begin with. A page that asks a person to log in can pass for a box in all else, and
/// to Firefox is the end of the film.
const FIRST: [&[u8; 4]; 11] = [
    b"styp", b"moof", b"sidx", b"emsg", b"prft", b"ftyp", b"moov", b"mdat", b"free", b"skip",
    b"uuid",
];

/// The boxes of one segment.
pub struct BoxValidator {
    /// Where the next box begins; `None` if nothing is known of boxes here.
    next: Option<u64>,
    seen: u64,
    /// What has come of the next header.
    header: Vec<u8>,
    is_garbage: bool,
}

impl BoxValidator {
    /// The boxes of a segment of this type, of which only MP4 is followed.
    pub fn new(container: &str) -> Self {
        Self {
            next: container.ends_with("/mp4").then_some(0),
            seen: 0,
            header: Vec::new(),
            is_garbage: false,
        }
    }

    /// Reads on.
    pub fn push(&mut self, bytes: &Uint8Array) {
        let end = self.seen + u64::from(bytes.length());
        while let Some(next) = self.next
            && !self.is_garbage
        {
            let from = next + self.header.len() as u64;
            let to = (next + HEADER).min(end);
            if from >= to {
                break;
            }
            // Within these bytes, as what came before them of the header has been kept.
            let here = bytes.subarray((from - self.seen) as u32, (to - self.seen) as u32);
            self.header.extend(here.to_vec());
            let Some(header) = mp4::box_header(&self.header) else {
                self.is_garbage = self.header.len() as u64 == HEADER;
                break;
            };
            if next == 0 && !FIRST.contains(&&header.kind) {
                self.is_garbage = true;
                break;
            }
            // A box without a size goes on to the end, and what has one begins another.
            self.next = header.size.and_then(|size| next.checked_add(size));
            self.header.clear();
        }
        self.seen = end;
    }

    /// Whether these are no boxes.
    pub const fn is_invalid(&self) -> bool {
        self.is_garbage
    }

    /// What is wrong with a segment of which no more will come.
    pub fn error(&self) -> Option<&'static str> {
        if self.is_garbage {
            return Some("it is not a segment of MP4");
        }
        if self.seen == 0 {
            return Some("it is empty");
        }
        self.next
            .is_some_and(|next| next != self.seen)
            .then_some("it is cut short")
    }
}
