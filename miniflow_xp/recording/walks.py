"""Walks over equations: which of them a result needs, what is read for the last time, whose memory a value shows."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from miniflow_xp.recording.equations import Value

VIEWS = ("reshape", "matrix_transpose", "permute_dims", "expand_dims", "squeeze", "broadcast_to", "getitem")
"""Functions whose result may show the memory of their first input."""

Read = TypeVar("Read")


def still_read(values: Sequence[Value], results: Sequence[Value]) -> list[Value]:
    """The equations that a result depends on, in order, and all arguments."""
    needed = set(results)
    for value in reversed(values):
        if value in needed:
            needed.update(value.parents)
    return [v for v in values if v in needed or v.op == "argument"]


def last_reads(steps: Iterable[Iterable[Read]], kept: Collection[Read] = ()) -> list[list[Read]]:
    """What each step is the last to read, once each, except what is ``kept``; ``steps``: what each reads, in order."""
    seen = set(kept)
    found = []
    for reads in reversed(list(steps)):
        last = [read for read in dict.fromkeys(reads) if read not in seen]
        seen.update(last)
        found.append(last)
    return found[::-1]


def may_show(value: Value) -> bool:
    """May this value show the memory of its first input?"""
    return value.op in VIEWS


def root(value: Value, is_view: Callable[[Value], bool] = may_show) -> Value:
    """The value whose memory this one shows: itself, unless it is a view."""
    while is_view(value):
        value = value.inputs[0]
    return value


def soonest(values: Sequence[Value], results: Sequence[Value]) -> list[Value]:
    """The equations without arguments, in an order in which each result comes once its inputs are there.

    The results that take the fewest equations one after the other come first; so little is kept for long.
    """
    places = {value: n for n, value in enumerate(values) if value.op != "argument"}
    depths: dict[Value, int] = {}
    for value in places:
        depths[value] = 1 + max((depths.get(parent, 0) for parent in value.parents), default=0)
    found, seen = list[Value](), set[Value]()
    for result in sorted(dict.fromkeys(results), key=lambda r: depths.get(r, 0)):
        needed, waiting = list[Value](), [result]
        while waiting:
            value = waiting.pop()
            if value in places and value not in seen:
                seen.add(value)
                needed.append(value)
                waiting += value.parents
        found += sorted(needed, key=places.__getitem__)
    return found
