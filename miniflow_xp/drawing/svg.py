"""A scene as SVG: one text that needs nothing around it, and looks right in light, in dark and on paper."""

from collections import Counter
from collections.abc import Collection, Mapping

from miniflow_xp.drawing.arrows import STUB, edges_of
from miniflow_xp.drawing.boxes import KINDS, closed, drawn, frame
from miniflow_xp.drawing.cards import Card, card_of, card_of_group
from miniflow_xp.drawing.diagram import Box, Diagram, Group, by_key
from miniflow_xp.drawing.scene import ancestry, scene_of
from miniflow_xp.system.svg import NAMESPACE, beside, colours, tag, text

MARGIN = 14.0


def svg_of(
    diagram: Diagram,
    folded: Collection[str],
    title: str,
    shading: Mapping[str, float],
    notes: Mapping[str, str],
    prefix: str = "",
    links: Mapping[str, str] | None = None,
    cards: Mapping[str, Card] | None = None,
) -> str:
    """The picture.

    Of a page with several pictures of one diagram: ``prefix``, of all ids in it, ``links``: {group: where a click
    leads}, and ``cards``, which are the same in all; the page has the styles.
    """
    boxes, groups = by_key(diagram.boxes), by_key(diagram.groups)
    cards = cards or cards_of(diagram, notes)
    scene = scene_of(diagram, folded, {key: card.size for key, card in cards.items()})
    width, height = scene.width + 2 * MARGIN, scene.height + 2 * MARGIN + STUB / 2
    parts = [
        *edges_of(scene),
        *(frame(groups[key], rect, prefix, links) for key, rect in scene.frames.items()),
        *(
            drawn(boxes[key], cards[key], rect, shading.get(key), notes.get(key), prefix)
            if key in boxes
            else closed(groups[key], cards[key], rect, shading.get(key), prefix, links)
            for key, rect in scene.things.items()
        ),
    ]
    return tag(
        "svg",
        tag("title", text(title), id=f"{prefix}drawing-title"),
        tag("desc", text(about(diagram)), id=f"{prefix}drawing-about"),
        "" if links is not None else tag("style", styles()),
        tag("rect", class_="paper", width=width, height=height),
        tag("g", *parts, transform=f"translate({MARGIN:g} {MARGIN:g})"),
        xmlns=NAMESPACE,
        class_="drawing",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=round(width),
        height=round(height),
        style=f"min-width:{0.8 * width:.0f}px" if links is not None else None,
        role="group",
        aria_labelledby=f"{prefix}drawing-title {prefix}drawing-about",
    )


def cards_of(diagram: Diagram, notes: Mapping[str, str]) -> dict[str, Card]:
    """{key: what stands in the box, or in that of the folded group}."""
    groups, members = by_key(diagram.groups), boxes_in(diagram)
    cards = {box.key: card_of(box, names_around(box, groups), notes.get(box.key)) for box in diagram.boxes}
    return cards | {g.key: card_of_group(g, len(members[g.key]), notes.get(g.key)) for g in diagram.groups}


def styles() -> str:
    """The style sheet, with the colours of all pages, for pictures alone."""
    return colours().replace(":root", "svg.drawing") + beside(__package__, "drawing.css")


def names_around(box: Box, groups: Mapping[str, Group]) -> list[str]:
    """The names of the groups that a box is in, from inside."""
    return [groups[key].name for key in reversed(ancestry(box.group, groups))]


def about(diagram: Diagram) -> str:
    """What is drawn, for those who do not see it."""
    counted = Counter(box.kind for box in diagram.boxes)
    told = ", ".join(f"{counted[kind]} {kind}{'s' * (counted[kind] != 1)}" for kind in KINDS if counted[kind])
    return f"A graph of {told}; edges lead from each box to those that read its value."


def boxes_in(diagram: Diagram) -> dict[str, list[Box]]:
    """{key of a group: the boxes in it, those of inner groups too}."""
    groups = by_key(diagram.groups)
    found: dict[str, list[Box]] = {key: [] for key in groups}
    for box in diagram.boxes:
        for key in ancestry(box.group, groups):
            found[key].append(box)
    return found
