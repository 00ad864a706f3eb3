"""A frozen graph as text: one equation a line, forward then backward."""

from miniflow_xp.node import Constant, Input, Node
from miniflow_xp.schedule import Schedule


def equations(schedule: Schedule) -> str:
    """The equations of a schedule: ``f = Linear(X, W, b)``, and ``∂W = ∂f · ∂f/∂W`` for each gradient computed.

    A node's dtype and shape stand at the end of its line once they are known. A gradient that arrives on several paths
    is added up: ``+=``.
    """
    names = short_names([*schedule.leaves, *(node for node, _ in schedule.forward)])

    def spell(node: Node) -> str:
        return str(node.value) if isinstance(node, Constant) else names[node]

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
    counts: dict[str, int] = {}
    names = {}
    for node in nodes:
        kind = type(node).__name__.lower() if not isinstance(node, Input) else "x"
        counts[kind] = counts.get(kind, 0) + 1
        names[node] = node.name or f"{kind}{counts[kind]}"
    return names
