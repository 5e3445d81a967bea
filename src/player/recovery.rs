//! Decides whether playback that failed continues automatically.

use crate::protocol::PlaybackError;

/// Two failures at positions closer than this are assumed to have the same cause: the second is shown instead of
/// recovered from.
const MIN_DISTANCE_SECONDS: f64 = 10.0;

/// An element's position and state when playback last worked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastPosition {
    /// `currentTime`, in seconds.
    pub position: f64,
    /// Whether it was playing.
    pub is_playing: bool,
}

/// The progress of a recovery: playback was lost, because the engine died or the element failed, and continues
/// with a new MediaSource. The first recovery is automatic, and a later one if playback has moved on meanwhile;
/// otherwise the viewer has to request it.
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
    /// Whether playback that is lost at `now` continues automatically. An element that never had metadata gets
    /// another MediaSource only if the worker was lost.
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
