//! Seeks: what they fetch and what they abort.

use yew_mse_worker::platform::simulated::Outcome;

use yew_mse_worker::protocol::{Event, PlaybackSettings};

use crate::page::{
    Fault, Page, in_chromium_and_firefox, request_count, requested_segments, wait_until,
};

fn plays_from(page: &Page, second: f64) {
    wait_until(page, 30.0, || {
        let position = page.element.position();
        !page.element.is_seeking() && position > second + 0.2 && position < second + 4.0
    });
}

#[test]
fn seek_within_the_buffer_fetches_nothing() {
    in_chromium_and_firefox(|_, site| {
        site.add_plain_mpd(&["720p"]);
        let page = Page::open();
        page.load_with_goal("plain.mpd", 40.0);
        wait_until(&page, 20.0, || {
            page.element
                .buffered()
                .last()
                .is_some_and(|it| it.end > 31.9)
        });
        for second in [20.0, 3.0, 29.0] {
            page.element.seek(second);
            plays_from(&page, second);
        }
        wait_until(&page, 30.0, || page.element.has_ended());
        let all: Vec<u32> = (1..=16).collect();
        assert_eq!(requested_segments("720p"), all);
        assert_eq!(requested_segments("audio"), all);
    });
}

#[test]
fn seek_beyond_the_buffer_skips_what_lies_between() {
    in_chromium_and_firefox(|_, site| {
        site.add_plain_mpd(&["720p"]);
        let page = Page::open();
        page.load_with_goal("plain.mpd", 4.0);
        wait_until(&page, 20.0, || page.element.position() > 0.3);
        for second in [24.5, 16.5] {
            page.element.seek(second);
            plays_from(&page, second);
        }
        for folder in ["720p", "audio"] {
            let requested = requested_segments(folder);
            assert!(!requested.contains(&6), "{folder}: {requested:?}");
            assert!(!requested.contains(&8), "{folder}: {requested:?}");
        }
        wait_until(&page, 60.0, || page.element.has_ended());
    });
}

#[test]
fn seek_during_a_seek_aborts_the_first_ones_requests() {
    in_chromium_and_firefox(|world, site| {
        site.add_plain_mpd(&["720p"]);
        let page = Page::open();
        page.load_with_goal("plain.mpd", 4.0);
        wait_until(&page, 20.0, || page.element.position() > 0.3);
        site.add_fault("/8.m4s", Fault::Silence);
        page.element.seek(14.5);
        wait_until(&page, 5.0, || {
            request_count("/720p/8.m4s") > 0 && request_count("/audio/8.m4s") > 0
        });
        page.element.seek(26.5);
        plays_from(&page, 26.5);
        let requests = world.requests();
        let aborted = requests
            .iter()
            .filter(|it| it.request.url.ends_with("/8.m4s") && it.outcome == Outcome::Aborted);
        assert_eq!(aborted.count(), 2);
        // Of two seeks at once, the last one counts.
        page.element.seek(8.5);
        page.element.seek(20.5);
        plays_from(&page, 20.5);
    });
}

#[test]
fn seek_back_soon_after_the_start_plays_an_earlier_source() {
    in_chromium_and_firefox(|_, _| {
        let page = Page::open();
        let settings = PlaybackSettings {
            start: Some(10.0),
            ..PlaybackSettings::default()
        };
        // The last period has no audio, and therefore a source of its own.
        page.load_with("tests/media/multiperiod.mpd", settings);
        wait_until(&page, 20.0, || page.element.position() > 10.2);
        page.element.seek(1.0);
        plays_from(&page, 1.0);
        assert!(page.has_received(
            |event| matches!(event, Event::MediaSourceReady { start, .. } if *start < 2.0)
        ));
    });
}
