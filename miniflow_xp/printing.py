"""A frozen graph as text: one equation a line, forward then backward."""

from itertools import chain, count

from miniflow_xp.node import Constant, Input, Node
from miniflow_xp.schedule import Schedule


def equations(schedule: Schedule) -> str:
    """The equations of a schedule: ``f = Linear(X, W, b)``, and ``∂W = ∂f · ∂f/∂W`` for each gradient computed.

    A node's dtype and shape stand at the end of its line once they are known. A gradient that arrives on several paths
    is added up: ``+=``.
    """
    names = short_names([*schedule.leaves, *(node for node, _ in schedule.forward)])

    def spell(node: Node) -> str:
        return str(node.name) if isinstance(node, Constant) else names[node]

    rows = [
        (
            f"{names[node]} = {type(node).__name__}({', '.join(map(spell, node.inbound_nodes))})",
            schedule.forms.get(node),
        )
        for node, _ in schedule.forward
    ]
    width = max((len(text) for text, _ in rows), default=0)
    lines = ["forward", *(f"  {text:{width}}  {form}" if form else f"  {text}" for text, form in rows)]
    met: set[Node] = set()
    for node, _ in schedule.backward:
        lines += ["backward"] if not met else []
        for inbound in dict.fromkeys(node.inbound_nodes):
            if inbound in schedule.depends:
                sign = "+=" if inbound in met else "="
                lines.append(f"  ∂{names[inbound]} {sign} ∂{names[node]} · ∂{names[node]}/∂{names[inbound]}")
                met.add(inbound)
    return "\n".join(lines)


def short_names(nodes: list[Node]) -> dict[Node, str]:
    """A name for each node: its own, or its class and a number."""
    taken = {node.name for node in nodes}
    used: set[str] = set()
    names = {}
    for node in nodes:
        stem = node.name or ("x" if isinstance(node, Input) else type(node).__name__.lower())
        candidates = chain([node.name] if node.name else [], (f"{stem}{n}" for n in count(2 if node.name else 1)))
        names[node] = next(c for c in candidates if c not in used and (c == node.name or c not in taken))
        used.add(names[node])
    return names
