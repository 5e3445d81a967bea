//! Compares the MP4 reader with mp4-atom on files of several muxers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use mp4_atom::{Any, Codec, Encode, Moof, Moov, ReadFrom, SegmentReference, Sidx as SidxBox};
use proptest::prelude::*;
use yew_mse_worker::media::{
    ByteRange, ContentType, Segments, SidxLocation,
    mp4::{self, SegmentIndex},
    sniff,
};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap()
}

/// The boxes of a file according to mp4-atom.
fn atoms(mut bytes: &[u8]) -> Vec<Any> {
    let mut found = Vec::new();
    while let Some(atom) = Option::<Any>::read_from(&mut bytes).unwrap() {
        found.push(atom);
    }
    found
}

fn moov(bytes: &[u8]) -> Moov {
    let is_moov = |atom| match atom {
        Any::Moov(moov) => Some(moov),
        _ => None,
    };
    atoms(bytes).into_iter().find_map(is_moov).unwrap()
}

fn moof(bytes: &[u8]) -> Moof {
    let is_moof = |atom| match atom {
        Any::Moof(moof) => Some(moof),
        _ => None,
    };
    atoms(bytes).into_iter().find_map(is_moof).unwrap()
}

/// Files that begin with an init segment, and the codecs in their manifests.
const INITS: [(&str, &str); 18] = [
    ("assets/film/240p/init.mp4", "avc1.4d4015"),
    ("assets/film/360p/init.mp4", "avc1.4d401e"),
    ("assets/film/720p/init.mp4", "avc1.4d401f"),
    ("assets/film/1080p/init.mp4", "avc1.640028"),
    ("assets/film/audio/init.mp4", "mp4a.40.2"),
    ("tests/streams/6339/v.mp4", "avc1.4d401f"),
    ("tests/streams/6339/a.mp4", "mp4a.40.2"),
    ("tests/media/h264/video/init.mp4", "avc1.4d400c"),
    ("tests/media/h264/audio/init.mp4", "mp4a.40.2"),
    ("tests/media/h264-large/video/init.mp4", "avc1.4d4015"),
    (
        "tests/media/vp9/video/init.mp4",
        "vp09.00.10.08.01.02.02.02.00",
    ),
    ("tests/media/vp9/audio/init.mp4", "opus"),
    ("tests/media/ondemand/90p.mp4", "avc1.4d400c"),
    ("tests/media/ondemand/180p.mp4", "avc1.4d4015"),
    ("tests/media/ondemand/audio.mp4", "mp4a.40.2"),
    ("tests/media/ondemand/hierarchical.mp4", "avc1.4d400c"),
    ("tests/media/packed/muxed-init.mp4", "avc1.4d400c,mp4a.40.2"),
    ("tests/media/packed/byterange.mp4", "avc1.4d400c,mp4a.40.2"),
];

#[test]
fn reads_init_segments_like_mp4_atom() {
    for (name, codecs) in INITS {
        let read = mp4::parse_init_segment(&bytes(name)).unwrap();
        let moov = moov(&bytes(name));
        let timescales: Vec<(u32, u32)> = moov
            .trak
            .iter()
            .map(|trak| (trak.tkhd.track_id, trak.mdia.mdhd.timescale))
            .collect();
        let size = moov.trak.iter().find_map(|trak| {
            let visual = match &trak.mdia.minf.stbl.stsd.codecs[0] {
                Codec::Avc1(avc1) => &avc1.visual,
                Codec::Vp09(vp09) => &vp09.visual,
                _ => return None,
            };
            Some((visual.width.into(), visual.height.into()))
        });
        assert_eq!(read.timescales, timescales, "{name}");
        assert_eq!(read.size, size.unwrap_or_default(), "{name}");
        let content_type = if size.is_some() {
            ContentType::Video
        } else {
            ContentType::Audio
        };
        assert_eq!(
            (read.content_type, read.is_encrypted),
            (content_type, false),
            "{name}"
        );
        assert_eq!(read.codecs, codecs, "{name}");
    }
}

#[test]
fn init_segments_have_codecs_of_manifests() {
    let manifests = [
        "assets/film/film.mpd",
        "tests/media/h264/stream.mpd",
        "tests/media/vp9/stream.mpd",
        "tests/media/multiperiod.mpd",
        "tests/media/ondemand/ondemand.mpd",
        "tests/media/ondemand/hierarchical.mpd",
    ];
    let mut compared = 0;
    for manifest in manifests {
        let text = fs::read_to_string(path(manifest)).unwrap();
        let mpd = roxmltree::Document::parse(&text).unwrap();
        let named = |name: &'static str| {
            let namespace = "urn:mpeg:dash:schema:mpd:2011";
            move |node: &roxmltree::Node| node.has_tag_name((namespace, name))
        };
        for representation in mpd.descendants().filter(named("Representation")) {
            let Some(codecs) = representation.attribute("codecs") else {
                continue;
            };
            let file = representation
                .children()
                .find(named("BaseURL"))
                .map_or_else(
                    || {
                        let set = representation.parent().unwrap();
                        let template = set.children().find(named("SegmentTemplate")).unwrap();
                        let id = representation.attribute("id").unwrap();
                        let init = template.attribute("initialization").unwrap();
                        init.replace("$RepresentationID$", id)
                    },
                    |base| base.text().unwrap().to_owned(),
                );
            let file = Path::new(manifest).with_file_name(file);
            let read = mp4::parse_init_segment(&bytes(file.to_str().unwrap())).unwrap();
            assert_eq!(read.codecs, codecs, "{manifest}: {}", file.display());
            let width = representation.attribute("width").unwrap_or("0");
            assert_eq!(read.size.0.to_string(), width, "{manifest}");
            compared += 1;
        }
    }
    assert_eq!(compared, 5 + 2 + 2 + 5 + 3 + 2);
}

#[test]
fn earliest_times_equal_those_of_mp4_atom() {
    for (folder, numbers, init) in [
        ("assets/film/720p", 1..=16, "init.mp4"),
        ("assets/film/audio", 1..=16, "init.mp4"),
        ("tests/media/vp9/audio", 1..=4, "init.mp4"),
        ("tests/media/packed", 1..=4, "muxed-init.mp4"),
    ] {
        let init = mp4::parse_init_segment(&bytes(&format!("{folder}/{init}"))).unwrap();
        for number in numbers {
            let prefix = if folder.ends_with("packed") {
                "muxed-"
            } else {
                ""
            };
            let name = format!("{folder}/{prefix}{number}.m4s");
            let segment = bytes(&name);
            let times = moof(&segment).traf.into_iter().map(|traf| {
                let (_, timescale) = init
                    .timescales
                    .iter()
                    .find(|(track, _)| *track == traf.tfhd.track_id)
                    .unwrap();
                traf.tfdt.unwrap().base_media_decode_time as f64 / f64::from(*timescale)
            });
            let earliest = times.reduce(f64::min);
            assert!(earliest.is_some(), "{name}");
            assert_eq!(mp4::earliest_time(&segment, &init), earliest, "{name}");
        }
    }
}

/// Reads the segment index of a file.
fn look_up(file: &[u8], sidx: &SidxLocation) -> Segments {
    let mut index = SegmentIndex::new(sidx);
    while let Some(ByteRange { first, last }) = index.next_range() {
        let end = file.len().min(last.unwrap() as usize + 1);
        let bytes = file.get(first as usize..end).unwrap_or_default();
        index.read(bytes, first).unwrap();
    }
    index.segments(sidx)
}

fn whole_file() -> SidxLocation {
    SidxLocation {
        end: f64::INFINITY,
        ..SidxLocation::default()
    }
}

/// Start in seconds, first and last byte of each segment.
fn listed(segments: &Segments) -> Vec<(f64, u64, u64)> {
    (0..segments.len())
        .map(|number| segments.get(number).unwrap())
        .map(|segment| {
            let range = segment.resource.range.unwrap();
            (segment.start, range.first, range.last.unwrap())
        })
        .collect()
}

#[test]
fn indexed_ranges_are_fragments() {
    for name in ["90p", "180p", "audio", "hierarchical"] {
        let file = bytes(&format!("tests/media/ondemand/{name}.mp4"));
        let init = mp4::parse_init_segment(&file).unwrap();
        let segments = look_up(&file, &whole_file());
        assert_eq!(segments.len(), 8, "{name}");
        for (start, first, last) in listed(&segments) {
            let fragment = &file[first as usize..=last as usize];
            assert!(matches!(atoms(fragment)[..], [Any::Moof(_), Any::Mdat(_)]));
            assert_eq!(mp4::earliest_time(fragment, &init), Some(start), "{name}");
        }
        let init_segment = segments.get(0).unwrap().init.unwrap().range.unwrap();
        let init_segment = &file[..=init_segment.last.unwrap() as usize];
        assert!(matches!(
            atoms(init_segment)[..],
            [Any::Ftyp(_), Any::Moov(_)]
        ));
    }
}

#[test]
fn detects_file_formats() {
    use sniff::Format;
    for (name, format) in [
        ("assets/film/film.mpd", Format::Mpd),
        ("assets/film/film.m3u8", Format::Playlist),
        ("assets/film/720p/1.m4s", Format::Mp4),
        ("tests/media/packed/muxed-init.mp4", Format::Mp4),
        (
            "tests/streams/hls-raw-mp3/media_w905519204_0.mp3",
            Format::Mp3,
        ),
        // Encrypted.
        ("tests/media/packed/aes-1.m4s", Format::Other),
    ] {
        assert_eq!(sniff::detect(&bytes(name), ""), format, "{name}");
    }
}

#[test]
fn cut_files_do_not_panic() {
    for (name, _) in INITS {
        let file = bytes(name);
        let init = mp4::parse_init_segment(&file).unwrap();
        for end in 0..file.len().min(4000) {
            let _ = mp4::parse_init_segment(&file[..end]);
            let _ = mp4::earliest_time(&file[..end], &init);
            let mut index = SegmentIndex::new(&whole_file());
            while index.next_range().is_some() && index.read(&file[..end], 0).is_ok() {}
        }
    }
}

prop_compose! {
    fn reference()(size in 1_u32..1 << 31, duration in 1_u32..) -> SegmentReference {
        SegmentReference {
            reference_type: false,
            referenced_size: size,
            subsegment_duration: duration,
            starts_with_sap: true,
            sap_type: 1,
            sap_delta_time: 0,
        }
    }
}

proptest! {
    #[test]
    fn reads_written_indexes(
        timescale in 1_u32..,
        time in 0_u64..1 << 62,
        offset in 0_u64..1 << 62,
        references in prop::collection::vec(reference(), 1..50),
    ) {
        let written = SidxBox {
            reference_id: 1,
            timescale,
            earliest_presentation_time: time,
            first_offset: offset,
            references,
        };
        let mut file = Vec::new();
        written.encode(&mut file).unwrap();
        let segments = look_up(&file, &whole_file());
        let (mut time, mut first) = (time, file.len() as u64 + offset);
        let mut expected = Vec::new();
        for reference in &written.references {
            let next = first + u64::from(reference.referenced_size);
            expected.push((time as f64 / f64::from(timescale), first, next - 1));
            first = next;
            time += u64::from(reference.subsegment_duration);
        }
        prop_assert_eq!(listed(&segments), expected);
    }

    #[test]
    fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        read_all(&bytes);
    }

    #[test]
    fn flipped_bytes_do_not_panic(
        which in 0..INITS.len(),
        flips in prop::collection::vec((0_usize..2000, any::<u8>()), 1..8),
    ) {
        let mut file = bytes(INITS[which].0);
        for (at, byte) in flips {
            if let Some(flipped) = file.get_mut(at) {
                *flipped = byte;
            }
        }
        read_all(&file);
    }
}

/// Reads bytes with all MP4 functions.
fn read_all(bytes: &[u8]) {
    let _ = mp4::box_header(bytes);
    let init = mp4::parse_init_segment(bytes).unwrap_or_default();
    let _ = mp4::earliest_time(bytes, &init);
    let _ = sniff::detect(bytes, "");
    let mut index = SegmentIndex::new(&whole_file());
    while index.next_range().is_some() && index.read(bytes, 0).is_ok() {}
    let _ = index.segments(&whole_file()).span();
}
