"""Where everything of a diagram stands, some of its groups folded to one box, the others drawn as frames.

Each open group is arranged by itself, and is then one thing among those of its parent. An edge that leaves or enters
it runs through a port, a thing without a size: ``<`` and the box that it comes from, ``>`` and the box that it leaves.
Ports hang from one thing above all others, or below, which holds them at the border and is not drawn.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from miniflow_xp.drawing.diagram import Diagram, Edge, Group, by_key
from miniflow_xp.drawing.places import Places, Point, Size, arrange

SIDE, HEAD, FOOT = 16.0, 40.0, 22.0  # room inside of a frame, the head with its name
ABOVE, UNDER = "above all", "below all"  # what ports hang from; no key has a space

Path = tuple[str | None, ...]
"""The open groups around a thing, from outside: None, which is the whole diagram, first."""


@dataclass(frozen=True)
class Rect:
    """A place on the page."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The x of its middle."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Scene:
    """The places of boxes and folded groups, of the frames of open ones, and the points that each edge runs through.

    ``tops``: the upper ends of the rows that things stand in, from where edges run straight down to them.
    """

    things: Mapping[str, Rect]
    tops: Mapping[str, float]
    frames: Mapping[str, Rect]
    edges: Sequence[tuple[Edge, Sequence[Point]]]
    width: float
    height: float


@dataclass
class Level:
    """One open group, or the whole diagram: what stands in it and where, counted from its own corner."""

    things: list[str] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)
    places: Places | None = None
    size: Size = (0.0, 0.0)
    corner: Point = (0.0, 0.0)

    def way(self, start: str, end: str) -> list[Point]:
        """The points between two things, on the page."""
        assert self.places is not None  # arranged before anything is drawn
        return self.on_page(self.places.routes.get((start, end), ()))

    def past(self, port: str) -> list[Point]:
        """The points of an edge at a port, on the page."""
        assert self.places is not None
        return self.on_page(self.places.through(port))

    def row(self, thing: str) -> tuple[float, float]:
        """Top and bottom of a thing's row, on the page."""
        assert self.places is not None
        top, bottom = self.places.ends[thing]
        return self.corner[1] + top, self.corner[1] + bottom

    def at(self, thing: str) -> Point:
        """The middle of a thing, on the page."""
        assert self.places is not None
        return self.on_page([self.places.centres[thing]])[0]

    def on_page(self, points: Sequence[Point]) -> list[Point]:
        """Points that are counted from the corner."""
        x, y = self.corner
        return [(x + px, y + py) for px, py in points]


def scene_of(diagram: Diagram, folded: Collection[str], sizes: Mapping[str, Size]) -> Scene:
    """The scene; ``sizes``: of boxes, and of groups where they are folded, by their keys."""
    return Arrangement(diagram, folded, sizes).scene()


class Arrangement:
    """The levels of a diagram, filled from outside, arranged from inside, and placed from outside."""

    def __init__(self, diagram: Diagram, folded: Collection[str], sizes: Mapping[str, Size]) -> None:
        self.sizes = sizes
        self.groups = by_key(diagram.groups)
        leaf, inner = leaves_of(diagram, folded), {box.key: box.group for box in diagram.boxes}
        self.paths: dict[str, Path] = {
            thing: (None, *ancestry(inner[thing] if thing in inner else self.groups[thing].parent, self.groups))
            for thing in dict.fromkeys(leaf.values())
        }
        self.edges = visible(diagram.edges, leaf)
        self.levels: dict[str | None, Level] = {None: Level()}
        for thing, path in self.paths.items():
            self.enter(thing, path)
        for edge in self.edges:
            self.connect(edge.source, edge.target)

    def enter(self, thing: str, path: Path) -> None:
        """Put a thing, and the groups around it, into their levels."""
        for outer, inner in zip(path, [*path[1:], thing], strict=True):
            level = self.levels.setdefault(outer, Level())
            if inner not in level.things:
                level.things.append(str(inner))

    def connect(self, source: str, target: str) -> None:
        """Let an edge run through the levels between two things."""
        for key, start, end in self.pieces(source, target):
            level = self.levels[key]
            for thing in (start, end):
                if thing not in level.things:
                    level.things.append(thing)
            if (start, end) not in level.edges:
                level.edges.append((start, end))

    def pieces(self, source: str, target: str) -> list[tuple[str | None, str, str]]:
        """(level, start, end) of each piece of an edge, from its source to its target."""
        out, into = [*self.paths[source], source], [*self.paths[target], target]
        shared = next(n for n, (a, b) in enumerate(zip(out, into, strict=False)) if a != b)
        rising = [(out[n], str(out[n + 1]), f">{source}") for n in range(len(out) - 2, shared - 1, -1)]
        falling = [(into[n], f"<{source}", str(into[n + 1])) for n in range(shared, len(into) - 1)]
        return [*rising, (out[shared - 1], str(out[shared]), str(into[shared])), *falling]

    def scene(self) -> Scene:
        """Arrange all levels, and say where everything stands."""
        for key in sorted(self.levels, key=lambda k: -len(ancestry(k, self.groups))):
            self.arrange(key)
        things: dict[str, Rect] = {}
        frames: dict[str, Rect] = {}
        self.place(None, (0.0, 0.0), things, frames)
        edges = [(edge, self.points(edge, things)) for edge in self.edges]
        tops = {thing: self.levels[self.paths[thing][-1]].row(thing)[0] for thing in things}
        return Scene(things, tops, frames, edges, *self.levels[None].size)

    def arrange(self, key: str | None) -> None:
        """Find the places inside of one level, whose inner levels are arranged."""
        level = self.levels[key]
        ports = [thing for thing in level.things if thing[0] in "<>"]
        hung = with_hooks(level, ports)
        sizes = {thing: (0.0, 0.0) if thing in (*ports, ABOVE, UNDER) else self.size_of(thing) for thing in hung.things}
        level.places = found = arrange(sizes, hung.edges)
        if key is None:
            level.size = found.width, found.height
        else:
            level.size = max(found.width + 2 * SIDE, self.sizes[key][0]), found.height + HEAD + FOOT

    def size_of(self, thing: str) -> Size:
        """Of a box, or a group, folded or open."""
        return self.levels[thing].size if thing in self.levels else self.sizes[thing]

    def place(self, key: str | None, corner: Point, things: dict[str, Rect], frames: dict[str, Rect]) -> None:
        """Put what stands in a level on the page."""
        level = self.levels[key]
        assert level.places is not None
        level.corner = corner
        for thing in level.things:
            if thing[0] in "<>":
                continue
            (x, y), (width, height) = level.at(thing), self.size_of(thing)
            rect = Rect(x - width / 2, y - height / 2, width, height)
            if thing in self.levels:
                frames[thing] = rect
                inner = self.levels[thing].places
                assert inner is not None
                self.place(thing, (rect.x + (width - inner.width) / 2, rect.y + HEAD), things, frames)
            else:
                things[thing] = rect

    def points(self, edge: Edge, things: Mapping[str, Rect]) -> list[Point]:
        """The points of an edge between its ends: in a row that is higher than its thing, it runs straight."""
        start, end = things[edge.source], things[edge.target]
        down: list[Point] = [(start.middle, start.y + start.height)]
        up: list[Point] = [(end.middle, end.y)]
        pieces = self.pieces(edge.source, edge.target)
        shared = next(n for n, (_, a, b) in enumerate(pieces) if a[0] != "<" and b[0] != ">")
        for key, thing, port in pieces[: shared + 1]:
            level = self.levels[key]
            _, bottom = level.row(thing)
            if bottom > down[-1][1] + 1:
                down.append((down[-1][0], bottom))
            down += level.way(thing, port)
            if port[0] == ">":
                down += [*level.past(port), *level.way(port, UNDER)]
        for key, port, thing in pieces[: shared - 1 if shared else None : -1]:
            level = self.levels[key]
            top, _ = level.row(thing)
            if thing != edge.target and top < up[-1][1] - 1:
                up.append((up[-1][0], top))
            if port[0] == "<":
                up += [*level.way(ABOVE, port), *level.past(port), *level.way(port, thing)][::-1]
        return [*down[1:], *up[:0:-1]]


def with_hooks(level: Level, ports: Sequence[str]) -> Level:
    """The level with what holds its ports above and below everything else."""
    things, edges = list(level.things), list(level.edges)
    if any(port[0] == "<" for port in ports):
        ends = {end for _, end in level.edges}
        edges += [(ABOVE, thing) for thing in level.things if thing not in ends]
        things.insert(0, ABOVE)
    if any(port[0] == ">" for port in ports):
        starts = {start for start, _ in level.edges}
        edges += [(thing, UNDER) for thing in level.things if thing not in starts]
        things.append(UNDER)
    return Level(things, edges)


def leaves_of(diagram: Diagram, folded: Collection[str]) -> dict[str, str]:
    """{key of a box: what is seen of it: itself, or the outermost folded group that it is in}."""
    groups = by_key(diagram.groups)
    return {
        box.key: next((key for key in ancestry(box.group, groups) if key in folded), box.key) for box in diagram.boxes
    }


def visible(edges: Sequence[Edge], leaf: Mapping[str, str]) -> list[Edge]:
    """The edges between what is seen, each once."""
    found: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        pair = leaf[edge.source], leaf[edge.target]
        if pair[0] != pair[1]:
            found.setdefault(pair, replace(edge, source=pair[0], target=pair[1]))
    return list(found.values())


def ancestry(key: str | None, groups: Mapping[str, Group]) -> list[str]:
    """A group and those around it, from outside."""
    found: list[str] = []
    while key is not None:
        found.append(key)
        key = groups[key].parent
    return found[::-1]
