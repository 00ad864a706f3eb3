"""Functions of the Array API for nodes: each call, operator, index and method builds a node."""

import copy
import inspect
import pickle

import numpy as np
import pytest
from array_api_compat import array_namespace

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.gradcheck.examples import CASES
from miniflow_xp.ops.function import Function
from miniflow_xp.switch import to_numpy

NODES = array_namespace(mf.Input())
FED = [row for row in CASES if not any(np.iscomplexobj(a) or 0 in a.shape for a in row.arrays)]
"""Rows whose arrays a graph can be fed: real ones that are not empty."""


def weighted(value):
    """Re Σ w̄ v with weights of its own, as one number."""
    xp = array_namespace(value)
    random = np.random.default_rng(1)
    real, imaginary = (xp.asarray(random.normal(size=value.shape)) for _ in range(2))
    if "complex" in str(value.dtype):
        return xp.sum(xp.real(value) * real) + xp.sum(xp.imag(value) * imaginary)
    return xp.sum(value * real)


Weighted = mf.as_node(weighted)


def near(got, expected):
    size = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11 * size)


@pytest.mark.parametrize("row", FED, ids=str)
def test_every_function_of_the_table_is_there_for_nodes(backend, row):
    """The row as a graph, captured: value and gradients are those of the same call on arrays."""
    if backend.name in row.skip:
        pytest.skip(row.skip[backend.name])
    inputs = [mf.Input(f"x{n}") for n in range(len(row.arrays))]
    try:
        cost = Weighted(row.call(NODES, *inputs))
    except errors.UnknownFormError as error:
        pytest.skip(f"the row asks for a shape: {error}")
    except errors.GraphError as error:
        if not any(reason in str(error) for reason in ("an input is a complex", "it writes into a node")):
            raise
        pytest.skip(f"the operators of nodes take real numbers, and write nowhere: {error}")
    arrays = [backend.asarray(a) for a in row.arrays]
    both = mf.value_and_grad(lambda *x: weighted(row.call(array_namespace(x[0]), *x)), tuple(range(len(arrays))))
    try:
        value, gradients = both(*arrays)
    except errors.DifferentiationError as error:
        pytest.skip(f"the row asks for a gradient that is refused: {error}")
    used = [n for n in inputs if n in mf.topological_sort(dict(zip(inputs, row.arrays, strict=True)), cost)]
    try:
        got = mf.Program(cost, used)(dict(zip(inputs, arrays, strict=True)))
    except errors.DifferentiationError as error:
        if "no closed form" not in str(error):
            raise
        pytest.skip(f"a graph asks for it, as it does not know that full_like is constant: {error}")
    near(to_numpy(got.values), to_numpy(value))
    for node, expected in zip(inputs, gradients, strict=True):
        if node in got.gradients:
            near(to_numpy(got.gradients[node]), to_numpy(expected))


X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
W = np.array([1.0, 2.0, 3.0])
ROWS = np.array([1, 0, 1])
BUILT = {
    "truediv": lambda xp, x, w: x / 2,
    "rtruediv": lambda xp, x, w: 2 / w,
    "a node by a node": lambda xp, x, w: x / w,
    "an array by a node": lambda xp, x, w: np.ones(3) / w,
    "a node by an array": lambda xp, x, w: x / np.array([1, 2, 4]),
    "pow": lambda xp, x, w: x**2,
    "rpow": lambda xp, x, w: 2.0**x,
    "abs": lambda xp, x, w: abs(x),
    "pos": lambda xp, x, w: +x,
    "where": lambda xp, x, w: xp.where(x > 0, x * x, 0.0),
    "two conditions": lambda xp, x, w: xp.where((x > 0) & ~(x >= 1), x, -x) + xp.where((x < 0) | (x <= -0.9), x, 0.0),
    "a mask from outside": lambda xp, x, w: xp.where(np.array([True, False, True]), x, 3.0),
    "equal": lambda xp, x, w: xp.where(xp.equal(x, 7.0), x, w),
    "slice": lambda xp, x, w: x[1:, ...] * x[:1, 1:3][..., :1],
    "integer": lambda xp, x, w: x[0, ...] * w[2],
    "one more axis": lambda xp, x, w: w[:, None],
    "index": lambda xp, x, w: w[ROWS],
    "list": lambda xp, x, w: w[[2, 0]],
    "sum": lambda xp, x, w: x.sum(axis=0) + xp.sum(x, axis=0) + x.sum(),
    "mean": lambda xp, x, w: x.mean(axis=1, keepdims=True),
    "T": lambda xp, x, w: x.T[1:, :],
    "mT": lambda xp, x, w: x.mT,
    "reshape": lambda xp, x, w: x.reshape(3, 2) + x.reshape((3, -1)) + xp.reshape(x, (3, 2)),
    "astype": lambda xp, x, w: xp.astype(x, xp.float64) + x.astype(np.float64),
    "zeros_like": lambda xp, x, w: xp.zeros_like(x) + w,
    "exp": lambda xp, x, w: xp.exp(x),
    "a constant": lambda xp, x, w: x * xp.asarray([1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("built", BUILT.values(), ids=BUILT)
def test_operators_indices_and_methods(backend, built):
    """The value is NumPy's for the same expression; gradients are right in the lesson and in a Program."""
    x, w = mf.Input("x"), mf.Parameter(W, "w")
    cost = Weighted(built(NODES, x, w)) + 0.0 * (x.sum() + w.sum())
    graph = mf.topological_sort({x: X}, cost)
    mf.forward_and_backward(graph, wrt=[x, w])
    near(to_numpy(cost.value), weighted(built(array_namespace(X), X, W)))
    got = mf.Program(cost, [x, w])({x: X})
    for node in (x, w):
        near(to_numpy(got.gradients[node]), to_numpy(node.gradients[node]))
    mf.gradcheck(cost, {x: X})


def test_stop_gradient_of_a_node(backend):
    x = mf.Input("x")
    got = mf.Program(mf.stop_gradient(x) * x, [x])({x: np.array(3.0)})
    assert float(to_numpy(got.gradients[x])) == 3.0


def test_no_gradient_is_asked_for_that_goes_nowhere(backend):
    """A comparison hands none on, so that a Program shows none of it."""
    x = mf.Input("x")
    text = str(mf.Program(NODES.sum(NODES.where(NODES.floor(x * x) > 0, x, 0.0)), [x]))
    assert text.partition("backward\n")[2].splitlines()[:2] == [
        "  ∂where1 = ∂sum1 · ∂sum1/∂where1",
        "  ∂x = ∂where1 · ∂where1/∂x",
    ]
    with pytest.raises(errors.NoGradientError):
        mf.Program(NODES.sum(NODES.floor(x)), [x])({x: X})


def test_complex_numbers_inside_of_a_graph(backend):
    """|F x|² and its relatives, with the nodes that have a vjp for real numbers."""
    x, w = mf.Input("x"), mf.Parameter(W, "w")
    z = NODES.exp(NODES.multiply(1j, x)) * w + x
    cost = NODES.sum(NODES.abs(z * NODES.exp(NODES.multiply(0.5j, w))) ** 2)
    z_, w_ = np.exp(1j * X) * W + X, np.exp(0.5j * W)
    program = mf.Program(cost, [x, w])
    got = program({x: X})
    np.testing.assert_allclose(to_numpy(got.values), np.sum(np.abs(z_ * w_) ** 2), rtol=1e-12)

    def of_arrays(x, w):
        xp = array_namespace(x)
        z = xp.exp(1j * x) * w + x
        return xp.sum(xp.abs(z * xp.exp(0.5j * w)) ** 2)

    if backend.name == "strict":  # which mixes no real and complex arrays
        return
    expected = mf.grad(of_arrays, (0, 1))(backend.asarray(X), backend.asarray(W))
    for node, gradient in zip((x, w), expected, strict=True):
        near(to_numpy(got.gradients[node]), to_numpy(gradient))


def test_a_node_is_no_argument_of_grad():
    x = mf.Input("x")
    with pytest.raises(errors.DifferentiationError, match="a node was given to a function of arrays"):
        mf.grad(lambda x: x * x)(x)


def test_a_dtype_is_that_of_the_library(backend):
    x = mf.Input("x")
    got = mf.Program(NODES.astype(NODES.exp(x), NODES.float32))({x: X})
    assert got.values.dtype == backend.xp.float32


def test_lists_of_nodes(backend):
    x, y = mf.Input("x"), mf.Input("y")
    stacked = NODES.concat([x, y, x]) * NODES.stack((x, y, x), axis=0).reshape(9)
    mf.gradcheck(Weighted(stacked), {x: W, y: X[0]})


def test_a_node_that_is_given_twice(backend):
    x = mf.Input("x")
    got = mf.Program(x / x + x**x, [x])({x: np.array(2.0)})
    np.testing.assert_allclose(to_numpy(got.gradients[x]), 4 * (np.log(2) + 1))


def test_each_of_several_results_is_a_node(backend):
    A = mf.Input("A")
    values, vectors = found = NODES.linalg.eigh(A)
    assert found._fields == ("eigenvalues", "eigenvectors")
    matrix = np.array([[2.0, 0.5], [0.5, 1.0]])
    program = mf.Program([values, vectors])
    expected = np.linalg.eigh(matrix)
    got = program({A: matrix}).values
    near(to_numpy(got[0]), expected.eigenvalues)
    near(np.abs(to_numpy(got[1])), np.abs(expected.eigenvectors))
    assert "eigh(A)[1]" in str(program)


def test_functions_of_this_package_are_there_too(backend):
    if not hasattr(NODES, "special"):
        pytest.skip("no function of special is there")
    x = mf.Input("x")
    mf.gradcheck(NODES.special.erf(x), {x: X})


# What a node says of itself


def test_names_are_those_of_functions():
    x = mf.Input("x")
    e = NODES.exp(x)
    assert str(e).startswith("exp made at test_node_functions.py:")
    assert str(NODES.linalg.inv(x)).startswith("linalg.inv made at ")
    e.name = "growth"
    assert str(e) == "exp 'growth'"


def test_a_program_prints_calls():
    x, w = mf.Input("x"), mf.Parameter(W, "w")
    cost = NODES.sum(NODES.where(x > 0, x[1:, ..., 0], 0.0) / w, axis=(0, 1)) + NODES.concat([w, w]).sum()
    text = str(mf.Program(cost))
    for line in (
        "greater1 = greater(x, 0)",
        "getitem1 = x[1:, ..., 0]",
        "where1 = where(greater1, getitem1, 0.0)",
        "divide1 = divide(where1, w)",
        "sum1 = sum(divide1, axis=(0, 1))",
        "concat1 = concat([w, w])",
        "sum2 = sum(concat1)",
    ):
        assert line in text


def test_shape_and_dtype_are_known_after_a_pass(backend):
    x = mf.Input("x")
    e = NODES.exp(x)
    with pytest.raises(errors.UnknownFormError, match=r"exp( #\d+)? made at .*: its shape and dtype are not known yet"):
        e.shape  # noqa: B018  reading it is the test
    assert not hasattr(e, "dtype")
    mf.forward_pass(mf.topological_sort({x: X}))
    assert (e.shape, e.ndim, x.shape) == ((2, 3), 2, (2, 3))
    assert "float64" in str(e.dtype)
    assert mf.Parameter(W).shape == (3,)


def test_nodes_are_equal_to_themselves_alone():
    """``==`` is that of sets and dictionaries; elements are compared by xp.equal."""
    x, y = mf.Input("x"), mf.Input("y")
    assert (x == y) is False
    assert (x != y) is True
    assert {x: 1}[x] == 1
    assert isinstance(NODES.equal(x, y), Function)


def test_a_comparison_has_no_truth_of_its_own():
    x = mf.Input("x")
    with pytest.raises(errors.GraphError, match=r"greater made at .*xp\.where"):
        bool(x > 0)


def test_a_node_is_no_sequence():
    x = mf.Input("x")
    with pytest.raises(TypeError, match="not iterable"):
        list(x)


def test_a_node_is_not_fed_and_brings_no_array(backend):
    x, y = mf.Input("x"), mf.Input("y")
    mf.forward_pass(mf.topological_sort({x: X}, NODES.exp(x)))
    with pytest.raises(errors.FeedError):
        mf.topological_sort({y: x}, NODES.exp(y))


def test_the_namespace_has_signatures_and_dtypes_and_refuses_what_has_no_rule():
    assert "axis" in inspect.signature(NODES.concat).parameters
    assert NODES.float32 == "float32"
    assert NODES.pi == np.pi
    with pytest.raises(AttributeError, match="has no 'histogram'"):
        NODES.histogram  # noqa: B018  reading it is the test
    assert isinstance(NODES.arange(3), np.ndarray)
    assert pickle.loads(pickle.dumps(NODES)) is NODES


def test_looks_at_dtypes_after_a_pass(backend):
    x = mf.Input("x")
    e = NODES.exp(x)
    mf.forward_pass(mf.topological_sort({x: X}, e))
    assert NODES.isdtype(e.dtype, "real floating")
    assert NODES.result_type(e, NODES.float32) == backend.xp.float64


def test_what_a_library_refuses_is_told_with_the_node(backend):
    x, y = mf.Input("x"), mf.Input("y")
    with pytest.raises(errors.ShapeError, match=r"divide( #\d+)? made at"):
        mf.Program(x / y)({x: W, y: np.ones(2)})
    bad = NODES.reshape(x, (2, 2))
    with pytest.raises((errors.GraphError, TypeError), match="reshape"):
        mf.forward_pass(mf.topological_sort({x: W}, bad))


HOW = {"deepcopy": copy.deepcopy, "pickle": lambda thing: pickle.loads(pickle.dumps(thing))}


@pytest.mark.parametrize("copied", HOW.values(), ids=HOW)
def test_copies(copied, backend):
    x, w = mf.Input("x"), mf.Parameter(W, "w")
    cost = Weighted(NODES.where(x > 0, x[:, :], 0.0) / w + NODES.astype(w[ROWS], NODES.float64))
    feed = {x: X}
    before = mf.Program(cost, [w])(feed)
    cost_, x_, w_ = copied((cost, x, w))
    after = mf.Program(cost_, [w_])({x_: X})
    np.testing.assert_array_equal(to_numpy(after.values), to_numpy(before.values))
    np.testing.assert_array_equal(to_numpy(after.gradients[w_]), to_numpy(before.gradients[w]))
    assert repr(cost_) == repr(cost)


# A node of one's own function


@mf.as_node
def softplus(x, scale=1.0):
    """log(1 + e^(s x)) / s."""
    return array_namespace(x).log1p(array_namespace(x).exp(scale * x)) / scale


def test_as_node_makes_a_class(backend):
    x = mf.Input("x")
    node = softplus(x, scale=2.0, name="hidden")
    assert isinstance(node, mf.Node)
    assert str(node) == "softplus 'hidden'"
    assert softplus.__doc__ == "log(1 + e^(s x)) / s."
    mf.gradcheck(Weighted(node), {x: X})
    assert "softplus1 = softplus(x, scale=2.0)" in str(mf.Program(softplus(x, scale=2.0)))


def test_as_node_of_a_lambda(backend):
    Square = mf.as_node(lambda x: x * x, name="Square")
    x = mf.Input("x")
    assert str(Square(x)).startswith("Square")
    assert float(to_numpy(mf.Program(Square(x), [x])({x: np.array(3.0)}).gradients[x])) == 6.0
    assert str(mf.as_node(lambda x: x)(x)).startswith("function")


def test_as_node_takes_its_functions_from_the_array(backend):
    """Python control flow on contents runs in the plain loop; several inputs, and constants among them."""

    def clipped(x, low):
        xp = array_namespace(x)
        return xp.sum(x) if xp.sum(x) > 0 else xp.sum(low * x)

    x, low = mf.Input("x"), mf.Parameter(np.array(2.0), "low")
    node = mf.as_node(clipped)(x, low)
    for sign, slope in ((1, 1.0), (-1, 2.0)):
        program = mf.Program(node, [x, low])
        got = program({x: sign * W})
        np.testing.assert_array_equal(to_numpy(got.gradients[x]), np.full(3, slope))
    if backend.name != "strict":
        assert "plain loop" in program.explain()


def test_as_node_with_a_rule_of_ones_own(backend):
    @mf.custom_vjp
    def straight(x):
        return array_namespace(x).round(x)

    straight.defvjp(lambda x: (straight(x), None), lambda _, gradient: (gradient,))
    x = mf.Input("x")
    got = mf.Program(Weighted(mf.as_node(straight)(x)), [x])({x: X})
    expected = mf.grad(weighted)(backend.asarray(X))
    near(to_numpy(got.gradients[x]), to_numpy(expected))


def test_as_node_in_layers_trainer_and_fit(backend):
    model = mf.Sequential([mf.Dense(3, 4, softplus), mf.Dense(4, 1)], seed=1, dtype="float64")
    x, y = mf.Input("x"), mf.Input("y")
    cost = NODES.mean((model(x) - y) ** 2)
    feed = {x: X, y: np.array([[1.0], [-1.0]])}
    mf.gradcheck(cost, feed)
    trainer = mf.Trainer(cost, mf.SGD(0.05))
    losses = [float(to_numpy(trainer.step(feed))) for _ in range(40)]
    assert losses[-1] < losses[0] / 5
    history = mf.fit(trainer, [x, y], mf.Batches(feed[x], feed[y], batch_size=2), epochs=2)
    assert history[-1].cost < losses[-1]


def product(x, y):
    return x * y


@pytest.mark.parametrize("copied", HOW.values(), ids=HOW)
@pytest.mark.parametrize("kind", [softplus, mf.as_node(product), mf.as_node(product, name="Product")])
def test_copies_of_nodes_of_functions(copied, kind):
    x = mf.Input("x")
    node = kind(x, 2.0) if kind is not softplus else kind(x, scale=2.0)
    node_, x_ = copied((node, x))
    assert type(node_) is kind
    np.testing.assert_array_equal(mf.Program(node_)({x_: X}).values, mf.Program(node)({x: X}).values)


def test_as_node_refuses_what_is_no_function_of_arrays(backend):
    with pytest.raises(errors.SettingError, match="function of arrays"):
        mf.as_node(3)
    x = mf.Input("x")
    with pytest.raises(errors.GraphError, match="one array"):
        mf.Program(mf.as_node(lambda x: (x, x))(x))({x: X})
