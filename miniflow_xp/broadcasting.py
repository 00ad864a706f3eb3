"""Broadcasting, and its undoing: the one place where a gradient gets the shape of the value it belongs to.

The rules are those of the Array API standard, section "Broadcasting".
"""

from typing import Any

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.dtypes import wide

Shape = tuple[int, ...]


def shape_of(value: Any) -> Shape:
    """Shape of an array; ``()`` for a Python number."""
    return tuple(getattr(value, "shape", ()))


def broadcast(*shapes: Shape) -> Shape | None:
    """The shape to which all ``shapes`` broadcast; None where they do not fit."""
    length = max(map(len, shapes), default=0)
    found = [1] * length
    for shape in shapes:
        for axis, size in enumerate(shape, length - len(shape)):
            if size != 1:
                if found[axis] not in (1, size):
                    return None
                found[axis] = size
    return tuple(found)


def in_one_order(a: Shape, b: Shape) -> bool:
    """Are these the same but for axes of one element, as (n,) and (n, 1) are? Then elements come in one order."""
    return a == b or [size for size in a if size != 1] == [size for size in b if size != 1]


def unbroadcast(xp: Namespace, gradient: Array, shape: Shape) -> Array:
    """Sum ``gradient`` over the axes along which a value of ``shape`` was repeated; the result has this shape.

    Where no value of ``shape`` broadcasts to the gradient, the result has another one. A sum of half precision is
    float32.
    """
    extra = len(gradient.shape) - len(shape)
    if extra > 0:
        gradient = xp.sum(wide(xp, gradient), axis=tuple(range(extra)))
    if gradient.shape == shape:
        return gradient
    repeated = tuple(n for n, (size, came) in enumerate(zip(shape, gradient.shape, strict=False)) if size == 1 != came)
    return xp.sum(wide(xp, gradient), axis=repeated, keepdims=True) if repeated else gradient


def summed_axes(axes: Any, ndim_a: int, ndim_b: int) -> tuple[list[int], list[int]]:
    """The axes that a tensordot sums over, of the one and of the other, counted from 0."""
    if isinstance(axes, int):
        return list(range(ndim_a - axes, ndim_a)), list(range(axes))
    of_a, of_b = [[each] if isinstance(each, int) else each for each in axes]
    return [n % ndim_a for n in of_a], [n % ndim_b for n in of_b]
