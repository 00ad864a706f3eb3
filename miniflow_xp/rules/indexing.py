"""Indexing: slices, integers, masks, arrays of integers; and updates, which are the transposes."""

from math import prod
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.keys import Key, is_mask, unique_places
from miniflow_xp.arrays.tables import composed, rule
from miniflow_xp.arrays.updates import add_at, getitem, setitem, taken_along_one_axis


@rule("getitem")
def _getitem(xp: Any, g: Any, y: Any, x: Any, key: Key) -> Any:
    update = setitem if unique_places(key) else add_at
    return lambda: update(xp, xp.zeros_like(x), key, g), None


@rule("setitem")
def _setitem(xp: Any, g: Any, y: Any, x: Any, key: Key, value: Any) -> Any:
    def of_value() -> Any:
        if is_mask(key) and len(getattr(value, "shape", ())) <= len(x.shape) - len(key.shape):
            mask = xp.reshape(key, (*key.shape, *[1] * (len(x.shape) - len(key.shape))))
            return xp.where(mask, g, xp.zeros_like(g))  # of a shape that does not depend on the mask
        arrived = picked(xp, g, key)
        return arrived if unique_places(key) else xp.where(lasting(xp, x, key, arrived), arrived, 0 * arrived)

    return lambda: setitem(xp, g, key, 0.0), None, of_value


def lasting(xp: Any, x: Any, key: Key, value: Any) -> Any:
    """Which elements of a value are still there once all are assigned: of those for the same place, one."""
    numbers = xp.reshape(xp.arange(prod(value.shape), dtype=xp.int64), tuple(value.shape))
    written = setitem(xp, xp.zeros(tuple(x.shape), dtype=xp.int64), key, numbers)
    return picked(xp, written, key) == numbers


@rule("add_at")
def _add_at(xp: Any, g: Any, y: Any, x: Any, key: Key, value: Any) -> Any:
    return lambda: g, None, lambda: picked(xp, g, key)


def picked(xp: Any, x: Any, key: Key) -> Any:
    """x[key], in functions of the standard where they are enough."""
    found = taken_along_one_axis(xp, x, key)
    return getitem(xp, x, key) if found is None else found


@rule("take")
def _take(xp: Any, g: Any, y: Any, x: Any, indices: Any, axis: int | None = None) -> Any:
    along = 0 if axis is None else axis % len(x.shape)
    return lambda: add_at(xp, xp.zeros_like(x), (*[slice(None)] * along, indices), g), None


@rule("take_along_axis")
def _take_along_axis(xp: Any, g: Any, y: Any, x: Any, indices: Any, axis: int = -1) -> Any:
    return lambda: add_at(xp, xp.zeros_like(x), along(xp, x, indices, axis), g), None


@composed("put_along_axis")
def put_along_axis(xp: Any, arr: Any, indices: Any, values: Any, axis: int | None = -1) -> None:
    """Write into an array, which takes place as ``arr[…] = values`` does: what ``take_along_axis`` reads.

    ``axis``: None means places of the flat array.
    """
    if axis is not None:
        arr[along(xp, arr, indices, axis)] = values
        return
    flat = xp.asarray(xp.reshape(arr, (-1,)), copy=True)
    flat[indices] = values
    arr[...] = xp.reshape(flat, tuple(arr.shape))


def along(xp: Any, x: Any, indices: Any, axis: int) -> Key:
    """The index of ``take_along_axis``: arrays of integers for all axes, which broadcast."""
    ndim = len(x.shape)
    axis = counted(axis, ndim)
    keys = []
    for n, size in enumerate(x.shape):
        line = tuple([-1 if m == n else 1 for m in range(ndim)])
        keys.append(indices if n == axis else xp.reshape(xp.arange(size, dtype=indices.dtype), line))
    return tuple(keys)
