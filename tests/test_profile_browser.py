"""The page of a profile in a real browser: quiet, without a network, no wider than the screen, in light and dark."""

import numpy as np
import pytest
from browser import BROWSER, DARK, look

import miniflow_xp as mf

pytest.importorskip("fast_sugiyama")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")

LOOK = r"""
addEventListener("load", () => setTimeout(() => {
  const all = (what) => [...document.querySelectorAll(what)];
  const seen = (part) => { const box = part.getBoundingClientRect(); return box.width > 0 && box.height > 0; };
  const head = document.querySelector("thead th:nth-child(2) button");
  const names = () => all("tbody tr th").map((cell) => cell.textContent);
  const before = names();
  head.click();
  parent.postMessage({
    faults, fetched: fetched(), before, after: names(),
    shades: all("svg.drawing .shade").filter(seen).length,
    calls: all("svg.line rect").filter(seen).length,
    told: all("svg.line rect title").length,
    scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth,
    paper: getComputedStyle(document.body).backgroundColor,
  }, "*");
}, 300));
"""


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    X, y, W, b = mf.Input("X"), mf.Input("y"), mf.Parameter(np.ones((3, 2)), "W"), mf.Parameter(np.zeros(2), "b")
    cost = mf.MSE(y, mf.Tanh(mf.Linear(X, W, b, name="f"), name="a"), name="cost")
    file = tmp_path_factory.mktemp("profile") / "profile.html"
    mf.profile(mf.Trainer(cost), {X: np.ones((4, 3)), y: np.ones((4, 2))}, rounds=1).save(file)
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("width", "options"), [(1280, ()), (390, (DARK,))], ids=["wide, light", "a phone, dark"])
def test_the_page_is_quiet_and_no_wider_than_the_screen(tmp_path, html, width, options):
    found = look(tmp_path, html, LOOK, width, *options)
    assert (found["faults"], found["fetched"]) == ([], [])
    assert found["scroll"] <= found["client"]
    assert found["shades"] == 6  # a tint and a bar of three boxes
    assert found["calls"] == found["told"] == 7  # three forward, three backward, the update
    assert sorted(found["before"]) == sorted(found["after"])
    assert len(found["before"]) == 4
    assert found["paper"] == ("rgb(17, 22, 28)" if options else "rgb(255, 255, 255)")
