"""Where a sequence repeats itself, as the equations of equal layers do."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Flags: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"


class Repeat(NamedTuple):
    """From ``start`` to ``stop`` each item is that of ``period`` places before, but for the first period."""

    start: int
    stop: int
    period: int


def repeats(items: Sequence[Hashable], least: int) -> list[Repeat]:
    """The repeats of at least two periods and ``least`` items, in order.

    Where they overlap, the longer one is taken, with its shortest period, and of the others what is besides it.
    """
    kinds: dict[Hashable, int] = {}
    numbers = np.asarray([kinds.setdefault(item, len(kinds)) for item in items], dtype="int64")
    found = [run for period in periods(numbers, least) for run in runs(numbers, period)]
    free, chosen = np.ones(len(items), dtype=bool), list[Repeat]()
    for start, stop, period in sorted(found, key=lambda r: (r.start - r.stop, r.period)):
        for first, last in stretches(free[start:stop]):
            if last - first >= max(least, 2 * period):
                chosen.append(Repeat(start + first, start + last, period))
                free[start + first : start + last] = False
    return sorted(chosen)


def periods(numbers: Numbers, least: int) -> list[int]:
    """How far apart equal numbers, with equal ones after them, come next to each other: often enough for a repeat."""
    width = 1
    while 2 * width <= min(least // 8, len(numbers)):
        pairs = numbers[:-width] * (numbers.max() + 1) + numbers[width:]
        numbers, width = np.unique(pairs, return_inverse=True)[1], 2 * width
    order = np.argsort(numbers, kind="stable")
    distances = np.diff(order)[np.diff(numbers[order]) == 0]
    return [int(n) for n in np.flatnonzero(np.bincount(distances) >= max(1, least // 4))]


def runs(numbers: Numbers, period: int) -> list[Repeat]:
    """Where numbers repeat with this period."""
    same = numbers[period:] == numbers[:-period]
    return [Repeat(first, last + period, period) for first, last in stretches(same)]


def stretches(flags: Flags) -> list[tuple[int, int]]:
    """From where to where flags are set."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
