//! The context of a session.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{content::Content, network::Network, playback_state::PlaybackState};
use crate::{
    media::selection::AudioPreference,
    protocol::{EventPort, SessionId},
};

/// Which audio to play by default.
#[derive(Clone, Debug, Default)]
pub struct AudioDefaults {
    /// The track that the viewer chose last, in another video.
    pub remembered: Option<AudioPreference>,
    /// The viewer's languages, in order of preference.
    pub languages: Vec<String>,
}

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
    /// Which audio to play as long as the viewer has not chosen any.
    pub audio_defaults: AudioDefaults,
    /// Whether the author decides where playback starts: the page did not, and it has not started yet.
    pub starts_by_author: Cell<bool>,
    /// Whether no media segment has been appended yet.
    pub nothing_appended: Cell<bool>,
}
