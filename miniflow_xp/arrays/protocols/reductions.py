"""NumPy's reductions, with ``where=`` and ``initial=``, and its cumulative functions."""

from math import inf
from typing import Any

from miniflow_xp.arrays.protocols.arguments import as_array, axes_of, axis_of, flat_if, in_kind, kind
from miniflow_xp.arrays.protocols.tables import numpy
from miniflow_xp.dtypes import is_complex
from miniflow_xp.errors import SettingError


def chosen(xp: Any, a: Any, where: Any, instead: Any) -> Any:
    """The elements that take part, and ``instead`` for the others."""
    a = as_array(xp, a)
    return a if where is True else xp.where(as_array(xp, where), a, xp.full_like(a, instead))


def counted(xp: Any, a: Any, where: Any, axis: Any, keepdims: bool) -> Any:
    """How many elements take part, as real numbers of the kind of a."""
    there = xp.broadcast_to(as_array(xp, where), tuple(a.shape))
    real = xp.abs(a).dtype
    return xp.sum(xp.astype(there, real), axis=axis, keepdims=keepdims)


@numpy("sum")
def sum_(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    a = chosen(xp, a, where, 0)
    found = xp.sum(a, axis=axis_of(axis), dtype=kind(xp, dtype), keepdims=keepdims)
    return found if type(initial) is int and initial == 0 else found + initial


@numpy("prod")
def prod(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = 1,
    where: Any = True,
) -> Any:
    a = chosen(xp, a, where, 1)
    found = xp.prod(a, axis=axis_of(axis), dtype=kind(xp, dtype), keepdims=keepdims)
    return found if type(initial) is int and initial == 1 else found * initial


def needs_initial(op: str, initial: Any, where: Any) -> None:
    """Raise SettingError where nothing may take part, and there is no value to begin with."""
    if where is not True and initial is None:
        raise SettingError(f"np.{op}", "where= without initial=", "a value where nothing takes part", "Give initial=")


@numpy("max", "amax")
def max_(
    xp: Any,
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    needs_initial("max", initial, where)
    found = xp.max(chosen(xp, a, where, initial), axis=axis_of(axis), keepdims=keepdims)
    return found if initial is None else xp.maximum(found, initial)


@numpy("min", "amin")
def min_(
    xp: Any,
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    needs_initial("min", initial, where)
    found = xp.min(chosen(xp, a, where, initial), axis=axis_of(axis), keepdims=keepdims)
    return found if initial is None else xp.minimum(found, initial)


@numpy("mean")
def mean(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    a, axis = in_kind(xp, a, dtype), axis_of(axis)
    if where is True:
        return xp.mean(a, axis=axis, keepdims=keepdims)
    total = xp.sum(chosen(xp, a, where, 0), axis=axis, keepdims=keepdims)
    return total / counted(xp, a, where, axis, keepdims)


def is_plain(xp: Any, a: Any, where: Any, mean: Any) -> bool:
    """Does the standard's function do: for real numbers, which all take part, and no mean that is given?"""
    return where is True and mean is None and xp.inexact(a.dtype) and not is_complex(a)


@numpy("var")
def var(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    a, axis = in_kind(xp, a, dtype), axis_of(axis)
    lost = ddof if correction is None else correction
    if is_plain(xp, a, where, mean):
        return xp.var(a, axis=axis, correction=lost, keepdims=keepdims)
    there = xp.broadcast_to(as_array(xp, where), tuple(a.shape))
    middle = mean_of(xp, a, axis=axis, keepdims=True, where=there) if mean is None else mean
    away = xp.abs(xp.where(there, a - middle, xp.zeros_like(a - middle)))
    return xp.sum(away * away, axis=axis, keepdims=keepdims) / (counted(xp, away, there, axis, keepdims) - lost)


mean_of = mean


@numpy("std")
def std(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    a, axis = in_kind(xp, a, dtype), axis_of(axis)
    lost = ddof if correction is None else correction
    if is_plain(xp, a, where, mean):
        return xp.std(a, axis=axis, correction=lost, keepdims=keepdims)
    return root(xp, var(xp, a, axis, None, None, lost, keepdims, where=where, mean=mean))


def root(xp: Any, variance: Any) -> Any:
    """The square root of a variance, whose gradient is 0 at 0, as that of a standard deviation is everywhere here."""
    flat = variance == 0
    found = xp.sqrt(xp.where(flat, xp.ones_like(variance), variance))
    return xp.where(flat, xp.zeros_like(found), found)


@numpy("all", gradient=False)
def all_(xp: Any, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True) -> Any:
    a = as_array(xp, a) if where is True else xp.astype(as_array(xp, a), xp.bool) | ~as_array(xp, where)
    return xp.all(a, axis=axis_of(axis), keepdims=keepdims)


@numpy("any", gradient=False)
def any_(xp: Any, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True) -> Any:
    a = as_array(xp, a) if where is True else xp.astype(as_array(xp, a), xp.bool) & as_array(xp, where)
    return xp.any(a, axis=axis_of(axis), keepdims=keepdims)


@numpy("argmax", gradient=False)
def argmax(xp: Any, a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
    return xp.argmax(a, axis=axis_of(axis), keepdims=keepdims)


@numpy("argmin", gradient=False)
def argmin(xp: Any, a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
    return xp.argmin(a, axis=axis_of(axis), keepdims=keepdims)


@numpy("nanargmax", gradient=False)
def nanargmax(xp: Any, a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
    return argmax(xp, without_nan(xp, a, -inf), axis, keepdims=keepdims)


@numpy("nanargmin", gradient=False)
def nanargmin(xp: Any, a: Any, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
    return argmin(xp, without_nan(xp, a, inf), axis, keepdims=keepdims)


@numpy("count_nonzero", gradient=False)
def count_nonzero(xp: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return xp.sum(xp.astype(as_array(xp, a) != 0, xp.int64), axis=axis_of(axis), keepdims=keepdims)


@numpy("ptp")
def ptp(xp: Any, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return xp.ptp(a, axis=axis_of(axis), keepdims=keepdims)


@numpy("nansum")
def nansum(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    return sum_(xp, without_nan(xp, a, 0), axis, dtype, None, keepdims, initial, where)


@numpy("nanprod")
def nanprod(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = 1,
    where: Any = True,
) -> Any:
    return prod(xp, without_nan(xp, a, 1), axis, dtype, None, keepdims, initial, where)


def without_nan(xp: Any, a: Any, instead: float) -> Any:
    """The array with another value in place of NaN."""
    a = as_array(xp, a)
    return xp.where(xp.isnan(a), xp.full_like(a, instead), a) if xp.inexact(a.dtype) else a


def with_nan(xp: Any, a: Any, where: Any) -> Any:
    """The array with NaN in place of what takes no part, for functions that leave NaN out."""
    return chosen(xp, a, where, float("nan"))


@numpy("nanmax")
def nanmax(
    xp: Any,
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    found = xp.nanmax(with_nan(xp, a, where), axis_of(axis), keepdims=keepdims)
    return found if initial is None else xp.maximum(without_nan(xp, found, -inf), initial)


@numpy("nanmin")
def nanmin(
    xp: Any,
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    found = xp.nanmin(with_nan(xp, a, where), axis_of(axis), keepdims=keepdims)
    return found if initial is None else xp.minimum(without_nan(xp, found, inf), initial)


@numpy("nanmean")
def nanmean(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    return xp.nanmean(with_nan(xp, in_kind(xp, a, dtype), where), axis_of(axis), keepdims=keepdims)


@numpy("nanvar")
def nanvar(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    a, lost = with_nan(xp, in_kind(xp, a, dtype), where), ddof if correction is None else correction
    if mean is None:
        return xp.nanvar(a, axis_of(axis), ddof=lost, keepdims=keepdims)
    return var(xp, without_nan(xp, a, 0), axis, None, None, lost, keepdims, where=~xp.isnan(a), mean=mean)


@numpy("nanstd")
def nanstd(
    xp: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    found = nanvar(xp, a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    return root(xp, found)


@numpy("cumsum")
def cumsum(xp: Any, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    x, along = flat_if(xp, a, axis)
    return xp.cumulative_sum(in_kind(xp, x, dtype), axis=along)


@numpy("cumprod")
def cumprod(xp: Any, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    x, along = flat_if(xp, a, axis)
    return xp.cumulative_prod(in_kind(xp, x, dtype), axis=along)


@numpy("cumulative_sum")
def cumulative_sum(
    xp: Any, x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Any:
    return xp.cumulative_sum(in_kind(xp, x, dtype), axis=axis, include_initial=include_initial)


@numpy("cumulative_prod")
def cumulative_prod(
    xp: Any, x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
) -> Any:
    return xp.cumulative_prod(in_kind(xp, x, dtype), axis=axis, include_initial=include_initial)


@numpy("nancumsum")
def nancumsum(xp: Any, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return cumsum(xp, without_nan(xp, a, 0), axis, dtype)


@numpy("nancumprod")
def nancumprod(xp: Any, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return cumprod(xp, without_nan(xp, a, 1), axis, dtype)


@numpy("apply_over_axes")
def apply_over_axes(xp: Any, func: Any, a: Any, axes: Any) -> Any:
    a = as_array(xp, a)
    for axis in axes_of(axes, len(a.shape)):
        found = func(a, axis)
        a = found if len(found.shape) == len(a.shape) else xp.expand_dims(found, axis=axis)
    return a
