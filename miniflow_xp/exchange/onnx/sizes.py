"""Numbers that depend on the size of the batch: found by looking at several recordings of one function."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np


class Size(NamedTuple):
    """``times`` · n + ``plus``, where n is the size of the batch."""

    times: int
    plus: int

    def __str__(self) -> str:
        batch = "batch" if self.times == 1 else f"{self.times} * batch"
        return f"{batch} + {self.plus}" if self.plus else batch


Number: TypeAlias = int | Size
Shape: TypeAlias = tuple[Number, ...]


class Inexpressible(Exception):  # noqa: N818  of this room alone; users are told where it happened
    """Something depends on the size of the batch in a way that has no formula here."""


def fitted(found: Sequence[int], batches: Sequence[int]) -> Number:
    """One whole number, from what it was for each batch size; raises Inexpressible."""
    if len(set(found)) == 1:
        return int(found[0])
    times, rest = divmod(int(found[1]) - int(found[0]), batches[1] - batches[0])
    plus = int(found[0]) - times * batches[0]
    if rest or any(times * n + plus != f for n, f in zip(batches, found, strict=True)):
        raise Inexpressible(f"a size is {listed(found)} for a batch of {listed(batches)}")
    return Size(times, plus)


def listed(things: Sequence[Any]) -> str:
    """Things in a row, for people."""
    return ", ".join(map(str, things))


class Filled(NamedTuple):
    """A constant array of one number, in a shape that depends on the batch."""

    number: Any
    shape: Shape


class Counted(NamedTuple):
    """start, start + step, …: one number for each example, times so many."""

    start: Any
    step: Any
    number: Number


class Proportional(NamedTuple):
    """The number ``times`` · n + ``plus``, or its reciprocal."""

    times: float
    plus: float
    is_reciprocal: bool
    dtype: Any


def constant_of(contents: Sequence[Any], batches: Sequence[int]) -> Any:
    """A constant, from what it was for each batch size: an array, or a rule for it; raises Inexpressible."""
    first = contents[0]
    arrays = [np.asarray(c) for c in contents]
    shapes = [a.shape for a in arrays]
    if len(set(shapes)) == 1:
        same = all(np.array_equal(arrays[0], a, equal_nan=a.dtype.kind in "fc") for a in arrays)
        return first if same else proportional(arrays, batches)
    if len({len(s) for s in shapes}) == 1:
        if all(a.size and (a == a.flat[0]).all() for a in arrays) and len({a.flat[0].item() for a in arrays}) == 1:
            shape = tuple([fitted(sizes, batches) for sizes in zip(*shapes, strict=True)])
            return Filled(arrays[0].flat[0], shape)
        if all(a.ndim == 1 and a.size > 1 for a in arrays):
            return counted(arrays, batches)
    raise Inexpressible(f"a constant has shape {listed(shapes)} for a batch of {listed(batches)}")


def counted(arrays: Sequence[Any], batches: Sequence[int]) -> Counted:
    """A constant of one axis that counts up."""
    longest = max(arrays, key=len)
    start, step = longest[0], longest[1] - longest[0]
    if longest.dtype.kind not in "iu":
        raise Inexpressible("a constant has a number for each example")
    if any(not np.array_equal(a, start + step * np.arange(len(a), dtype=a.dtype)) for a in arrays):
        raise Inexpressible("a constant has a number for each example")
    return Counted(start, step, fitted([len(a) for a in arrays], batches))


def proportional(arrays: Sequence[Any], batches: Sequence[int]) -> Proportional:
    """A constant number that depends on the size of the batch."""
    values = [a.astype("float64") for a in arrays]
    if values[0].shape == () and arrays[0].dtype.kind in "iuf":
        for is_reciprocal in (False, True):
            with np.errstate(all="ignore"):
                numbers = [float(1 / v if is_reciprocal else v) for v in values]
            times = (numbers[1] - numbers[0]) / (batches[1] - batches[0])
            plus = numbers[0] - times * batches[0]
            plus = 0.0 if abs(plus) < 1e-9 * abs(numbers[0]) else plus
            if np.allclose(numbers, [times * n + plus for n in batches], rtol=precision(arrays[0]), atol=0):
                return Proportional(times, plus, is_reciprocal, arrays[0].dtype)
    raise Inexpressible("a constant depends on the size of the batch")


def precision(array: Any) -> float:
    """How near numbers of this dtype come to what they stand for."""
    return 0.0 if array.dtype.kind in "iu" else 4 * float(np.finfo(array.dtype).eps)
