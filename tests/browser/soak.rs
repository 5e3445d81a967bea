//! What only shows after hours. Not run unless it is asked for: `cargo xtask test soak --ignored --nocapture`
//! prints what it measures.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    devtools::Workers,
    server::FILM,
    stage::{Feature, Stage},
    suite::in_every_browser,
};

const VIDEO: &str = "document.querySelector('video')";

/// What is held at a moment: it is to stay as it is.
#[derive(Debug)]
struct Held {
    /// JavaScript's memory on the page, in MB, without what is garbage.
    heap: f64,
    /// Nodes and listeners that the page's documents have.
    nodes: f64,
    listeners: f64,
    /// wasm memory of the engine, in MB.
    wasm: f64,
    /// Workers that are alive; JavaScript's memory in them, in MB, without what is garbage; MediaSources in them.
    workers: Workers,
}

impl Held {
    async fn now(stage: &Stage) -> Self {
        // What the tests themselves write down of the page is not the page's.
        stage
            .value("Object.values(probe).forEach((it) => { if (Array.isArray(it) && it !== probe.workers && it !== probe.errors) it.length = 0; })")
            .await;
        let cdp = stage.window.driver.cdp();
        let ask = async |what: &str| cdp.send_raw(what, json!({})).await.unwrap();
        ask("HeapProfiler.collectGarbage").await;
        let heap = ask("Runtime.getHeapUsage").await["usedSize"].clone();
        let counters = ask("Memory.getDOMCounters").await;
        let wasm = "parseFloat(/engine ([0-9.]+) MB/.exec(document.querySelector('#lab-stats').innerText)[1])";
        Self {
            heap: heap.as_f64().unwrap() / 1e6,
            nodes: counters["nodes"].as_f64().unwrap(),
            listeners: counters["jsEventListeners"].as_f64().unwrap(),
            wasm: stage.value(wasm).await.as_f64().unwrap(),
            workers: Workers::now(stage).await,
        }
    }

    /// None of it is more than it was, but for a little and a tenth.
    fn is_no_more_than(&self, before: &Self) -> bool {
        [
            (self.heap, before.heap, 1.0),
            (self.nodes, before.nodes, 50.0),
            (self.listeners, before.listeners, 10.0),
            (self.wasm, before.wasm, 0.2),
            (self.workers.heap, before.workers.heap, 0.2),
        ]
        .iter()
        .all(|(now, before, little)| *now <= before * 1.1 + little)
            && (self.workers.count, self.workers.sources)
                == (before.workers.count, before.workers.sources)
    }
}

/// Opens the lab where its numbers are.
async fn open_the_stats(stage: &Stage) {
    stage
        .value("document.querySelector('#lab').open = true")
        .await;
    stage.until("!!document.querySelector('#lab-stats')").await;
    stage
        .value("document.querySelector('#lab-stats').scrollIntoView()")
        .await;
    let numbers = "document.querySelector('#lab-stats').innerText";
    stage
        .until(&format!("/engine [0-9.]*[1-9][0-9.]* MB/.test({numbers})"))
        .await;
}

/// What it costs to draw all of the session's timeline once, in ms of the page's thread.
async fn drawing(stage: &Stage) -> f64 {
    const TIMES: u32 = 30;
    stage.press("Whole session").await;
    // Whoever points somewhere has it drawn anew.
    let draw = format!(
        "(async () => {{
            const canvas = document.querySelector('#lab-timeline canvas');
            canvas.scrollIntoView();
            for (let nth = 0; nth < {TIMES}; nth++) {{
                canvas.dispatchEvent(new PointerEvent('pointermove', {{ clientX: 100 + nth }}));
                await new Promise(requestAnimationFrame);
            }}
        }})()"
    );
    let (before, _) = stage.spent().await;
    stage.value(&draw).await;
    let (after, _) = stage.spent().await;
    stage
        .value("document.querySelector('#lab-stats').scrollIntoView()")
        .await;
    (after - before) / f64::from(TIMES)
}

/// The sample film again and again, as one film of two hours, as fast as the browser plays it.
#[apply(in_every_browser!)]
async fn two_hours_of_film(stage: &Stage) {
    const PERIODS: usize = 225;
    stage.needs(Feature::DevTools).await;
    stage.turn.alone().await;
    let start = FILM.find("<Period").unwrap();
    let end = FILM.find("</Period>").unwrap() + "</Period>".len();
    let period = |nth: usize| {
        let id = format!("id=\"{nth}\" start=\"PT{}S\"", nth * 32);
        FILM[start..end].replacen("id=\"film\" start=\"PT0S\"", &id, 1)
    };
    let periods: String = (0..PERIODS).map(period).collect();
    let head = FILM[..start].replace("PT32S", &format!("PT{}S", PERIODS * 32));
    let film = [&head, &periods, &FILM[end..]].concat();
    stage.server.make("film/long.mpd", film);
    stage.open("?src=film/long.mpd").await;
    stage.plays().await;
    open_the_stats(stage).await;
    stage.hurry(16).await;
    let mut warm = None;
    for tenth in 1..=11 {
        let minutes = tenth * 10;
        let there = format!("{VIDEO}.currentTime > {}", minutes * 60);
        while !stage.is(&there).await {
            // One step after the other, each of which must be made in time.
            stage
                .value(&format!("window.since = {VIDEO}.currentTime"))
                .await;
            stage
                .until(&format!("{VIDEO}.currentTime > since + 5"))
                .await;
        }
        let held = Held::now(stage).await;
        println!("{minutes} min: {held:?}");
        let cost = drawing(stage).await;
        println!("{minutes} min: the timeline is drawn in {cost:.1} ms");
        // What is kept for who comes later is full by then.
        if minutes == 40 {
            warm = Some(held);
        } else if let Some(before) = &warm {
            assert!(held.is_no_more_than(before), "{held:?} after {before:?}");
        }
    }
    stage.value(&format!("{VIDEO}.currentTime = 7190")).await;
    stage.until(&format!("{VIDEO}.ended")).await;
    stage.is_well().await;
}

/// One film after another, some of them left before they begin.
#[apply(in_every_browser!)]
async fn three_hundred_loads(stage: &Stage) {
    stage.needs(Feature::DevTools).await;
    stage.turn.alone().await;
    stage.open("").await;
    stage.plays().await;
    open_the_stats(stage).await;
    let press = |name: &str| {
        format!(
            "[...document.querySelectorAll('button')].find(({{ textContent }}) => textContent === '{name}').click()"
        )
    };
    let mut warm = None;
    for nth in 1..=300 {
        stage.value("window.before = attached()").await;
        let name = ["Sample video", "The same in DASH"][nth % 2];
        stage.value(&press(name)).await;
        stage.until("attached() && attached() !== before").await;
        if nth % 5 != 0 {
            stage
                .until(&format!(
                    "{VIDEO}.readyState >= 2 && {VIDEO}.currentTime > 0"
                ))
                .await;
        }
        if nth % 30 == 0 {
            stage.plays().await;
            let held = Held::now(stage).await;
            println!("{nth} loads: {held:?}");
            if nth == 90 {
                warm = Some(held);
            } else if let Some(before) = &warm {
                assert!(held.is_no_more_than(before), "{held:?} after {before:?}");
            }
        }
    }
    stage.is_well().await;
}
