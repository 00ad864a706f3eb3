"""NumPy's functions that choose, sort and search elements."""

from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.protocols.arguments import (
    as_array,
    axes_of,
    axis_of,
    doubled,
    flat_if,
    in_order_of,
    only,
    pair,
    row_by_row,
    shape_of,
)
from miniflow_xp.arrays.protocols.tables import numpy
from miniflow_xp.errors import ShapeError


@numpy("where")
def where(xp: Any, condition: Any, x: Any = None, y: Any = None, /) -> Any:
    condition = as_array(xp, condition)
    if x is None and y is None:
        return xp.nonzero(condition)
    condition = condition if "bool" in str(condition.dtype) else condition != 0
    return xp.where(condition, *pair(xp, x, y))


@numpy("select")
@row_by_row
def select(xp: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    choices = [as_array(xp, choice) for choice in choicelist]
    return xp.select([as_array(xp, condition) for condition in condlist], choices, default)


@numpy("choose")
def choose(xp: Any, a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    items = [as_array(xp, choice) for choice in choices]
    which = places(xp, as_array(xp, a), len(items), mode)
    found = items[0]
    for n, item in enumerate(items[1:], start=1):
        found = xp.where(which == n, item, found)
    return found if len(items) > 1 else xp.broadcast_to(found, xp.broadcast_arrays(which, found)[0].shape)


def places(xp: Any, indices: Any, size: int, mode: str) -> Any:
    """Places among ``size``; those beyond the ends as ``mode`` says."""
    only("mode", mode, "raise", "wrap", "clip")
    if mode == "wrap":
        return indices % size
    return xp.clip(indices, 0, size - 1) if mode == "clip" else indices


@numpy("piecewise")
def piecewise(xp: Any, x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function sees only the elements that its condition holds for; of several, the last one counts."""
    x = as_array(xp, x)
    listed = isinstance(condlist, (list, tuple)) and not isinstance(condlist[0], (bool, int))
    conditions = [as_array(xp, c) for c in (condlist if listed else [condlist])]
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        nowhere = ~conditions[0]
        for condition in conditions[1:]:
            nowhere = nowhere & ~condition
        conditions.append(nowhere)
    if len(functions) != len(conditions):
        got = f"{len(functions)} functions for {len(conditions)} conditions"
        raise ShapeError("np.piecewise", got, "as many, or one more for elsewhere", "Add or leave out some")
    found = xp.asarray(xp.zeros_like(x), copy=True)
    for condition, function in zip(conditions, functions, strict=True):
        found[condition] = function(x[condition], *args, **kw) if callable(function) else function
    return found


@numpy("take")
def take(xp: Any, a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    x, along = flat_if(xp, a, axis)
    where = places(xp, as_array(xp, indices), x.shape[along], mode)
    found = xp.take(x, xp.reshape(where, (-1,)) % x.shape[along] if x.shape[along] else where, axis=along)
    return xp.reshape(found, (*x.shape[:along], *where.shape, *x.shape[along + 1 :]))


@numpy("take_along_axis")
def take_along_axis(xp: Any, arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return xp.take_along_axis(xp.ravel(arr), xp.ravel(indices), axis=0)
    return xp.take_along_axis(as_array(xp, arr), as_array(xp, indices), axis=axis_of(axis))


@numpy("compress")
def compress(xp: Any, condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    x, along = flat_if(xp, a, axis)
    (held,) = xp.nonzero(as_array(xp, condition))
    return xp.take(x, held, axis=along)


@numpy("extract")
def extract(xp: Any, condition: Any, arr: Any) -> Any:
    return compress(xp, xp.ravel(as_array(xp, condition)), arr)


@numpy("nonzero", gradient=False)
def nonzero(xp: Any, a: Any) -> Any:
    return xp.nonzero(as_array(xp, a))


@numpy("flatnonzero", gradient=False)
def flatnonzero(xp: Any, a: Any) -> Any:
    return xp.flatnonzero(a)


@numpy("argwhere", gradient=False)
def argwhere(xp: Any, a: Any) -> Any:
    return xp.argwhere(a)


@numpy("clip")
def clip(
    xp: Any,
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,  # noqa: A002  NumPy's
    max: Any = None,  # noqa: A002
    **kwargs: Any,
) -> Any:
    for name in set(kwargs) - {"casting", "order", "subok"}:
        only(f"np.clip's {name}", kwargs[name], None)
    low, high = (b if b is None or isinstance(b, (int, float)) else as_array(xp, b) for b in (a_min, a_max))
    x = as_array(xp, a)
    return in_order_of(x, xp.clip(x, low if min is None else min, high if max is None else max))


@numpy("sort")
def sort(
    xp: Any, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None, descending: Any = None
) -> Any:
    only("order", order, None)
    x, along = flat_if(xp, a, axis)
    return xp.take_along_axis(x, falling(xp, x, along), axis=along) if descending else xp.sort(x, axis=along)


@numpy("argsort", gradient=False)
def argsort(
    xp: Any, a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None, descending: Any = None
) -> Any:
    only("order", order, None)
    x, along = flat_if(xp, a, axis)
    return falling(xp, x, along) if descending else xp.argsort(x, axis=along)


def falling(xp: Any, x: Any, axis: int) -> Any:
    """The places of the elements from the greatest to the least, and then those of NaN; NumPy since 2.5."""
    order = xp.argsort(x, axis=axis, descending=True, stable=True)
    if not xp.inexact(x.dtype):
        return order
    missing = xp.astype(xp.isnan(xp.take_along_axis(x, order, axis=axis)), xp.int32)
    return xp.take_along_axis(order, xp.argsort(missing, axis=axis, stable=True), axis=axis)


@numpy("partition")
def partition(xp: Any, a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    """Wholly sorted: then every place is one that parts the smaller from the larger."""
    return sort(xp, a, axis, order=order)


@numpy("argpartition", gradient=False)
def argpartition(xp: Any, a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    """Of the wholly sorted array, as ``partition``."""
    return argsort(xp, a, axis, order=order)


@numpy("searchsorted", gradient=False)
def searchsorted(xp: Any, a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    a = as_array(xp, a) if sorter is None else xp.take(as_array(xp, a), as_array(xp, sorter))
    v = as_array(xp, v)
    return xp.reshape(xp.searchsorted(a, xp.reshape(v, (-1,)), side=side), tuple(v.shape))


@numpy("digitize", gradient=False)
def digitize(xp: Any, x: Any, bins: Any, right: bool = False) -> Any:
    return xp.digitize(as_array(xp, x), as_array(xp, bins), right)


@numpy("isin", gradient=False)
def isin(
    xp: Any, element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Any:
    x, among = as_array(xp, element), xp.ravel(as_array(xp, test_elements))
    found = xp.any(x[..., None] == among, axis=-1)
    return ~found if invert else found


@numpy("unique")
def unique(
    xp: Any,
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,  # noqa: A002  NumPy's
) -> Any:
    only("axis", axis, None)
    found = xp.unique_all(as_array(xp, ar))
    wanted = [
        item for item, asked in zip(found[1:], (return_index, return_inverse, return_counts), strict=True) if asked
    ]
    return (found[0], *wanted) if wanted else found[0]


@numpy("unique_all")
def unique_all(xp: Any, x: Any) -> Any:
    return xp.unique_all(x)


@numpy("unique_counts")
def unique_counts(xp: Any, x: Any) -> Any:
    return xp.unique_counts(x)


@numpy("unique_inverse")
def unique_inverse(xp: Any, x: Any) -> Any:
    return xp.unique_inverse(x)


@numpy("unique_values")
def unique_values(xp: Any, x: Any) -> Any:
    return xp.unique_values(x)


@numpy("bincount")
def bincount(xp: Any, x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """How often each number is there, or the sum of its weights."""
    x = as_array(xp, x)
    size = max(int(xp.max(x)) + 1 if x.shape[0] else 0, minlength)
    weights = xp.ones_like(x) if weights is None else doubled(xp, weights)
    return xp.add_at(xp.zeros((size,), dtype=weights.dtype), x, weights)


@numpy("apply_along_axis")
def apply_along_axis(xp: Any, func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """One call for each piece along the axis, as NumPy's: a function that knows axes itself is quicker."""
    pieces = xp.moveaxis(as_array(xp, arr), axis, -1)
    outer, along = tuple(pieces.shape[:-1]), counted(axis, len(pieces.shape))
    rows = xp.reshape(pieces, (-1, pieces.shape[-1]))
    found = xp.stack([as_array(xp, func1d(row, *args, **kwargs)) for row in xp.unstack(rows)])
    inner = tuple(found.shape[1:])
    found = xp.reshape(found, (*outer, *inner))
    sources = tuple(range(len(outer), len(outer) + len(inner)))
    return xp.moveaxis(found, sources, tuple(range(along, along + len(inner)))) if inner else found


@numpy("lib.stride_tricks.sliding_window_view")
def sliding_window_view(
    xp: Any, x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    x, sizes = as_array(xp, x), shape_of(window_shape)
    for n, size in zip(axes_of(axis, len(x.shape)), sizes, strict=True):
        count = x.shape[n] - size + 1
        where = xp.reshape(xp.arange(count), (-1, 1)) + xp.arange(size)
        found = xp.take(x, xp.reshape(where, (-1,)), axis=n)
        found = xp.reshape(found, (*x.shape[:n], count, size, *x.shape[n + 1 :]))
        x = xp.moveaxis(found, n + 1, -1)
    return x
