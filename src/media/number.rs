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

/// The decimal digits, for [`write`].
pub const DECIMAL: &[u8] = b"0123456789";

/// Appends `prefix` and a number to a text. `digits` are those of the number's base, and `min_width` is the
/// width that leading zeros fill up to.
pub fn write(text: &mut String, prefix: &str, value: u64, digits: &[u8], min_width: usize) {
    text.push_str(prefix);
    let base = digits.len() as u64;
    let mut place_value = 1;
    let mut width = 1;
    while value / place_value >= base || width < min_width {
        place_value *= base;
        width += 1;
    }
    while place_value > 0 {
        if let Some(digit) = digits.get((value / place_value % base) as usize) {
            text.push(char::from(*digit));
        }
        place_value /= base;
    }
}
