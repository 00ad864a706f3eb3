"""NumPy's functions that move, turn and convert elements, and take parts of complex numbers."""

from math import pi, prod
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.libraries import lies_row_by_row
from miniflow_xp.arrays.memory import memory_of
from miniflow_xp.arrays.protocols.arguments import as_array, axes_of, axis_of, backwards, in_kind, kind, only, shape_of
from miniflow_xp.arrays.protocols.tables import numpy
from miniflow_xp.dtypes import is_complex
from miniflow_xp.errors import ShapeError


@numpy("reshape")
def reshape(xp: Any, a: Any, /, shape: Any, order: str = "C", *, copy: Any = None) -> Any:
    new, a = shape_of(shape), as_array(xp, a)
    only_known_order(a, order)
    if order == "F":  # the first index changes fastest: both turned round, it is the last
        return backwards(xp, xp.reshape(backwards(xp, a), new[::-1]))
    return xp.asarray(xp.reshape(a, new), copy=True) if copy else xp.reshape(a, new)


def only_known_order(a: Any, order: str) -> None:
    """Refuse an order that is that of the memory, A and K, where the elements do not lie there row by row."""
    by_memory = ("A", "K") if lies_row_by_row(memory_of(a)) else ()
    only("order", order, "C", "F", *by_memory)


@numpy("ravel")
def ravel(xp: Any, a: Any, order: str = "C") -> Any:
    a = as_array(xp, a)
    only_known_order(a, order)
    return xp.ravel(backwards(xp, a) if order == "F" else a)


@numpy("transpose")
def transpose(xp: Any, a: Any, axes: Any = None) -> Any:
    a = as_array(xp, a)
    return backwards(xp, a) if axes is None else xp.permute_dims(a, axes_of(axes, len(a.shape)))


@numpy("matrix_transpose", "linalg.matrix_transpose")
def matrix_transpose(xp: Any, x: Any, /) -> Any:
    return xp.matrix_transpose(x)


@numpy("swapaxes")
def swapaxes(xp: Any, a: Any, axis1: int, axis2: int) -> Any:
    return xp.swapaxes(a, axis1, axis2)


@numpy("moveaxis")
def moveaxis(xp: Any, a: Any, source: Any, destination: Any) -> Any:
    return xp.moveaxis(a, axis_of(source), axis_of(destination))


@numpy("rollaxis")
def rollaxis(xp: Any, a: Any, axis: int, start: int = 0) -> Any:
    ndim = len(a.shape)
    axis, start = counted(axis, ndim), counted(start, ndim + 1) if start >= 0 else counted(start, ndim)
    return xp.moveaxis(a, axis, start - 1 if axis < start else start)


@numpy("expand_dims")
def expand_dims(xp: Any, a: Any, axis: Any) -> Any:
    a = as_array(xp, a)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    axes = axes_of(axis, len(a.shape) + count)
    if len(set(axes)) < count:
        raise ShapeError("np.expand_dims", f"its axes are {axis}", "each is one more axis", "Name each once")
    for n in sorted(axes):
        a = xp.expand_dims(a, axis=n)
    return a


@numpy("squeeze")
def squeeze(xp: Any, a: Any, axis: Any = None) -> Any:
    a = as_array(xp, a)
    if axis is None:
        axis = tuple([n for n, size in enumerate(a.shape) if size == 1])
    return xp.squeeze(a, axis=axis_of(axis))


@numpy("broadcast_to")
def broadcast_to(xp: Any, array: Any, shape: Any, subok: bool = False) -> Any:
    return xp.broadcast_to(as_array(xp, array), shape_of(shape))


@numpy("broadcast_arrays")
def broadcast_arrays(xp: Any, *args: Any, subok: bool = False) -> Any:
    return xp.broadcast_arrays(*[as_array(xp, item) for item in args])


@numpy("flip")
def flip(xp: Any, m: Any, axis: Any = None) -> Any:
    return xp.flip(as_array(xp, m), axis=axis_of(axis))


@numpy("flipud")
def flipud(xp: Any, m: Any) -> Any:
    return xp.flip(m, axis=0)


@numpy("fliplr")
def fliplr(xp: Any, m: Any) -> Any:
    return xp.flip(m, axis=1)


@numpy("rot90")
def rot90(xp: Any, m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    return xp.rot90(m, k, axes)


@numpy("roll")
def roll(xp: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    return xp.roll(as_array(xp, a), axis_of(shift), axis=axis_of(axis))


@numpy("tril")
def tril(xp: Any, m: Any, k: int = 0) -> Any:
    return xp.tril(at_least_a_matrix(xp, m), k=k)


@numpy("triu")
def triu(xp: Any, m: Any, k: int = 0) -> Any:
    return xp.triu(at_least_a_matrix(xp, m), k=k)


def at_least_a_matrix(xp: Any, m: Any) -> Any:
    """The array; a vector as as many equal rows."""
    m = as_array(xp, m)
    return m if len(m.shape) > 1 else xp.broadcast_to(m, (*m.shape, *m.shape))


@numpy("diag")
def diag(xp: Any, v: Any, k: int = 0) -> Any:
    return xp.diag(v, k)


@numpy("diagflat")
def diagflat(xp: Any, v: Any, k: int = 0) -> Any:
    return xp.diag(xp.ravel(v), k)


@numpy("diagonal")
def diagonal(xp: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return xp.diagonal(a, offset, axis1, axis2)


@numpy("atleast_1d")
def atleast_1d(xp: Any, *arys: Any) -> Any:
    return xp.atleast_1d(*[as_array(xp, a) for a in arys])


@numpy("atleast_2d")
def atleast_2d(xp: Any, *arys: Any) -> Any:
    return xp.atleast_2d(*[as_array(xp, a) for a in arys])


@numpy("atleast_3d")
def atleast_3d(xp: Any, *arys: Any) -> Any:
    return xp.atleast_3d(*[as_array(xp, a) for a in arys])


@numpy("copy")
def copy(xp: Any, a: Any, order: str = "K", subok: bool = False) -> Any:
    return xp.asarray(a, copy=True)


@numpy("astype")
def astype(xp: Any, x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return xp.astype(x, kind(xp, dtype), copy=copy)


@numpy("real")
def real(xp: Any, val: Any) -> Any:
    val = as_array(xp, val)
    return xp.real(val) if is_complex(val) else val


@numpy("imag")
def imag(xp: Any, val: Any) -> Any:
    val = as_array(xp, val)
    return xp.imag(val) if is_complex(val) else xp.zeros_like(val)


@numpy("angle")
def angle(xp: Any, z: Any, deg: bool = False) -> Any:
    found = xp.angle(as_array(xp, z))
    return found * (180 / pi) if deg else found


@numpy("fix", gradient=False)
def fix(xp: Any, x: Any, out: Any = None) -> Any:
    return xp.trunc(x)


@numpy("round", "around", gradient=False)
def round_(xp: Any, a: Any, decimals: int = 0, out: Any = None) -> Any:
    a = as_array(xp, a)
    if decimals == 0 or not xp.inexact(a.dtype):
        return xp.round(a)
    scale = 10.0 ** abs(decimals)
    return xp.round(a * scale) / scale if decimals > 0 else xp.round(a / scale) * scale


@numpy("nan_to_num")
def nan_to_num(
    xp: Any, x: Any, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Any:
    return xp.nan_to_num(x, copy, nan, posinf, neginf)


@numpy("sinc")
def sinc(xp: Any, x: Any) -> Any:
    return xp.special.sinc(as_array(xp, x))


@numpy("i0")
def i0(xp: Any, x: Any) -> Any:
    return xp.special.i0(as_array(xp, x))


@numpy("resize")
def resize(xp: Any, a: Any, new_shape: Any) -> Any:
    shape = shape_of(new_shape)
    return xp.reshape(repeated(xp, a, prod(shape)), shape)


def repeated(xp: Any, values: Any, size: int) -> Any:
    """Values, over and over, as many as are wanted; none, where there are none."""
    flat = xp.ravel(values)
    return xp.tile(flat, (-(-size // max(flat.shape[0], 1)),))[:size]


@numpy("tile")
def tile(xp: Any, A: Any, reps: Any) -> Any:
    return xp.tile(as_array(xp, A), shape_of(reps))


@numpy("repeat")
def repeat(xp: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    times = repeats if isinstance(repeats, int) else as_array(xp, repeats)
    return xp.repeat(as_array(xp, a), times, axis=axis_of(axis))


@numpy("sort_complex")
def sort_complex(xp: Any, a: Any) -> Any:
    return in_kind(xp, xp.sort(as_array(xp, a)), complex)
