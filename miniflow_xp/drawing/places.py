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
    """``centres`` of all things, ``routes``: the points through which an edge runs between its ends, and the extent."""

    centres: Mapping[str, Point]
    routes: Mapping[Pair, Sequence[Point]]
    width: float
    height: float


@dataclass
class Row:
    """What stands side by side: (x, thing); a thing is a name, or the number of a bend."""

    members: list[tuple[float, Any]]

    def __post_init__(self) -> None:
        self.members.sort(key=lambda member: member[0])


def arrange(sizes: Mapping[str, Size], edges: Sequence[Pair], flat: Sequence[str] = ()) -> Places:
    """The places of things of these sizes; edges lead down. ``flat``: things whose rows have no height, or gap."""
    rows, chains = layers(list(sizes), edges)
    widths = {thing: sizes[thing][0] if thing in sizes else BEND for row in rows for _, thing in row.members}
    across = columns(rows, widths)
    left = min(x - widths[thing] / 2 for thing, x in across.items())
    middles: dict[Any, float] = {}
    ends: dict[Any, tuple[float, float]] = {}
    top = 0.0
    for row in rows:
        height = max((sizes[thing][1] for _, thing in row.members if thing in sizes), default=0.0)
        for _, thing in row.members:
            middles[thing], ends[thing] = top + height / 2, (top, top + height)
        top += height + (0.0 if all(thing in flat for _, thing in row.members) else BELOW)
    centres = {thing: (across[thing] - left, middles[thing]) for thing in sizes}
    routes = {
        pair: [(across[bend] - left, y) for bend in chain for y in dict.fromkeys(ends[bend])]
        for pair, chain in chains.items()
    }
    width = max(across[thing] + widths[thing] / 2 for thing in across) - left
    return Places(centres, routes, width, max(bottom for _, bottom in ends.values()))


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
