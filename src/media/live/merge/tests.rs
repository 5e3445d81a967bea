use proptest::prelude::*;

use super::*;
use crate::media::{dash, live::edge};

fn parse(text: &str) -> Presentation {
    let resolve = |_: &str, path: &str| Some(path.to_owned());
    dash::parse(text, "http://x/", &resolve).unwrap()
}

/// An MPD with an `availabilityStartTime`, and periods of segments of 2 s: id, start, and the numbers of the segments,
/// whose media times are twice the number.
fn mpd(start: &str, periods: &[(&str, u64, std::ops::Range<u64>)]) -> String {
    let mut text = format!(
        "<MPD type='dynamic' availabilityStartTime='{start}' timeShiftBufferDepth='PT20S' minimumUpdatePeriod='PT2S'>"
    );
    for (id, start, numbers) in periods {
        let entries: String = numbers
            .clone()
            .map(|number| format!("<S t='{}' d='2'/>", number * 2))
            .collect();
        text += &format!(
            "<Period id='{id}' start='PT{start}S'><AdaptationSet mimeType='video/mp4' codecs='avc1.4d401e'>\
             <SegmentTemplate media='{id}-$Time$' presentationTimeOffset='{start}'>\
             <SegmentTimeline>{entries}</SegmentTimeline></SegmentTemplate>\
             <Representation id='low' bandwidth='1'/><Representation id='high' bandwidth='2'/>\
             </AdaptationSet></Period>"
        );
    }
    text + "</MPD>"
}

const START: &str = "2026-01-01T00:00:00Z";

fn segments(presentation: &Presentation, period: usize) -> &Segments {
    let representation = &presentation.periods[period].adaptation_sets[0].representations[0];
    match &representation.index {
        Index::Known(segments) => segments,
        other => panic!("{other:?}"),
    }
}

/// The start of each segment of the lowest representations by its path.
fn places(presentation: &Presentation) -> Vec<(String, f64)> {
    let mut places = Vec::new();
    for (id, _, representation) in presentation.representations() {
        if id.representation == 0
            && let Index::Known(segments) = &representation.index
        {
            places.extend(
                (0..segments.len())
                    .filter_map(|number| segments.get(number))
                    .map(|segment| (segment.resource.path, segment.start)),
            );
        }
    }
    places
}

fn open(text: &str) -> Presentation {
    let mut presentation = parse(text);
    let seekable = edge::seekable_range(&presentation, &presentation.representation_ids(), 0.0);
    rebase(&mut presentation, seekable);
    presentation
}

#[test]
fn times_begin_near_zero_whatever_the_start_is() {
    let presentation = open(&mpd(
        "1970-01-01T00:00:00Z",
        &[("a", 0, 900_000_000..900_000_005)],
    ));
    assert_eq!(segments(&presentation, 0).span(), Some((10.0, 20.0)));
    let live = presentation.live.unwrap();
    assert_eq!(live.zero, Some(1_799_999_990.0));
}

#[test]
fn update_keeps_segments_in_place_and_representations_by_id() {
    let old = open(&mpd(START, &[("a", 0, 10..15)]));
    let merged = merge(old, parse(&mpd(START, &[("a", 0, 12..17)])));
    assert_eq!(merged.removed, []);
    assert_eq!(segments(&merged.presentation, 0).span(), Some((14.0, 24.0)));
    // The high representation is gone.
    let text =
        mpd(START, &[("a", 0, 12..17)]).replace("<Representation id='high' bandwidth='2'/>", "");
    let merged = merge(merged.presentation, parse(&text));
    let [id] = merged.removed[..] else {
        panic!("{:?}", merged.removed);
    };
    assert_eq!(id.representation, 1);
}

#[test]
fn periods_are_appended_and_emptied() {
    let old = open(&mpd(START, &[("a", 0, 0..5)]));
    let merged = merge(old, parse(&mpd(START, &[("a", 0, 2..5), ("b", 10, 5..8)])));
    let periods = &merged.presentation.periods;
    assert_eq!((periods[0].end, periods[1].start), (20.0, 20.0));
    assert_eq!(segments(&merged.presentation, 1).span(), Some((20.0, 26.0)));
    let merged = merge(merged.presentation, parse(&mpd(START, &[("b", 10, 6..9)])));
    let periods = &merged.presentation.periods;
    assert!(periods[0].adaptation_sets.is_empty());
    assert_eq!(segments(&merged.presentation, 1).span(), Some((22.0, 28.0)));
}

#[test]
fn period_that_moves_stays_in_its_place() {
    let old = open(&mpd(START, &[("a", 0, 10..15)]));
    // The media times are the same, but the period begins 100 s later.
    let moved = mpd(START, &[("a", 0, 11..16)]).replace("start='PT0S'", "start='PT100S'");
    let merged = merge(old, parse(&moved));
    assert_eq!(segments(&merged.presentation, 0).span(), Some((12.0, 22.0)));
}

#[test]
fn restarted_stream_is_another_period() {
    let old = open(&mpd(START, &[("a", 0, 10..15)]));
    let restarted = mpd("2026-01-01T00:00:32Z", &[("a", 0, 0..1)]);
    let merged = merge(old, parse(&restarted));
    let periods = &merged.presentation.periods;
    assert_eq!(periods.len(), 2);
    assert_eq!((periods[0].end, periods[1].start), (22.0, 22.0));
    assert_eq!(segments(&merged.presentation, 1).span(), Some((22.0, 24.0)));
    // A correction of the origin by a second is no restart.
    let corrected = mpd("2026-01-01T00:00:33Z", &[("a", 0, 0..2)]);
    let merged = merge(merged.presentation, parse(&corrected));
    assert_eq!(merged.presentation.periods.len(), 2);
    assert_eq!(segments(&merged.presentation, 1).span(), Some((22.0, 26.0)));
}

#[test]
fn older_copy_is_ignored() {
    let published = |text: String, time: &str| {
        text.replace(
            "type='dynamic'",
            &format!("type='dynamic' publishTime='{time}'"),
        )
    };
    let old = open(&published(
        mpd(START, &[("a", 0, 10..15)]),
        "2026-01-01T00:00:30Z",
    ));
    let older = parse(&published(
        mpd(START, &[("a", 0, 8..13)]),
        "2026-01-01T00:00:26Z",
    ));
    let merged = merge(old, older);
    assert!(!merged.is_newer);
    assert_eq!(segments(&merged.presentation, 0).span(), Some((10.0, 20.0)));
}

#[test]
fn static_update_completes_the_presentation() {
    let old = open(&mpd(START, &[("a", 0, 10..15)]));
    let over = mpd(START, &[("a", 0, 0..16)])
        .replace("type='dynamic'", "mediaPresentationDuration='PT32S'");
    let merged = merge(old, parse(&over));
    assert_eq!(merged.presentation.live, None);
    assert_eq!(merged.presentation.duration, Some(22.0));
    assert!(!segments(&merged.presentation, 0).live.is_growing);
    assert_eq!(
        segments(&merged.presentation, 0).span(),
        Some((-10.0, 22.0))
    );
}

/// A stream that is cut into periods of `length` segments each, as listed when `edge` segments are complete.
fn cut(edge: u64, depth: u64, length: u64) -> String {
    let first = edge.saturating_sub(depth);
    let ids: Vec<String> = (first / length..=edge.saturating_sub(1) / length)
        .map(|index| format!("p{index}"))
        .collect();
    let periods: Vec<_> = (first / length..)
        .zip(&ids)
        .map(|(index, id)| {
            let numbers = (index * length).max(first)..((index + 1) * length).min(edge);
            (id.as_str(), index * length * 2, numbers)
        })
        .collect();
    mpd(START, &periods)
}

proptest! {
    #[test]
    fn segments_never_change_their_place(
        length in 2_u64..9,
        depth in 3_u64..20,
        steps in prop::collection::vec(0_u64..7, 1..80),
    ) {
        let mut edge = 20;
        let mut presentation = open(&cut(edge, depth, length));
        let mut known = places(&presentation);
        for advance in steps {
            // Sometimes an older copy, without a time at which it was published.
            let shown = if advance == 0 { edge - 2 } else { edge };
            edge += advance;
            presentation = merge(presentation, parse(&cut(shown, depth, length))).presentation;
            for (path, start) in places(&presentation) {
                match known.iter().find(|(other, _)| *other == path) {
                    Some((_, before)) => prop_assert!((before - start).abs() < 1e-6),
                    None => known.push((path, start)),
                }
            }
            // Those that are gone are not kept.
            prop_assert!(places(&presentation).len() as u64 <= depth + length);
        }
    }
}

#[test]
fn memory_is_bounded_over_a_week() {
    // 12 hours of segments of 30 s, cut every hour, refreshed every 10 minutes.
    let (depth, length) = (1_440, 120);
    let mut edge = depth;
    let mut presentation = open(&cut(edge, depth, length));
    for _ in 0..7 * 24 * 6 {
        edge += 20;
        presentation = merge(presentation, parse(&cut(edge, depth, length))).presentation;
        let runs: usize = presentation
            .representations()
            .iter()
            .map(|(.., representation)| match &representation.index {
                Index::Known(segments) => segments.runs.len(),
                _ => 0,
            })
            .sum();
        assert!(runs as u64 <= 2 * (depth + length), "{runs}");
    }
    assert_eq!(presentation.periods.len(), 12 + 7 * 24);
    let kept = presentation
        .periods
        .iter()
        .filter(|period| !period.adaptation_sets.is_empty());
    assert!(kept.count() <= 14);
}
