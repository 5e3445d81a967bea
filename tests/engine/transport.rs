//! HLS in MPEG-TS.

use std::fs;

use yew_mse_worker::platform::simulated::{BodyFault, Browser, World};

use crate::page::{Fault, Page, Site, failure_of, wait_until};

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
