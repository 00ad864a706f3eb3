"""Reductions: sum, mean, prod, max, min, var, std."""

from math import nan
from typing import Any

from miniflow_xp.arrays.tables import rule
from miniflow_xp.dtypes import wide
from miniflow_xp.rules.algebra import axes_of, conj, count, kept

Axis = int | tuple[int, ...] | None

LARGEST_HALF = 65504  # the largest number of float16


@rule("sum")
def _sum(xp: Any, g: Any, y: Any, x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return (lambda: xp.broadcast_to(kept(xp, g, x, axis), tuple(x.shape)),)


@rule("mean")
def _mean(xp: Any, g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    n = max(count(x, axis), 1)
    share = g if n <= LARGEST_HALF else wide(xp, g)
    return (lambda: xp.broadcast_to(kept(xp, share / n, x, axis), tuple(x.shape)),)


@rule("prod")
def _prod(xp: Any, g: Any, y: Any, x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """∂y/∂xⱼ is the product of all others: that of those before times that of those after, right where some are 0."""

    def back() -> Any:
        rows, order = last(xp, x if x.dtype == y.dtype else xp.astype(x, y.dtype), axis)
        others = before(xp, rows) * xp.flip(before(xp, xp.flip(rows, axis=-1)), axis=-1)
        whole = xp.reshape(others, tuple([x.shape[n] for n in order]))
        return kept(xp, g, x, axis) * conj(xp, xp.permute_dims(whole, tuple([order.index(n) for n in order_of(x)])))

    return (back,)


def last(xp: Any, x: Any, axis: Axis) -> tuple[Any, list[int]]:
    """x with the axes of a reduction as one at the end; and the order that its axes were brought into."""
    axes = axes_of(axis, len(x.shape))
    order = [n for n in order_of(x) if n not in axes] + list(axes)
    kept_sizes = [x.shape[n] for n in order[: len(order) - len(axes)]]
    return xp.reshape(xp.permute_dims(x, tuple(order)), (*kept_sizes, count(x, axis))), order


def order_of(x: Any) -> range:
    """The axes of x as they are."""
    return range(len(x.shape))


def before(xp: Any, x: Any) -> Any:
    """The product of the elements before each one, along the last axis; 1 for the first."""
    if x.shape[-1] == 0:
        return x
    return xp.cumulative_prod(xp.concat([xp.ones_like(x[..., :1]), x[..., :-1]], axis=-1), axis=-1)


@rule("max", "min")
def _extreme(xp: Any, g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Elements that are equally large share the gradient. NaN where the value is."""

    def back() -> Any:
        found = kept(xp, y, x, axis)
        hit = wide(xp, xp.astype((x == found) | (found != found), x.dtype))
        shares = xp.sum(hit, axis=axes_of(axis, len(x.shape)), keepdims=True)
        return kept(xp, g, x, axis) * hit / xp.where(found == found, shares, found)

    return (back,)


@rule("var")
def _var(xp: Any, g: Any, y: Any, x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    return (lambda: kept(xp, g, x, axis) * deviation(xp, x, axis) * (2 * weight(x, axis, correction)),)


@rule("std")
def _std(xp: Any, g: Any, y: Any, x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """0 where all elements are equal, as at the tip of a cone."""

    def back() -> Any:
        infinite = xp.full_like(y, float("inf"))
        per = g * weight(x, axis, correction) / xp.where(y == 0, infinite, y)
        return kept(xp, per, x, axis) * deviation(xp, x, axis)

    return (back,)


def deviation(xp: Any, x: Any, axis: Axis) -> Any:
    """x - its mean."""
    return x - xp.mean(x, axis=axes_of(axis, len(x.shape)), keepdims=True)


def weight(x: Any, axis: Axis, correction: float) -> float:
    """1 / (n - correction); NaN where no degree of freedom is left."""
    left = count(x, axis) - correction
    return 1 / left if left > 0 else nan
