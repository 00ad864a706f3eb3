"""Equations as numbers, for what looks for loops: their kinds, what they read, and where their boxes begin."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from miniflow_xp.backends.jax.boxes import Box, box_of
from miniflow_xp.backends.jax.repeats import Numbers
from miniflow_xp.backends.jax.stacks import WEAK, is_known
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.tape import key_of

HOLE = "a value"
RANKS = {"b": 0, "i": 1, "u": 1, "c": 3}
ALWAYS = np.iinfo("int64").max


class Described(NamedTuple):
    """An equation: equal kinds do the same with the values that they ``read``, at boxes that begin at ``starts``."""

    kind: Hashable
    reads: Sequence[Value]
    starts: tuple[int, ...] = ()


class Listing:
    """Equations in order. The number of a value is its place among them; values from outside have later ones.

    ``first``: for a constant the first one of the same contents.
    """

    def __init__(self, values: Sequence[Value], results: Sequence[Value], first: Mapping[Value, Value]) -> None:
        self.values, self._first = list(values), first
        self._numbers: dict[Value, int] = {value: n for n, value in enumerate(values)}
        every = [described(value) for value in values]
        kinds: dict[Hashable, int] = {}
        self.kinds = array([kinds.setdefault(one.kind, len(kinds)) for one in every])
        self.reads = array([self.number(v) for one in every for v in one.reads])
        self.first_read = offsets([len(one.reads) for one in every])
        self.starts = array([n for one in every for n in one.starts])
        self.first_start = offsets([len(one.starts) for one in every])
        last = [self.number(result) for result in results]
        self.last_reader = np.full(len(self.values), -1)
        np.maximum.at(self.last_reader, self.reads, np.repeat(np.arange(len(every)), np.diff(self.first_read)))
        self.last_reader[last] = ALWAYS
        forms: dict[Hashable, int] = {}
        self.forms = array([forms.setdefault(form_of(v), len(forms)) for v in self.values])
        self.ranks = array([rank(v) for v in self.values])
        self.is_number = np.asarray([v.is_number for v in self.values], dtype=bool)
        self.is_scalar = np.asarray([v.shape == () for v in self.values], dtype=bool)

    def number(self, value: Value) -> int:
        """The number of a value; ``values`` holds it there."""
        key = self._first.get(value, value)
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(key)
        return self._numbers[key]

    def reads_of(self, start: int, turns: int, period: int) -> Numbers:
        """What the equations of each turn read, (turns, reads)."""
        first, last = self.first_read[[start, start + turns * period]]
        return self.reads[first:last].reshape(turns, -1)

    def starts_of(self, start: int, turns: int, period: int) -> Numbers:
        """Where the boxes of each turn begin, (turns, axes of them all)."""
        first, last = self.first_start[[start, start + turns * period]]
        return self.starts[first:last].reshape(turns, -1)


def first_of_equals(values: Sequence[Value]) -> dict[Value, Value]:
    """For each constant array that these read, the first one of the same contents."""
    first: dict[Hashable, Value] = {}
    constants = dict.fromkeys(v for value in values for v in value.parents if is_known(v) and not v.is_number)
    return {v: first.setdefault((v.shape, v.dtype, np.asarray(v.content).tobytes()), v) for v in constants}


def described(value: Value) -> Described:
    """An equation's kind, what it reads, and where its box begins, if it has one."""
    box = box_in(value)
    inputs, keywords = value.inputs_with(lambda _: HOLE), value.keywords
    if box is not None:
        inputs[1:2] = [repr(box[1:])]
        keywords = {k: item for k, item in keywords.items() if k != "key"}
        shape = value.inputs[0].shape
    else:
        shape = ()
    named = sorted((k, key_of(item)) for k, item in keywords.items())
    kind = value.op, value.shape, str(value.dtype), shape, *map(key_of, inputs), *named
    return Described(kind, value.parents, () if box is None else box.starts)


def box_in(value: Value) -> Box | None:
    """The box that an equation reads, or writes; None where it has no index, or one of other parts."""
    match value:
        case Value(op="getitem" | "setitem" | "add_at", inputs=(Value(shape=shape), key, *_)):
            return box_of(key, shape)
        case Value(op="placed", keywords={"key": key, "shape": shape}):
            return box_of(key, shape)
    return None


def form_of(value: Value) -> Hashable:
    """Equal for values that may stand for each other in the turns of a loop."""
    return (type(value.content).__name__ if value.is_number else str(value.dtype)), value.shape, value.is_several


def rank(value: Value) -> int:
    """How much a dtype can hold: truth values, integers, real and complex numbers."""
    dtype = np.result_type(type(value.content)) if value.is_constant and value.is_number else value.dtype
    return RANKS.get(getattr(dtype, "kind", ""), 2)


def weak_of(values: Sequence[Value], among: Collection[Value]) -> set[Value]:
    """Values that, like Python numbers, may take the dtype of what they meet; ``among``: the arguments that do."""
    found = set(among)

    def takes(value: Value) -> bool:
        return value.is_number or value in found or getattr(value.content, "weak_type", False)

    for value in values:
        reads = value.parents[1:] if value.op == "where" else value.parents
        if value.op in WEAK or (reads and all(map(takes, reads))):
            found.add(value)
    return found


def array(numbers: Sequence[int]) -> Numbers:
    """Numbers as an array."""
    return np.asarray(numbers, dtype="int64")


def offsets(counts: Sequence[int]) -> Numbers:
    """Where each one's part of a sequence begins, and where the last one's ends."""
    return np.cumsum([0, *counts])
