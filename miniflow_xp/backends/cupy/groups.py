"""Which equations share a kernel: elementwise ones of one shape that need nothing computed in between.

Each equation gets a level. An equation reads values of lower levels, and elementwise values of its own shape and level;
so all elementwise equations of one shape and level can be one kernel, and levels can run one after the other.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from miniflow_xp.backends.cupy.expressions import expression, is_python
from miniflow_xp.recording.equations import Value

MOST_ARRAYS = 40  # of one kernel: CUDA passes 4 KB of arguments, an array of five axes is 96 bytes


class Group(NamedTuple):
    """Equations of one kernel, in order; the arrays it reads, and those of its equations that are read elsewhere."""

    members: tuple[Value, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


Item: TypeAlias = Value | Group
"""What runs at once: a call for one equation, or a kernel for several."""


def order(values: Sequence[Value], results: Sequence[Value]) -> list[Item]:
    """All equations, those that share a kernel as a Group, in an order in which they can run."""
    run = [v for v in values if v.op not in ("argument", "constant")]
    elementwise = {v for v in run if expression(v) is not None}
    levels = latest(run, elementwise, earliest(run, elementwise))
    read = readers(run)
    batches: dict[Any, list[Value]] = {}
    for value in run:
        shared = (levels[value], value.shape) if value in elementwise else (levels[value], None, value)
        batches.setdefault(shared, []).append(value)
    items: list[tuple[tuple[int, bool], Item]] = []
    for (level, *_), batch in batches.items():
        if batch[0] in elementwise:
            items += [((level, True), g) for g in small_enough(batch, read, set(results))]
        else:
            items += [((level, False), v) for v in batch]
    return [item for _, item in sorted(items, key=lambda pair: pair[0])]


def earliest(run: Sequence[Value], elementwise: set[Value]) -> dict[Value, int]:
    """The lowest level of each equation."""
    levels: dict[Value, int] = {}
    for value in run:
        steps = [levels[p] + gap(p, value, elementwise) for p in value.parents if p in levels]
        levels[value] = max(steps, default=0)
    return levels


def latest(run: Sequence[Value], elementwise: set[Value], levels: dict[Value, int]) -> dict[Value, int]:
    """Elementwise equations as late as their readers allow: it costs less to compute 1 - σ there than to store it."""
    read, last = readers(run), max(levels.values(), default=0)
    for value in reversed(run):
        if value in elementwise:
            levels[value] = min((levels[r] - gap(value, r, elementwise) for r in read[value]), default=last)
    return levels


def gap(value: Value, reader: Value, elementwise: set[Value]) -> int:
    """Levels from a value to one that reads it: 0 where they can share a kernel."""
    return 0 if {value, reader} <= elementwise and value.shape == reader.shape else 1


def readers(run: Sequence[Value]) -> dict[Value, list[Value]]:
    """{value: the equations that read it}."""
    found: dict[Value, list[Value]] = {value: [] for value in run}
    for value in run:
        for parent in value.parents:
            if parent in found:
                found[parent].append(value)
    return found


def small_enough(batch: Sequence[Value], read: dict[Value, list[Value]], results: set[Value]) -> list[Group]:
    """One group, or one for each equation where a kernel would have too many arguments."""
    whole = group(batch, read, results)
    if len(whole.inputs) + len(whole.outputs) <= MOST_ARRAYS:
        return [whole]
    return [group([value], read, results) for value in batch]


def group(batch: Sequence[Value], read: dict[Value, list[Value]], results: set[Value]) -> Group:
    """The group of these equations."""
    members = set(batch)
    inputs = [p for v in batch for p in v.parents if p not in members and not is_python(p)]
    outputs = [v for v in batch if v in results or any(r not in members for r in read[v])]
    return Group(tuple(batch), tuple(dict.fromkeys(inputs)), tuple(outputs))
