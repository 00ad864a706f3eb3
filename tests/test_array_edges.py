"""Derivatives where a function has none, as docs/edges.md decides them: at ties, jumps, corners, bounds, infinities."""

import warnings
from math import exp, inf, nan, pi, sqrt

import numpy as np
import pytest
from array_api_compat import array_namespace

from miniflow_xp import differentiable_namespace, grad, hessian, special
from miniflow_xp.arrays.traced import ground

BIG, TINY = 3e200, 3e-200


def derivatives(backend, function, arrays, order=1):
    """The derivatives of Σ f, of the first or the second order, as NumPy arrays."""
    everything = tuple(range(len(arrays)))

    def total(*xs):
        xp = differentiable_namespace(backend.xp)
        value = function(xp, *xs)
        return xp.sum(xp.real(value) if "complex" in str(value.dtype) else value)

    def slopes(*xs):
        xp = differentiable_namespace(backend.xp)
        parts = [xp.sum(xp.real(g) if "complex" in str(g.dtype) else g) for g in grad(total, argnums=everything)(*xs)]
        return sum(parts[1:], parts[0])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's own, of divisions by zero
        found = grad(total if order == 1 else slopes, argnums=everything)(
            *map(backend.asarray, map(np.asarray, arrays))
        )
    return [host(backend, g) for g in found]


def host(backend, array):
    return backend.to_numpy(ground(array))


def check(backend, function, arrays, expected, order=1):
    for got, wanted in zip(derivatives(backend, function, arrays, order), expected, strict=True):
        np.testing.assert_allclose(got, np.asarray(wanted), rtol=1e-13, atol=0)


ELEMENTWISE = {  # what: function, arrays, derivatives
    "abs of 0": (lambda xp, x: xp.abs(x), [[0.0, -0.0]], [[0, 0]]),
    "abs of complex 0": (lambda xp, x: xp.abs(x), [[0j]], [[0j]]),
    "|z|²": (lambda xp, z: xp.real(z * xp.conj(z)), [[1 + 2j]], [[2 + 4j]]),
    "Re exp": (lambda xp, z: xp.exp(z), [[1 + 2j]], [[np.exp(1 - 2j)]]),
    "sign": (lambda xp, x: xp.sign(x), [[0.0, 3.0]], [[0, 0]]),
    "sign of complex 0": (lambda xp, x: xp.sign(x), [[0j]], [[0j]]),
    "steps": (lambda xp, x: xp.floor(x) + xp.ceil(x) + xp.trunc(x) + xp.round(x), [[1.0, 0.5]], [[0, 0]]),
    "floor_divide": (lambda xp, a, b: xp.floor_divide(a, b), [[4.0], [2.0]], [[0], [0]]),
    "nextafter": (lambda xp, a, b: xp.nextafter(a, b), [[1.0], [2.0]], [[1], [0]]),
    "remainder at a jump": (lambda xp, a, b: xp.remainder(a, b), [[4.0, -5.0], [2.0, 3.0]], [[1, 1], [-2, 2]]),
    "remainder, a quotient that is rounded up": (lambda xp, a, b: xp.remainder(a, b), [[1.0], [0.1]], [[1], [-9]]),
    "copysign": (lambda xp, a, b: xp.copysign(a, b), [[0.0, -1, 2], [1.0, -0.0, -3]], [[0, 1, -1], [0, 0, 0]]),
    "maximum of equal": (lambda xp, a, b: xp.maximum(a, b), [[1.0, inf], [1.0, inf]], [[0.5, 0.5], [0.5, 0.5]]),
    "minimum of equal": (lambda xp, a, b: xp.minimum(a, b), [[1.0, -inf], [1.0, -inf]], [[0.5, 0.5], [0.5, 0.5]]),
    "maximum of NaN": (lambda xp, a, b: xp.maximum(a, b), [[nan, 1.0], [1.0, nan]], [[nan, nan], [nan, nan]]),
    "minimum of NaN": (lambda xp, a, b: xp.minimum(a, b), [[nan, 1.0], [1.0, nan]], [[nan, nan], [nan, nan]]),
    "clip at a bound": (lambda xp, x: xp.clip(x, 0.0, 1.0), [[0.0, 1.0, 2.0]], [[1, 1, 0]]),
    "clip of NaN": (lambda xp, x: xp.clip(x, 0.0, 1.0), [[nan]], [[1]]),
    "clip, gradients of bounds": (
        lambda xp, x, a, b: xp.clip(x, a, b),
        [[0.0, 1.0, 2.0, -1.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]],
        [[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]],
    ),
    "hypot at 0, 0": (lambda xp, a, b: xp.hypot(a, b), [[0.0], [0.0]], [[0], [0]]),
    "hypot of large and small": (
        lambda xp, a, b: xp.hypot(a, b),
        [[BIG, TINY], [BIG * 4 / 3, TINY * 4 / 3]],
        [[0.6, 0.6], [0.8, 0.8]],
    ),
    "atan2 at 0, 0": (lambda xp, a, b: xp.atan2(a, b), [[0.0], [0.0]], [[nan], [nan]]),
    "atan2 of large and small": (
        lambda xp, a, b: xp.atan2(a, b),
        [[BIG, TINY], [BIG * 4 / 3, TINY * 4 / 3]],
        [[0.48 / BIG, 0.48 / TINY], [-0.36 / BIG, -0.36 / TINY]],
    ),
    "logaddexp": (
        lambda xp, a, b: xp.logaddexp(a, b),
        [[0.0, -inf, -inf, 1000, inf, -40], [0.0, -inf, 1.0, 0, 0, 0]],
        [[0.5, 0, 0, 1, 1, exp(-40)], [0.5, 0, 1, 0, 0, 1]],
    ),
    "pow at 0": (lambda xp, a, b: a**b, [[0.0, 0.0, 0.0], [2.0, 1.0, 0.0]], [[0, 1, 0], [0, 0, 0]]),
    "pow of a negative number": (lambda xp, a, b: a**b, [[-1.0], [2.0]], [[-2], [nan]]),
    "pow by numbers at 0": (lambda xp, x: x**2 + x**1 + x**0, [[0.0]], [[1]]),
    "expm1 in its tail": (lambda xp, x: xp.expm1(x), [[-40.0, 0.0]], [[exp(-40), 1]]),
    "root at 0": (lambda xp, x: x**0.5 + xp.sqrt(x), [[0.0]], [[inf]]),
    "0 to the power of x": (lambda xp, x: 0.0**x, [[2.0, 0.0]], [[0, 0]]),
    "a negative number to the power of x": (lambda xp, x: (-2.0) ** x, [[2.0]], [[nan]]),
    "where, of NaN in the branch not taken": (lambda xp, x: xp.where(x > 0, xp.log(x), x), [[0.0]], [[nan]]),
}
SECOND = {
    "abs of 0": (lambda xp, x: xp.abs(x), [[0.0]], [[0]]),
    "abs of complex 0": (lambda xp, x: xp.abs(x), [[0j]], [[0j]]),
    "hypot at 0, 0": (lambda xp, a, b: xp.hypot(a, b), [[0.0], [0.0]], [[0], [0]]),
    "maximum of equal": (lambda xp, a, b: xp.maximum(a, b), [[1.0], [1.0]], [[0], [0]]),
    "clip at a bound": (lambda xp, x: xp.clip(x, 0.0, 1.0) ** 2, [[0.0, 1.0, 2.0]], [[2, 2, 0]]),
    "logaddexp": (lambda xp, x: xp.logaddexp(x, 0 * x), [[0.0, -40]], [[0.25, exp(-40)]]),
    "logaddexp of -∞": (lambda xp, a, b: xp.logaddexp(a, b), [[-inf], [-inf]], [[0], [0]]),
    "pow at 0": (lambda xp, x: x**2 + x**1, [[0.0]], [[2]]),
    "sign of complex 0": (lambda xp, x: xp.sign(x), [[0j]], [[0j]]),
}

A = [0.5, 1.0, 2.0]
LIMIT = sqrt(2 / pi)
SPECIAL = {
    "xlogy at 0": (
        lambda xp, x, y: special.xlogy(x, y),
        [[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, -1.0, 0.0]],
        [[0, -inf, nan, -inf], [0, 0, 0, inf]],
    ),
    "xlog1py at 0": (lambda xp, x, y: special.xlog1py(x, y), [[0.0, 0.0], [0.0, -1.0]], [[0, -inf], [0, 0]]),
    "xdivy at 0": (lambda xp, x, y: special.xdivy(x, y), [[0.0, 0.0], [2.0, 0.0]], [[0.5, inf], [0, 0]]),
    "entr at 0 and below": (lambda xp, x: special.entr(x), [[0.0, -1.0]], [[inf, nan]]),
    "rel_entr at 0 and below": (
        lambda xp, x, y: special.rel_entr(x, y),
        [[0.0, 0.0, -1.0, 1.0], [1.0, 0.0, -1.0, 0.0]],
        [[-inf, nan, nan, inf], [0, 0, nan, -inf]],
    ),
    "kl_div at 0 and below": (
        lambda xp, x, y: special.kl_div(x, y),
        [[0.0, 0.0, -1.0, 1.0], [1.0, 0.0, -1.0, 0.0]],
        [[-inf, nan, nan, inf], [1, 1, nan, -inf]],
    ),
    "expit": (
        lambda xp, x: special.expit(x),
        [[0.0, 40.0, -40.0, 800.0, -800.0]],
        [[0.25, exp(-40), exp(-40), 0, 0]],
    ),
    "log_expit": (
        lambda xp, x: special.log_expit(x),
        [[0.0, 40.0, -40.0, 800.0, -800.0]],
        [[0.5, exp(-40), 1, 0, 1]],
    ),
    "softplus": (
        lambda xp, x: special.softplus(x),
        [[0.0, 40.0, -40.0, 800.0, -800.0]],
        [[0.5, 1, exp(-40), 1, 0]],
    ),
    "logit at 0 and 1": (lambda xp, x: special.logit(x), [[0.0, 1.0, 0.5]], [[inf, inf, 4]]),
    "log_ndtr": (lambda xp, x: special.log_ndtr(x), [[0.0, -1e8, 40.0]], [[LIMIT, 1e8, 0]]),
    "erfcx": (lambda xp, x: special.erfcx(x), [[0.0, 1e8]], [[-2 / sqrt(pi), -1e-16 / sqrt(pi)]]),
    "erfinv at 1": (lambda xp, x: special.erfinv(x), [[0.0, 1.0]], [[sqrt(pi) / 2, inf]]),
    "i0 at 0": (lambda xp, x: special.i0(x) + special.i0e(x), [[0.0]], [[0]]),
    "i1 at 0": (lambda xp, x: special.i1(x), [[0.0]], [[0.5]]),
    "i1e at 0": (lambda xp, x: special.i1e(x), [[0.0]], [[0.5]]),
    "sinc at 0": (lambda xp, x: special.sinc(x), [[0.0, 1e-9, 1.0]], [[0, -(pi**2) / 3 * 1e-9, -1]]),
    "gammainc at 0": (
        lambda xp, x: special.gammainc(xp.asarray(A, dtype=x.dtype), x),
        [[0.0, 0.0, 0.0]],
        [[inf, 1, 0]],
    ),
    "betainc at 0 and 1": (lambda xp, x: special.betainc(1.0, 1.0, x), [[0.0, 1.0]], [[1, 1]]),
    "logsumexp": (
        lambda xp, x: special.logsumexp(x, axis=1),
        [[[0.0, -inf], [-inf, -inf], [1000.0, 0.0], [-1000.0, -1000.0], [0.0, -40.0]]],
        [[[1, 0], [0, 0], [1, 0], [0.5, 0.5], [1, exp(-40)]]],
    ),
    "logsumexp of ∞": (lambda xp, x: special.logsumexp(x), [[0.0, inf]], [[0, nan]]),
    "logsumexp of weights 0": (
        lambda xp, x, b: special.logsumexp(x, b=b),
        [[1.0, 2.0], [0.0, 0.0]],
        [[0, 0], [inf, inf]],
    ),
    "stdtr at 0": (lambda xp, t: special.stdtr(1.0, t), [[0.0, 1.0]], [[1 / pi, 0.5 / pi]]),
    "huber at 0 and the bound": (lambda xp, d, r: special.huber(d, r), [[1.0, 1.0], [0.0, 1.0]], [[0, 0], [0, 1]]),
    "softmax": (
        lambda xp, x: special.softmax(x, axis=1)[:, 0],
        [[[0.0, -inf], [1000.0, 0.0], [-inf, -inf]]],
        [[[0, 0], [0, 0], [nan, nan]]],
    ),
    "log_softmax": (
        lambda xp, x: special.log_softmax(x, axis=1)[:, 1],
        [[[0.0, -inf], [1000.0, 0.0], [-1000.0, 0.0]]],
        [[[-1, 1], [-1, 1], [0, 0]]],
    ),
}
SPECIAL_SECOND = {
    "xlogy at 0": (lambda xp, x, y: special.xlogy(x, y), [[0.0, 0.0], [2.0, 0.0]], [[0.5, inf], [0.5, inf]]),
    "expit": (lambda xp, x: special.expit(x), [[0.0, 40.0, -40.0]], [[0, -exp(-40), exp(-40)]]),
    "log_expit": (lambda xp, x: special.log_expit(x), [[0.0, 40.0, -40.0]], [[-0.25, -exp(-40), -exp(-40)]]),
    "softplus": (lambda xp, x: special.softplus(x), [[0.0, 40.0, -40.0]], [[0.25, exp(-40), exp(-40)]]),
    "log_ndtr": (lambda xp, x: special.log_ndtr(x), [[0.0, -1e8, 40.0]], [[-2 / pi, -1, 0]]),
    "i0 at 0": (lambda xp, x: special.i0(x), [[0.0]], [[0.5]]),
    "i1 at 0": (lambda xp, x: special.i1(x), [[0.0]], [[0]]),
    "sinc at 0": (lambda xp, x: special.sinc(x), [[0.0, 1.0]], [[-(pi**2) / 3, 2]]),
    "logsumexp": (lambda xp, x: special.logsumexp(x) ** 2, [[0.0, -inf]], [[2, 0]]),
    "logsumexp of -∞": (lambda xp, x: special.logsumexp(x), [[-inf, -inf]], [[0, 0]]),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special(backend, name):
    check(backend, *SPECIAL[name])


@pytest.mark.parametrize("name", SPECIAL_SECOND)
def test_special_second_order(backend, name):
    check(backend, *SPECIAL_SECOND[name], order=2)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(backend, name):
    check(backend, *ELEMENTWISE[name])


@pytest.mark.parametrize("name", SECOND)
def test_elementwise_second_order(backend, name):
    check(backend, *SECOND[name], order=2)


@pytest.mark.parametrize("name", ["maximum", "minimum", "hypot", "atan2", "logaddexp", "multiply", "divide", "pow"])
def test_of_two_precisions_each_keeps_its_own(backend, name):
    """Mixed floats meet in the wider one; each gradient has the dtype of what it belongs to."""
    a, b = np.asarray([1.5, 2.0], dtype="float32"), np.asarray([0.5, 3.0])
    found = derivatives(backend, lambda xp, x, y: getattr(xp, name)(x, y), [a, b])
    wide = derivatives(backend, lambda xp, x, y: getattr(xp, name)(x, y), [a.astype("float64"), b])
    assert [g.dtype.name for g in found] == ["float32", "float64"]
    for got, wanted in zip(found, wide, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_real_times_complex_has_a_real_gradient(backend):
    x, z = derivatives(backend, lambda xp, x, z: x * z, [[2.0], [3 + 4j]])
    assert (x.dtype, z.dtype) == ("float64", "complex128")
    np.testing.assert_allclose(x, [3.0])
    np.testing.assert_allclose(z, [2.0])


@pytest.mark.parametrize("name", ["abs", "hypot", "norm"])
def test_the_slope_of_a_tip_is_a_constant_of_second_order(backend, name):
    """So the square of a function with a tip at 0 has none there, though it is x²."""

    def square(x):
        xp = array_namespace(x)
        tips = {"abs": lambda: xp.abs(x), "hypot": lambda: xp.hypot(x, 0 * x), "norm": lambda: xp.linalg.vector_norm(x)}
        return xp.sum(tips[name]() ** 2)

    found = hessian(square)(backend.asarray(np.zeros(2)))
    np.testing.assert_array_equal(backend.to_numpy(found), np.zeros((2, 2)))


def test_where_a_formula_is_0_over_0_every_order_is_right(backend):
    """Of i1 at 0 the third derivative is 3/8, of sinc the fourth is π⁴/5."""

    def nth(f, order):
        for _ in range(order):
            f = grad(f)
        return float(backend.to_numpy(f(backend.asarray(np.asarray(0.0)))))

    assert nth(special.i1, 3) == pytest.approx(3 / 8, rel=1e-14)
    assert nth(special.sinc, 4) == pytest.approx(pi**4 / 5, rel=1e-14)


ARRANGED = {  # reductions, order and places: function, arrays, derivatives
    "max of equal": (lambda xp, x: xp.max(x), [[1.0, 3, 3]], [[0, 0.5, 0.5]]),
    "min of equal infinities": (lambda xp, x: xp.min(x), [[-inf, -inf, 0.0]], [[0.5, 0.5, 0]]),
    "max with NaN": (lambda xp, x: xp.max(x), [[nan, 1.0]], [[nan, nan]]),
    "prod with one 0": (lambda xp, x: xp.prod(x), [[0.0, 2, 3]], [[6, 0, 0]]),
    "prod with two 0": (lambda xp, x: xp.prod(x), [[0.0, 0, 3]], [[0, 0, 0]]),
    "prod of nothing": (lambda xp, x: xp.prod(x), [np.zeros(0)], [np.zeros(0)]),
    "cumulative_prod with 0": (lambda xp, x: xp.cumulative_prod(x), [[2.0, 0, 0, 3]], [[1, 2, 0, 0]]),
    "mean of nothing": (lambda xp, x: xp.mean(x, axis=0), [np.zeros((0, 2))], [np.zeros((0, 2))]),
    "std of a constant": (lambda xp, x: xp.std(x), [[2.0, 2.0]], [[0, 0]]),
    "std of one element": (lambda xp, x: xp.std(x), [[2.0]], [[0]]),
    "nanstd of a constant": (lambda xp, x: xp.nanstd(x), [[2.0, nan, 2.0]], [[0, 0, 0]]),
    "var without freedom": (lambda xp, x: xp.var(x, correction=1), [[2.0]], [[nan]]),
    "var with less than none": (lambda xp, x: xp.var(x, correction=3), [[2.0, 1.0]], [[nan, nan]]),
    "nanvar without freedom": (lambda xp, x: xp.nanvar(x, ddof=1), [[2.0, nan]], [[0, 0]]),
    "ptp of a constant": (lambda xp, x: xp.ptp(x), [[2.0, 2.0]], [[0, 0]]),
    "sort of equal": (lambda xp, x: xp.sort(x) * xp.asarray([1.0, 2, 3], dtype=x.dtype), [[2.0, 2, 2]], [[1, 2, 3]]),
    "sort with NaN": (lambda xp, x: xp.sort(x)[:2], [[nan, 2.0, 1]], [[0, 1, 1]]),
    "unique_values of equal": (lambda xp, x: xp.unique_values(x), [[1.0, 2, 2]], [[1, 0.5, 0.5]]),
    "median of equal": (lambda xp, x: xp.median(x), [[2.0, 2, 2]], [[0, 1, 0]]),
    "median with NaN": (lambda xp, x: xp.max(xp.median(x)) + 0 * x, [[2.0, nan]], [[nan, nan]]),
    "quantile at an element, for q": (lambda xp, x, q: xp.quantile(x, q), [[1.0, 2, 4], 0.5], [[0, 1, 0], 4]),
    "quantile at the end, for q": (lambda xp, x, q: xp.quantile(x, q), [[1.0, 2, 4], 1.0], [[0, 0, 1], 4]),
    "quantile beyond": (lambda xp, x, q: xp.quantile(x, q), [[1.0, 2], 1.5], [[nan, nan], nan]),
    "NaN left out": (lambda xp, x: xp.nansum(x) + xp.nanmax(x), [[nan, 1.0]], [[0, 2]]),
    "only NaN": (lambda xp, x: xp.nanmax(x) + xp.nanmean(x), [[nan, nan]], [[0, 0]]),
    "nan_to_num": (lambda xp, x: xp.nan_to_num(x), [[nan, inf, -inf, 1.0]], [[0, 0, 0, 1]]),
    "interp at a point": (lambda xp, x: xp.interp(x, *POINTS), [[1.0]], [[3]]),
    "interp at the ends": (lambda xp, x: xp.interp(x, *POINTS), [[0.0, 2.0]], [[1, 3]]),
    "interp beyond the ends": (lambda xp, x: xp.interp(x, *POINTS), [[-1.0, 3.0]], [[0, 0]]),
    "astype to integers": (lambda xp, x: xp.astype(xp.astype(x, xp.int64), x.dtype), [[2.5]], [[0]]),
}
POINTS = [0.0, 1.0, 2.0], [0.0, 1.0, 4.0]


@pytest.mark.parametrize("name", ARRANGED)
def test_arranged(backend, name):
    check(backend, *ARRANGED[name])


def test_the_second_derivative_of_a_std_of_equal_elements_is_0(backend):
    check(backend, lambda xp, x: xp.std(x), [[2.0, 2.0]], [[0, 0]], order=2)


def test_the_last_of_values_for_one_place_has_the_gradient():
    """Where a library writes one after the other, as NumPy does."""
    xp = differentiable_namespace(np)

    def held(v):
        return xp.sum(xp.setitem(xp.zeros(2), np.asarray([1, 1]), v))

    np.testing.assert_array_equal(grad(held)(np.asarray([1.0, 2.0])), [0, 1])
