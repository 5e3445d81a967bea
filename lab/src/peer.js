// The script of the workers and the cross-origin frame that the claims need. A dedicated worker loads
// the lab's own program; a shared worker, a service worker and the frame only report whether a posted
// object arrives. Without a top-level `await`, which service workers do not allow.
export const scriptUrl = () => import.meta.url;

const reportMessages = (port) => {
  port.onmessage = () => port.postMessage("message");
  port.onmessageerror = () => port.postMessage("messageerror");
  // The first message: whether this context has `MediaSource.prototype.handle`.
  port.postMessage("MediaSource" in self && "handle" in MediaSource.prototype);
};
const connect = ({ ports: [port] }) => reportMessages(port);

// The lab's program imports this file as well, without the query: it is then not a worker's script.
if (location.href === "about:srcdoc") {
  self.onmessage = connect;
} else if (import.meta.url === location.href) {
  if ("DedicatedWorkerGlobalScope" in self) {
    // Relative to snippets/lab-…/src/.
    const dist = "../../..";
    import(`${dist}/lab.js${location.search}`)
      .then(({ default: init }) => init({ module_or_path: new URL(`${dist}/lab_bg.wasm${location.search}`, import.meta.url) }))
      .catch(reportError);
  } else if ("SharedWorkerGlobalScope" in self) {
    self.onconnect = connect;
  } else {
    self.onmessage = connect;
  }
}
