use super::{
    assert_segments, error_text, first_representation, parse_mpd, parse_period,
    parse_representation, segments_of, try_parse_period, video_set,
};
use crate::media::{
    presentation::{Index, SidxLocation},
    segments::{ByteRange, Resource},
};

fn byte_range(first: u64, last: Option<u64>) -> Option<ByteRange> {
    Some(ByteRange { first, last })
}

#[test]
fn dollar_signs_in_ids_are_not_identifiers() {
    let presentation = parse_period(
        "<AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='10' \
         media='$RepresentationID$/$Bandwidth%06d$/$Number$$$' \
         initialization='$RepresentationID$$$'/>\
         <Representation id='$Time$' bandwidth='500'/></AdaptationSet>",
    );
    let segments = segments_of(first_representation(&presentation));
    let segment = segments.get(0).unwrap();
    assert_eq!(segment.resource.path, "$Time$/000500/1$");
    assert_eq!(segment.init.unwrap().path, "$Time$$");
}

#[test]
fn last_segment_ends_with_the_period() {
    assert_segments(
        &parse_representation(
            "<SegmentTemplate media='$Number$-$Time$' timescale='10' duration='40' \
             startNumber='0' presentationTimeOffset='5'/>",
        ),
        &[("0-5", 0.0, 4.0), ("1-45", 4.0, 8.0), ("2-85", 8.0, 10.0)],
    );
}

#[test]
fn rounding_adds_no_segment() {
    let set = video_set("<SegmentTemplate media='$Number$' timescale='3' duration='10'/>");
    for (duration, count) in [
        ("PT9.999S", 3),
        ("PT10S", 3),
        ("PT10.001S", 3),
        ("PT10.01S", 4),
        ("PT384S", 116),
    ] {
        let text = format!("<MPD><Period duration='{duration}'>{set}</Period></MPD>");
        let presentation = parse_mpd(&text).unwrap();
        let segments = segments_of(first_representation(&presentation));
        assert_eq!(segments.len(), count, "{duration}");
    }
}

#[test]
fn end_number_and_ept_delta_are_applied() {
    assert_segments(
        &parse_representation(
            "<SegmentTemplate media='$Number$' duration='4' startNumber='7' endNumber='8' \
             presentationTimeOffset='9' eptDelta='-1'/>",
        ),
        &[("7", -1.0, 3.0), ("8", 3.0, 7.0)],
    );
}

#[test]
fn segment_without_duration_is_as_long_as_the_period() {
    assert_segments(
        &parse_representation("<SegmentTemplate media='all.mp4' presentationTimeOffset='3'/>"),
        &[("all.mp4", 0.0, 10.0)],
    );
}

/// S elements and the expected segments, in a period of 10 s that begins at media time 2.
#[test]
fn timelines_are_read() {
    type Segments<'a> = &'a [(&'a str, f64, f64)];
    let cases: [(&str, Segments); 16] = [
        // ISO/IEC 23009-1 § 5.3.9.6.1: `r` repeats, and a missing `t` continues.
        (
            "<S t='2' d='3' r='1'/><S d='1'/>",
            &[("1-2", 0.0, 3.0), ("2-5", 3.0, 6.0), ("3-8", 6.0, 7.0)],
        ),
        // A negative `r` repeats until the next entry or the end of the period.
        (
            "<S t='2' d='2' r='-1'/><S t='6' d='3' r='-1'/>",
            &[
                ("1-2", 0.0, 2.0),
                ("2-4", 2.0, 4.0),
                ("3-6", 4.0, 7.0),
                ("4-9", 7.0, 10.0),
            ],
        ),
        // A gap in time is no gap in numbers.
        (
            "<S t='2' d='2'/><S t='8' d='2'/>",
            &[("1-2", 0.0, 2.0), ("2-8", 6.0, 8.0)],
        ),
        // `n` sets the number.
        (
            "<S t='2' d='2' n='5' r='1'/>",
            &[("5-2", 0.0, 2.0), ("6-4", 2.0, 4.0)],
        ),
        (
            "<S t='2' d='2'/><S d='2' n='9'/>",
            &[("1-2", 0.0, 2.0), ("9-4", 2.0, 4.0)],
        ),
        // Segments outside the period are left out.
        (
            "<S t='0' d='1' r='2'/><S d='8' r='2'/>",
            &[("3-2", 0.0, 1.0), ("4-3", 1.0, 9.0), ("5-11", 9.0, 10.0)],
        ),
        (
            "<S t='0' d='3'/><S t='11' d='3'/><S t='12' d='3'/>",
            &[("1-0", -2.0, 1.0), ("2-11", 9.0, 10.0)],
        ),
        // An overlapped segment is shortened; segments that begin before an earlier one are left out.
        (
            "<S t='2' d='3' r='1'/><S t='7' d='3'/>",
            &[("1-2", 0.0, 3.0), ("2-5", 3.0, 5.0), ("3-7", 5.0, 8.0)],
        ),
        (
            "<S t='4' d='3'/><S t='2' d='2' r='2'/>",
            &[("1-4", 2.0, 4.0), ("4-6", 4.0, 6.0)],
        ),
        ("<S t='2' d='3'/><S t='2' d='3'/>", &[("1-2", 0.0, 3.0)]),
        // Segments of no duration are left out, but have numbers.
        ("<S t='2' d='0' r='1'/><S d='4'/>", &[("3-2", 0.0, 4.0)]),
        (
            "<S t='2' d='4'/><S t='6' d='0'/><S t='6' d='4'/>",
            &[("1-2", 0.0, 4.0), ("3-6", 4.0, 8.0)],
        ),
        // A missing duration ends at the next entry, or is that of the previous one.
        (
            "<S t='2'/><S t='5'/><S t='7' d='1'/><S/>",
            &[
                ("1-2", 0.0, 3.0),
                ("2-5", 3.0, 5.0),
                ("3-7", 5.0, 6.0),
                ("4-8", 6.0, 7.0),
            ],
        ),
        // A count that does not fit in 64 bits goes on until the end.
        (
            "<S t='2' d='4' r='999999999999999999999'/>",
            &[("1-2", 0.0, 4.0), ("2-6", 4.0, 8.0), ("3-10", 8.0, 10.0)],
        ),
        // Numbers are read as numbers.
        (
            "<S t='+2.0' d=' 4e0 ' r='1.0'/>",
            &[("1-2", 0.0, 4.0), ("2-6", 4.0, 8.0)],
        ),
        ("<S t='-1' d='4' n='3.0'/>", &[("3-0", -2.0, 2.0)]),
    ];
    for (timeline, expected) in cases {
        let representation = parse_representation(&format!(
            "<SegmentTemplate media='$Number$-$Time$' presentationTimeOffset='2'>\
             <SegmentTimeline>{timeline}</SegmentTimeline></SegmentTemplate>"
        ));
        assert_segments(&representation, expected);
    }
}

#[test]
fn fractions_of_ticks_are_exact() {
    for attributes in [
        "duration='1.92'",
        "duration='1.92' timescale='1.0'",
        "timescale='12.5' duration='24'",
        "duration=' +1.920 ' presentationTimeOffset='0.0' timescale='1.00'",
    ] {
        let template = format!("<SegmentTemplate media='$Number$' {attributes}/>");
        let representation = parse_representation(&template);
        let segment = segments_of(&representation).get(4).unwrap();
        assert!((segment.start - 7.68).abs() < 1e-9, "{attributes}");
    }
    let timeline = "<SegmentTemplate media='$Number$' presentationTimeOffset='0.5'><SegmentTimeline>\
        <S t='0.5' d='2.25' r='1'/></SegmentTimeline></SegmentTemplate>";
    assert_segments(
        &parse_representation(timeline),
        &[("1", 0.0, 2.25), ("2", 2.25, 4.5)],
    );
}

#[test]
fn unreadable_attribute_is_named_if_needed() {
    let template = |attributes: &str, entry: &str| {
        format!(
            "<SegmentTemplate media='m' {attributes}><SegmentTimeline><S {entry} d='2'/>\
             </SegmentTimeline></SegmentTemplate>"
        )
    };
    for (inner, attribute) in [
        (template("timescale='x'", ""), "timescale=\"x\""),
        (template("startNumber='-1'", ""), "startNumber=\"-1\""),
        (template("endNumber='x'", ""), "endNumber=\"x\""),
        (
            template("presentationTimeOffset='x'", ""),
            "presentationTimeOffset=\"x\"",
        ),
        (template("", "t='x'"), "t=\"x\""),
        (template("", "n='x'"), "n=\"x\""),
        (template("", "r='x'"), "r=\"x\""),
        (
            "<SegmentTemplate media='m' duration='1,92'/>".into(),
            "duration=\"1,92\"",
        ),
        (
            "<SegmentTemplate media='m' duration='1' eptDelta='x'/>".into(),
            "eptDelta=\"x\"",
        ),
        (
            "<BaseURL>b</BaseURL><SegmentBase indexRange='x'/>".into(),
            "indexRange=\"x\"",
        ),
        (
            "<BaseURL>b</BaseURL><SegmentBase><Initialization range='9-1'/></SegmentBase>".into(),
            "range=\"9-1\"",
        ),
        (
            "<SegmentList duration='5'><SegmentURL mediaRange='x'/></SegmentList>".into(),
            "mediaRange=\"x\"",
        ),
    ] {
        let error = error_text(try_parse_period(&video_set(&inner)));
        assert!(error.contains(attribute), "{inner}: {error}");
    }
}

#[test]
fn unreadable_attribute_is_ignored_if_not_needed() {
    let set = "<AdaptationSet mimeType='video/mp4' width='x' height='' frameRate='fast' \
        startWithSAP='-' segmentAlignment='x' minBandwidth='x' maxWidth='x'>\
        <SegmentTemplate media='m' timescale='' duration='5' availabilityTimeOffset='INF'/>\
        <Representation bandwidth='x' qualityRanking='x' sar='x' audioSamplingRate='x'/>\
        </AdaptationSet>";
    let text = format!(
        "<MPD mediaPresentationDuration='x' minBufferTime='x' timeShiftBufferDepth='x' \
         publishTime='x'><Period start='x' duration='PT10S'>{set}</Period></MPD>"
    );
    let presentation = parse_mpd(&text).unwrap();
    assert_eq!(segments_of(first_representation(&presentation)).len(), 2);
    // Without the duration of the period, that of the presentation is needed.
    let text = text.replace("duration='PT10S'", "");
    assert_eq!(
        error_text(parse_mpd(&text)),
        "its attribute mediaPresentationDuration=\"x\" cannot be read"
    );
}

#[test]
fn segment_lists_are_read() {
    let representation = parse_representation(
        "<BaseURL>v.mp4</BaseURL><SegmentList duration='4'><Initialization range='0-9'/>\
         <SegmentURL mediaRange='10-19'/><SegmentURL media='b' \
         mediaRange='20-'/></SegmentList>",
    );
    assert_segments(&representation, &[("", 0.0, 4.0), ("b", 4.0, 8.0)]);
    let segment = segments_of(&representation).get(1).unwrap();
    assert_eq!(segment.resource.range, byte_range(20, None));
    assert_eq!(segment.init.unwrap().range, byte_range(0, Some(9)));
    assert_eq!(&*representation.base_urls[0], "http://x/a/v.mp4");
    assert_segments(
        &parse_representation(
            "<SegmentList><SegmentTimeline><S t='0' d='3'/><S d='4' r='7'/></SegmentTimeline>\
             <SegmentURL media='a'/><SegmentURL media='b'/></SegmentList>",
        ),
        &[("a", 0.0, 3.0), ("b", 3.0, 7.0)],
    );
}

#[test]
fn segment_base_locates_sidx_and_init_segment() {
    let sidx_location = |inner: &str| match parse_representation(inner).index {
        Index::Sidx(location) => location,
        other => panic!("{other:?}"),
    };
    let location = sidx_location(
        "<BaseURL>v.mp4</BaseURL><SegmentBase timescale='2' presentationTimeOffset='4' \
         indexRange='700-999'><Initialization range='0-699'/></SegmentBase>",
    );
    let expected = SidxLocation {
        path: String::new(),
        index: byte_range(700, Some(999)),
        init: Some(Resource {
            range: byte_range(0, Some(699)),
            ..Resource::default()
        }),
        time_offset: -2.0,
        end: 10.0,
    };
    assert_eq!(location, expected);
    let without_segment_base = sidx_location("<BaseURL>v.mp4</BaseURL>");
    assert_eq!(
        (without_segment_base.index, without_segment_base.init),
        (None, None)
    );
    let init_file = sidx_location(
        "<BaseURL>v.mp4</BaseURL><SegmentBase><Initialization sourceURL='i.mp4'/></SegmentBase>",
    );
    let init = init_file.init.unwrap();
    assert_eq!((init.path.as_str(), init.range), ("i.mp4", None));
}
