//! What the readers must stand, whatever they are given: no panic, no more than the input is long, and
//! nothing that makes no sense. Each function is one target of cargo-fuzz; `tests/fuzz.rs` runs them too.

use yew_mse_worker::media::{
    BOUNDARY_TOLERANCE, Index, Presentation, Representation, Segment, SegmentAddresses, Segments,
    SidxLocation, captions, dash,
    hls::{self, Playlist, VariableDefinitions},
    mp4::{self, SegmentIndex},
    number, sniff,
};

const URL: &str = "https://example.com/films/film";

/// How many segments are looked at from each end of a list, which may have 10¹² of them.
const LOOKED_AT: u64 = 20;

/// MPDs, and the XML in them.
pub fn dash(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let resolve = |base: &str, relative: &str| {
        let is_absolute = relative.contains("://");
        (!relative.contains(' ')).then(|| match is_absolute {
            true => relative.to_owned(),
            false => [base, relative].concat(),
        })
    };
    if let Ok(film) = dash::parse(&text, URL, &resolve) {
        check_film(&film, text.len());
    }
}

/// HLS playlists of both kinds.
pub fn hls(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match hls::parse(&text, URL, &VariableDefinitions::default()) {
        Ok(Playlist::Media(media)) => {
            assert!(media.target_duration.is_finite());
            check(&media.segments, text.len());
        }
        Ok(Playlist::Multivariant(it)) => {
            check_film(&it.presentation, text.len());
            // As one of its own media playlists, which may import what it defines.
            let _ = hls::parse(&text, URL, &it.variables);
        }
        Err(_) => {}
    }
}

/// MP4: box headers, init segments, the time that a segment begins at, segment indexes.
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
        assert!(fetches <= 10_000, "it fetches for ever");
        let place = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
        let end = range
            .last
            .map_or(bytes.len(), |last| place(last.saturating_add(1)));
        let fetched = bytes.get(place(range.first)..end).unwrap_or_default();
        if index.read(fetched, range.first).is_err() {
            return;
        }
    }
    check(&index.segments(&sidx), bytes.len());
}

/// What a file is by its first bytes.
pub fn sniff(bytes: &[u8]) {
    let (content_type, bytes) = bytes.split_at(bytes.len().min(16));
    let content_type = String::from_utf8_lossy(content_type);
    let _ = sniff::detect(bytes, &content_type);
    assert_eq!(sniff::detect(bytes, ""), sniff::detect(bytes, ""));
}

/// Captions: what is put together of them is WebVTT, and not much longer than they are.
pub fn captions(bytes: &[u8]) {
    let (origin, bytes) = bytes.split_at(bytes.len().min(4));
    let text = String::from_utf8_lossy(bytes);
    let origin = origin
        .iter()
        .fold(-1e4, |sum, byte| sum * 7.5 + f64::from(*byte));
    let mut all = String::new();
    for origin in [0.0, origin] {
        if captions::append(&mut all, &text, origin).is_none() {
            return assert!(all.is_empty());
        }
    }
    assert!(all.starts_with("WEBVTT"));
    // Timestamps may grow by their hours and a line by its end.
    assert!(all.len() <= 2 * text.len() + 16 * (text.matches("-->").count() + 1) * 2 + 2);
    assert_eq!(captions::append(&mut String::new(), &all, 0.0), Some(()));
}

/// Numbers in manifests: what is one for the standard library as well is the same one.
pub fn number(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(decimal) = number::decimal(&text) {
        let expected: f64 = text.trim_ascii().parse().unwrap_or(f64::NAN);
        assert!(
            (decimal - expected).abs() <= 2e-9 + expected * 1e-15,
            "{text}"
        );
    }
    assert_eq!(
        number::digits(&text),
        text.parse().ok().filter(|_| !text.starts_with('+'))
    );
}

fn check_film(film: &Presentation, length: usize) {
    assert!(film.duration.is_none_or(f64::is_finite));
    assert!(!film.periods.is_empty());
    // No list in it is longer than the text that it was read from.
    assert!(film.periods.len() <= length);
    for period in &film.periods {
        assert!(period.start.is_finite() && !period.end.is_nan());
        for set in &period.adaptation_sets {
            assert!(!set.representations.is_empty() && set.representations.len() <= length);
            assert!(set.representations.is_sorted_by_key(|it| it.bandwidth));
            set.representations
                .iter()
                .for_each(|it| check_representation(it, length));
        }
    }
}

fn check_representation(it: &Representation, length: usize) {
    assert!(!it.base_urls.is_empty() && it.frame_rate.is_finite());
    let _ = it.mime();
    match &it.index {
        Index::Known(segments) => check(segments, length),
        Index::Sidx(sidx) => assert!(sidx.time_offset.is_finite() && !sidx.end.is_nan()),
        Index::Playlist(_) => {}
    }
}

/// That segments ascend, and are found where they are.
fn check(segments: &Segments, length: usize) {
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
    let beginning = 0..count.min(LOOKED_AT);
    let end = count.saturating_sub(LOOKED_AT).max(beginning.end)..count;
    let mut before: Option<Segment> = None;
    for number in beginning.chain(end) {
        let Some(segment) = segments.get(number) else {
            // Only what lies behind the end of the period is none.
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
        if let Some(before) = before {
            assert!(before.end <= segment.start, "{before:?} {segment:?}");
        }
        check_found(segments, &segment);
        before = Some(segment);
    }
    for time in [f64::NEG_INFINITY, -1.0, 0.0, 1e9, f64::INFINITY, f64::NAN] {
        if let Some(found) = segments.segment_at(time) {
            assert!(found.number < count);
        }
    }
}

/// What is found in the middle of a segment is that segment, if it is not so short that it counts as
/// over, or so late that there is no time between two ticks.
fn check_found(segments: &Segments, segment: &Segment) {
    let middle = f64::midpoint(segment.start, segment.end);
    if segment.end - segment.start < 4.0 * BOUNDARY_TOLERANCE || middle.abs() > 1e9 {
        return;
    }
    let found = segments.segment_at(middle).map(|found| found.number);
    assert_eq!(found, Some(segment.number), "{segment:?}");
}
