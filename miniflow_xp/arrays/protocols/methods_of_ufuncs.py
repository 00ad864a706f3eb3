"""Methods of ufuncs: ``np.add.reduce``, ``accumulate``, ``reduceat`` and ``outer``, of any with two inputs; ``at``."""

import functools
from collections.abc import Callable
from typing import Any

from miniflow_xp.arrays.methods import plain_key
from miniflow_xp.arrays.protocols.arguments import as_array, axes_of, in_kind
from miniflow_xp.arrays.protocols.shapes import expand_dims
from miniflow_xp.arrays.protocols.tables import FUNCTIONS
from miniflow_xp.arrays.refusals import no_out, refused
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.arrays.writes import write

REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "fmax": "nanmax",
    "fmin": "nanmin",
    "logical_and": "all",
    "logical_or": "any",
}
SCANS = {"add": "cumsum", "multiply": "cumprod"}


def reduce(xp: Any, ufunc: Any, x: Any, axis: Any = 0, dtype: Any = None, **keywords: Any) -> Any:
    """The elements of an axis, or of several, one after the other into one."""
    name = REDUCTIONS.get(ufunc.__name__)
    x = in_kind(xp, x, dtype)
    if name is not None:
        return FUNCTIONS[name].call(xp, x, axis=axis, **keywords)
    keepdims = keywords.pop("keepdims", False)
    if keywords:
        raise refused(f"np.{ufunc.__name__}.reduce", x.shape, f"it is given {', '.join(keywords)}", "Leave these out")
    axes = axes_of(axis, len(x.shape))
    for n in sorted(axes, reverse=True):
        x = functools.reduce(ufunc, xp.unstack(x, axis=n))
    return expand_dims(xp, x, axes) if keepdims else x


def accumulate(xp: Any, ufunc: Any, x: Any, axis: int = 0, dtype: Any = None) -> Any:
    """The results of all beginnings of an axis."""
    name = SCANS.get(ufunc.__name__)
    x = in_kind(xp, x, dtype)
    if name is not None:
        return FUNCTIONS[name].call(xp, x, axis=axis)
    found: list[Any] = []
    for item in xp.unstack(x, axis=axis):
        found.append(ufunc(found[-1], item) if found else item)
    return xp.stack(found, axis=axis)


def outer(xp: Any, ufunc: Any, a: Any, b: Any, **keywords: Any) -> Any:
    """The results for all pairs of elements."""
    a, b = as_array(xp, a), as_array(xp, b)
    return ufunc(xp.reshape(a, (*a.shape, *[1] * len(b.shape))), b, **keywords)


def at(xp: Any, ufunc: Any, x: Any, key: Any, value: Any = None) -> None:
    """``x[key] += value``, as often as the key names a place; ``x`` is a traced array, which stands for a new one."""
    name = ufunc.__name__
    if type(x) is not Traced:
        raise no_out(f"np.{name}.at")
    if name not in ("add", "subtract"):
        raise refused(f"np.{name}.at", x.shape, "only sums are known here", "Write x[key] = ... with the new elements")
    value = as_array(xp, value)
    write(x, xp.add_at(x, plain_key(xp, key), value if name == "add" else -value))


def reduceat(xp: Any, ufunc: Any, x: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    """The reductions of pieces, which begin at ``indices``: each goes on to the next one, if that is further on."""
    x = xp.moveaxis(as_array(xp, x), axis, 0)
    starts = [int(n) for n in indices]
    found = []
    for start, stop in zip(starts, [*starts[1:], x.shape[0]], strict=True):
        found.append(reduce(xp, ufunc, x[start : max(stop, start + 1)], 0, dtype))
    return xp.moveaxis(xp.stack(found), 0, axis)


METHODS: dict[str, Callable[..., Any]] = {
    "reduce": reduce,
    "accumulate": accumulate,
    "outer": outer,
    "at": at,
    "reduceat": reduceat,
}
