//! Where the engine runs, and what becomes of a film whose engine is gone.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    server::Trouble,
    stage::{Feature, Stage},
    suite::in_every_browser,
};

const VIDEO: &str = "document.querySelector('video')";

impl Stage {
    /// Where the page says that the engine runs.
    async fn engine(&self) -> String {
        let engine = self
            .value("document.querySelector('.player').dataset.engine")
            .await;
        engine.as_str().unwrap().to_owned()
    }

    /// Ends the newest worker as a task manager does: without a word.
    async fn kill(&self) {
        self.value("probe.workers.at(-1).deref().terminate()").await;
    }
}

#[apply(in_every_browser!)]
async fn it_plays_where_the_browser_can(stage: &Stage) {
    let engine = match stage.has(Feature::MediaSourceInWorkers).await {
        true => "worker",
        false => "page",
    };
    stage.open("").await;
    stage.plays().await;
    assert_eq!(stage.engine().await, engine);
    stage.has_started_workers(1).await;
    assert_eq!(stage.value("probe.violations").await, json!([]));
    stage.ends_with_all_there().await;
    stage.screenshot("ended").await;
}

#[apply(in_every_browser!)]
async fn the_address_puts_the_engine_on_the_page(stage: &Stage) {
    stage.open("?engine=page").await;
    stage.plays().await;
    assert_eq!(stage.engine().await, "page");
    assert_eq!(stage.value("probe.workers.length").await, json!(0));
    stage.is_well().await;
    stage.ends_with_all_there().await;
    // Another film, in the same engine.
    stage.press("Play it again").await;
    stage.until(&format!("{VIDEO}.currentTime < 5")).await;
    stage.plays().await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_cannot_be_had_has_a_way_back(stage: &Stage) {
    let without = "if (!globalThis.document) delete self.MediaSource;\n";
    stage
        .server
        .trouble("/worker_loader.js", Trouble::around(without, ""));
    stage.open("?engine=worker").await;
    stage
        .notice("This browser has no MediaSource in workers")
        .await;
    stage.press("Play it on the page’s thread").await;
    stage.plays().await;
    assert_eq!(stage.engine().await, "page");
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn workers_that_lack_what_they_were_said_to_have(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    let without = "if (!globalThis.document) delete self.MediaSource;\n";
    stage
        .server
        .trouble("/worker_loader.js", Trouble::around(without, ""));
    stage.open("").await;
    stage
        .until(&format!(
            "{VIDEO}.closest('.player').dataset.engine === 'page'"
        ))
        .await;
    stage.plays().await;
    stage.is_well().await;
}

/// A managed source as the specification has it, on top of a plain one: it streams until it has ten
/// seconds ahead of what the test says is played, and evicts when it is told.
const MANAGED: &str = "
self.ManagedMediaSource = class ManagedMediaSource extends MediaSource {
  streaming = false;
  constructor() {
    super();
    this.addEventListener('sourceopen', () => this.stream(true));
    new BroadcastChannel('streaming').onmessage = ({ data }) => this.stream(data);
  }
  stream(on) {
    if (on === this.streaming) return;
    this.streaming = on;
    this.dispatchEvent(new Event(on ? 'startstreaming' : 'endstreaming'));
    new BroadcastChannel('probe').postMessage(on ? 'startstreaming' : 'endstreaming');
  }
};
";

/// The browser's own.
#[apply(in_every_browser!)]
async fn a_managed_source_is_taken_where_there_is_one(stage: &Stage) {
    stage.needs(Feature::ManagedMediaSource).await;
    stage.open("").await;
    stage.plays().await;
    assert!(
        stage
            .is("attached() instanceof ManagedMediaSource || attached().startsWith('blob:')")
            .await
    );
    stage
        .until("probe.streaming.includes('startstreaming')")
        .await;
    stage.ends_with_all_there().await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn a_managed_source_says_when_it_wants_more(stage: &Stage) {
    stage
        .server
        .trouble("/worker_loader.js", Trouble::around(MANAGED, ""));
    stage.open("?goal=5").await;
    stage.plays().await;
    stage.until("probe.marks.includes('startstreaming')").await;
    stage
        .value("new BroadcastChannel('streaming').postMessage(false)")
        .await;
    stage.until("probe.marks.includes('endstreaming')").await;
    // What is there is played, and then the film waits.
    stage.until("probe.media.at(-1) === 'waiting'").await;
    stage
        .value("new BroadcastChannel('streaming').postMessage(true)")
        .await;
    stage.ends_with_all_there().await;
}

#[apply(in_every_browser!)]
async fn without_any_mediasource_the_browser_plays_hls_by_itself(stage: &Stage) {
    stage.server.trouble(
        "/start.js",
        Trouble::around(
            "delete window.MediaSource; delete window.ManagedMediaSource;\n",
            "",
        ),
    );
    stage.open("").await;
    stage.until(&format!("!!{VIDEO}")).await;
    if stage
        .value(&format!(
            "{VIDEO}.canPlayType('application/vnd.apple.mpegurl')"
        ))
        .await
        == json!("")
    {
        stage.notice("This browser has no MediaSource").await;
        return;
    }
    stage.plays().await;
    assert_eq!(stage.engine().await, "none");
    stage.open("?src=film/film.mpd").await;
    stage.notice("This browser has no MediaSource").await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_is_ended_from_outside_is_replaced_where_the_film_was(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.open("?t=10").await;
    stage.until(&format!("{VIDEO}.currentTime > 11")).await;
    stage.value(&format!("{VIDEO}.volume = 0.3")).await;
    stage.kill().await;
    stage.until("probe.workers.length === 2").await;
    stage
        .until(&format!(
            "{VIDEO}.currentTime > 12.5 && {VIDEO}.currentTime < 20 && !{VIDEO}.paused"
        ))
        .await;
    assert_eq!(stage.value(&format!("{VIDEO}.volume")).await, json!(0.3));
    stage.is_well().await;

    // A second time it asks.
    stage.kill().await;
    stage.notice("does not answer any more").await;
    stage.press("Try again").await;
    stage
        .until(&format!(
            "{VIDEO}.currentTime > 13 && {VIDEO}.currentTime < 22 && !{VIDEO}.paused"
        ))
        .await;
    stage.ends_after_restart().await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_is_ended_while_the_film_rests_is_replaced_and_the_film_rests_on(
    stage: &Stage,
) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.open("").await;
    stage.plays().await;
    stage.value(&format!("{VIDEO}.pause()")).await;
    let at = stage.value(&format!("{VIDEO}.currentTime")).await;
    stage.kill().await;
    stage.until("probe.workers.length === 2").await;
    stage.until_taken("first frame").await;
    stage
        .until(&format!("Math.abs({VIDEO}.currentTime - {at}) < 0.1"))
        .await;
    assert_eq!(stage.value(&format!("{VIDEO}.paused")).await, json!(true));
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn a_worker_that_hangs_is_replaced(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    let hangs = "\nnew BroadcastChannel('hang').onmessage = () => { for (;;); };";
    stage
        .server
        .trouble("/worker.js", Trouble::around("", hangs));
    stage.open("").await;
    stage.plays().await;
    stage.server.heal();
    stage
        .value("new BroadcastChannel('hang').postMessage(null)")
        .await;
    stage.until("probe.workers.length === 2").await;
    stage.ends_after_restart().await;
}

#[apply(in_every_browser!)]
async fn a_page_that_was_frozen_does_not_take_its_own_absence_for_the_workers(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    for _ in 0..2 {
        stage
            .value("(() => { const until = performance.now() + 5000; while (performance.now() < until); })()")
            .await;
        let at = stage.value(&format!("{VIDEO}.currentTime")).await;
        stage
            .until(&format!("{VIDEO}.currentTime > {at} + 3"))
            .await;
    }
    stage.has_started_workers(1).await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn a_picture_that_something_else_took_is_told_and_taken_back(stage: &Stage) {
    stage.open("").await;
    stage.loses_its_picture_and_takes_it_back().await;
}

/// As when the engine is in the middle of a call, and hears of it by that call's failure first.
#[apply(in_every_browser!)]
async fn a_picture_that_something_else_took_from_a_busy_engine_is_told_and_taken_back(
    stage: &Stage,
) {
    let deaf = "
for (const { prototype } of [self.MediaSource, self.ManagedMediaSource].filter(Boolean)) {
  prototype.addEventListener = function (name, ...more) {
    if (name !== 'sourceclose') EventTarget.prototype.addEventListener.call(this, name, ...more);
  };
}
";
    stage
        .server
        .trouble("/worker_loader.js", Trouble::around(deaf, ""));
    // So that there is more to append.
    stage.open("?goal=5").await;
    stage.loses_its_picture_and_takes_it_back().await;
}

impl Stage {
    async fn loses_its_picture_and_takes_it_back(&self) {
        self.plays().await;
        self.value(&format!("{VIDEO}.srcObject = new MediaStream()"))
            .await;
        self.notice("something else on the page").await;
        self.press("Try again").await;
        self.plays().await;
        self.is_well().await;
    }
}

impl Stage {
    /// As [`Stage::ends_with_all_there`], for a film that was begun again in its middle.
    async fn ends_after_restart(&self) {
        self.hurry(4).await;
        self.until(&format!("{VIDEO}.ended")).await;
        let end = self.value(&format!("{VIDEO}.currentTime")).await;
        assert!(end.as_f64().unwrap() > 31.9, "ended at {end}");
        let ranges = self.value(&format!("{VIDEO}.buffered.length")).await;
        assert_eq!(ranges, json!(1));
        self.is_well().await;
    }
}
