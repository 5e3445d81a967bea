//! The recording that the page keeps for the lab: a sequence of [`RecordedEvent`]s in [postcard] format. The lab is
//! another program, and may be opened after the events that it shows.

use serde::{Deserialize, Serialize};

/// A recorded event and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// When the page recorded it, in milliseconds since the Unix epoch.
    pub at: f64,
    /// What happened.
    pub kind: RecordedKind,
}

/// The kinds of recorded events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RecordedKind {
    /// The page sent this encoded [`Command`](super::Command).
    Command(Vec<u8>),
    /// The engine sent this encoded [`Event`](super::Event).
    Event(Vec<u8>),
    /// The engine sent [`Event::MediaSourceReady`](super::Event::MediaSourceReady), which cannot be recorded
    /// because its handle belongs to the element.
    HandleArrived,
    /// The element fired an event.
    Element {
        /// The event.
        event: MediaEvent,
        /// `currentTime` at the event, in seconds.
        position: f64,
    },
}

/// An [event of a media element](https://html.spec.whatwg.org/#mediaevents).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaEvent {
    /// `loadstart`
    LoadStart,
    /// `loadeddata`
    LoadedData,
    /// `playing`
    Playing,
    /// `waiting`
    Waiting,
    /// `pause`
    Pause,
    /// `seeking`
    Seeking,
    /// `seeked`
    Seeked,
    /// `ended`
    Ended,
    /// `error`
    Error,
}

impl MediaEvent {
    /// All that are recorded.
    pub const ALL: [Self; 9] = [
        Self::LoadStart,
        Self::LoadedData,
        Self::Playing,
        Self::Waiting,
        Self::Pause,
        Self::Seeking,
        Self::Seeked,
        Self::Ended,
        Self::Error,
    ];

    /// The event's type, as in `addEventListener`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoadStart => "loadstart",
            Self::LoadedData => "loadeddata",
            Self::Playing => "playing",
            Self::Waiting => "waiting",
            Self::Pause => "pause",
            Self::Seeking => "seeking",
            Self::Seeked => "seeked",
            Self::Ended => "ended",
            Self::Error => "error",
        }
    }
}
