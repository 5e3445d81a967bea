//! Validates the box structure of MP4 segments. Some browsers accept garbage and truncated segments without an
//! error, which leaves a gap. Only box headers are read, and the `moof` boxes, which have the segment's times.

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

/// The defect of a segment of no bytes.
pub const EMPTY: &str = "it is empty";

/// The largest box that is read into memory.
const MAX_READ_BYTES: u64 = 16 << 20;

/// Validates the boxes of one segment while it arrives, and reads its times.
pub struct BoxValidator {
    /// The offset of the next box; `None` if the segment is not MP4, or its last box has no size.
    next_box: Option<u64>,
    /// Bytes received so far.
    received: u64,
    /// The bytes received of the next box's header.
    header: Vec<u8>,
    is_invalid: bool,
    /// The `moof` or `moov` that is arriving, with its header.
    read: Option<ReadBox>,
    /// The times of its fragments; `None` until the init segment is known.
    times: Option<mp4::FragmentTimes>,
    /// Whether a box with media has arrived.
    has_media: bool,
    /// Whether the first `mdat` has begun.
    has_data: bool,
}

/// A box of which the content is needed.
struct ReadBox {
    start: u64,
    end: u64,
    bytes: Vec<u8>,
    is_init: bool,
}

impl BoxValidator {
    /// Creates a validator for a segment with its init segment unless it begins with that. Only
    /// MP4 is validated.
    pub fn new(container: Container, init: Option<mp4::InitSegment>) -> Self {
        Self {
            next_box: (container == Container::Mp4).then_some(0),
            received: 0,
            header: Vec::new(),
            is_invalid: false,
            read: None,
            times: init.map(mp4::FragmentTimes::new),
            has_media: false,
            has_data: false,
        }
    }

    /// Takes the next bytes of the segment.
    pub fn push(&mut self, bytes: &Bytes) {
        let end = self.received + bytes.len() as u64;
        self.read_box(bytes, end);
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
            self.has_data |= header.kind == *b"mdat";
            self.has_media |= matches!(&header.kind, b"moof" | b"mdat");
            if let (b"moof" | b"moov", Some(box_end)) = (&header.kind, self.next_box)
                && box_end - next_box <= MAX_READ_BYTES
            {
                // The header may contain the first bytes of the next box.
                self.header.truncate((box_end - next_box) as usize);
                self.read = Some(ReadBox {
                    start: next_box,
                    end: box_end,
                    bytes: self.header.clone(),
                    is_init: header.kind == *b"moov",
                });
                self.read_box(bytes, end);
            }
            self.header.clear();
        }
        self.received = end;
    }

    /// Takes the part of the box to read that is in these bytes, which end at `end`.
    fn read_box(&mut self, bytes: &Bytes, end: u64) {
        let Some(read) = &mut self.read else {
            return;
        };
        let from = read.start + read.bytes.len() as u64;
        let to = read.end.min(end);
        if from < to {
            let part = (from - self.received) as usize..(to - self.received) as usize;
            read.bytes.extend(bytes.slice(part).to_vec());
        }
        let is_whole = read.start + read.bytes.len() as u64 == read.end;
        match (&mut self.times, read.is_init, is_whole) {
            (times, true, true) => {
                let init = mp4::parse_init_segment(&read.bytes).ok();
                *times = init.map(mp4::FragmentTimes::new);
            }
            (Some(times), false, true) => times.read(&read.bytes),
            (Some(times), false, false) => times.read_partial(&read.bytes),
            _ => {}
        }
        if is_whole {
            self.read = None;
        }
    }

    /// When the media of the segment begin, in seconds of the media; `None` until that is known.
    pub fn start(&self) -> Option<f64> {
        self.times.as_ref()?.start()
    }

    /// When the media that have arrived end, in seconds of the media.
    pub fn end(&self) -> Option<f64> {
        self.times.as_ref()?.end()
    }

    /// Whether more has to arrive before it is known when the media begin.
    pub fn awaits_start(&self) -> bool {
        self.next_box.is_some() && !self.has_data && self.start().is_none()
    }

    /// Whether it is known that the media begin at no time.
    pub fn lacks_start(&self) -> bool {
        self.has_data && self.start().is_none()
    }

    /// Whether there were any media so far. Segments of other containers are assumed to have some.
    pub const fn has_media(&self) -> bool {
        self.has_media || (self.next_box.is_none() && self.received > 0)
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
            return Some(EMPTY);
        }
        self.next_box
            .is_some_and(|next_box| next_box != self.received)
            .then_some("it is cut short")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ContentType;

    fn mp4_box(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(8 + payload.len()).unwrap();
        [&size.to_be_bytes(), kind.as_slice(), payload].concat()
    }

    fn error_of(segment: &[u8], chunk: usize) -> Option<&'static str> {
        let mut validator = BoxValidator::new(Container::Mp4, None);
        for part in segment.chunks(chunk) {
            validator.push(&Bytes::from(part));
        }
        validator.error()
    }

    #[test]
    fn whole_segment_is_valid_in_any_chunks() {
        let segment = [mp4_box(b"moof", &[0; 20]), mp4_box(b"mdat", &[0; 100])].concat();
        for chunk in 1..=segment.len() {
            assert_eq!(error_of(&segment, chunk), None, "chunks of {chunk}");
        }
    }

    #[test]
    fn truncated_segment_is_cut_short() {
        let segment = [mp4_box(b"moof", &[0; 20]), mp4_box(b"mdat", &[0; 100])].concat();
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

    #[test]
    fn times_are_read_in_any_chunks() {
        let tfhd = mp4_box(b"tfhd", &[0, 0, 0, 0, 0, 0, 0, 1]);
        let tfdt = mp4_box(b"tfdt", &[0, 0, 0, 0, 0, 0, 0, 30]);
        let trun = mp4_box(b"trun", &[0, 0, 0, 0, 0, 0, 0, 4]);
        let moof = mp4_box(b"moof", &mp4_box(b"traf", &[tfhd, tfdt, trun].concat()));
        let emsg = mp4_box(b"emsg", &[0; 300]);
        let segment = [emsg, moof, mp4_box(b"mdat", &[0; 9])].concat();
        for chunk in 1..=segment.len() {
            let init = mp4::InitSegment {
                content_type: ContentType::Video,
                timescales: vec![(1, 10)],
                default_durations: vec![(1, 5)],
                ..mp4::InitSegment::default()
            };
            let mut validator = BoxValidator::new(Container::Mp4, Some(init));
            for part in segment.chunks(chunk) {
                validator.push(&Bytes::from(part));
            }
            let times = (validator.start(), validator.end());
            assert_eq!(times, (Some(3.0), Some(5.0)), "chunks of {chunk}");
            assert!(validator.error().is_none() && validator.has_media());
        }
    }
}
