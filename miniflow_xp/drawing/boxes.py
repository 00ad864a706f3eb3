"""Boxes, piles and frames as SVG: what kind they are is told by their form, and in words to those who do not see it."""

from collections.abc import Mapping

from miniflow_xp.drawing.arrows import STUB, arrow
from miniflow_xp.drawing.cards import Card, spelled_form, spelled_group
from miniflow_xp.drawing.diagram import Box, Group, Kind
from miniflow_xp.drawing.panels import WORD
from miniflow_xp.drawing.scene import Rect
from miniflow_xp.system.svg import label, letters, tag, text

KINDS: tuple[Kind, ...] = ("input", "parameter", "constant", "operation", "cost")


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
    words = spelled_group(group)
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


def spoken(box: Box, note: str | None) -> str:
    """A box in words."""
    said = [f"{box.kind} {box.name}{f' = {box.formula}' if box.formula else ''}", spelled_form(box)]
    for word, array in (("value", box.value), ("gradient", box.gradient)):
        if array is not None:
            if array.numbers:
                said.append(f"{word} " + "; ".join(" ".join(row) for row in array.numbers))
            elif array.low is not None:
                said.append(f"{word} from {array.low:.4g} to {array.high:.4g}, mean {array.mean:.4g}")
            said += [f"{words} in its {word}" for words in array.odd]
    said += [f"made at {box.made_at}" if box.made_at else "", note or ""]
    return ", ".join(filter(None, said))


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


def linked(picture: str, words: str, links: Mapping[str, str] | None, key: str) -> str:
    """A part of the picture as a link, where there is one."""
    return tag("a", picture, href=links[key], aria_label=words) if links and key in links else picture
