//! On networks and servers as they are.

use std::{collections::BTreeMap, net::TcpListener, sync::Arc, time::Duration};

use axum::http::StatusCode;
use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    messages::posted_by,
    server::{FILM, Server, Trouble},
    stage::{Feature, Stage},
    suite::in_every_browser,
};

const VIDEO: &str = "document.querySelector('video')";

/// Counts, from now on, how often the small notice appears.
async fn count_notices(stage: &Stage) {
    let count =
        "(window.notices = 0, new MutationObserver((changes) => changes.forEach((change) => \
         change.addedNodes.forEach((node) => (notices += node.className === 'status-message'))))
         .observe(document.body, { childList: true, subtree: true }))";
    stage.value(count).await;
}

/// How often each of the 16 segments was asked for that is more than asked for once, or not at all.
fn not_once(server: &Server, folder: &str) -> BTreeMap<u32, usize> {
    let times = |nth: &u32| server.requests(&format!("/{folder}/{nth}.m4s"));
    let all = (1..=16).map(|nth| (nth, times(&nth)));
    all.filter(|(_, times)| *times != 1).collect()
}

/// Half of a file, whose length is said to be right.
fn half() -> Trouble {
    Trouble::Patch(Arc::new(|file| file[..file.len() / 2].to_vec()))
}

/// As many bytes that mean nothing.
fn garbage() -> Trouble {
    Trouble::Patch(Arc::new(|file| vec![0x55; file.len()]))
}

/// Makes a film that is said to lie in both of these places.
fn make_with_two_places(server: &Server, first: &str, second: &str) {
    let places =
        format!("<BaseURL>{first}</BaseURL><BaseURL>{second}</BaseURL><Period id=\"film\"");
    let film = FILM.replace("<Period id=\"film\"", &places);
    server.make("made/two.mpd", film);
}

/// A server that is in trouble once is asked once more, and the viewer sees nothing of it.
#[apply(in_every_browser!)]
async fn trouble_that_passes_at_once_is_not_noticed(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    let error = Trouble::Status(StatusCode::INTERNAL_SERVER_ERROR);
    stage.server.trouble_times("/720p/9.m4s", error, 1);
    let busy = Trouble::Status(StatusCode::TOO_MANY_REQUESTS);
    stage.server.trouble_times("/audio/11.m4s", busy, 1);
    // With a small goal, the trouble is met only once the notices are counted.
    stage.open("?src=film/plain.mpd&goal=6").await;
    count_notices(stage).await;
    assert_eq!(stage.server.requests("/720p/9.m4s"), 0);
    stage.ends_with_all_there().await;
    assert_eq!(not_once(&stage.server, "720p"), [(9, 2)].into());
    assert_eq!(not_once(&stage.server, "audio"), [(11, 2)].into());
    assert_eq!(stage.value("notices").await, json!(0));
}

/// Of trouble that lasts there is a small notice, which goes when the trouble does; the film needs
/// nobody to go on.
#[apply(in_every_browser!)]
async fn trouble_that_lasts_is_told_of_until_it_is_over(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    let error = Trouble::Status(StatusCode::SERVICE_UNAVAILABLE);
    stage.server.trouble("/720p/4.m4s", error);
    stage.open("?src=film/plain.mpd").await;
    let notice = "document.querySelector('.status-message')";
    stage
        .until(&format!("{notice}?.innerText.includes('answered 503')"))
        .await;
    assert_eq!(
        stage.value("document.querySelector('[role=alert]')").await,
        json!(null)
    );
    stage.screenshot("retrying").await;
    stage.server.heal();
    stage.until(&format!("{notice} === null")).await;
    stage.ends_with_all_there().await;
}

/// What one rendition lacks is taken from another; nobody asks twice for what is not there.
#[apply(in_every_browser!)]
async fn another_rendition_takes_the_place_of_one_that_lacks_a_segment(stage: &Stage) {
    let lacking = ["360p", "720p", "1080p"].map(|rendition| format!("/{rendition}/5.m4s"));
    for segment in &lacking {
        let missing = Trouble::Status(StatusCode::NOT_FOUND);
        stage.server.trouble(segment, missing);
    }
    stage.open("?src=film/film.mpd").await;
    stage.ends_with_all_there().await;
    for segment in &lacking {
        let times = stage.server.requests(segment);
        assert!(times <= 1, "{segment} was asked for {times} times");
    }
    assert!(stage.server.requests("/240p/5.m4s") > 0);
}

/// Bytes that came wrong come right the next time: none of these is an error of the browser's, and each
/// would be a hole in the film.
#[apply(in_every_browser!)]
async fn segments_that_come_damaged_are_fetched_again(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    for (segment, trouble) in [
        ("/720p/3.m4s", Trouble::Cut(40_000)),
        ("/720p/5.m4s", half()),
        ("/720p/7.m4s", garbage()),
        ("/720p/9.m4s", Trouble::empty()),
        ("/audio/4.m4s", half()),
        // As networks that want a person to log in first have it.
        (
            "/audio/6.m4s",
            Trouble::Text("<!doctype html><p>Welcome!</p>"),
        ),
    ] {
        stage.server.trouble_times(segment, trouble, 1);
    }
    stage.open("?src=film/plain.mpd").await;
    stage.ends_with_all_there().await;
    let twice = [(3, 2), (5, 2), (7, 2), (9, 2)];
    assert_eq!(not_once(&stage.server, "720p"), twice.into());
    assert_eq!(not_once(&stage.server, "audio"), [(4, 2), (6, 2)].into());
}

/// An init segment that came damaged is not kept: each of its segments would be refused with it.
#[apply(in_every_browser!)]
async fn an_init_segment_that_comes_damaged_is_fetched_again(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    stage.server.trouble_times("/720p/init.mp4", half(), 1);
    stage.server.trouble_times("/audio/init.mp4", garbage(), 1);
    stage.open("?src=film/plain.mpd").await;
    stage.ends_with_all_there().await;
    assert_eq!(stage.server.requests("/720p/init.mp4"), 2);
    assert_eq!(stage.server.requests("/audio/init.mp4"), 2);
}

/// A server that knows no ranges sends whole files, of which the ranges are taken. One that is once
/// mistaken about them is asked again.
#[apply(in_every_browser!)]
async fn servers_that_are_poor_at_ranges_are_put_up_with(stage: &Stage) {
    let film = "?src=tests/media/ondemand/ondemand.mpd";
    stage.server.trouble(".mp4", Trouble::NoRanges);
    for round in ["no ranges", "wrong ranges"] {
        stage.open(film).await;
        stage.plays().await;
        stage.hurry(4).await;
        stage.until(&format!("{VIDEO}.ended")).await;
        let all = format!("[{VIDEO}.buffered.length, {VIDEO}.buffered.end(0) > 7.8]");
        assert_eq!(stage.value(&all).await, json!([1, true]), "{round}");
        stage.server.heal();
        stage.server.trouble_times(".mp4", Trouble::WrongRange, 1);
    }
}

/// What is always wrong ends in words, and not in a picture that never comes.
#[apply(in_every_browser!)]
async fn wrong_ranges_without_end_are_told_of(stage: &Stage) {
    stage.server.trouble(".mp4", Trouble::WrongRange);
    stage.open("?src=tests/media/ondemand/ondemand.mpd").await;
    let notice = stage.notice("another range than was requested").await;
    assert!(notice.contains("ondemand/"), "{notice}");
}

/// Where one of two servers is gone, the film comes from the other one, and nobody is told.
#[apply(in_every_browser!)]
async fn a_film_plays_from_its_second_place_when_the_first_is_gone(stage: &Stage) {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let gone = format!("http://localhost:{port}/film/");
    make_with_two_places(&stage.server, &gone, &stage.server.url("film/"));
    stage.open("?src=made/two.mpd&goal=10").await;
    count_notices(stage).await;
    stage.ends_with_all_there().await;
    assert_eq!(not_once(&stage.server, "audio"), BTreeMap::new());
    assert_eq!(stage.value("notices").await, json!(0));
}

/// Where a server is in trouble with everything, it is not asked first for ever.
#[apply(in_every_browser!)]
async fn a_place_that_fails_is_left_for_the_other_one(stage: &Stage) {
    let troubled = Server::start().await;
    troubled.trouble("/film/", Trouble::Status(StatusCode::SERVICE_UNAVAILABLE));
    let (first, second) = (troubled.url("film/"), stage.server.url("film/"));
    make_with_two_places(&stage.server, &first, &second);
    stage.open("?src=made/two.mpd").await;
    stage.ends_with_all_there().await;
    assert!(troubled.requests(".m4s") > 0, "it was never asked");
    let in_vain = troubled.requests("/audio/");
    assert!(in_vain < 8, "asked in vain {in_vain} times for the sound");
}

/// A server that takes requests and never answers costs its time once, and not with every segment:
/// the film would stand still more than it plays.
#[apply(in_every_browser!)]
async fn a_place_that_never_answers_is_left_for_the_other_one(stage: &Stage) {
    let silent = Server::start().await;
    silent.trouble("/film/", Trouble::Silence);
    let (first, second) = (silent.url("film/"), stage.server.url("film/"));
    make_with_two_places(&stage.server, &first, &second);
    stage.open("?src=made/two.mpd").await;
    stage.ends_with_all_there().await;
    assert!(silent.requests(".m4s") > 0, "it was never asked");
}

/// What a browser does to a worker that loses its network: DevTools do it to pages only.
const LOSE_NETWORK: &str = "let isOnline = true; \
     Object.defineProperty(Object.getPrototypeOf(navigator), 'onLine', { get: () => isOnline }); \
     new BroadcastChannel('network').onmessage = ({ data }) => { \
       isOnline = data === 'online'; \
       dispatchEvent(new Event(data)); \
       new BroadcastChannel('probe').postMessage(data); \
     };";

/// Takes the worker off the network, or brings it back.
async fn set_network(stage: &Stage, word: &str) {
    match word {
        "offline" => stage.server.trouble(".m4s", Trouble::Cut(0)),
        _ => stage.server.heal(),
    }
    let say = format!("new BroadcastChannel('network').postMessage('{word}')");
    stage.value(&say).await;
    stage
        .until(&format!("probe.marks.includes('{word}')"))
        .await;
}

/// While nobody listens, a server cannot be heard: that is not its silence.
#[apply(in_every_browser!)]
async fn a_server_is_not_blamed_for_what_an_engine_slept_through(stage: &Stage) {
    stage.can_sleep();
    stage.server.make_plain(&["720p"]);
    let late = Trouble::Late(Duration::from_secs(11));
    stage.server.trouble_times("/720p/4.m4s", late, 1);
    stage.open("?src=film/plain.mpd").await;
    stage.server.until_asked_for("/720p/4.m4s").await;
    // The page, too, wherever the engine is: else it would take a worker for dead.
    stage.sleep(9_000).await;
    stage.until(&format!("{VIDEO}.currentTime > 7")).await;
    assert_eq!(stage.server.requests("/720p/4.m4s"), 1);
    stage.is_well().await;
}

/// Through a tunnel: the film stands still once there is no more of it, and goes on by itself.
#[apply(in_every_browser!)]
async fn offline_and_back_nobody_has_to_do_anything(stage: &Stage) {
    let network = Trouble::around(LOSE_NETWORK, "");
    stage.server.trouble_times("/worker.js", network, 1);
    stage.server.make_plain(&["720p"]);
    stage.open("?src=film/plain.mpd&goal=4&t=12").await;
    stage.plays().await;
    set_network(stage, "offline").await;
    // It is told of, and what is buffered is played to the last of it.
    stage
        .until("document.querySelector('.status-message') !== null")
        .await;
    stage.until(&format!("{VIDEO}.readyState < 3")).await;
    set_network(stage, "online").await;
    stage
        .until("document.querySelector('.status-message') === null")
        .await;
    let alert = "document.querySelector('[role=alert]')";
    stage.hurry(2).await;
    stage.until(&format!("{VIDEO}.ended || !!{alert}")).await;
    assert_eq!(stage.value(alert).await, json!(null));
}

/// A download that would take minutes is given up for one that would not, and the film plays on.
#[apply(in_every_browser!)]
async fn a_trickle_is_given_up_for_a_lower_rendition(stage: &Stage) {
    for segment in ["/720p/3.m4s", "/1080p/3.m4s"] {
        stage.server.trouble(segment, Trouble::Throttle(400));
    }
    stage.open("?src=film/film.mpd").await;
    // In time, at the speed of a viewer.
    stage.until(&format!("{VIDEO}.currentTime > 6")).await;
    let lower = ["/360p/3.m4s", "/240p/3.m4s"].map(|segment| stage.server.requests(segment));
    assert!(lower.iter().sum::<usize>() > 0);
    stage.ends_with_all_there().await;
}

/// While there is sound, Chromium goes on for three seconds without pictures. What was passed by then
/// is not worth fetching, but its gap must not hold up the pictures after it, nor the end. Other browsers
/// wait for them.
#[apply(in_every_browser!)]
async fn pictures_that_come_too_late_do_not_hold_up_the_end(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    stage.server.trouble("/720p/15.m4s", Trouble::Silence);
    stage.open("?src=film/plain.mpd&t=26&goal=6").await;
    let alert = "document.querySelector('[role=alert]')";
    let waits = format!("{VIDEO}.readyState < 3 && !!document.querySelector('.status-message')");
    stage
        .until(&format!("{VIDEO}.ended || !!{alert} || ({waits})"))
        .await;
    if stage.is(&waits).await {
        stage.server.heal();
        stage.until(&format!("{VIDEO}.ended || !!{alert}")).await;
    }
    assert_eq!(stage.value(alert).await, json!(null));
    assert!(stage.server.requests("/720p/16.m4s") > 0);
}

/// While one of a film's two files is on its way and does not come, the other one's are fetched on.
#[apply(in_every_browser!)]
async fn neither_sound_nor_pictures_wait_for_the_other(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    for (start, held, other) in [
        (0, "/720p/3.m4s", "/audio/5.m4s"),
        (20, "/audio/13.m4s", "/720p/15.m4s"),
    ] {
        stage.server.trouble(held, Trouble::Held);
        let film = format!("?src=film/plain.mpd&goal=12&t={start}");
        stage.open(&film).await;
        stage.server.until_asked_for(held).await;
        stage.server.until_asked_for(other).await;
        stage.server.heal();
        let beyond = start + 7;
        stage
            .until(&format!("{VIDEO}.currentTime > {beyond}"))
            .await;
        stage.is_well().await;
    }
}

/// What is relative to a file is relative to where it was found in the end.
#[apply(in_every_browser!)]
async fn redirects_change_what_names_are_relative_to(stage: &Stage) {
    let film = Trouble::Redirect("film/film.mpd".into());
    stage.server.trouble("/far/away/film.mpd", film);
    stage.open("?src=far/away/film.mpd").await;
    stage.plays().await;
    assert_eq!(stage.server.requests("/far/away/"), 1);

    // A playlist that another one names.
    let playlist = Trouble::Redirect("film/360p/media.m3u8".into());
    stage.server.trouble("/far/away/pictures.m3u8", playlist);
    let main = "#EXTM3U\n\
         #EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS=\"avc1.4d401e\",RESOLUTION=640x360\n\
         pictures.m3u8\n";
    stage.server.make("far/away/film.m3u8", main);
    stage.open("?src=far/away/film.m3u8").await;
    stage.plays().await;
    assert!(stage.server.requests("/film/360p/1.m4s") > 0);
    assert_eq!(stage.server.requests("/far/away/1.m4s"), 0);
}

/// What is sent on to another host is that host's, with its own neighbours; and where that host lets
/// nobody read it, that is said.
#[apply(in_every_browser!)]
async fn redirects_may_lead_to_another_host(stage: &Stage) {
    let other = Server::start().await;
    let film = Trouble::Redirect(other.url("film/film.m3u8"));
    stage.server.trouble("/far/film.m3u8", film);
    stage.open("?src=far/film.m3u8").await;
    stage.plays().await;
    stage.ends_with_all_there().await;
    assert!(other.requests(".m4s") >= 32);
    assert_eq!(stage.server.requests(".m4s"), 0);

    other.trouble("/film.m3u8", Trouble::Private);
    stage.open("?src=far/film.m3u8").await;
    let notice = stage.notice("CORS").await;
    assert!(notice.contains("far/film.m3u8"), "{notice}");
}

/// What a fork gives its player as headers goes along with every request of the film. The page's own form has no
/// field for them, so they are put into the message, whose end they are.
#[apply(in_every_browser!)]
async fn headers_of_ones_own_go_along(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.open("").await;
    stage.plays().await;
    let way = "(message, post) => { \
         const letter = message?.[1]; \
         if (letter && new TextDecoder().decode(letter[0]).includes('film.mpd')) { \
           const written = (text) => [text.length, ...new TextEncoder().encode(text)]; \
           const headers = [1, ...written('x-own'), ...written('of the fork')]; \
           letter[0] = new Uint8Array([...letter[0].slice(0, -1), ...headers]); \
         } \
         post(message); }";
    let meddle = posted_by("Worker.prototype", way);
    stage.value(&format!("(() => {{ {meddle} }})()")).await;
    stage.press("The same in DASH").await;
    stage.until_taken("end of stream").await;
    stage.plays().await;
    let server = &stage.server;
    for part in ["/film/film.mpd", "/init.mp4", "/16.m4s"] {
        assert!(
            server.requests_with(part, "x-own", "of the fork") > 0,
            "{part}"
        );
    }
    // Nothing else of the page gets them.
    let all = server.requests_with("", "x-own", "of the fork");
    assert_eq!(all, server.requests_with("/film/", "x-own", "of the fork"));
    stage.is_well().await;
}

/// A segment that never ends is not waited for, nor kept. It is one of sound: without pictures, Chromium plays
/// on for a while, and on a busy machine past the segment.
#[apply(in_every_browser!)]
async fn a_segment_without_end_is_given_up(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    stage.server.trouble("/audio/3.m4s", Trouble::Endless);
    stage.open("?src=film/plain.mpd").await;
    stage.plays().await;
    let notice = stage.notice("audio/3.m4s").await;
    assert!(notice.contains("damaged"), "{notice}");
    // What was there was played before.
    let end = stage.value(&format!("{VIDEO}.currentTime")).await;
    assert!(end.as_f64().unwrap() > 2.5, "{end}");
}

/// A service worker of the site's is asked first, by the worker as by the page.
#[apply(in_every_browser!)]
async fn a_service_worker_between_is_put_up_with(stage: &Stage) {
    let script = "oninstall = () => skipWaiting(); \
         onactivate = (event) => event.waitUntil(clients.claim()); \
         onfetch = (event) => { \
           const { url, headers, credentials } = event.request; \
           if (!url.includes('/film/')) return; \
           event.respondWith(fetch(`${url}?between`, { headers, credentials })); \
         };";
    stage.server.make("between.js", script);
    stage.open("").await;
    stage.plays().await;
    stage
        .value("void navigator.serviceWorker.register('between.js')")
        .await;
    stage.until("!!navigator.serviceWorker.controller").await;
    stage.open("?src=film/film.mpd").await;
    stage.plays().await;
    stage.ends_with_all_there().await;
    let between = |part: &str| {
        let asked = stage.server.requested(part);
        asked.iter().filter(|it| it.ends_with("?between")).count()
    };
    assert_eq!(between("film.mpd"), 1);
    assert!(between(".m4s") >= 32);
    stage.is_well().await;
}

/// A manifest without end is not read without end.
#[apply(in_every_browser!)]
async fn a_manifest_that_is_too_large_is_refused(stage: &Stage) {
    stage.server.trouble("made/huge.mpd", Trouble::Endless);
    stage.open("?src=made/huge.mpd").await;
    let notice = stage.notice("larger than the size limit").await;
    assert!(notice.contains("made/huge.mpd"), "{notice}");
    // It will not have become smaller.
    assert!(stage.server.requests("made/huge.mpd") <= 2);
}

/// One rendition is too slow, and the other one lacks the segment: the slow one is all that there is.
#[apply(in_every_browser!)]
async fn what_was_given_up_is_taken_up_again_where_there_is_nothing_else(stage: &Stage) {
    stage.server.make_plain(&["360p", "720p"]);
    let (slow, gone) = (
        Trouble::Throttle(2_000),
        Trouble::Status(StatusCode::NOT_FOUND),
    );
    stage.server.trouble_times("/720p/3.m4s", slow, 1);
    stage.server.trouble("/360p/3.m4s", gone);
    stage.open("?src=film/plain.mpd").await;
    stage.server.until_asked_for("/360p/3.m4s").await;
    stage.hurry(4).await;
    stage.ends_with_all_there().await;
}

/// A server that fails a tenth of all requests, cuts a tenth of its answers short and is late with a tenth.
#[apply(in_every_browser!)]
async fn a_storm_is_weathered(stage: &Stage) {
    stage.server.make_plain(&["720p"]);
    stage.server.trouble("/film/", Trouble::Storm);
    stage.open("?src=film/plain.mpd&goal=40").await;
    stage.plays().await;
    // Where the pictures are late, Chromium plays up to three seconds of sound without them, which is more
    // than a segment. So the viewer waits for the worst to be over.
    stage.value(&format!("{VIDEO}.pause()")).await;
    let is_filled = |to: f64| format!("{VIDEO}.buffered.end({VIDEO}.buffered.length - 1) > {to}");
    stage.until(&is_filled(12.0)).await;
    stage.value(&format!("void {VIDEO}.play()")).await;
    stage.until(&is_filled(31.9)).await;
    stage.ends_with_all_there().await;
    for folder in ["720p", "audio"] {
        for nth in 1..=16 {
            let part = format!("/{folder}/{nth}.m4s");
            assert!(stage.server.requests(&part) > 0, "{part} is missing");
        }
    }
    let asked = stage.server.requests(".m4s");
    assert!(asked > 32, "there was no storm: {asked} requests");
}
