//! Long runs, which are ignored by default: `cargo xtask test soak --ignored --nocapture` prints what they measure.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    context::{Feature, TestContext},
    devtools::Workers,
    server::SAMPLE_MPD,
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";

/// Memory and objects at one time. They must not grow.
#[derive(Debug)]
struct Held {
    /// The page's JavaScript heap without garbage, in MB.
    heap: f64,
    /// Nodes and event listeners of the page's documents.
    nodes: f64,
    listeners: f64,
    /// The engine's wasm memory, in MB.
    wasm: f64,
    /// Workers, their heap without garbage, and their MediaSources.
    workers: Workers,
}

impl Held {
    async fn now(test: &TestContext) -> Self {
        // The probe's own records do not count.
        test
            .eval("Object.values(probe).forEach((it) => { if (Array.isArray(it) && it !== probe.workers && it !== probe.errors) it.length = 0; })")
            .await;
        let cdp = test.window.driver.cdp();
        let ask = async |what: &str| cdp.send_raw(what, json!({})).await.unwrap();
        ask("HeapProfiler.collectGarbage").await;
        let heap = ask("Runtime.getHeapUsage").await["usedSize"].clone();
        let counters = ask("Memory.getDOMCounters").await;
        let wasm = "parseFloat(/engine ([0-9.]+) MB/.exec(document.querySelector('#lab-stats').innerText)[1])";
        Self {
            heap: heap.as_f64().unwrap() / 1e6,
            nodes: counters["nodes"].as_f64().unwrap(),
            listeners: counters["jsEventListeners"].as_f64().unwrap(),
            wasm: test.eval(wasm).await.as_f64().unwrap(),
            workers: Workers::now(test).await,
        }
    }

    /// Whether nothing has grown by more than a tenth and a constant.
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

/// Opens the lab's statistics.
async fn open_the_stats(test: &TestContext) {
    test.eval("document.querySelector('#lab').open = true")
        .await;
    test.wait_until("!!document.querySelector('#lab-stats')")
        .await;
    test.eval("document.querySelector('#lab-stats').scrollIntoView()")
        .await;
    let numbers = "document.querySelector('#lab-stats').innerText";
    test.wait_until(&format!("/engine [0-9.]*[1-9][0-9.]* MB/.test({numbers})"))
        .await;
}

/// Script time to draw the whole session's timeline once, in ms.
async fn drawing(test: &TestContext) -> f64 {
    const TIMES: u32 = 30;
    test.press("Whole session").await;
    // Each pointer event draws it again.
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
    let (before, _) = test.thread_time().await;
    test.eval(&draw).await;
    let (after, _) = test.thread_time().await;
    test.eval("document.querySelector('#lab-stats').scrollIntoView()")
        .await;
    (after - before) / f64::from(TIMES)
}

/// The sample video 225 times, as periods of one video of two hours, at rate 16.
#[apply(browser_test!)]
#[runs_in(Chromium; "memory of the browser")]
#[ignore = "plays for two hours"]
async fn two_hours_of_playback_keep_memory_constant(test: &TestContext) {
    const PERIODS: usize = 225;
    test.requires(Feature::DevTools).await;
    test.slot.alone().await;
    let start = SAMPLE_MPD.find("<Period").unwrap();
    let end = SAMPLE_MPD.find("</Period>").unwrap() + "</Period>".len();
    let period = |nth: usize| {
        let id = format!("id=\"{nth}\" start=\"PT{}S\"", nth * 32);
        SAMPLE_MPD[start..end].replacen("id=\"film\" start=\"PT0S\"", &id, 1)
    };
    let periods: String = (0..PERIODS).map(period).collect();
    let head = SAMPLE_MPD[..start].replace("PT32S", &format!("PT{}S", PERIODS * 32));
    let video = [&head, &periods, &SAMPLE_MPD[end..]].concat();
    test.server.add_file("film/long.mpd", video);
    test.open("?src=film/long.mpd").await;
    test.wait_until_playing().await;
    open_the_stats(test).await;
    test.set_rate(16).await;
    let mut warm = None;
    for tenth in 1..=11 {
        let minutes = tenth * 10;
        let there = format!("{VIDEO}.currentTime > {}", minutes * 60);
        while !test.is_true(&there).await {
            // In steps of five seconds, each of which has its own timeout.
            test.eval(&format!("window.since = {VIDEO}.currentTime"))
                .await;
            test.wait_until(&format!("{VIDEO}.currentTime > since + 5"))
                .await;
        }
        let held = Held::now(test).await;
        println!("{minutes} min: {held:?}");
        let cost = drawing(test).await;
        println!("{minutes} min: the timeline is drawn in {cost:.1} ms");
        // By then, bounded histories are full.
        if minutes == 40 {
            warm = Some(held);
        } else if let Some(before) = &warm {
            assert!(held.is_no_more_than(before), "{held:?} after {before:?}");
        }
    }
    test.eval(&format!("{VIDEO}.currentTime = 7190")).await;
    test.wait_until(&format!("{VIDEO}.ended")).await;
    test.assert_no_errors().await;
}

/// Loads one video after another, some of which are replaced before they start.
#[apply(browser_test!)]
#[runs_in(Chromium; "memory of the browser")]
#[ignore = "loads 300 videos"]
async fn three_hundred_loads_keep_memory_constant(test: &TestContext) {
    test.requires(Feature::DevTools).await;
    test.slot.alone().await;
    test.open("").await;
    test.wait_until_playing().await;
    open_the_stats(test).await;
    let press = |name: &str| {
        format!(
            "[...document.querySelectorAll('button')].find(({{ textContent }}) => textContent === '{name}').click()"
        )
    };
    let mut warm = None;
    for nth in 1..=300 {
        test.eval("window.before = attached()").await;
        let name = ["Sample video", "The same in DASH"][nth % 2];
        test.eval(&press(name)).await;
        test.wait_until("attached() && attached() !== before").await;
        if nth % 5 != 0 {
            test.wait_until(&format!(
                "{VIDEO}.readyState >= 2 && {VIDEO}.currentTime > 0"
            ))
            .await;
        }
        if nth % 30 == 0 {
            test.wait_until_playing().await;
            let held = Held::now(test).await;
            println!("{nth} loads: {held:?}");
            if nth == 90 {
                warm = Some(held);
            } else if let Some(before) = &warm {
                assert!(held.is_no_more_than(before), "{held:?} after {before:?}");
            }
        }
    }
    test.assert_no_errors().await;
}
