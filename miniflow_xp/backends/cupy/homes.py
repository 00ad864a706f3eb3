"""Where results are written: into new memory, over the state that they renew, or where a concatenation wants them.

Both of the latter save a copy each: a small step is as quick as it has few kernels.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from miniflow_xp.backends.cupy.equations import contents, joins_rows, may_be_shown
from miniflow_xp.backends.cupy.groups import Group, Item
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.walks import root


class Home(NamedTuple):
    """The memory of a result: the whole array of ``owner``, or its elements from ``start`` on."""

    owner: Value
    start: int | None


def homes(
    items: Sequence[Item], results: Sequence[Value], arguments: Sequence[Value], written: set[Value]
) -> dict[Value, Home]:
    """{value: its home}, of those among ``written``, which can be told where to write.

    ``results``: first the new state, in the order of ``arguments``, whose first ones are the old; then the others.
    """
    found: dict[Value, Home] = {}
    for value in (i for i in items if isinstance(i, Value) and joins_rows(i)):
        start = 0
        for part in value.inputs[0]:
            producer = contents(part)
            if producer in written and producer not in found and producer.dtype == value.dtype:
                found[producer] = Home(value, start)
            start += prod(part.shape)
    for number, (new, old) in enumerate(zip(results, arguments, strict=False)):
        others = [r for n, r in enumerate(results) if n != number]
        if new not in found and may_overwrite(items, new, old, others):
            found[new] = Home(old, None)
    return found


def may_overwrite(items: Sequence[Item], new: Value, old: Value, results: Sequence[Value]) -> bool:
    """May the kernel that computes ``new`` write it over ``old``: is the old nowhere read at another place?"""
    if new.shape != old.shape or new.dtype != old.dtype or any(root(r) is old for r in results):
        return False
    if any(isinstance(i, Value) and any(root(p) is old and may_be_shown(p, i) for p in i.parents) for i in items):
        return False
    index = next((n for n, i in enumerate(items) if isinstance(i, Group) and new in i.outputs), None)
    if index is None:
        return False
    at_other_places = any(root(i) is old and i is not old for i in items[index].inputs)
    return not at_other_places and not any(root(i) is old for item in items[index + 1 :] for i in inputs(item))


def inputs(item: Item) -> Sequence[Value]:
    """The values that an item reads."""
    return item.inputs if isinstance(item, Group) else item.parents


def outputs(item: Item) -> Sequence[Value]:
    """The values that an item gives."""
    return item.outputs if isinstance(item, Group) else [item]
