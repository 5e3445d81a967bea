//! Reads segment information: SegmentTemplate, SegmentList and SegmentBase (§ 5.3.9). All functions take its
//! levels, from the nearest element up.

use super::{
    attributes::{parse_byte_range, resource},
    inheritance::{attribute, child, needed, needed_number},
    segment_timeline::SegmentTimeline,
    ticks::TickReader,
};
use crate::media::{
    error::ManifestError,
    number::number,
    placement::Placement,
    presentation::{Period, SidxLocation},
    segment_template,
    segments::{
        BOUNDARY_TOLERANCE, ListedSegment, LiveList, Resource, SegmentAddresses, Segments,
        Timestamps,
    },
    xml::Element,
};

/// The segments of a SegmentTemplate or SegmentList (§ 5.3.9.3, § 5.3.9.4). `identifiers` are the template
/// identifiers, such as `Bandwidth`, that have the same value for all segments. In a dynamic MPD,
/// `availability_offset` is how many seconds before their end segments are available.
pub fn read_segments(
    availability_offset: Option<f64>,
    segment_info: &[&Element],
    identifiers: &[(&str, &str)],
    period: &Period,
) -> Result<Segments, ManifestError> {
    let ticks = TickReader::new(segment_info);
    let timescale = ticks.timescale(segment_info)?;
    let mut timeline = SegmentTimeline {
        ticks,
        period_start: ticks
            .read(segment_info, "presentationTimeOffset")?
            .unwrap_or(0),
        period_duration: (period.end - period.start) * timescale as f64,
        is_endless: period.end.is_infinite() && availability_offset.is_none(),
        first_number: needed_number(segment_info, "startNumber")?.unwrap_or(1),
        last_number: needed_number(segment_info, "endNumber")?.unwrap_or(u64::MAX),
        runs: Vec::new(),
        numbers: Vec::new(),
    };
    let init = if let Some(template) = attribute(segment_info, "initialization") {
        let template = segment_template::substitute(template, identifiers);
        let path = segment_template::expand(&template, 0, 0);
        Some(Resource::whole(path))
    } else {
        init_resource(segment_info)?
    };
    let addresses = if let Some(media) = attribute(segment_info, "media") {
        timeline.read(segment_info)?;
        SegmentAddresses::Template {
            media: segment_template::substitute(media, identifiers),
            numbers: timeline.numbers,
        }
    } else {
        let mut lists =
            (segment_info.iter()).map(|list| list.children("SegmentURL").collect::<Vec<_>>());
        let Some(urls) = lists.find(|urls| !urls.is_empty()) else {
            return Err(ManifestError::Unsupported("segments without URLs"));
        };
        if availability_offset.is_some() {
            return Err(ManifestError::Unsupported(
                "live lists of segments (SegmentList)",
            ));
        }
        let last_index = urls.len() as u64 - 1;
        timeline.last_number = timeline.first_number.saturating_add(last_index);
        timeline.read(segment_info)?;
        let mut listed = Vec::new();
        let usize_of = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        for (run, number) in timeline.runs.iter().zip(&timeline.numbers) {
            let index = number.saturating_sub(timeline.first_number);
            let urls = urls.iter().skip(usize_of(index));
            for url in urls.take(usize_of(run.count)) {
                listed.push(ListedSegment {
                    resource: resource(url, "media", "mediaRange")?,
                    init: init.is_some().then_some(0),
                    discontinuity: 0,
                    is_missing: false,
                });
            }
        }
        SegmentAddresses::Listed(listed)
    };
    // A live period may begin before its first segment is complete.
    if timeline.runs.is_empty() && availability_offset.is_none() {
        return Err(ManifestError::Unsupported("segments outside their period"));
    }
    let mut segments = Segments {
        timescale,
        time_offset: time_offset(segment_info, period)?,
        runs: timeline.runs,
        addresses,
        inits: init.into_iter().collect(),
        timestamps: Timestamps::Media,
        end: period.end,
        live: LiveList::default(),
        placement: Placement::default(),
    };
    if availability_offset.is_some() {
        let end = segments.span().map_or(period.start, |(_, end)| end);
        segments.live = LiveList {
            is_growing: period.end.is_infinite() || end < period.end - BOUNDARY_TOLERANCE,
            availability_offset: availability_offset.filter(|_| is_by_clock(segment_info)),
            target_duration: max_duration(&segments),
            ..LiveList::default()
        };
    }
    Ok(segments)
}

/// Whether the MPD describes segments before they exist: by a constant duration, or by a SegmentTimeline that repeats
/// its last segment until the next update.
fn is_by_clock(segment_info: &[&Element]) -> bool {
    let Some(timeline) = child(segment_info, "SegmentTimeline") else {
        return true;
    };
    let last = timeline.children("S").last();
    last.is_some_and(|last| last.attribute("r").is_some_and(|r| r.starts_with('-')))
}

/// The longest duration among the last segments, in seconds; 0 if there are none.
fn max_duration(segments: &Segments) -> f64 {
    /// Older runs say nothing about the segments to come.
    const RUNS: usize = 10;
    let last = segments.runs.iter().rev().take(RUNS);
    let ticks = last.map(|run| run.duration).max().unwrap_or(0);
    ticks as f64 / segments.timescale as f64
}

/// How many seconds before their end segments are available (§ 5.3.9.5.3): the sum of the attributes of the segment
/// information and of the base URLs.
pub fn availability_offset(levels: &[&Element], segment_info: &[&Element]) -> f64 {
    let seconds = |element: &Element| match element.attribute("availabilityTimeOffset") {
        Some("INF") => Some(f64::INFINITY),
        text => number(text?),
    };
    let own = segment_info.iter().find_map(|level| seconds(level));
    let base_urls = levels
        .iter()
        .filter_map(|level| seconds(level.child("BaseURL")?));
    own.unwrap_or(0.0) + base_urls.sum::<f64>()
}

/// The Initialization element.
fn init_resource(segment_info: &[&Element]) -> Result<Option<Resource>, ManifestError> {
    match child(segment_info, "Initialization") {
        Some(init) => resource(init, "sourceURL", "range").map(Some),
        None => Ok(None),
    }
}

/// The file of a SegmentBase (§ 5.3.9.2), which has a segment index.
///
/// # Errors
/// [`ManifestError::Malformed`] if an attribute cannot be read.
pub fn sidx_location(
    segment_info: &[&Element],
    period: &Period,
) -> Result<SidxLocation, ManifestError> {
    let init = init_resource(segment_info)?;
    Ok(SidxLocation {
        path: String::new(),
        index: needed(segment_info, "indexRange", &parse_byte_range)?,
        init: init.filter(|init| *init != Resource::default()),
        time_offset: time_offset(segment_info, period)?,
        end: period.end,
    })
}

/// Seconds to add to a media time to get a presentation time.
///
/// # Errors
/// [`ManifestError::Malformed`] if an attribute cannot be read.
pub fn time_offset(segment_info: &[&Element], period: &Period) -> Result<f64, ManifestError> {
    let ticks = TickReader::new(segment_info);
    let offset = ticks.read(segment_info, "presentationTimeOffset")?;
    let timescale = ticks.timescale(segment_info)?;
    Ok(period.start - offset.unwrap_or(0) as f64 / timescale as f64)
}
