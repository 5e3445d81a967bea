//! Numbers in manifests, captions and codec names. Reading fractions with `str::parse` would add 14 kB of
//! tables to the worker; a resolution of a nanosecond is enough here.

/// Reads a decimal number such as `9.984`, without sign or exponent. Digits after the ninth decimal place
/// are checked but ignored.
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
