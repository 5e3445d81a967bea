//! Codec names as browsers understand them (RFC 6381). Old packagers write others.

/// Names that state no profile, or are no RFC 6381 names: browsers may refuse them, and only the media tell more.
const INCOMPLETE: [&str; 17] = [
    "avc1", "avc3", "h264", "h.264", "x264", "hvc1", "hev1", "hevc", "h265", "h.265", "av01",
    "av1", "vp09", "mp4a", "mp4a.40", "aac", "mp4v",
];

/// The codecs of a comma-separated list, by the names that browsers understand. Empty if one of them is incomplete: the
/// init segment then tells all.
pub fn normalize_codecs(list: &str) -> String {
    let names = list.split(',').map(str::trim_ascii);
    let names: Vec<String> = names
        .filter(|name| !name.is_empty())
        .map(normalize)
        .collect();
    let is_complete = |name: &String| {
        let lower = name.to_ascii_lowercase();
        !INCOMPLETE.contains(&lower.as_str())
    };
    match names.iter().all(is_complete) {
        true => names.join(","),
        false => String::new(),
    }
}

/// The name that browsers understand.
fn normalize(name: &str) -> String {
    let (entry, parameters) = name.split_once('.').unwrap_or((name, ""));
    let lower = entry.to_ascii_lowercase();
    match lower.as_str() {
        "avc1" | "avc3" => match avc_parameters(parameters) {
            Some(parameters) => format!("{lower}.{parameters}"),
            None => format!("{lower}.{parameters}").trim_end_matches('.').into(),
        },
        "mp4a" => match parameters.to_ascii_lowercase().as_str() {
            // MP3. Browsers know it by its object type, not by its MPEG-4 audio object type.
            "40.34" | "40.33" | "40.32" => "mp4a.6B".into(),
            "6b" => "mp4a.6B".into(),
            other => match other.strip_prefix("40.0") {
                Some(digit) if !digit.is_empty() => format!("mp4a.40.{digit}"),
                _ => format!("mp4a.{other}").trim_end_matches('.').into(),
            },
        },
        // The parameters of other codecs are case-sensitive in some browsers.
        "hvc1" | "hev1" | "av01" | "vp08" | "vp09" | "ac-3" | "ec-3" | "ac-4" | "opus" => {
            format!("{lower}.{parameters}").trim_end_matches('.').into()
        }
        _ => name.into(),
    }
}

/// Six hexadecimal digits for profile and level in decimal, as in `77.30` (before RFC 6381).
fn avc_parameters(parameters: &str) -> Option<String> {
    let (profile, level) = parameters.split_once('.')?;
    let profile: u8 = profile.parse().ok()?;
    let level: u8 = level.parse().ok()?;
    Some(format!("{profile:02x}00{level:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_names_are_converted() {
        for (list, expected) in [
            ("avc1.77.30", "avc1.4d001e"),
            ("avc1.66.30, mp4a.40.2", "avc1.42001e,mp4a.40.2"),
            ("avc1.100.40,mp4a.40.34", "avc1.640028,mp4a.6B"),
            ("AVC1.4D401E,MP4A.40.02", "avc1.4D401E,mp4a.40.2"),
            ("mp4a.40.05,", "mp4a.40.5"),
            ("mp4a.6b", "mp4a.6B"),
            ("hvc1.1.6.L93.B0", "hvc1.1.6.L93.B0"),
            ("HVC1.1.6.L93.B0", "hvc1.1.6.L93.B0"),
            ("Opus", "opus"),
            ("fLaC", "fLaC"),
            ("vp9", "vp9"),
            ("avc1.4d401e", "avc1.4d401e"),
            ("avc1.777.30", "avc1.777.30"),
            ("", ""),
        ] {
            assert_eq!(normalize_codecs(list), expected, "{list}");
        }
    }

    #[test]
    fn incomplete_names_are_left_to_the_media() {
        for list in ["avc1", "H264,AAC", "avc1.4d401e,mp4a", "mp4a.40", "hvc1."] {
            assert_eq!(normalize_codecs(list), "", "{list}");
        }
    }
}
