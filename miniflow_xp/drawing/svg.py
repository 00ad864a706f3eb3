"""A scene as SVG: one text that needs nothing around it, and looks right in light, in dark and on paper."""

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from itertools import pairwise

from miniflow_xp.drawing.cards import WORD, Card, card_of, card_of_group, spelled_shape
from miniflow_xp.drawing.diagram import Box, Diagram, Edge, Group, by_key
from miniflow_xp.drawing.places import Point
from miniflow_xp.drawing.scene import Rect, ancestry, scene_of
from miniflow_xp.system.svg import NAMESPACE, colours, label, letters, tag, text

MARGIN = 14.0
APART = 20.0  # between the ends of edges that come in side by side
STUB = 20.0  # length of the arrow of a result
HEAD = 7.0  # height of an arrow's head
KINDS = {"input": "input", "parameter": "parameter", "constant": "constant", "operation": "operation", "cost": "cost"}


def svg_of(
    diagram: Diagram,
    folded: Collection[str],
    title: str,
    shading: Mapping[str, float],
    notes: Mapping[str, str],
    prefix: str = "",
    links: Mapping[str, str] | None = None,
) -> str:
    """The picture.

    Of a page with several pictures of one diagram: ``prefix``, of all ids in it, and ``links``: {group: where a click
    leads}; the page has the styles.
    """
    boxes, groups = by_key(diagram.boxes), by_key(diagram.groups)
    cards = cards_of(diagram, notes)
    scene = scene_of(diagram, folded, {key: card.size for key, card in cards.items()})
    width, height = scene.width + 2 * MARGIN, scene.height + 2 * MARGIN + STUB / 2
    parts = [
        *edges_of(scene.edges, scene.things),
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
    return colours().replace(":root", "svg.drawing") + style("drawing.css")


def style(name: str) -> str:
    """A file beside this one."""
    return files(__package__ or "").joinpath(name).read_text(encoding="utf-8")


def names_around(box: Box, groups: Mapping[str, Group]) -> list[str]:
    """The names of the groups that a box is in, from inside."""
    return [groups[key].name for key in reversed(ancestry(box.group, groups))]


def about(diagram: Diagram) -> str:
    """What is drawn, for those who do not see it."""
    counted = [(word, sum(box.kind == kind for box in diagram.boxes)) for kind, word in KINDS.items()]
    told = ", ".join(f"{count} {word}{'s' * (count != 1)}" for word, count in counted if count)
    return f"A graph of {told}; edges lead from each box to those that read its value."


def boxes_in(diagram: Diagram) -> dict[str, list[Box]]:
    """{key of a group: the boxes in it, those of inner groups too}."""
    groups = by_key(diagram.groups)
    found: dict[str, list[Box]] = {key: [] for key in groups}
    for box in diagram.boxes:
        for key in ancestry(box.group, groups):
            found[key].append(box)
    return found


def spoken(box: Box, note: str | None) -> str:
    """A box in words."""
    form = " ".join(filter(None, [spelled_shape(box.shape), box.dtype]))
    said = [f"{KINDS[box.kind]} {box.name}{f' = {box.formula}' if box.formula else ''}", form]
    for word, array in (("value", box.value), ("gradient", box.gradient)):
        if array is not None:
            if array.numbers:
                said.append(f"{word} " + "; ".join(" ".join(row) for row in array.numbers))
            elif array.low is not None:
                said.append(f"{word} from {array.low:.4g} to {array.high:.4g}, mean {array.mean:.4g}")
            said += [f"{n} {kind} in its {word}" for n, kind in ((array.nan, "NaN"), (array.infinite, "infinite")) if n]
    said += [f"made at {box.made_at}" if box.made_at else "", note or ""]
    return ", ".join(filter(None, said))


def drawn(box: Box, card: Card, rect: Rect, shade: float | None, note: str | None, prefix: str) -> str:
    """A box; its kind is told by its form."""
    words = spoken(box, note)
    stub = ""
    if box.is_output:
        foot = rect.y + rect.height
        stub = tag("g", *arrow([(rect.middle, foot), (rect.middle, foot + STUB)]), class_="edge")
    return tag(
        "g",
        tag("title", text(words)),
        stub,
        outline(box.kind, rect),
        shaded(rect, shade),
        card.svg(rect.x, rect.y, rect.width),
        class_=f"box {box.kind}{' shaded' if shade is not None else ''}",
        id=f"{prefix}box-{box.key}",
        data_key=box.key,
        tabindex=0,
        role="img",
        aria_label=words,
    )


def closed(
    group: Group, card: Card, rect: Rect, shade: float | None, prefix: str, links: Mapping[str, str] | None
) -> str:
    """A folded group: a pile."""
    words = f"folded {group.name}, " + ", ".join(line for line, _ in card.lines[1:])
    behind = [
        tag("rect", class_="outline", x=rect.x + d, y=rect.y + d, width=rect.width, height=rect.height, rx=6.0)
        for d in (6.0, 3.0, 0.0)
    ]
    pile = tag(
        "g",
        tag("title", text(words)),
        *behind,
        shaded(rect, shade),
        card.svg(rect.x, rect.y, rect.width),
        class_=f"box group{' shaded' if shade is not None else ''}",
        id=f"{prefix}box-{group.key}",
        data_key=group.key,
        data_group=group.key,
        **{} if links else {"tabindex": 0, "role": "img", "aria_label": words},
    )
    return linked(pile, f"Unfold {group.name}", links, group.key)


def frame(group: Group, rect: Rect, prefix: str, links: Mapping[str, str] | None) -> str:
    """An open group; its head, where a click leads somewhere, is as large as a finger."""
    words = group.name if group.name == group.operation else f"{group.name} · {group.operation}"
    wide = min(rect.width, letters(words) * WORD + 40)
    grip = tag("rect", class_="grip", x=rect.x, y=rect.y, width=wide, height=26.0) if links else ""
    head = grip + label(rect.x + 10, rect.y + 16, f"▾ {words}", class_="small")
    return tag(
        "g",
        tag("title", text(f"group {words}")),
        tag("rect", class_="frame-of-group", x=rect.x, y=rect.y, width=rect.width, height=rect.height, rx=10.0),
        linked(head, f"Fold {group.name}", links, group.key),
        class_="group-frame",
        id=f"{prefix}group-{group.key}",
        data_group=group.key,
    )


def linked(picture: str, words: str, links: Mapping[str, str] | None, key: str) -> str:
    """A part of the picture as a link, where there is one."""
    return tag("a", picture, href=links[key], aria_label=words) if links and key in links else picture


def outline(kind: str, rect: Rect) -> str:
    """Inputs are round at their sides, parameters have double sides, costs are pointed, constants are dashed."""
    x, y, width, height = rect.x, rect.y, rect.width, rect.height
    if kind == "cost":
        tip = 9.0
        d = (
            f"M{x - tip:.1f} {y + height / 2:.1f}L{x + 2:.1f} {y:.1f}H{x + width - 2:.1f}L{x + width + tip:.1f}"
            f" {y + height / 2:.1f}L{x + width - 2:.1f} {y + height:.1f}H{x + 2:.1f}z"
        )
        return tag("path", class_="outline", d=d)
    radius = {"input": min(height / 2, 22.0), "constant": min(height / 2, 22.0), "parameter": 0.0}.get(kind, 6.0)
    base = tag("rect", class_="outline", x=x, y=y, width=width, height=height, rx=radius)
    if kind == "parameter":
        sides = f"M{x + 5:.1f} {y:.1f}v{height:.1f}M{x + width - 5:.1f} {y:.1f}v{height:.1f}"
        base += tag("path", class_="outline", d=sides)
    return base


def shaded(rect: Rect, shade: float | None) -> str:
    """The share of a box, as colour and as a bar at its foot."""
    if shade is None:
        return ""
    part = min(1.0, max(0.0, shade))
    inside = {"x": rect.x + 1, "y": rect.y + 1, "width": rect.width - 2, "height": rect.height - 2}
    foot = {"x": rect.x + 1, "y": rect.y + rect.height - 4, "width": (rect.width - 2) * part, "height": 3.0}
    tint = tag("rect", class_="shade", rx=5.0, fill_opacity=f"{0.4 * part:.2f}", **inside)
    return tint + tag("rect", class_="shade", **foot)


def edges_of(edges: Sequence[tuple[Edge, Sequence[Point]]], things: Mapping[str, Rect]) -> list[str]:
    """All edges; those into one box end side by side, in the order in which they come."""
    coming: dict[str, list[tuple[float, int]]] = {}
    for n, (edge, points) in enumerate(edges):
        coming.setdefault(edge.target, []).append((points[-1][0] if points else things[edge.source].middle, n))
    ends = {}
    for target, found in coming.items():
        rect = things[target]
        step = min(APART, (rect.width - 24) / len(found))
        for place, (_, n) in enumerate(sorted(found)):
            ends[n] = (rect.middle + (place - (len(found) - 1) / 2) * step, rect.y)
    parts = []
    told: set[str] = set()
    for n, (edge, points) in enumerate(edges):
        rect = things[edge.source]
        start = (rect.middle, rect.y + rect.height)
        words = spelled_shape(edge.shape) if edge.source not in told else ""
        told.add(edge.source)
        leads_right = (points[0] if points else ends[n])[0] > start[0] + 0.5
        side, anchor = (-5, "end") if leads_right else (5, None)
        beside = label(start[0] + side, start[1] + 13, words, class_="shape", text_anchor=anchor) if words else ""
        parts.append(
            tag(
                "g",
                *arrow([start, *points, ends[n]]),
                beside,
                class_="edge",
                data_source=edge.source,
                data_target=edge.target,
            )
        )
    return parts


def arrow(points: Sequence[Point]) -> tuple[str, str]:
    """A line that leaves and meets each point straight down, and its head."""
    *_, (x, y) = points
    stops = [*points[:-1], (x, y - HEAD + 1)]
    d = f"M{stops[0][0]:.1f} {stops[0][1]:.1f}"
    for (ax, ay), (bx, by) in pairwise(stops):
        half = (by - ay) / 2
        straight = abs(ax - bx) < 0.05
        d += f"V{by:.1f}" if straight else f"C{ax:.1f} {ay + half:.1f} {bx:.1f} {by - half:.1f} {bx:.1f} {by:.1f}"
    head = f"M{x:.1f} {y:.1f}l-3.5-{HEAD:g}h7z"
    return tag("path", d=d), tag("path", class_="head", d=head)
