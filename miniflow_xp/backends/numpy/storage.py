"""Which value lies in which buffer: few buffers, each reused as soon as its last reader has run."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backends.numpy.primitives import kind, root, shows_all, size
from miniflow_xp.backends.numpy.rows import AFTER, COLUMNS, CUT, PARTIAL, ROWS, WHOLE, States, state_in
from miniflow_xp.recording.equations import Value

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
        run: Sequence[Value],  # in the order of their phases
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
        self._homes = {part: whole for part, (whole, _) in self.inside.items()}  # of what lies in another's buffer
        for value in run:
            if kind(value) == "view":
                self._homes[value] = self._home(value.inputs[0])
        self._spare: dict[Buffer, list[int]] = {}
        self._forms: dict[tuple[str, tuple[int, ...], Any], Buffer] = {}  # made once for all values of a form
        last = self._last_uses(run, results)
        donated = self._in_place(run, donated)
        for n, value in enumerate(run):
            if kind(value) not in ("view", "several"):
                self._place(value, n, last, donated.get(value))

    def _home(self, value: Value) -> Value:
        """The value whose buffer holds ``value``."""
        return self._homes.get(value, value)

    def is_free(self, value: Value) -> bool:
        """Does a concatenation need no work, because its parts are computed in place?"""
        return any(c is value for c, _ in self.inside.values())

    def renews(self, value: Value) -> bool:
        """Is this the new value of a state, written over the old one?"""
        return isinstance(self.slot.get(value), Value)

    def _in_place(self, run: Sequence[Value], donated: Mapping[Value, Value]) -> dict[Value, Value]:
        """Those of ``donated`` that belong to the last phase; none where Python code runs after the first of them."""
        if not donated:
            return {}
        end = max((PHASE[state_in(self.states, value)] for value in run), default=0)
        late = {new: old for new, old in donated.items() if PHASE[state_in(self.states, new)] == end}
        first = next((n for n, value in enumerate(run) if value in late), len(run))
        whole = all(
            kind(value) in UNINTERRUPTED or (kind(value) == "concat" and self.is_free(value)) for value in run[first:]
        )
        return late if whole else {}

    def _last_uses(self, run: Sequence[Value], results: Sequence[Value]) -> dict[Value, int]:
        """Number of the last equation that reads each buffer; what every chunk reads lives until the last chunk."""
        homes, last = self._homes, dict[Value, int]()
        for n, value in enumerate(run):
            for parent in value.parents:
                last[homes.get(parent, parent)] = n
        body = [n for n, value in enumerate(run) if PHASE[state_in(self.states, value)] == 1] if self.states else []
        for home, n in last.items() if body else ():
            if body[0] <= n <= body[-1] and PHASE[state_in(self.states, home)] == 0:
                last[home] = body[-1]
        return last | dict.fromkeys(map(self._home, results), len(run))

    def _place(self, value: Value, n: int, last: dict[Value, int], state_argument: Value | None) -> None:
        homes, states, slot = self._homes, self.states, self.slot
        own, state = homes.get(value, value), states.get(value, WHOLE)
        ended = [
            home
            for parent in value.parents
            if last[home := homes.get(parent, parent)] == n
            and home is not own
            and isinstance(slot.get(home), int)
            and states.get(home, WHOLE) == state
        ]
        dying = dict.fromkeys(ended)  # in this order, so that every run has the same plan
        taken = next((p for p in overwritable(value) if p in dying and self._alone(value, p)), None) if dying else None
        if own in self.slot:  # a concatenation, whose first part has taken its buffer
            pass
        elif own is not value:
            self.slot[own] = self._buffer(own)
        elif state_argument is not None and last.get(state_argument, -1) <= n and self._fits(value, state_argument):
            self.slot[value] = state_argument
        elif taken is not None:
            self.slot[value] = self.slot[taken]
            del dying[taken]
        else:
            self.slot[value] = self._buffer(value)
        for home in dying:
            if state != PARTIAL:  # partial sums live from chunk to chunk
                number = self.slot[home]
                assert isinstance(number, int)
                self._spare[self.buffers[number]].append(number)

    def _alone(self, value: Value, parent: Value) -> bool:
        """May ``value`` be written over ``parent``: same form, and not read in another form too?"""
        same = parent.shape == value.shape and parent.dtype == value.dtype
        return same and all(p is parent or self._home(p) is not parent for p in value.parents)

    def _fits(self, value: Value, argument: Value) -> bool:
        in_place = kind(value) in ("ufunc", "sigmoid")
        in_place = in_place or (kind(value) == "where" and argument not in value.inputs[:2])
        return in_place and self._alone(value, argument) and state_in(self.states, value) in (WHOLE, AFTER)

    def _buffer(self, value: Value) -> int:
        form = self.states.get(value, WHOLE), value.shape, value.dtype
        buffer = self._forms.get(form)
        if buffer is None:
            (state, _, dtype), (rows, batch) = form, self.rows_share
            elements = size(value) // batch * rows if state in CUT else size(value)
            buffer = self._forms[form] = Buffer(state, elements, np.dtype(dtype))
            self._spare.setdefault(buffer, [])
        if self._spare[buffer]:
            return self._spare[buffer].pop()
        self.buffers.append(buffer)
        return len(self.buffers) - 1


def overwritable(value: Value) -> Sequence[Value]:
    """The inputs that an equation may write its result over."""
    what = kind(value)
    if what in ("ufunc", "sigmoid"):
        return value.parents
    if what == "update":
        return [v for v in value.parents[:1] if v is value.inputs[0]]
    return [v for v in value.inputs[2:] if v not in value.inputs[:2]] if what == "where" else []


def parts_of_concatenations(run: Sequence[Value], states: States) -> dict[Value, tuple[Value, int]]:
    """{part: (concatenation, offset)} where every part can be computed in its place."""
    inside: dict[Value, tuple[Value, int]] = {}
    for value in run:
        if kind(value) != "concat":
            continue
        parts = value.parents
        roots = [root(p) for p in parts]
        form = (state_in(states, value), value.dtype)
        movable = len(set(roots)) == len(roots) and all(
            kind(r) in ("product", "reduction", "ufunc", "sigmoid")
            and r not in inside
            and (state_in(states, r), r.dtype) == form
            and shows_all(p)
            for r, p in zip(roots, parts, strict=True)
        )
        offset = 0
        for r in roots if movable else ():
            inside[r] = (value, offset)
            offset += size(r)
    return inside
