//! Numbers as manifests write them. `str::parse::<f64>` would do, and would add 14 kB of tables to the
//! worker; a billionth of a second is close enough.

/// A decimal number such as `9.984`, without sign or exponent. Digits past the ninth after the point
/// are not looked at, but they have to be digits.
pub fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { digits(whole)? };
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let kept = fraction.get(..9).unwrap_or(fraction);
    let numerator = if kept.is_empty() { 0 } else { digits(kept)? };
    let denominator = 10_u64.pow(u32::try_from(kept.len()).ok()?);
    Some(whole as f64 + numerator as f64 / denominator as f64)
}

/// Digits alone: no sign, as `str::parse` would allow.
pub fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
