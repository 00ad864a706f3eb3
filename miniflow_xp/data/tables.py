"""A table as numbers and a target; every complaint says file, line and column."""

from array import array
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import of_kind
from miniflow_xp.data.dialect import AS_IT_LOOKS, Dialect
from miniflow_xp.data.encoding import Column, ColumnBuilder, missing, width
from miniflow_xp.data.opening import open_sheet
from miniflow_xp.data.origin import MemoryBudget, Origin
from miniflow_xp.data.sheet import Sheet
from miniflow_xp.data.target import Target, interpret, is_missing
from miniflow_xp.errors import DataError


class Holdout(NamedTuple):
    """Held-out rows that came with a table, as its own rows are, and ``where`` they came from."""

    features: Array
    target: Array
    where: str


class Table(NamedTuple):
    """What is known, ``features`` (n, …) in the dtype of its file, and what is to be predicted, ``target`` (n,).

    In classification the target holds class numbers 0 … k-1 and ``classes`` their k names; in regression it holds
    float64 and ``classes`` is empty. ``because`` says how the task was decided. ``held``: rows for a test, if they came
    along. ``columns``: those of a file, which tell how ``features`` came from them; a missing number is NaN there,
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


def read_table(source: Any, target: str | None, task: str = "auto", asked: Dialect = AS_IT_LOOKS) -> Table:
    """The table in a file, CSV or Parquet, or one in memory: of pandas, Polars, PyArrow, or what else speaks Arrow.

    A CSV file is plain or compressed by gzip, in UTF-8, with a header line. ``target``: the column to predict; all
    others are features: numbers, or texts of which there are few, as the module ``encoding`` describes. ``task``:
    ``classification``, ``regression``, or ``auto``: classification where the target is text, or whole numbers with at
    most 20 distinct values. ``asked``: separator and decimal sign of a CSV file. Raises DataError for a file or a cell
    that does not fit, SettingError for an unknown task, separator or sign, PackageMissingError where PyArrow is needed
    and missing.
    """
    if target is not None:
        of_kind(target, str, "read_table, target", "it is the name of a column", "Give its name as text")
    sheet = open_sheet(source, asked)
    origin, place = sheet.origin, target_place(sheet.origin, sheet.names, target)
    gathered, labels, lines = gather(sheet, place)
    columns = tuple(column.column() for column in gathered)
    origin.check_room(8 * width(columns) * len(lines))
    where = f"{origin}, column {sheet.names[place]!r}"
    found: Target = interpret(where, labels, lines, task, sheet.decimal, origin.unit)
    return Table(
        origin.title,
        str(origin),
        matrix(gathered, columns, len(lines)),
        tuple(name for column in columns for name in column.names),
        found.values,
        sheet.names[place],
        *found[1:],
        columns=columns,
        notes=(*sheet.notes, *notes(columns, gathered)),
    )


def gather(sheet: Sheet, place: int) -> tuple[list[ColumnBuilder], list[str], Sequence[int]]:
    """The feature columns, the cells of the target, which is the column at ``place``, and the lines of the rows."""
    names = list(sheet.names)
    target = names.pop(place)
    gathered = [ColumnBuilder(sheet.origin, name, sheet.decimal) for name in names]
    labels, lines, taken = list[str](), array("q"), MemoryBudget(sheet.origin)
    for line, cells in sheet.rows:
        label = cells.pop(place)
        if is_missing(label):
            raise missing(sheet.origin, line, target, label)
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


def target_place(origin: Origin, names: list[str], target: str | None) -> int:
    """Where the target's column stands; raises DataError where it is missing or alone."""
    if target is None:
        raise DataError(
            str(origin), "no target was named", f"the columns are {listed(names)}", "Name one: target='COLUMN'"
        )
    if target not in names:
        close = get_close_matches(target, names, n=3, cutoff=0.5) or [
            name for name in names if name.lower() == target.lower()
        ]
        raise DataError(
            str(origin),
            f"no column is named {target!r}",
            f"the columns are {listed(names)}",
            f"Did you mean {' or '.join(map(repr, close))}?" if close else "Choose one of these",
        )
    if len(names) == 1:
        raise DataError(
            str(origin), f"it has no column but {target!r}", "a target is predicted from others", "Add feature columns"
        )
    return names.index(target)


def listed(names: Collection[str]) -> str:
    """The first names, each shortened, and how many there are where these are not all."""
    first = ", ".join(name[:80] for name in islice(names, 12))
    return first + (f", … ({len(names)} in all)" if len(names) > 12 else "")
