"""Piecewise polynomials: PPoly with traced coefficients, breakpoints or arguments, its derivatives and integrals."""

from math import prod
from typing import Any

from miniflow_xp.scipy.interpolate.held import attributes, hold
from miniflow_xp.scipy.substitutes import as_arrays, refused, substitute

PPOLY = "scipy.interpolate.PPoly"
HELD = "_c _x c x"


def keep(self: Any, c: Any, x: Any, extrapolate: Any, axis: int) -> None:
    """Give a piecewise polynomial its attributes; c is (k, m, …), the highest power first, and x (m + 1,)."""
    hold(self, {"c": c, "x": x}, extrapolate=True if extrapolate is None else extrapolate, axis=axis)


@substitute(f"{PPOLY}.__init__", arrays="c x")
def initialise(xp: Any, self: Any, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
    for _ in range(2 if axis else 0):
        c = xp.moveaxis(c, axis + 1, 0)
    keep(self, c, x, extrapolate, axis)


@substitute(f"{PPOLY}.construct_fast")
def construct_fast(xp: Any, cls: Any, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> Any:
    made = object.__new__(cls)
    keep(made, c, x, extrapolate, axis)
    return made


@substitute(f"{PPOLY}.__call__", held=HELD)
def call(xp: Any, self: Any, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
    c, breaks, x = as_arrays(xp, *attributes(self, "c", "x"), x)
    found = evaluated(xp, c, breaks, xp.reshape(x, (-1,)), nu, self.extrapolate if extrapolate is None else extrapolate)
    return behind(xp, xp.reshape(found, (*x.shape, *c.shape[2:])), len(x.shape), self.axis)


def behind(xp: Any, values: Any, count: int, axis: int) -> Any:
    """The first ``count`` axes moved behind the ``axis`` axes that follow them."""
    order = list(range(len(values.shape)))
    return xp.permute_dims(values, tuple(order[count : count + axis] + order[:count] + order[count + axis :]))


def evaluated(xp: Any, c: Any, breaks: Any, x: Any, nu: int, extrapolate: Any) -> Any:
    """The derivative of order ``nu`` at x, (p,): (p, …). A piece has its left end, the last one both."""
    first, last = breaks[0], breaks[-1]
    if extrapolate == "periodic":
        x = first + xp.remainder(x - first, last - first)
    place = xp.clip(xp.searchsorted(breaks, x, side="right") - 1, 0, breaks.shape[0] - 2)
    distance = x - xp.take(breaks, place)
    shaped = xp.reshape(distance, (-1, *[1] * (len(c.shape) - 2)))
    here = xp.take(c, place, axis=1)
    total = xp.zeros_like(here[0, ...])
    for n in range(c.shape[0] - nu):
        total = total * shaped + here[n, ...] * falling(c.shape[0] - 1 - n, nu)
    if extrapolate in (False, 0):
        outside = xp.reshape((x < first) | (x > last), shaped.shape)
        total = xp.where(outside, xp.full_like(total, float("nan")), total)
    return total


def falling(power: int, order: int) -> float:
    """The factor that ``order`` derivatives of this power bring."""
    return float(prod(range(power - order + 1, power + 1)))


@substitute(f"{PPOLY}.derivative", held=HELD)
def derivative(xp: Any, self: Any, nu: int = 1) -> Any:
    if nu < 0:
        return antiderivative(xp, self, -nu)
    c, x = as_arrays(xp, *attributes(self, "c", "x"))
    size = c.shape[0]
    rows = [c[n, ...] * falling(size - 1 - n, nu) for n in range(size - nu)] or [xp.zeros_like(c[0, ...])]
    return construct_fast(xp, plain_class(), xp.stack(rows), x, self.extrapolate, self.axis)


def plain_class() -> Any:
    """A piecewise polynomial of no special kind."""
    from scipy.interpolate import PPoly

    return PPoly


@substitute(f"{PPOLY}.antiderivative", held=HELD)
def antiderivative(xp: Any, self: Any, nu: int = 1) -> Any:
    if nu <= 0:
        return derivative(xp, self, -nu)
    c, x = as_arrays(xp, *attributes(self, "c", "x"))
    for _ in range(nu):
        c = integrated(xp, c, x)
    extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
    return construct_fast(xp, plain_class(), c, x, extrapolate, self.axis)


def integrated(xp: Any, c: Any, x: Any) -> Any:
    """The coefficients of the integral from the first breakpoint on, which has no jumps."""
    size = c.shape[0]
    rows = xp.stack([c[n, ...] / (size - n) for n in range(size)])
    width = xp.reshape(xp.diff(x), (-1, *[1] * (len(c.shape) - 2)))
    area = xp.zeros_like(rows[0, ...])
    for n in range(size):
        area = (area + rows[n, ...]) * width
    before = xp.cumulative_sum(area, axis=0) - area
    return xp.concat([rows, before[None, ...]], axis=0)


@substitute(f"{PPOLY}.integrate", held=HELD)
def integrate(xp: Any, self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
    extrapolate = self.extrapolate if extrapolate is None else extrapolate
    if extrapolate == "periodic":
        raise refused(f"{PPOLY}.integrate", "a periodic one", "it ends at its breakpoints", "Give extrapolate=False")
    c, x, a, b = as_arrays(xp, *attributes(self, "c", "x"), a, b)
    ends = evaluated(xp, integrated(xp, c, x), x, xp.stack([a, b]), 0, extrapolate)
    return ends[1, ...] - ends[0, ...]
