// Functions of wasm-bindgen's glue as they are in a release: each does what wasm-bindgen's own of that name
// does, for what the programs here ask of it, in browsers that have Media Source Extensions.

// Memory that grows is another buffer, and making a view of it costs little.
function getDataViewMemory0() {
  return new DataView(wasm.memory.buffer);
}

function getUint8ArrayMemory0() {
  return new Uint8Array(wasm.memory.buffer);
}

function passStringToWasm0(arg, malloc, realloc) {
  const bytes = cachedTextEncoder.encode(arg);
  const place = malloc(bytes.length, 1) >>> 0;
  getUint8ArrayMemory0().set(bytes, place);
  WASM_VECTOR_LEN = bytes.length;
  return place;
}

// What a panic says of a value.
function debugString(val) {
  try {
    return String(val);
  } catch {
    return typeof val;
  }
}

// Not every server says that it is wasm: then it is compiled when all of it is there.
async function __wbg_load(module, imports) {
  if (!module.ok) throw Error(`${module.status} for ${module.url}`);
  return module.headers.get("Content-Type") === "application/wasm"
    ? WebAssembly.instantiateStreaming(module, imports)
    : WebAssembly.instantiate(await module.arrayBuffer(), imports);
}

async function __wbg_init_once(module_or_path) {
  const answer = await fetch(module_or_path.module_or_path);
  const { instance, module } = await __wbg_load(answer, __wbg_get_imports());
  return __wbg_finalize_init(instance, module);
}
