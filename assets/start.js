// Starts the page's program. The page's Content-Security-Policy forbids trunk's inline script; trunk puts the
// addresses of the program into this script's element instead (see Trunk.toml).
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;

// Leaving the page cancels its requests. If the browser keeps the page in its back/forward cache, this is
// the promise that it is shown again.
let shownAgain;
addEventListener("pagehide", () => {
  shownAgain = new Promise((resolve) => addEventListener("pageshow", resolve, { once: true }));
});

async function start(query) {
  try {
    const [{ default: init }, response] = await Promise.all([import(js + query), fetch(wasm + query)]);
    if (!response.ok) throw Error(`The server answered ${response.status} for ${response.url}`);
    await init({ module_or_path: response });
  } catch (error) {
    // WebKit remembers for good that a module failed to load, so another attempt needs another address.
    const retry = () => start(`?${Date.now()}`);
    if (shownAgain) {
      await shownAgain;
      shownAgain = null;
      return retry();
    }
    const main = document.querySelector("main");
    main.innerHTML = `<div class="startup-message" role="alert"><h2>The page did not start</h2><p></p><button>Try again</button></div>`;
    main.querySelector("p").textContent = `${error.message}. If this is your site, check that all of dist/ was uploaded.`;
    main.querySelector("button").onclick = ({ target }) => {
      target.disabled = true;
      retry();
    };
    throw error;
  }
}

await start("");
