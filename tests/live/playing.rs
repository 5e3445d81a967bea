//! Live streams under single conditions: start, pause, sleep, a frozen page, a lost network, a stalled encoder.

use std::time::Duration;

use testkit::live::{Incident, Timed};
use yew_mse_worker::{
    platform::simulated::{Browser, Thread},
    protocol::Event,
};

use super::page::Stage;

const MANIFESTS: [&str; 3] = ["/number.mpd", "/time.mpd", "/main.m3u8"];

#[test]
fn live_stream_plays_at_its_delay_behind_the_edge() {
    for path in MANIFESTS {
        for browser in [Browser::chromium, Browser::firefox, Browser::webkit] {
            let stage = Stage::new(1, browser(), |_| {});
            stage.page.load(path);
            stage.run(60.0);
            assert_eq!(stage.page.failure(), None, "{path}\n{}", stage.trace());
            let played = stage.page.played();
            assert!(played > 55.0, "{path} {played}\n{}", stage.trace());
            let live = stage.page.live.get().unwrap();
            assert!((live.latency - live.delay).abs() < 1.0, "{path} {live:?}");
            assert_eq!(stage.world.violations(), [""; 0], "{path}");
        }
    }
}

fn has_left_window(stage: &Stage) -> bool {
    let events = stage.page.events.borrow();
    events
        .iter()
        .any(|event| matches!(event, Event::LeftWindow { .. }))
}

#[test]
fn frozen_page_plays_live_for_an_hour() {
    for path in MANIFESTS {
        let stage = Stage::new(2, Browser::chromium(), |_| {});
        stage.page.load(path);
        // A correction of the latency at the start ends.
        stage.run(60.0);
        let before = stage.page.played();
        stage.world.freeze(Thread::PAGE);
        stage.run(3600.0);
        stage.world.thaw(Thread::PAGE);
        stage.run(2.0);
        let played = stage.page.played() - before;
        assert!(played > 3595.0, "{path}: {played} s");
        assert_eq!(stage.page.failure(), None, "{path}");
        let live = stage.page.live.get().unwrap();
        assert!((live.latency - live.delay).abs() < 2.0, "{path}: {live:?}");
    }
}

#[test]
fn pause_longer_than_the_window_resumes_at_its_start() {
    for path in MANIFESTS {
        let stage = Stage::new(3, Browser::chromium(), |_| {});
        stage.page.load(path);
        stage.run(20.0);
        stage.page.element.pause();
        stage.run(120.0);
        assert!(!has_left_window(&stage), "{path}: while paused");
        let before = stage.page.played();
        stage.page.element.play();
        // First it plays what is buffered.
        stage.run(45.0);
        assert!(has_left_window(&stage), "{path}");
        let played = stage.page.played() - before;
        assert!(played > 40.0, "{path}: {played} s\n{}", stage.trace());
        let live = stage.page.live.get().unwrap();
        assert!(live.latency > 40.0, "{path}: {live:?}");
    }
}

#[test]
fn sleep_returns_to_the_edge() {
    for path in MANIFESTS {
        let stage = Stage::new(4, Browser::chromium(), |_| {});
        stage.page.load(path);
        stage.run(20.0);
        stage.world.suspend(3_600_000.0);
        stage.run(20.0);
        assert_eq!(stage.page.failure(), None, "{path}");
        let live = stage.page.live.get().unwrap();
        assert!((live.latency - live.delay).abs() < 3.0, "{path}: {live:?}");
        assert!(stage.page.element.is_moving(), "{path}");
    }
}

#[test]
fn lost_network_is_survived() {
    for path in MANIFESTS {
        let stage = Stage::new(5, Browser::chromium(), |_| {});
        stage.page.load(path);
        stage.run(20.0);
        stage.world.set_online(false);
        stage.run(40.0);
        stage.world.set_online(true);
        stage.run(30.0);
        assert_eq!(stage.page.failure(), None, "{path}\n{}", stage.trace());
        assert!(stage.page.element.is_moving(), "{path}");
        let live = stage.page.live.get().unwrap();
        assert!(live.latency < live.delay + 15.0, "{path}: {live:?}");
    }
}

#[test]
fn stream_that_has_not_begun_says_when_and_starts() {
    for path in MANIFESTS {
        let stage = Stage::new(6, Browser::chromium(), |config| {
            config.start += Duration::from_secs(130);
        });
        stage.page.load(path);
        stage.run(10.0);
        let notices = stage.page.notices();
        let [notice] = &notices[..] else {
            panic!("{path}: {notices:?}");
        };
        assert!(
            notice.starts_with("This live stream has not begun yet"),
            "{path}"
        );
        assert_eq!(
            notice.contains("begins at"),
            path.ends_with(".mpd"),
            "{notice}"
        );
        stage.run(40.0);
        assert!(stage.page.played() > 10.0, "{path}\n{}", stage.trace());
    }
}

#[test]
fn manifest_that_stops_changing_is_told() {
    for path in ["/time.mpd", "/main.m3u8"] {
        let stage = Stage::new(7, Browser::chromium(), |config| {
            config.incidents.push(Timed {
                at: Duration::from_secs(120),
                kind: Incident::Stall {
                    lasting: Duration::from_secs(30),
                },
            });
        });
        stage.page.load(path);
        stage.run(45.0);
        let notices = stage.page.notices();
        assert!(
            notices
                .iter()
                .any(|notice| notice.starts_with("Nothing new")),
            "{path}: {notices:?}"
        );
        stage.run(60.0);
        assert_eq!(stage.page.failure(), None, "{path}");
        assert!(stage.page.element.is_moving(), "{path}");
    }
}
