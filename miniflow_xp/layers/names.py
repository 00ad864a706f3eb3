"""Automatic names: ``dense_1``, ``dense_2``, …, numbered by kind."""

from collections import Counter
from collections.abc import Collection
from itertools import count

_lone: Counter[str] = Counter()


def lone_name(kind: str) -> str:
    """A name for a layer that is no part of a model: numbered in this process."""
    _lone[kind] += 1
    return f"{kind.lower()}_{_lone[kind]}"


def free_name(kind: str, taken: Collection[str]) -> str:
    """The first name of this kind that is not taken."""
    return next(name for n in count(1) if (name := f"{kind.lower()}_{n}") not in taken)
