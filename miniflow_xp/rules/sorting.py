"""Sorting, and the values that a set of elements has."""

from typing import Any

from miniflow_xp.arrays.tables import rule
from miniflow_xp.arrays.updates import add_at
from miniflow_xp.dtypes import wide


@rule("sort")
def _sort(xp: Any, g: Any, y: Any, x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    def back() -> Any:
        order = xp.argsort(x, axis=axis, descending=descending, stable=stable)
        return xp.take_along_axis(g, xp.argsort(order, axis=axis), axis=axis)

    return (back,)


@rule("unique_values", "unique_counts", "unique_inverse", "unique_all")
def _unique(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """Elements that are equal share the gradient of their value."""

    def back() -> Any:
        values, arrived = (y[0], g[0]) if isinstance(y, tuple) else (y, g)
        flat = xp.reshape(x, (-1,))
        order = xp.argsort(values)
        places = xp.take(order, xp.searchsorted(xp.take(values, order), flat))
        shares = add_at(xp, wide(xp, xp.zeros_like(arrived)), places, wide(xp, xp.ones_like(flat)))
        return xp.reshape(xp.take(arrived / shares, places), tuple(x.shape))

    return (back,)
