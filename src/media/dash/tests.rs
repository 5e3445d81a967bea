//! Tests of the whole reader, by what it reads from small MPDs.

mod adaptation_sets;
mod limits;
mod periods;
mod segments;

use std::fmt::Debug;

use super::parse;
use crate::media::{
    error::ManifestError,
    presentation::{Index, Presentation, Representation},
    segments::Segments,
};

/// Replaces the last path segment of the base URL. URLs with spaces are invalid.
fn resolve(base: &str, relative: &str) -> Option<String> {
    if relative.contains("://") {
        return Some(relative.to_owned());
    }
    let (folder, _) = base.rsplit_once('/')?;
    (!relative.contains(' ')).then(|| format!("{folder}/{relative}"))
}

fn parse_mpd(text: &str) -> Result<Presentation, ManifestError> {
    parse(text, "http://x/a/stream.mpd", &resolve)
}

/// Parses an MPD of 10 s with one period.
fn try_parse_period(period: &str) -> Result<Presentation, ManifestError> {
    parse_mpd(&format!(
        "<MPD mediaPresentationDuration='PT10S'><Period>{period}</Period></MPD>"
    ))
}

fn parse_period(period: &str) -> Presentation {
    try_parse_period(period).unwrap()
}

/// A video AdaptationSet with one Representation.
fn video_set(inner: &str) -> String {
    format!(
        "<AdaptationSet mimeType='video/mp4'><Representation id='v' bandwidth='500'>{inner}\
         </Representation></AdaptationSet>"
    )
}

/// Parses a Representation in an MPD of 10 s.
fn parse_representation(inner: &str) -> Representation {
    first_representation(&parse_period(&video_set(inner))).clone()
}

fn first_representation(presentation: &Presentation) -> &Representation {
    &presentation.periods[0].adaptation_sets[0].representations[0]
}

fn segments_of(representation: &Representation) -> &Segments {
    match &representation.index {
        Index::Known(segments) => segments,
        other => panic!("{other:?}"),
    }
}

/// Asserts the paths, starts and ends of the first segments.
fn assert_segments(representation: &Representation, expected: &[(&str, f64, f64)]) {
    let segments = segments_of(representation);
    let actual: Vec<_> = (0..segments.len().min(20))
        .map(|number| {
            let segment = segments.get(number).unwrap();
            (segment.resource.path, segment.start, segment.end)
        })
        .collect();
    let actual: Vec<_> = (actual.iter())
        .map(|(path, start, end)| (path.as_str(), *start, *end))
        .collect();
    assert_eq!(actual, expected);
}

fn error_text<T: Debug>(result: Result<T, ManifestError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn other_documents_are_rejected() {
    assert_eq!(
        error_text(parse_mpd("<html></html>")),
        "the root element is not MPD"
    );
    assert_eq!(
        error_text(parse_mpd("<MPD><Period/></MPD>")),
        "it contains neither video nor audio"
    );
}

#[test]
fn representation_without_codecs_is_not_resolved() {
    let template = "<SegmentTemplate media='m'/>";
    assert!(!parse_representation(template).is_resolved());
    let with_codecs = video_set(template).replace("id='v'", "codecs='avc1.4d401e'");
    assert!(first_representation(&parse_period(&with_codecs)).is_resolved());
}

#[test]
fn captions_are_read_from_whole_files_only() {
    let captions = |inner: &str| {
        let video = video_set("<SegmentTemplate media='m'/>");
        parse_period(&format!(
            "{video}<AdaptationSet lang='de' mimeType='text/vtt'>{inner}</AdaptationSet>"
        ))
        .captions
    };
    let file = "<Representation><BaseURL>c.vtt</BaseURL></Representation>";
    let found = captions(&format!("<Label>Deutsch</Label>{file}{file}"));
    let [track] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (track.language.as_str(), track.label.as_str()),
        ("de", "Deutsch")
    );
    assert_eq!(track.files.len(), 1);
    assert_eq!(&*track.files[0].base_urls[0], "http://x/a/c.vtt");
    let segments =
        "<Representation><BaseURL>c/</BaseURL><SegmentTemplate media='m'/></Representation>";
    assert_eq!(captions(segments), []);
}

#[test]
fn missing_attributes_are_inherited() {
    let presentation = parse_period(
        "<SegmentTemplate timescale='2' startNumber='3' media='p/$Number$'/>\
         <AdaptationSet contentType='video' mimeType='video/mp4' codecs='avc1.4d401e' width='640' \
         height='360' frameRate='30000/1001'>\
         <SegmentTemplate media='s/$Number$' initialization='i'><SegmentTimeline><S \
         d='12'/><S d='8'/></SegmentTimeline></SegmentTemplate>\
         <Representation id='b' bandwidth='20' width='1280' height='720'><SegmentTemplate \
         startNumber='8'/></Representation>\
         <Representation id='a' bandwidth='10'/>\
         <Representation id='c' \
         bandwidth='30'><BaseURL>c.mp4</BaseURL><SegmentBase/></Representation>\
         </AdaptationSet>",
    );
    let [a, b, c] = &presentation.periods[0].adaptation_sets[0].representations[..] else {
        panic!("{presentation:?}");
    };
    assert_eq!(
        (a.id.as_str(), a.size, &*a.codecs),
        ("a", (640, 360), "avc1.4d401e")
    );
    assert_eq!((b.id.as_str(), b.size), ("b", (1280, 720)));
    assert!((a.frame_rate - 29.97).abs() < 0.001);
    assert_segments(a, &[("s/3", 0.0, 6.0), ("s/4", 6.0, 10.0)]);
    assert_segments(b, &[("s/8", 0.0, 6.0), ("s/9", 6.0, 10.0)]);
    assert!(matches!(c.index, Index::Sidx(_)));
}

#[test]
fn unsupported_elements_are_skipped_and_named_if_alone() {
    let parse_with = |before: &str, attributes: &str, inner: &str| {
        try_parse_period(&format!(
            "<AdaptationSet mimeType='video/mp4'>{before}<Representation {attributes}>{inner}\
             </Representation></AdaptationSet>"
        ))
    };
    let trick_mode =
        "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' value='1'/>";
    let colour = "<EssentialProperty \
        schemeIdUri='urn:mpeg:mpegB:cicp:TransferCharacteristics' value='16'/>";
    let template = "<SegmentTemplate media='m'/>";
    assert!(parse_with(colour, "", template).is_ok());
    for (before, attributes, inner, feature) in [
        (trick_mode, "", template, "an unknown EssentialProperty"),
        (
            "",
            "dependencyId='b'",
            template,
            "layered video (dependencyId)",
        ),
        (
            "",
            "",
            "<SegmentTemplate index='i'/>",
            "segments without URLs",
        ),
        ("", "", "<SegmentList/>", "segments without URLs"),
        ("", "", "", "a representation without segments"),
        ("", "", "<BaseURL>no url</BaseURL>", "an invalid BaseURL"),
        (
            "",
            "",
            "<SegmentTemplate media='m'><SegmentTimeline><S t='10' \
            d='1'/></SegmentTimeline></SegmentTemplate>",
            "segments outside their period",
        ),
    ] {
        assert_eq!(error_text(parse_with(before, attributes, inner)), feature);
    }
    for remote in [
        "<Period xlink:href='http://ads/'/>",
        "<Period><AdaptationSet xlink:href='a'/></Period>",
    ] {
        let text = format!("<MPD mediaPresentationDuration='PT1S'>{remote}</MPD>");
        assert_eq!(error_text(parse_mpd(&text)), "remote elements (xlink)");
    }
}
