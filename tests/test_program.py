"""Program: values and gradients of a frozen graph equal the lesson's, on every backend, and leave no trace on nodes."""

import cProfile
import pstats
import warnings
import weakref
from collections import OrderedDict
from functools import partial

import numpy as np
import pytest
from on_threads import run_threads
from operations import operations
from small_networks import TwoLayers, agree

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.engine import captures as capture
from miniflow_xp.engine.program import Program
from miniflow_xp.schedules import cosine
from miniflow_xp.switch import load

# Networks


class Network(TwoLayers):
    """What a pass gives, and the nodes that it leaves as they were."""

    @property
    def nodes(self):
        return [self.X, self.y, *self.parameters, self.hidden.inbound_nodes[0], self.hidden, self.output, self.cost]

    def feed(self, rows, seed=0):
        return self.batch(rows, rows, seed)

    def lesson(self, feed, wrt=None):
        """Cost and gradients by the lesson's functions, which then leave the nodes as they were."""
        before = [(n, n.value, n.gradients) for n in self.nodes]
        wrt = self.parameters if wrt is None else wrt
        mf.forward_and_backward(mf.topological_sort(feed, self.cost), wrt=wrt)
        found = [self.cost.value, *(n.gradients[n] for n in wrt)]
        for node, value, gradients in before:
            node.value, node.gradients = value, gradients
        return [mf.to_numpy(f) for f in found]


def check_network(network, program, feed):
    value, gradients = program(feed)
    cost, *expected = network.lesson(feed)
    agree(value, cost, network.dtype)
    assert list(gradients) == network.parameters
    for parameter, gradient in zip(network.parameters, expected, strict=True):
        assert mf.to_numpy(gradients[parameter]).shape == np.shape(mf.to_numpy(parameter.value))
        agree(gradients[parameter], gradient, network.dtype)


# What it computes


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("labels", [False, True])
def test_values_and_gradients_are_the_lessons(backend, dtype, labels):
    network = Network(dtype, labels)
    program = Program(network.cost, network.parameters)
    for rows, seed in ((5, 0), (5, 1), (2, 0), (5, 2), (1, 0)):
        check_network(network, program, network.feed(rows, seed))


def test_results_are_arrays_of_the_backend(backend):
    network = Network()
    value, gradients = Program(network.cost, network.parameters)(network.feed(3))
    for array in (value, *gradients.values()):
        assert backend.owns(array)
        assert backend.on_device(array)
    assert value.shape == ()


def test_one_output_comes_alone_and_several_as_a_list(backend):
    network = Network()
    feed = network.feed(3)
    assert mf.to_numpy(Program(network.output)(feed={network.X: feed[network.X]}).values).shape == (3, 2)
    (alone,) = Program([network.cost])(feed).values
    hidden, cost, again = Program([network.hidden, network.cost, network.cost])(feed).values
    agree(alone, mf.to_numpy(cost))
    agree(again, mf.to_numpy(cost))
    assert mf.to_numpy(hidden).shape == (3, 4)
    assert Program(network.cost)(feed).gradients == {}


def test_the_gradients_are_those_of_the_sum_of_the_outputs(backend):
    x = mf.Parameter(np.array([0.5, -2.0]), "x")
    a, b = mf.MSE(x, x * 0), mf.MSE(x, 0 * x + 1)
    x_gradient = Program([a, b], x)().gradients[x]
    agree(x_gradient, np.array([0.5, -2.0]) + np.array([-0.5, -3.0]))


def test_gradients_of_inner_nodes_inputs_and_the_output_itself(backend):
    network = Network()
    feed = network.feed(4)
    _, gradients = Program(network.cost, [network.hidden, network.X, network.cost, network.y])(feed)
    step = 1e-6

    def cost(change):
        moved = {**feed, network.X: feed[network.X] + change}
        return float(mf.to_numpy(Program(network.cost)(moved).values))

    found = mf.to_numpy(gradients[network.X])
    direction = np.random.default_rng(1).uniform(-1, 1, found.shape)
    slope = (cost(step * direction) - cost(-step * direction)) / (2 * step)
    # truncation: a third derivative below 1 in a cost below 10; rounding: 1e-15 of the cost, divided by the step
    assert abs(np.sum(found * direction) - slope) < step**2 + 1e-14 / step
    assert mf.to_numpy(gradients[network.hidden]).shape == (4, 4)
    assert mf.to_numpy(gradients[network.cost]) == 1
    output = mf.to_numpy(Program(network.output)({network.X: feed[network.X]}).values)
    agree(gradients[network.y], 2 * (feed[network.y] - output) / output.size)


def test_a_single_node_may_stand_for_a_list_in_wrt(backend):
    network = Network()
    b2 = network.parameters[-1]
    assert list(Program(network.cost, b2)(network.feed(3)).gradients) == [b2]


def test_a_shared_input_and_a_node_read_twice(backend):
    x = mf.Parameter(np.array([[0.5, -1.5], [1.0, 0.25]]), "x")
    total = mf.MSE(x @ x + x * x - x, 0.0 * x)
    graph = mf.topological_sort({}, total)
    mf.forward_and_backward(graph, wrt=[x])
    expected = mf.to_numpy(x.gradients[x])
    agree(Program(total, x)().gradients[x], expected)


def test_a_sum_that_broadcasts_a_column_and_a_row(backend):
    """(3, 1) + (4,) is (3, 4): the sum is not the product with a bias."""
    A, B, c = (mf.Parameter(np.ones(shape) * 0.5, name) for shape, name in (((3, 2), "A"), ((2, 1), "B"), ((4,), "c")))
    total = A @ B + c
    value, gradients = Program(total, [A, B, c])({}, {total: np.ones((3, 4))})
    agree(value, np.ones((3, 4)))
    agree(gradients[A], np.full((3, 2), 2.0))
    agree(gradients[B], np.full((2, 1), 6.0))
    agree(gradients[c], np.full(4, 3.0))


# Seeds


def test_a_seed_starts_the_gradients_of_an_output_that_is_no_scalar(backend):
    network = Network()
    feed = {network.X: network.feed(3)[network.X]}
    seed = np.random.default_rng(3).uniform(-1, 1, (3, 2))
    program = Program(network.output, network.parameters)
    gradients = program(feed, {network.output: seed}).gradients
    W2, b2 = network.parameters[2:]
    hidden = mf.to_numpy(Program(network.hidden)(feed).values)
    agree(gradients[b2], seed.sum(axis=0))
    agree(gradients[W2], hidden.T @ seed)
    again = program(feed, {network.output: 2 * seed}).gradients
    agree(again[b2], 2 * seed.sum(axis=0))
    agree(gradients[b2], seed.sum(axis=0))


def test_a_seed_for_a_scalar_scales_its_gradients(backend):
    network = Network()
    program = Program(network.cost, network.parameters)
    plain, scaled = program(network.feed(3)), program(network.feed(3), {network.cost: np.asarray(3.0)})
    for parameter in network.parameters:
        agree(scaled.gradients[parameter], 3 * mf.to_numpy(plain.gradients[parameter]))


@pytest.mark.parametrize("seed", [np.ones((3, 2), int), [[1, 1], [1, 1], [1, 1]], np.ones((3, 2))])
def test_a_seed_of_numbers_takes_the_dtype_of_the_output(backend, seed):
    network = Network("float32")
    feed = {network.X: network.feed(3)[network.X]}
    b2 = network.parameters[-1]
    gradient = Program(network.output, b2)(feed, {network.output: seed}).gradients[b2]
    agree(gradient, np.full(2, 3.0, "float32"), "float32")


def test_a_seed_of_another_shape_or_for_no_output():
    network = Network()
    program = Program(network.cost, network.parameters)
    with pytest.raises(errors.ShapeError, match="'cost'"):
        program(network.feed(3), {network.cost: np.ones(2)})
    with pytest.raises(errors.GraphError, match="'output'"):
        program(network.feed(3), {network.output: np.ones((3, 2))})
    check_network(network, program, network.feed(3))


# Nothing is left, and nothing too much runs


def test_nothing_is_left_on_the_nodes(backend):
    network = Network()
    before = [(n.value, dict(n.gradients), list(n.inbound_nodes), list(n.outbound_nodes)) for n in network.nodes]
    Program([network.hidden, network.cost], network.parameters[2:])(network.feed(3))
    after = [(n.value, dict(n.gradients), list(n.inbound_nodes), list(n.outbound_nodes)) for n in network.nodes]
    for old, new in zip(before, after, strict=True):
        assert old[0] is new[0]
        assert old[1:] == new[1:]


def test_a_lessons_pass_is_not_disturbed(backend):
    network = Network()
    graph = mf.topological_sort(network.feed(4))
    mf.forward_and_backward(graph)
    before = [(n.value, dict(n.gradients)) for n in graph]
    check = Program(network.cost, network.parameters)
    check(network.feed(3))
    for node, (value, gradients) in zip(graph, before, strict=True):
        assert node.value is value
        assert dict(node.gradients) == gradients


class Spy(mf.Node):
    """x, and a note whenever its value or its gradient is computed."""

    def __init__(self, x, notes, name):
        super().__init__([x], name)
        self.notes = notes

    def compute(self, xp, x):
        self.notes.append(self.name)
        return x * 1.0

    def vjp(self, xp, gradient, value, x):
        def thunk():
            self.notes.append("∂" + self.name)
            return gradient * 1.0

        return (thunk,)


def test_only_what_is_asked_for_runs(backend):
    notes = []
    x, p, q = mf.Input("x"), mf.Parameter(np.array([1.0, 2.0]), "p"), mf.Parameter(np.array([3.0]), "q")
    left, middle, right = Spy(x, notes, "left"), Spy(p, notes, "middle"), Spy(q, notes, "right")
    Spy(left, notes, "dead")
    cost = mf.MSE(left * middle * right, 0.0 * x)
    feed = {x: np.array([0.5, 0.25])}
    Program(cost)(feed)
    assert set(notes) == {"left", "middle", "right"}
    notes.clear()
    Program(cost, p)(feed)
    assert set(notes) == {"left", "middle", "right", "∂middle"}
    notes.clear()
    Program([middle], p)({}, {middle: np.ones(2)})
    assert set(notes) == {"middle", "∂middle"}


class Counting:
    """NumPy's namespace, which counts matrix products."""

    def __init__(self, xp):
        self.xp, self.products = xp, 0

    def __getattr__(self, name):
        return getattr(self.xp, name)

    def matmul(self, a, b):
        self.products += 1
        return self.xp.matmul(a, b)


@pytest.mark.parametrize(
    ("names", "products"), [("", 2), ("b2", 2), ("W2", 3), ("b1", 3), ("W1 b1 W2 b2", 5), ("X", 4)]
)
def test_only_the_products_of_wanted_gradients_are_computed(names, products):
    network = Network()
    wrt = [n for n in network.nodes if n.name in names.split()]
    assert len(wrt) == len(names.split())
    graph = Program(network.cost, wrt).graph
    values = {**{p: p.value for p in network.parameters}, **network.feed(3)}
    counting = Counting(mf.get_backend().xp)
    graph.run(counting, [values[leaf] for leaf in graph.leaves])
    assert counting.products == products


class Watch(mf.Node):
    """x + 1; notes which of the values that came before are still alive."""

    def __init__(self, x, alive):
        super().__init__([x])
        self.alive = alive

    def compute(self, xp, x):
        value = x + 1.0
        earlier = [reference() is not None for reference, _ in self.alive]
        self.alive.append((weakref.ref(value), sum(earlier)))
        return value


def test_values_are_dropped_at_their_last_use():
    node, alive = mf.Input("x"), []
    x = node
    for _ in range(20):
        node = Watch(node, alive)
    graph = Program(node).graph
    assert x is graph.leaves[0]
    outputs = graph.run(mf.get_backend().xp, [np.zeros(3)]).outputs
    np.testing.assert_array_equal(outputs[0], np.full(3, 20.0))
    assert max(count for _, count in alive) == 1  # the one that is being read


def test_a_run_that_checks_returns_what_is_to_be_checked_of_fed_values():
    network = Network(labels=True)
    graph = Program(network.cost).graph
    values = {**{p: p.value for p in network.parameters}, **network.feed(3)}
    arrays = [values[leaf] for leaf in graph.leaves]
    run = graph.run(mf.get_backend().xp, arrays, checks=True)
    assert [guard.node for guard in run.guards] == [network.cost]
    assert graph.run(mf.get_backend().xp, arrays).guards == []


def test_a_chain_of_20_000_nodes_is_no_recursion():
    node = x = mf.Input("x")
    for _ in range(20_000):
        node = mf.Neg(node)
    graph = Program(node, x).graph
    (value,), (gradient,), _ = graph.run(mf.get_backend().xp, [np.asarray(2.0)])
    assert (value, gradient) == (2, 1)


def test_one_layer_more_costs_few_operations_at_the_first_call():
    """At most half of the 3,683 (Python 3.11) that it once took: Python functions and C functions."""

    def first_call(layers):
        x, y = mf.Input("x"), mf.Input("y")
        W, b = mf.Parameter(np.ones((4, 4)), "W"), mf.Parameter(np.ones(4), "b")
        node = x
        for _ in range(layers):
            node = mf.Sigmoid(mf.Linear(node, W, b))
        program = Program(mf.MSE(y, node), [W, b])
        return lambda: program({x: np.ones((3, 4)), y: np.ones((3, 4))})

    with mf.use_backend("numpy"):
        first_call(1)()  # imports, and what else is done once
        few, many = (operations(first_call(layers)) for layers in (10, 110))
    assert many - few <= 100 * 3683 / 2


def test_two_programs_may_share_nodes(backend):
    network = Network()
    hidden, cost = Program(network.hidden), Program(network.cost, network.parameters)
    feed = network.feed(3)
    first = mf.to_numpy(hidden({network.X: feed[network.X]}).values)
    check_network(network, cost, feed)
    agree(hidden({network.X: feed[network.X]}).values, first)


# Feeds


def test_an_integer_feed_takes_the_dtype_of_the_parameters(backend):
    network = Network("float32")
    program = Program(network.cost, network.parameters)
    rows = np.arange(6).reshape(2, 3) % 3
    for _ in range(2):
        check_network(network, program, {network.X: rows, network.y: [[0, 1], [1, 0]]})


def test_lists_numbers_and_values_set_before(backend):
    network = Network()
    program = Program(network.cost, network.parameters)
    network.X.value = [[1.0, 2.0, 3.0], [0.0, 1.0, 0.5]]
    feed = {network.y: [[0.5, 0.5], [1, 0]]}
    value = mf.to_numpy(program(feed).values)
    expected = mf.to_numpy(
        program({network.X: np.array(network.X.value), network.y: np.array([[0.5, 0.5], [1, 0]])})[0]
    )
    agree(value, expected)


def test_read_only_feeds_that_are_not_contiguous_are_left_as_they_are(backend):
    network = Network()
    program = Program(network.cost, network.parameters)
    wide = np.random.default_rng(5).uniform(-1, 1, (6, 8))
    feed = {network.X: wide[::2, 1:4], network.y: wide.T[3:5, 3:6].T}
    for array in feed.values():
        array.flags.writeable = False
    copies = [array.copy() for array in feed.values()]
    for _ in range(2):
        check_network(network, program, feed)
    for array, copy in zip(feed.values(), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_a_parameter_that_is_set_between_calls_is_seen(backend):
    network = Network()
    program = Program(network.cost, network.parameters)
    feed = network.feed(3)
    program(feed)
    network.parameters[1].value = np.full(4, 0.25)
    check_network(network, program, feed)
    network.parameters[0].value = mf.get_backend().asarray(np.full((3, 4), -0.5))
    check_network(network, program, feed)


def test_a_parameter_may_be_fed_and_keeps_its_value(backend):
    network = Network()
    b2 = network.parameters[-1]
    kept, program = b2.value, Program(network.output)
    X = network.feed(3)[network.X]
    less, more = program({network.X: X}).values, program({network.X: X, b2: kept + 1.0}).values
    agree(more, mf.to_numpy(less) + 1)
    assert b2.value is kept


def test_results_are_never_overwritten_by_later_calls(backend):
    network = Network()
    forward = Program([network.cost, network.hidden, network.parameters[0], network.y])
    backward = Program(network.cost, network.parameters)
    kept, copies = [], []
    for seed in range(4):
        values, gradients = forward(network.feed(3, seed)).values, backward(network.feed(3, seed)).gradients
        kept.append([*values, *gradients.values()])
        copies.append([np.array(mf.to_numpy(array)) for array in kept[-1]])
    for arrays, expected in zip(kept, copies, strict=True):
        for array, copy in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(mf.to_numpy(array), copy)
    assert not np.array_equal(copies[0][1], copies[1][1])


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_results_that_a_caller_writes_to_change_no_later_ones(name):
    pytest.importorskip(name)
    p, q = mf.Parameter(2.0, "p"), mf.Parameter(3.0, "q")
    program = Program(p + q + 1, [p, q])
    with mf.use_backend(name):
        for _ in range(3):
            value, gradients = program()
            assert [float(value), float(gradients[p]), float(gradients[q])] == [6, 1, 1]
            value *= 10
            gradients[p] *= 10


def test_labels_out_of_range_are_found_at_each_call(backend):
    network = Network(labels=True)
    program = Program(network.cost, network.parameters)
    X = network.feed(3)[network.X]
    for bad in ([0, 1, 2], [0, -1, 0]):
        on_device = backend.asarray(np.array(bad))
        looked_at = (bad, np.array(bad), *([on_device] if backend.device.startswith("cpu") else []))
        for labels in looked_at:
            with pytest.raises(errors.LabelError, match="'cost'"):
                program({network.X: X, network.y: labels})
            check_network(network, program, {network.X: X, network.y: np.array([0, 1, 0])})
        if not backend.device.startswith("cpu"):  # there a look would wait for the device
            assert np.isfinite(mf.to_numpy(program({network.X: X, network.y: on_device}).values))


# Signatures


@pytest.fixture
def captures(backend, monkeypatch):
    """The list of all captures made on the backend."""
    made, original = [], type(backend).capture

    def counting(self, function, arrays, state):
        made.append([array.shape for array in arrays])
        return original(self, function, arrays, state)

    monkeypatch.setattr(type(backend), "capture", counting)
    return made


def test_a_new_shape_or_dtype_captures_anew_and_an_old_one_does_not(captures):
    x = mf.Input("x")
    program = Program(mf.MSE(x, 0 * x), x)

    def run(array):
        value, gradients = program({x: array})
        agree(value, np.mean(array**2, dtype=array.dtype), str(array.dtype))
        agree(gradients[x], 2 * array / array.dtype.type(array.size), str(array.dtype))

    for shape, dtype, count in [
        ((3,), "float64", 1),
        ((3,), "float64", 1),
        ((2, 2), "float64", 2),
        ((3,), "float64", 2),
        ((3,), "float32", 3),
        ((2, 2), "float64", 3),
        ((4,), "float64", 4),
    ]:
        run(np.linspace(-1, 1, int(np.prod(shape))).reshape(shape).astype(dtype))
        assert len(captures) == count


def test_another_backend_captures_anew():
    network = Network()
    program = Program(network.cost, network.parameters)
    feed = network.feed(3)
    check_network(network, program, feed)
    with mf.use_backend("strict"):
        check_network(network, program, feed)
        assert "strict" in program.explain()
    check_network(network, program, feed)


def test_the_cache_is_bounded_and_the_least_recently_used_goes(captures):
    x = mf.Input("x")
    program = Program(mf.Neg(x))
    bound = capture.KEPT
    for size in range(1, bound + 1):
        program({x: np.ones(size)})
    program({x: np.ones(1)})
    assert len(captures) == bound
    program({x: np.ones(bound + 1)})  # size 2 was used the longest time ago
    program({x: np.ones(1)})
    program({x: np.ones(3)})
    assert len(captures) == bound + 1
    program({x: np.ones(2)})
    assert len(captures) == bound + 2


def test_shapes_that_keep_changing_are_reported_once():
    x = mf.Input("x")
    program = Program(mf.Neg(x))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for size in range(1, 60):
            program({x: np.ones(size)})
    (warning,) = caught
    text = str(warning.message)
    assert "short batch" in text
    assert "pad" in text
    assert warning.filename == __file__  # the line that feeds it


def test_shapes_that_come_back_are_not_reported():
    x = mf.Input("x")
    program = Program(mf.Neg(x))
    for _ in range(50):
        for size in (64, 64, 64, 17, 100):
            program({x: np.ones(size)})


def test_a_new_shape_now_and_then_is_not_reported():
    x = mf.Input("x")
    program = Program(mf.Neg(x))
    for size in range(1, 40):
        for _ in range(5):
            program({x: np.ones(size)})


# Threads


def test_two_threads_on_one_program(backend):
    network = Network()
    program = Program(network.cost, network.parameters)
    feeds = [network.feed(rows, seed) for rows in (2, 3) for seed in range(3)]
    expected = [network.lesson(feed) for feed in feeds]

    def work(number):
        with mf.use_backend(backend):
            for turn in range(12):
                n = (turn * (number + 1) + number) % len(feeds)
                value, gradients = program(feeds[n])
                for got, wanted in zip([value, *gradients.values()], expected[n], strict=True):
                    agree(got, wanted)

    run_threads([partial(work, n) for n in range(2)])


def test_a_capture_that_another_thread_pushes_out_while_it_is_fetched_still_runs():
    class Emptied(OrderedDict):
        def get(self, key):
            return self.pop(key, None)  # as if another thread had come between

    x = mf.Input("x")
    program = Program(mf.Neg(x))
    for size in (1, 2, 3):
        program({x: np.ones(size)})
    program._captures._kept = Emptied(program._captures._kept)
    assert program({x: np.ones(2)}).values.tolist() == [-1.0] * 2


@pytest.mark.filterwarnings("ignore:.*shapes or dtypes keep changing:UserWarning")
def test_threads_that_push_each_others_captures_out_of_the_cache():
    x = mf.Input("x")
    program = Program(mf.Neg(x))

    def work(number):
        with mf.use_backend("strict"):
            for turn in range(150):
                size = 1 + (turn * 7 + number * 3) % (capture.KEPT + 3)
                assert mf.to_numpy(program({x: np.ones(size)}).values).tolist() == [-1.0] * size

    run_threads([partial(work, n) for n in range(4)])


# Misuse


def test_no_outputs_and_outputs_that_are_no_nodes():
    with pytest.raises(errors.GraphError, match="no outputs"):
        Program([])
    with pytest.raises(errors.GraphError, match="float"):
        Program([mf.Input("x"), 3.0])
    with pytest.raises(errors.GraphError, match="str"):
        Program(mf.Input("x"), ["x"])


def test_what_a_program_and_a_trainer_run_cannot_be_replaced():
    """A schedule of learning rates is ``fit``'s: one that is set here is refused, or at least breaks nothing."""
    network = Network()
    feed = network.feed(3)
    program = Program(network.cost, network.parameters)
    program.schedule = cosine(100)
    check_network(network, program, feed)
    trainer = mf.Trainer(network.cost)
    with pytest.raises(errors.SettingError, match=r"fit\(\.\.\., schedule=\.\.\.\)"):
        trainer.schedule = cosine(100)
    for runs in (program, trainer):
        with pytest.raises(AttributeError):
            runs.graph = cosine(100)


def test_a_gradient_of_a_node_that_no_output_depends_on():
    network = Network()
    other = mf.Parameter(1.0, "other")
    for wrt in (other, network.y):
        with pytest.raises(errors.NoGradientError, match=repr(wrt.name)):
            Program(network.output, wrt)


def test_a_gradient_that_no_rule_has(backend):
    network = Network(labels=True)
    program = Program(network.cost, network.y)
    with pytest.raises(errors.NoGradientError, match="'y'"):
        program(network.feed(3))


def test_gradients_of_an_output_that_is_no_scalar(backend):
    network = Network()
    with pytest.raises(errors.CostError, match="'output'"):
        Program(network.output, network.parameters)({network.X: np.ones((3, 3))})


def test_an_unfed_input(backend):
    network = Network()
    program = Program(network.cost, network.parameters)
    for _ in range(2):
        with pytest.raises(errors.UnfedError, match="'y'"):
            program({network.X: np.ones((3, 3))})
        program(network.feed(3))


def test_a_fed_node_that_is_not_read_or_is_no_input():
    network = Network()
    program = Program(network.output)
    X = np.ones((3, 3))
    for node, name in ((network.y, "'y'"), (network.hidden, "'hidden'"), ("X", "X")):
        with pytest.raises(errors.NotInGraphError, match=name):
            program({network.X: X, node: X})


def test_shapes_and_dtypes_that_do_not_fit_name_the_node_at_each_call(backend):
    network = Network()
    program = Program(network.cost, network.parameters)
    for _ in range(2):
        with pytest.raises(errors.ShapeError, match="'first'"):
            program({network.X: np.ones((2, 4)), network.y: np.ones((2, 2))})
        with pytest.raises(errors.ShapeError, match="'cost'"):
            program({network.X: np.ones((2, 3)), network.y: np.ones((3, 2))})
        with pytest.raises(errors.DtypeError, match="'X'"):
            program({network.X: np.ones((2, 3), complex), network.y: np.ones((2, 2))})
        with pytest.raises(errors.FeedError, match="'X'"):
            program({network.X: [[1.0], [1.0, 2.0]], network.y: np.ones((2, 2))})
        check_network(network, program, network.feed(2))


def test_an_array_of_another_library_names_the_input():
    torch = pytest.importorskip("torch")
    network = Network()
    program = Program(network.cost, network.parameters)
    program(network.feed(2))
    with pytest.raises(errors.MixedBackendsError, match="'X'"):
        program({**network.feed(2), network.X: torch.ones((2, 3), dtype=torch.float64)})


def test_a_learners_node_with_its_own_forward_or_backward_is_refused():
    """A frozen graph does not call them, so it would compute something else without a word."""

    class OwnForward(mf.Node):
        def forward(self):
            self.value = self.inbound_nodes[0].value

    class Scaled(mf.Sigmoid):
        def forward(self):
            self.value = 2 * self.inbound_nodes[0].value

    class StraightThrough(mf.Sigmoid):
        def backward(self):
            self.gradients = {self.inbound_nodes[0]: self.arriving_gradient(mf.get_backend().xp)}

    x = mf.Input("x")
    for node in (OwnForward([x], "mine"), Scaled(x, "mine"), StraightThrough(x, "mine")):
        with pytest.raises(errors.GraphError, match="'mine'"):
            Program(mf.MSE(x, node), x)


def test_a_node_without_vjp_has_the_gradient_of_what_it_computes():
    class Half(mf.Node):
        def compute(self, xp, x):
            return 0.5 * x

    x = mf.Input("x")
    half = Half([x], "half")
    assert Program(half)({x: 3.0}).values == 1.5
    assert Program(half, x)({x: 3.0}).gradients[x] == 0.5


# What it says


def test_print_shows_one_equation_a_line_forward_then_backward():
    network = Network()
    text = str(Program(network.cost, network.parameters))
    forward, backward = text.split("backward")
    lines = [line.strip() for line in forward.splitlines()[1:]]
    assert [line.split(" = ")[0] for line in lines if line] == ["first", "hidden", "output", "cost"]
    for equation in ("first = Linear(X, W1, b1)", "hidden = Sigmoid(first)", "cost = MSE(y, output)"):
        assert equation in forward
    for name in ("W1", "b1", "W2", "b2", "hidden", "output"):
        assert f"∂{name}" in backward
    assert "∂X" not in backward
    assert "backward" not in str(Program(network.cost))


def test_print_shows_shapes_and_dtypes_once_they_are_known(backend):
    network = Network("float32")
    program = Program(network.cost, network.parameters)
    assert "(5, 4)" not in str(program)
    program(network.feed(5))
    (line,) = (line for line in str(program).splitlines() if "hidden = Sigmoid(first)" in line)
    assert "(5, 4)" in line
    assert "float32" in line


def chain(length):
    node = mf.Input("x")
    for _ in range(length):
        node = mf.Tanh(node)
    return Program(node)


def calls(run):
    """How many functions were called."""
    profile = cProfile.Profile()
    profile.runcall(run)
    return pstats.Stats(profile).total_calls


@pytest.mark.parametrize(
    "run",
    [
        lambda cost, W, feed: mf.forward_and_backward(mf.topological_sort(feed, cost)),
        lambda cost, W, feed: Program(cost, W)(feed),
        lambda cost, W, feed: mf.Trainer(cost).step(feed),
        lambda cost, W, feed: mf.gradcheck(cost, feed),
    ],
    ids=["lesson", "Program", "Trainer", "gradcheck"],
)
def test_there_is_one_reverse_pass(run):
    x, W = mf.Input("x"), mf.Parameter(2.0, "W")
    profile = cProfile.Profile()
    profile.runcall(run, mf.Tanh(x * W) + W, W, {x: 3.0})
    called = {(path.rpartition("/")[2], function) for path, _, function in pstats.Stats(profile).stats}
    assert ("graph.py", "reverse_pass") in called


@pytest.mark.parametrize("work", [str, lambda program: program({program.graph.leaves[0]: np.ones(2)})])
def test_printing_and_capturing_take_calls_in_proportion_to_the_nodes(work):
    work(chain(20))
    few, many = (calls(partial(work, chain(length))) for length in (200, 800))
    assert many < 5 * few


def test_a_capture_asks_a_rule_once(backend):
    asked = []

    class Asked(mf.Tanh):
        def compute(self, xp, x):
            asked.append(xp)
            return super().compute(xp, x)

    x = mf.Input("x")
    program = Program(Asked(x))
    if backend.name == "strict":
        pytest.skip("it captures nothing")
    for _ in range(3):
        program({x: np.ones(2)})
    assert len(asked) == 1


def test_names_that_others_have_are_passed_over():
    x = mf.Input("x")
    a, b, c = mf.Tanh(x, name="tanh1"), mf.Tanh(x), mf.Tanh(x, name="tanh1")
    lines = str(Program([a, b, c, mf.Tanh(x), mf.Tanh(x, name="tanh1")])).splitlines()
    assert [line.split()[0] for line in lines[1:6]] == ["tanh1", "tanh2", "tanh12", "tanh3", "tanh13"]


def test_nodes_without_a_name_get_names_that_differ():
    x = mf.Input()
    text = str(Program(mf.Sigmoid(mf.Sigmoid(x)) + mf.Input("sigmoid1"), x))
    names = [line.split(" = ")[0].strip() for line in text.partition("backward")[0].splitlines() if " = " in line]
    assert len(set(names)) == 3
    assert "sigmoid1" not in names


def test_explain_says_what_capture_did(backend):
    network = Network()
    program = Program(network.cost, network.parameters)
    assert "not captured" in program.explain()
    program(network.feed(3))
    words = {"numpy": "recorded and replayed", "torch": "recorded", "jax": "jit", "strict": "plain loop"}
    assert words.get(backend.name, "") in program.explain()
    assert backend.name in program.explain()
    assert program.explain() in str(program)


@pytest.mark.parametrize("transformation", ["jit", "grad", "vmap"])
def test_a_program_is_a_function_that_jax_transforms(transformation):
    jax = pytest.importorskip("jax")
    x = mf.Input("x", dtype="float32")
    program = Program(mf.Sigmoid(x))
    rows = jax.numpy.asarray([-1.0, 0.5, 2.0], "float32")
    with mf.use_backend("jax"):
        wanted = getattr(jax, transformation)(lambda a: jax.numpy.sum(jax.nn.sigmoid(a)))(rows)
        found = getattr(jax, transformation)(lambda a: jax.numpy.sum(program({x: a}).values))(rows)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_captured_step_on_jax_has_read_the_hosts_arrays_when_it_returns():
    """JAX reads aligned memory of the host's in place, and in the background."""
    pytest.importorskip("jax")
    memory = np.zeros(2**20 + 8)
    start = -memory.ctypes.data % 64 // 8
    aligned = memory[start : start + 2**20]
    backend = load("jax")
    run = backend.capture(lambda xp, a: [xp.sin(a) * 2], [aligned], 0)
    for _ in range(5):
        aligned[:] = 0
        (result,) = run(aligned)
        aligned[:] = 5
        assert not backend.to_numpy(result).any()
