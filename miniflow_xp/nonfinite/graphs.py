"""The search in a graph: one pass over its nodes, forward and backward, that leaves nothing on them."""

from collections.abc import Mapping, Sequence
from typing import Any

from miniflow_xp.backend import Array
from miniflow_xp.errors import MiniflowError
from miniflow_xp.gradcheck.differences import restored
from miniflow_xp.graph import admit_leaves, ancestors, check_all_in, forget_gradients, reverse_pass, run_backward
from miniflow_xp.node import Constant, Elementwise, Input, Node
from miniflow_xp.nodes.wiring import Wiring, default_targets, depending
from miniflow_xp.nonfinite.findings import Came, Finding, Step, Trail, is_finite, origin
from miniflow_xp.nonfinite.functions import ELEMENTWISE
from miniflow_xp.ops.function import Call
from miniflow_xp.switch import get_backend


def search_graph(
    outputs: Sequence[Node], wrt: Sequence[Node] | None = None, feed: Mapping[Input, Any] | None = None
) -> Finding | None:
    """Where the values of ``outputs``, then the gradients of their sum, stop being finite; None where nothing does.

    ``wrt``: the nodes whose gradients are looked at; by default the Parameters, or the Inputs of a graph without.
    """
    order = ancestors(outputs)
    check_all_in(order, feed or {})
    backend = get_backend()
    with backend.activate(), restored(order):
        wiring = Wiring(order)
        admit_leaves(wiring, feed)
        found = forward(order, outputs)
        if found is None:
            targets = default_targets(wiring.leaves) if wrt is None else wrt
            reached = depending(order, targets)
            found = backward([node for node in order if node in reached], outputs, targets)
    return found


def forward(order: Sequence[Node], outputs: Sequence[Node]) -> Finding | None:
    """The finding of the forward pass; where NaN makes a node raise, that of the last value before it."""
    trail = Trail()
    try:
        for node in order:
            node.forward()
            if not isinstance(node, Constant):
                trail.add(step_of(node, node.value))
    except (MiniflowError, FloatingPointError):
        if not trail.steps:
            raise
        return trail.of_last()
    return next((trail.began(node.value) for node in outputs if not is_finite(node.value)), None)


def backward(graph: Sequence[Node], outputs: Sequence[Node], targets: Sequence[Node]) -> Finding | None:
    """The finding of the reverse pass over ``graph``, from ones."""
    xp, owns = get_backend().xp, get_backend().owns
    seeds = {node: xp.ones_like(node.value) for node in outputs if node in graph and owns(node.value)}
    forget_gradients(graph)
    run_backward(graph, dict(seeds), set(graph))
    came: Came = {}

    def look(node: Node, gradient: Array | None) -> Mapping[Node, Array]:
        if node not in came and not is_finite(gradient):
            parts = [reader.gradients[node] for reader in graph if reader is not node and node in reader.gradients]
            name, line = f"the sum of gradients of {node}", node.made_at or None
            came[node] = None, Step(name, "add", line, gradient, parts[1:], "backward", parts[0])
        if isinstance(node, Input):
            return {}
        for inbound, given in node.gradients.items():
            if not is_finite(given):
                came.setdefault(inbound, (node, step_of(node, given, "backward", gradient)))
        return node.gradients

    reverse_pass(reversed(graph), seeds, set(graph), look)  # once more, over what the pass has left on the nodes
    return origin(came, targets)


def step_of(node: Node, value: Any, direction: str = "forward", gradient: Any = None) -> Step:
    """What a node did; ``value``: its value, or backward a gradient that it handed on."""
    inputs: Sequence[Any] = [inbound.value for inbound in node.inbound_nodes]
    if isinstance(node, Call):
        inputs, _ = node.given(get_backend().xp, inputs)  # with the numbers among them
    is_elementwise = isinstance(node, Elementwise) or node.kind in ELEMENTWISE
    return Step(str(node), node.kind, node.made_at or None, value, inputs, direction, gradient, is_elementwise)
