"""Beyond the standard, by the names of NumPy and SciPy: interpolation, convolution, integrals, differences."""

from importlib import import_module
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.tables import composed, native, rule
from miniflow_xp.arrays.updates import call
from miniflow_xp.errors import SettingError, ShapeError
from miniflow_xp.rules.algebra import conj, real
from miniflow_xp.rules.manipulation import along_axis


@composed("interp")
def interp(ns: Any, /, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """The value at x of the line through the points (xp, fp), which go from left to right.

    Beyond the points: ``left``, ``right``, or the value of the last point. There are gradients for x, the points, and
    what is beyond them.
    """
    x, points, values = ns.asarray(x), ns.asarray(xp), ns.asarray(fp)
    size = points.shape[0]
    if size == 1:
        inner = ns.broadcast_to(values[0], tuple(x.shape))
    else:
        above = ns.clip(ns.searchsorted(points, ns.reshape(x, (-1,)), side="right"), 1, size - 1)
        (x0, x1), (y0, y1) = ([ns.take(a, n) for n in (above - 1, above)] for a in (points, values))
        jump, one = x0 == x1, ns.ones_like(x0)
        part = ns.where(jump, one, (ns.reshape(x, (-1,)) - x0) / ns.where(jump, one, x1 - x0))
        inner = ns.reshape(y0 + (y1 - y0) * part, tuple(x.shape))
    inner = ns.where(x < points[0], values[0] if left is None else left, inner)
    return ns.where(x > points[-1], values[-1] if right is None else right, inner)


@composed("convolve")
def convolve(xp: Any, a: Any, v: Any, mode: str = "full") -> Any:
    """Σₘ aₘ vₙ₋ₘ of two vectors; ``mode``: ``full``, ``same`` as long as the longer, ``valid`` where both overlap."""
    a, v = xp.asarray(a), xp.asarray(v)
    if len(a.shape) != 1 or len(v.shape) != 1 or not a.shape[0] or not v.shape[0]:
        raise ShapeError("convolve", f"{tuple(a.shape)} and {tuple(v.shape)}", "two vectors, not empty", "Reshape them")
    longer, shorter = max(a.shape[0], v.shape[0]), min(a.shape[0], v.shape[0])
    start, size = ends(mode, longer, shorter)
    return xp.full_convolution(a, v)[start : start + size]


def ends(mode: str, longer: int, shorter: int) -> tuple[int, int]:
    """Where a mode begins in the whole convolution, and how long it is."""
    modes = {
        "full": (0, longer + shorter - 1),
        "same": ((shorter - 1) // 2, longer),
        "valid": (shorter - 1, longer - shorter + 1),
    }
    if mode not in modes:
        raise SettingError("convolve", f"mode {mode!r}", f"one of {', '.join(modes)}", "Choose one of these")
    return modes[mode]


@composed("correlate")
def correlate(xp: Any, a: Any, v: Any, mode: str = "valid") -> Any:
    """Σₙ aₙ₊ₖ v̄ₙ of two vectors."""
    a, v = xp.asarray(a), xp.flip(conj(xp, xp.asarray(v)))
    longer, shorter = max(a.shape[0], v.shape[0]), min(a.shape[0], v.shape[0])
    start, size = ends(mode, longer, shorter)
    if mode == "same" and a.shape[0] < v.shape[0]:
        start = longer + shorter - 1 - start - size  # NumPy exchanges the two and reverses the result
    return xp.full_convolution(a, v)[start : start + size]


@native("full_convolution")
def full_convolution(xp: Any, a: Any, v: Any, /) -> Any:
    """The whole convolution of two vectors of a library."""
    name = name_of_library(xp)
    if name in ("numpy", "cupy"):
        return import_module(name).convolve(a, v)
    if name == "jax":
        return xp.convolve(a, v)
    size = v.shape[0]
    kind = xp.result_type(a, v)
    edge = xp.zeros((size - 1,), dtype=kind)
    whole = xp.concat([edge, xp.astype(a, kind), edge])
    starts = xp.expand_dims(xp.arange(whole.shape[0] - size + 1), axis=1)
    windows = xp.reshape(xp.take(whole, xp.reshape(starts + xp.arange(size), (-1,)), axis=0), (-1, size))
    return xp.matmul(windows, xp.astype(xp.flip(v), kind))


@rule("full_convolution")
def _full_convolution(xp: Any, g: Any, y: Any, a: Any, v: Any) -> Any:
    def against(other: Any, size: int) -> Any:
        whole = call(xp, "full_convolution", g, xp.flip(conj(xp, other)))
        return whole[other.shape[0] - 1 : other.shape[0] - 1 + size]

    return lambda: against(v, a.shape[0]), lambda: against(a, v.shape[0])


@composed("trapezoid")
def trapezoid(xp: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of y over x, or over steps dx, by trapezoids."""
    return xp.sum(trapezoids(xp, y, x, dx, axis), axis=axis)


@composed("cumulative_trapezoid")
def cumulative_trapezoid(
    xp: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: float | None = None
) -> Any:
    """The integrals of y from the first point to each next, by trapezoids; ``initial``: also one for the first."""
    found = xp.cumulative_sum(trapezoids(xp, y, x, dx, axis), axis=axis)
    if initial is None:
        return found
    first = found[along_axis(axis % len(found.shape), slice(0, 1))]
    return xp.concat([xp.full_like(first, initial), found], axis=axis)


def trapezoids(xp: Any, y: Any, x: Any, dx: Any, axis: int) -> Any:
    """The area below each piece of a curve."""
    y = xp.asarray(y)
    along = counted(axis, len(y.shape))
    if x is not None:
        dx = xp.diff(xp.asarray(x), axis=0 if len(x.shape) == 1 else along)
        if len(dx.shape) == 1:
            dx = xp.reshape(dx, tuple([-1 if n == along else 1 for n in range(len(y.shape))]))
    left = max(y.shape[along] - 1, 0)
    return dx * (y[along_axis(along, slice(y.shape[along] - left, None))] + y[along_axis(along, slice(0, left))]) / 2


@composed("gradient")
def gradient(xp: Any, f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Slopes of sampled values, by second-order differences; of order ``edge_order`` at both ends.

    ``varargs``: the distance of the samples, or where they are, for all axes or each. Of several axes: a tuple.
    """
    f = xp.asarray(f)
    axes = range(len(f.shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    steps = list(varargs) or [1.0]
    steps = steps * len(axes) if len(steps) == 1 else steps
    if len(steps) != len(axes):
        raise ShapeError("gradient", f"{len(steps)} distances for {len(axes)} axes", "one for each, or one", "Add some")
    if edge_order not in (1, 2):
        raise SettingError("gradient", f"edge_order {edge_order}", "1 or 2", "Choose one of these")
    found = [slopes(xp, f, h, counted(n, len(f.shape)), edge_order) for n, h in zip(axes, steps, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def slopes(xp: Any, f: Any, step: Any, along: int, edge_order: int) -> Any:
    """The slopes along one axis."""
    size = f.shape[along]
    if size < edge_order + 1:
        raise ShapeError("gradient", f"{size} samples", f"{edge_order + 1} and more", "Take more samples")
    rows = xp.moveaxis(f, along, -1)
    h = gaps(xp, step, rows)
    secants = (rows[..., 1:] - rows[..., :-1]) / h
    before, after = h[..., :-1], h[..., 1:]
    inner = (secants[..., :-1] * after + secants[..., 1:] * before) / (before + after)
    first, final = secants[..., :1], secants[..., -1:]
    if edge_order == 2:
        first = first + (first - secants[..., 1:2]) * (h[..., :1] / (h[..., :1] + h[..., 1:2]))
        final = final + (final - secants[..., -2:-1]) * (h[..., -1:] / (h[..., -1:] + h[..., -2:-1]))
    return xp.moveaxis(xp.concat([first, inner, final], axis=-1), -1, along)


def gaps(xp: Any, step: Any, rows: Any) -> Any:
    """The distance from each sample to the next."""
    step = step if hasattr(step, "dtype") else xp.asarray(step, dtype=real(xp, rows).dtype)
    return xp.diff(step) if step.shape else xp.broadcast_to(step, (rows.shape[-1] - 1,))


@composed("ediff1d")
def ediff1d(xp: Any, ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours in the flat array, with more before and behind them."""
    x = xp.reshape(xp.asarray(ary), (-1,))
    parts = [part if part is None else xp.reshape(xp.asarray(part), (-1,)) for part in (to_begin, to_end)]
    whole = [parts[0], xp.diff(x), parts[1]]
    return xp.concat([xp.astype(part, x.dtype) for part in whole if part is not None])
