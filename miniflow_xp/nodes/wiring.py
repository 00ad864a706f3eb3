"""What a pass asks of a sorted list of nodes and that depends on nothing but how they are wired: worked out once."""

from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.checks import shown
from miniflow_xp.errors import NotInGraphError
from miniflow_xp.node import Constant, Input, Node, Parameter
from miniflow_xp.nodes.gradients import no_gradient
from miniflow_xp.nodes.readers import Readers


class Wiring:
    """A sorted list as it was: its leaves, its constants, and which nodes the gradients go through."""

    def __init__(self, graph: Sequence[Node]) -> None:
        self.nodes = list(graph)
        self.inbound_nodes = [list(node.inbound_nodes) for node in graph]
        self.leaves = [node for node in graph if isinstance(node, Input)]
        self.constants = [node for node in graph if isinstance(node, Constant)]
        self.admitted: tuple[Hashable, ...] | None = None  # what the leaves looked like when last taken as they were
        self.closed: tuple[int, list[Any]] | None = None  # the readers when last all of them were nodes of the list

    @cached_property
    def needed(self) -> dict[Node, None]:
        """The nodes whose ``backward`` has to run where nobody says which gradients are wanted, in order."""
        return between(default_targets(self.leaves), self.nodes, required=False)

    def is_that_of(self, graph: Sequence[Node]) -> bool:
        """Are these the same nodes, and do they still read the same ones?"""
        return self.nodes == graph and self.inbound_nodes == [node.inbound_nodes for node in graph]

    def is_closed(self) -> bool:
        """Do nodes of the list only read one another? Looked up anew where somebody else may read one since."""
        found = Readers.changes, [node.outbound_nodes for node in self.nodes]
        if found != self.closed:
            number, readers = found
            nodes = set(self.nodes)
            if not all(type(each) in (list, Readers) and nodes.issuperset(each) for each in readers):
                return False
            self.closed = number, [each if isinstance(each, Readers) else list(each) for each in readers]
        return True


def wiring_of(graph: Any, where: str) -> Wiring:
    """The wiring of a sorted list, which its last node remembers for the next pass; raises NotInGraphError."""
    known: Wiring | None = getattr(graph[-1], "last_wiring", None) if isinstance(graph, list) and graph else None
    if known is not None and known.is_that_of(graph):
        return known
    nodes = check_sorted(graph, where)
    nodes[-1].last_wiring = made = Wiring(nodes)
    return made


def check_sorted(graph: Any, where: str) -> Sequence[Node]:
    """``graph``, which must be a list of nodes; raises NotInGraphError."""
    if not isinstance(graph, Sequence) or not graph or not all(isinstance(node, Node) for node in graph):
        raise NotInGraphError(
            where,
            f"it was given {shown(graph)}",
            "it takes the sorted list of a graph's nodes",
            f"Call {where}(topological_sort(feed_dict))",
        )
    return graph


def default_targets(leaves: Sequence[Input]) -> list[Input]:
    """The Parameters among the leaves, or all of them where there is none; without those declared integers."""
    parameters = [leaf for leaf in leaves if isinstance(leaf, Parameter)]
    return [leaf for leaf in parameters or leaves if not declared_integer(leaf)]


def declared_integer(node: Node) -> bool:
    """Is this a leaf whose values stay integers?"""
    return isinstance(node, Input) and node.dtype in ("int", *dtypes.INTEGERS)


def between(targets: Sequence[Node], graph: Sequence[Node], required: bool) -> dict[Node, None]:
    """The nodes on a path from a target to the last node, in order: those whose ``backward`` has to run.

    Where ``required``, raises NoGradientError for a target that the last node does not depend on.
    """
    cost = graph[-1]
    leads = {cost}
    for node in reversed(graph):
        if node in leads:
            leads.update(node.inbound_nodes)
    for target in targets if required else ():
        if target not in leads:
            raise no_gradient(target, cost)
    leads &= depending(graph, targets)
    return {node: None for node in graph if node in leads}


def depending(order: Sequence[Node], targets: Iterable[Node]) -> set[Node]:
    """``targets`` and all nodes of a sorted graph that depend on one of them, as far as gradients go through."""
    found = set(targets)
    for node in order:
        if node.has_gradient and not found.isdisjoint(node.inbound_nodes):
            found.add(node)
    return found
