"""The lesson, whole: its names, its golden values, its program, and learners' own nodes."""

import copy
import inspect
import os
import re
import sys

import numpy as np
import pytest
from operations import operations

import miniflow_xp
from miniflow_xp import (
    MSE,
    SGD,
    Add,
    Dense,
    Input,
    Linear,
    Mul,
    Neg,
    Node,
    Parameter,
    Program,
    Sequential,
    Sigmoid,
    Tanh,
    Trainer,
    feed,
    forward_and_backward,
    forward_pass,
    get_backend,
    set_backend,
    sgd_update,
    to_numpy,
    topological_sort,
    use_backend,
)

PRINTED = 1e-8  # the lesson prints nine significant digits: half a unit of the last is 5e-9 relative, or less


# Names and signatures


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Node", ["inbound_nodes"]),
        ("Linear", ["X", "W", "b"]),
        ("MSE", ["y", "a"]),
        ("topological_sort", ["feed_dict"]),
        ("forward_pass", ["output_node", "sorted_nodes"]),
        ("forward_and_backward", ["graph"]),
        ("sgd_update", ["trainables", "learning_rate"]),
    ],
)
def test_signatures_begin_as_in_the_lesson(name, arguments):
    assert list(inspect.signature(getattr(miniflow_xp, name)).parameters)[: len(arguments)] == arguments


def test_star_import_brings_every_name_of_the_lesson_and_only_public_ones():
    names = {}
    exec("from miniflow_xp import *", names)
    lesson = "Node Input Add Mul Linear Sigmoid MSE topological_sort forward_pass forward_and_backward sgd_update"
    assert set(lesson.split()) <= set(names)
    assert sorted(set(names) - {"__builtins__"}) == sorted(miniflow_xp.__all__)


def test_learning_rate_defaults_to_the_lessons():
    assert inspect.signature(sgd_update).parameters["learning_rate"].default == 1e-2


def test_a_node_has_the_lessons_attributes():
    x = Input()
    node = Node([x])
    assert list(node.inbound_nodes) == [x]
    assert list(x.outbound_nodes) == [node]
    assert node.value is None
    assert node.gradients == {}
    assert list(Node().inbound_nodes) == []
    assert list(Node(inbound_nodes=[x]).inbound_nodes) == [x]


# Golden values


def test_linear_of_lists_gives_12_7(backend):
    inputs, weights, bias = Input(), Input(), Input()
    f = Linear(inputs, weights, bias)
    graph = topological_sort({inputs: [6, 14, 3], weights: [0.5, 0.25, 1.4], bias: 2})
    assert to_numpy(forward_pass(f, graph)) == pytest.approx(12.7, rel=1e-14)


def test_linear_and_sigmoid_of_two_rows(backend):
    X, W, b = Input(), Input(), Input()
    f = Linear(X, W, b)
    g = Sigmoid(f)
    feed = {X: np.array([[-1.0, -2.0], [-1, -2]]), W: np.array([[2.0, -3], [2.0, -3]]), b: np.array([-3.0, -5])}
    output = forward_pass(g, topological_sort(feed))
    np.testing.assert_array_equal(to_numpy(f.value), [[-9.0, 4.0], [-9.0, 4.0]])
    np.testing.assert_allclose(to_numpy(output), [[1.23394576e-4, 9.82013790e-1]] * 2, rtol=PRINTED)


def test_mse_of_two_vectors(backend):
    y, a = Input(), Input()
    cost = MSE(y, a)
    graph = topological_sort({y: np.array([1, 2, 3]), a: np.array([4.5, 5, 10])})
    value = forward_pass(graph)
    assert value is cost.value
    assert to_numpy(value) == pytest.approx(23.4166666667, rel=PRINTED)


def test_add_and_mul_take_many_nodes_and_have_gradients(backend):
    x, y, z = Input(), Input(), Input()
    cost = Mul(Add(x, y, z), x, y)
    graph = topological_sort({x: 4.0, y: 5.0, z: 10.0})
    forward_and_backward(graph)
    assert graph[-1] is cost
    assert to_numpy(cost.value) == 19 * 20
    # d/dx (x+y+z) x y = x y + (x+y+z) y, and alike for y; z enters the sum only
    assert [to_numpy(n.gradients[n]) for n in (x, y, z)] == [20 + 19 * 5, 20 + 19 * 4, 20]


# The chapter's program, in our words with its numbers

PROGRAM = """
import numpy as np
from miniflow_xp import *

features, weights, bias, target = Input(), Input(), Input(), Input()
prediction = Sigmoid(Linear(features, weights, bias))
cost = MSE(target, prediction)
graph = topological_sort({
    features: np.array([[-1.0, -2.0], [-1.0, -2.0]]),
    target: np.array([1, 2]),
    weights: np.array([[2.0], [3.0]]),
    bias: np.array([-3.0]),
})
forward_and_backward(graph)
gradients = [leaf.gradients[leaf] for leaf in (features, target, weights, bias)]
print(gradients)
"""

EXPECTED = [
    np.array([[-3.34017280e-05, -5.01025919e-05], [-6.68040138e-05, -1.00206021e-04]]),
    np.array([[0.9999833], [1.9999833]]),
    np.array([[5.01028709e-05], [1.00205742e-04]]),
    np.array([-5.01028709e-05]),
]

EXPECTED_TEXT = """
[array([[ -3.34017280e-05,  -5.01025919e-05],
        [ -6.68040138e-05,  -1.00206021e-04]]),
 array([[ 0.9999833], [ 1.9999833]]),
 array([[  5.01028709e-05], [  1.00205742e-04]]),
 array([ -5.01028709e-05])]
"""


def test_the_chapters_program_gives_its_four_arrays_shapes_included(backend):
    names = {}
    exec(PROGRAM, names)
    gradients = [to_numpy(gradient) for gradient in names["gradients"]]
    assert [gradient.shape for gradient in gradients] == [(2, 2), (2, 1), (2, 1), (1,)]
    for gradient, expected in zip(gradients, EXPECTED, strict=True):
        # 0.9999833 and 1.9999833 are printed with seven decimals: half a unit is 5e-8
        np.testing.assert_allclose(gradient, expected, rtol=PRINTED, atol=6e-8 if expected.max() > 0.1 else 0)


def test_the_chapters_program_prints_the_expected_output(run_python):
    def without_spaces(text):
        return re.sub(r"\s", "", text)  # NumPy 1.14 dropped the sign's column that the chapter shows

    assert without_spaces(run_python(PROGRAM).stdout) == without_spaces(EXPECTED_TEXT)


def test_the_chapters_program_prints_the_numbers_of_every_library(backend, run_python, request):
    printed = run_python(PROGRAM, MINIFLOW_BACKEND=request.node.callspec.params["backend"]).stdout
    numbers = [float(number) for number in re.findall(r"-?\d\.\d*(?:e[-+]\d+)?", printed)]
    expected = np.concatenate([array.ravel() for array in EXPECTED])
    np.testing.assert_allclose(numbers, expected, rtol=1e-4)  # PyTorch prints four decimals
    library = {"numpy": "array(", "cupy": "array(", "torch": "tensor(", "jax": "Array(", "strict": "Array("}
    if backend.name in library:  # another backend prints in its own way
        assert printed.count(library[backend.name]) == 4


# Passes


class Triple(Node):
    """3x, and its gradient summed up from all that reads it, as in the lesson."""

    def __init__(self, x):
        super().__init__([x])

    def forward(self):
        self.value = 3 * self.inbound_nodes[0].value

    def backward(self):
        arriving = [reader.gradients[self] for reader in self.outbound_nodes if self in reader.gradients]
        self.gradients = {self.inbound_nodes[0]: 3 * sum(arriving[1:], arriving[0])}


def network():
    X, y = Input(name="X"), Input(name="y")
    W, b = Input(name="W"), Input(name="b")
    return X, y, W, b, MSE(y, Linear(X, W, b))


def test_x_value_set_between_passes_in_batches_of_any_size(backend):
    X, y, W, b, cost = network()
    rng = np.random.default_rng(0)
    weights, bias = rng.standard_normal((3, 1)), rng.standard_normal(1)
    graph = topological_sort({X: np.zeros((2, 3)), y: np.zeros((2, 1)), W: weights, b: bias})
    for size in (4, 1, 7):
        features, target = rng.standard_normal((size, 3)), rng.standard_normal((size, 1))
        X.value, y.value = features, target
        forward_and_backward(graph)
        difference = features @ weights + bias - target
        # float64 sums of at most 21 products: 1e-12 is a thousand times their rounding
        np.testing.assert_allclose(to_numpy(cost.value), np.mean(difference**2), rtol=1e-12)
        expected = 2 / size * features.T @ difference
        np.testing.assert_allclose(to_numpy(W.gradients[W]), expected, rtol=1e-12, atol=1e-14)
        assert backend.owns(X.gradients[X])
        assert X.gradients[X].shape == (size, 3)


def test_x_value_may_be_an_array_of_the_backend_or_a_list(backend):
    X, y, W, b, cost = network()
    graph = topological_sort({X: [[0.0]], y: [[0.0]], W: [[2.0]], b: [1.0]})
    X.value = backend.asarray(np.array([[1.0], [2.0]]))
    y.value = [[3.0], [6.0]]
    forward_and_backward(graph)
    assert to_numpy(cost.value) == 0.5


def test_a_batch_set_by_a_learner_is_not_written_to(backend):
    X, y, W, b, _ = network()
    features = np.array([[1.0], [2.0]])
    weights = np.array([[2.0]])
    for array in (features, weights):
        array.flags.writeable = False
    graph = topological_sort({X: features, y: [[0.0], [0.0]], W: weights, b: [0.0]})
    X.value = features
    forward_and_backward(graph)
    sgd_update([W, b], 0.1)
    np.testing.assert_array_equal(features, [[1.0], [2.0]])
    np.testing.assert_array_equal(weights, [[2.0]])


def test_sgd_update_takes_the_step_of_the_formula(backend):
    X, y, W, b, _ = network()
    graph = topological_sort({X: [[1.0], [2.0]], y: [[1.0], [1.0]], W: [[3.0]], b: [0.5]})
    forward_and_backward(graph)
    before, gradient = to_numpy(W.value), to_numpy(W.gradients[W])
    sgd_update([W, b], learning_rate=0.1)
    np.testing.assert_allclose(to_numpy(W.value), before - 0.1 * gradient, rtol=1e-15)
    assert backend.owns(W.value)


def test_sgd_update_keeps_the_shape_of_a_target_whose_gradient_is_a_column(backend):
    y, a = Input(), Input()
    MSE(y, a)
    graph = topological_sort({y: np.array([1.0, 2.0, 3.0]), a: np.array([0.0, 0.0, 0.0])})
    forward_and_backward(graph)
    assert y.gradients[y].shape == (3, 1)
    sgd_update([y], learning_rate=0.75)
    np.testing.assert_allclose(to_numpy(y.value), [0.5, 1.0, 1.5], rtol=1e-15)


def test_a_learners_own_update_in_place_is_that_of_sgd_update(backend):
    def weights_after(update):
        X, y = Input(), Input()
        weights = W1, b1, W2, b2 = [Input() for _ in range(4)]
        MSE(y, Linear(Sigmoid(Linear(X, W1, b1)), W2, b2))
        draw = np.random.default_rng(2).standard_normal
        feed = {X: draw((4, 3)), y: draw((4, 1)), W1: draw((3, 2)), b1: draw(2), W2: draw((2, 1)), b2: draw(1)}
        graph = topological_sort(feed)
        for _ in range(3):
            forward_and_backward(graph)
            update([W2, b2, W1, b1])  # the later layer first: the earlier one's gradient is that of the pass
        return [to_numpy(node.value) for node in weights]

    def own_update(trainables):
        for t in trainables:
            t.value -= 1e-2 * t.gradients[t]

    for own, ours in zip(weights_after(own_update), weights_after(sgd_update), strict=True):
        np.testing.assert_allclose(own, ours, rtol=1e-14)


def test_the_lessons_training_loop_learns(backend):
    rng = np.random.default_rng(1)
    features = rng.standard_normal((64, 3))
    target = np.tanh(features @ [1.0, -2.0, 0.5])
    X, y = Input(), Input()
    W1, b1, W2, b2 = Input(), Input(), Input(), Input()
    MSE(y, Linear(Sigmoid(Linear(X, W1, b1)), W2, b2))
    feed = {X: features, y: target, W1: rng.standard_normal((3, 8)), b1: np.zeros(8)}
    graph = topological_sort({**feed, W2: rng.standard_normal((8, 1)), b2: np.zeros(1)})
    losses = []
    for _ in range(60):
        batch = rng.choice(64, 16)
        X.value, y.value = features[batch], target[batch]
        forward_and_backward(graph)
        sgd_update([W1, b1, W2, b2], 0.1)
        losses.append(float(graph[-1].value))
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])


def test_the_backend_may_change_between_passes():
    pytest.importorskip("array_api_strict")
    X, y, W, b, cost = network()
    graph = topological_sort({X: [[1.0]], y: [[2.0]], W: [[3.0]], b: [0.0]})
    forward_and_backward(graph)
    chosen = set_backend("strict")
    graph = topological_sort({X: [[1.0]], y: [[2.0]], W: [[4.0]], b: [0.0]})
    forward_and_backward(graph)
    assert chosen.owns(cost.value)
    assert to_numpy(cost.value) == 4.0


def test_gradients_hold_what_reaches_an_input_through_each_node(backend):
    x = Input()
    left, right = Mul(x, 2), Mul(x, 3)
    cost = Add(left, right)
    forward_and_backward(topological_sort({x: 7.0}))
    assert [to_numpy(n.gradients[x]) for n in (left, right)] == [2, 3]
    assert [to_numpy(cost.gradients[n]) for n in (left, right)] == [1, 1]
    assert to_numpy(x.gradients[x]) == 5


# What a pass does not do anew


def test_a_small_pass_that_is_repeated_calls_few_functions():
    X, y, W, b = leaves = [Input() for _ in range(4)]
    MSE(y, Sigmoid(Linear(X, W, b)))
    arrays = [np.ones((2, 2)), np.ones((2, 1)), np.ones((2, 1)), np.ones(1)]
    graph = topological_sort(dict(zip(leaves, arrays, strict=True)))
    forward_and_backward(graph)
    forward_and_backward(graph)
    bound = 36 * len(graph)  # 15 a node are those of the rules
    assert operations(lambda: forward_and_backward(graph)) <= bound


def test_leaves_are_admitted_again_only_where_they_look_otherwise(backend, monkeypatch):
    admitted = []

    def admit(raw, *others):
        admitted.append(len(raw))
        return feed.admit(raw, *others)

    X, y, W, b, cost = network()
    graph = topological_sort({X: [[1.0]], y: [[5.0]], W: [[2.0]], b: [0.0]})
    monkeypatch.setattr("miniflow_xp.graph.admit", admit)
    forward_and_backward(graph)
    count = len(admitted)
    for number in range(3):
        X.value, y.value = X.value + number, y.value * 2  # new arrays, of the same dtype
        forward_and_backward(graph)
    assert len(admitted) == count
    for value in ([[3]], np.array([[3]]), np.array([[3.0]], "float32")):  # a list, integers, another width
        X.value = y.value = value
        forward_and_backward(graph)
        assert backend.owns(X.value)
        assert to_numpy(cost.value) == 9
    assert len(admitted) == count + 3
    for value in (np.ones((0, 1)), None, "text"):
        X.value = value
        with pytest.raises(miniflow_xp.errors.MiniflowError):
            forward_and_backward(graph)


def test_a_setting_of_the_dtype_is_seen_at_the_next_pass(backend):
    X, y, W, b, cost = network()
    graph = topological_sort({X: [[1.0]], y: [[5.0]], W: [[2.0]], b: [0.0]})
    for _ in range(2):
        forward_and_backward(graph)
    with feed.use_float_dtype("float32"):
        forward_and_backward(graph)
    assert "float32" in str(cost.value.dtype)


def test_shapes_are_checked_once_and_again_where_they_change():
    checked = []

    class Watched(Tanh):
        def check(self, x):
            checked.append(x.shape)
            if x.shape == (3,):
                raise miniflow_xp.errors.ShapeError("watched", "three", "not three", "Feed others")

    x = Input()
    graph = topological_sort({x: np.ones(2)}, Watched(x))
    for size in (2, 2, 4, 4, 2):
        x.value = np.ones(size)
        forward_pass(graph)
    assert checked == [(2,), (4,), (2,)]
    for _ in range(2):  # what raised was not let through
        x.value = np.ones(3)
        with pytest.raises(miniflow_xp.errors.ShapeError):
            forward_pass(graph)
    assert checked[3:] == [(3,), (3,)]


def test_a_pass_sees_that_a_node_reads_another_one_now(backend):
    w, x = Parameter(3.0), Input()
    node = Neg(x)
    graph = topological_sort({x: 5.0}, Mul(w, node))
    forward_and_backward(graph)
    assert to_numpy(w.gradients[w]) == -5
    node.inbound_nodes[0] = w
    w.outbound_nodes.append(node)
    forward_and_backward(graph)
    assert to_numpy(w.gradients[w]) == -6  # d/dw (-w²)


def test_a_pass_sees_that_a_list_was_changed(backend):
    x, w = Input(), Input()
    first = Mul(x, x)
    graph = topological_sort({x: 5.0, w: 2.0}, Mul(first, w))
    forward_and_backward(graph)
    assert to_numpy(x.gradients[x]) == 20
    forward_and_backward(graph[:2])
    assert to_numpy(x.gradients[x]) == 10
    del graph[2:]
    graph += [w, last := Add(first, w)]
    forward_and_backward(graph)
    assert to_numpy(last.value) == 27
    assert to_numpy(x.gradients[x]) == 10


@pytest.mark.parametrize("reads", ["a leaf", "a Parameter", "a node"])
@pytest.mark.parametrize("way", ["made", "appended", "assigned", "inserted"])
def test_a_pass_forgets_what_a_node_of_another_graph_has_handed_on_since(reads, way, backend):
    x, w = Input("x"), Parameter(2.0, "w")
    tripled = Triple(x)
    cost = Mul(tripled, w)
    graph = topological_sort({x: 1.0}, cost)
    for _ in range(3):
        forward_and_backward(graph, wrt=[x, w])
    node = {"a leaf": x, "a Parameter": w, "a node": tripled}[reads]
    other = Neg(node if way == "made" else Input())
    other.value, other.gradients = cost.value, {node: cost.value}  # as a pass of its own left it
    if way == "appended":
        node.outbound_nodes.append(other)
    elif way == "inserted":
        node.outbound_nodes.insert(0, other)
    elif way == "assigned":
        node.outbound_nodes = [*node.outbound_nodes, other]
    forward_and_backward(graph, wrt=[x, w])
    assert dict(other.gradients) == {}
    assert [to_numpy(leaf.gradients[leaf]) for leaf in (x, w)] == [6, 3]


def with_compute(node):
    type(node).compute = lambda self, xp, x: 5 * x


def with_vjp(node):
    type(node).vjp = lambda self, xp, gradient, value, x: (lambda: 7 * gradient,)


def with_forward(node):
    type(node).forward = lambda self: setattr(self, "value", 5 * self.inbound_nodes[0].value)


def with_backward(node):
    type(node).backward = lambda self: setattr(self, "gradients", {self.inbound_nodes[0]: 7 * self.value})


def with_its_own_forward(node):
    node.forward = lambda: setattr(node, "value", 5 * node.inbound_nodes[0].value)


def with_its_own_backward(node):
    node.backward = lambda: setattr(node, "gradients", {node.inbound_nodes[0]: 7 * node.value})


def with_check_values(node):
    def refuse(self, xp, x):
        raise ZeroDivisionError

    type(node).check_values = refuse


CHANGES = {  # what is changed between two passes, and the value and the gradient then: 3 and 3 before
    with_compute: (5, 3),
    with_vjp: (3, 7),
    with_forward: (5, 3),
    with_backward: (3, 21),
    with_its_own_forward: (5, 3),
    with_its_own_backward: (3, 21),
    with_check_values: ZeroDivisionError,
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_pass_sees_that_a_rule_was_changed(change, backend):
    class Own(Node):
        def __init__(self, x):
            super().__init__([x])

        def compute(self, xp, x):
            return 3 * x

        def vjp(self, xp, gradient, value, x):
            return (lambda: 3 * gradient,)

    x = Input()
    node = Own(x)
    graph = topological_sort({x: 1.0}, Mul(node, 1.0))
    for _ in range(3):
        forward_and_backward(graph)
    change(node)
    if CHANGES[change] is ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            forward_and_backward(graph)
        expected = 3, 3
    else:
        forward_and_backward(graph)
        expected = CHANGES[change]
    assert (to_numpy(node.value), to_numpy(x.gradients[x])) == expected


def test_a_pass_sees_that_the_backend_was_changed():
    pytest.importorskip("array_api_strict")
    X, y, W, b, cost = network()
    graph = topological_sort({X: [[1.0]], y: [[2.0]], W: [[3.0]], b: [0.0]})
    for name in ("numpy", "numpy", "strict", "strict", "numpy"):
        with use_backend(name) as backend:
            forward_and_backward(graph)
            assert backend.owns(cost.value)
            assert backend.owns(W.gradients[W])
            assert to_numpy(W.gradients[W]) == 2
        for leaf in (X, y, W, b):
            leaf.value = to_numpy(leaf.value)


def test_a_pass_sees_another_backend_of_the_same_arrays():
    class Narrow(type(get_backend())):
        def storable(self, dtype):
            return "float32"

    x = Input()
    graph = topological_sort({x: np.ones(())}, Neg(x))
    for _ in range(2):
        forward_and_backward(graph)
    with use_backend(Narrow()), pytest.raises(miniflow_xp.errors.DtypeError, match="stores float32"):
        forward_and_backward(graph)


def test_a_pass_sees_another_leaf_in_the_list(backend):
    x, unread, other = Input(), Input(), Input()
    cost = Neg(x)
    x.value, unread.value, other.value = 1.0, 2.0, 3.0
    graph = [x, unread, cost]
    for _ in range(2):
        forward_and_backward(graph)
    graph[1] = other
    forward_and_backward(graph)
    assert backend.owns(other.value)


@pytest.mark.parametrize("environ", [os.environ, dict(os.environ)], ids=["of the process", "replaced"])
def test_a_pass_sees_that_the_environment_was_changed(environ, monkeypatch):
    monkeypatch.setattr(os, "environ", environ)
    X, y, W, b, _ = network()
    graph = topological_sort({X: [[1.0]], y: [[5.0]], W: [[2.0]], b: [0.0]})
    forward_and_backward(graph)
    for name in ("float32", "float64", "float32", None, "float16"):
        if name is None:
            monkeypatch.delenv("MINIFLOW_DTYPE")
        else:
            monkeypatch.setenv("MINIFLOW_DTYPE", name)
        for leaf in (X, y, W, b):
            leaf.value = np.asarray(leaf.value, "float64")
        for _ in range(2):
            forward_and_backward(graph)
        assert X.value.dtype == (name or "float64")
    monkeypatch.setenv("MINIFLOW_DTYPE", "nonsense")
    with pytest.raises(miniflow_xp.errors.SettingError, match="MINIFLOW_DTYPE"):
        forward_and_backward(graph)


def test_a_pass_sees_an_array_that_was_changed_in_place():
    X, y, W, b, _ = network()
    graph = topological_sort({X: np.ones((1, 2)), y: [[5.0]], W: np.ones((2, 1)), b: [0.0]})
    for _ in range(2):
        forward_and_backward(graph)
    X.value.resize((1, 3), refcheck=False)
    with pytest.raises(miniflow_xp.errors.ShapeError, match=r"X is \(1, 3\)"):
        forward_and_backward(graph)
    W.value.resize((3, 1), refcheck=False)
    forward_and_backward(graph)
    assert W.gradients[W].shape == (3, 1)


def test_a_pass_sees_a_leaf_without_a_value_and_one_of_no_rows():
    X, y, W, b, cost = network()
    graph = topological_sort({X: [[1.0]], y: [[5.0]], W: [[2.0]], b: [0.0]})
    for _ in range(2):
        forward_and_backward(graph)
    for value, error in ((None, miniflow_xp.errors.UnfedError), (np.ones((0, 1)), miniflow_xp.errors.FeedError)):
        X.value = value
        before = [(node.value, node.gradients) for node in graph]
        with pytest.raises(error, match="Input"):
            forward_and_backward(graph)
        assert all(
            node.value is old and node.gradients is kept for node, (old, kept) in zip(graph, before, strict=True)
        )
    X.value = [[1.0]]
    forward_and_backward(graph)
    assert cost.value == 9


def test_a_node_forgets_the_check_of_its_inputs_where_it_is_run_by_hand():
    X, W, b = Input("X"), Input("W"), Input("b")
    f = Linear(X, W, b)
    forward_pass(f, topological_sort({X: np.ones((1, 2)), W: np.ones((2, 1)), b: np.ones(1)}))
    f.forward()
    for value, error in ((np.ones((1, 3)), miniflow_xp.errors.ShapeError), (None, miniflow_xp.errors.UnfedError)):
        X.value = value
        for _ in range(2):
            with pytest.raises(error, match=r"'X'|X is"):
                f.forward()


# Gradients as they are looked at

LOOKS = {
    "print": str,
    "repr": repr,
    "length": len,
    "keys": lambda g: list(g.keys()),
    "iteration": list,
    "values": lambda g: list(g.values()),
    "items": lambda g: list(g.items()),
    "truth": bool,
    "dict": lambda g: list(dict(g).items()),
    "unpacked": lambda g: list({**g}.items()),
    "copy": lambda g: list(g.copy().items()),
    "copy.copy": lambda g: list(copy.copy(g).items()),
    "get": lambda g: [g.get(node) for node in list(g)],
    "equal": lambda g: g == dict(g),
    "equal, turned round": lambda g: dict(g) == g,
}
"""Ways to look at a dictionary."""


@pytest.mark.parametrize("way", LOOKS)
def test_gradients_are_there_however_they_are_looked_at(way):
    y, a = Input("y"), Input("a")
    cost = MSE(y, a, name="cost")
    forward_pass(topological_sort({y: 1.0, a: 3.0}))
    cost.backward()
    seen = LOOKS[way](cost.gradients)
    cost.backward()
    assert seen == LOOKS[way]({y: cost.gradients[y], a: cost.gradients[a]})


@pytest.mark.parametrize("way", LOOKS)
def test_gradients_that_a_pass_left_are_there_however_they_are_looked_at(way):
    y, a = Input("y"), Input("a")
    cost = MSE(y, a, name="cost")
    forward_and_backward(topological_sort({y: 1.0, a: 3.0}))
    assert LOOKS[way](cost.gradients) == LOOKS[way]({y: cost.gradients[y], a: cost.gradients[a]})
    assert cost.gradients[y] == -4
    with pytest.raises(miniflow_xp.errors.NoGradientError, match="'z': MSE 'cost' has no gradient of it"):
        cost.gradients[Input("z")]


def test_a_pass_computes_each_gradient_that_it_needs_once_and_no_other():
    calls = []

    class Loud(Add):
        def vjp(self, xp, gradient, value, *inputs):
            thunks = super().vjp(xp, gradient, value, *inputs)
            return [lambda n=n, thunk=thunk: calls.append(n) or thunk() for n, thunk in enumerate(thunks)]

    x, w = Input("x"), Input("w")
    loud = Loud(x, w, x)
    forward_and_backward(graph := topological_sort({x: 1.0, w: 2.0}))
    assert calls == [0, 1, 2]
    assert dict(loud.gradients) == {x: 2.0, w: 1.0}
    calls.clear()
    forward_and_backward(graph, wrt=[w])
    assert list(loud.gradients) == [w]
    assert calls == [1]
    loud.backward()  # by hand: those that are looked at
    assert list(loud.gradients) == [x, w]
    assert loud.gradients[x] == 2.0
    assert calls == [1, 0, 2]


def test_a_gradient_is_computed_once_and_only_if_it_is_read():
    calls = []

    class Loud(Tanh):
        def vjp(self, xp, gradient, value, x):
            return (lambda: calls.append(1) or gradient,)

    x = Input("x")
    loud = Loud(x)
    forward_pass(topological_sort({x: 1.0}))
    loud.backward()
    assert len(loud.gradients) == 1
    assert x in loud.gradients
    assert list(loud.gradients) == [x]
    assert calls == []
    assert [loud.gradients[x], *loud.gradients.values()] == [1, 1]
    assert calls == [1]


def test_what_a_pass_did_not_need_is_not_among_the_gradients():
    X, y, W = Input("X"), Input("y"), Parameter([[2.0]], "W")
    product = X @ W
    cost = MSE(y, product)
    forward_and_backward(topological_sort({X: [[1.0]], y: [[0.0]]}))
    assert dict(cost.gradients) == {product: 4.0}
    assert dict(product.gradients) == {W: 4.0}
    with pytest.raises(miniflow_xp.errors.NoGradientError):
        product.gradients[X]


# Labels


def test_nodes_made_on_one_line_are_numbered():
    X, W, b = Input(), Input(), Input()
    lonely = Input()
    line = sys._getframe().f_lineno
    assert [str(node) for node in (X, W, b)] == [f"Input #{n} made at test_lesson.py:{line - 2}" for n in (1, 2, 3)]
    assert str(lonely) == f"Input made at test_lesson.py:{line - 1}"


def test_only_nodes_of_one_class_and_without_a_name_are_numbered():
    x, named = Input(), Input("named")
    both = Tanh(Sigmoid(x))
    assert [str(node).partition(" made")[0] for node in (x, named, both, both.inbound_nodes[0])] == [
        "Input",
        "Input 'named'",
        "Tanh",
        "Sigmoid",
    ]


def made_in(filename, **names):
    """A node that the second line of code with this file name makes."""
    names |= {"Input": Input}
    exec(compile("\nmade = Input()", filename, "exec"), names)
    return str(names["made"])


class Shell:
    """What IPython's ``get_ipython`` gives, as far as its traceback asks it for the name of a cell."""

    class compile:  # noqa: A001, N801  IPython's name
        @staticmethod
        def format_code_name(name):
            return ("Cell", "In[7]") if name.endswith("/123.py") else None


@pytest.mark.parametrize(
    ("filename", "shell", "place"),
    [
        ("<ipython-input-3-0123456789ab>", None, "In [3], line 2"),
        ("<ipython-input-12-0123456789ab>", Shell, "In [12], line 2"),
        ("/tmp/ipykernel_99/123.py", Shell, "In [7], line 2"),
        ("/tmp/ipykernel_99/456.py", Shell, "456.py:2"),
        ("/tmp/ipykernel_99/123.py", None, "123.py:2"),
        ("/home/me/nn.py", Shell, "nn.py:2"),
    ],
)
def test_in_a_notebook_a_label_names_cell_and_line(filename, shell, place):
    names = {"get_ipython": lambda: shell} if shell else {}
    assert made_in(filename, **names).partition(" made at ")[2] == place


def test_what_has_no_name_shows_itself_in_a_notebook():
    X, y, W = Input("X"), Input("y"), Parameter([[2.0]], "W <1>")
    cost = MSE(y, X @ W, name="cost")
    shown = {
        "Program": Program(cost, W),
        "Trainer": Trainer(cost, SGD(0.1)),
        "Sequential": Sequential([Dense(1, 2)], seed=0),
        "Node": W,
    }
    expected = {
        "Program": ["matmul1 = MatMul(X, W &lt;1&gt;)", "∂W &lt;1&gt; =", "not captured yet"],
        "Trainer": ["cost = MSE(y, matmul1)", "SGD: W &lt;1&gt;", "not captured yet"],
        "Sequential": ["dense_1", "total"],
        "Node": ["Parameter &#x27;W &lt;1&gt;&#x27;"],
    }
    for kind, thing in shown.items():
        html = thing._repr_html_()
        assert html.startswith("<pre>")
        assert html.endswith("</pre>")
        assert [part for part in expected[kind] if part not in html] == []


# A learner's own nodes, stateful as the lesson teaches them


class Cube(Node):
    """x³, and for its gradient what the outbound nodes pass back, times 3x²."""

    def __init__(self, x):
        Node.__init__(self, [x])

    def forward(self):
        self.base = self.inbound_nodes[0].value
        self.value = self.base * self.base * self.base

    def backward(self):
        (x,) = self.inbound_nodes
        self.gradients = {x: 0 * self.base}
        for reader in self.outbound_nodes:
            self.gradients[x] = self.gradients[x] + 3 * self.base * self.base * reader.gradients[self]


class Product(Node):
    """a · b for arrays of one shape."""

    def __init__(self, a, b):
        super().__init__([a, b])

    def forward(self):
        a, b = (node.value for node in self.inbound_nodes)
        self.value = a * b

    def backward(self):
        a, b = self.inbound_nodes
        arriving = sum(reader.gradients[self] for reader in self.outbound_nodes)
        self.gradients = {a: arriving * b.value, b: arriving * a.value}


class HalfSquare(Node):
    """The number ½ x² as a learner's own cost: the last node, so it asks no outbound nodes."""

    def __init__(self, x):
        super().__init__([x])

    def forward(self):
        self.value = self.inbound_nodes[0].value ** 2 / 2

    def backward(self):
        self.gradients[self.inbound_nodes[0]] = self.inbound_nodes[0].value


def test_a_learners_node_between_ours(backend):
    x, y = Input(), Input()
    cost = MSE(y, Cube(Tanh(x)))
    numbers = np.array([[0.5], [-1.0], [2.0]])
    forward_and_backward(topological_sort({x: numbers, y: np.zeros((3, 1))}))
    t = np.tanh(numbers)
    np.testing.assert_allclose(to_numpy(cost.value), np.mean(t**6), rtol=1e-13)
    expected = 2 / 3 * t**3 * 3 * t**2 * (1 - t**2)
    np.testing.assert_allclose(to_numpy(x.gradients[x]), expected, rtol=1e-13)
    assert backend.owns(x.gradients[x])


def test_a_learners_node_before_after_and_beside_ours(backend):
    x, w = Input(), Input()
    cube = Cube(x)
    both = Product(Mul(cube, w), Add(cube, x))
    cost = HalfSquare(both)
    graph = topological_sort({x: 2.0, w: 3.0})
    forward_and_backward(graph)
    # z = w x³ (x³ + x) = 240; dz/dx = w (6 x⁵ + 4 x³) = 672; dz/dw = 80
    assert graph[-1] is cost
    assert to_numpy(cost.value) == 240**2 / 2
    assert to_numpy(x.gradients[x]) == 240 * 672
    assert to_numpy(w.gradients[w]) == 240 * 80


def test_a_learners_nodes_only(backend):
    x = Input()
    HalfSquare(Cube(Cube(x)))
    forward_and_backward(topological_sort({x: 1.5}))
    # ½ x¹⁸ has the gradient 9 x¹⁷; the products round about 20 times
    assert to_numpy(x.gradients[x]) == pytest.approx(9 * 1.5**17, rel=1e-14)


def test_gradients_of_a_learners_node_are_as_they_were_after_a_pass_that_fails(backend):
    class Fails(Cube):
        def backward(self):
            super().backward()
            if self.base < 0:
                raise ZeroDivisionError

    x = Input("x")
    cost = HalfSquare(Fails(x))
    graph = topological_sort({x: 2.0})
    forward_and_backward(graph)
    before = [(node, node.gradients, dict(node.gradients)) for node in graph]
    x.value = -1.0
    with pytest.raises(ZeroDivisionError):
        forward_and_backward(graph)
    for node, gradients, entries in before:
        assert node.gradients is gradients
        assert dict(node.gradients) == entries
        assert node.turn is None
    assert to_numpy(cost.value) == 32


def test_a_learners_node_that_adds_to_what_our_rule_gives(backend):
    class Decayed(Mul):
        def backward(self):
            super().backward()
            self.gradients[self.inbound_nodes[0]] += 10

    x, w = Input(), Input()
    node = Decayed(x, w)
    graph = topological_sort({x: 2.0, w: 3.0})
    forward_and_backward(graph)
    assert [to_numpy(leaf.gradients[leaf]) for leaf in (x, w)] == [13, 2]
    forward_pass(graph)
    node.backward()
    assert [to_numpy(node.gradients[leaf]) for leaf in (x, w)] == [13, 2]


def test_a_learners_node_with_numpy_functions():
    class Sine(Node):
        def __init__(self, x):
            super().__init__([x])

        def forward(self):
            self.value = np.sin(self.inbound_nodes[0].value)

        def backward(self):
            self.gradients = {node: np.zeros_like(node.value) for node in self.inbound_nodes}
            for reader in self.outbound_nodes:
                x = self.inbound_nodes[0]
                self.gradients[x] += np.cos(x.value) * reader.gradients[self]

    x, y = Input(), Input()
    MSE(y, Sine(Linear(x, Parameter([[2.0]]), Parameter([0.5]))))
    graph = topological_sort({x: [[1.0]], y: [[0.0]]})
    forward_and_backward(graph, wrt=[x])
    np.testing.assert_allclose(x.gradients[x], [[4 * np.sin(2.5) * np.cos(2.5)]], rtol=1e-14)


def test_a_learners_forward_only_node_runs_forward(backend):
    class Double(Node):
        def __init__(self, x):
            super().__init__([x])

        def forward(self):
            self.value = self.inbound_nodes[0].value * 2

    x = Input()
    double = Double(Add(x, 1))
    assert to_numpy(forward_pass(double, topological_sort({x: 4.0}))) == 10


# Size, time, order


def test_a_chain_of_100_000_nodes():
    x = Input()
    last = x
    for _ in range(100_000):
        last = Neg(last)
    graph = topological_sort({x: 3.0})
    forward_and_backward(graph)
    assert len(graph) == 100_001
    assert graph[-1] is last
    assert last.value == 3
    assert x.gradients[x] == 1


class Compared(Add):
    """A node whose comparisons are calls, so that a search through a list of nodes is seen."""

    def __eq__(self, other):
        return self is other

    __hash__ = Add.__hash__


def calls_for_diamonds(count):
    """How many calls sort a chain of ``count`` diamonds and run both passes."""
    x = Input()
    last = x
    for _ in range(count):
        last = Compared(Mul(last, 0.5), Mul(last, 0.5))
    calls = 0

    def count_call(frame, event, argument):
        nonlocal calls
        calls += 1

    sys.setprofile(count_call)
    forward_and_backward(topological_sort({x: 1.0}))
    sys.setprofile(None)
    assert x.gradients[x] == 1
    return calls


def test_the_work_is_linear_on_diamonds():
    calls_for_diamonds(1)  # loads the backend
    # eight times the nodes: 8 if linear, 64 if quadratic, 2^1750 if every path is walked
    assert calls_for_diamonds(2000) < 9 * calls_for_diamonds(250)


ORDER = """
import sys
from miniflow_xp import *

ballast = [object() for _ in range(int(sys.argv[1]))]
leaves = [Input(name=f"leaf {i}") for i in range(30)]
sums = [Add(leaves[i], leaves[(7 * i + 3) % 30], name=f"sum {i}") for i in range(30)]
Mul(*sums, name="product")
Add(*leaves, name="side")
print([node.name for node in topological_sort({leaf: 1.0 for leaf in leaves})])
"""


def test_the_order_is_the_same_in_every_process(run_python):
    first = run_python(ORDER, "0", PYTHONHASHSEED="0").stdout
    assert "sum 29" in first
    assert run_python(ORDER, "12345", PYTHONHASHSEED="1").stdout == first


def test_every_node_comes_after_its_inbound_nodes():
    rng = np.random.default_rng(5)
    nodes = [Input() for _ in range(5)]
    for _ in range(200):
        nodes.append(Add(*(nodes[i] for i in rng.integers(len(nodes), size=2))))
    graph = topological_sort(dict.fromkeys(nodes[:5], 1.0))
    place = {node: index for index, node in enumerate(graph)}
    assert len(place) == len(graph)
    for node in graph:
        assert all(place[inbound] < place[node] for inbound in node.inbound_nodes)
