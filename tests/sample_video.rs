//! Checks the sample video in `assets/film`: its manifests against its files and against each other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use yew_mse_worker::media::{
    AdaptationSet, ContentType, Index, Presentation, Segments, dash,
    hls::{self, Playlist, VariableDefinitions},
};

const RENDITIONS: [&str; 5] = ["240p", "360p", "720p", "1080p", "audio"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/film")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

fn playlist(name: &str) -> Playlist {
    hls::parse(
        &read(name),
        "https://a.example/film.m3u8",
        &VariableDefinitions::default(),
    )
    .unwrap()
}

fn segments(rendition: &str) -> Segments {
    match playlist(&format!("{rendition}/media.m3u8")) {
        Playlist::Media(media) => media.segments,
        Playlist::Multivariant(_) => panic!("{rendition} is not a media playlist"),
    }
}

fn hls_presentation() -> Presentation {
    match playlist("film.m3u8") {
        Playlist::Multivariant(playlist) => playlist.presentation,
        Playlist::Media(_) => panic!("not a multivariant playlist"),
    }
}

fn dash_presentation() -> Presentation {
    let resolve = |_: &str, relative: &str| Some(format!("https://a.example/{relative}"));
    dash::parse(&read("film.mpd"), "https://a.example/film.mpd", &resolve).unwrap()
}

/// The video and audio adaptation sets of a presentation with one period.
fn sets(presentation: &Presentation) -> [&AdaptationSet; 2] {
    assert_eq!(presentation.periods.len(), 1);
    [ContentType::Video, ContentType::Audio].map(|content_type| {
        let mut sets = presentation.periods[0].adaptation_sets.iter();
        sets.find(|set| set.content_type == content_type).unwrap()
    })
}

#[test]
fn playlists_list_all_renditions_and_files() {
    let presentation = hls_presentation();
    let mut listed: Vec<&str> = sets(&presentation)
        .iter()
        .flat_map(|set| &set.representations)
        .map(|representation| match &representation.index {
            Index::Playlist(path) => path.as_str(),
            _ => panic!("no media playlist"),
        })
        .collect();
    listed.sort_unstable();
    let mut expected: Vec<String> = RENDITIONS.map(|name| format!("{name}/media.m3u8")).into();
    expected.sort_unstable();
    assert_eq!(listed, expected);

    for rendition in RENDITIONS {
        let segments = segments(rendition);
        assert_eq!(segments.len(), 16, "{rendition}");
        let (start, end) = segments.span().unwrap();
        assert!(
            start == 0.0 && (31.9..32.1).contains(&end),
            "{rendition} lasts {end} s"
        );
        let paths = (0..16).map(|number| segments.get(number).unwrap().resource.path);
        let mut expected: Vec<String> = paths.collect();
        expected.extend([segments.inits[0].path.clone(), "media.m3u8".into()]);
        expected.sort_unstable();
        let folder = fs::read_dir(folder().join(rendition)).unwrap();
        let mut files: Vec<String> = folder
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort_unstable();
        assert_eq!(files, expected, "{rendition}");
    }
}

#[test]
fn mpd_equals_playlists() {
    let (dash, hls) = (dash_presentation(), hls_presentation());
    assert_eq!(dash.duration, Some(32.0));
    for (dash_set, hls_set) in sets(&dash).into_iter().zip(sets(&hls)) {
        let pairs = dash_set
            .representations
            .iter()
            .zip(&hls_set.representations);
        assert_eq!(
            dash_set.representations.len(),
            hls_set.representations.len()
        );
        for (dash, hls) in pairs {
            assert_eq!((dash.mime(), dash.size), (hls.mime(), hls.size));
            let Index::Known(from_mpd) = &dash.index else {
                panic!("{} has no known segments", dash.id);
            };
            let from_playlist = segments(&dash.id);
            assert_eq!(from_mpd.len(), from_playlist.len());
            for number in 0..16 {
                let (one, other) = (from_mpd.get(number), from_playlist.get(number));
                let (one, other) = (one.unwrap(), other.unwrap());
                let path = format!("{}/{}", dash.id, other.resource.path);
                assert_eq!(one.resource.path, path);
                assert!((one.start - other.start).abs() < 0.1, "{path}");
            }
        }
    }
}

/// The decode time at which a segment begins (`moof/traf/tfdt`), in ticks.
fn decode_time(segment: &[u8]) -> u64 {
    let at = segment
        .windows(4)
        .position(|window| window == b"tfdt")
        .unwrap()
        + 4;
    match segment[at] {
        1 => u64::from_be_bytes(segment[at + 4..at + 12].try_into().unwrap()),
        _ => u32::from_be_bytes(segment[at + 4..at + 8].try_into().unwrap()).into(),
    }
}

/// The timescale of the only track of an init segment (`moov/trak/mdia/mdhd`).
fn timescale(init: &[u8]) -> u64 {
    let at = init
        .windows(4)
        .position(|window| window == b"mdhd")
        .unwrap()
        + 4;
    let field = if init[at] == 1 { at + 20 } else { at + 12 };
    u32::from_be_bytes(init[field..field + 4].try_into().unwrap()).into()
}

#[test]
fn segments_are_aligned_and_begin_with_idr() {
    for rendition in &RENDITIONS[..4] {
        let folder = folder().join(rendition);
        let timescale = timescale(&fs::read(folder.join("init.mp4")).unwrap());
        for number in 1..=16_u64 {
            let segment = fs::read(folder.join(format!("{number}.m4s"))).unwrap();
            assert_eq!(
                decode_time(&segment),
                (number - 1) * 2 * timescale,
                "{rendition}/{number}.m4s"
            );
            // The first slice is an IDR slice (type 5), not a dependent one (type 1).
            let mdat = segment
                .windows(4)
                .position(|window| window == b"mdat")
                .unwrap()
                + 4;
            assert_eq!(first_slice(&segment[mdat..]), 5, "{rendition}/{number}.m4s");
        }
    }
}

/// The NAL unit type of the first slice among length-prefixed NAL units (ISO/IEC 14496-15).
fn first_slice(mut units: &[u8]) -> u8 {
    loop {
        let length = u32::from_be_bytes(units[..4].try_into().unwrap()) as usize;
        let kind = units[4] & 31;
        if kind == 1 || kind == 5 {
            return kind;
        }
        units = &units[4 + length..];
    }
}

#[test]
fn sample_is_small_and_captioned() {
    fn size(path: &Path) -> u64 {
        match fs::read_dir(path) {
            Ok(entries) => entries.map(|entry| size(&entry.unwrap().path())).sum(),
            Err(_) => fs::metadata(path).unwrap().len(),
        }
    }
    let bytes = size(&folder());
    assert!(bytes <= 10_000_000, "the sample has {bytes} bytes");
    let captions = fs::read_to_string(folder().join("captions.vtt")).unwrap();
    assert!(captions.starts_with("WEBVTT\n"));
    assert_eq!(captions.matches(" --> ").count(), 8);
}
