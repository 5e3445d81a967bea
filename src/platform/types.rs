//! The types of the face that are the same in both backs.

/// An exception that the browser threw, or the reason for which it rejected a promise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// [`DOMException.name`](https://webidl.spec.whatwg.org/#dfn-error-names-table), or the error's class,
    /// such as `TypeError`. Empty if what was thrown has no name.
    pub name: String,
    /// The browser's own words, without a full stop at their end.
    pub message: String,
}

impl Exception {
    /// An exception with this name and these words.
    pub fn new(name: &str, message: &str) -> Self {
        Self {
            name: name.into(),
            message: message.into(),
        }
    }

    /// Whether a SourceBuffer has no room for what was appended. By name, as newer browsers have a class of
    /// its own for it and older ones a `DOMException`.
    pub fn is_quota_exceeded(&self) -> bool {
        self.name == "QuotaExceededError"
    }
}

/// [`MediaSource.readyState`](https://w3c.github.io/media-source/#dom-readystate).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadyState {
    /// Not attached to an element: not yet, or no longer.
    #[default]
    Closed,
    /// Attached, and ready for data.
    Open,
    /// Attached, and all data has been appended. The next append opens it again.
    Ended,
}

/// Bytes of a resource, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte, inclusive; `None` for all that follow.
    pub last: Option<u64>,
}

/// An HTTP GET request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// An absolute URL.
    pub url: String,
    /// Names and values. One that a page may not set is left out by the browser.
    pub headers: Vec<(String, String)>,
    /// Which bytes, in a `Range` header; `None` for all.
    pub range: Option<ByteRange>,
    /// Whether cookies and other credentials are sent to other origins too.
    pub credentials: bool,
}

/// Where a response came from, as the browser's
/// [resource timing](https://w3c.github.io/resource-timing/) tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// From the network, or nothing is known.
    Network,
    /// From the browser's cache, without the network.
    Cache,
    /// Another origin that does not expose its timing (`Timing-Allow-Origin`).
    Hidden,
}

/// A video stream, as [`MediaCapabilities`](https://w3c.github.io/media-capabilities/) is asked about it.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoConfiguration {
    /// The media type with one video codec.
    pub mime: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bits per second.
    pub bitrate: u64,
    /// Frames per second.
    pub frame_rate: f64,
}
