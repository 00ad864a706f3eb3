"""The picture of design.md: the floors, from the table in CONTRIBUTING.md, and the way of a call through them."""

import re
from itertools import pairwise
from pathlib import Path

from miniflow_xp.system.svg import NAMESPACE, colours, label, tag, text

TABLE = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
LIBRARIES = "NumPy · CuPy · PyTorch · JAX · any other of the Array API"
STOPS = ["transforms", "arrays", "", "arrays", "transforms", "rules"]  # where the way of `grad(f)(x)` leads; "" outside

HIGH, LEFT, ROOMS, APART = 34, 16, 336, 40  # of a floor; of the floors; their width; from stop to stop
STYLE = """
svg.floors { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
svg.floors .paper { fill: var(--paper); }
svg.floors text { fill: var(--ink); }
svg.floors .floor { fill: var(--card); stroke: var(--line); }
svg.floors .outside { fill: none; stroke: var(--c5); stroke-dasharray: 5 4; }
svg.floors .way { fill: none; stroke: var(--c1); stroke-width: 1.6; }
svg.floors .level { stroke: var(--line); stroke-dasharray: 2 4; }
svg.floors circle { fill: var(--paper); stroke: var(--c1); stroke-width: 1.6; }
svg.floors .number { font-weight: 600; text-anchor: middle; }
svg.floors .small { fill: var(--soft); font-size: 11px; }
"""
ABOUT = "Rooms on floors, each importing from its own and those below; a call goes from transforms down to a library."


def floors() -> list[list[str]]:
    """The rooms of each floor, from the errors up."""
    section = TABLE.read_text(encoding="utf-8").partition("## Where things are\n")[2].partition("\n## ")[0]
    return [re.findall(r"`(\w+)/?`", row) for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)]


def svg() -> str:
    """The picture: programs on top, errors at the bottom, below them the libraries."""
    rooms = floors()
    height = 62 + HIGH * (len(rooms) + 1)
    middles = {room: 30 + HIGH * (len(rooms) - 1 - n) + HIGH / 2 for n, floor in enumerate(rooms) for room in floor}
    middles[""] = 44 + HIGH * len(rooms) + HIGH / 2
    places = [(LEFT + ROOMS + 34.0 + APART * n, middles[stop]) for n, stop in enumerate(STOPS)]
    width = places[-1][0] + 34
    return tag(
        "svg",
        tag("title", text("The floors of miniflow_xp, and the way of a call")),
        tag("desc", text(ABOUT)),
        tag("style", colours().replace(":root", "svg.floors") + STYLE),
        tag("rect", class_="paper", width=width, height=height),
        label(LEFT, 20, "imports lead down, never up", class_="small"),
        label(places[0][0] - 14, 20, "the way of grad(f)(x)", class_="small"),
        *(drawn(floor, middles[floor[0]], width) for floor in rooms),
        outside(middles[""], width),
        *(arrow(*pair) for pair in pairwise(places)),
        *(numbered(n, x, y) for n, (x, y) in enumerate(places, 1)),
        xmlns=NAMESPACE,
        class_="floors",
        viewBox=f"0 0 {width:g} {height}",
        width=width,
        height=height,
        role="img",
    )


def drawn(floor: list[str], middle: float, width: float) -> str:
    """A floor with its rooms, and a line at its height."""
    return (
        tag("line", x1=LEFT + ROOMS, x2=width - LEFT, y1=middle, y2=middle, class_="level")
        + tag("rect", x=LEFT, y=middle - HIGH / 2 + 1, width=ROOMS, height=HIGH - 2, rx=4, class_="floor")
        + label(LEFT + 12, middle + 4, " · ".join(floor))
    )


def outside(middle: float, width: float) -> str:
    """The libraries that compute."""
    box = tag("rect", x=LEFT, y=middle - HIGH / 2 + 1, width=width - 2 * LEFT, height=HIGH - 2, rx=4, class_="outside")
    return box + label(LEFT + 12, middle + 4, LIBRARIES)


def arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """The way from stop to stop."""
    return tag("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_="way")


def numbered(number: int, x: float, y: float) -> str:
    """A stop."""
    return tag("circle", cx=x, cy=y, r=11) + label(x, y + 4, str(number), class_="number")
