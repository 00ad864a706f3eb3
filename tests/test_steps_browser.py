"""The page of steps in a real browser: walked by keys, buttons and slider; in light, dark, on a phone, on paper."""

import re

import pytest
from driven_browser import WHY_NOT, browser
from lesson_networks import learners_network, lesson_network

from miniflow_xp import steps

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

SHOWN = "[...document.querySelectorAll('.step')].filter((step) => step.getClientRects().length > 0)"
WHERE = "document.getElementById('where').textContent"
LIT = "[...document.querySelectorAll('svg.drawing .box.lit')].map((box) => box.dataset.key)"
EDGES = "[...document.querySelectorAll('svg.drawing .edge.lit')].map((e) => e.dataset.source + ' ' + e.dataset.target)"
WALK = [  # step, the boxes that are lit, the edges
    ("What is fed", {"x", "y", "w", "b"}, set()),
    ("forward Linear linear1", {"linear1"}, {"x linear1", "w linear1", "b linear1"}),
    ("forward Sigmoid sigmoid1", {"sigmoid1"}, {"linear1 sigmoid1"}),
    ("forward MSE mse1", {"mse1"}, {"y mse1", "sigmoid1 mse1"}),
    ("backward MSE mse1", {"mse1"}, {"y mse1", "sigmoid1 mse1"}),
    ("backward Sigmoid sigmoid1", {"sigmoid1"}, {"linear1 sigmoid1"}),
    ("backward Linear linear1", {"linear1"}, {"x linear1", "w linear1", "b linear1"}),
    ("backward Input b", {"b"}, {"b linear1"}),
    ("backward Input W", {"w"}, {"w linear1"}),
    ("backward Input X", {"x"}, {"x linear1"}),
    ("backward Input y", {"y"}, {"y mse1"}),
]

CONTRAST = """
(() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = () => {
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((n) => n / 255)
      .map((n) => (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paint = (colour) => { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); };
  const poor = [];
  for (const part of document.querySelectorAll("header *, .step *")) {
    const own = [...part.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !part.getClientRects().length || part.closest("[aria-disabled=true]")) continue;
    const around = [];
    for (let p = part; p; p = p.parentElement) around.unshift(p);
    paint("white");
    for (const p of around) paint(getComputedStyle(p).backgroundColor);
    const paper = light();
    paint(getComputedStyle(part).color);
    const ink = light(), ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${part.tagName}.${part.className} ${part.textContent}`);
  }
  return poor;
})()
"""
CUT = """
[...document.querySelectorAll("body *:not(svg, svg *)")]
  .filter((part) => part.clientWidth > 0 && part.scrollWidth > part.clientWidth + 1)
  .filter((part) => !part.closest(".scroll, .graph, .said"))
  .map((part) => part.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def page():
    with browser() as found:
        yield found


@pytest.fixture
def opened(page, tmp_path):
    """Opens the steps of a network."""

    def run(network, address="", **settings):
        file = tmp_path / "lesson.html"
        steps(*network).save(file)
        page.faults.clear()
        page.open(file.as_uri() + address, **settings)
        return page

    yield run
    assert page.faults == []


def test_arrow_keys_walk_forward_and_then_backward(opened):
    page = opened(lesson_network())
    for number, (title, lit, edges) in enumerate(WALK, 1):
        assert page.ask(WHERE) == f"Step {number} of 11 · {title}"
        assert page.ask(f"{SHOWN}.map((step) => step.querySelector('h2').textContent)") == [f"{number} {title}"]
        assert set(page.ask(LIT)) == lit
        assert set(page.ask(EDGES)) == edges
        assert page.ask("Number(document.getElementById('slider').value)") == number
        page.press("ArrowRight")
    assert page.ask(WHERE) == "Step 11 of 11 · backward Input y"  # it ends there
    page.press("ArrowLeft", "ArrowLeft")
    assert page.ask(WHERE).startswith("Step 9 ")
    page.press("Home")
    assert page.ask(WHERE).startswith("Step 1 ")
    page.press("End")
    assert page.ask(WHERE).startswith("Step 11 ")


def test_the_graph_shows_no_number_before_it_is_computed(opened):
    page = opened(lesson_network())
    shown = """[...document.querySelectorAll("svg.drawing .box")].map((box) => [
      box.dataset.key,
      [...box.querySelectorAll("text")]
        .filter((t) => ["value", "gradient"].includes(t.textContent) && getComputedStyle(t).visibility === "visible")
        .map((t) => t.textContent).join(" ")])"""
    leaves = dict.fromkeys(["x", "w", "b", "y"], "value")
    assert dict(page.ask(shown)) == {**leaves, "linear1": "", "sigmoid1": "", "mse1": ""}
    page.press("ArrowRight")
    assert dict(page.ask(shown)) == {**leaves, "linear1": "value", "sigmoid1": "", "mse1": ""}
    page.press(*["ArrowRight"] * 4)
    assert dict(page.ask(shown)) == {
        **leaves,
        "linear1": "value",
        "sigmoid1": "value gradient",
        "mse1": "value gradient",
    }
    page.press("End")
    assert set(dict(page.ask(shown)).values()) == {"value gradient"}


def test_what_a_step_shows(opened):
    page = opened(lesson_network())
    page.press(*["ArrowRight"] * 6)
    text = page.ask(f"{SHOWN}[0].innerText")
    for words in [
        "✓ Right: central differences agree.",
        "∂linear1 through sigmoid1",
        "∂W = Xᵀ @ ∂linear1",
        "∂W[0, 0] = (−1)·(−1.67e−05) + (−1)·(−3.34e−05) = 5.01e−05",
        "Linear.vjp",
        "right_gradient(xp, gradient, X, W)",
    ]:
        assert words in text, words


def test_a_planted_fault_is_red_with_the_element_and_the_right_number(opened):
    network, right = learners_network("Linear"), steps(*learners_network())
    page = opened(network)
    assert (
        page.ask("document.querySelector('header .verdict').innerText")
        == "✗ Wrong in the backward pass: Linear linear1"
    )
    page.press(*["ArrowRight"] * 6)
    assert page.ask(WHERE) == "Step 7 of 11 · backward Linear linear1 · wrong"
    true = {n.name: a for step in right.record.backward if step.node.kind == "Linear" for n, a in step.handed}["W"]
    wrong, expected = f"{2 * true[1, 0]:.4g}", f"{true[1, 0]:.4g}"
    assert page.ask(f"[...{SHOWN}[0].querySelectorAll('.off')].map((cell) => cell.innerText.split(/\\s*\\n/))") == [
        [f"✗ {wrong}".replace("-", "−"), f"right: {expected}".replace("-", "−")]
    ]
    assert f"∂W[1, 0] is {2 * true[1, 0]:.10g}, and central" in page.ask(f"{SHOWN}[0].innerText").replace("−", "-")
    assert "self.gradients[W] = self.gradients[W] * xp.asarray([[1.0], [2.0]]" in page.ask(f"{SHOWN}[0].innerText")
    colours = "(p => [getComputedStyle(p).color, getComputedStyle(document.body).color])"
    red, ink = page.ask(f"{colours}({SHOWN}[0].querySelector('.off'))")
    assert red != ink
    assert "✗ wrong" in page.ask("document.getElementById('box-linear1').textContent")
    page.press("Home")
    page.click("header .verdict a")
    assert page.ask(WHERE).startswith("Step 7 ")


def test_buttons_slider_and_boxes_walk_too(opened):
    page = opened(lesson_network())
    names = []
    for _ in range(5):
        page.press("Tab")
        names.append(page.ask("document.activeElement.id"))
    assert names == ["first", "back", "slider", "next", "last"]
    page.click("#next")
    page.click("#next")
    page.click("#back")
    assert page.ask(WHERE).startswith("Step 2 ")
    page.click("#last")
    page.click("#first")
    page.ask("document.getElementById('slider').focus()")
    page.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert page.ask(WHERE).startswith("Step 2 ")
    page.ask("(s => { s.value = 9; s.dispatchEvent(new Event('input')); })(document.getElementById('slider'))")
    assert page.ask(WHERE).startswith("Step 9 ")
    page.click("#box-sigmoid1 text")
    assert page.ask(WHERE) == "Step 6 of 11 · backward Sigmoid sigmoid1"
    page.ask("document.getElementById('box-mse1').focus()")
    page.press("Enter")
    assert page.ask(WHERE) == "Step 5 of 11 · backward MSE mse1"


def test_an_address_opens_its_step(opened):
    assert opened(lesson_network(), "#step-6").ask(WHERE).startswith("Step 6 ")


def test_all_controls_have_names_and_the_step_is_spoken(opened):
    page = opened(lesson_network())
    page.press("ArrowRight")
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "slider", "table", "heading")
    told = [node for node in tree if not node["ignored"] and node["role"]["value"] in roles]
    names = {(node["role"]["value"], node["name"]["value"].strip()) for node in told}
    assert all(name for _, name in names)
    assert {
        ("slider", "Step"),
        ("button", "next"),
        ("button", "last"),
        ("heading", "2 forward Linear linear1"),
    } <= names
    assert ("table", "linear1 (2, 1) float64") in names
    assert page.ask("document.getElementById('where').getAttribute('aria-live')") == "polite"
    assert page.ask("document.getElementById('slider').getAttribute('aria-valuetext')") == (
        "step 2 of 11: forward Linear linear1"
    )


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_no_wider_than_the_screen_and_legible(opened, width, dark):
    page = opened(learners_network("Sigmoid"), "#step-6", width=width, dark=dark)
    assert page.ask("document.documentElement.scrollWidth") <= width
    assert page.ask(CUT) == []
    assert page.ask(CONTRAST) == []
    red = int(re.search(r"\d+", page.ask("getComputedStyle(document.body).backgroundColor"))[0])
    assert red < 64 if dark else red > 192
    assert page.ask("getComputedStyle(document.getElementById('next')).minHeight") == "44px"


def test_on_paper_all_steps_stand_one_under_the_other(opened):
    page = opened(lesson_network(), media="print")
    assert page.ask(f"{SHOWN}.length") == 11
    assert page.ask("document.querySelector('.controls').getClientRects().length") == 0


def test_without_scripts_all_steps_stand_one_under_the_other(page, opened):
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened(lesson_network())
        assert page.ask(f"{SHOWN}.length") == 11
    finally:
        page.send("Emulation.setScriptExecutionDisabled", value=False)
    assert page.ask("document.querySelector('.controls').getClientRects().length") == 0


def test_a_fault_of_the_page_would_be_seen(page, tmp_path):
    file = tmp_path / "page.html"
    file.write_text("<script>throw new Error('planted')</script><img src='http://localhost:9/x.png'>", encoding="utf-8")
    page.faults.clear()
    page.open(file.as_uri())
    assert any("asks for http://localhost:9/x.png" in fault for fault in page.faults)
    assert any("Uncaught" in fault for fault in page.faults)
    page.faults.clear()
