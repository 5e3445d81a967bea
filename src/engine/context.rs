//! The context of a session.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{content::Content, network::Network, playback_state::PlaybackState};
use crate::protocol::{EventPort, SessionId};

/// Services and state that the modules of a session share once its manifest is loaded.
pub struct Context {
    /// The port to the page.
    pub port: EventPort,
    /// The session's id.
    pub session: SessionId,
    /// The content that is played.
    pub content: Rc<Content>,
    /// Fetches its files.
    pub network: Rc<Network>,
    /// Position, selection and buffer levels.
    pub state: Rc<PlaybackState>,
    /// Discontinuity sequence number and timestamp offset, in seconds, for each HLS discontinuity that was reached. The
    /// first track that reaches one determines the offset for both, so that audio and video stay in sync.
    /// The oldest first.
    pub offsets: RefCell<Vec<(u32, f64)>>,
    /// Whether no media segment has been appended yet.
    pub nothing_appended: Cell<bool>,
}
