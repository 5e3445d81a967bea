//! Parses the values of MPD attributes: durations, frame rates and byte ranges. The attributes themselves are read in the
//! modules of their elements.

use crate::media::{
    number::{decimal, digits},
    segments::{ByteRange, Resource},
    xml::Element,
};

/// An `xs:duration` attribute, in seconds.
pub fn seconds(element: &Element, name: &str) -> Option<f64> {
    parse_duration(element.attribute(name)?)
}

/// The duration of the presentation in seconds. Some packagers write 0 when they do not know it.
pub fn presentation_duration(mpd: &Element) -> Option<f64> {
    seconds(mpd, "mediaPresentationDuration").filter(|seconds| *seconds > 0.0)
}

/// A resource from a path attribute and a byte range attribute. Both are optional.
pub fn resource(element: &Element, path_name: &str, range_name: &str) -> Resource {
    Resource {
        path: element.attribute(path_name).unwrap_or_default().to_owned(),
        range: element.attribute(range_name).and_then(parse_byte_range),
        key: None,
    }
}

/// The language tag and the label of an adaptation set, each empty if unknown.
pub fn language_and_label<'e>(set_element: &'e Element) -> (&'e str, &'e str) {
    let language = set_element.attribute("lang").unwrap_or_default();
    let label = match set_element.child("Label") {
        Some(label) => &label.text,
        None => set_element.attribute("label").unwrap_or_default(),
    };
    // RFC 5646 § 4.1: `und` means that the language is unknown.
    (if language == "und" { "" } else { language }, label)
}

/// Parses frames per second, such as `25` or `30000/1001`.
pub fn parse_frame_rate(text: &str) -> Option<f64> {
    let (frames, seconds) = text.split_once('/').unwrap_or((text, "1"));
    let rate = decimal(frames)? / decimal(seconds)?;
    rate.is_finite().then_some(rate)
}

/// Parses a byte range, such as `0-719` or `720-`.
pub fn parse_byte_range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.split_once('-')?;
    let first = digits(first)?;
    let last = digits(last);
    (last.is_none_or(|last| first <= last)).then_some(ByteRange { first, last })
}

/// Parses an `xs:duration`, such as `PT1H2M3.5S`, in seconds. Years count as 365 days, months as 30.
fn parse_duration(text: &str) -> Option<f64> {
    const DATE_UNITS: [(char, f64); 3] = [('Y', 31_536_000.0), ('M', 2_592_000.0), ('D', 86_400.0)];
    const TIME_UNITS: [(char, f64); 3] = [('H', 3600.0), ('M', 60.0), ('S', 1.0)];
    let text = text.strip_prefix('P')?;
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let sum = sum_of_units(date, &DATE_UNITS)? + sum_of_units(time, &TIME_UNITS)?;
    (!text.is_empty()).then_some(sum)
}

/// The sum in seconds of amounts that are each followed by their unit, in the order of `units`.
fn sum_of_units(text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut rest = text;
    let mut sum = 0.0;
    for (unit, seconds) in units {
        if let Some((amount, after)) = rest.split_once(*unit) {
            sum += decimal(amount)? * seconds;
            rest = after;
        }
    }
    rest.is_empty().then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed() {
        for (text, expected) in [
            ("PT1H2M3.5S", Some(3723.5)),
            ("P1DT1S", Some(86_401.0)),
            ("P1Y2M", Some(36_720_000.0)),
            ("PT0H3M1.63S", Some(181.63)),
            ("PT", Some(0.0)),
            ("P", None),
            ("-PT1S", None),
            ("PT1", None),
            ("1S", None),
            ("PT1S2M", None),
            ("PTxS", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }
}
