//! Which quality is fetched.

use yew_mse_worker::{
    platform::simulated::{Browser, Outcome},
    protocol::{Command, Event, TrackSelection},
};

use crate::page::{
    DURATION_SECONDS, Fault, Page, in_chromium_and_firefox, in_world, play_to_end, request_count,
    requested_segments, wait_until,
};

fn select(page: &Page, quality: Option<u32>) {
    page.send(Command::Select {
        session: page.session,
        selection: TrackSelection {
            quality,
            ..TrackSelection::default()
        },
    });
}

#[test]
fn fast_network_and_large_screen_get_the_best_quality() {
    in_chromium_and_firefox(|_, _| {
        let page = Page::open();
        page.screen.set((1920, 1080));
        page.load("film.mpd");
        play_to_end(&page, DURATION_SECONDS);
        assert_eq!(requested_segments("1080p").last(), Some(&16));
        assert_ne!(requested_segments("240p").first(), Some(&1));
    });
}

#[test]
fn slow_network_gets_a_low_quality_until_it_is_faster() {
    in_chromium_and_firefox(|world, _| {
        world.set_bandwidth(&[(0.0, 500e3), (12_000.0, 20e6)]);
        let page = Page::open();
        page.screen.set((1920, 1080));
        page.load_with_goal("film.mpd", 12.0);
        wait_until(&page, 12.0, || page.element.position() > 6.0);
        assert_eq!(request_count("/1080p/"), 0);
        play_to_end(&page, DURATION_SECONDS);
        assert!(request_count("/1080p/") > 0);
    });
}

#[test]
fn quality_that_cannot_be_decoded_is_not_offered() {
    let patch = |file: Vec<u8>| {
        let text = String::from_utf8(file).unwrap();
        text.replacen("avc1.640028", "bogus.640028", 1).into()
    };
    for name in ["film.mpd", "film.m3u8"] {
        in_chromium_and_firefox(|_, site| {
            site.add_fault(name, Fault::Patch(patch));
            let page = Page::open();
            page.screen.set((1920, 1080));
            page.load(name);
            play_to_end(&page, DURATION_SECONDS);
            assert_eq!(request_count("/1080p/"), 0);
            let is_offered = |event: &Event| matches!(event, Event::Tracks { qualities, .. } if qualities.len() == 3);
            assert!(page.has_received(is_offered), "{name}");
        });
    }
}

#[test]
fn playlist_of_a_quality_no_longer_selected_is_aborted() {
    in_world(Browser::chromium(), |world, site| {
        site.add_fault("/240p/media.m3u8", Fault::Silence);
        let page = Page::open();
        page.load_with_goal("film.m3u8", 8.0);
        wait_until(&page, 20.0, || page.element.position() > 0.5);
        select(&page, Some(0));
        wait_until(&page, 5.0, || request_count("/240p/media.m3u8") > 0);
        select(&page, None);
        wait_until(&page, 1.0, || {
            world.requests().iter().any(|it| {
                it.request.url.contains("/240p/media.m3u8") && it.outcome == Outcome::Aborted
            })
        });
        play_to_end(&page, DURATION_SECONDS);
    });
}

#[test]
fn range_that_is_being_replaced_is_waited_for() {
    in_world(Browser::chromium(), |_, site| {
        site.add_fault_times("/1080p/8.m4s", Fault::Late(5_000.0), 1);
        let page = Page::open();
        page.screen.set((320, 180));
        page.load_with_goal("film.mpd", 20.0);
        wait_until(&page, 20.0, || {
            page.element
                .buffered()
                .last()
                .is_some_and(|it| it.end > 20.0)
        });
        select(&page, Some(3));
        play_to_end(&page, DURATION_SECONDS);
        assert_eq!(request_count("/1080p/8.m4s"), 1);
        assert!(!page.has_received(|event| matches!(event, Event::Seek { .. })));
    });
}
