"""Indexing: slices, integers, masks, arrays of integers; and updates, which are the transposes."""

from typing import Any

from miniflow_xp.arrays.tables import rule
from miniflow_xp.arrays.updates import add_at, setitem


def unique_places(key: Any) -> bool:
    """Does an index name no place twice? One with arrays of integers may."""
    keys = key if isinstance(key, tuple) else (key,)
    return all(
        k is None or k is Ellipsis or isinstance(k, (int, slice)) or "bool" in str(getattr(k, "dtype", ""))
        for k in keys
    )


@rule("getitem")
def _getitem(xp: Any, g: Any, y: Any, x: Any, key: Any) -> Any:
    def back() -> Any:
        zero, arriving, place = xp.zeros_like(x), g, key
        if isinstance(key, tuple) and any(k is None for k in key):  # the standard has no None where it assigns
            place = tuple([k for k in key if k is not None])
            arriving = xp.reshape(g, tuple(zero[place].shape))
        update = setitem if unique_places(place) else add_at
        return update(xp, zero, place, arriving)

    return back, None


@rule("setitem")
def _setitem(xp: Any, g: Any, y: Any, x: Any, key: Any, value: Any) -> Any:
    return lambda: setitem(xp, g, key, 0.0), None, lambda: g[key]


@rule("add_at")
def _add_at(xp: Any, g: Any, y: Any, x: Any, key: Any, value: Any) -> Any:
    return lambda: g, None, lambda: g[key]
