// Calls `spawn` and returns the Worker that it creates.
export function captureWorker(spawn) {
  const NativeWorker = globalThis.Worker;
  let captured;
  globalThis.Worker = class extends NativeWorker {
    constructor(...args) {
      super(...args);
      captured = this;
    }
  };
  try {
    spawn();
  } finally {
    globalThis.Worker = NativeWorker;
  }
  return captured;
}
