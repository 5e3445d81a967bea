//! The timeline's drawing: its rows, and the conversion between times and pixels.

mod draw;
mod text;

use yew_mse_worker::protocol::{SegmentReport, TrackKind};

use crate::history::{BufferSample, ElementState, History};

/// Heights in pixels of the drawing, see [`Chart::width`].
const AXIS_HEIGHT: f64 = 24.0;
const BUFFER_HEIGHT: f64 = 92.0;
const NETWORK_HEIGHT: f64 = 72.0;
const LANE_HEIGHT: f64 = 18.0;
const ROW_GAP: f64 = 10.0;
/// Below this width, row labels are shorter.
const NARROW_WIDTH: f64 = 480.0;

/// The visible part of the session, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Start.
    pub from: f64,
    /// End.
    pub to: f64,
}

/// CSS colours and the font of the drawing.
pub struct Palette {
    /// The line at the pointer.
    pub ink: String,
    /// Labels and secondary lines.
    pub soft: String,
    /// Separators and the grid.
    pub line: String,
    /// Video segments, and the worker.
    pub worker: String,
    /// The element, and the page.
    pub page: String,
    /// Audio segments, and seeks.
    pub handle: String,
    /// Stalls and errors.
    pub stall: String,
    /// Font families.
    pub font: String,
}

/// A part of the history, laid out for a width.
pub struct Chart<'a> {
    /// The session.
    pub history: &'a History,
    /// Its visible part.
    pub extent: Extent,
    /// Width in pixels of the drawing. One is larger than a CSS pixel where the page's font is larger than usual.
    pub width: f64,
}

/// A row of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Row {
    /// Seconds buffered ahead.
    Buffer,
    /// Estimated bandwidth, and the selected quality.
    Network,
    /// Video segments of one bandwidth, in bits per second.
    Video(u64),
    /// Audio segments.
    Audio,
    Evictions,
    /// States of the video element.
    Element,
    /// Messages between the page and the engine.
    Messages,
}

/// A row and its position, in pixels of the drawing.
#[derive(Clone, Copy)]
struct PlacedRow {
    row: Row,
    top: f64,
    height: f64,
}

impl PlacedRow {
    fn bottom(self) -> f64 {
        self.top + self.height
    }
}

impl Row {
    /// Whether the row shows a segment.
    fn contains(self, segment: &SegmentReport) -> bool {
        match self {
            Self::Video(bandwidth) => {
                segment.kind == TrackKind::Video && segment.bandwidth == bandwidth
            }
            Self::Audio => segment.kind == TrackKind::Audio,
            _ => false,
        }
    }
}

impl Chart<'_> {
    /// The total height, in pixels of the drawing.
    pub fn height(&self) -> f64 {
        self.rows().last().map_or(0.0, |last| last.bottom()) + ROW_GAP
    }

    /// The width of the row labels, left of the time axis, in pixels of the drawing.
    pub fn gutter(&self) -> f64 {
        if self.is_narrow() { 58.0 } else { 92.0 }
    }

    fn is_narrow(&self) -> bool {
        self.width < NARROW_WIDTH
    }

    fn rows(&self) -> Vec<PlacedRow> {
        let History {
            qualities,
            segments,
            ..
        } = self.history;
        let video_segments = segments
            .iter()
            .filter(|segment| segment.kind == TrackKind::Video);
        let mut bandwidths: Vec<u64> = qualities.iter().map(|quality| quality.bandwidth).collect();
        bandwidths.extend(video_segments.map(|segment| segment.bandwidth));
        bandwidths.sort_unstable_by(|one, other| other.cmp(one));
        bandwidths.dedup();

        let mut rows = vec![(Row::Buffer, BUFFER_HEIGHT), (Row::Network, NETWORK_HEIGHT)];
        let video = bandwidths.into_iter().map(Row::Video);
        let others = [Row::Audio, Row::Evictions, Row::Element, Row::Messages];
        rows.extend(video.chain(others).map(|row| (row, LANE_HEIGHT)));

        let mut top = AXIS_HEIGHT;
        let mut placed = Vec::new();
        for (row, height) in rows {
            placed.push(PlacedRow { row, top, height });
            top += height + if height > LANE_HEIGHT { ROW_GAP } else { 0.0 };
        }
        placed
    }

    fn row_at(&self, y: f64) -> Option<Row> {
        self.rows()
            .into_iter()
            .find(|placed| (placed.top..placed.bottom()).contains(&y))
            .map(|placed| placed.row)
    }

    /// The horizontal position of a time, in pixels of the drawing.
    fn x(&self, at: f64) -> f64 {
        let Extent { from, to } = self.extent;
        let width = self.width - self.gutter();
        self.gutter() + (at - from) / (to - from) * width
    }

    /// The time at a horizontal position, in milliseconds since the Unix epoch.
    pub fn time(&self, x: f64) -> f64 {
        let Extent { from, to } = self.extent;
        let width = self.width - self.gutter();
        from + (x - self.gutter()) / width * (to - from)
    }

    /// The visible samples, and one more on each side so that lines reach the edges.
    fn visible_samples(&self) -> &[BufferSample] {
        let samples = &self.history.samples;
        let from = samples
            .partition_point(|sample| sample.at < self.extent.from)
            .saturating_sub(1);
        let to = samples.partition_point(|sample| sample.at <= self.extent.to) + 1;
        samples.get(from..to.min(samples.len())).unwrap_or_default()
    }

    /// The segments that did not finish before the visible part.
    fn visible_segments(&self) -> &[SegmentReport] {
        let segments = &self.history.segments;
        let from = segments.partition_point(|segment| segment.finished_at < self.extent.from);
        segments.get(from..).unwrap_or_default()
    }

    /// Times, and the seconds of video and of audio buffered ahead then. The level changes linearly between two of
    /// them: they are the times of samples and element events, and the moments just before.
    fn buffer_points(&self) -> Vec<(f64, [Option<f64>; 2])> {
        const JUST_BEFORE_MS: f64 = 0.01;
        let (_, last) = self.history.span.unwrap_or_default();
        let samples = self.visible_samples().iter().map(|sample| sample.at);
        let events = self.history.element_events.iter().map(|event| event.at);
        let mut times: Vec<f64> = samples
            .chain(events)
            .flat_map(|at| [at - JUST_BEFORE_MS, at])
            .collect();
        times.push(last);
        let Extent { from, to } = self.extent;
        times.retain(|at| (from - (to - from)..to + (to - from)).contains(at));
        times.sort_unstable_by(f64::total_cmp);
        times
            .into_iter()
            .filter_map(|at| Some((at, self.history.sample(at)?.1)))
            .collect()
    }

    fn states(&self) -> Vec<(f64, f64, ElementState)> {
        let (_, last) = self.history.span.unwrap_or_default();
        self.history.states(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_x_are_inverse() {
        let history = History::default();
        let chart = Chart {
            history: &history,
            extent: Extent {
                from: 1000.0,
                to: 5000.0,
            },
            width: 892.0,
        };
        assert_eq!(chart.x(1000.0), 92.0);
        assert_eq!(chart.x(5000.0), 892.0);
        assert_eq!(chart.time(chart.x(3210.0)), 3210.0);
    }
}
