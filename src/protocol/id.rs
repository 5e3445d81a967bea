//! The ids of builds and sessions.

use serde::{Deserialize, Serialize};

/// The id of this build. Page and worker are compiled from the same sources, so a different id means that
/// one of them came from an old cache.
pub const BUILD_ID: &str = env!("BUILD_ID");

/// The id of a session, which is one playback of one URL. Every message about a session carries it, so that late
/// messages of an ended session are recognized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionId(u32);

impl SessionId {
    /// The id of the session after this one.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}
