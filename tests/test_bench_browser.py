"""The report in a real browser: drawn, quiet, no wider than the screen, in light, dark, on paper, without scripts."""

import re

import bench_runs
import browser
import pytest
from browser import BROWSER, DARK, NO_SCRIPTS, browse

from miniflow_xp.programs.bench import report

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")

LISTEN = r"""
addEventListener("load", () => setTimeout(() => {
  const plots = [...document.querySelectorAll("svg.plot")];
  const drawn = (svg) => [svg, ...svg.querySelectorAll(".m, .w, [class^=b-]")].every((part) => {
    const box = part.getBoundingClientRect();
    return box.width > 0 && box.height > 0;
  });
  const wider = (box) => box.scrollWidth > box.clientWidth + 1;
  const scrolls = (box) => ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
  const shown = (part) => part && part.getClientRects().length > 0;
  const shaded = (box) => getComputedStyle(box).backgroundImage.includes("gradient");
  const hinted = (box) => shown(box.querySelector(".more")) && shaded(box);
  const scroller = (part) => { while (part && !scrolls(part)) part = part.parentElement; return part; };
  const boxes = [...document.body.querySelectorAll(":not(svg, svg *)")].filter((part) => part.clientWidth > 0);
  const name = (part) => `${part.tagName} ${part.className} ${part.textContent.slice(0, 40)}`;
  const cut = boxes.filter(wider).filter((part) => !(scroller(part) && hinted(scroller(part)))).map(name);
  const idle = boxes.filter((part) => scrolls(part) && !wider(part) && shown(part.querySelector(".more"))).map(name);
  const rects = (text, word) => {
    const range = document.createRange();
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return range.getClientRects();
  };
  const broken = [];
  for (const cell of document.querySelectorAll("td, th")) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/[^\s-]{1,18}(?![^\s-])/g))
      if (rects(texts.currentNode, word).length > 1) broken.push(word[0]);
  }
  const collisions = [];
  for (const svg of plots) {
    const inside = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    for (const [words, box] of texts)
      if (box.left < inside.left - 1 || box.right > inside.right + 1) collisions.push(`outside: ${words}`);
    texts.forEach(([words, a], k) => texts.slice(k + 1).forEach(([others, b]) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > -2 && high > 4) collisions.push(`${words} on ${others}`);
    }));
  }
  const button = document.querySelector("th button");
  const rows = () => [...button.closest("table").tBodies[0].rows].map((row) => row.cells[0].textContent);
  button.click(); const up = rows(); button.click(); const down = rows();
  const svg = plots[0], mark = [...svg.querySelectorAll(".m")].pop().getBoundingClientRect();
  const at = { clientX: mark.left + 1, clientY: mark.top + 1, bubbles: true };
  svg.dispatchEvent(new PointerEvent("pointermove", at));
  const tip = document.getElementById("tip");
  parent.postMessage({
    faults, plots: plots.length, empty: plots.filter((svg) => !drawn(svg)).length,
    cut, idle, broken, collisions, hints: boxes.filter((part) => scrolls(part) && hinted(part)).length,
    width: innerWidth, client: document.documentElement.clientWidth, scroll: document.documentElement.scrollWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches, paper: getComputedStyle(document.body).backgroundColor,
    small: Math.min(...plots.map((svg) => 10 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)),
    sorted: JSON.stringify(up) !== JSON.stringify(down), tip: tip.hidden ? "" : tip.textContent,
    fetched: fetched(),
  }, "*");
}, 200));
"""


def look(folder, html, width, *options):
    """What the page, framed at a width, found out about itself."""
    return browser.look(folder, html, LISTEN, width, *options)


@pytest.fixture(scope="module")
def html():
    return report.build([bench_runs.record(bench_runs.run())], ["run.json"])


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_drawn_quiet_and_no_wider_than_the_screen(tmp_path, html, width, dark):
    found = look(tmp_path, html, width, *[DARK] * dark)
    assert found["faults"] == []
    assert found["fetched"] == []
    assert found["plots"] == html.count('class="plot"') > 20
    assert found["empty"] == 0
    assert found["width"] == width
    assert found["scroll"] == found["client"] <= width
    assert found["cut"] == []  # what is wider than its box, and no hint says that it goes on
    assert found["idle"] == []  # a hint where there is nothing more
    assert found["hints"] > 0 or width > 500
    assert found["broken"] == []  # short words that end on another line
    assert found["collisions"] == []  # texts of a figure that leave it, or touch each other
    assert found["small"] >= 8  # pixels of the figures' smallest letters
    assert found["dark"] is dark
    red = int(re.search(r"\d+", found["paper"])[0])
    assert red < 64 if dark else red > 192
    assert found["sorted"]
    assert "× (" in found["tip"]


def test_a_fault_would_be_seen(tmp_path, html):
    """The checks above can fail: an error, a request and a wide element are found."""
    broken = html.replace("</main>", '<div style="width:2000px">x</div></main><img src="missing.png">')
    broken = broken.replace('"use strict";', '"use strict"; setTimeout(() => { throw new Error("planted"); });', 1)
    found = look(tmp_path, broken, 360)
    assert any("planted" in fault for fault in found["faults"])
    assert any("blocked" in fault for fault in found["faults"])
    assert any(part.startswith("MAIN") for part in found["cut"])
    assert found["scroll"] > 360


def test_several_runs_and_long_names(tmp_path):
    long = bench_runs.run(backends=("numpy:cpu", "torch:cpu"), sizes=(16, 64), nodes=("Linear",))
    for cell in long["cells"]:
        cell["series"] = cell["series"] + "_without_any_place_to_break_a_line" * 4
    page = report.build(
        [bench_runs.record(run) for run in (long, bench_runs.run(sizes=(16, 64)))], ["a" * 200, "b.json"]
    )
    found = look(tmp_path, page, 360)
    assert found["faults"] == []
    assert found["empty"] == 0
    assert found["scroll"] == found["client"] <= 360
    assert found["cut"] == found["collisions"] == []


def test_on_paper_without_scripts(tmp_path, html):
    page, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(html, encoding="utf-8")
    browse(NO_SCRIPTS, DARK, f"--print-to-pdf={pdf}", page.as_uri())
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 5
