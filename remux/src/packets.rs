//! Transport packets (ISO/IEC 13818-1 § 2.4.3): finds them, parses their headers, passes on their payloads.

/// Bytes of a transport packet.
pub const PACKET: usize = 188;

/// First byte of a transport packet.
const SYNC: u8 = 0x47;

/// Number of packets in a row that must begin with the sync byte before the first is accepted.
const PROOF: usize = 3;

/// Header of a transport packet with its adaptation field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Packet identifier, 13 bits.
    pub pid: u16,
    /// Whether a PES packet or a section begins in the payload.
    pub unit_start: bool,
    /// Whether the packet has a payload, which may be empty: it counts in `continuity`.
    pub has_payload: bool,
    /// Continuity counter: four bits that count the packets with payload of this PID.
    pub continuity: u8,
    /// Whether the packet is marked as damaged.
    pub damaged: bool,
    /// Whether the payload is encrypted by the transport stream (conditional access).
    pub scrambled: bool,
    /// Whether the continuity counter may jump here.
    pub discontinuity: bool,
    /// Whether the payload has all the room there is. The last packet of a PES packet is filled up by stuffing in the
    /// adaptation field, unless its data end exactly there.
    pub is_full: bool,
}

/// A part of a packet: its header, then its payload, in as many parts as the input comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// A packet begins.
    Header(Header),
    /// The packet goes on.
    Payload(&'a [u8]),
    /// Bytes that belong to no packet were skipped.
    Junk(usize),
}

/// Maximum number of packets that are searched for the next unit of a stream.
const MAX_LOOK_AHEAD: usize = 4096;

/// Number of bytes that the search needs for a decision.
pub const WINDOW: usize = (PROOF - 1) * PACKET + 1;

#[derive(Debug, Clone, Copy)]
enum State {
    /// No packet boundary is known.
    Searching,
    /// A header begins or continues.
    Header,
    /// This many bytes of payload are still missing.
    Payload(usize),
}

/// Splits a byte stream into packets. Payloads are not copied; only a header that is cut in two is stored.
#[derive(Debug)]
pub struct Packets {
    state: State,
    /// The header being collected, at most [`PACKET`] bytes.
    header: Vec<u8>,
}

impl Default for Packets {
    fn default() -> Self {
        Self {
            state: State::Searching,
            header: Vec::new(),
        }
    }
}

impl Packets {
    /// Returns the next part, which begins at `*at` in `bytes`, and moves `*at` to its end.
    ///
    /// `None` if more bytes are needed. In the search for packets, up to [`WINDOW`] bytes may then be left unread: the
    /// caller must pass them again, followed by more. At the end of the stream (`is_last`), fewer packets in a row
    /// suffice.
    pub fn next<'a>(&mut self, bytes: &'a [u8], at: &mut usize, is_last: bool) -> Option<Part<'a>> {
        loop {
            let rest = bytes.get(*at..).unwrap_or_default();
            match self.state {
                State::Searching => {
                    let skipped = match search(rest, is_last) {
                        Ok(found) => {
                            self.state = State::Header;
                            found
                        }
                        Err(0) => return None,
                        Err(refuted) => refuted,
                    };
                    if skipped > 0 {
                        *at += skipped;
                        return Some(Part::Junk(skipped));
                    }
                }
                State::Header => {
                    let source = if self.header.is_empty() {
                        rest
                    } else {
                        &self.header
                    };
                    if source.first()? != &SYNC {
                        // A header that is being collected has its sync byte already.
                        self.state = State::Searching;
                        continue;
                    }
                    let needed = header_length(source);
                    if source.len() < needed {
                        let missing = rest.get(..needed - self.header.len()).unwrap_or(rest);
                        if missing.is_empty() {
                            return None;
                        }
                        self.header.extend_from_slice(missing);
                        *at += missing.len();
                        continue;
                    }
                    let header = parse(source)?;
                    if self.header.is_empty() {
                        *at += needed;
                    }
                    self.header.clear();
                    self.state = match PACKET - needed {
                        0 => State::Header,
                        left => State::Payload(left),
                    };
                    return Some(Part::Header(header));
                }
                State::Payload(left) => {
                    let payload = rest.get(..left).unwrap_or(rest);
                    if payload.is_empty() {
                        return None;
                    }
                    *at += payload.len();
                    self.state = match left - payload.len() {
                        0 => State::Header,
                        left => State::Payload(left),
                    };
                    return Some(Part::Payload(payload));
                }
            }
        }
    }

    /// Whether a packet has begun and not ended.
    pub fn is_in_packet(&self) -> bool {
        matches!(self.state, State::Payload(_)) || !self.header.is_empty()
    }

    /// Whether a unit of `pid` begins in a packet further on in `bytes`, after the payload that begins at `at`; not
    /// too far, so that a hostile stream cannot make it look through all of `bytes` at each packet.
    pub fn starts_again(&self, pid: u16, bytes: &[u8], at: usize) -> bool {
        let left = match self.state {
            State::Payload(left) => left,
            _ => 0,
        };
        bytes
            .get(at + left..)
            .unwrap_or_default()
            .chunks_exact(PACKET)
            .take_while(|packet| packet.first() == Some(&SYNC))
            .take(MAX_LOOK_AHEAD)
            .any(|packet| {
                parse(packet).is_some_and(|header| header.pid == pid && header.unit_start)
            })
    }
}

/// The position of the first packet in `bytes`, or else the number of bytes that no packet can begin in.
fn search(bytes: &[u8], is_last: bool) -> Result<usize, usize> {
    let candidates = match is_last {
        true => bytes.len().saturating_sub(PACKET - 1),
        false => bytes.len().saturating_sub(WINDOW - 1),
    };
    let proven = |at: &usize| {
        (0..PROOF).all(|packet| match bytes.get(at + packet * PACKET) {
            Some(byte) => *byte == SYNC,
            None => is_last,
        })
    };
    (0..candidates).find(proven).ok_or(candidates)
}

/// The length of the header that begins with these bytes, as far as they contain it; at most that of a packet.
fn header_length(bytes: &[u8]) -> usize {
    match (bytes.get(3), bytes.get(4)) {
        (Some(control), _) if control & 0x20 == 0 => 4,
        (Some(_), Some(&length)) if 5 + usize::from(length) <= PACKET => 5 + usize::from(length),
        (Some(_), _) => 5,
        (None, _) => 4,
    }
}

fn parse(bytes: &[u8]) -> Option<Header> {
    let &[_, high, low, control, ..] = bytes else {
        return None;
    };
    let (length, flags) = match (control & 0x20 != 0, bytes.get(4)) {
        (true, Some(&length)) => (usize::from(length), bytes.get(5).copied().unwrap_or(0)),
        _ => (0, 0),
    };
    Some(Header {
        pid: u16::from_be_bytes([high & 0x1f, low]),
        unit_start: high & 0x40 != 0,
        has_payload: control & 0x10 != 0,
        continuity: control & 0x0f,
        damaged: high & 0x80 != 0 || 5 + length > PACKET,
        scrambled: control & 0xc0 != 0,
        discontinuity: length > 0 && flags & 0x80 != 0,
        is_full: match control & 0x20 != 0 {
            true => length > 0 && length == fields_length(flags),
            false => true,
        },
    })
}

/// Length of an adaptation field with these flags and without stuffing: the flags, PCR, OPCR and splice countdown. One
/// with private data or an extension counts as stuffed.
fn fields_length(flags: u8) -> usize {
    let has = |flag: u8| usize::from(flags & flag != 0);
    1 + 6 * has(0x10) + 6 * has(0x08) + has(0x04)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pid: u16, fill: u8) -> Vec<u8> {
        let mut packet = vec![fill; PACKET];
        let [high, low] = pid.to_be_bytes();
        packet[..4].copy_from_slice(&[SYNC, high, low, 0x10]);
        packet
    }

    fn pids(bytes: &[u8], is_last: bool) -> (Vec<u16>, usize) {
        let mut packets = Packets::default();
        let (mut pids, mut at) = (Vec::new(), 0);
        while let Some(part) = packets.next(bytes, &mut at, is_last) {
            if let Part::Header(header) = part {
                pids.push(header.pid);
            }
        }
        (pids, at)
    }

    #[test]
    fn packets_are_found_behind_junk() {
        let bytes = [
            vec![SYNC, 1, SYNC],
            packet(1, 0),
            packet(2, SYNC),
            packet(3, 0),
        ]
        .concat();
        assert_eq!(pids(&bytes, false), (vec![1, 2, 3], bytes.len()));
    }

    #[test]
    fn packets_are_found_again_after_lost_bytes() {
        let torn = packet(2, 9)[..100].to_vec();
        let bytes = [
            packet(1, 9),
            packet(1, 9),
            packet(1, 9),
            torn,
            packet(3, 9),
            packet(4, 9),
            packet(5, 9),
        ]
        .concat();
        assert_eq!(pids(&bytes, false).0, [1, 1, 1, 2, 4, 5][..4].to_vec());
        assert_eq!(pids(&bytes, true).0, [1, 1, 1, 2, 4, 5]);
    }

    #[test]
    fn single_packet_counts_when_nothing_follows() {
        assert_eq!(pids(&packet(7, 0), false), (vec![], 0));
        assert_eq!(pids(&packet(7, 0), true).0, [7]);
    }

    #[test]
    fn adaptation_field_longer_than_packet_is_damage() {
        let mut long = packet(1, 0xff);
        long[3] = 0x30;
        assert!(parse(&long).unwrap().damaged);
        assert!(parse(&long[..5]).unwrap().damaged);
        assert_eq!(header_length(&long), 5);
    }
}
