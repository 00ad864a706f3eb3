"""Where things stand: rows and their order by fast-sugiyama, places by the sizes of what stands there.

The library takes everything to be a point. From it come the row of each thing, its order there and the bends of edges
that pass rows; each column is then made as wide, and each row as high, as what stands in it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from miniflow_xp.system.packages import needed

BESIDE, BELOW = 26.0, 46.0  # gaps between neighbours, and between rows
BEND = 10.0  # the width that an edge is given where it passes a row

Size = tuple[float, float]
Point = tuple[float, float]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Places:
    """``centres`` of all things, ``ends``: top and bottom of their rows, ``routes``: the points that edges run through.

    A row without a height has no points: what is there is passed without a bend.
    """

    centres: Mapping[str, Point]
    ends: Mapping[str, tuple[float, float]]
    routes: Mapping[Pair, Sequence[Point]]
    width: float
    height: float

    def through(self, thing: str) -> list[Point]:
        """The points of an edge through a thing, from above."""
        return straight(self.centres[thing][0], self.ends[thing])


@dataclass
class Row:
    """What stands side by side: (x, thing); a thing is a name, or the number of a bend."""

    members: list[tuple[float, Any]]

    def __post_init__(self) -> None:
        self.members.sort(key=lambda member: member[0])


def arrange(sizes: Mapping[str, Size], edges: Sequence[Pair]) -> Places:
    """The places of things of these sizes; edges lead down."""
    rows, chains = layers(list(sizes), edges)
    widths = {thing: sizes[thing][0] if thing in sizes else BEND for row in rows for _, thing in row.members}
    across = columns(rows, widths)
    left = min(x - widths[thing] / 2 for thing, x in across.items())
    ends: dict[Any, tuple[float, float]] = {}
    bottom = 0.0
    for row in rows:
        height = max((sizes[thing][1] for _, thing in row.members if thing in sizes), default=0.0)
        top = bottom + (BELOW if bottom and height else 0.0)
        bottom = top + height
        ends |= dict.fromkeys((thing for _, thing in row.members), (top, bottom))
    centres = {thing: (across[thing] - left, sum(ends[thing]) / 2) for thing in sizes}
    routes = {
        pair: [point for bend in chain for point in straight(across[bend] - left, ends[bend])]
        for pair, chain in chains.items()
    }
    width = max(across[thing] + widths[thing] / 2 for thing in across) - left
    return Places(centres, ends, routes, width, bottom)


def straight(x: float, ends: tuple[float, float]) -> list[Point]:
    """The points of an edge that passes a row."""
    top, bottom = ends
    return [(x, top), (x, bottom)] if top < bottom else []


def layers(things: Sequence[str], edges: Sequence[Pair]) -> tuple[list[Row], dict[Pair, list[Any]]]:
    """The rows from above, and the bends of each edge, by fast-sugiyama; unconnected parts stand side by side."""
    sugiyama = needed("fast_sugiyama", "draw", "'miniflow_xp[draw]'", "it finds the places of boxes in a drawing")
    numbers = {thing: number for number, thing in enumerate(things)}
    pairs = [(numbers[a], numbers[b]) for a, b in dict.fromkeys(edges)]
    parts = sugiyama.from_edges(pairs, ranking_type="minimize", dummy_vertices=True) if pairs else []
    found: dict[int, list[tuple[float, Any]]] = defaultdict(list)
    chains: dict[Pair, list[Any]] = {}
    start = 0.0
    laid = sorted(((min(n for n, _ in places), places, ways) for places, _, _, ways in parts), key=lambda part: part[0])
    alone = [n for n in range(len(things)) if n not in {n for pair in pairs for n in pair}]
    for first, places, ways in [*laid, *((n, [(n, (0.0, 0.0))], []) for n in alone)]:
        names = {n: things[n] if n < len(things) else (first, n) for n, _ in places}
        levels = sorted({y for _, (_, y) in places}, reverse=True)
        left, right = min(x for _, (x, _) in places), max(x for _, (x, _) in places)
        for n, (x, y) in sorted(places):
            found[levels.index(y)].append((start + x - left, names[n]))
        start += right - left + 1.0
        chains |= chains_of(ways, names)
    return [Row(found[level]) for level in sorted(found)], chains


def chains_of(ways: Sequence[tuple[int, int]], names: Mapping[int, Any]) -> dict[Pair, list[Any]]:
    """{edge: the bends on its way}, from the pieces that it was cut into."""
    following = {a: b for a, b in ways if not isinstance(names[a], str)}
    found = {}
    for a, b in ways:
        if isinstance(names[a], str):
            chain = []
            while not isinstance(names[b], str):
                chain.append(names[b])
                b = following[b]
            found[names[a], names[b]] = chain
    return found


def columns(rows: Sequence[Row], widths: Mapping[Any, float]) -> dict[Any, float]:
    """The x of each thing: what had one x keeps one, neighbours do not touch, and what has room stands in its middle.

    The least x that the widths allow to each, from the left, and the greatest, from the right; it stands between them.
    """
    places = sorted({x for row in rows for x, _ in row.members})
    number = {x: n for n, x in enumerate(places)}
    apart: dict[int, list[tuple[int, float]]] = defaultdict(list)  # {right: [(left, least distance)]}
    for row in rows:
        for (x, a), (y, b) in zip(row.members, row.members[1:], strict=False):
            apart[number[y]].append((number[x], (widths[a] + widths[b]) / 2 + BESIDE))
    least = [0.0] * len(places)
    for n in range(1, len(places)):
        least[n] = max([least[n - 1], *(least[m] + distance for m, distance in apart[n])])
    most = [least[-1]] * len(places)
    for n in range(len(places) - 1, 0, -1):
        most[n - 1] = min(most[n - 1], most[n])
        for m, distance in apart[n]:
            most[m] = min(most[m], most[n] - distance)
    return {thing: (least[number[x]] + most[number[x]]) / 2 for row in rows for x, thing in row.members}
