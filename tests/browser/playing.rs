//! When all is well.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    server::{Server, Trouble},
    stage::{Feature, Stage},
    suite::in_every_browser,
};

const VIDEO: &str = "document.querySelector('video')";

#[apply(in_every_browser!)]
async fn the_film_plays_to_its_end_out_of_a_worker(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    // The worker's own marks are out of the page's sight, so they are passed on.
    stage
        .server
        .trouble("worker_loader.js", Trouble::around(WATCH_MARKS, ""));
    stage.open("").await;
    stage.plays().await;
    assert_eq!(
        stage
            .value(&format!("{VIDEO}.srcObject.constructor.name"))
            .await,
        json!("MediaSourceHandle")
    );
    stage.screenshot("playing").await;
    stage.hurry(8).await;
    stage.until("probe.media.includes('ended')").await;

    assert_eq!(stage.value(&format!("{VIDEO}.ended")).await, json!(true));
    let end = stage
        .value(&format!("{VIDEO}.currentTime"))
        .await
        .as_f64()
        .unwrap();
    assert!((31.9..32.2).contains(&end), "ended at {end}");
    let buffered = format!(
        "[{VIDEO}.buffered.length, {VIDEO}.buffered.start(0), {VIDEO}.buffered.end(0) > 31.9]"
    );
    assert_eq!(stage.value(&buffered).await, json!([1, 0, true]));
    assert_eq!(
        stage.value("probe.media.includes('error')").await,
        json!(false)
    );
    assert_eq!(
        stage.value("probe.mediaSources").await,
        json!(0),
        "MediaSources made on the page"
    );
    stage.has_started_workers(1).await;
    assert_eq!(
        stage.value("probe.violations").await,
        json!([]),
        "Content-Security-Policy"
    );
    assert_eq!(stage.value("probe.errors").await, json!([]));

    let journey = stage.journey().await;
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
    // The last two wait for different things, and either may be first.
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
    assert_eq!(stage.value(on_page).await, json!(names));
    let names = ["yew-mse-worker:sourceopen", "yew-mse-worker:first-append"];
    stage.until("probe.marks.length >= 2").await;
    assert_eq!(stage.value("probe.marks").await, json!(names));
}

const WATCH_MARKS: &str = "new PerformanceObserver(list => list.getEntries().forEach(mark => \
     new BroadcastChannel('probe').postMessage(mark.name))).observe({ type: 'mark' });";

#[apply(in_every_browser!)]
async fn another_film_is_another_media_source_in_the_same_worker(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    for _ in 0..3 {
        stage.value("window.before = attached()").await;
        stage.press("Play again").await;
        stage.until("attached() !== before").await;
        stage.plays().await;
        stage.has_started_workers(1).await;
        // Its worker was there already.
        assert_eq!(stage.journey().await[0].0, "load sent");
    }
    // Pressed in haste: only the last counts, and nothing of the others is left.
    for _ in 0..5 {
        stage.press("Play again").await;
    }
    stage.until_taken("end of stream").await;
    stage.plays().await;
    assert_eq!(
        stage.value("document.querySelector('[role=alert]')").await,
        json!(null)
    );
    assert_eq!(stage.value("probe.errors").await, json!([]));
}

#[apply(in_every_browser!)]
async fn a_film_from_another_host_plays_from_its_address(stage: &Stage) {
    let elsewhere = Server::start().await;
    let film = elsewhere.url("film/film.m3u8");
    stage.open(&format!("?src={film}&t=10")).await;
    stage.until("probe.from >= 0").await;
    let from = stage.value("probe.from").await;
    assert!(from.as_f64().unwrap() >= 9.9, "played from {from}");
    assert_eq!(
        stage.value("document.querySelector('#src').value").await,
        json!(film)
    );
    assert_eq!(stage.value("probe.violations").await, json!([]));
    assert_eq!(stage.server.requests("/film/"), 0);
    // Both tracks, from there on, and each segment once.
    stage.until_taken("end of stream").await;
    assert_eq!(elsewhere.requests(".m4s"), 22);

    // Relative to the page, and without a start.
    stage.press("Sample video").await;
    stage.until(&format!("{VIDEO}.currentTime < 10")).await;
    stage.plays().await;
    assert_eq!(stage.value("location.search").await, json!(""));
    stage.open("?src=film%2Ffilm.m3u8").await;
    stage.plays().await;
}

#[apply(in_every_browser!)]
async fn two_players_have_a_worker_each(stage: &Stage) {
    stage.open("").await;
    stage.press("Add a second player").await;
    stage
        .until("[...document.querySelectorAll('video')].filter(video => video.currentTime > 0.3).length === 2")
        .await;
    stage.has_started_workers(2).await;
    let handles = "attached() !== attached(document.querySelectorAll('video')[1])";
    assert_eq!(stage.value(handles).await, json!(true));
    assert_eq!(
        stage
            .value("document.querySelectorAll('[role=alert]').length")
            .await,
        json!(0)
    );
    stage.screenshot("two-players").await;
}

#[apply(in_every_browser!)]
async fn ten_players_come_and_go_and_leave_nothing_behind(stage: &Stage) {
    stage.needs(Feature::DevTools).await;
    stage.open("").await;
    stage.plays().await;
    stage
        .window
        .driver
        .cdp()
        .send_raw("Performance.enable", json!({}))
        .await
        .unwrap();
    stage.value(&format!("{VIDEO}.pause()")).await;
    // The first one makes what is made once; what is counted is what each further one adds.
    come_and_go(stage).await;
    let before = counts(stage).await;
    for _ in 0..10 {
        come_and_go(stage).await;
    }
    let after = counts(stage).await;
    println!("workers, listeners, nodes: {before:?}, after ten players {after:?}");
    assert_eq!(after.workers, before.workers);
    assert!(
        after.listeners <= before.listeners + 2.0,
        "{before:?} {after:?}"
    );
    assert!(after.nodes <= before.nodes + 20.0, "{before:?} {after:?}");
    // A worker that was let go of in order has shown no false end, and thrown nothing.
    assert_eq!(
        stage.value("probe.media.includes('ended')").await,
        json!(false)
    );
    assert_eq!(stage.value("probe.errors").await, json!([]));
}

async fn come_and_go(stage: &Stage) {
    stage.press("Add a second player").await;
    stage
        .until("document.querySelectorAll('video')[1]?.currentTime > 0.1")
        .await;
    // Heard on the element itself: once it is out of the document, nothing of it is heard there.
    let listen = "document.querySelectorAll('video')[1].addEventListener('ended', () => probe.media.push('ended'))";
    stage.value(listen).await;
    stage.press("Remove the second player").await;
    stage
        .until("document.querySelectorAll('video').length === 1")
        .await;
}

#[derive(Debug, PartialEq)]
struct Counts {
    workers: f64,
    listeners: f64,
    nodes: f64,
}

/// Counts what there is once all that was let go of is gone: workers end in their own time.
async fn counts(stage: &Stage) -> Counts {
    let mut last = read_counts(stage).await;
    let mut same = 0;
    for _ in 0..200 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let next = read_counts(stage).await;
        same = if next == last { same + 1 } else { 0 };
        last = next;
        if same == 10 {
            return last;
        }
    }
    panic!("never the same for long: {last:?}");
}

async fn read_counts(stage: &Stage) -> Counts {
    let cdp = stage.window.driver.cdp();
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

#[apply(in_every_browser!)]
async fn what_a_past_session_still_says_is_dropped(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    // The film is asked for, and again while all that the worker has said of it lies waiting for
    // a page that is busy.
    let twice = "(async () => {
        const again = document.querySelector('.milestones button');
        window.before = attached();
        again.click();
        await new Promise((done) => setTimeout(done));
        for (const start = performance.now(); performance.now() - start < 700; );
        again.click();
    })()";
    stage.value(twice).await;
    stage.until("attached() !== before").await;
    stage.until_taken("end of stream").await;
    stage.until_taken("first frame").await;
    let journey = stage.journey().await;
    // Of the session before there would be steps from before this one was asked for.
    assert!(journey.iter().all(|(_, at)| *at >= 0.0), "{journey:?}");
    let at = |step| journey.iter().find(|(name, _)| name == step).unwrap().1;
    assert!(at("srcObject set") <= at("first frame"), "{journey:?}");
}

#[apply(in_every_browser!)]
async fn ten_films_in_one_worker_leave_one_media_source(stage: &Stage) {
    stage
        .server
        .trouble("/worker.js", Trouble::around(COUNT_MEDIA_SOURCES, ""));
    stage.open("").await;
    stage.plays().await;
    for _ in 0..10 {
        stage.value("window.before = attached()").await;
        stage.press("Play again").await;
        stage.until("attached() !== before").await;
        stage.plays().await;
    }
    stage.has_started_workers(1).await;
    // Asks the worker, again and again, for those that are neither closed nor collected.
    let ask = "(window.ask ??= setInterval(() => \
         new BroadcastChannel('count').postMessage(null), 100)) && probe.open?.toString()";
    stage.until(&format!("({ask}) === '1 of 11'")).await;
}

const COUNT_MEDIA_SOURCES: &str = "const made = []; \
     for (const name of ['MediaSource', 'ManagedMediaSource']) \
       if (name in self) self[name] = class extends self[name] { constructor() { super(); made.push(this); } }; \
     new BroadcastChannel('count').onmessage = () => new BroadcastChannel('open').postMessage( \
       `${made.filter(source => source.readyState !== 'closed').length} of ${made.length}`);";

#[apply(in_every_browser!)]
async fn what_is_not_wanted_any_more_is_not_fetched(stage: &Stage) {
    stage.server.trouble("slow.m3u8", Trouble::Silence);
    stage.open("?src=film/slow.m3u8").await;
    stage.server.until_asked_for("slow.m3u8").await;
    stage.press("Sample video").await;
    stage.plays().await;
    stage.until_taken("end of stream").await;
    // Long before its own time was up.
    assert_eq!(stage.server.abandoned(), 1);
}

#[apply(in_every_browser!)]
async fn the_handle_comes_in_the_shape_that_gloo_worker_gives_its_own_messages(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.open("").await;
    stage.plays().await;
    let messages = stage.value("probe.messages").await;
    let messages = messages.as_array().unwrap();
    let is_opened = |message: &&serde_json::Value| message[1][1] == "MediaSourceHandle";
    let opened = messages
        .iter()
        .find(is_opened)
        .expect("no message carried a handle");
    let variant = |message: &serde_json::Value| message[0][0].clone();
    let bridge = |message: &serde_json::Value| message[0][1].clone();

    // gloo's first word says that it is loaded: a variant of its own, and nothing else.
    assert_eq!(messages[0].as_array().unwrap().len(), 1);
    assert_eq!(messages[0][0].as_array().unwrap().len(), 1);
    assert_ne!(variant(&messages[0]), variant(opened));
    // All that follows it are outputs, which gloo has encoded itself, but for the one with the
    // handle. If that one differs, gloo's private message has changed: see src/wire/post.rs.
    for message in &messages[1..] {
        assert_eq!(variant(message), variant(opened), "{message} and {opened}");
        assert_eq!(bridge(message), bridge(opened), "{message} and {opened}");
    }
    assert!(messages.len() > 5);
}

#[apply(in_every_browser!)]
async fn sound_is_a_click_away(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    assert_eq!(stage.value(&format!("{VIDEO}.muted")).await, json!(true));
    stage.press("Unmute").await;
    assert_eq!(stage.value(&format!("{VIDEO}.muted")).await, json!(false));
    let offered = "document.querySelector('.unmute').checkVisibility()";
    stage.until(&format!("!{offered}")).await;
    // Muted again, and not by the person: the way back is offered again.
    stage.value(&format!("{VIDEO}.muted = true")).await;
    stage.until(offered).await;
    // Each has a word of its own for it.
    let sound = "((video) => video.webkitAudioDecodedByteCount > 0 || video.mozHasAudio === true || \
         video.audioTracks?.length > 0)";
    stage.until(&format!("{sound}({VIDEO})")).await;
    stage
        .until("!document.querySelector('.captions').hidden")
        .await;
    stage
        .value(&format!("{VIDEO}.textTracks[0].mode = 'hidden'"))
        .await;
    stage
        .until(&format!("{VIDEO}.textTracks[0].cues?.length === 8"))
        .await;
}

#[apply(in_every_browser!)]
async fn the_page_fits_every_width(stage: &Stage) {
    for (width, height) in [(320, 700), (768, 1000), (1400, 900), (3840, 2160)] {
        stage.resize(width, height, 1.0).await;
        stage.open("?t=14").await;
        stage.until_taken("first frame").await;
        stage.until_taken("end of stream").await;
        let fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        assert_eq!(stage.value(fits).await, json!(true), "{width} px wide");
        // A time that takes the place of a dash is a little wider; nothing else moves. Of a browser that
        // does not measure it, nothing is known.
        let shift = stage.value("probe.shift").await.as_f64().unwrap();
        assert!(shift < 0.01, "{width} px wide: {shift}");
        stage.screenshot(&width.to_string()).await;
    }
}

#[apply(in_every_browser!)]
async fn the_page_is_dark_where_that_is_wished(stage: &Stage) {
    stage.needs(Feature::DevTools).await;
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    let cdp = stage.window.driver.cdp();
    cdp.send_raw("Emulation.setEmulatedMedia", features)
        .await
        .unwrap();
    for width in [320, 1400] {
        stage.resize(width, 1000, 1.0).await;
        stage.open("?t=14").await;
        stage.until_taken("end of stream").await;
        let paper = "getComputedStyle(document.body).backgroundColor";
        assert_eq!(stage.value(paper).await, json!("rgb(12, 18, 34)"));
        stage.screenshot(&format!("{width}-dark")).await;
    }
}

/// As it is told by the browser: first where it is, then what it is.
#[apply(in_every_browser!)]
async fn a_link_that_is_dropped_is_played(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    stage.value("window.before = attached()").await;
    let film = stage.server.url("film/film.mpd");
    let drop = format!(
        "['dragover', 'drop'].map(kind => {{
            const dataTransfer = new DataTransfer();
            dataTransfer.setData('text/uri-list', kind === 'drop' ? {film:?} : '');
            const event = new DragEvent(kind, {{ dataTransfer, bubbles: true, cancelable: true }});
            document.querySelector('h1').dispatchEvent(event);
            return event.defaultPrevented;
        }})"
    );
    assert_eq!(stage.value(&drop).await, json!([true, true]));
    stage.until("attached() && attached() !== before").await;
    stage.plays().await;
    assert!(stage.server.requests("/film.mpd") > 0);
    let source = stage.value("document.querySelector('#src').value").await;
    assert_eq!(source, json!(film));
    // The sample can be had in either way, and has its captions in both.
    stage.press("The same in DASH").await;
    stage
        .until("document.querySelector('#src').value === 'film/film.mpd'")
        .await;
    stage.until("!!document.querySelector('track')").await;
    stage.plays().await;
    stage.is_well().await;
}
