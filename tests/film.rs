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

use yew_mse_worker::media::hls::{self, Kind, Media, Multivariant, Playlist};

const RENDITIONS: [&str; 5] = ["240p", "360p", "720p", "1080p", "audio"];

fn film() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/film")
}

fn media(rendition: &str) -> Media {
    let text = fs::read_to_string(film().join(rendition).join("media.m3u8")).unwrap();
    match hls::read(&text).unwrap() {
        Playlist::Media(media) => media,
        Playlist::Multivariant(_) => panic!("{rendition} is no media playlist"),
    }
}

fn multivariant() -> Multivariant {
    match hls::read(&fs::read_to_string(film().join("film.m3u8")).unwrap()).unwrap() {
        Playlist::Multivariant(film) => film,
        Playlist::Media(_) => panic!("no multivariant playlist"),
    }
}

#[test]
fn the_playlists_name_every_rendition_and_every_file() {
    let film_playlist = multivariant();
    let mut named: Vec<&str> = film_playlist
        .variants
        .iter()
        .map(|variant| variant.uri.as_str())
        .chain(
            film_playlist
                .audio
                .iter()
                .filter_map(|audio| audio.uri.as_deref()),
        )
        .collect();
    named.sort_unstable();
    let mut there: Vec<String> = RENDITIONS.map(|name| format!("{name}/media.m3u8")).into();
    there.sort_unstable();
    assert_eq!(named, there);

    for rendition in RENDITIONS {
        let media = media(rendition);
        assert_eq!(media.segments.len(), 16, "{rendition}");
        let seconds: f64 = media.segments.iter().map(|segment| segment.duration).sum();
        assert!(
            (31.9..32.1).contains(&seconds),
            "{rendition} lasts {seconds} s"
        );
        let mut files: Vec<String> = media
            .segments
            .into_iter()
            .map(|segment| segment.uri)
            .collect();
        files.extend([media.init, "media.m3u8".into()]);
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
fn the_mpd_describes_the_same_segments() {
    let text = fs::read_to_string(film().join("film.mpd")).unwrap();
    let mpd = roxmltree::Document::parse(&text).unwrap();
    let find = |name: &str| {
        mpd.descendants()
            .filter(move |node| node.tag_name().name() == name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        find("MPD")[0].attribute("mediaPresentationDuration"),
        Some("PT32S")
    );
    let mut there: Vec<&str> = find("Representation")
        .iter()
        .map(|node| node.attribute("id").unwrap())
        .collect();
    assert_eq!(there.pop(), Some("captions"));
    assert_eq!(there, RENDITIONS);
    for template in find("SegmentTemplate") {
        assert_eq!(
            template.attribute("initialization"),
            Some("$RepresentationID$/init.mp4")
        );
        assert_eq!(
            template.attribute("media"),
            Some("$RepresentationID$/$Number$.m4s")
        );
        assert_eq!(
            (
                template.attribute("duration"),
                template.attribute("startNumber")
            ),
            (Some("2"), Some("1"))
        );
    }
    // The codecs are said twice, and alike.
    let film_playlist = multivariant();
    for node in find("Representation")
        .iter()
        .filter(|node| node.attribute("width").is_some())
    {
        let uri = format!("{}/media.m3u8", node.attribute("id").unwrap());
        let variant = film_playlist
            .variants
            .iter()
            .find(|variant| variant.uri == uri)
            .unwrap();
        assert_eq!(
            node.attribute("codecs").unwrap(),
            variant.codecs_of(Kind::Video)
        );
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
