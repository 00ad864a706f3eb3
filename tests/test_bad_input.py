"""Bad input: an error of ours that names the node, says what came, what was expected and what to do; nothing changes.

What goes wrong with backends themselves is in ``test_backends.py``; what NaN does, in ``test_gradcheck.py``.
"""

import numpy as np
import pytest

from miniflow_xp import (
    MSE,
    Add,
    CrossEntropy,
    Input,
    Linear,
    LogSoftmax,
    MatMul,
    Mul,
    Node,
    Parameter,
    Program,
    Sigmoid,
    Softmax,
    Sub,
    Tanh,
    Trainer,
    errors,
    forward_and_backward,
    forward_pass,
    gradcheck,
    sgd_update,
    to_numpy,
    topological_sort,
    use_backend,
)

# What every error has, and what must not change


def snapshot(nodes):
    """All that a node holds: values and gradients by identity and by content, and its edges."""
    return [
        (
            id(node.value),
            None if node.value is None else repr(node.value),
            {other: to_numpy(gradient).tolist() for other, gradient in node.gradients.items()},
            list(node.inbound_nodes),
            list(node.outbound_nodes),
        )
        for node in nodes
    ]


def check_refused(nodes, kind, words, act):
    """``act`` raises ``kind`` with all four parts and ``words`` in its text, and leaves ``nodes`` as they were."""
    before = snapshot(nodes)
    with pytest.raises(errors.MiniflowError) as caught:
        act()
    error = caught.value
    assert type(error) is kind
    for part in (error.where, error.got, error.expected, error.remedy):
        assert part.strip()
        assert part in str(error)
    for word in words:
        assert word in str(error)
    assert snapshot(nodes) == before


class Network:
    """The lesson's network after one good pass."""

    def __init__(self):
        self.X, self.y = Input("features"), Input("target")
        self.W, self.b = Input("weights"), Input("bias")
        self.hidden = Linear(self.X, self.W, self.b, name="hidden")
        self.output = Sigmoid(self.hidden, name="output")
        self.cost = MSE(self.y, self.output, name="cost")
        self.feed = {
            self.X: np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
            self.y: np.array([[0.0], [1.0]]),
            self.W: np.array([[0.1], [-0.2], [0.3]]),
            self.b: np.array([0.5]),
        }
        self.nodes = [self.X, self.y, self.W, self.b, self.hidden, self.output, self.cost]
        self.graph = topological_sort(self.feed)
        forward_and_backward(self.graph)


@pytest.fixture
def network(backend):
    return Network()


# Feeds

OBJECTS = np.array([None, object()], dtype=object)
BAD_DATA = {
    "ragged rows": ([[1.0, 2.0, 3.0], [4.0]], errors.FeedError, []),
    "objects": (OBJECTS, errors.FeedError, ["object"]),
    "a list of objects": ([object()], errors.FeedError, []),
    "a dictionary": ({"a": 1}, errors.FeedError, []),
    "a string": ("1.0", errors.FeedError, []),
    "a list of strings": (["1.0", "2.0"], errors.FeedError, []),
    "an array of strings": (np.array(["1.0", "2.0"]), errors.FeedError, []),
    "dates": (np.array(["2024-02-29"], dtype="datetime64[D]"), errors.FeedError, []),
    "complex array": (np.array([[1.0 + 2.0j, 0.0, 0.0]]), errors.DtypeError, ["complex128", "real"]),
    "complex numbers": ([[1.0 + 2.0j, 0.0, 0.0]], errors.DtypeError, ["complex128", "real"]),
    "empty batch": (np.zeros((0, 3)), errors.FeedError, ["(0, 3)"]),
    "empty list": ([], errors.FeedError, ["(0,)"]),
    "None": (None, errors.UnfedError, []),
}


@pytest.mark.parametrize("data", BAD_DATA)
def test_bad_data_in_a_feed(network, data):
    value, kind, words = BAD_DATA[data]
    feed = {**network.feed, network.y: [[5.0], [6.0]], network.X: value}  # the good target must not arrive either
    check_refused(network.nodes, kind, ["Input 'features'", *words], lambda: topological_sort(feed))


@pytest.mark.parametrize("data", BAD_DATA)
def test_bad_data_set_as_value(network, data):
    value, kind, words = BAD_DATA[data]
    network.y.value = [[5.0], [6.0]]
    network.X.value = value
    words = ["Input 'features'", *words]
    check_refused(network.nodes, kind, words, lambda: forward_and_backward(network.graph))
    check_refused(network.nodes, kind, words, lambda: forward_pass(network.graph))


@pytest.mark.parametrize("data", BAD_DATA)
def test_bad_data_in_a_first_feed(backend, data):
    value, kind, words = BAD_DATA[data]
    x, y = Input("features"), Input("target")
    cost = MSE(y, x)
    check_refused([x, y, cost], kind, ["'features'", *words], lambda: topological_sort({y: [1.0, 2.0], x: value}))


@pytest.mark.parametrize("data", ["objects", "an array of strings", "dates"])
def test_the_remedy_for_data_that_are_no_numbers_is_not_that_for_complex_ones(data):
    with pytest.raises(errors.FeedError) as caught:
        topological_sort({Input(): BAD_DATA[data][0]})
    assert "imaginary" not in str(caught.value)


def test_an_unnamed_input_is_told_by_its_line(backend):
    x, y = Input(), Input("target")
    cost = MSE(y, x)
    check_refused(
        [x, y, cost], errors.UnfedError, ["Input", "test_bad_input.py:"], lambda: topological_sort({y: [1.0]})
    )


def test_an_unfed_input(backend):
    X, W, b = Input("features"), Input("weights"), Input("bias")
    hidden = Linear(X, W, b)
    act = lambda: topological_sort({X: [[1.0]], b: [1.0]})  # noqa: E731 - as short as its use below
    check_refused([X, W, b, hidden], errors.UnfedError, ["Input 'weights'"], act)
    act = lambda: topological_sort({}, output=hidden)  # noqa: E731
    check_refused([X, W, b, hidden], errors.UnfedError, ["Input 'features'"], act)


def test_an_input_that_lost_its_value(network):
    network.W.value = None
    act = lambda: forward_and_backward(network.graph)  # noqa: E731
    check_refused(network.nodes, errors.UnfedError, ["Input 'weights'"], act)


def test_a_node_that_is_run_before_its_inputs(backend):
    x = Input("features")
    node = Sigmoid(x, name="output")
    check_refused([x, node], errors.UnfedError, ["'features'"], node.forward)
    topological_sort({x: [1.0]})
    after = Tanh(node, name="after")
    check_refused([x, node, after], errors.UnfedError, ["'output'"], after.forward)


def test_feed_of_an_input_outside_of_the_graph(network):
    lone = Input("lone")
    for output in (None, network.cost):
        act = lambda: topological_sort({**network.feed, lone: [1.0]}, output=output)  # noqa: B023, E731 - called at once
        check_refused([*network.nodes, lone], errors.NotInGraphError, ["Input 'lone'"], act)


def test_feed_of_a_node_that_is_no_input(network):
    act = lambda: topological_sort({**network.feed, network.hidden: [[1.0], [2.0]]})  # noqa: E731
    check_refused(network.nodes, errors.GraphError, ["Linear 'hidden'"], act)


@pytest.mark.parametrize("key", ["features", 0])
def test_feed_of_something_that_is_no_node(network, key):
    act = lambda: topological_sort({**network.feed, key: [[1.0], [2.0]]})  # noqa: E731
    check_refused(network.nodes, errors.GraphError, [str(key)], act)


def test_two_backends_in_one_feed(network, backend):
    for name in ("strict", "torch", "jax", "cupy"):
        if name == backend.name:
            continue
        try:
            with use_backend(name) as other:
                foreign = other.asarray(np.ones((2, 3)))
        except errors.BackendError:
            continue
        feed = {**network.feed, network.y: backend.asarray(np.ones((2, 1))), network.X: foreign}
        act = lambda: topological_sort(feed)  # noqa: B023, E731 - called at once
        check_refused(network.nodes, errors.MixedBackendsError, ["Input 'features'", backend.name], act)
        return
    pytest.skip("no other array library can be used here")


def test_a_malformed_or_unknown_backend_changes_no_node(monkeypatch):
    x = Input("features")
    node = Sigmoid(x)
    for text, kind in [("nunpy", errors.UnknownBackendError), ("numpy:", errors.SettingError)]:
        monkeypatch.setenv("MINIFLOW_BACKEND", text)
        check_refused([x, node], kind, [text], lambda: topological_sort({x: [1.0]}))


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0, 2**31 - 1]])
def test_labels_out_of_range(backend, labels):
    y, logits = Input("labels", dtype=int), Input("logits")
    cost = CrossEntropy(y, logits, name="cost")
    graph = topological_sort({y: [0, 2], logits: np.zeros((2, 3))})
    forward_and_backward(graph, wrt=[logits])
    wrong = next(str(label) for label in labels if not 0 <= label < 3)
    y.value = labels
    check_refused(
        [y, logits, cost],
        errors.LabelError,
        ["CrossEntropy 'cost'", wrong, "3"],
        lambda: forward_and_backward(graph, wrt=[logits]),
    )


def test_labels_that_are_no_integers(backend):
    y, logits = Input("labels"), Input("logits")
    cost = CrossEntropy(y, logits, name="cost")
    graph = topological_sort({y: [0, 2], logits: np.zeros((2, 3))})
    act = lambda: forward_and_backward(graph)  # noqa: E731
    check_refused([y, logits, cost], errors.DtypeError, ["CrossEntropy 'cost'", "dtype=int"], act)


def test_fractions_for_an_input_that_is_declared_an_integer(backend):
    y, logits = Input("labels", dtype=int), Input("logits")
    cost = CrossEntropy(y, logits)
    act = lambda: topological_sort({y: [0.5, 1.0], logits: np.zeros((2, 3))})  # noqa: E731
    check_refused([y, logits, cost], errors.DtypeError, ["Input 'labels'", "int", "float"], act)


# Shapes

BAD_SHAPES = {
    "Add": (Add, [(2, 3), (3,)], [(2, 3), (4,)]),
    "Add of three": (Add, [(2, 3), (3,), ()], [(2, 3), (3,), (3, 3)]),
    "Mul": (Mul, [(2, 3), (2, 1)], [(2, 3), (3, 2)]),
    "Sub": (Sub, [(2, 3), (2, 3)], [(2, 3), (2, 2)]),
    "MatMul": (MatMul, [(2, 3), (3, 4)], [(2, 3), (4, 3)]),
    "MatMul of vectors": (MatMul, [(3,), (3,)], [(3,), (4,)]),
    "MatMul of a number": (MatMul, [(2, 3), (3, 4)], [(2, 3), ()]),
    "MatMul of stacks": (MatMul, [(5, 2, 3), (5, 3, 4)], [(5, 2, 3), (6, 3, 4)]),
    "Linear, X and W": (Linear, [(32, 9), (9, 16), (16,)], [(32, 8), (9, 16), (16,)]),
    "Linear, W and b": (Linear, [(2, 3), (3, 4), (4,)], [(2, 3), (3, 4), (5,)]),
    "Linear of a number": (Linear, [(2, 3), (3, 4), (4,)], [(), (3, 4), (4,)]),
    "MSE": (MSE, [(2, 1), (2,)], [(2, 1), (3,)]),
    "MSE that would broadcast": (MSE, [(2, 3), (2, 3)], [(1, 3), (2, 3)]),
    "MSE of a table and one turned round": (MSE, [(2, 3), (2, 3)], [(2, 3), (3, 2)]),
    "MSE of a table in one row": (MSE, [(2, 3), (2, 3)], [(6,), (2, 3)]),
}


@pytest.mark.parametrize("case", BAD_SHAPES)
def test_shapes_that_do_not_fit(backend, case):
    kind, good, bad = BAD_SHAPES[case]
    inputs = [Input(f"input {i}") for i, _ in enumerate(good)]
    node = kind(*inputs, name="culprit")
    cost = MSE(node, Mul(node, 2))
    graph = topological_sort({x: np.ones(shape) for x, shape in zip(inputs, good, strict=True)})
    forward_and_backward(graph)
    for x, shape in zip(inputs, bad, strict=True):
        x.value = np.ones(shape)
    words = [f"{kind.__name__} 'culprit'", *(str(shape) for shape in bad[:2])]
    if "b" in case.split()[-1:]:
        words = [f"{kind.__name__} 'culprit'", str(bad[-1])]
    check_refused([*inputs, node, cost], errors.ShapeError, words, lambda: forward_and_backward(graph))
    check_refused([*inputs, node, cost], errors.ShapeError, words, lambda: forward_pass(graph))


@pytest.mark.parametrize(
    ("labels", "logits"), [((3,), (2, 4)), ((2, 1), (2, 4)), ((2,), (2,)), ((), ())], ids=["rows", "axes", "1-D", "0-D"]
)
def test_shapes_that_do_not_fit_cross_entropy(backend, labels, logits):
    y, z = Input("labels", dtype=int), Input("logits")
    cost = CrossEntropy(y, z, name="culprit")
    graph = topological_sort({y: np.zeros(labels, int), z: np.zeros(logits)})
    words = ["CrossEntropy 'culprit'", str(logits)]
    check_refused([y, z, cost], errors.ShapeError, words, lambda: forward_and_backward(graph, wrt=[z]))


@pytest.mark.parametrize("kind", [Softmax, LogSoftmax])
@pytest.mark.parametrize(("axis", "shape"), [(2, (2, 3)), (-3, (2, 3)), (-1, ())])
def test_an_axis_that_is_not_there(backend, kind, axis, shape):
    x = Input("features")
    node = kind(x, axis=axis, name="culprit")
    graph = topological_sort({x: np.ones(shape)})
    words = [f"{kind.__name__} 'culprit'", str(axis), str(shape)]
    check_refused([x, node], errors.ShapeError, words, lambda: forward_pass(graph))


# Wiring


def test_a_cycle_made_by_hand(network):
    network.hidden.inbound_nodes = [network.X, network.W, network.output]
    words = ["Linear 'hidden'", "Sigmoid 'output'"]
    for output in (None, network.cost):
        act = lambda: topological_sort(network.feed, output=output)  # noqa: B023, E731 - called at once
        check_refused(network.nodes, errors.CycleError, words, act)


def test_a_cycle_of_one_node(backend):
    x = Input("features")
    node = Add(x, 1, name="itself")
    node.inbound_nodes = [x, node]
    check_refused([x, node], errors.CycleError, ["Add 'itself'"], lambda: topological_sort({x: 1.0}, output=node))


def test_a_long_cycle(backend):
    x = Input("features")
    first = last = Add(x, 1, name="first")
    for _ in range(5000):
        last = Add(last, 1)
    first.inbound_nodes = [x, last]
    act = lambda: topological_sort({x: 1.0})  # noqa: E731
    check_refused([x, first, last], errors.CycleError, ["Add 'first'"], act)


@pytest.mark.parametrize("operand", ["1", None, True, [1.0]], ids=["text", "None", "truth", "list"])
def test_an_operand_that_is_no_node(backend, operand):
    x = Input("features")
    check_refused([x], errors.GraphError, ["Add 'sum'"], lambda: Add(x, operand, name="sum"))
    check_refused([x], errors.GraphError, ["Linear 'hidden'"], lambda: Linear(x, operand, x, name="hidden"))


def test_a_node_without_inputs(backend):
    check_refused([], errors.GraphError, ["Mul 'product'"], lambda: Mul(name="product"))


# Gradients


def test_a_cost_that_is_no_scalar(network):
    del network.feed[network.y]
    graph = topological_sort(network.feed, output=network.output)
    words = ["Sigmoid 'output'", "(2, 1)", "MSE"]
    check_refused(network.nodes, errors.CostError, words, lambda: forward_and_backward(graph))


def test_gradient_of_a_node_that_does_not_lead_to_the_cost(network):
    beside, stranger = Parameter([1.0], name="beside"), Input("stranger")
    dead = Tanh(Mul(network.hidden, beside), name="dead")
    graph = topological_sort(network.feed)
    assert dead in graph
    nodes = [*network.nodes, beside, dead, stranger]
    for node, word in [(beside, "'beside'"), (dead, "Tanh 'dead'"), (stranger, "'stranger'")]:
        act = lambda: forward_and_backward(graph, wrt=[network.W, node])  # noqa: B023, E731 - called at once
        check_refused(nodes, errors.NoGradientError, [word], act)


def test_reading_a_gradient_that_nobody_asked_for(network):
    forward_and_backward(network.graph, wrt=[network.W])
    act = lambda: network.X.gradients[network.X]  # noqa: E731
    check_refused(network.nodes, errors.NoGradientError, ["Input 'features'", "wrt"], act)
    act = lambda: network.hidden.gradients[network.y]  # noqa: E731
    check_refused(network.nodes, errors.NoGradientError, ["'target'", "Linear 'hidden'"], act)


def test_update_of_a_trainable_without_a_gradient_updates_none(network):
    forward_and_backward(network.graph, wrt=[network.W])
    act = lambda: sgd_update([network.W, network.b], 0.1)  # noqa: E731
    check_refused(network.nodes, errors.NoGradientError, ["Input 'bias'"], act)
    fresh = Input("fresh")
    act = lambda: sgd_update([network.W, fresh], 0.1)  # noqa: E731
    check_refused([*network.nodes, fresh], errors.NoGradientError, ["Input 'fresh'"], act)


def test_an_old_gradient_does_not_survive_a_pass_that_did_not_compute_it(network):
    assert network.X.gradients[network.X] is not None
    forward_and_backward(network.graph, wrt=[network.W])
    with pytest.raises(errors.NoGradientError):
        network.X.gradients[network.X]


class Failing(Node):
    """A learner's node that fails backward, when the pass has changed other nodes already."""

    def __init__(self, x):
        super().__init__([x], name="failing")

    def forward(self):
        self.value = self.inbound_nodes[0].value * 1

    def backward(self):
        raise ZeroDivisionError("in a learner's own code")


def test_an_error_in_a_learners_own_code_comes_through_and_changes_nothing(backend):
    x, y = Input("features"), Input("target")
    failing = Failing(x)
    cost = MSE(y, failing)
    graph = topological_sort({x: [1.0], y: [2.0]})
    forward_pass(graph)
    x.value = [3.0]
    before = snapshot([x, y, failing, cost])
    with pytest.raises(ZeroDivisionError):
        forward_and_backward(graph)
    assert snapshot([x, y, failing, cost]) == before


# What is no error


def test_nan_and_infinity_are_no_errors(network):
    network.X.value = np.array([[np.nan, 1.0, 1.0], [1.0, 1.0, 1.0]])
    forward_and_backward(network.graph)
    assert np.isnan(to_numpy(network.cost.value))
    assert np.isnan(to_numpy(network.W.gradients[network.W])).any()
    network.X.value = np.array([[-np.inf, 1.0, 1.0], [1.0, 1.0, 1.0]])
    forward_pass(network.graph)
    assert to_numpy(network.output.value)[0, 0] == 0


# Gradients of integers


def integers_named(act):
    """(the node that the error is to name, what is done) for a graph with a declared integer in it."""
    x, w, p = Input("x", dtype=int), Input("w"), Parameter([1, 2], "p", dtype="int32")
    cost, other = MatMul(x, w), MSE(w, Mul(p, 1.0))
    feed, more = {x: np.array([1, 2]), w: np.array([0.5, 0.25])}, {w: np.array([0.5, 0.25])}
    return {
        "Program": (x, lambda: Program(cost, x)(feed)),
        "Program of one that is narrower": (p, lambda: Program(other, [w, p])(more)),
        "forward_and_backward": (x, lambda: forward_and_backward(topological_sort(feed, cost), wrt=[w, x])),
        "gradcheck": (x, lambda: gradcheck(cost, feed, wrt=[x])),
        "Trainer": (p, lambda: Trainer(other).step(more)),
        "Trainer of one that is named": (p, lambda: Trainer(other, parameters=p).step(more)),
    }[act]


@pytest.mark.parametrize(
    "act",
    [
        "Program",
        "Program of one that is narrower",
        "forward_and_backward",
        "gradcheck",
        "Trainer",
        "Trainer of one that is named",
    ],
)
def test_a_gradient_of_declared_integers_is_refused(act):
    node, run = integers_named(act)
    with pytest.raises(errors.DtypeError, match=f"{node}: it is declared int.*gradient") as caught:
        run()
    assert "dtype=float" in caught.value.remedy


@pytest.fixture
def mixing(backend):
    """A backend whose arithmetic takes integers beside floats."""
    if backend.name == "strict":
        pytest.skip("the standard does not mix integers and floats, and strict refuses it")


def test_integers_among_the_leaves_are_left_out_where_no_gradient_is_asked_for(mixing):
    labels, p, q = Input("labels", dtype=int), Parameter([1, 2], "p", dtype=int), Parameter([0.5, 0.25], "q")
    cost = MSE(labels, Mul(p, q))
    forward_and_backward(topological_sort({labels: np.array([1, 1])}, cost))
    np.testing.assert_allclose(to_numpy(q.gradients[q]), [-0.5, -1.0])
    with pytest.raises(errors.NoGradientError, match="'p'"):
        sgd_update([p], 0.1)


class Whole(Node):
    """A node of a user's own with an integer value, 2 at each place of x, and the slope of 3 x."""

    def __init__(self, x):
        super().__init__([x])

    def compute(self, xp, x):
        return xp.astype(xp.ones_like(x) * 2, xp.int32)

    def vjp(self, xp, gradient, value, x):
        return (lambda: gradient * 3,)


def test_a_gradient_is_not_cut_on_its_way_through_integers(mixing):
    x, w = Input("x"), Parameter([0.5, 0.25], "w")
    cost = MatMul(Mul(Whole(x), 1.0), w)
    _, gradients = Program(cost, x)({x: np.array([1.0, 1.0])})
    np.testing.assert_array_equal(to_numpy(gradients[x]), [1.5, 0.75])


# A second pass over arrays that look like those of the first takes them as they are; what looks otherwise is checked

OTHERS = {
    "empty": (lambda: np.ones((0, 2)), errors.FeedError),
    "complex": (lambda: np.ones((1, 2), complex), errors.DtypeError),
    "text": (lambda: np.array([["a", "b"]]), errors.FeedError),
    "masked": (lambda: np.ma.masked_array(np.ones((1, 2)), [[True, False]]), errors.FeedError),
    "matrix": (lambda: np.ones((1, 2)).view(np.matrix), errors.FeedError),
    "no value": (lambda: None, errors.UnfedError),
    "another shape": (lambda: np.ones((1, 3)), errors.ShapeError),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_set_between_passes_is_checked_in_every_pass(case):
    make, kind = OTHERS[case]
    x, w = Input("x"), Input("w")
    cost = MSE(x @ w, 0 * (x @ w))
    graph = topological_sort({x: np.ones((1, 2)), w: np.ones((2, 1))})
    for _ in range(2):
        forward_and_backward(graph)
    before = x.value
    for _ in range(2):
        x.value = make()
        with pytest.raises(kind):
            forward_and_backward(graph)
    x.value = before
    forward_and_backward(graph)
    assert cost.value == 4


def test_settings_of_the_environment_hold_from_the_next_pass_on(monkeypatch):
    x = Input("x")
    MSE(x, 0 * x)
    graph = topological_sort({x: np.ones(2)})
    forward_and_backward(graph)
    monkeypatch.setenv("MINIFLOW_DTYPE", "float32")
    forward_and_backward(graph)
    assert x.value.dtype == np.float32
