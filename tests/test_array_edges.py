"""Derivatives where a function has none, as docs/edges.md decides them: at ties, jumps, corners, bounds, infinities."""

import warnings
from math import inf, nan

import numpy as np
import pytest

from miniflow_xp import differentiable_namespace, grad
from miniflow_xp.arrays.traced import ground


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
    array = ground(array)
    if type(array).__module__.startswith("torch"):
        array = array.resolve_conj().resolve_neg()
    return backend.to_numpy(array)


def check(backend, function, arrays, expected, order=1):
    for got, wanted in zip(derivatives(backend, function, arrays, order), expected, strict=True):
        np.testing.assert_allclose(got, np.asarray(wanted), rtol=1e-13, atol=0)


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
