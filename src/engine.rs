//! The engine: receives commands and runs at most one [`Session`]. It does not know which thread it runs on.
//!
//! ```text
//! worker ──► Engine ──► session ──► period_group ──► track_feeder ──► download ──► segment_buffer
//! (gloo)                   │             │ monitor          │ plan         │ http
//!                          ├─ content (manifest, indexes)    └──────────────┴─ network (retries)
//!                          └─ captions
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `worker` | runs the engine in a gloo-worker or on the page |
//! | `session` | one playback, from `new MediaSource()` to its end: **start reading here** |
//! | `period_group`, `tracks`, `monitor` | what one MediaSource plays; its tracks; gaps, stalls and the end |
//! | `track_feeder`, `download` | keeps one SourceBuffer filled; one segment from request to append |
//! | `media_source`, `segment_buffer` | the MediaSource and its SourceBuffers |
//! | `media_file` | a media file as the content, read by byte ranges |
//! | `remuxing` | segments in MPEG-TS, remuxed on their way to a SourceBuffer |
//! | `context`, `playback_state` | what the modules of a session share; position, selection and buffer levels |
//! | `content`, `manifest` | loads and completes the presentation; interprets its files |
//! | `live`, `clock_offset` | follows a live stream: reloads, edge, window, catch-up; the server's clock |
//! | `timeline` | where segments lie according to their media |
//! | `network`, `http`, `request_limit`, `bandwidth_meter` | retries; one request; limits and measures them |
//! | `box_validator`, `decryption`, `captions` | checks MP4 boxes; AES-128; WebVTT |
//! | `error` | the error type and its constructors |

mod bandwidth_meter;
mod box_validator;
mod captions;
mod clock_offset;
mod content;
mod context;
mod decryption;
mod download;
mod error;
mod http;
mod live;
mod manifest;
mod media_file;
mod media_source;
mod monitor;
mod network;
mod offset_table;
mod period_group;
mod playback_state;
mod remuxing;
mod request_limit;
mod segment_buffer;
pub mod session;
mod track_feeder;
mod tracks;
pub mod worker;

use crate::{
    platform::{self, FileHandle},
    protocol::{BUILD_ID, Command, Event, EventPort, PlaybackError, PlaybackSettings, SessionId},
};
use session::Session;

/// The engine of one player.
pub struct Engine {
    port: EventPort,
    session: Option<Session>,
}

impl Engine {
    /// Creates an engine and posts [`Event::Ready`].
    pub fn new(port: EventPort) -> Self {
        port.post(Event::Ready {
            build: BUILD_ID.into(),
        });
        Self {
            port,
            session: None,
        }
    }

    /// Executes a command. Ignores commands for a session that has ended.
    pub fn handle(&mut self, command: Command) {
        match command {
            Command::Load {
                session,
                url,
                settings,
            } => {
                self.load(session, url, None, settings);
            }
            Command::LoadFile {
                session,
                file,
                settings,
            } => {
                let name = platform::file_name(&file);
                self.load(session, name, Some(file), settings);
            }
            Command::Observe {
                session,
                observation,
            } => {
                if let Some(session) = self.current(session) {
                    session.observe(observation);
                }
            }
            Command::Select { session, selection } => {
                if let Some(session) = self.current(session) {
                    session.select(selection);
                }
            }
            Command::Configure { session, buffer } => {
                if let Some(session) = self.current(session) {
                    session.configure(buffer);
                }
            }
            Command::Ping => self.port.post(Event::Pong),
            Command::Stop { session } => {
                if self.current(session).is_some() {
                    // Posts `Stopped` and `Closed` itself when dropped.
                    self.session = None;
                } else {
                    self.port.post(Event::Stopped { session });
                    self.port.post(Event::Closed { session });
                }
            }
        }
    }

    /// Starts a session with what is at a URL, or with a file of this name.
    fn load(
        &mut self,
        session: SessionId,
        url: String,
        file: Option<FileHandle>,
        settings: PlaybackSettings,
    ) {
        // Dropped first, so that its requests are aborted before the new session sends any.
        self.session = None;
        match Session::start(self.port.clone(), session, url, file, settings) {
            Ok(started) => self.session = Some(started),
            Err(error) => self.port.post(Event::Failed {
                session,
                error: *error,
            }),
        }
    }

    /// Reports an error of the engine itself, such as a command that could not be decoded.
    pub fn report(&self, error: PlaybackError) {
        self.port.post(Event::EngineFailed { error });
    }

    fn current(&self, id: SessionId) -> Option<&Session> {
        self.session.as_ref().filter(|session| session.id() == id)
    }
}
