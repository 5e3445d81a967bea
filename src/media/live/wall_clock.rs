//! Wall-clock times as text: ISO 8601 and HTTP dates. Times are in seconds since the Unix epoch, UTC.

use crate::media::number::{digits, number};

const SECONDS_PER_DAY: f64 = 86_400.0;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Parses a date and time such as `2026-11-30T06:00:00.5Z` or `2026-11-30T07:00:00+01:00` (ISO 8601, `xs:dateTime`).
/// Without a zone, it is UTC.
pub fn parse_iso8601(text: &str) -> Option<f64> {
    let (date, time) = text.trim_ascii().split_once('T')?;
    let mut date = date.split('-');
    let days = days(date.next()?, digits(date.next()?)?, date.next()?)?;
    let (time, zone) = match time.find(['Z', '+', '-']) {
        Some(index) => time.split_at(index),
        None => (time, "Z"),
    };
    Some(days * SECONDS_PER_DAY + time_of_day(time)? - zone_offset(zone)?)
}

/// Parses an HTTP date such as `Mon, 30 Nov 2026 06:00:00 GMT` (RFC 9110 § 5.6.7).
pub fn parse_http_date(text: &str) -> Option<f64> {
    let (_, text) = text.split_once(", ")?;
    let mut parts = text.split(' ');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    Some(days(year, month, day)? * SECONDS_PER_DAY + time_of_day(parts.next()?)?)
}

/// Seconds since midnight of a time such as `06:00:00.5`.
fn time_of_day(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let (hours, minutes) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let seconds = parts.next().map_or(Some(0.0), number)?;
    Some(hours as f64 * 3600.0 + minutes as f64 * 60.0 + seconds)
}

/// Seconds east of UTC of a zone such as `Z`, `+01:00` or `-0800`.
fn zone_offset(zone: &str) -> Option<f64> {
    if zone == "Z" {
        return Some(0.0);
    }
    let sign = if zone.starts_with('-') { -1.0 } else { 1.0 };
    let offset = digits(&zone.get(1..)?.replace(':', ""))?;
    let (hours, minutes) = (offset / 100, offset % 100);
    Some(sign * (hours as f64 * 3600.0 + minutes as f64 * 60.0))
}

/// Days since the Unix epoch (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
fn days(year: &str, month: u64, day: &str) -> Option<f64> {
    let (year, day) = (digits(year)?, digits(day)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1..10_000).contains(&year) {
        return None;
    }
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era) as f64 - 719_468.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_dates_are_parsed_in_every_zone() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0.0)),
            ("2000-02-29T00:00:00.000Z", Some(951_782_400.0)),
            ("2026-11-30T06:02:03.5Z", Some(1_796_018_523.5)),
            ("2026-11-30T07:02:03+01:00", Some(1_796_018_523.0)),
            ("2026-11-29T22:02:03-0800", Some(1_796_018_523.0)),
            ("2026-11-30T06:02:03", Some(1_796_018_523.0)),
            ("2026-11-30", None),
            ("2026-13-30T06:02:03Z", None),
            ("tomorrow", None),
            ("0000-01-01T00:00:00Z", None),
            ("2026-99999999999999999999-30T06:02:03Z", None),
        ] {
            assert_eq!(parse_iso8601(text), expected, "{text}");
        }
    }

    #[test]
    fn huge_numbers_in_dates_cause_no_panic() {
        let huge = u64::MAX;
        for text in [
            format!("2026-11-30T{huge}:{huge}:{huge}Z"),
            format!("2026-11-30T06:02:03+{huge}"),
            format!("{huge}-{huge}-{huge}T06:02:03Z"),
        ] {
            let _ = parse_iso8601(&text);
        }
        let _ = parse_http_date(&format!("Mon, {huge} Nov {huge} {huge}:{huge}:{huge} GMT"));
    }

    #[test]
    fn http_dates_are_parsed() {
        let date = "Mon, 30 Nov 2026 06:02:03 GMT";
        assert_eq!(parse_http_date(date), Some(1_796_018_523.0));
        assert_eq!(parse_http_date("yesterday"), None);
    }
}
