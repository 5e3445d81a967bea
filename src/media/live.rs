//! Live presentations: how they grow, where their edge is, and how far behind it to play. All functions are pure.
//!
//! The times of a presentation do not change while it is played. When a live presentation is opened, its window begins
//! near 0 ([`merge::rebase`]), whatever the `availabilityStartTime` is; everything that is loaded later is placed on that
//! timeline: updates of an MPD by [`merge`], reloaded HLS playlists and other playlists of the same presentation by
//! [`align`].

pub mod align;
pub mod catch_up;
pub mod edge;
pub mod merge;
pub mod wall_clock;

/// Presentation time at which the window of a live presentation begins when it is opened, in seconds. Not 0, because
/// tracks may begin a little earlier than the first, and a SourceBuffer accepts no negative times.
pub const FIRST_WINDOW_START: f64 = 10.0;

/// What a presentation has only while it is live.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// Wall-clock time of presentation time 0, in seconds since the Unix epoch; `None` if the stream does not tell.
    pub zero: Option<f64>,
    /// Seconds that were subtracted from the times in the last MPD to get presentation times.
    pub epoch: f64,
    /// For how many seconds segments stay available (`timeShiftBufferDepth`); infinite if that is not stated.
    pub depth: f64,
    /// The delay from the live edge that the author wishes, in seconds.
    pub delay: Option<f64>,
    /// How often an MPD has to be refreshed, in seconds (`minimumUpdatePeriod`).
    pub update_period: Option<f64>,
    /// When the MPD was written, in seconds since the Unix epoch (`publishTime`).
    pub published: Option<f64>,
    /// Where to get the time, in order of preference (`UTCTiming`).
    pub clocks: Vec<ClockSource>,
    /// Absolute URLs from which to refresh an MPD; empty for its own.
    pub locations: Vec<String>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            zero: None,
            epoch: 0.0,
            depth: f64::INFINITY,
            delay: None,
            update_period: None,
            published: None,
            clocks: Vec::new(),
            locations: Vec::new(),
        }
    }
}

/// A source of the wall-clock time by which segments become available (ISO/IEC 23009-1 § 5.8.4.11).
#[derive(Clone, Debug, PartialEq)]
pub enum ClockSource {
    /// The time when the MPD was sent, in seconds since the Unix epoch.
    Direct(f64),
    /// The `Date` header of the response from this URL.
    DateHeader(String),
    /// The text of the response from this URL.
    Text(String),
}
