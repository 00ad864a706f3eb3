"""Functions that make arrays: of lists, and of a few numbers, which may be traced themselves."""

from math import ceil
from typing import Any

from miniflow_xp.arrays.calls import boxed, leaves
from miniflow_xp.arrays.refusals import ContentsError, contents_wanted
from miniflow_xp.arrays.tables import composed
from miniflow_xp.arrays.traced import Traced, contents, ground


@composed("asarray")
def asarray(xp: Any, obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    """An array of numbers, arrays, or lists of them; a traced array as it is, but for another dtype or a copy."""
    if type(obj) is Traced:
        if dtype is not None and dtype != obj.dtype:
            return xp.astype(obj, dtype)
        return copied(xp, obj) if copy else obj
    if isinstance(obj, (list, tuple)) and (found := leaves(obj)):
        whole = stacked(xp, obj, xp.result_type(*[a.dtype for a in found]))
        return whole if dtype is None else xp.astype(whole, dtype)
    return boxed(xp.library.asarray(obj, dtype=dtype, device=device, copy=copy), xp)


def stacked(xp: Any, items: Any, dtype: Any) -> Any:
    """Lists of arrays and numbers as one array; numbers take the dtype of the arrays, where it holds them."""
    if isinstance(items, (list, tuple)):
        return xp.stack([stacked(xp, item, dtype) for item in items])
    if isinstance(items, (bool, int, float)) and xp.inexact(dtype):
        return xp.asarray(items, dtype=dtype)
    return xp.asarray(items)


def copied(xp: Any, x: Any) -> Any:
    """The array in memory of its own."""
    return xp.astype(x, x.dtype)


@composed("full_like")
def full_like(xp: Any, x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """An array in the shape of x with one value, which may be an array without axes."""
    if hasattr(fill_value, "dtype"):
        return filled(xp, fill_value, x.shape, x.dtype if dtype is None else dtype)
    return boxed(xp.library.full_like(ground(x), fill_value, dtype=dtype, device=device), xp)


@composed("full")
def full(xp: Any, shape: int | tuple[int, ...], fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """An array with one value, which may be an array without axes."""
    if hasattr(fill_value, "dtype"):
        return filled(xp, fill_value, shape, dtype)
    return boxed(xp.library.full(shape, fill_value, dtype=dtype, device=device), xp)


def filled(xp: Any, value: Any, shape: Any, dtype: Any) -> Any:
    """An array without axes at every place."""
    value = xp.asarray(value)
    value = value if dtype is None or dtype == value.dtype else xp.astype(value, dtype)
    return copied(xp, xp.broadcast_to(value, (shape,) if isinstance(shape, int) else tuple(shape)))


@composed("linspace")
def linspace(
    xp: Any, start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Any:
    """``num`` numbers from start to stop, evenly apart; both may be arrays without axes."""
    arrays = [xp.asarray(a) for a in (start, stop) if hasattr(a, "dtype")]
    if not arrays:
        return boxed(xp.library.linspace(start, stop, num, dtype=dtype, device=device, endpoint=endpoint), xp)
    kind = xp.result_type(*[a.dtype for a in arrays])
    parts = boxed(xp.library.linspace(0, 1, num, dtype=kind, device=device, endpoint=endpoint), xp)
    found = start * (1 - parts) + stop * parts
    return found if dtype is None else xp.astype(found, dtype)


@composed("arange")
def arange(xp: Any, start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Any:
    """Numbers from start to below stop, a step apart; how many there are is no matter of gradients."""
    begin, end = (0, start) if stop is None else (start, stop)
    traced = leaves([begin, end, step])
    if not any(xp.inexact(t.dtype) for t in traced):
        begin, end, step = [int(b) if type(b) is Traced else b for b in (begin, end, step)]
        return boxed(xp.library.arange(begin, end, step, dtype=dtype, device=device), xp)
    kind = xp.result_type(*[t.dtype for t in traced])
    count = max(ceil((float_of(end) - float_of(begin)) / float_of(step)), 0)
    found = begin + step * boxed(xp.library.arange(count, dtype=kind, device=device), xp)
    return found if dtype is None else xp.astype(found, dtype)


def float_of(x: Any) -> float:
    """The number in an array, where its gradient does not matter; raises ContentsError where it is recorded."""
    try:
        return float(contents(x))
    except ContentsError:
        raise contents_wanted("by arange, whose result has a shape that depends on them") from None
