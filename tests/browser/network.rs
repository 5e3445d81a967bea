//! What only a real network stack does: CORS, redirects, headers, service workers, damaged responses.

use std::{collections::BTreeMap, sync::Arc};

use axum::http::StatusCode;
use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    context::{Feature, TestContext},
    messages::posted_by,
    server::{Server, ServerFault},
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";

/// How often each of the 16 segments was asked for that is more than asked for once, or not at all.
fn not_once(server: &Server, folder: &str) -> BTreeMap<u32, usize> {
    let times = |nth: &u32| server.request_count(&format!("/{folder}/{nth}.m4s"));
    let all = (1..=16).map(|nth| (nth, times(&nth)));
    all.filter(|(_, times)| *times != 1).collect()
}

/// The first half of a file, with a matching `Content-Length`.
fn half() -> ServerFault {
    ServerFault::Patch(Arc::new(|file| file[..file.len() / 2].to_vec()))
}

/// A file of the same size, of 0x55.
fn garbage() -> ServerFault {
    ServerFault::Patch(Arc::new(|file| vec![0x55; file.len()]))
}

/// The status message is shown while requests are retried, and goes by itself.
#[apply(browser_test!)]
#[runs_in(Chromium; "the status message on the page")]
async fn retries_are_shown_until_the_server_answers(test: &TestContext) {
    test.server.add_plain_mpd(&["720p"]);
    let error = ServerFault::Status(StatusCode::INTERNAL_SERVER_ERROR);
    test.server.add_fault("/720p/4.m4s", error);
    test.open("?src=film/plain.mpd").await;
    let notice = "document.querySelector('.status-message')";
    test.wait_until(&format!("{notice}?.innerText.includes('answered 500')"))
        .await;
    assert_eq!(
        test.eval("document.querySelector('[role=alert]')").await,
        json!(null)
    );
    test.screenshot("retrying").await;
    test.server.clear_faults();
    test.wait_until(&format!("{notice} === null")).await;
    test.play_to_end().await;
}

/// None of these damages is an error for the browser, and each would leave a gap.
#[apply(browser_test!)]
#[runs_in(Chromium; "a real parser and network stack")]
async fn damaged_segments_are_fetched_again(test: &TestContext) {
    test.server.add_plain_mpd(&["720p"]);
    for (segment, fault) in [
        ("/720p/3.m4s", ServerFault::Truncated(40_000)),
        ("/720p/5.m4s", half()),
        ("/720p/7.m4s", garbage()),
        ("/720p/9.m4s", ServerFault::empty()),
        ("/audio/4.m4s", half()),
        // As captive portals answer.
        (
            "/audio/6.m4s",
            ServerFault::Text("<!doctype html><p>Welcome!</p>"),
        ),
    ] {
        test.server.add_fault_times(segment, fault, 1);
    }
    test.open("?src=film/plain.mpd").await;
    test.play_to_end().await;
    let twice = [(3, 2), (5, 2), (7, 2), (9, 2)];
    assert_eq!(not_once(&test.server, "720p"), twice.into());
    assert_eq!(not_once(&test.server, "audio"), [(4, 2), (6, 2)].into());
}

/// Simulates a worker that goes offline. DevTools can do that to pages only.
const LOSE_NETWORK: &str = "let isOnline = true; \
     Object.defineProperty(Object.getPrototypeOf(navigator), 'onLine', { get: () => isOnline }); \
     new BroadcastChannel('network').onmessage = ({ data }) => { \
       isOnline = data === 'online'; \
       dispatchEvent(new Event(data)); \
       new BroadcastChannel('probe').postMessage(data); \
     };";

/// Takes the worker offline, or online again.
async fn set_network(test: &TestContext, word: &str) {
    match word {
        "offline" => test.server.add_fault(".m4s", ServerFault::Truncated(0)),
        _ => test.server.clear_faults(),
    }
    let say = format!("new BroadcastChannel('network').postMessage('{word}')");
    test.eval(&say).await;
    test.wait_until(&format!("probe.marks.includes('{word}')"))
        .await;
}

/// What is buffered is played; then the video waits, and continues by itself.
#[apply(browser_test!)]
#[runs_in(Chromium; "online and offline events in a worker")]
async fn playback_resumes_by_itself_after_being_offline(test: &TestContext) {
    let network = ServerFault::wrap_script(LOSE_NETWORK, "");
    test.server.add_fault_times("/worker.js", network, 1);
    test.server.add_plain_mpd(&["720p"]);
    test.open("?src=film/plain.mpd&goal=4&t=12").await;
    test.wait_until_playing().await;
    set_network(test, "offline").await;
    // The status is shown, and all that is buffered is played.
    test.wait_until("document.querySelector('.status-message') !== null")
        .await;
    test.wait_until(&format!("{VIDEO}.readyState < 3")).await;
    set_network(test, "online").await;
    test.wait_until("document.querySelector('.status-message') === null")
        .await;
    let alert = "document.querySelector('[role=alert]')";
    test.set_rate(2).await;
    test.wait_until(&format!("{VIDEO}.ended || !!{alert}"))
        .await;
    assert_eq!(test.eval(alert).await, json!(null));
}

/// With sound, Chromium plays on for three seconds without pictures. A segment that was passed meanwhile is not
/// fetched, and its gap must not hold up what follows it, nor the end. Other browsers wait.
#[apply(browser_test!)]
#[runs_in(Chromium; "Chromium plays sound for 3 s without pictures")]
async fn late_pictures_do_not_hold_up_the_end(test: &TestContext) {
    test.server.add_plain_mpd(&["720p"]);
    test.server.add_fault("/720p/15.m4s", ServerFault::Silence);
    test.open("?src=film/plain.mpd&t=26&goal=6").await;
    let alert = "document.querySelector('[role=alert]')";
    let waits = format!("{VIDEO}.readyState < 3 && !!document.querySelector('.status-message')");
    test.wait_until(&format!("{VIDEO}.ended || !!{alert} || ({waits})"))
        .await;
    if test.is_true(&waits).await {
        test.server.clear_faults();
        test.wait_until(&format!("{VIDEO}.ended || !!{alert}"))
            .await;
    }
    assert_eq!(test.eval(alert).await, json!(null));
    assert!(test.server.request_count("/720p/16.m4s") > 0);
}

/// Relative URLs are resolved against the URL after redirects.
#[apply(browser_test!)]
#[runs_in(Chromium; "redirects in the network stack")]
async fn relative_urls_are_resolved_after_redirects(test: &TestContext) {
    let video = ServerFault::Redirect("film/film.mpd".into());
    test.server.add_fault("/far/away/film.mpd", video);
    test.open("?src=far/away/film.mpd").await;
    test.wait_until_playing().await;
    assert_eq!(test.server.request_count("/far/away/"), 1);

    // A media playlist.
    let playlist = ServerFault::Redirect("film/360p/media.m3u8".into());
    test.server.add_fault("/far/away/pictures.m3u8", playlist);
    let main = "#EXTM3U\n\
         #EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS=\"avc1.4d401e\",RESOLUTION=640x360\n\
         pictures.m3u8\n";
    test.server.add_file("far/away/film.m3u8", main);
    test.open("?src=far/away/film.m3u8").await;
    test.wait_until_playing().await;
    assert!(test.server.request_count("/film/360p/1.m4s") > 0);
    assert_eq!(test.server.request_count("/far/away/1.m4s"), 0);
}

/// After a redirect to another host, segments come from there; without CORS headers, the error says so.
#[apply(browser_test!)]
#[runs_in(Chromium; "redirects and CORS in the network stack")]
async fn redirect_to_another_host_needs_cors(test: &TestContext) {
    let other = Server::start().await;
    let video = ServerFault::Redirect(other.url("film/film.m3u8"));
    test.server.add_fault("/far/film.m3u8", video);
    test.open("?src=far/film.m3u8").await;
    test.wait_until_playing().await;
    test.play_to_end().await;
    assert!(other.request_count(".m4s") >= 32);
    assert_eq!(test.server.request_count(".m4s"), 0);

    other.add_fault("/film.m3u8", ServerFault::NoCors);
    test.open("?src=far/film.m3u8").await;
    let notice = test.wait_for_alert("CORS").await;
    assert!(notice.contains("far/film.m3u8"), "{notice}");
}

/// Headers in the playback settings are sent with every request. The page's form has no field for them, so the test
/// adds them to the encoded message, of which they are the end.
#[apply(browser_test!)]
#[runs_in(Chromium; "headers and CORS in the network stack")]
async fn custom_headers_are_sent_with_every_request(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.open("").await;
    test.wait_until_playing().await;
    let way = "(message, post) => { \
         const letter = message?.[1]; \
         if (letter && new TextDecoder().decode(letter[0]).includes('film.mpd')) { \
           const written = (text) => [text.length, ...new TextEncoder().encode(text)]; \
           const headers = [1, ...written('x-own'), ...written('of the fork')]; \
           letter[0] = new Uint8Array([...letter[0].slice(0, -1), ...headers]); \
         } \
         post(message); }";
    let meddle = posted_by("Worker.prototype", way);
    test.eval(&format!("(() => {{ {meddle} }})()")).await;
    test.press("The same in DASH").await;
    test.wait_for_milestone("end of stream").await;
    test.wait_until_playing().await;
    let server = &test.server;
    for part in ["/film/film.mpd", "/init.mp4", "/16.m4s"] {
        assert!(
            server.request_count_with_header(part, "x-own", "of the fork") > 0,
            "{part}"
        );
    }
    // Other requests of the page do not have them.
    let all = server.request_count_with_header("", "x-own", "of the fork");
    assert_eq!(
        all,
        server.request_count_with_header("/film/", "x-own", "of the fork")
    );
    test.assert_no_errors().await;
}

/// Requests of the page and of its worker go through the site's service worker.
#[apply(browser_test!)]
#[runs_in(Chromium; "service worker")]
async fn requests_go_through_a_service_worker(test: &TestContext) {
    let script = "oninstall = () => skipWaiting(); \
         onactivate = (event) => event.waitUntil(clients.claim()); \
         onfetch = (event) => { \
           const { url, headers, credentials } = event.request; \
           if (!url.includes('/film/')) return; \
           event.respondWith(fetch(`${url}?between`, { headers, credentials })); \
         };";
    test.server.add_file("between.js", script);
    test.open("").await;
    test.wait_until_playing().await;
    test.eval("void navigator.serviceWorker.register('between.js')")
        .await;
    test.wait_until("!!navigator.serviceWorker.controller")
        .await;
    test.open("?src=film/film.mpd").await;
    test.wait_until_playing().await;
    test.play_to_end().await;
    let between = |part: &str| {
        let asked = test.server.requested_urls(part);
        asked.iter().filter(|it| it.ends_with("?between")).count()
    };
    assert_eq!(between("film.mpd"), 1);
    assert!(between(".m4s") >= 32);
    test.assert_no_errors().await;
}
