//! Events: the messages from the engine to the page.

use serde::{Deserialize, Serialize};

use super::{encoded::Encoded, error::PlaybackError, id::SessionId, milestone::ReachedMilestone};
use crate::platform::MediaHandle;

/// A message from the engine to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The engine's first message.
    Ready {
        /// The worker's [`BUILD_ID`](super::BUILD_ID).
        build: String,
    },
    /// A MediaSource was created. It opens once `video.srcObject` is this handle.
    MediaSourceReady {
        /// The session it belongs to.
        session: SessionId,
        /// Transferred with the message: see [`EventPort::post_with_transfer`](super::EventPort). It is the
        /// MediaSource itself where the engine runs on the page.
        #[cfg_attr(
            target_family = "wasm",
            serde(with = "crate::protocol::transfer::transferable")
        )]
        handle: MediaHandle,
        /// Where to start playback, in seconds.
        start: f64,
    },
    /// The tracks that can be selected. Sent for each MediaSource, once its SourceBuffers are created.
    Tracks {
        /// The session it belongs to.
        session: SessionId,
        /// By ascending bandwidth. Only those that this browser can decode.
        qualities: Vec<Quality>,
        /// Empty if the audio is muxed with the video, or there is none.
        audio: Vec<TrackInfo>,
    },
    /// The captions that can be selected. Sent once, when enough is buffered.
    CaptionTracks {
        /// The session they belong to.
        session: SessionId,
        /// In the order of the manifest.
        tracks: Vec<TrackInfo>,
    },
    /// The selected captions have been loaded, or could not be.
    CaptionsLoaded {
        /// The session they belong to.
        session: SessionId,
        /// Their index in [`Event::CaptionTracks`].
        index: u32,
        /// Object URL of WebVTT in presentation time, valid until the session ends.
        url: Result<String, PlaybackError>,
    },
    /// Segments of another quality are fetched from now on.
    QualityChanged {
        /// The session it belongs to.
        session: SessionId,
        /// Bits per second, as in [`Event::Tracks`].
        bandwidth: u64,
    },
    /// A report of the engine's activity, for display. Encoded, so that a page that does not display it does not
    /// contain the decoder.
    Diagnostics {
        /// The session it belongs to.
        session: SessionId,
        /// The encoded [`Diagnostic`].
        diagnostic: Encoded<Diagnostic>,
    },
    /// The element has to seek: over a gap, to leave a stall, or to another start.
    Seek {
        /// The session it belongs to.
        session: SessionId,
        /// The new position, in seconds.
        to: f64,
    },
    /// A request has failed and is being repeated.
    Retrying {
        /// The session it belongs to.
        session: SessionId,
        /// Why it failed; `None` once it has succeeded.
        error: Option<PlaybackError>,
        /// Seconds until it is repeated.
        seconds: u32,
    },
    /// Where a live stream is. Sent once a second and when something changes.
    Live {
        /// The session it belongs to.
        session: SessionId,
        /// The state; `None` once the stream has ended and is on demand.
        status: Option<LiveStatus>,
    },
    /// The element has to play at this rate, if the viewer has not chosen another, to keep its distance from the live edge.
    CatchUp {
        /// The session it belongs to.
        session: SessionId,
        /// The playback rate, close to 1.
        rate: f64,
    },
    /// Playback was paused for longer than the stream keeps its past, and continues where that begins.
    LeftWindow {
        /// The session it belongs to.
        session: SessionId,
    },
    /// A part of the presentation cannot be played. The others are.
    Skipped {
        /// The session it belongs to.
        session: SessionId,
        /// Start of the part, in seconds.
        start: f64,
        /// End of the part, in seconds; infinite for the rest of the presentation.
        end: f64,
        /// Why.
        error: PlaybackError,
    },
    /// Tracks of a media file or an MPEG-TS stream are not played. The others are.
    TracksLeftOut {
        /// The session it belongs to.
        session: SessionId,
        /// All of them, in the order of the file.
        tracks: Vec<LeftOutTrack>,
    },
    /// The engine has reached a milestone.
    MilestoneReached {
        /// The session it belongs to.
        session: SessionId,
        /// The milestone and its time.
        reached: ReachedMilestone,
    },
    /// The session cannot continue. The MediaSource is kept until the page detaches it.
    Failed {
        /// The session that failed.
        session: SessionId,
        /// Why.
        error: PlaybackError,
    },
    /// The engine no longer uses the session's MediaSource: the page may detach it.
    Stopped {
        /// The session that has ended.
        session: SessionId,
    },
    /// The session's MediaSource is closed.
    Closed {
        /// The session that has ended.
        session: SessionId,
    },
    /// The answer to [`Command::Ping`](super::Command::Ping).
    Pong,
    /// The engine failed, independently of a session.
    EngineFailed {
        /// Why.
        error: PlaybackError,
    },
}

impl Event {
    /// The session that this belongs to; `None` if it belongs to the engine itself.
    pub const fn session(&self) -> Option<SessionId> {
        match self {
            Self::MediaSourceReady { session, .. }
            | Self::Tracks { session, .. }
            | Self::CaptionTracks { session, .. }
            | Self::CaptionsLoaded { session, .. }
            | Self::QualityChanged { session, .. }
            | Self::Diagnostics { session, .. }
            | Self::Seek { session, .. }
            | Self::Retrying { session, .. }
            | Self::Live { session, .. }
            | Self::CatchUp { session, .. }
            | Self::LeftWindow { session }
            | Self::Skipped { session, .. }
            | Self::TracksLeftOut { session, .. }
            | Self::MilestoneReached { session, .. }
            | Self::Failed { session, .. }
            | Self::Stopped { session }
            | Self::Closed { session } => Some(*session),
            Self::Ready { .. } | Self::Pong | Self::EngineFailed { .. } => None,
        }
    }
}

/// Where a live stream is. Positions are in seconds, on the timeline of the element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveStatus {
    /// Start and end of the range that can be played.
    pub seekable: (f64, f64),
    /// The live edge at `at`. It moves on steadily.
    pub edge: f64,
    /// The time of this state, in milliseconds since the Unix epoch.
    pub at: f64,
    /// How far behind the edge to play.
    pub delay: f64,
    /// How far behind the edge the position is.
    pub latency: f64,
    /// Wall-clock time of position 0, in seconds since the Unix epoch, if the stream tells.
    pub zero: Option<f64>,
    /// Seconds that the server's clock is ahead of this device's.
    pub clock_offset: f64,
    /// How often the manifest and the playlists were reloaded.
    pub reloads: u32,
}

/// A video quality that the viewer can select.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Width and height in pixels; zeros if unknown.
    pub size: (u32, u32),
    /// Bits per second; 0 if unknown.
    pub bandwidth: u64,
    /// Media type with codecs, as in [RFC 6381](https://www.rfc-editor.org/rfc/rfc6381).
    pub mime: String,
}

/// An audio or caption track that the viewer can select.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackInfo {
    /// [RFC 5646](https://www.rfc-editor.org/rfc/rfc5646) tag; empty if unknown.
    pub language: String,
    /// The label in the manifest; may be empty.
    pub label: String,
    /// What tells it from others of its language, such as `audio description`; may be empty.
    pub note: String,
}

impl TrackInfo {
    /// The label, or else the name of the language, and the note. `None` if there are none. `language_name` returns the
    /// name of a language tag.
    pub fn display_name(&self, language_name: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let language = || match self.language.as_str() {
            "" => None,
            tag => Some(language_name(tag).unwrap_or_else(|| tag.to_owned())),
        };
        let name = match self.label.as_str() {
            "" => language(),
            label => Some(label.to_owned()),
        };
        // The label often says it already.
        let is_said = self
            .label
            .to_ascii_lowercase()
            .contains(&self.note.to_ascii_lowercase());
        match name {
            Some(name) if is_said || self.note.is_empty() => Some(name),
            Some(name) => Some([&name, " – ", &self.note].concat()),
            None => Some(self.note.clone()).filter(|note| !note.is_empty()),
        }
    }
}

/// A track of a media file or an MPEG-TS stream that is not played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutTrack {
    /// Its kind and codec, such as `audio track (ac-3)`.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// The content of a SourceBuffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrackKind {
    /// Video, possibly with audio muxed in.
    #[default]
    Video,
    /// Audio alone.
    Audio,
}

/// The buffered ranges of one SourceBuffer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BufferLevel {
    /// The SourceBuffer.
    pub kind: TrackKind,
    /// `SourceBuffer.buffered`: start and end in seconds, ascending.
    pub buffered: Vec<(f64, f64)>,
}

/// The download of one media segment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentReport {
    /// The SourceBuffer it is for.
    pub kind: TrackKind,
    /// Bits per second of its representation, which identifies it.
    pub bandwidth: u64,
    /// Its start, in seconds.
    pub start: f64,
    /// Its end, in seconds.
    pub end: f64,
    /// Bytes received.
    pub bytes: u64,
    /// Time of the request, in milliseconds since the Unix epoch.
    pub requested_at: f64,
    /// Time of the append, or when the download was abandoned, in milliseconds since the Unix epoch.
    pub finished_at: f64,
    /// Whether it was appended; if not, the download was abandoned or failed.
    pub appended: bool,
    /// What the remuxer did with it, if it is MPEG-TS.
    pub remuxed: Option<RemuxReport>,
}

/// The work of the remuxer on one media segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemuxReport {
    /// Time that it took, in milliseconds.
    pub milliseconds: f64,
    /// Bytes of fragmented MP4 that it made.
    pub bytes: u64,
}

/// A report of the engine's activity, for display only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Diagnostic {
    /// The state of the buffers. Sent when it changes, at most once a second.
    BufferLevels {
        /// One for each SourceBuffer.
        levels: Vec<BufferLevel>,
        /// The position by the engine's clock, in seconds.
        position: f64,
        /// The estimated bandwidth, in bits per second.
        bandwidth: f64,
        /// The buffer goal, in seconds ahead: lower than configured where the browser has no room for that.
        goal: f64,
        /// The size of the engine's wasm memory, in bytes.
        memory: u32,
    },
    /// What the media file that is played has. Sent once, before its tracks.
    FileOpened {
        /// Name of the container.
        container: String,
        /// The codec of each track, and why it is not played if it is not.
        tracks: Vec<(String, Option<String>)>,
    },
    /// The download of a media segment ended.
    SegmentFinished(SegmentReport),
    /// A range was removed from a SourceBuffer to make room.
    Evicted {
        /// The SourceBuffer.
        kind: TrackKind,
        /// Start of the range, in seconds.
        start: f64,
        /// End of the range, in seconds; infinite if everything after `start` was removed.
        end: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::milestone::Milestone;

    fn encode(event: &Event) -> Vec<u8> {
        postcard::to_allocvec(event).unwrap()
    }

    fn decode(bytes: &[u8]) -> Option<Event> {
        postcard::from_bytes(bytes).ok()
    }

    #[test]
    fn decoded_event_equals_the_encoded_one() {
        let session = SessionId::default().next();
        let reached = ReachedMilestone {
            milestone: Milestone::SourceOpen,
            at: 1.5,
        };
        let error = PlaybackError::UnsupportedFeature {
            url: "https://example.org/video".into(),
            feature: "smell".into(),
        };
        for event in [
            Event::Ready { build: "x".into() },
            Event::MilestoneReached { session, reached },
            Event::Failed { session, error },
            Event::Closed { session },
        ] {
            assert_eq!(decode(&encode(&event)), Some(event));
        }
    }

    #[test]
    fn track_is_named_by_label_or_language_and_note() {
        let name = |language: &str, label: &str, note: &str| {
            let track = TrackInfo {
                language: language.into(),
                label: label.into(),
                note: note.into(),
            };
            track.display_name(&|tag| (tag == "en").then(|| "English".into()))
        };
        for (track, expected) in [
            (["en", "", ""], Some("English")),
            (
                ["en", "", "audio description"],
                Some("English – audio description"),
            ),
            (
                ["en", "Described", "audio description"],
                Some("Described – audio description"),
            ),
            (
                ["en", "Audio Description (EN)", "audio description"],
                Some("Audio Description (EN)"),
            ),
            (["xx", "", "2"], Some("xx – 2")),
            (["", "", "commentary"], Some("commentary")),
            (["", "", ""], None),
        ] {
            let [language, label, note] = track;
            assert_eq!(
                name(language, label, note).as_deref(),
                expected,
                "{track:?}"
            );
        }
    }

    #[test]
    fn malformed_bytes_are_no_event() {
        let whole = encode(&Event::Ready {
            build: "0123".into(),
        });
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length]), None);
        }
        assert_eq!(decode(&[99, 1, 2, 3]), None);
    }
}
