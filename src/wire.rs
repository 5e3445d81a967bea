//! The whole conversation between the page and the worker: what is said, by whom, and what can go
//! wrong. Times are in milliseconds since the Unix epoch, positions in seconds of film.
//!
//! ```text
//! page                                worker
//!  │  (spawns it)                        │
//!  │ ◄──────────────────────── Ready ────┤  who are you? the build's id
//!  ├── Load { session, url } ──────────► │  new MediaSource()
//!  │ ◄──── Opened { session, handle } ───┤  the handle crosses, moved, not copied
//!  │  video.srcObject = handle           │
//!  │ ◄────────── Reached, or Failed ─────┤  as it happens
//!  ├── Stop { session } ───────────────► │  fetches aborted, no call to the MediaSource any more
//!  │ ◄─────────────────────── Stopped ───┤
//!  │  video.srcObject = null             │
//!  │ ◄──────────────────────── Closed ───┤  `sourceclose`: the worker may go
//! ```

pub mod journey;
pub mod post;

use serde::{Deserialize, Serialize};

use crate::web::MediaSourceHandle;
use journey::Mark;

/// Names this build. Page and worker are compiled from the same sources and say the same; a worker
/// out of an old cache says another.
pub const BUILD: &str = env!("BUILD_ID");

/// One playback of one film: one MediaSource, one handle. Every message about a playback carries
/// it, so that what a past playback still says can be told from what the present one says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionId(u32);

impl SessionId {
    /// The id of the playback after this one.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// What the page asks of the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Play this film from now on. A playback that was going on ends.
    Load {
        /// Names the new playback.
        session: SessionId,
        /// Absolute URL of the film's playlist.
        url: String,
    },
    /// End this playback. Answered by [`Event::Stopped`], then, once the element has let go of the
    /// MediaSource, by [`Event::Closed`].
    Stop {
        /// The playback to end.
        session: SessionId,
    },
}

/// What the worker tells the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The first word of an agent: it runs, and this is the build that it belongs to.
    Ready {
        /// The worker's [`BUILD`].
        build: String,
    },
    /// The MediaSource is made. It opens once `video.srcObject` is this handle.
    Opened {
        /// The playback it belongs to.
        session: SessionId,
        /// Transferred with the message, not copied into it: see [`post::Port::transfer`].
        #[serde(with = "post::carried")]
        handle: MediaSourceHandle,
    },
    /// A step of the handle's journey was taken in the worker.
    Reached {
        /// The playback it belongs to.
        session: SessionId,
        /// Which step, and when.
        mark: Mark,
    },
    /// This playback cannot go on. The MediaSource is left as it is until the page lets go of it.
    Failed {
        /// The playback that failed.
        session: SessionId,
        /// Why.
        fault: Fault,
    },
    /// The worker will not touch this playback's MediaSource any more: the page may detach it.
    Stopped {
        /// The playback that was ended.
        session: SessionId,
    },
    /// The MediaSource is detached and closed.
    Closed {
        /// The playback that is over.
        session: SessionId,
    },
    /// The agent itself failed, whatever it was playing.
    AgentFailed {
        /// Why.
        fault: Fault,
    },
}

impl Event {
    /// The playback that this is about; `None` if it is about the agent.
    pub const fn session(&self) -> Option<SessionId> {
        match self {
            Self::Opened { session, .. }
            | Self::Reached { session, .. }
            | Self::Failed { session, .. }
            | Self::Stopped { session }
            | Self::Closed { session } => Some(*session),
            Self::Ready { .. } | Self::AgentFailed { .. } => None,
        }
    }
}

/// What can go wrong, on either thread. `Display` says what happened, [`Fault::advice`] what a
/// person can do about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// The worker's script is not where the page looks for it.
    #[error("The worker’s script {url} could not be loaded: {reason}.")]
    WorkerMissing {
        /// Where it was looked for.
        url: String,
        /// What the server answered, if it did.
        reason: String,
    },
    /// The worker's script or wasm was loaded in part, or threw while starting.
    #[error("The worker did not start: {reason}.")]
    WorkerBroken {
        /// The browser's words.
        reason: String,
    },
    /// The worker said nothing in time.
    #[error("The worker has not answered for {seconds} seconds.")]
    WorkerSilent {
        /// How long it was waited for.
        seconds: u32,
    },
    /// Page and worker come from different builds.
    #[error("The worker is of another build ({theirs}) than the page ({BUILD}).")]
    WorkerStale {
        /// What the worker calls its build.
        theirs: String,
    },
    /// The worker ran and then panicked, or an exception escaped it.
    #[error("The worker died: {reason}.")]
    WorkerDied {
        /// The panic's or the exception's words.
        reason: String,
    },
    /// A message that the other side could not read.
    #[error("The page and the worker misunderstood each other.")]
    Garbled,
    /// The browser has no MediaSource in workers, or none with a handle.
    #[error("This browser has no MediaSource in workers.")]
    NoMediaSourceInWorkers,
    /// The browser cannot decode this.
    #[error("This browser cannot play {mime}.")]
    Undecodable {
        /// The type that was refused, as in [RFC 6381](https://www.rfc-editor.org/rfc/rfc6381).
        mime: String,
    },
    /// A call to the MediaSource, or to one of its buffers, was refused.
    #[error("The browser refused to {doing}: {reason}.")]
    Media {
        /// What was being done.
        doing: String,
        /// The browser's words.
        reason: String,
    },
    /// The film does not fit into the browser's buffer.
    #[error("This film is longer than the browser can keep, and this player keeps all of it.")]
    BufferFull,
    /// The video element gave up.
    #[error("The browser stopped playing (error {code}): {reason}.")]
    Element {
        /// [`MediaError.code`](https://html.spec.whatwg.org/#dom-mediaerror-code).
        code: u16,
        /// The browser's words.
        reason: String,
    },
    /// The address is none that can be fetched.
    #[error("“{address}” is not the address of a film.")]
    Address {
        /// What was given.
        address: String,
    },
    /// The server answered with an error.
    #[error("The server answered {status} for {what} {url}.")]
    Status {
        /// What was being fetched.
        what: Piece,
        /// From where.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// There was no answer, or it broke off.
    #[error("Could not fetch {what} {url}: {reason}.")]
    Network {
        /// What was being fetched.
        what: Piece,
        /// From where.
        url: String,
        /// The browser's words.
        reason: String,
    },
    /// The answer did not come in time.
    #[error("Waited {seconds} seconds in vain for {what} {url}.")]
    Timeout {
        /// What was being fetched.
        what: Piece,
        /// From where.
        url: String,
        /// How long it was waited for.
        seconds: u32,
    },
    /// The playlist breaks the rules of its format.
    #[error("{url} is not a playlist that can be read: {reason}.")]
    Playlist {
        /// Where it came from.
        url: String,
        /// Which rule, and where.
        reason: String,
    },
    /// The film is fine, but this player cannot play its kind.
    #[error("{url} uses {feature}, which this player does not play.")]
    Unsupported {
        /// Where it came from.
        url: String,
        /// What it would need.
        feature: String,
    },
}

/// A part of a film that is fetched on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Piece {
    /// A playlist or manifest.
    #[error("the playlist")]
    Playlist,
    /// What a decoder has to know before the first media segment.
    #[error("the init segment")]
    Init,
    /// A few seconds of coded pictures or sound.
    #[error("the media segment")]
    Segment,
}

impl Fault {
    /// What a person can do about it, in a sentence.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::WorkerMissing { .. } | Self::WorkerBroken { .. } => {
                "If this site is yours, see that worker_loader.js, worker.js and worker_bg.wasm \
                 lie beside index.html. Otherwise try again in a moment."
            }
            Self::WorkerSilent { .. } => {
                "On a slow connection it may still come. Otherwise try again."
            }
            Self::WorkerStale { .. } => {
                "The site has been updated since this page was opened: reload the page."
            }
            Self::WorkerDied { .. } | Self::Garbled => {
                "Try again: that starts a fresh worker. The browser’s console may say more."
            }
            Self::NoMediaSourceInWorkers => {
                "Chrome and Edge have it since version 108, Safari on Mac and iPad since 18. \
                 Firefox and iPhones do not have it yet."
            }
            Self::Undecodable { .. } => "Try another browser, or a film in H.264 and AAC.",
            Self::BufferFull => "Try a shorter film, or one at a lower bit rate.",
            Self::Media { .. } | Self::Element { .. } => {
                "Try again. If it happens at the same place, the film itself may be damaged."
            }
            Self::Address { .. } => "Give the http or https address of an HLS playlist (.m3u8).",
            Self::Status { .. } => {
                "See whether the address is right and the film is still there, then try again."
            }
            Self::Network { .. } => {
                "See whether you are online. A film on another site must allow this page to fetch \
                 it (CORS)."
            }
            Self::Timeout { .. } => "The server or the connection is slow. Try again in a moment.",
            Self::Playlist { .. } => "See whether the address is that of an HLS playlist (.m3u8).",
            Self::Unsupported { .. } => {
                "This player plays HLS on demand with fragmented MP4 segments."
            }
        }
    }

    /// Whether trying again takes a fresh worker, because this one is gone or not to be trusted.
    pub const fn needs_new_worker(&self) -> bool {
        matches!(
            self,
            Self::WorkerMissing { .. }
                | Self::WorkerBroken { .. }
                | Self::WorkerSilent { .. }
                | Self::WorkerStale { .. }
                | Self::WorkerDied { .. }
                | Self::Garbled
        )
    }
}
