"""What jit hands to JAX: recorded equations, with groups of them joined that XLA would compute at greater cost."""

from functools import partial

import numpy as np
import pytest
from array_api_compat import array_namespace
from closeness import assert_same

import miniflow_xp as mf

jax = pytest.importorskip("jax")

RNG = np.random.default_rng(4)
MATRIX = RNG.normal(size=(4, 4)) + 4 * np.eye(4)


@pytest.fixture(autouse=True)
def on_jax():
    jax.config.update("jax_enable_x64", True)
    with mf.use_backend("jax:cpu"):
        yield


@pytest.fixture
def recorded(monkeypatch):
    """Whether each capture's equations were recorded, rather than its function handed to JAX as it is."""
    from miniflow_xp.backends.jax import adapter

    found, record = [], adapter.recorded
    monkeypatch.setattr(adapter, "recorded", lambda *given: found.append(record(*given)) or found[-1])
    return found


def decompositions(compiled, *arrays):
    """How often a captured function decomposes a matrix."""
    compiled(*arrays)
    text = jax.jit(compiled.captured.traced).lower(arrays).compile().as_text()
    return text.count('custom_call_target="lapack_dgetrf')


def test_what_asks_for_the_device_of_an_array_is_recorded(recorded):
    def f(x):
        xp = array_namespace(x)
        return x + xp.ones(x.shape, dtype=x.dtype, device=x.device)

    x = jax.numpy.arange(3.0)
    np.testing.assert_array_equal(mf.jit(f)(x), [1, 2, 3])
    assert recorded != [None]


def test_rules_that_make_an_identity_matrix_are_recorded(recorded):
    def loss(x):
        xp = array_namespace(x)
        return xp.linalg.trace(x) + xp.linalg.slogdet(x)[1]

    x = jax.numpy.asarray(MATRIX)
    np.testing.assert_allclose(mf.jit(mf.grad(loss))(x), np.eye(4) + np.linalg.inv(MATRIX).T)
    assert recorded != [None]


# Systems of equations, whose gradients solve one with the transposed matrix


def loss(a, b):
    xp = array_namespace(a)
    return xp.sum(xp.linalg.solve(a, b) ** 3)


def slopes(gradients, a, b):
    """A real number that the gradients of the loss make."""
    xp = array_namespace(a)
    return sum(xp.real(xp.sum(g * g)) for g in gradients(real_loss, argnums=(0, 1))(a, b))


def real_loss(a, b):
    return array_namespace(a).real(loss(a, b))


SYSTEMS = {
    "a vector": ((4, 4), (4,)),
    "columns": ((4, 4), (4, 2)),
    "a stack": ((3, 4, 4), (3, 4, 2)),
    "one matrix, many systems": ((4, 4), (3, 4, 2)),
    "many matrices, one right side": ((3, 4, 4), (4, 2)),
}


@pytest.mark.parametrize("shapes", SYSTEMS.values(), ids=SYSTEMS)
@pytest.mark.parametrize("unit", [1, 1 + 0.5j], ids=["real", "complex"])
def test_first_and_second_order_are_those_of_jax(shapes, unit):
    a, b = (jax.numpy.asarray(unit * RNG.normal(size=shape)) for shape in shapes)
    a = a + 4 * np.eye(4)
    for function in real_loss, partial(slopes, mf.grad):
        ours = mf.jit(mf.grad(function, argnums=(0, 1)))(a, b)
        assert_same([np.conj(g) for g in ours], jax.grad(function, argnums=(0, 1))(a, b))  # JAX's are conjugates


def test_no_equations_have_gradients_of_their_shapes():
    a, b = jax.numpy.ones((0, 0)), jax.numpy.ones((0, 2))
    assert [g.shape for g in mf.jit(mf.grad(loss, argnums=(0, 1)))(a, b)] == [(0, 0), (0, 2)]


@pytest.mark.parametrize("columns", [(), (2,)], ids=["a vector", "columns"])
def test_first_and_second_order_decompose_the_matrix_once(columns):
    a, b = jax.numpy.asarray(MATRIX), jax.numpy.asarray(RNG.normal(size=(4, *columns)))
    assert decompositions(mf.jit(mf.value_and_grad(loss, argnums=(0, 1))), a, b) == 1
    assert decompositions(mf.jit(mf.grad(partial(slopes, mf.grad), argnums=(0, 1))), a, b) == 1


def test_a_system_with_a_transposed_matrix_alone_is_solved():
    a, b = jax.numpy.asarray(MATRIX), jax.numpy.asarray(RNG.normal(size=4))
    found = mf.jit(lambda a, b: array_namespace(a).linalg.solve(a.mT, b))(a, b)
    np.testing.assert_allclose(found, np.linalg.solve(MATRIX.T, b), rtol=1e-13)


# What is written into zeros, as the gradients of slices are


def written(key):
    """A function that gives zeros in the form of x, with values at an index."""

    def function(x, values):
        zeros = array_namespace(x).zeros_like(x)
        zeros[key] = values
        return zeros

    return function


KEYS = {
    "a number": (1, (4,)),
    "from the end": ((-1, -2), ()),
    "rows": (slice(1, 3), (2, 4)),
    "every other one": ((slice(None), slice(None, None, 2)), (3, 2)),
    "backwards": ((slice(None, None, -1), slice(3, 0, -2)), (3, 2)),
    "a new axis": ((slice(None), None, 0), (3, 1)),
    "an ellipsis": ((..., slice(-2, None)), (3, 2)),
    "nothing": (slice(3, 3), (0, 4)),
    "all": ((), (3, 4)),
}


@pytest.mark.parametrize(("key", "shape"), KEYS.values(), ids=KEYS)
def test_what_is_written_into_zeros_is_no_scatter(key, shape):
    x, values = jax.numpy.ones((3, 4)), jax.numpy.asarray(RNG.normal(size=shape))
    expected = np.zeros((3, 4))
    expected[key] = values
    compiled = mf.jit(written(key))
    np.testing.assert_array_equal(compiled(x, values), expected)
    assert "scatter" not in jax.jit(compiled.captured.traced).lower((x, values)).as_text()


OTHERWISE = {
    "values that broadcast": (slice(1, 3), RNG.normal(size=4)),
    "another dtype": (0, np.arange(4)),
    "an array of numbers": (np.array([0, 2]), RNG.normal(size=(2, 4))),
    "a mask": (np.array([True, False, True]), RNG.normal(size=(2, 4))),
    "one truth value": (True, RNG.normal(size=(3, 4))),
}


@pytest.mark.parametrize(("key", "values"), OTHERWISE.values(), ids=OTHERWISE)
def test_other_writes_into_zeros_are_as_ever(key, values):
    expected = np.zeros((3, 4))
    expected[key] = values
    key = jax.numpy.asarray(key) if isinstance(key, np.ndarray) else key
    found = mf.jit(written(key))(jax.numpy.ones((3, 4)), jax.numpy.asarray(values))
    np.testing.assert_array_equal(found, expected)


def test_outside_of_an_array_jax_writes_nothing():
    found = mf.jit(written(5))(jax.numpy.ones((3, 4)), jax.numpy.ones(4))
    np.testing.assert_array_equal(found, np.zeros((3, 4)))


# Constants


DIAGONAL = {
    "an identity": np.eye(3),
    "more columns than rows": 1 - 0.5 * np.eye(2, 3),
    "complex": 1j * np.eye(3),
    "float32": np.eye(3, dtype="float32"),
    "negative zeros": -np.eye(3),
    "not a number": np.where(np.eye(2) == 1, np.nan, np.inf),
    "all the same": np.ones((3, 3)),
}


def with_constant(constant):
    return mf.jit(lambda x: [x + 1, constant])


@pytest.mark.parametrize("matrix", DIAGONAL.values(), ids=DIAGONAL)
def test_a_matrix_of_two_numbers_takes_no_memory_and_keeps_its_bits(matrix):
    compiled = with_constant(jax.numpy.asarray(matrix))
    x = jax.numpy.ones(2)
    for _ in range(2):
        found = compiled(x)[1]
        assert found.dtype == matrix.dtype
        assert np.asarray(found).tobytes() == matrix.tobytes()
    assert "dense<[[" not in jax.jit(compiled.captured.traced).lower((x,)).as_text()


OTHER_CONSTANTS = {
    "one number differs": np.eye(3) + np.where(np.arange(9).reshape(3, 3) == 7, 1e-9, 0),
    "a zero's sign differs": np.where(np.arange(9).reshape(3, 3) == 7, -0.0, np.eye(3)),
    "the diagonal differs": np.diag([1.0, 1, 2]),
    "whole numbers": np.eye(3, dtype="int64"),
    "a row": np.ones((1, 3)),
    "nothing": np.ones((0, 2)),
    "a stack": np.stack([np.eye(2)] * 2),
}


@pytest.mark.parametrize("constant", OTHER_CONSTANTS.values(), ids=OTHER_CONSTANTS)
def test_other_constants_are_as_they_are(constant):
    found = with_constant(jax.numpy.asarray(constant))(jax.numpy.ones(2))[1]
    assert found.dtype == constant.dtype
    assert np.asarray(found).tobytes() == constant.tobytes()


# Products with slices


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        (((0, 2), (0, 1)), (3, 4, 5)),
        (((2, 0), (1, 0)), (3, 4, 5)),
        (((2, 1), (-1, 0)), (2, 5, 4)),
        (2, (2, 4, 5)),
        (((0, 1, 2), (0, 1, 2)), (3, 2, 4, 5)),
    ],
)
def test_a_slice_summed_over_most_of_its_axes(recorded, axes, shape):
    a, b = RNG.normal(size=(3, 3, 6)), RNG.normal(size=shape)

    def f(a, b):
        return array_namespace(a).tensordot(a[:, 1:, 1:-1], b, axes=axes)

    np.testing.assert_allclose(mf.jit(f)(*map(jax.numpy.asarray, (a, b))), f(a, b), rtol=1e-12)
    assert recorded[0][0][-1].op == "tensordot_from_right"


@pytest.mark.parametrize("axes", [(1, 0), 1, ((1,), (0,))])
def test_a_slice_summed_over_few_of_its_axes(recorded, axes):
    a, b = RNG.normal(size=(3, 6)), RNG.normal(size=(6, 2))

    def f(a, b):
        return array_namespace(a).tensordot(a[1:, :], b, axes=axes)

    compiled = mf.jit(f)
    np.testing.assert_allclose(compiled(*map(jax.numpy.asarray, (a, b))), f(a, b), rtol=1e-12)
    assert recorded[0][0][-1].op == "tensordot"
    assert compiled.captured.traced is not None


def test_a_slice_is_copied_once_for_a_product_and_its_gradient():
    """The memory that a convolution's value and gradient move is that of JAX's own."""
    images, kernels = (
        jax.numpy.asarray(RNG.normal(size=(8, 3, 16, 16))),
        jax.numpy.asarray(RNG.normal(size=(4, 3, 3, 3))),
    )

    def loss(kernels, images):
        xp, total = array_namespace(images), 0.0
        for i in range(3):
            for j in range(3):
                shifted = images[:, :, i : i + 14, j : j + 14]
                total = total + xp.tensordot(shifted, kernels[:, :, i, j], axes=((1,), (1,)))
        return xp.sum(total**2)

    def moved(compiled):
        return compiled.compile().cost_analysis()["bytes accessed"]

    ours = mf.jit(mf.grad(loss))
    ours(kernels, images)
    theirs = jax.jit(jax.grad(loss)).lower(kernels, images)
    assert moved(jax.jit(ours.captured.traced).lower([kernels, images])) < 1.1 * moved(theirs)
