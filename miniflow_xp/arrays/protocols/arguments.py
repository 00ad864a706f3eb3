"""Arguments in the forms that NumPy's functions take them, in those that the standard's do."""

import operator
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.libraries import lies_row_by_row, name_of_library
from miniflow_xp.arrays.memory import memory_of
from miniflow_xp.arrays.methods import of_list
from miniflow_xp.arrays.refusals import not_taken
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.dtypes import is_complex

Found = TypeVar("Found", bound=Callable[..., Any])


def as_array(xp: Any, item: Any) -> Any:
    """An array; a list of numbers as one, in the dtype that it has in NumPy."""
    if type(item) is Traced:
        return item
    return of_list(xp, item) if isinstance(item, (list, tuple)) else xp.asarray(item)


def row_by_row(function: Found) -> Found:
    """Decorator: the results of this function lie row by row, as NumPy's do, so that a reshape of them is a view."""

    @wraps(function)
    def with_rows(*args: Any, **keywords: Any) -> Any:
        found = function(*args, **keywords)
        return type(found)(map(in_rows, found)) if isinstance(found, (list, tuple)) else in_rows(found)

    return cast(Found, with_rows)


def in_rows(x: Any) -> Any:
    """An array that lies row by row: a copy, where it does not."""
    return x if lies_row_by_row(memory_of(x)) else x.copy()


def backwards(xp: Any, a: Any) -> Any:
    """The array with its axes in reverse order."""
    return xp.permute_dims(a, tuple(range(len(a.shape)))[::-1])


def in_order_of(x: Any, found: Any) -> Any:
    """An array of as many axes, in memory column by column where x lies so."""
    xp = found.xp
    if found.ndim < 2 or found.ndim != x.ndim or not lies_row_by_row(memory_of(backwards(xp, x))):
        return found
    return backwards(xp, in_rows(backwards(xp, found)))


def array_or_none(xp: Any, item: Any) -> Any:
    """An array, where one is given."""
    return None if item is None else as_array(xp, item)


def pair(xp: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Two arrays; a Python number beside an array takes its dtype, where that can hold it."""
    for number, other in ((x, y), (y, x)):
        if type(number) in (bool, int, float) and hasattr(other, "dtype") and xp.inexact(other.dtype):
            beside = xp.asarray(number, dtype=other.dtype)
            return (beside, as_array(xp, other)) if number is x else (as_array(xp, other), beside)
    return as_array(xp, x), as_array(xp, y)


def axis_of(axis: Any) -> Any:
    """An axis, or several, as Python integers; None as it is."""
    if axis is None or type(axis) is int:
        return axis
    return tuple(map(operator.index, axis)) if isinstance(axis, Sequence) else operator.index(axis)


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes, counted from 0; None means all of them."""
    if axis is None:
        return tuple(range(ndim))
    return tuple([counted(n, ndim) for n in (axis if isinstance(axis, Sequence) else (operator.index(axis),))])


def shape_of(shape: Any) -> tuple[int, ...]:
    """A shape: one number, or several."""
    return tuple(map(operator.index, shape)) if hasattr(shape, "__iter__") else (operator.index(shape),)


def kind(xp: Any, dtype: Any) -> Any:
    """A dtype as NumPy takes it, such as ``float`` or ``"f4"``, as that of the library; its own, and None, as it is."""
    if dtype is None:
        return None
    import numpy as np

    try:
        known = np.dtype(dtype)
    except TypeError:
        return dtype
    return known if name_of_library(xp.library) in ("numpy", "cupy") else getattr(xp.library, known.name)


def in_kind(xp: Any, x: Any, dtype: Any) -> Any:
    """An array in a dtype, where one is given."""
    x = as_array(xp, x)
    wanted = kind(xp, dtype)
    return x if wanted is None or wanted == x.dtype else xp.astype(x, wanted)


def as_inexact(xp: Any, x: Any) -> Any:
    """Real or complex numbers; whole ones in double precision."""
    x = as_array(xp, x)
    return x if xp.inexact(x.dtype) else xp.astype(x, xp.float64)


def doubled(xp: Any, x: Any) -> Any:
    """Real or complex numbers in double precision, as some of NumPy's functions compute whatever they are given."""
    x = as_array(xp, x)
    return in_kind(xp, x, complex if is_complex(x) else float)


def flat_if(xp: Any, x: Any, axis: Any) -> tuple[Any, int]:
    """For functions along one axis, which take the flat array where none is given: array and axis, counted from 0."""
    x = as_array(xp, x)
    return (xp.reshape(x, (-1,)), 0) if axis is None else (x, counted(axis, max(len(x.shape), 1)))


def only(name: str, given: Any, *known: Any) -> None:
    """Raise SettingError where an argument is none of the values that are known."""
    if not any(given is value or (type(given) is type(value) and given == value) for value in known):
        raise not_taken(name, given, known)
