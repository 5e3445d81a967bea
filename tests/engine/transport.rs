//! HLS in MPEG-TS.

use std::fs;

use yew_mse_worker::{
    platform::simulated::{BodyFault, Browser, World},
    protocol::Event,
};

use crate::page::{Fault, Page, Site, failure_of, request_count, wait_until};

/// Duration of the streams.
const DURATION_SECONDS: f64 = 8.0;
/// How much may be missing at a boundary: two frames of video.
const TOLERANCE_SECONDS: f64 = 0.2;

/// Plays a stream to its end, and checks that only these gaps are missing.
fn plays_to_the_end(browser: Browser, name: &str, gaps: &[(f64, f64)], seed: u64) -> World {
    let world = World::new(seed, browser);
    let entered = world.enter();
    Site::serve(&world);
    let page = Page::open();
    page.load(&path(name));
    wait_until(&page, 60.0, || page.element.has_ended());
    let context = || format!("{name}, seed {seed}\n{}", world.trace().join("\n"));
    assert_eq!(world.violations(), [""; 0], "{}", context());
    let buffered = page.element.buffered();
    let starts = [0.0].into_iter().chain(gaps.iter().map(|gap| gap.1));
    let ends = gaps.iter().map(|gap| gap.0).chain([DURATION_SECONDS]);
    assert_eq!(buffered.len(), gaps.len() + 1, "{}", context());
    for (range, (start, end)) in buffered.iter().zip(starts.zip(ends)) {
        let mut errors = [range.start - start, range.end - end].into_iter();
        let is_near = errors.all(|error| error.abs() < TOLERANCE_SECONDS);
        assert!(is_near, "{buffered:?}: {}", context());
    }
    drop(entered);
    world
}

fn path(name: &str) -> String {
    format!("tests/media/{name}.m3u8")
}

#[test]
fn muxed_stream_is_played_to_the_end() {
    for seed in 0..5 {
        for browser in [Browser::chromium(), Browser::firefox(), Browser::webkit()] {
            plays_to_the_end(browser, "transport/muxed", &[], seed);
        }
    }
}

#[test]
fn every_form_of_hls_is_played_to_the_end() {
    for seed in 0..3 {
        for name in ["video", "audio", "byterange", "aes", "split-audio", "mixed"] {
            let name = format!("transport/{name}");
            plays_to_the_end(Browser::chromium(), &name, &[], seed);
        }
    }
}

#[test]
fn fragmented_mp4_between_transport_streams_is_played() {
    // The audio of the first segment ends early, because the next one continues it.
    for seed in 0..5 {
        plays_to_the_end(
            Browser::chromium(),
            "transport/discontinuity",
            &[(1.83, 2.03)],
            seed,
        );
    }
}

#[test]
fn missing_segment_leaves_a_gap() {
    for seed in 0..5 {
        plays_to_the_end(Browser::chromium(), "transport/gap", &[(2.0, 4.0)], seed);
    }
}

#[test]
fn remuxer_is_fetched_for_transport_streams_only() {
    let is_fetched = |name| {
        let world = plays_to_the_end(Browser::chromium(), name, &[], 1);
        (world.trace().iter()).any(|line| line.contains("remux_bg.wasm"))
    };
    assert!(is_fetched("transport/muxed"));
    assert!(!is_fetched("packed/muxed"));
}

#[test]
fn stream_without_program_fails_with_its_reason() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    Site::serve(&world);
    let page = Page::open();
    page.load(&path("refused/transport"));
    let reason = failure_of(&page, 60.0);
    let expected = "no program was found in the transport stream";
    assert!(reason.contains(expected), "{reason}");
}

/// A stream with so many null packets after each packet.
fn padded(stream: &[u8], count: usize) -> Vec<u8> {
    let mut null = [0xff; 188];
    null[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    let nulls = null.repeat(count);
    let packets = stream.chunks(188);
    packets
        .flat_map(|packet| [packet, &nulls].concat())
        .collect()
}

#[test]
fn first_frame_is_shown_before_the_segment_is_complete() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let site = Site::serve(&world);
    let file = fs::read("tests/media/transport/muxed-1.ts").unwrap();
    let segment = padded(&file, 20);
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsegment.ts\n#EXT-X-ENDLIST\n";
    site.add_file("media.m3u8", playlist);
    site.add_file("segment.ts", segment.clone());
    // The second half of the segment is held back for a minute.
    let fault = BodyFault::Stalls(segment.len() / 2, 60_000.0);
    site.add_fault("segment.ts", Fault::Body(fault));
    world.set_bandwidth(&[(0.0, 1_000_000.0)]);
    let page = Page::open();
    page.load("media.m3u8");
    wait_until(&page, 20.0, || page.element.position() > 0.0);
    let requests = world.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.received < segment.len() * 6 / 10)
    );
}

fn segment(name: &str) -> Vec<u8> {
    fs::read(format!("tests/media/transport/{name}.ts")).unwrap()
}

/// A playlist of segments of two seconds, after other lines.
fn playlist(lines: &str, segments: &[&str]) -> String {
    let segments: String = (segments.iter())
        .map(|name| format!("#EXTINF:2,\n{name}\n"))
        .collect();
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{lines}{segments}#EXT-X-ENDLIST\n")
}

/// The PID of a packet.
fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// PIDs of the PAT, SDT and PMT that ffmpeg writes.
const TABLES: [u16; 3] = [0, 0x11, 0x1000];

/// The packets of these PIDs, or all others.
fn packets(stream: &[u8], are_of: bool, pids: &[u16]) -> Vec<u8> {
    let packets = stream.chunks(188);
    let chosen = packets.filter(|packet| pids.contains(&pid(packet)) == are_of);
    chosen.flatten().copied().collect()
}

#[test]
fn first_segment_is_requested_once() {
    for name in ["transport/muxed", "transport/aes", "transport/mp3"] {
        let mut browser = Browser::chromium();
        browser.codecs.push("mp4a.6B");
        let world = World::new(1, browser);
        let _entered = world.enter();
        Site::serve(&world);
        let page = Page::open();
        page.load(&path(name));
        wait_until(&page, 60.0, || {
            page.element.position() > 1.0 || page.failure().is_some()
        });
        assert_eq!(request_count("-1.ts"), 1, "{name}");
    }
}

#[test]
fn program_in_the_init_segment_is_read() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let site = Site::serve(&world);
    for number in 1..=4 {
        let bytes = packets(&segment(&format!("muxed-{number}")), false, &TABLES);
        site.add_file(&format!("{number}.ts"), bytes);
    }
    site.add_file("map.ts", packets(&segment("muxed-1"), true, &TABLES));
    let names = ["1.ts", "2.ts", "3.ts", "4.ts"];
    site.add_file(
        "media.m3u8",
        playlist("#EXT-X-MAP:URI=\"map.ts\"\n", &names),
    );
    let page = Page::open();
    page.load("media.m3u8");
    wait_until(&page, 60.0, || page.element.has_ended());
    assert_eq!(page.failure(), None);
    assert_eq!(page.element.buffered().len(), 1);
    // After a seek, too.
    page.load_from("media.m3u8", 5.0);
    wait_until(&page, 60.0, || page.element.position() > 6.0);
    assert_eq!(page.failure(), None);
}

/// Plays a playlist of these segments to its end. Returns how many seconds were played, and the number of MediaSources.
fn play_segments(seed: u64, lines: &str, names: &[&str; 4]) -> (f64, usize) {
    let world = World::new(seed, Browser::chromium());
    let _entered = world.enter();
    let site = Site::serve(&world);
    site.add_file("map.ts", packets(&segment("muxed-1"), true, &TABLES));
    for name in names {
        site.add_file(name, segment(name));
    }
    site.add_file("media.m3u8", playlist(lines, names));
    let page = Page::open();
    page.load("media.m3u8");
    wait_until(&page, 60.0, || page.element.has_ended());
    assert_eq!(page.failure(), None, "{}", world.trace().join("\n"));
    let played = page.element.played();
    let seconds = played.iter().map(|range| range.end - range.start).sum();
    let is_ready = |event: &Event| matches!(event, Event::MediaSourceReady { .. });
    (seconds, page.count_events(is_ready))
}

#[test]
fn audio_that_goes_and_comes_needs_other_sources() {
    // Packets with the program may be the init segment of all of them.
    for lines in ["", "#EXT-X-MAP:URI=\"map.ts\"\n"] {
        for seed in 0..3 {
            // The audio is heard again from the segment after the first one that has it.
            let names = ["muxed-1", "video-2", "muxed-3", "muxed-4"];
            let (seconds, sources) = play_segments(seed, lines, &names);
            assert!(seconds > 7.5, "{seconds} s, seed {seed} {lines}");
            assert_eq!(sources, 3, "seed {seed} {lines}");
        }
    }
}

#[test]
fn audio_in_the_middle_of_the_stream_is_heard() {
    let names = ["video-1", "muxed-2", "muxed-3", "muxed-4"];
    assert_eq!(play_segments(1, "", &names).1, 2);
}

#[test]
fn audio_that_the_browser_does_not_decode_is_named() {
    let world = plays_to_the_end(Browser::chromium(), "transport/ac3", &[], 1);
    drop(world);
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    Site::serve(&world);
    let page = Page::open();
    page.load(&path("transport/ac3"));
    wait_until(&page, 60.0, || page.element.position() > 0.0);
    let is_told = |event: &Event| {
        matches!(event, Event::TracksLeftOut { tracks, .. }
            if tracks[0].reason.contains("AC-3 in MPEG-TS (PID 257)"))
    };
    assert!(page.has_received(is_told));
}

#[test]
fn incomplete_picture_at_the_end_is_left_out() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let site = Site::serve(&world);
    let bytes = segment("video-1");
    site.add_file("1.ts", &bytes[..bytes.len() * 2 / 3 + 77]);
    site.add_file("media.m3u8", playlist("", &["1.ts"]));
    let page = Page::open();
    page.load("media.m3u8");
    wait_until(&page, 60.0, || page.element.has_ended());
    assert_eq!(page.failure(), None);
}
