"""Pictures of graphs: what is in them, that they are the same each time, and that drawing runs and changes nothing."""

import copy
import pickle
import random
import re
import runpy
import sys
import xml.etree.ElementTree as ET
from hashlib import sha256
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from array_api_compat import array_namespace
from contrast import contrast, mixed

import miniflow_xp as mf
from miniflow_xp import (
    Dense,
    Input,
    Layer,
    Linear,
    Node,
    Parameter,
    Program,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    Trainer,
)
from miniflow_xp.drawing import Box, Diagram, Edge, Group, svg
from miniflow_xp.drawing.arrows import ends_of
from miniflow_xp.drawing.boxes import outline
from miniflow_xp.drawing.folding import CLEAR, foldings
from miniflow_xp.drawing.scene import Rect, scene_of
from miniflow_xp.errors import GraphError, JitError, NotInGraphError, PackageMissingError, SettingError
from miniflow_xp.system.svg import colours

pytest.importorskip("fast_sugiyama")

ROOT = Path(__file__).resolve().parent.parent
MADE = runpy.run_path(str(ROOT / "docs" / "pictures" / "make.py"))
PICTURES = MADE["drawings"]()
NAMES = [
    'a<b>&"c"\'',
    "日本語の名前" * 9,
    "x" * 300,
    "\x00\x1b[31m\ud800",
    "new\nline",
    "--><script>alert(1)</script>",
    "end",
]


def lesson():
    """The lesson's network: its cost, and what it is fed."""
    X, y, W, b = Input("X"), Input("y"), Input("W"), Input("b")
    cost = mf.MSE(y, Sigmoid(Linear(X, W, b)))
    arrays = [[0.0, 1.0], [1.0, 1.0]], [[0.0], [1.0]], [[2.0], [-1.0]], [1.0]
    return cost, {node: np.array(array) for node, array in zip((X, y, W, b), arrays, strict=True)}


def parts(picture, kind):
    """The elements of a class in a picture."""
    return [part for part in ET.fromstring(picture).iter() if kind in part.get("class", "").split()]


def boxes(picture):
    """{key: classes} of the boxes in a picture."""
    return {part.get("data-key"): part.get("class").split() for part in parts(picture, "box")}


def by_name(drawing):
    return {box.name: box for box in drawing.diagram.boxes}


# -- graphs


def test_each_node_is_a_box_and_each_reading_an_edge():
    cost, _ = lesson()
    drawing = mf.draw(cost)
    kinds = {"x": "input", "y": "input", "w": "input", "b": "input"}
    kinds |= {"linear1": "operation", "sigmoid1": "operation", "mse1": "cost"}
    assert boxes(drawing.svg) == {key: ["box", kind] for key, kind in kinds.items()}
    edges = [(part.get("data-source"), part.get("data-target")) for part in parts(drawing.svg, "edge")]
    edges = [pair for pair in edges if pair != (None, None)]  # the arrow of the result
    assert sorted(edges) == sorted((edge.source, edge.target) for edge in drawing.diagram.edges)
    assert len(edges) == 6
    assert drawing.key_of(cost) == "mse1"
    assert by_name(drawing)["linear1"].formula == "Linear(X, W, b)"


def test_after_a_pass_values_and_gradients_are_in_it():
    _, feed = lesson()
    graph = mf.topological_sort(feed)
    mf.forward_and_backward(graph)
    found = by_name(mf.draw(graph))
    assert found["mse1"].value.numbers == (("0.1321",),)
    assert found["mse1"].gradient.numbers == (("1",),)
    assert found["W"].gradient.numbers == (("−0.01252",), ("0.1125",))
    assert (found["linear1"].shape, found["linear1"].dtype) == ((2, 1), "float64")
    assert mf.draw(graph).diagram.edges[0].shape == (2, 2)


def test_a_feed_shows_what_a_pass_would_leave_and_leaves_nothing():
    cost, feed = lesson()
    fed, program, trainer = mf.draw(cost, feed), mf.draw(Program(cost), feed), mf.draw(Program([cost]), feed)
    assert cost.value is None
    graph = mf.topological_sort(feed)
    mf.forward_and_backward(graph)
    assert fed.diagram == program.diagram == trainer.diagram == mf.draw(graph).diagram


def test_values_and_gradients_of_a_feed_are_those_of_one_pass_which_stays_the_next():
    x, y = Input("x"), Input("y")
    model = Sequential([Dense(3, 4, use_bias=False), mf.Dropout(0.5)], seed=0)
    kept = model(x, training=True)
    cost, feed = mf.MSE(y, kept, name="cost"), {x: np.ones((2, 3)), y: np.zeros((2, 4))}
    for _ in range(4):
        number = model.counter.number
        found = by_name(mf.draw(cost, feed))
        assert model.counter.number == number
        zeros = [[cell == "0" for cell in row] for row in found["dropout_1 mask"].value.numbers]
        assert [[cell == "0" for cell in row] for row in found["dense_1"].gradient.numbers] == zeros
        Program(cost)(feed)


def test_a_feed_of_several_outputs_may_hold_what_the_last_one_does_not_read():
    x, y = Input("x"), Input("y")
    program = Program([Tanh(x, name="first"), mf.MSE(y, 2.0 * y, name="cost")])
    found = by_name(mf.draw(program, {x: np.ones(2), y: np.ones(2)}))
    assert found["first"].gradient is None
    assert found["y"].gradient.numbers == (("1", "1"),)


def test_a_trainer_is_drawn_with_its_parameters_and_the_shapes_of_its_last_step():
    X, y = Input("X"), Input("y")
    trainer = Trainer(mf.MSE(y, Linear(X, Parameter(np.ones((2, 1)), "W"), Parameter(np.zeros(1), "b"))))
    trainer.step({X: np.ones((3, 2)), y: np.ones((3, 1))})
    found = by_name(mf.draw(trainer))
    assert {name: box.kind for name, box in found.items() if box.kind != "input"} == {
        "W": "parameter",
        "b": "parameter",
        "linear1": "operation",
        "mse1": "cost",
    }
    assert (found["linear1"].dtype, found["linear1"].shape) == ("float64", (3, 1))
    assert trainer.step({X: np.ones((3, 2)), y: np.ones((3, 1))}) < 1  # it goes on


def test_a_node_of_the_learners_own_is_drawn_with_what_it_keeps():
    class Twice(Node):
        def __init__(self, x):
            Node.__init__(self, [x])

        def forward(self):
            self.value = 2 * self.inbound_nodes[0].value

        def backward(self):
            (x,) = self.inbound_nodes
            self.gradients = {x: sum(2 * reader.gradients[self] for reader in self.outbound_nodes)}

    x, y = Input("x"), Input("y")
    cost = mf.MSE(y, Twice(x))
    graph = mf.topological_sort({x: np.array([1.0, 3.0]), y: np.array([0.0, 6.0])})
    mf.forward_and_backward(graph)
    found = by_name(mf.draw(graph))
    assert found["twice1"].value.numbers == (("2", "6"),)
    assert found["twice1"].gradient.numbers == (("2", "0"),)
    with pytest.raises(GraphError, match="no rule"):
        mf.draw(cost, {x: np.ones(2), y: np.ones(2)})


def test_gradients_that_do_not_fit_together_are_not_added_up():
    _, feed = lesson()
    graph = mf.topological_sort(feed)
    mf.forward_and_backward(graph)
    linear = next(node for node in graph if isinstance(node, Linear))
    other = Node([linear], name="other")
    other.gradients = {linear: np.ones(3)}
    linear.outbound_nodes[0].gradients = {linear: np.ones(2)}
    assert by_name(mf.draw([*graph, other]))["linear1"].gradient is None


def test_drawing_runs_nothing_and_changes_nothing():
    class Watched(Node):
        runs = 0

        def compute(self, xp, x):
            Watched.runs += 1
            return xp.exp(x)

    x = Input("x")
    node = Watched([x])
    mf.topological_sort({x: np.ones(2)})
    before = {**vars(x)}, {**vars(node)}
    drawing = mf.draw(node)
    assert all([drawing.svg, drawing.html, drawing.dot, drawing.mermaid])
    assert Watched.runs == 0
    assert ({**vars(x)}, {**vars(node)}) == before


def test_gradients_that_nobody_has_looked_at_are_not_computed():
    _, feed = lesson()
    graph = mf.topological_sort(feed)
    mf.forward_pass(graph)
    for node in reversed(graph):
        if node.inbound_nodes:
            node.backward()  # by hand: what it hands on is computed when it is read
    linear = next(node for node in graph if isinstance(node, Linear))
    assert by_name(mf.draw(graph))["W"].gradient is None
    assert not linear.gradients.computed()
    looked_at = linear.gradients[linear.inbound_nodes[1]]
    assert by_name(mf.draw(graph))["W"].gradient.mean == pytest.approx(looked_at.mean())


def test_a_drawing_is_of_the_moment():
    _, feed = lesson()
    graph = mf.topological_sort(feed)
    mf.forward_pass(graph)
    drawing = mf.draw(graph)
    for node in feed:
        node.value = node.value + 1
    mf.forward_pass(graph)
    assert by_name(drawing)["mse1"].value != by_name(mf.draw(graph))["mse1"].value
    assert pickle.loads(pickle.dumps(drawing.diagram.boxes)) == drawing.diagram.boxes


def test_every_backend_is_drawn(backend):
    _, feed = lesson()
    graph = mf.topological_sort({node: array.astype("float32") for node, array in feed.items()})
    mf.forward_and_backward(graph)
    found = by_name(mf.draw(graph))
    assert found["linear1"].dtype == "float32"
    assert found["b"].gradient.numbers == (("0.1125",),)


@pytest.mark.parametrize("what", [3, "x", None, np.ones(2)])
def test_what_cannot_be_drawn_is_told(what):
    with pytest.raises(SettingError, match=r"Write draw\(graph\)"):
        mf.draw(what)


def test_an_empty_list_is_no_graph():
    with pytest.raises(NotInGraphError):
        mf.draw([])


# -- arrays


def drawn_array(array):
    return mf.draw(Tanh(Parameter(array, "W")))


@pytest.mark.parametrize(
    ("array", "numbers"),
    [
        (np.array(1.5), (("1.5",),)),
        (np.array([1, -2]), (("1", "−2"),)),
        (np.arange(6.0), tuple((str(n),) for n in range(6))),
        (np.array([[0.1, -0.0], [np.nan, np.inf]]), (("0.1", "0"), ("nan", "inf"))),
        (np.array([1 + 2j]), (("1+2j",),)),
        (np.array([True, False]), (("True", "False"),)),
    ],
)
def test_few_numbers_are_written_out(array, numbers):
    (box,) = (box for box in drawn_array(array).diagram.boxes if box.name == "W")
    assert box.value.numbers == numbers


def test_a_small_matrix_is_a_heat_map_and_its_sign_is_told_by_size():
    matrix = np.linspace(-1, 1, 60).reshape(6, 10)
    matrix[0, 0] = np.nan
    value = by_name(drawn_array(matrix))["W"].value
    assert value.cells[0][0] is None
    assert value.cells[5][9] == 1
    picture = drawn_array(matrix).svg
    assert {part.get("class").split()[0] for part in ET.fromstring(picture).iter() if part.get("class")} >= {
        "plus",
        "minus",
        "cross",
    }


def test_a_large_array_is_a_histogram_with_its_ends():
    value = by_name(drawn_array(np.repeat([1.0, 2.0, 5.0], [50, 30, 20])))["W"].value
    assert (value.low, value.mean, value.high) == (1, 2.1, 5)
    assert (value.bins[0], value.bins[5], value.bins[-1], sum(value.bins)) == (50, 30, 20, 100)


@pytest.mark.parametrize("size", [3, 100])
def test_nan_and_infinity_are_told(size):
    array = np.ones(size)
    array[0], array[1], array[2] = np.nan, np.inf, -np.inf
    drawing = drawn_array(array)
    assert "⚠ 1 NaN" in drawing.svg
    assert "⚠ 2 infinite" in drawing.svg
    assert "1 NaN in its value" in drawing.svg  # for those who do not see it


@pytest.mark.parametrize(
    "array", [np.zeros((0, 3)), np.full(200, np.nan), np.array([1e308, -1e308] * 50), np.zeros(99)]
)
def test_no_array_is_too_odd_to_be_drawn(array):
    assert len(boxes(drawn_array(array).svg)) == 2


# -- names and forms


def test_names_of_any_letters_are_safe():
    total = Input(NAMES[0])
    for name in NAMES[1:]:
        total = total + Input(name)
    drawing = mf.draw(total)
    keys = [box.key for box in drawing.diagram.boxes]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9-]+", key) for key in keys)
    assert 'a<b>&"c"\'' in [part.text for part in parts(drawing.svg, "name")]
    assert drawing.html.count("<script>") == 1  # its own
    seen = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attrs: seen.append((tag, dict(attrs).get("id")))
    reader.feed(drawing.html)
    ids = [name for _, name in seen if name]
    assert len(set(ids)) == len(ids)
    assert re.sub(r'\\.|"[^"\\]*(\\.[^"\\]*)*"', "", drawing.dot).count('"') == 0
    assert all(line.count('"') % 2 == 0 for line in drawing.mermaid.splitlines())


def test_a_single_node_and_several_results_and_a_shared_parameter():
    x = Input("x")
    assert boxes(mf.draw(x).svg) == {"x": ["box", "input"]}
    W = Parameter(np.ones((2, 2)), "W")
    first, second = mf.MatMul(x, W), mf.MatMul(Tanh(x), W)
    drawing = mf.draw(Program([first, second]))
    assert [box.is_output for box in drawing.diagram.boxes if box.operation == "MatMul"] == [True, True]
    assert sum(edge.source == "w" for edge in drawing.diagram.edges) == 2


def test_kinds_are_told_by_their_forms():
    """Without colours: the outlines differ."""
    rect = Rect(0, 0, 100, 40)
    outlines = {outline(kind, rect) for kind in ("input", "parameter", "operation", "cost")}
    assert len(outlines) == 4
    assert "stroke-dasharray" in re.search(r"\.constant \.outline \{([^}]*)\}", svg.styles())[1]


def test_a_picture_speaks_to_those_who_do_not_see_it():
    cost, feed = lesson()
    picture = ET.fromstring(mf.draw(cost, feed).svg)
    space = "{http://www.w3.org/2000/svg}"
    assert picture.find(f"{space}title").text == "MSE"
    assert picture.find(f"{space}desc").text.startswith("A graph of 4 inputs, 2 operations, 1 cost")
    for part in picture.iter():
        if "box" in part.get("class", "").split():
            assert (part.get("tabindex"), part.get("role")) == ("0", "img")
            assert part.get("aria-label") == part.find(f"{space}title").text
    words = next(part.get("aria-label") for part in picture.iter() if part.get("data-key") == "linear1")
    assert words.startswith("operation linear1 = Linear(X, W, b), (2, 1) float64, value 0; 2, gradient 0.125; −0.01252")


@pytest.mark.parametrize("dark", [False, True])
def test_texts_can_be_read(dark):
    """Contrast of at least 4.5, as WCAG 2 has it, on paper, in a box, and in one with the deepest shade."""
    light, night = colours().split("@media screen")
    found = dict(re.findall(r"--(\w+): (#\w{6})", night if dark else light))
    shade = mixed(found["card"], found["c1"], 0.4)
    for text, ground in [
        *((found[text], found[ground]) for text in ("ink", "soft", "poor") for ground in ("paper", "card")),
        (found["ink"], shade),
    ]:
        assert contrast(text, ground) >= 4.5, (text, ground)
    for line in ("c0", "c1", "c2", "c3", "c5", "soft"):  # what is no text
        assert contrast(found[line], found["paper"]) >= 3


def test_shading_and_notes_are_told_by_more_than_colour():
    cost, _ = lesson()
    drawing = mf.draw(cost, shading={"linear1": 1.0, "mse1": 0.25}, notes={"linear1": "1.2 ms"})
    assert {key for key, classes in boxes(drawing.svg).items() if "shaded" in classes} == {"linear1", "mse1"}
    foot = {part.get("width") for part in parts(drawing.svg, "shade") if part.get("height") == "3"}
    assert len(foot) == 2
    assert "1.2 ms" in [part.text for part in parts(drawing.svg, "noted")]


def test_a_key_that_nothing_has_is_told():
    cost, _ = lesson()
    for name in ("shading", "notes"):
        with pytest.raises(SettingError, match=rf"draw, {name}: nothing has the key 'linear'"):
            mf.draw(cost, **{name: {"linear": 1}})


# -- layers


def test_a_layer_is_a_group_with_the_parameters_that_nobody_else_reads():
    model = Sequential([Dense(3, 4, ReLU, name="hidden"), Dense(4, 2, name="out")], seed=0)
    x, y = Input("x"), Input("y")
    drawing = mf.draw(mf.MSE(y, model(x)))
    assert drawing.diagram.groups == (
        Group("layer-sequential", "Sequential", "Sequential"),
        Group("layer-hidden", "hidden", "Dense", "layer-sequential"),
        Group("layer-out", "out", "Dense", "layer-sequential"),
    )
    inside = {name: box.group for name, box in by_name(drawing).items()}
    assert inside == {
        **dict.fromkeys(["x", "y", "mse1"]),
        **dict.fromkeys(["hidden", "hidden weights", "hidden biases", "relu1"], "layer-hidden"),
        **dict.fromkeys(["out", "out weights", "out biases"], "layer-out"),
    }
    assert "weights" in [part.text for part in parts(drawing.svg, "name")]  # the frame says of which layer


def test_parameters_of_a_layer_that_is_called_twice_stand_outside_of_both():
    layer = Dense(2, 2, name="twice")
    drawing = mf.draw(layer(layer(Input("x"))))
    assert [group.name for group in drawing.diagram.groups] == []  # one box each, without their Parameters
    assert sum(edge.source == "twice-weights" for edge in drawing.diagram.edges) == 2


def test_a_layer_with_a_mask_and_a_context_is_a_group_too():
    attention = mf.MultiHeadAttention(4, 2, name="attention")
    x, context = Input("x"), Input("context")
    node = attention(x, context=Tanh(context))
    groups = {box.name: box.group for box in mf.draw(mf.Neg(node)).diagram.boxes}
    assert groups["attention query"] == groups["attention heads"] == "layer-attention"
    assert groups["tanh1"] is None


def test_a_copy_and_a_pickle_have_the_groups_of_the_original():
    model = Sequential([Dense(2, 2), ReLU, Dense(2, 2)], seed=0)
    node = mf.Neg(model(Input("x")))
    for other in (copy.deepcopy(node), pickle.loads(pickle.dumps(node))):
        assert mf.draw(other).diagram.groups == mf.draw(node).diagram.groups != ()


def test_a_model_is_drawn_and_fed_an_array():
    model = Sequential([Dense(3, 4, ReLU), Dense(4, 2)], seed=0)
    assert by_name(mf.draw(model))["dense_1"].shape is None
    assert by_name(mf.draw(model, np.ones((5, 3), "float32")))["dense_1"].shape == (5, 4)


def test_groups_that_would_stand_in_a_circle_are_left_out():
    """Of two layers each reads what the other made: neither can be one box."""

    class Woven(Layer):
        def __init__(self, name, seen):
            super().__init__(name)
            self.seen = seen

        def build(self, x, training):
            self.seen.append(Tanh(x))
            return Sigmoid(self.seen[-1])

    seen = []
    x = Input("x")
    first = Woven("first", seen)(x)
    between = ReLU(seen[0])
    seen[0].part_of, between.part_of = first.part_of, ()
    last = first + between
    last.part_of = first.part_of
    drawing = mf.draw(mf.Neg(last))
    assert drawing.diagram.groups == ()
    assert len(boxes(drawing.svg)) == 6


# -- large graphs


def test_more_than_200_boxes_fold_by_themselves():
    drawing = PICTURES["transformer"]
    assert len(drawing.diagram.boxes) == 260
    assert [classes[1] for classes in boxes(drawing.svg).values()] == ["input", *["group"] * 9]
    whole = mf.draw(MADE["Sequential"]([MADE["Block"](8, 2) for _ in range(8)]), fold=False)
    assert len(boxes(whole.svg)) == len(whole.diagram.boxes)
    assert len(boxes(mf.draw(MADE["Block"](8, 2), fold=True).svg)) < 10


def test_without_layers_a_large_graph_is_cut_where_few_values_pass():
    x = Input("x")
    node = x
    for _ in range(40):  # in each round four values live side by side, and one between the rounds
        node = (Tanh(node) + Sigmoid(node)) * (Tanh(node) - Sigmoid(node))
    drawing = mf.draw(node)
    assert len(drawing.diagram.boxes) == 281
    assert len(boxes(drawing.svg)) <= CLEAR
    between = [
        edge for edge in drawing.diagram.edges if group_of(drawing, edge.source) != group_of(drawing, edge.target)
    ]
    sources = {edge.source for edge in between}
    assert len(sources) == len(drawing.diagram.groups)  # one value between neighbours, and x


def group_of(drawing, key):
    return next(box.group for box in drawing.diagram.boxes if box.key == key)


def test_parts_of_a_very_large_graph_are_parts_of_parts():
    def long(x):
        xp = array_namespace(x)
        for _ in range(500):
            x = xp.tanh(x) * 0.5
        return x

    drawing = mf.draw(long, np.ones(3))
    assert len(drawing.diagram.boxes) == 1501
    assert len(boxes(drawing.svg)) <= CLEAR
    assert any(group.parent for group in drawing.diagram.groups)


def test_each_group_can_be_folded_and_unfolded_from_where_it_is_seen():
    few, many = PICTURES["digits"], PICTURES["transformer"]
    assert len(foldings(few.diagram, few.folded)) == 2 ** len(few.diagram.groups)
    for drawing in (few, many):
        ways = foldings(drawing.diagram, drawing.folded)
        assert set().union(*ways) == {group.key for group in drawing.diagram.groups}  # each is folded somewhere
        for closed, changes in ways.items():
            assert all((key in closed) != (key in change) for key, change in changes.items())
            assert set(changes.values()) <= ways.keys()


# -- places


def random_diagram(seed, count=40):
    """Boxes with random edges, some of them in groups of neighbours, which no circle leads through."""
    draw = random.Random(seed)
    pairs = {tuple(sorted(draw.sample(range(count), 2))) for _ in range(60)}
    groups = [Group(f"g{n}", f"g{n}", "part", f"g{n - 1}" if n % 2 else None) for n in range(4)]
    inside = {n: f"g{min(n // 6, 3)}" if n < 24 else None for n in range(count)}
    sizes = [(draw.randrange(9),) * draw.randrange(4) for _ in range(count)]
    found = [Box(f"b{n}", f"b{n}" * (n % 4 + 1), "op", "operation", sizes[n], group=inside[n]) for n in range(count)]
    return Diagram(tuple(found), tuple(Edge(f"b{a}", f"b{b}") for a, b in sorted(pairs)), tuple(groups))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("closed", [(), ("g1",), ("g0", "g2")])
def test_nothing_of_a_random_graph_lies_on_anything_else(seed, closed):
    check_places(random_diagram(seed), closed)


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_in_the_pictures_lies_on_anything_else(name):
    drawing = PICTURES[name]
    for closed in list(foldings(drawing.diagram, drawing.folded))[:9]:
        check_places(drawing.diagram, closed)


def check_places(diagram, closed):
    """No box touches another one, all lie in their frames, and edges lead down and through no other box."""
    scene = scene_of(diagram, closed, {key: card.size for key, card in svg.cards_of(diagram, {}).items()})
    things = scene.things
    for (_, a), (_, b) in combinations(things.items(), 2):
        assert a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
    groups = {group.key: group.parent for group in diagram.groups}
    around = {box.key: box.group for box in diagram.boxes} | groups
    for key, rect in [*things.items(), *scene.frames.items()]:
        frame = scene.frames.get(around[key])
        if frame is not None:
            assert frame.x <= rect.x < rect.x + rect.width <= frame.x + frame.width
            assert frame.y <= rect.y < rect.y + rect.height <= frame.y + frame.height
    for (edge, points), end in zip(scene.edges, ends_of(scene), strict=True):
        source = things[edge.source]
        start, top = (source.middle, source.y + source.height), (end[0], scene.tops[edge.target])
        for (ax, ay), (bx, by) in pairwise([start, *points, top, end]):
            assert by >= ay - 0.01
            for part in np.linspace(0.05, 0.95, 19):  # of the curve that is drawn
                x = ax + (bx - ax) * part**2 * (3 - 2 * part)
                y = ay + (by - ay) * (1.5 * part * (1 - part) + part**3)
                inside = [k for k, r in things.items() if 1 < x - r.x < r.width - 1 and 1 < y - r.y < r.height - 1]
                assert set(inside) <= {edge.source, edge.target}


def test_the_same_graph_gives_the_same_bytes_in_another_process(run_python):
    program = (
        "import hashlib, runpy; made = runpy.run_path({!r})['drawings'](); "
        "print(hashlib.sha256(''.join(d.html + d.dot + d.mermaid for d in made.values()).encode()).hexdigest())"
    ).format(str(ROOT / "docs" / "pictures" / "make.py"))
    words = "".join(drawing.html + drawing.dot + drawing.mermaid for drawing in PICTURES.values())
    assert run_python(program, PYTHONHASHSEED="1").stdout.strip() == sha256(words.encode()).hexdigest()


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_docs_are_what_the_command_makes(name):
    kept = (ROOT / "docs" / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    assert kept == PICTURES[name].svg


# -- functions


def loss(p, x, y=0.0):
    xp = array_namespace(x)
    return xp.mean((p["a"] * xp.exp(-x) - y) ** 2)


def test_a_function_is_drawn_as_its_equations():
    drawing = mf.draw(loss, {"a": np.array(1.5)}, np.linspace(0, 1, 5), np.ones(5))
    assert [(box.name, box.kind) for box in drawing.diagram.boxes if box.kind != "operation"] == [
        ("p['a']", "input"),
        ("x", "input"),
        ("y", "input"),
        ("2", "constant"),
    ]
    formulas = [box.formula for box in drawing.diagram.boxes if box.kind == "operation"]
    assert formulas[:3] == ["negative(x)", "exp(negative1)", "multiply(p['a'], exp1)"]
    assert [box.name for box in drawing.diagram.boxes if box.is_output] == ["mean1"]
    assert drawing.title == "loss"
    again = mf.draw(mf.jit(loss), {"a": np.array(1.5)}, np.linspace(0, 1, 5), np.ones(5))
    assert again.diagram == drawing.diagram


def test_functions_on_every_backend_have_the_same_equations(backend):
    arrays = [mf.get_backend().asarray(np.ones(3), "float32") for _ in range(2)]
    drawing = mf.draw(mf.value_and_grad(loss), {"a": arrays[0]}, arrays[1])
    assert [box.operation for box in drawing.diagram.boxes if box.is_output]
    assert {box.dtype for box in drawing.diagram.boxes if box.kind == "operation"} == {"float32"}


def test_a_function_may_be_given_none():
    def scaled(scale, x):
        return x if scale is None else scale * x

    drawing = mf.draw(lambda scale, x: scaled(scale, 2.0 * x), None, np.ones(3))
    assert [box.operation for box in drawing.diagram.boxes if box.is_output] == ["multiply"]


def test_a_number_that_many_read_is_a_box_of_each():
    drawing = mf.draw(lambda x: 2.0 * x + 2.0, np.ones(3))
    assert [box.name for box in drawing.diagram.boxes if box.kind == "constant"] == ["2.0", "2.0"]


def test_a_function_that_cannot_be_recorded_is_told():
    with pytest.raises(JitError, match=r"xp\.where"):
        mf.draw(lambda x: x if x[0] > 0 else -x, np.ones(3))
    with pytest.raises(SettingError, match="it gave no array"):
        mf.draw(lambda: None)
    with pytest.raises(SettingError, match=r"missing a required argument: 'p'.*Write draw\(f, x\)"):
        mf.draw(mf.jit(loss))


# -- files


@pytest.mark.parametrize(
    ("end", "start"),
    [
        ("svg", b"<svg "),
        ("html", b"<!doctype html>"),
        ("dot", b'digraph "MSE" {'),
        ("mmd", b'---\ntitle: "MSE"\n---\nflowchart TD'),
        ("PNG", b"\x89PNG"),
    ],
)
def test_the_end_of_the_name_says_the_form(tmp_path, end, start):
    if end == "PNG":
        pytest.importorskip("resvg_py")
    cost, feed = lesson()
    mf.draw(cost, feed).save(tmp_path / f"graph.{end}")
    assert (tmp_path / f"graph.{end}").read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["graph.gif", "graph", "no/folder/graph.svg"])
def test_a_file_that_cannot_be_written_is_told(tmp_path, name):
    with pytest.raises(SettingError, match="Choose another"):
        mf.draw(Input("x")).save(tmp_path / name)


def test_without_the_extra_there_are_dot_and_mermaid(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "fast_sugiyama", None)
    cost, _ = lesson()
    drawing = mf.draw(cost)
    drawing.save(tmp_path / "graph.dot")
    drawing.save(tmp_path / "graph.mmd")
    for what in (lambda: drawing.svg, lambda: drawing.html, lambda: drawing.save(tmp_path / "graph.png")):
        with pytest.raises(PackageMissingError, match=r"miniflow_xp\[draw\]"):
            what()


def test_groups_are_clusters_in_dot_and_subgraphs_in_mermaid():
    drawing = PICTURES["digits"]
    assert re.findall(r'subgraph "cluster_(.*?)" \{ label="(.*?)"', drawing.dot) == [
        ("layer-sequential", "Sequential"),
        ("layer-dense-1", "dense_1 · Dense"),
        ("layer-dropout-1", "dropout_1 · Dropout"),
        ("layer-dense-2", "dense_2 · Dense"),
    ]
    assert drawing.dot.count("{") == drawing.dot.count("}")
    assert re.findall(r"subgraph (\w+)", drawing.mermaid)[:2] == ["n_layer_sequential", "n_layer_dense_1"]
    assert len(re.findall(r"^ *end$", drawing.mermaid, re.MULTILINE)) == 4
    assert '"layer-block-1" [label="block_1 · Block", shape=folder];' in PICTURES["transformer"].dot


def test_a_notebook_shows_the_picture():
    drawing = mf.draw(Input("x"))
    assert drawing._repr_mimebundle_(include=None, exclude=None) == {
        "image/svg+xml": drawing.svg,
        "text/plain": "<Drawing of x: 1 boxes, 0 edges>",
    }


def test_importing_the_package_imports_no_layout(run_python):
    program = (
        "import sys, miniflow_xp; miniflow_xp.draw; print('fast_sugiyama' in sys.modules, 'resvg_py' in sys.modules)"
    )
    assert run_python(program).stdout == "False False\n"
