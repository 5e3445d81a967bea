//! NAL units in byte stream format (ISO/IEC 14496-10 annex B, ISO/IEC 23008-2 annex B), and SEI messages.

use crate::bits::unescape;

/// Receives the NAL units that a [`Splitter`] finds.
pub trait Sink {
    /// A NAL unit begins.
    fn start(&mut self);
    /// The NAL unit goes on.
    fn data(&mut self, bytes: &[u8]);
    /// The NAL unit ends.
    fn end(&mut self);
}

/// Splits a byte stream at its start codes. No byte is stored: zeros that may belong to a start code are counted.
#[derive(Debug, Default)]
pub struct Splitter {
    is_open: bool,
    zeros: usize,
}

impl Splitter {
    /// Discards the current NAL unit.
    pub fn lost(&mut self) {
        *self = Self::default();
    }

    /// Ends the stream, and with it the current NAL unit.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        if self.is_open {
            sink.end();
        }
        self.lost();
    }

    /// Adds a part of the stream.
    pub fn push(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        let mut rest = bytes;
        if self.zeros > 0 {
            let zeros = rest.iter().take_while(|byte| **byte == 0).count();
            self.zeros += zeros;
            rest = rest.get(zeros..).unwrap_or_default();
            match rest.split_first() {
                None => return,
                Some((1, after)) if self.zeros >= 2 => {
                    self.next(sink);
                    rest = after;
                }
                Some(_) => {
                    if self.is_open {
                        give_zeros(self.zeros, sink);
                    }
                }
            }
            self.zeros = 0;
        }
        while let Some(at) = start_code(rest) {
            let (before, code) = rest.split_at(at);
            self.give(trim(before), sink);
            self.next(sink);
            rest = code.get(3..).unwrap_or_default();
        }
        let trimmed = trim(rest);
        self.zeros = rest.len() - trimmed.len();
        self.give(trimmed, sink);
    }

    fn next(&mut self, sink: &mut impl Sink) {
        if self.is_open {
            sink.end();
        }
        self.is_open = true;
        sink.start();
    }

    fn give(&self, bytes: &[u8], sink: &mut impl Sink) {
        if self.is_open && !bytes.is_empty() {
            sink.data(bytes);
        }
    }
}

/// Passes on zeros that did not end the NAL unit.
fn give_zeros(mut count: usize, sink: &mut impl Sink) {
    while count > 0 {
        let zeros = [0; 64];
        let some = zeros.get(..count).unwrap_or(&zeros);
        sink.data(some);
        count -= some.len();
    }
}

/// The bytes without the zeros at the end: `trailing_zero_8bits`, or the beginning of a start code.
fn trim(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// Position of the first `00 00 01`. Checks only every third byte where there are no zeros.
fn start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            0 => at += 1,
            1 if bytes.get(at - 2..at) == Some(&[0, 0]) => return Some(at - 2),
            _ => at += 3,
        }
    }
    None
}

/// The values of SEI messages that the remuxer uses.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sei {
    /// Whether decoding may begin here (a recovery point).
    pub is_recovery_point: bool,
    /// `cc_data` of CEA-708.
    pub captions: Vec<u8>,
}

/// Maximum number of bytes that are read of a SEI NAL unit.
const MAX_SEI: usize = 1 << 16;

/// Reads SEI messages (ISO/IEC 14496-10 § 7.3.2.3): `payload` is that of a NAL unit, behind its header.
pub fn sei(payload: &[u8]) -> Sei {
    let payload = unescape(payload, MAX_SEI);
    let mut found = Sei::default();
    let mut rest = payload.as_slice();
    // The rest is `rbsp_trailing_bits`.
    while rest.len() > 2 {
        let (kind, after) = number(rest);
        let (size, after) = number(after);
        let Some(message) = after.get(..size) else {
            break;
        };
        match kind {
            4 => found
                .captions
                .extend_from_slice(captions(message).unwrap_or_default()),
            6 => found.is_recovery_point = true,
            _ => {}
        }
        rest = after.get(size..).unwrap_or_default();
    }
    found
}

/// Reads a type or a size, which is the sum of bytes of 255 and a last smaller one. Also returns the rest.
fn number(bytes: &[u8]) -> (usize, &[u8]) {
    let ones = bytes.iter().take_while(|byte| **byte == 255).count();
    let last = bytes.get(ones).copied().unwrap_or(0);
    (
        ones * 255 + usize::from(last),
        bytes.get(ones + 1..).unwrap_or_default(),
    )
}

/// `cc_data` triples in `user_data_registered_itu_t_t35` (ATSC A/53 part 4 § 6.2.3): country, provider, "GA94", 3.
fn captions(message: &[u8]) -> Option<&[u8]> {
    let rest = message.strip_prefix(&[0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03])?;
    let (&flags, rest) = rest.split_first()?;
    let has_data = flags & 0x40 != 0;
    // After the flags there is a byte of `em_data`.
    let triples = rest.get(1..)?;
    let length = usize::from(flags & 0x1f) * 3;
    has_data.then(|| triples.get(..length).unwrap_or(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Collected(Vec<Vec<u8>>, bool);

    impl Sink for Collected {
        fn start(&mut self) {
            assert!(!self.1);
            self.1 = true;
            self.0.push(Vec::new());
        }
        fn data(&mut self, bytes: &[u8]) {
            self.0.last_mut().unwrap().extend_from_slice(bytes);
        }
        fn end(&mut self) {
            assert!(self.1);
            self.1 = false;
        }
    }

    fn split(parts: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut splitter, mut collected) = (Splitter::default(), Collected::default());
        for part in parts {
            splitter.push(part, &mut collected);
        }
        splitter.finish(&mut collected);
        collected.0
    }

    const STREAM: &[u8] = &[
        9, 0, 0, 1, 5, 0, 6, 0, 0, 3, 1, 0, 0, 0, 0, 1, 7, 0, 1, 0, 0, 1, 8, 0, 0,
    ];

    #[test]
    fn nal_units_are_the_same_however_the_stream_is_cut() {
        let expected = vec![vec![5, 0, 6, 0, 0, 3, 1], vec![7, 0, 1], vec![8]];
        for first in 0..STREAM.len() {
            for second in first..STREAM.len() {
                let parts = [&STREAM[..first], &STREAM[first..second], &STREAM[second..]];
                assert_eq!(split(&parts), expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn zeros_that_end_nothing_are_kept() {
        let long = [&[0, 0, 1, 5][..], &[0; 200], &[9]].concat();
        assert_eq!(
            split(&[&long[..100], &long[100..]]),
            [[&[5][..], &[0; 200], &[9]].concat()]
        );
    }

    #[test]
    fn captions_and_recovery_point_are_found_among_other_messages() {
        let captions = [
            0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x42, 0xff, 0xfc, 1, 2, 0xfd, 3, 4, 0xff,
        ];
        let payload = [&[5, 1, 0][..], &[4, 17], &captions, &[6, 1, 0x80], &[0x80]].concat();
        let found = sei(&payload);
        assert_eq!(found.captions, [0xfc, 1, 2, 0xfd, 3, 4]);
        assert!(found.is_recovery_point);
        assert_eq!(sei(&[4, 200, 0xb5, 0]), Sei::default());
    }
}
