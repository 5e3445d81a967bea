//! Watches over an act: sees to what no single feed can.

use super::{
    context::{Context, Error},
    media_source::OwnedMediaSource,
    period_group::{CONTENT_TYPES, Tracks, nothing_to_play},
    playback_state::PlaybackState,
    track_feeder::track_kind,
};
use crate::{
    media::{BOUNDARY_TOLERANCE, ranges::TimeRanges, selection::PeriodGroup},
    platform::web,
    protocol::{BufferLevel, Diagnostic, Event, milestone::Milestone},
};

/// How often the page is told how the buffers are filled, at most: milliseconds.
const REPORT: f64 = 1_000.0;
/// How long a jump is given to take effect before it is asked for again, in milliseconds.
const LANDING: f64 = 1_000.0;
/// How far into what is buffered a jump goes, in seconds: an edge may be rounded.
const FOOTING: f64 = 0.01;
/// How far a film that stands still is pushed, in seconds.
const PUSH: f64 = 0.1;

/// Sees to gaps, freezes, the end, and what the page wants to know. Returns where to go on with another
/// act, once this one is over or the viewer has left it.
///
/// # Errors
/// What ends the playback.
pub async fn monitor(
    shared: &Context,
    source: &OwnedMediaSource,
    cast: &Tracks,
) -> Result<f64, Error> {
    let Context {
        port,
        session,
        state: conditions,
        ..
    } = shared;
    let session = *session;
    let mut report = BufferReport::default();
    let mut jumps = GapJumper::default();
    let mut heard = conditions.audio_preference();
    let mut is_ended = false;
    loop {
        let change = conditions.next_change_or_tick();
        let position = conditions.position();
        let sound = conditions.audio_preference();
        if sound != heard {
            heard = sound;
            cast.select_audio(shared);
        }
        report.tell(shared, position);

        let PeriodGroup { start, end, .. } = cast.group;
        if position < start - BOUNDARY_TOLERANCE || position >= end - BOUNDARY_TOLERANCE {
            return Ok(position);
        }
        let common = conditions.playable_ranges();
        if conditions.is_fully_buffered() {
            let Some(last) = common.iter().last() else {
                return Err(nothing_to_play(position));
            };
            if end.is_finite() && position >= last.end - BOUNDARY_TOLERANCE {
                return Ok(end);
            }
            if end.is_infinite() && source.is_open() {
                source.end_of_stream()?;
                if !std::mem::replace(&mut is_ended, true) {
                    port.post_milestone(session, Milestone::EndOfStream);
                }
            }
        }
        if let Some(to) = jumps.where_to(conditions, &common, position) {
            port.post(Event::Seek { session, to });
        }
        change.await;
    }
}

/// What the page was last told of the buffers.
#[derive(Default)]
struct BufferReport {
    at: f64,
    buffered: [Option<TimeRanges>; 2],
}

impl BufferReport {
    /// Tells the page how the buffers are filled, if that is news, and not too soon.
    fn tell(&mut self, shared: &Context, position: f64) {
        let now = web::now();
        if now - self.at < REPORT {
            return;
        }
        let buffered = CONTENT_TYPES.map(|kind| Some(shared.state.buffer_status(kind)?.buffered));
        if buffered == self.buffered {
            return;
        }
        let mut levels = Vec::new();
        for (kind, ranges) in CONTENT_TYPES.into_iter().zip(&buffered) {
            if let Some(ranges) = ranges {
                levels.push(BufferLevel {
                    kind: track_kind(kind),
                    buffered: ranges.iter().map(|it| (it.start, it.end)).collect(),
                });
            }
        }
        (self.at, self.buffered) = (now, buffered);
        let detail = Diagnostic::BufferLevels {
            levels,
            position,
            bandwidth: shared.network.meter.estimate(),
            goal: shared.state.goal(),
            memory: web::memory(),
        };
        shared.port.post_diagnostic(shared.session, &detail);
    }
}

/// Where the element was last asked to go, and when.
#[derive(Default)]
struct GapJumper {
    at: f64,
    to: f64,
}

impl GapJumper {
    /// Where the element has to go by itself, for it would not come there by playing: on over a gap, or
    /// a little further if it stands still for no reason.
    fn where_to(
        &mut self,
        conditions: &PlaybackState,
        common: &TimeRanges,
        position: f64,
    ) -> Option<f64> {
        let to = if conditions.is_stalled() {
            conditions.reset_stall();
            position + PUSH
        } else if common.range_at(position).is_none() {
            // On to what is there, or to where the film goes on. What is still to come is waited for.
            let complete = conditions.complete_until();
            let next = common.first_after(position).map_or(complete, |it| it.start);
            let is_sure = complete >= next - BOUNDARY_TOLERANCE && next.is_finite();
            if !is_sure || next < position + BOUNDARY_TOLERANCE {
                return None;
            }
            next + FOOTING
        } else {
            return None;
        };
        let now = web::now();
        if to == self.to && now - self.at < LANDING {
            return None;
        }
        (self.at, self.to) = (now, to);
        Some(to)
    }
}
