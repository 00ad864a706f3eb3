"""Broadcasting, and its undoing: the one place where a gradient gets the shape of the value it belongs to.

The rules are those of the Array API standard, section "Broadcasting".
"""

from typing import Any

from miniflow_xp.backend import Array, Namespace

Shape = tuple[int, ...]


def shape_of(value: Any) -> Shape:
    """Shape of an array; ``()`` for a Python number."""
    return tuple(getattr(value, "shape", ()))


def broadcast(*shapes: Shape) -> Shape | None:
    """The shape to which all ``shapes`` broadcast; None where they do not fit."""
    length = max(map(len, shapes), default=0)
    padded = [(1,) * (length - len(shape)) + shape for shape in shapes]
    sizes = [set(axis) - {1} for axis in zip(*padded, strict=True)]
    if any(len(axis) > 1 for axis in sizes):
        return None
    return tuple(axis.pop() if axis else 1 for axis in sizes)


def unbroadcast(xp: Namespace, gradient: Array, shape: Shape) -> Array:
    """Sum ``gradient`` over the axes along which a value of ``shape`` was repeated; the result has this shape."""
    extra = len(gradient.shape) - len(shape)
    repeated = [n for n, size in enumerate(gradient.shape) if n < extra or (shape[n - extra] == 1 and size != 1)]
    if repeated:
        gradient = xp.sum(gradient, axis=tuple(repeated), keepdims=True)
    return gradient if tuple(gradient.shape) == shape else xp.reshape(gradient, shape)
