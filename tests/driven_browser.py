"""A real browser that is driven: told over a pipe what to open, which keys to press, and what to look at.

This is the DevTools protocol (https://chromedevtools.github.io/devtools-protocol) with the standard library alone:
messages are JSON, each ends with a zero byte, and the browser reads them from descriptor 3 and answers on 4.
"""

import json
import os
import subprocess
import sys
from base64 import b64decode
from contextlib import contextmanager
from threading import Timer

from browser import BROWSER, OPTIONS, home
from conftest import HANGS

WHY_NOT = "no Chromium or Chrome is installed" if BROWSER is None else ""
WHY_NOT = "a process of Windows has no descriptors 3 and 4" if sys.platform == "win32" else WHY_NOT
LAUNCH = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
CODES = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Tab": 9, "Enter": 13}


class Page:
    """A page of the browser, with all that it complained about."""

    def __init__(self, reads, writes):
        self.reads, self.writes, self.number, self.session = reads, writes, 0, None
        self.faults, self.seen = [], set()
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method, **parameters):
        """The result of a call."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        self.writes.write(json.dumps(message).encode() + b"\0")
        self.writes.flush()
        while (answer := self.read()).get("id") != self.number:
            pass
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def read(self):
        """The next message; what it tells of faults is kept."""
        text = bytearray()
        while (byte := self.reads.read(1)) != b"\0":
            assert byte, "the browser has ended"
            text += byte
        message = json.loads(text)
        name, about = message.get("method", ""), message.get("params", {})
        self.seen.add(name)
        if name == "Runtime.exceptionThrown":
            self.faults.append(about["exceptionDetails"]["text"])
        if name == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.faults.append(about["entry"]["text"])
        if name == "Network.requestWillBeSent" and not about["request"]["url"].startswith(("file:", "data:")):
            self.faults.append("asks for " + about["request"]["url"])
        return message

    def open(self, address, width=1280, height=900, dark=False, media="screen"):
        """Load a page, and wait until it is there."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        features.append({"name": "prefers-reduced-motion", "value": "reduce"})
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", media=media, features=features)
        self.send("Page.navigate", url="about:blank")
        self.seen.discard("Page.loadEventFired")
        self.send("Page.navigate", url=address)
        while "Page.loadEventFired" not in self.seen or self.ask("document.readyState") != "complete":
            self.read() if "Page.loadEventFired" not in self.seen else None

    def ask(self, expression):
        """The value of an expression of JavaScript."""
        found = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, *keys):
        """Press keys, as a person does: the browser sends them to what has the focus."""
        for key in keys:
            about = {"key": key, "code": key, "windowsVirtualKeyCode": CODES[key]}
            self.send("Input.dispatchKeyEvent", type="rawKeyDown", **about)
            self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def click(self, selector):
        """Click on the middle of an element."""
        where = f"document.querySelector({json.dumps(selector)})"
        self.ask(f"{where}.scrollIntoView({{block: 'center', inline: 'center'}})")
        x, y = self.ask(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({where}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path, whole=False):
        """What the page looks like, as a PNG file."""
        path.write_bytes(b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))


@contextmanager
def browser():
    """A page of a browser of its own, which ends with the block; its caches go with it."""
    asks, answers = os.pipe(), os.pipe()
    with home() as environment:
        started = [sys.executable, "-c", LAUNCH, str(asks[0]), str(answers[1])]
        command = [*started, BROWSER, *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={environment['HOME']}"]
        process = subprocess.Popen(command, env=environment, pass_fds=(asks[0], answers[1]), stderr=subprocess.DEVNULL)
        hangs = Timer(HANGS, process.kill)  # a read of the pipe then ends
        hangs.start()
        os.close(asks[0])
        os.close(answers[1])
        try:
            with os.fdopen(answers[0], "rb") as reads, os.fdopen(asks[1], "wb") as writes:
                page = Page(reads, writes)
                yield page
                page.session = None
                page.send("Browser.close")
                process.wait(timeout=HANGS)
        finally:
            hangs.cancel()
            process.kill()
            process.wait()
