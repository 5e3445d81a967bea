//! Playlists that nobody here made (see `tests/playlists/README.md`), and what is read out of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
)]

use std::{fs, path::Path};

use yew_mse_worker::media::hls::{self, Kind, Playlist, Refusal};

fn all() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playlists");
    let mut found: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "m3u8"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// The number of variants and of audio renditions, or what it would take to play it.
type Outcome = Result<(usize, usize), &'static str>;

#[test]
fn each_is_read_or_refused_for_the_right_reason() {
    let expected: [(&str, Outcome); 12] = [
        ("master-not-ending-in-newline-1", Ok((7, 0))),
        ("master-playlist-with-blankline", Ok((4, 0))),
        ("master-with-alternatives", Ok((4, 0))),
        ("master-with-multiple-codecs", Ok((5, 0))),
        ("master-with-stream-inf-name", Ok((4, 0))),
        ("masterplaylist", Ok((3, 1))),
        ("media-not-ending-in-newline", Err("encryption")),
        ("media-playlist-with-cues-1", Err("a live playlist")),
        ("media-playlist-with-discontinuity", Err("discontinuities")),
        ("media-playlist-with-scte35", Err("a live playlist")),
        ("media-playlist-zero-decimal", Err("byte ranges")),
        ("mediaplaylist", Err("encryption")),
    ];
    let read: Vec<(String, Outcome)> = all()
        .iter()
        .map(|(name, text)| match hls::read(text) {
            Ok(Playlist::Multivariant(film)) => {
                (name.clone(), Ok((film.variants.len(), film.audio.len())))
            }
            Ok(Playlist::Media(_)) => panic!("{name} was read as a media playlist"),
            Err(Refusal::Unsupported(feature)) => (name.clone(), Err(feature)),
            Err(Refusal::Malformed(reason)) => panic!("{name}: {reason}"),
        })
        .collect();
    assert_eq!(
        read,
        expected.map(|(name, outcome)| (name.to_owned(), outcome))
    );
}

#[test]
fn codecs_are_sorted_by_what_they_are_for() {
    let (_, text) = all()
        .into_iter()
        .find(|(name, _)| name == "master-with-multiple-codecs")
        .unwrap();
    let Ok(Playlist::Multivariant(film)) = hls::read(&text) else {
        panic!("no multivariant playlist");
    };
    let (variant, _) = film.choose().unwrap();
    assert_eq!(variant.codecs_of(Kind::Audio), "mp4a.40.2");
    assert_eq!(variant.codecs_of(Kind::Video), "avc1.42c015");
}

#[test]
fn none_panics_wherever_it_is_cut() {
    for (_, text) in all() {
        for (end, _) in text.char_indices() {
            let _ = hls::read(&text[..end]);
        }
    }
}
