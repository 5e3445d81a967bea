//! Attribute lists (§ 4.2) and the types of values in them.

use crate::media::{ByteRange, number::digits};

/// The value of an attribute without its quotes; `None` if it is missing. Ignores everything after a syntax error.
pub(super) fn attribute<'a>(mut list: &'a str, wanted: &str) -> Option<&'a str> {
    loop {
        let (name, after) = list.split_once('=')?;
        let (quoted, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"')?;
                (Some(value), after)
            }
            None => (None, after),
        };
        let (unquoted, rest) = after.split_once(',').unwrap_or((after, ""));
        if name.trim_ascii() == wanted {
            return Some(quoted.unwrap_or(unquoted).trim_ascii());
        }
        list = rest;
    }
}

/// The value of an attribute; empty if it is missing.
pub(super) fn attribute_or_empty<'a>(list: &'a str, wanted: &str) -> &'a str {
    attribute(list, wanted).unwrap_or_default()
}

/// Whether the attributes of EXT-X-KEY or EXT-X-SESSION-KEY describe a key of a DRM system. Other keys can be
/// fetched.
pub(super) fn is_drm(list: &str) -> bool {
    attribute_or_empty(list, "METHOD").starts_with("SAMPLE-AES")
        || !matches!(attribute_or_empty(list, "KEYFORMAT"), "" | "identity")
}

/// Width and height of a decimal-resolution.
pub(super) fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((
        digits(width)?.try_into().ok()?,
        digits(height)?.try_into().ok()?,
    ))
}

/// A hexadecimal-sequence of up to 128 bits.
pub(super) fn hexadecimal_sequence(text: &str) -> Option<u128> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    if !(1..=32).contains(&digits.len()) {
        return None;
    }
    digits.bytes().try_fold(0, |number, digit| {
        Some(number << 4 | u128::from(hexadecimal_digit(digit)?))
    })
}

/// The value of an ASCII hexadecimal digit.
pub(super) fn hexadecimal_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

/// A byte range `length[@offset]` (§ 4.4.4.2). `implied_first` is its first byte if the offset is left out.
pub(super) fn byte_range(text: &str, implied_first: Option<u64>) -> Option<ByteRange> {
    let (length, first) = match text.split_once('@') {
        Some((length, offset)) => (length, digits(offset.trim_ascii())),
        None => (text, implied_first),
    };
    let first = first?;
    let last = first.checked_add(digits(length.trim_ascii())?.checked_sub(1)?)?;
    Some(ByteRange {
        first,
        last: Some(last),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_attribute_lists() {
        for (list, wanted) in [
            (
                "A=1,B=\"x,y=z\",C=0xA",
                [Some("1"), Some("x,y=z"), Some("0xA")],
            ),
            (
                " A = 1 , B=\"x\" junk,C=2",
                [Some("1"), Some("x"), Some("2")],
            ),
            ("A=,B=\"\"", [Some(""), Some(""), None]),
            ("A=1,B=\"open", [Some("1"), None, None]),
            ("A", [None; 3]),
        ] {
            let read = ["A", "B", "C"].map(|name| attribute(list, name));
            assert_eq!(read, wanted, "{list}");
        }
    }

    #[test]
    fn reads_hexadecimal_sequences() {
        for (text, number) in [
            ("0x0", Some(0)),
            ("0XfF", Some(255)),
            ("0x100000000000000000000000000000000", None),
            ("0xffffffffffffffffffffffffffffffff", Some(u128::MAX)),
            ("0x", None),
            ("12", None),
            ("0x+1", None),
        ] {
            assert_eq!(hexadecimal_sequence(text), number, "{text}");
        }
    }
}
