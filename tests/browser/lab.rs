//! The lab on the demo page, and the page without it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use macro_rules_attribute::apply;
use serde_json::json;
use thirtyfour::By;

use crate::{
    context::{Feature, TestContext},
    server::{Server, public_url},
    suite::browser_test,
};

const LIST: &str = "document.querySelector('#lab-timeline ol').innerText";
const CANVAS: &str = "document.querySelector('#lab-timeline canvas')";

/// Opens the lab, and the timeline's list of events.
async fn open_the_lab(test: &TestContext) {
    test.eval("document.querySelector('#lab').open = true")
        .await;
    test.wait_until("!!document.querySelector('#lab-timeline details')")
        .await;
    test.eval("document.querySelector('#lab-timeline details').open = true")
        .await;
    test.eval(&format!("{CANVAS}.scrollIntoView({{ block: 'center' }})"))
        .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "canvas")]
async fn timeline_shows_events_from_before_it_was_opened(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    test.wait_for_milestone("end of stream").await;
    open_the_lab(test).await;
    for step in [
        "MediaSource created",
        "first append",
        "loadstart",
        "appended",
    ] {
        test.wait_until(&format!("{LIST}.includes('{step}')")).await;
    }
    let segments = format!("{LIST}.split('\\n').filter(line => line.endsWith('appended')).length");
    test.wait_until(&format!("{segments} >= 32")).await;

    test.eval("document.querySelector('video').currentTime = 20")
        .await;
    test.wait_until(&format!("{LIST}.includes('seeking, at 20.0 s')"))
        .await;

    // The canvas shows more than a few colours.
    let colours = format!(
        "new Set(new Uint32Array({CANVAS}.getContext('2d') \
         .getImageData(0, 0, {CANVAS}.width, {CANVAS}.height).data.buffer)).size"
    );
    test.wait_until(&format!("{colours} > 5")).await;

    // Zooms in and out by keyboard.
    let seconds = format!("parseInt({CANVAS}.getAttribute('aria-label').match(/\\d+/)[0])");
    let press = |key: &str| {
        format!(
            "{CANVAS}.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}))"
        )
    };
    let before = test.eval(&seconds).await;
    for _ in 0..4 {
        test.eval(&press("+")).await;
    }
    test.wait_until(&format!("{seconds} < {before} / 3")).await;
    for _ in 0..4 {
        test.eval(&press("-")).await;
    }
    test.wait_until(&format!("{seconds} >= {before} / 2")).await;

    // The tooltip describes what is under the pointer.
    let point = format!(
        "(({{ left, top }}) => {CANVAS}.dispatchEvent(new PointerEvent('pointermove', \
         {{ clientX: left + 95, clientY: top + 40, bubbles: true }})))({CANVAS}.getBoundingClientRect())"
    );
    test.eval(&point).await;
    test.wait_until("document.querySelector('.tip').innerText.includes('after the start')")
        .await;
    test.screenshot("timeline").await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "canvas and IntersectionObserver")]
async fn timeline_out_of_view_is_not_drawn(test: &TestContext) {
    test.open("?goal=4").await;
    test.wait_until_playing().await;
    open_the_lab(test).await;
    test.wait_until(&format!("{LIST}.length > 0")).await;
    // In view, it is drawn when something happens: loading the video again causes all events.
    let begin_anew = async || {
        // A real click would scroll there.
        test.eval("document.querySelector('.milestones button').click()")
            .await;
        test.wait_for_milestone("first append").await;
    };
    let drawn = async || test.eval("probe.drawings").await.as_f64().unwrap();
    let before = drawn().await;
    begin_anew().await;
    test.wait_until(&format!("probe.drawings > {before}")).await;

    test.eval("document.querySelector('#lab').open = false")
        .await;
    // IntersectionObserver reports between two frames.
    let frames = "(window.passed = 0, requestAnimationFrame(function next() \
         { window.passed += 1; requestAnimationFrame(next); }))";
    test.eval(frames).await;
    test.wait_until("window.passed > 10").await;
    let before = drawn().await;
    begin_anew().await;
    test.wait_until_playing().await;
    assert!((drawn().await - before).abs() < f64::EPSILON);

    open_the_lab(test).await;
    test.wait_until(&format!("probe.drawings > {before}")).await;
}

/// When the colour scheme changes, the canvas is drawn again.
#[apply(browser_test!)]
#[runs_in(Chromium; "canvas and colour scheme")]
async fn timeline_takes_the_colours_of_the_page(test: &TestContext) {
    test.requires(Feature::DevTools).await;
    test.set_colour_scheme("light").await;
    test.open("?t=31").await;
    test.wait_until("document.querySelector('video').ended")
        .await;
    open_the_lab(test).await;
    test.wait_until(&format!("{LIST}.length > 0")).await;
    // Waits for 60 frames without a drawing, so that the next one is caused by the colours.
    let rests = "void (function look(before, left) { window.rests = left === 0; \
         if (left) requestAnimationFrame(() => probe.drawings === before ? look(before, left - 1) : look(probe.drawings, 60)); \
         })(probe.drawings, 60)";
    test.eval(rests).await;
    test.wait_until("window.rests").await;
    let before = test.eval("probe.drawings").await;
    test.set_colour_scheme("dark").await;
    test.wait_until(&format!("probe.drawings > {before}")).await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "decoder statistics")]
async fn stats_show_decoder_network_and_memory(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    open_the_lab(test).await;
    test.eval("document.querySelector('#lab-stats').scrollIntoView()")
        .await;
    let words = "document.querySelector('#lab-stats dl').innerText";
    test.wait_until(&format!("{words}.includes('dropped of')"))
        .await;
    for part in [
        "video/mp4; codecs=",
        "estimated",
        "goal",
        "MB were discarded",
        "Wasm memory",
    ] {
        test.wait_until(&format!("{words}.includes('{part}')"))
            .await;
    }
    if test.has(Feature::MediaSourceInWorkers).await {
        test.wait_until(&format!("{words}.includes('MediaSourceHandle, attached')"))
            .await;
    }
    test.screenshot("stats").await;
}

/// Panels that fill do not move what is below them.
#[apply(browser_test!)]
#[runs_in(Chromium; "layout")]
async fn lab_does_not_move_while_its_panels_fill(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    open_the_lab(test).await;
    // The timeline has a lane for each known quality.
    test.wait_until(&format!("{LIST}.includes('appended')"))
        .await;
    let place = "document.querySelector('#lab-claims').offsetTop";
    let before = test.eval(place).await;
    let words = "document.querySelector('#lab-stats dl').innerText";
    for panel in ["freeze", "timeline", "stats", "claims"] {
        let panel = format!("document.querySelector('#lab-{panel}')");
        test.eval(&format!("{panel}.scrollIntoView()")).await;
        test.wait_until(&format!(
            "{panel}.getBoundingClientRect().top < innerHeight"
        ))
        .await;
        // The stats are updated while they are in view.
        if panel.contains("stats") {
            test.wait_until(&format!("{words}.includes('estimated')"))
                .await;
        }
    }
    assert_eq!(test.eval(place).await, before);
}

#[apply(browser_test!)]
#[runs_in(Chromium; "layout")]
async fn lab_fits_every_width(test: &TestContext) {
    for (width, height) in [(320, 700), (768, 1000), (1400, 900), (3840, 2000)] {
        test.resize(width, height, 1.0).await;
        for scheme in test.colour_schemes().await {
            test.set_colour_scheme(scheme).await;
            test.open("?t=14").await;
            test.wait_until_playing().await;
            open_the_lab(test).await;
            test.wait_until(&format!("{LIST}.length > 0")).await;
            // Names what is too wide, if the page scrolls sideways.
            let too_wide = "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth ? [] : \
                 ['page', ...document.querySelectorAll('body *')] \
                 .filter(it => it === 'page' || it.getBoundingClientRect().right > clientWidth) \
                 .map(it => it.outerHTML?.slice(0, 60) ?? it))(document.documentElement)";
            assert_eq!(test.eval(too_wide).await, json!([]), "{width} px wide");
            for panel in ["freeze", "timeline", "claims"] {
                test.eval(&format!(
                    "document.querySelector('#lab-{panel}').scrollIntoView()"
                ))
                .await;
                test.screenshot(&format!("lab-{panel}-{width}-{scheme}"))
                    .await;
            }
        }
    }
}

/// What the lab reports of a video while the page was blocked or busy, in seconds.
#[derive(Debug)]
struct Told {
    played: f64,
    length: f64,
    stalled: f64,
}

/// The last report, of the video that the worker feeds and the one that the page feeds.
async fn told(test: &TestContext) -> [Told; 2] {
    let mut videos = Vec::new();
    for thread in ["worker", "page"] {
        let words = format!(
            "document.querySelector('.freezes .lane[data-fed-by={thread}] .words').innerText"
        );
        println!("{thread}: {}", test.eval(&words).await);
        let numbers = format!(
            "{words}.match(/^(-?[\\d.]+) s of ([\\d.]+) s played, (?:never stalled|stalled for ([\\d.]+) s);/) \
             .slice(1).map(it => Number(it ?? 0))"
        );
        let numbers: [f64; 3] = serde_json::from_value(test.eval(&numbers).await).unwrap();
        let [played, length, stalled] = numbers;
        videos.push(Told {
            played,
            length,
            stalled,
        });
    }
    videos.try_into().unwrap()
}

/// Clicks the lab's freeze button and waits for the report.
async fn freeze(test: &TestContext, seconds: u32) -> [Told; 2] {
    let reports = "document.querySelectorAll('.freezes li').length";
    let before = test.eval(reports).await;
    let choice = format!(".comparison option[value='{seconds}']");
    test.press_element(By::Css(choice)).await;
    test.press(&format!("Freeze the page for {seconds} s"))
        .await;
    test.wait_until(&format!("{reports} === {before} + 1"))
        .await;
    let videos = told(test).await;
    for video in &videos {
        assert!(video.length >= f64::from(seconds), "{video:?}");
    }
    videos
}

/// With three seconds buffered, the video that the page feeds stalls and the other one does not.
async fn only_who_is_fed_goes_on(test: &TestContext, [worker, page]: [Told; 2]) {
    assert!(page.stalled > 1.0, "{page:?}");
    if test.has(Feature::MediaSourceInWorkers).await {
        assert!(worker.stalled == 0.0, "{worker:?}");
        assert!(worker.played > page.played + 1.0, "{worker:?}, {page:?}");
    } else {
        assert!(worker.stalled > 1.0, "{worker:?}");
        let words = "document.querySelector('.comparison').innerText";
        let is_told = format!("{words}.includes('no MediaSource in workers: the page feeds both')");
        assert!(test.is_true(&is_told).await);
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a blocked page beside a running worker")]
async fn freeze_report_tells_what_each_video_did(test: &TestContext) {
    test.slot.alone().await;
    test.open("").await;
    test.wait_until_playing().await;
    open_the_lab(test).await;
    freeze(test, 2).await;
    let videos = freeze(test, 10).await;
    only_who_is_fed_goes_on(test, videos).await;
    let titles =
        "[...document.querySelectorAll('.freezes p')].map(it => it.innerText.slice(0, 12)).join()";
    let titles = test.eval(titles).await;
    assert_eq!(titles, json!("Frozen for 1,Frozen for 2"));
    test.screenshot("frozen").await;
    // The reports stay.
    let videos = "[...document.querySelectorAll('.comparison video')]";
    test.wait_until(&format!(
        "{videos}.every(video => video.currentTime > 12 && !video.seeking)"
    ))
    .await;
    assert_eq!(
        test.eval("document.querySelectorAll('.freezes li').length")
            .await,
        json!(2)
    );
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a blocked page beside a running worker")]
async fn busy_report_tells_what_each_video_did(test: &TestContext) {
    test.slot.alone().await;
    test.open("").await;
    test.wait_until_playing().await;
    open_the_lab(test).await;
    let videos = "[...document.querySelectorAll('.comparison video')]";
    test.wait_until(&format!(
        "{videos}.length === 2 && {videos}.every(video => video.currentTime > 0.3)"
    ))
    .await;
    test.press_element(By::Css(".comparison [type=checkbox]"))
        .await;
    test.wait_until("document.querySelector('.comparison [type=checkbox]').checked")
        .await;
    let videos = freeze(test, 10).await;
    only_who_is_fed_goes_on(test, videos).await;
    test.press_element(By::Css(".comparison [type=checkbox]"))
        .await;
    test.wait_until("document.querySelector('.freezes p').innerText.startsWith('Busy for')")
        .await;
    // The freeze was part of the busy time.
    let videos = told(test).await;
    assert!(videos.iter().all(|video| video.length > 10.0), "{videos:?}");
    only_who_is_fed_goes_on(test, videos).await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "the built page")]
#[ignore = "compiles a copy of the project: the scheduled workflow runs it"]
async fn page_without_the_lab_builds_and_plays(test: &TestContext) {
    let site = build_without_the_lab();
    let server = Server::of_folder(&site).await;
    test.window.driver.goto(server.url("")).await.unwrap();
    test.wait_until_playing().await;
    assert_eq!(
        test.eval("document.querySelector('#lab')").await,
        json!(null)
    );
    assert_eq!(server.request_count("lab"), 0);
    test.assert_no_errors().await;
}

/// Copies the project without the lab's folder, its line in Cargo.toml and its element in index.html, and builds it.
fn build_without_the_lab() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = root.join("target/without-the-lab");
    for entry in fs::read_dir(root).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if !["target", "dist", ".git", "lab"].contains(&name.as_str()) {
            copy_all(&entry.path(), &copy.join(name));
        }
    }
    let manifest = fs::read_to_string(copy.join("Cargo.toml")).unwrap();
    let lines: Vec<&str> = manifest
        .lines()
        .filter(|line| line.trim() != "\"lab\",")
        .collect();
    fs::write(copy.join("Cargo.toml"), lines.join("\n")).unwrap();
    let html = fs::read_to_string(copy.join("index.html")).unwrap();
    let lines: Vec<&str> = html
        .lines()
        .filter(|line| !line.contains("id=\"lab\""))
        .collect();
    fs::write(copy.join("index.html"), lines.join("\n")).unwrap();

    let site = copy.join("dist");
    let built = Command::new("trunk")
        .args(["build", "--public-url", &public_url(), "--dist"])
        .arg(&site)
        .current_dir(&copy)
        // Its own target folder: Cargo identifies a package by its path in the workspace, so the copies would be
        // taken for each other.
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .status()
        .unwrap();
    assert!(built.success(), "it does not build");
    site
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    for entry in fs::read_dir(from).unwrap().flatten() {
        copy_all(&entry.path(), &to.join(entry.file_name()));
    }
}
