"""steps: what a pass did, node by node, with numbers, formulas and verdicts; nothing stays changed on the nodes."""

import inspect
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from array_api_compat import array_namespace
from lesson_networks import learners_network, lesson_network, lesson_training_network, planted

import miniflow_xp as mf
from miniflow_xp import (
    MSE,
    Adam,
    Add,
    CrossEntropy,
    Dense,
    Dropout,
    Input,
    Linear,
    LogSoftmax,
    Mul,
    Node,
    Parameter,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    Trainer,
    as_node,
    forward_and_backward,
    steps,
    to_numpy,
    topological_sort,
)
from miniflow_xp.errors import (
    CostError,
    FeedError,
    GraphError,
    NoGradientError,
    NotInGraphError,
    SettingError,
    UnfedError,
)
from miniflow_xp.stepping.verdicts import ATOL, RTOL


def by_kind(found, kind):
    """The backward step of the only node of this kind."""
    return next(step for step in found.record.backward if step.node.kind == kind)


# The record


def test_the_record_holds_what_forward_and_backward_leaves_on_the_nodes(backend):
    cost, feed = lesson_network()
    found = steps(cost, feed)
    graph = topological_sort(feed)
    forward_and_backward(graph)
    assert [step.node for step in found.record.forward] == [n for n in graph if not isinstance(n, Input)]
    for step in found.record.forward:
        np.testing.assert_array_equal(step.value, to_numpy(step.node.value))
    for step in found.record.backward:
        for inbound, array in step.handed:
            np.testing.assert_array_equal(array, to_numpy(step.node.gradients[inbound]))
        if isinstance(step.node, Input):
            np.testing.assert_array_equal(step.whole, to_numpy(step.node.gradients[step.node]))
    assert [step.node for step in found.record.backward] == graph[::-1]


def test_gradients_that_arrive_on_several_paths_are_told_apart_and_summed(backend):
    x = Input("x")
    left, right = Mul(x, 2, name="left"), Mul(x, 3, name="right")
    found = steps(Add(left, right, name="sum"), {x: 7.0})
    leaf = found.record.backward[-1]
    assert {node.name: float(array) for node, array in leaf.arrived} == {"left": 2, "right": 3}
    assert float(leaf.gradient) == 5
    assert "∂x through left" in str(found)
    assert "sum  ∂x" in str(found)


def test_nothing_stays_changed_on_the_nodes(backend):
    cost, feed = learners_network()
    graph = topological_sort(feed)
    forward_and_backward(graph)
    before = [(node, dict(vars(node)), dict(node.gradients)) for node in graph]
    steps(graph)
    steps(cost, {node: np.asarray(to_numpy(node.value)) + 1 for node in feed})
    for node, state, gradients in before:
        assert vars(node).keys() == state.keys()
        assert all(vars(node)[name] is value for name, value in state.items())
        assert dict(node.gradients).keys() == gradients.keys()


def test_a_trainer_goes_on_as_if_nothing_had_been():
    def trained(look):
        x, y = Input("x"), Input("y")
        model = Sequential([Dense(2, 3), Tanh, Dropout(0.5), Dense(3, 1)], seed=0)
        trainer = Trainer(MSE(y, model(x)), Adam(0.1))
        feed = {x: [[1.0, 2.0], [0.0, 1.0]], y: [[1.0], [0.0]]}
        costs = []
        for _ in range(3):
            costs.append(float(trainer.step(feed)))
            if look:
                assert steps(trainer.cost, feed).wrong == []
        return costs

    assert trained(look=True) == trained(look=False)


def test_nothing_stays_changed_where_a_node_raises():
    class Fails(Node):
        def forward(self):
            self.value = self.inbound_nodes[0].value * 1

        def backward(self):
            raise KeyError("planted")

    x, y = Input("x"), Input("y")
    cost = MSE(y, Fails([x]))
    graph = topological_sort({x: [1.0], y: [2.0]})
    with pytest.raises(KeyError, match="planted"):
        steps(graph)
    assert cost.value is None
    assert x.value == [1.0]


def test_the_arrays_are_copies_that_cannot_be_written_to():
    x = Input("x")
    array = np.array([1.0, 2.0])
    found = steps(MSE(Mul(x, x), x), {x: array})
    array[:] = 0
    assert found.record.feed[x].tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        found.record.feed[x][0] = 5


def test_what_is_not_wanted_is_not_walked():
    cost, feed = lesson_network()
    weights = next(node for node in feed if node.name == "W")
    found = steps(cost, feed, wrt=[weights])
    assert [str(step.node.name or step.node.kind) for step in found.record.backward] == [
        "MSE",
        "Sigmoid",
        "Linear",
        "W",
    ]
    assert [node.name for node, _ in by_kind(found, "Linear").handed] == ["W"]


def test_of_a_graph_with_parameters_these_are_walked():
    x, y, w = Input("x"), Input("y"), Parameter([[2.0]], "w")
    found = steps(MSE(y, Linear(x, w, Parameter([0.0], "b"))), {x: [[1.0]], y: [[1.0]]})
    assert {step.node.name for step in found.record.backward if isinstance(step.node, Input)} == {"w", "b"}


def test_a_graph_without_a_cost_is_walked_forward_only():
    x = Input("x")
    found = steps(Sigmoid(x), {x: [0.0, 1.0]})
    assert found.record.backward == []
    assert "end the graph with a loss" in str(found)
    with pytest.raises(CostError):
        steps(Sigmoid(x), {x: [0.0, 1.0]}, wrt=[x])


def test_a_column_of_the_lesson_is_kept_and_right(backend):
    y, a = Input("y"), Input("a")
    found = steps(MSE(y, a), {y: np.array([1, 2, 3]), a: np.array([4.5, 5, 10])})
    leaf = next(step for step in found.record.backward if step.node is y)
    assert leaf.whole.shape == (3, 1)
    assert found.wrong == []


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: steps(5), NotInGraphError),
        (lambda x: steps([]), NotInGraphError),
        (lambda x: steps(x, {x: [1.0]}), GraphError),
        (lambda x: steps(Mul(x, x)), UnfedError),
        (lambda x: steps(Mul(x, x), [1.0]), FeedError),
        (lambda x: steps(Mul(x, x), {x: 1.0, Input(): 2.0}), NotInGraphError),
        (lambda x: steps(Mul(x, x), {x: 1.0}, wrt=[Input()]), NoGradientError),
    ],
)
def test_what_cannot_be_walked_is_an_error(call, error):
    with pytest.raises(error):
        call(Input("x"))


# Verdicts


def test_all_nodes_of_right_networks_are_right(backend):
    for network in (lesson_network, learners_network):
        found = steps(*network())
        assert {verdict.word for verdict in found.verdicts.values()} == {"right"}
        assert found.wrong == []


@pytest.mark.parametrize("fault", planted)
def test_a_planted_fault_is_found_with_the_element_and_the_right_number(backend, fault):
    cost, feed = learners_network(fault)
    right_cost, right_feed = learners_network()
    found, right = steps(cost, feed), steps(right_cost, right_feed)
    node = next(step.node for step in found.record.backward if step.node.kind == fault)
    verdict = found.verdicts[node]
    assert verdict.word == "wrong"
    handed = dict(by_kind(found, fault).handed)
    # the right network hands on the right numbers, as all behind the fault is right
    true = {n.name: array for n, array in by_kind(right, fault).handed}
    for one in verdict.wrong:
        assert one.got == pytest.approx(handed[one.node][one.place], rel=1e-12)
        assert one.expected == pytest.approx(true[one.node.name][one.place], rel=1e-6)
        assert f"{one.got:.10g}" in str(found)
    off = {(n.name, p) for n, a in handed.items() for p in np.ndindex(a.shape) if not np.isclose(a[p], true[n.name][p])}
    assert {(one.node.name, one.place) for one in verdict.wrong} == off
    others = [n for n, v in found.verdicts.items() if v.word == "wrong" and not isinstance(n, Input)]
    assert others == [node]


def test_a_fault_that_this_gradient_does_not_show_is_found():
    class Half(Tanh):
        def vjp(self, xp, gradient, value, x):
            return (lambda: xp.where(gradient == 0, gradient, gradient * (1 - value * value) / 2),)

    x, y = Input("x"), Input("y")
    found = steps(MSE(y, Half(x)), {x: [0.0], y: [0.0]})
    verdict = found.verdicts[by_kind(found, "Half").node]
    assert verdict.word == "wrong"
    assert "Right here, but not where another gradient arrives: " in str(found).replace("\n        ", " ")
    assert all(not handed.gradient.wrong for step in found.told for handed in step.handed)  # these numbers are right


class Choosy(Node):
    """x, by a rule that raises where the node is not read as in its graph, or where its input is moved."""

    def __init__(self, x, what):
        super().__init__([x], name="choosy")
        self.what = what

    def forward(self):
        (x,) = self.inbound_nodes
        if self.what == "forward" and abs(x.value - 0.5) > 1e-9:
            raise ValueError("planted")
        self.value = x.value * 1.0

    def backward(self):
        if self.what == "backward" and self.outbound_nodes[0].kind != "Add":
            raise ValueError("planted")
        (x,) = self.inbound_nodes
        self.gradients = {x: sum(n.gradients[self] for n in self.outbound_nodes)}


@pytest.mark.parametrize("what", ["forward", "backward"])
def test_a_node_that_raises_when_it_is_run_alone_leaves_the_others_as_they_were(what):
    x = Input("x")
    choosy = Choosy(x, what)
    cost = Add(choosy, x, name="cost")
    found = steps(cost, {x: np.asarray(0.5)})
    assert found.verdicts[choosy].word == "unchecked"
    assert "planted" in found.verdicts[choosy].why
    assert found.verdicts[cost].word == "right"
    assert found.verdicts[x].word == ("right" if what == "backward" else "unchecked")
    assert found.record.taken(cost).value == 1.0


def test_gradients_that_are_added_up_wrongly_are_found_at_the_leaf():
    class OneReader(Node):
        def forward(self):
            self.value = 2 * self.inbound_nodes[0].value

        def backward(self):
            reader = self.outbound_nodes[0]  # and no other
            self.gradients = {self.inbound_nodes[0]: 2 * reader.gradients[self]}

    x = Input("x")
    twice = OneReader([x])
    found = steps(Add(Mul(twice, 3), Mul(twice, 5)), {x: 1.0})
    assert found.wrong == [x]
    assert "Each node alone is right" in str(found)


def test_an_input_that_is_forgotten_is_told(backend):
    class Forgets(Node):
        def forward(self):
            a, b = self.inbound_nodes
            self.value = a.value + b.value

        def backward(self):
            self.gradients = {self.inbound_nodes[0]: self.outbound_nodes[0].gradients[self]}

    a, b, y = Input("a"), Input("b"), Input("y")
    node = Forgets([a, b], name="f")
    found = steps(MSE(y, node), {a: [1.0], b: [2.0], y: [0.0]})
    assert found.wrong == [node, b]
    assert "∂b[0] is 0, and central differences give 6" in str(found)


def test_a_gradient_of_another_size_is_told():
    class Transposed(Node):
        def forward(self):
            self.value = self.inbound_nodes[0].value.sum()

        def backward(self):
            self.gradients = {self.inbound_nodes[0]: np.ones((3, 3))}

    x = Input("x")
    found = steps(Transposed([x]), {x: np.ones((2, 3))})
    assert "It hands on a gradient of shape (3, 3), and the value there has shape (2, 3)." in str(found)


def test_a_kink_is_not_called_wrong(backend):
    x, y = Input("x"), Input("y")
    found = steps(MSE(y, ReLU(x)), {x: [0.0, 1.0, -1.0], y: [1.0, 1.0, 1.0]})
    assert found.wrong == []
    assert "One element stands at a kink" in str(found)


def test_a_wrong_gradient_at_a_kink_is_called_wrong():
    class Bent(ReLU):
        def vjp(self, xp, gradient, value, x):
            return (lambda: xp.where(x <= 0, gradient * 2, gradient),)

    x, y = Input("x"), Input("y")
    found = steps(MSE(y, Bent(x)), {x: [0.0], y: [1.0]})
    assert found.verdicts[by_kind(found, "Bent").node].word == "wrong"


def test_of_large_inputs_some_elements_are_tried_and_it_says_so():
    draw = np.random.default_rng(0).standard_normal
    x, w, b, y = (Input(name) for name in "xwby")
    feed = {x: draw((20, 30)), w: draw((30, 10)), b: draw(10), y: draw((20, 10))}
    text = str(steps(MSE(y, Linear(x, w, b)), feed))
    assert "Right: central differences agree at the 210 elements of 910 that were tried." in text
    assert "Right: central differences agree at the 100 elements of 300 that were tried." in text
    assert "Right: central differences agree." in text  # of the biases


def test_where_nothing_can_be_checked_it_says_why():
    x, y = Input("x"), Input("y")
    with np.errstate(all="ignore"):
        found = steps(MSE(y, as_node(lambda x: x / x)(x)), {x: [0.0], y: [1.0]})
    assert {verdict.word for verdict in found.verdicts.values()} == {"unchecked"}
    assert "nan" in str(found)


def test_the_check_can_be_left_out():
    cost, feed = learners_network("Sigmoid")
    found = steps(cost, feed, check=False)
    assert found.verdicts == {}
    assert "central differences" not in str(found)


# Formulas with numbers


def test_the_text_of_the_lessons_network():
    cost, feed = lesson_network()
    text = str(steps(cost, feed))
    for line in [
        "linear1 = X @ W + b",
        "linear1[0, 0] = (-1)·2 + (-2)·3 + (-3) = -11",
        "sigmoid1 = 1 / (1 + exp(-linear1))",
        "sigmoid1[0, 0] = 1 / (1 + exp(-(-11))) = 1.67e-05",
        "mse1 = mean((y - sigmoid1)²)",
        "mse1 = ((1 - 1.67e-05)² + (2 - 1.67e-05)²) / 2 = 2.5",
        "begins with  ∂mse1  () float64  1",
        "∂sigmoid1 = -2/n · (y - sigmoid1) · ∂mse1",
        "∂sigmoid1[0, 0] = -2/2 · (1 - 1.67e-05) · 1 = -1",
        "∂linear1[0, 0] = (-1) · 1.67e-05 · (1 - 1.67e-05) = -1.67e-05",
        "∂W = Xᵀ @ ∂linear1",
        "∂W[0, 0] = (-1)·(-1.67e-05) + (-1)·(-3.34e-05) = 5.01e-05",
        "∂b = Σ ∂linear1, over the rows",
    ]:
        assert line in text, line


def test_a_learners_class_has_the_formula_of_ours_where_its_value_is_the_same():
    class Sigmoid(Node):  # another function with this name
        """x + 1, and no sigmoid."""

        def forward(self):
            self.value = self.inbound_nodes[0].value + 1

        def backward(self):
            self.gradients = {self.inbound_nodes[0]: self.outbound_nodes[0].gradients[self] * 1}

    x, y = Input("x"), Input("y")
    other = str(steps(MSE(y, Sigmoid([x], name="s")), {x: [1.0], y: [1.0]}))
    assert "exp" not in other
    assert "s = Sigmoid(x), where Sigmoid is x + 1, and no sigmoid" in other
    assert "s = Sigmoid([1]) = [2]" in other
    assert "1 / (1 + exp(-" in str(steps(*learners_network()))


def shapes(kind, *inputs):
    """The steps of the mean of a node's square, for inputs of these shapes."""
    draw = np.random.default_rng(0).uniform(0.5, 2, 100)
    leaves = [Input(f"x{n}") for n in range(len(inputs))]
    node = kind(*leaves, name="f")
    feed = {leaf: np.resize(draw * (n + 1), shape) for n, (leaf, shape) in enumerate(zip(leaves, inputs, strict=True))}
    return steps(as_node(lambda x: (x * x).sum())(node), feed, wrt=leaves)


def of_array(function):
    """Makes the node of a function of the Array API."""

    def node(*leaves, name):
        made = function(array_namespace(leaves[0]), *leaves)
        made.name = name
        return made

    return node


VALUED = {
    "Linear": (Linear, (2, 3), (3, 2), (2,)),
    "Linear of a vector": (Linear, (3,), (3,), ()),
    "Linear of one example": (Linear, (3,), (3, 2), (2,)),
    "Linear of one column": (Linear, (2, 3), (3,), ()),
    "Add, broadcast": (Add, (2, 3), (3,), ()),
    "Mul, broadcast": (Mul, (2, 1), (2, 3), (3,)),
    "Mul": (Mul, (2,), (2,)),
    "Tanh": (Tanh, (2, 2)),
    "ReLU": (ReLU, (3,)),
    "MSE": (MSE, (3,), (3, 1)),
    "Softmax": (Softmax, (2, 3)),
    "CrossEntropy": (lambda x, name: CrossEntropy(Parameter([1, 0], "y", dtype=int), x, name=name), (2, 3)),
    "a sum": (of_array(lambda xp, x: xp.sum(x)), (2, 2)),
    "a mean": (of_array(lambda xp, x: xp.mean(x)), (2, 2)),
    "a product": (of_array(lambda xp, x, y: xp.matmul(x, y)), (2, 3), (3, 2)),
    "a quotient": (of_array(lambda xp, x, y: x / y), (2, 2), (2,)),
    "a quotient by a number": (of_array(lambda xp, x: x / 4), (3,)),
    "a number through": (of_array(lambda xp, x: 4 / x), (3,)),
    "a power": (of_array(lambda xp, x: x**3), (3,)),
    "powers": (of_array(lambda xp, x, y: x**y), (3,), (3,)),
    **{name: (of_array(lambda xp, x, name=name: getattr(xp, name)(x)), (3,)) for name in ("exp", "log", "sqrt", "sin")},
    **{name: (of_array(lambda xp, x, name=name: getattr(xp, name)(x)), (3,)) for name in ("log1p", "cos", "tanh")},
}


@pytest.mark.parametrize("case", VALUED)
def test_the_numbers_in_a_formula_give_its_result(case):
    """Each line with numbers is computed by Python, and is what it says, to the four digits that it shows."""
    kind, *inputs = VALUED[case]
    found = shapes(kind, *inputs)
    scope = {name: getattr(np, name) for name in ("exp", "log", "tanh", "sin", "cos")} | {"max": max}
    lines = [
        line
        for step in found.told
        for line in (*step.lines, *(text for handed in step.handed for text in handed.lines))
        if "function" not in step.title and "more" not in line and line.count(" = ") == 2
    ]
    assert len(lines) >= (1 if case == "a sum" else 2)  # whose gradient is handed on as it came
    for line in lines:
        _, formula, result = line.split(" = ")
        code = formula.replace("·", "*").replace("²", "**2").replace("^", "**")
        code = re.sub(r"√([\d.]+)", r"\1**0.5", code)
        assert eval(code, scope) == pytest.approx(float(result), rel=5e-3, abs=5e-3), line


def test_other_nodes_have_the_first_line_of_their_docstring():
    x, y = Input("x"), Input("y")
    text = str(steps(MSE(y, LogSoftmax(x, name="p")), {x: [0.0, 0.0], y: [1.0, 0.0]}))
    assert "p = LogSoftmax(x), where LogSoftmax is x - log Σ eˣ along axis, never overflowing" in text
    assert "p = LogSoftmax([0, 0]) = [-0.6931, -0.6931]" in text
    assert "∂x = ∂p · ∂p/∂x" in text


def test_large_arrays_are_shown_by_range_and_first_numbers():
    x = Input("x")
    text = str(steps(MSE(Mul(x, x), x), {x: np.arange(10000.0).reshape(100, 100)}))
    assert "x  (100, 100) float64, min 0, mean 5000, max 9999" in text
    assert max(map(len, text.splitlines())) < 160
    assert "and 9997 more alike" in text


def test_a_large_array_of_nan_alone_is_told():
    x = Input("x")
    assert "x  (20, 20) float64, 400 NaN" in str(steps(Tanh(x), {x: np.full((20, 20), np.nan)}))


# Page and files (what a browser makes of the page: test_steps_browser.py)


def test_the_page_of_the_lessons_network_is_small_and_needs_no_network():
    html = steps(*lesson_training_network()).html
    assert len(html.encode()) < 500_000
    assert not re.findall(r'(?:src|href)="(?!#|data:)', html)
    assert "default-src 'none'" in html


def test_the_five_lines_of_the_documentation_write_the_page(run_python, tmp_path, monkeypatch):
    page = Path(__file__).resolve().parent.parent / "docs" / "steps.md"
    program = page.read_text(encoding="utf-8").partition("```py\n")[2].partition("```")[0]
    assert len(list(filter(None, program.splitlines()))) == 5
    monkeypatch.chdir(tmp_path)
    run_python(program)
    assert "linear1 = X @ W + b" in (tmp_path / "lesson.html").read_text(encoding="utf-8")


def test_texts_of_the_user_are_escaped():
    class Odd(Sigmoid):
        """<b>bold</b>"""

        def backward(self):
            super().backward()  # </script><script>alert(1)</script>

    x, y = Input("<i>x</i> & \"'"), Input("</style><script>alert(2)</script>")
    html = steps(MSE(y, Odd(x)), {x: [1.0], y: [1.0]}).html
    for text in ("<i>", "<b>bold", "alert(1)</script>", "<script>alert", "</style><script>alert"):
        assert text not in html


def test_a_notebook_shows_the_page_in_a_frame():
    found = steps(*lesson_network())
    bundle = found._repr_mimebundle_()
    assert bundle["text/plain"] == str(found)
    assert unescape(re.search(r'srcdoc="([^"]*)"', bundle["text/html"])[1]) == found.html


def test_saved_as_page_and_as_text(tmp_path):
    found = steps(*lesson_network())
    found.save(tmp_path / "lesson.html")
    found.save(str(tmp_path / "lesson.txt"))
    assert (tmp_path / "lesson.html").read_text(encoding="utf-8") == found.html
    assert (tmp_path / "lesson.txt").read_text(encoding="utf-8") == f"{found}\n"


def test_a_name_with_half_of_a_character_is_saved_too(tmp_path):
    x = Input("x")
    found = steps(Tanh(x, name="half\ud800"), {x: np.asarray(1.0)})
    for name in ("lesson.html", "lesson.txt"):
        found.save(tmp_path / name)
        assert "half\ufffd" in (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["lesson.pdf", "lesson", "none/lesson.html", 5, ""])
def test_what_cannot_be_saved_is_an_error(tmp_path, name):
    with pytest.raises(SettingError, match="steps, save"):
        steps(*lesson_network()).save(tmp_path / name if isinstance(name, str) and name else name)


def test_layers_are_groups_and_a_large_graph_folds():
    x, y = Input("x"), Input("y")
    model = Sequential([layer for _ in range(60) for layer in (Dense(1, 1), Tanh)], seed=0)
    html = steps(MSE(y, model(x)), {x: [[1.0]], y: [[1.0]]}, check=False).html
    boxes = set(re.findall(r'data-key="([^"]*)"', html))
    for words in re.findall(r'data-boxes="([^"]*)"', html):
        for keys in words.split():
            assert boxes & set(keys.split(",")), keys  # a node, or the folded group that it is in


def test_the_public_name_is_the_function():
    import miniflow_xp.stepping

    assert miniflow_xp.steps is miniflow_xp.stepping.steps


def test_the_tolerances_are_those_of_gradcheck():
    defaults = inspect.signature(mf.gradcheck).parameters
    assert (defaults["rtol"].default, defaults["atol"].default) == (RTOL, ATOL)
