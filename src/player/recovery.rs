//! When playback that failed continues by itself.

use crate::protocol::PlaybackError;

/// Two failures less than this far apart count as one cause: the second is shown instead of recovered from.
const MIN_DISTANCE_SECONDS: f64 = 10.0;

/// Where an element was when playback last went well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastPosition {
    /// `currentTime`, in seconds.
    pub position: f64,
    /// Whether it was playing.
    pub is_playing: bool,
}

/// Whether playback was lost, because the engine died or the element failed, and continues with a new
/// MediaSource. This happens once by itself; after that the viewer has to ask for it, unless playback has
/// moved on meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Recovery {
    /// Playback was not lost.
    #[default]
    None,
    /// Playback was lost here; the next source continues it.
    InProgress(Option<LastPosition>),
    /// Playback was lost here and has continued, or the error was shown.
    Done(Option<LastPosition>),
}

impl Recovery {
    /// Whether playback that is lost at `now` continues by itself. An element that never had metadata is only
    /// given another MediaSource if the worker was at fault.
    pub fn is_possible(self, error: &PlaybackError, now: Option<LastPosition>) -> bool {
        match (self, now) {
            (Self::None, now) => now.is_some() || error.is_worker_lost(),
            (Self::Done(Some(before)), Some(now)) => {
                (now.position - before.position).abs() > MIN_DISTANCE_SECONDS
            }
            _ => false,
        }
    }
}
