// A page that was opened from a disk may start no worker. Then a hidden frame runs the script in its place: what is posted to
// it arrives there as a message, and what the script posts arrives here. Elsewhere this does nothing.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      this.inside = frame.contentWindow
      this.inside.postMessage = data => this.arrived(this, data)
      const script = this.inside.document.createElement("script")
      script.src = url
      this.loaded = new Promise((resolve, reject) => {
        script.onload = resolve
        script.onerror = reject
      })
      this.inside.document.body.append(script)
    }

    postMessage(data) {
      this.loaded.then(() => this.arrived(this.inside, data))
    }

    terminate() {
      this.inside.frameElement.remove()
    }

    arrived(target, data) {
      const message = new MessageEvent("message", { data: structuredClone(data) })
      setTimeout(() => {
        target.dispatchEvent(message)
        if (target === this && this.onmessage) this.onmessage(message)
      })
    }
  }
}
