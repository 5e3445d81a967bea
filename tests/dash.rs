//! Compares the MPD reader with an independent one, the oracle, on MPDs from other projects (see
//! `tests/manifests/README.md`), and checks that no text makes it panic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{fs, path::Path, time::Duration};

use dash_mpd_core as oracle;
use proptest::prelude::*;
use url::Url;
use yew_mse_worker::media::{
    ContentType, Index, ManifestError, Presentation, Representation, Segment, SegmentAddresses,
    Segments, boundary_tolerance, dash,
};

const URL: &str = "https://example.com/videos/video.mpd";

fn read(text: &str) -> Result<Presentation, ManifestError> {
    dash::parse(text, URL, &|base, relative| {
        let url = Url::parse(base).ok()?.join(relative).ok()?;
        Some(url.into())
    })
}

/// Names and texts of the MPDs, sorted by name.
fn manifests() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let mut found: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "mpd"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    assert!(found.len() > 10, "too few manifests found");
    found
}

/// The manifests that are rejected, with the error text.
const REJECTED: [(&str, &str); 2] = [
    ("incomplete", "line 2: unexpected end of document"),
    ("telestream-binary", "it contains neither video nor audio"),
];

/// Adaptation sets that the reader leaves out: manifest and id.
const LEFT_OUT: [(&str, &str); 1] = [
    // Subtitles, which no SourceBuffer accepts.
    ("a2d-tv", "2"),
];

/// The number of segments at the end of a timeline that the reader leaves out.
const SKIPPED_SEGMENTS: [(&str, usize); 1] = [
    // An example of the standard. Its last entry begins before the repeated segments of the previous one end.
    ("example_G22", 1),
];

/// The manifests that are not rejected, as this reader and the oracle read them.
fn with_oracle() -> Vec<(String, Presentation, oracle::MPD)> {
    let mut accepted = Vec::new();
    for (name, text) in manifests() {
        match (
            read(&text),
            REJECTED.iter().find(|(rejected, _)| *rejected == name),
        ) {
            (Err(error), Some((_, reason))) => assert_eq!(error.to_string(), *reason, "{name}"),
            (Ok(presentation), None) => {
                // The oracle does not accept byte order marks.
                let text = text.trim_start_matches('\u{feff}');
                let mut mpd = oracle::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
                for period in &mut mpd.periods {
                    period.adaptations.retain(|set| {
                        let id = set.id.as_deref().unwrap_or_default();
                        !LEFT_OUT.contains(&(name.as_str(), id))
                    });
                }
                accepted.push((name, presentation, mpd));
            }
            (outcome, expected) => panic!("{name}: {outcome:?} where {expected:?} was expected"),
        }
    }
    accepted
}

fn seconds(duration: Option<Duration>) -> Option<f64> {
    duration.map(|duration| duration.as_secs_f64())
}

fn is_close(one: f64, other: f64) -> bool {
    one == other || (one - other).abs() < 1e-6
}

#[test]
fn periods_equal_those_of_the_oracle() {
    for (name, presentation, mpd) in with_oracle() {
        let is_live = mpd.mpdtype.as_deref() == Some("dynamic");
        assert_eq!(presentation.live.is_some(), is_live, "{name}");
        assert_eq!(
            presentation.duration,
            seconds(mpd.mediaPresentationDuration),
            "{name}"
        );
        assert_eq!(presentation.periods.len(), mpd.periods.len(), "{name}");
        let mut end = 0.0;
        for (index, (period, their_period)) in
            presentation.periods.iter().zip(&mpd.periods).enumerate()
        {
            let start = seconds(their_period.start).unwrap_or(end);
            assert!(is_close(period.start, start), "{name}: {period:?}");
            let next = presentation.periods.get(index + 1).map(|next| next.start);
            end = (next.or(seconds(their_period.duration).map(|duration| start + duration)))
                .or(presentation.duration)
                .unwrap_or(f64::INFINITY);
            assert!(is_close(period.end, end), "{name}: {} {end}", period.end);
        }
    }
}

type Set = (ContentType, Vec<(u64, String)>);

#[test]
fn adaptation_sets_equal_those_of_the_oracle() {
    for (name, presentation, mpd) in with_oracle() {
        for (period, their_period) in presentation.periods.iter().zip(&mpd.periods) {
            let mut ours: Vec<Set> = (period.adaptation_sets.iter())
                .map(|set| {
                    let key = |ours: &Representation| (ours.bandwidth, ours.id.clone());
                    (
                        set.content_type,
                        set.representations.iter().map(key).collect(),
                    )
                })
                .collect();
            let mut theirs: Vec<Set> = (their_period.adaptations.iter())
                .map(|set| {
                    let content_type = if oracle::is_audio_adaptation(&set) {
                        ContentType::Audio
                    } else {
                        ContentType::Video
                    };
                    let key = |theirs: &oracle::Representation| {
                        (
                            theirs.bandwidth.unwrap_or(0),
                            theirs.id.clone().unwrap_or_default(),
                        )
                    };
                    (content_type, set.representations.iter().map(key).collect())
                })
                .collect();
            for (_, representations) in &ours {
                assert!(
                    representations.is_sorted_by_key(|(bandwidth, _)| *bandwidth),
                    "{name}"
                );
            }
            for (_, representations) in ours.iter_mut().chain(&mut theirs) {
                representations.sort();
            }
            assert_eq!(ours, theirs, "{name}");
        }
    }
}

/// The paths and media times of the segments of a template in a period of `length` seconds, computed one by one.
fn expected_segments(
    template: &oracle::SegmentTemplate,
    representation: &oracle::Representation,
    length: f64,
) -> Vec<(String, u64)> {
    let timescale = template.timescale.unwrap_or(1) as f64;
    let offset = template.presentationTimeOffset.unwrap_or(0);
    let end = offset as f64 + length * timescale;
    let mut times = Vec::new();
    if let Some(timeline) = &template.SegmentTimeline {
        let mut time = 0;
        for entry in &timeline.segments {
            time = entry.t.unwrap_or(time);
            for _ in 0..=entry.r.unwrap_or(0) {
                times.push((time, entry.d));
                time += entry.d;
            }
        }
    } else {
        let duration = template.duration.unwrap() as u64;
        let all = (0..10_000).map(|index| (offset + index * duration, duration));
        times.extend(all);
    }
    (template.startNumber.unwrap_or(1)..)
        .zip(times)
        .filter(|(_, (time, duration))| {
            time + duration > offset && (*time as f64) < end - 0.001 * *duration as f64
        })
        .map(|(number, (time, _))| {
            let path = (template.media.as_deref().unwrap())
                .replace("$RepresentationID$", representation.id.as_deref().unwrap())
                .replace(
                    "$Bandwidth$",
                    &representation.bandwidth.unwrap().to_string(),
                )
                .replace("$Number$", &number.to_string())
                .replace("$Time$", &time.to_string());
            (path, time)
        })
        .collect()
}

/// The SegmentTemplate of a representation, with inherited attributes.
fn inherited_template(
    levels: [Option<&oracle::SegmentTemplate>; 3],
) -> Option<oracle::SegmentTemplate> {
    let levels: Vec<&oracle::SegmentTemplate> = levels.into_iter().flatten().collect();
    let mut template = (*levels.first()?).clone();
    for above in &levels[1..] {
        let above = (*above).clone();
        template.media = template.media.or(above.media);
        template.initialization = template.initialization.or(above.initialization);
        template.timescale = template.timescale.or(above.timescale);
        template.duration = template.duration.or(above.duration);
        template.startNumber = template.startNumber.or(above.startNumber);
        template.presentationTimeOffset =
            (template.presentationTimeOffset).or(above.presentationTimeOffset);
        template.SegmentTimeline = template.SegmentTimeline.or(above.SegmentTimeline);
    }
    Some(template)
}

fn segments(representation: &Representation) -> &Segments {
    match &representation.index {
        Index::Known(segments) => segments,
        index => panic!("{index:?}"),
    }
}

#[test]
fn segments_equal_those_of_the_oracle() {
    let mut compared = 0;
    for (name, presentation, mpd) in with_oracle() {
        let representations =
            presentation
                .periods
                .iter()
                .zip(&mpd.periods)
                .flat_map(|(period, their_period)| {
                    let sets = period.adaptation_sets.iter().zip(&their_period.adaptations);
                    sets.flat_map(move |(set, their_set)| {
                        set.representations.iter().map(move |ours| {
                            let mut all = their_set.representations.iter();
                            let theirs = all
                                .find(|theirs| theirs.id.as_ref() == Some(&ours.id))
                                .unwrap();
                            (period, their_period, their_set, ours, theirs)
                        })
                    })
                });
        for (period, their_period, their_set, ours, theirs) in representations {
            let segments = segments(ours);
            let lists = [
                &theirs.SegmentList,
                &their_set.SegmentList,
                &their_period.SegmentList,
            ];
            if let Some(list) = lists.into_iter().flatten().next() {
                let media: Vec<_> = list
                    .segment_urls
                    .iter()
                    .map(|url| url.media.clone())
                    .collect();
                let SegmentAddresses::Listed(listed) = &segments.addresses else {
                    panic!("{name}: {:?}", segments.addresses);
                };
                let paths = listed
                    .iter()
                    .map(|listed| Some(listed.resource.path.clone()));
                assert_eq!(paths.collect::<Vec<_>>(), media, "{name}");
                compared += 1;
                continue;
            }
            let template = inherited_template([
                theirs.SegmentTemplate.as_ref(),
                their_set.SegmentTemplate.as_ref(),
                their_period.SegmentTemplate.as_ref(),
            ])
            .unwrap();
            if period.end.is_infinite() && template.SegmentTimeline.is_none() {
                let first = segments.get(0).unwrap().resource.path;
                assert_eq!(
                    first,
                    expected_segments(&template, theirs, 60.0)[0].0,
                    "{name}"
                );
                assert!(segments.segment_at(1e9).is_some(), "{name}");
                continue;
            }
            let mut expected = expected_segments(&template, theirs, period.end - period.start);
            let skipped = SKIPPED_SEGMENTS
                .iter()
                .find(|(manifest, _)| *manifest == name);
            expected.truncate(expected.len() - skipped.map_or(0, |(_, count)| *count));
            assert_eq!(segments.len(), expected.len() as u64, "{name} {}", ours.id);
            let origin = period.start
                - template.presentationTimeOffset.unwrap_or(0) as f64 / segments.timescale as f64;
            for (number, (path, time)) in (0..).zip(expected) {
                let segment = segments.get(number).unwrap();
                assert_eq!(segment.resource.path, path, "{name}");
                let start = origin + time as f64 / segments.timescale as f64;
                assert!(
                    is_close(segment.start, start),
                    "{name}: {segment:?} {start}"
                );
            }
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn base_urls_are_absolute() {
    for (name, presentation, _) in with_oracle() {
        for set in presentation
            .periods
            .iter()
            .flat_map(|period| &period.adaptation_sets)
        {
            for representation in &set.representations {
                assert!(!representation.base_urls.is_empty(), "{name}");
                for base in &representation.base_urls {
                    assert!(Url::parse(base).is_ok(), "{name}: {base}");
                }
                let init = segments(representation).get(0).unwrap().init.unwrap();
                assert!(!init.path.contains('$'), "{name}: {init:?}");
            }
        }
    }
}

#[test]
fn protected_sets_are_read_and_marked() {
    for (name, presentation, mpd) in with_oracle() {
        for (period, their_period) in presentation.periods.iter().zip(&mpd.periods) {
            for (set, their_set) in period.adaptation_sets.iter().zip(&their_period.adaptations) {
                assert_eq!(
                    set.is_protected,
                    !their_set.ContentProtection.is_empty(),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn truncated_manifests_cause_no_panic() {
    for (name, text) in manifests() {
        let is_read = !REJECTED.iter().any(|(rejected, _)| *rejected == name);
        // Every position in short manifests, about a thousand in long ones.
        for end in (0..text.len()).step_by(1 + text.len() / 1000) {
            if let Some(text) = text.get(..end) {
                assert_eq!(read(text).is_ok(), text.contains("</MPD>") && is_read);
            }
        }
    }
}

#[test]
fn replaced_numbers_cause_no_panic() {
    for (_, text) in manifests() {
        let digits = text.match_indices(|char: char| char.is_ascii_digit());
        for (at, _) in digits.step_by(1 + text.len() / 200) {
            for number in ["", "0", "-1", "99999999999999999", "18446744073709551615"] {
                let changed = [&text[..at], number, &text[at + 1..]].concat();
                if let Ok(presentation) = read(&changed) {
                    for set in presentation
                        .periods
                        .iter()
                        .flat_map(|period| &period.adaptation_sets)
                    {
                        for representation in &set.representations {
                            let segments = segments(representation);
                            // A live period may not have a segment yet.
                            let last = segments.len().saturating_sub(1);
                            let _ = (segments.get(last), segments.segment_at(1.0));
                        }
                    }
                }
            }
        }
    }
}

/// The segments of a representation in a period of `length` seconds, which is the second in its MPD.
fn segments_in(length: f64, template: &str) -> Option<Segments> {
    let text = format!(
        "<MPD><Period start='PT0S'/><Period start='PT7.5S' duration='PT{length}S'>\
         <AdaptationSet \
         mimeType='video/mp4'>{template}<Representation/></AdaptationSet></Period></MPD>"
    );
    let presentation = read(&text).ok()?;
    Some(segments(&presentation.periods[0].adaptation_sets[0].representations[0]).clone())
}

#[test]
fn period_much_shorter_than_its_segment_has_it() {
    let template = "<SegmentTemplate media='$Number$' duration='100000'/>";
    let segments = segments_in(0.1, template).unwrap();
    assert_eq!(segments.len(), 1);
    check(&segments);
}

/// Asserts the invariants of segments.
fn check(segments: &Segments) {
    let len = segments.len();
    assert!(len > 0);
    assert_eq!(segments.get(len), None);
    assert_eq!(segments.get(u64::MAX), None);
    let mut expected_first = 0;
    let mut previous_end = None;
    for run in &segments.runs {
        assert!(run.count > 0 && run.duration > 0);
        assert_eq!(run.first, expected_first);
        expected_first += run.count;
        assert!(
            previous_end.is_none_or(|end| end <= run.time),
            "{:?}",
            segments.runs
        );
        previous_end = Some(run.time + run.duration * run.count);
    }
    // Checks at most 500: there may be any number.
    let listed: Vec<_> = (0..len.min(500))
        .map(|number| segments.get(number).unwrap())
        .collect();
    for (segment, next) in listed.iter().zip(&listed[1..]) {
        assert!(segment.start < segment.end);
        assert!(segment.end <= next.start + 1e-9, "{segment:?} {next:?}");
    }
    let (start, end) = segments.span().unwrap();
    assert!(end <= segments.end);
    let tolerance = |segment: &Segment| boundary_tolerance(segment.end - segment.start);
    for step in 0..50 {
        let time = start - 1.0 + (end - start + 2.0) * f64::from(step) / 50.0;
        let found = segments.segment_at(time).map(|segment| segment.number);
        // At a boundary, rounding decides.
        if len > 500
            || listed
                .iter()
                .any(|segment| is_close(segment.end, time + tolerance(segment)))
        {
            continue;
        }
        let expected = listed
            .iter()
            .find(|segment| segment.end > time + tolerance(segment));
        let expected = expected.map(|segment| segment.number);
        // The last segment ends with the period, but is found during its whole nominal duration.
        if found != Some(len - 1) {
            assert_eq!(found, expected, "{time}");
        }
    }
}

proptest! {
    #[test]
    fn template_segments_keep_invariants(
        timescale in 1_u64..100_000,
        duration in 1_u64..1_000_000,
        offset in 0_u64..1_000_000_000,
        start in 0_u64..1_000_000,
        length in 0.1..500.0,
    ) {
        let template = format!(
            "<SegmentTemplate media='$Number$' timescale='{timescale}' duration='{duration}' \
             startNumber='{start}' presentationTimeOffset='{offset}'/>"
        );
        let segments = segments_in(length, &template).unwrap();
        check(&segments);
        prop_assert_eq!(segments.get(0).unwrap().resource.path, start.to_string());
        let (first, last) = segments.span().unwrap();
        prop_assert!(is_close(first, 7.5));
        let sliver = duration as f64 / timescale as f64 / 1000.0;
        prop_assert!(last >= segments.end - sliver - 1e-6, "{} {}", last, segments.end);
    }

    #[test]
    fn timeline_segments_keep_invariants(
        entries in prop::collection::vec(
            (
                prop::option::of(0_u64..2000),
                0_u64..300,
                -1_i64..9,
                prop::option::weighted(0.1, 0_u64..50),
            ),
            1..12,
        ),
        offset in 0_u64..1000,
        length in 0.1..200.0,
    ) {
        let mut timeline = String::new();
        for (time, duration, repeat, number) in entries {
            let time = time.map(|time| format!("t='{time}'")).unwrap_or_default();
            let number = number.map(|number| format!("n='{number}'")).unwrap_or_default();
            timeline += &format!("<S {time} {number} d='{duration}' r='{repeat}'/>");
        }
        let template = format!(
            "<SegmentTemplate media='$Number$/$Time$' timescale='10' \
            presentationTimeOffset='{offset}'>\
             <SegmentTimeline>{timeline}</SegmentTimeline></SegmentTemplate>"
        );
        if let Some(segments) = segments_in(length, &template) {
            check(&segments);
            for number in 0..segments.len() {
                let segment = segments.get(number).unwrap();
                let (_, time) = segment.resource.path.split_once('/').unwrap();
                let time: f64 = time.parse().unwrap();
                prop_assert!(is_close(segment.start, 7.5 + (time - offset as f64) / 10.0));
            }
        }
    }

    #[test]
    fn arbitrary_text_causes_no_panic(text in "(<|</|/>|>|&|;|'|=| |MPD|Period|S|t|[a-z])*") {
        let _ = read(&text);
    }
}
