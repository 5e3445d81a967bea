//! Reads the Period elements (§ 5.3.2).

use std::rc::Rc;

use super::{
    adaptation_sets::read_adaptation_sets,
    attributes::{presentation_duration, seconds},
    reader::{MpdReader, RESOLVE_TO_ZERO},
};
use crate::media::{
    error::ManifestError,
    presentation::{Index, Period},
    xml::Element,
};

/// Reads the periods that have video or audio.
pub fn read_periods(reader: &mut MpdReader, mpd: &Element, base_urls: &[Rc<str>]) -> Vec<Period> {
    let base_urls = reader.base_urls(base_urls, mpd);
    let mut elements: Vec<&Element> = mpd.children("Period").collect();
    elements.retain(|element| element.attribute("xlink:href") != Some(RESOLVE_TO_ZERO));
    let mut periods = Vec::new();
    let mut previous_end = 0.0;
    for (index, element) in elements.iter().enumerate() {
        let start = seconds(element, "start").unwrap_or(previous_end);
        if start.is_infinite() {
            // § 5.3.2.1: an early available period has no start time yet.
            reader.skipped = Some(ManifestError::Unsupported("a period without a start time"));
            continue;
        }
        // Some packagers write 0 when they do not know it.
        let duration = seconds(element, "duration").filter(|duration| *duration > 0.0);
        let end_by_duration = duration.map(|duration| start + duration);
        let end = match elements.get(index + 1) {
            Some(next) => seconds(next, "start").or(end_by_duration),
            None => end_by_duration.or(presentation_duration(mpd)),
        };
        let mut period = Period {
            id: element.attribute("id").unwrap_or_default().to_owned(),
            start,
            end: end.unwrap_or(f64::INFINITY),
            adaptation_sets: Vec::new(),
        };
        if start < period.end && reader.is_supported(element) {
            period.adaptation_sets =
                read_adaptation_sets(reader, [element, mpd], &base_urls, &period);
        }
        if period.end.is_infinite() && !reader.is_dynamic {
            period.end = end_of_segments(&period);
        }
        previous_end = period.end;
        if !period.adaptation_sets.is_empty() {
            periods.push(period);
        }
    }
    periods
}

/// The end of the last segment in a period, in seconds; infinite if a segment index has to be read first.
fn end_of_segments(period: &Period) -> f64 {
    let mut end = period.start;
    for set in &period.adaptation_sets {
        for representation in &set.representations {
            end = match &representation.index {
                Index::Known(segments) => segments.span().map_or(end, |(_, last)| end.max(last)),
                _ => f64::INFINITY,
            };
        }
    }
    end
}
