//! Media files by URL, with and without an index.

use std::{fs, path::Path};

use crate::page::{ORIGIN, Page};
use yew_mse_worker::{
    platform::{
        Bytes, FileHandle, Request,
        simulated::{Answer, Browser, Ended, Reply, World},
    },
    protocol::{Event, LeftOutTrack, PlaybackError, milestone::Milestone},
};

/// Duration of the files.
const DURATION_SECONDS: f64 = 6.0;
/// By how much the first and the last frame may be off.
const TOLERANCE_SECONDS: f64 = 0.13;

/// Serves the files of the remuxer's tests.
fn serve(request: &Request, _at_ms: f64) -> Answer {
    let path = request.url.strip_prefix(ORIGIN).unwrap_or_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("remux/tests/files");
    Answer::Response(match fs::read(folder.join(path)) {
        Ok(file) => Reply::file(&Bytes::from(file.as_slice()), request),
        Err(_) => Reply::status(404),
    })
}

fn plays_to_the_end(browser: Browser, name: &str, seed: u64) {
    let context = format!("{name}, seed {seed}");
    let world = World::new(seed, browser);
    let _entered = world.enter();
    world.serve(serve);
    let page = Page::open();
    page.load(name);
    let ended = world.run_until(60_000.0, || {
        page.element.has_ended() || page.failure().is_some()
    });
    let trace = world.trace().join("\n");
    assert_eq!(page.failure(), None, "{context}\n{trace}");
    assert_eq!(ended, Ended::Done, "{context}\n{trace}");
    assert!(page.has_reached(Milestone::EndOfStream), "{context}");
    assert_eq!(world.violations(), [""; 0], "{context}\n{trace}");
    let buffered = page.element.buffered();
    let [range] = &buffered[..] else {
        panic!("{context}: {buffered:?}\n{trace}");
    };
    let errors = [range.start, range.end - DURATION_SECONDS];
    assert!(
        errors.iter().all(|error| error.abs() < TOLERANCE_SECONDS),
        "{context}: {buffered:?}\n{trace}"
    );
}

#[test]
fn progressive_files_are_played_to_the_end() {
    for seed in 0..3 {
        for name in [
            "first.mp4",
            "last.mp4",
            "wide.mp4",
            "negative.mp4",
            "quicktime.mov",
        ] {
            for browser in [Browser::chromium(), Browser::firefox(), Browser::webkit()] {
                plays_to_the_end(browser, name, seed);
            }
        }
    }
}

#[test]
fn fragmented_files_are_played_to_the_end() {
    for seed in 0..3 {
        for name in [
            "sidx.mp4",
            "mfra.mp4",
            "neither.mp4",
            "offsets.mp4",
            "dash.mp4",
            "default-base.mp4",
        ] {
            plays_to_the_end(Browser::chromium(), name, seed);
        }
    }
}

#[test]
fn matroska_files_are_converted_and_played_to_the_end() {
    for seed in 0..3 {
        for name in ["h264-aac.mkv", "laced.mkv", "live.mkv"] {
            for browser in [Browser::chromium(), Browser::firefox(), Browser::webkit()] {
                plays_to_the_end(browser, name, seed);
            }
        }
    }
}

#[test]
fn tracks_that_are_left_out_are_named() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    world.serve(serve);
    let page = Page::open();
    page.load("vp8-aac.mkv");
    world.run_until(60_000.0, || page.element.has_ended());
    assert_eq!(page.failure(), None);
    assert!(page.element.has_ended());
    let left_out = LeftOutTrack {
        name: "video track (vp8)".into(),
        reason: "this browser does not decode it".into(),
    };
    let is_named = |event: &Event| match event {
        Event::TracksLeftOut { tracks, .. } => tracks == std::slice::from_ref(&left_out),
        _ => false,
    };
    assert_eq!(page.count_events(is_named), 1);
}

#[test]
fn file_that_the_browser_cannot_decode_fails_with_its_codecs() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    world.serve(serve);
    let page = Page::open();
    page.load("vp8-vorbis.webm");
    world.run_until(30_000.0, || page.failure().is_some());
    let Some(PlaybackError::UnsupportedCodec { mime }) = page.failure() else {
        panic!("{:?}", page.failure());
    };
    assert_eq!(
        mime,
        "video/webm; codecs=\"vp8\", audio/webm; codecs=\"vorbis\""
    );
}

#[test]
fn file_without_index_fails_with_what_is_missing() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    world.serve(
        |request: &Request, at_ms: f64| match serve(request, at_ms) {
            Answer::Response(mut reply) => {
                let body = reply.body.unwrap_or_default();
                // The index is at the end.
                let cut = body.slice(0..body.len().min(30_000));
                reply = Reply::file(&cut, request);
                Answer::Response(reply)
            }
            other => other,
        },
    );
    let page = Page::open();
    page.load("last.mp4");
    world.run_until(30_000.0, || page.failure().is_some());
    let Some(PlaybackError::InvalidData { reason, .. }) = page.failure() else {
        panic!("{:?}", page.failure());
    };
    assert_eq!(reason, "the file has no moov");
}

#[test]
fn file_that_only_the_element_plays_is_left_to_it() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    world.serve(
        |request: &Request, at_ms: f64| match serve(request, at_ms) {
            Answer::Response(reply) if request.url.ends_with("mp4") => {
                // A server that does not tell the size, and ignores ranges.
                let whole = Request {
                    range: None,
                    ..request.clone()
                };
                let Answer::Response(mut reply) = serve(&whole, at_ms) else {
                    return Answer::Response(reply);
                };
                reply
                    .headers
                    .retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
                Answer::Response(reply)
            }
            _ => Answer::Response(Reply::file(
                &Bytes::from(b"fLaC\0\0\0\x22".as_slice()),
                request,
            )),
        },
    );
    for (name, expected) in [("a.flac", "an audio file"), ("first.mp4", "from a server")] {
        let page = Page::open();
        page.load(name);
        world.run_until(30_000.0, || page.failure().is_some());
        let Some(PlaybackError::NotForMediaSource { reason, .. }) = page.failure() else {
            panic!("{name}: {:?}", page.failure());
        };
        assert!(reason.starts_with(expected), "{name}: {reason}");
    }
}

fn chosen(name: &str) -> FileHandle {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("remux/tests/files");
    let bytes = fs::read(folder.join(name)).unwrap();
    FileHandle::new(name, Bytes::from(bytes.as_slice()))
}

#[test]
fn file_of_the_viewer_is_played_without_a_server() {
    for seed in 0..3 {
        for name in ["last.mp4", "h264-aac.mkv"] {
            for browser in [Browser::chromium(), Browser::webkit()] {
                let world = World::new(seed, browser);
                let _entered = world.enter();
                world.serve(|_: &Request, _: f64| panic!("nothing is requested"));
                let page = Page::open();
                page.load_file(&chosen(name));
                let ended = world.run_until(60_000.0, || {
                    page.element.has_ended() || page.failure().is_some()
                });
                assert_eq!(
                    (ended, page.failure()),
                    (Ended::Done, None),
                    "{name} {seed}"
                );
                assert_eq!(world.violations(), [""; 0], "{name} {seed}");
            }
        }
    }
}

#[test]
fn file_that_is_gone_fails_with_its_name() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    world.serve(serve);
    let page = Page::open();
    let file = chosen("first.mp4");
    file.remove();
    page.load_file(&file);
    world.run_until(30_000.0, || page.failure().is_some());
    let Some(PlaybackError::FileUnreadable { name, .. }) = page.failure() else {
        panic!("{:?}", page.failure());
    };
    assert_eq!(name, "first.mp4");
}
