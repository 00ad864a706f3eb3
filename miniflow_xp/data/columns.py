"""Reading the columns of a CSV file that a trained model knows, some rows at a time."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.rows import Row, read_rows
from miniflow_xp.data.tables import cell_count, features, header, listed
from miniflow_xp.errors import DataError

ROWS = 1024  # at a time, but fewer of wide tables:
CELLS = 2**19


class Cells(NamedTuple):
    """Features (m, d) in float64; the cells of one more column, if asked for; and the numbers of the lines."""

    features: Array
    cells: list[str]
    lines: list[int]


def read_columns(path: Path, names: Sequence[str], more: str | None = None) -> Iterator[Cells]:
    """The columns of these names, wherever they stand, and those of ``more`` as text; others are left out.

    Raises DataError for a column that is not there, and for a cell that holds no number.
    """
    rows = read_rows(path)
    found = header(path, rows)
    where = {name: place for place, name in enumerate(found)}
    places = [place_of(path, where, name) for name in names]
    other = None if more is None else place_of(path, where, more)
    empty = True
    for part in in_parts(path, rows, len(found)):
        empty = False
        numbers = array("d")
        for line, cells in part:
            numbers.extend(features(path, line, names, [cells[place] for place in places]))
        labels = [] if other is None else [cells[other] for _, cells in part]
        yield Cells(np.frombuffer(numbers).reshape(len(part), -1), labels, [line for line, _ in part])
    if empty:
        raise DataError(
            str(path), "it has a header line and nothing more", "a table has rows", "Add the data below the header"
        )


def in_parts(path: Path, rows: Iterator[Row], width: int) -> Iterator[list[Row]]:
    """Up to ROWS rows and about CELLS cells at a time; each row has as many cells as the header line."""
    part: list[Row] = []
    most = max(1, min(ROWS, CELLS // width))
    for line, cells in rows:
        cell_count(path, line, cells, width)
        part.append((line, cells))
        if len(part) == most:
            yield part
            part = []
    if part:
        yield part


def place_of(path: Path, places: Mapping[str, int], name: str) -> int:
    """Where the column of this name stands; raises DataError."""
    place = places.get(name)
    if place is not None:
        return place
    close = get_close_matches(name, places, n=1, cutoff=0.5)
    raise DataError(
        str(path),
        f"no column is named {name[:80]!r}",
        f"the model reads it; the columns are {listed(places)}",
        f"Did you mean {close[0][:80]!r}? Then rename it" if close else "Add the column",
    )
