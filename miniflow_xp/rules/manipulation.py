"""Manipulation: functions that move, repeat, join and convert elements."""

from collections.abc import Sequence
from math import prod
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.libraries import device_of
from miniflow_xp.arrays.tables import RULES, Thunk, composed, native, rule
from miniflow_xp.arrays.updates import add_at, call
from miniflow_xp.broadcasting import broadcast
from miniflow_xp.errors import SettingError, ShapeError

RULES["astype"] = lambda xp, g, y, x, dtype, copy=True, device=None: (lambda: g, None)
RULES["broadcast_to"] = lambda xp, g, y, x, shape: (lambda: g, None)
RULES["flip"] = lambda xp, g, y, x, axis=None: (lambda: xp.flip(g, axis=axis),)
RULES["matrix_transpose"] = lambda xp, g, y, x: (lambda: xp.matrix_transpose(g),)
RULES["moveaxis"] = lambda xp, g, y, x, source, destination: (lambda: xp.moveaxis(g, destination, source), None, None)
RULES["tril"] = lambda xp, g, y, x, k=0: (lambda: xp.tril(g, k=k),)
RULES["triu"] = lambda xp, g, y, x, k=0: (lambda: xp.triu(g, k=k),)


@rule("reshape", "expand_dims", "squeeze")
def _reshape(xp: Any, g: Any, y: Any, x: Any, *_: Any, **__: Any) -> Any:
    return lambda: xp.reshape(g, tuple(x.shape)), None


@rule("permute_dims")
def _permute_dims(xp: Any, g: Any, y: Any, x: Any, axes: Sequence[int]) -> Any:
    order = [axis % len(axes) for axis in axes]
    return lambda: xp.permute_dims(g, tuple([order.index(n) for n in range(len(order))])), None


@rule("roll")
def _roll(xp: Any, g: Any, y: Any, x: Any, shift: Any, axis: Any = None) -> Any:
    back = tuple([-s for s in shift]) if isinstance(shift, (tuple, list)) else -shift
    return lambda: xp.roll(g, back, axis=axis), None


@rule("concat")
def _concat(xp: Any, g: Any, y: Any, arrays: Sequence[Any], axis: int | None = 0) -> Any:
    along = 0 if axis is None else axis % len(g.shape)
    thunks, start = [], 0
    for shape in shapes_of(arrays):
        stop = start + (prod(shape) if axis is None else shape[along])
        thunks.append(lambda shape=shape, s=slice(start, stop): xp.reshape(g[along_axis(along, s)], shape))
        start = stop
    return in_form_of(xp, thunks, arrays), None


@rule("stack")
def _stack(xp: Any, g: Any, y: Any, arrays: Sequence[Any], axis: int = 0) -> Any:
    along = axis % len(g.shape)
    thunks: list[Any] = [lambda n=n: g[along_axis(along, n)] for n in range(len(shapes_of(arrays)))]
    return in_form_of(xp, thunks, arrays), None


def shapes_of(arrays: Any) -> list[tuple[int, ...]]:
    """The shapes of arrays in a list, or of those that one array is made of."""
    if isinstance(arrays, (list, tuple)):
        return [tuple(x.shape) for x in arrays]
    return [tuple(arrays.shape[1:])] * arrays.shape[0]


def in_form_of(xp: Any, thunks: Sequence[Thunk], arrays: Any) -> Any:
    """A thunk for each array of a list; one for all, where they were given as one array."""
    return thunks if isinstance(arrays, (list, tuple)) else lambda: xp.stack([thunk() for thunk in thunks])


def along_axis(axis: int, key: Any) -> tuple[Any, ...]:
    """The index that takes ``key`` on one axis, and everything on the others."""
    return (*[slice(None)] * axis, key, ...)


@rule("tile")
def _tile(xp: Any, g: Any, y: Any, x: Any, repetitions: int | Sequence[int]) -> Any:
    def back() -> Any:
        ndim = len(g.shape)
        sizes = [1] * (ndim - len(x.shape)) + list(x.shape)
        given = [repetitions] if isinstance(repetitions, int) else list(repetitions)
        times = [1] * (ndim - len(given)) + given
        parts = xp.reshape(g, tuple([n for pair in zip(times, sizes, strict=True) for n in pair]))
        return xp.reshape(xp.sum(parts, axis=tuple(range(0, 2 * ndim, 2))), tuple(x.shape))

    return back, None


@rule("repeat")
def _repeat(xp: Any, g: Any, y: Any, x: Any, repeats: Any, axis: int | None = None) -> Any:
    def back() -> Any:
        flat = xp.reshape(x, (-1,)) if axis is None else x
        along = 0 if axis is None else axis % len(x.shape)
        size = flat.shape[along]
        if isinstance(repeats, int):
            parts = xp.reshape(g, (*g.shape[:along], size, repeats, *g.shape[along + 1 :]))
            return xp.reshape(xp.sum(parts, axis=along + 1), tuple(x.shape))
        places = xp.repeat(xp.arange(size, device=device_of(x)), repeats)
        found = add_at(xp, xp.zeros_like(flat), (*[slice(None)] * along, places), g)
        return xp.reshape(found, tuple(x.shape))

    return back, None


@native("to_device")
def to_device_natively(xp: Any, x: Any, device: Any, /, *, stream: Any = None) -> Any:
    """The array on another device of its library."""
    from array_api_compat import to_device

    return to_device(x, device, stream=stream)


@rule("to_device")
def _to_device(xp: Any, g: Any, y: Any, x: Any, device: Any, stream: Any = None) -> Any:
    return lambda: call(xp, "to_device", g, device_of(x)), None


@composed("unstack")
def unstack(xp: Any, x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The parts of an array along an axis, which they no longer have."""
    x = xp.asarray(x)
    along = counted(axis, len(x.shape))
    return tuple([x[along_axis(along, n)] for n in range(x.shape[along])])


@composed("broadcast_arrays")
def broadcast_arrays(xp: Any, *arrays: Any) -> tuple[Any, ...]:
    """Arrays in the one shape that all of them broadcast to."""
    shapes = [tuple(array.shape) for array in arrays]
    shape = broadcast(*shapes)
    if shape is None:
        raise ShapeError(
            "broadcast_arrays", f"{shapes}", "axes are equal or 1, from the last on", "Reshape one of them"
        )
    return tuple([xp.broadcast_to(array, shape) for array in arrays])


@composed("meshgrid")
def meshgrid(xp: Any, *arrays: Any, indexing: str = "xy") -> tuple[Any, ...]:
    """The coordinates of a grid, an array for each of its axes, from those along each."""
    places = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        places[:2] = 1, 0
    sizes = [prod(arrays[n].shape) for n in places]
    found = []
    for array, place in zip(arrays, places, strict=True):
        line = xp.reshape(array, tuple([-1 if n == place else 1 for n in range(len(arrays))]))
        found.append(xp.asarray(xp.broadcast_to(line, tuple(sizes)), copy=True))
    return tuple(found)


@composed("diff")
def diff(xp: Any, x: Any, /, n: int = 1, axis: int = -1, *, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along an axis, n times; ``prepend`` and ``append``: what is joined to x before.

    ``n`` and ``axis`` by position is what the libraries allow, besides the standard. None at all are x alone, to them.
    """
    if n < 0:
        raise SettingError("diff", f"n is {n}", "0 or more", "Give the number of times that differences are taken")
    x = xp.asarray(x)
    along = counted(axis, len(x.shape))
    parts = [part for part in (prepend, x, append) if part is not None]
    if n and len(parts) > 1:
        edge = tuple([1 if k == along else size for k, size in enumerate(x.shape)])
        parts = [part if part is x else whole_edge(xp, part, edge, x.dtype) for part in parts]
        x = xp.concat(parts, axis=along)
    for _ in range(n):
        left = max(x.shape[along] - 1, 0)
        x = x[along_axis(along, slice(x.shape[along] - left, None))] - x[along_axis(along, slice(0, left))]
    return x


def whole_edge(xp: Any, part: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """What is joined to an array: an array of as many axes, or a number for all places of the edge."""
    part = part if hasattr(part, "dtype") else xp.asarray(part, dtype=dtype)
    return part if part.shape else xp.broadcast_to(part, shape)
