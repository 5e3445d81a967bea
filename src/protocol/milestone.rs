//! The milestones from `Load` to the first frame and the end of the stream.

use serde::{Deserialize, Serialize};

use crate::platform;

/// A thread: the one that the engine runs on, or that reaches a [`Milestone`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineLocation {
    /// The page's own thread, which also runs layout and Yew.
    Page,
    /// The worker's thread.
    Worker,
}

/// A milestone, in the order in which they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Milestone {
    /// The page has spawned the worker.
    AgentSpawned,
    /// The page has sent [`Command::Load`](super::Command::Load).
    LoadSent,
    /// The engine has created a MediaSource.
    MediaSourceCreated,
    /// The engine has posted the handle.
    HandleSent,
    /// The page has received the handle.
    HandleArrived,
    /// The page has set `video.srcObject`.
    SrcObjectSet,
    /// The engine has received `sourceopen`.
    SourceOpen,
    /// The engine has created a SourceBuffer for each track.
    SourceBuffersCreated,
    /// The first media segment is appended.
    FirstAppend,
    /// The first frame is on screen.
    FirstFrame,
    /// All segments are appended, and `endOfStream()` was called.
    EndOfStream,
}

impl Milestone {
    /// All milestones, in order.
    pub const ALL: [Self; 11] = [
        Self::AgentSpawned,
        Self::LoadSent,
        Self::MediaSourceCreated,
        Self::HandleSent,
        Self::HandleArrived,
        Self::SrcObjectSet,
        Self::SourceOpen,
        Self::SourceBuffersCreated,
        Self::FirstAppend,
        Self::FirstFrame,
        Self::EndOfStream,
    ];

    /// The thread that reaches it if the engine runs in a worker.
    pub const fn thread(self) -> EngineLocation {
        match self {
            Self::AgentSpawned
            | Self::LoadSent
            | Self::HandleArrived
            | Self::SrcObjectSet
            | Self::FirstFrame => EngineLocation::Page,
            Self::MediaSourceCreated
            | Self::HandleSent
            | Self::SourceOpen
            | Self::SourceBuffersCreated
            | Self::FirstAppend
            | Self::EndOfStream => EngineLocation::Worker,
        }
    }

    /// A short label for the viewer.
    pub const fn label(self) -> &'static str {
        match self {
            Self::AgentSpawned => "worker spawned",
            Self::LoadSent => "load sent",
            Self::MediaSourceCreated => "MediaSource created",
            Self::HandleSent => "handle transferred",
            Self::HandleArrived => "handle received",
            Self::SrcObjectSet => "srcObject set",
            Self::SourceOpen => "sourceopen",
            Self::SourceBuffersCreated => "SourceBuffers created",
            Self::FirstAppend => "first append",
            Self::FirstFrame => "first frame",
            Self::EndOfStream => "end of stream",
        }
    }

    /// The name of its User Timing mark, for those that have one.
    const fn mark_name(self) -> Option<&'static str> {
        match self {
            Self::LoadSent => Some("yew-mse-worker:load"),
            Self::HandleArrived => Some("yew-mse-worker:handle"),
            Self::SourceOpen => Some("yew-mse-worker:sourceopen"),
            Self::FirstAppend => Some("yew-mse-worker:first-append"),
            Self::FirstFrame => Some("yew-mse-worker:first-frame"),
            _ => None,
        }
    }
}

/// A milestone and the time when it was reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReachedMilestone {
    /// The milestone.
    pub milestone: Milestone,
    /// Milliseconds since the Unix epoch, by [`platform::now`].
    pub at: f64,
}

impl ReachedMilestone {
    /// Records that this thread reaches a milestone now. Also sets its User Timing mark.
    pub fn now(milestone: Milestone) -> Self {
        if let Some(name) = milestone.mark_name() {
            platform::mark(name);
        }
        Self {
            milestone,
            at: platform::now(),
        }
    }
}
