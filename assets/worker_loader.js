// Starts the agent. The query, by which the page names its build, goes along to both files, so that
// no cache answers with those of another build. What goes wrong here is reported as an error of this
// worker, which the page hears; a rejected promise would be heard by nobody.
const build = new URL(import.meta.url).search;
try {
  const { default: init } = await import(`./worker.js${build}`);
  await init({ module_or_path: new URL(`./worker_bg.wasm${build}`, import.meta.url) });
} catch (error) {
  reportError(error);
}
