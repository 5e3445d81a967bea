//! Captions of a film: whole files of [WebVTT](https://www.w3.org/TR/webvtt1/). What is in them the
//! browser reads and draws by itself; here they are only brought to the film's own time. Captions in
//! segments are none of these yet.

use std::rc::Rc;

use super::{
    Resource,
    number::{DECIMAL, digits, write},
};

/// Captions in one language.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaptionTrack {
    /// RFC 5646; empty if it is not said.
    pub language: String,
    /// What a person reads in a menu; empty if it is not said.
    pub label: String,
    /// In order, at least one: of each period that has some.
    pub files: Vec<CaptionFile>,
}

/// A file of captions.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionFile {
    /// As those of a representation.
    pub base_urls: Vec<Rc<str>>,
    /// Where it is.
    pub resource: Resource,
    /// Whether that is an HLS media playlist, in which the file is still to be found.
    pub is_playlist: bool,
    /// Where its period begins, in seconds of film.
    pub start: f64,
    /// What is added to its times to make them times of the film, in seconds.
    pub time_offset: f64,
}

impl CaptionTrack {
    /// Adds a file to those of its name and language, if that is the first of them in its period: what a
    /// person cannot tell from another is not offered.
    pub fn add(all: &mut Vec<Self>, language: &str, label: &str, file: CaptionFile) {
        let known = all
            .iter_mut()
            .find(|it| it.language == language && it.label == label);
        match known {
            Some(known) => {
                if known.files.iter().all(|before| before.start < file.start) {
                    known.files.push(file);
                }
            }
            None => all.push(Self {
                language: language.into(),
                label: label.into(),
                files: vec![file],
            }),
        }
    }
}

/// Adds the captions of a file to those of the files before it, by so many seconds later. `None` if the file
/// is no WebVTT (§ 4.1).
pub fn append(all: &mut String, text: &str, origin: f64) -> Option<()> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let after = text.strip_prefix("WEBVTT")?;
    if !matches!(
        after.bytes().next(),
        None | Some(b' ' | b'\t' | b'\r' | b'\n')
    ) {
        return None;
    }
    // What lies between is at most a name, and what only HLS makes something of.
    let mut is_header = !all.is_empty();
    let later = (origin * 1000.0).trunc();
    for line in text.split('\n').map(str::trim_ascii_end) {
        if is_header {
            is_header = !line.is_empty();
        }
        if !is_header {
            if later == 0.0 || shift(all, line, later).is_none() {
                all.push_str(line);
            }
            all.push('\n');
        }
    }
    all.push('\n');
    Some(())
}

/// Adds the timings of a cue (§ 4.4), by so many milliseconds later, with its settings. `None` of any other
/// line, of which nothing is added.
fn shift(all: &mut String, line: &str, later: f64) -> Option<()> {
    let (start, rest) = line.split_once('>')?;
    let (start, rest) = (start.strip_suffix("--")?, rest.trim_ascii());
    let length = rest.bytes().position(|byte| byte <= b' ');
    let length = length.unwrap_or(rest.len());
    let (end, settings) = rest.split_at_checked(length)?;
    let (start, end) = (milliseconds(start.trim_ascii())?, milliseconds(end)?);
    write_timestamp(all, start + later);
    all.push_str(" --> ");
    write_timestamp(all, end + later);
    all.push_str(settings);
    Some(())
}

/// Adds milliseconds as a timestamp, those before the film as its beginning.
fn write_timestamp(all: &mut String, time: f64) {
    let time = time as u64;
    let seconds = time / 1000;
    write(all, "", seconds / 3600 % 10_000, DECIMAL, 4);
    write(all, ":", seconds / 60 % 60, DECIMAL, 2);
    write(all, ":", seconds % 60, DECIMAL, 2);
    write(all, ".", time % 1000, DECIMAL, 3);
}

/// A timestamp: hours, if it has any, minutes, seconds and milliseconds.
fn milliseconds(text: &str) -> Option<f64> {
    let (whole, millis) = text.split_once('.')?;
    let mut seconds = 0.0;
    for part in whole.split(':') {
        seconds = seconds * 60.0 + digits(part)? as f64;
    }
    Some(seconds * 1000.0 + digits(millis)? as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(files: &[(&str, f64)]) -> Option<String> {
        let mut all = String::new();
        for (text, origin) in files {
            append(&mut all, text, *origin)?;
        }
        Some(all)
    }

    // § 1.1, and § 4.1 with line ends of either kind
    const FILE: &str = "WEBVTT - an interview\r\n\r\nSTYLE\r\n::cue { color: lime }\r\n\r\n\
        00:11.000 --> 00:13.000 line:0 align:start\r\n<v Roger>We are in New York\r\n";

    #[test]
    fn captions_of_a_film_that_begins_with_them_are_left_as_they_are() {
        assert_eq!(
            joined(&[(FILE, 0.0)]).unwrap(),
            FILE.replace('\r', "") + "\n\n"
        );
        let marked = ["\u{feff}", FILE].concat();
        assert_eq!(joined(&[(&marked, 0.0)]), joined(&[(FILE, 0.0)]));
    }

    #[test]
    fn captions_of_a_later_period_come_later_and_once() {
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
    fn captions_that_begin_before_the_film_are_cut_off() {
        let all = joined(&[("WEBVTT\n\n00:01.000 --> 00:04.001\nx", -2.5)]).unwrap();
        assert!(
            all.contains("0000:00:00.000 --> 0000:00:01.501\nx\n"),
            "{all}"
        );
    }

    #[test]
    fn what_is_no_webvtt_is_refused() {
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
