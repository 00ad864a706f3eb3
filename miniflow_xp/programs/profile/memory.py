"""Who holds the memory when most is held: of the values and gradients that a pass keeps, by when they are dropped."""

from collections.abc import Iterable, Mapping
from typing import Any

from miniflow_xp.engine.frozen import FrozenGraph
from miniflow_xp.node import Node
from miniflow_xp.programs.profile.subjects import Holding

Sizes = Mapping[tuple[Node, Node | None], float]
"""{(node, None): bytes of its value, (node, inbound): of the gradient that it hands on}; of views 0."""


class Ledger:
    """What is held, and the moment when it was most."""

    def __init__(self, held: Mapping[Any, float]) -> None:
        self.held = dict(held)
        self.at, self.most = "the start", dict(held)

    def take(self, name: Any, size: float, at: str) -> None:
        """Something new is held, at this call."""
        self.held[name] = self.held.get(name, 0.0) + size
        if sum(self.held.values()) > sum(self.most.values()):
            self.at, self.most = at, dict(self.held)

    def drop(self, names: Iterable[Any]) -> None:
        """These are held no more."""
        for name in names:
            self.held.pop(name, None)


def holding(graph: FrozenGraph, sizes: Sizes, start: Mapping[str, float]) -> Holding:
    """The peak of a plain pass; ``start``: what is held before it, by name. Temporaries inside of a call do not count.

    A gradient that arrives where one is waits in its place.
    """
    ledger = Ledger(start)
    leaves = set(graph.leaves)
    for node, dropped in graph.forward.items():
        ledger.take(f"value of {node}", sizes.get((node, None), 0.0), f"{node}, forward")
        ledger.drop(f"value of {m}" for m in dropped if m not in leaves)
    for node, dropped in graph.backward.items():
        arrived = f"gradient of {node}"
        for inbound in dict.fromkeys(node.inbound_nodes):
            waits = f"gradient of {inbound}"
            if (node, inbound) in sizes and waits not in ledger.held:
                ledger.take(waits, sizes[node, inbound], f"{node}, backward")
        ledger.drop([*(f"value of {m}" for m in dropped if m not in leaves), *([] if node in graph.wrt else [arrived])])
    return Holding(ledger.at, ledger.most)
