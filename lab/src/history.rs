//! The recorded events of the session, sorted by kind, each list oldest first. Does not touch the DOM.

use yew_mse_worker::protocol::{
    Command, Diagnostic, Event, LiveStatus, Quality, SegmentReport, TrackKind, TrackSelection,
    milestone::{Milestone, ReachedMilestone},
    recording::{MediaEvent, RecordedEvent, RecordedKind},
};

/// The longest list. Several hours of the most frequent kind of event.
const MAX_ENTRIES: usize = 20_000;

/// The recorded events. Times are in milliseconds since the Unix epoch.
#[derive(Default)]
pub struct History {
    /// The times of the first and the last event; `None` before the first.
    pub span: Option<(f64, f64)>,
    /// Media segments in the order in which they were appended or aborted.
    pub segments: Vec<SegmentReport>,
    /// The reported states of the buffers.
    pub samples: Vec<BufferSample>,
    /// When another quality was selected, and its bandwidth in bits per second.
    pub switches: Vec<(f64, u64)>,
    /// The last report of a live stream.
    pub live: Option<LiveStatus>,
    /// The first report of its edge: the time in milliseconds since the Unix epoch, and the edge in seconds.
    pub first_edge: Option<(f64, f64)>,
    /// Events of the video element.
    pub element_events: Vec<ElementEvent>,
    /// Milestones of the startup.
    pub milestones: Vec<ReachedMilestone>,
    /// The engine's other messages, as text with their times.
    pub notices: Vec<(f64, String)>,
    /// The page's commands to the engine, as text with their times.
    pub commands: Vec<(f64, String)>,
    /// When a message of the engine arrived.
    pub message_times: Vec<f64>,
    /// Ranges removed from the buffers.
    pub evictions: Vec<Eviction>,
    /// The qualities of the current content.
    pub qualities: Vec<Quality>,
    /// Container and tracks of the media file that plays.
    pub file: Option<String>,
    /// The size of the engine's wasm memory, in bytes.
    pub memory: u32,
}

/// The state of the buffers at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct BufferSample {
    /// Milliseconds since the Unix epoch.
    pub at: f64,
    /// The buffered ranges of video and of audio, in seconds; `None` where there is no such buffer.
    pub buffered: [Option<Vec<(f64, f64)>>; 2],
    /// The seconds to buffer ahead of the position.
    pub goal: f64,
    /// The estimated bandwidth of the network, in bits per second.
    pub bandwidth: f64,
    /// The position that the engine last received, in seconds.
    pub position: f64,
}

impl BufferSample {
    /// The seconds of video and of audio that are buffered ahead of a position.
    pub fn ahead(&self, position: f64) -> [Option<f64>; 2] {
        let ahead_in = |ranges: &Option<Vec<_>>| {
            ranges
                .as_ref()
                .map(|ranges| buffered_ahead(ranges, position))
        };
        self.buffered.each_ref().map(ahead_in)
    }
}

/// An event of the video element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElementEvent {
    /// Milliseconds since the Unix epoch.
    pub at: f64,
    /// Its type.
    pub event: MediaEvent,
    /// `currentTime` then, in seconds.
    pub position: f64,
}

/// A range removed from a SourceBuffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eviction {
    /// Milliseconds since the Unix epoch.
    pub at: f64,
    /// The buffer's kind of track.
    pub kind: TrackKind,
    /// Start and end of the range, in seconds of the presentation.
    pub range: (f64, f64),
}

/// What the element does during an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementState {
    /// Playing.
    Playing,
    /// Waiting for data.
    Waiting,
    /// Seeking.
    Seeking,
    /// Paused, ended, failed, or not started.
    Paused,
}

impl History {
    /// Adds a sequence of encoded [`RecordedEvent`]s. Stops at the first that cannot be decoded.
    pub fn read(&mut self, mut recorded: &[u8]) {
        while let Ok((event, rest)) = postcard::take_from_bytes::<RecordedEvent>(recorded) {
            self.add(event);
            recorded = rest;
        }
    }

    fn add(&mut self, RecordedEvent { at, kind }: RecordedEvent) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        match kind {
            RecordedKind::HandleArrived => {
                let milestone = Milestone::HandleArrived;
                push(&mut self.milestones, ReachedMilestone { milestone, at });
                push(&mut self.message_times, at);
            }
            RecordedKind::Element { event, position } => {
                let event = ElementEvent {
                    at,
                    event,
                    position,
                };
                push(&mut self.element_events, event);
            }
            RecordedKind::Command(bytes) => {
                if let Ok(command) = postcard::from_bytes(&bytes) {
                    let text = self.command_text(command);
                    push(&mut self.commands, (at, text));
                }
            }
            RecordedKind::Event(bytes) => {
                push(&mut self.message_times, at);
                if let Ok(event) = postcard::from_bytes(&bytes) {
                    self.add_engine_event(at, event);
                }
            }
        }
    }

    fn command_text(&self, command: Command) -> String {
        let number = |index: Option<u32>| {
            index.map_or("default".into(), |index| format!("number {}", index + 1))
        };
        match command {
            Command::Load { url, settings, .. } => {
                format!(
                    "load {url}, starting at {:.1} s",
                    settings.start.unwrap_or_default()
                )
            }
            Command::LoadFile { settings, .. } => {
                let start = settings.start.unwrap_or_default();
                format!("load a file, starting at {start:.1} s")
            }
            Command::Select { selection, .. } => {
                let TrackSelection {
                    quality,
                    audio,
                    captions,
                } = selection;
                let quality = usize::try_from(quality.unwrap_or(u32::MAX)).ok();
                let quality = quality.and_then(|index| self.qualities.get(index));
                let quality = quality.map_or("automatic".into(), |quality| {
                    self.quality_name(quality.bandwidth)
                });
                let audio = number(audio);
                let captions = captions.map_or("off".into(), |index| number(Some(index)));
                format!("select quality {quality}, audio {audio}, subtitles {captions}")
            }
            Command::Configure { buffer, .. } => {
                format!("buffer {:.0} s ahead", buffer.ahead)
            }
            Command::Stop { .. } => "stop".into(),
            Command::Observe { .. } | Command::Ping => "report the position".into(),
        }
    }

    fn add_engine_event(&mut self, at: f64, event: Event) {
        match event {
            Event::Tracks { qualities, .. } => self.qualities = qualities,
            Event::QualityChanged { bandwidth, .. } => push(&mut self.switches, (at, bandwidth)),
            Event::Diagnostics { diagnostic, .. } => {
                if let Ok(diagnostic) = diagnostic.decode() {
                    self.add_diagnostic(at, diagnostic);
                }
            }
            Event::MilestoneReached { reached, .. } => push(&mut self.milestones, reached),
            Event::CatchUp { rate, .. } => self.add_notice(at, format!("rate {rate:.2}")),
            Event::Seek { to, .. } => self.add_notice(at, format!("seek to {to:.2} s")),
            Event::CaptionsLoaded {
                url: Err(error), ..
            } => self.add_notice(at, format!("subtitles failed: {error}")),
            Event::Skipped { start, error, .. } => {
                self.add_notice(at, format!("passed over {start:.1} s: {error}"));
            }
            Event::Retrying { error, .. } => {
                let notice = match error {
                    Some(error) => format!("retrying: {error}"),
                    None => "the retry succeeded".into(),
                };
                // While a server is busy, the same error comes every second.
                if self.notices.last().is_none_or(|(_, last)| *last != notice) {
                    self.add_notice(at, notice);
                }
            }
            Event::Failed { error, .. } | Event::EngineFailed { error } => {
                self.add_notice(at, format!("failed: {error}"));
            }
            Event::Live { status, .. } => {
                if status.is_none() {
                    self.add_notice(at, "the live stream has ended".into());
                }
                let first = status.map(|status| (status.at, status.edge));
                self.first_edge = self.first_edge.filter(|_| status.is_some()).or(first);
                self.live = status;
            }
            Event::LeftWindow { .. } => {
                self.add_notice(at, "the position has left the live window".into());
            }
            Event::Stopped { .. } => self.add_notice(at, "stopped".into()),
            Event::Closed { .. } => self.add_notice(at, "MediaSource closed".into()),
            Event::Ready { .. }
            | Event::MediaSourceReady { .. }
            | Event::CaptionTracks { .. }
            | Event::CaptionsLoaded { .. }
            | Event::TracksLeftOut { .. }
            | Event::Pong => {}
        }
    }

    fn add_diagnostic(&mut self, at: f64, diagnostic: Diagnostic) {
        match diagnostic {
            Diagnostic::BufferLevels {
                levels,
                position,
                bandwidth,
                goal,
                memory,
            } => {
                let buffered = |kind| {
                    let level = levels.iter().find(|level| level.kind == kind);
                    level.map(|level| level.buffered.clone())
                };
                let sample = BufferSample {
                    at,
                    buffered: [buffered(TrackKind::Video), buffered(TrackKind::Audio)],
                    goal,
                    bandwidth,
                    position,
                };
                push(&mut self.samples, sample);
                self.memory = memory;
            }
            Diagnostic::FileOpened { container, tracks } => {
                let tracks = tracks.into_iter().map(|(codec, problem)| match problem {
                    Some(problem) => format!("{codec} (not played: {problem})"),
                    None => codec,
                });
                let tracks: Vec<_> = tracks.collect();
                self.file = Some(format!("{container}: {}", tracks.join(", ")));
            }
            Diagnostic::SegmentFinished(segment) => push(&mut self.segments, segment),
            Diagnostic::Evicted { kind, start, end } => {
                let range = (start, end);
                push(&mut self.evictions, Eviction { at, kind, range });
            }
        }
    }

    fn add_notice(&mut self, at: f64, text: String) {
        push(&mut self.notices, (at, text));
    }

    /// The last sample before a time, and the seconds of video and of audio buffered ahead at that time.
    pub fn sample(&self, at: f64) -> Option<(&BufferSample, [Option<f64>; 2])> {
        let count = self.samples.partition_point(|sample| sample.at <= at);
        let sample = self.samples.get(count.checked_sub(1)?)?;
        Some((sample, sample.ahead(self.position(sample, at))))
    }

    /// The estimated position at a time after a sample, in seconds. Assumes a playback rate of 1 since the last
    /// known position.
    fn position(&self, sample: &BufferSample, at: f64) -> f64 {
        let count = self.element_events.partition_point(|event| event.at <= at);
        let (since, from) = match count
            .checked_sub(1)
            .and_then(|last| self.element_events.get(last))
        {
            Some(event) if event.at > sample.at => (event.at, event.position),
            _ => (sample.at, sample.position),
        };
        // `seeked` and `loadeddata` do not change whether the element plays.
        let is_playing = self
            .element_events
            .iter()
            .take(count)
            .rev()
            .find_map(|event| match event.event {
                MediaEvent::Playing => Some(true),
                MediaEvent::Seeked | MediaEvent::LoadedData => None,
                _ => Some(false),
            });
        match is_playing {
            Some(true) => from + (at - since) / 1000.0,
            _ => from,
        }
    }

    /// Extends the session to `now` while the element plays or waits, for which it sends no messages. Returns whether
    /// it does.
    pub fn advance(&mut self, now: f64) -> bool {
        let states = self.states(now);
        let is_paused = matches!(states.last(), None | Some((_, _, ElementState::Paused)));
        if let Some((_, last)) = &mut self.span
            && !is_paused
        {
            *last = last.max(now);
        }
        !is_paused
    }

    /// The states of the element as intervals: start, end, state. The last ends at `now`.
    pub fn states(&self, now: f64) -> Vec<(f64, f64, ElementState)> {
        let mut states: Vec<(f64, f64, ElementState)> = Vec::new();
        let mut playing = false;
        for ElementEvent { at, event, .. } in &self.element_events {
            let state = match event {
                MediaEvent::Playing => ElementState::Playing,
                MediaEvent::Waiting => ElementState::Waiting,
                MediaEvent::Seeking => ElementState::Seeking,
                MediaEvent::Seeked if playing => ElementState::Playing,
                MediaEvent::LoadStart
                | MediaEvent::Pause
                | MediaEvent::Seeked
                | MediaEvent::Ended
                | MediaEvent::Error => ElementState::Paused,
                MediaEvent::LoadedData => continue,
            };
            match event {
                MediaEvent::Playing => playing = true,
                MediaEvent::LoadStart
                | MediaEvent::Pause
                | MediaEvent::Ended
                | MediaEvent::Error => {
                    playing = false;
                }
                _ => {}
            }
            if let Some(last) = states.last_mut() {
                if last.2 == state {
                    continue;
                }
                last.1 = *at;
            }
            states.push((*at, now, state));
        }
        states
    }

    /// The name of the quality with a bandwidth: its height, or the bandwidth if the height is unknown.
    pub fn quality_name(&self, bandwidth: u64) -> String {
        let quality = self
            .qualities
            .iter()
            .find(|quality| quality.bandwidth == bandwidth);
        match quality.map(|quality| quality.size.1) {
            Some(height) if height > 0 => format!("{height}p"),
            _ => bit_rate(bandwidth as f64),
        }
    }
}

/// Appends to a list. A full list first drops its older half.
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= MAX_ENTRIES {
        list.drain(..MAX_ENTRIES / 2);
    }
    list.push(item);
}

/// The seconds buffered from a position to the next gap.
fn buffered_ahead(buffered: &[(f64, f64)], position: f64) -> f64 {
    /// A range may start this much after the position.
    const TOLERANCE_SECONDS: f64 = 0.1;
    let contains_position =
        |(start, end): &&(f64, f64)| *start <= position + TOLERANCE_SECONDS && *end > position;
    buffered
        .iter()
        .find(contains_position)
        .map_or(0.0, |(_, end)| end - position)
}

/// Formats a bit rate: `1.2 Mbit/s`.
pub fn bit_rate(bits_per_second: f64) -> String {
    match bits_per_second {
        1e6.. => format!("{:.1} Mbit/s", bits_per_second / 1e6),
        _ => format!("{:.0} kbit/s", bits_per_second / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element_event(at: f64, event: MediaEvent) -> RecordedEvent {
        let kind = RecordedKind::Element {
            event,
            position: 0.0,
        };
        RecordedEvent { at, kind }
    }

    fn history(events: &[RecordedEvent]) -> History {
        let recorded: Vec<u8> = events
            .iter()
            .flat_map(|event| postcard::to_allocvec(event).unwrap())
            .collect();
        let mut history = History::default();
        history.read(&recorded);
        history
    }

    #[test]
    fn state_after_a_seek_is_the_state_before_it() {
        use MediaEvent::{Pause, Playing, Seeked, Seeking, Waiting};
        let events = [
            (1.0, Playing),
            (2.0, Seeking),
            (3.0, Seeked),
            (4.0, Waiting),
            (5.0, Playing),
            (6.0, Pause),
            (7.0, Seeking),
            (8.0, Seeked),
        ];
        let history = history(&events.map(|(at, event)| element_event(at, event)));
        assert_eq!(
            history.states(9.0),
            [
                (1.0, 2.0, ElementState::Playing),
                (2.0, 3.0, ElementState::Seeking),
                (3.0, 4.0, ElementState::Playing),
                (4.0, 5.0, ElementState::Waiting),
                (5.0, 6.0, ElementState::Playing),
                (6.0, 7.0, ElementState::Paused),
                (7.0, 8.0, ElementState::Seeking),
                (8.0, 9.0, ElementState::Paused),
            ]
        );
        assert_eq!(history.span, Some((1.0, 8.0)));
    }

    #[test]
    fn session_goes_on_while_the_element_plays() {
        let mut history = history(&[element_event(1.0, MediaEvent::Playing)]);
        assert!(history.advance(500.0));
        assert_eq!(history.span, Some((1.0, 500.0)));
        history.add(element_event(600.0, MediaEvent::Pause));
        assert!(!history.advance(900.0));
        assert_eq!(history.span, Some((1.0, 600.0)));
    }

    #[test]
    fn buffered_ahead_ends_at_the_first_gap() {
        assert_eq!(buffered_ahead(&[(0.0, 4.0), (5.0, 9.0)], 1.0), 3.0);
        assert_eq!(buffered_ahead(&[(0.0, 4.0), (5.0, 9.0)], 4.5), 0.0);
        assert_eq!(buffered_ahead(&[(1.05, 4.0)], 1.0), 3.0);
        assert_eq!(buffered_ahead(&[], 1.0), 0.0);
    }

    #[test]
    fn buffered_ahead_shrinks_while_playing() {
        let mut history = history(&[element_event(0.0, MediaEvent::Playing)]);
        history.samples.push(BufferSample {
            at: 1_000.0,
            buffered: [Some(vec![(0.0, 10.0)]), None],
            goal: 10.0,
            bandwidth: 1e6,
            position: 1.0,
        });
        let ahead = |history: &History, at| history.sample(at).map(|(_, ahead)| ahead);
        assert_eq!(ahead(&history, 500.0), None);
        assert_eq!(ahead(&history, 1_000.0), Some([Some(9.0), None]));
        assert_eq!(ahead(&history, 4_000.0), Some([Some(6.0), None]));
        history.element_events.push(ElementEvent {
            at: 5_000.0,
            event: MediaEvent::Pause,
            position: 5.0,
        });
        assert_eq!(ahead(&history, 9_000.0), Some([Some(5.0), None]));
    }

    #[test]
    fn reading_stops_at_bytes_that_cannot_be_decoded() {
        let event = element_event(1.0, MediaEvent::Playing);
        let mut recorded = postcard::to_allocvec(&event).unwrap();
        recorded.extend([255; 9]);
        let mut history = History::default();
        history.read(&recorded);
        assert_eq!(history.element_events.len(), 1);
    }

    #[test]
    fn full_list_drops_its_older_half() {
        let mut list = Vec::new();
        for item in 0..MAX_ENTRIES + 5 {
            push(&mut list, item);
        }
        assert_eq!(list.len(), MAX_ENTRIES / 2 + 5);
        assert_eq!(list.last(), Some(&(MAX_ENTRIES + 4)));
    }
}
