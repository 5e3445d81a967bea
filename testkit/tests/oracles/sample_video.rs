//! The sample video, repeated.

use std::path::{Path, PathBuf};

use mp4_atom::Any;
use testkit::{
    content::Kind,
    sample_video::{SampleVideo, SampleVideoError},
};

use crate::oracle::{atoms, moofs, samples};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/film")
}

pub fn sample_video() -> SampleVideo {
    SampleVideo::read(&folder()).unwrap()
}

#[test]
fn renditions_are_those_of_the_manifest() {
    let video = sample_video();
    let actual: Vec<_> = (video.renditions().iter())
        .map(|rendition| {
            (
                &*rendition.id,
                rendition.kind,
                &*rendition.codecs,
                rendition.size,
            )
        })
        .collect();
    let expected = [
        ("240p", Kind::Video, "avc1.4d4015", Some((426, 240))),
        ("360p", Kind::Video, "avc1.4d401e", Some((640, 360))),
        ("720p", Kind::Video, "avc1.4d401f", Some((1280, 720))),
        ("1080p", Kind::Video, "avc1.640028", Some((1920, 1080))),
        ("audio", Kind::Audio, "mp4a.40.2", None),
    ];
    assert_eq!(actual, expected);
    let (ticks, timescale) = video.segment_ticks();
    assert_eq!(ticks, 2 * u64::from(timescale));
}

#[test]
fn rewritten_segments_follow_each_other_across_repetitions() {
    for rendition in sample_video().renditions() {
        let offset = 5_000_000_000;
        let mut expected = offset;
        for index in 0..50 {
            let ticks = rendition.ticks(index);
            let bytes = rendition.media(index, offset + ticks.start);
            let [moof] = &moofs(&bytes)[..] else {
                panic!("{} {index}", rendition.id);
            };
            let traf = &moof.traf[0];
            assert_eq!(moof.mfhd.sequence_number, index as u32 + 1);
            assert_eq!(traf.tfdt.as_ref().unwrap().base_media_decode_time, expected);
            let default = traf.tfhd.default_sample_duration;
            let samples = &traf.trun[0].samples;
            let durations = (0..samples.len()).filter_map(|nth| samples.get(nth));
            let durations = durations.map(|entry| u64::from(entry.duration.or(default).unwrap()));
            expected += durations.sum::<u64>();
            assert_eq!(expected, offset + ticks.end, "{} {index}", rendition.id);
        }
        // Two repetitions are of 32 seconds each, in audio as in video.
        assert_eq!(
            rendition.ticks(32).start,
            64 * u64::from(rendition.timescale)
        );
    }
}

#[test]
fn audio_is_cut_where_the_video_ends() {
    let video = sample_video();
    let audio = video.renditions().last().unwrap();
    let bytes = audio.media(15, audio.ticks(15).start);
    let atoms = atoms(&bytes);
    let Some(Any::Sidx(index)) = atoms.get(1) else {
        panic!("{atoms:?}");
    };
    let moof = bytes
        .windows(4)
        .position(|window| window == b"moof")
        .unwrap()
        - 4;
    assert_eq!(
        index.references[0].referenced_size as usize,
        bytes.len() - moof
    );
    assert_eq!(index.references[0].subsegment_duration, 92 * 1024);
    let samples = samples(&moofs(&bytes)[0], 1);
    let offset = moofs(&bytes)[0].traf[0].trun[0].data_offset.unwrap() as usize;
    let total: usize = samples.iter().map(|sample| sample.4 as usize).sum();
    assert_eq!((samples.len(), moof + offset + total), (92, bytes.len()));
}

#[test]
fn rewriting_changes_times_and_numbers_alone() {
    let video = sample_video();
    let rendition = &video.renditions()[0];
    let original = rendition.media(3, rendition.ticks(3).start);
    let rewritten = rendition.media(19, rendition.ticks(19).start);
    let differing = original
        .iter()
        .zip(&rewritten)
        .filter(|(one, other)| one != other);
    assert!(differing.count() <= 8 + 8 + 4);
    assert_eq!(original.len(), rewritten.len());
    let kinds = |bytes: &[u8]| {
        atoms(bytes)
            .iter()
            .map(|atom| atom.kind())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&original), kinds(&rewritten));
}

#[test]
fn folder_without_video_is_refused() {
    let none = SampleVideo::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(matches!(none, Err(SampleVideoError::Unusable { .. })));
    let broken = SampleVideo::new(vec![("v".to_owned(), vec![0; 9], Vec::new())]);
    assert_eq!(
        broken.unwrap_err().to_string(),
        "v: its init segment cannot be read"
    );
}
