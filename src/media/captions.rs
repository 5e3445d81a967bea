//! Captions in whole [WebVTT](https://www.w3.org/TR/webvtt1/) files. The browser parses and renders them;
//! here their cues are only shifted to presentation time. Captions in segments are not supported.

use std::rc::Rc;

use super::{
    number::{digits, number},
    purpose::Purpose,
    segments::Resource,
};

/// Captions in one language.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaptionTrack {
    /// RFC 5646 tag; empty if unknown.
    pub language: String,
    /// Name to show in a menu; empty if there is none.
    pub label: String,
    /// What they are for.
    pub purpose: Purpose,
    /// In order, at least one, and at most one per period.
    pub files: Vec<CaptionFile>,
}

/// One WebVTT file.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionFile {
    /// Absolute URLs that its path is relative to: the preferred one and its alternatives.
    pub base_urls: Vec<Rc<str>>,
    /// The file, or its playlist.
    pub resource: Resource,
    /// Paths of redundant copies of the playlist, for fail-over.
    pub copies: Vec<String>,
    /// Whether `resource` is an HLS media playlist that lists the file.
    pub is_playlist: bool,
    /// Start of its period, in seconds.
    pub start: f64,
    /// Seconds to add to a cue time to get a presentation time.
    pub time_offset: f64,
    /// Whether the file may map its cues to the timestamps of the media ([`timestamp_map`]), as in HLS.
    pub has_timestamp_map: bool,
}

impl CaptionTrack {
    /// Adds a file to the track of its language, label and purpose. A second playlist for the same period is a copy for
    /// fail-over; a second file is ignored, because a viewer could not tell the two apart.
    pub fn add(
        tracks: &mut Vec<Self>,
        language: &str,
        label: &str,
        purpose: Purpose,
        file: CaptionFile,
    ) {
        let track = tracks.iter_mut().find(|track| {
            track.language == language && track.label == label && track.purpose == purpose
        });
        match track {
            Some(track) => {
                let same_period = (track.files.iter_mut()).find(|other| other.start >= file.start);
                match same_period {
                    None => track.files.push(file),
                    Some(other) if other.is_playlist && other.resource != file.resource => {
                        other.copies.push(file.resource.path);
                    }
                    Some(_) => {}
                }
            }
            None => tracks.push(Self {
                language: language.into(),
                label: label.into(),
                purpose,
                files: vec![file],
            }),
        }
    }
}

/// The media time, in seconds, of cue time 0 by the `X-TIMESTAMP-MAP` in the header of a file (RFC 8216bis § 3.1.4);
/// `None` if there is none.
pub fn timestamp_map(text: &str) -> Option<f64> {
    const TAG: &str = "X-TIMESTAMP-MAP=";
    const TICKS_PER_SECOND: f64 = 90_000.0;
    let lines = text.split('\n').map(str::trim_ascii);
    let mut header = lines.take_while(|line| !line.is_empty());
    let map = header.find_map(|line| line.strip_prefix(TAG))?;
    let value = |name: &str| {
        let mut parts = map.split(',').map(str::trim_ascii);
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix(':'))
    };
    let media = number(value("MPEGTS")?)? / TICKS_PER_SECOND;
    let local = milliseconds(value("LOCAL")?)? / 1000.0;
    Some(media - local)
}

/// The shift of cues whose time 0 is `media_time` of the media, where `media_offset` maps media times to presentation
/// times; all in seconds. Timestamps of MPEG-2 transport streams have 33 bits: their difference is the least possible.
pub fn shift_by_map(media_time: f64, media_offset: f64) -> f64 {
    const WRAP_SECONDS: f64 = (1_u64 << 33) as f64 / 90_000.0;
    let shift = media_time + media_offset;
    shift - (shift / WRAP_SECONDS).round() * WRAP_SECONDS
}

/// Appends a WebVTT file to `all`, with its cues shifted by `time_offset` seconds. Only the first file keeps
/// its header. `None` if the file is not WebVTT (§ 4.1); `all` is then unchanged.
pub fn append(all: &mut String, text: &str, time_offset: f64) -> Option<()> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let after = text.strip_prefix("WEBVTT")?;
    if !matches!(
        after.bytes().next(),
        None | Some(b' ' | b'\t' | b'\r' | b'\n')
    ) {
        return None;
    }
    // The header ends at the first empty line. It holds at most a title and HLS metadata.
    let mut skips_header = !all.is_empty();
    let offset_ms = (time_offset * 1000.0).trunc();
    for line in text.split('\n').map(str::trim_ascii_end) {
        if skips_header {
            skips_header = !line.is_empty();
        }
        if !skips_header {
            match shift_cue(line, offset_ms) {
                Some(shifted) => all.push_str(&shifted),
                None => all.push_str(line),
            }
            all.push('\n');
        }
    }
    all.push('\n');
    Some(())
}

/// Shifts the timings of a cue (§ 4.4) and keeps its settings. `None` for any other line, and if there is
/// nothing to shift.
fn shift_cue(line: &str, offset_ms: f64) -> Option<String> {
    if offset_ms == 0.0 {
        return None;
    }
    let (start, rest) = line.split_once('>')?;
    let (start, rest) = (start.strip_suffix("--")?, rest.trim_ascii());
    let length = rest.bytes().position(|byte| byte <= b' ');
    let (end, settings) = rest.split_at_checked(length.unwrap_or(rest.len()))?;
    let start = timestamp(milliseconds(start.trim_ascii())? + offset_ms);
    let end = timestamp(milliseconds(end)? + offset_ms);
    Some(format!("{start} --> {end}{settings}"))
}

/// Formats milliseconds as a timestamp; negative ones as 0.
fn timestamp(time_ms: f64) -> String {
    let time_ms = time_ms as u64;
    let (seconds, fraction_ms) = (time_ms / 1000, time_ms % 1000);
    let (minutes, hours) = (seconds / 60, seconds / 3600 % 10_000);
    format!(
        "{hours:04}:{:02}:{:02}.{fraction_ms:03}",
        minutes % 60,
        seconds % 60
    )
}

/// The milliseconds of a timestamp: optional hours, minutes, seconds and milliseconds.
fn milliseconds(timestamp: &str) -> Option<f64> {
    let (whole, fraction_ms) = timestamp.split_once('.')?;
    let mut seconds = 0.0;
    for part in whole.split(':') {
        seconds = seconds * 60.0 + digits(part)? as f64;
    }
    Some(seconds * 1000.0 + digits(fraction_ms)? as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(files: &[(&str, f64)]) -> Option<String> {
        let mut all = String::new();
        for (text, time_offset) in files {
            append(&mut all, text, *time_offset)?;
        }
        Some(all)
    }

    // The example of § 1.1, with the line endings that § 4.1 allows.
    const FILE: &str = "WEBVTT - an interview\r\n\r\nSTYLE\r\n::cue { color: lime }\r\n\r\n\
        00:11.000 --> 00:13.000 line:0 align:start\r\n<v Roger>We are in New York\r\n";

    #[test]
    fn first_file_without_offset_is_unchanged() {
        assert_eq!(
            joined(&[(FILE, 0.0)]).unwrap(),
            FILE.replace('\r', "") + "\n\n"
        );
        let with_bom = format!("\u{feff}{FILE}");
        assert_eq!(joined(&[(&with_bom, 0.0)]), joined(&[(FILE, 0.0)]));
    }

    #[test]
    fn later_files_are_shifted_and_lose_their_header() {
        let later = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\nfirst\n\
            100:59:59.500 --> 101:00:00.250\tsize:50%\nOn --> time\n";
        let all = joined(&[(FILE, 0.0), (later, 3600.5)]).unwrap();
        assert_eq!(all.matches("WEBVTT").count(), 1);
        assert!(!all.contains("MPEGTS"));
        assert!(all.contains("\n00:11.000 --> 00:13.000 line:0 align:start\n"));
        assert!(
            all.contains("\n\nfirst\n0102:00:00.000 --> 0102:00:00.750\tsize:50%\nOn --> time\n")
        );
    }

    #[test]
    fn cues_before_the_start_are_clamped_to_zero() {
        let all = joined(&[("WEBVTT\n\n00:01.000 --> 00:04.001\nx", -2.5)]).unwrap();
        assert!(
            all.contains("0000:00:00.000 --> 0000:00:01.501\nx\n"),
            "{all}"
        );
    }

    #[test]
    fn timestamp_maps_are_read_from_the_header() {
        for (text, seconds) in [
            (
                "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:180000,LOCAL:00:00:00.000\n\n",
                Some(2.0),
            ),
            (
                "WEBVTT\r\nX-TIMESTAMP-MAP=LOCAL:00:01.500, MPEGTS:900000\r\n",
                Some(8.5),
            ),
            ("WEBVTT\n\nX-TIMESTAMP-MAP=MPEGTS:1,LOCAL:00:00.000", None),
            ("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:x,LOCAL:00:00.000", None),
            ("WEBVTT", None),
        ] {
            assert_eq!(timestamp_map(text), seconds, "{text}");
        }
    }

    #[test]
    fn shift_by_map_survives_a_wrap() {
        assert_eq!(shift_by_map(2.0, 0.0), 2.0);
        assert_eq!(shift_by_map(10.0, -10.0), 0.0);
        let wrapped = shift_by_map(1.0, -95_443.0);
        assert!((wrapped - 1.717_688).abs() < 1e-3, "{wrapped}");
    }

    #[test]
    fn files_without_webvtt_signature_are_rejected() {
        for text in [
            "",
            "<html>",
            "webvtt",
            "WEBVTTX",
            "1\n00:00:01,000 --> 00:00:02,000\n",
        ] {
            assert_eq!(joined(&[(text, 0.0)]), None, "{text}");
        }
        assert!(joined(&[("WEBVTT", 0.0)]).is_some());
    }
}
