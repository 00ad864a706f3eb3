"""Reading a CSV file as numbers and a target; every complaint says file, line and column."""

from array import array
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from math import isnan
from pathlib import Path
from reprlib import repr as shortened
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import of_kind, usable_path
from miniflow_xp.data.room import room, too_large
from miniflow_xp.data.rows import Row, read_rows
from miniflow_xp.data.target import POINTS, Target, commas, has_commas, interpret, is_missing, number
from miniflow_xp.errors import DataError

OF_A_ROW = 80  # bytes of a text, of its place in a list, and of the number of a line


class Held(NamedTuple):
    """Held-out rows that came with a table, as its own rows are, and ``where`` they came from."""

    features: Array
    target: Array
    where: str


class Table(NamedTuple):
    """What is known, ``features`` (n, …) in the dtype of its file, and what is to be predicted, ``target`` (n,).

    In classification the target holds class numbers 0 … k-1 and ``classes`` their k names; in regression it holds
    float64 and ``classes`` is empty. ``because`` says how the task was decided. ``held``: rows for a test, if they came
    along.
    """

    name: str
    source: str
    features: Array
    feature_names: tuple[str, ...]
    target: Array
    target_name: str
    classes: tuple[str, ...]
    because: str
    held: Held | None = None

    @property
    def task(self) -> str:
        """``classification`` or ``regression``."""
        return "classification" if self.classes else "regression"


def read_table(path: str | Path, target: str | None, task: str = "auto") -> Table:
    """The table in a CSV file, plain or compressed by gzip, in UTF-8, with a header line.

    ``target``: the column to predict; all others are features and must be numbers. ``task``: ``classification``,
    ``regression``, or ``auto``: classification where the target is text, or whole numbers with at most 20 distinct
    values. Raises DataError for a file or a cell that does not fit, SettingError for an unknown task.
    """
    path = usable_path(path, "read_table, path")
    if target is not None:
        of_kind(target, str, "read_table, target", "it is the name of a column", "Give its name as text")
    rows = read_rows(path)
    names = header(path, rows)
    place = target_place(path, names, target)
    feature_names = tuple(names[:place] + names[place + 1 :])
    numbers, labels, lines = array("d"), list[str](), array("q")
    taken = Taken(path)
    for line, cells in rows:
        cell_count(path, line, cells, len(names))
        label = cells.pop(place)
        if is_missing(label):
            raise missing(path, line, names[place], label)
        numbers.extend(features(path, line, feature_names, cells))
        labels.append(label)
        lines.append(line)
        taken.add(line, 1, len(cells), len(label))
    if not lines:
        raise DataError(
            str(path), "it has a header line and nothing more", "a table has rows", "Add the data below the header"
        )
    found: Target = interpret(f"{path}, column {names[place]!r}", labels, lines, task)
    matrix = np.frombuffer(numbers).reshape(len(lines), -1)
    name = path.name.removesuffix(".gz").removesuffix(".csv")
    return Table(name, str(path), matrix, feature_names, found.values, names[place], *found[1:])


class Taken:
    """Counts the memory that the rows of a file take; raises DataError where it is more than the file may."""

    def __init__(self, path: Path) -> None:
        self.path, self.most, self.bytes = path, room(path), 0

    def add(self, line: int, rows: int, numbers: int, characters: int) -> None:
        """Rows up to this line: so many numbers, and characters of labels, each of which is a text of Python."""
        self.bytes += OF_A_ROW * rows + 8 * numbers + characters
        if self.bytes > self.most:
            where = f"{self.path}, line {line}"
            raise too_large(where, f"the rows up to here take {self.bytes:,} bytes in memory", self.most)


def header(path: Path, rows: Iterator[Row]) -> list[str]:
    """Column names, which must be there and differ."""
    line, names = next(rows, (1, []))
    if not names:
        raise DataError(str(path), "it is empty", "a table has a header line and rows", "Give a file with data")
    seen = set[str]()
    for place, name in enumerate(names, 1):
        if name in seen or not name:
            raise DataError(
                f"{path}, line {line}, column {place}",
                f"the name {name[:80]!r} comes twice" if name else "it has no name",
                "the first line names the columns, each differently",
                "Rename the column or take it out, or add a header line if there is none",
            )
        seen.add(name)
    return names


def cell_count(path: Path, line: int, cells: list[str], expected: int) -> None:
    """Raise DataError where a row has more or fewer cells than the header line."""
    if len(cells) != expected:
        raise DataError(
            f"{path}, line {line}",
            f"it has {len(cells)} cell{'' if len(cells) == 1 else 's'}",
            f"the header line has {expected}",
            "Mend this line; a cell that holds a comma needs quotes",
        )


def target_place(path: Path, names: list[str], target: str | None) -> int:
    """Where the target's column stands; raises DataError where it is missing or alone."""
    if target is None:
        raise DataError(
            str(path), "no target was named", f"the columns are {listed(names)}", "Name one: --target COLUMN"
        )
    if target not in names:
        close = get_close_matches(target, names, n=3, cutoff=0.5) or [
            name for name in names if name.lower() == target.lower()
        ]
        semicolons = len(names) == 1 and (";" in names[0] or "\t" in names[0])
        remedy = "Separate the columns by commas" if semicolons else "Choose one of these"
        raise DataError(
            str(path),
            f"no column is named {target!r}",
            f"the columns are {listed(names)}",
            f"Did you mean {' or '.join(map(repr, close))}?" if close and not semicolons else remedy,
        )
    if len(names) == 1:
        raise DataError(
            str(path), f"it has no column but {target!r}", "a target is predicted from others", "Add feature columns"
        )
    return names.index(target)


def listed(names: Collection[str]) -> str:
    """The first names, each shortened, and how many there are where these are not all."""
    first = ", ".join(name[:80] for name in islice(names, 12))
    return first + (f", … ({len(names)} in all)" if len(names) > 12 else "")


def features(path: Path, line: int, names: Sequence[str], cells: list[str]) -> list[float]:
    """The numbers in a row's feature cells."""
    values = [number(cell) for cell in cells]
    for name, cell, value in zip(names, cells, values, strict=True):
        if is_missing(cell) or (value is not None and isnan(value)):
            raise missing(path, line, name, cell)
        if has_commas(cell):
            raise DataError(f"{path}, line {line}, column {name[:80]!r}", *commas(cell), POINTS)
        if value is None:
            raise DataError(
                f"{path}, line {line}, column {name[:80]!r}",
                f"{shortened(cell)} is not a number",
                "features are numbers",
                "Take the column out of the file, or encode it, for instance by a 0/1 column for each of its values",
            )
        if abs(value) == float("inf"):
            raise DataError(
                f"{path}, line {line}, column {name[:80]!r}",
                f"it is {cell}",
                "numbers are finite",
                "Mend or drop the row",
            )
    return values  # type: ignore[return-value]  # None has been refused above


def missing(path: Path, line: int, name: str, cell: str) -> DataError:
    """The error for a cell without a value."""
    return DataError(
        f"{path}, line {line}, column {name[:80]!r}",
        f"it is {cell}" if cell else "it is empty",
        "every cell holds a value",
        "Fill it in, or take the row or the column out of the file",
    )
