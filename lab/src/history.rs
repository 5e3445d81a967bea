//! What happened in a playback, sorted by what it is, each list in the order of time. Pure: notes in,
//! lists out.

use yew_mse_worker::protocol::{
    Command, Diagnostic, Event, Quality, SegmentReport, TrackKind, TrackSelection,
    milestone::{Milestone, ReachedMilestone},
    recording::{MediaEvent, RecordedEvent, RecordedKind},
};

/// How many of each are kept: hours, of what there is most of.
const MOST: usize = 20_000;

/// All that is known.
#[derive(Default)]
pub struct History {
    /// When the first and the last thing happened that is known.
    pub span: Option<(f64, f64)>,
    /// Media segments, by when they were done with.
    pub fetched: Vec<SegmentReport>,
    /// How the buffers were filled.
    pub levels: Vec<Level>,
    /// Which quality was fetched from when on: bits per second.
    pub switches: Vec<(f64, u64)>,
    /// What the element did.
    pub moments: Vec<ElementEvent>,
    /// The steps of the handle's journey.
    pub marks: Vec<ReachedMilestone>,
    /// What else the engine said, in words.
    pub words: Vec<(f64, String)>,
    /// What the page asked it for, in words.
    pub requests: Vec<(f64, String)>,
    /// Everything the engine said: when it came.
    pub messages: Vec<f64>,
    /// What was removed from the buffers.
    pub evictions: Vec<Eviction>,
    /// What there is to choose from now.
    pub qualities: Vec<Quality>,
    /// The memory of the engine's program, in bytes.
    pub memory: u32,
}

/// How the buffers were filled, from a time on.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Milliseconds since the Unix epoch.
    pub at: f64,
    /// What there was of pictures and of sound, in seconds of film; `None` where there is no such buffer.
    pub buffered: [Option<Vec<(f64, f64)>>; 2],
    /// Seconds of film wanted ahead.
    pub goal: f64,
    /// What the network was taken to give, in bits per second.
    pub bandwidth: f64,
    /// Where the engine took the film to be.
    pub position: f64,
}

impl Level {
    /// Seconds of pictures, and of sound, ahead of a position.
    pub fn ahead(&self, position: f64) -> [Option<f64>; 2] {
        let of = |ranges: &Option<Vec<_>>| ranges.as_ref().map(|it| ahead(it, position));
        self.buffered.each_ref().map(of)
    }
}

/// An event of the element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElementEvent {
    /// Milliseconds since the Unix epoch.
    pub at: f64,
    /// Which.
    pub moment: MediaEvent,
    /// Seconds of film.
    pub position: f64,
}

/// What was removed from a SourceBuffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eviction {
    /// Milliseconds since the Unix epoch.
    pub at: f64,
    /// From which buffer.
    pub kind: TrackKind,
    /// From where to where, in seconds of film.
    pub film: (f64, f64),
}

/// What the element was doing, over a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Playing.
    Playing,
    /// Waiting for something to play.
    Waiting,
    /// On its way to another position.
    Seeking,
    /// At rest: paused, at the end, or not begun.
    Resting,
}

impl History {
    /// Takes in notes, as the page tells them. What cannot be read is left out, with all after it.
    pub fn read(&mut self, mut notes: &[u8]) {
        while let Ok((note, rest)) = postcard::take_from_bytes::<RecordedEvent>(notes) {
            self.take(note);
            notes = rest;
        }
    }

    fn take(&mut self, RecordedEvent { at, kind: what }: RecordedEvent) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        match what {
            RecordedKind::HandleArrived => {
                let step = Milestone::HandleArrived;
                push(
                    &mut self.marks,
                    ReachedMilestone {
                        milestone: step,
                        at,
                    },
                );
                push(&mut self.messages, at);
            }
            RecordedKind::Element {
                event: moment,
                position,
            } => {
                let seen = ElementEvent {
                    at,
                    moment,
                    position,
                };
                push(&mut self.moments, seen);
            }
            RecordedKind::Command(bytes) => {
                if let Ok(command) = postcard::from_bytes(&bytes) {
                    let words = self.request(command);
                    push(&mut self.requests, (at, words));
                }
            }
            RecordedKind::Event(bytes) => {
                push(&mut self.messages, at);
                if let Ok(event) = postcard::from_bytes(&bytes) {
                    self.hear(at, event);
                }
            }
        }
    }

    /// What the page asks for, in words.
    fn request(&self, command: Command) -> String {
        let number =
            |place: Option<u32>| place.map_or("none".into(), |it| format!("number {}", it + 1));
        match command {
            Command::Load { url, settings, .. } => {
                format!("the page asks for {url}, from {:.1} s on", settings.start)
            }
            Command::Select { selection, .. } => {
                let TrackSelection {
                    quality,
                    audio,
                    captions,
                } = selection;
                let quality = usize::try_from(quality.unwrap_or(u32::MAX)).ok();
                let quality = quality.and_then(|place| self.qualities.get(place));
                let quality = quality.map_or("any".into(), |it| self.name(it.bandwidth));
                let (sound, captions) = (number(audio), number(captions));
                format!("a person chooses: quality {quality}, sound {sound}, captions {captions}")
            }
            Command::Configure { buffer, .. } => {
                format!("the page wants {:.0} s ahead", buffer.ahead)
            }
            Command::Stop { .. } => "the page ends the playback".into(),
            Command::Observe { .. } | Command::Ping => "the page says where the film is".into(),
        }
    }

    fn hear(&mut self, at: f64, event: Event) {
        match event {
            Event::Tracks { qualities, .. } => self.qualities = qualities,
            Event::QualityChanged { bandwidth, .. } => push(&mut self.switches, (at, bandwidth)),
            Event::Diagnostics {
                diagnostic: detail, ..
            } => {
                if let Ok(detail) = detail.decode() {
                    self.look_into(at, detail);
                }
            }
            Event::MilestoneReached { mark, .. } => push(&mut self.marks, mark),
            Event::Seek { to, .. } => self.say(at, format!("is sent to {to:.2} s")),
            Event::CaptionsLoaded {
                url: Err(fault), ..
            } => self.say(at, format!("no captions: {fault}")),
            Event::Retrying { error: fault, .. } => self.say(
                at,
                match fault {
                    Some(fault) => format!("tries again: {fault}"),
                    None => "it has come after all".into(),
                },
            ),
            Event::Failed { error: fault, .. } | Event::EngineFailed { error: fault } => {
                self.say(at, format!("failed: {fault}"));
            }
            Event::Stopped { .. } => self.say(at, "the playback is ended".into()),
            Event::Closed { .. } => self.say(at, "the MediaSource is closed".into()),
            Event::Ready { .. }
            | Event::MediaSourceReady { .. }
            | Event::CaptionTracks { .. }
            | Event::CaptionsLoaded { .. }
            | Event::Pong => {}
        }
    }

    fn look_into(&mut self, at: f64, detail: Diagnostic) {
        match detail {
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
                let level = Level {
                    at,
                    buffered: [buffered(TrackKind::Video), buffered(TrackKind::Audio)],
                    goal,
                    bandwidth,
                    position,
                };
                push(&mut self.levels, level);
                self.memory = memory;
            }
            Diagnostic::SegmentFinished(fetched) => push(&mut self.fetched, fetched),
            Diagnostic::Evicted { kind, start, end } => {
                let film = (start, end);
                push(&mut self.evictions, Eviction { at, kind, film });
            }
        }
    }

    fn say(&mut self, at: f64, words: String) {
        push(&mut self.words, (at, words));
    }

    /// How the buffers were filled at a time, and what of it was ahead then.
    pub fn level(&self, at: f64) -> Option<(&Level, [Option<f64>; 2])> {
        let nth = self.levels.partition_point(|it| it.at <= at);
        let level = self.levels.get(nth.checked_sub(1)?)?;
        Some((level, level.ahead(self.position(level, at))))
    }

    /// Where the film was at a time after this level was told: seconds of film, by what the element said
    /// last. It is taken to play at its usual speed.
    fn position(&self, level: &Level, at: f64) -> f64 {
        let seen = |nth: usize| self.moments.get(nth.checked_sub(1)?);
        let nth = self.moments.partition_point(|it| it.at <= at);
        let (since, from) = match seen(nth) {
            Some(it) if it.at > level.at => (it.at, it.position),
            _ => (level.at, level.position),
        };
        // What it did last that is not merely said on the way.
        let is_playing = (0..=nth).rev().find_map(|nth| match seen(nth)?.moment {
            MediaEvent::Playing => Some(true),
            MediaEvent::Seeked | MediaEvent::LoadedData => None,
            _ => Some(false),
        });
        match is_playing {
            Some(true) => from + (at - since) / 1000.0,
            _ => from,
        }
    }

    /// What the element was doing from when to when, until `now`.
    pub fn states(&self, now: f64) -> Vec<(f64, f64, State)> {
        let mut states: Vec<(f64, f64, State)> = Vec::new();
        let mut playing = false;
        for ElementEvent { at, moment, .. } in &self.moments {
            let state = match moment {
                MediaEvent::Playing => State::Playing,
                MediaEvent::Waiting => State::Waiting,
                MediaEvent::Seeking => State::Seeking,
                MediaEvent::Seeked if playing => State::Playing,
                MediaEvent::LoadStart
                | MediaEvent::Pause
                | MediaEvent::Seeked
                | MediaEvent::Ended
                | MediaEvent::Error => State::Resting,
                MediaEvent::LoadedData => continue,
            };
            match moment {
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

    /// What a quality is called: its height, or its bandwidth.
    pub fn name(&self, bandwidth: u64) -> String {
        let quality = self.qualities.iter().find(|it| it.bandwidth == bandwidth);
        match quality.map(|it| it.size.1) {
            Some(height) if height > 0 => format!("{height}p"),
            _ => bits(bandwidth as f64),
        }
    }
}

/// Adds to a list. If it is full, its older half is forgotten.
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= MOST {
        list.drain(..MOST / 2);
    }
    list.push(item);
}

/// How many seconds there are from a position on without a gap.
fn ahead(buffered: &[(f64, f64)], position: f64) -> f64 {
    /// A gap or an edge of less than this is none, in seconds.
    const TOLERANCE: f64 = 0.1;
    let here = |(start, end): &&(f64, f64)| *start <= position + TOLERANCE && *end > position;
    buffered
        .iter()
        .find(here)
        .map_or(0.0, |(_, end)| end - position)
}

/// `1.2 Mbit/s`.
pub fn bits(per_second: f64) -> String {
    match per_second {
        1e6.. => format!("{:.1} Mbit/s", per_second / 1e6),
        _ => format!("{:.0} kbit/s", per_second / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at: f64, moment: MediaEvent) -> RecordedEvent {
        let what = RecordedKind::Element {
            event: moment,
            position: 0.0,
        };
        RecordedEvent { at, kind: what }
    }

    fn history(notes: &[RecordedEvent]) -> History {
        let told: Vec<u8> = notes
            .iter()
            .flat_map(|note| postcard::to_allocvec(note).unwrap())
            .collect();
        let mut history = History::default();
        history.read(&told);
        history
    }

    #[test]
    fn a_seek_while_it_plays_ends_in_playing() {
        use MediaEvent::{Pause, Playing, Seeked, Seeking, Waiting};
        let told = [
            (1.0, Playing),
            (2.0, Seeking),
            (3.0, Seeked),
            (4.0, Waiting),
            (5.0, Playing),
            (6.0, Pause),
            (7.0, Seeking),
            (8.0, Seeked),
        ];
        let history = history(&told.map(|(at, moment)| seen(at, moment)));
        assert_eq!(
            history.states(9.0),
            [
                (1.0, 2.0, State::Playing),
                (2.0, 3.0, State::Seeking),
                (3.0, 4.0, State::Playing),
                (4.0, 5.0, State::Waiting),
                (5.0, 6.0, State::Playing),
                (6.0, 7.0, State::Resting),
                (7.0, 8.0, State::Seeking),
                (8.0, 9.0, State::Resting),
            ]
        );
        assert_eq!(history.span, Some((1.0, 8.0)));
    }

    #[test]
    fn what_is_ahead_ends_at_the_first_gap() {
        assert_eq!(ahead(&[(0.0, 4.0), (5.0, 9.0)], 1.0), 3.0);
        assert_eq!(ahead(&[(0.0, 4.0), (5.0, 9.0)], 4.5), 0.0);
        assert_eq!(ahead(&[(1.05, 4.0)], 1.0), 3.0);
        assert_eq!(ahead(&[], 1.0), 0.0);
    }

    #[test]
    fn what_is_ahead_is_less_and_less_while_it_plays() {
        let mut history = history(&[seen(0.0, MediaEvent::Playing)]);
        history.levels.push(Level {
            at: 1_000.0,
            buffered: [Some(vec![(0.0, 10.0)]), None],
            goal: 10.0,
            bandwidth: 1e6,
            position: 1.0,
        });
        let ahead = |history: &History, at| history.level(at).map(|(_, ahead)| ahead);
        assert_eq!(ahead(&history, 500.0), None);
        assert_eq!(ahead(&history, 1_000.0), Some([Some(9.0), None]));
        assert_eq!(ahead(&history, 4_000.0), Some([Some(6.0), None]));
        history.moments.push(ElementEvent {
            at: 5_000.0,
            moment: MediaEvent::Pause,
            position: 5.0,
        });
        assert_eq!(ahead(&history, 9_000.0), Some([Some(5.0), None]));
    }

    #[test]
    fn what_cannot_be_read_ends_the_reading() {
        let mut told = postcard::to_allocvec(&seen(1.0, MediaEvent::Playing)).unwrap();
        told.extend([255; 9]);
        let mut history = History::default();
        history.read(&told);
        assert_eq!(history.moments.len(), 1);
    }

    #[test]
    fn an_hour_and_more_is_not_kept_for_ever() {
        let mut list = Vec::new();
        for item in 0..MOST + 5 {
            push(&mut list, item);
        }
        assert_eq!(list.len(), MOST / 2 + 5);
        assert_eq!(list.last(), Some(&(MOST + 4)));
    }
}
