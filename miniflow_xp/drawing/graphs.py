"""A graph of nodes as a diagram: what it is, and what a pass has left on its nodes. Nothing is run, or changed."""

from ast import literal_eval
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.broadcasting import broadcast, shape_of
from miniflow_xp.drawing.diagram import Box, Diagram, Edge, Kind
from miniflow_xp.drawing.keys import keys_of
from miniflow_xp.drawing.summary import on_host, summary
from miniflow_xp.engine.printing import names_of
from miniflow_xp.engine.program import Program
from miniflow_xp.feed import checked_feed
from miniflow_xp.graph import ancestors
from miniflow_xp.node import Constant, Input, Node, Parameter
from miniflow_xp.nodes.gradients import LazyGradients
from miniflow_xp.nodes.wiring import Wiring
from miniflow_xp.ops.dropout import Counter

Found = Mapping[Node, Any]
LEAVES = ("input", "parameter", "constant")


def diagram_of(
    nodes: Sequence[Node], outputs: Iterable[Node], values: Found, gradients: Found, forms: Mapping[Node, str]
) -> Diagram:
    """The diagram of sorted nodes; an output without a reader needs not be named. ``forms``: seen earlier."""
    members, read = set(nodes), {m for node in nodes for m in node.inbound_nodes}
    results = {*outputs, *(members - read)}
    names = names_of(nodes)
    keys = dict(zip(nodes, keys_of(names[node] for node in nodes), strict=True))
    boxes = tuple(
        Box(
            keys[node],
            names[node],
            node.kind,
            kind_of(node),
            *form_of(values.get(node), node, forms.get(node)),
            value=summary(values[node]) if node in values else None,
            gradient=summary(gradients[node]) if node in gradients else None,
            formula="" if kind_of(node) in LEAVES else node.spelled([names.get(m, str(m)) for m in node.inbound_nodes]),
            made_at=node.made_at,
            is_output=node in results and not isinstance(node, Input | Constant),
        )
        for node in nodes
    )
    shapes = {box.key: box.shape for box in boxes}
    edges = tuple(
        Edge(keys[inbound], keys[node], shapes[keys[inbound]])
        for node in nodes
        for inbound in dict.fromkeys(node.inbound_nodes)
        if inbound in members
    )
    return Diagram(boxes, edges, (), keys)


def kind_of(node: Node) -> Kind:
    """What a node is in a graph."""
    if isinstance(node, Constant):
        return "constant"
    if isinstance(node, Parameter):
        return "parameter"
    if isinstance(node, Input):
        return "input"
    return "cost" if node.is_cost else "operation"


def form_of(value: Any, node: Node, known: str | None) -> tuple[tuple[int | None, ...] | None, str | None]:
    """Shape and dtype of a value, or what a program has seen of it: ``float32 (64, 10)``; as far as they are known."""
    if value is None:
        dtype, _, shape = (known or "").partition(" ")
        return literal_eval(shape) if shape else None, dtype or getattr(node, "dtype", None)
    if hasattr(value, "dtype"):
        return shape_of(value), dtypes.name_of(value)
    host = on_host(value)
    return (None, None) if host is None else (host.shape, None if isinstance(node, Constant) else host.dtype.name)


def left_on(nodes: Sequence[Node]) -> tuple[Found, Found]:
    """Values and gradients that a pass has left on the nodes; a gradient that nobody has looked at is not computed."""
    values = {node: node.value for node in nodes if node.value is not None}
    products = {node: computed(node) for node in nodes}
    gradients: dict[Node, Any] = {node: products[node][node] for node in nodes if node in products[node]}
    arriving: dict[Node, list[Any]] = {}
    for node in nodes:
        for inbound in dict.fromkeys(node.inbound_nodes):
            if inbound in products[node]:
                arriving.setdefault(inbound, []).append(on_host(products[node][inbound]))
    for node, parts in arriving.items():
        fit = all(part is not None for part in parts) and broadcast(*map(shape_of, parts)) is not None
        if fit and node not in gradients:
            gradients[node] = reduce(add, parts)
    if nodes and products[nodes[-1]] and shape_of(values.get(nodes[-1])) == ():
        gradients.setdefault(nodes[-1], 1.0)
    return values, gradients


def evaluated(nodes: Sequence[Node], outputs: Sequence[Node], feed: Any) -> tuple[Found, Found]:
    """Values for a feed and, where the last output is a scalar, gradients; the nodes keep what they have.

    The next pass has the number that this one has.
    """
    shown = [node for node in nodes if not isinstance(node, Constant)]
    values: dict[Node, Any] = {node: node.given for node in nodes if isinstance(node, Constant)}
    fed: dict[Any, Any] = {node: node.number + 1 for node in nodes if isinstance(node, Counter)}
    fed |= checked_feed(feed, "draw")
    values |= zip(shown, Program(shown)(fed).values, strict=True)
    cost = outputs[-1]
    if shape_of(values[cost]) != () or not dtypes.is_float(values[cost]):
        return values, {}
    below = dict.fromkeys(ancestors([cost]))
    needed = Wiring(list(below)).needed
    program = Program(cost, [node for node in shown if node in needed])
    return values, program({leaf: value for leaf, value in fed.items() if leaf in below}).gradients


def computed(node: Node) -> Mapping[Node, Any]:
    """The gradients on a node that are there."""
    found = node.gradients
    return found.computed() if isinstance(found, LazyGradients) else found
