//! Extracts access units of H.264 and H.265 from PES packets, whose boundaries need not be those of access units.

use crate::{
    h264, h265,
    mp4::{FragmentBuilder, HEADROOM, Sample},
    nal::{self, Sink, Splitter},
    output::{Kind, Problem, Track},
    parameter_sets::{Key, Level, MAX_SET, ParameterSets},
    remuxer::Events,
    time::{TICKS, Times},
};

/// Maximum size of an access unit in bytes; longer ones are dropped as damage.
const MAX_UNIT: usize = 16 << 20;

/// The size in bytes at which a fragment ends.
const MAX_FRAGMENT: usize = 1 << 20;

/// The distance of times from one picture to the next, in ticks of 90 kHz, that counts as a jump.
const JUMP: i64 = 10 * TICKS;

/// A decoding time may lie this far before the previous one without a jump, in ticks of 90 kHz.
const JITTER: i64 = TICKS / 2;

/// A shorter distance of two pictures, in ticks of 90 kHz, is not used to predict the next one.
const SHORTEST: u32 = 90;

/// Default duration of a picture, in ticks of 90 kHz: 1/30 s.
const USUAL_DURATION: u32 = 3000;

/// Maximum size of the captions of one access unit, in bytes.
const MAX_CAPTIONS: usize = 1024;

/// Maximum size of the parameter sets that are not yet in force, in bytes.
const MAX_PENDING: usize = 1 << 16;

/// The codings of video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// ISO/IEC 14496-10.
    H264,
    /// ISO/IEC 23008-2.
    H265,
}

/// The role of a NAL unit in its access unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NalKind {
    /// A part of a picture.
    Slice(Picture),
    /// A parameter set.
    ParameterSet,
    /// SEI before a picture.
    Sei,
    /// An access unit delimiter.
    Delimiter,
    /// Another NAL unit, which is written unchanged.
    Kept {
        /// Whether it begins an access unit if it comes after a picture.
        begins_unit: bool,
    },
    /// A NAL unit that is not written.
    Ignored,
}

/// The properties of a picture that the beginning of a slice shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Whether it is the first slice of the picture.
    pub is_first_slice: bool,
    /// Whether decoding can begin with it.
    pub is_sync: bool,
    /// Whether pictures may follow that are shown before it and refer to pictures before it.
    pub is_open: bool,
    /// Whether it cannot be decoded if decoding began with the previous sync picture (RASL).
    pub is_skipped_leading: bool,
    /// Whether it is shown before the previous sync picture (RASL, RADL).
    pub is_leading: bool,
}

impl Coding {
    /// Number of bytes that [`Self::classify`] needs.
    fn needed(self) -> usize {
        match self {
            Self::H264 => 2,
            Self::H265 => 3,
        }
    }

    /// Bytes of a NAL unit's header.
    fn header(self) -> usize {
        self.needed() - 1
    }

    fn classify(self, nal: &[u8]) -> NalKind {
        match self {
            Self::H264 => h264::classify(nal),
            Self::H265 => h265::classify(nal),
        }
    }

    fn key(self, nal: &[u8]) -> Option<Key> {
        match self {
            Self::H264 => h264::key(nal),
            Self::H265 => h265::key(nal),
        }
    }

    fn track(self, sets: &ParameterSets) -> Option<(Track, Option<u32>)> {
        match self {
            Self::H264 => h264::track(sets),
            Self::H265 => h265::track(sets),
        }
    }
}

/// The access unit being read.
#[derive(Debug)]
struct Unit {
    /// Its position in the builder's bytes.
    start: usize,
    times: Times,
    has_slice: bool,
    is_sync: bool,
    is_open: bool,
    is_leading: bool,
    is_dropped: bool,
    /// Whether its SEI has a recovery point.
    is_recovery_point: bool,
    /// Whether it has a sequence parameter set.
    has_sequence: bool,
    /// Whether all its slices are intra.
    is_intra: bool,
    /// The field, unless it is a frame.
    field: Option<h264::Field>,
    captions: Vec<u8>,
}

/// The NAL unit being read.
#[derive(Debug, Clone, Copy)]
struct Nal {
    /// Position of its length field in the builder's bytes.
    start: usize,
    kind: Option<NalKind>,
    /// Whether it began in the current PES packet, and not in the previous one.
    is_of_this_pes: bool,
}

/// Whether pictures can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decodability {
    /// They cannot: nothing is written up to the next random access point.
    Waiting,
    /// Decoding began with a picture shown at this time. Pictures that follow may refer to earlier ones.
    Leading(i64),
    /// They can: every picture is written.
    Open,
}

/// A picture whose duration is not known yet.
#[derive(Debug, Clone, Copy)]
struct PendingPicture {
    size: usize,
    times: Times,
    is_sync: bool,
    /// The field, if it is a first one. Its second may follow; in MP4 both are one sample.
    field: Option<h264::Field>,
}

/// The video track.
#[derive(Debug)]
pub struct Video {
    pid: u16,
    coding: Coding,
    splitter: Splitter,
    assembly: Assembly,
}

/// The state of the track without the splitter, which writes to it.
#[derive(Debug)]
struct Assembly {
    pid: u16,
    coding: Coding,
    builder: FragmentBuilder,
    held: Option<PendingPicture>,
    unit: Option<Unit>,
    nal: Option<Nal>,
    access: Decodability,
    /// Whether the next access unit ends the fragment.
    is_cut_wanted: bool,
    /// Times of the current PES packet, until an access unit uses them.
    pes_times: Option<Times>,
    /// Unused times of the previous PES packet.
    earlier_times: Option<Times>,
    /// Decoding and presentation times of the last unit that began.
    last_times: Option<Times>,
    duration: u32,
    sets: ParameterSets,
    /// Parameter sets that come into force with the next picture.
    pending: Vec<(Key, Vec<u8>)>,
    track: Option<Track>,
    /// The values for parsing field headers, if pictures may be fields.
    field_coding: Option<h264::FieldCoding>,
    /// The field that was dropped just before.
    dropped_field: Option<h264::Field>,
    /// Position of the current packet in bytes, for problems.
    at: u64,
}

impl Video {
    /// An empty track.
    pub fn new(pid: u16, coding: Coding) -> Self {
        Self {
            pid,
            coding,
            splitter: Splitter::default(),
            assembly: Assembly {
                pid,
                coding,
                builder: FragmentBuilder::new(Kind::Video),
                held: None,
                unit: None,
                nal: None,
                access: Decodability::Waiting,
                is_cut_wanted: false,
                pes_times: None,
                earlier_times: None,
                last_times: None,
                duration: USUAL_DURATION,
                sets: ParameterSets::default(),
                pending: Vec::new(),
                track: None,
                field_coding: None,
                dropped_field: None,
                at: 0,
            },
        }
    }

    /// The coding of the track.
    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// Begins a PES packet.
    pub fn start(&mut self, times: Option<Times>) {
        let assembly = &mut self.assembly;
        assembly.earlier_times = assembly.pes_times.take();
        assembly.pes_times = times;
        if let Some(nal) = &mut assembly.nal {
            nal.is_of_this_pes = false;
        }
    }

    /// Ends the fragment at the next access unit, because the input has no more PES packets.
    pub fn want_cut(&mut self) {
        self.assembly.is_cut_wanted = true;
    }

    /// Adds data of a PES packet; `at` is the transport packet's position in the stream.
    pub fn data(&mut self, bytes: &[u8], at: u64, events: &mut Events) {
        self.assembly.at = at;
        self.splitter.push(
            bytes,
            &mut Writer {
                assembly: &mut self.assembly,
                events,
            },
        );
    }

    /// Handles missing data: drops the access unit, and waits for the next random access point.
    pub fn lost(&mut self) {
        self.splitter.lost();
        self.assembly.lost();
    }

    /// Handles the end of the stream: completes the last access unit, or drops it if it is incomplete, and completes the
    /// fragment.
    pub fn finish(&mut self, is_incomplete: bool, events: &mut Events) {
        let was_waiting = self.assembly.access == Decodability::Waiting;
        if is_incomplete {
            let has_slice = |unit: &Unit| unit.has_slice;
            if self.assembly.unit.as_ref().is_some_and(has_slice) {
                events.problem(self.assembly.broken("the last picture"));
            }
            self.lost();
        }
        self.splitter.finish(&mut Writer {
            assembly: &mut self.assembly,
            events,
        });
        self.assembly.finish(events);
        if (was_waiting || !is_incomplete)
            && self.assembly.at > 0
            && self.assembly.access == Decodability::Waiting
        {
            events.problem(Problem::NoRandomAccess { pid: self.pid });
        }
    }
}

struct Writer<'a> {
    assembly: &'a mut Assembly,
    events: &'a mut Events,
}

impl Sink for Writer<'_> {
    fn start(&mut self) {
        let bytes = &mut self.assembly.builder.bytes;
        let start = bytes.len();
        bytes.extend_from_slice(&[0; 4]);
        self.assembly.nal = Some(Nal {
            start,
            kind: None,
            is_of_this_pes: true,
        });
    }

    fn data(&mut self, mut bytes: &[u8]) {
        let Some(nal) = self.assembly.nal else {
            return;
        };
        match nal.kind {
            None => {
                let has = self.assembly.builder.bytes.len() - nal.start - 4;
                let needed = self.assembly.coding.needed() - has;
                let (begin, rest) = bytes.split_at(bytes.len().min(needed));
                self.assembly.builder.bytes.extend_from_slice(begin);
                if begin.len() < needed {
                    return;
                }
                self.assembly.begin_nal(self.events);
                bytes = rest;
            }
            Some(NalKind::Ignored | NalKind::Delimiter) => return,
            Some(NalKind::ParameterSet)
                if self.assembly.builder.bytes.len() - nal.start > MAX_SET + 4 =>
            {
                return;
            }
            Some(_) => {}
        }
        if self.assembly.nal.is_some() {
            self.assembly.builder.bytes.extend_from_slice(bytes);
            self.assembly.check_size(self.events);
        }
    }

    fn end(&mut self) {
        self.assembly.end_nal(self.events);
    }
}

impl Assembly {
    fn broken(&self, what: &'static str) -> Problem {
        Problem::Broken {
            pid: self.pid,
            what,
            at: self.at,
        }
    }

    fn lost(&mut self) {
        let end = self
            .unit
            .as_ref()
            .map(|unit| unit.start)
            .or(self.nal.map(|nal| nal.start));
        if let Some(end) = end {
            self.builder.bytes.truncate(end);
        }
        self.unit = None;
        self.nal = None;
        self.pending.clear();
        self.access = Decodability::Waiting;
        self.pes_times = None;
        self.earlier_times = None;
    }

    /// Drops an access unit that exceeds [`MAX_UNIT`].
    fn check_size(&mut self, events: &mut Events) {
        let start = self
            .unit
            .as_ref()
            .map_or(self.builder.samples_end(), |unit| unit.start);
        if self.builder.bytes.len() - start > MAX_UNIT {
            events.problem(self.broken("an access unit"));
            self.lost();
        }
    }

    /// Classifies the NAL unit, whose first bytes have arrived.
    fn begin_nal(&mut self, events: &mut Events) {
        let Some(nal) = self.nal else {
            return;
        };
        let header = self.builder.bytes.get(nal.start + 4..).unwrap_or_default();
        let kind = self.coding.classify(header);
        if let Some(nal) = &mut self.nal {
            nal.kind = Some(kind);
        }
        let is_after_slice = self.unit.as_ref().is_some_and(|unit| unit.has_slice);
        let begins_unit = match kind {
            NalKind::Slice(picture) => picture.is_first_slice && is_after_slice,
            NalKind::ParameterSet | NalKind::Sei | NalKind::Delimiter => is_after_slice,
            NalKind::Kept { begins_unit } => begins_unit && is_after_slice,
            NalKind::Ignored => return,
        };
        if begins_unit {
            self.end_unit(nal.start, events);
        }
        if self.unit.is_none() {
            self.begin_unit(events);
        }
        if let NalKind::Slice(picture) = kind {
            self.begin_slice(picture, events);
        }
    }

    /// Begins an access unit with the current NAL unit.
    fn begin_unit(&mut self, events: &mut Events) {
        let Some(nal) = self.nal else {
            return;
        };
        let stamped = match nal.is_of_this_pes {
            true => self.pes_times.take(),
            false => self.earlier_times.take(),
        };
        let inferred = || {
            self.last_times.map(|last| Times {
                dts: last.dts + i64::from(self.duration),
                pts: last.pts + i64::from(self.duration),
            })
        };
        let known = stamped.or_else(inferred);
        if known.is_none() {
            // A picture without a time cannot be shown.
            self.access = Decodability::Waiting;
        }
        let mut times = known.unwrap_or(Times { dts: 0, pts: 0 });
        if let Some(last) = self.last_times.filter(|_| known.is_some()) {
            let step = times.dts - last.dts;
            if (-JITTER..=0).contains(&step) {
                // Muxers round or repeat times; the decoding order is right.
                times.dts = last.dts + 1;
            } else if !(0..=JUMP).contains(&step) {
                events.problem(Problem::TimeJump {
                    pid: self.pid,
                    from: last.dts,
                    to: times.dts,
                });
                self.release_held(None, events);
                self.access = Decodability::Waiting;
            }
        }
        self.last_times = known.map(|_| times);
        let is_half = self.held.is_some_and(|held| held.field.is_some());
        if !is_half && !matches!(self.access, Decodability::Leading(_)) {
            self.release_held(Some(times.dts), events);
        }
        self.unit = Some(Unit {
            start: self.nal.map_or(nal.start, |nal| nal.start),
            times,
            has_slice: false,
            is_sync: false,
            is_open: false,
            is_leading: false,
            is_dropped: known.is_none(),
            is_recovery_point: false,
            has_sequence: false,
            is_intra: true,
            field: None,
            captions: Vec::new(),
        });
        if self.is_cut_wanted || self.builder.is_full(MAX_FRAGMENT) {
            self.cut(events);
        }
    }

    /// Writes the held picture. `next` is the decoding time of the picture after it; `None` if none is known.
    fn release_held(&mut self, next: Option<i64>, events: &mut Events) {
        let Some(held) = self.held.take() else {
            return;
        };
        let step = next.and_then(|next| u32::try_from(next - held.times.dts).ok());
        let duration = step.filter(|step| *step > 0).unwrap_or(self.duration);
        if duration >= SHORTEST {
            self.duration = duration;
        }
        if self.builder.end().is_some_and(|end| end != held.times.dts)
            || self.builder.is_full(usize::MAX)
        {
            self.cut(events);
        }
        self.builder.add(
            held.times.dts,
            Sample {
                size: held.size,
                duration,
                offset: i32::try_from(held.times.pts - held.times.dts).unwrap_or(0),
                is_sync: held.is_sync,
            },
        );
    }

    /// Takes the fragment up to the last picture whose duration is known.
    fn cut(&mut self, events: &mut Events) {
        self.is_cut_wanted = false;
        let Some(moved) = events.fragment(&mut self.builder, TICKS as u32) else {
            return;
        };
        if let Some(unit) = &mut self.unit {
            unit.start -= moved;
        }
        if let Some(nal) = &mut self.nal {
            nal.start -= moved;
        }
    }

    /// Begins a slice. The parameter sets before it belong to this access unit.
    fn begin_slice(&mut self, picture: Picture, events: &mut Events) {
        let Some(unit) = &mut self.unit else {
            return;
        };
        if !unit.has_slice {
            unit.has_slice = true;
            unit.is_sync = picture.is_sync;
            unit.is_open = picture.is_open;
            unit.is_leading = picture.is_leading;
            if let Decodability::Leading(shown) = self.access {
                unit.is_dropped |= match self.coding {
                    Coding::H264 => unit.times.pts < shown,
                    Coding::H265 => picture.is_skipped_leading,
                };
            }
        }
        if self.pending.is_empty() {
            return;
        }
        let is_access =
            unit.is_sync || unit.is_recovery_point || self.access == Decodability::Waiting;
        let pending = std::mem::take(&mut self.pending);
        if is_access || pending.iter().any(|(key, _)| key.level == Level::Sequence) {
            self.configure(pending, events);
        } else {
            self.write_inline(pending);
        }
    }

    /// Puts new parameter sets in force with this access unit.
    fn configure(&mut self, pending: Vec<(Key, Vec<u8>)>, events: &mut Events) {
        for (key, nal) in pending {
            self.sets.insert(key, nal);
        }
        let dts = self.unit.as_ref().map(|unit| unit.times.dts);
        self.release_held(dts, events);
        self.cut(events);
        self.field_coding = match self.coding {
            Coding::H264 => h264::field_coding(&self.sets),
            Coding::H265 => None,
        };
        let Some((track, duration)) = self.coding.track(&self.sets) else {
            self.track = None;
            return;
        };
        if let (Some(duration), None) = (duration, &self.track) {
            self.duration = duration;
        }
        if self.track.as_ref() != Some(&track) {
            // After an initialization segment, MediaSource drops what comes before a random access point.
            self.access = Decodability::Waiting;
            self.track = Some(track.clone());
            events.configured(track);
        }
    }

    /// Writes parameter sets into the access unit, before the slice that has begun: they change in the middle of a
    /// coded sequence, where an initialization segment would interrupt decoding.
    fn write_inline(&mut self, pending: Vec<(Key, Vec<u8>)>) {
        let Some(nal) = &mut self.nal else {
            return;
        };
        let bytes = &mut self.builder.bytes;
        let begun = bytes.split_off(nal.start);
        for (key, set) in pending {
            bytes.extend_from_slice(&(set.len() as u32).to_be_bytes());
            bytes.extend_from_slice(&set);
            self.sets.insert(key, set);
        }
        nal.start = bytes.len();
        bytes.extend_from_slice(&begun);
    }

    /// Ends the NAL unit: writes its length, or removes it.
    fn end_nal(&mut self, events: &mut Events) {
        if self.nal.is_some_and(|nal| nal.kind.is_none()) {
            // The NAL unit is too short for `begin_nal`, such as an end of sequence.
            self.begin_nal(events);
        }
        let Some(nal) = self.nal.take() else {
            return;
        };
        let length = self.builder.bytes.len().saturating_sub(nal.start + 4);
        let content = self.builder.bytes.get(nal.start + 4..).unwrap_or_default();
        let is_kept = match nal.kind {
            Some(NalKind::Slice(_)) => {
                if let Some(unit) = &mut self.unit
                    && self.coding == Coding::H264
                {
                    unit.is_intra &= h264::is_intra(content);
                    let field = |coding| h264::field(content, coding);
                    unit.field = unit.field.or_else(|| self.field_coding.and_then(field));
                }
                true
            }
            Some(NalKind::Sei) => {
                let found = nal::sei(content.get(self.coding.header()..).unwrap_or_default());
                if let Some(unit) = &mut self.unit {
                    unit.is_recovery_point |= found.is_recovery_point;
                    let room = MAX_CAPTIONS.saturating_sub(unit.captions.len());
                    unit.captions
                        .extend_from_slice(found.captions.get(..room).unwrap_or(&found.captions));
                }
                true
            }
            Some(NalKind::ParameterSet) => {
                let set = content.to_vec();
                self.parameter_set(set, events);
                false
            }
            Some(NalKind::Kept { .. }) => true,
            Some(NalKind::Delimiter | NalKind::Ignored) | None => false,
        };
        if !is_kept || length == 0 {
            self.builder.bytes.truncate(nal.start);
        } else if let Some(field) = self.builder.bytes.get_mut(nal.start..nal.start + 4) {
            field.copy_from_slice(&(length as u32).to_be_bytes());
        }
    }

    fn parameter_set(&mut self, set: Vec<u8>, events: &mut Events) {
        let Some(key) = self.coding.key(&set).filter(|_| set.len() <= MAX_SET) else {
            events.problem(self.broken("a parameter set"));
            return;
        };
        if let (Some(unit), Level::Sequence) = (&mut self.unit, key.level) {
            unit.has_sequence = true;
        }
        // A new sequence parameter set removes the others, which come again after it, even if unchanged.
        let is_after_sequence = self
            .pending
            .iter()
            .any(|(key, _)| key.level == Level::Sequence);
        if self.sets.contains(key, &set) && !is_after_sequence {
            return;
        }
        self.pending.retain(|(known, _)| *known != key);
        let size: usize = self.pending.iter().map(|(_, set)| set.len() + 64).sum();
        if size <= MAX_PENDING {
            self.pending.push((key, set));
        }
    }

    /// Ends the access unit at `end`, where the next one may have begun.
    fn end_unit(&mut self, end: usize, events: &mut Events) {
        let Some(mut unit) = self.unit.take() else {
            return;
        };
        let field = unit.field;
        let completes = |first: Option<h264::Field>| {
            first
                .zip(field)
                .is_some_and(|(first, second)| second.completes(first))
        };
        unit.is_dropped |= completes(self.dropped_field.take());
        if unit.is_dropped {
            self.dropped_field = field;
        }
        let is_random_access = unit.is_sync
            || unit.is_recovery_point
            || unit.has_sequence && unit.is_intra && self.coding == Coding::H264;
        let is_undecodable = match self.access {
            Decodability::Waiting => !is_random_access || self.track.is_none(),
            _ => false,
        };
        if !unit.has_slice && self.pes_times.is_none() {
            // It has no picture: its times belong to the next one.
            self.pes_times = self.last_times;
        }
        if !unit.has_slice || unit.is_dropped || is_undecodable || end <= unit.start {
            self.builder.remove(unit.start, end);
            if let Some(nal) = &mut self.nal {
                nal.start -= end.saturating_sub(unit.start);
            }
            return;
        }
        let captions = std::mem::take(&mut unit.captions);
        if let Some(held) = self.held.as_mut().filter(|held| completes(held.field)) {
            held.size += end - unit.start;
            held.field = None;
            self.last_times = Some(held.times);
            events.captions(held.times.pts, captions);
            return;
        }
        match self.access {
            Decodability::Waiting if unit.is_open || !unit.is_sync => {
                self.access = Decodability::Leading(unit.times.pts)
            }
            Decodability::Waiting => self.access = Decodability::Open,
            Decodability::Leading(_) if !unit.is_leading => self.access = Decodability::Open,
            _ => {}
        }
        // If a leading picture was dropped, the previous picture lasts until this one.
        self.release_held(Some(unit.times.dts), events);
        self.held = Some(PendingPicture {
            size: end - unit.start,
            times: unit.times,
            is_sync: is_random_access,
            field,
        });
        events.captions(unit.times.pts, captions);
    }

    fn finish(&mut self, events: &mut Events) {
        self.end_unit(self.builder.bytes.len(), events);
        self.release_held(None, events);
        self.cut(events);
        self.builder.bytes.truncate(HEADROOM);
        self.nal = None;
        self.pes_times = None;
        self.earlier_times = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Fragment;

    /// Parameter sets of a stream of 16 × 32 pixels whose pictures may be fields.
    const SETS: &[u8] = &[
        0, 0, 1, 0x67, 77, 0, 30, 0xda, 0x64, 0x80, 0, 0, 1, 0x68, 0xce, 0x38, 0x80,
    ];

    /// Remuxes PES packets, each with the time of its first picture.
    fn remux(packets: &[(Option<i64>, &[u8])]) -> Vec<Fragment> {
        let (mut video, mut events) = (Video::new(256, Coding::H264), Events::default());
        for (dts, data) in packets {
            video.start(dts.map(|dts| Times {
                dts,
                pts: dts + 3600,
            }));
            video.data(data, 1, &mut events);
        }
        video.finish(false, &mut events);
        events.fragments()
    }

    #[test]
    fn two_fields_are_one_sample() {
        let top = [SETS, &[0, 0, 1, 0x65, 0x88, 0x85, 1]].concat();
        let bottom = [0, 0, 1, 0x61, 0x88, 0x87, 2];
        let next = [0, 0, 1, 0x61, 0x88, 0x8d, 3, 0, 0, 1, 0x61, 0x88, 0x8f, 4];
        let last = [0, 0, 1, 0x61, 0x88, 0x95, 3, 0, 0, 1, 0x61, 0x88, 0x97, 4];
        for second in [None, Some(1800)] {
            let fragments = remux(&[
                (Some(0), &top),
                (second, &bottom),
                (Some(3600), &next),
                (Some(7200), &last),
            ]);
            let counted: Vec<_> = fragments
                .iter()
                .map(|it| (it.start, it.end, it.samples))
                .collect();
            assert_eq!(counted, [(0, 10_800, 3)]);
            let payload = fragments[0].bytes().len() - 96 - 16 * 3;
            assert_eq!(payload, 6 * 8);
        }
    }

    #[test]
    fn picture_set_that_changes_in_a_sequence_stays_in_it() {
        let first = [SETS, &[0, 0, 1, 0x65, 0x88, 0x80, 1]].concat();
        let second = [
            0, 0, 1, 0x68, 0xce, 0x38, 0x81, 0, 0, 1, 0x61, 0x88, 0x88, 2,
        ];
        let fragments = remux(&[(Some(0), &first), (Some(3600), &second)]);
        assert_eq!(fragments.len(), 1);
        let payload = fragments[0].bytes().len() - 96 - 16 * 2;
        assert_eq!(payload, 8 + 8 + 8);
    }

    #[test]
    fn time_is_that_of_the_packet_the_picture_begins_in() {
        let first = [SETS, &[0, 0, 1, 0x65, 0x88, 0x80, 1, 0, 0, 1, 0x61]].concat();
        let second = [0x88, 0x88, 2, 0, 0, 1, 0x61, 0x88, 0x90, 3];
        let fragments = remux(&[(Some(0), &first), (Some(9000), &second)]);
        let counted: Vec<_> = fragments
            .iter()
            .map(|it| (it.start, it.end, it.samples))
            .collect();
        // The second picture has no timestamp: it is shown 1/30 s after the first.
        assert_eq!(counted, [(0, 15_000, 3)]);
    }

    #[test]
    fn gap_is_left_where_times_jump() {
        let picture = [SETS, &[0, 0, 1, 0x65, 0x88, 0x80, 1]].concat();
        let fragments = remux(&[
            (Some(0), &picture),
            (Some(3600), &picture),
            (Some(1_800_000), &picture),
        ]);
        let times: Vec<_> = fragments.iter().map(|it| (it.start, it.end)).collect();
        assert_eq!(times, [(0, 7200), (1_800_000, 1_803_600)]);
    }

    #[test]
    fn access_unit_without_end_is_given_up() {
        let (mut video, mut events) = (Video::new(256, Coding::H264), Events::default());
        video.start(Some(Times { dts: 0, pts: 0 }));
        video.data(
            &[SETS, &[0, 0, 1, 0x65, 0x88, 0x80, 1]].concat(),
            1,
            &mut events,
        );
        let endless = vec![9; 1 << 20];
        for _ in 0..40 {
            video.data(&endless, 1, &mut events);
            assert!(video.assembly.builder.bytes.capacity() <= 4 * MAX_UNIT);
        }
        assert!(events.fragments().is_empty());
    }
}
