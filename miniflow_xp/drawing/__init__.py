"""draw: a graph, a program, a model or a function as a picture, made without other programs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from miniflow_xp.checks import as_number, of_kind, shown, truth
from miniflow_xp.drawing.diagram import Box, Diagram, Edge, Group, by_key
from miniflow_xp.drawing.drawing import Drawing
from miniflow_xp.drawing.folding import folded, in_parts
from miniflow_xp.drawing.functions import diagram_of_function
from miniflow_xp.drawing.graphs import diagram_of, evaluated, left_on
from miniflow_xp.drawing.groups import with_layers
from miniflow_xp.drawing.summary import Summary
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import SettingError
from miniflow_xp.graph import ancestors
from miniflow_xp.layers.layer import Layer
from miniflow_xp.node import Input, Node
from miniflow_xp.nodes.wiring import check_sorted

__all__ = ["Box", "Diagram", "Drawing", "Edge", "Group", "Summary", "draw"]


def draw(
    what: Node | Sequence[Node] | Program | Trainer | Layer | Callable[..., Any],
    feed: Any = None,
    *arguments: Any,
    title: str | None = None,
    fold: bool | None = None,
    shading: Mapping[str, float] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Drawing:
    """A picture of a graph: of a node and what it depends on, a sorted list of nodes, a Program, a Trainer, a layer.

    ``draw(graph)`` shows what a pass has left on the nodes, and runs and changes nothing. ``draw(graph, feed)`` shows
    the values and gradients of a pass that leaves nothing on the nodes; a layer is fed one array. ``draw(f, x, …)``
    shows the equations of a function, which is run once with these arguments, to be recorded.

    ``fold``: whether groups, such as layers, are one box each; without it they are in a graph of more than 200 boxes.
    ``shading``: {key of a box: from 0 to 1}; ``notes``: {key of a box: one more line in it}.
    """
    if title is not None:
        of_kind(title, str, "draw, title", "a title is text", "Write title='The network'")
    if arguments and isinstance(what, Node | Sequence | Program | Trainer | Layer):
        raise SettingError(
            "draw", f"{1 + len(arguments)} feeds are given", "a graph takes one", "Write draw(graph, feed)"
        )
    diagram, name = diagram_and_name(what, feed, arguments)
    diagram = in_parts(diagram)
    check_keys(diagram, shading, "draw, shading", lambda part: as_number(part) is not None, "numbers from 0 to 1")
    check_keys(diagram, notes, "draw, notes", lambda note: isinstance(note, str), "texts")
    every = [group.key for group in diagram.groups]
    closed = folded(diagram) if fold is None else every if truth(fold, "draw, fold") else ()
    return Drawing(diagram, title or name, closed, shading, notes)


def diagram_and_name(what: Any, feed: Any, arguments: tuple[Any, ...]) -> tuple[Diagram, str]:
    """The diagram of whatever can be drawn, and what it is called."""
    if isinstance(what, Layer):
        x = Input("x")
        return of_graph([what(x)], None if feed is None else {x: feed}), what.chosen_name or what.kind
    if isinstance(what, Program | Trainer):
        graph = what.graph
        outputs = graph.differentiated if isinstance(what, Trainer) else graph.outputs
        return of_graph(outputs, feed, graph.forms), f"{type(what).__name__} of {outputs[-1].kind}"
    if isinstance(what, Node):
        return of_graph([what], feed), str(what.name or what.kind)
    if isinstance(what, list | tuple):
        nodes = list(check_sorted(what, "draw"))
        return of_graph(nodes[-1:], feed, nodes=nodes), str(nodes[-1].name or nodes[-1].kind)
    return diagram_of_function(what, () if feed is None and not arguments else (feed, *arguments))


def of_graph(
    outputs: Sequence[Node], feed: Any, forms: Mapping[Node, str] | None = None, nodes: Sequence[Node] | None = None
) -> Diagram:
    """The diagram of the nodes that these depend on, or of sorted ones."""
    nodes = ancestors(outputs) if nodes is None else nodes
    found = left_on(nodes) if feed is None else evaluated(nodes, outputs, feed)
    return with_layers(diagram_of(nodes, outputs, *found, forms or {}), nodes)


def check_keys(diagram: Diagram, given: Any, name: str, holds: Callable[[Any], bool], what: str) -> None:
    """Raise SettingError unless it has keys of the diagram, and for each of them something for which this ``holds``."""
    rule, remedy = f"it has {what} by the keys of boxes", "Write {drawing.key_of(node): ...}"
    keys = by_key(diagram.boxes).keys() | by_key(diagram.groups).keys()
    for key, value in of_kind({} if given is None else given, Mapping, name, rule, remedy).items():
        if key not in keys:
            raise SettingError(name, f"nothing has the key {shown(key)}", rule, remedy)
        if not holds(value):
            raise SettingError(name, f"of {key} it is {shown(value)}", rule, remedy)
