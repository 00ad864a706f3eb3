"""NumPy's differences, integrals, interpolation and convolution."""

from math import pi
from typing import Any

from miniflow_xp.arrays.protocols.arguments import array_or_none, as_array, in_kind
from miniflow_xp.arrays.protocols.tables import numpy


@numpy("diff")
def diff(xp: Any, a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    return xp.diff(a, axis=axis, n=n, prepend=array_or_none(xp, prepend), append=array_or_none(xp, append))


@numpy("ediff1d")
def ediff1d(xp: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    return xp.ediff1d(as_array(xp, ary), array_or_none(xp, to_end), array_or_none(xp, to_begin))


@numpy("gradient")
def gradient(xp: Any, f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    steps = [as_array(xp, step) if isinstance(step, (list, tuple)) else step for step in varargs]
    f = as_array(xp, f)
    found = xp.gradient(f, *steps, axis=axis, edge_order=edge_order)
    several = found if isinstance(found, tuple) else (found,)
    slopes = tuple([in_kind(xp, slope, f.dtype) if xp.inexact(f.dtype) else slope for slope in several])
    return slopes if isinstance(found, tuple) else slopes[0]


@numpy("trapezoid", "trapz")
def trapezoid(xp: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    return xp.trapezoid(as_array(xp, y), array_or_none(xp, x), dx, axis)


@numpy("interp")
def interp(ns: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: float | None = None) -> Any:
    if period is None:
        return ns.interp(as_array(ns, x), as_array(ns, xp), as_array(ns, fp), left, right)
    x, points, values = (as_array(ns, item) for item in (x, xp, fp))
    period = abs(period)
    x, points = x % period, points % period
    order = ns.argsort(points)
    points, values = ns.take(points, order), ns.take(values, order)
    points = ns.concat([points[-1:] - period, points, points[:1] + period])
    return ns.interp(x, points, ns.concat([values[-1:], values, values[:1]]))


@numpy("convolve")
def convolve(xp: Any, a: Any, v: Any, mode: str = "full") -> Any:
    return xp.convolve(xp.atleast_1d(as_array(xp, a)), xp.atleast_1d(as_array(xp, v)), mode)


@numpy("correlate")
def correlate(xp: Any, a: Any, v: Any, mode: str = "valid") -> Any:
    return xp.correlate(xp.atleast_1d(as_array(xp, a)), xp.atleast_1d(as_array(xp, v)), mode)


@numpy("unwrap")
def unwrap(xp: Any, p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * pi) -> Any:
    """Whole periods are added; how many, is constant."""
    x = as_array(xp, p)
    steps = xp.diff(x, axis=axis)
    half = period / 2
    wrapped = (steps + half) % period - half
    wrapped = xp.where((wrapped == -half) & (steps > 0), xp.full_like(wrapped, half), wrapped)
    jumps = xp.round((wrapped - steps) / period) * period
    small = xp.abs(steps) < (half if discont is None else max(discont, half))
    jumps = xp.where(small, xp.zeros_like(jumps), jumps)
    whole = xp.cumulative_sum(jumps, axis=axis)
    first = xp.zeros_like(xp.take(x, as_array(xp, [0]), axis=axis))
    return x + xp.concat([first, whole], axis=axis)
