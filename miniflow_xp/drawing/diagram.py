"""What is drawn, as plain records: boxes, edges between them, and groups of boxes. Nothing here knows a graph."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from miniflow_xp.drawing.summary import Summary

Kind = Literal["input", "parameter", "constant", "operation", "cost"]


@dataclass(frozen=True)
class Box:
    """A node, or an equation. ``key``: its own among the boxes, safe as an HTML id, the same for the same graph.

    ``group``: the key of the group that it is in. ``formula``: its equation's right side. ``made_at``: the user's line.
    ``is_output``: is its value a result?
    """

    key: str
    name: str
    operation: str
    kind: Kind
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None
    value: Summary | None = None
    gradient: Summary | None = None
    group: str | None = None
    formula: str = ""
    made_at: str = ""
    is_output: bool = False


@dataclass(frozen=True)
class Edge:
    """The value of the box ``source``, of this shape, goes into the box ``target``."""

    source: str
    target: str
    shape: tuple[int | None, ...] | None = None


@dataclass(frozen=True)
class Group:
    """Boxes that belong together, such as a layer; ``parent``: the group that it is part of."""

    key: str
    name: str
    operation: str
    parent: str | None = None


Keyed = TypeVar("Keyed", Box, Group)


@dataclass(frozen=True)
class Diagram:
    """Boxes, each after those that its edges come from; ``keys``: {node or equation: key of its box}."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...] = ()
    keys: Mapping[Any, str] = field(default_factory=dict, repr=False, compare=False)


def by_key(things: Iterable[Keyed]) -> dict[str, Keyed]:
    """{key: box or group}."""
    return {thing.key: thing for thing in things}
