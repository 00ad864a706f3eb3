"""Beyond the standard, by the names of NumPy: shapes, joining, splitting, padding, and matrices from vectors."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.libraries import lies_row_by_row
from miniflow_xp.arrays.memory import memory_of
from miniflow_xp.arrays.tables import composed
from miniflow_xp.errors import SettingError, ShapeError
from miniflow_xp.rules.manipulation import along_axis


@composed("ravel")
def ravel(xp: Any, x: Any, /) -> Any:
    """The elements in one row: a view where they lie so, else a copy, also where a view could be had by steps."""
    x = xp.asarray(x)
    row = xp.reshape(x, (-1,))
    return row if lies_row_by_row(memory_of(x)) else xp.asarray(row, copy=True)


@composed("atleast_1d")
def atleast_1d(xp: Any, *arrays: Any) -> Any:
    """Arrays with an axis at least; a single one as it is, several in a tuple."""
    return one_or_all([x if x.shape else xp.reshape(x, (1,)) for x in map(xp.asarray, arrays)])


@composed("atleast_2d")
def atleast_2d(xp: Any, *arrays: Any) -> Any:
    """Arrays with two axes at least: (n,) becomes (1, n)."""
    found = [x if len(x.shape) > 1 else xp.reshape(x, (1, -1)) for x in map(xp.asarray, arrays)]
    return one_or_all(found)


@composed("atleast_3d")
def atleast_3d(xp: Any, *arrays: Any) -> Any:
    """Arrays with three axes at least: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""
    whole = [xp.asarray(x) for x in arrays]
    return one_or_all([x if len(x.shape) > 2 else xp.expand_dims(xp.atleast_2d(x), axis=-1) for x in whole])


def one_or_all(items: Sequence[Any]) -> Any:
    """A single item by itself, several as a tuple."""
    return items[0] if len(items) == 1 else tuple(items)


@composed("swapaxes")
def swapaxes(xp: Any, x: Any, axis1: int, axis2: int) -> Any:
    """The array with two axes exchanged."""
    axes = list(range(len(x.shape)))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return xp.permute_dims(xp.asarray(x), tuple(axes))


@composed("transpose")
def transpose(xp: Any, a: Any, axes: Any = None, other: int | None = None) -> Any:
    """The axes in another order, or in the reverse one; of two numbers, which is PyTorch's way, these exchanged."""
    if other is not None:
        return xp.swapaxes(a, axes, other)
    x = xp.asarray(a)
    return xp.permute_dims(x, tuple(range(len(x.shape)))[::-1] if axes is None else tuple(axes))


@composed("rot90")
def rot90(xp: Any, m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """The plane of two axes, turned by k right angles from the first towards the second."""
    x = xp.asarray(m)
    first, second = axes
    turned = k % 4
    if turned == 0:
        return xp.asarray(x, copy=True)
    if turned == 2:
        return xp.flip(x, axis=(counted(first, len(x.shape)), counted(second, len(x.shape))))
    if turned == 1:
        return xp.swapaxes(xp.flip(x, axis=second), first, second)
    return xp.flip(xp.swapaxes(x, first, second), axis=second)


@composed("vstack")
def vstack(xp: Any, tup: Sequence[Any]) -> Any:
    """Arrays one above the other: along axis 0, of rows where they have one axis."""
    return xp.concat([xp.atleast_2d(x) for x in tup], axis=0)


@composed("hstack")
def hstack(xp: Any, tup: Sequence[Any]) -> Any:
    """Arrays side by side: along axis 1, or 0 where they have one axis."""
    arrays = [xp.atleast_1d(x) for x in tup]
    return xp.concat(arrays, axis=0 if len(arrays[0].shape) == 1 else 1)


@composed("dstack")
def dstack(xp: Any, tup: Sequence[Any]) -> Any:
    """Arrays one behind the other: along axis 2."""
    return xp.concat([xp.atleast_3d(x) for x in tup], axis=2)


@composed("column_stack")
def column_stack(xp: Any, tup: Sequence[Any]) -> Any:
    """Vectors as the columns of a matrix."""
    arrays = [xp.asarray(x) for x in tup]
    return xp.concat([x if len(x.shape) > 1 else xp.reshape(x, (-1, 1)) for x in arrays], axis=1)


@composed("array_split")
def array_split(xp: Any, ary: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Parts along an axis: so many, as equal as can be, or cut at these places."""
    x = xp.asarray(ary)
    along = counted(axis, len(x.shape))
    size = x.shape[along]
    if isinstance(indices_or_sections, int):
        each, longer = divmod(size, indices_or_sections)
        cuts = [n * each + min(n, longer) for n in range(1, indices_or_sections)]
    else:
        cuts = [int(cut) for cut in indices_or_sections]
    return [x[along_axis(along, slice(*ends))] for ends in zip([0, *cuts], [*cuts, size], strict=True)]


@composed("split")
def split(xp: Any, ary: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Parts along an axis: so many, all equal, or cut at these places (NumPy's ``split``; not by sizes)."""
    size = ary.shape[axis]
    if isinstance(indices_or_sections, int) and size % indices_or_sections:
        got = f"{size} into {indices_or_sections} parts"
        raise ShapeError("split", got, "the parts are equal", "Take array_split where they differ")
    parts: list[Any] = xp.array_split(ary, indices_or_sections, axis)
    return parts


@composed("diagonal")
def diagonal(xp: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The elements xₙ,ₙ₊ₒ of the plane of two axes, as the last axis."""
    return xp.linalg.diagonal(xp.moveaxis(xp.asarray(x), (axis1, axis2), (-2, -1)), offset=offset)


def places_of_diagonal(rows: int, columns: int, offset: int) -> list[int]:
    """Where the elements of a diagonal are in the flat matrix."""
    return [n * columns + n + offset for n in range(max(0, -offset), min(rows, columns - offset))]


@composed("trace")
def trace(xp: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    return xp.sum(xp.diagonal(x, offset, axis1, axis2), axis=-1)


@composed("diag")
def diag(xp: Any, v: Any, k: int = 0) -> Any:
    """The matrix with a vector on its k-th diagonal, zeros elsewhere; of a matrix, its k-th diagonal."""
    x = xp.asarray(v)
    if len(x.shape) == 2:
        return xp.diagonal(x, k)
    if len(x.shape) != 1:
        raise ShapeError("diag", f"an array of shape {x.shape}", "a vector or a matrix", "Reshape it")
    n = x.shape[0] + abs(k)
    places = xp.asarray(places_of_diagonal(n, n, k), dtype=xp.int64)
    if not x.shape[0]:
        return xp.zeros((n, n), dtype=x.dtype)
    return xp.reshape(xp.add_at(xp.zeros((n * n,), dtype=x.dtype), places, x), (n, n))


@composed("outer")
def outer(xp: Any, a: Any, b: Any) -> Any:
    """The products of all elements of one with all of the other."""
    return xp.reshape(xp.asarray(a), (-1, 1)) * xp.reshape(xp.asarray(b), (1, -1))


@composed("kron")
def kron(xp: Any, a: Any, b: Any) -> Any:
    """The Kronecker product: each element of a, times b."""
    a, b = xp.asarray(a), xp.asarray(b)
    ndim = max(len(a.shape), len(b.shape))
    of_a, of_b = ((1,) * (ndim - len(x.shape)) + tuple(x.shape) for x in (a, b))
    products = xp.reshape(a, spread(of_a, first=True)) * xp.reshape(b, spread(of_b, first=False))
    return xp.reshape(products, tuple([m * n for m, n in zip(of_a, of_b, strict=True)]))


def spread(shape: Sequence[int], *, first: bool) -> tuple[int, ...]:
    """A shape with an axis of one element after each axis, or before it."""
    return tuple([size for n in shape for size in ((n, 1) if first else (1, n))])


@composed("vander")
def vander(xp: Any, x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The matrix of the powers of a vector, a column each, the highest first."""
    x = xp.asarray(x)
    count = x.shape[0] if N is None else N
    if count == 0:
        return xp.reshape(x[:0], (0, 0)) if x.shape[0] == 0 else xp.zeros((x.shape[0], 0), dtype=x.dtype)
    column = xp.expand_dims(x, axis=1)
    repeated = xp.broadcast_to(column, (x.shape[0], count - 1))
    powers = xp.cumulative_prod(xp.concat([xp.ones_like(column), repeated], axis=1), axis=1)
    return powers if increasing else xp.flip(powers, axis=1)


@composed("pad")
def pad(xp: Any, array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """The array with elements before and after it on each axis.

    ``pad_width``: one number, (before, after), or that for each axis. ``mode``: ``constant``, ``edge``, ``reflect``,
    ``symmetric`` or ``wrap``.
    """
    x = given = xp.asarray(array)
    if mode not in ("constant", *PADDING):
        raise SettingError("pad", f"mode {mode!r}", f"one of constant, {', '.join(PADDING)}", "Choose one of these")
    for axis, (before, after) in enumerate(widths(pad_width, len(x.shape))):
        if before == after == 0:
            continue
        if mode == "constant":
            ends = [constant_end(xp, x, axis, size, constant_values) for size in (before, after)]
            x = xp.concat([ends[0], x, ends[1]], axis=axis)
        else:
            size = x.shape[axis]
            if not size:
                raise ShapeError("pad", f"axis {axis} is empty", f"{mode} repeats what is there", "Pad by a constant")
            places = [PADDING[mode](n, size) for n in range(-before, size + after)]
            x = xp.take(x, xp.asarray(places, dtype=xp.int64), axis=axis)
    return xp.asarray(x, copy=True) if x is given else x


def widths(given: Any, ndim: int) -> list[tuple[int, int]]:
    """How much to pad before and after, for each axis."""
    if isinstance(given, int):
        return [(given, given)] * ndim
    pairs = [(p, p) if isinstance(p, int) else tuple(p) for p in given]
    if all(isinstance(p, int) for p in given):
        pairs = [tuple(given) if len(given) == 2 else (given[0], given[0])]
    found = [(int(p[0]), int(p[-1])) for p in (pairs * ndim if len(pairs) == 1 else pairs)]
    if len(found) != ndim or any(n < 0 for pair in found for n in pair):
        expected = f"widths of 0 and more, for {ndim} axes"
        raise ShapeError("pad", f"pad_width is {given!r}", expected, "Give (before, after) for each axis")
    return found


def constant_end(xp: Any, x: Any, axis: int, size: int, value: Any) -> Any:
    """What a constant adds at one end of an axis."""
    shape = tuple([size if n == axis else length for n, length in enumerate(x.shape)])
    return xp.full(shape, value, dtype=x.dtype)


def reflected(n: int, size: int) -> int:
    """The place of a mirror at the last element, which is not repeated."""
    if size == 1:
        return 0
    place = n % (2 * size - 2)
    return min(place, 2 * size - 2 - place)


def mirrored(n: int, size: int) -> int:
    """The place of a mirror behind the last element, which is repeated."""
    place = n % (2 * size)
    return min(place, 2 * size - 1 - place)


PADDING: dict[str, Callable[[int, int], int]] = {
    "edge": lambda n, size: min(max(n, 0), size - 1),
    "reflect": reflected,
    "symmetric": mirrored,
    "wrap": lambda n, size: n % size,
}


@composed("select")
def select(xp: Any, condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """At each place the choice whose condition is the first that holds, or the default."""
    if len(condlist) != len(choicelist):
        got = f"{len(condlist)} conditions and {len(choicelist)} choices"
        raise ShapeError("select", got, "a choice for each condition", "Give as many of both")
    dtypes = [c.dtype for c in (*choicelist, default) if hasattr(c, "dtype")]
    found = default if hasattr(default, "dtype") or not dtypes else xp.asarray(default, dtype=xp.result_type(*dtypes))
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        found = xp.where(condition, choice, found)
    return found


@composed("flatnonzero")
def flatnonzero(xp: Any, a: Any) -> Any:
    """The places in the flat array that are not 0; no gradient."""
    return xp.nonzero(xp.reshape(xp.asarray(a), (-1,)))[0]


@composed("argwhere")
def argwhere(xp: Any, a: Any) -> Any:
    """The indices of what is not 0, a row each; no gradient."""
    return xp.stack(list(xp.nonzero(xp.asarray(a))), axis=-1)


@composed("digitize")
def digitize(xp: Any, x: Any, bins: Any, right: bool = False) -> Any:
    """The number of the bin that each element is in; edges that increase, or decrease; no gradient."""
    bins, x = xp.asarray(bins), xp.asarray(x)
    side = "left" if right else "right"
    if prod(bins.shape) > 1 and bool(bins[0] > bins[-1]):
        return bins.shape[0] - xp.searchsorted(xp.flip(bins), x, side=side)
    return xp.searchsorted(bins, x, side=side)
