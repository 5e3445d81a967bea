//! Draws the chart on a canvas.

use wasm_bindgen::JsValue;
use web_sys::CanvasRenderingContext2d;
use yew_mse_worker::protocol::{SegmentReport, TrackKind, milestone::EngineLocation};

use super::{AXIS_HEIGHT, Chart, Extent, LANE_HEIGHT, Palette, PlacedRow, Row, text::clock};
use crate::history::{ElementState, bit_rate};

/// Room for one label of the time axis, in pixels of the drawing.
const TICK_WIDTH: f64 = 84.0;
/// Room for a label above the curves of a row.
const CURVE_LABEL_HEIGHT: f64 = 14.0;

impl Chart<'_> {
    /// Draws everything, and a vertical line at the pointer.
    ///
    /// # Errors
    /// The exception of the canvas if it cannot draw text.
    pub fn draw(
        &self,
        canvas: &CanvasRenderingContext2d,
        palette: &Palette,
        pointer_x: Option<f64>,
    ) -> Result<(), JsValue> {
        canvas.clear_rect(0.0, 0.0, self.width, self.height());
        canvas.set_font(&format!("11px {}", palette.font));
        canvas.set_text_baseline("middle");
        self.draw_axis(canvas, palette)?;
        let plot_width = self.width - self.gutter();
        for placed in self.rows() {
            let PlacedRow { row, top, height } = placed;
            canvas.set_fill_style_str(&palette.soft);
            canvas.set_text_align("right");
            let middle = if height > LANE_HEIGHT {
                top + 8.0
            } else {
                top + height / 2.0
            };
            canvas.fill_text(&self.label(row), self.gutter() - 8.0, middle)?;
            canvas.set_fill_style_str(&palette.line);
            canvas.fill_rect(self.gutter(), placed.bottom(), plot_width, 0.5);

            canvas.save();
            canvas.begin_path();
            canvas.rect(self.gutter(), 0.0, plot_width, self.height());
            canvas.clip();
            self.draw_row(canvas, palette, placed)?;
            canvas.restore();
        }
        if let Some(x) = pointer_x.filter(|x| *x > self.gutter()) {
            canvas.set_fill_style_str(&palette.ink);
            canvas.fill_rect(x, AXIS_HEIGHT - 4.0, 1.0, self.height() - AXIS_HEIGHT);
        }
        Ok(())
    }

    fn draw_axis(
        &self,
        canvas: &CanvasRenderingContext2d,
        palette: &Palette,
    ) -> Result<(), JsValue> {
        let Extent { from, to } = self.extent;
        let start = self.history.span.map_or(from, |(first, _)| first);
        let step = tick_step(to - from, (self.width - self.gutter()) / TICK_WIDTH);
        let mut at = start + ((from - start) / step).ceil() * step;
        canvas.set_text_align("left");
        while at <= to {
            let x = self.x(at);
            canvas.set_fill_style_str(&palette.line);
            canvas.fill_rect(x, 16.0, 0.5, self.height() - 16.0);
            canvas.set_fill_style_str(&palette.soft);
            canvas.fill_text(&clock(at - start, step), x, 8.0)?;
            at += step;
        }
        Ok(())
    }

    fn label(&self, row: Row) -> String {
        match row {
            Row::Buffer => "buffer".into(),
            Row::Network if self.is_narrow() => "rate".into(),
            Row::Network => "network".into(),
            Row::Video(bandwidth) => self.history.quality_name(bandwidth),
            Row::Audio => "audio".into(),
            Row::Evictions => "removed".into(),
            Row::Element => "element".into(),
            Row::Messages if self.is_narrow() => "msgs".into(),
            Row::Messages => "messages".into(),
        }
    }

    fn draw_row(
        &self,
        canvas: &CanvasRenderingContext2d,
        palette: &Palette,
        PlacedRow { row, top, height }: PlacedRow,
    ) -> Result<(), JsValue> {
        match row {
            Row::Buffer => self.draw_buffer(canvas, palette, top, height)?,
            Row::Network => self.draw_network(canvas, palette, top, height)?,
            Row::Video(_) | Row::Audio => {
                let colour = match row {
                    Row::Audio => &palette.handle,
                    _ => &palette.worker,
                };
                for segment in self.visible_segments() {
                    if row.contains(segment) {
                        self.draw_segment(canvas, colour, segment, top);
                    }
                }
            }
            Row::Evictions => {
                for eviction in &self.history.evictions {
                    canvas.set_fill_style_str(match eviction.kind {
                        TrackKind::Video => &palette.worker,
                        TrackKind::Audio => &palette.handle,
                    });
                    canvas.fill_rect(self.x(eviction.at) - 1.5, top + 5.0, 3.0, height - 9.0);
                }
            }
            Row::Element => {
                for (from, to, state) in self.states() {
                    let (colour, inset) = match state {
                        ElementState::Playing => (&palette.page, 5.0),
                        ElementState::Waiting => (&palette.stall, 2.0),
                        ElementState::Seeking => (&palette.handle, 4.0),
                        ElementState::Paused => (&palette.line, 7.0),
                    };
                    canvas.set_fill_style_str(colour);
                    let width = (self.x(to) - self.x(from)).max(1.5);
                    canvas.fill_rect(self.x(from), top + inset, width, height - 2.0 * inset);
                }
            }
            Row::Messages => self.draw_messages(canvas, palette, top, height),
        }
        Ok(())
    }

    fn draw_messages(
        &self,
        canvas: &CanvasRenderingContext2d,
        palette: &Palette,
        top: f64,
        height: f64,
    ) {
        canvas.set_fill_style_str(&palette.soft);
        for at in &self.history.message_times {
            canvas.fill_rect(self.x(*at) - 0.5, top + 7.0, 1.0, height - 9.0);
        }
        canvas.set_fill_style_str(&palette.page);
        for (at, _) in &self.history.commands {
            canvas.fill_rect(self.x(*at) - 1.5, top + 2.0, 3.0, height - 4.0);
        }
        canvas.set_fill_style_str(&palette.stall);
        for (at, _) in &self.history.notices {
            canvas.fill_rect(self.x(*at) - 1.5, top + 2.0, 3.0, height - 4.0);
        }
        for reached in &self.history.milestones {
            canvas.set_fill_style_str(match reached.milestone.thread() {
                EngineLocation::Page => &palette.page,
                EngineLocation::Worker => &palette.worker,
            });
            canvas.fill_rect(self.x(reached.at) - 1.0, top + 2.0, 2.0, height - 4.0);
        }
    }

    /// Draws the seconds of video (filled) and audio buffered ahead, and the goal.
    fn draw_buffer(
        &self,
        canvas: &CanvasRenderingContext2d,
        palette: &Palette,
        top: f64,
        height: f64,
    ) -> Result<(), JsValue> {
        /// The smallest range of the vertical axis.
        const MIN_RANGE_SECONDS: f64 = 10.0;
        let samples = self.visible_samples();
        let points = self.buffer_points();
        let goals = samples.iter().map(|sample| sample.goal);
        let levels = points
            .iter()
            .flat_map(|(_, ahead)| ahead.map(Option::unwrap_or_default));
        let max = goals.chain(levels).fold(MIN_RANGE_SECONDS, f64::max);
        let y = |seconds: f64| top + height - seconds / max * (height - CURVE_LABEL_HEIGHT);
        let [video, audio] = [0, 1].map(|track: usize| {
            points.iter().filter_map(move |(at, ahead)| {
                let seconds = ahead.get(track).copied()??;
                Some((*at, y(seconds)))
            })
        });

        canvas.set_global_alpha(0.25);
        canvas.set_fill_style_str(&palette.page);
        self.fill_below(canvas, video.clone(), top + height);
        canvas.set_global_alpha(1.0);
        canvas.set_stroke_style_str(&palette.page);
        canvas.set_line_width(1.5);
        self.stroke_line(canvas, video);
        canvas.set_stroke_style_str(&palette.handle);
        self.stroke_line(canvas, audio);
        canvas.set_stroke_style_str(&palette.soft);
        canvas.set_line_width(0.5);
        let goals = samples.iter().map(|sample| (sample.at, y(sample.goal)));
        self.stroke_line(canvas, goals);

        canvas.set_fill_style_str(&palette.soft);
        canvas.set_text_align("left");
        canvas.fill_text(&format!("{max:.0} s"), self.gutter() + 4.0, top + 8.0)
    }

    /// Draws the estimated bandwidth, and the bandwidth of the selected quality as steps.
    fn draw_network(
        &self,
        canvas: &CanvasRenderingContext2d,
        palette: &Palette,
        top: f64,
        height: f64,
    ) -> Result<(), JsValue> {
        /// The ends of the vertical axis, in bits per second; the upper one grows with the values.
        const MIN_RATE: f64 = 5e4;
        const MIN_MAX_RATE: f64 = 1e5;
        let samples = self.visible_samples();
        let switches = &self.history.switches;
        let estimates = samples.iter().map(|sample| sample.bandwidth);
        let selected = switches.iter().map(|(_, rate)| *rate as f64);
        let max = estimates.chain(selected).fold(MIN_MAX_RATE, f64::max);
        // Logarithmic: the estimate can be a hundred times the selected bandwidth.
        let share = |rate: f64| (rate.max(MIN_RATE) / MIN_RATE).ln() / (max / MIN_RATE).ln();
        let y = |rate: f64| top + height - share(rate) * (height - CURVE_LABEL_HEIGHT);

        canvas.set_line_width(1.0);
        canvas.set_stroke_style_str(&palette.soft);
        let estimates = samples
            .iter()
            .map(|sample| (sample.at, y(sample.bandwidth)));
        self.stroke_line(canvas, estimates);
        canvas.set_line_width(2.0);
        canvas.set_stroke_style_str(&palette.worker);
        let (_, last) = self.history.span.unwrap_or((0.0, f64::INFINITY));
        let end = self.extent.to.min(last);
        let mut steps: Vec<(f64, f64)> = Vec::new();
        for (at, rate) in switches {
            if let Some((_, y)) = steps.last().copied() {
                steps.push((*at, y));
            }
            steps.push((*at, y(*rate as f64)));
        }
        if let Some((_, y)) = steps.last().copied() {
            steps.push((end, y));
        }
        self.stroke_line(canvas, steps.into_iter());

        canvas.set_fill_style_str(&palette.soft);
        canvas.set_text_align("left");
        canvas.fill_text(&bit_rate(max), self.gutter() + 4.0, top + 8.0)
    }

    /// Strokes a line through points of time and vertical position.
    fn stroke_line(
        &self,
        canvas: &CanvasRenderingContext2d,
        points: impl Iterator<Item = (f64, f64)>,
    ) {
        self.trace(canvas, points);
        canvas.stroke();
    }

    /// Fills the area between a line and `floor`.
    fn fill_below(
        &self,
        canvas: &CanvasRenderingContext2d,
        points: impl Iterator<Item = (f64, f64)>,
        floor: f64,
    ) {
        if let Some((first_x, last_x)) = self.trace(canvas, points) {
            canvas.line_to(last_x, floor);
            canvas.line_to(first_x, floor);
            canvas.fill();
        }
    }

    /// Begins a path through points of time and vertical position. Returns the horizontal positions of its ends.
    fn trace(
        &self,
        canvas: &CanvasRenderingContext2d,
        points: impl Iterator<Item = (f64, f64)>,
    ) -> Option<(f64, f64)> {
        let mut ends: Option<(f64, f64)> = None;
        canvas.begin_path();
        for (at, y) in points {
            let x = self.x(at);
            ends = Some((ends.map_or(x, |(first, _)| first), x));
            canvas.line_to(x, y);
        }
        ends
    }

    /// Draws a bar from the request to the append, as an outline if the request was aborted.
    fn draw_segment(
        &self,
        canvas: &CanvasRenderingContext2d,
        colour: &str,
        segment: &SegmentReport,
        top: f64,
    ) {
        let x = self.x(segment.requested_at);
        let width = (self.x(segment.finished_at) - x).max(2.0);
        if segment.appended {
            canvas.set_fill_style_str(colour);
            canvas.fill_rect(x, top + 3.0, width, LANE_HEIGHT - 6.0);
        } else {
            canvas.set_stroke_style_str(colour);
            canvas.set_line_width(1.0);
            let width = (width - 1.0).max(1.0);
            canvas.stroke_rect(x + 0.5, top + 3.5, width, LANE_HEIGHT - 7.0);
        }
    }
}

/// The distance between two ticks of an axis that spans `span_ms` and has room for `max_ticks`, in milliseconds.
fn tick_step(span_ms: f64, max_ticks: f64) -> f64 {
    const STEPS_MS: [f64; 19] = [
        10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 1.5e4, 3e4, 6e4, 1.2e5, 3e5,
        6e5, 9e5, 1.8e6, 3.6e6,
    ];
    const LARGEST_STEP_MS: f64 = 4.0 * 3.6e6;
    STEPS_MS
        .into_iter()
        .find(|step| span_ms / step <= max_ticks.max(1.0))
        .unwrap_or(LARGEST_STEP_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_step_leaves_room_for_labels() {
        assert_eq!(tick_step(60_000.0, 6.0), 10_000.0);
        assert_eq!(tick_step(60_000.0, 3.9), 30_000.0);
        assert_eq!(tick_step(500.0, 5.0), 100.0);
        assert_eq!(tick_step(1e9, 0.0), 3.6e6 * 4.0);
    }
}
