"""Equations that repeat themselves in time, as a loop of Python's leaves them, as one loop: a turn once for all turns.

In the turns of a loop the same equations stand in the same order. What one of them reads is the same in every turn
(fixed), or what the turn itself or one before it made (carried), or another value from outside for each (taken), such
as rows of data, numbers, or what the turns of an earlier loop made. First and last turns that differ stay as they are.

A loop in a loop is found first, and is then one equation of the turns of the outer one. Turns that would have to copy
larger arrays of their own, or state, into a row are none: of equal layers ``parts`` makes what is called one by one.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from miniflow_xp.backends.jax.bodies import Body
from miniflow_xp.backends.jax.listing import Listing, first_of_equals, weak_of
from miniflow_xp.backends.jax.plans import Plan
from miniflow_xp.backends.jax.repeats import Flags, periods, runs, stretches
from miniflow_xp.backends.jax.stacks import Slices, origin, with_slices
from miniflow_xp.backends.jax.turns import Turns
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.walks import still_read

TURNS = 8  # of fewer, a loop saves little
LEAST = 100  # equations of all turns
SMALL = 1_000  # elements: larger arrays take a loop time to carry, take and give
MANY = 2_000  # equations, where arrays are larger
MOVES = {"getitem", "item", "stack", "concat", "reshape", "windows"}
"""What only says where something lies, as all that a loop leaves behind: loops of these would have no end."""
WHOLE = 24  # periods of equal equations that may be one turn together, such as the stages of a step


class Known(NamedTuple):
    """What is known of all equations: ``state`` that calls replace, and ``weak`` values; what loops share."""

    state: Collection[Value]
    weak: Collection[Value]
    bodies: dict[Hashable, Body]
    slices: Slices


def rolled(
    values: Sequence[Value], results: Sequence[Value], state: Collection[Value] = (), weak: Collection[Value] = ()
) -> list[Value]:
    """The equations with loops for what repeats itself, inner ones first; what others read of a loop is taken from it.

    ``state``: the arguments that calls replace; ``weak``: those which take the dtype of what they meet.
    """
    if len(values) < LEAST:  # as of most functions
        return list(values)
    arguments = [v for v in values if v.op == "argument"]
    rest = slices_first(with_items([v for v in values if v.op != "argument"]))
    first, known = first_of_equals(rest), Known(set(state), weak_of(rest, weak), {}, {})
    while (found := once_rolled(Listing(rest, results, first), results, known)) is not None:
        rest = slices_first(found)
    return [*arguments, *rest] if known.bodies else list(values)


def with_items(values: Sequence[Value]) -> list[Value]:
    """Each result of a function of several right after it."""
    items: dict[Value, list[Value]] = {}
    for value in values:
        if value.op == "item":
            items.setdefault(value.inputs[0], []).append(value)
    return [v for value in values if value.op != "item" for v in (value, *items.get(value, ()))]


def slices_first(values: Sequence[Value]) -> list[Value]:
    """Slices of arguments before all others: one that two turns read was recorded in the first of them alone."""
    early = [v for v in values if origin(v)[0].op == "argument"]
    seen = set(early)
    return [*early, *(v for v in values if v not in seen)]


def once_rolled(listing: Listing, results: Sequence[Value], known: Known) -> list[Value] | None:
    """The equations with the loops that are found in them, of shortest periods first; None where none is."""
    values = listing.values[: len(listing.kinds)]
    free, found = np.ones(len(values), dtype=bool), list[tuple[int, int, list[Value]]]()
    for candidate in candidates(listing, free):
        turns = Turns(listing, *candidate)
        loop = loop_of(turns, known)
        if loop is not None:
            found.append((turns.start, turns.stop, loop))
            free[turns.start : turns.stop] = False
    if not found:
        return None
    new, place = list[Value](), 0
    for start, stop, loop in sorted(found, key=lambda one: one[0]):
        new += [*values[place:start], *loop]
        place = stop
    return still_read(list(dict.fromkeys(with_slices([*new, *values[place:]], known.slices))), results)


def candidates(listing: Listing, free: Flags) -> Iterator[tuple[int, int, int]]:
    """Where kinds of equations repeat themselves and are ``free``, how often and after how many, shortest first."""
    for period in periods(listing.kinds, LEAST):
        for run in runs(listing.kinds, period):
            for first, last in stretches(free[run.start : run.stop]):
                start, stop = run.start + first, run.start + last
                while start < stop and listing.values[start].op == "item":  # with what they are taken from
                    start += 1
                for candidate in whole_turns(listing, start, stop, period):
                    if free[start:stop].all():
                        yield candidate


def whole_turns(listing: Listing, start: int, stop: int, period: int) -> Iterator[tuple[int, int, int]]:
    """Turns of so many periods that what is read stands still from one to the next, or moves with them."""
    count = (stop - start) // period
    if count < TURNS or count * period < LEAST:
        return
    reads, middle = listing.reads_of(start, count, period), count // 2
    for times in range(1, min(WHOLE, count // TURNS) + 1):
        before, now, after = reads[middle - times], reads[middle], reads[middle + times]
        steady = (now - before == after - now) & np.isin(now - before, (0, times * period))
        if (steady | (now < start) | (now >= stop)).all():
            yield start, count // times, times * period


def loop_of(turns: Turns, known: Known) -> list[Value] | None:
    """The equations of a loop that does what the turns do; None where none does, or one would take longer."""
    if not turns.are_given() or not pays(turns):
        return None
    plan = Plan(turns)
    if plan.copies_much(known.state) or not plan.types_hold(known.weak):
        return None
    return plan.equations(known.bodies, known.slices)


def pays(turns: Turns) -> bool:
    """Is a loop quicker, or compiled much sooner, than its equations are one by one?"""
    equations = turns.count * (turns.period - len(turns.hoisted))
    turn = turns.listing.values[turns.start : turns.start + turns.period]
    least = LEAST if max(prod(value.shape) for value in turn) <= SMALL else MANY
    return turns.count >= TURNS and equations >= least and not MOVES.issuperset(value.op for value in turn)


def told(values: Sequence[Value]) -> str:
    """The loops among equations, for people: " with 2 loops of 200 turns"; nothing where there are none."""
    turns = Counter([value.keywords["body"].turns for value in values if value.op == "loop"])
    loops = [f"{'a loop' if times == 1 else f'{times} loops'} of {count} turns" for count, times in turns.items()]
    return f" with {', '.join(loops)}" if loops else ""
