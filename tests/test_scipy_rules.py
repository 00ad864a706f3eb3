"""Rules for SciPy's functions: value, first and second derivative of every row, and that SciPy is as before."""

from functools import partial

import numpy as np
import pytest
from closeness import along, assert_near, directions, slope
from conftest import why_unusable

pytest.importorskip("scipy", reason="the rules are for SciPy: pip install scipy")

import scipy_rows
from scipy import interpolate, ndimage, signal

from miniflow_xp import differentiable_namespace, grad, jvp
from miniflow_xp.errors import ShapeError
from miniflow_xp.scipy import rules
from miniflow_xp.switch import load
from miniflow_xp.transforms.trees import flatten

SECOND = 10
"""Differences of first derivatives may be so much farther off than those of values."""

ROWS = scipy_rows.every_row()

pytestmark = pytest.mark.filterwarnings(r"ignore:`\w+` is deprecated in favor of `scipy\.spatial")  # the oracle's own

rows = pytest.mark.parametrize("row", ROWS, ids=str)


def leaves_of(value):
    return [x for x in flatten(value)[0] if hasattr(x, "dtype") or isinstance(x, float)]


def plain(row):
    """What SciPy gives."""
    return [np.asarray(x) for x in leaves_of(row.call(*row.arrays))]


def weights_of(row):
    if row.name not in WEIGHTS:
        WEIGHTS[row.name] = list(made_weights(row))
    return WEIGHTS[row.name]


WEIGHTS = {}


def made_weights(row):
    random = np.random.default_rng(1)
    made = [(random.normal(size=x.shape), random.normal(size=x.shape), np.iscomplexobj(x)) for x in plain(row)]
    return [a + 1j * b if is_complex else a for a, b, is_complex in made]


def scalar(xp, row):
    """The function x ↦ Re Σ w̄ f(x) of traced arrays."""
    weights = weights_of(row)

    def loss(*arrays):
        total = 0.0
        for value, w in zip(leaves_of(row.call(*arrays)), weights, strict=True):
            part = xp.sum(xp.asarray(w.conj()) * value)
            total = total + (xp.real(part) if "complex" in str(part.dtype) else part)
        return total

    return loss


def of_scipy(row, *arrays):
    """The same of plain arrays, by SciPy alone."""
    values = [np.asarray(x) for x in leaves_of(row.call(*arrays))]
    return float(sum(np.real(np.sum(w.conj() * v)) for w, v in zip(weights_of(row), values, strict=True)))


def everything(row):
    return tuple(range(len(row.arrays)))


@rows
def test_value_and_first_derivative_are_those_of_scipy(row):
    xp = differentiable_namespace(np)
    kept = []

    def loss(*arrays):
        kept[:] = leaves_of(row.call(*arrays))
        return scalar(xp, row)(*arrays)

    expected, moves = plain(row), directions(row.arrays)
    with rules():
        gradients = grad(loss, argnums=everything(row))(*row.arrays)
    for got, wanted in zip(kept, expected, strict=True):
        bound = row.near * max(1.0, float(np.max(np.abs(wanted), initial=0)))
        np.testing.assert_allclose(contents(got), wanted, rtol=0, atol=bound)
    assert_near(along(gradients, moves), slope(partial(of_scipy, row), row.arrays, moves), row.first)


def contents(x):
    from miniflow_xp.arrays.traced import ground

    return np.asarray(ground(x))


@rows
def test_second_derivative(row):
    if not row.twice:
        pytest.skip("its second derivative is 0 or jumps")
    xp = differentiable_namespace(np)
    gradient = grad(scalar(xp, row), argnums=everything(row))
    moves = directions(row.arrays)

    def along_moves(*arrays):
        total = 0.0
        for m, g in zip(moves, gradient(*arrays), strict=True):
            part = xp.sum(xp.asarray(np.conj(m)) * g)
            total = total + (xp.real(part) if "complex" in str(part.dtype) else part)
        return total

    others = [np.roll(v, 1) for v in directions(row.arrays)]
    with rules():
        got = along(grad(along_moves, argnums=everything(row))(*row.arrays), others)
        expected = slope(lambda *xs: along(gradient(*xs), moves), row.arrays, others)
    assert_near(got, expected, SECOND * row.first)


OF_JAX = ("interpolate.interp1d", "linalg.sqrtm", "signal.lfilter", "stats.norm.logpdf")
SAMPLE = [row for n, row in enumerate(ROWS) if n % 12 == 0]


@pytest.mark.parametrize("row", SAMPLE, ids=str)
def test_along_a_direction_it_is_the_same(row):
    """By the transpose of the pullback, which takes the rules to be linear and pure."""
    loss, moves = scalar(differentiable_namespace(np), row), directions(row.arrays)
    with rules():
        got = jvp(loss, row.arrays, tuple(np.asarray(m) for m in moves))[1]
        assert_near(float(got), along(grad(loss, argnums=everything(row))(*row.arrays), moves), 1e-6)


@pytest.mark.parametrize("row", SAMPLE, ids=str)
@pytest.mark.parametrize("name", ["torch", "strict"])
def test_arrays_of_other_libraries(name, row):
    of_library(name, row)


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in OF_JAX], ids=str)
def test_arrays_of_jax(row):
    of_library("jax", row)


def of_library(name, row):
    """The gradient of a row on a library's arrays is that on NumPy's."""
    if reason := why_unusable(name):
        pytest.skip(reason)
    backend = load(name)

    def loss(library):
        return scalar(differentiable_namespace(library), row)

    with rules():
        wanted = grad(loss(np), argnums=everything(row))(*row.arrays)
        arrays = [backend.asarray(a) for a in row.arrays]
        got = grad(loss(backend.xp), argnums=everything(row))(*arrays)
    for g, w, a in zip(got, wanted, arrays, strict=True):
        assert type(g) is type(a)
        bound = 1e-6 * max(1.0, float(np.max(np.abs(w), initial=0)))
        np.testing.assert_allclose(backend.to_numpy(g), w, rtol=0, atol=bound)


NO_SUCH_AXIS = {
    "convolve": lambda x: signal.fftconvolve(x, x, axes=2),
    "gaussian_filter": lambda x: ndimage.gaussian_filter(x, 1.0, axes=(0, -3)),
    "gaussian_filter1d": lambda x: ndimage.gaussian_filter1d(x, 1.0, axis=2),
    "interp1d": lambda x: interpolate.interp1d(np.arange(3.0), x, axis=2)(1.5),
    "make_interp_spline": lambda x: interpolate.make_interp_spline(np.arange(3.0), x, k=1, axis=2)(1.5),
    "sobel": lambda x: ndimage.sobel(x, axis=2),
}


@pytest.mark.parametrize("name", NO_SUCH_AXIS)
def test_an_axis_that_is_not_there_is_an_error_as_in_scipy(name):
    x = np.arange(12.0).reshape(3, 4)
    with pytest.raises((IndexError, ValueError)):
        NO_SUCH_AXIS[name](x)
    with rules(), pytest.raises(ShapeError):
        grad(lambda x: np.sum(NO_SUCH_AXIS[name](x)))(x)
