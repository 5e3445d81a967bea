// Watches the page on behalf of the tests, from before its first script.
const probe = (window.probe = { mediaSources: 0, workers: [], messages: [], violations: [], media: [], marks: [], streaming: [], errors: [], faults: [], drawings: 0, shift: 0 });

for (const name of ["MediaSource", "ManagedMediaSource"]) {
  if (!(name in window)) continue;
  window[name] = new Proxy(window[name], {
    construct(target, args, newTarget) {
      const source = Reflect.construct(target, args, newTarget);
      probe.mediaSources += 1;
      for (const kind of ["startstreaming", "endstreaming"]) {
        source.addEventListener(kind, () => probe.streaming.push(kind));
      }
      return source;
    },
  });
}

window.Worker = new Proxy(window.Worker, {
  construct(target, args) {
    const worker = new target(...args);
    // Held weakly: the probe must not be what keeps a worker alive.
    probe.workers.push(new WeakRef(worker));
    worker.addEventListener("message", ({ data }) => probe.messages.push(describe(data)));
    return worker;
  },
});

const describe = (part) => {
  if (part instanceof Uint8Array) return [...part];
  return Array.isArray(part) ? part.map(describe) : Object.prototype.toString.call(part).slice(8, -1);
};

// What an element plays from: an object, or where the browser cannot have one there, its address.
window.attached = (video = document.querySelector("video")) => video?.srcObject ?? video?.getAttribute("src") ?? null;

// No driver can change the screen, and most of the page would not know the difference.
window.setDensity = (density) => {
  Object.defineProperty(window, "devicePixelRatio", { get: () => density, configurable: true });
};

// Whoever draws on a canvas begins by clearing it.
const { clearRect } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.clearRect = function (...area) {
  probe.drawings += 1;
  return clearRect.apply(this, area);
};

document.addEventListener("securitypolicyviolation", (event) => probe.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
// What nobody caught; and what went wrong with an element, in its own words.
window.addEventListener("error", (event) => probe.errors.push(String(event.message)));
document.addEventListener("error", ({ target }) => {
  // Captions that are still being read have no file yet, which is no fault.
  if (target.localName === "track" && !target.getAttribute("src")) return;
  probe.faults.push(`${target.localName} ${target.error?.message ?? target.src}`);
}, true);
for (const kind of ["waiting", "ended", "error", "playing", "seeking"]) {
  document.addEventListener(kind, () => probe.media.push(kind), true);
}
// Where the first film began to play.
document.addEventListener("playing", ({ target }) => (probe.from ??= target.currentTime), true);
new BroadcastChannel("probe").onmessage = ({ data }) => probe.marks.push(data);
new BroadcastChannel("open").onmessage = ({ data }) => (probe.open = data);
if (PerformanceObserver.supportedEntryTypes.includes("layout-shift")) {
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => (probe.shift += entry.value))).observe({ type: "layout-shift", buffered: true });
}
