//! Playback without faults.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    context::{Feature, TestContext},
    server::{Server, ServerFault},
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";

#[apply(browser_test!)]
#[runs_in(Chromium; "the handle, Content-Security-Policy, User Timing")]
async fn plays_to_the_end_from_a_worker(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    // The page cannot read the worker's marks, so the worker sends them.
    test.server.add_fault(
        "worker_loader.js",
        ServerFault::wrap_script(WATCH_MARKS, ""),
    );
    test.open("").await;
    test.wait_until_playing().await;
    assert_eq!(
        test.eval(&format!("{VIDEO}.srcObject.constructor.name"))
            .await,
        json!("MediaSourceHandle")
    );
    test.screenshot("playing").await;
    test.set_rate(8).await;
    test.wait_until("probe.media.includes('ended')").await;

    assert_eq!(test.eval(&format!("{VIDEO}.ended")).await, json!(true));
    let end = test
        .eval(&format!("{VIDEO}.currentTime"))
        .await
        .as_f64()
        .unwrap();
    assert!((31.9..32.2).contains(&end), "ended at {end}");
    let buffered = format!(
        "[{VIDEO}.buffered.length, {VIDEO}.buffered.start(0), {VIDEO}.buffered.end(0) > 31.9]"
    );
    assert_eq!(test.eval(&buffered).await, json!([1, 0, true]));
    assert_eq!(
        test.eval("probe.media.includes('error')").await,
        json!(false)
    );
    assert_eq!(
        test.eval("probe.mediaSources").await,
        json!(0),
        "MediaSources made on the page"
    );
    test.assert_workers_started(1).await;
    assert_eq!(
        test.eval("probe.violations").await,
        json!([]),
        "Content-Security-Policy"
    );
    assert_eq!(test.eval("probe.errors").await, json!([]));

    let journey = test.milestones().await;
    let steps: Vec<&str> = journey.iter().map(|(step, _)| step.as_str()).collect();
    let all = [
        "worker spawned",
        "load sent",
        "MediaSource created",
        "handle transferred",
        "handle received",
        "srcObject set",
        "sourceopen",
        "SourceBuffers created",
        "first append",
        "first frame",
        "end of stream",
    ];
    assert_eq!(steps, all);
    // The last two may come in either order.
    for later in [9, 10] {
        let times = journey[..9]
            .iter()
            .chain([&journey[later]])
            .map(|(_, at)| *at);
        assert!(times.is_sorted(), "{journey:?}");
    }

    let on_page = "performance.getEntriesByType('mark').map(mark => mark.name)";
    let names = [
        "yew-mse-worker:load",
        "yew-mse-worker:handle",
        "yew-mse-worker:first-frame",
    ];
    assert_eq!(test.eval(on_page).await, json!(names));
    let names = ["yew-mse-worker:sourceopen", "yew-mse-worker:first-append"];
    test.wait_until("probe.marks.length >= 2").await;
    assert_eq!(test.eval("probe.marks").await, json!(names));
}

const WATCH_MARKS: &str = "new PerformanceObserver(list => list.getEntries().forEach(mark => \
     new BroadcastChannel('probe').postMessage(mark.name))).observe({ type: 'mark' });";

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "the element's source is replaced")]
async fn next_video_gets_another_media_source_in_the_same_worker(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    for _ in 0..3 {
        test.eval("window.before = attached()").await;
        test.press("Play again").await;
        test.wait_until("attached() !== before").await;
        test.wait_until_playing().await;
        test.assert_workers_started(1).await;
        // The worker was running already.
        assert_eq!(test.milestones().await[0].0, "load sent");
    }
    // Clicked in quick succession, only the last one counts.
    for _ in 0..5 {
        test.press("Play again").await;
    }
    test.wait_for_milestone("end of stream").await;
    test.wait_until_playing().await;
    assert_eq!(
        test.eval("document.querySelector('[role=alert]')").await,
        json!(null)
    );
    assert_eq!(test.eval("probe.errors").await, json!([]));
}

#[apply(browser_test!)]
#[runs_in(Chromium; "CORS and Content-Security-Policy")]
async fn video_of_another_host_plays_from_a_url_parameter(test: &TestContext) {
    let elsewhere = Server::start().await;
    let video = elsewhere.url("film/film.m3u8");
    test.open(&format!("?src={video}&t=10")).await;
    test.wait_until("probe.from >= 0").await;
    let from = test.eval("probe.from").await;
    assert!(from.as_f64().unwrap() >= 9.9, "played from {from}");
    assert_eq!(
        test.eval("document.querySelector('#src').value").await,
        json!(video)
    );
    assert_eq!(test.eval("probe.violations").await, json!([]));
    assert_eq!(test.server.request_count("/film/"), 0);
    // Both tracks from there on, and each segment once. Beside them, the start of the playlist's first segment, which
    // tells where the timestamps begin.
    test.wait_for_milestone("end of stream").await;
    let mut requested = elsewhere.requested_urls(".m4s");
    requested.retain(|url| !url.ends_with("p/1.m4s"));
    assert_eq!(requested.len(), 22, "{requested:?}");

    // Relative to the page, and from the beginning.
    test.press("Sample video").await;
    test.wait_until(&format!("{VIDEO}.currentTime < 10")).await;
    test.wait_until_playing().await;
    assert_eq!(test.eval("location.search").await, json!(""));
    test.open("?src=film%2Ffilm.m3u8").await;
    test.wait_until_playing().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "two elements and two workers")]
async fn two_players_have_separate_workers(test: &TestContext) {
    test.open("").await;
    test.press("Add a second player").await;
    test
        .wait_until("[...document.querySelectorAll('video')].filter(video => video.currentTime > 0.3).length === 2")
        .await;
    test.assert_workers_started(2).await;
    let handles = "attached() !== attached(document.querySelectorAll('video')[1])";
    assert_eq!(test.eval(handles).await, json!(true));
    assert_eq!(
        test.eval("document.querySelectorAll('[role=alert]').length")
            .await,
        json!(0)
    );
    test.screenshot("two-players").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "objects that the browser keeps")]
async fn removed_players_leave_no_workers_listeners_or_nodes(test: &TestContext) {
    test.requires(Feature::DevTools).await;
    test.open("").await;
    test.wait_until_playing().await;
    test.window
        .driver
        .cdp()
        .send_raw("Performance.enable", json!({}))
        .await
        .unwrap();
    test.eval(&format!("{VIDEO}.pause()")).await;
    // The first one creates shared objects, so the count starts after it.
    come_and_go(test).await;
    let before = counts(test).await;
    for _ in 0..10 {
        come_and_go(test).await;
    }
    let after = counts(test).await;
    println!("workers, listeners, nodes: {before:?}, after ten players {after:?}");
    assert_eq!(after.workers, before.workers);
    assert!(
        after.listeners <= before.listeners + 2.0,
        "{before:?} {after:?}"
    );
    assert!(after.nodes <= before.nodes + 20.0, "{before:?} {after:?}");
    // A worker that was shut down in order caused no false end and no exception.
    assert_eq!(
        test.eval("probe.media.includes('ended')").await,
        json!(false)
    );
    assert_eq!(test.eval("probe.errors").await, json!([]));
}

async fn come_and_go(test: &TestContext) {
    test.press("Add a second player").await;
    test.wait_until("document.querySelectorAll('video')[1]?.currentTime > 0.1")
        .await;
    // On the element itself: once it is removed, its events do not reach the document.
    let listen = "document.querySelectorAll('video')[1].addEventListener('ended', () => probe.media.push('ended'))";
    test.eval(listen).await;
    test.press("Remove the second player").await;
    test.wait_until("document.querySelectorAll('video').length === 1")
        .await;
}

#[derive(Debug, PartialEq)]
struct Counts {
    workers: f64,
    listeners: f64,
    nodes: f64,
}

/// Counts objects once the number is stable: workers end asynchronously.
async fn counts(test: &TestContext) -> Counts {
    let mut last = read_counts(test).await;
    let mut same = 0;
    for _ in 0..200 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let next = read_counts(test).await;
        same = if next == last { same + 1 } else { 0 };
        last = next;
        if same == 10 {
            return last;
        }
    }
    panic!("never the same for long: {last:?}");
}

async fn read_counts(test: &TestContext) -> Counts {
    let cdp = test.window.driver.cdp();
    cdp.send_raw("HeapProfiler.collectGarbage", json!({}))
        .await
        .unwrap();
    let metrics = cdp
        .send_raw("Performance.getMetrics", json!({}))
        .await
        .unwrap();
    let of = |name| {
        let metrics = metrics["metrics"].as_array().unwrap();
        let metric = metrics
            .iter()
            .find(|metric| metric["name"] == name)
            .unwrap();
        metric["value"].as_f64().unwrap()
    };
    Counts {
        workers: of("WorkerGlobalScopes"),
        listeners: of("JSEventListeners"),
        nodes: of("Nodes"),
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium; "messages that wait for a blocked page")]
async fn events_of_a_past_session_are_dropped(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    // Loads the video, and again while the events of the first load wait for the blocked page.
    let twice = "(async () => {
        const again = document.querySelector('.milestones button');
        window.before = attached();
        again.click();
        await new Promise((done) => setTimeout(done));
        for (const start = performance.now(); performance.now() - start < 700; );
        again.click();
    })()";
    test.eval(twice).await;
    test.wait_until("attached() !== before").await;
    test.wait_for_milestone("end of stream").await;
    test.wait_for_milestone("first frame").await;
    let journey = test.milestones().await;
    // Milestones of the first session would have negative times.
    assert!(journey.iter().all(|(_, at)| *at >= 0.0), "{journey:?}");
    let at = |step| journey.iter().find(|(name, _)| name == step).unwrap().1;
    assert!(at("srcObject set") <= at("first frame"), "{journey:?}");
}

#[apply(browser_test!)]
#[runs_in(Chromium; "garbage collection")]
async fn ten_videos_leave_one_media_source(test: &TestContext) {
    test.server.add_fault(
        "/worker.js",
        ServerFault::wrap_script(COUNT_MEDIA_SOURCES, ""),
    );
    test.open("").await;
    test.wait_until_playing().await;
    for _ in 0..10 {
        test.eval("window.before = attached()").await;
        test.press("Play again").await;
        test.wait_until("attached() !== before").await;
        test.wait_until_playing().await;
    }
    test.assert_workers_started(1).await;
    // Asks the worker repeatedly for the sources that are neither closed nor collected.
    let ask = "(window.ask ??= setInterval(() => \
         new BroadcastChannel('count').postMessage(null), 100)) && probe.open?.toString()";
    test.wait_until(&format!("({ask}) === '1 of 11'")).await;
}

const COUNT_MEDIA_SOURCES: &str = "const made = []; \
     for (const name of ['MediaSource', 'ManagedMediaSource']) \
       if (name in self) self[name] = class extends self[name] { constructor() { super(); made.push(this); } }; \
     new BroadcastChannel('count').onmessage = () => new BroadcastChannel('open').postMessage( \
       `${made.filter(source => source.readyState !== 'closed').length} of ${made.length}`);";

#[apply(browser_test!)]
#[runs_in(Chromium; "the handle")]
async fn handle_message_has_the_format_of_gloo_worker(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.open("").await;
    test.wait_until_playing().await;
    let messages = test.eval("probe.messages").await;
    let messages = messages.as_array().unwrap();
    let is_opened = |message: &&serde_json::Value| message[1][1] == "MediaSourceHandle";
    let opened = messages
        .iter()
        .find(is_opened)
        .expect("no message carried a handle");
    let variant = |message: &serde_json::Value| message[0][0].clone();
    let bridge = |message: &serde_json::Value| message[0][1].clone();

    // gloo's first message says that the worker is loaded: another variant, without a value.
    assert_eq!(messages[0].as_array().unwrap().len(), 1);
    assert_eq!(messages[0][0].as_array().unwrap().len(), 1);
    assert_ne!(variant(&messages[0]), variant(opened));
    // All others are outputs that gloo encoded, except the one with the handle. If they differ, gloo's private
    // message has changed: see src/protocol/transfer.rs. The first is seen twice where the worker was started before
    // the page's program: events are held, and dispatched again.
    for message in messages.iter().filter(|message| **message != messages[0]) {
        assert_eq!(variant(message), variant(opened), "{message} and {opened}");
        assert_eq!(bridge(message), bridge(opened), "{message} and {opened}");
    }
    assert!(messages.len() > 5);
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "autoplay policy and audio decoder")]
async fn unmute_button_turns_sound_on(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    assert_eq!(test.eval(&format!("{VIDEO}.muted")).await, json!(true));
    test.press("Unmute").await;
    assert_eq!(test.eval(&format!("{VIDEO}.muted")).await, json!(false));
    let offered = "document.querySelector('.unmute').checkVisibility()";
    test.wait_until(&format!("!{offered}")).await;
    // Muted again by script: the button appears again.
    test.eval(&format!("{VIDEO}.muted = true")).await;
    test.wait_until(offered).await;
    // Each browser has its own property for this.
    let sound = "((video) => video.webkitAudioDecodedByteCount > 0 || video.mozHasAudio === true || \
         video.audioTracks?.length > 0)";
    test.wait_until(&format!("{sound}({VIDEO})")).await;
    test.wait_until("!document.querySelector('.captions').hidden")
        .await;
    test.eval(&format!("{VIDEO}.textTracks[0].mode = 'hidden'"))
        .await;
    test.wait_until(&format!("{VIDEO}.textTracks[0].cues?.length === 8"))
        .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "layout")]
async fn page_fits_every_width(test: &TestContext) {
    for (width, height) in [(320, 700), (768, 1000), (1400, 900), (3840, 2160)] {
        test.resize(width, height, 1.0).await;
        test.open("?t=14").await;
        test.wait_for_milestone("first frame").await;
        test.wait_for_milestone("end of stream").await;
        let fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        assert_eq!(test.eval(fits).await, json!(true), "{width} px wide");
        // A time is a little wider than the dash it replaces. Browsers without layout-shift entries report 0.
        let shift = test.eval("probe.shift").await.as_f64().unwrap();
        assert!(shift < 0.01, "{width} px wide: {shift}");
        test.screenshot(&width.to_string()).await;
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium; "colour scheme")]
async fn page_follows_the_dark_colour_scheme(test: &TestContext) {
    test.requires(Feature::DevTools).await;
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    let cdp = test.window.driver.cdp();
    cdp.send_raw("Emulation.setEmulatedMedia", features)
        .await
        .unwrap();
    for width in [320, 1400] {
        test.resize(width, 1000, 1.0).await;
        test.open("?t=14").await;
        test.wait_for_milestone("end of stream").await;
        let paper = "getComputedStyle(document.body).backgroundColor";
        assert_eq!(test.eval(paper).await, json!("rgb(12, 18, 34)"));
        test.screenshot(&format!("{width}-dark")).await;
    }
}

/// Browsers say first where a drag is, and what it carries only when it is dropped.
#[apply(browser_test!)]
#[runs_in(Chromium; "drag and drop")]
async fn dropped_link_is_played(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    test.eval("window.before = attached()").await;
    let video = test.server.url("film/film.mpd");
    let drop = format!(
        "['dragover', 'drop'].map(kind => {{
            const dataTransfer = new DataTransfer();
            dataTransfer.setData('text/uri-list', kind === 'drop' ? {video:?} : '');
            const event = new DragEvent(kind, {{ dataTransfer, bubbles: true, cancelable: true }});
            document.querySelector('h1').dispatchEvent(event);
            return event.defaultPrevented;
        }})"
    );
    assert_eq!(test.eval(&drop).await, json!([true, true]));
    test.wait_until("attached() && attached() !== before").await;
    test.wait_until_playing().await;
    assert!(test.server.request_count("/film.mpd") > 0);
    let source = test.eval("document.querySelector('#src').value").await;
    assert_eq!(source, json!(video));
    // The sample video has captions in HLS and in DASH.
    test.press("The same in DASH").await;
    test.wait_until("document.querySelector('#src').value === 'film/film.mpd'")
        .await;
    test.wait_until("!!document.querySelector('track')").await;
    test.wait_until_playing().await;
    test.assert_no_errors().await;
}
