// Times the remuxer's module and hls.js's worker on the same files, each in a worker of its own. See `bench.rs`.

// As long as the engine's batches.
const BATCH = 256 << 10;

// The module, in a worker: a file comes in, milliseconds and bytes go out.
async function remuxer() {
  const { instance } = await WebAssembly.instantiateStreaming(fetch("/remux.wasm"));
  const { memory, start, room, push, next_segment, flush, take, length } = instance.exports;
  const run = (file) => {
    let out = 0;
    const drain = () => {
      while (take()) out += length();
    };
    start(3, NaN);
    next_segment();
    for (let at = 0; at < file.length; at += BATCH) {
      const batch = file.subarray(at, at + BATCH);
      // First, because it may replace the buffer.
      const pointer = room(batch.length);
      new Uint8Array(memory.buffer, pointer, batch.length).set(batch);
      push(batch.length);
      drain();
    }
    flush();
    drain();
    return out;
  };
  onmessage = ({ data }) => {
    const begin = performance.now();
    const out = run(new Uint8Array(data));
    postMessage({ milliseconds: performance.now() - begin, out });
  };
  postMessage("ready");
}

const answer = (worker) => new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));

async function ours() {
  const source = `const BATCH = ${BATCH}; (${remuxer})()`;
  // A blob's base URL is not this page's.
  const worker = new Worker(URL.createObjectURL(new Blob([source.replaceAll('"/remux.wasm"', `"${location.origin}/remux.wasm"`)])));
  await answer(worker);
  return async (file) => {
    const copy = file.slice();
    worker.postMessage(copy.buffer, [copy.buffer]);
    return answer(worker);
  };
}

// hls.js's worker, with the messages of its `transmuxer-interface.ts`. It reports its own times.
async function hls() {
  const worker = new Worker("/hls.worker.js");
  const config = JSON.stringify({
    stretchShortVideoTrack: false,
    maxAudioFramesDrift: 1,
    forceKeyFrameOnDiscontinuity: true,
    maxBufferHole: 0.1,
    debug: false,
  });
  worker.postMessage({ instanceNo: 0, cmd: "init", typeSupported: { mpeg: true, mp3: true, ac3: false }, id: "main", config });
  await answer(worker);
  const timing = () => ({ start: 0, executeStart: 0, executeEnd: 0, end: 0 });
  let sn = 0;
  return (file) => {
    const copy = file.slice();
    const chunkMeta = {
      level: 0, sn: sn++, part: -1, id: sn, size: copy.length, partial: false, iframe: false, duration: 10,
      transmuxing: timing(), buffering: { audio: timing(), video: timing(), audiovideo: timing() },
    };
    const state = { discontinuity: true, contiguous: false, accurateTimeOffset: true, trackSwitch: true, timeOffset: 0, initSegmentChange: true };
    worker.postMessage({ instanceNo: 0, cmd: "configure", config: { duration: 10, defaultInitPts: null } });
    return new Promise((resolve, reject) => {
      let out = 0;
      let milliseconds = 0;
      worker.onmessage = ({ data: { event, data } }) => {
        if (event === "transmuxComplete") {
          for (const track of [data.remuxResult.audio, data.remuxResult.video]) {
            out += (track?.data1?.byteLength ?? 0) + (track?.data2?.byteLength ?? 0);
          }
          const { executeStart, executeEnd } = data.chunkMeta.transmuxing;
          milliseconds += executeEnd - executeStart;
        } else if (event === "flush") {
          resolve({ milliseconds, out });
        } else if (event === "hlsError") {
          reject(Error(data.reason ?? data.details));
        }
      };
      worker.postMessage({ instanceNo: 0, cmd: "demux", data: copy.buffer, decryptdata: null, chunkMeta, state }, [copy.buffer]);
      worker.postMessage({ instanceNo: 0, cmd: "flush", chunkMeta });
    });
  };
}

async function run() {
  const files = await (await fetch("/files")).json();
  const lines = [];
  for (const [name, begin] of [["remux", ours], ["hls.js", hls]]) {
    const remux = await begin();
    for (const file of files) {
      const bytes = new Uint8Array(await (await fetch(file)).arrayBuffer());
      const runs = Math.max(20, Math.ceil(50e6 / bytes.length));
      const times = [];
      let out = 0;
      for (let at = 0; at < runs; at++) {
        const result = await remux(bytes);
        times.push(result.milliseconds);
        out = result.out;
      }
      // The median, without the first runs, in which the code is compiled.
      const sorted = times.slice(5).sort((one, other) => one - other);
      const median = sorted[sorted.length >> 1];
      const total = times.slice(5).reduce((sum, time) => sum + time, 0);
      const speed = (bytes.length * sorted.length) / total / 1000;
      lines.push(
        `${name.padEnd(7)} ${speed.toFixed(0).padStart(6)} MB/s, median ${median.toFixed(2)} ms, first ${times[0].toFixed(1)} ms, ` +
          `${(bytes.length / 1000).toFixed(0)} kB to ${(out / 1000).toFixed(0)} kB  ${file}`,
      );
    }
  }
  return lines.join("\n");
}

run()
  .catch((error) => `error: ${error.message}`)
  .then((body) => fetch("/result", { method: "POST", body }));
