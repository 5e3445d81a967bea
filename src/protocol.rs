//! The whole conversation between the page and the worker: what is said, by whom, and what can go
//! wrong. Times are in milliseconds since the Unix epoch, positions in seconds of film.
//!
//! ```text
//! page                                worker
//!  │  (spawns it)                        │
//!  │ ◄──────────────────────── Ready ────┤  who are you? the build's id
//!  ├── Load { session, url, … } ───────► │  new MediaSource()
//!  │ ◄──── Opened { session, handle } ───┤  the handle crosses, moved, not copied
//!  │  video.srcObject = handle           │
//!  ├── Observe { position, … } ────────► │  whenever the worker's clock would not say so itself
//!  │ ◄────────── Reached, or Failed ─────┤  as it happens
//!  │ ◄────── Tracks, Switched, Detail ───┤  for whoever wants to show it
//!  │ ◄──────────────────────── Captions ─┤  which there are
//!  ├── Choose { quality, audio, … } ───► │  a person's choice
//!  │ ◄──────────────────── CaptionsRead ─┤  where the element finds those that were chosen
//!  │ ◄─────────────────────── Opened ────┤  again, where a film goes on with other kinds of tracks
//!  │ ◄───────────────────────── Jump ────┤  over a gap that the element cannot pass by itself
//!  ├── Ping ───────────────────────────► │  several times a second: is it still there?
//!  │ ◄────────────────────────── Pong ───┤
//!  ├── Stop { session } ───────────────► │  fetches aborted, no call to the MediaSource any more
//!  │ ◄─────────────────────── Stopped ───┤
//!  │  video.srcObject = null             │
//!  │ ◄──────────────────────── Closed ───┤  `sourceclose`: the worker may go
//! ```

pub mod milestone;
pub mod recording;
pub mod transfer;

use serde::{Deserialize, Serialize};

use crate::platform::web::MediaProvider;
use milestone::ReachedMilestone;
use transfer::Encoded;

/// Names this build. Page and worker are compiled from the same sources and say the same; a worker
/// out of an old cache says another.
pub const BUILD_ID: &str = env!("BUILD_ID");

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
        /// Absolute URL of the film's manifest: a DASH MPD or an HLS playlist.
        url: String,
        /// How it is to be played and fetched.
        settings: PlaybackSettings,
    },
    /// What the page sees of the element: what the agent could not have counted out from what it was told
    /// before ([`Observation::is_news_after`]), and once a second while the film plays.
    Observe {
        /// The playback that is seen.
        session: SessionId,
        /// What was seen.
        observation: Observation,
    },
    /// A person's choice among what [`Event::Tracks`] and [`Event::Captions`] have listed.
    Select {
        /// The playback that it is for.
        session: SessionId,
        /// A position in the list of qualities; `None` lets the player choose.
        quality: Option<u32>,
        /// A position in the list of audio tracks; `None` leaves it to the film's author.
        audio: Option<u32>,
        /// A position in the list of captions: those that are shown, which are read if they have not been
        /// yet.
        captions: Option<u32>,
    },
    /// Changes how much is buffered, from now on.
    Configure {
        /// The playback that it is for.
        session: SessionId,
        /// How much.
        buffer: BufferGoal,
    },
    /// Are you there? Answered by [`Event::Pong`] at once, unless the worker hangs or is gone.
    Ping,
    /// End this playback. Answered by [`Event::Stopped`], then, once the element has let go of the
    /// MediaSource, by [`Event::Closed`].
    Stop {
        /// The playback to end.
        session: SessionId,
    },
}

/// How a film is to be played and fetched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlaybackSettings {
    /// Where to begin, in seconds of film.
    pub start: f64,
    /// How much is buffered.
    pub buffer: BufferGoal,
    /// Whether cookies and other credentials go along to other hosts.
    pub credentials: bool,
    /// Headers that every request of the film gets, whatever host it goes to: name and value.
    pub headers: Vec<(String, String)>,
}

/// How much of a film is buffered, in seconds of film.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BufferGoal {
    /// What is wanted ahead of the position: at least 1, and less where the browser has not room for it.
    pub ahead: f64,
    /// What is kept behind it.
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

/// What the page saw of the element, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// `currentTime`, in seconds of film.
    pub position: f64,
    /// `playbackRate`; 0 while the element is paused.
    pub rate: f64,
    /// Width and height of the picture on screen, in physical pixels.
    pub screen: (u32, u32),
    /// When this was so, in milliseconds since the Unix epoch.
    pub at: f64,
}

/// What is told again after so many milliseconds, though it be as expected: that it is, is news by then.
const REFRESH_MS: f64 = 900.0;
/// By how many seconds a film that plays may be elsewhere than expected. An element says where it is to a
/// frame, or less exactly.
const POSITION_TOLERANCE: f64 = 0.1;

impl Observation {
    /// Whether it says something to who was told another before, and has counted on from there.
    pub fn should_follow(&self, told: &Self) -> bool {
        let passed = self.at - told.at;
        let expected = told.position + told.rate * passed / 1000.0;
        let is_expected = (self.position - expected).abs() <= POSITION_TOLERANCE * self.rate
            && (self.rate, self.screen) == (told.rate, told.screen);
        !(is_expected && (0.0..REFRESH_MS).contains(&passed))
    }
}

/// One of the qualities that a person may choose from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Width and height in pixels; zeros if the film does not say.
    pub size: (u32, u32),
    /// Bits per second; 0 if the film does not say.
    pub bandwidth: u64,
    /// Media type with codecs, as in RFC 6381.
    pub mime: String,
}

/// One of the audio tracks, or of the captions, that a person may choose from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackInfo {
    /// RFC 5646; empty if the film does not say.
    pub language: String,
    /// What the author calls it; may be empty.
    pub label: String,
}

impl TrackInfo {
    /// What a person calls it: by what its author calls it, or by its language.
    pub fn display_name(&self) -> Option<&str> {
        let names = [self.label.as_str(), &self.language];
        names.into_iter().find(|name| !name.is_empty())
    }
}

/// What a SourceBuffer holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrackKind {
    /// Pictures, and possibly sound in the same segments.
    #[default]
    Video,
    /// Sound alone.
    Audio,
}

/// How one SourceBuffer is filled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BufferLevel {
    /// Which one.
    pub kind: TrackKind,
    /// What is buffered: from second to second of film, ascending.
    pub buffered: Vec<(f64, f64)>,
}

/// What became of one media segment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentReport {
    /// The SourceBuffer that it went into.
    pub kind: TrackKind,
    /// Bits per second of its representation, by which one tells which it is.
    pub bandwidth: u64,
    /// Where it begins, in seconds of film.
    pub start: f64,
    /// Where it ends, in seconds of film.
    pub end: f64,
    /// Its size. Of one that was given up, what had come of it.
    pub bytes: u64,
    /// When it was asked for, in milliseconds since the Unix epoch.
    pub requested_at: f64,
    /// When it was appended, or given up.
    pub finished_at: f64,
    /// Whether it was appended; if not, it was given up for another.
    pub appended: bool,
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
    MediaSourceReady {
        /// The playback it belongs to.
        session: SessionId,
        /// Transferred with the message, not copied into it: see [`post::Port::transfer`]. Where the
        /// engine runs on the page there is nothing to cross, and this is the MediaSource itself.
        #[serde(with = "transfer::transferable")]
        handle: MediaProvider,
        /// Where to play it from, in seconds of film.
        start: f64,
    },
    /// What there is to choose from. Said for each MediaSource, once its SourceBuffers are made.
    Tracks {
        /// The playback it belongs to.
        session: SessionId,
        /// By ascending bandwidth. What this browser cannot decode is not among them.
        qualities: Vec<Quality>,
        /// Empty if the sound is in the same segments as the pictures, or there is none.
        audio: Vec<TrackInfo>,
    },
    /// The captions that there are. Said once, when the film has enough ahead.
    CaptionTracks {
        /// The playback that they belong to.
        session: SessionId,
        /// In the film's order.
        tracks: Vec<TrackInfo>,
    },
    /// Captions that are shown have been read, or could not be.
    CaptionsLoaded {
        /// The playback that they belong to.
        session: SessionId,
        /// Their position in the list of [`Event::Captions`].
        index: u32,
        /// An object URL of WebVTT in the film's own time, good for as long as the playback.
        url: Result<String, PlaybackError>,
    },
    /// Another quality is being fetched from now on.
    QualityChanged {
        /// The playback it belongs to.
        session: SessionId,
        /// Bits per second, by which it is found in [`Event::Tracks`]' list.
        bandwidth: u64,
    },
    /// What the engine does, for whoever wants to show it.
    Diagnostics {
        /// The playback it belongs to.
        session: SessionId,
        /// Read by those only who do.
        diagnostic: Encoded<Diagnostic>,
    },
    /// The element should go here: there is a gap where it is, or it stands still for no reason, or this is
    /// where it is to begin after all.
    Seek {
        /// The playback it belongs to.
        session: SessionId,
        /// Seconds of film.
        to: f64,
    },
    /// Something could not be fetched and is being tried again.
    Retrying {
        /// The playback it belongs to.
        session: SessionId,
        /// Why it is tried again; `None` once it has come.
        error: Option<PlaybackError>,
    },
    /// A step of the handle's journey was taken in the worker.
    MilestoneReached {
        /// The playback it belongs to.
        session: SessionId,
        /// Which step, and when.
        mark: ReachedMilestone,
    },
    /// This playback cannot go on. The MediaSource is left as it is until the page lets go of it.
    Failed {
        /// The playback that failed.
        session: SessionId,
        /// Why.
        error: PlaybackError,
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
    /// The answer to [`Command::Ping`].
    Pong,
    /// The agent itself failed, whatever it was playing.
    EngineFailed {
        /// Why.
        error: PlaybackError,
    },
}

impl Event {
    /// The playback that this is about; `None` if it is about the agent.
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
            | Self::MilestoneReached { session, .. }
            | Self::Failed { session, .. }
            | Self::Stopped { session }
            | Self::Closed { session } => Some(*session),
            Self::Ready { .. } | Self::Pong | Self::EngineFailed { .. } => None,
        }
    }
}

/// What the engine does, beside what a player has to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Diagnostic {
    /// How the buffers are filled. Said when that changes, and not more often than once a second.
    BufferLevels {
        /// One for each SourceBuffer.
        levels: Vec<BufferLevel>,
        /// Where the worker takes the film to be, in seconds of film.
        position: f64,
        /// What the network is taken to give, in bits per second.
        bandwidth: f64,
        /// What is wanted ahead, in seconds of film: lower than was asked for where the browser has not
        /// room for that.
        goal: f64,
        /// The memory of the engine's program, in bytes.
        memory: u32,
    },
    /// A media segment was appended, or given up.
    SegmentFinished(SegmentReport),
    /// Something was removed from a SourceBuffer, to make room.
    Evicted {
        /// The SourceBuffer.
        kind: TrackKind,
        /// From where, in seconds of film …
        start: f64,
        /// … to where; infinite for all that followed.
        end: f64,
    },
}

/// What can go wrong, on either thread. `Display` says what happened, [`Fault::advice`] what a
/// person can do about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum PlaybackError {
    /// The worker's script is not where the page looks for it.
    #[error("The worker’s script {url} could not be loaded: {reason}.")]
    WorkerNotFound {
        /// Where it was looked for.
        url: String,
        /// What the server answered, if it did.
        reason: String,
    },
    /// The worker's script or wasm was loaded in part, or threw while starting.
    #[error("The worker did not start: {reason}.")]
    WorkerStartFailed {
        /// The browser's words.
        reason: String,
    },
    /// The worker said nothing in time.
    #[error("The worker has not answered for {seconds} seconds.")]
    WorkerTimeout {
        /// How long it was waited for.
        seconds: u32,
    },
    /// Page and worker come from different builds.
    #[error("The worker is of another build ({worker_build}) than the page ({BUILD_ID}).")]
    WorkerVersionMismatch {
        /// What the worker calls its build.
        worker_build: String,
    },
    /// The worker ran and then panicked, or an exception escaped it.
    #[error("The worker died: {reason}.")]
    WorkerCrashed {
        /// The panic's or the exception's words.
        reason: String,
    },
    /// The worker ran and does not answer any more: it hangs, or was ended from outside.
    #[error("The worker does not answer any more.")]
    WorkerUnresponsive,
    /// A message that the other side could not read.
    #[error("The page and the worker misunderstood each other.")]
    InvalidMessage,
    /// The browser has no MediaSource in workers, or none with a handle.
    #[error("This browser has no MediaSource in workers.")]
    NoMediaSourceInWorkers,
    /// The browser has no MediaSource at all, and does not play the film by itself either.
    #[error("This browser has no MediaSource.")]
    NoMediaSource,
    /// Something else took the element from the film.
    #[error("The picture was taken from this film by something else on the page.")]
    Detached,
    /// The browser can decode nothing of what a film offers.
    #[error("This browser cannot play {mime}.")]
    UnsupportedCodec {
        /// The types that were refused, as in [RFC 6381](https://www.rfc-editor.org/rfc/rfc6381).
        mime: String,
    },
    /// A call to the MediaSource, or to one of its buffers, was refused.
    #[error("The browser refused to {operation}: {reason}.")]
    MediaSourceCall {
        /// What was being done.
        operation: String,
        /// The browser's words.
        reason: String,
    },
    /// There is no room in the browser's buffer, and nothing in it that could be done without.
    #[error("The browser has no room for the next part of this film.")]
    BufferFull,
    /// The video element gave up.
    #[error("The browser stopped playing (error {code}): {reason}.")]
    MediaElement {
        /// [`MediaError.code`](https://html.spec.whatwg.org/#dom-mediaerror-code).
        code: u16,
        /// The browser's words.
        reason: String,
    },
    /// The address is none that can be fetched.
    #[error("“{url}” is not the address of a film.")]
    InvalidUrl {
        /// What was given.
        url: String,
    },
    /// The server answered with an error.
    #[error("The server answered {status} for {resource} {url}.")]
    HttpStatus {
        /// What was being fetched.
        resource: ResourceKind,
        /// From where.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// There was no answer, or it broke off.
    #[error("Could not fetch {resource} {url}: {reason}.")]
    Network {
        /// What was being fetched.
        resource: ResourceKind,
        /// From where.
        url: String,
        /// The browser's words.
        reason: String,
    },
    /// The answer did not come in time.
    #[error("Waited {seconds} seconds in vain for {resource} {url}.")]
    Timeout {
        /// What was being fetched.
        resource: ResourceKind,
        /// From where.
        url: String,
        /// How long it was waited for.
        seconds: u32,
    },
    /// A file came, but it is not what it should be.
    #[error("{resource} {url} is damaged: {reason}.")]
    InvalidData {
        /// What was being fetched.
        resource: ResourceKind,
        /// From where.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nothing to play where the film is, and nothing after it.
    #[error("The film has no picture or sound at this place ({second} s).")]
    NothingToPlay {
        /// Whole seconds of film.
        second: u32,
    },
    /// The manifest breaks the rules of its format.
    #[error("{url} is not a film that can be read: {reason}.")]
    InvalidManifest {
        /// Where it came from.
        url: String,
        /// Which rule, and where.
        reason: String,
    },
    /// The film is fine, but this player cannot play its kind.
    #[error("{url} uses {feature}, which this player does not play.")]
    UnsupportedFeature {
        /// Where it came from.
        url: String,
        /// What it would need.
        feature: String,
    },
}

/// A part of a film that is fetched on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ResourceKind {
    /// An MPD or a playlist.
    #[error("the manifest")]
    InvalidManifest,
    /// Where the segments of a file are.
    #[error("the segment index")]
    SegmentIndex,
    /// What a segment was encrypted by.
    #[error("the key")]
    Key,
    /// What a decoder has to know before the first media segment.
    #[error("the init segment")]
    InitSegment,
    /// What can be read beside the film.
    #[error("the captions")]
    CaptionTracks,
    /// A few seconds of coded pictures or sound.
    #[error("the media segment")]
    MediaSegment,
}

impl PlaybackError {
    /// What a person can do about it, in a sentence.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::WorkerNotFound { .. } | Self::WorkerStartFailed { .. } => {
                "If this site is yours, see that worker_loader.js, worker.js and worker_bg.wasm \
                 lie beside index.html. Otherwise try again in a moment."
            }
            Self::WorkerTimeout { .. } => {
                "On a slow connection it may still come. Otherwise try again."
            }
            Self::WorkerVersionMismatch { .. } => {
                "The site has been updated since this page was opened: reload the page."
            }
            Self::WorkerCrashed { .. } | Self::WorkerUnresponsive | Self::InvalidMessage => {
                "Try again: that starts a fresh worker. The browser’s console may say more."
            }
            Self::NoMediaSourceInWorkers => {
                "Here the player can run on the page’s own thread. Chrome and Edge have it in workers \
                 since version 108, Safari on Mac and iPad since 18; Firefox and iPhones do not yet."
            }
            Self::NoMediaSource => {
                "Try a newer browser. On an iPhone, that is Safari from iOS 17.1 on."
            }
            Self::Detached => "Try again: the film goes on where it was.",
            Self::UnsupportedCodec { .. } => "Try another browser, or a film in H.264 and AAC.",
            Self::BufferFull => "Close other pages that play films, or choose a lower quality.",
            Self::MediaSourceCall { .. } | Self::MediaElement { .. } | Self::InvalidData { .. } => {
                "Try again. If it happens at the same place, the film itself may be damaged."
            }
            Self::NothingToPlay { .. } => "Try again, or go on at another place of the film.",
            Self::InvalidUrl { .. } => {
                "Give the http or https address of a DASH manifest (.mpd) or an HLS playlist (.m3u8)."
            }
            Self::HttpStatus { .. } => {
                "See whether the address is right and the film is still there, then try again."
            }
            Self::Network { .. } => {
                "See whether you are online. A film on another site must allow this page to fetch \
                 it (CORS)."
            }
            Self::Timeout { .. } => "The server or the connection is slow. Try again in a moment.",
            Self::InvalidManifest { .. } => {
                "See whether the address is that of a DASH manifest (.mpd) or an HLS playlist (.m3u8)."
            }
            Self::UnsupportedFeature { .. } => {
                "This player plays DASH and HLS on demand, without DRM, in fragmented MP4 or packed \
                 audio."
            }
        }
    }

    /// Whether the engine is gone in the middle of a film, which may well go on with another one.
    pub const fn is_worker_lost(&self) -> bool {
        matches!(self, Self::WorkerCrashed { .. } | Self::WorkerUnresponsive)
    }

    /// Whether trying again takes a fresh worker, because this one is gone or not to be trusted.
    pub const fn needs_new_worker(&self) -> bool {
        matches!(
            self,
            Self::WorkerNotFound { .. }
                | Self::WorkerStartFailed { .. }
                | Self::WorkerTimeout { .. }
                | Self::WorkerVersionMismatch { .. }
                | Self::WorkerCrashed { .. }
                | Self::WorkerUnresponsive
                | Self::InvalidMessage
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_film_is_is_told_if_it_is_elsewhere_than_expected_and_now_and_then() {
        let told = Observation {
            position: 10.0,
            rate: 2.0,
            screen: (640, 360),
            at: 5_000.0,
        };
        let seen = |position, at| Observation {
            position,
            at,
            ..told
        };
        // In a quarter of a second it has come half a second further, give or take a few frames.
        assert!(!seen(10.5, 5_250.0).should_follow(&told));
        assert!(!seen(10.4, 5_250.0).should_follow(&told));
        assert!(seen(10.0, 5_250.0).should_follow(&told), "it stands still");
        assert!(seen(20.5, 5_250.0).should_follow(&told), "it was moved");
        assert!(seen(12.0, 6_000.0).should_follow(&told), "it goes on");
        assert!(seen(9.5, 4_750.0).should_follow(&told), "the clock was set");
        for other in [
            Observation { rate: 1.0, ..told },
            Observation {
                screen: (1, 1),
                ..told
            },
        ] {
            assert!(other.should_follow(&told));
        }
        // Of one that rests every step counts.
        let rests = Observation { rate: 0.0, ..told };
        let step = Observation {
            position: 10.03,
            ..rests
        };
        assert!(step.should_follow(&rests));
        assert!(!rests.should_follow(&rests));
    }
}
