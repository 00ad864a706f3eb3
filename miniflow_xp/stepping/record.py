"""What the nodes of a graph did in one pass, forward and backward, written down while it ran.

The pass is that of ``forward_and_backward``: each node's own ``forward``, then ``run_backward``, stopped after each
node to look at what it hands on. Nothing stays changed on the nodes.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.broadcasting import shape_of
from miniflow_xp.checks import shown
from miniflow_xp.engine.printing import names_of
from miniflow_xp.errors import GraphError
from miniflow_xp.feed import checked_feed
from miniflow_xp.gradcheck.differences import restored
from miniflow_xp.graph import (
    admit_leaves,
    ancestors,
    check_all_in,
    check_scalar,
    first_gradient,
    forget_gradients,
    needed_for,
    run_backward,
)
from miniflow_xp.node import Constant, Input, Node
from miniflow_xp.nodes.wiring import Wiring, check_sorted
from miniflow_xp.switch import get_backend

Arrays = list[tuple[Node, np.ndarray]]
"""Arrays, each with the node that it belongs to, comes from or goes to."""


class Forward(NamedTuple):
    """A node and its value, from those of its inbound nodes."""

    node: Node
    inputs: Arrays
    value: np.ndarray


class Backward(NamedTuple):
    """A node and its gradient: what arrived from each reader, the sum, and what it handed on to each inbound node.

    ``gradient`` is None where nothing arrived, as at a cost of a learner's own that starts by itself. Of a leaf,
    ``handed`` is empty, and ``whole`` what it keeps as its gradient.
    """

    node: Node
    arrived: Arrays
    gradient: np.ndarray | None
    handed: Arrays
    whole: np.ndarray | None


class Record(NamedTuple):
    """One pass: what was fed, each node forward, and each backward whose gradient was wanted.

    ``names``: a short one for each node. ``why_forward_only``: why there is no backward pass; empty where there is one.
    """

    graph: list[Node]
    names: dict[Node, str]
    fed: Arrays
    forward: list[Forward]
    backward: list[Backward]
    why_forward_only: str

    @property
    def feed(self) -> dict[Any, np.ndarray]:
        """{leaf: its value}, with which the pass can be run again."""
        return dict(self.fed)

    def taken(self, node: Node) -> Forward:
        """The forward step of a node."""
        return next(step for step in self.forward if step.node is node)


def record(
    graph: Node | Sequence[Node], feed: Mapping[Input, Any] | None = None, wrt: Iterable[Node] | None = None
) -> Record:
    """Run one pass of a node, or of a sorted list of nodes, and write it down.

    Without ``wrt``, a last node that is no scalar is walked forward only. Raises what ``forward_and_backward`` raises.
    """
    order = ancestors([graph]) if isinstance(graph, Node) else list(check_sorted(graph, "steps"))
    fed = checked_feed(feed, "steps")
    check_all_in(order, fed)
    if all(isinstance(node, Input | Constant) for node in order):
        raise GraphError("steps", f"it was given {shown(order[-1])}", "it walks through a graph", "Give it the cost")
    with get_backend().activate(), restored(order):
        wiring = Wiring(order)
        admit_leaves(wiring, fed)
        leaves: Arrays = [(leaf, host(leaf.value)) for leaf in wiring.leaves]
        forward = [step for node in order if (step := forward_step(node)) is not None]
        why = "" if wrt is not None else why_no_cost(order[-1])
        backward: list[Backward] = []
        if not why:
            check_scalar(order[-1])
            backward = backward_steps(order, wiring.needed if wrt is None else needed_for(wrt, order))
    return Record(order, names_of(order), leaves, forward, backward, why)


def forward_step(node: Node) -> Forward | None:
    """Run a node's ``forward``; None for a leaf, which has nothing to compute."""
    node.forward()
    if isinstance(node, Input | Constant):
        return None
    return Forward(node, [(inbound, host(inbound.value)) for inbound in node.inbound_nodes], host(node.value))


def backward_steps(graph: Sequence[Node], needed: Collection[Node]) -> list[Backward]:
    """The reverse pass, stopped after each node."""
    forget_gradients(graph, needed)
    gradients = first_gradient(graph[-1])
    arrived: dict[Node, Arrays] = {node: [] for node in graph}
    steps = []
    for node in reversed([node for node in graph if node in needed]):
        gradient = host(gradients[node]) if node in gradients else None
        run_backward([node], gradients, needed)
        given = {n: gradient for n, gradient in node.gradients.items() if n in needed and n is not node}
        handed = [(inbound, host(gradient)) for inbound, gradient in given.items()]
        for inbound, array in handed:
            arrived[inbound].append((node, array))
        whole = host(node.gradients[node]) if node in node.gradients else None
        steps.append(Backward(node, arrived[node], gradient, handed, whole))
    return steps


def why_no_cost(last: Node) -> str:
    """Why no gradient starts at the last node: it is no scalar; empty where it is one, or starts by itself."""
    shape = shape_of(last.value)
    if shape == () or type(last).backward is not Node.backward:
        return ""
    return f"{last} has shape {shape}, and gradients start from a scalar: end the graph with a loss, such as MSE(y, a)."


def host(value: Any) -> np.ndarray:
    """A copy as a NumPy array, which neither the nodes nor anybody else can change."""
    backend = get_backend()
    copy = np.array(backend.to_numpy(value) if backend.owns(value) else value)
    copy.flags.writeable = False
    return copy
