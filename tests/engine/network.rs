//! Faults of servers and networks: retries, other base URLs, other qualities.

use yew_mse_worker::platform::simulated::{BodyFault, Browser, Outcome, RequestRecord, World};

use crate::page::{
    DURATION_SECONDS, Fault, Page, SAMPLE_MPD, failure_of, in_chromium_and_firefox, in_world,
    play_to_end, request_count, requested_segments, wait_until,
};

fn half(file: Vec<u8>) -> Vec<u8> {
    file[..file.len() / 2].to_vec()
}

fn garbage(file: Vec<u8>) -> Vec<u8> {
    vec![0x55; file.len()]
}

/// The segments of a track that were requested more than once.
fn repeated_segments(folder: &str) -> Vec<u32> {
    let mut requested = requested_segments(folder);
    requested.sort_unstable();
    let mut repeated: Vec<u32> = requested
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    repeated.dedup();
    repeated
}

/// An MPD with these base URLs.
fn with_base_urls(first: &str, second: &str) -> String {
    let urls = format!("<BaseURL>{first}</BaseURL><BaseURL>{second}</BaseURL><Period id=\"film\"");
    SAMPLE_MPD.replace("<Period id=\"film\"", &urls)
}

#[test]
fn single_failures_are_retried_without_a_report() {
    in_chromium_and_firefox(|_, site| {
        site.add_plain_mpd(&["720p"]);
        site.add_fault_times("/720p/9.m4s", Fault::Status(500), 1);
        site.add_fault_times("/audio/11.m4s", Fault::Status(429), 1);
        let page = Page::open();
        page.load("plain.mpd");
        play_to_end(&page, DURATION_SECONDS);
        assert_eq!(repeated_segments("720p"), [9]);
        assert_eq!(repeated_segments("audio"), [11]);
        assert_eq!(page.retry_reports(), 0);
    });
}

#[test]
fn segment_missing_in_one_quality_is_fetched_in_another() {
    in_chromium_and_firefox(|_, site| {
        let missing = ["360p", "720p", "1080p"].map(|quality| format!("/{quality}/5.m4s"));
        for segment in &missing {
            site.add_fault(segment, Fault::Status(404));
        }
        let page = Page::open();
        page.load("film.mpd");
        play_to_end(&page, DURATION_SECONDS);
        for segment in &missing {
            assert!(request_count(segment) <= 1, "{segment}");
        }
        assert!(request_count("/240p/5.m4s") > 0);
    });
}

#[test]
fn damaged_segments_are_fetched_again() {
    in_chromium_and_firefox(|_, site| {
        site.add_plain_mpd(&["720p"]);
        for (part, fault) in [
            ("/720p/3.m4s", Fault::Body(BodyFault::Reset(40_000))),
            ("/720p/5.m4s", Fault::Patch(half)),
            ("/720p/7.m4s", Fault::Patch(garbage)),
            ("/720p/9.m4s", Fault::Patch(|_| Vec::new())),
            ("/audio/4.m4s", Fault::Body(BodyFault::Truncated(5_000))),
            (
                "/audio/6.m4s",
                Fault::Patch(|_| b"<!doctype html><p>Welcome!</p>".to_vec()),
            ),
        ] {
            site.add_fault_times(part, fault, 1);
        }
        let page = Page::open();
        page.load("plain.mpd");
        play_to_end(&page, DURATION_SECONDS);
        assert_eq!(repeated_segments("720p"), [3, 5, 7, 9]);
        assert_eq!(repeated_segments("audio"), [4, 6]);
    });
}

#[test]
fn damaged_init_segments_are_fetched_again() {
    in_chromium_and_firefox(|_, site| {
        site.add_plain_mpd(&["720p"]);
        site.add_fault_times("/720p/init.mp4", Fault::Patch(half), 1);
        site.add_fault_times("/audio/init.mp4", Fault::Patch(garbage), 1);
        let page = Page::open();
        page.load("plain.mpd");
        play_to_end(&page, DURATION_SECONDS);
        assert_eq!(request_count("/720p/init.mp4"), 2);
        assert_eq!(request_count("/audio/init.mp4"), 2);
    });
}

#[test]
fn server_that_ignores_or_once_confuses_ranges_is_played() {
    for (fault, times) in [(Fault::NoRanges, usize::MAX), (Fault::WrongRange, 1)] {
        in_chromium_and_firefox(|_, site| {
            site.add_fault_times(".mp4", fault.clone(), times);
            let page = Page::open();
            page.load("tests/media/ondemand/ondemand.mpd");
            play_to_end(&page, 8.0);
        });
    }
}

#[test]
fn server_that_always_confuses_ranges_is_reported() {
    in_chromium_and_firefox(|_, site| {
        site.add_fault(".mp4", Fault::WrongRange);
        let page = Page::open();
        page.load("tests/media/ondemand/ondemand.mpd");
        let reason = failure_of(&page, 120.0);
        assert!(
            reason.contains("another range than was requested"),
            "{reason}"
        );
    });
}

#[test]
fn unreachable_or_failing_base_url_is_left_for_the_next() {
    for fault in [Fault::Unreachable, Fault::Status(503), Fault::Silence] {
        in_chromium_and_firefox(|_, site| {
            let (first, second) = ("https://first.test/", "https://second.test/");
            site.add_file("two.mpd", with_base_urls(first, second));
            site.add_fault("first.test", fault.clone());
            let page = Page::open();
            page.load("two.mpd");
            play_to_end(&page, DURATION_SECONDS);
            assert!(request_count(first) > 0);
            let in_vain = request_count("first.test/audio/");
            assert!(in_vain < 8, "{in_vain} requests for sound");
        });
    }
}

#[test]
fn silence_while_the_engine_sleeps_is_not_a_timeout() {
    in_world(Browser::chromium(), |world, site| {
        site.add_plain_mpd(&["720p"]);
        site.add_fault_times("/720p/4.m4s", Fault::Late(11_000.0), 1);
        let page = Page::open();
        page.load("plain.mpd");
        wait_until(&page, 20.0, || request_count("/720p/4.m4s") > 0);
        world.block(page.thread, 9_000.0);
        wait_until(&page, 30.0, || page.element.position() > 7.0);
        assert_eq!(request_count("/720p/4.m4s"), 1);
    });
}

#[test]
fn playback_resumes_after_being_offline() {
    in_chromium_and_firefox(|world, site| {
        site.add_plain_mpd(&["720p"]);
        let page = Page::open();
        page.load_with_goal("plain.mpd", 4.0);
        wait_until(&page, 20.0, || page.element.position() > 4.0);
        world.set_online(false);
        // What is buffered is played.
        wait_until(&page, 30.0, || !page.element.is_moving());
        world.run_for(20_000.0);
        world.set_online(true);
        play_to_end(&page, DURATION_SECONDS);
    });
}

#[test]
fn slow_download_is_abandoned_for_a_lower_quality() {
    in_chromium_and_firefox(|world, _| {
        let page = Page::open();
        page.screen.set((1920, 1080));
        page.load_with_goal("film.mpd", 6.0);
        wait_until(&page, 20.0, || request_count("/1080p/") > 3);
        // For 15 s, the network has a sixth of what the highest quality needs.
        let now = world.elapsed_ms();
        world.set_bandwidth(&[(0.0, 100e6), (now, 200e3), (now + 15_000.0, 5e6)]);
        let is_abandoned = |record: &RequestRecord| {
            record.outcome == Outcome::Aborted && record.request.url.contains("/1080p/")
        };
        wait_until(&page, 15.0, || world.requests().iter().any(is_abandoned));
        wait_until(&page, 15.0, || request_count("/240p/") > 0);
        play_to_end(&page, DURATION_SECONDS);
    });
}

#[test]
fn abandoned_quality_is_fetched_if_there_is_no_other() {
    in_chromium_and_firefox(|_, site| {
        site.add_plain_mpd(&["360p", "720p"]);
        let stalls = Fault::Body(BodyFault::Stalls(2_000, f64::INFINITY));
        site.add_fault_times("/720p/3.m4s", stalls, 1);
        site.add_fault("/360p/3.m4s", Fault::Status(404));
        let page = Page::open();
        page.load("plain.mpd");
        play_to_end(&page, DURATION_SECONDS);
    });
}

#[test]
fn one_track_is_fetched_while_the_other_waits() {
    for (waiting, other) in [
        ("/720p/3.m4s", "/audio/5.m4s"),
        ("/audio/3.m4s", "/720p/5.m4s"),
    ] {
        in_chromium_and_firefox(|_, site| {
            site.add_plain_mpd(&["720p"]);
            site.add_fault_times(waiting, Fault::Late(6_000.0), 1);
            let page = Page::open();
            page.load_with_goal("plain.mpd", 12.0);
            wait_until(&page, 5.0, || request_count(other) > 0);
            play_to_end(&page, DURATION_SECONDS);
            assert_eq!(request_count(waiting), 1);
        });
    }
}

#[test]
fn segment_without_end_is_reported_as_damaged() {
    in_world(Browser::chromium(), |_, site| {
        site.add_plain_mpd(&["720p"]);
        site.add_fault("/audio/3.m4s", Fault::Endless);
        let page = Page::open();
        page.load("plain.mpd");
        let reason = failure_of(&page, 300.0);
        assert!(reason.contains("audio/3.m4s"), "{reason}");
        // What was buffered was played before.
        assert!(page.element.position() > 2.5);
    });
}

#[test]
fn request_that_is_not_needed_any_more_is_aborted() {
    in_chromium_and_firefox(|world, site| {
        site.add_fault("slow.m3u8", Fault::Silence);
        site.add_file("slow.m3u8", "");
        let page = Page::open();
        page.load("slow.m3u8");
        wait_until(&page, 2.0, || request_count("slow.m3u8") > 0);
        page.load("film.m3u8");
        wait_until(&page, 10.0, || page.element.position() > 1.0);
        let requests = world.requests();
        let slow = requests.iter().find(|it| it.request.url.contains("slow"));
        assert_eq!(slow.unwrap().outcome, Outcome::Aborted);
    });
}

#[test]
fn every_tenth_request_fails_stalls_or_is_late() {
    in_chromium_and_firefox(|_, site| {
        site.add_plain_mpd(&["720p"]);
        for nth in (2..=16).step_by(3) {
            site.add_fault_times(&format!("/720p/{nth}.m4s"), Fault::Status(503), 1);
            let late = Fault::Late(3_000.0);
            site.add_fault_times(&format!("/audio/{}.m4s", nth - 1), late, 1);
            let reset = Fault::Body(BodyFault::Reset(500));
            site.add_fault_times(&format!("/audio/{nth}.m4s"), reset, 1);
        }
        let page = Page::open();
        page.load("plain.mpd");
        play_to_end(&page, DURATION_SECONDS);
        assert!(World::current().requests().len() > 36);
    });
}
