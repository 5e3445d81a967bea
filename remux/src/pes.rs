//! PES packets (ISO/IEC 13818-1 § 2.4.3.6): headers and their timestamps.

use crate::time::Stamps;

/// Bytes of the longest header: 9 fixed ones, and as many as one byte can count.
const MAX_HEADER: usize = 9 + 255;

/// The role of a part of a transport packet's payload in its PES packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The beginning of a PES packet, with its first `data`.
    Start(Start, &'a [u8]),
    /// More data of the PES packet.
    Data(&'a [u8]),
    /// No data: a part of an incomplete header, or bytes without a header before them.
    Nothing,
    /// An invalid header. Everything up to the next packet that begins a unit is skipped.
    Broken,
    /// The data is encrypted.
    Scrambled,
}

/// The values of a PES header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Timestamps, if it has them.
    pub stamps: Option<Stamps>,
    /// Number of bytes of data that follow; `None` if it is not stated, as is usual for video.
    pub length: Option<usize>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Skipping,
    Header,
    Data,
}

/// Separates headers from data. The length in the header is reported but not enforced: the PES packets of many muxers
/// exceed its 16 bits. ffmpeg's demuxer also accepts packets with more data than stated.
#[derive(Debug, Default)]
pub struct Pes {
    state: State,
    header: Vec<u8>,
}

impl Pes {
    /// Begins a transport packet, in which a new PES packet begins if `unit_start`.
    pub fn packet(&mut self, unit_start: bool) {
        if unit_start {
            self.header.clear();
            self.state = State::Header;
        }
    }

    /// Discards the current PES packet, because a transport packet is missing.
    pub fn lost(&mut self) {
        self.state = State::Skipping;
    }

    /// Adds a part of a transport packet's payload.
    pub fn push<'a>(&mut self, payload: &'a [u8]) -> Piece<'a> {
        match self.state {
            State::Skipping => return Piece::Nothing,
            State::Data => return Piece::Data(payload),
            State::Header => {}
        }
        let mut rest = payload;
        let needed = loop {
            let needed = match self.header.get(8) {
                Some(&length) => 9 + usize::from(length),
                None => 9,
            };
            let (taken, after) = rest.split_at(rest.len().min(needed - self.header.len()));
            self.header.extend_from_slice(taken);
            rest = after;
            if self.header.len() < needed {
                return Piece::Nothing;
            }
            if needed > 9 || self.header.get(8) == Some(&0) {
                break needed;
            }
        };
        debug_assert!(needed <= MAX_HEADER);
        self.state = State::Skipping;
        let &[0, 0, 1, id, high, low, marks, flags, _, ref fields @ ..] = self.header.as_slice()
        else {
            return Piece::Broken;
        };
        match id {
            // Program stream map, padding, private 2, ECM, EMM, directory, DSM-CC, H.222.1 E: no such header.
            0xbc | 0xbe | 0xbf | 0xf0 | 0xf1 | 0xf2 | 0xf8 | 0xff => return Piece::Nothing,
            _ if marks & 0xc0 != 0x80 => return Piece::Broken,
            _ if marks & 0x30 != 0 => return Piece::Scrambled,
            _ => {}
        }
        self.state = State::Data;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let start = Start {
            stamps: stamps(flags, fields),
            length: length.checked_sub(needed - 6),
        };
        Piece::Start(start, rest)
    }
}

/// PTS and DTS, where the flags announce them and their marker bits are right.
fn stamps(flags: u8, fields: &[u8]) -> Option<Stamps> {
    let pts = (flags & 0x80 != 0)
        .then(|| stamp(fields.get(..5)?))
        .flatten()?;
    let dts = (flags & 0x40 != 0)
        .then(|| stamp(fields.get(5..10)?))
        .flatten();
    Some(Stamps {
        pts,
        dts: dts.unwrap_or(pts),
    })
}

fn stamp(field: &[u8]) -> Option<i64> {
    let &[a, b, c, d, e] = field else {
        return None;
    };
    let has_marks = a & 1 == 1 && c & 1 == 1 && e & 1 == 1;
    let [a, b, c, d, e] = [a, b, c, d, e].map(i64::from);
    has_marks.then_some((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 19] = [
        0, 0, 1, 0xe0, 0, 0, 0x80, 0xc0, 10, 0x3f, 0xff, 0xff, 0xff, 0xff, 0x11, 0, 1, 0, 3,
    ];

    #[test]
    fn header_may_come_in_any_parts() {
        for cut in 0..HEADER.len() {
            let mut pes = Pes::default();
            pes.packet(true);
            assert_eq!(pes.push(&HEADER[..cut]), Piece::Nothing);
            let rest = [&HEADER[cut..], &[7, 8]].concat();
            let stamps = Some(Stamps {
                pts: (1 << 33) - 1,
                dts: 1,
            });
            assert_eq!(
                pes.push(&rest),
                Piece::Start(
                    Start {
                        stamps,
                        length: None
                    },
                    &[7, 8]
                )
            );
            assert_eq!(pes.push(&[9]), Piece::Data(&[9]));
        }
    }

    #[test]
    fn data_without_a_header_is_nothing() {
        let mut pes = Pes::default();
        pes.packet(false);
        assert_eq!(pes.push(&[1, 2]), Piece::Nothing);
    }

    #[test]
    fn header_without_start_code_is_broken_until_next_unit() {
        let mut pes = Pes::default();
        pes.packet(true);
        assert_eq!(pes.push(&[1; 300]), Piece::Broken);
        assert_eq!(pes.push(&[1]), Piece::Nothing);
    }

    #[test]
    fn length_counts_the_data_only() {
        let mut pes = Pes::default();
        pes.packet(true);
        let header = [0, 0, 1, 0xc0, 0, 8, 0x80, 0, 0, 5];
        assert_eq!(
            pes.push(&header),
            Piece::Start(
                Start {
                    stamps: None,
                    length: Some(5)
                },
                &[5]
            )
        );
    }
}
