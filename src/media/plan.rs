//! Decides the next action for one SourceBuffer: load an index, fetch, evict, wait, or end. A pure function of a
//! [`Snapshot`] of the current state, called again after every change.

mod inventory;

use super::{
    BOUNDARY_TOLERANCE, Index, Presentation, RepresentationId, Segment, Segments,
    boundary_tolerance,
    ranges::{TimeRange, TimeRanges},
};

pub use inventory::{AppendedSegment, BufferInventory};

/// The input of [`plan`]. Times are in seconds on the presentation timeline.
pub struct Snapshot<'a> {
    /// The whole presentation.
    pub presentation: &'a Presentation,
    /// End of the part of the presentation that this MediaSource plays.
    pub end: f64,
    /// The playback position.
    pub position: f64,
    /// Media before this time may be evicted.
    pub evictable_before: f64,
    /// Seconds to buffer ahead of the position.
    pub goal: f64,
    /// Seconds for which nothing is missing in the other SourceBuffer; infinite if there is none.
    pub other_buffer_ahead: f64,
    /// `SourceBuffer.buffered`.
    pub buffered: &'a TimeRanges,
    /// What was appended to the SourceBuffer, reconciled with `buffered`.
    pub inventory: &'a BufferInventory,
    /// The representation to fetch now in a period; `None` if the period has none for this SourceBuffer.
    pub choose: &'a dyn Fn(usize) -> Option<RepresentationId>,
    /// Whether a representation may follow one that is chosen no longer: it can be played, and needs no more bandwidth
    /// than the one that is chosen now.
    pub may_continue: &'a dyn Fn(RepresentationId) -> bool,
    /// Whether an appended segment may still be played: not if the viewer has chosen another representation.
    pub is_acceptable: &'a dyn Fn(&AppendedSegment) -> bool,
    /// Whether an appended segment is worth fetching again in the representation that is chosen now.
    pub is_replaceable: &'a dyn Fn(&AppendedSegment) -> bool,
    /// Whether a segment can be fetched.
    pub status: &'a dyn Fn(RepresentationId, &Segments, &Segment) -> SegmentStatus,
}

/// Whether a segment can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentStatus {
    /// It can.
    Available,
    /// Not yet: it is at the edge of a live stream.
    NotYet,
    /// It never will be: it is skipped.
    Missing,
}

/// The next action for a SourceBuffer.
#[derive(Clone, Debug, PartialEq)]
pub enum BufferAction {
    /// Remove this range.
    Evict(TimeRange),
    /// Load the segment index of this representation.
    LoadIndex(RepresentationId),
    /// Fetch this segment and append it.
    Fetch(RepresentationId, Box<Segment>),
    /// Nothing until the position moves on or something changes.
    Wait,
    /// Nothing: everything up to the end is there.
    End,
}

/// One SourceBuffer may be filled this far ahead of the other. Filling it further would only delay the other.
const MAX_LEAD_SECONDS: f64 = 6.0;
/// Segments that begin within this time of the position, or within this share of the goal if that is less, are
/// not replaced: they are about to be played.
const SETTLED_SECONDS: f64 = 4.0;
const SETTLED_GOAL_SHARE: f64 = 0.5;
/// Eviction waits until this much can be removed at once.
const MIN_EVICTION_SECONDS: f64 = 5.0;

/// Decides the next action. Also returns the time up to which nothing is missing; infinite if nothing is
/// missing up to the end.
pub fn plan(now: &Snapshot) -> (BufferAction, f64) {
    let settled_until = now.position + SETTLED_SECONDS.min(now.goal * SETTLED_GOAL_SHARE);
    let (action, complete_until) = next_missing(now, settled_until);
    let end = now.inventory.start_at(now.evictable_before);
    if let Some(first) = now.buffered.iter().next()
        && first.start < end - MIN_EVICTION_SECONDS
    {
        let range = TimeRange { start: 0.0, end };
        return (BufferAction::Evict(range), complete_until);
    }
    let replacement = match action {
        BufferAction::Wait | BufferAction::End => next_replacement(now, settled_until),
        _ => None,
    };
    (replacement.unwrap_or(action), complete_until)
}

/// The action for the first segment that is missing from the position on, and the time up to which nothing is.
fn next_missing(now: &Snapshot, settled_until: f64) -> (BufferAction, f64) {
    let covered_until = |time| {
        now.inventory
            .covered_until(time, settled_until, now.is_acceptable)
    };
    let mut time = covered_until(now.position);
    loop {
        if time >= now.end - BOUNDARY_TOLERANCE && now.position < now.end {
            return (BufferAction::End, f64::INFINITY);
        }
        let ahead = time - now.position;
        if ahead >= now.goal || ahead > now.other_buffer_ahead + MAX_LEAD_SECONDS {
            return (BufferAction::Wait, time);
        }
        let action = match action_at(now, time) {
            // A position after the last segment is complete only if the last segment is there.
            BufferAction::End => action_for_last(now, settled_until),
            BufferAction::Fetch(id, segment)
                if segment.start < settled_until.min(time - 2.0 * BOUNDARY_TOLERANCE) =>
            {
                aligned_action_at(now, time).unwrap_or(BufferAction::Fetch(id, segment))
            }
            action => action,
        };
        let segment = match &action {
            BufferAction::Fetch(_, segment) => segment,
            BufferAction::End => return (action, f64::INFINITY),
            _ => return (action, time),
        };
        if !segment.is_missing && !is_buffered(now, segment, settled_until) {
            let missing_from = segment.start.max(time);
            // After a gap in the presentation, the next segment may be far away.
            let is_far = segment.start - now.position >= now.goal;
            let action = if is_far { BufferAction::Wait } else { action };
            return (action, missing_from);
        }
        // The segment at a time never ends within its tolerance of that, so this moves on.
        time = covered_until(segment.end);
    }
}

/// Whether a segment is in the SourceBuffer already.
fn is_buffered(now: &Snapshot, segment: &Segment, settled_until: f64) -> bool {
    let covered_until =
        now.inventory
            .covered_until(segment.start, settled_until, now.is_acceptable);
    covered_until >= segment.end - boundary_tolerance(segment.end - segment.start)
}

/// The action for the segment at `time`, or else for the first one after it, in any period; `End` if there is
/// none, `Wait` if there is none yet.
fn action_at(now: &Snapshot, time: f64) -> BufferAction {
    let mut none = BufferAction::End;
    for (index, period) in now.presentation.periods.iter().enumerate() {
        // The media of the last period may be longer than its manifest says.
        let is_last = index + 1 == now.presentation.periods.len();
        let is_over = !is_last && period.end <= time + BOUNDARY_TOLERANCE;
        if is_over || period.start >= now.end {
            continue;
        }
        let action = action_in_period(now, index, &|segments| {
            segments.segment_at(time.max(period.start))
        });
        match action {
            BufferAction::End => {}
            // The list of a live period may end early, once the next period has begun.
            BufferAction::Wait => none = BufferAction::Wait,
            action => return action,
        }
    }
    none
}

/// Fetches the segment at `time` of the representation that is buffered before it. Where the segments of
/// representations are not aligned, a segment of another one would replace what is being played.
fn aligned_action_at(now: &Snapshot, time: f64) -> Option<BufferAction> {
    let before = now.inventory.iter().find(|entry| {
        let end = entry.time.end;
        (end - time).abs() <= BOUNDARY_TOLERANCE && (now.is_acceptable)(entry)
    })?;
    let id = before.representation;
    let representation = now.presentation.representation(id)?;
    let Index::Known(segments) = &representation.index else {
        return None;
    };
    let segment = segments.segment_at(time + BOUNDARY_TOLERANCE)?;
    let is_aligned = segment.start > time - 2.0 * BOUNDARY_TOLERANCE;
    (is_aligned && (now.may_continue)(id)).then(|| BufferAction::Fetch(id, Box::new(segment)))
}

/// The action for the last segment of all; `End` if it is buffered or marked as missing.
fn action_for_last(now: &Snapshot, settled_until: f64) -> BufferAction {
    for (index, period) in now.presentation.periods.iter().enumerate().rev() {
        if period.start >= now.end {
            continue;
        }
        match action_in_period(now, index, &Segments::last) {
            BufferAction::End => {}
            BufferAction::Fetch(_, last)
                if last.is_missing || is_buffered(now, &last, settled_until) =>
            {
                break;
            }
            action => return action,
        }
    }
    BufferAction::End
}

/// Fetches the segment that `select` returns for the representation chosen in a period, or loads the index of
/// that representation first; `End` if there is no such representation or segment, `Wait` if there will be one.
fn action_in_period(
    now: &Snapshot,
    period: usize,
    select: &dyn Fn(&Segments) -> Option<Segment>,
) -> BufferAction {
    let Some(id) = (now.choose)(period) else {
        return BufferAction::End;
    };
    let Some(representation) = now.presentation.representation(id) else {
        return BufferAction::End;
    };
    match &representation.index {
        Index::Known(segments) if representation.is_resolved() => match select(segments) {
            Some(mut segment) => match (now.status)(id, segments, &segment) {
                SegmentStatus::NotYet => BufferAction::Wait,
                status => {
                    segment.is_missing |= status == SegmentStatus::Missing;
                    BufferAction::Fetch(id, Box::new(segment))
                }
            },
            None if segments.live.is_growing => BufferAction::Wait,
            None => BufferAction::End,
        },
        _ => BufferAction::LoadIndex(id),
    }
}

/// The action for the first buffered segment that is replaceable and not about to be played.
fn next_replacement(now: &Snapshot, settled_until: f64) -> Option<BufferAction> {
    let replaceable = now
        .inventory
        .iter()
        .find(|entry| entry.time.start > settled_until && (now.is_replaceable)(entry))?
        .time;
    // Not its start: the boundaries of another representation may differ.
    let inside = (replaceable.length() / 2.0).min(2.0 * BOUNDARY_TOLERANCE);
    let action = action_at(now, replaceable.start + inside);
    let is_applicable = match &action {
        BufferAction::Fetch(_, segment) => {
            !segment.is_missing && segment.start > settled_until - BOUNDARY_TOLERANCE
        }
        action => *action != BufferAction::End,
    };
    is_applicable.then_some(action)
}

#[cfg(test)]
mod tests;
