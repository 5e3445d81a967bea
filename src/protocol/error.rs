//! The errors of both threads, with messages and advice for the viewer.

use serde::{Deserialize, Serialize};

use super::{date::format_minutes, id::BUILD_ID, short_url::short_url, transfer::InvalidMessage};

/// An error that ends or delays playback. `Display` says what happened, [`advice`](Self::advice) what the
/// viewer can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum PlaybackError {
    /// The worker's script could not be fetched.
    #[error(
        "The worker’s script {} could not be loaded: {reason}.",
        short_url(url)
    )]
    WorkerNotFound {
        /// The script's URL.
        url: String,
        /// The server's answer, or why there is none.
        reason: String,
    },
    /// The worker's script or wasm was loaded incompletely, or threw while starting.
    #[error("The worker did not start: {reason}.")]
    WorkerStartFailed {
        /// The browser's message.
        reason: String,
    },
    /// The worker did not answer in time.
    #[error("The worker has not answered for {seconds} seconds.")]
    WorkerTimeout {
        /// How long the page waited.
        seconds: u32,
    },
    /// Page and worker come from different builds.
    #[error("The worker is of another build ({worker_build}) than the page ({BUILD_ID}).")]
    WorkerVersionMismatch {
        /// The worker's build id.
        worker_build: String,
    },
    /// The worker panicked, or an exception was not caught in it.
    #[error("The worker crashed: {reason}.")]
    WorkerCrashed {
        /// The message of the panic or the exception.
        reason: String,
    },
    /// The worker hangs, or was terminated by the browser.
    #[error("The worker does not answer any more.")]
    WorkerUnresponsive,
    /// A message could not be decoded.
    #[error("The page and the worker could not read each other’s messages.")]
    InvalidMessage,
    /// The browser has no MediaSource in workers, or none with a handle.
    #[error("This browser has no MediaSource in workers.")]
    NoMediaSourceInWorkers,
    /// The browser has no MediaSource, and does not play the video by itself either.
    #[error("This browser has no MediaSource.")]
    NoMediaSource,
    /// Other code changed the element's source.
    #[error("The video element was taken over by something else on the page.")]
    Detached,
    /// The browser can decode none of the representations.
    #[error("This browser cannot play {mime}.")]
    UnsupportedCodec {
        /// The types it cannot decode, as in [RFC 6381](https://www.rfc-editor.org/rfc/rfc6381).
        mime: String,
    },
    /// A call to the MediaSource or a SourceBuffer threw.
    #[error("The browser refused to {operation}: {reason}.")]
    MediaSourceCall {
        /// The operation, as a verb with its object.
        operation: String,
        /// The browser's message.
        reason: String,
    },
    /// The SourceBuffer is full, and nothing in it can be evicted.
    #[error("The browser has no room for the next part of this video.")]
    BufferFull,
    /// The media element failed.
    #[error("The browser stopped playing (error {code}): {reason}.")]
    MediaElement {
        /// [`MediaError.code`](https://html.spec.whatwg.org/#dom-mediaerror-code).
        code: u16,
        /// The browser's message.
        reason: String,
    },
    /// The URL cannot be parsed, or its scheme cannot be fetched.
    #[error("“{}” is not the address of a video.", short_url(url))]
    InvalidUrl {
        /// The given URL.
        url: String,
    },
    /// The server answered with an error status.
    #[error("The server answered {status} for {resource} {}.", short_url(url))]
    HttpStatus {
        /// The requested resource.
        resource: ResourceKind,
        /// Its URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server has too many requests to answer this one now: 429 or 503.
    #[error(
        "The server is busy: it answered {status} for {resource} {}.",
        short_url(url)
    )]
    ServerBusy {
        /// The requested resource.
        resource: ResourceKind,
        /// Its URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Seconds after which the server asks to try again; `None` if it does not say, or the header is not exposed.
        retry_after: Option<u32>,
    },
    /// The request failed, or its response broke off.
    #[error("Could not fetch {resource} {}: {reason}.", short_url(url))]
    Network {
        /// The requested resource.
        resource: ResourceKind,
        /// Its URL.
        url: String,
        /// The browser's message.
        reason: String,
    },
    /// A file of the viewer cannot be read any more.
    #[error("The file {name} cannot be read: it was changed, moved or removed ({reason}).")]
    FileUnreadable {
        /// The file's name.
        name: String,
        /// The browser's message.
        reason: String,
    },
    /// The response, or the next part of it, did not arrive in time.
    #[error("Waited {seconds} seconds for {resource} {}.", short_url(url))]
    Timeout {
        /// The requested resource.
        resource: ResourceKind,
        /// Its URL.
        url: String,
        /// How long the engine waited.
        seconds: u32,
    },
    /// The same bytes were requested many times within a minute, and could not be used.
    #[error("Requested {resource} {url} too often, to no avail.")]
    TooManyRequests {
        /// The requested resource.
        resource: ResourceKind,
        /// Its URL.
        url: String,
    },
    /// The response is damaged, or of the wrong type.
    #[error("Could not read {resource} {}: {reason}.", short_url(url))]
    InvalidData {
        /// The requested resource.
        resource: ResourceKind,
        /// Its URL.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no media at the position, nor after it.
    #[error("The video has no picture or sound at {second} s.")]
    NothingToPlay {
        /// The position in whole seconds.
        second: u32,
    },
    /// A live stream has not begun yet.
    #[error("This live stream has not begun yet{}.", begins_at(*at))]
    NotStarted {
        /// When it will begin, in seconds since the Unix epoch, if the manifest says so.
        at: Option<f64>,
    },
    /// The manifest of a live stream does not change any more.
    #[error("Nothing new has arrived in this live stream for {seconds} seconds.")]
    StreamStalled {
        /// For how long.
        seconds: u32,
    },
    /// The manifest violates its format.
    #[error("{} is not a video that can be read: {reason}.", short_url(url))]
    InvalidManifest {
        /// The manifest's URL.
        url: String,
        /// Which rule is violated, and where.
        reason: String,
    },
    /// The content is valid but uses a feature that this player lacks.
    #[error("{} uses {feature}, which this player does not play.", short_url(url))]
    UnsupportedFeature {
        /// The URL of the file that uses it.
        url: String,
        /// The feature, as a noun.
        feature: String,
    },
    /// A media file that cannot be played through MediaSource, but perhaps by the element itself.
    #[error(
        "{} cannot be played through MediaSource: it is {reason}.",
        short_url(url)
    )]
    NotForMediaSource {
        /// The file's URL.
        url: String,
        /// Completes the sentence "It is …", such as "an audio file".
        reason: String,
    },
}

/// The kinds of resources that are fetched. `Display` is the noun of error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ResourceKind {
    /// A DASH MPD or an HLS playlist.
    #[error("the manifest")]
    Manifest,
    /// A `sidx` box: the byte ranges and times of the segments in a file.
    #[error("the segment index")]
    SegmentIndex,
    /// The AES-128 key of a segment.
    #[error("the key")]
    Key,
    /// An initialization segment.
    #[error("the init segment")]
    InitSegment,
    /// The server's time.
    #[error("the time")]
    Clock,
    /// A WebVTT file.
    #[error("the captions")]
    Captions,
    /// A media segment.
    #[error("the media segment")]
    MediaSegment,
    /// The module that remuxes MPEG-TS, a file of this player.
    #[error("the program that reads MPEG-TS,")]
    Remuxer,
}

/// When a stream begins, as the end of a sentence.
fn begins_at(at: Option<f64>) -> String {
    at.map_or_else(String::new, |seconds| {
        format!(": it begins at {}", format_minutes(seconds))
    })
}

impl From<InvalidMessage> for PlaybackError {
    fn from(_: InvalidMessage) -> Self {
        Self::InvalidMessage
    }
}

impl PlaybackError {
    /// Advice for the viewer, in one or two sentences.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::WorkerNotFound { .. } | Self::WorkerStartFailed { .. } => {
                "If this is your site, check that worker_loader.js, worker.js and worker_bg.wasm \
                 are beside index.html. Otherwise try again in a moment."
            }
            Self::WorkerTimeout { .. } => {
                "On a slow connection the answer may still arrive. Otherwise try again."
            }
            Self::WorkerVersionMismatch { .. } => {
                "The site has been updated since this page was opened: reload the page."
            }
            Self::WorkerCrashed { .. } | Self::WorkerUnresponsive | Self::InvalidMessage => {
                "Try again: that starts a new worker. The browser’s console may say more."
            }
            Self::NoMediaSourceInWorkers => {
                "The player can run on the page’s own thread instead. Chrome and Edge have MediaSource in \
                 workers since version 108, Safari on Mac and iPad since 18; Firefox and iPhones do not yet."
            }
            Self::NoMediaSource => {
                "Try a newer browser. On an iPhone, that is Safari from iOS 17.1 on."
            }
            Self::Detached => "Try again: the video continues where it was.",
            Self::UnsupportedCodec { .. } => "Try another browser, or a video in H.264 and AAC.",
            Self::FileUnreadable { .. } => "Choose the file again.",
            Self::BufferFull => "Close other pages that play videos, or choose a lower quality.",
            Self::MediaSourceCall { .. }
            | Self::MediaElement { .. }
            | Self::InvalidData { .. }
            | Self::TooManyRequests { .. } => {
                "Try again. If it happens at the same place, the video itself may be damaged."
            }
            Self::NothingToPlay { .. } => "Try again, or continue at another place of the video.",
            Self::NotStarted { .. } => "It starts by itself when it begins.",
            Self::StreamStalled { .. } => {
                "The broadcaster may have stopped. The stream continues by itself when something arrives."
            }
            Self::InvalidUrl { .. } => {
                "Enter the http or https address of a DASH manifest (.mpd) or an HLS playlist (.m3u8)."
            }
            Self::HttpStatus {
                status: 401 | 403, ..
            } => {
                "The server gives this video only to some viewers. Perhaps you have to sign in there, or the link \
                 has expired."
            }
            Self::HttpStatus {
                status: 500..=599, ..
            } => "The server has a problem. Try again in a few minutes.",
            Self::HttpStatus { .. } => {
                "Check whether the address is right and the video is still there, then try again."
            }
            Self::ServerBusy { .. } => "Try again in a few minutes.",
            Self::Network { .. } => {
                "Check whether you are online. Another site must allow this page to fetch its videos (CORS)."
            }
            Self::Timeout { .. } => "The server or the connection is slow. Try again in a moment.",
            Self::InvalidManifest { .. } => {
                "Check whether the address is that of a DASH manifest (.mpd) or an HLS playlist (.m3u8)."
            }
            Self::NotForMediaSource { .. } => "Try another browser.",
            Self::UnsupportedFeature { .. } => {
                "This player plays DASH and HLS, live and on demand, without DRM, in fragmented MP4, MPEG-TS \
                 or packed audio."
            }
        }
    }

    /// Whether the engine does not play the content, which the element may play by itself.
    pub const fn is_unsupported_content(&self) -> bool {
        matches!(
            self,
            Self::InvalidManifest { .. }
                | Self::UnsupportedFeature { .. }
                | Self::UnsupportedCodec { .. }
                | Self::NotForMediaSource { .. }
        )
    }

    /// Whether the worker was lost during playback. The same video may continue with a new one.
    pub const fn is_worker_lost(&self) -> bool {
        matches!(self, Self::WorkerCrashed { .. } | Self::WorkerUnresponsive)
    }

    /// Whether trying again needs a new worker, because this one is lost or of another build.
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
