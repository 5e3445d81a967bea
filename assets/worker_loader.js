// Starts the engine's program, in a worker or on the page that imports this. The query, by which the
// page names its build, goes along to both files, so that no cache answers with those of another build.
const build = new URL(import.meta.url).search;

async function start() {
  const program = await import(`./worker.js${build}`);
  await program.default({ module_or_path: new URL(`./worker_bg.wasm${build}`, import.meta.url) });
  return program;
}


// Not awaited here: WebKit takes a module that still awaits something for a finished one, if it is imported
// twice.
const started = start();
// A worker reports it as its own error, which the page hears; a rejected promise would be heard by nobody.
if (!globalThis.document) started.catch(reportError);

export const agent = async (hear) => (await started).agent(hear);
