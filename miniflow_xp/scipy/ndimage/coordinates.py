"""map_coordinates: an image between its points, by straight lines."""

from itertools import product
from typing import Any

from miniflow_xp.scipy.substitutes import refused, substitute

NAME = "scipy.ndimage.map_coordinates"


@substitute(NAME, arrays="input coordinates")
def map_coordinates(
    xp: Any,
    input: Any,
    coordinates: Any,
    order: int = 3,
    mode: str = "constant",
    cval: float = 0.0,
    prefilter: bool = True,
) -> Any:
    if order not in (0, 1):
        raise refused(NAME, f"order={order}", "0 and 1 have a rule", "Give order=1")
    if mode not in FOLDED:
        raise RuntimeError("boundary mode not supported")
    axes = []
    for size, x in zip(input.shape, (coordinates[n, ...] for n in range(coordinates.shape[0])), strict=True):
        axes.append(neighbours(xp, x, size, mode, order))
    total, flat = None, xp.reshape(input, (-1,))
    for corner in product(range(len(axes[0])), repeat=len(axes)):
        place, weight, outside = 0, 1.0, False
        for size, found, step in zip(input.shape, axes, corner, strict=True):
            index, part, beyond = found[step]
            place, weight = place * size + index, weight * part
            outside = beyond | outside
        value = xp.reshape(xp.take(flat, xp.reshape(place, (-1,))), coordinates.shape[1:])
        part = xp.where(outside, xp.full_like(value, cval), value) * weight
        total = part if total is None else total + part
    return total if mode != "constant" else within(xp, total, coordinates, input.shape, cval)


def neighbours(xp: Any, x: Any, size: int, mode: str, order: int) -> list[tuple[Any, Any, Any]]:
    """The points at both sides: (index, weight, is it beyond the edges); the nearest alone for order 0."""
    if mode == "wrap":
        around = xp.remainder(x, xp.full_like(x, size - 1)) if size > 1 else 0 * x
        x = xp.where((x < 0) | (x > size - 1), around, x)
    low = xp.floor(x + 0.5) if order == 0 else xp.floor(x)
    part = x - low
    if order == 0:
        index, beyond = folded(xp, low, size, mode)
        return [(index, xp.ones_like(x), beyond)]
    (left, before), (right, after) = folded(xp, low, size, mode), folded(xp, low + 1, size, mode)
    return [(left, 1 - part, before), (right, part, after)]


def folded(xp: Any, place: Any, size: int, mode: str) -> tuple[Any, Any]:
    """The index of a whole number, brought inside as the mode says; and is it beyond the edges, where that counts?"""
    n = xp.astype(place, xp.int64)
    beyond = (n < 0) | (n > size - 1) if mode == "grid-constant" else n != n
    return xp.clip(FOLDED[mode](xp, n, size), 0, size - 1), beyond


def mirrored(xp: Any, n: Any, size: int) -> Any:
    """Mirrored at the middle of the outer points."""
    if size == 1:
        return 0 * n
    n = xp.remainder(n, xp.full_like(n, 2 * size - 2))
    return xp.where(n < size, n, 2 * size - 2 - n)


def reflected(xp: Any, n: Any, size: int) -> Any:
    """Mirrored at the outer edges of the outer points."""
    n = xp.remainder(n, xp.full_like(n, 2 * size))
    return xp.where(n < size, n, 2 * size - 1 - n)


def repeated(xp: Any, n: Any, size: int) -> Any:
    """From the other side again."""
    return xp.remainder(n, xp.full_like(n, size))


def unchanged(xp: Any, n: Any, size: int) -> Any:
    """As it is: the outer points go on."""
    return n


FOLDED = {
    "reflect": reflected,
    "grid-mirror": reflected,
    "mirror": mirrored,
    "grid-wrap": repeated,
    "nearest": unchanged,
    "constant": unchanged,
    "grid-constant": unchanged,
    "wrap": unchanged,
}


def within(xp: Any, values: Any, coordinates: Any, shape: Any, cval: float) -> Any:
    """The values, and ``cval`` beyond the edges."""
    outside: Any = False
    for n, size in enumerate(shape):
        x = coordinates[n, ...]
        outside = (x < 0) | (x > size - 1) | outside
    return xp.where(outside, xp.full_like(values, cval), values)
