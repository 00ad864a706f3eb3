"""Which value lies in which buffer: few buffers, each reused as soon as its last reader has run."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from miniflow_xp.backends.numpy.primitives import kind, root, shows_all, size
from miniflow_xp.backends.numpy.rows import AFTER, COLUMNS, CUT, PARTIAL, ROWS, WHOLE, States
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.walks import last_reads

PHASE = {WHOLE: 0, ROWS: 1, COLUMNS: 1, PARTIAL: 1, AFTER: 2}
"""{state: when it is computed}. 0: once, before the chunks; 1: for each chunk; 2: once, after."""
UNINTERRUPTED = ("ufunc", "product", "reduction", "view")  # what NumPy computes without running Python code


class Buffer(NamedTuple):
    """A flat piece of memory for values of one state; ``size`` in elements of ``dtype``."""

    state: str
    size: int
    dtype: np.dtype


class Storage:
    """Where every computed value lies.

    ``slot[v]`` is the number of a buffer in ``buffers``, or the argument in whose place an updated state is written.
    ``inside[v] = (c, offset)``: v is part of a concatenation and is computed directly in c's buffer.

    New states are written in place only at the end of the last phase, where no call runs Python code: nothing can come
    between the first of them and the last.
    """

    def __init__(
        self,
        run: Sequence[Value],
        results: Sequence[Value],
        states: States,
        donated: Mapping[Value, Value],
        rows_share: tuple[int, int],
    ) -> None:
        self.states = states
        self.rows_share = rows_share  # (rows of a chunk, rows of the batch)
        self.buffers: list[Buffer] = []
        self.slot: dict[Value, int | Value] = {}
        self.inside = parts_of_concatenations(run, states)
        self._homes = {value: self._find_home(value) for value in {*states, *run, *results}}
        self._spare: dict[Buffer, list[int]] = {}
        last = self._last_uses(run, results)
        donated = self._in_place(run, donated)
        for n, value in enumerate(run):
            if kind(value) not in ("view", "several"):
                self._place(value, n, last, donated.get(value))

    def _find_home(self, value: Value) -> Value:
        """The value whose buffer holds ``value``."""
        value = root(value)
        return self.inside[value][0] if value in self.inside else value

    def is_free(self, value: Value) -> bool:
        """Does a concatenation need no work, because its parts are computed in place?"""
        return any(c is value for c, _ in self.inside.values())

    def renews(self, value: Value) -> bool:
        """Is this the new value of a state, written over the old one?"""
        return isinstance(self.slot.get(value), Value)

    def _in_place(self, run: Sequence[Value], donated: Mapping[Value, Value]) -> dict[Value, Value]:
        """Those of ``donated`` that belong to the last phase; none where Python code runs after the first of them."""
        end = max((PHASE[self.states[value]] for value in run), default=0)
        late = {new: old for new, old in donated.items() if PHASE[self.states.get(new, WHOLE)] == end}
        first = next((n for n, value in enumerate(run) if value in late), len(run))
        whole = all(
            kind(value) in UNINTERRUPTED or (kind(value) == "concat" and self.is_free(value)) for value in run[first:]
        )
        return late if whole else {}

    def _last_uses(self, run: Sequence[Value], results: Sequence[Value]) -> dict[Value, int]:
        """Number of the last equation that reads each buffer; what every chunk reads lives until the last chunk."""
        homes, phases = self._homes, [PHASE[self.states[value]] for value in run]
        body = max((n for n, phase in enumerate(phases) if phase == 1), default=-1)
        last = dict.fromkeys([homes[r] for r in results], len(run))
        for n, ended in enumerate(last_reads([[homes[p] for p in value.parents] for value in run], last)):
            for home in ended:
                last[home] = body if phases[n] == 1 and PHASE[self.states[home]] == 0 else n
        return last

    def _place(self, value: Value, n: int, last: dict[Value, int], state_argument: Value | None) -> None:
        own, state = self._homes[value], self.states[value]
        dying = {
            home
            for parent in value.parents
            if last[home := self._homes[parent]] == n
            and home is not own
            and isinstance(self.slot.get(home), int)
            and self.states[home] == state
        }
        taken = next((p for p in overwritable(value) if p in dying and self._alone(value, p)), None)
        if own in self.slot:  # a concatenation, whose first part has taken its buffer
            pass
        elif own is not value:
            self.slot[own] = self._buffer(own)
        elif state_argument is not None and last.get(state_argument, -1) <= n and self._fits(value, state_argument):
            self.slot[value] = state_argument
        elif taken is not None:
            self.slot[value] = self.slot[taken]
            dying.remove(taken)
        else:
            self.slot[value] = self._buffer(value)
        for home in dying:
            if self.states[home] != PARTIAL:  # partial sums live from chunk to chunk
                number = self.slot[home]
                assert isinstance(number, int)
                self._spare.setdefault(self.buffers[number], []).append(number)

    def _alone(self, value: Value, parent: Value) -> bool:
        """May ``value`` be written over ``parent``: same form, and not read in another form too?"""
        same = parent.shape == value.shape and parent.dtype == value.dtype
        return same and all(p is parent or self._homes[p] is not parent for p in value.parents)

    def _fits(self, value: Value, argument: Value) -> bool:
        in_place = kind(value) in ("ufunc", "sigmoid")
        in_place = in_place or (kind(value) == "where" and argument not in value.inputs[:2])
        return in_place and self._alone(value, argument) and self.states[value] in (WHOLE, AFTER)

    def _buffer(self, value: Value) -> int:
        rows, batch = self.rows_share
        elements = size(value) // batch * rows if self.states[value] in CUT else size(value)
        buffer = Buffer(self.states[value], elements, np.dtype(value.dtype))
        if self._spare.get(buffer):
            return self._spare[buffer].pop()
        self.buffers.append(buffer)
        return len(self.buffers) - 1


def overwritable(value: Value) -> list[Value]:
    """The inputs that an equation may write its result over."""
    if kind(value) in ("ufunc", "sigmoid"):
        return value.parents
    if kind(value) == "update":
        return [v for v in value.parents[:1] if v is value.inputs[0]]
    return [v for v in value.inputs[2:] if v not in value.inputs[:2]] if kind(value) == "where" else []


def parts_of_concatenations(run: Sequence[Value], states: States) -> dict[Value, tuple[Value, int]]:
    """{part: (concatenation, offset)} where every part can be computed in its place."""
    inside: dict[Value, tuple[Value, int]] = {}
    for value in run:
        if kind(value) != "concat":
            continue
        parts = value.parents
        roots = [root(p) for p in parts]
        form = (states[value], value.dtype)
        movable = len(set(roots)) == len(roots) and all(
            kind(r) in ("product", "reduction", "ufunc", "sigmoid")
            and r not in inside
            and (states[r], r.dtype) == form
            and shows_all(p)
            for r, p in zip(roots, parts, strict=True)
        )
        offset = 0
        for r in roots if movable else ():
            inside[r] = (value, offset)
            offset += size(r)
    return inside
