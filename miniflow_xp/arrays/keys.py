"""Indices, as far as their form says something."""

from typing import Any

Key = Any

PLAIN = {int, slice, type(None), type(Ellipsis)}


def parts_of(key: Key) -> tuple[Any, ...]:
    """An index as the tuple of its parts."""
    return key if isinstance(key, tuple) else (key,)


def is_integer(part: Any) -> bool:
    """Is this one place: a Python integer, or an array of integers without axes?"""
    if isinstance(part, int):
        return True
    return hasattr(part, "dtype") and part.shape == () and "int" in str(part.dtype)


def is_mask(part: Any) -> bool:
    """Is this an array of truth values?"""
    return "bool" in str(getattr(part, "dtype", ""))


def is_basic(key: Key) -> bool:
    """Is this made of integers, slices, None and Ellipsis only? Then libraries may give a view."""
    parts = parts_of(key)
    return PLAIN.issuperset(map(type, parts)) or all(map(is_plain, parts))


def is_plain(part: Any) -> bool:
    """Is this an integer, a slice, None or Ellipsis?"""
    return type(part) in PLAIN or is_integer(part)


def unique_places(key: Key) -> bool:
    """Does an index name no place twice? One with arrays of integers may."""
    return all(is_plain(part) or is_mask(part) for part in parts_of(key))


def same_key(a: Key, b: Key) -> bool:
    """Do two indices without arrays name the same places, in the same words?"""
    if len(parts_of(a)) != len(parts_of(b)):
        return False
    return all(
        p is q or (int(p) == int(q) if is_integer(p) and is_integer(q) else type(p) is type(q) and p == q)
        for p, q in zip(parts_of(a), parts_of(b), strict=True)
    )


def has_backward_step(key: Key) -> bool:
    """Is there a slice that goes from the end to the front?"""
    return any(type(part) is slice and part.step is not None and part.step < 0 for part in parts_of(key))


def forward(key: Key, shape: tuple[int, ...]) -> tuple[Key, tuple[int, ...]]:
    """The same index with steps to the back only, and the axes to flip before."""
    parts = parts_of(key)
    taken = [axes_taken(part) for part in parts]
    found, flipped, axis = [], [], 0
    for part, axes in zip(parts, taken, strict=True):
        if part is Ellipsis:
            axes = len(shape) - sum(taken)
        elif type(part) is slice and part.step is not None and part.step < 0:
            places = range(*part.indices(shape[axis]))
            first = shape[axis] - 1 - places.start if places else shape[axis]
            part = slice(first, first - len(places) * part.step, -part.step)
            flipped.append(axis)
        found.append(part)
        axis += axes
    return tuple(found), tuple(flipped)


def axes_taken(part: Any) -> int:
    """The number of axes that a part of an index takes; none for an Ellipsis, whose axes are those that are left."""
    if part is None or part is Ellipsis or isinstance(part, bool):
        return 0
    return len(part.shape) if is_mask(part) else 1
