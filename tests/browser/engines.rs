//! Where the engine runs, and what becomes of a film whose engine is gone.

use macro_rules_attribute::apply;
use serde_json::{Value, json};
use thirtyfour::By;

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
    stage.press("Play again").await;
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
    stage.press("Play without a worker").await;
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

/// A ManagedMediaSource on top of a plain one, as a player can tell: it streams until ten seconds are there
/// ahead of what is played, and again when less than five are left, unless the test holds it; its buffers
/// say when they change; and what the test tells it to evict is gone at once, without a word of its own
/// operation. What only an element can know, where it plays and whether it may, comes from [`ELEMENT`].
const MANAGED: &str = "
const hear = (name, act) => (new BroadcastChannel(name).onmessage = ({ data }) => act(data));
const tell = (word) => new BroadcastChannel('probe').postMessage(word);
const evictable = (buffer) => {
  const plain = SourceBuffer.prototype;
  const { get: isUpdating } = Object.getOwnPropertyDescriptor(plain, 'updating');
  // Nobody is to see that an eviction takes a moment: what is asked meanwhile is done after it, in order.
  let asked = null;
  let removed = null;
  const isOperation = ({ name }) => name === 'appendBuffer' || name === 'remove';
  for (const kind of ['updatestart', 'update', 'updateend']) {
    buffer.addEventListener(kind, (event) => {
      if (asked) event.stopImmediatePropagation();
      if (kind !== 'updateend') return;
      let removedRanges = { length: 0 };
      if (asked) {
        const calls = asked;
        asked = null;
        removedRanges = removed;
        tell('evicted');
        for (const { call } of calls) call();
      }
      buffer.dispatchEvent(Object.assign(new Event('bufferedchange'), { removedRanges }));
    });
  }
  buffer.afterEviction = (call, name, value) => (asked ? void asked.push({ call, name, value }) : call());
  for (const name of ['appendBuffer', 'remove', 'abort', 'changeType']) {
    buffer[name] = (...all) => {
      if (asked && name === 'abort') asked = asked.filter((call) => !isOperation(call));
      return buffer.afterEviction(() => plain[name].apply(buffer, all), name);
    };
  }
  for (const name of ['timestampOffset', 'appendWindowStart', 'appendWindowEnd']) {
    const { get, set } = Object.getOwnPropertyDescriptor(plain, name);
    Object.defineProperty(buffer, name, {
      get: () => (asked?.findLast((call) => call.name === name) ?? { value: get.call(buffer) }).value,
      set: (value) => buffer.afterEviction(() => set.call(buffer, value), name, value),
    });
  }
  Object.defineProperty(buffer, 'updating', { get: () => (asked ? asked.some(isOperation) : isUpdating.call(buffer)) });
  buffer.isEvicting = () => asked !== null;
  buffer.evict = (start, end) => {
    if (asked || buffer.updating) {
      buffer.addEventListener('bufferedchange', () => buffer.evict(start, end), { once: true });
    } else {
      asked = [];
      const { buffered } = buffer;
      const lost = Array.from(buffered, (_, nth) => [Math.max(start, buffered.start(nth)), Math.min(end, buffered.end(nth))])
        .filter(([from, to]) => from < to);
      removed = { length: lost.length, start: (nth) => lost[nth][0], end: (nth) => lost[nth][1] };
      plain.remove.call(buffer, start, end);
    }
  };
  return buffer;
};
self.ManagedMediaSource = class ManagedMediaSource extends MediaSource {
  streaming = false;
  held = false;
  position = 0;
  buffers = [];
  constructor() {
    super();
    this.addEventListener('sourceopen', () => this.decide());
    hear('position', (seconds) => this.decide((this.position = seconds)));
    hear('hold', (held) => this.decide((this.held = held)));
    hear('evict', ([start, end]) => this.buffers.forEach((buffer) => buffer.evict(start, end)));
  }
  addSourceBuffer(mime) {
    const buffer = evictable(super.addSourceBuffer(mime));
    buffer.addEventListener('bufferedchange', () => this.decide());
    this.buffers.push(buffer);
    return buffer;
  }
  endOfStream(...all) {
    const busy = this.buffers.find((buffer) => buffer.isEvicting());
    if (!busy) return super.endOfStream(...all);
    busy.afterEviction(() => this.readyState === 'open' && this.endOfStream(...all));
  }
  ahead({ buffered }) {
    for (let nth = 0; nth < buffered.length; nth++) {
      const [start, end] = [buffered.start(nth), buffered.end(nth)];
      if (start <= this.position + 0.1 && this.position < end) return end - this.position;
    }
    return 0;
  }
  decide() {
    if (this.readyState !== 'open') return;
    const ahead = Math.min(...this.buffers.map((buffer) => this.ahead(buffer)));
    const wants = this.streaming ? !(ahead >= 10) || this.buffers.length === 0 : !(ahead >= 5);
    this.stream(wants && !this.held);
  }
  stream(on) {
    if (on === this.streaming) return;
    this.streaming = on;
    const kind = on ? 'startstreaming' : 'endstreaming';
    this.dispatchEvent(new Event(kind));
    tell(kind);
  }
};
";

/// What an element does for a managed source. It says where it plays; and where remote playback has not been
/// disabled, it attaches none. The engine may be on another thread, so this is a script of the page's.
const ELEMENT: &str = "
const position = new BroadcastChannel('position');
for (const kind of ['timeupdate', 'seeking']) {
  document.addEventListener(kind, ({ target }) => position.postMessage(target.currentTime), true);
}
for (const name of ['srcObject', 'src']) {
  const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, name);
  Object.defineProperty(HTMLMediaElement.prototype, name, {
    get,
    set(value) { if (!value || this.disableRemotePlayback === true) set.call(this, value); },
  });
}
";

/// Makes the browser one that has managed sources.
fn manage(stage: &Stage) {
    let server = &stage.server;
    server.trouble("/worker_loader.js", Trouble::around(MANAGED, ""));
    server.trouble("/start.js", Trouble::around(ELEMENT, ""));
}

impl Stage {
    /// Tells the stand-in for a managed source something.
    async fn tell(&self, name: &str, what: Value) {
        self.value(&format!(
            "new BroadcastChannel('{name}').postMessage({what})"
        ))
        .await;
    }
}

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
    manage(stage);
    stage.open("?goal=5").await;
    stage.plays().await;
    stage.until("probe.marks.includes('startstreaming')").await;
    stage.tell("hold", json!(true)).await;
    stage.until("probe.marks.includes('endstreaming')").await;
    // What is there is played, and then the film waits.
    stage.until("probe.media.at(-1) === 'waiting'").await;
    stage.tell("hold", json!(false)).await;
    stage.ends_with_all_there().await;
}

/// Half a minute is wanted ahead, and ten seconds are taken.
#[apply(in_every_browser!)]
async fn a_managed_source_has_the_last_word_on_how_much_is_ahead(stage: &Stage) {
    manage(stage);
    stage.open("?goal=30").await;
    stage.plays().await;
    stage.until("probe.marks.includes('endstreaming')").await;
    stage.value(&format!("{VIDEO}.pause()")).await;
    let ahead = format!("{VIDEO}.buffered.end(0) - {VIDEO}.currentTime");
    // A segment that was asked for may still come.
    assert!(stage.is(&format!("{ahead} < 16")).await);
    let asked = stage.server.requests(".m4s");
    stage.value(&format!("void {VIDEO}.play()")).await;
    // It has enough for five seconds, and then says so.
    stage
        .until("probe.marks.indexOf('startstreaming', 1) > 1")
        .await;
    assert!(stage.is(&format!("{ahead} < 7")).await);
    assert!(stage.server.requests(".m4s") <= asked + 6);
    stage.ends_with_all_there().await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn what_a_managed_source_evicts_while_it_is_about_to_be_played_is_fetched_again(
    stage: &Stage,
) {
    manage(stage);
    stage.open("").await;
    stage.plays().await;
    stage.until("probe.marks.includes('endstreaming')").await;
    // First a part of what is ahead, then all of it but a little, in the middle of whatever is going on.
    let at = stage.value(&format!("{VIDEO}.currentTime")).await;
    let at = at.as_f64().unwrap();
    stage.tell("evict", json!([at + 3.0, at + 6.0])).await;
    stage.until("probe.marks.includes('evicted')").await;
    stage
        .until(&format!(
            "{VIDEO}.currentTime > {at} + 7 && {VIDEO}.buffered.length === 1"
        ))
        .await;
    stage.value("probe.marks.length = 0").await;
    stage.tell("evict", json!([at + 9.0, 1000])).await;
    stage.until("probe.marks.includes('evicted')").await;
    stage.ends_with_all_there().await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn what_a_managed_source_evicts_of_a_segment_that_is_still_on_its_way_is_fetched_again(
    stage: &Stage,
) {
    manage(stage);
    // It is of six seconds to eight, and is appended as it comes.
    let segment = "1080p/4.m4s";
    stage.server.trouble(segment, Trouble::Throttle(60_000));
    stage.open("?src=film/1080p/media.m3u8").await;
    let end = format!("{VIDEO}.buffered.length && {VIDEO}.buffered.end(0)");
    stage.until(&format!("{end} > 6.3")).await;
    stage.tell("evict", json!([6, 1000])).await;
    stage.until("probe.marks.includes('evicted')").await;
    stage.server.heal();
    stage.ends_with_all_there().await;
    stage.is_well().await;
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

/// An element whose worker is gone takes what it has for all that there is, and may say that it has ended.
#[apply(in_every_browser!)]
async fn who_has_chosen_something_keeps_it_when_the_worker_is_replaced_and_sees_no_end(
    stage: &Stage,
) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    stage.open("?t=6&goal=4").await;
    stage.plays().await;
    stage
        .until("!document.querySelector('.captions').hidden")
        .await;
    stage.rest().await;
    stage.press_on(By::Css(".captions")).await;
    stage.press_on(By::Css(".settings")).await;
    stage.press_on(By::Css("[name=quality] [value='1']")).await;
    stage.press_on(By::Css("[name=speed] [value='125']")).await;
    stage.value(&format!("void {VIDEO}.play()")).await;
    stage.value(&format!("{VIDEO}.volume = 0.3")).await;
    stage
        .until("document.querySelector('[name=quality]').value === '1'")
        .await;
    let record = "window.states = [], new MutationObserver(all => all.forEach(({ target }) => \
         states.push(target.dataset.state))).observe(document, { subtree: true, attributeFilter: ['data-state'] })";
    stage.value(record).await;
    let others = || {
        let of = |rendition| stage.server.requests(rendition);
        of("240p/") + of("720p/") + of("1080p/")
    };

    stage.kill().await;
    stage.until("probe.workers.length === 2").await;
    let before = others();
    stage
        .until(&format!("{VIDEO}.currentTime > 9 && !{VIDEO}.paused"))
        .await;
    stage
        .until(&format!("{VIDEO}.textTracks[0].cues?.length === 8"))
        .await;
    let kept = format!(
        "[{VIDEO}.volume, {VIDEO}.playbackRate, {VIDEO}.textTracks[0].mode, document.querySelector('[name=quality]').value]"
    );
    assert_eq!(stage.value(&kept).await, json!([0.3, 1.25, "showing", "1"]));
    // Whatever is fetched of pictures from now on is of the quality that was chosen.
    assert_eq!(others(), before);
    let states = stage.value("states").await;
    assert!(
        !states.as_array().unwrap().contains(&json!("ended")),
        "{states}"
    );
    // Of captions that are yet to be read, an element says that there are none.
    let others = "probe.faults = probe.faults.filter(fault => !fault.startsWith('track'))";
    stage.value(others).await;
    stage.ends_after_restart().await;
    // The true one is shown.
    stage.until("states.includes('ended')").await;
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

/// As when a computer slept: neither thread was there, and each finds that much time has passed.
#[apply(in_every_browser!)]
async fn who_slept_at_the_same_time_does_not_take_the_other_for_dead(stage: &Stage) {
    stage.can_sleep();
    stage.open("?goal=8").await;
    stage.plays().await;
    let is_elsewhere = stage.has(Feature::MediaSourceInWorkers).await;
    for _ in 0..2 {
        stage.value("probe.marks.length = 0").await;
        stage.sleep(10_000).await;
        if is_elsewhere {
            stage.until("probe.marks.includes('awake')").await;
        }
        let at = stage.value(&format!("{VIDEO}.currentTime")).await;
        stage
            .until(&format!("{VIDEO}.currentTime > {at} + 2"))
            .await;
    }
    stage.has_started_workers(1).await;
    stage.ends_with_all_there_in_time().await;
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
