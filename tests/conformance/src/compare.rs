//! Compares two outcomes of a script.

/// Seconds by which times may differ: browsers round them to microseconds or to ticks of a track.
const TOLERANCE: f64 = 0.002;

/// The index of the first line in which two outcomes differ.
pub fn first_difference(one: &[String], other: &[String]) -> Option<usize> {
    let count = one.len().max(other.len());
    (0..count).find(|nth| match (one.get(*nth), other.get(*nth)) {
        (Some(one), Some(other)) => !agree(one, other),
        _ => true,
    })
}

/// Whether two lines are the same, except for the precision of times.
fn agree(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split(' '), other.split(' '));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(a), Ok(b)) if (a - b).abs() <= TOLERANCE => {}
                _ => return false,
            },
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_differ_by_two_milliseconds() {
        assert!(agree("ok | 0.000 to 2.001", "ok | 0.001 to 2.000"));
        assert!(!agree("ok | 0.000 to 2.003", "ok | 0.000 to 2.000"));
        assert!(!agree("ok | 0.000 to 2.000", "TypeError | 0.000 to 2.000"));
        assert!(!agree("ok | 0.000 to 2.000", "ok |"));
    }

    #[test]
    fn missing_line_is_a_difference() {
        let lines =
            |texts: &[&str]| -> Vec<String> { texts.iter().map(|it| (*it).into()).collect() };
        let (one, two) = (lines(&["a"]), lines(&["a", "b"]));
        assert_eq!(first_difference(&one, &two), Some(1));
        assert_eq!(first_difference(&two, &two), None);
    }
}
