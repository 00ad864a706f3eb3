"""NumPy's functions that make arrays, where arrays are inside of their arguments: these NumPy does not hand on."""

from collections.abc import Callable
from typing import Any

import numpy as np

from miniflow_xp.arrays.namespace import Namespace, constant
from miniflow_xp.autograd.numpy.dispatch import as_one, is_array, like_given, namespace_among, through
from miniflow_xp.errors import SettingError

Function = Callable[..., Any]

MAKING: dict[str, Any] = {}


def making(*names: str) -> Callable[[Function], Function]:
    """Decorator: what computes these functions where traced arrays, or another library's, are in their arguments."""

    def enter(function: Function) -> Function:
        for name in names:
            MAKING[name] = through(getattr(np, name), function)
        return function

    return enter


@making("asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "asarray_chkfinite")
def asarray(a: Any, dtype: Any = None, **_: Any) -> Any:
    """An array, or lists of arrays and numbers, as one array."""
    found = constant(a) if is_array(a) else as_one(a)
    return found if dtype is None else found.xp.astype(found, dtype_in(found.xp, dtype))


@making("array")
def array(object: Any, dtype: Any = None, *, copy: Any = True, ndmin: int = 0, **_: Any) -> Any:  # noqa: A002
    """A new array of an array, or of lists of arrays and numbers."""
    found = asarray(object, dtype)
    found = found.xp.asarray(found, copy=bool(copy))
    missing = max(ndmin - found.ndim, 0)
    return found.xp.reshape(found, (*(1,) * missing, *found.shape)) if missing else found


@making("full")
def full(shape: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    """An array with one value everywhere, or one that is broadcast."""
    value = asarray(fill_value, dtype)
    return value.xp.broadcast_to(value, (shape,) if isinstance(shape, int) else tuple(shape))


@making("full_like")
def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None, **_: Any) -> Any:
    """An array in the shape and dtype of another, with one value everywhere."""
    xp = namespace_among([a, fill_value])
    value = fill_value if is_array(fill_value) else xp.asarray(fill_value)
    return full(a.shape if shape is None else shape, value, a.dtype if dtype is None else dtype)


@making("arange")
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, **_: Any) -> Any:
    """Numbers from start to below stop, a step apart."""
    xp = namespace_among([start, stop, step])
    return xp.arange(start, stop, step, dtype=dtype_in(xp, dtype))


def where(condition: Any, *args: Any, **keywords: Any) -> Any:
    """``np.where``, which here may have its arrays by keyword, too."""
    pair = [*args, *[keywords.pop(name) for name in ("x", "y")[len(args) :] if name in keywords]]
    return through(np.where)(condition, *pair, **keywords)


def dtype_in(xp: Namespace, dtype: Any) -> Any:
    """A dtype in the words of a library: NumPy's and Python's are translated."""
    try:
        return None if dtype is None else getattr(xp.library, np.dtype(dtype).name, dtype)
    except TypeError:  # it is another library's own
        return dtype


def make_diagonal(D: Any, offset: int = 0, axis1: int = -1, axis2: int = -2) -> Any:
    """Matrices with the last axis of D on their diagonals."""
    if (offset, axis1, axis2) != (0, -1, -2):
        raise SettingError(
            "make_diagonal",
            f"it is given {(offset, axis1, axis2)}",
            "it makes the main diagonal of the last axes, (0, -1, -2)",
            "Leave the others out, or move axes",
        )
    xp = namespace_among([D])
    x = xp.asarray(D)
    return like_given(x[..., :, None] * xp.eye(x.shape[-1], dtype=x.dtype), [D])


class Rows:
    """``np.r_[a, b, …]``: arrays, numbers and ranges, one after the other."""

    def __getitem__(self, key: Any) -> Any:
        return through(np.r_.__getitem__, rows)(key)


class Columns:
    """``np.c_[a, b, …]``: vectors side by side as columns; arrays of more axes along the last one."""

    def __getitem__(self, key: Any) -> Any:
        return through(np.c_.__getitem__, columns)(key)


def rows(key: Any) -> Any:
    """The parts of ``np.r_`` as one array."""
    parts = parts_of(key, 1)
    return parts[0].xp.concat(parts)


def columns(key: Any) -> Any:
    """The parts of ``np.c_`` as one array."""
    parts = [p if p.ndim > 1 else p.xp.reshape(p, (-1, 1)) for p in parts_of(key, 1)]
    return parts[0].xp.concat(parts, axis=-1)


def parts_of(key: Any, ndim: int) -> list[Any]:
    """The parts of an index as arrays with at least so many axes; ranges become theirs."""
    items = key if isinstance(key, tuple) else (key,)
    xp = namespace_among(items)
    arrays = [xp.asarray(np.r_[item] if isinstance(item, slice) else item) for item in items]
    return [a if a.ndim >= ndim else xp.reshape(a, (1,) * ndim) for a in arrays]


MAKING.update(r_=Rows(), c_=Columns(), make_diagonal=make_diagonal, row_stack=through(np.vstack), where=where)
