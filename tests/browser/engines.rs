//! Where the engine runs, and what happens when it is gone.

use std::time::{Duration, Instant};

use macro_rules_attribute::apply;
use serde_json::{Value, json};
use thirtyfour::By;

use crate::{
    context::{Feature, TIMEOUT, TestContext},
    server::ServerFault,
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";

impl TestContext {
    /// Where the page says that the engine runs.
    async fn engine(&self) -> String {
        let engine = self
            .eval("document.querySelector('.player').dataset.engine")
            .await;
        engine.as_str().unwrap().to_owned()
    }

    /// Terminates the newest worker, as the browser's task manager does.
    async fn terminate_worker(&self) {
        self.eval("probe.workers.at(-1).deref().terminate()").await;
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "MediaSource in a worker or on the page, real decoder")]
async fn plays_to_the_end_where_the_browser_runs_the_engine(test: &TestContext) {
    let engine = match test.has(Feature::MediaSourceInWorkers).await {
        true => "worker",
        false => "page",
    };
    test.open("").await;
    test.wait_until_playing().await;
    assert_eq!(test.engine().await, engine);
    test.assert_workers_started(1).await;
    assert_eq!(test.eval("probe.violations").await, json!([]));
    test.play_to_end().await;
    test.screenshot("ended").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "MediaSource on the page")]
async fn url_parameter_runs_the_engine_on_the_page(test: &TestContext) {
    test.open("?engine=page").await;
    test.wait_until_playing().await;
    assert_eq!(test.engine().await, "page");
    assert_eq!(test.eval("probe.workers.length").await, json!(0));
    test.assert_no_errors().await;
    test.play_to_end().await;
    // Another video, in the same engine.
    test.press("Play again").await;
    test.wait_until(&format!("{VIDEO}.currentTime < 5")).await;
    test.wait_until_playing().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox; "MediaSource is missing in the worker")]
async fn without_mediasource_in_workers_offers_the_page_engine(test: &TestContext) {
    let without = "if (!globalThis.document) delete self.MediaSource;\n";
    test.server
        .add_fault("/worker_loader.js", ServerFault::wrap_script(without, ""));
    test.open("?engine=worker").await;
    test.wait_for_alert("This browser has no MediaSource in workers")
        .await;
    test.press("Play without a worker").await;
    test.wait_until_playing().await;
    assert_eq!(test.engine().await, "page");
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "MediaSource is missing in the worker")]
async fn falls_back_to_the_page_if_the_worker_lacks_mediasource(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    let without = "if (!globalThis.document) delete self.MediaSource;\n";
    test.server
        .add_fault("/worker_loader.js", ServerFault::wrap_script(without, ""));
    test.open("").await;
    test.wait_until(&format!(
        "{VIDEO}.closest('.player').dataset.engine === 'page'"
    ))
    .await;
    test.wait_until_playing().await;
    test.assert_no_errors().await;
}

/// A ManagedMediaSource on top of a plain one. It starts streaming when less than five seconds are buffered ahead and
/// ends at ten, unless the test holds it; its buffers fire `bufferedchange`; an eviction by the test takes effect at
/// once and fires no other events. Position and attachment come from [`ELEMENT`].
const MANAGED: &str = "
const hear = (name, act) => (new BroadcastChannel(name).onmessage = ({ data }) => act(data));
const tell = (word) => new BroadcastChannel('probe').postMessage(word);
const evictable = (buffer) => {
  const plain = SourceBuffer.prototype;
  const { get: isUpdating } = Object.getOwnPropertyDescriptor(plain, 'updating');
  // Hides that an eviction takes time: operations meanwhile are queued behind it.
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

/// The element's part of a managed source: it reports the position, and refuses the source unless remote playback is
/// disabled. A script of the page, because the engine may be on another thread.
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

/// Gives the browser managed sources.
fn manage(test: &TestContext) {
    let server = &test.server;
    server.add_fault("/worker_loader.js", ServerFault::wrap_script(MANAGED, ""));
    server.add_fault("/start.js", ServerFault::wrap_script(ELEMENT, ""));
}

impl TestContext {
    /// Sends a value to the scripts of the test.
    async fn broadcast(&self, name: &str, what: Value) {
        self.eval(&format!(
            "new BroadcastChannel('{name}').postMessage({what})"
        ))
        .await;
    }
}

/// The browser's own.
#[apply(browser_test!)]
#[runs_in(WebKit; "ManagedMediaSource")]
async fn managed_media_source_is_used_where_it_exists(test: &TestContext) {
    test.requires(Feature::ManagedMediaSource).await;
    test.open("").await;
    test.wait_until_playing().await;
    assert!(
        test.is_true("attached() instanceof ManagedMediaSource || attached().startsWith('blob:')")
            .await
    );
    test.wait_until("probe.streaming.includes('startstreaming')")
        .await;
    test.play_to_end().await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "the event listeners of platform/browser/media_source.rs")]
async fn managed_media_source_pauses_and_resumes_downloads(test: &TestContext) {
    manage(test);
    test.open("?goal=5").await;
    test.wait_until_playing().await;
    test.wait_until("probe.marks.includes('startstreaming')")
        .await;
    test.broadcast("hold", json!(true)).await;
    test.wait_until("probe.marks.includes('endstreaming')")
        .await;
    // What is buffered is played, then the element waits.
    test.wait_until("probe.media.at(-1) === 'waiting'").await;
    test.broadcast("hold", json!(false)).await;
    test.play_to_end().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "bufferedchange events")]
async fn range_evicted_by_a_managed_source_is_fetched_again(test: &TestContext) {
    manage(test);
    test.open("").await;
    test.wait_until_playing().await;
    test.wait_until("probe.marks.includes('endstreaming')")
        .await;
    // First a range ahead, then all but a little, during whatever operation is running.
    let at = test.eval(&format!("{VIDEO}.currentTime")).await;
    let at = at.as_f64().unwrap();
    test.broadcast("evict", json!([at + 3.0, at + 6.0])).await;
    test.wait_until("probe.marks.includes('evicted')").await;
    test.wait_until(&format!(
        "{VIDEO}.currentTime > {at} + 7 && {VIDEO}.buffered.length === 1"
    ))
    .await;
    test.eval("probe.marks.length = 0").await;
    test.broadcast("evict", json!([at + 9.0, 1000])).await;
    test.wait_until("probe.marks.includes('evicted')").await;
    test.play_to_end().await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "the browser's own HLS")]
async fn without_mediasource_the_element_plays_hls_itself(test: &TestContext) {
    test.server.add_fault(
        "/start.js",
        ServerFault::wrap_script(
            "delete window.MediaSource; delete window.ManagedMediaSource;\n",
            "",
        ),
    );
    test.open("").await;
    test.wait_until(&format!("!!{VIDEO}")).await;
    if test
        .eval(&format!(
            "{VIDEO}.canPlayType('application/vnd.apple.mpegurl')"
        ))
        .await
        == json!("")
    {
        test.wait_for_alert("This browser has no MediaSource").await;
        return;
    }
    test.wait_until_playing().await;
    assert_eq!(test.engine().await, "none");
    test.open("?src=film/film.mpd").await;
    test.wait_for_alert("This browser has no MediaSource").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a worker is terminated")]
async fn terminated_worker_is_replaced_at_the_same_position(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.open("?t=10").await;
    test.wait_until(&format!("{VIDEO}.currentTime > 11")).await;
    test.eval(&format!("{VIDEO}.volume = 0.3")).await;
    test.terminate_worker().await;
    test.wait_until("probe.workers.length === 2").await;
    test.wait_until(&format!(
        "{VIDEO}.currentTime > 12.5 && {VIDEO}.currentTime < 20 && !{VIDEO}.paused"
    ))
    .await;
    assert_eq!(test.eval(&format!("{VIDEO}.volume")).await, json!(0.3));
    test.assert_no_errors().await;

    // The second time, the viewer is asked.
    test.terminate_worker().await;
    test.wait_for_alert("does not answer any more").await;
    test.press("Try again").await;
    test.wait_until(&format!(
        "{VIDEO}.currentTime > 13 && {VIDEO}.currentTime < 22 && !{VIDEO}.paused"
    ))
    .await;
    test.play_to_end_after_restart().await;
}

/// An element whose worker is gone takes what is buffered for everything, and may report its end.
#[apply(browser_test!)]
#[runs_in(Chromium; "a worker is terminated; the element reports a false end")]
async fn settings_survive_a_replaced_worker(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.open("?t=6&goal=4").await;
    test.wait_until_playing().await;
    test.wait_until("!document.querySelector('.captions').hidden")
        .await;
    test.pause().await;
    test.press_element(By::Css(".captions")).await;
    test.press_element(By::Css(".settings")).await;
    test.press_element(By::Css("[name=quality] [value='1']"))
        .await;
    test.press_element(By::Css("[name=speed] [value='125']"))
        .await;
    test.eval(&format!("void {VIDEO}.play()")).await;
    test.eval(&format!("{VIDEO}.volume = 0.3")).await;
    test.wait_until("document.querySelector('[name=quality]').value === '1'")
        .await;
    let record = "window.states = [], new MutationObserver(all => all.forEach(({ target }) => \
         states.push(target.dataset.state))).observe(document, { subtree: true, attributeFilter: ['data-state'] })";
    test.eval(record).await;
    let others = || {
        let of = |rendition| test.server.request_count(rendition);
        of("240p/") + of("720p/") + of("1080p/")
    };

    let selected = || test.server.request_count("360p/");
    let selected_before = selected();
    test.terminate_worker().await;
    // The new engine fetches its first segments before it is told the selection.
    let since = Instant::now();
    while selected() == selected_before {
        assert!(since.elapsed() < TIMEOUT, "the selection was lost");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let before = others();
    test.wait_until(&format!("{VIDEO}.currentTime > 9 && !{VIDEO}.paused"))
        .await;
    test.wait_until(&format!("{VIDEO}.textTracks[0].cues?.length === 8"))
        .await;
    let kept = format!(
        "[{VIDEO}.volume, {VIDEO}.playbackRate, {VIDEO}.textTracks[0].mode, document.querySelector('[name=quality]').value]"
    );
    assert_eq!(test.eval(&kept).await, json!([0.3, 1.25, "showing", "1"]));
    // All pictures that are fetched from now on are of the selected quality.
    assert_eq!(others(), before);
    let states = test.eval("states").await;
    assert!(
        !states.as_array().unwrap().contains(&json!("ended")),
        "{states}"
    );
    // While captions are loaded again, their element reports an error.
    let others = "probe.faults = probe.faults.filter(fault => !fault.startsWith('track'))";
    test.eval(others).await;
    test.play_to_end_after_restart().await;
    // The true end is shown.
    test.wait_until("states.includes('ended')").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a worker is terminated")]
async fn video_stays_paused_when_the_worker_is_replaced(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    test.open("").await;
    test.wait_until_playing().await;
    test.eval(&format!("{VIDEO}.pause()")).await;
    let at = test.eval(&format!("{VIDEO}.currentTime")).await;
    test.terminate_worker().await;
    test.wait_until("probe.workers.length === 2").await;
    test.wait_for_milestone("first frame").await;
    test.wait_until(&format!("Math.abs({VIDEO}.currentTime - {at}) < 0.1"))
        .await;
    assert_eq!(test.eval(&format!("{VIDEO}.paused")).await, json!(true));
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a worker hangs")]
async fn hanging_worker_is_replaced(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    let hangs = "\nnew BroadcastChannel('hang').onmessage = () => { for (;;); };";
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script("", hangs));
    test.open("").await;
    test.wait_until_playing().await;
    test.server.clear_faults();
    test.eval("new BroadcastChannel('hang').postMessage(null)")
        .await;
    test.wait_until("probe.workers.length === 2").await;
    test.play_to_end_after_restart().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a blocked page beside a running worker")]
async fn blocked_page_does_not_replace_its_worker(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    for _ in 0..2 {
        test
            .eval("(() => { const until = performance.now() + 5000; while (performance.now() < until); })()")
            .await;
        let at = test.eval(&format!("{VIDEO}.currentTime")).await;
        test.wait_until(&format!("{VIDEO}.currentTime > {at} + 3"))
            .await;
    }
    test.assert_workers_started(1).await;
    test.assert_no_errors().await;
}

/// As when the computer slept: each thread finds that much time has passed.
#[apply(browser_test!)]
#[runs_in(Chromium; "both threads are blocked")]
async fn page_and_worker_that_slept_keep_each_other(test: &TestContext) {
    test.make_worker_blockable();
    test.open("?goal=8").await;
    test.wait_until_playing().await;
    let is_elsewhere = test.has(Feature::MediaSourceInWorkers).await;
    for _ in 0..2 {
        test.eval("probe.marks.length = 0").await;
        test.block_page_and_worker(10_000).await;
        if is_elsewhere {
            test.wait_until("probe.marks.includes('awake')").await;
        }
        let at = test.eval(&format!("{VIDEO}.currentTime")).await;
        test.wait_until(&format!("{VIDEO}.currentTime > {at} + 2"))
            .await;
    }
    test.assert_workers_started(1).await;
    test.play_to_end_at_given_rate().await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "the element detaches its MediaSource")]
async fn element_taken_over_is_reported_and_taken_back(test: &TestContext) {
    test.open("").await;
    test.take_over_and_try_again().await;
}

/// The engine learns of it from a failing call, before the event.
#[apply(browser_test!)]
#[runs_in(Chromium; "a call to a detached SourceBuffer fails")]
async fn element_taken_over_without_sourceclose_is_reported(test: &TestContext) {
    let deaf = "
for (const { prototype } of [self.MediaSource, self.ManagedMediaSource].filter(Boolean)) {
  prototype.addEventListener = function (name, ...more) {
    if (name !== 'sourceclose') EventTarget.prototype.addEventListener.call(this, name, ...more);
  };
}
";
    test.server
        .add_fault("/worker_loader.js", ServerFault::wrap_script(deaf, ""));
    // A small goal, so that there is more to append.
    test.open("?goal=5").await;
    test.take_over_and_try_again().await;
}

impl TestContext {
    async fn take_over_and_try_again(&self) {
        self.wait_until_playing().await;
        self.eval(&format!("{VIDEO}.srcObject = new MediaStream()"))
            .await;
        self.wait_for_alert("something else on the page").await;
        self.press("Try again").await;
        self.wait_until_playing().await;
        self.assert_no_errors().await;
    }
}

impl TestContext {
    /// As [`TestContext::play_to_end`], for a video that was loaded again in its middle.
    async fn play_to_end_after_restart(&self) {
        self.set_rate(4).await;
        self.wait_until(&format!("{VIDEO}.ended")).await;
        let end = self.eval(&format!("{VIDEO}.currentTime")).await;
        assert!(end.as_f64().unwrap() > 31.9, "ended at {end}");
        let ranges = self.eval(&format!("{VIDEO}.buffered.length")).await;
        assert_eq!(ranges, json!(1));
        self.assert_no_errors().await;
    }
}
