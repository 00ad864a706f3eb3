"""Large graphs fold by themselves; where no layer says what belongs together, they are cut where few values pass."""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush

from miniflow_xp.drawing.diagram import Box, Diagram, Group, by_key
from miniflow_xp.drawing.groups import beside
from miniflow_xp.drawing.keys import keys_of
from miniflow_xp.drawing.scene import ancestry, leaves_of

MOST = 200  # boxes that are all shown
CLEAR = 40  # boxes that are shown of more than that
SHORT, LONG = 8, 24  # things in a part
FREE = 5  # groups that are folded in all combinations


def in_parts(diagram: Diagram) -> Diagram:
    """The diagram; of more than MOST boxes, with no more than CLEAR things beside each other outside of all groups."""
    if len(diagram.boxes) <= MOST:
        return diagram
    while len(order := outermost(diagram)) > CLEAR:
        found = parts(diagram, order)
        if len(found) >= len(order):
            break
        diagram = found_apart(diagram, found)
    return diagram


def folded(diagram: Diagram) -> frozenset[str]:
    """The groups that are folded at first, of more than MOST boxes: all but those from outside that leave it clear."""
    if len(diagram.boxes) <= MOST:
        return frozenset()
    groups = by_key(diagram.groups)
    depth = {key: len(ancestry(key, groups)) for key in groups}
    closed = frozenset(groups)
    for level in range(1, max(depth.values(), default=0) + 1):
        fewer = frozenset(key for key in groups if depth[key] > level)
        if seen(diagram, fewer) > CLEAR:
            break
        closed = fewer
    return closed


def seen(diagram: Diagram, closed: frozenset[str]) -> int:
    """How many boxes are shown where these groups are folded."""
    return len(set(leaves_of(diagram, closed).values()))


def outermost(diagram: Diagram) -> list[str]:
    """What is in no group, groups too, each after what it reads, and in the order of the boxes as far as may be."""
    readers = readers_outside(diagram)
    number = {key: n for n, key in enumerate(readers)}
    waits = Counter(target for targets in readers.values() for target in targets)
    ready = [(n, key) for key, n in number.items() if not waits[key]]
    heapify(ready)
    order = []
    while ready:
        _, key = heappop(ready)
        order.append(key)
        for target in readers[key]:
            waits[target] -= 1
            if not waits[target]:
                heappush(ready, (number[target], target))
    return order


def readers_outside(diagram: Diagram) -> dict[str, set[str]]:
    """{what is in no group: those of its kind that read it}, in the order of the boxes."""
    groups = by_key(diagram.groups)
    paths = {box.key: [*ancestry(box.group, groups), box.key] for box in diagram.boxes}
    readers: dict[str, set[str]] = {path[0]: set() for path in paths.values()}
    for edge in diagram.edges:
        level, source, target = beside(edge, paths)
        if level is None:
            readers[source].add(target)
    return readers


def parts(diagram: Diagram, order: Sequence[str]) -> list[list[str]]:
    """What is in no group, cut into stretches where the fewest values pass.

    What nothing comes into, as a Parameter, is where its readers are, if that is one stretch, and makes no cut wider.
    """
    readers = readers_outside(diagram)
    inputs = {box.key for box in diagram.boxes if box.kind == "input"}
    read = {target for targets in readers.values() for target in targets}
    place = {key: n for n, key in enumerate(key for key in order if key in read)}
    passing = [0] * (len(place) + 1)  # values, before each
    for key, n in place.items():
        for cut in range(n + 1, max((place[reader] for reader in readers[key]), default=n) + 1):
            passing[cut] += 1
    cuts, start = [0], 0
    while len(place) - start > LONG:
        start = min(range(start + SHORT, start + LONG + 1), key=lambda cut: (passing[cut], -cut))
        cuts.append(start)
    stretch = {key: bisect(cuts, n) for key, n in place.items()}
    found: dict[int, list[str]] = defaultdict(list)
    for n, key in enumerate(order):
        where = {stretch[reader] for reader in readers[key]} if key not in stretch else {stretch[key]}
        found[where.pop() if len(where) == 1 and key not in inputs else -1 - n].append(key)
    return list(found.values())


def found_apart(diagram: Diagram, found: Sequence[Sequence[str]]) -> Diagram:
    """The diagram with a group for each stretch of more than one."""
    boxes, groups = by_key(diagram.boxes), by_key(diagram.groups)
    inside: dict[str, list[Box]] = defaultdict(list)
    for box in diagram.boxes:
        inside[[*ancestry(box.group, groups), box.key][0]].append(box)
    stretches = [stretch for stretch in found if len(stretch) > 1]
    made = []
    for stretch, key in zip(stretches, keys_of(["part"] * len(stretches), {*boxes, *groups}), strict=True):
        made.append(Group(key, *named([box for thing in stretch for box in inside[thing]])))
        for thing in stretch:
            if thing in boxes:
                boxes[thing] = replace(boxes[thing], group=key)
            else:
                groups[thing] = replace(groups[thing], parent=key)
    return replace(diagram, boxes=tuple(boxes.values()), groups=(*made, *groups.values()))


def named(inside: Sequence[Box]) -> tuple[str, str]:
    """The name of a stretch, from its first operation to its last, and what it does most often."""
    names = [box.name for box in inside if box.kind in ("operation", "cost")] or [box.name for box in inside]
    counted = Counter(box.operation for box in inside if box.kind == "operation").most_common(2)
    name = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    return name, ", ".join(f"{count} {word}" for word, count in counted)


def foldings(diagram: Diagram, first: frozenset[str]) -> dict[frozenset[str], dict[str, frozenset[str]]]:
    """{folded groups: {a group that is seen: the folded groups after it is opened, or folded}}, from ``first`` on.

    Where all combinations are few, they are all there, and nothing else changes; otherwise others fold again.
    """
    groups = by_key(diagram.groups)
    few = len(groups) <= FREE
    found: dict[frozenset[str], dict[str, frozenset[str]]] = {}
    todo = [first]
    while todo:
        closed = todo.pop(0)
        if closed in found:
            continue
        found[closed] = {}
        for key, group in groups.items():
            if closed.isdisjoint(ancestry(group.parent, groups)):
                change = closed ^ {key} if few else alone(first, closed, group, groups)
                found[closed][key] = change
                todo.append(change)
    return found


def alone(first: frozenset[str], closed: frozenset[str], group: Group, groups: Mapping[str, Group]) -> frozenset[str]:
    """The folded groups where one is opened or folded, and nothing else is open but the way to it, and as at first."""
    if group.key in closed:
        return first - set(ancestry(group.key, groups))
    return first - set(ancestry(group.parent, groups)) | {group.key}
