"""What stands in a box: its name, operation, form, and pictures of value and gradient; and how much room that takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from miniflow_xp.drawing.diagram import Box, Group
from miniflow_xp.drawing.panels import LINE, WORD, Panel
from miniflow_xp.system.svg import clipped, label, letters

WIDEST = 230.0  # a name that is longer is cut
NAME = 8.4  # width of a letter of a name
EDGE, TOP = 14.0, 10.0  # room inside of a box

Shape = tuple[int | None, ...]


@dataclass
class Card:
    """Lines of text, (words, class), and panels below them, side by side."""

    lines: Sequence[tuple[str, str]]
    panels: list[Panel] = field(default_factory=list)

    @cached_property
    def size(self) -> tuple[float, float]:
        """Width and height with the room around it."""
        wide = [letters(words) * (NAME if kind == "name" else WORD) for words, kind in self.lines]
        wide.append(sum(panel.width for panel in self.panels) + 18.0 * (len(self.panels) - 1))
        high = LINE * len(self.lines) + max((panel.height + 6 for panel in self.panels), default=0.0)
        return max(64.0, max(wide) + 2 * EDGE), high + 2 * TOP - 2

    def svg(self, x: float, y: float, width: float) -> str:
        """The content of a box whose upper left corner is there."""
        middle = x + width / 2
        parts = [
            label(middle, y + TOP + LINE * n + 10, words, class_=kind, text_anchor="middle")
            for n, (words, kind) in enumerate(self.lines)
        ]
        left = middle - (sum(panel.width for panel in self.panels) + 18.0 * (len(self.panels) - 1)) / 2
        top = y + TOP + LINE * len(self.lines) + 4
        for panel in self.panels:
            parts.append(panel.svg(left, top))
            left += panel.width + 18.0
        return "".join(parts)


def card_of(box: Box, around: Sequence[str] = (), note: str | None = None) -> Card:
    """What stands in the box of a node; ``around``: the names of the groups that it is in; ``note``: one more line."""
    name = next((box.name[len(group) + 1 :] for group in around if box.name.startswith(f"{group} ")), box.name)
    form = spelled_form(box)
    lines = [(clipped(name, WIDEST, NAME), "name")]
    if box.operation not in (box.name, box.name.rstrip("0123456789")) and box.kind != "constant":
        lines.append((clipped(box.operation, WIDEST), "small"))
    if form and box.kind != "constant":
        lines.append((form, "small"))
    if note:
        lines.append((clipped(note, WIDEST), "noted"))
    shown = [("value", box.value), ("gradient", box.gradient)]
    is_number = box.kind == "constant" and box.shape == ()
    return Card(lines, [Panel(*pair) for pair in shown if pair[1] is not None and not is_number])  # type: ignore[arg-type]


def card_of_group(group: Group, count: int, note: str | None = None) -> Card:
    """What stands in the box of a folded group, of so many boxes."""
    lines = [(clipped(group.name, WIDEST, NAME), "name"), (clipped(group.operation, WIDEST), "small")]
    lines = lines[:1] if group.name == group.operation else lines
    return Card([*lines, (f"▸ {count} boxes", "small"), *([(clipped(note, WIDEST), "noted")] if note else [])])


def spelled_group(group: Group) -> str:
    """Name and kind of a group."""
    return group.name if group.name == group.operation else f"{group.name} · {group.operation}"


def spelled_form(box: Box) -> str:
    """Shape and dtype, as far as they are known: ``(64, 10) float32``."""
    return " ".join(filter(None, [spelled_shape(box.shape), box.dtype]))


def spelled_shape(shape: Shape | None) -> str:
    """A shape for people: ``(64, 10)``, with ? for a size that is not known; empty where there is none."""
    if shape is None:
        return ""
    sizes = ["?" if size is None else str(size) for size in shape]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
