use proptest::prelude::*;

use super::*;
use crate::media::{
    hls::{self, Playlist, VariableDefinitions},
    live::FIRST_WINDOW_START,
};

/// A media playlist of 2-second segments with these names, of which the first has a sequence number. With a date, each
/// has one.
fn playlist(first: u64, names: &[String], date: Option<&str>) -> Segments {
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    if let Some(date) = date {
        text += &format!("#EXT-X-PROGRAM-DATE-TIME:{date}\n");
    }
    for name in names {
        text += &format!("#EXTINF:2,\n{name}\n");
    }
    parse(&text)
}

fn parse(text: &str) -> Segments {
    match hls::parse(text, "http://x/", &VariableDefinitions::default()).unwrap() {
        Playlist::Media(media) => media.segments,
        Playlist::Multivariant(_) => panic!("{text}"),
    }
}

fn names(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| format!("{number}.m4s")).collect()
}

/// The start of each segment by its path.
fn places(segments: &Segments) -> Vec<(String, f64)> {
    (0..segments.len())
        .filter_map(|number| segments.get(number))
        .map(|segment| (segment.resource.path, segment.start))
        .collect()
}

fn opened(first: u64, numbers: std::ops::Range<u64>) -> Segments {
    let mut segments = playlist(first, &names(numbers), None);
    segments.time_offset = FIRST_WINDOW_START;
    segments
}

#[test]
fn reloaded_playlist_keeps_the_place_of_its_segments() {
    let old = opened(100, 0..5);
    let mut new = playlist(102, &names(2..7), None);
    assert_eq!(follow(&old, &mut new), Relation::Continues);
    assert_eq!(new.span(), Some((14.0, 24.0)));
    // A token in the query may change.
    let mut token = playlist(103, &["3.m4s?token=2".into(), "4.m4s?token=2".into()], None);
    assert_eq!(follow(&new, &mut token), Relation::Stale);
    assert_eq!(token.span(), Some((16.0, 20.0)));
}

#[test]
fn missed_segments_leave_a_gap() {
    let old = opened(100, 0..5);
    let mut new = playlist(108, &names(8..10), None);
    assert_eq!(follow(&old, &mut new), Relation::Continues);
    assert_eq!(new.span(), Some((26.0, 30.0)));
}

#[test]
fn older_copy_is_stale_by_its_numbers_or_dates() {
    let old = opened(100, 0..5);
    let mut new = playlist(99, &["x.m4s".into(), "0.m4s".into()], None);
    assert_eq!(follow(&old, &mut new), Relation::Stale);
    let mut dated = playlist(100, &names(0..2), Some("2026-01-01T00:01:00Z"));
    dated.time_offset = FIRST_WINDOW_START;
    let mut older = playlist(90, &names(90..92), Some("2026-01-01T00:00:30Z"));
    assert_eq!(follow(&dated, &mut older), Relation::Stale);
}

#[test]
fn restarted_encoder_continues_behind_the_old_stream() {
    let old = opened(100, 0..5);
    for first in [0, 102] {
        let names = ["a.m4s".to_owned(), "b.m4s".to_owned()];
        let mut new = playlist(first, &names, None);
        assert_eq!(follow(&old, &mut new), Relation::Restarted, "{first}");
        assert_eq!(new.span(), Some((20.0, 24.0)));
        assert_eq!(new.live.restarts, 1);
        assert_ne!(
            new.get(0).unwrap().discontinuity,
            old.get(0).unwrap().discontinuity
        );
        // The next reload is laid on that.
        let mut next = playlist(first + 1, &["b.m4s".into(), "c.m4s".into()], None);
        assert_eq!(follow(&new, &mut next), Relation::Continues);
        assert_eq!(
            next.get(0).unwrap().discontinuity,
            new.get(1).unwrap().discontinuity
        );
        assert_eq!(next.span(), Some((22.0, 26.0)));
    }
}

#[test]
fn restarted_encoder_is_placed_by_its_date() {
    let mut old = playlist(100, &names(0..5), Some("2026-01-01T00:00:00Z"));
    old.time_offset = FIRST_WINDOW_START;
    let mut new = playlist(0, &["a.m4s".into()], Some("2026-01-01T00:00:30Z"));
    assert_eq!(follow(&old, &mut new), Relation::Restarted);
    assert_eq!(new.span(), Some((40.0, 42.0)));
}

#[test]
fn other_playlist_is_aligned_by_date_and_not_by_number() {
    let mut reference = playlist(100, &names(0..5), Some("2026-01-01T00:00:00Z"));
    reference.time_offset = FIRST_WINDOW_START;
    let mut audio = playlist(7, &names(0..5), Some("2026-01-01T00:00:04.100Z"));
    align(&reference, &mut audio);
    let (start, _) = audio.span().unwrap();
    assert!((start - 14.1).abs() < 1e-6, "{start}");
}

#[test]
fn other_playlist_is_aligned_by_discontinuity_else_by_end() {
    let with_discontinuity = |before: u32| {
        let mut text =
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-DISCONTINUITY-SEQUENCE:4\n".to_owned();
        for _ in 0..before {
            text += "#EXTINF:2,\na\n";
        }
        parse(&(text + "#EXT-X-DISCONTINUITY\n#EXTINF:2,\nb\n#EXTINF:2,\nc\n"))
    };
    let mut reference = with_discontinuity(3);
    reference.time_offset = FIRST_WINDOW_START;
    let mut other = with_discontinuity(1);
    align(&reference, &mut other);
    assert_eq!(other.span(), Some((14.0, 20.0)));
    let mut by_end = playlist(900, &names(0..3), None);
    align(&reference, &mut by_end);
    assert_eq!(by_end.span(), Some((14.0, 20.0)));
}

proptest! {
    /// Reloads at random times, some of them of older copies.
    #[test]
    fn segments_never_change_their_place(steps in prop::collection::vec((0_u64..12, 1_u64..9), 1..60)) {
        let mut current = opened(50, 0..6);
        let mut known = places(&current);
        let mut edge = 6;
        for (advance, length) in steps {
            // Below 3, it goes back.
            let end = if advance < 3 { edge - advance } else { edge + advance - 3 };
            edge = edge.max(end);
            let first = end.saturating_sub(length);
            let mut new = playlist(50 + first, &names(first..end), None);
            // Without a common segment and a date, an older copy cannot be told from a restart.
            if follow(&current, &mut new) == Relation::Continues {
                current = new;
            }
            for (path, start) in places(&current) {
                if let Some((_, before)) = known.iter().find(|(other, _)| *other == path) {
                    prop_assert!((before - start).abs() < 1e-6, "{path}: {before} {start}");
                } else {
                    known.push((path, start));
                }
            }
        }
    }
}
