//! Numbers as manifests write them. `str::parse` would do, and would add 14 kB of tables to the worker
//! for fractions; a billionth of a second is close enough.

/// A decimal number such as `9.984`, without sign or exponent. Digits past the ninth after the point
/// count for nothing, but they have to be digits.
pub fn decimal(text: &str) -> Option<f64> {
    let text = text.trim_ascii();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = match whole {
        "" if !fraction.is_empty() => 0,
        _ => digits(whole)?,
    };
    let (mut numerator, mut denominator) = (0, 1);
    for byte in fraction.bytes() {
        let digit = char::from(byte).to_digit(10)?;
        if denominator < 1_000_000_000 {
            numerator = numerator * 10 + digit;
            denominator *= 10;
        }
    }
    Some(whole as f64 + f64::from(numerator) / f64::from(denominator))
}

/// Digits alone: no sign, as `str::parse` would allow.
pub fn digits(text: &str) -> Option<u64> {
    digits_of(10, text)
}

/// The same, to another base than ten.
pub fn digits_of(base: u32, text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0_u64, |number, byte| {
        let digit = char::from(byte).to_digit(base)?;
        number.checked_mul(base.into())?.checked_add(digit.into())
    })
}
