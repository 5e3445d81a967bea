//! What content has while it is live: its window and its edge.

use super::{Content, live_state::now_seconds};
use crate::{
    media::{ContentType, Index, RepresentationId, live::edge, ranges::TimeRange},
    protocol::PlaybackError,
};

/// The duration of segments that is assumed until one is known, in seconds.
const ASSUMED_SEGMENT_SECONDS: f64 = 2.0;

impl Content {
    /// Whether it is live.
    pub fn is_live(&self) -> bool {
        self.presentation().live.is_some()
    }

    /// Whether it is live, or has been: segments may then be missing.
    pub const fn was_live(&self) -> bool {
        self.live.was_live.get()
    }

    /// The presentation time that corresponds to the current wall-clock time, by which segments become available. Infinite
    /// if the stream does not tell.
    pub(super) fn clock(&self) -> f64 {
        let presentation = self.presentation();
        let zero = presentation.live.as_ref().and_then(|live| live.zero);
        zero.map_or(f64::INFINITY, |zero| self.server_time() - zero)
    }

    /// The server's wall-clock time, in seconds since the Unix epoch.
    pub fn server_time(&self) -> f64 {
        now_seconds() + self.live.clock_offset.get()
    }

    /// Seconds that the server's clock is ahead of this device's.
    pub const fn clock_offset(&self) -> f64 {
        self.live.clock_offset.get()
    }

    /// How often the manifest or a playlist was reloaded.
    pub const fn reloads(&self) -> u32 {
        self.live.reloads.get()
    }

    /// A number that changes when the periods change.
    pub const fn version(&self) -> u32 {
        self.live.version.get()
    }

    /// When a live stream will begin, in seconds since the Unix epoch, if its MPD says so and it has not begun yet.
    pub fn begins_at(&self) -> Option<f64> {
        let presentation = self.presentation();
        let zero = presentation.live.as_ref()?.zero?;
        let begins = zero + presentation.periods.first()?.start;
        (begins > self.server_time()).then_some(begins)
    }

    /// Why the last reload failed; `None` if it succeeded.
    pub fn reload_error(&self) -> Option<PlaybackError> {
        self.live.error.borrow().as_deref().cloned()
    }

    /// Records which representation of a track is fetched. Its playlist is reloaded.
    pub fn set_in_use(&self, content_type: ContentType, id: RepresentationId) {
        let mut in_use = self.live.in_use.get();
        match content_type {
            ContentType::Video => in_use[0] = Some(id),
            ContentType::Audio => in_use[1] = Some(id),
        }
        self.live.in_use.set(in_use);
    }

    /// The representation of a track that was fetched last.
    pub fn in_use(&self, content_type: ContentType) -> Option<RepresentationId> {
        let [video, audio] = self.live.in_use.get();
        match content_type {
            ContentType::Video => video,
            ContentType::Audio => audio,
        }
    }

    /// The representations that are fetched now, or else one of each period, so that the window is known.
    pub(super) fn tracked(&self) -> Vec<RepresentationId> {
        let in_use: Vec<_> = self.live.in_use.get().into_iter().flatten().collect();
        if !in_use.is_empty() {
            return in_use;
        }
        let presentation = self.presentation();
        let all = presentation.representations().into_iter();
        all.filter(|(id, ..)| id.representation == 0)
            .map(|(id, ..)| id)
            .collect()
    }

    /// The range that can be played now, in seconds; `None` if there is nothing yet.
    pub fn seekable_range(&self) -> Option<TimeRange> {
        let seekable = edge::seekable_range(&self.presentation(), &self.tracked(), self.clock())?;
        let start = seekable.start.max(0.0);
        (start < seekable.end).then_some(TimeRange { start, ..seekable })
    }

    /// The longest duration of the segments in use, in seconds.
    pub fn segment_seconds(&self) -> f64 {
        let presentation = self.presentation();
        let tracked = self.tracked();
        let indexes = tracked
            .iter()
            .filter_map(|id| Some(&presentation.representation(*id)?.index));
        let durations = indexes.filter_map(|index| match index {
            Index::Known(segments) if segments.live.target_duration > 0.0 => {
                Some(segments.live.target_duration)
            }
            _ => None,
        });
        let longest = durations.fold(0.0, f64::max);
        if longest > 0.0 {
            longest
        } else {
            ASSUMED_SEGMENT_SECONDS
        }
    }

    /// The delay from the live edge that the author wishes, in seconds.
    pub fn author_delay(&self) -> Option<f64> {
        let presentation = self.presentation();
        let hold_back = |id: &RepresentationId| match &presentation.representation(*id)?.index {
            Index::Known(segments) => segments.live.hold_back,
            _ => None,
        };
        let live = presentation.live.as_ref()?;
        live.delay
            .or_else(|| self.tracked().iter().find_map(hold_back))
    }

    /// The wall-clock time of a position, in seconds since the Unix epoch, if the stream tells.
    pub fn date_at(&self, position: f64) -> Option<f64> {
        let presentation = self.presentation();
        let by_list =
            self.tracked()
                .iter()
                .find_map(|id| match &presentation.representation(*id)?.index {
                    Index::Known(segments) => segments.date_at(position),
                    _ => None,
                });
        by_list.or_else(|| Some(presentation.live.as_ref()?.zero? + position))
    }

    /// The live edge, in seconds; `None` before the first segment. Also returns whether the list has changed since the last
    /// call.
    pub fn live_edge(&self) -> Option<(f64, bool)> {
        let seekable = self.seekable_range()?;
        self.live.seekable_start.set(seekable.start);
        let has_changed = self
            .live
            .edge
            .borrow_mut()
            .observe(seekable.end, now_seconds());
        let edge = self
            .live
            .edge
            .borrow()
            .at(now_seconds(), self.segment_seconds());
        Some((edge, has_changed))
    }
}
