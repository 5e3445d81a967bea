use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{parse_representation, segments_of, try_parse_period};
use crate::media::dash::{
    adaptation_sets::MAX_REPRESENTATIONS, reader::MAX_INHERITED_BYTES,
    representations::EXCEEDS_LIMIT,
};

#[test]
fn huge_segment_counts_are_computed_on_demand() {
    let endless = parse_representation(
        "<SegmentTemplate media='$Number$' timescale='1000000000000' duration='1'/>",
    );
    assert_eq!(segments_of(&endless).len(), 10_000_000_000_000);
    let repeated = "<SegmentTemplate media='$Time$' timescale='1000000000000' \
        presentationTimeOffset='9000000000000'>\
        <SegmentTimeline><S t='0' d='1' r='1000000000000000'/><S d='1' \
        r='-1'/></SegmentTimeline></SegmentTemplate>";
    let representation = parse_representation(repeated);
    let first = segments_of(&representation).get(0).unwrap();
    assert_eq!(first.resource.path, "9000000000000");

    let renumbered = repeated
        .replace("r='1000000000000000'", "r='9000000000000'")
        .replace("<S d='1'", "<S d='1' n='3'")
        .replace("$Time$", "$Number$");
    let representation = parse_representation(&renumbered);
    let segments = segments_of(&representation);
    let last = segments.get(segments.len() - 1).unwrap();
    assert_eq!(last.resource.path, "10000000000001");
}

/// CPU time of this thread in nanoseconds, so that other processes do not count. Without Linux's
/// `schedstat`, wall time.
fn cpu_time_ns() -> u128 {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let cpu_time = schedstat.split(' ').next();
    cpu_time.and_then(|ns| ns.parse().ok()).unwrap_or_else(|| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_nanos()
    })
}

#[test]
fn hostile_inheritance_is_limited() {
    let before_ns = cpu_time_ns();
    // A long timeline, list, template or base URL that many representations inherit.
    let entries = "<S d='1'/>".repeat(100_000);
    let urls = "<SegmentURL media='u'/>".repeat(100_000);
    let long = "x".repeat(1_000_000);
    let ids = "$RepresentationID$".repeat(50_000);
    for inherited in [
        format!(
            "<SegmentTemplate media='m'><SegmentTimeline>{entries}</SegmentTimeline>\
             </SegmentTemplate>"
        ),
        format!("<SegmentList duration='1'>{urls}</SegmentList>"),
        format!("<SegmentTemplate media='{long}'/>"),
        format!("<SegmentTemplate media='m' initialization='{ids}'/>"),
        format!("<SegmentTemplate media='m'/><BaseURL>{long}/</BaseURL>"),
    ] {
        for id in ["v", &long[..10_000]] {
            let representations =
                format!("<Representation id='{id}'><BaseURL>b</BaseURL></Representation>")
                    .repeat(MAX_REPRESENTATIONS);
            let set = format!(
                "<AdaptationSet contentType='video'>{inherited}{representations}</AdaptationSet>"
            );
            let kept: usize = match try_parse_period(&set.repeat(2)) {
                Ok(presentation) => {
                    let sets = presentation.periods[0].adaptation_sets.iter();
                    sets.map(|set| set.representations.len()).sum()
                }
                Err(error) => {
                    assert_eq!(error.to_string(), EXCEEDS_LIMIT);
                    0
                }
            };
            assert!(kept * inherited.len() <= MAX_INHERITED_BYTES, "{kept}");
        }
    }
    // A long description that is read again for each container in an adaptation set.
    let roles = "<Role value='x'/>".repeat(100_000);
    let representations: String = (0..100_000)
        .map(|index| format!("<Representation mimeType='video/{index}'/>"))
        .collect();
    let _ = try_parse_period(&format!(
        "<AdaptationSet><SegmentTemplate media='m'/>{roles}{representations}</AdaptationSet>"
    ));
    let seconds = (cpu_time_ns() - before_ns) / 1_000_000_000;
    assert!(seconds < 20, "{seconds} s");
}
