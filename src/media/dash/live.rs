//! Reads what only a dynamic MPD has (§ 5.3.1.2, § 5.8.4.11, Annex K).

use super::attributes::seconds;
use crate::media::{
    live::{ClockSource, Live, wall_clock::parse_iso8601},
    number::digits,
    xml::Element,
};

/// Reads the attributes of a dynamic MPD. `resolve` resolves a relative URL against the MPD's.
pub fn read_live(resolve: &dyn Fn(&str, &str) -> Option<String>, mpd: &Element, url: &str) -> Live {
    let date = |name| mpd.attribute(name).and_then(parse_iso8601);
    let clocks = mpd.children("UTCTiming").filter_map(|element| {
        let value = element.attribute("value")?;
        clock_source(resolve, url, element.attribute("schemeIdUri")?, value)
    });
    let locations = mpd.children("Location");
    Live {
        zero: date("availabilityStartTime").or(Some(0.0)),
        epoch: 0.0,
        depth: seconds(mpd, "timeShiftBufferDepth").unwrap_or(f64::INFINITY),
        delay: target_latency(mpd).or(seconds(mpd, "suggestedPresentationDelay")),
        update_period: seconds(mpd, "minimumUpdatePeriod"),
        published: date("publishTime"),
        clocks: clocks.collect(),
        locations: locations
            .filter_map(|location| resolve(url, location.text.trim_ascii()))
            .collect(),
    }
}

/// The latency that the author wishes (Annex K.3.2), in seconds.
fn target_latency(mpd: &Element) -> Option<f64> {
    let mut descriptions = mpd.children("ServiceDescription");
    let latency = descriptions.find_map(|description| description.child("Latency"))?;
    let milliseconds = digits(latency.attribute("target")?)?;
    Some(milliseconds as f64 / 1000.0)
}

/// The source of a UTCTiming element; `None` if its scheme is not supported.
fn clock_source(
    resolve: &dyn Fn(&str, &str) -> Option<String>,
    url: &str,
    scheme: &str,
    value: &str,
) -> Option<ClockSource> {
    // Several addresses may be listed, separated by spaces.
    let address = || resolve(url, value.split_ascii_whitespace().next()?);
    let scheme = scheme.strip_prefix("urn:mpeg:dash:utc:")?;
    match scheme.split(':').next()? {
        "direct" => parse_iso8601(value).map(ClockSource::Direct),
        "http-head" => address().map(ClockSource::DateHeader),
        "http-iso" | "http-xsdate" => address().map(ClockSource::Text),
        _ => None,
    }
}
