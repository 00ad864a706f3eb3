"""The eight defects of the lesson's published code, a test or more each: ours must not have them.

The tests use nothing but the lesson's own names, so that they can be run on the lesson's code, where they fail:
``MINIFLOW_LESSON_MODULE=miniflow python -m pytest tests/test_lesson_defects.py`` with a module of that name.
"""

import importlib
import inspect
import os

import numpy as np
import pytest
from tracing import traced

lesson = importlib.import_module(os.environ.get("MINIFLOW_LESSON_MODULE", "miniflow_xp"))


def gradients_of(feed, wrt=None):
    """{Input: its gradient}, after sorting and both passes."""
    graph = lesson.topological_sort(feed)
    lesson.forward_and_backward(graph)
    return {leaf: leaf.gradients[leaf] for leaf in wrt or feed}


# 1. The same node twice as an input


def test_1_one_node_as_both_inputs_of_linear():
    x, b, y = lesson.Input(), lesson.Input(), lesson.Input()
    lesson.MSE(y, lesson.Linear(x, x, b))
    gradients = gradients_of({x: np.array([[3.0]]), b: np.array([1.0]), y: np.array([[0.0]])})
    assert gradients[x].tolist() == [[2 * 10 * 2 * 3]]  # d/dx (x² + 1)² = 2 (x² + 1) · 2x
    assert gradients[b].tolist() == [2 * 10]


@pytest.mark.parametrize(("name", "value", "gradient"), [("Add", 6.0, 2.0), ("Mul", 9.0, 6.0)])
def test_1_one_node_as_both_inputs_of_add_and_mul(name, value, gradient):
    x = lesson.Input()
    node = getattr(lesson, name)(x, x)
    graph = lesson.topological_sort({x: np.array(3.0)})
    lesson.forward_and_backward(graph)
    assert node.value == value
    assert x.gradients[x] == gradient


# 2. Time that doubles with each diamond


def steps_to_sort(diamonds):
    """How many steps of the interpreter ``topological_sort`` takes on a chain of diamonds: exact, unlike a clock."""
    x, b = lesson.Input(), lesson.Input()
    last = x
    for _ in range(diamonds):
        last = lesson.Linear(lesson.Sigmoid(last), lesson.Sigmoid(last), b)
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        frame.f_trace_opcodes = True
        count += 1
        return trace

    traced(trace, lambda: lesson.topological_sort({x: np.ones((1, 1)), b: np.ones(1)}))
    return count


def test_2_work_is_linear_on_diamonds():
    steps_to_sort(1)  # imports, and names of dtypes, which are kept
    few, twice, again = steps_to_sort(4), steps_to_sort(8), steps_to_sort(12)
    growth, expected = again - twice, twice - few
    assert 0 < growth < 1.1 * expected  # equal if linear, but for growing tables; 16 times if every path is walked


# 3. An order that differs from run to run


def test_3_the_order_is_the_same_each_time():
    orders, graphs = set(), []
    for _ in range(10):
        leaves = [lesson.Input() for _ in range(30)]
        nodes = [*leaves, *(lesson.Sigmoid(leaf) for leaf in leaves)]
        number = {node: index for index, node in enumerate(nodes)}
        graphs.append(lesson.topological_sort(dict.fromkeys(leaves, np.array(1.0))))  # kept: addresses differ
        orders.add(tuple(number[node] for node in graphs[-1]))
    assert len(orders) == 1


def test_3_the_cost_is_last_also_beside_another_sink():
    graphs = []
    for repetition in range(20):
        x, y = lesson.Input(), lesson.Input()
        hidden = lesson.Sigmoid(x)
        if repetition % 2:
            cost, _ = lesson.MSE(y, hidden), [lesson.Sigmoid(hidden) for _ in range(5)]
        else:
            _, cost = [lesson.Sigmoid(hidden) for _ in range(5)], lesson.MSE(y, hidden)
        graphs.append(lesson.topological_sort({x: np.ones((1, 1)), y: np.ones((1, 1))}))
        assert graphs[-1][-1] is cost


# 4. MSE of several columns


def test_4_mse_of_several_columns_divides_by_all_elements():
    y, a = lesson.Input(), lesson.Input()
    lesson.MSE(y, a)
    target, output = np.arange(6.0).reshape(2, 3), np.full((2, 3), 2.5)
    gradients = gradients_of({y: target, a: output})
    np.testing.assert_allclose(gradients[a], 2 / 6 * (output - target), rtol=1e-15)
    np.testing.assert_allclose(gradients[y], 2 / 6 * (target - output), rtol=1e-15)


def test_4_the_network_below_several_columns_gets_the_right_gradient():
    X, W, b, y = (lesson.Input() for _ in range(4))
    lesson.MSE(y, lesson.Linear(X, W, b))
    features, weights = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])
    gradients = gradients_of({X: features, W: weights, b: np.zeros(3), y: np.ones((2, 3))})
    difference = features @ weights - 1
    np.testing.assert_allclose(gradients[W], 2 / 6 * features.T @ difference, rtol=1e-15)
    np.testing.assert_allclose(gradients[b], 2 / 6 * difference.sum(axis=0), rtol=1e-15)


# 5. A gradient's shape and dtype that are not its value's


CASES = {  # shapes of X, W, b and y; one column, so that defect 4 has no part in it
    "one example": [(3,), (3, 1), (1,), (1,)],
    "a number as bias": [(4, 3), (3, 1), (), (4, 1)],
    "weights as a vector": [(4, 3), (3,), (), (4,)],
}


@pytest.mark.parametrize("case", CASES)
def test_5_a_gradient_has_the_shape_of_its_value(case):
    X, W, b, y = leaves = [lesson.Input() for _ in range(4)]
    f = lesson.Linear(X, W, b)
    a = lesson.Sigmoid(f)
    cost = lesson.MSE(y, a)
    feed = {leaf: np.full(shape, 0.5) for leaf, shape in zip(leaves, CASES[case], strict=True)}
    gradients = gradients_of(feed, wrt=[X, W, b])
    for leaf, gradient in gradients.items():
        assert gradient.shape == leaf.value.shape
    for node, inbound in [(f, X), (f, W), (f, b), (a, f), (cost, a)]:
        assert node.gradients[inbound].shape == inbound.value.shape


def test_5_a_gradient_of_a_vector_has_its_shape_where_mse_does_not_read_it():
    x, y = lesson.Input(), lesson.Input()
    lesson.MSE(y, lesson.Sigmoid(x))
    gradients = gradients_of({x: np.array([1.0, 2.0]), y: np.array([1.0, 0.0])})
    assert gradients[x].shape == (2,)
    assert gradients[y].shape == (2, 1)  # the one exception, which the lesson prints


def test_5_a_gradient_has_the_dtype_of_its_value():
    X, W, b, y = leaves = [lesson.Input() for _ in range(4)]
    lesson.MSE(y, lesson.Linear(X, W, b))
    feed = dict(
        zip(leaves, [np.array([[1, 2]]), np.ones((2, 1), "float32"), np.array([3]), np.array([1])], strict=True)
    )
    for leaf, gradient in gradients_of(feed).items():
        assert gradient.dtype == leaf.value.dtype == np.float32


# 6. An exponential that overflows


def test_6_sigmoid_of_large_numbers_gives_no_warning():
    x = lesson.Input()
    s = lesson.Sigmoid(x)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for node in lesson.topological_sort({x: np.array([-1e4, -800.0, 0.0, 800.0, 1e4])}):
            node.forward()
    assert s.value.tolist() == [0, 0, 0.5, 1, 1]


# 7. A shared default argument; `raise NotImplemented`; a missing feed that fails far away


def test_7_nodes_do_not_share_their_lists():
    first, second = lesson.Node(), lesson.Node()
    assert first.inbound_nodes is not second.inbound_nodes or isinstance(first.inbound_nodes, tuple)


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_7_what_a_subclass_lacks_is_said(method):
    # The chapter's code says nothing; that of the lesson's last part, `raise NotImplemented`, is a TypeError.
    class Unfinished(lesson.Node):
        pass

    with pytest.raises(NotImplementedError, match="Unfinished"):
        getattr(Unfinished(), method)()


def test_7_a_missing_feed_is_said_where_the_feed_is_given():
    X, W, b = lesson.Input(), lesson.Input(), lesson.Input()
    lesson.Linear(X, W, b)
    with pytest.raises(ValueError, match=r"Input .*test_lesson_defects\.py"):
        lesson.topological_sort({X: np.ones((1, 1)), b: np.ones(1)})


# 8. Gradients that nobody asked for


class Counter:
    """Calls of a function, counted."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments, **options):
        self.calls += 1
        return self.function(*arguments, **options)


@pytest.fixture
def products(monkeypatch):
    """Counts matrix products, by whichever of NumPy's names a module under test makes them."""
    counter = Counter(np.matmul)
    namespaces = [np]
    if lesson.__name__ == "miniflow_xp":
        namespaces.append(lesson.get_backend().xp)
    for namespace in namespaces:
        monkeypatch.setattr(namespace, "matmul", counter)
        monkeypatch.setattr(namespace, "dot", counter, raising=False)
        monkeypatch.setattr(namespace, "vecdot", counter)
        monkeypatch.setattr(namespace, "tensordot", counter)
    return counter


def backward_for(graph, wrt):
    """Both passes; tells which gradients are wanted, where the module under test has a way to."""
    if "wrt" in inspect.signature(lesson.forward_and_backward).parameters:
        lesson.forward_and_backward(graph, wrt=wrt)
    else:
        lesson.forward_and_backward(graph)
    return [node.gradients[node] for node in wrt]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (["W1", "b1", "W2", "b2"], 2 + 3),  # forward two; W2, the hidden layer, W1
        (["W2"], 2 + 1),
        (["b2"], 2),
        (["b1"], 2 + 1),
        (["X"], 2 + 2),
        (["X", "W1"], 2 + 3),
    ],
)
def test_8_only_the_gradients_asked_for_are_computed(products, wanted, count):
    X, W1, b1, W2, b2, y = leaves = [lesson.Input() for _ in range(6)]
    lesson.MSE(y, lesson.Linear(lesson.Sigmoid(lesson.Linear(X, W1, b1)), W2, b2))
    arrays = [np.ones((5, 3)), np.ones((3, 4)), np.ones(4), np.ones((4, 1)), np.ones(1), np.ones((5, 1))]
    graph = lesson.topological_sort(dict(zip(leaves, arrays, strict=True)))
    names = dict(zip(["X", "W1", "b1", "W2", "b2", "y"], leaves, strict=True))
    wrt = [names[name] for name in wanted]
    gradients = backward_for(graph, wrt)
    assert [gradient.shape for gradient in gradients] == [node.value.shape for node in wrt]
    assert [node.gradients[node] is not None for node in wrt] == [True] * len(wrt)  # reading twice costs nothing
    assert products.calls == count
