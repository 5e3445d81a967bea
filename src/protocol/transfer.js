// Calls `spawn` and returns the Worker that it creates; or, if the page has started one with the same script before
// (see assets/start.js), has it adopt that one.
export function captureWorker(spawn) {
  const NativeWorker = globalThis.Worker;
  let captured;
  let early;
  // What a constructor returns is the value of `new`.
  globalThis.Worker = function (url, options) {
    early = takeEarlyWorker(url);
    captured = early?.worker ?? new NativeWorker(url, options);
    return captured;
  };
  try {
    spawn();
  } finally {
    globalThis.Worker = NativeWorker;
  }
  // In a microtask: after the caller has added its listeners, and before any other event.
  if (early) queueMicrotask(() => early.release());
  return captured;
}

function takeEarlyWorker(url) {
  const early = globalThis.earlyWorker;
  if (early?.url !== new URL(url, document.baseURI).href) return undefined;
  delete globalThis.earlyWorker;
  return early;
}
