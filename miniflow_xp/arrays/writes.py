"""Writes: an array stands for a new one, and so do all that show the same memory, as a write in place would have it.

Upwards, the array that a view was taken from gets the view's new elements in their places; downwards, views are taken
anew. Where there is no way up, as from the real part to the complex numbers, nobody may read what was above.
"""

from collections.abc import Sequence
from typing import Any

from miniflow_xp.arrays.calls import apply
from miniflow_xp.arrays.equations import STALE
from miniflow_xp.arrays.keys import Key, same_key
from miniflow_xp.arrays.libraries import device_of, share_memory
from miniflow_xp.arrays.memory import Source, views_of
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.dtypes import is_complex
from miniflow_xp.system.callers import calling_line


def write(array: Traced, new: Traced) -> None:
    """Let an array stand for another one, and those that show its memory for what they show now."""
    stand_for(array, new)
    if array.source is None and not array.views:
        array.memory = None
        return
    below, written = array, array.memory
    renew_views(array, written)
    while below.source is not None:
        above = below.source.array
        with_it = source_with(below.source, below)
        if with_it is None:
            make_stale(above, below, written)
            return
        stand_for(above, with_it)
        renew_views(above, written, but=below)
        below = above


def stand_for(array: Traced, new: Traced) -> None:
    """Let an array stand for another one."""
    array.array, array.level, array.equation, array.place, array.xp = (
        new.array,
        new.level,
        new.equation,
        new.place,
        new.xp,
    )


def is_shown_at(view: Any, array: Traced, key: Key) -> bool:
    """Is this the view ``array[key]``, which shows what it was written to already? So it is after ``x[k] += y``."""
    if type(view) is not Traced or view.source is None or view.level == STALE:
        return False
    source = view.source
    return source.array is array and source.op == "getitem" and same_key(source.args[0], key)


def renew_views(array: Traced, written: Any, but: Traced | None = None) -> None:
    """Take those views of an array anew that show something of what was written."""
    for view in views_of(array):
        if view is not but and view.source is not None and share_memory(written, view.memory):
            _, op, args, keywords = view.source
            stand_for(view, apply(op, array.xp, (array, *args), keywords))
            renew_views(view, written)


def source_with(source: Source, view: Traced) -> Any:
    """The array that a view was taken from, with the elements of the view in their places; None if there is no way."""
    array, op, args, keywords = source
    if op == "getitem":
        return apply("setitem", array.xp, (array, args[0], view))
    if op in ("reshape", "expand_dims", "squeeze"):
        return apply("reshape", array.xp, (view, array.shape))
    if op in ("matrix_transpose", "flip") or (op == "conj" and is_complex(view)):
        return apply(op, array.xp, (view, *args), keywords)
    if op == "permute_dims":
        return apply(op, array.xp, (view, inverse(args[0] if args else keywords["axes"])))
    if op == "linalg.diagonal":
        return apply("setitem", array.xp, (array, diagonal_key(array, *args, **keywords), view))
    if op == "moveaxis":
        places = (*args, *[keywords[name] for name in ("source", "destination") if name in keywords])
        return apply(op, array.xp, (view, *places[::-1]))
    if op in ("positive", "astype", "conj") and view.dtype == array.dtype:
        return view
    return None


def diagonal_key(array: Traced, offset: int = 0) -> Key:
    """The index of what ``linalg.diagonal`` takes."""
    rows, columns = array.shape[-2:]
    first = max(0, -offset)
    places = array.xp.arange(first, max(first, min(rows, columns - offset)), device=device_of(array))
    return ..., places, places + offset


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The order of axes that undoes another one."""
    order = [axis % len(axes) for axis in axes]
    return tuple([order.index(n) for n in range(len(order))])


def make_stale(array: Traced, but: Traced, written: Any) -> None:
    """Let nobody read what shows the memory that was written to, from an array on, upwards and downwards."""
    why = f"another one, which may show the same memory, was written to at {calling_line()}"
    todo, seen = [array], {id(but)}
    while todo:
        found = todo.pop()
        if id(found) in seen or not share_memory(written, found.memory):
            continue
        seen.add(id(found))
        found.level, found.place = STALE, why
        todo += [*views_of(found), *([found.source.array] if found.source is not None else [])]
