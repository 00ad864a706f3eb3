"""Walks over equations."""

from collections.abc import Sequence

from miniflow_xp.recording.equations import Value


def still_read(values: Sequence[Value], results: Sequence[Value]) -> list[Value]:
    """The equations that a result depends on, in order, and all arguments."""
    needed = set(results)
    for value in reversed(values):
        if value in needed:
            needed.update(value.parents)
    return [v for v in values if v in needed or v.op == "argument"]
