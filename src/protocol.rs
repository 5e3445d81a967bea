//! The messages between the page and the engine, and their transfer between threads.
//!
//! Times are in milliseconds since the Unix epoch, positions in seconds of the presentation.
//!
//! ```text
//! page                                    engine
//!  │  (spawns the worker)                   │
//!  │ ◄─────────────────────────── Ready ────┤  the build id of the worker's program
//!  ├── Load { session, url, … } ──────────► │  new MediaSource()
//!  │ ◄─ MediaSourceReady { handle, … } ─────┤  the handle is transferred, not copied
//!  │  video.srcObject = handle              │
//!  ├── Observe { observation } ───────────► │  position and rate that the engine cannot predict
//!  │ ◄───── MilestoneReached, or Failed ────┤
//!  │ ◄── Tracks, QualityChanged, … ─────────┤  for the menus
//!  │ ◄─────────────────── Diagnostics ──────┤  for display, such as in the lab
//!  │ ◄─────────────────── CaptionTracks ────┤
//!  ├── Select { session, selection } ─────► │  the viewer's choice of tracks
//!  │ ◄────────────────── CaptionsLoaded ────┤  the URL of the selected captions
//!  │ ◄──────────────── MediaSourceReady ────┤  again, where the next period needs other tracks
//!  │ ◄──────────────────────────── Seek ────┤  over a gap that the element cannot pass
//!  ├── Configure { session, buffer } ─────► │
//!  ├── Ping ──────────────────────────────► │  several times a second
//!  │ ◄──────────────────────────── Pong ────┤
//!  ├── Stop { session } ──────────────────► │  requests aborted, the MediaSource no longer used
//!  │ ◄───────────────────────── Stopped ────┤
//!  │  video.srcObject = null                │
//!  │ ◄────────────────────────── Closed ────┤  `sourceclose`: the worker may be terminated
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | `id` | [`SessionId`] and [`BUILD_ID`] |
//! | `command` | [`Command`] and its parts |
//! | [`early_load`] | the first command of a worker that is started before the page's program |
//! | `event` | [`Event`] and its parts |
//! | `date` | wall-clock times in messages |
//! | `error` | [`PlaybackError`] and its advice |
//! | `short_url` | [`short_url()`]: URLs in messages, without secrets |
//! | `message` | [`Message`]: a command or an event, still packed, for observers |
//! | [`milestone`] | the milestones from `Load` to the first frame |
//! | [`recording`] | the recorded events that the lab shows |
//! | `port` | [`EventPort`], by which the engine sends events to the page |
//! | [`transfer`] | codec, worker and transfer list; knows nothing of this player's messages |

mod command;
mod date;
pub mod early_load;
mod encoded;
mod error;
mod event;
mod id;
mod message;
pub mod milestone;
mod port;
pub mod recording;
mod short_url;
pub mod transfer;

pub use command::{BufferGoal, Command, Observation, PlaybackSettings, TrackSelection};
pub use encoded::Encoded;
pub use error::{PlaybackError, ResourceKind};
pub use event::{
    BufferLevel, Diagnostic, Event, LeftOutTrack, LiveStatus, Quality, RemuxReport, SegmentReport,
    TrackInfo, TrackKind,
};
pub use id::{BUILD_ID, SessionId};
pub use message::Message;
pub use port::{EventPort, EventSink};
pub use short_url::short_url;
