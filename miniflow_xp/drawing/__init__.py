"""draw: a graph, a program, a model or a function as a picture, made without running it and without other programs."""

from collections.abc import Mapping
from typing import Any

from miniflow_xp.drawing.diagram import Box, Diagram, Edge, Group
from miniflow_xp.drawing.drawing import Drawing
from miniflow_xp.drawing.graphs import diagram_of, evaluated, left_on
from miniflow_xp.drawing.summary import Summary
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.graph import ancestors
from miniflow_xp.node import Node
from miniflow_xp.nodes.wiring import check_sorted

__all__ = ["Box", "Diagram", "Drawing", "Edge", "Group", "Summary", "draw"]


def draw(
    what: Any,
    feed: Mapping[Node, Any] | None = None,
    *,
    title: str | None = None,
    shading: Mapping[str, float] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Drawing:
    """A picture of a node and what it depends on, of a sorted graph, a Program or a Trainer.

    What a pass has left on the nodes, values and gradients, is in it; nothing is run, and nothing is changed. With a
    ``feed`` it shows those of a pass that leaves nothing on the nodes.
    ``shading``: {key of a box: from 0 to 1}; ``notes``: {key of a box: one more line in it}.
    """
    if isinstance(what, Program | Trainer):
        outputs = what.graph.differentiated if isinstance(what, Trainer) else what.graph.outputs
        nodes = ancestors(outputs)
    elif isinstance(what, Node):
        outputs, nodes = [what], ancestors([what])
    else:
        nodes = list(check_sorted(what, "draw"))
        outputs = nodes[-1:]
    diagram = diagram_of(nodes, outputs, *(left_on(nodes) if feed is None else evaluated(nodes, outputs, feed)))
    return Drawing(diagram, title or f"{outputs[-1].kind} graph", (), shading, notes)
