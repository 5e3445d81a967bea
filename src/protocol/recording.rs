//! What the page notes of a playback, for the lab to show: a program of its own, which may come later
//! than what it shows. Notes are told as bytes, one [postcard] after the other.

use serde::{Deserialize, Serialize};

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// When the page came to know of it, in milliseconds since the Unix epoch.
    pub at: f64,
    /// What it was.
    pub kind: RecordedKind,
}

/// What is noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RecordedKind {
    /// The page has asked the engine for something: a [`Command`](super::Command), in the letter's own bytes.
    Command(Vec<u8>),
    /// The engine has said something: an [`Event`](super::Event), in the letter's own bytes; but see
    /// [`What::HandleArrived`].
    Event(Vec<u8>),
    /// The engine has said [`Event::Opened`](super::Event::Opened), and nobody but the element is to have what came with it.
    HandleArrived,
    /// The element has said something.
    Element {
        /// What.
        event: MediaEvent,
        /// `currentTime` then, in seconds of film.
        position: f64,
    },
}

/// An event of a media element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaEvent {
    /// It was given something to play.
    LoadStart,
    /// It has the first frame.
    LoadedData,
    /// It plays.
    Playing,
    /// It would play, but has nothing to.
    Waiting,
    /// It was paused.
    Pause,
    /// It is going elsewhere.
    Seeking,
    /// It has come there.
    Seeked,
    /// The film is over.
    Ended,
    /// It gave up.
    Error,
}

impl MediaEvent {
    /// All of them.
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

    /// The event's name.
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
