//! What is read of files equals what ffprobe reads: `data/record_files.py` recorded it. mp4-atom and matroska-demuxer read
//! what is to be appended.
//!
//! `REMUX_FILES` and `REMUX_FILE_DATA` name folders of other files and of what was recorded of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "files/check.rs"]
mod check;
#[path = "files/reader.rs"]
mod reader;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use reader::{Reader, Sample, Source, samples_of};
use remux::{
    Kind,
    file::{Error, MAX_READS, MediaFile, Step},
};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

fn file(name: &str) -> Vec<u8> {
    fs::read(folder("files").join(name)).unwrap()
}

#[derive(Debug)]
struct Packet {
    pts: Option<i64>,
    is_key: bool,
    size: usize,
    crc: u32,
}

/// A stream as ffprobe has it.
#[derive(Debug)]
struct Stream {
    kind: Kind,
    /// Seconds of a tick.
    tick: f64,
    /// The first packet that is shown with edit lists, and its time in seconds.
    shown: Option<(usize, f64)>,
    packets: Vec<Packet>,
}

fn recorded(text: &str) -> Vec<Stream> {
    let mut streams: Vec<Stream> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            [kind @ ("video" | "audio"), _, base, start, number] => {
                let (numerator, denominator) = base.split_once('/').unwrap();
                let number_of = |text: &str| text.parse::<f64>().unwrap();
                streams.push(Stream {
                    kind: if *kind == "video" {
                        Kind::Video
                    } else {
                        Kind::Audio
                    },
                    tick: number_of(numerator) / number_of(denominator),
                    shown: number.parse().ok().zip(start.parse().ok()),
                    packets: Vec::new(),
                });
            }
            [pts, key, size, crc] => streams.last_mut().unwrap().packets.push(Packet {
                pts: pts.parse().ok(),
                is_key: *key == "K",
                size: size.parse().unwrap(),
                crc: u32::from_str_radix(crc, 16).unwrap(),
            }),
            _ => panic!("{line}"),
        }
    }
    streams
}

/// CRC-32 as zlib has it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

/// Samples of a track equal a stream's packets; returns how much later they are shown, in seconds.
fn compare(name: &str, samples: &[Sample], stream: &Stream, is_byte_stream: bool) -> Option<f64> {
    let crcs: Vec<u32> = samples.iter().map(|sample| crc32(&sample.data)).collect();
    // Pictures before the one that the edit list begins with are not needed.
    let first = if is_byte_stream {
        0
    } else {
        let first = *crcs.first()?;
        stream
            .packets
            .iter()
            .position(|packet| packet.crc == first)
            .unwrap_or_else(|| panic!("{name}: unknown first sample"))
    };
    assert!(
        first == 0 || stream.shown.is_some_and(|(shown, _)| shown >= first),
        "{name}: samples before {first} are missing"
    );
    let packets = &stream.packets[first..];
    let mut difference: Option<f64> = None;
    for (index, (sample, packet)) in samples.iter().zip(packets).enumerate() {
        let at = format!("{name}: {:?} {index} of {}", stream.kind, packets.len());
        if !is_byte_stream {
            assert_eq!(
                (sample.data.len(), crcs[index]),
                (packet.size, packet.crc),
                "{at}"
            );
        }
        assert_eq!(sample.is_sync, packet.is_key, "{at}");
        if let Some(pts) = packet.pts {
            let later = sample.pts - pts as f64 * stream.tick;
            let same = *difference.get_or_insert(later);
            // Matroska has milliseconds; audio durations are exact here.
            assert!((later - same).abs() < 0.0026, "{at}: {later} and {same}");
        }
    }
    // An edit list may end before the last samples.
    assert!(
        samples.len() <= packets.len() && samples.len() + 3 >= packets.len(),
        "{name}: {:?} {} of {}",
        stream.kind,
        samples.len(),
        packets.len()
    );
    difference
}

fn check_file(path: &Path, text: &str) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let bytes = fs::read(path).unwrap();
    let streams = recorded(text);
    let mut reader = match Reader::open(Source::Bytes(bytes.clone())) {
        Ok(reader) => reader,
        Err(error) => {
            assert!(streams.is_empty(), "{name}: {error}");
            return;
        }
    };
    let movie = reader.movie.clone();
    let playable: Vec<_> = (0..movie.tracks.len())
        .filter(|index| movie.tracks[*index].problem.is_empty())
        .collect();
    let sets = reader.file.choose(&playable).unwrap();
    let mut delays = Vec::new();
    for (set_index, set) in sets.iter().enumerate() {
        let (_, samples) = samples_of(&mut reader, set_index, set);
        for track in &set.tracks {
            let about = &movie.tracks[*track];
            let kind = about.kind.unwrap();
            // The nth track of its kind is the nth stream of its kind.
            let nth = movie.tracks[..*track]
                .iter()
                .filter(|other| other.kind == Some(kind))
                .count();
            let stream = streams
                .iter()
                .filter(|stream| stream.kind == kind)
                .nth(nth)
                .unwrap();
            let of_track: Vec<_> = samples
                .iter()
                .filter(|sample| sample.kind == kind)
                .cloned()
                .collect();
            // A byte stream in Matroska comes out with lengths.
            let is_byte_stream = name.starts_with("annex-b");
            let later = compare(&name, &of_track, stream, is_byte_stream);
            let is_mp4 = movie.container == "MP4" || movie.container == "QuickTime";
            if let (Some((shown, start)), Some(later), true) = (stream.shown, later, is_mp4) {
                let pts = stream.packets[shown].pts.unwrap() as f64 * stream.tick + later;
                delays.push((kind, pts - start));
            }
            assert!(!about.mime.is_empty(), "{name}: {about:?}");
        }
        for (a, b) in set.segments.iter().zip(set.segments.iter().skip(1)) {
            assert_eq!(a.end, b.start, "{name}: {set_index}");
        }
    }
    // Edit lists: all tracks are as late as the others.
    if let Some((_, first)) = delays.first() {
        for (kind, delay) in &delays {
            // ffprobe shows an audio frame that an edit begins in as a whole.
            let tolerance = if *kind == Kind::Audio { 0.024 } else { 0.003 };
            assert!(
                (delay - first).abs() < tolerance,
                "{name}: {kind:?} {delays:?}"
            );
        }
    }
    println!(
        "{name}: {} {:.3} s, {} sets, {} reads",
        movie.container,
        movie.duration,
        sets.len(),
        reader.reads
    );
}

#[test]
fn samples_and_times_equal_those_of_ffprobe() {
    let named = |name: &str, default: &str| env::var(name).map_or(folder(default), PathBuf::from);
    let mut paths: Vec<_> = fs::read_dir(named("REMUX_FILES", "files"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let extension = path
                .extension()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            ["mp4", "mov", "mkv", "webm"].contains(&extension.as_str())
        })
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut failed = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text =
            fs::read_to_string(named("REMUX_FILE_DATA", "data/files").join(format!("{name}.txt")))
                .unwrap();
        if std::panic::catch_unwind(|| check_file(&path, &text)).is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "differ: {failed:?}");
}

#[test]
fn containers_and_tracks_are_named() {
    for (name, container, codecs, sets) in [
        ("first.mp4", "MP4", "avc1.64000a mp4a.40.2", 1),
        ("last.mp4", "MP4", "avc1.64000a mp4a.40.2 mp4a.40.2", 3),
        ("quicktime.mov", "QuickTime", "avc1.64000a mp4a.40.2", 1),
        ("hevc.mp4", "MP4", "hvc1.1.6.L30.90 mp4a.40.2", 1),
        ("mfra.mp4", "fragmented MP4", "avc1.64000a mp4a.40.2", 1),
        ("dash.mp4", "fragmented MP4", "avc1.64000a mp4a.40.2", 1),
        (
            "offsets.mp4",
            "fragmented MP4",
            "avc1.64000a mp4a.40.2 mp4a.40.2",
            3,
        ),
        ("vp8-vorbis.webm", "WebM", "vp8 vorbis", 1),
        ("vp9-opus.webm", "WebM", "vp9 opus", 1),
        ("live.webm", "WebM", "vp9 opus", 1),
        ("two-audio.webm", "WebM", "vp9 opus opus", 3),
        ("laced.webm", "WebM", "vp9 opus", 2),
        ("vp8-aac.mkv", "Matroska", "vp8 mp4a.40.2", 2),
        ("h264-aac.mkv", "Matroska", "avc1.64000a mp4a.40.2", 1),
        ("hevc-ac3.mkv", "Matroska", "hev1.1.6.L30.90 ac-3", 1),
        ("h264-flac.mkv", "Matroska", "avc1.64000a flac", 1),
    ] {
        let mut reader = Reader::open(Source::Bytes(file(name))).unwrap();
        let tracks = &reader.movie.tracks;
        let found: Vec<_> = tracks.iter().map(|track| track.codec.as_str()).collect();
        assert_eq!(
            (reader.movie.container, found.join(" ").as_str()),
            (container, codecs),
            "{name}"
        );
        assert!(
            (5.9..6.2).contains(&reader.movie.duration) || name == "h264-flac.mkv",
            "{name}: {}",
            reader.movie.duration
        );
        let all: Vec<_> = (0..tracks.len()).collect();
        assert_eq!(reader.file.choose(&all).unwrap().len(), sets, "{name}");
    }
    let last = Reader::open(Source::Bytes(file("last.mp4"))).unwrap();
    let languages: Vec<_> = last
        .movie
        .tracks
        .iter()
        .map(|track| track.language.as_str())
        .collect();
    assert_eq!(languages, ["", "eng", "deu"]);
}

/// Chromium refuses laces, and blocks of tracks that the initialization segment does not have.
#[test]
fn webm_of_one_track_has_its_frames_only() {
    for (name, count) in [("two-audio.webm", 3), ("laced.webm", 2)] {
        let mut reader = Reader::open(Source::Bytes(file(name))).unwrap();
        let all: Vec<_> = (0..count).collect();
        for set in 0..reader.file.choose(&all).unwrap().len() {
            let plan = reader.plan(set, 0);
            let mut converter = reader.file.converter(set, None).unwrap();
            converter.push(&reader.source.read(plan.ranges[0].clone()));
            converter.finish();
            let mut blocks = 0;
            while let Some(cluster) = converter.take() {
                // Each element has a size of eight bytes. After a cluster of unknown size, no offset can be set.
                let size_at = |at: usize| {
                    u64::from_be_bytes(cluster[at..at + 8].try_into().unwrap()) << 8 >> 8
                };
                assert_eq!(size_at(4), cluster.len() as u64 - 12, "{name}");
                // Behind the headers of Cluster and Timestamp.
                let mut at = 12 + 17;
                while at < cluster.len() {
                    // A track number of one byte: Chromium refuses others.
                    let (track, lacing) = (cluster[at + 9], cluster[at + 12] & 6);
                    assert_eq!((cluster[at], track, lacing), (0xa3, 0x81, 0), "{name}");
                    at += 9 + size_at(at + 1) as usize;
                    blocks += 1;
                }
            }
            assert!(blocks > 20, "{name}: {blocks}");
        }
    }
}

#[test]
fn rotation_and_pixel_aspect_are_kept() {
    let mut rotated = Reader::open(Source::Bytes(file("rotated.mp4"))).unwrap();
    assert_eq!(rotated.movie.tracks[0].rotation, 90);
    let init = rotated.file.choose(&[0]).unwrap().remove(0).init;
    let moov = reader::moov(&init);
    let matrix = &moov.trak[0].tkhd.matrix;
    assert_eq!(
        [matrix.a, matrix.b, matrix.c, matrix.d],
        [0, 0x1_0000, -0x1_0000, 0]
    );
    let mut wide = Reader::open(Source::Bytes(file("negative.mp4"))).unwrap();
    let init = wide.file.choose(&[0]).unwrap().remove(0).init;
    assert!(
        init.windows(12)
            .any(|bytes| bytes == b"pasp\0\0\0\x04\0\0\0\x03")
    );
}

#[test]
fn tracks_that_are_not_chosen_leave_the_others() {
    let mut reader = Reader::open(Source::Bytes(file("last.mp4"))).unwrap();
    let sets = reader.file.choose(&[0, 2]).unwrap();
    let tracks: Vec<_> = sets.iter().map(|set| set.tracks.clone()).collect();
    assert_eq!(tracks, [[0, 2]]);
    assert_eq!(reader.file.choose(&[]), Err(Error::NoTracks));
}

/// A transport stream of MPEG-2 video.
#[test]
fn stream_of_other_codings_is_refused_by_their_names() {
    let table = |pid: u16, section: &[u8]| {
        let mut packet = vec![0x47, 0x40 | (pid >> 8) as u8, pid as u8, 0x10, 0];
        packet.extend_from_slice(section);
        packet.resize(188, 0xff);
        packet
    };
    let with_crc = |mut section: Vec<u8>| {
        let crc = section.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
                crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
            })
        });
        section.extend(crc.to_be_bytes());
        section
    };
    let pat = with_crc(vec![0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe1, 0]);
    let pmt = with_crc(vec![
        2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, 1, 0xf0, 0, 2, 0xe1, 1, 0xf0, 0,
    ]);
    let mut bytes = [table(0, &pat), table(0x100, &pmt)].concat();
    bytes.extend(table(0x1fff, &[]).repeat(20));
    let error = Reader::open(Source::Bytes(bytes)).err().unwrap();
    assert!(error.to_string().contains("MPEG-2 video"), "{error}");
}

#[test]
fn files_that_end_early_play_what_is_there() {
    let whole = file("first.mp4");
    let mut reader = Reader::open(Source::Bytes(whole[..whole.len() / 2].to_vec())).unwrap();
    let set = reader.file.choose(&[0, 1]).unwrap().remove(0);
    let (_, samples) = samples_of(&mut reader, 0, &set);
    assert!(
        (50..130).contains(
            &samples
                .iter()
                .filter(|sample| sample.kind == Kind::Video)
                .count()
        )
    );
    let whole = file("last.mp4");
    let cut = Reader::open(Source::Bytes(whole[..whole.len() - 50].to_vec()));
    assert!(matches!(cut.err(), Some(Error::Missing { .. })));
}

#[test]
fn other_files_are_refused_by_name() {
    for bytes in [b"".to_vec(), b"RIFF....WAVEfmt ".to_vec(), vec![0; 100]] {
        let mut file = MediaFile::new(bytes.len() as u64);
        let error = loop {
            match file.open() {
                Ok(Step::Need(range)) => {
                    let part = bytes[range.start as usize..range.end as usize].to_vec();
                    file.feed(range, part);
                }
                other => break other.err(),
            }
        };
        assert_eq!(error, Some(Error::UnknownFormat));
    }
}

/// A file of ten gigabytes: the samples of `last.mp4`, far apart.
#[test]
fn opening_ten_gigabytes_reads_the_index_only() {
    let bytes = file("wide.mp4");
    let source = Source::sparse_mp4(bytes, 10 << 30);
    let mut reader = Reader::open(source).unwrap();
    assert!(reader.reads <= 4, "{}", reader.reads);
    assert!(reader.read < 1 << 20, "{}", reader.read);
    let sets = reader.file.choose(&[0, 1, 2]).unwrap();
    let before = reader.reads;
    let plan = reader.plan(0, 1);
    assert_eq!(reader.reads, before, "a segment needs no index");
    assert_eq!(plan.ranges.len(), 1);
    assert!(plan.ranges[0].end > 9 << 30);
    assert_eq!(sets.len(), 3);
}

/// Hours of clusters without Cues.
#[test]
fn seek_without_an_index_takes_at_most_twenty_reads() {
    let source = Source::sparse_webm(file("live.webm"), 2_000);
    let mut reader = Reader::open(source).unwrap();
    assert!(reader.reads <= 8, "{}", reader.reads);
    let set = reader.file.choose(&[0, 1]).unwrap().remove(0);
    let count = set.segments.len();
    assert!(count > 2_000, "{count}");
    for index in [count / 2, count / 3, count - 1, 1, count / 2 + 1] {
        let before = reader.reads;
        let plan = reader.plan(0, index);
        let reads = reader.reads - before;
        assert!(
            reads <= 2 * MAX_READS as usize && reads <= 24,
            "{index}: {reads}"
        );
        assert!(
            plan.ranges[0].end - plan.ranges[0].start < 1 << 20,
            "{plan:?}"
        );
        let start = set.segments[index].start;
        let time = reader.cluster_time(plan.ranges[0].start);
        assert!(
            time <= start + 0.02 && time + 6.1 > start,
            "{index}: {time} {start}"
        );
    }
}

fn names() -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder("files"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".rs") && !name.ends_with(".sh") && !name.ends_with(".py"))
        .collect();
    names.sort();
    names
}

/// Numbers that are always the same ones (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize % limit.max(1)
    }
}

#[test]
fn broken_files_do_not_panic_and_are_read_in_bounds() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for name in names() {
        let whole = file(&name);
        // Where the indexes are: at the ends.
        for round in 0..120 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random.below(6) {
                let near = random.below(3000.min(bytes.len()));
                let at = if round % 2 == 0 {
                    near
                } else {
                    bytes.len() - 1 - near
                };
                match random.below(6) {
                    0 => bytes[at] = random.below(256) as u8,
                    1 => bytes[at] ^= 1 << random.below(8),
                    2 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
                    3 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0),
                    4 => drop(bytes.drain(at..(at + random.below(40)).min(bytes.len()))),
                    _ => bytes.truncate(bytes.len() - random.below(bytes.len() / 2)),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            check::check(&bytes);
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// What is converted does not depend on how its bytes are divided.
    #[test]
    fn division_of_converted_bytes_does_not_matter(sizes in proptest::collection::vec(1usize..5000, 1..8)) {
        for name in ["laced.mkv", "hevc-ac3.mkv"] {
            let mut reader = Reader::open(Source::Bytes(file(name))).unwrap();
            reader.file.choose(&[0, 1]).unwrap();
            let plan = reader.plan(0, 0);
            let payload = reader.source.read(plan.ranges[0].clone());
            let convert = |sizes: &[usize]| {
                let mut converter = reader.file.converter(0, None).unwrap();
                let mut rest = payload.as_slice();
                for size in sizes.iter().cycle() {
                    let (part, later) = rest.split_at(rest.len().min(*size));
                    converter.push(part);
                    rest = later;
                    if rest.is_empty() {
                        break;
                    }
                }
                converter.finish();
                let bytes: Vec<_> = std::iter::from_fn(|| converter.take())
                    .flatten()
                    .collect();
                bytes
            };
            proptest::prop_assert_eq!(convert(&sizes), convert(&[usize::MAX]));
        }
    }
}

/// Transport streams as files: the same samples as when they are remuxed from the beginning to the end.
#[test]
fn transport_streams_are_divided_without_loss() {
    for name in ["aac-0", "b-frames", "program", "wrap", "captions", "h265"] {
        let bytes = fs::read(folder("streams").join(name).with_extension("ts")).unwrap();
        let mut remuxer = remux::Remuxer::new(remux::Wanted::default(), None);
        let mut whole = [0, 0];
        let mut count = |remuxer: &mut remux::Remuxer| {
            while let Some(output) = remuxer.take() {
                if let remux::Output::Fragment(fragment) = output {
                    whole[usize::from(fragment.kind == Kind::Audio)] += fragment.samples;
                }
            }
        };
        for part in bytes.chunks(1 << 16) {
            remuxer.push(part);
            count(&mut remuxer);
        }
        remuxer.flush();
        count(&mut remuxer);
        let mut reader = Reader::open(Source::Bytes(bytes)).unwrap();
        assert_eq!(reader.movie.container, "MPEG-TS");
        let tracks: Vec<_> = (0..reader.movie.tracks.len()).collect();
        let set = reader.file.choose(&tracks).unwrap().remove(0);
        let (_, samples) = samples_of(&mut reader, 0, &set);
        let of = |kind| samples.iter().filter(|sample| sample.kind == kind).count();
        assert_eq!([of(Kind::Video), of(Kind::Audio)], whole, "{name}");
        // A seek decodes from before the time that is sought.
        for (index, segment) in set.segments.iter().enumerate().skip(1) {
            let plan = reader.plan(0, index);
            let mut converter = reader.file.converter(0, None).unwrap();
            converter.push(&reader.source.read(plan.ranges[0].clone()));
            converter.finish();
            let mut appended = Vec::new();
            while let Some(bytes) = converter.take() {
                appended.extend_from_slice(&bytes);
            }
            let samples = reader::samples_in(&set.init, &appended);
            let first = samples
                .iter()
                .find(|sample| sample.kind == set.kind)
                .unwrap();
            assert!(
                first.pts - set.origin <= segment.start + 0.1,
                "{name} {index}: {}",
                first.pts
            );
        }
    }
}
