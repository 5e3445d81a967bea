//! The context of a session.

use std::{cell::Cell, rc::Rc};

use super::{
    content::Content, network::Network, offset_table::OffsetTable, playback_state::PlaybackState,
};
use crate::{
    media::{ranges::TimeRange, selection::AudioPreference},
    protocol::{Event, EventPort, PlaybackError, SessionId},
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
    /// The timestamp offsets, the same for audio and video so that they stay in sync.
    pub offset_table: OffsetTable,
    /// Which audio to play as long as the viewer has not chosen any.
    pub audio_defaults: AudioDefaults,
    /// Whether the author decides where playback starts: the page did not, and it has not started yet.
    pub starts_by_author: Cell<bool>,
    /// Whether no media segment has been appended yet.
    pub nothing_appended: Cell<bool>,
}

impl Context {
    /// Tells the page that a part of the presentation cannot be played, and why.
    pub fn report_skipped(&self, time: TimeRange, error: PlaybackError) {
        self.port.post(Event::Skipped {
            session: self.session,
            start: time.start,
            end: time.end,
            error,
        });
    }
}
