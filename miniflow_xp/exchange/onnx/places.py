"""Indexing, and updates of elements, as nodes of ONNX."""

from collections.abc import Sequence
from math import prod
from typing import Any

from miniflow_xp.exchange.onnx.forms import reshaped
from miniflow_xp.exchange.onnx.merging import Fixed, Step
from miniflow_xp.exchange.onnx.sizes import Number, Size
from miniflow_xp.exchange.onnx.table import NoForm, converts
from miniflow_xp.exchange.onnx.writer import END, FRONT, Writer, dtype_of, shape_of


@converts("getitem")
def _getitem(w: Writer, step: Step, x: Any, key: Any) -> str:
    return picked(w, w.array(x), shape_of(x), key)


@converts("take")
def _take(w: Writer, step: Step, x: Any, indices: Any, axis: int | None = None) -> str:
    return w.node("Gather", w.array(x), indices_of(w, indices), axis=0 if axis is None else int(axis))


@converts("take_along_axis")
def _take_along_axis(w: Writer, step: Step, x: Any, indices: Any, axis: int = -1) -> str:
    along = int(axis) % len(step.shape)
    others = [[s for n, s in enumerate(shape_of(item)) if n != along] for item in (x, indices)]
    if others[0] != others[1]:
        raise NoForm("take_along_axis of shapes that broadcast")
    return w.node("GatherElements", w.array(x), indices_of(w, indices), axis=along)


def indices_of(w: Writer, indices: Any) -> str:
    """Integers as ONNX takes them."""
    kind = dtype_of(indices)
    return w.array(indices, None if kind in ("int64", "int32") else "int64")


def picked(w: Writer, tensor: str, shape: Sequence[Number], key: Any) -> str:
    """tensor[key]: slices first, then arrays of integers, then single places and new axes."""
    parts = parts_of(key, len(shape))
    along = [part for part in parts if part is not None]
    tensor = sliced(w, tensor, along)
    arrays = [n for n, part in enumerate(along) if is_array(part)]
    places = [n for n, part in enumerate(along) if is_place(part)]
    if arrays and arrays != list(range(arrays[0], arrays[-1] + 1)):
        raise NoForm("an index with arrays of integers apart from each other")
    if arrays and places and not all(n in (arrays[0] - 1, arrays[-1] + 1) for n in places):
        raise NoForm("an index of arrays of integers with single places apart from them")
    if len(arrays) + len(places) > 1 and arrays and any(part is None for part in parts):
        raise NoForm("an index of several arrays of integers, or single places, with new axes")
    dropped = places
    if len(arrays) == 1:
        tensor = w.node("Gather", tensor, indices_of(w, along[arrays[0]]), axis=arrays[0])
        extra = len(shape_of(along[arrays[0]])) - 1
        dropped = [n + extra if n > arrays[0] else n for n in places]
    elif arrays:
        tensor, dropped = gathered(w, tensor, along, arrays, places)
    if dropped:
        tensor = w.node("Squeeze", tensor, w.integers(*dropped))
    added = new_axes(parts)
    return w.node("Unsqueeze", tensor, w.integers(*added)) if added else tensor


def gathered(w: Writer, tensor: str, along: Sequence[Any], arrays: Sequence[int], places: Sequence[int]) -> Any:
    """tensor[…, i, j, …] for arrays of integers that broadcast, and where its axes of size 1 are then."""
    if arrays[0] != 0 or places:
        raise NoForm("an index of several arrays of integers that are not the first")
    shapes = [shape_of(along[n]) for n in arrays]
    ndim = max(map(len, shapes))
    common = [largest([s[len(s) - ndim + n] for s in shapes if len(s) - ndim + n >= 0]) for n in range(ndim)]
    columns = []
    for n in arrays:
        spread = w.node("Expand", w.array(along[n], "int64"), w.sizes(common))
        columns.append(w.node("Unsqueeze", spread, w.integers(-1)))
    return w.node("GatherND", tensor, w.node("Concat", *columns, axis=-1)), []


def largest(sizes: Sequence[Number]) -> Number:
    """The size that these broadcast to."""
    return next((s for s in sizes if s != 1), 1)


def parts_of(key: Any, ndim: int) -> list[Any]:
    """An index as a part for each axis, and None for each new one."""
    parts = [plain(part) for part in (key if isinstance(key, tuple) else (key,))]
    if any(isinstance(part, bool) or dtype_name(part) == "bool" for part in parts):
        raise NoForm("an index that is a mask")
    missing = ndim - sum(part is not None and part is not Ellipsis for part in parts)
    found: list[Any] = []
    for part in parts:
        found += [slice(None)] * missing if part is Ellipsis else [part]
    return found if Ellipsis in [p for p in parts if not is_array(p)] else [*found, *[slice(None)] * missing]


def plain(part: Any) -> Any:
    """A part of an index that is a constant number as such."""
    if isinstance(part, Fixed) and getattr(part.content, "shape", None) == () and "int" in str(part.content.dtype):
        return int(part.content)
    return part


def dtype_name(part: Any) -> str:
    """The dtype of an array in an index."""
    return str(dtype_of(part)) if is_array(part) else ""


def is_array(part: Any) -> bool:
    """Is this an array of integers, or one number that is computed?"""
    return isinstance(part, (Step, Fixed))


def is_place(part: Any) -> bool:
    """Is this a single place, known beforehand?"""
    return isinstance(part, (int, Size)) and not isinstance(part, bool)


def sliced(w: Writer, tensor: str, along: Sequence[Any]) -> str:
    """A tensor cut on each axis; single places stay as axes of size 1."""
    cuts: list[tuple[Any, Any, int, int]] = []
    for axis, part in enumerate(along):
        if is_place(part):
            last = part == -1
            cuts.append(
                (
                    part,
                    END if last else part + 1 if isinstance(part, int) else part._replace(plus=part.plus + 1),
                    axis,
                    1,
                )
            )
        elif isinstance(part, slice) and part != slice(None):
            step = 1 if part.step is None else part.step
            start = (0 if step > 0 else END) if part.start is None else part.start
            stop = (END if step > 0 else FRONT) if part.stop is None else part.stop
            cuts.append((start, stop, axis, step))
    if not cuts:
        return tensor
    starts, stops, axes, steps = zip(*cuts, strict=True)
    return w.node("Slice", tensor, w.sizes(starts), w.sizes(stops), w.integers(*axes), w.integers(*steps))


def new_axes(parts: Sequence[Any]) -> list[int]:
    """Where new axes are in the result of an index."""
    found, axis = [], 0
    for part in parts:
        if part is None:
            found.append(axis)
            axis += 1
        elif isinstance(part, slice):
            axis += 1
        elif is_array(part):
            axis += len(shape_of(part))
    return found


@converts("setitem", "add_at")
def _updated(w: Writer, step: Step, x: Any, key: Any, value: Any) -> str:
    """Elements of the flat array are replaced, or added to, at the numbers that the index picks out of all numbers."""
    shape = shape_of(x)
    batch = [s for s in shape if isinstance(s, Size)]
    if len(batch) > 1:
        raise NoForm(f"{step.op} in an array with two axes that depend on the batch")
    fixed = prod(s for s in shape if not isinstance(s, Size))
    number: Number = Size(batch[0].times * fixed, batch[0].plus * fixed) if batch else fixed
    zero, one = w.constant(0, "int64"), w.constant(1, "int64")
    numbers = w.node("Range", zero, w.scalar(w.sizes([number])), one)
    places = picked(w, reshaped(w, numbers, shape), shape, key)
    flat = w.node("Reshape", w.array(x, step.dtype), w.integers(-1))
    spread = w.node("Expand", w.array(value, step.dtype), w.node("Shape", places))
    updates, at = (w.node("Reshape", t, w.integers(-1)) for t in (spread, places))
    options = {"reduction": "add"} if step.op == "add_at" else {}
    return reshaped(w, w.node("ScatterElements", flat, at, updates, axis=0, **options), step.shape)
