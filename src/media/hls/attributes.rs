//! Attribute lists (§ 4.2) and the types of values in them.

use crate::media::{
    ByteRange,
    number::{integer, number},
};

/// The value of an attribute without its quotes; `None` if it is missing. Lenient: blanks around names and values,
/// lower-case names, single quotes, junk between attributes and a missing end quote are accepted.
pub(super) fn attribute<'a>(mut list: &'a str, wanted: &str) -> Option<&'a str> {
    loop {
        let (name, after) = list.split_once('=')?;
        // Junk before the name ends with a comma.
        let name = name.rsplit(',').next().unwrap_or_default().trim_ascii();
        let after = after.trim_ascii_start();
        let quote = after
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '\''));
        let quoted = quote.and_then(|quote| after.strip_prefix(quote)?.split_once(quote));
        let (value, rest) = match (quoted, quote) {
            (Some((value, after)), _) => {
                let (_, rest) = after.split_once(',').unwrap_or(("", ""));
                (value, rest)
            }
            // The end quote is missing.
            (None, Some(quote)) => (after.trim_start_matches(quote), ""),
            (None, None) => after.split_once(',').unwrap_or((after, "")),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value.trim_ascii());
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
    attribute_or_empty(list, "METHOD")
        .to_ascii_uppercase()
        .starts_with("SAMPLE-AES")
        || !matches!(attribute_or_empty(list, "KEYFORMAT"), "" | "identity")
}

/// Whether an enumerated-string is `YES`.
pub(super) fn is_yes(list: &str, name: &str) -> bool {
    attribute_or_empty(list, name).eq_ignore_ascii_case("YES")
}

/// The TIME-OFFSET of EXT-X-START (§ 4.4.2.2), in seconds. PRECISE makes no difference: playback starts at that frame.
pub(super) fn start_offset(list: &str) -> Option<f64> {
    number(attribute(list, "TIME-OFFSET")?)
}

/// Width and height of a decimal-resolution.
pub(super) fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(['x', 'X', '*'])?;
    Some((
        integer(width)?.try_into().ok()?,
        integer(height)?.try_into().ok()?,
    ))
}

/// A hexadecimal-sequence of up to 128 bits, with or without its `0x`.
pub(super) fn hexadecimal_sequence(text: &str) -> Option<u128> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
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

/// A byte range `length[@offset]` (§ 4.4.4.2). `implied_first` is its first byte if the offset is left out. `None` if it
/// cannot be read; `Some(None)` if it is empty.
pub(super) fn byte_range(text: &str, implied_first: u64) -> Option<Option<ByteRange>> {
    let (length, offset) = text.split_once('@').unwrap_or((text, ""));
    let first = match offset.trim_ascii() {
        "" => implied_first,
        offset => integer(offset)?,
    };
    let Some(length) = integer(length)?.checked_sub(1) else {
        return Some(None);
    };
    let last = Some(first.checked_add(length)?);
    Some(Some(ByteRange { first, last }))
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
            ("A=1,B=\"open", [Some("1"), Some("open"), None]),
            (
                "a='1',junk,B = \"x\",C=2",
                [Some("1"), Some("x"), Some("2")],
            ),
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
            ("12", Some(0x12)),
            ("0x+1", None),
        ] {
            assert_eq!(hexadecimal_sequence(text), number, "{text}");
        }
    }
}
