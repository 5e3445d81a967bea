//! Wall-clock times and durations as text.

use std::time::Duration;

/// Year, month and day since the Unix epoch (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// `2026-11-30T06:00:00.000Z`, rounded down to milliseconds.
pub fn iso8601(time: Duration) -> String {
    let seconds = time.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let milliseconds = time.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// An HTTP date (RFC 9110 § 5.6.7), `Mon, 30 Nov 2026 06:00:00 GMT`.
pub fn http_date(time: Duration) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let seconds = time.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let weekday = DAYS[(seconds / 86_400 % 7) as usize];
    let month = MONTHS[(month - 1) as usize];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// An `xs:duration` of some seconds, rounded to microseconds: `PT2.002S`. Negative ones become 0.
pub fn xs_duration(seconds: f64) -> String {
    format!("PT{}S", decimal(seconds.max(0.0), 6))
}

/// A number with at most so many digits after the point, without zeros at its end.
pub fn decimal(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds of a WebVTT cue: `00:01:02.500`.
pub fn webvtt(seconds: f64) -> String {
    let milliseconds = (seconds * 1000.0 + 0.5) as u64;
    let (minutes, milliseconds) = (milliseconds / 60_000, milliseconds % 60_000);
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        minutes / 60,
        minutes % 60,
        milliseconds / 1000,
        milliseconds % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, iso, http) in [
            (
                0,
                "1970-01-01T00:00:00.000Z",
                "Thu, 01 Jan 1970 00:00:00 GMT",
            ),
            (
                951_782_400,
                "2000-02-29T00:00:00.000Z",
                "Tue, 29 Feb 2000 00:00:00 GMT",
            ),
            (
                1_796_018_523,
                "2026-11-30T06:02:03.000Z",
                "Mon, 30 Nov 2026 06:02:03 GMT",
            ),
        ] {
            assert_eq!(iso8601(Duration::from_secs(seconds)), iso);
            assert_eq!(http_date(Duration::from_secs(seconds)), http);
        }
    }

    #[test]
    fn durations_are_written_without_superfluous_zeros() {
        assert_eq!(xs_duration(2.0), "PT2S");
        assert_eq!(xs_duration(2.002), "PT2.002S");
        assert_eq!(xs_duration(100.0), "PT100S");
        assert_eq!(xs_duration(-1.0), "PT0S");
        assert_eq!(webvtt(3723.0625), "01:02:03.063");
    }
}
