"""Edges as arrows: straight down where they leave, pass and arrive."""

from collections.abc import Sequence
from itertools import pairwise

from miniflow_xp.drawing.cards import spelled_shape
from miniflow_xp.drawing.places import Point
from miniflow_xp.drawing.scene import Scene
from miniflow_xp.system.svg import label, tag

APART = 20.0  # between the ends of edges that come in side by side
HEAD = 7.0  # height of an arrow's head
STUB = 20.0  # length of the arrow of a result


def edges_of(scene: Scene) -> list[str]:
    """All edges, each with the shape of what runs along it where it leaves its box."""
    parts = []
    told: set[str] = set()
    for (edge, points), end in zip(scene.edges, ends_of(scene), strict=True):
        rect = scene.things[edge.source]
        start = (rect.middle, rect.y + rect.height)
        straight = [(end[0], scene.tops[edge.target])] if scene.tops[edge.target] < end[1] - 1 else []
        way = [start, *points, *straight, end]
        words = "" if edge.source in told else spelled_shape(edge.shape)
        told.add(edge.source)
        turn = next((x for x, _ in way if abs(x - start[0]) > 0.5), start[0])
        side, anchor = (-5, "end") if turn > start[0] else (5, None)  # where the line does not turn to
        beside = label(start[0] + side, start[1] + 13, words, class_="shape", text_anchor=anchor) if words else ""
        parts.append(
            tag("g", *arrow(way), beside, class_="edge", data_source=edge.source, data_target=edge.target),
        )
    return parts


def ends_of(scene: Scene) -> list[Point]:
    """Where each edge ends: those into one box side by side, in the order in which they come."""
    coming: dict[str, list[tuple[float, int]]] = {}
    for n, (edge, points) in enumerate(scene.edges):
        came = points[-1][0] if points else scene.things[edge.source].middle
        coming.setdefault(edge.target, []).append((came, n))
    ends: dict[int, Point] = {}
    for target, found in coming.items():
        rect = scene.things[target]
        step = min(APART, (rect.width - 24) / len(found))
        for place, (_, n) in enumerate(sorted(found)):
            ends[n] = (rect.middle + (place - (len(found) - 1) / 2) * step, rect.y)
    return [ends[n] for n in range(len(scene.edges))]


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
