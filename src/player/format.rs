//! Times and speeds as text.

/// Formats a time like a clock: 0:07, 12:34, 1:02:03.
pub fn clock(seconds: u32) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Formats a wall-clock time, in seconds since the Unix epoch, in the viewer's time zone: 20:15:00.
pub fn wall_clock(seconds: f64) -> String {
    let date = js_sys::Date::new(&(seconds * 1000.0).into());
    let (hours, minutes, seconds) = (date.get_hours(), date.get_minutes(), date.get_seconds());
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

/// Formats a speed in percent as a factor: 125 is "1.25".
pub fn factor(percent: u32) -> String {
    let (whole, hundredths) = (percent / 100, percent % 100);
    format!("{whole}.{hundredths:02}")
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_has_no_trailing_zeros() {
        let formatted = [50, 75, 100, 105, 125, 150, 200].map(factor);
        assert_eq!(formatted, ["0.5", "0.75", "1", "1.05", "1.25", "1.5", "2"]);
    }

    #[test]
    fn clock_pads_all_but_the_first_unit() {
        let formatted = [0, 7, 754, 3723].map(clock);
        assert_eq!(formatted, ["0:00", "0:07", "12:34", "1:02:03"]);
    }
}
