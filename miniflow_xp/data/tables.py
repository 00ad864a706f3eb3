"""Reading a CSV file as numbers and a target; every complaint says file, line and column."""

from array import array
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import of_kind, usable_path
from miniflow_xp.data.dialect import DECIMALS, SEPARATORS, Dialect, decimal_of
from miniflow_xp.data.encoding import Column, ColumnBuilder, missing, width
from miniflow_xp.data.room import check_room, room, too_large
from miniflow_xp.data.rows import Row, Rows
from miniflow_xp.data.target import Target, interpret, is_missing
from miniflow_xp.errors import DataError

AS_IT_LOOKS = Dialect()
ROWS = 1024  # at a time, but fewer of wide tables:
CELLS = 2**19
OF_A_ROW = 80  # bytes of a text, of its place in a list, and of the number of a line


class Holdout(NamedTuple):
    """Held-out rows that came with a table, as its own rows are, and ``where`` they came from."""

    features: Array
    target: Array
    where: str


class Table(NamedTuple):
    """What is known, ``features`` (n, …) in the dtype of its file, and what is to be predicted, ``target`` (n,).

    In classification the target holds class numbers 0 … k-1 and ``classes`` their k names; in regression it holds
    float64 and ``classes`` is empty. ``because`` says how the task was decided. ``held``: rows for a test, if they came
    along. ``columns``: those of a CSV file, which tell how ``features`` came from them; a missing number is NaN there,
    until ``hold_out`` puts a median in its place. ``notes``: what a user wants to know of that, in words.
    """

    name: str
    source: str
    features: Array
    feature_names: tuple[str, ...]
    target: Array
    target_name: str
    classes: tuple[str, ...]
    because: str
    held: Holdout | None = None
    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """``classification`` or ``regression``."""
        return "classification" if self.classes else "regression"


def read_table(path: str | Path, target: str | None, task: str = "auto", asked: Dialect = AS_IT_LOOKS) -> Table:
    """The table in a CSV file, plain or compressed by gzip, in UTF-8, with a header line.

    ``target``: the column to predict; all others are features: numbers, or texts of which there are few, as the module
    ``encoding`` describes. ``task``: ``classification``, ``regression``, or ``auto``: classification where the target
    is text, or whole numbers with at most 20 distinct values. ``asked``: separator and decimal sign. Raises DataError
    for a file or a cell that does not fit, SettingError for an unknown task, separator or sign.
    """
    path = usable_path(path, "read_table, path", DataError)
    if target is not None:
        of_kind(target, str, "read_table, target", "it is the name of a column", "Give its name as text")
    sheet = open_sheet(path, asked)
    place = target_place(path, sheet.names, target)
    gathered, labels, lines = gather(path, sheet, place)
    columns = tuple(column.column() for column in gathered)
    check_room(str(path), path, 8 * width(columns) * len(lines))
    where = f"{path}, column {sheet.names[place]!r}"
    found: Target = interpret(where, labels, lines, task, sheet.decimal)
    return Table(
        path.name.removesuffix(".gz").removesuffix(".csv"),
        str(path),
        matrix(gathered, columns, len(lines)),
        tuple(name for column in columns for name in column.names),
        found.values,
        sheet.names[place],
        *found[1:],
        columns=columns,
        notes=(*sheet.notes, *notes(columns, gathered)),
    )


def gather(path: Path, sheet: "Sheet", place: int) -> tuple[list[ColumnBuilder], list[str], Sequence[int]]:
    """The feature columns, the cells of the target, which is the column at ``place``, and the lines of the rows."""
    names = list(sheet.names)
    target = names.pop(place)
    gathered = [ColumnBuilder(path, name, sheet.decimal) for name in names]
    labels, lines, taken = list[str](), array("q"), MemoryBudget(path)
    for line, cells in sheet.rows:
        label = cells.pop(place)
        if is_missing(label):
            raise missing(path, line, target, label)
        for column, cell in zip(gathered, cells, strict=True):
            column.add(line, cell)
        labels.append(label)
        lines.append(line)
        taken.add(line, 1, len(cells), len(label))
    return gathered, labels, lines


def matrix(gathered: Sequence[ColumnBuilder], columns: Sequence[Column], rows: int) -> Array:
    """All columns as numbers (rows, d) in float64."""
    found, start = np.empty((rows, width(columns))), 0
    for part, column in zip(gathered, columns, strict=True):
        block = part.block(column)
        found[:, start : start + block.shape[1]] = block
        start += block.shape[1]
    return found


def notes(columns: Sequence[Column], gathered: Sequence[ColumnBuilder]) -> Iterator[str]:
    """What was made of columns that are not plain numbers, in words."""
    for column, part in zip(columns, gathered, strict=True):
        found = [f"{len(column.categories)} categories, a 0/1 column for each"] if column.categories else []
        if column.gaps:
            stands = "" if column.categories else "the median in their place, and "
            found.append(f"{part.gaps:,} missing cells, {stands}a column that marks them")
        if found:
            yield f"{column.name}: {'; '.join(found)}"


class Sheet(NamedTuple):
    """An open CSV file: the names of its columns, its rows, each with as many cells, and its decimal sign."""

    names: list[str]
    rows: Iterator[Row]
    decimal: str
    notes: tuple[str, ...]


def open_sheet(path: Path, asked: Dialect = AS_IT_LOOKS) -> Sheet:
    """The file, with what was not asked for as its first rows look. Raises DataError and SettingError."""
    separator, decimal = asked.check()
    rows = Rows(path, separator)
    names = header(path, rows)
    counted = same_length(path, rows, len(names))
    first = list(islice(counted, rows_of(len(names))))
    if not first:
        raise DataError(
            str(path), "it has a header line and nothing more", "a table has rows", "Add the data below the header"
        )
    found = rows.separator or ","
    if decimal is None:
        decimal = decimal_of((cell for _, cells in first for cell in cells), found)
    usual = (found, decimal) == (",", ".")
    told = () if usual else (f"separated by {SEPARATORS[found]}, numbers with {DECIMALS[decimal]}",)
    return Sheet(names, chain(first, counted), decimal, told)


def rows_of(width: int) -> int:
    """How many rows are looked at together: fewer of wide tables."""
    return max(1, min(ROWS, CELLS // width))


def same_length(path: Path, rows: Iterator[Row], width: int) -> Iterator[Row]:
    """The rows, each with as many cells as the header line."""
    for line, cells in rows:
        cell_count(path, line, cells, width)
        yield line, cells


class MemoryBudget:
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
            "Mend this line; a cell that holds the separator needs quotes",
        )


def target_place(path: Path, names: list[str], target: str | None) -> int:
    """Where the target's column stands; raises DataError where it is missing or alone."""
    if target is None:
        raise DataError(
            str(path), "no target was named", f"the columns are {listed(names)}", "Name one: target='COLUMN'"
        )
    if target not in names:
        close = get_close_matches(target, names, n=3, cutoff=0.5) or [
            name for name in names if name.lower() == target.lower()
        ]
        raise DataError(
            str(path),
            f"no column is named {target!r}",
            f"the columns are {listed(names)}",
            f"Did you mean {' or '.join(map(repr, close))}?" if close else "Choose one of these",
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
