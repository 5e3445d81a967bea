//! The sample film: what its manifests say is what lies there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
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

fn film() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/film")
}

fn read(name: &str) -> String {
    fs::read_to_string(film().join(name)).unwrap()
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
        Playlist::Multivariant(_) => panic!("{rendition} is no media playlist"),
    }
}

fn in_hls() -> Presentation {
    match playlist("film.m3u8") {
        Playlist::Multivariant(film) => film.presentation,
        Playlist::Media(_) => panic!("no multivariant playlist"),
    }
}

fn in_dash() -> Presentation {
    let resolve = |_: &str, relative: &str| Some(format!("https://a.example/{relative}"));
    dash::parse(&read("film.mpd"), "https://a.example/film.mpd", &resolve).unwrap()
}

/// The sets of pictures and of sound of a film of one period.
fn sets(film: &Presentation) -> [&AdaptationSet; 2] {
    assert_eq!(film.periods.len(), 1);
    [ContentType::Video, ContentType::Audio].map(|kind| {
        let mut sets = film.periods[0].adaptation_sets.iter();
        sets.find(|set| set.content_type == kind).unwrap()
    })
}

#[test]
fn the_playlists_name_every_rendition_and_every_file() {
    let film_playlist = in_hls();
    let mut named: Vec<&str> = sets(&film_playlist)
        .iter()
        .flat_map(|set| &set.representations)
        .map(|it| match &it.index {
            Index::Playlist(path) => path.as_str(),
            _ => panic!("not in a playlist of its own"),
        })
        .collect();
    named.sort_unstable();
    let mut there: Vec<String> = RENDITIONS.map(|name| format!("{name}/media.m3u8")).into();
    there.sort_unstable();
    assert_eq!(named, there);

    for rendition in RENDITIONS {
        let segments = segments(rendition);
        assert_eq!(segments.len(), 16, "{rendition}");
        let (start, end) = segments.span().unwrap();
        assert!(
            start == 0.0 && (31.9..32.1).contains(&end),
            "{rendition} lasts {end} s"
        );
        let paths = (0..16).map(|number| segments.get(number).unwrap().resource.path);
        let mut files: Vec<String> = paths.collect();
        files.extend([segments.inits[0].path.clone(), "media.m3u8".into()]);
        files.sort_unstable();
        let folder = fs::read_dir(film().join(rendition)).unwrap();
        let mut there: Vec<String> = folder
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        there.sort_unstable();
        assert_eq!(files, there, "{rendition}");
    }
}

#[test]
fn the_mpd_describes_the_same_film() {
    let (dash, hls) = (in_dash(), in_hls());
    assert_eq!(dash.duration, Some(32.0));
    for (in_dash, in_hls) in sets(&dash).into_iter().zip(sets(&hls)) {
        let pairs = in_dash.representations.iter().zip(&in_hls.representations);
        assert_eq!(in_dash.representations.len(), in_hls.representations.len());
        for (dash, hls) in pairs {
            assert_eq!((dash.mime(), dash.size), (hls.mime(), hls.size));
            let Index::Known(from_mpd) = &dash.index else {
                panic!("{} is not known", dash.id);
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

/// The decode time that a segment begins at (`moof/traf/tfdt`), in units of its track's time scale.
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

/// The time scale of the one track of an init segment (`moov/trak/mdia/mdhd`), in units per second.
fn time_scale(init: &[u8]) -> u64 {
    let at = init
        .windows(4)
        .position(|window| window == b"mdhd")
        .unwrap()
        + 4;
    let field = if init[at] == 1 { at + 20 } else { at + 12 };
    u32::from_be_bytes(init[field..field + 4].try_into().unwrap()).into()
}

#[test]
fn the_renditions_can_be_switched_at_every_segment() {
    for rendition in &RENDITIONS[..4] {
        let folder = film().join(rendition);
        let scale = time_scale(&fs::read(folder.join("init.mp4")).unwrap());
        for number in 1..=16_u64 {
            let segment = fs::read(folder.join(format!("{number}.m4s"))).unwrap();
            assert_eq!(
                decode_time(&segment),
                (number - 1) * 2 * scale,
                "{rendition}/{number}.m4s"
            );
            // And it begins with a picture that needs no other: an IDR slice, type 5, before any type 1.
            let mdat = segment
                .windows(4)
                .position(|window| window == b"mdat")
                .unwrap()
                + 4;
            assert_eq!(first_slice(&segment[mdat..]), 5, "{rendition}/{number}.m4s");
        }
    }
}

/// The type of the first coded slice among NAL units that carry their lengths (ISO/IEC 14496-15).
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
fn the_film_is_small_and_captioned() {
    fn size(place: &Path) -> u64 {
        match fs::read_dir(place) {
            Ok(entries) => entries.map(|entry| size(&entry.unwrap().path())).sum(),
            Err(_) => fs::metadata(place).unwrap().len(),
        }
    }
    let bytes = size(&film());
    assert!(bytes <= 10_000_000, "the film is of {bytes} bytes");
    let captions = fs::read_to_string(film().join("captions.vtt")).unwrap();
    assert!(captions.starts_with("WEBVTT\n"));
    assert_eq!(captions.matches(" --> ").count(), 8);
}
