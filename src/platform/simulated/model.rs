//! The media model: what a browser does with appended bytes and with time. It depends on nothing of the
//! simulation but [`Bytes`](super::Bytes), and is driven by explicit times, so that it is tested by itself.
//!
//! | module | specification |
//! |---|---|
//! | `isobmff` | ISO BMFF byte stream format: the segment parser |
//! | `track_buffer` | coded frame processing and removal of one track |
//! | `media_source` | MediaSource and SourceBuffer: states, append, remove, eviction, duration |
//! | `playback` | the media element: readiness, playing, stalls, seeks, the end |
//!
//! Section numbers are those of [Media Source Extensions](https://www.w3.org/TR/media-source-2/).

pub mod isobmff;
pub mod media_source;
pub mod playback;
#[cfg(test)]
mod scripts;
pub mod track_buffer;

/// A time or a duration in nanoseconds. [`FOREVER`] stands for an infinite one.
pub type Nanos = i64;

/// An infinite time.
pub const FOREVER: Nanos = i64::MAX;

/// Nanoseconds in a second.
pub const SECOND: Nanos = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: Nanos = 1_000_000;
/// Nanoseconds in a microsecond.
pub const MICROSECOND: Nanos = 1_000;

/// The nearest time to some seconds.
pub fn nanos(seconds: f64) -> Nanos {
    // The cast saturates, so that infinity becomes `FOREVER`.
    (seconds * SECOND as f64).round() as Nanos
}

/// A time in seconds.
pub fn seconds(time: Nanos) -> f64 {
    match time {
        FOREVER => f64::INFINITY,
        _ => time as f64 / SECOND as f64,
    }
}

/// What a browser's buffers and its playback go by, where the specification leaves it open or is not followed.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Two frames are contiguous if the gap between them is at most the longest frame so far, times this.
    pub contiguous_frames: f64,
    /// … or at most this.
    pub contiguous: Nanos,
    /// Whether audio frames that reach over the append window are trimmed instead of dropped.
    pub trims_audio: bool,
    /// Whether the init segment's edit list shifts the timestamps.
    pub applies_edit_lists: bool,
    /// Whether bytes that are no box are silently swallowed instead of failing the append.
    pub swallows_garbage: bool,
    /// Bytes that a SourceBuffer with video may hold.
    pub video_quota: usize,
    /// Bytes that a SourceBuffer without video may hold.
    pub audio_quota: usize,
    /// Bytes of one append to a SourceBuffer without video beyond which there is no room.
    pub audio_append_limit: usize,
    /// Largest gap that playback passes by itself.
    pub playable_gap: Nanos,
    /// What has to be ahead for playback to begin, or to go on after a stall.
    pub resume_ahead: Nanos,
}

impl Rules {
    /// Chromium 156: ranges are joined over twice the longest frame (`SourceBufferRange::GetFudgeRoom`), and a
    /// quota of about 142 MB was measured.
    pub const fn chromium() -> Self {
        Self {
            contiguous_frames: 2.0,
            contiguous: 0,
            trims_audio: true,
            applies_edit_lists: false,
            swallows_garbage: false,
            video_quota: 150 << 20,
            audio_quota: 12 << 20,
            audio_append_limit: usize::MAX,
            playable_gap: 100 * MILLISECOND,
            resume_ahead: 20 * MILLISECOND,
        }
    }

    /// Firefox 153.
    pub const fn firefox() -> Self {
        Self {
            contiguous_frames: 1.0,
            applies_edit_lists: true,
            video_quota: 100 << 20,
            audio_quota: 20 << 20,
            ..Self::chromium()
        }
    }

    /// WebKitGTK 2.50. It threw on one append of 19.6 MB to an audio buffer.
    pub const fn webkit() -> Self {
        Self {
            contiguous_frames: 0.0,
            contiguous: MILLISECOND,
            trims_audio: false,
            swallows_garbage: true,
            video_quota: 128 << 20,
            audio_quota: 16 << 20,
            audio_append_limit: 16 << 20,
            ..Self::chromium()
        }
    }
}
