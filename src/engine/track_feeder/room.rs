//! Makes room in a full SourceBuffer.

use super::{MIN_REST_SECONDS, TrackFeeder, track_kind};
use crate::{
    engine::{context::Context, error::Error, segment_buffer::SegmentBuffer},
    media::{BOUNDARY_TOLERANCE, ranges::TimeRange},
    protocol::{Diagnostic, PlaybackError},
};

impl TrackFeeder {
    /// Removes a range from the buffer, and posts a diagnostic about it.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is closed.
    pub(super) async fn evict(
        &self,
        buffer: &mut SegmentBuffer,
        range: TimeRange,
    ) -> Result<(), Error> {
        buffer.remove(range).await?;
        let diagnostic = Diagnostic::Evicted {
            kind: track_kind(self.content_type),
            start: range.start,
            end: range.end,
        };
        let Context { port, session, .. } = &*self.context;
        port.post_diagnostic(*session, &diagnostic);
        Ok(())
    }

    /// Evicts media behind the position or beyond the goal. If there is none, waits until there is some.
    ///
    /// # Errors
    /// [`PlaybackError::BufferFull`] if everything buffered is played and there is still no room.
    pub(super) async fn make_room(&self, buffer: &mut SegmentBuffer) -> Result<(), Error> {
        let state = &self.context.state;
        let mut is_goal_lowered = false;
        loop {
            let buffered = buffer.buffered();
            for range in self.evictable_ranges() {
                if buffered.covered_seconds(range) > BOUNDARY_TOLERANCE {
                    return self.evict(buffer, range).await;
                }
            }
            // From the observed position, because the clock may be ahead of the element. Some browsers evict media by
            // themselves. If they have evicted the media at that position, the element has moved on since.
            let observed = state.observed_position();
            let ahead = match buffered.range_at(observed) {
                Some(_) => buffered.ahead(observed),
                None => buffered.ahead(state.position()),
            };
            if ahead < MIN_REST_SECONDS {
                return Err(PlaybackError::BufferFull.into());
            }
            if !std::mem::replace(&mut is_goal_lowered, true) {
                state.lower_goal(ahead);
            }
            state.next_change_or_tick().await;
        }
    }

    /// The ranges behind the position and beyond the goal. They consist of whole segments, because the inventory drops a
    /// segment of which only a part is left.
    pub(super) fn evictable_ranges(&self) -> [TimeRange; 2] {
        let state = &self.context.state;
        let inventory = self.inventory.borrow();
        let behind = TimeRange {
            start: 0.0,
            end: inventory.start_at(state.observed_position()),
        };
        let ahead = TimeRange {
            start: inventory.end_at(state.position() + state.goal()),
            end: f64::INFINITY,
        };
        [behind, ahead]
    }
}
