"""An index of integers and slices as a box of an array: where it begins, its sizes, and an index into it.

Indices that differ in where their boxes begin, as those of a loop's turns do, are one slice that moves.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from miniflow_xp.arrays.keys import PLAIN, Key, parts_of
from miniflow_xp.arrays.updates import setitem_natively
from miniflow_xp.backend import Array


class Box(NamedTuple):
    """x[key] is x[starts[0] : starts[0] + sizes[0], …][rest]; ``rest`` has a part for each axis."""

    starts: tuple[int, ...]
    sizes: tuple[int, ...]
    rest: tuple[Any, ...]


def box_of(key: Key, shape: tuple[int, ...]) -> Box | None:
    """The box of an index; None where it has other parts, names nothing, or leads outside."""
    parts = expanded(key, len(shape))
    if parts is None:
        return None
    sizes = iter(shape)
    axes = [None if part is None else places_of(part, next(sizes)) for part in parts]
    found = [places for places in axes if places is not None]
    if not all(found):
        return None
    starts = tuple([min(places[0], places[-1]) for places in found])
    lengths = tuple([abs(places[-1] - places[0]) + 1 for places in found])
    rest = tuple([inside(part, places) for part, places in zip(parts, axes, strict=True)])
    return Box(starts, lengths, rest)


def expanded(key: Key, axes: int) -> list[Any] | None:
    """An index as a part for each axis, and None for each new one; None where it has other parts, or too many."""
    parts = list(parts_of(key))
    if not PLAIN.issuperset(map(type, parts)):
        return None
    others = axes - sum([type(part) in (int, slice) for part in parts])
    if others < 0 or parts.count(...) > 1:
        return None
    place = parts.index(...) if ... in parts else len(parts)
    parts[place : place + 1] = [slice(None)] * others
    return parts


def places_of(part: int | slice, size: int) -> range:
    """The places along an axis that an integer, or a slice, names."""
    if isinstance(part, slice):
        return range(size)[part]
    return range(part % size, part % size + 1) if -size <= part < size else range(0)


def inside(part: int | slice | None, places: range | None) -> int | slice | None:
    """What remains of a part where the axis is cut to the places that it names."""
    if places is None:
        return None
    return slice(None, None, places.step) if isinstance(part, slice) else 0


def shape_at(key: Key, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of x[key] for an x of this shape; None for what is no index of integers and slices, or outside."""
    if not all(type(part) in PLAIN for part in parts_of(key)):
        return None
    try:
        return np.broadcast_to(np.False_, shape)[key].shape
    except IndexError:  # JAX writes nothing there, but reads the nearest
        return None


def getitem_in(x: Array, *starts: Any, sizes: tuple[int, ...], rest: Key) -> Array:
    """x[key], where the box of the key begins at ``starts``."""
    return slice_of(x, starts, sizes)[rest]


def setitem_in(x: Array, value: Array, *starts: Any, sizes: tuple[int, ...], rest: Key) -> Array:
    """A copy of x with ``value`` at the key."""
    return updated(x, setitem_natively(jnp, slice_of(x, starts, sizes), rest, value), starts)


def add_at_in(x: Array, value: Array, *starts: Any, sizes: tuple[int, ...], rest: Key) -> Array:
    """A copy of x with ``value`` added at the key."""
    return updated(x, slice_of(x, starts, sizes).at[rest].add(value), starts)


def placed_in(value: Array, *starts: Any, sizes: tuple[int, ...], rest: Key, shape: tuple[int, ...]) -> Array:
    """Zeros of a shape, but for ``value`` at the key."""
    return setitem_in(jnp.zeros(shape, value.dtype), value, *starts, sizes=sizes, rest=rest)


def slice_of(x: Array, starts: Sequence[Any], sizes: tuple[int, ...]) -> Array:
    """What lies in a box that is inside of x."""
    return jax.lax.dynamic_slice(x, indices(starts), sizes)


def updated(x: Array, box: Array, starts: Sequence[Any]) -> Array:
    """A copy of x with another content of a box."""
    return jax.lax.dynamic_update_slice(x, box, indices(starts))


def indices(starts: Sequence[Any]) -> list[Array]:
    """Where a box begins, in one dtype."""
    return [jnp.asarray(start, dtype="int32") for start in starts]


MOVING: dict[str, Callable[..., Array]] = {
    "getitem_in": getitem_in,
    "setitem_in": setitem_in,
    "add_at_in": add_at_in,
    "placed_in": placed_in,
}
"""Functions with a box whose begin is known when they run."""
