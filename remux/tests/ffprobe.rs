//! What is remuxed equals what ffprobe reads: `data/record.py` recorded it.
//!
//! `REMUX_STREAMS` and `REMUX_DATA` name folders of other streams and of what was recorded of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::{env, fs, path::PathBuf};

use common::{Sample, crc32, folder, remux};
use remux::{Init, Kind, Problem, packets::PACKET};

/// A packet as ffprobe has it.
#[derive(Debug)]
struct Packet {
    pts: Option<i64>,
    dts: Option<i64>,
    is_key: bool,
    count: usize,
    crc: u32,
}

/// A stream as ffprobe has it.
#[derive(Debug)]
struct Recorded {
    kind: Kind,
    codec: String,
    numbers: [u32; 2],
    packets: Vec<Packet>,
}

fn recorded(text: &str) -> Vec<Recorded> {
    let mut streams: Vec<Recorded> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            [kind @ ("video" | "audio"), codec, numbers @ ..] => streams.push(Recorded {
                kind: if *kind == "video" {
                    Kind::Video
                } else {
                    Kind::Audio
                },
                codec: (*codec).to_owned(),
                numbers: [0, 1].map(|index| numbers[index].parse().unwrap()),
                packets: Vec::new(),
            }),
            [pts, dts, key, count, crc] => streams.last_mut().unwrap().packets.push(Packet {
                pts: pts.parse().ok(),
                dts: dts.parse().ok(),
                is_key: *key == "K",
                count: count.parse().unwrap(),
                crc: u32::from_str_radix(crc, 16).unwrap(),
            }),
            _ => panic!("{line}"),
        }
    }
    streams
}

/// Number and checksum of what counts in a sample.
fn fingerprint(sample: &Sample, codec: &str) -> (usize, u32) {
    let mut data = Vec::new();
    let mut count = 0;
    match codec {
        "h264" | "hevc" => {
            for unit in common::nal_units(&sample.data) {
                let is_left_out = match codec {
                    "h264" => matches!(unit[0] & 0x1f, 7 | 8),
                    _ => matches!(unit[0] >> 1 & 0x3f, 32..=34),
                };
                if !is_left_out {
                    count += 1;
                    data.extend_from_slice(&(unit.len() as u32).to_be_bytes());
                    data.extend_from_slice(unit);
                }
            }
        }
        _ => {
            count = 1;
            data.extend_from_slice(&sample.data);
        }
    }
    (count, crc32(&data))
}

/// The packets that are remuxed: from the first key picture on, without leading pictures that cannot be decoded.
fn expected<'a>(stream: &'a Recorded, samples: &[Sample]) -> Vec<&'a Packet> {
    if stream.kind == Kind::Audio {
        return stream.packets.iter().collect();
    }
    let mut packets = stream.packets.iter().skip_while(|packet| !packet.is_key);
    let Some(first) = packets.next() else {
        return Vec::new();
    };
    let second = samples
        .get(1)
        .map(|sample| fingerprint(sample, &stream.codec).1);
    let leading = |packet: &&Packet| packet.pts < first.pts && second != Some(packet.crc);
    std::iter::once(first)
        .chain(packets.skip_while(leading))
        .collect()
}

fn compare(name: &str, bytes: &[u8], text: &str) {
    let remuxed = remux(bytes);
    let streams: Vec<_> = recorded(text)
        .into_iter()
        .filter(|stream| !stream.packets.is_empty())
        .collect();
    let origin = remuxed
        .inits
        .first()
        .map_or(0, |init| origin(init, &remuxed.samples, &streams));
    for stream in &streams {
        if matches!(stream.codec.as_str(), "mpeg2video" | "mp2") {
            let is_named = |problem: &Problem| matches!(problem, Problem::UnsupportedCoding { .. });
            assert!(
                remuxed.problems.iter().any(is_named),
                "{name}: {:?}",
                remuxed.problems
            );
            continue;
        }
        let samples = remuxed.of(stream.kind);
        let track = remuxed
            .inits
            .first()
            .and_then(|init| init.tracks.iter().find(|track| track.kind == stream.kind));
        let track =
            track.unwrap_or_else(|| panic!("{name}: no {:?}: {:?}", stream.kind, remuxed.problems));
        let (codec, numbers) = match stream.kind {
            Kind::Video => (
                &track.codec[..4],
                [track.size.0.into(), track.size.1.into()],
            ),
            Kind::Audio => (&track.codec[..4], [track.timescale, track.channels.into()]),
        };
        let known = match stream.codec.as_str() {
            "h264" => "avc1",
            "hevc" => "hvc1",
            "aac" | "mp3" => "mp4a",
            "ac3" => "ac-3",
            _ => "ec-3",
        };
        // AAC may double its rate and its channels without saying so in ADTS (SBR, PS).
        let is_same = numbers
            .iter()
            .zip(stream.numbers)
            .all(|(ours, theirs)| *ours == theirs || codec == "mp4a" && ours * 2 == theirs);
        assert!(
            codec == known && is_same,
            "{name}: {codec} {numbers:?} {known} {:?}",
            stream.numbers
        );

        let expected = expected(stream, &samples);
        for (index, (packet, sample)) in expected.iter().zip(&samples).enumerate() {
            let at = format!("{name}: {:?} {index} of {}", stream.kind, expected.len());
            let ours = fingerprint(sample, &stream.codec);
            assert!(ours == (packet.count, packet.crc), "{at}");
            // A tick of 90 kHz for rounding; audio durations are exact here, and timestamps are not.
            let tolerance = if stream.kind == Kind::Video { 0 } else { 90 };
            for (what, ours, theirs) in [
                ("pts", sample.pts, packet.pts),
                ("dts", sample.dts, packet.dts),
            ] {
                let ours =
                    (i128::from(ours) * 90_000 / i128::from(track.timescale)) as i64 - origin;
                let difference = theirs.map_or(0, |theirs| (ours - theirs).abs());
                assert!(difference <= tolerance, "{at}: {what} {ours} {theirs:?}");
            }
            assert_eq!(sample.is_sync, packet.is_key, "{at}");
        }
        // A picture that the end of the file cuts in two is left out, while ffprobe gives a part of it.
        let is_cut = stream.kind == Kind::Video && !bytes.len().is_multiple_of(PACKET);
        assert_eq!(
            samples.len() + usize::from(is_cut),
            expected.len(),
            "{name}: {:?} {:?}",
            stream.kind,
            remuxed.problems
        );
    }
}

/// What our times are ahead of ffprobe's: those of the first track's first sample.
fn origin(init: &Init, samples: &[Sample], streams: &[Recorded]) -> i64 {
    let track = &init.tracks[0];
    let stream = streams
        .iter()
        .find(|stream| stream.kind == track.kind)
        .unwrap();
    let sample = samples
        .iter()
        .find(|sample| sample.kind == track.kind)
        .unwrap();
    let packet = stream.packets.iter().find(|packet| packet.is_key).unwrap();
    (i128::from(sample.pts) * 90_000 / i128::from(track.timescale)) as i64 - packet.pts.unwrap()
}

#[test]
fn samples_and_times_equal_those_of_ffprobe() {
    let named = |name: &str, default: &str| env::var(name).map_or(folder(default), PathBuf::from);
    let mut names: Vec<_> = fs::read_dir(named("REMUX_STREAMS", "streams"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ts"))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    let mut failed = 0;
    for path in names {
        let name = path.file_stem().unwrap().to_string_lossy();
        let text =
            fs::read_to_string(named("REMUX_DATA", "data").join(format!("{name}.txt"))).unwrap();
        let bytes = fs::read(&path).unwrap();
        failed += usize::from(std::panic::catch_unwind(|| compare(&name, &bytes, &text)).is_err());
    }
    assert_eq!(failed, 0, "streams differ");
}
