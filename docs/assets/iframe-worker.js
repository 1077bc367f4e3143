/* A browser starts no worker for a page that was opened as a file: the search, which is
 * one, then runs in a frame of the page. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.inside = frame.contentWindow;
      this.inside.postMessage = (data) => send(this, data);
      const script = frame.contentDocument.createElement("script");
      script.src = address;
      this.ready = new Promise((resolve) => (script.onload = resolve));
      frame.contentDocument.body.append(script);
    }

    postMessage(data) {
      this.ready.then(() => send(this.inside, data));
    }
  };

  const send = (target, data) =>
    target.dispatchEvent(new MessageEvent("message", { data }));
}
