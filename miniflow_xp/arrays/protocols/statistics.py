"""NumPy's averages, quantiles and covariances."""

from typing import Any

from miniflow_xp.arrays.protocols.arguments import (
    array_or_none,
    as_array,
    axes_of,
    axis_of,
    doubled,
    in_kind,
    only,
    row_by_row,
)
from miniflow_xp.arrays.protocols.tables import numpy


@numpy("average")
def average(
    xp: Any, a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    return xp.average(as_array(xp, a), axis_of(axis), array_or_none(xp, weights), returned, keepdims=keepdims)


@numpy("median")
def median(
    xp: Any, a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    return xp.median(a, axis_of(axis), keepdims=keepdims)


@numpy("quantile")
@row_by_row
def quantile(
    xp: Any,
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    only("weights", weights, None)
    q = as_array(xp, q) if isinstance(q, (list, tuple)) else q
    return xp.quantile(a, q, axis_of(axis), method=method, keepdims=keepdims)


@numpy("percentile")
@row_by_row
def percentile(
    xp: Any,
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    return quantile(xp, a, hundredth(xp, q), axis, method=method, keepdims=keepdims, weights=weights)


def hundredth(xp: Any, q: Any) -> Any:
    """A percentage as a part of 1."""
    return xp.asarray(q, dtype=xp.float64) / 100 if isinstance(q, (list, tuple)) else q / 100


@numpy("nanquantile")
def nanquantile(
    xp: Any,
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """By the sorted elements, NaN last: of those before it, the place q (n - 1) between the two nearest."""
    only("method", method, "linear")
    only("weights", weights, None)
    x = as_array(xp, a)
    axes = axes_of(axis_of(axis), len(x.shape))
    rest = [n for n in range(len(x.shape)) if n not in axes]
    rows = xp.permute_dims(x, (*rest, *axes))
    rows = xp.reshape(rows, (*[x.shape[n] for n in rest], -1))
    missing = xp.isnan(rows)
    ordered = xp.sort(xp.where(missing, xp.full_like(rows, float("inf")), rows), axis=-1)
    count = xp.sum(xp.astype(~missing, x.dtype), axis=-1)
    q = xp.asarray(q, dtype=x.dtype) if isinstance(q, (int, float)) else as_array(xp, q)
    found = [quantile_of(xp, ordered, count, part) for part in xp.unstack(xp.reshape(q, (-1,)))]
    shape = tuple([1 if n in axes else size for n, size in enumerate(x.shape)]) if keepdims else tuple(found[0].shape)
    return xp.reshape(xp.stack(found), (*q.shape, *shape))


def quantile_of(xp: Any, ordered: Any, count: Any, part: Any) -> Any:
    """One quantile of rows, of which so many elements count; NaN where none does."""
    place = part * (count - 1)
    below = xp.clip(xp.floor(place), 0, max(ordered.shape[-1] - 1, 0))
    above = xp.minimum(below + 1, xp.maximum(count - 1, xp.zeros_like(count)))
    low, high = (
        xp.take_along_axis(ordered, xp.astype(n, xp.int64)[..., None], axis=-1)[..., 0] for n in (below, above)
    )
    none = count == 0
    low, high = (xp.where(none, xp.zeros_like(end), end) for end in (low, high))
    found = low + (high - low) * (place - below)
    return xp.where(none, xp.full_like(found, float("nan")), found)


@numpy("nanpercentile")
def nanpercentile(
    xp: Any,
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    return nanquantile(xp, a, hundredth(xp, q), axis, method=method, keepdims=keepdims, weights=weights)


@numpy("nanmedian")
def nanmedian(
    xp: Any, a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    return nanquantile(xp, a, 0.5, axis, keepdims=keepdims)


@numpy("cov")
def cov(
    xp: Any,
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    m = doubled(xp, m) if dtype is None else in_kind(xp, m, dtype)
    y, fweights, aweights = [array_or_none(xp, item) for item in (y, fweights, aweights)]
    return xp.cov(m, y, rowvar, bias, ddof, fweights, aweights)


@numpy("corrcoef")
def corrcoef(xp: Any, x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    x = doubled(xp, x) if dtype is None else in_kind(xp, x, dtype)
    return xp.corrcoef(x, array_or_none(xp, y), rowvar)
