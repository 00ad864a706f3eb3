"""Beyond the standard, by the names of NumPy: averages, quantiles, covariances, and reductions that leave NaN out."""

from collections.abc import Sequence
from math import inf, nan
from typing import Any

from miniflow_xp.arrays.tables import composed
from miniflow_xp.dtypes import is_complex
from miniflow_xp.errors import SettingError, ShapeError
from miniflow_xp.rules.algebra import axes_of, conj, kept_shape, real
from miniflow_xp.rules.reductions import Axis, last


def filled(xp: Any, x: Any, value: float) -> Any:
    """x with another value in place of NaN."""
    return xp.where(xp.isnan(x), xp.full_like(x, value), x)


def numbers(xp: Any, x: Any, axis: Axis, keepdims: bool = False) -> Any:
    """How many elements are no NaN, in the dtype of what they are divided from."""
    there = xp.astype(~xp.isnan(x), real(xp, x).dtype)
    return xp.sum(there, axis=axis, keepdims=keepdims)


@composed("nansum")
def nansum(xp: Any, a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The sum, without NaN."""
    return xp.sum(filled(xp, xp.asarray(a), 0.0), axis=axis, dtype=dtype, keepdims=keepdims)


@composed("nanprod")
def nanprod(xp: Any, a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The product, without NaN."""
    return xp.prod(filled(xp, xp.asarray(a), 1.0), axis=axis, dtype=dtype, keepdims=keepdims)


@composed("nancumsum")
def nancumsum(xp: Any, a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Cumulative sums, without NaN; without an axis, of all elements."""
    x = filled(xp, xp.asarray(a), 0.0)
    x = xp.reshape(x, (-1,)) if axis is None else x
    return xp.cumulative_sum(x, axis=0 if axis is None else axis, dtype=dtype)


@composed("nancumprod")
def nancumprod(xp: Any, a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Cumulative products, without NaN; without an axis, of all elements."""
    x = filled(xp, xp.asarray(a), 1.0)
    x = xp.reshape(x, (-1,)) if axis is None else x
    return xp.cumulative_prod(x, axis=0 if axis is None else axis, dtype=dtype)


@composed("nanmax")
def nanmax(xp: Any, a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest, without NaN; NaN where there is nothing else."""
    return extreme(xp, xp.asarray(a), axis, keepdims, "max", -inf)


@composed("nanmin")
def nanmin(xp: Any, a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The smallest, without NaN; NaN where there is nothing else."""
    return extreme(xp, xp.asarray(a), axis, keepdims, "min", inf)


def extreme(xp: Any, x: Any, axis: Axis, keepdims: bool, op: str, instead: float) -> Any:
    """The largest or smallest of what is no NaN."""
    found = getattr(xp, op)(filled(xp, x, instead), axis=axis, keepdims=keepdims)
    nothing = xp.all(xp.isnan(x), axis=axis, keepdims=keepdims)
    return xp.where(nothing, xp.full_like(found, nan), found)


@composed("nanargmax")
def nanargmax(xp: Any, a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The place of the largest, without NaN; -1, which is a place of NaN, where there is nothing else; no gradient."""
    return place_of_extreme(xp, xp.asarray(a), axis, keepdims, "argmax", -inf)


@composed("nanargmin")
def nanargmin(xp: Any, a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The place of the smallest, without NaN; -1, which is a place of NaN, where there is nothing else; no gradient."""
    return place_of_extreme(xp, xp.asarray(a), axis, keepdims, "argmin", inf)


def place_of_extreme(xp: Any, x: Any, axis: int | None, keepdims: bool, op: str, instead: float) -> Any:
    """The place of the largest or smallest of what is no NaN."""
    found = getattr(xp, op)(filled(xp, x, instead), axis=axis, keepdims=keepdims)
    return xp.where(xp.all(xp.isnan(x), axis=axis, keepdims=keepdims), xp.full_like(found, -1), found)


@composed("nanmedian")
def nanmedian(xp: Any, a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The middle of the sorted elements, or the mean of the two, without NaN; NaN where there is nothing else."""
    x = xp.asarray(a)
    rows = last(xp, x, axis)[0]
    there = xp.sum(xp.astype(~xp.isnan(rows), xp.int64), axis=-1, keepdims=True)
    ordered = xp.sort(filled(xp, rows, inf), axis=-1)
    low, high = (xp.clip(place, 0, rows.shape[-1] - 1) for place in ((there - 1) // 2, there // 2))
    middle = 0.5 * (xp.take_along_axis(ordered, low, axis=-1) + xp.take_along_axis(ordered, high, axis=-1))
    found = xp.squeeze(xp.where(there == 0, xp.full_like(middle, nan), middle), axis=-1)
    return xp.reshape(found, kept_shape(x, axis)) if keepdims else found


@composed("nanmean")
def nanmean(xp: Any, a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The mean, without NaN; NaN where there is nothing else."""
    x = xp.asarray(a, dtype=dtype)
    total = xp.sum(filled(xp, x, 0.0), axis=axis, keepdims=keepdims)
    return quotient(xp, total, numbers(xp, x, axis, keepdims))


@composed("nanvar")
def nanvar(xp: Any, a: Any, axis: Axis = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """The variance, without NaN; NaN where no degree of freedom is left."""
    x = xp.asarray(a, dtype=dtype)
    there = ~xp.isnan(x)
    away = xp.where(there, x - xp.nanmean(x, axis, keepdims=True), xp.zeros_like(x))
    square = real(xp, away * conj(xp, away))
    return quotient(xp, xp.sum(square, axis=axis, keepdims=keepdims), numbers(xp, x, axis, keepdims) - ddof)


@composed("nanstd")
def nanstd(xp: Any, a: Any, axis: Axis = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """The standard deviation, without NaN; its gradient is 0 where all elements are equal."""
    variance = xp.nanvar(a, axis, dtype, ddof=ddof, keepdims=keepdims)
    flat = variance == 0
    root = xp.sqrt(xp.where(flat, xp.ones_like(variance), variance))
    return xp.where(flat, xp.zeros_like(root), root)


def quotient(xp: Any, total: Any, count: Any) -> Any:
    """A sum over a count; NaN where that is not above 0, without a warning."""
    none = count <= 0
    found = total / xp.where(none, xp.ones_like(count), count)
    return xp.where(none, xp.full_like(found, nan), found)


@composed("average")
def average(
    xp: Any, a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Σ w x / Σ w; with ``returned`` also Σ w, in the shape of the average."""
    x = xp.asarray(a)
    if weights is None:
        found = xp.mean(x, axis=axis, keepdims=keepdims)
        whole = xp.ones_like(found) * (x.size / max(found.size, 1))
        return (found, whole) if returned else found
    w = weights_along(xp, xp.asarray(weights), x, axis)
    whole = xp.sum(w, axis=axis, keepdims=keepdims)
    found = xp.sum(x * w, axis=axis, keepdims=keepdims) / whole
    return (found, xp.broadcast_to(whole, found.shape)) if returned else found


def weights_along(xp: Any, w: Any, x: Any, axis: Axis) -> Any:
    """Weights in the shape of x, which they have, or that of the axes that are averaged over."""
    if tuple(w.shape) != tuple(x.shape):
        axes = axes_of(axis, len(x.shape))
        if axis is None or tuple(w.shape) != tuple([x.shape[n] for n in axes]):
            got = f"weights {tuple(w.shape)} for an array {tuple(x.shape)} over axis {axis}"
            raise ShapeError("average", got, "weights have the shape of the array, or of its axes", "Broadcast them")
        in_order = xp.permute_dims(w, tuple([axes.index(n) for n in sorted(axes)]))
        w = xp.reshape(in_order, tuple([size if n in axes else 1 for n, size in enumerate(x.shape)]))
        w = xp.broadcast_to(w, tuple(x.shape))
    return w if w.dtype == x.dtype else xp.astype(w, xp.result_type(w.dtype, x.dtype))


@composed("ptp")
def ptp(xp: Any, a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest less the smallest."""
    x = xp.asarray(a)
    return xp.max(x, axis=axis, keepdims=keepdims) - xp.min(x, axis=axis, keepdims=keepdims)


@composed("median")
def median(xp: Any, a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The middle of the sorted elements, or the mean of the two; NaN where one is."""
    x = xp.asarray(a)
    rows = last(xp, x, axis)[0]
    size = rows.shape[-1]
    ordered = xp.sort(rows, axis=-1)
    found = xp.mean(ordered[..., (size - 1) // 2 : size // 2 + 1], axis=-1)
    found = found * spoiled(xp, xp.any(xp.isnan(rows), axis=-1), found)
    return xp.reshape(found, kept_shape(x, axis)) if keepdims else found


def spoiled(xp: Any, missing: Any, x: Any) -> Any:
    """NaN where something is missing, else 1: a factor, so that gradients are NaN as well."""
    one = xp.ones_like(x)
    return xp.where(missing, xp.full_like(one, nan), one)


@composed("quantile")
def quantile(xp: Any, a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """The value below which the part q of the elements is, between the two nearest by a line.

    NaN where an element is, and where q is not within 0 and 1. The axes of q come first. Of the methods of NumPy there
    is ``linear``.
    """
    if method != "linear":
        raise SettingError("quantile", f"method {method!r}", "the one with a gradient in q is linear", "Leave it out")
    x = xp.asarray(a)
    q = xp.asarray(q) if hasattr(q, "dtype") else xp.asarray(q, dtype=x.dtype)
    rows = last(xp, x, axis)[0]
    size = rows.shape[-1]
    ordered = xp.sort(rows, axis=-1)
    part = xp.reshape(q, (-1,))
    place = part * (size - 1)
    below = xp.clip(xp.floor(place), 0, max(size - 2, 0))
    first = xp.astype(below, xp.int64)
    low, high = (xp.take(ordered, n, axis=-1) for n in (first, xp.clip(first + 1, 0, size - 1)))
    found = low + (high - low) * (place - below)
    missing = xp.any(xp.isnan(rows), axis=-1, keepdims=True) | (part < 0) | (part > 1)
    found = xp.moveaxis(found * spoiled(xp, missing, found), -1, 0)
    rest = found.shape[1:]
    if keepdims:
        axes = axes_of(axis, len(x.shape))
        rest = tuple([1 if n in axes else length for n, length in enumerate(x.shape)])
    return xp.reshape(found, (*q.shape, *rest))


@composed("percentile")
def percentile(xp: Any, a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """The quantile of q / 100."""
    part = xp.asarray(q) / 100 if hasattr(q, "dtype") else [p / 100 for p in q] if isinstance(q, Sequence) else q / 100
    return xp.quantile(a, part, axis, method=method, keepdims=keepdims)


@composed("cov")
def cov(
    xp: Any,
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    """The covariances of the rows, which are variables, over the columns, which are observations.

    ``y``: more variables. ``rowvar=False``: variables are the columns. ``bias``: divide by n in place of n - 1, or
    n - ``ddof``. ``fweights``: how often each was observed, ``aweights``: how much it counts.
    """
    x = variables(xp, m, rowvar)
    if y is not None:
        x = xp.concat([x, variables(xp, y, rowvar)], axis=0)
    freedom = (0 if bias else 1) if ddof is None else ddof
    w = observed(xp, x, fweights, aweights)
    total: Any = x.shape[1]
    lost: Any = freedom
    if w is not None:
        total = xp.sum(w)
        if aweights is not None:
            lost = freedom * xp.sum(w * xp.asarray(aweights)) / total
    mean = xp.average(x, axis=1, weights=w, keepdims=True)
    away = x - mean
    counted = away if w is None else away * w
    found = xp.matmul(away, xp.matrix_transpose(conj(xp, counted))) / (total - lost)
    sizes = [n for n in found.shape if n != 1]
    return xp.reshape(found, ()) if not sizes else found


def variables(xp: Any, m: Any, rowvar: bool) -> Any:
    """A variable a row."""
    x = xp.atleast_2d(xp.asarray(m))
    return xp.matrix_transpose(x) if not rowvar and len(m.shape) > 1 else x


def observed(xp: Any, x: Any, fweights: Any, aweights: Any) -> Any:
    """The weights of the observations; None where all are equal."""
    found = None
    for weights in (fweights, aweights):
        if weights is not None:
            w = xp.asarray(weights)
            w = w if xp.inexact(w.dtype) else xp.astype(w, x.dtype)
            found = w if found is None else found * w
    return found


@composed("corrcoef")
def corrcoef(xp: Any, x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """The correlations of the rows: covariances over the standard deviations of both."""
    c = xp.cov(x, y, rowvar)
    if not c.shape:
        return c / c
    d = xp.sqrt(real(xp, xp.diagonal(c)))
    return c / xp.expand_dims(d, axis=1) / xp.expand_dims(d, axis=0)


@composed("nan_to_num")
def nan_to_num(
    xp: Any, x: Any, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """x with numbers in place of NaN and of the infinities, by default 0 and the largest there is of either sign."""
    x = xp.asarray(x)
    if not xp.inexact(x.dtype):
        return x
    if is_complex(x):
        parts = [xp.nan_to_num(part, copy, nan, posinf, neginf) for part in (xp.real(x), xp.imag(x))]
        return parts[0] + 1j * parts[1]
    largest = float(xp.finfo(x.dtype).max)
    x = xp.where(xp.isnan(x), xp.full_like(x, nan), x)
    x = xp.where(x == inf, xp.full_like(x, largest if posinf is None else posinf), x)
    return xp.where(x == -inf, xp.full_like(x, -largest if neginf is None else neginf), x)
