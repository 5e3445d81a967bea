//! Playback without faults, to the end.

use std::{fs, path::Path};

use yew_mse_worker::{
    platform::{
        Bytes, Request,
        simulated::{Answer, Browser, Ended, Outcome, Reply, World},
    },
    protocol::{Command, Event, PlaybackError, ResourceKind, milestone::Milestone},
};

use crate::page::{DURATION_SECONDS, END_TOLERANCE_SECONDS, ORIGIN, Page};

/// Serves the files of the sample video.
fn serve(request: &Request, _at_ms: f64) -> Answer {
    let path = request.url.strip_prefix(ORIGIN).unwrap_or_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/film");
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
    assert_eq!(world.violations(), [""; 0], "{context}");
    for ranges in [page.element.buffered(), page.element.played()] {
        let [range] = &ranges[..] else {
            panic!("{context}: {ranges:?}\n{trace}");
        };
        assert!(
            range.start <= END_TOLERANCE_SECONDS,
            "{context}: {ranges:?}"
        );
        assert!(
            range.end >= DURATION_SECONDS - END_TOLERANCE_SECONDS,
            "{context}: {ranges:?}"
        );
    }
}

#[test]
fn dash_is_buffered_and_played_to_the_end_in_a_worker() {
    for seed in 0..5 {
        plays_to_the_end(Browser::chromium(), "film.mpd", seed);
    }
}

#[test]
fn hls_is_buffered_and_played_to_the_end_in_a_worker() {
    for seed in 0..5 {
        plays_to_the_end(Browser::chromium(), "film.m3u8", seed);
    }
}

#[test]
fn dash_is_played_to_the_end_by_an_engine_on_the_page() {
    for seed in 0..5 {
        plays_to_the_end(Browser::firefox(), "film.mpd", seed);
        plays_to_the_end(Browser::webkit(), "film.mpd", seed);
    }
}

#[test]
fn dropped_session_aborts_its_requests_and_leaves_no_task() {
    for seed in 0..20 {
        let world = World::new(seed, Browser::chromium());
        let _entered = world.enter();
        world.serve(serve);
        // Slow enough that the session is stopped during a download.
        world.set_bandwidth(&[(0.0, 300_000.0)]);
        let page = Page::open();
        page.load("film.mpd");
        let playing = world.run_until(30_000.0, || page.has_reached(Milestone::FirstAppend));
        assert_eq!(playing, Ended::Done, "seed {seed}");
        let session = page.session;
        page.send(Command::Stop { session });
        let stopped = world.run_until(1_000.0, || {
            page.has_received(|event| matches!(event, Event::Stopped { .. }))
        });
        assert_eq!(stopped, Ended::Done, "seed {seed}");
        page.element.detach();
        let closed = world.run_until(1_000.0, || {
            page.has_received(|event| matches!(event, Event::Closed { .. }))
        });
        assert_eq!(closed, Ended::Done, "seed {seed}");
        let requests = world.requests();
        let mut outcomes = requests.iter().map(|request| request.outcome);
        assert!(
            outcomes.all(|outcome| outcome != Outcome::Pending),
            "seed {seed}"
        );
        // The task that observes the element remains.
        assert_eq!(world.task_count(), 1, "seed {seed}");
        assert_eq!(world.violations(), [""; 0], "seed {seed}");
    }
}

#[test]
fn missing_manifest_fails_with_its_http_status() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    world.serve(serve);
    let page = Page::open();
    page.load("absent.mpd");
    world.run_until(30_000.0, || page.failure().is_some());
    assert_eq!(
        page.failure(),
        Some(PlaybackError::HttpStatus {
            resource: ResourceKind::Manifest,
            url: format!("{ORIGIN}absent.mpd"),
            status: 404,
        })
    );
}
