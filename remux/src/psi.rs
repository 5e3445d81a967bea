//! Program specific information (ISO/IEC 13818-1 § 2.4.4): which program, and which streams in it.

/// Maximum size of a section in bytes: 3 of header and 1,021 of content (PAT, PMT).
const MAX_SECTION: usize = 1024;

/// Maximum number of streams of a program; further ones are ignored.
const MAX_STREAMS: usize = 64;

/// Assembles sections from the payloads of their packets.
#[derive(Debug, Default)]
pub struct Sections {
    bytes: Vec<u8>,
    state: Collecting,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Collecting {
    /// The section that goes on began before anything was read.
    #[default]
    Nothing,
    /// The pointer field comes next. Whether a section goes on after it.
    Pointer(bool),
    /// This many bytes are before the first section that begins in the packet.
    Tail(usize),
    Section,
}

impl Sections {
    /// Begins a packet, in which a new section begins if `unit_start`.
    pub fn packet(&mut self, unit_start: bool) {
        if unit_start {
            self.state = Collecting::Pointer(self.state == Collecting::Section);
        }
    }

    /// Discards the current section, because a packet is missing.
    pub fn lost(&mut self) {
        self.bytes.clear();
        self.state = Collecting::Nothing;
    }

    /// Adds a part of a payload. Returns the sections that it completes, if their checksums are valid.
    pub fn push(&mut self, mut payload: &[u8]) -> Vec<Vec<u8>> {
        let mut complete = Vec::new();
        if let (Collecting::Pointer(goes_on), Some((&pointer, rest))) =
            (self.state, payload.split_first())
        {
            if !goes_on {
                self.bytes.clear();
            }
            self.state = Collecting::Tail(usize::from(pointer));
            payload = rest;
        }
        if let Collecting::Tail(left) = self.state {
            let (tail, rest) = payload.split_at(left.min(payload.len()));
            if !self.bytes.is_empty() {
                self.add(tail, &mut complete);
            }
            self.state = Collecting::Tail(left - tail.len());
            if left > tail.len() {
                return complete;
            }
            self.bytes.clear();
            self.state = Collecting::Section;
            payload = rest;
        }
        if self.state == Collecting::Section {
            self.add(payload, &mut complete);
        }
        complete
    }

    fn add(&mut self, payload: &[u8], complete: &mut Vec<Vec<u8>>) {
        self.bytes.extend_from_slice(payload);
        // 0xff is stuffing up to the end of the packet.
        while let &[table, high, low, ..] = self.bytes.as_slice()
            && table != 0xff
        {
            let length = 3 + usize::from(u16::from_be_bytes([high & 0x0f, low]));
            if length > MAX_SECTION {
                self.lost();
                return;
            }
            if self.bytes.len() < length {
                return;
            }
            let section: Vec<u8> = self.bytes.drain(..length).collect();
            if checksum(&section) == 0 {
                complete.push(section);
            }
        }
        if self.bytes.first() == Some(&0xff) {
            self.lost();
        }
    }
}

/// CRC-32/MPEG-2 (annex A); of a section with its checksum it is 0.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| match crc & 1 << 31 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x04c1_1db7,
        })
    })
}

/// The body of a section of this table that is in force, without header and checksum.
fn body(section: &[u8], table: u8) -> Option<&[u8]> {
    let is_current = section.first() == Some(&table) && section.get(5)? & 1 == 1;
    is_current
        .then(|| section.get(8..section.len().checked_sub(4)?))
        .flatten()
}

/// A program of a PAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// Its number.
    pub number: [u8; 2],
    /// The PID of its PMT.
    pub pid: u16,
}

/// The first program of a PAT.
pub fn first_program(section: &[u8]) -> Option<Program> {
    body(section, 0x00)?
        .chunks_exact(4)
        .filter_map(|entry| <[u8; 4]>::try_from(entry).ok())
        .find(|entry| entry[..2] != [0, 0])
        .map(|[n, number, high, low]| Program {
            number: [n, number],
            pid: u16::from_be_bytes([high & 0x1f, low]),
        })
}

/// Whether a PMT is that of a program: several may have the same PID.
pub fn is_of_program(section: &[u8], program: Program) -> bool {
    section.get(3..5) == Some(&program.number)
}

/// An elementary stream of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// PID of its packets.
    pub pid: u16,
    /// Its coding.
    pub coding: Coding,
}

/// Codings of elementary streams that a PMT can state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// H.264 | ISO/IEC 14496-10.
    H264,
    /// H.265 | ISO/IEC 23008-2.
    H265,
    /// AAC in ADTS.
    Adts,
    /// MPEG-1 or MPEG-2 audio, layers I to III.
    MpegAudio,
    /// AC-3.
    Ac3,
    /// Enhanced AC-3.
    Eac3,
    /// ID3 tags.
    Id3,
    /// Video or audio that is not remuxed; its name.
    Unsupported(&'static str),
    /// Encrypted by SAMPLE-AES; the name of what is encrypted.
    SampleAes(&'static str),
    /// A private stream without a descriptor that names its coding. It may be video or audio.
    Private,
    /// Neither video nor audio, or unknown.
    Other,
}

/// The streams of a PMT.
pub fn streams(section: &[u8]) -> Option<Vec<Stream>> {
    let body = body(section, 0x02)?;
    let [_, _, high, low, rest @ ..] = body else {
        return None;
    };
    let mut rest = rest.get(usize::from(u16::from_be_bytes([high & 0x0f, *low]))..)?;
    let mut streams = Vec::new();
    while let &[stream_type, pid_high, pid_low, high, low, ref after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([high & 0x0f, low]));
        let descriptors = after.get(..length)?;
        streams.push(Stream {
            pid: u16::from_be_bytes([pid_high & 0x1f, pid_low]),
            coding: coding(stream_type, descriptors),
        });
        rest = after.get(length..)?;
        if streams.len() == MAX_STREAMS {
            break;
        }
    }
    Some(streams)
}

/// Stream types: ISO/IEC 13818-1 table 2-34, ATSC A/53 and A/52, SAMPLE-AES by Apple's "MPEG-2 Stream Encryption Format".
fn coding(stream_type: u8, descriptors: &[u8]) -> Coding {
    match stream_type {
        0x01 | 0x02 => Coding::Unsupported("MPEG-2 video"),
        0x03 | 0x04 => Coding::MpegAudio,
        0x06 => private(descriptors),
        0x0f => Coding::Adts,
        0x10 => Coding::Unsupported("MPEG-4 part 2 video"),
        0x11 => Coding::Unsupported("AAC in LATM"),
        0x1c => Coding::Unsupported("AAC without ADTS"),
        0x15 => Coding::Id3,
        0x1b => Coding::H264,
        0x24 => Coding::H265,
        0x33 => Coding::Unsupported("H.266"),
        // Blu-ray's PCM and DTS have these too, and say so by their registration.
        0x81 => Coding::Ac3,
        0x82 | 0x85 | 0x86 if has_registration(descriptors, b"HDMV") => Coding::Unsupported("DTS"),
        0x87 => Coding::Eac3,
        0xc1 => Coding::SampleAes("AC-3"),
        0xc2 => Coding::SampleAes("E-AC-3"),
        0xcf => Coding::SampleAes("AAC"),
        0xdb => Coding::SampleAes("H.264"),
        0xea => Coding::Unsupported("VC-1"),
        0x83 => Coding::Unsupported("Dolby TrueHD"),
        0x80.. => Coding::Private,
        _ => Coding::Other,
    }
}

/// The coding of private PES packets, by DVB's descriptors (ETSI EN 300 468) and by registrations.
fn private(descriptors: &[u8]) -> Coding {
    for (tag, content) in Descriptors(descriptors) {
        let coding = match (tag, content) {
            (0x05, b"AC-3") | (0x6a, _) => Coding::Ac3,
            (0x05, b"EAC3") | (0x7a, _) => Coding::Eac3,
            (0x05, [b'H', b'E', b'V', b'C', ..]) => Coding::H265,
            (0x05, [b'I', b'D', b'3', b' ', ..]) => Coding::Id3,
            (0x05, [b'O', b'p', b'u', b's', ..]) => Coding::Unsupported("Opus"),
            (0x05, [b'A', b'V', b'0', b'1', ..]) => Coding::Unsupported("AV1"),
            (0x05, [b'D', b'T', b'S', ..]) | (0x7b, _) => Coding::Unsupported("DTS"),
            (0x7c, _) => Coding::Unsupported("AAC in LATM"),
            (0x7f, [0x15, ..]) => Coding::Unsupported("AC-4"),
            // VBI data, teletext and subtitles of DVB, metadata.
            (0x45 | 0x46 | 0x56 | 0x59, _) | (0x05, b"KLVA") => Coding::Other,
            _ => continue,
        };
        return coding;
    }
    Coding::Private
}

fn has_registration(descriptors: &[u8], format: &[u8]) -> bool {
    Descriptors(descriptors).any(|(tag, content)| tag == 0x05 && content.starts_with(format))
}

/// Tag and content of each descriptor.
struct Descriptors<'a>(&'a [u8]);

impl<'a> Iterator for Descriptors<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let &[tag, length, ref rest @ ..] = self.0 else {
            return None;
        };
        let content = rest.get(..usize::from(length))?;
        self.0 = rest.get(usize::from(length)..)?;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section with its header and its checksum.
    fn section(table: u8, body: &[u8]) -> Vec<u8> {
        let length = u8::try_from(body.len() + 9).unwrap();
        let mut section = [&[table, 0xb0, length, 0, 1, 0xc1, 0, 0], body].concat();
        let crc = checksum(&section);
        section.extend(crc.to_be_bytes());
        section
    }

    #[test]
    fn network_pid_is_not_a_program() {
        let pat = section(0, &[0, 0, 0xe0, 0x10, 0, 1, 0xf0, 0x00]);
        let program = first_program(&pat).unwrap();
        assert_eq!((program.number, program.pid), ([0, 1], 0x1000));
    }

    #[test]
    fn section_is_read_across_packets_and_behind_a_pointer() {
        let pat = section(0, &[0, 1, 0xf0, 0x00]);
        let mut sections = Sections::default();
        sections.packet(true);
        assert!(sections.push(&[2, 9]).is_empty());
        assert!(sections.push(&[9, pat[0]]).is_empty());
        sections.packet(false);
        assert!(sections.push(&pat[1..5]).is_empty());
        let end = [&pat[5..], &[0xff; 9]].concat();
        assert_eq!(sections.push(&end), [pat]);
        assert!(sections.push(&[0xff; 9]).is_empty());
    }

    #[test]
    fn section_may_end_where_the_next_one_begins() {
        let [first, second] = [1, 2].map(|number| section(0, &[0, number, 0xf0, number]));
        let bytes = [first.as_slice(), &second, &second].concat();
        for cut in 1..first.len() {
            let mut sections = Sections::default();
            sections.packet(true);
            assert!(sections.push(&[&[0], &bytes[..cut]].concat()).is_empty());
            sections.packet(true);
            let tail = u8::try_from(first.len() - cut).unwrap();
            let mut found = sections.push(&[&[tail], &bytes[cut..30]].concat());
            found.extend(sections.push(&bytes[30..]));
            assert_eq!(
                found,
                [first.clone(), second.clone(), second.clone()],
                "{cut}"
            );
        }
    }

    #[test]
    fn section_with_wrong_checksum_is_ignored() {
        let mut pat = section(0, &[0, 1, 0xf0, 0x00]);
        pat[9] ^= 1;
        let mut sections = Sections::default();
        sections.packet(true);
        assert!(sections.push(&[&[0], pat.as_slice()].concat()).is_empty());
    }

    #[test]
    fn streams_are_known_by_type_or_descriptor() {
        let pmt = section(
            2,
            &[
                0xe1, 0, 0xf0, 2, 1, 0, // PCR PID, two bytes of descriptors
                0x1b, 0xe1, 0, 0xf0, 0, // H.264
                0x06, 0xe1, 1, 0xf0, 6, 5, 4, b'A', b'C', b'-', b'3', // AC-3
                0x11, 0xe1, 2, 0xf0, 0, // LATM
                0xdb, 0xe1, 3, 0xf0, 0, // SAMPLE-AES
            ],
        );
        let codings: Vec<_> = streams(&pmt)
            .unwrap()
            .iter()
            .map(|it| (it.pid, it.coding))
            .collect();
        assert_eq!(
            codings,
            [
                (0x100, Coding::H264),
                (0x101, Coding::Ac3),
                (0x102, Coding::Unsupported("AAC in LATM")),
                (0x103, Coding::SampleAes("H.264")),
            ]
        );
    }
}
