"""Many values as one array: a stack of what stands in order in another array is a slice of it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.backends.jax.boxes import Box, box_of, shape_at
from miniflow_xp.recording.equations import Value

KNOWN = 10_000  # elements of constants that are compared, and stacked once for all
FEW = 4  # pieces that are concatenated; of more, the values are stacked one by one


class Piece(NamedTuple):
    """``times`` values: source[box], and with each the box begins ``step`` further; without a box, one value."""

    source: Value
    box: Box | None
    step: tuple[int, ...]
    times: int


def pieces_of(values: Sequence[Value]) -> list[Piece]:
    """The longest pieces that values are, in order."""
    found = list[Piece]()
    for value in values:
        source, box = origin(value)
        longer = extended(found[-1], source, box) if found else None
        if longer is None:
            found.append(Piece(source, box, (), 1))
        else:
            found[-1] = longer
    return found


def origin(value: Value) -> tuple[Value, Box | None]:
    """The array that a value is a slice of, and where; the value itself, without a box, where it is none."""
    if value.op == "getitem" and isinstance(value.inputs[0], Value):
        box = box_of(value.inputs[1], value.inputs[0].shape)
        if box is not None:
            return value.inputs[0], box
    return value, None


def extended(piece: Piece, source: Value, box: Box | None) -> Piece | None:
    """A piece with a further value at its end; None where it does not fit there."""
    if box is None or piece.box is None or source is not piece.source or box[1:] != piece.box[1:]:
        return None
    gone = [new - old for new, old in zip(box.starts, piece.box.starts, strict=True)]
    step = tuple([n // piece.times for n in gone])
    fits = piece.times == 1 or step == piece.step
    return Piece(source, piece.box, step, piece.times + 1) if fits and scaled(step, piece.times) == gone else None


def scaled(step: Sequence[int], times: int) -> list[int]:
    """Some steps at once."""
    return [n * times for n in step]


def copied(values: Sequence[Value]) -> int:
    """How many elements are copied, one value at a time, to stack these."""
    pieces = 0 if all(map(is_known, values)) else len(pieces_of(values))
    return pieces * prod(values[0].shape) if pieces > FEW else 0


def is_known(value: Value) -> bool:
    """Is this a number, or a small array whose contents are known and which has a dtype of its own?"""
    content = value.content
    if value.is_number or not value.is_constant:
        return value.is_constant
    if isinstance(content, jax.core.Tracer) or getattr(content, "weak_type", False) or content.size > KNOWN:
        return False
    is_plain = isinstance(content.dtype, np.dtype)  # JAX has dtypes of its own, for keys of random numbers
    return is_plain and (not isinstance(content, jax.Array) or content.is_fully_addressable)


Slices = dict[Any, Value]
"""Slices of arguments, which several loops may read, by what they are."""


def stacked(values: Sequence[Value], known: Slices) -> list[Value]:
    """Equations whose last one is the stack of values of one form along a new first axis; some may be known."""
    first = values[0]
    if first.is_number:
        return [in_row([value.content for value in values])]
    if all(map(is_known, values)):
        return [Value("constant", (), {}, np.stack([np.asarray(value.content) for value in values]))]
    pieces = pieces_of(values)
    if len(pieces) > FEW:
        return [Value("stack", (list(values),), {}, form_of_stack(len(values), first))]
    found = [of_piece(piece, known) for piece in pieces]
    if len(found) == 1:
        return found
    return [*found, Value("concat", (found,), {}, form_of_stack(len(values), first))]


def form_of_stack(count: int, value: Value) -> jax.ShapeDtypeStruct:
    """The form of a stack of values."""
    return jax.ShapeDtypeStruct((count, *value.shape), value.dtype)


def of_piece(piece: Piece, known: Slices) -> Value:
    """The stack of the values of a piece."""
    source, box, step, count = piece
    if box is None:
        return Value("getitem", (source, (None, ...)), {}, form_of_stack(1, source))
    shape = shape_at(box.rest, box.sizes)
    assert shape is not None  # a box has an index into itself
    form = jax.ShapeDtypeStruct((count, *shape), source.dtype)
    key = key_of_piece(piece)
    if key is None:
        return Value("windows", (source,), {"box": box, "step": step, "count": count}, form)
    value = Value("getitem", (source, key), {}, form)
    return known.setdefault((source, str(key)), value) if source.op == "argument" else value


def in_row(numbers: Sequence[Any]) -> Value:
    """Python numbers of one type as an array."""
    form = np.asarray(numbers)
    if in_order(numbers):
        first = Value("constant", (), {}, numbers[0])
        return Value("counted", (first,), {"step": numbers[1] - numbers[0], "count": len(numbers)}, form)
    return Value("numbers", (), {"numbers": tuple(numbers)}, form)


def in_order(numbers: Sequence[Any]) -> bool:
    """Are these integers at equal distances?"""
    if any(type(number) is not int for number in numbers):
        return False
    return len({after - before for before, after in pairwise(numbers)}) == 1


def key_of_piece(piece: Piece) -> Any:
    """The index that gives the stack of the values of a piece; None where none does."""
    _, box, step, count = piece
    moving = [axis for axis, by in enumerate(step) if by]
    if box is None or len(moving) > 1 or None in box.rest:
        return None
    axis = moving[0] if moving else 0
    if count == 1 or any(type(part) is not int for part in box.rest[: axis + 1]):
        return None
    key = [
        start if type(part) is int else within(part, start, size)
        for part, start, size in zip(box.rest, *box[:2], strict=True)
    ]
    key[axis] = slice(box.starts[axis], ends(box.starts[axis] + step[axis] * count), step[axis])
    return tuple(key)


def within(part: int | slice, start: int, size: int) -> int | slice:
    """A part of an index into ``size`` places of an axis from ``start``, as one into the whole axis."""
    if isinstance(part, int):
        return start
    first, last, by = part.indices(size)
    return slice(start + first, ends(start + last), by)


def ends(stop: int) -> int | None:
    """Where a slice stops that may go to the front of an axis."""
    return None if stop < 0 else stop


def windows(x: Array, box: Box, step: tuple[int, ...], count: int) -> Array:
    """The stack of what lies in ``count`` boxes, each of which begins a ``step`` after the one before."""
    starts = np.asarray(box.starts) + np.arange(count)[:, None] * np.asarray(step or 0, dtype=int)
    return jax.vmap(lambda start: jax.lax.dynamic_slice(x, list(start), box.sizes)[box.rest])(jnp.asarray(starts))


def weak(numbers: Sequence[Any]) -> Array:
    """Python numbers as an array, which like them takes the dtype of what it meets."""
    return jax.lax.full((len(numbers),), type(numbers[0])()).at[:].set(np.asarray(numbers))


def counted(first: Any, step: int, count: int) -> Array:
    """Integers at equal distances, as ``weak`` gives them."""
    return first + weak(range(0, step * count, step) if step else [0] * count)


WEAK: dict[str, Callable[..., Array]] = {"numbers": weak, "counted": counted}
"""Functions whose results take the dtype of what they meet."""


def with_slices(values: Sequence[Value], known: Slices) -> Iterator[Value]:
    """The equations; where one puts many values together that are slices of few arrays, by these arrays."""
    for value in values:
        if value.op in ("stack", "concat") and is_of_many(value):
            *others, last = stacked(value.inputs[0], known)
            if last.op == "stack":
                pass
            elif value.op == "stack":
                yield from others
                value.become(last.op, last.inputs, last.keywords)
            else:
                yield from (*others, last)
                value.become("reshape", (last, value.shape))
        yield value


def is_of_many(value: Value) -> bool:
    """Does this put many arrays of one form together along the first axis?"""
    values = value.inputs[0]
    if value.keywords.get("axis", 0) != 0 or len(value.inputs) > 1 or len(values) < 2 * FEW:
        return False
    if not all(isinstance(v, Value) and not v.is_constant and v.dtype == value.dtype for v in values):
        return False
    return len({v.shape for v in values}) == 1 and (value.op == "stack" or bool(values[0].shape))
