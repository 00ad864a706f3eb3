"""Large steps on JAX, which are compiled in parts, equal ones once: where they are cut, and what they compute."""

import re
from itertools import product

import numpy as np
import pytest
from small_networks import agree

import miniflow_xp as mf
from miniflow_xp.backends.jax.repeats import repeats
from miniflow_xp.recording.walks import soonest

ROWS = np.random.default_rng(5).normal(size=(6, 4))


# Where equations repeat themselves


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("abcdefgh", []),
        ("aaaaaa", [(0, 6, 1)]),
        ("xyabcabcabcabz", [(2, 13, 3)]),
        ("xaab" * 3, [(0, 12, 4)]),
        ("abababcdefefefg", [(0, 6, 2), (8, 14, 2)]),
        ("abababacdacdacdacd", [(0, 6, 2), (6, 18, 3)]),  # both repeat the a between them
    ],
)
def test_a_sequence_is_seen_to_repeat_itself(text, found):
    assert repeats(text, 6) == found


def test_repeats_of_long_periods_with_repeats_inside_are_seen():
    block = [*range(40), *[40] * 20, *range(41, 100)]
    assert repeats([-1, *block * 10, -2], 500) == [(1, 1 + 10 * len(block), len(block))]


# What is compiled, and what it computes


@pytest.fixture
def in_parts(monkeypatch):
    """Every step on one CPU of JAX is compiled in parts of about this many equations."""
    jax = pytest.importorskip("jax")
    from miniflow_xp.backends.jax import adapter, parts

    jax.config.update("jax_enable_x64", True)

    def switched(equal, part=None):
        monkeypatch.setattr(adapter, "LARGE", -1)
        monkeypatch.setattr(parts, "EQUAL", equal)
        monkeypatch.setattr(parts, "PART", part or equal)

    with mf.use_backend("jax:cpu"):
        yield switched


def counted(text):
    """How many parts a step has, and how many different ones."""
    found = re.search(r"in (\d+) parts, (\d+) of them different", text)
    assert found, text
    return int(found[1]), int(found[2])


class Deep:
    """X (6, 4) → width → … → width, and the mean of squares; ``layer(network, x, number)`` is one more layer."""

    def __init__(self, layer, layers=12, width=4, dtype="float32"):
        self.rng, self.width, self.dtype = np.random.default_rng(3), width, dtype
        self.X, self.y = mf.Input("X"), mf.Input("y")
        self.shared = self.parameter(width, width)
        self.first = x = self.X
        self.earlier = []
        for number in range(layers):
            self.earlier.append(x)
            x = layer(self, x, number)
        self.cost = mf.MSE(self.y, x)
        self.feed = {self.X: ROWS[:, :width].astype(dtype), self.y: np.tanh(ROWS[:, :width]).astype(dtype)}

    def parameter(self, *shape):
        return mf.Parameter((self.rng.normal(size=shape) / 2).astype(self.dtype))

    def linear(self, x):
        return mf.Linear(x, self.parameter(self.width, self.width), self.parameter(self.width))


def batch_norm(network, x, number):
    return mf.BatchNorm(network.width)(mf.Tanh(network.linear(x)))


LAYERS = {
    "plain": lambda network, x, number: mf.Sigmoid(network.linear(x)),
    "shared parameter": lambda network, x, number: mf.Tanh(mf.Linear(x, network.shared, network.parameter(4))),
    "skip far": lambda network, x, number: mf.Tanh(network.linear(x)) + network.earlier[number // 2],
    "skip to the first": lambda network, x, number: mf.Tanh(network.linear(x)) + network.first,
    "numbers": lambda network, x, number: mf.Tanh(network.linear(x)) * (1 + number / 100),
    "constants": lambda network, x, number: mf.Tanh(network.linear(x)) * np.linspace(1, 2, 4).astype("float32"),
    "batch norm": batch_norm,
}
OPTIMIZERS = {
    "SGD": lambda: mf.SGD(0.05),
    "Adam": lambda: mf.Adam(0.01),
    "clipped": lambda: mf.SGD(0.05, momentum=0.9).clipped(1.0),
}


def trained(layer, optimizer, **form):
    """Costs of four steps, the parameters after them, and what the trainer explains."""
    network = Deep(LAYERS[layer], **form)
    trainer = mf.Trainer(network.cost, OPTIMIZERS[optimizer]())
    costs = [mf.to_numpy(trainer.step(network.feed)) for _ in range(4)]
    return [*costs, *trainer.snapshot().values], trainer.explain()


@pytest.mark.parametrize(
    ("layer", "optimizer"), [*product(LAYERS, ["SGD"]), *product(["plain", "shared parameter"], ["Adam", "clipped"])]
)
def test_training_in_parts_is_training_with_the_whole_step(layer, optimizer, in_parts):
    whole, how = trained(layer, optimizer)
    assert "as one" in how
    in_parts(10)
    parts, how = trained(layer, optimizer)
    assert counted(how)[0] > 4
    for got, expected in zip(parts, whole, strict=True):
        agree(got, expected, "float32", steps=12 * 4)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_training_in_parts_in_other_precisions(dtype, in_parts):
    whole, _ = trained("plain", "Adam", dtype=dtype)
    in_parts(10)
    for got, expected in zip(trained("plain", "Adam", dtype=dtype)[0], whole, strict=True):
        agree(got, expected, dtype, steps=12 * 4)


@pytest.mark.parametrize("layer", ["plain", "shared parameter", "skip to the first", "constants"])
def test_equal_parts_are_compiled_once(layer, in_parts, monkeypatch):
    from miniflow_xp.backends.jax import parts

    evaluate, traced = parts.evaluate_on, []
    monkeypatch.setattr(parts, "evaluate_on", lambda *args: traced.append(1) or evaluate(*args))

    def compiled(layers):
        network = Deep(LAYERS[layer], layers)
        trainer = mf.Trainer(network.cost, mf.SGD(0.05))
        traced.clear()
        for _ in range(3):
            trainer.step(network.feed)
        number, different = counted(trainer.explain())
        assert len(traced) == different
        return number, different

    in_parts(20)
    few, many = compiled(16), compiled(64)
    assert many[0] > 3 * few[0]
    assert many[1] <= few[1] + 2 < 12  # what is left over of layers that do not fill a part may differ


def test_a_step_that_nowhere_repeats_itself_is_cut_evenly(in_parts):
    in_parts(1000, 30)
    network = Deep(LAYERS["plain"], layers=12)
    program = mf.Program(network.cost)
    program(network.feed)
    number, different = counted(program.explain())
    assert number == different > 1


def test_numbers_that_differ_are_not_taken_for_equal(in_parts):
    in_parts(4)

    def scaled(xp, x):
        for n in range(20):
            x = xp.tanh(x * (1 + n / 10)) + n
        return [x]

    def run(function, arrays, state=0):
        backend = mf.get_backend()
        capture = backend.capture(function, [backend.asarray(a) for a in arrays], state)
        assert counted(capture.how)
        return mf.to_numpy(capture(*map(backend.asarray, arrays[state:]))[0])

    expected = scaled(np, ROWS)[0]
    np.testing.assert_allclose(run(scaled, [ROWS]), expected, rtol=1e-12)


def large_steps():
    """{name: function of arrays, and arrays}; each has calls inside of calls, constants, results that are given."""
    weights = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)

    def layers(xp, w, x):
        for _ in range(6):
            x = xp.where(x > 0.1, xp.tanh(xp.matmul(xp.matmul(x, w), weights.T)), 0.5 * x) + xp.mean(x)
        return [w - xp.sum(x), x, w, xp.ones_like(w), xp.asarray(3)]

    def algebra(xp, a):
        product = xp.matmul(a, xp.matrix_transpose(a)) + xp.eye(3, dtype=a.dtype)
        return [xp.linalg.solve(product, a), *xp.linalg.qr(product), xp.sort(a, axis=0), xp.cumulative_sum(a, axis=0)]

    x = ROWS[:3, :2].astype("float32")
    return {"layers": (layers, [weights, x]), "algebra": (algebra, [x]), "nothing": (lambda xp, x: [x], [x])}


@pytest.mark.parametrize("state", [0, 1])
@pytest.mark.parametrize("name", large_steps())
def test_a_large_step_in_parts_is_the_whole_step(name, state, in_parts):
    function, arrays = large_steps()[name]

    def three_runs():
        backend = mf.get_backend()
        capture = backend.capture(function, [backend.asarray(a) for a in arrays], state)
        runs = [capture(*map(backend.asarray, arrays[state:])) for _ in range(3)]
        return [mf.to_numpy(r).tobytes() for results in runs for r in results], capture.how

    whole, how = three_runs()
    assert "as one" in how
    in_parts(2)
    found, how = three_runs()
    assert found == whole
    assert counted(how)[0] > 2 or name == "nothing"


# State


def renewals():
    """{name: step(xp, first, second, x)}; state is renewed by other state, twice by one array, or is a result."""
    return {
        "swapped": lambda xp, a, b, x: [b, a, xp.sum(a * x - b)],
        "both the same": lambda xp, a, b, x: [(new := a + b * x), new, xp.sum(new)],
        "one is a result": lambda xp, a, b, x: [(new := a + x), b, new],
        "the old is a result": lambda xp, a, b, x: [a + x, b * 2, a],
        "one takes the old of the other": lambda xp, a, b, x: [b, b + a * x, b],
        "a constant": lambda xp, a, b, x: [xp.ones_like(a), b + a, a + b],
        "read after it was renewed": lambda xp, a, b, x: [(new := a + x), xp.tanh(new * x) + a, a * b],
        "not renewed": lambda xp, a, b, x: [a, b, a + b + x],
        "nothing is computed": lambda xp, a, b, x: [a, b, x],
    }


@pytest.mark.parametrize("name", renewals())
def test_state_in_parts_is_that_of_the_whole_step(name, in_parts):
    arrays = [ROWS, ROWS + 1, ROWS / 3]

    def five_calls():
        backend = mf.get_backend()
        capture = backend.capture(renewals()[name], [backend.asarray(a) for a in arrays], 2)
        results = [capture(backend.asarray(arrays[2]))[0] for _ in range(5)]
        return [mf.to_numpy(a) for a in [*results, capture.read(0), capture.read(1)]]

    whole = five_calls()
    in_parts(1)
    for got, expected in zip(five_calls(), whole, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_state_in_parts_is_donated(in_parts):
    in_parts(10)
    network = Deep(LAYERS["plain"])
    trainer = mf.Trainer(network.cost, mf.Adam(0.01))
    trainer.step(network.feed)
    held = list(trainer._captured._done[0])
    trainer.step(network.feed)
    kept = [array for array in held if not array.is_deleted()]
    assert len(kept) <= 2  # the cost, and the number of the step, which every part reads


def test_what_is_given_is_not_the_array_that_comes_back(in_parts):
    """So that an owner may give it away."""
    in_parts(1)
    backend = mf.get_backend()
    x = backend.asarray(ROWS)
    capture = backend.capture(lambda xp, x: [x, xp.tanh(x)], [x], 0)
    back, _ = capture(x)
    x.delete()
    np.testing.assert_array_equal(mf.to_numpy(back), ROWS)
    (host, _) = capture(ROWS)
    assert backend.owns(host)


def test_equations_come_where_their_results_are_wanted():
    from miniflow_xp import switch
    from miniflow_xp.recording.tape import record

    def step(xp, a, b, x):
        first = xp.tanh(x)
        second = xp.exp(first)
        return [a - xp.sin(second), b - xp.cos(first), second]

    values, results = record(step, switch.load("numpy").xp, [ROWS, ROWS, ROWS])
    order = [value.op for value in soonest(values, results)]
    assert order == ["tanh", "exp", "cos", "subtract", "sin", "subtract"]
