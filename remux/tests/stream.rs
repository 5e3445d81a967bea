//! What is remuxed does not depend on how the input is divided, and goes on after whatever is broken.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Remuxed, Sample, nal_units, remux, remux_in, stream};
use proptest::{collection::vec, prelude::*, sample::Index};
use remux::{Kind, MetadataKind, Output, Problem, Remuxer, Wanted, packets::PACKET, time::WRAP};

/// Small streams, one for each coding.
const SMALL: [&str; 8] = [
    "muxed",
    "wrap",
    "open-gop",
    "open-gop-h265",
    "no-delimiters",
    "ac3",
    "eac3",
    "blue",
];

fn comparable(remuxed: &Remuxed) -> (Vec<Sample>, Vec<Sample>, Vec<Vec<u8>>) {
    let inits = remuxed
        .inits
        .iter()
        .map(|init| init.bytes.clone())
        .collect();
    (remuxed.of(Kind::Video), remuxed.of(Kind::Audio), inits)
}

/// The packets' PIDs, and where packets of `pid` begin.
fn packets_of(bytes: &[u8], pid: u16) -> Vec<usize> {
    (0..bytes.len() / PACKET)
        .map(|index| index * PACKET)
        .filter(|at| u16::from_be_bytes([bytes[at + 1] & 0x1f, bytes[at + 2]]) == pid)
        .collect()
}

#[test]
fn samples_are_the_same_byte_by_byte() {
    for name in SMALL {
        let bytes = stream(name);
        let whole = remux(&bytes);
        assert!(!whole.samples.is_empty(), "{name}");
        assert_eq!(
            comparable(&remux_in(&bytes, &[1])),
            comparable(&whole),
            "{name}"
        );
        assert_eq!(remux_in(&bytes, &[1]).metadata, whole.metadata, "{name}");
    }
}

#[test]
fn samples_of_all_streams_are_the_same_in_parts() {
    for entry in std::fs::read_dir(common::folder("streams")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ts") {
            let bytes = std::fs::read(&path).unwrap();
            let whole = remux(&bytes);
            for size in [PACKET, 1000, 65_536] {
                assert!(
                    comparable(&remux_in(&bytes, &[size])) == comparable(&whole),
                    "{path:?} {size}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn samples_are_the_same_however_the_stream_is_divided(
        name in prop::sample::select(&SMALL[..]),
        sizes in vec(1usize..2000, 1..40),
    ) {
        let bytes = stream(name);
        prop_assert!(comparable(&remux_in(&bytes, &sizes)) == comparable(&remux(&bytes)));
    }

    #[test]
    fn lost_packet_leaves_the_rest_as_it_was(
        name in prop::sample::select(&["open-gop", "open-gop-h265", "wrap", "ac3"][..]),
        lost in any::<Index>(),
        count in 1usize..15,
    ) {
        let bytes = stream(name);
        let from = lost.index(bytes.len() / PACKET);
        let to = (from + count).min(bytes.len() / PACKET);
        let torn = [&bytes[..from * PACKET], &bytes[to * PACKET..]].concat();
        let (whole, torn) = (remux(&bytes), remux(&torn));
        // A sample is one of the whole stream, or is not there.
        for kind in [Kind::Video, Kind::Audio] {
            let all = whole.of(kind);
            let mut known = all.iter();
            let mut samples = torn.of(kind);
            // Where the end is lost, nothing tells that the last access unit is not whole.
            samples.pop();
            for sample in samples {
                let is_same = |known: &Sample| known.data == sample.data && known.dts == sample.dts;
                prop_assert!(known.any(is_same), "{kind:?} {}", sample.dts);
            }
        }
    }

    #[test]
    fn broken_streams_do_no_harm(
        name in prop::sample::select(&SMALL[..]),
        changes in vec((any::<Index>(), any::<u8>(), 0u8..5), 1..30),
        sizes in vec(1usize..5000, 1..10),
    ) {
        let mut bytes = stream(name);
        for (index, value, change) in changes {
            let at = index.index(bytes.len());
            let packet = at / PACKET * PACKET;
            match change {
                0 => bytes[at] = value,
                1 => bytes[at] ^= 1 << (value & 7),
                2 => drop(bytes.remove(at)),
                3 => {
                    let repeated = bytes[packet..bytes.len().min(packet + PACKET)].to_vec();
                    bytes.splice(packet..packet, repeated);
                }
                _ => {
                    let end = bytes.len().min(packet + 16);
                    bytes[packet..end].fill(value);
                }
            }
            prop_assert!(!bytes.is_empty());
        }
        let remuxed = remux_in(&bytes, &sizes);
        let payload: usize = remuxed.samples.iter().map(|sample| sample.data.len()).sum();
        prop_assert!(payload <= bytes.len() * 2);
        prop_assert!(comparable(&remuxed) == comparable(&remux(&bytes)));
    }

    #[test]
    fn noise_gives_no_samples(bytes in vec(any::<u8>(), 0..5000)) {
        prop_assert!(remux(&bytes).samples.is_empty());
    }
}

#[test]
fn repeated_packets_change_nothing() {
    let bytes = stream("wrap");
    let twice: Vec<u8> = bytes
        .chunks(PACKET)
        .flat_map(|packet| [packet, packet].concat())
        .collect();
    assert_eq!(comparable(&remux(&twice)), comparable(&remux(&bytes)));
}

#[test]
fn video_resumes_at_next_random_access_point_after_a_loss() {
    let bytes = stream("open-gop-h265");
    let whole = remux(&bytes).of(Kind::Video);
    let packets = packets_of(&bytes, 0x100);
    // In the second picture or so.
    let at = packets[packets.len() / 8];
    let torn = remux(&[&bytes[..at], &bytes[at + PACKET..]].concat());
    let pid = 0x100;
    assert!(
        torn.problems
            .iter()
            .any(|problem| matches!(problem, Problem::Lost { pid: it, .. } if *it == pid))
    );
    let samples = torn.of(Kind::Video);
    let resumed = samples
        .iter()
        .position(|sample| sample.is_sync && sample.dts > whole[0].dts)
        .unwrap();
    assert!(
        samples[..resumed]
            .iter()
            .all(|sample| whole.contains(sample) || sample.dts < samples[resumed].dts)
    );
    assert!(samples.len() < whole.len());
    let sync = whole
        .iter()
        .position(|sample| sample.dts == samples[resumed].dts)
        .unwrap();
    // Leading pictures of the open GOP are left out, and all the others are there.
    let left_out = whole.len() - sync - (samples.len() - resumed);
    assert!(
        whole[sync + 1..=sync + left_out]
            .iter()
            .all(|sample| sample.pts < samples[resumed].pts)
    );
}

#[test]
fn times_go_on_across_the_wrap() {
    let remuxed = remux(&stream("wrap"));
    for kind in [Kind::Video, Kind::Audio] {
        let samples = remuxed.of(kind);
        assert!(
            samples
                .windows(2)
                .all(|two| two[1].dts == two[0].dts + i64::from(two[0].duration))
        );
    }
    let video = remuxed.of(Kind::Video);
    assert!(video[0].dts < 2 * WRAP && video[video.len() - 1].dts > 2 * WRAP);
}

#[test]
fn expected_time_places_a_stream_after_a_seek() {
    let mut remuxer = Remuxer::new(Wanted::default(), Some(7 * WRAP + 20 * 90_000));
    let mut remuxed = Remuxed::default();
    remuxer.push(&stream("open-gop"));
    remuxer.flush();
    remuxed.take(&mut remuxer);
    let first = remuxed.samples[0].dts;
    assert!(
        (7 * WRAP..7 * WRAP + 3 * 90_000).contains(&first),
        "{first}"
    );
}

#[test]
fn first_picture_comes_before_the_stream_is_complete() {
    let bytes = stream("wrap");
    let mut remuxer = Remuxer::new(Wanted::default(), None);
    let mut remuxed = Remuxed::default();
    remuxer.push(&bytes[..bytes.len() / 2]);
    remuxed.take(&mut remuxer);
    assert_eq!(remuxed.inits.len(), 1);
    assert_eq!(
        remuxed.inits[0].mime(),
        "video/mp4; codecs=\"avc1.64000b,mp4a.40.2\""
    );
    let video = remuxed.of(Kind::Video);
    assert!(video[0].is_sync && video.len() > 10, "{}", video.len());
    assert!(remuxed.of(Kind::Audio).len() > 10);
}

#[test]
fn frame_across_segments_is_whole() {
    // Cut where no packet of a unit begins: segments whose frames overflow.
    let bytes = stream("wrap");
    let starts_unit = |at: usize| bytes[at + 1] & 0x40 != 0;
    let cut = (60..)
        .map(|index| index * PACKET)
        .find(|at| !starts_unit(*at))
        .unwrap();
    let mut remuxer = Remuxer::new(Wanted::default(), None);
    let mut remuxed = Remuxed::default();
    remuxer.push(&bytes[..cut]);
    remuxer.next_segment();
    // Counters begin anew.
    let mut second = bytes[cut..].to_vec();
    for packet in second.chunks_mut(PACKET) {
        packet[3] = packet[3] & 0xf0 | packet[3].wrapping_add(5) & 0xf;
    }
    remuxer.push(&second);
    remuxer.flush();
    remuxed.take(&mut remuxer);
    assert_eq!(comparable(&remuxed), comparable(&remux(&bytes)));
}

/// Asserts that all pictures are those of the whole stream.
fn assert_complete(pictures: &[Sample], whole: &[Sample], context: &str) {
    for picture in pictures {
        let is_same = |known: &Sample| known.data == picture.data && known.dts == picture.dts;
        assert!(whole.iter().any(is_same), "{context}: {}", picture.dts);
    }
}

/// Asserts that a segment that ends within a stream, before a segment with all of it, spoils only the picture at its end.
fn assert_cut_spoils_one_picture(bytes: &[u8], end: usize, whole: &[Sample], name: &str) {
    let (mut remuxer, mut remuxed) = (Remuxer::new(Wanted::default(), None), Remuxed::default());
    remuxer.push(&bytes[..end]);
    remuxer.next_segment();
    remuxer.push(bytes);
    remuxer.flush();
    remuxed.take(&mut remuxer);
    let pictures = remuxed.of(Kind::Video);
    assert_complete(&pictures, whole, &format!("{name} {end}"));
    assert!(pictures.len() >= whole.len(), "{name} {end}");
}

#[test]
fn picture_that_the_end_cuts_is_dropped() {
    for name in ["no-delimiters", "open-gop", "open-gop-h265", "wrap", "blue"] {
        let bytes = stream(name);
        let whole = remux(&bytes).of(Kind::Video);
        for end in (bytes.len() / 3..bytes.len()).step_by(371) {
            let boundary = end / PACKET * PACKET;
            for end in [end, boundary] {
                let pictures = remux(&bytes[..end]).of(Kind::Video);
                assert_complete(&pictures, &whole, &format!("{name} {end}"));
            }
        }
    }
}

#[test]
fn segment_that_ends_in_a_packet_spoils_no_other_picture() {
    for name in ["wrap", "open-gop-h265"] {
        let bytes = stream(name);
        let whole = remux(&bytes).of(Kind::Video);
        for end in (bytes.len() / 3..bytes.len() / 2).step_by(1171) {
            assert_cut_spoils_one_picture(&bytes, end, &whole, name);
        }
    }
}

/// The stream with the lengths of its PES packets of video, which ffmpeg leaves out.
fn with_lengths(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut lengths: Vec<(usize, usize)> = Vec::new();
    for at in packets_of(&bytes, 0x100) {
        let fields = match bytes[at + 3] & 0x20 {
            0 => 4,
            _ => 5 + usize::from(bytes[at + 4]),
        };
        if bytes[at + 1] & 0x40 != 0 {
            lengths.push((at + fields + 4, 0));
        }
        let (_, length) = lengths.last_mut().unwrap();
        *length += PACKET - fields;
    }
    for (at, length) in lengths {
        let length = u16::try_from(length - 6).unwrap();
        bytes[at..at + 2].copy_from_slice(&length.to_be_bytes());
    }
    bytes
}

#[test]
fn picture_shorter_than_its_packet_says_is_dropped() {
    let bytes = with_lengths(&stream("wrap"));
    let whole = remux(&bytes).of(Kind::Video);
    assert!(whole == remux(&stream("wrap")).of(Kind::Video));
    let packets = bytes.len() / PACKET;
    for end in (packets / 3..packets / 2).map(|index| index * PACKET) {
        assert_cut_spoils_one_picture(&bytes, end, &whole, "lengths");
    }
}

#[test]
fn segments_that_follow_each_other_leave_no_gap() {
    let (mut remuxer, mut remuxed) = (Remuxer::new(Wanted::default(), None), Remuxed::default());
    for name in ["aac-0", "aac-1"] {
        remuxer.next_segment();
        remuxer.push(&stream(name));
        remuxed.take(&mut remuxer);
    }
    remuxer.flush();
    remuxed.take(&mut remuxer);
    let samples = remuxed.of(Kind::Audio);
    // As many as ffprobe finds in both.
    assert_eq!(samples.len(), 186 + 186);
    let follows = |two: &[Sample]| two[1].dts == two[0].dts + i64::from(two[0].duration);
    assert!(samples.windows(2).all(follows));
    assert_eq!((remuxed.inits.len(), remuxed.problems), (1, vec![]));
}

#[test]
fn packets_before_the_program_are_not_lost() {
    let bytes = stream("muxed");
    let is_table = |packet: &&[u8]| {
        matches!(
            [packet[1] & 0x1f, packet[2]],
            [0, 0] | [0x0f, 0xff] | [0x10, 0]
        )
    };
    let tables: Vec<u8> = bytes
        .chunks(PACKET)
        .filter(is_table)
        .take(3)
        .flatten()
        .copied()
        .collect();
    assert!(!tables.is_empty());
    let others: Vec<u8> = bytes
        .chunks(PACKET)
        .filter(|packet| !is_table(packet))
        .flatten()
        .copied()
        .collect();
    let late = [others.as_slice(), &tables].concat();
    assert_eq!(comparable(&remux(&late)), comparable(&remux(&bytes)));
}

#[test]
fn parameter_sets_and_delimiters_are_not_in_samples() {
    for (name, forbidden) in [("wrap", vec![7, 8, 9, 12]), ("b-frames", vec![7, 8, 9, 12])] {
        for sample in remux(&stream(name)).of(Kind::Video) {
            for unit in nal_units(&sample.data) {
                assert!(!forbidden.contains(&(unit[0] & 0x1f)), "{name}");
            }
        }
    }
}

#[test]
fn captions_come_with_their_times() {
    let remuxed = remux(&stream("captions"));
    let captions: Vec<_> = remuxed
        .metadata
        .iter()
        .filter(|it| it.kind == MetadataKind::Captions)
        .collect();
    assert!(!captions.is_empty());
    let video = remuxed.of(Kind::Video);
    for caption in captions {
        assert_eq!(caption.bytes.len() % 3, 0);
        assert!(video.iter().any(|sample| sample.pts == caption.pts));
    }
}

#[test]
fn id3_tags_come_whole() {
    let remuxed = remux(&stream("id3"));
    assert!(!remuxed.metadata.is_empty());
    for metadata in &remuxed.metadata {
        assert_eq!(metadata.kind, MetadataKind::Id3);
        assert!(metadata.bytes.starts_with(b"ID3"));
        assert!(metadata.bytes.len() > 10);
    }
}

#[test]
fn discontinuity_starts_a_new_configuration() {
    let (mut remuxer, mut remuxed) = (Remuxer::new(Wanted::default(), None), Remuxed::default());
    for name in ["muxed", "h265"] {
        remuxer.push(&stream(name));
        remuxer.flush();
        remuxed.take(&mut remuxer);
        remuxer.start(Wanted::default(), None);
    }
    let mimes: Vec<_> = remuxed.inits.iter().map(remux::Init::mime).collect();
    let [first, second] = mimes.as_slice() else {
        panic!("{mimes:?}");
    };
    assert!(
        first.contains("avc1.") && second.contains("hvc1."),
        "{mimes:?}"
    );
}

#[test]
fn program_that_changes_in_the_stream_is_followed() {
    let remuxed = remux(&[stream("open-gop"), stream("ac3"), stream("wrap")].concat());
    let mimes: Vec<_> = remuxed.inits.iter().map(remux::Init::mime).collect();
    assert_eq!(mimes.len(), 3, "{mimes:?}");
    assert!(
        mimes[0].contains("\"avc1") && mimes[1].contains("\"ac-3\"") && mimes[2].contains(",mp4a"),
        "{mimes:?}"
    );
    for name in ["open-gop", "ac3", "wrap"] {
        for sample in remux(&stream(name)).samples.iter().skip(4) {
            assert!(
                remuxed.samples.iter().any(|it| it.data == sample.data),
                "{name}"
            );
        }
    }
}

#[test]
fn announced_track_without_packets_is_left_out() {
    let bytes = stream("wrap");
    let is_audio = |packet: &[u8]| [packet[1] & 0x1f, packet[2]] == [1, 1];
    let silent: Vec<u8> = bytes
        .chunks(PACKET)
        .filter(|packet| !is_audio(packet))
        .flatten()
        .copied()
        .collect();
    let remuxed = remux(&silent);
    assert_eq!(remuxed.inits.len(), 1);
    assert_eq!(remuxed.inits[0].tracks.len(), 1);
    assert_eq!(remuxed.of(Kind::Video), remux(&bytes).of(Kind::Video));
}

#[test]
fn audio_that_begins_late_is_waited_for() {
    let bytes = stream("wrap");
    let is_audio = |packet: &[u8]| [packet[1] & 0x1f, packet[2]] == [1, 1];
    let (audio, others): (Vec<_>, Vec<_>) =
        bytes.chunks(PACKET).partition(|packet| is_audio(packet));
    let late = [others.concat(), audio.concat()].concat();
    assert_eq!(
        comparable(&remux_in(&late, &[5000])),
        comparable(&remux(&bytes))
    );
}

#[test]
fn track_that_begins_after_the_init_segment_is_named() {
    let bytes = stream("wrap");
    let is_audio = |packet: &[u8]| [packet[1] & 0x1f, packet[2]] == [1, 1];
    let (audio, others): (Vec<_>, Vec<_>) =
        bytes.chunks(PACKET).partition(|packet| is_audio(packet));
    let (mut remuxer, mut remuxed) = (Remuxer::new(Wanted::default(), None), Remuxed::default());
    for part in [others, audio] {
        remuxer.push(&part.concat());
        remuxer.flush();
        remuxed.take(&mut remuxer);
    }
    assert_eq!(remuxed.inits.len(), 1);
    assert!(remuxed.of(Kind::Audio).is_empty());
    assert!(
        remuxed
            .problems
            .contains(&Problem::LateTrack { kind: Kind::Audio })
    );
}

#[test]
fn only_wanted_tracks_are_remuxed() {
    let mut remuxer = Remuxer::new(
        Wanted {
            video: false,
            ..Wanted::default()
        },
        None,
    );
    let mut remuxed = Remuxed::default();
    remuxer.push(&stream("muxed"));
    remuxer.flush();
    remuxed.take(&mut remuxer);
    assert_eq!(remuxed.inits[0].mime(), "audio/mp4; codecs=\"mp4a.40.2\"");
    assert!(remuxed.of(Kind::Video).is_empty());
}

#[test]
fn what_is_no_transport_stream_is_named() {
    assert!(matches!(
        remux(&[0x55; 3000]).problems[..],
        [Problem::NoPackets { .. }]
    ));
    let null = [&[0x47, 0x1f, 0xff, 0x10][..], &[0; 184]].concat();
    assert_eq!(remux(&null.repeat(5)).problems, [Problem::NoProgram]);
    assert!(remux(&[]).problems.is_empty());
}

/// CRC-32 of sections.
fn section_crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| step(crc))
    })
}

/// The stream with other stream types in its PMT.
fn retyped(bytes: &[u8], types: &[(u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in packets_of(&bytes, 0x1000) {
        let section = at + 5;
        let length = 3 + usize::from(bytes[section + 2]);
        let end = section + length - 4;
        let mut stream = section + 12 + usize::from(bytes[section + 11]);
        while stream < end {
            if let Some((_, new)) = types.iter().find(|(old, _)| *old == bytes[stream]) {
                bytes[stream] = *new;
            }
            stream += 5 + usize::from(bytes[stream + 4]);
        }
        let crc = section_crc(&bytes[section..end]);
        bytes[end..end + 4].copy_from_slice(&crc.to_be_bytes());
    }
    bytes
}

#[test]
fn latm_and_sample_aes_are_named_and_the_rest_is_played() {
    let bytes = stream("wrap");
    let latm = remux(&retyped(&bytes, &[(0x0f, 0x11)]));
    assert_eq!(
        latm.problems,
        [Problem::UnsupportedCoding {
            pid: 0x101,
            name: "AAC in LATM"
        }]
    );
    assert_eq!(latm.of(Kind::Video), remux(&bytes).of(Kind::Video));
    let encrypted = remux(&retyped(&bytes, &[(0x1b, 0xdb)]));
    assert_eq!(
        encrypted.problems,
        [Problem::SampleAes {
            pid: 0x100,
            name: "H.264"
        }]
    );
    assert_eq!(encrypted.of(Kind::Audio), remux(&bytes).of(Kind::Audio));
}

#[test]
fn scrambled_packets_are_named() {
    let mut bytes = stream("muxed");
    for at in packets_of(&bytes, 0x100) {
        bytes[at + 3] |= 0x80;
    }
    let remuxed = remux(&bytes);
    assert!(
        remuxed
            .problems
            .contains(&Problem::Scrambled { pid: 0x100 }),
        "{:?}",
        remuxed.problems
    );
    assert!(!remuxed.of(Kind::Audio).is_empty());
}

#[test]
fn fragments_of_a_long_push_stay_small() {
    let bytes = stream("b-frames").repeat(20);
    let mut remuxer = Remuxer::new(Wanted::default(), None);
    remuxer.push(&bytes);
    remuxer.flush();
    let mut count = 0;
    while let Some(output) = remuxer.take() {
        if let Output::Fragment(fragment) = output {
            count += 1;
            assert!(fragment.bytes().len() < 3 << 20);
        }
    }
    assert!(count > 5);
}

/// A PMT of these types and PIDs, in a packet.
fn program_map(number: u8, version: u8, streams: &[(u8, u16)]) -> Vec<u8> {
    let mut section = vec![
        2,
        0xb0,
        0,
        0,
        number,
        0xc1 | version << 1,
        0,
        0,
        0xe1,
        0,
        0xf0,
        0,
    ];
    for (stream_type, pid) in streams {
        let [high, low] = pid.to_be_bytes();
        section.extend_from_slice(&[*stream_type, 0xe0 | high, low, 0xf0, 0]);
    }
    section[2] = u8::try_from(section.len() + 4 - 3).unwrap();
    let crc = section_crc(&section);
    section.extend_from_slice(&crc.to_be_bytes());
    let mut packet = [&[0x47, 0x50, 0, 0x10, 0], section.as_slice()].concat();
    packet.resize(PACKET, 0xff);
    packet
}

const VIDEO: (u8, u16) = (0x1b, 0x100);
const AUDIO: (u8, u16) = (0x0f, 0x101);

/// The stream without its PMTs, with these instead, each before the packet of this index.
fn with_maps(bytes: &[u8], maps: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let is_map = |packet: &[u8]| [packet[1] & 0x1f, packet[2]] == [0x10, 0];
    let packets = bytes.chunks(PACKET).filter(|packet| !is_map(packet));
    let mut changed = Vec::new();
    let mut continuity = 0;
    for (index, packet) in packets.enumerate() {
        for (_, map) in maps.iter().filter(|(at, _)| *at == index) {
            let mut map = map.clone();
            map[3] |= continuity;
            continuity = (continuity + 1) & 0xf;
            changed.extend_from_slice(&map);
        }
        changed.extend_from_slice(packet);
    }
    changed
}

/// Positions among the packets that are no PMTs: after SDT and PAT, and in the middle.
fn two_places(bytes: &[u8]) -> [usize; 2] {
    [2, bytes.len() / PACKET / 2]
}

#[test]
fn audio_that_is_removed_or_added_leaves_the_pictures_whole() {
    let bytes = stream("wrap");
    let whole = remux(&bytes).of(Kind::Video);
    let [first, middle] = two_places(&bytes);
    for (one, other, mimes) in [
        (&[VIDEO][..], &[VIDEO, AUDIO][..], [1, 2]),
        (&[VIDEO, AUDIO], &[VIDEO], [2, 1]),
    ] {
        for at in middle..middle + 5 {
            let maps = [
                (first, program_map(1, 0, one)),
                (at, program_map(1, 1, other)),
            ];
            let remuxed = remux(&with_maps(&bytes, &maps));
            assert!(remuxed.of(Kind::Video) == whole, "{at}");
            let tracks: Vec<_> = remuxed.inits.iter().map(|init| init.tracks.len()).collect();
            assert_eq!(tracks, mimes);
            let audio = remuxed.of(Kind::Audio);
            assert!(audio.len() > 5, "{}", audio.len());
            assert_eq!(remuxed.problems, []);
        }
    }
}

#[test]
fn new_version_of_the_program_changes_nothing() {
    let bytes = stream("wrap");
    let [first, middle] = two_places(&bytes);
    let map = |version| program_map(1, version, &[VIDEO, AUDIO, (0x15, 0x102)]);
    for at in middle..middle + 5 {
        let remuxed = remux(&with_maps(&bytes, &[(first, map(0)), (at, map(1))]));
        assert!(comparable(&remuxed) == comparable(&remux(&bytes)));
    }
}

#[test]
fn audio_goes_on_under_another_pid() {
    let bytes = stream("wrap");
    let [first, middle] = two_places(&bytes);
    let other = (0x0f, 0x121);
    let mut maps = vec![(first, program_map(1, 0, &[VIDEO, AUDIO]))];
    maps.push((middle, program_map(1, 1, &[VIDEO, other])));
    let mut changed = with_maps(&bytes, &maps);
    let from = changed.len() / PACKET / 2;
    for packet in changed.chunks_mut(PACKET).skip(from) {
        if [packet[1] & 0x1f, packet[2]] == [1, 1] {
            packet[2] = 0x21;
        }
    }
    let remuxed = remux(&changed);
    assert!(remuxed.of(Kind::Video) == remux(&bytes).of(Kind::Video));
    assert_eq!(remuxed.inits.len(), 1);
    let (all, audio) = (remux(&bytes).of(Kind::Audio), remuxed.of(Kind::Audio));
    // A PES packet is cut in two.
    assert!(
        audio.len() + 20 > all.len(),
        "{} of {}",
        audio.len(),
        all.len()
    );
    let last = |samples: &[Sample]| samples.last().map(|sample| sample.dts);
    assert_eq!(last(&audio), last(&all));
}

#[test]
fn map_of_another_program_on_the_same_pid_is_ignored() {
    let bytes = stream("wrap");
    let [first, middle] = two_places(&bytes);
    let own = program_map(1, 0, &[VIDEO, AUDIO]);
    let foreign = program_map(2, 0, &[(0x0f, 0x300)]);
    let maps = [first, middle, middle + 9].map(|at| [(at, foreign.clone()), (at, own.clone())]);
    let remuxed = remux(&with_maps(&bytes, maps.as_flattened()));
    assert!(comparable(&remuxed) == comparable(&remux(&bytes)));
}

#[test]
fn second_audio_is_taken_where_the_first_is_not_decoded() {
    let bytes = stream("wrap");
    let map = program_map(1, 0, &[VIDEO, (0x81, 0x130), AUDIO]);
    let wanted = Wanted {
        ac3: false,
        ..Wanted::default()
    };
    let (mut remuxer, mut remuxed) = (Remuxer::new(wanted, None), Remuxed::default());
    remuxer.push(&with_maps(&bytes, &[(2, map)]));
    remuxer.flush();
    remuxed.take(&mut remuxer);
    assert!(comparable(&remuxed) == comparable(&remux(&bytes)));
    let (pid, name) = (0x130, "AC-3");
    assert_eq!(remuxed.problems, [Problem::UnsupportedCoding { pid, name }]);
}

#[test]
fn private_stream_is_named_if_there_is_nothing_else() {
    let bytes = stream("wrap");
    let named = |streams: &[(u8, u16)]| {
        let problems = remux(&with_maps(&bytes, &[(2, program_map(1, 0, streams))])).problems;
        let names = problems.iter().filter_map(|problem| match problem {
            Problem::UnsupportedCoding { name, .. } => Some(*name),
            _ => None,
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(named(&[(0x06, 0x100), (0x99, 0x101)]), ["a private stream"]);
    assert_eq!(named(&[(0x06, 0x100), (0x02, 0x101)]), ["MPEG-2 video"]);
    assert_eq!(named(&[(0x06, 0x102), VIDEO]), [""; 0]);
}

#[test]
fn mpeg_audio_is_written_as_it_is_where_mp4_does_not_have_it() {
    let bytes = stream("mp3");
    let wanted = Wanted {
        mp3_in_mp4: false,
        ..Wanted::default()
    };
    let mut remuxer = Remuxer::new(wanted, None);
    remuxer.push(&bytes);
    remuxer.flush();
    let (mut mimes, mut frames, mut end) = (Vec::new(), Vec::new(), None);
    while let Some(output) = remuxer.take() {
        match output {
            Output::Init(init) => mimes.push((init.mime(), init.bytes.len())),
            Output::Fragment(fragment) => {
                assert!(end.is_none_or(|end| end == fragment.start));
                end = Some(fragment.end);
                frames.extend_from_slice(fragment.bytes());
                remuxer.recycle(fragment);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(mimes, [("audio/mpeg".to_owned(), 0)]);
    let audio = remux(&bytes).of(Kind::Audio);
    let data: Vec<u8> = audio.into_iter().flat_map(|sample| sample.data).collect();
    assert!(frames == data);
}
