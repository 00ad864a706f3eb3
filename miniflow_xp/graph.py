"""The lesson's face: sort a graph, run it forward, run it backward.

The reverse pass is ``reverse_pass``: from the cost back to the leaves, each node hands the gradient that has arrived on
to its inbound nodes, through its rule. The lesson's functions, Programs, Trainers and ``gradcheck`` all run it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Reversible, Sequence
from typing import Any, TypeAlias

from miniflow_xp import dtypes
from miniflow_xp.backend import Array
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.checks import shown
from miniflow_xp.errors import CostError, CycleError, DtypeError, GraphError, NotInGraphError
from miniflow_xp.feed import admit, checked_feed, looks_of
from miniflow_xp.node import Constant, Input, Node, as_nodes
from miniflow_xp.nodes.gradients import Gradients
from miniflow_xp.nodes.readers import Readers
from miniflow_xp.nodes.wiring import Wiring, between, declared_integer, wiring_of
from miniflow_xp.switch import get_backend

State: TypeAlias = tuple[Node, Any, MutableMapping[Node, Array]]
"""A node, its value and its gradients."""

HandOn: TypeAlias = Callable[[Node, Array | None], Mapping[Node, Array]]
"""``hand_on(node, gradient)`` gives the products of a node's rule: {inbound node: gradient}."""


def topological_sort(feed_dict: Mapping[Input, Any], output: Node | None = None) -> list[Node]:
    """Nodes in an order in which each comes after its inbound nodes; sets the fed values.

    ``feed_dict``: {Input: data}, in anything that NumPy takes or arrays of the backend in use. Without ``output``, the
    list holds every node that the fed ones reach and what these depend on, and a loss comes last; with it, only what
    ``output`` depends on. The order is the same on every run; time is linear in nodes and edges.
    Raises GraphError, CycleError, NotInGraphError, UnfedError, FeedError or DtypeError, and then changes nothing.
    """
    feed_dict = checked_feed(feed_dict, "topological_sort")
    for node in feed_dict:
        if not isinstance(node, Input):
            raise GraphError(
                str(node), "it was fed", "only Inputs and Parameters can be fed", "Feed the Inputs that it depends on"
            )
    order = ancestors(last_nodes(feed_dict) if output is None else as_nodes(output, "topological_sort, output"))
    check_all_in(order, feed_dict)
    wiring = Wiring(order)
    admit_leaves(wiring, feed_dict)
    reconnect(order)
    if output is not None:
        release(order)
    if order:
        order[-1].last_wiring = wiring
    return order


def forward_pass(output_node: Node | Sequence[Node], sorted_nodes: Sequence[Node] | None = None) -> Array:
    """Run every ``forward`` in order; returns the value of ``output_node``.

    ``forward_pass(output_node, sorted_nodes)``, or ``forward_pass(sorted_nodes)`` for the value of the last node.
    Where a node raises, all nodes keep their earlier values.
    """
    graph: Any = output_node if sorted_nodes is None else sorted_nodes
    wiring = wiring_of(graph, "forward_pass")
    if sorted_nodes is not None and not any(node is output_node for node in graph):
        raise NotInGraphError(
            "forward_pass",
            f"it was given {shown(output_node)}",
            "it takes a node and a sorted list that holds it",
            "Call forward_pass(node, topological_sort(feed_dict))",
        )
    before = state_of(graph)
    try:
        with get_backend().activate():
            admit_leaves(wiring)
            for node in graph:
                node.forward()
    except BaseException:
        put_back(before)
        raise
    return output_node.value if isinstance(output_node, Node) else graph[-1].value


def forward_and_backward(graph: Sequence[Node], wrt: Iterable[Node] | None = None) -> None:
    """Run every ``forward`` in order, then ``backward`` in reverse: the gradients of the last node, the cost.

    ``wrt``: the nodes whose gradients are wanted; only what these need is computed. Without it: the graph's Parameters
    or, where it has none, as in the lesson, every Input, but for those declared integers. Afterwards
    ``node.gradients[m]`` is the cost's gradient that reaches ``m`` through ``node``, and ``x.gradients[x]`` the whole
    gradient of an Input.
    Raises what ``forward_pass`` raises, CostError where the cost is no scalar, NoGradientError where the cost does not
    depend on a node in ``wrt``, DtypeError where one is declared integer; then all nodes keep their earlier values and
    gradients.
    """
    wiring = wiring_of(graph, "forward_and_backward")
    before = state_of(graph)
    try:
        with get_backend().activate():
            admit_leaves(wiring)
            for node in graph:
                node.forward()
            check_scalar(graph[-1])
            backward_pass(wiring, wiring.needed if wrt is None else needed_for(wrt, graph))
    except BaseException:
        put_back(before)
        raise


def backward_pass(wiring: Wiring, needed: dict[Node, None]) -> None:
    """The reverse pass, over nodes that have values; ``needed``: those whose ``backward`` has to run, in order."""
    graph = wiring.nodes
    if len(needed) < len(graph) or not wiring.is_closed():
        forget_gradients(graph, needed)
    run_backward(needed, first_gradient(graph[-1]), needed)


def first_gradient(cost: Node) -> dict[Node, Array]:
    """What the reverse pass starts from: {cost: 1}; nothing, where the cost is no scalar and starts by itself."""
    backend = get_backend()
    starts = backend.owns(cost.value) and shape_of(cost.value) == ()
    return {cost: backend.xp.ones_like(cost.value)} if starts else {}


def run_backward(graph: Reversible[Node], gradients: dict[Node, Array], wanted: Collection[Node]) -> None:
    """The reverse pass by each node's ``backward``, which leaves the products of its rule on the node."""

    def hand_on(node: Node, gradient: Array | None) -> Mapping[Node, Array]:
        node.turn, node.gradients = (gradient, wanted), {}
        try:
            node.backward()
        finally:
            node.turn = None
        return node.gradients

    reverse_pass(reversed(graph), gradients, wanted, hand_on)


def reverse_pass(
    nodes: Iterable[Node], gradients: dict[Node, Array], wanted: Collection[Node], hand_on: HandOn
) -> None:
    """Back-propagation: when a node's turn comes, all that read it had theirs, and its gradient is complete.

    ``nodes``: each before its inbound nodes. ``gradients``: {node: the sum of what has arrived there}, at first those
    of the outputs; at its turn a node's is taken out, None where nothing arrived. What reaches others than ``wanted``
    nodes goes no further.
    """
    for node in nodes:
        for inbound, gradient in hand_on(node, gradients.pop(node, None)).items():
            if inbound in wanted:
                gradients[inbound] = gradients[inbound] + gradient if inbound in gradients else gradient


def ancestors(outputs: Iterable[Node]) -> list[Node]:
    """``outputs`` and all that they depend on, each node after its inbound nodes; raises CycleError.

    Depth first, without recursion: a chain may be as long as memory allows.
    """
    order: list[Node] = []
    done: dict[Node, bool] = {}  # False while the nodes below are being visited
    for output in outputs:
        stack = [(output, iter(output.inbound_nodes))] if output not in done else []
        done.setdefault(output, False)
        while stack:
            node, rest = stack[-1]
            inbound = next(rest, None)
            if inbound is None:
                done[node] = True
                order.append(node)
                stack.pop()
            elif inbound not in done:
                done[inbound] = False
                stack.append((inbound, iter(inbound.inbound_nodes)))
            elif not done[inbound]:
                path = [n for n, _ in stack]
                raise cycle([*path[path.index(inbound) :], inbound])
    return order


def last_nodes(leaves: Iterable[Node]) -> list[Node]:
    """The nodes that ``leaves`` reach and that feed no other, by age, losses last; then all others, for cycles."""
    reached = dict.fromkeys(leaves)
    todo = list(reached)
    while todo:
        for outbound in todo.pop().outbound_nodes:
            if outbound not in reached:
                reached[outbound] = None
                todo.append(outbound)
    inner = {inbound for node in reached for inbound in node.inbound_nodes}
    return [*sorted((n for n in reached if n not in inner), key=lambda n: (n.is_cost, n.serial)), *reached]


def needed_for(wrt: Iterable[Node], graph: Sequence[Node]) -> dict[Node, None]:
    """The nodes whose ``backward`` has to run for these gradients, in order; raises NoGradientError or DtypeError."""
    targets = as_nodes(wrt, "wrt")
    check_floats(targets)
    return between(targets, graph, required=True)


def check_floats(targets: Iterable[Node]) -> None:
    """Raise DtypeError for a leaf declared integer whose gradient is wanted: a step along it leaves the integers."""
    for node in targets:
        if isinstance(node, Input) and declared_integer(node):
            raise DtypeError(
                str(node),
                f"it is declared {node.dtype}, and its gradient is wanted",
                "gradients are of floats",
                "Declare it dtype=float, or name the nodes that are floats",
            )


def admit_leaves(wiring: Wiring, feed: Mapping[Input, Any] | None = None) -> None:
    """Bring what was fed, or set as ``value`` of a leaf, to the backend."""
    backend = get_backend()
    raw = {leaf: leaf.value for leaf in wiring.leaves}
    if feed:
        raw.update(feed)
    looks = looks_of(raw, backend)
    admitted = raw if looks == wiring.admitted else admit(raw, backend)
    wiring.admitted = looks if admitted is raw else None
    for leaf, value in admitted.items():
        leaf.value = value  # also where it is the same: a Counter of passes begins one by it
    if wiring.constants:
        for constant, value in at_dtype(wiring.constants, admitted.values()).items():
            constant.value = value


def at_dtype(constants: Sequence[Constant], leaves: Iterable[Array]) -> dict[Node, Any]:
    """{constant: it as the rules are handed it}, in a graph of these leaves."""
    if not constants:
        return {}
    backend, dtype = get_backend(), dtypes.widest({dtypes.name_of(array) for array in leaves})
    return {constant: constant.at(backend, dtype) for constant in constants}


def forget_gradients(graph: Sequence[Node], needed: Collection[Node] = ()) -> None:
    """Clear gradients of an earlier pass: of the graph's nodes, and of others that would pass theirs on to it.

    ``needed``: those that a pass sets anew, each at its turn, before another one reads them.
    """
    for node in graph:
        if node not in needed:
            node.gradients = Gradients.of(node)
        for reader in node.outbound_nodes:
            if reader not in needed:
                reader.gradients = Gradients.of(reader)


def reconnect(order: Sequence[Node]) -> None:
    """Enter each node once in the ``outbound_nodes`` of its inbound nodes, which may have been edited by hand."""
    known = {node: set(node.outbound_nodes) for node in order}
    for node in order:
        for inbound in node.inbound_nodes:
            if node not in known[inbound]:
                known[inbound].add(node)
                inbound.outbound_nodes.append(node)


def release(order: Sequence[Node]) -> None:
    """Let the leaves keep these nodes no longer: their output is held by whoever asked for it, and holds the others."""
    for node in order:
        for inbound in node.inbound_nodes:
            if isinstance(inbound.outbound_nodes, Readers):
                inbound.outbound_nodes.release(node)


def state_of(graph: Sequence[Node]) -> list[State]:
    """What a pass changes of these nodes."""
    return [(node, node.value, node.gradients) for node in graph]


def put_back(before: Iterable[State]) -> None:
    """Give nodes the values and gradients back that they had before a pass that raised."""
    for node, value, gradients in before:
        node.value, node.gradients = value, gradients


def check_all_in(order: Sequence[Node], fed: Iterable[Node]) -> None:
    """Raise NotInGraphError where a fed node has no part in the graph."""
    members = set(order)
    lonely = len(members) > 1
    for node in fed:
        if node not in members or (lonely and not node.outbound_nodes):
            raise NotInGraphError(
                str(node), "it was fed", "no node of this graph reads it", "Take it out of the feed, or use it"
            )


def check_scalar(cost: Node) -> None:
    """Raise CostError where the value of the last node is not one number."""
    shape = shape_of(cost.value)
    if shape != () and type(cost).backward is Node.backward:
        raise CostError(
            str(cost),
            f"it is the cost and has shape {shape}",
            "gradients start from a scalar",
            "End the graph with a loss, such as MSE(y, a)",
        )


def cycle(path: Sequence[Node]) -> CycleError:
    """The error for nodes that depend on themselves, in the order of the cycle."""
    names = " <- ".join(str(node) for node in path[:8]) + (" <- …" if len(path) > 8 else "")
    return CycleError(
        str(path[0]),
        f"it depends on itself: {names}",
        "a graph has no cycles",
        "Mend the inbound_nodes of one of these",
    )
