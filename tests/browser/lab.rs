//! What is seen behind the player; and the page without all that.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use macro_rules_attribute::apply;
use serde_json::json;
use thirtyfour::By;

use crate::{
    server::{Server, public_url},
    stage::{Feature, Stage},
    suite::in_every_browser,
};

const LIST: &str = "document.querySelector('#lab-timeline ol').innerText";
const CANVAS: &str = "document.querySelector('#lab-timeline canvas')";

/// Opens the lab, and the timeline's list in words.
async fn open_the_lab(stage: &Stage) {
    stage
        .value("document.querySelector('#lab').open = true")
        .await;
    stage
        .until("!!document.querySelector('#lab-timeline details')")
        .await;
    stage
        .value("document.querySelector('#lab-timeline details').open = true")
        .await;
    stage
        .value(&format!("{CANVAS}.scrollIntoView({{ block: 'center' }})"))
        .await;
}

#[apply(in_every_browser!)]
async fn the_timeline_tells_what_happened_before_it_was_opened_and_after(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    stage.until_taken("end of stream").await;
    open_the_lab(stage).await;
    for step in [
        "MediaSource created",
        "first append",
        "loadstart",
        "appended",
    ] {
        stage.until(&format!("{LIST}.includes('{step}')")).await;
    }
    let segments = format!("{LIST}.split('\\n').filter(line => line.endsWith('appended')).length");
    stage.until(&format!("{segments} >= 32")).await;

    stage
        .value("document.querySelector('video').currentTime = 20")
        .await;
    stage
        .until(&format!("{LIST}.includes('seeking, at 20.0 s')"))
        .await;

    // There is a picture, and not of one colour.
    let colours = format!(
        "new Set(new Uint32Array({CANVAS}.getContext('2d') \
         .getImageData(0, 0, {CANVAS}.width, {CANVAS}.height).data.buffer)).size"
    );
    stage.until(&format!("{colours} > 5")).await;

    // Nearer by the keyboard, and further again.
    let seconds = format!("parseInt({CANVAS}.getAttribute('aria-label').match(/\\d+/)[0])");
    let press = |key: &str| {
        format!(
            "{CANVAS}.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}))"
        )
    };
    let before = stage.value(&seconds).await;
    for _ in 0..4 {
        stage.value(&press("+")).await;
    }
    stage.until(&format!("{seconds} < {before} / 3")).await;
    for _ in 0..4 {
        stage.value(&press("-")).await;
    }
    stage.until(&format!("{seconds} >= {before} / 2")).await;

    // What stands where somebody points is told in words.
    let point = format!(
        "(({{ left, top }}) => {CANVAS}.dispatchEvent(new PointerEvent('pointermove', \
         {{ clientX: left + 95, clientY: top + 40, bubbles: true }})))({CANVAS}.getBoundingClientRect())"
    );
    stage.value(&point).await;
    stage
        .until("document.querySelector('.tip').innerText.includes('after the start')")
        .await;
    stage.screenshot("timeline").await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn while_nobody_looks_nothing_is_drawn(stage: &Stage) {
    stage.open("?goal=4").await;
    stage.plays().await;
    open_the_lab(stage).await;
    stage.until(&format!("{LIST}.length > 0")).await;
    // Seen, it is drawn as things happen: here it is asked for anew, and all of it comes again.
    let begin_anew = async || {
        // Not pressed as a person would: that scrolls there.
        stage
            .value("document.querySelector('.milestones button').click()")
            .await;
        stage.until_taken("first append").await;
    };
    let drawn = async || stage.value("probe.drawings").await.as_f64().unwrap();
    let before = drawn().await;
    begin_anew().await;
    stage.until(&format!("probe.drawings > {before}")).await;

    stage
        .value("document.querySelector('#lab').open = false")
        .await;
    // The browser tells in its own time, and between two frames, that it is out of view.
    let frames = "(window.passed = 0, requestAnimationFrame(function next() \
         { window.passed += 1; requestAnimationFrame(next); }))";
    stage.value(frames).await;
    stage.until("window.passed > 10").await;
    let before = drawn().await;
    begin_anew().await;
    stage.plays().await;
    assert!((drawn().await - before).abs() < f64::EPSILON);

    open_the_lab(stage).await;
    stage.until(&format!("probe.drawings > {before}")).await;
}

/// When the system goes dark, the page does so by itself, and what was drawn has to be drawn anew.
#[apply(in_every_browser!)]
async fn the_timeline_takes_the_colours_of_the_page(stage: &Stage) {
    stage.needs(Feature::DevTools).await;
    stage.wear("light").await;
    stage.open("?t=31").await;
    stage.until("document.querySelector('video').ended").await;
    open_the_lab(stage).await;
    stage.until(&format!("{LIST}.length > 0")).await;
    // So many frames without anything that had to be drawn: what comes now comes of the colours.
    let rests = "void (function look(before, left) { window.rests = left === 0; \
         if (left) requestAnimationFrame(() => probe.drawings === before ? look(before, left - 1) : look(probe.drawings, 60)); \
         })(probe.drawings, 60)";
    stage.value(rests).await;
    stage.until("window.rests").await;
    let before = stage.value("probe.drawings").await;
    stage.wear("dark").await;
    stage.until(&format!("probe.drawings > {before}")).await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn the_playback_is_told_in_numbers(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    open_the_lab(stage).await;
    stage
        .value("document.querySelector('#lab-stats').scrollIntoView()")
        .await;
    let words = "document.querySelector('#lab-stats dl').innerText";
    stage
        .until(&format!("{words}.includes('dropped of')"))
        .await;
    for part in [
        "video/mp4; codecs=",
        "estimated",
        "goal",
        "MB were discarded",
        "Wasm memory",
    ] {
        stage.until(&format!("{words}.includes('{part}')")).await;
    }
    if stage.has(Feature::MediaSourceInWorkers).await {
        stage
            .until(&format!("{words}.includes('MediaSourceHandle, attached')"))
            .await;
    }
    stage.screenshot("stats").await;
}

/// Nothing grows under the eyes of who reads on.
#[apply(in_every_browser!)]
async fn the_lab_stays_where_it_is(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    open_the_lab(stage).await;
    // What is fetched has its lanes, one for each rendition that is known.
    stage.until(&format!("{LIST}.includes('appended')")).await;
    let place = "document.querySelector('#lab-claims').offsetTop";
    let before = stage.value(place).await;
    let words = "document.querySelector('#lab-stats dl').innerText";
    for panel in ["freeze", "timeline", "stats", "claims"] {
        let panel = format!("document.querySelector('#lab-{panel}')");
        stage.value(&format!("{panel}.scrollIntoView()")).await;
        stage
            .until(&format!(
                "{panel}.getBoundingClientRect().top < innerHeight"
            ))
            .await;
        // The numbers are kept up to date while they are seen.
        if panel.contains("stats") {
            stage.until(&format!("{words}.includes('estimated')")).await;
        }
    }
    assert_eq!(stage.value(place).await, before);
}

#[apply(in_every_browser!)]
async fn the_lab_fits_every_width(stage: &Stage) {
    for (width, height) in [(320, 700), (768, 1000), (1400, 900), (3840, 2000)] {
        stage.resize(width, height, 1.0).await;
        for scheme in stage.schemes().await {
            stage.wear(scheme).await;
            stage.open("?t=14").await;
            stage.plays().await;
            open_the_lab(stage).await;
            stage.until(&format!("{LIST}.length > 0")).await;
            let fits =
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
            assert_eq!(stage.value(fits).await, json!(true), "{width} px wide");
            for panel in ["freeze", "timeline", "claims"] {
                stage
                    .value(&format!(
                        "document.querySelector('#lab-{panel}').scrollIntoView()"
                    ))
                    .await;
                stage
                    .screenshot(&format!("lab-{panel}-{width}-{scheme}"))
                    .await;
            }
        }
    }
}

/// What the lab tells of a film while the page had no time, or little.
#[derive(Debug)]
struct Told {
    played: f64,
    length: f64,
    stalled: f64,
}

/// What it tells last, of the film that the worker feeds and of the one that the page does.
async fn told(stage: &Stage) -> [Told; 2] {
    let mut films = Vec::new();
    for thread in ["worker", "page"] {
        let words = format!(
            "document.querySelector('.freezes .lane[data-fed-by={thread}] .words').innerText"
        );
        println!("{thread}: {}", stage.value(&words).await);
        let numbers = format!(
            "{words}.match(/^(-?[\\d.]+) s of ([\\d.]+) s played, (?:never stalled|stalled for ([\\d.]+) s);/) \
             .slice(1).map(it => Number(it ?? 0))"
        );
        let numbers: [f64; 3] = serde_json::from_value(stage.value(&numbers).await).unwrap();
        let [played, length, stalled] = numbers;
        films.push(Told {
            played,
            length,
            stalled,
        });
    }
    films.try_into().unwrap()
}

/// Has the lab freeze the page, and waits until it tells what that did.
async fn freeze(stage: &Stage, seconds: u32) -> [Told; 2] {
    let reports = "document.querySelectorAll('.freezes li').length";
    let before = stage.value(reports).await;
    let choice = format!(".comparison option[value='{seconds}']");
    stage.press_on(By::Css(choice)).await;
    stage
        .press(&format!("Freeze the page for {seconds} s"))
        .await;
    stage.until(&format!("{reports} === {before} + 1")).await;
    let films = told(stage).await;
    for film in &films {
        assert!(film.length >= f64::from(seconds), "{film:?}");
    }
    films
}

/// With three seconds in the buffer, who is not fed for ten comes to a stand, and who is does not.
async fn only_who_is_fed_goes_on(stage: &Stage, [worker, page]: [Told; 2]) {
    assert!(page.stalled > 1.0, "{page:?}");
    if stage.has(Feature::MediaSourceInWorkers).await {
        assert!(worker.stalled == 0.0, "{worker:?}");
        assert!(worker.played > page.played + 1.0, "{worker:?}, {page:?}");
    } else {
        assert!(worker.stalled > 1.0, "{worker:?}");
        let words = "document.querySelector('.comparison').innerText";
        let is_told = format!("{words}.includes('no MediaSource in workers: the page feeds both')");
        assert!(stage.is(&is_told).await);
    }
}

#[apply(in_every_browser!)]
async fn what_a_freeze_did_to_either_film_is_told_and_stays(stage: &Stage) {
    stage.turn.alone().await;
    stage.open("").await;
    stage.plays().await;
    open_the_lab(stage).await;
    freeze(stage, 2).await;
    let films = freeze(stage, 10).await;
    only_who_is_fed_goes_on(stage, films).await;
    let titles =
        "[...document.querySelectorAll('.freezes p')].map(it => it.innerText.slice(0, 12)).join()";
    let titles = stage.value(titles).await;
    assert_eq!(titles, json!("Frozen for 1,Frozen for 2"));
    stage.screenshot("frozen").await;
    // It is told for as long as the page is there.
    let films = "[...document.querySelectorAll('.comparison video')]";
    stage
        .until(&format!(
            "{films}.every(film => film.currentTime > 12 && !film.seeking)"
        ))
        .await;
    assert_eq!(
        stage
            .value("document.querySelectorAll('.freezes li').length")
            .await,
        json!(2)
    );
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn what_a_busy_page_did_to_either_film_is_told_and_it_can_be_frozen_beside(stage: &Stage) {
    stage.turn.alone().await;
    stage.open("").await;
    stage.plays().await;
    open_the_lab(stage).await;
    let films = "[...document.querySelectorAll('.comparison video')]";
    stage
        .until(&format!(
            "{films}.length === 2 && {films}.every(film => film.currentTime > 0.3)"
        ))
        .await;
    stage.press_on(By::Css(".comparison [type=checkbox]")).await;
    stage
        .until("document.querySelector('.comparison [type=checkbox]').checked")
        .await;
    let films = freeze(stage, 10).await;
    only_who_is_fed_goes_on(stage, films).await;
    stage.press_on(By::Css(".comparison [type=checkbox]")).await;
    stage
        .until("document.querySelector('.freezes p').innerText.startsWith('Busy for')")
        .await;
    // The freeze was a part of it.
    let films = told(stage).await;
    assert!(films.iter().all(|film| film.length > 10.0), "{films:?}");
    only_who_is_fed_goes_on(stage, films).await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn without_its_folder_and_its_line_there_is_no_lab_and_the_page_builds_and_plays(
    stage: &Stage,
) {
    // To build it once is enough.
    stage.needs(Feature::DevTools).await;
    let site = build_without_the_lab();
    let server = Server::of(&site).await;
    stage.window.driver.goto(server.url("")).await.unwrap();
    stage.plays().await;
    assert_eq!(
        stage.value("document.querySelector('#lab')").await,
        json!(null)
    );
    assert_eq!(server.requests("lab"), 0);
    stage.is_well().await;
}

/// Does what it says, and nothing else: a folder is deleted, and a line.
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
        // Its own: Cargo tells two copies of a package by where they lie in their workspace, so in one
        // folder each would be taken for the other.
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
