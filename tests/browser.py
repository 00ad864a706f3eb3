"""A page in a real browser, which runs a script and tells what it found.

The page is framed, because a browser's window has a least width that is wider than a phone; it reports to its frame.
"""

import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from html import unescape
from tempfile import TemporaryDirectory

from conftest import HANGS

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run")
DARK = "--blink-settings=preferredColorScheme=0"
NO_SCRIPTS = "--blink-settings=scriptEnabled=false"

FAULTS = r"""
const faults = [];
addEventListener("error", (e) => faults.push(String(e.message || "not loaded: " + e.target.outerHTML)), true);
addEventListener("unhandledrejection", (e) => faults.push(String(e.reason)));
addEventListener("securitypolicyviolation", (e) => faults.push(`blocked: ${e.blockedURI}`));
for (const level of ["error", "warn"]) console[level] = (...words) => faults.push(words.join(" "));
const fetched = () =>
  performance.getEntriesByType("resource").map((entry) => entry.name).filter((n) => !n.startsWith("data:"));
"""

FRAME = """<!doctype html><body style="margin:0">
<iframe src="{page}" style="border:0;width:{width}px;height:900px"></iframe>
<script>addEventListener("message", (e) => {{ document.body.dataset.found = JSON.stringify(e.data); }});</script>"""


@contextmanager
def home():
    """The environment of a browser with a home of its own, into which its caches go, and with it."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # its helpers end a little later
        yield os.environ | dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), folder)


def browse(*arguments):
    """What the browser prints."""
    command = [BROWSER, *OPTIONS, "--virtual-time-budget=4000", *arguments]
    with home() as environment:
        return subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, timeout=HANGS, check=True
        ).stdout


def look(folder, html, script, width, *options):
    """What ``script`` posts to the frame from a page of a width; ``faults`` and ``fetched()`` are there for it."""
    listening = f"<head><script>{FAULTS}{script}</script>"
    (folder / "page.html").write_text(html.replace("<head>", listening, 1), encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(page="page.html", width=width), encoding="utf-8")
    dom = browse(*options, "--dump-dom", f"--window-size={max(width, 600)},900", frame.as_uri())
    return json.loads(unescape(re.search(r'data-found="([^"]*)"', dom)[1]))
