"""NumPy's functions that join arrays, take them apart, and put elements between others."""

from collections.abc import Sequence
from typing import Any

from miniflow_xp.arrays.protocols.arguments import as_array, axis_of, flat_if, in_kind, row_by_row
from miniflow_xp.arrays.protocols.tables import numpy
from miniflow_xp.arrays.refusals import not_taken
from miniflow_xp.arrays.traced import contents


def arrays_of(xp: Any, items: Any) -> list[Any]:
    """Arrays, and lists of numbers, as arrays."""
    return [as_array(xp, item) for item in items]


@numpy("concatenate")
def concatenate(
    xp: Any, arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    return in_kind(xp, xp.concat(arrays_of(xp, arrays), axis=axis_of(axis)), dtype)


@numpy("stack")
def stack(
    xp: Any, arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    return in_kind(xp, xp.stack(arrays_of(xp, arrays), axis=axis_of(axis)), dtype)


@numpy("vstack")
def vstack(xp: Any, tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return in_kind(xp, xp.vstack(arrays_of(xp, tup)), dtype)


@numpy("hstack")
def hstack(xp: Any, tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return in_kind(xp, xp.hstack(arrays_of(xp, tup)), dtype)


@numpy("dstack")
def dstack(xp: Any, tup: Any) -> Any:
    return xp.dstack(arrays_of(xp, tup))


@numpy("column_stack")
def column_stack(xp: Any, tup: Any) -> Any:
    return xp.column_stack(arrays_of(xp, tup))


@numpy("append")
def append(xp: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    return xp.concat(arrays_of(xp, (arr, values)), axis=axis_of(axis))


@numpy("block")
def block(xp: Any, arrays: Any) -> Any:
    def depth(item: Any) -> int:
        return 1 + depth(item[0]) if isinstance(item, list) else 0

    def ndim(item: Any) -> int:
        return max(map(ndim, item)) if isinstance(item, list) else len(as_array(xp, item).shape)

    deep = depth(arrays)
    axes = max(deep, ndim(arrays))

    def joined(item: Any, left: int) -> Any:
        if isinstance(item, list):
            return xp.concat([joined(part, left - 1) for part in item], axis=-left)
        whole = as_array(xp, item)
        return xp.reshape(whole, (*[1] * (axes - len(whole.shape)), *whole.shape))

    return joined(arrays, deep)


@numpy("split")
def split(xp: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return xp.split(ary, cuts(indices_or_sections), axis)


@numpy("array_split")
def array_split(xp: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return xp.array_split(ary, cuts(indices_or_sections), axis)


@numpy("vsplit")
def vsplit(xp: Any, ary: Any, indices_or_sections: Any) -> Any:
    return xp.split(ary, cuts(indices_or_sections), 0)


@numpy("hsplit")
def hsplit(xp: Any, ary: Any, indices_or_sections: Any) -> Any:
    return xp.split(ary, cuts(indices_or_sections), 1 if len(ary.shape) > 1 else 0)


@numpy("dsplit")
def dsplit(xp: Any, ary: Any, indices_or_sections: Any) -> Any:
    return xp.split(ary, cuts(indices_or_sections), 2)


def cuts(given: Any) -> Any:
    """How many parts, or where they end, in Python's numbers."""
    return [int(n) for n in given] if hasattr(given, "__iter__") else int(given)


@numpy("unstack")
def unstack(xp: Any, x: Any, /, *, axis: int = 0) -> Any:
    return xp.unstack(x, axis=axis)


@numpy("meshgrid")
@row_by_row
def meshgrid(xp: Any, *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    arrays = [xp.ravel(as_array(xp, x)) for x in xi]
    if not sparse:
        return xp.meshgrid(*arrays, indexing=indexing)
    if indexing not in ("xy", "ij"):
        raise not_taken("indexing", indexing, ("xy", "ij"))
    places = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        places[:2] = 1, 0
    shapes = [tuple([-1 if n == place else 1 for n in range(len(arrays))]) for place in places]
    return tuple([xp.reshape(x, shape) for x, shape in zip(arrays, shapes, strict=True)])


@numpy("pad")
def pad(xp: Any, array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    return xp.pad(array, plain_widths(pad_width), mode, **kwargs)


def plain_widths(given: Any) -> Any:
    """Widths in Python's numbers and lists; a dict of axes is left to ``pad`` to refuse."""
    listed = given.tolist() if hasattr(given, "tolist") else given
    return (
        listed if not isinstance(listed, Sequence) or len(listed) != 1 or not isinstance(listed[0], int) else listed[0]
    )


@numpy("delete")
def delete(xp: Any, arr: Any, obj: Any, axis: Any = None) -> Any:
    import numpy as np

    x, along = flat_if(xp, arr, axis)
    left = np.delete(np.arange(x.shape[along]), contents(obj))
    return xp.take(x, as_array(xp, left), axis=along)


@numpy("insert")
def insert(xp: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """By the places where what is there, and what is new, end up."""
    import numpy as np

    x, along = flat_if(xp, arr, axis)
    size = x.shape[along]
    places = contents(obj)
    where = np.arange(size)[places] if isinstance(places, slice) or not np.size(places) else np.asarray(places)
    new = as_array(xp, values)
    if axis is not None and where.ndim == 0:
        new = xp.moveaxis(new, 0, along) if len(new.shape) == len(x.shape) else new
        new = xp.expand_dims(new, axis=along) if len(new.shape) == len(x.shape) - 1 else new
    count = new.shape[along] if where.size == 1 and len(new.shape) == len(x.shape) else where.size
    new = xp.broadcast_to(new, tuple([count if n == along else length for n, length in enumerate(x.shape)]))
    new = xp.astype(new, x.dtype) if new.dtype != x.dtype else new
    marks = np.insert(np.arange(size), where, size + np.arange(count))
    return xp.take(xp.concat([x, new], axis=along), as_array(xp, marks), axis=along)
