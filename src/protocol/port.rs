//! The engine's port to the page.

use std::rc::Rc;

use super::{
    encoded::Encoded,
    error::PlaybackError,
    event::{Diagnostic, Event},
    id::SessionId,
    milestone::{Milestone, ReachedMilestone},
    transfer::Port,
};

/// Delivers events to the page.
pub trait EventSink {
    /// Posts an event.
    fn post(&self, event: Event);

    /// Posts an event and transfers the handle in it.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the browser refuses the transfer.
    fn post_with_transfer(&self, event: Event) -> Result<(), PlaybackError>;
}

impl EventSink for Port<Event> {
    fn post(&self, event: Event) {
        Self::post(self, &event);
    }

    fn post_with_transfer(&self, event: Event) -> Result<(), PlaybackError> {
        Self::post_with_transfer(self, &event).map_err(|error| PlaybackError::MediaSourceCall {
            operation: "transfer the handle".into(),
            reason: error.reason,
        })
    }
}

/// The engine's port to the page, whichever thread that is on.
#[derive(Clone)]
pub struct EventPort(Rc<dyn EventSink>);

impl EventPort {
    /// Creates a port that delivers events to a sink.
    pub fn new(sink: impl EventSink + 'static) -> Self {
        Self(Rc::new(sink))
    }

    /// Posts an event.
    pub fn post(&self, event: Event) {
        self.0.post(event);
    }

    /// Posts an event and transfers the handle in it.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the browser refuses the transfer.
    pub fn post_with_transfer(&self, event: Event) -> Result<(), PlaybackError> {
        self.0.post_with_transfer(event)
    }

    /// Posts [`Event::Diagnostics`].
    pub fn post_diagnostic(&self, session: SessionId, diagnostic: &Diagnostic) {
        self.post(Event::Diagnostics {
            session,
            diagnostic: Encoded::encode(diagnostic),
        });
    }

    /// Posts [`Event::MilestoneReached`] for a milestone that is reached now.
    pub fn post_milestone(&self, session: SessionId, milestone: Milestone) {
        let reached = ReachedMilestone::now(milestone);
        self.post(Event::MilestoneReached { session, reached });
    }
}
