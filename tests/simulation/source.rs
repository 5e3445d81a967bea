//! What is played: a server of some content, and what is known of that content without the engine.
//!
//! To add content of another kind, add a variant to [`Source`] and answer its three methods; `scenario.rs` draws it.

use std::ops::Range;

use testkit::{
    content::{Content, Format, Hls, Kind, Recipe, Stated, Timeline},
    http::{Request, Response},
    origin::Origin,
};

/// Content to play.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A generated presentation on demand, DASH or HLS.
    OnDemand(Box<Recipe>),
}

/// Answers requests whose `now` is the time since the Unix epoch.
pub type Respond = Box<dyn Fn(&Request) -> Response>;

/// A server of some content.
pub struct Served {
    /// Absolute path of the manifest.
    pub entry: String,
    /// The server.
    pub respond: Respond,
    /// What the content consists of.
    pub facts: Facts,
}

/// What is known of some content. Times are in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The end of the content.
    pub duration: f64,
    /// Where playback begins unless a start is asked for.
    pub start: f64,
    /// The times at which all tracks have media, ascending: what a viewer has to see.
    pub covered: Vec<Range<f64>>,
    /// By how much times that a manifest states may be wrong.
    pub tolerance: f64,
    /// The longest segment.
    pub segment: f64,
    /// Bits per second of the lowest quality, with audio.
    pub lowest: f64,
    /// Bits per second of the highest quality, with audio.
    pub highest: f64,
    /// Whether its timestamps and its manifest differ so much that a player may give up.
    pub is_broken: bool,
}

impl Source {
    /// Builds the server.
    pub fn serve(&self) -> Served {
        match self {
            Self::OnDemand(recipe) => {
                let origin = Origin::new(recipe.build());
                Served {
                    entry: origin.entry().to_owned(),
                    facts: facts(origin.content()),
                    respond: Box::new(move |request| origin.respond(request)),
                }
            }
        }
    }

    /// Approximate duration, in seconds.
    pub fn seconds(&self) -> f64 {
        match self {
            Self::OnDemand(recipe) => recipe.period_seconds.iter().sum(),
        }
    }

    /// Simpler content of the same kind, for the reduction of a failing scenario.
    pub fn simpler(&self) -> Vec<Self> {
        let Self::OnDemand(recipe) = self;
        let mut simpler = Vec::new();
        let mut add = |change: &dyn Fn(&mut Recipe)| {
            let mut changed = (**recipe).clone();
            change(&mut changed);
            if changed != **recipe {
                simpler.push(Self::OnDemand(Box::new(changed)));
            }
        };
        add(&|it| it.period_seconds.truncate(1));
        add(&|it| it.period_seconds.truncate(2));
        if self.seconds() > 4.0 {
            add(&|it| it.period_seconds.iter_mut().for_each(|it| *it /= 2.0));
        }
        add(&|it| it.heights.truncate(1));
        add(&|it| it.heights.truncate(2));
        add(&|it| it.audio.truncate(1));
        add(&|it| it.audio_bitrates = 1);
        add(&|it| it.captions.clear());
        add(&|it| it.bases = 1);
        add(&|it| it.quirks.jitter_percent = 0);
        add(&|it| it.quirks.one_frame_last = false);
        add(&|it| it.quirks.audio_shorter_frames = 0);
        add(&|it| it.quirks.media_offset_seconds = 0);
        add(&|it| it.quirks.audio_delay_ticks = 0);
        add(&|it| it.quirks.stated = Stated::Exactly);
        add(&|it| it.quirks.duration_error_ms = 0);
        add(&|it| it.quirks.period_gap_ms = 0);
        add(&|it| it.quirks.unaligned = false);
        add(&|it| it.quirks.has_gap = false);
        add(&|it| it.quirks.fragments = 1);
        add(&|it| it.quirks.boxes = 0);
        add(&|it| it.quirks.moof_padding = 0);
        add(&|it| it.quirks.has_events = false);
        add(&|it| it.quirks.poor_later_periods = false);
        add(&|it| it.quirks.continuous_periods = false);
        add(&|it| it.quirks.reorder = Default::default());
        add(&|it| {
            if let Format::Hls(Hls { encryption, .. }) = &mut it.format {
                *encryption = None;
            }
        });
        add(&|it| {
            if let Format::Hls(Hls { gap, start, .. }) = &mut it.format {
                (*gap, *start) = (None, None);
            }
        });
        simpler
    }
}

fn facts(content: &Content) -> Facts {
    let recipe = &content.recipe;
    let quirks = &recipe.quirks;
    let mut facts = Facts {
        duration: content.seconds(),
        segment: recipe.segment_seconds * (1.0 + quirks.jitter_percent as f64 / 100.0),
        tolerance: match quirks.stated {
            Stated::Exactly | Stated::InMilliseconds => 0.0,
            Stated::Overlapping(_) => 0.05,
            // A constant duration that is rounded to seconds drifts from the media.
            Stated::InSeconds => 1.0 + recipe.segment_seconds / 2.0,
        },
        ..Facts::default()
    };
    for period in &content.periods {
        let start = period.start;
        let mut common = start..f64::INFINITY;
        let mut holes: Vec<Range<f64>> = Vec::new();
        for set in &period.sets {
            for representation in &set.representations {
                for timeline in &representation.timelines {
                    let range = range_of(timeline, start, period.media_offset);
                    common = common.start.max(range.start)..common.end.min(range.end);
                    let time = |segment: u64| {
                        let frames = timeline.frames(segment)?;
                        let seconds = timeline.stream.frame_seconds();
                        let at = |frame: u64| range.start + frame as f64 * seconds;
                        Some(at(frames.start)..at(frames.end))
                    };
                    if quirks.has_gap {
                        holes.extend(time(1));
                    }
                    if let Format::Hls(Hls { gap: Some(gap), .. }) = recipe.format {
                        holes.extend(
                            position_in_period(content, period, &representation.id, gap)
                                .and_then(time),
                        );
                    }
                }
            }
        }
        let bandwidth = |highest: bool| {
            let mut sum = 0.0;
            for kind in [Kind::Video, Kind::Audio, Kind::Muxed] {
                let sets = period.sets.iter().filter(|set| set.kind == kind);
                let all = sets.flat_map(|set| &set.representations);
                let all = all.map(|it| it.bandwidth as f64);
                sum += match highest {
                    true => all.fold(0.0, f64::max),
                    false => all.reduce(f64::min).unwrap_or(0.0),
                };
            }
            sum
        };
        facts.lowest = facts.lowest.max(bandwidth(false));
        facts.highest = facts.highest.max(bandwidth(true));
        if common.start < common.end {
            facts.covered.extend(without(common, &holes));
        }
    }
    if let Format::Hls(Hls {
        start: Some(start), ..
    }) = recipe.format
    {
        let end = facts.duration;
        let start = if start < 0.0 { end + start } else { start };
        facts.start = start.clamp(0.0, end);
    }
    facts
}

/// The number within a period of the segment at a position of the presentation.
fn position_in_period(
    content: &Content,
    period: &testkit::content::Period,
    id: &str,
    position: u64,
) -> Option<u64> {
    let mut before = 0;
    for other in &content.periods {
        let sets = other.sets.iter().flat_map(|set| &set.representations);
        let segments = sets
            .clone()
            .find(|it| it.id == id)
            .map_or(0, |it| it.segments());
        if std::ptr::eq(other, period) {
            let within = position.checked_sub(before)?;
            return (within < segments).then_some(within);
        }
        before += segments;
    }
    None
}

/// The presentation times of a track in its period.
fn range_of(timeline: &Timeline, start: f64, media_offset: f64) -> Range<f64> {
    let first = timeline.first_time as f64 / f64::from(timeline.stream.track.timescale);
    let first = start + (first - media_offset).max(0.0);
    first..first + timeline.seconds()
}

/// The parts of a range outside of the others.
pub fn without(range: Range<f64>, others: &[Range<f64>]) -> Vec<Range<f64>> {
    let mut left = vec![range];
    for other in others {
        let cut = left.iter().flat_map(|it| {
            [
                it.start..it.end.min(other.start),
                it.start.max(other.end)..it.end,
            ]
        });
        left = cut.filter(|it| it.start < it.end).collect();
    }
    left
}
