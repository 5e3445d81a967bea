// What the lab runs beside the page. A dedicated worker gets the lab's own program; a shared worker and
// a service worker only witness whether what is posted to them arrives. Without a top-level `await`,
// which service workers refuse.
export const address = () => import.meta.url;

const witness = (port) => {
  port.onmessage = () => port.postMessage("message");
  port.onmessageerror = () => port.postMessage("messageerror");
};

// The lab's program imports this file, too, without the query: then it is nobody's script.
if (import.meta.url === location.href) {
  if ("DedicatedWorkerGlobalScope" in self) {
    const dist = "../../../../..";
    import(`${dist}/lab.js${location.search}`)
      .then(({ default: init }) => init({ module_or_path: new URL(`${dist}/lab_bg.wasm${location.search}`, import.meta.url) }))
      .catch(reportError);
  } else if ("SharedWorkerGlobalScope" in self) {
    self.onconnect = ({ ports: [port] }) => witness(port);
  } else {
    self.onmessage = ({ ports: [port] }) => witness(port);
  }
}
