//! The timeline as it is drawn: what stands where, and what is said of a place that is pointed at.

use wasm_bindgen::JsValue;
use web_sys::CanvasRenderingContext2d;
use yew_mse_worker::protocol::{
    SegmentReport, TrackKind,
    milestone::{EngineLocation, ReachedMilestone},
};

use crate::history::{History, Level, State, bits};

/// Heights, in pixels of the drawing.
const AXIS: f64 = 24.0;
const LEVELS: f64 = 92.0;
const RATES: f64 = 72.0;
const LANE: f64 = 18.0;
const GAP: f64 = 10.0;
/// How near to a thing one has to point.
const NEAR: f64 = 5.0;

/// The part of the session that is shown: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Its beginning.
    pub from: f64,
    /// Its end.
    pub to: f64,
}

/// What it is drawn in: CSS colours.
pub struct Palette {
    /// Words and edges.
    pub ink: String,
    /// Words that matter less.
    pub soft: String,
    /// Lines that matter least.
    pub line: String,
    /// Pictures, and what is done in the worker.
    pub worker: String,
    /// The element, and what is done on the page.
    pub page: String,
    /// Sound, and the handle.
    pub handle: String,
    /// Where the film stands still.
    pub stall: String,
    /// Names of families.
    pub font: String,
}

/// A history on a canvas of a size, with an extent of it in view.
pub struct Chart<'a> {
    /// What is shown.
    pub history: &'a History,
    /// Which part of it.
    pub extent: Extent,
    /// How wide, in pixels of the drawing: where letters are larger, each is more than one of CSS.
    pub width: f64,
}

/// What stands at a height.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Row {
    Levels,
    Rates,
    /// Pictures of a bandwidth.
    Pictures(u64),
    Sound,
    Evictions,
    Element,
    Messages,
}

impl Chart<'_> {
    /// How high it is, in pixels of the drawing.
    pub fn height(&self) -> f64 {
        self.rows()
            .last()
            .map_or(0.0, |(_, top, height)| top + height)
            + GAP
    }

    /// Where the names end and the time begins.
    pub fn gutter(&self) -> f64 {
        if self.width < 480.0 { 58.0 } else { 92.0 }
    }

    /// What stands at which height, and how high that is, from the top.
    fn rows(&self) -> Vec<(Row, f64, f64)> {
        let mut rates: Vec<u64> = self
            .history
            .qualities
            .iter()
            .map(|it| it.bandwidth)
            .collect();
        let pictures = |it: &&SegmentReport| it.kind == TrackKind::Video;
        rates.extend(
            self.history
                .fetched
                .iter()
                .filter(pictures)
                .map(|it| it.bandwidth),
        );
        rates.sort_unstable_by(|one, other| other.cmp(one));
        rates.dedup();
        let mut rows = vec![(Row::Levels, LEVELS), (Row::Rates, RATES)];
        rows.extend(rates.into_iter().map(|rate| (Row::Pictures(rate), LANE)));
        rows.extend(
            [Row::Sound, Row::Evictions, Row::Element, Row::Messages].map(|row| (row, LANE)),
        );
        let mut top = AXIS;
        let mut placed = Vec::new();
        for (row, height) in rows {
            placed.push((row, top, height));
            top += height + if height > LANE { GAP } else { 0.0 };
        }
        placed
    }

    /// Where a time is, in pixels from the left.
    fn x(&self, at: f64) -> f64 {
        let Extent { from, to } = self.extent;
        let width = self.width - self.gutter();
        self.gutter() + (at - from) / (to - from) * width
    }

    /// Which time is so many pixels from the left.
    pub fn time(&self, x: f64) -> f64 {
        let Extent { from, to } = self.extent;
        let width = self.width - self.gutter();
        from + (x - self.gutter()) / width * (to - from)
    }

    /// Draws all of it, and a line where somebody points.
    ///
    /// # Errors
    /// Those of the canvas, for words that it cannot write.
    pub fn draw(
        &self,
        on: &CanvasRenderingContext2d,
        colours: &Palette,
        pointer: Option<f64>,
    ) -> Result<(), JsValue> {
        on.clear_rect(0.0, 0.0, self.width, self.height());
        on.set_font(&format!("11px {}", colours.font));
        on.set_text_baseline("middle");
        self.draw_axis(on, colours)?;
        for (row, top, height) in self.rows() {
            on.set_fill_style_str(&colours.soft);
            on.set_text_align("right");
            let middle = if height > LANE {
                top + 8.0
            } else {
                top + height / 2.0
            };
            on.fill_text(&self.name(row), self.gutter() - 8.0, middle)?;
            on.set_fill_style_str(&colours.line);
            on.fill_rect(self.gutter(), top + height, self.width - self.gutter(), 0.5);

            on.save();
            on.begin_path();
            on.rect(
                self.gutter(),
                0.0,
                self.width - self.gutter(),
                self.height(),
            );
            on.clip();
            self.draw_row(on, colours, row, top, height)?;
            on.restore();
        }
        if let Some(x) = pointer.filter(|x| *x > self.gutter()) {
            on.set_fill_style_str(&colours.ink);
            on.fill_rect(x, AXIS - 4.0, 1.0, self.height() - AXIS);
        }
        Ok(())
    }

    fn draw_axis(&self, on: &CanvasRenderingContext2d, colours: &Palette) -> Result<(), JsValue> {
        let Extent { from, to } = self.extent;
        let start = self.history.span.map_or(from, |(first, _)| first);
        let step = step_of(to - from, (self.width - self.gutter()) / 84.0);
        let mut at = start + ((from - start) / step).ceil() * step;
        on.set_text_align("left");
        while at <= to {
            let x = self.x(at);
            on.set_fill_style_str(&colours.line);
            on.fill_rect(x, 16.0, 0.5, self.height() - 16.0);
            on.set_fill_style_str(&colours.soft);
            on.fill_text(&clock(at - start, step), x, 8.0)?;
            at += step;
        }
        Ok(())
    }

    fn name(&self, row: Row) -> String {
        let is_narrow = self.width < 480.0;
        match row {
            Row::Levels => "buffer".into(),
            Row::Rates if is_narrow => "rate".into(),
            Row::Rates => "network".into(),
            Row::Pictures(rate) => self.history.name(rate),
            Row::Sound => "sound".into(),
            Row::Evictions => "evicted".into(),
            Row::Element => "element".into(),
            Row::Messages if is_narrow => "said".into(),
            Row::Messages => "messages".into(),
        }
    }

    fn draw_row(
        &self,
        on: &CanvasRenderingContext2d,
        colours: &Palette,
        row: Row,
        top: f64,
        height: f64,
    ) -> Result<(), JsValue> {
        match row {
            Row::Levels => self.draw_levels(on, colours, top, height)?,
            Row::Rates => self.draw_rates(on, colours, top, height)?,
            Row::Pictures(rate) => {
                let is_here =
                    |it: &&SegmentReport| it.kind == TrackKind::Video && it.bandwidth == rate;
                for fetched in self.fetched().iter().filter(is_here) {
                    self.draw_fetch(on, &colours.worker, fetched, top);
                }
            }
            Row::Sound => {
                let is_here = |it: &&SegmentReport| it.kind == TrackKind::Audio;
                for fetched in self.fetched().iter().filter(is_here) {
                    self.draw_fetch(on, &colours.handle, fetched, top);
                }
            }
            Row::Evictions => {
                for eviction in &self.history.evictions {
                    on.set_fill_style_str(match eviction.kind {
                        TrackKind::Video => &colours.worker,
                        TrackKind::Audio => &colours.handle,
                    });
                    on.fill_rect(self.x(eviction.at) - 1.5, top + 5.0, 3.0, height - 9.0);
                }
            }
            Row::Element => {
                for (from, to, state) in self.states() {
                    let (colour, inset) = match state {
                        State::Playing => (&colours.page, 5.0),
                        State::Waiting => (&colours.stall, 2.0),
                        State::Seeking => (&colours.handle, 4.0),
                        State::Resting => (&colours.line, 7.0),
                    };
                    on.set_fill_style_str(colour);
                    let width = (self.x(to) - self.x(from)).max(1.5);
                    on.fill_rect(self.x(from), top + inset, width, height - 2.0 * inset);
                }
            }
            Row::Messages => {
                on.set_fill_style_str(&colours.soft);
                for at in &self.history.messages {
                    on.fill_rect(self.x(*at) - 0.5, top + 7.0, 1.0, height - 9.0);
                }
                on.set_fill_style_str(&colours.page);
                for (at, _) in &self.history.requests {
                    on.fill_rect(self.x(*at) - 1.5, top + 2.0, 3.0, height - 4.0);
                }
                on.set_fill_style_str(&colours.stall);
                for (at, _) in &self.history.words {
                    on.fill_rect(self.x(*at) - 1.5, top + 2.0, 3.0, height - 4.0);
                }
                for mark in &self.history.marks {
                    on.set_fill_style_str(match mark.milestone.thread() {
                        EngineLocation::Page => &colours.page,
                        EngineLocation::Worker => &colours.worker,
                    });
                    on.fill_rect(self.x(mark.at) - 1.0, top + 2.0, 2.0, height - 4.0);
                }
            }
        }
        Ok(())
    }

    fn draw_levels(
        &self,
        on: &CanvasRenderingContext2d,
        colours: &Palette,
        top: f64,
        height: f64,
    ) -> Result<(), JsValue> {
        let levels = self.levels();
        let points = self.points();
        let most = levels
            .iter()
            .map(|it| it.goal)
            .chain(
                points
                    .iter()
                    .flat_map(|(_, ahead)| ahead.map(Option::unwrap_or_default)),
            )
            .fold(10.0, f64::max);
        let y = |seconds: f64| top + height - seconds / most * (height - 14.0);
        let of = |kind: usize| {
            let there = points.iter();
            there.filter_map(move |(at, ahead)| Some((*at, ahead.get(kind).copied()??)))
        };

        on.set_global_alpha(0.25);
        on.set_fill_style_str(&colours.page);
        self.trace(
            on,
            of(0).map(|(at, seconds)| (at, y(seconds))),
            Some(top + height),
        );
        on.set_global_alpha(1.0);
        on.set_stroke_style_str(&colours.page);
        on.set_line_width(1.5);
        self.trace(on, of(0).map(|(at, seconds)| (at, y(seconds))), None);
        on.set_stroke_style_str(&colours.handle);
        self.trace(on, of(1).map(|(at, seconds)| (at, y(seconds))), None);
        on.set_stroke_style_str(&colours.soft);
        on.set_line_width(0.5);
        self.trace(on, levels.iter().map(|it| (it.at, y(it.goal))), None);

        on.set_fill_style_str(&colours.soft);
        on.set_text_align("left");
        on.fill_text(&format!("{most:.0} s"), self.gutter() + 4.0, top + 8.0)
    }

    fn draw_rates(
        &self,
        on: &CanvasRenderingContext2d,
        colours: &Palette,
        top: f64,
        height: f64,
    ) -> Result<(), JsValue> {
        let levels = self.levels();
        let chosen = self.history.switches.iter().map(|(_, rate)| *rate as f64);
        let most = levels
            .iter()
            .map(|it| it.bandwidth)
            .chain(chosen)
            .fold(1e5, f64::max);
        // By the logarithm: an estimate may be a hundred times of what is chosen.
        let least = 5e4_f64;
        let share = |rate: f64| (rate.max(least) / least).ln() / (most / least).ln();
        let y = |rate: f64| top + height - share(rate) * (height - 14.0);

        on.set_line_width(1.0);
        on.set_stroke_style_str(&colours.soft);
        self.trace(on, levels.iter().map(|it| (it.at, y(it.bandwidth))), None);
        on.set_line_width(2.0);
        on.set_stroke_style_str(&colours.worker);
        let end = self
            .extent
            .to
            .min(self.history.span.map_or(f64::INFINITY, |(_, last)| last));
        let mut steps = Vec::new();
        for (at, rate) in &self.history.switches {
            if let Some((_, y)) = steps.last().copied() {
                steps.push((*at, y));
            }
            steps.push((*at, y(*rate as f64)));
        }
        if let Some((_, y)) = steps.last().copied() {
            steps.push((end, y));
        }
        self.trace(on, steps.into_iter(), None);

        on.set_fill_style_str(&colours.soft);
        on.set_text_align("left");
        on.fill_text(&bits(most), self.gutter() + 4.0, top + 8.0)
    }

    /// A line through points, or all that is between it and a floor.
    fn trace(
        &self,
        on: &CanvasRenderingContext2d,
        points: impl Iterator<Item = (f64, f64)>,
        floor: Option<f64>,
    ) {
        let mut ends: Option<(f64, f64)> = None;
        on.begin_path();
        for (at, y) in points {
            let x = self.x(at);
            match &mut ends {
                Some((_, last)) => *last = x,
                None => ends = Some((x, x)),
            }
            on.line_to(x, y);
        }
        match (floor, ends) {
            (Some(floor), Some((first, last))) => {
                on.line_to(last, floor);
                on.line_to(first, floor);
                on.fill();
            }
            _ => on.stroke(),
        }
    }

    /// A bar from the request to the append; hollow if it was given up.
    fn draw_fetch(
        &self,
        on: &CanvasRenderingContext2d,
        colour: &str,
        it: &SegmentReport,
        top: f64,
    ) {
        let (x, width) = (
            self.x(it.requested_at),
            (self.x(it.finished_at) - self.x(it.requested_at)).max(2.0),
        );
        if it.appended {
            on.set_fill_style_str(colour);
            on.fill_rect(x, top + 3.0, width, LANE - 6.0);
        } else {
            on.set_stroke_style_str(colour);
            on.set_line_width(1.0);
            on.stroke_rect(x + 0.5, top + 3.5, (width - 1.0).max(1.0), LANE - 7.0);
        }
    }

    /// What is in view, and one more on each side, so that lines go on to the edges.
    fn levels(&self) -> &[Level] {
        let levels = &self.history.levels;
        let from = levels
            .partition_point(|it| it.at < self.extent.from)
            .saturating_sub(1);
        let to = levels.partition_point(|it| it.at <= self.extent.to) + 1;
        levels.get(from..to.min(levels.len())).unwrap_or_default()
    }

    /// What is ahead at each of the times between which it changes evenly: where the engine or the element
    /// said something, and just before.
    fn points(&self) -> Vec<(f64, [Option<f64>; 2])> {
        /// Just before, in milliseconds.
        const BEFORE: f64 = 0.01;
        let (_, last) = self.history.span.unwrap_or_default();
        let said = self.levels().iter().map(|it| it.at);
        let seen = self.history.moments.iter().map(|it| it.at);
        let mut times: Vec<f64> = said.chain(seen).flat_map(|at| [at - BEFORE, at]).collect();
        times.push(last);
        let Extent { from, to } = self.extent;
        times.retain(|at| (from - (to - from)..to + (to - from)).contains(at));
        times.sort_unstable_by(f64::total_cmp);
        let ahead = |at: f64| Some((at, self.history.level(at)?.1));
        times.into_iter().filter_map(ahead).collect()
    }

    fn fetched(&self) -> &[SegmentReport] {
        let fetched = &self.history.fetched;
        let from = fetched.partition_point(|it| it.finished_at < self.extent.from);
        fetched.get(from..).unwrap_or_default()
    }

    fn states(&self) -> Vec<(f64, f64, State)> {
        let (_, last) = self.history.span.unwrap_or_default();
        self.history.states(last)
    }

    /// What is to be said of a place: what is there, and how things stood at that time.
    pub fn say(&self, x: f64, y: f64) -> Vec<String> {
        let at = self.time(x);
        let start = self.history.span.map_or(at, |(first, _)| first);
        let mut lines = vec![format!("{} after the start", clock(at - start, 100.0))];
        if self.history.span.is_none_or(|(_, last)| at > last) {
            lines.push("nothing has happened since".into());
            return lines;
        }
        let is_near = |time: f64| (self.x(time) - x).abs() <= NEAR;
        let row = self
            .rows()
            .into_iter()
            .find(|(_, top, height)| (*top..top + height).contains(&y));
        match row.map(|(row, ..)| row) {
            Some(row @ (Row::Pictures(_) | Row::Sound)) => {
                let is_here = |it: &&SegmentReport| {
                    let of_row = match row {
                        Row::Pictures(rate) => it.kind == TrackKind::Video && it.bandwidth == rate,
                        _ => it.kind == TrackKind::Audio,
                    };
                    of_row
                        && self.x(it.requested_at) - NEAR <= x
                        && x <= self.x(it.finished_at) + NEAR
                };
                let here = self.history.fetched.iter().filter(is_here);
                lines.extend(here.map(|it| self.words_of(it)).take(3));
            }
            Some(Row::Evictions) => {
                let here = self.history.evictions.iter().filter(|it| is_near(it.at));
                lines.extend(here.take(3).map(|it| {
                    let (from, to) = it.film;
                    let what = if it.kind == TrackKind::Video {
                        "pictures"
                    } else {
                        "sound"
                    };
                    match to.is_finite() {
                        true => format!("{what} of {from:.1}–{to:.1} s removed"),
                        false => format!("{what} from {from:.1} s on removed"),
                    }
                }));
            }
            Some(Row::Element) => {
                let here = self.history.moments.iter().filter(|it| is_near(it.at));
                lines.extend(here.take(4).map(|it| {
                    format!("{}, at {:.1} s of the film", it.moment.name(), it.position)
                }));
            }
            Some(Row::Messages) => {
                let marks = self.history.marks.iter().filter(|it| is_near(it.at));
                lines.extend(marks.take(4).map(words_of_mark));
                for words in [&self.history.requests, &self.history.words] {
                    let here = words.iter().filter(|(at, _)| is_near(*at));
                    lines.extend(here.take(3).map(|(_, words)| words.clone()));
                }
                let count = self
                    .history
                    .messages
                    .iter()
                    .filter(|at| is_near(**at))
                    .count();
                lines.push(format!("{count} messages from the engine"));
            }
            _ => {}
        }
        lines.extend(self.words_at(at));
        lines
    }

    /// How things stood at a time.
    fn words_at(&self, at: f64) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((level, ahead)) = self.history.level(at) {
            let seconds =
                |ahead: Option<f64>| ahead.map_or("–".into(), |it| format!("{it:.1} s"));
            let [pictures, sound] = ahead.map(seconds);
            lines.push(format!(
                "ahead: pictures {pictures}, sound {sound}, wanted {:.0} s",
                level.goal
            ));
            lines.push(format!("network: {}", bits(level.bandwidth)));
        }
        let switches = &self.history.switches;
        if let Some((_, rate)) = switches.iter().rev().find(|(since, _)| *since <= at) {
            lines.push(format!("quality: {}", self.history.name(*rate)));
        }
        let state = self
            .states()
            .into_iter()
            .find(|(from, to, _)| (*from..*to).contains(&at));
        if let Some((.., state)) = state {
            lines.push(format!(
                "the element {}",
                match state {
                    State::Playing => "plays",
                    State::Waiting => "waits",
                    State::Seeking => "seeks",
                    State::Resting => "rests",
                }
            ));
        }
        lines
    }

    fn words_of(&self, it: &SegmentReport) -> String {
        let what = match it.kind {
            TrackKind::Video => self.history.name(it.bandwidth),
            TrackKind::Audio => "sound".into(),
        };
        let end = if it.appended { "appended" } else { "given up" };
        format!(
            "{what} of {:.1}–{:.1} s: {:.0} kB in {:.0} ms, {end}",
            it.start,
            it.end,
            it.bytes as f64 / 1000.0,
            it.finished_at - it.requested_at
        )
    }

    /// The last of what happened, one line each, the newest first.
    pub fn list(&self, most: usize) -> Vec<String> {
        let start = self.history.span.map_or(0.0, |(first, _)| first);
        let History {
            fetched,
            moments,
            marks,
            words,
            requests,
            switches,
            ..
        } = self.history;
        let last = |length: usize| length.saturating_sub(most);
        let mut all: Vec<(f64, String)> = Vec::new();
        all.extend(
            fetched
                .iter()
                .skip(last(fetched.len()))
                .map(|it| (it.finished_at, self.words_of(it))),
        );
        all.extend(moments.iter().skip(last(moments.len())).map(|it| {
            (
                it.at,
                format!("{}, at {:.1} s of the film", it.moment.name(), it.position),
            )
        }));
        all.extend(
            marks
                .iter()
                .skip(last(marks.len()))
                .map(|it| (it.at, words_of_mark(it))),
        );
        for words in [words, requests] {
            all.extend(words.iter().skip(last(words.len())).cloned());
        }
        all.extend(
            switches
                .iter()
                .skip(last(switches.len()))
                .map(|(at, rate)| (*at, format!("{} from now on", self.history.name(*rate)))),
        );
        all.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        all.truncate(most);
        all.into_iter()
            .map(|(at, words)| format!("{}: {words}", clock(at - start, 100.0)))
            .collect()
    }
}

fn words_of_mark(mark: &ReachedMilestone) -> String {
    let thread = match mark.milestone.thread() {
        EngineLocation::Page => "on the page",
        EngineLocation::Worker => "in the engine",
    };
    format!("{}, {thread}", mark.milestone.label())
}

/// How far apart the marks of an axis are, in milliseconds, if there is room for so many.
fn step_of(span: f64, room: f64) -> f64 {
    const STEPS: [f64; 19] = [
        10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 1.5e4, 3e4, 6e4, 1.2e5, 3e5,
        6e5, 9e5, 1.8e6, 3.6e6,
    ];
    let fits = |step: &&f64| span / **step <= room.max(1.0);
    STEPS.iter().find(fits).copied().unwrap_or(3.6e6 * 4.0)
}

/// `1:02:03`, with as much of a fraction as a step of the axis asks for.
fn clock(milliseconds: f64, step: f64) -> String {
    let digits = match step {
        ..10.0 => 3,
        ..100.0 => 2,
        ..1000.0 => 1,
        _ => 0,
    };
    let whole = milliseconds.max(0.0) / 1000.0;
    // What rounds up to a minute is one.
    let scale = 10_f64.powi(digits);
    let whole = (whole * scale).round() / scale;
    let (hours, minutes) = ((whole / 3600.0).floor(), (whole / 60.0).floor() % 60.0);
    let seconds = whole % 60.0;
    let digits = digits as usize;
    let width = if digits > 0 { digits + 3 } else { 2 };
    match hours > 0.0 {
        true => format!("{hours:.0}:{minutes:02.0}:{seconds:0width$.digits$}"),
        false => format!("{minutes:.0}:{seconds:0width$.digits$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_exact_as_its_axis() {
        assert_eq!(clock(62_345.0, 1000.0), "1:02");
        assert_eq!(clock(62_345.0, 500.0), "1:02.3");
        assert_eq!(clock(62_345.0, 1.0), "1:02.345");
        assert_eq!(clock(59_999.9, 100.0), "1:00.0");
        assert_eq!(clock(3_723_000.0, 1000.0), "1:02:03");
    }

    #[test]
    fn there_is_room_for_what_stands_on_an_axis() {
        assert_eq!(step_of(60_000.0, 6.0), 10_000.0);
        assert_eq!(step_of(60_000.0, 3.9), 30_000.0);
        assert_eq!(step_of(500.0, 5.0), 100.0);
        assert_eq!(step_of(1e9, 0.0), 3.6e6 * 4.0);
    }

    #[test]
    fn a_place_and_its_time_belong_together() {
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
