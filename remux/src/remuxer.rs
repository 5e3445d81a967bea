//! Remuxes packets to fragments: routes packets to streams, and orders the streams' fragments.

use std::collections::VecDeque;

use crate::{
    audio::{self, Audio},
    mp4::{self, FragmentBuilder},
    output::{Fragment, Init, Kind, Metadata, MetadataKind, Output, Problem, Track},
    packets::{Header, PACKET, Packets, Part, WINDOW},
    pes::{Pes, Piece},
    psi::{self, Coding, Sections},
    time::{Clock, TICKS},
    video::{self, Video},
};

/// PID of the program association table.
const PAT: u16 = 0;

/// PID of null packets.
const NULL: u16 = 0x1fff;

/// Maximum size of the packets that are kept before the first PMT, in bytes.
const MAX_EARLY: usize = 1 << 20;

/// Maximum size of the fragments that wait for the other track's configuration, in bytes.
const MAX_HELD: usize = 8 << 20;

/// Maximum duration of the fragments that wait for the other track's configuration, in ticks of 90 kHz.
const MAX_WAIT: i64 = 10 * TICKS;

/// Maximum size of a PES packet of ID3 tags in bytes; longer ones are dropped.
const MAX_ID3: usize = 1 << 18;

/// Maximum number of problems that wait to be taken.
const MAX_PROBLEMS: usize = 32;

/// Maximum number of buffers that are kept for reuse.
const MAX_SPARE: usize = 2;

/// Number of bytes without a packet that are reported as a problem.
const MAX_JUNK: u64 = 1 << 16;

/// The tracks to remux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The first video stream in a coding that is decoded.
    pub video: bool,
    /// The first audio stream in a coding that is decoded.
    pub audio: bool,
    /// Whether the initialization segment does not wait for audio if there is video. Audio that comes later is reported
    /// as a [`Problem::LateTrack`].
    pub is_audio_optional: bool,
    /// Whether AC-3 is decoded.
    pub ac3: bool,
    /// Whether Enhanced AC-3 is decoded.
    pub eac3: bool,
    /// Whether MPEG audio is decoded in MP4. Otherwise its frames are written as they are, if there is no video, and
    /// left out if there is.
    pub mp3_in_mp4: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            video: true,
            audio: true,
            is_audio_optional: false,
            ac3: true,
            eac3: true,
            mp3_in_mp4: true,
        }
    }
}

/// An event of a track.
#[derive(Debug)]
enum Event {
    Configured(Track),
    GivenUp(Kind),
    Fragment(Fragment),
    Metadata(Metadata),
    Problem(Problem),
}

/// The events of tracks, in order, and the buffers that they may reuse.
#[derive(Debug, Default)]
pub struct Events {
    list: Vec<Event>,
    spare: Vec<Vec<u8>>,
}

impl Events {
    /// Records the configuration of the fragments that follow.
    pub(crate) fn configured(&mut self, track: Track) {
        self.list.push(Event::Configured(track));
    }

    /// Records that this track will have no fragments.
    pub(crate) fn given_up(&mut self, kind: Kind) {
        self.list.push(Event::GivenUp(kind));
    }

    /// Takes the finished part of a fragment. Returns the distance by which the rest has moved to the front.
    pub(crate) fn fragment(
        &mut self,
        builder: &mut FragmentBuilder,
        timescale: u32,
    ) -> Option<usize> {
        builder.end()?;
        let (fragment, moved) = builder.take(timescale, self.spare.pop())?;
        self.list.push(Event::Fragment(fragment));
        Some(moved)
    }

    /// Records the captions of the picture shown at this time, if it has any.
    pub(crate) fn captions(&mut self, pts: i64, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            let kind = MetadataKind::Captions;
            self.metadata(Metadata { kind, pts, bytes });
        }
    }

    /// The recorded fragments.
    #[cfg(test)]
    pub(crate) fn fragments(self) -> Vec<Fragment> {
        let fragment = |event| match event {
            Event::Fragment(fragment) => Some(fragment),
            _ => None,
        };
        self.list.into_iter().filter_map(fragment).collect()
    }

    /// The recorded problems.
    #[cfg(test)]
    pub(crate) fn problems(self) -> Vec<Problem> {
        let problem = |event| match event {
            Event::Problem(problem) => Some(problem),
            _ => None,
        };
        self.list.into_iter().filter_map(problem).collect()
    }

    pub(crate) fn metadata(&mut self, metadata: Metadata) {
        self.list.push(Event::Metadata(metadata));
    }

    pub(crate) fn problem(&mut self, problem: Problem) {
        self.list.push(Event::Problem(problem));
    }
}

/// The reader of an elementary stream.
#[derive(Debug)]
enum Body {
    Video(Box<Video>),
    Audio(Box<Audio>),
    Id3(Id3),
}

/// The PES packet of ID3 tags being read.
#[derive(Debug, Default)]
struct Id3 {
    bytes: Vec<u8>,
    pts: Option<i64>,
    /// The length in its header.
    length: Option<usize>,
}

/// A packet that arrived before the program was known.
#[derive(Debug)]
struct EarlyPacket {
    header: Header,
    at: u64,
    payload: Vec<u8>,
}

/// An elementary stream that is read.
#[derive(Debug)]
struct Stream {
    pid: u16,
    /// Continuity counter of the last packet with payload.
    continuity: Option<u8>,
    pes: Pes,
    /// Missing bytes of the PES packet, if its length is stated.
    left: Option<usize>,
    /// Whether the last packet is full: see [`Header::is_full`].
    is_full: bool,
    /// Whether a segment has begun since the last packet.
    is_at_boundary: bool,
    body: Body,
}

/// Sections of one PID.
#[derive(Debug, Default)]
struct Table {
    continuity: Option<u8>,
    sections: Sections,
    /// The section in force.
    current: Vec<u8>,
}

/// The destination of the current packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Ignored,
    Pat,
    Pmt,
    /// The index of a stream.
    Stream(usize),
    /// A stream that may become known later.
    Early,
}

/// The order of a packet relative to the previous one of its PID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Next,
    Again,
    Gap,
}

/// Remuxes MPEG-TS to fragmented MP4.
#[derive(Debug)]
pub struct Remuxer {
    wanted: Wanted,
    packets: Packets,
    /// Bytes in which the search for packets could not decide yet; shorter than its window.
    lead: Vec<u8>,
    /// Number of bytes pushed before the current ones.
    position: u64,
    /// Number of bytes skipped since the last packet.
    junk: u64,
    pat: Table,
    pmt: Table,
    selected: Option<psi::Program>,
    has_program: bool,
    streams: Vec<Stream>,
    target: Target,
    early: Vec<EarlyPacket>,
    clock: Clock,
    events: Events,
    /// Configurations of video and audio, as far as they are known.
    tracks: [Option<Track>; 2],
    /// The tracks that are expected.
    is_expected: [bool; 2],
    /// The tracks that the program map lists.
    is_listed: [bool; 2],
    /// The tracks of the last initialization segment; `None` before there is one.
    written: Option<[bool; 2]>,
    /// The outputs that wait for the initialization segment.
    held: Vec<Fragment>,
    outputs: VecDeque<Output>,
    /// Number of problems among the outputs.
    problems: usize,
    sequence: u32,
}

fn index(kind: Kind) -> usize {
    match kind {
        Kind::Video => 0,
        Kind::Audio => 1,
    }
}

impl Remuxer {
    /// Creates a remuxer for these tracks. `expected` is the time, in ticks of 90 kHz, near which the first timestamp is
    /// expected, such as the end of the previous fragment: timestamps have 33 bits, and wrap.
    /// Without it, times begin between 2^33 and 2^34.
    pub fn new(wanted: Wanted, expected: Option<i64>) -> Self {
        Self {
            wanted,
            packets: Packets::default(),
            lead: Vec::new(),
            position: 0,
            junk: 0,
            pat: Table::default(),
            pmt: Table::default(),
            selected: None,
            has_program: false,
            streams: Vec::new(),
            target: Target::Ignored,
            early: Vec::new(),
            clock: Clock::new(expected),
            events: Events::default(),
            tracks: [None, None],
            is_expected: [false; 2],
            is_listed: [false; 2],
            written: None,
            held: Vec::new(),
            outputs: VecDeque::new(),
            problems: 0,
            sequence: 0,
        }
    }

    /// Starts again, after a seek or at a discontinuity. Drops outputs that were not taken. Reads the program again, and
    /// writes another initialization segment.
    pub fn start(&mut self, wanted: Wanted, expected: Option<i64>) {
        let spare = std::mem::take(&mut self.events.spare);
        *self = Self {
            sequence: self.sequence,
            ..Self::new(wanted, expected)
        };
        self.events.spare = spare;
    }

    /// Adds bytes, in parts of any size. Call [`Self::take`] for all outputs before more is pushed: they are kept until
    /// then. Outputs are usually about as long as their input, but a hostile stream may contain a fragment of 4 KiB for
    /// every 40 bytes: push at most some hundred kilobytes at a time.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.lead.is_empty() && !rest.is_empty() {
            let (some, later) = rest.split_at(rest.len().min(WINDOW));
            self.lead.extend_from_slice(some);
            rest = later;
            let lead = std::mem::take(&mut self.lead);
            self.read(&lead, false);
        }
        if !rest.is_empty() {
            self.read(rest, false);
        }
    }

    /// Announces the bytes of another segment that continues the previous one: continuity counters may start again, and
    /// incomplete samples continue.
    pub fn next_segment(&mut self) {
        self.end_packets();
        if let Some(index) = self.cut_stream() {
            let pid = self.streams.get(index).map_or(NULL, |stream| stream.pid);
            self.lost(Target::Stream(index), pid, self.position);
        }
        self.packets = Packets::default();
        self.target = Target::Ignored;
        for stream in &mut self.streams {
            stream.continuity = None;
            stream.is_at_boundary = true;
        }
        self.pat.continuity = None;
        self.pmt.continuity = None;
    }

    /// Reads what the search for packets has held back.
    fn end_packets(&mut self) {
        let lead = std::mem::take(&mut self.lead);
        self.read(&lead, true);
        self.lead.clear();
    }

    /// The stream whose last packet is cut in two by the end of the bytes.
    fn cut_stream(&self) -> Option<usize> {
        match self.target {
            Target::Stream(index) if self.packets.is_in_packet() => Some(index),
            _ => None,
        }
    }

    /// Ends the input: completes the last samples and makes all outputs available.
    ///
    /// More may be pushed afterwards. Call it at the end of the stream, before a seek, and before a discontinuity,
    /// but not between segments that follow each other: frames may cross their boundary.
    pub fn flush(&mut self) {
        self.end_packets();
        let cut = self.cut_stream();
        self.packets = Packets::default();
        self.next_segment();
        if !self.has_program && (self.position > 0 || self.junk > 0) {
            match self.junk == self.position {
                true => self
                    .events
                    .problem(Problem::NoPackets { at: self.position }),
                false => self.events.problem(Problem::NoProgram),
            }
        }
        self.early.clear();
        for (index, stream) in self.streams.iter_mut().enumerate() {
            stream.finish(cut == Some(index), &mut self.events);
        }
        self.settle();
        self.write_init(true);
    }

    /// Takes the next output, in the order in which they must be used.
    pub fn take(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if matches!(output, Some(Output::Problem(_))) {
            self.problems -= 1;
        }
        output
    }

    /// Takes back a fragment that was appended, to reuse its memory.
    pub fn recycle(&mut self, fragment: Fragment) {
        if self.events.spare.len() < MAX_SPARE {
            self.events.spare.push(fragment.buffer);
        }
    }

    /// Reads `bytes` as far as possible, and keeps the rest in `lead`.
    fn read(&mut self, bytes: &[u8], is_last: bool) {
        let mut at = 0;
        let mut packet = self.position;
        let mut packets = std::mem::take(&mut self.packets);
        while let Some(part) = packets.next(bytes, &mut at, is_last) {
            match part {
                Part::Junk(length) => self.pass_over(length),
                Part::Header(header) => {
                    packet = self.position + at as u64;
                    self.junk = 0;
                    self.target = self.route(header, packet);
                    self.header(header, packet);
                    if let (Target::Stream(index), true) = (self.target, header.unit_start)
                        && !packets.starts_again(header.pid, bytes, at)
                        && let Some(stream) = self.streams.get_mut(index)
                    {
                        match &mut stream.body {
                            Body::Video(video) => video.want_cut(),
                            Body::Audio(audio) => audio.want_cut(),
                            Body::Id3(_) => {}
                        }
                    }
                }
                Part::Payload(payload) => self.payload(payload, packet),
            }
        }
        self.packets = packets;
        self.position += at as u64;
        self.lead = bytes.get(at..).unwrap_or_default().to_vec();
    }

    fn pass_over(&mut self, length: usize) {
        let before = self.junk;
        self.junk += length as u64;
        if before < MAX_JUNK && self.junk >= MAX_JUNK {
            self.events.problem(Problem::NoPackets {
                at: self.position + self.junk,
            });
            self.settle();
        }
    }

    /// The destination of a packet.
    fn route(&mut self, header: Header, at: u64) -> Target {
        let Header { pid, .. } = header;
        if pid == NULL || !header.has_payload && !header.damaged {
            return Target::Ignored;
        }
        let (target, continuity) = match pid {
            PAT => (Target::Pat, &mut self.pat.continuity),
            _ if self.selected.is_some_and(|program| program.pid == pid) => {
                (Target::Pmt, &mut self.pmt.continuity)
            }
            _ => match self
                .streams
                .iter_mut()
                .enumerate()
                .find(|(_, stream)| stream.pid == pid)
            {
                Some((index, stream)) => (Target::Stream(index), &mut stream.continuity),
                None if self.has_program || self.early.len() >= MAX_EARLY / PACKET => {
                    return Target::Ignored;
                }
                None => return Target::Early,
            },
        };
        let order = order(continuity, header);
        if order == Order::Again {
            return Target::Ignored;
        }
        if header.scrambled {
            self.events.problem(Problem::Scrambled { pid });
            self.settle();
            return Target::Ignored;
        }
        if header.damaged || order == Order::Gap {
            self.lost(target, pid, at);
        }
        if header.damaged {
            Target::Ignored
        } else {
            target
        }
    }

    fn lost(&mut self, target: Target, pid: u16, at: u64) {
        match target {
            Target::Pat => self.pat.sections.lost(),
            Target::Pmt => self.pmt.sections.lost(),
            Target::Stream(index) => {
                if let Some(stream) = self.streams.get_mut(index) {
                    stream.lost();
                }
                self.events.problem(Problem::Lost { pid, at });
                self.settle();
            }
            Target::Early | Target::Ignored => {}
        }
    }

    fn header(&mut self, header: Header, at: u64) {
        match self.target {
            Target::Pat => self.pat.sections.packet(header.unit_start),
            Target::Pmt => self.pmt.sections.packet(header.unit_start),
            Target::Stream(index) => {
                let is_incomplete = |stream: &Stream| {
                    stream.is_at_boundary && header.unit_start && stream.left > Some(0)
                };
                if self.streams.get(index).is_some_and(is_incomplete) {
                    self.lost(self.target, header.pid, at);
                }
                if let Some(stream) = self.streams.get_mut(index) {
                    stream.is_at_boundary = false;
                    stream.is_full = header.is_full;
                    stream.pes.packet(header.unit_start);
                }
            }
            Target::Early => self.early.push(EarlyPacket {
                header,
                at,
                payload: Vec::new(),
            }),
            Target::Ignored => {}
        }
    }

    fn payload(&mut self, payload: &[u8], at: u64) {
        match self.target {
            Target::Pat => {
                for section in self.pat.sections.push(payload) {
                    let program = psi::first_program(&section);
                    if program.is_some() && program != self.selected {
                        self.selected = program;
                        self.pmt = Table::default();
                    }
                }
            }
            Target::Pmt => {
                for section in self.pmt.sections.push(payload) {
                    let is_selected = (self.selected)
                        .is_some_and(|program| psi::is_of_program(&section, program));
                    if is_selected
                        && section != self.pmt.current
                        && let Some(streams) = psi::streams(&section)
                    {
                        self.pmt.current = section;
                        self.program(&streams);
                    }
                }
            }
            Target::Stream(_) => self.elementary(payload, at),
            Target::Early => {
                if let Some(packet) = self.early.last_mut() {
                    packet.payload.extend_from_slice(payload);
                }
            }
            Target::Ignored => {}
        }
    }

    /// Reads a part of a PES packet.
    fn elementary(&mut self, payload: &[u8], at: u64) {
        let Target::Stream(index) = self.target else {
            return;
        };
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        let pid = stream.pid;
        match stream.pes.push(payload) {
            Piece::Nothing => {}
            Piece::Broken => {
                stream.lost();
                self.events.problem(Problem::Broken {
                    pid,
                    what: "a PES header",
                    at,
                });
            }
            Piece::Scrambled => {
                stream.lost();
                self.events.problem(Problem::Scrambled { pid });
            }
            Piece::Start(start, data) => {
                stream.left = start.length.map(|length| length.saturating_sub(data.len()));
                let times = start.stamps.map(|stamps| self.clock.unwrap(stamps));
                match &mut stream.body {
                    Body::Video(video) => video.start(times),
                    Body::Audio(audio) => audio.start(times),
                    Body::Id3(id3) => {
                        id3.start(times.map(|times| times.pts), start.length, &mut self.events)
                    }
                }
                stream.body.data(data, at, &mut self.events);
            }
            Piece::Data(data) => {
                stream.left = stream.left.map(|left| left.saturating_sub(data.len()));
                stream.body.data(data, at, &mut self.events);
            }
        }
        self.settle();
    }

    /// Applies a program map: begins to read its new streams, and continues with unchanged ones.
    fn program(&mut self, listed: &[psi::Stream]) {
        self.has_program = true;
        let fresh = self.readable(listed);
        let is_track = |stream: &&Stream| stream.body.kind().is_some();
        let is_missing =
            |stream: &Stream, others: &[Stream]| !others.iter().any(|other| other.is_like(stream));
        let mut before = std::mem::take(&mut self.streams);
        for stream in before.iter_mut().filter(|it| is_missing(it, &fresh)) {
            stream.finish(false, &mut self.events);
        }
        self.settle();
        let expected = [Kind::Video, Kind::Audio].map(|kind| {
            let mut tracks = fresh.iter().filter(is_track);
            tracks.any(|stream| stream.body.kind() == Some(kind))
        });
        let has_new = |stream: &&Stream| is_missing(stream, &before);
        let new: Vec<Kind> = (fresh.iter().filter(has_new))
            .filter_map(|stream| stream.body.kind())
            .collect();
        if expected != self.is_listed {
            // The samples that were read so far belong to the previous initialization segment.
            self.write_init(true);
            self.written = None;
            for kind in new {
                self.forget(kind);
            }
            for (track, expected) in self.tracks.iter_mut().zip(expected) {
                if !expected {
                    *track = None;
                }
            }
            let [video, audio] = expected;
            self.is_expected = [video, audio && !(video && self.wanted.is_audio_optional)];
            self.is_listed = expected;
            self.write_init(false);
        }
        for stream in fresh {
            let same = before.iter().position(|other| other.is_like(&stream));
            self.streams
                .push(same.map_or_else(|| stream, |same| before.swap_remove(same)));
        }
        self.settle();
        for EarlyPacket {
            header,
            at,
            payload,
        } in std::mem::take(&mut self.early)
        {
            self.target = self.route(header, at);
            self.header(header, at);
            self.payload(&payload, at);
        }
        self.target = Target::Ignored;
    }

    /// Drops the configuration of a track: that of another stream comes.
    fn forget(&mut self, kind: Kind) {
        if let Some(track) = self.tracks.get_mut(index(kind)) {
            *track = None;
        }
    }

    /// The streams to read of a program map: the first video and the first audio that can be decoded, and metadata.
    /// Reports the others by their names.
    fn readable(&mut self, listed: &[psi::Stream]) -> Vec<Stream> {
        let mut fresh: Vec<Stream> = Vec::new();
        let mut is_taken = [false; 2];
        let mut private = None;
        let wanted = self.wanted;
        let is_video = |stream: &psi::Stream| matches!(stream.coding, Coding::H264 | Coding::H265);
        let has_video = wanted.video && listed.iter().any(is_video);
        let count = self.problems + self.events.list.len();
        for psi::Stream { pid, coding } in listed.iter().copied() {
            let body = match coding {
                Coding::H264 => Ok(Body::video(pid, video::Coding::H264)),
                Coding::H265 => Ok(Body::video(pid, video::Coding::H265)),
                Coding::Adts => Ok(Body::audio(pid, audio::Coding::Adts)),
                Coding::MpegAudio if !wanted.mp3_in_mp4 && has_video => {
                    Err("MPEG audio beside video")
                }
                Coding::MpegAudio if !wanted.mp3_in_mp4 => {
                    Ok(Body::audio(pid, audio::Coding::RawMpeg))
                }
                Coding::MpegAudio => Ok(Body::audio(pid, audio::Coding::Mpeg)),
                Coding::Ac3 if !wanted.ac3 => Err("AC-3"),
                Coding::Eac3 if !wanted.eac3 => Err("E-AC-3"),
                Coding::Ac3 | Coding::Eac3 => Ok(Body::audio(pid, audio::Coding::Ac3)),
                Coding::Id3 => Ok(Body::Id3(Id3::default())),
                Coding::Unsupported(name) => Err(name),
                Coding::SampleAes(name) => {
                    self.events.problem(Problem::SampleAes { pid, name });
                    continue;
                }
                Coding::Private => {
                    private = private.or(Some(pid));
                    continue;
                }
                Coding::Other => continue,
            };
            let body = match body {
                Ok(body) => body,
                Err(name) => {
                    self.events
                        .problem(Problem::UnsupportedCoding { pid, name });
                    continue;
                }
            };
            if let Some(kind) = body.kind() {
                let is_wanted = match kind {
                    Kind::Video => wanted.video,
                    Kind::Audio => wanted.audio,
                };
                let is_first = is_taken
                    .get_mut(index(kind))
                    .is_some_and(|taken| !std::mem::replace(taken, is_wanted));
                if !is_wanted || !is_first {
                    continue;
                }
            }
            if fresh.iter().all(|stream| stream.pid != pid) {
                fresh.push(Stream {
                    pid,
                    continuity: None,
                    pes: Pes::default(),
                    left: None,
                    is_full: false,
                    is_at_boundary: false,
                    body,
                });
            }
        }
        if let Some(pid) = private
            && is_taken == [false; 2]
            && self.problems + self.events.list.len() == count
        {
            let name = "a private stream";
            self.events
                .problem(Problem::UnsupportedCoding { pid, name });
        }
        fresh
    }

    /// Handles the events of the tracks.
    fn settle(&mut self) {
        if self.events.list.is_empty() {
            return;
        }
        let mut list = std::mem::take(&mut self.events.list);
        for event in list.drain(..) {
            match event {
                Event::Configured(track) => self.configured(track),
                Event::GivenUp(kind) => {
                    if let Some(expected) = self.is_expected.get_mut(index(kind)) {
                        *expected = false;
                    }
                    self.write_init(false);
                }
                Event::Fragment(fragment) => self.fragment(fragment),
                Event::Metadata(metadata) => self.outputs.push_back(Output::Metadata(metadata)),
                Event::Problem(problem) => self.problem(problem),
            }
        }
        self.events.list = list;
    }

    fn problem(&mut self, problem: Problem) {
        let output = Output::Problem(problem);
        if self.problems < MAX_PROBLEMS && !self.outputs.contains(&output) {
            self.problems += 1;
            self.outputs.push_back(output);
        }
    }

    fn configured(&mut self, track: Track) {
        let kind = track.kind;
        if self.written.is_some_and(|written| !has(written, kind)) {
            self.problem(Problem::LateTrack { kind });
            return;
        }
        let known = self.tracks.get(index(kind)).and_then(Option::as_ref);
        if self.written.is_some() && known == Some(&track) {
            // Another stream in the same configuration.
            return;
        }
        let is_known = known.is_some();
        if is_known && self.held.iter().any(|fragment| fragment.kind == kind) {
            // These fragments belong to the previous configuration.
            self.write_init(true);
        }
        if let Some(known) = self.tracks.get_mut(index(kind)) {
            *known = Some(track);
        }
        self.written = None;
        self.write_init(false);
    }

    fn fragment(&mut self, mut fragment: Fragment) {
        match self.written {
            Some(written) if has(written, fragment.kind) => {
                self.sequence = self.sequence.wrapping_add(1);
                mp4::number(&mut fragment, self.sequence);
                self.outputs.push_back(Output::Fragment(fragment));
            }
            Some(_) => self.recycle(fragment),
            None => {
                let first = self.held.iter().find(|held| held.kind == fragment.kind);
                let span = fragment.end - first.map_or(fragment.start, |first| first.start);
                self.held.push(fragment);
                let size: usize = self.held.iter().map(|held| held.buffer.len()).sum();
                if size > MAX_HELD || !(0..=MAX_WAIT).contains(&span) {
                    self.write_init(true);
                }
            }
        }
    }

    /// Writes an initialization segment, unless one is in force: when all tracks are known, or, if it `must` not wait
    /// any longer, with the known ones.
    fn write_init(&mut self, must: bool) {
        if self.written.is_some() || self.tracks.iter().all(Option::is_none) {
            return;
        }
        let is_missing = self
            .tracks
            .iter()
            .zip(self.is_expected)
            .any(|(track, expected)| expected && track.is_none());
        if is_missing && !must {
            return;
        }
        self.is_expected = [0, 1].map(|index| self.tracks.get(index).is_some_and(Option::is_some));
        self.written = Some(self.is_expected);
        let init: Init = mp4::init(self.tracks.iter().flatten().cloned().collect());
        self.outputs.push_back(Output::Init(init));
        for fragment in std::mem::take(&mut self.held) {
            self.fragment(fragment);
        }
    }
}

fn has(tracks: [bool; 2], kind: Kind) -> bool {
    tracks.get(index(kind)).copied().unwrap_or(false)
}

impl Stream {
    fn is_like(&self, other: &Self) -> bool {
        self.pid == other.pid && self.body.is_like(&other.body)
    }

    fn lost(&mut self) {
        self.pes.lost();
        self.left = None;
        self.is_full = false;
        match &mut self.body {
            Body::Video(video) => video.lost(),
            Body::Audio(audio) => audio.lost(),
            Body::Id3(id3) => *id3 = Id3::default(),
        }
    }

    /// Completes the last samples. Video whose last packet is cut in two (`is_cut`), or whose last PES packet is not
    /// complete as far as can be told, loses its last access unit: browsers end playback with an error where a picture
    /// is incomplete.
    fn finish(&mut self, is_cut: bool, events: &mut Events) {
        self.pes.lost();
        let is_incomplete = is_cut || self.left.map_or(self.is_full, |left| left > 0);
        self.left = None;
        self.is_full = false;
        match &mut self.body {
            Body::Video(video) => video.finish(is_incomplete, events),
            Body::Audio(audio) => audio.finish(events),
            Body::Id3(id3) => id3.finish(events),
        }
    }
}

impl Body {
    fn video(pid: u16, coding: video::Coding) -> Self {
        Self::Video(Box::new(Video::new(pid, coding)))
    }

    fn audio(pid: u16, coding: audio::Coding) -> Self {
        Self::Audio(Box::new(Audio::new(pid, coding)))
    }

    fn kind(&self) -> Option<Kind> {
        match self {
            Self::Video(_) => Some(Kind::Video),
            Self::Audio(_) => Some(Kind::Audio),
            Self::Id3(_) => None,
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Video(this), Self::Video(other)) => this.coding() == other.coding(),
            (Self::Audio(this), Self::Audio(other)) => this.coding() == other.coding(),
            (Self::Id3(_), Self::Id3(_)) => true,
            _ => false,
        }
    }

    fn data(&mut self, data: &[u8], at: u64, events: &mut Events) {
        match self {
            Self::Video(video) => video.data(data, at, events),
            Self::Audio(audio) => audio.data(data, at, events),
            Self::Id3(id3) => id3.data(data, events),
        }
    }
}

impl Id3 {
    fn start(&mut self, pts: Option<i64>, length: Option<usize>, events: &mut Events) {
        self.finish(events);
        *self = Self {
            bytes: Vec::new(),
            pts,
            length,
        };
    }

    fn data(&mut self, data: &[u8], events: &mut Events) {
        if self.bytes.len() + data.len() > MAX_ID3 {
            *self = Self::default();
        }
        if self.pts.is_some() {
            self.bytes.extend_from_slice(data);
        }
        if self.length.is_some_and(|length| self.bytes.len() >= length) {
            self.finish(events);
        }
    }

    fn finish(&mut self, events: &mut Events) {
        let Self { bytes, pts, .. } = std::mem::take(self);
        if let Some(pts) = pts.filter(|_| !bytes.is_empty()) {
            events.metadata(Metadata {
                kind: MetadataKind::Id3,
                pts,
                bytes,
            });
        }
    }
}

/// Compares a packet's continuity counter with that of the previous packet, and stores it.
fn order(continuity: &mut Option<u8>, header: Header) -> Order {
    match continuity.replace(header.continuity) {
        None => Order::Next,
        Some(last) if last == header.continuity && !header.discontinuity => Order::Again,
        Some(last) if (last + 1) & 0xf == header.continuity => Order::Next,
        // An announced jump loses no data if a unit begins with it.
        Some(_) if header.discontinuity && header.unit_start => Order::Next,
        Some(_) => Order::Gap,
    }
}
