"""A node that defines only ``compute`` has the gradient of what it calls: in the lesson, in Programs, captured."""

import numpy as np
import pytest
from array_api_compat import array_namespace
from capabilities import ROWS, example
from closeness import assert_close, rounding
from targets import on_every_target

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.switch import to_numpy

CASES = [(row, shapes, dtype) for row in ROWS for shapes in row.cases for dtype in ("float64",)]
CASES += [(row, row.cases[0], "float32") for row in ROWS]


def bare(row):
    """The row's node with its own ``vjp`` taken away."""
    node = row.fresh()
    kind = type(node)
    node.__class__ = type(kind.__name__, (kind,), {"vjp": mf.Node.vjp})
    return node


BARE = {row: bare(row) for row in ROWS}


@pytest.mark.parametrize(
    ("row", "shapes", "dtype", "target", "backend"), on_every_target("derived", CASES), indirect=["backend"]
)
def test_every_node_of_the_package_without_its_vjp_has_the_same_gradients(row, shapes, dtype, target, backend):
    """Not at a kink: ReLU at 0 is left out by the rows."""
    inputs, weights = example(row, shapes, dtype)
    own = target.run(row.node, backend, weights, inputs, dtype)
    got = target.run(BARE[row], backend, weights, inputs, dtype)
    for wanted, found in zip(own.gradients, got.gradients, strict=True):
        assert (wanted is None) == (found is None)
        if wanted is not None:
            assert (found.dtype, tuple(found.shape)) == (wanted.dtype, tuple(wanted.shape))
            assert array_namespace(found) is array_namespace(wanted)
            expected = target.to_numpy(backend, wanted)
            bound = 8 * rounding(dtype, expected, weights, *inputs)
            assert_close(target.to_numpy(backend, found), expected, bound)


class Gaussian(mf.Node):
    """w · exp(-x²), elementwise, and how often its ``compute`` ran."""

    def __init__(self, x, w, name=None):
        super().__init__([x, w], name)
        self.handed = []

    def compute(self, xp, x, w):
        self.handed.append(type(x))
        return w * xp.exp(-x * x)


X, W = np.array([0.5, -1.0, 2.0]), np.array(3.0)
BY_HAND = {"x": -2 * X * 3 * np.exp(-X * X), "w": np.exp(-X * X).sum()}


def graph():
    x, w = mf.Input("x"), mf.Parameter(W, "w")
    node = Gaussian(x, w, name="bell")
    return x, w, node, node @ np.ones(3)


def test_in_the_functions_of_the_lesson(backend):
    x, w, node, cost = graph()
    mf.forward_and_backward(mf.topological_sort({x: X}, cost), wrt=[x, w])
    np.testing.assert_allclose(to_numpy(x.gradients[x]), BY_HAND["x"], rtol=1e-12)
    np.testing.assert_allclose(to_numpy(w.gradients[w]), BY_HAND["w"], rtol=1e-12)
    assert [kind is Traced for kind in node.handed] == [False, True]  # for both inputs once


def test_nothing_is_differentiated_that_nobody_wants(backend):
    x, w, node, cost = graph()
    mf.forward_and_backward(mf.topological_sort({x: X}, cost + w), wrt=[w])
    assert len(node.handed) == 2
    stop = mf.Input("stop")
    node = Gaussian(x, w)
    cost = node @ np.ones(3) + stop
    node.handed.clear()
    mf.forward_and_backward(mf.topological_sort({x: X, stop: np.array(1.0)}, cost), wrt=[stop])
    assert len(node.handed) == 1


def test_in_a_program_that_is_captured(backend):
    x, w, _, cost = graph()
    program = mf.Program(cost, [x, w])
    for _ in range(2):
        gradients = program({x: X}).gradients
        np.testing.assert_allclose(to_numpy(gradients[x]), BY_HAND["x"], rtol=1e-12)
        np.testing.assert_allclose(to_numpy(gradients[w]), BY_HAND["w"], rtol=1e-12)
    assert ("plain loop" in program.explain()) == (backend.name == "strict")


def test_in_a_trainer_and_in_a_layer(backend):
    class Root(mf.Elementwise):
        """√(x² + 1)."""

        def __init__(self, x, name=None):
            super().__init__([x], name)

        def compute(self, xp, x):
            return xp.sqrt(x * x + 1)

    x, y = mf.Input("x"), mf.Input("y")
    model = mf.Sequential([mf.Dense(2, 4, Root), mf.Dense(4, 1)], seed=1, dtype="float64")
    cost = mf.MSE(y, model(x))
    feed = {x: np.array([[1.0, 2.0], [-1.0, 0.5]]), y: np.array([[1.0], [-1.0]])}
    mf.gradcheck(cost, feed)
    trainer = mf.Trainer(cost, mf.SGD(0.05))
    losses = [float(to_numpy(trainer.step(feed))) for _ in range(30)]
    assert losses[-1] < losses[0] / 5


def test_gradcheck_takes_it(backend):
    x, _, _, cost = graph()
    mf.gradcheck(cost, {x: X})


def test_integers_and_numbers_have_no_gradient(backend):
    class Power(mf.Node):
        """x to the n."""

        def __init__(self, x, n, scale, name=None):
            super().__init__([x, n, scale], name)

        def compute(self, xp, x, n, scale):
            return scale * x * xp.astype(n, x.dtype)

    x, n = mf.Input("x"), mf.Input("n", dtype=int)
    cost = Power(x, n, 2.0)
    got = mf.Program(cost, [x])({x: np.array(1.5), n: np.array(3)})
    assert float(to_numpy(got.gradients[x])) == 6.0
    with pytest.raises(errors.NoGradientError, match="no gradient reaches it"):
        mf.Program(cost, [n])({x: np.array(1.5), n: np.array(3)})


def test_a_handwritten_vjp_goes_before_it(backend):
    class Straight(Gaussian):
        def vjp(self, xp, gradient, value, x, w):
            return lambda: gradient, None

    x = mf.Input("x")
    got = mf.Program(Straight(x, 3.0) @ np.ones(3), [x])({x: X})
    np.testing.assert_array_equal(to_numpy(got.gradients[x]), np.ones(3))


def test_a_loss_of_ones_own_needs_only_its_terms(backend):
    from miniflow_xp.ops.losses import Loss

    class SquaredLogError(Loss):
        def terms(self, xp, y, a):
            d = xp.log1p(y) - xp.log1p(a)
            return d * d

    y, a = mf.Input("y"), mf.Input("a")
    for reduction in ("mean", "sum"):
        mf.gradcheck(SquaredLogError(y, a, reduction=reduction), {y: [1.0, 2.0, 3.0], a: [0.5, 2.5, 1.0]})


def test_what_has_no_rule_is_told_with_the_node(backend):
    class Odd(Gaussian):
        def compute(self, xp, x, w):
            return mf.custom_vjp(lambda x: x * x)(x) * w

    x, w = mf.Input("x"), mf.Parameter(W, "w")
    graph = mf.topological_sort({x: np.array(2.0)}, Odd(x, w, name="strange"))
    mf.forward_and_backward(graph, wrt=[w])  # whose gradient does not go through it
    np.testing.assert_allclose(to_numpy(w.gradients[w]), 4.0)
    with pytest.raises(errors.DifferentiationError, match="Odd 'strange'"):
        mf.forward_and_backward(graph, wrt=[x])


def test_a_node_without_compute_and_vjp_says_what_to_define():
    class Empty(mf.Node):
        def forward(self):
            self.value = self.inbound_nodes[0].value

    x = mf.Input("x")
    graph = mf.topological_sort({x: np.array(2.0)}, Empty([x]))
    with pytest.raises(NotImplementedError, match="has no vjp: define it, or backward"):
        mf.forward_and_backward(graph)


AT_ZERO = {"Sigmoid": (mf.Sigmoid, 0.25), "Tanh": (mf.Tanh, 1.0), "ReLU": (mf.ReLU, 0.0)}


@pytest.mark.parametrize(("kind", "slope"), AT_ZERO.values(), ids=AT_ZERO)
def test_stable_formulas_keep_a_vjp_that_is_right_at_zero(backend, kind, slope):
    """Their ``compute`` has |x| or a choice in it, whose own gradient at 0 is another one."""
    assert kind.vjp is not mf.Node.vjp
    x = mf.Input("x")
    got = mf.Program(kind(x), [x])({x: np.array(0.0)})
    assert float(to_numpy(got.gradients[x])) == slope
