"""A graph frozen for chosen outputs and gradients: which nodes run, in which order, when values are dropped."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from miniflow_xp.backend import Array, Capture, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.dtypes import name_of
from miniflow_xp.engine.guards import Guard, guards_of
from miniflow_xp.errors import CostError, GraphError, NoGradientError, ShapeError
from miniflow_xp.graph import ancestors, at_dtype, check_floats, release, reverse_pass
from miniflow_xp.node import Constant, Input, Node, products, thunks_of
from miniflow_xp.nodes.gradients import no_gradient
from miniflow_xp.nodes.wiring import depending
from miniflow_xp.recording.walks import last_reads

Steps = dict[Node, list[Node]]
"""{node: the nodes whose values nobody reads after it}, in the order in which they run."""

Call: TypeAlias = Callable[..., Any]
"""``call(node, direction, function, *arguments)`` makes a call of a run: forward, backward, or a step's own update."""


def called(_: Node | None, __: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """The call, and nothing else."""
    return function(*arguments)


class FrozenGraph:
    """What has to run for ``outputs`` and for the gradients of ``wrt``; a pure function of the leaves' arrays.

    ``aside``: nodes whose values are wanted too, last of the outputs, and have no part in the gradients. ``forms`` says
    in words what dtype and shape each node had when last checked.
    """

    def __init__(self, outputs: Sequence[Node], wrt: Sequence[Node] = (), aside: Sequence[Node] = ()) -> None:
        self.differentiated, self.wrt = list(outputs), list(wrt)
        self.outputs = [*outputs, *aside]
        order = ancestors(self.outputs)
        release(order)
        self.leaves = [n for n in order if isinstance(n, Input)]
        self.constants = [n for n in order if isinstance(n, Constant)]
        run = [n for n in order if not isinstance(n, Input | Constant)]
        for node in run:
            if not has_rule(node):
                raise GraphError(
                    str(node),
                    "it has its own forward and no rule",
                    "a frozen graph needs pure rules",
                    "Define compute and vjp",
                )
        members = set(order)
        for node in self.wrt:
            if node not in members:
                raise no_gradient(node, self.differentiated[-1])
        self.depends = depending(order, wrt)
        hand_on = set(ancestors(outputs)) if aside else members
        reverse = [n for n in reversed(run) if n in hand_on and not self.depends.isdisjoint(n.inbound_nodes)]
        self.forms: dict[Node, str] = {}
        self.forward, self.backward = last_uses(run, reverse, {*self.outputs, *wrt})

    def run(
        self,
        xp: Namespace,
        arrays: Sequence[Array],
        seeds: Mapping[Node, Array] | None = None,
        *,
        checks: bool = False,
        call: Call = called,
    ) -> "Run":
        """Values of the outputs and gradients of ``wrt``, by a plain loop; ``arrays`` are those of ``leaves``.

        ``seeds``: {output: the gradient to start from}; without one, a scalar output starts from 1. ``checks``: check
        shapes and dtypes too, and find the guards. ``call``: what makes the calls of the nodes' rules.
        """
        values: dict[Node, Any] = dict(zip(self.leaves, arrays, strict=True))
        values |= at_dtype(self.constants, arrays)
        guards: list[Guard] = []
        for node, dropped in self.forward.items():
            inputs = [values[m] for m in node.inbound_nodes]
            if checks:
                node.check(*inputs)
                guards += guards_of(node, inputs)
            values[node] = call(node, "forward", node.compute, xp, *inputs)
            if checks:
                self.forms[node] = f"{name_of(values[node])} {shape_of(values[node])}"
            for m in dropped:
                del values[m]
        outputs = [values[node] for node in self.outputs]
        return Run(outputs, self._backward(xp, values, self._seeds(xp, values, seeds or {}), call), guards)

    def _backward(
        self, xp: Namespace, values: dict[Node, Any], gradients: dict[Node, Array], call: Call
    ) -> list[Array]:
        """The gradients of ``wrt``, from those of the outputs; the values are dropped."""
        wanted = set(self.wrt)

        def hand_on(node: Node, gradient: Array | None) -> Mapping[Node, Array]:
            value, inputs = values[node], [values[m] for m in node.inbound_nodes]
            for m in self.backward[node]:
                del values[m]
            if gradient is None:
                return {}
            if node in wanted:
                gradients[node] = gradient
            found: Mapping[Node, Array] = call(
                node, "backward", handed_on, node, xp, gradient, value, inputs, self.depends
            )
            return found

        reverse_pass(self.backward, gradients, self.depends, hand_on)
        return [self._found(gradients, node) for node in self.wrt]

    def _seeds(self, xp: Namespace, values: Mapping[Node, Any], seeds: Mapping[Node, Array]) -> dict[Node, Array]:
        found: dict[Node, Array] = {}
        for node in self.differentiated if self.wrt else ():
            if node in seeds:
                found[node] = seeds[node]
                if shape_of(seeds[node]) != shape_of(values[node]):
                    raise ShapeError(
                        str(node),
                        f"its seed gradient is {shape_of(seeds[node])}",
                        f"a seed has the shape of the output, {shape_of(values[node])}",
                        "Reshape the seed",
                    )
            elif node in self.depends:
                if shape_of(values[node]) != ():
                    raise CostError(
                        str(node),
                        f"gradients are wanted of it and it has shape {shape_of(values[node])}",
                        "gradients start from a scalar, or from a seed",
                        "End in a loss, or pass seeds={output: gradient}",
                    )
                found[node] = xp.ones_like(values[node])
        return found

    def _found(self, gradients: Mapping[Node, Array], node: Node) -> Array:
        if node not in gradients:
            raise NoGradientError(
                str(node),
                "no gradient reaches it",
                "every path to the outputs has a node without one",
                "Leave it out of wrt",
            )
        check_floats([node])
        return gradients[node]


def handed_on(
    node: Node, xp: Namespace, gradient: Array, value: Array, inputs: Sequence[Any], wanted: Collection[Node]
) -> Mapping[Node, Array]:
    """The products of a node's rule."""
    return products(node, xp, thunks_of(node, xp, gradient, value, inputs), inputs, wanted)


class Run(NamedTuple):
    """What a run of a frozen graph gives; ``guards``: what is to be checked of the leaves' values, if it checked."""

    outputs: list[Array]
    gradients: list[Array]
    guards: list[Guard]


class Uncaptured(NamedTuple):
    """A step beside its capture: a pure function, ``function(xp, *arrays)``, and the arrays it is run on now."""

    function: Callable[..., list[Array]]
    arrays: list[Array]
    captured: Capture


class Runner:
    """Runs a frozen graph, with checks until a run is through; later ones have the same shapes, and its ``guards``."""

    def __init__(self, graph: FrozenGraph, call: Call = called) -> None:
        self.graph = graph
        self.call = call
        self.guards: list[Guard] = []
        self._checks = True

    def __call__(self, xp: Namespace, arrays: Sequence[Array], seeds: Mapping[Node, Array] | None = None) -> Run:
        run = self.graph.run(xp, arrays, seeds, checks=self._checks, call=self.call)
        if self._checks:
            self.guards, self._checks = run.guards, False
        return run


def has_rule(node: Node) -> bool:
    """Is the node's mathematics in its rule, and not in a ``forward`` or ``backward`` of its own?"""
    kind = type(node)
    own = kind.forward is not Node.forward or kind.backward is not Node.backward
    return kind.compute is not Node.compute and not own


def last_uses(run: Sequence[Node], reverse: Sequence[Node], kept: set[Node]) -> tuple[Steps, Steps]:
    """Both passes, each node with the values that nobody reads after it; those in ``kept`` stay."""
    ended = last_reads([*(n.inbound_nodes for n in run), *([n, *n.inbound_nodes] for n in reverse)], kept)
    return dict(zip(run, ended, strict=False)), dict(zip(reverse, ended[len(run) :], strict=True))
