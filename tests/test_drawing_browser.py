"""The page of a drawing in a real browser: quiet, no wider than the screen, folded by clicks and keys, readable."""

import json
import re

import pytest
from browser import BROWSER, DARK, NO_SCRIPTS, browse, look

import miniflow_xp as mf
from miniflow_xp import Dense, Input, Parameter, ReLU, Sequential

pytest.importorskip("fast_sugiyama")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")

CUT = r"""
const texts_outside = (picture) => [...picture.querySelectorAll(".box")].flatMap((box) => {
  const outline = box.querySelector(".outline").getBoundingClientRect();
  return [...box.querySelectorAll("text")].filter((text) => {
    const { left, right, top, bottom } = text.getBoundingClientRect();
    return left < outline.left - 1 || right > outline.right + 1 || top < outline.top - 1 || bottom > outline.bottom + 1;
  }).map((text) => text.textContent);
});
"""
LOOK = (
    CUT
    + r"""
addEventListener("load", () => setTimeout(async () => {
  const shown = () => [...document.querySelectorAll(".picture")].filter((part) => part.getClientRects().length > 0);
  const keys = () => [...shown()[0].querySelectorAll(".box")].map((part) => part.dataset.key);
  const wait = () => new Promise((done) => setTimeout(done, 60));
  const focus = () => (document.activeElement.querySelector(".box") || document.activeElement).dataset.key || "";
  const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const first = keys(), svg = shown()[0].querySelector("svg"), inside = svg.getBoundingClientRect();
  const cut = texts_outside(shown()[0]);
  const path = [];
  shown()[0].querySelector('.box[data-key="x"]').focus();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowUp"]) { press(key); path.push(focus()); }
  const opened = location.hash;
  const link = (words) => shown()[0].querySelector(`a[aria-label="${words}"]`);
  link("Fold hidden").dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  await wait();
  const folded = keys(), folding = location.hash, focused = focus(), many = shown().length;
  link("Unfold hidden").dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  await wait();
  const again = keys();
  const widths = [...document.querySelectorAll("body *:not(svg, svg *)")]
    .filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflowX !== "auto")
    .map((part) => part.tagName);
  parent.postMessage({
    faults, fetched: fetched(), first, path, folded, focused, many, again, cut, widths, opened, folding,
    scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth,
    small: 10.5 * inside.width / svg.viewBox.baseVal.width,
    paper: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(svg.querySelector("text.name")).fill,
  }, "*");
}, 200));
"""
)


@pytest.fixture(scope="module")
def drawing():
    """A network with values, so that there are numbers, heat maps and histograms."""
    model = Sequential([Dense(2, 4, ReLU, name="hidden"), Dense(4, 1, name="out")], seed=0)
    x, y = Input("x"), Input("y")
    feed = {x: [[n / 7, n] for n in range(30)], y: [[n % 3] for n in range(30)]}
    return mf.draw(mf.MSE(y, model(x)), feed, title="A network of <two> layers")


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_it_folds_by_clicks_and_keys_and_is_quiet(tmp_path, drawing, width, dark):
    found = look(tmp_path, drawing.html, LOOK, width, *[DARK] * dark)
    assert found["faults"] == found["fetched"] == found["widths"] == []
    assert found["scroll"] == found["client"]
    assert found["cut"] == []  # texts that leave their box
    assert found["small"] >= 8  # pixels of the smallest letters
    assert found["path"] == ["hidden", "relu1", "hidden"]
    assert (found["opened"], found["many"]) == ("", 1)
    assert re.fullmatch(r"#picture-\d+", found["folding"])
    assert set(found["first"]) - set(found["folded"]) == {"hidden", "hidden-weights", "hidden-biases", "relu1"}
    assert set(found["folded"]) - set(found["first"]) == {"layer-hidden"}
    assert found["focused"] == "layer-hidden"
    assert sorted(found["again"]) == sorted(found["first"])
    paper, ink = (int(re.search(r"\d+", found[name])[0]) for name in ("paper", "ink"))
    assert (paper < 64 and ink > 192) if dark else (paper > 192 and ink < 64)


def test_names_of_all_letters_stay_in_their_boxes(tmp_path):
    node = Input("a<b>&'c'")
    for name in ("W" * 300, "m" * 20, "日本語の名前です" * 5, "ACCURACY OF THE FIT", "ünïcödé", "iiiiiiiiiiii"):
        node = node + Parameter([-1e-5, 1e12, 3.0, 4.0, 5.0, 6.0, 7.0], name)
    script = (
        CUT
        + """addEventListener("load", () => setTimeout(() =>
      parent.postMessage({ faults, cut: texts_outside(document.querySelector(".picture")) }, "*"), 200));"""
    )
    assert look(tmp_path, mf.draw(node).html, script, 1280) == {"faults": [], "cut": []}


def test_a_picture_alone_is_dark_where_the_page_is(tmp_path, drawing):
    script = """addEventListener("load", () => parent.postMessage({
      paper: getComputedStyle(document.querySelector("svg .paper")).fill}, "*"));"""
    page = f"<!doctype html><html><head></head><body>{drawing.svg}</body></html>"
    light, dark = (look(tmp_path, page, script, 600, *options)["paper"] for options in ((), (DARK,)))
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(17, 22, 28)")


def test_without_scripts_it_folds_by_its_links_and_is_printed(tmp_path, drawing):
    page, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(drawing.html, encoding="utf-8")
    browse(NO_SCRIPTS, DARK, f"--print-to-pdf={pdf}", page.as_uri() + "#picture-1")
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1


def test_a_fault_would_be_seen(tmp_path, drawing):
    """The checks above can fail."""
    broken = drawing.html.replace(
        '"use strict";', '"use strict"; setTimeout(() => { throw new Error("planted"); });', 1
    )
    broken = broken.replace("</main>", '<img src="missing.png"><p style="width:3000px">x</p></main>')
    found = look(tmp_path, broken, LOOK, 390)
    assert any("planted" in fault for fault in found["faults"])
    assert any("blocked" in fault for fault in found["faults"])
    assert found["scroll"] > found["client"], json.dumps(found)
