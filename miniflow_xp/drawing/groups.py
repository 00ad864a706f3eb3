"""Which boxes belong together: those that one call of a layer made, with the Parameters that nobody else reads."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from miniflow_xp.drawing.diagram import Diagram, Edge, Group, by_key
from miniflow_xp.drawing.keys import keys_of
from miniflow_xp.drawing.scene import ancestry
from miniflow_xp.node import Constant, Node, Parameter

Chain = tuple[Any, ...]
"""The marks of a node, from the outermost."""


def with_layers(diagram: Diagram, nodes: Sequence[Node]) -> Diagram:
    """The diagram of these nodes, with a group for each call of a layer that made more than one of them."""
    chains = chains_of(nodes)
    counted = Counter(mark for chain in chains.values() for mark in chain)
    around = [mark for mark, count in counted.items() if count == len(nodes)]  # says nothing
    kept = {
        node: tuple(mark for mark in chain if counted[mark] > 1 and mark not in around)
        for node, chain in chains.items()
    }
    kept = {node: unlike(chain, counted) for node, chain in kept.items()}
    parents = {mark: chain[n - 1] if n else None for chain in kept.values() for n, mark in enumerate(chain)}
    taken = set(diagram.keys.values())
    keys = dict(zip(parents, keys_of((f"layer-{mark[1]}" for mark in parents), taken), strict=True))
    groups = tuple(
        Group(keys[mark], mark[1], mark[2], None if parent is None else keys[parent])
        for mark, parent in parents.items()
    )
    inside = {diagram.keys[node]: keys[chain[-1]] for node, chain in kept.items() if chain}
    boxes = tuple(replace(box, group=inside.get(box.key)) for box in diagram.boxes)
    return sound(replace(diagram, boxes=boxes, groups=groups))


def chains_of(nodes: Sequence[Node]) -> dict[Node, Chain]:
    """The marks of each node; of a Parameter, or a constant, those that all that read it have."""
    members = set(nodes)
    readers: dict[Node, list[Node]] = defaultdict(list)
    for node in nodes:
        for inbound in dict.fromkeys(node.inbound_nodes):
            if inbound in members:
                readers[inbound].append(node)
    return {
        node: shared(reader.part_of for reader in readers[node])
        if isinstance(node, Parameter | Constant)
        else node.part_of
        for node in nodes
    }


def shared(chains: Iterable[Chain]) -> Chain:
    """What all begin with."""
    found: list[Any] = []
    for marks in zip(*chains, strict=False):
        if any(mark != marks[0] for mark in marks):
            break
        found.append(marks[0])
    return tuple(found)


def unlike(chain: Chain, counted: Mapping[Any, int]) -> Chain:
    """The marks without those that hold the same nodes as the one around them."""
    return tuple(mark for n, mark in enumerate(chain) if n == 0 or counted[mark] != counted[chain[n - 1]])


def sound(diagram: Diagram) -> Diagram:
    """The diagram without groups that would stand in a circle, as one whose inside is read between its ends."""
    while (closed := in_circle(diagram)) is not None:
        parent = next(group.parent for group in diagram.groups if group.key == closed)
        boxes = tuple(replace(box, group=parent) if box.group == closed else box for box in diagram.boxes)
        groups = tuple(
            replace(group, parent=parent) if group.parent == closed else group
            for group in diagram.groups
            if group.key != closed
        )
        diagram = replace(diagram, boxes=boxes, groups=groups)
    return diagram


def in_circle(diagram: Diagram) -> str | None:
    """A group that stands in a circle with others beside it; None where there is none."""
    groups = by_key(diagram.groups)
    paths = {box.key: [*ancestry(box.group, groups), box.key] for box in diagram.boxes}
    read: dict[str | None, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for level, source, target in (beside(edge, paths) for edge in diagram.edges):
        read[level][target].add(source)
    for graph in read.values():
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            return next(key for key in circle if key in groups)
    return None


def beside(edge: Edge, paths: Mapping[str, Sequence[str]]) -> tuple[str | None, str, str]:
    """(the innermost group around both ends of an edge, the two things in it that it connects)."""
    source, target = paths[edge.source], paths[edge.target]
    n = next(n for n, (a, b) in enumerate(zip(source, target, strict=False)) if a != b)
    return (source[n - 1] if n else None), source[n], target[n]
