"""Who holds the memory when most is held: of the values and gradients that a pass keeps, by when they are dropped."""

from collections import Counter
from collections.abc import Iterable, Mapping

from miniflow_xp.engine.frozen import FrozenGraph
from miniflow_xp.node import Node
from miniflow_xp.programs.profile.subjects import Holding

Sizes = Mapping[tuple[Node, Node | None], float]
"""{(node, None): bytes of its value, (node, inbound): of the gradient that it hands on}; of views 0."""


class Ledger:
    """What is taken and dropped, in order; ``most`` says what is held at the moment when it is most."""

    def __init__(self, held: Mapping[str, float]) -> None:
        self.held = dict(held)
        self._start = dict(held)
        self._changes: list[tuple[str, float, str]] = []  # what is dropped has the size 0

    def take(self, name: str, size: float, at: str) -> None:
        """Something new is held, at this call."""
        self.held[name] = size
        self._changes.append((name, size, at))

    def drop(self, names: Iterable[str]) -> None:
        """These are held no more."""
        for name in names:
            if self.held.pop(name, None) is not None:
                self._changes.append((name, 0.0, ""))

    def most(self) -> Holding:
        """The moment, and who holds what then."""
        held, now = dict(self._start), sum(self._start.values())
        best, at, until = now, "the start", 0
        for n, (name, size, call) in enumerate(self._changes, 1):
            now += size - held.get(name, 0.0)
            held[name] = size
            if now > best:
                best, at, until = now, call, n
        held = self._start | {name: size for name, size, _ in self._changes[:until]}
        return Holding(at, {name: size for name, size in held.items() if size})


def holding(graph: FrozenGraph, sizes: Sizes, start: Mapping[str, float]) -> Holding:
    """The peak of a plain pass; ``start``: what is held before it, by name. Temporaries inside of a call do not count.

    A gradient that arrives where one is waits in its place.
    """
    ledger, names = Ledger(start), names_in(graph)
    for node, dropped in graph.forward.items():
        ledger.take(f"value of {names[node]}", sizes.get((node, None), 0.0), f"{names[node]}, forward")
        ledger.drop(f"value of {names[m]}" for m in dropped)
    for node, dropped in graph.backward.items():
        for inbound in dict.fromkeys(node.inbound_nodes):
            if (node, inbound) in sizes and (waits := f"gradient of {names[inbound]}") not in ledger.held:
                ledger.take(waits, sizes[node, inbound], f"{names[node]}, backward")
        ledger.drop(f"value of {names[m]}" for m in dropped)
        ledger.drop([] if node in graph.wrt else [f"gradient of {names[node]}"])
    return ledger.most()


def names_in(graph: FrozenGraph) -> dict[Node, str]:
    """What each node of a graph is called."""
    return told_apart([*graph.leaves, *graph.constants, *graph.forward])


def told_apart(nodes: Iterable[Node]) -> dict[Node, str]:
    """What each node is called; of several that are called the same, the later ones are numbered."""
    counted: Counter[str] = Counter()
    names = {}
    for node in nodes:
        name = str(node)
        counted[name] += 1
        names[node] = name if counted[name] == 1 else f"{name} ({counted[name]})"
    return names
