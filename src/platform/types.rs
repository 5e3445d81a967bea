//! The types that both implementations of the platform share.

/// An exception that the browser threw, or the reason of a rejected promise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// [`DOMException.name`](https://webidl.spec.whatwg.org/#dfn-error-names-table), or the error's class,
    /// such as `TypeError`. Empty if the thrown value has no name.
    pub name: String,
    /// The browser's message, without a final full stop.
    pub message: String,
}

impl Exception {
    /// An exception with this name and message.
    pub fn new(name: &str, message: &str) -> Self {
        Self {
            name: name.into(),
            message: message.into(),
        }
    }

    /// Whether this is a `QuotaExceededError`: a SourceBuffer has no room for the appended bytes. Compares the name,
    /// because newer browsers have a class for it, and older ones a `DOMException`.
    pub fn is_quota_exceeded(&self) -> bool {
        self.name == "QuotaExceededError"
    }
}

/// [`MediaSource.readyState`](https://w3c.github.io/media-source/#dom-readystate).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadyState {
    /// Not attached to an element, or detached.
    #[default]
    Closed,
    /// Attached, and ready for data.
    Open,
    /// Attached, and `endOfStream()` was called. The next append opens it again.
    Ended,
}

/// A range of bytes in a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte, inclusive; `None` for the end of the resource.
    pub last: Option<u64>,
}

/// An HTTP GET request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// An absolute URL.
    pub url: String,
    /// Names and values. Headers that a page may not set are left out.
    pub headers: Vec<(String, String)>,
    /// The bytes to request, by a `Range` header; `None` for all.
    pub range: Option<ByteRange>,
    /// Whether cookies and other credentials are sent to other origins too.
    pub credentials: bool,
}

/// Where a response came from, by the browser's
/// [resource timing](https://w3c.github.io/resource-timing/).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// From the network, or unknown.
    Network,
    /// From the browser's cache, without the network.
    Cache,
    /// From another origin that does not expose its timing (`Timing-Allow-Origin`).
    Hidden,
}

/// A video stream, for a query to [`MediaCapabilities`](https://w3c.github.io/media-capabilities/).
#[derive(Clone, Debug, PartialEq)]
pub struct VideoConfiguration {
    /// The media type with one video codec.
    pub mime: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bits per second.
    pub bitrate: u64,
    /// Frames per second.
    pub frame_rate: f64,
}

/// The tracks of a stream that a remuxer reads or writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemuxTracks {
    /// The first video stream.
    pub video: bool,
    /// The first audio stream.
    pub audio: bool,
}

/// The audio that a remuxer leaves out, or does not wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudioLimits {
    /// Whether the initialization segment does not wait for audio if there is video.
    pub is_optional: bool,
    /// Whether the browser does not decode AC-3.
    pub no_ac3: bool,
    /// Whether the browser does not decode Enhanced AC-3.
    pub no_eac3: bool,
    /// Whether the browser does not decode MP3 in MP4. Without video, its frames are written as they are.
    pub no_mp3: bool,
}

/// What a remuxer has made of its input. The bytes of a segment stay in the remuxer until they are asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum RemuxOutput {
    /// An initialization segment, which the following fragments need.
    Init {
        /// Its media type with codecs, such as `video/mp4; codecs="avc1.64001f,mp4a.40.2"`.
        mime: String,
        /// Its tracks.
        tracks: RemuxTracks,
        /// Width and height of the picture in pixels; zeros if there is none.
        size: (u32, u32),
    },
    /// A media segment of one track.
    Fragment {
        /// The earliest presentation time in it, in seconds. It may exceed the timestamp by a multiple of 2^33 ticks.
        first_shown: f64,
        /// The end of its last sample in decoding order, in seconds.
        end: f64,
    },
    /// Captions or an ID3 tag.
    Metadata,
    /// A part of the input that is left out.
    Problem {
        /// Whether it is encrypted, or in a coding that the remuxer does not know. Otherwise it is damaged.
        is_unsupported: bool,
        /// Whether it is a track that has begun after the initialization segment.
        is_late_track: bool,
        /// What is left out, and where.
        text: String,
    },
}

/// The result of a [`FileReader`](super::FileReader), or the bytes of the file that it needs first.
#[derive(Clone, Debug, PartialEq)]
pub enum FileStep<T> {
    /// The result.
    Done(T),
    /// Feed these bytes, from `start` to before `end`, and ask again.
    Need {
        /// Position of the first byte.
        start: u64,
        /// Position behind the last byte.
        end: u64,
    },
}

/// What a media file has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileInfo {
    /// Name of the container.
    pub container: String,
    /// Duration in seconds.
    pub duration: f64,
    /// All tracks.
    pub tracks: Vec<FileTrackInfo>,
}

/// A track of a media file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileTrackInfo {
    /// 0 other, 1 video, 2 audio, 3 text.
    pub kind: u8,
    /// Media type with its codec; empty if no MediaSource takes it.
    pub mime: String,
    /// RFC 6381 codec, or the file's own name of a coding that has none.
    pub codec: String,
    /// ISO 639-2 or RFC 5646 tag; empty if unknown.
    pub language: String,
    /// Its name; may be empty.
    pub label: String,
    /// Whether it is played if the viewer does not choose.
    pub is_default: bool,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Pictures per second; 0 if unknown.
    pub frame_rate: f64,
    /// Why it cannot be played; empty if it can.
    pub problem: String,
}

/// Tracks of a media file that are appended to one SourceBuffer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileSetInfo<B> {
    /// Whether it has video.
    pub is_video: bool,
    /// Type for the SourceBuffer.
    pub mime: String,
    /// Indexes of its tracks.
    pub tracks: Vec<usize>,
    /// Bytes of its samples, about.
    pub bytes: f64,
    /// Media time of the presentation time zero, in seconds.
    pub origin: f64,
    /// Initialization segment.
    pub init: B,
    /// Start and end of each segment, in seconds.
    pub segments: Vec<(f64, f64)>,
}

/// What to append for a segment of a media file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilePlan<B> {
    /// To be appended first.
    pub head: B,
    /// Ranges of the file, in this order: start, and position behind the end.
    pub ranges: Vec<(u64, u64)>,
    /// Whether the bytes of the ranges are converted, instead of being appended.
    pub is_converted: bool,
}
