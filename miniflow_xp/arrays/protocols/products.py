"""NumPy's products: dot, inner, outer, tensordot, einsum, kron, cross."""

from functools import reduce
from typing import Any

from miniflow_xp.arrays.protocols.arguments import as_array, in_kind, in_rows, row_by_row
from miniflow_xp.arrays.protocols.tables import numpy
from miniflow_xp.arrays.subscripts import parsed
from miniflow_xp.broadcasting import summed_axes
from miniflow_xp.errors import ShapeError

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@numpy("dot")
@row_by_row
def dot(xp: Any, a: Any, b: Any, out: Any = None) -> Any:
    return xp.dot(as_array(xp, a), as_array(xp, b))


@numpy("inner")
def inner(xp: Any, a: Any, b: Any, /) -> Any:
    return xp.inner(as_array(xp, a), as_array(xp, b))


@numpy("vdot")
def vdot(xp: Any, a: Any, b: Any, /) -> Any:
    return xp.vdot(as_array(xp, a), as_array(xp, b))


@numpy("outer")
def outer(xp: Any, a: Any, b: Any, out: Any = None) -> Any:
    return xp.outer(as_array(xp, a), as_array(xp, b))


@numpy("kron")
def kron(xp: Any, a: Any, b: Any) -> Any:
    return xp.kron(as_array(xp, a), as_array(xp, b))


@numpy("tensordot")
def tensordot(xp: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = as_array(xp, a), as_array(xp, b)
    if not isinstance(axes, int):
        axes = tuple(map(tuple, summed_axes(axes, len(a.shape), len(b.shape))))
    return xp.tensordot(a, b, axes=axes)


@numpy("linalg.tensordot")
def linalg_tensordot(xp: Any, x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return tensordot(xp, x1, x2, axes)


@numpy("linalg.matmul")
def matmul(xp: Any, x1: Any, x2: Any, /) -> Any:
    return xp.matmul(as_array(xp, x1), as_array(xp, x2))


@numpy("linalg.vecdot")
def vecdot(xp: Any, x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return xp.vecdot(as_array(xp, x1), as_array(xp, x2), axis=axis)


@numpy("linalg.outer")
def linalg_outer(xp: Any, x1: Any, x2: Any, /) -> Any:
    return xp.linalg.outer(as_array(xp, x1), as_array(xp, x2))


@numpy("linalg.multi_dot")
def multi_dot(xp: Any, arrays: Any, *, out: Any = None) -> Any:
    """From left to right; from right to left where a vector stands there, so that all products are vectors."""
    items = [as_array(xp, a) for a in arrays]
    if len(items[-1].shape) == 1:
        return reduce(lambda found, item: xp.matmul(item, found), reversed(items))
    return reduce(xp.matmul, items)


@numpy("einsum")
def einsum(xp: Any, *operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Any:
    subscripts, given = (operands[0], operands[1:]) if isinstance(operands[0], str) else spelt(operands)
    arrays = [as_array(xp, a) for a in given]
    shown = view_of(xp, subscripts, arrays[0]) if len(arrays) == 1 else None
    found = in_rows(xp.einsum(subscripts, *arrays)) if shown is None else shown
    return in_kind(xp, found, kwargs.get("dtype"))


def view_of(xp: Any, subscripts: str, x: Any) -> Any:
    """What NumPy gives as a view of its one operand, where nothing is summed: diagonals, and axes in another order."""
    labels = parsed(subscripts, [len(x.shape)])
    (term,) = labels.operands
    if set(term) != set(labels.result):
        return None
    while again := [label for label in dict.fromkeys(term) if term.count(label) > 1]:
        first, second = [axis for axis, label in enumerate(term) if label == again[0]][:2]
        x = xp.diagonal(x, 0, first, second)
        term = "".join([label for axis, label in enumerate(term) if axis not in (first, second)]) + again[0]
    return xp.permute_dims(x, tuple([term.index(label) for label in labels.result]))


def spelt(operands: Any) -> tuple[str, list[Any]]:
    """Subscripts in letters, and the arrays, of operands that are followed by lists of numbers."""

    def word(labels: Any) -> str:
        return "".join(["..." if label is Ellipsis else LETTERS[label] for label in labels])

    pairs, arrow = operands, ""
    if len(operands) % 2:
        pairs, arrow = operands[:-1], f"->{word(operands[-1])}"
    return ",".join(map(word, pairs[1::2])) + arrow, list(pairs[::2])


@numpy("cross")
def cross(xp: Any, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = xp.moveaxis(as_array(xp, a), axisa, -1), xp.moveaxis(as_array(xp, b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        got = f"{a.shape[-1]} and {b.shape[-1]} elements"
        raise ShapeError("np.cross", got, "vectors have 3", "Write a[0] * b[1] - a[1] * b[0] for vectors of 2")
    a, b = xp.broadcast_arrays(a, b)
    return xp.moveaxis(xp.linalg.cross(a, b), -1, axisc)


@numpy("linalg.cross")
def linalg_cross(xp: Any, x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(xp, x1, x2, axis=axis)


@numpy("trace")
def trace(xp: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    return xp.trace(in_kind(xp, a, dtype), offset, axis1, axis2)
