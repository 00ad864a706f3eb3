"""What is profiled, in one form: passes whose calls somebody else makes, and what is known of each call."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from miniflow_xp.backend import Backend
from miniflow_xp.engine.frozen import Call
from miniflow_xp.programs.profile.counts import Work

Run: TypeAlias = Callable[[], Any]
"""A pass; it gives a list of arrays."""


class Place(NamedTuple):
    """What a row of a profile is about: a node, a function at a line, or the update.

    ``key`` tells it from others; ``node``: the node that is drawn.
    """

    key: Hashable
    name: str
    operation: str
    line: str | None = None
    node: Any = None


@dataclass
class Step:
    """One call of a pass: where, in which direction (forward, backward, update), and what it does at least.

    ``sums``: the places whose gradients are added up after it.
    """

    place: Place
    direction: str
    work: Work = field(default_factory=Work)
    sums: list[tuple[Place, Work]] = field(default_factory=list)


@dataclass
class Holding:
    """Bytes that are held at the moment when most are, by name, and at which call that is."""

    at: str
    held: dict[str, float]

    @property
    def bytes(self) -> float:
        """All of them."""
        return sum(self.held.values())


class Function(NamedTuple):
    """A function that is drawn, and what it is called with."""

    function: Callable[..., Any]
    args: tuple[Any, ...]


@dataclass
class Subject:
    """What is profiled.

    ``steps``: the calls of a pass, in order. ``walk(call)`` is a plain pass whose calls ``call`` makes, ``plain`` one
    without, ``captured`` what the backend replays, None where it cannot. ``how``: how it was captured, in words;
    ``replayed``: {function: how many calls of it}, where the capture tells. ``drawn``: the graph, or the function, that
    is drawn. ``fed``: bytes that come from the host, and what brings them to the device.
    """

    title: str
    backend: Backend
    dtype: str
    steps: list[Step]
    walk: Callable[[Call], Run]
    plain: Run
    captured: Run | None
    how: str
    replayed: Mapping[str, int] | None
    holding: Holding
    drawn: Any = None
    fed: tuple[float, Run] | None = None
