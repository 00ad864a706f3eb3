"""The drawn graph of a profile, each box shaded by its time: of nodes, of a function's equations, of folded groups."""

from collections import Counter, defaultdict
from typing import NamedTuple

from miniflow_xp.drawing import Diagram, Drawing, draw
from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.profile.figures import Figures, Row
from miniflow_xp.programs.profile.subjects import Function


class Times(NamedTuple):
    """Seconds of a box, forward, and backward with sums of gradients."""

    forward: float = 0.0
    backward: float = 0.0

    @property
    def both(self) -> float:
        """Both of them."""
        return self.forward + self.backward


def shaded(profile: Figures) -> Drawing:
    """The picture: of all boxes the slowest is the darkest, and each has its times as a line."""
    of_function = isinstance(profile.drawn, Function)
    plain = draw(profile.drawn.function, *profile.drawn.args) if of_function else draw(profile.drawn)
    times = of_equations(profile, plain.diagram) if of_function else of_nodes(profile, plain.diagram)
    times |= of_groups(plain.diagram, times)
    groups = {group.key for group in plain.diagram.groups}
    most = max((t.both for key, t in times.items() if key in plain.folded or key not in groups), default=1.0)
    whole = sum(row.seconds for row in profile.rows)
    shading = {key: min(1.0, t.both / most) for key, t in times.items()}
    notes = {key: note(t, whole) for key, t in times.items()}
    return Drawing(plain.diagram, f"{profile.title}, by time", plain.folded, shading, notes)


def of_nodes(profile: Figures, diagram: Diagram) -> dict[str, Times]:
    """{key: times} of the nodes."""
    keys = diagram.keys
    return {keys[row.place.node]: times_of(row) for row in profile.rows if row.place.node in keys}


def of_equations(profile: Figures, diagram: Diagram) -> dict[str, Times]:
    """{key: times} of equations: of each function those that were called as often as they are drawn, in this order.

    A line that calls a function several times shares its time among them.
    """
    called, drawn = defaultdict(list), defaultdict(list)
    for place, direction, _, _ in profile.passes:
        if direction == "forward":
            called[place.operation].append(place)
    for box in diagram.boxes:
        if box.kind == "operation":
            drawn[box.operation.partition("(")[0]].append(box.key)
    pairs = [
        pair
        for op, keys in drawn.items()
        if len(keys) == len(called[op])
        for pair in zip(keys, called[op], strict=True)
    ]
    rows, calls = {row.place: row for row in profile.rows}, Counter(place for _, place in pairs)
    return {key: times_of(rows[place], calls[place]) for key, place in pairs}


def times_of(row: Row, among: int = 1) -> Times:
    """The times of a row, or its part of them."""
    forward = row.parts["forward"].time.estimate if "forward" in row.parts else 0.0
    return Times(forward / among, (row.seconds - forward) / among)


def of_groups(diagram: Diagram, times: dict[str, Times]) -> dict[str, Times]:
    """{key: times} of groups: all that is inside."""
    parents = {group.key: group.parent for group in diagram.groups}
    found: dict[str, Times] = {}
    for box in diagram.boxes:
        own, group = times.get(box.key), box.group
        while own is not None and group is not None:
            before = found.get(group, Times())
            found[group] = Times(before.forward + own.forward, before.backward + own.backward)
            group = parents[group]
    return found


def note(times: Times, whole: float) -> str:
    """Times in a few words: → 1.2 ms ← 2.4 ms · 12 %."""
    ways = ("→", times.forward), ("←", times.backward)
    told = [f"{arrow} {units.seconds(seconds)}" for arrow, seconds in ways if seconds]
    return f"{' '.join(told)} · {units.percent(times.both / whole)}"
