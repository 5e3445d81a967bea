// Starts the engine's program: in a worker, or on a page whose browser has no MediaSource in workers and which
// imports this file. The page adds its build id as a query. It is passed on to both files, so that caches do not
// answer with the files of another build.
const build = new URL(import.meta.url).search;

// A worker that is started before the page's program runs has its first video in its name. The manifest is requested at
// once; `platform/browser/network.rs` takes the response.
const early = new URLSearchParams(globalThis.document ? "" : globalThis.name);
if (early.has("src")) {
  const url = early.get("src");
  const abort = new AbortController();
  const credentials = early.has("credentials") ? "include" : "same-origin";
  const response = fetch(url, { credentials, signal: abort.signal });
  // Reported when it is taken.
  response.catch(() => {});
  globalThis.prefetched = { url, response, abort };
}

async function start() {
  const [program, response] = await Promise.all([
    import(`./worker.js${build}`),
    fetch(new URL(`./worker_bg.wasm${build}`, import.meta.url)),
  ]);
  if (!response.ok) throw Error(`the server answered ${response.status} for ${response.url}`);
  await program.default({ module_or_path: response });
  return program;
}

// No top-level await: where a module is imported twice, WebKit resolves the second import before the first
// has finished.
const started = start();
// An exception in a worker fires `error` on the page; an unhandled rejection does not.
if (!globalThis.document) started.catch(reportError);

// For a page that runs the engine itself: see `start_engine` in `src/bin/worker.rs`.
export const startEngine = async (callback) => (await started).startEngine(callback);
