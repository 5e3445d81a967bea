//! Numbers as they are written in manifests, in captions and in the names of codecs. `str::parse` would do
//! for reading them, and would add 14 kB of tables to the worker for fractions; a billionth of a second is
//! close enough.

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

/// The digits of decimal numbers.
pub const DECIMAL: &[u8] = b"0123456789";

/// Appends a number in some digits, with leading zeros if it has fewer than the least of them, and what
/// goes before it.
pub fn write(text: &mut String, before: &str, value: u64, digits: &[u8], least: usize) {
    text.push_str(before);
    let base = digits.len() as u64;
    let mut place = 1;
    let mut length = 1;
    while value / place >= base || length < least {
        place *= base;
        length += 1;
    }
    while place > 0 {
        if let Some(digit) = digits.get((value / place % base) as usize) {
            text.push(char::from(*digit));
        }
        place /= base;
    }
}
