//! What all parts of a playback share.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{content::Content, network::Network, playback_state::PlaybackState};
use crate::protocol::{PlaybackError, ResourceKind, SessionId, transfer::Port};

/// A fault on its way up. Boxed, as it goes through many hands, and each of them has only a pointer to
/// pass on.
pub type Error = Box<PlaybackError>;

/// What all parts of a playback share.
pub struct Context {
    /// The way to the page.
    pub port: Port,
    /// Which playback it is.
    pub session: SessionId,
    /// What is played.
    pub content: Rc<Content>,
    /// Where it comes from.
    pub network: Rc<Network>,
    /// What decides.
    pub state: Rc<PlaybackState>,
    /// By how much each stretch of HLS timestamps is off the film's own time, in seconds: as found by
    /// whichever SourceBuffer came to it first, so that picture and sound stay together.
    pub offsets: RefCell<Vec<(u32, f64)>>,
    /// Whether nothing has been appended yet.
    pub nothing_appended: Cell<bool>,
}

/// A file came, but it is not what it should be.
pub fn invalid_data(what: ResourceKind, url: &str, reason: &str) -> Error {
    Box::new(PlaybackError::InvalidData {
        resource: what,
        url: url.into(),
        reason: reason.into(),
    })
}
