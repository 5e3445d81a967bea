//! Reads segment information: SegmentTemplate, SegmentList and SegmentBase (§ 5.3.9). All functions take its
//! levels, from the nearest element up.

use super::{
    attributes::{parse_byte_range, resource},
    inheritance::{attribute, child, number},
    reader::Unsupported,
    segment_timeline::SegmentTimeline,
};
use crate::media::{
    presentation::{Period, SidxLocation},
    segment_template,
    segments::{ListedSegment, Resource, SegmentAddresses, Segments, Timestamps},
    xml::Element,
};

/// The segments of a SegmentTemplate or SegmentList (§ 5.3.9.3, § 5.3.9.4). `identifiers` are the template
/// identifiers, such as `Bandwidth`, that have the same value for all segments.
pub fn read_segments(
    is_dynamic: bool,
    segment_info: &[&Element],
    identifiers: &[(&str, &str)],
    period: &Period,
) -> Result<Segments, Unsupported> {
    let mut timeline = SegmentTimeline {
        period_start: presentation_time_offset(segment_info),
        period_duration: (period.end - period.start) * timescale(segment_info) as f64,
        is_endless: period.end.is_infinite() && !is_dynamic,
        first_number: number(segment_info, "startNumber").unwrap_or(1),
        last_number: number(segment_info, "endNumber").unwrap_or(u64::MAX),
        runs: Vec::new(),
        numbers: Vec::new(),
    };
    let init = if let Some(template) = attribute(segment_info, "initialization") {
        let template = segment_template::substitute(template, identifiers);
        let path = segment_template::expand(&template, 0, 0);
        Some(Resource::whole(path))
    } else {
        let element = child(segment_info, "Initialization");
        element.map(|init| resource(init, "sourceURL", "range"))
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
            return Err("segments without URLs");
        };
        let last_index = urls.len() as u64 - 1;
        timeline.last_number = timeline.first_number.saturating_add(last_index);
        timeline.read(segment_info)?;
        let mut listed = Vec::new();
        let usize_of = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        for (run, number) in timeline.runs.iter().zip(&timeline.numbers) {
            let index = number.saturating_sub(timeline.first_number);
            let urls = urls.iter().skip(usize_of(index));
            listed.extend(urls.take(usize_of(run.count)).map(|url| ListedSegment {
                resource: resource(url, "media", "mediaRange"),
                init: init.is_some().then_some(0),
                discontinuity: 0,
                is_missing: false,
            }));
        }
        SegmentAddresses::Listed(listed)
    };
    if timeline.runs.is_empty() {
        return Err("segments outside their period");
    }
    Ok(Segments {
        timescale: timescale(segment_info),
        time_offset: time_offset(segment_info, period),
        runs: timeline.runs,
        addresses,
        inits: init.into_iter().collect(),
        timestamps: Timestamps::Media,
        end: period.end,
    })
}

/// The file of a SegmentBase (§ 5.3.9.2), which has a segment index.
pub fn sidx_location(segment_info: &[&Element], period: &Period) -> SidxLocation {
    let init = child(segment_info, "Initialization");
    let init = init.map(|init| resource(init, "sourceURL", "range"));
    SidxLocation {
        path: String::new(),
        index: attribute(segment_info, "indexRange").and_then(parse_byte_range),
        init: init.filter(|init| *init != Resource::default()),
        time_offset: time_offset(segment_info, period),
        end: period.end,
    }
}

/// Seconds to add to a media time to get a presentation time.
pub fn time_offset(segment_info: &[&Element], period: &Period) -> f64 {
    let offset = presentation_time_offset(segment_info);
    period.start - offset as f64 / timescale(segment_info) as f64
}

/// Ticks per second.
fn timescale(segment_info: &[&Element]) -> u64 {
    number(segment_info, "timescale").unwrap_or(1).max(1)
}

/// The media time of the start of the period, in ticks.
fn presentation_time_offset(segment_info: &[&Element]) -> u64 {
    number(segment_info, "presentationTimeOffset").unwrap_or(0)
}
