// Starts the page's program, and beside it the engine's. The page's Content-Security-Policy forbids trunk's inline script;
// trunk puts the addresses of the program into this script's element instead (see Trunk.toml).
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;

// The engine's program is loaded at the same time as the page's, and starts with the video of the page's address: see
// `protocol/early_load.rs`. The page's program adopts the worker when it asks for one with the same script, and the video
// when it asks for that. The name of the page's program changes with each build: as a query, it keeps caches from
// answering with files of another build.
function startEngine() {
  const script = new URL(`worker_loader.js?${wasm.split("/").pop()}`, document.baseURI).href;
  globalThis.engineScript = script;
  const query = new URLSearchParams(location.search);
  const engine = query.get("engine");
  const classes = [globalThis.ManagedMediaSource, globalThis.MediaSource].filter(Boolean);
  if (engine !== "page" && classes.some((it) => it.canConstructInDedicatedWorker)) {
    globalThis.earlyWorker = earlyWorker(script, loadCommand(query));
  } else if (engine !== "worker" && classes.length > 0) {
    // The page runs the engine itself, and imports the same script.
    import(script).catch(importEngineAgain);
  }
}

// WebKit remembers for good that a module failed to load, or that it was on its way when the page was left. The page's
// program imports the engine's from another address then, and reports if that fails, too.
function importEngineAgain() {
  globalThis.engineScript += "-again";
}

// The command for the first video, with the same defaults as `src/app.rs`.
function loadCommand(query) {
  const { content, dataset } = document.querySelector("meta[name=sample]");
  const samples = content.split(" ");
  const source = query.get("src") || samples[0];
  const seconds = (text) => (parseFloat(text) > 0 && isFinite(parseFloat(text)) ? text : undefined);
  const command = {
    src: URL.canParse(source, document.baseURI) && new URL(source, document.baseURI).href,
    t: seconds(query.get("t")),
    goal: seconds(query.get("goal")) ?? (samples.includes(source) ? dataset.goal : undefined),
    credentials: query.has("credentials") || undefined,
    width: Math.floor(innerWidth * devicePixelRatio),
    height: Math.floor(innerHeight * devicePixelRatio),
    ...rememberedAudio(),
  };
  const given = Object.entries(command).filter(([, value]) => value !== undefined);
  return /^(https?|blob):/.test(command.src) ? new URLSearchParams(given).toString() : "";
}

// The audio track that the viewer has chosen, as `src/player/preferences.rs` stores it.
function rememberedAudio() {
  try {
    const stored = new URLSearchParams(localStorage.getItem("yew-mse-worker"));
    const names = ["audio-language", "audio-note"].filter((name) => stored.get(name));
    return Object.fromEntries(names.map((name) => [name, stored.get(name)]));
  } catch {
    // The browser allows this page no storage.
    return {};
  }
}

// A worker whose events are held until it is adopted: nothing listens to them yet.
function earlyWorker(url, name) {
  const worker = new Worker(url, { type: "module", name });
  // For the list of startup milestones.
  worker.early = { name, at: performance.timeOrigin + performance.now() };
  const held = [];
  const hold = (event) => held.push(event);
  const release = () => {
    for (const type of ["message", "error"]) worker.removeEventListener(type, hold);
    for (const event of held) worker.dispatchEvent(new event.constructor(event.type, event));
  };
  for (const type of ["message", "error"]) worker.addEventListener(type, hold);
  return { url, worker, release };
}

// Leaving the page cancels its requests. If the browser keeps the page in its back/forward cache, this is
// the promise that it is shown again.
let shownAgain;
addEventListener("pagehide", () => {
  shownAgain = new Promise((resolve) => addEventListener("pageshow", resolve, { once: true }));
});

async function start(query) {
  try {
    const [{ default: init }, response] = await Promise.all([import(js + query), fetch(wasm + query)]);
    if (!response.ok) throw Error(`The server answered ${response.status} for ${response.url}`);
    await init({ module_or_path: response });
  } catch (error) {
    // If the page is being left, `pagehide` follows, and this timer waits until the page is shown again.
    await new Promise((resolve) => setTimeout(resolve, 100));
    // WebKit remembers for good that a module failed to load, so another attempt needs another address.
    const retry = () => start(`?${Date.now()}`);
    if (shownAgain) {
      await shownAgain;
      shownAgain = null;
      if (!globalThis.earlyWorker) importEngineAgain();
      return retry();
    }
    const main = document.querySelector("main");
    main.innerHTML = `<div class="startup-message" role="alert"><h2>The page did not start</h2><p></p><button>Try again</button></div>`;
    main.querySelector("p").textContent = `${error.message}. If this is your site, check that all of dist/ was uploaded.`;
    main.querySelector("button").onclick = ({ target }) => {
      target.disabled = true;
      retry();
    };
    throw error;
  }
}

startEngine();
await start("");
