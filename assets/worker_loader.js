// Starts the engine's program, in a worker or on the page that imports this. The query, by which the
// page names its build, goes along to both files, so that no cache answers with those of another build.
const build = new URL(import.meta.url).search;
let program;
try {
  program = await import(`./worker.js${build}`);
  await program.default({ module_or_path: new URL(`./worker_bg.wasm${build}`, import.meta.url) });
} catch (error) {
  // A worker reports it as its own error, which the page hears; a rejected promise would be heard by nobody.
  if (globalThis.document) throw error;
  reportError(error);
}

export const agent = (hear) => program.agent(hear);
