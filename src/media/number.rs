//! Numbers in manifests, captions and codec names. Reading fractions with `str::parse` would add 14 kB of
//! tables to the worker; a resolution of a nanosecond is enough here.
//!
//! Attributes are read leniently ([`number`], [`integer`]), because real manifests write `1.0`, `+1` or `1e3` where
//! the standards ask for an unsigned integer. Parts of a stricter format are read with [`digits`].

/// Digits after this many decimal places are ignored.
const MAX_DECIMAL_PLACES: usize = 9;

/// Reads the number that a text begins with, like `parseFloat` in JavaScript: after blanks, with an optional sign,
/// fraction and exponent. What follows it is ignored. `None` if there is none, or if it is not finite.
pub fn number(text: &str) -> Option<f64> {
    let (sign, text) = sign(text.trim_ascii());
    let (whole, mut rest) = split_digits(text);
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        (fraction, rest) = split_digits(after);
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let fraction = fraction.get(..MAX_DECIMAL_PLACES).unwrap_or(fraction);
    let places = i32::try_from(fraction.len()).unwrap_or(0);
    let value = value_of(whole) + value_of(fraction) / 10_f64.powi(places);
    let value = sign * value * 10_f64.powi(exponent(rest));
    value.is_finite().then_some(value)
}

/// Reads the number that a text begins with, rounded to an unsigned integer, and limited to those. Exact if it consists
/// of digits. `None` if there is none, or if it is negative.
pub fn integer(text: &str) -> Option<u64> {
    let text = text.trim_ascii();
    let exact = digits(text.strip_prefix('+').unwrap_or(text));
    exact.or_else(|| {
        let value = number(text)?.round();
        // The conversion saturates.
        (value >= 0.0).then_some(value as u64)
    })
}

/// Whether a text has only characters of a number, so that [`number`] ignores nothing.
pub fn is_numeric(text: &str) -> bool {
    let text = text.trim_ascii();
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
}

/// How many decimal places, up to six, a number needs: 2 for `1.920`, none for `1.0`.
pub fn decimal_places(text: &str) -> u32 {
    const MAX: usize = 6;
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let (fraction, _) = split_digits(fraction);
    let fraction = fraction.get(..MAX).unwrap_or(fraction);
    fraction.trim_end_matches('0').len() as u32
}

fn sign(text: &str) -> (f64, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The decimal digits that a text begins with, and the rest.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// The value of decimal digits.
fn value_of(digits: &str) -> f64 {
    let digits = digits.bytes();
    digits.fold(0.0, |value, digit| value * 10.0 + f64::from(digit - b'0'))
}

/// The exponent that a text begins with, such as `e-3`; 0 if there is none.
fn exponent(text: &str) -> i32 {
    let Some(text) = text.strip_prefix(['e', 'E']) else {
        return 0;
    };
    let (sign, text) = sign(text);
    let (digits, _) = split_digits(text);
    // Beyond that, a number is 0 or infinite.
    (sign * value_of(digits).min(400.0)) as i32
}

/// Limits a number to a range. Unlike `f64::clamp`, whose panic would add 20 kB of formatting to the worker.
pub const fn limit(number: f64, low: f64, high: f64) -> f64 {
    number.max(low).min(high)
}

/// Reads decimal digits. Unlike `str::parse`, it accepts no sign.
pub fn digits(text: &str) -> Option<u64> {
    digits_of(10, text)
}

/// Reads digits in a base between 2 and 36.
pub fn digits_of(base: u32, text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u64, |number, byte| {
        let digit = char::from(byte).to_digit(base)?;
        number.checked_mul(base.into())?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_parse_float_does() {
        for (text, value) in [
            ("9.984", Some(9.984)),
            (" +1 ", Some(1.0)),
            ("-1", Some(-1.0)),
            ("1.", Some(1.0)),
            (".5", Some(0.5)),
            ("1e0", Some(1.0)),
            ("12.8E+3x", Some(12_800.0)),
            ("5e-1", Some(0.5)),
            ("1.0 tvg-id=\"x\"", Some(1.0)),
            ("0.33333333333", Some(0.333_333_333)),
            ("10000000000000000000000", Some(1e22)),
            ("1e999", None),
            ("1e-999", Some(0.0)),
            ("", None),
            (".", None),
            ("-", None),
            ("x1", None),
            ("é", None),
        ] {
            assert_eq!(number(text), value, "{text}");
        }
    }

    #[test]
    fn integers_are_exact_or_rounded() {
        for (text, value) in [
            ("18446744073709551615", Some(u64::MAX)),
            ("99999999999999999999", Some(u64::MAX)),
            (" +7 ", Some(7)),
            ("1.0", Some(1)),
            ("1.5", Some(2)),
            ("-0", Some(0)),
            ("-1", None),
            ("", None),
            ("abc", None),
        ] {
            assert_eq!(integer(text), value, "{text}");
        }
    }

    #[test]
    fn trailing_zeros_are_no_decimal_places() {
        for (text, places) in [("1", 0), ("1.0", 0), ("1.920", 2), ("1.5s", 1), ("1.", 0)] {
            assert_eq!(decimal_places(text), places, "{text}");
        }
    }
}
