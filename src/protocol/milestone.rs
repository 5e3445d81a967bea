//! The steps by which a film comes on screen, each with the thread it is taken on.

use serde::{Deserialize, Serialize};

use crate::platform::web;

/// Where code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineLocation {
    /// The page's own, which lays out, draws and runs Yew.
    Page,
    /// The agent's.
    Worker,
}

/// A step of the handle's journey, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Milestone {
    /// The page has started the worker.
    AgentSpawned,
    /// The page has sent [`Command::Load`](super::Command::Load).
    LoadSent,
    /// The worker has made a MediaSource.
    MediaSourceCreated,
    /// The worker has posted the handle.
    HandleSent,
    /// The page has received it.
    HandleArrived,
    /// The page has set `video.srcObject`.
    SrcObjectSet,
    /// The MediaSource is attached: the worker heard `sourceopen`.
    SourceOpen,
    /// The worker has made a SourceBuffer for each track.
    SourceBuffersCreated,
    /// The first media segment is buffered.
    FirstAppend,
    /// The first frame is on screen.
    FirstFrame,
    /// All segments are buffered, and the MediaSource knows it.
    EndOfStream,
}

impl Milestone {
    /// All of them, in order.
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

    /// The thread that takes this step.
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

    /// A few words for a person.
    pub const fn label(self) -> &'static str {
        match self {
            Self::AgentSpawned => "agent spawned",
            Self::LoadSent => "film asked for",
            Self::MediaSourceCreated => "MediaSource created",
            Self::HandleSent => "handle transferred",
            Self::HandleArrived => "handle arrives",
            Self::SrcObjectSet => "srcObject set",
            Self::SourceOpen => "sourceopen",
            Self::SourceBuffersCreated => "SourceBuffers made",
            Self::FirstAppend => "first append",
            Self::FirstFrame => "first frame",
            Self::EndOfStream => "end of stream",
        }
    }

    /// The step's name in the browser's profiler, for those that are marked there.
    const fn timing(self) -> Option<&'static str> {
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

/// A step, and when it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReachedMilestone {
    /// The step.
    pub milestone: Milestone,
    /// Milliseconds since the Unix epoch, by [`web::now`].
    pub at: f64,
}

impl ReachedMilestone {
    /// Marks a step as taken now, on this thread; the browser's profiler sees it, too.
    pub fn now(step: Milestone) -> Self {
        if let Some(name) = step.timing() {
            web::mark(name);
        }
        Self {
            milestone: step,
            at: web::now(),
        }
    }
}
