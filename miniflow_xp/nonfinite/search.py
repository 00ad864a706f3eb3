"""find_nonfinite: where NaN and infinity began, in a graph or in a function of arrays."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from miniflow_xp import checks
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.feed import checked_feed
from miniflow_xp.node import Node
from miniflow_xp.nodes.wiring import check_sorted
from miniflow_xp.nonfinite.findings import Finding
from miniflow_xp.nonfinite.functions import FunctionSearch
from miniflow_xp.nonfinite.graphs import search_graph


def find_nonfinite(
    what: Node | Sequence[Node] | Program | Trainer | Callable[..., Any], *given: Any, **keywords: Any
) -> Finding | None:
    """Where NaN or infinity began, forward or else backward: node or function, line, element, and what came in.

    ``find_nonfinite(program, feed)`` looks at a Program, at a Trainer's step, at a node or a sorted graph;
    ``find_nonfinite(f, *args, **keywords)`` at a function of arrays. It is run once, and then its gradients, from ones.
    None where all results and all gradients are finite: what ``where`` leaves out is no matter, unless its gradient is.
    """
    with np.errstate(all="ignore"):  # this is what is looked for
        if isinstance(what, Program | Trainer):
            graph = what.graph
            return search_graph(graph.differentiated, graph.wrt, feed_of(*given, **keywords))
        if isinstance(what, Node):
            return search_graph([what], None, feed_of(*given, **keywords))
        if isinstance(what, list | tuple):
            return search_graph(check_sorted(what, "find_nonfinite")[-1:], None, feed_of(*given, **keywords))
        rule = "it takes a graph, or a function of arrays"
        function: Any = checks.function(what, "find_nonfinite", rule, "Write find_nonfinite(f, x)")
        return FunctionSearch()(function, given, keywords)


def feed_of(feed: Any = None) -> Any:
    """What a graph is fed."""
    return checked_feed(feed, "find_nonfinite")
