"""The page: the drawn graph, and the steps beside it; one file that needs no network.

Without scripts, and on paper, all steps stand one under the other.
"""

import re
from dataclasses import replace

import numpy as np

from miniflow_xp.broadcasting import shape_of
from miniflow_xp.drawing import Diagram, Drawing
from miniflow_xp.drawing.folding import folded, in_parts
from miniflow_xp.drawing.graphs import diagram_of
from miniflow_xp.drawing.groups import with_layers
from miniflow_xp.drawing.scene import ancestry
from miniflow_xp.node import Constant, Input, Node
from miniflow_xp.stepping.html import math, section
from miniflow_xp.stepping.record import Record
from miniflow_xp.stepping.told import ALL_RIGHT, MARKS, SOME_WRONG, Told, all_right, faulty
from miniflow_xp.stepping.verdicts import Verdict
from miniflow_xp.system.page import page as framed
from miniflow_xp.system.svg import beside, text

SMALLEST = 0.75
"""How much smaller than it is drawn the graph may be shown, to fit."""

TITLE = "Back-propagation, step by step"


def page(record: Record, verdicts: dict[Node, Verdict], steps: list[Told]) -> str:
    """The page as HTML."""
    drawing = drawn(record, verdicts)
    groups = {group.key: group for group in drawing.diagram.groups}
    homes = {box.key: box.group for box in drawing.diagram.boxes}

    def keys(node: Node) -> str:
        own = drawing.key_of(node)
        return ",".join([own, *reversed(ancestry(homes[own], groups))])

    sections = "".join(section(n, step, record.names, keys) for n, step in enumerate(steps, 1))
    body = (
        f"<header><h1>{TITLE}</h1>{overall(record, verdicts, steps)}{controls(len(steps))}</header>"
        f'<main><figure class="graph" tabindex="0" aria-label="The graph">{drawing.svg}</figure>'
        f'<div id="steps">{sections}</div></main>'
    )
    styles = beside(__package__, "page.css") + smallest(drawing)
    return framed(TITLE, styles, body, beside(__package__, "page.js"))


def drawn(record: Record, verdicts: dict[Node, Verdict]) -> Drawing:
    """The graph with the values and gradients of this pass; wrong nodes say so."""
    values: dict[Node, np.ndarray] = {step.node: step.value for step in record.forward} | dict(record.fed)
    values |= {node: node.given for node in record.graph if isinstance(node, Constant)}
    gradients = {step.node: step.gradient for step in record.backward if step.gradient is not None}
    diagram = diagram_of(record.graph, record.graph[-1:], values, gradients, {})
    diagram = in_parts(with_layers(small(diagram), record.graph))
    wrong = {diagram.keys[n]: "✗ wrong" for n, v in verdicts.items() if v.word == "wrong" and not isinstance(n, Input)}
    return Drawing(diagram, TITLE, folded(diagram), notes=wrong)


def small(diagram: Diagram) -> Diagram:
    """The diagram without its arrays where any is too large to be written out: they stand beside the graph."""
    arrays = [array for box in diagram.boxes for array in (box.value, box.gradient) if array is not None]
    if all(array.numbers for array in arrays):
        return diagram
    boxes = [box if box.shape == () else replace(box, value=None, gradient=None) for box in diagram.boxes]
    return replace(diagram, boxes=tuple(boxes))


def smallest(drawing: Drawing) -> str:
    """How small the graph may become."""
    width = float(re.search(r'<svg[^>]* width="([\d.]+)"', drawing.svg)[1])  # type: ignore[index]  # each has one
    return f".graph svg{{min-width:{SMALLEST * width:.0f}px}}"


def overall(record: Record, verdicts: dict[Node, Verdict], steps: list[Told]) -> str:
    """What was found, and where."""
    cost = record.graph[-1]
    words = f"One pass of {record.names[cost]}"
    if shape_of(record.taken(cost).value) == ():
        words += f" = {record.taken(cost).value:.6g}"
    words += f": {len(record.forward)} nodes forward, {len(record.backward)} backward."
    said = [f"<p class='sub'>{math(words)} {math(record.why_forward_only)}</p>"]
    links = [
        f'<a href="#step-{n}">{text(node.kind)} {text(record.names[node])}</a>' for node, n in faulty(verdicts, steps)
    ]
    if links:
        said.append(conclusion("wrong", f"{SOME_WRONG} {', '.join(links)}"))
    elif all_right(verdicts):
        said.append(conclusion("right", ALL_RIGHT))
    return "".join(said)


def conclusion(word: str, content: str) -> str:
    """What was found about all nodes."""
    return f"<p class='verdict {word}'><span aria-hidden='true'>{MARKS[word]}</span> {content}</p>"


def controls(count: int) -> str:
    """Buttons and slider; a script shows them."""
    button = '<button type="button" id="{0}" aria-keyshortcuts="{1}" title="{2} ({1})">{3}</button>'
    return (
        '<div class="controls" role="group" aria-label="Walk through the steps" hidden>'
        + button.format(
            "first", "Home", "first step", '<span aria-hidden="true">|◀</span><span class="said">first</span>'
        )
        + button.format("back", "ArrowLeft", "step back", '<span aria-hidden="true">◀</span> back')
        + f'<input type="range" id="slider" min="1" max="{count}" value="1" step="1" aria-label="Step">'
        + button.format("next", "ArrowRight", "next step", 'next <span aria-hidden="true">▶</span>')
        + button.format("last", "End", "last step", '<span aria-hidden="true">▶|</span><span class="said">last</span>')
        + '<output id="where" for="slider" aria-live="polite"></output></div>'
    )
