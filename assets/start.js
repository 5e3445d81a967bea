// Starts the page. A file of its own, and not trunk's inline script, so that the page's
// Content-Security-Policy needs no exception; trunk fills in the two names (see Trunk.toml).
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
// What is on its way when somebody leaves does not come, and they may be back: out of the browser's cache of
// pages, where all is as it was.
let away;
addEventListener("pagehide", () => {
  away = new Promise((back) => addEventListener("pageshow", back, { once: true }));
});
const start = async (query) => {
  try {
    const { default: init } = await import(js + query);
    await init({ module_or_path: wasm + query });
  } catch (error) {
    // By another address: to WebKit, a script that was missing once is missing for good.
    const again = () => start(`?${Date.now()}`);
    if (away) {
      await away;
      away = null;
      return again();
    }
    const main = document.querySelector("main");
    main.innerHTML = `<div class="startup-message" role="alert"><h2>The page did not start</h2><p></p><button>Try again</button></div>`;
    main.querySelector("p").textContent = `${error.message}. If this site is yours, see that all of dist/ was uploaded.`;
    main.querySelector("button").onclick = ({ target }) => {
      target.disabled = true;
      again();
    };
    throw error;
  }
};
await start("");
