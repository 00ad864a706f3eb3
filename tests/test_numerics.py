"""Where floating point is difficult: tails, huge numbers, infinities, NaN; and shapes where gradients go wrong."""

import numpy as np
import pytest
from capabilities import ROWS
from closeness import assert_close, rounding
from targets import Target

import miniflow_xp as mf
from miniflow_xp import dtypes
from miniflow_xp.broadcasting import unbroadcast
from miniflow_xp.ops import activations, losses

DTYPES = ("float64", "float32")
HUGE = 1e4
FAMILIES = (activations.__name__, losses.__name__)
DIFFICULT = [pytest.param(row, id=str(row)) for row in ROWS if type(row.node).__module__ in FAMILIES]
ACTIVATIONS = [pytest.param(row, id=str(row)) for row in ROWS if type(row.node).__module__ == activations.__name__]


@pytest.fixture(autouse=True)
def numpy_raises():
    """On top of pytest's warnings as errors; underflow to 0 is right."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


def run(node, backend, dtype, *inputs, gradient=None):
    """Value and gradients of a node as NumPy arrays, for a gradient of ones."""
    arrays = [np.asarray(x, dtype=None if np.asarray(x).dtype.kind in "iu" else "float64") for x in inputs]
    if gradient is None:
        with backend.activate():
            gradient = np.ones(node.compute(backend.xp, *(Target().array(backend, x, dtype) for x in arrays)).shape)
    got = Target().run(node, backend, gradient, arrays, dtype)
    return backend.to_numpy(got.value), [None if g is None else backend.to_numpy(g) for g in got.gradients]


def of(node_class, count, **options):
    return node_class(*(mf.Input() for _ in range(count)), **options)


def test_sigmoid_is_accurate_in_both_tails(backend):
    x = np.linspace(-80, 80, 160_001, dtype="float32")
    value, _ = run(of(mf.Sigmoid, 1), backend, "float32", x)
    truth = 1 / (1 + np.exp(-x.astype("float64")))  # in float64 nothing overflows here
    assert value.dtype == np.float32
    assert np.max(np.abs(value - truth) / truth) < 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", DIFFICULT)
def test_huge_inputs_give_finite_results_and_no_warning(row, dtype, backend):
    rng = np.random.default_rng(0)
    drawn = row.sample(rng, *row.cases[0])
    huge = [x if x.dtype.kind == "i" else rng.choice([-HUGE, HUGE], x.shape) for x in drawn]
    value, gradients = run(row.node, backend, dtype, *huge)
    expected = {"Sigmoid": lambda x: x > 0, "Tanh": np.sign, "ReLU": lambda x: np.maximum(x, 0)}.get(str(row))
    if expected:
        np.testing.assert_array_equal(value, expected(huge[0]))
    for result in (value, *gradients):
        assert result is None or np.all(np.isfinite(result))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", ACTIVATIONS)
def test_activations_do_not_hide_nan(row, dtype, backend):
    value, _ = run(row.node, backend, dtype, [[np.nan, np.nan], [np.nan, np.nan]])
    assert np.all(np.isnan(value))


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_has_gradient_0_at_0(dtype, backend):
    value, (gradient,) = run(of(mf.ReLU, 1), backend, dtype, [-1.0, -0.0, 0.0, 1.0])
    np.testing.assert_array_equal(value, [0, 0, 0, 1])
    np.testing.assert_array_equal(gradient, [0, 0, 0, 1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_softmax_is_exact_at_huge_logits(dtype, backend):
    """e⁻¹⁰⁰⁰⁰ is 0 in both dtypes, so the results are exact."""
    value, (gradient,) = run(
        of(mf.LogSoftmax, 1), backend, dtype, [[HUGE, -HUGE, 0.0]], gradient=np.array([[1.0, 0, 0]])
    )
    np.testing.assert_array_equal(value, [[0, -2 * HUGE, -HUGE]])
    np.testing.assert_array_equal(gradient, [[0, 0, 0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_nodes_take_minus_infinity(dtype, backend):
    """A class that is masked out has probability 0, and the others share the rest."""
    logits = np.array([[0.0, -np.inf, 0.0]])
    near = rounding(dtype, np.ones(3))
    value, (gradient,) = run(of(mf.Softmax, 1), backend, dtype, logits, gradient=np.array([[1.0, 0, 0]]))
    assert_close(value, [[0.5, 0, 0.5]], near)
    assert_close(gradient, [[0.25, 0, -0.25]], near)
    value, (gradient,) = run(of(mf.LogSoftmax, 1), backend, dtype, logits, gradient=np.array([[1.0, 0, 0]]))
    assert_close(value, [[-np.log(2), -np.inf, -np.log(2)]], near)
    assert_close(gradient, [[0.5, 0, -0.5]], near)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_is_exact_at_huge_logits(dtype, backend):
    logits = [[HUGE, -HUGE, 0.0], [HUGE, -HUGE, 0.0]]
    value, (none, gradient) = run(of(mf.CrossEntropy, 2), backend, dtype, [0, 1], logits)
    assert value == HUGE  # the mean of 0 and 2 HUGE
    assert none is None
    np.testing.assert_array_equal(gradient, [[0, 0, 0], [0.5, -0.5, 0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_takes_minus_infinity_in_other_classes(dtype, backend):
    value, (_, gradient) = run(of(mf.CrossEntropy, 2), backend, dtype, [0], [[0.0, -np.inf, 0.0]])
    near = rounding(dtype, np.ones(3))
    assert_close(value, np.log(2), near)
    assert_close(gradient, [[-0.5, 0, 0.5]], near)


@pytest.mark.parametrize("labels", ["int8", "int16", "int32", "int64", "uint8"])
def test_cross_entropy_takes_every_integer_dtype_that_holds_the_labels(labels, backend):
    """More classes than uint8 can number, of which the labels are the first ones."""
    logits = np.zeros((3, 300))
    logits[:, 256] = 1.0
    value, (_, gradient) = run(of(mf.CrossEntropy, 2), backend, "float64", np.array([0, 1, 127], dtype=labels), logits)
    near = rounding("float64", logits)
    assert_close(value, np.log(299 + np.e), near)
    expected = np.exp(logits) / (299 + np.e)
    expected[[0, 1, 2], [0, 1, 127]] -= 1
    assert_close(gradient, expected / 3, near)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mse_of_several_columns_divides_by_all_elements(dtype, backend):
    y, a = np.zeros((4, 3)), np.arange(12.0).reshape(4, 3)
    value, (of_y, of_a) = run(of(mf.MSE, 2), backend, dtype, y, a)
    near = rounding(dtype, value, a)
    assert_close(value, np.sum(a**2) / 12, near)
    assert_close(of_a, 2 * a / 12, near)
    assert_close(of_y, -2 * a / 12, near)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mse_compares_in_order_whatever_the_shapes(dtype, backend):
    """A target (n,) and an output (n, 1) do not broadcast to (n, n)."""
    value, (of_y, of_a) = run(of(mf.MSE, 2), backend, dtype, [1.0, 2.0, 3.0], [[4.5], [5.0], [10.0]])
    near = rounding(dtype, np.full(3, 49.0))
    assert_close(value, 23.4166666666666666, near)
    assert_close(of_y, np.array([-3.5, -3, -7]) * 2 / 3, near)
    assert_close(of_a, np.array([[3.5], [3], [7]]) * 2 / 3, near)


@pytest.mark.parametrize(
    ("shape", "repeated"),
    [
        ((), ()),
        ((), (3,)),
        ((), (2, 3)),
        ((1,), (1,)),
        ((1,), (4,)),
        ((3,), (3,)),
        ((3,), (2, 3)),
        ((1, 1), (1, 1)),
        ((1, 3), (2, 3)),
        ((2, 1), (2, 3)),
        ((2, 1), (5, 2, 3)),
        ((1, 2, 1), (4, 2, 1)),
        ((2, 3), (2, 3)),
    ],
)
def test_unbroadcast_sums_over_the_copies(shape, repeated, backend):
    """Whole numbers: the sums are exact."""
    gradient = np.arange(1.0, 1 + np.prod(repeated)).reshape(repeated)
    with backend.activate():
        result = backend.to_numpy(unbroadcast(backend.xp, backend.asarray(gradient), shape))
    expected = np.zeros(shape)
    for place in np.ndindex(repeated):
        padded = (0,) * len(shape) + place
        kept = padded[len(padded) - len(shape) :]
        expected[tuple(0 if size == 1 else n for n, size in zip(kept, shape, strict=True))] += gradient[place]
    assert result.shape == shape
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    "shapes",
    [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 2)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 1, 2, 3), (6, 3, 4)),
        ((5, 2, 3), (3, 4), (4,)),
        ((2, 3), (3, 4), (1, 4)),
        ((2, 3), (3, 4), ()),
        ((2, 3), (3,), (1,)),
        ((3,), (3, 4), (4,)),
        ((3,), (3,), ()),
    ],
    ids=str,
)
def test_products_of_every_rank_have_gradients_in_their_inputs_shapes(shapes, backend):
    """A·B and X·W + b of ones: each element's gradient counts the elements of the result that it goes into."""
    node = of(mf.MatMul if len(shapes) == 2 else mf.Linear, len(shapes))
    value, gradients = run(node, backend, "float64", *(np.ones(shape) for shape in shapes))
    expected = np.matmul(np.ones(shapes[0]), np.ones(shapes[1]))
    assert value.shape == expected.shape
    products = expected.size * shapes[0][-1]
    for shape, gradient, reads in zip(shapes, gradients, (products, products, value.size), strict=False):
        np.testing.assert_array_equal(gradient, np.full(shape, reads / np.prod(shape)))


# At exactly 0, and at infinity

INF, NAN, LOG_2 = np.inf, np.nan, np.log(2)
AT = {
    "Add": [
        ((0, 0, 0), 0, (1, 1, 1)),
        ((INF, 1, 2), INF, (1, 1, 1)),
        ((1, -INF, 2), -INF, (1, 1, 1)),
        ((INF, -INF, 0), NAN, (1, 1, 1)),
    ],
    "Mul": [
        ((0, 0, 0), 0, (0, 0, 0)),
        ((0, 2, 3), 0, (6, 0, 0)),
        ((INF, 2, 3), INF, (6, INF, INF)),
        ((-INF, 2, 3), -INF, (6, -INF, -INF)),
        ((INF, 0, 3), NAN, (0, INF, NAN)),
    ],
    "Sub": [
        ((0, 0), 0, (1, -1)),
        ((INF, 1), INF, (1, -1)),
        ((1, INF), -INF, (1, -1)),
        ((INF, INF), NAN, (1, -1)),
    ],
    "Neg": [((0,), 0, (-1,)), ((INF,), -INF, (-1,)), ((-INF,), INF, (-1,))],
    "MatMul": [
        (([[0, 0]], [[0], [0]]), [[0]], ([[0, 0]], [[0], [0]])),
        (([[0, 0]], [[2], [3]]), [[0]], ([[2, 3]], [[0], [0]])),
        (([[INF, 1]], [[2], [3]]), [[INF]], ([[2, 3]], [[INF], [1]])),
        (([[-INF, 1]], [[2], [3]]), [[-INF]], ([[2, 3]], [[-INF], [1]])),
    ],
    "Linear": [
        (([[0, 0]], [[2], [3]], [0]), [[0]], ([[2, 3]], [[0], [0]], [1])),
        (([[INF, 1]], [[2], [3]], [1]), [[INF]], ([[2, 3]], [[INF], [1]], [1])),
        (([[1, 1]], [[2], [3]], [-INF]), [[-INF]], ([[2, 3]], [[1], [1]], [1])),
    ],
    "Sigmoid": [((0,), 0.5, (0.25,)), ((INF,), 1, (0,)), ((-INF,), 0, (0,))],
    "Tanh": [((0,), 0, (1,)), ((INF,), 1, (0,)), ((-INF,), -1, (0,))],
    "ReLU": [((0,), 0, (0,)), ((INF,), INF, (1,)), ((-INF,), 0, (0,))],
    "Softmax": [
        (([0, 0],), [0.5, 0.5], ([0.25, -0.25],)),
        (([0, -INF, 0],), [0.5, 0, 0.5], ([0.25, 0, -0.25],)),
        (([0, INF],), [NAN, NAN], ([NAN, NAN],)),  # a logit that has overflowed is to be seen
    ],
    "LogSoftmax": [
        (([0, 0],), [-LOG_2, -LOG_2], ([0.5, -0.5],)),
        (([0, -INF, 0],), [-LOG_2, -INF, -LOG_2], ([0.5, 0, -0.5],)),
        (([0, INF],), [NAN, NAN], ([NAN, NAN],)),
    ],
    "Standardise": [
        (([0, 0],), [0, 0], ([0.5e5**0.5 / 2**0.5, -(0.5e5**0.5) / 2**0.5],)),  # ±1/2 over √ε
        (([0, INF],), [NAN, NAN], ([NAN, NAN],)),
    ],
    "MSE": [
        ((0, 0), 0, (0, 0)),
        ((INF, 1), INF, (INF, -INF)),
        ((1, INF), INF, (-INF, INF)),
        (([INF, 1], [0, 0]), INF, ([INF, 1], [-INF, -1])),
        ((INF, INF), NAN, (NAN, NAN)),
    ],
    "CrossEntropy": [
        (([0], [[0, 0]]), LOG_2, (None, [[-0.5, 0.5]])),
        (([0], [[0, -INF]]), 0, (None, [[0, 0]])),
        (([1], [[0, -INF]]), INF, (None, [[1, -1]])),
        (([0], [[INF, 0]]), NAN, (None, [[NAN, NAN]])),
    ],
    "MAE": [
        ((0, 0), 0, (0, 0)),
        ((INF, 1), INF, (1, -1)),
        ((1, INF), INF, (-1, 1)),
        ((INF, INF), NAN, (NAN, NAN)),
    ],
    "Huber": [
        ((0, 0), 0, (0, 0)),
        ((INF, 1), INF, (1, -1)),
        ((1, -INF), INF, (1, -1)),
        ((INF, INF), NAN, (NAN, NAN)),
    ],
    "BinaryCrossEntropy": [
        ((0, 0), LOG_2, (0, 0.5)),
        ((1, INF), NAN, (-INF, 0)),  # the gradient is right; a logit that has overflowed is to be seen
        ((0, -INF), NAN, (INF, 0)),
        ((0, INF), NAN, (-INF, 1)),
    ],
    "KLDivergence": [
        (([[0.5, 0.5]], [[0, 0]]), 0, ([[1, 1]], [[0, 0]])),
        (([[1, 0]], [[0, 0]]), LOG_2, ([[1 + LOG_2, -INF]], [[-0.5, 0.5]])),
        (([[1, 0]], [[0, -INF]]), 0, ([[1, -INF]], [[0, 0]])),
    ],
}
"""{rule: [(inputs, value, gradients)]}, for a gradient of 1 at the value's first element and 0 at others.

Where a limit exists, it is expected; NaN where ∞ - ∞ or 0 · ∞ is asked for.
"""
DIGITS = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
PLACES = [
    pytest.param(row, *place, id=f"{row}-{place[0]}")
    for row in ROWS
    for place in AT.get(str(row).partition(" ")[0], ())
]


def test_every_rule_is_tried_at_0_and_at_infinity():
    assert {str(row).partition(" ")[0] for row in ROWS} == set(AT)
    for places in AT.values():
        inputs = [np.concatenate([np.ravel(x) for x in place[0]]) for place in places]
        assert any(np.any(x == 0) for x in inputs)
        assert any(np.any(np.isinf(x)) for x in inputs)


def with_negative_zeros(inputs):
    return [np.where(np.asarray(x) == 0, -0.0, x) if np.asarray(x).dtype.kind == "f" else x for x in inputs]


@pytest.mark.parametrize(
    ("dtype", "way"), [*((d, "rule") for d in DIGITS), ("float32", "captured"), ("float16", "captured")]
)
@pytest.mark.filterwarnings("ignore:the step is not captured as a CUDA graph")  # of KLDivergence on CuPy, which says it
@pytest.mark.parametrize(("row", "inputs", "value", "gradients"), PLACES)
def test_rules_at_exactly_0_and_at_infinity(row, inputs, value, gradients, dtype, way, backend):
    if backend.storable(dtype) != dtype:
        pytest.skip(f"{backend.name} has no {dtype}")
    first = np.zeros(np.shape(value))
    first[(0,) * first.ndim] = 1.0
    floats = [np.asarray(x, "int64" if n in row.integers else "float64") for n, x in enumerate(inputs)]
    run = (rule if way == "rule" else captured)(row, backend, dtype)
    for signed in (floats, with_negative_zeros(floats)):
        endless = any(np.any(np.isinf(g)) for g in gradients if g is not None)
        invalid = "ignore" if np.any(np.isnan(value)) else "raise"
        with np.errstate(invalid=invalid, divide="ignore" if endless else "raise"):
            got = run(signed, first)
        for found, expected in zip(got, (value, *gradients), strict=True):
            if expected is None:
                assert found is None
            else:
                np.testing.assert_allclose(found, expected, rtol=8 * DIGITS[dtype], atol=8 * DIGITS[dtype])


def rule(row, backend, dtype):
    def run(inputs, gradient):
        got = Target().run(row.node, backend, gradient, inputs, dtype)
        return [None if x is None else backend.to_numpy(x) for x in (got.value, *got.gradients)]

    return run


def captured(row, backend, dtype):
    """By the functions that a backend's replay puts in the place of some rules; what is compiled takes all inputs."""
    node = row.fresh()
    leaves = node.inbound_nodes
    asked = [leaf for n, leaf in enumerate(leaves) if n not in row.integers]
    forward, backward = mf.Program(node), mf.Program(node, asked)

    def run(inputs, gradient):
        arrays = [backend.asarray(x, dtype if x.dtype.kind == "f" else None) for x in inputs]
        feed = dict(zip(leaves, arrays, strict=True))
        seed = backend.asarray(gradient, dtypes.name_of(forward(feed).values))
        value, found = backward(feed, seeds={node: seed})
        return [backend.to_numpy(value), *(backend.to_numpy(found[x]) if x in found else None for x in leaves)]

    return run
