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
#[cfg(test)]
mod measured;
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

/// A browser engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Chrome, Edge.
    Chromium,
    /// Firefox.
    Firefox,
    /// Safari, WebKitGTK.
    WebKit,
}

/// Which frames are cut to the append window instead of dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trimming {
    /// None.
    Nothing,
    /// Those of sound.
    Audio,
    /// Those of pictures too.
    All,
}

/// What a browser's buffers and its playback go by, where the specification leaves it open or is not followed.
///
/// Measured on 2026-11-30 in Chromium 156, Firefox ESR 153 and WebKitGTK 2.50 with video of 30 frames a second
/// and AAC, unless a field says otherwise.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whose parser: how bytes are treated that are no segment.
    pub engine: Engine,
    /// Frames are contiguous if the gap between them is at most the longest frame so far, times this.
    pub contiguous_frames: f64,
    /// … or at most this, and one was appended right after the other.
    pub contiguous_in_sequence: Nanos,
    /// Which frames that reach over the append window are cut.
    pub trimming: Trimming,
    /// Whether the init segment's edit list shifts the timestamps.
    pub applies_edit_lists: bool,
    /// Whether an abort forgets the init segment, so that nothing is taken in before the next one.
    pub abort_forgets_init: bool,
    /// Whether the timestamp offset may be set in the middle of a segment.
    pub takes_offset_in_segment: bool,
    /// Whether all tracks of a buffer are buffered from where the first of them begins, in frames that follow each
    /// other.
    pub group_start_covers_all_tracks: bool,
    /// Whether `buffered` ends at the duration.
    pub clips_buffered_to_duration: bool,
    /// Whether `endOfStream` sets the duration to 0 if there are no frames.
    pub ends_empty_at_zero: bool,
    /// Whether frames of sound are dropped that end before the first one since the last abort began, without
    /// `timestampOffset`.
    pub drops_audio_before_first: bool,
    /// Whether a removal begins with the frame at its start, instead of after it.
    pub removes_frame_at_start: bool,
    /// Whether a track without frames does not count for `buffered`.
    pub skips_empty_tracks: bool,
    /// Whether a duration within the last frame becomes that frame's end, as specified.
    pub raises_duration: bool,
    /// Bytes that a SourceBuffer with video may hold.
    pub video_quota: usize,
    /// Bytes that a SourceBuffer without video may hold.
    pub audio_quota: usize,
    /// Bytes of one append to a SourceBuffer without video beyond which there is no room.
    pub audio_append_limit: usize,
    /// Largest gap between two ranges that playback passes by itself.
    pub playable_gap: Nanos,
    /// How far before the first range playback begins, at 0.
    pub start_gap: Nanos,
    /// How far before a range a seek may go.
    pub seek_gap: Nanos,
    /// How far before the end of a range playback stops, if more may follow.
    pub stops_before: Nanos,
    /// What has to be ahead for playback to begin, or to go on after a stall.
    pub resume_ahead: Nanos,
    /// How long a seek takes once there is data.
    pub seek_time: Nanos,
    /// Whether the current frame is still there when what is under the position was removed.
    pub keeps_current_frame: bool,
}

impl Rules {
    /// Chromium. A quota of about 142 MB was measured for video.
    pub const fn chromium() -> Self {
        Self {
            engine: Engine::Chromium,
            contiguous_frames: 1.0,
            contiguous_in_sequence: 0,
            trimming: Trimming::Audio,
            applies_edit_lists: false,
            abort_forgets_init: false,
            takes_offset_in_segment: false,
            group_start_covers_all_tracks: true,
            clips_buffered_to_duration: true,
            ends_empty_at_zero: false,
            drops_audio_before_first: false,
            removes_frame_at_start: false,
            skips_empty_tracks: false,
            raises_duration: false,
            video_quota: 142 << 20,
            audio_quota: 12 << 20,
            audio_append_limit: usize::MAX,
            playable_gap: 0,
            start_gap: SECOND,
            seek_gap: 66 * MILLISECOND,
            stops_before: 35 * MILLISECOND,
            resume_ahead: 50 * MILLISECOND,
            seek_time: 13 * MILLISECOND,
            keeps_current_frame: true,
        }
    }

    /// Firefox. Its quotas are not measured.
    pub const fn firefox() -> Self {
        Self {
            engine: Engine::Firefox,
            trimming: Trimming::All,
            applies_edit_lists: true,
            group_start_covers_all_tracks: false,
            clips_buffered_to_duration: false,
            ends_empty_at_zero: true,
            raises_duration: true,
            video_quota: 100 << 20,
            audio_quota: 20 << 20,
            playable_gap: 500 * MILLISECOND,
            seek_gap: 120 * MILLISECOND,
            stops_before: 10 * MILLISECOND,
            seek_time: 55 * MILLISECOND,
            ..Self::chromium()
        }
    }

    /// WebKitGTK. It threw on one append of 19.6 MB to an audio buffer; its quotas are not measured.
    pub const fn webkit() -> Self {
        Self {
            engine: Engine::WebKit,
            contiguous_in_sequence: 100 * MILLISECOND,
            trimming: Trimming::Nothing,
            abort_forgets_init: true,
            takes_offset_in_segment: true,
            group_start_covers_all_tracks: false,
            clips_buffered_to_duration: false,
            ends_empty_at_zero: true,
            drops_audio_before_first: true,
            removes_frame_at_start: true,
            skips_empty_tracks: true,
            raises_duration: true,
            video_quota: 128 << 20,
            audio_quota: 16 << 20,
            audio_append_limit: 16 << 20,
            start_gap: 70 * MILLISECOND,
            seek_gap: 70 * MILLISECOND,
            stops_before: 33 * MILLISECOND,
            seek_time: 25 * MILLISECOND,
            keeps_current_frame: false,
            ..Self::chromium()
        }
    }
}
