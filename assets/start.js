// Starts the page. A file of its own, and not trunk's inline script, so that the page's
// Content-Security-Policy needs no exception; trunk fills in the two names (see Trunk.toml).
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
try {
  const { default: init } = await import(js);
  await init({ module_or_path: wasm });
} catch (error) {
  const main = document.querySelector("main");
  main.innerHTML = `<div class="alone" role="alert"><h2>The page did not start</h2><p></p><button>Try again</button></div>`;
  main.querySelector("p").textContent = `${error.message}. If this site is yours, see that all of dist/ was uploaded.`;
  main.querySelector("button").onclick = () => location.reload();
  throw error;
}
