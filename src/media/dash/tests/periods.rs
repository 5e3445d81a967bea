use super::{error_text, first_representation, parse_mpd, segments_of, video_set};
use crate::media::presentation::Presentation;

fn spans(presentation: &Presentation) -> Vec<(f64, f64)> {
    let periods = presentation.periods.iter();
    periods.map(|period| (period.start, period.end)).collect()
}

/// Parses an MPD of 30 s.
fn parse_periods(periods: &str) -> Presentation {
    parse_mpd(&format!(
        "<MPD mediaPresentationDuration='PT30S'>{periods}</MPD>"
    ))
    .unwrap()
}

#[test]
fn period_that_resolves_to_zero_ends_no_other() {
    let set = video_set("<SegmentTemplate media='$Number$' duration='2'/>");
    let first = format!("<Period>{set}</Period>");
    let empty = "<Period xlink:href='urn:mpeg:dash:resolve-to-zero:2013'/>";
    assert_eq!(
        spans(&parse_periods(&format!("{first}{empty}"))),
        [(0.0, 30.0)]
    );
    let second = format!("<Period start='PT10S'>{set}</Period>");
    assert_eq!(
        spans(&parse_periods(&format!("{first}{empty}{second}"))),
        [(0.0, 10.0), (10.0, 30.0)]
    );
}

#[test]
fn zero_duration_is_replaced_by_that_of_segments() {
    let set = video_set(
        "<SegmentTemplate media='$Number$'><SegmentTimeline><S d='4' r='2'/></SegmentTimeline>\
         </SegmentTemplate>",
    );
    let text = format!("<MPD mediaPresentationDuration='PT0S'><Period>{set}</Period></MPD>");
    assert_eq!(parse_mpd(&text).unwrap().duration, Some(12.0));
}

#[test]
fn periods_follow_each_other() {
    let set = video_set("<SegmentTemplate media='$Number$' duration='2'/>");
    let period = |attributes: &&str| format!("<Period {attributes}>{set}</Period>");
    let spans = |periods: &[&str]| {
        let periods: String = periods.iter().map(period).collect();
        spans(&parse_periods(&periods))
    };
    assert_eq!(spans(&[""]), [(0.0, 30.0)]);
    assert_eq!(spans(&["duration='PT4S'", "",]), [(0.0, 4.0), (4.0, 30.0)]);
    assert_eq!(
        spans(&[
            "start='PT1S'",
            "start='PT5S' duration='PT9S'",
            "start='PT6S' duration='PT9S'"
        ]),
        [(1.0, 5.0), (5.0, 6.0), (6.0, 15.0)]
    );
    assert_eq!(
        spans(&[
            "duration='PT0S'",
            "xlink:href='urn:mpeg:dash:resolve-to-zero:2013' duration='PT9S'",
            "duration='PT3S'",
        ]),
        [(0.0, 3.0)]
    );
    let endless = format!("<MPD>{}</MPD>", period(&""));
    assert_eq!(
        error_text(parse_mpd(&endless)),
        "a period without an end time"
    );
}

#[test]
fn period_ends_with_its_segments_if_nothing_else_tells() {
    let timeline = "<SegmentTemplate media='$Number$'><SegmentTimeline><S t='0' d='3' r='2'/>\
        </SegmentTimeline></SegmentTemplate>";
    let period = format!("<Period>{}</Period>", video_set(timeline));
    let presentation = parse_mpd(&format!("<MPD>{period}{period}</MPD>")).unwrap();
    assert_eq!(presentation.duration, Some(18.0));
    let second = &presentation.periods[1];
    assert_eq!((second.start, second.end), (9.0, 18.0));
    let segments = segments_of(&second.adaptation_sets[0].representations[0]);
    assert_eq!(segments.span(), Some((9.0, 18.0)));
    let file = video_set("<BaseURL>v.mp4</BaseURL>");
    let presentation = parse_mpd(&format!("<MPD><Period>{file}</Period></MPD>")).unwrap();
    assert_eq!(
        (presentation.duration, presentation.periods[0].end),
        (None, f64::INFINITY)
    );
}

#[test]
fn dynamic_mpd_is_live_and_endless() {
    for inner in [
        "<SegmentTemplate media='$Number$' duration='2'/>",
        "<SegmentTemplate media='$Number$'/>",
        "<SegmentTemplate media='$Time$'><SegmentTimeline><S t='9' d='2' \
        r='-1'/></SegmentTimeline></SegmentTemplate>",
    ] {
        let text = format!(
            "<MPD type='dynamic' availabilityStartTime='2020-01-01T00:00:00Z'><Period \
             start='PT5S'>{}</Period></MPD>",
            video_set(inner)
        );
        let presentation = parse_mpd(&text).unwrap();
        assert!(presentation.live.is_some());
        assert_eq!(
            (presentation.duration, presentation.periods[0].end),
            (None, f64::INFINITY)
        );
        let segments = segments_of(first_representation(&presentation));
        assert!(segments.segment_at(1e9).is_some());
        assert!(segments.get(0).is_some());
    }
}

#[test]
fn zero_duration_of_a_period_counts_as_unknown() {
    let set = video_set("<SegmentTemplate media='m' duration='5'/>");
    let text = format!(
        "<MPD mediaPresentationDuration='PT10S'><Period duration='PT0S'>{set}</Period></MPD>"
    );
    assert_eq!(spans(&parse_mpd(&text).unwrap()), [(0.0, 10.0)]);
}
