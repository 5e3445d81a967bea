//! Fuzz targets for the readers. Each function checks that any input is read without a panic, that the output is
//! limited by the length of the input, and that it is consistent. `tests/fuzz.rs` runs them too.

use yew_mse_worker::media::{
    BOUNDARY_TOLERANCE, Index, Presentation, Representation, Segment, SegmentAddresses, Segments,
    SidxLocation, captions, dash,
    hls::{self, Playlist, VariableDefinitions},
    mp4::{self, SegmentIndex},
    number, sniff,
};

const URL: &str = "https://example.com/video/main";

/// The number of segments that are checked at each end of a list, which may have 10¹² of them.
const CHECKED_SEGMENTS: u64 = 20;

/// Reads MPDs.
pub fn dash(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let resolve = |base: &str, relative: &str| {
        let is_absolute = relative.contains("://");
        (!relative.contains(' ')).then(|| match is_absolute {
            true => relative.to_owned(),
            false => [base, relative].concat(),
        })
    };
    if let Ok(presentation) = dash::parse(&text, URL, &resolve) {
        check_presentation(&presentation, text.len());
    }
}

/// Reads HLS playlists of both kinds.
pub fn hls(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match hls::parse(&text, URL, &VariableDefinitions::default()) {
        Ok(Playlist::Media(media)) => {
            assert!(media.segments.live.target_duration.is_finite());
            check_segments(&media.segments, text.len());
        }
        Ok(Playlist::Multivariant(playlist)) => {
            check_presentation(&playlist.presentation, text.len());
            // As one of its own media playlists, which may import its variables.
            let _ = hls::parse(&text, URL, &playlist.variables);
        }
        Err(_) => {}
    }
}

/// Reads MP4: box headers, init segments, the start times of segments, segment indexes.
pub fn mp4(bytes: &[u8]) {
    if let Some(header) = mp4::box_header(bytes) {
        assert!(header.length <= bytes.len().max(16));
        assert!(header.size.is_none_or(|size| size >= header.length as u64));
    }
    if let Ok(init) = mp4::parse_init_segment(bytes) {
        assert!(init.codecs.len() <= bytes.len());
        if let Some(time) = mp4::earliest_time(bytes, &init) {
            assert!(time.is_finite(), "{time}");
        }
    }
    let sidx = SidxLocation {
        end: f64::INFINITY,
        ..SidxLocation::default()
    };
    let mut index = SegmentIndex::new(&sidx);
    let mut fetches = 0;
    while let Some(range) = index.next_range() {
        fetches += 1;
        assert!(fetches <= 10_000, "fetches without end");
        let clamp = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
        let end = range
            .last
            .map_or(bytes.len(), |last| clamp(last.saturating_add(1)));
        let fetched = bytes.get(clamp(range.first)..end).unwrap_or_default();
        if index.read(fetched, range.first).is_err() {
            return;
        }
    }
    check_segments(&index.segments(&sidx), bytes.len());
}

/// Detects the format of a file by its first bytes.
pub fn sniff(bytes: &[u8]) {
    let (content_type, bytes) = bytes.split_at(bytes.len().min(16));
    let content_type = String::from_utf8_lossy(content_type);
    let _ = sniff::detect(bytes, &content_type);
    assert_eq!(sniff::detect(bytes, ""), sniff::detect(bytes, ""));
}

/// Joins captions: the result is WebVTT, and not much longer than the input.
pub fn captions(bytes: &[u8]) {
    let (offset, bytes) = bytes.split_at(bytes.len().min(4));
    let text = String::from_utf8_lossy(bytes);
    let offset = offset
        .iter()
        .fold(-1e4, |sum, byte| sum * 7.5 + f64::from(*byte));
    let mut all = String::new();
    for offset in [0.0, offset] {
        if captions::append(&mut all, &text, offset).is_none() {
            return assert!(all.is_empty());
        }
    }
    assert!(all.starts_with("WEBVTT"));
    // Timestamps may gain hours, and lines a line end.
    assert!(all.len() <= 2 * text.len() + 16 * (text.matches("-->").count() + 1) * 2 + 2);
    assert_eq!(captions::append(&mut String::new(), &all, 0.0), Some(()));
}

/// Reads numbers in manifests, and compares them with those of the standard library.
pub fn number(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(number) = number::number(&text)
        && let Ok(expected) = text.trim_ascii().parse::<f64>()
    {
        let magnitude = expected.abs().max(number.abs());
        // Digits after the ninth decimal place are ignored, and an exponent may move them.
        let is_plain = !text.contains(['e', 'E']);
        assert!(
            !is_plain || (number - expected).abs() <= 2e-9 + magnitude * 1e-12,
            "{text}"
        );
    }
    if let Some(integer) = number::integer(&text) {
        assert!(
            number::number(&text).is_none_or(|number| number > -1.0),
            "{text}: {integer}"
        );
    }
    assert_eq!(
        number::digits(&text),
        text.parse().ok().filter(|_| !text.starts_with('+'))
    );
}

fn check_presentation(presentation: &Presentation, length: usize) {
    assert!(presentation.duration.is_none_or(f64::is_finite));
    assert!(!presentation.periods.is_empty());
    // No list is longer than the text.
    assert!(presentation.periods.len() <= length);
    for period in &presentation.periods {
        assert!(period.start.is_finite() && !period.end.is_nan());
        for set in &period.adaptation_sets {
            assert!(!set.representations.is_empty() && set.representations.len() <= length);
            assert!(
                set.representations
                    .is_sorted_by_key(|representation| representation.bandwidth)
            );
            set.representations
                .iter()
                .for_each(|representation| check_representation(representation, length));
        }
    }
}

fn check_representation(representation: &Representation, length: usize) {
    assert!(!representation.base_urls.is_empty() && representation.frame_rate.is_finite());
    let _ = representation.mime();
    match &representation.index {
        Index::Known(segments) => check_segments(segments, length),
        Index::Sidx(sidx) => assert!(sidx.time_offset.is_finite() && !sidx.end.is_nan()),
        Index::Playlist(_) => {}
    }
}

/// Checks that segments ascend, and are found by their times.
fn check_segments(segments: &Segments, length: usize) {
    assert!(segments.timescale > 0 && segments.time_offset.is_finite() && !segments.end.is_nan());
    assert!(segments.runs.len() <= length);
    let mut first = 0;
    for run in &segments.runs {
        assert!(
            run.duration > 0 && run.count > 0 && run.first == first,
            "{run:?}"
        );
        first = first.saturating_add(run.count);
    }
    let count = segments.len();
    if let SegmentAddresses::Listed(list) = &segments.addresses {
        assert!(list.len() <= length && list.len() as u64 == count);
    }
    if let Some((start, end)) = segments.span() {
        assert!(start.is_finite() && !end.is_nan());
    }
    let beginning = 0..count.min(CHECKED_SEGMENTS);
    let ending = count.saturating_sub(CHECKED_SEGMENTS).max(beginning.end)..count;
    let mut previous: Option<Segment> = None;
    for number in beginning.chain(ending) {
        let Some(segment) = segments.get(number) else {
            // Only segments after the end of the period may be missing.
            assert!(
                number > 0
                    || segments
                        .span()
                        .is_none_or(|(start, _)| start >= segments.end)
            );
            break;
        };
        assert_eq!(segment.number, number);
        assert!(
            segment.start.is_finite() && segment.start <= segment.end,
            "{segment:?}"
        );
        if let Some(previous) = previous {
            assert!(previous.end <= segment.start, "{previous:?} {segment:?}");
        }
        check_found(segments, &segment);
        previous = Some(segment);
    }
    for time in [f64::NEG_INFINITY, -1.0, 0.0, 1e9, f64::INFINITY, f64::NAN] {
        if let Some(found) = segments.segment_at(time) {
            assert!(found.number < count);
        }
    }
}

/// Checks that the time in the middle of a segment finds that segment. Skips segments that are so short that they count
/// as over, or so late that `f64` cannot distinguish two ticks.
fn check_found(segments: &Segments, segment: &Segment) {
    let middle = f64::midpoint(segment.start, segment.end);
    if segment.end - segment.start < 4.0 * BOUNDARY_TOLERANCE || middle.abs() > 1e9 {
        return;
    }
    let found = segments.segment_at(middle).map(|found| found.number);
    assert_eq!(found, Some(segment.number), "{segment:?}");
}
