"""A frozen graph as text: one equation a line, forward then backward."""

from collections.abc import Iterator, Sequence
from itertools import count

from miniflow_xp.engine.frozen import FrozenGraph
from miniflow_xp.node import Constant, Input, Node


def equations(graph: FrozenGraph) -> str:
    """The equations of a frozen graph: ``f = Linear(X, W, b)``, and ``∂W = ∂f · ∂f/∂W`` for each gradient computed.

    A node's dtype and shape stand at the end of its line once they are known. A gradient that arrives on several paths
    is added up: ``+=``.
    """
    names = names_of([*graph.leaves, *graph.constants, *graph.forward])
    rows = [
        (
            f"{names[node]} = {node.spelled([names[inbound] for inbound in node.inbound_nodes])}",
            graph.forms.get(node),
        )
        for node in graph.forward
    ]
    width = max((len(text) for text, _ in rows), default=0)
    lines = ["forward", *(f"  {text:{width}}  {form}" if form else f"  {text}" for text, form in rows)]
    met: set[Node] = set()
    for node in graph.backward:
        lines += ["backward"] if not met else []
        for inbound in dict.fromkeys(node.inbound_nodes):
            if inbound in graph.depends:
                sign = "+=" if inbound in met else "="
                lines.append(f"  ∂{names[inbound]} {sign} ∂{names[node]} · ∂{names[node]}/∂{names[inbound]}")
                met.add(inbound)
    return "\n".join(lines)


def names_of(nodes: Sequence[Node]) -> dict[Node, str]:
    """A short name for each node; a constant's is its number."""
    names = short_names([node for node in nodes if not isinstance(node, Constant)])
    return names | {node: str(node.name) for node in nodes if isinstance(node, Constant)}


def short_names(nodes: list[Node]) -> dict[Node, str]:
    """A name for each node: its own, or its kind and a number."""
    used = {node.name for node in nodes}
    names: dict[Node, str] = {}
    named: set[str] = set()
    numbers: dict[tuple[str, int], Iterator[int]] = {}  # where to go on: a number that is taken stays taken
    for node in nodes:
        if node.name and node.name not in named:
            named.add(node.name)
            names[node] = node.name
            continue
        stem = node.name or ("x" if isinstance(node, Input) else node.kind.rpartition(".")[2].lower())
        first = 2 if node.name else 1
        found = numbers.setdefault((stem, first), count(first))
        names[node] = next(name for n in found if (name := f"{stem}{n}") not in used)
        used.add(names[node])
    return names
