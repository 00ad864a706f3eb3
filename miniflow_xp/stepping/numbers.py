"""Arrays for people: all numbers of small ones; of large ones shape, least, mean, most, and the first few."""

from math import prod
from typing import NamedTuple

import numpy as np

from miniflow_xp.drawing.summary import number, summary

MOST = 8
"""The most rows, and numbers in a row, of an array that is shown whole."""

ROWS, COLUMNS = 3, 4
"""What is shown of a larger one."""

FIRST = 3
"""Of how many elements the formula is written out."""

Place = tuple[int, ...]


class Table(NamedTuple):
    """Rows of numbers as text, where each stands, and of an array that is cut off a sentence about the whole.

    ``wide``, ``long``: are there more columns, and more rows?
    """

    rows: list[list[str]]
    places: list[list[Place]]
    more: str
    wide: bool
    long: bool


def table(array: np.ndarray) -> Table:
    """The numbers of a small array, or the first ones of a large one, in rows along its last axis."""
    last = array.shape[-1] if array.ndim else 1
    flat = array.reshape(-1, last) if array.size else array.reshape(0, 1)
    whole = max(flat.shape) <= MOST
    rows, columns = (MOST, MOST) if whole else (ROWS, COLUMNS)
    lead = array.shape[:-1]
    shown = flat[:rows, :columns]
    places = [[(*place_of(r, lead), c) if array.ndim else () for c in range(shown.shape[1])] for r in range(len(shown))]
    words = [[number(x) for x in row] for row in shown]
    wide, long = (n < m for n, m in zip(shown.shape[::-1], flat.shape[::-1], strict=True))
    return Table(words, places, "" if whole else range_of(array), wide, long)


def place_of(n: int, shape: Place) -> Place:
    """The index of the n-th element."""
    return tuple(int(i) for i in np.unravel_index(n, shape)) if shape else ()


def range_of(array: np.ndarray) -> str:
    """The range of an array in a line: of its finite numbers, and how many are not."""
    found = summary(array)
    told = [] if found is None else [*(f"{word} {number(end)}" for word, end in found.ends), *found.odd]
    return ", ".join(told) or f"{array.size} elements"


def form(array: np.ndarray) -> str:
    """Shape, as Python spells it, and dtype."""
    return f"{array.shape} {array.dtype}"


def exact(x: float) -> str:
    """A number in ten digits, which tell a wrong one from a right one."""
    return f"{x:.10g}"


def compact(array: np.ndarray) -> str:
    """A small array in one line: ``[[1, 2], [3, 4]]``."""
    return number(array) if not array.ndim else "[" + ", ".join(map(compact, array)) + "]"


def first_places(shape: Place) -> list[Place]:
    """The first few elements of an array."""
    return [place_of(n, shape) for n in range(min(FIRST, prod(shape)))]


def at(name: str, place: Place) -> str:
    """An element of what has a name: ``W[0, 1]``."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name
