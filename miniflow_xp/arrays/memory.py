"""Memory that arrays share: a write to one of them makes those wrong that show it too, and nobody may read them.

A traced array that is written to stands for a new array from then on. With the library's own arrays, its views would
change with it; here they cannot, and are refused instead.
"""

from collections.abc import Sequence
from typing import Any
from weakref import ref

from miniflow_xp.arrays.equations import STALE
from miniflow_xp.arrays.keys import is_basic, same_key
from miniflow_xp.arrays.libraries import share_memory
from miniflow_xp.arrays.tables import VIEWS
from miniflow_xp.arrays.traced import Traced, ground
from miniflow_xp.system.callers import calling_line


class Write:
    """What made an array stale: for the error, and to undo it where ``x[k] += y`` brings the view back to its place.

    ``view``, ``key``: the array that was written to, and the index it was taken by. ``level``, ``place``: those of the
    array before.
    """

    def __init__(self, view: Traced, key: Any, level: int, place: Any, line: str) -> None:
        self.view = ref(view)
        self.key = key
        self.level = level
        self.place = place
        self.line = line

    def __str__(self) -> str:
        return f"another one, which may show the same memory, was written to at {self.line}"


def noted(op: Any, args: Sequence[Any], keywords: dict[str, Any], made: Any) -> Any:
    """The result of a call, with a note of whose memory it shows, if it does."""
    if not args or type(made) is not Traced or type(args[0]) is not Traced:
        return made
    if op == "getitem":
        if is_basic(args[1]):
            remember_view(args[0], made, args[1])
    elif op in VIEWS and not keywords.get("copy"):
        remember_view(args[0], made, None)
    return made


def remember_view(source: Traced, view: Traced, key: Any) -> None:
    """Note that ``view`` shows the memory of ``source``, if it does."""
    memory, shown = ground(source), ground(view)
    if not share_memory(memory, shown):
        return
    source.memory = memory if source.memory is None else source.memory
    view.memory = shown
    view.source = source, key
    if source.views is None:
        source.views = {}
    views, number = source.views, id(view)
    views[number] = ref(view, lambda _: views.pop(number, None))


def made_stale(written: Traced) -> None:
    """Let nobody read what shows the memory of an array that is written to."""
    if written.source is None and not written.views:
        return
    source, key = written.source or (None, None)
    todo, seen, line = [written], {id(written)}, calling_line()
    while todo:
        array = todo.pop()
        near = [*([array.source[0]] if array.source is not None else []), *(v() for v in (array.views or {}).values())]
        for other in near:
            if other is None or id(other) in seen:
                continue
            seen.add(id(other))
            todo.append(other)
            if other.level != STALE and share_memory(written.memory, other.memory):
                other.place = Write(written, key if other is source else None, other.level, other.place, line)
                other.level = STALE
    detach(written, source)


def detach(array: Traced, source: Traced | None) -> None:
    """Let an array show no other's memory any more, and no other its own: it has a new one."""
    if source is not None and source.views is not None:
        source.views.pop(id(array), None)
    for view in list((array.views or {}).values()):
        if (shown := view()) is not None:
            shown.source = None
    array.source, array.views, array.memory = None, None, None


def readable_again(array: Traced, key: Any, value: Any) -> None:
    """Undo that ``array`` is stale where ``value``, which made it so, is ``array[key]`` and about to be put back."""
    write = array.place
    if type(write) is Write and write.view() is value and write.key is not None and same_key(write.key, key):
        array.level, array.place = write.level, write.place
