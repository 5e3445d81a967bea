//! What the browser does to the buffers: quotas, evictions, stuck elements.

use yew_mse_worker::platform::simulated::Browser;

use crate::page::{
    DURATION_SECONDS, Page, in_chromium_and_firefox, in_world, play_to_end, request_count,
    wait_until,
};

#[test]
fn plays_to_the_end_with_room_for_five_seconds() {
    for mut browser in [Browser::chromium(), Browser::firefox(), Browser::webkit()] {
        // Five seconds of 1.2 Mbit/s, and as much of sound.
        browser.rules.video_quota = 750_000;
        browser.rules.audio_quota = 65_000;
        in_world(browser, |_, _| {
            let page = Page::open();
            page.load("film.mpd");
            play_to_end(&page, DURATION_SECONDS);
        });
    }
}

#[test]
fn evicted_range_ahead_is_fetched_again() {
    in_chromium_and_firefox(|_, site| {
        site.add_plain_mpd(&["720p"]);
        let page = Page::open();
        page.load_with_goal("plain.mpd", 40.0);
        wait_until(&page, 20.0, || request_count("/720p/16.m4s") > 0);
        wait_until(&page, 20.0, || page.element.position() > 2.0);
        let before = request_count("/720p/9.m4s");
        page.element.evict(0, 16.0..22.0);
        play_to_end(&page, DURATION_SECONDS);
        assert_eq!(request_count("/720p/9.m4s"), before + 1);
    });
}

#[test]
fn managed_source_limits_the_buffer_to_its_own_goal() {
    in_world(Browser::webkit(), |_, site| {
        site.add_plain_mpd(&["720p"]);
        let page = Page::open();
        page.load_with_goal("plain.mpd", 40.0);
        wait_until(&page, 20.0, || page.element.position() > 0.5);
        play_to_end(&page, DURATION_SECONDS);
    });
}

#[test]
fn range_evicted_by_a_managed_source_is_fetched_again() {
    in_world(Browser::webkit(), |_, site| {
        site.add_plain_mpd(&["720p"]);
        let page = Page::open();
        page.load("plain.mpd");
        wait_until(&page, 20.0, || page.element.position() > 1.0);
        let at = page.element.position();
        page.element.evict(0, at + 3.0..at + 6.0);
        wait_until(&page, 20.0, || page.element.position() > at + 7.0);
        let at = page.element.position();
        page.element.evict(0, at + 4.0..1_000.0);
        play_to_end(&page, DURATION_SECONDS);
    });
}

#[test]
fn element_that_is_stuck_is_moved() {
    in_chromium_and_firefox(|_, _| {
        let page = Page::open();
        page.load("film.mpd");
        wait_until(&page, 20.0, || page.element.position() > 3.0);
        page.element.get_stuck();
        wait_until(&page, 30.0, || page.element.position() > 6.0);
    });
}

#[test]
fn buffer_stays_within_its_goal_and_a_segment() {
    in_chromium_and_firefox(|world, _| {
        let page = Page::open();
        page.load_with_goal("film.mpd", 8.0);
        wait_until(&page, 20.0, || page.element.position() > 0.5);
        for _ in 0..100 {
            world.run_for(100.0);
            let end = page
                .element
                .buffered()
                .last()
                .map_or(0.0, |range| range.end);
            let ahead = end - page.element.position();
            assert!(ahead < 10.5, "{ahead} s ahead");
        }
    });
}
