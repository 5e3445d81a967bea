// What the lab runs beside the page. A dedicated worker gets the lab's own program; a shared worker, a
// service worker and a frame of another origin only witness whether what is posted to them arrives.
// Without a top-level `await`, which service workers refuse.
export const address = () => import.meta.url;

const witness = (port) => {
  port.onmessage = () => port.postMessage("message");
  port.onmessageerror = () => port.postMessage("messageerror");
  // The first that is heard of it: whether there is a handle to be seen.
  port.postMessage("MediaSource" in self && "handle" in MediaSource.prototype);
};
const called = ({ ports: [port] }) => witness(port);

// The lab's program imports this file, too, without the query: then it is nobody's script.
if (location.href === "about:srcdoc") {
  self.onmessage = called;
} else if (import.meta.url === location.href) {
  if ("DedicatedWorkerGlobalScope" in self) {
    // From snippets/lab-…/src/.
    const dist = "../../..";
    import(`${dist}/lab.js${location.search}`)
      .then(({ default: init }) => init({ module_or_path: new URL(`${dist}/lab_bg.wasm${location.search}`, import.meta.url) }))
      .catch(reportError);
  } else if ("SharedWorkerGlobalScope" in self) {
    self.onconnect = called;
  } else {
    self.onmessage = called;
  }
}
