//! Parses the values of MPD attributes: durations, frame rates and byte ranges. The attributes themselves are read in the
//! modules of their elements.

use super::inheritance::needed;
use crate::media::{
    error::ManifestError,
    number::{integer, is_numeric, number},
    segments::{ByteRange, Resource},
    xml::Element,
};

/// An `xs:duration` attribute, in seconds; `None` if it is missing or cannot be read.
pub fn seconds(element: &Element, name: &str) -> Option<f64> {
    parse_duration(element.attribute(name)?)
}

/// The duration of the presentation in seconds. Some packagers write 0 when they do not know it.
pub fn presentation_duration(mpd: &Element) -> Option<f64> {
    seconds(mpd, "mediaPresentationDuration").filter(|seconds| *seconds > 0.0)
}

/// A resource from a path attribute and a byte range attribute. Both are optional.
///
/// # Errors
/// [`ManifestError::Malformed`] if the range cannot be read.
pub fn resource(
    element: &Element,
    path_name: &str,
    range_name: &str,
) -> Result<Resource, ManifestError> {
    Ok(Resource {
        path: element.attribute(path_name).unwrap_or_default().to_owned(),
        range: needed(&[element], range_name, &parse_byte_range)?,
        key: None,
    })
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
    let rate = number(frames)? / number(seconds)?;
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

/// Parses a byte range, such as `0-719` or `720-`, also after the unit of HTTP, `bytes=`.
pub fn parse_byte_range(text: &str) -> Option<ByteRange> {
    let text = text.strip_prefix("bytes").unwrap_or(text);
    let text = text.trim_start_matches([' ', '=']);
    let (first, last) = text.split_once('-')?;
    let first = integer(first)?;
    let last = integer(last);
    (last.is_none_or(|last| first <= last)).then_some(ByteRange { first, last })
}

/// Parses an `xs:duration`, such as `PT1H2M3.5S`, in seconds. Years count as 365 days, months as 30. Some packagers
/// write plain seconds.
pub fn parse_duration(text: &str) -> Option<f64> {
    const DATE_UNITS: [(char, f64); 4] = [
        ('Y', 31_536_000.0),
        ('M', 2_592_000.0),
        ('W', 604_800.0),
        ('D', 86_400.0),
    ];
    const TIME_UNITS: [(char, f64); 3] = [('H', 3600.0), ('M', 60.0), ('S', 1.0)];
    let text = text.trim_ascii().to_ascii_uppercase().replace(',', ".");
    let text = text.strip_prefix('+').unwrap_or(&text);
    let Some(text) = text.strip_prefix('P') else {
        let is_number = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        return number(text).filter(|_| is_number);
    };
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
            let count = number(amount).filter(|number| *number >= 0.0 && is_numeric(amount));
            sum += count? * seconds;
            rest = after;
        }
    }
    rest.trim_ascii().is_empty().then_some(sum)
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
            ("", None),
            ("1S", None),
            (" pt1.5s ", Some(1.5)),
            ("+PT1,5S", Some(1.5)),
            ("P1W", Some(604_800.0)),
            ("12.5", Some(12.5)),
            ("PT1S2M", None),
            ("PTxS", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }
}
