"""Memory that arrays share: which arrays show that of others, and how.

A traced array that is written to stands for a new array from then on, whose memory nobody else shows. What it showed
before, or would show had it been written in place, is kept instead: by it is known whom a write concerns.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from weakref import ref

from miniflow_xp.arrays.keys import is_basic
from miniflow_xp.arrays.libraries import share_memory
from miniflow_xp.arrays.traced import Traced, ground


class Source(NamedTuple):
    """Where a view is from: ``op`` of ``array``, and of whatever else it was given."""

    array: Traced
    op: str
    args: Sequence[Any]
    keywords: dict[str, Any]


def noted(op: Any, args: Sequence[Any], keywords: dict[str, Any], made: Any) -> Any:
    """The result of one of the functions in ``VIEWS``, with a note of whose memory it shows, if it does."""
    if not args or type(made) is not Traced or type(args[0]) is not Traced or keywords.get("copy"):
        return made
    if op != "getitem" or is_basic(args[1]):
        remember_view(Source(args[0], op, args[1:], keywords), made)
    return made


def remember_view(source: Source, view: Traced) -> None:
    """Note that ``view`` shows the memory of an array, if it does."""
    array = source.array
    content = ground(array)
    memory = memory_of(array)
    shown = ground(view)
    if memory is not content:  # it was written to: where would the view be, had that been done in place?
        shown = array.xp.native(source.op)(memory, *map(grounded_key, source.args), **source.keywords)
    if not share_memory(memory, shown):
        return
    array.memory, view.memory, view.source = memory, shown, source
    if array.views is None:
        array.views = {}
    views, number = array.views, id(view)
    views[number] = ref(view, lambda _: views.pop(number, None))


def memory_of(array: Traced) -> Any:
    """The library's array in the memory that an array shows, or would show had all writes been in place."""
    return ground(array) if array.memory is None else array.memory


def grounded_key(key: Any) -> Any:
    """An index, or another argument, with the library's own arrays in it."""
    return tuple(map(ground, key)) if type(key) is tuple else ground(key)


def views_of(array: Traced) -> Iterator[Traced]:
    """The arrays, still in use, that were made as views of this one."""
    for view in list((array.views or {}).values()):
        found = view()
        if found is not None:
            yield found
