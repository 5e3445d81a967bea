//! Watches over an act: sees to what no single feed can.

use super::{
    context::{Shared, Trouble},
    media_source::Source,
    period_group::{Cast, KINDS, nothing},
    playback_state::Conditions,
    track_feeder::kind_on_the_wire,
};
use crate::{
    media::{BOUNDARY_TOLERANCE, ranges::TimeRanges, selection::PeriodGroup},
    platform::web,
    protocol::{Diagnostic, Event, BufferLevel, milestone::Milestone},
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
pub async fn watch(shared: &Shared, source: &Source, cast: &Cast) -> Result<f64, Trouble> {
    let Shared {
        port,
        session,
        conditions,
        ..
    } = shared;
    let session = *session;
    let mut report = Report::default();
    let mut jumps = Jumps::default();
    let mut heard = conditions.sound();
    let mut is_ended = false;
    loop {
        let change = conditions.tick();
        let position = conditions.position();
        let sound = conditions.sound();
        if sound != heard {
            heard = sound;
            cast.select_sound(shared);
        }
        report.tell(shared, position);

        let PeriodGroup { start, end, .. } = cast.act;
        if position < start - BOUNDARY_TOLERANCE || position >= end - BOUNDARY_TOLERANCE {
            return Ok(position);
        }
        let common = conditions.common();
        if conditions.is_all_there() {
            let Some(last) = common.iter().last() else {
                return Err(nothing(position));
            };
            if end.is_finite() && position >= last.end - BOUNDARY_TOLERANCE {
                return Ok(end);
            }
            if end.is_infinite() && source.is_open() {
                source.end()?;
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
struct Report {
    at: f64,
    buffered: [Option<TimeRanges>; 2],
}

impl Report {
    /// Tells the page how the buffers are filled, if that is news, and not too soon.
    fn tell(&mut self, shared: &Shared, position: f64) {
        let now = web::now();
        if now - self.at < REPORT {
            return;
        }
        let buffered = KINDS.map(|kind| Some(shared.conditions.filled(kind)?.buffered));
        if buffered == self.buffered {
            return;
        }
        let mut levels = Vec::new();
        for (kind, ranges) in KINDS.into_iter().zip(&buffered) {
            if let Some(ranges) = ranges {
                levels.push(BufferLevel {
                    kind: kind_on_the_wire(kind),
                    buffered: ranges.iter().map(|it| (it.start, it.end)).collect(),
                });
            }
        }
        (self.at, self.buffered) = (now, buffered);
        let detail = Diagnostic::BufferLevels {
            levels,
            position,
            bandwidth: shared.network.meter.estimate(),
            goal: shared.conditions.goal(),
            memory: web::memory(),
        };
        shared.port.post_diagnostic(shared.session, &detail);
    }
}

/// Where the element was last asked to go, and when.
#[derive(Default)]
struct Jumps {
    at: f64,
    to: f64,
}

impl Jumps {
    /// Where the element has to go by itself, for it would not come there by playing: on over a gap, or
    /// a little further if it stands still for no reason.
    fn where_to(&mut self, conditions: &Conditions, common: &TimeRanges, position: f64) -> Option<f64> {
        let to = if conditions.is_frozen() {
            conditions.thaw();
            position + PUSH
        } else if common.range_at(position).is_none() {
            // On to what is there, or to where the film goes on. What is still to come is waited for.
            let complete = conditions.complete();
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
