//! `cargo xtask bench start`: from navigation to the first frame, and the time for which the page's thread is busy.
//!
//! The page plays the sample video beside minimal pages of other players, in turns. Each cold run has a new browser
//! profile; warm runs are the third visit in one profile.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{
    HLS,
    devtools::{DevTools, Page},
    install,
    link::{Folders, Line, serve},
};
use crate::{Outcome, root, run, run_in, step, tools::Tools};

/// The packages that are compared, and the bundler for the one that has to be bundled.
const PACKAGES: [&str; 5] = [
    HLS,
    "dashjs@5.2.1",
    "shaka-player@5.2.12",
    "rx-player@4.5.0",
    "esbuild@0.28.2",
];
/// Cold runs of each player, and local warm ones.
const RUNS: usize = 11;
/// Runs over slow lines.
const SLOW_RUNS: usize = 5;
/// Playback during which the busy time is measured.
const BUSY_TIME: Duration = Duration::from_secs(20);
const BUSY_RUNS: usize = 3;

/// Below this path are the demo, the other players and the sample video.
const SITE: &str = "/site/";
const OURS: &str = "this page";

/// A page of another player.
struct Player {
    name: &'static str,
    folder: &'static str,
    /// The player's own script, below `node_modules`.
    library: Option<&'static str>,
    /// What plays the video.
    script: &'static str,
}

const PLAYERS: [Player; 6] = [
    Player {
        name: "plain MP4",
        folder: "native",
        library: None,
        script: "video.src = '/media/film.mp4';",
    },
    Player {
        name: "hls.js",
        folder: "hls",
        library: Some("hls.js/dist/hls.min.js"),
        script: "const hls = new Hls(); hls.loadSource('/media/film/film.m3u8'); hls.attachMedia(video);",
    },
    Player {
        name: "dash.js",
        folder: "dash",
        library: Some("dashjs/dist/modern/umd/dash.all.min.js"),
        script: "dashjs.MediaPlayer().create().initialize(video, '/media/film/film.mpd', true);",
    },
    Player {
        name: "Shaka",
        folder: "shaka",
        library: Some("shaka-player/dist/shaka-player.compiled.js"),
        script: "shaka.polyfill.installAll(); const player = new shaka.Player(); \
                 player.attach(video).then(() => player.load('/media/film/film.mpd'));",
    },
    Player {
        name: "RxPlayer",
        folder: "rx",
        library: Some("../rx.js"),
        script: "new RxPlayer({ videoElement: video }).loadVideo({ \
                 url: location.origin + '/media/film/film.mpd', transport: 'dash', autoPlay: true });",
    },
    Player {
        name: "RxPlayer in a worker",
        folder: "rx-worker",
        library: Some("../rx-worker.js"),
        script: "const player = new RxPlayer({ videoElement: video }); \
                 player.attachWorker({ workerUrl: '/media/rx-player/worker.js', dashWasmUrl: '/media/rx-player/mpd-parser.wasm' }); \
                 player.loadVideo({ url: location.origin + '/media/film/film.mpd', transport: 'dash', autoPlay: true, mode: 'multithread' });",
    },
];

/// RxPlayer's package has no bundle: its parts, by the names of the bundles.
const BUNDLES: [(&str, &str); 2] = [
    (
        "rx",
        "import RxPlayer from 'rx-player/minimal';
        import { DASH } from 'rx-player/features';
        RxPlayer.addFeatures([DASH]);
        window.RxPlayer = RxPlayer;",
    ),
    (
        "rx-worker",
        "import RxPlayer from 'rx-player/minimal';
        import { MULTI_THREAD } from 'rx-player/experimental/features';
        RxPlayer.addFeatures([MULTI_THREAD]);
        window.RxPlayer = RxPlayer;",
    ),
];

/// Notes when the first frame is shown, and when it plays, in milliseconds since navigation.
const PROBE: &str = "
    window.started = Promise.race([
        new Promise((failed) => setTimeout(failed, 60000)),
        Promise.all([
            new Promise((shown) => addEventListener('loadedmetadata', (event) =>
                event.target.requestVideoFrameCallback((now) => shown(now)), { capture: true, once: true })),
            new Promise((played) => addEventListener('playing', () => played(performance.now()), { capture: true, once: true })),
        ]),
    ]);
";

const LOCAL: Line = Line {
    name: "local",
    bits_per_second: None,
    round_trip: Duration::ZERO,
};
const SLOW_LINES: [Line; 3] = [
    line("10 Mbit/s, 40 ms", 10e6),
    line("3.5 Mbit/s, 40 ms", 3.5e6),
    line("0.7 Mbit/s, 40 ms", 0.7e6),
];

const fn line(name: &'static str, bits_per_second: f64) -> Line {
    Line {
        name,
        bits_per_second: Some(bits_per_second),
        round_trip: Duration::from_millis(40),
    }
}

/// Compares, with this many runs of each player.
pub fn start(runs: &[String]) -> Outcome {
    let runs = match runs {
        [] => RUNS,
        [runs, ..] => runs.parse()?,
    };
    let tools = Tools::for_building(true)?;
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder)?;
    step("Installing the other players");
    install(&tools, &folder, &PACKAGES)?;
    prepare(&tools, &folder)?;
    step("Building the release");
    run(tools
        .command("trunk")
        .args(["build", "--release", "--public-url", SITE, "--dist"])
        .arg(folder.join("site")))?;
    step("Measuring in Chromium");
    let mut browser = DevTools::start(&tools, &folder)?;
    let local = serve(LOCAL, folders(&folder))?;
    println!("From navigation to the first frame, in ms: median (lowest to highest) of {runs}\n");
    let mut cold = Table::new();
    let mut warm = Table::new();
    for _ in 0..runs {
        for (row, path) in cold.rows.iter_mut().zip(paths()) {
            row.1.push(visit(&mut browser, &local, &path, 1)?.shown);
        }
        for (row, path) in warm.rows.iter_mut().zip(paths()) {
            row.1.push(visit(&mut browser, &local, &path, 3)?.shown);
        }
    }
    cold.print("local, cold");
    warm.print("local, warm cache");
    for line in SLOW_LINES {
        let address = serve(line, folders(&folder))?;
        let mut table = Table::new();
        for _ in 0..runs.min(SLOW_RUNS) {
            for (row, path) in table.rows.iter_mut().zip(paths()) {
                row.1.push(visit(&mut browser, &address, &path, 1)?.plays);
            }
        }
        table.print(&format!("{}, cold, until it plays", line.name));
    }
    println!(
        "Busy time of the page's thread, in ms per {} s of playback\n",
        BUSY_TIME.as_secs()
    );
    for moves in [false, true] {
        let mut table = Table::new();
        for _ in 0..BUSY_RUNS.min(runs) {
            for (row, path) in table.rows.iter_mut().zip(paths()) {
                row.1.push(busy(&mut browser, &local, &path, moves)?);
            }
        }
        table.print(if moves { "the mouse moves" } else { "no input" });
    }
    Ok(())
}

/// Makes the pages of the other players, and a plain MP4 of the sample video.
fn prepare(tools: &Tools, folder: &Path) -> Outcome {
    for (name, parts) in BUNDLES {
        let entry = format!("{name}.entry.js");
        fs::write(folder.join(&entry), parts)?;
        run_in(
            folder,
            tools
                .command("node_modules/.bin/esbuild")
                .arg(entry)
                .args(["--bundle", "--minify", "--log-level=error"])
                .arg(format!("--outfile={name}.js")),
        )?;
    }
    for player in &PLAYERS {
        let page = folder.join("players").join(player.folder);
        fs::create_dir_all(&page)?;
        let tag = match player.library {
            None => "",
            Some(library) => {
                fs::copy(
                    folder.join("node_modules").join(library),
                    page.join("library.js"),
                )?;
                "<script src=\"library.js\"></script>"
            }
        };
        let html = include_str!("players/index.html").replace("SCRIPT", tag);
        fs::write(page.join("index.html"), html)?;
        let script = format!(
            "const video = document.querySelector('video');\n{}\n",
            player.script
        );
        fs::write(page.join("player.js"), script)?;
    }
    let media = folder.join("media");
    fs::create_dir_all(&media)?;
    let mut join = tools.command("ffmpeg");
    join.args(["-loglevel", "error", "-y"]);
    for track in ["720p", "audio"] {
        let joined = media.join(format!("{track}.mp4"));
        fs::write(
            &joined,
            whole_track(&root().join("assets/film").join(track))?,
        )?;
        join.arg("-i").arg(joined);
    }
    run(join
        .args(["-c", "copy", "-movflags", "+faststart"])
        .arg(media.join("film.mp4")))
}

/// The init segment and all segments of a track of the sample video.
fn whole_track(folder: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = fs::read(folder.join("init.mp4"))?;
    for number in 1.. {
        let segment = folder.join(format!("{number}.m4s"));
        if !segment.is_file() {
            break;
        }
        bytes.extend(fs::read(segment)?);
    }
    Ok(bytes)
}

fn folders(folder: &Path) -> Folders {
    let folder = |path: &str| -> PathBuf { folder.join(path) };
    Folders(vec![
        (SITE, folder("site")),
        ("/players/", folder("players")),
        ("/media/film/", root().join("assets/film")),
        ("/media/rx-player/", folder("node_modules/rx-player/dist")),
        ("/media/", folder("media")),
    ])
}

/// The page of each player, in the order of the table's rows.
fn paths() -> impl Iterator<Item = String> {
    let others = PLAYERS
        .iter()
        .map(|player| format!("/players/{}/", player.folder));
    std::iter::once(SITE.to_owned()).chain(others)
}

/// When a page has shown its first frame, and when it played, in milliseconds since navigation.
struct Started {
    shown: f64,
    plays: f64,
}

/// Visits a page so many times in a new profile. Returns what was measured the last time.
fn visit(browser: &mut DevTools, address: &str, path: &str, visits: u32) -> Outcome<Started> {
    let mut page = browser.open(PROBE)?;
    let mut started = open(browser, &page, address, path)?;
    for _ in 1..visits {
        // Time to store what was compiled.
        thread::sleep(Duration::from_secs(1));
        page = browser.reopen(page, PROBE)?;
        started = open(browser, &page, address, path)?;
    }
    browser.close(page)?;
    Ok(started)
}

fn open(browser: &mut DevTools, page: &Page, address: &str, path: &str) -> Outcome<Started> {
    browser.navigate(page, &format!("{address}{path}"))?;
    let started = browser.evaluate(page, "started")?;
    let time = |nth: usize| started.get(nth).and_then(Value::as_f64);
    match (time(0), time(1)) {
        (Some(shown), Some(plays)) => Ok(Started { shown, plays }),
        _ => Err(format!("{path} does not play").into()),
    }
}

/// How long the page's thread is busy while it plays, in milliseconds.
fn busy(browser: &mut DevTools, address: &str, path: &str, moves: bool) -> Outcome<f64> {
    const STEP: Duration = Duration::from_secs(1);
    let page = browser.open(PROBE)?;
    open(browser, &page, address, path)?;
    // The start is over, and controls have faded.
    thread::sleep(Duration::from_secs(5));
    let before = browser.busy_time(&page)?;
    for second in 0..BUSY_TIME.as_secs() {
        if moves {
            browser.move_mouse(&page, 100.0 + (second % 2) as f64 * 50.0, 200.0)?;
        }
        thread::sleep(STEP);
    }
    let after = browser.busy_time(&page)?;
    browser.close(page)?;
    Ok((after - before) * 1000.0)
}

/// What was measured of each player.
struct Table {
    rows: Vec<(&'static str, Vec<f64>)>,
}

impl Table {
    fn new() -> Self {
        let names = std::iter::once(OURS).chain(PLAYERS.iter().map(|player| player.name));
        Self {
            rows: names.map(|name| (name, Vec::new())).collect(),
        }
    }

    fn print(&self, title: &str) {
        println!("| {title} | median | range |\n|---|---|---|");
        for (name, times) in &self.rows {
            let mut times = times.clone();
            times.sort_by(f64::total_cmp);
            let (Some(lowest), Some(highest)) = (times.first(), times.last()) else {
                continue;
            };
            let median = times[times.len() / 2];
            println!("| {name} | {median:.0} | {lowest:.0} to {highest:.0} |");
        }
        println!();
    }
}
