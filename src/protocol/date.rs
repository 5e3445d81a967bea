//! Wall-clock times in messages for the viewer.

/// Formats a time as `2026-11-30 06:00 UTC`.
pub fn format_minutes(seconds: f64) -> String {
    let minutes = (seconds.max(0.0) / 60.0) as u64;
    let (year, month, day) = civil_from_days(minutes / 1440);
    let (hour, minute) = (minutes / 60 % 24, minutes % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// Year, month and day of a day since the Unix epoch (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`).
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + (month <= 2) as u64;
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatted_time_is_that_of_the_calendar() {
        assert_eq!(format_minutes(1_796_018_523.5), "2026-11-30 06:02 UTC");
        assert_eq!(format_minutes(951_782_400.0), "2000-02-29 00:00 UTC");
    }
}
