"""NumPy's functions that make arrays, where arrays are inside of their arguments: these NumPy does not hand on."""

from collections.abc import Callable
from typing import Any

import numpy as np

from miniflow_xp.arrays.protocols.entries import FUNCTIONS
from miniflow_xp.autograd.numpy.dispatch import as_known, like_given, namespace_among, through
from miniflow_xp.errors import SettingError

Function = Callable[..., Any]

MAKING: dict[str, Any] = {}


def by_entry(name: str, **defaults: Any) -> Function:
    """The function of this name, from the entry that traced arrays have for NumPy's functions."""
    call = FUNCTIONS[name].call

    def ours(*args: Any, **keywords: Any) -> Any:
        xp = namespace_among([*args, *keywords.values()])
        named = {key: as_known(item, of_sequences=False) for key, item in {**defaults, **keywords}.items()}
        return call(xp, *[as_known(a, of_sequences=False) for a in args], **named)

    return through(getattr(np, name), ours)


for _name in ("asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "full", "full_like", "arange"):
    MAKING[_name] = by_entry(_name)
MAKING["array"] = by_entry("array", copy=True)


def where(condition: Any, *args: Any, **keywords: Any) -> Any:
    """``np.where``, which here may have its arrays by keyword, too."""
    pair = [*args, *[keywords.pop(name) for name in ("x", "y")[len(args) :] if name in keywords]]
    return through(np.where)(condition, *pair, **keywords)


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
