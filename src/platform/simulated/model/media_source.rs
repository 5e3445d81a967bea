//! MediaSource and its SourceBuffers: states and algorithms, without time. The caller runs the asynchronous
//! half of each operation ([`MediaSourceModel::finish`]) when it likes.

use std::ops::Range;

use super::{
    Engine, FOREVER, MICROSECOND, Nanos, Rules,
    isobmff::{CodedFrame, InitSegment, Parsed, Parser, TrackKind},
    nanos, seconds,
    track_buffer::{Processed, TrackBuffer, intersection},
};
use crate::platform::{
    simulated::bytes::Bytes,
    types::{Exception, ReadyState},
};

/// What happened that an event tells of.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceEvent {
    /// `sourceopen`.
    Open,
    /// `sourceended`.
    Ended,
    /// `sourceclose`.
    Closed,
    /// `durationchange` of the element.
    DurationChange,
    /// `updateend` of this buffer; whether it came after an `error`.
    UpdateEnd {
        /// Position in the list of buffers.
        buffer: usize,
        /// Whether the operation succeeded.
        succeeded: bool,
    },
    /// `bufferedchange` of a managed source's buffer, after a removal.
    Removed {
        /// Position in the list of buffers.
        buffer: usize,
        /// From the first to the last that was removed.
        range: Range<Nanos>,
    },
    /// The media is corrupted: the element fails.
    DecodeError,
}

/// An operation that is going on.
#[derive(Clone, Debug)]
enum Operation {
    Append(Bytes),
    Remove(Range<Nanos>),
}

/// A SourceBuffer.
#[derive(Debug)]
struct Buffer {
    parser: Parser,
    tracks: Vec<TrackBuffer>,
    /// The first init segment; `None` until it is received.
    init: Option<InitSegment>,
    has_video: bool,
    operation: Option<Operation>,
    offset: Nanos,
    append_window: Range<Nanos>,
    group_end: Nanos,
    /// Where the first frame of the coded frame group begins.
    group_start: Option<Nanos>,
    /// Where the first frame of sound since the last reset began, without the offset.
    first_audio: Option<Nanos>,
    is_full: bool,
    is_type_changing: bool,
}

/// A MediaSource.
#[derive(Debug)]
pub struct MediaSourceModel {
    rules: Rules,
    is_managed: bool,
    state: ReadyState,
    /// Whether the element detaches it, which its own thread has not noticed yet.
    is_closing: bool,
    duration: Option<Nanos>,
    live_seekable: Option<Range<Nanos>>,
    buffers: Vec<Buffer>,
    /// What happened and was not taken yet.
    events: Vec<SourceEvent>,
}

fn invalid_state<T>(message: &str) -> Result<T, Exception> {
    Err(Exception::new("InvalidStateError", message))
}

fn type_error<T>(message: &str) -> Result<T, Exception> {
    Err(Exception::new("TypeError", message))
}

const CLOSED: &str = "the SourceBuffer has been removed from its MediaSource";
const UPDATING: &str = "the SourceBuffer is still updating";

impl MediaSourceModel {
    /// A closed one.
    pub const fn new(rules: Rules, is_managed: bool) -> Self {
        Self {
            rules,
            is_managed,
            state: ReadyState::Closed,
            is_closing: false,
            duration: None,
            live_seekable: None,
            buffers: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Takes what happened since this was asked last.
    pub fn take_events(&mut self) -> Vec<SourceEvent> {
        std::mem::take(&mut self.events)
    }

    /// `readyState`.
    pub const fn state(&self) -> ReadyState {
        self.state
    }

    /// The duration in seconds; NaN while it is closed or nothing is known.
    pub fn duration(&self) -> f64 {
        self.duration.map_or(f64::NAN, seconds)
    }

    /// The duration; `None` if it is NaN.
    pub const fn known_duration(&self) -> Option<Nanos> {
        self.duration
    }

    /// What [`set_live_seekable_range`](Self::set_live_seekable_range) set.
    pub fn live_seekable(&self) -> Option<Range<Nanos>> {
        self.live_seekable.clone()
    }

    /// Attaches it to an element (§ 2.4.1).
    pub fn open(&mut self) {
        self.state = ReadyState::Open;
        self.events.push(SourceEvent::Open);
    }

    /// The element is detaching it: its own thread will be told, and until then every call throws.
    pub const fn begin_closing(&mut self) {
        self.is_closing = true;
    }

    /// Whether calls throw because the element is detaching it, or has.
    pub fn is_closing_or_closed(&self) -> bool {
        self.is_closing || self.state == ReadyState::Closed
    }

    /// Detaches it (§ 2.4.2).
    pub fn close(&mut self) {
        self.is_closing = true;
        self.state = ReadyState::Closed;
        self.duration = None;
        self.buffers.clear();
        self.events.push(SourceEvent::Closed);
    }

    /// `addSourceBuffer`; returns its position.
    ///
    /// # Errors
    /// If it is not open, or something was appended already.
    pub fn add_buffer(&mut self, mime: &str) -> Result<usize, Exception> {
        if self.is_closing || self.state != ReadyState::Open {
            return invalid_state("the MediaSource is not open");
        }
        if self.buffers.iter().any(|buffer| buffer.init.is_some()) {
            // Browsers cannot change the number of their demuxers any more.
            return Err(Exception::new(
                "QuotaExceededError",
                "no more SourceBuffers can be added",
            ));
        }
        let parser = Parser::new(self.rules.engine, self.rules.applies_edit_lists);
        self.buffers.push(Buffer {
            parser,
            tracks: Vec::new(),
            init: None,
            has_video: mime.starts_with("video"),
            operation: None,
            offset: 0,
            append_window: 0..FOREVER,
            group_end: 0,
            group_start: None,
            first_audio: None,
            is_full: false,
            is_type_changing: false,
        });
        Ok(self.buffers.len() - 1)
    }

    fn buffer(&mut self, nth: usize) -> Result<&mut Buffer, Exception> {
        if self.is_closing {
            return invalid_state("the attachment of the MediaSource is closing");
        }
        self.buffers
            .get_mut(nth)
            .map_or_else(|| invalid_state(CLOSED), Ok)
    }

    /// The buffer, if no operation is going on.
    fn idle(&mut self, nth: usize) -> Result<&mut Buffer, Exception> {
        let buffer = self.buffer(nth)?;
        match buffer.operation {
            Some(_) => invalid_state(UPDATING),
            None => Ok(buffer),
        }
    }

    /// Opens a source that has ended.
    fn reopen(&mut self) {
        if self.state == ReadyState::Ended {
            self.state = ReadyState::Open;
            self.events.push(SourceEvent::Open);
        }
    }

    /// `updating`.
    pub fn is_updating(&self, nth: usize) -> bool {
        self.buffers
            .get(nth)
            .is_some_and(|it| it.operation.is_some())
    }

    /// `timestampOffset`, in seconds.
    pub fn timestamp_offset(&self, nth: usize) -> f64 {
        self.buffers.get(nth).map_or(0.0, |it| seconds(it.offset))
    }

    /// Sets `timestampOffset`.
    ///
    /// # Errors
    /// During an operation or in a media segment, or if it is closed.
    pub fn set_timestamp_offset(&mut self, nth: usize, offset: f64) -> Result<(), Exception> {
        if !offset.is_finite() {
            return type_error("the offset is not finite");
        }
        self.idle(nth)?;
        self.reopen();
        let may_be_within = self.rules.takes_offset_in_segment;
        let buffer = self.buffer(nth)?;
        if buffer.parser.is_in_media_segment() && !may_be_within {
            return invalid_state("a media segment is being parsed");
        }
        buffer.offset = nanos(offset);
        Ok(())
    }

    /// Sets `appendWindowStart` and `appendWindowEnd`.
    ///
    /// # Errors
    /// During an operation, if it is closed, or if the window is none.
    pub fn set_append_window(
        &mut self,
        nth: usize,
        append_window: Range<f64>,
    ) -> Result<(), Exception> {
        let buffer = self.idle(nth)?;
        // First the end is set to infinity, then the start, then the end.
        buffer.append_window.end = FOREVER;
        let is_start = append_window.start >= 0.0 && append_window.start.is_finite();
        if !is_start {
            return type_error("the start of the append window is invalid");
        }
        buffer.append_window.start = nanos(append_window.start);
        let is_end = append_window.end > append_window.start;
        if !is_end {
            return type_error("the append window is empty");
        }
        buffer.append_window.end = nanos(append_window.end);
        Ok(())
    }

    /// `changeType` to a type that is supported.
    ///
    /// # Errors
    /// During an operation, or if it is closed.
    pub fn change_type(&mut self, nth: usize) -> Result<(), Exception> {
        self.idle(nth)?;
        self.reopen();
        let buffer = self.buffer(nth)?;
        buffer.reset_parser();
        buffer.is_type_changing = true;
        Ok(())
    }

    /// `abort` (§ 3.2).
    ///
    /// # Errors
    /// If it is not open, or something is being removed.
    pub fn abort(&mut self, nth: usize) -> Result<(), Exception> {
        let state = self.state;
        let buffer = self.buffer(nth)?;
        if state != ReadyState::Open {
            return invalid_state("the MediaSource is not open");
        }
        match buffer.operation {
            Some(Operation::Remove(_)) => return invalid_state("a range is being removed"),
            Some(Operation::Append(_)) => {
                buffer.operation = None;
                self.events.push(SourceEvent::UpdateEnd {
                    buffer: nth,
                    succeeded: true,
                });
            }
            None => {}
        }
        let forgets_init = self.rules.abort_forgets_init;
        let buffer = self.buffer(nth)?;
        buffer.reset_parser();
        if forgets_init {
            buffer.parser.forget_init();
        }
        buffer.append_window = 0..FOREVER;
        Ok(())
    }

    /// `appendBuffer`: prepare append (§ 3.5.4). What is appended is taken in by [`finish`](Self::finish).
    ///
    /// # Errors
    /// If an operation is going on, it is closed, the element has failed, or there is no room.
    pub fn append(
        &mut self,
        nth: usize,
        bytes: &Bytes,
        position: Nanos,
        has_element_failed: bool,
    ) -> Result<(), Exception> {
        self.idle(nth)?;
        if has_element_failed {
            return invalid_state("the element has failed");
        }
        self.reopen();
        let limit = match self.buffer(nth)?.has_video {
            true => usize::MAX,
            false => self.rules.audio_append_limit,
        };
        let has_room = bytes.len() <= limit && self.evict(nth, bytes.len(), position);
        let buffer = self.buffer(nth)?;
        buffer.is_full = !has_room;
        if !has_room {
            return Err(Exception::new(
                "QuotaExceededError",
                "the SourceBuffer is full, and cannot free space",
            ));
        }
        buffer.operation = Some(Operation::Append(bytes.clone()));
        Ok(())
    }

    /// `remove` (§ 3.2), which [`finish`](Self::finish) carries out.
    ///
    /// # Errors
    /// If the range is none, an operation is going on, or it is closed.
    pub fn remove(&mut self, nth: usize, range: Range<f64>) -> Result<(), Exception> {
        self.idle(nth)?;
        let Some(duration) = self.duration else {
            return type_error("the duration is not known");
        };
        if !(range.start >= 0.0 && nanos(range.start) <= duration) {
            return type_error("the start is not within the duration");
        }
        if range.end.is_nan() || range.end <= range.start {
            return type_error("the end is not after the start");
        }
        self.reopen();
        let range = nanos(range.start)..nanos(range.end);
        self.buffer(nth)?.operation = Some(Operation::Remove(range));
        Ok(())
    }

    /// Carries out the operation that is going on in a buffer: the part that a browser runs in parallel.
    pub fn finish(&mut self, nth: usize) {
        let Some(buffer) = self.buffers.get_mut(nth) else {
            return;
        };
        let mut result = Ok(());
        match buffer.operation.take() {
            None => return,
            Some(Operation::Append(bytes)) => result = self.segment_parser_loop(nth, &bytes),
            Some(Operation::Remove(range)) => self.remove_frames(nth, range.start, range.end),
        }
        if result.is_err()
            && let Some(buffer) = self.buffers.get_mut(nth)
        {
            // The append error algorithm (§ 3.5.3).
            buffer.reset_parser();
        }
        self.events.push(SourceEvent::UpdateEnd {
            buffer: nth,
            succeeded: result.is_ok(),
        });
        if result.is_err() {
            let closes = match self.rules.engine {
                Engine::Chromium | Engine::Firefox => !self.has_metadata(),
                Engine::WebKit => true,
            };
            self.state = ReadyState::Ended;
            self.events.push(SourceEvent::Ended);
            self.events.push(SourceEvent::DecodeError);
            if closes {
                self.close();
            }
        }
    }

    /// The segment parser loop (§ 3.5.1).
    fn segment_parser_loop(&mut self, nth: usize, bytes: &Bytes) -> Result<(), ()> {
        let Some(buffer) = self.buffers.get_mut(nth) else {
            return Err(());
        };
        let (found, result) = buffer.parser.push(bytes);
        let mut has_frames = false;
        for parsed in found {
            match parsed {
                Parsed::Init(init) => self.receive_init(nth, init)?,
                Parsed::Frame(frame) => {
                    has_frames = true;
                    let buffer = self.buffers.get_mut(nth).ok_or(())?;
                    buffer.process(frame, &self.rules)?;
                }
            }
        }
        if has_frames {
            let group_end = self.buffers.get(nth).map_or(0, |it| it.group_end);
            if self.duration.is_some_and(|duration| group_end > duration) {
                self.change_duration(group_end);
            }
        }
        result.map_err(|_| ())
    }

    /// Initialization segment received (§ 3.5.7).
    fn receive_init(&mut self, nth: usize, init: InitSegment) -> Result<(), ()> {
        if self.duration.is_none() {
            self.change_duration(init.duration.unwrap_or(FOREVER));
        }
        let buffer = self.buffers.get_mut(nth).ok_or(())?;
        if let Some(first) = &buffer.init {
            let kinds = |init: &InitSegment| {
                let mut kinds: Vec<_> = init
                    .tracks
                    .iter()
                    .map(|it| it.kind == TrackKind::Video)
                    .collect();
                kinds.sort_unstable();
                kinds
            };
            if kinds(first) != kinds(&init) {
                return Err(());
            }
            let codecs = |init: &InitSegment| {
                let mut codecs: Vec<_> = init.tracks.iter().map(|it| it.codec).collect();
                codecs.sort_unstable();
                codecs
            };
            // Avc1 and avc3 are one codec in two packings.
            let family = |codecs: Vec<[u8; 4]>| -> Vec<[u8; 3]> {
                codecs.iter().map(|it| [it[0], it[1], it[2]]).collect()
            };
            if !buffer.is_type_changing && family(codecs(first)) != family(codecs(&init)) {
                return Err(());
            }
        }
        buffer.is_type_changing = false;
        for track in &init.tracks {
            // Ids may change if there is one track of each kind.
            let same = buffer.tracks.iter().position(|it| it.track.id == track.id);
            let alike = || {
                let mut of_kind = buffer.tracks.iter().map(|it| it.track.kind);
                of_kind.position(|kind| kind == track.kind)
            };
            match same.or_else(alike) {
                Some(at) => {
                    buffer.tracks[at].track = track.clone();
                    buffer.tracks[at].require_random_access();
                }
                None => buffer.tracks.push(TrackBuffer::new(track.clone())),
            }
        }
        buffer.init = Some(init);
        Ok(())
    }

    /// The duration change algorithm (§ 2.4.6), for a duration that may be set.
    fn change_duration(&mut self, duration: Nanos) {
        if self.duration != Some(duration) {
            self.duration = Some(duration);
            self.events.push(SourceEvent::DurationChange);
        }
    }

    /// Sets `duration`.
    ///
    /// # Errors
    /// If it is negative or NaN, the source is not open, a buffer is updating, or something is buffered
    /// beyond it.
    pub fn set_duration(&mut self, duration: f64) -> Result<(), Exception> {
        if duration.is_nan() || duration < 0.0 {
            return type_error("the duration is negative or no number");
        }
        self.require_idle_and_open()?;
        let mut duration = nanos(duration);
        let tracks = || self.buffers.iter().flat_map(|it| &it.tracks);
        let highest = tracks().filter_map(TrackBuffer::highest_timestamp).max();
        if highest.is_some_and(|highest| duration < highest) {
            return invalid_state("something is buffered beyond the duration");
        }
        if self.rules.raises_duration {
            duration = duration.max(self.highest_end());
        }
        self.change_duration(duration);
        Ok(())
    }

    /// Sets where a live stream can be seeked to.
    ///
    /// # Errors
    /// If it is not open, or the range is none.
    pub fn set_live_seekable_range(&mut self, start: f64, end: f64) -> Result<(), Exception> {
        if self.is_closing || self.state != ReadyState::Open {
            return invalid_state("the MediaSource is not open");
        }
        let is_range = start >= 0.0 && start <= end;
        if !is_range {
            return type_error("the range is none");
        }
        self.live_seekable = Some(nanos(start)..nanos(end));
        Ok(())
    }

    fn require_idle_and_open(&self) -> Result<(), Exception> {
        if self.is_closing || self.state != ReadyState::Open {
            return invalid_state("the MediaSource is not open");
        }
        if self.buffers.iter().any(|it| it.operation.is_some()) {
            return invalid_state(UPDATING);
        }
        Ok(())
    }

    /// `endOfStream` without an error (§ 2.4.7).
    ///
    /// # Errors
    /// If it is not open, or a buffer is updating.
    pub fn end_of_stream(&mut self) -> Result<(), Exception> {
        self.require_idle_and_open()?;
        self.state = ReadyState::Ended;
        self.events.push(SourceEvent::Ended);
        let end = self.highest_end();
        if end > 0 || self.rules.ends_empty_at_zero {
            self.change_duration(end);
        }
        Ok(())
    }

    /// The largest end of all track buffer ranges; 0 if there are none.
    fn highest_end(&mut self) -> Nanos {
        let rules = &self.rules;
        let tracks = self.buffers.iter_mut().flat_map(|it| &mut it.tracks);
        let ends = tracks.filter_map(|track| Some(track.ranges(rules).last()?.end));
        ends.max().unwrap_or(0)
    }

    /// `buffered` of a SourceBuffer.
    ///
    /// # Errors
    /// If it is closed.
    pub fn buffered(&mut self, nth: usize) -> Result<Vec<Range<Nanos>>, Exception> {
        self.buffer(nth)?;
        Ok(self.playable(nth))
    }

    /// What of a buffer can be played, whoever asks.
    fn playable(&mut self, nth: usize) -> Vec<Range<Nanos>> {
        let has_ended = self.state == ReadyState::Ended;
        let Some(buffer) = self.buffers.get_mut(nth) else {
            return Vec::new();
        };
        let rules = &self.rules;
        let lists = buffer
            .tracks
            .iter_mut()
            .filter(|track| !(rules.skips_empty_tracks && track.is_empty()))
            .map(|track| track.ranges(rules).to_vec());
        let mut ranges = common(lists.collect(), has_ended);
        if rules.clips_buffered_to_duration
            && let Some(duration) = self.duration
        {
            ranges.retain(|range| range.start < duration);
            if let Some(last) = ranges.last_mut() {
                last.end = last.end.min(duration);
            }
        }
        ranges
    }

    /// `buffered` of the element: what can be played of all active buffers, which are those with an init segment.
    pub fn element_buffered(&mut self) -> Vec<Range<Nanos>> {
        let is_active = |nth: &usize| self.buffers.get(*nth).is_some_and(|it| it.init.is_some());
        let active: Vec<usize> = (0..self.buffers.len()).filter(is_active).collect();
        let lists = active.into_iter().map(|nth| self.playable(nth)).collect();
        common(lists, self.state == ReadyState::Ended)
    }

    /// Whether all buffers have an init segment, so that the element knows the metadata.
    pub fn has_metadata(&self) -> bool {
        !self.buffers.is_empty() && self.buffers.iter().all(|it| it.init.is_some())
    }

    /// Bytes of all frames of a buffer.
    pub fn bytes(&self, nth: usize) -> usize {
        let tracks = self.buffers.get(nth).map(|it| it.tracks.iter());
        tracks.into_iter().flatten().map(TrackBuffer::bytes).sum()
    }

    /// How many buffers there are.
    pub const fn buffer_count(&self) -> usize {
        self.buffers.len()
    }

    /// Coded frame removal (§ 3.5.9).
    fn remove_frames(&mut self, nth: usize, start: Nanos, end: Nanos) {
        let duration = self.duration.unwrap_or(FOREVER);
        let rules = &self.rules;
        let Some(buffer) = self.buffers.get_mut(nth) else {
            return;
        };
        let removed: Vec<Range<Nanos>> = buffer
            .tracks
            .iter_mut()
            .filter_map(|track| track.remove(start, end, duration, rules))
            .collect();
        buffer.is_full = false;
        if buffer.tracks.iter().any(TrackBuffer::begins_group) {
            buffer.group_start = None;
        }
        if self.is_managed
            && let (Some(start), Some(end)) = (
                removed.iter().map(|it| it.start).min(),
                removed.iter().map(|it| it.end).max(),
            )
        {
            self.events.push(SourceEvent::Removed {
                buffer: nth,
                range: start..end,
            });
        }
    }

    /// Coded frame eviction (§ 3.5.10): makes room for new data, first from what is before the position, a
    /// group of frames at a time, then from the end on, down to the position or to what was appended last.
    /// Whether there is room then.
    fn evict(&mut self, nth: usize, added: usize, position: Nanos) -> bool {
        let Some(buffer) = self.buffers.get(nth) else {
            return true;
        };
        let quota = match buffer.has_video {
            true => self.rules.video_quota,
            false => self.rules.audio_quota,
        };
        if self.bytes(nth) + added <= quota {
            return true;
        }
        let groups = buffer.tracks.first().map(TrackBuffer::groups);
        let groups = groups.unwrap_or_default();
        // A group is played from if the position is in it: nothing of it can be spared.
        let before = groups.iter().filter(|it| it.end <= position);
        let after = groups.iter().rev();
        let after = after.take_while(|it| it.start > position && !it.holds_last_added);
        let candidates: Vec<_> = before.chain(after).copied().collect();
        for group in candidates {
            if self.bytes(nth) + added <= quota {
                break;
            }
            self.remove_frames(nth, group.start, group.end);
        }
        self.bytes(nth) + added <= quota
    }

    /// Memory pressure on a managed source (§ 2.4.9): the browser removes what it likes.
    pub fn evict_range(&mut self, nth: usize, start: Nanos, end: Nanos) {
        self.remove_frames(nth, start, end);
    }
}

impl Buffer {
    /// Reset parser state (§ 3.5.2).
    fn reset_parser(&mut self) {
        self.parser.reset();
        self.group_start = None;
        self.first_audio = None;
        for track in &mut self.tracks {
            track.begin_group();
        }
    }

    /// Coded frame processing (§ 3.5.8) of one frame.
    fn process(&mut self, mut frame: CodedFrame, rules: &Rules) -> Result<(), ()> {
        let nth = self.tracks.iter().position(|it| it.track.id == frame.track);
        let nth = nth.ok_or(())?;
        if rules.drops_audio_before_first && self.tracks[nth].track.kind == TrackKind::Audio {
            let first = *self.first_audio.get_or_insert(frame.pts);
            if frame.end + MICROSECOND < first {
                return Ok(());
            }
        }
        frame.dts += self.offset;
        frame.pts += self.offset;
        frame.end += self.offset;
        let process = |tracks: &mut [TrackBuffer], group_start: Option<Nanos>| {
            let covered = group_start.filter(|_| rules.group_start_covers_all_tracks);
            tracks[nth].process(frame, &self.append_window, covered, rules)
        };
        let mut processed = process(&mut self.tracks, self.group_start);
        if processed == Processed::Discontinuity {
            self.group_end = frame.pts;
            self.group_start = None;
            for track in &mut self.tracks {
                track.begin_group();
            }
            processed = process(&mut self.tracks, None);
        }
        if let Processed::Added(end) = processed {
            let start = self.group_start.unwrap_or(frame.pts);
            self.group_start = Some(start.min(frame.pts));
            self.group_end = self.group_end.max(end);
        }
        Ok(())
    }
}

/// The intersection of ranges (§ 3.1, `buffered`): once the source has ended, what ends first is taken to go
/// on to the end of what ends last.
fn common(mut lists: Vec<Vec<Range<Nanos>>>, has_ended: bool) -> Vec<Range<Nanos>> {
    let highest = lists
        .iter()
        .filter_map(|ranges| ranges.last())
        .map(|it| it.end)
        .max();
    if let Some(highest) = highest
        && has_ended
    {
        for last in lists.iter_mut().filter_map(|ranges| ranges.last_mut()) {
            last.end = highest;
        }
    }
    let mut lists = lists.into_iter();
    let Some(first) = lists.next() else {
        return Vec::new();
    };
    lists.fold(first, |common, ranges| intersection(&common, &ranges))
}
