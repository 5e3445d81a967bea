// Calls `spawn` and returns the Worker that it makes.
export function capture_worker(spawn) {
  const Native = globalThis.Worker;
  let seen;
  globalThis.Worker = class extends Native {
    constructor(...args) {
      super(...args);
      seen = this;
    }
  };
  try {
    spawn();
  } finally {
    globalThis.Worker = Native;
  }
  return seen;
}
