//! Template-based segment URLs (ISO/IEC 23009-1 § 5.3.9.4.4).

use std::borrow::Cow;

use super::number::digits;

/// The greatest width a number can be padded to: the digits of `u64::MAX`.
const MAX_WIDTH: u64 = 20;

/// Replaces `$Number$`, `$Time$` and `$$` in a template.
pub fn expand(template: &str, number: u64, time: u64) -> String {
    let (number, time) = (number.to_string(), time.to_string());
    substitute(template, &[("Number", &number), ("Time", &time), ("", "$")])
}

/// Replaces identifiers, such as `$Number$` or `$Number%05d$`, by their values. Unknown identifiers stay as
/// they are.
pub fn substitute(template: &str, values: &[(&str, &str)]) -> String {
    let mut result = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$')
        && let Some((tag, after)) = after.split_once('$')
    {
        result.push_str(before);
        rest = after;
        let (identifier, format) = tag.split_once('%').unwrap_or((tag, ""));
        if let Some((_, value)) = values.iter().find(|(name, _)| *name == identifier) {
            let conversion = format.trim_start_matches(|char: char| char.is_ascii_digit());
            let value = in_base(value, conversion);
            let width = digits(format.trim_end_matches(conversion)).unwrap_or(0);
            for _ in value.len() as u64..width.min(MAX_WIDTH) {
                result.push('0');
            }
            result.push_str(&value);
        } else {
            result.push('$');
            result.push_str(tag);
            result.push('$');
        }
    }
    result.push_str(rest);
    result
}

/// A number as a conversion of `printf` writes it. The standard has only `d`; some packagers use others.
fn in_base<'v>(value: &'v str, conversion: &str) -> Cow<'v, str> {
    match (conversion, digits(value)) {
        ("x", Some(number)) => format!("{number:x}").into(),
        ("X", Some(number)) => format!("{number:X}").into(),
        ("o", Some(number)) => format!("{number:o}").into(),
        _ => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_replaced_and_padded() {
        for (template, expected) in [
            ("$Number$.m4s", "7.m4s"),
            ("a/$Number%05d$_$Time$.m4s", "a/00007_123.m4s"),
            ("$Time%02d$", "123"),
            (
                "$Time%05x$-$Time%X$-$Number%3o$-$Number%2u$",
                "0007b-7B-007-07",
            ),
            ("$$$Time$$$", "$123$"),
            ("$Number%1000000000d$", "00000000000000000007"),
            ("$Number%99999999999999999999d$", "7"),
            ("$SubNumber$-$x", "$SubNumber$-$x"),
            ("5$", "5$"),
            ("", ""),
        ] {
            assert_eq!(expand(template, 7, 123), expected, "{template}");
        }
    }
}
