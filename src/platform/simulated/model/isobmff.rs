//! The segment parser for the
//! [ISO BMFF byte stream format](https://www.w3.org/TR/mse-byte-stream-format-isobmff/): incremental, and
//! without a copy of the payload.

use std::collections::VecDeque;

use super::{Engine, Nanos, SECOND};
use crate::platform::simulated::bytes::Bytes;

/// What a track is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// One track of an init segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// `track_ID`.
    pub id: u32,
    /// By `hdlr`.
    pub kind: TrackKind,
    /// Ticks per second.
    pub timescale: u32,
    /// The sample entry's four-character code.
    pub codec: [u8; 4],
    /// Where the edit list begins to play the media, in ticks; 0 without one.
    pub edit_start: i64,
    defaults: Defaults,
}

/// The defaults of `trex` and `tfhd`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Defaults {
    duration: u32,
    size: u32,
    flags: u32,
}

/// An init segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitSegment {
    /// All of them, in order.
    pub tracks: Vec<Track>,
    /// What `mehd` or `mvhd` say; `None` if they do not.
    pub duration: Option<Nanos>,
}

/// A coded frame, in its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodedFrame {
    /// `track_ID`.
    pub track: u32,
    /// Decode timestamp.
    pub dts: Nanos,
    /// Presentation timestamp.
    pub pts: Nanos,
    /// Where its presentation ends.
    pub end: Nanos,
    /// Whether it is a random access point.
    pub is_sync: bool,
    /// Bytes.
    pub size: usize,
}

/// What the parser found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// An init segment, complete.
    Init(InitSegment),
    /// A frame, of which all bytes have arrived.
    Frame(CodedFrame),
}

/// The bytes are no segment of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// The parser of one SourceBuffer.
#[derive(Debug)]
pub struct Parser {
    input: Bytes,
    /// Position of the input's first byte since the last reset.
    position: u64,
    state: State,
    /// By the last init segment.
    tracks: Vec<Track>,
    /// The frames of the current segment whose bytes have not all arrived, in the order of their bytes.
    waiting: VecDeque<Waiting>,
    /// Decode time at which each track continues if a fragment does not say, in ticks.
    continues: Vec<(u32, i64)>,
    is_in_media_segment: bool,
    engine: Engine,
    applies_edit_lists: bool,
}

#[derive(Debug)]
struct Waiting {
    /// Where its bytes end.
    arrives: u64,
    frame: CodedFrame,
}

#[derive(Debug, Default)]
enum State {
    /// Before a box.
    #[default]
    Header,
    /// Inside a box whose content is passed over.
    Skip { left: u64, is_media: bool },
    /// After bytes that are no box.
    Swallow,
}

/// What may be at the top level: Chromium's list (`BoxReader::IsValidTopLevelBox`).
const TOP_LEVEL: [&[u8; 4]; 17] = [
    b"ftyp", b"pdin", b"bloc", b"moov", b"moof", b"mfra", b"mdat", b"free", b"skip", b"meta",
    b"meco", b"styp", b"sidx", b"ssix", b"prft", b"uuid", b"emsg",
];

impl Parser {
    /// A parser that waits for an init segment.
    pub fn new(engine: Engine, applies_edit_lists: bool) -> Self {
        Self {
            input: Bytes::default(),
            position: 0,
            state: State::Header,
            tracks: Vec::new(),
            waiting: VecDeque::new(),
            continues: Vec::new(),
            is_in_media_segment: false,
            engine,
            applies_edit_lists,
        }
    }

    /// Forgets the init segment.
    pub fn forget_init(&mut self) {
        self.tracks.clear();
    }

    /// Drops the segment that is incomplete (part of § 3.5.2, reset parser state).
    pub fn reset(&mut self) {
        self.input = Bytes::default();
        self.position = 0;
        self.state = State::Header;
        self.waiting.clear();
        self.is_in_media_segment = false;
    }

    /// Whether the append state is `PARSING_MEDIA_SEGMENT`.
    pub const fn is_in_media_segment(&self) -> bool {
        self.is_in_media_segment
    }

    /// Takes bytes, and returns what is complete now, up to the first error.
    pub fn push(&mut self, bytes: &Bytes) -> (Vec<Parsed>, Result<(), Malformed>) {
        self.input.append(bytes);
        let mut found = Vec::new();
        let result = self.parse(&mut found);
        (found, result)
    }

    fn parse(&mut self, found: &mut Vec<Parsed>) -> Result<(), Malformed> {
        loop {
            match self.state {
                State::Swallow => {
                    self.consume(self.input.len());
                    return Ok(());
                }
                State::Skip { left, is_media } => {
                    let here = (self.input.len() as u64).min(left);
                    self.consume(here as usize);
                    while let Some(next) = self.waiting.front()
                        && next.arrives <= self.position
                    {
                        found.push(Parsed::Frame(next.frame));
                        self.waiting.pop_front();
                    }
                    if here < left {
                        let left = left - here;
                        self.state = State::Skip { left, is_media };
                        return Ok(());
                    }
                    if is_media {
                        self.is_in_media_segment = false;
                        self.waiting.clear();
                    }
                    self.state = State::Header;
                }
                State::Header => {
                    let start = self.input.prefix(16);
                    let Some(header) = BoxHeader::read(&start) else {
                        return Ok(());
                    };
                    let is_known = TOP_LEVEL.contains(&&header.kind);
                    if !is_known || header.size < header.length {
                        match self.treat_garbage(&header, is_known)? {
                            Some(state) => self.state = state,
                            None => return Ok(()),
                        }
                        continue;
                    }
                    match &header.kind {
                        b"moov" | b"moof" => {
                            let is_media = &header.kind == b"moof";
                            self.is_in_media_segment |= is_media;
                            if (self.input.len() as u64) < header.size {
                                return Ok(());
                            }
                            let whole = self.input.prefix(header.size as usize);
                            let content = &whole[header.length as usize..];
                            if is_media {
                                self.read_moof(content)?;
                            } else {
                                let init = read_moov(content)?;
                                self.tracks.clone_from(&init.tracks);
                                self.continues.clear();
                                self.is_in_media_segment = false;
                                found.push(Parsed::Init(init));
                            }
                            self.consume(header.size as usize);
                        }
                        kind => {
                            let is_media = kind == b"mdat";
                            self.state = State::Skip {
                                left: header.size - header.length,
                                is_media,
                            };
                            self.consume(header.length as usize);
                        }
                    }
                }
            }
        }
    }

    /// What each engine does with a box that it does not know, or that is smaller than its header: goes on in a
    /// state, or waits for more of it.
    fn treat_garbage(
        &mut self,
        header: &BoxHeader,
        is_known: bool,
    ) -> Result<Option<State>, Malformed> {
        const ERROR: Malformed = Malformed("no box of a segment");
        /// Larger than any box but an `mdat`.
        const LARGE: u64 = 32 << 20;
        /// The largest box that Chromium reads.
        const MAX_SIZE: u64 = i32::MAX as u64;
        let is_too_small = header.size < header.length;
        match self.engine {
            // It looks at the type once the whole box is there: of text, which begins like a size of a gigabyte,
            // that is never.
            Engine::Chromium => {
                let is_refused = is_too_small
                    || header.size > MAX_SIZE
                    || header.size <= self.input.len() as u64;
                match is_refused {
                    true => Err(ERROR),
                    false => Ok(None),
                }
            }
            Engine::Firefox if is_known => Ok(Some(State::Swallow)),
            Engine::Firefox => Err(ERROR),
            // GStreamer's demuxer passes over what it does not know, within reason.
            Engine::WebKit if header.size > LARGE || (is_too_small && !is_known) => Err(ERROR),
            Engine::WebKit if is_too_small => Ok(Some(State::Swallow)),
            Engine::WebKit => {
                self.consume(header.length as usize);
                Ok(Some(State::Skip {
                    left: header.size - header.length,
                    is_media: false,
                }))
            }
        }
    }

    fn consume(&mut self, length: usize) {
        self.position += length as u64;
        self.input = self.input.slice(length..usize::MAX);
    }

    fn read_moof(&mut self, content: &[u8]) -> Result<(), Malformed> {
        if self.tracks.is_empty() {
            return match self.engine {
                Engine::WebKit => Ok(()),
                _ => Err(Malformed("a media segment before the init segment")),
            };
        }
        let mut frames = Vec::new();
        let mut next_byte = self.position;
        for (kind, traf) in boxes(content) {
            if &kind == b"traf" {
                next_byte = self.read_traf(traf, next_byte, &mut frames)?;
            }
        }
        frames.sort_by_key(|it| it.arrives);
        self.waiting = frames.into();
        Ok(())
    }

    /// Reads a track fragment; `follows` is where its bytes begin unless it says otherwise. Returns where they
    /// end.
    fn read_traf(
        &mut self,
        traf: &[u8],
        follows: u64,
        frames: &mut Vec<Waiting>,
    ) -> Result<u64, Malformed> {
        let find = |wanted: &[u8; 4]| boxes(traf).find(|(kind, _)| kind == wanted);
        let (_, tfhd) = find(b"tfhd").ok_or(Malformed("no tfhd"))?;
        let mut tfhd = Reader(tfhd);
        let flags = tfhd.u32()? & 0xFF_FFFF;
        let id = tfhd.u32()?;
        let track = self.tracks.iter().find(|track| track.id == id);
        let track = track.ok_or(Malformed("a track that the init segment has not"))?;
        let moof = self.position;
        let mut base = match flags & 0x02_0000 {
            0 => follows,
            _ => moof,
        };
        if flags & 0x01 != 0 {
            base = tfhd.u64()?;
        }
        if flags & 0x02 != 0 {
            tfhd.u32()?;
        }
        let mut defaults = track.defaults;
        if flags & 0x08 != 0 {
            defaults.duration = tfhd.u32()?;
        }
        if flags & 0x10 != 0 {
            defaults.size = tfhd.u32()?;
        }
        if flags & 0x20 != 0 {
            defaults.flags = tfhd.u32()?;
        }
        let continued = self.continues.iter().position(|(known, _)| *known == id);
        let mut decode_time = match find(b"tfdt") {
            Some((_, tfdt)) => {
                let mut tfdt = Reader(tfdt);
                match tfdt.u32()? >> 24 {
                    0 => i64::from(tfdt.u32()?),
                    _ => tfdt.u64()? as i64,
                }
            }
            None => continued.map_or(0, |nth| self.continues[nth].1),
        };
        let shift = match self.applies_edit_lists {
            true => track.edit_start,
            false => 0,
        };
        let time = |ticks: i64| ticks_to_nanos(ticks - shift, track.timescale);
        let mut at = base;
        for (_, trun) in boxes(traf).filter(|(kind, _)| kind == b"trun") {
            let mut trun = Reader(trun);
            let flags = trun.u32()?;
            let count = trun.u32()?;
            if flags & 0x01 != 0 {
                at = base.wrapping_add_signed(i64::from(trun.u32()? as i32));
            }
            let mut first_flags = None;
            if flags & 0x04 != 0 {
                first_flags = Some(trun.u32()?);
            }
            for nth in 0..count {
                let mut field = |bit: u32, default: u32| match flags & bit {
                    0 => Ok(default),
                    _ => trun.u32(),
                };
                let duration = field(0x100, defaults.duration)?;
                let size = field(0x200, defaults.size)?;
                let mut sample_flags = field(0x400, defaults.flags)?;
                let composition = field(0x800, 0)?;
                if nth == 0
                    && let Some(first) = first_flags
                {
                    sample_flags = first;
                }
                // Unsigned in version 0, but so small that only a signed one has the upper bit.
                let pts = decode_time + i64::from(composition as i32);
                at += u64::from(size);
                frames.push(Waiting {
                    arrives: at,
                    frame: CodedFrame {
                        track: id,
                        dts: time(decode_time),
                        pts: time(pts),
                        end: time(pts + i64::from(duration)),
                        is_sync: track.kind == TrackKind::Audio || sample_flags & 0x01_0000 == 0,
                        size: size as usize,
                    },
                });
                decode_time += i64::from(duration);
            }
        }
        match continued {
            Some(nth) => self.continues[nth].1 = decode_time,
            None => self.continues.push((id, decode_time)),
        }
        Ok(at)
    }
}

fn ticks_to_nanos(ticks: i64, timescale: u32) -> Nanos {
    let timescale = i128::from(timescale.max(1));
    let scaled = i128::from(ticks) * i128::from(SECOND);
    (scaled + timescale / 2).div_euclid(timescale) as Nanos
}

fn read_moov(content: &[u8]) -> Result<InitSegment, Malformed> {
    let mut init = InitSegment::default();
    let mut trex = Vec::new();
    let mut timescale = 1;
    let mut length = 0;
    for (kind, content) in boxes(content) {
        match &kind {
            b"mvhd" => (timescale, length) = read_durations(content)?,
            b"trak" => init.tracks.extend(read_trak(content, timescale)?),
            b"mvex" => {
                for (kind, content) in boxes(content) {
                    let mut reader = Reader(content);
                    match &kind {
                        b"mehd" => {
                            length = match reader.u32()? >> 24 {
                                0 => u64::from(reader.u32()?),
                                _ => reader.u64()?,
                            }
                        }
                        b"trex" => {
                            reader.u32()?;
                            let id = reader.u32()?;
                            reader.u32()?;
                            let defaults = Defaults {
                                duration: reader.u32()?,
                                size: reader.u32()?,
                                flags: reader.u32()?,
                            };
                            trex.push((id, defaults));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    for track in &mut init.tracks {
        let own = trex.iter().find(|(id, _)| *id == track.id);
        track.defaults = own.map(|it| it.1).unwrap_or_default();
    }
    if init.tracks.is_empty() {
        return Err(Malformed("no track"));
    }
    init.duration = (length != 0 && length < u64::from(u32::MAX))
        .then(|| ticks_to_nanos(length as i64, timescale));
    Ok(init)
}

/// Timescale and duration of `mvhd` or `mdhd`.
fn read_durations(content: &[u8]) -> Result<(u32, u64), Malformed> {
    let mut reader = Reader(content);
    if reader.u32()? >> 24 == 0 {
        reader.skip(8)?;
        Ok((reader.u32()?, u64::from(reader.u32()?)))
    } else {
        reader.skip(16)?;
        Ok((reader.u32()?, reader.u64()?))
    }
}

/// Reads a track; `None` if it has neither pictures nor sound.
fn read_trak(content: &[u8], movie_timescale: u32) -> Result<Option<Track>, Malformed> {
    let mut track = Track {
        id: 0,
        kind: TrackKind::Video,
        timescale: 0,
        codec: *b"    ",
        edit_start: 0,
        defaults: Defaults::default(),
    };
    let mut handler = *b"    ";
    if let Some(tkhd) = descend(content, &[b"tkhd"]) {
        let mut reader = Reader(tkhd);
        let version = reader.u32()? >> 24;
        reader.skip(if version == 0 { 8 } else { 16 })?;
        track.id = reader.u32()?;
    }
    if let Some(mdhd) = descend(content, &[b"mdia", b"mdhd"]) {
        (track.timescale, _) = read_durations(mdhd)?;
    }
    if let Some(hdlr) = descend(content, &[b"mdia", b"hdlr"]) {
        let mut reader = Reader(hdlr);
        reader.skip(8)?;
        handler = reader.u32()?.to_be_bytes();
    }
    if let Some(stsd) = descend(content, &[b"mdia", b"minf", b"stbl", b"stsd"]) {
        let mut reader = Reader(stsd);
        reader.skip(8)?;
        if let Some((codec, _)) = boxes(reader.0).next() {
            track.codec = codec;
        }
    }
    if let Some(elst) = descend(content, &[b"edts", b"elst"]) {
        let mut reader = Reader(elst);
        let version = reader.u32()? >> 24;
        let count = reader.u32()?;
        // An empty edit, which has the media time -1, delays the edit after it.
        let mut delay = 0;
        for _ in 0..count.min(2) {
            let (duration, media_time) = match version {
                0 => (i64::from(reader.u32()?), i64::from(reader.u32()? as i32)),
                _ => (reader.u64()? as i64, reader.u64()? as i64),
            };
            reader.u32()?;
            if media_time < 0 && movie_timescale > 0 {
                delay = duration * i64::from(track.timescale) / i64::from(movie_timescale);
                track.edit_start = -delay;
            } else {
                track.edit_start = media_time.max(0) - delay;
                break;
            }
        }
    }
    track.kind = match &handler {
        b"vide" => TrackKind::Video,
        b"soun" => TrackKind::Audio,
        _ => return Ok(None),
    };
    match track.id != 0 && track.timescale != 0 {
        true => Ok(Some(track)),
        false => Err(Malformed("a track without id or timescale")),
    }
}

/// The content of the first box at a path.
fn descend<'a>(content: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    let mut content = content;
    for wanted in path {
        content = boxes(content).find(|(kind, _)| kind == *wanted)?.1;
    }
    Some(content)
}

#[derive(Clone, Copy)]
struct BoxHeader {
    kind: [u8; 4],
    /// Bytes of the header.
    length: u64,
    /// Bytes of the whole box.
    size: u64,
}

impl BoxHeader {
    /// Reads a header; `None` if it is not complete.
    fn read(bytes: &[u8]) -> Option<Self> {
        let size = u32::from_be_bytes(*bytes.first_chunk()?);
        let kind = *bytes.get(4..)?.first_chunk()?;
        let (length, size) = match size {
            1 => (16, u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?)),
            _ => (8, u64::from(size)),
        };
        Some(Self { kind, length, size })
    }
}

/// The boxes in the content of another, up to the first that is cut short.
fn boxes(content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = content;
    std::iter::from_fn(move || {
        let header = BoxHeader::read(rest)?;
        let size = usize::try_from(header.size).ok()?;
        let content = rest.get(header.length as usize..size)?;
        rest = &rest[size..];
        Some((header.kind, content))
    })
}

/// Reads big-endian numbers.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn skip(&mut self, length: usize) -> Result<(), Malformed> {
        self.0 = self.0.get(length..).ok_or(CUT_SHORT)?;
        Ok(())
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        let bytes = *self.0.first_chunk().ok_or(CUT_SHORT)?;
        self.skip(4)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        let bytes = *self.0.first_chunk().ok_or(CUT_SHORT)?;
        self.skip(8)?;
        Ok(u64::from_be_bytes(bytes))
    }
}

const CUT_SHORT: Malformed = Malformed("a box is cut short");
