//! Describes the chart in text: the tooltip of a point, and the list of the latest events.

use yew_mse_worker::protocol::{
    SegmentReport, TrackKind,
    milestone::{EngineLocation, ReachedMilestone},
};

use super::{Chart, Row};
use crate::history::{ElementEvent, ElementState, Eviction, History, bit_rate};

/// How far from the pointer an event is still described, in pixels of the drawing.
const HIT_DISTANCE: f64 = 5.0;
/// The precision of times in text, in milliseconds.
const TEXT_PRECISION_MS: f64 = 100.0;

impl Chart<'_> {
    /// Describes the events at a point, and the state of the playback at its time, one line each.
    pub fn describe(&self, x: f64, y: f64) -> Vec<String> {
        let at = self.time(x);
        let start = self.history.span.map_or(at, |(first, _)| first);
        let mut lines = vec![format!(
            "{} after the start",
            clock(at - start, TEXT_PRECISION_MS)
        )];
        if self.history.span.is_none_or(|(_, last)| at > last) {
            lines.push("no events yet".into());
            return lines;
        }
        if let Some(row) = self.row_at(y) {
            lines.extend(self.events_at(row, x));
        }
        lines.extend(self.state_at(at));
        lines
    }

    /// Describes the events of a row near a horizontal position.
    fn events_at(&self, row: Row, x: f64) -> Vec<String> {
        let is_near = |time: f64| (self.x(time) - x).abs() <= HIT_DISTANCE;
        match row {
            Row::Buffer | Row::Network => Vec::new(),
            Row::Video(_) | Row::Audio => {
                let is_hit = |segment: &&SegmentReport| {
                    row.contains(segment)
                        && self.x(segment.requested_at) - HIT_DISTANCE <= x
                        && x <= self.x(segment.finished_at) + HIT_DISTANCE
                };
                let segments = self.history.segments.iter().filter(is_hit);
                segments
                    .map(|segment| self.segment_text(segment))
                    .take(3)
                    .collect()
            }
            Row::Evictions => {
                let evictions = self.history.evictions.iter();
                let near = evictions.filter(|eviction| is_near(eviction.at));
                near.take(3).map(eviction_text).collect()
            }
            Row::Element => {
                let events = self.history.element_events.iter();
                let near = events.filter(|event| is_near(event.at));
                near.take(4).map(element_event_text).collect()
            }
            Row::Messages => {
                let milestones = self.history.milestones.iter();
                let near = milestones.filter(|reached| is_near(reached.at));
                let mut lines: Vec<String> = near.take(4).map(milestone_text).collect();
                for texts in [&self.history.commands, &self.history.notices] {
                    let near = texts.iter().filter(|(at, _)| is_near(*at));
                    lines.extend(near.take(3).map(|(_, text)| text.clone()));
                }
                let times = self.history.message_times.iter();
                let count = times.filter(|at| is_near(**at)).count();
                lines.push(format!("{count} messages from the engine"));
                lines
            }
        }
    }

    /// Describes the state of the playback at a time.
    fn state_at(&self, at: f64) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((sample, ahead)) = self.history.sample(at) {
            let seconds = |ahead: Option<f64>| {
                ahead.map_or("–".into(), |seconds| format!("{seconds:.1} s"))
            };
            let [video, audio] = ahead.map(seconds);
            lines.push(format!(
                "buffered ahead: video {video}, audio {audio}, goal {:.0} s",
                sample.goal
            ));
            lines.push(format!("network: {}", bit_rate(sample.bandwidth)));
        }
        let switches = &self.history.switches;
        if let Some((_, rate)) = switches.iter().rev().find(|(since, _)| *since <= at) {
            lines.push(format!("quality: {}", self.history.quality_name(*rate)));
        }
        let state = self
            .states()
            .into_iter()
            .find(|(from, to, _)| (*from..*to).contains(&at));
        if let Some((.., state)) = state {
            lines.push(format!(
                "element: {}",
                match state {
                    ElementState::Playing => "playing",
                    ElementState::Waiting => "waiting for data",
                    ElementState::Seeking => "seeking",
                    ElementState::Paused => "not playing",
                }
            ));
        }
        lines
    }

    fn segment_text(&self, segment: &SegmentReport) -> String {
        let track = match segment.kind {
            TrackKind::Video => self.history.quality_name(segment.bandwidth),
            TrackKind::Audio => "audio".into(),
        };
        let result = if segment.appended {
            "appended"
        } else {
            "aborted"
        };
        let remuxed = segment.remuxed.map_or(String::new(), |remuxed| {
            format!(
                ", remuxed from MPEG-TS to {:.0} kB in {:.1} ms",
                remuxed.bytes as f64 / 1000.0,
                remuxed.milliseconds
            )
        });
        format!(
            "{track} {:.1}–{:.1} s: {:.0} kB in {:.0} ms{remuxed}, {result}",
            segment.start,
            segment.end,
            segment.bytes as f64 / 1000.0,
            segment.finished_at - segment.requested_at
        )
    }

    /// Describes the latest events, one line each, newest first, at most `max`.
    pub fn latest_events(&self, max: usize) -> Vec<String> {
        let start = self.history.span.map_or(0.0, |(first, _)| first);
        let History {
            segments,
            element_events,
            milestones,
            notices,
            commands,
            switches,
            ..
        } = self.history;
        let mut events: Vec<(f64, String)> = Vec::new();
        events.extend(
            last(segments, max).map(|segment| (segment.finished_at, self.segment_text(segment))),
        );
        events.extend(last(element_events, max).map(|event| (event.at, element_event_text(event))));
        events.extend(last(milestones, max).map(|reached| (reached.at, milestone_text(reached))));
        for texts in [notices, commands] {
            events.extend(last(texts, max).cloned());
        }
        events.extend(last(switches, max).map(|(at, rate)| {
            let quality = self.history.quality_name(*rate);
            (*at, format!("quality: {quality}"))
        }));
        events.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        events.truncate(max);
        events
            .into_iter()
            .map(|(at, text)| format!("{}: {text}", clock(at - start, TEXT_PRECISION_MS)))
            .collect()
    }
}

/// The last `max` items of a list, in order.
fn last<T>(list: &[T], max: usize) -> impl Iterator<Item = &T> {
    list.iter().skip(list.len().saturating_sub(max))
}

fn eviction_text(eviction: &Eviction) -> String {
    let (from, to) = eviction.range;
    let track = match eviction.kind {
        TrackKind::Video => "video",
        TrackKind::Audio => "audio",
    };
    match to.is_finite() {
        true => format!("{track} {from:.1}–{to:.1} s removed"),
        false => format!("{track} from {from:.1} s on removed"),
    }
}

fn element_event_text(event: &ElementEvent) -> String {
    format!("{}, at {:.1} s", event.event.name(), event.position)
}

fn milestone_text(reached: &ReachedMilestone) -> String {
    let thread = match reached.milestone.thread() {
        EngineLocation::Page => "on the page",
        EngineLocation::Worker => "in the engine",
    };
    format!("{}, {thread}", reached.milestone.label())
}

/// Formats a time as `1:02:03`, with as many decimals as a precision needs.
pub(super) fn clock(milliseconds: f64, precision_ms: f64) -> String {
    let decimals = match precision_ms {
        ..10.0 => 3,
        ..100.0 => 2,
        ..1000.0 => 1,
        _ => 0,
    };
    // Rounded before it is split, so that 59.99 s becomes 1:00.0 and not 0:60.0.
    let scale = 10_f64.powi(decimals);
    let total = (milliseconds.max(0.0) / 1000.0 * scale).round() / scale;
    let (hours, minutes) = ((total / 3600.0).floor(), (total / 60.0).floor() % 60.0);
    let seconds = total % 60.0;
    let decimals = decimals as usize;
    let width = if decimals > 0 { decimals + 3 } else { 2 };
    match hours > 0.0 {
        true => format!("{hours:.0}:{minutes:02.0}:{seconds:0width$.decimals$}"),
        false => format!("{minutes:.0}:{seconds:0width$.decimals$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_has_the_decimals_of_its_precision() {
        assert_eq!(clock(62_345.0, 1000.0), "1:02");
        assert_eq!(clock(62_345.0, 500.0), "1:02.3");
        assert_eq!(clock(62_345.0, 1.0), "1:02.345");
        assert_eq!(clock(59_999.9, 100.0), "1:00.0");
        assert_eq!(clock(3_723_000.0, 1000.0), "1:02:03");
    }
}
