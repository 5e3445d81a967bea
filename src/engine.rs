//! The agent: hears commands and holds at most one [`session::Session`]. Dispatch only; what a
//! playback does is told in [`session`], and where the agent lives in [`home`].

mod bandwidth_meter;
mod box_validator;
mod captions;
mod content;
mod context;
mod decryption;
mod download;
mod http;
mod manifest;
mod media_source;
mod monitor;
mod network;
mod period_group;
mod playback_state;
mod segment_buffer;
pub mod session;
mod track_feeder;
pub mod worker;

use crate::protocol::{
    BUILD_ID, Command, Event,
    transfer::{Packed, Port},
};
use session::Session;

/// The agent of one player. It does not know which thread it runs on.
pub struct Engine {
    page: Port,
    session: Option<Session>,
}

impl Engine {
    /// An agent that says its first word to a page.
    pub fn new(page: Port) -> Self {
        page.post(Event::Ready {
            build: BUILD_ID.into(),
        });
        Self {
            page,
            session: None,
        }
    }

    /// Does what the page asks for.
    pub fn handle(&mut self, letter: &Packed<Command>) {
        let page = &self.page;
        // What is said of a past playback is of no interest any more.
        let current = |session| self.session.as_ref().filter(|it| it.id() == session);
        match letter.unpack() {
            Ok(Command::Load {
                session,
                url,
                settings,
            }) => {
                // The old playback lets go of the network before the new one reaches for it.
                self.session = None;
                match Session::start(page.clone(), session, url, settings) {
                    Ok(playback) => self.session = Some(playback),
                    Err(fault) => {
                        let fault = *fault;
                        page.post(Event::Failed {
                            session,
                            error: fault,
                        });
                    }
                }
            }
            Ok(Command::Observe {
                session,
                observation,
            }) => {
                if let Some(playback) = current(session) {
                    playback.observe(observation);
                }
            }
            Ok(Command::Select {
                session,
                quality,
                audio,
                captions,
            }) => {
                if let Some(playback) = current(session) {
                    playback.select(quality, audio, captions);
                }
            }
            Ok(Command::Configure { session, buffer }) => {
                if let Some(playback) = current(session) {
                    playback.configure(buffer);
                }
            }
            Ok(Command::Ping) => page.post(Event::Pong),
            Ok(Command::Stop { session }) => {
                if current(session).is_some() {
                    // Dropping it ends it, and it says so itself.
                    self.session = None;
                } else {
                    page.post(Event::Stopped { session });
                    page.post(Event::Closed { session });
                }
            }
            Err(fault) => page.post(Event::EngineFailed { error: fault }),
        }
    }
}
