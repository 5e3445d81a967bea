//! Commands: the messages from the page to the engine.

use serde::{Deserialize, Serialize};

use super::{event::TrackInfo, id::SessionId};
use crate::platform::FileHandle;

/// A request from the page to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Starts a session, and ends the running one.
    Load {
        /// The id of the new session.
        session: SessionId,
        /// Absolute URL of a DASH MPD, an HLS playlist or a fragmented MP4 file.
        url: String,
        /// Start position, buffer goal and request options.
        settings: PlaybackSettings,
    },
    /// Starts a session with a file of the viewer, and ends the running one. Nothing of the file is sent anywhere.
    LoadFile {
        /// The id of the new session.
        session: SessionId,
        /// A media file.
        #[cfg_attr(
            target_family = "wasm",
            serde(with = "crate::protocol::transfer::transferable")
        )]
        file: FileHandle,
        /// Start position and buffer goal.
        settings: PlaybackSettings,
    },
    /// Reports the state of the element. Sent when the engine's clock does not predict it
    /// ([`Observation::should_follow`]), and once a second during playback.
    Observe {
        /// The observed session.
        session: SessionId,
        /// The element's state.
        observation: Observation,
    },
    /// Selects among the tracks of [`Event::Tracks`](super::Event::Tracks) and
    /// [`Event::CaptionTracks`](super::Event::CaptionTracks).
    Select {
        /// The session to change.
        session: SessionId,
        /// The selected tracks.
        selection: TrackSelection,
    },
    /// Changes how much is buffered.
    Configure {
        /// The session to change.
        session: SessionId,
        /// The new goal.
        buffer: BufferGoal,
    },
    /// A heartbeat. Answered at once by [`Event::Pong`](super::Event::Pong).
    Ping,
    /// Ends a session. Answered by [`Event::Stopped`](super::Event::Stopped), and by
    /// [`Event::Closed`](super::Event::Closed) once the element has detached the MediaSource.
    Stop {
        /// The session to end.
        session: SessionId,
    },
}

impl Command {
    /// Whether both load the same video in the same way. The screen's size may differ: the engine learns its changes from
    /// observations.
    pub fn is_same_load(&self, other: &Self) -> bool {
        let mut other = other.clone();
        if let (
            Self::Load { settings, .. },
            Self::Load {
                settings: others, ..
            },
        ) = (self, &mut other)
        {
            others.screen_size = settings.screen_size;
            return *self == other;
        }
        false
    }
}

/// Start position, buffer goal and request options of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlaybackSettings {
    /// Where to start playback, in seconds; `None` for where the author wants, or else the beginning. Live streams start
    /// near their edge.
    pub start: Option<f64>,
    /// How much to buffer.
    pub buffer: BufferGoal,
    /// The viewer's languages as [RFC 5646](https://www.rfc-editor.org/rfc/rfc5646) tags, in order of preference. They
    /// decide which audio plays by default.
    pub languages: Vec<String>,
    /// The audio track that the viewer chose last, in another video; its label does not count.
    pub remembered_audio: Option<TrackInfo>,
    /// Width and height that the picture has at most on this screen, in physical pixels: those of the page's window.
    /// Zeros if unknown. Observations tell the actual size.
    pub screen_size: (u32, u32),
    /// Whether cookies and other credentials are sent to other origins.
    pub credentials: bool,
    /// Headers to add to every request, to any host: name and value.
    pub headers: Vec<(String, String)>,
}

/// How much to buffer around the position, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BufferGoal {
    /// Seconds to buffer ahead of the position; at least 1. Lowered if the browser has no room for them.
    pub ahead: f64,
    /// Seconds to keep behind the position.
    pub behind: f64,
}

impl Default for BufferGoal {
    fn default() -> Self {
        Self {
            ahead: 30.0,
            behind: 30.0,
        }
    }
}

/// The tracks that the viewer has selected, as indices into the lists of the last
/// [`Event::Tracks`](super::Event::Tracks) and [`Event::CaptionTracks`](super::Event::CaptionTracks).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackSelection {
    /// The quality; `None` lets the engine adapt it to the network.
    pub quality: Option<u32>,
    /// The audio track; `None` for the default of the presentation.
    pub audio: Option<u32>,
    /// The captions to show, and to load if they are not loaded yet; `None` for none.
    pub captions: Option<u32>,
}

/// The state of the media element at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// `currentTime`, in seconds.
    pub position: f64,
    /// `playbackRate`; 0 while the element is paused.
    pub rate: f64,
    /// Width and height of the picture on screen, in physical pixels.
    pub screen_size: (u32, u32),
    /// The time of the observation, in milliseconds since the Unix epoch.
    pub at: f64,
}

/// An observation that is as predicted is sent after this time all the same: it confirms that the element moves.
const REFRESH_MS: f64 = 900.0;
/// By how much `currentTime` may differ from the prediction at rate 1: elements report it to the precision of a
/// frame, or worse.
const POSITION_TOLERANCE_SECONDS: f64 = 0.1;

impl Observation {
    /// Whether to send this observation after `sent`: if it differs from the prediction of `sent`, or `sent` is too
    /// old.
    pub fn should_follow(&self, sent: &Self) -> bool {
        let elapsed_ms = self.at - sent.at;
        let predicted = sent.position + sent.rate * elapsed_ms / 1000.0;
        let tolerance = POSITION_TOLERANCE_SECONDS * self.rate;
        let is_as_predicted = (self.position - predicted).abs() <= tolerance
            && (self.rate, self.screen_size) == (sent.rate, sent.screen_size);
        !(is_as_predicted && (0.0..REFRESH_MS).contains(&elapsed_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Observation = Observation {
        position: 10.0,
        rate: 2.0,
        screen_size: (640, 360),
        at: 5_000.0,
    };

    fn observed(position: f64, at: f64) -> Observation {
        Observation {
            position,
            at,
            ..SENT
        }
    }

    #[test]
    fn predicted_position_is_not_sent_again() {
        // 250 ms at rate 2 are half a second, give or take a few frames.
        assert!(!observed(10.5, 5_250.0).should_follow(&SENT));
        assert!(!observed(10.4, 5_250.0).should_follow(&SENT));
    }

    #[test]
    fn unexpected_or_old_observation_is_sent_again() {
        assert!(observed(10.0, 5_250.0).should_follow(&SENT), "stalled");
        assert!(observed(20.5, 5_250.0).should_follow(&SENT), "seeked");
        assert!(observed(12.0, 6_000.0).should_follow(&SENT), "refresh");
        assert!(
            observed(9.5, 4_750.0).should_follow(&SENT),
            "system clock set back"
        );
        let slower = Observation { rate: 1.0, ..SENT };
        assert!(slower.should_follow(&SENT));
        let smaller = Observation {
            screen_size: (1, 1),
            ..SENT
        };
        assert!(smaller.should_follow(&SENT));
    }

    #[test]
    fn any_movement_while_paused_is_sent() {
        let paused = Observation { rate: 0.0, ..SENT };
        let stepped = Observation {
            position: 10.03,
            ..paused
        };
        assert!(stepped.should_follow(&paused));
        assert!(!paused.should_follow(&paused));
    }
}
