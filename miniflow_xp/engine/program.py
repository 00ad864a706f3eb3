"""Program: a graph frozen for chosen outputs and gradients, captured, and run without leaving anything on its nodes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from miniflow_xp.backend import Array, Capture
from miniflow_xp.engine.captures import CaptureCache
from miniflow_xp.engine.frozen import Call, FrozenGraph, Runner, Uncaptured, called
from miniflow_xp.engine.printing import equations
from miniflow_xp.errors import GraphError, NotInGraphError
from miniflow_xp.feed import checked_feed
from miniflow_xp.given import as_array
from miniflow_xp.node import Input, Node, as_nodes
from miniflow_xp.switch import get_backend
from miniflow_xp.system.notebooks import ShownAsText


class Result(NamedTuple):
    """What a Program returns: ``values`` in the form of its outputs (one, or a list), and {node: gradient}."""

    values: Any
    gradients: dict[Node, Array]


class Program(ShownAsText):
    """Values of ``outputs``, one node or several, and the gradients of their sum with respect to ``wrt``.

    ``program(feed)`` takes {Input: data} as ``topological_sort`` does and runs only what outputs and gradients need.
    It may be called by several threads, and shares nodes with other Programs. For each signature (shapes, dtypes,
    backend) the step is captured once. ``print(program)`` shows its equations. Raises NoGradientError for a node in
    ``wrt`` that no output depends on, DtypeError for one that is declared integer, CostError where a gradient is wanted
    of an output that is neither a scalar nor in ``seeds``, and what ``topological_sort`` raises.
    """

    def __init__(self, outputs: Node | Sequence[Node], wrt: Node | Iterable[Node] = ()) -> None:
        self._single = isinstance(outputs, Node)
        listed = as_nodes(outputs, "Program")
        if not listed:
            raise GraphError("Program", "it has no outputs", "it needs at least one", "Name the nodes that you want")
        self._graph = FrozenGraph(listed, as_nodes(wrt, "Program, wrt"))
        self._captures = CaptureCache(self.graph.leaves, f"Program of {listed[-1]}")

    @property
    def graph(self) -> FrozenGraph:
        """What is run."""
        return self._graph

    def __call__(self, feed: Mapping[Input, Any] | None = None, seeds: Mapping[Node, Any] | None = None) -> Result:
        """Values and gradients for a feed. ``seeds``: {output: the gradient to start from}, in the output's shape."""
        captured, arrays, _ = self._prepare(feed, seeds)
        results = captured(*arrays)
        count = len(self.graph.outputs)
        values = list(results[:count])
        gradients = dict(zip(self.graph.wrt, results[count:], strict=True))
        return Result(values[0] if self._single else values, gradients)

    def uncaptured(
        self, feed: Mapping[Input, Any] | None = None, seeds: Mapping[Node, Any] | None = None, call: Call = called
    ) -> Uncaptured:
        """What a call captures, as a plain function and the arrays for it; ``call`` makes the calls of the rules."""
        captured, arrays, started = self._prepare(feed, seeds)
        return Uncaptured(self._function(started, call)[0], arrays, captured)

    def _prepare(
        self, feed: Mapping[Input, Any] | None, seeds: Mapping[Node, Any] | None
    ) -> tuple[Capture, list[Array], tuple[Node, ...]]:
        """The capture, the arrays to call it with, and the nodes that are given seeds."""
        name = self._captures.name
        feed, starts = checked_feed(feed, name), checked_feed(seeds, f"{name}, seeds")
        started = tuple(starts)
        for node in started:
            if node not in self.graph.outputs:
                raise NotInGraphError(
                    str(node), "it is given a seed gradient", "seeds belong to outputs", "Make it one of the outputs"
                )
        extra = [as_array(node, starts[node], get_backend()) for node in started]
        captured, arrays = self._captures.prepare(feed, extra, started, self._function)
        return captured, arrays, started

    def _function(self, started: tuple[Node, ...], call: Call = called) -> tuple[Callable[..., list[Array]], Runner]:
        leaves, run = len(self.graph.leaves), Runner(self.graph, call)

        def step(xp: Any, *args: Array) -> list[Array]:
            seeds = dict(zip(started, args[leaves:], strict=True))
            outputs, gradients, _ = run(xp, args[:leaves], seeds)
            return [*outputs, *gradients]

        return step, run

    def explain(self) -> str:
        """What the last capture did, or why it fell back to the plain loop."""
        return self._captures.how

    def __str__(self) -> str:
        return equations(self.graph) + f"\n{self.explain()}"
