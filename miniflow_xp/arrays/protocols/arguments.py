"""Arguments in the forms that NumPy's functions take them, in those that the standard's do."""

import operator
from collections.abc import Sequence
from typing import Any

from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.refusals import not_taken


def axis_of(axis: Any) -> Any:
    """An axis, or several, as Python integers; None as it is."""
    if axis is None or type(axis) is int:
        return axis
    return tuple(map(operator.index, axis)) if isinstance(axis, Sequence) else operator.index(axis)


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes, counted from 0; None means all of them."""
    if axis is None:
        return tuple(range(ndim))
    return tuple([n % ndim for n in (axis if isinstance(axis, Sequence) else (operator.index(axis),))])


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
    x = xp.asarray(x)
    wanted = kind(xp, dtype)
    return x if wanted is None or wanted == x.dtype else xp.astype(x, wanted)


def flat_if(xp: Any, x: Any, axis: Any) -> tuple[Any, int]:
    """For functions along one axis, which take the flat array where none is given: the array and the axis."""
    return (xp.reshape(x, (-1,)), 0) if axis is None else (x, operator.index(axis))


def only(name: str, given: Any, *known: Any) -> None:
    """Raise SettingError where an argument is none of the values that are known."""
    if not any(given is value or (type(given) is type(value) and given == value) for value in known):
        raise not_taken(name, given, known)
